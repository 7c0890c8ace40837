"""Rows as columns of shared values: what many findings take in memory, and in a notebook's output."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from kit.bounds import PACK_FILE, parse_json

Row = dict[str, Any]

_SCALARS = {str, int, float, bool, type(None)}


class Columnar(Sequence[Row]):
    """Rows with the same keys in the same order; a row is made when somebody reads it.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of the same length by their names; values are JSON scalars.

    Raises
    ------
    ValueError
        The columns differ in length.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]):
        self._columns = {name: list(column) for name, column in columns.items()}
        lengths = {len(column) for column in self._columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns have {sorted(lengths)} rows")
        self._length = next(iter(lengths), 0)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Columnar:
        """Return mappings as rows.

        Raises
        ------
        ValueError
            A row has other keys than the first.
        """
        if isinstance(rows, Columnar):
            return rows
        columns: dict[str, list[Any]] = {}
        for number, row in enumerate(rows):
            if not number:
                columns = {name: [] for name in row}
            if row.keys() != columns.keys():
                raise ValueError(f"row {number} has other keys than the first")
            for name, value in row.items():
                columns[name].append(value)
        return cls(columns)

    @classmethod
    def parsed(cls, texts: Mapping[str, str]) -> Columnar:
        """Return the rows of `texts`, in which equal values are one object.

        Raises
        ------
        TypeError, ValueError
            A column is not the JSON of an array of scalars.
        """
        if not isinstance(texts, Mapping):
            raise TypeError(f"columns are texts by their names, not {type(texts).__name__}")
        shared: dict[Any, Any] = {}
        columns = {}
        for name, text in texts.items():
            if not isinstance(text, str):
                raise TypeError(f"column {name!r} is not a text")
            column = parse_json(text, PACK_FILE)
            if not isinstance(column, list):
                raise TypeError(f"column {name!r} is not an array")
            kinds = {*map(type, column)}
            if kinds - _SCALARS:
                raise TypeError(f"column {name!r} has values that are not JSON scalars")
            if float in kinds and not all(
                math.isfinite(value) for value in column if isinstance(value, float)
            ):
                raise ValueError(f"column {name!r} has a number that JSON does not have")
            # 1 and True are equal, and not the same.
            columns[name] = [shared.setdefault((type(value), value), value) for value in column]
        return cls(columns)

    @property
    def names(self) -> list[str]:
        """Return the keys of every row."""
        return list(self._columns)

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of a key, row by row."""
        return self._columns[name]

    def texts(self) -> dict[str, str]:
        """Return each column as JSON: one text in an output, where values would be an object each."""
        return {
            name: json.dumps(column, ensure_ascii=False, separators=(",", ":"))
            for name, column in self._columns.items()
        }

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Row]:
        names = self.names
        for values in zip(*self._columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(self._length))]
        return {name: column[place] for name, column in self._columns.items()}

    def __eq__(self, other: object) -> bool:
        return [*self] == [*other] if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
