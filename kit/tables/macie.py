"""What Amazon Macie knows of buckets, and what it found in them."""

from __future__ import annotations

from typing import Any

from kit.calls import (
    DESCRIBE_BUCKETS,
    DESCRIBE_ORGANIZATION,
    GET_AUTOMATED_DISCOVERY_CONFIGURATION,
    GET_FINDING_STATISTICS,
    GET_MACIE_SESSION,
    LIST_CLASSIFICATION_JOBS,
)
from kit.snapshot import Snapshot
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    Default,
    absent_member,
    attached,
    derive,
    known_all,
    member,
)
from kit.tables.core import Column
from kit.tables.organisation import is_member

ON = "ENABLED"
NOT_KNOWN = "not known, for Macie is off"
_OFF = Default("not enabled", "macie")
_SEEN = (GET_MACIE_SESSION, DESCRIBE_BUCKETS)

STATUS_COLUMN = Column(calls=(GET_MACIE_SESSION,))
FINDINGS_COLUMN = Column(
    calls=(*_SEEN, GET_FINDING_STATISTICS),
)
BUCKET_COLUMNS = {
    "macie": STATUS_COLUMN,
    "unencrypted_objects": Column(calls=_SEEN),
    "unknown_objects": Column(calls=_SEEN),
    "macie_error": Column(calls=_SEEN),
    "last_discovery": Column(calls=_SEEN, transient=True, past=True),
    "last_job": Column(calls=(*_SEEN, LIST_CLASSIFICATION_JOBS), transient=True, past=True),
    "left_to_administrator": Column(
        calls=(*_SEEN, GET_AUTOMATED_DISCOVERY_CONFIGURATION, DESCRIBE_ORGANIZATION),
    ),
}


def status(snapshot: Snapshot, region: str) -> Cell:
    """Whether Macie is on in a region: AWS's status, or that it never was."""
    return attached(snapshot.answer(GET_MACIE_SESSION, region), "status", UNSEEN, _OFF)


def known_of(snapshot: Snapshot, bucket: str, region: str) -> dict[str, Cell]:
    """What Macie knows of a bucket; nothing where it is off, for then its inventory stands still.

    Times are ISO 8601, None where there was no analysis that counts: automated discovery that
    does not monitor the bucket any longer, a job that no longer has it or ended in errors.

    References
    ----------
    Amazon Macie API Reference, BucketMetadata.
    """
    on = status(snapshot, region)
    if on.gap or on.value != ON:
        return {"macie": on} | {
            name: Cell(NOT_KNOWN, on.refs, on.gap) for name in BUCKET_COLUMNS if name != "macie"
        }

    found = _found(snapshot, bucket, region)

    def told(path: str, absent: Default | None = UNSEEN) -> Cell:
        if found.gap:
            return found
        return member(found.value, found.refs[0], path, absent, DESCRIBE_BUCKETS)

    # Of a bucket that it may not look at Macie leaves the rest out.
    error = told("errorCode", NONE)
    monitored = told("automatedDiscoveryMonitoringStatus", NONE if error.value else UNSEEN)
    watched = derive(lambda word: word == "MONITORED", monitored)
    last = told("lastAutomatedDiscoveryTime", NONE)
    own = {
        "macie": on,
        # Beyond what JSON's numbers hold, counts are stored as texts.
        "unencrypted_objects": derive(int, told("objectCountByEncryptionType.unencrypted")),
        "unknown_objects": derive(int, told("objectCountByEncryptionType.unknown")),
        "macie_error": error,
        "last_discovery": derive(lambda watched, time: time if watched else None, watched, last),
        "last_job": _last_job(snapshot, region, told("jobDetails", NONE)),
        "left_to_administrator": known_all(
            (derive(lambda watched: not watched, watched), *_others(snapshot, region))
        ),
    }
    lender = snapshot.organisation
    if lender is None or _found(lender, bucket, region).gap:
        return own
    # Whose Macie lists the bucket administers it: what that has analysed counts as well.
    theirs = _analyses(lender, bucket, region)
    latest = {
        name: derive(lambda *times: max(filter(None, times), default=None), own[name], cell)
        for name, cell in theirs.items()
    }
    return own | latest | {"left_to_administrator": derive(lambda *_: False, *theirs.values())}


