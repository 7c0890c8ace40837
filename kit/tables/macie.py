"""Amazon Macie: its inventory of buckets, its analyses and its findings."""

from __future__ import annotations

from functools import partial
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
_DONE = ("COMPLETE", "IDLE")  # a job that runs once, and one that runs again
_AGAIN = ("RUNNING", "SCHEDULED")  # a run of a recurring job, which has or has not run before
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
    "job_started": Column(calls=(*_SEEN, LIST_CLASSIFICATION_JOBS), transient=True, past=True),
    "left_to_administrator": Column(
        calls=(*_SEEN, GET_AUTOMATED_DISCOVERY_CONFIGURATION, DESCRIBE_ORGANIZATION),
    ),
}


def status(snapshot: Snapshot, region: str) -> Cell:
    """Return Macie's status in a region; "not enabled" where Macie never was on."""
    return attached(snapshot.answer(GET_MACIE_SESSION, region), "status", UNSEEN, _OFF)


def bucket_cells(snapshot: Snapshot, bucket: str, region: str) -> dict[str, Cell]:
    """Return Macie's inventory of a bucket; `NOT_KNOWN` where Macie is off and does not update it.

    Times are ISO 8601, or None where no analysis counts. An analysis does not count where
    automated discovery no longer monitors the bucket, or where the job no longer includes it or
    ended in errors.

    References
    ----------
    Amazon Macie API Reference, BucketMetadata.
    """
    on = status(snapshot, region)
    if on.gap or on.value != ON:
        unknown = Cell(NOT_KNOWN, on.refs, on.gap)
        return dict.fromkeys(BUCKET_COLUMNS, unknown) | {"macie": on}

    described = _described(snapshot, bucket, region)

    def read(path: str, absent: Default | None = UNSEEN) -> Cell:
        if described.gap:
            return described
        ref, *_ = described.refs
        return member(described.value, ref, path, absent, DESCRIBE_BUCKETS)

    # Macie leaves other members out for a bucket that it may not access.
    error = read("errorCode", NONE)
    monitoring = read("automatedDiscoveryMonitoringStatus", NONE if error.value else UNSEEN)
    monitored = derive(lambda status: status == "MONITORED", monitoring)
    last = read("lastAutomatedDiscoveryTime", NONE)
    cells = {
        "macie": on,
        # The snapshot stores counts that JSON's numbers cannot hold as texts.
        "unencrypted_objects": derive(int, read("objectCountByEncryptionType.unencrypted")),
        "unknown_objects": derive(int, read("objectCountByEncryptionType.unknown")),
        "macie_error": error,
        "last_discovery": derive(lambda is_on, time: time if is_on else None, monitored, last),
        **_job_times(snapshot, region, read("jobDetails", NONE)),
        "left_to_administrator": known_all(
            (derive(lambda is_on: not is_on, monitored), *_others(snapshot, region))
        ),
    }
    lender = snapshot.organisation
    if lender is None or _described(lender, bucket, region).gap:
        return cells
    # The account whose Macie lists the bucket administers it: its analyses count as well.
    theirs = _analyses(lender, bucket, region)
    latest = {
        name: derive(lambda *times: max(filter(None, times), default=None), cells[name], cell)
        for name, cell in theirs.items()
    }
    return cells | latest | {"left_to_administrator": derive(lambda *_: False, *theirs.values())}


def _analyses(snapshot: Snapshot, bucket: str, region: str) -> dict[str, Cell]:
    """Return when automated discovery, and a job, last analysed a bucket; None for never.

    Beside them, when a run of a recurring job started that is under way.
    """
    described = _described(snapshot, bucket, region)

    def read(path: str) -> Cell:
        ref, *_ = described.refs
        return member(described.value, ref, path, NONE, DESCRIBE_BUCKETS)

    return {
        "last_discovery": derive(
            lambda status, time: time if status == "MONITORED" else None,
            read("automatedDiscoveryMonitoringStatus"),
            read("lastAutomatedDiscoveryTime"),
        ),
        **_job_times(snapshot, region, read("jobDetails")),
    }


