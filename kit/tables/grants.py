"""Who may do what with AppStream and with what its users leave behind.

A capability is a short list of actions, any of which is enough to have it. Each is asked for over
the resources that are there, and over what may be there where a list could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kit.access.patterns import matches
from kit.aws.calls import (
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    Call,
    Scope,
)
from kit.snapshot import Trouble
from kit.tables.cells import Cell, derive
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.coverage import ACCOUNT
from kit.tables.inventory import (
    ANY,
    BUCKET,
    LISTS,
    OBJECTS,
    OPENED,
    PREFIXES,
    Target,
    bucket_targets,
    every_kind,
    exists,
    resources,
    user_buckets,
)
from kit.tables.permissions import Evaluation, Pair
from kit.tables.principals import Principal, principals
from kit.tables.storage import BUCKET_SOURCES

ADMINISTER, READ_FILES = "administer AppStream", "read users' files"
UNPROTECT, MINT = "change how buckets are protected", "open streaming sessions"

# Actions with the kind of resource that IAM asks them for (Service Authorization Reference).
# Starting, stopping and tagging change no protection and are left out.
_ACTIONS: dict[str, dict[str, str]] = {
    ADMINISTER: {
        **dict.fromkeys(
            [
                "CreateStack",
                "UpdateStack",
                "DeleteStack",
                "CreateEntitlement",
                "UpdateEntitlement",
                "DeleteEntitlement",
                "AssociateApplicationToEntitlement",
                "BatchAssociateUserStack",
                "AssociateFleet",
            ],
            "stack",
        ),
        **dict.fromkeys(["CreateFleet", "UpdateFleet", "DeleteFleet"], "fleet"),
        **dict.fromkeys(
            ["CopyImage", "CreateUpdatedImage", "DeleteImage", "UpdateImagePermissions"], "image"
        ),
        **dict.fromkeys(["CreateImageBuilder", "DeleteImageBuilder"], "image-builder"),
        **dict.fromkeys(["CreateApplication", "DeleteAppBlock"], "app-block"),
        **dict.fromkeys(["UpdateApplication", "DeleteApplication"], "application"),
        **dict.fromkeys(
            ["CreateAppBlockBuilder", "UpdateAppBlockBuilder", "DeleteAppBlockBuilder"],
            "app-block-builder",
        ),
        **dict.fromkeys(
            [
                "CreateUser",
                "EnableUser",
                "CreateDirectoryConfig",
                "UpdateDirectoryConfig",
                "CreateExportImageTask",
                "CreateUsageReportSubscription",
                "DeleteUsageReportSubscription",
            ],
            ANY,
        ),
    },
    READ_FILES: dict.fromkeys(["GetObject", "GetObjectVersion"], OBJECTS),
    UNPROTECT: dict.fromkeys(
        [
            "PutBucketPolicy",
            "DeleteBucketPolicy",
            "PutBucketAcl",
            "PutBucketPublicAccessBlock",
            "PutBucketOwnershipControls",
            "PutEncryptionConfiguration",
            "PutLifecycleConfiguration",
            "PutReplicationConfiguration",
            "PutBucketVersioning",
            "PutBucketLogging",
            "DeleteBucket",
        ],
        BUCKET,
    ),
    MINT: {
        "CreateStreamingURL": "stack",
        "Stream": "stack",
        "CreateImageBuilderStreamingURL": "image-builder",
        "CreateAppBlockBuilderStreamingURL": "app-block-builder",
    },
}
# A URL into a stack leads to a fleet, which the policy has to name as well.
_ALSO = {"appstream:CreateStreamingURL": "fleet"}
RESOURCES = Part("in_scope", "resource of AppStream, or bucket, that rights could be on")
DESTINATIONS = Part("in_scope", "stack or builder that a session could be opened on")
_COLUMNS = {
    "capability": "Right asked about",
    "open": "Allowed without a narrowing condition",
    "narrowed": "Allowed under a condition, or only on named resources",
    "through": "By",
    "administrator": "Declared as administrator",
}


@dataclass(frozen=True)
class Capability:
    """A capability over what there is, and what may be there."""

    name: str
    targets: tuple[Target, ...]
    exists: Cell
    wholly: bool = False

    @property
    def wanted(self) -> dict[str, tuple[str, ...]]:
        """Actions, each with the ARNs that it is asked for."""
        prefix = "s3" if self.name in (READ_FILES, UNPROTECT) else "appstream"
        return {
            f"{prefix}:{action}": tuple(
                target.arn
                for target in self.targets
                if target.kind in (kind, _ALSO.get(f"{prefix}:{action}"))
            )
            for action, kind in _ACTIONS[self.name].items()
        }

    @cached_property
    def _possible(self) -> dict[str, str]:
        return {target.arn: target.kind for target in self.targets}

    @cached_property
    def _seen(self) -> dict[str, str]:
        return {target.arn: target.kind for target in self.targets if not target.cell.gap}

    def held(self, pairs: Iterable[Pair], *, seen: bool) -> list[str]:
        """The actions among these pairs that can be used on something (seen for certain)."""
        kinds = self._seen if seen else self._possible
        reached = {(action, kinds[arn]) for action, arn in pairs if arn in kinds}
        return sorted(
            action
            for action, kind in reached
            if kind != _ALSO.get(action)
            and (action not in _ALSO or (action, _ALSO[action]) in reached)
        )

    def trouble(self, pairs: Iterable[Pair]) -> Trouble | None:
        """What hid the first of the targets among these pairs that was hidden."""
        arns = {arn for _, arn in pairs}
        return next((t.cell.gap for t in self.targets if t.arn in arns and t.cell.gap), None)


def _declared(lists: tuple[Call, ...]) -> Mapping[str, Column]:
    columns = {name: Column(title) for name, title in _COLUMNS.items()}
    columns["open"] = Column(_COLUMNS["open"], calls=lists)
    return {**columns, "in_scope": Column("There is something to have rights on", calls=lists)}


@table(
    "grants",
    "principal with rights on AppStream",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    _declared((*LISTS, *BUCKET_SOURCES)),
)
def grants(source: Source) -> Iterator[Row]:
    """Each principal with each capability that it has; and for each capability, all the others."""
    snapshot = source.snapshot
    things = resources(snapshot)
    buckets = user_buckets(snapshot)
    yield from _rows(
        source,
        Capability(ADMINISTER, things, exists(things, snapshot, tuple(LISTS))),
        Capability(READ_FILES, buckets, exists(buckets, snapshot, BUCKET_SOURCES)),
        Capability(UNPROTECT, buckets, exists(buckets, snapshot, BUCKET_SOURCES)),
    )


@table(
    "url_grants",
    "principal that may open streaming sessions",
    Scope.ACCOUNT,
    (GET_ACCOUNT_AUTHORIZATION_DETAILS,),
    _declared(OPENED),
)
def url_grants(source: Source) -> Iterator[Row]:
    """Each principal that may open sessions: on whatever there is in a region, or on named ones."""
    snapshot = source.snapshot
    every = tuple(every_kind(snapshot))
    yield from _rows(source, Capability(MINT, every, exists(every, snapshot, OPENED), True))


def _rows(source: Source, *capabilities: Capability) -> Iterator[Row]:
    snapshot = source.snapshot
    details = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    everybody = list(principals(source))
    for capability in capabilities:
        judged = _Judged(capability)
        yield from (row for one in everybody for row in [judged.row(source, one)] if row)
        cells = {
            "capability": Cell(capability.name, details.evidence),
            "open": Cell([], details.evidence, details.trouble),
            "narrowed": Cell([], details.evidence, details.trouble),
            "through": Cell([], details.evidence, details.trouble),
            "administrator": _declared_administrator(source, ""),
            "in_scope": capability.exists,
        }
        if not details.trouble:
            label = f"everybody else: {capability.name}"
            yield Row(ACCOUNT, f"{capability.name}/~", label, cells)


class _Judged:
    """A capability held against one principal after another."""

    def __init__(self, capability: Capability):
        self.capability = capability
        self.wide = Evaluation(capability.wanted, capability.wholly)
        self.named = Evaluation(capability.wanted) if capability.wholly else self.wide

    def row(self, source: Source, principal: Principal) -> Row | None:
        """The row of a principal; None where it has nothing of the capability."""
        capability = self.capability
        boundary = principal.boundary.statements if principal.boundary else None
        rights = self.wide.rights(principal.statements, boundary)
        known = capability.held(rights.open, seen=True)
        possible = capability.held(rights.open, seen=False)
        some = self.named.rights(principal.statements, boundary)
        narrowed = capability.held((some.narrowed | some.open) - rights.open, seen=False)
        gap = principal.unseen
        if not gap and not known:
            gap = capability.trouble(rights.open) if possible else None
        if not (known or possible or narrowed or gap):
            return None
        arn = principal.arn
        administrator = _declared_administrator(source, arn)
        if administrator.value:
            known, gap = possible, None
        refs = (principal.ref,)
        seen = tuple(r for t in capability.targets if not t.cell.gap for r in t.cell.refs)[:1]
        cells = {
            "capability": Cell(capability.name, refs),
            "open": Cell(known, (*refs, *seen), gap),
            "narrowed": Cell(narrowed, refs),
            "through": Cell(self._through(principal), refs),
            "administrator": administrator,
            "in_scope": capability.exists,
        }
        label = f"{source.labels.label(principal.kind, arn, principal.name)}: {capability.name}"
        return Row(ACCOUNT, f"{capability.name}/{arn}", label, cells)

    def _through(self, principal: Principal) -> list[str]:
        """The policies that allow any of it, whatever limits them elsewhere."""
        allowing = (
            policy.name
            for policy in principal.policies
            for rights in [self.named.rights(policy.statements)]
            if rights.open or rights.narrowed
        )
        return list(dict.fromkeys(allowing))


def _declared_administrator(source: Source, arn: str) -> Cell:
    """Whether the run's parameters declare a principal as one that may do all this."""
    patterns = source.snapshot.run.administrators
    return Cell(any(matches(one, arn) for one in patterns), ("parameters#/administrators",))


