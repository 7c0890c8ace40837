"""What there is that somebody could have rights on, and what may be there unseen.

In patterns of what may be there a name is ``?*``, for no name and no key of an object is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kit.access.actions import (
    ACCESS_POINT,
    ANY,
    ASSUMED,
    BUCKET,
    GROUP,
    LISTED_POINT,
    LISTING,
    OBJECTS,
    PASSED,
    POLICY,
    PROVIDER,
    ROLE,
    SOME,
    SOURCE,
    USER,
    every,
    new,
)
from kit.access.conditions import Choice, Some
from kit.access.documents import Statement
from kit.access.evaluator import Target
from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    LIST_BUCKETS,
    Call,
    Scope,
)
from kit.snapshot import Snapshot, Trouble
from kit.tables.access_points import (
    DIRECTLY,
    leaves_room,
    listed_points,
    of_kind,
    points_of_others,
    unseen_point,
)
from kit.tables.cells import NONE, UNSEEN, Cell, attached, known_any
from kit.tables.core import Source
from kit.tables.guards import ANOTHER, is_own, public_access
from kit.tables.policies import read_policy
from kit.tables.sources import SOURCE_CALLS, screenshot_buckets, source_buckets
from kit.tables.storage import (
    BUCKET_SOURCES,
    Bucket,
    bucket_label,
    buckets_in_scope,
    no_name,
)

LISTS = {
    DESCRIBE_STACKS: "stack",
    DESCRIBE_FLEETS: "fleet",
    DESCRIBE_IMAGES: "image",
    DESCRIBE_IMAGE_BUILDERS: "image-builder",
    DESCRIBE_APP_BLOCKS: "app-block",
    DESCRIBE_APP_BLOCK_BUILDERS: "app-block-builder",
    DESCRIBE_APPLICATIONS: "application",
}
OPENED = (DESCRIBE_STACKS, DESCRIBE_IMAGE_BUILDERS, DESCRIBE_APP_BLOCK_BUILDERS)
BLOCKS = (
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
)
# What names the buckets with users' data; image builders keep screenshots of agents.
DATA_SOURCES = (*BUCKET_SOURCES, DESCRIBE_IMAGE_BUILDERS)
_PREFIXES = ("appstream2-36fb080bb8-", "appstream-app-settings-", "appstream-logs-")
_IAM = {USER: "user", GROUP: "group", ROLE: "role", POLICY: "policy", PROVIDER: "saml-provider"}


_THERE = Cell(True)


@dataclass(frozen=True)
class Thing:
    """The object of an action.

    Attributes
    ----------
    kind : str
        As `kit.access.actions` calls it.
    cell : Cell
        A gap where it was not seen, or where its policy was not: what may be done with it is then
        not known.
    label : str
        What its policy is shown as.
    outside : Trouble, optional
        What hides whether its policy lets anybody in from outside the account.
    may_let_in : bool
        Its policy, where it was not seen, may let somebody in.
    """

    kind: str
    target: Target
    cell: Cell = _THERE
    label: str = ""
    outside: Trouble | None = None
    may_let_in: bool = True


def appstream(snapshot: Snapshot) -> Iterator[Thing]:
    """Everything of AppStream's that was listed, and patterns for what was not."""
    for call, kind in LISTS.items():
        for region in snapshot.regions:
            answer = snapshot.answer(call, region)
            start = f"{_appstream(snapshot, region)}:{kind}/"
            for item, ref in answer.items():
                target = _listed(item, start, snapshot)
                yield Thing(kind, target, replace(_THERE, refs=(ref,)))
            if answer.trouble:
                gap = Cell(None, answer.evidence, answer.trouble)
                yield Thing(kind, Target(f"{start}?*", snapshot.account), gap)
            yield Thing(new(kind), Target(f"{start}?*", snapshot.account, wholly=True))
            yield from _every(snapshot, call, region)
    yield from others(snapshot)


def others(snapshot: Snapshot) -> Iterator[Thing]:
    """What is on no resource of AppStream's or S3's, or on resources that nobody listed."""
    regions = Choice(tuple(snapshot.regions))
    anywhere = {"aws:requestedregion": regions} if snapshot.regions else {}
    partition, account = snapshot.header["partition"], snapshot.account
    yield Thing(ANY, Target("*", account, context=anywhere))
    yield Thing(SOME, Target(f"arn:{partition}:*:*:*:*", account, context=anywhere))
    for region in (*snapshot.regions, ""):  # those of many regions are in none
        points = f"arn:{partition}:s3:{region}:{account}:accesspoint/?*"
        yield Thing(ACCESS_POINT, Target(points, account, context=anywhere))
    iam = f"arn:{partition}:iam::{account}"
    for kind, name in _IAM.items():
        yield Thing(kind, Target(f"{iam}:{name}/?*", account))
    for kind in (ASSUMED, PASSED):
        yield Thing(kind, Target(f"{iam}:role/?*", account, wholly=True))


