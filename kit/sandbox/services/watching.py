"""Answers about what watches an account: findings of external access, AWS Config, EventBridge."""

from __future__ import annotations

from typing import Any

from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers


@answers("accessanalyzer", "ListFindingsV2")
def list_findings_v2(call: Call) -> dict[str, Any]:
    """List findings that meet a filter of equal values, of an analyzer of the region."""
    arn = call.parameters["analyzerArn"]
    if arn not in {analyzer["arn"] for analyzer in call.declared("analyzers")}:
        raise AWSError("ResourceNotFoundException", f"Analyzer {arn} not found.", 404)
    wanted = call.parameters.get("filter", {})
    findings = [
        finding
        for finding in call.declared("findings")
        if all(finding.get(member) in one["eq"] for member, one in wanted.items())
    ]
    return call.page("findings", findings, size="maxResults", token="nextToken")


@answers("config", "DescribeConfigurationRecorderStatus")
def describe_configuration_recorder_status(call: Call) -> dict[str, Any]:
    """List the recorders of the region; AWS does not page this list."""
    return {"ConfigurationRecordersStatus": call.declared("Recorders")}


@answers("events", "ListRules")
def list_rules(call: Call) -> dict[str, Any]:
    """List the rules of the region's default event bus."""
    return call.page("Rules", call.declared("Rules"), size="Limit")
