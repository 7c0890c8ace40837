"""Evaluates whether a principal may do an action on a resource, in three values.

References
----------
IAM User Guide, "Policy evaluation logic", "Permissions boundaries for IAM entities", "Cross-account
policy evaluation logic", "AWS JSON policy elements: Principal" and "... NotPrincipal"; KMS Developer
Guide, "Key policies"; S3 User Guide, "Blocking public access to your Amazon S3 storage".
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

from kit.access.conditions import (
    ABSENT,
    NETWORK_KEYS,
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
    is_one_way,
    negate,
    read_network,
    representatives,
)
from kit.access.conditions import (
    ordinary as ordinary_value,
)
from kit.access.documents import Condition, Statement, read_statements
from kit.access.patterns import account_ids, covers, is_wild, matches, overlaps

# The kit cannot see what another account allows to its principals: they may do everything.
EVERYTHING = read_statements(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
# A caller chooses among so many contexts at most, and so many conditions are evaluated for them;
# beyond, what it chooses is unknown. Real requests need some hundred.
_MOST_CHOICES = 1_000
_MOST_STEPS = 200_000
# A variable that resolves to the caller's own part: not an escaped character, and not an account or
# a region, which callers share.
_VARIABLE = re.compile(
    r"\$\{(?!aws:(principalaccount|resourceaccount|requestedregion)\})[^*?$]", re.IGNORECASE
)
# Keys of signed requests alone.
_OF_IDENTITIES = re.compile(r"aws:(principal|multifactorauth|tokenissuetime|sourceidentity)")
_TAG = "aws:principaltag/"
_NOTHING: Context = {}


class Access(Enum):
    """Whether a request is allowed, or denied: certainly, certainly not, or unknown."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_ACCESS = {True: Access.YES, False: Access.NO, None: Access.UNKNOWN}


@dataclass(frozen=True, eq=False)
class Caller:
    """The principal that makes a request.

    Attributes
    ----------
    kind : str
        ``user``, ``role``, ``root``, ``service``, ``federated``, ``anonymous``, or ``account``:
        the principal of an account that has the most access.
    arn : str
        For a role, the ARN of the role, not of its session. For a service, its name
        (``appstream.amazonaws.com``). For an identity provider, the provider's ARN. Empty for
        anonymous callers.
    user_id : str
        The unique id of a user or of a role, if known.
    session : str
        The name of a role's session, if known; otherwise any session of the role.
    boundary : tuple of Statement, optional
        None without a permissions boundary.
    tags : frozenset of str, optional
        The keys of its tags, in lower case. None if unknown, or if whoever takes a session of it may
        add tags. The values are unknown.
    context : mapping
        Further facts about the caller: its organisation ...
    """

    kind: str
    arn: str = ""
    account: str = ""
    user_id: str = ""
    session: str = ""
    identity: tuple[Statement, ...] = ()
    boundary: tuple[Statement, ...] | None = None
    tags: frozenset[str] | None = None
    context: Context = field(default_factory=dict)


_NOBODY = Caller("anonymous")


@dataclass(frozen=True, eq=False)
class Target:
    """The resource that a request is about.

    Attributes
    ----------
    arn : str
        May be a pattern: an Allow must cover some of its resources, a Deny all of them.
        ``*`` is for actions on no resource in particular.
    account : str
        The owner's account; empty if unknown.
    policy : tuple of Statement, optional
        The policy of the bucket, key or access point, or the trust policy of the role.
    policy_decides : bool
        The resource's policy must allow a request of its own account too (KMS keys, trust policies of
        roles).
    blocks_public : bool, optional
        RestrictPublicBuckets: a public policy admits only the owner's account and services. None
        if unknown.
    public : bool, optional
        Whether AWS calls the policy public; evaluated from the policy where that is unknown.
    wholly : bool
        An Allow, too, must cover all resources of a pattern; with ``NotResource`` it names no
        resource, and has to leave over some of them.
    context : mapping
        Further facts about the resource: its tags, its region ...
    behind : Target, optional
        The resource behind this one, such as an access point's bucket: it must allow too.
    """

    arn: str
    account: str = ""
    policy: tuple[Statement, ...] | None = None
    policy_decides: bool = False
    blocks_public: bool | None = False
    public: bool | None = None
    wholly: bool = False
    context: Context = field(default_factory=dict)
    behind: Target | None = None

    @property
    def policies(self) -> tuple[Statement, ...]:
        """The statements of its policy, and of the resource behind it."""
        return (*(self.policy or ()), *(self.behind.policies if self.behind else ()))


