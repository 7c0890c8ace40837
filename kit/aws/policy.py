"""The least-privilege IAM policy and the plan of requests, derived from the declared calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.aws.calls import EACH_BUCKET, Call, Scope

_BUCKETS = ("appstream2-36fb080bb8-*", "appstream-app-settings-*", "appstream-logs-*")


def policy(calls: Iterable[Call], partition: str = "aws") -> dict[str, Any]:
    """Return the identity policy that lets a collector make these calls, and nothing else.

    Parameters
    ----------
    calls : iterable of Call
    partition : str
        aws, aws-us-gov, aws-cn ...

    Returns
    -------
    dict
        An IAM policy document. Statements whose Sid begins with ``Fallback`` are used only where
        the call that they stand in for is refused or lists nothing.
    """
    groups: dict[str, set[str]] = {}
    for call in calls:
        if call.action:
            kind = "Fallback" if call.fallback_of else "Required"
            reach = "Buckets" if call.each == EACH_BUCKET else ""
            groups.setdefault(f"{kind}{reach}", set()).add(call.action)
    buckets = [f"arn:{partition}:s3:::{pattern}" for pattern in _BUCKETS]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Action": sorted(actions),
                "Resource": buckets if sid.endswith("Buckets") else "*",
            }
            for sid, actions in sorted(groups.items(), reverse=True)
        ],
    }


def plan(calls: Iterable[Call]) -> list[dict[str, str]]:
    """Return what will be asked, a row for each call: how often, and with which permission."""
    return [
        {
            "call": call.name,
            "asked": _asked(call),
            "action": call.action or "none needed",
        }
        for call in sorted(calls, key=lambda call: (call.scope.value, call.name))
    ]


def _asked(call: Call) -> str:
    if call.fallback_of:
        return f"only where {call.fallback_of.name} is refused or lists nothing"
    if call.each:
        sources = ", ".join(dict.fromkeys(each.source.operation for each in call.each))
        return f"once for each that {sources} tells of"
    pages = ", to the last page" if call.items and not call.bounded else ""
    pages = ", up to event_pages pages" if call.bounded else pages
    if call.scope is Scope.ACCOUNT:
        return f"once for the account{pages}"
    return f"once for each region{'' if call.probe else ' in use'}{pages}"
