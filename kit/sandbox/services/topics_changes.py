"""The topics of SNS that remedies change, with what SNS refuses of a topic's policy."""

from __future__ import annotations

import json
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
_ACTIONS = {
    "sns:addpermission",
    "sns:deletetopic",
    "sns:getdataprotectionpolicy",
    "sns:gettopicattributes",
    "sns:listsubscriptionsbytopic",
    "sns:listtagsforresource",
    "sns:publish",
    "sns:putdataprotectionpolicy",
    "sns:removepermission",
    "sns:settopicattributes",
    "sns:subscribe",
}
_MOST_STATEMENTS, _MOST_BYTES = 100, 30 * 1024
_OWNERS = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
]


@answers("sns", "CreateTopic")
def create_topic(call: Call) -> dict[str, Any]:
    """Make a topic with the policy of a new one, or return the ARN of the topic that has the name.

    https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    arn = f"arn:aws:sns:{call.region}:{call.account.id}:{call.parameters['Name']}"
    if not any(topic["TopicArn"] == arn for topic in call.declared("Topics")):
        owners = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": _OWNERS,
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": call.account.id}},
        }
        policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [owners]}
        topic = Item(TopicArn=arn, Owner=call.account.id, Policy=json.dumps(policy))
        topic.beside = {}
        call.account.declare("sns", "Topics", call.region, topic)
    return {"TopicArn": arn}


@answers("sns", "GetTopicAttributes")
def get_topic_attributes(call: Call) -> dict[str, Any]:
    """Return the attributes of a topic."""
    return {"Attributes": dict(_topic(call))}


@answers("sns", "SetTopicAttributes")
def set_topic_attributes(call: Call) -> dict[str, Any]:
    """Replace the policy of a topic, whole; the sandbox has no other attribute.

    https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
    """
    topic = _topic(call)
    if call.parameters["AttributeName"] != "Policy":
        raise _invalid("AttributeName")
    policy = call.parameters.get("AttributeValue", "")
    _check(policy, topic["TopicArn"])
    topic["Policy"] = policy
    return {}


def _check(policy: str, arn: str) -> None:
    """Refuse what SNS refuses; the words are of https://github.com/hashicorp/terraform/issues/12740."""
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise _invalid("Policy Error: null") from None
    if not 0 < len(statements) <= _MOST_STATEMENTS or len(policy.encode()) > _MOST_BYTES:
        raise _invalid("Policy Error: null")
    sids = [one["Sid"] for one in statements if "Sid" in one]
    if len(sids) != len(set(sids)):
        raise _invalid("Policy Error: null")
    for one in statements:
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        if not {action.lower() for action in actions} <= _ACTIONS:
            raise _invalid("Policy statement action out of service scope!")
        if one["Resource"] not in (arn, [arn]):
            raise _invalid("Policy statement must apply to a single resource")


def _topic(call: Call) -> Item:
    for topic in call.declared("Topics"):
        if topic["TopicArn"] == call.parameters["TopicArn"]:
            return topic
    raise AWSError("NotFound", "Topic does not exist", 404)


def _invalid(what: str) -> AWSError:
    return AWSError("InvalidParameter", f"Invalid parameter: {what}")
