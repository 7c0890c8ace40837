"""Governance: what each control and roll-up says of which account."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kit.aws.calls import LIST_CUSTOMER_AGREEMENTS, LIST_REPORTS
from kit.controls import CONTROLS, evaluate
from kit.tables import tabulate
from tests.controls.scenarios import (
    Given,
    attested,
    denied,
    findings,
    not_evidenced,
    passes,
    scenarios,
    verdicts,
)
from tests.standins import AS_OF, Account

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


def test_gv_01_shows_agreements_and_does_not_need_them(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller", register_reference="RoPA 7")
    (finding,) = findings(account.denies(LIST_CUSTOMER_AGREEMENTS), "GV-01")
    assert finding.status == "pass"
    assert "Agreements listed by Artifact: not seen" in finding.observed


def test_gv_01_cites_the_parameters(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller", register_reference="RoPA 7")
    (finding,) = findings(account, "GV-01")
    assert finding.evidence[:2] == ("parameters#/data_role", "parameters#/register_reference")


def report(
    name: str = "SOC 2 Type II", ended: dt.datetime | None = AS_OF, state: str = "PUBLISHED"
) -> dict[str, Any]:
    told = {"name": name, "state": state, "arn": "arn:aws:artifact:::report/1", "series": "x"}
    return told | ({"periodEnd": ended} if ended else {})


def listing(*reports: Any) -> Given:
    return lambda a: a.lists(LIST_REPORTS, *reports)


LIMIT = dt.datetime(2025, 8, 24, 12, 0, tzinfo=dt.UTC)  # 15 months before
MOMENT = dt.timedelta(seconds=1)
STALE = not_evidenced("no current report")
ARTIFACT = attested("AWS Artifact: ")


@scenarios(
    ("none listed", listing(), STALE),
    ("current", listing(report()), attested("AWS Artifact: SOC 2 Type II, period to 2026-11-24")),
    ("period ended 15 months ago", listing(report(ended=LIMIT)), ARTIFACT),
    ("period ended a moment earlier", listing(report(ended=LIMIT - MOMENT)), STALE),
    (
        "period given in fractions of a second",
        listing(report(ended=LIMIT.replace(microsecond=1))),
        ARTIFACT,
    ),
    ("no period given", listing(report(ended=None)), attested("AWS Artifact: SOC 2 Type II (arn")),
    ("withdrawn", listing(report(state="UNPUBLISHED")), STALE),
    ("state left out", listing({"name": "SOC 2 Type II"}), STALE),
    ("name left out", listing({"state": "PUBLISHED"}), STALE),
    ("ISO 27001", listing(report("ISO 27001:2022 Certificate")), ARTIFACT),
    ("ISO 27017", listing(report("ISO 27017:2015")), ARTIFACT),
    ("ISO 27018", listing(report("ISO 27018:2019")), ARTIFACT),
    ("ISO 27701", listing(report("ISO27701:2019")), ARTIFACT),
    ("C5", listing(report("Cloud Computing Compliance Controls Catalogue (C5)")), ARTIFACT),
    ("CISPE", listing(report("CISPE Code of Conduct")), ARTIFACT),
    ("named by its series", listing(report("2026 report") | {"series": "SOC 2"}), ARTIFACT),
    ("PCI DSS, which says nothing of personal data", listing(report("PCI DSS 4.0")), STALE),
    ("SOC 1", listing(report("SOC 1 Type II")), STALE),
    ("a year, not a framework", listing(report("SOC 2026 bridge letter")), STALE),
    ("another number", listing(report("ISO 127001")), STALE),
    (
        "the newest of several",
        listing(report("C5", LIMIT), report("ISO 27001"), report("CISPE", ended=None)),
        attested("AWS Artifact: ISO 27001, period to 2026-11-24"),
    ),
    (
        "stale ones beside one without a period",
        listing(report("C5", LIMIT - MOMENT), report("CISPE", ended=None)),
        attested("AWS Artifact: CISPE (arn"),
    ),
    ("denied", lambda a: a.denies(LIST_REPORTS), denied(LIST_REPORTS)),
)
def test_gv_02_aws_has_current_reports(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "GV-02") == expected


@pytest.mark.parametrize(("months", "status"), [(3, "attested"), (2, "not evidenced")])
def test_gv_02_has_the_age_of_the_profile(tmp_path: Path, months: int, status: str) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text(f"report_valid_months: {months}\n")
    account = Account(tmp_path, thresholds=str(own))
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
