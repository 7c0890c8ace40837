"""The changes of AppStream's resources that remedies make, with what AppStream refuses.

A fleet or app block builder that was started or stopped is on its way until the next request that
describes it, as a waiter's first one does.
"""

from __future__ import annotations

import copy
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.appstream import SETTLES, TAGGABLE, named, not_found

# What a running fleet takes, by its type. The page says STOPPED where it means STOPPING: it names
# STARTING and STOPPED for fleets that take nothing, after what stopped fleets take.
# https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateFleet.html
_RUNNING = {
    False: {
        *("DisplayName", "ComputeCapacity", "ImageArn", "ImageName"),
        *("IdleDisconnectTimeoutInSeconds", "DisconnectTimeoutInSeconds"),
    },
    True: {
        *("DisplayName", "IdleDisconnectTimeoutInSeconds", "DisconnectTimeoutInSeconds"),
        *("MaxConcurrentSessions", "SessionScriptS3Location", "UsbDeviceFilterStrings"),
    },
}
_FLEET_ATTRIBUTES = {
    "VPC_CONFIGURATION": "VpcConfig",
    "DOMAIN_JOIN_INFO": "DomainJoinInfo",
    "IAM_ROLE_ARN": "IamRoleArn",
    "USB_DEVICE_FILTER_STRINGS": "UsbDeviceFilterStrings",
    "SESSION_SCRIPT_S3_LOCATION": "SessionScriptS3Location",
    "MAX_SESSIONS_PER_INSTANCE": "MaxSessionsPerInstance",
}
_STACK_ATTRIBUTES = {
    "REDIRECT_URL": "RedirectURL",
    "FEEDBACK_URL": "FeedbackURL",
    "USER_SETTINGS": "UserSettings",
    "EMBED_HOST_DOMAINS": "EmbedHostDomains",
    "ACCESS_ENDPOINTS": "AccessEndpoints",
    "STREAMING_EXPERIENCE_SETTINGS": "StreamingExperienceSettings",
    "CONTENT_REDIRECTION": "ContentRedirection",
    "AGENT_ACCESS_CONFIG": "AgentAccessConfig",
}
_CONNECTOR = "STORAGE_CONNECTOR_"
_NOT_SET = ("Name", "AttributesToDelete")


def _refused(message: str) -> AWSError:
    return AWSError("OperationNotPermittedException", message)


def _combination(message: str) -> AWSError:
    return AWSError("InvalidParameterCombinationException", message)


@answers("appstream", "UpdateFleet")
def update_fleet(call: Call) -> dict[str, Any]:
    """Change a fleet, by what its state and type allow."""
    fleet = named(call, "Fleets", call.parameters["Name"])
    given = {k: v for k, v in call.parameters.items() if k not in _NOT_SET}
    deleted = {_FLEET_ATTRIBUTES[name] for name in call.parameters.get("AttributesToDelete", [])}
    elastic, state = fleet.get("FleetType") == "ELASTIC", fleet["State"]
    refused = (given.keys() | deleted) - (_RUNNING[elastic] if state == "RUNNING" else set())
    if state != "STOPPED" and refused:
        raise _refused(f"The fleet is {state}: {', '.join(sorted(refused))} cannot be updated.")
    capacity = given.pop("ComputeCapacity", None)
    sessions = given.get("MaxSessionsPerInstance", fleet.get("MaxSessionsPerInstance", 1))
    several = "MaxSessionsPerInstance" not in deleted and sessions > 1
    _check_capacity(fleet, capacity, elastic=elastic, several=several)
    if image := given.get("ImageName"):
        given["ImageArn"] = named(call, "Images", image)["Arn"]
    _change(fleet, given, deleted)
    if capacity:
        fleet["ComputeCapacityStatus"] = fleet.get("ComputeCapacityStatus", {}) | {
            "Desired": capacity.get("DesiredInstances", capacity.get("DesiredSessions"))
        }
    return {"Fleet": fleet}


def _check_capacity(
    fleet: Item, capacity: dict[str, int] | None, *, elastic: bool, several: bool
) -> None:
    """Refuse a capacity that the fleet's kind does not have.

    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_ComputeCapacity.html
    """
    if capacity and elastic:
        raise _combination("ComputeCapacity is not allowed for Elastic fleets.")
    if capacity and ("DesiredSessions" in capacity) != several:
        raise _combination(
            "DesiredSessions is for multi-session fleets alone, DesiredInstances for the others."
        )
    if not capacity and not elastic and several != (fleet.get("MaxSessionsPerInstance", 1) > 1):
        raise _combination("A fleet with other sessions per instance needs another capacity.")


