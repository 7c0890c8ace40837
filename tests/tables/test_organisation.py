"""Whose things are, by their ARNs, and what only an organisation's administrator may see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import GET_TRAIL_STATUS
from kit.catalogue.texts import text
from kit.snapshot import Trouble
from kit.tables.cells import Cell, attached
from kit.tables.organisation import (
    ADMINISTRATOR,
    held,
    names_the_snapshot,
    owner_of,
    region_of,
    seen_by_owner,
)
from tests.standins import Account


@pytest.mark.parametrize(
    ("arn", "region", "owner"),
    [
        (None, "", ""),
        ("", "", ""),
        ("alias/reports", "", ""),
        ("arn:aws:s3:::reports", "", ""),
        ("arn:aws:s3:eu-west-1:999999999999", "", ""),
        ("arn:aws:iam::999999999999:role/reader", "", "999999999999"),
        ("arn:aws:kms:eu-west-1:999999999999:key/1", "eu-west-1", "999999999999"),
        ("arn:aws:rds:eu-west-1:999999999999:db:orders:1", "eu-west-1", "999999999999"),
    ],
)
def test_a_whole_arn_has_a_region_and_an_owner(arn: str | None, region: str, owner: str) -> None:
    assert (region_of(arn), owner_of(arn)) == (region, owner)


def test_a_hint_names_the_snapshot_where_the_run_names_none(tmp_path: Path) -> None:
    what = text("gaps/root_of_organisation")
    account = Account(tmp_path / "member")
    assert names_the_snapshot(held(account.answered(), what).hint)
    account.lender = Account(tmp_path / "lender").answered()
    assert not names_the_snapshot(held(account.answered(), what).hint)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, "failed"),  # nobody answered
        (301, "failed"),
        (399, "failed"),
        (400, ADMINISTRATOR),
        (404, ADMINISTRATOR),
        (499, ADMINISTRATOR),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_a_refusal_about_anothers_resource_is_the_administrators_and_a_fault_is_not(
    tmp_path: Path, status: Any, reason: str
) -> None:
    arn = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/all"
    account = Account(tmp_path).refuses(GET_TRAIL_STATUS, "Odd", status=status, Name=arn)
    snapshot = account.answered()
    cell = attached(snapshot.answer(GET_TRAIL_STATUS, Name=arn), "IsLogging")
    found = seen_by_owner(cell, snapshot, arn, lambda _: cell)
    assert found.gap is not None
    assert found.gap.reason == reason


@pytest.mark.parametrize("reason", ["cut short", "needs review", "unreadable answer"])
@pytest.mark.parametrize("answered", [True, False])
def test_what_another_account_answered_in_part_is_not_the_administrators(
    tmp_path: Path, reason: str, answered: bool
) -> None:
    arn = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/all"
    account = Account(tmp_path).answers(GET_TRAIL_STATUS, {"IsLogging": True}, Name=arn)
    snapshot = account.answered()
    id = snapshot.answer(GET_TRAIL_STATUS, Name=arn).first if answered else ""
    cell = Cell(gap=Trouble(reason, GET_TRAIL_STATUS.name, evidence=id))
    assert seen_by_owner(cell, snapshot, arn, lambda _: cell) is cell
