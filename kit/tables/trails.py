"""What the account's trails and event data stores record together.

A single recorder is enough for an event, so that no recorder has to record all that the controls
require. The kit applies the selectors to sample events: a sample for each way in which a selector
could treat an event. A working recorder has to record each sample.

References
----------
CloudTrail API Reference, AdvancedFieldSelector, EventSelector, DataResource, GetTrailStatus.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from typing import Any

from kit.aws_models import models
from kit.calls import (
    DESCRIBE_ORGANIZATION,
    DESCRIBE_TRAILS,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
)
from kit.catalogue.texts import text
from kit.snapshot import Snapshot, Trouble
from kit.tables.cells import (
    NONE,
    Cell,
    absent_member,
    attached,
    derive,
    in_the_past,
    known_all,
    known_any,
)
from kit.tables.organisation import held, is_member, manages, owner_of, seen_by_owner

RECORDER_CALLS = (
    DESCRIBE_TRAILS,
    GET_TRAIL_STATUS,
    GET_EVENT_SELECTORS,
    LIST_EVENT_DATA_STORES,
    GET_EVENT_DATA_STORE,
    DESCRIBE_ORGANIZATION,
)
DELIVERY_LIMIT = "max_delivery_age_days"
_DOMAIN = ".amazonaws.com"
_APPSTREAM, _S3 = f"appstream{_DOMAIN}", f"s3{_DOMAIN}"
_KMS, _RDS_DATA = f"kms{_DOMAIN}", f"rdsdata{_DOMAIN}"  # sources that basic selectors may exclude
_OTHER = "\0"  # in a sample: a text that no selector names
_DIRECTIONS = {"All": ["true", "false"], "ReadOnly": ["true"], "WriteOnly": ["false"]}  # readOnly
_API_CALL, _BY_AWS = "AwsApiCall", "AwsServiceEvent"  # eventType
_SELECTS = {  # members of a basic selector that may be absent
    "IncludeManagementEvents": "management_events",
    "ReadWriteType": "read_write_type",
}

TRAIL, OTHERS_TRAIL, NO_TRAIL = "trail", "trail of another account", "no trail"

Selector = Mapping[str, Any]  # an advanced event selector
Event = Mapping[str, str]


@dataclass(frozen=True)
class Recorder:
    """A trail or an event data store: whether it works for a region, and what it selects."""

    works: Cell
    selectors: Cell

    def records(self, event: Event) -> Cell:
        """Whether the recorder records an event."""
        selected = derive(lambda selectors: _select(selectors, event), self.selectors)
        return known_all((self.works, selected))


@dataclass(frozen=True)
class Record:
    """The recorders of a region's events, and gaps that may hide others."""

    recorders: list[Recorder]
    unseen: list[Cell]

    def has(self, event: Event) -> Cell:
        """Whether a recorder records an event."""
        records = [recorder.records(event) for recorder in self.recorders]
        return known_any([*records, *self.unseen])

    def has_all(self, events: Iterable[Event]) -> Cell:
        """Whether the recorders together record all events."""
        return known_all([self.has(event) for event in events])

    def has_every(self, event: Event) -> Cell:
        """Whether they record all reads and writes like an event, by any principal, from anywhere."""
        open_fields = {
            "eventName": self.values("eventName"),
            "readOnly": _DIRECTIONS["All"],
            "sessionCredentialFromConsole": ["true", "false"],
            "userIdentity.arn": self.values("userIdentity.arn"),
        }
        ways = product(*open_fields.values())
        return self.has_all({**event, **dict(zip(open_fields, way, strict=True))} for way in ways)

    def values(
        self, field: str, start: str = "", end: str = "", always: Iterable[str] = ()
    ) -> list[str]:
        """Return sample values of a field: a value for each way in which selectors treat it.

        Parameters
        ----------
        field : str
        start, end : str
            How each value begins and ends.
        always : iterable of str
            Values to return whether or not a selector names them.
        """
        conditions = [
            condition
            for recorder in self.recorders
            for selector in recorder.selectors.value or ()
            for condition in selector.get("FieldSelectors") or ()
            if condition.get("Field") == field
        ]

        def named(operator: str) -> set[str]:
            return {
                value
                for condition in conditions
                for sign in ("", "Not")
                for value in condition.get(sign + operator) or ()
            }

        starts = {start, *(value for value in named("StartsWith") if value.startswith(start))}
        ends = {end, *(value for value in named("EndsWith") if value.endswith(end))}
        exact = {*always, *named("Equals")} - {start}  # no object has an empty key
        return sorted(
            {value for value in exact if value.startswith(start) and value.endswith(end)}
            | {f"{first}{_OTHER}{last}" for first in starts for last in ends}
        )