def openable(snapshot: Snapshot, *, wholly: bool) -> Iterator[Thing]:
    """A pattern for each kind of thing on which a session could be opened, where such a thing is."""
    for call in OPENED:
        kind = LISTS[call]
        for region in snapshot.regions:
            answer = snapshot.answer(call, region)
            ref = next((ref for _, ref in answer.items()), None)
            if not ref and not answer.trouble:
                continue
            unseen = Cell(None, answer.evidence, answer.trouble)
            cell = replace(_THERE, refs=(ref,)) if ref else unseen
            start = _appstream(snapshot, region)
            yield Thing(kind, Target(f"{start}:{kind}/?*", snapshot.account, wholly=wholly), cell)
            if kind == "stack":
                yield from _every(snapshot, DESCRIBE_FLEETS, region)


def whatever(snapshot: Snapshot) -> Iterator[Thing]:
    """A pattern for each kind of thing that there could be."""
    for kind in LISTS.values():
        target = Target(f"{_appstream(snapshot, '*')}:{kind}/?*", snapshot.account)
        yield from (Thing(name, target) for name in (kind, new(kind)))
        for region in snapshot.regions:
            start = _appstream(snapshot, region)
            yield Thing(every(kind), Target(f"{start}:{kind}/?*", snapshot.account))
    yield from _unlisted_buckets(snapshot, _THERE)
    yield from others(snapshot)


def _every(snapshot: Snapshot, call: Call, region: str) -> Iterator[Thing]:
    """What may go with a resource of another kind: a listed resource, or whichever there is."""
    kind = LISTS[call]
    start = f"{_appstream(snapshot, region)}:{kind}/"
    for item, _ in snapshot.answer(call, region).items():
        yield Thing(every(kind), _listed(item, start, snapshot))
    yield Thing(every(kind), Target(f"{start}?*", snapshot.account, wholly=True))


def _listed(item: Mapping[str, Any], start: str, snapshot: Snapshot) -> Target:
    """A resource by its ARN, else by its name; any resource where AWS left out both."""
    return Target(item.get("Arn") or f"{start}{item.get('Name') or '?*'}", snapshot.account)


def _appstream(snapshot: Snapshot, region: str) -> str:
    return f"arn:{snapshot.header['partition']}:appstream:{region}:{snapshot.account}"


def user_buckets(source: Source) -> Iterator[Thing]:
    """The buckets with users' data and their policies, and patterns for those not seen.

    Screenshots and recordings of agents' sessions show users' data too.
    """
    snapshot = source.snapshot
    of_agents = screenshot_buckets(snapshot)
    for bucket in (*buckets_in_scope(snapshot), *of_agents):
        if bucket.name:
            yield from _bucket(source, bucket, by_points=bucket not in of_agents)
        else:
            yield from _unlisted_buckets(snapshot, _unnamed(snapshot, bucket))
    for gap in _unread(snapshot, DATA_SOURCES, off=False):
        yield from _unlisted_buckets(snapshot, gap)


def application_sources(source: Source) -> Iterator[Thing]:
    """What Elastic fleets run from buckets of the customer, and patterns for what was not seen."""
    snapshot = source.snapshot
    unseen = [*_unread(snapshot, SOURCE_CALLS, off=False)]
    things: list[Thing] = []
    for bucket in source_buckets(snapshot):
        if bucket.name:
            things += _bucket(source, bucket, by_points=False)
        else:
            unseen.append(_unnamed(snapshot, bucket))
    for cell in unseen:
        things += _unlisted(snapshot, "?", cell)
    yield from (replace(thing, kind=SOURCE) for thing in things if thing.kind == OBJECTS)


def _unnamed(snapshot: Snapshot, bucket: Bucket) -> Cell:
    return replace(_THERE, refs=bucket.refs, gap=no_name(snapshot, bucket))


def _unlisted_buckets(snapshot: Snapshot, cell: Cell) -> Iterator[Thing]:
    for prefix in _PREFIXES:
        yield from _unlisted(snapshot, prefix, cell)


def _unlisted(snapshot: Snapshot, prefix: str, cell: Cell) -> Iterator[Thing]:
    regions = {"aws:requestedregion": Some(tuple(snapshot.regions))} if snapshot.regions else {}
    context = {**DIRECTLY, **regions}
    arn = f"arn:{snapshot.header['partition']}:s3:::{prefix}*"
    yield from _both(Thing(BUCKET, Target(arn, snapshot.account, context=context), cell))


def _both(bucket: Thing) -> Iterator[Thing]:
    """A bucket, and what is in it."""
    yield from (bucket, replace(bucket, kind=LISTING))
    objects = replace(bucket.target, arn=f"{bucket.target.arn}/?*")
    yield replace(bucket, kind=OBJECTS, target=objects)


