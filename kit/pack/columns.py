"""How wide the columns of a table want to be, from what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.pack import fonts
from kit.report.views import JSON, SEVERITIES, STATUSES, cell_text

BREAKS = re.compile(r"[\s/-]")
"""Where a line may end in any case."""

_UNBROKEN = 13.0  # em: a longer word may be broken rather than widen its column
_NATURAL = 34.0
_WHOLE = ("status", "severity")
_MARKS = {mark.word: f"{mark.shape} {mark.word}" for mark in (STATUSES | SEVERITIES).values()}


@dataclass(frozen=True)
class Width:
    """What a column needs, in em: `least` to break no word, `natural` to wrap no line."""

    least: float
    natural: float


def widths(table: JSON) -> list[Width]:
    """Return the width that each column of a table (as JSON) wants."""
    return [
        _width(column, [row[place] for row in table["rows"]])
        for place, column in enumerate(table["columns"])
    ]


def share(wanted: list[Width], room: float) -> list[float]:
    """Divide `room` among columns: what each needs, then what it would like, then evenly."""
    least = sum(width.least for width in wanted)
    natural = sum(width.natural for width in wanted)
    if least >= room:
        return [width.least * room / least for width in wanted]
    if natural > room:
        part = (room - least) / (natural - least)
        return [width.least + part * (width.natural - width.least) for width in wanted]
    return [width.natural * room / natural for width in wanted]


def _width(column: JSON, cells: list[object]) -> Width:
    kind = column["kind"]
    mono = kind == "code"
    texts = [_MARKS.get(str(cell), "") if kind in _WHOLE else _text(kind, cell) for cell in cells]
    title = [1.1 * fonts.em(word) for word in column["title"].split()]  # set in bold
    if kind in _WHOLE:
        least = max([1.1 * fonts.em(text) for text in {*texts}] + title)
        return Width(least, least)
    words = {word for text in texts for word in BREAKS.split(text)}
    least = max([min(fonts.em(word, mono=mono), _UNBROKEN) for word in words] + title)
    # One long text must not squeeze the other columns: nearly the longest is enough.
    lengths = sorted(fonts.em(text[:200], mono=mono) for text in texts) or [0.0]
    usual = lengths[int(0.95 * (len(lengths) - 1))]
    return Width(least, max(least, min(usual, _NATURAL)))


def _text(kind: str, cell: object) -> str:
    return cell_text(kind, cell)  # type: ignore[arg-type]
