"""Networks in which instances run: who may connect to them, and where they may go."""

from __future__ import annotations

from kit.catalogue.statuses import PASS
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.networks import IN_NETWORK, INTERNET_GATEWAY, NAMED
from kit.tables.refusals import IN_DOUBT


@control(
    "EX-14",
    table="fleets_and_builders",
    where=IN_NETWORK,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("kind",),
)
def nobody_on_the_internet_may_connect(open_to: list[str]) -> bool:
    """No rule of the security groups lets any address connect to the instances."""
    return not open_to


@nobody_on_the_internet_may_connect.clause
def it_is_known_who_may_connect(open_to_lists: list[str]) -> Outcome:
    """No rule lets in a prefix list, whose addresses no answer shows."""
    if open_to_lists:
        return NotEvidenced("needs review", lists=", ".join(open_to_lists))
    return True


@nobody_on_the_internet_may_connect.clause
def instances_run_in_private_subnets(ways_out: list[str]) -> bool:
    """No route of their subnets leads to an internet gateway."""
    return INTERNET_GATEWAY not in ways_out


@control(
    "EX-15",
    table="fleets_and_builders",
    where=IN_NETWORK,
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    shows=("kind", "internet"),
    gives=(PASS,),
)
def ways_out_of_the_network_have_a_reason(
    ways_out: list[str], egress: str, *, declared_reasons: dict[str, str]
) -> Outcome:
    """Instances reach named addresses alone, or the parameters give a reason for more."""
    if not ways_out or egress == NAMED or declared_reasons.get("EX-15"):
        return True
    return NotEvidenced("needs review", ways=", ".join(ways_out))


@control(
    "EX-16",
    table="endpoints",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
)
def endpoints_lead_to_named_buckets_alone(lets_out: bool | str) -> Outcome:
    """The endpoint's policy lets nobody store files in a bucket that it does not name."""
    if lets_out == IN_DOUBT:
        return NotEvidenced("needs review")
    return not lets_out
