"""Who reaches users' files: exceptions of bucket policies, keys and their grants, access points."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_ORGANIZATION,
    GET_ACCESS_POINT_POLICY,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_KEY_POLICY,
    LIST_ACCESS_POINTS,
    LIST_GRANTS,
)
from kit.controls import CONTROLS
from kit.judge.findings import Finding
from tests.controls.scenarios import (
    Given,
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
from tests.controls.test_at_rest import account_open
from tests.controls.test_at_rest_buckets import (
    ADMIN,
    ARN,
    GUARD,
    by_condition,
    restricting,
    stating,
)
from tests.standins import ACCOUNT, HOME, KEY, REGION, Account, key_policy, tls_only

STRANGER, COLLEAGUE = "999999999999", "777788889999"
OWN = f"arn:aws:iam::{ACCOUNT}"
NO_OWN_KEY = not_applicable("no customer managed key of the account")
OURS, THEIRS = "o-a1b2c3d4e5", "o-f6g7h8i9j0"
POINT = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports"
DETAILS = GET_ACCOUNT_AUTHORIZATION_DETAILS
HANDED_ON = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account of an organisation, with three roles, a user, and a colleague that is declared."""
    made = Account(tmp_path, organisation_accounts=[COLLEAGUE])
    for role in ("StreamingAdmin", "StreamingReader", "Helpdesk"):
        made.allowed(role)
    made.allowed("jane", kind="User")
    return made.answers(DESCRIBE_ORGANIZATION, {"Organization": {"Id": OURS}})


# --- AR-16: whom a pattern leaves over ------------------------------------------------------------


def but(operator: str, key: str, *values: str, **further: Any) -> Given:
    """A bucket that is denied to everybody but to those for whom the condition is not met."""
    return stating(GUARD, by_condition(operator, key, *values, **further))


def but_arns(*arns: str) -> Given:
    return but("ArnNotLike", "aws:PrincipalArn", *arns)


