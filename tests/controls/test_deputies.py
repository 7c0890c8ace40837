"""Services that act for others, patterns of account ids, and access points of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.access.conditions import UNKNOWN
from kit.access.documents import read_statements
from kit.calls import (
    GET_ACCESS_POINT_POLICY,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_BUCKET_POLICY,
    GET_KEY_POLICY,
    LIST_GRANTS,
)
from kit.tables import deputies
from tests.controls import test_bucket_access as keys_and_points
from tests.controls import test_rights as rights
from tests.controls.scenarios import (
    Given,
    fails,
    not_evidenced,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.controls.test_at_rest import account_open
from tests.controls.test_bucket_access import allows, grant, keyed, serving, through
from tests.controls.test_grants import READ, deny
from tests.controls.test_rights import (
    ANY_MEMBER,
    CDN,
    FOREIGN,
    OTHER,
    OWN,
    PUBLIC,
    H,
    at,
    by,
    by_points,
    let,
    open_to,
    pointed,
    statuses_of,
)
from tests.standins import ACCOUNT, HOME, KEY, REGION, Account

ANY = "any AWS account"
SOME = f"{OTHER[:4]}*"  # a pattern of account ids, which an account with this id fits
OURS = f"{ACCOUNT[:4]}*"
BY_CDN = "by way of cloudfront.amazonaws.com"
BY_ANY = "by way of a service of AWS"
REVIEWED = "not evidenced"


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def reads(principal: Any, *condition: str) -> dict[str, Any]:
    return let(principal, "s3:GetObject", **(when(*condition) if condition else {}))


def but(*condition: str) -> dict[str, Any]:
    """A denial of everything on the bucket to everybody on a condition."""
    return deny("s3:*", [H, f"{H}/*"], Principal="*", **when(*condition))


def distribution(account: str, name: str = "E1") -> str:
    return f"arn:aws:cloudfront::{account}:distribution/{name}"


def trail(account: str, name: str) -> str:
    return f"arn:aws:cloudtrail:{REGION}:{account}:trail/{name}"


def point(account: str, name: str = "shared") -> str:
    return f"arn:aws:s3:{REGION}:{account}:accesspoint/{name}"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


# --- ID-05: services ------------------------------------------------------------------------------

E1, E2 = distribution(OTHER), distribution(OTHER, "E2")
DENIED_E2 = but("ArnEquals", "aws:SourceArn", E2)


@scenarios(
    ("two distributions, of which the second is denied", open_to(reads(CDN, "ArnEquals", "aws:SourceArn", E1, E2), DENIED_E2), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("two distributions, of which the first is denied", open_to(reads(CDN, "ArnEquals", "aws:SourceArn", E2, E1), DENIED_E2), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("a distribution that is denied", open_to(reads(CDN, "ArnEquals", "aws:SourceArn", E2), DENIED_E2), {}),
    ("an account, of which one distribution is denied", open_to(reads(CDN, "StringEquals", "aws:SourceAccount", OTHER), DENIED_E2), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("an account that a denial excepts", open_to(reads(CDN), but("StringNotEquals", "aws:SourceAccount", ACCOUNT, OTHER)), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("a denial of everybody else's", open_to(reads(CDN), but("StringNotEquals", "aws:SourceAccount", ACCOUNT)), {}),
    ("anybody's distributions, which a denial excepts", open_to(reads(CDN), but("ArnNotLike", "aws:SourceArn", distribution("*", "*"))), by(f"{ANY}, {BY_CDN}", READ, status=REVIEWED)),
    ("an owner", open_to(reads(CDN, "StringEquals", "aws:SourceOwner", OTHER)), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("the account as the owner", open_to(reads(CDN, "StringEquals", "aws:SourceOwner", ACCOUNT)), {}),
    ("an account of an organisation", open_to(let(CDN, "s3:GetObject", Condition={"StringEquals": {"aws:SourceAccount": OTHER, "aws:SourceOrgID": "o-2"}})), by(f"{FOREIGN}, {BY_CDN}", READ, status=REVIEWED)),
    ("a pattern of accounts", open_to(reads(CDN, "StringLike", "aws:SourceAccount", SOME)), by(f"account {SOME}, {BY_CDN}", READ)),
    ("a pattern of accounts, compared as a text", open_to(reads(CDN, "StringEquals", "aws:SourceAccount", SOME)), {}),
    ("a pattern of accounts with distributions", open_to(reads(CDN, "ArnLike", "aws:SourceArn", distribution(SOME, "*"))), by(f"account {SOME}, {BY_CDN}", READ)),
    ("everybody, for anybody's distributions", open_to(reads("*", "ArnLike", "aws:SourceArn", distribution("*", "*"))), by(f"{ANY}, {BY_ANY}", READ, status=REVIEWED)),
    ("everybody, for the account's distributions", open_to(reads("*", "ArnLike", "aws:SourceArn", distribution(ACCOUNT, "*"))), {}),
    ("everybody, for any account", open_to(reads("*", "StringLike", "aws:SourceAccount", "*")), by(f"{ANY}, {BY_ANY}", READ, status=REVIEWED)),
    ("everybody, for the account", open_to(reads("*", "StringEquals", "aws:SourceAccount", ACCOUNT)), {}),
    ("everybody, for an organisation", open_to(reads("*", "StringEquals", "aws:SourceOrgID", "o-2")), by(f"{ANY}, {BY_ANY}", READ, status=REVIEWED)),
    ("everybody who is a service by name", open_to(reads("*", "StringEquals", "aws:PrincipalServiceName", "cloudfront.amazonaws.com")), by(f"{ANY}, {BY_CDN}", READ, status=REVIEWED)),
    ("everybody beside a service by name", open_to(reads({"AWS": "*", **CDN}, "ArnLike", "aws:SourceArn", distribution("*", "*"))), by(f"{ANY}, {BY_ANY}", READ, status=REVIEWED) | by(f"{ANY}, {BY_CDN}", READ, status=REVIEWED)),
    ("a bucket that AppStream named", open_to(reads(CDN, "ArnEquals", "aws:SourceArn", f"arn:aws:s3:::appstream2-36fb080bb8-{REGION}-{OTHER}")), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("an account behind a wildcard, beside another that may not read", open_to(reads(CDN, "StringLike", "aws:SourceArn", f"arn:aws:cloudfront:*{OTHER}:distribution/E1"), let(CDN, "s3:GetObjectTagging", **when("StringEquals", "aws:SourceAccount", OTHER[:11] + "1"))), by(f"{FOREIGN}, {BY_CDN}", READ)),
    ("everybody who is a service", open_to(reads("*", "Bool", "aws:PrincipalIsAWSService", "true")), by(f"{ANY}, {BY_ANY}", READ, status=REVIEWED)),
)  # fmt: skip
def test_id_05_services_act_for_others(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


# --- ID-05: patterns of account ids ---------------------------------------------------------------


@scenarios(
    ("principals", open_to(reads("*", "StringLike", "aws:PrincipalAccount", SOME)), by(f"account {SOME}", READ)),
    ("principals, with a question mark", open_to(reads("*", "StringLike", "aws:PrincipalAccount", f"{OTHER[:11]}?")), by(f"account {OTHER[:11]}?", READ)),
    ("ARNs of roles", open_to(reads("*", "ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{SOME}:role/*")), by(f"account {SOME}", READ)),
    ("one account", open_to(reads("*", "StringLike", "aws:PrincipalAccount", OTHER)), by(FOREIGN, READ)),
    ("a pattern that the account's id fits, too", open_to(reads("*", "StringLike", "aws:PrincipalAccount", OURS)), by(f"account {OURS}", READ) | by(OWN, READ)),
    ("the account's own id", open_to(reads("*", "StringLike", "aws:PrincipalAccount", ACCOUNT)), by(OWN, READ)),
    ("access points", open_to(by_points(SOME, "StringLike")), by(f"account {SOME}", READ)),
    ("access points by their ARN", open_to(by_points(point(SOME), "ArnLike", "Arn")), by(f"account {SOME}", READ)),
    ("access points by a part of their ARN", open_to(by_points("*accesspoint/shared", "StringLike", "Arn")), by(ANY, READ) | by(PUBLIC, READ)),
    ("access points by the start of their ARN", open_to(by_points("arn:aws:s3:*", "StringLike", "Arn")), by(ANY, READ) | by(PUBLIC, READ)),
    ("what is no access point's ARN", open_to(by_points("arn:aws:s3:::*", "StringLike", "Arn")), {}),
    ("the account's access points by a part of their ARN", open_to(by_points(f"*:{ACCOUNT}:accesspoint/*", "StringLike", "Arn")), {}),
    ("access points in another region", open_to(by_points("arn:aws:s3:eu-south-9:*", "StringLike", "Arn")), {}),
)  # fmt: skip
def test_id_05_patterns_of_account_ids(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


# --- ID-05: denials that except access points -----------------------------------------------------

OTHERS = reads({"AWS": OTHER})


@scenarios(
    ("access points in VPCs", open_to(OTHERS, but("StringNotEquals", "s3:AccessPointNetworkOrigin", "VPC")), by(FOREIGN, READ)),
    ("another account's", open_to(OTHERS, but("StringNotEquals", "s3:DataAccessPointAccount", OTHER)), by(FOREIGN, READ)),
    ("one of another account's", open_to(OTHERS, but("ArnNotEquals", "s3:DataAccessPointArn", point(OTHER))), by(FOREIGN, READ)),
    ("any", open_to(OTHERS, but("Null", "s3:DataAccessPointArn", "true")), by(FOREIGN, READ)),
    ("the account's alone, of which there are none", open_to(OTHERS, but("StringNotEquals", "s3:DataAccessPointAccount", ACCOUNT)), {}),
    ("none", open_to(OTHERS, but("StringLike", "aws:PrincipalArn", "*")), {}),
    ("everybody's in VPCs", open_to(reads("*"), but("StringNotEquals", "s3:AccessPointNetworkOrigin", "VPC")), by(ANY, READ) | by(PUBLIC, READ)),
)  # fmt: skip
def test_id_05_denials_that_except_access_points(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert {
        who: status for who, status in statuses_of(account).items() if OWN not in who
    } == expected[0]


def test_id_05_an_access_points_own_block_is_not_read(account: Account) -> None:
    """S3 turns it on for every new access point: User Guide, "Managing public access to access points"."""
    pointed(at("*"))(account)
    unknown = by(ANY, READ, status=REVIEWED) | by(PUBLIC, READ, status=REVIEWED)
    assert statuses_of(account) == by(OWN, READ) | unknown


# --- policies that are no policies ----------------------------------------------------------------

NO_POLICIES = ("{}", '{"message": "Forbidden"}', '{"Statement": null}', '{"statement": []}', "null")
NOBODY = '{"Version": "2012-10-17", "Statement": []}'


@pytest.mark.parametrize("policy", [*NO_POLICIES, NOBODY])
def test_what_has_no_statement_shows_nothing(account: Account, policy: str) -> None:
    expected = "pass" if policy == NOBODY else GET_BUCKET_POLICY.name
    open_to()(account)
    account.answers(GET_BUCKET_POLICY, {"Policy": policy}, REGION, Bucket=HOME)
    assert set(rights.everybody_else(account).values()) == {expected}


@pytest.mark.parametrize("policy", [*NO_POLICIES, NOBODY])
def test_an_access_points_policy_without_statement_shows_nothing(
    account: Account, policy: str
) -> None:
    expected = "pass" if policy == NOBODY else GET_ACCESS_POINT_POLICY.name
    pointed(at({"AWS": OTHER}))(account)
    account.answers(GET_ACCESS_POINT_POLICY, {"Policy": policy}, REGION, Name="reports")
    assert set(rights.everybody_else(account).values()) == {expected}


@pytest.mark.parametrize("policy", [*NO_POLICIES, NOBODY])
def test_ar_14_an_access_points_policy_without_statement_shows_nothing(
    account: Account, policy: str
) -> None:
    unreadable = not_evidenced("unreadable answer", GET_ACCESS_POINT_POLICY)
    keys_and_points.pointed(through(OTHER))(account)
    account.answers(GET_ACCESS_POINT_POLICY, {"Policy": policy}, Name="reports")
    assert verdicts(account, "AR-14") == [passes if policy == NOBODY else unreadable]


@pytest.mark.parametrize("policy", [*NO_POLICIES, NOBODY])
def test_ar_20_a_keys_policy_without_statement_shows_nothing(account: Account, policy: str) -> None:
    keyed()(account)
    account.answers(GET_KEY_POLICY, {"Policy": policy}, KeyId=KEY)
    unreadable = not_evidenced("unreadable answer", GET_KEY_POLICY)
    assert verdicts(account, "AR-20") == [passes if policy == NOBODY else unreadable]


# --- AR-20 ----------------------------------------------------------------------------------------

A, B = (trail(OTHER, name) for name in "ab")
DECRYPTS = serving({"ArnEquals": {"aws:SourceArn": A}})
DESCRIBES = serving({"ArnEquals": {"aws:SourceArn": B}}, Action="kms:DescribeKey")
ROLE = "AROAEXAMPLE12345"
BY_ID = {"StringLike": {"aws:userId": f"{ROLE}:*"}}


def known(given: Given) -> Given:
    """An account that has the role with this id."""

    def with_role(account: Account) -> None:
        given(account)
        role = {"RoleName": "x", "RoleId": ROLE, "Arn": f"arn:aws:iam::{ACCOUNT}:role/x"}
        account.answers(GET_ACCOUNT_AUTHORIZATION_DETAILS, {"RoleDetailList": [role]})

    return with_role


def limited(*condition: str) -> Given:
    return keyed(allows("*", **when(*condition)))


@scenarios(
    ("two trails, of which the second only describes", keyed(DECRYPTS, DESCRIBES), fails),
    ("two trails, of which the first only describes", keyed(DESCRIBES, DECRYPTS), fails),
    ("a trail that only describes", keyed(DESCRIBES), passes),
    ("a service for an owner", keyed(serving({"StringEquals": {"aws:SourceOwner": OTHER}})), fails),
    ("a service for the account as the owner", keyed(serving({"StringEquals": {"aws:SourceOwner": ACCOUNT}})), passes),
    ("a service for a pattern of accounts", keyed(serving({"StringLike": {"aws:SourceAccount": SOME}})), fails),
    ("a service for a pattern of accounts' trails", keyed(serving({"ArnLike": {"aws:SourceArn": trail(SOME, "*")}})), fails),
    ("a pattern of calling accounts", limited("StringLike", "kms:CallerAccount", SOME), fails),
    ("the account as caller", limited("StringLike", "kms:CallerAccount", ACCOUNT), passes),
    ("a pattern of accounts", limited("StringLike", "aws:PrincipalAccount", SOME), fails),
    ("a pattern of accounts' roles", limited("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{SOME}:role/*"), fails),
    ("anybody's resources", limited("ArnLike", "aws:SourceArn", trail("*", "*")), to_be_reviewed),
    ("the account's resources", limited("ArnLike", "aws:SourceArn", trail(ACCOUNT, "*")), passes),
    ("resources of an organisation", limited("StringEquals", "aws:SourceOrgID", "o-2"), to_be_reviewed),
    ("services", limited("Bool", "aws:PrincipalIsAWSService", "true"), to_be_reviewed),
    ("a service by its name", limited("StringEquals", "aws:PrincipalServiceName", "cloudtrail.amazonaws.com"), to_be_reviewed),
    ("everybody of a part of an organisation", limited("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-2/r-1/*"), fails),
    ("a unique id that is nobody's here", keyed(allows("*", Condition=BY_ID)), to_be_reviewed),
    ("a unique id that is a role's here", known(keyed(allows("*", Condition=BY_ID))), passes),
    ("a grant without anybody", keyed(grants=(grant(None),)), not_evidenced("absent in answer", LIST_GRANTS)),
    ("a grant without operations", keyed(grants=(grant(f"arn:aws:iam::{OTHER}:root", Operations=None),)), not_evidenced("absent in answer", LIST_GRANTS)),
    ("a grant without anybody beside one to another account", keyed(grants=(grant(None), grant(f"arn:aws:iam::{OTHER}:root"))), fails),
    ("a grant to a service", keyed(grants=(grant(None, GranteeServicePrincipal="s3.amazonaws.com"),)), to_be_reviewed),
)  # fmt: skip
def test_ar_20_keys_admit_nobody_else(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-20") == expected


# --- AR-14 ----------------------------------------------------------------------------------------


def pointing(principal: Any = "*", *condition: str) -> Given:
    statement = through("*", **(when(*condition) if condition else {}))
    return keys_and_points.pointed(statement | {"Principal": principal})


SERVICE = {"Service": "logging.s3.amazonaws.com"}


@scenarios(
    ("CloudFront's identity", pointing({"AWS": rights.CLOUDFRONT}), fails),
    ("a canonical user", pointing({"CanonicalUser": "79a5"}), to_be_reviewed),
    ("a service for another account", pointing(SERVICE, "StringEquals", "aws:SourceAccount", OTHER), fails),
    ("a service for the account", pointing(SERVICE, "StringEquals", "aws:SourceAccount", ACCOUNT), passes),
    ("a service for anybody", pointing(SERVICE), to_be_reviewed),
    ("a part of an organisation", pointing("*", "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-2/r-1/"), fails),
    ("a part of an organisation by a pattern, which is public and held back", pointing("*", "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-2/r-1/*"), passes),
    ("a unique id that is nobody's here", pointing("*", "StringEquals", "aws:userId", f"{ROLE}:x"), to_be_reviewed),
    ("a unique id that is a role's here", known(pointing("*", "StringEquals", "aws:userId", f"{ROLE}:x")), passes),
    ("everybody, where nothing else holds the public back", lambda a: pointing()(account_open(a)), fails),
)  # fmt: skip
def test_ar_14_access_points_let_nobody_else_in(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-14") == expected


@pytest.mark.parametrize("shown", [ANY_MEMBER, "identity-"])
def test_ar_14_shows_others_by_their_labels(account: Account, shown: str) -> None:
    member = pointing("*", "StringEquals", "aws:PrincipalOrgID", "o-2")
    (member if shown == ANY_MEMBER else pointing({"AWS": rights.CLOUDFRONT}))(account)
    observed = keys_and_points.findings(account, "AR-14")[0].observed
    assert shown in observed
    assert "CloudFront Origin" not in observed


@pytest.mark.parametrize(("most", "all_named"), [(1, False), (2, True), (3, True)])
def test_each_arn_is_judged_with_each_account_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch, most: int, all_named: bool
) -> None:
    """Beyond the limit a service may send any ARN, which no condition then excludes."""
    arns = [f"arn:aws:cloudfront::{OTHER}:distribution/{name}" for name in "AB"]
    named = when("StringEquals", "aws:SourceArn", *arns)
    statement = {"Effect": "Allow", "Principal": CDN, "Action": "*", "Resource": "*", **named}
    monkeypatch.setattr(deputies, "_MOST_PAIRS", most)
    statements = read_statements({"Version": "2012-10-17", "Statement": statement})
    contexts = [context for _, _, context in deputies.for_accounts(statements, ACCOUNT)]
    generic = f"arn:aws:any:any:{OTHER}:any"
    assert [context["aws:sourcearn"] for context in contexts] == (
        [generic, *arns] if all_named else [UNKNOWN]
    )
