"""Amazon CloudWatch Logs: declared log groups and how long they keep logs."""

from __future__ import annotations

from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922),
    *(3288, 3653),
)


@answers("logs", "DescribeLogGroups")
def describe_log_groups(call: Call) -> dict[str, Any]:
    """List the region's log groups, or those of them that the request names."""
    named = call.parameters.get("logGroupIdentifiers")
    groups = [g for g in call.declared("logGroups") if not named or g["logGroupName"] in named]
    return call.page("logGroups", groups, size="limit", token="nextToken", default=50, most=50)


@answers("logs", "PutRetentionPolicy")
def put_retention_policy(call: Call) -> dict[str, Any]:
    """Let a group keep its logs for one of the periods that AWS accepts."""
    group = _group(call)
    days = call.parameters["retentionInDays"]
    if days not in _DAYS:
        raise AWSError("InvalidParameterException", f"{days} is not an accepted retention period.")
    group["retentionInDays"] = days
    return {}


def _group(call: Call) -> Item:
    for group in call.declared("logGroups"):
        if group["logGroupName"] == call.parameters["logGroupName"]:
            return group
    raise AWSError("ResourceNotFoundException", "The specified log group does not exist.")
