"""Discovery: what the control says of which account."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_BUCKETS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_AUTOMATED_DISCOVERY_CONFIGURATION,
    GET_FINDING_STATISTICS,
    GET_MACIE_SESSION,
    GET_MALWARE_PROTECTION_PLAN,
    LIST_BUCKETS,
    LIST_CLASSIFICATION_JOBS,
    LIST_MALWARE_PROTECTION_PLANS,
)
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_applicable,
    not_evidenced,
    nothing,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.standins import AS_OF, HOME, LOGS, REGION, SETTINGS, Account

NO_BUCKET = not_applicable("no bucket of AppStream's")
DENIED = "AccessDeniedException"  # Macie's code for both: not enabled, and not allowed


def answering(**members: Any) -> Given:
    return lambda a: a.bucket().answers(GET_MACIE_SESSION, members)


def refusing(message: str) -> Given:
    return lambda a: a.bucket().refuses(GET_MACIE_SESSION, DENIED, message)


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    (
        "no bucket, Macie off",
        lambda a: a.answers(GET_MACIE_SESSION, {"status": "PAUSED"}),
        NO_BUCKET,
    ),
    ("enabled", answering(status="ENABLED"), passes),
    ("paused", answering(status="PAUSED"), fails),
    ("not enabled", refusing("Macie is not enabled."), fails),
    (
        "denied",
        refusing("User is not authorized to perform: macie2:GetMacieSession"),
        denied(GET_MACIE_SESSION),
    ),
    ("denied without a word", refusing(""), denied(GET_MACIE_SESSION)),
    ("status left out", answering(), not_evidenced("absent in answer", GET_MACIE_SESSION)),
    ("a bucket of logs counts", lambda a: a.bucket(LOGS), passes),
    (
        "a bucket that only a stack names counts",
        lambda a: a.stack(
            StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}]
        ),
        passes,
    ),
    (
        "a bucket whose name AWS leaves out counts",
        lambda a: a.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS"}]),
        passes,
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
    (
        "usage reports denied",
        lambda a: a.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
        denied(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
    ("stacks denied, a bucket listed", lambda a: a.denies(DESCRIBE_STACKS).bucket(), passes),
)
def test_ds_01_macie_is_on(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "DS-01") == expected


def test_ds_01_judges_each_region_that_holds_a_bucket(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "eu-central-1", "us-east-1"))
    account.bucket().bucket(HOME.replace(REGION, "us-east-1"), region="us-east-1")
    account.answers(GET_MACIE_SESSION, {"status": "PAUSED"}, "us-east-1")
    reported = {finding.region: finding.status for finding in findings(account, "DS-01")}
    assert reported == {"eu-central-1": "not applicable", REGION: "pass", "us-east-1": "fail"}


NONE_HELD = not_applicable("no bucket")
LATELY, LONG_AGO = AS_OF - dt.timedelta(days=9), AS_OF - dt.timedelta(days=91)


def off(account: Account) -> Account:
    return account.answers(GET_MACIE_SESSION, {"status": "PAUSED"})


def unwatched(**members: Any) -> Given:
    """Automated discovery does not monitor the bucket."""
    members = {"automatedDiscoveryMonitoringStatus": "NOT_MONITORED"} | members
    return lambda account: account.bucket().watched(**members)


def job(
    when: dt.datetime | None = LATELY,
    error: str = "NONE",
    state: str | None = "COMPLETE",
    kind: str = "ONE_TIME",
    errorCode: str | None = None,  # noqa: N803 - as Macie names it
    **members: Any,
) -> Given:
    """A job has the bucket, and what became of it."""
    details = {"isDefinedInJob": "TRUE", "isMonitoredByJob": "FALSE", "lastJobId": "j1"}
    details |= {"lastJobRunTime": when} if when else {}

    def given(account: Account) -> None:
        unwatched(jobDetails=details | members, errorCode=errorCode)(account)
        reported = {"jobId": "j1", "jobType": kind, "lastRunErrorStatus": {"code": error}}
        reported |= {"jobStatus": state} if state else {}
        account.lists(LIST_CLASSIFICATION_JOBS, {"jobId": "j0"}, reported)

    return given


RUNS = {"isDefinedInJob": "TRUE", "lastJobId": "j1", "lastJobRunTime": LATELY}


def running(job: str, **members: Any) -> dict[str, Any]:
    return {"jobId": job, "jobStatus": "RUNNING", "jobType": "SCHEDULED", **members}


def member(account: Account) -> Account:
    """The account is in an organisation."""
    return account.answers(DESCRIBE_ORGANIZATION, {"Organization": {"Id": "o-example00000"}})


def own_discovery_off(account: Account, **members: Any) -> Account:
    off = {"status": "DISABLED"}
    unwatched(**members)(account)
    return account.answers(GET_AUTOMATED_DISCOVERY_CONFIGURATION, off, REGION)


@scenarios(
    ("no bucket", nothing, NONE_HELD),
    ("analysed yesterday", lambda a: a.bucket().watched(), passes),
    ("analysed long ago", lambda a: a.bucket().watched(lastAutomatedDiscoveryTime=LONG_AGO), fails),
    ("never analysed", lambda a: a.bucket().watched(lastAutomatedDiscoveryTime=None), fails),
    ("no longer monitored", unwatched(), fails),
    (
        "whether it is monitored left out",
        unwatched(automatedDiscoveryMonitoringStatus=None),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    ("Macie may not look", unwatched(errorCode="ACCESS_DENIED"), fails),
    (
        "Macie may not look, and leaves the rest out",
        unwatched(errorCode="ACCESS_DENIED", automatedDiscoveryMonitoringStatus=None),
        fails,
    ),
    ("Macie may no longer look", lambda a: a.bucket().watched(errorCode="ACCESS_DENIED"), fails),
    ("Macie may no longer look, and a job did", job(errorCode="ACCESS_DENIED"), fails),
    (
        "Macie may not look, in an organisation",
        lambda a: member(own_discovery_off(a, errorCode="ACCESS_DENIED")),
        fails,
    ),
    ("a job", job(), passes),
    ("a job that monitors it", job(isDefinedInJob="FALSE", isMonitoredByJob="TRUE"), passes),
    ("a job of long ago", job(LONG_AGO), fails),
    ("a job that never ran", job(None), fails),
    ("a job that no longer has it", job(isDefinedInJob="FALSE"), fails),
    ("nobody knows whether a job has it", job(isDefinedInJob="UNKNOWN"), fails),
    ("a job that ended in errors", job(error="ERROR"), fails),
    ("a recurring job", job(state="IDLE", kind="SCHEDULED"), passes),
    ("a recurring job that runs again", job(state="RUNNING", kind="SCHEDULED"), to_be_reviewed),
    (
        "a recurring job that runs since long ago",
        job(LONG_AGO, state="RUNNING", kind="SCHEDULED"),
        to_be_reviewed,
    ),
    (
        "a recurring job that runs in errors",
        job(error="ERROR", state="RUNNING", kind="SCHEDULED"),
        to_be_reviewed,
    ),
    (
        "a recurring job that runs again beside discovery",
        lambda a: (
            a.bucket()
            .watched(jobDetails=RUNS)
            .lists(LIST_CLASSIFICATION_JOBS, running("j1", lastRunErrorStatus={"code": "NONE"}))
        ),
        passes,
    ),
    ("a job that still runs", job(state="RUNNING"), fails),
    ("a job that was cancelled", job(state="CANCELLED"), fails),
    ("a job beyond Macie's quota", job(state="PAUSED"), fails),
    ("a recurring job that somebody paused", job(state="USER_PAUSED", kind="SCHEDULED"), fails),
    (
        "how far a job came left out",
        job(state=None),
        not_evidenced("absent in answer", LIST_CLASSIFICATION_JOBS),
    ),
    ("a job that is not listed", job(lastJobId="j9"), passes),
    (
        "jobs denied where one decides",
        lambda a: job(lastJobId="j9")(a) or a.denies(LIST_CLASSIFICATION_JOBS, REGION),
        denied(LIST_CLASSIFICATION_JOBS),
    ),
    (
        "jobs denied where there is none",
        lambda a: a.bucket().watched().denies(LIST_CLASSIFICATION_JOBS, REGION),
        passes,
    ),
    (
        "Macie does not know the bucket",
        lambda a: a.bucket().watched("another"),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    (
        "what Macie knows denied",
        lambda a: a.bucket().denies(DESCRIBE_BUCKETS, REGION),
        denied(DESCRIBE_BUCKETS),
    ),
    ("paused, whatever it knew", lambda a: off(a.bucket().watched()), fails),
    ("not enabled", refusing("Macie is not enabled."), fails),
    ("Macie denied", refusing(""), denied(GET_MACIE_SESSION)),
    ("own discovery off, no organisation", own_discovery_off, fails),
    (
        "own discovery off, in an organisation",
        lambda a: member(own_discovery_off(a)),
        not_evidenced("administrator"),
    ),
    ("own discovery on, in an organisation", lambda a: member(unwatched()(a)), fails),
    ("analysed, in an organisation", lambda a: member(a.bucket().watched()), passes),
    (
        "whether own discovery is on denied, in an organisation",
        lambda a: member(own_discovery_off(a)).denies(
            GET_AUTOMATED_DISCOVERY_CONFIGURATION, REGION
        ),
        denied(GET_AUTOMATED_DISCOVERY_CONFIGURATION),
    ),
    (
        "the organisation denied",
        lambda a: own_discovery_off(a).denies(DESCRIBE_ORGANIZATION),
        denied(DESCRIBE_ORGANIZATION),
    ),
    (
        "the organisation denied, own discovery on",
        lambda a: unwatched()(a).denies(DESCRIBE_ORGANIZATION),
        fails,
    ),
)
def test_ds_02_buckets_are_searched(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "DS-02") == expected


def test_ds_02_says_what_macie_is_and_not_what_it_knew(account: Account) -> None:
    (finding,) = findings(off(account.bucket().watched()), "DS-02")
    unknown = "not known, for Macie is off"
    assert finding.observed.startswith(f"Amazon Macie: PAUSED; Macie's error: {unknown}; ")
    assert f"Last automated discovery: {unknown}" in finding.observed


def test_ds_02_has_the_limit_of_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("max_discovery_age_days: 7\n")
    account = Account(tmp_path, thresholds=str(own)).bucket()
    account.watched(lastAutomatedDiscoveryTime=LATELY)
    assert verdicts(account, "DS-02") == [fails]


def with_findings(*groups: dict[str, Any]) -> Given:
    return lambda account: account.bucket().watched().lists(GET_FINDING_STATISTICS, *groups)


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("nothing found", lambda a: a.bucket().watched(), passes),
    ("lower severities", with_findings({"groupKey": "Medium", "count": 3}), passes),
    ("one of high severity", with_findings({"groupKey": "High", "count": 1}), to_be_reviewed),
    ("none of high severity, spelt out", with_findings({"groupKey": "High", "count": 0}), passes),
    ("a severity that AWS leaves out", with_findings({"count": 1}), to_be_reviewed),
    (
        "the counts left out",
        lambda a: a.bucket().watched().answers(GET_FINDING_STATISTICS, {}, REGION),
        not_evidenced("absent in answer", GET_FINDING_STATISTICS),
    ),
    ("paused", lambda a: off(a.bucket().watched()), not_evidenced("Macie off")),
    ("not enabled", refusing("Macie is not enabled."), not_evidenced("Macie off")),
    ("Macie denied", refusing(""), denied(GET_MACIE_SESSION)),
    (
        "findings denied",
        lambda a: a.bucket().watched().denies(GET_FINDING_STATISTICS, REGION),
        denied(GET_FINDING_STATISTICS),
    ),
    (
        "Macie's buckets denied, so nobody could ask",
        lambda a: a.bucket().denies(DESCRIBE_BUCKETS, REGION),
        denied(DESCRIBE_BUCKETS),
    ),
    (
        "Macie knows no bucket of AppStream's",
        lambda a: a.bucket().lists(DESCRIBE_BUCKETS),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
)
def test_ds_03_findings_are_dealt_with(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "DS-03") == expected


def test_ds_03_counts_findings_of_high_severity_and_what_may_be_one(account: Account) -> None:
    groups = {"groupKey": "High", "count": 2}, {"count": 1}, {"groupKey": "High"}
    with_findings(*groups, {"groupKey": "Low", "count": 9})(account)
    (finding,) = findings(account, "DS-03")
    assert "Open findings of high severity: 4; " in finding.observed


# --- DS-04: malware in home folders -----------------------------------------------------------

UNDECLARED = not_evidenced("not declared")
USERS = ("user/",)
SAML = ("user/federated/",)
PLAN = {"MalwareProtectionPlanId": f"plan of {HOME}"}


def plans(statuses: tuple[str | None, ...], prefixes: tuple[tuple[str, ...], ...]) -> Given:
    """Plans of the same bucket, with the status and the prefixes of each."""

    def given(account: Account) -> None:
        account.bucket()
        for n, (status, folders) in enumerate(zip(statuses, prefixes, strict=True)):
            named = {"BucketName": HOME} | ({"ObjectPrefixes": [*folders]} if folders else {})
            found = {"ProtectedResource": {"S3Bucket": named}} | (
                {"Status": status} if status else {}
            )
            id = {"MalwareProtectionPlanId": f"p{n}"}
            account.lists(LIST_MALWARE_PROTECTION_PLANS, id)
            account.answers(GET_MALWARE_PROTECTION_PLAN, found, REGION, **id)

    return given


def plan(*prefixes: str, status: str = "ACTIVE") -> Given:
    return lambda account: account.bucket().scanned(HOME, *prefixes, status=status)


@scenarios(
    ("no bucket", nothing, not_applicable("no home-folder bucket")),
    (
        "a bucket of settings alone",
        lambda a: a.bucket(SETTINGS),
        not_applicable("no home-folder bucket"),
    ),
    ("no plan", lambda a: a.bucket(), UNDECLARED),
    ("a plan of another bucket", lambda a: a.bucket().scanned("website"), UNDECLARED),
    ("active", plan(), passes),
    ("active, for all that AppStream stores", plan(*USERS), passes),
    ("active, for each folder", plan("user/custom/", "user/federated/", "user/userpool/"), passes),
    ("active, for federated users alone", plan(*SAML), to_be_reviewed),
    ("active, for a user of each folder", plan("user/custom/jane/"), to_be_reviewed),
    ("with a warning", plan(status="WARNING"), to_be_reviewed),
    ("with an error", plan(status="ERROR"), fails),
    ("with a status that nobody knows", plan(status="PAUSED"), to_be_reviewed),
    *(
        (f"several plans: {statuses} {prefixes}", plans(statuses, prefixes), expected)
        for statuses, prefixes, expected in (
            (("ACTIVE", "ERROR"), ((), ()), fails),
            (("ERROR", "ACTIVE"), ((), ()), fails),
            (("ACTIVE", "WARNING"), ((), ()), to_be_reviewed),
            (("ACTIVE", "ACTIVE"), (SAML, ("user/custom/", "user/userpool/")), passes),
            (("ACTIVE", "ACTIVE"), (SAML, ()), passes),
            (("ACTIVE", "ACTIVE"), (SAML, ("user/custom/",)), to_be_reviewed),
        )
    ),
    (
        "several plans, one with an error, one without status",
        lambda a: plans(("ERROR", None), ((), ()))(a),
        fails,
    ),
    (
        "several plans, one active, one without status",
        lambda a: plans(("ACTIVE", None), ((), ()))(a),
        not_evidenced("absent in answer", GET_MALWARE_PROTECTION_PLAN),
    ),
    ("with an error, for some", plan(*SAML, status="ERROR"), fails),
    (
        "plans denied",
        lambda a: a.bucket().denies(LIST_MALWARE_PROTECTION_PLANS),
        denied(LIST_MALWARE_PROTECTION_PLANS),
    ),
    (
        "a plan denied",
        lambda a: plan()(a).denies(GET_MALWARE_PROTECTION_PLAN, REGION, **PLAN),
        denied(GET_MALWARE_PROTECTION_PLAN),
    ),
    (
        "a plan of another denied",
        lambda a: plan()(a.scanned("website")).denies(
            GET_MALWARE_PROTECTION_PLAN, REGION, MalwareProtectionPlanId="plan of website"
        ),
        passes,
    ),
    (
        "a plan that is gone",
        lambda a: plan()(a).refuses(
            GET_MALWARE_PROTECTION_PLAN, "ResourceNotFoundException", region=REGION, **PLAN
        ),
        UNDECLARED,
    ),
    (
        "a plan that names no bucket",
        lambda a: plan()(a).answers(
            GET_MALWARE_PROTECTION_PLAN, {"Status": "ACTIVE", "ProtectedResource": {}}, **PLAN
        ),
        not_evidenced("absent in answer", GET_MALWARE_PROTECTION_PLAN),
    ),
    (
        "plans cut short, none of those read is the bucket's",
        lambda a: a.bucket().scanned("website").cuts(LIST_MALWARE_PROTECTION_PLANS, "more"),
        not_evidenced("cut short", LIST_MALWARE_PROTECTION_PLANS),
    ),
    (
        "plans cut short after the bucket's",
        lambda a: plan()(a).cuts(LIST_MALWARE_PROTECTION_PLANS, "more"),
        passes,
    ),
)
def test_ds_04_malware(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "DS-04") == expected


@pytest.mark.parametrize("statuses", [("WARNING", "PAUSED"), ("PAUSED", "WARNING")])
def test_ds_04_reports_a_status_that_nobody_knows_before_a_warning(
    account: Account, statuses: tuple[str, ...]
) -> None:
    plans(statuses, ((), ()))(account)
    (finding,) = findings(account, "DS-04")
    assert "PAUSED" in finding.observed


@scenarios(
    ("no plan", lambda a: a.bucket(), passes),
    ("a plan for some", plan(*SAML), passes),
    ("an error all the same", plan(status="ERROR"), fails),
)
def test_ds_04_something_else_scans(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, declared_reasons={"DS-04": "Defender in the image"})
    given(account)
    assert verdicts(account, "DS-04") == expected


def test_ds_02_says_since_which_day_a_job_is_under_way(account: Account) -> None:
    job(state="RUNNING", kind="SCHEDULED")(account)
    (finding,) = findings(account, "DS-02")
    assert f"is under way since {LATELY:%Y-%m-%d}, and" in finding.hint
