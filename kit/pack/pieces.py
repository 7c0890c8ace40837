"""JSON in pieces: what is long in it is an iterator, and memory never holds the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def json_pieces(value: Any) -> Iterator[str]:
    """Yield a value as compact JSON.

    Parameters
    ----------
    value : object
        JSON in which an iterator stands for an array; its items hold no further iterators.
    """
    if isinstance(value, Mapping):
        for place, (name, member) in enumerate(value.items()):
            yield f"{',' if place else '{'}{_compact(name)}:"
            yield from json_pieces(member)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield "," if place else "["
            yield from json_pieces(item)
        yield "]" if value else "[]"
    elif isinstance(value, Iterator):
        yield from array(map(_compact, value))
    else:
        yield _compact(value)


def array(items: Iterable[str], between: str = ",") -> Iterator[str]:
    """Yield a JSON array of items that are JSON already."""
    opens = "["
    for item in items:
        yield opens + item
        opens = between
    yield "]" if opens == between else "[]"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
