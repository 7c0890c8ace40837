"""The one answer to "may this principal do this action on this resource", in three values.

References
----------
IAM User Guide, "Policy evaluation logic", "Permissions boundaries for IAM entities", "Cross-account
policy evaluation logic", "AWS JSON policy elements: Principal" and "... NotPrincipal"; KMS Developer
Guide, "Key policies"; S3 User Guide, "Blocking public access to your Amazon S3 storage".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, lru_cache
from itertools import product
from math import prod

from kit.access.conditions import (
    ABSENT,
    UNKNOWN,
    UNRESOLVED,
    Choice,
    Context,
    Some,
    Value,
    all_of,
    any_of,
    default,
    fill,
    holds,
    negate,
    representatives,
)
from kit.access.conditions import (
    ordinary as ordinary_value,
)
from kit.access.documents import Condition, Statement, read_statements
from kit.access.patterns import covers, is_wild, matches, overlaps

# What a foreign account gives to its own principals is its own affair: whatever they want.
EVERYTHING = read_statements(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
_MOST_CHOICES = 1_000
_OWN_PART = re.compile(r"\$\{[^*?$]")  # a variable that stands for a key
# Keys that only signed requests have.
_OF_IDENTITIES = re.compile(r"aws:(principal|multifactorauth|tokenissuetime|sourceidentity)")
_NOTHING: Context = {}


class Access(Enum):
    """Whether something is allowed, or denied: for certain, for certain not, or not known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_ACCESS = {True: Access.YES, False: Access.NO, None: Access.UNKNOWN}


@dataclass(frozen=True, eq=False)
class Caller:
    """Who asks.

    Attributes
    ----------
    kind : str
        ``user``, ``role``, ``root``, ``service``, ``federated``, ``anonymous``, or ``account``:
        whichever principal of an account gets furthest.
    arn : str
        Of a role, the role's; of a service, its name (``appstream.amazonaws.com``); of an identity
        provider, the provider's; empty for anonymous callers.
    user_id : str
        The unique id of a user or of a role, if known.
    session : str
        The name of a role's session, if known; otherwise any that its role has.
    boundary : tuple of Statement, optional
        None without a permissions boundary.
    context : mapping
        What is known of the caller besides: its tags, its organisation ...
    """

    kind: str
    arn: str = ""
    account: str = ""
    user_id: str = ""
    session: str = ""
    identity: tuple[Statement, ...] = ()
    boundary: tuple[Statement, ...] | None = None
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Target:
    """What is asked for.

    Attributes
    ----------
    arn : str
        May be a pattern: an Allow has to reach some of what it stands for, a Deny all of it.
        ``*`` is for actions on no resource in particular.
    account : str
        The owner's; empty if unknown.
    policy : tuple of Statement, optional
        Of the bucket, key, access point, or of the role that is assumed.
    policy_decides : bool
        The resource's policy has to allow (KMS keys, trust policies of roles).
    blocks_public : bool
        RestrictPublicBuckets: a public policy lets in nobody but the owner's account and services.
    public : bool, optional
        Whether AWS calls the policy public; judged from the policy where that is not known.
    wholly : bool
        An Allow, too, has to cover all that a pattern stands for.
    context : mapping
        What is known of the resource besides: its tags, its region ...
    """

    arn: str
    account: str = ""
    policy: tuple[Statement, ...] | None = None
    policy_decides: bool = False
    blocks_public: bool = False
    public: bool | None = None
    wholly: bool = False
    context: Context = field(default_factory=dict)


def decide(
    caller: Caller,
    action: str,
    target: Target,
    context: Context = _NOTHING,
    *,
    ordinary: bool = False,
) -> Access:
    """Whether a caller may do an action on a target.

    What the caller can choose (`kit.access.conditions.CHOSEN`), it chooses as it needs.

    Parameters
    ----------
    ordinary : bool
        Judge keys that are not known by a value that no policy singles out, rather than by all
        values that they could have: YES is then "open to callers in general", where YES is
        otherwise "open, whatever they are".
    """
    requests = _requests(caller, action, target, context, ordinary)
    hopeful = (request for request in requests if not request.is_hopeless)
    return _ACCESS[any_of(one.allowed(chosen) for one in hopeful for chosen in one.choices())]


