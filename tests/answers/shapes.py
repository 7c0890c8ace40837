"""Answers that AWS's models admit: generated from botocore's shapes, or one changed somewhere."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kit.calls import Call
from tests.standins import operation, output_shape

Path = tuple[str | int, ...]
LONG = 10_000
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "javascript:alert(1)",
    "=cmd|'/C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "invoice\u202egpj.exe",
    "\u2066left\u2069\u200b\ufeff",
    "nul\x00bell\x07escape\x1b[31m",
    "lines\r\nof\ntext\u2028and\u2029more",
    "\x85\x9f\ufffe\uffff\U0010ffff\ue000\u0378",
    "🫠👩‍👩‍👧‍👦🏳️‍🌈",
    "مجلدات 暗号化 шифрование zͨ̃a̴l͠g̷o",
    '#set text(red); #panic("ran") $x$ *b* @ref <label> \\u{41} `raw`',
    "{{ 7 * 7 }}{% raw %}{# #}",
    "⟦secret: token⟧⟨U+202E⟩",
    "https://user:hunter2@example.org/?token=abcdef1234567890",
    "https://example.org/<b>?x='\";--",
    "arn:aws:iam::012345678901:role/x",
    "arn:aws:s3:::",
    "arn:::::",
    "../../../etc/passwd",
    "E0001#/Fleets/0",
    "None",
    "nan",
    "*",
    "?[!a-z]",
    "(a+)+$",
    "",
    " ",
    "0" * 12,
    "us-east-1",
    "xx-nowhere-9",
    "2026-13-45T99:99:99Z",
    "9" * 400,
    "A" * LONG,
    "=" * LONG,
    "x " * (LONG // 2),
    "<b>" * (LONG // 3),
    "🫠" * (LONG // 2),
)
HALF = "half \ud800 of a pair"  # JSON admits it
FUTURE = "A_VALUE_OF_NEXT_YEAR"
_TIMES = (
    dt.datetime(1, 1, 1, tzinfo=dt.UTC),
    dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC),
    dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
)
_DOCUMENTS = {"policyDocumentType", "Policy", "PolicyDocument"}  # JSON in a string, by shape


@dataclass(frozen=True)
class Node:
    """A part of an answer: where it is, of which shape, and whether the model lets it be absent."""

    path: Path
    shape: Any
    value: Any
    optional: bool

    @property
    def reported(self) -> str:
        """The path as people read it."""
        return ".".join(str(part) for part in self.path)


def nodes(shape: Any, value: Any, path: Path = (), optional: bool = False) -> Iterator[Node]:
    """Yield every part of an answer, whole before parts."""
    if path:
        yield Node(path, shape, value, optional)
    if shape.type_name == "structure":
        for name in value:
            if name in shape.members:
                may_lack = name not in shape.required_members
                yield from nodes(shape.members[name], value[name], (*path, name), may_lack)
    elif shape.type_name == "list":
        for n, item in enumerate(value):
            yield from nodes(shape.member, item, (*path, n))
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from nodes(shape.value, item, (*path, key), True)


def without(body: dict[str, Any], path: Path) -> dict[str, Any]:
    """The answer without one part."""
    made: dict[str, Any] = _changed(body, path, lambda holder, last: holder.pop(last))
    return made


def instead(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The answer with another value in one place."""
    made: dict[str, Any] = _changed(
        body, path, lambda holder, last: holder.__setitem__(last, value)
    )
    return made


def _changed(value: Any, path: Path, change: Any) -> Any:
    """Copy what holds the changed part; all else stays shared with the answer."""
    first, *others = path
    changed = copy.copy(value)
    if others:
        changed[first] = _changed(value[first], tuple(others), change)
    else:
        change(changed, first)
    return changed


# --- strategies -----------------------------------------------------------------------------------


@cache
def answers(call: Call) -> SearchStrategy[dict[str, Any]]:
    """Whole answers of a call."""
    halves = operation(call).service_model.metadata["protocol"].endswith("json")
    return values(output_shape(call), halves)


@cache
def values(shape: Any, halves: bool = False, depth: int = 0) -> SearchStrategy[Any]:
    """Values of a shape: any optional member absent, any list empty, any text hostile."""
    kind = shape.type_name
    if kind == "structure":
        return _structures(shape, halves, depth)
    if kind == "list":
        return st.lists(values(shape.member, halves, depth + 1), max_size=3 if depth < 4 else 1)
    if kind == "map":
        keys, items = values(shape.key, halves, depth + 1), values(shape.value, halves, depth + 1)
        return st.dictionaries(keys, items, max_size=2)
    if kind == "string":
        return strings(shape, halves)
    if kind == "timestamp":
        return st.sampled_from(_TIMES) | st.datetimes(timezones=st.just(dt.UTC))
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        bits = 31 if kind == "integer" else 63
        low, high = shape.metadata.get("min", -(2**bits)), shape.metadata.get("max", 2**bits - 1)
        return st.sampled_from([low, high, 0]) | st.integers(low, high)
    if kind in ("float", "double"):
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind == "blob":
        return st.binary(max_size=60) | st.sampled_from(HOSTILE).map(str.encode)
    raise TypeError(f"{shape.name}: no strategy for {kind}")


def _structures(shape: Any, halves: bool, depth: int) -> SearchStrategy[Any]:
    members = {name: values(member, halves, depth + 1) for name, member in shape.members.items()}
    if getattr(shape, "is_tagged_union", False):
        return st.one_of(*(st.fixed_dictionaries({n: one}) for n, one in members.items()))
    required = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=members if depth < 7 else {})


@cache
def strings(shape: Any, halves: bool = False) -> SearchStrategy[str]:
    """Texts: of an enumeration, known and yet unknown ones; else hostile ones and any others."""
    if shape.enum:
        return st.sampled_from([*shape.enum, FUTURE])
    hostile = st.sampled_from([*HOSTILE, HALF] if halves else HOSTILE)
    texts = hostile | st.text(max_size=40)
    if shape.name == "policyDocumentType":
        return texts | documents().map(json.dumps).map(quote)
    if shape.name in ("Policy", "CloudTrailEvent", "String"):
        return texts | documents().map(json.dumps)
    return texts


@cache
def documents() -> SearchStrategy[Any]:
    """JSON as policies and events have it, its parts of types that they should not be."""
    names = st.sampled_from(
        [
            *("Statement", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal"),
            *("NotPrincipal", "Condition", "StringEquals", "ArnNotLike", "Bool", "AWS", "Service"),
            *("aws:PrincipalArn", "aws:SecureTransport", "userIdentity", "arn", "userAgent"),
            *("tlsDetails", "tlsVersion"),
        ]
    )
    words = st.sampled_from(["Allow", "Deny", "*", "s3:*", "false", "TLSv1.2", "2012-10-17"])
    leaves = words | st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(HOSTILE)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )
