"""Accounts in which every call has something to tell: two tidy ones, a careless and an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.aws import calls
from tests.standins import (
    ACCOUNT,
    AS_OF,
    HOME,
    KEY,
    LOGS,
    REGION,
    SETTINGS,
    Account,
    management,
    objects,
    tls_only,
)

VPCE = "vpce-0a1b2c3d"
IMAGE = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design"
TOKEN = "⟦secret: token⟧"
_DECLARED = {
    "data_role": "controller",
    "controller": "Example Ltd",
    "register_reference": "RoPA 7",
    "contact": "dpo@example.org",
    "no_customer_numbers": True,
}


def tidy(folder: Path, **given: Any) -> Account:
    """All is well: a trail records everything, the account blocks public access."""
    account = _furnished(Account(folder, **_DECLARED, **given))
    _buckets(account)
    account.trail(advanced=[management(), objects()])
    return account.store("second", Status="STOPPED_INGESTION")


def lake(folder: Path) -> Account:
    """All is well by other means: event data stores, server access logs, each bucket closed."""
    account = _furnished(Account(folder, **_DECLARED), tag_listed=False)
    missing = "NoSuchPublicAccessBlockConfiguration"
    account.refuses(calls.GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)
    _buckets(account, closed=True, logs_to="access-logs")
    return account.store()


def careless(folder: Path) -> Account:
    """All that can fail does."""
    account = Account(folder)
    members = _storage() | _streaming("UDP")
    members["StorageConnectors"].append({"ConnectorType": "GOOGLE_DRIVE"})
    account.stack(RedirectURL=f"https://example.org/?token={TOKEN}", **members)
    account.fleet(MaxSessionsPerInstance=4, IdleDisconnectTimeoutInSeconds=0)
    endpoint = {"VpcEndpointId": VPCE, "State": "rejected", "ServiceName": "x"}
    account.lists(calls.DESCRIBE_VPC_ENDPOINTS, endpoint)
    missing = "NoSuchPublicAccessBlockConfiguration"
    account.refuses(calls.GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)
    for name in (HOME, SETTINGS, LOGS):
        account.bucket(name, encryption="aws:kms", key=KEY, public=True, tags={"team": "cad"})
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    for name in (HOME, SETTINGS):
        account.refuses(
            calls.GET_BUCKET_ENCRYPTION, missing, region=REGION, status=404, Bucket=name
        )
    account.key(KeyState="PendingDeletion")
    account.trail(status={"IsLogging": False}).store(Status="STOPPED_INGESTION")
    account.event("TLSv1.0").report(f"jane,arn:aws:iam::{ACCOUNT}:user/jane,true,false")
    account.answers(calls.GET_ACCOUNT_SUMMARY, {"SummaryMap": {"AccountMFAEnabled": 0}})
    account.answers(calls.GET_MACIE_SESSION, {"status": "PAUSED"})
    return account


def empty(folder: Path) -> Account:
    """Nothing is there."""
    return Account(folder, **_DECLARED)


SAMPLES = {sample.__name__: sample for sample in (tidy, lake, careless, empty)}


def _furnished(account: Account, *, tag_listed: bool = True) -> Account:
    """Everything but buckets and what is recorded."""
    arn = f"arn:aws:appstream:{REGION}:{ACCOUNT}"
    account.stack(
        DisplayName="Design",
        Description="Drawings, see https://example.org/help",
        RedirectURL="https://example.org",
        EmbedHostDomains=["portal.example"],
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
        "AppVisibility": "ALL",
        "Attributes": [{"Name": "roles", "Value": "designer"}],
    }
    account.lists(calls.DESCRIBE_ENTITLEMENTS, entitlement, region=REGION, StackName="design")
    account.fleet(Description="Workstations", MaxSessionsPerInstance=1)
    account.lists(
        calls.DESCRIBE_IMAGES,
        {"Name": "design", "Arn": IMAGE, "Applications": [{"Name": "cad", "Metadata": {"a": "b"}}]},
    )
    account.lists(
        calls.DESCRIBE_IMAGE_BUILDERS, {"Name": "builder", "Arn": f"{arn}:image-builder/builder"}
    )
    account.lists(calls.DESCRIBE_APP_BLOCKS, {"Name": "block", "Arn": f"{arn}:app-block/block"})
    builder: dict[str, Any] = {
        "Name": "maker",
        "Arn": f"{arn}:app-block-builder/maker",
        "Platform": "WINDOWS_SERVER_2019",
        "InstanceType": "stream.standard.small",
        "VpcConfig": {},
        "State": "STOPPED",
    }
    account.lists(calls.DESCRIBE_APP_BLOCK_BUILDERS, builder)
    account.lists(calls.DESCRIBE_APPLICATIONS, {"Name": "cad", "Arn": f"{arn}:application/cad"})
    task = {"TaskId": "t1", "ImageArn": IMAGE, "AmiName": "design", "CreatedDate": AS_OF}
    account.lists(calls.LIST_EXPORT_IMAGE_TASKS, task)
    account.lists(calls.DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    for name in ("stack/design", "fleet/design", "image/design", "image-builder/builder"):
        told = {"Tags": {"team": "cad"}}
        account.answers(calls.LIST_TAGS_FOR_RESOURCE, told, REGION, ResourceArn=f"{arn}:{name}")
        if tag_listed:
            account.tagged(f"{arn}:{name}", team="cad")
    account.lists(
        calls.DESCRIBE_VPC_ENDPOINTS,
        {
            "VpcEndpointId": VPCE,
            "State": "available",
            "ServiceName": f"com.amazonaws.{REGION}.appstream.streaming",
        },
    )
    account.event().report(f"jane,arn:aws:iam::{ACCOUNT}:user/jane,true,true")
    account.lists(calls.LIST_REPORTS, {"name": "SOC 2", "state": "PUBLISHED", "periodEnd": AS_OF})
    account.lists(calls.LIST_CUSTOMER_AGREEMENTS, {"name": "DPA", "state": "ACTIVE"})
    device = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device"}
    return account.lists(calls.LIST_VIRTUAL_MFA_DEVICES, device)


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


def _buckets(account: Account, **members: Any) -> None:
    for name in (HOME, SETTINGS, LOGS):
        tags = {"team": "cad"}
        account.bucket(
            name, encryption="aws:kms", key=KEY, policy=tls_only(name), tags=tags, **members
        )
    account.key()
