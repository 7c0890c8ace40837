"""Validates requests and answers of the sandbox with botocore's service models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.validate import ParamValidator
from moto.core.model import OperationModel, Shape

from kit.sandbox.protocol import AWSError

INVALID_CODE = {
    "ec2": "InvalidParameterValue",
    # https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateMalwareProtectionPlan.html
    "guardduty": "BadRequestException",
    "iam": "ValidationError",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "s3": "InvalidArgument",
    "s3control": "InvalidRequest",
    "sts": "ValidationError",
}
# Where AWS's answers differ from its models, as its documents or recorded answers show: root has no
# user name and a short id, a directory's password is not returned, EC2 returns "available".
UNLIKE_ITS_MODEL = re.compile(
    r'VirtualMFADevices\[\d+\]\.User(: "(Path|UserName)"|\.UserId, value: 12)'
    r'|ServiceAccountCredentials: "AccountPassword"'
    r"|VpcEndpoint\.State must"
)


def check_input(service: str, operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the model does not allow, with the service's own error code.

    Raises
    ------
    AWSError
        400, with all violations in the message.
    """
    shape = operation.input_shape
    if shape is None:
        return
    errors = [*violations(parameters, shape), *_beyond_limits(parameters, shape, shape.name)]
    if errors:
        message = f"{len(errors)} validation error(s) detected: {'; '.join(errors)}"
        raise invalid(service, message)


def invalid(service: str, message: str) -> AWSError:
    """Return the error with which `service` refuses a parameter."""
    return AWSError(INVALID_CODE.get(service, "ValidationException"), message)


def check_output(shape: Shape | None, value: Any, where: str) -> None:
    """Refuse an answer, or a declared part of it, that does not have the documented shape.

    Raises
    ------
    ValueError
        The sample account or the sandbox is wrong; the message names `where` and every violation.
    """
    errors = violations(value, shape) if shape is not None else []
    if errors:
        raise ValueError(f"{where}: {'; '.join(errors)}")


def violations(value: Any, shape: Shape) -> list[str]:
    """Return the violations of `value`: unknown, missing or mistyped members, values of no enum."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        lines = [line.strip() for line in report.generate_report().splitlines()]
    else:
        lines = list(_outside_enums(value, shape, shape.name))
    return [line for line in lines if not UNLIKE_ITS_MODEL.search(line)]


def _outside_enums(value: Any, shape: Shape, path: str) -> Iterator[str]:
    for child, child_shape, child_path in _children(value, shape, path):
        yield from _outside_enums(child, child_shape, child_path)
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"Value {value!r} at {path} must satisfy enum value set: {list(shape.enum)}"


def _beyond_limits(value: Any, shape: Shape, path: str) -> Iterator[str]:
    for child, child_shape, child_path in _children(value, shape, path):
        yield from _beyond_limits(child, child_shape, child_path)
    most = shape.metadata.get("max")
    if most is None or shape.type_name in {"structure", "boolean"}:
        return
    size = value if isinstance(value, int | float) else len(value)
    if size > most:
        yield f"Value {value!r} at {path} must be at most {most}"


def _children(value: Any, shape: Shape, path: str) -> Iterator[tuple[Any, Shape, str]]:
    if shape.type_name == "structure":
        for name, child in value.items():
            yield child, shape.members[name], f"{path}.{name}"
    elif shape.type_name == "list":
        for child in value:
            yield child, shape.member, f"{path.rsplit('.', 1)[0]}.{shape.member.name}"
    elif shape.type_name == "map":
        for key, child in value.items():
            yield child, shape.value, f"{path}.{key}"
