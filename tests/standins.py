"""Accounts made of stand-in answers, each held against botocore's model before it serves.

For tests of what lies right of the collector: tables, controls, findings, displays. Answers go
through the same protection and the same store as AWS's own.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.handlers import json_decode_policies
from botocore.validate import ParamValidator

from kit import calls
from kit.aws_models import home_region, is_listed, partition_of
from kit.calls import CALLS, GET_CALLER_IDENTITY, LIST_REGIONS, Call, Scope
from kit.collect.handshakes import Handshake
from kit.collect.lending import lend
from kit.parameters import Run, load_profile, load_waivers
from kit.redact.labels import open_labels
from kit.redact.protect import protect
from kit.snapshot import Request, Snapshot, digest, write

ACCOUNT = "012345678901"
AS_OF = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
REGION = "eu-west-1"
ENDPOINT = "https://{service}.{region}.amazonaws.com"
COLLECTOR = f"arn:aws:sts::{ACCOUNT}:assumed-role/EvidenceReader/kit"
HOME = f"appstream2-36fb080bb8-{REGION}-{ACCOUNT}"
SETTINGS = f"appstream-app-settings-{REGION}-{ACCOUNT}-k3v9"
LOGS = f"appstream-logs-{REGION}-{ACCOUNT}-b7x2"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1b2c3d4e-0000-4000-8000-000000000001"
AUTHORITY = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/11112222"

LEFT_OUT: Any = object()  # in place of what AWS leaves out

_SESSION = botocore.session.get_session()
_ON, _OFF = (
    {
        "BlockPublicAcls": on,
        "IgnorePublicAcls": on,
        "BlockPublicPolicy": on,
        "RestrictPublicBuckets": on,
    }
    for on in (True, False)
)


def credential_report(**users: Mapping[str, str]) -> bytes:
    """IAM's credential report: a line for the root user, who rests, and for each other user."""
    none = {
        "password_enabled": "false",
        "password_last_used": "no_information",
        "password_last_changed": "N/A",
        "mfa_active": "false",
        **{f"access_key_{n}_active": "false" for n in (1, 2)},
        **{
            f"access_key_{n}_last_{what}": "N/A"
            for n in (1, 2)
            for what in ("rotated", "used_date")
        },
    }
    root = {"password_enabled": "not_supported", **users.pop("root", {})}
    lines = [{"user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root"} | none | root]
    for name, members in users.items():
        arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        lines.append({"user": name, "arn": arn} | none | dict(members))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


# What an account answers that has nothing in it, where an empty list does not say it.
_NOTHING: dict[str, dict[str, Any]] = {
    "sts.GetCallerIdentity": {"Account": ACCOUNT, "Arn": COLLECTOR, "UserId": "AROAEXAMPLE:kit"},
    "iam.GetAccountSummary": {
        "SummaryMap": {
            "AccountMFAEnabled": 1,
            "AccountPasswordPresent": 1,
            "AccountAccessKeysPresent": 0,
            "Users": 0,
        }
    },
    "iam.GenerateCredentialReport": {"State": "COMPLETE"},
    "iam.GetCredentialReport": {"Content": credential_report()},
    "iam.GetAccountAuthorizationDetails": {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
    },
    "macie2.GetMacieSession": {"status": "ENABLED"},
    "s3control.GetPublicAccessBlock": {"PublicAccessBlockConfiguration": _ON},
}

# Calls whose error says that there is none.
_NOT_THERE = (
    "account.GetAlternateContact",
    "iam.GetAccountPasswordPolicy",
    "organizations.DescribeOrganization",
)


def finding(**members: Any) -> dict[str, Any]:
    """An open finding of IAM Access Analyzer."""
    return {
        "id": "f1",
        "status": "ACTIVE",
        "resourceOwnerAccount": ACCOUNT,
        "analyzedAt": AS_OF,
        "createdAt": AS_OF,
        "updatedAt": AS_OF,
        **members,
    }


