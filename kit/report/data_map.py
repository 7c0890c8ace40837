"""The map of where personal data rests and moves, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyBboxPatch

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED
from kit.catalogue.texts import text
from kit.judge.findings import Findings
from kit.report import fonts
from kit.report.drawing import STYLE, load_fonts, svg
from kit.report.flows import IN, OUT, RESTS, SESSIONS, UNKNOWN, Box, boxes, region_name
from kit.report.formats import joined
from kit.report.map_layout import (
    BAND,
    COLUMNS,
    GAP,
    HEAD,
    INK,
    LEGEND,
    LINE,
    PAD,
    QUIET,
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

_FRAMES: dict[str, dict[str, Any]] = {
    FAIL: {"linewidth": 1.8, "edgecolor": STATUSES[FAIL].light},
    NOT_EVIDENCED: {
        "linewidth": 1.1,
        "edgecolor": STATUSES[NOT_EVIDENCED].light,
        "linestyle": (0, (4, 2)),
    },
    "": {"linewidth": 0.7, "edgecolor": QUIET},
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
    load_fonts()
    with rc_context(STYLE):
        height = sum(band.height + GAP for band in bands) + LEGEND
        canvas = Canvas(figsize=(WIDTH, height))
        axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(height, 0)
        axes.axis("off")
        for band in bands:
            _draw_band(axes, band)
        for n, line in enumerate((text("figures/map/frames"), text("figures/map/numbers"))):
            at = height - LEGEND + 0.14 + 0.15 * n
            axes.text(0.02, at, line, fontsize=SMALL, color=QUIET, va="center")
        picture = svg(canvas)
    caption = text("figures/map/caption")
    cut = text("figures/map/cut", count=len(left), regions=", ".join(left)) if left else ""
    return Figure("data-map", picture, f"{caption} {_described(map_boxes)}", joined(caption, cut))


def _draw_band(axes: Any, band: Band) -> None:
    every = [drawn for column in band.columns.values() for drawn in column]
    top = min(drawn.y for drawn in every) - HEAD
    foot = top + band.height
    x, width = BAND
    _frame(axes, x, top, width, band.height, facecolor="#f1f4f7", edgecolor=QUIET, linewidth=0.7)
    name = {ACCOUNT: text("figures/map/account"), UNKNOWN: text("figures/map/no_region")}.get(
        band.region, text("figures/map/region", region=band.region)
    )
    axes.text(x + PAD, top + 0.15, name, fontsize=SIZE + 0.8, weight="bold", va="center")
    sessions = band.columns[SESSIONS]
    if sessions:  # as high as what stands beside it, for the arrows
        sessions[-1].height = foot - GAP - sessions[-1].y
    for drawn in every:
        _draw_box(axes, drawn)
    inner = COLUMNS[SESSIONS][0] if sessions else x
    for drawn in band.columns[IN]:
        _arrow(axes, drawn, drawn.x + drawn.width, inner)
    for drawn in band.columns[RESTS] if sessions else ():
        ends = inner + COLUMNS[SESSIONS][1], drawn.x
        _arrow(axes, drawn, *(ends[::-1] if drawn.box.ends.moves == "programs" else ends))
    for drawn in band.columns[OUT]:
        _arrow(axes, drawn, x + width, drawn.x)


def _draw_box(axes: Any, drawn: Drawn) -> None:
    worst = next(iter(drawn.box.counts)) or ""
    frame = _FRAMES.get(worst, _FRAMES[""])
    _frame(axes, drawn.x, drawn.y, drawn.width, drawn.height, facecolor="white", **frame)
    for n, (line, bold, colour) in enumerate(drawn.lines):
        axes.text(
            drawn.x + PAD,
            drawn.y + PAD + (n + 0.5) * LINE,
            line,
            fontsize=SIZE,
            weight="bold" if bold else "normal",
            family=fonts.SANS if bold else list(fonts.FAMILIES),
            color=colour,
            va="center",
        )


def _frame(axes: Any, x: float, y: float, width: float, height: float, **style: Any) -> None:
    shape = "round,pad=0,rounding_size=0.05"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, clip_on=False, **style))


def _arrow(axes: Any, drawn: Drawn, start: float, end: float) -> None:
    """Draw an arrow at the height of a box, and write above what moves along it."""
    y = drawn.y + drawn.height / 2
    axes.annotate(
        "",
        (end, y),
        (start, y),
        arrowprops={
            "arrowstyle": "-|>",
            "color": INK,
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    middle = (start + end) / 2
    axes.text(middle, y - 0.07, drawn.box.ends.cargo, fontsize=SMALL, color=INK, ha="center")


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
