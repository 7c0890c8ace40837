"""What is recorded of the use of AppStream and of its data."""

from __future__ import annotations

import datetime as dt

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    NotApplicable,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
)
from kit.controls.steps import ENABLE_KEY_CLI, ERASE_CLI
from kit.tables.logging import IN_USE


@control(
    "LG-01",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(b)": "integrity of the configuration rests on knowing who changed it",
    },
    context={
        "5(2)": "without a record little can be shown",
        "24(1)": "measures have to be demonstrable",
        "33(3)": "a breach has to be described",
    },
    remedy=Remedy(
        console=(
            "CloudTrail, Create trail: all regions, management events, read and write. Its bucket "
            "needs a policy that admits CloudTrail, which the console writes. A second copy of "
            "management events is paid for; a trail that exists can be widened instead."
        ),
        cli=(
            "# Needs a bucket whose policy admits cloudtrail.amazonaws.com. Undo: delete-trail\n"
            "aws cloudtrail create-trail --name all --s3-bucket-name BUCKET "
            "--is-multi-region-trail --enable-log-file-validation\n"
            "aws cloudtrail start-logging --name all\n"
            "# A trail exists and does not log\n"
            "aws cloudtrail start-logging --name TRAIL\n"
            "# A trail logs and does not deliver: the error names what to correct, such as the\n"
            "# policy of its bucket or of its key\n"
            "aws cloudtrail get-trail-status --name TRAIL --query LatestDeliveryError\n"
            "# A trail leaves events out: its selectors are replaced as under LG-02"
        ),
        terraform=(
            'resource "aws_cloudtrail" "all" {\n'
            '  name                       = "all"\n'
            '  s3_bucket_name             = "BUCKET" # its policy admits cloudtrail.amazonaws.com\n'
            "  is_multi_region_trail      = true\n"
            "  enable_log_file_validation = true\n"
            "}"
        ),
    ),
    shows=("trails", "left_out"),
)
def api_activity_is_logged(api_activity_logged: bool) -> bool:
    """Trails and event data stores between them record AppStream's reads and writes, and deliver."""
    return api_activity_logged


@api_activity_is_logged.clause
def other_services_are_logged(services_logged: bool) -> Outcome:
    """So they do of the other services; of KMS where a customer's key guards a bucket in scope."""
    if services_logged:
        return True
    return NotEvidenced("needs review", "some events are left out: who sees what happens there?")


@control(
    "LG-02",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(b)": "confidentiality of stored files rests on knowing who read which",
    },
    context={
        "5(2)": "who read which file has to be answerable",
        "33(3)": "which records a breach concerns has to be described, as far as possible",
    },
    remedy=Remedy(
        console=(
            "CloudTrail, the trail, Data events: S3, read and write, for the bucket; or S3, the "
            "bucket, Properties, Server access logging. Data events are paid for each."
        ),
        cli=(
            "# New selectors replace all selectors of the trail: keep the present ones\n"
            "aws cloudtrail get-event-selectors --trail-name TRAIL > selectors-before.json\n"
            "# Write selectors.json: those that the trail has, and one for the bucket's objects\n"
            "aws cloudtrail put-event-selectors --trail-name TRAIL "
            "--advanced-event-selectors file://selectors.json\n"
            "# Undo: the same command with the selectors of selectors-before.json (--event-selectors\n"
            "# where those are no advanced ones)"
        ),
    ),
    shows=("access_logging",),
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
    gdpr={"32(1)(d)": "a log that is set up still has to be seen working"},
    remedy=Remedy(
        console="CloudTrail, Event history: filter by event source appstream.amazonaws.com.",
        cli=(
            "aws cloudtrail lookup-events --lookup-attributes "
            "AttributeKey=EventSource,AttributeValue=appstream.amazonaws.com"
        ),
    ),
    shows=("events_window",),
)
def appstream_events_are_recorded(events_seen: int) -> Outcome:
    """CloudTrail holds AppStream events that the collector did not make itself."""
    if events_seen:
        return True
    return NotEvidenced("no event seen", "AppStream is in use, yet no event of others was seen")


@control(
    "LG-05",
    table="subscriptions",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(d)": "a record that is wanted has to be seen working",
    },
    context={
        "5(1)(c)": "the reports name users, addresses and applications: more than many need",
        "6(1)": "they need a legal basis of their own",
        "13(1)": "users have to be informed of them",
        "88(1)": "national law may limit the monitoring of employees",
    },
    remedy=Remedy(
        console=(
            "AppStream, Usage reports: see the error and the policy of the bucket of logs. Whether "
            "to have reports at all is a choice; to have none is no fault."
        ),
        cli="aws appstream describe-usage-report-subscriptions",
    ),
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
        return NotEvidenced(
            "needs review",
            "AWS does not count an Elastic fleet's sessions here: see InUseCapacity in CloudWatch, "
            "and whether there is a report of each day on which it was not 0",
        )
    if not sessions:
        return True
    return (
        False
        if last_report
        else NotEvidenced("absent in answer", "there are sessions, and no report was made yet")
    )


