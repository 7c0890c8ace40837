"""What watches a region: AWS Config's recorders, and rules of EventBridge on security events."""

from __future__ import annotations

from typing import Any

from kit.bounds import ANSWER, parse_json
from kit.calls import DESCRIBE_CONFIGURATION_RECORDERS, LIST_RULES
from kit.snapshot import Snapshot
from kit.tables.cells import UNSEEN, Cell, derive, known_all, known_any, member, one_of
from kit.tables.core import Column

# Sources of security findings, and AppStream itself. CloudTrail's events of AppStream's API have
# their service in the detail: https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
WATCHED = (
    "aws.access-analyzer",
    "aws.appstream",
    "aws.guardduty",
    "aws.macie",
    "aws.securityhub",
)
_APPSTREAM = "appstream.amazonaws.com"
_FAILED, _RECORDS = "failure", ("pending", "success", "notapplicable")
COLUMNS = {
    "config_recording": Column(calls=(DESCRIBE_CONFIGURATION_RECORDERS,)),
    "alerting": Column(calls=(LIST_RULES,)),
    "alarm_evidence": Column(quoted=True),
}


def watching(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Return the cells of `COLUMNS` of a region."""
    return {
        "config_recording": _recording(snapshot, region),
        "alerting": _alerting(snapshot, region),
        "alarm_evidence": Cell(snapshot.run.alarm_evidence, ("parameters#/alarm_evidence",)),
    }


def _recording(snapshot: Snapshot, region: str) -> Cell:
    """Return whether a recorder of the account's own records and did not fail to deliver.

    A recorder with a service principal is a service's own and records what that service needs.
    """
    answer = snapshot.answer(DESCRIBE_CONFIGURATION_RECORDERS, region)
    cells = [Cell(False, answer.evidence, answer.trouble)]
    for item, ref in answer.items():
        if item.get("servicePrincipal"):
            continue
        on = member(item, ref, "recording", UNSEEN, answer.call)
        status = member(item, ref, "lastStatus", UNSEEN, answer.call)
        status = one_of(derive(str.casefold, status), (_FAILED, *_RECORDS))
        delivers = derive(lambda status: status != _FAILED, status)
        cells.append(known_all((on, delivers)))
    return known_any(cells)


def _alerting(snapshot: Snapshot, region: str) -> Cell:
    """Return which of `WATCHED` an enabled rule matches; AWS's own rules do not count."""
    answer = snapshot.answer(LIST_RULES, region)
    found, refs = set[str](), list[str]()
    for item, ref in answer.items():
        if str(item.get("State")).startswith("ENABLED") and not item.get("ManagedBy"):
            sources = _matched(item.get("EventPattern"))
            found |= sources
            refs += [ref] if sources else []
    if found:
        return Cell(sorted(found), tuple(refs))
    return Cell([], answer.evidence, answer.trouble)


def _matched(pattern: str | None) -> set[str]:
    """Return the watched sources that a pattern names, as a whole or by how they begin."""
    try:
        read: Any = parse_json(pattern or "{}", ANSWER)
    except ValueError:
        return set()
    if not isinstance(read, dict):
        return set()
    detail = read.get("detail")
    services = detail.get("eventSource") if isinstance(detail, dict) else None
    by_call = {"aws.appstream"} if _fits(services, _APPSTREAM) else set[str]()
    return by_call | {source for source in WATCHED if _fits(read.get("source"), source)}


def _fits(values: Any, source: str) -> bool:
    for value in values if isinstance(values, list) else ():
        prefix = value.get("prefix") if isinstance(value, dict) else None
        if value == source or (isinstance(prefix, str) and source.startswith(prefix)):
            return True
    return False
