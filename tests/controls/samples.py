"""Accounts in which every call has something to tell: two tidy ones, a careless and an empty one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, get_args

from kit import calls
from kit.parameters import Framework
from tests.standins import (
    ACCOUNT,
    AS_OF,
    HOME,
    KEY,
    LOGS,
    REGION,
    SETTINGS,
    Account,
    directory,
    erases,
    finding,
    key_policy,
    management,
    objects,
    pool_user,
    replication,
    restricted,
    tls_only,
    trust,
)

ADMIN = f"arn:aws:iam::{ACCOUNT}:role/StreamingAdmin"
VPCE = "vpce-0a1b2c3d"
IMAGE = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design"
PUBLIC = f"arn:aws:appstream:{REGION}::image/AppStream-WinServer2022"
_CLOSED = {"DisableIMDSV1": True, "EnableDefaultInternetAccess": False}
_AGENTS = {
    "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
    "ScreenResolution": "W_1280xH_720",
    "ScreenImageFormat": "PNG",
    "ScreenshotsUploadEnabled": True,
    "S3BucketArn": "arn:aws:s3:::screenshots",
}
_PACKAGES = {"SourceS3Location": {"S3Bucket": "packages", "S3Key": "cad.vhdx"}}
_ACTIONS = (
    "CLIPBOARD_COPY_TO_LOCAL_DEVICE",
    "FILE_DOWNLOAD",
    "PRINTING_TO_LOCAL_DEVICE",
    "DOMAIN_PASSWORD_SIGNIN",
    "SMART_CARD_REDIRECTION",
)
TOKEN = "⟦secret: token⟧"
COLLEAGUE = "111122223333"
_DECLARED = {
    "data_role": "controller",
    "controller": "Example Ltd",
    "register_reference": "RoPA 7",
    "contact": "dpo@example.org",
    "no_customer_numbers": True,
    "administrators": [f"arn:aws:iam::{ACCOUNT}:role/StreamingAdmin"],
    "identity_provider_evidence": "IDP-1",
    "reviewer": "Security officer",
    "reviewed_on": "2026-11-01",
    "processor_contract": "Addendum 9",
    "processor_contract_on": "2024-02-01",
    "access_reviewer": "Head of design",
    "access_reviewed_on": "2026-10-01",
    "breach_contact": "The authority",
    "breach_hours": 72,
    "breach_exercised_on": "2026-06-01",
    "allowed_regions": [REGION],
    "organisation_accounts": [COLLEAGUE],
    "allowed_embed_domains": ["portal.example"],
    "agent_dpia_reference": "DPIA 3",
    "agent_log_groups": ["/agents"],
    "disk_encryption_statement": "Case 7",
    "reports_read": dict.fromkeys(get_args(Framework), "TPRM 4"),
}


def tidy(folder: Path, **given: Any) -> Account:
    """All is well: a trail records everything, the account blocks public access."""
    account = _furnished(Account(folder, **_DECLARED, **given))
    _buckets(account)
    point = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports/object/*"
    admin = {"Effect": "Allow", "Principal": {"AWS": ADMIN}, "Action": "s3:GetObject"}
    copies = replication("copies")
    account.answers(calls.GET_BUCKET_REPLICATION, copies, REGION, Bucket=HOME)
    account.bucket("copies", listed=False)
    account.lists(calls.LIST_COPY_BUCKETS, {"Name": "copies"}, Prefix="copies")
    account.access_point(bucket=LOGS, policy={"Statement": [{**admin, "Resource": point}]})
    for name in (HOME, SETTINGS, LOGS):
        account.watched(name)
    for name in (HOME, SETTINGS):
        backup = {"ResourceArn": f"arn:aws:s3:::{name}", "LastBackupTime": AS_OF}
        account.lists(calls.LIST_PROTECTED_RESOURCES, backup)
    account.trail(advanced=[management(), objects()], KmsKeyId=KEY)
    return account.store("second", Status="STOPPED_INGESTION")


def lake(folder: Path) -> Account:
    """All is well by other means: event data stores, server access logs, each bucket closed."""
    account = _furnished(Account(folder, **_DECLARED), tag_listed=False)
    missing = "NoSuchPublicAccessBlockConfiguration"
    account.refuses(calls.GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)
    _buckets(account, closed=True, logs_to="access-logs")
    # Where ACLs are disabled, there is nothing to ignore.
    block = {"RestrictPublicBuckets": True, "BlockPublicPolicy": True}
    answer = {"PublicAccessBlockConfiguration": block}
    account.answers(calls.GET_BUCKET_PUBLIC_ACCESS_BLOCK, answer, REGION, Bucket=LOGS)
    aws_key = "alias/aws/s3"
    account.bucket(
        "packages", listed=False, versioning="Enabled", encryption="aws:kms", key=aws_key
    )
    account.key(aws_key, KeyManager="AWS", rotation=None)
    job = {"isDefinedInJob": "TRUE", "lastJobId": "j1", "lastJobRunTime": AS_OF}
    for name in (HOME, SETTINGS, LOGS):
        account.watched(name, automatedDiscoveryMonitoringStatus="NOT_MONITORED", jobDetails=job)
    ran = {
        "jobId": "j1",
        "jobStatus": "COMPLETE",
        "jobType": "ONE_TIME",
        "lastRunErrorStatus": {"code": "NONE"},
    }
    account.lists(calls.LIST_CLASSIFICATION_JOBS, ran)
    return account.store()


def careless(folder: Path) -> Account:
    """All that can fail does."""
    account = Account(folder)
    members = _storage() | _streaming("UDP")
    members["StorageConnectors"].append({"ConnectorType": "GOOGLE_DRIVE"})
    account.stack(
        RedirectURL=f"http://example.org/?token={TOKEN}",
        fleets=("design",),
        ContentRedirection=_redirection(),
        AgentAccessConfig=_AGENTS,
        **members,
    )
    account.stack("shown", EmbedHostDomains=["anybody.example"])
    role = f"arn:aws:iam::{ACCOUNT}:role/everything"
    account.fleet(
        MaxSessionsPerInstance=4,
        IdleDisconnectTimeoutInSeconds=0,
        IamRoleArn=role,
        ComputeCapacityStatus={"Desired": 1, "ActiveUserSessions": 5},
        DomainJoinInfo={"DirectoryName": "corp.example"},
        EnableDefaultInternetAccess=True,
        UsbDeviceFilterStrings=["0,*"],
    )
    account.image(shared_with=("999999999999",), LatestAppstreamAgentVersion="FALSE")
    _export(account, AS_OF)
    reports = {"S3BucketName": LOGS, "SubscriptionErrors": [{"ErrorCode": "ACCESS_DENIED"}]}
    account.lists(calls.DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, reports)
    endpoint = {"VpcEndpointId": VPCE, "State": "rejected", "ServiceName": "x", "OwnerId": ACCOUNT}
    account.lists(calls.DESCRIBE_VPC_ENDPOINTS, endpoint)
    missing = "NoSuchPublicAccessBlockConfiguration"
    account.refuses(calls.GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)
    account.lists(calls.DESCRIBE_APP_BLOCKS, {"Name": "block", "Arn": "arn:block", **_PACKAGES})
    for name in (HOME, SETTINGS, LOGS, "packages", "screenshots"):
        listed = name not in ("packages", "screenshots")
        tags = {"team": "cad"}
        account.bucket(name, listed=listed, public=True, ownership="ObjectWriter", tags=tags)
    account.bucket(f"{LOGS}-2", encryption="aws:kms", key=KEY)
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    for name in (HOME, SETTINGS, LOGS, "screenshots"):
        account.refuses(
            calls.GET_BUCKET_ENCRYPTION, missing, region=REGION, status=404, Bucket=name
        )
    account.key(KeyState="PendingDeletion", rotation={"KeyRotationEnabled": False})
    account.trail(status={"IsLogging": False}, kept=None)
    other = KEY.replace("0001", "0002")
    open_key = key_policy({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    account.key(other, rotation={"KeyRotationEnabled": False}, policy=open_key)
    account.store(Status="STOPPED_INGESTION", KmsKeyId=other)
    account.event("TLSv1.0")
    summary = {"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 1}
    account.answers(calls.GET_ACCOUNT_SUMMARY, {"SummaryMap": summary})
    _strangers(account)
    account.detector(s3="DISABLED").scanned(status="ERROR")
    account.answers(calls.GET_MACIE_SESSION, {"status": "PAUSED"})
    return account


def empty(folder: Path) -> Account:
    """Nothing is there."""
    return Account(folder, **_DECLARED)


def member(folder: Path) -> Account:
    """A member of an organisation, which records and searches from another account."""
    account = Account(folder, **_DECLARED).stack().bucket()
    account.fleet(IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/instance", DisableIMDSV1=True)
    within = {"StringEquals": {"aws:PrincipalOrgID": "o-example00000"}}
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "appstream:Stream"], "Resource": "*"}
    account.allowed("instance", {**rights, "Condition": within})
    account.answers(calls.DESCRIBE_ORGANIZATION, {"Organization": {"Id": "o-example00000"}})
    summary = {"AccountMFAEnabled": 0, "AccountPasswordPresent": 0, "AccountAccessKeysPresent": 0}
    account.answers(calls.GET_ACCOUNT_SUMMARY, {"SummaryMap": summary | {"Users": 0}})
    account.watched(automatedDiscoveryMonitoringStatus="NOT_MONITORED")
    off = {"status": "DISABLED"}
    account.answers(calls.GET_AUTOMATED_DISCOVERY_CONFIGURATION, off, REGION)
    account.trail("org", account=COLLEAGUE)
    return account.denies(calls.GET_BUCKET_REPLICATION, REGION, Bucket="trail-logs")


def federal(folder: Path) -> Account:
    """The profile asks for FIPS endpoints, and nothing keeps users off them.

    A customer's key guards a bucket, and the trail leaves out what is done with it.
    """
    own = folder / "federal.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    own.write_text("fips_required: true\n")
    given = {"thresholds": str(own), "fips_relay_state": True}
    account = Account(folder, regions=("us-east-1", "us-west-2"), **given)
    home, key = (name.replace(REGION, "us-east-1") for name in (HOME, KEY))
    account.bucket(home, region="us-east-1", encryption="aws:kms", key=key).key(key, "us-east-1")
    account.trail(
        home="us-east-1", basic=[{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}]
    )
    return account.fleet(region="us-east-1")


def renamed(folder: Path) -> Account:
    """Buckets have names that AppStream does not choose, or that only begin like its own."""
    account = Account(folder, **_DECLARED)
    account.stack(
        StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": "files"}],
        AgentAccessConfig=_AGENTS | {"S3BucketArn": "arn:aws:s3:::appstream-screens"},
    )
    location = {"S3Bucket": "appstream-packages", "S3Key": "cad.vhdx"}
    block = {"Name": "block", "Arn": "arn:block", "SourceS3Location": location}
    account.lists(calls.DESCRIBE_APP_BLOCKS, block)
    kept: dict[str, Any] = {"versioning": "Enabled", "lifecycle": [erases()]}
    for name in ("appstream-packages", "appstream-screens", LOGS):
        account.bucket(name, **kept)
    policy = {"Statement": restricted("files", ADMIN)["Statement"]}
    return account.bucket("files", listed=False, policy=policy, **kept)


def by_id(folder: Path) -> Account:
    """A key and an access point let in a unique id, which is nobody's in the account."""
    account = Account(folder)
    bucket, point = f"arn:aws:s3:::{HOME}", f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports"
    anybody: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": "*",
        "Condition": {"StringEquals": {"aws:userId": "AROAEXTERNAL1234:x"}},
    }
    delegated = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
    }
    reads = anybody | {"Action": "s3:GetObject", "Resource": [point, f"{point}/object/*"]}
    account.bucket(encryption="aws:kms", key=KEY, policy={"Statement": [delegated]})
    account.key(policy=key_policy(anybody | {"Action": "kms:Decrypt", "Resource": "*"}))
    return account.access_point(policy={"Version": "2012-10-17", "Statement": [reads]})


