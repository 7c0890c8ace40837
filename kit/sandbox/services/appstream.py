"""The read operations of Amazon AppStream 2.0, which moto does not support.

`kit.sandbox.services.appstream_changes` has the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.sandbox.checks import invalid
from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# Kinds whose describe operation takes names or ARNs and pages in the same way: the filter's
# parameter, the member it is compared with, and whether the request may have a page size.
DESCRIBED = {
    "DescribeStacks": ("Stacks", "Names", "Name", False),
    "DescribeFleets": ("Fleets", "Names", "Name", False),
    "DescribeImageBuilders": ("ImageBuilders", "Names", "Name", True),
    "DescribeAppBlockBuilders": ("AppBlockBuilders", "Names", "Name", True),
    "DescribeAppBlocks": ("AppBlocks", "Arns", "Arn", True),
    "DescribeApplications": ("Applications", "Arns", "Arn", True),
    "DescribeDirectoryConfigs": ("DirectoryConfigs", "DirectoryNames", "DirectoryName", True),
}
TAGGABLE = (
    "Stacks", "Fleets", "Images", "ImageBuilders", "AppBlockBuilders", "AppBlocks", "Applications",
)  # fmt: skip


SETTLES = "settles"  # beside a fleet or builder that was started or stopped: its next state


def not_found(kind: str, name: str) -> AWSError:
    """Return AppStream's error for a resource that does not exist."""
    return AWSError("ResourceNotFoundException", f"{kind} {name} does not exist.")


def named(call: Call, kind: str, name: str) -> Item:
    """Return the item of a kind with a name, or raise AppStream's error."""
    for item in call.declared(kind):
        if item["Name"] == name:
            return item
    raise not_found(kind.removesuffix("s"), name)


def _chosen(items: Iterable[Item], member: str, wanted: list[str] | None, kind: str) -> list[Item]:
    if not wanted:
        return list(items)
    by_value = {item.get(member): item for item in items}
    for value in wanted:
        if value not in by_value:
            raise not_found(kind.removesuffix("s"), value)
    return [by_value[value] for value in wanted]


@answers("appstream", *DESCRIBED)
def describe(call: Call) -> dict[str, Any]:
    """Answer the operations that describe resources by name or ARN."""
    kind, parameter, member, sized = DESCRIBED[call.operation]
    items = _chosen(call.declared(kind), member, call.parameters.get(parameter), kind)
    for item in items:
        item |= {"State": item.beside.pop(SETTLES)} if SETTLES in item.beside else {}
    return call.page(kind, items, size="MaxResults" if sized else None)


@answers("appstream", "DescribeImages")
def describe_images(call: Call) -> dict[str, Any]:
    """List images; without a type also AWS's public images."""
    wanted = call.parameters.get("Type")
    images = [i for i in call.declared("Images") if wanted in (None, i["Visibility"])]
    images = _chosen(images, "Name", call.parameters.get("Names"), "Images")
    images = _chosen(images, "Arn", call.parameters.get("Arns"), "Images")
    return call.page("Images", images, default=25)


@answers("appstream", "DescribeImagePermissions")
def describe_image_permissions(call: Call) -> dict[str, Any]:
    """List the accounts that an image is shared with."""
    image = named(call, "Images", call.parameters["Name"])
    if image["Visibility"] != "PRIVATE":
        raise not_found("Image", image["Name"])
    shared = image.beside.get("SharedImagePermissionsList", [])
    accounts = call.parameters.get("SharedAwsAccountIds")
    shared = [s for s in shared if not accounts or s["sharedAccountId"] in accounts]
    return {"Name": image["Name"]} | call.page("SharedImagePermissionsList", shared)


@answers("appstream", "DescribeUsers")
def describe_users(call: Call) -> dict[str, Any]:
    """List the users of the user pool, the only authentication type that the operation accepts."""
    if call.parameters["AuthenticationType"] != "USERPOOL":
        raise AWSError(
            "InvalidParameterCombinationException", "AuthenticationType must be USERPOOL."
        )
    return call.page("Users", call.declared("Users"))


@answers("appstream", "DescribeUserStackAssociations")
def describe_user_stack_associations(call: Call) -> dict[str, Any]:
    """List which users may use which stacks, by stack or by user."""
    stack, user = call.parameters.get("StackName"), call.parameters.get("UserName")
    if stack is None and user is None:
        message = "Specify either StackName, or UserName and AuthenticationType."
        raise AWSError("InvalidParameterCombinationException", message)
    associations = [
        {"StackName": s["Name"], "UserName": name, "AuthenticationType": "USERPOOL"}
        for s in call.declared("Stacks")
        for name in s.beside.get("Users", [])
        if stack in (None, s["Name"]) and user in (None, name)
    ]
    return _associations(call, "UserStackAssociations", associations)


