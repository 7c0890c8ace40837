"""The cells of tables as HTML: in Python, for a big page has a million and templates are slow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from kit.pack.blocks import TableBlock
from kit.pack.columns import parts
from kit.report import views
from kit.report.formats import NONE, cell_text, ids
from kit.report.views import Cell, Kind
from kit.visible import escape as seen

_LONG, _PIECE = 20, 8  # characters
_REMEMBERED = 10_000  # cells: many are alike
_MARKS = views.STATUSES | views.SEVERITIES


class Cells:
    """Writes cells whose ids link to their targets.

    Parameters
    ----------
    rows, controls, sections : mapping of str to str
        As `kit.pack.document.Document` has them.
    """

    def __init__(
        self, rows: Mapping[str, str], controls: Mapping[str, str], sections: Mapping[str, str]
    ):
        self._rows = rows
        self._targets = {"evidence": rows, "control": controls, "section": sections}
        # 1 and True are equal, and not the same.
        self._remembered = lru_cache(_REMEMBERED, typed=True)(self._written)

    def show(self, cell: Cell, kind: Kind) -> Markup:
        """Return what stands in a cell."""
        if kind in self._targets:
            return self._remembered(tuple(ids(cell)), kind)
        return self._remembered(tuple(cell) if isinstance(cell, list) else cell, kind)

    def lines(self, table: TableBlock) -> Iterator[Markup]:
        """Yield the rows of a table."""
        columns = table["columns"]
        names, kinds = zip(*((column["name"], column["kind"]) for column in columns), strict=True)
        anchored = table["anchor"] is not None
        head = names.index(table["anchor"]) if anchored else 0
        tags = [
            ("th", f'<th scope="row" class="{kind}">')
            if place == head
            else ("td", f'<td class="{kind}">')
            for place, kind in enumerate(kinds)
        ]
        own = {*table["targets"]}
        for row, target in zip(table["rows"], table["targets"], strict=True):
            line = [f'<tr id="{escape(target)}">' if target else "<tr>"]
            for place, (cell, kind, (tag, opens)) in enumerate(zip(row, kinds, tags, strict=True)):
                shown = self.show(cell, kind)
                if anchored and place == head:
                    # The second table with the same anchors leads to the first.
                    first = self._rows.get(str(cell))
                    if first and first not in own:
                        shown = _link(f"#{first}", seen(cell_text(kind, cell)))
                line.append(f"{opens}{shown}</{tag}>")
            line.append("</tr>\n")
            yield Markup("".join(line))

    def _written(self, cell: Any, kind: Kind) -> Markup:
        if kind in self._targets:
            return self._links(cell, self._targets[kind])
        if kind != "entry" and cell in (None, ""):
            return Markup(NONE)
        if kind in ("status", "severity"):
            return mark(cell)
        shown = seen(cell_text(kind, [*cell] if isinstance(cell, tuple) else cell))
        if kind == "link":
            return _link(cell[1], shown)
        if kind == "code":
            return Markup(f"<code>{escape(breakable(shown))}</code>")
        if kind == "datetime":
            return Markup(f'<time datetime="{escape(_second(cell))}">{escape(shown)}</time>')
        return escape(breakable(shown))

    def _links(self, names: Sequence[str], targets: Mapping[str, str]) -> Markup:
        shown = (
            _link(f"#{targets[name]}", name) if name in targets else escape(name) for name in names
        )
        return Markup(", ".join(shown)) if names else Markup(NONE)


def mark(word: str, more: str = "") -> Markup:
    """Return a status or a severity with its shape; `more` is a further class."""
    known = _MARKS[word]
    return Markup(
        '<span class="mark {}{}"><span class="shape" aria-hidden="true">{}</span> {}</span>'
    ).format(word.replace(" ", "-"), more, known.shape, known.word)


def breakable(text: str) -> str:
    """Return a text in which long words may be broken where a reader would break them."""
    if all(len(word) <= _LONG for word in text.split()):
        return text
    pieces = [""]
    for part in parts(text):  # every place to break is an element: a big page has 100,000
        if len(pieces[-1]) >= _PIECE:
            pieces.append("")
        pieces[-1] += part
    return Markup("<wbr>").join(pieces)


def _link(address: str, shown: str) -> Markup:
    return Markup(f'<a href="{escape(address)}">{escape(shown)}</a>')


def _second(time: str) -> str:
    """Return a time as HTML's ``datetime`` takes it: three digits of a fraction at most, so none.

    References
    ----------
    https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#times
    """
    return re.sub(r"(:\d\d)\.\d+", r"\1", time, flags=re.ASCII)
