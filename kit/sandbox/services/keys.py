"""KMS keys and private certificate authorities that the sample accounts declare."""

from __future__ import annotations

import json
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, NotOurs, answers


def _key(call: Call) -> Item:
    """Return the key that a request names by id, ARN or alias; undeclared keys are moto's."""
    wanted = call.parameters["KeyId"]
    for key in call.declared("Keys"):
        aliases = key.beside.get("Aliases", [])
        arns = [key["Arn"], *(f"{key['Arn'].rsplit(':', 1)[0]}:{alias}" for alias in aliases)]
        if wanted in (key["KeyId"], *aliases, *arns):
            return key
    if wanted.startswith("arn:"):
        region, account_id = wanted.split(":")[3:5]
        if region != call.region:
            raise AWSError("NotFoundException", f"Invalid arn {region}")
        if account_id != call.account.id:
            why = "no resource-based policy allows the action"
            raise access_denied("kms", call.operation, call.caller, wanted, because=why)
    raise NotOurs


@answers("kms", "DescribeKey")
def describe_key(call: Call) -> dict[str, Any]:
    """Describe a key of this account."""
    return {"KeyMetadata": _key(call)}


@answers("kms", "GetKeyRotationStatus")
def get_key_rotation_status(call: Call) -> dict[str, Any]:
    """Return whether KMS rotates a key's material; false while the key awaits deletion."""
    key = _key(call)
    status = key.beside.get("RotationStatus", {"KeyRotationEnabled": False})
    if key["KeyState"] == "PendingDeletion" or key["KeySpec"] != "SYMMETRIC_DEFAULT":
        status = {"KeyRotationEnabled": False}
    return {"KeyId": key["Arn"], **status}


@answers("kms", "GetKeyPolicy")
def get_key_policy(call: Call) -> dict[str, Any]:
    """Return a key's policy; KMS's default policy enables IAM policies of the account."""
    key = own_key(call)
    account = f"arn:aws:iam::{call.account.id}:root"
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*"}
    by_default = {"Version": "2012-10-17", "Statement": [statement | {"Resource": "*"}]}
    return {"Policy": key.beside.get("Policy", json.dumps(by_default)), "PolicyName": "default"}


@answers("kms", "ListGrants")
def list_grants(call: Call) -> dict[str, Any]:
    """List the grants on a key."""
    grants = own_key(call).beside.get("Grants", [])
    return call.page(
        "Grants",
        grants,
        size="Limit",
        token="Marker",
        next_token="NextMarker",
        default=50,
        most=100,
    )


def own_key(call: Call) -> Item:
    """Return the key that a request names; only its owner may read its policy and grants."""
    key = _key(call)
    if key["AWSAccountId"] != call.account.id:
        why = "no resource-based policy allows the action"
        raise access_denied("kms", call.operation, call.caller, key["Arn"], because=why)
    return key


@answers("acm-pca", "DescribeCertificateAuthority")
def describe_certificate_authority(call: Call) -> dict[str, Any]:
    """Describe the private certificate authority with an ARN."""
    arn = call.parameters["CertificateAuthorityArn"]
    for authority in call.declared("CertificateAuthorities"):
        if authority["Arn"] == arn:
            return {"CertificateAuthority": authority}
    raise AWSError("ResourceNotFoundException", f"Could not find CertificateAuthority {arn}.")
