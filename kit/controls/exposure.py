"""Ways out of a session and into it: devices, other providers, embedding pages, agents."""

from __future__ import annotations

from kit.catalogue.statuses import PASS
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.agents import ADMITTING
from kit.tables.stacks import CERTIFICATES, EMBEDDED, REDIRECTING


def _closed_or_reasoned(
    permission: str, name: str, local_transfer: str, declared_reasons: dict[str, str]
) -> Outcome:
    if permission == "DISABLED":
        return True
    if local_transfer == "forbidden":
        return False
    if declared_reasons.get(name):
        return True
    return NotEvidenced("needs review")


@control(
    "EX-01",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("clipboard_limit", "clipboard_in"),
)
def clipboard_to_the_device_is_closed_or_has_a_reason(
    clipboard_out: str, *, local_transfer: str, declared_reasons: dict[str, str]
) -> Outcome:
    """Text cannot be copied to the user's device, unless the profile accepts a declared reason."""
    return _closed_or_reasoned(clipboard_out, "EX-01", local_transfer, declared_reasons)


@control(
    "EX-02",
    table="stacks",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("upload",),
)
def file_download_is_closed_or_has_a_reason(
    download: str, *, local_transfer: str, declared_reasons: dict[str, str]
) -> Outcome:
    """Files cannot be taken to the user's device, unless the profile accepts a declared reason."""
    return _closed_or_reasoned(download, "EX-02", local_transfer, declared_reasons)


@control(
    "EX-03",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def printing_on_the_device_is_closed_or_has_a_reason(
    printing: str, *, local_transfer: str, declared_reasons: dict[str, str]
) -> Outcome:
    """Nothing is printed on the user's device, unless the profile accepts a declared reason."""
    return _closed_or_reasoned(printing, "EX-03", local_transfer, declared_reasons)


@control(
    "EX-04",
    table="connectors",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("domains", "domains_by_consent", "authentication"),
    remedy_by=("provider",),
)
def third_party_storage_is_registered(
    provider: str, *, registered_third_parties: list[str]
) -> bool:
    """The provider of connected storage is recorded as a processor."""
    return provider in registered_third_parties


@control(
    "EX-07",
    table="fleets_and_builders",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("kind", "security_groups", "private_endpoints"),
    remedy_by=("update_state",),
)
def instances_have_no_default_internet_access(internet: bool) -> bool:
    """Instances reach the internet only through the customer's network, if at all."""
    return not internet


@control(
    "EX-08",
    table="fleets",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gives=(PASS,),
    remedy_by=("update_state",),
)
def no_usb_device_is_let_into_sessions(usb_filters: int) -> Outcome:
    """The fleet has no filter that admits USB devices."""
    if usb_filters:
        return NotEvidenced("needs review")
    return True


@control(
    "EX-09",
    table="stacks",
    where=EMBEDDED,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def stacks_are_embedded_by_allowed_domains_alone(
    embed_hosts: list[str], *, allowed_embed_domains: list[str]
) -> bool:
    """Only domains that the parameters allow may show the stack within their pages."""
    allowed = {domain.casefold() for domain in allowed_embed_domains}
    return all(host.casefold() in allowed for host in embed_hosts)


@control(
    "EX-10",
    table="agent_access",
    where=ADMITTING,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("kind", "agent_actions", "agent_screenshots", "agent_replays", "agent_control"),
    gives=(PASS,),
    remedy_by=("kind",),
)
def agents_have_an_impact_assessment(agents: bool, *, agent_dpia_reference: str) -> Outcome:
    """Where agents may use a stack or a builder, the parameters name the impact assessment."""
    if agent_dpia_reference:
        return True
    return NotEvidenced("not declared")


@control(
    "EX-11",
    table="stacks",
    where=REDIRECTING,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def content_redirection_is_limited(redirects_anywhere: bool) -> bool:
    """URLs are redirected for named hosts alone, or not at all."""
    return not redirects_anywhere


@control(
    "EX-13",
    table="stacks",
    where=CERTIFICATES,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("password_sign_in", "smart_card_sign_in"),
)
def domain_users_sign_in_with_certificates(
    passwords_open: bool, *, certificate_sign_in_required: bool
) -> Outcome:
    """Where certificates are set up, a domain password does not open the session."""
    if not passwords_open:
        return True
    if certificate_sign_in_required:
        return False
    return NotEvidenced("needs review")


@control(
    "EX-17",
    table="connectors",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    shows=("provider",),
    gives=(PASS,),
)
def sign_in_to_storage_ends_with_the_session(
    authentication: str, *, declared_reasons: dict[str, str]
) -> Outcome:
    """AWS removes users' sign-in to connected storage as a session ends, or a reason is declared."""
    if authentication == "FORCE_REAUTHENTICATION" or declared_reasons.get("EX-17"):
        return True
    return NotEvidenced("needs review")


@control(
    "EX-18",
    table="stacks",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gives=(PASS,),
)
def smart_cards_stay_outside_or_have_a_reason(
    smart_cards: str, *, declared_reasons: dict[str, str]
) -> Outcome:
    """Applications in a session reach no smart card of the user's device, or a reason is declared."""
    if smart_cards == "DISABLED" or declared_reasons.get("EX-18"):
        return True
    return NotEvidenced("needs review", "smart_cards")


@smart_cards_stay_outside_or_have_a_reason.clause
def security_keys_stay_outside_or_have_a_reason(
    webauthn: bool, *, declared_reasons: dict[str, str]
) -> Outcome:
    """Applications in a session reach no security key of the device, or a reason is declared."""
    if not webauthn or declared_reasons.get("EX-18"):
        return True
    return NotEvidenced("needs review", "security_keys")
