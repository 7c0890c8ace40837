"""Regions in scope: use of AppStream, recorders, events, Macie, GuardDuty, analyzers, exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.calls import (
    CALLS,
    DESCRIBE_IMAGE_ATTRIBUTE,
    DESCRIBE_KEY,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_TRAILS,
    GET_BUCKET_ENCRYPTION,
    GET_CALLER_IDENTITY,
    LIST_ANALYZERS,
    LIST_BUCKETS,
    LIST_EXPORT_IMAGE_TASKS,
    LOOKUP_EVENTS,
    Call,
    Scope,
)
from kit.catalogue.texts import text
from kit.maker import KIT
from kit.snapshot import Answer, Snapshot, Trouble
from kit.tables import transport, watching
from kit.tables.analyzers import FINDINGS_COLUMNS, analyzer, external_findings
from kit.tables.cells import Cell, attached, derive, known_any
from kit.tables.core import SPECS, Column, Part, Row, Source, table
from kit.tables.events import AGENT, PRINCIPAL, TLS, read_event, text_of
from kit.tables.guardduty import DETECTOR_COLUMNS, detectors
from kit.tables.guards import encryption
from kit.tables.images import amis_open_to, exports
from kit.tables.macie import FINDINGS_COLUMN, STATUS_COLUMN, open_findings, status
from kit.tables.sources import screenshot_buckets
from kit.tables.storage import BUCKET_SOURCES, buckets_in_scope, no_name
from kit.tables.trails import DELIVERY_LIMIT, RECORDER_CALLS, api_activity, trails_of

PROBES = tuple(call for call in CALLS.values() if call.probe)
NOT_ASKED = "not asked"
IN_USE = Part("in_use", "in_use")
HOLDS_BUCKETS = Part("holds_buckets", "holds_buckets")
_EVENTS = (LOOKUP_EVENTS, GET_CALLER_IDENTITY)


@table(
    "regions",
    Scope.REGION,
    (),
    {
        "in_use": Column(calls=(*PROBES, LIST_BUCKETS)),
        "holds_buckets": Column(calls=BUCKET_SOURCES),
        "trails": Column(calls=(DESCRIBE_TRAILS,)),
        "api_activity_logged": Column(
            calls=RECORDER_CALLS,
            thresholds=(DELIVERY_LIMIT,),
        ),
        "services_logged": Column(
            calls=(*RECORDER_CALLS, *BUCKET_SOURCES, GET_BUCKET_ENCRYPTION, DESCRIBE_KEY),
            thresholds=(DELIVERY_LIMIT,),
        ),
        "left_out": Column(calls=RECORDER_CALLS),
        "events_seen": Column(calls=_EVENTS, transient=True, sample="events_read"),
        "events_with_tls": Column(calls=_EVENTS, transient=True, sample="events_read"),
        "events_unread": Column(calls=_EVENTS, transient=True, sample="events_read"),
        "tls_versions": Column(calls=_EVENTS, transient=True, sample="events_read"),
        "events_window": Column(calls=_EVENTS, transient=True),
        "events_read": Column(calls=_EVENTS, transient=True),
        "macie": STATUS_COLUMN,
        "open_findings": FINDINGS_COLUMN,
        "analyzer": Column(calls=(LIST_ANALYZERS, DESCRIBE_ORGANIZATION)),
        "exports": Column(calls=(LIST_EXPORT_IMAGE_TASKS,), past=True),
        "amis_open_to": Column(
            calls=(LIST_EXPORT_IMAGE_TASKS, DESCRIBE_IMAGE_ATTRIBUTE, DESCRIBE_ORGANIZATION)
        ),
        **FINDINGS_COLUMNS,
        **DETECTOR_COLUMNS,
        **watching.COLUMNS,
        **transport.COLUMNS,
    },
)
def regions(source: Source) -> Iterator[Row]:
    """Yield a row for each region in scope."""
    snapshot = source.snapshot
    holding = {bucket.region for bucket in buckets_in_scope(snapshot)}
    unused = Cell(gap=Trouble(NOT_ASKED, hint=text("gaps/not_in_use")))
    for region in snapshot.regions:
        use = {
            "in_use": _in_use(snapshot, region, holding),
            "holds_buckets": _holds_buckets(snapshot, region, holding),
        }
        if region in snapshot.regions_unused:
            others = {name: unused for name in SPECS["regions"].columns if name not in use}
        else:
            others = _collected(source, region)
        yield Row(region, region, region, use | others)


def _collected(source: Source, region: str) -> dict[str, Cell]:
    """Return the other cells of a region in which AppStream is in use."""
    snapshot = source.snapshot
    trails = snapshot.answer(DESCRIBE_TRAILS, region)
    return {
        "trails": Cell(len(trails_of(snapshot, region)), trails.evidence, trails.trouble),
        **api_activity(snapshot, region, _keys_in_use(snapshot, region)),
        "macie": status(snapshot, region),
        "open_findings": open_findings(snapshot, region),
        "analyzer": analyzer(snapshot, region),
        "exports": exports(snapshot, region),
        "amis_open_to": amis_open_to(snapshot, region),
        **external_findings(source, region),
        **detectors(snapshot, region),
        **watching.watching(snapshot, region),
        **transport.transport(source, region),
        **_events(snapshot, region),
    }


def _in_use(snapshot: Snapshot, region: str, holding: set[str]) -> Cell:
    """Return whether the region has an AppStream resource, or a bucket of its users."""
    buckets = snapshot.answer(LIST_BUCKETS)
    here = region in holding
    cells = [Cell(here, buckets.evidence, None if here else buckets.trouble)]
    for call in PROBES:
        answer = snapshot.answer(call, region)
        some = next(answer.items(), None) is not None
        cells.append(Cell(some, answer.evidence, None if some else answer.trouble))
    return known_any(cells)


def _holds_buckets(snapshot: Snapshot, region: str, holding: set[str]) -> Cell:
    """Return whether an AppStream bucket is in the region: S3 lists it, or a resource names it."""
    return _holds_any(snapshot, region, here=region in holding)


def _holds_any(snapshot: Snapshot, region: str, *, here: bool) -> Cell:
    answers = [snapshot.answer(call, _where(call, region)) for call in BUCKET_SOURCES]
    return known_any(Cell(here, a.evidence, None if here else a.trouble) for a in answers)


def _keys_in_use(snapshot: Snapshot, region: str) -> Cell:
    """Return whether a customer's key encrypts a bucket in scope: recorders then need KMS."""
    cells = [_holds_any(snapshot, region, here=False)]
    for bucket in (*buckets_in_scope(snapshot), *screenshot_buckets(snapshot)):
        if bucket.region == region:
            kind = (
                encryption(snapshot, bucket.name)["key_class"]
                if bucket.name
                else Cell(None, bucket.refs, no_name(snapshot, bucket))
            )
            cells.append(derive(lambda name: name in ("customer", "foreign"), kind))
    return known_any(cells)


