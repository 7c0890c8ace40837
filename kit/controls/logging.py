"""What is recorded of the use of AppStream and of its data."""

from __future__ import annotations

from kit.controls.registry import CUSTOMER, REGION, SHARED, NotEvidenced, Outcome, Remedy, control
from kit.tables.logging import IN_USE

_SOURCE = "Set up API and user activity logging with AWS CloudTrail."


@control(
    "LG-01",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(2)": "without a record nothing can be shown",
        "24(1)": "measures have to be demonstrable",
        "32(1)(b)": "integrity of the configuration rests on knowing who changed it",
        "32(1)(d)": "testing measures needs a record of what happened",
        "33(3)": "a breach has to be described",
    },
    source=_SOURCE,
    remedy=Remedy(
        console="CloudTrail, Create trail: all regions, management events, read and write.",
        cli=(
            "aws cloudtrail create-trail --name all --s3-bucket-name BUCKET "
            "--is-multi-region-trail --enable-log-file-validation\n"
            "aws cloudtrail start-logging --name all"
        ),
        terraform=(
            'resource "aws_cloudtrail" "all" {\n'
            '  name                       = "all"\n'
            '  s3_bucket_name             = "BUCKET"\n'
            "  is_multi_region_trail      = true\n"
            "  enable_log_file_validation = true\n"
            "}"
        ),
    ),
    shows=("trails",),
)
def api_activity_is_logged(api_activity_logged: bool) -> bool:
    """A trail, or an event data store in scope, records the region's reads and writes."""
    return api_activity_logged


@control(
    "LG-02",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(2)": "who read which file has to be answerable",
        "32(1)(b)": "confidentiality of stored files",
        "32(1)(d)": "testing measures needs a record of what happened",
        "33(3)": "a breach has to be described, file by file",
    },
    source=_SOURCE,
    remedy=Remedy(
        console=(
            "CloudTrail, the trail, Data events: S3, read and write, for the bucket; or S3, the "
            "bucket, Properties, Server access logging."
        ),
        cli=(
            "aws cloudtrail put-event-selectors --trail-name TRAIL --advanced-event-selectors "
            "file://selectors.json  # keep the management events that are recorded today"
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
    source=_SOURCE,
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
