"""Bucket policies in many spellings: does this one refuse everybody plain HTTP?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.access.patterns import matches
from kit.aws.calls import GET_BUCKET_POLICY
from kit.snapshot import Trouble
from kit.tables.cells import Cell
from kit.tables.policies import denies_plain_http, read_policy
from tests.standins import HOME, tls_only

ARN = f"arn:aws:s3:::{HOME}"
GUARD = {
    "Sid": "PreventAccidentalDeletionOfBucket",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:DeleteBucket",
    "Resource": ARN,
}


def refuses(*statements: dict[str, Any]) -> bool:
    return denies_plain_http(statements, ARN)


def statement(**changes: Any) -> dict[str, Any]:
    return tls_only(HOME, **changes)["Statement"][0]


def test_the_usual_statement() -> None:
    assert refuses(statement())
    assert refuses(GUARD, statement())
    assert not refuses(GUARD)
    assert not refuses()


@pytest.mark.parametrize(
    "principal",
    ["*", ["*"], {"AWS": "*"}, {"AWS": ["*"]}, {"AWS": ["arn:aws:iam::1:root", "*"]}, {"*": "*"}],
    ids=str,
)
def test_everybody(principal: Any) -> None:
    assert refuses(statement(Principal=principal))


@pytest.mark.parametrize(
    "principal",
    [
        None,
        "arn:aws:iam::012345678901:root",
        {"AWS": "arn:aws:iam::012345678901:root"},
        {"AWS": ["arn:aws:iam::012345678901:role/a", "arn:aws:iam::012345678901:role/b"]},
        {"Service": "*"},
        {"Service": "appstream.amazonaws.com"},
        {"CanonicalUser": "*"},
        {"AWS": "arn:aws:iam::*:root"},
        {},
    ],
    ids=str,
)
def test_somebody(principal: Any) -> None:
    assert not refuses(statement(Principal=principal))


def test_everybody_but_some_is_not_everybody() -> None:
    but = {"AWS": "arn:aws:iam::012345678901:role/admin"}
    assert not refuses(statement(Principal=None, NotPrincipal=but))


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": False}},
        {"Bool": {"aws:SecureTransport": ["false"]}},
        {"Bool": {"AWS:securetransport": "False"}},
        {"bool": {"aws:SecureTransport": "false"}},
        {"BoolIfExists": {"aws:SecureTransport": "false"}},
        {"ForAnyValue:Bool": {"aws:SecureTransport": "false"}},
        {"ForAllValues:BoolIfExists": {"aws:SecureTransport": "false"}},
    ],
    ids=str,
)
def test_plain_http(condition: Any) -> None:
    assert refuses(statement(Condition=condition))


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:SecureTransport": ["true", "false"]}},
        {"Bool": {"aws:SecureTransport": []}},
        {"Bool": {}},
        {"Null": {"aws:SecureTransport": "false"}},
        {"StringEquals": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}},
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringNotEquals": {"aws:SourceVpc": "vpc-1"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "NumericLessThan": {"s3:TlsVersion": "1.2"},
        },
        "aws:SecureTransport",
    ],
    ids=str,
)
def test_something_else(condition: Any) -> None:
    assert not refuses(statement(Condition=condition))


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([ARN, f"{ARN}/*"], True),
        ([f"{ARN}/*", ARN], True),
        ("*", True),
        (["arn:aws:s3:::*"], True),
        (f"{ARN}*", True),
        ([f"{ARN[:-2]}??", f"{ARN}/*"], True),
        (ARN, False),
        (f"{ARN}/*", False),
        ([ARN, f"{ARN}/user/*"], False),
        ([ARN, f"{ARN}/?"], False),
        ([ARN, f"{ARN}/*.vhd"], False),
        ([ARN, f"{ARN}/**"], True),
        (["arn:aws:s3:::other", "arn:aws:s3:::other/*"], False),
        ([ARN.replace("aws:s3", "aws-cn:s3"), f"{ARN}/*"], False),
        ([ARN.upper(), f"{ARN}/*"], False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_the_bucket_and_every_object(resources: Any, expected: bool) -> None:
    assert refuses(statement(Resource=resources)) is expected


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ("s3:*", True),
        ("*", True),
        ("S3:*", True),
        (["s3:Get*", "s3:Put*", "s3:List*"], True),
        (["s3:GetObject", "s3:PutObject", "s3:ListBucket"], True),
        (["s3:GetObject", "s3:PutObject"], False),
        ("s3:GetObject", False),
        ("s3:GetObject*", False),
        ("s3:PutObject", False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_reading_writing_and_listing(actions: Any, expected: bool) -> None:
    assert refuses(statement(Action=actions)) is expected


def test_several_statements_may_do_it_between_them() -> None:
    objects = statement(Action=["s3:GetObject", "s3:PutObject"], Resource=f"{ARN}/*")
    bucket = statement(Action="s3:ListBucket", Resource=ARN)
    assert refuses(objects, bucket)
    assert not refuses(objects)


@pytest.mark.parametrize("effect", ["Allow", "deny", None])
def test_only_a_denial_denies(effect: Any) -> None:
    assert not refuses(statement(Effect=effect))


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "", True),
        ("a*c", "abbc", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("b/?", "b/*", False),
        ("b/*", "b/*", True),
        ("b/*", "b/line\nbreak", True),
        ("[a]", "a", False),
    ],
)
def test_patterns(pattern: str, value: str, expected: bool) -> None:
    assert matches(pattern, value) is expected


def test_actions_have_no_case_and_resources_do() -> None:
    assert matches("S3:getobject", "s3:GetObject", ignore_case=True)
    assert not matches("S3:getobject", "s3:GetObject")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"Statement": [{"Sid": "a"}, {"Sid": "b"}]}, [{"Sid": "a"}, {"Sid": "b"}]),
        ({"Statement": {"Sid": "alone"}}, [{"Sid": "alone"}]),
        ({"Statement": []}, []),
        ({"Version": "2012-10-17"}, []),
    ],
)
def test_statements(policy: Any, expected: Any) -> None:
    given = Cell(json.dumps(policy), ("E1#/Policy",))
    assert read_policy(given, GET_BUCKET_POLICY) == Cell(expected, ("E1#/Policy",))


def test_no_policy_has_no_statements() -> None:
    assert read_policy(Cell(None, ("E1",)), GET_BUCKET_POLICY) == Cell([], ("E1",))


def test_a_gap_stays_a_gap() -> None:
    gap = Trouble("denied", "s3.GetBucketPolicy", "AccessDenied")
    assert read_policy(Cell(None, ("E1",), gap), GET_BUCKET_POLICY) == Cell(None, ("E1",), gap)


@pytest.mark.parametrize("text", ["no JSON", '{"Statement": ', "[]", '"text"'])
def test_what_cannot_be_read_is_a_gap(text: str) -> None:
    cell = read_policy(Cell(text, ("E1#/Policy",)), GET_BUCKET_POLICY)
    assert cell.gap == Trouble("unreadable answer", "s3.GetBucketPolicy", evidence="E1")
