"""What findings cite: what lists or names a thing, beside what was answered about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_ACCESS_POINT_POLICY,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_POLICY,
    LIST_ACCESS_POINTS,
    LIST_BUCKETS,
    Call,
)
from kit.judge.findings import Finding
from kit.tables import tabulate
from kit.tables.inventory import LISTS
from kit.tables.storage import BUCKET_SOURCES
from tests.controls.scenarios import findings
from tests.controls.test_grants import allow
from tests.controls.test_rights import OTHER, READS, SAML, at, pointed, trusting
from tests.standins import ACCOUNT, HOME, LOGS, Account, trust

ATTACHED, LIMIT = (f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("attached", "limit"))


def cited(account: Account, finding: Finding) -> set[str]:
    """The names of the calls whose answers a finding cites."""
    calls = {request.id: request.call for request in account.answered().requests}
    ids = (ref.partition("#")[0] for ref in finding.evidence)
    return {calls[one] for one in ids if one in calls}


def listed(account: Account) -> Account:
    return account.bucket(HOME)


def used_by_a_stack(account: Account) -> Account:
    connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}
    return account.stack(StorageConnectors=[connector]).bucket(HOME, listed=False)


def used_by_reports(account: Account) -> Account:
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    return account.bucket(LOGS, listed=False)


NAMING = {
    "listed": (listed, LIST_BUCKETS),
    "named by a stack": (used_by_a_stack, DESCRIBE_STACKS),
    "named by a subscription": (used_by_reports, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
}


@pytest.mark.parametrize("named", NAMING)
@pytest.mark.parametrize("control", ["AR-09", "AR-10", "AR-14", "AR-15", "AR-16", "AR-17", "DS-02"])
def test_of_a_bucket_what_names_it_is_cited(tmp_path: Path, control: str, named: str) -> None:
    given, call = NAMING[named]
    account = given(Account(tmp_path))
    found = [one for one in findings(account, control) if one.subject == "resource"]
    assert found
    for one in found:
        assert call.name in cited(account, one)


def no_region(account: Account) -> Account:
    """The bucket's region is known by its name alone."""
    account.bucket(HOME)
    return account.answers(LIST_BUCKETS, {"Buckets": [{"Name": HOME}]})


@pytest.mark.parametrize("control", ["AR-09", "DS-02"])
def test_of_a_bucket_whose_region_is_in_its_name_the_list_is_cited(
    tmp_path: Path, control: str
) -> None:
    account = no_region(Account(tmp_path))
    (one,) = findings(account, control)
    assert LIST_BUCKETS.name in cited(account, one)


def test_ar_08_cites_what_shows_that_a_bucket_has_no_key(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME)
    (one,) = findings(account, "AR-08")
    assert one.status == "not applicable"
    assert {LIST_BUCKETS.name, GET_BUCKET_ENCRYPTION.name} <= cited(account, one)


def test_id_05_cites_the_list_of_the_access_point_that_lets_an_account_in(tmp_path: Path) -> None:
    account = Account(tmp_path)
    pointed(at({"AWS": OTHER}))(account)
    (one,) = [f for f in findings(account, "ID-05") if f.resource.startswith("account ")]
    named = {LIST_BUCKETS, GET_BUCKET_POLICY, LIST_ACCESS_POINTS, GET_ACCESS_POINT_POLICY}
    assert {call.name for call in named} <= cited(account, one)


@pytest.mark.parametrize("trusted", [{"AWS": OTHER}, {"Federated": SAML}])
def test_id_05_cites_what_a_role_has_rights_on_for_those_who_take_it(
    tmp_path: Path, trusted: dict[str, str]
) -> None:
    account = Account(tmp_path)
    actions = ["sts:AssumeRole", "sts:AssumeRoleWithSAML"]
    trusting(trust(trusted, Action=actions), READS, allow("appstream:UpdateFleet"))(account)
    rows = [f for f in findings(account, "ID-05") if "which trusts it" in f.observed]
    assert len(rows) == 2
    for one in rows:
        assert {LIST_BUCKETS.name, DESCRIBE_FLEETS.name} <= cited(account, one)


