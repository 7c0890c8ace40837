"""Trails and event data stores: whether what they keep can be changed, read, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from kit.aws.calls import (
    DESCRIBE_TRAILS,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_VERSIONING,
    GET_EVENT_DATA_STORE,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
    Scope,
)
from kit.snapshot import Snapshot, Trouble
from kit.tables.cells import NONE, UNSEEN, Cell, absent_member, attached, derive, member
from kit.tables.core import Column, Row, Source, table
from kit.tables.guards import kept_days
from kit.tables.organisation import owner_of, seen_by_owner

TRAIL, STORE = "trail", "event data store"


@table(
    "trails",
    "trail with its home here",
    Scope.REGION,
    (DESCRIBE_TRAILS,),
    {
        "files_validated": Column("Log files validated", calls=(DESCRIBE_TRAILS,)),
        "kms_key": Column("Encrypted with a key of KMS", calls=(DESCRIBE_TRAILS,)),
        "bucket": Column("Delivers to", calls=(DESCRIBE_TRAILS,)),
        "last_digest": Column("Last digest delivered", calls=(GET_TRAIL_STATUS,), transient=True),
    },
)
def trails(source: Source) -> Iterator[Row]:
    """A row for each trail, at its home; in the first region it covers if that is not in scope."""
    for trail, ref, region in trails_at_home(source.snapshot):
        cells = _trail(source.snapshot, trail, ref)
        bucket = member(trail, ref, "S3BucketName", UNSEEN, DESCRIBE_TRAILS)
        cells["bucket"] = derive(lambda name: source.labels.label("bucket", name), bucket)
        yield _trail_row(source, trail, region, cells)


@table(
    "recorders",
    "trail with its home here, or event data store",
    Scope.REGION,
    (DESCRIBE_TRAILS, LIST_EVENT_DATA_STORES),
    {
        "kind": Column("Kind"),
        "log_days": Column(
            "Kept for (days)",
            calls=(
                GET_BUCKET_LIFECYCLE_CONFIGURATION,
                GET_BUCKET_VERSIONING,
                GET_EVENT_DATA_STORE,
            ),
        ),
    },
)
def recorders(source: Source) -> Iterator[Row]:
    """A row for each trail, as above, and for each event data store."""
    snapshot = source.snapshot
    for trail, ref, region in trails_at_home(snapshot):
        arn = trail.get("TrailARN")
        days = seen_by_owner(
            _bucket_days(snapshot, trail, ref),
            snapshot,
            arn,
            partial(_bucket_days, trail=trail, ref=ref),
        )
        cells = {"kind": Cell(TRAIL, (ref,)), "log_days": days}
        yield _trail_row(source, trail, region, cells)
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            key = arn or f"{answer.region}/{item.get('Name', '')}"
            label = source.labels.label(STORE, key, item.get("Name"))
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            days = attached(store, "RetentionPeriod")
            yield Row(answer.region, key, label, {"kind": Cell(STORE, (ref,)), "log_days": days})


def _trail_row(source: Source, trail: dict[str, Any], region: str, cells: dict[str, Cell]) -> Row:
    key = trail.get("TrailARN") or f"{region}/{trail.get('Name', '')}"
    return Row(region, key, source.labels.label(TRAIL, key, trail.get("Name")), cells)


def trails_at_home(snapshot: Snapshot) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield every trail once, with its reference and the region in which it is told of."""
    seen: set[str] = set()
    for answer in sorted(snapshot.answers(DESCRIBE_TRAILS), key=lambda answer: answer.region):
        for trail, ref in answer.items():
            home = trail.get("HomeRegion")
            known = trail.get("TrailARN") or f"{home or answer.region}/{trail.get('Name', '')}"
            if known not in seen:
                seen.add(known)
                yield trail, ref, home if home in snapshot.regions else answer.region


def _trail(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> dict[str, Cell]:
    arn = trail.get("TrailARN")
    own = _own_trail(snapshot, trail, ref)
    return {
        name: seen_by_owner(cell, snapshot, arn, partial(_theirs, arn=arn, name=name))
        for name, cell in own.items()
    }


def _own_trail(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> dict[str, Cell]:
    arn = trail.get("TrailARN")
    ours = owner_of(arn) in ("", snapshot.account)
    # Of a trail of another account's nobody knows whether AWS tells all there is.
    key = member(trail, ref, "KmsKeyId", NONE if ours else UNSEEN, DESCRIBE_TRAILS)
    status = snapshot.answer(GET_TRAIL_STATUS, Name=arn)
    return {
        "files_validated": member(trail, ref, "LogFileValidationEnabled", UNSEEN, DESCRIBE_TRAILS),
        "kms_key": derive(bool, key),
        "last_digest": attached(status, "LatestDigestDeliveryTime", NONE),
    }


def _theirs(lender: Snapshot, arn: str | None, name: str) -> Cell:
    """A cell of a trail as the organisation's snapshot shows it."""
    for trail, ref, _ in trails_at_home(lender):
        if trail.get("TrailARN") == arn:
            return _own_trail(lender, trail, ref)[name]
    return Cell(gap=Trouble("not collected", DESCRIBE_TRAILS.name))


def _bucket_days(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> Cell:
    bucket, prefix = trail.get("S3BucketName"), trail.get("S3KeyPrefix")
    if not bucket:
        return Cell(None, (ref,), absent_member(DESCRIBE_TRAILS, "S3BucketName", ref))
    days = kept_days(snapshot, bucket, f"{prefix}/AWSLogs/" if prefix else "AWSLogs/")
    return derive(lambda _, days: days, Cell(bucket, (f"{ref}/S3BucketName",)), days)
