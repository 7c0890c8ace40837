"""The heat map of an organisation: controls down, accounts across, a mark in each cell.

It is drawn at the width at which the PDF prints it, so that sizes here are those on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from kit.catalogue import statuses
from kit.catalogue.statuses import FAIL, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, section_title
from kit.overviews.organisation import Organisation
from kit.report.drawing import PAPER, QUIET, RULE, Drawing, width
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


def heat_map(organisation: Organisation) -> Group:
    """Draw the worst status of each control in each account, the accounts with most fails first.

    Every account is drawn, at most `MOST` of them in a figure.
    """
    verdicts, order = organisation.verdicts, organisation.worst_first
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
    drawing = Drawing(_WIDTH, height)
    across = (_WIDTH - _GUTTER) / 2
    for number, sections in enumerate(panels):
        _panel(drawing, verdicts, sections, number * (across + _GUTTER), across, line)
    _legend(drawing, height - _LEGEND / 2)
    return drawing.svg()


def _panel(
    drawing: Drawing,
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
        drawing.words(x, _ACCOUNT - 3, account, _SIZE, turned=True)
    places: dict[str, list[tuple[float, float]]] = {}
    y = _ACCOUNT
    for letters, names in sections:
        drawing.words(left, y + line / 2, section_title(letters), _SIZE, bold=True)
        drawing.line([(left, y + line), (left + across, y + line)], QUIET, 0.5)
        for name in names:
            y += line
            drawing.words(left, y + line / 2, name, _SIZE)
            if titles:
                words = _cut(CONTROLS[name].title, titles - 4)
                drawing.words(left + _NAME, y + line / 2, words, _SMALL, colour=QUIET)
            for place, status in enumerate(verdicts[name]):
                places.setdefault(status, []).append((first + place * cell, y))
        y += line
    for status, corners in places.items():
        _cells(drawing, status, corners, cell, line)


def _cells(
    drawing: Drawing,
    status: str,
    corners: Iterable[tuple[float, float]],
    across: float,
    down: float,
) -> None:
    """Draw all cells of a status; "" is for controls that nobody selected."""
    style = {"fill": _background(status)} if status else {"fill": PAPER, "edge": RULE, "thick": 0.4}
    for x, y in corners:
        drawing.box(x + _GAP, y + _GAP, across - 2 * _GAP, down - 2 * _GAP, **style)
        if status:
            colour = STATUSES[status].light if statuses.STATUSES[status].pale else PAPER
            middle = x + across / 2, y + down / 2
            drawing.mark(*middle, STATUSES[status].shape, min(down, across) * 0.62, colour)


def _legend(drawing: Drawing, y: float) -> None:
    entries = [(status, STATUSES[status].word) for status in WORST_FIRST]
    entries.append(("", text("figures/heat/not_selected")))
    side, gap = 9.0, 3.0
    widths = [side + gap + width(word, _SIZE) for _, word in entries]
    between = min((_WIDTH - sum(widths)) / (len(entries) - 1), 16.0)
    x = 0.0
    for (status, word), wide in zip(entries, widths, strict=True):
        _cells(drawing, status, [(x, y - side / 2)], side, side)
        drawing.words(x + side + gap, y, word, _SIZE)
        x += wide + between


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


def _cut(words: str, room: float) -> str:
    """Return words, or as many of them as fit, with an ellipsis."""
    kept = words
    while width(kept, _SMALL) > room:
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
