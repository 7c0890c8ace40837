"""Exceptions: fails that somebody accepts until a day, and waivers that match nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kit.catalogue.statuses import ACCEPTED
from kit.catalogue.texts import text
from kit.judge import select
from kit.judge.findings import Findings
from kit.judge.waivers import accepted_for, has_expired
from kit.parameters import Waiver
from kit.report.formats import evidence_ids
from kit.report.views import Group, Note, Table, column, first_of
from kit.snapshot import Snapshot

_PDF_ROWS = 40  # accepted fails that the PDF lists


def waivers(findings: Findings, snapshot: Snapshot) -> Group | Note:
    """Return each fail that somebody accepts, and the waivers as they were given."""
    if not snapshot.waivers:
        return Note(text("report/waivers/empty"))
    return Group([_accepted(findings, snapshot), _given(findings, snapshot)])


def _accepted(findings: Findings, snapshot: Snapshot) -> Table:
    """Return each fail that somebody accepts: who, why and until when."""
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
    return Table(
        "accepted",
        text("report/accepted/caption"),
        [
            column("control", "control"),
            column("region", "code"),
            column("resource", "code"),
            column("status", "status"),
            column("observed"),
            column("owner"),
            column("reason"),
            column("expires", "datetime"),
            column("evidence", "evidence"),
        ],
        rows,
        **first_of(rows, _PDF_ROWS, "data/findings.csv"),
        empty=text("report/accepted/empty"),
    )


def _given(findings: Findings, snapshot: Snapshot) -> Table:
    """Return the waivers as they were given, each with its state."""
    unused = set(findings.unused_waivers)
    counts = Counter((f.control, f.reason) for f in findings.leaves if f.status == ACCEPTED)
    return Table(
        "waivers",
        text("report/waivers/caption"),
        [
            column("control", "control"),
            column("resource", "code"),
            column("owner"),
            column("reason"),
            column("expires", "datetime"),
            column("state"),
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
                else text(
                    "report/waivers/used", count=counts[waiver.control, accepted_for(waiver)]
                ),
            ]
            for waiver in snapshot.waivers
        ],
    )


def _unused(waiver: Waiver, snapshot: Snapshot) -> str:
    """Why a waiver is not used."""
    if has_expired(waiver, snapshot.as_of):
        return text("report/waivers/expired", day=waiver.expires)
    chosen = {control.id for control in select(snapshot.run.controls)}
    if waiver.control not in chosen:
        return text("report/waivers/not_selected")
    return text("report/waivers/no_match")


def unused_waivers(findings: Findings, snapshot: Snapshot) -> list[str]:
    """Return a line for each waiver that is not used, with the reason."""
    return [
        f"{waiver.control}, {waiver.resource}: {_unused(waiver, snapshot)}"
        for waiver in findings.unused_waivers
    ]
