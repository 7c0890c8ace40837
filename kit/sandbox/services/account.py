"""Answers about the account as a whole: identity, regions, tags, reports, access analysis."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kit.sandbox.checks import invalid
from kit.sandbox.errors import access_denied
from kit.sandbox.permissions import managed_policy, packed_percent
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, Session, answers
from kit.sandbox.services.appstream import TAGGABLE

_MOST_CHARACTERS = 2_048  # of an inline session policy


@answers("sts", "GetCallerIdentity")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """Return the identity whose credentials signed the request."""
    session = call.caller.rsplit("/", 1)[-1]
    return {
        "Account": call.account.id,
        "Arn": call.caller,
        "UserId": f"{_role_id(call.caller)}:{session}",
    }


@answers("sts", "AssumeRole")
def assume_role(call: Call) -> dict[str, Any]:
    """Return credentials for a role of any sample account, if the external id is right.

    The sandbox checks that the role exists and its external id, not whom it trusts. It enforces
    the session's policies.
    """
    arn, name = call.parameters["RoleArn"], call.parameters["RoleSessionName"]
    account_id, role = (arn.split(":") + [""] * 5)[4], arn.rsplit("/", 1)[-1]
    account = call.world.accounts.get(account_id)
    roles = account.declared("iam", "RoleDetailList", "") if account else []
    matches = [r for r in roles if r["Arn"] == arn]
    seconds = call.parameters.get("DurationSeconds", 3600)
    if seconds > 3600 and ":assumed-role/" in call.caller:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise invalid("sts", message)
    given = call.parameters.get("ExternalId")
    if not matches or _external_id(matches[0]) not in (None, given):
        raise access_denied("sts", "AssumeRole", call.caller, arn)
    session = f"arn:aws:sts::{account_id}:assumed-role/{role}/{name}"
    policies, packed = _session_policies(call.parameters)
    key = "ASIA" + _letters(f"{session} {len(call.world.sessions)}", 16)
    call.world.sessions[key] = Session(account_id, session, policies)
    return {
        "AssumedRoleUser": {"Arn": session, "AssumedRoleId": f"{_role_id(session)}:{name}"},
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": hashlib.sha256(key.encode()).hexdigest()[:40],
            "SessionToken": "sandbox",
            "Expiration": dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds),
        },
        **({"PackedPolicySize": packed} if packed else {}),
    }


def _session_policies(
    parameters: Mapping[str, Any],
) -> tuple[tuple[Mapping[str, Any], ...], int]:
    """Return a session's policies, and what they and its tags take of the space for them."""
    inline = parameters.get("Policy", "")
    arns = [policy["arn"] for policy in parameters.get("PolicyArns", ())]
    tags = [tag[part] for tag in parameters.get("Tags", ()) for part in ("Key", "Value")]
    if len(inline) > _MOST_CHARACTERS:
        raise invalid("sts", f"policy must have length less than or equal to {_MOST_CHARACTERS}")
    managed = [managed_policy(arn) for arn in arns]
    if None in managed:
        raise AWSError("InvalidInput", f"Policy {arns[managed.index(None)]} does not exist")
    percent = packed_percent([inline, *arns, *tags]) if inline or arns or tags else 0
    if percent > 100:
        message = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        raise AWSError("PackedPolicyTooLarge", message)
    try:
        own = [json.loads(inline)] if inline else []
    except ValueError:
        raise AWSError("MalformedPolicyDocument", "This policy contains invalid Json") from None
    return (*own, *filter(None, managed)), percent


def _external_id(role: dict[str, Any]) -> str | None:
    for statement in json.loads(role["AssumeRolePolicyDocument"])["Statement"]:
        wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
        if wanted:
            return str(wanted)
    return None


def _role_id(session: str) -> str:
    return "AROA" + _letters(session.rsplit("/", 1)[0], 17)


