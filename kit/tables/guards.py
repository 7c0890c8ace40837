"""What protects a bucket: encryption, public access, ownership, versions and retention."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kit.calls import (
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
    member,
    one_of,
)
from kit.tables.core import Column
from kit.tables.organisation import OWN, seen_by_owner

_BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
_OFF = Default(False, "public_access_block")
_CLOSED = Default(False, "no_bucket_policy")
NEVER_ON = "never on"
_NEVER = Default(NEVER_ON, "versioning")
_SIZES = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
ANOTHER = "another account"
# States in which a key encrypts and decrypts; a key is "Updating" for seconds, and works meanwhile:
# https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-update.html
USABLE = ("Enabled", "Updating")
_RUN_BY_AWS = "run by AWS"  # in place of the state of a key
USABLE_OF_BUCKETS = (*USABLE, _RUN_BY_AWS)
_PER_BUCKET = (GET_BUCKET_ENCRYPTION, GET_BUCKET_POLICY_STATUS, GET_BUCKET_VERSIONING)
KEY_CALLS = (GET_BUCKET_ENCRYPTION, DESCRIBE_KEY)

ENCRYPTION_COLUMNS = {
    "sse_algorithm": Column(calls=(GET_BUCKET_ENCRYPTION,)),
    "key_class": Column(calls=KEY_CALLS),
    "key_state": Column(calls=KEY_CALLS),
    "key_account": Column(calls=KEY_CALLS),
}
PUBLIC_COLUMN = Column(calls=(GET_BUCKET_POLICY_STATUS,))
PUBLIC_ACCESS_COLUMNS = {
    **{
        name: Column(calls=(GET_BUCKET_PUBLIC_ACCESS_BLOCK, GET_ACCOUNT_PUBLIC_ACCESS_BLOCK))
        for name in _BLOCKS
    },
    "public_by_policy": PUBLIC_COLUMN,
}
OWNER_COLUMN = Column(calls=(LIST_BUCKETS, LIST_NAMED_BUCKETS))
OWNERSHIP_COLUMN = Column(calls=(GET_BUCKET_OWNERSHIP_CONTROLS,))
VERSIONING_COLUMN = Column(calls=(GET_BUCKET_VERSIONING,))
KEPT_CALLS = (GET_BUCKET_LIFECYCLE_CONFIGURATION, GET_BUCKET_VERSIONING)
KEPT_COLUMN = Column(calls=KEPT_CALLS)


def owner(snapshot: Snapshot, bucket: str) -> Cell:
    """Return who owns a bucket: this account, or another account whose bucket S3 describes.

    A complete list of the account's buckets decides. A refusal by S3 does not: S3 refuses alike
    for another account's bucket and for a missing permission.

    References
    ----------
    Amazon S3 API Reference, ListBuckets: all buckets that the sender of the request owns.
    """
    own = is_own(snapshot, bucket)
    if own.gap or own.value:
        return derive(lambda _: OWN, own)
    answers = [snapshot.answer(call, Bucket=bucket) for call in _PER_BUCKET]
    answered = next((a for a in answers if a.requests and not a.trouble), None)
    if answered:
        return Cell(ANOTHER, (*own.refs, *answered.evidence))
    return Cell(None, own.refs, answers[0].trouble)


def is_own(snapshot: Snapshot, bucket: str) -> Cell:
    """Return whether the account's list of its buckets has a bucket.

    A bucket that the list leaves out is another account's, or does not exist; a gap where the list is
    cut short, or has a bucket without a name.
    """
    listing = snapshot.answer(LIST_BUCKETS)
    if not bucket.startswith(BUCKET_PREFIX):
        listing = snapshot.answer(LIST_NAMED_BUCKETS, Prefix=bucket)
    for _, ref in listing.items_with("Name", bucket):
        return Cell(True, (ref,))
    for item, ref in listing.items_with("Name", None):
        return member(item, ref, "Name", UNSEEN, listing.call)
    return Cell(None if listing.trouble else False, listing.evidence, listing.trouble)


def encryption(snapshot: Snapshot, bucket: str) -> dict[str, Cell]:
    """Return the default encryption of a bucket, and the class, state and owner of its key."""
    answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    algorithm = attached(answer, f"{_RULE}.SSEAlgorithm", UNSEEN, NONE)
    key = attached(answer, f"{_RULE}.KMSMasterKeyID", NONE)
    cells = {"sse_algorithm": algorithm}
    if algorithm.gap or key.value is None:
        classes = {None: "none", "AES256": "sse-s3"}
        known = one_of(algorithm, ("AES256", "aws:kms", "aws:kms:dsse"))
        cells["key_class"] = derive(lambda name: classes.get(name, "aws-managed"), known)
        cells["key_state"] = derive(lambda _: _RUN_BY_AWS, algorithm)
        cells["key_account"] = derive(lambda _: "", algorithm)
        return cells
    # An alias or a bare id means a key in the bucket's region.
    described = snapshot.answer(DESCRIBE_KEY, answer.region, KeyId=key.value)
    if described.absent:
        gone = Cell("not found", described.evidence)
        return cells | {"key_class": gone, "key_state": gone, "key_account": gone}
    manager = one_of(attached(described, "KeyMetadata.KeyManager"), ("AWS", "CUSTOMER"))
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
    """Return whether a bucket refuses objects that the writer encrypts with a key (SSE-C)."""
    answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket)
    rules = attached(answer, "ServerSideEncryptionConfiguration.Rules", UNSEEN, NONE)

    def blocks(rule: dict[str, Any]) -> bool:
        blocked = rule.get("BlockedEncryptionTypes") or {}
        return "SSE-C" in (blocked.get("EncryptionType") or ())

    return derive(lambda rules: any(map(blocks, rules or ())), rules)


def public_access(snapshot: Snapshot, bucket: str) -> dict[str, Cell]:
    """Return what blocks public access, for account or bucket, and whether its policy is public."""
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
    """Return whether a bucket's policy opens it to the public."""
    answer = snapshot.answer(GET_BUCKET_POLICY_STATUS, Bucket=bucket)
    return attached(answer, "PolicyStatus.IsPublic", UNSEEN, _CLOSED)


