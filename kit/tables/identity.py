"""The root user and the IAM users of the account."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from kit.aws.calls import (
    GET_ACCOUNT_SUMMARY,
    GET_CREDENTIAL_REPORT,
    LIST_VIRTUAL_MFA_DEVICES,
    Scope,
)
from kit.tables.cells import UNSEEN, Cell, Default, absent_member, attached, derive
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT

_ROOT_DEVICE = ":mfa/root-account-mfa-device"
_HAS_PASSWORD = Default(
    1, "GetAccountSummary: left out, as before root credentials could be managed centrally"
)
CONSOLE_USERS = Part("password_enabled", "IAM user with a console password")


@table(
    "accounts",
    "account",
    Scope.ACCOUNT,
    (),
    {
        "root_mfa": Column("MFA on the root user", calls=(GET_ACCOUNT_SUMMARY,)),
        "root_password": Column("Root user has a password", calls=(GET_ACCOUNT_SUMMARY,)),
        "root_device": Column("Root MFA device", calls=(LIST_VIRTUAL_MFA_DEVICES,)),
    },
)
def accounts(source: Source) -> Iterator[Row]:
    """One row: what IAM says of the root user."""
    summary = source.snapshot.answer(GET_ACCOUNT_SUMMARY)
    devices = source.snapshot.answer(LIST_VIRTUAL_MFA_DEVICES)
    virtual = any(_is_roots(item) for item, _ in devices.items())
    mfa = derive(bool, attached(summary, "SummaryMap.AccountMFAEnabled", UNSEEN))
    yield Row(
        ACCOUNT,
        "root",
        "root user",
        {
            "root_mfa": mfa,
            "root_password": derive(
                bool, attached(summary, "SummaryMap.AccountPasswordPresent", _HAS_PASSWORD)
            ),
            "root_device": derive(
                lambda on, _: "none" if not on else "virtual" if virtual else "hardware or passkey",
                mfa,
                Cell(None, devices.evidence, devices.trouble),
            ),
        },
    )


_REPORTED = {"password_enabled": Column("Console password"), "mfa_active": Column("MFA")}


@table(
    "users",
    "IAM user",
    Scope.ACCOUNT,
    (GET_CREDENTIAL_REPORT,),
    _REPORTED,
)
def users(source: Source) -> Iterator[Row]:
    """Every IAM user in the credential report; the root user has its own table."""
    answer = source.snapshot.answer(GET_CREDENTIAL_REPORT)
    if answer.trouble:
        return
    ref = f"{answer.evidence[0]}#/Content"
    lines = csv.DictReader(io.StringIO(answer.value("Content") or ""))
    if not {"user", *_REPORTED} <= set(lines.fieldnames or ()):
        gap = absent_member(GET_CREDENTIAL_REPORT, "the report's columns", ref)
        cells = {name: Cell(None, (ref,), gap) for name in _REPORTED}
        yield Row(ACCOUNT, "report", "credential report", cells)
    for line, entry in enumerate(lines, 1):
        if entry.get("user") in ("<root_account>", None):
            continue
        identity = entry.get("arn") or entry.get("user") or f"line {line}"
        yield Row(
            ACCOUNT,
            identity,
            source.labels.label("user", identity, entry.get("user")),
            {name: _flag(entry.get(name), name, ref) for name in _REPORTED},
        )


def _is_roots(device: dict[str, Any]) -> bool:
    """Whether a virtual device is the root user's: by its own name, or by whose it is."""
    owner = (device.get("User") or {}).get("Arn") or ""
    return bool(device["SerialNumber"].endswith(_ROOT_DEVICE) or owner.endswith(":root"))


def _flag(text: str | None, name: str, ref: str) -> Cell:
    """A true or false of the credential report; anything else was not seen."""
    if text in ("true", "false"):
        return Cell(text == "true", (ref,))
    return Cell(None, (ref,), absent_member(GET_CREDENTIAL_REPORT, name, ref))
