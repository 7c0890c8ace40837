"""Who answers for what, and what AWS's auditors attest."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kit.catalogue.statuses import PASS
from kit.controls.months import months_before
from kit.controls.registry import (
    ACCOUNT,
    AWS,
    CUSTOMER,
    SHARED,
    Attested,
    Control,
    NotEvidenced,
    Outcome,
    control,
    roll_up,
)
from kit.tables.organisation import OWN
from kit.tables.places import OTHER_ACCOUNT
from kit.tables.trails import OTHERS_TRAIL


@control(
    "GV-01",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("controller", "contact"),
    gives=(PASS,),
)
def role_under_the_gdpr_is_recorded(data_role: str, register_reference: str) -> Outcome:
    """The parameters declare the role and the entry in the register of processing."""
    if data_role and register_reference:
        return True
    return NotEvidenced("not declared")


@control(
    "GV-02",
    table="provider",
    scope=ACCOUNT,
    severity="medium",
    responsibility=AWS,
    gives=(),
)
def aws_protects_its_infrastructure(
    reports: list[dict[str, Any]],
    reading: str,
    read_for: list[str],
    *,
    report_valid_months: int,
    as_of: dt.datetime,
) -> Outcome:
    """A current report of the framework is published, and the parameters name who read it, or when."""
    oldest = months_before(as_of, report_valid_months)
    current = [
        report
        for report in reports
        if not report["period_end"] or dt.datetime.fromisoformat(report["period_end"]) >= oldest
    ]
    if not current:
        return NotEvidenced("no current report")
    if not reading and read_for:
        return NotEvidenced("not declared", "elsewhere", frameworks=", ".join(read_for))
    if not reading:
        return NotEvidenced("not declared", "nowhere")
    # Several may be current: the reader may have read an earlier report than the newest.
    read = next((report for report in current if _may_be_of(reading, report, as_of)), None)
    if not read:
        return NotEvidenced("needs review")
    start, end = read["period_start"][:10], read["period_end"][:10]
    period = ("period" if start else "until") if end else "no_period"
    return Attested(
        period, report=read["name"], start=start, end=end, arn=read["arn"], reading=reading
    )


def _may_be_of(reading: str, report: dict[str, Any], as_of: dt.datetime) -> bool:
    """Whether `reading` may mean the report: a reference may name it, a day has to fit it."""
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
    gives=(PASS,),
)
def shared_responsibility_is_reviewed(
    reviewer: str, reviewed_on: str, *, review_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """The parameters name who reviewed the responsibility matrix, within the profile's months."""
    return _declared_within(reviewed_on, reviewer, months=review_valid_months, as_of=as_of)


def _declared_within(
    day: str, *declared: Any, as_of: dt.datetime, months: int | None = None
) -> Outcome:
    """Whether all is declared, for a day that is past, and within some months if these count."""
    if not (day and all(declared)):
        return NotEvidenced("not declared")
    on, today = dt.date.fromisoformat(day), as_of.date()
    if on > today or (months is not None and on <= months_before(today, months)):
        return NotEvidenced("needs review")
    return True


@control(
    "GV-05",
    table="places",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    shows=("holds", "not_looked_at"),
)
def data_rests_in_allowed_regions(place: str, *, allowed_regions: list[str]) -> Outcome:
    """Resources, buckets and trails are in regions that the parameters allow."""
    return _allowed([place], allowed_regions)


@data_rests_in_allowed_regions.clause
def copies_rest_in_allowed_regions(copied_to: list[str], *, allowed_regions: list[str]) -> Outcome:
    """S3 copies buckets only to regions that the parameters allow."""
    return _allowed(copied_to, allowed_regions)


@data_rests_in_allowed_regions.clause
def copies_rest_with_declared_accounts(
    copy_accounts: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """The account itself owns the bucket, or an account that organisation_accounts declares."""
    others = set(copy_accounts) - set(organisation_accounts)
    if others == {OTHER_ACCOUNT} and organisation_accounts:
        return NotEvidenced("needs review", "copy")
    return not others


@data_rests_in_allowed_regions.clause
def data_rests_in_the_accounts_own_buckets(
    bucket_owner: str, *, declared_reasons: dict[str, str]
) -> Outcome:
    """The account owns the bucket, or the parameters declare who does."""
    # Whoever owns a trail judges its bucket.
    if bucket_owner in (OWN, OTHERS_TRAIL) or declared_reasons.get("GV-05"):
        return True
    return NotEvidenced("needs review", "owner")


@control(
    "GV-06",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("agreements",),
    gives=(PASS,),
)
def processor_contract_is_on_file(
    processor_contract: str, processor_contract_on: str, *, as_of: dt.datetime
) -> Outcome:
    """The parameters declare the contract of Article 28(3) and its day; nobody read it here."""
    return _declared_within(processor_contract_on, processor_contract, as_of=as_of)


@control(
    "GV-07",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    gives=(PASS,),
)
def access_is_reviewed(
    access_reviewer: str, access_reviewed_on: str, *, review_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """The parameters declare who reviewed access, within the profile's months."""
    return _declared_within(
        access_reviewed_on, access_reviewer, months=review_valid_months, as_of=as_of
    )


@control(
    "GV-08",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
)
def breaches_are_notified_in_time(
    breach_contact: str, breach_hours: int | None, *, max_breach_hours: int
) -> Outcome:
    """The parameters declare who is notified of a breach, within the profile's hours."""
    if not (breach_contact and breach_hours):
        return NotEvidenced("not declared")
    return breach_hours <= max_breach_hours


@breaches_are_notified_in_time.clause
def notifying_is_exercised(
    breach_exercised_on: str, *, review_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """The parameters declare an exercise within the profile's months."""
    return _declared_within(breach_exercised_on, months=review_valid_months, as_of=as_of)


@control(
    "GV-09",
    table="account_settings",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
)
def aws_reaches_a_security_contact(security_contact: bool) -> bool:
    """The account names a security contact; who it is, and whether somebody reads, is not seen."""
    return security_contact


def _allowed(places: list[str], allowed_regions: list[str]) -> Outcome:
    if places and not allowed_regions:
        return NotEvidenced("not declared")
    return set(places) <= set(allowed_regions)


@roll_up(
    "GV-03",
    responsibility=CUSTOMER,
)
def customer_controls(control: Control) -> bool:
    """Sum up every control that the customer answers for."""
    return control.responsibility == CUSTOMER
