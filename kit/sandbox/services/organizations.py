"""AWS Organizations: the organisation that an account is in."""

from __future__ import annotations

from typing import Any

from kit.sandbox.registry import Call, NotOurs, answers


@answers("organizations", "DescribeOrganization")
def describe_organization(call: Call) -> dict[str, Any]:
    """Describe the organisation; of an account that is in none moto says so."""
    organisation = call.single("Organization")
    if organisation is None:
        raise NotOurs
    return {"Organization": dict(organisation)}
