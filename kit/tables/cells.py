"""Cells: values that know what they rest on, or what hid them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kit.calls import Call, search
from kit.catalogue.texts import text
from kit.snapshot import Answer, Trouble


@dataclass(frozen=True)
class Cell:
    """A value with the references it rests on, or the trouble that hid it.

    ``assumed`` are the documents by which members that an answer left out have their value, by id.
    """

    value: Any = None
    refs: tuple[str, ...] = ()
    gap: Trouble | None = None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Default:
    """What an absent member means, and the document that says so, by its id in the catalogue."""

    value: Any
    source: str


NONE = Default(None, "")  # an absent member means that there is none
UNSEEN = None  # absence of the member is no fact: the cell is a gap


def member(item: Any, ref: str, path: str, absent: Default | None, call: Call) -> Cell:
    """The cell of a member of a listed item."""
    value = search(path, item)
    if value is not None:
        return Cell(value, (f"{ref}{pointer(path)}",))
    if absent is UNSEEN:
        return Cell(None, (ref,), absent_member(call, path, ref))
    return _assumed(absent, ref)


def attached(
    answer: Answer, path: str, absent: Default | None = UNSEEN, none: Default | None = None
) -> Cell:
    """The cell of a member of an answer about one thing.

    Parameters
    ----------
    answer : Answer
    path : str
        JMESPath.
    absent : Default or None
        What it means that a successful answer leaves the member out.
    none : Default, optional
        What an error means that says there is none of it; by default the same as ``absent``.
    """
    refused = none or absent
    if answer.unused or (answer.absent and refused):
        return Cell(refused.value if refused else None, answer.evidence[-1:])
    if answer.absent:
        ref = answer.evidence[-1]
        return Cell(None, (ref,), absent_member(answer.call, path, ref))
    if answer.trouble:
        return Cell(None, answer.evidence, answer.trouble)
    value, first = answer.value(path), answer.evidence[0]
    if value is not None:
        return Cell(value, (f"{first}#{pointer(path)}",))
    if absent is UNSEEN:
        return Cell(None, (first,), absent_member(answer.call, path, first))
    return _assumed(absent, first)


def _assumed(absent: Default, ref: str) -> Cell:
    return Cell(absent.value, (ref,), assumed=() if absent is NONE else (absent.source,))


def absent_member(call: Call, path: str, ref: str = "") -> Trouble:
    """The trouble of a member that a successful answer left out and that has no default."""
    return Trouble(
        "absent in answer", call.name, hint=text("gaps/left_out", member=path), evidence=ref
    )


def pointer(path: str) -> str:
    """JSON pointer of a plain JMESPath; empty for anything but names and indexes."""
    if not re.fullmatch(r"[\w.\[\]]+", path) or "[]" in path:
        return ""
    return "/" + path.replace(".", "/").replace("[", "/").replace("]", "")


def in_the_past(cell: Cell, as_of: dt.datetime) -> Cell:
    """The cell of a time, or of times, of what has happened; a gap where one lies ahead.

    A collection takes its time and clocks differ, so that a day ahead is not too much.
    """
    times = cell.value if isinstance(cell.value, list) else [cell.value]
    latest = max(filter(None, map(_time, times)), default=None)
    if cell.gap or latest is None or latest <= as_of + dt.timedelta(days=1):
        return cell
    hint = text("gaps/lies_ahead", time=f"{latest:%Y-%m-%d %H:%M} UTC")
    evidence = cell.refs[0].partition("#")[0] if cell.refs else ""
    return Cell(None, cell.refs, Trouble("needs review", hint=hint, evidence=evidence))


def _time(value: Any) -> dt.datetime | None:
    """The time in an ISO 8601 text; None for anything else."""
    try:
        time = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def derive(compute: Callable[..., Any], *cells: Cell) -> Cell:
    """A cell computed from others; a gap if one of them is."""
    gap = next((cell.gap for cell in cells if cell.gap), None)
    value = None if gap else compute(*(cell.value for cell in cells))
    return Cell(value, *_rests_on(cells, gap))


def _rests_on(
    cells: Iterable[Cell], gap: Trouble | None = None
) -> tuple[tuple[str, ...], Trouble | None, tuple[str, ...]]:
    """All but the value of a cell that is made from others."""
    refs = dict.fromkeys(ref for cell in cells for ref in cell.refs)
    assumed = dict.fromkeys(source for cell in cells for source in cell.assumed)
    return tuple(refs), gap, tuple(assumed)


def known_any(cells: Iterable[Cell]) -> Cell:
    """True where one cell is, whatever is unseen beside it; a gap only if that could decide."""
    return _decided(list(cells), decisive=True)


def known_all(cells: Iterable[Cell]) -> Cell:
    """False where one cell is, whatever is unseen beside it; a gap only if that could decide."""
    return _decided(list(cells), decisive=False)


def _decided(cells: list[Cell], *, decisive: bool) -> Cell:
    deciding = [cell for cell in cells if not cell.gap and bool(cell.value) is decisive]
    if deciding:
        return Cell(decisive, *_rests_on(deciding[:1]))
    gaps = [cell.gap for cell in cells if cell.gap]
    # What AWS refused can be granted; a region that is off may be so for good.
    gap = next((gap for gap in gaps if gap.code), gaps[0] if gaps else None)
    return Cell(None if gap else not decisive, *_rests_on(cells, gap))
