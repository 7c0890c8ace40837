"""Where each box of the map of personal data stands on its page, and what is written in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED
from kit.catalogue.texts import text
from kit.report import fonts
from kit.report.drawing import INK, QUIET
from kit.report.flows import IN, OUT, RESTS, SESSIONS, SIDES, Box, counted
from kit.report.views import STATUSES
from kit.tables.coverage import ACCOUNT

# Inches. Text is measured in the regular face; the bold face is a tenth wider.
WIDTH, TALLEST = 7.0, 7.7  # with its heading and a paragraph on a page of Letter
COLUMNS = {IN: (0.03, 1.32), SESSIONS: (1.98, 0.98), RESTS: (3.58, 1.5), OUT: (5.69, 1.28)}
BAND = (1.86, 3.34)
SIZE, SMALL, BOLD = 7.4, 6.8, 1.1  # points
LINE, PAD, GAP, HEAD, LEGEND = 0.128, 0.05, 0.09, 0.27, 0.25


@dataclass
class Drawn:
    """A box on its way to the canvas: inches from the upper left corner, and its lines."""

    box: Box
    x: float
    width: float
    lines: list[tuple[str, bool, str]]  # text, whether bold, colour
    y: float = 0.0
    height: float = field(init=False)

    def __post_init__(self) -> None:
        self.height = 2 * PAD + LINE * len(self.lines)


@dataclass
class Band:
    """A region on its way to the canvas: its boxes by side."""

    region: str
    columns: dict[str, list[Drawn]]

    @property
    def height(self) -> float:
        """Inches, its name included."""
        return HEAD + max(map(_stacked, self.columns.values())) + GAP


def lay_out(boxes: Sequence[Box]) -> tuple[list[Band], list[str]]:
    """Return the bands with all places given, and the regions for which there is no room.

    What the account has once stands in the band of each region with sessions, for it leads into
    all of them; where there are none, in a band of its own.
    """
    regions = list(dict.fromkeys(box.region for box in boxes))
    working = [box.region for box in boxes if box.ends.side == SESSIONS]
    once = {region: [ACCOUNT] if region in working else [] for region in regions}
    bands = [
        Band(
            region,
            {
                side: [
                    _drawn(box)
                    for box in boxes
                    if box.ends.side == side and box.region in (region, *once[region])
                ]
                for side in SIDES
            },
        )
        for region in regions
        if region != ACCOUNT or not working
    ]
    kept: list[Band] = []
    top = 0.0
    for band in sorted(bands, key=_open, reverse=True):
        if not kept or top + band.height + GAP + LEGEND <= TALLEST:
            kept.append(band)
            top += band.height + GAP
    kept.sort(key=bands.index)
    top = 0.0
    for band in kept:
        for column in band.columns.values():
            _stack(column, top + HEAD)
        top += band.height + GAP
    return kept, [band.region for band in bands if band not in kept]


def _open(band: Band) -> int:
    """Return how much is open in a region; where room is short, regions with most come first."""
    every = [drawn.box for column in band.columns.values() for drawn in column]
    return sum(box.counts.get(FAIL, 0) + box.counts.get(NOT_EVIDENCED, 0) for box in every)


def _stacked(column: Sequence[Drawn]) -> float:
    return sum(drawn.height + GAP for drawn in column)


def _stack(column: Iterable[Drawn], top: float) -> None:
    for drawn in column:
        drawn.y = top
        top += drawn.height + GAP


def _drawn(box: Box) -> Drawn:
    x, width = COLUMNS[box.ends.side]
    room = (width - 2 * PAD) * 72
    lines = [(line, True, INK) for line in _wrap(_title(box), room / SIZE / BOLD)]
    lines += [(line, False, INK) for line in _wrap(size_of(box), room / SIZE)]
    for status, count in box.counts.items():
        number = f"{count} " if len(box.flows) > 1 else ""
        shape = f"{STATUSES[status].shape} " if status else ""
        colour = STATUSES[status].light if status else QUIET
        lines.append((f"{shape}{number}{status_word(status)}", False, colour))
    return Drawn(box, x, width, lines)


def _title(box: Box) -> str:
    return f"{box.number}  {box.ends.title}"


def status_word(status: str | None) -> str:
    """Return the word of a box's status; None is what no control of the run judges."""
    return STATUSES[status].word if status else text("figures/map/not_judged")


def size_of(box: Box) -> str:
    """Return how much a box holds, if more than a resource: what runs there, users, a number."""
    seen = [flow for flow in box.flows if flow.listed]
    ways = Counter(way for flow in seen for way in flow.carried)
    if ways:
        of = counted(len(seen), box.ends.unit)
        each = (
            text("figures/map/way", what=text(f"figures/map/moves/{way}"), count=count)
            for way, count in ways.items()
        )
        return text("figures/map/carried", counted=of, ways=", ".join(each))
    if len(seen) > 1:
        return counted(len(seen), box.ends.unit)
    sized = box.ends.side == SESSIONS or box.ends.unit == "pool"
    return "".join(flow.observed for flow in seen if sized)


def _wrap(words: str, em: float) -> list[str]:
    """Break a text into lines no wider than `em`, where words end."""
    lines: list[str] = []
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fonts.em(longer) <= em:
            lines[-1] = longer
        elif word or not lines:
            lines.append(word)
    return [line for line in lines if line]