def open_findings(snapshot: Snapshot, region: str) -> Cell:
    """Return how many findings of high severity are open in AppStream's buckets of a region."""
    on = status(snapshot, region)
    if on.gap or on.value != ON:
        return Cell(NOT_KNOWN, on.refs, on.gap)
    described = snapshot.answer(DESCRIBE_BUCKETS, region)
    if described.trouble:
        return Cell(None, described.evidence, described.trouble)
    answers = snapshot.answers(GET_FINDING_STATISTICS, region)
    if not answers:
        gap = absent_member(DESCRIBE_BUCKETS, "AppStream's buckets", described.first)
        return Cell(None, described.evidence, gap)
    return derive(
        lambda *groups: sum(map(_high, groups)),
        *(attached(answer, "countsByGroup") for answer in answers),
    )


def _high(groups: list[dict[str, Any]]) -> int:
    # A group without a name that the kit knows, or without a count, may hold findings of high severity.
    high = [group for group in groups if group.get("groupKey") not in ("Low", "Medium")]
    return sum(int(group.get("count", 1)) for group in high)


def _described(snapshot: Snapshot, bucket: str, region: str) -> Cell:
    """Return the bucket as Macie describes it."""
    answer = snapshot.answer(DESCRIBE_BUCKETS, region)
    for item, ref in answer.items_with("bucketName", bucket):
        return Cell(item, (ref,))
    gap = answer.trouble or absent_member(DESCRIBE_BUCKETS, "the bucket", answer.first)
    return Cell(None, answer.evidence, gap)


def _job_times(snapshot: Snapshot, region: str, details: Cell) -> dict[str, Cell]:
    """Return when the last run of a job started that analysed the bucket without errors.

    None for a run that was cut short. ``job_started`` is the start of a recurring job's run that is
    under way: when the run before it started, or whether there was one, no answer shows.

    References
    ----------
    https://docs.aws.amazon.com/macie/latest/APIReference/datasources-s3.html: JobDetails,
    lastJobRunTime; https://docs.aws.amazon.com/macie/latest/APIReference/jobs-list.html: JobSummary,
    jobs that are paused or cancelled stop amid their data.
    """
    job = details.value or {}
    none = derive(lambda _: None, details)
    has = "TRUE" in (job.get("isDefinedInJob"), job.get("isMonitoredByJob"))
    if details.gap or not has or not job.get("lastJobRunTime"):
        return {"last_job": none, "job_started": none}
    time = str(job["lastJobRunTime"])
    answer = snapshot.answer(LIST_CLASSIFICATION_JOBS, region)
    for item, ref in answer.items_with("jobId", job.get("lastJobId")):
        read = partial(member, item, ref, absent=UNSEEN, call=LIST_CLASSIFICATION_JOBS)
        error, state, kind = map(read, ("lastRunErrorStatus.code", "jobStatus", "jobType"))

        def ended(error: str, state: str, _: str) -> str | None:
            return time if error == "NONE" and state in _DONE else None

        def under_way(_: str, state: str, kind: str) -> str | None:
            return time if (state, kind) == _AGAIN else None

        return {
            "last_job": derive(lambda _, *job: ended(*job), details, error, state, kind),
            "job_started": derive(lambda _, *job: under_way(*job), details, error, state, kind),
        }
    listed = Cell(None, answer.evidence, answer.trouble)
    return {"last_job": derive(lambda *_: time, details, listed), "job_started": none}


def _others(snapshot: Snapshot, region: str) -> tuple[Cell, Cell]:
    """Return whether the account is in an organisation, and whether its discovery is off."""
    configuration = snapshot.answer(GET_AUTOMATED_DISCOVERY_CONFIGURATION, region)
    return (
        is_member(snapshot),
        derive(lambda status: status != ON, attached(configuration, "status")),
    )