def denied(
    caller: Caller,
    action: str,
    target: Target,
    context: Context = _NOTHING,
    *,
    ordinary: bool = False,
) -> Access:
    """Whether the resource's policy denies a caller an action explicitly, whatever it chooses."""
    requests = _requests(caller, action, target, context, ordinary)
    return _ACCESS[all_of(one.refused(chosen) for one in requests for chosen in one.choices())]


def _requests(
    caller: Caller, action: str, target: Target, context: Context, is_ordinary: bool
) -> Iterator[_Request]:
    for witness in _witnesses(caller, target):
        yield _Request(witness, action, target, context, is_ordinary)


class _Request:
    """One caller, action and target, with the statements that are about them."""

    def __init__(
        self, caller: Caller, action: str, target: Target, context: Context, is_ordinary: bool
    ):
        self.caller, self.action, self.target = caller, action, target
        self.is_ordinary = is_ordinary
        self.given = context

    @property
    def is_hopeless(self) -> bool:
        """Whether nothing that could allow it is about the action at all, as is often the case."""
        caller, target = self.caller, self.target
        return not (
            caller.kind == "root"
            or (target.policy is None and target.policy_decides)
            or _allows(caller.identity, self.action)
            or _allows(target.policy or (), self.action)
        )

    @cached_property
    def known(self) -> dict[str, Value]:
        """What is known of the request, before the caller chooses."""
        return {**_facts(self.caller), **_facts_of(self.target), **self.given}

    @cached_property
    def identity(self) -> list[_Reach]:
        return self._about(self.caller.identity)

    @cached_property
    def boundary(self) -> list[_Reach] | None:
        return None if self.caller.boundary is None else self._about(self.caller.boundary)

    @cached_property
    def resource(self) -> list[_Reach]:
        return self._about(self.target.policy or (), named=True)

    def _about(self, statements: tuple[Statement, ...], *, named: bool = False) -> list[_Reach]:
        found = []
        for statement in _naming(statements, self.action):
            resource = self._resource(statement, named=named)
            levels = _levels(statement, self.caller) if named else {IDENTITY: True}
            for level, principal in levels.items():
                reach = all_of((resource, principal))
                if reach is not False:
                    found.append(_Reach(statement, level, reach))
        return found

    def _resource(self, statement: Statement, *, named: bool) -> bool | None:
        arn = self.target.arn
        if statement.resources is None:
            # A trust policy is about the role that has it.
            return named and ":iam:" in arn and ":role/" in arn
        found = []
        for text in statement.resources:
            pattern, known = fill(text, self.known) if statement.has_variables else (text, True)
            found.append((pattern, known))
        # What is on no resource in particular is named by "*" alone.
        one = arn == "*" or not is_wild(arn)
        covered = any_of(
            (True if known else None) if covers(pattern, arn) else False for pattern, known in found
        )
        if one:
            touched = covered
        else:
            # A variable stands for the caller's own part; whether there is any is not known.
            fixed = [
                known and not _OWN_PART.search(text)
                for text, (_, known) in zip(statement.resources, found, strict=True)
            ]
            touched = any_of(
                (True if own else None) if overlaps(pattern, arn) else False
                for (pattern, _), own in zip(found, fixed, strict=True)
            )
        wholly = statement.effect == "Deny" or self.target.wholly
        if statement.excepts_resources:
            hit = negate(touched if wholly else covered)
            # What cannot be resolved might make a statement invalid, AWS says.
            if hit is not False and (UNRESOLVED, True) in found:
                return self._doubt(statement.effect)
            return hit
        return covered if wholly else touched

    def choices(self) -> Iterator[Context]:
        """Every way in which the caller could choose what it can choose."""
        found = [*self.identity, *(self.boundary or ()), *self.resource]
        conditions = [one for reach in found for one in reach.statement.conditions]
        context, free = dict(self.known), {}
        for key in dict.fromkeys(condition.key for condition in conditions):
            value = context[key] if key in context else default(key)
            if self.caller.kind == "anonymous" and key not in context and _OF_IDENTITIES.match(key):
                value = ABSENT
            context[key] = value = ordinary_value(value) if self.is_ordinary else value
            if isinstance(value, Choice):
                named = (condition for condition in conditions if condition.key == key)
                free[key] = value.options or representatives(named)
        if prod(map(len, free.values())) > _MOST_CHOICES:
            yield {**context, **dict.fromkeys(free, UNKNOWN)}
            return
        for chosen in product(*free.values()):
            yield {**context, **dict(zip(free, chosen, strict=True))}

    def allowed(self, context: Context) -> bool | None:
        """Whether the request is allowed where the caller chooses this."""
        everything = [*self.identity, *(self.boundary or ()), *self.resource]
        return all_of((negate(self._some(everything, "Deny", context)), self._granted(context)))

    def refused(self, context: Context) -> bool | None:
        """Whether the resource's policy denies it where the caller chooses this."""
        return self._some(self.resource, "Deny", context)

    def _some(self, reaches: Iterable[_Reach], effect: str, context: Context) -> bool | None:
        doubt = self._doubt(effect)
        return any_of(
            all_of((reach.sure, _holding(reach.statement, context, doubt)))
            for reach in reaches
            if reach.statement.effect == effect
        )

    def _doubt(self, effect: str) -> bool | None:
        """The truth of what AWS does not document: judged in general, it opens rather than closes."""
        return effect == "Allow" if self.is_ordinary else None

    def _granted(self, context: Context) -> bool | None:
        caller, target = self.caller, self.target
        within = True if self.boundary is None else self._some(self.boundary, "Allow", context)
        own = all_of((self._some(self.identity, "Allow", context), within))
        if caller.kind == "root":
            own = True  # whatever is not denied is a root user's
        direct, session, wildcard, account = (
            self._some((r for r in self.resource if r.level == level), "Allow", context)
            for level in (DIRECT, SESSION, WILDCARD, ACCOUNT)
        )
        # A wildcard meets the session that asks, which no boundary limits then.
        session = any_of((session, wildcard))
        admitted = any_of((direct, session, account))
        if caller.kind in ("anonymous", "service", "federated"):
            return all_of((admitted, not self._closed_to_public()))
        foreign = all_of((admitted, own, not self._closed_to_public()))
        # The boundary limits what a resource's policy gives to a role, not to a user or a session.
        limited = direct if caller.kind in ("user", "root") else all_of((direct, within))
        if caller.kind == "root" and self.action.lower() == "sts:assumerole":
            return False  # AssumeRole cannot be called with a root user's credentials
        if target.policy_decides and target.policy is None:
            return None
        reached = all_of((account, own)) if target.policy_decides else own
        home = any_of((limited, session, reached))
        if caller.account and target.account:
            return home if caller.account == target.account else foreign
        return home if home == foreign else None

    def _closed_to_public(self) -> bool:
        target = self.target
        if not target.blocks_public or self.caller.kind == "service":
            return False
        return is_public(target.policy or ()) if target.public is None else target.public


