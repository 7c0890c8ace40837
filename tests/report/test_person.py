"""Where one person's data lies, as seen, and how it is found, exported and erased there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_ENTITLEMENTS,
    DESCRIBE_STACKS,
    DESCRIBE_USERS,
    GET_BUCKET_REPLICATION,
    GET_BUCKET_VERSIONING,
    LIST_BUCKETS,
    LIST_PROTECTED_RESOURCES,
    LIST_SAML_PROVIDERS,
)
from kit.catalogue.requests import requests
from kit.report.show import person
from kit.report.views import Table
from kit.tables import tabulate
from tests.controls.test_at_rest_buckets import SHOTS, agents
from tests.controls.test_sign_in import pool_user
from tests.standins import AS_OF, HOME, LOGS, REGION, SETTINGS, Account

OTHER_HOME = HOME.replace(REGION, "eu-central-1")
Rows = dict[str, dict[str, Any]]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def shown(account: Account) -> tuple[Rows, Table]:
    table = person(tabulate(account.snapshot()))
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    return {row["data"]: row for row in rows}, table


def test_each_kind_of_bucket_has_its_folder_and_steps(account: Account) -> None:
    for name in (HOME, SETTINGS, LOGS):
        account.bucket(name)
    rows, table = shown(account)
    assert list(rows)[:3] == [
        "Home folders",
        "Application settings",
        "Usage reports and output of session scripts",
    ]
    home = rows["Home folders"]
    assert (home["where"], home["find"]) == (HOME, "The folder user/TYPE/HASH/ of the bucket.")
    assert home["erase"] == "aws s3 rm --recursive of the folder."
    assert "Windows/VERSION/GROUP/TYPE/HASH/" in rows["Application settings"]["find"]
    assert all(row["evidence"] for row in rows.values())
    assert "User pool" in table.caption.partition("none seen: ")[2]


VERSIONS = (
    "Earlier versions stay: find them with aws s3api list-object-versions --prefix FOLDER, and delete "
    "each with aws s3api delete-objects, by key and version id."
)
VERSIONS_UNSEEN = (
    "Whether earlier versions stay was not seen: look with aws s3api list-object-versions."
)


@pytest.mark.parametrize(
    ("versioning", "denied", "expected"),
    [
        ("Enabled", False, VERSIONS),
        ("Suspended", False, VERSIONS),
        ("", True, VERSIONS_UNSEEN),
    ],
)
def test_versions_add_to_the_erasure(
    account: Account, versioning: str, denied: bool, expected: str
) -> None:
    account.bucket(versioning=versioning)
    if denied:
        account.denies(GET_BUCKET_VERSIONING, REGION, Bucket=HOME)
    rows, _ = shown(account)
    assert rows["Home folders"]["erase"] == f"aws s3 rm --recursive of the folder. {expected}"


def test_buckets_have_a_row_for_each_way_of_erasing(account: Account) -> None:
    third = HOME.replace(REGION, "eu-north-1")
    account.bucket(versioning="Enabled").bucket(OTHER_HOME).bucket(third)
    account.denies(GET_BUCKET_VERSIONING, REGION, Bucket=OTHER_HOME)
    _, table = shown(account)
    homes = {row[1]: row[4] for row in table.rows if row[0] == "Home folders"}
    plain = "aws s3 rm --recursive of the folder."
    assert homes == {
        HOME: f"{plain} {VERSIONS}",
        OTHER_HOME: f"{plain} {VERSIONS_UNSEEN}",
        third: plain,
    }


PROTECTED = {"ResourceArn": f"arn:aws:s3:::{HOME}", "ResourceType": "S3", "LastBackupTime": AS_OF}


def test_recovery_points_and_access_logs_are_places(account: Account) -> None:
    account.bucket(logs_to="logs").lists(LIST_PROTECTED_RESOURCES, PROTECTED)
    rows, table = shown(account)
    backups = rows["Recovery points of AWS Backup"]
    assert (backups["where"], bool(backups["evidence"])) == (HOME, True)
    assert "aws backup delete-recovery-point" in backups["erase"]
    assert rows["Server access logs of buckets"]["where"] == HOME
    assert "Recovery points" not in table.caption


@pytest.mark.parametrize("denied", [True, False])
def test_recovery_points_that_were_not_seen_are_not_absent(account: Account, denied: bool) -> None:
    account.bucket()
    if denied:
        account.denies(LIST_PROTECTED_RESOURCES, REGION)
    else:
        without = {name: PROTECTED[name] for name in ("ResourceArn", "ResourceType")}
        account.lists(LIST_PROTECTED_RESOURCES, without)
    rows, table = shown(account)
    assert "backup.ListProtectedResources" in rows["not seen"]["where"]
    assert "Recovery points" not in table.caption


def test_users_and_entitlements_are_counted_and_not_named(account: Account) -> None:
    account.lists(
        DESCRIBE_USERS, *(pool_user("CONFIRMED", UserName=f"jane{n}@a.example") for n in range(2))
    )
    attributes = [{"Name": "department", "Value": "jane"}]
    entitlement = {"Name": "jane", "StackName": "design", "AppVisibility": "ALL"} | {
        "Attributes": attributes
    }
    account.stack().lists(DESCRIBE_ENTITLEMENTS, entitlement, StackName="design")
    rows, table = shown(account)
    assert rows["User pool"]["where"] == f"2 in {REGION}"
    assert rows["Entitlements"]["where"] == f"1 in {REGION}"
    assert rows["Stacks, with their sessions while these run"]["where"] == f"1 in {REGION}"
    assert "jane" not in str(table.rows)


def test_providers_copies_and_identities_stand_beside_their_resources(account: Account) -> None:
    drive = {"ConnectorType": "ONE_DRIVE", "Domains": ["a.example"]}
    account.stack(StorageConnectors=[drive]).bucket(copied_to="copies")
    account.bucket("copies", region="us-east-1", listed=False)
    provider = {"Arn": "arn:aws:iam::012345678901:saml-provider/x"}
    account.answers(LIST_SAML_PROVIDERS, {"SAMLProviderList": [provider]})
    account.lists(DESCRIBE_DIRECTORY_CONFIGS, {"DirectoryName": "corp.example"})
    agents(account).bucket(SHOTS, listed=False).trail().store()
    rows, _ = shown(account)
    where = rows["Copies of buckets"]["where"]
    assert re.fullmatch(rf"{HOME}, copied to bucket-\w+ \(us-east-1\)", where)
    assert "What the original no longer has" in rows["Copies of buckets"]["export"]
    assert "ONE_DRIVE" in rows["Files at other providers"]["where"]
    assert len(rows["Identity providers and directories"]["where"].split("; ")) == 2
    assert len(rows["Logs of API calls"]["where"].split("; ")) == 2
    assert rows["Screenshots and recordings of agents"]["where"].startswith("bucket-")


def test_many_buckets_are_cut(account: Account) -> None:
    for n in range(5):
        account.bucket(f"{LOGS}{n}")
    rows, _ = shown(account)
    where = rows["Usage reports and output of session scripts"]["where"]
    assert where == f"{LOGS}0; {LOGS}1; {LOGS}2 and 2 more"


def test_what_was_not_seen_is_neither_absent_nor_a_place(account: Account) -> None:
    account.denies(LIST_BUCKETS).denies(DESCRIBE_STACKS, REGION).denies(DESCRIBE_USERS, REGION)
    rows, table = shown(account)
    unseen = rows["not seen"]
    assert (
        f"any user-pool user ({REGION}): not evidenced: denied, appstream.DescribeUsers"
        in (unseen["where"])
    )
    assert unseen["find"] == "Give the kit the permission, or search there by hand."
    assert unseen["evidence"]
    for kind in ("Home folders", "User pool", "Stacks, with"):
        assert kind not in table.caption


def test_copies_that_were_not_seen_are_stated(account: Account) -> None:
    account.bucket().denies(GET_BUCKET_REPLICATION, REGION, Bucket=HOME)
    rows, table = shown(account)
    assert HOME in rows["not seen"]["where"]
    assert "GetBucketReplication" in rows["not seen"]["where"]
    assert "Copies of buckets" not in table.caption


def test_an_account_without_anything_says_so(account: Account) -> None:
    _, table = shown(account)
    assert "none seen: Home folders; Application settings" in table.caption


def test_the_index_of_requests_points_at_the_section() -> None:
    assert "person-text" in requests()["person"].sections
