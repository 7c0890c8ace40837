"""A document as the Typst template takes it: cut, printable, measured.

The template only draws. What depends on the paper (which rows are listed, how
wide columns are, where a long word may break, what no font can print) is
decided here, in data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, cast

from kit.catalogue.statuses import NOT_APPLICABLE
from kit.catalogue.texts import tag, text
from kit.pack.blocks import TableBlock
from kit.pack.columns import cell_em, lines_of, lowest, parts, share, widths
from kit.pack.commands import Line, columns, folded
from kit.pack.cut import (
    control_targets,
    cut,
    has_controls,
    printed_tables,
    sections,
    without_standing,
)
from kit.pack.document import Document, first_section, section_targets
from kit.report import fonts
from kit.report.formats import counts
from kit.report.views import JSON, SEVERITIES, STATUSES, cell_text, ids


class Paper(NamedTuple):
    """A size of page, in points: its size in Typst, its width and its height."""

    name: str
    across: float
    down: float


PAPERS = {
    "A4": Paper("a4", 595.28, 841.89),
    "A4 across": Paper("a4", 841.89, 595.28),
    "Letter": Paper("us-letter", 612.0, 792.0),
}
# In points; the template reads them too.
MEASURES = {
    "margin": 50.0,
    "text": 9.5,
    "cell": 7.6,
    "cell_code": 7.0,  # columns.py knows their proportion
    "cell_inset": 4.0,
    "entry": 22.0,
    "block": 8.4,
    "code": 7.3,
    "code_inset": 7.0,
    "facts": 128.0,
}
_WORDS = (
    "commands",
    *("contents", "page", "warning", "expected", "observed", "severity", "evidence"),
    *("articles", "remediation", "remediation_on", "commands_on", "on_page", "beyond"),
)
_CHUNK = 4  # characters: what has no better place to break is broken after so many
_FEW = 2  # paragraphs
_SMALLEST = 4.0  # points: code with longer words is broken within them
_MANY = 20  # lines: code of more may break across pages
_TALL = 24  # lines: a row of more may break across pages
_MOST_FACTS = 32  # lines: the cover's facts of more may break across pages
_SHORT = 6  # rows: a note stays with so short a table
_CELL_LINE, _CELL_AROUND = 1.25, 8.0  # em of a line with its leading; points around a cell's lines
_MOST_BELOW = 120.0  # points
_LONE = 60.0  # points: a row that is so tall may be alone on a page


def lay_out(evidence: Document, paper: str) -> tuple[JSON, tuple[fonts.Face, ...]]:
    """Return the data for the template, and the faces that print it.

    Parameters
    ----------
    evidence : Document
    paper : str
        One of `PAPERS`.
    """
    data = evidence.as_json()
    if not data["cover"]["in_use"]:
        data["blocks"] = without_standing(data["blocks"])
        data["controls"] = control_targets(data["blocks"])
    for part in ("blocks", "own"):
        data[part] = cut(data[part])
    faces = faces_of(evidence)
    data = _printable(data, faces)
    every = [*data["blocks"], *data["own"]]
    _word(every)
    printed: list[Any] = list(printed_tables(every))
    targets = {target for table in printed for target in table["targets"] if target}
    links = {
        "evidence": {name: at for name, at in data["rows"].items() if at in targets},
        "control": data["controls"],
        "section": section_targets(data["blocks"]),
    }
    size = PAPERS[paper]
    narrow = size.across - 2 * MEASURES["margin"]
    wide = max(narrow, size.down - 2 * MEASURES["margin"])
    for table in printed:
        _measure(table, narrow, wide, links)
    _link(every, links)
    for block in every:
        if block["kind"] == "figure" and block["in_full"]:
            reachable = block["in_full"][1] in links["section"].values()
            block["in_full"] = block["in_full"] if reachable else None
    for block, following in pairwise(every):
        block["sticky"] = (
            _introduces(block) and following["kind"] not in ("heading", "prose")
        ) or (following["kind"] == "note" and _is_short(block))
    _break_long_words(data, narrow)
    _start_annexes(data["blocks"])
    _gather_remedies(data["blocks"])
    _gather_remedies(data["own"])
    front, blocks = cast(tuple[list[JSON], list[JSON]], first_section(data["blocks"]))
    return {
        "cover": data["cover"],
        "front": _turn(front),
        "blocks": _turn(blocks),
        "own": _turn(data["own"]),
        "paper": {"paper": size.name, "flipped": size.across > size.down},
        "measures": {**MEASURES, "down": size.down},
        "sans": _families(fonts.SANS, faces),
        "mono": _families(fonts.MONO, faces),
        "marks": {
            name: {"word": mark.word, "shape": mark.shape, "light": mark.light, "weight": weight}
            for name, mark in (STATUSES | SEVERITIES).items()
            for weight in ["regular" if name == NOT_APPLICABLE else "bold"]
        },
        "language": dict(zip(("lang", "region"), tag(), strict=True)),
        "words": {name: text(f"pack/page/{name}") for name in _WORDS}
        | {"own": text("pack/own/every")}
        | {"facts": text("pack/facts/title"), "facts_of": text("pack/facts/caption")},
    }, faces


def faces_of(evidence: Document) -> tuple[fonts.Face, ...]:
    """Return the faces that print a document."""
    strings = _strings(evidence.as_json())
    return fonts.faces_for({character for text in strings for character in text})


def _families(first: str, faces: tuple[fonts.Face, ...]) -> list[str]:
    return [first, *(face.family for face in faces if face.family != first)]


def _strings(value: Any) -> Iterator[str]:
    """Yield every text that has more than ASCII in it."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            if not value.isascii():
                yield value
        elif isinstance(value, dict):
            left += (part for name, part in value.items() if name != "svg")
        elif isinstance(value, list):
            left += value


