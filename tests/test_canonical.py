"""Canonical JSON: the same bytes as rfc8785's, whichever way they are made."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from kit import canonical
from kit.canonical import canonical_json
from tests.drawn import examples

VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**53) + 1, 2**53 - 1)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda part: some.lists(part) | some.dictionaries(some.text(), part),
)


class Named(StrEnum):
    IT = "text"


@examples(100)
@given(VALUES)
def test_any_value_has_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": [True, None, {"é": '\x7f\u2028/<>\x00\x1f\b\f\n\r\t"\\'}]},
        ('a":1.5', "a,1.5", ("x", 12)),
        {"\ue000": 1, "\U00010000": 2},  # in UTF-16 the second comes first
        [9007199254740991, -9007199254740991, 123456789012345],
        *(1.0, -0.0, [2.0], {"x": 1e22}, [-1e-7], {"x": [1.5]}, 1e16, 5e-324),
        {"x": Named.IT, Named.IT: "x"},
    ],
    ids=repr,
)
def test_the_edges_have_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        [-(2**53)],
        {"x": math.nan},
        [math.inf],
        "\ud800",
        {"\udc00": 1},
        {1: 2, "a": 3},
        {"x"},
    ],
    ids=repr,
)
def test_what_has_no_form_is_refused_as_rfc8785_refuses_it(value: Any) -> None:
    with pytest.raises(ValueError) as expected:  # noqa: PT011 - of rfc8785's own classes, or Python's
        rfc8785.dumps(value)
    with pytest.raises(type(expected.value), match=f"^{re.escape(str(expected.value))}$"):
        canonical_json(value)


def test_plain_values_do_not_take_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(canonical.rfc8785, "dumps")
    value = {"at": "2026-11-30T08:00:00.123456+00:00", "Größe": [1, 2], "mask": "⟦secret: token⟧"}
    text = '{"Größe":[1,2],"at":"2026-11-30T08:00:00.123456+00:00","mask":"⟦secret: token⟧"}'
    assert canonical_json(value) == text.encode()
