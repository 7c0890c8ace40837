"""Encryption in transit: the five rows of AWS's table, and what the customer adds to them."""

from __future__ import annotations

from typing import Any

from kit.aws.calls import DESCRIBE_STACKS, LIST_BUCKETS
from kit.controls.at_rest import UNSEEN
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
    Remedy,
    control,
)
from kit.controls.source import cite
from kit.controls.steps import EDIT_POLICY, PARTITION
from kit.tables.logging import IN_USE
from kit.tables.organisation import OWN
from kit.tables.refusals import IN_DOUBT
from kit.tables.stacks import NOT_FOUND
from kit.tables.storage import USER_BUCKETS

_API = cite("IT-03")
_VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_TLS = {"32(1)(a)": "encryption of personal data on its way"}


@control(
    "IT-01",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=AWS,
    gdpr=_TLS,
    remedy=Remedy(
        console="Nothing to set; AWS serves these. Review the hosts that may embed the stack."
    ),
    shows=("embed_hosts",),
)
def web_assets_travel_over_tls() -> Outcome:
    """AWS serves web assets over TLS 1.2."""
    return Attested(cite("IT-01"))


@control(
    "IT-02",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    gdpr=_TLS,
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Streaming experience: prefer TCP where UDP cannot be "
            "assessed; users far away may notice it. VPC Endpoints: choose an available streaming "
            "endpoint only where a private one is wanted: users then connect through it alone, "
            "and whoever has no route to the VPC is locked out."
        ),
        cli=(
            "# The stack prefers UDP. Undo: PreferredProtocol=UDP\n"
            "aws appstream update-stack --name STACK "
            "--streaming-experience-settings PreferredProtocol=TCP\n"
            "# A private endpoint is wanted, or the present one does not work. LOCKS OUT everybody\n"
            "# who has no route to the VPC: test the route first.\n"
            "# Undo: update-stack --attributes-to-delete ACCESS_ENDPOINTS\n"
            "aws appstream update-stack --name STACK "
            "--access-endpoints EndpointType=STREAMING,VpceId=VPCE"
        ),
        terraform=(
            "streaming_experience_settings {\n"
            '  preferred_protocol = "TCP"\n'
            "} # in aws_appstream_stack"
        ),
    ),
)
def streaming_traffic_is_encrypted(
    protocol: str,
    endpoints: list[dict[str, Any]],
    *,
    private_streaming_required: bool,
    organisation_accounts: list[str],
) -> Outcome:
    """Streaming runs over TLS, through a working endpoint where the profile wants a private one."""
    known = [endpoint for endpoint in endpoints if endpoint["state"] != NOT_FOUND]
    if not all(_is_streaming_endpoint(endpoint) for endpoint in known):
        return False
    if private_streaming_required and not endpoints:
        return False
    if len(known) < len(endpoints):
        return NotEvidenced(
            "needs review", "the stack names a VPC endpoint that is not one of this account's"
        )
    others = {endpoint["owner"] for endpoint in known} - {OWN, *organisation_accounts}
    if others:
        named = ", ".join(sorted(others))
        return NotEvidenced("needs review", f"a VPC endpoint is of account {named}")
    if protocol == "UDP":
        return NotEvidenced(
            "needs review", "the stack prefers UDP; AWS's statement is about TLS, which is TCP"
        )
    return Attested(cite("IT-02"))


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
    gdpr={
        "32(1)(a)": "encryption of what administrators and tools send",
        "32(1)(b)": "integrity: every request is signed",
    },
    remedy=Remedy(
        console=(
            "Find the callers in CloudTrail (tlsDetails) and update their SDK or operating system. "
            "For buckets, a policy can deny older TLS with the condition key s3:TlsVersion."
        ),
        cli=(
            "aws cloudtrail lookup-events --lookup-attributes "
            "AttributeKey=EventSource,AttributeValue=appstream.amazonaws.com"
        ),
    ),
    shows=("events_window",),
)
def no_api_event_is_seen_below_the_minimum_tls(
    events_seen: int,
    events_with_tls: int,
    tls_versions: list[str],
    events_unread: int,
    *,
    minimum_tls: str,
) -> Outcome:
    """No event seen in CloudTrail was sent with an older TLS version than the profile's.

    CloudTrail shows what administrators and tools sent, not the traffic of streaming users: their
    row of AWS's table, and the signatures (SigV4), rest on AWS's word. Events can only refute it.
    """
    silent = Attested(f"{_API}; no event seen had TLS details, which are optional in CloudTrail")
    outcome = _judge_versions(tls_versions, minimum_tls, silent)
    if outcome is False:
        return False
    if events_unread:
        return NotEvidenced("absent in answer", "events came without details that can be read")
    return _in_support(outcome)


def _in_support(outcome: Outcome) -> Outcome:
    if outcome is True:
        return Attested(
            f"{_API}; in support, no event of administrators and tools was seen with older TLS"
        )
    return outcome