def ownership(snapshot: Snapshot, bucket: str) -> Cell:
    """Return who owns the objects of a bucket; where the bucket's owner does, ACLs are disabled."""
    answer = snapshot.answer(GET_BUCKET_OWNERSHIP_CONTROLS, Bucket=bucket)
    return attached(answer, "OwnershipControls.Rules[0].ObjectOwnership", UNSEEN, NONE)


def versioning(snapshot: Snapshot, bucket: str) -> Cell:
    """Return whether a bucket keeps earlier versions of objects that change or are deleted."""
    return attached(snapshot.answer(GET_BUCKET_VERSIONING, Bucket=bucket), "Status", _NEVER)


@dataclass(frozen=True)
class Kept:
    """How long a bucket keeps the objects under a prefix, versions included.

    Attributes
    ----------
    days : int or None
        Days after which rules have erased all objects; None where no rule with days does.
    until : str or None
        The day ahead from which a rule erases all objects, new objects too.
    some_days, some_until : int, str or None
        The same for the objects that rules erase first, where rules erase all objects.
    """

    days: int | None = None
    until: str | None = None
    some_days: int | None = None
    some_until: str | None = None


def retention(snapshot: Snapshot, bucket: str, prefix: str = "") -> Cell:
    """Return how long a bucket keeps the objects under a prefix, by all its rules, as a `Kept`.

    References
    ----------
    Amazon S3 API Reference, LifecycleRule, LifecycleExpiration; User Guide, "Expiring objects".
    """
    answer = snapshot.answer(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=bucket)
    rules = attached(answer, "Rules", UNSEEN, NONE)
    if any(not {"Filter", "Prefix"} & rule.keys() for rule in _on(rules.value)):
        gap = absent_member(answer.call, "a rule's Filter", answer.first)
        return Cell(None, rules.refs, gap)
    today = snapshot.as_of

    def kept(rules: list[dict[str, Any]] | None, versions: str = _NEVER.value) -> Kept:
        return _longest(_kept(rules, prefix, size, versions, today) for size in _sizes(rules))

    current = derive(kept, rules)
    if current.gap or current.value == Kept():
        return current
    return derive(kept, rules, versioning(snapshot, bucket))


def _kept(
    rules: list[dict[str, Any]] | None, prefix: str, size: int, versions: str, today: dt.datetime
) -> Kept:
    """Return how long rules keep objects of a size."""
    about_all, about_some = _about(rules, prefix, size)
    days, until = _expiry(about_all, today)
    if days is None and until is None:
        return Kept()
    some_days, some_until = _expiry(about_some, today)
    if versions == _NEVER.value:
        return Kept(days, until, some_days, some_until)
    all_gone, some_gone = (_shortest(map(_version_expiry, r)) for r in (about_all, about_some))
    if all_gone is None or some_gone is None:
        return Kept()
    return Kept(
        _sum(days, all_gone),
        _later(until, all_gone),
        _sum(some_days, some_gone),
        _later(some_until, some_gone),
    )


