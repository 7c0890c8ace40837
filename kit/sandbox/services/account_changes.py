"""The changes of IAM, Access Analyzer, Macie and tags that remedies make, with what AWS refuses."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any
from urllib.parse import unquote

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.appstream import TAGGABLE

_VALID_UNTIL = re.compile(r'validUntil="([^"]+)"')
_KINDS = ("Role", "User", "Group")  # of those who have policies
_DEVICES, _MOST_DEVICES = "MFADevices", 8  # with which a user signs in
_WITHOUT_END = dt.timedelta(days=36000)


def _missing(what: str) -> AWSError:
    return AWSError("NoSuchEntity", f"{what} cannot be found.", 404)


def _user(call: Call) -> Item:
    for user in call.declared("UserDetailList"):
        if user["UserName"] == call.parameters.get("UserName"):
            return user
    raise _missing(f"The user with name {call.parameters.get('UserName')}")


def _role(call: Call) -> Item:
    return _holder(call, "Role")


def _holder(call: Call, kind: str) -> Item:
    """Return the role, user or group whose name the call has."""
    name = call.parameters[f"{kind}Name"]
    for holder in call.declared(f"{kind}DetailList"):
        if holder[f"{kind}Name"] == name:
            return holder
    raise _missing(f"The {kind.lower()} with name {name}")


def _modifiable(holder: Item) -> Item:
    """Return a user, a group or a role that AWS lets the account change; raise IAM's error for another.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
    https://github.com/rebuy-de/aws-nuke/pull/1028 (roles of IAM Identity Center)
    """
    if str(holder.get("Path", "")).startswith(("/aws-service-role/", "/aws-reserved/")):
        message = (
            f"Cannot perform the operation on the protected role '{holder['RoleName']}' - this "
            "role is only modifiable by AWS"
        )
        raise AWSError("UnmodifiableEntity", message)
    return holder


@answers("iam", "UpdateAccessKey")
def update_access_key(call: Call) -> dict[str, Any]:
    """Deactivate or activate the first access key of a user, or of root without a user name."""
    root: dict[str, Any] = call.single("RootAccount") or {}
    user = _user(call).beside if "UserName" in call.parameters else root
    user["CredentialReport"]["access_key_1_active"] = call.parameters["Status"] == "Active"
    return {}


@answers("iam", "ListAccessKeys")
def list_access_keys(call: Call) -> dict[str, Any]:
    """List the access keys of a user, or of root without a user name, by ids of the sandbox's own."""
    root: dict[str, Any] = call.single("RootAccount") or {}
    user = _user(call).beside if "UserName" in call.parameters else root
    report = user.get("CredentialReport", {})
    keys = [
        {"AccessKeyId": f"AKIASANDBOXSANDBOX{n}X", "Status": "Active" if active else "Inactive"}
        for n in (1, 2)
        if (active := report.get(f"access_key_{n}_active")) is not None
    ]
    return {"AccessKeyMetadata": keys, "IsTruncated": False}


