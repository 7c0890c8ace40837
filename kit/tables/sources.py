"""Buckets of the customer that AppStream uses: application sources, and agents' screenshots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kit.calls import (
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_FLEETS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    Call,
    Scope,
    search,
)
from kit.snapshot import Snapshot
from kit.tables.agents import AGENT_CALLS
from kit.tables.cells import NONE, Cell, derive, known_all, member, pointer
from kit.tables.core import SPECS, Column, Row, Source, table
from kit.tables.guards import (
    ENCRYPTION_COLUMNS,
    KEPT_COLUMN,
    KEY_CALLS,
    OWNER_COLUMN,
    OWNERSHIP_COLUMN,
    PUBLIC_ACCESS_COLUMNS,
    PUBLIC_COLUMN,
    USABLE,
    VERSIONING_COLUMN,
    encryption,
    kept_days,
    key_state,
    owner,
    ownership,
    public_access,
    public_by_policy,
    versioning,
)
from kit.tables.organisation import owner_of
from kit.tables.storage import Bucket, bucket_label, no_name

SOURCES = "sources of applications"
SCREENSHOTS, RECORDINGS = "agents' screenshots", "recordings of agents' sessions"
BOTH = "agents' screenshots, and recordings of their sessions"
_LOCATIONS = (
    "SourceS3Location",
    "SetupScriptDetails.ScriptS3Location",
    "PostSetupScriptDetails.ScriptS3Location",
)
_PLACES: tuple[tuple[Call, tuple[str, ...]], ...] = (
    (DESCRIBE_APP_BLOCKS, _LOCATIONS),
    (DESCRIBE_APPLICATIONS, ("IconS3Location",)),
    (DESCRIBE_FLEETS, ("SessionScriptS3Location",)),
)
SOURCE_CALLS = tuple(call for call, _ in _PLACES)


@table(
    "sources",
    Scope.REGION,
    SOURCE_CALLS,
    {
        "owner": OWNER_COLUMN,
        **ENCRYPTION_COLUMNS,
        "public_by_policy": PUBLIC_COLUMN,
        "object_ownership": OWNERSHIP_COLUMN,
        "versioning": VERSIONING_COLUMN,
    },
)
def sources(source: Source) -> Iterator[Row]:
    """Yield a row for each bucket from which applications, scripts and icons come."""
    snapshot = source.snapshot
    for bucket in source_buckets(snapshot):
        if not bucket.name:
            yield _unnamed(source, "sources", bucket)
            continue
        cells = {
            "owner": owner(snapshot, bucket.name),
            **encryption(snapshot, bucket.name),
            "public_by_policy": public_by_policy(snapshot, bucket.name),
            "object_ownership": ownership(snapshot, bucket.name),
            "versioning": versioning(snapshot, bucket.name),
        }
        yield Row(bucket.region, bucket.name, bucket_label(source, bucket), cells, bucket.refs)


@table(
    "screenshots",
    Scope.REGION,
    tuple(AGENT_CALLS),
    {
        "owner": OWNER_COLUMN,
        **ENCRYPTION_COLUMNS,
        **PUBLIC_ACCESS_COLUMNS,
        "kept_days": KEPT_COLUMN,
        "recording_keys_usable": Column(calls=(DESCRIBE_STACKS, DESCRIBE_KEY)),
        "key_accounts": Column(calls=(DESCRIBE_STACKS, *KEY_CALLS)),
    },
)
def screenshots(source: Source) -> Iterator[Row]:
    """Yield a row for each bucket that receives agents' screenshots or recordings."""
    snapshot = source.snapshot
    for bucket in screenshot_buckets(snapshot):
        if not bucket.name:
            yield _unnamed(source, "screenshots", bucket)
            continue
        encrypted = encryption(snapshot, bucket.name)
        cells = {
            "owner": owner(snapshot, bucket.name),
            **encrypted,
            **public_access(snapshot, bucket.name),
            "kept_days": kept_days(snapshot, bucket.name),
            "recording_keys_usable": _recording_keys_usable(snapshot, bucket),
            "key_accounts": _key_accounts(snapshot, bucket, encrypted),
        }
        yield Row(bucket.region, bucket.name, bucket_label(source, bucket), cells, bucket.refs)


