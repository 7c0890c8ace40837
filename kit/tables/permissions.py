"""What callers hold of a capability, over the things that there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from kit.access.actions import BUCKET, LISTING, OBJECTS, PASSED, SOURCE, Way
from kit.access.conditions import ABSENT, CHOSEN, UNKNOWN, Choice, Context, Value
from kit.access.documents import Statement
from kit.access.evaluator import Access, Caller, decide, names_action
from kit.snapshot import Trouble
from kit.tables.inventory import Thing
from kit.tables.storage import FOLDERS, HOME

# How surely something may be done: to something seen, to something that is hidden, under a
# condition that leaves only some callers or things, or not at all.
OPEN, HIDDEN, NARROWED, NONE = 3, 2, 1, 0

# The requests' fields that the caller does not choose: to list a whole bucket, or all of its users'
# folders, rather than one folder; and to give any right, rather than the right that a condition leaves.
_REQUESTED: Context = {
    "s3:prefix": Choice(("", "user/", ABSENT)),
    # With a delimiter S3 lists the next level of folders alone.
    "s3:delimiter": Choice(("", ABSENT)),
    "iam:permissionsboundary": UNKNOWN,
    "iam:policyarn": UNKNOWN,
    "sts:externalid": CHOSEN,
}
# Keys of a federated session with the same value for everybody of a provider or an application.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
_OF_SESSIONS: Context = dict.fromkeys(
    (
        *("saml:namequalifier", "saml:sub_type"),
        *("cognito-identity.amazonaws.com:aud", "cognito-identity.amazonaws.com:amr"),
        *("accounts.google.com:aud", "accounts.google.com:oaud"),
        *("www.amazon.com:app_id", "graph.facebook.com:app_id"),
    ),
    CHOSEN,
)
_OF_LISTS = ("s3:prefix", "s3:delimiter")
_ON_ORGANISATION = re.compile(r"aws:(principal|resource)org(id|paths)")


@dataclass
class Held:
    """What a caller holds of a capability; ``gap`` is what hides whether it holds more.

    ``mapped`` is what those hold whom an identity provider maps to a role.
    """

    open: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    narrowed: list[str] = field(default_factory=list)
    gap: Trouble | None = None
    mapped: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.open or self.hidden or self.narrowed or self.mapped)

    def add(self, other: Held) -> None:
        """Add what the caller holds in another way."""
        for mine, theirs in (
            (self.open, other.open),
            (self.hidden, other.hidden),
            (self.narrowed, other.narrowed),
            (self.mapped, other.mapped),
        ):
            mine += [action for action in theirs if action not in mine]
        self.gap = self.gap or other.gap


@dataclass(frozen=True)
class Organisation:
    """The organisation that the account is in, as keys of conditions; ``gap`` is what hides it."""

    id: Value = UNKNOWN
    paths: Value = UNKNOWN
    gap: Trouble | None = None

    @property
    def of_principals(self) -> Context:
        """What requests of the account's principals have."""
        return {"aws:principalorgid": self.id, "aws:principalorgpaths": self.paths}

    @property
    def of_resources(self) -> Context:
        """What requests to the account's resources have."""
        return {"aws:resourceorgid": self.id, "aws:resourceorgpaths": self.paths}


@dataclass(frozen=True)
class Capability:
    """A capability over what there is, and what may be there.

    Attributes
    ----------
    named : tuple of Thing
        What the capability is looked for on where it is not held over ``things``: such rights are
        narrowed, not open.
    organisation : Organisation
        The organisation that the things are in.
    """

    name: str
    ways: tuple[Way, ...]
    things: tuple[Thing, ...]
    named: tuple[Thing, ...] = ()
    organisation: Organisation = field(default_factory=Organisation)

    @cached_property
    def _reach(self) -> _Reach:
        return _Reach(self.things, self._context)

    @cached_property
    def _reach_of_named(self) -> _Reach:
        return _Reach(self.named, self._context)

    @cached_property
    def _context(self) -> Context:
        return {**_REQUESTED, **_OF_SESSIONS, **self.organisation.of_resources}

    @cached_property
    def policy_gap(self) -> Trouble | None:
        """What hides a policy of a thing, and so whom it lets in."""
        kinds = (BUCKET, LISTING, OBJECTS, SOURCE)
        hidden = (
            thing.cell.gap for thing in self.things if thing.kind in kinds and thing.may_let_in
        )
        return next(filter(None, hidden), None)

    def held(self, caller: Caller) -> Held:
        """What a caller holds of it."""
        held = Held()
        passes = any(_allows(statement, "iam:PassRole") for statement in caller.identity)
        for way in self.ways:
            if way.service and (held.open or not passes):
                continue  # who gives rights anyway needs no detour over a role that is passed
            surely, gap = self._reach.way(caller, way)
            if not surely and self.named and self._reach_of_named.way(caller, way)[0]:
                surely = NARROWED
            if surely == NARROWED and self._turns_on_organisation(caller):
                surely, gap = HIDDEN, self.organisation.gap
            if surely:
                names = list(dict.fromkeys(action for action, _ in way.needs))
                lists = {OPEN: held.open, HIDDEN: held.hidden, NARROWED: held.narrowed}
                lists[surely].append(" and ".join(names))
                held.gap = held.gap or gap
        return held

    def _turns_on_organisation(self, caller: Caller) -> bool:
        """Whether an organisation that was not seen might decide."""
        if not self.organisation.gap:
            return False
        policies = (thing.target.policies for thing in self.things)
        statements = (*caller.identity, *(caller.boundary or ()), *(s for p in policies for s in p))
        return any(_ON_ORGANISATION.fullmatch(c.key) for s in statements for c in s.conditions)

    def through(self, caller: Caller, statements: Sequence[Statement]) -> bool:
        """Whether statements allow the caller any of it, whatever limits them elsewhere."""
        alone = replace(caller, identity=tuple(statements), boundary=None)
        reach = self._reach_of_named if self.named else self._reach
        return any(reach.need(alone, need, way)[0] for way in self.ways for need in way.needs)

    def policies(self, caller: Caller) -> list[str]:
        """Labels of the things' policies that allow a caller any of it by themselves."""
        bare = replace(caller, identity=(), boundary=None)
        labels = [
            thing.label
            for way in self.ways
            for action, kind in way.needs
            for thing in self._reach.letting_in(caller, action, kind)
            # Outside the account, the other account's own policies have to allow it too.
            for who in [bare if caller.account == thing.target.account else caller]
            if decide(who, action, thing.target, _wider(self._context)) is not Access.NO
        ]
        return list(dict.fromkeys(labels))


