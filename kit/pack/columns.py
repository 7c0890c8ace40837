"""How wide the columns of a table want to be, from what stands in them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from kit.pack.blocks import ColumnBlock, TableBlock
from kit.report import fonts
from kit.report.views import SEVERITIES, STATUSES, Cell, Kind, cell_text, ids

_SEPARATORS = "-/:_.,;=&?@|(){}+"
_WITHIN = rf"[^{_SEPARATORS}\s]"
_PARTS = re.compile(rf"\s+|{_WITHIN}*?(?:[{_SEPARATORS}]+|[a-z](?=[A-Z]))|{_WITHIN}+")

_CODE = 0.93  # of the size of other text, and a little more
_UNBROKEN = 10.0  # em: a longer word may be broken rather than widen its column
_TITLE_LINES = 3
_NATURAL = 80.0
_PACKING = 0.65  # power of its natural width with which a column that wraps shares
_OUTLIER = 4  # lines: a text much longer than its column's others may take so many
_LISTS, _LISTED = ("evidence", "control"), 20.0  # em: lists of ids read as well in many lines
_DEEPEST, _ABREAST = 9, 13.0  # lines of the longest list of controls; em of three of them
_ROUNDS, _LOOSE = 8, 1.05  # lines are not full where words end
_HALVINGS = 24  # from any width: what is left of it cannot be seen
_PAGE = 5.5  # em, about
_WRITTEN = 12.0  # em: to write a date by hand
_WIDE = 8.0
_WHOLE = ("status", "severity")
_MARKS = STATUSES | SEVERITIES


@dataclass(frozen=True)
class Width:
    """What a column needs, in em: `least` to break no word, `natural` to wrap no line of cells.

    `roomy` is enough for its whole title on a line. A column that `grows` takes room left over.
    """

    least: float
    natural: float
    roomy: float = 0.0
    grows: bool = True


class Lines(NamedTuple):
    """How many lines a cell has that wraps none, and how wide the longest is, in em."""

    number: int
    em: float


def parts(text: str) -> list[str]:
    """Split a text where a line may well end: at spaces, after separators, in camelCase."""
    return _PARTS.findall(text)


def cell_em(kind: str, text: str) -> float:
    """Return how wide a line of a cell is, in em of the table's text; code is set smaller."""
    return _CODE * fonts.em(text, mono=True) if kind == "code" else fonts.em(text)


def lines_of(kind: Kind, cell: Cell) -> Lines:
    """Return the lines of a cell that wraps none; a section stands with its page."""
    if kind == "section":
        return Lines(
            max(len(ids(cell)), 1), max((fonts.em(name) + _PAGE for name in ids(cell)), default=1.0)
        )
    text = cell_text(kind, cell)
    return Lines(text.count("\n") + 1, _line_em(kind, text))


def widths(table: TableBlock, *, times_whole: bool = True) -> list[Width]:
    """Return the width that each column of a table wants.

    Parameters
    ----------
    table : TableBlock
    times_whole : bool
        Whether a day and its time stand on a line.
    """
    return [
        _width(column, [row[place] for row in table["rows"]], times_whole)
        for place, column in enumerate(table["columns"])
    ]


def share(wanted: list[Width], room: float) -> list[float]:
    """Divide `room` among columns, so that rows become as low as they can.

    Columns that wrap get nearly as many lines as each other, narrow ones fewer since their lines
    fill less well, and none gets less than its least; where even the least does not fit, the
    longest words are broken.
    What is left over goes to titles that wrap, then to the columns that wrap or nearly do.
    """
    least = [width.least for width in wanted]
    natural = [width.natural for width in wanted]
    if sum(least) >= room:
        return _fit(lambda measure: [min(part, measure) for part in least], max(least), room)
    if sum(natural) >= room:
        return _fit(
            lambda part: [
                max(a, min(b, part * b**_PACKING)) for a, b in zip(least, natural, strict=True)
            ],
            max(natural),
            room,
        )
    roomy = [max(width.natural, width.roomy) for width in wanted]
    titles = sum(roomy) - sum(natural)
    given = min(1.0, (room - sum(natural)) / titles) if titles else 0.0
    natural = [a + given * (b - a) for a, b in zip(natural, roomy, strict=True)]
    wide = [
        part if width.grows and part >= _WIDE else 0.0
        for part, width in zip(natural, wanted, strict=True)
    ]
    wide = wide if any(wide) else natural
    spare = room - sum(natural)
    return [part + spare * grows / sum(wide) for part, grows in zip(natural, wide, strict=True)]