@scenarios(
    ("arn:* as an ARN, of which AWS says nothing", but_arns("arn:*"), to_be_reviewed),
    ("arn:* as text", but("StringNotLike", "aws:PrincipalArn", "arn:*"), fails),
    ("all users and roles of all accounts", but_arns("arn:aws:iam::*:*"), fails),
    ("in any partition", but_arns("arn:*:iam::*:*"), fails),
    ("all of the account", but_arns(f"{OWN}:*"), fails),
    ("all roles", but_arns(f"{OWN}:role/*"), fails),
    ("all roles with a name", but_arns(f"{OWN}:role/?*"), fails),
    ("all users", but_arns(f"{OWN}:user/*"), fails),
    ("a name and all roles", but_arns(ADMIN, f"{OWN}:role/*"), fails),
    ("a name and all users", but_arns(f"{OWN}:user/*", ADMIN), fails),
    ("all roles as text", but("StringNotLike", "aws:PrincipalArn", "*:role/*"), fails),
    ("two stars", but("StringNotLike", "aws:PrincipalArn", "**"), fails),
    ("everything but the empty text", but("StringNotLike", "aws:PrincipalArn", "?*"), fails),
    ("ids that begin with A", but("StringNotLike", "aws:userId", "A*"), fails),
    ("ids of roles", but("StringNotLike", "aws:userId", "AROA*"), fails),
    ("ids of users", but("StringNotLike", "aws:userId", "AIDA*"), fails),
    ("ids of sessions", but("StringNotLike", "aws:userId", "*:*"), fails),
    ("one role's id", but("StringNotLike", "aws:userId", "AROAEXAMPLE:*"), passes),
    ("two roles' ids", but("StringNotLike", "aws:userId", "AROAONE:*", "AROATWO:*"), passes),
    ("one session's id", but("StringNotEquals", "aws:userId", "AROAEXAMPLE:jane"), passes),
    ("the root user's id", but("StringNotLike", "aws:userId", "AROAEXAMPLE:*", ACCOUNT), passes),
    ("another account's root user's id", but("StringNotLike", "aws:userId", STRANGER), fails),
    ("one name", but_arns(ADMIN), passes),
    ("two names", but_arns(ADMIN, f"{OWN}:user/jane"), passes),
    ("a name and the root user", but_arns(ADMIN, f"{OWN}:root"), passes),
    ("names that begin alike", but_arns(f"{OWN}:role/Streaming*"), passes),
    ("names under a path", but_arns(f"{OWN}:role/admins/*"), passes),
    ("a role of that name in any account", but_arns("arn:aws:iam::*:role/StreamingAdmin"), passes),
    (
        "every principal that there is, by patterns that fit no other",
        but_arns(f"{OWN}:role/S*", f"{OWN}:role/H*", f"{OWN}:user/j*"),
        to_be_reviewed,
    ),
    (
        "a tag, which nobody here sees",
        but("StringNotEquals", "aws:PrincipalTag/admin", "true"),
        to_be_reviewed,
    ),
    ("names, or the account's access points", but("ArnNotLike", "aws:PrincipalArn", ADMIN, StringNotEquals={"s3:DataAccessPointAccount": ACCOUNT}), fails),
    ("names, or one access point", but("ArnNotLike", "aws:PrincipalArn", ADMIN, ArnNotEquals={"s3:DataAccessPointArn": POINT}), fails),
    ("names, whether by access points or not", stating(GUARD, by_condition("ArnNotLike", "aws:PrincipalArn", ADMIN), HANDED_ON), passes),
    ("one endpoint", but("StringNotEquals", "aws:SourceVpce", "vpce-1"), fails),
    ("names, from every address, and endpoints have none", but("ArnNotLike", "aws:PrincipalArn", ADMIN, IpAddress={"aws:SourceIp": ["0.0.0.0/0", "::/0"]}), fails),
    ("names, in the bucket's region", but("ArnNotLike", "aws:PrincipalArn", ADMIN, StringEquals={"aws:RequestedRegion": REGION}), passes),
    ("names, in another region", but("ArnNotLike", "aws:PrincipalArn", ADMIN, StringEquals={"aws:RequestedRegion": "us-east-1"}), fails),
    ("names, or services for the account", but("ArnNotLike", "aws:PrincipalArn", ADMIN, StringNotEquals={"aws:SourceAccount": ACCOUNT}), passes),
    ("services for the account", but("StringNotEquals", "aws:SourceAccount", ACCOUNT), passes),
    ("the root user by the account's number", lambda a: but_principals(ACCOUNT)(a), passes),
    ("the root user by its ARN", lambda a: but_principals(f"{OWN}:root")(a), passes),
    ("every session of some name", but("StringNotLike", "aws:userId", "*:botocore-session-*"), to_be_reviewed),
    ("names, or one network", but("ArnNotLike", "aws:PrincipalArn", ADMIN, NotIpAddress={"aws:SourceIp": "192.0.2.0/24"}), fails),
    ("one network", but("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"), fails),
    ("a name or plain HTTP", but(
        "ArnNotLike", "aws:PrincipalArn", ADMIN, Bool={"aws:SecureTransport": "true"}
    ), fails),
    (
        "any value is not the name's",
        but("ForAnyValue:ArnNotLike", "aws:PrincipalArn", ADMIN),
        passes,
    ),
    (
        "no value is the name's",
        but("ForAllValues:ArnNotLike", "aws:PrincipalArn", ADMIN),
        passes,
    ),
    (
        "no value is a role's",
        but("ForAllValues:ArnNotLike", "aws:PrincipalArn", f"{OWN}:role/*"),
        fails,
    ),
    (
        "any value is a name's, the wrong way",
        but("ForAnyValue:ArnLike", "aws:PrincipalArn", ADMIN),
        fails,
    ),
)  # fmt: skip
def test_ar_16_judges_whom_an_exception_leaves_over(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-16") == expected


def judged(account: Account, given: Given, control: str = "AR-16") -> Finding:
    given(account)
    (finding,) = findings(account, control)
    return finding


@pytest.mark.parametrize(
    ("given", "left", "refused"),
    [
        (but_arns(f"{OWN}:role/*"), ["any other role"], ["any other user", "the root user"]),
        (
            but("StringNotLike", "aws:userId", "AROA*"),
            ["any other role"],
            ["any other user", "the root user"],
        ),
        (but_arns(f"{OWN}:user/*"), ["any other user"], ["any other role", "the root user"]),
        (stating(GUARD), ["any other role", "any other user", "the root user"], []),
        (
            but("StringNotEquals", "aws:PrincipalOrgID", OURS),
            ["any other role", "the root user", "any account of the organisation"],
            ["any other account"],
        ),
        (
            but("StringNotEquals", "aws:PrincipalAccount", ACCOUNT),
            ["any other role", "any other user", "the root user"],
            ["any other account"],
        ),
    ],
)
def test_ar_16_says_who_is_left_over_and_who_is_denied(
    account: Account, given: Given, left: list[str], refused: list[str]
) -> None:
    finding = judged(account, given)
    reported = dict(part.split(": ", 1) for part in finding.observed.split("; ") if ": " in part)
    assert finding.status == "fail"
    not_denied, _, denied_to = finding.observed.partition("; Denied: ")
    assert "Not denied" in reported
    assert all(name in not_denied for name in left)
    assert all(name in denied_to for name in refused)
    assert not [name for name in refused if name in not_denied.partition("Not denied: ")[2]]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("aws:SourceVpce", "aws:sourcevpce"),
        ("s3:ExistingObjectTag/merger", "s3:existingobjecttag"),
    ],
)
def test_ar_16_says_by_which_key_anybody_comes_in_and_not_which_tag(
    account: Account, key: str, shown: str
) -> None:
    finding = judged(account, but("StringNotEquals", key, "x"))
    assert finding.status == "fail"
    left = finding.observed.partition("Not denied: ")[2].partition("; Denied")[0]
    assert f"any other role by {shown}" in re.split("; | \\(", left)
    assert "merger" not in finding.observed


