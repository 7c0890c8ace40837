"""Whose it is: what AppStream uses of other accounts, and which control reports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit import calls
from kit.judge import evaluate
from kit.tables import tabulate
from tests.controls.samples import ADMIN
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_evidenced,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.standins import ACCOUNT, AS_OF, AUTHORITY, REGION, Account, denial, erases, restricted

# --- buckets ----------------------------------------------------------------------------------

THEIRS = "appstream2-36fb080bb8-eu-west-1-999999999999"
GUARDED = {"Statement": restricted(THEIRS, ADMIN)["Statement"]}
UNLISTED = not_evidenced("denied", calls.LIST_BUCKETS, denial(calls.LIST_BUCKETS))


def named_by_stack(account: Account, name: str = THEIRS) -> Account:
    connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": name}
    return account.stack(StorageConnectors=[connector])


@scenarios(
    (
        "one that the account's list has not",
        lambda a: named_by_stack(a).bucket(THEIRS, listed=False, policy=GUARDED),
        fails,
    ),
    ("one that it has", lambda a: named_by_stack(a).bucket(THEIRS, policy=GUARDED), passes),
    (
        "the list denied",
        lambda a: (named_by_stack(a).bucket(THEIRS, listed=False, policy=GUARDED)).denies(
            calls.LIST_BUCKETS
        ),
        UNLISTED,
        UNLISTED,  # and other buckets may be there
    ),
    (
        "the list cut short",
        lambda a: (
            named_by_stack(a)
            .bucket(THEIRS, listed=False, policy=GUARDED)
            .lists(calls.LIST_BUCKETS)
            .cuts(calls.LIST_BUCKETS, "more exist")
        ),
        not_evidenced("cut short", calls.LIST_BUCKETS),
        not_evidenced("cut short", calls.LIST_BUCKETS),
    ),
    (
        "S3 refuses every question",
        lambda a: refused(named_by_stack(a).bucket(THEIRS, listed=False), "AccessDenied"),
        not_evidenced("denied", calls.GET_BUCKET_POLICY, "AccessDenied"),
    ),
    (
        "there is no such bucket",
        lambda a: refused(named_by_stack(a).bucket(THEIRS, listed=False), "NoSuchBucket"),
        not_evidenced("failed", calls.GET_BUCKET_POLICY, "NoSuchBucket"),
    ),
    (
        "another name, which a list of its own has",
        lambda a: named_by_stack(a, "files").bucket(
            "files", listed=False, policy={"Statement": restricted("files", ADMIN)["Statement"]}
        ),
        passes,
    ),
    (
        "another name, which no list has",
        lambda a: named_by_stack(a, "files").bucket(
            "files",
            listed=False,
            ours=False,
            policy={"Statement": restricted("files", ADMIN)["Statement"]},
        ),
        fails,
    ),
)
def test_ar_16_a_bucket_of_another_account(
    tmp_path: Path, given: Given, expected: list[Any]
) -> None:
    account = Account(tmp_path, administrators=[ADMIN])
    given(account)
    assert verdicts(account, "AR-16") == expected


def refused(account: Account, code: str) -> Account:
    for call in calls.CALLS.values():
        if call.service == "s3" and call.each and call is not calls.LIST_NAMED_BUCKETS:
            account.refuses(call, code, region=REGION, Bucket=THEIRS)
    return account


def test_a_bucket_of_another_account_is_reported_by_one_control(tmp_path: Path) -> None:
    ours, theirs = (
        named_by_stack(Account(tmp_path / str(listed)))
        .bucket(THEIRS, listed=listed, policy=GUARDED)
        .snapshot()
        for listed in (True, False)
    )
    judged = [
        {
            one.control: one.status
            for one in evaluate(tabulate(each)).leaves
            if THEIRS in one.resource
        }
        for each in (ours, theirs)
    ]
    assert {name for name in judged[0] if judged[0][name] != judged[1][name]} == {"AR-16"}


@pytest.mark.parametrize("control", ["AR-12", "AR-13"])
@pytest.mark.parametrize(
    ("bucket", "change", "expected"),
    [
        ("packages", lambda a: a, passes),
        ("theirs", lambda a: a, to_be_reviewed),
        (
            "theirs",
            lambda a: a.denies(calls.LIST_NAMED_BUCKETS, region=REGION, Prefix="theirs"),
            denied(calls.LIST_NAMED_BUCKETS),
        ),
        (
            "theirs",
            lambda a: a.denies(calls.GET_BUCKET_ENCRYPTION, region=REGION, Bucket="theirs"),
            denied(calls.GET_BUCKET_ENCRYPTION),
        ),
    ],
)
def test_buckets_of_another_account_that_appstream_uses_are_reviewed(
    account: Account, control: str, bucket: str, change: Given, expected: Any
) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    agents = {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
    }
    agents |= {"ScreenshotsUploadEnabled": True, "S3BucketArn": arn}
    source = {"S3Bucket": bucket, "S3Key": "viewer.vhdx"}
    account.lists(calls.DESCRIBE_APP_BLOCKS, {"Name": "b", "Arn": "b", "SourceS3Location": source})
    account.stack(AgentAccessConfig=agents)
    erased = {"versioning": "Enabled", "lifecycle": [erases()], "closed": True}
    account.bucket(bucket, listed=False, ours=bucket == "packages", **erased)
    change(account)
    assert verdicts(account, control) == [expected]


# --- roles, certificate authorities, VPC endpoints ----------------------------------------------

OURS, OTHERS = "111122223333", "999999999999"
VPCE = "vpce-0a1b2c3d"


def endpoint(owner: str | None) -> Given:
    streaming = {"AccessEndpoints": [{"EndpointType": "STREAMING", "VpceId": VPCE}]}
    described = {
        "VpcEndpointId": VPCE,
        "State": "available",
        "ServiceName": f"com.amazonaws.{REGION}.appstream.streaming",
    } | ({"OwnerId": owner} if owner else {})
    return lambda a: a.stack(**streaming).lists(calls.DESCRIBE_VPC_ENDPOINTS, described)


@pytest.mark.parametrize(
    ("owner", "status"),
    [
        (ACCOUNT, "attested"),
        (OURS, "attested"),
        (None, "not evidenced"),
        (OTHERS, "not evidenced"),
    ],
)
def test_it_02_a_vpc_endpoint_of_another_account(
    tmp_path: Path, owner: str | None, status: str
) -> None:
    account = Account(tmp_path, organisation_accounts=[OURS])
    endpoint(owner)(account)
    (finding,) = findings(account, "IT-02")
    assert finding.status == status
    assert (OTHERS in finding.hint) is (owner == OTHERS)


def signing(account: Account, arn: str, status: str = "ENABLED") -> Account:
    properties = {"Status": status, "CertificateAuthorityArn": arn}
    directory = {
        "DirectoryName": "corp.example",
        "OrganizationalUnitDistinguishedNames": ["OU=x"],
        "CertificateBasedAuthProperties": properties,
    }
    account.lists(calls.DESCRIBE_DIRECTORY_CONFIGS, directory)
    described = {"CertificateAuthority": {"Status": "ACTIVE", "NotAfter": AS_OF}}
    call = calls.DESCRIBE_CERTIFICATE_AUTHORITY
    return account.answers(call, described, REGION, CertificateAuthorityArn=arn)


@pytest.mark.parametrize(
    ("owner", "status", "expected"),
    [
        (ACCOUNT, "ENABLED", passes),
        (OURS, "ENABLED", passes),
        (OTHERS, "ENABLED", to_be_reviewed),
        (OTHERS, "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK", to_be_reviewed),
        (OTHERS, "DISABLED", passes),
    ],
)
def test_id_10_a_certificate_authority_of_another_account(
    tmp_path: Path, owner: str, status: str, expected: Any
) -> None:
    account = Account(tmp_path, organisation_accounts=[OURS])
    signing(account, AUTHORITY.replace(ACCOUNT, owner), status)
    assert verdicts(account, "ID-10") == [expected]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (ACCOUNT, passes),
        (OTHERS, not_evidenced("needs review", calls.GET_ACCOUNT_AUTHORIZATION_DETAILS)),
        (OURS, not_evidenced("needs review", calls.GET_ACCOUNT_AUTHORIZATION_DETAILS)),
        (None, passes),
    ],
)
def test_id_07_a_role_of_another_account(tmp_path: Path, owner: str | None, expected: Any) -> None:
    account = Account(tmp_path, organisation_accounts=[OURS]).allowed("instance")
    role = {"IamRoleArn": f"arn:aws:iam::{owner}:role/instance"} if owner else {}
    account.fleet(DisableIMDSV1=True, EnableDefaultInternetAccess=False, **role)
    assert verdicts(account, "ID-07") == [expected]
