"""Clients of a sample account, and every question that makes sense there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config

from kit.sandbox.declared import Account, load
from kit.sandbox.server import Sandbox

NO_RETRIES = {"mode": "standard", "total_max_attempts": 1}
TOKENS = ("NextToken", "nextToken", "ContinuationToken", "Marker", "PaginationToken")
ACCOUNT_WIDE = [
    ("account", "GetAlternateContact", {"AlternateContactType": "SECURITY"}),
    ("account", "ListRegions", {}),
    ("artifact", "ListCustomerAgreements", {}),
    ("artifact", "ListReports", {}),
    ("ec2", "DescribeRegions", {"AllRegions": True}),
    ("iam", "GenerateCredentialReport", {}),
    ("iam", "GetAccountAuthorizationDetails", {}),
    ("iam", "GetAccountPasswordPolicy", {}),
    ("iam", "GetAccountSummary", {}),
    ("iam", "GetCredentialReport", {}),
    ("iam", "ListSAMLProviders", {}),
    ("iam", "ListVirtualMFADevices", {}),
    ("s3", "ListBuckets", {}),
    ("sts", "GetCallerIdentity", {}),
]
EACH_REGION = [
    ("accessanalyzer", "ListAnalyzers", {}),
    ("appstream", "DescribeAppBlockBuilderAppBlockAssociations", {}),
    ("appstream", "DescribeAppBlockBuilders", {}),
    ("appstream", "DescribeAppBlocks", {}),
    ("appstream", "DescribeApplicationFleetAssociations", {}),
    ("appstream", "DescribeApplications", {}),
    ("appstream", "DescribeDirectoryConfigs", {}),
    ("appstream", "DescribeFleets", {}),
    ("appstream", "DescribeImageBuilders", {}),
    ("appstream", "DescribeImages", {}),
    ("appstream", "DescribeStacks", {}),
    ("appstream", "DescribeUsageReportSubscriptions", {}),
    ("appstream", "DescribeUsers", {"AuthenticationType": "USERPOOL"}),
    ("appstream", "ListExportImageTasks", {}),
    ("backup", "ListProtectedResources", {}),
    ("cloudtrail", "DescribeTrails", {}),
    ("cloudtrail", "ListEventDataStores", {}),
    ("cloudtrail", "LookupEvents", {}),
    ("config", "DescribeConfigurationRecorderStatus", {}),
    ("ec2", "DescribeRouteTables", {}),
    ("ec2", "DescribeSecurityGroups", {}),
    ("ec2", "DescribeSubnets", {}),
    ("ec2", "DescribeVpcEndpoints", {}),
    ("events", "ListRules", {}),
    ("guardduty", "ListDetectors", {}),
    ("guardduty", "ListMalwareProtectionPlans", {}),
    ("logs", "DescribeLogGroups", {}),
    ("macie2", "DescribeBuckets", {}),
    ("macie2", "GetAutomatedDiscoveryConfiguration", {}),
    ("macie2", "GetFindingStatistics", {"groupBy": "severity.description"}),
    ("macie2", "GetMacieSession", {}),
    ("macie2", "ListClassificationJobs", {}),
    ("resourcegroupstaggingapi", "GetResources", {}),
]
BUCKET_SETTINGS = [
    "GetBucketAcl",
    "GetBucketEncryption",
    "GetBucketLifecycleConfiguration",
    "GetBucketLocation",
    "GetBucketLogging",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketReplication",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetPublicAccessBlock",
    "HeadBucket",
]
Question = tuple[str, str, str, dict[str, Any]]  # service, operation, region, parameters


@cache
def client(
    sandbox: Sandbox, account: str, service: str, region: str | None = None, **config: Any
) -> Any:
    """An unmodified boto3 client of a sample account, without retries."""
    environment = sandbox.environment(account)
    made = boto3.client(
        service,
        region_name=region or environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        config=Config(retries=NO_RETRIES, **config),
    )
    if service == "s3control":
        made.meta.events.register("before-send.s3-control", _without_account_in_host)
    return made


def _without_account_in_host(request: Any, **_: Any) -> None:
    parts = urlsplit(request.url)
    request.url = urlunsplit(parts._replace(netloc=parts.netloc.split(".", 1)[1]))


@cache
def declared(name: str) -> Account:
    return load(name, dt.datetime.now(dt.UTC))


def call_by_name(made: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Call an operation by its AWS name."""
    method = {api: python for python, api in made.meta.method_to_api_mapping.items()}[operation]
    answer: dict[str, Any] = getattr(made, method)(**parameters)
    return answer


