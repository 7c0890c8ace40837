"""The one answer to "may this principal do this action on this resource", in three values.

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
    read_network,
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
_VARIABLE = re.compile(r"\$\{[^*?$]")  # a variable, which no escaped character is
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
    """The principal that makes a request.

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


_NOBODY = Caller("anonymous")


@dataclass(frozen=True, eq=False)
class Target:
    """The resource that a request is about.

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
    behind : Target, optional
        What requests reach through it, such as an access point's bucket: it has to allow too.
    """

    arn: str
    account: str = ""
    policy: tuple[Statement, ...] | None = None
    policy_decides: bool = False
    blocks_public: bool = False
    public: bool | None = None
    wholly: bool = False
    context: Context = field(default_factory=dict)
    behind: Target | None = None

    @property
    def policies(self) -> tuple[Statement, ...]:
        """The statements of its policy, and of what is behind it."""
        return (*(self.policy or ()), *(self.behind.policies if self.behind else ()))


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
    about = _About.of(caller, action, target)
    return _decided(caller, about, target, tuple(context.items()), ordinary)


def denied(
    caller: Caller,
    action: str,
    target: Target,
    context: Context = _NOTHING,
    *,
    ordinary: bool = False,
) -> Access:
    """Whether the resource's policy denies a caller an action explicitly, whatever it chooses."""
    about = _About.of(caller, action, target)
    return _denied(caller, about, target, tuple(context.items()), ordinary)


def reduced(target: Target) -> Target:
    """Return a target whose policy names all resources where it names the target, else none.

    Targets with equal policies that differ in their own ARN alone come out as one object, so that
    each of their questions is judged once. Callers whose own policies are about every resource get
    the same answers. A policy with variables in its resources stays as it is, and
    so does what has something behind it.
    """
    statements = target.policy or ()
    if target.behind or any("${" in text for one in statements for text in one.resources or ()):
        return target
    request = _Request(_NOBODY, _About((), (), (), True), target, _NOTHING, False)
    policy = tuple(
        _reduced(
            one.effect,
            one.actions,
            ("*",) if request.names_target(one, of_resource=True) else (),
            one.principals,
            one.conditions,
            one.excepts_actions,
            one.excepts_principals,
            one.has_variables,
        )
        for one in statements
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
    blocks_public: bool,
    public: bool | None,
    wholly: bool,
    context: tuple[tuple[str, Value], ...],
) -> Target:
    return Target(
        arn, account, policy, policy_decides, blocks_public, public, wholly, dict(context)
    )


class _About(NamedTuple):
    """All that an answer takes from an action: which statements name it, and how it may be called."""

    identity: tuple[Statement, ...]
    boundary: tuple[Statement, ...]
    resource: tuple[Statement, ...]
    open_to_root: bool
    behind: _About | None = None

    @classmethod
    def of(cls, caller: Caller, action: str, target: Target) -> _About:
        return cls(
            _naming(_identity(caller), action),
            _naming(caller.boundary or (), action),
            _naming(target.policy or (), action),
            # AssumeRole cannot be called with a root user's credentials.
            action.lower() != "sts:assumerole",
            cls.of(caller, action, target.behind) if target.behind else None,
        )


# Of many actions that the same statements name, one is judged.
@lru_cache(maxsize=100_000)
def _decided(
    caller: Caller,
    about: _About,
    target: Target,
    context: tuple[tuple[str, Value], ...],
    is_ordinary: bool,
) -> Access:
    return _ACCESS[
        any_of(
            _allowed(witness, about, target, dict(context), is_ordinary)
            for witness in _witnesses(caller, target)
        )
    ]


def _allowed(
    caller: Caller, about: _About, target: Target, context: Context, is_ordinary: bool
) -> bool | None:
    """Whether one caller may do it, to the target and to what is behind it."""
    request = _Request(caller, about, target, context, is_ordinary)
    if request.is_hopeless:
        return False
    here = any_of(request.allowed(choice) for choice in request.choices(request.everything))
    if target.behind is None or about.behind is None or here is False:
        return here
    return all_of((here, _allowed(caller, about.behind, target.behind, context, is_ordinary)))


@lru_cache(maxsize=100_000)
def _denied(
    caller: Caller,
    about: _About,
    target: Target,
    context: tuple[tuple[str, Value], ...],
    is_ordinary: bool,
) -> Access:
    return _ACCESS[
        all_of(
            request.refused(choice)
            for witness in _witnesses(caller, target)
            for request in [_Request(witness, about, target, dict(context), is_ordinary)]
            for choice in request.choices(request.refusals)
        )
    ]


