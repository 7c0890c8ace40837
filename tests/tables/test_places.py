"""Regions: in use or not, on or off, in the run's scope or outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.calls import LIST_BUCKETS
from kit.tables import tabulate
from kit.tables.places import buckets_left_out, is_unused
from kit.tables.storage import buckets_in_scope
from tests.standins import ACCOUNT, HOME, REGION, Account

OTHER, THIRD = "eu-central-1", "us-east-1"
THERE = HOME.replace(REGION, OTHER)


@pytest.mark.parametrize(
    ("unused", "off", "expected"),
    [
        ((), (), False),
        ((REGION,), (), False),
        ((REGION, OTHER), (), True),
        ((REGION, OTHER, THIRD), (), True),
        ((REGION,), (OTHER,), True),
        ((), (REGION, OTHER), False),
    ],
)
def test_appstream_is_unused_where_no_region_that_is_on_uses_it(
    tmp_path: Path, unused: tuple[str, ...], off: tuple[str, ...], expected: bool
) -> None:
    account = Account(tmp_path, (REGION, OTHER), regions_off=off, regions_unused=unused)
    assert is_unused(account.answered()) is expected


def test_buckets_outside_the_scope_are_counted_by_region(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket().bucket(THERE, region=OTHER)
    account.bucket(HOME.replace(REGION, THIRD), region=THIRD)
    account.bucket(f"appstream-logs-{OTHER}-{ACCOUNT}-b7x2", region=OTHER)
    assert buckets_left_out(account.answered()) == {OTHER: 2, THIRD: 1}


def test_nothing_but_the_purpose_is_known_of_a_bucket_in_a_region_that_is_off(
    tmp_path: Path,
) -> None:
    account = Account(tmp_path, (REGION, OTHER), regions_off=(OTHER,)).bucket()
    table = tabulate(account.bucket(THERE, region=OTHER).answered(), ["buckets"])["buckets"]
    (row,) = (id for id, values in table.rows.items() if values["region"] == OTHER)
    gaps = {column: gap for (id, column), gap in table.gap_at.items() if id == row}
    assert gaps.keys() == table.spec.columns.keys() - {"purpose"}
    assert {gap.reason for gap in gaps.values()} == {"region off"}
    operations = {
        name: column.calls[0].name for name, column in table.spec.columns.items() if column.calls
    }
    assert {name: gap.operation for name, gap in gaps.items()} == {
        name: operations[name] for name in gaps
    }


@pytest.mark.parametrize(
    ("listed", "regions"), [({}, [OTHER, REGION]), ({"BucketRegion": REGION}, [REGION])]
)
def test_a_listed_bucket_without_a_name_may_be_wherever_its_region_leaves_open(
    tmp_path: Path, listed: dict[str, str], regions: list[str]
) -> None:
    account = Account(tmp_path, (REGION, OTHER)).lists(LIST_BUCKETS, listed)
    assert [bucket.region for bucket in buckets_in_scope(account.answered())] == regions
