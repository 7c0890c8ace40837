"""The changes of EC2's resources that remedies make, with what EC2 refuses.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.network import filtered, launch_permissions, with_ids

# Lists of a permission, the member that names a peer, and the rule's member of an answer.
_PEERS = {
    "IpRanges": ("CidrIp", "CidrIpv4"),
    "Ipv6Ranges": ("CidrIpv6", "CidrIpv6"),
    "PrefixListIds": ("PrefixListId", "PrefixListId"),
    "UserIdGroupPairs": ("GroupId", "ReferencedGroupInfo"),
}


@answers("ec2", "ModifyImageAttribute")
def modify_image_attribute(call: Call) -> dict[str, Any]:
    """Change who may launch an AMI; to remove whoever may not launch it changes nothing.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
    """
    attributes = launch_permissions(call)
    change = call.parameters["LaunchPermission"]
    added, removed = change.get("Add", []), change.get("Remove", [])
    for launcher in (*added, *removed):
        user = launcher.get("UserId", "0" * 12)
        if not (user.isdecimal() and len(user) == 12):
            raise AWSError("InvalidAMIAttributeItemValue", f"Invalid attribute item value: {user}")
    kept = [one for one in attributes["LaunchPermissions"] if one not in removed]
    attributes["LaunchPermissions"] = kept + [one for one in added if one not in kept]
    return {"Return": True}


@answers("ec2", "DescribeSecurityGroupRules")
def describe_security_group_rules(call: Call) -> dict[str, Any]:
    """List the rules of security groups, each with its id."""
    groups = filtered(call, call.declared("SecurityGroups"))
    rules = []
    for group in groups:
        for direction in ("IpPermissions", "IpPermissionsEgress"):
            for id, permission, peers, peer in _rules(group, direction):
                name, answered = _PEERS[peers]
                value = {"GroupId": peer[name]} if peers == "UserIdGroupPairs" else peer[name]
                rules.append(
                    {
                        "SecurityGroupRuleId": id,
                        "GroupId": group["GroupId"],
                        "GroupOwnerId": group["OwnerId"],
                        "IsEgress": direction == "IpPermissionsEgress",
                        "IpProtocol": permission["IpProtocol"],
                        "FromPort": permission.get("FromPort", -1),
                        "ToPort": permission.get("ToPort", -1),
                        answered: value,
                    }
                )
    return call.page("SecurityGroupRules", rules, default=1000)


@answers("ec2", "RevokeSecurityGroupIngress")
def revoke_security_group_ingress(call: Call) -> dict[str, Any]:
    """End inbound rules of a security group, by their ids; where one is unknown, none ends.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
    """
    group, wanted = _group(call), set(call.parameters.get("SecurityGroupRuleIds", []))
    if not wanted:
        raise AWSError("InvalidParameterValue", "This sandbox revokes rules by their ids alone")
    rules = [*_rules(group, "IpPermissions")]
    for missing in wanted - {id for id, *_ in rules}:
        message = f"The security group rule ID '{missing}' does not exist"
        raise AWSError("InvalidSecurityGroupRuleId.NotFound", message)
    for id, permission, peers, peer in rules:
        if id in wanted:
            permission[peers] = [one for one in permission[peers] if one is not peer]
    permissions = group["IpPermissions"]
    group["IpPermissions"] = [one for one in permissions if any(one.get(p) for p in _PEERS)]
    return {"Return": True}


@answers("ec2", "AuthorizeSecurityGroupIngress")
def authorize_security_group_ingress(call: Call) -> dict[str, Any]:
    """Add inbound rules to a security group; a rule that exists is refused.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
    """
    group = _group(call)
    empty: dict[str, Any] = {peers: [] for peers in _PEERS}
    added = [empty | permission for permission in call.parameters["IpPermissions"]]
    present = {id for id, *_ in _rules(group, "IpPermissions")}
    if present & {id for id, *_ in _rules({**group, "IpPermissions": added}, "IpPermissions")}:
        raise AWSError("InvalidPermission.Duplicate", "the specified rule already exists")
    group["IpPermissions"] = [*group["IpPermissions"], *added]
    return {"Return": True}


@answers("ec2", "ModifyVpcEndpoint")
def modify_vpc_endpoint(call: Call) -> dict[str, Any]:
    """Replace the policy of a VPC endpoint; one that is not JSON is refused.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html
    """
    wanted, policy = call.parameters["VpcEndpointId"], call.parameters["PolicyDocument"]
    (endpoint,) = with_ids(call, "VpcEndpoints", [wanted])
    try:
        valid = bool(json.loads(policy)["Statement"])
    except (ValueError, KeyError, TypeError):
        valid = False
    if not valid:
        raise AWSError("InvalidPolicyDocument", "The policy document is not valid")
    endpoint["PolicyDocument"] = policy
    return {"Return": True}


def _group(call: Call) -> Item:
    return with_ids(call, "SecurityGroups", [call.parameters["GroupId"]])[0]


def _rules(
    group: dict[str, Any], direction: str
) -> Iterator[tuple[str, dict[str, Any], str, dict[str, Any]]]:
    """Yield each rule's id, its permission, and the list of the permission with its peer.

    EC2 chooses ids at random; here the same rule of a group always has the same id.
    """
    for permission in group[direction]:
        ports = [permission.get("FromPort"), permission.get("ToPort")]
        for peers, (name, _) in _PEERS.items():
            for peer in permission.get(peers, []):
                parts = [group["GroupId"], direction, permission["IpProtocol"], *ports, peer[name]]
                digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
                yield f"sgr-{digest[:17]}", permission, peers, peer
