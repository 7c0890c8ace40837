"""AWS services that a policy admits, and the accounts for which they act.

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
# The context of requests that a service makes for a customer whom no policy names.
_FOR_ANYBODY: Context = {
    "aws:sourceaccount": _ANY_ACCOUNT,
    "aws:sourceowner": _ANY_ACCOUNT,
    "kms:calleraccount": _ANY_ACCOUNT,
    "aws:sourcearn": f"arn:aws:any:any:{_ANY_ACCOUNT}:any",
    "aws:sourceorgid": "o-other",
    "aws:sourceorgpaths": "o-other/r-other/",
}


def services(statements: Iterable[Statement]) -> set[str]:
    """Return the services that statements name as principals."""
    named = (pair for statement in statements for pair in statement.principals or ())
    return {name for kind, name in named if kind == "Service"}


def for_accounts(
    statements: Iterable[Statement], account: str
) -> Iterator[tuple[str, str, Context]]:
    """Yield the other accounts for which policies admit services: account, service, context."""
    contexts: dict[tuple[str, str], dict[str, Value]] = {}
    for statement in statements:
        named = [*services([statement])]
        if any(name == "*" and kind != "Service" for kind, name in statement.principals or ()):
            named.append("a service of AWS")
        sources = [c for c in statement.conditions if c.key in _ACCOUNTS]
        for value in (value for condition in sources for value in condition.values):
            for other in set(_NUMBER.findall(value)) - {account}:
                for service in named:
                    context = contexts.setdefault(
                        (other, service),
                        {"aws:sourceaccount": other, "kms:calleraccount": other},
                    )
                    if value.startswith("arn:"):
                        context["aws:sourcearn"] = _some(value)
    for (other, service), context in sorted(contexts.items()):
        yield other, service, context


def for_anybody(statements: Iterable[Statement], account: str) -> list[Context]:
    """Return contexts of requests that a service makes for customers whom no policy names.

    Parameters
    ----------
    statements : iterable of Statement
    account : str
        The account that owns the policy. An ARN or encryption context with its id is this
        account's.
    """
    values: dict[str, list[str]] = {}
    for statement in statements:
        for condition in statement.conditions:
            values.setdefault(condition.key, []).extend(condition.values)
    encrypted: Context = {
        key: Choice(tuple(_some(value.replace(account, _ANY_ACCOUNT)) for value in patterns))
        for key, patterns in values.items()
        if key.startswith(_ENCRYPTION)
    }
    contexts: list[Context] = [{**_FOR_ANYBODY, **encrypted}]
    for value in values.get("aws:sourcearn", ()):
        fields = [*value.split(":"), *[""] * 6][:6]
        # An ARN of a bucket does not name the owner, unless AppStream named the bucket.
        if not _NUMBER.search(value) and (is_wild(fields[4]) or not fields[4]):
            number = _ANY_ACCOUNT if fields[4] else ""
            arn = _some(":".join([*value.split(":")[:4], number, *value.split(":")[5:]]))
            contexts.append({**contexts[0], "aws:sourcearn": arn})
    for key in _ORGANISATIONS:
        contexts += [{**contexts[0], key: _some(value)} for value in values.get(key, ())]
    return contexts


def _some(pattern: str) -> str:
    """Return a text that matches a pattern."""
    return pattern.replace("*", "x").replace("?", "x")
