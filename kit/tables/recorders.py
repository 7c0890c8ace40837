"""Trails and event data stores: validation, encryption and retention of their logs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from kit.calls import (
    DESCRIBE_KEY,
    DESCRIBE_TRAILS,
    GET_EVENT_DATA_STORE,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
    Scope,
)
from kit.snapshot import Snapshot, Trouble
from kit.tables.cells import NONE, UNSEEN, Cell, absent_member, attached, derive, member
from kit.tables.core import Column, Row, Source, table
from kit.tables.guards import KEPT_CALLS, Kept, key_state, retention
from kit.tables.organisation import owner_of, seen_by_owner
from kit.tables.trails import TRAIL, kind_of

_KEPT_BY = (*KEPT_CALLS, GET_EVENT_DATA_STORE)
STORE = "event data store"
_STORE_STATES = (
    *("CREATED", "ENABLED", "PENDING_DELETION"),
    *("STARTING_INGESTION", "STOPPING_INGESTION", "STOPPED_INGESTION"),
)


@table(
    "trails",
    Scope.REGION,
    (DESCRIBE_TRAILS,),
    {
        "kind": Column(calls=(DESCRIBE_TRAILS,)),
        "files_validated": Column(calls=(DESCRIBE_TRAILS,)),
        "kms_key": Column(calls=(DESCRIBE_TRAILS,)),
        "key_state": Column(calls=(DESCRIBE_TRAILS, DESCRIBE_KEY)),
        "key_accounts": Column(calls=(DESCRIBE_TRAILS,)),
        "bucket": Column(calls=(DESCRIBE_TRAILS,)),
        "last_digest": Column(calls=(GET_TRAIL_STATUS,), transient=True, past=True),
    },
)
def trails(source: Source) -> Iterator[Row]:
    """Yield a row for each trail, in its home region or the first region in scope that it covers."""
    for trail, ref, region in trails_at_home(source.snapshot):
        cells = _trail(source.snapshot, trail, ref)
        cells["kind"] = Cell(kind_of(trail, source.snapshot), (ref,))
        bucket = member(trail, ref, "S3BucketName", UNSEEN, DESCRIBE_TRAILS)
        cells["bucket"] = derive(lambda name: source.labels.label("bucket", name), bucket)
        yield _trail_row(source, trail, region, cells)


@table(
    "recorders",
    Scope.REGION,
    (DESCRIBE_TRAILS, LIST_EVENT_DATA_STORES),
    {
        "kind": Column(),
        "log_days": Column(calls=_KEPT_BY),
        "log_days_least": Column(calls=_KEPT_BY),
        "log_until": Column(calls=_KEPT_BY),
        "log_until_least": Column(calls=_KEPT_BY),
        "store_state": Column(calls=(GET_EVENT_DATA_STORE,), choices=_STORE_STATES),
        "store_key_state": Column(calls=(GET_EVENT_DATA_STORE, DESCRIBE_KEY)),
        "store_key_accounts": Column(calls=(GET_EVENT_DATA_STORE,)),
    },
)
def recorders(source: Source) -> Iterator[Row]:
    """Yield a row for each trail, as `trails`, and for each event data store."""
    snapshot = source.snapshot
    for trail, ref, region in trails_at_home(snapshot):
        arn = trail.get("TrailARN")
        kept = seen_by_owner(
            _log_files(snapshot, trail, ref),
            snapshot,
            arn,
            partial(_log_files, trail=trail, ref=ref),
        )
        none = Cell(None, (ref,))
        kind = Cell(kind_of(trail, snapshot), (ref,))
        cells = {"kind": kind, "store_state": none, "store_key_state": none}
        cells["store_key_accounts"] = Cell([], none.refs)
        yield _trail_row(source, trail, region, cells | _kept(kept))
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            key = arn or f"{answer.region}/{item.get('Name', '')}"
            label = source.labels.label(STORE, key, item.get("Name"))
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            kept = derive(lambda n: Kept(n, None, n), attached(store, "RetentionPeriod"))
            store_key = attached(store, "KmsKeyId", NONE)
            cells = {
                "kind": Cell(STORE, (ref,)),
                **_kept(kept),
                "store_state": attached(store, "Status"),
                "store_key_state": key_state(snapshot, store_key),
                "store_key_accounts": _other_accounts(store_key, snapshot.account),
            }
            yield Row(answer.region, key, label, cells)


def _kept(kept: Cell) -> dict[str, Cell]:
    return {
        "log_days": derive(lambda kept: kept.days, kept),
        "log_days_least": derive(lambda kept: kept.some_days, kept),
        "log_until": derive(lambda kept: kept.until, kept),
        "log_until_least": derive(lambda kept: kept.some_until, kept),
    }


def _trail_row(source: Source, trail: dict[str, Any], region: str, cells: dict[str, Cell]) -> Row:
    key = trail.get("TrailARN") or f"{region}/{trail.get('Name', '')}"
    return Row(region, key, source.labels.label(TRAIL, key, trail.get("Name")), cells)


def trails_at_home(snapshot: Snapshot) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield every trail once, with its reference and the region of its row."""
    seen: set[str] = set()
    for answer in sorted(snapshot.answers(DESCRIBE_TRAILS), key=lambda answer: answer.region):
        for trail, ref in answer.items():
            home = trail.get("HomeRegion")
            key = trail.get("TrailARN") or f"{home or answer.region}/{trail.get('Name', '')}"
            if key not in seen:
                seen.add(key)
                yield trail, ref, home if home in snapshot.regions else answer.region


