"""CloudTrail: trails, event history with TLS details, and event data stores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

HISTORY = dt.timedelta(days=90)
ATTRIBUTES = {
    "EventId": "EventId",
    "EventName": "EventName",
    "EventSource": "EventSource",
    "ReadOnly": "ReadOnly",
    "Username": "Username",
    "AccessKeyId": "AccessKeyId",
}


def _trails(call: Call, *, shadows: bool) -> list[Item]:
    """Return the trails of the region, and other regions' multi-region trails if `shadows`."""
    return [
        trail
        for region in call.account.regions("cloudtrail")
        for trail in call.account.declared("cloudtrail", "trailList", region)
        if region == call.region or (shadows and trail.get("IsMultiRegionTrail"))
    ]


def _trail(call: Call, name: str) -> Item:
    """Return the trail that a request names; a name alone is of the account and the region.

    https://github.com/turbot/steampipe-plugin-aws/issues/577 has CloudTrail's messages.
    """
    arn = f"arn:aws:cloudtrail:{call.region}:{call.account.id}:trail/{name}"
    for trail in _trails(call, shadows=True):
        if trail["TrailARN"] in (name, arn):
            return trail
    raise AWSError(
        "TrailNotFoundException", f"Unknown trail: {name} for the user: {call.account.id}"
    )


def own_trail(call: Call, name: str) -> Item:
    """Return a trail of the account, or raise CloudTrail's error.

    A member account sees its organisation's trail, and changes nothing of it:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html
    """
    trail = _trail(call, name)
    if f":{call.account.id}:" not in trail["TrailARN"]:
        message = "AccountID in ARN is wrong, you can only access resources with AccountID "
        raise AWSError("CloudTrailARNInvalidException", f"{message}{call.account.id}.")
    return trail


@answers("cloudtrail", "DescribeTrails")
def describe_trails(call: Call) -> dict[str, Any]:
    """List trails, also shadow trails of other regions unless the request excludes them."""
    names = call.parameters.get("trailNameList")
    if names:
        trails = _trails(call, shadows=True)
        return {"trailList": [t for t in trails if t["TrailARN"] in names or t["Name"] in names]}
    return {"trailList": _trails(call, shadows=call.parameters.get("includeShadowTrails", True))}


@answers("cloudtrail", "GetTrailStatus")
def get_trail_status(call: Call) -> dict[str, Any]:
    """Return whether a trail is logging, and its last delivery."""
    return dict(_trail(call, call.parameters["Name"]).beside["Status"])


@answers("cloudtrail", "GetEventSelectors")
def get_event_selectors(call: Call) -> dict[str, Any]:
    """Return a trail's selectors; member accounts cannot read those of an organisation's trail."""
    trail = own_trail(call, call.parameters["TrailName"])
    kinds = ("EventSelectors", "AdvancedEventSelectors")
    return {"TrailARN": trail["TrailARN"]} | {
        k: trail.beside[k] for k in kinds if k in trail.beside
    }


@answers("cloudtrail", "LookupEvents")
def lookup_events(call: Call) -> dict[str, Any]:
    """List the region's management events of the last 90 days, newest first."""
    parameters = call.parameters
    wanted = parameters.get("LookupAttributes", [])
    if len(wanted) > 1:
        message = "Only one lookup attribute may be given."
        raise AWSError("InvalidLookupAttributesException", message)
    earliest, latest = call.world.now - HISTORY, dt.datetime.max.replace(tzinfo=dt.UTC)
    start, end = (_aware(parameters.get(k)) for k in ("StartTime", "EndTime"))
    if start and end and start > end:
        raise AWSError("InvalidTimeRangeException", "The start time is later than the end time.")
    events = [
        event
        for event in sorted(call.declared("Events"), key=_time, reverse=True)
        if max(earliest, start or earliest) <= _time(event) <= (end or latest)
        and all(_has(event, w["AttributeKey"], w["AttributeValue"]) for w in wanted)
    ]
    if parameters.get("EventCategory") == "insight":
        events = []
    return call.page("Events", events, default=50)


def _time(event: Item) -> dt.datetime:
    time: dt.datetime = event["EventTime"]
    return time


def _aware(time: dt.datetime | None) -> dt.datetime | None:
    return time.replace(tzinfo=dt.UTC) if time and time.tzinfo is None else time


def _has(event: Item, key: str, value: str) -> bool:
    if key in ATTRIBUTES:
        return bool(event.get(ATTRIBUTES[key]) == value)
    return any(resource.get(key) == value for resource in event.get("Resources", []))


@answers("cloudtrail", "ListEventDataStores")
def list_event_data_stores(call: Call) -> dict[str, Any]:
    """List event data stores; AWS now returns little more than name and ARN."""
    members = ("EventDataStoreArn", "Name")
    stores = [{k: s[k] for k in members} for s in call.declared("EventDataStores")]
    return call.page("EventDataStores", stores)


@answers("cloudtrail", "GetEventDataStore")
def get_event_data_store(call: Call) -> dict[str, Any]:
    """Describe the event data store with an ARN."""
    return dict(store_of(call))


def store_of(call: Call) -> Item:
    """Return the event data store that a request names, or raise CloudTrail's error."""
    arn = call.parameters["EventDataStore"]
    for store in call.declared("EventDataStores"):
        if arn in (store["EventDataStoreArn"], store["EventDataStoreArn"].rsplit("/", 1)[1]):
            return store
    raise AWSError("EventDataStoreNotFoundException", f"Event data store {arn} was not found.")
