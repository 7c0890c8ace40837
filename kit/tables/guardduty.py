"""Amazon GuardDuty: whether it watches a region, and which files it scans for malware."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.calls import (
    GET_DETECTOR,
    GET_MALWARE_PROTECTION_PLAN,
    LIST_DETECTORS,
    LIST_MALWARE_PROTECTION_PLANS,
)
from kit.snapshot import Snapshot
from kit.tables.cells import NONE, UNSEEN, Cell, attached, derive, known_all, known_any
from kit.tables.core import Column

NO_PLAN = "no plan"
ACTIVE, WARNING, ERROR = "ACTIVE", "WARNING", "ERROR"  # a plan's status
_ON = "ENABLED"
_S3 = "Features[?Name=='S3_DATA_EVENTS'].Status | [0]"
_DETECTORS = (LIST_DETECTORS, GET_DETECTOR)
_PLANS = (LIST_MALWARE_PROTECTION_PLANS, GET_MALWARE_PROTECTION_PLAN)
_BUCKET = "ProtectedResource.S3Bucket.BucketName"
_PREFIXES = "ProtectedResource.S3Bucket.ObjectPrefixes"
DETECTOR_COLUMNS = {
    "guardduty": Column(calls=_DETECTORS),
    "s3_protection": Column(calls=_DETECTORS),
}
PLAN_COLUMNS = {
    "malware_plan": Column(calls=_PLANS),
    "folders_not_scanned": Column(calls=_PLANS),
}


def detectors(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Return the cells of `DETECTOR_COLUMNS`: whether a detector is on, and one with S3 Protection.

    A member account has a detector of its own, whoever administers GuardDuty:
    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_concepts.html
    """
    listed = snapshot.answer(LIST_DETECTORS, region)
    none = Cell(False, listed.evidence, listed.trouble)
    on, with_s3 = [none], [none]
    for detector, _ in listed.items():
        answer = snapshot.answer(GET_DETECTOR, region, DetectorId=detector)
        status = derive(lambda status: status == _ON, attached(answer, "Status"))
        s3 = derive(lambda status: status == _ON, attached(answer, _S3))
        on.append(status)
        with_s3.append(known_all((status, s3)))
    return {"guardduty": known_any(on), "s3_protection": known_any(with_s3)}


def malware_plan(
    snapshot: Snapshot, bucket: str, region: str, folders: tuple[str, ...]
) -> dict[str, Cell]:
    """Return the cells of `PLAN_COLUMNS` of a bucket; `NO_PLAN` where none of the region names it.

    Several plans of the bucket count together: the worst status, and all prefixes.
    The account that owns the bucket makes the plan, in the bucket's region:
    https://docs.aws.amazon.com/guardduty/latest/ug/configuring-malware-protection-for-s3-guardduty.html
    """
    listed = snapshot.answer(LIST_MALWARE_PROTECTION_PLANS, region)
    none = Cell(None, listed.evidence, listed.trouble)
    statuses, prefixes = [], []
    for item, _ in listed.items():
        id = item.get("MalwareProtectionPlanId")
        answer = snapshot.answer(GET_MALWARE_PROTECTION_PLAN, region, MalwareProtectionPlanId=id)
        named = attached(answer, _BUCKET, UNSEEN, NONE)
        if named.value == bucket:
            statuses.append(attached(answer, "Status"))
            prefixes.append(attached(answer, _PREFIXES, NONE))
        none = derive(lambda *_: None, none, named)
    if statuses:
        errors = [status for status in statuses if status.value == ERROR]
        return {
            "malware_plan": derive(_worst, *(errors or statuses)),
            "folders_not_scanned": derive(lambda *each: _left_out(folders, each), *prefixes),
        }
    return {
        "malware_plan": derive(lambda _: NO_PLAN, none),
        "folders_not_scanned": derive(lambda _: list(folders), none),
    }


def _worst(*statuses: str) -> str:
    """Return the status that is furthest from "ACTIVE": an unknown one before a warning."""
    return max(statuses, key=lambda status: (status != ACTIVE, status != WARNING, status))


def _left_out(folders: tuple[str, ...], prefixes: Iterable[Any]) -> list[str]:
    """Return the folders that no plan's prefix covers as a whole; no prefixes cover all."""
    covering = tuple(prefix for each in prefixes for prefix in each or ("",))
    return [folder for folder in folders if not folder.startswith(covering)]
