"""What watches a region: AWS Config's recorders, and rules of EventBridge on security events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.access.patterns import covers
from kit.bounds import ANSWER, parse_json
from kit.calls import DESCRIBE_CONFIGURATION_RECORDERS, LIST_RULES
from kit.snapshot import Snapshot
from kit.tables.cells import UNSEEN, Cell, derive, known_all, known_any, member, one_of
from kit.tables.core import Column

# Sources of security findings, and AppStream itself, with the detail types of their events.
# CloudTrail's events of AppStream's API have their service in the detail:
# https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
WATCHED = {
    "aws.access-analyzer": (
        "Access Analyzer Finding",
        "Internal Access Finding",
        "Unused Access Finding for IAM entities",
    ),
    "aws.appstream": ("AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"),
    "aws.guardduty": ("GuardDuty Finding", "GuardDuty Malware Protection Object Scan Result"),
    "aws.macie": ("Macie Finding",),
    "aws.securityhub": (
        "Findings Imported V2",
        "Security Hub Findings - Custom Action",
        "Security Hub Findings - Imported",
        "Security Hub Insight Results",
    ),
}
_SOURCE, _APPSTREAM = "aws.appstream", "appstream.amazonaws.com"
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
            sources = _matched(item.get("EventPattern"), snapshot.account, region)
            found |= sources
            refs += [ref] if sources else []
    if found:
        return Cell(sorted(found), tuple(refs))
    return Cell([], answer.evidence, answer.trouble)


def _matched(pattern: str | None, account: str, region: str) -> set[str]:
    """Return the watched sources of whose events in a region a pattern matches some."""
    try:
        read: Any = parse_json(pattern or "{}", ANSWER)
    except ValueError:
        return set()
    if not isinstance(read, dict) or not read:
        return set()
    here = {"account": account, "region": region}
    calls = {_SOURCE: {"eventSource": _APPSTREAM}}
    return {
        source
        for source, types in WATCHED.items()
        for type in types
        if _matches(read, {**here, "source": source, "detail-type": type, **calls.get(source, {})})
    }


def _matches(pattern: Mapping[str, Any], event: Mapping[str, str]) -> bool:
    """Return whether a pattern can match an event.

    Of the detail it reads the service alone that CloudTrail names in events of its own. A pattern that
    names resources is one about other events.

    References
    ----------
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
    """
    for name, wanted in pattern.items():
        if name == "detail":
            services = wanted.get("eventSource") if isinstance(wanted, dict) else None
            fits = services is None or _fits(services, event.get("eventSource", ""))
        elif name == "$or":
            fits = any(isinstance(one, dict) and _matches(one, event) for one in _listed(wanted))
        else:
            fits = _fits(wanted, event.get(name, ""))
        if not fits:
            return False
    return True


def _fits(values: Any, text: str) -> bool:
    """Return whether any of a pattern's values matches a text; an empty text is an absent one."""
    return any(_fits_one(value, text) for value in (values if isinstance(values, list) else ()))


def _fits_one(value: Any, text: str) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return value == text and text != ""
    ((operator, operand),) = value.items()
    if operator == "exists":
        return bool(text) is operand
    if not text:
        return False
    if operator == "anything-but":
        others = _listed(operand)
        if isinstance(operand, dict) and len(operand) == 1:
            ((operator, operand),) = operand.items()
            others = [{operator: one} for one in _listed(operand)]
        return not _fits(others, text)
    if isinstance(operand, dict):  # {"prefix": {"equals-ignore-case": ...}}
        operand, text = str(operand.get("equals-ignore-case", "\0")).casefold(), text.casefold()
    if not isinstance(operand, str):
        return False
    tests = {
        "prefix": text.startswith(operand),
        "suffix": text.endswith(operand),
        "equals-ignore-case": text.casefold() == operand.casefold(),
        "wildcard": covers(operand.replace("?", "\0"), text),
    }
    return tests.get(operator, False)


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]
