"""Finding personal data, and malware, where it rests."""

from __future__ import annotations

import datetime as dt

from kit.calls import DESCRIBE_STACKS, LIST_BUCKETS
from kit.catalogue.statuses import PASS
from kit.controls.registry import CUSTOMER, REGION, NotEvidenced, Outcome, control
from kit.tables.guardduty import ACTIVE, ERROR, NO_PLAN, WARNING
from kit.tables.logging import HOLDS_BUCKETS
from kit.tables.macie import ON
from kit.tables.storage import HOME_FOLDER_BUCKETS


@control(
    "DS-01",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def macie_is_on_where_personal_data_rests(macie: str) -> bool:
    """Macie is enabled in every region that holds AppStream's buckets."""
    return macie == ON


@control(
    "DS-02",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def buckets_are_searched_for_personal_data(
    macie: str,
    macie_error: str | None,
    last_discovery: str | None,
    last_job: str | None,
    job_started: str | None,
    left_to_administrator: bool | None,
    *,
    max_discovery_age_days: int,
    as_of: dt.datetime,
) -> Outcome:
    """Automated discovery, or a job, analysed the bucket within the profile's limit."""
    if macie != ON or macie_error:
        return False
    since = as_of - dt.timedelta(days=max_discovery_age_days)
    times = [dt.datetime.fromisoformat(time) for time in (last_discovery, last_job) if time]
    if any(time >= since for time in times):
        return True
    if job_started:
        return NotEvidenced("needs review", started=job_started[:10])
    if left_to_administrator:
        return NotEvidenced("administrator")
    return False


@control(
    "DS-03",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gives=(PASS,),
)
def findings_of_personal_data_are_dealt_with(macie: str, open_findings: int | None) -> Outcome:
    """No finding of high severity is open; personal data in home folders is expected."""
    if macie != ON:
        return NotEvidenced("Macie off")
    if open_findings:
        return NotEvidenced("needs review")
    return True


@control(
    "DS-04",
    table="buckets",
    where=HOME_FOLDER_BUCKETS,
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def new_files_are_scanned_for_malware(
    malware_plan: str, folders_not_scanned: list[str], *, declared_reasons: dict[str, str]
) -> Outcome:
    """A plan of GuardDuty scans what users save, or the parameters declare what else does."""
    if malware_plan == ERROR:
        return False
    if declared_reasons.get("DS-04"):
        return True
    if malware_plan == NO_PLAN:
        return NotEvidenced("not declared")
    if folders_not_scanned:
        return NotEvidenced("needs review", "folders", folders=", ".join(folders_not_scanned))
    if malware_plan == WARNING:
        return NotEvidenced("needs review", "warning")
    return malware_plan == ACTIVE or NotEvidenced("needs review", "status", status=malware_plan)
