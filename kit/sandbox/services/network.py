"""EC2's answers about the networks of fleets and stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# The supported filters, and the values of an item for each.
FILTERS: dict[str, Callable[[Item], Iterable[str]]] = {
    "group-id": lambda i: [i["GroupId"]],
    "service-name": lambda i: [i["ServiceName"]],
    "subnet-id": lambda i: [i["SubnetId"]],
    "vpc-endpoint-id": lambda i: [i["VpcEndpointId"]],
    "vpc-endpoint-state": lambda i: [i["State"]],
    "vpc-endpoint-type": lambda i: [i["VpcEndpointType"]],
    "vpc-id": lambda i: [i["VpcId"]],
}


# The parameter, the member and the error of a kind's ids.
_IDS = {
    "RouteTables": ("RouteTableIds", "RouteTableId", "InvalidRouteTableID.NotFound"),
    "SecurityGroups": ("GroupIds", "GroupId", "InvalidGroup.NotFound"),
    "Subnets": ("SubnetIds", "SubnetId", "InvalidSubnetID.NotFound"),
    "VpcEndpoints": ("VpcEndpointIds", "VpcEndpointId", "InvalidVpcEndpointId.NotFound"),
}


def filtered(call: Call, items: list[Item]) -> list[Item]:
    """Return the items that meet the filters of a request."""
    for given in call.parameters.get("Filters", []):
        if given["Name"] not in FILTERS:
            message = f"The filter '{given['Name']}' is invalid"
            raise AWSError("InvalidParameterValue", message)
        value = FILTERS[given["Name"]]
        items = [i for i in items if set(value(i)) & set(given["Values"])]
    return items


def with_ids(call: Call, kind: str, wanted: list[str]) -> list[Item]:
    """Return the items of a kind with these ids, each of which has to exist."""
    _, member, code = _IDS[kind]
    matches = [i for i in call.declared(kind) if i[member] in wanted]
    for missing in set(wanted) - {i[member] for i in matches}:
        raise AWSError(code, f"The ID '{missing}' does not exist")
    return matches


def _described(call: Call, kind: str) -> list[Item]:
    wanted = call.parameters.get(_IDS[kind][0])
    return filtered(call, with_ids(call, kind, wanted) if wanted else call.declared(kind))


@answers("ec2", "DescribeVpcEndpoints")
def describe_vpc_endpoints(call: Call) -> dict[str, Any]:
    """List VPC endpoints."""
    return call.page("VpcEndpoints", _described(call, "VpcEndpoints"), default=1000)


@answers("ec2", "DescribeSubnets")
def describe_subnets(call: Call) -> dict[str, Any]:
    """List subnets."""
    return call.page("Subnets", _described(call, "Subnets"), default=1000)


@answers("ec2", "DescribeSecurityGroups")
def describe_security_groups(call: Call) -> dict[str, Any]:
    """List security groups."""
    groups = _described(call, "SecurityGroups")
    return call.page("SecurityGroups", groups, default=1000, most=1000)


@answers("ec2", "DescribeRouteTables")
def describe_route_tables(call: Call) -> dict[str, Any]:
    """List route tables."""
    return call.page("RouteTables", _described(call, "RouteTables"), default=100, most=100)


@answers("ec2", "DescribeImageAttribute")
def describe_image_attribute(call: Call) -> dict[str, Any]:
    """Return who may launch an AMI; the sandbox has no other attribute."""
    if call.parameters["Attribute"] != "launchPermission":
        raise AWSError("InvalidParameterValue", "This sandbox has launchPermission alone")
    return dict(launch_permissions(call))


def launch_permissions(call: Call) -> Item:
    """Return who may launch the AMI that a request names."""
    wanted = call.parameters["ImageId"]
    for attributes in call.declared("ImageAttributes"):
        if attributes["ImageId"] == wanted:
            return attributes
    raise AWSError("InvalidAMIID.NotFound", f"The image id '[{wanted}]' does not exist")
