"""Structures of Parquet as Thrift's compact protocol writes them, read without trust.

What two readers could take for different things is refused: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from typing import Any

Fields = dict[int, Any]
_TRUE, _FALSE, _BYTE, _I16, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 3, 4, 6, 8, 9, 12
_MOST_DEEP = 12
_MOST_FIELDS = 100  # numbers of fields
_NONE = "bytes that are no structure of Parquet's"


def read_struct(content: bytes, at: int) -> tuple[Fields, int]:
    """Return the fields of a structure by number, and where it ends.

    Raises
    ------
    ValueError
        It is none, or says a thing twice.
    """
    try:
        return _struct(content, at, 0)
    except IndexError:
        raise ValueError(_NONE) from None


def _struct(content: bytes, at: int, depth: int) -> tuple[Fields, int]:
    if depth > _MOST_DEEP:
        raise ValueError(_NONE)
    fields: Fields = {}
    field = 0
    while head := content[at]:
        at, step = at + 1, head >> 4
        if step:
            field += step
        else:
            field, at = _number(content, at)
        if field in fields or not 0 < field < _MOST_FIELDS:
            raise ValueError(_NONE)
        if head & 15 in (_TRUE, _FALSE):
            fields[field] = head & 15 == _TRUE
        else:
            fields[field], at = _value(content, at, head & 15, depth)
    return fields, at + 1


def _value(content: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE, _BYTE):
        return content[at], at + 1
    if _I16 <= kind <= _I64:
        return _number(content, at)
    if kind == _BINARY:
        size, at = _varint(content, at)
        if size > len(content) - at:
            raise ValueError(_NONE)
        return content[at : at + size], at + size
    if kind == _LIST:
        head, at, items = content[at], at + 1, []
        size, at = (head >> 4, at) if head >> 4 < 15 else _varint(content, at)
        for _ in range(size):
            item, at = _value(content, at, head & 15, depth + 1)
            items.append(item)
        return items, at
    if kind == _STRUCT:
        return _struct(content, at, depth + 1)
    raise ValueError(_NONE)


def _number(content: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(content, at)
    return value >> 1 ^ -(value & 1), at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 127) << place
        if byte < 128:
            return value, at
    raise ValueError(_NONE)
