"""Cells: values with the references of their evidence, or with the trouble that hides them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kit.calls import Call, search
from kit.catalogue.texts import text
from kit.snapshot import Answer, Trouble


@dataclass(frozen=True)
class Cell:
    """A value with the references of its evidence, or the trouble that hides it.

    ``assumed`` are the ids of the documents that give absent members of an answer their value.
    """

    value: Any = None
    refs: tuple[str, ...] = ()
    gap: Trouble | None = None
    assumed: tuple[str, ...] = ()

    @property
    def request(self) -> str:
        """Id of the request that answered the first reference; empty without references."""
        return next((ref.partition("#")[0] for ref in self.refs), "")


@dataclass(frozen=True)
class Default:
    """What an absent member means, and the document that says so, by its id in the catalogue."""

    value: Any
    source: str


NONE = Default(None, "")  # an absent member means that nothing is set
UNSEEN = None  # an absent member shows nothing: the cell is a gap


def member(item: Any, ref: str, path: str, absent: Default | None, call: Call) -> Cell:
    """Return the cell of a member of a listed item."""
    value = search(path, item)
    if value is not None:
        return Cell(value, (f"{ref}{pointer(path)}",))
    if absent is UNSEEN:
        return Cell(None, (ref,), absent_member(call, path, ref))
    return _assumed(absent, ref)


def attached(
    answer: Answer, path: str, absent: Default | None = UNSEEN, none: Default | None = None
) -> Cell:
    """Return the cell of a member of an answer that describes a single resource.

    Parameters
    ----------
    answer : Answer
    path : str
        JMESPath.
    absent : Default or None
        The value where a successful answer leaves the member out; `UNSEEN` makes a gap.
    none : Default, optional
        The value where an error says that nothing is set; by default the same as ``absent``.
    """
    refused = none or absent
    if answer.unused or (answer.absent and refused):
        return Cell(refused.value if refused else None, answer.evidence[-1:])
    if answer.absent:
        ref = answer.evidence[-1]
        return Cell(None, (ref,), absent_member(answer.call, path, ref))
    if answer.trouble:
        return Cell(None, answer.evidence, answer.trouble)
    value, first = answer.value(path), answer.first
    if value is not None:
        return Cell(value, (f"{first}#{pointer(path)}",))
    if absent is UNSEEN:
        return Cell(None, (first,), absent_member(answer.call, path, first))
    return _assumed(absent, first)


def _assumed(absent: Default, ref: str) -> Cell:
    return Cell(absent.value, (ref,), assumed=() if absent is NONE else (absent.source,))


def absent_member(call: Call, path: str, ref: str = "") -> Trouble:
    """Return the trouble of a member without a default that a successful answer left out."""
    return Trouble(
        "absent in answer", call.name, hint=text("gaps/left_out", member=path), evidence=ref
    )


@lru_cache(maxsize=10_000)
def pointer(path: str) -> str:
    """Return the JSON pointer of a JMESPath of names and indexes; empty for any other."""
    if not re.fullmatch(r"[\w.\[\]]+", path) or "[]" in path:
        return ""
    return "/" + path.replace(".", "/").replace("[", "/").replace("]", "")


def in_the_past(cell: Cell, as_of: dt.datetime) -> Cell:
    """Return the cell of a time, or times, of past events; a gap where a time lies ahead.

    Times may lie up to a day ahead: a collection takes a while, and clocks differ.
    """
    times = cell.value if isinstance(cell.value, list) else [cell.value]
    latest = max(filter(None, map(moment, times)), default=None)
    if cell.gap or latest is None or latest <= as_of + dt.timedelta(days=1):
        return cell
    hint = text("gaps/lies_ahead", time=f"{latest:%Y-%m-%d %H:%M} UTC")
    return Cell(None, cell.refs, Trouble("needs review", hint=hint, evidence=cell.request))


def one_of(cell: Cell, choices: Iterable[Any]) -> Cell:
    """Return the cell of a choice; a gap where AWS answers a value that the kit does not know."""
    if cell.gap or cell.value is None or cell.value in choices:
        return cell
    gap = Trouble("needs review", hint=text("gaps/unknown_value"), evidence=cell.request)
    return Cell(None, cell.refs, gap)


def moment(value: Any) -> dt.datetime | None:
    """Return the time in an ISO 8601 text, of UTC where it names no zone; None for any other value."""
    try:
        time = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def derive(compute: Callable[..., Any], *cells: Cell) -> Cell:
    """Return a cell computed from others; a gap where any of them is a gap."""
    gap = next((cell.gap for cell in cells if cell.gap), None)
    value = None if gap else compute(*[cell.value for cell in cells])
    return Cell(value, *_rests_on(cells, gap))


def _rests_on(
    cells: Collection[Cell], gap: Trouble | None = None
) -> tuple[tuple[str, ...], Trouble | None, tuple[str, ...]]:
    """Return references, gap and assumptions of a cell computed from others."""
    if len(cells) == 1:  # most of them
        (cell,) = cells
        return cell.refs, gap, cell.assumed
    refs = dict.fromkeys([ref for cell in cells for ref in cell.refs])
    assumed = dict.fromkeys([source for cell in cells for source in cell.assumed])
    return tuple(refs), gap, tuple(assumed)


def known_any(cells: Iterable[Cell]) -> Cell:
    """Return a true cell where any cell is true; a gap only where a gap could decide."""
    return _decided(list(cells), decisive=True)


def known_all(cells: Iterable[Cell]) -> Cell:
    """Return a false cell where any cell is false; a gap only where a gap could decide."""
    return _decided(list(cells), decisive=False)


def _decided(cells: list[Cell], *, decisive: bool) -> Cell:
    deciding = [cell for cell in cells if not cell.gap and bool(cell.value) is decisive]
    if deciding:
        return Cell(decisive, *_rests_on(deciding[:1]))
    gaps = [cell.gap for cell in cells if cell.gap]
    # Prefer a refusal: somebody can grant the permission; a region may stay off for good.
    gap = next((gap for gap in gaps if gap.code), gaps[0] if gaps else None)
    return Cell(None if gap else not decisive, *_rests_on(cells, gap))
