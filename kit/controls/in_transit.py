"""Encryption in transit: the five rows of AWS's table, and what the customer adds to them."""

from __future__ import annotations

from typing import Any

from kit.calls import DESCRIBE_STACKS, LIST_BUCKETS
from kit.catalogue.statuses import FAIL
from kit.controls.registry import (
    ACCOUNT,
    AWS,
    CUSTOMER,
    REGION,
    SHARED,
    Attested,
    NotApplicable,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.logging import IN_USE
from kit.tables.organisation import OWN
from kit.tables.refusals import IN_DOUBT
from kit.tables.stacks import NOT_FOUND
from kit.tables.storage import USER_BUCKETS

_VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


@control(
    "IT-01",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=AWS,
    shows=("embed_hosts",),
    gives=(),
)
def web_assets_travel_over_tls() -> Outcome:
    """AWS serves web assets over TLS 1.2."""
    return Attested()


@control(
    "IT-02",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    gives=(FAIL,),
)
def streaming_traffic_is_encrypted(
    protocol: str,
    endpoints: list[dict[str, Any]],
    *,
    organisation_accounts: list[str],
) -> Outcome:
    """AWS carries streaming over TLS, by TCP, through endpoints of the account or of nobody."""
    existing = _existing(endpoints)
    if len(existing) < len(endpoints):
        return NotEvidenced("needs review", "unknown_endpoint")
    others = {endpoint["owner"] for endpoint in existing} - {OWN, *organisation_accounts}
    if others:
        return NotEvidenced(
            "needs review", "endpoint_of_another", account=", ".join(sorted(others))
        )
    if protocol == "UDP":
        return NotEvidenced("needs review", "udp")
    return Attested()


@streaming_traffic_is_encrypted.clause
def named_endpoints_carry_streaming(endpoints: list[dict[str, Any]]) -> Outcome:
    """Every VPC endpoint that the stack names is available and one of AppStream's streaming."""
    carry = all(_is_streaming_endpoint(endpoint) for endpoint in _existing(endpoints))
    return Attested() if carry else False


@streaming_traffic_is_encrypted.clause
def streaming_is_private_where_required(
    endpoints: list[dict[str, Any]], *, private_streaming_required: bool
) -> Outcome:
    """The stack names a VPC endpoint where the profile requires private streaming."""
    return Attested() if endpoints or not private_streaming_required else False


def _existing(endpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [endpoint for endpoint in endpoints if endpoint["state"] != NOT_FOUND]


def _is_streaming_endpoint(endpoint: dict[str, Any]) -> bool:
    # The enumeration says "Available", the API answers "available".
    service, state = str(endpoint["service"]), str(endpoint["state"])
    return state.casefold() == "available" and service.endswith(".appstream.streaming")


@control(
    "IT-03",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    shows=("events_window",),
    gives=(FAIL,),
)
def no_api_event_is_seen_below_the_minimum_tls(
    events_seen: int,
    events_with_tls: int,
    tls_versions: list[str],
    events_unread: int,
    *,
    minimum_tls: str,
) -> Outcome:
    """No event that the kit read in CloudTrail has an older TLS version than the profile's.

    CloudTrail shows what administrators and tools sent, not the traffic of streaming users. That
    row of AWS's table, and the signatures (SigV4), rest on AWS's statement. Events can only
    refute it.
    """
    outcome = _judge_versions(tls_versions, minimum_tls, Attested("silent"))
    if outcome is False:
        return False
    if events_unread:
        return NotEvidenced("absent in answer")
    return Attested("in_support") if outcome is True else outcome


def _judge_versions(versions: list[str], minimum: str, none: Outcome) -> Outcome:
    if any(_is_older(version, minimum) for version in versions):
        return False
    unknown = [version for version in versions if version not in _VERSIONS]
    if unknown:
        return NotEvidenced("needs review", versions=", ".join(unknown))
    return True if versions else none


def _is_older(version: str, minimum: str) -> bool:
    return version in _VERSIONS and _VERSIONS.index(version) < _VERSIONS.index(minimum)


@control(
    "IT-04",
    table="buckets",
    where=USER_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def buckets_refuse_plain_http(tls_only: bool | str) -> Outcome:
    """The bucket's policy denies everybody to read, list, change or erase files over plain HTTP."""
    if tls_only == IN_DOUBT:
        return NotEvidenced("needs review")
    return tls_only is True


@control(
    "IT-05",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    shows=("fleet_type",),
    gives=(),
)
def managed_traffic_of_instances_is_encrypted(third_party_connectors: list[str]) -> Outcome:
    """AWS encrypts what instances exchange with its services; other providers are not covered."""
    if third_party_connectors:
        return NotEvidenced("needs review", connectors=", ".join(third_party_connectors))
    return Attested()


@control(
    "IT-06",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
)
def own_urls_and_clients_use_tls(plain_urls: list[dict[str, str]], own_urls: int) -> Outcome:
    """No stack or theme sends users to a URL over plain http."""
    if plain_urls:
        return False
    return True if own_urls else NotApplicable()


@own_urls_and_clients_use_tls.clause
def clients_use_tls(tls_versions: list[str], *, minimum_tls: str) -> Outcome:
    """No event that the kit read in CloudTrail has an older TLS version than the profile's."""
    return _judge_versions(tls_versions, minimum_tls, NotApplicable())


@control(
    "IT-07",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    required_by="fips_required",
)
def fips_endpoints_are_used(fips_offered: bool, *, fips_relay_state: bool) -> Outcome:
    """The region has FIPS endpoints, and the parameters declare that users reach them."""
    if not fips_offered:
        return False
    if fips_relay_state:
        return True
    return NotEvidenced("not declared")


@fips_endpoints_are_used.clause
def streaming_stays_on_them(private_endpoints: bool) -> bool:
    """No stack streams through a VPC endpoint, which is not a FIPS endpoint."""
    return not private_endpoints


@fips_endpoints_are_used.clause
def users_can_reach_them(pool_users: bool) -> bool:
    """Nobody signs in by the user pool, which has no FIPS endpoint."""
    return not pool_users


@control(
    "IT-08",
    table="transport",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
)
def evidence_was_collected_over_verified_tls(
    plain: list[str], elsewhere: list[str], verified: bool | None
) -> Outcome:
    """Every request of the snapshot went to AWS over https, and the client verified certificates."""
    if plain or verified is False:
        return False
    if elsewhere:
        return NotApplicable()
    return bool(verified)
