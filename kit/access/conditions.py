"""Conditions of statements, held against what is known of a request, in three values.

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
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from kit.access.documents import Condition
from kit.access.patterns import covers, is_wild, literal, overlaps, plain


@dataclass(frozen=True)
class Absent:
    """A request does not have the key."""


@dataclass(frozen=True)
class Some:
    """A value that fits one of the patterns; which one is not known.

    Attributes
    ----------
    maybe_absent : bool
        The request may as well not have the key.
    ordinary : bool
        The value is none that a policy singles out: it fits no pattern but one that all fit.
    """

    patterns: tuple[str, ...] = ("*",)
    maybe_absent: bool = False
    ordinary: bool = False


@dataclass(frozen=True)
class Choice:
    """Values among which the caller chooses. Without options: any value, or none."""

    options: tuple[str | Absent | Some, ...] = ()


Value = str | tuple[str, ...] | Absent | Some | Choice
Context = Mapping[str, Value]

ABSENT = Absent()
UNKNOWN = Some(maybe_absent=True)
CHOSEN = Choice()
# A request over plain HTTP has no version of TLS.
PLAIN_HTTP: Context = {"aws:securetransport": "false", "s3:tlsversion": ABSENT}

# What is not here is not known. A caller arranges how it comes (TLS, MFA, when, by which program)
# and what it asks for; it does not arrange who it is, where its network is, or what is tagged.
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
    # An address is of one family or the other, and most can be reached by both.
    (r"aws:sourceip", Choice((Some(("*.*.*.*",)), Some(("*:*",))))),
    # Who comes over the internet comes through no VPC.
    (r"aws:sourcevpc", Choice((ABSENT, Some(("vpc-*",))))),
    (r"aws:sourcevpce", Choice((ABSENT, Some(("vpce-*",))))),
    (r"aws:(vpcsourceip|vpce(account|orgid|orgpaths)|sourcevpcarn)", Choice((ABSENT, Some()))),
    # Bare identities have no key of the services that act for somebody.
    (r"aws:source(arn|account|orgid|orgpaths)", ABSENT),
)  # fmt: skip


@lru_cache(maxsize=10_000)
def default(key: str) -> Value:
    """What is known of a key that nothing else is known of."""
    return next((value for name, value in _DEFAULTS if re.fullmatch(name, key)), UNKNOWN)


@lru_cache(maxsize=10_000)
def ordinary(value: Value) -> Value:
    """The value in an ordinary request: one that no policy singles out, or no value at all."""
    if isinstance(value, Some) and any(map(is_wild, value.patterns)):
        here = replace(value, ordinary=True, maybe_absent=False)
        return Choice((here, ABSENT)) if value.maybe_absent else here
    if isinstance(value, Choice):
        options = (ordinary(option) for option in value.options)
        return Choice(tuple(o for o in options if isinstance(o, str | Absent | Some)))
    return value


def negate(truth: bool | None) -> bool | None:
    """Not, in three values."""
    return None if truth is None else not truth


def all_of(truths: Iterable[bool | None]) -> bool | None:
    """And, in three values: one that is false decides."""
    known: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            known = None
    return known


def any_of(truths: Iterable[bool | None]) -> bool | None:
    """Or, in three values: one that is true decides."""
    known: bool | None = False
    for truth in truths:
        if truth:
            return True
        if truth is None:
            known = None
    return known


def holds(
    conditions: Iterable[Condition],
    context: Context,
    *,
    has_variables: bool = True,
    doubt: bool | None = None,
) -> bool | None:
    """Whether all conditions hold; None where what is known does not decide it.

    Parameters
    ----------
    context : mapping of lower-case keys to values
        A key that it does not have is judged by its `default`.
    doubt : bool, optional
        The truth of what AWS does not document: operators that are not known, ARNs that do not
        have six parts, variables that cannot be resolved.
    """
    return all_of(
        doubt if _is_doubtful(one) else _holds(one, context, has_variables, doubt)
        for one in conditions
    )


def _is_doubtful(condition: Condition) -> bool:
    if condition.operator not in _OPERATORS:
        return condition.operator != "null"
    return condition.operator.startswith("arn") and any(
        value.count(":") < 5 and "*" in value for value in condition.values
    )


def _holds(
    condition: Condition, context: Context, has_variables: bool, doubt: bool | None
) -> bool | None:
    value = context[condition.key] if condition.key in context else default(condition.key)
    return _truth(condition, value, context, has_variables, doubt)


def _truth(
    condition: Condition,
    value: Value,
    context: Context,
    has_variables: bool,
    doubt: bool | None,
) -> bool | None:
    if isinstance(value, Choice):
        options = value.options or (UNKNOWN,)
        return _agreed(_truth(condition, one, context, has_variables, doubt) for one in options)
    if isinstance(value, Some) and value.maybe_absent:
        here = replace(value, maybe_absent=False)
        return _agreed(
            _truth(condition, one, context, has_variables, doubt) for one in (here, ABSENT)
        )
    if condition.operator == "null":
        absent = isinstance(value, Absent) or value == ()
        return any(wanted.lower() == str(absent).lower() for wanted in condition.values)
    compare, negated = _OPERATORS[condition.operator]
    if isinstance(value, Absent) or value == ():
        # "Any" has nothing to find, whatever IfExists says; "all" has nothing that fails.
        if condition.quantifier:
            return condition.quantifier == "all"
        return negated or condition.if_exists
    wild = condition.operator.startswith(_WILD)
    texts = [one if wild else literal(one) for one in condition.values]
    wanted = [fill(one, context) if has_variables else (one, True) for one in texts]

    def meets(one: Some) -> bool | None:
        met = _meets(compare, wanted, one)
        if met is None and one.ordinary:
            met = False
        if negated and met is False and (UNRESOLVED, True) in wanted:
            # What cannot be resolved might make a statement invalid, AWS says.
            return doubt
        return negate(met) if negated else met

    if isinstance(value, Some):
        return meets(value)
    single = [Some((literal(one),)) for one in ((value,) if isinstance(value, str) else value)]
    # Negated, no value may be among those named, unless "any" is asked for.
    every = condition.quantifier == "all" or (negated and not condition.quantifier)
    return (all_of if every else any_of)(map(meets, single))


def _agreed(truths: Iterable[bool | None]) -> bool | None:
    found = set(truths)
    return found.pop() if len(found) == 1 else None


UNRESOLVED = "\ue00f"
_WILD = ("stringlike", "stringnotlike", "arn")  # operators whose values are patterns
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def fill(text: str, context: Context) -> tuple[str, bool]:
    """Return a policy's text with its variables filled in, and whether all of them are known.

    What is not known is any text. A variable whose key is absent, and that has no default, makes
    the text `UNRESOLVED`, which nothing fits.
    """
    if "${" not in text:
        return text, True
    known, missing = True, False

    def value_of(match: re.Match[str]) -> str:
        nonlocal known, missing
        name, comma, fallback = plain(match[1]).partition(",")
        key = name.strip().lower()
        if key in ("*", "?", "$"):
            return literal(key)
        value = context[key] if key in context else default(key)
        if isinstance(value, str):
            return literal(value)
        otherwise = literal(fallback.strip().strip("'")) if comma else None
        if isinstance(value, Absent):
            missing = missing or otherwise is None
            return otherwise or ""
        known = False
        return value.patterns[0] if isinstance(value, Some) and len(value.patterns) == 1 else "*"

    filled = _VARIABLE.sub(value_of, text)
    return (UNRESOLVED, True) if missing else (filled, known)


_Compare = Callable[[list[str], str], "bool | None"]


def _meets(compare: _Compare, wanted: list[tuple[str, bool]], value: Some) -> bool | None:
    """Whether one of the wanted texts is met by all that a value may be, or by none of it."""
    sure = [text for text, known in wanted if known]
    possible = [text for text, known in wanted if not known]
    found = []
    for pattern in value.patterns:
        met = compare(sure, pattern)
        if not met and possible and compare(possible, pattern) is not False:
            met = None
        found.append(met)
    return _agreed(found)


def _texts(wanted: list[str], value: str) -> bool | None:
    return any_of(
        True if covers(text, value) else None if overlaps(text, value) else False for text in wanted
    )


def _texts_in_any_case(wanted: list[str], value: str) -> bool | None:
    return _texts([text.lower() for text in wanted], value.lower())


def _arns(wanted: list[str], value: str) -> bool | None:
    return any_of(_arn(text, value) for text in wanted)


def _arn(pattern: str, value: str) -> bool | None:
    """Each of the six parts is compared by itself; what does not have six is no ARN."""
    value = "arn:*:*:*:*:*" if value == "*" else value
    ours, theirs = pattern.split(":", 5), value.split(":", 5)
    if len(ours) < 6 or len(theirs) < 6:
        return False
    pairs = list(zip(ours, theirs, strict=True))
    if all(covers(one, other) for one, other in pairs):
        return True
    return None if all(overlaps(one, other) for one, other in pairs) else False


def _booleans(wanted: list[str], value: str) -> bool | None:
    named = {text.lower() for text in wanted} & {"true", "false"}
    if is_wild(value):
        return True if len(named) == 2 else None if named else False
    return plain(value).lower() in named


def _orders(read: Callable[[str], float | None], test: Callable[[float, float], bool]) -> _Compare:
    def compare(wanted: list[str], value: str) -> bool | None:
        limits = [limit for text in wanted for limit in [read(plain(text))] if limit is not None]
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
    """Seconds since 1970 of an ISO 8601 date, or of seconds since 1970."""
    if re.fullmatch(r"-?\d{5,}(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return _number(text)


def _addresses(wanted: list[str], value: str) -> bool | None:
    networks = [network for text in wanted for network in [_network(plain(text))] if network]
    if not is_wild(value):
        address = _network(plain(value))
        return address is not None and any(
            address.version == network.version and address.subnet_of(network)  # type: ignore[arg-type]
            for network in networks
        )
    whole = {4: "0.0.0.0/0", 6: "::/0"}
    families = [4] if ":" not in value and "." in value else [6] if ":" in value else [4, 6]
    found = [_family([n for n in networks if n.version == v], whole[v]) for v in families]
    return _agreed(found)


def _family(networks: list[IPv4Network | IPv6Network], whole: str) -> bool | None:
    """Whether networks of one family are, together, all of it; False for none."""
    together = list(collapse_addresses(networks))  # type: ignore[type-var]
    return True if ip_network(whole) in together else None if together else False


@lru_cache(maxsize=10_000)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _orderings(kind: str, read: Callable[[str], float | None]) -> dict[str, tuple[_Compare, bool]]:
    equal = _orders(read, lambda one, other: one == other)
    return {
        f"{kind}equals": (equal, False),
        f"{kind}notequals": (equal, True),
        f"{kind}lessthan": (_orders(read, lambda one, other: one < other), False),
        f"{kind}lessthanequals": (_orders(read, lambda one, other: one <= other), False),
        f"{kind}greaterthan": (_orders(read, lambda one, other: one > other), False),
        f"{kind}greaterthanequals": (_orders(read, lambda one, other: one >= other), False),
    }


# What an operator compares by, and whether it holds where that does not.
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


def representatives(conditions: Iterable[Condition]) -> tuple[str | Absent, ...]:
    """Values of one key of which each behaves as a whole class of values does.

    What a caller may choose freely is tried at the values that its conditions name, between and
    beside them, and absent.
    """
    found: dict[str | Absent, None] = {ABSENT: None}
    for condition in conditions:
        for value in condition.values:
            read = _time if condition.operator.startswith("date") else _number
            number = read(value)
            if condition.operator.startswith(("numeric", "date")) and number is not None:
                found |= {f"{number + step:.10g}": None for step in (-1, 0, 1)}
            elif condition.operator == "bool":
                found |= {"true": None, "false": None}
            elif condition.operator != "null":
                found |= {value.replace("*", star).replace("?", "x"): None for star in ("", "xx")}
    return (*found, "\ue00e")