def capabilities_of_roles(source: Source) -> Callable[[Cell], Cell]:
    """What roles may do with anything that AppStream could have, by the cell of a role's ARN.

    Streaming users can take the credentials of their instance's role, so what such a role may do
    is asked for whatever resources there are.
    """
    snapshot = source.snapshot
    details = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    there = Cell(True)
    partition, account = snapshot.header["partition"], snapshot.account
    targets = [
        Target(f"arn:{partition}:appstream:*:{account}:{kind}/*", kind, there)
        for kind in LISTS.values()
    ]
    for prefix in PREFIXES:
        targets += bucket_targets(f"arn:{partition}:s3:::{prefix}*", there)
    targets.append(Target("*", ANY, there))
    known = [Capability(name, tuple(targets), there) for name in _ACTIONS]
    judged = [_Judged(capability) for capability in known]
    roles = {one.arn: one for one in principals(source) if one.kind == "role"}

    def capabilities(role_arn: Cell) -> Cell:
        if role_arn.gap or role_arn.value is None:
            return derive(lambda _: [], role_arn)
        if role_arn.value not in roles:
            return Cell([], (*role_arn.refs, *details.evidence), details.trouble)
        role = roles[role_arn.value]
        rows = [row for one in judged for row in [one.row(source, role)] if row]
        gap = next((row.cells["open"].gap for row in rows if row.cells["open"].gap), None)
        held = [str(r.cells["capability"].value) for r in rows if r.cells["open"].value]
        declared = any(row.cells["administrator"].value for row in rows)
        return Cell([] if declared else held, (*role_arn.refs, role.ref), gap)

    return capabilities
