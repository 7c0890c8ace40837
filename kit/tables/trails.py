"""What the account's trails and event data stores record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kit.aws.calls import (
    DESCRIBE_ORGANIZATION,
    DESCRIBE_TRAILS,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
)
from kit.snapshot import Answer, Snapshot
from kit.tables.cells import (
    NONE,
    Cell,
    absent_member,
    attached,
    derive,
    known_all,
    known_any,
)
from kit.tables.organisation import held, is_member, manages, seen_by_owner

RECORDER_CALLS = (
    DESCRIBE_TRAILS,
    GET_TRAIL_STATUS,
    GET_EVENT_SELECTORS,
    LIST_EVENT_DATA_STORES,
    GET_EVENT_DATA_STORE,
    DESCRIBE_ORGANIZATION,
)
_APPSTREAM, _S3 = "appstream.amazonaws.com", "s3.amazonaws.com"
_READS, _WRITES = "true", "false"  # as the field readOnly of an event spells it
_SELECTS = {  # members of a basic selector that may be absent
    "IncludeManagementEvents": "EventSelector, IncludeManagementEvents: true unless set",
    "ReadWriteType": "EventSelector, ReadWriteType: All unless set",
}
_CLOSED = {"Equals": [""]}  # stands for a field that has to be there and is not
_DIRECTIONS = {"All": {_READS, _WRITES}, "ReadOnly": {_READS}, "WriteOnly": {_WRITES}}

Selector = dict[str, Any]
Fields = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Recorder:
    """A trail or an event data store: whether it covers a region, works, and what it selects."""

    covers: Cell
    delivers: Cell
    selectors: Cell


def trails_of(snapshot: Snapshot, region: str) -> list[tuple[dict[str, Any], str]]:
    """Trails that cover a region, with their references."""
    return [
        (trail, ref)
        for trail, ref in snapshot.answer(DESCRIBE_TRAILS, region).items()
        if trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == region
    ]


def api_activity(snapshot: Snapshot, region: str) -> Cell:
    """Whether reads and writes of a region's management events are recorded and delivered.

    Those of every service are wanted, AppStream's included, from one trail or event data store.
    """
    return _recorded(snapshot, region, _records_management)


def object_events(snapshot: Snapshot, region: str, bucket_arn: str) -> Cell:
    """Whether reads and writes of every object of a bucket are recorded and delivered."""
    return _recorded(snapshot, region, lambda found: _records_objects(found, bucket_arn))


def _recorded(
    snapshot: Snapshot, region: str, enough: Callable[[dict[str, list[Selector]]], bool]
) -> Cell:
    cells = [
        known_all((recorder.covers, recorder.delivers, derive(enough, recorder.selectors)))
        for recorder in (*_trails(snapshot, region), *_stores(snapshot, region))
    ]
    lists = [
        snapshot.answer(DESCRIBE_TRAILS, region),
        snapshot.answer(LIST_EVENT_DATA_STORES, region),
        *snapshot.answers(LIST_EVENT_DATA_STORES),
    ]
    unlisted = (Cell(False, answer.evidence, answer.trouble) for answer in lists)
    return known_any([*cells, *unlisted, _organisations_stores(snapshot, region, enough)])


def _organisations_stores(
    snapshot: Snapshot, region: str, enough: Callable[[dict[str, list[Selector]]], bool]
) -> Cell:
    """Whether an event data store of the organisation records enough.

    Its management account owns all of them, and no member sees any.
    """
    member = is_member(snapshot)
    if member.gap or not member.value or manages(snapshot):
        return Cell(False, member.refs, member.gap)
    lender = snapshot.organisation
    cells = [
        known_all((store.covers, store.delivers, derive(enough, store.selectors)))
        for store in (_stores(lender, region) if lender else ())
    ]
    shown = known_any(cells)
    if shown.value and not shown.gap:
        return shown
    if lender and manages(lender):
        lists = [Cell(False, a.evidence, a.trouble) for a in lender.answers(LIST_EVENT_DATA_STORES)]
        return known_any([*cells, *lists])
    what = "an event data store of the organisation is seen by its management account alone"
    return Cell(None, member.refs, held(snapshot, what))


def _trails(snapshot: Snapshot, region: str) -> Iterator[Recorder]:
    for trail, ref in trails_of(snapshot, region):
        arn = trail.get("TrailARN")
        status = _status(snapshot, arn)
        quiet = derive(lambda error: not error, attached(status, "LatestDeliveryError", NONE))
        # A trail that has delivered nothing yet has shown nothing yet.
        delivered = derive(bool, attached(status, "LatestDeliveryTime"))
        yield Recorder(
            Cell(True, (ref,)),
            known_all((attached(status, "IsLogging"), quiet, delivered)),
            seen_by_owner(
                _selectors(snapshot, arn),
                snapshot,
                arn,
                partial(_selectors, arn=arn),
            ),
        )


def _status(snapshot: Snapshot, arn: str | None) -> Answer:
    """The status of a trail, as its owner sees it where the account may not."""
    own, lender = snapshot.answer(GET_TRAIL_STATUS, Name=arn), snapshot.organisation
    theirs = lender.answer(GET_TRAIL_STATUS, Name=arn) if lender and own.trouble else None
    return theirs if theirs and not theirs.trouble else own


def _selectors(snapshot: Snapshot, arn: str | None) -> Cell:
    """The selectors of a trail; AWS states the standard ones too, so none at all is a gap."""
    answer = snapshot.answer(GET_EVENT_SELECTORS, TrailName=arn)
    basic = attached(answer, "EventSelectors", NONE)
    advanced = attached(answer, "AdvancedEventSelectors", NONE)
    found = derive(lambda b, a: {"basic": b or [], "advanced": a or []}, basic, advanced)
    if any(not selector.keys() >= _SELECTS.keys() for selector in basic.value or ()):
        found = replace(found, assumed=tuple(_SELECTS.values()))
    if not found.gap and not any(found.value.values()):
        return Cell(None, found.refs, absent_member(answer.call, "EventSelectors", found.refs[0]))
    return found


def _stores(snapshot: Snapshot, region: str) -> Iterator[Recorder]:
    """Event data stores of the region, and those elsewhere that take in all regions."""
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            here = Cell(True, (ref,))
            yield Recorder(
                here if answer.region == region else attached(store, "MultiRegionEnabled"),
                derive(lambda status: status == "ENABLED", attached(store, "Status")),
                derive(
                    lambda found: {"basic": [], "advanced": found},
                    attached(store, "AdvancedEventSelectors"),
                ),
            )


def _records_management(selectors: dict[str, list[Selector]]) -> bool:
    def basic(selector: Selector) -> bool:
        left_out = selector.get("ExcludeManagementEventSources") or ()
        return bool(selector.get("IncludeManagementEvents", True)) and _APPSTREAM not in left_out

    def advanced(fields: Fields) -> bool:
        category, source = fields.pop("eventCategory", _CLOSED), fields.pop("eventSource", {})
        return _lets(category, "Management") and _lets(source, _APPSTREAM) and not fields

    return _reads_and_writes(selectors, basic, advanced)


def _records_objects(selectors: dict[str, list[Selector]], bucket_arn: str) -> bool:
    partition = bucket_arn.partition(":::")[0]
    objects = f"{bucket_arn}/"
    every = {partition, f"{partition}:::", objects}

    def basic(selector: Selector) -> bool:
        return any(
            data.get("Type") == "AWS::S3::Object" and not every.isdisjoint(data.get("Values") or ())
            for data in selector.get("DataResources") or ()
        )

    def advanced(fields: Fields) -> bool:
        category, kind = (fields.pop(name, _CLOSED) for name in ("eventCategory", "resources.type"))
        source, arn = fields.pop("eventSource", {}), fields.pop("resources.ARN", {})
        return (
            _lets(category, "Data")
            and _lets(kind, "AWS::S3::Object")
            and _lets(source, _S3)
            and _lets_all(arn, objects)
            and not fields
        )

    return _reads_and_writes(selectors, basic, advanced)


def _reads_and_writes(
    selectors: dict[str, list[Selector]],
    basic: Callable[[Selector], bool],
    advanced: Callable[[Fields], bool],
) -> bool:
    """Whether the selectors that qualify record both directions between them."""
    directions: set[str] = set()
    for selector in selectors["basic"]:
        if basic(selector):
            directions |= _DIRECTIONS.get(selector.get("ReadWriteType", "All"), set())
    for selector in selectors["advanced"]:
        fields = {field["Field"]: field for field in selector.get("FieldSelectors") or ()}
        read_only = fields.pop("readOnly", {})
        if advanced(fields):
            directions |= {way for way in (_READS, _WRITES) if _lets(read_only, way)}
    return directions == {_READS, _WRITES}


def _lets(field: dict[str, Any], value: str) -> bool:
    """Whether a field selector lets a value through: one selecting operator, no deselecting one."""

    def matched(prefix: str) -> list[bool]:
        return [
            *(value == one for one in field.get(f"{prefix}Equals") or ()),
            *(value.startswith(one) for one in field.get(f"{prefix}StartsWith") or ()),
            *(value.endswith(one) for one in field.get(f"{prefix}EndsWith") or ()),
        ]

    selected, deselected = matched(""), matched("Not")
    return (any(selected) or not selected) and not any(deselected)


def _lets_all(field: dict[str, Any], start: str) -> bool:
    """Whether a field selector lets through everything that begins so."""
    selecting = any(field.get(name) for name in ("Equals", "StartsWith", "EndsWith"))
    selected = any(start.startswith(one) for one in field.get("StartsWith") or ())
    deselected = [
        *(one.startswith(start) for one in field.get("NotEquals") or ()),
        *(
            one.startswith(start) or start.startswith(one)
            for one in field.get("NotStartsWith") or ()
        ),
        *(True for _ in field.get("NotEndsWith") or ()),
    ]
    return (selected or not selecting) and not any(deselected)