class Account:
    """An account that answers as it is told to, and with nothing where it was told nothing.

    Parameters
    ----------
    folder : Path
        Where the snapshot and the pseudonym key are written.
    regions : tuple of str
    regions_off, regions_unused : tuple of str
    run : further fields of `kit.parameters.Run`
    """

    def __init__(
        self,
        folder: Path,
        regions: tuple[str, ...] = (REGION,),
        regions_off: tuple[str, ...] = (),
        regions_unused: tuple[str, ...] = (),
        **run: Any,
    ):
        run = {"account": ACCOUNT, "pseudonym_key": str(folder / "key")} | run
        self.run = Run.model_validate(run)
        self.regions, self.off, self.unused = regions, regions_off, regions_unused
        self._folder = folder
        self.handshakes: list[Handshake] = []
        self.lender: Snapshot | None = None
        self._made: dict[tuple[str, str, str], Request] = {}
        self._lists: dict[tuple[str, str, str], list[Any]] = {}

    def detector(
        self, region: str = REGION, *, s3: str | None = "ENABLED", **members: Any
    ) -> Account:
        """Add a detector of GuardDuty, with S3 Protection; ``s3`` None leaves the feature out."""
        features = [{"Name": "S3_DATA_EVENTS", "Status": s3}] if s3 else []
        detector = {"Status": "ENABLED", "ServiceRole": "r", "Features": features, **members}
        self.lists(calls.LIST_DETECTORS, "d1", region=region)
        return self.answers(calls.GET_DETECTOR, detector, region, DetectorId="d1")

    def scanned(self, bucket: str = HOME, *prefixes: str, status: str = "ACTIVE") -> Account:
        """Add a malware protection plan of a bucket; without prefixes it covers all objects."""
        plan = f"plan of {bucket}"
        protected = {"BucketName": bucket} | ({"ObjectPrefixes": [*prefixes]} if prefixes else {})
        described = {"Status": status, "ProtectedResource": {"S3Bucket": protected}}
        self.lists(calls.LIST_MALWARE_PROTECTION_PLANS, {"MalwareProtectionPlanId": plan})
        return self.answers(
            calls.GET_MALWARE_PROTECTION_PLAN, described, REGION, MalwareProtectionPlanId=plan
        )

    # --- single answers -------------------------------------------------------------------

    def answers(
        self, call: Call, response: Mapping[str, Any], region: str | None = None, **requested: Any
    ) -> Account:
        """Let a call answer so, in one region or in each; ``asked`` are its own parameters."""
        _validate(call, response)
        response = copy.deepcopy(dict(response))
        json_decode_policies(response, operation(call))  # as boto3 hands them over
        for where in self._where(call, region):
            self._put(call, where, requested, response=protect(call, response))
        return self

    def lists(self, call: Call, *items: Any, region: str = REGION, **requested: Any) -> Account:
        """Let a call list these beside what it lists already in the region."""
        for where in self._where(call, region):
            found = self._lists.setdefault((call.name, where, str(requested)), [])
            found += items
            self.answers(call, {call.items: found}, where, **requested)
        return self

    def refuses(
        self,
        call: Call,
        code: str,
        message: str = "",
        region: str | None = None,
        status: int = 403,
        **requested: Any,
    ) -> Account:
        """Let a call fail so."""
        for where in self._where(call, region):
            error = {"code": code, "message": message}
            self._put(call, where, requested, error=error, status=status)
        return self

    def cuts(self, call: Call, reason: str, region: str = REGION, **requested: Any) -> Account:
        """Let what a call answered be not all there is."""
        for where in self._where(call, region):
            key = (call.name, where, str(requested))
            self._made[key] = replace(self._made[key], cut=reason)
        return self

    def denies(self, call: Call, region: str | None = None, **requested: Any) -> Account:
        """Refuse a call for want of permission, with the code that its service uses."""
        return self.refuses(call, denial(call), region=region, **requested)

    # --- things, with all that is asked about each ----------------------------------------

    def stack(
        self,
        name: str = "design",
        region: str = REGION,
        *,
        fleets: tuple[str, ...] = (),
        **members: Any,
    ) -> Account:
        """Add a stack that has no entitlements, no theme and no tags."""
        arn = f"arn:aws:appstream:{region}:{self.run.account}:stack/{name}"
        self.lists(calls.DESCRIBE_STACKS, {"Name": name, "Arn": arn, **members}, region=region)
        self.answers(calls.DESCRIBE_ENTITLEMENTS, {"Entitlements": []}, region, StackName=name)
        self.answers(calls.LIST_TAGS_FOR_RESOURCE, {"Tags": {}}, region, ResourceArn=arn)
        self.lists(calls.LIST_ASSOCIATED_FLEETS, *fleets, region=region, StackName=name)
        missing = "ResourceNotFoundException"
        return self.refuses(
            calls.DESCRIBE_THEME_FOR_STACK, missing, region=region, status=400, StackName=name
        )

    def fleet(self, name: str = "design", region: str = REGION, **members: Any) -> Account:
        """Add a running fleet whose session limits are within the default profile's."""
        arn = f"arn:aws:appstream:{region}:{self.run.account}:fleet/{name}"
        fleet = {
            "Name": name,
            "Arn": arn,
            "InstanceType": "stream.standard.medium",
            "ComputeCapacityStatus": {"Desired": 1, "InUse": 0},
            "State": "RUNNING",
            "MaxUserDurationInSeconds": 28800,
            "DisconnectTimeoutInSeconds": 300,
            "IdleDisconnectTimeoutInSeconds": 300,
            **members,
        }
        self.answers(calls.LIST_TAGS_FOR_RESOURCE, {"Tags": {}}, region, ResourceArn=arn)
        fleet = {key: value for key, value in fleet.items() if value is not None}
        return self.lists(calls.DESCRIBE_FLEETS, fleet, region=region)

    def image(
        self,
        name: str = "design",
        region: str = REGION,
        *,
        shared_with: tuple[str, ...] | None = None,
        **members: Any,
    ) -> Account:
        """Add a private image, a month old and shared with nobody unless told otherwise."""
        image = {
            "Name": name,
            "Arn": f"arn:aws:appstream:{region}:{self.run.account}:image/{name}",
            "ImageSharedWithOthers": "FALSE" if shared_with is None else "TRUE",
            "LatestAppstreamAgentVersion": "TRUE",
            "PublicBaseImageReleasedDate": AS_OF - dt.timedelta(days=30),
            **members,
        }
        if shared_with is not None:
            admitted = [{"sharedAccountId": one, "imagePermissions": {}} for one in shared_with]
            self.lists(calls.DESCRIBE_IMAGE_PERMISSIONS, *admitted, region=region, Name=name)
        image = {key: value for key, value in image.items() if value is not None}
        self.answers(calls.LIST_TAGS_FOR_RESOURCE, {"Tags": {}}, region, ResourceArn=image["Arn"])
        return self.lists(calls.DESCRIBE_IMAGES, image, region=region)

    def runs(self, arn: str, region: str = REGION, *, seen: bool = True, **members: Any) -> Account:
        """Add a fleet that runs an image of another account or of AWS, which describes it."""
        name = arn.rpartition("/")[2]
        self.fleet(f"of {name}", region, ImageArn=arn)
        image = {
            "Name": name,
            "Arn": arn,
            "PublicBaseImageReleasedDate": AS_OF - dt.timedelta(days=30),
            **members,
        }
        image = {key: value for key, value in image.items() if value is not None}
        listed = {"Images": [image] if seen else []}
        return self.answers(calls.DESCRIBE_IMAGES_OF_OTHERS, listed, region, Arns=[arn])

    def bucket(
        self,
        name: str = HOME,
        *,
        region: str = REGION,
        listed: bool = True,
        ours: bool = True,
        encryption: str = "AES256",
        key: str = "",
        policy: Any = None,
        public: bool = False,
        closed: bool = False,
        logs_to: str = "",
        blocks_sse_c: bool = True,
        ownership: str = "BucketOwnerEnforced",
        versioning: str = "",
        lifecycle: list[Any] | None = None,
        tags: Mapping[str, str] | None = None,
        copied_to: str = "",
    ) -> Account:
        """Add a bucket: encrypted by S3's own keys and without policy, unless told otherwise.

        One with a name of AppStream's is of another account where it is not listed, any other
        where it is not ``ours``.
        """
        owned = {"Name": name, "BucketRegion": region}
        if not name.startswith(calls.BUCKET_PREFIX):
            found = [owned] if ours else []
            self.answers(calls.LIST_NAMED_BUCKETS, {"Buckets": found}, region, Prefix=name)
        if listed:
            self.lists(calls.LIST_BUCKETS, owned)
        else:
            place = {"LocationConstraint": region}
            self.answers(calls.GET_BUCKET_LOCATION, place, region, Bucket=name)
        by_default = {"SSEAlgorithm": encryption} | ({"KMSMasterKeyID": key} if key else {})
        rule: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": by_default}
        if blocks_sse_c:
            rule["BlockedEncryptionTypes"] = {"EncryptionType": ["SSE-C"]}
        reported: dict[Call, Any] = {
            calls.GET_BUCKET_ENCRYPTION: {"ServerSideEncryptionConfiguration": {"Rules": [rule]}},
            calls.GET_BUCKET_POLICY: {"Policy": json.dumps(policy)} if policy else None,
            calls.GET_BUCKET_POLICY_STATUS: (
                {"PolicyStatus": {"IsPublic": public}} if policy or public else None
            ),
            calls.GET_BUCKET_PUBLIC_ACCESS_BLOCK: {
                "PublicAccessBlockConfiguration": _ON if closed else _OFF
            },
            calls.GET_BUCKET_LOGGING: (
                {"LoggingEnabled": {"TargetBucket": logs_to, "TargetPrefix": ""}} if logs_to else {}
            ),
            calls.GET_BUCKET_REPLICATION: replication(copied_to) if copied_to else None,
            calls.GET_BUCKET_OWNERSHIP_CONTROLS: (
                {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}
                if ownership
                else None
            ),
            calls.GET_BUCKET_VERSIONING: {"Status": versioning} if versioning else {},
            calls.GET_BUCKET_LIFECYCLE_CONFIGURATION: {"Rules": lifecycle} if lifecycle else None,
            calls.GET_BUCKET_TAGGING: (
                {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
                if tags
                else None
            ),
        }
        self.lists(calls.LIST_ACCESS_POINTS, region=region)
        self.lists(calls.LIST_PROTECTED_RESOURCES, region=region)
        self.lists(calls.LIST_DETECTORS, region=region)
        self.lists(calls.LIST_MALWARE_PROTECTION_PLANS, region=region)
        for call, response in reported.items():
            if response is None:
                code = next(iter(call.absent))
                self.refuses(call, code, region=region, status=404, Bucket=name)
            else:
                self.answers(call, response, region, Bucket=name)
        return self

    def key(self, key: str = KEY, region: str = REGION, **members: Any) -> Account:
        """Let KMS describe a customer managed key of the account, named as the bucket names it.

        It rotates unless told otherwise: ``rotation=None`` leaves the answer out. Its ``policy``
        leaves all to the account's IAM, and there are no ``grants``.
        """
        rotation = members.pop("rotation", {"KeyRotationEnabled": True})
        policy, grants = members.pop("policy", None), members.pop("grants", ())
        metadata = {
            "KeyId": "1b2c3d4e-0000-4000-8000-000000000001",
            "Arn": key if key.startswith("arn:") else KEY,
            "AWSAccountId": self.run.account,
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyState": "Enabled",
            "Origin": "AWS_KMS",
            **members,
        }
        if rotation is not None:
            arn = metadata["Arn"]
            self.answers(calls.GET_KEY_ROTATION_STATUS, rotation, region, KeyId=arn)
        if metadata["KeyManager"] == "CUSTOMER":
            arn, stated = metadata["Arn"], {"Policy": json.dumps(policy or key_policy())}
            self.answers(calls.GET_KEY_POLICY, stated, region, KeyId=arn)
            self.lists(calls.LIST_GRANTS, *grants, region=region, KeyId=arn)
        metadata = {name: value for name, value in metadata.items() if value is not None}
        return self.answers(calls.DESCRIBE_KEY, {"KeyMetadata": metadata}, region, KeyId=key)

    def access_point(
        self,
        name: str = "reports",
        bucket: str = HOME,
        region: str = REGION,
        policy: Any = None,
        vpc: str = "",
    ) -> Account:
        """Add an access point on a bucket: without a policy, and bound to no VPC, unless given."""
        arn = f"arn:aws:s3:{region}:{self.run.account}:accesspoint/{name}"
        point: dict[str, Any] = {
            "Name": name,
            "NetworkOrigin": "Internet",
            "Bucket": bucket,
            "AccessPointArn": arn,
        }
        if vpc:
            point |= {"NetworkOrigin": "VPC", "VpcConfiguration": {"VpcId": vpc}}
        self.lists(calls.LIST_ACCESS_POINTS, point, region=region)
        call = calls.GET_ACCESS_POINT_POLICY
        if policy is None:
            return self.refuses(
                call, "NoSuchAccessPointPolicy", region=region, status=404, Name=name
            )
        return self.answers(call, {"Policy": json.dumps(policy)}, region, Name=name)

    def trail(
        self,
        name: str = "all",
        home: str = REGION,
        *,
        multi: bool = True,
        account: str = ACCOUNT,
        status: Mapping[str, Any] | None = None,
        basic: list[Any] | None = None,
        advanced: list[Any] | None = None,
        kept: int | None = 365,
        **members: Any,
    ) -> Account:
        """Add a trail that logs reads and writes of management events, unless told otherwise."""
        arn = f"arn:aws:cloudtrail:{home}:{account}:trail/{name}"
        trail = {
            "Name": name,
            "TrailARN": arn,
            "HomeRegion": home,
            "IsMultiRegionTrail": multi,
            "IsOrganizationTrail": account != ACCOUNT,
            "S3BucketName": "trail-logs",
            "LogFileValidationEnabled": True,
            **members,
        }
        trail = {key: value for key, value in trail.items() if value is not None}
        self.expiring(str(trail.get("S3BucketName")), home, days=kept)
        self._describing(trail.get("KmsKeyId"))
        requested = [r for r in self.regions if r not in (*self.off, *self.unused)]
        for region in requested if multi else (home,):
            self.lists(calls.DESCRIBE_TRAILS, trail, region=region)
        owned = (
            [{"Name": "trail-logs", "BucketRegion": home}] if account == self.run.account else []
        )
        self.answers(calls.LIST_NAMED_BUCKETS, {"Buckets": owned}, home, Prefix="trail-logs")
        self.answers(
            calls.GET_BUCKET_LOCATION, {"LocationConstraint": home}, home, Bucket="trail-logs"
        )
        missing = "ReplicationConfigurationNotFoundError"
        self.refuses(
            calls.GET_BUCKET_REPLICATION, missing, region=home, status=404, Bucket="trail-logs"
        )
        delivered = {
            "IsLogging": True,
            "LatestDeliveryTime": AS_OF,
            "LatestDigestDeliveryTime": AS_OF,
        }
        self.answers(calls.GET_TRAIL_STATUS, status or delivered, home, Name=arn)
        selectors: dict[str, Any] = {"TrailARN": arn}
        if advanced is not None:
            selectors["AdvancedEventSelectors"] = advanced
        else:
            selectors["EventSelectors"] = [{"ReadWriteType": "All"}] if basic is None else basic
        return self.answers(calls.GET_EVENT_SELECTORS, selectors, home, TrailName=arn)

    def expiring(self, bucket: str, region: str = REGION, *, days: int | None) -> Account:
        """Let a bucket without versions erase all it holds after some days, or never."""
        self.answers(calls.GET_BUCKET_VERSIONING, {}, region, Bucket=bucket)
        call = calls.GET_BUCKET_LIFECYCLE_CONFIGURATION
        if days is None:
            code = "NoSuchLifecycleConfiguration"
            return self.refuses(call, code, region=region, status=404, Bucket=bucket)
        return self.answers(call, {"Rules": [erases(days)]}, region, Bucket=bucket)

    def store(
        self, name: str = "lake", region: str = REGION, *selectors: Any, **members: Any
    ) -> Account:
        """Add an event data store that takes in the management events of its own region."""
        arn = f"arn:aws:cloudtrail:{region}:{self.run.account}:eventdatastore/{name}"
        self.lists(calls.LIST_EVENT_DATA_STORES, {"EventDataStoreArn": arn}, region=region)
        store = {
            "EventDataStoreArn": arn,
            "Status": "ENABLED",
            "MultiRegionEnabled": False,
            "RetentionPeriod": 366,
            "AdvancedEventSelectors": list(selectors or [management()]),
            **members,
        }
        store = {name: value for name, value in store.items() if value is not None}
        self._describing(store.get("KmsKeyId"))
        return self.answers(calls.GET_EVENT_DATA_STORE, store, region, EventDataStore=arn)

    def _describing(self, key: str | None) -> None:
        """Let KMS describe a key, unless it was told already what to say of it."""
        if key:
            region = key.split(":")[3]
            requested = (calls.DESCRIBE_KEY.name, region, str({"KeyId": key}))
            if requested not in self._made:
                self.key(key, region)

    def watched(self, bucket: str = HOME, region: str = REGION, **members: Any) -> Account:
        """Let Macie, which finds nothing, have analysed a bucket a day ago, unless told otherwise."""
        known = {
            "bucketName": bucket,
            "objectCountByEncryptionType": {"unencrypted": 0, "unknown": 0, "s3Managed": 9},
            "automatedDiscoveryMonitoringStatus": "MONITORED",
            "lastAutomatedDiscoveryTime": AS_OF - dt.timedelta(days=1),
            **members,
        }
        known = {name: value for name, value in known.items() if value is not None}
        self.lists(calls.DESCRIBE_BUCKETS, known, region=region)
        self.lists(calls.LIST_CLASSIFICATION_JOBS, region=region)
        self.lists(calls.GET_FINDING_STATISTICS, region=region)
        on = {"status": "ENABLED"}
        return self.answers(calls.GET_AUTOMATED_DISCOVERY_CONFIGURATION, on, region)

    def event(
        self,
        tls: str | None = "TLSv1.3",
        *,
        agent: str = "console.amazonaws.com",
        who: str = f"arn:aws:iam::{ACCOUNT}:user/admin",
        region: str = REGION,
        details: str | None = None,
        days: float = 1,
    ) -> Account:
        """Let CloudTrail remember an event of AppStream's, a day ago unless told otherwise."""
        reported: dict[str, Any] = {"userAgent": agent, "userIdentity": {"arn": who}}
        if tls:
            reported["tlsDetails"] = {"tlsVersion": tls}
        event = {
            "EventName": "UpdateStack",
            "EventTime": AS_OF - dt.timedelta(days=days),
            "CloudTrailEvent": json.dumps(reported) if details is None else details,
        }
        return self.lists(calls.LOOKUP_EVENTS, event, region=region)

    def report(self, *lines: str, header: str = "user,arn,password_enabled,mfa_active") -> Account:
        """Let IAM's credential report have these lines below its header."""
        content = "".join(f"{line}\n" for line in (header, *lines)).encode()
        return self.answers(calls.GET_CREDENTIAL_REPORT, {"Content": content})

    def credentials(self, **users: Mapping[str, str]) -> Account:
        """Let IAM's credential report say so of these users, ``root`` among them."""
        return self.answers(calls.GET_CREDENTIAL_REPORT, {"Content": credential_report(**users)})

    def allowed(
        self,
        name: str,
        *statements: Mapping[str, Any],
        kind: str = "Role",
        attached: tuple[str, ...] = (),
        boundary: str = "",
        groups: tuple[str, ...] = (),
        trusts: Any = None,
        path: str = "/",
        tags: tuple[str, ...] | None = None,
    ) -> Account:
        """Add a role, user or group with an inline policy of these statements.

        A role trusts a service of AWS unless somebody else is given in ``trusts``. ``tags`` are keys
        of tags; without them IAM leaves the list out.
        """
        word = kind.lower()
        item: dict[str, Any] = {
            f"{kind}Name": name,
            "Path": path,
            "Arn": f"arn:aws:iam::{self.run.account}:{word}{path}{name}",
            "AttachedManagedPolicies": [
                {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in attached
            ],
        }
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            item[f"{kind}PolicyList"] = [{"PolicyName": "own", "PolicyDocument": document}]
        if boundary:
            item["PermissionsBoundary"] = {"PermissionsBoundaryArn": boundary}
        if groups:
            item["GroupList"] = list(groups)
        if tags is not None:
            item["Tags"] = [{"Key": key, "Value": "jane.doe@example.com"} for key in tags]
        if kind == "Role" and trusts is not LEFT_OUT:
            trusts = trusts or trust({"Service": "config.amazonaws.com"})
            item["AssumeRolePolicyDocument"] = json.dumps(trusts)
        return self._known_to_iam(f"{kind}DetailList", item)

    def policy(self, arn: str, *statements: Mapping[str, Any]) -> Account:
        """Add a managed policy; an earlier version of it, which is not in force, allows all."""
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        versions = [
            {"IsDefaultVersion": default, "Document": json.dumps({"Statement": list(reported)})}
            for default, reported in ((False, (everything,)), (True, statements))
        ]
        item = {"PolicyName": arn.rpartition("/")[2], "Arn": arn, "PolicyVersionList": versions}
        return self._known_to_iam("Policies", item)

    def _known_to_iam(self, member: str, item: dict[str, Any]) -> Account:
        call = calls.GET_ACCOUNT_AUTHORIZATION_DETAILS
        found = self._lists.setdefault((call.name, member, ""), [])
        found.append(item)
        names = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
        return self.answers(call, {n: self._lists.get((call.name, n, ""), []) for n in names})

    def authority(
        self, state: str | None, ends: dt.datetime | None = AS_OF + dt.timedelta(days=300)
    ) -> Account:
        """Let AWS Private CA describe the certificate authority that directories name."""
        reported = {"Status": state, "NotAfter": ends, "UsageMode": "SHORT_LIVED_CERTIFICATE"}
        described = {name: value for name, value in reported.items() if value is not None}
        return self.answers(
            calls.DESCRIBE_CERTIFICATE_AUTHORITY,
            {"CertificateAuthority": described},
            REGION,
            CertificateAuthorityArn=AUTHORITY,
        )

    def tagged(self, arn: str, **tags: str) -> Account:
        """Let the tagging API list a resource."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        region = arn.split(":")[3]
        item = {"ResourceARN": arn, "Tags": pairs}
        return self.lists(calls.GET_RESOURCES, item, region=region)

    # --- the snapshot ---------------------------------------------------------------------

    @property
    def made(self) -> tuple[Request, ...]:
        """The requests answered so far."""
        return tuple(self._made.values())

    def snapshot(self) -> Snapshot:
        """Write the snapshot."""
        answered = self.answered()
        folder = self._folder / "snapshot"
        return write(folder, answered.header, answered.requests, answered.lent)

    def answered(self) -> Snapshot:
        """Return the snapshot as it is before it is written, for tests that need no file."""
        for call in CALLS.values():
            if call.each or call.fallback_of:
                continue
            for where in self._where(call, None):
                key = (call.name, where, "{}")
                if key not in self._made and not self._is_silent(call, where):
                    self._made[key] = _with_nothing(call, where)
        ordered = [self._made[key] for key in sorted(self._made)]
        requests = [
            Request(**{**vars(request), "id": f"E{n:04d}"}) for n, request in enumerate(ordered, 1)
        ]
        regions = next(r.id for r in requests if r.call == LIST_REGIONS.name)
        loan = lend(self.lender, self.run.account, self.regions) if self.lender else None
        header = {
            "account": self.run.account,
            "as_of": AS_OF.isoformat(),
            "partition": self.partition,
            "unlisted_services": sorted(
                service
                for service in {call.service for call in CALLS.values()}
                if not is_listed(service, self.partition)
            ),
            "certificates_verified": True,
            "kit": "0.0",
            "botocore": "0.0",
            "parameters": self.run.model_dump(),
            "pseudonym_key": open_labels(self.run).fingerprint,
            "profile": load_profile(self.run.thresholds).model_dump(),
            "waivers": [w.model_dump() for w in load_waivers(self.run.waivers)],
            "regions": sorted(self.regions),
            "regions_off": dict.fromkeys(self.off, regions),
            "regions_unused": list(self.unused),
            "calls": sorted(CALLS),
            "handshakes": [asdict(one) for one in self.handshakes],
            "organisation": loan and dict(loan.header),
        }
        lent = loan.requests if loan else ()
        return Snapshot(header, requests, self._folder / "unwritten", lent)

    @property
    def partition(self) -> str:
        """The partition of the account's regions."""
        return partition_of(self.regions[0])

    def _is_silent(self, call: Call, where: str) -> bool:
        if call is GET_CALLER_IDENTITY or call.scope is Scope.ACCOUNT:
            return False
        return where in self.off or (where in self.unused and not call.probe)

    def _where(self, call: Call, region: str | None) -> tuple[str, ...]:
        if call.scope is Scope.ACCOUNT:
            return (home_region(self.partition) if call.home else "us-east-1",)
        return (region,) if region else self.regions

    def _put(self, call: Call, region: str, requested: dict[str, Any], **answer: Any) -> None:
        self._made[call.name, region, str(requested)] = _request(call, region, requested, **answer)


def _request(
    call: Call,
    region: str,
    requested: dict[str, Any],
    *,
    response: Any = None,
    error: dict[str, str] | None = None,
    status: int = 200,
) -> Request:
    return Request(
        id="",
        call=call.name,
        service=call.service,
        operation=call.operation,
        region=region,
        parameters=requested,
        page=0,
        started=AS_OF.isoformat(),
        ended=AS_OF.isoformat(),
        attempts=1,
        status=status,
        request_id="11111111-2222-3333-4444-555555555555",
        endpoint=ENDPOINT.format(service=call.service, region=region),
        error=error,
        cut=None,
        response=response,
        sha256=digest(response),
        nonce="00" * 32,
    )


@cache
def _with_nothing(call: Call, region: str) -> Request:
    """What a call answers in an account in which nothing is; every account has the same one."""
    blank = Account(Path())
    if call.name in _NOT_THERE:
        blank.refuses(call, next(iter(call.absent)), region=region, status=400)
    else:
        response = _NOTHING.get(call.name) or ({call.items: []} if call.items else {})
        blank.answers(call, response, region)
    (made,) = blank.made
    return _request(
        call, region, {}, response=made.response, error=made.error, status=made.status or 200
    )


# --- snapshots that differ in one thing from another ---------------------------------------


def changed(snapshot: Snapshot, change: Callable[[Request], Request | None]) -> Snapshot:
    """The snapshot with every request changed, or left out where the change is None."""
    requests = [kept for request in snapshot.requests for kept in [change(request)] if kept]
    return Snapshot(snapshot.header, requests, snapshot.folder)


def denied(snapshot: Snapshot, *refused: Call) -> Snapshot:
    """The snapshot of the same account had these calls been denied.

    What fans out over them alone was then never asked.
    """
    names = {call.name for call in refused}

    def change(request: Request) -> Request | None:
        call = CALLS[request.call]
        if call.name in names:
            error = {"code": denial(call), "message": ""}
            return replace(request, error=error, response=None, sha256=digest(None), status=403)
        sources = {each.source.name for each in call.each}
        return None if sources and sources <= names else request

    return changed(snapshot, change)


def without(snapshot: Snapshot, *left_out: Call) -> Snapshot:
    """The snapshot without any trace of these calls."""
    names = {call.name for call in left_out}
    return changed(snapshot, lambda request: None if request.call in names else request)


def denial(call: Call) -> str:
    """The code with which a service says that the caller may not."""
    if call.service == "ec2":
        return "UnauthorizedOperation"
    return "AccessDenied" if call.service in ("s3", "s3control", "iam") else "AccessDeniedException"


# --- things that services list ---------------------------------------------------------------


def pool_user(status: str | None, **members: Any) -> dict[str, Any]:
    """A user of the user pool, made three hundred days ago, with members changed."""
    user = {
        "AuthenticationType": "USERPOOL",
        "Arn": f"arn:aws:appstream:{REGION}:{ACCOUNT}:user/userpool/jane",
        "UserName": "jane.doe@example.org",
        "Enabled": True,
        "Status": status,
        "CreatedTime": AS_OF - dt.timedelta(days=300),
        **members,
    }
    return {name: value for name, value in user.items() if value is not None}


def directory(status: str | None = None, authority: str | None = AUTHORITY) -> dict[str, Any]:
    """A directory, with certificate-based sign-in where a status is given."""
    reported = {"Status": status, "CertificateAuthorityArn": authority}
    properties = {name: value for name, value in reported.items() if value is not None}
    return {"DirectoryName": "corp.example", "OrganizationalUnitDistinguishedNames": []} | (
        {"CertificateBasedAuthProperties": properties} if status else {}
    )


# --- documents -----------------------------------------------------------------------------


def erases(days: int = 365, **members: Any) -> dict[str, Any]:
    """A lifecycle rule that erases everything, earlier versions too, after some days."""
    rule = {
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        **members,
    }
    return {name: value for name, value in rule.items() if value is not None}


def exported(ami: str = "ami-1") -> dict[str, Any]:
    """The finished export of an image to an AMI."""
    image = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design"
    task = {"TaskId": "t1", "ImageArn": image, "AmiName": "design", "CreatedDate": AS_OF}
    return {**task, "AmiId": ami, "State": "COMPLETED"}


def day(text: str) -> dt.datetime:
    """Midnight UTC at the beginning of a day, as lifecycle rules name one."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def management(**fields: Any) -> dict[str, Any]:
    """An advanced event selector of management events: ``eventSource={"NotEquals": [...]}``."""
    return _selector({"eventCategory": {"Equals": ["Management"]}} | fields)


def objects(**fields: Any) -> dict[str, Any]:
    """An advanced event selector of data events on S3 objects."""
    kind = {"resources.type": {"Equals": ["AWS::S3::Object"]}}
    named = {name.replace("resources_", "resources."): value for name, value in fields.items()}
    return _selector({"eventCategory": {"Equals": ["Data"]}} | kind | named)


def _selector(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"FieldSelectors": [{"Field": name, **value} for name, value in fields.items()]}


def replication(bucket: str, **changes: Any) -> dict[str, Any]:
    """A configuration that copies a bucket to another, with members of its rule changed."""
    destination = {"Bucket": f"arn:aws:s3:::{bucket}"}
    rule = {"Status": "Enabled", "Destination": destination, **changes}
    return {"ReplicationConfiguration": {"Role": "", "Rules": [rule]}}


def key_policy(*statements: Mapping[str, Any], account: str = ACCOUNT) -> dict[str, Any]:
    """A key's policy that leaves all to the account's IAM, and states this besides."""
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    return {
        "Version": "2012-10-17",
        "Statement": [{**root, "Action": "kms:*", "Resource": "*"}, *statements],
    }


def trust(principal: Any, **members: Any) -> dict[str, Any]:
    """A policy that lets a principal assume a role."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **members}
    return {"Version": "2012-10-17", "Statement": [statement]}


def restricted(bucket: str, *admins: str) -> dict[str, Any]:
    """A bucket policy that denies deletion to everybody, and all else to all but some."""
    arn = f"arn:aws:s3:::{bucket}"
    deny = {"Effect": "Deny", "Principal": "*"}
    guard = {**deny, "Action": "s3:DeleteBucket", "Resource": arn}
    excepted = {"ArnNotLike": {"aws:PrincipalArn": list(admins)}}
    rest = {**deny, "Action": "s3:*", "Resource": [arn, f"{arn}/*"], "Condition": excepted}
    return {"Version": "2012-10-17", "Statement": [guard, rest]}


def tls_only(bucket: str, **changes: Any) -> dict[str, Any]:
    """A bucket policy that denies plain HTTP, with members of its statement changed."""
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        **changes,
    }
    kept = {name: value for name, value in statement.items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [kept]}


@cache
def output_shape(call: Call) -> Any:
    """botocore's shape of what a call answers."""
    return operation(call).output_shape


@cache
def operation(call: Call) -> Any:
    """botocore's model of a call."""
    return _SESSION.get_service_model(call.service).operation_model(call.operation)


def _validate(call: Call, response: Mapping[str, Any]) -> None:
    """Refuse an answer that AWS could not give."""
    shape = output_shape(call)
    report = ParamValidator().validate(dict(response), shape)
    unknown = set(response) - set(shape.members)
    if report.has_errors() or unknown:
        raise AssertionError(f"{call.name}: {report.generate_report()} {sorted(unknown)}")
