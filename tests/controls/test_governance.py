"""Governance: what each control and roll-up says of which account."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_REGIONS,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    GET_SECURITY_CONTACT,
    LIST_BUCKETS,
    LIST_COPY_BUCKETS,
    LIST_CUSTOMER_AGREEMENTS,
    LIST_NAMED_BUCKETS,
    LIST_REGIONS,
    LIST_REPORTS,
)
from kit.controls import CONTROLS
from kit.controls.months import months_before
from kit.judge import evaluate
from kit.snapshot import Snapshot
from kit.tables import tabulate
from tests.controls.scenarios import (
    Given,
    attested,
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
from tests.standins import ACCOUNT, AS_OF, HOME, LOGS, REGION, Account, replication, without

UNDECLARED = not_evidenced("not declared")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"data_role": "controller", "register_reference": "RoPA 7"}, passes),
        ({"data_role": "processor", "register_reference": "RoPA 7"}, passes),
        ({"data_role": "joint controller", "register_reference": "RoPA 7"}, passes),
        ({"data_role": "controller"}, UNDECLARED),
        ({"register_reference": "RoPA 7"}, UNDECLARED),
        ({"controller": "Example Ltd", "contact": "dpo@example.org"}, UNDECLARED),
        ({}, UNDECLARED),
    ],
    ids=str,
)
def test_gv_01_the_role_is_recorded(
    tmp_path: Path, declared: dict[str, str], expected: Any
) -> None:
    assert verdicts(Account(tmp_path, **declared), "GV-01") == [expected]


def test_gv_06_shows_agreements_of_every_page(tmp_path: Path) -> None:
    listed = Account(tmp_path).lists(LIST_CUSTOMER_AGREEMENTS, {"name": "DPA", "state": "ACTIVE"})
    snapshot = listed.snapshot()
    (last,) = snapshot.answer(LIST_CUSTOMER_AGREEMENTS).requests
    first = replace(last, response={"customerAgreements": []}, id="E9999")
    paged = Snapshot(snapshot.header, [first, *snapshot.requests], snapshot.folder)
    (finding,) = [one for one in evaluate(tabulate(paged)).leaves if one.control == "GV-06"]
    assert "Agreements listed by Artifact: DPA" in finding.observed


def test_gv_01_cites_the_parameters_alone(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller", register_reference="RoPA 7")
    (finding,) = findings(account, "GV-01")
    cited = ("data_role", "register_reference", "controller", "contact")
    assert finding.evidence == tuple(f"parameters#/{name}" for name in cited)


def report(
    name: str = "SOC 2 Type II", ended: dt.datetime | None = AS_OF, state: str = "PUBLISHED"
) -> dict[str, Any]:
    reported = {"name": name, "state": state, "arn": "arn:aws:artifact:::report/1", "series": "x"}
    return reported | ({"periodEnd": ended} if ended else {})


def listing(*reports: Any) -> Given:
    return lambda a: a.lists(LIST_REPORTS, *reports)


LIMIT = dt.datetime(2025, 8, 24, 12, 0, tzinfo=dt.UTC)  # 15 months before
MOMENT = dt.timedelta(seconds=1)
STALE = not_evidenced("no current report")
ARTIFACT = attested("AWS Artifact: ")


def requested_for(folder: Path, *frameworks: str, **declared: Any) -> Account:
    """An account whose profile names these frameworks."""
    own = folder / "ours.yaml"
    own.write_text(f"attestations: [{', '.join(frameworks)}]\n")
    return Account(folder, thresholds=str(own), **declared)


@pytest.mark.parametrize(
    ("framework", "given", "expected"),
    [
        ("SOC 2", listing(), STALE),
        (
            "SOC 2",
            listing(report()),
            attested("AWS Artifact: SOC 2 Type II, period to 2026-11-24"),
        ),
        ("SOC 2", listing(report(ended=LIMIT)), ARTIFACT),
        ("SOC 2", listing(report(ended=LIMIT - MOMENT)), STALE),
        ("SOC 2", listing(report(ended=LIMIT.replace(microsecond=1))), ARTIFACT),
        ("SOC 2", listing(report(ended=None)), attested("AWS Artifact: SOC 2 Type II (arn")),
        ("SOC 2", listing(report(state="UNPUBLISHED")), STALE),
        ("SOC 2", listing({"name": "SOC 2 Type II"}), STALE),  # state left out
        ("SOC 2", listing({"state": "PUBLISHED"}), STALE),  # name left out
        ("ISO 27001", listing(report("ISO 27001:2022 Certificate")), ARTIFACT),
        ("ISO 27017", listing(report("ISO 27017:2015")), ARTIFACT),
        ("ISO 27018", listing(report("ISO 27018:2019")), ARTIFACT),
        ("ISO 27701", listing(report("ISO27701:2019")), ARTIFACT),
        ("C5", listing(report("Cloud Computing Compliance Controls Catalogue (C5)")), ARTIFACT),
        ("CISPE", listing(report("CISPE Code of Conduct")), ARTIFACT),
        ("SOC 2", listing(report("2026 report") | {"series": "SOC 2"}), ARTIFACT),
        ("SOC 2", listing(report("PCI DSS 4.0")), STALE),
        ("SOC 2", listing(report("SOC 1 Type II")), STALE),
        ("SOC 2", listing(report("SOC 2026 bridge letter")), STALE),
        ("ISO 27001", listing(report("ISO 127001")), STALE),
        ("ISO 27001", listing(report("SOC 2 Type II")), STALE),
        ("ISO 27018", listing(report("ISO 27017 and 27018")), ARTIFACT),
        (
            "C5",
            listing(report("C5", LIMIT), report("C5 2026"), report("C5", ended=None)),
            attested("AWS Artifact: C5 2026, period to 2026-11-24"),
        ),
        (
            "C5",
            listing(report("C5", LIMIT - MOMENT), report("C5 letter", ended=None)),
            attested("AWS Artifact: C5 letter (arn"),
        ),
        ("SOC 2", lambda a: a.denies(LIST_REPORTS), denied(LIST_REPORTS)),
    ],
)
def test_gv_02_a_current_report_that_was_read_attests_its_framework(
    tmp_path: Path, framework: str, given: Given, expected: Any
) -> None:
    account = requested_for(tmp_path, framework, reports_read={framework: "TPRM 4"})
    given(account)
    assert verdicts(account, "GV-02") == [expected]


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("", UNDECLARED),
        ("TPRM-2026-041", ARTIFACT),
        ("2026-11-10", ARTIFACT),
        ("2026-11-24", ARTIFACT),
        ("2026-11-25", to_be_reviewed),  # ahead
        ("2026-10-31", ARTIFACT),  # the day on which the period ended
        ("2026-10-30", to_be_reviewed),  # an older report, then
        ("2025-10-31", to_be_reviewed),
    ],
)
def test_gv_02_a_listed_report_does_not_show_that_anybody_read_it(
    tmp_path: Path, reading: str, expected: Any
) -> None:
    declared = {"reports_read": {"SOC 2": reading}} if reading else {}
    account = requested_for(tmp_path, "SOC 2", **declared)
    account.lists(LIST_REPORTS, report(ended=dt.datetime(2026, 10, 31, tzinfo=dt.UTC)))
    assert verdicts(account, "GV-02") == [expected]


@pytest.mark.parametrize(
    ("reading", "read"), [("2026-03-01", True), ("2026-01-15", True), ("2026-01-14", False)]
)
def test_gv_02_a_certificate_is_read_while_its_period_runs(
    tmp_path: Path, reading: str, read: bool
) -> None:
    account = requested_for(tmp_path, "ISO 27001", reports_read={"ISO 27001": reading})
    runs = {"periodStart": dt.datetime(2026, 1, 15, tzinfo=dt.UTC)}
    until = dt.datetime(2028, 12, 31, tzinfo=dt.UTC)
    account.lists(LIST_REPORTS, report("ISO 27001 Certificate", ended=until) | runs)
    assert verdicts(account, "GV-02") == [ARTIFACT if read else to_be_reviewed]


@pytest.mark.parametrize(("reading", "read"), [("2026-11-23", False), ("2026-11-24", True)])
def test_gv_02_nobody_reads_a_report_before_the_day_on_which_its_period_ends(
    tmp_path: Path, reading: str, read: bool
) -> None:
    account = requested_for(tmp_path, "SOC 2", reports_read={"SOC 2": reading})
    account.lists(LIST_REPORTS, report(ended=AS_OF))
    assert verdicts(account, "GV-02") == [ARTIFACT if read else to_be_reviewed]


@pytest.mark.parametrize(
    ("start", "period"),
    [({}, "period to 2026-10-31"), ({"periodStart": AS_OF}, "period 2026-11-24 to 2026-10-31")],
)
def test_gv_02_states_the_days_of_the_period(
    tmp_path: Path, start: dict[str, Any], period: str
) -> None:
    account = requested_for(tmp_path, "SOC 2", reports_read={"SOC 2": "TPRM 4"})
    ended = dt.datetime(2026, 10, 31, 23, 59, tzinfo=dt.UTC)
    account.lists(LIST_REPORTS, report(ended=ended) | start)
    (finding,) = findings(account, "GV-02")
    assert re.split(r", | \(", finding.reason)[1] == period


def test_gv_02_has_a_row_for_each_framework_that_the_profile_names(tmp_path: Path) -> None:
    read = {"SOC 2": "TPRM 4", "ISO 27018": "TPRM 5"}
    account = requested_for(tmp_path, "SOC 2", "C5", "ISO 27001", "ISO 27018", reports_read=read)
    account.lists(LIST_REPORTS, report(), report("C5"), report("CISPE"))
    found = {one.resource: one for one in findings(account, "GV-02")}
    assert {name: (one.status, one.reason[:17]) for name, one in found.items()} == {
        "AWS, SOC 2": ("attested", "AWS Artifact: SOC"),
        "AWS, C5": ("not evidenced", "not declared"),
        "AWS, ISO 27001": ("not evidenced", "no current report"),
        "AWS, ISO 27018": ("not evidenced", "no current report"),
    }
    soc = found["AWS, SOC 2"]
    assert soc.reason.endswith("declared as read: TPRM 4")
    assert "parameters#/reports_read" in soc.evidence


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("2026-11-01", "to 2026-10-31"),
        ("2026-06-01", "to 2025-12-31"),  # the newest was not written yet
        ("2025-12-30", ""),
        ("2027-06-01", ""),
    ],
)
def test_gv_02_any_of_the_current_reports_may_have_been_read(
    tmp_path: Path, reading: str, expected: str
) -> None:
    account = requested_for(tmp_path, "SOC 2", reports_read={"SOC 2": reading})
    for ended in (
        dt.datetime(2025, 12, 31, tzinfo=dt.UTC),
        dt.datetime(2026, 10, 31, tzinfo=dt.UTC),
    ):
        account.lists(LIST_REPORTS, report(ended=ended))
    (finding,) = findings(account, "GV-02")
    assert finding.status == ("attested" if expected else "not evidenced")
    assert finding.reason == "needs review" if not expected else expected in finding.reason


def test_gv_02_one_report_does_not_attest_another_framework(tmp_path: Path) -> None:
    account = Account(tmp_path, reports_read={"SOC 2": "TPRM 4"})
    account.lists(LIST_REPORTS, report())
    statuses = [one.status for one in findings(account, "GV-02")]
    assert sorted(statuses) == ["attested", *["not evidenced"] * 6]


@pytest.mark.parametrize(
    ("reports", "elsewhere"),
    [
        ((report("ISO 27017, 27018 Certificate"),), True),
        (
            (
                report("ISO 27017, 27018 Certificate"),
                report("C5") | {"arn": "arn:aws:artifact:::report/2"},
            ),
            True,
        ),
        (
            (
                report("ISO 27017 Certificate"),
                report("ISO 27018 Certificate") | {"arn": "arn:aws:artifact:::report/2"},
            ),
            False,
        ),
    ],
)
def test_gv_02_says_where_the_same_document_is_declared_as_read_for_another_framework(
    tmp_path: Path, reports: tuple[dict[str, Any], ...], elsewhere: bool
) -> None:
    """A reading is declared for a framework, and a document may report on several."""
    account = requested_for(
        tmp_path, "ISO 27017", "ISO 27018", reports_read={"ISO 27018": "TPRM 5"}
    )
    account.lists(LIST_REPORTS, *reports)
    found = {one.resource: one for one in findings(account, "GV-02")}
    assert found["AWS, ISO 27018"].status == "attested"
    other = found["AWS, ISO 27017"]
    assert (other.status, other.reason) == ("not evidenced", "not declared")
    said = "the same document is declared as read for ISO 27018 (TPRM 5)"
    assert (said in other.hint) is elsewhere
    assert ("declared as read for: ISO 27018 (TPRM 5)" in other.observed) is elsewhere


@pytest.mark.parametrize(("months", "status"), [(3, "attested"), (2, "not evidenced")])
def test_gv_02_has_the_age_of_the_profile(tmp_path: Path, months: int, status: str) -> None:
    account = requested_for(tmp_path, "SOC 2", reports_read={"SOC 2": "TPRM 4"})
    with (tmp_path / "ours.yaml").open("a") as own:
        own.write(f"report_valid_months: {months}\n")
    account.lists(LIST_REPORTS, report(ended=AS_OF - dt.timedelta(days=70)))
    (finding,) = findings(account, "GV-02")
    assert finding.status == status


def test_gv_03_sums_up_what_the_customer_answers_for(account: Account) -> None:
    found = evaluate(tabulate(account.fleet(IdleDisconnectTimeoutInSeconds=0).snapshot()))
    (roll_up,) = (one for one in found.roll_ups if one.control == "GV-03")
    customers = {name for name, one in CONTROLS.items() if one.responsibility == "customer"}
    assert roll_up.status == "fail"
    assert set(roll_up.evidence) == customers
    assert "AR-03" in roll_up.observed
    assert roll_up.region == "global"


def reviewed(day: str, **more: str) -> dict[str, str]:
    return {"reviewer": "Security officer", "reviewed_on": day, **more}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, UNDECLARED),
        ({"reviewer": "Security officer"}, UNDECLARED),
        ({"reviewed_on": "2026-11-01"}, UNDECLARED),
        (reviewed("2026-11-01"), passes),
        (reviewed("2026-11-24"), passes),
        (reviewed("2025-11-25"), passes),
        (reviewed("2025-11-24"), to_be_reviewed),
        (reviewed("2026-11-25"), to_be_reviewed),
    ],
    ids=str,
)
def test_gv_04_responsibilities_are_reviewed(
    tmp_path: Path, declared: dict[str, str], expected: Any
) -> None:
    assert verdicts(Account(tmp_path, **declared), "GV-04") == [expected]


@pytest.mark.parametrize(
    ("day", "on", "months", "passed"),
    [
        ("2027-02-28", "2027-03-31", 1, False),  # February has no 31st day
        ("2027-03-01", "2027-03-31", 1, True),
        ("2024-02-29", "2025-02-28", 12, True),
        ("2024-02-28", "2025-02-28", 12, False),
        ("2026-12-31", "2027-01-31", 1, False),
        ("2027-01-01", "2027-01-31", 1, True),
        ("2025-12-31", "2026-12-31", 12, False),
        ("0001-01-02", "2026-12-31", 99_999, True),
    ],
)
def test_gv_04_counts_months_to_the_last_day_of_shorter_ones(
    day: str, on: str, months: int, passed: bool
) -> None:
    as_of = dt.datetime.fromisoformat(f"{on}T12:00:00+00:00")
    clause = CONTROLS["GV-04"].clauses[0]
    outcome = clause.rule("A reviewer", day, review_valid_months=months, as_of=as_of)
    assert (outcome is True) == passed


# --- GV-06 to GV-08: declarations with dates ---------------------------------------------------

CONTRACT = {"processor_contract": "Addendum 9", "processor_contract_on": "2019-03-01"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, UNDECLARED),
        ({"processor_contract": "Addendum 9"}, UNDECLARED),
        ({"processor_contract_on": "2019-03-01"}, UNDECLARED),
        (CONTRACT, passes),
        (CONTRACT | {"processor_contract_on": "2026-11-24"}, passes),
        (CONTRACT | {"processor_contract_on": "2026-11-25"}, to_be_reviewed),
    ],
    ids=str,
)
def test_gv_06_contract(tmp_path: Path, declared: dict[str, str], expected: Any) -> None:
    assert verdicts(Account(tmp_path, **declared), "GV-06") == [expected]


def test_gv_06_shows_agreements_that_it_does_not_judge(tmp_path: Path) -> None:
    account = Account(tmp_path, **CONTRACT).denies(LIST_CUSTOMER_AGREEMENTS)
    assert verdicts(account, "GV-06") == [passes]


REVIEW = {"access_reviewer": "Head of design", "access_reviewed_on": "2025-11-25"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, UNDECLARED),
        ({"access_reviewer": "Head of design"}, UNDECLARED),
        ({"access_reviewed_on": "2026-11-01"}, UNDECLARED),
        ({"reviewer": "Head of design", "reviewed_on": "2026-11-01"}, UNDECLARED),
        (REVIEW, passes),
        (REVIEW | {"access_reviewed_on": "2025-11-24"}, to_be_reviewed),
        (REVIEW | {"access_reviewed_on": "2026-11-25"}, to_be_reviewed),
    ],
    ids=str,
)
def test_gv_07_access_review(tmp_path: Path, declared: dict[str, str], expected: Any) -> None:
    assert verdicts(Account(tmp_path, **declared), "GV-07") == [expected]


BREACH = {"breach_contact": "The authority", "breach_hours": 72}
EXERCISE = {"breach_exercised_on": "2026-06-01"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, UNDECLARED),
        (BREACH, UNDECLARED),
        (EXERCISE, UNDECLARED),
        (BREACH | EXERCISE, passes),
        (BREACH | EXERCISE | {"breach_hours": 0}, UNDECLARED),
        (BREACH | EXERCISE | {"breach_contact": ""}, UNDECLARED),
        (BREACH | EXERCISE | {"breach_hours": 73}, fails),
        (BREACH | {"breach_hours": 73}, fails),
        (BREACH | {"breach_exercised_on": "2025-11-24"}, to_be_reviewed),
        (BREACH | {"breach_exercised_on": "2026-11-25"}, to_be_reviewed),
    ],
    ids=str,
)
def test_gv_08_breaches(tmp_path: Path, declared: dict[str, Any], expected: Any) -> None:
    assert verdicts(Account(tmp_path, **declared), "GV-08") == [expected]


# --- GV-09: the security contact ---------------------------------------------------------------

SECRET = {"Name": "Jo Doe", "EmailAddress": "jo@controller.example", "PhoneNumber": "+49301234"}
CONTACT = {"AlternateContact": {"AlternateContactType": "SECURITY", "Title": "CISO", **SECRET}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda a: a, fails),
        (lambda a: a.answers(GET_SECURITY_CONTACT, CONTACT), passes),
        (lambda a: a.denies(GET_SECURITY_CONTACT), denied(GET_SECURITY_CONTACT)),
        (
            lambda a: a.answers(GET_SECURITY_CONTACT, {"AlternateContact": SECRET}),
            not_evidenced("absent in answer", GET_SECURITY_CONTACT),
        ),
    ],
)
def test_gv_09_security_contact(tmp_path: Path, given: Any, expected: Any) -> None:
    assert verdicts(given(Account(tmp_path)), "GV-09") == [expected]


def test_gv_09_keeps_nothing_of_who_it_is(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).answers(GET_SECURITY_CONTACT, CONTACT).snapshot()
    written = "".join(path.read_text() for path in snapshot.folder.rglob("*") if path.is_file())
    assert "AlternateContact" in written
    assert not [value for value in (*SECRET.values(), "CISO") if value in written]


# --- GV-05: where data rests ------------------------------------------------------------------

ABROAD = "us-east-1"


def shown(*regions: str) -> Given:
    """Fleets in these regions."""

    def given(account: Account) -> None:
        for region in regions:
            account.fleet(region=region)

    return given


def copying(bucket: str, location: str | None = ABROAD, **rule: Any) -> Given:
    """A home-folder bucket that S3 copies to one of the account, and where that lies."""

    def given(account: Account) -> Account:
        account.bucket()
        reported = replication(bucket, **rule)
        account.answers(GET_BUCKET_REPLICATION, reported, REGION, Bucket=HOME)
        account.lists(LIST_COPY_BUCKETS, {"Name": bucket}, Prefix=bucket)
        answer = {"LocationConstraint": location} if location else {}
        return account.answers(GET_BUCKET_LOCATION, answer, REGION, Bucket=bucket)

    return given


STRANGER, COLLEAGUE = "999999999999", "777788889999"


def owned(account: str = ACCOUNT, bucket: str = "copies") -> dict[str, Any]:
    return {"Destination": {"Bucket": f"arn:aws:s3:::{bucket}", "Account": account}}


def unlisted(account: Account, *others: str) -> Account:
    """The account's list shows no bucket that is called copies."""
    found = {"Buckets": [{"Name": name} for name in others]}
    return account.answers(LIST_COPY_BUCKETS, found, REGION, Prefix="copies")


