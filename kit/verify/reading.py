"""JSON and CSV of a pack, read so that no other reader can read something else."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from kit.bounds import single_names
from kit.pack.tabular import whole_rows

_MOST_IN_CELL = 64 << 20


def read_json(content: bytes | str) -> Any:
    """Return what JSON holds, where it has a single reading.

    Raises
    ------
    ValueError
        It is not UTF-8, not JSON (RFC 8259), has NaN or Infinity, or a name twice in an object.
    RecursionError
        It is nested deeper than any answer.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    return json.loads(text, object_pairs_hook=single_names, parse_constant=_constant)


def read_table(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV file (RFC 4180), where it has a single reading.

    Raises
    ------
    ValueError
        It is not UTF-8, a column is named twice, or a row has more or fewer cells than the header.
    """
    usual = csv.field_size_limit(_MOST_IN_CELL)
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        header = next(lines, [])
        if len(set(header)) < len(header):
            raise ValueError("a column that is named twice")
        return [*whole_rows(lines, header)]
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    except csv.Error as error:
        raise ValueError(str(error)) from None
    finally:
        csv.field_size_limit(usual)


def _constant(name: str) -> Any:
    raise ValueError(f"{name}, which JSON does not have")
