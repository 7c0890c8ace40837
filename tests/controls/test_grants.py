"""Who may do what: rights on AppStream and its data, service roles, instances' roles."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    LIST_BUCKETS,
    Call,
)
from kit.controls import CONTROLS
from kit.redact.labels import open_labels
from kit.tables import tabulate
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_applicable,
    not_evidenced,
    nothing,
    passes,
    scenarios,
    verdicts,
)
from tests.standins import ACCOUNT, HOME, LEFT_OUT, REGION, Account, trust

NOTHING = "no resource of AppStream, or bucket, that rights could be on"
STACKS = f"arn:aws:appstream:*:{ACCOUNT}:stack"
DETAILS = GET_ACCOUNT_AUTHORIZATION_DETAILS
UNKNOWN = not_evidenced("absent in answer", DETAILS)
FULL = "arn:aws:iam::aws:policy/AmazonAppStreamFullAccess"
MINE = f"arn:aws:iam::{ACCOUNT}:policy/mine"


def allow(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def deny(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return allow(action, resource, **members) | {"Effect": "Deny"}


def used(account: Account) -> Account:
    """An account with a stack, a fleet and a bucket."""
    return account.stack().fleet().bucket()


def role(*statements: dict[str, Any], **members: Any) -> Given:
    return lambda a: used(a).allowed("worker", *statements, **members)


def of_principals(account: Account, control: str) -> dict[str, str]:
    """What is said of single principals, by what they may."""
    return {
        one.resource.partition(": ")[2]: one.status
        for one in findings(account, control)
        if one.resource.startswith(("role-", "user-"))
    }


ADMINISTER, SESSIONS = "administer AppStream", "change what runs in sessions"
READ, LIST, CHANGE = "read users' files", "list users' files", "change or erase users' files"
UNPROTECT, GIVE = "change how buckets are protected", "give rights"
ON_FILES, ON_APPSTREAM = (READ, LIST, CHANGE, UNPROTECT), (ADMINISTER, SESSIONS)
ALL = (*ON_FILES, *ON_APPSTREAM, GIVE)


def every(*capabilities: str, status: str = "fail") -> dict[str, str]:
    return dict.fromkeys(capabilities, status)


EVERYTHING = every(*ALL)


@scenarios(
    ("nobody", used, {}),
    ("everything", role(allow()), EVERYTHING),
    ("all but IAM", role({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), every(*ALL)),
    ("AppStream in any case", role(allow("APPSTREAM:*")), every(*ON_APPSTREAM)),
    ("AppStream by ARN", role(allow("appstream:*", f"{STACKS}/*")), {ADMINISTER: "fail"}),
    ("one stack", role(allow("appstream:UpdateStack", f"{STACKS}/design")), {ADMINISTER: "fail"}),
    ("a stack that is not there", role(allow("appstream:*", f"{STACKS}/other")), {}),
    ("fleets are started and stopped", role(allow(["appstream:St*Fleet", "appstream:D*s"])), {}),
    ("objects", role(allow("s3:GetObject", f"arn:aws:s3:::{HOME}/user/*")), {READ: "fail"}),
    ("objects of another bucket", role(allow("s3:GetObject", "arn:aws:s3:::other/*")), {}),
    ("S3", role(allow("S3:*")), every(*ON_FILES)),
    ("denied", role(allow(), deny(["appstream:*", "s3:*", "iam:*", "sts:*"])), {}),
    ("limited", role(allow(), boundary=MINE), {}),
    (
        "under a condition that narrows",
        role(allow(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})),
        dict.fromkeys(EVERYTHING, "pass"),
    ),
    (
        "under a condition that does not",
        role(allow(Condition={"Bool": {"aws:SecureTransport": "true"}})),
        EVERYTHING,
    ),
    ("attached", role(attached=(FULL,)), every(*ON_APPSTREAM)),
    ("a version that is not in force", role(attached=(MINE,)), {}),
    ("a service-linked role", role(allow(), path="/aws-service-role/x.amazonaws.com/"), {}),
    (
        "a user's group",
        lambda a: (
            used(a)
            .allowed("team", allow("s3:*"), kind="Group")
            .allowed("jane", kind="User", groups=("team",))
        ),
        every(*ON_FILES),
    ),
    (
        "a group's managed policy",
        lambda a: (
            used(a)
            .allowed("team", kind="Group", attached=(FULL,))
            .allowed("jane", kind="User", groups=("team",))
        ),
        every(*ON_APPSTREAM),
    ),
    (
        "denied to the group",
        lambda a: (
            used(a)
            .allowed("team", deny(), kind="Group")
            .allowed("jane", allow(), kind="User", groups=("team",))
        ),
        {},
    ),
    (
        "a group that nobody saw",
        lambda a: used(a).allowed("jane", allow(), kind="User", groups=("team",)),
        dict.fromkeys(EVERYTHING, "not evidenced"),
    ),
    (
        "a policy that nobody saw",
        role(allow(), attached=("arn:aws:iam::aws:policy/Unknown",)),
        dict.fromkeys(EVERYTHING, "not evidenced"),
    ),
    (
        "a boundary that nobody saw",
        role(allow(), boundary="arn:aws:iam::aws:policy/Unknown"),
        dict.fromkeys(EVERYTHING, "not evidenced"),
    ),
    (
        "buckets that nobody saw",
        lambda a: a.stack().denies(LIST_BUCKETS).allowed("worker", allow("s3:*")),
        every(*ON_FILES, status="not evidenced"),
    ),
    (
        "buckets that nobody saw, and nobody could read",
        lambda a: a.stack().denies(LIST_BUCKETS).allowed("worker", allow("ec2:*")),
        {},
    ),
    (
        "images that nobody saw, beside a stack that somebody did",
        lambda a: used(a).denies(DESCRIBE_IMAGES).allowed("worker", allow("appstream:*")),
        every(*ON_APPSTREAM),
    ),
    (
        "images that nobody saw",
        lambda a: used(a).denies(DESCRIBE_IMAGES).allowed("worker", allow("appstream:CopyImage")),
        {SESSIONS: "not evidenced"},
    ),
)
def test_id_05_rights(account: Account, given: Given, expected: list[Any]) -> None:
    account.policy(FULL, allow("appstream:*")).policy(MINE, allow("ec2:*"))
    given(account)
    assert of_principals(account, "ID-05") == expected[0]


def test_id_05_declared_administrators_may(tmp_path: Path) -> None:
    patterns = [f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/*"]
    account = used(Account(tmp_path, administrators=patterns))
    account.allowed("admin", allow(), path="/aws-reserved/sso.amazonaws.com/")
    account.allowed("admin", allow("s3:*"), path="/other/")
    found = [one.status for one in findings(account, "ID-05")]
    assert (found.count("fail"), found.count("pass")) == (4, 14)


@pytest.mark.parametrize("control", ["ID-05", "ID-08"])
@pytest.mark.parametrize(
    ("path", "commands"), [("/aws-reserved/sso.amazonaws.com/", False), ("/other/", True)]
)
def test_a_role_that_aws_manages_gets_no_command_that_iam_refuses(
    tmp_path: Path, control: str, path: str, commands: bool
) -> None:
    account = used(Account(tmp_path)).stack()
    account.allowed("admin", allow("appstream:*"), path=path)
    fails = [one for one in findings(account, control) if one.status == "fail"]
    names = {name for one in fails for name in one.remedies.split("; ")}
    assert names
    assert {name.endswith("/reserved role") for name in names} == {not commands}
    for name in names:
        remedy = CONTROLS[control].remedy(name)
        assert bool(remedy.cli) is commands
        assert ("permission set" in remedy.console) is not commands


def test_id_06_a_service_linked_role_gets_no_command_either(account: Account) -> None:
    name = "AWSServiceRoleForApplicationAutoScaling_AppStreamFleet"
    account.allowed(name, allow("s3:*"), path="/aws-service-role/appstream.amazonaws.com/")
    account.allowed("AmazonAppStreamServiceAccess", allow("s3:*"), path="/service-role/")
    remedies = {
        one.resource: CONTROLS["ID-06"].remedy(one.remedies) for one in findings(account, "ID-06")
    }
    assert not remedies[name].cli
    assert "AWS Support" in remedies[name].console
    assert "update-assume-role-policy" in remedies["AmazonAppStreamServiceAccess"].cli


def test_id_05_says_of_everybody_else_that_nothing_was_found(account: Account) -> None:
    used(account)
    found = findings(account, "ID-05")
    assert [one.status for one in found] == ["pass"] * 7
    assert {one.resource for one in found} == {f"everybody else: {name}" for name in ALL}
    assert all("of the organisation: no; " in one.observed for one in found)


def test_id_05_a_list_that_was_cut_short(account: Account) -> None:
    used(account).allowed("worker", allow("s3:*"), attached=(MINE,)).cuts(DETAILS, "cut")
    found = findings(account, "ID-05")
    assert {one.status for one in found} == {"not evidenced"}
    assert not any(one.resource.startswith("everybody else") for one in found)


def test_id_05_names_nobody(account: Account) -> None:
    used(account).allowed("jane.doe", allow(), kind="User", attached=(MINE,)).policy(MINE, allow())
    reported = repr(findings(account, "ID-05"))
    assert "jane" not in reported
    assert "mine" not in reported


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (MINE, "mine"),
        (f"arn:aws:iam::{ACCOUNT}:policy/team/mine", "mine"),
        (FULL, "AmazonAppStreamFullAccess"),
    ],
)
def test_id_05_names_whom_and_what_where_names_are_in_clear(
    tmp_path: Path, policy: str, shown: str
) -> None:
    account = used(Account(tmp_path, pseudonymise=False)).policy(policy, allow("s3:GetObject"))
    account.allowed("worker", attached=(policy,))
    (one,) = [one for one in findings(account, "ID-05") if one.status == "fail"]
    assert one.resource == f"worker: {READ}"
    assert f"; By: {shown}; " in one.observed


@scenarios(
    ("nothing of AppStream", nothing, not_applicable(NOTHING)),
    ("nothing, and somebody may all", lambda a: a.allowed("w", allow()), not_applicable(NOTHING)),
    ("denied", lambda a: used(a).denies(DETAILS), denied(DETAILS)),
)
def test_id_05_over_nothing(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-05") == expected


MINT = "open streaming sessions"
USER_ID = {"StringEquals": {"appstream:userId": "${saml:sub}"}}
SECURE = {"Bool": {"aws:SecureTransport": "true"}}


def but_on(*resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "appstream:Stream", "NotResource": list(resources)}


@scenarios(
    ("nobody", used, {}),
    ("anybody on anything", role(allow("appstream:Stream")), {MINT: "fail"}),
    ("everything", role(allow()), {MINT: "fail"}),
    ("over TLS", role(allow("appstream:Stream", Condition=SECURE)), {MINT: "fail"}),
    ("as oneself", role(allow("appstream:Stream", Condition=USER_ID)), {MINT: "pass"}),
    ("a stack by name", role(allow("appstream:Stream", f"{STACKS}/design")), {MINT: "pass"}),
    ("all stacks by ARN", role(allow("appstream:Stream", f"{STACKS}/*")), {MINT: "fail"}),
    ("all stacks with a name", role(allow("appstream:Stream", f"{STACKS}/?*")), {MINT: "fail"}),
    (
        "all stacks by region",
        role(allow("appstream:Stream", STACKS.replace(REGION, "eu-*") + "/*")),
        {MINT: "fail"},
    ),
    ("all but a stack by name", role(but_on(f"{STACKS}/secret")), {MINT: "fail"}),
    ("all but stacks", role(but_on(f"{STACKS}/*")), {}),
    ("all but stacks of any account", role(but_on("arn:aws:appstream:*:*:stack/?*")), {}),
    ("a stack that is not there", role(allow("appstream:Stream", f"{STACKS}/d?")), {MINT: "pass"}),
    ("URLs", role(allow("appstream:CreateStreamingURL")), {MINT: "fail"}),
    (
        "URLs to stacks, but no fleet",
        role(allow("appstream:CreateStreamingURL", f"{STACKS}/*")),
        {},
    ),
    ("builders' URLs where there is none", role(allow("appstream:CreateImage*URL")), {}),
    ("an administrator's rights", role(allow("appstream:Update*")), {}),
    ("denied", role(allow(), deny("appstream:*url", "*"), deny("appstream:Stream")), {}),
    (
        "stacks that nobody saw",
        lambda a: a.fleet().denies(DESCRIBE_STACKS).allowed("w", allow("appstream:Stream")),
        {MINT: "not evidenced"},
    ),
)
def test_id_08_streaming_urls(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert of_principals(account, "ID-08") == expected[0]


def test_id_08_declared_administrators_may(tmp_path: Path) -> None:
    account = used(Account(tmp_path, administrators=[f"arn:aws:iam::{ACCOUNT}:role/portal"]))
    assert of_principals(account.allowed("portal", allow()), "ID-08") == {MINT: "pass"}


SERVICE = "AmazonAppStreamServiceAccess"
SCALING = "AWSServiceRoleForApplicationAutoScaling_AppStreamFleet"
OWN = f"arn:aws:iam::aws:policy/service-role/{SERVICE}"
TRUST = trust({"Service": "appstream.amazonaws.com"})
NO_ROLE = not_applicable("no service role of AppStream")


def service(*inline: Any, trusts: Any = TRUST, attached: tuple[str, ...] = (OWN,)) -> Given:
    return lambda a: a.allowed(SERVICE, *inline, trusts=trusts, attached=attached)


AUTHORITY = "AmazonAppStreamPCAAccess"
ECM = trust({"Service": ["prod.euc.ecm.amazonaws.com"]})


def authority(
    *inline: Any,
    trusts: Any = ECM,
    attached: tuple[str, ...] = (f"arn:aws:iam::aws:policy/service-role/{AUTHORITY}",),
) -> Given:
    return lambda a: a.allowed(AUTHORITY, *inline, trusts=trusts, attached=attached)


@scenarios(
    ("nothing", nothing, NO_ROLE),
    ("as AWS made it", service(), passes),
    (
        "as AWS made it, and its name is left out",
        lambda a: a.answers(
            DETAILS,
            {
                **{name: [] for name in ("UserDetailList", "GroupDetailList", "Policies")},
                "RoleDetailList": [
                    {
                        "Arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/{SERVICE}",
                        "AssumeRolePolicyDocument": json.dumps(TRUST),
                        "AttachedManagedPolicies": [{"PolicyArn": OWN}],
                    }
                ],
            },
        ),
        passes,
    ),
    (
        "narrowed to the account",
        service(
            trusts=trust(
                {"Service": ["appstream.amazonaws.com"]},
                Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        ),
        passes,
    ),
    ("a fleet without it", lambda a: a.fleet(), fails),
    (
        "nobody knows whether there are fleets",
        lambda a: a.denies(DESCRIBE_FLEETS),
        denied(DESCRIBE_FLEETS),
    ),
    (
        "a trust policy that is not one",
        service(trusts={"Statement": "x"}),
        not_evidenced("unreadable answer", DETAILS),
    ),
    (
        "a trust policy that is not one, and without its policy",
        service(trusts={"Statement": "x"}, attached=()),
        fails,
    ),
    ("another policy", service(attached=(OWN, FULL)), fails),
    ("without its policy", service(attached=()), fails),
    ("an inline policy", service(allow("s3:GetObject")), fails),
    ("another account", service(trusts=trust({"AWS": "arn:aws:iam::9:root"})), fails),
    ("everybody", service(trusts=trust("*")), fails),
    (
        "its service twice",
        service(trusts=trust({"Service": ["appstream.amazonaws.com"] * 2})),
        passes,
    ),
    (
        "all but its service",
        service(
            trusts={
                "Statement": [
                    {
                        "Effect": "Allow",
                        "NotPrincipal": {"Service": "appstream.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ]
            }
        ),
        fails,
    ),
    (
        "another service beside",
        service(trusts=trust({"Service": ["appstream.amazonaws.com", "ec2.amazonaws.com"]})),
        fails,
    ),
    (
        "the service-linked scaling role",
        lambda a: a.allowed(
            SCALING,
            trusts=trust({"Service": "appstream.application-autoscaling.amazonaws.com"}),
            attached=(
                "arn:aws:iam::aws:policy/aws-service-role/"
                "AWSApplicationAutoscalingAppStreamFleetPolicy",
            ),
            path="/aws-service-role/appstream.application-autoscaling.amazonaws.com/",
        ),
        passes,
    ),
    ("the authority's role", authority(), passes),
    (
        "the authority's role, narrowed to the account",
        authority(
            trusts=trust(
                {"Service": "prod.euc.ecm.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        ),
        passes,
    ),
    (
        "the authority's role, of another account and with all rights on authorities",
        authority(
            trusts=trust({"AWS": "arn:aws:iam::999999999999:root"}),
            attached=("arn:aws:iam::aws:policy/AWSCertificateManagerPrivateCAFullAccess",),
        ),
        fails,
    ),
    ("the authority's role, of AppStream itself", authority(trusts=TRUST), fails),
    ("the authority's role without its policy", authority(attached=()), fails),
    ("the authority's role with a policy of its own", authority(allow("acm-pca:*")), fails),
    (
        "the authority's role with a policy of that name, made by the account",
        authority(attached=(f"arn:aws:iam::{ACCOUNT}:policy/service-role/{AUTHORITY}",)),
        fails,
    ),
    ("denied", lambda a: a.denies(DETAILS), denied(DETAILS)),
)
def test_id_06_service_roles(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-06") == expected


def test_id_06_cites_the_answer_whose_policy_cannot_be_read(account: Account) -> None:
    service(trusts={"Statement": "x"})(account)
    (gap,) = tabulate(account.answered(), {"service_roles"})["service_roles"].gap_at.values()
    (request,) = account.snapshot().answer(DETAILS).requests
    assert gap.evidence == request.id


INSTANCE = f"arn:aws:iam::{ACCOUNT}:role/instance"


def test_id_07_says_when_a_setting_is_known_by_its_default_alone(account: Account) -> None:
    account.fleet("a", DisableIMDSV1=None).fleet("b", DisableIMDSV1=False)
    reported = [
        "AWS left a member out: DisableIMDSV1" in one.observed for one in findings(account, "ID-07")
    ]
    assert reported == [True, False]


OF_BUILDERS: dict[Call, dict[str, Any]] = {
    DESCRIBE_IMAGE_BUILDERS: {},
    DESCRIBE_APP_BLOCK_BUILDERS: {
        "Platform": "WINDOWS_SERVER_2019",
        "InstanceType": "x",
        "VpcConfig": {},
    },
}


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "STOPPED"])
def test_what_an_update_takes_differs_by_kind_type_and_state(account: Account, state: str) -> None:
    """A running Elastic fleet takes the change, and an image builder has no update.

    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateFleet.html
    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateAppBlockBuilder.html
    """
    for fleet_type in ("ALWAYS_ON", "ON_DEMAND", "ELASTIC"):
        account.fleet(fleet_type, FleetType=fleet_type, State=state)
    for call, members in OF_BUILDERS.items():
        account.lists(call, {"Name": "b", "Arn": call.name, "State": state, **members})
    rows = tabulate(account.answered(), {"fleets_and_builders"})["fleets_and_builders"].rows
    usual = f"{state.lower()} fleet"
    assert Counter(row["update_state"] for row in rows.values()) == Counter(
        [
            *(usual, usual),
            "running Elastic fleet" if state == "RUNNING" else usual,
            "image builder",
            "stopped app block builder" if state == "STOPPED" else "app block builder",
        ]
    )


def machine(*statements: Any, v1_off: bool | None = True, **members: Any) -> Given:
    def given(account: Account) -> None:
        account.fleet(DisableIMDSV1=v1_off, IamRoleArn=INSTANCE)
        account.allowed("instance", *statements, **members)

    return given


@scenarios(
    ("nothing", nothing, not_applicable("no fleet or builder")),
    ("IMDSv1 off, no role", lambda a: a.fleet(DisableIMDSV1=True), passes),
    ("IMDSv1 on", lambda a: a.fleet(DisableIMDSV1=False), fails),
    ("nothing said of IMDSv1", lambda a: a.fleet(), fails),
    ("a role with what applications need", machine(allow("dynamodb:*")), passes),
    ("a role that reads another bucket", machine(allow("s3:*", "arn:aws:s3:::tools/*")), passes),
    ("a role that reads users' files", machine(allow("s3:Get*")), fails),
    ("a role that opens sessions", machine(allow("appstream:Stream")), fails),
    ("a role, and IMDSv1 on", machine(v1_off=False), fails),
    ("a role with a policy that nobody saw", machine(allow("s3:*"), attached=(FULL,)), UNKNOWN),
    ("a role that is gone", lambda a: a.fleet(DisableIMDSV1=True, IamRoleArn=INSTANCE), passes),
    (
        "roles denied",
        lambda a: a.fleet(DisableIMDSV1=True, IamRoleArn=INSTANCE).denies(DETAILS),
        denied(DETAILS),
    ),
    (
        "roles denied, and IMDSv1 on",
        lambda a: a.fleet(IamRoleArn=INSTANCE).denies(DETAILS),
        fails,
    ),
    (
        "fleets denied",
        lambda a: a.denies(DESCRIBE_FLEETS, REGION),
        denied(DESCRIBE_FLEETS),
    ),
)
def test_id_07_instances(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-07") == expected


CARRIED = {"Null": {"aws:PrincipalTag/Team": "false"}}
TAGGING = trust(
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action=["sts:AssumeRole", "sts:TagSession"]
)


@pytest.mark.parametrize("kind", ["Role", "User"])
@pytest.mark.parametrize(
    ("tags", "condition", "status"),
    [
        (("team",), CARRIED, "fail"),
        (("Team", "b"), CARRIED, "fail"),
        (("b",), CARRIED, None),
        ((), CARRIED, None),
        (None, CARRIED, "fail"),  # whether it carries the tag, no answer shows
        ((), {"Null": {"aws:PrincipalTag/Team": "true"}}, "fail"),
        (("team",), {"Null": {"aws:PrincipalTag/Team": "true"}}, None),
        (("team",), {"StringEquals": {"aws:PrincipalTag/team": "it"}}, "pass"),
        ((), {"StringEquals": {"aws:PrincipalTag/team": "it"}}, None),
        ((), {"StringNotEquals": {"aws:PrincipalTag/team": "it"}}, "fail"),
        ((), {"StringEqualsIfExists": {"aws:PrincipalTag/team": "it"}}, "fail"),
    ],
)
def test_id_05_who_carries_a_tag(
    account: Account, kind: str, tags: Any, condition: Any, status: str | None
) -> None:
    used(account).allowed(
        "worker", allow("s3:GetObject", Condition=condition), kind=kind, tags=tags
    )
    assert of_principals(account, "ID-05") == ({READ: status} if status else {})


APART = {
    **TAGGING,
    "Statement": [
        {**statement, "Action": action}
        for statement in TAGGING["Statement"]
        for action in statement["Action"]
    ],
}


@pytest.mark.parametrize(
    ("members", "statements"),
    [
        ({"trusts": TAGGING}, ()),
        ({"trusts": APART}, ()),
        ({"trusts": LEFT_OUT}, ()),
        ({"kind": "User"}, (allow(["sts:GetFederationToken", "sts:TagSession"]),)),
    ],
)
def test_id_05_whose_sessions_may_carry_a_tag(
    account: Account, members: Any, statements: Any
) -> None:
    reads = allow("s3:GetObject", Condition=CARRIED)
    used(account).allowed("worker", reads, *statements, tags=(), **members)
    assert of_principals(account, "ID-05")[READ] == "fail"


def test_a_snapshot_has_the_keys_of_principals_tags_alone(account: Account) -> None:
    used(account).allowed("worker", allow(), tags=("team",))
    (kept,) = (one for one in account.answered().requests if one.call == DETAILS.name)
    assert kept.response["RoleDetailList"][0]["Tags"] == [
        {"Key": "team", "Value": "⟦secret: Value⟧"}
    ]


@pytest.mark.parametrize("listed", [True, False])
def test_id_05_names_the_group_of_a_policy_by_its_arn_or_else_by_its_name(
    account: Account, listed: bool
) -> None:
    used(account).allowed("jane", kind="User", groups=("team",))
    account.allowed("team", allow("s3:GetObject"), kind="Group")
    request = next(one for one in account.made if one.call == DETAILS.name)
    (group,) = request.response["GroupDetailList"]
    arn = group["Arn"] if listed else group.pop("Arn")
    (finding,) = (one for one in findings(account, "ID-05") if one.resource.startswith("user"))
    label = open_labels(account.run).label("group", arn if listed else "team")
    assert f"By: inline policy of {label};" in finding.observed
