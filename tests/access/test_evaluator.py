"""Requests with a known answer, by AWS's documents."""

from __future__ import annotations

from typing import Any

import pytest

from kit.access.conditions import ABSENT, PLAIN_HTTP, Some
from kit.access.documents import read_statements
from kit.access.evaluator import (
    EVERYTHING,
    Access,
    Caller,
    Target,
    decide,
    denied,
    is_public,
    synthetic_callers,
)

YES, NO, UNKNOWN = Access.YES, Access.NO, Access.UNKNOWN
OWN, FOREIGN = "123456789012", "999999999999"
BUCKET = "arn:aws:s3:::appstream2-36fb080bb8-eu-west-1-123456789012"
FILES = f"{BUCKET}/*"
ROLE, USER = f"arn:aws:iam::{OWN}:role/team/Helpdesk", f"arn:aws:iam::{OWN}:user/jane"
ROOT = f"arn:aws:iam::{OWN}:root"
READ = "s3:GetObject"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Any:
    return read_statements({"Version": version, "Statement": list(statements)})


def allow(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def deny(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return allow(action, resource, **members) | {"Effect": "Deny"}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def aws(*names: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(names)}}


def role(**members: Any) -> Caller:
    return Caller("role", ROLE, OWN, "AROAHELPDESK", **members)


def user(**members: Any) -> Caller:
    return Caller("user", USER, OWN, "AIDAJANE", **members)


def root() -> Caller:
    return Caller("root", ROOT, OWN)


def foreign() -> Caller:
    return Caller("account", account=FOREIGN)


def bucket(*statements: dict[str, Any], **members: Any) -> Target:
    return Target(FILES, OWN, policy(*statements), **members)


S3 = policy(allow("s3:*"))
EC2 = policy(allow("ec2:*"))


@pytest.mark.parametrize(
    ("caller", "target", "expected"),
    [
        (role(), bucket(), NO),
        (role(identity=S3), bucket(), YES),
        (role(), bucket(allow(**aws(ROLE))), YES),
        (role(), bucket(allow(Principal="*")), YES),
        (role(), bucket(allow(**aws(ROOT))), NO),
        (role(), bucket(allow(**aws(OWN))), NO),
        (role(), bucket(allow(**aws("AROAHELPDESK"))), YES),
        (role(), bucket(allow(**aws("AROASOMEBODYELSE"))), NO),
        (role(), bucket(allow(**aws(f"arn:aws:sts::{OWN}:assumed-role/Helpdesk/me"))), YES),
        (role(), bucket(allow(**aws(f"arn:aws:sts::{OWN}:assumed-role/Other/me"))), NO),
        (role(), bucket(allow(Principal={"Service": "ec2.amazonaws.com"})), NO),
        (role(identity=S3), bucket(deny(**aws(ROLE))), NO),
        (role(identity=S3), bucket(deny(**aws(ROOT))), NO),
        (role(identity=S3), bucket(deny(**aws(f"arn:aws:sts::{OWN}:assumed-role/Helpdesk/me"))), YES),
        (role(identity=S3, boundary=EC2), bucket(), NO),
        (role(boundary=EC2), bucket(allow(**aws(ROLE))), NO),
        (role(boundary=S3), bucket(allow(**aws(ROLE))), YES),
        (role(boundary=EC2), bucket(allow(Principal="*")), YES),
        (role(boundary=policy(deny())), bucket(allow(Principal="*")), NO),
        (role(boundary=EC2), bucket(allow(**aws(f"arn:aws:sts::{OWN}:assumed-role/Helpdesk/me"))), YES),
        (user(boundary=EC2), bucket(allow(**aws(USER))), YES),
        (user(boundary=policy(deny("s3:*"))), bucket(allow(**aws(USER))), NO),
        (user(identity=S3, boundary=EC2), bucket(), NO),
        (root(), bucket(), YES),
        (root(), bucket(deny(Principal="*")), NO),
        (foreign(), bucket(), NO),
        (foreign(), bucket(allow(**aws(f"arn:aws:iam::{FOREIGN}:root"))), YES),
        (foreign(), bucket(allow(**aws(f"arn:aws:iam::{FOREIGN}:role/x"))), YES),
        (foreign(), bucket(allow(**aws(f"arn:aws:iam::{FOREIGN}:role/x")), deny(Principal="*")), NO),
        (foreign(), bucket(allow(Principal="*")), YES),
        (foreign(), bucket(allow(Principal="*"), blocks_public=True), NO),
        (foreign(), bucket(allow(**aws(FOREIGN)), blocks_public=True), YES),
        (foreign(), bucket(allow(Principal="*", **when("StringEquals", "aws:PrincipalAccount", OWN))), NO),
        (foreign(), bucket(allow(Principal="*", **when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{FOREIGN}:role/A*"))), YES),
        (foreign(), bucket(allow(Principal="*", **when("StringEquals", "aws:PrincipalOrgID", "o-1"))), UNKNOWN),
        (Caller("anonymous"), bucket(allow(Principal="*")), YES),
        (Caller("anonymous"), bucket(allow(**aws(ROOT))), NO),
        (Caller("anonymous"), bucket(allow(Principal="*"), blocks_public=True), NO),
        (Caller("anonymous"), bucket(allow(Principal="*", **when("Null", "aws:PrincipalArn", "false"))), NO),
        (Caller("service", "appstream.amazonaws.com"), bucket(allow(Principal={"Service": "appstream.amazonaws.com"})), YES),
        (Caller("service", "ec2.amazonaws.com"), bucket(allow(Principal={"Service": "appstream.amazonaws.com"})), NO),
    ],
)  # fmt: skip
def test_who_reads_files(caller: Caller, target: Target, expected: Access) -> None:
    assert decide(caller, READ, target) is expected


KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/1"


@pytest.mark.parametrize(
    ("caller", "statements", "expected"),
    [
        (role(identity=policy(allow("kms:*"))), [], NO),
        (role(identity=policy(allow("kms:*"))), [allow(**aws(ROOT))], YES),
        (role(), [allow(**aws(ROOT))], NO),
        (role(), [allow(**aws(ROLE))], YES),
        (role(boundary=EC2), [allow(**aws(ROLE))], NO),
        (foreign(), [allow(**aws(f"arn:aws:iam::{FOREIGN}:root"))], YES),
        (foreign(), [allow(**aws(ROOT))], NO),
        (root(), [], NO),
        (root(), [allow(**aws(ROOT))], YES),
    ],
)
def test_who_decrypts(caller: Caller, statements: list[Any], expected: Access) -> None:
    target = Target(KEY, OWN, policy(*statements), policy_decides=True)
    assert decide(caller, "kms:Decrypt", target) is expected


def test_who_assumes_a_role() -> None:
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"})
    target = Target(ROLE, OWN, trust, policy_decides=True)
    assert decide(user(), "sts:AssumeRole", target) is NO
    assert decide(user(identity=EVERYTHING), "sts:AssumeRole", target) is YES
    assert decide(foreign(), "sts:AssumeRole", target) is NO
    assert decide(root(), "sts:AssumeRole", target) is NO, "root users assume no roles"


EXCEPTIONS = [
    ("ArnNotLike", "arn:aws:iam::*:*", "nobody"),
    ("ArnNotLike", f"arn:aws:iam::{OWN}:*", "nobody of the account"),
    ("ArnNotLike", f"arn:aws:iam::{OWN}:role/*", "no role"),
    ("ArnNotLike", [f"arn:aws:iam::{OWN}:role/Admin", f"arn:aws:iam::{OWN}:role/*"], "no role"),
    ("StringNotLike", "*:role/*", "no role"),
    ("StringNotLike", "**", "nobody"),
    ("StringNotLike", "arn:*", "nobody"),
    ("ArnNotLike", f"arn:aws:iam::{OWN}:role/Admin*", "everybody"),
    ("ForAnyValue:ArnNotLike", f"arn:aws:iam::{OWN}:role/Admin*", "everybody"),
    ("ForAllValues:ArnNotLike", f"arn:aws:iam::{OWN}:role/Admin*", "everybody"),
]


@pytest.mark.parametrize(("operator", "values", "who"), EXCEPTIONS, ids=str)
def test_whom_a_denial_leaves_over(operator: str, values: Any, who: str) -> None:
    target = bucket(deny(Principal="*", **when(operator, "aws:PrincipalArn", values)))
    callers = synthetic_callers(OWN)
    found = {name: denied(caller, READ, target) for name, caller in callers.items()}
    own = ["any other role", "any other user", "the root user"]
    expected = {
        "nobody": [],
        "nobody of the account": ["any other account"],
        "no role": ["any other user", "the root user", "any other account"],
        "everybody": [*own, "any other account"],
    }[who]
    assert [name for name in [*own, "any other account"] if found[name] is YES] == expected or (
        who == "no role" and operator == "StringNotLike"
    )
    assert found["any other role"] is (YES if who == "everybody" else NO)


def test_what_is_no_arn_of_six_parts_is_not_known() -> None:
    target = bucket(deny(Principal="*", **when("ArnNotLike", "aws:PrincipalArn", "arn:*")))
    assert denied(role(), READ, target) is UNKNOWN
    assert denied(role(), READ, target, ordinary=True) is NO


def test_user_ids_that_are_everybody() -> None:
    callers = synthetic_callers(OWN)
    for values, roles, users in (
        ("A*", NO, NO),
        ("AROA*", NO, YES),
        ("*:*", NO, YES),
        ("AROAX:*", YES, YES),
    ):
        target = bucket(deny(Principal="*", **when("StringNotLike", "aws:userId", values)))
        assert denied(callers["any other role"], READ, target) is roles, values
        assert denied(callers["any other user"], READ, target) is users, values


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (deny(Principal="*", **when("Bool", "aws:SecureTransport", "false")), YES),
        (deny(Principal="*", **when("StringEquals", "aws:SecureTransport", "false")), YES),
        (deny(Principal="*", **when("StringNotEquals", "aws:SecureTransport", "true")), YES),
        (deny(Principal="*", **when("NumericLessThanIfExists", "s3:TlsVersion", "1.2")), YES),
        (deny(Principal="*", **when("NumericLessThan", "s3:TlsVersion", "1.2")), NO),
        (deny(Principal="*"), YES),
        (deny(Principal="*", **when("Bool", "aws:SecureTransport", "true")), NO),
        ({"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}, YES),
        ({"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": f"{BUCKET}/a/*"}, NO),
        (deny("s3:GetObject", f"{BUCKET}/a/*", Principal="*"), NO),
        (deny(Principal="*", Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}), NO),
    ],
)  # fmt: skip
def test_plain_http(statement: Any, expected: Access) -> None:
    for caller in synthetic_callers(OWN).values():
        assert denied(caller, READ, bucket(statement), PLAIN_HTTP) is expected


@pytest.mark.parametrize(
    ("condition", "expected", "in_general"),
    [
        (when("ArnLike", "aws:PrincipalArn", "arn:aws:*"), UNKNOWN, YES),
        (when("StringLike", "aws:PrincipalArn", "arn:aws:*"), YES, YES),
        (when("ArnLike", "aws:PrincipalArn", "arn:*:iam::*:*"), YES, YES),
        (when("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]), YES, YES),
        (when("IpAddress", "aws:SourceIp", ["0.0.0.0/1"]), UNKNOWN, NO),
        (when("NotIpAddress", "aws:SourceIp", ["192.0.2.0/24"]), YES, YES),
        (when("StringEquals", "aws:RequestedRegion", "eu-west-1"), YES, YES),
        (when("StringEquals", "aws:ResourceAccount", FOREIGN), NO, NO),
        (when("StringNotEquals", "s3:ResourceAccount", OWN), NO, NO),
        (when("StringEquals", "aws:SourceVpce", "vpce-1"), UNKNOWN, NO),
        (when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1"), YES, YES),
        (when("StringNotEquals", "aws:ResourceTag/team", "a"), UNKNOWN, YES),
        (when("StringEquals", "aws:ResourceTag/team", "a"), UNKNOWN, NO),
        (when("Bool", "aws:MultiFactorAuthPresent", "true"), YES, YES),
        (when("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"), YES, YES),
        (when("StringLike", "aws:UserAgent", "console*"), YES, YES),
    ],
)
def test_conditions_of_an_allow(condition: Any, expected: Access, in_general: Access) -> None:
    caller = role(identity=policy(allow("s3:*", **condition)))
    assert decide(caller, READ, bucket()) is expected
    assert decide(caller, READ, bucket(), ordinary=True) is in_general


@pytest.mark.parametrize(
    ("statement", "in_general"),
    [
        (allow(**when("IpAddressIfExists", "aws:SourceIp", "192.0.2.0/24")), YES),
        (allow(Condition={"IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"}, "StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}), NO),
        (allow(Condition={"IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"}, "Null": {"aws:SourceVpce": "true"}}), NO),
        (allow(Condition={"Null": {"aws:SourceIp": "true", "aws:VpcSourceIp": "false"}}), YES),
        (allow(Condition={"Null": {"aws:SourceIp": "true", "aws:VpcSourceIp": "true"}}), NO),
        (allow(Condition={"Null": {"aws:SourceIp": "false", "aws:SourceVpce": "false"}}), NO),
        (allow(Condition={"Null": {"aws:SourceVpc": "true", "aws:SourceVpce": "false"}}), NO),
    ],
)  # fmt: skip
def test_a_request_comes_over_the_internet_or_through_an_endpoint(
    statement: Any, in_general: Access
) -> None:
    caller = role(identity=policy(statement))
    assert decide(caller, READ, bucket(), ordinary=True) is in_general


def test_what_is_chosen_is_chosen_once() -> None:
    """Plain HTTP opens one statement and TLS avoids the other, yet no request does both."""
    plain = when("Bool", "aws:SecureTransport", "false")
    caller = role(identity=policy(allow("s3:*", **plain), deny("s3:*", **plain)))
    assert decide(caller, READ, bucket()) is NO


def test_what_is_known_of_caller_and_target_counts() -> None:
    tagged = policy(allow("s3:*", **when("StringEquals", "aws:PrincipalTag/team", "a")))
    assert decide(role(identity=tagged), READ, bucket()) is UNKNOWN
    assert (
        decide(role(identity=tagged, context={"aws:principaltag/team": "a"}), READ, bucket()) is YES
    )
    assert (
        decide(role(identity=tagged, context={"aws:principaltag/team": ABSENT}), READ, bucket())
        is NO
    )
    regions = policy(allow("s3:*", **when("StringEquals", "aws:RequestedRegion", "eu-west-1")))
    assert (
        decide(
            role(identity=regions), READ, bucket(), {"aws:requestedregion": Some(("eu-west-1",))}
        )
        is YES
    )


def test_variables() -> None:
    own = allow("s3:*", f"{BUCKET}/${{aws:username}}/*")
    assert decide(user(identity=policy(own)), READ, Target(f"{BUCKET}/jane/a", OWN)) is YES
    assert decide(user(identity=policy(own)), READ, Target(f"{BUCKET}/john/a", OWN)) is NO
    assert decide(user(identity=policy(own)), READ, bucket()) is UNKNOWN
    assert decide(role(identity=policy(own)), READ, Target(f"{BUCKET}/jane/a", OWN)) is NO
    old = policy(own, version="2008-10-17")
    assert decide(user(identity=old), READ, Target(f"{BUCKET}/jane/a", OWN)) is NO


def test_who_is_not_a_principal() -> None:
    def but(*names: str) -> Target:
        return bucket(
            {"Effect": "Deny", "NotPrincipal": {"AWS": list(names)}, "Action": "*", "Resource": "*"}
        )

    assert denied(user(), READ, but(USER, ROOT)) is NO
    assert denied(user(), READ, but(USER)) is UNKNOWN
    assert denied(user(), READ, but(ROOT)) is YES
    assert denied(user(), READ, but("*")) is NO
    assert denied(user(boundary=S3), READ, but(USER, ROOT)) is YES
    assert denied(role(), READ, but(USER, ROOT)) is YES
    assert denied(role(), READ, but(ROLE, ROOT)) is UNKNOWN
    assert denied(root(), READ, but(ROOT)) is NO
    assert denied(foreign(), READ, but(USER, ROOT)) is YES


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow(Principal="*"), True),
        (allow(Principal={"AWS": "*"}), True),
        (deny(Principal="*"), False),
        (allow(**aws(OWN, ROLE)), False),
        (allow(Principal="*", **when("IpAddress", "aws:SourceIp", ["192.0.2.0/24"])), False),
        (allow(Principal="*", **when("IpAddress", "aws:SourceIp", ["192.0.2.0/24", "8.0.0.0/7"])), True),
        (allow(Principal="*", **when("IpAddress", "aws:SourceIp", ["2001:db8::/31"])), True),
        (allow(Principal="*", **when("StringEquals", "aws:SourceVpce", "vpce-1")), False),
        (allow(Principal="*", **when("StringLike", "aws:SourceVpce", "vpce-*")), True),
        (allow(Principal="*", **when("StringNotEquals", "aws:SourceVpce", "vpce-1")), True),
        (allow(Principal="*", **when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1")), True),
        (allow(Principal="*", **when("Bool", "aws:SecureTransport", "true")), True),
        (allow(Principal="*", **when("StringEquals", "aws:PrincipalOrgID", "o-1")), False),
        (allow(Principal="*", **when("StringLike", "aws:userid", "AROA1:*")), True),
        (allow(Principal="*", **when("StringLike", "s3:DataAccessPointArn", f"arn:aws:s3:eu-west-1:{OWN}:accesspoint/*")), False),
        (allow(Principal="*", **when("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:*:*:accesspoint/*")), True),
    ],
)  # fmt: skip
def test_what_s3_calls_public(statement: Any, expected: bool) -> None:
    assert is_public(policy(statement)) is expected
    assert is_public(policy(statement, allow(**aws(FOREIGN)))) is expected


def test_an_own_part_of_a_bucket_is_not_the_bucket() -> None:
    """A folder named by a variable is the caller's own; one named by its name is a part of it."""
    for resource, expected in (
        (f"{BUCKET}/user/${{aws:userid}}/*", UNKNOWN),
        (f"{BUCKET}/user/*", YES),
        (f"{BUCKET}/${{*}}/*", YES),
        ("arn:aws:s3:::appstream2-36fb080bb8-*-${aws:PrincipalAccount}/*", YES),
        ("arn:aws:s3:::appstream2-36fb080bb8-*-${aws:principalaccount}/user/*", YES),
        (
            "arn:aws:s3:::appstream2-36fb080bb8-${aws:RequestedRegion}-${aws:PrincipalAccount}/*",
            UNKNOWN,
        ),
        ("arn:aws:s3:::appstream2-36fb080bb8-*-${aws:PrincipalAccount}/${aws:userid}/*", UNKNOWN),
        ("arn:aws:s3:::appstream-logs-*-${aws:PrincipalAccount}/*", NO),
    ):
        assert decide(role(identity=policy(allow("s3:*", resource))), READ, bucket()) is expected


def test_whose_a_bucket_is_may_not_be_known() -> None:
    for statements, expected in (
        ([], UNKNOWN),
        ([allow(**aws(ROLE))], YES),
        ([deny(**aws(ROLE))], NO),
    ):
        target = Target(FILES, "", policy(*statements))
        assert decide(role(identity=S3), READ, target) is expected


def test_a_key_whose_policy_was_not_seen() -> None:
    target = Target(KEY, OWN, None, policy_decides=True)
    assert decide(role(identity=policy(allow("kms:*"))), "kms:Decrypt", target) is UNKNOWN
    assert decide(role(identity=policy(deny("kms:*"))), "kms:Decrypt", target) is NO


def test_anonymous_callers_have_no_keys_of_identities() -> None:
    for key in ("aws:PrincipalTag/team", "aws:PrincipalOrgID", "aws:MultiFactorAuthPresent"):
        target = bucket(allow(Principal="*", **when("StringLike", key, "*")))
        assert decide(Caller("anonymous"), READ, target) is NO
        assert decide(Caller("anonymous"), READ, target, {key.lower(): "true"}) is YES


def test_what_a_condition_limits_to_an_organisation() -> None:
    """A Deny of all but the own organisation leaves over who is in it."""
    target = bucket(deny(Principal="*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-1")))
    inside, outside = ({"aws:principalorgid": one} for one in ("o-1", "o-2"))
    assert denied(role(context=inside), READ, target) is NO
    assert denied(role(context=outside), READ, target) is YES
    assert denied(role(), READ, target) is UNKNOWN
    assert denied(Caller("anonymous"), READ, target) is YES