# How a statement is about a caller: it is its own; it names it, its session, its account, or all.
IDENTITY, DIRECT, SESSION, ACCOUNT, WILDCARD = "identity", "direct", "session", "account", "*"


@dataclass(frozen=True)
class _Reach:
    """A statement that is about a request: whom of the request it names, and how surely."""

    statement: Statement
    level: str
    sure: bool | None


def _holding(statement: Statement, context: Context, doubt: bool | None) -> bool | None:
    return holds(statement.conditions, context, has_variables=statement.has_variables, doubt=doubt)


@lru_cache(maxsize=100_000)
def _naming(statements: tuple[Statement, ...], action: str) -> tuple[Statement, ...]:
    return tuple(one for one in statements if names_action(one, action))


@lru_cache(maxsize=100_000)
def _allows(statements: tuple[Statement, ...], action: str) -> bool:
    return any(one.effect == "Allow" for one in _naming(statements, action))


@lru_cache(maxsize=1_000_000)
def names_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, by naming it or by not excepting it."""
    if statement.actions is None:
        return False
    named = any(matches(pattern, action, ignore_case=True) for pattern in statement.actions)
    return named != statement.excepts_actions


@lru_cache(maxsize=100_000)
def _levels(statement: Statement, caller: Caller) -> dict[str, bool | None]:
    """How the principals of a resource's statement name a caller: itself, its session, its account."""
    if statement.principals is None:
        return {}
    found: dict[str, bool | None] = {}
    for kind, name in statement.principals:
        level, truth = _named(kind, name, caller, statement.effect)
        if truth is not False:
            found[level] = any_of((found.get(level, False), truth))
    if not statement.excepts_principals:
        return found
    return {DIRECT: negate(_excepted(found, caller, statement.effect))}


