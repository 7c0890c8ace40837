"""Who answers for what, and what AWS's auditors attest."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from kit.controls.registry import (
    ACCOUNT,
    AWS,
    CUSTOMER,
    SHARED,
    Attested,
    Control,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
    roll_up,
)
from kit.tables.places import OTHER_ACCOUNT


@control(
    "GV-01",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "30(1)": "the record of processing has an entry, which the parameters name",
        "30(2)": "a processor's record has one, which the parameters name",
    },
    context={
        "4(7)": "defines the controller",
        "4(8)": "defines the processor",
        "5(2)": "the controller has to be able to show compliance",
        "24(1)": "who is the controller has to take the measures",
        "26(1)": "joint controllers divide their responsibilities by an arrangement",
        "28(3)": "a contract governs processing for a controller; none is looked at here",
    },
    remedy=Remedy(
        console=(
            "Set data_role, controller and register_reference in the run's parameters, as they "
            "stand in the record of processing activities."
        )
    ),
    shows=("controller", "contact", "agreements"),
)
def role_under_the_gdpr_is_recorded(data_role: str, register_reference: str) -> Outcome:
    """The parameters declare the role and the entry in the register of processing."""
    if data_role and register_reference:
        return True
    return NotEvidenced("not declared", "set data_role and register_reference in the parameters")


@control(
    "GV-02",
    table="provider",
    scope=ACCOUNT,
    severity="medium",
    responsibility=AWS,
    gdpr={
        "28(1)": "only processors with sufficient guarantees may be used, so somebody has to have read these",
        "28(4)": "so does a processor that engages AWS as another processor",
        "28(3)(h)": "AWS makes available what shows its compliance",
        "32(1)(d)": "regular testing of AWS's measures, by AWS's auditors",
    },
    context={
        "28(3)(c)": "AWS takes the measures of Article 32, as the report describes them",
        "28(5)": "for CISPE alone: adherence to an approved code may show the guarantees",
        "40(2)(h)": "for CISPE alone: what a code of conduct says of security",
    },
    remedy=Remedy(
        console=(
            "AWS Artifact, Reports: download the framework's report, read it, and name the reading "
            "in reports_read in the parameters (a day, or a reference). Take frameworks that "
            "nobody needs out of attestations in the profile."
        ),
        cli=(
            "# With credentials of the partition aws: those of GovCloud are refused there\n"
            "aws artifact list-reports --region us-east-1"
        ),
    ),
)
def aws_protects_its_infrastructure(
    reports: list[dict[str, Any]], reading: str, *, report_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """A current report of the framework is published, and the parameters name who read it, or when."""
    oldest = pd.Timestamp(as_of) - pd.DateOffset(months=report_valid_months)
    current = [
        report
        for report in reports
        if not report["period_end"] or pd.Timestamp(report["period_end"]) >= oldest
    ]
    if not current:
        return NotEvidenced("no current report", "Artifact lists no published report in time")
    if not reading:
        return NotEvidenced(
            "not declared",
            "read the report, and name the reading in reports_read in the parameters",
        )
    # Several may be current: before the newest was written, one of the others was read.
    read = next((report for report in current if _may_be_of(reading, report, as_of)), None)
    if not read:
        return NotEvidenced(
            "needs review", "the day of reading lies ahead, or before the report was written"
        )
    start, end = read["period_start"][:10], read["period_end"][:10]
    period = f", period {f'{start} ' if start else ''}to {end}" if end else ""
    return Attested(
        f"AWS Artifact: {read['name']}{period} ({read['arn']}), declared as read: {reading}"
    )


def _may_be_of(reading: str, report: dict[str, Any], as_of: dt.datetime) -> bool:
    """Whether the report can be what was read: a reference may name it, a day has to fit."""
    try:
        dt.date.fromisoformat(reading)
    except ValueError:
        return True
    today = as_of.date().isoformat()
    start, end = str(report["period_start"])[:10], str(report["period_end"])[:10]
    # A report is written after its period; a certificate's period is still running.
    return (end if end <= today else start) <= reading <= today


@control(
    "GV-04",
    table="declarations",
    scope=ACCOUNT,
    severity="low",
    responsibility=SHARED,
    gdpr={
        "5(2)": "who answers for what has to be shown, so somebody has to have looked",
        "24(1)": "measures are reviewed and brought up to date",
        "32(1)(d)": "who takes which measure is assessed at set times",
    },
    context={
        "28(3)": "the processor's part is the other half of the same table",
    },
    remedy=Remedy(
        console=(
            'Read the table "Shared responsibility" of this pack, and set reviewer and '
            "reviewed_on in the run's parameters."
        )
    ),
)
def shared_responsibility_is_reviewed(
    reviewer: str, reviewed_on: str, *, review_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """The parameters name who reviewed the responsibility matrix, within the profile's months."""
    if not (reviewer and reviewed_on):
        return NotEvidenced("not declared", "set reviewer and reviewed_on in the parameters")
    day, today = pd.Timestamp(reviewed_on), pd.Timestamp(as_of.date())
    if not today - pd.DateOffset(months=review_valid_months) < day <= today:
        return NotEvidenced("needs review", "the day of the review is too long ago, or lies ahead")
    return True


