"""Figures, as SVG with alternative text; the same input gives the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kit.catalogue import statuses
from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, SECTIONS, section_title
from kit.judge.findings import Findings
from kit.report.blocks import is_providers
from kit.report.data_map import data_map as data_map
from kit.report.drawing import INK, PAPER, Drawing, steps, width
from kit.report.formats import counts as counts_of
from kit.report.views import STATUSES, Figure

# In points.
_WIDTH = 504.0  # at which the PDF prints it
_SIZE, _LINE, _BAR = 9.0, 16.5, 11.5  # of letters; from a row to the next; a bar's height
_COLUMN = 24.0  # of numbers; it has room for four digits
_SWATCH, _GAP, _EDGE = 17.0, 5.0, 8.0


def verdicts(findings: Findings) -> Figure:
    """Draw the number of findings of each section by status, as stacked bars; the provider's last.

    The numbers stand in columns beside the bars: in narrow bars, 1 and 1 would read as 11.
    """
    provider = text("figures/verdicts/provider")
    counts: dict[str, Counter[str]] = {
        title: Counter() for title in (*map(section_title, SECTIONS), provider)
    }
    for finding in findings.leaves:
        control = CONTROLS[finding.control]
        title = provider if is_providers(control) else section_title(control.section)
        counts[title][finding.status] += 1
    shown = {title: counted for title, counted in counts.items() if counted}
    lines = (
        f"{title}: " + counts_of({s: counted[s] for s in WORST_FIRST if counted[s]})
        for title, counted in shown.items()
    )
    alternative = text("figures/verdicts/alternative", sections="; ".join(lines))
    caption = text("figures/verdicts/caption")
    return Figure("verdicts", _bars(shown), alternative, caption)


def _bars(counts: dict[str, Counter[str]]) -> str:
    shown = list(WORST_FIRST)  # a verdict that nothing has keeps its column, which is empty
    legend = _wrapped(shown)
    top = _LINE * (len(legend) + 1)
    foot = top + _LINE * len(counts)
    drawing = Drawing(_WIDTH, foot + 40)
    fills = {
        status: drawing.hatched(statuses.STATUSES[status].hatch, STATUSES[status].light)
        for status in shown
    }
    _draw_legend(drawing, legend, fills)
    columns = {
        status: _WIDTH - _EDGE - _COLUMN * (len(shown) - 1 - n) for n, status in enumerate(shown)
    }
    for status, x in columns.items():
        mark = STATUSES[status]
        drawing.words(x, top - _LINE / 2, mark.shape, _SIZE, colour=mark.light, align="end")
    left = max((width(one, _SIZE) for one in counts), default=0.0) + _GAP
    right = _WIDTH - _EDGE - _COLUMN * len(shown) - _GAP
    most = max((line.total() for line in counts.values()), default=0)
    scale = (right - left) / max(most * 1.05, 1)
    for n, (title, line) in enumerate(counts.items()):
        y = top + _LINE * (n + 0.5)
        drawing.words(left - _GAP, y, title, _SIZE, align="end")
        x = left
        for status in (status for status in shown if line[status]):
            long = line[status] * scale
            fill = fills[status]
            drawing.box(x, y - _BAR / 2, long, _BAR, fill=fill, edge=PAPER, thick=0.8)
            x += long
            colour = STATUSES[status].light
            number = str(line[status])
            drawing.words(columns[status], y, number, _SIZE, bold=True, colour=colour, align="end")
    drawing.line([(left, foot), (right, foot)], INK, 0.8)
    for count in steps(most):
        x = left + count * scale
        drawing.line([(x, foot), (x, foot + 3.5)], INK, 0.8)
        drawing.words(x, foot + 11, str(count), _SIZE, align="middle")
    drawing.words(
        (left + right) / 2, foot + 28, text("figures/verdicts/axis"), _SIZE, align="middle"
    )
    return drawing.svg()


def _draw_legend(drawing: Drawing, legend: list[list[str]], fills: dict[str, str]) -> None:
    for n, line in enumerate(legend):
        y = _LINE * (n + 0.5)
        x = (_WIDTH - sum(map(_entry, line))) / 2
        for status in line:
            drawing.box(x, y - 3.5, _SWATCH, 7, fill=fills[status])
            drawing.words(x + _SWATCH + _GAP, y, _described(status), _SIZE)
            x += _entry(status)


def _wrapped(shown: Iterable[str]) -> list[list[str]]:
    """Return the legend's statuses, in as few lines as they fit."""
    lines: list[list[str]] = [[]]
    for status in shown:
        if sum(map(_entry, [*lines[-1], status])) > _WIDTH:
            lines.append([])
        lines[-1].append(status)
    return lines


def _entry(status: str) -> float:
    """Return the room that a status takes in the legend."""
    return _SWATCH + _GAP + width(_described(status), _SIZE) + 3 * _GAP


def _described(status: str) -> str:
    return f"{STATUSES[status].shape} {STATUSES[status].word}"
