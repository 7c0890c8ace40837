"""The changes of KMS keys that remedies make, with what KMS refuses.

What each state of a key allows:
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.keys import own_key

_CANNOT = ("PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Unavailable")


def _invalid(key: Item, *states: str) -> None:
    """Raise KMS's error where a key is in one of the states."""
    if key["KeyState"] in states:
        raise AWSError("KMSInvalidStateException", f"{key['Arn']} is {key['KeyState']}.")


def _customers_key(call: Call) -> Item:
    """Return the key to change; nobody but AWS changes a key that AWS manages.

    https://docs.aws.amazon.com/kms/latest/developerguide/editing-keys.html
    """
    key = own_key(call)
    if key["KeyManager"] == "AWS":
        why = "no resource-based policy allows the action"
        raise access_denied("kms", call.operation, call.caller, key["Arn"], because=why)
    return key


@answers("kms", "EnableKey", "DisableKey")
def turn_key(call: Call) -> dict[str, Any]:
    """Enable or disable a key; a key that is pending deletion or import stays as it is."""
    key = _customers_key(call)
    _invalid(key, *_CANNOT)
    key["Enabled"] = call.operation == "EnableKey"
    key["KeyState"] = "Enabled" if key["Enabled"] else "Disabled"
    return {}


@answers("kms", "CancelKeyDeletion")
def cancel_key_deletion(call: Call) -> dict[str, Any]:
    """Keep a key that is pending deletion, disabled; any other key is refused."""
    key = _customers_key(call)
    if key["KeyState"] != "PendingDeletion":
        raise AWSError("KMSInvalidStateException", f"{key['Arn']} is not pending deletion.")
    key["KeyState"] = "Disabled"
    key.pop("DeletionDate", None)
    return {"KeyId": key["Arn"]}


@answers("kms", "ScheduleKeyDeletion")
def schedule_key_deletion(call: Call) -> dict[str, Any]:
    """Let a key be deleted after its waiting period."""
    key = _customers_key(call)
    _invalid(key, "PendingDeletion", "PendingReplicaDeletion")
    days = call.parameters.get("PendingWindowInDays", 30)
    key |= {"KeyState": "PendingDeletion", "Enabled": False}
    key["DeletionDate"] = call.world.now + dt.timedelta(days=days)
    return {"KeyId": key["Arn"], "DeletionDate": key["DeletionDate"], "KeyState": key["KeyState"]}


@answers("kms", "GetParametersForImport")
def get_parameters_for_import(call: Call) -> dict[str, Any]:
    """Make a public key, with which to encrypt the material of a key, and the token that goes with it.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = _external_key(call)
    size = int(call.parameters["WrappingKeySpec"].removeprefix("RSA_"))
    private, token = rsa.generate_private_key(65537, size), secrets.token_bytes(32)
    key.beside["Import"] = (token, private)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    until = call.world.now + dt.timedelta(days=1)
    return {
        "KeyId": key["Arn"],
        "ImportToken": token,
        "PublicKey": public,
        "ParametersValidTo": until,
    }


@answers("kms", "ImportKeyMaterial")
def import_key_material(call: Call) -> dict[str, Any]:
    """Take the material that a key had before, encrypted with the public key of its token.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key = _external_key(call)
    token, private = key.beside.get("Import", (b"", None))
    if private is None or call.parameters["ImportToken"] != token:
        raise AWSError("InvalidImportTokenException", "The import token is of other parameters.")
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    try:
        material = private.decrypt(call.parameters["EncryptedKeyMaterial"], oaep)
    except ValueError:
        raise AWSError("InvalidCiphertextException", "The material is not encrypted so.") from None
    if key.beside.setdefault("Material", material) != material:
        raise AWSError("IncorrectKeyMaterialException", "The key had other material.")
    key |= {"KeyState": "Enabled", "Enabled": True}
    return {"KeyId": key["Arn"]}


@answers("kms", "DeleteImportedKeyMaterial")
def delete_imported_key_material(call: Call) -> dict[str, Any]:
    """Delete the material of a key, which waits for the same then.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html
    """
    key = _external_key(call)
    key |= {"KeyState": "PendingImport", "Enabled": False}
    return {"KeyId": key["Arn"]}


