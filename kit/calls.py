"""Every AWS call that evidence needs, declared once.

The collector, the IAM policy, the plan of requests and the documents are derived from here.
Operations and members are spelled as in botocore's service models. Whoever adds a call declares in
``kit/tables/answers.yaml`` what is read of its answer and what is not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, cached_property, lru_cache
from typing import Any

import jmespath
from jmespath.functions import Functions, signature


class Scope(Enum):
    """Whether a call is made once for the account or once for each region."""

    ACCOUNT = "account"
    REGION = "region"


class Need(Enum):
    """What becomes of the evidence without the permission for a call."""

    REQUIRED = "required"  # some control is not evidenced
    FALLBACK = "fallback"  # nothing, as long as what it stands in for is answered
    INFORMATIVE = "informative"  # no verdict changes; a fact shown beside a verdict is missing


@dataclass(frozen=True)
class RunContext:
    """The facts of a run on which a call's parameters may depend."""

    account: str
    as_of: dt.datetime
    lookback_days: int
    agent_log_groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, account: str, as_of: dt.datetime, run: Any) -> RunContext:
        """Return the facts of a run of an account at a time."""
        return cls(account, as_of, run.lookback_days, tuple(run.agent_log_groups))


class _ARNs(Functions):  # type: ignore[misc]
    """What requests need of an ARN: ``arn_region``, ``arn_account`` and ``arn_resource``."""

    @signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator]
    def _func_arn_region(self, arn: str | None) -> str | None:
        return self._part(arn, 3)

    @signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator]
    def _func_arn_account(self, arn: str | None) -> str | None:
        return self._part(arn, 4)

    @signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator]
    def _func_arn_resource(self, arn: str | None) -> str | None:
        return self._part(arn, 5)

    @staticmethod
    def _part(arn: str | None, n: int) -> str | None:
        parts = (arn or "").split(":", 5)
        return parts[n] or None if len(parts) == 6 else None


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield dict(value)
    for item in value if isinstance(value, list) else ():
        yield from _mappings(item)


_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
_OPTIONS = jmespath.Options(custom_functions=_ARNs())
_compiled = lru_cache(maxsize=10_000)(jmespath.compile)


_NAMES = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def search(path: str, document: Any) -> Any:
    """Return what a JMESPath expression selects from a document; each expression is parsed once."""
    names = _names(path)
    if not names:
        return _compiled(path).search(document)
    for name in names:  # the library walks a tree of objects, which takes twenty times as long
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


@lru_cache(maxsize=10_000)
def _names(path: str) -> tuple[str, ...]:
    """Return the names of an expression that has nothing else; none of any other."""
    return tuple(path.split(".")) if _NAMES.fullmatch(path) else ()


@dataclass(frozen=True)
class Each:
    """A source that a call fans out over.

    ``request`` is a JMESPath expression over a page of the source's answer. It yields
    request parameters, a mapping for each request; a member ``Region`` names the region,
    otherwise (or where it is null or no region) the source's own region is meant. Mappings with
    another null are passed over. ``beyond``: the kit also sends requests to regions out of scope, for
    resources there that cover the regions in scope. A member ``Owner`` is the account that owns the
    resource: the kit passes over another account's.
    """

    source: Call
    request: str
    beyond: bool = False

    def wanted(self, page: Any) -> Iterator[dict[str, Any]]:
        """Yield the requests that a page of the answer leads to, ``Region`` and ``Owner`` included."""
        for wanted in _mappings(_compiled(self.request).search(page, options=_OPTIONS)):
            if "Region" in wanted and not _REGION.fullmatch(wanted["Region"] or ""):
                wanted["Region"] = None
            yield wanted


@dataclass(frozen=True)
class Call:
    """One API operation; see `declare` for the members."""

    service: str
    operation: str
    of: str
    scope: Scope
    items: str
    holds: tuple[str, ...]
    always: tuple[str, ...]
    root: str
    parameters: Callable[[RunContext], Mapping[str, Any]]
    each: tuple[Each, ...]
    after: tuple[Call, ...]
    fallback_of: Call | None
    home: bool
    absent: Mapping[str, str]
    secret: tuple[str, ...]
    personal: tuple[str, ...]
    keep: Mapping[str, tuple[str, ...]]
    action: str
    until: str
    seconds_between: float
    bounded: bool
    informative: bool
    only_if: str
    probe: bool = field(compare=False)

    @cached_property
    def name(self) -> str:
        """``service.Operation``, as in botocore, and the call's subject, if the operation has other calls."""
        about = f" ({self.of})" if self.of else ""
        return f"{self.service}.{self.operation}{about}"

    @property
    def members(self) -> tuple[str, ...]:
        """The members that AWS sends with every complete answer."""
        return (*filter(None, (self.items,)), *self.holds, *self.always)

    @property
    def need(self) -> Need:
        """What the permission for it is needed for."""
        if self.fallback_of:
            return Need.FALLBACK
        return Need.INFORMATIVE if self.informative else Need.REQUIRED

    @property
    def sources(self) -> tuple[Call, ...]:
        """The calls whose answers decide this call's requests."""
        fallback = (self.fallback_of,) if self.fallback_of else ()
        return (*(each.source for each in self.each), *self.after, *fallback)

    def __hash__(self) -> int:
        return hash(self.name)


CALLS: dict[str, Call] = {}

# Where IAM's prefix is not botocore's service name.
IAM_PREFIX = {
    "accessanalyzer": "access-analyzer",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
}