def _bucket(source: Source, bucket: Bucket, *, by_points: bool) -> Iterator[Thing]:
    """A bucket and what is in it; if wanted, also as access points lead to it."""
    snapshot, name = source.snapshot, bucket.name
    arn = f"arn:{snapshot.header['partition']}:s3:::{name}"
    context = {**DIRECTLY, "aws:requestedregion": bucket.region}
    policy, closed = Cell(()), Cell(False)
    # The kit sends no requests on buckets of regions that are not in scope. In a region that is off, IAM lets
    # nobody reach what is there (Account Management Reference Guide, "Enable or disable Regions").
    is_requested = bucket.region in snapshot.regions and not snapshot.regions_off.get(bucket.region)
    if is_requested:
        policy = _policy(snapshot, bucket)
        closed = public_access(snapshot, name)["restrict_public_buckets"]
    target = Target(
        arn,
        snapshot.account if by_points or is_own(snapshot, name).value is not False else ANOTHER,
        policy.value,
        blocks_public=bool(closed.value),
        context=context,
    )
    cell = replace(_THERE, refs=(*bucket.refs, *policy.refs), gap=policy.gap)
    label = f"the policy of {bucket_label(source, bucket)}"
    yield from _both(Thing(BUCKET, target, cell, label, closed.gap))
    if is_requested and by_points:
        yield from _by_points(source, bucket, Thing(BUCKET, target, cell, label, closed.gap))


def _by_points(source: Source, bucket: Bucket, direct: Thing) -> Iterator[Thing]:
    """A bucket's files as access points lead to them: listed access points, unseen access points, and others'."""
    snapshot, account, target = source.snapshot, source.snapshot.account, direct.target
    points, known = listed_points(snapshot, source.labels, bucket.name, bucket.region)
    may_let_in = leaves_room(target.policy or ())
    things = []
    for point in points:
        cells = (known, point.arn, point.origin, point.policy)
        refs = dict.fromkeys(ref for cell in (direct.cell, *cells) for ref in cell.refs)
        gap = next((cell.gap for cell in (point.arn, point.origin, point.policy) if cell.gap), None)
        cell = replace(direct.cell, refs=tuple(refs), gap=direct.cell.gap or gap)
        way = unseen_point(target, account, bucket.region) if gap else point.before(target, account)
        label = f"the policy of {point.label}"
        things.append(Thing(LISTING, way, cell, label, direct.outside, may_let_in))
        yield _listed_point(direct, bucket.region, point.arn)
    if known.gap:
        cell = replace(direct.cell, refs=(*direct.cell.refs, *known.refs), gap=known.gap)
        way = unseen_point(target, account, bucket.region)
        things.append(Thing(LISTING, way, cell, may_let_in=may_let_in))
        yield _listed_point(direct, bucket.region, known)
    things += (
        replace(direct, kind=LISTING, target=point) for point in points_of_others(target, account)
    )
    for thing in things:
        yield thing
        yield replace(thing, kind=OBJECTS, target=of_kind(thing.target, OBJECTS))


def _listed_point(direct: Thing, region: str, arn: Cell) -> Thing:
    """An access point whose policy somebody may change; whichever there is, where it was not seen."""
    _, partition, *_ = direct.target.arn.split(":")
    any_point = f"arn:{partition}:s3:{region}:{direct.target.account}:accesspoint/?*"
    context = {"aws:requestedregion": region}
    target = Target(arn.value or any_point, direct.target.account, context=context)
    return Thing(LISTED_POINT, target, replace(direct.cell, refs=arn.refs, gap=arn.gap))


def _policy(snapshot: Snapshot, bucket: Bucket) -> Cell:
    """The statements of a bucket's policy; canonical users are named as accounts are."""
    answer = snapshot.answer(GET_BUCKET_POLICY, Bucket=bucket.name)
    document = attached(answer, "Policy", UNSEEN, NONE)
    statements = read_policy(document, answer.call, snapshot.as_of)
    if statements.gap:
        return statements
    owner = snapshot.answer(LIST_BUCKETS).value("Owner.ID")
    root = f"arn:{snapshot.header['partition']}:iam::{snapshot.account}:root"
    return Cell(
        tuple(_by_arn(statement, owner, root) for statement in statements.value), document.refs
    )


def _by_arn(statement: Statement, owner: str | None, root: str) -> Statement:
    """A statement that names canonical users as it names others: the owner's is its account."""
    if not any(kind == "CanonicalUser" for kind, _ in statement.principals or ()):
        return statement
    named = tuple(
        ("AWS", root if name == owner else f"canonical:{name}")
        if kind == "CanonicalUser"
        else (kind, name)
        for kind, name in statement.principals or ()
    )
    return replace(statement, principals=named)


def _unread(snapshot: Snapshot, calls: Iterable[Call], *, off: bool = True) -> Iterator[Cell]:
    for call in calls:
        for region in snapshot.regions if call.scope is Scope.REGION else (None,):
            answer = snapshot.answer(call, region)
            if answer.trouble and (off or not answer.off):
                yield Cell(None, answer.evidence, answer.trouble)


def exists(things: Iterable[Thing], snapshot: Snapshot, calls: Iterable[Call]) -> Cell:
    """Whether any of the things is there, by the calls that list them."""
    there = [
        Cell(True, thing.cell.refs) for thing in things if thing.cell.value and thing.cell.refs
    ]
    refs = [
        ref
        for call in calls
        for region in (snapshot.regions if call.scope is Scope.REGION else (None,))
        for ref in snapshot.answer(call, region).evidence
    ]
    return known_any([*there[:1], Cell(False, tuple(refs)), *_unread(snapshot, calls)])
