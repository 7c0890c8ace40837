"""The declarations that a sample account may have, and the botocore shape of each.

A path such as ``DescribeStacks.Stacks[]`` is an operation, then members of its answer; ``[]`` marks
a list in the account file. Members that another operation answers (a stack's theme, a bucket's
policy) are declared in the item they belong to, and listed in `beside`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.core.model import Shape

from kit.sandbox.protocol import service_model


@dataclass(frozen=True)
class Kind:
    """A kind of declaration: the path of its shape, and the kinds declared beside it.

    `many` is whether the file has a list, where the path does not show it. `service` is the service
    of the shape, where it is another service's. A `path` of None accepts plain data that only a
    handler interprets.
    """

    path: str | None
    beside: Mapping[str, Kind] = field(default_factory=dict)
    many: bool | None = None
    service: str | None = None

    @property
    def is_list(self) -> bool:
        """Whether an account file has a list of this kind."""
        return (self.path or "").endswith("[]") if self.many is None else self.many

    def shape(self, service: str) -> Shape | None:
        """Return botocore's shape of an item."""
        return _shape(self.service or service, self.path) if self.path else None


@cache
def _shape(service: str, path: str) -> Shape:
    model = service_model(service)
    assert model is not None, service
    operation, *members = path.split(".")
    shape: Any = model.operation_model(operation).output_shape
    for member in members:
        shape = shape.members[member.removesuffix("[]")]
        if member.endswith("[]"):
            shape = shape.member
    return shape  # type: ignore[no-any-return]


TAGS = Kind("ListTagsForResource.Tags")
PLAIN = Kind(None)

