"""Cells that know what they rest on, and tables made of them.

A table is three frames: the values, the **gaps** (cells that could not be seen, and why) and
the **coverage** (whether the list of rows itself is complete). Gaps are never marked by a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any

import jmespath
import pandas as pd

from kit.aws.calls import CALLS, Call, Scope
from kit.pseudonyms import Labels
from kit.snapshot import Answer, Snapshot, Trouble

ACCOUNT = "global"  # what stands in the region column of rows of the whole account


@dataclass(frozen=True)
class Cell:
    """A value with the references it rests on, or the trouble that hid it."""

    value: Any = None
    refs: tuple[str, ...] = ()
    gap: Trouble | None = None


@dataclass(frozen=True)
class Default:
    """What an absent member means, and the document that says so."""

    value: Any
    source: str


NONE = Default(None, "an absent member means that there is none")
UNSEEN = None  # absence of the member is no fact: the cell is a gap


@dataclass(frozen=True)
class Column:
    """A declared column.

    Attributes
    ----------
    title : str
        As people read it, with the unit.
    path : str
        JMESPath within the listed item; empty where the builder fills the cell.
    absent : Default or None
        What an absent member means; `UNSEEN` makes it a gap.
    calls : tuple of Call
        Read beside those that list the rows.
    """

    title: str
    path: str = ""
    absent: Default | None = UNSEEN
    calls: tuple[Call, ...] = ()


@dataclass
class Row:
    """One row on its way into a table."""

    region: str
    key: str
    label: str
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """What builders read."""

    snapshot: Snapshot
    labels: Labels


Builder = Callable[[Source], Iterable[Row]]


@dataclass(frozen=True)
class Spec:
    """A declared table: what its rows are, which calls list them, and its columns."""

    name: str
    noun: str
    scope: Scope
    calls: tuple[Call, ...]
    columns: Mapping[str, Column]
    build: Builder

    def needs(self, columns: Iterable[str], rests_on: tuple[Call, ...] = ()) -> set[Call]:
        """Calls that the rows and these columns read."""
        found = {*self.calls, *rests_on}
        for name in columns:
            found |= set(self.columns[name].calls)
        return found


SPECS: dict[str, Spec] = {}


def table(
    name: str,
    noun: str,
    scope: Scope,
    calls: tuple[Call, ...],
    columns: Mapping[str, Column],
) -> Callable[[Builder], Builder]:
    """Declare the table whose rows the decorated function yields."""

    def register(build: Builder) -> Builder:
        SPECS[name] = Spec(name, noun, scope, calls, columns, build)
        return build

    return register


@dataclass(frozen=True)
class Table:
    """A built table.

    Attributes
    ----------
    frame : DataFrame
        Index: row id. Columns: ``account``, ``region``, ``resource`` (the label), then the
        declared ones.
    gaps : DataFrame
        ``row, column, reason, operation, code, permission, hint, evidence``.
    coverage : DataFrame
        ``account, region, call, complete`` and the same columns as `gaps` where not complete;
        ``evidence`` is a tuple of ids.
    refs : dict
        ``(row, column)`` to the references that the cell rests on.
    """

    spec: Spec
    frame: pd.DataFrame
    gaps: pd.DataFrame
    coverage: pd.DataFrame
    refs: Mapping[tuple[str, str], tuple[str, ...]]


_TROUBLE = [f.name for f in fields(Trouble)]


def build(spec: Spec, source: Source) -> Table:
    """Make a table from a snapshot."""
    rows, gaps, refs = [], [], {}
    ordered = sorted(spec.build(source), key=lambda row: (row.region, row.key))
    for n, row in enumerate(ordered):
        row_id = f"{spec.name}-{n}"
        values = {"account": source.snapshot.account, "region": row.region, "resource": row.label}
        for name in spec.columns:
            cell = row.cells[name]
            values[name] = cell.value
            refs[row_id, name] = cell.refs
            if cell.gap:
                gaps.append((row_id, name, *astuple(cell.gap)))
        rows.append(values)
    frame = pd.DataFrame(
        rows,
        columns=["account", "region", "resource", *spec.columns],
        index=pd.Index([f"{spec.name}-{n}" for n in range(len(rows))], name="row"),
        dtype=object,
    )
    return Table(
        spec,
        frame,
        pd.DataFrame(gaps, columns=["row", "column", *_TROUBLE], dtype=object),
        coverage(spec.calls, spec.scope, source.snapshot),
        refs,
    )


def coverage(calls: Iterable[Call], scope: Scope, snapshot: Snapshot) -> pd.DataFrame:
    """Whether the calls that list rows were answered in full, for each region in scope."""
    rows = []
    for region in snapshot.regions if scope is Scope.REGION else (ACCOUNT,):
        for call in calls:
            for answer in _effective(call, region, snapshot):
                trouble = answer.trouble
                rows.append(
                    (
                        snapshot.account,
                        region,
                        call.name,
                        trouble is None,
                        *(astuple(trouble)[:-1] if trouble else ("",) * (len(_TROUBLE) - 1)),
                        answer.evidence,
                    )
                )
    return pd.DataFrame(
        rows, columns=["account", "region", "call", "complete", *_TROUBLE], dtype=object
    )


def _effective(call: Call, region: str, snapshot: Snapshot) -> list[Answer]:
    """The answers of a call in a region, or those of its fallback where that answered in full."""
    where = None if call.scope is Scope.ACCOUNT else region
    answers = snapshot.answers(call, where)
    if any(answer.trouble for answer in answers):
        for other in CALLS.values():
            if other.fallback_of == call:
                instead = snapshot.answers(other, where)
                sources = [
                    a for s in other.sources if s != call for a in _effective(s, region, snapshot)
                ]
                if instead and not any(a.trouble for a in [*instead, *sources]):
                    return instead
    return answers


def listed(
    columns: Mapping[str, Column], answer: Answer, source: Source, kind: str
) -> Iterator[tuple[Row, Any]]:
    """Yield a row for each item of a list, with the columns that have a path, and the item."""
    for item, ref in answer.items():
        key = identify(item, answer)
        row = Row(answer.region, key, source.labels.label(kind, key, item.get("Name")))
        for name, column in columns.items():
            if column.path:
                row.cells[name] = member(item, ref, column, answer.call)
        yield row, item


def identify(item: Mapping[str, Any], answer: Answer) -> str:
    """What tells a resource from all others: its ARN, else where it was found and its name."""
    if item.get("Arn"):
        return str(item["Arn"])
    own = next((str(item[n]) for n in ("Name", "TaskId", "StackName") if item.get(n)), "")
    asked = [str(value) for key, value in answer.parameters.items() if key == "StackName"]
    return "/".join([answer.region, *asked, own])


def member(item: Any, ref: str, column: Column, call: Call) -> Cell:
    """The cell of a member of a listed item."""
    value = jmespath.search(column.path, item)
    where = (f"{ref}{pointer(column.path)}",)
    if value is not None:
        return Cell(value, where)
    if column.absent is UNSEEN:
        return Cell(None, (ref,), absent_member(call, column.path, ref))
    return Cell(column.absent.value, (ref,))


def attached(answer: Answer, path: str, absent: Default | None = UNSEEN) -> Cell:
    """The cell of a member of an answer about one thing.

    ``absent`` serves both an error that says there is none and a member that is not there.
    """
    if answer.unused:
        return Cell(absent.value if absent else None)
    if answer.trouble:
        return Cell(None, answer.evidence, answer.trouble)
    value = None if answer.absent else answer.value(path)
    ref = f"{answer.evidence[0]}#{pointer(path)}"
    if value is not None:
        return Cell(value, (ref,))
    if absent is UNSEEN:
        return Cell(None, (ref,), absent_member(answer.call, path, answer.evidence[0]))
    return Cell(absent.value, answer.evidence[-1:])


def absent_member(call: Call, path: str, ref: str) -> Trouble:
    """The trouble of a member that a successful answer left out and that has no default."""
    return Trouble("absent in answer", call.name, hint=f"AWS left {path} out", evidence=ref)


def pointer(path: str) -> str:
    """JSON pointer of a plain JMESPath; empty for anything but names and indexes."""
    if not re.fullmatch(r"[\w.\[\]]+", path) or "[]" in path:
        return ""
    return "/" + path.replace(".", "/").replace("[", "/").replace("]", "")


def derive(compute: Callable[..., Any], *cells: Cell) -> Cell:
    """A cell computed from others; a gap if one of them is."""
    refs = tuple(dict.fromkeys(ref for cell in cells for ref in cell.refs))
    gap = next((cell.gap for cell in cells if cell.gap), None)
    return Cell(None if gap else compute(*(cell.value for cell in cells)), refs, gap)


def known_any(cells: Iterable[Cell]) -> Cell:
    """True where one cell is, whatever is unseen beside it; a gap only if that could decide."""
    return _decided(list(cells), decisive=True)


def known_all(cells: Iterable[Cell]) -> Cell:
    """False where one cell is, whatever is unseen beside it; a gap only if that could decide."""
    return _decided(list(cells), decisive=False)


def _decided(cells: list[Cell], *, decisive: bool) -> Cell:
    deciding = [cell for cell in cells if not cell.gap and bool(cell.value) is decisive]
    read = deciding[:1] or cells
    refs = tuple(dict.fromkeys(ref for cell in read for ref in cell.refs))
    if deciding:
        return Cell(decisive, refs)
    gap = next((cell.gap for cell in cells if cell.gap), None)
    return Cell(None if gap else not decisive, refs, gap)
