"""Who may do what with AppStream and with what its users leave behind.

All policies decide together whom the account lets do something: the policies of users, groups and
roles and their boundaries, the policies of buckets, and the trust policies of roles. The kit judges
each action over the resources that are there, and over what may be there where a list could not be
read.

References
----------
AWS, IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from kit.access.actions import (
    ADMINISTER,
    CAPABILITIES,
    CHANGE_FILES,
    CHANGE_SESSIONS,
    GIVE_RIGHTS,
    LIST_FILES,
    MINT,
    PROVIDER,
    READ_FILES,
    UNPROTECT,
    Way,
)
from kit.access.conditions import ABSENT, CHOSEN, Context, Some
from kit.access.documents import Statement
from kit.access.evaluator import (
    EVERYTHING,
    Access,
    Caller,
    Target,
    accounts_named,
    decide,
    names_action,
    synthetic_callers,
)
from kit.access.patterns import account_ids, is_wild, matches
from kit.calls import (
    DESCRIBE_ORGANIZATION,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_BUCKET_POLICY,
    Call,
    Scope,
)
from kit.catalogue.texts import text
from kit.snapshot import Trouble
from kit.tables import deputies
from kit.tables.access_points import POINT_CALLS, accounts_of_points
from kit.tables.cells import Cell, derive
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.federation import Admitted, admitted, providers
from kit.tables.inventory import (
    BLOCKS,
    DATA_SOURCES,
    LISTS,
    OPENED,
    Thing,
    application_sources,
    appstream,
    exists,
    openable,
    user_buckets,
    whatever,
)
from kit.tables.named import (
    identities,
    identity_providers,
    known_ids,
    organisations,
    unique_ids,
)
from kit.tables.organisation import organisation_id
from kit.tables.permissions import Capability, Held, Organisation
from kit.tables.principals import Principal, principals
from kit.tables.sources import SOURCE_CALLS

_ON_FILES = (READ_FILES, LIST_FILES, CHANGE_FILES, UNPROTECT)
_ON_APPSTREAM = (ADMINISTER, CHANGE_SESSIONS)
RESOURCES = Part("in_scope", "resources")
DESTINATIONS = Part("in_scope", "destinations")
_COLUMNS = (
    *("capability", "open", "narrowed", "mapped", "through"),
    *("administrator", "outsider", "not_asked", "role_kind"),
)
_NOT_JUDGED = (
    "service and resource control policies, policies of sessions and VPC endpoints, ACLs, "
    "Multi-Region Access Points, access points on buckets of agents' screenshots and recordings, "
    "rights on keys of KMS, permission sets of IAM Identity Center, and services of AWS that use a role"
)
EVERYBODY_ELSE = "everybody else"  # all those who have no row of their own
_ANY_ACCOUNT = "0" * 12
_ASSUME = "sts:AssumeRole"
_READS = (READ_FILES, LIST_FILES)


def _declared(*calls: Call, through: tuple[Call, ...] = ()) -> Mapping[str, Column]:
    columns = {name: Column() for name in _COLUMNS}
    columns |= {
        "open": Column(calls=(*calls, DESCRIBE_ORGANIZATION)),
        "through": Column(calls=through, cause=True),
        "in_scope": Column(calls=calls),
    }
    return columns


@table(
    "grants",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    _declared(*LISTS, *DATA_SOURCES, GET_BUCKET_POLICY, *POINT_CALLS, through=BLOCKS),
)
def grants(source: Source) -> Iterator[Row]:
    """Each principal with each capability that it has; and for each capability, all the others."""
    snapshot = source.snapshot
    things = (*appstream(snapshot), *application_sources(source))
    buckets = tuple(user_buckets(source))
    appstream_exists = exists(things, snapshot, LISTS)
    buckets_exist = exists(buckets, snapshot, DATA_SOURCES)
    anything = exists((*things, *buckets), snapshot, (*LISTS, *DATA_SOURCES))
    in_scope = {
        **dict.fromkeys(_ON_FILES, buckets_exist),
        **dict.fromkeys(_ON_APPSTREAM, appstream_exists),
        GIVE_RIGHTS: anything,
    }
    everything = (*things, *buckets)
    yield from _Grants(source, [_over(name, everything, source) for name in in_scope]).rows(
        in_scope
    )


@table(
    "url_grants",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    _declared(*OPENED),
)
def url_grants(source: Source) -> Iterator[Row]:
    """Each principal that may open sessions: on whatever there is in a region, or on named resources."""
    snapshot = source.snapshot
    things = tuple(openable(snapshot, wholly=True))
    named = tuple(openable(snapshot, wholly=False))
    capability = _over(MINT, things, source, named)
    in_scope = {MINT: exists(things, snapshot, OPENED)}
    yield from _Grants(source, [capability], OPENED).rows(in_scope)


def capabilities_of_roles(source: Source) -> Callable[[Cell], Cell]:
    """What roles may do with anything that AppStream could have, by the cell of a role's ARN.

    Streaming users can take the credentials of their instance's role. The kit therefore judges what
    such a role may do whatever resources there are, and whoever is declared as an administrator.
    """
    details = source.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)

    @cache
    def grants_on_anything() -> _Grants:
        things = (
            *whatever(source.snapshot),
            *application_sources(source),
            *user_buckets(source),
        )
        names = (*_ON_FILES, *_ON_APPSTREAM, MINT, GIVE_RIGHTS)
        lists = (
            *DATA_SOURCES,
            *SOURCE_CALLS,
            GET_BUCKET_POLICY,
            *POINT_CALLS,
        )  # of AppStream, whatever there could be
        return _Grants(source, [_over(name, things, source) for name in names], lists)

    def capabilities(role_arn: Cell) -> Cell:
        if role_arn.gap or role_arn.value is None:
            return derive(lambda _: [], role_arn)
        grants = grants_on_anything()
        if role_arn.value not in grants.roles:
            return Cell([], (*role_arn.refs, *details.evidence), details.trouble)
        role = grants.roles[role_arn.value]
        held = {name: rights for name, rights in grants.of(role).items() if rights.open}
        gaps = [
            rights.gap for rights in grants.of(role).values() if rights.hidden and not rights.open
        ]
        gaps += [
            role.unseen,
            *([] if held else [grants.policy_gap, _on_a_condition(grants.of(role))]),
        ]
        refs = (*role_arn.refs, *grants.refs_of(role), *grants.refs)
        return Cell(list(held), refs, next(filter(None, gaps), None))

    return capabilities


def _on_a_condition(held: Mapping[str, Held]) -> Trouble | None:
    """The trouble with rights under conditions, such as on the network that instances are in."""
    narrowed = ", ".join(name for name, rights in held.items() if rights.narrowed)
    if not narrowed:
        return None
    hint = text("gaps/role_on_a_condition", rights=narrowed)
    return Trouble("needs review", GET_ACCOUNT_AUTHORIZATION_DETAILS.name, hint=hint)


def _over(
    name: str, things: tuple[Thing, ...], source: Source, named: tuple[Thing, ...] = ()
) -> Capability:
    kinds = {kind for way in CAPABILITIES[name] for _, kind in way.needs}
    wholly, also = (tuple(t for t in given if t.kind in kinds) for given in (things, named))
    return Capability(name, CAPABILITIES[name], wholly, also, _organisation(source))


def _organisation(source: Source) -> Organisation:
    cell = organisation_id(source.snapshot)
    if cell.gap:
        return Organisation(gap=cell.gap)
    if cell.value is None:
        return Organisation(ABSENT, ABSENT)
    return Organisation(cell.value, Some((f"{cell.value}/*",)))


@dataclass
class _Outsider:
    """Somebody outside the account whom a policy of it names, and what that gives."""

    key: str
    label: str
    caller: Caller
    declared: bool
    is_outside: bool = True
    only_reads: bool = False  # and whether it does so for others than the account is not known
    only_perhaps: bool = False  # whose the unique id is, and whether there is anybody, is not known
    held: dict[str, Held] = field(default_factory=dict)
    through: dict[str, list[str]] = field(default_factory=dict)
    refs: tuple[str, ...] = ()

    def join(self, other: _Outsider) -> None:
        """Add what somebody holds who comes under the same name in another way."""
        for name, held in other.held.items():
            self.held.setdefault(name, Held()).add(held)
            self.through.setdefault(name, other.through[name])


class _Grants:
    """What everybody holds of some capabilities."""

    def __init__(
        self,
        source: Source,
        capabilities: Iterable[Capability],
        lists: Iterable[Call] = (*LISTS, *DATA_SOURCES, GET_BUCKET_POLICY, *POINT_CALLS),
    ):
        self.source, self.lists = source, tuple(lists)
        self.capabilities = {capability.name: capability for capability in capabilities}
        ours = _organisation(source).of_principals
        self.everybody = [
            replace(principal, caller=replace(principal.caller, context=ours))
            for principal in principals(source)
        ]
        self.roles = {
            principal.arn: principal for principal in self.everybody if principal.kind == "role"
        }
        self._held = {principal.arn: self._directly(principal) for principal in self.everybody}
        self._by_roles: dict[str, list[Principal]] = {}
        self._everybodys: dict[str, Held] = {}
        own = source.snapshot.account
        anybody = synthetic_callers(own, source.snapshot.header["partition"])
        self._anybody = replace(anybody["any other role"], context=ours)
        if GIVE_RIGHTS in self.capabilities:
            self._follow_roles()

    def of(self, principal: Principal) -> dict[str, Held]:
        """What a principal holds, by capability."""
        return self._held[principal.arn]

    def refs_of(self, principal: Principal) -> tuple[str, ...]:
        """Evidence of what a principal may do, and the roles that it can take to do it."""
        reached = {principal.arn: principal}
        left = [principal]
        while left:  # two roles may take each other
            taken = self._by_roles.get(left.pop().arn, ())
            left += [role for role in taken if role.arn not in reached]
            reached |= {role.arn: role for role in taken}
        return tuple(dict.fromkeys(ref for one in reached.values() for ref in one.refs))

    @cached_property
    def refs(self) -> tuple[str, ...]:
        """Evidence of what there could be rights on, empty lists and policies included."""
        return tuple(
            dict.fromkeys(
                ref
                for call in self.lists
                for answer in self.source.snapshot.answers(call)
                for ref in answer.evidence
            )
        )

    @cached_property
    def policy_gap(self) -> Trouble | None:
        """What hides whom a bucket's policy lets in."""
        gaps = (capability.policy_gap for capability in self.capabilities.values())
        return next(filter(None, gaps), None)

    def rows(self, in_scope: Mapping[str, Cell]) -> Iterator[Row]:
        """The rows of a table: principals, outsiders, and everybody else."""
        details = self.source.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
        outsiders = list(self._outsiders())
        for name, capability in self.capabilities.items():
            for principal in self.everybody:
                if row := self._row(principal, capability, in_scope[name]):
                    yield row
            for outsider in outsiders:
                if name in outsider.held:
                    yield self._outsiders_row(outsider, name, in_scope[name])
            if details.trouble:
                continue
            gap = capability.policy_gap or self._trust_gap(name)
            refs = (*details.evidence, *self.refs)
            cells = _cells(name, Held(gap=gap), refs, in_scope[name])
            yield Row(ACCOUNT, f"{name}/~", f"{EVERYBODY_ELSE}: {name}", cells)

    def _trust_gap(self, capability: str) -> Trouble | None:
        """What hides who may take a role that has a capability, and whatever rights with it."""
        hidden = [role for role in self.roles.values() if role.trust.unseen]
        for role in hidden:
            held = self.of(role)
            if (
                role.unseen
                or held[capability]
                or (capability == GIVE_RIGHTS and any(held.values()))
            ):
                return role.trust.unseen
        return None

    def _directly(self, principal: Principal) -> dict[str, Held]:
        return {
            name: capability.held(principal.caller)
            for name, capability in self.capabilities.items()
        }

    # --- roles that are assumed or passed -----------------------------------------------------

    def _follow_roles(self) -> None:
        """Give rights to those who can take a role that holds any, until nobody is added.

        Who can take a role on a condition, or a role whose rights are narrowed, gets narrowed
        rights.
        """
        for surely in (True, False):
            fresh = [r for r in self.roles.values() if self._holds_any(r, surely=surely)]
            left = [p for p in self.everybody if not self._gives_rights(p, surely=surely)]
            while fresh:
                ways = self.capabilities[GIVE_RIGHTS].ways
                takeable = _Takeable(fresh, ways, surely=surely)
                taking = {principal.arn: takeable.taken_by(principal) for principal in left}
                added = [principal for principal in left if taking[principal.arn]]
                for principal in added:
                    held, taken = self.of(principal)[GIVE_RIGHTS], taking[principal.arn]
                    (held.open if surely else held.narrowed).extend(
                        dict.fromkeys(way for way, _ in taken)
                    )
                    self._by_roles[principal.arn] = [role for _, role in taken]
                left = [principal for principal in left if not taking[principal.arn]]
                fresh = [principal for principal in added if principal.kind == "role"]

    def _holds_any(self, role: Principal, *, surely: bool) -> bool:
        held = self.of(role).values()
        return any(rights.open or (rights.narrowed and not surely) for rights in held)

    def _gives_rights(self, principal: Principal, *, surely: bool) -> bool:
        held = self.of(principal)[GIVE_RIGHTS]
        return bool(held.open or (held.narrowed and not surely))

    # --- rows -------------------------------------------------------------------------------

    def _row(self, principal: Principal, capability: Capability, in_scope: Cell) -> Row | None:
        """The row of a principal; None where it has nothing of the capability."""
        held = self.of(principal)[capability.name]
        gap = principal.unseen or (held.gap if held.hidden and not held.open else None)
        if not held and not gap:
            return None
        if not gap and held == self._anybodys(capability) and not self._own(principal, capability):
            return None  # it is in the row of every user and role
        arn = principal.arn
        declared = self._is_administrator(arn)
        shown = replace(held, gap=gap)
        if declared:
            shown = Held([*held.open, *held.hidden], narrowed=held.narrowed)
        # Which actions count depends on what there is to do them to.
        refs = self.refs_of(principal)
        cells = _cells(capability.name, shown, (*refs, *self.refs), in_scope)
        cells["through"] = Cell(self._through(principal, capability), refs)
        cells["administrator"] = _parameter(declared, "administrators")
        cells["role_kind"] = Cell(principal.role_kind, refs)
        label = self.source.labels.label(principal.kind, arn, principal.name)
        return Row(ACCOUNT, f"{capability.name}/{arn}", f"{label}: {capability.name}", cells)

    def _through(self, principal: Principal, capability: Capability) -> list[str]:
        """The policies that allow any of it, whatever limits them elsewhere, and roles."""
        own = self._own(principal, capability)
        taken = self._by_roles.get(principal.arn, []) if capability.name == GIVE_RIGHTS else []
        labels = (self.source.labels.label("role", role.arn, role.name) for role in taken)
        return list(dict.fromkeys([*own, *capability.policies(principal.caller), *labels]))

    def _own(self, principal: Principal, capability: Capability) -> list[str]:
        """The principal's own policies that allow any of a capability."""
        return [
            policy.name
            for policy in principal.policies
            if capability.through(principal.caller, policy.statements)
        ]

    def _anybodys(self, capability: Capability) -> Held:
        """What policies of buckets give to every user and role of the account."""
        if capability.name not in self._everybodys:
            self._everybodys[capability.name] = capability.held(self._anybody)
        return self._everybodys[capability.name]

    def _is_administrator(self, arn: str) -> bool:
        return any(matches(pattern, arn) for pattern in self.source.snapshot.run.administrators)

    # --- outside the account ------------------------------------------------------------------

    def _outsiders(self) -> Iterator[_Outsider]:
        """Everybody outside who is let in by a bucket's policy, or to a role with rights."""
        things = [
            thing
            for capability in self.capabilities.values()
            for thing in capability.things
            if thing.target.policy
        ]
        policies = dict.fromkeys(thing.target.policy or () for thing in things)
        trusting = [r for r in self.roles.values() if r.unseen or any(self.of(r).values())]
        policies |= dict.fromkeys(role.trust.statements for role in trusting)
        snapshot = self.source.snapshot
        outsiders: dict[str, _Outsider] = {}
        for outsider in self._named([statement for policy in policies for statement in policy]):
            for name, capability in self.capabilities.items():
                held = capability.held(outsider.caller)
                if outsider.only_perhaps:
                    held = Held(narrowed=[*held.open, *held.hidden, *held.narrowed])
                if outsider.only_reads:
                    held = Held(narrowed=[*held.open, *held.hidden] if name in _READS else [])
                if held:
                    outsider.held[name] = held
                    outsider.through[name] = capability.policies(outsider.caller)
            for role in trusting if outsider.caller.account not in ("", snapshot.account) else ():
                self._let_take(outsider, role)
            if outsider.held:
                outsiders.setdefault(outsider.key, outsider).join(outsider)
        yield from outsiders.values()
        yield from self._signing_in(trusting)

    def _signing_in(self, trusting: list[Principal]) -> Iterator[_Outsider]:
        """Identity providers by which somebody may sign in to a role with rights."""
        trusts = {role.arn: providers(role.trust.statements) for role in trusting}
        for provider in sorted({name for names in trusts.values() for name in names}):
            kind = "SAML provider" if ":saml-provider/" in provider else PROVIDER
            label = self.source.labels.label(kind, provider)
            declared = self._is_administrator(provider)
            outsider = _Outsider(provider, label, Caller("federated", provider), declared, False)
            for role in (role for role in trusting if provider in trusts[role.arn]):
                admission = admitted(provider, role.as_target)
                if admission is not Admitted.NOBODY:
                    outsider.is_outside |= admission in (Admitted.UNKNOWN, Admitted.ANYBODY)
                    surely, mapped = (admission is it for it in (Admitted.ANYBODY, Admitted.MAPPED))
                    self._add(outsider, role, surely=surely, mapped=mapped)
            if outsider.held:
                yield outsider

    def _let_take(self, outsider: _Outsider, role: Principal) -> None:
        """Add what a role holds to an outsider whom it trusts, on a condition at least."""
        if _may_assume(outsider.caller, role, ordinary=False) is not Access.NO:
            trusted = _may_assume(outsider.caller, role) is Access.YES
            self._add(outsider, role, surely=trusted and not outsider.only_perhaps)

    def _add(
        self, outsider: _Outsider, role: Principal, *, surely: bool, mapped: bool = False
    ) -> None:
        """Add what a role holds to whoever may take it: surely, if mapped to it, on a condition."""
        label = self.source.labels.label("role", role.arn, role.name)
        for name, own in self.of(role).items():
            gap = role.unseen or (own.gap if own.hidden and not own.open else None)
            if not own and not gap:
                continue
            held = outsider.held.setdefault(name, Held())
            known = [*own.open, *own.hidden]
            # What hides whether the role has a right hides it for whoever takes the role.
            seen = own.open if surely and not gap else []
            rest = [action for action in known if action not in seen]
            held.add(
                Held(
                    seen,
                    rest if surely else [],
                    [*([] if surely or mapped else rest), *own.narrowed],
                    gap,
                    rest if mapped else [],
                )
            )
            outsider.through.setdefault(name, []).append(f"{label}, which trusts it")
            # What a role may do depends on what there is to do it to.
            outsider.refs = (*outsider.refs, *self.refs_of(role), *self.refs)

    def _named(self, statements: list[Statement]) -> Iterator[_Outsider]:
        """Accounts, identities and the public that Allow statements let in."""
        snapshot, labels = self.source.snapshot, self.source.labels
        run = snapshot.run
        allowing = [statement for statement in statements if statement.effect == "Allow"]
        accounts = accounts_named(allowing, snapshot.account)
        of_points = accounts_of_points(tuple(statements), snapshot.account)
        for number in sorted(accounts.keys() - {snapshot.account}):
            # The id, or the pattern that it fits.
            account = of_points.get(number, accounts[number])
            root = f"arn:{snapshot.header['partition']}:iam::{account}:root"
            declared = account in run.organisation_accounts or self._is_administrator(root)
            caller = Caller("account", account=number, identity=EVERYTHING)
            yield _Outsider(account, f"account {account}", caller, declared)
        for name in sorted({name for statement in allowing for name in identities(statement)}):
            caller = Caller("user", name, "elsewhere", identity=EVERYTHING)
            label = labels.label("identity", name)
            yield _Outsider(name, label, caller, self._is_administrator(name))
        ids = {name for statement in allowing for name in unique_ids(statement)}
        for name in sorted(ids - known_ids(snapshot).value):
            kind = "user" if name.startswith("AIDA") else "role"
            caller = Caller(kind, "", "elsewhere", name, identity=EVERYTHING)
            label = labels.label("identity", name)
            yield _Outsider(name, label, caller, False, only_perhaps=True)
        # A service or provider that a role trusts comes as that role; a trust policy names no resource.
        on_things = [statement for statement in statements if statement.resources is not None]
        trusted = {name for s in on_things if s.effect == "Allow" for name in identity_providers(s)}
        for name in sorted(trusted):
            if snapshot.account not in account_ids(name):
                caller = Caller("federated", name)
                label = labels.label("identity", name)
                yield _Outsider(name, label, caller, False, only_perhaps=True)
        for account, service, how in deputies.for_accounts(on_things, snapshot.account):
            declared = account in run.organisation_accounts
            label = f"account {account}, by way of {service}"
            caller = Caller("service", service, context=how)
            yield _Outsider(f"{account}/{service}", label, caller, declared)
        anybody_elses = deputies.for_anybody(on_things, snapshot.account)
        for service in sorted(deputies.services(on_things)):
            for how in anybody_elses:
                caller = Caller("service", service, context=how)
                label = f"any AWS account, by way of {service}"
                yield _Outsider(f"any/{service}", label, caller, False, only_reads=True)
        own = "every user and role of the account"
        yield _Outsider("own", own, self._anybody, False, is_outside=False)
        for key, context in organisations(allowing):
            caller = Caller("account", account=_ANY_ACCOUNT, identity=EVERYTHING, context=context)
            yield _Outsider(key, "any account of an organisation", caller, False)
        other = Organisation("o-other", Some(("o-other/*",))).of_principals
        anybody = Caller("account", account=_ANY_ACCOUNT, identity=EVERYTHING, context=other)
        yield _Outsider("any", "any AWS account", anybody, False)
        yield _Outsider("public", "anybody, without signing in", Caller("anonymous"), False)

    def _outsiders_row(self, outsider: _Outsider, name: str, in_scope: Cell) -> Row:
        details = self.source.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
        held = outsider.held[name]
        if outsider.declared:
            held = replace(held, open=[*held.open, *held.hidden], gap=None)
        elif held.open:
            held = replace(held, gap=None)
        things = self.capabilities[name].things
        refs = [ref for t in things if t.target.policy for ref in t.cell.refs]
        cells = _cells(name, held, (*details.evidence, *refs, *outsider.refs), in_scope)
        cells["through"] = Cell(outsider.through[name], details.evidence)
        cells["administrator"] = _parameter(outsider.declared, "organisation_accounts")
        cells["outsider"] = Cell(outsider.is_outside, cells["capability"].refs)
        return Row(ACCOUNT, f"{name}/{outsider.key}", f"{outsider.label}: {name}", cells)


