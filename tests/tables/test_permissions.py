"""What policies allow: policies with a known answer."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import pytest

from kit.access.actions import Way
from kit.access.documents import read_statements
from kit.access.evaluator import Caller, Target
from kit.access.patterns import overlaps
from kit.tables.inventory import Thing
from kit.tables.permissions import Capability, _lets_in

STACK = "arn:aws:appstream:eu-west-1:111122223333:stack/finance"
OTHER = "arn:aws:appstream:eu-west-1:111122223333:stack/design"
FILES = "arn:aws:s3:::appstream2-36fb080bb8-eu-west-1-111122223333/*"
BUCKET = FILES.removesuffix("/*")
WANTED = {
    "appstream:UpdateStack": (STACK, OTHER),
    "s3:GetObject": (FILES,),
    "s3:PutBucketPolicy": (BUCKET,),
    "appstream:CreateUser": ("*",),
}
CHANGE = {("appstream:UpdateStack", STACK), ("appstream:UpdateStack", OTHER)}
ONE = {("appstream:UpdateStack", STACK)}
READ = {("s3:GetObject", FILES)}
PROTECT = {("s3:PutBucketPolicy", BUCKET)}
USER = {("appstream:CreateUser", "*")}
ALL = CHANGE | READ | PROTECT | USER


def allow(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def deny(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return allow(action, resource, **members) | {"Effect": "Deny"}


def but(key: str, value: Any, effect: str = "Allow") -> dict[str, Any]:
    """A statement on all but what is named."""
    statement = allow() | {"Effect": effect}
    del statement[key.removeprefix("Not")]
    return statement | {key: value}


def when(operator: str, key: str, value: Any = "x") -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


ME = "arn:aws:iam::111122223333:role/me"


@dataclass(frozen=True)
class Rights:
    """The pairs of action and ARN that are allowed to everybody who holds the policies, or to some."""

    open: frozenset[Any] = frozenset()
    narrowed: frozenset[Any] = frozenset()


def rights(
    *statements: dict[str, Any], boundary: Any = None, wanted: Any = WANTED, wholly: bool = False
) -> Rights:
    caller = Caller(
        "role",
        ME,
        "111122223333",
        identity=read(statements),
        boundary=None if boundary is None else read(boundary),
    )
    held: dict[str, set[Any]] = {"open": set(), "narrowed": set()}
    for action, arns in wanted.items():
        for arn in arns:
            here = {"aws:requestedregion": "eu-west-1"}
            thing = Thing("thing", Target(arn, "111122223333", wholly=wholly, context=here))
            one = Capability("", (Way(((action, "thing"),)),), (thing,)).held(caller)
            for name, pairs in held.items():
                pairs |= {(action, arn)} if getattr(one, name) else set()
    return Rights(frozenset(held["open"]), frozenset(held["narrowed"]))


def read(statements: Any) -> Any:
    return read_statements({"Version": "2012-10-17", "Statement": list(statements)})


ASKED: list[tuple[str, list[dict[str, Any]], set[Any]]] = [
    ("nothing", [], set()),
    ("everything", [allow()], ALL),
    ("case of actions does not matter", [allow("AppStream:UPDATEstack")], CHANGE),
    ("a wildcard in any case", [allow(["APPSTREAM:*", "s3:put*"])], CHANGE | PROTECT | USER),
    ("one character", [allow("s3:Get?bject")], READ),
    ("another service", [allow("ec2:*")], set()),
    ("a longer name", [allow("s3:GetObjectAcl")], set()),
    ("read only", [allow(["s3:Get*", "appstream:Describe*"])], READ),
    ("any region's", [allow("appstream:*", "arn:aws:appstream:*:*:*")], CHANGE),
    ("one resource", [allow("appstream:*", STACK)], ONE),
    ("a pattern of resources", [allow("appstream:*", "arn:aws:appstream:*:*:stack/f*")], ONE),
    ("case of resources does matter", [allow("appstream:*", STACK.upper())], set()),
    ("a resource that is not there", [allow("*", STACK + "-2")], set()),
    ("what has no resource wants all", [allow("appstream:CreateUser", "arn:aws:*")], set()),
    ("a folder of the bucket", [allow("s3:GetObject", f"{BUCKET}/user/*")], READ),
    ("the bucket alone", [allow("s3:GetObject", BUCKET)], set()),
    ("all but IAM", [but("NotAction", "iam:*")], ALL),
    ("all but AppStream and S3", [but("NotAction", ["appstream:*", "S3:*"])], set()),
    ("all but one resource", [but("NotResource", OTHER)], ALL - (CHANGE - ONE)),
    ("all but the bucket", [but("NotResource", f"{BUCKET}*")], CHANGE | USER),
    ("all but a folder leaves the rest", [but("NotResource", f"{BUCKET}/a/*")], ALL),
    ("all but one resource, and another elsewhere", [
        but("NotResource", OTHER), allow("*", "arn:aws:s3:::elsewhere")], ALL - (CHANGE - ONE)),
    ("denied", [allow(), deny("s3:*")], CHANGE | USER),
    ("denied before it is allowed", [deny("S3:GET*"), allow()], ALL - READ),
    ("denied elsewhere", [allow(), deny("s3:*", "arn:aws:s3:::other*")], ALL),
    ("denied in a folder, not in the rest", [allow(), deny("s3:*", f"{BUCKET}/a/*")], ALL),
    ("denied but for some actions", [allow(), but("NotAction", "s3:*", "Deny")], READ | PROTECT),
    ("denied but for one resource", [allow(), but("NotResource", STACK, "Deny")], ONE),
    ("denied but for a folder, which is left", [
        allow("s3:GetObject"), but("NotResource", f"{BUCKET}/a/*", "Deny")], READ),
    ("denied by a condition that others meet", [
        allow(), deny(**when("Bool", "aws:MultiFactorAuthPresent", "false"))], ALL),
    ("denied to some tags alone", [
        allow(), deny(**when("StringEquals", "aws:ResourceTag/secret", "yes"))], ALL),
    ("a statement without resource", [{"Effect": "Allow", "Action": "*"}], set()),
    ("a statement without action", [{"Effect": "Allow", "Resource": "*"}], set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "expected"), [pytest.param(s, e, id=words) for words, s, e in ASKED]
)
def test_what_is_allowed(statements: list[dict[str, Any]], expected: set[Any]) -> None:
    assert rights(*statements) == Rights(frozenset(expected))


NARROWS = [
    ("StringEquals", "appstream:userId", "${saml:sub}"),
    ("StringEquals", "saml:sub", "jane"),
    ("StringEquals", "cognito-identity.amazonaws.com:sub", "eu-west-1:1"),
    ("StringEquals", "aws:SourceIdentity", "jane"),
    ("stringlike", "AWS:PrincipalTag/team", "design-*"),
    ("ForAnyValue:StringEquals", "aws:ResourceTag/team", ["a", "b"]),
    ("IpAddress", "aws:SourceIp", ["192.0.2.0/24", "2001:db8::/32"]),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
    ("StringEquals", "aws:PrincipalOrgID", "o-1"),
]
NARROWS_NOTHING = [
    ("Bool", "aws:SecureTransport", "true"),
    ("Bool", "aws:MultiFactorAuthPresent", "true"),
    ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
    ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"),
    ("StringLike", "aws:UserAgent", "console*"),
    ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
    ("StringEquals", "aws:PrincipalAccount", "111122223333"),
    ("StringEquals", "SAML:sub_type", "persistent"),
    ("StringEquals", "saml:namequalifier", "8Jf0"),
    ("StringEquals", "cognito-identity.amazonaws.com:aud", "eu-west-1:pool"),
    ("ForAnyValue:StringLike", "cognito-identity.amazonaws.com:amr", "authenticated"),
    ("StringEquals", "accounts.google.com:aud", "app"),
    ("StringLike", "appstream:userId", "*"),
    ("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
    ("IpAddress", "aws:SourceIp", ["192.0.2.0/24", "::/0"]),
    ("StringEqualsIfExists", "aws:SourceVpce", "vpce-1"),
    ("ForAllValues:StringEquals", "aws:ResourceTag/team", "a"),
    ("StringNotEquals", "aws:PrincipalTag/team", "a"),
    ("Null", "aws:PrincipalTag/team", "false"),
]


@pytest.mark.parametrize("condition", NARROWS, ids=str)
def test_conditions_that_narrow(condition: tuple[Any, ...]) -> None:
    assert rights(allow(**when(*condition))) == Rights(narrowed=frozenset(ALL))


@pytest.mark.parametrize("condition", NARROWS_NOTHING, ids=str)
def test_conditions_that_do_not(condition: tuple[Any, ...]) -> None:
    assert rights(allow(**when(*condition))) == Rights(frozenset(ALL))


def test_one_part_of_a_condition_is_enough() -> None:
    both = {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}
    assert rights(allow(Condition=both)) == Rights(narrowed=frozenset(ALL))


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
        ("StringNotEquals", "aws:SourceVpce", "vpce-1"),
        ("StringNotEqualsIfExists", "aws:SourceVpc", "vpc-1"),
        ("StringNotEquals", "aws:PrincipalTag/team", "a"),
    ],
)
def test_a_fence_leaves_a_narrow_few(operator: str, key: str, value: str) -> None:
    """Denied to all but some is allowed to some."""
    fenced = rights(allow(), deny("s3:*", **when(operator, key, value)))
    assert fenced == Rights(frozenset(CHANGE | USER), frozenset(READ | PROTECT))


def test_a_variable_in_a_resource_is_of_the_callers_own() -> None:
    own = allow("s3:GetObject", f"{BUCKET}/user/custom/${{aws:userid}}/*")
    assert rights(own) == Rights(narrowed=frozenset(READ))
    assert rights(own, allow("s3:GetObject", [f"{BUCKET}/all/*", "${aws:userid}"])).open == READ
    assert rights(allow("s3:GetObject", f"{BUCKET}/${{*}}/*")).open == READ, "an escaped star"


def test_a_boundary_limits_and_gives_nothing() -> None:
    assert rights(allow(), boundary=[allow("s3:*")]) == Rights(frozenset(READ | PROTECT))
    assert rights(allow("s3:Get*"), boundary=[allow()]) == Rights(frozenset(READ))
    assert rights(allow("s3:Get*"), boundary=[]) == Rights()
    assert rights(boundary=[allow()]) == Rights()
    assert rights(allow(), boundary=[allow(), deny("s3:*")]).open == CHANGE | USER
    near = when("StringEquals", "aws:SourceVpc", "vpc-1")
    assert rights(allow(), boundary=[allow(**near)]) == Rights(narrowed=frozenset(ALL))
    assert rights(allow(**near), boundary=[allow("s3:*")]).narrowed == READ | PROTECT


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("s3:GetObject")], True),
        ([allow("appstream:UpdateStack")], True),
        ([allow("s3:PutObject"), allow("appstream:UpdateStack", OTHER)], False),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_policy_gives_a_capability_by_any_part_of_it(
    statements: Any, expected: bool, together: bool
) -> None:
    needs = (("s3:GetObject", "files"), ("appstream:UpdateStack", "stack"))
    ways = (Way(needs),) if together else tuple(Way((need,)) for need in needs)
    things = (
        Thing("files", Target(FILES, "111122223333")),
        Thing("stack", Target(STACK, "111122223333")),
    )
    caller = Caller("role", ME, "111122223333")
    assert Capability("", ways, things).through(caller, read(statements)) is expected


def test_wholly_means_all_that_a_pattern_stands_for() -> None:
    stacks = "arn:aws:appstream:eu-west-1:111122223333:stack/*"
    wanted = {"appstream:Stream": (stacks,)}
    for resource, held in {
        "*": True,
        "arn:aws:appstream:*": True,
        "arn:aws:appstream:eu-west-1:*:stack/*": True,
        stacks: True,
        STACK: False,
        "arn:aws:appstream:eu-west-1:111122223333:stack/f*": False,
        "arn:aws:appstream:eu-west-2:*": False,
    }.items():
        found = rights(allow("appstream:*", resource), wanted=wanted, wholly=True)
        assert bool(found.open) is held, resource
    # All but one stack: whatever stacks come to be there are named, and none of them by its name.
    assert rights(but("NotResource", STACK), wanted=wanted, wholly=True).open
    assert not rights(but("NotResource", stacks), wanted=wanted, wholly=True).open


def test_overlapping_is_what_texts_say() -> None:
    """Against all texts: two patterns overlap where some text fits both."""
    texts = ["".join(t) for n in range(7) for t in itertools.product("ab", repeat=n)]
    patterns = ["".join(p) for n in range(4) for p in itertools.product("ab*?", repeat=n)]
    fits = {
        pattern: {t for t in texts if re.fullmatch(pattern.translate({42: ".*", 63: "."}), t)}
        for pattern in patterns
    }
    for one, other in itertools.product(patterns, repeat=2):
        assert overlaps(one, other) is bool(fits[one] & fits[other]), (one, other)


@pytest.mark.parametrize(
    ("principal", "kinds"),
    [
        ({"AWS": "arn:aws:iam::111122223333:root"}, {"service"}),
        ({"AWS": ME}, {"user", "role", "service"}),
        ({"AWS": "*"}, {"user", "role", "service"}),
        ({"AWS": "arn:aws:sts::111122223333:assumed-role/me/x"}, {"user", "role", "service"}),
        ({"AWS": [ME, "arn:aws:iam::111122223333:root"]}, {"user", "role", "service"}),
    ],
)
def test_users_and_roles_are_judged_where_a_policy_may_name_them(
    principal: Any, kinds: set[str]
) -> None:
    (statement,) = read([allow(Principal=principal)])
    callers = [Caller(kind, ME, "111122223333") for kind in ("user", "role", "service")]
    assert {caller.kind for caller in callers if _lets_in(statement, caller)} == kinds
