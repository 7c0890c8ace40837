"""The part of IAM for policies that only allow: action and resource, each with wildcards."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

from kit.sandbox.faults import iam_action

_SUPPORTED = {"Sid", "Effect", "Action", "Resource"}
_NO_PERMISSION_NEEDED = {"sts:GetCallerIdentity"}
_PACKED_BYTES = 1_000  # AWS does not publish how it packs policies and tags, nor into how much


def allows(
    document: Mapping[str, Any], service: str, operation: str, parameters: Mapping[str, Any]
) -> bool:
    """Return whether an identity policy allows a request.

    As in AWS, only ``*`` allows an action on no resource in particular.

    Raises
    ------
    ValueError
        The policy denies, excepts or has a condition, which the sandbox does not support.
    """
    for statement in document["Statement"]:
        if statement["Effect"] != "Allow" or statement.keys() - _SUPPORTED:
            raise ValueError(f"the sandbox enforces plain Allow statements, not {statement}")
    action = iam_action(service, operation)
    if action in _NO_PERMISSION_NEEDED:
        return True
    resource = _resource(service, parameters)
    return any(
        any(_fits(pattern, action, re.IGNORECASE) for pattern in _many(statement["Action"]))
        and any(_fits(pattern, resource) for pattern in _many(statement["Resource"]))
        for statement in document["Statement"]
    )


@cache
def managed_policy(arn: str) -> Mapping[str, Any] | None:
    """Return the document of an AWS managed policy, as moto has it; None where there is none."""
    path, name = arn.split(":", 5)[-1].rsplit("/", 1)
    policy = json.loads(aws_managed_policies_data).get(name)
    if policy is None or f"policy{policy['Path']}" != f"{path}/":
        return None
    document: Mapping[str, Any] = policy["Document"]
    return document


def packed_percent(texts: Iterable[str]) -> int:
    """Return what session policies and tags take of the space that a session has for them."""
    return -(-100 * len(zlib.compress("\n".join(texts).encode(), 9)) // _PACKED_BYTES)


def _resource(service: str, parameters: Mapping[str, Any]) -> str:
    """Return the ARN of a request's bucket, or the ARN among its parameters, or ``*``."""
    if service == "s3" and parameters.get("Bucket"):
        return f"arn:aws:s3:::{parameters['Bucket']}"
    texts = (value for value in parameters.values() if isinstance(value, str))
    return next((text for text in texts if text.startswith("arn:")), "*")


def _fits(pattern: str, text: str, flags: int = 0) -> bool:
    return bool(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, flags)
    )


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value
