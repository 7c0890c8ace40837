"""AWS Organizations: the organisation of an account, its units and accounts."""

from __future__ import annotations

from typing import Any

from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, NotOurs, answers


@answers("organizations", "DescribeOrganization")
def describe_organization(call: Call) -> dict[str, Any]:
    """Describe the organisation; moto answers for an account without an organisation."""
    organisation = call.single("Organization")
    if organisation is None:
        raise NotOurs
    return {"Organization": dict(organisation)}


@answers("organizations", "ListAccounts", "ListAccountsForParent")
def list_accounts(call: Call) -> dict[str, Any]:
    """List the organisation's accounts, or those directly below a unit or root."""
    return _page(call, "Accounts")


@answers("organizations", "ListOrganizationalUnitsForParent")
def list_organizational_units(call: Call) -> dict[str, Any]:
    """List the units directly below a unit or root."""
    return _page(call, "OrganizationalUnits")


@answers("organizations", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """List an account's tags."""
    for account in call.declared("Accounts"):
        if account["Id"] == call.parameters["ResourceId"]:
            return {"Tags": account.beside.get("Tags", [])}
    raise NotOurs


def _page(call: Call, kind: str) -> dict[str, Any]:
    declared = call.declared(kind)
    if not call.declared("Accounts"):
        if call.declared("Organization"):
            raise access_denied(call.service, call.operation, call.caller, "*")
        message = "Your account is not a member of an organization."
        raise AWSError("AWSOrganizationsNotInUseException", message)
    parent = call.parameters.get("ParentId")
    units = call.declared("OrganizationalUnits")
    parents = {unit["Id"] for unit in units} | {unit.beside["ParentId"] for unit in units}
    if parent and parent not in parents:
        message = "We can't find a root or OU with the ParentId that you specified."
        raise AWSError("ParentNotFoundException", message)
    below = [item for item in declared if parent in (None, item.beside["ParentId"])]
    return call.page(kind, below, default=20, most=20)
