"""The fonts that come with the kit, those of the machine, and what neither can print.

Typst refuses a character that no font has, which is right for evidence: so
what cannot be printed is written out as `⟨U+1F600⟩` before Typst sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

SANS = "Noto Sans"
MONO = "Noto Sans Mono"
FAMILIES = (SANS, MONO, "Noto Sans Arabic", "Noto Sans Symbols2")
"""What the kit ships, in the order in which a character is looked for."""

# Sought on the machine by file name, since opening every font it has takes seconds:
# Chinese, Japanese and Korean first, then Noto's other scripts.
_SOUGHT = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(Noto ?Sans ?CJK|SourceHanSans|Hiragino ?Sans|PingFang|YuGoth|msyh|meiryo|malgun"
        r"|AppleSDGothicNeo|wqy-|DroidSansFallback|ipag)(?!.*(bold|black|light|thin|medium|demi))",
        r"^NotoSans[A-Z][A-Za-z]+-Regular\.(ttf|otf)$",
    )
]
_REMEMBERED = 4_096  # widths: most words of a document come again


@dataclass(frozen=True)
class Face:
    """One family in one file, and the code points that it covers."""

    family: str
    path: Path
    covers: frozenset[int]


def directory() -> Path:
    """Return the folder with the kit's own fonts (for Typst and matplotlib)."""
    return Path(__file__).parent


@cache
def shipped() -> tuple[Face, ...]:
    """Return the faces that come with the kit, in the order of `FAMILIES`."""
    faces = (_face(_file(family), family) for family in FAMILIES)
    return tuple(face for face in faces if face)


def _file(family: str) -> Path:
    return directory() / f"{family.replace(' ', '')}-Regular.ttf"


@cache
def _machine() -> tuple[Path, ...]:
    """Return the machine's font files that may help, in the order in which to try them."""
    from matplotlib.font_manager import findSystemFonts

    installed = sorted(Path(name) for name in findSystemFonts())
    return tuple(path for sought in _SOUGHT for path in installed if sought.search(path.name))


def opened(path: Path) -> TTFont:
    """Return the (first) font of a file; numbers name its glyphs, for reading their names is slow."""
    font = TTFont(path, fontNumber=0, lazy=True)
    font.setGlyphOrder([str(number) for number in range(font["maxp"].numGlyphs)])
    return font


@cache
def _face(path: Path, family: str | None = None) -> Face | None:
    """Return the (first) face in a font file; None if it cannot be read.

    Parameters
    ----------
    path : Path
    family : str, optional
        By default what the file states, for which fontTools imports as much as for all the rest.
    """
    try:
        font = opened(path)
        family = family or str(font["name"].getBestFamilyName())
        return Face(family, path, frozenset(font.getBestCmap()))
    except (OSError, KeyError, ValueError, TypeError, TTLibError):
        return None


def faces_for(characters: Iterable[str]) -> tuple[Face, ...]:
    """Return the faces needed to print `characters`: the kit's, then the machine's if they help.

    Parameters
    ----------
    characters : iterable of str
        Single characters, of all texts together.
    """
    faces = list(shipped())
    wanted = {ord(character) for character in characters}
    wanted -= frozenset().union(*(face.covers for face in faces))
    wanted = {point for point in wanted if unicodedata.category(chr(point))[0] in "LMNPS"}
    for path in _machine() if wanted else ():
        face = _face(path)
        if face and wanted & face.covers:
            faces.append(face)
            wanted -= face.covers
        if not wanted:
            break
    return tuple(faces)


def printable(text: str, faces: tuple[Face, ...]) -> str:
    """Return `text` with every character that none of `faces` has written as `⟨U+XXXX⟩`.

    A mark that combines must be in the same face as the letter that carries
    it, for the two are drawn together. Line ends stay.
    """
    if text.isascii():
        return text
    return "".join(_printable(cluster, faces) for cluster in _clusters(text))


def _clusters(text: str) -> list[str]:
    clusters: list[str] = []
    for character in text:
        joins = unicodedata.category(character)[0] == "M" or character in "\u200c\u200d"
        if joins and clusters:
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _printable(cluster: str, faces: tuple[Face, ...]) -> str:
    points = {ord(character) for character in cluster} - {0x0A}
    if any(points <= face.covers for face in faces):
        return cluster
    first, rest = cluster[0], cluster[1:]
    kept = first if any(ord(first) in face.covers for face in faces) else _written(first)
    return kept + "".join(map(_written, rest))


def _written(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


class _Advances(dict[int, float]):
    def __missing__(self, point: int) -> float:
        return 1.0


@cache
def _advances() -> _Advances:
    font = opened(_file(SANS))
    widths, em_units = font["hmtx"], font["head"].unitsPerEm
    return _Advances(
        {
            point: widths[name][0] / em_units
            for point, name in font.getBestCmap().items()
            if point < 0x2100
        }
    )


@lru_cache(_REMEMBERED)
def em(text: str, *, mono: bool = False) -> float:
    """Return the width of a line of text, in em; foreign scripts count one em a character."""
    if mono:
        return 0.6 * len(text)
    return sum(map(_advances().__getitem__, map(ord, text)))