@answers("iam", "CreateAccessKey")
def create_access_key(call: Call) -> dict[str, Any]:
    """Make a second access key of a user; a third is refused.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    user = _user(call)
    report = user.beside.setdefault("CredentialReport", {})
    if report.get("access_key_1_active") and report.get("access_key_2_active"):
        raise AWSError("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    report |= {"access_key_2_active": True, "access_key_2_last_rotated": "-0d"}
    key = {"UserName": user["UserName"], "AccessKeyId": "AKIASANDBOXSANDBOX2X"}
    return {"AccessKey": key | {"Status": "Active", "SecretAccessKey": "sandbox"}}


@answers("iam", "CreateVirtualMFADevice")
def create_virtual_mfa_device(call: Call) -> dict[str, Any]:
    """Make a virtual device, which nobody has yet; a second with its name is refused.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
    """
    name = call.parameters["VirtualMFADeviceName"]
    serial = f"arn:aws:iam::{call.account.id}:mfa{call.parameters.get('Path', '/')}{name}"
    if any(device["SerialNumber"] == serial for device in call.declared("VirtualMFADevices")):
        message = "MFADevice entity at the same path and name already exists."
        raise AWSError("EntityAlreadyExists", message, 409)
    device = Item(SerialNumber=serial)
    device.beside = {}
    call.account.declare("iam", "VirtualMFADevices", "", device)
    secrets = {"Base32StringSeed": b"SANDBOX", "QRCodePNG": b"\x89PNG\r\n\x1a\nsandbox"}
    return {"VirtualMFADevice": dict(device) | secrets}


@answers("iam", "DeleteVirtualMFADevice")
def delete_virtual_mfa_device(call: Call) -> dict[str, Any]:
    """Delete a virtual device that no user has.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
    """
    serial = call.parameters["SerialNumber"]
    for device in call.declared("VirtualMFADevices"):
        if device["SerialNumber"] == serial:
            if _owner(call, serial):
                raise AWSError(
                    "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409
                )
            call.declared("VirtualMFADevices").remove(device)
            return {}
    raise _missing(f"VirtualMFADevice with serial number {serial}")


@answers("iam", "EnableMFADevice")
def enable_mfa_device(call: Call) -> dict[str, Any]:
    """Let a user sign in with a device, by two codes of it that follow each other.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    user, serial = _user(call), call.parameters["SerialNumber"]
    virtual = {device["SerialNumber"] for device in call.declared("VirtualMFADevices")}
    if serial.startswith("arn:") and serial not in virtual:
        raise _missing(f"VirtualMFADevice with serial number {serial}")
    if _owner(call, serial):
        raise AWSError("EntityAlreadyExists", "MFA Device is already in use.", 409)
    if call.parameters["AuthenticationCode1"] == call.parameters["AuthenticationCode2"]:
        raise AWSError(
            "InvalidAuthenticationCode", "Authentication code for device is not valid", 403
        )
    devices = user.beside.setdefault(_DEVICES, [])
    if len(devices) >= _MOST_DEVICES:
        raise AWSError("LimitExceeded", "Cannot exceed quota for MfaDevicesInUsePerUser: 8", 409)
    devices.append(serial)
    user.beside.setdefault("CredentialReport", {})["mfa_active"] = True
    return {}


@answers("iam", "DeactivateMFADevice")
def deactivate_mfa_device(call: Call) -> dict[str, Any]:
    """Let a user sign in without a device that the user has.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html
    """
    user, serial = _user(call), call.parameters["SerialNumber"]
    if _owner(call, serial) is not user:
        raise _missing(f"The device {serial}")
    user.beside[_DEVICES].remove(serial)
    user.beside["CredentialReport"]["mfa_active"] = bool(user.beside[_DEVICES])
    return {}


def _owner(call: Call, serial: str) -> Item | None:
    """Return the user who has the device, or None."""
    users = call.declared("UserDetailList")
    return next((user for user in users if serial in user.beside.get(_DEVICES, [])), None)


@answers("iam", "GetRole")
def get_role(call: Call) -> dict[str, Any]:
    """Return a role with its trust policy."""
    role = _role(call)
    members = ("Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument")
    return {"Role": {member: role[member] for member in members}}


@answers("iam", "ListAttachedRolePolicies")
def list_attached_role_policies(call: Call) -> dict[str, Any]:
    """List the managed policies of a role."""
    return {"AttachedPolicies": _role(call)["AttachedManagedPolicies"], "IsTruncated": False}


@answers("iam", "UpdateAssumeRolePolicy")
def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """Replace the trust policy of a role."""
    role = _modifiable(_role(call))
    role["AssumeRolePolicyDocument"] = _document(call.parameters["PolicyDocument"])
    return {}


@answers("iam", "ListRolePolicies")
def list_role_policies(call: Call) -> dict[str, Any]:
    """List the names of a role's own policies."""
    names = [policy["PolicyName"] for policy in _role(call).get("RolePolicyList", [])]
    return {"PolicyNames": names, "IsTruncated": False}


@answers("iam", *(f"{does}{kind}Policy" for does in ("Get", "Put", "Delete") for kind in _KINDS))
def inline_policy(call: Call) -> dict[str, Any]:
    """Return, replace or delete an inline policy of a role, user or group."""
    kind = next(kind for kind in _KINDS if kind in call.operation)
    holder, name = _holder(call, kind), call.parameters["PolicyName"]
    if not call.operation.startswith("Get"):
        _modifiable(holder)
    member = f"{kind}PolicyList"
    policies = {p["PolicyName"]: p["PolicyDocument"] for p in holder.get(member, [])}
    if call.operation.startswith("Put"):
        policies[name] = _document(call.parameters["PolicyDocument"])
    elif name not in policies:
        raise _missing(f"The {kind.lower()} policy with name {name}")
    elif call.operation.startswith("Get"):
        about = {f"{kind}Name": holder[f"{kind}Name"], "PolicyName": name}
        return about | {"PolicyDocument": policies[name]}
    else:
        del policies[name]
    holder[member] = [
        {"PolicyName": key, "PolicyDocument": document} for key, document in policies.items()
    ]
    return {}