def _where(call: Call, region: str) -> str | None:
    return None if call.scope is Scope.ACCOUNT else region


def events_read(answer: Answer) -> str:
    """Return how many events of AppStream the kit read, of which time, and whether it read all.

    The collector's events are among them. LookupEvents lists the newest first:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
    """
    if answer.trouble:
        return text("events/not_read", reason=text(f"reasons/{answer.trouble.reason}"))
    events = [item for item, _ in answer.items()]
    times = sorted(minute(event["EventTime"]) for event in events if "EventTime" in event)
    span = text("events/span", first=times[0], last=times[-1]) if times else ""
    unread = sum(not read_event(event.get("CloudTrailEvent")) for event in events)
    without = text("events/unread", count=unread) if unread else ""
    counted = text("events/counted", count=len(events))
    described = ", ".join(filter(None, (counted, span, without)))
    if answer.sampled:
        return text("events/newest", events=described)
    return text("events/all", events=described) if events else text("events/none")


def minute(time: str) -> str:
    """Return a time of an answer as people read it, to the minute."""
    return time[:16].replace("T", " ")


def _events(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Return counts over the events of LookupEvents, without the collector's events."""
    answer = snapshot.answer(LOOKUP_EVENTS, region)
    caller = attached(snapshot.answer(GET_CALLER_IDENTITY), "Arn")
    read = [(item, read_event(item.get("CloudTrailEvent"))) for item, _ in answer.items()]
    unread = sum(not details for _, details in read)
    events = [
        (item, details)
        for item, details in read
        if details and not _is_collectors(details, caller.value)
    ]
    versions = [
        version
        for _, details in events
        for version in [text_of(details, *TLS)]
        if version is not None
    ]
    times = sorted(item["EventTime"] for item, _ in events if "EventTime" in item)
    window = {
        "first event": times[0] if times else None,
        "last event": times[-1] if times else None,
        "days asked for": snapshot.run.lookback_days,
        "all read": not answer.sampled,
    }
    sample = text("events/sample", part=events_read(answer)) if answer.sampled else ""
    listed = Cell(len(events), answer.evidence, answer.trouble)
    seen = derive(lambda count, _: count, listed, caller)
    return {
        "events_seen": seen,
        "events_with_tls": derive(lambda _: len(versions), seen),
        "events_unread": derive(lambda _: unread, seen),
        "tls_versions": derive(lambda _: sorted(set(versions)), seen),
        "events_window": derive(lambda _: window, seen),
        "events_read": derive(lambda _: sample, seen),
    }


def _is_collectors(event: dict[str, Any], caller: str | None) -> bool:
    """Return whether the collector caused the event, by its user agent or by its principal."""
    principal = text_of(event, *PRINCIPAL)
    agent = text_of(event, *AGENT) or ""
    return KIT in agent or (caller is not None and principal == caller)
