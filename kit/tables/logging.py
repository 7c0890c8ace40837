"""Each region in scope: whether AppStream is used there, what is logged, what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kit.aws.calls import (
    CALLS,
    DESCRIBE_TRAILS,
    GET_CALLER_IDENTITY,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_MACIE_SESSION,
    GET_TRAIL_STATUS,
    LIST_BUCKETS,
    LIST_EVENT_DATA_STORES,
    LOOKUP_EVENTS,
    Call,
    Scope,
)
from kit.aws.session import USER_AGENT
from kit.snapshot import Snapshot
from kit.tables.core import Cell, Column, Default, Row, Source, attached, derive, known_any, table
from kit.tables.storage import BUCKET_SOURCES, buckets_in_scope
from kit.tables.trails import api_activity, trails_of

PROBES = tuple(call for call in CALLS.values() if call.probe)


@table(
    "regions",
    "region",
    Scope.REGION,
    (),
    {
        "in_use": Column("AppStream in use", calls=(*PROBES, LIST_BUCKETS)),
        "holds_buckets": Column("Holds AppStream's buckets", calls=BUCKET_SOURCES),
        "trails": Column("Trails that cover the region", calls=(DESCRIBE_TRAILS,)),
        "api_activity_logged": Column(
            "All management events recorded and delivered",
            calls=(
                DESCRIBE_TRAILS,
                GET_TRAIL_STATUS,
                GET_EVENT_SELECTORS,
                LIST_EVENT_DATA_STORES,
                GET_EVENT_DATA_STORE,
            ),
        ),
        "events_seen": Column("AppStream events seen", calls=(LOOKUP_EVENTS,)),
        "events_with_tls": Column("of these with TLS details", calls=(LOOKUP_EVENTS,)),
        "tls_versions": Column("TLS versions seen", calls=(LOOKUP_EVENTS,)),
        "events_window": Column("Window", calls=(LOOKUP_EVENTS,)),
        "macie": Column("Amazon Macie", calls=(GET_MACIE_SESSION,)),
    },
)
def regions(source: Source) -> Iterator[Row]:
    """One row for each region in scope."""
    snapshot = source.snapshot
    holding = {region for _, region, _ in buckets_in_scope(snapshot).values()}
    for region in snapshot.regions:
        trails = snapshot.answer(DESCRIBE_TRAILS, region)
        yield Row(
            region,
            region,
            region,
            {
                "in_use": _in_use(snapshot, region, holding),
                "holds_buckets": _holds_buckets(snapshot, region, holding),
                "trails": Cell(len(trails_of(snapshot, region)), trails.evidence, trails.trouble),
                "api_activity_logged": api_activity(snapshot, region),
                "macie": attached(
                    snapshot.answer(GET_MACIE_SESSION, region),
                    "status",
                    Default("not enabled", "GetMacieSession: Macie is not enabled"),
                ),
                **_events(snapshot, region),
            },
        )


def _in_use(snapshot: Snapshot, region: str, holding: set[str]) -> Cell:
    """Whether anything of AppStream, or a bucket of its users, is in the region."""
    buckets = snapshot.answer(LIST_BUCKETS)
    here = region in holding
    cells = [Cell(here, buckets.evidence, None if here else buckets.trouble)]
    for call in PROBES:
        answer = snapshot.answer(call, region)
        some = next(answer.items(), None) is not None
        cells.append(Cell(some, answer.evidence, None if some else answer.trouble))
    return known_any(cells)


def _holds_buckets(snapshot: Snapshot, region: str, holding: set[str]) -> Cell:
    """Whether a bucket of AppStream's is in the region, listed or named by something there."""
    here = region in holding
    answers = [snapshot.answer(call, _where(call, region)) for call in BUCKET_SOURCES]
    return known_any(Cell(here, a.evidence, None if here else a.trouble) for a in answers)


def _where(call: Call, region: str) -> str | None:
    return None if call.scope is Scope.ACCOUNT else region


def _events(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Counts over the events looked up, without the collector's own."""
    answer = snapshot.answer(LOOKUP_EVENTS, region)
    own = snapshot.answer(GET_CALLER_IDENTITY).value("Arn")
    events = [
        (item, details)
        for item, _ in answer.items()
        for details in [json.loads(item.get("CloudTrailEvent") or "{}")]
        if not _is_own(details, own)
    ]
    versions = [
        tls["tlsVersion"]
        for _, details in events
        for tls in [details.get("tlsDetails") or {}]
        if "tlsVersion" in tls
    ]
    times = sorted(item["EventTime"] for item, _ in events if "EventTime" in item)
    cut = next((request.cut for request in answer.requests if request.cut), None)
    window = {
        "from": times[0] if times else None,
        "to": times[-1] if times else None,
        "days": snapshot.run.lookback_days,
        "complete": cut is None,
    }
    seen = Cell(len(events), answer.evidence, answer.trouble)
    return {
        "events_seen": seen,
        "events_with_tls": derive(lambda _: len(versions), seen),
        "tls_versions": derive(lambda _: sorted(set(versions)), seen),
        "events_window": derive(lambda _: window, seen),
    }


def _is_own(event: dict[str, Any], own: str | None) -> bool:
    """Whether the collector made the event, by its user agent or by the principal it runs as."""
    principal = (event.get("userIdentity") or {}).get("arn")
    return USER_AGENT in event.get("userAgent", "") or (own is not None and principal == own)
