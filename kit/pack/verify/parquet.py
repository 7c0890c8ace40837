"""A Parquet file that somebody forged: bounded by its heads before a library unpacks any of it.

A few bytes of Parquet can stand for terabytes: a page is compressed, and its values may be numbers
of a dictionary's entries, or told by what they share with the value before. The kit writes plain
values (`kit.pack.tabular`), which take no more room than their pages say, and no others are read.
The library allocates what the heads of the pages say, so that these are added up here and not the
footer's own sums, which may lie; and some of what a footer may say ends the library's process, if
it is asked of it in Python. The format: https://parquet.apache.org/docs/file-format/.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kit.pack.verify.contents import MOST_IN_MEMORY
from kit.pack.verify.thrift import Fields, read_struct

MOST_ROWS = 1_000_000
MOST_VALUES = 20_000_000  # of all columns
_MOST_GROUPS = 100
_MOST_FOOTER = 4 << 20  # bytes
_WRITER = b"parquet-cpp"  # of others' files the library reads beyond the pages that are listed

# Fields by number, of a file, a group of rows, a column in it, and a page.
_ROWS, _GROUPS, _CREATED = 3, 4, 6
_COLUMNS, _GROUP_ROWS = 1, 3
_COLUMN, _FILE = 3, 1
_VALUES, _SIZE, _START, _DICTIONARY = 5, 7, 9, 11
_TYPE, _UNPACKED, _PACKED = 1, 2, 3
_KINDS = {0: (5, 2), 3: (8, 4)}  # by a page's type: the field that tells of values, their encoding
_HELD, _PLAIN = 1, 0


def read_table(content: bytes, columns: Sequence[str]) -> tuple[pa.Table, dict[bytes, bytes]]:
    """Read columns of Parquet as this kit writes it, and what its footer tells.

    Parameters
    ----------
    content : bytes
    columns : sequence of str

    Returns
    -------
    table : pyarrow.Table
        Those of the columns that there are.
    told : dict of bytes to bytes

    Raises
    ------
    ValueError
        It would hold more than a pack's file can, or its heads do not agree with its footer.
    pyarrow.ArrowException, OSError
        It cannot be read.
    """
    _bounded(content)
    file = pq.ParquetFile(
        io.BytesIO(content),
        thrift_string_size_limit=_MOST_FOOTER,
        thrift_container_size_limit=_MOST_FOOTER,
        arrow_extensions_enabled=False,
        pre_buffer=False,
    )
    return file.read([*columns], use_threads=False), file.schema_arrow.metadata or {}


def _bounded(content: bytes) -> None:
    """Refuse what would take more room than a pack's file may."""
    footer = _footer(content)
    created = footer.get(_CREATED)
    if not isinstance(created, bytes) or not created.startswith(_WRITER):
        raise ValueError(f"a file written by {created!r:.80}")
    groups = _list(footer, _GROUPS)
    if len(groups) > _MOST_GROUPS:
        raise ValueError(f"{len(groups)} row groups; {_MOST_GROUPS} are read at most")
    stated, rows = _whole(footer, _ROWS), sum(_whole(group, _GROUP_ROWS) for group in groups)
    if stated != rows:
        raise ValueError(f"{stated} rows, and {rows} in its row groups")
    if rows > MOST_ROWS:
        raise ValueError(f"{rows} rows; {MOST_ROWS} are read at most")
    unpacked = values = 0
    for group in groups:
        for chunk in _list(group, _COLUMNS):
            held = 0
            for size, number in _pages(content, chunk):
                unpacked, values, held = unpacked + size, values + number, held + number
                if unpacked > MOST_IN_MEMORY:
                    raise ValueError(
                        f"{unpacked} bytes in pages; {MOST_IN_MEMORY} are read at most"
                    )
                if values > MOST_VALUES:
                    raise ValueError(f"{values} values; {MOST_VALUES} are read at most")
            if held < _whole(group, _GROUP_ROWS):
                raise ValueError(f"{held} values in {_whole(group, _GROUP_ROWS)} rows")


def _footer(content: bytes) -> Fields:
    if len(content) < 12 or content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        raise ValueError("no Parquet")
    (size,) = struct.unpack("<I", content[-8:-4])
    if size > min(_MOST_FOOTER, len(content) - 12):
        raise ValueError(f"a footer of {size} bytes; {_MOST_FOOTER} are read at most")
    footer, end = read_struct(content, len(content) - 8 - size)
    if end > len(content) - 8:
        raise ValueError("a footer that does not end")
    return footer


def _pages(content: bytes, chunk: Any) -> Iterator[tuple[int, int]]:
    """Yield bytes when unpacked and values of a column's pages, which fill their place exactly."""
    column: Any = chunk.get(_COLUMN) if isinstance(chunk, dict) else None
    stated = _whole(column, _VALUES)
    if not stated:
        return  # and none is read
    if _FILE in chunk or _DICTIONARY in column:
        raise ValueError("a column that holds other than plain values")
    at, left = _whole(column, _START), stated
    end = at + _whole(column, _SIZE)
    if not 0 < at <= end <= len(content):
        raise ValueError(f"pages from byte {at} to {end} of {len(content)}")
    while at < end:
        head, at = read_struct(content, at)
        told, encoding = _KINDS.get(_whole(head, _TYPE), (0, 0))
        if not told or _whole(head.get(told), encoding) != _PLAIN:
            raise ValueError("a page that holds other than plain values")
        held = _whole(head[told], _HELD)
        yield _whole(head, _UNPACKED), held
        at, left = at + _whole(head, _PACKED), left - held
    if at != end or left:
        raise ValueError(f"pages of {stated - left} values up to byte {at}, not {stated} to {end}")


def _list(fields: Any, number: int) -> list[Any]:
    value = fields.get(number) if isinstance(fields, dict) else None
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.80} as field {number} of a head")
    return value


def _whole(fields: Any, number: int) -> int:
    value = fields.get(number) if isinstance(fields, dict) else None
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r:.80} as field {number} of a head")
    return value