@answers("iam", *(f"{does}{kind}Policy" for does in ("Attach", "Detach") for kind in _KINDS))
def attach_policy(call: Call) -> dict[str, Any]:
    """Attach a managed policy to a role, user or group, or detach it.

    One that is not attached is refused.
    """
    kind = next(kind for kind in _KINDS if kind in call.operation)
    holder, arn = _modifiable(_holder(call, kind)), call.parameters["PolicyArn"]
    attached = holder.get("AttachedManagedPolicies", [])
    left = [policy for policy in attached if policy["PolicyArn"] != arn]
    if call.operation.startswith("Attach"):
        left.append({"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn})
    elif len(left) == len(attached):
        raise _missing(f"Policy {arn}")
    holder["AttachedManagedPolicies"] = left
    return {}


def _document(text: str) -> str:
    try:
        json.loads(unquote(text))
    except ValueError:
        raise AWSError("MalformedPolicyDocument", "Syntax errors in policy.") from None
    return text


@answers("accessanalyzer", "CreateAnalyzer")
def create_analyzer(call: Call) -> dict[str, Any]:
    """Make an analyzer of the region; a second with its name is refused."""
    name = call.parameters["analyzerName"]
    if any(analyzer["name"] == name for analyzer in call.declared("analyzers")):
        raise AWSError("ConflictException", f"Analyzer {name} already exists.", 409)
    arn = f"arn:aws:access-analyzer:{call.region}:{call.account.id}:analyzer/{name}"
    analyzer = Item(name=name, arn=arn, type=call.parameters["type"], status="ACTIVE")
    analyzer["createdAt"] = call.world.now
    analyzer.beside = {}
    call.account.declare("accessanalyzer", "analyzers", call.region, analyzer)
    return {"arn": arn}


@answers("accessanalyzer", "DeleteAnalyzer")
def delete_analyzer(call: Call) -> dict[str, Any]:
    """Delete an analyzer of the region."""
    analyzers = call.declared("analyzers")
    for analyzer in analyzers:
        if analyzer["name"] == call.parameters["analyzerName"]:
            analyzers.remove(analyzer)
            return {}
    raise AWSError("ResourceNotFoundException", "The analyzer was not found.", 404)


@answers("macie2", "EnableMacie")
def enable_macie(call: Call) -> dict[str, Any]:
    """Enable Macie in the region, where it is not.

    https://docs.aws.amazon.com/macie/latest/APIReference/macie.html
    """
    if call.single("Session"):
        raise AWSError("ConflictException", "Macie has already been enabled", 409)
    session = Item(status="ENABLED", createdAt=call.world.now, updatedAt=call.world.now)
    session.beside = {}
    call.account.declare("macie2", "Session", call.region, session)
    return {}


@answers("macie2", "DisableMacie")
def disable_macie(call: Call) -> dict[str, Any]:
    """Disable Macie in the region, with all its settings."""
    if not call.single("Session"):
        raise AWSError("AccessDeniedException", "Macie is not enabled.", 403)
    for kind in ("Session", "AutomatedDiscovery", "ClassificationJobs", "Findings"):
        call.declared(kind).clear()
    return {}


@answers("macie2", "UpdateAutomatedDiscoveryConfiguration")
def update_automated_discovery(call: Call) -> dict[str, Any]:
    """Turn automated discovery on or off, and with it the monitoring of buckets."""
    if not call.single("Session"):
        raise AWSError("AccessDeniedException", "Macie is not enabled.", 403)
    on = call.parameters["status"] == "ENABLED"
    setting = call.single("AutomatedDiscovery")
    if setting is None:
        setting = Item()
        setting.beside = {}
        call.account.declare("macie2", "AutomatedDiscovery", call.region, setting)
    setting["status"] = call.parameters["status"]
    setting["lastUpdatedAt"] = call.world.now
    for bucket in call.account.declared("s3", "Buckets", ""):
        seen = bucket.beside.get("Macie")
        if seen and bucket["BucketRegion"] == call.region and "errorCode" not in seen:
            seen["automatedDiscoveryMonitoringStatus"] = "MONITORED" if on else "NOT_MONITORED"
            seen["lastAutomatedDiscoveryTime"] = call.world.now
    return {}


@answers("resourcegroupstaggingapi", "UntagResources")
def untag_resources(call: Call) -> dict[str, Any]:
    """Remove tags of AppStream's resources and of buckets."""
    arns, keys = call.parameters["ResourceARNList"], call.parameters["TagKeys"]
    account = call.account
    for kind in TAGGABLE:
        for item in account.declared("appstream", kind, call.region):
            if item.get("Arn") in arns:
                tags = item.beside.get("Tags", {})
                item.beside["Tags"] = {k: v for k, v in tags.items() if k not in keys}
    for bucket in account.declared("s3", "Buckets", ""):
        if bucket["BucketArn"] in arns and "Tagging" in bucket.beside:
            tags = [tag for tag in bucket.beside["Tagging"] if tag["Key"] not in keys]
            bucket.beside["Tagging"] = tags
    return {"FailedResourcesMap": {}}


@answers("iam", "UpdateAccountPasswordPolicy")
def update_password_policy(call: Call) -> dict[str, Any]:
    """Replace the account's password policy, whole: a member that is left out has its default.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
    """
    made = Item(MinimumPasswordLength=6, ExpirePasswords="MaxPasswordAge" in call.parameters)
    made |= call.parameters
    made.beside = {}
    call.declared("PasswordPolicy").clear()
    call.account.declare("iam", "PasswordPolicy", "", made)
    return {}


@answers("iam", "DeleteAccountPasswordPolicy")
def delete_password_policy(call: Call) -> dict[str, Any]:
    """Delete the account's password policy."""
    if not call.single("PasswordPolicy"):
        raise _missing(f"The account policy with name PasswordPolicy of {call.account.id}")
    call.declared("PasswordPolicy").clear()
    return {}


@answers("iam", "DeleteLoginProfile", "CreateLoginProfile")
def turn_password(call: Call) -> dict[str, Any]:
    """Take a user's console password away, or give one."""
    user = _user(call)
    report = user.beside.setdefault("CredentialReport", {})
    give = call.operation == "CreateLoginProfile"
    if give == bool(report.get("password_enabled")):
        if give:
            raise AWSError("EntityAlreadyExists", "The user has a password already.", 409)
        raise _missing(f"Login Profile for User {user['UserName']}")
    report["password_enabled"] = give
    if not give:
        return {}
    report["password_last_changed"] = "-0d"
    profile = {"UserName": user["UserName"], "CreateDate": call.world.now}
    return {"LoginProfile": profile}


def _provider(call: Call) -> Item:
    arn = call.parameters["SAMLProviderArn"]
    for provider in call.declared("SAMLProviderList"):
        if provider["Arn"] == arn:
            return provider
    raise _missing(f"Manifest {arn}")


@answers("iam", "GetSAMLProvider")
def get_saml_provider(call: Call) -> dict[str, Any]:
    """Return a SAML provider, with a document that is valid as long as the provider."""
    provider = _provider(call)
    document = (
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'entityID="{provider["Arn"]}" validUntil="{provider["ValidUntil"].isoformat()}">'
        f"<X509Certificate>{'0' * 1000}</X509Certificate></EntityDescriptor>"
    )
    return {
        "SAMLMetadataDocument": document,
        "CreateDate": provider["CreateDate"],
        "ValidUntil": provider["ValidUntil"],
    }


@answers("iam", "UpdateSAMLProvider")
def update_saml_provider(call: Call) -> dict[str, Any]:
    """Replace the metadata of a SAML provider, which is valid as long as its document.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateSAMLProvider.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html
    """
    provider, document = _provider(call), call.parameters["SAMLMetadataDocument"]
    if "EntityDescriptor" not in document:
        raise AWSError("InvalidInput", "Could not parse metadata")
    end = _VALID_UNTIL.search(document)
    provider["ValidUntil"] = (
        dt.datetime.fromisoformat(end[1]) if end else call.world.now + _WITHOUT_END
    )
    return {"SAMLProviderArn": provider["Arn"]}


@answers("account", "PutAlternateContact", "DeleteAlternateContact")
def change_contact(call: Call) -> dict[str, Any]:
    """Name the account's contact for security, or none."""
    if call.parameters["AlternateContactType"] != "SECURITY":
        raise AWSError("ValidationException", "The sandbox has the contact for security alone.")
    contacts = call.declared("SecurityContact")
    if call.operation == "DeleteAlternateContact" and not contacts:
        raise AWSError("ResourceNotFoundException", "No contact of the type was found.", 404)
    contacts.clear()
    if call.operation == "PutAlternateContact":
        contact = Item(call.parameters)
        contact.beside = {}
        call.account.declare("account", "SecurityContact", "", contact)
    return {}
