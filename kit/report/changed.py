"""What was changed in the period: operation, time, by whom, as far as the kit read events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.calls import CALLS, LOOKUP_EVENTS
from kit.catalogue.texts import text
from kit.judge.evaluator import shown
from kit.report.blocks import BRIEF_IDS
from kit.report.formats import evidence_ids, joined
from kit.report.views import Note, Table, column, first_of
from kit.tables import Tables
from kit.tables.logging import events_read

_PDF_CHANGES = 40  # rows that the PDF lists
_SESSIONS = 2  # sessions that a row names
# Operations that open or end sessions, and that start or stop what runs them. Every other operation
# counts as a change of the configuration, also one that the kit does not know.
# https://docs.aws.amazon.com/appstream2/latest/APIReference/API_Operations.html
_OPERATING = {
    "CreateAppBlockBuilderStreamingURL",
    "CreateImageBuilderStreamingURL",
    "CreateStreamingURL",
    "DrainSessionInstance",
    "ExpireSession",
    "StartAppBlockBuilder",
    "StartFleet",
    "StartImageBuilder",
    "StopAppBlockBuilder",
    "StopFleet",
    "StopImageBuilder",
}


@dataclass(frozen=True)
class _Event:
    """An operation that CloudTrail does not mark as read-only, as readers see it."""

    time: str
    region: str
    operation: str
    actor: str
    session: str
    error: str
    refs: tuple[str, ...]

    @property
    def key(self) -> tuple[int, str, str, str, str, str]:
        """What events of a row share: changes come first, a row for each time; then failures."""
        if self.operation in _OPERATING:
            kind = 2
        else:
            kind = 1 if self.error not in ("", text("report/not_seen")) else 0
        alone = self.time if kind == 0 else ""
        return kind, self.region, self.operation, self.actor, self.error, alone


def changed(tables: Tables) -> Table | Note:
    """Return the operations that may have changed something, changes of the configuration first.

    Each change of the configuration has a row, the newest first. Operations that failed, and those
    that operate sessions and fleets, are counted by region, operation, caller and error.

    The caption states for each region how many events the kit read, of which time, and whether
    these are all events of the period or a sample.
    """
    snapshot = tables.snapshot
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
        [region, unseen, unseen, None, None, None, unseen, unseen, evidence_ids(answer.evidence)]
        for region, answer in answers.items()
        if answer.trouble
    ]
    groups: dict[tuple[Any, ...], list[_Event]] = {}
    for event in _events(tables, unseen):
        groups.setdefault(event.key, []).append(event)
    for _, some in sorted(groups.items(), key=lambda group: group[0][0]):
        rows.append(_row(some))
    caption = text(
        "report/changed/caption",
        days=snapshot.run.lookback_days,
        events="; ".join(read) or text("events/none"),
    )
    configured = any(kind == 0 for kind, *_ in groups)
    return Table(
        "changed",
        caption
        if configured or not groups
        else joined(f"{caption}.", text("report/changed/no_change")),
        [
            column("region", "code"),
            column("operation", "code"),
            column("actor", "code"),
            column("events", "number"),
            column("from", "datetime"),
            column("to", "datetime"),
            column("session", "code"),
            column("error"),
            column("evidence", "evidence", BRIEF_IDS),
        ],
        rows,
        **first_of(rows, _PDF_CHANGES),
        empty=text("report/changed/empty"),
    )


def _events(tables: Tables, unseen: str) -> list[_Event]:
    """Return the events, the newest first."""
    table, events = tables["changes"], list[_Event]()
    for row, values in table.rows.items():
        cells = {
            name: unseen if (row, name) in table.gap_at else values[name] or ""
            for name in table.spec.columns
        }
        events.append(
            _Event(
                "" if (row, "time") in table.gap_at else values["time"],
                values["region"],
                values["resource"],
                shown(cells["actor"]),
                cells["session"],
                cells["error"],
                tuple(table.refs[row, "time"]),
            )
        )
    return sorted(events, key=lambda event: event.time, reverse=True)


def _row(some: list[_Event]) -> list[Any]:
    first = some[0]
    times = [event.time for event in some if event.time]
    sessions = list(dict.fromkeys(event.session for event in some if event.session))
    names, more = ", ".join(sessions[:_SESSIONS]), len(sessions) - _SESSIONS
    return [
        *(first.region, first.operation, first.actor, len(some)),
        *(min(times, default=None), max(times, default=None)),
        (text("report/and_more", names=names, count=more) if more > 0 else names) or None,
        first.error or text("report/changed/no_error"),
        evidence_ids(ref for event in some for ref in event.refs),
    ]
