"""Whose account it is: keys, isolation between accounts, roles of other accounts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from kit import sandbox as local
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import client


def test_each_key_belongs_to_its_account(running: Sandbox) -> None:
    seen = {
        name: client(running, name, "sts").get_caller_identity()["Account"]
        for name in running.accounts
    }
    assert seen == running.accounts
    assert seen["careless"] == "012345678901"


def test_an_account_sees_only_its_own(running: Sandbox) -> None:
    buckets = client(running, "tidy", "s3").list_buckets()["Buckets"]
    assert all("210987654321" not in b["Name"] for b in buckets)
    foreign = "appstream2-36fb080bb8-eu-central-1-210987654321"
    s3 = client(running, "tidy", "s3", "eu-central-1")
    for ask in (s3.get_bucket_policy, s3.list_objects_v2):
        with pytest.raises(ClientError, match="AccessDenied"):
            ask(Bucket=foreign)
    with pytest.raises(ClientError, match="AccessDenied"):
        client(running, "tidy", "s3control").get_public_access_block(AccountId="210987654321")
    key = "arn:aws:kms:eu-central-1:210987654321:key/4c1f0d7e-52a8-4f1b-9d53-7b6a1e0c9f42"
    with pytest.raises(ClientError, match="AccessDeniedException"):
        client(running, "tidy", "kms", "eu-central-1").describe_key(KeyId=key)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("appstream", "describe_fleets", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ec2", "describe_regions", "AuthFailure"),
    ],
)
def test_unknown_keys_are_refused(
    running: Sandbox, service: str, operation: str, code: str
) -> None:
    stranger = boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=running.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match=code):
        getattr(stranger, operation)()


def test_a_role_of_another_account_can_be_assumed(running: Sandbox) -> None:
    role = "arn:aws:iam::111122223333:role/EvidenceReader"
    sts = client(running, "demo", "sts")
    keys = sts.assume_role(RoleArn=role, RoleSessionName="audit")["Credentials"]
    there = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "eu-west-1"
    )
    identity = there.client("sts", endpoint_url=running.url).get_caller_identity()
    assert identity["Account"] == "111122223333"
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/EvidenceReader/audit"
    fleets = there.client("appstream", endpoint_url=running.url).describe_fleets()["Fleets"]
    assert [f["Name"] for f in fleets] == ["finance-on-demand", "review-elastic"]


def test_the_external_id_is_checked_where_a_role_requires_one(running: Sandbox) -> None:
    role = "arn:aws:iam::333344445555:role/AuditorWithExternalId"
    sts = client(running, "demo", "sts")
    for wrong in ({}, {"ExternalId": "another"}):
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=role, RoleSessionName="audit", **wrong)
    right = sts.assume_role(RoleArn=role, RoleSessionName="audit", ExternalId="evidence-2026")
    assert right["Credentials"]["SessionToken"]


def test_a_role_that_does_not_exist_cannot_be_assumed(running: Sandbox) -> None:
    sts = client(running, "demo", "sts")
    for arn in (
        "arn:aws:iam::111122223333:role/Nobody",
        "arn:aws:iam::000000000001:role/EvidenceReader",
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=arn, RoleSessionName="audit")


def test_credential_report_begins_with_root_and_has_to_be_generated() -> None:
    with local.start(["careless"]) as sandbox:
        iam = client(sandbox, "careless", "iam")
        with pytest.raises(ClientError, match="ReportNotPresent"):
            iam.get_credential_report()
        assert iam.generate_credential_report()["State"] == "STARTED"
        assert iam.generate_credential_report()["State"] == "COMPLETE"
        text = iam.get_credential_report()["Content"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["user"] == "<root_account>"
    assert rows[0]["mfa_active"] == "false"
    assert rows[0]["access_key_1_active"] == "true"
    assert rows[1]["user"] == "max.mustermann"
    assert rows[1]["access_key_1_last_rotated"].endswith("+00:00")
    assert rows[1]["access_key_2_last_rotated"] == "N/A"


def test_environment_is_all_a_client_needs(
    running: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name, value in running.environment("regions").items():
        monkeypatch.setenv(name, value)
    assert boto3.Session().client("sts").get_caller_identity()["Account"] == "333344445555"
    with pytest.raises(ValueError, match="nowhere"):
        running.environment("nowhere")
