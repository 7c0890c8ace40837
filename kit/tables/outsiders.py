"""Other accounts that a key or an access point of a bucket lets in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kit.access.actions import FILES, KEYS
from kit.access.documents import Statement, read_statements
from kit.access.evaluator import (
    Access,
    Caller,
    Target,
    accounts_named,
    any_of_account,
    decide,
    synthetic_callers,
    with_context,
)
from kit.calls import (
    DESCRIBE_KEY,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_KEY_POLICY,
    LIST_ACCESS_POINTS,
    LIST_GRANTS,
)
from kit.redact.labels import Labels
from kit.snapshot import Snapshot
from kit.tables import deputies
from kit.tables.access_points import POINT_CALLS, Point, listed_points, of_kind
from kit.tables.cells import Cell, attached, derive
from kit.tables.core import Column
from kit.tables.policies import read_policy

ANY_ACCOUNT, ANYBODY = "any account", "anybody"
_KEY_CALLS = (GET_BUCKET_ENCRYPTION, DESCRIBE_KEY, GET_KEY_POLICY)
KEY_ACCESS_COLUMNS = {
    "key_policy_admits": Column(calls=_KEY_CALLS),
    "key_grants_admit": Column(calls=(*_KEY_CALLS, LIST_GRANTS)),
    "key_may_admit": Column(calls=(*_KEY_CALLS, LIST_GRANTS)),
}
_POINT_CALLS = (
    *POINT_CALLS,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
)
ACCESS_POINT_COLUMNS = {
    "access_points": Column(calls=(LIST_ACCESS_POINTS,)),
    "access_points_admit": Column(calls=_POINT_CALLS),
    "access_points_may_admit": Column(calls=_POINT_CALLS),
}
Statements = tuple[Statement, ...]
Outcomes = Mapping[str, Access]


def key_access(snapshot: Snapshot, bucket: str, key_class: Cell) -> dict[str, Cell]:
    """Which other accounts may use or control the customer's key of a bucket.

    AWS's own keys are used through S3 alone; another column names the owner of a foreign key.

    References
    ----------
    AWS KMS Developer Guide, "Key policies in AWS KMS" and "Grants in AWS KMS".
    """
    if key_class.gap or key_class.value != "customer":
        return dict.fromkeys(KEY_ACCESS_COLUMNS, derive(lambda _: [], key_class))
    encrypted = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    key = encrypted.value(
        "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
        ".KMSMasterKeyID"
    )
    described = snapshot.answer(DESCRIBE_KEY, encrypted.region, KeyId=key)
    arn = attached(described, "KeyMetadata.Arn")
    if arn.gap:
        return dict.fromkeys(KEY_ACCESS_COLUMNS, arn)
    answer = snapshot.answer(GET_KEY_POLICY, described.region, KeyId=arn.value)
    policy = read_policy(attached(answer, "Policy"), GET_KEY_POLICY, snapshot.as_of)
    grants = _granted(snapshot, described.region, arn.value)
    account = snapshot.account

    def admitted(policy: Statements, grants: Statements = ()) -> Outcomes:
        target = Target(arn.value, account, (*policy, *grants), policy_decides=True)
        others = (*_others(target.policies, account), *_for_accounts(policy, account))
        outcomes = [
            (name, decide(caller, action, target)) for name, caller in others for action, _ in KEYS
        ]
        for name, caller in _for_anybody(policy, account):
            # Whether a service checks for whom it comes is not known.
            lets = any(decide(caller, action, target) is not Access.NO for action, _ in KEYS)
            outcomes.append((name, Access.UNKNOWN if lets else Access.NO))
        return _furthest(outcomes)

    by_policy, by_both = derive(admitted, policy), derive(admitted, policy, grants)
    return {
        "key_policy_admits": derive(_with(Access.YES), by_policy),
        "key_grants_admit": derive(_with(Access.YES), by_both),
        "key_may_admit": derive(_with(Access.UNKNOWN), by_both),
    }


def _for_accounts(statements: Statements, account: str) -> Iterator[tuple[str, Caller]]:
    """Services that a policy lets in for other accounts that it names."""
    allowing = [statement for statement in statements if statement.effect == "Allow"]
    for name, service, how in deputies.for_accounts(allowing, account):
        yield name, Caller("service", service, context=how)


def _for_anybody(statements: Statements, account: str) -> Iterator[tuple[str, Caller]]:
    """Services that a policy lets in without naming for whom."""
    allowing = [statement for statement in statements if statement.effect == "Allow"]
    for service in sorted(deputies.services(allowing)):
        for how in deputies.for_anybody(allowing, account):
            yield f"any account, by way of {service}", Caller("service", service, context=how)


def _granted(snapshot: Snapshot, region: str, key: str) -> Cell:
    """The grants on a key, as statements of its policy that allow the same."""
    answer = snapshot.answer(LIST_GRANTS, region, KeyId=key)
    listed = list(answer.items())
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": grant["GranteePrincipal"]},
            "Action": [f"kms:{operation}" for operation in grant.get("Operations") or ()],
            "Resource": "*",
        }
        for grant, _ in listed
        if grant.get("GranteePrincipal")
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    refs = tuple(ref for _, ref in listed) or answer.evidence
    return Cell(read_statements(document), refs, answer.trouble)


def access_points(
    snapshot: Snapshot, labels: Labels, bucket: str, region: str, policy: Cell, restricted: Cell
) -> dict[str, Cell]:
    """The access points on a bucket, and who beyond the account comes in by them.

    What an access point's policy allows works only where the bucket's policy allows it too. Where
    the bucket's does not, the access point lets nobody in, but stands open for the day it does.

    Parameters
    ----------
    policy : Cell
        The statements of the bucket's policy.
    restricted : Cell
        Whether RestrictPublicBuckets is on, for the bucket or for the account.

    References
    ----------
    Amazon S3 User Guide, "Configuring IAM policies for using access points".
    """
    points, known = listed_points(snapshot, labels, bucket, region)
    bucket_arn = f"arn:{snapshot.header['partition']}:s3:::{bucket}"

    def admitted(_: None, policy: Statements, closed: bool, *__: Any) -> Outcomes:
        target = Target(bucket_arn, snapshot.account, policy, blocks_public=closed)
        return _furthest(outcome for point in points for outcome in _by_point(point, target))

    each = [cell for point in points for cell in (point.arn, point.origin, point.policy)]
    rests_on = (known, policy, restricted, *each) if points else (known,)
    outcomes = derive(admitted if points else lambda _: {}, *rests_on)
    return {
        "access_points": derive(lambda _: sorted(point.label for point in points), known),
        "access_points_admit": derive(_with(Access.YES), outcomes),
        "access_points_may_admit": derive(_with(Access.UNKNOWN), outcomes),
    }


def _by_point(point: Point, bucket: Target) -> Iterator[tuple[str, Access]]:
    account = bucket.account
    target = point.before(bucket, account)

    def through(caller: Caller, action: str, kind: str) -> Access:
        both = of_kind(target, kind)
        allowed = decide(caller, action, replace(both, behind=None))
        if allowed is Access.YES and decide(caller, action, both) is not Access.YES:
            return Access.UNKNOWN
        return allowed

    for name, caller in (*_others(target.policies, account), (ANYBODY, Caller("anonymous"))):
        yield from ((name, through(caller, action, kind)) for action, kind in FILES)


def _others(statements: Statements, account: str) -> Iterator[tuple[str, Caller]]:
    """Callers of other accounts: of those that are named, of any, and of organisations."""
    stranger = synthetic_callers(account)["any other account"]
    for number in sorted(accounts_named(statements) - {account}):
        yield number, any_of_account(number)
    yield ANY_ACCOUNT, with_context(stranger, "aws:principalorgid", "o-other")
    conditions = (condition for statement in statements for condition in statement.conditions)
    for value in sorted({v for c in conditions if c.key == "aws:principalorgid" for v in c.values}):
        yield (
            "any account of an organisation",
            with_context(stranger, "aws:principalorgid", value),
        )


def _furthest(outcomes: Iterable[tuple[str, Access]]) -> Outcomes:
    """How far each gets with any of the actions."""
    order = (Access.NO, Access.UNKNOWN, Access.YES)
    furthest: dict[str, Access] = {}
    for name, access in outcomes:
        furthest[name] = max(access, furthest.get(name, access), key=order.index)
    return furthest


def _with(wanted: Access) -> Callable[[Outcomes], list[str]]:
    return lambda outcomes: [name for name, access in outcomes.items() if access is wanted]
