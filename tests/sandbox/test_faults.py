"""What the sandbox does wrong when told to, in each service's own words."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import call_by_name, client, everything

REGION = "eu-central-1"
DENIED = [
    (
        "accessanalyzer",
        "ListAnalyzers",
        {},
        "AccessDeniedException",
        "access-analyzer:ListAnalyzers",
    ),
    ("account", "ListRegions", {}, "AccessDeniedException", "account:ListRegions"),
    ("appstream", "DescribeFleets", {}, "AccessDeniedException", "appstream:DescribeFleets"),
    ("artifact", "ListReports", {}, "AccessDeniedException", "artifact:ListReports"),
    ("cloudtrail", "LookupEvents", {}, "AccessDeniedException", "cloudtrail:LookupEvents"),
    ("ec2", "DescribeVpcEndpoints", {}, "UnauthorizedOperation", "ec2:DescribeVpcEndpoints"),
    ("iam", "GetAccountSummary", {}, "AccessDenied", "iam:GetAccountSummary"),
    ("kms", "DescribeKey", {"KeyId": "alias/aws/s3"}, "AccessDeniedException", "kms:DescribeKey"),
    ("macie2", "GetMacieSession", {}, "AccessDeniedException", "macie2:GetMacieSession"),
    ("resourcegroupstaggingapi", "GetResources", {}, "AccessDeniedException", "tag:GetResources"),
    (
        "s3",
        "GetBucketEncryption",
        {"Bucket": "beispielwerke-packages"},
        "AccessDenied",
        "s3:GetEncryptionConfiguration",
    ),
    ("s3", "ListBuckets", {}, "AccessDenied", "s3:ListAllMyBuckets"),
    (
        "s3control",
        "GetPublicAccessBlock",
        {"AccountId": "210987654321"},
        "AccessDenied",
        "s3:GetAccountPublicAccessBlock",
    ),
    ("sts", "GetCallerIdentity", {}, "AccessDenied", "sts:GetCallerIdentity"),
]


def error_of(sandbox: Sandbox, service: str, operation: str, parameters: dict) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        call_by_name(client(sandbox, "demo", service, REGION), operation, parameters)
    response: dict[str, Any] = refused.value.response
    return response


@pytest.mark.parametrize(("service", "operation", "parameters", "code", "action"), DENIED)
def test_deny_names_the_action_in_the_services_own_code(
    faulty: Sandbox, service: str, operation: str, parameters: dict, code: str, action: str
) -> None:
    faulty.faults.add(Fault(service, operation, "deny"))
    error = error_of(faulty, service, operation, parameters)["Error"]
    assert error["Code"] == code
    caller = "arn:aws:sts::210987654321:assumed-role/EvidenceReader/evidence-analyst"
    assert f"User: {caller} is not authorized to perform: {action}" in error["Message"]
    assert f"no identity-based policy allows the {action} action" in error["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("appstream", "DescribeFleets", "ThrottlingException", 400),
        ("macie2", "GetMacieSession", "ThrottlingException", 429),
        ("s3", "ListBuckets", "SlowDown", 503),
        ("ec2", "DescribeVpcEndpoints", "RequestLimitExceeded", 503),
        ("iam", "GetAccountSummary", "Throttling", 400),
    ],
)
def test_throttle(faulty: Sandbox, service: str, operation: str, code: str, status: int) -> None:
    faulty.faults.add(Fault(service, operation, "throttle"))
    response = error_of(faulty, service, operation, {})
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("service", ["appstream", "s3"])
def test_fail_is_a_500(faulty: Sandbox, service: str) -> None:
    operation = {"appstream": "DescribeStacks", "s3": "ListBuckets"}[service]
    faulty.faults.add(Fault(service, operation, "fail"))
    assert error_of(faulty, service, operation, {})["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_boto3_retries_through_a_few_faults(faulty: Sandbox) -> None:
    faulty.faults.add(Fault("appstream", "DescribeFleets", "throttle", times=2))
    patient = boto3.client(
        "appstream",
        region_name=REGION,
        endpoint_url=faulty.url,
        aws_access_key_id=faulty.environment("demo")["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="x",
        config=Config(retries={"mode": "standard", "total_max_attempts": 4}),
    )
    assert len(patient.describe_fleets()["Fleets"]) == 4
    assert [entry.status for entry in faulty.requests] == [400, 400, 200]


def test_empty_page_comes_before_the_real_list(faulty: Sandbox) -> None:
    faulty.faults.add(Fault("*", "*", "empty-page"))
    for service, operation, member, count in (
        ("appstream", "DescribeStacks", "Stacks", 4),
        ("s3", "ListBuckets", "Buckets", 7),
        ("iam", "ListVirtualMFADevices", "VirtualMFADevices", 1),
        ("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", 11),
    ):
        made = client(faulty, "demo", service, REGION)
        assert call_by_name(made, operation, {})[member] == []
        whole, pages = everything(made, operation, {})
        assert pages == 2
        assert len(whole[member]) == count, operation


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("appstream", "DescribeFleets", "UnrecognizedClientException"),
        ("macie2", "GetMacieSession", "UnrecognizedClientException"),
        ("ec2", "DescribeVpcEndpoints", "AuthFailure"),
        ("sts", "GetCallerIdentity", "InvalidClientTokenId"),
        ("s3", "ListBuckets", "InvalidAccessKeyId"),
    ],
)
def test_region_off(faulty: Sandbox, service: str, operation: str, code: str) -> None:
    faulty.faults.add(Fault("*", "*", "region-off", region=REGION))
    assert error_of(faulty, service, operation, {})["Error"]["Code"] == code
    regions = client(faulty, "demo", "account", "us-east-1").list_regions()["Regions"]
    status = {r["RegionName"]: r["RegionOptStatus"] for r in regions}
    assert status[REGION] == "DISABLED"
    assert status["eu-west-1"] == "ENABLED_BY_DEFAULT"
    described = client(faulty, "demo", "ec2", "us-east-1").describe_regions()["Regions"]
    assert REGION not in {r["RegionName"] for r in described}


def test_a_declared_region_can_be_off(running: Sandbox) -> None:
    appstream = client(running, "regions", "appstream", "eu-south-1")
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        appstream.describe_stacks()
    listed = client(running, "regions", "account").list_regions(
        RegionOptStatusContains=["DISABLED"]
    )
    assert "eu-south-1" in {r["RegionName"] for r in listed["Regions"]}


def test_drop_closes_the_connection(faulty: Sandbox) -> None:
    faulty.faults.add(Fault("appstream", "DescribeFleets", "drop", times=1))
    appstream = client(faulty, "demo", "appstream", REGION)
    with pytest.raises(ConnectionClosedError):
        appstream.describe_fleets()
    assert len(appstream.describe_fleets()["Fleets"]) == 4
    assert [entry.status for entry in faulty.requests] == [0, 200]


def test_share_strikes_evenly(faulty: Sandbox) -> None:
    faulty.faults.add(Fault("appstream", "*", "throttle", share=0.2))
    appstream = client(faulty, "demo", "appstream", REGION)
    for _ in range(10):
        try:
            appstream.describe_fleets()
        except ClientError:
            continue
    assert [e.status for e in faulty.requests] == [200, 200, 200, 200, 400] * 2


def test_requests_at_the_same_time_are_all_counted(faulty: Sandbox) -> None:
    faulty.faults.add(Fault("appstream", "DescribeFleets", "fail", share=0.25))
    appstream = client(faulty, "demo", "appstream", REGION)

    def answered(_: int) -> bool:
        try:
            return len(appstream.describe_fleets()["Fleets"]) == 4
        except ClientError:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(answered, range(100))) == 75
    assert len(faulty.requests) == 100


def test_match_account_and_region_narrow_a_fault(faulty: Sandbox) -> None:
    faulty.faults.add(
        Fault(
            "appstream",
            "DescribeEntitlements",
            "deny",
            account=faulty.accounts["demo"],
            region=REGION,
            match={"StackName": "fin*"},
        )
    )
    demo = client(faulty, "demo", "appstream", REGION)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        demo.describe_entitlements(StackName="finance")
    assert len(demo.describe_entitlements(StackName="engineering")["Entitlements"]) == 2
    tidy = client(faulty, "tidy", "appstream", "eu-west-1")
    assert len(tidy.describe_entitlements(StackName="finance")["Entitlements"]) == 1


def test_faults_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ValueError, match="explode"):
        Fault("s3", "ListBuckets", "explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 0 and 1"):
        Fault("s3", "ListBuckets", "deny", share=5)


def test_another_process_can_do_all_this_over_http(faulty: Sandbox) -> None:
    assert over_http(faulty, "GET", "health")["accounts"]["demo"] == "210987654321"
    fault = {"service": "appstream", "operation": "DescribeFleets", "kind": "deny"}
    over_http(faulty, "POST", "faults", fault)
    assert error_of(faulty, "appstream", "DescribeFleets", {})["Error"]["Code"]
    logged = over_http(faulty, "GET", "requests")
    assert [(e["operation"], e["error"]) for e in logged] == [
        ("DescribeFleets", "AccessDeniedException")
    ]
    assert over_http(faulty, "DELETE", "faults") == []
    assert len(client(faulty, "demo", "appstream", REGION).describe_fleets()["Fleets"]) == 4
    over_http(faulty, "DELETE", "requests")
    assert faulty.requests == []
    environment = over_http(faulty, "GET", "environment/demo")
    assert environment == faulty.environment("demo")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        over_http(faulty, "POST", "faults", fault | {"kind": "explode"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        over_http(faulty, "GET", "nothing")


def over_http(sandbox: Sandbox, method: str, what: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{sandbox.url}/_sandbox/{what}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
