"""Processing that shows what users do, as seen, and the impact assessment that the run declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED
from kit.catalogue.texts import text
from kit.judge.findings import worst
from kit.parameters import Assessed, Run
from kit.report.formats import evidence_ids, joined
from kit.report.transfers import not_seen
from kit.report.views import Cell, Table, column
from kit.tables import Tables
from kit.tables.core import Table as Built
from kit.tables.storage import HOME, SETTINGS

_AGENTS = "agent_dpia_reference"  # EX-10 reads it
_REFERENCES = "impact_assessments"
_RESOURCES = 2  # place of the number of resources in a row


@dataclass(frozen=True)
class _Processing:
    """A kind of processing that shows what users do.

    Attributes
    ----------
    id : str
        Among the catalogue's ``report/assessments/processing``.
    declared : Assessed or None
        Its kind in `impact_assessments`; None for agents, which have a parameter of their own.
    table : str
    columns : tuple of str
        A row is of the kind where one of them is true; empty for every row.
    purposes : tuple of str
        The rows that count, by their purpose; empty for every row.
    """

    id: str
    declared: Assessed | None
    table: str
    columns: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()

    def reference(self, run: Run) -> tuple[str, str]:
        """Return what the run declares, and the pointer to it."""
        if self.declared is None:
            return run.agent_dpia_reference, f"parameters#/{_AGENTS}"
        return run.impact_assessments.get(self.declared, ""), f"parameters#/{_REFERENCES}"

    def concerns(self, values: Mapping[str, Any]) -> bool:
        """Return whether a row may be of the kind; a purpose that was not seen may be any."""
        return not self.purposes or values["purpose"] in (*self.purposes, None)


_EVERY = (
    _Processing("reports", "usage reports", "subscriptions"),
    _Processing(
        "recordings", "recorded sessions", "agent_access", ("agent_screenshots", "agent_replays")
    ),
    _Processing("accesses", "access logs", "buckets", ("accesses_logged",), (HOME, SETTINGS)),
    _Processing("agents", None, "agent_access", ("agents",)),
)


def assessments(tables: Tables) -> Table:
    """Return which processing that shows what users do is on, and its declared impact assessment.

    Article 35(1) requires an assessment before processing that is likely to bring a high risk. The
    table shows what is on; whether the risk is high is the controller's to assess.
    """
    made = [(processing, _row(tables, processing)) for processing in _EVERY]
    lacking = [
        text(f"report/assessments/names/{processing.id}")
        for processing, row in made
        if row[_RESOURCES] and not processing.reference(tables.snapshot.run)[0]
    ]
    names = ", ".join(lacking)
    return Table(
        "assessments",
        joined(
            text("report/assessments/caption"),
            text("report/assessments/lacking", names=names) if lacking else "",
        ),
        [
            column("processing"),
            column("in_use"),
            column("resources", "number"),
            column("assessment"),
            column("evidence", "evidence", 4),
        ],
        [row for _, row in made],
    )


def with_assessments(status: str | None, tables: Tables | None) -> tuple[str | None, str]:
    """Return the verdict on the duty to assess processing beforehand, and what qualifies it.

    Parameters
    ----------
    status : str or None
        The verdict of the controls, which test agents alone; None for none.
    tables : Tables or None
        With the other processing; None where nobody knows whether there is any.

    Returns
    -------
    str or None
        "not evidenced" where processing is or may be on without a declared assessment; None for "not
        applicable" where other processing has a declaration, which no control tests.
    """
    if status is None or tables is None:
        return (None if status == NOT_APPLICABLE else status), ""
    run = tables.snapshot.run
    named: dict[str, list[str]] = {"lacking": [], "unseen": [], "declared": []}
    for processing in _EVERY:
        if processing.declared is None:
            continue  # the controls test it
        table = tables[processing.table]
        on, unseen = any(_on(table, processing)), any(_unseen(table, processing))
        if on or unseen:
            undeclared = "lacking" if on else "unseen"
            kind = "declared" if processing.reference(run)[0] else undeclared
            named[kind].append(text(f"report/assessments/names/{processing.id}"))
    words = [
        text(f"report/assessments/{kind}", names=", ".join(names))
        for kind, names in named.items()
        if names
    ]
    if named["lacking"] or named["unseen"]:
        return worst([status, NOT_EVIDENCED]), joined(*words)
    return (None if words and status == NOT_APPLICABLE else status), joined(*words)


def _row(tables: Tables, processing: _Processing) -> list[Cell]:
    table = tables[processing.table]
    on = list(_on(table, processing))
    unseen = dict(_unseen(table, processing))
    regions = ", ".join(dict.fromkeys(region for region, _ in on))
    seen = [text("report/assessments/on", regions=regions)] if on else []
    refs = [ref for _, cited in on for ref in cited]
    refs += [ref for cited in unseen.values() for ref in cited]
    listed = [ref for entry in table.covered for ref in entry.evidence]
    reference, pointer = processing.reference(tables.snapshot.run)
    nothing = text("report/assessments/undeclared") if on or unseen else None
    return [
        text(f"report/assessments/processing/{processing.id}"),
        "; ".join([*seen, *unseen]) or text("report/assessments/off"),
        len(on) if on or not unseen else None,
        reference or nothing,
        evidence_ids([*(refs or listed), *([pointer] if reference else [])]),
    ]


def _on(table: Built, processing: _Processing) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the region of each row of the kind, with the references."""
    for row, values in table.rows.items():
        if processing.concerns(values):
            names = [name for name in processing.columns if values[name]]
            if names or not processing.columns:
                first = names[0] if names else next(iter(table.spec.columns))
                yield values["region"], table.refs[row, first]


def _unseen(table: Built, processing: _Processing) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield why processing of the kind may be on unseen, with the references."""
    for row, values in table.rows.items():
        for name in processing.columns:
            gap = table.gap_at.get((row, name))
            if gap and processing.concerns(values):
                yield not_seen(gap), table.refs[row, name]
    for entry in table.covered:
        if entry.trouble:
            yield not_seen(entry.trouble), entry.evidence
