"""The roles that AWS's services use for AppStream, compared with the roles that AWS creates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.access.documents import PolicyError, Statement, read_statements
from kit.calls import DESCRIBE_FLEETS, GET_ACCOUNT_AUTHORIZATION_DETAILS, Scope
from kit.snapshot import Trouble
from kit.tables.cells import Cell, absent_member, known_any
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.principals import SERVICE_ROLES, kind_of_role, policy_name

EXPECTED = Part("expected", "expected")
# AWS's policy of a role whose policy does not have the role's name.
_POLICIES = {
    "AWSServiceRoleForApplicationAutoScaling_AppStreamFleet": (
        "aws-service-role/AWSApplicationAutoscalingAppStreamFleetPolicy"
    ),
}
_NEEDED = "AmazonAppStreamServiceAccess"  # no fleet runs without it; an account may lack the others


@table(
    "service_roles",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    {
        "expected": Column(calls=(DESCRIBE_FLEETS,)),
        "deviations": Column(),
        "role_kind": Column(),
    },
)
def service_roles(source: Source) -> Iterator[Row]:
    """Yield each service role of the account, and the role without which no fleet runs."""
    answer = source.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    roles = {
        role.get("RoleName") or str(role.get("Arn")).rpartition("/")[2]: (role, ref)
        for role, ref in answer.items("RoleDetailList")
    }
    for name in SERVICE_ROLES:
        if name in roles:
            role, ref = roles[name]
            document, unseen = role.get("AssumeRolePolicyDocument"), None
            try:
                trusted = None if document is None else read_statements(document)
            except PolicyError:
                evidence = ref.partition("#")[0]
                trusted = None
                unseen = Trouble("unreadable answer", answer.call.name, evidence=evidence)
            deviations = list(_deviations(source, name, role, trusted))
            if deviations:  # they stand, whatever the kit could not read
                unseen = None
            elif document is None:
                unseen = absent_member(answer.call, "AssumeRolePolicyDocument", ref)
            cells = {
                "expected": Cell(True, (ref,)),
                "deviations": Cell(deviations, (ref,), unseen),
                "role_kind": Cell(kind_of_role(role), (ref,)),
            }
            yield Row(ACCOUNT, name, name, cells)
        elif name == _NEEDED and not answer.trouble:
            cells = {
                "expected": _fleets(source),
                "deviations": Cell(["it is not there"], answer.evidence),
                "role_kind": Cell(None, answer.evidence),
            }
            yield Row(ACCOUNT, name, name, cells)


def _fleets(source: Source) -> Cell:
    """Return whether any region has a fleet."""
    answers = [source.snapshot.answer(DESCRIBE_FLEETS, r) for r in source.snapshot.regions]
    return known_any(
        Cell(some, a.evidence, None if some else a.trouble)
        for a in answers
        for some in [next(a.items(), None) is not None]
    )


def _deviations(
    source: Source, name: str, role: dict[str, Any], trusted: tuple[Statement, ...] | None
) -> Iterator[str]:
    """Yield what differs in the role's trust policy, if it was read, and in its other policies."""
    allowing = [statement for statement in trusted or () if statement.effect == "Allow"]
    if trusted is not None and not allowing:
        yield "it does not trust its service"
    service = {("Service", SERVICE_ROLES[name])}
    if any(set(s.principals or ()) != service or s.excepts_principals for s in allowing):
        yield "it trusts others than its service"
    if role.get("RolePolicyList"):
        yield "it has inline policies"
    if not _as_made(source, name, role):
        yield "it lacks the policy that AWS gave it"
    for policy in role.get("AttachedManagedPolicies") or ():
        arn = policy.get("PolicyArn") or ""
        if not _is_managed_by_aws(source, name, arn):
            yield f"it carries {policy_name(source.labels.label, arn)}"


def _as_made(source: Source, name: str, role: dict[str, Any]) -> bool:
    attached = role.get("AttachedManagedPolicies") or ()
    return any(
        _is_managed_by_aws(source, name, policy.get("PolicyArn") or "") for policy in attached
    )


def _is_managed_by_aws(source: Source, name: str, arn: str) -> bool:
    """Return whether a policy is the AWS managed policy with which AWS creates the role."""
    aws = f"arn:{source.snapshot.header['partition']}:iam::aws:policy/"
    return arn == f"{aws}{_POLICIES.get(name, f'service-role/{name}')}"
