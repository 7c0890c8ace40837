"""Comparison of IAM's patterns, with ``*`` for any text and ``?`` for any character.

A pattern is a string. A private character replaces a literal star or question mark (see `literal`),
so that a value that contains it is not a pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_ESCAPES = {"*": "\ue000", "?": "\ue001"}
_ESCAPE = str.maketrans(_ESCAPES)
_UNESCAPE = str.maketrans({mark: char for char, mark in _ESCAPES.items()})
_STARS = re.compile(r"\*+")
# Real pairs of patterns need some hundred states and some thousand steps; the search stops for
# hostile ones.
_MOST_STATES = 5_000
_MOST_STEPS = 500_000


def many(value: Any) -> list[Any]:
    """Return a list of what IAM writes as a single value or as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def literal(text: str) -> str:
    """Return the pattern that only this text matches."""
    return text.translate(_ESCAPE)


def plain(pattern: str) -> str:
    """Return the text of a pattern without wildcards."""
    return pattern.translate(_UNESCAPE)


def is_wild(pattern: str) -> bool:
    """Return whether more than one text matches a pattern."""
    return "*" in pattern or "?" in pattern


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Return whether an IAM pattern with ``*`` and ``?`` covers a value (or another pattern)."""
    start, star, rest = pattern.partition("*")
    if not (rest or ignore_case or "?" in start):  # nearly every pattern; compiling takes long
        return value.startswith(start) if star else value == start
    return bool(_compiled(pattern, ignore_case).fullmatch(value))


@lru_cache(maxsize=10_000)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    # A star in the value is many characters: no question mark of the pattern covers it.
    first, *rest = (
        "".join("[^*]" if char == "?" else re.escape(char) for char in part)
        for part in _STARS.split(pattern)
    )
    # What lies between stars has a fixed length: if the rest does not match behind its first
    # occurrence, it does not match behind a later one. The groups are atomic, as in `fnmatch`, so
    # that the search does not go back: time grows with the product of the lengths, no faster.
    between = "".join(f"(?>.*?{part})" for part in rest[:-1])
    expression = f"{first}{between}.*{rest[-1]}" if rest else first
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=100_000)
def covers(pattern: str, other: str) -> bool:
    """Return whether every text that matches ``other`` matches ``pattern``.

    False for the rare pair that takes too many steps, since coverage is then not proven.
    """
    if pattern in ("*", other) or matches(pattern, other):
        return True
    if not is_wild(other) or not overlaps(pattern, other):
        return False
    return _includes(pattern, other)


def _includes(pattern: str, other: str) -> bool:
    """Return whether ``pattern`` accepts each character that ``other`` accepts, in every state."""
    pattern, other = _STARS.sub("*", pattern), _STARS.sub("*", other)
    # All characters that neither pattern contains behave alike; "\ue002" represents them.
    alphabet = {*pattern, *other, "\ue002"} - {"*", "?"}
    start = (0, frozenset(_past_stars(pattern, {0})))
    seen, pending, left = {start}, [start], _MOST_STEPS
    while pending:
        position, places = pending.pop()
        left -= len(places) * len(alphabet)
        if left < 0 or len(seen) > _MOST_STATES:
            return False
        if position == len(other):
            if len(pattern) not in places:
                return False
            continue
        token = other[position]
        steps = [(position + 1, places)] if token == "*" else []
        following = position if token == "*" else position + 1
        for char in alphabet if token in "*?" else token:
            matched = {
                n + (pattern[n] != "*")
                for n in places
                if n < len(pattern) and pattern[n] in ("*", "?", char)
            }
            if not matched:
                return False
            steps.append((following, frozenset(_past_stars(pattern, matched))))
        new = {step for step in steps if step not in seen}
        seen |= new
        pending += new
    return True


@lru_cache(maxsize=100_000)
def overlaps(pattern: str, other: str) -> bool:
    """Return whether some text matches both patterns.

    The loop keeps the set of places in ``other`` that each place in ``pattern`` can reach.
    """
    if pattern == "*":
        return True
    if not is_wild(other):
        return matches(pattern, other)
    pattern, other = _STARS.sub("*", pattern), _STARS.sub("*", other)
    places = _past_stars(other, {0})
    for char in pattern:
        if char == "*":
            places = set(range(min(places), len(other) + 1)) if places else places
            continue
        matched = {
            n + (other[n] != "*") for n in places if n < len(other) and _match(char, other[n])
        }
        places = _past_stars(other, matched)
    return len(other) in places


def common_text(pattern: str, other: str, filler: str = "x") -> str | None:
    """Return a shortest text that matches both patterns; None where there is none.

    Parameters
    ----------
    filler : str
        The character for the places that both patterns leave open.
    """
    start = (0, 0)
    # How each pair of places was reached: from which, and by which character.
    reached: dict[tuple[int, int], tuple[tuple[int, int] | None, str]] = {start: (None, "")}
    pending = [start]
    while pending:
        following = []
        while pending:
            places = pending.pop()
            mine, theirs = (
                p[n] if n < len(p) else "" for p, n in zip((pattern, other), places, strict=True)
            )
            if not mine and not theirs:
                return _way(reached, places)
            empty = [
                (places[0] + (mine == "*"), places[1]),
                (places[0], places[1] + (theirs == "*")),
            ]
            for step in (step for step in empty if step not in reached):
                reached[step] = (places, "")
                pending.append(step)
            if mine and theirs and (mine == theirs or mine in "*?" or theirs in "*?"):
                char = next((c for c in (mine, theirs) if c not in "*?"), filler)
                step = (places[0] + (mine != "*"), places[1] + (theirs != "*"))
                if step not in reached:
                    reached[step] = (places, char)
                    following.append(step)
        pending = following
    return None


def _way(
    reached: dict[tuple[int, int], tuple[tuple[int, int] | None, str]], places: tuple[int, int]
) -> str:
    """Return the characters on the way to a pair of places."""
    chars: list[str] = []
    step: tuple[int, int] | None = places
    while step is not None:
        step, char = reached[step]
        chars.append(char)
    return "".join(reversed(chars))


def common_arn(pattern: str, other: str) -> str | None:
    """Return an ARN that matches two patterns, the second of six parts: part by part, if both have six."""
    fields, others = pattern.split(":", 5), other.split(":", 5)
    if len(fields) < 6:  # StringLike takes a part of an ARN, too
        return common_text(pattern, other)
    texts = [common_text(*pair) for pair in zip(fields, others, strict=True)]
    known = [text for text in texts if text is not None]
    return ":".join(known) if len(known) == len(texts) else None


_ID = "?" * 12
_DIGITS = re.compile(r"(?<!\d)\d{12}(?!\d)")
_WILD_DIGITS = re.compile(r"[*?]*\d[\d*?]*")


def account_ids(pattern: str, besides: str = "") -> dict[str, str]:
    """Return account ids that a text names; for a part with wildcards and digits, an id that fits.

    A part without digits names nobody in particular.

    Parameters
    ----------
    besides : str
        An account whose id does not stand for a part with wildcards.

    Returns
    -------
    dict of str to str
        What the text writes, by id: the id itself, or the part with wildcards. An id that fits is
        for decisions alone; people read what the text writes.
    """
    named = {number: number for number in _DIGITS.findall(pattern)}
    for part in pattern.split(":"):
        if is_wild(part) and _WILD_DIGITS.fullmatch(part) and not _DIGITS.search(part):
            fitting = (common_text(part, _ID, filler) for filler in "01")
            for number in [text for text in fitting if text and text != besides][:1]:
                named.setdefault(number, part)
    return named


def _match(char: str, other: str) -> bool:
    return char == other or char == "?" or other in "*?"


def _past_stars(pattern: str, places: set[int]) -> set[int]:
    """Return the places, and the places after stars that match the empty text."""
    reached = set(places)
    for place in sorted(places):
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            reached.add(place)
    return reached
