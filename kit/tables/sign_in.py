"""How people sign in to a streaming session: federation, directory or user pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.calls import (
    DESCRIBE_CERTIFICATE_AUTHORITY,
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_ENTITLEMENTS,
    DESCRIBE_STACKS,
    DESCRIBE_USERS,
    LIST_SAML_PROVIDERS,
    Scope,
)
from kit.redact.names import identify
from kit.snapshot import Answer
from kit.tables.cells import NONE, UNSEEN, Cell, Default, absent_member, attached, member, one_of
from kit.tables.core import Column, Row, Source, listed, table
from kit.tables.coverage import ACCOUNT
from kit.tables.organisation import owner_of, whose

_OFF = Default("DISABLED", "certificate_sign_in")
_SIGN_INS = ("DISABLED", "ENABLED", "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK")
_GONE = Default("not found", "certificate_authority")
_WAYS = {
    "way": Column(),
    "enabled_users": Column(),
    "identity_provider_evidence": Column(quoted=True),
}
_PROVIDER_COLUMNS = {"valid_until": Column("ValidUntil", UNSEEN)}
_POOL_COLUMNS = {
    "enabled": Column("Enabled", UNSEEN),
    "status": Column("Status", UNSEEN),
    "created": Column("CreatedTime", UNSEEN, past=True),
}
_DIRECTORY_COLUMNS = {
    "certificate_sign_in": Column(),
    "authority_state": Column(calls=(DESCRIBE_CERTIFICATE_AUTHORITY,)),
    "authority_ends": Column(calls=(DESCRIBE_CERTIFICATE_AUTHORITY,)),
    "authority_owner": Column(),
    "authority_mode": Column(calls=(DESCRIBE_CERTIFICATE_AUTHORITY,)),
}
# Attributes of an entitlement may name people, and no verdict needs them.
_ENTITLEMENT_COLUMNS = {"app_visibility": Column("AppVisibility", UNSEEN)}


@table(
    "ways_in",
    Scope.ACCOUNT,
    (LIST_SAML_PROVIDERS, DESCRIBE_DIRECTORY_CONFIGS, DESCRIBE_USERS),
    _WAYS,
)
def ways_in(source: Source) -> Iterator[Row]:
    """Yield each SAML provider, each directory, and the user pool of each region with users."""
    snapshot = source.snapshot
    evidence = Cell(
        snapshot.run.identity_provider_evidence, ("parameters#/identity_provider_evidence",)
    )
    providers = snapshot.answer(LIST_SAML_PROVIDERS)
    for item, ref in providers.items():
        arn = item.get("Arn") or providers.place(ref)
        label = source.labels.label("SAML provider", arn)
        yield _way(ACCOUNT, arn, label, "SAML provider", Cell(0, (ref,)), evidence)
    for answer in snapshot.answers(DESCRIBE_DIRECTORY_CONFIGS):
        for item, ref in answer.items():
            key = identify(item, answer)
            label = source.labels.label("directory", key, item["DirectoryName"])
            yield _way(answer.region, key, label, "directory", Cell(0, (ref,)), evidence)
    for answer in snapshot.answers(DESCRIBE_USERS):
        # A user without "Enabled" in the answer may be enabled.
        enabled = [ref for item, ref in answer.items() if item.get("Enabled") is not False]
        if enabled:
            where = f"user pool of {answer.region}"
            count = Cell(len(enabled), answer.evidence)
            yield _way(answer.region, where, where, "user pool", count, evidence)


def _way(region: str, key: str, label: str, way: str, users: Cell, evidence: Cell) -> Row:
    cells = {
        "way": Cell(way, users.refs),
        "enabled_users": users,
        "identity_provider_evidence": evidence,
    }
    return Row(region, key, label, cells)


@table("saml_providers", Scope.ACCOUNT, (LIST_SAML_PROVIDERS,), _PROVIDER_COLUMNS)
def saml_providers(source: Source) -> Iterator[Row]:
    """Yield every SAML provider, with the end of its metadata's validity.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SAMLProviderListEntry.html
    """
    answer = source.snapshot.answer(LIST_SAML_PROVIDERS)
    for item, ref in answer.items():
        key = item.get("Arn") or answer.place(ref)
        label = source.labels.label("SAML provider", key)
        yield Row(ACCOUNT, key, label, _members(_PROVIDER_COLUMNS, item, ref, answer))


@table("pool_users", Scope.REGION, (DESCRIBE_USERS,), _POOL_COLUMNS)
def pool_users(source: Source) -> Iterator[Row]:
    """Yield every user of AppStream's user pool."""
    for answer in source.snapshot.answers(DESCRIBE_USERS):
        for item, ref in answer.items():
            name = item.get("UserName")
            key = item.get("Arn") or (f"{answer.region}/{name}" if name else answer.place(ref))
            label = source.labels.label("pool user", key, name)
            yield Row(answer.region, key, label, _members(_POOL_COLUMNS, item, ref, answer))