def _may_assume(caller: Caller, role: Principal, *, ordinary: bool = True) -> Access:
    context: Context = {"sts:externalid": CHOSEN}
    return decide(caller, _ASSUME, role.as_target, context, ordinary=ordinary)


class _Takeable:
    """Roles that hold rights, for those who may assume them or pass them to a service.

    Parameters
    ----------
    surely : bool
        Whether callers in general may; otherwise some callers, on a condition.
    """

    def __init__(self, roles: list[Principal], ways: Iterable[Way], *, surely: bool):
        self._roles = roles
        self._surely = surely
        self._passing = [way for way in ways if way.service]
        self._trusting: dict[str, list[Principal]] = {}
        for service in {way.service for way in self._passing}:
            caller = Caller("service", service)
            self._trusting[service] = [
                role
                for role in roles
                if _may_assume(caller, role, ordinary=surely) is not Access.NO
            ]
        self._naming: dict[str, list[Principal]] = {}
        for role in roles:
            statements = role.trust.statements
            names = (name for statement in statements for _, name in statement.principals or ())
            for name in {_without_session(name) for name in names}:
                self._naming.setdefault(name, []).append(role)

    def taken_by(self, principal: Principal) -> list[tuple[str, Principal]]:
        """Return how a principal may take a role, and the role; empty if it may not."""
        caller = principal.caller
        sessions = f"{caller.account}:assumed-role/{caller.arn.rpartition('/')[2]}"
        keys = (principal.arn, "*", *([sessions] if principal.kind == "role" else []))
        named = [role for key in keys for role in self._naming.get(key, ())]
        for role in (*_reached(caller, _ASSUME, self._roles), *named):
            if role.arn != principal.arn and self._is_enough(
                _may_assume(caller, role, ordinary=self._surely)
            ):
                return [(_ASSUME, role)]
        if not any(names_action(statement, "iam:PassRole") for statement in caller.identity):
            return []
        return next(filter(None, (self._passed(caller, way) for way in self._passing)), [])

    def _passed(self, caller: Caller, way: Way) -> list[tuple[str, Principal]]:
        """A role that a caller may pass to a service that runs what the caller gives it."""
        (_, kind), *rest = way.needs
        some = Thing(kind, Target("arn:*:*:*:*:*", caller.account))
        able = Capability("", (Way(tuple((action, kind) for action, _ in rest)),), (some,))
        for role in _reached(caller, "iam:PassRole", self._trusting[way.service]):
            target = Target(role.arn, caller.account)
            context = {"iam:passedtoservice": way.service}
            passed = decide(caller, "iam:PassRole", target, context, ordinary=self._surely)
            held = able.held(caller)
            if self._is_enough(passed) and (held.open or (held.narrowed and not self._surely)):
                names = " and ".join(action for action, _ in way.needs)
                return [(names, role)]
        return []

    def _is_enough(self, access: Access) -> bool:
        return access is Access.YES or (access is Access.UNKNOWN and not self._surely)