def copying_twice(*accounts: str) -> Given:
    """A home-folder bucket that S3 copies to buckets within, of these accounts."""

    def given(account: Account) -> None:
        account.bucket()
        rules = []
        for n, one in enumerate(accounts):
            destination = (
                owned(one, f"copies-{n}")
                if one
                else {"Destination": {"Bucket": f"arn:aws:s3:::copies-{n}"}}
            )
            rules += replication("", **destination)["ReplicationConfiguration"]["Rules"]
            where = {"LocationConstraint": REGION}
            account.answers(GET_BUCKET_LOCATION, where, REGION, Bucket=f"copies-{n}")
            if not one:
                account.lists(LIST_COPY_BUCKETS, Prefix=f"copies-{n}")
        reported = {"ReplicationConfiguration": {"Role": "", "Rules": rules}}
        account.answers(GET_BUCKET_REPLICATION, reported, REGION, Bucket=HOME)

    return given


@scenarios(
    ("nothing", nothing, not_applicable("no place of data")),
    ("in an allowed region", shown(REGION), passes),
    ("a bucket", lambda a: a.bucket(), passes),
    (
        "a bucket that was listed elsewhere than its name says",
        lambda a: a.lists(LIST_BUCKETS, {"Name": LOGS, "BucketRegion": ABROAD}).bucket(
            LOGS, listed=False
        ),
        fails,
    ),
    ("a bucket outside the regions in scope", lambda a: a.bucket(HOME, region=ABROAD), fails),
    ("a trail at home", lambda a: a.trail(), passes),
    (
        "a trail whose bucket is abroad",
        lambda a: a.trail().answers(GET_BUCKET_LOCATION, {}, REGION, Bucket="trail-logs"),
        fails,
    ),
    (
        "a trail's bucket, as the oldest spell their region",
        lambda a: a.trail().answers(
            GET_BUCKET_LOCATION, {"LocationConstraint": "EU"}, REGION, Bucket="trail-logs"
        ),
        passes,
    ),
    (
        "where a trail's bucket lies denied",
        lambda a: a.trail().denies(GET_BUCKET_LOCATION, region=REGION, Bucket="trail-logs"),
        denied(GET_BUCKET_LOCATION),
    ),
    ("copied abroad", copying("copies"), fails),
    ("copied abroad, to where S3 names no region", copying("copies", None), fails),
    (
        "copied within, to another bucket of the account",
        copying("copies", REGION, **owned()),
        passes,
    ),
    (
        "copied within, to a bucket that is listed",
        lambda a: copying(LOGS, REGION)(a).bucket(LOGS),
        passes,
        passes,
    ),
    ("copied within, to a bucket that is listed by its name", copying("copies", REGION), passes),
    (
        "copied within, to a bucket that is not listed, of which nobody says whose it is",
        lambda a: unlisted(copying("copies", REGION)(a)),
        to_be_reviewed,
    ),
    (
        "a bucket whose name begins alike is listed",
        lambda a: unlisted(copying("copies", REGION)(a), "copies-2"),
        to_be_reviewed,
    ),
    (
        "whether it is listed denied",
        lambda a: copying("copies", REGION)(a).denies(
            LIST_COPY_BUCKETS, region=REGION, Prefix="copies"
        ),
        denied(LIST_COPY_BUCKETS),
    ),
    (
        "copied within, to a bucket called like AppStream's that is not listed",
        copying("appstream-copies", REGION),
        to_be_reviewed,
    ),
    ("copied within, to another account", copying("copies", REGION, **owned(STRANGER)), fails),
    (
        "to another account once, no longer",
        copying("copies", Status="Disabled", **owned(STRANGER)),
        passes,
    ),
    ("copied abroad, to a colleague", copying("copies", **owned(COLLEAGUE)), fails),
    ("copied within, to a colleague", copying("copies", REGION, **owned(COLLEAGUE)), passes),
    (
        "copied to two accounts, one of them a stranger's",
        copying_twice(COLLEAGUE, STRANGER),
        fails,
    ),
    ("copied to two accounts, one of them not named", copying_twice(COLLEAGUE, ""), to_be_reviewed),
    ("copied to a stranger's and to whom nobody says", copying_twice(STRANGER, ""), fails),
    ("copied abroad once, no longer", copying("copies", Status="Disabled"), passes),
    (
        "where a copy lies denied",
        lambda a: copying("copies")(a).denies(GET_BUCKET_LOCATION, region=REGION, Bucket="copies"),
        denied(GET_BUCKET_LOCATION),
    ),
    (
        "copies denied",
        lambda a: a.bucket().denies(GET_BUCKET_REPLICATION, region=REGION, Bucket=HOME),
        denied(GET_BUCKET_REPLICATION),
    ),
    (
        "copies denied of a bucket abroad",
        lambda a: a.bucket(HOME, region=ABROAD).denies(
            GET_BUCKET_REPLICATION, region=ABROAD, Bucket=HOME
        ),
        fails,
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    (
        "whether it is in use denied, and what buckets stacks name",
        lambda a: a.denies(DESCRIBE_STACKS),
        denied(DESCRIBE_STACKS),
        denied(DESCRIBE_STACKS),
    ),
    (
        "one list denied beside a fleet",
        lambda a: a.fleet().denies(DESCRIBE_STACKS),
        passes,
        denied(DESCRIBE_STACKS),
    ),
)
def test_gv_05_data_location(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, allowed_regions=[REGION], organisation_accounts=[COLLEAGUE])
    given(account)
    assert verdicts(account, "GV-05") == expected


def archived(account: Account, *own: str) -> Account:
    """A trail delivers to a bucket; these are the account's own of its name."""
    account.trail()
    found = [{"Name": name, "BucketRegion": REGION} for name in own]
    return account.answers(LIST_NAMED_BUCKETS, {"Buckets": found}, REGION, Prefix="trail-logs")


@pytest.mark.parametrize(
    ("given", "reasons", "verdict"),
    [
        (lambda a: archived(a, "trail-logs"), {}, passes),
        (archived, {}, to_be_reviewed),
        (archived, {"GV-05": "The organisation's archive of logs"}, passes),
        (lambda a: archived(a, "trail-logs-2"), {}, to_be_reviewed),
        (
            lambda a: a.trail().denies(LIST_NAMED_BUCKETS, region=REGION, Prefix="trail-logs"),
            {},
            denied(LIST_NAMED_BUCKETS),
        ),
    ],
)
def test_gv_05_logs_of_trails_rest_in_the_accounts_own_bucket(
    tmp_path: Path, given: Any, reasons: dict[str, str], verdict: Any
) -> None:
    account = Account(tmp_path, allowed_regions=[REGION], declared_reasons=reasons)
    given(account)
    assert verdicts(account, "GV-05") == [verdict]


def test_gv_05_whoever_owns_a_trail_judges_its_bucket(tmp_path: Path) -> None:
    account = Account(tmp_path, allowed_regions=[REGION])
    archived(account.trail("theirs", account=STRANGER, S3BucketName="their-logs"), "trail-logs")
    shown = "Owner of the bucket: trail of another account"
    assert any(shown in one.observed for one in findings(account, "GV-05"))


def test_gv_05_names_the_account_that_holds_copies(tmp_path: Path) -> None:
    account = Account(tmp_path, allowed_regions=[REGION])
    copying("copies", REGION, **owned(STRANGER))(account)
    (finding,) = findings(account, "GV-05")
    assert f"Other accounts that hold copies: {STRANGER}" in finding.observed


@pytest.mark.parametrize(("colleagues", "status"), [([], "fail"), ([COLLEAGUE], "not evidenced")])
def test_gv_05_says_that_a_copy_goes_to_nobody_knows_whom(
    tmp_path: Path, colleagues: list[str], status: str
) -> None:
    account = Account(tmp_path, allowed_regions=[REGION], organisation_accounts=colleagues)
    unlisted(copying("copies", REGION)(account))
    (finding,) = findings(account, "GV-05")
    assert (
        "Other accounts that hold copies: another account, which is not named" in finding.observed
    )
    assert finding.status == status
    assert ("Destination.Account" in finding.hint) is (status != "fail")


def test_gv_05_does_not_take_a_denied_list_for_a_stranger(tmp_path: Path) -> None:
    account = Account(tmp_path, allowed_regions=[REGION]).bucket(listed=False)
    account.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}])
    reported = replication("appstream-copies")
    account.answers(GET_BUCKET_REPLICATION, reported, REGION, Bucket=HOME).denies(LIST_BUCKETS)
    where = {"LocationConstraint": REGION}
    account.answers(GET_BUCKET_LOCATION, where, REGION, Bucket="appstream-copies")
    found = [one for one in findings(account, "GV-05") if one.resource == HOME]
    assert [(one.status, one.reason) for one in found] == [("not evidenced", "denied")]


