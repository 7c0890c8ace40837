"""Patterns of customers' numbers: those that would take very long are refused when they are read."""

from __future__ import annotations

import pytest

from kit.detect.identifiers import Detectors
from kit.detect.ways import MOST_GROUPS, refuse_costly

COSTLY = [
    "(a+)+$",
    "(a*)*b",
    "(a|a)+",
    "(a|aa)+$",
    "(a?){20}a{20}",
    "x?" * 30 + "x{30}",
    "[A-Z]+-[0-9]+",
    "(.*)(.*)(.*)x",
    "([a-z]{1,20}){1,20}",
    "(?=(a+)+b)a",
    "((a{2}){2}|b?){15}",
]
CHEAP = [
    "CUST-[0-9]{8}",
    "K[0-9]+",
    "K-\\d{6}",
    "(?i)kd[0-9]{7}",
    "(?x) K \\d{7}  # seven digits",
    "K1234567|K12345678",
    "[0-9]*",
    "[A-Z]{1,20}-[0-9]{1,20}",
    "(?:AB|CD)(?:-?[0-9]{4}){3}",
    "(?<![0-9])[0-9]{12}(?![0-9])",
    "(a)\\1{3}",
    "[0-9]++-[0-9]{2}",
    "(?>[0-9]+)x",
]


@pytest.mark.parametrize("pattern", COSTLY)
def test_a_pattern_of_very_many_ways_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="too many ways"):
        refuse_costly(pattern)


@pytest.mark.parametrize("pattern", CHEAP)
def test_a_pattern_of_few_ways_is_accepted(pattern: str) -> None:
    refuse_costly(pattern)
    for text in ("a" * 3_000, "K" + "1" * 3_000 + "!", "A-" * 1_500, "AB1234" * 500):
        Detectors((pattern,)).hits(text)


@pytest.mark.parametrize("pattern", ["([", "a{99999999999}", "*", "(?P<n>a)(?P<n>b)"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a regular expression"):
        refuse_costly(pattern)


@pytest.mark.parametrize(
    ("before", "after"), [("(", ")"), ("(?:", ")"), ("(?=", ")"), ("(?>", ")"), ("(", "")]
)
def test_groups_are_counted_before_they_are_parsed(before: str, after: str) -> None:
    def nested(depth: int) -> str:
        return before * depth + "a" + after * depth

    if after:
        refuse_costly(nested(MOST_GROUPS))
    for depth in (MOST_GROUPS + 1, 100_000):
        with pytest.raises(ValueError, match=f"has {depth:,} opening brackets; at most 100 "):
            refuse_costly(nested(depth))
