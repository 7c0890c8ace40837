"""Where data rests: AppStream's resources, buckets, trails, and where copies go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from kit.calls import (
    BUCKET_PREFIX,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_REGIONS,
    DESCRIBE_TRAILS,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    LIST_BUCKETS,
    LIST_COPY_BUCKETS,
    LIST_NAMED_BUCKETS,
    LIST_REGIONS,
    Scope,
)
from kit.catalogue.texts import text
from kit.parameters import appstream_regions
from kit.redact.labels import Labels
from kit.redact.names import shown_bucket
from kit.snapshot import Snapshot, Trouble
from kit.tables.cells import Cell, Default, absent_member, attached, derive, known_any
from kit.tables.core import Column, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.gone import GONE
from kit.tables.guards import ANOTHER, is_own
from kit.tables.logging import PROBES
from kit.tables.organisation import OWN, owner_of, seen_by_owner
from kit.tables.sources import screenshot_buckets
from kit.tables.storage import BUCKET_SOURCES, bucket_label, buckets_in_scope
from kit.tables.trails import OTHERS_TRAIL

SESSIONS, TRAILS = "sessions", "logs of trails"
OTHER_ACCOUNT = "another account, which is not named"
_OLDEST = Default("us-east-1", "bucket_location")
_ALIASES = {"EU": "eu-west-1"}  # GetBucketLocation's spelling for old buckets
_OFF = ("DISABLED", "DISABLING", "not-opted-in")


@table(
    "places",
    Scope.ACCOUNT,
    (*BUCKET_SOURCES, DESCRIBE_IMAGE_BUILDERS),
    {
        "place": Column(
            calls=(
                *PROBES,
                *BUCKET_SOURCES,
                DESCRIBE_TRAILS,
                GET_BUCKET_LOCATION,
                GET_BUCKET_REPLICATION,
            )
        ),
        "holds": Column(),
        "copied_to": Column(calls=(GET_BUCKET_REPLICATION, GET_BUCKET_LOCATION)),
        "copy_buckets": Column(calls=(GET_BUCKET_REPLICATION, GET_BUCKET_LOCATION)),
        "copy_accounts": Column(
            calls=(GET_BUCKET_REPLICATION, LIST_BUCKETS, LIST_COPY_BUCKETS),
        ),
        "bucket_owner": Column(calls=(LIST_BUCKETS, LIST_NAMED_BUCKETS)),
        "not_looked_at": Column(calls=(LIST_REGIONS, DESCRIBE_REGIONS)),
    },
)
def places(source: Source) -> Iterator[Row]:
    """Yield a row for each region in use, and for each bucket of users, agents and trails."""
    elsewhere = regions_not_looked_at(source.snapshot)
    for row in (*_regions(source.snapshot), *_buckets(source), *_trails(source)):
        row.cells["not_looked_at"] = elsewhere
        yield row


def _regions(snapshot: Snapshot) -> Iterator[Row]:
    for region in snapshot.regions:
        answers = [snapshot.answer(call, region) for call in PROBES]
        used = known_any(
            Cell(some, answer.evidence, None if some else answer.trouble)
            for answer in answers
            for some in [next(answer.items(), None) is not None]
        )
        if used.value or used.gap:
            place = Cell(region, used.refs, used.gap)
            accounts = Cell([], used.refs)
            none = Cell({}, used.refs)
            owner = Cell(OWN, used.refs)
            yield _row(f"AppStream in {region}", SESSIONS, place, none, accounts, owner)


def _buckets(source: Source) -> Iterator[Row]:
    snapshot = source.snapshot
    for bucket in (*buckets_in_scope(snapshot), *screenshot_buckets(snapshot)):
        place = _region_of(snapshot, bucket.name, bucket.refs)
        copies = accounts = owner = place
        if bucket.name:
            copies = _copies(snapshot, source.labels, bucket.name, place.value)
            accounts = _copy_accounts(snapshot, bucket.name, place.value)
            owner = _owner(snapshot, bucket.name)
        label = bucket_label(source, bucket)
        yield _row(label, bucket.purpose, place, copies, accounts, owner)


def _trails(source: Source) -> Iterator[Row]:
    snapshot = source.snapshot
    trails: dict[str, tuple[str, str]] = {}
    for region in snapshot.regions:
        answer = snapshot.answer(DESCRIBE_TRAILS, region)
        if answer.trouble:
            unseen = Cell(None, answer.evidence, answer.trouble)
            yield _row(f"any trail of {region}", TRAILS, unseen, unseen, unseen, unseen)
        for trail, ref in answer.items():
            arn = trail.get("TrailARN") or ""
            trails.setdefault(trail.get("S3BucketName") or "", (ref, arn))
    for name, (ref, arn) in trails.items():
        label = source.labels.label("bucket", name) if name else "bucket of a trail"
        at = partial(_region_of, bucket=name, refs=(ref,))
        place = seen_by_owner(at(snapshot), snapshot, arn, at)
        copies = accounts = owner = place
        if name:
            theirs = owner_of(arn) not in ("", snapshot.account)
            owner = Cell(OTHERS_TRAIL, (ref,)) if theirs else _owner(snapshot, name)
            to = partial(_copies, labels=source.labels, bucket=name, region=place.value)
            whose = partial(_copy_accounts, bucket=name, region=place.value)
            copies = seen_by_owner(to(snapshot), snapshot, arn, to)
            accounts = seen_by_owner(whose(snapshot), snapshot, arn, whose)
        yield _row(label, TRAILS, place, copies, accounts, owner)


def _owner(snapshot: Snapshot, bucket: str) -> Cell:
    """Return whether the account owns a bucket; where it does not, no answer names the owner."""
    return derive(lambda own: OWN if own else ANOTHER, is_own(snapshot, bucket))


def _row(label: str, holds: str, place: Cell, copies: Cell, accounts: Cell, owner: Cell) -> Row:
    cells = {
        "place": place,
        "holds": Cell(holds, place.refs),
        "copied_to": derive(lambda regions: sorted({*regions.values()}), copies),
        "copy_buckets": copies,
        "copy_accounts": accounts,
        "bucket_owner": owner,
    }
    return Row(ACCOUNT, label, label, cells)


def _region_of(snapshot: Snapshot, bucket: str, refs: tuple[str, ...]) -> Cell:
    """Return the region of a bucket, from the list of buckets or else from GetBucketLocation."""
    listing = snapshot.answer(LIST_BUCKETS)
    named_in, *_ = refs
    for item, ref in listing.items_with("Name", bucket):
        if item.get("BucketRegion"):
            return Cell(item["BucketRegion"], (*refs, f"{ref}/BucketRegion"))
    refs = (*refs, *listing.evidence)  # the list does not have the bucket
    location = snapshot.answer(GET_BUCKET_LOCATION, Bucket=bucket)
    if bucket and location.requests:
        constraint = attached(location, "LocationConstraint", _OLDEST)
        cell = derive(lambda name: _ALIASES.get(name, name), constraint)
        return replace(cell, refs=(*refs, *constraint.refs))
    asked = snapshot.answer(GET_BUCKET_REPLICATION, Bucket=bucket)
    refused = asked.trouble if asked.requests else None
    gone = refused if refused and refused.code in GONE else None
    left_out = absent_member(LIST_BUCKETS, "the bucket's region", named_in)
    return Cell(None, refs, gone or listing.trouble or refused or left_out)


def _copies(snapshot: Snapshot, labels: Labels, bucket: str, region: str | None) -> Cell:
    """Return the regions of the buckets to which S3 copies a bucket's new objects, by bucket."""
    destinations = _destinations(snapshot, bucket, region)
    if destinations.gap:
        return destinations
    names = [_named(destination) for destination in destinations.value]
    regions = [_region_of(snapshot, name, destinations.refs) for name in names]
    buckets = [shown_bucket(labels, name) for name in names]
    return derive(
        lambda _, *regions: dict(zip(buckets, regions, strict=True)), destinations, *regions
    )