def trails_of(snapshot: Snapshot, region: str) -> list[tuple[dict[str, Any], str]]:
    """Return the trails that cover a region, with their references."""
    return [
        (trail, ref)
        for trail, ref in snapshot.answer(DESCRIBE_TRAILS, region).items()
        if trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == region
    ]


def kind_of(trail: Mapping[str, Any], snapshot: Snapshot) -> str:
    """Return whether a trail is the account's own; a member account sees its organisation's too."""
    is_own = owner_of(trail.get("TrailARN")) in ("", snapshot.account)
    return TRAIL if is_own else OTHERS_TRAIL


def trail_kind(snapshot: Snapshot, region: str) -> Cell:
    """Return the kind of a region's trails: the account's own where it has one, else another's."""
    answer = snapshot.answer(DESCRIBE_TRAILS, region)
    kinds = {kind_of(trail, snapshot) for trail, _ in trails_of(snapshot, region)}
    first = next((kind for kind in (TRAIL, OTHERS_TRAIL) if kind in kinds), NO_TRAIL)
    return Cell(first, answer.evidence, None if first == TRAIL else answer.trouble)


def api_activity(snapshot: Snapshot, region: str, keys_in_use: Cell) -> dict[str, Cell]:
    """Return whether recorders record the reads and writes of a region's management events.

    Parameters
    ----------
    snapshot : Snapshot
    region : str
    keys_in_use : Cell
        Whether a customer's key encrypts a bucket in scope: only then do recorders need KMS.
    """
    record = _record(snapshot, region)
    sources = [
        source
        for source in record.values(
            "eventSource", end=_DOMAIN, always=(_APPSTREAM, _KMS, _RDS_DATA)
        )
        if "." not in source.removesuffix(_DOMAIN)  # a service is a single word before it
    ]
    kinds = record.values("eventType", always=(_API_CALL, _BY_AWS))

    def recorded(source: str, kinds: Iterable[str]) -> Cell:
        event = {"eventCategory": "Management", "eventSource": source}
        return known_all([record.has_every({**event, "eventType": kind}) for kind in kinds])

    calls = {source: recorded(source, [_API_CALL]) for source in sources}
    events = {source: recorded(source, kinds) for source in sources}

    def left_out(*values: bool) -> list[str]:
        seen = dict(zip([*product(("calls", "events"), sources)], values, strict=True))
        missed = {source for source in sources if not seen["calls", source]}
        others = set()
        if missed - _services():  # somebody may have written another name into a selector
            others.add("other services")
        if any(not seen["events", source] for source in sources if source not in missed):
            others.add("events that are no calls of an API")
        return [*sorted(missed & _services()), *sorted(others)]

    needed = {
        source: known_any((derive(lambda used: not used, keys_in_use), cell))
        if source == _KMS
        else cell
        for source, cell in events.items()
        if source not in (_APPSTREAM, _RDS_DATA)
    }
    return {
        "api_activity_logged": calls[_APPSTREAM],
        "services_logged": known_all(needed.values()),
        "left_out": derive(left_out, *calls.values(), *events.values()),
    }