@pytest.mark.parametrize(
    ("allowed", "reason", "hint"),
    [
        (
            [],
            "not declared",
            "the regions in which data may rest (allowed_regions); the parameters leave out {}, where",
        ),
        (
            [REGION, ABROAD],
            "not collected",
            "the parameters leave out {}, where the bucket lies (regions)",
        ),
    ],
)
def test_gv_05_names_what_lacks_of_a_bucket_in_a_region_left_out(
    tmp_path: Path, allowed: list[str], reason: str, hint: str
) -> None:
    account = Account(tmp_path, allowed_regions=allowed)
    account.bucket(HOME.replace(REGION, ABROAD), region=ABROAD)
    account.run = account.run.model_copy(update={"controls": ["GV-05"]})
    snapshot = without(account.snapshot(), GET_BUCKET_REPLICATION)
    (finding,) = evaluate(tabulate(snapshot)).leaves
    assert (finding.status, finding.reason) == ("not evidenced", reason)
    assert finding.hint.startswith(hint.format(ABROAD))


def test_gv_05_judges_each_region_in_scope(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, ABROAD), allowed_regions=[REGION])
    shown(REGION, ABROAD)(account)
    assert verdicts(account, "GV-05") == [passes, fails]


def test_gv_05_says_nothing_of_a_region_that_is_off(tmp_path: Path) -> None:
    regions = {"regions": (REGION, ABROAD), "regions_off": (ABROAD,)}
    account = Account(tmp_path, **regions, allowed_regions=[REGION, ABROAD]).fleet()
    off = not_evidenced("region off")
    found = findings(account, "GV-05")
    assert [(one.status, one.reason) for one in found] == [
        ("pass", ""),
        *[(off.status, off.reason)] * 5,  # the region, its trails, stacks, builders, reports
    ]


