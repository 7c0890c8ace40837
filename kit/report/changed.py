"""What was changed in the period: operation, time, by whom, as far as the kit read events."""

from __future__ import annotations

from typing import Any

from kit.calls import CALLS, LOOKUP_EVENTS
from kit.catalogue.texts import text
from kit.judge.evaluator import shown
from kit.report.formats import evidence_ids
from kit.report.views import Note, Table, column, first_of
from kit.tables import Tables
from kit.tables.logging import events_read

_PDF_CHANGES = 40  # rows that the PDF lists


def changed(tables: Tables) -> Table | Note:
    """Return the operations that may have changed something, the newest first.

    The caption states for each region how many events the kit read, of which time, and whether
    these are all events of the period or a sample.
    """
    snapshot, table = tables.snapshot, tables["changes"]
    if LOOKUP_EVENTS.name not in snapshot.header.get("calls", CALLS):
        return Note(text("report/changed/not_read"))
    used = [region for region in snapshot.regions if region not in snapshot.regions_unused]
    answers = {region: snapshot.answer(LOOKUP_EVENTS, region) for region in used}
    read = [
        text("report/changed/region", region=region, events=events_read(answer))
        for region, answer in answers.items()
    ]
    unseen = text("report/not_seen")
    rows: list[list[Any]] = [
        [None, region, unseen, unseen, unseen, unseen, evidence_ids(answer.evidence)]
        for region, answer in answers.items()
        if answer.trouble
    ]
    for row, values in table.rows.items():
        cells = {
            name: unseen if (row, name) in table.gap_at else values[name]
            for name in table.spec.columns
        }
        timed = None if (row, "time") in table.gap_at else values["time"]
        rows.append(
            [
                timed,
                values["region"],
                values["resource"],
                shown(cells["actor"]),
                cells["session"],
                cells["error"] or text("report/changed/no_error"),
                evidence_ids(table.refs[row, "time"]),
            ]
        )
    rows.sort(key=lambda row: row[0] or "", reverse=True)
    return Table(
        "changed",
        text(
            "report/changed/caption",
            days=snapshot.run.lookback_days,
            events="; ".join(read) or text("events/none"),
        ),
        [
            column("time", "datetime"),
            column("region", "code"),
            column("operation", "code"),
            column("actor", "code"),
            column("session", "code"),
            column("error"),
            column("evidence", "evidence"),
        ],
        rows,
        **first_of(rows, _PDF_CHANGES),
        empty=text("report/changed/empty"),
    )
