"""Conditions held against requests of which all, some or nothing is known."""

from __future__ import annotations

from typing import Any

import pytest

from kit.access.conditions import ABSENT, CHOSEN, PLAIN_HTTP, UNKNOWN, Choice, Some, fill, holds
from kit.access.documents import Condition, PolicyError, read_statements

ME = "arn:aws:iam::123456789012:role/team/Helpdesk"
KNOWN: dict[str, Any] = {
    "aws:principalarn": ME,
    "aws:username": "jane",
    "aws:principaltag/team": "Design",
    "aws:sourceip": "192.0.2.10",
    "aws:multifactorauthage": "3600",
    "aws:currenttime": "2026-11-28T12:00:00Z",
    "aws:epochtime": "1795867200",
    "aws:securetransport": "true",
    "aws:tagkeys": ("team", "cost"),
    "aws:calledvia": (),
    "aws:sourcevpce": ABSENT,
    "s3:prefix": "home/a*b",
}


def parts(operator: str, key: str, *values: Any) -> tuple[Condition, ...]:
    statement = {"Effect": "Allow", "Condition": {operator: {key: list(values)}}}
    (read,) = read_statements({"Version": "2012-10-17", "Statement": statement})
    return read.conditions


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringEquals", "aws:PrincipalTag/team", ["Design"], True),
        ("stringequals", "AWS:PRINCIPALTAG/TEAM", ["Design"], True),
        ("StringEquals", "aws:PrincipalTag/team", ["design"], False),
        ("StringEquals", "aws:PrincipalTag/team", ["De*"], False),
        ("StringEquals", "aws:PrincipalTag/team", ["a", "Design"], True),
        ("StringEquals", "aws:PrincipalTag/team", [], False),
        ("StringNotEquals", "aws:PrincipalTag/team", ["a", "Design"], False),
        ("StringNotEquals", "aws:PrincipalTag/team", ["a", "b"], True),
        ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", ["DESIGN"], True),
        ("StringNotEqualsIgnoreCase", "aws:PrincipalTag/team", ["DESIGN"], False),
        ("StringLike", "aws:PrincipalTag/team", ["De?ign", "x"], True),
        ("StringLike", "s3:prefix", ["home/a${*}b"], True),
        ("StringEquals", "s3:prefix", ["home/a${*}b"], True),
        ("StringLike", "s3:prefix", ["home/${*}"], False),
        ("StringLike", "s3:prefix", ["home/a?b"], True),
        ("StringNotLike", "aws:PrincipalTag/team", ["*"], False),
        ("StringEquals", "aws:username", ["${aws:username}"], True),
        ("StringLike", "aws:PrincipalTag/team", ["${aws:SourceVpce, 'Des'}*"], True),
        ("StringLike", "aws:PrincipalTag/team", ["${aws:SourceVpce}*"], False),
        ("StringNotLike", "aws:PrincipalTag/team", ["${aws:SourceVpce}*"], None),
        ("ArnLike", "aws:PrincipalArn", ["arn:aws:iam::*:role/*"], True),
        ("ArnEquals", "aws:PrincipalArn", ["arn:aws:iam::*:role/*"], True),
        ("ArnLike", "aws:PrincipalArn", ["arn:aws:iam::*:*"], True),
        ("ArnLike", "aws:PrincipalArn", ["arn:*:*:*:*:*"], True),
        ("ArnLike", "aws:PrincipalArn", ["arn:aws:*:role/team/Helpdesk:x:y"], False),
        ("ArnLike", "aws:PrincipalArn", ["arn:aws:iam:*123456789012:role/team/*"], None),
        ("ArnLike", "aws:PrincipalArn", ["arn:*"], None),
        ("ArnLike", "aws:PrincipalArn", ["*"], True),
        ("ArnNotLike", "aws:PrincipalArn", ["*"], False),
        ("ArnNotLike", "aws:PrincipalArn", ["arn:*"], None),
        ("ArnNotEquals", "aws:PrincipalArn", [ME], False),
        ("NumericLessThan", "aws:MultiFactorAuthAge", ["3600"], False),
        ("NumericLessThanEquals", "aws:MultiFactorAuthAge", [3600], True),
        ("NumericEquals", "aws:MultiFactorAuthAge", ["3600.0"], True),
        ("NumericNotEquals", "aws:MultiFactorAuthAge", ["1", "2"], True),
        ("NumericGreaterThan", "aws:MultiFactorAuthAge", ["5000", "60"], True),
        ("NumericLessThan", "aws:username", ["5"], False),
        ("DateLessThan", "aws:CurrentTime", ["2026-11-28T12:00:01Z"], True),
        ("DateLessThan", "aws:CurrentTime", ["2026-11-28T14:00:00+03:00"], False),
        ("DateGreaterThan", "aws:CurrentTime", ["2026-11-28"], True),
        ("DateGreaterThan", "aws:CurrentTime", ["2026"], True),
        ("DateGreaterThan", "aws:CurrentTime", ["2026-12"], False),
        ("DateEquals", "aws:CurrentTime", ["1795867200"], True),
        ("DateEquals", "aws:EpochTime", ["2026-11-28T12:00:00Z"], True),
        ("DateNotEquals", "aws:EpochTime", ["2026-11-28T12:00:00Z"], False),
        ("Bool", "aws:SecureTransport", [True], True),
        ("Bool", "aws:SecureTransport", ["FALSE"], False),
        ("Bool", "aws:SecureTransport", ["true", "false"], True),
        ("BinaryEquals", "aws:username", ["amFuZQ=="], False),
        ("IpAddress", "aws:SourceIp", ["192.0.2.0/24"], True),
        ("IpAddress", "aws:SourceIp", ["192.0.2.10"], True),
        ("IpAddress", "aws:SourceIp", ["0.0.0.0/0"], True),
        ("IpAddress", "aws:SourceIp", ["::/0"], False),
        ("IpAddress", "aws:SourceIp", ["no address"], False),
        ("NotIpAddress", "aws:SourceIp", ["192.0.2.0/25", "10.0.0.0/8"], False),
        ("Null", "aws:SourceVpce", ["true"], True),
        ("Null", "aws:SourceVpce", [False], False),
        ("Null", "aws:username", ["false"], True),
        ("Null", "aws:CalledVia", ["true"], True),
        # What is absent matches nothing; a negated operator holds.
        ("StringEquals", "aws:SourceVpce", ["a"], False),
        ("StringNotEquals", "aws:SourceVpce", ["a"], True),
        ("ArnNotLike", "aws:SourceVpce", [ME], True),
        ("NotIpAddress", "aws:SourceVpce", ["10.0.0.0/8"], True),
        ("Bool", "aws:SourceVpce", ["false"], False),
        ("StringEqualsIfExists", "aws:SourceVpce", ["a"], True),
        ("StringEqualsIfExists", "aws:username", ["a"], False),
        ("NumericLessThanIfExists", "aws:SourceVpce", ["1.2"], True),
        ("ForAllValues:StringEquals", "aws:SourceVpce", ["a"], True),
        ("ForAnyValue:StringEquals", "aws:SourceVpce", ["a"], False),
        ("ForAnyValue:StringNotEquals", "aws:SourceVpce", ["a"], False),
        ("ForAnyValue:StringEqualsIfExists", "aws:SourceVpce", ["a"], False),
        # A key of one value: as the plain operator.
        ("ForAnyValue:ArnNotLike", "aws:PrincipalArn", [ME], False),
        ("ForAllValues:ArnNotLike", "aws:PrincipalArn", [ME], False),
        ("ForAllValues:ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::*:user/*"], True),
        ("ForAnyValue:ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::*:user/*"], True),
        # A key of several values.
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["cost", "x"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["cost", "x"], False),
        ("ForAllValues:StringLike", "aws:TagKeys", ["co*", "te*"], True),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["cost"], True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["cost"], False),
        ("ForAllValues:StringEquals", "aws:CalledVia", ["x"], True),
        ("ForAnyValue:StringEquals", "aws:CalledVia", ["x"], False),
        ("StringRhymes", "aws:username", ["jane"], None),
    ],
)  # fmt: skip
def test_what_is_known(operator: str, key: str, values: list[Any], expected: bool | None) -> None:
    assert holds(parts(operator, key, *values), KNOWN) is expected


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringLike", ["*"], Some(), True),
        ("StringLike", ["**", "a"], Some(), True),
        ("StringLike", ["*"], UNKNOWN, None),
        ("StringLikeIfExists", ["*"], UNKNOWN, True),
        ("StringLike", ["a*"], Some(), None),
        ("StringNotLike", ["*"], Some(), False),
        ("StringNotLike", ["a"], Some(), None),
        ("StringNotLike", ["a"], Some(ordinary=True), True),
        ("StringEquals", ["a"], Some(ordinary=True), False),
        ("StringEquals", ["a"], Some(("b*",)), False),
        ("StringLike", ["AROA*"], Some(("AROA1:*",)), True),
        ("StringLike", ["AROA1:jane"], Some(("AROA1:*",)), None),
        ("StringEquals", ["eu-west-1", "eu-west-2"], Some(("eu-west-1", "eu-west-2")), True),
        ("StringEquals", ["eu-west-1"], Some(("eu-west-1", "eu-west-2")), None),
        ("StringEquals", ["us-east-1"], Some(("eu-west-1", "eu-west-2")), False),
        ("ArnLike", ["arn:*:iam::*:*"], Some(("arn:aws:iam::123456789012:*",)), True),
        ("ArnLike", ["arn:aws:iam::*:role/*"], Some(("arn:aws:iam::123456789012:*",)), None),
        ("ArnLike", ["arn:aws:s3:::*"], Some(("arn:aws:iam::123456789012:*",)), False),
        ("ArnLike", ["arn:*:*:*:*:*"], Some(), True),
        ("Bool", ["true", "false"], Some(), True),
        ("Bool", ["true"], Some(), None),
        ("IpAddress", ["0.0.0.0/1", "128.0.0.0/1"], Some(("*.*.*.*",)), True),
        ("IpAddress", ["0.0.0.0/1", "128.0.0.0/2"], Some(("*.*.*.*",)), None),
        ("IpAddress", ["0.0.0.0/0"], Some(("*:*",)), False),
        ("IpAddress", ["::/1", "8000::/1"], Some(("*:*",)), True),
        ("NotIpAddress", ["0.0.0.0/0", "::/0"], Some(), False),
        ("NumericLessThan", ["5"], Some(), None),
        ("DateLessThan", ["x"], Some(), False),
        ("Null", ["true"], Some(), False),
        ("Null", ["true"], UNKNOWN, None),
        ("StringEquals", ["a"], CHOSEN, None),
        ("StringLike", ["*"], Choice(("a", "b")), True),
        ("StringEquals", ["a"], Choice(("a", ABSENT)), None),
        ("ForAllValues:StringLike", ["*"], UNKNOWN, True),
        ("ForAnyValue:StringLike", ["*"], UNKNOWN, None),
    ],
)
def test_what_is_not_known(operator: str, values: list[Any], given: Any, expected: Any) -> None:
    assert holds(parts(operator, "aws:x", *values), {"aws:x": given}) is expected