def _judge_versions(versions: list[str], minimum: str, none: Outcome) -> Outcome:
    if any(_is_older(version, minimum) for version in versions):
        return False
    unknown = [version for version in versions if version not in _VERSIONS]
    if unknown:
        return NotEvidenced("needs review", f"TLS versions not known: {', '.join(unknown)}")
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
    gdpr=_TLS,
    remedy=Remedy(
        console=(
            "S3, the bucket, Permissions, Bucket policy: ADD a statement that denies s3:* to "
            "everybody when aws:SecureTransport is false. Keep the statement "
            "PreventAccidentalDeletionOfBucket. Clients that use plain HTTP are refused "
            f"afterwards; AppStream itself uses TLS. {UNSEEN}"
        ),
        cli=EDIT_POLICY,
        terraform=(
            "# A statement of the bucket's policy document, beside those that it has today\n"
            f"# {PARTITION}\n"
            "statement {\n"
            '  sid       = "DenyPlainHttp"\n'
            '  effect    = "Deny"\n'
            '  actions   = ["s3:*"]\n'
            '  resources = ["arn:PARTITION:s3:::BUCKET", "arn:PARTITION:s3:::BUCKET/*"]\n'
            "  principals {\n"
            '    type        = "*"\n'
            '    identifiers = ["*"]\n'
            "  }\n"
            "  condition {\n"
            '    test     = "Bool"\n'
            '    variable = "aws:SecureTransport"\n'
            '    values   = ["false"]\n'
            "  }\n"
            "}"
        ),
    ),
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def buckets_refuse_plain_http(tls_only: bool | str) -> Outcome:
    """The bucket's policy denies everybody to read, list, change or erase files over plain HTTP."""
    if tls_only == IN_DOUBT:
        return NotEvidenced("needs review", "on a condition whose outcome cannot be known")
    return tls_only is True


@control(
    "IT-05",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    gdpr={
        "32(1)(a)": "encryption between instances and AWS's services",
    },
    context={
        "28(1)": "a third-party provider has to give sufficient guarantees",
        "28(2)": "another processor needs the controller's authorisation",
        "28(4)": "and is bound to the same obligations",
        "44": "third-party storage may lie in a third country",
    },
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Storage: turn third-party connectors off, or record "
            "the provider as a processor and attach its statement on encryption."
        ),
    ),
    shows=("fleet_type",),
)
def managed_traffic_of_instances_is_encrypted(third_party_connectors: list[str]) -> Outcome:
    """AWS encrypts what instances exchange with its services; other providers are not covered."""
    if third_party_connectors:
        return NotEvidenced(
            "needs review",
            f"{', '.join(third_party_connectors)}: traffic to that provider is not AWS's to attest",
        )
    return Attested(cite("IT-05"))


_NEITHER = NotApplicable("no URL of its own, and no event with TLS details")


@control(
    "IT-06",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr=_TLS,
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Details and Branding: write the URL with https, once "
            "its server answers there. Update the SDK or operating system of clients that use "
            "older TLS (CloudTrail, tlsDetails)."
        ),
        cli=(
            "# The redirect URL is plain http\n"
            "aws appstream update-stack --name STACK --redirect-url https://URL\n"
            "# The feedback URL is plain http\n"
            "aws appstream update-stack --name STACK --feedback-url https://URL"
        ),
        terraform='redirect_url = "https://URL" # or feedback_url, in aws_appstream_stack',
    ),
)
def own_urls_and_clients_use_tls(plain_urls: list[dict[str, str]], own_urls: int) -> Outcome:
    """No URL that a stack or its theme sends users to is plain http."""
    if plain_urls:
        return False
    return True if own_urls else _NEITHER


@own_urls_and_clients_use_tls.clause
def clients_use_tls(tls_versions: list[str], *, minimum_tls: str) -> Outcome:
    """No event seen in CloudTrail was sent with an older TLS version than the profile's."""
    return _judge_versions(tls_versions, minimum_tls, _NEITHER)


@control(
    "IT-07",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={"32(1)(a)": "encryption by validated modules, where somebody has to show that"},
    remedy=Remedy(
        console=(
            "Stream from a region with FIPS endpoints (in the United States), let the identity "
            "provider's relay state name the FIPS endpoint, and say so as fips_relay_state in the "
            "parameters. VPC endpoints and the user pool have none."
        ),
    ),
    asked_by="fips_required",
)
def fips_endpoints_are_used(fips_offered: bool, *, fips_relay_state: bool) -> Outcome:
    """The region has FIPS endpoints, and the parameters say that users are sent to them."""
    if not fips_offered:
        return False
    if fips_relay_state:
        return True
    return NotEvidenced("not declared", "set fips_relay_state in the parameters, if it is so")


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
    gdpr={
        "32(1)(a)": "the evidence itself travels encrypted",
        "5(1)(f)": "and from the host that it claims to be from",
    },
    remedy=Remedy(
        console=(
            "Take endpoint URLs with http out of the environment and the AWS configuration "
            "(AWS_ENDPOINT_URL, endpoint_url), and collect again."
        ),
    ),
)
def evidence_was_collected_over_verified_tls(
    plain: list[str], elsewhere: list[str], verified: bool | None
) -> Outcome:
    """Every request of the snapshot went to AWS over https, and certificates were verified."""
    if plain or verified is False:
        return False
    if elsewhere:
        return NotApplicable("not AWS")
    return bool(verified)