class _Request:
    """A caller and a target, with the statements that are about them and the action."""

    def __init__(
        self, caller: Caller, about: _About, target: Target, context: Context, is_ordinary: bool
    ):
        self.caller, self.about, self.target = caller, about, target
        self.is_ordinary = is_ordinary
        self.context = context

    @property
    def is_hopeless(self) -> bool:
        """Whether no Allow is about the action at all, as is often the case."""
        caller, target = self.caller, self.target
        return not (
            caller.kind == "root"
            or (target.policy is None and target.policy_decides)
            or any(one.effect == "Allow" for one in self.about.identity)
            or any(one.effect == "Allow" for one in self.about.resource)
        )

    @cached_property
    def facts(self) -> dict[str, Value]:
        """What is known of the request before the caller chooses."""
        return {**_facts(self.caller), **_facts_of(self.target), **self.context}

    @cached_property
    def identity(self) -> list[_Reach]:
        return self._reaches(self.about.identity)

    @cached_property
    def boundary(self) -> list[_Reach]:
        return self._reaches(self.about.boundary)

    @cached_property
    def resource(self) -> list[_Reach]:
        return self._reaches(self.about.resource, of_resource=True)

    @cached_property
    def everything(self) -> list[_Reach]:
        return [*self.identity, *self.boundary, *self.resource]

    @cached_property
    def refusals(self) -> list[_Reach]:
        return [reach for reach in self.resource if reach.statement.effect == "Deny"]

    def _reaches(
        self, statements: tuple[Statement, ...], *, of_resource: bool = False
    ) -> list[_Reach]:
        """The statements that may be about the request, whatever their conditions."""
        return [
            _Reach(statement, level, certain)
            for statement in statements
            for level, named in (
                _levels(statement, self.caller) if of_resource else {IDENTITY: True}
            ).items()
            for certain in [all_of((self.names_target(statement, of_resource), named))]
            if certain is not False
        ]

    def names_target(self, statement: Statement, of_resource: bool) -> bool | None:
        """Whether a statement is about the target: an Allow about some of it, a Deny about all."""
        arn = self.target.arn
        if statement.resources is None:
            # A trust policy is about the role that has it.
            return of_resource and ":iam:" in arn and ":role/" in arn
        patterns = [
            fill(text, self.facts) if statement.has_variables else (text, True)
            for text in statement.resources
        ]
        covered = any_of(
            (True if is_certain else None) if covers(pattern, arn) else False
            for pattern, is_certain in patterns
        )
        touched = covered
        # What is on no resource in particular, "*", is named by "*" alone.
        if is_wild(arn) and arn != "*":
            # A variable stands for the caller's own part; whether there is any is not known.
            touched = any_of(
                (None if _VARIABLE.search(text) else True) if overlaps(pattern, arn) else False
                for text, (pattern, _) in zip(statement.resources, patterns, strict=True)
            )
        wholly = statement.effect == "Deny" or self.target.wholly
        if not statement.excepts_resources:
            return covered if wholly else touched
        named = negate(touched if wholly else covered)
        # What cannot be resolved might make a statement invalid, AWS says.
        in_doubt = named is not False and (UNRESOLVED, True) in patterns
        return self._doubt(statement.effect) if in_doubt else named

    def choices(self, reaches: Iterable[_Reach]) -> Iterator[Context]:
        """Every way in which the caller could choose what it can choose of what these ask."""
        conditions = [part for reach in reaches for part in reach.statement.conditions]
        context, options = dict(self.facts), {}
        for key in dict.fromkeys(condition.key for condition in conditions):
            value = context[key] if key in context else self._default(key)
            context[key] = value = ordinary_value(value) if self.is_ordinary else value
            if isinstance(value, Choice):
                about = (condition for condition in conditions if condition.key == key)
                options[key] = value.options or representatives(about)
        if prod(map(len, options.values())) > _MOST_CHOICES:
            yield {**context, **dict.fromkeys(options, UNKNOWN)}
            return
        for values in product(*options.values()):
            yield {**context, **dict(zip(options, values, strict=True))}

    def _default(self, key: str) -> Value:
        has_identity = self.caller.kind not in ("anonymous", "service")
        return default(key) if has_identity or not _OF_IDENTITIES.match(key) else ABSENT

    def allowed(self, context: Context) -> bool | None:
        """Whether the request is allowed where the caller chooses this."""
        return all_of((negate(self._any(self.everything, "Deny", context)), self._granted(context)))

    def refused(self, context: Context) -> bool | None:
        """Whether the resource's policy denies it where the caller chooses this."""
        return self._any(self.refusals, "Deny", context)

    def _any(self, reaches: Iterable[_Reach], effect: str, context: Context) -> bool | None:
        doubt = self._doubt(effect)
        return any_of(
            all_of((reach.certain, _holding(reach.statement, context, doubt)))
            for reach in reaches
            if reach.statement.effect == effect
        )

    def _doubt(self, effect: str) -> bool | None:
        """The truth of what AWS does not document: judged in general, it opens rather than closes."""
        return effect == "Allow" if self.is_ordinary else None

    def _granted(self, context: Context) -> bool | None:
        """Whether policies allow the request, were there no Deny."""
        caller, target = self.caller, self.target
        direct, session, wildcard, account = (
            self._any((r for r in self.resource if r.level == level), "Allow", context)
            for level in (DIRECT, SESSION, WILDCARD, ACCOUNT)
        )
        admitted = any_of((direct, session, wildcard, account))
        open_to_public = not self._is_closed_to_public()
        if caller.kind in ("anonymous", "service", "federated"):
            return all_of((admitted, open_to_public))
        if caller.kind == "root" and not self.about.open_to_root:
            return False
        within = caller.boundary is None or self._any(self.boundary, "Allow", context)
        # Whatever is not denied is a root user's.
        by_identity = caller.kind == "root" or all_of(
            (self._any(self.identity, "Allow", context), within)
        )
        # The boundary limits what a resource's policy gives to a role. It limits neither what it
        # gives to a user nor what it gives to a session, and a wildcard means the session.
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

    def _is_closed_to_public(self) -> bool:
        target = self.target
        if not target.blocks_public or self.caller.kind == "service":
            return False
        return is_public(target.policy or ()) if target.public is None else target.public