def decide(
    caller: Caller,
    action: str,
    target: Target,
    context: Context = _NOTHING,
    *,
    ordinary: bool = False,
) -> Access:
    """Return whether a caller may do an action on a target.

    The caller chooses the values that it can choose (`kit.access.conditions.CHOSEN`) to its favour.

    Parameters
    ----------
    ordinary : bool
        Evaluate unknown keys with a value that no policy names, instead of with all their possible
        values. YES then means "open to callers in general"; otherwise it means "open, whatever the
        values are".
    """
    relevant = _Relevant.of(caller, action, target)
    return _decided(caller, relevant, target, tuple(context.items()), ordinary)


def denied(
    caller: Caller,
    action: str,
    target: Target,
    context: Context = _NOTHING,
    *,
    ordinary: bool = False,
) -> Access:
    """Return whether the resource's policy explicitly denies an action, whatever the caller chooses."""
    relevant = _Relevant.of(caller, action, target)
    return _denied(caller, relevant, target, tuple(context.items()), ordinary)


def reduced(target: Target) -> Target:
    """Return a target whose policy names all resources where it names the target, else none.

    Targets with equal policies that differ only in their ARN become the same object, so that each
    request is evaluated once. The results are equal for callers whose identity policies name every
    resource. A target with variables in its policy's resources, or with a resource behind it, is
    returned unchanged.
    """
    statements = target.policy or ()
    if target.behind or any("${" in text for s in statements for text in s.resources or ()):
        return target
    request = _Request(_NOBODY, _Relevant((), (), (), True), target, _NOTHING, False)
    policy = tuple(
        _reduced(
            statement.effect,
            statement.actions,
            ("*",) if request.names_target(statement, of_resource=True) else (),
            statement.principals,
            statement.conditions,
            statement.excepts_actions,
            statement.excepts_principals,
            statement.has_variables,
        )
        for statement in statements
    )
    return _same_target(
        ":".join([*target.arn.split(":")[:5], "*"]),
        target.account,
        None if target.policy is None else policy,
        target.policy_decides,
        target.blocks_public,
        target.public,
        target.wholly,
        tuple(target.context.items()),
    )


@lru_cache(maxsize=10_000)
def _reduced(
    effect: str,
    actions: tuple[str, ...] | None,
    resources: tuple[str, ...],
    principals: tuple[tuple[str, str], ...] | None,
    conditions: tuple[Condition, ...],
    excepts_actions: bool,
    excepts_principals: bool,
    has_variables: bool,
) -> Statement:
    return Statement(
        effect,
        actions,
        resources,
        principals,
        conditions,
        excepts_actions=excepts_actions,
        excepts_principals=excepts_principals,
        has_variables=has_variables,
    )


@lru_cache(maxsize=10_000)
def _same_target(
    arn: str,
    account: str,
    policy: tuple[Statement, ...] | None,
    policy_decides: bool,
    blocks_public: bool | None,
    public: bool | None,
    wholly: bool,
    context: tuple[tuple[str, Value], ...],
) -> Target:
    return Target(
        arn, account, policy, policy_decides, blocks_public, public, wholly, dict(context)
    )


class _Relevant(NamedTuple):
    """The statements that name an action, and whether the root user can call it."""

    identity: tuple[Statement, ...]
    boundary: tuple[Statement, ...]
    resource: tuple[Statement, ...]
    open_to_root: bool
    behind: _Relevant | None = None

    @classmethod
    def of(cls, caller: Caller, action: str, target: Target) -> _Relevant:
        return cls(
            _naming(_identity(caller), action),
            _naming(caller.boundary or (), action),
            _naming(target.policy or (), action),
            # AssumeRole cannot be called with a root user's credentials.
            action.lower() != "sts:assumerole",
            cls.of(caller, action, target.behind) if target.behind else None,
        )


