"""Amazon GuardDuty: its detector and its malware protection plans, and changes of both."""

from __future__ import annotations

import hashlib
from typing import Any

from kit.sandbox.declared import Item
from kit.sandbox.protocol import AWSError
from kit.sandbox.registry import Call, answers

# What a new detector has on unless the request turns it off, the first three always.
_FEATURES = (
    *("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS", "S3_DATA_EVENTS", "EKS_AUDIT_LOGS"),
    *("EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"),
)
_SCANNER = "malware-protection-plan.guardduty.amazonaws.com"


@answers("guardduty", "ListDetectors")
def list_detectors(call: Call) -> dict[str, Any]:
    """List the ids of the region's detectors; an account has one at most."""
    ids = [detector.beside["DetectorId"] for detector in call.declared("Detectors")]
    return call.page("DetectorIds", ids, default=50, most=50)


@answers("guardduty", "GetDetector")
def get_detector(call: Call) -> dict[str, Any]:
    """Describe a detector of the account."""
    return dict(_detector(call))


@answers("guardduty", "CreateDetector")
def create_detector(call: Call) -> dict[str, Any]:
    """Make the region's detector, with every optional feature that the request does not turn off.

    https://docs.aws.amazon.com/goto/WebAPI/guardduty-2017-11-28/CreateDetector
    https://github.com/hashicorp/terraform-provider-aws/issues/11780 has AWS's message.
    """
    if call.declared("Detectors"):
        raise _refused("a detector already exists for the current account.")
    detector = Item(
        CreatedAt=call.world.now.isoformat(),
        ServiceRole=f"arn:aws:iam::{call.account.id}:role/aws-service-role/"
        "guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty",
        Features=[{"Name": name, "Status": "ENABLED"} for name in _FEATURES],
    )
    detector.beside = {"DetectorId": made_id(call.account.id, call.region, "detector")}
    _change(call, detector, enable=call.parameters["Enable"])
    call.account.declare("guardduty", "Detectors", call.region, detector)
    return {"DetectorId": detector.beside["DetectorId"]}


@answers("guardduty", "GetAdministratorAccount")
def get_administrator_account(call: Call) -> dict[str, Any]:
    """Name the account that administers GuardDuty for this one; none where it is not a member."""
    _detector(call)
    administrator = call.single("Administrator")
    return {"Administrator": dict(administrator) if administrator else {}}


@answers("guardduty", "UpdateDetector")
def update_detector(call: Call) -> dict[str, Any]:
    """Change a detector; a member account leaves that to its administrator.

    https://docs.aws.amazon.com/guardduty/latest/ug/s3-multiaccount.html
    """
    detector = _detector(call)
    _refuse_member(call, "update")
    _change(call, detector, enable=call.parameters.get("Enable"))
    return {}


@answers("guardduty", "DeleteDetector")
def delete_detector(call: Call) -> dict[str, Any]:
    """Delete a detector; a member account cannot.

    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_suspend-disable.html
    """
    detector = _detector(call)
    _refuse_member(call, "delete")
    call.declared("Detectors").remove(detector)
    return {}


@answers("guardduty", "ListMalwareProtectionPlans")
def list_malware_protection_plans(call: Call) -> dict[str, Any]:
    """List the ids of the region's plans; AWS decides how long a page is."""
    name = "MalwareProtectionPlanId"
    plans = [{name: plan.beside[name]} for plan in call.declared("MalwareProtectionPlans")]
    return call.page("MalwareProtectionPlans", plans, size=None)


@answers("guardduty", "GetMalwareProtectionPlan")
def get_malware_protection_plan(call: Call) -> dict[str, Any]:
    """Describe a plan."""
    return dict(_plan(call))


