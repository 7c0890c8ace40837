"""The first page: whose account, when, under which role, made with what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from kit.calls import GET_CALLER_IDENTITY, LOOKUP_EVENTS
from kit.catalogue.texts import located, text
from kit.judge.findings import Findings
from kit.report.views import Cover
from kit.snapshot import Snapshot, foreign
from kit.tables.logging import events_read
from kit.tables.places import is_unused

SIGNATURES = "data/evidence.pdf, tagmanifest-sha256.txt.p7s"
_COLLECTORS = ("assumed-role", "user", "root")


def cover(findings: Findings, snapshot: Snapshot) -> Cover:
    """Return the first page: whose account, when, under which role, made with what."""
    run, undeclared = snapshot.run, text("report/cover/not_declared")
    kit, botocore = snapshot.header["kit"], snapshot.header["botocore"]
    unsigned = text("report/cover/unsigned")
    others = foreign(request.endpoint for request in snapshot.evidence)
    facts = {
        "account": snapshot.account,
        "regions": ", ".join(snapshot.regions),
        "period": _period(snapshot),
        "controller": run.controller or undeclared,
        "data_role": run.data_role or undeclared,
        "register": run.register_reference or undeclared,
        "contact": run.contact or undeclared,
        "thresholds": snapshot.profile.name,
        "collected": _collected(snapshot),
        "session": session(snapshot),
        "requests": f"{sum(request.attempts > 0 for request in snapshot.requests)}",
        "stopped": "; ".join(stop["message"] for stop in snapshot.stopped),
        "lender": _lender(snapshot),
        "kit": text("report/cover/made_with", kit=kit, botocore=botocore),
        "snapshot": snapshot.digest,
        "findings": findings.digest,
        "signature": SIGNATURES if run.signed else unsigned,
    }
    marks = [text("report/cover/signed", where=SIGNATURES) if run.signed else unsigned]
    if not run.pseudonymise:
        marks.append(text("report/cover/clear"))
    return Cover(
        title=text("report/cover/title"),
        subtitle=text("report/cover/subtitle", account=snapshot.account),
        facts=[(text(f"report/cover/facts/{name}"), fact) for name, fact in facts.items() if fact],
        as_of=snapshot.as_of.isoformat(),
        stamp=text("report/stamp", hosts=", ".join(others)) if others else None,
        marks=marks,
        paper=run.paper,
        language=located(),
        in_use=not is_unused(snapshot),
        brief=_brief(snapshot, facts),
    )


def _brief(snapshot: Snapshot, facts: Mapping[str, str]) -> str:
    """Return whose account it is, the period and the regions, for the top of the first page."""
    since = snapshot.as_of - dt.timedelta(days=snapshot.run.lookback_days)
    read = any(answer.requests for answer in snapshot.answers(LOOKUP_EVENTS))
    events = text("report/cover/brief_events", since=f"{since:%Y-%m-%d}") if read else ""
    named = {name: facts[name] for name in ("account", "controller", "data_role", "regions")}
    return text("report/cover/brief", **named, as_of=f"{snapshot.as_of:%Y-%m-%d}", events=events)


def session(snapshot: Snapshot) -> str:
    """Return what limited the permissions of the credentials; empty where it is not recorded."""
    if "session" not in snapshot.header:
        return ""
    facts = snapshot.header["session"]
    if facts is None:
        return text("report/cover/session/none")
    return text(
        f"report/cover/session/{facts['policy']}",
        actions=facts["actions"],
        seconds=facts["seconds"],
    )


def _lender(snapshot: Snapshot) -> str:
    lender = snapshot.organisation
    if lender is None:
        return ""
    return text(
        "report/cover/lender",
        account=lender.account,
        as_of=f"{lender.as_of:%Y-%m-%d %H:%M}",
        digest=lender.header["digest"],
    )


def _period(snapshot: Snapshot) -> str:
    """Return when the kit read the configuration, and the number, period and share of events."""
    as_of = f"{snapshot.as_of:%Y-%m-%d %H:%M}"
    answers = {region: snapshot.answer(LOOKUP_EVENTS, region) for region in snapshot.regions}
    regions = [region for region, answer in answers.items() if answer.requests]
    if not regions:
        return text("report/cover/period_without_events", as_of=as_of)
    days = snapshot.run.lookback_days
    sampled = any(answers[region].sampled for region in regions)
    return text(
        "report/cover/period_with_sample" if sampled else "report/cover/period_with_events",
        as_of=as_of,
        days=days,
        since=f"{snapshot.as_of - dt.timedelta(days=days):%Y-%m-%d}",
        events="; ".join(f"{region}: {events_read(answers[region])}" for region in regions),
    )


def _collected(snapshot: Snapshot) -> str:
    """Return the time of the collection, and the kind of principal; the snapshot keeps its name."""
    answer = snapshot.answer(GET_CALLER_IDENTITY)
    kind = str(answer.value("Arn") or "").rpartition(":")[2].partition("/")[0]
    known = text(f"report/cover/principals/{kind}") if kind in _COLLECTORS else kind
    return text(
        "report/cover/collected",
        start=f"{snapshot.as_of:%Y-%m-%d %H:%M:%S}",
        end=f"{dt.datetime.fromisoformat(snapshot.ended):%H:%M:%S}",
        principal=known or text("report/not_seen"),
        evidence=", ".join(answer.evidence) or text("report/not_requested"),
    )
