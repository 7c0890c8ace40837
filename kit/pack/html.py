"""The evidence as a single HTML file that makes no network request."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbconvert.exporters.exporter import Exporter
from nbformat import NotebookNode
from traitlets import default

from kit.catalogue.texts import text
from kit.pack.columns import parts, widths
from kit.pack.document import Document, document, in_a_line
from kit.report import views

_STEP, _STEPS, _ENOUGH = 1.5, 9, 7.0  # of columns' widths, in em
_LONG = 20  # characters
TEMPLATES = Path(__file__).parent / "templates"


class EvidenceHTMLExporter(Exporter):
    """Notebook to a self-contained HTML page (`jupyter nbconvert --to evidence_html`)."""

    export_from_notebook = "Evidence HTML"
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and nbconvert's resources.

        Raises
        ------
        NotebookOutputError
            The notebook shows something that no document can hold.
        """
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        with in_a_line():
            return page(document(nb)), resources


def page(evidence: Document) -> str:
    """Return the HTML of a document, every row of every table in it."""
    style, script, policy = assets(evidence.cover)
    environment = views.environment(TEMPLATES)
    environment.filters["ids"] = views.ids
    environment.filters |= {"least": _least, "breakable": _breakable}
    blocks = [
        {**block, "uri": _uri(block["svg"])} if block["kind"] == "figure" else block
        for block in evidence.blocks
    ]
    environment.globals["script_words"] = script_words()
    environment.globals["document"] = {**evidence.as_json(), "blocks": blocks}
    return environment.get_template("evidence.html.j2").render(
        outline=evidence.outline(),
        policy=policy,
        style=Markup(style),
        script=Markup(script),
    )


def assets(cover: views.JSON) -> tuple[str, str, str]:
    """Return style, script and Content-Security-Policy of the page with a cover's stamp and marks."""
    style = (TEMPLATES / "evidence.css").read_text("utf-8")
    style = style.replace("/* computed */", _computed(cover))
    script = (TEMPLATES / "evidence.js").read_text("utf-8")
    return style, script, policy_of(style, script)


def script_words() -> str:
    """Return as JSON the words that the script shows, and marks' words in their order."""
    names = ("search", "all", "filter", "rows", "some_rows")
    words: dict[str, Any] = {name: text(f"pack/script/{name}") for name in names}
    words["language"] = text("language")
    words["status"] = [mark.word for mark in views.STATUSES.values()]
    words["severity"] = [mark.word for mark in views.SEVERITIES.values()]
    return json.dumps(words, ensure_ascii=False)


def _breakable(text: str) -> str:
    """Return a text in which long words may be broken where a reader would break them."""
    if all(len(word) <= _LONG for word in text.split()):
        return text
    return Markup("<wbr>").join(parts(text))


def _least(table: views.JSON) -> list[int]:
    """Return the least widths of a table's columns, in steps of which the style has a class."""
    wanted = (max(width.least, min(width.natural, _ENOUGH)) for width in widths(table))
    return [min(math.ceil(width / _STEP), _STEPS) for width in wanted]


def policy_of(style: str, script: str) -> str:
    """Return the Content-Security-Policy: our style, our script, pictures in the file, no more."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _computed(cover: views.JSON) -> str:
    """Return CSS: the stamp of printed pages, the marks' colours, and columns' least widths."""
    steps = [f".w{n} {{ min-width: {n * _STEP + 1.6:.1f}em }}" for n in range(1, _STEPS + 1)]
    colours = [
        f".{name.replace(' ', '-')} {{ --light: {mark.light}; --dark: {mark.dark} }}"
        for name, mark in (views.STATUSES | views.SEVERITIES).items()
    ]
    stamp = " · ".join(filter(None, (cover["stamp"], *cover["marks"])))
    return "\n".join([f":root {{ --stamp: {_css_string(stamp)} }}", *colours, *steps])


def _css_string(text: str) -> str:
    return '"' + "".join(f"\\{ord(character):06x}" for character in text) + '"'
