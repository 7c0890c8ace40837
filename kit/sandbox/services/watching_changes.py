"""The changes of AWS Config and EventBridge that remedies make, with what they refuse."""

from __future__ import annotations

from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

_TARGETS = "Targets"
_MOST_TARGETS = 5


@answers("config", "StartConfigurationRecorder", "StopConfigurationRecorder")
def turn_recorder(call: Call) -> dict[str, Any]:
    """Start a recorder that has a channel to deliver to, or stop it.

    https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigurationRecorder.html
    https://docs.aws.amazon.com/config/latest/APIReference/API_StopConfigurationRecorder.html
    """
    name = call.parameters["ConfigurationRecorderName"]
    recorder = next((one for one in call.declared("Recorders") if one["name"] == name), None)
    if recorder is None:
        message = f"Cannot find configuration recorder with the specified name '{name}'."
        raise AWSError("NoSuchConfigurationRecorderException", message)
    start = call.operation == "StartConfigurationRecorder"
    if start and not call.declared("DeliveryChannels"):
        message = "Delivery channel is not available to start configuration recorder."
        raise AWSError("NoAvailableDeliveryChannelException", message)
    recorder |= {"recording": start, "lastStatusChangeTime": call.world.now}
    recorder |= {"lastStatus": "Pending"} if start else {}
    return {}


@answers("events", "PutRule")
def put_rule(call: Call) -> dict[str, Any]:
    """Make a rule, or replace one; it keeps its targets.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    """
    name = call.parameters["Name"]
    rule = _rule(call, name)
    _refuse_managed(rule)
    if rule is None:
        rule = Item(Name=name, EventBusName="default")
        rule["Arn"] = f"arn:aws:events:{call.region}:{call.account.id}:rule/{name}"
        rule.beside = {}
        call.account.declare("events", "Rules", call.region, rule)
    rule["State"] = call.parameters.get("State", "ENABLED")
    rule["EventPattern"] = call.parameters["EventPattern"]
    return {"RuleArn": rule["Arn"]}


@answers("events", "DescribeRule")
def describe_rule(call: Call) -> dict[str, Any]:
    """Return a rule; one that does not exist is refused.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
    """
    return dict(_existing(call, "Name"))


@answers("events", "PutTargets")
def put_targets(call: Call) -> dict[str, Any]:
    """Add targets to a rule, at most five.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    """
    rule = _existing(call)
    _refuse_managed(rule)
    targets = rule.beside.get(_TARGETS, {}) | {one["Id"]: one for one in call.parameters["Targets"]}
    if len(targets) > _MOST_TARGETS:
        message = "The requested resource exceeds the maximum number allowed."
        raise AWSError("LimitExceededException", message)
    rule.beside[_TARGETS] = targets
    return {"FailedEntryCount": 0, "FailedEntries": []}


@answers("events", "RemoveTargets")
def remove_targets(call: Call) -> dict[str, Any]:
    """Remove targets of a rule.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
    """
    rule = _existing(call)
    _refuse_managed(rule)
    for id in call.parameters["Ids"]:
        rule.beside.get(_TARGETS, {}).pop(id, None)
    return {"FailedEntryCount": 0, "FailedEntries": []}


@answers("events", "DeleteRule")
def delete_rule(call: Call) -> dict[str, Any]:
    """Delete a rule without targets; to delete one that does not exist succeeds.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
    """
    if rule := _rule(call, call.parameters["Name"]):
        _refuse_managed(rule)
        if rule.beside.get(_TARGETS):
            raise AWSError("ValidationException", "Rule can't be deleted since it has targets.")
        call.declared("Rules").remove(rule)
    return {}


def _rule(call: Call, name: str) -> Item | None:
    return next((rule for rule in call.declared("Rules") if rule["Name"] == name), None)


def _existing(call: Call, parameter: str = "Rule") -> Item:
    name = call.parameters[parameter]
    if rule := _rule(call, name):
        return rule
    message = f"Rule {name} does not exist on EventBus default."
    raise AWSError("ResourceNotFoundException", message)


def _refuse_managed(rule: Item | None) -> None:
    if rule and rule.get("ManagedBy"):
        message = f"Rule {rule['Name']} is managed by {rule['ManagedBy']}."
        raise AWSError("ManagedRuleException", message)
