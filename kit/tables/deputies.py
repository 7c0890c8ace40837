"""Services of AWS that a policy lets in, and the accounts for which they come.

References
----------
IAM User Guide, "The confused deputy problem" and "AWS global condition context keys"; KMS Developer
Guide, "Condition keys for AWS KMS".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kit.access.conditions import Choice, Context, Value
from kit.access.documents import Statement
from kit.access.patterns import is_wild

_ACCOUNTS = ("aws:sourceaccount", "aws:sourceowner", "aws:sourcearn", "kms:calleraccount")
_ORGANISATIONS = ("aws:sourceorgid", "aws:sourceorgpaths")
_ENCRYPTION = "kms:encryptioncontext:"
_NUMBER = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ANY_ACCOUNT = "0" * 12
# What a service's requests have that it makes for a customer whom nobody names.
_FOR_ANYBODY: Context = {
    "aws:sourceaccount": _ANY_ACCOUNT,
    "aws:sourceowner": _ANY_ACCOUNT,
    "kms:calleraccount": _ANY_ACCOUNT,
    "aws:sourcearn": f"arn:aws:any:any:{_ANY_ACCOUNT}:any",
    "aws:sourceorgid": "o-other",
    "aws:sourceorgpaths": "o-other/r-other/",
}


def services(statements: Iterable[Statement]) -> set[str]:
    """The services that statements name as principals."""
    named = (pair for one in statements for pair in one.principals or ())
    return {name for kind, name in named if kind == "Service"}


def for_accounts(statements: Iterable[Statement], own: str) -> Iterator[tuple[str, str, Context]]:
    """Other accounts for which services are let in: number, service, what its requests have."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for statement in statements:
        named = [*services([statement])]
        if any(name == "*" and kind != "Service" for kind, name in statement.principals or ()):
            named.append("a service of AWS")
        sources = [c for c in statement.conditions if c.key in _ACCOUNTS]
        for value in (value for condition in sources for value in condition.values):
            for account in set(_NUMBER.findall(value)) - {own}:
                for service in named:
                    how = found.setdefault(
                        (account, service),
                        {"aws:sourceaccount": account, "kms:calleraccount": account},
                    )
                    if value.startswith("arn:"):
                        how["aws:sourcearn"] = _some(value)
    yield from ((account, service, how) for (account, service), how in sorted(found.items()))


def for_anybody(statements: Iterable[Statement], own: str) -> list[Context]:
    """What a service's requests may have that it makes for customers whom nobody names.

    Parameters
    ----------
    own : str
        The account. What names it in an ARN is its own, and so is what a service encrypts for it.
    """
    values: dict[str, list[str]] = {}
    for condition in (condition for one in statements for condition in one.conditions):
        values.setdefault(condition.key, []).extend(condition.values)
    encrypted: Context = {
        key: Choice(tuple(_some(value.replace(own, _ANY_ACCOUNT)) for value in given))
        for key, given in values.items()
        if key.startswith(_ENCRYPTION)
    }
    found: list[Context] = [{**_FOR_ANYBODY, **encrypted}]
    for value in values.get("aws:sourcearn", ()):
        fields = [*value.split(":"), *[""] * 6][:6]
        # Whose a bucket is does not stand in its ARN, but for the names that AppStream gives.
        if not _NUMBER.search(value) and (is_wild(fields[4]) or not fields[4]):
            number = _ANY_ACCOUNT if fields[4] else ""
            arn = _some(":".join([*value.split(":")[:4], number, *value.split(":")[5:]]))
            found.append({**found[0], "aws:sourcearn": arn})
    for key in _ORGANISATIONS:
        found += [{**found[0], key: _some(value)} for value in values.get(key, ())]
    return found


def _some(pattern: str) -> str:
    """A text that fits a pattern."""
    return pattern.replace("*", "x").replace("?", "x")