# The cache evaluates only the first of several actions that the same statements name.
@lru_cache(maxsize=100_000)
def _decided(
    caller: Caller,
    relevant: _Relevant,
    target: Target,
    context: tuple[tuple[str, Value], ...],
    is_ordinary: bool,
) -> Access:
    return _ACCESS[
        any_of(
            _allowed(candidate, relevant, target, dict(context), is_ordinary)
            for candidate in _candidates(caller, target)
        )
    ]


def _allowed(
    caller: Caller, relevant: _Relevant, target: Target, context: Context, is_ordinary: bool
) -> bool | None:
    """Return whether a single caller may do it, to the target and to the resource behind it."""
    request = _Request(caller, relevant, target, context, is_ordinary)
    if request.is_hopeless:
        return False
    result = any_of(request.allowed(choice) for choice in request.choices(request.everything))
    if target.behind is None or relevant.behind is None or result is False:
        return result
    return all_of((result, _allowed(caller, relevant.behind, target.behind, context, is_ordinary)))


@lru_cache(maxsize=100_000)
def _denied(
    caller: Caller,
    relevant: _Relevant,
    target: Target,
    context: tuple[tuple[str, Value], ...],
    is_ordinary: bool,
) -> Access:
    return _ACCESS[
        all_of(
            request.refused(choice)
            for candidate in _candidates(caller, target)
            for request in [_Request(candidate, relevant, target, dict(context), is_ordinary)]
            for choice in request.choices(request.refusals)
        )
    ]