def _printable(value: Any, faces: tuple[fonts.Face, ...]) -> Any:
    """Return a copy in which every character that no face has is written out."""
    if isinstance(value, str):
        return fonts.printable(value.replace("\t", "    "), faces)
    if isinstance(value, dict):
        return {
            name: part if name == "svg" else _printable(part, faces) for name, part in value.items()
        }
    if isinstance(value, list):
        return [_printable(part, faces) for part in value]
    return value


def _word(blocks: list[JSON]) -> None:
    """Give controls the lines that the template prints of them, in the language chosen."""
    for control in (
        control for block in blocks if block["kind"] == "controls" for control in block["blocks"]
    ):
        control["facts"] = [
            text("pack/page/responsibility", party=control["responsibility"]),
            counts(control["counts"]),
        ]
        control["beyond"] = not control["source"]
        for article in control["articles"]:
            article["article"] = text("pack/page/article", article=article["article"])
        for line in control["rest"]:
            line["counted"] = text("pack/page/findings", count=line["count"])
        for group in control["groups"]:
            listed = group["listed"]
            group["counted"] = text("pack/page/findings", count=group["count"])
            if left := group["count"] - listed:
                group["counted"] += text("pack/page/listed", listed=listed, count=left)


def _link(blocks: list[JSON], links: dict[str, dict[str, str]]) -> None:
    """Give ids outside of tables their targets."""
    for block in blocks:
        if block["kind"] == "controls":
            for control in block["blocks"]:
                lines = [group["line"] for group in control["groups"] if group["line"]]
                for line in [*control["rest"], *lines]:
                    line["evidence"] = _cell("evidence", line["evidence"], 0, links, None)
                for remedy in control["remedies"]:
                    remedy["parts"] = [
                        [title, _led(words, links["section"])] for title, words in remedy["parts"]
                    ]
        elif block["kind"] == "remedies":
            for entry in block["entries"]:
                entry["controls"] = _cell("control", entry["controls"], 0, links, None)


def _led(words: str, sections: dict[str, str]) -> list[Any]:
    """Split a text by the headings that it quotes; each has its target, for link and page."""
    pieces = re.split(r'"([^"]+)"', words)
    return [
        piece if n % 2 == 0 else [piece, sections[piece]] if piece in sections else f'"{piece}"'
        for n, piece in enumerate(pieces)
    ]


