"""Rows that are kept as columns: the rows of the mappings, in little memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.report.columnar import Columnar

ROWS: list[dict[str, Any]] = [
    {"name": "a", "count": 1, "open": True},
    {"name": "b", "count": 0, "open": False},
    {"name": "a", "count": None, "open": 1.0},
]


def test_rows_are_those_of_the_mappings_in_order() -> None:
    for rows in (Columnar.of(ROWS), Columnar.parsed(Columnar.of(ROWS).texts())):
        assert rows == ROWS
        assert [*map(repr, rows)] == [*map(repr, ROWS)]  # 1, True and 1.0 are not the same
        assert (len(rows), rows[1], rows[-1], rows[1:]) == (3, ROWS[1], ROWS[2], ROWS[1:])
        assert rows.names == ["name", "count", "open"]
        assert rows.column("name") == ["a", "b", "a"]
        assert rows != ROWS[:2]
        assert rows != "rows"
    assert Columnar.of(Columnar.of(ROWS)) == ROWS
    assert not Columnar.of([])
    assert Columnar.parsed({}) == []


def test_an_output_has_one_text_for_each_column_and_equal_values_are_one_object() -> None:
    texts = Columnar.of(ROWS).texts()
    assert texts == {
        "name": '["a","b","a"]',
        "count": "[1,0,null]",
        "open": "[true,false,1.0]",
    }
    rows = Columnar.parsed({"status": json.dumps(["not evidenced"] * 9)})
    assert len({id(row["status"]) for row in rows}) == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": "[1, 2]", "b": "[1]"}, "columns have"),
        ({"a": "{}"}, "not an array"),
        ({"a": "[[1]]"}, "not JSON scalars"),
        ({"a": '[{"b": 1}]'}, "not JSON scalars"),
        ({"a": "[" * 100_000}, "nested more than"),
        ({"a": "[NaN]"}, "number that JSON does not have"),
        ({"a": "[1, -Infinity]"}, "number that JSON does not have"),
        ({"a": "[1e999]"}, "number that JSON does not have"),
        ({"a": "[1"}, "delimiter"),
        ({"a": 1}, "not a text"),
        (["a"], "not list"),
        (None, "not NoneType"),
    ],
)
def test_columns_that_are_none_are_refused(texts: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Columnar.parsed(texts)


def test_rows_with_other_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="row 1 has other keys"):
        Columnar.of([{"a": 1}, {"b": 1}])
