"""What a reader sees of a status, a severity, a cell and a text."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.catalogue import statuses
from kit.catalogue.texts import text
from kit.visible import escape

NONE = "\N{EN DASH}"
BLANK = "_" * 18  # what somebody fills in by hand; the PDF has a line
# What a pack without a signature is; beside these a text names signer and trust.
UNSIGNED, DOWNGRADED = "unsigned", "unsigned, after a signed pack of the account"
_UNSIGNED = {UNSIGNED: "unsigned", DOWNGRADED: "downgraded"}

Kind = Literal[
    "text",
    "code",
    "number",
    "datetime",
    "status",
    "severity",
    "evidence",
    "control",
    "section",
    "link",
    "entry",
]
Scalar = str | int | float | bool | None
Cell = Scalar | list[str]
JSON = dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """How a status or a severity is shown: word, shape and colour together.

    `light` stands on white and on `kit`'s light grey, `dark` on near-black;
    both reach 4.5:1. `shape` is in the fonts of `kit.report.fonts`, so that
    figures can print it too.
    """

    id: str
    shape: str
    light: str
    dark: str

    @property
    def word(self) -> str:
        """Return the word that readers see, in the language chosen."""
        return text(self.id)


STATUSES: dict[str, Mark] = {
    word: Mark(f"statuses/{word}/word", known.shape, known.light, known.dark)
    for word, known in statuses.STATUSES.items()
}
"""By the word in the data, the worst first."""

SEVERITIES: dict[str, Mark] = {
    word: Mark(f"report/severities/{word}", shape, "#23303c", "#e8edf2")
    for word, shape in (("high", "●●●"), ("medium", "●●○"), ("low", "●○○"))
}
"""By the word in the data, the gravest first."""

_MARKS = STATUSES | SEVERITIES
# Kinds of which documents show a text in other words.
_WORDED = frozenset(("status", "severity", "datetime"))
_HALVES = re.compile("[\ud800-\udfff]")


def storable(value: Any) -> Any:
    """Write out halves of surrogate pairs, which JSON from AWS may hold and no file can."""
    if isinstance(value, str):
        return value if value.isascii() else _HALVES.sub(lambda half: escape(half[0]), value)
    if isinstance(value, dict):
        return {storable(name): storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part) for part in value]
    return value


def cell_text(kind: Kind, cell: Cell) -> str:
    """Return what a reader sees of a cell; every form of a table uses it.

    Parameters
    ----------
    kind : Kind
        The kind of the cell's column.
    cell : Cell
        A JSON scalar, the list of ids of an evidence or control cell, or the text and the
        relative address of a link.
    """
    if type(cell) is str and cell and kind not in _WORDED:  # nearly every cell
        return cell
    if cell is None or cell == "" or cell == []:
        return BLANK if kind == "entry" else NONE
    if kind == "link" and isinstance(cell, list):
        return cell[0]
    if isinstance(cell, list):
        return ", ".join(cell)
    if isinstance(cell, bool):
        return text("report/yes" if cell else "report/no")
    if kind in ("status", "severity"):
        return _MARKS[str(cell)].word
    if isinstance(cell, int | float) and kind == "number":
        return f"{cell:,}"
    if kind == "datetime":
        return re.sub(
            r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?:Z|\+00:00)$",
            r"\1 \2 UTC",
            str(cell),
        )
    return str(cell)


def counts(numbers: Mapping[str, int]) -> str:
    """Return how many findings have each status: `2 fail, 1 pass`."""
    return ", ".join(f"{count} {STATUSES[status].word}" for status, count in numbers.items())


def responsibility(party: str) -> str:
    """Return who is responsible for a control, in the language chosen."""
    return text(f"report/responsibilities/{party}")


def joined(*parts: str | None) -> str:
    """Return sentences joined by spaces, without empty sentences."""
    return " ".join(part for part in parts if part)


def ended(words: str) -> str:
    """Return words with a full stop, unless they end as a sentence."""
    return words if words.endswith((".", "?", "!")) else f"{words}."


def articles(reasons: Mapping[str, str]) -> list[str]:
    """Return articles of the GDPR, each with the reason why it is cited."""
    return [
        f"{text('pack/page/article', article=article)}: {why}" for article, why in reasons.items()
    ]


def signature(stated: str) -> str:
    """Return who signed a pack, in the language chosen, as `kit.overviews.packs` states it."""
    if stated in _UNSIGNED:
        return text(f"report/signatures/{_UNSIGNED[stated]}")
    signer, _, state = stated.rpartition("; ")
    return text(f"report/signatures/{state}", signer=signer)


def minute(time: dt.datetime) -> str:
    """Return a time in UTC, to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def svg_uri(svg: str) -> str:
    """Return a picture as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def ids(cell: Cell) -> Sequence[str]:
    """Return the ids in an evidence or control cell."""
    if isinstance(cell, list):
        return cell
    return [str(cell)] if cell else []


def evidence_ids(refs: Iterable[str]) -> list[str]:
    """Return the ids that references name, each once: `E0012` of `E0012#/Fleets/3`."""
    return list(dict.fromkeys(ref.partition("#")[0] for ref in refs))