@answers("appstream", "StopFleet")
def stop_fleet(call: Call) -> dict[str, Any]:
    """Stop a fleet, which ends its sessions."""
    _turn(named(call, "Fleets", call.parameters["Name"]), "STOPPING", "STOPPED")
    return {}


@answers("appstream", "StartFleet")
def start_fleet(call: Call) -> dict[str, Any]:
    """Start a fleet, once it is stopped."""
    fleet = named(call, "Fleets", call.parameters["Name"])
    if fleet["State"] == "STOPPING":
        raise _refused(f"The fleet {fleet['Name']} is STOPPING.")
    _turn(fleet, "STARTING", "RUNNING")
    return {}


@answers("appstream", "UpdateAppBlockBuilder")
def update_app_block_builder(call: Call) -> dict[str, Any]:
    """Change an app block builder; a running one takes its display name and description alone.

    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateAppBlockBuilder.html
    """
    builder = named(call, "AppBlockBuilders", call.parameters["Name"])
    given = {k: v for k, v in call.parameters.items() if k not in _NOT_SET}
    deleted = {_FLEET_ATTRIBUTES[name] for name in call.parameters.get("AttributesToDelete", [])}
    state = builder["State"]
    allowed = {"DisplayName", "Description"} if state == "RUNNING" else set()
    if state != "STOPPED" and (given.keys() | deleted) - allowed:
        raise _refused(f"The app block builder is {state}.")
    _change(builder, given, deleted)
    return {"AppBlockBuilder": builder}


@answers("appstream", "StopAppBlockBuilder", "StartAppBlockBuilder")
def turn_app_block_builder(call: Call) -> dict[str, Any]:
    """Stop or start an app block builder."""
    builder = named(call, "AppBlockBuilders", call.parameters["Name"])
    if call.operation.startswith("Stop"):
        _turn(builder, "STOPPING", "STOPPED")
    else:
        _turn(builder, "STARTING", "RUNNING")
    return {"AppBlockBuilder": builder}


@answers("appstream", "UpdateStack")
def update_stack(call: Call) -> dict[str, Any]:
    """Change a stack; a list replaces the present one.

    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateStack.html
    """
    stack = named(call, "Stacks", call.parameters["Name"])
    given = {k: v for k, v in call.parameters.items() if k not in _NOT_SET}
    endpoints = {
        e["VpcEndpointId"] for e in call.account.declared("ec2", "VpcEndpoints", call.region)
    }
    for endpoint in given.get("AccessEndpoints", []):
        if endpoint.get("VpceId") not in endpoints:
            raise not_found("VPC endpoint", str(endpoint.get("VpceId")))
    deleted = set(call.parameters.get("AttributesToDelete", []))
    gone = {name.removeprefix(_CONNECTOR) for name in deleted if name.startswith(_CONNECTOR)}
    stack["StorageConnectors"] = [
        connector
        for connector in stack.get("StorageConnectors", [])
        if connector["ConnectorType"] not in gone
    ]
    _change(stack, given, {_STACK_ATTRIBUTES[n] for n in deleted if n in _STACK_ATTRIBUTES})
    return {"Stack": stack}


@answers("appstream", "UpdateThemeForStack")
def update_theme(call: Call) -> dict[str, Any]:
    """Change a stack's theme; a list of links replaces the present one."""
    stack = named(call, "Stacks", call.parameters["StackName"])
    if "Theme" not in stack.beside:
        raise not_found("Theme for stack", stack["Name"])
    if links := call.parameters.get("FooterLinks"):
        stack.beside["Theme"]["ThemeFooterLinks"] = links
    return {"Theme": stack.beside["Theme"]}


@answers("appstream", "UpdateEntitlement")
def update_entitlement(call: Call) -> dict[str, Any]:
    """Change what an entitlement shows."""
    entitlement = _entitlement(call, call.parameters["Name"])
    _change(entitlement, {k: v for k, v in call.parameters.items() if k in entitlement}, set())
    return {"Entitlement": entitlement}


