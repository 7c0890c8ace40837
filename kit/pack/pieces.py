"""JSON in pieces: what is long in it is an iterator, and memory never holds the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_LONG = 50  # items of an array


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
            whole = _whole(item)
            yield f"{',' if place else '['}{whole or ''}"
            yield from json_pieces(item) if whole is None else ()
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


def _whole(value: Any) -> str | None:
    """Return an item at once, which is far faster; None where something long is in it."""
    members = value.values() if isinstance(value, Mapping) else ()
    if any(isinstance(member, list) and len(member) > _LONG for member in members):
        return None
    try:
        return _compact(value)
    except _HoldsIteratorError:
        return None


class _HoldsIteratorError(Exception):
    """An array that is long."""


def _refuse(value: Any) -> None:
    if isinstance(value, Iterator):
        raise _HoldsIteratorError
    raise TypeError(f"{type(value).__name__} is not JSON")


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_refuse).encode