@control(
    "LG-03",
    table="trails",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "a record that can be changed unnoticed protects nobody",
        "32(1)(a)": "log files name persons and are encrypted under a key of its own rules",
        "32(1)(b)": "integrity and confidentiality of the record",
    },
    remedy=Remedy(
        console=(
            "CloudTrail, the trail, Edit: enable log file validation, and log file SSE-KMS "
            "encryption with a key whose policy admits CloudTrail. Who reads the logs then needs "
            "kms:Decrypt too. KMS, the key: enable it, or cancel its deletion and then enable it."
        ),
        cli=(
            "# Validation is off. Undo: --no-enable-log-file-validation\n"
            "aws cloudtrail update-trail --name TRAIL --enable-log-file-validation\n"
            "# No KMS key. Needs a key policy that admits cloudtrail.amazonaws.com; readers of the\n"
            '# logs need kms:Decrypt. Undo: --kms-key-id ""\n'
            "aws cloudtrail update-trail --name TRAIL --kms-key-id KEY\n"
            f"{ENABLE_KEY_CLI}"
        ),
        terraform=(
            "enable_log_file_validation = true\n"
            'kms_key_id                 = "KEY" # in aws_cloudtrail; its policy admits CloudTrail'
        ),
    ),
    shows=("bucket", "last_digest"),
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
    """The key is enabled, for without it CloudTrail delivers nothing and nobody reads a file."""
    return key_state in (None, "Enabled")


@control(
    "LG-06",
    table="recorders",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(e)": "logs name persons: they are kept no longer than needed",
        "32(1)(d)": "and long enough to assess afterwards whether measures held",
    },
    context={
        "33(3)": "a breach has to be described, often months later",
    },
    remedy=Remedy(
        console=(
            "S3, the trail's bucket, Management, Create lifecycle rule: expire everything after "
            "the days that the profile admits. Or CloudTrail, Lake, the event data store: its "
            "retention period. A shorter period erases what is older, for good. Where a rule "
            "erases too early, raise its days: a rule beside it does not help."
        ),
        cli=(
            "# A trail's bucket. Where a rule erases too early, raise its Days in rules.json instead:\n"
            "# of two rules the shorter decides\n"
            f"{ERASE_CLI}\n"
            "# An event data store. Events beyond a shorter period are erased, for good\n"
            "aws cloudtrail update-event-data-store --event-data-store STORE --retention-period DAYS\n"
            "# An event data store is pending deletion. Undo: delete-event-data-store\n"
            "aws cloudtrail restore-event-data-store --event-data-store STORE\n"
            f"{ENABLE_KEY_CLI}"
        ),
        terraform="retention_period = 365 # your own days, in aws_cloudtrail_event_data_store",
    ),
    shows=("kind",),
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
        return min((one for one in (days, ahead) if one is not None), default=None)

    longest = sooner(log_days, _days_to(log_until, as_of))
    left = _days_to(log_until_least, as_of)
    shortest = sooner(log_days_least, left)
    if longest is None or shortest is None:
        return False
    if shortest < min_log_days or longest > max_log_days:
        return False
    # A rule with a date erases from then on whatever comes, so that nothing is kept any longer.
    if left is not None and left <= min_log_days + max_log_days:
        soon = as_of.date() + dt.timedelta(days=left - min_log_days)
        return NotEvidenced(
            "needs review",
            f"what arrives today stays {shortest} days, what arrives after {soon.day} {soon:%B %Y} less "
            f"than min_log_days ({min_log_days})",
        )
    return True


def _days_to(day: str | None, as_of: dt.datetime) -> int | None:
    return (dt.date.fromisoformat(day) - as_of.date()).days if day else None


@logs_are_kept_as_long_as_needed.clause
def no_event_data_store_is_going(store_state: str | None) -> bool:
    """No event data store is pending deletion, which takes its events with it."""
    return store_state != "PENDING_DELETION"


@logs_are_kept_as_long_as_needed.clause
def keys_of_event_data_stores_are_usable(store_key_state: str | None) -> bool:
    """The key of an event data store is enabled, for without it nobody reads what is kept."""
    return store_key_state in (None, "Enabled")


@control(
    "LG-07",
    table="buckets",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(b)": "confidentiality rests on knowing who asked for which object",
    },
    context={
        "33(3)": "which records a breach concerns has to be described, as far as possible",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Properties, Server access logging: enable, with a target bucket. The "
            "target is another bucket of this account in the same region, whose policy lets "
            "logging.s3.amazonaws.com put objects. Without that policy nothing arrives, and S3 "
            "reports no error."
        ),
        cli=(
            "# New settings replace the present ones\n"
            "aws s3api get-bucket-logging --bucket BUCKET > logging-before.json\n"
            "# LOGS: a bucket of the same region and account, whose policy lets\n"
            "# logging.s3.amazonaws.com put objects\n"
            "aws s3api put-bucket-logging --bucket BUCKET --bucket-logging-status "
            '\'{"LoggingEnabled":{"TargetBucket":"LOGS","TargetPrefix":"BUCKET/"}}\'\n'
            "# Undo: the same command with the settings of logging-before.json, or {} for none"
        ),
        terraform=(
            "# LOGS: a bucket of the same region and account, whose policy lets\n"
            "# logging.s3.amazonaws.com put objects\n"
            'resource "aws_s3_bucket_logging" "appstream" {\n'
            '  bucket        = "BUCKET"\n'
            '  target_bucket = "LOGS"\n'
            '  target_prefix = "BUCKET/"\n'
            "}"
        ),
    ),
)
def access_to_buckets_is_logged(access_logging: bool, accesses_logged: bool) -> Outcome:
    """Server access logging is on, unless data events of CloudTrail's stand in for it (LG-02)."""
    if access_logging:
        return True
    return NotApplicable("data events stand in, see LG-02") if accesses_logged else False