def screenshot_buckets(snapshot: Snapshot) -> list[Bucket]:
    """Return the buckets of agents' screenshots and recordings; AWS may leave a name out."""
    buckets = [
        Bucket(_name(config.get("S3BucketArn")), purpose, answer.region, (ref,))
        for call in AGENT_CALLS
        for answer in snapshot.answers(call)
        for item, ref in answer.items()
        for config in [item.get("AgentAccessConfig") or {}]
        for purpose, is_kept in (
            (SCREENSHOTS, config.get("ScreenshotsUploadEnabled", bool(config.get("S3BucketArn")))),
            (RECORDINGS, config.get("ReplaySessionEnabled")),
        )
        if is_kept
    ]
    purposes: dict[tuple[str, str], set[str]] = {}
    for bucket in buckets:
        purposes.setdefault((bucket.region, bucket.name), set()).add(bucket.purpose)
    return [
        replace(bucket, purpose=BOTH) if len(purposes[bucket.region, bucket.name]) > 1 else bucket
        for bucket in _merged(buckets)
    ]


def source_buckets(snapshot: Snapshot) -> list[Bucket]:
    """Return the buckets from which applications, scripts and icons come."""
    return _merged(_named(snapshot))


def _recording_keys_usable(snapshot: Snapshot, bucket: Bucket) -> Cell:
    """Return whether every key that encrypts recordings in a bucket is enabled."""
    return known_all(
        derive(lambda state: state in (None, *USABLE), key_state(snapshot, key))
        for key in _recording_keys(snapshot, bucket)
    )


def _key_accounts(snapshot: Snapshot, bucket: Bucket, encrypted: dict[str, Cell]) -> Cell:
    """Return the other accounts that own a bucket's key, or the keys of recordings in it."""
    keys = _recording_keys(snapshot, bucket)

    def others(kind: str, account: str, *keys: str | None) -> list[str]:
        owners = {owner_of(key) for key in keys if key}
        return sorted((owners | ({account} if kind == "foreign" else set())) - {snapshot.account})

    return derive(others, encrypted["key_class"], encrypted["key_account"], *keys)


def _recording_keys(snapshot: Snapshot, bucket: Bucket) -> list[Cell]:
    """Return the keys that stacks name for recordings in a bucket."""
    path = "AgentAccessConfig.KmsKeyArn"
    return [
        member(stack, ref, path, NONE, DESCRIBE_STACKS)
        for answer in snapshot.answers(DESCRIBE_STACKS, bucket.region)
        for stack, ref in answer.items()
        for config in [stack.get("AgentAccessConfig") or {}]
        if config.get("ReplaySessionEnabled") and _name(config.get("S3BucketArn")) == bucket.name
    ]


def _named(snapshot: Snapshot) -> Iterator[Bucket]:
    for call, places in _PLACES:
        for answer in snapshot.answers(call):
            for item, ref in answer.items():
                for place in places:
                    name = search(f"{place}.S3Bucket", item)
                    if name:
                        yield Bucket(name, SOURCES, answer.region, (f"{ref}{pointer(place)}",))
                # An app block in use has a source, even where AWS leaves it out.
                in_use = call is DESCRIBE_APP_BLOCKS and item.get("State") != "INACTIVE"
                if in_use and not item.get("SourceS3Location"):
                    yield Bucket("", SOURCES, answer.region, (ref,))


def _merged(buckets: Iterable[Bucket]) -> list[Bucket]:
    merged: dict[tuple[str, str], Bucket] = {}
    for bucket in buckets:
        first = merged.setdefault((bucket.region, bucket.name), replace(bucket, refs=()))
        refs = tuple(dict.fromkeys([*first.refs, *bucket.refs]))
        merged[bucket.region, bucket.name] = replace(first, refs=refs)
    return list(merged.values())


def _name(arn: str | None) -> str:
    return (arn or "").rpartition(":::")[2]


def _unnamed(source: Source, name: str, bucket: Bucket) -> Row:
    """Return a row of gaps for a bucket that is in use and whose name AWS left out."""
    gap = no_name(source.snapshot, bucket)
    cells = {column: Cell(None, bucket.refs, gap) for column in SPECS[name].columns}
    return Row(bucket.region, bucket.purpose, bucket_label(source, bucket), cells)