def object_events(snapshot: Snapshot, region: str, bucket_arn: str) -> Cell:
    """Return whether recorders record and deliver the reads and writes of a bucket's objects."""
    record = _record(snapshot, region)
    event = {
        "eventCategory": "Data",
        "resources.type": "AWS::S3::Object",
        "eventSource": _S3,
        "eventType": _API_CALL,
    }
    objects = record.values("resources.ARN", start=f"{bucket_arn}/")
    return known_all([record.has_every({**event, "resources.ARN": arn}) for arn in objects])


@cache
def _services() -> frozenset[str]:
    """Return the names of AWS's services, as events have them."""
    names = (f"{name}{_DOMAIN}" for name in models().get_available_services())
    return frozenset((*names, _RDS_DATA))


def _record(snapshot: Snapshot, region: str) -> Record:
    """Return the recorders of the account, and the event data stores of its organisation.

    An organisation's management account owns all of its stores, and no member sees them.
    """
    recorders = [*_trails(snapshot, region), *_stores(snapshot, region)]
    lists = [
        snapshot.answer(DESCRIBE_TRAILS, region),
        snapshot.answer(LIST_EVENT_DATA_STORES, region),
        *snapshot.answers(LIST_EVENT_DATA_STORES),
    ]
    member, lender = is_member(snapshot), snapshot.organisation
    if member.value and not manages(snapshot):
        recorders += _stores(lender, region) if lender else ()
        if lender and manages(lender):
            lists += lender.answers(LIST_EVENT_DATA_STORES)
        else:
            member = replace(member, gap=held(snapshot, text("gaps/stores_of_organisation")))
    unlisted = [Cell(False, answer.evidence, answer.trouble) for answer in lists]
    return Record(recorders, [*unlisted, Cell(False, member.refs, member.gap)])


def _trails(snapshot: Snapshot, region: str) -> Iterator[Recorder]:
    limit = dt.timedelta(days=getattr(snapshot.profile, DELIVERY_LIMIT))
    for trail, ref in trails_of(snapshot, region):
        arn = trail.get("TrailARN")
        delivers, selectors = partial(_delivers, arn=arn, limit=limit), partial(_selectors, arn=arn)
        works = seen_by_owner(delivers(snapshot), snapshot, arn, delivers)
        yield Recorder(
            known_all((Cell(True, (ref,)), works)),
            seen_by_owner(selectors(snapshot), snapshot, arn, selectors),
        )


def _delivers(snapshot: Snapshot, arn: str | None, limit: dt.timedelta) -> Cell:
    """Return whether a trail logs, and delivered without error within the limit."""
    status = snapshot.answer(GET_TRAIL_STATUS, Name=arn)
    quiet = derive(lambda error: not error, attached(status, "LatestDeliveryError", NONE))
    # A trail that has delivered nothing yet does not prove delivery.
    delivered = in_the_past(attached(status, "LatestDeliveryTime"), snapshot.as_of)

    def recent(time: str) -> bool:
        return snapshot.as_of - dt.datetime.fromisoformat(time) <= limit

    newly = derive(recent, delivered)
    if newly.value is False:
        # Management events never cease, for the collector makes some; data events may.
        selectors = _selectors(snapshot, arn)
        ceaseless = derive(lambda value: any(map(_is_about_management, value)), selectors)
        gap = ceaseless.gap or Trouble(
            "needs review",
            GET_TRAIL_STATUS.name,
            hint=text("gaps/quiet_trail", day=delivered.value[:10]),
        )
        newly = newly if ceaseless.value else Cell(None, newly.refs, gap)
    return known_all((attached(status, "IsLogging"), quiet, newly))


