"""Markdown cells as plain JSON: headings, and the prose between them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import mistune

from kit.report.views import JSON

_WEB = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


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
            return {"t": "link", "url": url if _WEB.match(url) else None, "c": _nodes(inside)}
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