class _Request:
    """A caller and a target, with the statements that name them and the action."""

    def __init__(
        self,
        caller: Caller,
        relevant: _Relevant,
        target: Target,
        context: Context,
        is_ordinary: bool,
    ):
        self.caller, self.relevant, self.target = caller, relevant, target
        self.is_ordinary = is_ordinary
        self.context = context

    @property
    def is_hopeless(self) -> bool:
        """Whether no Allow names the action, which is frequent."""
        caller, target = self.caller, self.target
        return not (
            caller.kind == "root"
            or (target.policy is None and target.policy_decides)
            or any(statement.effect == "Allow" for statement in self.relevant.identity)
            or any(statement.effect == "Allow" for statement in self.relevant.resource)
        )

    @cached_property
    def facts(self) -> dict[str, Value]:
        """The known values of the request, before the caller chooses."""
        return {**_caller_facts(self.caller), **_target_facts(self.target), **self.context}

    @cached_property
    def identity(self) -> list[_Reach]:
        return self._reaches(self.relevant.identity)

    @cached_property
    def boundary(self) -> list[_Reach]:
        return self._reaches(self.relevant.boundary)

    @cached_property
    def resource(self) -> list[_Reach]:
        return self._reaches(self.relevant.resource, of_resource=True)

    @cached_property
    def everything(self) -> list[_Reach]:
        return [*self.identity, *self.boundary, *self.resource]

    @cached_property
    def refusals(self) -> list[_Reach]:
        return [reach for reach in self.resource if reach.statement.effect == "Deny"]

    def _reaches(
        self, statements: tuple[Statement, ...], *, of_resource: bool = False
    ) -> list[_Reach]:
        """Return the statements that may name the request, whatever their conditions."""
        return [
            _Reach(statement, level, certain)
            for statement in statements
            for level, names_caller in (
                _levels(statement, self.caller) if of_resource else {IDENTITY: True}
            ).items()
            for certain in [all_of((self.names_target(statement, of_resource), names_caller))]
            if certain is not False
        ]

    def names_target(self, statement: Statement, of_resource: bool) -> bool | None:
        """Return whether a statement names the target: an Allow some of it, a Deny all of it."""
        arn = self.target.arn
        if statement.resources is None:
            # A trust policy names the role that has it.
            return of_resource and ":iam:" in arn and ":role/" in arn
        patterns = [
            fill(text, self.facts) if statement.has_variables else (text, True)
            for text in statement.resources
        ]
        covered = any_of(
            (True if is_certain else None) if covers(pattern, arn) else False
            for pattern, is_certain in patterns
        )
        partly = covered
        # "*", for no resource in particular, matches "*" alone.
        if is_wild(arn) and arn != "*":
            # A variable resolves to the caller's part; whether that part exists is unknown.
            partly = any_of(
                (None if _VARIABLE.search(text) or not is_certain else True)
                if overlaps(pattern, arn)
                else False
                for text, (pattern, is_certain) in zip(statement.resources, patterns, strict=True)
            )
        wholly = statement.effect == "Deny" or self.target.wholly
        if not statement.excepts_resources:
            return covered if wholly else partly
        named = negate(partly if statement.effect == "Deny" else covered)
        # AWS: a variable that cannot be resolved might make a statement invalid.
        in_doubt = named is not False and (UNRESOLVED, True) in patterns
        return self._doubt(statement.effect) if in_doubt else named

    def choices(self, reaches: Iterable[_Reach]) -> Iterator[Context]:
        """Yield every context that the caller can choose for the conditions of these statements.

        A choice among networks is one of the internet or of a VPC endpoint.
        """
        conditions = [part for reach in reaches for part in reach.statement.conditions]
        context, options = dict(self.facts), {}
        for key in dict.fromkeys(condition.key for condition in conditions):
            value = context[key] if key in context else self._default(key)
            context[key] = value = ordinary_value(value) if self.is_ordinary else value
            if isinstance(value, Choice):
                on_key = (condition for condition in conditions if condition.key == key)
                options[key] = value.options or representatives(on_key)
        contexts = prod(map(len, options.values()))
        if contexts > _MOST_CHOICES or contexts * len(conditions) > _MOST_STEPS:
            yield {**context, **dict.fromkeys(options, UNKNOWN)}
            return
        is_free = options.keys().isdisjoint(NETWORK_KEYS)
        for values in product(*options.values()):
            chosen = {**context, **dict(zip(options, values, strict=True))}
            if is_free or is_one_way(chosen):
                yield chosen

    def _default(self, key: str) -> Value:
        has_identity = self.caller.kind not in ("anonymous", "service")
        if key.startswith(_TAG) and self.caller.tags is not None:
            return Some() if key.removeprefix(_TAG) in self.caller.tags else ABSENT
        return default(key) if has_identity or not _OF_IDENTITIES.match(key) else ABSENT

    def allowed(self, context: Context) -> bool | None:
        """Return whether policies allow the request in this context."""
        return all_of((negate(self._any(self.everything, "Deny", context)), self._granted(context)))

    def refused(self, context: Context) -> bool | None:
        """Return whether the resource's policy denies the request in this context."""
        return self._any(self.refusals, "Deny", context)

    def _any(self, reaches: Iterable[_Reach], effect: str, context: Context) -> bool | None:
        doubt = self._doubt(effect)
        return any_of(
            all_of((reach.certain, _holding(reach.statement, context, doubt)))
            for reach in reaches
            if reach.statement.effect == effect
        )

    def _doubt(self, effect: str) -> bool | None:
        """Return the truth where AWS documents nothing: for ordinary callers, the more open one."""
        return effect == "Allow" if self.is_ordinary else None

    def _granted(self, context: Context) -> bool | None:
        """Return whether policies allow the request, without regard to Deny statements."""
        caller, target = self.caller, self.target
        direct, session, wildcard, account = (
            self._any((r for r in self.resource if r.level == level), "Allow", context)
            for level in (DIRECT, SESSION, WILDCARD, ACCOUNT)
        )
        admitted = any_of((direct, session, wildcard, account))
        open_to_public = negate(self._is_closed_to_public())
        if caller.kind in ("anonymous", "service", "federated"):
            return all_of((admitted, open_to_public))
        if caller.kind == "root" and not self.relevant.open_to_root:
            return False
        within = caller.boundary is None or self._any(self.boundary, "Allow", context)
        # A root user may do whatever is not denied.
        by_identity = caller.kind == "root" or all_of(
            (self._any(self.identity, "Allow", context), within)
        )
        # The boundary limits what a resource's policy allows to a role. It does not limit what the
        # policy allows to a user or to a session, and a wildcard matches the session.
        by_resource = any_of(
            (direct if caller.kind == "user" else all_of((direct, within)), session, wildcard)
        )
        if target.policy_decides:
            unseen = target.policy is None
            by_account = all_of((account, by_identity))
            at_home = None if unseen else any_of((by_resource, by_account))
        else:
            at_home = any_of((by_resource, by_identity))
        across = all_of((admitted, by_identity, open_to_public))
        if caller.account and target.account:
            return at_home if caller.account == target.account else across
        return at_home if at_home == across else None

    def _is_closed_to_public(self) -> bool | None:
        target = self.target
        if target.blocks_public is False or self.caller.kind == "service":
            return False
        public = is_public(target.policy or ()) if target.public is None else target.public
        return public and target.blocks_public


