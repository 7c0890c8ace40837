"""Figures of the kit, drawn as SVG: matplotlib takes longer to import than a pack its figures to draw.

Words are outlines of the kit's fonts, so that a figure looks the same in every browser and in the
PDF. Where letters join or run from right to left they stay text, which browsers and Typst shape.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from fontTools.pens.boundsPen import BoundsPen  # type: ignore[import-untyped]
from fontTools.pens.svgPathPen import SVGPathPen  # type: ignore[import-untyped]

from kit.catalogue.statuses import STATUSES
from kit.report import fonts
from kit.visible import escape as seen

INK, QUIET, RULE, PAPER = "#1c2731", "#55626e", "#c3ccd4", "#ffffff"
Align = Literal["start", "middle", "end"]
_CAPITAL = 0.714  # em: the height of a capital letter in Noto Sans
_SHARE = {"start": 0.0, "middle": 0.5, "end": 1.0}
_UNITS = 1000  # of an em, in all the kit's fonts
_TILE = 9  # points
_HATCHES = {
    "xx": f"M0 0L{_TILE} {_TILE}M0 {_TILE}L{_TILE} 0",
    "//": f"M-1 1L1 -1M0 {_TILE}L{_TILE} 0M{_TILE - 1} {_TILE + 1}L{_TILE + 1} {_TILE - 1}",
    "\\\\": f"M{_TILE - 1} -1L{_TILE + 1} 1M0 0L{_TILE} {_TILE}M-1 {_TILE - 1}L1 {_TILE + 1}",
    "..": "M1.5 2.25h1.5M6 6.75h1.5",
    "--": f"M0 2.25H{_TILE}M0 6.75H{_TILE}",
}


class Drawing:
    """Shapes and words on a canvas, in points from its upper left corner.

    Parameters
    ----------
    width, height : float
    """

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self._defined: dict[str, str] = {}
        self._shapes: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        edge: str = "none",
        thick: float = 0.0,
        dashes: str = "",
        round: float = 0.0,
    ) -> None:
        """Draw a rectangle; `fill` and `edge` are colours, `fill` may be a `hatched` one."""
        style = {"fill": fill, "stroke": edge, "rx": round or None}
        if thick:
            style |= {"stroke-width": _number(thick), "stroke-dasharray": dashes or None}
        self._shape("rect", x=x, y=y, width=width, height=height, **style)

    def line(self, points: Iterable[tuple[float, float]], colour: str, thick: float) -> None:
        """Draw a line through points."""
        style = {"fill": "none", "stroke": colour, "stroke-width": thick}
        self._shape("path", d=_through(points), **style)

    def arrow(self, y: float, start: float, end: float, colour: str, thick: float) -> None:
        """Draw a level arrow from `start` to `end`."""
        back = -5.5 if end > start else 5.5
        self.line([(start, y), (end + back, y)], colour, thick)
        head = [(end, y), (end + back, y - 2.2), (end + back, y + 2.2)]
        self._shape("path", d=f"{_through(head)}Z", fill=colour)

    def words(
        self,
        x: float,
        y: float,
        line: str,
        size: float,
        *,
        bold: bool = False,
        colour: str = INK,
        align: Align = "start",
        turned: bool = False,
    ) -> None:
        """Write a line of words whose capitals have their middle at `y`.

        Parameters
        ----------
        align : {"start", "middle", "end"}
            What of the line is at `x`.
        turned : bool
            Whether the line runs upwards: it then starts at `y` with its middle at `x`.
        """
        line = seen(line)
        drop = _CAPITAL * size / 2
        left = x - _SHARE[align] * width(line, size, bold=bold)
        at = (x + drop, y) if turned else (left, y + drop)
        turn = "rotate(-90)" if turned else ""
        place = f"translate({_number(at[0])} {_number(at[1])}){turn}"
        if _is_simple(line):
            used = "".join(self._glyphs(line, bold))
            scale = f"scale({size / _UNITS:.5f} -{size / _UNITS:.5f})"
            self._shapes.append(f'<g transform="{place}{scale}" fill="{colour}">{used}</g>')
        else:
            weight = ' font-weight="bold"' if bold else ""
            self._shapes.append(
                f'<text transform="{place}" fill="{colour}" font-size="{_number(size)}"{weight} '
                f'font-family="{", ".join(fonts.FAMILIES)}, sans-serif">{escape(line)}</text>'
            )

    def mark(self, x: float, y: float, character: str, across: float, colour: str) -> None:
        """Draw a character with its middle at a place, its longer side so many points."""
        left, low, right, high = _extents(character)
        scale = across / max(right - left, high - low)
        at = x - scale * (left + right) / 2, y + scale * (low + high) / 2
        place = f"translate({_number(at[0])} {_number(at[1])})scale({scale:.5f} -{scale:.5f})"
        (used,) = self._glyphs(character, bold=False)
        self._shapes.append(f'<g transform="{place}" fill="{colour}">{used}</g>')

    def hatched(self, hatch: str, colour: str) -> str:
        """Return the fill of a colour with a hatch; see `hatch` in ``kit/catalogue/statuses.yaml``."""
        if not hatch:
            return colour
        name = f"h{list(_HATCHES).index(hatch)}{colour.removeprefix('#')}"
        self._defined[name] = (
            f'<pattern id="{name}" width="{_TILE}" height="{_TILE}" patternUnits="userSpaceOnUse">'
            f'<rect width="{_TILE}" height="{_TILE}" fill="{colour}"/>'
            f'<path d="{_HATCHES[hatch]}" stroke="{PAPER}" stroke-width="1.1"/></pattern>'
        )
        return f"url(#{name})"

    def svg(self) -> str:
        """Return the figure; the same shapes give the same text."""
        size = f"{_number(self.width)} {_number(self.height)}"
        across, down = size.split()
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}pt" height="{down}pt" '
                f'viewBox="0 0 {size}">',
                f"<defs>{''.join(self._defined.values())}</defs>",
                *self._shapes,
                "</svg>\n",
            ]
        )

    def _shape(self, kind: str, **given: Any) -> None:
        fields = (
            f'{name}="{_number(value) if isinstance(value, int | float) else value}"'
            for name, value in given.items()
            if value is not None
        )
        self._shapes.append(f"<{kind} {' '.join(fields)}/>")

    def _glyphs(self, line: str, bold: bool) -> Iterator[str]:
        at = 0.0
        for character in line:
            outline, advance = _outline(character, bold)
            if outline:
                name = f"{'b' if bold else 'g'}{ord(character):x}"
                self._defined[name] = f'<path id="{name}" d="{outline}"/>'
                yield f'<use href="#{name}" x="{_number(at)}"/>'
            at += advance


def width(line: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of words, in the unit of `size`."""
    if not _is_simple(line):
        return fonts.em(line) * size
    return sum(_outline(character, bold)[1] for character in line) * size / _UNITS


