"""The kit's answer to a request of the comparison."""

from __future__ import annotations

from typing import Any

from kit.access.conditions import ABSENT, Value
from kit.access.documents import read_statements
from kit.access.evaluator import Access, Caller, Target, decide


def answer(request: dict[str, Any]) -> Access:
    """Everything is known here: a key that the request does not have is absent."""
    who = request["principal"]
    identity = [one for document in request["identity"] for one in read_statements(document)]
    boundary, policy = request["boundary"], request["policy"]
    named = who["name"]
    caller = Caller(
        who["kind"],
        who["arn"],
        who["account"],
        session=named.rpartition("/")[2] if who["kind"] == "role" else "",
        identity=tuple(identity),
        boundary=read_statements(boundary) if boundary else None,
    )
    target = Target(
        request["resource"].replace("?", "\ue001"),
        request["owner"],
        read_statements(policy) if policy else (),
        policy_decides=request["kind"] in ("key", "role"),
        blocks_public=request["blocks_public"],
    )
    known: dict[str, Value] = {
        key.lower(): tuple(value) if isinstance(value, list) else value
        for key, value in request["context"].items()
    }
    return decide(
        caller, request["action"], target, {**dict.fromkeys(_keys(request), ABSENT), **known}
    )


def _keys(request: dict[str, Any]) -> set[str]:
    """Every key that the request's policies look at, in variables too."""
    found = {"aws:username"}
    for document in filter(None, [*request["identity"], request["boundary"], request["policy"]]):
        for statement in read_statements(document):
            found |= {condition.key for condition in statement.conditions}
    return found
