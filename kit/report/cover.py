"""The first page: whose account, when, under which role, made with what."""

from __future__ import annotations

import datetime as dt

from kit.calls import GET_CALLER_IDENTITY, LOOKUP_EVENTS
from kit.judge.findings import Findings
from kit.report.views import Cover
from kit.snapshot import Snapshot
from kit.tables.logging import events_read

_SIGNATURE = "data/evidence.pdf and tagmanifest-sha256.txt.p7s"
_COLLECTORS = {"assumed-role": "an assumed role", "user": "an IAM user", "root": "the root user"}


def cover(findings: Findings, snapshot: Snapshot) -> Cover:
    """The first page: whose account, when, under which role, made with what."""
    run = snapshot.run
    facts = [
        ("Account", snapshot.account),
        ("Regions in scope", ", ".join(snapshot.regions)),
        ("Period", _period(snapshot)),
        ("Controller", run.controller or "not declared"),
        ("Role under the GDPR", run.data_role or "not declared"),
        ("Register of processing", run.register_reference or "not declared"),
        ("Contact", run.contact or "not declared"),
        ("Thresholds", snapshot.profile.name),
        ("Collected", _collected(snapshot)),
        ("Requests to AWS", f"{sum(r.attempts > 0 for r in snapshot.requests)}"),
        *_stopped(snapshot),
        *_lender(snapshot),
        (
            "Made with",
            f"appstream-evidence-kit {snapshot.header['kit']}, AWS's API models of botocore "
            f"{snapshot.header['botocore']}",
        ),
        ("Snapshot (SHA-256)", snapshot.digest),
        ("Findings (SHA-256)", findings.digest),
        ("Signature", _SIGNATURE if run.signed else "none: this pack is unsigned"),
    ]
    marks = [f"Signed: see {_SIGNATURE}" if run.signed else "Unsigned"]
    if not run.pseudonymise:
        marks.append("Names in clear: contains personal data")
    return Cover(
        title="GDPR evidence pack",
        subtitle=f"Amazon AppStream 2.0 (WorkSpaces Applications), account {snapshot.account}",
        facts=facts,
        as_of=snapshot.as_of.isoformat(),
        stamp=snapshot.stamp,
        marks=marks,
        paper=run.paper,
    )


def _stopped(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What the collector stopped to ask, and why; nothing where it asked everything."""
    reasons = [stop["message"] for stop in snapshot.stopped]
    return [("Collection stopped", "; ".join(reasons))] if reasons else []


def _lender(snapshot: Snapshot) -> list[tuple[str, str]]:
    lender = snapshot.organisation
    if lender is None:
        return []
    told = f"account {lender.account}, as of {lender.as_of:%Y-%m-%d %H:%M} UTC, "
    return [("Organisation's snapshot", f"{told}SHA-256 {lender.header['digest']}")]


def _period(snapshot: Snapshot) -> str:
    """When configuration was read, and of which events: how many, from when to when, all or not."""
    read = f"configuration as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    answers = {region: snapshot.answer(LOOKUP_EVENTS, region) for region in snapshot.regions}
    asked = [region for region, answer in answers.items() if answer.requests]
    if not asked:
        return f"{read}; no events of CloudTrail were read"
    days = snapshot.run.lookback_days
    since = snapshot.as_of - dt.timedelta(days=days)
    some = any(answers[region].sampled for region in asked)
    what = "a sample of CloudTrail's events" if some else "CloudTrail's events"
    events = "; ".join(f"{region}: {events_read(answers[region])}" for region in asked)
    return f"{read}; {what}, of the {days} days from {since:%Y-%m-%d} asked for: {events}"


def _collected(snapshot: Snapshot) -> str:
    """From when to when AWS was asked, and as what; who it was stays in the snapshot."""
    answer = snapshot.answer(GET_CALLER_IDENTITY)
    kind = str(answer.value("Arn") or "").rpartition(":")[2].partition("/")[0]
    asked_as = _COLLECTORS.get(kind, kind or "not seen")
    return (
        f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} to {dt.datetime.fromisoformat(snapshot.ended):%H:%M:%S} UTC, "
        f"as {asked_as} ({', '.join(answer.evidence) or 'not asked'})"
    )
