"""The sandbox changes what a request changes, and refuses what AWS refuses.

The sources of the refusals stand in ``kit/sandbox/services/*_changes.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kit import sandbox
from kit.sandbox.declared import Item
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import client

WEST = "eu-west-1"
HOME = "appstream2-36fb080bb8-eu-west-1-012345678901"
LOGS = "appstream-logs-eu-west-1-012345678901-3d6f9h2j"
EAST_LOGS = "appstream-logs-us-east-1-012345678901-5k7m9p2r"
GOING, KEY = "0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6", "1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
NOT_PERMITTED, INVALID_STATE = "OperationNotPermittedException", "KMSInvalidStateException"


@pytest.fixture
def local() -> Iterator[Sandbox]:
    with sandbox.start(["careless"]) as running:
        yield running


@pytest.fixture
def appstream(local: Sandbox) -> Any:
    return client(local, "careless", "appstream", WEST)


@pytest.fixture
def kms(local: Sandbox) -> Any:
    return client(local, "careless", "kms", WEST)


@pytest.fixture
def s3(local: Sandbox) -> Any:
    return client(local, "careless", "s3", WEST)


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


# --- fleets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"MaxUserDurationInSeconds": 36000},
        {"DisableIMDSV1": True},
        {"EnableDefaultInternetAccess": False},
        {"AttributesToDelete": ["IAM_ROLE_ARN"]},
        {"AttributesToDelete": ["USB_DEVICE_FILTER_STRINGS"]},
        {"UsbDeviceFilterStrings": []},
        {"MaxConcurrentSessions": 4},
        {"MaxSessionsPerInstance": 1, "ComputeCapacity": {"DesiredInstances": 1}},
    ],
    ids=str,
)
def test_a_running_fleet_takes_few_members(appstream: Any, given: dict[str, Any]) -> None:
    with refused(NOT_PERMITTED):
        appstream.update_fleet(Name="max-fleet", **given)
    appstream.stop_fleet(Name="max-fleet")
    with refused(NOT_PERMITTED):
        appstream.update_fleet(Name="max-fleet", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"DisplayName": "x"},
        {"DisconnectTimeoutInSeconds": 300},
        {"IdleDisconnectTimeoutInSeconds": 600},
        {"ImageName": "old-image"},
        {"ComputeCapacity": {"DesiredSessions": 4}},
    ],
    ids=str,
)
def test_and_takes_these(appstream: Any, given: dict[str, Any]) -> None:
    appstream.update_fleet(Name="max-fleet", **given)
    appstream.stop_fleet(Name="max-fleet")
    with refused(NOT_PERMITTED):
        appstream.update_fleet(Name="max-fleet", **given)
    appstream.describe_fleets()
    appstream.update_fleet(Name="max-fleet", **given)


def test_a_running_elastic_fleet_takes_others(appstream: Any) -> None:
    name = "careless-elastic"
    for given in (
        {"AttributesToDelete": ["USB_DEVICE_FILTER_STRINGS"]},
        {"MaxConcurrentSessions": 4},
        {"IdleDisconnectTimeoutInSeconds": 600},
    ):
        appstream.update_fleet(Name=name, **given)
    for given in ({"MaxUserDurationInSeconds": 36000}, {"ImageName": "old-image"}):
        with refused(NOT_PERMITTED):
            appstream.update_fleet(Name=name, **given)
    (fleet,) = appstream.describe_fleets(Names=[name])["Fleets"]
    assert "UsbDeviceFilterStrings" not in fleet


def test_a_fleet_is_on_its_way_until_somebody_looks(appstream: Any) -> None:
    appstream.stop_fleet(Name="max-fleet")
    with refused(NOT_PERMITTED):
        appstream.start_fleet(Name="max-fleet")
    appstream.get_waiter("fleet_stopped").wait(Names=["max-fleet"])
    appstream.update_fleet(Name="max-fleet", DisableIMDSV1=True)
    appstream.start_fleet(Name="max-fleet")
    with refused(NOT_PERMITTED):
        appstream.update_fleet(Name="max-fleet", DisplayName="x")
    (fleet,) = appstream.describe_fleets(Names=["max-fleet"])["Fleets"]
    assert (fleet["State"], fleet["DisableIMDSV1"]) == ("RUNNING", True)


def test_a_fleets_capacity_is_of_its_kind(appstream: Any) -> None:
    appstream.stop_fleet(Name="max-fleet")
    appstream.describe_fleets()
    one = {"AttributesToDelete": ["MAX_SESSIONS_PER_INSTANCE"]}
    for capacity in ({}, {"ComputeCapacity": {"DesiredSessions": 2}}):
        with refused("InvalidParameterCombinationException"):
            appstream.update_fleet(Name="max-fleet", **one, **capacity)
    appstream.update_fleet(Name="max-fleet", **one, ComputeCapacity={"DesiredInstances": 2})
    with refused(NOT_PERMITTED):
        appstream.update_fleet(Name="careless-elastic", ComputeCapacity={"DesiredInstances": 2})


def test_an_app_block_builder_that_runs_takes_its_names_alone(appstream: Any) -> None:
    name = "careless-packager"
    appstream.start_app_block_builder(Name=name)
    with refused(NOT_PERMITTED):
        appstream.update_app_block_builder(Name=name, DisplayName="x")
    appstream.describe_app_block_builders()
    appstream.update_app_block_builder(Name=name, DisplayName="x")
    with refused(NOT_PERMITTED):
        appstream.update_app_block_builder(Name=name, DisableIMDSV1=True)
    appstream.stop_app_block_builder(Name=name)
    appstream.describe_app_block_builders()
    appstream.update_app_block_builder(Name=name, DisableIMDSV1=True)


def test_what_does_not_exist_is_not_found(appstream: Any) -> None:
    endpoint = [{"EndpointType": "STREAMING", "VpceId": "vpce-nowhere"}]
    for ask in (
        lambda: appstream.update_fleet(Name="nobody"),
        lambda: appstream.update_stack(Name="untouched-defaults", AccessEndpoints=endpoint),
        lambda: appstream.disable_user(UserName="nobody", AuthenticationType="USERPOOL"),
        lambda: appstream.delete_image_permissions(Name="old-image", SharedAccountId="1" * 12),
        lambda: appstream.update_theme_for_stack(StackName="untouched-defaults"),
        lambda: appstream.update_directory_config(DirectoryName="nobody"),
        lambda: appstream.untag_resource(ResourceArn="arn:aws:appstream:::fleet/x", TagKeys=["a"]),
    ):
        with refused("ResourceNotFoundException"):
            ask()
    with refused("EntitlementNotFoundException"):
        appstream.update_entitlement(StackName="untouched-defaults", Name="nobody")


def test_an_image_is_made_beside_the_old_one(appstream: Any) -> None:
    given = {"existingImageName": "old-image", "newImageName": "new"}
    assert appstream.create_updated_image(**given, dryRun=True)["canUpdateImage"]
    appstream.create_updated_image(**given)
    with refused("ResourceAlreadyExistsException"):
        appstream.create_updated_image(**given)
    appstream.update_fleet(Name="max-fleet", ImageName="new")
    (fleet,) = appstream.describe_fleets(Names=["max-fleet"])["Fleets"]
    assert fleet["ImageArn"].endswith("image/new")
    with refused("ResourceNotFoundException"):
        appstream.update_fleet(Name="max-fleet", ImageName="nowhere")


# --- keys ---------------------------------------------------------------------------------------


def test_a_key_that_is_pending_deletion_is_cancelled_before_it_is_enabled(kms: Any) -> None:
    policy = kms.get_key_policy(KeyId=GOING)["Policy"]
    for ask in (
        lambda: kms.enable_key(KeyId=GOING),
        lambda: kms.disable_key(KeyId=GOING),
        lambda: kms.enable_key_rotation(KeyId=GOING),
        lambda: kms.put_key_policy(KeyId=GOING, Policy=policy),
        lambda: kms.schedule_key_deletion(KeyId=GOING),
    ):
        with refused(INVALID_STATE):
            ask()
    kms.cancel_key_deletion(KeyId=GOING)
    with refused("DisabledException"):
        kms.enable_key_rotation(KeyId=GOING)
    with refused("DisabledException"):
        kms.create_grant(KeyId=GOING, GranteePrincipal="x", Operations=["Decrypt"])
    kms.enable_key(KeyId=GOING)
    assert kms.describe_key(KeyId=GOING)["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize("disabled", [False, True])
def test_a_deletion_that_is_not_pending_cannot_be_cancelled(kms: Any, disabled: bool) -> None:
    if disabled:
        kms.disable_key(KeyId=KEY)
    with refused(INVALID_STATE):
        kms.cancel_key_deletion(KeyId=KEY)


def test_a_key_that_aws_manages_is_changed_by_nobody_else(local: Sandbox, kms: Any) -> None:
    keys = local._by_name["careless"].declared("kms", "Keys", WEST)
    next(key for key in keys if key["KeyId"] == KEY)["KeyManager"] = "AWS"
    policy = kms.get_key_policy(KeyId=KEY)["Policy"]
    for change in (
        lambda: kms.enable_key(KeyId=KEY),
        lambda: kms.disable_key(KeyId=KEY),
        lambda: kms.enable_key_rotation(KeyId=KEY),
        lambda: kms.put_key_policy(KeyId=KEY, Policy=policy),
        lambda: kms.schedule_key_deletion(KeyId=KEY),
    ):
        with refused("AccessDenied"):
            change()


@pytest.mark.parametrize(
    "path", ["/aws-reserved/sso.amazonaws.com/", "/aws-service-role/x.amazonaws.com/"]
)
def test_a_role_of_aws_is_changed_by_nobody_else(local: Sandbox, path: str) -> None:
    iam = client(local, "careless", "iam", WEST)
    roles = local._by_name["careless"].declared("iam", "RoleDetailList", "")
    role = next(role for role in roles if role["RoleName"] == "streaming-machine")
    role["Path"] = path
    given = {"RoleName": "streaming-machine", "PolicyName": "everything"}
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    full = "arn:aws:iam::aws:policy/AmazonAppStreamFullAccess"
    for change in (
        lambda: iam.put_role_policy(**given, PolicyDocument=document),
        lambda: iam.delete_role_policy(**given),
        lambda: iam.attach_role_policy(RoleName="streaming-machine", PolicyArn=full),
        lambda: iam.detach_role_policy(RoleName="streaming-machine", PolicyArn=full),
        lambda: iam.update_assume_role_policy(
            RoleName="streaming-machine", PolicyDocument=document
        ),
    ):
        with refused("UnmodifiableEntity.*only modifiable by AWS"):
            change()
    assert iam.get_role_policy(**given)["PolicyName"] == "everything"


def test_material_is_imported_as_kms_handed_its_key_out(local: Sandbox, kms: Any) -> None:
    keys = local._by_name["careless"].declared("kms", "Keys", WEST)
    (key,) = (key for key in keys if key["KeyId"] == KEY)
    wanted = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    with refused("UnsupportedOperationException"):
        kms.get_parameters_for_import(KeyId=KEY, **wanted)
    key |= {"Origin": "EXTERNAL", "KeyState": "PendingImport"}

    def parameters() -> tuple[bytes, Any]:
        given = kms.get_parameters_for_import(KeyId=KEY, **wanted)
        return given["ImportToken"], load_der_public_key(given["PublicKey"])

    def give(token: bytes, encrypted: bytes) -> None:
        kms.import_key_material(KeyId=KEY, ImportToken=token, EncryptedKeyMaterial=encrypted)

    oaep = OAEP(MGF1(SHA256()), SHA256(), None)
    with refused("InvalidImportTokenException"):
        give(b"t", b"m")
    earlier, _ = parameters()
    token, public = parameters()
    with refused("InvalidImportTokenException"):
        give(earlier, public.encrypt(b"m" * 32, oaep))
    with refused("InvalidCiphertextException"):
        give(token, b"m" * 32)
    give(token, public.encrypt(b"m" * 32, oaep))
    assert kms.describe_key(KeyId=KEY)["KeyMetadata"]["KeyState"] == "Enabled"
    kms.delete_imported_key_material(KeyId=KEY)
    assert kms.describe_key(KeyId=KEY)["KeyMetadata"]["KeyState"] == "PendingImport"
    with refused("IncorrectKeyMaterialException"):
        give(token, public.encrypt(b"o" * 32, oaep))


def test_a_key_store_that_does_not_exist_is_not_connected(kms: Any) -> None:
    for change in (kms.connect_custom_key_store, kms.disconnect_custom_key_store):
        with refused("CustomKeyStoreNotFoundException"):
            change(CustomKeyStoreId="cks-1234567890abcdef0")


def test_keys_that_kms_does_not_rotate_are_refused(local: Sandbox, kms: Any) -> None:
    key = next(
        k for k in local._by_name["careless"].declared("kms", "Keys", WEST) if k["KeyId"] == KEY
    )
    for member, value in (("Origin", "EXTERNAL"), ("KeySpec", "RSA_2048")):
        kept, key[member] = key[member], value
        with refused("UnsupportedOperationException"):
            kms.enable_key_rotation(KeyId=KEY)
        key[member] = kept
    kms.enable_key_rotation(KeyId=KEY)
    assert kms.get_key_rotation_status(KeyId=KEY)["KeyRotationEnabled"]
    kms.disable_key_rotation(KeyId=KEY)
    assert not kms.get_key_rotation_status(KeyId=KEY)["KeyRotationEnabled"]


def test_a_key_policy_that_locks_everybody_out_is_refused(kms: Any) -> None:
    other = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
    for policy in (
        "no JSON",
        json.dumps({"Statement": [other | {"Action": "kms:*", "Resource": "*"}]}),
    ):
        with refused("MalformedPolicyDocumentException"):
            kms.put_key_policy(KeyId=KEY, Policy=policy)
    with refused("NotFoundException"):
        kms.revoke_grant(KeyId=KEY, GrantId="0")


# --- buckets ------------------------------------------------------------------------------------


def test_a_public_policy_is_refused_where_it_is_blocked(s3: Any) -> None:
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Statement": [public]})
    s3.put_bucket_policy(Bucket=LOGS, Policy=policy)
    s3.put_public_access_block(
        Bucket=LOGS, PublicAccessBlockConfiguration={"BlockPublicPolicy": True}
    )
    with refused("AccessDenied"):
        s3.put_bucket_policy(Bucket=LOGS, Policy=policy)
    s3.delete_bucket_policy(Bucket=LOGS)
    for broken in ("no JSON", '{"Statement": []}'):
        with refused("MalformedPolicy"):
            s3.put_bucket_policy(Bucket=LOGS, Policy=broken)
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=LOGS)


def test_rules_by_date_and_by_days_are_refused_together(s3: Any) -> None:
    def rules(*expirations: dict[str, Any]) -> dict[str, Any]:
        made = [
            {"ID": f"r{n}", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": expiration}
            for n, expiration in enumerate(expirations)
        ]
        return {"Bucket": LOGS, "LifecycleConfiguration": {"Rules": made}}

    with refused("InvalidRequest"):
        s3.put_bucket_lifecycle_configuration(**rules({"Days": 30}, {"Date": "2030-01-01"}))
    s3.put_bucket_lifecycle_configuration(**rules({"Days": 30}))
    assert (
        s3.get_bucket_lifecycle_configuration(Bucket=LOGS)["Rules"][0]["Expiration"]["Days"] == 30
    )
    s3.delete_bucket_lifecycle(Bucket=LOGS)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=LOGS)


def test_logs_go_to_a_bucket_of_the_same_account_and_region(s3: Any) -> None:
    for target in ("somebody-elses", EAST_LOGS):
        enabled = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "p"}}
        with refused("InvalidTargetBucketForLogging"):
            s3.put_bucket_logging(Bucket=HOME, BucketLoggingStatus=enabled)
    enabled = {"LoggingEnabled": {"TargetBucket": LOGS, "TargetPrefix": "p"}}
    s3.put_bucket_logging(Bucket=HOME, BucketLoggingStatus=enabled)
    assert s3.get_bucket_logging(Bucket=HOME)["LoggingEnabled"]["TargetBucket"] == LOGS
    s3.put_bucket_logging(Bucket=HOME, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=HOME)


def test_an_encryption_has_one_rule_and_replaces_the_whole(s3: Any) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=LOGS, ServerSideEncryptionConfiguration={"Rules": [rule]})
    with refused("MalformedXML"):
        twice = {"Rules": [rule, rule]}
        s3.put_bucket_encryption(Bucket=LOGS, ServerSideEncryptionConfiguration=twice)
    (found,) = s3.get_bucket_encryption(Bucket=LOGS)["ServerSideEncryptionConfiguration"]["Rules"]
    assert found["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_bucket_without_versions_is_not_replicated(s3: Any) -> None:
    rule = {"Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{LOGS}"}}
    rules = {"Role": "arn:aws:iam::012345678901:role/r", "Rules": [rule | {"Prefix": ""}]}
    with refused("InvalidRequest"):
        s3.put_bucket_replication(Bucket=HOME, ReplicationConfiguration=rules)
    s3.put_bucket_versioning(Bucket=HOME, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_replication(Bucket=HOME, ReplicationConfiguration=rules)
    found = s3.get_bucket_replication(Bucket=HOME)["ReplicationConfiguration"]
    assert found["Rules"][0]["Destination"] == rule["Destination"]


def test_any_client_reaches_s3_control(local: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in local.environment("careless").items():
        monkeypatch.setenv(name, value)
    control = boto3.Session().client("s3control")
    points = control.list_access_points(AccountId="012345678901")["AccessPointList"]
    assert [point["Name"] for point in points] == ["partner-downloads"]
    with refused("NoSuchAccessPoint"):
        control.put_access_point_policy(AccountId="012345678901", Name="nowhere", Policy="{}")


# --- trails, IAM, Macie, analyzers --------------------------------------------------------------


def test_cloudtrail_refuses_buckets_and_keys_that_it_may_not_use(local: Sandbox, s3: Any) -> None:
    cloudtrail = client(local, "careless", "cloudtrail", WEST)
    with refused("InsufficientS3BucketPolicyException"):
        cloudtrail.create_trail(Name="new", S3BucketName="careless-trail")
    with refused("S3BucketDoesNotExistException"):
        cloudtrail.create_trail(Name="new", S3BucketName="nowhere")
    with refused("TrailAlreadyExistsException"):
        cloudtrail.create_trail(Name="half-hearted", S3BucketName="careless-trail")
    for key, code in (
        (GOING, "KmsKeyDisabledException"),
        (KEY, "InsufficientEncryptionPolicyException"),
        ("nowhere", "KmsKeyNotFoundException"),
    ):
        with refused(code):
            cloudtrail.update_trail(Name="half-hearted", KmsKeyId=key)
    with refused("InvalidEventSelectorsException"):
        cloudtrail.put_event_selectors(TrailName="half-hearted", EventSelectors=[])


def test_a_member_changes_nothing_of_its_organisations_trail() -> None:
    trail = "arn:aws:cloudtrail:eu-central-1:999988887777:trail/organization"
    with sandbox.start(["demo", "organisation"]) as local:
        member = client(local, "demo", "cloudtrail", "eu-central-1")
        manager = client(local, "organisation", "cloudtrail", "eu-central-1")
        for name, code in (
            (trail, "CloudTrailARNInvalidException"),
            ("organization", "TrailNotFoundException"),
        ):
            for change, given in (
                ("update_trail", {"Name": name, "EnableLogFileValidation": False}),
                ("put_event_selectors", {"TrailName": name, "EventSelectors": [{}]}),
                ("stop_logging", {"Name": name}),
                ("start_logging", {"Name": name}),
            ):
                with refused(code):
                    getattr(member, change)(**given)
            assert manager.update_trail(Name=name, EnableLogFileValidation=False)["Name"]
        assert member.get_trail_status(Name=trail)["IsLogging"]


def test_an_event_data_store_is_restored_while_it_is_going() -> None:
    with sandbox.start(["tidy"]) as local:
        cloudtrail = client(local, "tidy", "cloudtrail", WEST)
        (store,) = cloudtrail.list_event_data_stores()["EventDataStores"]
        arn = {"EventDataStore": store["EventDataStoreArn"]}
        with refused("InvalidEventDataStoreStatusException"):
            cloudtrail.restore_event_data_store(**arn)
        with refused("EventDataStoreTerminationProtectedException"):
            cloudtrail.delete_event_data_store(**arn)
        (declared,) = local._by_name["tidy"].declared("cloudtrail", "EventDataStores", WEST)
        declared["TerminationProtectionEnabled"] = False
        cloudtrail.delete_event_data_store(**arn)
        with refused("InactiveEventDataStoreException"):
            cloudtrail.update_event_data_store(**arn, RetentionPeriod=30)
        cloudtrail.restore_event_data_store(**arn)
        assert cloudtrail.get_event_data_store(**arn)["Status"] == "ENABLED"


def test_iam_refuses_what_is_not_there_and_a_third_key(local: Sandbox) -> None:
    iam = client(local, "careless", "iam")
    role, arn = {"RoleName": "portal"}, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for ask in (
        lambda: iam.detach_role_policy(**role, PolicyArn=arn),
        lambda: iam.get_role_policy(**role, PolicyName="none"),
        lambda: iam.delete_role_policy(**role, PolicyName="none"),
        lambda: iam.get_role(RoleName="nobody"),
        lambda: iam.create_access_key(UserName="nobody"),
        lambda: iam.deactivate_mfa_device(UserName="max.mustermann", SerialNumber="x" * 9),
    ):
        with refused("NoSuchEntity"):
            ask()
    with refused("MalformedPolicyDocument"):
        iam.put_role_policy(**role, PolicyName="p", PolicyDocument="no JSON")
    iam.create_access_key(UserName="max.mustermann")
    with refused("LimitExceeded"):
        iam.create_access_key(UserName="max.mustermann")
    iam.put_role_policy(**role, PolicyName="p", PolicyDocument='{"Statement": []}')
    assert iam.list_role_policies(**role)["PolicyNames"] == ["p"]
    assert iam.get_role_policy(**role, PolicyName="p")["PolicyDocument"] == {"Statement": []}


def test_an_mfa_device_is_made_enabled_deactivated_and_deleted(local: Sandbox) -> None:
    iam = client(local, "careless", "iam")
    user, codes = {"UserName": "shared-admin"}, {"AuthenticationCode1": "123456"}
    unlike = codes | {"AuthenticationCode2": "234567"}
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    serial = {"SerialNumber": made["SerialNumber"]}
    for code, ask in (
        (
            "EntityAlreadyExists",
            lambda: iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"),
        ),
        (
            "NoSuchEntity",
            lambda: iam.enable_mfa_device(
                **user, **unlike, SerialNumber=made["SerialNumber"] + "-of-nobody"
            ),
        ),
        (
            "InvalidAuthenticationCode",
            lambda: iam.enable_mfa_device(**user, **serial, **codes, AuthenticationCode2="123456"),
        ),
        ("NoSuchEntity", lambda: iam.deactivate_mfa_device(**user, **serial)),
    ):
        with refused(code):
            ask()
    iam.enable_mfa_device(**user, **serial, **unlike)
    for code, ask in (
        ("EntityAlreadyExists", lambda: iam.enable_mfa_device(**user, **serial, **unlike)),
        ("DeleteConflict", lambda: iam.delete_virtual_mfa_device(**serial)),
        ("NoSuchEntity", lambda: iam.deactivate_mfa_device(UserName="max.mustermann", **serial)),
    ):
        with refused(code):
            ask()
    for n in range(7):
        iam.enable_mfa_device(**user, SerialNumber=f"HARDWARE-{n}", **unlike)
    with refused("LimitExceeded"):
        iam.enable_mfa_device(**user, SerialNumber="HARDWARE-7", **unlike)
    iam.deactivate_mfa_device(**user, **serial)
    iam.delete_virtual_mfa_device(**serial)
    with refused("NoSuchEntity"):
        iam.delete_virtual_mfa_device(**serial)


def test_sns_refuses_policies_that_are_not_of_the_topic(local: Sandbox) -> None:
    sns = client(local, "careless", "sns", WEST)
    topic = {"TopicArn": sns.create_topic(Name="alarms")["TopicArn"]}
    assert sns.create_topic(Name="alarms")["TopicArn"] == topic["TopicArn"]
    before = sns.get_topic_attributes(**topic)["Attributes"]["Policy"]
    publish = {
        "Sid": "a",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic["TopicArn"],
    }

    def put(policy: Any, **arguments: str) -> None:
        given = topic | {"AttributeName": "Policy"} | arguments
        sns.set_topic_attributes(**given, AttributeValue=policy)

    for policy in (
        "no JSON",
        "{}",
        json.dumps({"Statement": []}),
        json.dumps({"Statement": [publish, publish]}),
        json.dumps({"Statement": [publish | {"Action": ["sns:Publish", "sns:CreateTopic"]}]}),
        json.dumps({"Statement": [publish | {"Resource": "*"}]}),
        json.dumps({"Statement": [publish | {"Sid": str(n)} for n in range(101)]}),
        json.dumps({"Statement": [publish], "Id": "x" * 30_720}),
    ):
        with refused("InvalidParameter"):
            put(policy)
    with refused("InvalidParameter"):
        put("x", AttributeName="DisplayName")
    with refused("NotFound"):
        put(before, TopicArn=topic["TopicArn"] + "-of-nobody")
    assert sns.get_topic_attributes(**topic)["Attributes"]["Policy"] == before
    put(json.dumps({"Statement": [publish]}))
    assert '"a"' in sns.get_topic_attributes(**topic)["Attributes"]["Policy"]


def test_macie_and_analyzers_exist_once(local: Sandbox) -> None:
    macie, east = (client(local, "careless", "macie2", region) for region in (WEST, "us-east-1"))
    with refused("ConflictException"):
        macie.enable_macie()
    for ask in (
        east.disable_macie,
        lambda: east.update_automated_discovery_configuration(status="ENABLED"),
    ):
        with refused("AccessDeniedException"):
            ask()
    macie.disable_macie()
    with refused("AccessDeniedException"):
        macie.get_macie_session()
    analyzer = client(local, "careless", "accessanalyzer", WEST)
    analyzer.create_analyzer(analyzerName="a", type="ACCOUNT")
    with refused("ConflictException"):
        analyzer.create_analyzer(analyzerName="a", type="ACCOUNT")
    analyzer.delete_analyzer(analyzerName="a")
    with refused("ResourceNotFoundException"):
        analyzer.delete_analyzer(analyzerName="a")


def test_passwords_and_contacts_are_given_and_taken_once(local: Sandbox) -> None:
    iam, account = client(local, "careless", "iam"), client(local, "careless", "account")
    security = {"AlternateContactType": "SECURITY"}
    user = {"UserName": "shared-admin"}
    for ask, code in (
        (iam.delete_account_password_policy, "NoSuchEntity"),
        (lambda: iam.create_login_profile(**user, Password="x" * 9), "EntityAlreadyExists"),
        (lambda: account.delete_alternate_contact(**security), "ResourceNotFoundException"),
        (
            lambda: account.delete_alternate_contact(AlternateContactType="BILLING"),
            "ValidationException",
        ),
    ):
        with refused(code):
            ask()
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.update_account_password_policy(PasswordReusePrevention=5)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["PasswordReusePrevention"]) == (6, 5)
    iam.delete_account_password_policy()
    iam.delete_login_profile(**user)
    with refused("NoSuchEntity"):
        iam.delete_login_profile(**user)
    iam.create_login_profile(**user, Password="x" * 9)
    contact = {
        "Name": "a",
        "Title": "b",
        "EmailAddress": "c@example.com",
        "PhoneNumber": "+49300000",
    }
    account.put_alternate_contact(**security, **contact)
    assert account.get_alternate_contact(**security)["AlternateContact"]["Name"] == "a"
    account.delete_alternate_contact(**security)


def test_a_provider_is_valid_as_long_as_its_document(local: Sandbox) -> None:
    iam = client(local, "careless", "iam")
    arn = "arn:aws:iam::012345678901:saml-provider/CorporateIdP"
    before = iam.get_saml_provider(SAMLProviderArn=arn)
    assert before["ValidUntil"].isoformat() in before["SAMLMetadataDocument"]
    document = '<EntityDescriptor validUntil="2090-01-01T00:00:00Z"/>'
    for provider, text, code in (
        (arn, "", "InvalidInput"),
        (f"{arn}-2", document, "NoSuchEntity"),
    ):
        with refused(code):
            iam.update_saml_provider(
                SAMLProviderArn=provider, SAMLMetadataDocument=text.ljust(1000)
            )
    for text, year in ((document, 2090), ("<EntityDescriptor/>", 2100)):
        iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=text.ljust(1000))
        (listed,) = iam.list_saml_providers()["SAMLProviderList"]
        assert listed["ValidUntil"].year >= year
    iam.update_saml_provider(
        SAMLProviderArn=arn, SAMLMetadataDocument=before["SAMLMetadataDocument"]
    )
    assert iam.get_saml_provider(SAMLProviderArn=arn)["ValidUntil"] == before["ValidUntil"]


# --- networks and AMIs --------------------------------------------------------------------------

GROUP, AMI = "sg-0badbadbadbad0001", "ami-0123456789abcdef0"


@pytest.fixture
def ec2(local: Sandbox) -> Any:
    return client(local, "careless", "ec2", WEST)


def test_launch_permissions_are_accounts_or_everybody(ec2: Any) -> None:
    for image, launcher, code in (
        ("ami-00000000000000000", {"Group": "all"}, "InvalidAMIID.NotFound"),
        (AMI, {"UserId": "88"}, "InvalidAMIAttributeItemValue"),
    ):
        with refused(code):
            ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Remove": [launcher]})
    partner, nobody = {"UserId": "888888888888"}, {"UserId": "777777777777"}
    for change in ({"Remove": [{"Group": "all"}, nobody]}, {"Add": [partner]}):
        ec2.modify_image_attribute(ImageId=AMI, LaunchPermission=change)
        answer = ec2.describe_image_attribute(ImageId=AMI, Attribute="launchPermission")
        assert answer["LaunchPermissions"] == [partner]


def inbound(ec2: Any) -> list[dict[str, Any]]:
    (group,) = ec2.describe_security_groups(GroupIds=[GROUP])["SecurityGroups"]
    return list(group["IpPermissions"])


def test_a_rule_of_a_security_group_ends_by_its_id(ec2: Any) -> None:
    of_group = {"Filters": [{"Name": "group-id", "Values": [GROUP]}]}
    rules = ec2.describe_security_group_rules(**of_group)["SecurityGroupRules"]
    assert [rule["IsEgress"] for rule in rules] == [False, True]
    rule = rules[0]
    assert (rule["CidrIpv4"], rule["FromPort"]) == ("0.0.0.0/0", 3389)
    id, egress = (rule["SecurityGroupRuleId"] for rule in rules)
    for group, ids, code in (
        ("sg-00000000000000000", [id], "InvalidGroup.NotFound"),
        (GROUP, [id, egress], "InvalidSecurityGroupRuleId.NotFound"),
        (GROUP, [], "InvalidParameterValue"),
    ):
        with refused(code):
            ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)
    assert len(inbound(ec2)) == 1
    ec2.revoke_security_group_ingress(GroupId=GROUP, SecurityGroupRuleIds=[id])
    assert inbound(ec2) == []
    port = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389}
    given = {"GroupId": GROUP, "IpPermissions": [port | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
    ec2.authorize_security_group_ingress(**given)
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(**given)
    again = ec2.describe_security_group_rules(**of_group)["SecurityGroupRules"]
    assert [rule["SecurityGroupRuleId"] for rule in again] == [id, egress]


def test_a_rule_names_its_peer_group(ec2: Any) -> None:
    peers = [
        {"UserIdGroupPairs": [{"GroupId": "sg-1"}]},
        {"PrefixListIds": [{"PrefixListId": "pl-1"}]},
    ]
    permissions = [{"IpProtocol": "-1", **peer} for peer in peers]
    ec2.authorize_security_group_ingress(GroupId=GROUP, IpPermissions=permissions)
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    named = [rule for rule in rules if rule["IpProtocol"] == "-1" and rule["GroupId"] == GROUP]
    assert [rule.get("ReferencedGroupInfo") for rule in named] == [{"GroupId": "sg-1"}, None]
    assert [rule.get("PrefixListId") for rule in named] == [None, "pl-1"]


def test_the_policy_of_an_endpoint_is_json(ec2: Any) -> None:
    endpoint = "vpce-0badbadbadbad0002"
    for id, policy, code in (
        ("vpce-0", "{}", "InvalidVpcEndpointId.NotFound"),
        (endpoint, "None", "InvalidPolicyDocument"),
        (endpoint, "{}", "InvalidPolicyDocument"),
    ):
        with refused(code):
            ec2.modify_vpc_endpoint(VpcEndpointId=id, PolicyDocument=policy)
    policy = json.dumps({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=policy)
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert found["PolicyDocument"] == policy


# --- what watches -------------------------------------------------------------------------------


def test_a_recorder_starts_where_it_can_deliver(local: Sandbox) -> None:
    config = client(local, "careless", "config", WEST)
    with refused("NoSuchConfigurationRecorderException"):
        config.start_configuration_recorder(ConfigurationRecorderName="default")
    account = local._by_name["careless"]
    for kind in ("Recorders", "DeliveryChannels"):
        item = Item(name="default", **({"recording": False} if kind == "Recorders" else {}))
        account.declare("config", kind, WEST, item)
        if kind == "Recorders":
            with refused("NoAvailableDeliveryChannelException"):
                config.start_configuration_recorder(ConfigurationRecorderName="default")
    for change, recording in (
        (config.start_configuration_recorder, True),
        (config.stop_configuration_recorder, False),
    ):
        change(ConfigurationRecorderName="default")
        answer = config.describe_configuration_recorder_status()
        (recorder,) = answer["ConfigurationRecordersStatus"]
        assert recorder["recording"] is recording


def test_a_rule_is_deleted_without_its_targets(local: Sandbox) -> None:
    events = client(local, "careless", "events", WEST)
    targets = [{"Id": str(n), "Arn": f"arn:aws:sns:{WEST}:1:a"} for n in range(6)]
    for ask in (
        lambda: events.describe_rule(Name="a"),
        lambda: events.put_targets(Rule="a", Targets=targets[:1]),
        lambda: events.remove_targets(Rule="a", Ids=["0"]),
    ):
        with refused("ResourceNotFoundException"):
            ask()
    events.put_rule(Name="a", EventPattern="{}")
    events.put_targets(Rule="a", Targets=targets[:5])
    with refused("LimitExceededException"):
        events.put_targets(Rule="a", Targets=targets[5:])
    events.put_rule(Name="a", EventPattern="{}", State="DISABLED")
    assert [rule["State"] for rule in events.list_rules()["Rules"]] == ["DISABLED"]
    assert events.describe_rule(Name="a")["State"] == "DISABLED"
    with refused("ValidationException"):
        events.delete_rule(Name="a")
    events.remove_targets(Rule="a", Ids=[one["Id"] for one in targets])
    for _ in range(2):
        events.delete_rule(Name="a")
    assert events.list_rules()["Rules"] == []


def test_a_rule_that_a_service_manages_stays(local: Sandbox) -> None:
    events = client(local, "careless", "events", WEST)
    events.put_rule(Name="a", EventPattern="{}")
    (rule,) = local._by_name["careless"].declared("events", "Rules", WEST)
    rule["ManagedBy"] = "securityhub.amazonaws.com"
    for ask in (
        lambda: events.put_rule(Name="a", EventPattern="{}"),
        lambda: events.put_targets(Rule="a", Targets=[{"Id": "0", "Arn": "arn:aws:sns:::a"}]),
        lambda: events.remove_targets(Rule="a", Ids=["0"]),
        lambda: events.delete_rule(Name="a"),
    ):
        with refused("ManagedRuleException"):
            ask()


# --- GuardDuty ----------------------------------------------------------------------------------


def test_a_region_has_one_detector_whose_features_change(local: Sandbox) -> None:
    guardduty = client(local, "careless", "guardduty", "us-east-1")
    made = guardduty.create_detector(Enable=True)["DetectorId"]
    with refused("a detector already exists for the current account"):
        guardduty.create_detector(Enable=True)

    def state() -> tuple[str, str]:
        detector = guardduty.get_detector(DetectorId=made)
        (s3,) = (f["Status"] for f in detector["Features"] if f["Name"] == "S3_DATA_EVENTS")
        return detector["Status"], s3

    assert state() == ("ENABLED", "ENABLED")
    on = {f["Name"] for f in guardduty.get_detector(DetectorId=made)["Features"]}
    assert {"EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS"} < on
    guardduty.update_detector(
        DetectorId=made, Features=[{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}]
    )
    assert state() == ("ENABLED", "DISABLED")
    guardduty.update_detector(DetectorId=made, Enable=False)
    assert state() == ("DISABLED", "DISABLED")
    guardduty.delete_detector(DetectorId=made)
    with refused("not owned by the current account"):
        guardduty.get_detector(DetectorId=made)
    assert guardduty.list_detectors()["DetectorIds"] == []


def test_a_member_leaves_its_detector_to_the_administrator() -> None:
    with sandbox.start(["demo"]) as local:
        guardduty = client(local, "demo", "guardduty", "eu-central-1")
        (detector,) = guardduty.list_detectors()["DetectorIds"]
        administrator = guardduty.get_administrator_account(DetectorId=detector)["Administrator"]
        assert administrator["AccountId"] == "999988887777"
        for change in (guardduty.update_detector, guardduty.delete_detector):
            with refused("BadRequestException"):
                change(DetectorId=detector)


def test_a_plan_needs_a_bucket_of_the_region_and_a_role_that_may_look_into_it(
    local: Sandbox,
) -> None:
    guardduty = client(local, "careless", "guardduty", WEST)
    account = local._by_name["careless"]
    role = account.declared("iam", "RoleDetailList", "")[0]
    services = {"Service": "malware-protection-plan.guardduty.amazonaws.com"}

    def make(bucket: str) -> str:
        protected = {"S3Bucket": {"BucketName": bucket}}
        answer = guardduty.create_malware_protection_plan(
            Role=role["Arn"], ProtectedResource=protected
        )
        return str(answer["MalwareProtectionPlanId"])

    with refused("required permissions to validate S3 bucket ownership"):
        make(LOGS)
    role["AssumeRolePolicyDocument"] = json.dumps({"Statement": [{"Principal": services}]})
    looks = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:ListBucket"}]})
    role["RolePolicyList"] = [{"PolicyName": "look", "PolicyDocument": looks}]
    with refused("required permissions to validate S3 bucket ownership"):
        make(EAST_LOGS)
    with refused("ConflictException"):
        make(HOME)
    own = "b4c7f464ab3a4EXAMPLE"
    folders = {"S3Bucket": {"ObjectPrefixes": ["user/custom/"]}}

    def change(**members: Any) -> dict[str, Any]:
        guardduty.update_malware_protection_plan(MalwareProtectionPlanId=own, **members)
        return dict(guardduty.get_malware_protection_plan(MalwareProtectionPlanId=own))

    with refused("required permissions to validate S3 bucket ownership"):
        change(Role=f"{role['Arn']}-gone")
    six = {"ObjectPrefixes": [f"user/{n}/" for n in range(6)]}
    with refused("BadRequestException"):
        change(ProtectedResource={"S3Bucket": six})
    with refused("BadRequestException"):
        guardduty.create_malware_protection_plan(
            Role=role["Arn"], ProtectedResource={"S3Bucket": {"BucketName": LOGS, **six}}
        )
    five = {"ObjectPrefixes": six["ObjectPrefixes"][:5]}
    changed = change(ProtectedResource={"S3Bucket": five})
    assert changed["ProtectedResource"]["S3Bucket"] == {"BucketName": HOME, **five}
    assert change(ProtectedResource=folders)["Status"] == "ERROR"
    changed = change(Role=role["Arn"])
    assert (changed["Role"], changed["Status"]) == (role["Arn"], "ACTIVE")
    assert changed["ProtectedResource"]["S3Bucket"] == {"BucketName": HOME, **folders["S3Bucket"]}
    assert change(Actions={"Tagging": {"Status": "ENABLED"}})["Role"] == role["Arn"]
    plan = make(LOGS)
    assert guardduty.get_malware_protection_plan(MalwareProtectionPlanId=plan)["Status"] == "ACTIVE"
    guardduty.delete_malware_protection_plan(MalwareProtectionPlanId=plan)
    with refused("ResourceNotFoundException"):
        guardduty.delete_malware_protection_plan(MalwareProtectionPlanId=plan)


# --- root credentials of an organisation's members ------------------------------------------------


def test_the_management_account_manages_root_credentials() -> None:
    with sandbox.start(["organisation"]) as local:
        local._by_name["organisation"].declared("iam", "OrganizationsFeatures", "").clear()
        iam = client(local, "organisation", "iam")
        for ask in (
            iam.list_organizations_features,
            iam.enable_organizations_root_credentials_management,
        ):
            with refused("ServiceAccessNotEnabled"):
                ask()
        organizations = client(local, "organisation", "organizations")
        organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
        assert iam.list_organizations_features()["EnabledFeatures"] == []
        on = iam.enable_organizations_root_credentials_management()
        assert on["EnabledFeatures"] == ["RootCredentialsManagement"]
        off = iam.disable_organizations_root_credentials_management()
        assert off["EnabledFeatures"] == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("demo", "AccountNotManagementOrDelegatedAdministrator"),
        ("careless", "OrganizationNotFound"),
    ],
)
def test_nobody_else_manages_root_credentials(name: str, code: str) -> None:
    with sandbox.start([name]) as local:
        with refused(code):
            client(local, name, "iam").list_organizations_features()
        organizations = client(local, name, "organizations")
        with refused("AccessDenied"):
            organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")


# --- log groups -----------------------------------------------------------------------------------


def test_a_log_group_keeps_logs_for_a_period_that_aws_accepts(local: Sandbox) -> None:
    logs = client(local, "careless", "logs", WEST)
    with refused("ResourceNotFoundException"):
        logs.put_retention_policy(logGroupName="/agents", retentionInDays=365)
    group = Item(logGroupName="/agents")
    group.beside = {}
    local._by_name["careless"].declare("logs", "logGroups", WEST, group)
    with refused("InvalidParameterException"):
        logs.put_retention_policy(logGroupName="/agents", retentionInDays=366)
    logs.put_retention_policy(logGroupName="/agents", retentionInDays=365)
    (found,) = logs.describe_log_groups(logGroupIdentifiers=["/agents"])["logGroups"]
    assert found["retentionInDays"] == 365
    assert logs.describe_log_groups(logGroupIdentifiers=["/other"])["logGroups"] == []
