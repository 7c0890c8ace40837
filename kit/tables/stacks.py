"""Stacks: which data may leave a session, and which pages may embed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from kit.calls import (
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_FLEETS,
    DESCRIBE_STACKS,
    DESCRIBE_VPC_ENDPOINTS,
    LIST_ASSOCIATED_FLEETS,
    Scope,
)
from kit.parameters import CONNECTORS, HOME_FOLDERS
from kit.redact.names import identify
from kit.snapshot import Answer
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    Default,
    absent_member,
    derive,
    known_all,
    known_any,
    member,
)
from kit.tables.core import Column, Part, Row, Source, listed, table
from kit.tables.organisation import whose
from kit.tables.sign_in import certificate_sign_in

NOT_FOUND = "not found in the account"
EMBEDDED = Part("embedded", "embedded")
REDIRECTING = Part("redirection", "redirecting")
CERTIFICATES = Part("certificate_sign_in", "certificates")
_NOT_LISTED = Default("not set", "unlisted_user_setting")
_DOMAIN_CALLS = (LIST_ASSOCIATED_FLEETS, DESCRIBE_FLEETS, DESCRIBE_DIRECTORY_CONFIGS)
_WITHOUT_PASSWORDS = "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK"
_ALL_ON = Default("ENABLED", "user_settings")


def _user_setting(action: str) -> Column:
    return Column(f"UserSettings[?Action=='{action}'].Permission | [0]", _ALL_ON)


def _unlisted_setting(action: str) -> Column:
    """Return the column of a setting whose absence AWS does not document."""
    return Column(f"UserSettings[?Action=='{action}'].Permission | [0]", _NOT_LISTED)


_COLUMNS = {
    "connectors": Column("StorageConnectors[].ConnectorType", NONE),
    "settings_persist": Column(
        "ApplicationSettings.Enabled",
        Default(False, "application_settings"),
    ),
    "embed_hosts": Column("EmbedHostDomains", NONE, quoted=True),
    "embedded": Column("length(EmbedHostDomains || `[]`) > `0`"),
    "protocol": Column(
        "StreamingExperienceSettings.PreferredProtocol",
        Default("TCP", "protocol"),
        choices=("TCP", "UDP"),
    ),
    "endpoints": Column("AccessEndpoints", NONE, calls=(DESCRIBE_VPC_ENDPOINTS,)),
    "clipboard_out": _user_setting("CLIPBOARD_COPY_TO_LOCAL_DEVICE"),
    "clipboard_in": _user_setting("CLIPBOARD_COPY_FROM_LOCAL_DEVICE"),
    "clipboard_limit": Column(
        "UserSettings[?Action=='CLIPBOARD_COPY_TO_LOCAL_DEVICE'].MaximumLength | [0]",
        Default(20_971_520, "clipboard_limit"),
    ),
    "download": _user_setting("FILE_DOWNLOAD"),
    "upload": _user_setting("FILE_UPLOAD"),
    "printing": _user_setting("PRINTING_TO_LOCAL_DEVICE"),
    "password_sign_in": _user_setting("DOMAIN_PASSWORD_SIGNIN"),
    "smart_card_sign_in": _unlisted_setting("DOMAIN_SMART_CARD_SIGNIN"),
    "certificate_sign_in": Column(calls=_DOMAIN_CALLS),
    "passwords_open": Column(calls=_DOMAIN_CALLS),
    "smart_cards": _unlisted_setting("SMART_CARD_REDIRECTION"),
    "webauthn": Column(
        "WebAuthnRedirection.Enabled",
        Default(False, "webauthn"),
    ),
    "redirection": Column("ContentRedirection.HostToClient != `null`"),
    "redirects_anywhere": Column("ContentRedirection.HostToClient", NONE),
}

_CONNECTOR_COLUMNS = {
    "provider": Column("ConnectorType", choices=CONNECTORS),
    "domains": Column("length(Domains || `[]`)"),
    "domains_by_consent": Column(
        "length(DomainsRequireAdminConsent || `[]`)",
    ),
    "authentication": Column(),
}
_AUTHENTICATION = Default("REUSE_CREDENTIALS", "connector_authentication")


@table("stacks", Scope.REGION, (DESCRIBE_STACKS,), _COLUMNS)
def stacks(source: Source) -> Iterator[Row]:
    """Every stack of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_STACKS):
        rows, region = listed(_COLUMNS, answer, source, "stack"), answer.region
        directories = _directories(source.snapshot.answer(DESCRIBE_FLEETS, region))
        for row, (stack, _) in zip(rows, answer.items(), strict=True):
            cells = row.cells
            cells["embed_hosts"] = derive(partial(_shown_hosts, source), cells["embed_hosts"])
            cells["endpoints"] = _streaming_endpoints(source, region, cells["endpoints"])
            in_domain = partial(_in_any_domain, source, region, stack["Name"], directories)
            cells["certificate_sign_in"] = in_domain(_has_certificates)
            passwords = derive(lambda setting: setting != "DISABLED", cells["password_sign_in"])
            cells["passwords_open"] = known_all([passwords, in_domain(_falls_back)])
            cells["redirects_anywhere"] = derive(_redirects_anywhere, cells["redirects_anywhere"])
            yield row


