"""What guards a bucket: its encryption, who may open it, how long it keeps what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.aws.calls import (
    BUCKET_PREFIX,
    DESCRIBE_KEY,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_OWNERSHIP_CONTROLS,
    GET_BUCKET_POLICY_STATUS,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_VERSIONING,
    LIST_BUCKETS,
    LIST_NAMED_BUCKETS,
)
from kit.snapshot import Snapshot
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    Default,
    absent_member,
    attached,
    derive,
    known_any,
)
from kit.tables.core import Column
from kit.tables.organisation import OWN

_BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
_OFF = Default(False, "GetPublicAccessBlock: a setting that is not configured is off")
_CLOSED = Default(False, "NoSuchBucketPolicy: what has no policy is not public by one")
_NEVER = Default("never on", "GetBucketVersioning: no Status where versioning was never set")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
ANOTHER = "another account"
_ASKED = (GET_BUCKET_POLICY_STATUS, GET_BUCKET_VERSIONING)  # of every bucket, with its encryption
_KEY_CALLS = (GET_BUCKET_ENCRYPTION, DESCRIBE_KEY)

ENCRYPTION_COLUMNS = {
    "sse_algorithm": Column("Default encryption", calls=(GET_BUCKET_ENCRYPTION,)),
    "key_class": Column("Key", calls=_KEY_CALLS),
    "key_state": Column("Key state", calls=_KEY_CALLS),
    "key_account": Column("Key's account", calls=_KEY_CALLS),
}
PUBLIC_COLUMN = Column("Public by its policy", calls=(GET_BUCKET_POLICY_STATUS,))
PUBLIC_ACCESS_COLUMNS = {
    **{
        name: Column(
            member, calls=(GET_BUCKET_PUBLIC_ACCESS_BLOCK, GET_ACCOUNT_PUBLIC_ACCESS_BLOCK)
        )
        for name, member in _BLOCKS.items()
    },
    "public_by_policy": PUBLIC_COLUMN,
}
OWNER_COLUMN = Column("Owner", calls=(LIST_BUCKETS, LIST_NAMED_BUCKETS))
OWNERSHIP_COLUMN = Column("Object ownership", calls=(GET_BUCKET_OWNERSHIP_CONTROLS,))
VERSIONING_COLUMN = Column("Versioning", calls=(GET_BUCKET_VERSIONING,))
KEPT_COLUMN = Column(
    "Days after which everything is erased",
    calls=(GET_BUCKET_LIFECYCLE_CONFIGURATION, GET_BUCKET_VERSIONING),
)


def owner(snapshot: Snapshot, bucket: str) -> Cell:
    """Who owns a bucket that something names: the account, or another of which S3 answers.

    A complete list of the account's buckets decides. A refusal by S3 does not: it looks the same
    for another account's bucket and for want of a permission.

    References
    ----------
    Amazon S3 API Reference, ListBuckets: all buckets that the sender of the request owns.
    """
    listing = snapshot.answer(LIST_BUCKETS)
    if not bucket.startswith(BUCKET_PREFIX):
        listing = snapshot.answer(LIST_NAMED_BUCKETS, Prefix=bucket)
    for item, ref in listing.items():
        if item.get("Name") == bucket:
            return Cell(OWN, (ref,))
    if listing.trouble:
        return Cell(None, listing.evidence, listing.trouble)
    answers = [snapshot.answer(call, Bucket=bucket) for call in (GET_BUCKET_ENCRYPTION, *_ASKED)]
    answered = next((one for one in answers if one.requests and not one.trouble), None)
    if answered:
        return Cell(ANOTHER, (*listing.evidence, *answered.evidence))
    return Cell(None, listing.evidence, answers[0].trouble)


def encryption(snapshot: Snapshot, bucket: str) -> dict[str, Cell]:
    """The default encryption of a bucket, and the class, state and owner of its key."""
    answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    algorithm = attached(answer, f"{_RULE}.SSEAlgorithm", UNSEEN, NONE)
    key = attached(answer, f"{_RULE}.KMSMasterKeyID", NONE)
    cells = {"sse_algorithm": algorithm}
    if algorithm.gap or key.value is None:
        known = {None: "none", "AES256": "sse-s3"}
        cells["key_class"] = derive(lambda name: known.get(name, "aws-managed"), algorithm)
        cells["key_state"] = derive(lambda _: "run by AWS", algorithm)
        cells["key_account"] = derive(lambda _: "", algorithm)
        return cells
    # An alias or a bare id means a key of the bucket's own region.
    described = snapshot.answer(DESCRIBE_KEY, answer.region, KeyId=key.value)
    if described.absent:
        gone = Cell("not found", described.evidence)
        return cells | {"key_class": gone, "key_state": gone, "key_account": gone}
    manager = attached(described, "KeyMetadata.KeyManager")
    owner = attached(described, "KeyMetadata.AWSAccountId")

    def classify(manager: str, owner: str) -> str:
        if manager == "AWS":
            return "aws-managed"
        return "customer" if owner == snapshot.account else "foreign"

    cells["key_class"] = derive(classify, manager, owner)
    cells["key_state"] = attached(described, "KeyMetadata.KeyState")
    cells["key_account"] = owner
    return cells


def sse_c_blocked(snapshot: Snapshot, bucket: str) -> Cell:
    """Whether a bucket refuses objects that come with a key of the writer's own (SSE-C)."""
    answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    rules = attached(answer, "ServerSideEncryptionConfiguration.Rules", UNSEEN, NONE)

    def blocks(rule: dict[str, Any]) -> bool:
        blocked = rule.get("BlockedEncryptionTypes") or {}
        return "SSE-C" in (blocked.get("EncryptionType") or ())

    return derive(lambda rules: any(map(blocks, rules or ())), rules)


