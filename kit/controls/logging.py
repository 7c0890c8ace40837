"""What is recorded of the use of AppStream and of its data."""

from __future__ import annotations

import datetime as dt

from kit.catalogue.statuses import PASS
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    NotApplicable,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.agents import ADMITTING
from kit.tables.guards import USABLE
from kit.tables.logging import HOLDS_BUCKETS, IN_USE


@control(
    "LG-01",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("trails", "left_out"),
)
def api_activity_is_logged(api_activity_logged: bool) -> bool:
    """Trails and event data stores between them record AppStream's reads and writes, and deliver."""
    return api_activity_logged


@api_activity_is_logged.clause
def other_services_are_logged(services_logged: bool) -> Outcome:
    """They record the other services too; KMS where a customer's key encrypts a bucket in scope."""
    if services_logged:
        return True
    return NotEvidenced("needs review")


@control(
    "LG-02",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("access_logging",),
    remedy_by=("trail_kind",),
)
def access_to_stored_files_is_logged(accesses_logged: bool) -> bool:
    """Reads and writes of the bucket's objects are in CloudTrail, or in server access logs."""
    return accesses_logged


@control(
    "LG-04",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    shows=("events_window",),
    gives=(PASS,),
)
def appstream_events_are_recorded(events_seen: int) -> Outcome:
    """CloudTrail holds AppStream events that the collector did not make itself."""
    if events_seen:
        return True
    return NotEvidenced("no event seen")


@control(
    "LG-05",
    table="subscriptions",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    shows=("schedule",),
)
def usage_reports_that_are_wanted_are_made(errors: list[str] | None) -> bool:
    """The subscription has no errors."""
    return not errors


@usage_reports_that_are_wanted_are_made.clause
def reports_keep_up_with_sessions(
    last_report: str | None,
    sessions: bool,
    uncounted: bool,
    *,
    max_report_age_days: int,
    as_of: dt.datetime,
) -> Outcome:
    """While fleets have sessions, the last report is within the days of the profile."""
    limit = dt.timedelta(days=max_report_age_days)
    if last_report and as_of - dt.datetime.fromisoformat(last_report) <= limit:
        return True
    if uncounted and not sessions:
        return NotEvidenced("needs review")
    if not sessions:
        return True
    return False if last_report else NotEvidenced("absent in answer")


@control(
    "LG-09",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
)
def configurations_are_recorded(config_recording: bool) -> bool:
    """AWS Config has a recorder that records and delivers."""
    return config_recording


@control(
    "LG-10",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gives=(PASS,),
)
def security_events_are_passed_on(alerting: list[str], alarm_evidence: str) -> Outcome:
    """An enabled rule matches security events, or the parameters declare what else does."""
    return True if alerting or alarm_evidence else NotEvidenced("needs review")