class _Reach:
    """Things, by kind, and by whom their policies let in."""

    def __init__(self, things: Iterable[Thing], context: Context):
        self._context = context
        self._kinds: dict[str, list[Thing]] = {}
        self._allowing: dict[tuple[str, str], list[tuple[Thing, list[Statement]]]] = {}
        for thing in things:
            self._kinds.setdefault(thing.kind, []).append(thing)

    def way(self, caller: Caller, way: Way) -> tuple[int, Trouble | None]:
        """How surely a caller may do all that a way needs; what hides it."""
        surely, gap = OPEN, None
        for need in way.needs:
            how_surely, hidden_by = self.need(caller, need, way)
            surely, gap = min(surely, how_surely), gap or hidden_by
            if not surely:
                return NONE, None
        return surely, gap

    def need(self, caller: Caller, need: tuple[str, str], way: Way) -> tuple[int, Trouble | None]:
        """How surely a caller may do an action to something of a kind; what hides it."""
        action, kind = need
        context = self._context
        if kind == PASSED:
            context = {**context, "iam:passedtoservice": way.service}
        best, gap = NONE, None
        for thing in self._candidates(caller, action, kind):
            if _is_open(caller, action, thing, context):
                surely = OPEN
            else:
                surely = best or _narrowed(caller, action, thing, context)
            foreign = caller.account != thing.target.account
            hidden_by = thing.cell.gap or (thing.outside if foreign else None)
            if surely == OPEN and hidden_by:
                surely, gap = HIDDEN, gap or hidden_by
            best = max(best, surely)
            if best == OPEN:
                return OPEN, None
        return best, gap if best == HIDDEN else None

    def letting_in(self, caller: Caller, action: str, kind: str) -> list[Thing]:
        """Things of a kind whose policies may let a caller do an action."""
        if (kind, action) not in self._allowing:
            allowing = (
                (thing, _allowing(thing.target.policy or (), action))
                for thing in self._kinds.get(kind, ())
            )
            self._allowing[kind, action] = [(thing, own) for thing, own in allowing if own]
        return [
            thing
            for thing, own in self._allowing[kind, action]
            if any(_lets_in(statement, caller) for statement in own)
        ]

    def _candidates(self, caller: Caller, action: str, kind: str) -> Iterable[Thing]:
        """Things that something allows the caller to do the action to, and perhaps more."""
        if caller.kind == "account":
            return self.letting_in(caller, action, kind)
        own = _allowing(caller.identity, action)
        if not own:
            return self.letting_in(caller, action, kind)
        if any(statement.excepts_resources for statement in own):
            return self._kinds.get(kind, ())
        starts = tuple(_start(text) for statement in own for text in statement.resources or ())
        reached = [
            thing
            for thing in self._kinds.get(kind, ())
            for there in [_start(thing.target.arn)]
            if any(there.startswith(start) or start.startswith(there) for start in starts)
        ]
        return [*reached, *(t for t in self.letting_in(caller, action, kind) if t not in reached)]


def _is_open(caller: Caller, action: str, thing: Thing, context: Context) -> bool:
    """Return whether a caller may do an action, at once or for each folder of users' folders."""
    ways: list[list[Context]] = [[context]]
    if thing.kind == LISTING:
        ways.append(
            [{**context, "s3:prefix": folder, "s3:delimiter": "/"} for folder in FOLDERS[HOME]]
        )
    return any(
        all(decide(caller, action, thing.target, how, ordinary=True) is Access.YES for how in way)
        for way in ways
    )


def _narrowed(caller: Caller, action: str, thing: Thing, context: Context) -> int:
    access = decide(caller, action, thing.target, _wider(context))
    return NONE if access is Access.NO else NARROWED


def _wider(context: Context) -> Context:
    """The context of a request for less than a whole list."""
    return {key: value for key, value in context.items() if key not in _OF_LISTS}


@lru_cache(maxsize=1_000_000)
def _allows(statement: Statement, action: str) -> bool:
    return statement.effect == "Allow" and names_action(statement, action)


def _allowing(statements: Iterable[Statement], action: str) -> list[Statement]:
    return [statement for statement in statements if _allows(statement, action)]


@lru_cache(maxsize=100_000)
def _start(text: str) -> str:
    """The text of a pattern up to its first wildcard or variable."""
    places = [place for mark in ("*", "?", "${") for place in [text.find(mark)] if place >= 0]
    return text[: min(places)] if places else text


def _lets_in(statement: Statement, caller: Caller) -> bool:
    """Whether a statement could name a caller itself, rather than its account alone."""
    if caller.kind not in ("user", "role") or statement.excepts_principals:
        return True
    named = {name for _, name in statement.principals or ()}
    own = {"*", caller.arn, caller.user_id}
    return bool(named & own) or any(":sts::" in name for name in named)