def public_access(snapshot: Snapshot, bucket: str) -> dict[str, Cell]:
    """What keeps the public out, for the account or for the bucket, and whether its policy does."""
    account = snapshot.answer(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK)
    block = snapshot.answer(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=bucket)
    return {
        **{
            column: known_any(
                attached(answer, f"PublicAccessBlockConfiguration.{member}", _OFF)
                for answer in (account, block)
            )
            for column, member in _BLOCKS.items()
        },
        "public_by_policy": public_by_policy(snapshot, bucket),
    }


def public_by_policy(snapshot: Snapshot, bucket: str) -> Cell:
    """Whether a bucket's policy opens it to the public."""
    answer = snapshot.answer(GET_BUCKET_POLICY_STATUS, Bucket=bucket)
    return attached(answer, "PolicyStatus.IsPublic", UNSEEN, _CLOSED)


def ownership(snapshot: Snapshot, bucket: str) -> Cell:
    """Who owns the objects of a bucket: where the bucket's owner does, ACLs are off."""
    answer = snapshot.answer(GET_BUCKET_OWNERSHIP_CONTROLS, Bucket=bucket)
    return attached(answer, "OwnershipControls.Rules[0].ObjectOwnership", UNSEEN, NONE)


def versioning(snapshot: Snapshot, bucket: str) -> Cell:
    """Whether a bucket keeps the earlier versions of what is written over or deleted."""
    return attached(snapshot.answer(GET_BUCKET_VERSIONING, Bucket=bucket), "Status", _NEVER)


def kept_days(snapshot: Snapshot, bucket: str, prefix: str = "") -> Cell:
    """Days after which all that begins with a prefix is gone, versions included; None for ever.

    References
    ----------
    Amazon S3 API Reference, LifecycleRule; User Guide, "Expiring objects".
    """
    answer = snapshot.answer(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=bucket)
    rules = attached(answer, "Rules", UNSEEN, NONE)
    if any(not {"Filter", "Prefix"} & rule.keys() for rule in _on(rules.value)):
        gap = absent_member(answer.call, "a rule's Filter", answer.evidence[0])
        return Cell(None, rules.refs, gap)
    current = derive(lambda rules: _shortest(map(_expiry, _covering(rules, prefix))), rules)
    if current.gap or current.value is None:
        return current
    earlier = derive(lambda rules: _shortest(map(_version_expiry, _covering(rules, prefix))), rules)

    def together(current: int, earlier: int | None, versions: str) -> int | None:
        if versions == _NEVER.value:
            return current
        return None if earlier is None else current + earlier

    return derive(together, current, earlier, versioning(snapshot, bucket))


def _covering(rules: list[dict[str, Any]] | None, prefix: str) -> list[dict[str, Any]]:
    """The rules that are on and spare nothing that begins with the prefix."""
    return [rule for rule in _on(rules) if _is_about_all(rule, prefix)]


def _on(rules: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [rule for rule in rules or () if rule.get("Status") == "Enabled"]


def _is_about_all(rule: dict[str, Any], prefix: str) -> bool:
    chosen = rule.get("Filter") or {}
    own = chosen.get("Prefix") or rule.get("Prefix") or ""
    return not set(chosen) - {"Prefix"} and prefix.startswith(own)


def _expiry(rule: dict[str, Any]) -> int | None:
    expiration = rule.get("Expiration") or {}
    # From its date on a rule expires everything at once.
    return 0 if expiration.get("Date") else expiration.get("Days")


def _version_expiry(rule: dict[str, Any]) -> int | None:
    expiration = rule.get("NoncurrentVersionExpiration") or {}
    return None if expiration.get("NewerNoncurrentVersions") else expiration.get("NoncurrentDays")


def _shortest(days: Iterable[int | None]) -> int | None:
    return min((n for n in days if n is not None), default=None)