def test_ar_16_shows_those_whom_it_names_by_their_labels(account: Account) -> None:
    finding = judged(account, but_arns(ADMIN, f"{OWN}:user/jane", f"{OWN}:role/Help*"))
    assert finding.status == "pass"
    left = finding.observed.partition("Not denied: ")[2].partition("; Denied")[0]
    kinds = [one.rpartition("-")[0] for one in left.split("; ")]
    assert sorted(kinds) == ["role", "role", "user"]
    assert not [name for name in ("jane", "Helpdesk", "StreamingAdmin") if name in finding.observed]


def test_ar_16_shows_those_whom_it_names_by_their_names_where_names_are_in_clear(
    tmp_path: Path,
) -> None:
    account = Account(tmp_path, pseudonymise=False).allowed("Helpdesk", path="/teams/")
    finding = judged(
        account, but_arns(f"{OWN}:role/admins/StreamingAdmin", f"{OWN}:role/teams/Help*")
    )
    left = finding.observed.partition("Not denied: ")[2].partition("; Denied")[0]
    assert sorted(left.split("; ")) == ["Helpdesk", "StreamingAdmin"]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [((), passes), (("a",), passes), (("a", "b"), to_be_reviewed)],
)
def test_ar_16_a_pattern_that_fits_everybody_of_several_is_in_doubt(
    tmp_path: Path, roles: tuple[str, ...], expected: Any
) -> None:
    account = Account(tmp_path)
    for name in roles:
        account.allowed(f"Streaming-{name}")
    but_arns(f"{OWN}:role/Streaming*")(account)
    assert verdicts(account, "AR-16") == [expected]


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("AROAEX*", ["role"]),
        ("AROAEX*:*", ["role"]),
        ("AROAOTHER*:*", []),
        ("AIDAEX*", ["user"]),
        ("AIDAEX*:*", []),
    ],
)
def test_ar_16_shows_whose_id_fits_a_pattern(
    tmp_path: Path, pattern: str, kinds: list[str]
) -> None:
    """A role's id has the name of the session behind it, a user's id nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
    """
    account = Account(tmp_path)
    known = {
        f"{kind}DetailList": [
            {f"{kind}Name": "x", f"{kind}Id": id, "Arn": f"{OWN}:{kind.lower()}/x"}
        ]
        for kind, id in (("Role", "AROAEXAMPLE123456"), ("User", "AIDAEXAMPLE123456"))
    }
    account.answers(DETAILS, {**known, "GroupDetailList": [], "Policies": []})
    finding = judged(account, but("StringNotLike", "aws:userId", pattern))
    left = finding.observed.partition("Not denied: ")[2].partition("; Denied")[0].split("; ")
    assert [one.rpartition("-")[0] for one in left if one != "none"] == kinds