KINDS: dict[str, dict[str, Kind]] = {
    "appstream": {
        "Stacks": Kind(
            "DescribeStacks.Stacks[]",
            {
                "AssociatedFleets": Kind("ListAssociatedFleets.Names"),
                "Entitlements": Kind("DescribeEntitlements.Entitlements[]"),
                "Tags": TAGS,
                "Theme": Kind("DescribeThemeForStack.Theme"),
                "Users": PLAIN,
            },
        ),
        "Fleets": Kind("DescribeFleets.Fleets[]", {"Applications": PLAIN, "Tags": TAGS}),
        "Images": Kind(
            "DescribeImages.Images[]",
            {
                "SharedImagePermissionsList": Kind(
                    "DescribeImagePermissions.SharedImagePermissionsList"
                ),
                "Tags": TAGS,
            },
        ),
        "ImageBuilders": Kind("DescribeImageBuilders.ImageBuilders[]", {"Tags": TAGS}),
        "AppBlockBuilders": Kind(
            "DescribeAppBlockBuilders.AppBlockBuilders[]", {"AppBlocks": PLAIN, "Tags": TAGS}
        ),
        "AppBlocks": Kind("DescribeAppBlocks.AppBlocks[]", {"Tags": TAGS}),
        "Applications": Kind("DescribeApplications.Applications[]", {"Tags": TAGS}),
        "Users": Kind("DescribeUsers.Users[]"),
        "DirectoryConfigs": Kind("DescribeDirectoryConfigs.DirectoryConfigs[]"),
        "UsageReportSubscriptions": Kind(
            "DescribeUsageReportSubscriptions.UsageReportSubscriptions[]"
        ),
        "ExportImageTasks": Kind("ListExportImageTasks.ExportImageTasks[]"),
    },
    "accessanalyzer": {
        "analyzers": Kind("ListAnalyzers.analyzers[]"),
        "findings": Kind("ListFindingsV2.findings[]"),
    },
    "account": {"SecurityContact": Kind("GetAlternateContact.AlternateContact", many=False)},
    "acm-pca": {
        "CertificateAuthorities": Kind(
            "DescribeCertificateAuthority.CertificateAuthority", many=True
        )
    },
    "artifact": {
        "reports": Kind("ListReports.reports[]"),
        "customerAgreements": Kind("ListCustomerAgreements.customerAgreements[]"),
    },
    "backup": {"Results": Kind("ListProtectedResources.Results[]")},
    "cloudtrail": {
        "trailList": Kind(
            "DescribeTrails.trailList[]",
            {
                "Status": Kind("GetTrailStatus"),
                "EventSelectors": Kind("GetEventSelectors.EventSelectors"),
                "AdvancedEventSelectors": Kind("GetEventSelectors.AdvancedEventSelectors"),
            },
        ),
        "Events": Kind("LookupEvents.Events[]"),
        "EventDataStores": Kind("GetEventDataStore", many=True),
    },
    "config": {
        "DeliveryChannels": Kind("DescribeDeliveryChannels.DeliveryChannels[]"),
        "Recorders": Kind("DescribeConfigurationRecorderStatus.ConfigurationRecordersStatus[]"),
    },
    "events": {"Rules": Kind("ListRules.Rules[]")},
    "ec2": {
        "VpcEndpoints": Kind("DescribeVpcEndpoints.VpcEndpoints[]"),
        "ImageAttributes": Kind("DescribeImageAttribute", many=True),
        "RouteTables": Kind("DescribeRouteTables.RouteTables[]"),
        "SecurityGroups": Kind("DescribeSecurityGroups.SecurityGroups[]"),
        "Subnets": Kind("DescribeSubnets.Subnets[]"),
    },
    "guardduty": {
        "Administrator": Kind("GetAdministratorAccount.Administrator"),
        "Detectors": Kind("GetDetector", {"DetectorId": PLAIN}, many=True),
        "MalwareProtectionPlans": Kind(
            "GetMalwareProtectionPlan", {"MalwareProtectionPlanId": PLAIN}, many=True
        ),
    },
    "iam": {
        "UserDetailList": Kind(
            "GetAccountAuthorizationDetails.UserDetailList[]", {"CredentialReport": PLAIN}
        ),
        "GroupDetailList": Kind("GetAccountAuthorizationDetails.GroupDetailList[]"),
        "RoleDetailList": Kind("GetAccountAuthorizationDetails.RoleDetailList[]"),
        "Policies": Kind("GetAccountAuthorizationDetails.Policies[]"),
        "SAMLProviderList": Kind("ListSAMLProviders.SAMLProviderList[]"),
        "OrganizationsFeatures": Kind("ListOrganizationsFeatures"),
        "PasswordPolicy": Kind("GetAccountPasswordPolicy.PasswordPolicy"),
        "RootAccount": Kind(None),
    },
    "kms": {
        "Keys": Kind(
            "DescribeKey.KeyMetadata",
            {
                "Aliases": PLAIN,
                "Grants": Kind("ListGrants.Grants[]"),
                "Policy": Kind("GetKeyPolicy.Policy"),
                "RotationStatus": Kind("GetKeyRotationStatus"),
            },
            many=True,
        )
    },
    "logs": {"logGroups": Kind("DescribeLogGroups.logGroups[]")},
    "macie2": {
        "Session": Kind("GetMacieSession"),
        "AutomatedDiscovery": Kind("GetAutomatedDiscoveryConfiguration"),
        "ClassificationJobs": Kind("ListClassificationJobs.items[]"),
        "Findings": Kind(None, many=True),
        # Buckets of the accounts whose Macie this account administers.
        "buckets": Kind("DescribeBuckets.buckets[]"),
    },
    "organizations": {
        "Organization": Kind("DescribeOrganization.Organization"),
        "Accounts": Kind(
            "ListAccounts.Accounts[]",
            {"ParentId": PLAIN, "Tags": Kind("ListTagsForResource.Tags")},
        ),
        "OrganizationalUnits": Kind(
            "ListOrganizationalUnitsForParent.OrganizationalUnits[]", {"ParentId": PLAIN}
        ),
    },
    "s3": {
        "Buckets": Kind(
            "ListBuckets.Buckets[]",
            {
                "Encryption": Kind("GetBucketEncryption.ServerSideEncryptionConfiguration"),
                "Lifecycle": Kind("GetBucketLifecycleConfiguration"),
                "Logging": Kind("GetBucketLogging"),
                "Macie": Kind("DescribeBuckets.buckets[]", many=False, service="macie2"),
                "OwnershipControls": Kind("GetBucketOwnershipControls.OwnershipControls"),
                "Policy": Kind("GetBucketPolicy.Policy"),
                "PublicAccessBlock": Kind("GetPublicAccessBlock.PublicAccessBlockConfiguration"),
                "Replication": Kind("GetBucketReplication.ReplicationConfiguration"),
                "Tagging": Kind("GetBucketTagging.TagSet"),
                "Versioning": Kind("GetBucketVersioning"),
            },
        ),
        # Names of buckets in accounts outside the sandbox.
        "ForeignBuckets": Kind("ListBuckets.Buckets[]"),
    },
    "s3control": {
        "AccessPoints": Kind(
            "ListAccessPoints.AccessPointList[]", {"Policy": Kind("GetAccessPointPolicy.Policy")}
        ),
        "PublicAccessBlock": Kind("GetPublicAccessBlock.PublicAccessBlockConfiguration"),
    },
}
GLOBAL_SERVICES = {"account", "artifact", "iam", "organizations", "s3", "s3control"}