def everything(made: Any, operation: str, parameters: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """All pages of an answer put together by following its token, and how many there were."""
    whole: dict[str, Any] = {}
    requested, pages = dict(parameters), 0
    while True:
        answer = call_by_name(made, operation, requested)
        pages += 1
        for member, value in answer.items():
            if isinstance(value, list):
                whole.setdefault(member, []).extend(value)
        token = next((t for t in TOKENS if answer.get(t)), None)
        if token is None:
            return whole, pages
        requested[token] = answer[token]


def questions(name: str) -> Iterator[Question]:
    """Every question that the sandbox answers itself, about everything the account declares."""
    account = declared(name)
    home = account.home_region
    for service, operation, parameters in ACCOUNT_WIDE:
        yield service, operation, home, parameters
    if account.declared("organizations", "Organization", ""):
        yield "organizations", "DescribeOrganization", home, {}
    if members := account.declared("organizations", "Accounts", ""):
        yield "organizations", "ListAccounts", home, {}
        parent, member = {"ParentId": members[0].beside["ParentId"]}, members[0]["Id"]
        yield "organizations", "ListAccountsForParent", home, parent
        yield "organizations", "ListOrganizationalUnitsForParent", home, parent
        yield "organizations", "ListTagsForResource", home, {"ResourceId": member}
    if account.declared("iam", "OrganizationsFeatures", ""):
        yield "iam", "ListOrganizationsFeatures", home, {}
    yield "s3control", "GetPublicAccessBlock", home, {"AccountId": account.id}
    for point in account.declared("s3control", "AccessPoints", ""):
        region, requested = point["AccessPointArn"].split(":")[3], {"AccountId": account.id}
        yield "s3control", "ListAccessPoints", region, requested
        yield "s3control", "GetAccessPointPolicy", region, {**requested, "Name": point["Name"]}
    for bucket in account.declared("s3", "Buckets", ""):
        if account.region_status[bucket["BucketRegion"]] == "DISABLED":
            continue
        for operation in BUCKET_SETTINGS:
            yield "s3", operation, bucket["BucketRegion"], {"Bucket": bucket["Name"]}
    for role in account.declared("iam", "RoleDetailList", ""):
        requested = {"RoleArn": role["Arn"], "RoleSessionName": "test"}
        yield "sts", "AssumeRole", home, requested
    for region in account.regions("appstream"):
        if account.region_status[region] != "DISABLED":
            yield from _questions_in(account, region)


def _questions_in(account: Account, region: str) -> Iterator[Question]:
    for analyzer in account.declared("accessanalyzer", "analyzers", region):
        yield "accessanalyzer", "ListFindingsV2", region, {"analyzerArn": analyzer["arn"]}
    for kind, operation, id in (
        ("Detectors", "GetDetector", "DetectorId"),
        ("Detectors", "GetAdministratorAccount", "DetectorId"),
        ("MalwareProtectionPlans", "GetMalwareProtectionPlan", "MalwareProtectionPlanId"),
    ):
        for made in account.declared("guardduty", kind, region):
            yield "guardduty", operation, region, {id: made.beside[id]}
    for service, operation, parameters in EACH_REGION:
        yield service, operation, region, parameters
    for stack in account.declared("appstream", "Stacks", region):
        requested = {"StackName": stack["Name"]}
        for operation in (
            "DescribeEntitlements",
            "DescribeThemeForStack",
            "DescribeUserStackAssociations",
            "ListAssociatedFleets",
        ):
            yield "appstream", operation, region, requested
        yield "appstream", "ListTagsForResource", region, {"ResourceArn": stack["Arn"]}
    for fleet in account.declared("appstream", "Fleets", region):
        yield "appstream", "ListAssociatedStacks", region, {"FleetName": fleet["Name"]}
    for image in account.declared("appstream", "Images", region):
        if image["Visibility"] == "PRIVATE":
            yield "appstream", "DescribeImagePermissions", region, {"Name": image["Name"]}
    for image in account.declared("ec2", "ImageAttributes", region):
        requested = {"ImageId": image["ImageId"], "Attribute": "launchPermission"}
        yield "ec2", "DescribeImageAttribute", region, requested
    for trail in account.declared("cloudtrail", "trailList", region):
        yield "cloudtrail", "GetTrailStatus", region, {"Name": trail["TrailARN"]}
        yield "cloudtrail", "GetEventSelectors", region, {"TrailName": trail["TrailARN"]}
    for store in account.declared("cloudtrail", "EventDataStores", region):
        requested = {"EventDataStore": store["EventDataStoreArn"]}
        yield "cloudtrail", "GetEventDataStore", region, requested
    for key in account.declared("kms", "Keys", region):
        yield "kms", "DescribeKey", region, {"KeyId": key["Arn"]}
        yield "kms", "GetKeyRotationStatus", region, {"KeyId": key["KeyId"]}
        if key["AWSAccountId"] == account.id:
            yield "kms", "GetKeyPolicy", region, {"KeyId": key["Arn"]}
            yield "kms", "ListGrants", region, {"KeyId": key["Arn"]}
    for authority in account.declared("acm-pca", "CertificateAuthorities", region):
        requested = {"CertificateAuthorityArn": authority["Arn"]}
        yield "acm-pca", "DescribeCertificateAuthority", region, requested