def test_variables_that_are_not_known_decide_nothing() -> None:
    own = parts("StringEquals", "aws:PrincipalTag/team", "${aws:ResourceTag/team}")
    assert holds(own, KNOWN) is None
    assert holds(own, {**KNOWN, "aws:resourcetag/team": "Design"}) is True
    assert holds(own, {**KNOWN, "aws:resourcetag/team": "Sales"}) is False
    assert holds(parts("StringEquals", "aws:username", "x${aws:ResourceTag/a}"), KNOWN) is False


def test_variables_in_texts() -> None:
    assert fill("${aws:UserName}/${*}${$}", KNOWN) == ("jane/\ue000$", True)
    assert fill("${s3:prefix}", KNOWN) == ("home/a\ue000b", True), "a star of a value means itself"
    assert fill("a/${aws:ResourceTag/x}", KNOWN) == ("a/*", False)
    assert fill("a/${aws:ResourceTag/x", KNOWN) == ("a/${aws:ResourceTag/x", True)


def test_plain_http_has_no_version_of_tls() -> None:
    assert holds(parts("NumericLessThanIfExists", "s3:TlsVersion", "1.2"), PLAIN_HTTP) is True
    assert holds(parts("NumericLessThan", "s3:TlsVersion", "1.2"), PLAIN_HTTP) is False


