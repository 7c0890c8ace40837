"""Bucket policies in many spellings: does this one refuse everybody plain HTTP, or anything?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.access.actions import FILES
from kit.access.conditions import PLAIN_HTTP
from kit.access.documents import read_statements
from kit.access.patterns import matches
from kit.calls import GET_BUCKET_POLICY
from kit.snapshot import Trouble
from kit.tables.cells import Cell
from kit.tables.policies import read_policy
from kit.tables.refusals import IN_DOUBT, refuses_all
from tests.standins import ACCOUNT, AS_OF, HOME, REGION, tls_only

ARN = f"arn:aws:s3:::{HOME}"
GUARD = {
    "Sid": "PreventAccidentalDeletionOfBucket",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:DeleteBucket",
    "Resource": ARN,
}


def refuses(*statements: dict[str, Any]) -> bool | str:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return refuses_all(read_statements(document), ARN, ACCOUNT, REGION, FILES, PLAIN_HTTP)


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
        {"Bool": {"aws:SecureTransport": ["true", "false"]}},
        {"Null": {"aws:SecureTransport": "false"}},
        {"StringEquals": {"aws:SecureTransport": "false"}},
        {"StringEqualsIgnoreCase": {"aws:SecureTransport": "FALSE"}},
        {"StringNotEquals": {"aws:SecureTransport": "true"}},
        {"StringLike": {"aws:SecureTransport": "f*"}},
        {"NumericLessThanIfExists": {"s3:TlsVersion": "1.2"}},
        {"NumericLessThanIfExists": {"s3:TlsVersion": 1.2}},
        {"Null": {"s3:TlsVersion": "true"}},
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringEquals": {"aws:RequestedRegion": REGION, "aws:ResourceAccount": ACCOUNT},
        },
        # An address, or none: through a VPC endpoint a request has none.
        {
            "Bool": {"aws:SecureTransport": "false"},
            "IpAddressIfExists": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]},
        },
        None,
        {},
    ],
    ids=str,
)
def test_plain_http(condition: Any) -> None:
    assert refuses(statement(Condition=condition))


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:SecureTransport": []}},
        {"Null": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:SecureTransport": "true"}},
        {"StringNotEquals": {"aws:SecureTransport": "false"}},
        {"StringNotEquals": {"aws:SecureTransport": ["true", "false"]}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "0"}},
        {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}},
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringNotEquals": {"aws:SourceVpc": "vpc-1"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "NumericLessThan": {"s3:TlsVersion": "1.2"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::012345678901:role/admin"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringNotLike": {"aws:userId": "AROAEXAMPLE:*"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringNotEquals": {"aws:PrincipalTag/team": "cad"},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "ForAnyValue:ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"},
        },
        {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "0.0.0.0/1"}},
        {
            "Bool": {"aws:SecureTransport": "false"},
            "IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]},
        },
        {
            "Bool": {"aws:SecureTransport": "false"},
            "StringEquals": {"aws:RequestedRegion": "us-east-1"},
        },
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
        ([ARN, f"{ARN}/?*"], True),
        ([ARN, f"{ARN}/??*"], False),
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
        (["s3:Get*", "s3:Put*", "s3:List*", "s3:Delete*"], True),
        (["s3:*Object*", "s3:List*"], True),
        (["s3:Get*", "s3:Put*", "s3:List*"], False),
        (["s3:*Object", "s3:List*"], False),
        (["s3:GetObject*", "s3:PutObject", "s3:DeleteObject*", "s3:ListBucket"], False),
        (["s3:GetObject", "s3:PutObject", "s3:ListBucket"], False),
        (["s3:GetObject", "s3:PutObject"], False),
        ("s3:GetObject", False),
        ("s3:GetObject*", False),
        ("s3:PutObject", False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_reading_changing_erasing_and_listing(actions: Any, expected: bool) -> None:
    assert refuses(statement(Action=actions)) is expected


def test_several_statements_may_do_it_between_them() -> None:
    objects = statement(Action="s3:*Object*", Resource=f"{ARN}/*")
    bucket = statement(Action="s3:ListBucket*", Resource=ARN)
    assert refuses(objects, bucket)
    assert not refuses(objects)


@pytest.mark.parametrize("kind", ["AssumedRole", "User", "Account", "Anonymous"])
def test_whoever_meets_an_exception_is_left_over(kind: str) -> None:
    """Roles are denied altogether, say, and everybody else but from one VPC.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltype
    """
    others = {"StringNotEquals": {"aws:PrincipalType": kind}}
    elsewhere = {"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}
    assert not refuses(statement(Condition=others), statement(Condition=elsewhere))
    assert refuses(statement(Condition=others), statement(Condition=None))


def test_only_a_denial_denies() -> None:
    assert not refuses(statement(Effect="Allow"))


@pytest.mark.parametrize(
    ("excepted", "expected"),
    [
        ({"NotResource": "arn:aws:s3:::other"}, True),
        ({"NotResource": ["arn:aws:s3:::other", "arn:aws:s3:::other/*"]}, True),
        ({"NotResource": f"{ARN}/user/*"}, False),
        ({"NotResource": ARN}, False),
        ({"NotResource": "arn:aws:s3:::appstream2-*"}, False),
        ({"NotAction": "s3:GetBucketLocation", "Resource": "*"}, True),
        ({"NotAction": "s3:DeleteObjectVersion", "Resource": "*"}, False),
        ({"NotAction": "s3:List*", "Resource": "*"}, False),
    ],
    ids=str,
)
def test_what_is_excepted(excepted: dict[str, Any], expected: bool) -> None:
    gone = {f"{name.removeprefix('Not')}": None for name in excepted if name.startswith("Not")}
    assert refuses(statement(**(gone | excepted))) is expected


def test_an_operator_of_tomorrow_is_never_taken_for_a_refusal() -> None:
    condition = {"Bool": {"aws:SecureTransport": "false"}, "SemverLess": {"s3:TlsVersion": "1.2"}}
    assert refuses(statement(Condition=condition)) in (False, IN_DOUBT)


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
    ("statements", "sids"),
    [([{"Sid": "a"}, {"Sid": "b"}], ["a", "b"]), ({"Sid": "alone"}, ["alone"]), ([], [])],
)
def test_statements(statements: Any, sids: list[str]) -> None:
    many = [statements] if isinstance(statements, dict) else statements
    stated = [{"Effect": "Deny", **one} for one in many]
    text = json.dumps({"Statement": stated if isinstance(statements, list) else stated[0]})
    cell = read_policy(Cell(text, ("E1#/Policy",)), GET_BUCKET_POLICY, AS_OF)
    assert [one.sid for one in cell.value] == sids
    assert (cell.refs, cell.gap) == (("E1#/Policy",), None)


def test_no_policy_has_no_statements() -> None:
    assert read_policy(Cell(None, ("E1",)), GET_BUCKET_POLICY, AS_OF) == Cell((), ("E1",))


def test_a_gap_stays_a_gap() -> None:
    gap = Trouble("denied", "s3.GetBucketPolicy", "AccessDenied")
    assert read_policy(Cell(None, ("E1",), gap), GET_BUCKET_POLICY, AS_OF) == Cell(
        None, ("E1",), gap
    )


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '{"Statement": ',
        "[]",
        '"text"',
        '{"Statement": [5]}',
        '{"Statement": {"Effect": "Deny", "Action": [{}]}}',
        '{"Statement": {"Effect": "Deny", "Resource": [5]}}',
        '{"Statement": {"Effect": "Deny", "Condition": "aws:SecureTransport"}}',
    ],
)
def test_what_cannot_be_read_is_a_gap(text: str) -> None:
    cell = read_policy(Cell(text, ("E1#/Policy",)), GET_BUCKET_POLICY, AS_OF)
    assert cell.gap == Trouble("unreadable answer", "s3.GetBucketPolicy", evidence="E1")