# How a statement is about a caller: it is its own; it names it, its session, its account, or all.
IDENTITY, DIRECT, SESSION, ACCOUNT, WILDCARD = "identity", "direct", "session", "account", "*"


@dataclass(frozen=True)
class _Reach:
    """A statement that is about a request: how it names the caller, and whether for certain."""

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
    """Whether a statement is about an action, by naming it or by not excepting it."""
    if statement.actions is None:
        return False
    named = any(matches(pattern, action, ignore_case=True) for pattern in statement.actions)
    return named != statement.excepts_actions


@lru_cache(maxsize=100_000)
def _levels(statement: Statement, caller: Caller) -> dict[str, bool | None]:
    """How the principals of a resource's statement name a caller: itself, its session, its account."""
    levels: dict[str, bool | None] = {}
    for kind, name in statement.principals or ():
        level, truth = _named(kind, name, caller, statement.effect)
        if truth is not False:
            levels[level] = any_of((levels.get(level, False), truth))
    if not statement.excepts_principals:
        return levels
    return {DIRECT: negate(_excepted(levels, caller, statement.effect))}


def _excepted(levels: Mapping[str, bool | None], caller: Caller, effect: str) -> bool | None:
    """Whether a ``NotPrincipal`` leaves a caller out.

    A Deny leaves out a principal for certain only where its account, and of a role's session the
    role, are named beside it; it never leaves out one that has a permissions boundary.
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
    if account := _ACCOUNT_ARN.fullmatch(name):
        level = DIRECT if caller.kind == "root" else ACCOUNT
        return level, bool(caller.account) and caller.account in account.groups()
    if session := _SESSION_ARN.fullmatch(name):
        role = (caller.account, caller.arn.rpartition("/")[2])
        if caller.kind != "role" or session.group(1, 2) != role:
            return SESSION, False
        # An Allow to one session is one that the role can have; a Deny of it leaves the others.
        return SESSION, session[3] == caller.session if caller.session else effect == "Allow"
    if federated := _FEDERATED_ARN.fullmatch(name):
        # Who may call GetFederationToken names such a session as it likes; a Deny leaves the others.
        can_be = caller.kind == "user" and _allows(caller.identity, "sts:GetFederationToken")
        return SESSION, effect == "Allow" and caller.account == federated[1] and can_be
    return DIRECT, name in (caller.arn, caller.user_id.partition(":")[0]) and bool(name)


@lru_cache(maxsize=10_000)
def _facts(caller: Caller) -> dict[str, Value]:
    """What a caller brings to every request.

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
def _facts_of(target: Target) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    if target.account:
        facts |= {"aws:resourceaccount": target.account, "s3:resourceaccount": target.account}
    region = (target.arn.split(":") + [""] * 4)[3]
    if region and not is_wild(region):
        facts["aws:requestedregion"] = region
    return {**facts, **target.context}


def _identity(caller: Caller) -> tuple[Statement, ...]:
    return caller.identity or (EVERYTHING if caller.kind == "account" else ())


