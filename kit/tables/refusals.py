"""Whom a bucket's policy refuses, and whom it leaves over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from kit.access.actions import FILES, OBJECTS, Need
from kit.access.conditions import ABSENT, UNKNOWN, Context, Value, default
from kit.access.documents import Statement
from kit.access.evaluator import (
    Access,
    Caller,
    Target,
    accounts_named,
    any_of_account,
    decide,
    denied,
    reduced,
    synthetic_callers,
    with_context,
)
from kit.access.patterns import is_wild, matches
from kit.calls import (
    DESCRIBE_ORGANIZATION,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_BUCKET_POLICY,
)
from kit.redact.labels import Labels
from kit.snapshot import Snapshot
from kit.tables.cells import Cell, derive
from kit.tables.core import Column
from kit.tables.organisation import organisation_id

IN_DOUBT = "cannot be known"
Statements = tuple[Statement, ...]
Known = bool | str  # IN_DOUBT where what the account answers does not decide

_NUMBER = re.compile(r"\d{12}")  # an account's, which stands for its root user's ARN
_OF_PRINCIPALS = re.compile(r"aws:(principal.*|userid|username|federatedprovider)")
_CALLS = (GET_BUCKET_POLICY, GET_ACCOUNT_AUTHORIZATION_DETAILS, DESCRIBE_ORGANIZATION)
REFUSAL_COLUMNS = {
    "access_restricted": Column(calls=_CALLS),
    "left_over": Column(calls=_CALLS),
    "refused": Column(calls=_CALLS),
    "other_accounts_left_over": Column(calls=(GET_BUCKET_POLICY,)),
}


def refuses_all(
    statements: Statements,
    bucket_arn: str,
    account: str,
    region: str,
    needs: Iterable[Need],
    context: Context | None = None,
) -> Known:
    """Whether a policy denies some actions to everybody, from wherever.

    It judges callers whom no policy names, and each with every value that a condition singles out:
    a condition may except some of them alone, such as users by ``aws:PrincipalType``.

    Parameters
    ----------
    region : str
        The bucket's region, in which requests reach it.
    needs : iterable of (str, str)
        Actions, each on the bucket or on the objects in it.
    context : mapping, optional
        How the requests come that have to be denied, such as over plain HTTP.

    References
    ----------
    IAM User Guide, "AWS global condition context keys" and "Principal key values".
    """
    # NotPrincipal is there to leave somebody over.
    statements = tuple(statement for statement in statements if not statement.excepts_principals)
    targets = _targets(statements, bucket_arn, account, region, needs)
    how = tuple((context or {}).items())
    return _refuse_all(tuple(targets), account, _partition(bucket_arn), how)


@lru_cache(maxsize=10_000)
def _refuse_all(
    targets: tuple[tuple[str, Target], ...],
    account: str,
    partition: str,
    context: tuple[tuple[str, Value], ...],
) -> Known:
    how = dict(context)
    (_, target), *_ = targets
    statements = target.policy or ()
    unnamed = synthetic_callers(account, partition).values()
    callers = [*unnamed, *map(any_of_account, {*accounts_named(statements, account), account})]
    singled_out = _singled_out(statements)
    callers += [with_context(one, key, value) for one in unnamed for key, value in singled_out]
    outcomes = {
        denied(caller, action, target, how, ordinary=True)
        for action, target in targets
        for caller in callers
    }
    return Access.NO not in outcomes and (Access.UNKNOWN not in outcomes or IN_DOUBT)


def _singled_out(statements: Iterable[Statement]) -> list[tuple[str, str]]:
    """Every value that a condition of a denial names, with its key; of a pattern, a value that fits."""
    conditions = (c for denial in statements if denial.effect == "Deny" for c in denial.conditions)
    return sorted(
        {(c.key, v.replace("*", "x").replace("?", "x")) for c in conditions for v in c.values}
    )


def _targets(
    statements: Statements, bucket_arn: str, account: str, region: str, needs: Iterable[Need]
) -> list[tuple[str, Target]]:
    where = {"aws:requestedregion": region}
    bucket, objects = (
        reduced(Target(arn, account, statements, context=where))
        for arn in (bucket_arn, f"{bucket_arn}/?*")  # no object has an empty key
    )
    return [(action, objects if kind == OBJECTS else bucket) for action, kind in needs]


def refusals(
    snapshot: Snapshot, labels: Labels, statements: Cell, bucket_arn: str, region: str
) -> dict[str, Cell]:
    """Cells of `REFUSAL_COLUMNS`: whether only those whom the policy names reach files, and who does.

    Everybody is judged by stand-ins for those whom no policy names. Whom a pattern leaves
    over is judged by the principals that the account has.

    References
    ----------
    Amazon AppStream 2.0 Administration Guide, "Restrict administrator access"; IAM User Guide,
    "AWS JSON policy elements: NotPrincipal" and "AWS global condition context keys".
    """
    if statements.gap:
        return dict.fromkeys(REFUSAL_COLUMNS, statements)
    policy = _Policy(snapshot, labels, statements.value, bucket_arn, region)
    rests_on = [statements]
    # Where somebody is left over for certain, nothing that was not seen makes it better.
    if Access.NO not in policy.outcomes:
        if policy.organisations:
            rests_on.append(organisation_id(snapshot))
        if policy.patterns:
            details = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
            rests_on.append(Cell(None, details.evidence, details.trouble))
    return {
        "access_restricted": derive(lambda *_: policy.restricts, *rests_on),
        "left_over": derive(lambda *_: policy.left_over, *rests_on),
        "refused": derive(lambda *_: policy.refused, *rests_on),
        "other_accounts_left_over": derive(lambda _: policy.other_accounts, statements),
    }


class _Policy:
    """A bucket's policy, and whom it does not deny."""

    def __init__(
        self,
        snapshot: Snapshot,
        labels: Labels,
        statements: Statements,
        bucket_arn: str,
        region: str,
    ):
        self._snapshot, self._labels, self._account = snapshot, labels, snapshot.account
        self._partition = _partition(bucket_arn)
        self._targets = _targets(statements, bucket_arn, self._account, region, FILES)
        self._denials = [statement for statement in statements if statement.effect == "Deny"]
        conditions = [condition for denial in self._denials for condition in denial.conditions]
        self.organisations = [
            v for c in conditions if c.key == "aws:principalorgid" for v in c.values
        ]
        arns = [v for c in conditions if c.key == "aws:principalarn" for v in c.values]
        ids = [v for c in conditions if c.key == "aws:userid" for v in c.values]
        excepted = [denial for denial in self._denials if denial.excepts_principals]
        names = [name for denial in excepted for _, name in denial.principals or ()]
        arns += [self._root_of(name) if _NUMBER.fullmatch(name) else name for name in names]
        self._arn_patterns = set(filter(is_wild, arns))
        # All sessions of a role are the role's: only its id names the role.
        self._id_patterns = {name for name in ids if is_wild(name.partition(":")[0])}
        self.patterns = self._arn_patterns | self._id_patterns
        self._arns = [arn for arn in dict.fromkeys(arns) if not is_wild(arn)]
        self._ids = [name for name in dict.fromkeys(ids) if name not in self._id_patterns]

    def _root_of(self, account: str) -> str:
        return f"arn:{self._partition}:iam::{account}:root"

    @cached_property
    def general(self) -> Mapping[str, Mapping[str, Access]]:
        """Which actions on files are denied to those whom nobody names, by what they are."""
        callers = synthetic_callers(self._account, self._partition)
        del callers["services of AWS"]
        cell = organisation_id(self._snapshot)
        own: Value = UNKNOWN if cell.gap else cell.value or ABSENT
        # The root user's id is the number of the account.
        if callers["the root user"].arn in self._arns or self._account in self._ids:
            del callers["the root user"]
        denials = {}
        for name, caller in callers.items():
            if caller.account == self._account:
                denials[name] = self._denied(_of(caller, own))
            else:  # who is of no account in question needs an Allow besides
                denials[name] = self._shut_out(caller)
        role = _of(callers["any other role"], own)
        for key, value in _singled_out(self._denials):
            # Anybody may come so who is denied otherwise, but for what services alone send.
            free = not _OF_PRINCIPALS.match(key) and default(key) is not ABSENT
            if free and not _gets(denials["any other role"]):
                caller = with_context(role, key, value)
                denials[f"any other role by {key.partition('/')[0]}"] = self._denied(caller)
        for named in self.organisations:
            caller = _of(callers["any other account"], named)
            denials["any account of the organisation"] = self._denied(caller)
        return denials

    def _denied(self, caller: Caller) -> Mapping[str, Access]:
        return {action: denied(caller, action, target) for action, target in self._targets}

    def _shut_out(self, caller: Caller) -> Mapping[str, Access]:
        caller = caller if caller.kind == "anonymous" else _of(caller, "o-other")
        opposite = {Access.NO: Access.YES, Access.YES: Access.NO, Access.UNKNOWN: Access.UNKNOWN}
        return {
            action: opposite[decide(caller, action, target)] for action, target in self._targets
        }

    def _is_left_over(self, caller: Caller) -> bool:
        return any(
            denied(caller, action, target) is not Access.YES for action, target in self._targets
        )

    @property
    def restricts(self) -> Known:
        """Whether it leaves over nobody but whom it names."""
        outcomes = self.outcomes
        if Access.NO in outcomes:
            return False
        if Access.UNKNOWN in outcomes:
            return IN_DOUBT
        everybody = _principals(self._snapshot)
        # A pattern that fits every principal that there is denies nobody today.
        return not 1 < len(everybody) == len(self._by_pattern) or IN_DOUBT

    @property
    def left_over(self) -> list[str]:
        """Who is not denied everything: everybody of a kind, then those whom it names."""
        kinds = []
        for name, denials in self.general.items():
            actions = [action for action, access in denials.items() if access is not Access.YES]
            some = len(actions) < len(denials)
            kinds += [f"{name} ({', '.join(actions)})" if some else name] if actions else []
        return [*kinds, *self._named_principals()]

    @property
    def refused(self) -> list[str]:
        """Of those whom it does not name, who is denied everything."""
        return [
            name for name, denials in self.general.items() if set(denials.values()) == {Access.YES}
        ]

    @cached_property
    def outcomes(self) -> set[Access]:
        """What came out for those whom it does not name."""
        return {access for denials in self.general.values() for access in denials.values()}

    @cached_property
    def other_accounts(self) -> list[str]:
        """Other accounts that it names and does not deny."""
        named = accounts_named(self._denials, self._account)
        return [
            named[number]
            for number in sorted(named.keys() - {self._account})
            if self._is_left_over(any_of_account(number))
        ]

    def _named_principals(self) -> Iterator[str]:
        own = {
            arn: Caller(kind, arn, self._account)
            for arn in self._arns
            for kind in ("user", "role")
            if f":iam::{self._account}:{kind}/" in arn
        }
        left = [caller for caller in own.values() if self._is_left_over(caller)]
        for caller in {caller.arn: caller for caller in (*left, *self._by_pattern)}.values():
            yield self._labels.label(caller.kind, caller.arn, caller.arn.rpartition("/")[2])
        for named in self._ids:
            yield self._labels.label("principal", named)
        yield from (f"account {number}" for number in self.other_accounts)

    @cached_property
    def _by_pattern(self) -> list[Caller]:
        """The account's principals whom patterns leave over."""
        fitting = _fitting(
            _principals(self._snapshot),
            frozenset(self._arn_patterns),
            frozenset(self._id_patterns),
        )
        return [caller for caller in fitting if self._is_left_over(caller)]


@lru_cache(maxsize=1)
def _principals(snapshot: Snapshot) -> tuple[Caller, ...]:
    """The roles and users that the account has."""
    answer = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    return tuple(
        Caller(
            kind.lower(),
            item.get("Arn") or "",
            snapshot.account,
            (item.get(f"{kind}Id") or "") + (":session" if kind == "Role" else ""),
        )
        for kind in ("Role", "User")
        for item, _ in answer.items(f"{kind}DetailList")
    )


@lru_cache(maxsize=1_000)
def _fitting(
    principals: tuple[Caller, ...], arn_patterns: frozenset[str], id_patterns: frozenset[str]
) -> list[Caller]:
    """The principals that any of the patterns of ARNs or ids fits."""
    return [
        caller
        for caller in principals
        if any(matches(pattern, caller.arn) for pattern in arn_patterns)
        or any(matches(pattern, caller.user_id) for pattern in id_patterns)
    ]


def _gets(denials: Mapping[str, Access]) -> bool:
    """Whether an action is left open, for certain."""
    return Access.NO in denials.values()


def _of(caller: Caller, organisation: Value) -> Caller:
    return with_context(caller, "aws:principalorgid", organisation)


def _partition(arn: str) -> str:
    return arn.split(":")[1]
