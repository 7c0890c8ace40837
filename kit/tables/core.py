"""Cells that know what they rest on, and tables made of them.

A table is three frames: the values, the **gaps** (cells that could not be seen, and why) and
the **coverage** (whether the list of rows itself is complete). Gaps are never marked by a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from kit.calls import CALLS, Call, Scope
from kit.catalogue.texts import has, text
from kit.redact.labels import Labels
from kit.redact.names import identify
from kit.snapshot import Answer, Snapshot, Trouble
from kit.tables.cells import UNSEEN, Cell, Default, in_the_past, member
from kit.tables.coverage import TROUBLE, Covered, coverage


@dataclass(frozen=True)
class Part:
    """Rows of a table that share something.

    Attributes
    ----------
    query : str
        A pandas query over the table's columns.
    name : str
        Id among the catalogue's ``nouns``.
    """

    query: str
    name: str

    @property
    def noun(self) -> str:
        """What people call one of the rows; stands after "no" and "any"."""
        return text(f"nouns/{self.name}")


@dataclass(frozen=True)
class Column:
    """A declared column; the catalogue has its title, see `Spec.title`.

    Attributes
    ----------
    path : str
        JMESPath within the listed item; empty where the builder fills the cell.
    absent : Default or None
        What an absent member means; `UNSEEN` makes it a gap.
    calls : tuple of Call
        Read beside those that list the rows.
    thresholds : tuple of str
        Fields of the profile that decide what the cells hold: of several things together a table
        takes those that are within the limit.
    transient : bool
        The value is new at each collection although nothing changed, so it is no part of a
        finding's identity.
    sample : str
        The column that describes which part of a population the value rests on, where that is
        not all of it.
    quoted : bool
        The values are somebody else's words, such as what a run declares: findings show them as
        they are, and translate none.
    past : bool
        The value is the time, or times, of what has happened: one that lies ahead is a gap.
    """

    path: str = ""
    absent: Default | None = UNSEEN
    calls: tuple[Call, ...] = ()
    thresholds: tuple[str, ...] = ()
    transient: bool = False
    sample: str = ""
    past: bool = False
    quoted: bool = False


@dataclass
class Row:
    """One row on its way into a table.

    ``refs`` are what names the thing that the row is about; all of its cells rest on it too.
    """

    region: str
    key: str
    label: str
    cells: dict[str, Cell] = field(default_factory=dict)
    refs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """What builders read."""

    snapshot: Snapshot
    labels: Labels


Builder = Callable[[Source], Iterable[Row]]


@dataclass(frozen=True)
class Spec:
    """A declared table: what its rows are, which calls list them, and its columns.

    ``thresholds`` are the fields of the profile that decide which rows there are.
    """

    name: str
    scope: Scope
    calls: tuple[Call, ...]
    columns: Mapping[str, Column]
    build: Builder
    thresholds: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """What people call one of the rows; stands after "no" and "any"."""
        return text(f"nouns/{self.name}")

    def title(self, column: str) -> str:
        """Return a column's title, with the unit: the table's own, or that of its name."""
        own = f"columns/{self.name}/{column}"
        return text(own if has(own) else f"columns/{column}")

    def needs(self, columns: Iterable[str], rests_on: tuple[Call, ...] = ()) -> set[Call]:
        """Calls that the rows and these columns read, and those that stand in for them.

        ``rests_on`` are the calls that list the rows in question, where not all of the table's do.
        """
        found = {*(rests_on or self.calls)}
        for name in columns:
            found |= set(self.columns[name].calls)
        instead = [other for other in CALLS.values() if other.fallback_of in found]
        return found.union(instead, *(other.sources for other in instead))


SPECS: dict[str, Spec] = {}


def table(
    name: str,
    scope: Scope,
    calls: tuple[Call, ...],
    columns: Mapping[str, Column],
    thresholds: tuple[str, ...] = (),
) -> Callable[[Builder], Builder]:
    """Declare the table whose rows the decorated function yields."""

    def register(build: Builder) -> Builder:
        SPECS[name] = Spec(name, scope, calls, columns, build, thresholds)
        return build

    return register


@dataclass(frozen=True)
class Table:
    """A built table; its frames are made when somebody wants them.

    Attributes
    ----------
    rows : dict of str to dict
        Values of each row by column, by row id: ``account``, ``region``, ``resource`` (the
        label), then the declared columns.
    gap_at : dict of (str, str) to Trouble
        Why a cell was not seen, by row id and column.
    covered : list of Covered
        Whether the calls that list the rows were answered in full.
    refs : dict
        ``(row, column)`` to the references that the cell rests on.
    assumed : dict
        ``(row, column)`` to the documents by which members that AWS left out have their value.
    """

    spec: Spec
    rows: Mapping[str, dict[str, Any]]
    gap_at: Mapping[tuple[str, str], Trouble]
    covered: list[Covered]
    refs: Mapping[tuple[str, str], tuple[str, ...]]
    assumed: Mapping[tuple[str, str], tuple[str, ...]]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """`rows`, with the row id as index."""
        columns = ["account", "region", "resource", *self.spec.columns]
        index = pd.Index(list(self.rows), name="row")
        return pd.DataFrame(list(self.rows.values()), index, columns, dtype=object)

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """`covered` as ``account, region, call, complete`` and, where not complete, as `gaps`."""
        return pd.DataFrame(self.covered, columns=list(Covered._fields), dtype=object)

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """`gap_at` as ``row, column, reason, operation, code, permission, hint, evidence``."""
        lines = [(*place, *astuple(gap)) for place, gap in self.gap_at.items()]
        return pd.DataFrame(lines, columns=["row", "column", *TROUBLE], dtype=object)


def build(spec: Spec, source: Source) -> Table:
    """Make a table from a snapshot."""
    rows: dict[str, dict[str, Any]] = {}
    gaps, refs, assumed = {}, {}, {}
    ordered = sorted(spec.build(source), key=lambda row: (row.region, row.key))
    for n, row in enumerate(ordered):
        row_id = f"{spec.name}-{n}"
        if row.cells.keys() != spec.columns.keys():
            raise TypeError(f"{spec.name}: cells {sorted(row.cells)} are not its columns")
        values = rows[row_id] = {
            "account": source.snapshot.account,
            "region": row.region,
            "resource": row.label,
        }
        for name, found in row.cells.items():
            past = spec.columns[name].past
            cell = in_the_past(found, source.snapshot.as_of) if past else found
            values[name] = None if cell.gap else cell.value
            refs[row_id, name] = tuple(dict.fromkeys((*row.refs, *cell.refs)))
            if cell.assumed and not cell.gap:
                assumed[row_id, name] = cell.assumed
            if cell.gap:
                gaps[row_id, name] = cell.gap
    complete = coverage(spec.calls, spec.scope, source.snapshot)
    return Table(spec, rows, gaps, complete, refs, assumed)


def listed(
    columns: Mapping[str, Column], answer: Answer, source: Source, kind: str
) -> Iterator[Row]:
    """Yield a row for each item of a list, with the columns that have a path."""
    for item, ref in answer.items():
        key = identify(item, answer)
        row = Row(answer.region, key, source.labels.label(kind, key, shown_name(item)))
        for name, column in columns.items():
            if column.path:
                row.cells[name] = member(item, ref, column.path, column.absent, answer.call)
        yield row


def shown_name(item: Mapping[str, Any]) -> str | None:
    """What people call a resource where names are shown in clear: its name and display name."""
    name, display = item.get("Name"), item.get("DisplayName")
    return f"{name} ({display})" if name and display and display != name else name