# How a statement names a caller: in the caller's own policy, by its ARN, its session, its account,
# or everybody.
IDENTITY, DIRECT, SESSION, ACCOUNT, WILDCARD = "identity", "direct", "session", "account", "*"


@dataclass(frozen=True)
class _Reach:
    """A statement that names a request: how it names the caller, and whether for certain."""

    statement: Statement
    level: str
    certain: bool | None


def _holding(statement: Statement, context: Context, doubt: bool | None) -> bool | None:
    return holds(statement.conditions, context, has_variables=statement.has_variables, doubt=doubt)


@lru_cache(maxsize=100_000)
def _naming(statements: tuple[Statement, ...], action: str) -> tuple[Statement, ...]:
    return tuple(statement for statement in statements if names_action(statement, action))


@lru_cache(maxsize=100_000)
def _allows(statements: tuple[Statement, ...], action: str) -> bool:
    return any(statement.effect == "Allow" for statement in _naming(statements, action))


@lru_cache(maxsize=1_000_000)
def names_action(statement: Statement, action: str) -> bool:
    """Return whether a statement names an action, or does not except it."""
    if statement.actions is None:
        return False
    named = any(matches(pattern, action, ignore_case=True) for pattern in statement.actions)
    return named != statement.excepts_actions


@lru_cache(maxsize=100_000)
def _levels(statement: Statement, caller: Caller) -> dict[str, bool | None]:
    """Return how a resource's statement names a caller: itself, its session, its account."""
    levels: dict[str, bool | None] = {}
    for kind, name in statement.principals or ():
        level, truth = _named(kind, name, caller, statement.effect)
        if truth is not False:
            levels[level] = any_of((levels.get(level, False), truth))
    if not statement.excepts_principals:
        return levels
    return {DIRECT: negate(_excepted(levels, caller, statement.effect))}


def _excepted(levels: Mapping[str, bool | None], caller: Caller, effect: str) -> bool | None:
    """Return whether a ``NotPrincipal`` excepts a caller.

    A Deny certainly excepts a principal only if the element also names its account and, for a
    role's session, the role. It never excepts a principal with a permissions boundary.
    """
    if effect == "Allow" or WILDCARD in levels or caller.kind not in ("user", "role"):
        return any_of(levels.values())
    if caller.boundary is not None:
        return False
    itself = (DIRECT,) if caller.kind == "user" else (DIRECT, SESSION)
    if not any(levels.get(level) for level in itself):
        return False
    return all(levels.get(level) for level in (*itself, ACCOUNT)) or None


_ACCOUNT_ARN = re.compile(r"arn:[^:]+:iam::(\d{12}):root|(\d{12})")
_SESSION_ARN = re.compile(r"arn:[^:]+:sts::(\d{12}):assumed-role/([^/]+)/(.+)")
_FEDERATED_ARN = re.compile(r"arn:[^:]+:sts::(\d{12}):federated-user/.+")


def _named(kind: str, name: str, caller: Caller, effect: str) -> tuple[str, bool | None]:
    """Return how a principal of a statement names a caller, and whether it does."""
    if name == "*" and kind in ("AWS", "*"):
        return WILDCARD, True
    if kind == "Service":
        return DIRECT, caller.kind == "service" and name in (caller.arn, "*")
    if kind == "Federated":
        return DIRECT, caller.kind == "federated" and name == caller.arn
    if kind == "CanonicalUser":
        # The account of a canonical id is unknown.
        return ACCOUNT, None if caller.kind in ("user", "role", "root") else False
    if kind != "AWS" or caller.kind not in ("user", "role", "root"):
        return DIRECT, False
    if account := _ACCOUNT_ARN.fullmatch(name):
        level = DIRECT if caller.kind == "root" else ACCOUNT
        return level, bool(caller.account) and caller.account in account.groups()
    if session := _SESSION_ARN.fullmatch(name):
        role = (caller.account, caller.arn.rpartition("/")[2])
        if caller.kind != "role" or session.group(1, 2) != role:
            return SESSION, False
        # The role can take the session that an Allow names; a Deny of it leaves other sessions.
        return SESSION, session[3] == caller.session if caller.session else effect == "Allow"
    if federated := _FEDERATED_ARN.fullmatch(name):
        # A user with GetFederationToken can take any such session; a Deny leaves other sessions.
        can_be = caller.kind == "user" and _allows(caller.identity, "sts:GetFederationToken")
        return SESSION, effect == "Allow" and caller.account == federated[1] and can_be
    return DIRECT, name in (caller.arn, caller.user_id.partition(":")[0]) and bool(name)


