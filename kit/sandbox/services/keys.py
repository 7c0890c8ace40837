"""KMS keys and private certificate authorities that the sample accounts declare."""

from __future__ import annotations

from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, NotOurs, answers


def _key(call: Call) -> Item:
    """Return the key that a request names by id, ARN or alias; undeclared keys are moto's."""
    wanted = call.parameters["KeyId"]
    owner = call.account
    if wanted.startswith("arn:"):
        *_, region, account_id, wanted = wanted.split(":", 5)
        owner = call.world.accounts.get(account_id, call.account)
        if region != call.region:
            raise AWSError("NotFoundException", f"Invalid arn {region}")
        if account_id != call.account.id:
            arn = call.parameters["KeyId"]
            why = "no resource-based policy allows the action"
            raise access_denied("kms", call.operation, call.caller, arn, because=why)
    name = wanted.removeprefix("key/")
    for key in owner.declared("kms", "Keys", call.region):
        if name == key["KeyId"] or name in key.beside.get("Aliases", []):
            return key
    raise NotOurs


@answers("kms", "DescribeKey")
def describe_key(call: Call) -> dict[str, Any]:
    """Describe a key of this account."""
    return {"KeyMetadata": _key(call)}


@answers("kms", "GetKeyRotationStatus")
def get_key_rotation_status(call: Call) -> dict[str, Any]:
    """Say whether a key's material is replaced every year."""
    key = _key(call)
    if key["KeyManager"] == "AWS":
        raise access_denied("kms", call.operation, call.caller, key["Arn"])
    if key["KeyState"] in {"PendingDeletion", "PendingReplicaDeletion"}:
        message = f"{key['Arn']} is pending deletion."
        raise AWSError("KMSInvalidStateException", message)
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise AWSError("UnsupportedOperationException", "The key is not symmetric.")
    status = key.beside.get("RotationStatus", {"KeyRotationEnabled": False})
    return {"KeyId": key["Arn"], **status}


@answers("acm-pca", "DescribeCertificateAuthority")
def describe_certificate_authority(call: Call) -> dict[str, Any]:
    """Describe the private certificate authority with an ARN."""
    arn = call.parameters["CertificateAuthorityArn"]
    for authority in call.declared("CertificateAuthorities"):
        if authority["Arn"] == arn:
            return {"CertificateAuthority": authority}
    raise AWSError("ResourceNotFoundException", f"Could not find CertificateAuthority {arn}.")
