"""The least-privilege IAM policy and the plan of requests, derived from the declared calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.calls import EACH_BUCKET, Call, Scope

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
        An IAM policy document, a statement for each `Need`: what is ``Required``, what is
        ``Fallback`` where another call is refused or lists nothing, and what is ``Informative``.

    Notes
    -----
    The policy names AppStream's own buckets where a call reads no other bucket. Buckets of sources,
    screenshots and trails, keys, trails and authorities are known by reference alone and may lie
    in other accounts: to name them beforehand would be to lose the evidence on them, and a
    pattern of all ARNs of a kind is no narrower than ``*``. The lists have no resource to name.
    """
    groups: dict[str, set[str]] = {}
    for call in calls:
        if call.action:
            reach = "Buckets" if call.each == EACH_BUCKET else ""
            groups.setdefault(f"{call.need.value.title()}{reach}", set()).add(call.action)
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
    """Return a row for each call that a run will make: how often, with which permission, and why."""
    return [
        {
            "call": call.name,
            "asked": _frequency(call),
            "action": call.action or "none needed",
            "need": call.need.value,
        }
        for call in sorted(calls, key=lambda call: (call.scope.value, call.name))
    ]


def _frequency(call: Call) -> str:
    if call.fallback_of:
        return f"only where {call.fallback_of.name} is refused or lists nothing"
    if call.each:
        sources = ", ".join(dict.fromkeys(each.source.operation for each in call.each))
        return f"once for each item from {sources}"
    pages = ", to the last page" if call.items and not call.bounded else ""
    pages = ", up to event_pages pages" if call.bounded else pages
    if call.scope is Scope.ACCOUNT:
        return f"once for the account{pages}"
    return f"once for each region{'' if call.probe else ' in use'}{pages}"