@pytest.mark.parametrize(
    ("answer", "call"),
    [("none", LIST_BUCKETS), ("denied", GET_BUCKET_ENCRYPTION), ("empty", GET_BUCKET_ENCRYPTION)],
)
def test_ar_08_cites_something_for_a_key_that_nobody_saw(
    tmp_path: Path, answer: str, call: Call
) -> None:
    account = Account(tmp_path)
    if answer == "none":  # the bucket was not asked about
        account.lists(LIST_BUCKETS, {"Name": HOME, "BucketRegion": "eu-west-1"})
    else:
        account.bucket(HOME)
        if answer == "denied":
            account.denies(GET_BUCKET_ENCRYPTION, Bucket=HOME)
        else:
            account.answers(GET_BUCKET_ENCRYPTION, {}, Bucket=HOME)
    (one,) = findings(account, "AR-08")
    assert one.status == "not evidenced"
    assert {LIST_BUCKETS.name, call.name} <= cited(account, one)


IAM_LISTS = ("/UserDetailList/", "/GroupDetailList/", "/RoleDetailList/", "/Policies/")


def records(account: Account, right: str) -> list[set[str]]:
    """The records of IAM that each finding on a principal's right cites, without their parts."""
    return [
        {"/".join(p.split("/")[:3]) for p in pointers if p.startswith(IAM_LISTS)}
        for one in findings(account, "ID-05")
        if one.resource.endswith(right) and one.resource.startswith(("user-", "role-"))
        for pointers in [{ref.partition("#")[2] for ref in one.evidence}]
    ]


def test_of_a_right_the_group_and_the_policies_that_decide_are_cited(account: Account) -> None:
    account.stack().fleet().policy(ATTACHED, allow("appstream:*")).policy(LIMIT, allow())
    account.allowed("team", kind="Group", attached=(ATTACHED,))
    account.allowed("one", kind="User", groups=("team",), boundary=LIMIT)
    account.allowed("two", allow("appstream:*"), kind="User")
    assert records(account, "administer AppStream") == [
        {"/UserDetailList/0", "/GroupDetailList/0", "/Policies/0", "/Policies/1"},
        {"/UserDetailList/1"},
    ]


def test_of_roles_that_take_each_other_both_are_cited(account: Account) -> None:
    """The one gives rights by the other, which it may assume, and the other way round."""
    account.stack().fleet()
    for name, other in (("one", "two"), ("two", "one")):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{other}"
        both = (allow("appstream:*"), allow("sts:AssumeRole", arn))
        account.allowed(name, *both, trusts=trust({"AWS": arn}))
    both_roles = {"/RoleDetailList/0", "/RoleDetailList/1"}
    assert records(account, "give rights") == [both_roles, both_roles]


@pytest.mark.parametrize("on_bucket", [True, False])
def test_access_points_of_a_bucket_are_cited_or_else_their_list(
    account: Account, on_bucket: bool
) -> None:
    account.bucket().access_point("other", "packages")
    account = account.access_point() if on_bucket else account
    snapshot = account.answered()
    table = tabulate(snapshot, ["buckets"])["buckets"]
    (refs,) = (refs for (_, column), refs in table.refs.items() if column == "access_points")
    request = snapshot.answer(LIST_ACCESS_POINTS).first
    point = f"{request}#/AccessPointList/1"
    assert [ref for ref in refs if ref.startswith(request)] == [point if on_bucket else request]


def test_every_role_of_a_chain_is_cited(account: Account) -> None:
    """The first may assume the second, which may assume the third, which gives the rights."""
    one, two, three = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("one", "two", "three"))
    account.stack().fleet().allowed("one", allow("sts:AssumeRole", two))
    account.allowed("two", allow("sts:AssumeRole", three), trusts=trust({"AWS": one}))
    account.allowed("three", allow("appstream:*"), trusts=trust({"AWS": two}))
    first, *_ = records(account, "give rights")
    assert first == {f"/RoleDetailList/{place}" for place in range(3)}


def test_id_05_cites_every_list_in_which_nothing_is(account: Account) -> None:
    (finding,) = findings(account, "ID-05")
    cited = {ref.partition("#")[0] for ref in finding.evidence}
    calls = {one.call for one in account.snapshot().evidence if one.id in cited}
    assert calls >= {call.name for call in (*LISTS, *BUCKET_SOURCES)}