def test_gv_05_does_not_know_where_a_region_that_is_off_copies_a_bucket(tmp_path: Path) -> None:
    regions = {"regions": (REGION, ABROAD), "regions_off": (ABROAD,)}
    account = Account(tmp_path, **regions, allowed_regions=[REGION, ABROAD])
    there = HOME.replace(REGION, ABROAD)
    account.bucket(there, region=ABROAD)
    account.run = account.run.model_copy(update={"controls": ["GV-05"]})
    found = evaluate(tabulate(without(account.snapshot(), GET_BUCKET_REPLICATION))).leaves
    assert [one.reason for one in found if one.resource == there] == ["region off"]


def test_gv_05_needs_a_list_and_does_not_take_none_for_anywhere(account: Account) -> None:
    assert verdicts(account.fleet(region=REGION), "GV-05") == [UNDECLARED]


def test_gv_05_without_a_list_names_the_list_and_ends_no_copy(account: Account) -> None:
    (finding,) = findings(account.fleet(region=REGION), "GV-05")
    assert finding.remedies == "data_rests_in_allowed_regions?not declared"  # nothing is copied
    assert "allowed_regions" in CONTROLS["GV-05"].remedy(finding.remedies).console


def test_gv_05_says_which_enabled_regions_it_did_not_look_at(tmp_path: Path) -> None:
    account = Account(tmp_path, allowed_regions=[REGION]).fleet()
    for name, state in ((REGION, "ENABLED"), ("eu-west-2", "ENABLED"), ("eu-south-1", "DISABLED")):
        account.lists(
            LIST_REGIONS, {"RegionName": name, "RegionOptStatus": state}, region="us-east-1"
        )
    (finding,) = findings(account, "GV-05")
    assert finding.observed.endswith("Enabled regions not looked at: eu-west-2")


def test_gv_05_takes_the_enabled_regions_from_ec2_where_the_list_is_denied(tmp_path: Path) -> None:
    account = Account(tmp_path, allowed_regions=[REGION]).fleet().denies(LIST_REGIONS)
    for name, state in ((REGION, "opt-in-not-required"), ("eu-west-2", "opted-in")):
        account.lists(
            DESCRIBE_REGIONS, {"RegionName": name, "OptInStatus": state}, region="us-east-1"
        )
    (finding,) = findings(account, "GV-05")
    assert finding.observed.endswith("Enabled regions not looked at: eu-west-2")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ((2026, 3, 31), 13, (2025, 2, 28)),
        ((2026, 1, 15), 1, (2025, 12, 15)),
        ((2, 3, 31), 13, (1, 2, 28)),
        ((2, 1, 31), 12, (1, 1, 31)),
        ((1, 5, 5), 5, (1, 1, 1)),
        ((1, 5, 5), 10_000, (1, 1, 1)),
    ],
)
def test_months_before_a_day_end_with_the_first_year(
    day: tuple[int, int, int], months: int, expected: tuple[int, int, int]
) -> None:
    assert months_before(dt.date(*day), months) == dt.date(*expected)
