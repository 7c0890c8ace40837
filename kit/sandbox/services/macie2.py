"""Amazon Macie: its view of the declared buckets, jobs, automated discovery and findings."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

from kit.sandbox.checks import invalid
from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.s3 import is_public

PUBLIC_ACCESS_BLOCK = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value in wanted,
    "eqExactMatch": lambda value, wanted: value in wanted,
    "neq": lambda value, wanted: value not in wanted,
    "prefix": lambda value, wanted: str(value).startswith(wanted),
    "gt": lambda value, wanted: value is not None and value > wanted,
    "gte": lambda value, wanted: value is not None and value >= wanted,
    "lt": lambda value, wanted: value is not None and value < wanted,
    "lte": lambda value, wanted: value is not None and value <= wanted,
}


def _session(call: Call) -> Item:
    session = call.single("Session")
    if session is None:
        raise AWSError("AccessDeniedException", "Macie is not enabled.", 403)
    return session


@answers("macie2", "GetMacieSession")
def get_macie_session(call: Call) -> dict[str, Any]:
    """Return whether Macie is enabled; AWS answers 403 where it never was."""
    return dict(_session(call))


@answers("macie2", "GetAutomatedDiscoveryConfiguration")
def get_automated_discovery_configuration(call: Call) -> dict[str, Any]:
    """Return whether automated sensitive data discovery is enabled."""
    _session(call)
    return dict(call.single("AutomatedDiscovery") or {"status": "DISABLED"})


@answers("macie2", "ListClassificationJobs")
def list_classification_jobs(call: Call) -> dict[str, Any]:
    """List discovery jobs; the sandbox supports no filter."""
    _session(call)
    if call.parameters.get("filterCriteria"):
        raise invalid("macie2", "This sandbox does not filter classification jobs.")
    jobs = call.declared("ClassificationJobs")
    return call.page("items", jobs, size="maxResults", token="nextToken", default=200, most=200)


@answers("macie2", "DescribeBuckets")
def describe_buckets(call: Call) -> dict[str, Any]:
    """Describe the region's buckets as Macie sees them, at the state of its last daily refresh.

    Buckets of members are described too, where the account administers their Macie.
    """
    _session(call)
    buckets = [
        _described(call, bucket)
        for bucket in call.account.declared("s3", "Buckets", "")
        if bucket["BucketRegion"] == call.region
    ]
    buckets += [dict(bucket) for bucket in call.declared("buckets")]
    criteria = call.parameters.get("criteria") or {}
    chosen = [b for b in buckets if all(_matches(_at(b, k), c) for k, c in criteria.items())]
    return call.page("buckets", chosen, size="maxResults", token="nextToken", default=50, most=1000)


def _described(call: Call, bucket: Item) -> dict[str, Any]:
    beside = bucket.beside
    rule = beside.get("Encryption", {}).get("Rules", [{}])[0]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    encryption = {"type": default.get("SSEAlgorithm", "NONE")}
    if "KMSMasterKeyID" in default:
        encryption["kmsMasterKeyId"] = default["KMSMasterKeyID"]
    block = beside.get("PublicAccessBlock") or {}
    public = is_public(beside["Policy"]) if "Policy" in beside else False
    public = public and not block.get("RestrictPublicBuckets", False)
    description = {
        "accountId": call.account.id,
        "bucketArn": bucket["BucketArn"],
        "bucketCreatedAt": bucket["CreationDate"],
        "bucketName": bucket["Name"],
        "region": call.region,
        "allowsUnencryptedObjectUploads": "FALSE" if default else "TRUE",
        "lastUpdated": call.world.now - dt.timedelta(hours=9),
        "publicAccess": {
            "effectivePermission": "PUBLIC" if public else "NOT_PUBLIC",
            "permissionConfiguration": {
                "bucketLevelPermissions": {
                    "blockPublicAccess": {
                        k: block.get(v, False) for k, v in PUBLIC_ACCESS_BLOCK.items()
                    },
                    "bucketPolicy": {
                        "allowsPublicReadAccess": public,
                        "allowsPublicWriteAccess": False,
                    },
                }
            },
        },
        "serverSideEncryption": encryption,
        "sharedAccess": "NOT_SHARED",
        "versioning": beside.get("Versioning", {}).get("Status") == "Enabled",
        "tags": [{"key": t["Key"], "value": t["Value"]} for t in beside.get("Tagging", [])],
    }
    return {**description, **beside.get("Macie", {})}


@answers("macie2", "GetFindingStatistics")
def get_finding_statistics(call: Call) -> dict[str, Any]:
    """Count findings by severity, type, bucket or job."""
    _session(call)
    criteria = (call.parameters.get("findingCriteria") or {}).get("criterion") or {}
    group = call.parameters["groupBy"]
    counts = Counter(
        str(_at(finding, group))
        for finding in call.declared("Findings")
        if all(_matches(_at(finding, k), c) for k, c in criteria.items())
    )
    groups = [{"groupKey": key, "count": n} for key, n in counts.most_common()]
    return {"countsByGroup": groups[: call.parameters.get("size", 50)]}


def _at(value: Any, path: str) -> Any:
    """Return the value at a dotted path, or None."""
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    return _at(value.get(head, {}), rest) if rest and isinstance(value, dict) else None


def _matches(value: Any, criterion: dict[str, Any]) -> bool:
    text = str(value).lower() if isinstance(value, bool) else value
    return all(COMPARISONS[name](text, wanted) for name, wanted in criterion.items())