def test_all_parts_have_to_hold() -> None:
    yes, no = parts("Bool", "aws:SecureTransport", "true"), parts("Null", "aws:username", "true")
    unknown = parts("Bool", "aws:x", "true")
    assert holds((*yes, *yes), KNOWN) is True
    assert holds((*yes, *unknown), KNOWN) is None
    assert holds((*yes, *unknown, *no), KNOWN) is False
    assert holds((), KNOWN) is True


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("no JSON", "not JSON"),
        ("[]", "a list given, an object expected"),
        (None, "nothing given"),
        ({}, "no Statement"),
        ({"Statement": None}, "no Statement"),
        ({"statement": []}, "no Statement"),
        ({"message": "Forbidden"}, "no Statement"),
        ({"Statement": ["x"]}, "Statement: text given"),
        ({"Statement": {"Effect": "deny"}}, "Effect: 'deny' given, Allow or Deny expected"),
        ({"Statement": {}}, "Effect: None given"),
        ({"Statement": {"Effect": "Deny", "condition": {}}}, "Statement: 'condition' given, Sid"),
        ({"Statement": {"Effect": "Allow", "NotCondition": {}}}, "'NotCondition' given"),
        ({"Statement": {"Effect": "Allow", "Action": [{}]}}, "Action: an object given"),
        ({"Statement": {"Effect": "Allow", "NotAction": {"a": 1}}}, "NotAction: an object given"),
        ({"Statement": {"Effect": "Allow", "Resource": [5]}}, "Resource: a number given"),
        ({"Statement": {"Effect": "Allow", "Principal": {"AWS": [None]}}}, "Principal: nothing given"),
        ({"Statement": {"Effect": "Allow", "Condition": "x"}}, "Condition: text given"),
        ({"Statement": {"Effect": "Allow", "Condition": {"Bool": "x"}}}, "Condition Bool: text given"),
        ({"Statement": {"Effect": "Allow", "Condition": {"Bool": {"a": [{}]}}}}, "Bool a: an object"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*"}}, "together with NotAction"),
    ],
)  # fmt: skip
def test_what_has_not_the_shape_of_a_policy(document: object, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        read_statements(document)


def test_statements_are_read_alike_however_they_are_written() -> None:
    assert read_statements({"Version": "2012-10-17", "Statement": []}) == ()
    (one,) = read_statements('{"Statement": {"Effect": "Deny", "Action": "*", "Sid": "a"}}')
    assert (one.effect, one.actions, one.resources, one.principals, one.sid) == (
        "Deny", ("*",), None, None, "a")  # fmt: skip
    assert not one.has_variables, "without a version of 2012 there are none"
