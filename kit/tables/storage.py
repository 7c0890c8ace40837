"""The buckets in which AppStream keeps what its users leave behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.aws.calls import (
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_LOGGING,
    GET_BUCKET_POLICY,
    GET_BUCKET_POLICY_STATUS,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_BUCKETS,
    Scope,
)
from kit.snapshot import Snapshot
from kit.tables.core import (
    NONE,
    Cell,
    Column,
    Default,
    Row,
    Source,
    attached,
    derive,
    known_any,
    table,
)
from kit.tables.policies import denies_plain_http
from kit.tables.trails import object_events

HOME, SETTINGS, LOGS = "home folders", "application settings", "logs"

BUCKET_SOURCES = (LIST_BUCKETS, DESCRIBE_STACKS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS)
_PURPOSES = (
    (HOME, re.compile(r"appstream2-36fb080bb8-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)-\d{12}")),
    (SETTINGS, re.compile(r"appstream-app-settings-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)-\d{12}")),
    (LOGS, re.compile(r"appstream-logs-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)-\d{12}")),
)
_BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
_OFF = Default(False, "GetPublicAccessBlock: a setting that is not configured is off")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
_KEY_CALLS = (GET_BUCKET_ENCRYPTION, DESCRIBE_KEY)


def buckets_in_scope(snapshot: Snapshot) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Buckets that hold AppStream's data: name to purpose, region and references.

    Listed buckets are known by AppStream's names; buckets that a stack or a subscription names
    are in scope whether or not they were listed.
    """
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}

    def add(name: str | None, purpose: str, region: str, ref: str) -> None:
        if name:
            known = found.get(name, (purpose, region, ()))
            found[name] = (known[0], known[1], (*known[2], ref))

    for item, ref in snapshot.answer(LIST_BUCKETS).items():
        for purpose, pattern in _PURPOSES:
            match = pattern.match(item["Name"])
            if match:
                add(item["Name"], purpose, item.get("BucketRegion") or match["region"], ref)
    for answer in snapshot.answers(DESCRIBE_STACKS):
        for stack, ref in answer.items():
            for connector in stack.get("StorageConnectors") or ():
                if connector["ConnectorType"] == "HOMEFOLDERS":
                    add(connector.get("ResourceIdentifier"), HOME, answer.region, ref)
            settings = stack.get("ApplicationSettings") or {}
            add(settings.get("S3BucketName"), SETTINGS, answer.region, ref)
    for answer in snapshot.answers(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS):
        for item, ref in answer.items():
            add(item.get("S3BucketName"), LOGS, answer.region, ref)
    return found


@table(
    "buckets",
    "bucket",
    Scope.REGION,
    BUCKET_SOURCES,
    {
        "purpose": Column("Holds"),
        "sse_algorithm": Column("Default encryption", calls=(GET_BUCKET_ENCRYPTION,)),
        "key_class": Column("Key", calls=_KEY_CALLS),
        "key_state": Column("Key state", calls=_KEY_CALLS),
        "key_account": Column("Key's account", calls=_KEY_CALLS),
        **{
            name: Column(
                member, calls=(GET_BUCKET_PUBLIC_ACCESS_BLOCK, GET_ACCOUNT_PUBLIC_ACCESS_BLOCK)
            )
            for name, member in _BLOCKS.items()
        },
        "public_by_policy": Column("Public by its policy", calls=(GET_BUCKET_POLICY_STATUS,)),
        "tls_only": Column("Policy refuses plain HTTP", calls=(GET_BUCKET_POLICY,)),
        "access_logging": Column("Server access logging", calls=(GET_BUCKET_LOGGING,)),
        "accesses_logged": Column(
            "Reads and writes of objects in a trail or in access logs",
            calls=(DESCRIBE_TRAILS, GET_TRAIL_STATUS, GET_EVENT_SELECTORS, GET_BUCKET_LOGGING),
        ),
    },
)
def buckets(source: Source) -> Iterator[Row]:
    """Home-folder, application-settings and log buckets, each joined with all that guards it."""
    snapshot = source.snapshot
    account = snapshot.answer(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK)
    for name, (purpose, region, refs) in buckets_in_scope(snapshot).items():
        if region not in snapshot.regions:
            continue
        generated = any(pattern.match(name) for _, pattern in _PURPOSES)
        label = name if generated else source.labels.label("bucket", name)
        arn = f"arn:{snapshot.header['partition']}:s3:::{name}"
        block = snapshot.answer(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=name)
        policy = attached(snapshot.answer(GET_BUCKET_POLICY, Bucket=name), "Policy", NONE)
        access_logging = derive(
            bool,
            attached(
                snapshot.answer(GET_BUCKET_LOGGING, Bucket=name),
                "LoggingEnabled.TargetBucket",
                NONE,
            ),
        )
        cells = {
            "purpose": Cell(purpose, refs),
            **_encryption(snapshot, name),
            "public_by_policy": attached(
                snapshot.answer(GET_BUCKET_POLICY_STATUS, Bucket=name),
                "PolicyStatus.IsPublic",
                Default(False, "GetBucketPolicyStatus: a bucket without a policy is not public"),
            ),
            "tls_only": derive(
                lambda text, arn=arn: bool(text) and denies_plain_http(text, arn), policy
            ),
            "access_logging": access_logging,
            "accesses_logged": known_any((object_events(snapshot, region, arn), access_logging)),
        }
        for column, member in _BLOCKS.items():
            path = f"PublicAccessBlockConfiguration.{member}"
            cells[column] = known_any(attached(a, path, _OFF) for a in (account, block))
        yield Row(region, name, label, cells)


def _encryption(snapshot: Snapshot, bucket: str) -> dict[str, Cell]:
    """The default encryption of a bucket, and the class, state and owner of its key."""
    answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    algorithm = attached(answer, f"{_RULE}.SSEAlgorithm", NONE)
    key = attached(answer, f"{_RULE}.KMSMasterKeyID", NONE)
    cells = {"sse_algorithm": algorithm}
    if algorithm.gap or key.value is None:
        known = {None: "none", "AES256": "sse-s3"}
        cells["key_class"] = derive(lambda name: known.get(name, "aws-managed"), algorithm)
        cells["key_state"] = derive(lambda _: "run by AWS", algorithm)
        cells["key_account"] = derive(lambda _: "", algorithm)
        return cells
    described = snapshot.answer(DESCRIBE_KEY, KeyId=key.value)
    manager = attached(described, "KeyMetadata.KeyManager")
    owner = attached(described, "KeyMetadata.AWSAccountId")
    cells["key_state"] = attached(described, "KeyMetadata.KeyState")
    cells["key_account"] = owner
    cells["key_class"] = derive(
        lambda who, whose: (
            "aws-managed"
            if who == "AWS"
            else "customer"
            if whose == snapshot.account
            else "foreign"
        ),
        manager,
        owner,
    )
    return cells