def _copy_accounts(snapshot: Snapshot, bucket: str, region: str | None) -> Cell:
    """Return the other accounts to which S3 copies a bucket's new objects.

    Where a rule names no account, a complete list of the account's buckets shows whether the
    destination is this account's. It does not show which other account owns the destination.
    """
    destinations = _destinations(snapshot, bucket, region)
    if destinations.gap:
        return destinations

    def holder(destination: dict[str, Any]) -> Cell:
        name = _named(destination)
        if destination.get("Account"):
            return Cell(destination["Account"], destinations.refs)
        listing = snapshot.answer(LIST_BUCKETS)
        if not name.startswith(BUCKET_PREFIX):
            listing = snapshot.answer(LIST_COPY_BUCKETS, Prefix=name)
        refs = (*destinations.refs, *listing.evidence)
        if listing.items_with("Name", name):
            return Cell(snapshot.account, refs)
        return Cell(OTHER_ACCOUNT, refs, listing.trouble)

    def others(_: None, *accounts: str) -> list[str]:
        return sorted(set(accounts) - {snapshot.account})

    return derive(others, destinations, *map(holder, destinations.value))


def _destinations(snapshot: Snapshot, bucket: str, region: str | None) -> Cell:
    answer = snapshot.answer(GET_BUCKET_REPLICATION, Bucket=bucket)
    if not answer.requests:
        answer = snapshot.answer(GET_BUCKET_REPLICATION, region, Bucket=bucket)
    if not answer.requests and region and region not in snapshot.regions:
        hint = text("gaps/region_left_out", region=region)
        return Cell(gap=Trouble("not collected", GET_BUCKET_REPLICATION.name, hint=hint))
    path = "ReplicationConfiguration.Rules[?Status!='Disabled'].Destination"
    return attached(answer, path, Default([], "replication"))


def _named(destination: dict[str, Any]) -> str:
    return str(destination.get("Bucket") or "").rpartition(":")[2]


def is_unused(snapshot: Snapshot) -> bool:
    """Return whether AppStream is in use in none of the regions in scope, each of them seen."""
    enabled = {*snapshot.regions} - snapshot.regions_off.keys()
    return bool(enabled) and enabled <= snapshot.regions_unused


def buckets_left_out(snapshot: Snapshot) -> dict[str, int]:
    """Return how many of AppStream's buckets lie in each region outside the run's scope."""
    outside = (bucket.region for bucket in buckets_in_scope(snapshot))
    return dict(Counter(sorted(region for region in outside if region not in snapshot.regions)))


def regions_not_looked_at(snapshot: Snapshot) -> Cell:
    """Return the regions with AppStream that the account has enabled outside the run's scope."""
    for call, state in ((LIST_REGIONS, "RegionOptStatus"), (DESCRIBE_REGIONS, "OptInStatus")):
        answer = snapshot.answer(call)
        if answer.requests and not answer.trouble:
            enabled = {i.get("RegionName") for i, _ in answer.items() if i.get(state) not in _OFF}
            outside = enabled & set(appstream_regions()) - set(snapshot.regions)
            return Cell(sorted(outside), answer.evidence)
    return Cell(None, answer.evidence, answer.trouble)
