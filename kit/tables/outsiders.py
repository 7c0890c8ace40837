"""Other accounts that a key or an access point of a bucket lets in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kit.access.actions import FILES, KEYS
from kit.access.documents import Statement
from kit.access.evaluator import (
    EVERYTHING,
    Access,
    Caller,
    Target,
    accounts_named,
    any_of_account,
    decide,
    synthetic_callers,
)
from kit.access.patterns import account_ids
from kit.calls import (
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_KEY_POLICY,
    LIST_ACCESS_POINTS,
    LIST_GRANTS,
)
from kit.redact.labels import Labels
from kit.snapshot import Snapshot, Trouble
from kit.tables import deputies
from kit.tables.access_points import POINT_CALLS, Point, listed_points, of_kind
from kit.tables.cells import Cell, absent_member, attached, derive
from kit.tables.core import Column
from kit.tables.named import (
    identities,
    identity_providers,
    known_ids,
    of_organisation,
    organisations,
    unique_ids,
)
from kit.tables.policies import read_policy

ANY_ACCOUNT, ANYBODY = "any account", "anybody"
_UNKNOWN_ID = "whoever has a unique id that is not the account's"
_KEY_CALLS = (GET_KEY_POLICY, LIST_GRANTS)
KEY_ACCESS_COLUMNS = {
    "policy_admits": Column(calls=(GET_KEY_POLICY,)),
    "grants_admit": Column(calls=_KEY_CALLS),
    "may_admit": Column(calls=(*_KEY_CALLS, GET_ACCOUNT_AUTHORIZATION_DETAILS)),
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
    "access_points_may_admit": Column(calls=(*_POINT_CALLS, GET_ACCOUNT_AUTHORIZATION_DETAILS)),
}
Statements = tuple[Statement, ...]
Outcomes = Mapping[str, Access]
# The identities that CloudFront gives to distributions; policies of S3 name them.
_CLOUDFRONT = re.compile(r"arn:[^:]+:iam::cloudfront:user/")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
# Members of a grant of which AWS always sends one.
_OF_GRANTS = {
    "GranteePrincipal": ("GranteePrincipal", "GranteeServicePrincipal"),
    "Operations": ("Operations",),
}


def key_access(snapshot: Snapshot, labels: Labels, key: str, region: str) -> dict[str, Cell]:
    """Which other accounts may use or control a customer managed key of the account.

    Parameters
    ----------
    key : str
        The key's ARN.
    region : str
        The key's region, where KMS answers for it.

    References
    ----------
    AWS KMS Developer Guide, "Key policies in AWS KMS" and "Grants in AWS KMS".
    """
    answer = snapshot.answer(GET_KEY_POLICY, region, KeyId=key)
    policy = read_policy(attached(answer, "Policy"), GET_KEY_POLICY, snapshot.as_of)
    grants, unread = _granted(snapshot, region, key)
    account = snapshot.account

    def let_in(listed: _Lister, policy: Statements, grants: Statements = ()) -> Outcomes:
        target = Target(key, account, (*policy, *grants))
        return _furthest(
            (other.name, other.gets(decide(other.caller, action, target)))
            for other in listed(target)
            for action, _ in KEYS
        )

    admitted = partial(let_in, partial(_others, labels))
    admitted_ids = partial(let_in, _by_unique_id)
    by_grants, perhaps = _beside(derive(admitted, policy, grants), unread)
    return {
        "policy_admits": derive(_with(Access.YES), derive(admitted, policy)),
        "grants_admit": by_grants,
        "may_admit": _and_unknown_ids(perhaps, derive(admitted_ids, policy, grants), snapshot),
    }


def _granted(snapshot: Snapshot, region: str, key: str) -> tuple[Cell, Trouble | None]:
    """The grants on a key, as statements that allow the same; and what hides others."""
    answer = snapshot.answer(LIST_GRANTS, region, KeyId=key)
    listed = list(answer.items())
    unread = [
        absent_member(LIST_GRANTS, f"Grants[].{name}", ref)
        for grant, ref in listed
        for name, members in _OF_GRANTS.items()
        if not any(grant.get(member) for member in members)
    ]
    statements = [
        {
            "Effect": "Allow",
            **_grantee(grant),
            "Action": [f"kms:{operation}" for operation in grant["Operations"]],
            "Resource": "*",
        }
        for grant, _ in listed
        if any(map(grant.get, _OF_GRANTS["GranteePrincipal"])) and grant.get("Operations")
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    refs = tuple(ref for _, ref in listed) or answer.evidence
    read = read_policy(Cell(document, refs), LIST_GRANTS, snapshot.as_of)
    return read, answer.trouble or next(iter(unread), None)


def _grantee(grant: Mapping[str, Any]) -> dict[str, Any]:
    """Whom a grant admits, and for whom where that is a service of AWS.

    A service sends what a grant's constraints state. Whoever else holds a grant chooses what it
    sends, so that constraints keep nobody out.

    References
    ----------
    AWS Key Management Service API Reference, "GrantListEntry" (GranteePrincipal holds a service
    principal, too) and "GrantConstraints".
    """
    principal = grant.get("GranteePrincipal") or ""
    service = grant.get("GranteeServicePrincipal") or (
        principal if _SERVICE.fullmatch(principal) else ""
    )
    if not service:
        return {"Principal": {"AWS": principal}}
    limits = grant.get("Constraints") or {}
    pairs = {
        f"kms:EncryptionContext:{name}": value
        for form in ("EncryptionContextSubset", "EncryptionContextEquals")
        for name, value in (limits.get(form) or {}).items()
    }
    source = {"aws:SourceArn": limits["SourceArn"]} if limits.get("SourceArn") else {}
    tests = {"StringEquals": pairs, "ArnLike": source}
    condition = {operator: values for operator, values in tests.items() if values}
    return {"Principal": {"Service": service}} | ({"Condition": condition} if condition else {})


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

    def let_in(listed: _Lister) -> list[Cell]:
        return [
            derive(
                lambda policy, closed, *_, point=point: _furthest(
                    _by_point(
                        point,
                        Target(bucket_arn, snapshot.account, policy, blocks_public=closed),
                        listed,
                    )
                ),
                *(policy, restricted, point.arn, point.origin, point.policy),
            )
            for point in points
        ]

    each = [replace(known, value={}), *let_in(partial(_others_by_a_point, labels))]
    unread = next((cell.gap for cell in each if cell.gap), None)
    read = [replace(cell, value=cell.value or {}, gap=None) for cell in each]
    admitted, perhaps = _beside(derive(_together, *read), unread)
    ids = derive(_together, replace(known, value={}), *let_in(_by_unique_id))
    return {
        "access_points": derive(lambda _: sorted(point.label for point in points), known),
        "access_points_admit": admitted,
        "access_points_may_admit": _and_unknown_ids(perhaps, ids, snapshot),
    }


def _by_point(point: Point, bucket: Target, listed: _Lister) -> Iterator[tuple[str, Access]]:
    account = bucket.account
    target = point.before(bucket, account)

    def through(caller: Caller, action: str, kind: str) -> Access:
        both = of_kind(target, kind)
        allowed = decide(caller, action, replace(both, behind=None))
        if allowed is Access.YES and decide(caller, action, both) is not Access.YES:
            return Access.UNKNOWN
        return allowed

    for other in listed(target):
        for action, kind in FILES:
            yield other.name, other.gets(through(other.caller, action, kind))


def _and_unknown_ids(perhaps: Cell, outcomes: Cell, snapshot: Snapshot) -> Cell:
    """Add whoever comes in by a unique id that no role and user of the account has.

    Parameters
    ----------
    perhaps : Cell
        Names of those who may come in.
    outcomes : Cell
        How far each unique id gets that statements name.
    """
    admitted = derive(
        lambda ids: {name for name, access in ids.items() if access is not Access.NO}, outcomes
    )
    if not admitted.value:  # nobody need be looked up
        return derive(lambda names, _: names, perhaps, admitted)
    known = known_ids(snapshot)
    if admitted.value <= known.value:  # whatever the rest of the list hides
        known = replace(known, gap=None)
    return derive(
        lambda names, ids, known: [*names, _UNKNOWN_ID] if ids - known else names,
        *(perhaps, admitted, known),
    )


@dataclass(frozen=True)
class _Other:
    """Somebody outside the account.

    Attributes
    ----------
    perhaps : bool
        Whether the caller is somebody, or outside the account, or a service that comes for others,
        is not known.
    """

    name: str
    caller: Caller
    perhaps: bool = False

    def gets(self, access: Access) -> Access:
        return Access.UNKNOWN if self.perhaps and access is Access.YES else access


_Lister = Callable[[Target], Iterable[_Other]]


def _others(labels: Labels, target: Target) -> Iterator[_Other]:
    """Callers of accounts that are named, of any account, of organisations; services; identities.

    An identity is whoever a statement names by something else than an account or a service.
    """
    statements, account = target.policies, target.account
    stranger = synthetic_callers(account)["any other account"]
    named = accounts_named(statements, account)
    for number in sorted(named.keys() - {account}):
        yield _Other(named[number], any_of_account(number))
    yield _Other(ANY_ACCOUNT, replace(stranger, context=of_organisation("o-other")))
    for _, how in organisations(statements):
        yield _Other("any account of an organisation", replace(stranger, context=how))
    for name, service, how in deputies.for_accounts(statements, account):
        yield _Other(name, Caller("service", service, context=how))
    anybodys = deputies.for_anybody(statements, account)
    for service in sorted(deputies.services(statements)):
        for how in anybodys:
            caller = Caller("service", service, context=how)
            yield _Other(f"any account, by way of {service}", caller, perhaps=True)
    own = target.policy or ()
    for name in sorted({name for statement in own for name in identities(statement)}):
        caller = Caller("user", name, "elsewhere", identity=EVERYTHING)
        known = _CLOUDFRONT.match(name) is not None
        yield _Other(labels.label("identity", name), caller, perhaps=not known)
    for name in sorted({name for statement in own for name in identity_providers(statement)}):
        of = account_ids(name)
        if account not in of:
            shown = next(iter(of), "") or labels.label("identity", name)
            yield _Other(shown, Caller("federated", name), perhaps=True)


def _others_by_a_point(labels: Labels, point: Target) -> Iterator[_Other]:
    """Those, and whoever is not signed in."""
    yield from _others(labels, point)
    yield _Other(ANYBODY, Caller("anonymous"))


def _by_unique_id(target: Target) -> Iterator[_Other]:
    """Whoever has a unique id that conditions name, as if nobody of the account had it."""
    for name in sorted({n for statement in target.policies for n in unique_ids(statement)}):
        kind = "user" if name.startswith("AIDA") else "role"
        caller = Caller(kind, "", "elsewhere", name, identity=EVERYTHING)
        yield _Other(name, caller)


def _furthest(outcomes: Iterable[tuple[str, Access]]) -> Outcomes:
    """How far each gets with any of the actions."""
    order = (Access.NO, Access.UNKNOWN, Access.YES)
    furthest: dict[str, Access] = {}
    for name, access in outcomes:
        furthest[name] = max(access, furthest.get(name, access), key=order.index)
    return furthest


def _together(*outcomes: Outcomes) -> Outcomes:
    """How far each gets by any of several ways."""
    return _furthest(outcome for each in outcomes for outcome in each.items())


def _beside(outcomes: Cell, unread: Trouble | None) -> tuple[Cell, Cell]:
    """Return who comes in, and who may; what is unread hides others, and nobody who comes in."""
    admitted, perhaps = (derive(_with(how), outcomes) for how in (Access.YES, Access.UNKNOWN))
    if unread:
        perhaps = Cell(None, perhaps.refs, perhaps.gap or unread)
        admitted = admitted if admitted.value else perhaps
    return admitted, perhaps


def _with(wanted: Access) -> Callable[[Outcomes], list[str]]:
    return lambda outcomes: [name for name, access in outcomes.items() if access is wanted]