def _measure(table: JSON, narrow: float, wide: float, links: dict[str, dict[str, str]]) -> None:
    """Give a table its columns' widths, turn it if it is too wide, and break what is too long."""
    inset = 2 * MEASURES["cell_inset"] / MEASURES["cell"]
    for times_whole in (True, False):
        wanted = widths(cast(TableBlock, table), times_whole=times_whole)
        least = sum(width.least + inset for width in wanted)
        table["turned"] = least > narrow / MEASURES["cell"] and wide > narrow
        if not table["turned"]:
            break
    room = (wide if table["turned"] else narrow) / MEASURES["cell"]
    kinds = [column["kind"] for column in table["columns"]]
    lines_in = [
        [lines_of(kind, cell) for kind, cell in zip(kinds, row, strict=True)]
        for row in table["rows"]
    ]
    shares = lowest(share(wanted, room - inset * len(wanted)), wanted, lines_in)
    table["widths"] = [(part + inset) * MEASURES["cell"] for part in shares]
    table["tall"] = []
    heights: list[float] = []
    for place, (row, target) in enumerate(zip(table["rows"], table["targets"], strict=True)):
        cells = []
        lines = 0.0
        for column, cell, em in zip(table["columns"], row, shares, strict=True):
            text = cell_text(column["kind"], cell)
            lines = max(lines, cell_em(column["kind"], text) / em + text.count("\n"))
            link = None
            if column["name"] == table["anchor"] and target is None:
                link = links["evidence"].get(str(cell))
            cells.append(_cell(column["kind"], cell, em, links, link))
        table["rows"][place] = cells
        table["tall"].append(lines > _TALL)
        heights.append(math.ceil(lines) * MEASURES["cell"] * _CELL_LINE + _CELL_AROUND)
    table["below"] = _below(heights, table["tall"])


def _below(heights: list[float], tall: list[bool]) -> list[float]:
    """Return the room that each row needs below it, so that no short row is alone on a page."""
    last = len(heights) - 1
    below = [0.0] * len(heights)
    for upper, alone in ((0, 0), (last - 1, last)):  # a page that ends below `upper` leaves `alone`
        if last > 0 and heights[alone] < _LONE and not any(tall[upper : upper + 2]):
            below[upper] = min(heights[upper + 1], _MOST_BELOW)
    return below


def _cell(
    kind: Any, cell: Any, em: float, links: dict[str, dict[str, str]], link: str | None
) -> Any:
    """Return a cell as the template draws it: a word, links, or pieces of text."""
    if kind in ("status", "severity") or (kind == "entry" and not cell):
        return cell
    if kind in ("evidence", "control", "section"):
        return [[name, links[kind].get(name)] for name in ids(cell)]
    pieces = _pieces(cell_text(kind, cell), em, partial(cell_em, kind))
    shown = pieces if len(pieces) > 1 else pieces[0]
    return {"pieces": shown, "target": link} if link else shown


def _pieces(text: str, em: float, measure: Callable[[str], float] = fonts.em) -> list[str]:
    """Split a text where lines may end beyond Typst's own places, if a word is wider than `em`."""
    if measure(text) <= em:
        return [text]
    pieces = [""]
    for word in re.split(r"(\s+)", text):
        if measure(word) <= em:
            pieces[-1] += word
            continue
        for part in parts(word):
            step = len(part) if measure(part) <= 0.98 * em else _CHUNK
            pieces += [part[start : start + step] for start in range(0, len(part), step)]
        pieces.append("")
    return [piece for piece in pieces if piece]


