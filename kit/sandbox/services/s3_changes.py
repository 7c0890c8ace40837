"""The changes of bucket settings that remedies make, with what S3 refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.s3 import access_point, bucket_of, is_public

# Operation -> the declaration beside the bucket, and the request's member that replaces it.
_PUTS = {
    "PutBucketEncryption": ("Encryption", "ServerSideEncryptionConfiguration"),
    "PutBucketLifecycleConfiguration": ("Lifecycle", "LifecycleConfiguration"),
    "PutBucketLogging": ("Logging", "BucketLoggingStatus"),
    "PutBucketOwnershipControls": ("OwnershipControls", "OwnershipControls"),
    "PutBucketPolicy": ("Policy", "Policy"),
    "PutBucketReplication": ("Replication", "ReplicationConfiguration"),
    "PutBucketVersioning": ("Versioning", "VersioningConfiguration"),
    "PutPublicAccessBlock": ("PublicAccessBlock", "PublicAccessBlockConfiguration"),
}
_DELETES = {
    "DeleteBucketEncryption": "Encryption",
    "DeleteBucketLifecycle": "Lifecycle",
    "DeleteBucketOwnershipControls": "OwnershipControls",
    "DeleteBucketPolicy": "Policy",
    "DeletePublicAccessBlock": "PublicAccessBlock",
}


@answers("s3", *_PUTS)
def put_setting(call: Call) -> dict[str, Any]:
    """Replace a setting of a bucket, whole."""
    name, member = _PUTS[call.operation]
    bucket, value = bucket_of(call), call.parameters[member]
    if call.operation in _CHECKS:
        _CHECKS[call.operation](call, value)
    bucket.beside[name] = value
    return {}


@answers("s3", *_DELETES)
def delete_setting(call: Call) -> dict[str, Any]:
    """Delete a setting of a bucket, if it has one.

    A bucket without one of its own has SSE-S3 as default encryption:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html
    """
    bucket_of(call).beside.pop(_DELETES[call.operation], None)
    return {}


@answers("s3control", "PutAccessPointPolicy")
def put_access_point_policy(call: Call) -> dict[str, Any]:
    """Replace the policy of an access point."""
    point = access_point(call)
    json.loads(call.parameters["Policy"])
    point.beside["Policy"] = call.parameters["Policy"]
    return {}


def _check_policy(call: Call, policy: str) -> None:
    """Refuse a public policy where BlockPublicPolicy is on, for the account or the bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise AWSError("MalformedPolicy", "Policies must be valid JSON.") from None
    if not statements:
        raise AWSError("MalformedPolicy", "Could not parse the policy: Statement is empty!")
    blocks = [
        bucket_of(call).beside.get("PublicAccessBlock") or {},
        *call.account.declared("s3control", "PublicAccessBlock", ""),
    ]
    if is_public(policy) and any(block.get("BlockPublicPolicy") for block in blocks):
        raise AWSError("AccessDenied", "Public policies are blocked by BlockPublicPolicy.", 403)


def _check_rules(call: Call, configuration: dict[str, Any]) -> None:
    """Refuse rules by date beside rules by days for the same objects.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    kinds = {kind for rule in configuration["Rules"] for kind in rule.get("Expiration", {})}
    if {"Date", "Days"} <= kinds:
        raise AWSError(
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Expiration actions in lifecycle rules.",
        )


def _check_encryption(call: Call, configuration: dict[str, Any]) -> None:
    """Refuse a configuration of several rules; it has exactly one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
    """
    if len(configuration["Rules"]) != 1:
        raise AWSError("MalformedXML", "The XML you provided was not well-formed.")


def _check_logging(call: Call, status: dict[str, Any]) -> None:
    """Refuse a target bucket of another account or region; S3 does not look at its policy.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    if wanted := status.get("LoggingEnabled"):
        target = next(
            (b for b in call.declared("Buckets") if b["Name"] == wanted["TargetBucket"]), None
        )
        code = "InvalidTargetBucketForLogging"
        if target is None:
            message = (
                "The owner for the bucket to be logged and the target bucket must be the same."
            )
            raise AWSError(code, message)
        if target["BucketRegion"] != bucket_of(call)["BucketRegion"]:
            raise AWSError(code, "The target bucket must be in the same region.")


def _check_replication(call: Call, configuration: dict[str, Any]) -> None:
    """Refuse replication of a bucket without versions.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
    """
    if bucket_of(call).beside.get("Versioning", {}).get("Status") != "Enabled":
        message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        raise AWSError("InvalidRequest", message)


_CHECKS: dict[str, Callable[[Call, Any], None]] = {
    "PutBucketEncryption": _check_encryption,
    "PutBucketLifecycleConfiguration": _check_rules,
    "PutBucketLogging": _check_logging,
    "PutBucketPolicy": _check_policy,
    "PutBucketReplication": _check_replication,
}
