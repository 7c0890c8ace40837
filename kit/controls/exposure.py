"""Ways out of a session and into it: devices, other providers, embedding pages, agents."""

from __future__ import annotations

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
)
from kit.controls.steps import FLEET_STOPS, stopped_fleet
from kit.tables.agents import ADMITTING
from kit.tables.stacks import CERTIFICATES, EMBEDDED, REDIRECTING

_LEAVES = {
    "5(1)(f)": "what has left the session is beyond the controller's protection",
    "25(2)": "AWS's default is on, so closing it is a decision of the controller",
    "32(1)(b)": "confidentiality ends where the copy is made",
}
_CONTAINED = {
    "5(1)(f)": "who may reach the data is part of its protection",
    "32(1)(b)": "confidentiality of sessions and of what they show",
}


def _user_setting(action: str, console: str) -> Remedy:
    return Remedy(
        console=f"AppStream, Stacks, the stack, User settings: {console}",
        cli=(
            "# New settings replace all present ones, and an action that is left out is enabled by\n"
            "# default: keep the others\n"
            "aws appstream describe-stacks --names STACK "
            "--query 'Stacks[0].UserSettings' > settings.json\n"
            "cp settings.json settings-before.json\n"
            f"# Set the Permission of {action} to DISABLED in settings.json\n"
            "aws appstream update-stack --name STACK --user-settings file://settings.json\n"
            "# Undo: the same command with file://settings-before.json"
        ),
        terraform=(
            "user_settings {\n"
            f'  action     = "{action}"\n'
            '  permission = "DISABLED"\n'
            "} # in aws_appstream_stack, beside a block for each other action"
        ),
    )


def _local_transfer(action: str, title: str) -> Remedy:
    return _user_setting(
        action, f"disable {title}; or give the reason under declared_reasons in the parameters."
    )


def _closed_or_reasoned(
    permission: str, name: str, local_transfer: str, declared_reasons: dict[str, str]
) -> Outcome:
    if permission == "DISABLED":
        return True
    if local_transfer == "forbidden":
        return False
    if declared_reasons.get(name):
        return True
    return NotEvidenced("needs review", f"give the reason as declared_reasons: {name}, or close it")


@control(
    "EX-01",
    table="stacks",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr=_LEAVES,
    remedy=_local_transfer("CLIPBOARD_COPY_TO_LOCAL_DEVICE", "copying to the local device"),
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
    gdpr=_LEAVES,
    remedy=_local_transfer("FILE_DOWNLOAD", "file download"),
    shows=("upload", "smart_cards", "webauthn"),
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
    gdpr=_LEAVES,
    remedy=_local_transfer("PRINTING_TO_LOCAL_DEVICE", "printing to the local device"),
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
    gdpr={
        "30(1)": "the record names recipients, this provider among them, as the parameters declare",
        "30(2)": "a processor's record names its processors, this provider among them, as the parameters declare",
        "32(1)(b)": "its storage is outside everything that this pack looks at",
    },
    context={
        "28(1)": "it has to give sufficient guarantees, and 28(3) a contract",
        "28(2)": "another processor needs the controller's authorisation",
        "28(4)": "and is bound to the same obligations",
        "44": "its storage may lie in a third country, which Articles 45 to 49 then govern",
    },
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Storage: turn the connector off; or record the provider "
            "as a processor and name it under registered_third_parties in the parameters. Without "
            "the connector users do not see their files there during a session; the files stay "
            "with the provider."
        ),
        cli=(
            "# The finding names GOOGLE_DRIVE\n"
            "aws appstream update-stack --name STACK "
            "--attributes-to-delete STORAGE_CONNECTOR_GOOGLE_DRIVE\n"
            "# The finding names ONE_DRIVE\n"
            "aws appstream update-stack --name STACK "
            "--attributes-to-delete STORAGE_CONNECTOR_ONE_DRIVE"
        ),
    ),
    shows=("domains", "domains_by_consent", "authentication"),
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
    gdpr=_CONTAINED,
    remedy=Remedy(
        console=(
            "AppStream, Fleets, the fleet, Edit network: turn default internet access off and "
            "route through the VPC. Without a route there, licence servers, SAML applications, "
            "OneDrive and Google Drive are cut off: set up and test the route first. The fleet "
            "has to be stopped, which ends its sessions. An image builder has to be made anew."
        ),
        cli=(
            "# First a VPC with a route to all that the applications need (licence servers, SAML\n"
            "# applications, OneDrive): without one they are cut off.\n"
            "# Undo: the same steps with --enable-default-internet-access\n"
            "# A fleet\n"
            f"{stopped_fleet('--no-enable-default-internet-access')}\n"
            "# An app block builder, which has to be stopped: open sessions end\n"
            "aws appstream stop-app-block-builder --name BUILDER\n"
            "# When describe-app-block-builders shows it STOPPED\n"
            "aws appstream update-app-block-builder --name BUILDER "
            "--no-enable-default-internet-access"
        ),
        terraform=(
            f"{FLEET_STOPS}"
            "enable_default_internet_access = false "
            "# in aws_appstream_fleet and aws_appstream_image_builder"
        ),
    ),
    shows=("kind", "security_groups", "private_endpoints"),
)
def instances_have_no_default_internet_access(internet: bool) -> bool:
    """Instances reach the internet only through the customer's own network, if at all."""
    return not internet