@lru_cache(maxsize=10_000)
def _caller_facts(caller: Caller) -> dict[str, Value]:
    """Return the context keys that a caller has in every request.

    References
    ----------
    IAM User Guide, "AWS global condition context keys" and "Principal key values".
    """
    name = caller.arn.rpartition("/")[2]
    unknown = {"user": "AIDA*", "role": "AROA*"}
    identifier = caller.user_id or unknown.get(caller.kind, "*")
    if caller.kind == "role" and ":" not in identifier:
        identifier = f"{identifier}:{caller.session or '*'}"
    kinds = {"user": "User", "role": "AssumedRole", "root": "Account", "anonymous": "Anonymous"}
    facts: dict[str, Value] = {
        "aws:principalarn": caller.arn or ABSENT,
        "aws:principalaccount": caller.account or UNKNOWN,
        "kms:calleraccount": caller.account or UNKNOWN,
        "aws:principaltype": kinds.get(caller.kind, UNKNOWN),
        "aws:userid": Some((identifier,)) if is_wild(identifier) else identifier,
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
            "aws:principalaccount": UNKNOWN,
            "aws:principalservicename": caller.arn,
            "aws:principalservicenameslist": UNKNOWN,
            "aws:sourcearn": UNKNOWN,
            "aws:sourceaccount": UNKNOWN,
        }
    return {**facts, **caller.context}


@lru_cache(maxsize=10_000)
def _target_facts(target: Target) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    if target.account:
        facts |= {"aws:resourceaccount": target.account, "s3:resourceaccount": target.account}
    region = (target.arn.split(":") + [""] * 4)[3]
    if region and not is_wild(region):
        facts["aws:requestedregion"] = region
    return {**facts, **target.context}


def _identity(caller: Caller) -> tuple[Statement, ...]:
    return caller.identity or (EVERYTHING if caller.kind == "account" else ())


def _candidates(caller: Caller, target: Target) -> tuple[Caller, ...]:
    """Return the callers to evaluate: of an account, those that may have the most access."""
    if caller.kind != "account":
        return (caller,)
    partition = (target.arn.split(":") + [""] * 2)[1] or "aws"
    base = f"arn:{partition}:iam::{caller.account}"
    return _of_account(caller, base, _arns_named(target.policies, base))


@lru_cache(maxsize=10_000)
def _of_account(
    caller: Caller, base: str, named: tuple[tuple[str, str], ...]
) -> tuple[Caller, ...]:
    """Return an account's root user, the principals that policies name, and unnamed principals."""
    shared = replace(caller, identity=_identity(caller))
    root = replace(shared, kind="root", arn=f"{base}:root")
    each = (replace(shared, kind=kind, arn=arn) for kind, arn in named)
    return (root, *_unnamed_principals(shared, base), *each)


def _unnamed_principals(shared: Caller, base: str) -> list[Caller]:
    """Return a role and a user that no policy names."""
    return [
        replace(
            shared, kind=kind, arn=f"{base}:{kind}/any-other-{kind}", user_id=f"{mark}{'0' * 17}"
        )
        for kind, mark in (("role", "AROA"), ("user", "AIDA"))
    ]


