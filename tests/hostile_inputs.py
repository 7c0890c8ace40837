"""Files and policies that mean harm: what the tests and `benchmarks.torture.bounds` give to the kit."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ACCOUNT = 'account: "012345678901"\n'

# By name, a file of parameters and what the message has to hold.
FILES: dict[str, tuple[str, str]] = {
    "lists 3,000 deep": (f"{ACCOUNT}regions: {'[' * 3000}", "line 2"),
    "fields 300 deep": (ACCOUNT + "".join("  " * n + "a:\n" for n in range(300)), "line 34"),
    "a number of 5,000 digits": (f"{ACCOUNT}lookback_days: {'9' * 5000}", "line 2"),
    "a number in base 60": (f"{ACCOUNT}lookback_days: 1{':59' * 2000}", "line 2"),
    "a number without digits": (f"{ACCOUNT}lookback_days: 0b_", "line 2"),
    "100,000 fields": ("".join(f"field{n}: {n}\n" for n in range(100_000)), "line 1: 'field0'"),
    "200,000 aliases": (ACCOUNT + "regions:\n- &a x\n" + "- *a\n" * 200_000, "line 2: regions"),
    "aliases of aliases": (
        f"{ACCOUNT}m0: &m0 [x, x]\n" + "".join(f"m{n}: &m{n} [*m{n - 1}, *m{n - 1}]\n" for n in range(1, 40)),
        "line 19: has aliases",
    ),
    "merges of merges": (
        f"{ACCOUNT}m0: &m0 {{a: b}}\n"
        + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 40)),
        "has aliases",
    ),
    "an alias of itself": (f"{ACCOUNT}regions: &own [*own]", "line 2: has an alias"),
    "a text of 5 MB": (f"{ACCOUNT}controller: {'x' * 5_000_000}", "line 2: controller"),
    "9 MB": (f"{ACCOUNT}#{'x' * (9 << 20)}", "8,388,608 bytes"),
    "ESC": (f'{ACCOUNT}controller: "a\\e[31mb"', "line 2: has the character U+001B"),
    "NUL": (f'{ACCOUNT}outputs: "a\\0b"', "line 2: has the character U+0000"),
    "C1": (f'{ACCOUNT}contact: "a\\x9bb"', "line 2: has the character U+009B"),
    "right to left": (f"{ACCOUNT}controller: a\u202eb", "line 2: has the character U+202E"),
    "an unseen name": (f'{ACCOUNT}declared_reasons: {{"a\\u202eb": x}}', "line 2: has the character"),
    "a tag of Python's": (f"{ACCOUNT}controller: !!python/object:os.system x", "line 2: has the tag"),
    "binary": (f"{ACCOUNT}controller: !!binary aGk=", "line 2: has the tag"),
    "seconds without end": (f"{ACCOUNT}read_seconds: .inf", "line 2: read_seconds"),
}  # fmt: skip

# By name, how to make what is no file; and what the message calls it.
NO_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pipe": (os.mkfifo, "a named pipe"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "folder": (Path.mkdir, "a folder"),
    "socket": (lambda path: _socket(path), "a socket"),
}


def _socket(path: Path) -> None:
    bound = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has 108 characters at most
    try:
        bound.bind(path.name)
    finally:
        os.chdir(here)
        bound.close()


OWN = "012345678901"


def _statement(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", **members}


# By name, a policy that is long to evaluate; AWS would store each of them but the last three.
LONG_POLICIES: dict[str, list[Mapping[str, Any]]] = {
    "2,000 stars": [_statement(Resource=f"arn:aws:s3:::{'*a' * 2000}")],
    "2,000 stars, then another end": [_statement(Resource=f"arn:aws:s3:::{'*a' * 2000}b", Action=f"s3:{'*g' * 2000}")],
    "stars in a row": [_statement(Resource=f"{'*' * 4000}x")],
    "stars and question marks": [_statement(Resource=f"arn:aws:s3:::{'?*' * 2000}")],
    "1,800 statements": [_statement(Action="*")] * 1800,
    "2,000 keys": [
        _statement(Condition={"StringLike": {f"aws:RequestTag/k{n}": ["a*", "b*"] for n in range(2000)}})
    ],
    "keys in many statements": [
        _statement(Condition={"StringLike": {f"aws:RequestTag/k{n}": "v*" for n in range(9)}})
    ] * 300,
    "patterns of principals": [
        _statement(Condition={"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{OWN}:role/{n}*a*b*c" for n in range(2500)]}})
    ],
    "variables": [_statement(Resource="arn:aws:s3:::" + "${aws:username}" * 250)] * 25,
    "accounts with ARNs": [
        _statement(
            Principal={"Service": "s3.amazonaws.com"},
            Condition={
                "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{'*a?' * 60}{n}" for n in range(500)]},
                "StringEquals": {"aws:SourceAccount": [f"{n:012d}" for n in range(300)]},
            },
        )
    ],
    "a text of 5,000 characters": [_statement(Resource="x" * 5000)],
    "nested 500 deep": [_statement(Resource=json.loads("[" * 500 + "]" * 500))],
    "100,000 statements": [_statement(Action="*")] * 100_000,
}  # fmt: skip

# Documents of the shape that IAM's grammar does not know.
MISSHAPEN: tuple[Any, ...] = (
    *({"Statement": _statement(Action=value)} for value in ([{}], [[]], {"a": 1}, 5, [None])),
    *({"Statement": _statement(Resource=value)} for value in ([5], {"a": []}, True)),
    *({"Statement": _statement(Condition=value)} for value in ("x", [], {"Bool": "x"}, {"Bool": {"a": [{}]}})),
    *({"Statement": _statement(Principal=value)} for value in ([{"AWS": "*"}], {"AWS": {"a": "b"}}, 5)),
    *({"Statement": value} for value in ("Allow", 5, ["x"], [[_statement()]], [None])),
    {"Statement": _statement(Effect={})},
    {"Version": "2012-10-17"},
    [],
    "x",
    None,
    "[" * 100_000,
)  # fmt: skip
# These have IAM's shape, whatever else is odd about them.
ODD: tuple[Any, ...] = (
    {"Version": {}, "Statement": _statement()},
    {"Version": ["2012-10-17"], "Id": [], "Statement": [_statement(Sid={})]},
)