@scenarios(
    ("the account's organisation", but("StringNotEquals", "aws:PrincipalOrgID", OURS), fails),
    ("another organisation", but("StringNotEquals", "aws:PrincipalOrgID", THEIRS), fails),
    ("the account", but("StringNotEquals", "aws:PrincipalAccount", ACCOUNT), fails),
    ("another account", but("StringNotEquals", "aws:PrincipalAccount", STRANGER), fails),
    (
        "the organisation, of which nobody may see the id",
        lambda a: but("StringNotEquals", "aws:PrincipalOrgID", OURS)(
            a.denies(DESCRIBE_ORGANIZATION)
        ),
        fails,
    ),
    (
        "a name within the organisation, of which nobody may see the id",
        lambda a: but(
            "ArnNotLike", "aws:PrincipalArn", ADMIN, StringEquals={"aws:PrincipalOrgID": OURS}
        )(a.denies(DESCRIBE_ORGANIZATION)),
        denied(DESCRIBE_ORGANIZATION),
    ),
    (
        "a name within the organisation",
        but("ArnNotLike", "aws:PrincipalArn", ADMIN, StringEquals={"aws:PrincipalOrgID": OURS}),
        passes,
    ),
)
def test_ar_16_an_organisation_is_no_list_of_administrators(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-16") == expected


@scenarios(
    ("a pattern", but_arns(f"{OWN}:role/Streaming*"), denied(DETAILS)),
    ("an id with a star in it", but("StringNotLike", "aws:userId", "AROAEX*"), denied(DETAILS)),
    ("a name", but_arns(ADMIN), passes),
    ("one role's sessions", but("StringNotLike", "aws:userId", "AROAEXAMPLE:*"), passes),
    ("all roles", but_arns(f"{OWN}:role/*"), fails),
    ("nothing", stating(GUARD), fails),
)
def test_ar_16_requires_the_principals_only_where_a_pattern_needs_them(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account.denies(DETAILS))
    assert verdicts(account, "AR-16") == expected


def but_principals(*arns: str) -> Given:
    return stating(GUARD, restricting(NotPrincipal={"AWS": list(arns)}))


@scenarios(
    ("a role of another account", but_arns(ADMIN, f"arn:aws:iam::{STRANGER}:role/x"), fails),
    ("all of another account", but_arns(ADMIN, f"arn:aws:iam::{STRANGER}:*"), fails),
    (
        "another account",
        but_principals(ADMIN, f"{OWN}:root", f"arn:aws:iam::{STRANGER}:root"),
        fails,
    ),
    (
        "a colleague",
        but_principals(ADMIN, f"{OWN}:root", f"arn:aws:iam::{COLLEAGUE}:root"),
        passes,
    ),
    ("a colleague's role", but_arns(ADMIN, f"arn:aws:iam::{COLLEAGUE}:role/x"), passes),
    (
        "a colleague's role and a stranger's",
        but_arns(f"arn:aws:iam::{COLLEAGUE}:role/x", f"arn:aws:iam::{STRANGER}:role/x"),
        fails,
    ),
    (
        "another account among the exceptions is denied to read by name",
        stating(
            GUARD,
            restricting(
                NotPrincipal={"AWS": [ADMIN, f"{OWN}:root", f"arn:aws:iam::{STRANGER}:root"]}
            ),
            restricting(NotPrincipal=None, Principal={"AWS": STRANGER}, Action="s3:Get*"),
        ),
        fails,
    ),
    (
        "another account is denied by name",
        stating(
            GUARD,
            restricting(),
            restricting(NotPrincipal=None, Principal={"AWS": STRANGER}),
        ),
        passes,
    ),
)
def test_ar_16_names_other_accounts_among_the_exceptions(
    account: Account, given: Given, expected: list[Any]
) -> None:
    finding = judged(account, given)
    assert [finding.status] == [one.status for one in expected]
    reported = finding.observed.partition("Other accounts not denied: ")[2].partition("; Policy")[0]
    assert (STRANGER in reported) is (finding.status == "fail")


@scenarios(
    ("AWS's four", restricting(Action=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]), fails),
    ("objects, but no versions", restricting(Action=["s3:*Object", "s3:ListBucket*"]), fails),
    ("all but the deletion of versions", restricting(Action=None, NotAction="s3:DeleteObjectVersion"), fails),
    ("reads and lists", restricting(Action=["s3:Get*", "s3:List*"]), fails),
    ("everything on objects, lists of both kinds", restricting(Action=["s3:*Object*", "s3:ListBucket*"]), passes),
    ("by kinds", restricting(Action=["s3:Get*", "s3:Put*", "s3:Delete*", "s3:List*"]), passes),
    ("everything", restricting(Action="*"), passes),
    ("all but where it lies", restricting(Action=None, NotAction="s3:GetBucketLocation"), passes),
)  # fmt: skip
def test_ar_16_wants_every_action_on_files_denied(
    account: Account, given: dict[str, Any], expected: list[Any]
) -> None:
    stating(GUARD, given)(account)
    assert verdicts(account, "AR-16") == expected


def test_ar_16_names_the_actions_that_are_left(account: Account) -> None:
    finding = judged(account, stating(GUARD, restricting(Action=["s3:*Object", "s3:List*"])))
    assert "any other role (s3:GetObjectVersion, s3:DeleteObjectVersion)" in finding.observed


PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}