def _without_session(name: str) -> str:
    """The account and the role whose session a statement names; other names as they are."""
    session = re.fullmatch(r"arn:[^:]+:sts::(\d{12}:assumed-role/[^/]+)/.+", name)
    return session[1] if session else name


def _reached(caller: Caller, action: str, roles: list[Principal]) -> Iterator[Principal]:
    """The roles that the caller's own policies may name for an action."""
    patterns = [
        text
        for statement in caller.identity
        if statement.effect == "Allow" and names_action(statement, action)
        for text in (("*",) if statement.excepts_resources else statement.resources or ())
    ]
    exact = {text for text in patterns if not is_wild(text) and "${" not in text}
    wild = [text.partition("${")[0] + "*" if "${" in text else text for text in patterns]
    wild = [text for text in wild if text not in exact]
    for role in roles:
        if role.arn in exact or any(matches(text, role.arn) for text in wild):
            yield role


def _cells(capability: str, held: Held, refs: tuple[str, ...], in_scope: Cell) -> dict[str, Cell]:
    return {
        "capability": Cell(capability, refs),
        "open": Cell(held.open, refs, held.gap),
        "narrowed": Cell(held.narrowed, refs),
        "mapped": Cell(held.mapped, refs),
        "through": Cell([], refs),
        "administrator": _parameter(False, "administrators"),
        "outsider": Cell(False, refs),
        "not_asked": Cell([_NOT_JUDGED], refs),
        "role_kind": Cell(None, refs),
        "in_scope": in_scope,
    }


def _parameter(declared: bool, name: str) -> Cell:
    """Whether the run's parameters declare somebody as an administrator, who may do all this."""
    return Cell(declared, (f"parameters#/{name}",))