def lowest(shares: list[float], wanted: list[Width], rows: list[list[Lines]]) -> list[float]:
    """Return widths with which all rows together are lower, or the same widths.

    The longest cell of a column says little of a column that is empty in most rows. So each column
    gets more as it decides the height of more rows: were it always the same column, the sum of the
    heights would be least with widths as the square roots of what stands in the columns.

    Parameters
    ----------
    shares : list of float
        Widths in em, as `share` returns them.
    wanted : list of Width
    rows : list of list of Lines
    """
    room = sum(shares)
    best, least_height, now = shares, _height(shares, rows), shares
    for _ in range(_ROUNDS):
        decided = [0.0] * len(now)
        for row in rows:
            heights = [
                cell.number * max(cell.em / width, 1) for cell, width in zip(row, now, strict=True)
            ]
            place = heights.index(max(heights))
            if row[place].em > now[place]:
                decided[place] += row[place].number * row[place].em
        if not any(decided):
            break
        roots = [math.sqrt(em) for em in decided]
        target = _fit(partial(_rooted, wanted, roots), room, room)
        now = [(a + b) / 2 for a, b in zip(now, target, strict=True)]
        if (height := _height(now, rows)) < least_height:
            best, least_height = now, height
    return best


def _rooted(wanted: list[Width], roots: list[float], part: float) -> list[float]:
    return [max(width.least, part * root) for width, root in zip(wanted, roots, strict=True)]


def _height(shares: list[float], rows: list[list[Lines]]) -> int:
    """Return how many lines rows take, about."""
    return sum(
        max(
            cell.number * math.ceil(_LOOSE * cell.em / width)
            for cell, width in zip(row, shares, strict=True)
        )
        for row in rows
    )


def _fit(widths: Callable[[float], list[float]], high: float, room: float) -> list[float]:
    """Return the widths of the greatest argument, up to `high`, with which they fit."""
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(widths(middle)) > room else (middle, high)
    return widths(low)


def _width(column: ColumnBlock, cells: list[Cell], times_whole: bool) -> Width:
    kind = column["kind"]
    title = [1.1 * fonts.em(word) for word in column["title"].split()]  # set in bold
    roomy = 1.1 * fonts.em(column["title"])
    if kind in _WHOLE:
        marks = map(_mark, {*map(str, cells)})
        least = max((*title, *(1.1 * fonts.em(mark) for mark in marks)), default=0.0)
        return Width(least, least, roomy, grows=False)
    texts = Counter(cell_text(kind, cell) for cell in cells)  # many are alike
    whole = kind == "datetime" and times_whole
    words = {*texts} if whole else {word for text in texts for word in text.split()}
    least = max((*title, *(_least(kind, word) for word in words)), default=0.0)
    if kind == "entry":
        return Width(max(least, _WRITTEN), _NATURAL)
    # A single long text must not squeeze the other columns: nearly the longest is enough.
    wide = {text: _line_em(kind, text[:500]) for text in texts}
    lengths = sorted(wide[text] for text in texts.elements()) or [0.0]
    usual = max(lengths[math.ceil(0.95 * len(lengths)) - 1], lengths[-1] / _OUTLIER)
    if kind in _LISTS:
        usual = min(usual, _LISTED)
    if kind == "control":  # however many columns share the page
        least = max(least, min(lengths[-1] / _DEEPEST, _ABREAST))
    lines = sum(title) / _TITLE_LINES
    return Width(least, max(least, lines, min(usual, _NATURAL)), roomy)


def _least(kind: str, word: str) -> float:
    """Return what a word needs: all of it if it is short, else the longest of its parts."""
    whole = cell_em(kind, word)
    if whole <= _UNBROKEN or kind == "datetime":
        return whole
    return min(max(cell_em(kind, part) for part in parts(word)), _UNBROKEN)


def _line_em(kind: str, text: str) -> float:
    """Return how wide the widest line of a cell is, in em: names of resources stand in lines."""
    return max((cell_em(kind, line) for line in text.split("\n")), default=0.0)


def _mark(cell: str) -> str:
    mark = _MARKS.get(cell)
    return f"{mark.shape} {mark.word}" if mark else ""
