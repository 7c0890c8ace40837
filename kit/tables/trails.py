"""What the account's trails and event data stores record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.aws.calls import (
    DESCRIBE_TRAILS,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
)
from kit.snapshot import Snapshot
from kit.tables.core import NONE, Cell, Default, attached, derive, known_all, known_any

_QUIET = Default("", "GetTrailStatus: no LatestDeliveryError means that delivery works")
_APPSTREAM = "appstream.amazonaws.com"


def trails_of(snapshot: Snapshot, region: str) -> list[tuple[dict[str, Any], str]]:
    """Trails that cover a region, with their references."""
    return [
        (trail, ref)
        for trail, ref in snapshot.answer(DESCRIBE_TRAILS, region).items()
        if trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == region
    ]


def api_activity(snapshot: Snapshot, region: str) -> Cell:
    """Whether a trail or an event data store records all management events of a region.

    A trail counts if it covers the region, is logging, delivers without error, and records
    reads and writes of every service, AppStream's included.
    """
    listed = snapshot.answer(DESCRIBE_TRAILS, region)
    stores = snapshot.answer(LIST_EVENT_DATA_STORES, region)
    cells = [
        known_all(
            (
                Cell(True, (ref,)),
                is_delivering(snapshot, trail["TrailARN"]),
                derive(_records_management, _selectors(snapshot, trail["TrailARN"])),
            )
        )
        for trail, ref in trails_of(snapshot, region)
    ]
    for item, ref in stores.items():
        answer = snapshot.answer(GET_EVENT_DATA_STORE, EventDataStore=item["EventDataStoreArn"])
        status = attached(answer, "Status")
        selectors = attached(answer, "AdvancedEventSelectors", NONE)
        cells.append(
            known_all(
                (
                    Cell(True, (ref,)),
                    derive(lambda state: state == "ENABLED", status),
                    derive(lambda found: _advanced_management(found or ()), selectors),
                )
            )
        )
    unlisted = [Cell(False, a.evidence, a.trouble) for a in (listed, stores)]
    return known_any([*cells, *unlisted])


def object_events(snapshot: Snapshot, region: str, bucket_arn: str) -> Cell:
    """Whether a delivering trail records reads and writes of every object of a bucket."""
    listed = snapshot.answer(DESCRIBE_TRAILS, region)
    cells = [
        known_all(
            (
                is_delivering(snapshot, trail["TrailARN"]),
                derive(
                    lambda selectors: _records_objects(selectors, bucket_arn),
                    _selectors(snapshot, trail["TrailARN"]),
                ),
            )
        )
        for trail, _ in trails_of(snapshot, region)
    ]
    return known_any([*cells, Cell(False, listed.evidence, listed.trouble)])


def is_delivering(snapshot: Snapshot, arn: str) -> Cell:
    """Whether a trail is logging and its last delivery worked."""
    status = snapshot.answer(GET_TRAIL_STATUS, Name=arn)
    return known_all(
        (
            attached(status, "IsLogging"),
            derive(lambda error: not error, attached(status, "LatestDeliveryError", _QUIET)),
        )
    )


def _selectors(snapshot: Snapshot, arn: str) -> Cell:
    answer = snapshot.answer(GET_EVENT_SELECTORS, TrailName=arn)
    basic = attached(answer, "EventSelectors", NONE)
    advanced = attached(answer, "AdvancedEventSelectors", NONE)
    return derive(lambda b, a: {"basic": b or [], "advanced": a or []}, basic, advanced)


def _records_management(selectors: dict[str, list[dict[str, Any]]]) -> bool:
    return any(
        selector.get("IncludeManagementEvents", True)
        and selector.get("ReadWriteType", "All") == "All"
        and _APPSTREAM not in (selector.get("ExcludeManagementEventSources") or ())
        for selector in selectors["basic"]
    ) or _advanced_management(selectors["advanced"])


def _advanced_management(selectors: Iterable[dict[str, Any]]) -> bool:
    """Whether advanced selectors record reads and writes of AppStream's management events."""
    directions: set[str] = set()
    for selector in selectors:
        fields = _fields(selector)
        if fields.pop("eventCategory", {}).get("Equals") != ["Management"]:
            continue
        direction = fields.pop("readOnly", {}).get("Equals") or ["true", "false"]
        source = fields.pop("eventSource", {})
        if fields or not _lets_appstream_through(source):
            continue
        directions.update(value.lower() for value in direction)
    return directions == {"true", "false"}


def _lets_appstream_through(field: dict[str, Any]) -> bool:
    wanted, refused = field.get("Equals"), field.get("NotEquals") or ()
    return (not wanted or _APPSTREAM in wanted) and _APPSTREAM not in refused


def _records_objects(selectors: dict[str, list[dict[str, Any]]], bucket_arn: str) -> bool:
    objects = f"{bucket_arn}/"
    for selector in selectors["basic"]:
        for data in selector.get("DataResources") or ():
            if data.get("Type") == "AWS::S3::Object" and selector.get("ReadWriteType") in (
                None,
                "All",
            ):
                every = [value for value in data.get("Values") or () if objects.startswith(value)]
                if every:
                    return True
    directions: set[str] = set()
    for selector in selectors["advanced"]:
        fields = _fields(selector)
        if fields.pop("eventCategory", {}).get("Equals") != ["Data"]:
            continue
        if fields.pop("resources.type", {}).get("Equals") != ["AWS::S3::Object"]:
            continue
        direction = fields.pop("readOnly", {}).get("Equals") or ["true", "false"]
        arn = fields.pop("resources.ARN", None)
        covered = arn is None or any(
            objects.startswith(start) for start in arn.get("StartsWith") or ()
        )
        if covered and not fields:
            directions.update(value.lower() for value in direction)
    return directions == {"true", "false"}


def _fields(selector: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        field["Field"]: {k: v for k, v in field.items() if k != "Field" and v}
        for field in selector.get("FieldSelectors") or ()
    }
