"""What IAM identity policies allow, over actions and resources that somebody asks about.

This is the part of IAM's evaluation logic that an account's own policies decide: Allow and Deny,
``NotAction`` and ``NotResource``, wildcards, conditions that narrow, and the permissions boundary.
What decides outside them is not seen here: SCPs, RCPs, session policies, resource policies.

References
----------
AWS, IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from kit.access.patterns import many, matches, overlaps
from kit.tables.policies import Statement

Pair = tuple[str, str]  # action, and ARN (or a pattern of ARNs) that it is asked for

# Keys that narrow who, what or from where. That a request comes over TLS, with MFA, at some time
# or by some program narrows none of them: everybody can arrange that.
_NARROWING = re.compile(
    r"appstream:userid|aws:(userid|username|sourceidentity|principalarn|principaltag/.+)"
    r"|(aws|s3):(resourcetag|existingobjecttag|bucketresourcetag)/.+|s3:prefix"
    r"|aws:(sourceip|vpcsourceip|sourcevpc|sourcevpce|sourcevpcarn)"
)
_POSITIVE = re.compile(
    r"(foranyvalue:)?(string(equals(ignorecase)?|like)|arn(equals|like)|ipaddress)"
)
_NEGATIVE = re.compile(
    r"(for(any|all)value(s)?:)?(stringnot(equals(ignorecase)?|like)|arnnot(equals|like)|notipaddress)"
    r"(ifexists)?"
)
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_LITERAL = {"${*}": "*", "${?}": "?", "${$}": "$"}


@dataclass(frozen=True)
class Rights:
    """The pairs that are allowed: to everybody who holds the policies, or only under a condition."""

    open: frozenset[Pair] = frozenset()
    narrowed: frozenset[Pair] = frozenset()


@dataclass(frozen=True)
class _Said:
    """What one or more statements say of pairs; ``fenced``: denied but for a narrow few."""

    open: frozenset[Pair] = frozenset()
    narrowed: frozenset[Pair] = frozenset()
    denied: frozenset[Pair] = frozenset()
    fenced: frozenset[Pair] = frozenset()


@dataclass(frozen=True)
class Evaluation:
    """Which of the pairs asked about policies allow.

    Attributes
    ----------
    wanted : mapping of action to ARNs
        An ARN may be a pattern; ``*`` alone is for actions on no resource in particular.
    wholly : bool
        Whether an Allow has to cover all that a pattern stands for, rather than some of it. A Deny
        always has to.
    """

    wanted: Mapping[str, tuple[str, ...]]
    wholly: bool = False
    _known: dict[str, _Said] = field(default_factory=dict)

    def rights(
        self, statements: Iterable[Statement], boundary: Iterable[Statement] | None = None
    ) -> Rights:
        """What the statements allow, within the boundary where there is one."""
        own = self._allowed(statements)
        if boundary is None:
            return own
        limit = self._allowed(boundary)
        free = own.open & limit.open
        return Rights(free, ((own.open | own.narrowed) & (limit.open | limit.narrowed)) - free)

    def _allowed(self, statements: Iterable[Statement]) -> Rights:
        said = [self._said(statement) for statement in statements]
        denied, fenced = (
            frozenset[Pair]().union(*(getattr(one, name) for one in said))
            for name in ("denied", "fenced")
        )
        some = frozenset[Pair]().union(*(one.open | one.narrowed for one in said)) - denied
        free = frozenset[Pair]().union(*(one.open for one in said)) - denied - fenced
        return Rights(free, some - free)

    def _said(self, statement: Statement) -> _Said:
        key = json.dumps(statement, sort_keys=True, default=str)
        if key not in self._known:
            self._known[key] = self._read(statement)
        return self._known[key]

    def _read(self, statement: Statement) -> _Said:
        condition = statement.get("Condition") or {}
        if statement.get("Effect") == "Deny":
            pairs = self._pairs(statement, wholly=True)
            if not condition:
                return _Said(denied=pairs)
            return _Said(fenced=pairs if _narrows(condition, _NEGATIVE) else frozenset())
        if statement.get("Effect") != "Allow":
            return _Said()
        pairs = self._pairs(statement, wholly=self.wholly)
        if _narrows(condition, _POSITIVE):
            return _Said(narrowed=pairs)
        # A variable in a resource stands for something of the caller's own.
        fixed = [r for r in many(statement.get("Resource")) if not _VARIABLE.search(_plain(r))]
        if "Resource" not in statement or len(fixed) == len(many(statement["Resource"])):
            return _Said(open=pairs)
        free = self._pairs({**statement, "Resource": fixed}, wholly=self.wholly)
        return _Said(open=free, narrowed=pairs - free)

    def _pairs(self, statement: Statement, *, wholly: bool) -> frozenset[Pair]:
        return frozenset(
            (action, arn)
            for action, arns in self.wanted.items()
            if names_action(statement, action)
            for arn in arns
            if _names_resource(statement, arn, wholly)
        )


def names_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, by naming it or by not excepting it."""
    named = [a for a in many(statement.get("NotAction", statement.get("Action"))) if _is_text(a)]
    hit = any(matches(pattern, action, ignore_case=True) for pattern in named)
    return hit != ("NotAction" in statement) and ("Action" in statement or "NotAction" in statement)


def _names_resource(statement: Statement, arn: str, wholly: bool) -> bool:
    # What is on no resource in particular is named by "*" alone.
    meets = _covers if arn == "*" else overlaps
    if "NotResource" in statement:
        excepted = [_plain(r) for r in many(statement["NotResource"])]
        excludes = meets if wholly else _covers
        return not any(excludes(pattern, arn) for pattern in excepted)
    named = [_plain(r) for r in many(statement.get("Resource"))]
    if wholly:
        return any(_covers(pattern, arn) for pattern in named)
    return any(meets(_VARIABLE.sub("*", pattern), arn) for pattern in named)


def _plain(pattern: Any) -> str:
    """A resource with the escapes of single characters resolved."""
    return _VARIABLE.sub(lambda m: _LITERAL.get(m[0], m[0]), str(pattern))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


@lru_cache(maxsize=100_000)
def _covers(pattern: str, arn: str) -> bool:
    return pattern == "*" or matches(pattern, arn)


def _narrows(condition: Any, operators: re.Pattern[str]) -> bool:
    """Whether a condition leaves only some principals, resources or networks.

    All parts of a condition have to hold, so one that narrows is enough. The values of a part are
    alternatives, so one that is everybody undoes it. What also holds where the key is missing
    (``...IfExists``, ``ForAllValues``) narrows no Allow.
    """
    if not isinstance(condition, dict):
        return False
    return any(
        operators.fullmatch(operator.lower())
        and _NARROWING.fullmatch(key.lower())
        and many(values)
        and not any(_is_everything(str(value)) for value in many(values))
        for operator, keys in condition.items()
        if isinstance(keys, dict)
        for key, values in keys.items()
    )


def _is_everything(value: str) -> bool:
    if set(value) <= set("*?:") or value == "arn:*":
        return True
    try:
        return ip_network(value, strict=False).prefixlen == 0
    except ValueError:
        return False
