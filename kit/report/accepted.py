"""What somebody accepts, until a day, and waivers that serve nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kit.catalogue.statuses import ACCEPTED
from kit.judge import select
from kit.judge.findings import Findings
from kit.judge.waivers import accepted_for, has_expired
from kit.parameters import Waiver
from kit.report.formats import evidence_ids
from kit.report.views import Column, Note, Table, first_of
from kit.snapshot import Snapshot

_PDF_ROWS = 40  # accepted fails that the PDF lists


def accepted(findings: Findings, snapshot: Snapshot) -> Table | Note:
    """Each fail that somebody accepts: who, why and until when."""
    own = {(waiver.control, accepted_for(waiver)): waiver for waiver in snapshot.waivers}
    rows: list[list[Any]] = [
        [
            *(finding.control, finding.region, finding.resource, finding.status),
            *(finding.observed, waiver.owner, waiver.reason, waiver.expires),
            list(evidence_ids(finding.evidence)),
        ]
        for finding in findings.leaves
        if finding.status == ACCEPTED
        for waiver in [own[finding.control, finding.reason]]
    ]
    if not rows:
        return Note("No fail is accepted.")
    return Table(
        "accepted",
        "Fails that are accepted, until a day",
        [
            Column("control", "Control", "control"),
            Column("region", "Region", "code"),
            Column("resource", "Resource", "code"),
            Column("status", "Verdict", "status"),
            Column("observed", "Observed"),
            Column("owner", "Accepted by"),
            Column("reason", "Because"),
            Column("expires", "Until", "datetime"),
            Column("evidence", "Evidence", "evidence"),
        ],
        rows,
        **first_of(rows, _PDF_ROWS, "the HTML and data/findings.csv have all"),
    )


def waivers(findings: Findings, snapshot: Snapshot) -> Table | Note:
    """Waivers as they were given, with what each serves."""
    if not snapshot.waivers:
        return Note("No waivers were given with this run.")
    unused = set(findings.unused_waivers)
    counts = Counter((f.control, f.reason) for f in findings.leaves if f.status == ACCEPTED)
    return Table(
        "waivers",
        "Waivers given with this run",
        [
            Column("control", "Control", "control"),
            Column("resource", "Resource", "code"),
            Column("owner", "Owner"),
            Column("reason", "Reason"),
            Column("expires", "Expires", "datetime"),
            Column("state", "State"),
        ],
        [
            [
                waiver.control,
                waiver.resource,
                waiver.owner,
                waiver.reason,
                waiver.expires,
                _unused(waiver, snapshot)
                if waiver in unused
                else f"serves, for {counts[waiver.control, accepted_for(waiver)]} of the findings",
            ]
            for waiver in snapshot.waivers
        ],
    )


def _unused(waiver: Waiver, snapshot: Snapshot) -> str:
    """Why a waiver serves nothing."""
    if has_expired(waiver, snapshot.as_of):
        return f"expired on {waiver.expires}: what it was for is a fail again"
    chosen = {control.id for control in select(snapshot.run.controls)}
    if waiver.control not in chosen:
        return "its control was not selected for this run"
    return "matches no fail"


def unused_waivers(findings: Findings, snapshot: Snapshot) -> list[str]:
    """A line for each waiver that serves nothing, with the reason."""
    return [
        f"{waiver.control}, {waiver.resource}: {_unused(waiver, snapshot)}"
        for waiver in findings.unused_waivers
    ]