@table("connectors", Scope.REGION, (DESCRIBE_STACKS,), _CONNECTOR_COLUMNS)
def connectors(source: Source) -> Iterator[Row]:
    """Every connector of a stack to storage of another provider than AWS."""
    for answer in source.snapshot.answers(DESCRIBE_STACKS):
        for stack, ref in answer.items():
            key = identify(stack, answer)
            label = source.labels.label("stack", key, stack["Name"])
            for n, connector in enumerate(stack.get("StorageConnectors") or ()):
                provider = connector["ConnectorType"]
                if provider == HOME_FOLDERS:
                    continue
                here = f"{ref}/StorageConnectors/{n}"
                cells = {
                    name: member(connector, here, column.path, column.absent, answer.call)
                    for name, column in _CONNECTOR_COLUMNS.items()
                    if column.path
                }
                cells["authentication"] = member(
                    *(stack, ref, "StorageConnectorAuthentication"),
                    *(_AUTHENTICATION, answer.call),
                )
                yield Row(answer.region, f"{key}/{provider}/{n}", f"{label}, {provider}", cells)


def _shown_hosts(source: Source, hosts: list[str] | None) -> list[str]:
    """Return hosts that the run's parameters allow by name, and other hosts by label."""
    allowed = {domain.casefold() for domain in source.snapshot.run.allowed_embed_domains}
    return [h if h.casefold() in allowed else source.labels.label("text", h) for h in hosts or ()]


def _streaming_endpoints(source: Source, region: str, listed: Cell) -> Cell:
    """Return the VPC endpoints that a stack streams through, as EC2 describes them."""
    named = [access.get("VpceId") for access in listed.value or ()]
    if not named:
        return Cell([], listed.refs)
    if not all(named):
        gap = absent_member(DESCRIBE_STACKS, "AccessEndpoints.VpceId", *listed.refs)
        return Cell(None, listed.refs, gap)
    answer = source.snapshot.answer(DESCRIBE_VPC_ENDPOINTS, region)
    described = {item.get("VpcEndpointId"): (item, ref) for item, ref in answer.items()}
    existing = [described[vpce] for vpce in named if vpce in described]
    for item, ref in existing:
        for path in ("State", "ServiceName", "OwnerId"):
            if not item.get(path):
                return Cell(None, (*listed.refs, ref), absent_member(answer.call, path, ref))
    endpoints = [
        {
            "id": vpce,
            "state": item.get("State", ""),
            "service": item.get("ServiceName", ""),
            # EC2 describes the account's endpoints, and other accounts' endpoints in shared subnets.
            "owner": whose(source.snapshot, item.get("OwnerId", "")),
        }
        for vpce in named
        for item, _ in [described.get(vpce, ({"State": NOT_FOUND}, ""))]
    ]
    complete = len(existing) == len(named)
    refs = [ref for _, ref in existing] if complete else answer.evidence
    return Cell(endpoints, (*listed.refs, *refs), None if complete else answer.trouble)