def networked(folder: Path) -> Account:
    """Instances run in a network of the account; the organisation may launch an exported AMI.

    Users' files are copied, but for those that a key of the customer's encrypts.
    """
    account = Account(folder, **_DECLARED)
    place = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    account.fleet(VpcConfig=place, **_CLOSED).image()
    rules: dict[str, Any] = {"IpPermissions": [], "IpPermissionsEgress": []}
    account.lists(calls.DESCRIBE_SECURITY_GROUPS, {"GroupId": "sg-1", "VpcId": "vpc-1", **rules})
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    routing = {"VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [local]}
    account.lists(calls.DESCRIBE_ROUTE_TABLES, routing)
    named = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "*",
        "Resource": f"arn:aws:s3:::{HOME}/*",
    }
    endpoint = {
        "VpcEndpointId": VPCE,
        "OwnerId": ACCOUNT,
        "VpcId": "vpc-1",
        "State": "available",
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [named]}),
    }
    account.lists(calls.DESCRIBE_VPC_ENDPOINTS, endpoint)
    _export(account, AS_OF)
    organisation = "arn:aws:organizations::111122223333:organization/o-example00000"
    opened = {"ImageId": "ami-1", "LaunchPermissions": [{"OrganizationArn": organisation}]}
    account.answers(calls.DESCRIBE_IMAGE_ATTRIBUTE, opened, REGION, ImageId="ami-1")
    account.answers(calls.DESCRIBE_ORGANIZATION, {"Organization": {"Id": "o-example00000"}})
    account.bucket(versioning="Enabled", encryption="aws:kms", key=KEY).key()
    account.answers(calls.GET_BUCKET_REPLICATION, replication("copies"), REGION, Bucket=HOME)
    account.bucket("copies", listed=False)
    return account


