"""AWS Organizations: the organisation of an account, its units, its accounts and their root users."""

from __future__ import annotations

from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, NotOurs, answers

_FEATURES, _ROOT_CREDENTIALS = "OrganizationsFeatures", "RootCredentialsManagement"


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


@answers("organizations", "EnableAWSServiceAccess")
def enable_service_access(call: Call) -> dict[str, Any]:
    """Let IAM work across the organisation, which is the management account's to allow.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html
    """
    organisation = call.single("Organization")
    if organisation is None or organisation["MasterAccountId"] != call.account.id:
        raise access_denied(call.service, call.operation, call.caller, "*")
    if not call.account.declared("iam", _FEATURES, ""):
        features = Item(OrganizationId=organisation["Id"], EnabledFeatures=[])
        features.beside = {}
        call.account.declare("iam", _FEATURES, "", features)
    return {}


@answers("iam", "ListOrganizationsFeatures")
def list_features(call: Call) -> dict[str, Any]:
    """List what is on of central root access."""
    return dict(_features(call))


@answers(
    "iam",
    "EnableOrganizationsRootCredentialsManagement",
    "DisableOrganizationsRootCredentialsManagement",
)
def manage_root_credentials(call: Call) -> dict[str, Any]:
    """Turn the central management of members' root credentials on or off."""
    features = _features(call)
    others = [name for name in features["EnabledFeatures"] if name != _ROOT_CREDENTIALS]
    on = call.operation.startswith("Enable")
    features["EnabledFeatures"] = [*([_ROOT_CREDENTIALS] if on else []), *others]
    return dict(features)


def _features(call: Call) -> Item:
    """Return the features of central root access; none but the management account may ask.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html
    """
    organisation = next(iter(call.account.declared("organizations", "Organization", "")), None)
    if organisation is None:
        message = "No organization is associated with your account."
        raise AWSError("OrganizationNotFoundException", message)
    if organisation["MasterAccountId"] != call.account.id:
        message = "The account is neither the management account nor a delegated administrator."
        raise AWSError("AccountNotManagementOrDelegatedAdministratorException", message)
    if not (features := call.single(_FEATURES)):
        message = "Trusted access is not enabled for IAM in AWS Organizations."
        raise AWSError("ServiceAccessNotEnabledException", message)
    return features


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