def _excepted(found: Mapping[str, bool | None], caller: Caller, effect: str) -> bool | None:
    """Whether a ``NotPrincipal`` leaves a caller out.

    A Deny leaves out a principal for certain only where its account, and of a role's session the
    role, are named beside it; it never leaves out one that has a permissions boundary.
    """
    if effect == "Allow" or WILDCARD in found or caller.kind not in ("user", "role"):
        return any_of(found.values())
    if caller.boundary is not None:
        return False
    itself = (DIRECT,) if caller.kind == "user" else (DIRECT, SESSION)
    if not any(found.get(level) for level in itself):
        return False
    return all(found.get(level) for level in (*itself, ACCOUNT)) or None


_ACCOUNT_ARN = re.compile(r"arn:[^:]+:iam::(\d{12}):root|(\d{12})")
_SESSION_ARN = re.compile(r"arn:[^:]+:sts::(\d{12}):assumed-role/([^/]+)/(.+)")


def _named(kind: str, name: str, caller: Caller, effect: str) -> tuple[str, bool | None]:
    """Whether one principal of a statement names a caller, and as what."""
    if name == "*" and kind in ("AWS", "*"):
        return WILDCARD, True
    if kind == "Service":
        return DIRECT, caller.kind == "service" and name in (caller.arn, "*")
    if kind == "Federated":
        return DIRECT, caller.kind == "federated" and name == caller.arn
    if kind == "CanonicalUser":
        # Whose account a canonical id is, is not known.
        return ACCOUNT, None if caller.kind in ("user", "role", "root") else False
    if kind != "AWS" or caller.kind not in ("user", "role", "root"):
        return DIRECT, False
    if whole := _ACCOUNT_ARN.fullmatch(name):
        level = DIRECT if caller.kind == "root" else ACCOUNT
        return level, bool(caller.account) and caller.account in whole.groups()
    if one := _SESSION_ARN.fullmatch(name):
        of_role = caller.kind == "role" and (one[1], one[2]) == (
            caller.account,
            caller.arn.rpartition("/")[2],
        )
        # An Allow to one session is one that the role can have; a Deny of it leaves the others.
        known = one[3] == caller.session if caller.session else effect == "Allow"
        return SESSION, of_role and known
    return DIRECT, name in (caller.arn, caller.user_id.partition(":")[0]) and bool(name)


@lru_cache(maxsize=10_000)
def _facts(caller: Caller) -> dict[str, Value]:
    """What a caller brings to every request.

    References
    ----------
    IAM User Guide, "AWS global condition context keys" and "Principal key values".
    """
    name = caller.arn.rpartition("/")[2]
    identifier = caller.user_id
    if caller.kind == "role" and not is_wild(identifier) and ":" not in identifier:
        identifier = f"{identifier or 'AROA*'}:{caller.session or '*'}"
    kinds = {"user": "User", "role": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}
    facts: dict[str, Value] = {
        "aws:principalarn": caller.arn or ABSENT,
        "aws:principalaccount": caller.account or UNKNOWN,
        "kms:calleraccount": caller.account or UNKNOWN,
        "aws:principaltype": kinds.get(caller.kind, UNKNOWN),
        "aws:userid": Some((identifier or "*",)) if is_wild(identifier or "*") else identifier,
        "aws:username": name if caller.kind == "user" else ABSENT,
        "aws:principalisawsservice": str(caller.kind == "service").lower(),
        "aws:principalservicename": ABSENT,
    }
    if caller.kind == "root":
        facts["aws:userid"] = caller.account
    if caller.kind == "anonymous":
        facts |= {
            "aws:principalaccount": "anonymous",
            "aws:userid": "anonymous",
            "aws:principalisawsservice": ABSENT,
        }
    if caller.kind == "service":
        facts |= {
            "aws:principalarn": ABSENT,
            "aws:userid": ABSENT,
            "aws:principalservicename": caller.arn,
            "aws:principalorgid": ABSENT,
            "aws:sourcearn": UNKNOWN,
            "aws:sourceaccount": UNKNOWN,
        }
    return {**facts, **caller.context}


@lru_cache(maxsize=10_000)
def _facts_of(target: Target) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    if target.account:
        facts |= {"aws:resourceaccount": target.account, "s3:resourceaccount": target.account}
    region = (target.arn.split(":") + [""] * 4)[3]
    if region and not is_wild(region):
        facts["aws:requestedregion"] = region
    return {**facts, **target.context}


