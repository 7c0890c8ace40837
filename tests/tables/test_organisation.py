"""Whose things are, by their ARNs, and what only an organisation's administrator may see."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.catalogue.texts import text
from kit.tables.organisation import held, names_the_snapshot, owner_of
from tests.standins import Account


@pytest.mark.parametrize(
    ("arn", "owner"),
    [
        (None, ""),
        ("", ""),
        ("alias/reports", ""),
        ("arn:aws:s3:::reports", ""),
        ("arn:aws:s3:eu-west-1:999999999999", ""),
        ("arn:aws:kms:eu-west-1:999999999999:key/1", "999999999999"),
        ("arn:aws:rds:eu-west-1:999999999999:db:orders:1", "999999999999"),
    ],
)
def test_the_owner_is_the_account_of_a_whole_arn(arn: str | None, owner: str) -> None:
    assert owner_of(arn) == owner


def test_a_hint_names_the_snapshot_where_the_run_names_none(tmp_path: Path) -> None:
    what = text("gaps/root_of_organisation")
    account = Account(tmp_path / "member")
    assert names_the_snapshot(held(account.answered(), what).hint)
    account.lender = Account(tmp_path / "lender").answered()
    assert not names_the_snapshot(held(account.answered(), what).hint)
