"""Actions of services, for session policies that abbreviate them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from kit.aws_models import models
from kit.calls import CALLS

_ACTIONS = {call.action: call for call in CALLS.values() if call.action}
# Every operation of the services that the kit calls, by its action: those of S3 as the kit has them.
OPERATIONS = set(_ACTIONS) | {
    f"{action.partition(':')[0]}:{operation}"
    for action, call in _ACTIONS.items()
    if call.service not in ("s3", "s3control")
    for operation in models().get_service_model(call.service).operation_names
}


def fitting(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names that a pattern fits."""
    return [name for name in names if any(fnmatchcase(name, one) for one in patterns)]
