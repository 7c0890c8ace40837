"""ID-05, ID-07 and ID-08: who may do what, asked of every policy that decides it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_ORGANIZATION,
    GET_ACCESS_POINT_POLICY,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    LIST_ACCESS_POINTS,
    LIST_BUCKETS,
)
from kit.redact.labels import open_labels
from kit.tables import tabulate
from tests.controls.scenarios import Given, findings, scenarios
from tests.controls.test_grants import (
    ADMINISTER,
    ALL,
    CHANGE,
    GIVE,
    LIST,
    MINT,
    ON_FILES,
    READ,
    SESSIONS,
    STACKS,
    UNPROTECT,
    allow,
    deny,
    machine,
    of_principals,
    role,
    used,
)
from tests.standins import ACCOUNT, HOME, LEFT_OUT, REGION, Account, restricted, trust

OTHER = "999999999999"
H = f"arn:aws:s3:::{HOME}"
GUARD = deny("s3:DeleteBucket", H, Principal="*")
HELPDESK = f"arn:aws:iam::{ACCOUNT}:role/Helpdesk"
OPEN_BLOCKS = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False}
NO_S3 = f"arn:aws:iam::{ACCOUNT}:policy/no-s3"


def let(principal: Any, actions: Any = "s3:*", **members: Any) -> dict[str, Any]:
    return allow(actions, [H, f"{H}/*"], Principal=principal, **members)


def open_to(*statements: dict[str, Any], restrict: bool = False) -> Given:
    """An account whose bucket's policy says so, where public policies may be restricted."""

    def given(account: Account) -> Account:
        blocks = {
            "PublicAccessBlockConfiguration": OPEN_BLOCKS | {"RestrictPublicBuckets": restrict}
        }
        account.stack().fleet().bucket(
            policy={"Version": "2012-10-17", "Statement": [GUARD, *statements]}
        )
        account.answers(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, blocks)
        return account.answers(GET_BUCKET_PUBLIC_ACCESS_BLOCK, blocks, REGION, Bucket=HOME)

    return given


def helpdesk(
    *statements: dict[str, Any], kind: str = "Role", identity: tuple[Any, ...] = (), **members: Any
) -> Given:
    def given(account: Account) -> None:
        open_to(*statements)(account)
        account.policy(NO_S3, allow("ec2:*")).allowed("Helpdesk", *identity, kind=kind, **members)

    return given


def statuses_of(account: Account, control: str = "ID-05") -> dict[str, str]:
    """What is said of everybody who holds something, by who it is and what."""
    labelled = ("role", "user", "identity")
    said = {}
    for one in findings(account, control):
        who, _, what = one.resource.partition(": ")
        if who != "everybody else":
            who = re.sub("(-provider)-[a-z2-7]{10}$", r"\1", who)
            kind = who.partition("-")[0] if not who.endswith("-provider") else ""
            said[f"{kind if kind in labelled else who}: {what}"] = one.status
    return said


def by(who: str, *capabilities: str, status: str = "fail") -> dict[str, str]:
    return {f"{who}: {name}": status for name in capabilities}


