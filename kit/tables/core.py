"""Tables of cells, and their declarations.

A table has three frames: the values, the **gaps** (cells that no answer filled, and why) and the
**coverage** (whether the list of rows is complete). No value marks a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kit.calls import CALLS, Call, Scope
from kit.catalogue.texts import has, text
from kit.displayed import Displayed, counted
from kit.redact.labels import Labels
from kit.redact.names import identify
from kit.snapshot import TROUBLE, Answer, Snapshot, Trouble
from kit.tables import gone
from kit.tables.cells import UNSEEN, Cell, Default, in_the_past, member, one_of
from kit.tables.coverage import Covered, coverage

if TYPE_CHECKING:
    import pandas as pd


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
        """What people call a row of the part; fits after "no" and "any"."""
        return text(f"nouns/{self.name}")


@dataclass(frozen=True)
class Column:
    """A declared column; the catalogue has its title, see `Spec.title`.

    Attributes
    ----------
    path : str
        JMESPath within the listed item; empty where the builder fills the cell.
    absent : Default or None
        The value of an absent member; `UNSEEN` makes a gap.
    calls : tuple of Call
        Calls that the column reads beside those that list the rows.
    thresholds : tuple of str
        Fields of the profile that decide which evidence within a limit the cells count.
    transient : bool
        The value changes at each collection although the account does not, so a finding's
        identity leaves it out.
    sample : str
        The column that describes which part of a population the kit read; empty for all of it.
    quoted : bool
        Somebody outside the kit chose the words, such as a run's declarations: findings show
        them unchanged and translate none.
    cause : bool
        The value names what makes the row as it is, such as the policy that grants a right:
        findings show it next to what decides against them.
    past : bool
        The value is a time, or times, of past events: a time that lies ahead is a gap.
    choices : tuple of str
        The values that the column may have, where they are not open: any other is a gap.
    """

    path: str = ""
    absent: Default | None = UNSEEN
    calls: tuple[Call, ...] = ()
    thresholds: tuple[str, ...] = ()
    transient: bool = False
    sample: str = ""
    past: bool = False
    choices: tuple[str, ...] = ()
    quoted: bool = False
    cause: bool = False


@dataclass
class Row:
    """A row that a builder yields.

    ``refs`` are the references that name the row's resource; they support every cell too.
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

    ``thresholds`` are the fields of the profile that decide which rows the table has.
    """

    name: str
    scope: Scope
    calls: tuple[Call, ...]
    columns: Mapping[str, Column]
    build: Builder
    thresholds: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        """What people call a row of the table; fits after "no" and "any"."""
        return text(f"nouns/{self.name}")

    def title(self, column: str) -> str:
        """Return a column's title, with the unit; a table may have another than its name has."""
        of_table = f"columns/{self.name}/{column}"
        return text(of_table if has(of_table) else f"columns/{column}")

    def needs(self, columns: Iterable[str], rests_on: tuple[Call, ...] = ()) -> set[Call]:
        """Return the calls that the rows and these columns read, and the calls' fallbacks.

        ``rests_on`` are the calls that list the rows in question, where not all of the table's do.
        """
        calls = {*(rests_on or self.calls)}
        for name in columns:
            calls |= set(self.columns[name].calls)
        fallbacks = [call for call in CALLS.values() if call.fallback_of in calls]
        return calls.union(fallbacks, *(call.sources for call in fallbacks))


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


@dataclass(frozen=True, repr=False)
class Table(Displayed):
    """A built table; it makes its frames on first use.

    Attributes
    ----------
    rows : dict of str to dict
        Values of each row by column, by row id: ``account``, ``region``, ``resource`` (the
        label), then the declared columns.
    gap_at : dict of (str, str) to Trouble
        The trouble of each gap, by row id and column.
    covered : list of Covered
        Whether AWS answered the calls that list the rows in full.
    refs : dict
        ``(row, column)`` to the references of the cell's evidence.
    assumed : dict
        ``(row, column)`` to the ids of the documents that give absent members their value.
    """

    spec: Spec
    rows: Mapping[str, dict[str, Any]]
    gap_at: Mapping[tuple[str, str], Trouble]
    covered: list[Covered]
    refs: Mapping[tuple[str, str], tuple[str, ...]]
    assumed: Mapping[tuple[str, str], tuple[str, ...]]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """`rows` for analysis, with the row id as index.

        ``account`` and ``region`` are categories; the other columns have the type that all their
        values have, see `kit.frames.typed`. A cell that was not seen is missing, as is a cell for
        which AWS has no value: `gaps` tells them apart.
        """
        import pandas as pd

        from kit.frames import typed

        columns = ["account", "region", "resource", *self.spec.columns]
        index = pd.Index(list(self.rows), name="row")
        frame = pd.DataFrame(list(self.rows.values()), index, columns, dtype=object)
        made = {name: typed(frame[name]) for name in columns}
        made |= {name: frame[name].astype("category") for name in ("account", "region")}
        return pd.DataFrame(made, index, columns)

    def __repr__(self) -> str:
        unread = sum(not entry.complete for entry in self.covered)
        parts = [counted(len(self.rows), "row"), counted(len(self.spec.columns), "column")]
        parts += [f"{counted(len(self.gap_at), 'cell')} not seen"] if self.gap_at else []
        parts += [f"{counted(unread, 'list')} not read in full"] if unread else []
        return f"Table {self.spec.name}: {', '.join(parts)}"

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """`covered` as ``account, region, call, complete`` and, where not complete, as `gaps`."""
        import pandas as pd

        columns = ["account", "region", "call", "complete", *TROUBLE, "evidence"]
        rows = [
            (
                *(entry.account, entry.region, entry.call, entry.complete),
                *(getattr(entry.trouble, name, "") for name in TROUBLE),
                entry.evidence,
            )
            for entry in self.covered
        ]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """`gap_at` as ``row, column, reason, operation, code, permission, hint, evidence``."""
        import pandas as pd

        rows = [(*place, *astuple(gap)) for place, gap in self.gap_at.items()]
        return pd.DataFrame(rows, columns=["row", "column", *TROUBLE, "evidence"], dtype=object)


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
        for name, built in row.cells.items():
            column = spec.columns[name]
            cell = in_the_past(built, source.snapshot.as_of) if column.past else built
            cell = one_of(cell, column.choices) if column.choices else cell
            values[name] = None if cell.gap else cell.value
            refs[row_id, name] = tuple(dict.fromkeys((*row.refs, *cell.refs)))
            if cell.assumed and not cell.gap:
                assumed[row_id, name] = cell.assumed
            if cell.gap:
                gaps[row_id, name] = gone.named(cell.gap, source.snapshot, source.labels)
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
    """Return what people call a resource where a run shows names in clear."""
    name, display = item.get("Name"), item.get("DisplayName")
    return f"{name} ({display})" if name and display and display != name else name
