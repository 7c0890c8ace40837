"""The errors of each service, with AWS's own codes, statuses and messages."""

from __future__ import annotations

from kit.sandbox.faults import iam_action
from kit.sandbox.protocol import AWSError

XML_SERVICES = {"ec2", "iam", "s3", "s3control", "sts"}
REST_JSON = {"accessanalyzer", "account", "artifact", "backup", "guardduty", "macie2"}


def access_denied(
    service: str, operation: str, caller: str, resource: str, *, because: str | None = None
) -> AWSError:
    """Return the error for a missing permission, naming the IAM action and the caller's ARN."""
    action = iam_action(service, operation)
    reason = because or f"no identity-based policy allows the {action} action"
    who = f"User: {caller} is not authorized to perform: {action}"
    if service == "ec2":
        return AWSError(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. {who} because {reason}",
            403,
        )
    code = "AccessDenied" if service in XML_SERVICES else "AccessDeniedException"
    status = 403 if service in XML_SERVICES or service in REST_JSON else 400
    return AWSError(code, f"{who} on resource: {resource} because {reason}", status)


def throttled(service: str) -> AWSError:
    """Return the error for too many requests."""
    if service in {"s3", "s3control"}:
        return AWSError("SlowDown", "Please reduce your request rate.", 503)
    if service == "ec2":
        return AWSError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if service in {"iam", "sts"}:
        return AWSError("Throttling", "Rate exceeded", 400)
    if service == "account":
        return AWSError("TooManyRequestsException", "Too many requests", 429)
    if service == "resourcegroupstaggingapi":
        return AWSError("ThrottledException", "Rate exceeded", 400)
    return AWSError("ThrottlingException", "Rate exceeded", 429 if service in REST_JSON else 400)


def failed(service: str) -> AWSError:
    """Return an internal error of the service, HTTP 500."""
    code = "InternalError" if service in {"s3", "s3control", "ec2"} else "InternalFailure"
    return AWSError(code, "We encountered an internal error. Please try again.", 500)


def unknown_credentials(service: str) -> AWSError:
    """Return the error for an access key that is unknown to the region, or to AWS."""
    if service in {"s3", "s3control"}:
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AWSError("InvalidAccessKeyId", message, 403)
    if service == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return AWSError("AuthFailure", message, 401)
    message = "The security token included in the request is invalid."
    if service in {"iam", "sts"}:
        return AWSError("InvalidClientTokenId", message, 403)
    return AWSError("UnrecognizedClientException", message, 403 if service in REST_JSON else 400)


def expired(service: str) -> AWSError:
    """Return the error for a session whose time has run out."""
    if service in XML_SERVICES:
        status = 400 if service in {"s3", "s3control"} else 403
        return AWSError("ExpiredToken", "The provided token has expired.", status)
    message = "The security token included in the request is expired"
    return AWSError("ExpiredTokenException", message, 403 if service in REST_JSON else 400)
