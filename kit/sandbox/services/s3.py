"""S3's bucket settings, and S3 Control's settings of the account; moto answers for objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.errors import access_denied
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, NotOurs, answers

# Operation -> the declaration beside the bucket, the answer's member that holds it (None: the whole
# answer), and the error where it is absent (None: the answer is then empty).
SETTINGS: dict[str, tuple[str, str | None, tuple[str, str] | None]] = {
    "GetBucketEncryption": (
        "Encryption",
        "ServerSideEncryptionConfiguration",
        (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
    ),
    "GetBucketLifecycleConfiguration": (
        "Lifecycle",
        None,
        ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    ),
    "GetBucketLogging": ("Logging", None, None),
    "GetBucketOwnershipControls": (
        "OwnershipControls",
        "OwnershipControls",
        ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
    ),
    "GetBucketPolicy": (
        "Policy",
        "Policy",
        ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    ),
    "GetBucketReplication": (
        "Replication",
        "ReplicationConfiguration",
        (
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
    ),
    "GetBucketTagging": ("Tagging", "TagSet", ("NoSuchTagSet", "The TagSet does not exist")),
    "GetBucketVersioning": ("Versioning", None, None),
    "GetPublicAccessBlock": (
        "PublicAccessBlock",
        "PublicAccessBlockConfiguration",
        (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
    ),
}


def bucket_of(call: Call, *, anywhere: bool = False) -> Item:
    """Return the declared bucket that a request names.

    Raises
    ------
    NotOurs
        No sample account declares the bucket: moto has it, or answers NoSuchBucket.
    AWSError
        AccessDenied for another account's bucket, PermanentRedirect for a bucket in another region.
    """
    name, mine = call.parameters["Bucket"], call.account.id
    for owner, bucket in _everybody(call):
        if bucket["Name"] != name:
            continue
        if owner != mine or call.parameters.get("ExpectedBucketOwner", mine) != mine:
            arn = f'"arn:aws:s3:::{name}"'
            why = "no resource-based policy allows the action"
            raise access_denied("s3", call.operation, call.caller, arn, because=why)
        if bucket["BucketRegion"] != call.region and not anywhere:
            raise AWSError(
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the "
                "specified endpoint. Please send all future requests to this endpoint.",
                301,
                {"x-amz-bucket-region": bucket["BucketRegion"]},
            )
        return bucket
    raise NotOurs


def _everybody(call: Call) -> Iterator[tuple[str, Item]]:
    """Yield all buckets with their owner's account id, empty for accounts outside the sandbox."""
    for account in call.world.accounts.values():
        for bucket in account.declared("s3", "Buckets", ""):
            yield account.id, bucket
    for account in call.world.accounts.values():  # their owners may be outside the sandbox
        for bucket in account.declared("s3", "ForeignBuckets", ""):
            yield "", bucket


@answers("s3", "ListBuckets")
def list_buckets(call: Call) -> dict[str, Any]:
    """List the account's buckets of all regions, filtered by prefix or region."""
    prefix, region = call.parameters.get("Prefix", ""), call.parameters.get("BucketRegion")
    buckets = [
        bucket
        for bucket in sorted(call.declared("Buckets"), key=lambda b: str(b["Name"]))
        if bucket["Name"].startswith(prefix) and region in (None, bucket["BucketRegion"])
    ]
    token = "ContinuationToken"
    answer = call.page("Buckets", buckets, size="MaxBuckets", token=token, default=10_000)
    return answer | {"Owner": {"ID": _canonical_id(call)}} | ({"Prefix": prefix} if prefix else {})


@answers("s3", "HeadBucket")
def head_bucket(call: Call) -> dict[str, Any]:
    """Return the region of a bucket."""
    bucket = bucket_of(call)
    return {"BucketRegion": bucket["BucketRegion"], "BucketArn": bucket["BucketArn"]}


