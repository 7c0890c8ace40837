"""IAM's account-wide answers: principals, their permissions, and how they sign in."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from typing import Any
from urllib.parse import quote

from kit.sandbox.declared import aws_managed_policies, instant
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

FILTERS = {
    "UserDetailList": "User",
    "GroupDetailList": "Group",
    "RoleDetailList": "Role",
}
REPORT = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
]


@answers("iam", "GetAccountAuthorizationDetails")
def get_account_authorization_details(call: Call) -> dict[str, Any]:
    """Return all users, groups, roles and policies with their documents, a page at a time."""
    wanted = call.parameters.get("Filter")
    entries = [
        (member, _quoted(item))
        for member, name in FILTERS.items()
        if not wanted or name in wanted
        for item in call.declared(member)
    ]
    policies = {p["Arn"]: p for p in [*call.declared("Policies"), *_attached(call)]}
    entries += [
        ("Policies", _quoted(policy))
        for arn, policy in policies.items()
        if not wanted
        or ("AWSManagedPolicy" if ":aws:policy/" in arn else "LocalManagedPolicy") in wanted
    ]
    page = call.page("entries", entries, size="MaxItems", token="Marker")
    answer: dict[str, Any] = {member: [] for member in [*FILTERS, "Policies"]}
    for member, item in page.pop("entries"):
        answer[member].append(item)
    return answer | page | {"IsTruncated": "Marker" in page}


def _attached(call: Call) -> list[dict[str, Any]]:
    """Return the AWS managed policies that are attached; IAM lists no others."""
    attached = Counter(
        policy["PolicyArn"]
        for member in FILTERS
        for item in call.declared(member)
        for policy in item.get("AttachedManagedPolicies", [])
    )
    library = aws_managed_policies()
    return [library[arn] | {"AttachmentCount": n} for arn, n in attached.items() if arn in library]


def _quoted(value: Any, member: str = "") -> Any:
    """Return `value` with its policy documents percent-encoded, as IAM sends them."""
    if isinstance(value, str):
        return quote(value, safe="") if member.endswith("Document") else value
    if isinstance(value, dict):
        return {k: _quoted(v, k) for k, v in value.items()}
    return [_quoted(v) for v in value] if isinstance(value, list) else value


def _root(call: Call) -> dict[str, Any]:
    return dict(call.single("RootAccount") or {})


@answers("iam", "GetAccountSummary")
def get_account_summary(call: Call) -> dict[str, Any]:
    """Return the account's counts, and how its root user is protected."""
    users, root = call.declared("UserDetailList"), _root(call)
    report = root["CredentialReport"]
    with_mfa = [u for u in users if u.beside.get("CredentialReport", {}).get("mfa_active")]
    keys = [report.get(f"access_key_{n}_active", False) for n in (1, 2)]
    summary = {
        "AccountAccessKeysPresent": int(any(keys)),
        "AccountMFAEnabled": int(report["mfa_active"]),
        "AccountPasswordPresent": int(root.get("AccountPasswordPresent", True)),
        "AccountSigningCertificatesPresent": 0,
        "Groups": len(call.declared("GroupDetailList")),
        "MFADevices": len(with_mfa) + int(report["mfa_active"]),
        "MFADevicesInUse": len(with_mfa) + int(report["mfa_active"]),
        "Policies": len(call.declared("Policies")),
        "Providers": len(call.declared("SAMLProviderList")),
        "Roles": len(call.declared("RoleDetailList")),
        "Users": len(users),
        "UsersQuota": 5000,
    }
    return {"SummaryMap": summary}


@answers("iam", "GenerateCredentialReport")
def generate_credential_report(call: Call) -> dict[str, Any]:
    """Start a report; report it as complete on the second request."""
    if call.account.id in call.world.credential_reports:
        return {"State": "COMPLETE"}
    call.world.credential_reports.add(call.account.id)
    return {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }


@answers("iam", "GetCredentialReport")
def get_credential_report(call: Call) -> dict[str, Any]:
    """Return the report as CSV, its first row the root user."""
    if call.account.id not in call.world.credential_reports:
        message = "No report exists. Please generate a report first"
        raise AWSError("ReportNotPresent", message, 410)
    text = io.StringIO()
    writer = csv.DictWriter(text, REPORT, restval="N/A", lineterminator="\n")
    writer.writeheader()
    root = {"user": "<root_account>", "arn": f"arn:aws:iam::{call.account.id}:root"}
    never = {"password_enabled": "not_supported", "password_last_changed": "not_supported"}
    never |= {"password_next_rotation": "not_supported", "user_creation_time": "-1500d"}
    writer.writerow(root | _row(never | _root(call)["CredentialReport"], call.world.now))
    for user in call.declared("UserDetailList"):
        row = {"user": user["UserName"], "arn": user["Arn"]}
        row |= {"user_creation_time": user["CreateDate"].isoformat()}
        writer.writerow(row | _row(user.beside.get("CredentialReport", {}), call.world.now))
    return {
        "Content": text.getvalue().encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": call.world.now,
    }


def _row(declared: dict[str, Any], now: dt.datetime) -> dict[str, str]:
    flags = ("password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active")
    row = dict.fromkeys([*flags, "cert_1_active", "cert_2_active"], "false")
    for column, value in declared.items():
        if isinstance(value, bool):
            row[column] = str(value).lower()
        elif str(value).startswith("-"):
            row[column] = instant(now, value).replace(microsecond=0).isoformat()
        else:
            row[column] = str(value)
    return row


@answers("iam", "ListVirtualMFADevices")
def list_virtual_mfa_devices(call: Call) -> dict[str, Any]:
    """List assigned virtual devices: every user's with MFA, and root's unless it is a hardware key."""
    prefix, root = f"arn:aws:iam::{call.account.id}", _root(call)
    created = call.world.now - dt.timedelta(days=1500)
    devices = []
    if root["CredentialReport"]["mfa_active"] and not root.get("HardwareMFA"):
        owner = {"UserId": call.account.id, "Arn": f"{prefix}:root"}
        serial = f"{prefix}:mfa/root-account-mfa-device"
        devices.append({"SerialNumber": serial, "User": owner | {"CreateDate": created}})
    for user in call.declared("UserDetailList"):
        if user.beside.get("CredentialReport", {}).get("mfa_active"):
            owner = {k: user[k] for k in ("Path", "UserName", "UserId", "Arn", "CreateDate")}
            serial = f"{prefix}:mfa/{user['UserName']}"
            devices.append(
                {"SerialNumber": serial, "User": owner, "EnableDate": user["CreateDate"]}
            )
    if call.parameters.get("AssignmentStatus") == "Unassigned":
        devices = []
    page = call.page("VirtualMFADevices", devices, size="MaxItems", token="Marker")
    return page | {"IsTruncated": "Marker" in page}


@answers("iam", "ListSAMLProviders")
def list_saml_providers(call: Call) -> dict[str, Any]:
    """List the identity providers; IAM does not page this list."""
    return {"SAMLProviderList": call.declared("SAMLProviderList")}


@answers("iam", "GetAccountPasswordPolicy")
def get_account_password_policy(call: Call) -> dict[str, Any]:
    """Return the account's password policy, if it has any."""
    policy = call.single("PasswordPolicy")
    if policy is None:
        message = f"The Password Policy with domain name {call.account.id} cannot be found."
        raise AWSError("NoSuchEntity", message, 404)
    return {"PasswordPolicy": policy}
