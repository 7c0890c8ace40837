"""The root user and the IAM users of the account."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from kit.aws.calls import (
    GET_ACCOUNT_SUMMARY,
    GET_CREDENTIAL_REPORT,
    LIST_VIRTUAL_MFA_DEVICES,
    Scope,
)
from kit.tables.core import (
    ACCOUNT,
    UNSEEN,
    Cell,
    Column,
    Row,
    Source,
    absent_member,
    attached,
    derive,
    table,
)

_ROOT_DEVICE = ":mfa/root-account-mfa-device"


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
    virtual = any(item["SerialNumber"].endswith(_ROOT_DEVICE) for item, _ in devices.items())
    mfa = derive(bool, attached(summary, "SummaryMap.AccountMFAEnabled", UNSEEN))
    yield Row(
        ACCOUNT,
        "root",
        "root user",
        {
            "root_mfa": mfa,
            # IAM reports this entry only since root credentials can be managed centrally;
            # without it the root user has a password.
            "root_password": derive(
                lambda values: bool(values.get("AccountPasswordPresent", 1)),
                attached(summary, "SummaryMap"),
            ),
            "root_device": derive(
                lambda on, _: "none" if not on else "virtual" if virtual else "hardware or passkey",
                mfa,
                Cell(None, devices.evidence, devices.trouble),
            ),
        },
    )


@table(
    "users",
    "IAM user",
    Scope.ACCOUNT,
    (GET_CREDENTIAL_REPORT,),
    {
        "password_enabled": Column("Console password"),
        "mfa_active": Column("MFA"),
    },
)
def users(source: Source) -> Iterator[Row]:
    """Every IAM user in the credential report; the root user has its own table."""
    answer = source.snapshot.answer(GET_CREDENTIAL_REPORT)
    report = answer.value("Content") or ""
    for line, entry in enumerate(csv.DictReader(io.StringIO(report)), 1):
        if entry.get("user") == "<root_account>":
            continue
        ref = f"{answer.evidence[0]}#/Content:{line}"
        identity = entry.get("arn") or entry.get("user") or f"line {line}"
        yield Row(
            ACCOUNT,
            identity,
            source.labels.label("user", identity, entry.get("user")),
            {
                name: _flag(entry.get(name), name, ref)
                for name in ("password_enabled", "mfa_active")
            },
        )


def _flag(text: str | None, name: str, ref: str) -> Cell:
    """A true or false of the credential report; anything else was not seen."""
    if text in ("true", "false"):
        return Cell(text == "true", (ref,))
    return Cell(None, (ref,), absent_member(GET_CREDENTIAL_REPORT, name, ref))
