"""The evidence as a single HTML file that makes no network request."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from markupsafe import Markup

from kit.pack.blocks import Block, TableBlock
from kit.pack.cells import Cells, mark
from kit.pack.columns import widths
from kit.pack.document import Document, first_section
from kit.report import live, views
from kit.report.formats import svg_uri

_STEP, _STEPS, _ENOUGH = 1.5, 9, 7.0  # of columns' widths, in em
TEMPLATES = Path(__file__).parent / "templates"


def page(evidence: Document) -> str:
    """Return the HTML of a document, every row of every table in it."""
    return "".join(page_pieces(evidence))


def page_pieces(evidence: Document) -> Iterator[str]:
    """Yield the HTML of a document, of which memory need not hold the whole."""
    style, script, policy = assets(evidence.marks)
    environment = views.environment(TEMPLATES)
    cells = Cells(evidence.rows, evidence.controls, evidence.sections)
    environment.filters |= {"least": _least, "lines": cells.lines}
    environment.globals |= {"mark": mark, "show": cells.show}
    front, blocks = first_section(evidence.blocks)
    parts = {"front": front, "blocks": blocks, "own": evidence.own}
    shown = {name: _pictured(part) for name, part in parts.items()}
    environment.globals["script_words"] = live.script_words()
    environment.globals["document"] = {**evidence.as_json(), **shown}
    yield from environment.get_template("evidence.html.j2").generate(
        outline=evidence.outline(),
        policy=policy,
        style=Markup(style),
        script=Markup(script),
    )


def _pictured(blocks: list[Block]) -> list[Any]:
    """Return blocks whose figures have an address."""
    return [
        {**block, "uri": svg_uri(block["svg"])} if block["kind"] == "figure" else block
        for block in blocks
    ]


def assets(marks: Iterable[str]) -> tuple[str, str, str]:
    """Return style, script and Content-Security-Policy of the page with these marks."""
    style = (TEMPLATES / "evidence.css").read_text("utf-8")
    style = style.replace("/* computed */", _computed(marks))
    script = (TEMPLATES / "evidence.js").read_text("utf-8")
    script = script.replace("/* tables */", live.SCRIPT.read_text("utf-8"))
    return style, script, policy_of(style, script)


def _least(table: TableBlock) -> list[int]:
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


def _computed(marks: Iterable[str]) -> str:
    """Return CSS: the stamp of printed pages, the marks' colours, and columns' least widths."""
    steps = [f".w{n} {{ min-width: {n * _STEP + 1.6:.1f}em }}" for n in range(1, _STEPS + 1)]
    colours = [
        f".{name.replace(' ', '-')} {{ --light: {mark.light}; --dark: {mark.dark} }}"
        for name, mark in (views.STATUSES | views.SEVERITIES).items()
    ]
    stamp = " · ".join(marks)
    return "\n".join([f":root {{ --stamp: {_css_string(stamp)} }}", *colours, *steps])


def _css_string(text: str) -> str:
    return '"' + "".join(f"\\{ord(character):06x}" for character in text) + '"'


def __getattr__(name: str) -> Any:
    """Import the exporter when nbconvert loads it: a pack is made without nbconvert."""
    if name == "EvidenceHTMLExporter":
        return resolve_name(f"kit.pack.exporter:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