@answers("appstream", "DescribeApplicationFleetAssociations")
def describe_application_fleet_associations(call: Call) -> dict[str, Any]:
    """List which applications an elastic fleet offers."""
    fleet, application = call.parameters.get("FleetName"), call.parameters.get("ApplicationArn")
    associations = [
        {"FleetName": f["Name"], "ApplicationArn": arn}
        for f in call.declared("Fleets")
        for arn in f.beside.get("Applications", [])
        if fleet in (None, f["Name"]) and application in (None, arn)
    ]
    return _associations(call, "ApplicationFleetAssociations", associations)


@answers("appstream", "DescribeAppBlockBuilderAppBlockAssociations")
def describe_app_block_builder_app_block_associations(call: Call) -> dict[str, Any]:
    """List which app blocks an app block builder works on."""
    block, builder = call.parameters.get("AppBlockArn"), call.parameters.get("AppBlockBuilderName")
    associations = [
        {"AppBlockArn": arn, "AppBlockBuilderName": b["Name"]}
        for b in call.declared("AppBlockBuilders")
        for arn in b.beside.get("AppBlocks", [])
        if builder in (None, b["Name"]) and block in (None, arn)
    ]
    return _associations(call, "AppBlockBuilderAppBlockAssociations", associations)


def _associations(call: Call, member: str, items: list[dict[str, str]]) -> dict[str, Any]:
    """Return a page of at most 25, without the list where it is empty: its shape has a minimum."""
    answer = call.page(member, items, default=25)
    return answer if answer[member] or call.empty_first_page else {}


@answers("appstream", "ListAssociatedFleets")
def list_associated_fleets(call: Call) -> dict[str, Any]:
    """List the names of the fleets of a stack."""
    stack = named(call, "Stacks", call.parameters["StackName"])
    return call.page("Names", stack.beside.get("AssociatedFleets", []), size=None)


@answers("appstream", "ListAssociatedStacks")
def list_associated_stacks(call: Call) -> dict[str, Any]:
    """List the names of the stacks of a fleet."""
    fleet = named(call, "Fleets", call.parameters["FleetName"])["Name"]
    stacks = call.declared("Stacks")
    names = [s["Name"] for s in stacks if fleet in s.beside.get("AssociatedFleets", [])]
    return call.page("Names", names, size=None)


@answers("appstream", "DescribeEntitlements")
def describe_entitlements(call: Call) -> dict[str, Any]:
    """List the entitlements of a stack, or the named entitlement."""
    stack = named(call, "Stacks", call.parameters["StackName"])
    entitlements, name = stack.beside.get("Entitlements", []), call.parameters.get("Name")
    chosen = [e for e in entitlements if name in (None, e["Name"])]
    if name and not chosen:
        raise AWSError("EntitlementNotFoundException", f"Entitlement {name} does not exist.")
    return call.page("Entitlements", chosen)


@answers("appstream", "DescribeThemeForStack")
def describe_theme_for_stack(call: Call) -> dict[str, Any]:
    """Return the theme of a stack; most have none, which AWS reports as not found."""
    stack = named(call, "Stacks", call.parameters["StackName"])
    if "Theme" not in stack.beside:
        raise not_found("Theme for stack", stack["Name"])
    return {"Theme": stack.beside["Theme"]}


@answers("appstream", "DescribeUsageReportSubscriptions", "ListExportImageTasks")
def list_all(call: Call) -> dict[str, Any]:
    """Answer the lists for which the sandbox supports no filter."""
    kind = call.operation.removeprefix("Describe").removeprefix("List")
    if call.parameters.get("Filters"):
        raise invalid("appstream", "This sandbox does not filter export image tasks.")
    return call.page(kind, call.declared(kind))


@answers("appstream", "ListTagsForResource")
def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """Return the tags of the resource with an ARN."""
    arn = call.parameters["ResourceArn"]
    for item in (i for kind in TAGGABLE for i in call.declared(kind)):
        if item.get("Arn") == arn:
            return {"Tags": item.beside.get("Tags", {})}
    raise not_found("Resource", arn)