def _letters(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


@answers("account", "ListRegions")
def list_regions(call: Call) -> dict[str, Any]:
    """List all regions with their opt-in status."""
    if call.parameters.get("AccountId", call.account.id) != call.account.id:
        raise access_denied("account", "ListRegions", call.caller, "*")
    wanted = call.parameters.get("RegionOptStatusContains")
    regions = [
        {"RegionName": region, "RegionOptStatus": status}
        for region, status in sorted(call.region_status().items())
        if not wanted or status in wanted
    ]
    return call.page("Regions", regions, default=50)


@answers("account", "GetAlternateContact")
def get_alternate_contact(call: Call) -> dict[str, Any]:
    """Return the security contact; sample accounts have no other."""
    contact = call.single("SecurityContact")
    if contact is None or call.parameters["AlternateContactType"] != "SECURITY":
        message = "No contact of the inputted alternate contact type found."
        raise AWSError("ResourceNotFoundException", message, 404)
    return {"AlternateContact": contact}


@answers("ec2", "DescribeRegions")
def describe_regions(call: Call) -> dict[str, Any]:
    """List the regions in EC2's words; regions that are not opted in only with AllRegions."""
    words = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in"}
    names, every = call.parameters.get("RegionNames"), call.parameters.get("AllRegions")
    regions = []
    for region, status in sorted(call.region_status().items()):
        word = words.get(status, "not-opted-in")
        if (names and region not in names) or not (every or names or status in words):
            continue
        endpoint = f"ec2.{region}.amazonaws.com"
        regions.append({"RegionName": region, "OptInStatus": word, "Endpoint": endpoint})
    return {"Regions": regions}


@answers("artifact", "ListReports", "ListCustomerAgreements")
def list_artifacts(call: Call) -> dict[str, Any]:
    """List the (sample) reports or agreements of AWS Artifact."""
    kind = {"ListReports": "reports", "ListCustomerAgreements": "customerAgreements"}[
        call.operation
    ]
    return call.page(kind, call.declared(kind), size="maxResults", token="nextToken")


@answers("backup", "ListProtectedResources")
def list_protected_resources(call: Call) -> dict[str, Any]:
    """List the region's resources of which AWS Backup has recovery points."""
    return call.page("Results", call.declared("Results"), default=1000, most=1000)


@answers("accessanalyzer", "ListAnalyzers")
def list_analyzers(call: Call) -> dict[str, Any]:
    """List the region's analyzers, filtered by type."""
    wanted = call.parameters.get("type")
    analyzers = [a for a in call.declared("analyzers") if wanted in (None, a["type"])]
    return call.page("analyzers", analyzers, size="maxResults", token="nextToken")


@answers("resourcegroupstaggingapi", "GetResources")
def get_resources(call: Call) -> dict[str, Any]:
    """List the region's tagged AppStream resources and buckets, with their tags."""
    filters = call.parameters
    if filters.get("ResourceARNList") and (
        filters.get("ResourceTypeFilters") or filters.get("TagFilters")
    ):
        raise invalid(call.service, "ResourceARNList excludes TagFilters and ResourceTypeFilters.")
    resources = [
        {"ResourceARN": arn, "Tags": tags}
        for arn, tags in _tagged(call)
        if tags and _matches(arn, tags, filters)
    ]
    answer = call.page(
        "ResourceTagMappingList",
        resources,
        size="ResourcesPerPage",
        token="PaginationToken",
        default=50,
        most=100,
    )
    return {"PaginationToken": ""} | answer


def _tagged(call: Call) -> list[tuple[str, list[dict[str, str]]]]:
    account, tagged = call.account, []
    for kind in TAGGABLE:
        for item in account.declared("appstream", kind, call.region):
            tags = item.beside.get("Tags", {})
            tagged.append((item.get("Arn", ""), [{"Key": k, "Value": v} for k, v in tags.items()]))
    for bucket in account.declared("s3", "Buckets", ""):
        if bucket["BucketRegion"] == call.region:
            tagged.append((bucket["BucketArn"], bucket.beside.get("Tagging", [])))
    return tagged


def _matches(arn: str, tags: list[dict[str, str]], filters: dict[str, Any]) -> bool:
    service, resource = arn.split(":")[2], arn.split(":", 5)[5].split("/")[0]
    types = filters.get("ResourceTypeFilters")
    if types and service not in types and f"{service}:{resource}" not in types:
        return False
    if filters.get("ResourceARNList") and arn not in filters["ResourceARNList"]:
        return False
    return all(
        any(t["Key"] == f["Key"] and t["Value"] in (f.get("Values") or [t["Value"]]) for t in tags)
        for f in filters.get("TagFilters", [])
    )
