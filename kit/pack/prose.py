"""Markdown cells as plain JSON: headings, and the prose between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote

import mistune

from kit.report.views import JSON

_INLINE = {"text", "em", "strong", "code", "link", "break"}
WEB = re.compile(r"https?://[^\s\\]+")
"""The addresses to which a pack has links; `verify` accepts no others."""


def headings_and_prose(source: str) -> list[JSON]:
    """Return the blocks of a Markdown cell.

    A heading is `{"kind": "heading", "level", "text"}`. Prose between headings is
    `{"kind": "prose", "nodes"}`, where each node has a type `t`: paragraph, list, code, quote,
    table or rule, and inside them text, em, strong, code, link or break.

    Raises
    ------
    ValueError
        The Markdown holds HTML or a picture.
    """
    blocks: list[JSON] = []
    for token in _parser()(source):
        if token["type"] == "heading":
            text = _plain(_nodes(token["children"]))
            blocks.append({"kind": "heading", "level": token["attrs"]["level"], "text": text})
        elif node := _node(token):
            if not blocks or blocks[-1]["kind"] != "prose":
                blocks.append({"kind": "prose", "nodes": []})
            blocks[-1]["nodes"].append(node)
    return blocks


@cache
def _parser() -> Any:
    return mistune.create_markdown(renderer=None, plugins=["table"])


def _nodes(tokens: list[Any]) -> list[JSON]:
    return [node for token in tokens if (node := _node(token))]


def _node(token: Any) -> JSON | None:
    """Return a token of mistune's as a node, or None for blank lines."""
    inside = token.get("children", [])
    match token["type"]:
        case "blank_line":
            return None
        case "text":
            return {"t": "text", "text": token["raw"]}
        case "softbreak":
            return {"t": "text", "text": " "}
        case "linebreak":
            return {"t": "break"}
        case "paragraph" | "block_text":
            return {"t": "paragraph", "c": _nodes(inside)}
        case "emphasis":
            return {"t": "em", "c": _nodes(inside)}
        case "strong":
            return {"t": "strong", "c": _nodes(inside)}
        case "codespan":
            return {"t": "code", "text": token["raw"]}
        case "link":
            url = token["attrs"]["url"]
            return {"t": "link", "url": url if WEB.fullmatch(url) else None, "c": _nodes(inside)}
        case "list":
            ordered = token["attrs"]["ordered"]
            start = token["attrs"].get("start", 1)
            items = [_nodes(item["children"]) for item in inside]
            return {"t": "list", "ordered": ordered, "start": start, "items": items}
        case "block_code":
            return {"t": "block-code", "text": token["raw"].rstrip("\n")}
        case "block_quote":
            return {"t": "quote", "c": _nodes(inside)}
        case "thematic_break":
            return {"t": "rule"}
        case "table":
            head, *body = inside
            rows = [row for part in body for row in part["children"]]
            return {
                "t": "table",
                "head": [_nodes(cell["children"]) for cell in head["children"]],
                "rows": [[_nodes(cell["children"]) for cell in row["children"]] for row in rows],
            }
        case "block_html" | "inline_html":
            raise ValueError(f"HTML in Markdown reaches no document: {token['raw'][:60].strip()}")
        case "image":
            raise ValueError("a picture in Markdown reaches no document: show a Figure")
        case other:
            raise ValueError(f"Markdown of the kind {other} reaches no document")


def _plain(nodes: list[JSON]) -> str:
    return "".join(node.get("text", "") + _plain(node.get("c", [])) for node in nodes)


def plain_prose(blocks: Any, shown: Callable[[str], str]) -> list[JSON]:
    """Return blocks of prose that somebody else wrote, with each text as a pack shows it.

    Parameters
    ----------
    blocks : list of dict
        As `headings_and_prose` returns them.
    shown : callable
        Returns a text as a pack shows it.

    Raises
    ------
    ValueError
        They are something else.
    """
    try:
        return [_plain_block(block, shown) for block in blocks]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"malformed prose: {error}") from None


def _plain_block(block: JSON, shown: Callable[[str], str]) -> JSON:
    if block["kind"] == "heading":
        level = _whole(block["level"], 1, 9)
        return {"kind": "heading", "level": level, "text": shown(_string(block["text"]))}
    if block["kind"] != "prose":
        raise ValueError(f"prose of the kind {block['kind']!r}")
    return {"kind": "prose", "nodes": [_plain_node(node, shown) for node in block["nodes"]]}


def _plain_node(node: JSON, shown: Callable[[str], str]) -> JSON:
    def inner(nodes: Any) -> list[JSON]:
        if all(node["t"] in _INLINE for node in nodes):
            return _plain_line(nodes, shown)
        return [_plain_node(node, shown) for node in nodes]

    match kind := node["t"]:
        case "text" | "code" | "block-code":
            return {"t": kind, "text": shown(_string(node["text"]))}
        case "break" | "rule":
            return {"t": kind}
        case "paragraph" | "em" | "strong" | "quote":
            return {"t": kind, "c": inner(node["c"])}
        case "link":
            url = node["url"]
            kept = url is not None and WEB.fullmatch(url) and shown(unquote(url)) == unquote(url)
            return {"t": kind, "url": url if kept else None, "c": inner(node["c"])}
        case "list":
            start = _whole(node["start"], 0, 10**9)
            items = [inner(item) for item in node["items"]]
            return {"t": kind, "ordered": node["ordered"] is True, "start": start, "items": items}
        case "table":
            rows = [[inner(cell) for cell in row] for row in node["rows"]]
            return {"t": kind, "head": [inner(cell) for cell in node["head"]], "rows": rows}
    raise ValueError(f"prose with {kind!r}")


def _plain_line(nodes: list[JSON], shown: Callable[[str], str]) -> list[JSON]:
    """Return the nodes of a line; where a name goes across several, a single text."""
    joined: list[JSON] = []
    for node in nodes:
        if node["t"] == "text" and joined and joined[-1]["t"] == "text":
            joined[-1] = {"t": "text", "text": joined[-1]["text"] + _string(node["text"])}
        else:
            joined.append(node)
    whole, each = shown(_plain(joined)), [_plain_node(node, shown) for node in joined]
    return each if _plain(each) == whole else [{"t": "text", "text": whole}]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of a text")
    return value


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"prose with a number that is not from {least} to {most}")
    return value
