"""AWS services that a policy admits, and the accounts for which they act.

References
----------
IAM User Guide, "The confused deputy problem" and "AWS global condition context keys"; KMS Developer
Guide, "Condition keys for AWS KMS".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kit.access.conditions import UNKNOWN, Choice, Context
from kit.access.documents import Statement
from kit.access.patterns import account_ids, common_arn

_ACCOUNTS = ("aws:sourceaccount", "aws:sourceowner", "aws:sourcearn", "kms:calleraccount")
_ORGANISATIONS = ("aws:sourceorgid", "aws:sourceorgpaths")
_SERVICE = "aws:principalservicename"
# Requests of services alone have these keys.
_OF_SERVICES = {*_ACCOUNTS[:3], *_ORGANISATIONS, _SERVICE, "aws:principalisawsservice"}
_ANY_SERVICE = "a service of AWS"
_ENCRYPTION = "kms:encryptioncontext:"
# Of accounts with ARNs that policies name, whether they fit; beyond, a service may send any ARN.
_MOST_PAIRS = 20_000
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
    """Return the services that Allow statements admit: by name, or among everybody by a condition."""
    return {
        service
        for statement in statements
        if statement.effect == "Allow"
        for service in (
            *_named(statement),
            *(_any_service(statement) if _turns_on_services(statement) else ()),
        )
    }


def _named(statement: Statement) -> Iterator[str]:
    yield from (name for kind, name in statement.principals or () if kind == "Service")


def _any_service(statement: Statement) -> list[str]:
    """The services that a statement about everybody admits: those of its condition, or any."""
    if all(name != "*" for _, name in statement.principals or ()):
        return []
    by_name = [
        _some(value) for c in statement.conditions if c.key == _SERVICE for value in c.values
    ]
    return [_ANY_SERVICE, *by_name]


def _turns_on_services(statement: Statement) -> bool:
    return any(condition.key in _OF_SERVICES for condition in statement.conditions)


def for_accounts(
    statements: Iterable[Statement], account: str
) -> Iterator[tuple[str, str, Context]]:
    """Yield the other accounts for which policies admit services: account, service, context.

    Of a pattern of account ids, the pattern as it is written.

    An account has a context for each ARN of its resources that a policy names, and another for a
    resource that no policy names.
    """
    statements = tuple(statements)
    by_any = services(statements)
    admitted: set[tuple[str, str]] = set()
    written: dict[str, str] = {}
    for statement in statements:
        sources = [
            condition
            for condition in statement.conditions
            # A Deny with a negated operator excepts the accounts that it names.
            if condition.key in _ACCOUNTS
            and (statement.effect == "Allow" or "not" in condition.operator)
        ]
        by_statement = (
            {*_named(statement), *_any_service(statement)}
            if statement.effect == "Allow"
            else by_any
        )
        values = (value for condition in sources for value in condition.values)
        for number, form in (pair for v in values for pair in account_ids(v, account).items()):
            written[number] = number if number in (form, written.get(number)) else form
            if number != account:
                admitted |= {(number, service) for service in by_statement}
    arns = _values(statements, "aws:sourcearn")
    too_many = len(admitted) * len(arns) > _MOST_PAIRS
    for number, service in sorted(admitted):
        generic = f"arn:aws:any:any:{number}:any"
        own = () if too_many else filter(None, (_of_account(value, number) for value in arns))
        for arn in (UNKNOWN,) if too_many else dict.fromkeys([generic, *own]):
            yield (
                written[number],
                service,
                {
                    "aws:sourceaccount": number,
                    "aws:sourceowner": number,
                    "kms:calleraccount": number,
                    "aws:sourcearn": arn,
                    "aws:sourceorgid": UNKNOWN,
                    "aws:sourceorgpaths": UNKNOWN,
                },
            )


def for_anybody(statements: Iterable[Statement], account: str) -> list[Context]:
    """Return contexts of requests that a service makes for customers whom no policy names.

    Parameters
    ----------
    statements : iterable of Statement
    account : str
        The account that owns the policy. An ARN or encryption context with its id is this
        account's.
    """
    statements = tuple(statements)
    encrypted: dict[str, list[str]] = {}
    for condition in (c for s in statements if s.effect == "Allow" for c in s.conditions):
        if condition.key.startswith(_ENCRYPTION):
            texts = (_some(value.replace(account, _ANY_ACCOUNT)) for value in condition.values)
            encrypted.setdefault(condition.key, []).extend(texts)
    first: Context = {
        **_FOR_ANYBODY,
        **{key: Choice(tuple(texts)) for key, texts in encrypted.items()},
    }
    contexts = [first]
    for value in _values(statements, "aws:sourcearn"):
        # An ARN of a bucket does not name the owner, unless AppStream named the bucket.
        if not account_ids(value):
            arns = (_arn(value, _ANY_ACCOUNT), _arn(value, ""))
            contexts += [{**first, "aws:sourcearn": arn} for arn in arns if arn]
    for key in _ORGANISATIONS:
        contexts += [{**first, key: _some(value)} for value in _values(statements, key)]
    return contexts


def _values(statements: Iterable[Statement], key: str) -> list[str]:
    conditions = (c for statement in statements for c in statement.conditions if c.key == key)
    return list(dict.fromkeys(value for c in conditions for value in c.values))


def _of_account(pattern: str, number: str) -> str | None:
    """Return an ARN that matches a pattern, with an account's number or, as a bucket's, none."""
    return _arn(pattern, number) or _arn(pattern, "", number)


def _arn(pattern: str, number: str, named: str = "") -> str | None:
    """Return an ARN that matches a pattern, with an account's number or none in its place.

    Parameters
    ----------
    named : str
        The only account whose number the pattern may hold elsewhere, such as in a bucket's name.
    """
    if not number and account_ids(pattern).keys() - {named}:
        return None
    form = f"arn:?*:?*:*:{number}:?*"
    if pattern.count(":") < 5 and account_ids(pattern).keys() - {number}:
        return None
    return common_arn(pattern, form)


def _some(pattern: str) -> str:
    """Return a text that matches a pattern."""
    return pattern.replace("*", "x").replace("?", "x")