@answers("s3", "GetBucketLocation")
def get_bucket_location(call: Call) -> dict[str, Any]:
    """Return the region of a bucket; no constraint means us-east-1."""
    region = bucket_of(call, anywhere=True)["BucketRegion"]
    return {} if region == "us-east-1" else {"LocationConstraint": region}


@answers("s3", *SETTINGS)
def get_setting(call: Call) -> dict[str, Any]:
    """Return a setting of a bucket, or S3's error for its absence."""
    name, member, missing = SETTINGS[call.operation]
    value = bucket_of(call).beside.get(name)
    if value is None:
        if missing:
            raise AWSError(*missing, status=404)
        return {}
    return {member: value} if member else dict(value)


@answers("s3", "GetBucketPolicyStatus")
def get_bucket_policy_status(call: Call) -> dict[str, Any]:
    """Return whether a bucket's policy makes it public."""
    policy = bucket_of(call).beside.get("Policy")
    if policy is None:
        raise AWSError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return {"PolicyStatus": {"IsPublic": is_public(policy)}}


def is_public(policy: str) -> bool:
    """Return whether a bucket policy is public: it allows something to everybody, unconditionally.

    S3 evaluates the conditions more closely (S3 User Guide, "The meaning of 'public'"); here any
    condition makes a statement non-public.
    """
    statements = json.loads(policy)["Statement"]
    return any(
        s["Effect"] == "Allow"
        and not s.get("Condition")
        and s.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        for s in (statements if isinstance(statements, list) else [statements])
    )


@answers("s3", "GetBucketAcl")
def get_bucket_acl(call: Call) -> dict[str, Any]:
    """Return the ACL of a bucket with ACLs disabled: its owner's full control."""
    bucket_of(call)
    owner = {"ID": _canonical_id(call)}
    grantee = {"Type": "CanonicalUser"} | owner
    return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


@answers("s3", "*")
def leave_to_moto(call: Call) -> dict[str, Any]:
    """Leave the rest to moto, but refuse other accounts and clients in other regions."""
    if "Bucket" in call.parameters and call.operation != "CreateBucket":
        bucket_of(call)
    raise NotOurs


@answers("s3control", "GetPublicAccessBlock")
def get_public_access_block(call: Call) -> dict[str, Any]:
    """Return the account's block of public access."""
    _keep_to_account(call)
    block = call.single("PublicAccessBlock")
    if block is None:
        code = "NoSuchPublicAccessBlockConfiguration"
        raise AWSError(code, "The public access block configuration was not found", 404)
    return {"PublicAccessBlockConfiguration": block}


@answers("s3control", "ListAccessPoints")
def list_access_points(call: Call) -> dict[str, Any]:
    """List the account's access points of this region, filtered by bucket."""
    _keep_to_account(call)
    bucket = call.parameters.get("Bucket")
    points = [point for point in _access_points(call) if bucket in (None, point["Bucket"])]
    return call.page("AccessPointList", points, default=1000, most=1000)


@answers("s3control", "GetAccessPointPolicy")
def get_access_point_policy(call: Call) -> dict[str, Any]:
    """Return the policy of one of the account's access points."""
    point = access_point(call)
    if "Policy" in point.beside:
        return {"Policy": point.beside["Policy"]}
    raise AWSError("NoSuchAccessPointPolicy", "The access point policy does not exist", 404)


def access_point(call: Call) -> Item:
    """Return the account's access point that a request names, or raise S3's error."""
    _keep_to_account(call)
    for point in _access_points(call):
        if point["Name"] == call.parameters["Name"]:
            return point
    raise AWSError("NoSuchAccessPoint", "The specified accesspoint does not exist", 404)


def _keep_to_account(call: Call) -> None:
    if call.parameters["AccountId"] != call.account.id:
        raise access_denied("s3control", call.operation, call.caller, "*")


def _access_points(call: Call) -> list[Item]:
    return [
        p for p in call.declared("AccessPoints") if p["AccessPointArn"].split(":")[3] == call.region
    ]


def _canonical_id(call: Call) -> str:
    return f"{int(call.account.id):064x}"
