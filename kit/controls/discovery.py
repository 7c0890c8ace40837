"""Finding personal data where it rests."""

from __future__ import annotations

import datetime as dt

from kit.controls.registry import CUSTOMER, REGION, NotEvidenced, Outcome, Remedy, control
from kit.tables.logging import HOLDS_BUCKETS
from kit.tables.macie import ON


@control(
    "DS-01",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(d)": "regular testing of what storage holds",
    },
    context={
        "5(2)": "what is not known to be there cannot be accounted for",
        "30(1)": "the record names the categories of data that are kept",
    },
    remedy=Remedy(
        console=(
            "Amazon Macie, the region, Get started, Enable Macie. Macie is paid for by buckets and "
            "by the data that it analyses; a bucket whose policy restricts access has to admit "
            "its service-linked role."
        ),
        cli=(
            "# Costs money. Undo: disable-macie, which also deletes its findings and settings\n"
            "aws macie2 enable-macie --region REGION"
        ),
        terraform='resource "aws_macie2_account" "region" {\n  status = "ENABLED"\n}',
    ),
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
    gdpr={
        "32(1)(d)": "regular testing of what each bucket holds",
    },
    context={
        "30(1)": "the record names the categories of data, which has to be looked for",
        "35(7)": "an assessment describes the data that is processed",
    },
    remedy=Remedy(
        console=(
            "Amazon Macie, the region, Automated sensitive data discovery: enable it, with the "
            "bucket included. Where the bucket's policy restricts who reaches it, admit Macie's "
            "service-linked role AWSServiceRoleForAmazonMacie there."
        ),
        cli=(
            "# For every bucket of the region, and paid for; in an organisation its administrator "
            "decides.\n"
            "# Undo: --status DISABLED\n"
            "aws macie2 update-automated-discovery-configuration --status ENABLED"
        ),
    ),
)
def buckets_are_searched_for_personal_data(
    macie: str,
    macie_error: str | None,
    last_discovery: str | None,
    last_job: str | None,
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
    if left_to_administrator:
        return NotEvidenced(
            "administrator", "the organisation's Macie administrator may search the bucket"
        )
    return False


@control(
    "DS-03",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(d)": "a test is worth what is done about its findings",
    },
    context={
        "30(1)": "what is found belongs into the record, where it is not there yet",
        "35(11)": "what is found may change the risk that was assessed",
    },
    remedy=Remedy(
        console=(
            "Amazon Macie, the region, Findings: review those of high severity, act on them, "
            "then archive them."
        ),
        cli=(
            "aws macie2 get-finding-statistics --group-by severity.description "
            '--finding-criteria \'{"criterion":{"archived":{"eq":["false"]}}}\''
        ),
    ),
)
def findings_of_personal_data_are_dealt_with(macie: str, open_findings: int | None) -> Outcome:
    """No finding of high severity is open; to find personal data in home folders is no fault."""
    if macie != ON:
        return NotEvidenced("Macie off", "enable Macie: where nobody looks nothing is found")
    if open_findings:
        return NotEvidenced("needs review", "what was found is not archived: review it")
    return True