@control(
    "GV-05",
    table="places",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "24(1)": "the decision where data may rest is put into effect, and can be shown",
        "28(3)(a)": "data rests where the instructions, here the parameters, allow",
    },
    context={
        "30(1)": "the record names transfers to third countries",
        "30(2)": "so does a processor's record",
        "44": "a region may lie in a third country, which Articles 45 to 49 then govern; whether it does is not judged",
    },
    remedy=Remedy(
        console=(
            "Name the regions in which data may rest as allowed_regions in the parameters. What "
            "rests elsewhere has to be moved or deleted; a service control policy can deny the "
            "region for the future. Copies that replication made stay where they are until "
            "somebody deletes them."
        ),
        cli=(
            "# A copy is not wanted: new rules replace all rules, so keep the others in the file\n"
            "aws s3api get-bucket-replication --bucket BUCKET "
            "--query ReplicationConfiguration > replication.json\n"
            "cp replication.json replication-before.json\n"
            "# Set the Status of that rule alone to Disabled in replication.json\n"
            "aws s3api put-bucket-replication --bucket BUCKET "
            "--replication-configuration file://replication.json\n"
            "# Undo: the same command with file://replication-before.json"
        ),
    ),
    shows=("holds", "not_looked_at"),
)
def data_rests_in_allowed_regions(place: str, *, allowed_regions: list[str]) -> Outcome:
    """Resources, buckets and trails are in regions that the parameters allow."""
    return _allowed([place], allowed_regions)


@data_rests_in_allowed_regions.clause
def copies_rest_in_allowed_regions(copied_to: list[str], *, allowed_regions: list[str]) -> Outcome:
    """So is every bucket to which S3 copies theirs."""
    return _allowed(copied_to, allowed_regions)


@data_rests_in_allowed_regions.clause
def copies_rest_with_declared_accounts(
    copy_accounts: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """The account itself owns the bucket, or an account that organisation_accounts declares."""
    others = set(copy_accounts) - set(organisation_accounts)
    if others == {OTHER_ACCOUNT} and organisation_accounts:
        return NotEvidenced(
            "needs review",
            "a copy goes to a bucket of another account, and replication does not say of which: "
            "name it in the rule's Destination.Account",
        )
    return not others


def _allowed(places: list[str], allowed_regions: list[str]) -> Outcome:
    if not allowed_regions:
        return NotEvidenced("not declared", "set allowed_regions in the parameters")
    return set(places) <= set(allowed_regions)


@roll_up(
    "GV-03",
    "The customer keeps control of content and its security configuration",
    responsibility=CUSTOMER,
    gdpr={
        "24(1)": "the controller implements the measures and can show it",
        "25(2)": "what is protected by default is decided by configuration",
        "32(1)": "the sum of the customer's measures",
    },
    context={
        "28(3)(a)": "AWS acts on the configuration that the customer makes",
    },
)
def customer_controls(control: Control) -> bool:
    """Sum up every control that the customer answers for."""
    return control.responsibility == CUSTOMER
