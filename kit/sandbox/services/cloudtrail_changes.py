"""The changes of trails and event data stores that remedies make, with what CloudTrail refuses."""

from __future__ import annotations

from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers
from kit.sandbox.services.cloudtrail import own_trail, store_of

_SET = ("S3BucketName", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "KmsKeyId")
_SERVICE = "cloudtrail.amazonaws.com"


@answers("cloudtrail", "CreateTrail")
def create_trail(call: Call) -> dict[str, Any]:
    """Make a trail, which does not log yet."""
    name = call.parameters["Name"]
    if any(trail["Name"] == name for trail in call.declared("trailList")):
        raise AWSError("TrailAlreadyExistsException", f"Trail {name} already exists.")
    _check_bucket(call)
    trail = Item(
        {
            "Name": name,
            "TrailARN": f"arn:aws:cloudtrail:{call.region}:{call.account.id}:trail/{name}",
            "HomeRegion": call.region,
            "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": False,
            "IsOrganizationTrail": False,
            "HasCustomEventSelectors": False,
            "HasInsightSelectors": False,
            "LogFileValidationEnabled": bool(call.parameters.get("EnableLogFileValidation")),
        }
    )
    trail |= {k: call.parameters[k] for k in _SET if k in call.parameters}
    everything = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    trail.beside = {"Status": {"IsLogging": False}, "EventSelectors": [everything]}
    call.account.declare("cloudtrail", "trailList", call.region, trail)
    return _made(trail)


@answers("cloudtrail", "UpdateTrail")
def update_trail(call: Call) -> dict[str, Any]:
    """Change a trail; CloudTrail refuses a key that it may not use."""
    trail = own_trail(call, call.parameters["Name"])
    _check_bucket(call)
    if call.parameters.get("KmsKeyId"):
        _check_key(call)
    trail |= {k: call.parameters[k] for k in _SET if k in call.parameters}
    if "EnableLogFileValidation" in call.parameters:
        trail["LogFileValidationEnabled"] = call.parameters["EnableLogFileValidation"]
    if not trail.get("KmsKeyId"):
        trail.pop("KmsKeyId", None)
    return _made(trail)


@answers("cloudtrail", "StartLogging", "StopLogging")
def turn_logging(call: Call) -> dict[str, Any]:
    """Let a trail log, which then delivers, or stop it."""
    status = own_trail(call, call.parameters["Name"]).beside["Status"]
    status["IsLogging"] = call.operation == "StartLogging"
    if status["IsLogging"]:
        status |= {"StartLoggingTime": call.world.now, "LatestDeliveryTime": call.world.now}
        for error in ("LatestDeliveryError", "StopLoggingTime"):
            status.pop(error, None)
    return {}


@answers("cloudtrail", "PutEventSelectors")
def put_event_selectors(call: Call) -> dict[str, Any]:
    """Replace all selectors of a trail; the one kind of selectors takes the other's place."""
    trail = own_trail(call, call.parameters["TrailName"])
    kinds = ("EventSelectors", "AdvancedEventSelectors")
    given = {kind: call.parameters[kind] for kind in kinds if call.parameters.get(kind)}
    if len(given) != 1:
        raise AWSError("InvalidEventSelectorsException", "Give one kind of event selectors.")
    for kind in kinds:
        trail.beside.pop(kind, None)
    trail.beside |= given
    return {"TrailARN": trail["TrailARN"], **given}


@answers("cloudtrail", "UpdateEventDataStore")
def update_event_data_store(call: Call) -> dict[str, Any]:
    """Change how long an event data store keeps events."""
    store = store_of(call)
    if store["Status"] == "PENDING_DELETION":
        raise AWSError("InactiveEventDataStoreException", "The event data store is inactive.")
    store |= {k: v for k, v in call.parameters.items() if k in ("RetentionPeriod",)}
    return dict(store)


@answers("cloudtrail", "RestoreEventDataStore")
def restore_event_data_store(call: Call) -> dict[str, Any]:
    """Restore an event data store that is pending deletion; any other is refused.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_RestoreEventDataStore.html
    """
    store = store_of(call)
    if store["Status"] != "PENDING_DELETION":
        raise AWSError("InvalidEventDataStoreStatusException", "It is not pending deletion.")
    store["Status"] = "ENABLED"
    return dict(store)


@answers("cloudtrail", "DeleteEventDataStore")
def delete_event_data_store(call: Call) -> dict[str, Any]:
    """Let an event data store be deleted, unless it is protected.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteEventDataStore.html
    """
    store = store_of(call)
    if store.get("TerminationProtectionEnabled"):
        raise AWSError("EventDataStoreTerminationProtectedException", "It is protected.")
    store["Status"] = "PENDING_DELETION"
    return {}


def _made(trail: Item) -> dict[str, Any]:
    return {
        k: trail[k] for k in ("Name", "TrailARN", *_SET, "LogFileValidationEnabled") if k in trail
    }


def _check_bucket(call: Call) -> None:
    """Refuse a bucket whose policy does not let CloudTrail write.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
    """
    if name := call.parameters.get("S3BucketName"):
        buckets = {b["Name"]: b for b in call.account.declared("s3", "Buckets", "")}
        if name not in buckets:
            raise AWSError("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
        if _SERVICE not in buckets[name].beside.get("Policy", ""):
            raise AWSError(
                "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy: {name}"
            )


def _check_key(call: Call) -> None:
    """Refuse a key that is not usable, or whose policy does not admit CloudTrail.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
    """
    wanted = call.parameters["KmsKeyId"]
    for key in call.account.declared("kms", "Keys", call.region):
        if wanted in (key["KeyId"], key["Arn"]):
            if key["KeyState"] != "Enabled":
                raise AWSError("KmsKeyDisabledException", f"{wanted} is {key['KeyState']}.")
            if _SERVICE not in key.beside.get("Policy", ""):
                raise AWSError("InsufficientEncryptionPolicyException", f"{wanted} refuses it.")
            call.parameters["KmsKeyId"] = key["Arn"]
            return
    raise AWSError("KmsKeyNotFoundException", f"{wanted} was not found.")