def load() -> None:
    """Read the outlines that figures in English need, before the first of them."""
    marks = "".join(status.shape for status in STATUSES.values())
    for bold in (False, True):
        width(string.ascii_letters + string.digits + string.punctuation, 1.0, bold=bold)
    width(marks, 1.0)


@cache
def _font(path: Path) -> tuple[dict[int, str], Any]:
    """Return the names of a font's glyphs by character, and its glyphs."""
    font = fonts.opened(path)
    return font.getBestCmap(), font.getGlyphSet()


def _glyph(character: str, bold: bool) -> tuple[Any, Any]:
    """Return a character's glyph in the first face that has it, and all glyphs of the face."""
    path = next(face.path for face in fonts.shipped() if ord(character) in face.covers)
    heavy = path.with_name(path.name.replace("-Regular", "-Bold"))
    names, glyphs = _font(heavy if bold and heavy.exists() else path)
    return glyphs[names[ord(character)]], glyphs


@cache
def _outline(character: str, bold: bool) -> tuple[str, float]:
    """Return the outline of a character, and its advance."""
    glyph, glyphs = _glyph(character, bold)
    pen = SVGPathPen(glyphs)
    glyph.draw(pen)
    return str(pen.getCommands()), float(glyph.width)


@cache
def _extents(character: str) -> tuple[float, float, float, float]:
    glyph, glyphs = _glyph(character, bold=False)
    pen = BoundsPen(glyphs)
    glyph.draw(pen)
    left, low, right, high = pen.bounds
    return left, low, right, high


@cache
def _is_simple(line: str) -> bool:
    """Return whether each character has a glyph that stands beside the one before it."""
    return all(
        unicodedata.category(character)[0] != "M"
        and unicodedata.bidirectional(character) not in ("R", "AL", "AN")
        and any(ord(character) in face.covers for face in fonts.shipped())
        for character in line
    )


def _through(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def steps(most: int, count: int = 9) -> range:
    """Return round numbers for an axis from 0 to `most`, at most `count` beside 0."""
    scale = 1
    while True:
        for step in (scale, 2 * scale, 5 * scale):
            if most <= step * count:
                return range(0, most + 1, step)
        scale *= 10
