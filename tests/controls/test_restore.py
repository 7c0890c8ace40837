"""AR-19: earlier versions of users' files, and copies outside their bucket."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kit import calls
from kit.judge.digest import identity
from tests.controls.scenarios import (
    Verdict,
    denied,
    fails,
    findings,
    not_applicable,
    not_evidenced,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.standins import AS_OF, HOME, KEY, LOGS, REGION, SETTINGS, Account, replication

ARN = f"arn:aws:s3:::{HOME}"
ALL: dict[str, Any] = {"Filter": {"Prefix": ""}, "Priority": 1}
WITH_KMS = {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}}
undeclared = not_evidenced("not declared")


def versioned(account: Account, **members: Any) -> Account:
    return account.bucket(versioning="Enabled", **members)


def copied(account: Account, **members: Any) -> Account:
    """The bucket is copied by a rule with these members."""
    answer = replication("elsewhere", **members)
    account.bucket("elsewhere", listed=False)
    return account.answers(calls.GET_BUCKET_REPLICATION, answer, REGION, Bucket=HOME)


def backed_up(account: Account, age: dt.timedelta, arn: str = ARN) -> Account:
    item = {"ResourceArn": arn, "ResourceType": "S3", "LastBackupTime": AS_OF - age}
    return account.lists(calls.LIST_PROTECTED_RESOURCES, item)


def test_a_new_backup_changes_no_finding(tmp_path: Path) -> None:
    made = []
    for hours in (1, 20):
        (folder := tmp_path / str(hours)).mkdir()
        account = backed_up(versioned(Account(folder)), dt.timedelta(hours=hours))
        made += findings(account, "AR-19")
    assert made[0].observed != made[1].observed
    assert identity(vars(made[0])) == identity(vars(made[1]))


def test_a_protected_bucket_without_a_time_is_no_fail(account: Account) -> None:
    item = {"ResourceArn": ARN, "ResourceType": "S3"}
    versioned(account).lists(calls.LIST_PROTECTED_RESOURCES, item)
    (verdict,) = verdicts(account, "AR-19")
    assert verdict == not_evidenced("absent in answer", calls.LIST_PROTECTED_RESOURCES)


@pytest.mark.parametrize(
    ("status", "verdict"), [("Enabled", passes), ("Suspended", fails), ("", fails)]
)
def test_only_enabled_versioning_keeps_versions(
    account: Account, status: str, verdict: Verdict
) -> None:
    backed_up(account.bucket(versioning=status), dt.timedelta(hours=20))
    assert verdicts(account, "AR-19") == [verdict]


@pytest.mark.parametrize("restored", ["", "RES-2026-02, tried in May"])
def test_a_declared_procedure_stands_for_a_copy_and_not_for_versions(
    tmp_path: Path, restored: str
) -> None:
    account = Account(tmp_path, restore_procedure=restored)
    versioned(account).bucket(SETTINGS)
    home = passes if restored else undeclared
    assert sorted(verdicts(account, "AR-19"), key=str) == sorted([home, fails], key=str)


@scenarios(
    ("every object, and S3's own key", {**ALL}, passes),
    ("the old form of a rule", {"Prefix": ""}, passes),
    ("no filter at all", {}, passes),
    ("a rule that is off", {**ALL, "Status": "Disabled"}, undeclared),
    ("a folder", {"Filter": {"Prefix": "user/custom/"}}, undeclared),
    ("the folder of all others", {"Filter": {"Prefix": "user/"}}, passes),
    ("the folder of all others, in the old form", {"Prefix": "user/"}, passes),
    ("another folder", {"Prefix": "users/"}, undeclared),
    ("a tag", {"Filter": {"Tag": {"Key": "keep", "Value": "yes"}}}, undeclared),
    ("all but a folder", {"Filter": {"Not": {"Prefix": "user/custom/"}}}, undeclared),
    ("both, and neither leaves out", {"Filter": {"And": {"Prefix": "", "Tags": []}}}, passes),
    ("both, of which one is a folder", {"Filter": {"And": {"Prefix": "user/"}}}, passes),
    (
        "a folder and a tag",
        {"Filter": {"And": {"Prefix": "user/", "Tags": [{"Key": "a", "Value": ""}]}}},
        undeclared,
    ),
    ("both", {"Filter": {"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": ""}]}}}, undeclared),
)
def test_a_rule_is_a_copy_where_it_leaves_nothing_out(
    account: Account, given: dict[str, Any], expected: list[Verdict]
) -> None:
    copied(versioned(account), **given)
    assert verdicts(account, "AR-19") == expected


@pytest.mark.parametrize(
    ("folders", "more", "verdict"),
    [
        (("custom", "federated", "userpool"), {}, passes),
        (("custom", "federated"), {}, undeclared),
        (("custom", "federated", "userpool"), {"Status": "Disabled"}, undeclared),
    ],
)
def test_rules_for_each_folder_are_a_copy_together(
    account: Account, folders: tuple[str, ...], more: dict[str, Any], verdict: Verdict
) -> None:
    copied(versioned(account))
    rules = [
        rule | (more if n == 0 else {})
        for n, name in enumerate(folders)
        for rule in replication("elsewhere", Filter={"Prefix": f"user/{name}/"})[
            "ReplicationConfiguration"
        ]["Rules"]
    ]
    both = {"ReplicationConfiguration": {"Role": "arn:aws:iam::1:role/copies", "Rules": rules}}
    account.answers(calls.GET_BUCKET_REPLICATION, both, REGION, Bucket=HOME)
    assert verdicts(account, "AR-19") == [verdict]


def test_a_rule_is_a_copy_beside_a_rule_that_is_off(account: Account) -> None:
    (on,), (off,) = (
        replication("elsewhere", **ALL, Status=status)["ReplicationConfiguration"]["Rules"]
        for status in ("Enabled", "Disabled")
    )
    copied(versioned(account))
    rules = {"ReplicationConfiguration": {"Role": "arn:aws:iam::1:role/copies", "Rules": [off, on]}}
    account.answers(calls.GET_BUCKET_REPLICATION, rules, REGION, Bucket=HOME)
    assert verdicts(account, "AR-19") == [passes]


@pytest.mark.parametrize(("more", "verdict"), [({}, undeclared), (WITH_KMS, passes)])
def test_a_rule_leaves_out_what_kms_encrypts_unless_it_names_it(
    account: Account, more: dict[str, Any], verdict: Verdict
) -> None:
    versioned(account, encryption="aws:kms", key=KEY).key()
    copied(account, **ALL, **more)
    assert verdicts(account, "AR-19") == [verdict]


@pytest.mark.parametrize(
    ("days", "verdict"),
    [(0, passes), (7, passes), (8, undeclared), (400, undeclared)],
)
def test_a_backup_counts_for_the_days_of_the_profile(
    account: Account, days: int, verdict: Verdict
) -> None:
    backed_up(versioned(account), dt.timedelta(days=days))
    assert verdicts(account, "AR-19") == [verdict]


def test_a_backup_that_lies_ahead_is_looked_at_by_somebody(account: Account) -> None:
    backed_up(versioned(account), dt.timedelta(days=-3))
    assert verdicts(account, "AR-19") == [to_be_reviewed]


def test_a_backup_of_another_bucket_is_none(account: Account) -> None:
    backed_up(versioned(account), dt.timedelta(), f"{ARN}-2")
    assert verdicts(account, "AR-19") == [undeclared]


def test_what_was_refused_is_not_taken_for_none(account: Account) -> None:
    versioned(account).denies(calls.LIST_PROTECTED_RESOURCES)
    assert verdicts(account, "AR-19") == [denied(calls.LIST_PROTECTED_RESOURCES)]
    copied(account, **ALL)
    assert verdicts(account, "AR-19") == [passes], "one copy is enough"


def test_without_versions_it_fails_whatever_was_refused(account: Account) -> None:
    account.bucket().denies(calls.LIST_PROTECTED_RESOURCES)
    assert verdicts(account, "AR-19") == [fails]


def test_a_refused_key_leaves_open_whether_a_rule_copies_everything(account: Account) -> None:
    versioned(account, encryption="aws:kms", key=KEY).denies(calls.DESCRIBE_KEY, KeyId=KEY)
    assert verdicts(account, "AR-19") == [undeclared], "no rule, whatever the key"
    copied(account, **ALL)
    assert verdicts(account, "AR-19") == [denied(calls.DESCRIBE_KEY)]


def test_buckets_of_logs_are_none_of_users_files(account: Account) -> None:
    account.bucket(LOGS)
    reason = "no bucket of home folders or application settings"
    assert verdicts(account, "AR-19") == [not_applicable(reason)]
