"""The heat map of an organisation: controls down, accounts across, a mark in each cell.

It is drawn at the width at which the PDF prints it, so that sizes here are those on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from kit.catalogue import statuses
from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, section_title
from kit.overviews.organisation import Organisation
from kit.report import fonts
from kit.report.drawing import STYLE, load_fonts, svg
from kit.report.formats import joined
from kit.report.views import STATUSES, Figure, Group

MOST = 20
"""Accounts of a figure; more do not fit the page's width in print that can be read."""

# In points. The height leaves room on a page for a heading, some words and the caption.
_WIDTH, _HEIGHT = 483.0, 550.0
_SIZE, _SMALL = 6.6, 6.2  # of letters
_LINE = 10.8  # from a row to the next, where the height allows it
_ACCOUNT = 54.0  # an account's id, turned
_LEGEND = 20.0
_NAME, _GUTTER = 24.0, 14.0  # a control's id, and the room between panels
_CELL = 11.4  # a cell's width where the titles of controls stand beside it
_TITLES = 120.0  # the least room for titles; with less the cells are wider instead
_GAP = 0.5  # around a cell
_INK, _QUIET, _RULE, _BLANK = "#1c2731", "#55626e", "#c3ccd4", "#ffffff"
_SYMBOLS = fonts.FAMILIES[-1]


def heat_map(organisation: Organisation) -> Group:
    """Draw the worst status of each control in each account, the accounts with most fails first.

    Every account is drawn, at most `MOST` of them in a figure.
    """
    verdicts = organisation.verdicts
    need = organisation.counts[[FAIL, NOT_EVIDENCED]].apply(tuple, axis=1)
    order = list(need.sort_values(ascending=False, kind="stable").index)
    load_fonts()
    return Group(
        [
            _figure(verdicts.loc[order[start : start + MOST]], start, len(order))
            for start in range(0, len(order), MOST)
        ]
    )


def _figure(verdicts: pd.DataFrame, start: int, count: int) -> Figure:
    """Draw some accounts of `count`, of which `start` stand in the figures before."""
    fields = {"first": start + 1, "last": start + len(verdicts), "accounts": count}
    part = text("figures/heat/part", **fields) if len(verdicts) < count else ""
    alternative = text(
        "figures/heat/alternative", count=len(verdicts), sections=_described(verdicts)
    )
    return Figure(
        "heat-map" if not start else f"heat-map-{start // MOST + 1}",
        _picture(verdicts),
        joined(part, alternative),
        joined(text("figures/heat/caption", count=count), part),
    )


def _picture(verdicts: pd.DataFrame) -> str:
    panels = _panels(verdicts.columns)
    most = max(map(_rows, panels))
    line = min(_LINE, (_HEIGHT - _ACCOUNT - _LEGEND) / most)
    height = _ACCOUNT + most * line + _LEGEND
    with rc_context({**STYLE, "font.size": _SIZE, "text.color": _INK}):
        canvas = Canvas(figsize=(_WIDTH / 72, height / 72))
        axes = canvas.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(height, 0))
        axes.axis("off")
        across = (_WIDTH - _GUTTER) / 2
        for number, sections in enumerate(panels):
            _panel(axes, verdicts, sections, number * (across + _GUTTER), across, line)
        _legend(axes, height - _LEGEND / 2)
        return svg(canvas)


def _panel(
    axes: Any,
    verdicts: pd.DataFrame,
    sections: Sequence[tuple[str, list[str]]],
    left: float,
    across: float,
    line: float,
) -> None:
    """Draw sections of controls below each other."""
    room = across - _NAME - _CELL * len(verdicts)
    titles = room if room >= _TITLES else 0.0
    cell = (across - _NAME - titles) / len(verdicts)
    first = left + _NAME + titles
    for place, account in enumerate(verdicts.index):
        x = first + (place + 0.5) * cell
        axes.text(x, _ACCOUNT - 3, account, rotation=90, ha="center", va="bottom", size=_SIZE)
    places: dict[str, list[tuple[float, float]]] = {}
    y = _ACCOUNT
    for letters, names in sections:
        axes.text(left, y + line / 2, section_title(letters), weight="bold", va="center_baseline")
        axes.plot((left, left + across), (y + line,) * 2, color=_QUIET, linewidth=0.5)
        for name in names:
            y += line
            axes.text(left, y + line / 2, name, va="center_baseline")
            if titles:
                words = _cut(CONTROLS[name].title, titles - 4)
                axes.text(
                    left + _NAME,
                    y + line / 2,
                    words,
                    va="center_baseline",
                    size=_SMALL,
                    color=_QUIET,
                )
            for place, status in enumerate(verdicts[name]):
                places.setdefault(status, []).append((first + place * cell, y))
        y += line
    for status, corners in places.items():
        _cells(axes, status, corners, cell, line)