@lru_cache(maxsize=10_000)
def _arns_named(statements: tuple[Statement, ...], base: str) -> tuple[tuple[str, str], ...]:
    """Return kind and ARN of an account's users and roles that match a name in statements."""
    arns: dict[tuple[str, str], None] = {}
    for name in _names(statements, ("aws:principalarn",)):
        if name == "*":
            continue  # the unnamed principals cover it
        if session := _SESSION_ARN.fullmatch(name):
            name = f"{base.rpartition('::')[0]}::{session[1]}:role/{session[2]}"
        for kind in ("role", "user"):
            if overlaps(name, f"{base}:{kind}/*"):
                path = name.partition(f":{kind}/")[2].replace("*", "x").replace("?", "x")
                arns[kind, f"{base}:{kind}/{path or 'x'}"] = None
    return tuple(arns)


def _names(statements: Iterable[Statement], keys: Container[str]) -> Iterator[str]:
    """Yield the names of principals, and the values of conditions on some keys."""
    for statement in statements:
        yield from (name for _, name in statement.principals or ())
        for condition in statement.conditions:
            if condition.key in keys:
                yield from condition.values


def synthetic_callers(account: str, partition: str = "aws") -> dict[str, Caller]:
    """Return callers that represent the principals that no answer names, by their description.

    Those of this account have no identity policies: they have only what a resource's policy allows.
    """
    return dict(_synthetic_callers(account, partition))


@lru_cache(maxsize=1_000)
def _synthetic_callers(account: str, partition: str) -> Mapping[str, Caller]:
    base = f"arn:{partition}:iam::{account}"
    role, user = _unnamed_principals(Caller("role", account=account), base)
    return {
        "any other role": role,
        "any other user": user,
        "the root user": Caller("root", f"{base}:root", account),
        "any other account": Caller("account", account="0" * 11 + "1", identity=EVERYTHING),
        "anonymous callers": Caller("anonymous"),
        "services of AWS": Caller("service", "any.amazonaws.com"),
    }


@lru_cache(maxsize=10_000)
def any_of_account(account: str) -> Caller:
    """Return the caller for an account's principal with the most access; the same object each time."""
    return Caller("account", account=account)


@lru_cache(maxsize=10_000)
def with_context(caller: Caller, key: str, value: Value) -> Caller:
    """Return a caller with a further fact; the same object each time."""
    return replace(caller, context={**caller.context, key: value})


def accounts_named(statements: Iterable[Statement], besides: str = "") -> dict[str, str]:
    """Return every account that statements name, as principal or in conditions on the principal.

    Of a pattern of account ids, an id that matches it, but not the id ``besides``. What the
    statements write, by id: see `account_ids`.
    """
    keys = ("aws:principalarn", "aws:principalaccount", "aws:userid", "kms:calleraccount")
    names = _names(statements, keys)
    named: dict[str, str] = {}
    for number, written in (pair for name in names for pair in account_ids(name, besides).items()):
        named[number] = number if number in (written, named.get(number)) else written
    return named


def is_public(statements: Iterable[Statement]) -> bool:
    """Return whether S3 calls a bucket policy public: an Allow to everybody without a fixed value.

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


# Keys with which S3 considers a grant limited to fixed values, such as an account or a network.
_FIXING = re.compile(
    r"aws:(sourceip|sourcearn|sourcevpc|sourcevpce|sourceowner|sourceaccount|userid|principalarn"
    r"|principalaccount|principalorgid|principalorgpaths|vpcsourceip)"
    r"|s3:(x-amz-server-side-encryption-aws-kms-key-id|dataaccesspoint(arn|account))"
)
_POSITIVE = re.compile(r"string(equals(ignorecase)?|like)|arn(equals|like)|ipaddress")
WIDEST = {4: 8, 6: 32}  # S3 calls wider networks "very broad"


def _is_fixed(condition: Condition) -> bool:
    return (
        bool(_FIXING.fullmatch(condition.key) and _POSITIVE.fullmatch(condition.operator))
        and not condition.if_exists
        and condition.quantifier != "all"
        and bool(condition.values)
        and all(_is_fixed_value(condition, value) for value in condition.values)
    )


def _is_fixed_value(condition: Condition, value: str) -> bool:
    if condition.operator == "ipaddress":
        network = read_network(value)
        return network is None or network.prefixlen >= WIDEST[network.version]
    if condition.key == "s3:dataaccesspointarn":  # the name of the access point may be any
        value = ":".join(value.split(":")[:5])
    return not is_wild(value) and "${" not in value