def declare(
    service: str,
    operation: str,
    scope: Scope = Scope.REGION,
    *,
    of: str = "",
    items: str = "",
    holds: tuple[str, ...] = (),
    always: tuple[str, ...] = (),
    root: str = "",
    parameters: Mapping[str, Any] | Callable[[RunContext], Mapping[str, Any]] | None = None,
    each: tuple[Each, ...] = (),
    after: tuple[Call, ...] = (),
    fallback_of: Call | None = None,
    home: bool = False,
    absent: Mapping[str, str] | None = None,
    secret: tuple[str, ...] = (),
    personal: tuple[str, ...] = (),
    keep: Mapping[str, tuple[str, ...]] | None = None,
    action: str | None = None,
    until: str = "",
    seconds_between: float = 0.0,
    bounded: bool = False,
    informative: bool = False,
    only_if: str = "",
    probe: bool = False,
) -> Call:
    """Declare a call.

    Parameters
    ----------
    service, operation : str
        As botocore names them.
    scope : Scope
    of : str
        The call's subject, where another call of the same operation has another subject.
    items : str
        JMESPath of the list that the operation pages, for calls that list.
    holds : tuple of str
        Further members without which an answer lacks the requested facts.
    always : tuple of str
        Further members that AWS always sends. An answer without them is unreadable, and the kit
        repeats the request (`kit.collect.wire`).
    root : str
        Name of the root element of an answer of Amazon S3's, which is empty where a setting
        was never made.
    parameters : mapping, or a function of `RunContext`
        Request parameters that do not come from other answers.
    each : tuple of Each
        What the call fans out over; requests that are the same are made once.
    after : tuple of Call
        Calls that have to be made first, whatever they answered.
    fallback_of : Call
        Made only where that call failed or listed nothing.
    home : bool
        Only the home region of the account's partition answers: us-east-1, us-gov-west-1 ...
    absent : mapping of error code to a part of its message
        Errors that state that the thing does not exist: facts, not failures.
    secret, personal : tuple of str
        Members (dotted, ``[]`` for lists) replaced before storing, and members that are stored
        but never leave the snapshot in clear.
    keep : mapping of str to tuple of str
        Members that hold a JSON document, and the members of it that evidence needs;
        the rest is not stored (Article 5(1)(c)).
    action : str
        The IAM action where it is not ``service:Operation``; empty where none is needed.
    until : str
        JMESPath that is true once the answer is final: the kit repeats the call until then.
    seconds_between : float
        Pause between two requests of this call in a region (documented rates).
    bounded : bool
        The parameters of the run bound how many pages are read, which is then no failure.
    informative : bool
        No verdict needs the answer: the pack shows it beside a verdict.
    only_if : str
        Field of the run's parameters without which the call is not made.
    probe : bool
        The answer shows whether the region is in use at all.
    """
    given = parameters or {}
    call = Call(
        service=service,
        operation=operation,
        of=of,
        scope=scope,
        items=items,
        holds=holds,
        always=always,
        root=root,
        parameters=given if callable(given) else lambda _: given,
        each=each,
        after=after,
        fallback_of=fallback_of,
        home=home,
        absent=absent or {},
        secret=secret,
        personal=personal,
        keep=keep or {},
        action=f"{IAM_PREFIX.get(service, service)}:{operation}" if action is None else action,
        until=until,
        seconds_between=seconds_between,
        bounded=bounded,
        informative=informative,
        only_if=only_if,
        probe=probe,
    )
    CALLS[call.name] = call
    return call


# --- the account -------------------------------------------------------------------------

GET_CALLER_IDENTITY = declare(
    "sts",
    "GetCallerIdentity",
    Scope.ACCOUNT,
    always=(
        "Account",
        "Arn",
        "UserId",
    ),
    personal=("Arn", "UserId"),
    action="",
)
LIST_REGIONS = declare(
    "account",
    "ListRegions",
    Scope.ACCOUNT,
    items="Regions",
    parameters={"MaxResults": 50},
    home=True,
)
# Only whether there is a contact is evidence; who it is never reaches the disk.
# https://docs.aws.amazon.com/accounts/latest/reference/API_GetAlternateContact.html
GET_SECURITY_CONTACT = declare(
    "account",
    "GetAlternateContact",
    Scope.ACCOUNT,
    always=("AlternateContact",),
    parameters={"AlternateContactType": "SECURITY"},
    home=True,
    absent={"ResourceNotFoundException": ""},
    secret=(
        "AlternateContact.Name",
        "AlternateContact.Title",
        "AlternateContact.EmailAddress",
        "AlternateContact.PhoneNumber",
    ),
)
DESCRIBE_REGIONS = declare(
    "ec2",
    "DescribeRegions",
    Scope.ACCOUNT,
    items="Regions",
    parameters={"AllRegions": True},
    fallback_of=LIST_REGIONS,
)
LIST_REPORTS = declare(
    "artifact",
    "ListReports",
    Scope.ACCOUNT,
    items="reports",
    parameters={"maxResults": 300},
    home=True,
)
LIST_CUSTOMER_AGREEMENTS = declare(
    "artifact",
    "ListCustomerAgreements",
    Scope.ACCOUNT,
    items="customerAgreements",
    parameters={"maxResults": 300},
    home=True,
    informative=True,  # the agreement on processing is part of AWS's terms, listed or not
)

# --- identity ----------------------------------------------------------------------------