SAMPLES = {
    sample.__name__: sample
    for sample in (tidy, lake, careless, empty, member, federal, renamed, by_id, networked)
}


def _furnished(account: Account, *, tag_listed: bool = True) -> Account:
    """Everything but buckets and what is recorded."""
    arn = f"arn:aws:appstream:{REGION}:{ACCOUNT}"
    account.stack(
        DisplayName="Design",
        Description="Drawings, see https://example.org/help",
        RedirectURL="https://example.org",
        EmbedHostDomains=["portal.example"],
        fleets=("design",),
        UserSettings=[{"Action": action, "Permission": "DISABLED"} for action in _ACTIONS],
        ContentRedirection=_redirection("https://portal.example/*"),
        AgentAccessConfig=_AGENTS | {"ReplaySessionEnabled": True, "KmsKeyArn": KEY},
        **_storage(),
        **_streaming("TCP"),
    )
    theme = {"StackName": "design", "ThemeTitleText": "Design"}
    account.answers(
        calls.DESCRIBE_THEME_FOR_STACK, {"Theme": theme}, region=REGION, StackName="design"
    )
    entitlement = {
        "Name": "all",
        "StackName": "design",
        "AppVisibility": "ASSOCIATED",
        "Attributes": [{"Name": "roles", "Value": "designer"}],
    }
    account.lists(calls.DESCRIBE_ENTITLEMENTS, entitlement, region=REGION, StackName="design")
    account.fleet(
        Description="Workstations",
        IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/instance",
        ImageArn=IMAGE,
        MaxSessionsPerInstance=1,
        ComputeCapacityStatus={"Desired": 1, "InUse": 1},
        DomainJoinInfo={"DirectoryName": "corp.example"},
        **_CLOSED,
    )
    programs = [{"Name": "cad", "Metadata": {"a": "b"}}]
    account.image(shared_with=(COLLEAGUE,), Applications=programs)
    account.lists(
        calls.DESCRIBE_IMAGE_BUILDERS,
        {
            "Name": "builder",
            "Arn": f"{arn}:image-builder/builder",
            "ImageArn": PUBLIC,
            **_CLOSED,
        },
    )
    published = {"Arn": PUBLIC, "Name": "x", "PublicBaseImageReleasedDate": AS_OF}
    account.answers(calls.DESCRIBE_IMAGES_OF_OTHERS, {"Images": [published]}, REGION, Arns=[PUBLIC])
    block = {"Name": "block", "Arn": f"{arn}:app-block/block", **_PACKAGES}
    account.lists(calls.DESCRIBE_APP_BLOCKS, block)
    builder: dict[str, Any] = {
        "Name": "maker",
        "Arn": f"{arn}:app-block-builder/maker",
        "Platform": "WINDOWS_SERVER_2019",
        "InstanceType": "stream.standard.small",
        "VpcConfig": {},
        "State": "STOPPED",
        **_CLOSED,
    }
    account.lists(calls.DESCRIBE_APP_BLOCK_BUILDERS, builder)
    account.lists(calls.DESCRIBE_APPLICATIONS, {"Name": "cad", "Arn": f"{arn}:application/cad"})
    _export(account, AS_OF - dt.timedelta(days=200))
    reports = {"S3BucketName": LOGS, "Schedule": "DAILY", "LastGeneratedReportDate": AS_OF}
    account.lists(calls.DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, reports)
    for name in ("stack/design", "fleet/design", "image/design", "image-builder/builder"):
        reported = {"Tags": {"team": "cad"}}
        account.answers(calls.LIST_TAGS_FOR_RESOURCE, reported, REGION, ResourceArn=f"{arn}:{name}")
        if tag_listed:
            account.tagged(f"{arn}:{name}", team="cad")
    account.lists(
        calls.DESCRIBE_VPC_ENDPOINTS,
        {
            "VpcEndpointId": VPCE,
            "OwnerId": ACCOUNT,
            "State": "available",
            "ServiceName": f"com.amazonaws.{REGION}.appstream.streaming",
        },
    )
    account.event()
    account.lists(calls.DESCRIBE_LOG_GROUPS, {"logGroupName": "/agents", "retentionInDays": 365})
    account.detector().scanned()
    _people(account)
    for name in get_args(Framework):
        account.lists(calls.LIST_REPORTS, {"name": name, "state": "PUBLISHED", "periodEnd": AS_OF})
    account.lists(calls.LIST_CUSTOMER_AGREEMENTS, {"name": "DPA", "state": "ACTIVE"})
    device = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device"}
    return account.lists(calls.LIST_VIRTUAL_MFA_DEVICES, device)


