"""How many ways a regular expression can take through a text, before anything is matched.

Python's `re` tries one way after another, and `(a+)+$` has twice as many for each further letter:
30 letters take minutes. The number of ways follows from the expression alone.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_WAYS = 10_000
MOST_GROUPS = 100  # Python's parser recurses into each
_WITHOUT_END = 1_000  # what a repetition without a highest number counts as
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT)


def refuse_costly(pattern: str) -> None:
    """Raise `ValueError` for a pattern that cannot be compiled, or that costs too much.

    It costs too much with more than `MOST_GROUPS` groups or `MOST_WAYS` ways through a text.

    Parameters
    ----------
    pattern : str
        The message quotes it.
    """
    if (groups := pattern.count("(")) > MOST_GROUPS:
        raise ValueError(
            f"a regular expression has {groups:,} opening brackets; at most {MOST_GROUPS} are read"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error"
            )  # such as "Possible nested set": unlike in a later Python
            re.compile(pattern)
            ways = _of_sequence(parser.parse(pattern))
    except (re.error, OverflowError, Warning) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    if ways > MOST_WAYS:
        raise ValueError(
            f"{pattern!r} can match a text in too many ways; write how often each part may be "
            "repeated at most, such as [0-9]{1,20}, and no repetition within a repetition"
        )


def _of_sequence(parts: Any) -> int:
    ways = 1
    for operation, argument in parts:
        ways = min(ways * _of(operation, argument), MOST_WAYS + 1)
    return ways


def _of(operation: Any, argument: Any) -> int:
    if operation in _REPEATS:
        least, most, part = argument
        each = _of_sequence(part)
        most = min(most, least + _WITHOUT_END) if most is ops.MAXREPEAT else most
        if each == 1:
            return int(most - least + 1)
        ways, power = 0, _power(each, least)
        for _ in range(least, most + 1):
            ways += power
            power *= each
            if ways > MOST_WAYS:
                break
        return ways
    if operation is ops.POSSESSIVE_REPEAT:  # it tries the ways of each repetition, and never others
        return max(1, min(int(argument[1]), _WITHOUT_END)) * _of_sequence(argument[2])
    if operation is ops.BRANCH:
        return sum(map(_of_sequence, argument[1]))
    if operation is ops.SUBPATTERN:
        return _of_sequence(argument[3])
    if operation in (ops.ASSERT, ops.ASSERT_NOT):
        return _of_sequence(argument[1])
    if operation is ops.ATOMIC_GROUP:
        return _of_sequence(argument)
    if operation is ops.GROUPREF_EXISTS:
        return sum(_of_sequence(part) for part in argument[1:] if part is not None)
    return 1


def _power(base: int, exponent: int) -> int:
    return MOST_WAYS + 1 if exponent > MOST_WAYS.bit_length() else int(base**exponent)
