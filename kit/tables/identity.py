"""The root user, the IAM users of the account, and their keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from kit.calls import (
    DESCRIBE_ORGANIZATION,
    GET_ACCOUNT_PASSWORD_POLICY,
    GET_ACCOUNT_SUMMARY,
    GET_CREDENTIAL_REPORT,
    GET_SECURITY_CONTACT,
    LIST_VIRTUAL_MFA_DEVICES,
    Scope,
)
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    Default,
    absent_member,
    attached,
    derive,
    known_all,
    known_any,
    moment,
)
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.organisation import root_can_return

_ROOT = "<root_account>"
_ROOT_DEVICE = ":mfa/root-account-mfa-device"
_HAS_PASSWORD = Default(1, "account_summary")
# Without a policy of the account AWS's default holds: 8 characters, and no password is remembered.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
_DEFAULT_LENGTH = Default(8, "password_policy")
_NONE_REMEMBERED = Default(0, "password_reuse")
_NEVER = ("no_information", "N/A", "not_supported")  # the report's words for an absent time
CONSOLE_USERS = Part("password_enabled", "console_users")
ACTIVE_KEYS = Part("active", "active_keys")


@table(
    "accounts",
    Scope.ACCOUNT,
    (),
    {
        "root_mfa": Column(calls=(GET_ACCOUNT_SUMMARY,)),
        "root_password": Column(calls=(GET_ACCOUNT_SUMMARY,)),
        "root_device": Column(calls=(LIST_VIRTUAL_MFA_DEVICES,)),
        # The organisation's snapshot has the rest; the account's own answers do not.
        "root_recoverable": Column(calls=(GET_ACCOUNT_SUMMARY, DESCRIBE_ORGANIZATION)),
        "root_keys": Column(calls=(GET_ACCOUNT_SUMMARY,)),
        "root_last_used": Column(calls=(GET_CREDENTIAL_REPORT,), transient=True, past=True),
        "iam_users": Column(calls=(GET_ACCOUNT_SUMMARY,)),
    },
)
def accounts(source: Source) -> Iterator[Row]:
    """Yield a single row: the root user."""
    summary = source.snapshot.answer(GET_ACCOUNT_SUMMARY)
    devices = source.snapshot.answer(LIST_VIRTUAL_MFA_DEVICES)
    virtual = any(_is_roots(item) for item, _ in devices.items())
    mfa = derive(bool, attached(summary, "SummaryMap.AccountMFAEnabled", UNSEEN))
    password = derive(bool, attached(summary, "SummaryMap.AccountPasswordPresent", _HAS_PASSWORD))
    yield Row(
        ACCOUNT,
        "root",
        "root user",
        {
            "root_mfa": mfa,
            "root_password": password,
            # Of no account whose root user has MFA, or a password that MFA ought to guard.
            "root_recoverable": known_all(
                (
                    derive(lambda on: not on, mfa),
                    derive(lambda has: not has, password),
                    root_can_return(source.snapshot),
                )
            ),
            "root_device": derive(
                lambda on, _: "none" if not on else "virtual" if virtual else "hardware or passkey",
                mfa,
                Cell(None, devices.evidence, devices.trouble),
            ),
            "root_keys": derive(
                bool, attached(summary, "SummaryMap.AccountAccessKeysPresent", UNSEEN)
            ),
            "root_last_used": _root_last_used(source),
            "iam_users": attached(summary, "SummaryMap.Users", UNSEEN),
        },
    )


@table(
    "account_settings",
    Scope.ACCOUNT,
    (),
    {
        "console_passwords": Column(calls=(GET_CREDENTIAL_REPORT,)),
        "minimum_length": Column(calls=(GET_ACCOUNT_PASSWORD_POLICY,)),
        "passwords_remembered": Column(calls=(GET_ACCOUNT_PASSWORD_POLICY,)),
        "security_contact": Column(calls=(GET_SECURITY_CONTACT,)),
    },
)
def account_settings(source: Source) -> Iterator[Row]:
    """Yield a single row: what holds for all users of the account, and whom AWS notifies."""
    policy = source.snapshot.answer(GET_ACCOUNT_PASSWORD_POLICY)
    length = attached(policy, "PasswordPolicy.MinimumPasswordLength", UNSEEN, _DEFAULT_LENGTH)
    if policy.absent:
        length = replace(length, assumed=(_DEFAULT_LENGTH.source,))
    contact = source.snapshot.answer(GET_SECURITY_CONTACT)
    yield Row(
        ACCOUNT,
        "account",
        f"account {source.snapshot.account}",
        {
            "console_passwords": _console_passwords(source),
            "minimum_length": length,
            "passwords_remembered": attached(
                policy, "PasswordPolicy.PasswordReusePrevention", _NONE_REMEMBERED
            ),
            "security_contact": derive(
                bool, attached(contact, "AlternateContact.AlternateContactType", UNSEEN, NONE)
            ),
        },
    )


def _console_passwords(source: Source) -> Cell:
    """Return whether an IAM user has a console password; the policy does not bind the root user."""
    report = _Report(source)
    listed = Cell(False, report.answer.evidence, report.answer.trouble)
    if report.lacks(["password_enabled"]):
        return report.unread(["password_enabled"]).cells["password_enabled"]
    users = [entry for entry in report.entries if entry["user"] != _ROOT]
    flags = [report.flag(entry.get("password_enabled"), "password_enabled") for entry in users]
    return known_any([listed, *flags])


_FLAGS = ("password_enabled", "mfa_active")
_REPORTED = {**dict.fromkeys(_FLAGS, Column()), "password_changed": Column(past=True)}
_KEYS = {
    "active": Column(),
    "last_rotated": Column(past=True),
    "last_used": Column(transient=True, past=True),
}


@table("users", Scope.ACCOUNT, (GET_CREDENTIAL_REPORT,), _REPORTED)
def users(source: Source) -> Iterator[Row]:
    """Yield every IAM user in the credential report; `accounts` has the root user."""
    report = _Report(source)
    if report.lacks(_FLAGS):
        yield report.unread(_REPORTED)
    for entry in report.entries:
        if entry["user"] != _ROOT:
            cells = {name: report.flag(entry.get(name), name) for name in _FLAGS}
            never = UNSEEN if cells["password_enabled"].value else NONE
            cells["password_changed"] = report.time(entry.get("password_last_changed"), never)
            yield Row(ACCOUNT, entry["key"], _label(source, entry), cells)


@table("access_keys", Scope.ACCOUNT, (GET_CREDENTIAL_REPORT,), _KEYS)
def access_keys(source: Source) -> Iterator[Row]:
    """Yield both access keys of each user and the root user, from the credential report."""
    report = _Report(source)
    columns = [f"access_key_{n}_{part}" for n in (1, 2) for part in ("active", "last_rotated")]
    if report.lacks(columns):
        yield report.unread(_KEYS)
        return
    for entry in report.entries:
        for n in (1, 2):
            key = f"access_key_{n}"
            cells = {
                "active": report.flag(entry.get(f"{key}_active"), f"{key}_active"),
                "last_rotated": report.time(entry.get(f"{key}_last_rotated"), UNSEEN),
                "last_used": report.time(entry.get(f"{key}_last_used_date"), NONE),
            }
            yield Row(
                ACCOUNT, f"{entry['key']}/{n}", f"{_label(source, entry)}, access key {n}", cells
            )


def _label(source: Source, entry: dict[str, str]) -> str:
    if entry["user"] == _ROOT:
        return "root user"
    return source.labels.label("user", entry["key"], entry["user"])


def _root_last_used(source: Source) -> Cell:
    """Return when the root user last signed in with its password; None for never."""
    report = _Report(source)
    if report.answer.trouble:
        return Cell(None, report.answer.evidence, report.answer.trouble)
    for entry in report.entries:
        if entry["user"] == _ROOT:
            return report.time(entry.get("password_last_used"), NONE)
    return Cell(None, (report.ref,), absent_member(GET_CREDENTIAL_REPORT, _ROOT, report.ref))


@dataclass
class _Report:
    """IAM's credential report: an entry for each user, with its ARN, name or line as ``key``."""

    source: Source

    def __post_init__(self) -> None:
        self.answer = self.source.snapshot.answer(GET_CREDENTIAL_REPORT)
        self.ref, self.columns = "", set[str]()
        self.entries: list[dict[str, str]] = []
        if self.answer.trouble:
            return
        self.ref = f"{self.answer.first}#/Content"
        text = io.StringIO(self.answer.value("Content") or "", newline="")
        reader = csv.DictReader(text, strict=True)
        try:
            lines = list(reader)
        except csv.Error:
            return  # `lacks` then reports every column
        self.columns = set(reader.fieldnames or ())
        for number, line in enumerate(lines, 1):
            if line.get("user") is not None:
                key = line.get("arn") or line["user"] or f"line {number}"
                self.entries.append({**line, "key": key})

    def lacks(self, columns: Any) -> bool:
        """Return whether the report exists and lacks any of the columns."""
        return bool(self.ref) and not {"user", *columns} <= self.columns

    def unread(self, columns: Any) -> Row:
        """Return a row of gaps for a report that lacks columns."""
        gap = absent_member(GET_CREDENTIAL_REPORT, "the report's columns", self.ref)
        cells = {name: Cell(None, (self.ref,), gap) for name in columns}
        return Row(ACCOUNT, "report", "credential report", cells)

    def flag(self, text: str | None, name: str) -> Cell:
        """Return the cell of "true" or "false"; a gap for any other text."""
        if text in ("true", "false"):
            return Cell(text == "true", (self.ref,))
        return Cell(None, (self.ref,), absent_member(GET_CREDENTIAL_REPORT, name, self.ref))

    def time(self, text: str | None, never: Default | None) -> Cell:
        """Return the cell of a time; ``never`` is the value of an absent time."""
        if text in _NEVER and never:
            return Cell(never.value, (self.ref,))
        if time := moment(text):
            return Cell(time.isoformat(), (self.ref,))
        return Cell(None, (self.ref,), absent_member(GET_CREDENTIAL_REPORT, "a time", self.ref))


def _is_roots(device: dict[str, Any]) -> bool:
    """Return whether a virtual device is the root user's, by its name or by its owner."""
    owner = (device.get("User") or {}).get("Arn") or ""
    return bool(device["SerialNumber"].endswith(_ROOT_DEVICE) or owner.endswith(":root"))
