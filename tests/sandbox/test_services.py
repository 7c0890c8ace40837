"""Where AWS's documents say how a service behaves, the sandbox behaves so."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from botocore.exceptions import ClientError

from kit.sandbox.server import Sandbox
from tests.sandbox.calling import client


def test_users_are_those_of_the_user_pool_only(running: Sandbox) -> None:
    appstream = client(running, "demo", "appstream", "eu-central-1")
    assert len(appstream.describe_users(AuthenticationType="USERPOOL")["Users"]) == 4
    with pytest.raises(ClientError, match="InvalidParameterCombinationException"):
        appstream.describe_users(AuthenticationType="SAML")


def test_required_and_unknown_parameters_are_refused(running: Sandbox) -> None:
    appstream = client(running, "demo", "appstream", "eu-central-1", parameter_validation=False)
    with pytest.raises(ClientError, match="AuthenticationType"):
        appstream.describe_users()
    with pytest.raises(ClientError, match="enum value set"):
        appstream.describe_users(AuthenticationType="NOBODY")
    with pytest.raises(ClientError, match="StackName"):
        appstream.describe_entitlements()
    _send_unchecked(appstream, {"Nammes": ["x"]})
    with pytest.raises(ClientError, match="Nammes"):
        appstream.describe_fleets()


def _send_unchecked(made: object, body: dict) -> None:
    def replace(request: object, **_: object) -> None:
        request.data = json.dumps(body).encode()  # type: ignore[attr-defined]

    made.meta.events.register("request-created.appstream", replace)  # type: ignore[attr-defined]


def test_names_that_do_not_exist_are_not_found(running: Sandbox) -> None:
    appstream = client(running, "demo", "appstream", "eu-central-1")
    for ask in (
        lambda: appstream.describe_fleets(Names=["nobody"]),
        lambda: appstream.describe_theme_for_stack(StackName="engineering"),
        lambda: appstream.list_associated_fleets(StackName="nobody"),
        lambda: appstream.list_tags_for_resource(ResourceArn="arn:aws:appstream:::fleet/nobody"),
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            ask()


def test_images_come_by_type(running: Sandbox) -> None:
    appstream = client(running, "demo", "appstream", "eu-central-1")
    private = appstream.describe_images(Type="PRIVATE")["Images"]
    assert len(private) == 6
    assert len(appstream.describe_images()["Images"]) == 8
    shared = [i["Name"] for i in private if i["ImageSharedWithOthers"] == "TRUE"]
    assert shared == ["office-2026-03"]
    permissions = appstream.describe_image_permissions(Name="office-2026-03")
    (permission,) = permissions["SharedImagePermissionsList"]
    assert permission["sharedAccountId"] == "999977776666"


def test_events_are_newest_first_within_ninety_days(running: Sandbox) -> None:
    cloudtrail = client(running, "tidy", "cloudtrail", "eu-west-1")
    pages = cloudtrail.get_paginator("lookup_events").paginate()
    times = [e["EventTime"] for page in pages for e in page["Events"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == 40 + 12 + 5 + 6
    now = dt.datetime.now(dt.UTC)
    recent = cloudtrail.lookup_events(StartTime=now - dt.timedelta(hours=24))["Events"]
    assert 0 < len(recent) < 10
    assert min(e["EventTime"] for e in recent) >= now - dt.timedelta(hours=24)
    none = cloudtrail.lookup_events(EndTime=now - dt.timedelta(days=91))["Events"]
    assert none == []


def test_events_have_tls_details_unless_the_service_made_them(running: Sandbox) -> None:
    cloudtrail = client(running, "tidy", "cloudtrail", "eu-west-1")
    pages = cloudtrail.get_paginator("lookup_events").paginate()
    events = [json.loads(e["CloudTrailEvent"]) for page in pages for e in page["Events"]]
    assert {e["eventSource"] for e in events} == {"appstream.amazonaws.com"}
    without = [e for e in events if "tlsDetails" not in e]
    assert len(without) == 5
    assert {e["userIdentity"]["type"] for e in without} == {"AWSService"}
    own = [e for e in events if "appstream-evidence-kit" in e["userAgent"]]
    assert len(own) == 6
    assert all("/EvidenceReader/" in e["userIdentity"]["arn"] for e in own)


def test_lookup_takes_one_attribute_and_a_sensible_range(running: Sandbox) -> None:
    cloudtrail = client(running, "careless", "cloudtrail", "eu-west-1")
    one = {"AttributeKey": "EventName", "AttributeValue": "CreateStreamingURL"}
    assert len(cloudtrail.lookup_events(LookupAttributes=[one])["Events"]) == 1
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        cloudtrail.lookup_events(LookupAttributes=[one, one])
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(ClientError, match="InvalidTimeRangeException"):
        cloudtrail.lookup_events(StartTime=now, EndTime=now - dt.timedelta(days=1))


def test_a_multi_region_trail_is_seen_everywhere(running: Sandbox) -> None:
    away = client(running, "tidy", "cloudtrail", "ap-south-1")
    (trail,) = away.describe_trails()["trailList"]
    assert trail["HomeRegion"] == "eu-west-1"
    assert away.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert away.get_trail_status(Name=trail["TrailARN"])["IsLogging"] is True
    careless = client(running, "careless", "cloudtrail", "us-east-1")
    assert careless.describe_trails()["trailList"] == []


def test_an_organisation_trail_keeps_its_selectors_from_members(running: Sandbox) -> None:
    cloudtrail = client(running, "demo", "cloudtrail", "eu-west-1")
    (trail,) = cloudtrail.describe_trails()["trailList"]
    assert trail["IsOrganizationTrail"] is True
    assert cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"] is True
    with pytest.raises(ClientError, match="CloudTrailARNInvalidException"):
        cloudtrail.get_event_selectors(TrailName=trail["TrailARN"])
    with pytest.raises(ClientError, match="AccessDenied"):
        client(running, "demo", "s3", "eu-central-1").get_bucket_policy(
            Bucket=trail["S3BucketName"]
        )


def test_macie_that_is_off_says_so_with_a_403(running: Sandbox) -> None:
    macie = client(running, "demo", "macie2", "eu-west-1")
    for ask in (macie.get_macie_session, macie.describe_buckets, macie.list_classification_jobs):
        with pytest.raises(ClientError, match="Macie is not enabled") as off:
            ask()
        assert off.value.response["Error"]["Code"] == "AccessDeniedException"
        assert off.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_macie_sees_the_declared_buckets(running: Sandbox) -> None:
    macie = client(running, "careless", "macie2", "eu-west-1")
    name = "appstream2-36fb080bb8-eu-west-1-012345678901"
    (bucket,) = macie.describe_buckets(criteria={"bucketName": {"eq": [name]}})["buckets"]
    assert bucket["publicAccess"]["effectivePermission"] == "PUBLIC"
    assert bucket["objectCountByEncryptionType"]["unencrypted"] == 700
    prefixed = macie.describe_buckets(criteria={"bucketName": {"prefix": "appstream-"}})["buckets"]
    assert len(prefixed) == 2
    private = macie.describe_buckets(
        criteria={"publicAccess.effectivePermission": {"neq": ["PUBLIC"]}}
    )["buckets"]
    assert name not in {b["bucketName"] for b in private}


def test_macie_counts_findings_that_meet_the_criteria(running: Sandbox) -> None:
    macie = client(running, "careless", "macie2", "eu-west-1")
    open_ones = {"category": {"eq": ["CLASSIFICATION"]}, "archived": {"eq": ["false"]}}
    counts = macie.get_finding_statistics(
        groupBy="severity.description", findingCriteria={"criterion": open_ones}
    )["countsByGroup"]
    assert {c["groupKey"]: c["count"] for c in counts} == {"High": 2, "Medium": 1}
    by_bucket = macie.get_finding_statistics(groupBy="resourcesAffected.s3Bucket.name")
    assert sum(c["count"] for c in by_bucket["countsByGroup"]) == 5


def test_a_new_bucket_is_encrypted_and_closed(running: Sandbox) -> None:
    s3 = client(running, "demo", "s3", "eu-central-1")
    bucket = "beispielwerke-website-assets"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def test_home_folder_buckets_carry_the_deletion_guard(running: Sandbox) -> None:
    for name in ("demo", "tidy"):
        region = running.environment(name)["AWS_REGION"]
        bucket = f"appstream2-36fb080bb8-{region}-{running.accounts[name]}"
        policy = client(running, name, "s3", region).get_bucket_policy(Bucket=bucket)["Policy"]
        sids = [s["Sid"] for s in json.loads(policy)["Statement"]]
        assert "PreventAccidentalDeletionOfBucket" in sids


def test_policy_status_reports_public_policies(running: Sandbox) -> None:
    s3 = client(running, "careless", "s3", "eu-west-1")
    public = s3.get_bucket_policy_status(Bucket="careless-sources")["PolicyStatus"]["IsPublic"]
    assert public is True
    s3 = client(running, "tidy", "s3", "eu-west-1")
    guarded = "appstream2-36fb080bb8-eu-west-1-111122223333"
    assert s3.get_bucket_policy_status(Bucket=guarded)["PolicyStatus"]["IsPublic"] is False


def test_buckets_are_listed_by_prefix_with_their_regions(running: Sandbox) -> None:
    s3 = client(running, "tidy", "s3", "us-east-1")
    listed = s3.list_buckets(Prefix="appstream", MaxBuckets=2)
    assert [b["BucketRegion"] for b in listed["Buckets"]] == ["eu-west-1", "eu-west-1"]
    more = s3.list_buckets(
        Prefix="appstream", MaxBuckets=2, ContinuationToken=listed["ContinuationToken"]
    )
    assert len(more["Buckets"]) == 2
    assert "ContinuationToken" not in more


def test_boto3_follows_a_bucket_to_its_region(faulty: Sandbox) -> None:
    away = client(faulty, "demo", "s3", "eu-west-1")
    assert away.get_bucket_versioning(Bucket="beispielwerke-packages")["Status"] == "Enabled"
    assert [(e.region, e.status) for e in faulty.requests][-2:] == [
        ("eu-west-1", 301),
        ("eu-central-1", 200),
    ]
    located = away.get_bucket_location(Bucket="beispielwerke-packages")
    assert located["LocationConstraint"] == "eu-central-1"


def test_s3_control_answers_with_and_without_the_account_in_the_host(running: Sandbox) -> None:
    control = client(running, "tidy", "s3control")
    block = control.get_public_access_block(AccountId="111122223333")
    assert all(block["PublicAccessBlockConfiguration"].values())

    def keep_host_header(request: object, **_: object) -> None:
        port = running.url.rsplit(":", 1)[1]
        request.headers["Host"] = f"111122223333.127.0.0.1:{port}"  # type: ignore[attr-defined]

    control.meta.events.register_last("before-send.s3-control", keep_host_header)
    again = control.get_public_access_block(AccountId="111122223333")
    assert again["PublicAccessBlockConfiguration"] == block["PublicAccessBlockConfiguration"]
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        client(running, "careless", "s3control").get_public_access_block(AccountId="012345678901")


def test_tags_of_appstream_resources_come_by_type(running: Sandbox) -> None:
    tagging = client(running, "demo", "resourcegroupstaggingapi", "eu-central-1")
    found = tagging.get_resources(ResourceTypeFilters=["appstream"])
    arns = [r["ResourceARN"] for r in found["ResourceTagMappingList"]]
    assert found["PaginationToken"] == ""
    assert len(arns) == 10
    assert all(arn.startswith("arn:aws:appstream:eu-central-1:210987654321:") for arn in arns)
    fleets = tagging.get_resources(ResourceTypeFilters=["appstream:fleet"])
    assert len(fleets["ResourceTagMappingList"]) == 3
    tagged = tagging.get_resources(TagFilters=[{"Key": "DataClass", "Values": ["personal"]}])
    assert [r["ResourceARN"] for r in tagged["ResourceTagMappingList"]] == [
        "arn:aws:s3:::appstream2-36fb080bb8-eu-central-1-210987654321"
    ]


def test_artifact_offers_samples_only(running: Sandbox) -> None:
    reports = client(running, "demo", "artifact", "us-east-1").list_reports()["reports"]
    assert {r["series"] for r in reports} == {"SOC", "ISO", "C5", "CISPE"}
    assert all(r["name"].startswith("SAMPLE ") for r in reports)
    assert client(running, "careless", "artifact", "us-east-1").list_reports()["reports"] == []


def test_keys_by_id_arn_and_alias(running: Sandbox) -> None:
    kms = client(running, "demo", "kms", "eu-central-1")
    key = kms.describe_key(KeyId="alias/appstream-home-folders")["KeyMetadata"]
    assert key["KeyManager"] == "CUSTOMER"
    assert kms.describe_key(KeyId=key["Arn"])["KeyMetadata"] == key
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyManager"] == "AWS"
    assert kms.get_key_rotation_status(KeyId="alias/aws/s3")["KeyRotationEnabled"] is True


def test_a_key_that_awaits_deletion_is_not_rotated(running: Sandbox) -> None:
    kms = client(running, "careless", "kms", "eu-west-1")
    key = "0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_another_accounts_key_is_seen_where_its_policy_allows(running: Sandbox) -> None:
    kms = client(running, "careless", "kms", "us-east-1")
    arn = "arn:aws:kms:us-east-1:999999999999:key/9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a"
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["AWSAccountId"] == "999999999999"


def test_policies_attached_from_aws_come_with_their_documents(running: Sandbox) -> None:
    details = client(running, "demo", "iam").get_account_authorization_details(
        Filter=["AWSManagedPolicy"]
    )
    assert details["UserDetailList"] == []
    documents = {
        p["PolicyName"]: p["PolicyVersionList"][0]["Document"]["Statement"]
        for p in details["Policies"]
    }
    assert documents["AmazonAppStreamFullAccess"][0]["Action"] == ["appstream:*"]
    assert "AmazonAppStreamServiceAccess" in documents
    assert "AdministratorAccess" not in documents


def test_moto_answers_the_rest_in_the_same_account(running: Sandbox) -> None:
    s3 = client(running, "demo", "s3", "eu-central-1")
    s3.put_object(Bucket="beispielwerke-packages", Key="über/a b.txt", Body=b"content")
    got = s3.get_object(Bucket="beispielwerke-packages", Key="über/a b.txt")
    assert got["Body"].read() == b"content"
    users = client(running, "demo", "iam").list_users()["Users"]
    assert {u["UserName"] for u in users} >= {"break-glass", "k.weber"}
    assert all(":210987654321:" in u["Arn"] for u in users)
    made = client(running, "demo", "kms", "eu-central-1").create_key()["KeyMetadata"]
    assert made["AWSAccountId"] == "210987654321"
    s3.create_bucket(
        Bucket="made-by-a-test", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert s3.head_bucket(Bucket="made-by-a-test")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_nobody_answers_is_named(running: Sandbox) -> None:
    iam = client(running, "demo", "iam")
    with pytest.raises(
        ClientError, match="sandbox does not serve GetOrganizationsAccessReport of iam"
    ):
        iam.get_organizations_access_report(JobId="a" * 36)
    assert running.requests[-1].status == 501