@answers("appstream", "AssociateApplicationToEntitlement")
def associate_application(call: Call) -> dict[str, Any]:
    """Associate an application, which no answer of the sandbox shows, with an entitlement."""
    _entitlement(call, call.parameters["EntitlementName"])
    return {}


@answers("appstream", "DisableUser", "EnableUser")
def turn_user(call: Call) -> dict[str, Any]:
    """Disable or enable a user of the pool."""
    for user in call.declared("Users"):
        if user["UserName"] == call.parameters["UserName"]:
            user["Enabled"] = call.operation == "EnableUser"
            return {}
    raise not_found("User", call.parameters["UserName"])


@answers("appstream", "UpdateDirectoryConfig")
def update_directory_config(call: Call) -> dict[str, Any]:
    """Change how users of a domain sign in; a member that is left out stays as it is."""
    name = call.parameters["DirectoryName"]
    for directory in call.declared("DirectoryConfigs"):
        if directory["DirectoryName"] == name:
            present = directory.get("CertificateBasedAuthProperties", {})
            given = call.parameters.get("CertificateBasedAuthProperties", {})
            directory["CertificateBasedAuthProperties"] = {**present, **given}
            return {"DirectoryConfig": directory}
    raise not_found("DirectoryConfig", name)


@answers("appstream", "DeleteImagePermissions", "UpdateImagePermissions")
def change_image_permissions(call: Call) -> dict[str, Any]:
    """Share an image with an account, or end that."""
    image = named(call, "Images", call.parameters["Name"])
    account, given = call.parameters["SharedAccountId"], call.parameters.get("ImagePermissions")
    shared = image.beside.get("SharedImagePermissionsList", [])
    others = [one for one in shared if one["sharedAccountId"] != account]
    if not given and len(others) == len(shared):
        raise not_found("Image permission", account)
    mine = [{"sharedAccountId": account, "imagePermissions": given}] if given else []
    image.beside["SharedImagePermissionsList"] = [*others, *mine]
    image["ImageSharedWithOthers"] = "TRUE" if others or mine else "FALSE"
    return {}


@answers("appstream", "CreateUpdatedImage")
def create_updated_image(call: Call) -> dict[str, Any]:
    """Make an image with the latest agent beside the old one, which stays as it is."""
    old = named(call, "Images", call.parameters["existingImageName"])
    name = call.parameters["newImageName"]
    if call.parameters.get("dryRun"):
        return {"canUpdateImage": True}
    if any(image["Name"] == name for image in call.declared("Images")):
        raise AWSError("ResourceAlreadyExistsException", f"Image {name} already exists.")
    new = Item(copy.deepcopy(dict(old)))
    new.beside = {}
    new |= {
        "Name": name,
        "Arn": f"{old['Arn'].rpartition('/')[0]}/{name}",
        "LatestAppstreamAgentVersion": "TRUE",
        "CreatedTime": call.world.now,
        "PublicBaseImageReleasedDate": call.world.now,
        "ImageSharedWithOthers": "FALSE",
    }
    call.account.declare("appstream", "Images", call.region, new)
    return {"image": new, "canUpdateImage": True}


@answers("appstream", "TagResource", "UntagResource")
def change_tags(call: Call) -> dict[str, Any]:
    """Add tags to a resource, or remove them."""
    arn = call.parameters["ResourceArn"]
    for item in (i for kind in TAGGABLE for i in call.declared(kind)):
        if item.get("Arn") == arn:
            removed = call.parameters.get("TagKeys", [])
            tags = item.beside.get("Tags", {}) | call.parameters.get("Tags", {})
            item.beside["Tags"] = {k: v for k, v in tags.items() if k not in removed}
            return {}
    raise not_found("Resource", arn)


def _entitlement(call: Call, name: str) -> Item:
    stack = named(call, "Stacks", call.parameters["StackName"])
    for entitlement in stack.beside.get("Entitlements", []):
        if entitlement["Name"] == name:
            return entitlement  # type: ignore[no-any-return]
    raise AWSError("EntitlementNotFoundException", f"Entitlement {name} does not exist.")


def _turn(item: Item, on_its_way: str, arrived: str) -> None:
    if item["State"] != arrived:
        item["State"] = on_its_way
        item.beside[SETTLES] = arrived


def _change(item: dict[str, Any], given: dict[str, Any], deleted: set[str]) -> None:
    item |= given
    for name in deleted:
        item.pop(name, None)