def _longest(each: Iterable[Kept]) -> Kept:
    """Return the longest period for all objects, and the shortest for some."""
    kept = list(each)
    days, until = [period.days for period in kept], [period.until for period in kept]
    longest = None if None in days else max(filter(None, days), default=0)
    latest = None if None in until else max(filter(None, until))
    if longest is None and latest is None:
        return Kept()
    some_until = min((period.some_until for period in kept if period.some_until), default=None)
    return Kept(longest, latest, _shortest(period.some_days for period in kept), some_until)


def kept_days(snapshot: Snapshot, bucket: str) -> Cell:
    """Return the days after which rules erase all objects and versions; None for never."""
    return derive(lambda kept: kept.days, retention(snapshot, bucket))


def key_state(snapshot: Snapshot, key: Cell) -> Cell:
    """Return the state of the key that a cell names by its ARN; None where it names no key."""
    if key.gap or not key.value:
        return Cell(None, key.refs, key.gap)

    def described(snapshot: Snapshot) -> Cell:
        answer = snapshot.answer(DESCRIBE_KEY, KeyId=key.value)
        if answer.absent:
            return Cell("not found", (*key.refs, *answer.evidence))
        return derive(lambda _, state: state, key, attached(answer, "KeyMetadata.KeyState"))

    return seen_by_owner(described(snapshot), snapshot, key.value, described)


def _on(rules: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [rule for rule in rules or () if rule.get("Status") == "Enabled"]


def _filter(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the conditions of a rule's filter, in whichever form the rule has them."""
    filters = rule.get("Filter") or {}
    filters = {"Prefix": rule.get("Prefix"), **filters, **(filters.get("And") or {})}
    # Snapshots store sizes beyond what JSON's numbers hold as texts.
    sizes = {name: int(filters[name]) for name in _SIZES if name in filters}
    return {**filters, **sizes}


def _sizes(rules: list[dict[str, Any]] | None) -> list[int]:
    """Return sizes of objects, in bytes: a size for each way in which rules treat sizes."""
    filters = [_filter(rule) for rule in _on(rules)]
    above, below = ({c[name] for c in filters if name in c} for name in _SIZES)
    return sorted({0, *(size + 1 for size in above), *below})


def _about(
    rules: list[dict[str, Any]] | None, prefix: str, size: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rules about all objects of a size under a prefix, and the rules about some."""
    about_all, about_some = [], []
    for rule in _on(rules):
        conditions = _filter(rule)
        start = conditions["Prefix"] or ""
        above, below = map(conditions.get, _SIZES)
        sized = (above is None or above < size) and (below is None or size < below)
        # Objects have tags only where somebody adds them.
        if not sized or conditions.get("Tag") or conditions.get("Tags"):
            continue
        if prefix.startswith(start):
            about_all.append(rule)
        if prefix.startswith(start) or start.startswith(prefix):
            about_some.append(rule)
    return about_all, about_some


def _expiry(rules: list[dict[str, Any]], today: dt.datetime) -> tuple[int | None, str | None]:
    """Return the days after which rules expire objects, and the next day on which rules do.

    From its date on, an enabled rule expires every object at once.
    """
    actions = [rule.get("Expiration") or {} for rule in rules]
    dates = [dt.datetime.fromisoformat(action["Date"]) for action in actions if action.get("Date")]
    days = [action.get("Days") for action in actions] + [0 for date in dates if date <= today]
    ahead = min((date for date in dates if date > today), default=None)
    return _shortest(days), ahead.date().isoformat() if ahead else None


def _version_expiry(rule: dict[str, Any]) -> int | None:
    expiration = rule.get("NoncurrentVersionExpiration") or {}
    return None if expiration.get("NewerNoncurrentVersions") else expiration.get("NoncurrentDays")


def _shortest(days: Iterable[int | None]) -> int | None:
    return min((n for n in days if n is not None), default=None)


def _sum(days: int | None, more: int) -> int | None:
    return None if days is None else days + more


def _later(day: str | None, days: int) -> str | None:
    if day is None:
        return None
    ordinal = dt.date.fromisoformat(day).toordinal() + days
    return dt.date.fromordinal(min(ordinal, dt.date.max.toordinal())).isoformat()