def public(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"policy": {"Statement": [GUARD, PUBLIC, *statements]}, "public": True}


@scenarios(
    ("held back for the account", lambda a: a.bucket(**public(restricting())), fails),
    ("held back for the bucket", lambda a: account_open(a).bucket(**public(restricting()), closed=True), fails),
    ("held back by nothing, which AR-14 is about", lambda a: account_open(a).bucket(**public(restricting())), passes),
)  # fmt: skip
def test_ar_16_a_public_statement_that_is_held_back_is_a_finding_of_low_severity(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    closed, finding = findings(account, "AR-14", "AR-16")
    assert [finding.status] == [one.status for one in expected]
    assert finding.severity == ("low" if finding.status == "fail" else "medium")
    assert closed.status == ("pass" if finding.status == "fail" else "fail")


def test_ar_16_a_graver_cause_beside_it_decides_the_severity(account: Account) -> None:
    finding = judged(account, lambda a: a.bucket(**public()))
    assert (finding.status, finding.severity) == ("fail", "medium")


# --- AR-20: whom a key's policy and grants admit --------------------------------------------------


def allows(principal: Any, *actions: str, **members: Any) -> dict[str, Any]:
    named = principal if principal == "*" else {"AWS": principal}
    statement = {"Effect": "Allow", "Principal": named, "Resource": "*", **members}
    return statement | {"Action": list(actions or ("kms:Decrypt",))}


def keyed(*statements: dict[str, Any], grants: tuple[Any, ...] = (), **metadata: Any) -> Given:
    """A bucket under a customer's key with these statements beside the usual one."""
    return lambda account: account.bucket(encryption="aws:kms", key=KEY).key(
        policy=key_policy(*statements), grants=grants, **metadata
    )


def grant(principal: str | None, *operations: str, **members: Any) -> dict[str, Any]:
    reported = {
        "GranteePrincipal": principal,
        "Operations": list(operations or ("Decrypt",)),
        **members,
    }
    return {name: value for name, value in reported.items() if value is not None}


def serving(condition: Any = None, **members: Any) -> dict[str, Any]:
    """A statement of a key's policy that lets a service in."""
    limited = {"Condition": condition} if condition else {}
    service = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    return allows("*") | service | limited | members


THROUGH_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
CALLER = {"kms:CallerAccount": ACCOUNT}


@scenarios(
    ("the account's IAM alone", keyed(), passes),
    ("a role of the account", keyed(allows(ADMIN, "kms:*")), passes),
    ("another account", keyed(allows(f"arn:aws:iam::{STRANGER}:root")), fails),
    ("another account by its number", keyed(allows(STRANGER, "kms:*")), fails),
    ("another account's role", keyed(allows(f"arn:aws:iam::{STRANGER}:role/x")), fails),
    ("another account may change the policy", keyed(allows(STRANGER, "kms:PutKeyPolicy")), fails),
    ("another account may encrypt", keyed(allows(STRANGER, "kms:Encrypt", "kms:GenerateDataKey*")), fails),
    *(
        (f"another account may {action}", keyed(allows(STRANGER, f"kms:{action}")), expected)
        for action, expected in (
            ("RevokeGrant", fails),
            ("GenerateDataKeyPair", fails),
            ("GenerateDataKeyPairWithoutPlaintext", fails),
            ("DeleteImportedKeyMaterial", fails),
            ("RetireGrant", passes),
            ("ListGrants", passes),
        )
    ),
    *(
        (f"whom no account is named by: {principal}", keyed(allows("*") | {"Principal": principal}), to_be_reviewed)
        for principal in (
            {"AWS": "nobody"},
            {"AWS": "arn:aws:iam:::role/x"},
            {"CanonicalUser": "79a5"},
            {"Federated": "cognito-identity.amazonaws.com"},
            {"Federated": "accounts.google.com", "AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            {"Federated": f"arn:aws:iam::{STRANGER}:saml-provider/x"},
        )
    ),
    *(
        (f"whom nobody outside is named by: {principal}", keyed(allows("*") | {"Principal": principal}), passes)
        for principal in (
            {"AWS": "AROAEXAMPLEEXAMPLE1"},
            {"AWS": "AIDAEXAMPLEEXAMPLE1"},
            {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"},
            {"Federated": f"arn:aws:iam::{COLLEAGUE}:saml-provider/x"},
        )
    ),
    ("an identity that may only describe it", keyed(allows("nobody", "kms:DescribeKey")), passes),
    ("CloudFront's identity, which is somebody", keyed(allows("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1")), fails),
    (
        "a principal of a kind that AWS does not have",
        keyed(allows("*") | {"Principal": {"Vendor": "x"}}),
        not_evidenced("unreadable answer", GET_KEY_POLICY),
    ),
    ("another account may describe it", keyed(allows(STRANGER, "kms:DescribeKey")), passes),
    ("everybody", keyed(allows("*")), fails),
    ("everybody, as a list", keyed(allows(["*"], "kms:*")), fails),
    ("everybody who comes through S3", keyed(allows("*", Condition={"StringEquals": THROUGH_S3})), fails),
    (
        "everybody of the account who comes through S3, as AWS writes it",
        keyed(allows("*", Condition={"StringEquals": THROUGH_S3 | CALLER})),
        passes,
    ),
    ("everybody of another account", keyed(allows("*", Condition={"StringEquals": {"kms:CallerAccount": STRANGER}})), fails),
    ("everybody of the organisation", keyed(allows("*", Condition={"StringEquals": {"aws:PrincipalOrgID": OURS}})), fails),
    ("everybody with a tag", keyed(allows("*", Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}})), to_be_reviewed),
    ("a colleague", keyed(allows(COLLEAGUE)), passes),
    ("a colleague and a stranger", keyed(allows([COLLEAGUE, STRANGER])), fails),
    ("a service, whomever it comes for", keyed(serving()), to_be_reviewed),
    ("a service that may only describe it", keyed(serving(Action="kms:DescribeKey")), passes),
    ("a service for the account", keyed(serving({"StringEquals": {"aws:SourceAccount": ACCOUNT}})), passes),
    ("a service for a trail of the account", keyed(serving({"StringLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}})), passes),
    ("a service for another account", keyed(serving({"StringEquals": {"aws:SourceAccount": STRANGER}})), fails),
    ("a service for another account's trail", keyed(serving({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{STRANGER}:trail/*"}})), fails),
    ("a service for two accounts", keyed(serving({"StringEquals": {"aws:SourceAccount": [ACCOUNT, STRANGER]}})), fails),
    ("a service for a colleague", keyed(serving({"StringEquals": {"aws:SourceAccount": COLLEAGUE}})), passes),
    ("a service that another account calls", keyed(serving({"StringEquals": {"kms:CallerAccount": STRANGER}})), fails),
    ("a service through S3, whomever it comes for", keyed(serving({"StringEquals": THROUGH_S3})), to_be_reviewed),
    ("a service for anybody's trail", keyed(serving({"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}})), to_be_reviewed),
    ("a service for a bucket, whoever has it", keyed(serving({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}})), to_be_reviewed),
    ("a service for a bucket with the account's number", keyed(serving({"ArnEquals": {"aws:SourceArn": ARN}})), passes),
    ("a service for accounts of an organisation", keyed(serving({"StringEquals": {"aws:SourceOrgID": THEIRS}})), to_be_reviewed),
    ("a service that encrypts for the account", keyed(serving({"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}})), passes),
    ("a service that encrypts for anybody", keyed(serving({"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:*:trail/*"}})), to_be_reviewed),
    ("any service for another account", keyed(allows("*", Condition={"StringEquals": {"aws:SourceAccount": STRANGER}})), fails),
    ("a service for another account, which is denied", keyed(serving({"StringEquals": {"aws:SourceAccount": STRANGER}}), allows("*", "kms:*", Effect="Deny", Condition={"StringEquals": {"aws:SourceAccount": STRANGER}})), passes),
    (
        "everybody, whom another statement denies",
        keyed(allows("*"), allows("*", "kms:*", Effect="Deny", Condition={"StringNotEquals": CALLER})),
        passes,
    ),
    ("a grant to a role of the account", keyed(grants=(grant(ADMIN),)), passes),
    ("a grant to another account", keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:root"),)), fails),
    ("a grant to another account's role", keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:role/x"),)), fails),
    ("a grant to another account's session", keyed(grants=(grant(f"arn:aws:sts::{STRANGER}:assumed-role/x/y"),)), fails),
    ("a grant to another account's federated user", keyed(grants=(grant(f"arn:aws:sts::{STRANGER}:federated-user/x"),)), fails),
    ("a grant to the account's federated user", keyed(grants=(grant(f"arn:aws:sts::{ACCOUNT}:federated-user/x"),)), passes),
    ("a grant to a colleague", keyed(grants=(grant(f"arn:aws:iam::{COLLEAGUE}:role/x"),)), passes),
    ("a grant to a service", keyed(grants=(grant(None, GranteeServicePrincipal="s3.amazonaws.com"),)), to_be_reviewed),
    ("a grant to a service where principals stand", keyed(grants=(grant("dynamodb.eu-west-1.amazonaws.com"),)), to_be_reviewed),
    ("a grant to a service to describe it", keyed(grants=(grant(None, "DescribeKey", GranteeServicePrincipal="s3.amazonaws.com"),)), passes),
    *(
        (f"a grant to a service that is limited: {limits}", keyed(grants=(grant("dynamodb.eu-west-1.amazonaws.com", Constraints=limits),)), expected)
        for limits, expected in (
            ({"SourceArn": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/x"}, passes),
            ({"SourceArn": f"arn:aws:dynamodb:eu-west-1:{STRANGER}:table/x"}, fails),
            ({"EncryptionContextSubset": {"aws:dynamodb:subscriberId": ACCOUNT}}, passes),
            ({"EncryptionContextEquals": {"aws:dynamodb:tableName": "x"}}, to_be_reviewed),
        )
    ),
    ("a grant to another account's role that is limited", keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:role/x", Constraints={"EncryptionContextSubset": {"a": ACCOUNT}}),)), fails),
    ("a grant to describe it", keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:root", "DescribeKey"),)), passes),
    ("a grant to create key pairs", keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:root", "GenerateDataKeyPairWithoutPlaintext"),)), fails),
    ("a grant to whom no account is named by", keyed(grants=(grant("weird"),)), to_be_reviewed),
    ("grants cut short, without another account", lambda a: keyed(grants=(grant(ADMIN),))(a).cuts(LIST_GRANTS, "more exist", KeyId=KEY), not_evidenced("cut short", LIST_GRANTS)),
    ("grants cut short, with a colleague", lambda a: keyed(grants=(grant(f"arn:aws:iam::{COLLEAGUE}:root"),))(a).cuts(LIST_GRANTS, "more exist", KeyId=KEY), not_evidenced("cut short", LIST_GRANTS)),
    ("grants cut short, with another account", lambda a: keyed(grants=(grant(f"arn:aws:iam::{STRANGER}:root"),))(a).cuts(LIST_GRANTS, "more exist", KeyId=KEY), fails),
    ("one grant of three", keyed(grants=(grant(ADMIN), grant(f"arn:aws:iam::{STRANGER}:root"), grant(ADMIN))), fails),
    ("the policy denied", lambda a: keyed()(a).denies(GET_KEY_POLICY, KeyId=KEY), denied(GET_KEY_POLICY)),
    ("grants denied", lambda a: keyed()(a).denies(LIST_GRANTS, KeyId=KEY), denied(LIST_GRANTS)),
    (
        "grants denied beside a policy that admits another account",
        lambda a: keyed(allows(STRANGER))(a).denies(LIST_GRANTS, KeyId=KEY),
        fails,
    ),
    (
        "a policy that cannot be read",
        lambda a: keyed()(a).answers(GET_KEY_POLICY, {"Policy": "⟦secret⟧"}, KeyId=KEY),
        not_evidenced("unreadable answer", GET_KEY_POLICY),
    ),
    (
        "the policy left out",
        lambda a: keyed()(a).answers(GET_KEY_POLICY, {}, KeyId=KEY),
        not_evidenced("absent in answer", GET_KEY_POLICY),
    ),
    ("AWS's own key, of which nobody asks", keyed(allows("*"), KeyManager="AWS", rotation=None), NO_OWN_KEY),
    ("S3's own keys", lambda a: a.bucket(), NO_OWN_KEY),
)  # fmt: skip
def test_ar_20_keys_admit_nobody_else(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-20") == expected


def test_ar_20_cites_every_grant(account: Account) -> None:
    cited = judged(account, keyed(grants=(grant(ADMIN), grant(ADMIN))), "AR-20").evidence
    grants = [ref.partition("#")[2] for ref in cited if "/Grants/" in ref]
    assert sorted(grants) == ["/Grants/0", "/Grants/1"]


def test_ar_20_names_the_account(account: Account) -> None:
    finding = judged(account, keyed(allows(STRANGER)), "AR-20")
    assert finding.resource == f"key {KEY.rpartition('/')[2]}"
    assert f"Other accounts that the key's policy admits: {STRANGER}" in finding.observed


# --- AR-14: whom access points let in -------------------------------------------------------------


def through(principal: Any, *actions: str, **members: Any) -> dict[str, Any]:
    objects = {"Resource": [POINT, f"{POINT}/object/*"]}
    return allows(principal, *(actions or ("s3:GetObject",)), **objects) | members


def pointed(*statements: dict[str, Any], bucket: Any = (HANDED_ON,), vpc: str = "") -> Given:
    """A bucket that leaves access to its access points, of which one states this."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
    return lambda account: account.bucket(policy={"Statement": list(bucket)}).access_point(
        policy=policy, vpc=vpc
    )


@scenarios(
    ("none", lambda a: a.bucket(), passes),
    ("on another bucket", lambda a: a.bucket().access_point(bucket="appstream-other"), passes),
    ("without a policy", pointed(), passes),
    ("for a role of the account", pointed(through(ADMIN)), passes),
    ("for another account", pointed(through(f"arn:aws:iam::{STRANGER}:root")), fails),
    ("for another account's role", pointed(through(f"arn:aws:iam::{STRANGER}:role/x")), fails),
    ("for another account that may erase", pointed(through(STRANGER, "s3:DeleteObjectVersion")), fails),
    ("for a colleague", pointed(through(COLLEAGUE)), passes),
    ("for a colleague and a stranger", pointed(through([COLLEAGUE, STRANGER])), fails),
    ("for another account that is denied", pointed(through(STRANGER), through(STRANGER, "s3:*", Effect="Deny")), passes),
    ("for another account that may see tags", pointed(through(STRANGER, "s3:GetObjectTagging")), passes),
    ("for everybody, and public policies are restricted", pointed(through("*")), passes),
    (
        "for another account, whom the bucket's policy does not let in",
        pointed(through(STRANGER), bucket=(GUARD,)),
        to_be_reviewed,
    ),
    ("the list denied", lambda a: pointed()(a).denies(LIST_ACCESS_POINTS), denied(LIST_ACCESS_POINTS)),
    ("for another account, from one VPC", pointed(through(STRANGER), vpc="vpc-1"), to_be_reviewed),
    ("for a colleague, from one VPC", pointed(through(COLLEAGUE), vpc="vpc-1"), passes),
    ("for a role of the account, from one VPC", pointed(through(ADMIN), vpc="vpc-1"), passes),
    (
        "the policy denied",
        lambda a: pointed()(a).denies(GET_ACCESS_POINT_POLICY, Name="reports"),
        denied(GET_ACCESS_POINT_POLICY),
    ),
    (
        "for another account, and the list cut short",
        lambda a: pointed(through(STRANGER))(a).cuts(LIST_ACCESS_POINTS, "more exist"),
        fails,
    ),
    (
        "for a colleague, and the list cut short",
        lambda a: pointed(through(COLLEAGUE))(a).cuts(LIST_ACCESS_POINTS, "more exist"),
        not_evidenced("cut short", LIST_ACCESS_POINTS),
    ),
    (
        "for another account, beside one whose policy is denied",
        lambda a: pointed(through(STRANGER))(a).access_point("closed").denies(
            GET_ACCESS_POINT_POLICY, Name="closed"
        ),
        fails,
    ),
    (
        "a policy that cannot be read",
        lambda a: pointed()(a).answers(GET_ACCESS_POINT_POLICY, {"Policy": "[]"}, Name="reports"),
        not_evidenced("unreadable answer", GET_ACCESS_POINT_POLICY),
    ),
)  # fmt: skip
def test_ar_14_access_points_let_nobody_else_in(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-14") == expected


def test_ar_14_shows_access_points_by_their_labels_and_whom_they_let_in(account: Account) -> None:
    finding = judged(account, pointed(through(STRANGER)), "AR-14")
    assert f"Others whom access points let in: {STRANGER}" in finding.observed
    assert "Access points: access-point-" in finding.observed
    assert "reports" not in json.dumps(vars(finding))


def test_ar_14_names_everybody_where_only_the_access_points_own_block_may_hold_the_public_back(
    account: Account,
) -> None:
    finding = judged(account_open(account), pointed(through("*")), "AR-14")
    assert finding.status == "fail"  # public policies are not restricted
    assert "Others whom access points may let in: any account" in finding.observed


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("control", ["AR-14", "AR-16", "AR-20", "IT-04"])
def test_what_the_organisation_could_deny_is_named_as_a_limit(control: str) -> None:
    reported = " ".join(remedy.console for remedy in CONTROLS[control].remedies)
    assert "SCPs" in reported
    assert "RCPs" in reported


def test_it_04_keeps_its_verdict_beside_other_statements(account: Account) -> None:
    statements = [*tls_only(HOME)["Statement"], GUARD, restricting()]
    account.bucket(policy={"Statement": statements})
    assert verdicts(account, "IT-04") == [passes]