@table("directories", Scope.REGION, (DESCRIBE_DIRECTORY_CONFIGS,), _DIRECTORY_COLUMNS)
def directories(source: Source) -> Iterator[Row]:
    """Yield every directory that fleets may join, with its certificate authority."""
    for answer in source.snapshot.answers(DESCRIBE_DIRECTORY_CONFIGS):
        for item, ref in answer.items():
            key = identify(item, answer)
            label = source.labels.label("directory", key, item["DirectoryName"])
            cells = _authority(source, item, ref, answer)
            cells["certificate_sign_in"] = certificate_sign_in(item, ref)
            yield Row(answer.region, key, label, cells)


def certificate_sign_in(directory: dict[str, Any], ref: str) -> Cell:
    """Return the status of certificate-based sign-in; "DISABLED" without its properties."""
    absent = UNSEEN if "CertificateBasedAuthProperties" in directory else _OFF
    path = "CertificateBasedAuthProperties.Status"
    return one_of(member(directory, ref, path, absent, DESCRIBE_DIRECTORY_CONFIGS), _SIGN_INS)


def _authority(source: Source, item: dict[str, Any], ref: str, answer: Answer) -> dict[str, Cell]:
    """Return the cells of a directory's certificate authority; None where it needs no authority."""
    properties = item.get("CertificateBasedAuthProperties") or {}
    arn = properties.get("CertificateAuthorityArn")
    names = ("authority_state", "authority_ends", "authority_owner", "authority_mode")
    if not arn:
        path = "CertificateBasedAuthProperties.CertificateAuthorityArn"
        needed = properties.get("Status", "DISABLED") != "DISABLED"
        gap = absent_member(answer.call, path, ref) if needed else None
        return {name: Cell(None, (ref,), gap) for name in names}
    described = source.snapshot.answer(
        DESCRIBE_CERTIFICATE_AUTHORITY, answer.region, CertificateAuthorityArn=arn
    )
    return {
        "authority_state": attached(described, "CertificateAuthority.Status", UNSEEN, _GONE),
        "authority_ends": attached(described, "CertificateAuthority.NotAfter", UNSEEN, NONE),
        "authority_owner": Cell(whose(source.snapshot, owner_of(arn)), (ref,)),
        "authority_mode": attached(described, "CertificateAuthority.UsageMode", NONE),
    }


@table(
    "entitlements",
    Scope.REGION,
    (DESCRIBE_ENTITLEMENTS, DESCRIBE_STACKS),
    _ENTITLEMENT_COLUMNS,
)
def entitlements(source: Source) -> Iterator[Row]:
    """Yield every entitlement of every stack."""
    for answer in source.snapshot.answers(DESCRIBE_ENTITLEMENTS):
        yield from listed(_ENTITLEMENT_COLUMNS, answer, source, "entitlement")


def _members(
    columns: dict[str, Column], item: dict[str, Any], ref: str, answer: Answer
) -> dict[str, Cell]:
    return {
        name: member(item, ref, column.path, column.absent, answer.call)
        for name, column in columns.items()
        if column.path
    }
