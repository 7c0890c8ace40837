"""A policy that the sandbox enforces, so that a collector can be tried with exactly what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.sandbox.permissions import allows
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import client

BUCKETS = "arn:aws:s3:::appstream-logs-*"


def policy(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (policy("s3:GetBucketPolicy"), True),
        (policy(["s3:GetBucketAcl", "s3:getbucketpolicy"], [BUCKETS]), True),
        (policy("s3:Get*"), True),
        (policy("*"), True),
        (policy("s3:GetBucketPolicyStatus"), False),
        (policy("s3:GetBucketPolicy", "arn:aws:s3:::appstream-logs"), False),
        (policy("s3:GetBucketPolicy", "arn:aws:s3:::APPSTREAM-LOGS-*"), False),
        (policy([]), False),
        ({"Statement": []}, False),
    ],
)
def test_action_and_resource_decide(document: dict[str, Any], expected: bool) -> None:
    requested = {"Bucket": "appstream-logs-eu-west-1"}
    assert allows(document, "s3", "GetBucketPolicy", requested) is expected


def test_what_is_on_no_resource_is_allowed_on_all_alone() -> None:
    assert allows(policy("s3:ListAllMyBuckets"), "s3", "ListBuckets", {})
    assert not allows(policy("s3:ListAllMyBuckets", "arn:aws:s3:::*"), "s3", "ListBuckets", {})


def test_an_arn_among_the_parameters_is_the_resource() -> None:
    key = {"KeyId": "arn:aws:kms:eu-west-1:012345678901:key/1"}
    assert allows(policy("kms:DescribeKey", "arn:aws:kms:*:*:key/*"), "kms", "DescribeKey", key)
    other = policy("kms:DescribeKey", "arn:aws:kms:*:*:alias/*")
    assert not allows(other, "kms", "DescribeKey", key)


@pytest.mark.parametrize(
    "more", [{"Effect": "Deny"}, {"Condition": {"Bool": {}}}, {"NotAction": "s3:*"}]
)
def test_what_is_not_imitated_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="plain Allow statements"):
        allows(policy("s3:*", **more), "s3", "ListBuckets", {})


@pytest.fixture
def guarded(running: Sandbox) -> Iterator[Sandbox]:
    running.policies["demo"] = policy(["appstream:DescribeFleets", "ec2:DescribeSubnets"])
    yield running
    running.policies.clear()


def test_the_collectors_policy_decides_what_is_answered(guarded: Sandbox) -> None:
    appstream = client(guarded, "demo", "appstream", "eu-central-1")
    assert appstream.describe_fleets()["Fleets"]
    with pytest.raises(ClientError, match=r"not authorized to perform: appstream:DescribeStacks"):
        appstream.describe_stacks()
    # moto's answers are guarded too, and nobody needs a permission to ask who they are.
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        client(guarded, "demo", "ec2", "eu-central-1").describe_vpcs()
    assert client(guarded, "demo", "sts").get_caller_identity()["Account"] == "210987654321"
    assert client(guarded, "tidy", "appstream", "eu-west-1").describe_stacks()["Stacks"]
