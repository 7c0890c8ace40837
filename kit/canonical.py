"""Canonical JSON: the one form of a value whose bytes are hashed.

References
----------
RFC 8785, "JSON Canonicalization Scheme (JCS)"
"""

from __future__ import annotations

import json
import re
from typing import Any

import rfc8785

# Python's encoder writes as RFC 8785 does, in C, but for what these find: fractions, exponents and
# integers that may be too large; and letters beyond U+FFFF, which sort otherwise in UTF-16.
_ENCODED = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_NUMBER = r"-?(?:\d+[.e]|\d{16})"
_NUMBERS = tuple(re.compile(before + _NUMBER) for before in (r"\A", '":', r"[\[,]"))
_LETTER = re.compile("[\U00010000-\U0010ffff]")


def canonical_json(value: Any) -> bytes:
    """Return a value as canonical JSON.

    Parameters
    ----------
    value : plain JSON
        Names of members are texts.

    Raises
    ------
    rfc8785.CanonicalizationError
        JSON has no form of the value: a number that is not finite or has more digits than a double
        holds, half of a surrogate pair, an object of a class.
    """
    try:
        text = _ENCODED(value)
        if not any(number.search(text) for number in _NUMBERS) and (
            text.isascii() or not _LETTER.search(text)
        ):
            return text.encode()
    except (TypeError, ValueError, RecursionError):
        pass  # rfc8785 has the error that names what is wrong
    return rfc8785.dumps(value)
