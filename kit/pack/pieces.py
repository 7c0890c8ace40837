"""JSON in pieces: what is long in it is an iterator, and memory never holds the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import to_json

_LONG = 50  # items of an array


def json_pieces(value: Any) -> Iterator[bytes]:
    """Yield a value as compact JSON in UTF-8.

    Parameters
    ----------
    value : object
        JSON in which an iterator stands for an array; its items hold no further iterators. The encoder
        also writes times and sets, which JSON lacks: a test checks what the forms hold.

    Raises
    ------
    ValueError
        A text holds half of a surrogate pair.
    """
    if isinstance(value, Mapping):
        for place, (name, member) in enumerate(value.items()):
            yield b"%b%b:" % (b"," if place else b"{", to_json(name))
            yield from json_pieces(member)
        yield b"}" if value else b"{}"
    elif isinstance(value, list):
        for place, item in enumerate(value):
            long = _is_long(item)
            yield b"%b%b" % (b"," if place else b"[", b"" if long else to_json(item))
            yield from json_pieces(item) if long else ()
        yield b"]" if value else b"[]"
    elif isinstance(value, Iterator):
        yield from array(map(to_json, value))
    else:
        yield to_json(value)


def array(items: Iterable[bytes], between: bytes = b",") -> Iterator[bytes]:
    """Yield a JSON array of items that are JSON already."""
    opens = b"["
    for item in items:
        yield opens + item
        opens = between
    yield b"]" if opens == between else b"[]"


def _is_long(item: Any) -> bool:
    """Return whether an item has an iterator or a long array, and is not written at once."""
    members = item.values() if isinstance(item, Mapping) else ()
    return any(
        isinstance(member, Iterator) or (isinstance(member, list) and len(member) > _LONG)
        for member in members
    )