def _external_key(call: Call) -> Item:
    key = _customers_key(call)
    if key["Origin"] != "EXTERNAL":
        raise AWSError("UnsupportedOperationException", f"{key['Arn']} origin is {key['Origin']}.")
    _invalid(key, "PendingDeletion", "Unavailable")
    return key


@answers("kms", "ConnectCustomKeyStore", "DisconnectCustomKeyStore")
def turn_key_store(call: Call) -> dict[str, Any]:
    """Connect the custom key store of some keys, or disconnect it: without it they are unavailable.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ConnectCustomKeyStore.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_DisconnectCustomKeyStore.html
    """
    id = call.parameters["CustomKeyStoreId"]
    keys = [key for key in call.declared("Keys") if key.get("CustomKeyStoreId") == id]
    if not keys:
        raise AWSError("CustomKeyStoreNotFoundException", f"{id} was not found.")
    state = "Enabled" if call.operation == "ConnectCustomKeyStore" else "Unavailable"
    for key in keys:
        key |= {"KeyState": state, "Enabled": state == "Enabled"}
    return {}


@answers("kms", "EnableKeyRotation", "DisableKeyRotation")
def turn_rotation(call: Call) -> dict[str, Any]:
    """Turn automatic rotation on or off, of a symmetric key with material of KMS.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    """
    key = _customers_key(call)
    if key["KeyState"] == "Disabled":
        raise AWSError("DisabledException", f"{key['Arn']} is disabled.")
    _invalid(key, *_CANNOT)
    if key["KeySpec"] != "SYMMETRIC_DEFAULT" or key["Origin"] != "AWS_KMS":
        raise AWSError("UnsupportedOperationException", f"{key['Arn']} cannot be rotated.")
    on = call.operation == "EnableKeyRotation"
    days = {"RotationPeriodInDays": call.parameters.get("RotationPeriodInDays", 365)} if on else {}
    key.beside["RotationStatus"] = {"KeyRotationEnabled": on, **days}
    return {}


@answers("kms", "PutKeyPolicy")
def put_key_policy(call: Call) -> dict[str, Any]:
    """Replace a key's policy; KMS refuses one that lets nobody of the account change it again.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    """
    key = _customers_key(call)
    _invalid(key, "PendingDeletion", "PendingReplicaDeletion")
    policy = call.parameters["Policy"]
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise AWSError("MalformedPolicyDocumentException", "The policy is not JSON.") from None
    safe = call.parameters.get("BypassPolicyLockoutSafetyCheck") or any(
        statement["Effect"] == "Allow"
        and call.account.id in json.dumps(statement.get("Principal", ""))
        and {"kms:*", "kms:PutKeyPolicy", "kms:Put*"} & {*_listed(statement.get("Action", []))}
        for statement in _listed(statements)
    )
    if not safe:
        raise AWSError(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )
    key.beside["Policy"] = policy
    return {}


@answers("kms", "RevokeGrant")
def revoke_grant(call: Call) -> dict[str, Any]:
    """End a grant on a key."""
    key = _customers_key(call)
    grants = key.beside.get("Grants", [])
    left = [grant for grant in grants if grant["GrantId"] != call.parameters["GrantId"]]
    if len(left) == len(grants):
        raise AWSError("NotFoundException", f"Grant ID {call.parameters['GrantId']} not found")
    key.beside["Grants"] = left
    return {}


@answers("kms", "CreateGrant")
def create_grant(call: Call) -> dict[str, Any]:
    """Let a principal use a key that is enabled."""
    key = _customers_key(call)
    if key["KeyState"] == "Disabled":
        raise AWSError("DisabledException", f"{key['Arn']} is disabled.")
    _invalid(key, *_CANNOT)
    grants = key.beside.setdefault("Grants", [])
    members = ("GranteePrincipal", "Operations", "Name")
    grant = {k: call.parameters[k] for k in members if k in call.parameters}
    grant |= {"KeyId": key["Arn"], "GrantId": f"{len(grants) + 1:064x}"}
    grants.append(grant)
    return {"GrantId": grant["GrantId"], "GrantToken": "sandbox"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