def _witnesses(caller: Caller, target: Target) -> list[Caller]:
    """The callers among whom one of an account's principals gets furthest."""
    if caller.kind != "account":
        return [caller]
    partition = (target.arn.split(":") + [""] * 2)[1] or "aws"
    base = f"arn:{partition}:iam::{caller.account}"
    shared = replace(caller, identity=caller.identity or EVERYTHING)
    found = {
        f"{base}:root": replace(shared, kind="root", arn=f"{base}:root"),
        **{one.arn: one for one in _strangers(shared, base)},
    }
    for arn in _arns_named(target.policy or (), base):
        kind = "root" if arn.endswith(":root") else arn.split(":")[5].partition("/")[0]
        if kind in ("user", "role"):
            found.setdefault(arn, replace(shared, kind=kind, arn=arn))
    return list(found.values())


def _strangers(shared: Caller, base: str) -> list[Caller]:
    """A role and a user with names that no policy gives."""
    return [
        replace(
            shared, kind=kind, arn=f"{base}:{kind}/any-other-{kind}", user_id=f"{mark}{'0' * 17}"
        )
        for kind, mark in (("role", "AROA"), ("user", "AIDA"))
    ]


@lru_cache(maxsize=10_000)
def _arns_named(statements: tuple[Statement, ...], base: str) -> tuple[str, ...]:
    """ARNs of an account's users and roles that fit what statements name, in any place."""
    names = [name for s in statements for _, name in s.principals or ()]
    names += [
        value
        for s in statements
        for condition in s.conditions
        if condition.key == "aws:principalarn"
        for value in condition.values
    ]
    found = []
    for name in names:
        if session := _SESSION_ARN.fullmatch(name):
            name = f"{base.rpartition('::')[0]}::{session[1]}:role/{session[2]}"
        for kind in ("role", "user"):
            if overlaps(name, f"{base}:{kind}/*"):
                _, _, own = name.partition(f":{kind}/")
                found.append(f"{base}:{kind}/{(own or 'x').replace('*', 'x').replace('?', 'x')}")
    return tuple(dict.fromkeys(found))


def synthetic_callers(account: str, partition: str = "aws") -> dict[str, Caller]:
    """Callers who stand for those whom an account's answers do not name, by what they are.

    Those of the own account have no identity policies: what a resource's policy gives them is
    their own. A stranger is any principal of an account that no policy names.
    """
    base = f"arn:{partition}:iam::{account}"
    role, user = _strangers(Caller("role", account=account), base)
    return {
        "any other role": role,
        "any other user": user,
        "the root user": Caller("root", f"{base}:root", account),
        "any other account": Caller("account", account="0" * 11 + "1", identity=EVERYTHING),
        "anonymous callers": Caller("anonymous"),
        "services of AWS": Caller("service", "any.amazonaws.com"),
    }


def accounts_named(statements: Iterable[Statement]) -> set[str]:
    """Every account that statements name, as principal or in conditions on the principal."""
    texts = [name for s in statements for _, name in s.principals or ()]
    texts += [
        value
        for s in statements
        for condition in s.conditions
        if condition.key in ("aws:principalarn", "aws:principalaccount", "kms:calleraccount")
        for value in condition.values
    ]
    return {found for text in texts for found in re.findall(r"(?<!\d)\d{12}(?!\d)", text)}


def is_public(statements: Iterable[Statement]) -> bool:
    """Whether S3 calls a bucket policy public: an Allow to anybody that no fixed value limits.

    References
    ----------
    S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of 'public'".
    """
    return any(
        statement.effect == "Allow"
        and (
            statement.excepts_principals
            or any(
                name == "*" and kind in ("AWS", "*") for kind, name in statement.principals or ()
            )
        )
        and not any(map(_is_fixed, statement.conditions))
        for statement in statements
    )


_FIXING = re.compile(
    r"aws:(sourceip|sourcearn|sourcevpc|sourcevpce|sourceowner|sourceaccount|userid|principalarn"
    r"|principalaccount|principalorgid|principalorgpaths|vpcsourceip)"
    r"|s3:(x-amz-server-side-encryption-aws-kms-key-id|dataaccesspoint(arn|account))"
)


def _is_fixed(condition: Condition) -> bool:
    positive = (
        "stringequals",
        "stringequalsignorecase",
        "stringlike",
        "arnequals",
        "arnlike",
        "ipaddress",
    )
    return (
        bool(_FIXING.fullmatch(condition.key))
        and condition.operator in positive
        and not condition.if_exists
        and condition.quantifier != "all"
        and bool(condition.values)
        and not any("*" in v or "?" in v or "${" in v or v.endswith("/0") for v in condition.values)
    )