OWN = "every user and role of the account"
FOREIGN = f"account {OTHER}"
USER = f"arn:aws:iam::{ACCOUNT}:user/Helpdesk"
ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
PART = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-ab/ou-1/*"}}
ANY_MEMBER = "any account of an organisation"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/x"
CDN = {"Service": "cloudfront.amazonaws.com"}


def distribution(account: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudfront::{account}:distribution/E1"}}


def in_organisation(*statements: Any) -> Given:
    organisation = {"Organization": {"Id": "o-1"}}
    return lambda a: open_to(*statements)(a).answers(DESCRIBE_ORGANIZATION, organisation)


CLOUDFRONT = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"


@scenarios(
    ("nobody", open_to(), {}),
    (
        "a foreign account's root",
        open_to(let({"AWS": f"arn:aws:iam::{OTHER}:root"}, ["s3:GetObject", "s3:ListBucket"])),
        by(FOREIGN, READ, LIST),
    ),
    ("a foreign account by its id", open_to(let({"AWS": OTHER}, "s3:Put*")), by(FOREIGN, CHANGE, UNPROTECT)),
    (
        "a role of a foreign account",
        open_to(let({"AWS": f"arn:aws:iam::{OTHER}:role/reader"}, "s3:GetObject")),
        by(FOREIGN, READ),
    ),
    (
        "a foreign account, denied what it is allowed",
        open_to(let({"AWS": OTHER}, "s3:Get*"), deny("s3:*", [H, f"{H}/*"], Principal={"AWS": OTHER})),
        {},
    ),
    ("a foreign account on another bucket", open_to(allow("s3:*", "arn:aws:s3:::x/*", Principal={"AWS": OTHER})), {}),
    ("a foreign account may ask where it is", open_to(let({"AWS": OTHER}, "s3:GetBucketLocation")), {}),
    (
        "a foreign account that a condition names",
        open_to(let("*", "s3:GetObject", Condition={"StringEquals": {"aws:PrincipalAccount": OTHER}})),
        by(FOREIGN, READ),
    ),
    (
        "a foreign account from one network",
        open_to(let({"AWS": OTHER}, "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})),
        by(FOREIGN, READ, status="not evidenced"),
    ),
    ("a foreign account over TLS", open_to(let({"AWS": OTHER}, "s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}})), by(FOREIGN, READ)),
    ("everybody", open_to(let("*", "s3:GetObject")), by("any AWS account", READ) | by(OWN, READ) | by("anybody, without signing in", READ)),
    ("everybody, and public policies are restricted", open_to(let("*", "s3:GetObject"), restrict=True), by(OWN, READ)),
    (
        "a foreign account beside everybody, restricted",
        open_to(let("*", "s3:GetObject"), let({"AWS": OTHER}, "s3:GetObject"), restrict=True),
        by(OWN, READ),
    ),
    ("a foreign account alone is not public", open_to(let({"AWS": OTHER}, "s3:GetObject"), restrict=True), by(FOREIGN, READ)),
    (
        "the organisation",
        open_to(let("*", "s3:GetObject", Condition=ORGANISATION)),
        by(ANY_MEMBER, READ),
    ),
    (
        "the organisation that the account is in",
        in_organisation(let("*", "s3:GetObject", Condition=ORGANISATION)),
        by(ANY_MEMBER, READ) | by(OWN, READ),
    ),
    (
        "a part of an organisation",
        in_organisation(let("*", "s3:GetObject", Condition=PART)),
        by(ANY_MEMBER, READ) | by(OWN, READ, status="pass"),
    ),
    (
        "a part of an organisation, and the organisation",
        in_organisation(let("*", "s3:GetObject", Condition=ORGANISATION | PART)),
        by(ANY_MEMBER, READ) | by(OWN, READ, status="pass"),
    ),
    (
        "a part of an organisation, and another organisation",
        in_organisation(
            let("*", "s3:GetObject", Condition={**PART, "StringEquals": {"aws:PrincipalOrgID": "o-2"}})
        ),
        {},
    ),
    (
        "a foreign account, if it is in the organisation",
        in_organisation(let({"AWS": OTHER}, "s3:GetObject", Condition=ORGANISATION)),
        by(FOREIGN, READ, status="not evidenced"),
    ),
    ("a foreign account's tagged principals", open_to(let({"AWS": OTHER}, "s3:GetObject", Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}})), by(FOREIGN, READ, status="not evidenced")),
    ("a foreign account lists some names", open_to(let({"AWS": OTHER}, "s3:ListBucket", Condition={"StringLike": {"s3:prefix": "public/*"}})), by(FOREIGN, LIST, status="not evidenced")),
    ("everybody from one network", open_to(let("*", "s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})), by("any AWS account", READ, status="not evidenced") | by("anybody, without signing in", READ, status="not evidenced") | by(OWN, READ, status="pass")),
    ("whom access points let in, of which there are none", open_to(let("*", "*", Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}})), {}),
    ("a foreign account's federated user", open_to(let({"AWS": f"arn:aws:sts::{OTHER}:federated-user/x"}, "s3:GetObject")), by(FOREIGN, READ)),
    ("people of an identity provider", open_to(let({"Federated": "cognito-identity.amazonaws.com"}, "s3:GetObject")), by("identity", READ, status="not evidenced")),
    ("people of the account's identity provider", open_to(let({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"}, "s3:GetObject")), {}),
    ("a federated user of a user who names it", helpdesk(let({"AWS": FEDERATED}, "s3:GetObject"), kind="User", identity=(allow("sts:GetFederationToken"),)), by("user", READ)),
    ("a federated user of nobody", helpdesk(let({"AWS": FEDERATED}, "s3:GetObject"), kind="User"), {}),
    ("a federated user is no role's", helpdesk(let({"AWS": FEDERATED}, "s3:GetObject"), identity=(allow("sts:*"),)), by("role", GIVE)),
    ("a distribution of the account", open_to(let(CDN, "s3:GetObject", Condition=distribution(ACCOUNT))), {}),
    ("a distribution of another account", open_to(let(CDN, "s3:GetObject", Condition=distribution(OTHER))), by(f"{FOREIGN}, by way of cloudfront.amazonaws.com", READ)),
    ("a service for another account", open_to(let(CDN, "s3:GetObject", Condition={"StringEquals": {"aws:SourceAccount": OTHER}})), by(f"{FOREIGN}, by way of cloudfront.amazonaws.com", READ)),
    ("a service for two accounts", open_to(let(CDN, "s3:GetObject", Condition={"StringEquals": {"aws:SourceAccount": [ACCOUNT, OTHER]}})), by(f"{FOREIGN}, by way of cloudfront.amazonaws.com", READ)),
    ("any service for another account", open_to(let("*", "s3:GetObject", Condition=distribution(OTHER))), by(f"{FOREIGN}, by way of a service of AWS", READ)),
    ("a service that reads for anybody", open_to(let(CDN, "s3:GetObject")), by("any AWS account, by way of cloudfront.amazonaws.com", READ, status="not evidenced")),
    ("a service that reads for anybody's distributions", open_to(let(CDN, "s3:GetObject", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*:distribution/*"}})), by("any AWS account, by way of cloudfront.amazonaws.com", READ, status="not evidenced")),
    ("a service that reads for anybody and for anybody's distributions", open_to(let(CDN, "s3:GetObject"), let(CDN, "s3:ListBucket", Condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*:distribution/*"}})), by("any AWS account, by way of cloudfront.amazonaws.com", READ, LIST, status="not evidenced")),
    ("a service that reads for an organisation", open_to(let(CDN, "s3:GetObject", Condition={"StringEquals": {"aws:SourceOrgID": "o-2"}})), by("any AWS account, by way of cloudfront.amazonaws.com", READ, status="not evidenced")),
    ("a service that logs for another account", open_to(let({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", Condition={"StringEquals": {"aws:SourceAccount": OTHER}})), by(f"{FOREIGN}, by way of logging.s3.amazonaws.com", CHANGE)),
    ("a service that logs for the account", open_to(let({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})), {}),
    ("CloudFront", open_to(let({"AWS": CLOUDFRONT}, "s3:GetObject")), by("identity", READ)),
    ("a canonical user", open_to(let({"CanonicalUser": "79a5"}, "s3:GetObject")), by("identity", READ)),
    ("a canonical user beside a foreign account", open_to(let({"CanonicalUser": "79a5", "AWS": OTHER}, "s3:GetObject")), by("identity", READ) | by(FOREIGN, READ)),
    ("one who was deleted", open_to(let({"AWS": "AROAEXAMPLE"}, "s3:GetObject")), {}),
    ("a service of AWS", open_to(let({"Service": "cloudtrail.amazonaws.com"}, "s3:PutObject")), {}),
    ("the account's own root", open_to(let({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})), {}),
    ("a role without policies", helpdesk(let({"AWS": HELPDESK})), by("role", *ON_FILES)),
    ("a role whose own policy names another bucket", helpdesk(let({"AWS": HELPDESK}), identity=(allow("s3:*", "arn:aws:s3:::other*"),)), by("role", *ON_FILES)),
    ("a role, by a session of it", helpdesk(let({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/Helpdesk/x"}, "s3:Get*")), by("role", READ)),
    ("a role, by a session of it beside another's", helpdesk(let({"AWS": [f"arn:aws:sts::{ACCOUNT}:assumed-role/Helpdesk/x", f"{HELPDESK}2"]}, "s3:Get*")), by("role", READ)),
    ("a federated user beside a role", helpdesk(let({"AWS": [FEDERATED, f"{HELPDESK}2"]}, "s3:GetObject"), kind="User", identity=(allow("sts:GetFederationToken"),)), by("user", READ)),
    ("a role, by its account alone", helpdesk(let({"AWS": ACCOUNT})), {}),
    ("another role", helpdesk(let({"AWS": HELPDESK + "2"})), {}),
    ("a role whose boundary lacks S3", helpdesk(let({"AWS": HELPDESK}), boundary=NO_S3), {}),
    ("a user whose boundary lacks S3", helpdesk(let({"AWS": USER}), kind="User", boundary=NO_S3), by("user", *ON_FILES)),
    (
        "a role that the bucket denies what its policy allows",
        helpdesk(deny("s3:*", [H, f"{H}/*"], Principal={"AWS": HELPDESK}), identity=(allow("s3:Get*"),)),
        {},
    ),
    (
        "a role that a restricted bucket does not except",
        lambda a: a.stack().fleet().bucket(policy=restricted(HOME, f"{HELPDESK}-admin")).allowed("Helpdesk", allow("s3:*")),
        by("role", UNPROTECT),  # the account's block, and access points
    ),
    (
        "a role that a restricted bucket excepts",
        lambda a: a.stack().fleet().bucket(policy=restricted(HOME, HELPDESK)).allowed("Helpdesk", allow("s3:*Object")),
        by("role", READ, CHANGE),
    ),
)  # fmt: skip
def test_id_05_policies_of_buckets(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


SHOTS = "agent-screenshots"
WATCHED = {
    "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
    "ScreenResolution": "W_1280xH_720",
    "ScreenImageFormat": "PNG",
    "ScreenshotsUploadEnabled": True,
    "S3BucketArn": f"arn:aws:s3:::{SHOTS}",
}
OF_SHOTS = [f"arn:aws:s3:::{SHOTS}", f"arn:aws:s3:::{SHOTS}/*"]


def watched(*statements: dict[str, Any], identity: tuple[Any, ...] = ()) -> Given:
    """Agents' screenshots go to a bucket with this policy, and a role has policies of its own."""

    def given(account: Account) -> Account:
        policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
        account.stack(AgentAccessConfig=WATCHED).fleet().bucket(SHOTS, listed=False, policy=policy)
        return account.allowed("Helpdesk", *identity) if identity else account

    return given


@scenarios(
    ("nobody", watched(), {}),
    (
        "a foreign account",
        watched(allow("s3:GetObject", OF_SHOTS, Principal={"AWS": OTHER})),
        by(FOREIGN, READ),
    ),
    (
        "everybody, where the public is kept out",
        watched(allow("s3:ListBucket", OF_SHOTS, Principal="*")),
        by(OWN, LIST),
    ),
    ("a role", watched(identity=(allow(["s3:GetObject", "s3:PutObject"], OF_SHOTS),)), by("role", READ, CHANGE)),
    ("a role elsewhere", watched(identity=(allow("s3:*", "arn:aws:s3:::other/*"),)), {}),
    (
        "a role that the bucket denies it",
        watched(
            allow("*", OF_SHOTS, Effect="Deny", Principal="*"),
            identity=(allow("s3:GetObject", OF_SHOTS),),
        ),
        {},
    ),
)  # fmt: skip
def test_id_05_screenshots_of_agents_are_users_data(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


SOURCES = "app-sources"
OF_SOURCES = [f"arn:aws:s3:::{SOURCES}", f"arn:aws:s3:::{SOURCES}/*"]


def loading(
    *statements: dict[str, Any], identity: tuple[Any, ...] = (), ours: bool = True
) -> Given:
    """Elastic fleets load an application from a bucket with this policy."""

    def given(account: Account) -> Account:
        policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
        place = {"S3Bucket": SOURCES, "S3Key": "app.vhdx"}
        block = {"Name": "cad", "Arn": "arn:1", "SourceS3Location": place}
        account.stack().fleet().lists(DESCRIBE_APP_BLOCKS, block)
        account.bucket(SOURCES, listed=False, ours=ours, policy=policy)
        return account.allowed("Helpdesk", *identity) if identity else account

    return given


@scenarios(
    ("nobody", loading(), {}),
    ("a foreign account", loading(allow("s3:PutObject", OF_SOURCES, Principal={"AWS": OTHER})), by(FOREIGN, SESSIONS)),
    ("a foreign account that reads", loading(allow("s3:GetObject", OF_SOURCES, Principal={"AWS": OTHER})), {}),
    ("a role", loading(identity=(allow("s3:PutObject", OF_SOURCES),)), by("role", SESSIONS)),
    ("a role that reads", loading(identity=(allow("s3:Get*"),)), {}),
    (
        "a role that the bucket denies it",
        loading(allow("s3:Put*", OF_SOURCES, Effect="Deny", Principal="*"), identity=(allow("s3:*"),)),
        {},
    ),
    (
        "a role, in another account's bucket that admits nobody",
        loading(identity=(allow("s3:PutObject", OF_SOURCES),), ours=False),
        {},
    ),
    (
        "a role, in another account's bucket that admits it",
        loading(allow("s3:*", OF_SOURCES, Principal={"AWS": ACCOUNT}), identity=(allow("s3:PutObject", OF_SOURCES),), ours=False),
        by("role", SESSIONS),
    ),
)  # fmt: skip
def test_id_05_whoever_writes_sources_changes_what_runs(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


@scenarios(
    ("of which all was seen", lambda account: account, "pass"),
    ("whose policy was denied", lambda account: account.denies(GET_BUCKET_POLICY, REGION, Bucket=SOURCES), "not evidenced"),
    ("whose policy is none", lambda account: account.bucket(SOURCES, listed=False, policy="x"), "not evidenced"),
    ("of app blocks that were denied", lambda account: account.denies(DESCRIBE_APP_BLOCKS, REGION), "not evidenced"),
    ("of applications that were denied", lambda account: account.denies(DESCRIBE_APPLICATIONS, REGION), "not evidenced"),
    ("of fleets that were denied", lambda account: account.denies(DESCRIBE_FLEETS, REGION), "not evidenced"),
    ("that AWS left out", lambda account: account.lists(DESCRIBE_APP_BLOCKS, {"Name": "cad", "Arn": "arn:1"}), "not evidenced"),
)  # fmt: skip
def test_id_05_rests_on_the_policies_of_sources(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(loading()(account))
    (others,) = (
        one for one in findings(account, "ID-05") if one.resource == f"everybody else: {SESSIONS}"
    )
    assert others.status == expected[0]


@scenarios(
    ("of which all was seen", lambda account: account, "pass"),
    ("whose policy was denied", lambda account: account.denies(GET_BUCKET_POLICY, REGION, Bucket=SOURCES), "not evidenced"),
    ("of app blocks that were denied", lambda account: account.denies(DESCRIBE_APP_BLOCKS, REGION), "not evidenced"),
)  # fmt: skip
def test_id_07_rests_on_the_policies_of_sources(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(loading(identity=(allow("logs:PutLogEvents"),))(account))
    account.fleet("tools", IamRoleArn=HELPDESK, DisableIMDSV1=True)
    (found,) = (one for one in findings(account, "ID-07") if "disabled: yes" in one.observed)
    assert found.status == expected[0]


def test_id_07_the_instances_role_may_write_no_sources(account: Account) -> None:
    loading(identity=(allow("s3:PutObject", OF_SOURCES),))(account)
    account.fleet("tools", IamRoleArn=HELPDESK, DisableIMDSV1=True)
    (found,) = (one for one in findings(account, "ID-07") if SESSIONS in one.observed)
    assert found.status == "fail"


def test_id_05_rests_on_the_policies_of_agents_buckets(account: Account) -> None:
    watched()(account).denies(GET_BUCKET_POLICY, REGION, Bucket=SHOTS)
    assert {one.status for one in findings(account, "ID-05") if READ in one.resource} == {
        "not evidenced"
    }


def test_id_05_accounts_of_the_organisation_may(tmp_path: Path) -> None:
    account = Account(tmp_path, organisation_accounts=[OTHER])
    open_to(let({"AWS": OTHER}, "s3:GetObject"), let({"AWS": "8" * 12}, "s3:GetObject"))(account)
    assert statuses_of(account) == by(FOREIGN, READ, status="pass") | by(
        f"account {'8' * 12}", READ
    )


def test_id_05_the_owner_is_no_foreign_canonical_user(account: Account) -> None:
    open_to(let({"CanonicalUser": "79a5"}, "s3:GetObject"))(account)
    buckets = [{"Name": HOME, "BucketRegion": REGION}]
    account.answers(LIST_BUCKETS, {"Buckets": buckets, "Owner": {"ID": "79a5"}})
    assert statuses_of(account) == {}


@pytest.mark.parametrize("statements", [(), (allow("s3:*"),)], ids=["no policy", "S3"])
def test_id_05_a_bucket_policy_that_nobody_read(account: Account, statements: Any) -> None:
    used(account).denies(GET_BUCKET_POLICY, REGION, Bucket=HOME).allowed("worker", *statements)
    said: dict[str, set[str]] = {}
    for one in findings(account, "ID-05"):
        who, _, what = one.resource.partition(": ")
        if what in (READ, LIST, CHANGE):
            said.setdefault(who.partition("-")[0], set()).add(one.status)
    unknown = {"everybody else": {"not evidenced"}}
    assert said == (unknown | {"role": {"not evidenced"}} if statements else unknown)


TAGGED = {"StringEquals": {"aws:PrincipalTag/a": "b"}}


@pytest.mark.parametrize(
    ("declared", "expected"), [([], "not evidenced"), ([OTHER], "pass")], ids=["foreign", "ours"]
)
@pytest.mark.parametrize("condition", [{}, {"Condition": TAGGED}], ids=["surely", "perhaps"])
@pytest.mark.parametrize("unseen", ["bucket's", "role's", "both"])
def test_id_05_what_hides_a_roles_rights_hides_them_for_whom_it_trusts(
    tmp_path: Path, declared: list[str], expected: str, condition: dict[str, Any], unseen: str
) -> None:
    account = used(Account(tmp_path, organisation_accounts=declared))
    if unseen != "role's":
        account.denies(GET_BUCKET_POLICY, REGION, Bucket=HOME)
    account.allowed(
        "worker",
        allow("s3:GetObject"),
        attached=() if unseen == "bucket's" else ("arn:aws:iam::aws:policy/Unknown",),
        trusts=trust({"AWS": OTHER}, **condition),
    )
    said = statuses_of(account)
    assert (said[f"role: {READ}"], said[f"{FOREIGN}: {READ}"]) == ("not evidenced", expected)


def test_id_05_whom_a_role_trusts_may_have_rights_that_nobody_saw(account: Account) -> None:
    policy = ("arn:aws:iam::aws:policy/Unknown",)
    used(account).allowed("worker", attached=policy, trusts=trust({"AWS": OTHER}))
    hidden = dict.fromkeys(ALL, "not evidenced")
    said = statuses_of(account)
    assert {name: said[f"{FOREIGN}: {name}"] for name in ALL} == hidden


def test_id_05_a_right_that_was_seen_decides_beside_one_that_was_not(account: Account) -> None:
    used(account).allowed("seen", allow("s3:GetObject"), trusts=trust({"AWS": OTHER}))
    policy = ("arn:aws:iam::aws:policy/Unknown",)
    account.allowed("worker", allow("s3:*"), attached=policy, trusts=trust({"AWS": OTHER}))
    said = statuses_of(account)
    assert said[f"{FOREIGN}: {READ}"] == "fail"
    assert said[f"{FOREIGN}: {CHANGE}"] == "not evidenced"


def test_id_05_says_by_which_policy_and_what_was_not_requested(account: Account) -> None:
    helpdesk(let({"AWS": HELPDESK}, "s3:GetObject"))(account)
    (one,) = [f for f in findings(account, "ID-05") if f.resource.startswith("role-")]
    assert f"By: the policy of {HOME}" in one.observed
    assert "Not evaluated: service and resource control policies" in one.observed


# --- access points of buckets ---------------------------------------------------------------------

POINT = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports"
BY_ACCOUNT = {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}
DELEGATED = let("*", "*", Condition=BY_ACCOUNT)
PUBLIC = "anybody, without signing in"


def at(principal: Any, actions: Any = "s3:GetObject", **members: Any) -> dict[str, Any]:
    """A statement of the access point's policy."""
    return allow(actions, [POINT, f"{POINT}/object/*"], Principal=principal, **members)


def pointed(
    *statements: dict[str, Any],
    bucket: tuple[Any, ...] = (DELEGATED,),
    vpc: str = "",
    identity: tuple[Any, ...] = (),
    restrict: bool = False,
) -> Given:
    """A bucket with an access point, and a role that may have rights of its own."""

    def given(account: Account) -> None:
        open_to(*bucket, restrict=restrict)(account)
        policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
        account.access_point(policy=policy, vpc=vpc)
        account.allowed("Helpdesk", *identity)

    return given


def on_point(actions: Any = "s3:GetObject", **members: Any) -> dict[str, Any]:
    return allow(actions, [POINT, f"{POINT}/object/*"], **members)


def by_points(value: Any, operator: str = "StringEquals", key: str = "Account") -> Any:
    """A statement of the bucket's policy on requests that come by some access points."""
    return let("*", "s3:GetObject", Condition={operator: {f"s3:DataAccessPoint{key}": value}})


@scenarios(
    ("a role of the account", pointed(at({"AWS": HELPDESK})), by("role", READ)),
    ("a role that lists and erases", pointed(at({"AWS": HELPDESK}, ["s3:ListBucket", "s3:DeleteObject"])), by("role", LIST, CHANGE)),
    ("a role that may do anything, of which the bucket's protection is no part", pointed(at({"AWS": HELPDESK}, "s3:*")), by("role", READ, LIST, CHANGE)),
    ("another role, which there is not", pointed(at({"AWS": f"{HELPDESK}-2"})), {}),
    ("the account's own root", pointed(at({"AWS": ACCOUNT})), {}),
    ("no policy", pointed(), {}),
    ("tags alone", pointed(at({"AWS": HELPDESK}, "s3:GetObjectTagging")), {}),
    ("a role, where the bucket leaves nothing to access points", pointed(at({"AWS": HELPDESK}), bucket=()), {}),
    ("a role, where the bucket leaves it to another access point", pointed(at({"AWS": HELPDESK}), bucket=(by_points(f"{POINT}-2", key="Arn"),)), {}),
    ("a role, where the bucket leaves it to this one", pointed(at({"AWS": HELPDESK}), bucket=(by_points(POINT, key="Arn"),)), by("role", READ)),
    ("a role, where the bucket leaves reading alone", pointed(at({"AWS": HELPDESK}, "s3:*"), bucket=(by_points(ACCOUNT),)), by("role", READ)),
    ("a role that the access point denies", pointed(at({"AWS": HELPDESK}), at("*", "s3:*", Effect="Deny")), {}),
    ("a role that the bucket denies", pointed(at({"AWS": HELPDESK}), bucket=(DELEGATED, deny("s3:*", [H, f"{H}/*"], Principal={"AWS": HELPDESK}))), {}),
    ("everybody, restricted", pointed(at("*"), restrict=True), by(OWN, READ)),
    ("a foreign account", pointed(at({"AWS": OTHER})), by(FOREIGN, READ)),
    ("a foreign account, where the bucket leaves nothing to access points", pointed(at({"AWS": OTHER}), bucket=()), {}),
    ("a role from one VPC", pointed(at({"AWS": HELPDESK}), vpc="vpc-1"), by("role", READ, status="pass")),
    ("a foreign account from one VPC", pointed(at({"AWS": OTHER}), vpc="vpc-1"), by(FOREIGN, READ, status="not evidenced")),
    ("everybody from one VPC, where public policies are restricted", pointed(at("*"), vpc="vpc-1", restrict=True), by("any AWS account", READ, status="not evidenced") | by(PUBLIC, READ, status="not evidenced") | by(OWN, READ, status="pass")),
    ("a role by the internet, where the bucket wants a VPC", pointed(at({"AWS": HELPDESK}), bucket=(let("*", "s3:*", Condition={"StringEquals": {"s3:AccessPointNetworkOrigin": "VPC", "s3:DataAccessPointAccount": ACCOUNT}}),)), {}),
    ("a role from one VPC, where the bucket wants one", pointed(at({"AWS": HELPDESK}), vpc="vpc-1", bucket=(let("*", "s3:*", Condition={"StringEquals": {"s3:AccessPointNetworkOrigin": "VPC", "s3:DataAccessPointAccount": ACCOUNT}}),)), by("role", READ, status="pass")),
    ("access points in VPCs, anybody's", open_to(let("*", "s3:GetObject", Condition={"StringEquals": {"s3:AccessPointNetworkOrigin": "VPC"}})), by("any AWS account", READ) | by(PUBLIC, READ)),
    ("a role's own policy, on the access point and the bucket behind it", pointed(identity=(on_point(), allow("s3:GetObject", f"{H}/*", Condition=BY_ACCOUNT)), bucket=()), by("role", READ)),
    ("a role's own policy, on the access point alone", pointed(identity=(on_point(),), bucket=()), {}),
    ("a role's own policy, on the access point of a bucket that leaves it to them", pointed(identity=(on_point(),)), by("role", READ)),
    ("a role's own policy, on the bucket by access points alone", pointed(identity=(allow("s3:GetObject", f"{H}/*", Condition=BY_ACCOUNT),), bucket=()), {}),
    ("a role's own policy, and the access point denies", pointed(at("*", "s3:*", Effect="Deny"), identity=(on_point(),)), {}),
    ("what nobody comes to directly", pointed(at({"AWS": HELPDESK}), bucket=(let({"AWS": HELPDESK}), deny("s3:*", [H, f"{H}/*"], Principal="*", Condition={"StringNotEquals": {"s3:DataAccessPointAccount": ACCOUNT}}))), by("role", READ)),
    ("a foreign account's access points", open_to(by_points(OTHER)), by(FOREIGN, READ)),
    ("a foreign account's access points, by their ARN", open_to(by_points(f"arn:aws:s3:{REGION}:{OTHER}:accesspoint/x", key="Arn")), by(FOREIGN, READ)),
    ("a foreign account's access points, by a pattern", open_to(by_points(f"arn:aws:s3:*:{OTHER}:accesspoint/*", "ArnLike", "Arn")), by(FOREIGN, READ)),
    ("two accounts' access points", open_to(by_points([ACCOUNT, OTHER])), by(FOREIGN, READ)),
    ("the account's access points, by a pattern", open_to(by_points(f"arn:aws:s3:*:{ACCOUNT}:accesspoint/*", "StringLike", "Arn")), {}),
    ("anybody's access points", open_to(by_points("*", "StringLike")), by("any AWS account", READ) | by(PUBLIC, READ)),
    ("anybody's access points, by a pattern", open_to(by_points("arn:aws:s3:*:*:accesspoint/*", "StringLike", "Arn")), by("any AWS account", READ) | by(PUBLIC, READ)),
    ("access points of all but one account", open_to(by_points(ACCOUNT, "StringNotEqualsIfExists")), by(OWN, READ) | by("any AWS account", READ) | by(PUBLIC, READ)),
)  # fmt: skip
def test_id_05_access_points(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


def everybody_else(account: Account) -> dict[str, str]:
    label = "everybody else: "
    return {
        one.resource.removeprefix(label): one.operation or one.status
        for one in findings(account, "ID-05")
        if one.resource.startswith(label)
        and one.resource.removeprefix(label) in (READ, LIST, CHANGE)
    }


UNREAD = {
    "the list": (LIST_ACCESS_POINTS, {}),
    "a policy": (GET_ACCESS_POINT_POLICY, {"Name": "reports"}),
}
NOBODY = dict.fromkeys((READ, LIST, CHANGE), "pass")


@pytest.mark.parametrize("unread", UNREAD)
def test_id_05_access_points_that_nobody_read(account: Account, unread: str) -> None:
    call, requested = UNREAD[unread]
    pointed(at({"AWS": HELPDESK}))(account)
    account.denies(call, REGION, **requested)
    assert everybody_else(account) == dict.fromkeys(NOBODY, call.name)
    assert statuses_of(account) == {}


@pytest.mark.parametrize(
    "bucket",
    [
        (),
        (deny("s3:*", [H, f"{H}/*"], Principal={"AWS": OTHER}),),
        (let({"AWS": OTHER}, "s3:GetBucketLocation"),),
    ],
    ids=["no statement", "a denial", "another action"],
)
@pytest.mark.parametrize("unread", UNREAD)
def test_id_05_access_points_unread_decide_nothing_where_no_policy_leaves_it_to_them(
    account: Account, unread: str, bucket: tuple[Any, ...]
) -> None:
    call, requested = UNREAD[unread]
    pointed(at({"AWS": HELPDESK}), bucket=bucket)(account)
    account.denies(call, REGION, **requested)
    assert everybody_else(account) == NOBODY


@pytest.mark.parametrize("unread", UNREAD)
def test_id_05_access_points_unread_may_admit_where_a_policy_admits_others(
    account: Account, unread: str
) -> None:
    call, requested = UNREAD[unread]
    pointed(at({"AWS": HELPDESK}), bucket=(let({"AWS": OTHER}, "s3:GetObject"),))(account)
    account.denies(call, REGION, **requested)
    assert everybody_else(account) == dict.fromkeys(NOBODY, call.name)


@pytest.mark.parametrize("unread", UNREAD)
def test_id_05_a_role_has_rights_by_access_points_that_nobody_read(
    account: Account, unread: str
) -> None:
    call, requested = UNREAD[unread]
    pointed(identity=(on_point(),))(account)
    account.denies(call, REGION, **requested)
    assert statuses_of(account) == by("role", READ, status="not evidenced")


def test_id_05_an_access_point_of_which_aws_leaves_the_arn_out(account: Account) -> None:
    pointed(at({"AWS": HELPDESK}))(account)
    listed = {"Name": "reports", "Bucket": HOME, "NetworkOrigin": "Internet"}
    account.answers(LIST_ACCESS_POINTS, {"AccessPointList": [listed]}, REGION)
    assert everybody_else(account) == dict.fromkeys(NOBODY, LIST_ACCESS_POINTS.name)


def test_id_05_names_the_access_point_and_cites_its_policy(account: Account) -> None:
    pointed(at({"AWS": HELPDESK}))(account)
    (one,) = [f for f in findings(account, "ID-05") if f.resource.startswith("role-")]
    assert "By: the policy of access-point-" in one.observed
    calls = {request.id: request.call for request in account.answered().requests}
    cited = {calls.get(ref.partition("#")[0]) for ref in one.evidence}
    assert {LIST_ACCESS_POINTS.name, GET_ACCESS_POINT_POLICY.name} <= cited


@scenarios(
    ("the instances' role", pointed(at({"AWS": HELPDESK})), {READ}),
    ("the instances' role, where the bucket leaves it to nobody", pointed(at({"AWS": HELPDESK}), bucket=()), set()),
    ("another role", pointed(at({"AWS": f"{HELPDESK}-2"})), set()),
    ("everybody in the account", pointed(at("*"), restrict=True), {READ}),
)  # fmt: skip
def test_id_07_access_points(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    account.fleet("taken", IamRoleArn=HELPDESK, DisableIMDSV1=True)
    statuses_of = findings(account, "ID-07")
    # The other fleet lets IMDSv1 be used.
    assert sorted(one.status for one in statuses_of) == ["fail", "fail" if expected[0] else "pass"]
    assert all(any(name in one.observed for one in statuses_of) for name in expected[0])


ROOT = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


def trusting(trusts: Any, *held: dict[str, Any]) -> Given:
    return lambda a: used(a).allowed("reader", *held, trusts=trusts)


BOTH = by("role", READ) | by(FOREIGN, READ)
READS = allow("s3:GetObject")


@scenarios(
    ("a foreign account", trusting(trust({"AWS": OTHER}), READS), BOTH),
    (
        "a user of a foreign account",
        trusting(trust({"AWS": f"arn:aws:iam::{OTHER}:user/x"}), READS),
        BOTH,
    ),
    (
        "a session of a foreign account's role",
        trusting(trust({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/A/x"}), READS),
        BOTH,
    ),
    (
        "a foreign account with its external id",
        trusting(trust({"AWS": OTHER}, Condition={"StringEquals": {"sts:ExternalId": "1"}}), READS),
        BOTH,
    ),
    ("everybody", trusting(trust("*"), READS), by("role", READ) | by("any AWS account", READ)),
    (
        "an organisation",
        trusting(trust("*", Condition=ORGANISATION), READS),
        by("role", READ) | by(ANY_MEMBER, READ),
    ),
    (
        "a foreign account's federated user",
        trusting(trust({"AWS": f"arn:aws:sts::{OTHER}:federated-user/x"}), READS),
        BOTH,
    ),
    (
        "a foreign account, and it holds nothing",
        trusting(trust({"AWS": OTHER}), allow("ec2:*")),
        {},
    ),
    ("the account", trusting(ROOT, READS), by("role", READ)),
    ("a service", trusting(trust({"Service": "ec2.amazonaws.com"}), READS), by("role", READ)),
    (
        "an identity provider, by what it does not do",
        trusting(trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"}), READS),
        by("role", READ),
    ),
)
def test_id_05_foreign_accounts_that_roles_trust(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


def on(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


NARROWED = by("role", READ) | by(FOREIGN, READ, status="not evidenced")
SOURCE_IP = on("IpAddress", "aws:SourceIp", "192.0.2.0/24")
TAGGED = on("StringEquals", "aws:PrincipalTag/a", "b")


@scenarios(
    ("a foreign account in an organisation", trusting(trust({"AWS": OTHER}, Condition=ORGANISATION), READS), NARROWED),
    ("a foreign account from one network", trusting(trust({"AWS": OTHER}, **SOURCE_IP), READS), NARROWED),
    ("a foreign account from any network", trusting(trust({"AWS": OTHER}, **on("IpAddress", "aws:SourceIp", ["0.0.0.0/0", "::/0"])), READS), BOTH),
    ("a foreign account through a VPC endpoint", trusting(trust({"AWS": OTHER}, **on("StringEquals", "aws:SourceVpce", "vpce-1")), READS), NARROWED),
    ("a foreign account's tagged principals", trusting(trust({"AWS": OTHER}, **TAGGED), READS), NARROWED),
    ("a foreign account's unique id", trusting(trust({"AWS": OTHER}, **on("StringLike", "aws:userId", "*:jane")), READS), NARROWED),
    ("a foreign account's source identity", trusting(trust({"AWS": OTHER}, **on("StringEquals", "sts:SourceIdentity", "jane")), READS), NARROWED),
    ("a foreign account, with MFA", trusting(trust({"AWS": OTHER}, **on("Bool", "aws:MultiFactorAuthPresent", "true")), READS), BOTH),
    ("everybody from one network", trusting(trust("*", **SOURCE_IP), READS), by("role", READ) | by("any AWS account", READ, status="not evidenced")),
    ("everybody of this account", trusting(trust("*", **on("StringEquals", "aws:PrincipalAccount", ACCOUNT)), READS), by("role", READ)),
    ("a foreign account that is another", trusting(trust({"AWS": OTHER}, **on("StringEquals", "aws:PrincipalAccount", ACCOUNT)), READS), by("role", READ)),
)  # fmt: skip
def test_id_05_foreign_accounts_that_roles_trust_on_a_condition(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


@scenarios(
    ("a foreign account", {}, "fail"),
    ("a foreign account from one network", SOURCE_IP, "not evidenced"),
    (
        "a foreign account that is another",
        on("StringEquals", "aws:PrincipalAccount", ACCOUNT),
        None,
    ),
)
def test_id_08_foreign_accounts_that_roles_trust_on_a_condition(
    account: Account, given: Any, expected: list[Any]
) -> None:
    trusting(trust({"AWS": OTHER}, **given), allow("appstream:CreateStreamingURL"))(account)
    assert statuses_of(account, "ID-08").get(f"{FOREIGN}: {MINT}") == expected[0]


# --- roles by way of roles ------------------------------------------------------------------------


def through(trusts_a: Any, trusts_b: Any, *held: dict[str, Any]) -> Given:
    """Role B reads users' files; role A holds what is given."""
    return lambda a: (
        used(a).allowed("B", READS, trusts=trusts_b).allowed("A", *held, trusts=trusts_a)
    )


A_ROLE, B_ROLE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in "AB")
A_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/A/x"
TAKES_B = allow("sts:AssumeRole", B_ROLE)
OUTSIDE, INSIDE = trust({"AWS": OTHER}), trust({"AWS": ACCOUNT})


@scenarios(
    ("a step for all", through(OUTSIDE, INSIDE, TAKES_B), "fail", "fail"),
    ("the second step, where its trust is narrowed", through(OUTSIDE, trust({"AWS": ACCOUNT}, **TAGGED), TAKES_B), "pass", "not evidenced"),
    ("the second step, where its right is narrowed", through(OUTSIDE, INSIDE, TAKES_B | SOURCE_IP), "pass", "not evidenced"),
    ("the second step, where the role's right is narrowed", lambda a: used(a).allowed("B", READS | SOURCE_IP, trusts=INSIDE).allowed("A", TAKES_B, trusts=OUTSIDE), "pass", "not evidenced"),
    ("the first step is narrowed", through(trust({"AWS": OTHER}, **SOURCE_IP), INSIDE, TAKES_B), "fail", "not evidenced"),
    ("the second step is denied", through(OUTSIDE, INSIDE, TAKES_B, deny("sts:AssumeRole", B_ROLE)), None, None),
    ("a session of the role", through(INSIDE, trust({"AWS": A_SESSION})), "fail", None),
    ("a session of the role, on a condition", through(INSIDE, trust({"AWS": A_SESSION}, **SOURCE_IP)), "pass", None),
    ("a session of another role", through(INSIDE, trust({"AWS": A_SESSION.replace("role/A", "role/AA")})), None, None),
    ("a session of another account's role", through(INSIDE, trust({"AWS": A_SESSION.replace(ACCOUNT, OTHER)})), None, None),
)  # fmt: skip
def test_id_05_roles_that_lead_to_roles(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    statuses = [statuses_of(account).get(f"{who}: {GIVE}") for who in ("role", FOREIGN)]
    assert statuses == expected


# --- who signs in to a role by an identity provider -----------------------------------------------

SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
GITHUB = "token.actions.githubusercontent.com"
COGNITO = "cognito-identity.amazonaws.com"
EKS = f"oidc.eks.{REGION}.amazonaws.com/id/0A1B"
PROVIDER = "identity-provider"


def signed_in(host: str, **conditions: Any) -> Given:
    """A role that reads users' files, for the identities of an OIDC provider."""
    known = host in (COGNITO, "accounts.google.com")
    provider = host if known else f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    members = {"Condition": conditions} if conditions else {}
    trusts = trust({"Federated": provider}, Action="sts:AssumeRoleWithWebIdentity", **members)
    return trusting(trusts, READS)


def github(effect: str, **condition: Any) -> dict[str, Any]:
    """A statement about the identities of GitHub."""
    return {
        "Effect": effect,
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        **({"Condition": condition} if condition else {}),
    }


def but_to(principal: Any, **members: Any) -> dict[str, Any]:
    """A trust policy that lets everybody but a principal assume a role."""
    policy = trust(None, NotPrincipal=principal, **members)
    policy["Statement"] = [
        {k: v for k, v in s.items() if v is not None} for s in policy["Statement"]
    ]
    return policy


def by_saml(*held: Any, **members: Any) -> Given:
    return trusting(
        trust({"Federated": SAML}, **{"Action": "sts:AssumeRoleWithSAML"} | members), *held
    )


AUD = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
ROLE = by("role", READ)
SINGLED_OUT = ROLE | by(PROVIDER, READ, status="pass")
BY_SAML = ROLE | by("SAML-provider", READ, status="pass")
MAPPED = ROLE | by("SAML-provider", READ, status="not evidenced")
ANYBODY = ROLE | by(PROVIDER, READ)
PERHAPS = ROLE | by(PROVIDER, READ, status="not evidenced")
CUSTOMERS = {  # the issuers of single customers, with patterns of all and of some identities
    f"{GITHUB}/acme": ("repo:*:ref:refs/heads/main", "repo:acme/*"),
    "oidc.circleci.com/org/o1": ("org/o1/*", "org/o1/project/p1/*"),
    "oidc.vercel.com/acme": ("owner:acme:*", "owner:acme:project:p:*"),
}


@scenarios(
    ("SAML", by_saml(READS, Condition=AUD), MAPPED),
    ("SAML without a condition", by_saml(READS), MAPPED),
    ("SAML with tags of the session", by_saml(READS, Condition=AUD, Action=["sts:AssumeRoleWithSAML", "sts:TagSession"]), MAPPED),
    ("tags of a session without one", by_saml(READS, Condition=AUD, Action="sts:TagSession"), ROLE),
    *(
        (f"SAML, by what everybody has: {operator} {key}", by_saml(READS, **on(operator, key, value)), MAPPED)
        for operator, key, value in (
            ("StringEquals", "SAML:aud", ["https://eu-west-1.signin.aws.amazon.com/saml"]),
            ("StringEqualsIgnoreCase", "saml:AUD", "https://signin.aws.amazon.com/SAML"),
            ("StringLike", "SAML:aud", "https://*.signin.aws.amazon.com/saml"),
            ("StringEquals", "SAML:iss", "https://idp.example.com/saml"),
            ("StringEquals", "SAML:sub_type", "persistent"),
            ("StringNotEquals", "SAML:sub_type", "transient"),
            ("StringEquals", "SAML:namequalifier", "8Jf0"),
            ("StringEquals", "SAML:doc", f"{ACCOUNT}/idp"),
            ("StringLike", "SAML:sub", "*"),
            ("StringLike", "sts:RoleSessionName", "*"),
            ("Null", "SAML:edupersonaffiliation", "false"),
            ("StringNotEquals", "SAML:sub", "jane"),
        )
    ),
    *(
        (f"SAML, by what some have: {operator} {key}", by_saml(READS, **on(operator, key, value)), BY_SAML)
        for operator, key, value in (
            ("StringEquals", "SAML:sub", "jane"),
            ("StringLike", "SAML:sub", "adm-*"),
            ("ForAnyValue:StringEquals", "SAML:edupersonaffiliation", "staff"),
            ("StringEquals", "aws:RequestTag/team", "streaming"),
            ("StringEquals", "sts:RoleSessionName", "jane"),
            ("StringEquals", "sts:SourceIdentity", "jane"),
            ("IpAddress", "aws:SourceIp", "192.0.2.0/24"),
        )
    ),
    ("SAML, by what everybody has and what some have", by_saml(READS, Condition={"StringEquals": AUD["StringEquals"] | {"SAML:sub": "jane"}}), BY_SAML),
    ("SAML, of another provider", by_saml(READS, **on("StringEquals", "SAML:doc", f"{ACCOUNT}/other")), ROLE),
    ("SAML, to read as the person", by_saml(READS | on("StringEquals", "saml:sub", "jane"), Condition=AUD), by("role", READ, status="pass") | by("SAML-provider", READ, status="pass")),
    ("SAML, to read with any lasting subject", by_saml(READS | on("StringEquals", "saml:sub_type", "persistent"), Condition=AUD), MAPPED),
    ("SAML, for a role without rights", by_saml(allow("ec2:*")), {}),
    ("SAML, denied", by_saml(READS, Effect="Deny"), ROLE),
    ("SAML, by an action that is not SAML's", by_saml(READS, Action="sts:AssumeRole"), ROLE),
    ("everybody but an account", trusting(but_to({"AWS": OTHER}), READS), ROLE | by("any AWS account", READ)),
    ("every provider but GitHub's", trusting(but_to({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}, Action="sts:AssumeRoleWithWebIdentity"), READS), ANYBODY),
    ("every provider, beside a service", trusting(trust({"AWS": "*", "Service": "lambda.amazonaws.com"}, Action="sts:AssumeRoleWithWebIdentity"), READS), ANYBODY),
    ("every provider but GitHub's, beside a service in a statement of its own", trusting({"Version": "2012-10-17", "Statement": [s for policy in (but_to({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}, Action="sts:AssumeRoleWithWebIdentity"), trust({"Service": "lambda.amazonaws.com"})) for s in policy["Statement"]]}, READS), ANYBODY),
    ("every provider", trusting(trust("*", Action="sts:AssumeRoleWithWebIdentity"), READS), ANYBODY),
    ("every provider but Google, for one application", trusting(but_to({"Federated": "accounts.google.com"}, Action="sts:AssumeRoleWithWebIdentity", Condition={"StringEquals": {"www.amazon.com:app_id": "x"}}), READS), SINGLED_OUT),
    ("nobody by a provider, of everybody", trusting(trust("*", Action="sts:TagSession"), READS), ROLE),
    ("one repository of GitHub's", signed_in(GITHUB, StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:a/b:ref:refs/heads/main"}), SINGLED_OUT),
    ("an organisation of GitHub's", signed_in(GITHUB, StringLike={f"{GITHUB}:sub": "repo:a/*"}), SINGLED_OUT),
    ("anybody at GitHub", signed_in(GITHUB), ANYBODY),
    ("anybody at GitHub who asks for AWS", signed_in(GITHUB, StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"}), ANYBODY),
    ("any repository of GitHub's", signed_in(GITHUB, StringLike={f"{GITHUB}:sub": "repo:*"}), ANYBODY),
    ("anything at GitHub", signed_in(GITHUB, StringLike={f"{GITHUB}:sub": "*"}), ANYBODY),
    ("all but one repository of GitHub's", signed_in(GITHUB, StringNotEquals={f"{GITHUB}:sub": "repo:a/b:x"}), ANYBODY),
    *(
        (f"patterns of GitHub's that anybody can match: {pattern}", signed_in(GITHUB, StringLike={f"{GITHUB}:sub": pattern}), ANYBODY)
        for pattern in (
            "repo:*:ref:refs/heads/main", "repo:*/infra:*", "*:environment:prod", "repo:*/*:pull_request", "repo:octo*",
            "repo:octo-*/app:*", "*main", "repo:oct?/app:*", ["repo:a/b:*", "repo:*/infra:*"],
        )
    ),
    *(
        (f"patterns of owners at GitHub: {pattern}", signed_in(GITHUB, StringLike={f"{GITHUB}:sub": pattern}), SINGLED_OUT)
        for pattern in ("repo:octo/*", "repo:octo/app*", "repo:octo/app:*", ["repo:a/*", "repo:b/*:pull_request"], "repository_owner_id:65:*")
    ),
    ("a pattern of anybody's and one of an owner's", signed_in(GITHUB, **{"StringLike": {f"{GITHUB}:sub": "*:environment:prod"}, "ForAnyValue:StringLike": {f"{GITHUB}:sub": "repo:a/*"}}), SINGLED_OUT),
    ("anybody at GitHub, from one network", signed_in(GITHUB, IpAddress={"aws:SourceIp": "192.0.2.0/24"}), PERHAPS),
    ("anybody at GitHub, but from one network", signed_in(GITHUB, NotIpAddress={"aws:SourceIp": "192.0.2.0/24"}), ANYBODY),
    ("anybody at GitHub, but with one tag", signed_in(GITHUB, StringNotEquals={"aws:PrincipalTag/team": "guests"}), ANYBODY),
    ("anybody at GitHub, through a VPC endpoint", signed_in(GITHUB, StringEquals={"aws:SourceVpce": "vpce-1"}), PERHAPS),
    ("anybody at GitHub, by a session's name", signed_in(GITHUB, StringEquals={"sts:RoleSessionName": "x"}), ANYBODY),
    ("an owner at GitHub, from one network", signed_in(GITHUB, IpAddress={"aws:SourceIp": "192.0.2.0/24"}, StringLike={f"{GITHUB}:sub": "repo:a/*"}), SINGLED_OUT),
    ("an owner at GitHub, by a claim of its own", signed_in(GITHUB, StringEquals={f"{GITHUB}:repository_owner_id": "65"}), SINGLED_OUT),
    ("an owner at GitHub, by a repository", signed_in(GITHUB, StringEquals={f"{GITHUB}:repository": "a/b", f"{GITHUB}:environment": "prod"}), SINGLED_OUT),
    ("an owner at GitHub, by a subject of the repository's making", signed_in(GITHUB, StringEquals={f"{GITHUB}:sub": "environment:prod:repository_owner:a"}), SINGLED_OUT),
    *(
        (f"what every account at GitHub may choose: {claim}", signed_in(GITHUB, **{operator: {f"{GITHUB}:{claim}": value}}), ANYBODY)
        for operator, claim, value in (
            ("StringEquals", "environment", "prod"),
            ("StringEqualsIgnoreCase", "environment", "Prod"),
            ("StringLike", "environment", "prod"),
            ("StringEquals", "ref", "refs/heads/main"),
            ("StringEquals", "workflow", "repo:a/b"),
            ("StringEquals", "sub", "environment:prod"),
            ("StringEquals", "sub", "environment:repository"),
            ("StringEquals", "sub", ["repo:a/b:environment:prod", "environment:prod"]),
        )
    ),
    ("whoever is not denied for another environment at GitHub", trusting({"Version": "2012-10-17", "Statement": [github("Allow"), github("Deny", StringNotEquals={f"{GITHUB}:environment": "prod"})]}, READS), ANYBODY),
    ("whoever is not denied for another repository at GitHub", trusting({"Version": "2012-10-17", "Statement": [github("Allow"), github("Deny", StringNotEquals={f"{GITHUB}:repository": "a/b"})]}, READS), SINGLED_OUT),
    ("a person at GitHub", signed_in(GITHUB, StringEquals={f"{GITHUB}:actor": "jo"}), PERHAPS),
    ("a person at GitHub, in a repository", signed_in(GITHUB, StringEquals={f"{GITHUB}:actor": "jo", f"{GITHUB}:repository": "a/b"}), SINGLED_OUT),
    ("an environment of a customer's issuer", signed_in(f"{GITHUB}/acme", StringEquals={f"{GITHUB}/acme:environment": "prod"}), SINGLED_OUT),
    ("any owner at GitHub, by a claim of a branch", signed_in(GITHUB, StringLike={f"{GITHUB}:ref": "refs/heads/*"}), ANYBODY),
    ("two patterns of anybody's", signed_in(GITHUB, **{"StringLike": {f"{GITHUB}:sub": "*:environment:prod"}, "ForAnyValue:StringLike": {f"{GITHUB}:sub": "repo:*/infra:*"}}), ANYBODY),
    ("stars in a text that is no pattern", signed_in(GITHUB, StringEquals={f"{GITHUB}:sub": "repo:*"}), SINGLED_OUT),
    *(
        (f"patterns that anybody can match: {host} {claim}", signed_in(host, StringLike={f"{host}:{claim}": pattern}), ANYBODY)
        for host, claim, pattern in (
            ("gitlab.com", "sub", "project_path:*"),
            ("gitlab.com", "sub", "project_path:*:ref_type:branch:ref:main"),
            ("app.terraform.io", "sub", "organization:*:project:p:workspace:w:run_phase:*"),
            ("agent.buildkite.com", "sub", "organization:*:pipeline:p:*"),
            ("oidc.vercel.com", "sub", "owner:*:project:p:environment:production"),
            ("accounts.google.com", "aud", "*.apps.googleusercontent.com"),
            ("accounts.google.com", "sub", "?*"),
        )
    ),
    *(
        (f"patterns of owners: {host} {claim}", signed_in(host, StringLike={f"{host}:{claim}": pattern}), SINGLED_OUT)
        for host, claim, pattern in (
            ("gitlab.com", "sub", "project_path:a/*:ref_type:branch:ref:main"),
            ("app.terraform.io", "sub", "organization:a:*"),
            ("agent.buildkite.com", "sub", "organization:a:pipeline:*"),
            ("oidc.vercel.com", "sub", "owner:a:*"),
            ("oidc.codefresh.io", "sub", "account:a:pipeline:*"),
            ("accounts.google.com", "aud", "123-*.apps.googleusercontent.com"),
            ("accounts.google.com", "sub", "1234"),
        )
    ),
    *((f"an issuer of a customer: {host}", signed_in(host), PERHAPS) for host in CUSTOMERS),
    *((f"an issuer of a customer, all identities: {host}", signed_in(host, StringLike={f"{host}:sub": wild}), PERHAPS) for host, (wild, _) in CUSTOMERS.items()),
    *((f"an issuer of a customer, singled out: {host}", signed_in(host, StringLike={f"{host}:sub": narrow}), SINGLED_OUT) for host, (_, narrow) in CUSTOMERS.items()),
    *((f"any account of a cluster: {pattern}", signed_in(EKS, StringLike={f"{EKS}:sub": pattern}), PERHAPS) for pattern in ("system:serviceaccount:*", "system:serviceaccount:*:*", "system:*", "sys*", "*")),
    ("one namespace of a cluster", signed_in(EKS, StringLike={f"{EKS}:sub": "system:serviceaccount:a:*"}), SINGLED_OUT),
    ("some identities of an issuer without a common form", signed_in("idp.example.com", StringLike={"idp.example.com:sub": "build-*"}), SINGLED_OUT),
    ("one account of a cluster", signed_in(EKS, StringEquals={f"{EKS}:sub": "system:serviceaccount:a:b"}), SINGLED_OUT),
    ("any account of a cluster", signed_in(EKS), PERHAPS),
    ("any account of a cluster that asks for AWS", signed_in(EKS, StringEquals={f"{EKS}:aud": "sts.amazonaws.com"}), PERHAPS),
    ("one pool's identities", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:aud": "pool"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}), SINGLED_OUT),
    ("one pool's identities, by a pattern", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:aud": "pool"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "auth*"}}), SINGLED_OUT),
    ("one pool's guests, by a pattern", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:aud": "pool"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "un*"}}), ANYBODY),
    ("one pool's guests but one", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:aud": "pool"}, "StringNotEquals": {f"{COGNITO}:sub": "eu-west-1:1"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "unauthenticated"}}), ANYBODY),
    ("one pool's guests", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:aud": "pool"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "unauthenticated"}}), ANYBODY),
    ("one pool's identities, and guests if it has any", signed_in(COGNITO, StringEquals={f"{COGNITO}:aud": "pool"}), PERHAPS),
    ("any pool's identities", signed_in(COGNITO), ANYBODY),
    *(
        (f"any pool's {how} identities", signed_in(COGNITO, **{"ForAnyValue:StringLike": {f"{COGNITO}:amr": how}}), ANYBODY)
        for how in ("authenticated", "unauthenticated")
    ),
    ("pools of a region", signed_in(COGNITO, **{"StringLike": {f"{COGNITO}:aud": "eu-west-1:*"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}), ANYBODY),
    ("an identity of any pool", signed_in(COGNITO, **{"StringEquals": {f"{COGNITO}:sub": "eu-west-1:1"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}), SINGLED_OUT),
    ("one application's users at Google", signed_in("accounts.google.com", StringEquals={"accounts.google.com:aud": "app"}), SINGLED_OUT),
    ("anybody at Google", signed_in("accounts.google.com"), ANYBODY),
)  # fmt: skip
def test_id_05_who_signs_in_by_a_provider(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


def test_id_05_what_a_provider_maps_to_a_role_is_not_narrowed_as_well(account: Account) -> None:
    by_saml(READS)(account)
    (finding,) = (f for f in findings(account, "ID-05") if f.resource.startswith("SAML-provider"))
    assert finding.observed.count("s3:GetObject") == 1


def test_id_05_shows_by_what_somebody_may_next_to_what_decides(account: Account) -> None:
    role(READS)(account)
    (finding,) = (f for f in findings(account, "ID-05") if f.status == "fail")
    titles = [part.partition(": ")[0].partition(" ")[0] for part in finding.observed.split("; ")]
    assert titles[:3] == ["Allowed", "Declared", "By"]


def test_id_05_a_declared_provider_may(tmp_path: Path) -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
    account = Account(tmp_path, administrators=[provider, f"arn:aws:iam::{ACCOUNT}:role/reader"])
    signed_in(GITHUB)(account)
    assert set(statuses_of(account).values()) == {"pass"}


@pytest.mark.parametrize(
    ("declared", "role", "provider"),
    [
        ((), "fail", "not evidenced"),
        (("role/reader",), "pass", "not evidenced"),
        (("role/reader", "saml-provider/other"), "pass", "not evidenced"),
        (("saml-provider/idp",), "fail", "pass"),
        (("role/reader", "saml-provider/idp"), "pass", "pass"),
    ],
)
def test_id_05_a_declared_role_covers_no_saml_provider(
    tmp_path: Path, declared: tuple[str, ...], role: str, provider: str
) -> None:
    """Whom the provider maps to the role is the provider's to decide."""
    account = Account(
        tmp_path, administrators=[f"arn:aws:iam::{ACCOUNT}:{name}" for name in declared]
    )
    by_saml(READS, Condition=AUD)(account)
    statuses = statuses_of(account)
    assert statuses == by("role", READ, status=role) | by("SAML-provider", READ, status=provider)
    [row] = [f for f in findings(account, "ID-05") if f.resource.startswith("SAML-provider")]
    if provider == "not evidenced":
        assert "the identity provider's mapping decides who may" in str(row)


# --- a role whose trust policy AWS leaves out ------------------------------------------------------


@scenarios(
    ("a role with rights", trusting(LEFT_OUT, READS), {READ, GIVE}),
    ("a role that nobody here may read", trusting(LEFT_OUT, allow("ec2:*")), set()),
    ("a role that trusts a service", trusting(None, READS), set()),
    ("a role that trusts nobody", trusting({"Version": "2012-10-17", "Statement": []}, READS), set()),
    ("a role whose trust policy is none", trusting({"Statement": "x"}, READS), {READ, GIVE}),
)  # fmt: skip
def test_id_05_a_trust_policy_that_nobody_saw(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    unseen = {
        one.resource.partition(": ")[2]
        for one in findings(account, "ID-05")
        if one.resource.startswith("everybody else") and one.status == "not evidenced"
    }
    assert unseen == expected[0]


@pytest.mark.parametrize("control", ["ID-06"])
@pytest.mark.parametrize(
    ("trusts", "status"),
    [
        (LEFT_OUT, "not evidenced"),
        ({"Version": "2012-10-17", "Statement": []}, "fail"),
        (trust({"Service": "appstream.amazonaws.com"}), "pass"),
        (trust({"Service": "ec2.amazonaws.com"}), "fail"),
    ],
)
def test_id_06_a_trust_policy_that_aws_leaves_out(
    account: Account, control: str, trusts: Any, status: str
) -> None:
    name = "AmazonAppStreamServiceAccess"
    own = f"arn:aws:iam::aws:policy/service-role/{name}"
    used(account).allowed(name, attached=(own,), trusts=trusts)
    assert {f.resource: f.status for f in findings(account, control)}[name] == status


# --- unique ids that nobody here has --------------------------------------------------------------


def of_id(value: Any, operator: str = "StringLike") -> dict[str, Any]:
    return let("*", "s3:GetObject", Condition={operator: {"aws:userId": value}})


UNKNOWN_ID = by("identity", READ, status="not evidenced")


@scenarios(
    ("a role", open_to(of_id("AROAEXAMPLE12345:*")), UNKNOWN_ID),
    ("a session of a role", open_to(of_id("AROAEXAMPLE12345:jane", "StringEquals")), UNKNOWN_ID),
    ("a user", open_to(of_id("AIDAEXAMPLE12345", "StringEquals")), UNKNOWN_ID),
    ("a role, denied", open_to(of_id("AROAEXAMPLE12345:*") | {"Effect": "Deny"}), {}),
    ("a role, of which another statement denies all", open_to(of_id("AROAEXAMPLE12345:*"), deny("s3:*", [H, f"{H}/*"], Principal="*")), {}),
    ("a role that a bucket denies all but", open_to(deny("s3:*", [H, f"{H}/*"], Principal="*", Condition={"StringNotLike": {"aws:userId": "AROAEXAMPLE12345:*"}})), {}),
    ("every role", open_to(of_id("AROA*")), by("any AWS account", READ) | by(OWN, READ)),
    ("a role that a role trusts", trusting(trust("*", Condition={"StringLike": {"aws:userId": "AROAEXAMPLE12345:*"}}), READS), ROLE | UNKNOWN_ID),
)  # fmt: skip
def test_id_05_unique_ids_that_nobody_here_has(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert statuses_of(account) == expected[0]


def test_id_05_unique_ids_of_the_account_are_its_roles(account: Account) -> None:
    open_to(of_id("AROAHELPDESK12345:*"))(account)
    role = {"Arn": HELPDESK, "RoleName": "Helpdesk", "RoleId": "AROAHELPDESK12345", "Path": "/"}
    role["AssumeRolePolicyDocument"] = json.dumps(ROOT)
    others = {key: [] for key in ("UserDetailList", "GroupDetailList", "Policies")}
    details = {"RoleDetailList": [role], "IsTruncated": False, **others}
    account.answers(GET_ACCOUNT_AUTHORIZATION_DETAILS, details)
    assert statuses_of(account) == ROLE


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        (["appstream:UpdateFleet", "appstream:UpdateImageBuilder"], "fail"),
        (["appstream:UpdateImageBuilder"], "not evidenced"),
    ],
)
def test_id_05_what_is_hidden_beside_an_open_right_hides_nothing(
    account: Account, actions: list[str], status: str
) -> None:
    trusting(trust({"AWS": OTHER}), allow(actions))(account)
    account.denies(DESCRIBE_IMAGE_BUILDERS)
    held = statuses_of(account)
    assert {held[f"{who}: {SESSIONS}"] for who in ("role", FOREIGN)} == {status}


def test_id_05_names_the_role_that_gives_rights_and_for_other_rights_none(
    account: Account,
) -> None:
    reader = f"arn:aws:iam::{ACCOUNT}:role/reader"
    used(account).allowed("reader", READS, trusts=ROOT)
    account.allowed("worker", READS, allow("sts:AssumeRole", reader))
    labels = open_labels(account.run)
    worker = labels.label("role", f"arn:aws:iam::{ACCOUNT}:role/worker")
    by = {
        one.resource.partition(": ")[2]: one.observed.partition("By: ")[2].partition("; Allowed")[0]
        for one in findings(account, "ID-05")
        if one.resource.startswith(worker)
    }
    role = labels.label("role", reader)
    assert by == {READ: "inline policy", GIVE: role}


@pytest.mark.parametrize(("principal", "who"), [(OTHER, FOREIGN), (HELPDESK, "role-")])
def test_id_05_names_the_bucket_policy_that_lets_somebody_in(
    account: Account, principal: str, who: str
) -> None:
    elsewhere = {"StringEquals": {"aws:PrincipalAccount": "333333333333"}}
    helpdesk(
        let(
            {"AWS": principal},
            "s3:GetObject",
            **({} if who == FOREIGN else {"Condition": elsewhere}),
        ),
        identity=(READS,),
    )(account)
    found = [one for one in findings(account, "ID-05") if one.resource.startswith(who)]
    read = next(one for one in found if one.resource.endswith(READ))
    assert (f"the policy of {HOME}" in read.observed) is (who == FOREIGN)


def test_id_05_names_each_right_once_of_whoever_gives_rights(account: Account) -> None:
    used(account).allowed("reader", READS, trusts=ROOT)
    account.allowed("worker", allow(["iam:AttachRolePolicy", "sts:AssumeRole"]))
    (finding,) = (
        one for one in findings(account, "ID-05") if re.match("role.*give rights", one.resource)
    )
    assert "narrowing condition: iam:AttachRolePolicy; sts:AssumeRole; Declared" in finding.observed


def test_id_05_judges_nobody_by_the_policy_of_a_bucket_outside_the_scope(account: Account) -> None:
    there = "eu-central-1"
    listed = {"Name": HOME.replace(REGION, there), "BucketRegion": there}
    account.stack().fleet().lists(LIST_BUCKETS, listed)
    assert {one.status for one in findings(account, "ID-05")} == {"pass"}


ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
DEPLOY = ("lambda:CreateFunction", "lambda:InvokeFunction")
LAMBDA = trust({"Service": "lambda.amazonaws.com"})


def passes_role(service: str, resource: Any = "*") -> dict[str, Any]:
    return allow(
        "iam:PassRole", resource, Condition={"StringEquals": {"iam:PassedToService": service}}
    )


def lists(prefix: Any, delimiter: str) -> dict[str, Any]:
    condition = {"StringLike": {"s3:prefix": prefix}, "StringEquals": {"s3:delimiter": delimiter}}
    return allow("s3:ListBucket", Condition=condition)


def with_admin(*held: dict[str, Any], trusts: Any = ROOT, name: str = "worker") -> Given:
    """A role, beside one that reads users' files and is a declared administrator."""
    return lambda a: used(a).allowed("admin", READS, trusts=trusts).allowed(name, *held)


@scenarios(
    ("writes and erases", allow(["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl"]), {CHANGE}),
    ("erases versions", allow("s3:DeleteObjectVersion"), {CHANGE}),
    ("changes ACLs", allow("s3:PutObjectAcl"), {CHANGE}),
    ("writes elsewhere", allow("s3:PutObject", "arn:aws:s3:::other/*"), set()),
    ("writes tags", allow("s3:PutObjectTagging"), set()),
    ("lists", allow("s3:ListBucket"), {LIST}),
    ("lists one folder", allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "user/custom/x/*"}}), {f"{LIST}, narrowed"}),
    ("lists all folders", allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": ["", "user/*"]}}), {LIST}),
    ("lists the first levels of folders", lists(["", "user/"], "/"), {f"{LIST}, narrowed"}),
    ("lists a level of all users' folders", lists("user/*", "/"), {LIST}),
    ("lists any level of folders", lists("*", "/"), {LIST}),
    ("lists one kind of users' folders by level", lists("user/federated/*", "/"), {f"{LIST}, narrowed"}),
    ("lists all levels at once", lists("*", ""), {LIST}),
    ("lists buckets", allow("s3:ListAllMyBuckets"), set()),
    ("IAM", allow("iam:*"), {GIVE}),
    ("reads IAM", allow(["iam:Get*", "iam:List*", "iam:Generate*"]), set()),
    ("changes policies", allow("iam:CreatePolicyVersion"), {GIVE}),
    ("changes identity providers", allow("iam:UpdateSAMLProvider"), {GIVE}),
    ("makes identity providers anew", allow(["iam:DeleteSAMLProvider", "iam:CreateSAMLProvider"]), {GIVE}),
    ("makes identity providers", allow("iam:CreateSAMLProvider"), set()),
    ("makes keys for anybody", allow("iam:CreateAccessKey"), {GIVE}),
    ("makes keys for a user of its name", allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}"), set()),
    ("changes roles within a boundary", allow("iam:PutRolePolicy", Condition={"StringEquals": {"iam:PermissionsBoundary": NO_S3}}), {f"{GIVE}, narrowed"}),
    ("attaches one policy", allow("iam:AttachRolePolicy", Condition={"ArnEquals": {"iam:PolicyARN": NO_S3}}), {f"{GIVE}, narrowed"}),
    ("passes roles to Lambda", allow(["iam:PassRole", *DEPLOY]), {GIVE}),
    ("passes roles", allow("iam:PassRole"), set()),
    ("makes functions", allow(list(DEPLOY)), set()),
    ("passes roles, and makes functions that never run", allow(["iam:PassRole", "lambda:CreateFunction"]), set()),
    ("assumes all roles", allow("sts:AssumeRole"), {GIVE}),
    ("assumes all roles of the account", allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/*"), {GIVE}),
    ("assumes all roles of the account, by a variable", allow("sts:AssumeRole", "arn:aws:iam::${aws:PrincipalAccount}:role/*"), {GIVE}),
    ("changes every role of the account, by a variable", allow("iam:PutRolePolicy", "arn:aws:iam::${aws:PrincipalAccount}:role/*"), {GIVE}),
    ("reads a bucket that a variable completes", allow("s3:GetObject", "arn:aws:s3:::appstream2-*-${aws:PrincipalAccount}/*"), {READ}),
    ("assumes roles of another account", allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/*"), set()),
    ("assumes a role that is not there", allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/none"), set()),
    ("signs in", allow("sts:GetCallerIdentity"), set()),
    ("opens access points", allow(["s3:CreateAccessPoint", "s3:PutAccessPointPolicy"]), {UNPROTECT}),
    ("makes access points", allow("s3:CreateAccessPoint"), set()),
    ("changes the account's public access", allow("s3:PutAccountPublicAccessBlock"), {UNPROTECT}),
    ("adds applications", allow("appstream:AssociateApplicationFleet"), {SESSIONS}),
    ("makes app blocks", allow("appstream:CreateAppBlock"), {SESSIONS}),
    ("shares images", allow("appstream:DeleteImagePermissions"), {SESSIONS}),
    ("makes image builders", allow("appstream:CreateImageBuilder"), {SESSIONS}),
    ("associates fleets", allow("appstream:AssociateFleet"), {SESSIONS}),
    ("dissociates fleets", allow("appstream:DisassociateFleet"), {SESSIONS}),
    ("dissociates fleets from no stack", allow("appstream:DisassociateFleet", STACKS.replace("stack", "fleet/*")), set()),
    ("lets agents into builders, of which there is none", allow("appstream:UpdateImageBuilder"), set()),
    ("shuts users out", allow(["appstream:DisableUser"]), {ADMINISTER}),
    ("takes stacks from users", allow("appstream:BatchDisassociateUserStack"), {ADMINISTER}),
    ("starts and stops", allow(["appstream:Start*", "appstream:Stop*", "appstream:ExpireSession"]), set()),
    ("changes policies of access points, of which there is none", allow("s3:PutAccessPointPolicy"), set()),
    ("associates fleets with no stack", allow("appstream:AssociateFleet", STACKS.replace("stack", "fleet/*")), set()),
    ("reads AppStream", allow(["appstream:Describe*", "appstream:List*"]), set()),
)  # fmt: skip
def test_id_05_actions(account: Account, given: Any, expected: list[Any]) -> None:
    used(account).image().allowed("worker", given)
    said = {
        name if status == "fail" else f"{name}, narrowed"
        for name, status in of_principals(account, "ID-05").items()
    }
    assert said == expected[0]


@pytest.mark.parametrize(
    ("service", "together", "given"),
    [
        ("cloudformation", "cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet", True),
        ("cloudformation", "cloudformation:CreateChangeSet", False),
        ("codebuild", "codebuild:UpdateProject codebuild:StartBuild", True),
        ("codebuild", "codebuild:StartBuild", False),
        ("ec2", "ec2:ReplaceIamInstanceProfileAssociation", True),
        ("ec2", "ec2:RequestSpotInstances", True),
        ("ec2", "ec2:CreateLaunchTemplate autoscaling:CreateAutoScalingGroup", True),
        ("ec2", "ec2:CreateLaunchTemplate", False),
        ("ec2", "ec2:StartInstances", False),
        ("ecs-tasks", "ecs:RunTask", True),
        ("ecs-tasks", "ecs:RegisterTaskDefinition ecs:CreateService", True),
        ("ecs-tasks", "ecs:RegisterTaskDefinition", False),
        ("ecs-tasks", "batch:RegisterJobDefinition batch:SubmitJob", True),
        ("glue", "glue:UpdateJob glue:StartJobRun", True),
        ("glue", "glue:CreateSession glue:RunStatement", True),
        ("states", "states:UpdateStateMachine states:StartExecution", True),
        ("scheduler", "scheduler:UpdateSchedule", True),
        ("tasks.apprunner", "apprunner:CreateService", True),
        ("datasync", "datasync:CreateLocationS3 datasync:CreateTask datasync:StartTaskExecution", True),
        ("datasync", "datasync:CreateLocationS3 datasync:CreateTask", False),
        ("transfer", "transfer:CreateUser", True),
        ("rds", "rds:AddRoleToDBCluster", True),
        ("config", "config:PutConfigurationRecorder", False),
    ],
)  # fmt: skip
def test_id_05_services_that_run_with_a_role_that_is_passed(
    account: Account, service: str, together: str, given: bool
) -> None:
    name = f"{service}.amazonaws.com"
    acts = allow(together.split())
    with_admin(passes_role(name, ADMIN), acts, trusts=trust({"Service": name}))(account)
    assert (of_principals(account, "ID-05").get(GIVE) == "fail") is given


CHANGES_POINTS = allow("s3:PutAccessPointPolicy")


@scenarios(
    ("the bucket's", lambda a: a.access_point().allowed("worker", CHANGES_POINTS), {UNPROTECT: "fail"}),
    ("by its name", lambda a: a.access_point().allowed("worker", allow("s3:PutAccessPointPolicy", POINT)), {UNPROTECT: "fail"}),
    ("another's", lambda a: a.access_point().allowed("worker", allow("s3:PutAccessPointPolicy", f"{POINT}-2")), {}),
    ("of another bucket", lambda a: a.access_point(bucket="other").allowed("worker", CHANGES_POINTS), {}),
    ("in another region", lambda a: a.access_point().allowed("worker", {**CHANGES_POINTS, "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}), {}),
    ("which nobody could list", lambda a: a.denies(LIST_ACCESS_POINTS).allowed("worker", CHANGES_POINTS), {UNPROTECT: "not evidenced"}),
)  # fmt: skip
def test_id_05_who_may_change_the_policy_of_an_access_point(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(used(account))
    assert of_principals(account, "ID-05") == expected[0]


@pytest.mark.parametrize(
    ("application", "allowed", "expected"),
    [
        ({"Name": "editor"}, "editor", {SESSIONS: "fail"}),
        ({"Name": "editor"}, "other", {}),
        ({}, "other", {SESSIONS: "fail"}),
    ],
)
def test_id_05_who_may_give_fleets_an_application_of_which_aws_left_out_the_arn(
    account: Account, application: dict[str, str], allowed: str, expected: dict[str, str]
) -> None:
    used(account).lists(DESCRIBE_APPLICATIONS, application)
    resources = [FLEET, f"arn:aws:appstream:{REGION}:{ACCOUNT}:application/{allowed}"]
    account.allowed("worker", allow("appstream:AssociateApplicationFleet", resources))
    assert of_principals(account, "ID-05") == expected


def test_id_05_who_may_let_agents_into_an_image_builder(account: Account) -> None:
    arn = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image-builder/b"
    used(account).lists(DESCRIBE_IMAGE_BUILDERS, {"Name": "b", "Arn": arn})
    account.allowed("worker", allow("appstream:UpdateImageBuilder"))
    assert of_principals(account, "ID-05") == {SESSIONS: "fail"}


@scenarios(
    ("assumes it by name", with_admin(allow("sts:AssumeRole", ADMIN)), True),
    ("assumes it by a pattern", with_admin(allow("sts:AssumeRole", "arn:aws:iam::*:role/ad*")), True),
    ("may, and it does not trust", with_admin(allow("sts:AssumeRole", ADMIN), trusts=LAMBDA), False),
    (
        "it trusts, by name, who may nothing",
        with_admin(allow("ec2:*"), trusts=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/worker"})),
        True,
    ),
    ("it trusts the account, and none may", with_admin(allow("ec2:*")), False),
    (
        "denied",
        with_admin(allow("sts:AssumeRole", ADMIN), deny("sts:AssumeRole", ADMIN)),
        False,
    ),
    ("passes it", with_admin(passes_role("lambda.amazonaws.com", ADMIN), allow(list(DEPLOY)), trusts=LAMBDA), True),
    ("passes it to who is not trusted", with_admin(passes_role("lambda.amazonaws.com", ADMIN), allow(list(DEPLOY))), False),
    ("passes all to another service", with_admin(passes_role("ec2.amazonaws.com"), allow(list(DEPLOY)), trusts=LAMBDA), False),
    (
        "passes another",
        with_admin(passes_role("lambda.amazonaws.com", f"{ADMIN}2"), allow(list(DEPLOY)), trusts=LAMBDA),
        False,
    ),
    (
        "by way of another role",
        lambda a: with_admin(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/step"))(a).allowed(
            "step", allow("sts:AssumeRole", ADMIN), trusts=ROOT
        ),
        True,
    ),
)  # fmt: skip
def test_id_05_roles_that_others_take(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, administrators=[ADMIN, f"arn:aws:iam::{ACCOUNT}:role/step"])
    given(account)
    gives = [f for f in findings(account, "ID-05") if f.resource.endswith(f": {GIVE}")]
    assert [f.status for f in gives if f.status == "fail"] == ["fail"] * expected[0]


def test_id_05_names_no_role_that_is_passed_where_rights_are_given_anyway(account: Account) -> None:
    used(account).allowed("worker", allow())
    rows = tabulate(account.answered(), {"grants"})["grants"].rows.values()
    (given,) = [
        row["open"] for row in rows if row["resource"].endswith(f": {GIVE}") and row["open"]
    ]
    assert "iam:PutUserPolicy" in given
    assert not [actions for actions in given if "iam:PassRole" in actions]


NEARBY = {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}


@pytest.mark.parametrize(
    ("passing", "deploying", "expected"),
    [({}, {}, "fail"), (NEARBY, {}, "pass"), ({}, NEARBY, "pass"), (NEARBY, NEARBY, "pass")],
)
def test_id_05_a_passed_role_gives_no_more_than_what_uses_it(
    tmp_path: Path, passing: dict[str, Any], deploying: dict[str, Any], expected: str
) -> None:
    account = Account(tmp_path, administrators=[ADMIN])
    held = allow("iam:PassRole", ADMIN, **passing), allow(list(DEPLOY), **deploying)
    with_admin(*held, trusts=LAMBDA)(account)
    assert of_principals(account, "ID-05").get(GIVE) == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("admin", "fail"),
        ("ad*", "fail"),
        ("a?min", "fail"),
        # IAM fills variables in when a request comes, so who may assume the role is narrowed:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
        ("${aws:PrincipalTag/team}", "pass"),
        ("ad${aws:PrincipalTag/team}", "pass"),
        ("operator-${aws:PrincipalTag/team}", None),
        ("operator", None),
    ],
)
def test_id_05_a_role_that_a_resource_names(
    tmp_path: Path, role: str, expected: str | None
) -> None:
    account = Account(tmp_path, administrators=[ADMIN])
    with_admin(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{role}"))(account)
    assert of_principals(account, "ID-05").get(GIVE) == expected


ELSEWHERE = [
    ("StringEquals", "aws:RequestedRegion", "us-west-2"),
    ("StringNotEquals", "aws:RequestedRegion", REGION),
    ("StringEquals", "aws:ResourceAccount", OTHER),
    ("StringEquals", "s3:ResourceAccount", OTHER),
    ("StringNotEquals", "s3:ResourceAccount", ACCOUNT),
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/other"),
]
HERE = [
    ("StringEquals", "aws:RequestedRegion", ["us-west-2", REGION]),
    ("StringEquals", "aws:ResourceAccount", ACCOUNT),
    ("StringNotEquals", "s3:ResourceAccount", OTHER),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:*"),
    ("ArnLike", "aws:PrincipalArn", "arn:*:iam::*:*"),
    ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:*"),
    ("StringLike", "aws:PrincipalArn", "arn:aws:*"),
    ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]),
]
NEAR = [
    ("IpAddress", "aws:SourceIp", ["0.0.0.0/1"]),
    ("StringEquals", "aws:ResourceTag/team", "a"),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
]


@pytest.mark.parametrize(
    ("control", "condition", "status"),
    [
        (control, condition, status)
        for conditions, status in ((ELSEWHERE, None), (HERE, "fail"), (NEAR, "pass"))
        for condition in conditions
        for control in ("ID-05", "ID-08")
        if (control, condition[1]) != ("ID-08", "s3:ResourceAccount")  # no key of AppStream's
    ],
    ids=str,
)
def test_conditions_are_decided_for_the_account(
    account: Account, control: str, condition: tuple[str, str, Any], status: str | None
) -> None:
    operator, key, value = condition
    actions = {"ID-05": "s3:GetObject", "ID-08": "appstream:Stream"}
    used(account).allowed("worker", allow(actions[control], Condition={operator: {key: value}}))
    wanted = {READ if control == "ID-05" else MINT: status} if status else {}
    assert of_principals(account, control) == wanted


IN_OURS, IN_THEIRS = (
    [
        {"StringEquals": {"aws:ResourceOrgID": name}},
        {"StringEquals": {"aws:PrincipalOrgID": name}},
        {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": f"{name}/*"}},
        {
            "StringEquals": {
                "aws:ResourceOrgID": "${aws:PrincipalOrgID}",
                "aws:PrincipalOrgID": name,
            }
        },
    ]
    for name in ("o-1", "o-2")
)


@pytest.mark.parametrize(
    ("condition", "organisation", "expected"),
    [
        *((one, "o-1", "fail") for one in IN_OURS),
        *((one, "o-1", None) for one in IN_THEIRS),
        *((one, None, None) for one in IN_OURS),
        *((one, "denied", "not evidenced") for one in IN_OURS),
        ({"StringNotEquals": {"aws:ResourceOrgID": "o-1"}}, "o-1", None),
        ({"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}, "o-1", "fail"),
        ({"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": "o-1/r-ab/*"}}, "o-1", "pass"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "denied", "pass"),
        (
            {"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:ResourceOrgID": "o-1"}},
            "denied",
            "not evidenced",
        ),
    ],
    ids=str,
)
def test_id_05_requires_the_organisation_that_a_condition_names(
    account: Account, condition: Any, organisation: str | None, expected: str | None
) -> None:
    used(account).allowed("worker", allow("s3:GetObject", Condition=condition))
    if organisation == "denied":
        account.denies(DESCRIBE_ORGANIZATION)
    elif organisation:
        account.answers(DESCRIBE_ORGANIZATION, {"Organization": {"Id": organisation}})
    assert of_principals(account, "ID-05") == ({READ: expected} if expected else {})


def test_id_05_users_may_make_keys_for_themselves(account: Account) -> None:
    own = allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")
    used(account).allowed("jane", own, kind="User")
    assert of_principals(account, "ID-05") == {GIVE: "pass"}


STACK, FLEET = (
    f"arn:aws:appstream:{REGION}:{ACCOUNT}:{kind}/design" for kind in ("stack", "fleet")
)


@scenarios(
    ("IAM", allow("iam:*"), True),
    ("all roles", allow("sts:AssumeRole"), True),
    ("writes and erases", allow(["s3:PutObject", "s3:DeleteObject"]), True),
    ("writes to another bucket", allow(["s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::x/*"), False),
    ("a role with rights", allow("sts:AssumeRole", ADMIN), True),
    ("a role without", allow("sts:AssumeRole", f"{ADMIN}2"), False),
    ("lists the names of files", allow("s3:List*"), True),
    ("opens sessions on one stack", allow("appstream:CreateStreamingURL", [STACK, FLEET]), True),
    ("opens sessions on no fleet", allow("appstream:CreateStreamingURL", STACK), False),
    ("reads through an endpoint", allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}), None),
    ("reads by a tag of its own", allow("s3:GetObject", Condition={"StringEquals": {"aws:PrincipalTag/a": "b"}}), None),
    ("reads elsewhere through an endpoint", allow("s3:GetObject", "arn:aws:s3:::x/*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}), False),
    ("its own name", allow("sts:GetCallerIdentity"), False),
)  # fmt: skip
def test_id_07_what_streaming_users_can_take(
    account: Account, given: Any, expected: list[Any]
) -> None:
    machine(given)(account)
    account.allowed("admin", READS, trusts=ROOT).allowed("admin2", trusts=ROOT)
    statuses = {True: "fail", False: "pass", None: "not evidenced"}
    assert [f.status for f in findings(account, "ID-07")] == [statuses[expected[0]]]


def test_id_07_what_is_hidden_beside_an_open_right_hides_nothing(account: Account) -> None:
    hidden = allow("s3:GetObjectVersion", Condition={"StringEquals": {"aws:ResourceOrgID": "o-1"}})
    machine(READS, hidden)(account)
    account.bucket().denies(DESCRIBE_ORGANIZATION)
    assert [f.status for f in findings(account, "ID-07")] == ["fail"]


def test_id_07_judges_administrators_roles_too(tmp_path: Path) -> None:
    account = Account(tmp_path, administrators=["*"])
    machine(READS)(account)
    assert [f.status for f in findings(account, "ID-07")] == ["fail"]


def test_id_07_reads_policies_of_buckets(account: Account) -> None:
    machine()(account)
    policy = {"Statement": [let({"AWS": f"arn:aws:iam::{ACCOUNT}:role/instance"}, "s3:GetObject")]}
    account.bucket(policy=policy)
    assert [f.status for f in findings(account, "ID-07")] == ["fail"]


def test_id_05_a_service_that_a_role_trusts_is_not_let_into_buckets(account: Account) -> None:
    open_to(let("*", "s3:GetObject"), restrict=True)(account)
    account.allowed("machine", trusts=trust({"Service": "ec2.amazonaws.com"}))
    assert statuses_of(account) == by(OWN, READ)


def test_id_05_an_account_that_holds_all(account: Account) -> None:
    used(account).allowed("worker", allow(), trusts=trust({"AWS": OTHER}))
    assert statuses_of(account) == by("role", *ALL) | by(FOREIGN, *ALL)


def test_id_05_cites_the_answer_whose_policy_cannot_be_read(account: Account) -> None:
    statement = {"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}
    used(account).allowed("worker", statement)
    found = [f for f in findings(account, "ID-05") if f.resource.startswith("role-")]
    assert {(one.status, one.reason) for one in found} == {("not evidenced", "unreadable answer")}
    gaps = {ref for one in found for ref in one.evidence}
    assert all(re.match("E[0-9]{4}(#|$)|parameters#", ref) for ref in gaps), gaps


def test_id_05_a_policy_that_nobody_saw_may_be_all_that_a_role_has(account: Account) -> None:
    used(account).allowed("worker", attached=("arn:aws:iam::aws:policy/Unknown",))
    assert of_principals(account, "ID-05") == dict.fromkeys(ALL, "not evidenced")


UNTIL = {"DateLessThan": {"aws:CurrentTime": "2019-12-31T00:00:00Z"}}
FROM = {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}
STILL = {"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("when", "expected"),
    [(UNTIL, {}), (FROM, {}), (STILL, by(FOREIGN, READ)), ({}, by(FOREIGN, READ))],
    ids=["has ended", "has not begun", "has not ended", "without a time"],
)
def test_what_a_policy_lets_in_is_decided_as_of_the_collection(
    account: Account, when: dict[str, Any], expected: dict[str, str]
) -> None:
    members = {"Condition": when} if when else {}
    open_to(let({"AWS": OTHER}, "s3:GetObject", **members))(account)
    assert statuses_of(account) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [(UNTIL, {}), (STILL, by("role", READ))],
    ids=["has ended", "has not ended"],
)
def test_what_an_identity_policy_allows_is_decided_as_of_the_collection(
    account: Account, when: dict[str, Any], expected: dict[str, str]
) -> None:
    open_to()(account)
    account.allowed("Temp", allow("s3:GetObject", f"{H}/*", Condition=when))
    assert statuses_of(account) == expected


@pytest.mark.parametrize(
    ("service", "actions"),
    [
        ("rolesanywhere", "rolesanywhere:CreateTrustAnchor rolesanywhere:CreateProfile"),
        ("pods.eks", "eks:CreatePodIdentityAssociation"),
        ("credentials.iot", "iot:CreateRoleAlias iot:AttachPolicy"),
        ("ssm", "ssm:CreateActivation"),
        ("airflow", "airflow:UpdateEnvironment"),
        ("amplify", "amplify:CreateApp amplify:StartJob"),
        ("braket", "braket:CreateJob"),
        ("gamelift", "gamelift:CreateBuild gamelift:CreateFleet"),
        ("kinesisanalytics", "kinesisanalytics:UpdateApplication"),
        ("omics", "omics:CreateWorkflow omics:StartRun"),
        ("resources.cloudformation", "cloudformation:RegisterType cloudformation:CreateStack"),
        ("servicecatalog", "servicecatalog:CreateConstraint servicecatalog:ProvisionProduct"),
        ("appsync", "appsync:CreateDataSource appsync:CreateResolver"),
        ("databrew", "databrew:CreateRecipeJob databrew:StartJobRun"),
        ("dms", "dms:CreateEndpoint dms:CreateReplicationTask dms:StartReplicationTask"),
    ],
)
def test_id_05_services_that_take_a_passed_role(tmp_path: Path, service: str, actions: str) -> None:
    def status(number: int, *held: str) -> str | None:
        (folder := tmp_path / str(number)).mkdir()
        account = Account(folder, administrators=[ADMIN])
        trusts = trust({"Service": f"{service}.amazonaws.com"})
        with_admin(allow([*held, *actions.split()]), trusts=trusts)(account)
        return of_principals(account, "ID-05").get(GIVE)

    assert (status(0, "iam:PassRole"), status(1)) == ("fail", None)
