"""EC2's answers about the networks of fleets and stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# The supported filters, and the values of an item for each.
FILTERS: dict[str, Callable[[Item], Iterable[str]]] = {
    "service-name": lambda i: [i["ServiceName"]],
    "subnet-id": lambda i: [i["SubnetId"]],
    "vpc-endpoint-id": lambda i: [i["VpcEndpointId"]],
    "vpc-endpoint-state": lambda i: [i["State"]],
    "vpc-endpoint-type": lambda i: [i["VpcEndpointType"]],
    "vpc-id": lambda i: [i["VpcId"]],
}


def _filtered(call: Call, items: list[Item]) -> list[Item]:
    for given in call.parameters.get("Filters", []):
        if given["Name"] not in FILTERS:
            message = f"The filter '{given['Name']}' is invalid"
            raise AWSError("InvalidParameterValue", message)
        value = FILTERS[given["Name"]]
        items = [i for i in items if set(value(i)) & set(given["Values"])]
    return items


def _named(call: Call, items: list[Item], parameter: str, member: str, code: str) -> list[Item]:
    wanted = call.parameters.get(parameter)
    if not wanted:
        return items
    matches = [i for i in items if i[member] in wanted]
    for missing in set(wanted) - {i[member] for i in matches}:
        raise AWSError(code, f"The ID '{missing}' does not exist")
    return matches


@answers("ec2", "DescribeVpcEndpoints")
def describe_vpc_endpoints(call: Call) -> dict[str, Any]:
    """List VPC endpoints."""
    code = "InvalidVpcEndpointId.NotFound"
    endpoints = _filtered(call, call.declared("VpcEndpoints"))
    endpoints = _named(call, endpoints, "VpcEndpointIds", "VpcEndpointId", code)
    return call.page("VpcEndpoints", endpoints, default=1000)


@answers("ec2", "DescribeSubnets")
def describe_subnets(call: Call) -> dict[str, Any]:
    """List subnets."""
    subnets = _filtered(call, call.declared("Subnets"))
    subnets = _named(call, subnets, "SubnetIds", "SubnetId", "InvalidSubnetID.NotFound")
    return call.page("Subnets", subnets, default=1000)


@answers("ec2", "DescribeSecurityGroups")
def describe_security_groups(call: Call) -> dict[str, Any]:
    """List security groups."""
    groups = _filtered(call, call.declared("SecurityGroups"))
    groups = _named(call, groups, "GroupIds", "GroupId", "InvalidGroup.NotFound")
    return call.page("SecurityGroups", groups, default=1000, most=1000)


@answers("ec2", "DescribeRouteTables")
def describe_route_tables(call: Call) -> dict[str, Any]:
    """List route tables."""
    tables = _filtered(call, call.declared("RouteTables"))
    code = "InvalidRouteTableID.NotFound"
    tables = _named(call, tables, "RouteTableIds", "RouteTableId", code)
    return call.page("RouteTables", tables, default=100, most=100)


@answers("ec2", "DescribeImageAttribute")
def describe_image_attribute(call: Call) -> dict[str, Any]:
    """Return who may launch an AMI; the sandbox has no other attribute."""
    wanted = call.parameters["ImageId"]
    if call.parameters["Attribute"] != "launchPermission":
        raise AWSError("InvalidParameterValue", "This sandbox has launchPermission alone")
    for attributes in call.declared("ImageAttributes"):
        if attributes["ImageId"] == wanted:
            return dict(attributes)
    raise AWSError("InvalidAMIID.NotFound", f"The image id '[{wanted}]' does not exist")
