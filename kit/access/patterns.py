"""Patterns of IAM, with ``*`` for any text and ``?`` for one character, compared with each other.

A pattern is a string. A star or a question mark that means itself is written as a private
character (see `literal`), so that a value that holds one is no pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_ESCAPES = {"*": "\ue000", "?": "\ue001"}
_ESCAPE = str.maketrans(_ESCAPES)
_UNESCAPE = str.maketrans({mark: char for char, mark in _ESCAPES.items()})
_MOST_STATES = 5_000  # patterns of people need some hundred; hostile ones are given up


def many(value: Any) -> list[Any]:
    """Return what IAM writes as one value or as a list, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def literal(text: str) -> str:
    """Return the pattern that only this text fits."""
    return text.translate(_ESCAPE)


def plain(pattern: str) -> str:
    """Return the text of a pattern without wildcards."""
    return pattern.translate(_UNESCAPE)


def is_wild(pattern: str) -> bool:
    """Whether more than one text fits a pattern."""
    return "*" in pattern or "?" in pattern


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether an IAM pattern with ``*`` and ``?`` covers a value (or another pattern)."""
    return bool(_compiled(pattern, ignore_case).fullmatch(value))


@lru_cache(maxsize=10_000)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    # In the value a star stands for many characters: no question mark of the pattern covers it.
    wild = {"*": ".*", "?": "[^*]"}
    expression = "".join(wild.get(char) or re.escape(char) for char in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=100_000)
def covers(pattern: str, other: str) -> bool:
    """Whether every text that fits the other pattern fits this one.

    False for the rare pair that takes too many steps: what is not shown to be covered is not.
    """
    if pattern in ("*", other) or matches(pattern, other):
        return True
    if not is_wild(other) or not overlaps(pattern, other):
        return False
    return _includes(pattern, other)


def _includes(pattern: str, other: str) -> bool:
    """Whether ``pattern`` follows wherever ``other`` leads, one character after another."""
    # All characters that neither names behave alike; one stands for them.
    alphabet = {*pattern, *other, "\ue002"} - {"*", "?"}
    start = (0, frozenset(_past_stars(pattern, {0})))
    seen, left = {start}, [start]
    while left:
        place, beside = left.pop()
        if place == len(other):
            if len(pattern) not in beside:
                return False
            continue
        token = other[place]
        steps = [(place + 1, beside)] if token == "*" else []
        onward = place if token == "*" else place + 1
        for char in alphabet if token in "*?" else token:
            met = {
                n + (pattern[n] != "*")
                for n in beside
                if n < len(pattern) and pattern[n] in ("*", "?", char)
            }
            if not met:
                return False
            steps.append((onward, frozenset(_past_stars(pattern, met))))
        fresh = {step for step in steps if step not in seen}
        seen |= fresh
        left += fresh
        if len(seen) > _MOST_STATES:
            return False
    return True


@lru_cache(maxsize=100_000)
def overlaps(one: str, other: str) -> bool:
    """Whether some text fits both patterns.

    Each place in ``one`` is compared with the set of places of ``other`` that it can stand beside.
    """
    if one == "*":
        return True
    if not is_wild(other):
        return matches(one, other)
    beside = _past_stars(other, {0})
    for char in one:
        if char == "*":
            beside = set(range(min(beside), len(other) + 1)) if beside else beside
            continue
        met = {n + (other[n] != "*") for n in beside if n < len(other) and _meet(char, other[n])}
        beside = _past_stars(other, met)
    return len(other) in beside


def _meet(one: str, other: str) -> bool:
    return one == other or one == "?" or other in "*?"


def _past_stars(pattern: str, places: set[int]) -> set[int]:
    """The places, and those that are reached where stars stand for nothing."""
    reached = set(places)
    for place in sorted(places):
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            reached.add(place)
    return reached
