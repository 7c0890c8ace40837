"""The labelled strings of tests/data/secrets, and how a detector scores on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kit.shipped import yaml_data

DATA = Path(__file__).parent / "data" / "secrets"
HALVES = ("development", "held_out", "blind", "strangers")
_Span = tuple[int, int]


@dataclass(frozen=True)
class Labelled:
    """A text and the spans of it that must be masked; no span in a near miss.

    Attributes
    ----------
    category : str
    text : str
    spans : tuple of (int, int)
    """

    category: str
    text: str
    spans: tuple[_Span, ...]


@dataclass
class Score:
    """What a detector did with labelled strings.

    Attributes
    ----------
    masked, missed, false, clear : list of Labelled
        Strings whose spans are all masked; strings with a span left; strings with a mask that
        touches no span; near misses without a mask.
    exact : int
        Strings of which nothing but the spans was masked.
    """

    masked: list[Labelled] = field(default_factory=list)
    missed: list[Labelled] = field(default_factory=list)
    false: list[Labelled] = field(default_factory=list)
    clear: list[Labelled] = field(default_factory=list)
    exact: int = 0

    @property
    def recall(self) -> float:
        """The share of strings with secrets that are masked."""
        return len(self.masked) / ((len(self.masked) + len(self.missed)) or 1)

    @property
    def precision(self) -> float:
        """The share of masked strings among all that were reported."""
        return len(self.masked) / ((len(self.masked) + len(self.false)) or 1)


def strings(half: str) -> Iterator[Labelled]:
    """Yield the strings of one half."""
    data = yaml_data(DATA / f"{half}.yaml")
    for part in ("secrets", "near_misses"):
        for category, texts in data[part].items():
            for text in texts:
                yield parse(category, text)


def parse(category: str, marked: str) -> Labelled:
    """Return a text without its marks, and the spans that they enclose."""
    text, spans = "", []
    for n, piece in enumerate(re.split("[⟪⟫]", marked)):
        if n % 2:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    return Labelled(category, text, tuple(spans))


def score(half: str, mask: Callable[[str], list[_Span]]) -> Score:
    """Score a detector that returns the spans that it masks."""
    result = Score()
    for item in strings(half):
        masks = mask(item.text)
        if item.spans:
            hidden = {at for start, end in masks for at in range(start, end)}
            owed = {at for start, end in item.spans for at in range(start, end)}
            needed = {at for at in owed if item.text[at].isalnum()}
            (result.missed if needed - hidden else result.masked).append(item)
            result.exact += owed == hidden
        if any(all(end <= s or e <= start for s, e in item.spans) for start, end in masks):
            result.false.append(item)
        elif not item.spans:
            result.clear.append(item)
    return result


def masked_spans(text: str, masked: str) -> list[_Span]:
    """Return the spans of a text that tokens replaced, given the masked text."""
    pieces = re.split(r"(?:⟦secret: [^⟦⟧]+⟧)+", masked)
    match = re.fullmatch("(.+?)".join(map(re.escape, pieces)), text, re.DOTALL)
    assert match is not None, (text, masked)
    return [match.span(n) for n in range(1, len(pieces))]