GET_ACCOUNT_SUMMARY = declare("iam", "GetAccountSummary", Scope.ACCOUNT, always=("SummaryMap",))
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html
GET_ACCOUNT_PASSWORD_POLICY = declare(
    "iam",
    "GetAccountPasswordPolicy",
    Scope.ACCOUNT,
    always=("PasswordPolicy",),
    absent={"NoSuchEntity": ""},
)
LIST_VIRTUAL_MFA_DEVICES = declare(
    "iam",
    "ListVirtualMFADevices",
    Scope.ACCOUNT,
    items="VirtualMFADevices",
    parameters={"AssignmentStatus": "Assigned"},
    secret=("VirtualMFADevices[].Base32StringSeed", "VirtualMFADevices[].QRCodePNG"),
    personal=("VirtualMFADevices[].SerialNumber", "VirtualMFADevices[].User"),
    informative=True,  # which kind of device the root user has
)
GENERATE_CREDENTIAL_REPORT = declare(
    "iam",
    "GenerateCredentialReport",
    Scope.ACCOUNT,
    always=("State",),
    until="State == 'COMPLETE'",
    seconds_between=1.0,
)
GET_CREDENTIAL_REPORT = declare(
    "iam",
    "GetCredentialReport",
    Scope.ACCOUNT,
    always=("GeneratedTime",),
    holds=("Content",),
    after=(GENERATE_CREDENTIAL_REPORT,),
    personal=("Content",),
)
GET_ACCOUNT_AUTHORIZATION_DETAILS = declare(
    "iam",
    "GetAccountAuthorizationDetails",
    Scope.ACCOUNT,
    items="RoleDetailList",
    holds=("UserDetailList", "GroupDetailList", "Policies"),  # paged with the roles
    parameters={"MaxItems": 1000},
    secret=("UserDetailList[].Tags[].Value", "RoleDetailList[].Tags[].Value"),
    personal=("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"),
)
LIST_SAML_PROVIDERS = declare(
    "iam",
    "ListSAMLProviders",
    Scope.ACCOUNT,
    items="SAMLProviderList",
    personal=("SAMLProviderList[].Arn",),
)
# What a delegated administrator may hold for the account cannot be seen from a member account.
DESCRIBE_ORGANIZATION = declare(
    "organizations",
    "DescribeOrganization",
    Scope.ACCOUNT,
    always=("Organization",),
    home=True,
    absent={"AWSOrganizationsNotInUseException": ""},
    secret=("Organization.MasterAccountEmail",),
)
# Whether an organisation manages the root credentials of its members: its administrator alone may see
# it. IAM's model and IAM's reference spell the errors in two ways.
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html
LIST_ORGANIZATIONS_FEATURES = declare(
    "iam",
    "ListOrganizationsFeatures",
    Scope.ACCOUNT,
    always=("OrganizationId",),
    only_if="administers_organisation",
    absent={
        f"{error}{ending}": ""
        for error in ("ServiceAccessNotEnabled", "OrganizationNotInAllFeaturesMode")
        for ending in ("", "Exception")
    },
)

# --- AppStream ---------------------------------------------------------------------------

