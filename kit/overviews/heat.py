"""The heat map of an organisation: accounts down, controls across, a mark in each cell."""

from __future__ import annotations

from typing import Any

from matplotlib import rc_context
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Canvas

from kit.catalogue import statuses
from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, SECTIONS, section_title
from kit.overviews.organisation import Organisation
from kit.report import fonts
from kit.report.drawing import STYLE, load_fonts, svg
from kit.report.formats import joined
from kit.report.views import STATUSES, Figure

ROWS = 50  # accounts that the picture has room for
_BLANK = "#ffffff"


def heat_map(organisation: Organisation) -> Figure:
    """Draw the worst status of each control in each account, the accounts with most fails first.

    A picture has room for `ROWS` accounts. The caption says how many accounts it leaves out; the
    table of accounts has all of them.
    """
    verdicts = organisation.verdicts
    need = organisation.counts[[FAIL, NOT_EVIDENCED]].apply(tuple, axis=1)
    order = need.sort_values(ascending=False, kind="stable").index[:ROWS]
    shown = verdicts.loc[order]
    ranks = {status: rank for rank, status in enumerate(WORST_FIRST)}
    cells = shown.apply(lambda column: column.map(ranks)).astype(float).to_numpy()
    load_fonts()
    with rc_context({**STYLE, "font.family": list(fonts.FAMILIES)}):
        size = (10.4, 1.5 + 0.17 * len(shown))
        canvas = Canvas(figsize=size, layout="constrained")
        axes = canvas.add_subplot()
        colours = [_background(status) for status in WORST_FIRST]
        axes.pcolormesh(
            cells,
            cmap=ListedColormap(colours),
            vmin=-0.5,
            vmax=len(WORST_FIRST) - 0.5,
            edgecolors=_BLANK,
            linewidth=0.8,
        )
        for (row, column), rank in _marked(cells):
            status = WORST_FIRST[rank]
            axes.text(
                column + 0.5,
                row + 0.52,
                STATUSES[status].shape,
                ha="center",
                va="center",
                fontsize=6,
                color=STATUSES[status].light if statuses.STATUSES[status].pale else "white",
            )
        axes.set_xticks([n + 0.5 for n in range(len(shown.columns))], shown.columns, rotation=90)
        axes.set_yticks([n + 0.5 for n in range(len(shown))], shown.index)
        axes.tick_params(length=0, labelsize=6.5)
        axes.xaxis.tick_top()
        axes.invert_yaxis()
        _legend(axes)
        picture = svg(canvas)
    left = len(verdicts) - len(shown)
    return Figure(
        "heat-map",
        picture,
        text("figures/heat/alternative", count=len(shown), sections=_described(organisation)),
        joined(text("figures/heat/caption"), text("figures/heat/cut", count=left) if left else ""),
    )


def _marked(cells: Any) -> list[tuple[tuple[int, int], int]]:
    return [
        ((row, column), int(rank))
        for row, line in enumerate(cells)
        for column, rank in enumerate(line)
        if rank == rank
    ]


def _legend(axes: Any) -> None:
    for status in WORST_FIRST:
        mark = STATUSES[status]
        axes.scatter(
            [],
            [],
            marker="s",
            s=60,
            color=_background(status),
            label=f"{mark.shape} {mark.word}",
        )
    axes.scatter(
        [],
        [],
        marker="s",
        s=60,
        facecolor=_BLANK,
        edgecolor="#646c76",
        label=text("figures/heat/not_selected"),
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.01), ncols=7, frameon=False)


def _described(organisation: Organisation) -> str:
    """Return each section's fails in words, for readers who cannot see the picture."""
    verdicts = organisation.verdicts
    lines = []
    for letters in SECTIONS:
        names = [name for name in verdicts.columns if CONTROLS[name].section == letters]
        if names:
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