def _trail(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> dict[str, Cell]:
    arn = trail.get("TrailARN")
    return {
        name: seen_by_owner(cell, snapshot, arn, partial(_theirs, arn=arn, name=name))
        for name, cell in _trail_cells(snapshot, trail, ref).items()
    }


def _trail_cells(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> dict[str, Cell]:
    arn = trail.get("TrailARN")
    ours = owner_of(arn) == snapshot.account
    # AWS may leave members out for a trail that another account owns.
    key = member(trail, ref, "KmsKeyId", NONE if ours else UNSEEN, DESCRIBE_TRAILS)
    status = snapshot.answer(GET_TRAIL_STATUS, Name=arn)
    return {
        "files_validated": member(trail, ref, "LogFileValidationEnabled", UNSEEN, DESCRIBE_TRAILS),
        "kms_key": derive(bool, key),
        "key_state": key_state(snapshot, key),
        "key_accounts": _other_accounts(key, snapshot.account, owner_of(arn)),
        "last_digest": attached(status, "LatestDigestDeliveryTime"),
    }


def _other_accounts(key: Cell, *accounts: str) -> Cell:
    """Return the account that owns a key, in a list, where it is none of these accounts.

    References
    ----------
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html: ``KmsKeyId`` is the
    key's ARN, and the key may be another account's.
    """
    return derive(lambda arn: sorted({owner_of(arn)} - {"", *accounts}), key)


def _theirs(lender: Snapshot, arn: str | None, name: str) -> Cell:
    """Return a cell of a trail from the organisation's snapshot."""
    for trail, ref, _ in trails_at_home(lender):
        if trail.get("TrailARN") == arn:
            return _trail_cells(lender, trail, ref)[name]
    return Cell(gap=Trouble("not collected", DESCRIBE_TRAILS.name))


def _log_files(snapshot: Snapshot, trail: dict[str, Any], ref: str) -> Cell:
    """Return how long the bucket of a trail keeps its log files, as a `Kept`.

    CloudTrail writes them to ``AWSLogs/ACCOUNT/CloudTrail/``; for an organisation's trail, to
    folders of all its accounts.

    References
    ----------
    CloudTrail User Guide, "Finding your CloudTrail log files".
    """
    bucket, start = trail.get("S3BucketName"), trail.get("S3KeyPrefix")
    if not bucket:
        return Cell(None, (ref,), absent_member(DESCRIBE_TRAILS, "S3BucketName", ref))
    owner = owner_of(trail.get("TrailARN"))
    folder = f"{owner}/CloudTrail/" if owner and trail.get("IsOrganizationTrail") is False else ""
    kept = retention(snapshot, bucket, f"{f'{start}/' if start else ''}AWSLogs/{folder}")
    return derive(lambda _, kept: kept, Cell(bucket, (f"{ref}/S3BucketName",)), kept)