def _selectors(snapshot: Snapshot, arn: str | None) -> Cell:
    """Return the selectors of a trail, as advanced selectors.

    AWS returns the default selectors too, so an answer without selectors is a gap.
    """
    answer = snapshot.answer(GET_EVENT_SELECTORS, TrailName=arn)
    basic = attached(answer, "EventSelectors", NONE)
    advanced = attached(answer, "AdvancedEventSelectors", NONE)

    def all_advanced(
        basic: list[Selector] | None, advanced: list[Selector] | None
    ) -> list[Selector]:
        converted = (selector for each in basic or () for selector in _advanced(each))
        return [*converted, *(advanced or ())]

    cell = derive(all_advanced, basic, advanced)
    if any(not selector.keys() >= _SELECTS.keys() for selector in basic.value or ()):
        cell = replace(cell, assumed=tuple(_SELECTS.values()))
    if not cell.gap and not basic.value and not advanced.value:
        return Cell(None, cell.refs, absent_member(answer.call, "EventSelectors", answer.first))
    return cell


def _advanced(basic: Mapping[str, Any]) -> Iterator[Selector]:
    """Yield advanced event selectors that select the events of a basic selector."""
    ways = {"Field": "readOnly", "Equals": _DIRECTIONS.get(basic.get("ReadWriteType", "All"), [""])}

    def selector(**fields: dict[str, list[str]]) -> Selector:
        conditions = [{"Field": name.replace("_", "."), **field} for name, field in fields.items()]
        return {"FieldSelectors": [*conditions, ways]}

    if basic.get("IncludeManagementEvents", True):
        left_out = basic.get("ExcludeManagementEventSources") or []
        yield selector(
            eventCategory={"Equals": ["Management"]}, eventSource={"NotEquals": left_out}
        )
    for data in basic.get("DataResources") or ():
        # A value names a bucket with a slash behind it, or all buckets by the start of their ARNs:
        # https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html
        values = [
            value
            for value in data.get("Values") or ()
            if "/" in value or value.endswith(":::") or value.count(":") == 2
        ]
        yield selector(
            eventCategory={"Equals": ["Data"]},
            resources_type={"Equals": [data.get("Type", "")]},
            resources_ARN={"StartsWith": values} if values else {"Equals": [""]},
        )


def _stores(snapshot: Snapshot, region: str) -> Iterator[Recorder]:
    """Yield the event data stores of the region, and multi-region stores of other regions."""
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            here = Cell(True, (ref,))
            covers = here if answer.region == region else attached(store, "MultiRegionEnabled")
            enabled = derive(lambda status: status == "ENABLED", attached(store, "Status"))
            yield Recorder(known_all((covers, enabled)), attached(store, "AdvancedEventSelectors"))


def _select(selectors: Iterable[Selector], event: Event) -> bool:
    """Return whether any selector selects an event."""
    return any(_selects(selector, event) for selector in selectors)


def _selects(selector: Selector, event: Event) -> bool:
    """Return whether a selector selects an event: it names the needed fields, and all match."""
    conditions = selector.get("FieldSelectors") or ()
    named = {condition["Field"] for condition in conditions}
    needed = {"eventCategory", "resources.type"} & event.keys()
    return needed <= named <= event.keys() and all(
        _matches(condition, event[condition["Field"]]) for condition in conditions
    )


def _is_about_management(selector: Selector) -> bool:
    return any(
        condition["Field"] == "eventCategory" and _matches(condition, "Management")
        for condition in selector.get("FieldSelectors") or ()
    )


def _matches(condition: Mapping[str, Any], value: str) -> bool:
    """Return whether a field selector matches a value: an operator selects it, none deselects it."""

    def matched(prefix: str) -> list[bool]:
        return [
            *(value == text for text in condition.get(f"{prefix}Equals") or ()),
            *(value.startswith(text) for text in condition.get(f"{prefix}StartsWith") or ()),
            *(value.endswith(text) for text in condition.get(f"{prefix}EndsWith") or ()),
        ]

    selected, deselected = matched(""), matched("Not")
    return (any(selected) or not selected) and not any(deselected)