DESCRIBE_STACKS = declare(
    "appstream",
    "DescribeStacks",
    items="Stacks",
    personal=("Stacks[].Name", "Stacks[].DisplayName", "Stacks[].Description"),
    probe=True,
)
DESCRIBE_FLEETS = declare(
    "appstream",
    "DescribeFleets",
    items="Fleets",
    personal=("Fleets[].Name", "Fleets[].DisplayName", "Fleets[].Description"),
    probe=True,
)
DESCRIBE_IMAGES = declare(
    "appstream",
    "DescribeImages",
    items="Images",
    parameters={"Type": "PRIVATE", "MaxResults": 25},
    personal=(
        "Images[].Name",
        "Images[].DisplayName",
        "Images[].Description",
        "Images[].Applications[].LaunchParameters",
    ),
    probe=True,
)
DESCRIBE_IMAGE_BUILDERS = declare(
    "appstream",
    "DescribeImageBuilders",
    items="ImageBuilders",
    personal=(
        "ImageBuilders[].Name",
        "ImageBuilders[].DisplayName",
        "ImageBuilders[].Description",
    ),
    probe=True,
)
_ANOTHER = "ImageArn && (!Arn || arn_account(ImageArn) != arn_account(Arn))"
# Images that run and that the account does not own: AWS's public images, and images that others share.
# Each image has a request of its own: AWS refuses the whole request if an image is gone.
DESCRIBE_IMAGES_OF_OTHERS = declare(
    "appstream",
    "DescribeImages",
    of="of others",
    items="Images",
    each=(
        Each(DESCRIBE_FLEETS, f"Fleets[?{_ANOTHER}].{{Arns: [ImageArn]}}"),
        Each(DESCRIBE_IMAGE_BUILDERS, f"ImageBuilders[?{_ANOTHER}].{{Arns: [ImageArn]}}"),
    ),
    absent={"ResourceNotFoundException": ""},
    personal=DESCRIBE_IMAGES.personal,
)
DESCRIBE_APP_BLOCKS = declare(
    "appstream",
    "DescribeAppBlocks",
    items="AppBlocks",
    personal=("AppBlocks[].Name", "AppBlocks[].DisplayName", "AppBlocks[].Description"),
    probe=True,
)
DESCRIBE_APP_BLOCK_BUILDERS = declare(
    "appstream",
    "DescribeAppBlockBuilders",
    items="AppBlockBuilders",
    personal=(
        "AppBlockBuilders[].Name",
        "AppBlockBuilders[].DisplayName",
        "AppBlockBuilders[].Description",
    ),
    probe=True,
)
DESCRIBE_APPLICATIONS = declare(
    "appstream",
    "DescribeApplications",
    items="Applications",
    personal=(
        "Applications[].Name",
        "Applications[].DisplayName",
        "Applications[].Description",
        "Applications[].LaunchParameters",
    ),
    probe=True,
)
DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS = declare(
    "appstream",
    "DescribeUsageReportSubscriptions",
    items="UsageReportSubscriptions",
    probe=True,
)
LIST_EXPORT_IMAGE_TASKS = declare(
    "appstream",
    "ListExportImageTasks",
    items="ExportImageTasks",
    parameters={"MaxResults": 50},
    personal=("ExportImageTasks[].AmiName", "ExportImageTasks[].AmiDescription"),
    probe=True,
)
DESCRIBE_IMAGE_ATTRIBUTE = declare(
    "ec2",
    "DescribeImageAttribute",
    parameters={"Attribute": "launchPermission"},
    each=(Each(LIST_EXPORT_IMAGE_TASKS, "ExportImageTasks[].{ImageId: AmiId}"),),
    holds=("LaunchPermissions",),
    absent={"InvalidAMIID.NotFound": "", "InvalidAMIID.Unavailable": ""},
)
DESCRIBE_USERS = declare(
    "appstream",
    "DescribeUsers",
    items="Users",
    parameters={"AuthenticationType": "USERPOOL"},
    personal=(
        "Users[].Arn",
        "Users[].UserName",
        "Users[].FirstName",
        "Users[].LastName",
    ),
    probe=True,
)
DESCRIBE_DIRECTORY_CONFIGS = declare(
    "appstream",
    "DescribeDirectoryConfigs",
    items="DirectoryConfigs",
    secret=(
        "DirectoryConfigs[].ServiceAccountCredentials.AccountName",
        "DirectoryConfigs[].ServiceAccountCredentials.AccountPassword",
    ),
    probe=True,
)
LIST_ASSOCIATED_FLEETS = declare(
    "appstream",
    "ListAssociatedFleets",
    items="Names",
    each=(Each(DESCRIBE_STACKS, "Stacks[].{StackName: Name}"),),
    personal=("Names",),
)
DESCRIBE_IMAGE_PERMISSIONS = declare(
    "appstream",
    "DescribeImagePermissions",
    items="SharedImagePermissionsList",
    parameters={"MaxResults": 500},
    each=(Each(DESCRIBE_IMAGES, "Images[?ImageSharedWithOthers=='TRUE'].{Name: Name}"),),
    personal=("Name",),
)
DESCRIBE_ENTITLEMENTS = declare(
    "appstream",
    "DescribeEntitlements",
    items="Entitlements",
    each=(Each(DESCRIBE_STACKS, "Stacks[].{StackName: Name}"),),
    personal=("Entitlements[].Name", "Entitlements[].Description", "Entitlements[].Attributes"),
)
DESCRIBE_THEME_FOR_STACK = declare(
    "appstream",
    "DescribeThemeForStack",
    holds=("Theme",),
    each=(Each(DESCRIBE_STACKS, "Stacks[].{StackName: Name}"),),
    absent={"ResourceNotFoundException": ""},
    personal=("Theme.StackName", "Theme.ThemeTitleText"),
)
LIST_ANALYZERS = declare("accessanalyzer", "ListAnalyzers", items="analyzers")
# Open findings on what may be AppStream's, of analyzers of external access. Findings name no stranger.
# https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListFindingsV2.html
LIST_EXTERNAL_FINDINGS = declare(
    "accessanalyzer",
    "ListFindingsV2",
    items="findings",
    parameters=lambda run: {
        "filter": {
            "status": {"eq": ["ACTIVE"]},
            "resourceType": {"eq": ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::IAM::Role"]},
            "resourceOwnerAccount": {"eq": [run.account]},
        },
        "maxResults": 100,
    },
    each=(
        Each(
            LIST_ANALYZERS,
            "analyzers[?status=='ACTIVE' && (type=='ACCOUNT' || type=='ORGANIZATION')]"
            ".{analyzerArn: arn}",
        ),
    ),
    personal=("findings[].resource",),
    action="access-analyzer:ListFindings",
)
DESCRIBE_CERTIFICATE_AUTHORITY = declare(
    "acm-pca",
    "DescribeCertificateAuthority",
    always=("CertificateAuthority",),
    each=(
        Each(
            DESCRIBE_DIRECTORY_CONFIGS,
            "DirectoryConfigs[].CertificateBasedAuthProperties"
            ".{CertificateAuthorityArn: CertificateAuthorityArn}",
        ),
    ),
    absent={"ResourceNotFoundException": ""},
    personal=("CertificateAuthority.CertificateAuthorityConfiguration.Subject",),
)

# --- tags --------------------------------------------------------------------------------

GET_RESOURCES = declare(
    "resourcegroupstaggingapi",
    "GetResources",
    items="ResourceTagMappingList",
    parameters={"ResourceTypeFilters": ["appstream"], "ResourcesPerPage": 100},
    personal=("ResourceTagMappingList[].Tags",),
)
LIST_TAGS_FOR_RESOURCE = declare(
    "appstream",
    "ListTagsForResource",
    holds=("Tags",),
    each=(
        Each(DESCRIBE_STACKS, "Stacks[].{ResourceArn: Arn}"),
        Each(DESCRIBE_FLEETS, "Fleets[].{ResourceArn: Arn}"),
        Each(DESCRIBE_IMAGES, "Images[].{ResourceArn: Arn}"),
        Each(DESCRIBE_IMAGE_BUILDERS, "ImageBuilders[].{ResourceArn: Arn}"),
    ),
    fallback_of=GET_RESOURCES,
    personal=("Tags",),
)

# --- what records ---------------------------------------------------------------------------

DESCRIBE_TRAILS = declare(
    "cloudtrail", "DescribeTrails", items="trailList", parameters={"includeShadowTrails": True}
)
LIST_EVENT_DATA_STORES = declare("cloudtrail", "ListEventDataStores", items="EventDataStores")
GET_EVENT_DATA_STORE = declare(
    "cloudtrail",
    "GetEventDataStore",
    always=("EventDataStoreArn",),
    each=(Each(LIST_EVENT_DATA_STORES, "EventDataStores[].{EventDataStore: EventDataStoreArn}"),),
)

# --- storage -----------------------------------------------------------------------------

BUCKET_PREFIX = "appstream"  # with which the names of AppStream's own buckets begin
LIST_BUCKETS = declare(
    "s3",
    "ListBuckets",
    Scope.ACCOUNT,
    root="ListAllMyBucketsResult",
    items="Buckets",
    parameters={"Prefix": BUCKET_PREFIX, "MaxBuckets": 1000},
    personal=("Owner",),
    action="s3:ListAllMyBuckets",
)
GET_ACCOUNT_PUBLIC_ACCESS_BLOCK = declare(
    "s3control",
    "GetPublicAccessBlock",
    Scope.ACCOUNT,
    root="PublicAccessBlockConfiguration",
    parameters=lambda run: {"AccountId": run.account},
    absent={"NoSuchPublicAccessBlockConfiguration": ""},
    action="s3:GetAccountPublicAccessBlock",
)

# AppStream names its own buckets; a stack or a subscription may name a bucket that is not listed.
EACH_BUCKET = (
    Each(
        LIST_BUCKETS,
        "Buckets[?Name && (starts_with(Name, 'appstream2-36fb080bb8-')"
        " || starts_with(Name, 'appstream-app-settings-')"
        " || starts_with(Name, 'appstream-logs-'))].{Bucket: Name, Region: BucketRegion}",
    ),
    Each(
        DESCRIBE_STACKS,
        "Stacks[].StorageConnectors[?ConnectorType=='HOMEFOLDERS'][].{Bucket: ResourceIdentifier}",
    ),
    Each(
        DESCRIBE_STACKS,
        "Stacks[].ApplicationSettings[].{Bucket: S3BucketName}",
    ),
    Each(
        DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
        "UsageReportSubscriptions[].{Bucket: S3BucketName}",
    ),
)

# A list for a region where one of them is.
_REGIONS_OF_BUCKETS = tuple(
    replace(each, request=f"{each.request} | [?Bucket].{{Region: Region}}") for each in EACH_BUCKET
)

# Buckets that others made are known by reference alone: the kit sends the request to the region that
# names them, and S3 redirects it to the bucket's region.
EACH_SOURCE = (
    Each(DESCRIBE_APP_BLOCKS, "AppBlocks[].SourceS3Location.{Bucket: S3Bucket}"),
    Each(
        DESCRIBE_APP_BLOCKS,
        "AppBlocks[].[SetupScriptDetails, PostSetupScriptDetails][]"
        ".ScriptS3Location.{Bucket: S3Bucket}",
    ),
    Each(DESCRIBE_APPLICATIONS, "Applications[].IconS3Location.{Bucket: S3Bucket}"),
    Each(DESCRIBE_FLEETS, "Fleets[].SessionScriptS3Location.{Bucket: S3Bucket}"),
)
# Screenshots and recordings of agents' sessions; image builders are not recorded.
EACH_SCREENSHOTS = (
    Each(
        DESCRIBE_STACKS,
        "Stacks[].AgentAccessConfig | "
        "[?ScreenshotsUploadEnabled != `false` || ReplaySessionEnabled]"
        ".{Bucket: arn_resource(S3BucketArn)}",
    ),
    Each(
        DESCRIBE_IMAGE_BUILDERS,
        "ImageBuilders[].AgentAccessConfig | [?ScreenshotsUploadEnabled != `false`]"
        ".{Bucket: arn_resource(S3BucketArn)}",
    ),
)
EACH_TRAIL_BUCKET = (
    Each(DESCRIBE_TRAILS, "trailList[].{Bucket: S3BucketName, Region: HomeRegion}", beyond=True),
)
# Whether the account owns a bucket, its own list decides: of other names that part is listed.
LIST_NAMED_BUCKETS = declare(
    "s3",
    "ListBuckets",
    root="ListAllMyBucketsResult",
    of="that are named",
    items="Buckets",
    each=tuple(
        replace(
            each,
            request=f"{each.request} | [?Bucket && !starts_with(Bucket, '{BUCKET_PREFIX}')]"
            ".{Prefix: Bucket, Region: Region}",
        )
        for each in (*EACH_BUCKET[1:], *EACH_SOURCE, *EACH_SCREENSHOTS, *EACH_TRAIL_BUCKET)
    ),
    personal=LIST_BUCKETS.personal,
    action=LIST_BUCKETS.action,
)

GET_BUCKET_ENCRYPTION = declare(
    "s3",
    "GetBucketEncryption",
    root="ServerSideEncryptionConfiguration",
    holds=("ServerSideEncryptionConfiguration",),
    each=(*EACH_BUCKET, *EACH_SOURCE, *EACH_SCREENSHOTS),
    absent={"ServerSideEncryptionConfigurationNotFoundError": ""},
    action="s3:GetEncryptionConfiguration",
)
GET_BUCKET_POLICY = declare(
    "s3",
    "GetBucketPolicy",
    always=("Policy",),
    each=(*EACH_BUCKET, *EACH_SOURCE, *EACH_SCREENSHOTS),
    absent={"NoSuchBucketPolicy": ""},
    personal=("Policy",),
)
GET_BUCKET_POLICY_STATUS = declare(
    "s3",
    "GetBucketPolicyStatus",
    root="PolicyStatus",
    each=(*EACH_BUCKET, *EACH_SOURCE, *EACH_SCREENSHOTS),
    absent={"NoSuchBucketPolicy": ""},
)
GET_BUCKET_PUBLIC_ACCESS_BLOCK = declare(
    "s3",
    "GetPublicAccessBlock",
    root="PublicAccessBlockConfiguration",
    each=(*EACH_BUCKET, *EACH_SOURCE, *EACH_SCREENSHOTS),
    absent={"NoSuchPublicAccessBlockConfiguration": ""},
    action="s3:GetBucketPublicAccessBlock",
)
GET_BUCKET_OWNERSHIP_CONTROLS = declare(
    "s3",
    "GetBucketOwnershipControls",
    root="OwnershipControls",
    each=(*EACH_BUCKET, *EACH_SOURCE),
    absent={"OwnershipControlsNotFoundError": ""},
)
GET_BUCKET_VERSIONING = declare(
    "s3",
    "GetBucketVersioning",
    root="VersioningConfiguration",
    each=(*EACH_BUCKET, *EACH_SOURCE, *EACH_SCREENSHOTS, *EACH_TRAIL_BUCKET),
)
GET_BUCKET_LIFECYCLE_CONFIGURATION = declare(
    "s3",
    "GetBucketLifecycleConfiguration",
    root="LifecycleConfiguration",
    each=(*EACH_BUCKET, *EACH_SCREENSHOTS, *EACH_TRAIL_BUCKET),
    absent={"NoSuchLifecycleConfiguration": ""},
    action="s3:GetLifecycleConfiguration",
)
GET_BUCKET_LOGGING = declare("s3", "GetBucketLogging", root="BucketLoggingStatus", each=EACH_BUCKET)
GET_BUCKET_TAGGING = declare(
    "s3",
    "GetBucketTagging",
    always=("TagSet",),
    root="Tagging",
    each=EACH_BUCKET,
    absent={"NoSuchTagSet": ""},
    personal=("TagSet",),
)
GET_BUCKET_REPLICATION = declare(
    "s3",
    "GetBucketReplication",
    root="ReplicationConfiguration",
    each=(*EACH_BUCKET, *EACH_SCREENSHOTS, *EACH_TRAIL_BUCKET),
    absent={"ReplicationConfigurationNotFoundError": ""},
    action="s3:GetReplicationConfiguration",
)
# Whether the account owns the bucket that a rule copies to without naming its owner.
LIST_COPY_BUCKETS = declare(
    "s3",
    "ListBuckets",
    root="ListAllMyBucketsResult",
    of="to which copies go",
    items="Buckets",
    each=(
        Each(
            GET_BUCKET_REPLICATION,
            "ReplicationConfiguration.Rules[?Status=='Enabled' && !(Destination.Account)]"
            ".{Prefix: arn_resource(Destination.Bucket)}"
            f" | [?Prefix && !starts_with(Prefix, '{BUCKET_PREFIX}')]",
        ),
    ),
    personal=LIST_BUCKETS.personal,
    action=LIST_BUCKETS.action,
)
# A list for a region is fewer requests than a list for each bucket. The buckets' names then select
# the access points whose policies the kit reads. The list has no access points of other accounts: the
# bucket's own policy has to let these in.
LIST_ACCESS_POINTS = declare(
    "s3control",
    "ListAccessPoints",
    root="ListAccessPointsResult",
    items="AccessPointList",
    parameters=lambda run: {"AccountId": run.account, "MaxResults": 1000},
    each=_REGIONS_OF_BUCKETS,
    personal=(
        "AccessPointList[].Name",
        "AccessPointList[].AccessPointArn",
        "AccessPointList[].Alias",
    ),
)
GET_ACCESS_POINT_POLICY = declare(
    "s3control",
    "GetAccessPointPolicy",
    always=("Policy",),
    root="GetAccessPointPolicyResult",
    parameters=lambda run: {"AccountId": run.account},
    each=(
        Each(LIST_ACCESS_POINTS, "AccessPointList[?starts_with(Bucket, 'appstream')].{Name: Name}"),
    ),
    absent={"NoSuchAccessPointPolicy": ""},
    personal=("Name", "Policy"),
)
# Home folders and application settings: a list for a region, where one of them is, is fewer requests
# than a list of recovery points for each bucket.
LIST_PROTECTED_RESOURCES = declare(
    "backup",
    "ListProtectedResources",
    items="Results",
    parameters={"MaxResults": 1000},
    each=tuple(
        replace(
            each,
            request=f"{each.request} | [?Bucket && !starts_with(Bucket, 'appstream-logs-')]"
            ".{Region: Region}",
        )
        for each in EACH_BUCKET[:3]
    ),
    personal=("Results[].ResourceName",),
)
DESCRIBE_KEY = declare(
    "kms",
    "DescribeKey",
    always=("KeyMetadata",),
    each=(
        Each(
            GET_BUCKET_ENCRYPTION,
            "ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault"
            ".{KeyId: KMSMasterKeyID}",
        ),
        # KMS knows a key in its own region alone, which is its trail's bucket's.
        Each(
            DESCRIBE_TRAILS,
            "trailList[].{KeyId: KmsKeyId, Region: arn_region(KmsKeyId)}",
            beyond=True,
        ),
        Each(GET_EVENT_DATA_STORE, "{KeyId: KmsKeyId}"),
        Each(
            DESCRIBE_STACKS,
            "Stacks[].AgentAccessConfig | [?ReplaySessionEnabled].{KeyId: KmsKeyArn}",
        ),
        # The key of a bucket's copies is of the region of the copies. Another account judges its own:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_EncryptionConfiguration.html
        Each(
            GET_BUCKET_REPLICATION,
            "ReplicationConfiguration.Rules[?Status=='Enabled']"
            ".Destination.EncryptionConfiguration[].{KeyId: ReplicaKmsKeyID,"
            " Region: arn_region(ReplicaKmsKeyID), Owner: arn_account(ReplicaKmsKeyID)}",
            beyond=True,
        ),
    ),
    absent={"NotFoundException": ""},
    personal=("KeyMetadata.Description",),
)
# Of keys that KMS can rotate by itself; it refuses the question for AWS's own.
GET_KEY_ROTATION_STATUS = declare(
    "kms",
    "GetKeyRotationStatus",
    always=("KeyRotationEnabled",),
    each=(
        Each(
            DESCRIBE_KEY,
            "[KeyMetadata][?KeyManager=='CUSTOMER' && KeySpec=='SYMMETRIC_DEFAULT'"
            " && Origin=='AWS_KMS'].{KeyId: Arn}",
            beyond=True,
        ),
    ),
)

# KMS answers for the account's own keys alone, and AWS's own keys have policies that nobody changes.
_CUSTOMER_KEYS = (
    Each(
        DESCRIBE_KEY,
        "[KeyMetadata][?KeyManager=='CUSTOMER'].{KeyId: Arn, Owner: AWSAccountId}",
        beyond=True,
    ),
    # A multi-Region key has the same material in other regions, each with a policy and grants of its
    # own: https://docs.aws.amazon.com/kms/latest/developerguide/mrk-how-it-works.html
    Each(
        DESCRIBE_KEY,
        "KeyMetadata.MultiRegionConfiguration.[PrimaryKey, ReplicaKeys][]"
        ".{KeyId: Arn, Region: Region, Owner: arn_account(Arn)}",
        beyond=True,
    ),
)
GET_KEY_POLICY = declare(
    "kms", "GetKeyPolicy", always=("Policy",), each=_CUSTOMER_KEYS, personal=("Policy",)
)
LIST_GRANTS = declare(
    "kms",
    "ListGrants",
    items="Grants",
    parameters={"Limit": 100},
    each=_CUSTOMER_KEYS,
    personal=(
        "Grants[].Name",
        "Grants[].GranteePrincipal",
        "Grants[].RetiringPrincipal",
        "Grants[].Constraints",
    ),
)

# --- the network -------------------------------------------------------------------------

DESCRIBE_VPC_ENDPOINTS = declare(
    "ec2",
    "DescribeVpcEndpoints",
    items="VpcEndpoints",
    parameters={"MaxResults": 1000},
    personal=("VpcEndpoints[].Tags",),
)

# Where instances run in networks of the account, one list of a region is one request; a request for
# the ids in use would be one for each of the answers that name them. Texts that people wrote are not
# stored.
_IN_NETWORKS = (
    Each(DESCRIBE_FLEETS, "Fleets[].VpcConfig | [?SubnetIds].{Region: `null`}"),
    Each(DESCRIBE_IMAGE_BUILDERS, "ImageBuilders[].VpcConfig | [?SubnetIds].{Region: `null`}"),
    Each(
        DESCRIBE_APP_BLOCK_BUILDERS, "AppBlockBuilders[].VpcConfig | [?SubnetIds].{Region: `null`}"
    ),
)
_RULES = ("IpPermissions[]", "IpPermissionsEgress[]")
_PEERS = ("IpRanges[]", "Ipv6Ranges[]", "PrefixListIds[]", "UserIdGroupPairs[]")
DESCRIBE_SECURITY_GROUPS = declare(
    "ec2",
    "DescribeSecurityGroups",
    items="SecurityGroups",
    parameters={"MaxResults": 1000},
    each=_IN_NETWORKS,
    secret=(
        "SecurityGroups[].GroupName",
        "SecurityGroups[].Description",
        "SecurityGroups[].Tags",
        *(f"SecurityGroups[].{rule}.{peer}.Description" for rule in _RULES for peer in _PEERS),
        *(f"SecurityGroups[].{rule}.UserIdGroupPairs[].GroupName" for rule in _RULES),
    ),
)
DESCRIBE_ROUTE_TABLES = declare(
    "ec2",
    "DescribeRouteTables",
    items="RouteTables",
    parameters={"MaxResults": 100},
    each=_IN_NETWORKS,
    secret=("RouteTables[].Tags",),
)

# --- logging -----------------------------------------------------------------------------

# The kit requests a trail's status in the trail's home region, wherever that is.
GET_TRAIL_STATUS = declare(
    "cloudtrail",
    "GetTrailStatus",
    always=("IsLogging",),
    each=(Each(DESCRIBE_TRAILS, "trailList[].{Name: TrailARN, Region: HomeRegion}", beyond=True),),
)
# AppStream's buckets do not include the buckets of trails and copies: the kit requests their region.
GET_BUCKET_LOCATION = declare(
    "s3",
    "GetBucketLocation",
    root="LocationConstraint",
    each=(
        *EACH_SCREENSHOTS,
        *EACH_TRAIL_BUCKET,
        Each(
            GET_BUCKET_REPLICATION,
            "ReplicationConfiguration.Rules[?Status=='Enabled']"
            ".{Bucket: arn_resource(Destination.Bucket)}",
        ),
    ),
)
GET_EVENT_SELECTORS = declare(
    "cloudtrail",
    "GetEventSelectors",
    always=("TrailARN",),
    each=(
        Each(DESCRIBE_TRAILS, "trailList[].{TrailName: TrailARN, Region: HomeRegion}", beyond=True),
    ),
)
LOOKUP_EVENTS = declare(
    "cloudtrail",
    "LookupEvents",
    items="Events",
    parameters=lambda run: {
        "LookupAttributes": [
            {"AttributeKey": "EventSource", "AttributeValue": "appstream.amazonaws.com"}
        ],
        "StartTime": run.as_of - dt.timedelta(days=run.lookback_days),
        "EndTime": run.as_of,
        "MaxResults": 50,
    },
    secret=("Events[].AccessKeyId", "Events[].Resources"),
    personal=("Events[].Username", "Events[].CloudTrailEvent"),
    keep={
        "Events[].CloudTrailEvent": (
            "awsRegion",
            "errorCode",
            "eventID",
            "eventName",
            "eventSource",
            "eventTime",
            "eventType",
            "tlsDetails",
            "userAgent",
            "userIdentity.arn",
            "userIdentity.type",
        )
    },
    seconds_between=0.5,
    bounded=True,
)

# No answer names the log groups of agents: the kit requests those that the parameters declare, where
# agents may work. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
DESCRIBE_LOG_GROUPS = declare(
    "logs",
    "DescribeLogGroups",
    items="logGroups",
    parameters=lambda run: {"logGroupIdentifiers": [*run.agent_log_groups]},
    only_if="agent_log_groups",
    each=(
        Each(DESCRIBE_STACKS, "Stacks[?AgentAccessConfig].{Region: `null`}"),
        Each(DESCRIBE_IMAGE_BUILDERS, "ImageBuilders[?AgentAccessConfig].{Region: `null`}"),
    ),
    personal=("logGroups[].logGroupName", "logGroups[].arn", "logGroups[].logGroupArn"),
)

# https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigurationRecorderStatus.html
DESCRIBE_CONFIGURATION_RECORDERS = declare(
    "config", "DescribeConfigurationRecorderStatus", items="ConfigurationRecordersStatus"
)
# Rules of the default bus, on which AWS's services put their events; targets are not requested.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html
LIST_RULES = declare(
    "events",
    "ListRules",
    items="Rules",
    parameters={"Limit": 100},
    secret=("Rules[].Description",),
    personal=("Rules[].Name", "Rules[].Arn", "Rules[].RoleArn", "Rules[].EventPattern"),
    keep={
        "Rules[].EventPattern": (
            *("account", "region", "source", "detail-type", "resources", "detail.eventSource"),
            "$or",
        )
    },
)

# --- discovery ---------------------------------------------------------------------------

GET_MACIE_SESSION = declare(
    "macie2",
    "GetMacieSession",
    always=("status",),
    absent={"AccessDeniedException": "Macie is not enabled"},
)
# The kit requests Macie's findings only where Macie is on. Pages are as long as a finding's criteria
# may be.
DESCRIBE_BUCKETS = declare(
    "macie2",
    "DescribeBuckets",
    items="buckets",
    parameters={"maxResults": 50},
    each=(
        Each(
            GET_MACIE_SESSION,
            '[@][?status==\'ENABLED\'].{criteria: `{"bucketName": {"prefix": "appstream"}}`}',
        ),
    ),
    personal=("buckets[].tags",),
)
GET_AUTOMATED_DISCOVERY_CONFIGURATION = declare(
    "macie2",
    "GetAutomatedDiscoveryConfiguration",
    always=("status",),
    each=(Each(GET_MACIE_SESSION, "[@][?status=='ENABLED'].{Region: `null`}"),),
)
LIST_CLASSIFICATION_JOBS = declare(
    "macie2",
    "ListClassificationJobs",
    items="items",
    parameters={"maxResults": 200},
    each=(Each(GET_MACIE_SESSION, "[@][?status=='ENABLED'].{Region: `null`}"),),
    personal=("items[].name",),
)
GET_FINDING_STATISTICS = declare(
    "macie2",
    "GetFindingStatistics",
    items="countsByGroup",
    parameters={"groupBy": "severity.description"},
    each=(
        Each(
            DESCRIBE_BUCKETS,
            "buckets[?bucketName && (starts_with(bucketName, 'appstream2-36fb080bb8-')"
            " || starts_with(bucketName, 'appstream-app-settings-')"
            " || starts_with(bucketName, 'appstream-logs-'))].bucketName | [@][?@]"
            '.{findingCriteria: {criterion: {category: `{"eq": ["CLASSIFICATION"]}`,'
            ' archived: `{"eq": ["false"]}`,'
            ' "resourcesAffected.s3Bucket.name": {eq: @}}}}',
        ),
    ),
)

# --- threats -----------------------------------------------------------------------------

# https://docs.aws.amazon.com/guardduty/latest/APIReference/API_GetDetector.html
LIST_DETECTORS = declare(
    "guardduty",
    "ListDetectors",
    items="DetectorIds",
    parameters={"MaxResults": 50},
    # A stack's bucket whose name AWS leaves out counts too.
    each=tuple(
        replace(each, request=f"{each.request} | [].{{Region: Region}}") for each in EACH_BUCKET
    ),
)
GET_DETECTOR = declare(
    "guardduty",
    "GetDetector",
    always=("Status",),
    each=(Each(LIST_DETECTORS, "DetectorIds[].{DetectorId: @}"),),
    secret=("Tags",),
)
# Plans are of a bucket in their own account and region, and the list has nothing but their ids.
# https://docs.aws.amazon.com/guardduty/latest/APIReference/API_GetMalwareProtectionPlan.html
LIST_MALWARE_PROTECTION_PLANS = declare(
    "guardduty",
    "ListMalwareProtectionPlans",
    items="MalwareProtectionPlans",
    each=(
        Each(
            LIST_BUCKETS,
            "Buckets[?Name && starts_with(Name, 'appstream2-36fb080bb8-')].{Region: BucketRegion}",
        ),
        _REGIONS_OF_BUCKETS[1],
    ),
)
GET_MALWARE_PROTECTION_PLAN = declare(
    "guardduty",
    "GetMalwareProtectionPlan",
    always=("ProtectedResource", "Status"),
    each=(
        Each(
            LIST_MALWARE_PROTECTION_PLANS,
            "MalwareProtectionPlans[].{MalwareProtectionPlanId: MalwareProtectionPlanId}",
        ),
    ),
    absent={"ResourceNotFoundException": ""},
    secret=("Tags", "StatusReasons[].Message"),
    personal=("Role", "ProtectedResource.S3Bucket"),
)


# Services without which most controls would not be evidenced; a run may leave out the others.
_ESSENTIAL = {
    *("account", "appstream", "cloudtrail", "iam", "kms", "organizations"),
    *("resourcegroupstaggingapi", "s3", "s3control", "sts"),
}


def made_by(run: Any, calls: Iterable[Call]) -> frozenset[Call]:
    """Return those of some calls that a run makes, by its `without_services` and their ``only_if``."""
    return frozenset(
        call
        for call in calls
        if call.service not in run.without_services
        and (not call.only_if or getattr(run, call.only_if))
    )


def optional_services() -> list[str]:
    """Return the services that a run may leave out, as botocore names them."""
    return sorted({call.service for call in CALLS.values()} - _ESSENTIAL)


def with_sources(calls: Iterable[Call], without: Collection[str] = ()) -> frozenset[Call]:
    """Return the calls and all they depend on: sources, fallbacks, the caller's identity and the regions.

    Calls of the services in ``without`` are left out.
    """
    needed: set[Call] = set()
    waiting = [GET_CALLER_IDENTITY, LIST_REGIONS, *calls]
    while waiting:
        call = waiting.pop()
        if call not in needed:
            needed.add(call)
            waiting += call.sources
            waiting += stand_ins(call)
    return frozenset(call for call in needed if call.service not in without)


@cache
def stand_ins(call: Call) -> tuple[Call, ...]:
    """Return the calls that stand in where a call fails or lists nothing."""
    return tuple(other for other in CALLS.values() if other.fallback_of == call)