def _witnesses(caller: Caller, target: Target) -> tuple[Caller, ...]:
    """The callers among whom one of an account's principals gets furthest."""
    if caller.kind != "account":
        return (caller,)
    partition = (target.arn.split(":") + [""] * 2)[1] or "aws"
    base = f"arn:{partition}:iam::{caller.account}"
    return _of_account(caller, base, _arns_named(target.policies, base))


@lru_cache(maxsize=10_000)
def _of_account(
    caller: Caller, base: str, named: tuple[tuple[str, str], ...]
) -> tuple[Caller, ...]:
    """The root user of an account, those whom policies name, and strangers to them."""
    shared = replace(caller, identity=_identity(caller))
    root = replace(shared, kind="root", arn=f"{base}:root")
    each = (replace(shared, kind=kind, arn=arn) for kind, arn in named)
    return (root, *_strangers(shared, base), *each)


def _strangers(shared: Caller, base: str) -> list[Caller]:
    """A role and a user with names that no policy gives."""
    return [
        replace(
            shared, kind=kind, arn=f"{base}:{kind}/any-other-{kind}", user_id=f"{mark}{'0' * 17}"
        )
        for kind, mark in (("role", "AROA"), ("user", "AIDA"))
    ]


@lru_cache(maxsize=10_000)
def _arns_named(statements: tuple[Statement, ...], base: str) -> tuple[tuple[str, str], ...]:
    """Kinds and ARNs of an account's users and roles that fit what statements name anywhere."""
    arns: dict[tuple[str, str], None] = {}
    for name in _names(statements, ("aws:principalarn",)):
        if name == "*":
            continue  # strangers are among them already
        if session := _SESSION_ARN.fullmatch(name):
            name = f"{base.rpartition('::')[0]}::{session[1]}:role/{session[2]}"
        for kind in ("role", "user"):
            if overlaps(name, f"{base}:{kind}/*"):
                path = name.partition(f":{kind}/")[2].replace("*", "x").replace("?", "x")
                arns[kind, f"{base}:{kind}/{path or 'x'}"] = None
    return tuple(arns)


def _names(statements: Iterable[Statement], keys: Container[str]) -> Iterator[str]:
    """What statements name as principals, or in conditions on some keys."""
    for statement in statements:
        yield from (name for _, name in statement.principals or ())
        for condition in statement.conditions:
            if condition.key in keys:
                yield from condition.values


def synthetic_callers(account: str, partition: str = "aws") -> dict[str, Caller]:
    """Callers who stand for those whom an account's answers do not name, by what they are.

    Those of the own account have no identity policies: what a resource's policy gives them is
    their own. A stranger is any principal of an account that no policy names.
    """
    return dict(_synthetic_callers(account, partition))


@lru_cache(maxsize=1_000)
def _synthetic_callers(account: str, partition: str) -> Mapping[str, Caller]:
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


@lru_cache(maxsize=10_000)
def any_of_account(account: str) -> Caller:
    """Whichever principal of an account gets furthest; the same object each time."""
    return Caller("account", account=account)


@lru_cache(maxsize=10_000)
def with_context(caller: Caller, key: str, value: Value) -> Caller:
    """A caller of whom more is known; the same object each time."""
    return replace(caller, context={**caller.context, key: value})


def accounts_named(statements: Iterable[Statement]) -> set[str]:
    """Every account that statements name, as principal or in conditions on the principal."""
    keys = ("aws:principalarn", "aws:principalaccount", "aws:userid", "kms:calleraccount")
    names = _names(statements, keys)
    return {account for name in names for account in re.findall(r"(?<!\d)\d{12}(?!\d)", name)}


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


# Keys by which S3 takes a grant for one to fixed values, such as an account or a network.
_FIXING = re.compile(
    r"aws:(sourceip|sourcearn|sourcevpc|sourcevpce|sourceowner|sourceaccount|userid|principalarn"
    r"|principalaccount|principalorgid|principalorgpaths|vpcsourceip)"
    r"|s3:(x-amz-server-side-encryption-aws-kms-key-id|dataaccesspoint(arn|account))"
)
_POSITIVE = re.compile(r"string(equals(ignorecase)?|like)|arn(equals|like)|ipaddress")
_WIDEST = {4: 8, 6: 32}  # networks that are wider are "very broad"


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
        return network is None or network.prefixlen >= _WIDEST[network.version]
    if condition.key == "s3:dataaccesspointarn":  # the name of the access point may be any
        value = ":".join(value.split(":")[:5])
    return not is_wild(value) and "${" not in value
