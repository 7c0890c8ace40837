"""The record of processing and the table of retention: seen, declared, or left blank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_IMAGE_ATTRIBUTE,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    DESCRIBE_USERS,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_REPLICATION,
    LIST_EXPORT_IMAGE_TASKS,
    LIST_PROTECTED_RESOURCES,
    LIST_SAML_PROVIDERS,
)
from kit.errors import UserError
from kit.judge import evaluate
from kit.parameters import parameters
from kit.report import show
from kit.report.record import BLANK
from kit.report.views import Table
from kit.tables import tabulate
from tests.standins import AS_OF, HOME, LOGS, REGION, Account, erases, exported


def rows(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def record(account: Account) -> tuple[Table, list[dict[str, Any]]]:
    tables = tabulate(account.snapshot())
    table = show.record(evaluate(tables), tables)
    return table, rows(table)


def entries(made: list[dict[str, Any]], article: str, *words: str) -> list[str]:
    return [
        row["entry"]
        for row in made
        if row["article"] == article and all(word in row["entry"] for word in words)
    ]


def test_the_role_decides_which_record_it_is(tmp_path: Path) -> None:
    made = {}
    for role in ("controller", "joint controller", "processor", ""):
        folder = tmp_path / (role or "none")
        folder.mkdir()
        made[role] = record(Account(folder, data_role=role).fleet())
    points = {role: {row["article"] for row in found} for role, (_, found) in made.items()}
    controller = {"30(1)", *(f"30(1)({point})" for point in "abcdefg")}
    assert points["controller"] == points["joint controller"] == points[""] == controller
    assert points["processor"] == {"30(2)", *(f"30(2)({point})" for point in "abcd")}
    assert "data_role is not declared" in made[""][0].caption
    assert "data_role" not in made["processor"][0].caption


def test_what_nothing_shows_is_a_blank_line_to_fill_in(tmp_path: Path) -> None:
    _, made = record(Account(tmp_path, data_role="controller").fleet())
    (purposes,) = (row for row in made if row["article"] == "30(1)(b)")
    assert (purposes["entry"], purposes["filled"], purposes["evidence"]) == (
        *(BLANK, "to be filled in", []),
    )
    for row in made:
        assert (row["entry"] == BLANK) == (row["filled"] == "to be filled in")
        assert bool(row["evidence"]) == (row["filled"] != "to be filled in")
    assert entries(made, "30(1)(a)") == [BLANK] * 5


def test_declarations_stand_as_given(tmp_path: Path) -> None:
    declared = {"controller": "Beispiel AG", "contact": "dp@a.example", "register_reference": "R 7"}
    account = Account(tmp_path, data_role="processor", **declared)
    _, made = record(account.fleet())
    given = {row["field"]: row for row in made if row["filled"] == "declared"}
    assert given["Entry in the register"]["entry"] == "R 7"
    assert given["Controllers on whose behalf the data is processed"]["entry"] == "Beispiel AG"
    assert given["Contact details"]["evidence"] == ["parameters"]
    assert entries(made, "30(2)(a)")[0] == BLANK  # the processor itself


def test_recipients_and_data_subjects_come_from_what_was_seen(tmp_path: Path) -> None:
    drive = {"ConnectorType": "GOOGLE_DRIVE", "Domains": ["a.example"]}
    account = Account(tmp_path, data_role="controller").fleet()
    account.stack(StorageConnectors=[drive]).image(shared_with=("999977776666",))
    account.lists(LIST_EXPORT_IMAGE_TASKS, exported())
    launch = {"ImageId": "ami-1", "LaunchPermissions": [{"UserId": "888877776666"}]}
    account.answers(DESCRIBE_IMAGE_ATTRIBUTE, launch, REGION, ImageId="ami-1")
    account.lists(LIST_SAML_PROVIDERS, {"Arn": "arn:aws:iam::012345678901:saml-provider/Entra"})
    _, made = record(account)
    assert entries(made, "30(1)(d)", "GOOGLE_DRIVE")
    assert entries(made, "30(1)(d)", "999977776666")
    assert entries(made, "30(1)(d)", "may launch the AMI of an exported image: 888877776666")
    assert entries(made, "30(1)(e)", "999977776666 (not known)")
    assert entries(made, "30(1)(c)", "SAML")
    assert entries(made, "30(1)(c)", "sessions (1 place)")
    assert not entries(made, "30(1)(c)", "Entra")  # a label stands in place of the name


def test_names_of_the_pool_are_data_and_those_whom_trails_record_are_subjects(
    tmp_path: Path,
) -> None:
    account = Account(tmp_path, data_role="controller").trail()
    user = {"UserName": "jane@example.com", "AuthenticationType": "USERPOOL", "Enabled": False}
    account.lists(DESCRIBE_USERS, user)
    _, made = record(account)
    words = f"names and e-mail addresses of the user pool, {REGION} (1 user)"
    assert entries(made, "30(1)(c)", words)
    assert entries(made, "30(1)(c)", "whom trails record (1 trail)")
    assert "jane" not in repr(made)


def test_without_a_pool_and_trails_the_record_names_neither(tmp_path: Path) -> None:
    _, made = record(Account(tmp_path, data_role="controller").fleet())
    assert not entries(made, "30(1)(c)", "user pool")
    assert not entries(made, "30(1)(c)", "whom trails record")


def test_copies_go_to_recipients_and_places(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller").stack().bucket(HOME)
    destination = {"Bucket": "arn:aws:s3:::copies", "Account": "999977776666"}
    rule = {"Status": "Enabled", "Destination": destination}
    account.answers(
        GET_BUCKET_REPLICATION,
        {"ReplicationConfiguration": {"Role": "", "Rules": [rule]}},
        REGION,
        Bucket=HOME,
    )
    _, made = record(account)
    assert entries(made, "30(1)(d)", "an account to which S3 copies objects: 999977776666")


def test_lists_and_cells_that_were_not_seen_are_no_blank_and_no_zero(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller").fleet().bucket()
    account.denies(DESCRIBE_STACKS).denies(DESCRIBE_IMAGES).denies(LIST_SAML_PROVIDERS)
    account.denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=HOME)
    account.denies(GET_BUCKET_REPLICATION, Bucket=HOME)
    _, made = record(account)
    unseen = {row["article"] for row in made if row["filled"] == "not evidenced"}
    assert unseen >= {"30(1)(c)", "30(1)(d)", "30(1)(e)", "30(1)(f)"}
    assert entries(made, "30(1)(d)", "third-party connector", "not evidenced")
    assert entries(made, "30(1)(c)", "SAML provider", "AccessDenied")
    assert entries(made, "30(1)(d)", "could not see every account to which S3 copies")


def test_without_a_third_country_the_record_says_that_none_was_seen(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller").fleet()
    assert entries(record(account)[1], "30(1)(e)") == [
        "none seen: every place that was seen is in the European Economic Area"
    ]


def test_a_transfer_stands_with_its_instrument(tmp_path: Path) -> None:
    account = Account(
        tmp_path,
        regions=("us-east-1",),
        data_role="processor",
        transfer_instruments={"us-east-1": "SCC 7"},
    ).fleet(region="us-east-1")
    (entry,) = entries(record(account)[1], "30(2)(c)")
    assert entry.startswith("sessions, us-east-1 (United States): ")
    assert entry.endswith("; instrument: SCC 7")
    assert ".;" not in entry


def test_measures_stand_by_verdict_and_none_that_does_not_apply(tmp_path: Path) -> None:
    _, made = record(Account(tmp_path, data_role="controller").fleet().bucket())
    measures = entries(made, "30(1)(g)")
    assert any("measures in place: AR-05" in entry for entry in measures)
    assert any(
        "not in place, or not everywhere: " in entry and "IT-04" in entry for entry in measures
    )
    assert not any("not applicable" in entry for entry in measures)


# --- retention ------------------------------------------------------------------------------


def kept(account: Account) -> dict[str, dict[str, Any]]:
    return {row["data"]: row for row in rows(show.retention(tabulate(account.snapshot())))}


def test_days_seen_stand_beside_days_declared(tmp_path: Path) -> None:
    declared = {"home folders": 365, "trails": 400}
    account = Account(tmp_path, retention_days=declared).bucket(lifecycle=[erases(30)]).trail()
    made = kept(account)
    assert made["home folders"]["kept"] == "30 days"
    assert (made["home folders"]["days_seen"], made["home folders"]["days_declared"]) == (30, 365)
    trail = made["logs of trails"]
    assert (trail["days_seen"], trail["days_declared"]) == (365, 400)
    assert trail["evidence"]
    _, entered = record_again(account, tmp_path)
    assert entries(entered, "30(1)(f)", "home folders: 365 days")


def record_again(account: Account, folder: Path) -> tuple[Table, list[dict[str, Any]]]:
    (folder / "snapshot").rename(folder / "before")
    return record(account)


def test_the_pdf_lists_some_rows_of_each_kind_and_the_unseen_before_all(tmp_path: Path) -> None:
    account = Account(tmp_path, retention_days={"home folders": 40}).trail()
    for n in range(30):
        account.bucket(f"{HOME}-{n}", lifecycle=[erases(30 + n)])
    account.bucket(f"{HOME}-30").bucket(f"{HOME}-unseen")
    account.denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=f"{HOME}-unseen")
    tables = tabulate(account.snapshot())
    table = show.retention(tables)
    assert len(table.rows) == 33
    assert table.listed is not None
    listed = [rows(table)[place] for place in table.listed]
    homes = [row for row in listed if row["data"] == "home folders"]
    assert len(homes) == len(listed) - 1 == 20
    assert homes[-1]["kept"].startswith("not evidenced: ")
    assert homes[-2]["kept"].startswith("without end")
    assert {row["days_seen"] for row in homes[:-2]} == set(range(41, 59))  # against 40 declared
    assert table.cut is not None
    assert "leaves out 12 of 33 rows" in table.cut
    made = show.record(evaluate(tables), tables)
    assert made.listed is not None
    kept_rows = [rows(made)[place] for place in made.listed]
    assert len(entries(rows(made), "30(1)(f)")) == 35
    assert len(entries(kept_rows, "30(1)(f)")) == 20
    assert len(entries(kept_rows, "30(1)(f)", "not evidenced: ")) == 1
    assert entries(kept_rows, "30(1)(f)", BLANK)
    assert [row for row in rows(made) if row["article"] != "30(1)(f)"] == [
        row for row in kept_rows if row["article"] != "30(1)(f)"
    ]
    assert made.cut is not None
    assert "leaves out 15 of" in made.cut


def test_a_bucket_that_nothing_erases_and_one_that_was_not_seen_differ(tmp_path: Path) -> None:
    made = kept(Account(tmp_path).bucket())
    assert made["home folders"]["kept"] == "without end: no rule erases all of it"
    folder = tmp_path / "unseen"
    folder.mkdir()
    account = Account(folder).bucket().denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=HOME)
    assert kept(account)["home folders"]["kept"].startswith("not evidenced: ")
    assert kept(account_without_buckets(tmp_path)) == {}


def test_copies_in_aws_backup_have_a_row_without_days(tmp_path: Path) -> None:
    point = {"ResourceArn": f"arn:aws:s3:::{HOME}", "ResourceType": "S3", "LastBackupTime": AS_OF}
    account = Account(tmp_path).bucket(lifecycle=[erases(30)])
    made = kept(account.lists(LIST_PROTECTED_RESOURCES, point))
    copies = made["copies of home folders: AWS Backup"]
    assert (copies["resource"], copies["days_seen"]) == (HOME, None)
    assert copies["kept"] == "not seen: the kit reads no recovery point"
    assert copies["evidence"]
    _, entered = record_again(account, tmp_path)
    (entry,) = [row for row in entered if "AWS Backup" in row["entry"]]
    assert (entry["article"], "not evidenced" in entry.values()) == ("30(1)(f)", True)


def test_copies_that_s3_makes_have_a_row_and_stand_under_erasure(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME, copied_to="copies")
    account.bucket("copies", region="us-east-1", listed=False)
    tables = tabulate(account.snapshot())
    by_data = {row["data"]: row for row in rows(show.retention(tables))}
    copies = by_data["copies of home folders: S3 replication"]
    assert copies["resource"].startswith("bucket-")
    assert (copies["region"], copies["days_seen"]) == ("us-east-1", None)
    assert (
        copies["kept"] == f"not seen: the kit reads no rule of the bucket that {HOME} is copied to"
    )
    assert copies["evidence"]
    made = rows(show.record(evaluate(tables), tables))
    assert entries(made, "30(1)(f)", "copies of home folders: S3 replication")


def test_copies_in_a_bucket_in_scope_have_that_buckets_row_alone(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME, copied_to=LOGS).bucket(LOGS)
    assert "copies of home folders: S3 replication" not in kept(account)


def test_copies_that_s3_may_make_are_not_evidenced(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME)
    account.denies(GET_BUCKET_REPLICATION, REGION, Bucket=HOME)
    copies = kept(account)["copies of home folders: S3 replication"]
    assert copies["kept"].startswith("not evidenced: denied, s3.GetBucketReplication")


def test_copies_that_aws_backup_may_have_are_not_evidenced(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket().denies(LIST_PROTECTED_RESOURCES, REGION)
    copies = kept(account)["copies of home folders: AWS Backup"]
    assert copies["kept"].startswith("not evidenced: denied, backup.ListProtectedResources")


def test_a_rule_for_some_of_the_folders_stands_beside_the_rest(tmp_path: Path) -> None:
    rule = erases(180, Filter={"Prefix": "sessions/"})
    account = Account(tmp_path, data_role="controller").bucket(LOGS, lifecycle=[rule])
    (row,) = kept(account).values()
    assert row["kept"] == "sessions/: 180 days; the rest without end: no rule erases it"
    assert row["days_seen"] is None
    assert row["evidence"]
    _, entered = record_again(account, tmp_path)
    assert entries(entered, "30(1)(f)", "sessions/: 180 days; the rest without end")


def account_without_buckets(folder: Path) -> Account:
    (folder / "none").mkdir()
    return Account(folder / "none")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"home folders": 0}, "home folders: 0: must be 1 day or more"),
        ({"mail": 30}, "retention_days"),
        ({"home folders": 1, "trails": 30}, "is the sample"),
    ],
)
def test_declared_days_are_of_a_known_kind(given: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parameters({"account": "012345678901", "retention_days": given})