def _analyses(snapshot: Snapshot, bucket: str, region: str) -> dict[str, Cell]:
    """When automated discovery, and a job, last analysed a bucket; None for never."""
    found = _found(snapshot, bucket, region)

    def told(path: str) -> Cell:
        return member(found.value, found.refs[0], path, NONE, DESCRIBE_BUCKETS)

    return {
        "last_discovery": derive(
            lambda word, time: time if word == "MONITORED" else None,
            told("automatedDiscoveryMonitoringStatus"),
            told("lastAutomatedDiscoveryTime"),
        ),
        "last_job": _last_job(snapshot, region, told("jobDetails")),
    }


def open_findings(snapshot: Snapshot, region: str) -> Cell:
    """How many open findings of high severity there are in AppStream's buckets of a region."""
    on = status(snapshot, region)
    if on.gap or on.value != ON:
        return Cell(NOT_KNOWN, on.refs, on.gap)
    described = snapshot.answer(DESCRIBE_BUCKETS, region)
    if described.trouble:
        return Cell(None, described.evidence, described.trouble)
    answers = snapshot.answers(GET_FINDING_STATISTICS, region)
    if not answers:
        gap = absent_member(DESCRIBE_BUCKETS, "AppStream's buckets", described.evidence[0])
        return Cell(None, described.evidence, gap)
    return derive(
        lambda *groups: sum(map(_high, groups)),
        *(attached(answer, "countsByGroup") for answer in answers),
    )


def _high(groups: list[dict[str, Any]]) -> int:
    # A group that AWS does not name, or does not count, may be one of high severity.
    high = [group for group in groups if group.get("groupKey", "High") == "High"]
    return sum(int(group.get("count", 1)) for group in high)


def _found(snapshot: Snapshot, bucket: str, region: str) -> Cell:
    """The bucket as Macie describes it."""
    answer = snapshot.answer(DESCRIBE_BUCKETS, region)
    for item, ref in answer.items():
        if item.get("bucketName") == bucket:
            return Cell(item, (ref,))
    gap = answer.trouble or absent_member(DESCRIBE_BUCKETS, "the bucket", answer.evidence[0])
    return Cell(None, answer.evidence, gap)


def _last_job(snapshot: Snapshot, region: str, details: Cell) -> Cell:
    """When a job last analysed the bucket, without errors."""
    job = details.value or {}
    has = "TRUE" in (job.get("isDefinedInJob"), job.get("isMonitoredByJob"))
    if details.gap or not has or not job.get("lastJobRunTime"):
        return derive(lambda _: None, details)
    answer = snapshot.answer(LIST_CLASSIFICATION_JOBS, region)
    for item, ref in answer.items():
        if item.get("jobId") == job.get("lastJobId"):
            ended = member(item, ref, "lastRunErrorStatus.code", UNSEEN, LIST_CLASSIFICATION_JOBS)
            return derive(
                lambda job, error: job["lastJobRunTime"] if error == "NONE" else None,
                details,
                ended,
            )
    listed = Cell(None, answer.evidence, answer.trouble)
    return derive(lambda job, _: job["lastJobRunTime"], details, listed)


def _others(snapshot: Snapshot, region: str) -> tuple[Cell, Cell]:
    """Whether the account is in an organisation, and its own discovery off."""
    own = snapshot.answer(GET_AUTOMATED_DISCOVERY_CONFIGURATION, region)
    return (
        is_member(snapshot),
        derive(lambda word: word != ON, attached(own, "status")),
    )