def _break_long_words(data: JSON, narrow: float) -> None:
    """Split facts, notes and code where a word is wider than its place."""
    cover = data["cover"]
    em = (narrow - MEASURES["facts"]) / MEASURES["text"]
    lines = sum(math.ceil(fonts.em(value) / em) for _, value in cover["facts"])
    cover["whole"] = lines <= _MOST_FACTS
    cover["facts"] = [[name, _pieces(value, em)] for name, value in cover["facts"]]
    cover["brief"] = _pieces(cover["brief"], narrow / MEASURES["text"])
    code = (narrow - 2 * MEASURES["code_inset"]) / MEASURES["code"]
    mono = partial(fonts.em, mono=True)
    for block in [*data["blocks"], *data["own"]]:
        if block["kind"] == "note":
            block["text"] = _pieces(block["text"], narrow / MEASURES["text"] / 1.1)
        elif block["kind"] == "prose":
            for node in _code_blocks(block["nodes"]):
                node["pieces"] = _pieces(node["text"], code, mono)
        elif block["kind"] == "controls":
            for group in (group for one in block["blocks"] for group in one["groups"]):
                room = narrow / MEASURES["block"] / 1.1
                group["reason"] = _pieces(group["reason"], room) if group["reason"] else None
                if line := group["line"]:
                    line["resources"] = [_pieces(one, room, mono) for one in line["resources"]]
                    line["observed"] = _pieces(line["observed"], room)
        elif block["kind"] == "remedies":
            for step in (step for entry in block["entries"] for step in entry["steps"]):
                _set_code(step, code)


def _set_code(step: JSON, em: float) -> None:
    """Give a step's code its lines, and the size at which the longest of them fits."""
    letter = fonts.em("x", mono=True)
    across = int(em / letter)
    lines = (
        folded(step["code"], across)
        if step["language"] == "sh"
        else [Line(False, step["code"])]  # no shell reads it, so no backslash continues it
    )
    longest = max(columns(part) for line in lines for part in line.text.split("\n"))
    step["size"] = max(MEASURES["code"] * min(1.0, across / max(longest, 1)), _SMALLEST)
    room = em * MEASURES["code"] / step["size"]
    step["lines"] = [
        {
            "comment": line.comment,
            "pieces": _pieces(line.text, room, lambda text: letter * columns(text)),
            "whole": line.text.count("\n") < _MANY,
        }
        for line in lines
    ]


def _code_blocks(nodes: list[JSON]) -> Iterator[JSON]:
    for node in nodes:
        if node["t"] == "block-code":
            yield node
        for inside in (node.get("c", []), *node.get("items", [])):
            yield from _code_blocks(inside)


def _start_annexes(blocks: list[JSON]) -> None:
    """Let the first section after the controls start a page."""
    parts = sections(blocks)
    with_controls = [n for n, part in enumerate(parts) if has_controls(part)]
    if with_controls and with_controls[-1] + 1 < len(parts):
        parts[with_controls[-1] + 1][0]["page"] = True


def _gather_remedies(blocks: list[JSON]) -> None:
    """Let the texts of remedies stand before the commands, if the document has these."""
    controls = [one for block in blocks if block["kind"] == "controls" for one in block["blocks"]]
    commands = next((block for block in blocks if block["kind"] == "remedies"), None)
    for control in controls:
        control["remedied"] = None
        if commands and control["remedies"]:
            control["remedied"] = f"remedy-{control['target']}"
    if commands:
        commands["controls"] = [control for control in controls if control["remedied"]]


def _turn(blocks: list[JSON]) -> list[JSON]:
    """Group tables that need the page turned with the headings and the few words above each."""
    turned: list[JSON] = []
    for block in blocks:
        if block["kind"] == "table" and block["turned"] and block["rows"]:
            above: list[JSON] = []
            while turned and _introduces(turned[-1]):
                above.insert(0, turned.pop())
            if not turned or turned[-1]["kind"] != "turned":
                turned.append({"kind": "turned", "blocks": []})
            turned[-1]["blocks"] += [*above, block]
        else:
            turned.append(block)
    return turned


def _is_short(block: JSON) -> bool:
    """Return whether a block is so short that it stays with a note below it."""
    return block["kind"] == "note" or (block["kind"] == "table" and len(block["rows"]) <= _SHORT)


def _introduces(block: JSON) -> bool:
    return block["kind"] == "heading" or (block["kind"] == "prose" and len(block["nodes"]) <= _FEW)
