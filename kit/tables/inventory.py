"""What there is that somebody could have rights on, and what may be there unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kit.aws.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    Call,
    Scope,
)
from kit.snapshot import Snapshot
from kit.tables.cells import Cell, known_any
from kit.tables.storage import BUCKET_SOURCES, HOME, LOGS, SETTINGS, buckets_in_scope

LISTS = {
    DESCRIBE_STACKS: "stack",
    DESCRIBE_FLEETS: "fleet",
    DESCRIBE_IMAGES: "image",
    DESCRIBE_IMAGE_BUILDERS: "image-builder",
    DESCRIBE_APP_BLOCKS: "app-block",
    DESCRIBE_APP_BLOCK_BUILDERS: "app-block-builder",
    DESCRIBE_APPLICATIONS: "application",
}
ANY, BUCKET, OBJECTS = "any resource", "bucket", "objects"
PREFIXES = ("appstream2-36fb080bb8-", "appstream-app-settings-", "appstream-logs-")

OPENED = (DESCRIBE_STACKS, DESCRIBE_IMAGE_BUILDERS, DESCRIBE_APP_BLOCK_BUILDERS)


@dataclass(frozen=True)
class Target:
    """Something that an action may be asked for: seen, or unseen for a reason."""

    arn: str
    kind: str
    cell: Cell


def resources(snapshot: Snapshot) -> tuple[Target, ...]:
    """Everything of AppStream's that was listed, and patterns for what was not."""
    return (*_appstream(snapshot, LISTS, every=False), Target("*", ANY, Cell(True)))


def every_kind(snapshot: Snapshot) -> Iterator[Target]:
    """A pattern for each kind of thing that a session could be opened on, where there is one."""
    for target in _appstream(snapshot, {call: LISTS[call] for call in OPENED}, every=True):
        yield target
        if target.kind == "stack":
            yield Target(target.arn.replace(":stack/", ":fleet/"), "fleet", target.cell)


def _appstream(snapshot: Snapshot, lists: Mapping[Call, str], *, every: bool) -> Iterator[Target]:
    for call, kind in lists.items():
        for region in snapshot.regions:
            answer = snapshot.answer(call, region)
            prefix = f"arn:{snapshot.header['partition']}:appstream:{region}:{snapshot.account}"
            refs = []
            for item, ref in answer.items():
                refs.append(ref)
                if not every:
                    arn = item.get("Arn") or f"{prefix}:{kind}/{item.get('Name') or '*'}"
                    yield Target(arn, kind, Cell(True, (ref,)))
            if every and refs:
                yield Target(f"{prefix}:{kind}/*", kind, Cell(True, (refs[0],)))
            elif answer.trouble:
                gap = Cell(None, answer.evidence, answer.trouble)
                yield Target(f"{prefix}:{kind}/*", kind, gap)


def user_buckets(snapshot: Snapshot) -> tuple[Target, ...]:
    """The buckets with users' data, and patterns for those that could not be seen."""
    targets: list[Target] = []
    prefix = f"arn:{snapshot.header['partition']}:s3:::"
    for bucket in buckets_in_scope(snapshot):
        if bucket.purpose in (HOME, SETTINGS, LOGS):
            patterns = [bucket.name] if bucket.name else [f"{start}*" for start in PREFIXES]
            for name in patterns:
                targets += bucket_targets(f"{prefix}{name}", Cell(True, bucket.refs))
    for gap in _unread(snapshot, BUCKET_SOURCES):
        for start in PREFIXES:
            targets += bucket_targets(f"{prefix}{start}*", gap)
    return tuple(targets)


def bucket_targets(arn: str, cell: Cell) -> list[Target]:
    """A bucket, and what is in it."""
    return [Target(arn, BUCKET, cell), Target(f"{arn}/*", OBJECTS, cell)]


def _unread(snapshot: Snapshot, calls: Iterable[Call]) -> Iterator[Cell]:
    for call in calls:
        for region in snapshot.regions if call.scope is Scope.REGION else (None,):
            answer = snapshot.answer(call, region)
            if answer.trouble:
                yield Cell(None, answer.evidence, answer.trouble)


def exists(targets: Iterable[Target], snapshot: Snapshot, calls: tuple[Call, ...]) -> Cell:
    """Whether there is anything to have rights on."""
    there = [target.cell for target in targets if target.cell.value and target.kind != ANY]
    refs = [
        ref
        for call in calls
        for region in (snapshot.regions if call.scope is Scope.REGION else (None,))
        for ref in snapshot.answer(call, region).evidence
    ]
    return known_any([*there[:1], Cell(False, tuple(refs)), *_unread(snapshot, calls)])
