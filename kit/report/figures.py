"""Figures, as SVG with alternative text; the same input gives the same bytes."""

from __future__ import annotations

from collections import Counter
from itertools import count

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas

from kit.catalogue import statuses
from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, SECTIONS, section_title
from kit.judge.findings import Findings
from kit.report import fonts
from kit.report.data_map import data_map as data_map
from kit.report.drawing import STYLE, load_fonts, svg
from kit.report.formats import counts as counts_of
from kit.report.views import STATUSES, Figure

_COLUMN = 24.0  # width of a column of numbers, in points; it has room for four digits


def verdicts(findings: Findings) -> Figure:
    """Draw the number of findings of each section by status, as stacked bars.

    The numbers stand in columns beside the bars: in narrow bars, 1 and 1 would read as 11.
    """
    counts = {
        letters: Counter(
            finding.status
            for finding in findings.leaves
            if CONTROLS[finding.control].section == letters
        )
        for letters in SECTIONS
    }
    shown = [letters for letters in SECTIONS if counts[letters]]
    load_fonts()
    with rc_context(STYLE):
        canvas = Canvas(figsize=(7.0, 0.9 + 0.29 * len(shown)), layout="constrained")
        axes = canvas.add_subplot()
        beside = count(1)
        starts = [0] * len(shown)
        for status in WORST_FIRST:
            widths = [counts[letters][status] for letters in shown]
            if not any(widths):
                continue
            mark = STATUSES[status]
            axes.barh(
                range(len(shown)),
                widths,
                left=starts,
                height=0.62,
                color=mark.light,
                edgecolor="white",
                hatch=statuses.STATUSES[status].hatch,
                linewidth=0.8,
                label=f"{mark.shape} {mark.word}",
            )
            at = _COLUMN * next(beside)
            for row, number in enumerate([mark.shape, *widths], start=-1):
                axes.annotate(
                    str(number) if number else "",
                    (1, row),
                    (at, 0),
                    xycoords=axes.get_yaxis_transform(),
                    textcoords="offset points",
                    annotation_clip=False,
                    color=mark.light,
                    fontweight="bold" if row >= 0 else "normal",
                    family=fonts.SANS if row >= 0 else list(fonts.FAMILIES),
                    horizontalalignment="right",
                    verticalalignment="center",
                )
            starts = [start + width for start, width in zip(starts, widths, strict=True)]
        axes.set_yticks(range(len(shown)), [section_title(letters) for letters in shown])
        axes.invert_yaxis()
        axes.set_xlabel(text("figures/verdicts/axis"))
        axes.tick_params(left=False)
        words = {"family": list(fonts.FAMILIES)}
        canvas.legend(loc="outside upper center", ncols=6, frameon=False, prop=words)
        picture = svg(canvas)
    lines = (
        f"{section_title(letters)}: "
        + counts_of({s: counts[letters][s] for s in WORST_FIRST if counts[letters][s]})
        for letters in shown
    )
    alternative = text("figures/verdicts/alternative", sections="; ".join(lines))
    return Figure("verdicts", picture, alternative, text("figures/verdicts/caption"))