def _cells(
    axes: Any, status: str, corners: Iterable[tuple[float, float]], across: float, down: float
) -> None:
    """Draw all cells of a status; "" is for controls that nobody selected."""
    size = Affine2D().scale(across - 2 * _GAP, down - 2 * _GAP)
    squares = [
        Path.unit_rectangle().transformed(size.frozen().translate(x + _GAP, y + _GAP))
        for x, y in corners
    ]
    colour, edge = (_background(status), "none") if status else (_BLANK, _RULE)
    shape = Path.make_compound_path(*squares)
    axes.add_patch(PathPatch(shape, facecolor=colour, edgecolor=edge, linewidth=0.4))
    if status:
        centres = [(x + across / 2, y + down / 2) for x, y in corners]
        pale = statuses.STATUSES[status].pale
        axes.plot(
            *zip(*centres, strict=True),
            linestyle="none",
            marker=_shape(STATUSES[status].shape),
            markersize=min(down, across) * 0.62,
            markeredgewidth=0,
            color=STATUSES[status].light if pale else _BLANK,
        )


def _legend(axes: Any, y: float) -> None:
    entries = [(status, STATUSES[status].word) for status in WORST_FIRST]
    entries.append(("", text("figures/heat/not_selected")))
    side, gap = 9.0, 3.0
    widths = [side + gap + _width(word, _SIZE) for _, word in entries]
    between = min((_WIDTH - sum(widths)) / (len(entries) - 1), 16.0)
    x = 0.0
    for (status, word), width in zip(entries, widths, strict=True):
        _cells(axes, status, [(x, y - side / 2)], side, side)
        axes.text(x + side + gap, y, word, va="center_baseline")
        x += width + between


def _panels(names: Iterable[str]) -> list[list[tuple[str, list[str]]]]:
    """Return the controls by section, in at most two panels whose heights differ least."""
    sections: dict[str, list[str]] = {}
    for name in names:  # in the order of documents
        sections.setdefault(CONTROLS[name].section, []).append(name)
    listed = [*sections.items()]
    splits = [(listed[:place], listed[place:]) for place in range(1, len(listed) + 1)]
    best = min(splits, key=lambda panels: max(map(_rows, panels)), default=())
    return [panel for panel in best if panel]


def _rows(sections: Sequence[tuple[str, list[str]]]) -> int:
    return sum(1 + len(names) for _, names in sections)


@cache
def _shape(mark: str) -> Path:
    """Return a mark as a marker of plots, around its centre."""
    path = TextPath((0, 0), mark, size=10, prop=FontProperties(family=_SYMBOLS))
    box = path.get_extents()
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    return path.transformed(Affine2D().translate(-centre[0], -centre[1]))


@cache
def _width(words: str, size: float) -> float:
    prop = FontProperties(family=fonts.SANS)
    return float(TextPath((0, 0), words, size=size, prop=prop).get_extents().width)


def _cut(words: str, room: float) -> str:
    """Return words, or as many of them as fit, with an ellipsis."""
    kept = words
    while _width(kept, _SMALL) > room:
        kept = f"{kept.rstrip('…').rpartition(' ')[0]}…"
    return kept


def _described(verdicts: pd.DataFrame) -> str:
    """Return each section's fails in words, for readers who cannot see the picture."""
    lines = []
    for panel in _panels(verdicts.columns):
        for letters, names in panel:
            failing = int((verdicts[names] == FAIL).any(axis=1).sum())
            lines.append(
                text(
                    "figures/heat/section",
                    section=section_title(letters),
                    count=failing,
                    accounts=len(verdicts),
                )
            )
    return "; ".join(lines)


def _background(status: str) -> str:
    return statuses.STATUSES[status].pale or STATUSES[status].light