def _has_certificates(status: str) -> bool:
    return status != "DISABLED"


def _falls_back(status: str) -> bool:
    """Whether a password opens the session where a certificate does not."""
    return _has_certificates(status) and status != _WITHOUT_PASSWORDS


def _directories(fleets: Answer) -> dict[str, Cell]:
    """Return the directory of each fleet that joins a domain, by the fleet's name."""
    return {
        fleet["Name"]: member(fleet, ref, "DomainJoinInfo.DirectoryName", UNSEEN, DESCRIBE_FLEETS)
        for fleet, ref in fleets.items()
        if fleet.get("DomainJoinInfo") is not None
    }


def _in_any_domain(
    source: Source,
    region: str,
    stack: str,
    joined: Mapping[str, Cell],
    holds: Callable[[str], bool],
) -> Cell:
    """Return whether `holds` is true of the certificate sign-in of any domain of the stack."""
    fleets = source.snapshot.answer(DESCRIBE_FLEETS, region)
    if not joined and not fleets.trouble:
        return Cell(False, fleets.evidence)
    associated = source.snapshot.answer(LIST_ASSOCIATED_FLEETS, region, StackName=stack)
    cells = [Cell(False, associated.evidence, associated.trouble)]
    for name, ref in associated.items():
        if name in joined:
            directory = joined[name]
            certificates = (
                directory if directory.gap else _of_domain(source, region, directory.value, holds)
            )
            refs = tuple(dict.fromkeys((ref, *directory.refs, *certificates.refs)))
            cells.append(replace(certificates, refs=refs))
        else:
            cells.append(Cell(False, (ref, *fleets.evidence), fleets.trouble))
    return known_any(cells)


def _of_domain(source: Source, region: str, directory: str, holds: Callable[[str], bool]) -> Cell:
    answer = source.snapshot.answer(DESCRIBE_DIRECTORY_CONFIGS, region)
    for item, ref in answer.items():
        if item["DirectoryName"].casefold() == directory.casefold():
            return derive(holds, certificate_sign_in(item, ref))
    return Cell(False, answer.evidence, answer.trouble)


def _redirects_anywhere(redirection: dict[str, Any] | None) -> bool:
    """Whether URLs of any host may open on the user's device."""
    if not redirection or not redirection.get("Enabled"):
        return False
    patterns = redirection.get("AllowedUrls") or ()
    return not patterns or any(_is_for_any_host(pattern) for pattern in patterns)


def _is_for_any_host(pattern: str) -> bool:
    """Return whether a pattern of URLs matches hosts in a domain that anybody can register.

    A star may match a name below an organisation's domain, never the domain or a part of it. A
    pattern that ends in a wildcard is open too: ``https://portal.example*`` matches
    ``https://portal.example.org``.

    References
    ----------
    AWS, AppStream 2.0 API Reference, UrlRedirectionConfig: ``*`` is any text, ``?`` one character.
    Mozilla, Public Suffix List.
    """
    authority = pattern.rpartition("://")[2].removeprefix("mailto:").partition("/")[0]
    host = re.sub(r"(:\d+)?$", "", authority.rpartition("@")[2].casefold()).removesuffix(".")
    *before, fixed = re.split(r"[*?]", host)
    domain = fixed.partition(".")[2]
    return bool(before) and not _is_registrable(domain)


def _is_registrable(domain: str) -> bool:
    """Return whether a name is a domain that an organisation registers, or a name below it.

    Not so where others register names further below it, as customers do below ``amazonaws.com``.
    """
    is_address = domain.rpartition(".")[2].isdigit()
    if is_address or _public_suffixes().privatesuffix(domain) is None:
        return False
    return not re.search(rf"^(?!//).*\.{re.escape(domain)}$", _list_of_suffixes(), re.MULTILINE)


@cache
def _public_suffixes() -> Any:
    # Import only on use: few stacks redirect, and the list is long.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@cache
def _list_of_suffixes() -> str:
    from publicsuffixlist import PSLFILE

    return Path(PSLFILE).read_text(encoding="utf-8")
