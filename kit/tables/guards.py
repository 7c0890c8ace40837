"""What guards a bucket: its encryption, who may open it, how long it keeps what it holds."""

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
_NEVER = Default("never on", "versioning")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
ANOTHER = "another account"
_ASKED = (GET_BUCKET_POLICY_STATUS, GET_BUCKET_VERSIONING)  # of every bucket, with its encryption
_KEY_CALLS = (GET_BUCKET_ENCRYPTION, DESCRIBE_KEY)

ENCRYPTION_COLUMNS = {
    "sse_algorithm": Column(calls=(GET_BUCKET_ENCRYPTION,)),
    "key_class": Column(calls=_KEY_CALLS),
    "key_state": Column(calls=_KEY_CALLS),
    "key_account": Column(calls=_KEY_CALLS),
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


@dataclass(frozen=True)
class Kept:
    """How long a bucket keeps what begins with a prefix, versions included.

    Attributes
    ----------
    days : int or None
        After so many days all of it is gone; None where no rule of days sees to that.
    until : str or None
        The day ahead on which a rule erases all of it, and whatever comes from then on.
    some_days, some_until : int, str or None
        The same for the part of it that goes first, where all of it goes at all.
    """

    days: int | None = None
    until: str | None = None
    some_days: int | None = None
    some_until: str | None = None


def retention(snapshot: Snapshot, bucket: str, prefix: str = "") -> Cell:
    """How long a bucket keeps what begins with a prefix: all its rules together, as a `Kept`.

    References
    ----------
    Amazon S3 API Reference, LifecycleRule, LifecycleExpiration; User Guide, "Expiring objects".
    """
    answer = snapshot.answer(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=bucket)
    rules = attached(answer, "Rules", UNSEEN, NONE)
    if any(not {"Filter", "Prefix"} & rule.keys() for rule in _on(rules.value)):
        gap = absent_member(answer.call, "a rule's Filter", answer.evidence[0])
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
    """How long objects of a size are kept."""
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
    """How long all of them are kept: as long as the longest, and some as long as the shortest."""
    kept = list(each)
    days, until = [one.days for one in kept], [one.until for one in kept]
    longest = None if None in days else max(filter(None, days), default=0)
    latest = None if None in until else max(filter(None, until))
    if longest is None and latest is None:
        return Kept()
    some_until = min((one.some_until for one in kept if one.some_until), default=None)
    return Kept(longest, latest, _shortest(one.some_days for one in kept), some_until)


def kept_days(snapshot: Snapshot, bucket: str) -> Cell:
    """Days after which everything in a bucket is gone, versions included; None for ever."""
    return derive(lambda kept: kept.days, retention(snapshot, bucket))


def key_state(snapshot: Snapshot, key: Cell) -> Cell:
    """The state of the key that a cell names by its ARN; None where it names none."""
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


def _chosen(rule: dict[str, Any]) -> dict[str, Any]:
    """What a rule's filter chooses objects by; both forms of it in one."""
    chosen = rule.get("Filter") or {}
    return {"Prefix": rule.get("Prefix"), **chosen, **(chosen.get("And") or {})}


def _sizes(rules: list[dict[str, Any]] | None) -> list[int]:
    """Sizes of objects, in bytes: one for each way in which rules treat a size."""
    chosen = [_chosen(rule) for rule in _on(rules)]
    above = {one.get("ObjectSizeGreaterThan", -1) + 1 for one in chosen}
    return sorted({0, *above, *(one.get("ObjectSizeLessThan", 0) for one in chosen)})


def _about(
    rules: list[dict[str, Any]] | None, prefix: str, size: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rules about objects of a size: all that begin with a prefix, and some, by their name."""
    about_all, about_some = [], []
    for rule in _on(rules):
        chosen = _chosen(rule)
        own = chosen["Prefix"] or ""
        sized = chosen.get("ObjectSizeGreaterThan", -1) < size
        sized = sized and size < chosen.get("ObjectSizeLessThan", size + 1)
        # Objects bear tags only where somebody put them there.
        if not sized or chosen.get("Tag") or chosen.get("Tags"):
            continue
        if prefix.startswith(own):
            about_all.append(rule)
        if prefix.startswith(own) or own.startswith(prefix):
            about_some.append(rule)
    return about_all, about_some


def _expiry(rules: list[dict[str, Any]], today: dt.datetime) -> tuple[int | None, str | None]:
    """The days after which rules expire what they are about, and the next day on which they do.

    From its date on a rule expires everything at once, for as long as it is enabled.
    """
    told = [rule.get("Expiration") or {} for rule in rules]
    dates = [dt.datetime.fromisoformat(one["Date"]) for one in told if one.get("Date")]
    days = [one.get("Days") for one in told] + [0 for date in dates if date <= today]
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
