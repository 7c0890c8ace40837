"""A sample is called a sample: on the cover, beside the verdict, and where a form cuts texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import LOOKUP_EVENTS
from kit.judge import evaluate
from kit.judge.findings import Finding, Findings
from kit.report import show
from kit.report.blocks import BRIEF
from kit.report.views import Controls
from kit.tables import tabulate
from tests.standins import REGION, Account

BOUND = "event_pages of the parameters"
DAY = "2026-11-23 12:00"
ONE = f"all 1 event, {DAY} to {DAY} UTC"


def judged(account: Account) -> tuple[Findings, Any]:
    account.run = account.run.model_copy(update={"controls": ["IT-03", "LG-04", "AR-03"]})
    tables = tabulate(account.snapshot())
    return evaluate(tables), tables


def of(findings: Findings, control: str) -> Finding:
    return next(one for one in findings.leaves if one.control == control)


def period(findings: Findings, tables: Any) -> str:
    return dict(show.cover(findings, tables.snapshot).facts)["Period"]


@pytest.fixture
def busy(tmp_path: Path) -> Account:
    account = Account(tmp_path).stack().fleet()
    for _ in range(3):
        account.event()
    return account


def test_what_was_cut_short_by_the_parameters_is_a_sample(busy: Account) -> None:
    findings, tables = judged(busy.cuts(LOOKUP_EVENTS, BOUND))
    for control in ("IT-03", "LG-04"):
        assert of(findings, control).sample.startswith("a sample: the newest 3 events, 2026-")
    assert of(findings, "AR-03").sample == ""
    assert "a sample of the CloudTrail events of 90 days" in period(findings, tables)
    assert "eu-west-1: the newest 3 events, 2026-" in period(findings, tables)


def test_what_was_read_to_the_end_is_none(busy: Account) -> None:
    findings, tables = judged(busy)
    assert {one.sample for one in findings.leaves} == {""}
    assert "2026-08-26: eu-west-1: all 3 events, 2026-" in period(findings, tables)


def test_without_events_nothing_is_claimed(tmp_path: Path) -> None:
    findings, tables = judged(Account(tmp_path).stack().fleet())
    assert period(findings, tables).endswith("2026-08-26: eu-west-1: no event")
    assert of(findings, "LG-04").sample == ""


def test_events_that_were_refused_are_not_seen(busy: Account) -> None:
    findings, tables = judged(busy.denies(LOOKUP_EVENTS))
    assert period(findings, tables).endswith("2026-08-26: eu-west-1: not read (denied)")
    assert of(findings, "IT-03").sample == ""


def test_the_sentence_stands_where_no_form_cuts_it(busy: Account) -> None:
    findings, _ = judged(busy.cuts(LOOKUP_EVENTS, BOUND))
    shown = show.section(findings, "LG")
    assert isinstance(shown, Controls)
    (block,) = shown.blocks
    assert "A sample: the newest 3 events" in str(block.rest)
    whole = show.all_findings(findings)
    place = [column.name for column in whole.columns].index("observed")
    row = next(row for row in whole.rows if row[0] == "IT-03")
    assert str(row[place]).startswith("A sample: the newest 3 events")
    assert len(str(row[place]).partition(". ")[0]) < BRIEF


def test_the_identity_does_not_depend_on_the_sample(tmp_path: Path) -> None:
    digests = set()
    for number in (1, 4):
        account = Account(tmp_path / str(number)).stack().fleet()
        for _ in range(number):
            account.event()
        found = judged(account.cuts(LOOKUP_EVENTS, BOUND))[0]
        digests.add(Findings([of(found, "IT-03"), of(found, "LG-04")]).digest)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("spoilt", "here", "there"),
    [
        (lambda a: a.denies(LOOKUP_EVENTS, "us-east-1"), ONE, "not read (denied)"),
        (
            lambda a: a.event(details="{"),
            f"all 2 events, {DAY} to {DAY} UTC, 1 of them without details that can be read",
            "no event",
        ),
        (lambda a: a.denies(LOOKUP_EVENTS), "not read (denied)", "not read (denied)"),
        (lambda a: a, ONE, "no event"),
    ],
)
def test_each_region_says_what_of_it_was_read(
    tmp_path: Path, spoilt: Any, here: str, there: str
) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1")).stack().fleet().event()
    findings, tables = judged(spoilt(account))
    assert period(findings, tables).endswith(f"2026-08-26: {REGION}: {here}; us-east-1: {there}")
