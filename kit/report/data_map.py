"""The map of where personal data rests and moves, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED
from kit.catalogue.texts import text
from kit.judge.findings import Findings
from kit.report.drawing import INK, PAPER, QUIET, Drawing
from kit.report.flows import IN, OUT, RESTS, SESSIONS, UNKNOWN, Box, boxes, region_name
from kit.report.formats import joined
from kit.report.map_layout import (
    BAND,
    COLUMNS,
    GAP,
    HEAD,
    LEGEND,
    LINE,
    PAD,
    SIZE,
    SMALL,
    WIDTH,
    Band,
    Drawn,
    lay_out,
    size_of,
    status_word,
)
from kit.report.views import STATUSES, Figure, Note
from kit.tables import Tables
from kit.tables.coverage import ACCOUNT

_POINTS = 72  # an inch; the layout is in inches
_FRAMES: dict[str, dict[str, Any]] = {
    FAIL: {"thick": 1.8, "edge": STATUSES[FAIL].light},
    NOT_EVIDENCED: {"thick": 1.1, "edge": STATUSES[NOT_EVIDENCED].light, "dashes": "4.4 2.2"},
    "": {"thick": 0.7, "edge": QUIET},
}


def data_map(findings: Findings, tables: Tables) -> Figure | Note:
    """Draw where personal data rests and moves: regions, what rests there, ways in and out.

    Resources of the same region and kind share a box, which states how many they are.
    A picture has room for a page: the caption names the regions that are left out, and the table
    has all regions.

    Parameters
    ----------
    findings : Findings
    tables : Tables
        All tables of the snapshot that was judged.
    """
    map_boxes = boxes(findings, tables)
    if not map_boxes:
        return Note(text("figures/map/none"))
    bands, left = lay_out(map_boxes)
    height = sum(band.height + GAP for band in bands) + LEGEND
    drawing = Drawing(WIDTH * _POINTS, height * _POINTS)
    for band in bands:
        _draw_band(drawing, band)
    _write(drawing, 0.02, height - LEGEND + 0.14, text("figures/map/frames"), SMALL, colour=QUIET)
    caption = text("figures/map/caption")
    cut = (
        text("figures/map/cut", count=len(left), regions=", ".join(map(region_name, left)))
        if left
        else ""
    )
    return Figure(
        "data-map",
        drawing.svg(),
        f"{caption} {_described(map_boxes)}",
        joined(caption, cut),
        table="flows",
    )


def _draw_band(drawing: Drawing, band: Band) -> None:
    every = [drawn for column in band.columns.values() for drawn in column]
    top = min(drawn.y for drawn in every) - HEAD
    foot = top + band.height
    x, width = BAND
    _frame(drawing, x, top, width, band.height, fill="#f1f4f7", edge=QUIET, thick=0.7)
    name = {ACCOUNT: text("figures/map/account"), UNKNOWN: text("figures/map/no_region")}.get(
        band.region, text("figures/map/region", region=band.region)
    )
    _write(drawing, x + PAD, top + 0.15, name, SIZE + 0.8, bold=True)
    sessions = band.columns[SESSIONS]
    if sessions:  # as high as what stands beside it, for the arrows
        sessions[-1].height = foot - GAP - sessions[-1].y
    for drawn in every:
        _draw_box(drawing, drawn)
    inner = COLUMNS[SESSIONS][0] if sessions else x
    for drawn in band.columns[IN]:
        _arrow(drawing, drawn, drawn.x + drawn.width, inner)
    for drawn in band.columns[RESTS] if sessions else ():
        ends = inner + COLUMNS[SESSIONS][1], drawn.x
        _arrow(drawing, drawn, *(ends[::-1] if drawn.box.ends.moves == "programs" else ends))
    for drawn in band.columns[OUT]:
        _arrow(drawing, drawn, x + width, drawn.x)


def _draw_box(drawing: Drawing, drawn: Drawn) -> None:
    worst = next(iter(drawn.box.counts)) or ""
    frame = _FRAMES.get(worst, _FRAMES[""])
    _frame(drawing, drawn.x, drawn.y, drawn.width, drawn.height, fill=PAPER, **frame)
    for n, (line, bold, colour) in enumerate(drawn.lines):
        y = drawn.y + PAD + (n + 0.5) * LINE
        _write(drawing, drawn.x + PAD, y, line, SIZE, bold=bold, colour=colour)


def _frame(drawing: Drawing, x: float, y: float, width: float, height: float, **style: Any) -> None:
    place = (part * _POINTS for part in (x, y, width, height))
    drawing.box(*place, round=0.05 * _POINTS, **style)


def _write(drawing: Drawing, x: float, y: float, line: str, size: float, **style: Any) -> None:
    drawing.words(x * _POINTS, y * _POINTS, line, size, **style)


def _arrow(drawing: Drawing, drawn: Drawn, start: float, end: float) -> None:
    """Draw an arrow at the height of a box, and write above what moves along it."""
    y = drawn.y + drawn.height / 2
    drawing.arrow(y * _POINTS, start * _POINTS, end * _POINTS, INK, 0.9)
    _write(drawing, (start + end) / 2, y - 0.1, drawn.box.ends.cargo, SMALL, align="middle")


def _described(map_boxes: Sequence[Box]) -> str:
    """Return in words what the figure shows."""
    by_region: dict[str, list[str]] = {}
    for box in map_boxes:
        region = region_name(box.region)
        by_region.setdefault(
            text("figures/map/account") if region == ACCOUNT else region, []
        ).append(_box_described(box))
    return " ".join(f"{region}: {'; '.join(lines)}." for region, lines in by_region.items())


def _box_described(box: Box) -> str:
    numbers = ", ".join(f"{n} {status_word(status)}" for status, n in box.counts.items())
    moves = f" ({box.ends.cargo})" if box.ends.moves else ""
    parts = (f"{box.number}", f"{box.ends.sentence}{moves}", size_of(box))
    return f"{', '.join(filter(None, parts))}: {numbers}"
