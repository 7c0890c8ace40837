"""Reading resource policies: what a statement denies, to whom, and under which condition."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kit.access.patterns import many, matches
from kit.aws.calls import Call
from kit.snapshot import Trouble
from kit.tables.cells import Cell, derive

Statement = dict[str, Any]


def read_policy(policy: Cell, call: Call) -> Cell:
    """The cell of a policy document's statements: none without a policy, a gap if unreadable.

    A lone statement counts as a list of one.
    """
    try:
        document = json.loads(policy.value or "{}")
    except ValueError:
        document = None
    if policy.gap or isinstance(document, dict):
        return derive(lambda _: many((document or {}).get("Statement")), policy)
    gap = Trouble("unreadable answer", call.name, evidence=policy.refs[0].partition("#")[0])
    return Cell(None, policy.refs, gap)


def denies_plain_http(statements: Iterable[Statement], bucket_arn: str) -> bool:
    """Whether the statements of a bucket policy deny everybody what does not come over TLS.

    Reading, writing and listing have to be denied for the bucket and for every object in it,
    whoever asks, on no other condition than ``aws:SecureTransport`` being false.

    References
    ----------
    Amazon S3 User Guide, "Enforce encryption of data in transit".
    """
    denials = [
        statement
        for statement in statements
        if statement.get("Effect") == "Deny"
        and _is_everybody(statement.get("Principal"))
        and _is_plain_http(statement.get("Condition"))
    ]
    wanted = (
        ("s3:GetObject", f"{bucket_arn}/*"),
        ("s3:PutObject", f"{bucket_arn}/*"),
        ("s3:ListBucket", bucket_arn),
    )
    return all(any(_covers(d, action, resource) for d in denials) for action, resource in wanted)


def denies_deletion(statements: Iterable[Statement], bucket_arn: str) -> bool:
    """Whether the statements deny everybody, on no condition, to delete the bucket itself.

    AppStream adds such a statement, PreventAccidentalDeletionOfBucket, to each bucket it makes.
    """
    return any(
        statement.get("Effect") == "Deny"
        and _is_everybody(statement.get("Principal"))
        and not statement.get("Condition")
        and _covers(statement, "s3:DeleteBucket", bucket_arn)
        for statement in statements
    )


def restricts_principals(statements: Iterable[Statement], bucket_arn: str) -> bool:
    """Whether the statements deny a bucket and its objects to all principals but those named.

    They are named by ``NotPrincipal``, or by a condition on ``aws:PrincipalArn`` or
    ``aws:userId`` that excepts them; a star among the excepted excepts everybody.

    References
    ----------
    Amazon AppStream 2.0 Administration Guide, "Restrict administrator access".
    """
    denials = [
        statement
        for statement in statements
        if statement.get("Effect") == "Deny" and _excepts_some(statement)
    ]
    wanted = (
        ("s3:GetObject", f"{bucket_arn}/*"),
        ("s3:PutObject", f"{bucket_arn}/*"),
        ("s3:DeleteObject", f"{bucket_arn}/*"),
        ("s3:ListBucket", bucket_arn),
    )
    return all(any(_covers(d, action, resource) for d in denials) for action, resource in wanted)


def _excepts_some(statement: Statement) -> bool:
    """Whether a denial is of everybody but those whom it names."""
    condition = statement.get("Condition") or {}
    excepted = statement.get("NotPrincipal")
    if excepted is not None:
        named = excepted.values() if isinstance(excepted, dict) else [excepted]
        return not condition and "*" not in [who for some in named for who in many(some)]
    if not _is_everybody(statement.get("Principal")) or not isinstance(condition, dict):
        return False
    tests = [
        (operator.lower().removesuffix("ifexists"), key.lower(), many(value))
        for operator, keys in condition.items()
        for key, value in keys.items()
    ]
    named = [test for test in tests if test[1] in ("aws:principalarn", "aws:userid")]
    negated = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")
    # Services of AWS's may be excepted besides.
    besides = {key for _, key, _ in tests} - {"aws:principalarn", "aws:userid"}
    return (
        bool(named)
        and besides <= {"aws:principalisawsservice"}
        and all(operator in negated and "*" not in values for operator, _, values in named)
    )


def _covers(statement: Statement, action: str, resource: str) -> bool:
    resources: Iterable[str] = many(statement.get("Resource"))
    return _names(statement, action) and any(matches(r, resource) for r in resources)


def _names(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, by naming it or by not excepting it."""
    if "NotAction" in statement:
        excepted = many(statement["NotAction"])
        return not any(matches(a, action, ignore_case=True) for a in excepted)
    return any(matches(a, action, ignore_case=True) for a in many(statement.get("Action")))


def _is_everybody(principal: Any) -> bool:
    if isinstance(principal, dict):
        return any("*" in many(principal.get(kind)) for kind in ("AWS", "*"))
    return "*" in many(principal)


def _is_plain_http(condition: Any) -> bool:
    if not isinstance(condition, dict) or len(condition) != 1:
        return False
    ((operator, keys),) = condition.items()
    # Every request to S3 bears the key, once: the quantifiers of sets change nothing.
    kind = operator.lower().removeprefix("foranyvalue:").removeprefix("forallvalues:")
    if kind not in ("bool", "boolifexists") or len(keys) != 1:
        return False
    ((key, value),) = keys.items()
    return key.lower() == "aws:securetransport" and [str(v).lower() for v in many(value)] == [
        "false"
    ]