def _provider(account: Account, valid_until: dt.datetime) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
    account.lists(calls.LIST_SAML_PROVIDERS, {"Arn": arn, "ValidUntil": valid_until})


def _people(account: Account) -> None:
    """People and roles with no more than they need."""
    key = {"access_key_1_active": "true", "access_key_1_last_rotated": "2026-10-24T12:00:00+00:00"}
    changed = {"password_last_changed": "2026-10-24T12:00:00+00:00"}
    account.credentials(jane={"password_enabled": "true", "mfa_active": "true", **changed, **key})
    policy = {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24}
    account.answers(calls.GET_ACCOUNT_PASSWORD_POLICY, {"PasswordPolicy": policy})
    contact = {"AlternateContactType": "SECURITY"}
    account.answers(calls.GET_SECURITY_CONTACT, {"AlternateContact": contact})
    _provider(account, AS_OF + dt.timedelta(days=400))
    account.lists(calls.DESCRIBE_USERS, pool_user("CONFIRMED", Enabled=False))
    account.lists(calls.DESCRIBE_DIRECTORY_CONFIGS, directory("ENABLED")).authority("ACTIVE")
    analyzer = {"arn": "x", "name": "x", "type": "ACCOUNT", "status": "ACTIVE", "createdAt": AS_OF}
    account.lists(calls.LIST_ANALYZERS, analyzer)
    other = {"resource": f"arn:aws:iam::{ACCOUNT}:role/other", "resourceType": "AWS::IAM::Role"}
    website = {"resource": "arn:aws:s3:::website", "resourceType": "AWS::S3::Bucket"}
    unused = {"resource": KEY.replace("1b2c", "9b2c"), "resourceType": "AWS::KMS::Key"}
    found = [finding(**one) for one in (other, website, unused)]
    account.lists(calls.LIST_EXTERNAL_FINDINGS, *found, analyzerArn="x")
    account.lists(
        calls.DESCRIBE_CONFIGURATION_RECORDERS, {"recording": True, "lastStatus": "SUCCESS"}
    )
    pattern = json.dumps({"source": ["aws.macie"]})
    account.lists(calls.LIST_RULES, {"State": "ENABLED", "EventPattern": pattern})
    account.allowed(
        "AmazonAppStreamServiceAccess",
        trusts=trust({"Service": "appstream.amazonaws.com"}),
        attached=("arn:aws:iam::aws:policy/service-role/AmazonAppStreamServiceAccess",),
        path="/service-role/",
    )
    account.allowed("instance")
    account.allowed("StreamingAdmin", {"Effect": "Allow", "Action": "*", "Resource": "*"})


