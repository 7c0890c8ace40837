"""Users and roles of the account, each with the policies that decide what it may do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kit.access.documents import PolicyError, Statement
from kit.access.evaluator import Access, Caller, Target, decide, names_action
from kit.calls import GET_ACCOUNT_AUTHORIZATION_DETAILS as DETAILS
from kit.snapshot import Snapshot, Trouble
from kit.tables.cells import absent_member
from kit.tables.core import Source
from kit.tables.policies import read_once

SERVICE_ROLES = {
    "AmazonAppStreamServiceAccess": "appstream.amazonaws.com",
    "ApplicationAutoScalingForAmazonAppStreamAccess": "application-autoscaling.amazonaws.com",
    "AWSServiceRoleForApplicationAutoScaling_AppStreamFleet": (
        "appstream.application-autoscaling.amazonaws.com"
    ),
    "AmazonAppStreamPCAAccess": "prod.euc.ecm.amazonaws.com",
}
# Paths of roles that IAM lets nobody but AWS change. IAM answers UnmodifiableEntity:
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html (service-linked roles),
# https://github.com/rebuy-de/aws-nuke/pull/1028 (roles of IAM Identity Center, with the message).
LINKED, RESERVED = "/aws-service-role/", "/aws-reserved/"
RESERVED_ROLE = "reserved role"  # a state of remedies
_TAG_SESSION = "sts:TagSession"
AWS_POLICIES = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/")


@dataclass(frozen=True)
class Policy:
    """A policy that a principal has: under which name it is shown, and what it states.

    ``refs`` is where it stands, and the group by which a user has it; ``unseen`` is why its
    statements are not known.
    """

    name: str
    refs: tuple[str, ...]
    statements: tuple[Statement, ...] = ()
    unseen: Trouble | None = None


@dataclass(frozen=True)
class Principal:
    """A user or a role.

    ``trust`` is whom a role lets assume it; ``role_kind`` is `RESERVED_ROLE` for a role that IAM
    lets nobody but AWS change, such as one of IAM Identity Center, else None.
    """

    kind: str
    arn: str
    name: str
    ref: str
    policies: tuple[Policy, ...]
    boundary: Policy | None
    trust: Policy
    caller: Caller
    role_kind: str | None = None

    @cached_property
    def as_target(self) -> Target:
        """A role as it is assumed: its trust policy decides, whether or not its ARN was seen."""
        account, arn = self.caller.account, self.arn
        if not arn.startswith("arn:"):
            arn = f"arn:aws:iam::{account}:role/{self.name}"
        return Target(arn, account, self.trust.statements, policy_decides=True)

    @cached_property
    def refs(self) -> tuple[str, ...]:
        """Evidence of what it may do: its own record, its groups and all its policies."""
        return tuple(dict.fromkeys((self.ref, *(r for p in self._everything for r in p.refs))))

    @property
    def unseen(self) -> Trouble | None:
        """Why something that it may or may not do is not known."""
        return next((policy.unseen for policy in self._everything if policy.unseen), None)

    @property
    def _everything(self) -> tuple[Policy, ...]:
        return (*self.policies, *((self.boundary,) if self.boundary else ()))


def principals(source: Source) -> Iterator[Principal]:
    """Yield every user and role but service-linked roles and AppStream's own service roles.

    What AWS's services may do with roles that they made themselves is not the account's doing;
    whether AppStream's are as AWS made them is a control of its own.
    """
    known = _Known(source)
    for role, ref in _listed(source.snapshot, "RoleDetailList"):
        linked = str(role.get("Path", "")).startswith(LINKED)
        if not linked and role.get("RoleName") not in SERVICE_ROLES:
            yield known.principal("role", role, ref, known.own(role, ref, "RolePolicyList"))
    for user, ref in _listed(source.snapshot, "UserDetailList"):
        policies = [*known.own(user, ref, "UserPolicyList"), *known.of_groups(user, ref)]
        yield known.principal("user", user, ref, policies)


def _listed(snapshot: Snapshot, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    yield from snapshot.answer(DETAILS).items(path)


class _Known:
    """The account's groups and managed policies, by name and by ARN."""

    def __init__(self, source: Source):
        self._labels = source.labels
        self._account = source.snapshot.account
        self._answer = source.snapshot.answer(DETAILS)
        self._as_of = source.snapshot.as_of
        self._trouble = self._answer.trouble
        self._groups = {
            group.get("GroupName"): (group, ref)
            for group, ref in _listed(source.snapshot, "GroupDetailList")
        }
        self._policies = {
            policy.get("Arn"): self._managed(policy, ref)
            for policy, ref in _listed(source.snapshot, "Policies")
        }

    def principal(
        self, kind: str, item: dict[str, Any], ref: str, policies: list[Policy]
    ) -> Principal:
        limit = (item.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        boundary = self._by_arn(limit, ref) if item.get("PermissionsBoundary") else None
        arn = item.get("Arn") or self._answer.place(ref)
        is_role = kind == "role"
        document = item.get("AssumeRolePolicyDocument") if is_role else None
        trust = Policy("trust policy", (ref,))
        trust = self._read(document, trust.name, ref) if is_role else trust
        caller = Caller(
            kind,
            arn,
            self._account,
            item.get("UserId") or item.get("RoleId") or "",
            identity=tuple(s for policy in policies for s in policy.statements),
            boundary=boundary.statements if boundary else None,
            tags=_tags(item),
        )
        return Principal(
            kind,
            arn,
            item.get("UserName") or item.get("RoleName") or "",
            ref,
            tuple(policies),
            boundary,
            trust,
            replace(caller, tags=None) if trust.unseen or _adds_tags(caller, trust) else caller,
            kind_of_role(item) if is_role else None,
        )

    def own(self, item: dict[str, Any], ref: str, member: str) -> list[Policy]:
        """The inline policies of an item, and the managed policies that are attached to it."""
        inline = [
            self._read(policy.get("PolicyDocument"), "inline policy", f"{ref}/{member}/{n}")
            for n, policy in enumerate(item.get(member) or ())
        ]
        attached = item.get("AttachedManagedPolicies") or ()
        return [*inline, *(self._by_arn(policy.get("PolicyArn"), ref) for policy in attached)]

    def of_groups(self, user: dict[str, Any], ref: str) -> list[Policy]:
        """The policies of a user's groups."""
        policies = []
        for name in user.get("GroupList") or ():
            if name not in self._groups:
                gap = self._trouble or absent_member(DETAILS, "a group of the user", ref)
                policies.append(Policy("a group", self._answer.evidence, unseen=gap))
                continue
            group, where = self._groups[name]
            label = self._labels.label("group", group.get("Arn") or str(name), str(name))
            attached = self.own(group, where, "GroupPolicyList")
            policies += [
                replace(policy, name=f"{policy.name} of {label}", refs=(where, *policy.refs))
                for policy in attached
            ]
        return policies

    def _by_arn(self, arn: str | None, ref: str) -> Policy:
        if arn in self._policies:
            return self._policies[arn]
        gap = self._trouble or absent_member(DETAILS, "the document of a managed policy", ref)
        return Policy(self._named(arn), self._answer.evidence, unseen=gap)

    def _managed(self, policy: dict[str, Any], ref: str) -> Policy:
        """A managed policy as its default version has it, which alone is in force."""
        versions = (v for v in policy.get("PolicyVersionList") or () if v.get("IsDefaultVersion"))
        document = next((version.get("Document") for version in versions), None)
        return self._read(document, self._named(policy.get("Arn")), ref)

    def _read(self, document: Any, name: str, ref: str) -> Policy:
        if document is None:
            return Policy(name, (ref,), unseen=absent_member(DETAILS, "a policy document", ref))
        try:
            return Policy(name, (ref,), read_once(document, self._as_of))
        except PolicyError:
            gap = Trouble("unreadable answer", DETAILS.name, evidence=ref.partition("#")[0])
            return Policy(name, (ref,), unseen=gap)

    def _named(self, arn: str | None) -> str:
        """AWS's policies by their names, the account's by labels."""
        return policy_name(self._labels.label, arn)


def _tags(item: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the keys of a principal's tags; None where no answer has them.

    Earlier versions of the kit stored a token in place of the list.
    """
    tags = item.get("Tags")
    if not isinstance(tags, list) or not all(tag.get("Key") for tag in tags):
        return None
    return frozenset(str(tag["Key"]).lower() for tag in tags)


def _adds_tags(caller: Caller, trust: Policy) -> bool:
    """Return whether sessions of a principal may have tags that the principal has not.

    References
    ----------
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html: the role's trust policy has
    to allow sts:TagSession to whoever passes tags, and a user's own policies for a federated session.
    """
    if caller.kind == "role":
        return any(
            statement.effect == "Allow" and names_action(statement, _TAG_SESSION)
            for statement in trust.statements
        )
    sessions = Target(f"arn:*:sts::{caller.account}:federated-user/*", caller.account)
    return decide(caller, _TAG_SESSION, sessions) is not Access.NO


def kind_of_role(item: Mapping[str, Any]) -> str | None:
    """Return `RESERVED_ROLE` for a role that IAM lets nobody but AWS change, else None."""
    return RESERVED_ROLE if str(item.get("Path", "")).startswith((LINKED, RESERVED)) else None


def policy_name(label: Any, arn: str | None) -> str:
    """How a managed policy is shown: AWS's by its name, the account's own by a label."""
    if arn and AWS_POLICIES.match(arn):
        return arn.rpartition("/")[2]
    return str(label("policy", arn or "unnamed", (arn or "").rpartition("/")[2] or None))
