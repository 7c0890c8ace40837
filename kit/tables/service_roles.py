"""The roles that AWS's services use for AppStream, held against what AWS makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.access.patterns import many
from kit.calls import DESCRIBE_FLEETS, GET_ACCOUNT_AUTHORIZATION_DETAILS, Scope
from kit.tables.cells import Cell, absent_member, known_any
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.principals import SERVICE_ROLES, policy_name

EXPECTED = Part("expected", "expected")
# AWS's policy of a role, where it is not called by the role's name.
_POLICIES = {
    "AWSServiceRoleForApplicationAutoScaling_AppStreamFleet": (
        "aws-service-role/AWSApplicationAutoscalingAppStreamFleetPolicy"
    ),
}
_NEEDED = "AmazonAppStreamServiceAccess"  # no fleet runs without it; the others may not be used


@table(
    "service_roles",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    {
        "expected": Column(calls=(DESCRIBE_FLEETS,)),
        "deviations": Column(),
    },
)
def service_roles(source: Source) -> Iterator[Row]:
    """Each service role that is there, and the one without which no fleet runs."""
    answer = source.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    roles = {
        role.get("RoleName") or str(role.get("Arn")).rpartition("/")[2]: (role, ref)
        for role, ref in answer.items("RoleDetailList")
    }
    for name in SERVICE_ROLES:
        if name in roles:
            role, ref = roles[name]
            deviations = list(_deviations(source, name, role))
            unseen = None
            if role.get("AssumeRolePolicyDocument") is None and not deviations:
                unseen = absent_member(answer.call, "AssumeRolePolicyDocument", ref)
            cells = {
                "expected": Cell(True, (ref,)),
                "deviations": Cell(deviations, (ref,), unseen),
            }
            yield Row(ACCOUNT, name, name, cells)
        elif name == _NEEDED and not answer.trouble:
            cells = {
                "expected": _fleets(source),
                "deviations": Cell(["it is not there"], answer.evidence),
            }
            yield Row(ACCOUNT, name, name, cells)


def _fleets(source: Source) -> Cell:
    """Whether any region has a fleet."""
    answers = [source.snapshot.answer(DESCRIBE_FLEETS, r) for r in source.snapshot.regions]
    return known_any(
        Cell(some, a.evidence, None if some else a.trouble)
        for a in answers
        for some in [next(a.items(), None) is not None]
    )


def _deviations(source: Source, name: str, role: dict[str, Any]) -> Iterator[str]:
    """What differs: whom the role trusts, and which policies it carries."""
    document = role.get("AssumeRolePolicyDocument")
    told = many(document.get("Statement")) if isinstance(document, dict) else []
    statements = [statement for statement in told if isinstance(statement, dict)]
    is_seen = document is not None
    if is_seen and not any(statement.get("Effect") == "Allow" for statement in statements):
        yield "it does not trust its service"
    if not all(_trusts_only(SERVICE_ROLES[name], statement) for statement in statements):
        yield "it trusts others than its service"
    if role.get("RolePolicyList"):
        yield "it has inline policies"
    if not _as_made(source, name, role):
        yield "it lacks the policy that AWS gave it"
    for policy in role.get("AttachedManagedPolicies") or ():
        arn = policy.get("PolicyArn") or ""
        if not _is_own(source, name, arn):
            yield f"it carries {policy_name(source.labels.label, arn)}"


def _trusts_only(service: str, statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    told = {k: many(v) for k, v in principal.items()} if isinstance(principal, dict) else {}
    return statement.get("Effect") != "Allow" or told == {"Service": [service]}


def _as_made(source: Source, name: str, role: dict[str, Any]) -> bool:
    attached = role.get("AttachedManagedPolicies") or ()
    return any(_is_own(source, name, policy.get("PolicyArn") or "") for policy in attached)


def _is_own(source: Source, name: str, arn: str) -> bool:
    """Whether a policy is the one of AWS's that the role was made with."""
    aws = f"arn:{source.snapshot.header['partition']}:iam::aws:policy/"
    return arn == f"{aws}{_POLICIES.get(name, f'service-role/{name}')}"