@control(
    "EX-08",
    table="fleets",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gdpr=_CONTAINED,
    remedy=Remedy(
        console=(
            "AppStream, Fleets, the fleet, USB: see which devices the filters let in (a storage "
            "device is a way out), and remove those that nobody needs. Devices that are removed no "
            "longer work in sessions. An Always-On or On-Demand fleet has to be stopped, which "
            "ends its sessions; a running Elastic fleet takes the change."
        ),
        cli=(
            "# The present filters, with which to undo (--usb-device-filter-strings)\n"
            "aws appstream describe-fleets --names FLEET "
            "--query 'Fleets[].UsbDeviceFilterStrings'\n"
            "# Always-On or On-Demand: no USB device works in sessions afterwards\n"
            f"{stopped_fleet('--attributes-to-delete USB_DEVICE_FILTER_STRINGS')}\n"
            "# Elastic: the running fleet takes it\n"
            "aws appstream update-fleet --name FLEET "
            "--attributes-to-delete USB_DEVICE_FILTER_STRINGS"
        ),
    ),
)
def no_usb_device_is_let_into_sessions(usb_filters: int) -> Outcome:
    """The fleet has no filter that lets USB devices in."""
    if usb_filters:
        return NotEvidenced("needs review", "which devices the filters let in, and whether storage")
    return True


@control(
    "EX-09",
    table="stacks",
    where=EMBEDDED,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr=_CONTAINED,
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Embed: remove the domain; or name it under "
            "allowed_embed_domains in the parameters. Pages of a removed domain show the stack no "
            "longer."
        ),
        cli=(
            "# Replaces the whole list: name every domain that is to stay\n"
            "aws appstream update-stack --name STACK --embed-host-domains DOMAIN\n"
            "# None is to stay\n"
            "aws appstream update-stack --name STACK --attributes-to-delete EMBED_HOST_DOMAINS"
        ),
        terraform='embed_host_domains = ["DOMAIN"] # all that are to stay, in aws_appstream_stack',
    ),
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
    gdpr={
        "35(1)": "new technology is to be assessed beforehand where a high risk is likely",
    },
    context={
        "22(1)": "where an agent alone takes decisions with legal or similar effects",
        "25(2)": "an agent sees whatever the session shows",
        "28(3)(f)": "a processor assists with the assessment",
        "32(1)(b)": "an agent acts with the rights of the session",
    },
    remedy=Remedy(
        console=(
            "Name the impact assessment as agent_dpia_reference in the parameters; or AppStream, "
            "Stacks, the stack, Agent access: turn it off. Article 22 applies too where an agent "
            "alone takes decisions that have legal or similar effects on persons."
        ),
        cli=(
            "# Only where there shall be no agents: they lose their access. The present settings,\n"
            "# with which to undo (--agent-access-config)\n"
            "aws appstream describe-stacks --names STACK --query 'Stacks[].AgentAccessConfig'\n"
            "aws appstream update-stack --name STACK --attributes-to-delete AGENT_ACCESS_CONFIG"
        ),
    ),
    shows=("kind", "agent_actions", "agent_screenshots", "agent_replays", "agent_control"),
)
def agents_have_an_impact_assessment(agents: bool, *, agent_dpia_reference: str) -> Outcome:
    """Where agents may use a stack or a builder, the parameters name the impact assessment."""
    if agent_dpia_reference:
        return True
    return NotEvidenced("not declared", "set agent_dpia_reference in the parameters")


@control(
    "EX-11",
    table="stacks",
    where=REDIRECTING,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr=_CONTAINED,
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Content redirection: name the hosts whose URLs may open "
            "on the other side, or turn it off. URLs of other hosts then open in the session."
        ),
        cli=(
            "# Replaces the whole setting: add the DeniedUrls that the stack has today.\n"
            "# Undo: the same command with the values that this one prints\n"
            "aws appstream describe-stacks --names STACK --query 'Stacks[].ContentRedirection'\n"
            "aws appstream update-stack --name STACK --content-redirection "
            '\'{"HostToClient":{"Enabled":true,"AllowedUrls":["https://HOST/*"]}}\''
        ),
    ),
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
    gdpr=_CONTAINED,
    remedy=_user_setting(
        "DOMAIN_PASSWORD_SIGNIN",
        "disable signing in with a domain password, once every user has signed in with a "
        "certificate: whoever cannot is locked out.",
    ),
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
    return NotEvidenced("needs review", "certificates are set up, and passwords open sessions too")
