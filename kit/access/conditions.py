"""Evaluates the conditions of statements for a request, in three values.

References
----------
IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued
context keys", "Policy elements: Variables and tags" and "AWS global condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from kit.access.documents import Condition, Statement
from kit.access.patterns import covers, is_wild, literal, overlaps, plain


@dataclass(frozen=True)
class Absent:
    """The request does not have the key."""


@dataclass(frozen=True)
class Some:
    """An unknown value that matches one of the patterns.

    Attributes
    ----------
    maybe_absent : bool
        The request may lack the key.
    ordinary : bool
        No policy names the value: the value matches only patterns that every value matches.
    """

    patterns: tuple[str, ...] = ("*",)
    maybe_absent: bool = False
    ordinary: bool = False


Option = str | Absent | Some


@dataclass(frozen=True)
class Choice:
    """Values among which the caller chooses. Without options: any value, or no value."""

    options: tuple[Option, ...] = ()


Value = str | tuple[str, ...] | Absent | Some | Choice
Context = Mapping[str, Value]

ABSENT = Absent()
UNKNOWN = Some(maybe_absent=True)
CHOSEN = Choice()
# A request over plain HTTP has no version of TLS.
PLAIN_HTTP: Context = {"aws:securetransport": "false", "s3:tlsversion": ABSENT}
# A request with a key of the writer's own (SSE-C) has its algorithm, and no other encryption:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
WITH_OWN_KEY: Context = {
    "s3:x-amz-server-side-encryption-customer-algorithm": "AES256",
    "s3:x-amz-server-side-encryption": ABSENT,
    "s3:x-amz-server-side-encryption-aws-kms-key-id": ABSENT,
}

# Other keys are UNKNOWN. A caller chooses how it sends its request (TLS, MFA, time, program) and
# what it requests. It does not choose its identity, its network, or the tags of resources.
_DEFAULTS: tuple[tuple[str, Value], ...] = (
    (r"aws:securetransport", Choice(("true", "false"))),
    (r"s3:tlsversion", Choice(("1.2", "1.3", ABSENT))),
    (r"aws:multifactorauth(present|age)|aws:(currenttime|epochtime|tokenissuetime)", CHOSEN),
    (r"aws:(useragent|referer|viaawsservice|calledvia(first|last)?|requestedregion)", CHOSEN),
    (r"aws:(requesttag/.+|tagkeys)|sts:(rolesessionname|durationseconds)", CHOSEN),
    (r"s3:(authtype|signature(version|age)|prefix|delimiter|max-keys|versionid|x-amz-.+)", CHOSEN),
    (r"s3:(object(creation)?.*|requestobjecttag.*|if-.*match|locationconstraint)", CHOSEN),
    (r"iam:(passedtoservice|policyarn|permissionsboundary|awsservicename)", CHOSEN),
    (r"kms:(viaservice|encryption(context.*|algorithm)|grant.*|.*principal|retiringprincipal)", CHOSEN),
    # An address is IPv4 or IPv6, and most endpoints accept both. A request through a VPC endpoint
    # has no such address, and a request over the internet comes through no VPC: see `is_one_way`.
    (r"aws:sourceip", Choice((Some(("*.*.*.*",)), Some(("*:*",)), ABSENT))),
    (r"aws:sourcevpc", Choice((ABSENT, Some(("vpc-*",))))),
    (r"aws:sourcevpce", Choice((ABSENT, Some(("vpce-*",))))),
    (r"aws:(vpcsourceip|vpce(account|orgid|orgpaths)|sourcevpcarn)", Choice((ABSENT, Some()))),
    # A request of an identity has no key of a service that acts for another principal.
    (r"aws:source(arn|account|owner|orgid|orgpaths)", ABSENT),
)  # fmt: skip


@lru_cache(maxsize=10_000)
def default(key: str) -> Value:
    """Return the value of a key that neither caller, target nor context has."""
    return next((value for name, value in _DEFAULTS if re.fullmatch(name, key)), UNKNOWN)


_BY_INTERNET = "aws:sourceip"
_BY_ENDPOINT = ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
NETWORK_KEYS = {_BY_INTERNET, *_BY_ENDPOINT}


def is_one_way(context: Context) -> bool:
    """Return whether a request can come so: over the internet, or else through a VPC endpoint.

    References
    ----------
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html:
    aws:SourceIp is in every request but those through a VPC endpoint; aws:SourceVpc, aws:SourceVpce
    and aws:VpcSourceIp are in no other.
    """
    through = {not isinstance(context[key], Absent) for key in _BY_ENDPOINT if key in context}
    if _BY_INTERNET in context:
        through.add(isinstance(context[_BY_INTERNET], Absent))
    return len(through) < 2


@lru_cache(maxsize=10_000)
def ordinary(value: Value) -> Value:
    """Return the value in an ordinary request: a value that no policy names, or no value."""
    if isinstance(value, Some) and any(map(is_wild, value.patterns)):
        present = replace(value, ordinary=True, maybe_absent=False)
        return Choice((present, ABSENT)) if value.maybe_absent else present
    if isinstance(value, Choice):
        options = (ordinary(option) for option in value.options)
        return Choice(tuple(option for option in options if isinstance(option, Option)))
    return value


def negate(truth: bool | None) -> bool | None:
    """Return the negation, in three values."""
    return None if truth is None else not truth


def all_of(truths: Iterable[bool | None]) -> bool | None:
    """Return the conjunction, in three values: a false operand decides."""
    result: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def any_of(truths: Iterable[bool | None]) -> bool | None:
    """Return the disjunction, in three values: a true operand decides."""
    result: bool | None = False
    for truth in truths:
        if truth:
            return True
        if truth is None:
            result = None
    return result


def agreed(truths: Iterable[bool | None]) -> bool | None:
    """Return the value that all truths share; None where they differ."""
    distinct = set(truths)
    return distinct.pop() if len(distinct) == 1 else None


def holds(
    conditions: Iterable[Condition],
    context: Context,
    *,
    has_variables: bool = True,
    doubt: bool | None = None,
) -> bool | None:
    """Return whether all conditions hold; None where the known values do not decide it.

    Parameters
    ----------
    context : mapping of lower-case keys to values
        A missing key has its `default`.
    doubt : bool, optional
        The truth where AWS documents no behaviour: unknown operators, ARNs without six parts,
        variables that cannot be resolved.
    """
    return all_of(
        _truth(
            condition,
            context[condition.key] if condition.key in context else default(condition.key),
            partial(_filled, condition, context, has_variables),
            doubt,
        )
        for condition in conditions
    )


def in_force(statements: Iterable[Statement], as_of: datetime) -> tuple[Statement, ...]:
    """Return the statements that are in force at a time, without their conditions on the time.

    Parameters
    ----------
    as_of : datetime
        Aware. A statement outside its period allows and denies nothing.

    References
    ----------
    IAM User Guide, "AWS: Allows access based on date and time" (``aws:CurrentTime``,
    ``aws:EpochTime``).
    """
    now: Context = {
        "aws:currenttime": as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(as_of.timestamp())),
    }
    effective = []
    for statement in statements:
        timed = [condition for condition in statement.conditions if condition.key in now]
        truth = holds(timed, now)
        if timed and truth is True:
            others = tuple(c for c in statement.conditions if c.key not in now)
            effective.append(replace(statement, conditions=others))
        elif truth is not False:
            effective.append(statement)
    return tuple(effective)


def _truth(
    condition: Condition, value: Value, filled: Callable[[], _Texts], doubt: bool | None
) -> bool | None:
    """Return whether a condition holds for a value of its key."""
    if _is_doubtful(condition):
        return doubt
    alternatives: tuple[Value, ...] = ()
    if isinstance(value, Choice):
        alternatives = value.options or (UNKNOWN,)
    elif isinstance(value, Some) and value.maybe_absent:
        alternatives = (replace(value, maybe_absent=False), ABSENT)
    if alternatives:
        return agreed(_truth(condition, option, filled, doubt) for option in alternatives)
    is_absent = isinstance(value, Absent) or value == ()
    if condition.operator == "null":
        return str(is_absent).lower() in map(str.lower, condition.values)
    compare, is_negated = _OPERATORS[condition.operator]
    if is_absent:
        # For no value ForAnyValue is false, also with IfExists, and ForAllValues is true.
        if condition.quantifier:
            return condition.quantifier == "all"
        return is_negated or condition.if_exists
    texts = filled()

    def truth_of(value: Some) -> bool | None:
        matched = _matches(compare, texts, value)
        if matched is None and value.ordinary:
            matched = False
        if is_negated and matched is False and (UNRESOLVED, True) in texts:
            # AWS: a variable that cannot be resolved might make a statement invalid.
            return doubt
        return negate(matched) if is_negated else matched

    if isinstance(value, Some):
        return truth_of(value)
    values = value if isinstance(value, tuple) else (str(value),)
    # A negated operator needs every value to differ, unless the quantifier is "any".
    every = condition.quantifier == "all" or (is_negated and not condition.quantifier)
    return (all_of if every else any_of)(truth_of(Some((literal(text),))) for text in values)


def _is_doubtful(condition: Condition) -> bool:
    if condition.operator not in _OPERATORS:
        return condition.operator != "null"
    return condition.operator.startswith("arn") and any(
        value.count(":") < 5 and "*" in value and value != "*" for value in condition.values
    )


_Texts = list[tuple[str, bool]]  # patterns, and whether the values of their variables are known


def _filled(condition: Condition, context: Context, has_variables: bool) -> _Texts:
    is_pattern = condition.operator.startswith(("stringlike", "stringnotlike", "arn"))
    texts = [text if is_pattern else literal(text) for text in condition.values]
    return [fill(text, context) if has_variables else (text, True) for text in texts]


UNRESOLVED = "\ue00f"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def fill(text: str, context: Context) -> tuple[str, bool]:
    """Return a policy's text with its variables resolved, and whether their values are known.

    An unknown value becomes a pattern of all its possible texts. A variable whose key is absent and
    that has no default makes the text `UNRESOLVED`, which no value matches.
    """
    if "${" not in text:
        return text, True
    is_known, is_missing = True, False

    def value_of(match: re.Match[str]) -> str:
        nonlocal is_known, is_missing
        name, comma, fallback = plain(match[1]).partition(",")
        key = name.strip().lower()
        if key in ("*", "?", "$"):
            return literal(key)
        value = context[key] if key in context else default(key)
        if isinstance(value, str):
            return literal(value)
        default_text = literal(fallback.strip().strip("'")) if comma else None
        if isinstance(value, Absent):
            is_missing = is_missing or default_text is None
            return default_text or ""
        is_known = False
        return value.patterns[0] if isinstance(value, Some) and len(value.patterns) == 1 else "*"

    filled = _VARIABLE.sub(value_of, text)
    return (UNRESOLVED, True) if is_missing else (filled, is_known)


_Compare = Callable[[list[str], str], "bool | None"]


def _matches(compare: _Compare, texts: _Texts, value: Some) -> bool | None:
    """Return whether all possible values match a text, or none does; None where they differ."""
    certain = [text for text, is_known in texts if is_known]
    possible = [text for text, is_known in texts if not is_known]

    def match(pattern: str) -> bool | None:
        matched = compare(certain, pattern)
        if not matched and possible and compare(possible, pattern) is not False:
            return None
        return matched

    return agreed(map(match, value.patterns))


def _texts(patterns: list[str], value: str) -> bool | None:
    return any_of(_text(pattern, value) for pattern in patterns)


def _text(pattern: str, value: str) -> bool | None:
    return True if covers(pattern, value) else None if overlaps(pattern, value) else False


def _texts_in_any_case(patterns: list[str], value: str) -> bool | None:
    return _texts([pattern.lower() for pattern in patterns], value.lower())


def _arns(patterns: list[str], value: str) -> bool | None:
    return any_of(_arn(pattern, value) for pattern in patterns)


@lru_cache(maxsize=100_000)
def _arn(pattern: str, value: str) -> bool | None:
    """Compare the six parts of ARNs; text without six parts does not match, ``*`` is any ARN."""
    pattern, value = ("arn:*:*:*:*:*" if text == "*" else text for text in (pattern, value))
    parts = list(zip(pattern.split(":", 5), value.split(":", 5), strict=False))
    return all_of(_text(part, other) for part, other in parts) if len(parts) == 6 else False


def _booleans(texts: list[str], value: str) -> bool | None:
    named = {text.lower() for text in texts} & {"true", "false"}
    if is_wild(value):
        return True if len(named) == 2 else None if named else False
    return plain(value).lower() in named


def _orders(read: Callable[[str], float | None], test: Callable[[float, float], bool]) -> _Compare:
    def compare(texts: list[str], value: str) -> bool | None:
        limits = [limit for text in texts for limit in [read(plain(text))] if limit is not None]
        if is_wild(value):
            return None if limits else False
        number = read(plain(value))
        return number is not None and any(test(number, limit) for limit in limits)

    return compare


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _time(text: str) -> float | None:
    """Return the seconds since 1970 of an ISO 8601 date, or of seconds since 1970."""
    if re.fullmatch(r"-?\d{5,}(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return _number(text)


def _addresses(texts: list[str], value: str) -> bool | None:
    networks = [network for text in texts for network in [read_network(plain(text))] if network]
    if not is_wild(value):
        address = read_network(plain(value))
        return address is not None and any(
            address.version == network.version and address.subnet_of(network)  # type: ignore[arg-type]
            for network in networks
        )
    # An unknown value is any address of its family.
    families = (
        ["::/0"] if ":" in value else ["0.0.0.0/0"] if "." in value else ["0.0.0.0/0", "::/0"]
    )
    return agreed(_family(networks, read_network(family)) for family in families)


def _family(
    networks: list[IPv4Network | IPv6Network], family: IPv4Network | IPv6Network | None
) -> bool | None:
    """Return whether networks cover all addresses of a family; False where they cover none."""
    version = family.version if family else 0
    collapsed = list(collapse_addresses(n for n in networks if n.version == version))  # type: ignore[type-var]
    return True if family in collapsed else None if collapsed else False


@lru_cache(maxsize=10_000)
def read_network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network of ``192.0.2.0/24`` or ``192.0.2.7``; None for other text."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _orderings(kind: str, read: Callable[[str], float | None]) -> dict[str, tuple[_Compare, bool]]:
    equal = _orders(read, lambda value, limit: value == limit)
    return {
        f"{kind}equals": (equal, False),
        f"{kind}notequals": (equal, True),
        f"{kind}lessthan": (_orders(read, lambda value, limit: value < limit), False),
        f"{kind}lessthanequals": (_orders(read, lambda value, limit: value <= limit), False),
        f"{kind}greaterthan": (_orders(read, lambda value, limit: value > limit), False),
        f"{kind}greaterthanequals": (_orders(read, lambda value, limit: value >= limit), False),
    }


# The comparison of an operator, and whether the operator negates it.
_OPERATORS: dict[str, tuple[_Compare, bool]] = {
    "stringequals": (_texts, False),
    "stringnotequals": (_texts, True),
    "stringequalsignorecase": (_texts_in_any_case, False),
    "stringnotequalsignorecase": (_texts_in_any_case, True),
    "stringlike": (_texts, False),
    "stringnotlike": (_texts, True),
    "arnequals": (_arns, False),
    "arnlike": (_arns, False),
    "arnnotequals": (_arns, True),
    "arnnotlike": (_arns, True),
    "bool": (_booleans, False),
    "binaryequals": (_texts, False),
    "ipaddress": (_addresses, False),
    "notipaddress": (_addresses, True),
    **_orderings("numeric", _number),
    **_orderings("date", _time),
}


_NO_OTHER = "\ue00e"  # a text that no policy has


def representatives(conditions: Iterable[Condition]) -> tuple[str | Absent, ...]:
    """Return values of a key, a representative of each class of values that behave alike.

    For a key that the caller chooses freely, these are the values in the conditions, values between
    and beside them, and no value.
    """
    values: dict[str | Absent, None] = {ABSENT: None, _NO_OTHER: None}
    for condition in conditions:
        for text in condition.values:
            is_date, is_number = (condition.operator.startswith(k) for k in ("date", "numeric"))
            limit = _time(text) if is_date else _number(text) if is_number else None
            if limit is not None:
                values |= {f"{limit + step:.10g}": None for step in (-1, 0, 1)}
            elif condition.operator == "bool":
                values |= {"true": None, "false": None}
            elif condition.operator != "null":
                values |= {text.replace("*", star).replace("?", "x"): None for star in ("", "xx")}
    return tuple(values)