def _strangers(account: Account) -> None:
    """People and roles with all that they could have."""
    key = {"access_key_1_active": "true", "access_key_1_last_rotated": "2022-10-24T12:00:00+00:00"}
    changed = {"password_last_changed": "2022-10-24T12:00:00+00:00"}
    account.credentials(jane={"password_enabled": "true", **changed, **key})
    _provider(account, AS_OF - dt.timedelta(days=5))
    account.lists(calls.DESCRIBE_USERS, pool_user("COMPROMISED"))
    account.lists(calls.DESCRIBE_DIRECTORY_CONFIGS, directory("ENABLED")).authority("EXPIRED")
    entitlement = {"Name": "all", "StackName": "design", "AppVisibility": "ALL"}
    entitlement |= {"Attributes": [{"Name": "roles", "Value": "designer"}]}
    account.lists(calls.DESCRIBE_ENTITLEMENTS, entitlement, region=REGION, StackName="design")
    account.allowed("AmazonAppStreamServiceAccess", trusts=trust({"AWS": "*"}))
    account.allowed("everything", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    account.allowed("images", {"Effect": "Allow", "Action": "appstream:*Image", "Resource": "*"})


def _export(account: Account, created: dt.datetime) -> None:
    task = {"TaskId": "t1", "ImageArn": IMAGE, "AmiName": "design", "CreatedDate": created}
    account.lists(calls.LIST_EXPORT_IMAGE_TASKS, {**task, "AmiId": "ami-1"})
    private = {"ImageId": "ami-1", "LaunchPermissions": []}
    account.answers(calls.DESCRIBE_IMAGE_ATTRIBUTE, private, REGION, ImageId="ami-1")


def _redirection(*allowed: str) -> dict[str, Any]:
    return {"HostToClient": {"Enabled": True, "AllowedUrls": list(allowed)}}


def _storage() -> dict[str, Any]:
    return {
        "ApplicationSettings": {"Enabled": True, "S3BucketName": SETTINGS},
        "StorageConnectors": [{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}],
    }


def _streaming(protocol: str) -> dict[str, Any]:
    return {
        "AccessEndpoints": [{"EndpointType": "STREAMING", "VpceId": VPCE}],
        "StreamingExperienceSettings": {"PreferredProtocol": protocol},
    }


def _left_to_access_points(bucket: str) -> dict[str, Any]:
    """A statement by which the account's access points decide who reads what is in a bucket."""
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}},
    }


def _buckets(account: Account, **members: Any) -> None:
    for name in (HOME, SETTINGS, LOGS):
        statements = tls_only(name)["Statement"] + restricted(name, ADMIN)["Statement"]
        if name == LOGS:
            statements = [*statements, _left_to_access_points(name)]
        account.bucket(
            name,
            encryption="aws:kms",
            key=KEY,
            policy={"Statement": statements},
            versioning="Enabled",
            lifecycle=[erases()],
            tags={"team": "cad"},
            **members,
        )
    account.bucket("packages", listed=False, versioning="Enabled", **members)
    lifecycle = [erases()]
    account.bucket(
        "screenshots", listed=False, versioning="Enabled", lifecycle=lifecycle, **members
    )
    account.key()
