"""Events of AppStream in CloudTrail: what was changed, when and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kit.bounds import ANSWER, parse_json
from kit.calls import GET_ACCOUNT_AUTHORIZATION_DETAILS, LOOKUP_EVENTS, Scope
from kit.snapshot import Snapshot
from kit.tables.cells import UNSEEN, Cell, absent_member, member
from kit.tables.core import Column, Row, Source, table

AWS_SERVICE = "a service of AWS"
_READ_ONLY = "true"  # LookupEvents has the flag as a text
_ASSUMED = "assumed-role/"


@table(
    "changes",
    Scope.REGION,
    (LOOKUP_EVENTS,),
    {
        "time": Column("EventTime", UNSEEN, past=True),
        "actor": Column(calls=(GET_ACCOUNT_AUTHORIZATION_DETAILS,)),
        "session": Column(),
        "error": Column(),
    },
)
def changes(source: Source) -> Iterator[Row]:
    """Yield each event read that CloudTrail does not mark as read-only, the newest first.

    Such an operation may change something; one that failed changed nothing. Rows are of the events
    that the kit read, which may be a sample: `kit.tables.logging.events_read` has that in words.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html
    """
    roles = _roles(source.snapshot)
    for answer in source.snapshot.answers(LOOKUP_EVENTS):
        for n, (item, ref) in enumerate(answer.items()):
            if item.get("ReadOnly") == _READ_ONLY:
                continue
            time = member(item, ref, "EventTime", UNSEEN, LOOKUP_EVENTS)
            cells = {"time": time, **_details(source, item, ref, roles)}
            yield Row(answer.region, f"{n:09d}", item.get("EventName") or "event", cells)


def _roles(snapshot: Snapshot) -> Mapping[str, str]:
    """Return the ARNs of the account's roles by their names, which are unique whatever the path."""
    answer = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    return {
        str(role.get("RoleName")): str(role["Arn"]) for role, _ in answer.items() if role.get("Arn")
    }


def _details(
    source: Source, item: Mapping[str, Any], ref: str, roles: Mapping[str, str]
) -> dict[str, Cell]:
    """Return who called the operation, in which session of a role, and the error that AWS returned."""
    event, there = read_event(item.get("CloudTrailEvent")), (f"{ref}/CloudTrailEvent",)
    if not event:
        gap = absent_member(LOOKUP_EVENTS, "CloudTrailEvent", ref)
        return {name: Cell(None, (ref,), gap) for name in ("actor", "session", "error")}
    arn, kind = text_of(event, *PRINCIPAL), text_of(event, *KIND)
    actor, session = Cell(None, there), Cell(None, there)
    partition = account = resource = ""
    match (arn or "").split(":", 5):
        case [_, partition, _, _, account, resource]:
            pass
    if arn and resource.startswith(_ASSUMED):
        role, _, name = resource.removeprefix(_ASSUMED).partition("/")
        own = roles.get(role) if account == source.snapshot.account else None
        identity = own or f"arn:{partition}:iam::{account}:role/{role}"
        actor = Cell(source.labels.label("role", identity, role), there)
        session = Cell(source.labels.label("session", arn, name), there)
    elif resource == "root":
        actor = Cell("root user", there)
    elif arn:
        actor = Cell(source.labels.label("user", arn, arn.rpartition("/")[2]), there)
    elif kind == "AWSService":
        actor = Cell(AWS_SERVICE, there)
    else:
        gap = absent_member(LOOKUP_EVENTS, "userIdentity.arn", ref)
        actor = Cell(None, (ref,), gap)
    return {"actor": actor, "session": session, "error": Cell(text_of(event, *ERROR), there)}


# The texts of an event that the kit reads.
AGENT, PRINCIPAL, TLS = ("userAgent",), ("userIdentity", "arn"), ("tlsDetails", "tlsVersion")
KIND, ERROR = ("userIdentity", "type"), ("errorCode",)


def read_event(text: str | None) -> dict[str, Any]:
    """Return the event's details; empty where these are not a JSON object with such members."""
    try:
        details = parse_json(text or "{}", ANSWER)
        for path in (AGENT, PRINCIPAL, TLS, KIND, ERROR):
            text_of(details, *path)
    except ValueError:
        return {}
    return dict(details)


def text_of(details: Any, *path: str) -> str | None:
    """Return a text of an event; None if the event does not have it.

    Raises
    ------
    ValueError
        The event has something else in its place.
    """
    *outer, last = path
    for name in outer:
        if not isinstance(details, dict):
            raise ValueError(f"{name}: not within an object")
        details = details.get(name) or {}
    if not isinstance(details, dict):
        raise ValueError(f"{last}: not within an object")
    value = details.get(last)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{last}: not a text")
    return value