@control(
    "LG-11",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def threats_are_detected(guardduty: bool, *, declared_reasons: dict[str, str]) -> bool:
    """GuardDuty watches the region, or the parameters declare what else does."""
    return guardduty or bool(declared_reasons.get("LG-11"))


@threats_are_detected.clause
def access_to_files_is_watched(guardduty: bool, s3_protection: bool) -> bool:
    """Where GuardDuty is on, it watches reads and writes of files in buckets too."""
    return s3_protection or not guardduty


@control(
    "LG-12",
    table="agent_access",
    where=ADMITTING,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("kind",),
)
def logs_of_agents_are_kept_as_long_as_needed(
    agent_log_days: list[int | None],
    *,
    agent_log_groups: list[str],
    min_log_days: int,
    max_log_days: int,
) -> Outcome:
    """Where agents may work, a declared log group keeps logs within the profile's bounds."""
    if not agent_log_groups:
        return NotEvidenced("not declared")
    bounds = range(min_log_days, max_log_days + 1)
    return bool(agent_log_days) and all(days in bounds for days in agent_log_days)


@logs_of_agents_are_kept_as_long_as_needed.clause
def declared_log_groups_exist(agent_logs_not_found: list[str]) -> bool:
    """Every log group that the parameters declare is in a region where agents may work."""
    return not agent_logs_not_found


@control(
    "LG-08",
    table="subscriptions",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("schedule",),
    gives=(PASS,),
)
def usage_reports_have_a_legal_basis(usage_report_basis: str) -> Outcome:
    """The parameters declare the legal basis, or for a processor the instruction."""
    return True if usage_report_basis else NotEvidenced("not declared", "basis")


@usage_reports_have_a_legal_basis.clause
def users_are_informed_of_usage_reports(
    usage_report_notice: str, usage_report_informed_on: str, *, as_of: dt.datetime
) -> Outcome:
    """The parameters declare the notice to users, and a day on which it had been given."""
    if not (usage_report_notice and usage_report_informed_on):
        return NotEvidenced("not declared", "notice")
    if dt.date.fromisoformat(usage_report_informed_on) > as_of.date():
        return NotEvidenced("needs review")
    return True


@control(
    "LG-03",
    table="trails",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("bucket",),
    remedy_by=("key_state", "kind"),
)
def trails_are_validated_and_encrypted(files_validated: bool) -> bool:
    """CloudTrail signs what it delivers, so that a change shows."""
    return files_validated


@trails_are_validated_and_encrypted.clause
def trails_are_encrypted(kms_key: bool) -> bool:
    """Log files are encrypted under a key of KMS."""
    return kms_key


@trails_are_validated_and_encrypted.clause
def keys_of_trails_are_usable(key_state: str | None) -> bool:
    """The key is enabled: without it CloudTrail delivers no file and nobody can read a file."""
    return key_state in (None, *USABLE)


@trails_are_validated_and_encrypted.clause
def keys_of_trails_are_in_declared_accounts(
    key_accounts: list[str], *, allowed_key_accounts: list[str]
) -> bool:
    """The key is of the trail's own account, or of an account that the parameters declare."""
    return set(key_accounts) <= set(allowed_key_accounts)


@trails_are_validated_and_encrypted.clause
def digests_keep_coming(
    last_digest: str, *, max_delivery_age_days: int, as_of: dt.datetime
) -> bool:
    """CloudTrail, which delivers a digest each hour, delivered one within the profile's days.

    References
    ----------
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html:
    a digest is delivered even for an hour without activity.
    """
    age = as_of - dt.datetime.fromisoformat(last_digest)
    return age <= dt.timedelta(days=max_delivery_age_days)


@control(
    "LG-06",
    table="recorders",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("kind",),
    remedy_by=("kind", "store_key_state"),
)
def logs_are_kept_as_long_as_needed(
    log_days: int | None,
    log_days_least: int | None,
    log_until: str | None,
    log_until_least: str | None,
    *,
    min_log_days: int,
    max_log_days: int,
    as_of: dt.datetime,
) -> Outcome:
    """Logs are erased within the profile's bounds; without a rule they are kept for ever."""

    def sooner(days: int | None, ahead: int | None) -> int | None:
        return min((count for count in (days, ahead) if count is not None), default=None)

    longest = sooner(log_days, _days_to(log_until, as_of))
    left = _days_to(log_until_least, as_of)
    shortest = sooner(log_days_least, left)
    bounds = range(min_log_days, max_log_days + 1)
    if shortest not in bounds or longest not in bounds:
        return False
    # From its date on, a rule erases new logs too, so that the bucket keeps none.
    if left is not None and left <= min_log_days + max_log_days:
        soon = as_of.date() + dt.timedelta(days=left - min_log_days)
        return NotEvidenced("needs review", days=shortest, day=soon, least=min_log_days)
    return True


def _days_to(day: str | None, as_of: dt.datetime) -> int | None:
    return (dt.date.fromisoformat(day) - as_of.date()).days if day else None


@logs_are_kept_as_long_as_needed.clause
def no_event_data_store_is_going(store_state: str | None) -> bool:
    """No event data store is pending deletion, which takes its events with it."""
    return store_state != "PENDING_DELETION"


@logs_are_kept_as_long_as_needed.clause
def keys_of_event_data_stores_are_usable(store_key_state: str | None) -> bool:
    """The key of an event data store is enabled: without it nobody can read its events."""
    return store_key_state in (None, *USABLE)


@logs_are_kept_as_long_as_needed.clause
def keys_of_event_data_stores_are_in_declared_accounts(
    store_key_accounts: list[str], *, allowed_key_accounts: list[str]
) -> bool:
    """The key is of the store's own account, or of an account that the parameters declare."""
    return set(store_key_accounts) <= set(allowed_key_accounts)


@control(
    "LG-07",
    table="buckets",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
)
def access_to_buckets_is_logged(access_logging: bool, accesses_logged: bool) -> Outcome:
    """Server access logging is on, unless CloudTrail records the bucket's data events (LG-02)."""
    if access_logging:
        return True
    return NotApplicable() if accesses_logged else False
