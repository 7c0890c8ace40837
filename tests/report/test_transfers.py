"""Where personal data is and goes, by country, and what Chapter V of the GDPR makes of that."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from kit.calls import (
    DESCRIBE_IMAGE_ATTRIBUTE,
    DESCRIBE_STACKS,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    LIST_EXPORT_IMAGE_TASKS,
    LIST_REGIONS,
)
from kit.catalogue.texts import has
from kit.catalogue.transfers import transfers as catalogue
from kit.errors import UserError
from kit.parameters import parameters
from kit.report.show import transfers
from kit.tables import tabulate
from tests.controls.samples import SAMPLES
from tests.standins import HOME, REGION, Account, denial, exported

LEFT = ("aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")  # whose countries nothing public states
DRIVE = {"ConnectorType": "ONE_DRIVE", "Domains": ["a.example"]}


def rows(account: Account) -> list[dict[str, Any]]:
    table = transfers(tabulate(account.snapshot()))
    return [
        {column.name: cell for column, cell in zip(table.columns, row, strict=True)}
        for row in table.rows
    ]


def of(made: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    (row,) = [row for row in made if members.items() <= row.items()]
    return row


def test_every_public_region_has_a_country_and_every_country_a_name() -> None:
    session = botocore.session.get_session()
    public = {
        region
        for partition in session.get_available_partitions()
        if partition not in LEFT
        for region in session.get_available_regions("s3", partition, allow_non_regional=False)
        if not region.startswith(("s3", "aws-global", "fips"))
    }
    assert public <= catalogue().regions.keys()
    countries = set(catalogue().regions.values())
    assert all(has(f"report/countries/{country}") for country in countries)
    assert catalogue().adequate.keys() <= countries - set(catalogue().eea)
    for country, decision in catalogue().adequate.items():
        assert decision.limited == has(f"report/transfers/limits/{country}")
        assert decision.date <= catalogue().newest
        assert decision.source.startswith("https://eur-lex.europa.eu/")
        assert decision.until or not decision.reported


@pytest.mark.parametrize(
    ("region", "country", "ground", "instrument"),
    [
        ("eu-west-1", "Ireland", "in the European Economic Area", "none needed"),
        ("eu-central-2", "Switzerland", "2000/518/EC of 2000-07-26", "none needed"),
        ("eu-west-2", "United Kingdom", "It ends on 2031-12-27. https://", "none needed"),
        ("sa-east-1", "Brazil", "recipients under Brazil's LGPD only", "not declared"),
        ("us-east-1", "United States", "certified under the Data Privacy", "not declared"),
        ("ap-southeast-1", "Singapore", "knows no decision in force", "not declared"),
        ("us-iso-east-1", "not known", "does not know in which country", "not known whether"),
    ],
)
def test_a_region_leads_to_its_country_and_what_chapter_v_makes_of_it(
    tmp_path: Path, region: str, country: str, ground: str, instrument: str
) -> None:
    account = Account(tmp_path, regions=(region,)).fleet(region=region)
    row = of(rows(account), data="sessions", place=region)
    assert row["country"] == country
    assert ground in row["basis"]
    assert row["instrument"].startswith(instrument)
    assert row["resources"] == 1
    assert row["evidence"]


def test_a_declared_instrument_stands_beside_its_region_and_its_connector(tmp_path: Path) -> None:
    declared = {"us-east-1": "SCC 2021/914, contract 7", "ONE_DRIVE": "SCC, contract 9"}
    account = Account(tmp_path, regions=("us-east-1",), transfer_instruments=declared)
    made = rows(
        account.fleet(region="us-east-1").stack(region="us-east-1", StorageConnectors=[DRIVE])
    )
    assert of(made, place="us-east-1")["instrument"] == "SCC 2021/914, contract 7"
    connector = of(made, place="ONE_DRIVE")
    assert connector["instrument"] == "SCC, contract 9"
    assert connector["country"] == "not known"
    assert made.index(of(made, place="ONE_DRIVE")) < made.index(of(made, place="us-east-1"))


def test_a_copy_to_another_region_is_a_transfer(tmp_path: Path) -> None:
    account = Account(tmp_path).stack().bucket(HOME, copied_to="copies")
    account.answers(
        GET_BUCKET_LOCATION, {"LocationConstraint": "us-west-2"}, REGION, Bucket="copies"
    )
    made = rows(account)
    row = of(made, data="copies of: home folders")
    assert (row["place"], row["country"]) == ("us-west-2", "United States")
    assert made[0] == row  # before what stays in the European Economic Area
    assert of(made, data="home folders")["place"] == REGION


def test_buckets_of_applications_are_a_row_without_a_region(tmp_path: Path) -> None:
    row = of(rows(SAMPLES["careless"](tmp_path)), data="sources of applications")
    assert (row["place"], row["country"]) == ("not seen", "not known")
    assert row["basis"].startswith("the kit does not request the region of a bucket")
    assert row["labels"]
    assert row["evidence"]


def test_what_could_not_be_seen_is_a_row_and_no_zero(tmp_path: Path) -> None:
    account = Account(tmp_path).stack().bucket().denies(GET_BUCKET_REPLICATION, Bucket=HOME)
    row = of(rows(account), data="copies of: home folders")
    assert row["place"] == "not seen"
    assert row["basis"].endswith(f"s3.GetBucketReplication, {denial(GET_BUCKET_REPLICATION)}")
    assert row["instrument"] == "not known whether one is needed"


def test_connectors_that_could_not_be_listed_are_reported(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().denies(DESCRIBE_STACKS)
    row = of(rows(account), data="third-party connector")
    assert "DescribeStacks" in row["basis"]
    assert row["resources"] == 0


def test_an_account_that_has_an_image_is_a_recipient_in_an_unknown_country(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().image(shared_with=("999977776666",))
    row = of(rows(account), place="999977776666")
    assert row["data"] == "an image, used by another account"
    assert (row["country"], row["resources"]) == ("not known", 1)
    assert row["instrument"] == "not known whether one is needed"
    assert row["evidence"]


def test_who_may_launch_an_exported_image_is_a_row_seen_or_not(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().lists(LIST_EXPORT_IMAGE_TASKS, exported())
    account.denies(DESCRIBE_IMAGE_ATTRIBUTE, ImageId="ami-1")
    row = of(rows(account), data="the AMI of an exported image, launched by another account")
    assert row["place"] == "not seen"
    (tmp_path / "snapshot").rename(tmp_path / "before")
    everybody = {"ImageId": "ami-1", "LaunchPermissions": [{"Group": "all"}]}
    account.answers(DESCRIBE_IMAGE_ATTRIBUTE, everybody, REGION, ImageId="ami-1")
    assert of(rows(account), place="everybody")["country"] == "not known"


def test_enabled_regions_outside_the_scope_are_one_row(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    others = [
        {"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"}
        for name in (REGION, "us-east-1", "us-west-2")
    ]
    account.lists(LIST_REGIONS, *others)
    row = of(rows(account), data="whatever is in regions outside the run's scope")
    assert row["place"] == "2 regions"
    assert row["basis"].endswith("us-east-1, us-west-2")


def test_a_decision_counts_from_its_day_to_its_last() -> None:
    decision = catalogue().adequate["GB"]
    days = ["2021-06-27", "2021-06-28", "2031-12-27", "2031-12-28"]
    assert [decision.in_force(dt.date.fromisoformat(day)) for day in days] == [
        *(False, True, True, False)
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"us-est-1": "SCC"}, "transfer_instruments.*'us-est-1' is neither a region of AWS nor"),
        ({"DROPBOX": "SCC"}, "one of GOOGLE_DRIVE, ONE_DRIVE"),
        ({"us-east-1": " "}, "us-east-1: has no text"),
        ({"us-east-1": "Where the clauses lie"}, "is the sample"),
    ],
)
def test_an_instrument_is_of_a_region_or_a_connector(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parameters({"account": "012345678901", "transfer_instruments": given})