@answers("guardduty", "CreateMalwareProtectionPlan")
def create_malware_protection_plan(call: Call) -> dict[str, Any]:
    """Make a plan for a bucket of the account in the region, with a role that may look into it.

    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateMalwareProtectionPlan.html
    https://docs.aws.amazon.com/guardduty/latest/ug/troubleshoot-malware-protection-s3-iam-role-permissions-error.html
    """
    protected = call.parameters["ProtectedResource"]
    bucket, arn = protected["S3Bucket"]["BucketName"], call.parameters["Role"]
    _require_look(call, bucket, arn)
    plans = call.declared("MalwareProtectionPlans")
    if bucket in {plan["ProtectedResource"]["S3Bucket"]["BucketName"] for plan in plans}:
        raise AWSError("ConflictException", "The bucket has a Malware Protection plan.", 409)
    id = made_id(call.account.id, call.region, bucket)
    plan = Item(
        Arn=f"arn:aws:guardduty:{call.region}:{call.account.id}:malware-protection-plan/{id}",
        Role=arn,
        ProtectedResource=protected,
        Actions=call.parameters.get("Actions", {"Tagging": {"Status": "DISABLED"}}),
        CreatedAt=call.world.now,
        Status="ACTIVE",
        StatusReasons=[],
    )
    plan.beside = {"MalwareProtectionPlanId": id}
    call.account.declare("guardduty", "MalwareProtectionPlans", call.region, plan)
    return {"MalwareProtectionPlanId": id}


@answers("guardduty", "UpdateMalwareProtectionPlan")
def update_malware_protection_plan(call: Call) -> dict[str, Any]:
    """Change role, prefixes or tags of a plan; what the request does not name stays.

    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateMalwareProtectionPlan.html
    """
    plan = _plan(call)
    bucket = plan["ProtectedResource"]["S3Bucket"]
    if arn := call.parameters.get("Role"):
        _require_look(call, bucket["BucketName"], arn)
        plan |= {"Role": arn, "Status": "ACTIVE", "StatusReasons": []}
    bucket |= call.parameters.get("ProtectedResource", {}).get("S3Bucket", {})
    plan["Actions"] = call.parameters.get("Actions", plan["Actions"])
    return {}


@answers("guardduty", "DeleteMalwareProtectionPlan")
def delete_malware_protection_plan(call: Call) -> dict[str, Any]:
    """Delete a plan; what it has scanned stays as it is."""
    call.declared("MalwareProtectionPlans").remove(_plan(call))
    return {}


def _change(call: Call, detector: Item, *, enable: bool | None) -> None:
    if enable is not None:
        detector["Status"] = "ENABLED" if enable else "DISABLED"
    status = {one["Name"]: one["Status"] for one in call.parameters.get("Features", ())}
    for feature in detector["Features"]:
        feature["Status"] = status.get(feature["Name"], feature["Status"])
    detector["UpdatedAt"] = call.world.now.isoformat()


def _detector(call: Call) -> Item:
    for detector in call.declared("Detectors"):
        if detector.beside["DetectorId"] == call.parameters["DetectorId"]:
            return detector
    # https://github.com/hashicorp/terraform-provider-aws/issues/10925
    raise _refused("the input detectorId is not owned by the current account.")


def _plan(call: Call) -> Item:
    name = "MalwareProtectionPlanId"
    for plan in call.declared("MalwareProtectionPlans"):
        if plan.beside[name] == call.parameters[name]:
            return plan
    raise AWSError("ResourceNotFoundException", "The requested resource can't be found.", 404)


def _is_here(call: Call, bucket: str) -> bool:
    buckets = call.account.declared("s3", "Buckets", "")
    return (bucket, call.region) in {(one["Name"], one["BucketRegion"]) for one in buckets}


def _require_look(call: Call, bucket: str, arn: str) -> None:
    if not (_is_here(call, bucket) and _may_look(call, arn)):
        raise _refused(
            "provided IAM role does not have the required permissions to validate S3 bucket ownership."
        )


def _may_look(call: Call, arn: str) -> bool:
    """Return whether GuardDuty may assume a role that lists a bucket."""
    for role in call.account.declared("iam", "RoleDetailList", ""):
        if role["Arn"] == arn:
            trusts = _SCANNER in str(role["AssumeRolePolicyDocument"])
            return trusts and "s3:ListBucket" in str(role.get("RolePolicyList"))
    return False


def _refuse_member(call: Call, what: str) -> None:
    if call.single("Administrator"):
        raise _refused(f"a member account cannot {what} its detector.")


def _refused(why: str) -> AWSError:
    return AWSError("BadRequestException", f"The request is rejected because {why}", 400)


def made_id(account: str, region: str, name: str) -> str:
    """Return the id of a detector, or of a bucket's plan, that a request makes."""
    return hashlib.sha256(f"{account} {region} {name}".encode()).hexdigest()[:32]
