"""KMS keys that encrypt the data of AppStream's users, recordings and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from kit.calls import (
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    GET_BUCKET_ENCRYPTION,
    GET_EVENT_DATA_STORE,
    GET_KEY_ROTATION_STATUS,
    LIST_EVENT_DATA_STORES,
    Scope,
)
from kit.redact.names import identify
from kit.snapshot import Answer, Snapshot
from kit.tables.cells import NONE, UNSEEN, Cell, attached, derive, known_all, member
from kit.tables.core import Column, Part, Row, Source, shown_name, table
from kit.tables.organisation import seen_by_owner
from kit.tables.recorders import trails_at_home
from kit.tables.sources import screenshot_buckets
from kit.tables.storage import BUCKET_SOURCES, bucket_label, buckets_in_scope, switched_off

ROTATABLE = Part("rotatable", "rotatable")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
_USES = (GET_BUCKET_ENCRYPTION, GET_EVENT_DATA_STORE)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")


@dataclass(frozen=True)
class _Use:
    """A resource that a key encrypts; the key's cell is a gap where no answer names the key."""

    key: Cell
    region: str  # where the collector describes the key
    seat: str  # the region of the key's row
    thing: str


@table(
    "keys",
    Scope.REGION,
    (*BUCKET_SOURCES, DESCRIBE_IMAGE_BUILDERS, DESCRIBE_TRAILS, LIST_EVENT_DATA_STORES),
    {
        "rotatable": Column(calls=(*_USES, DESCRIBE_KEY)),
        "rotates": Column(calls=(*_USES, DESCRIBE_KEY, GET_KEY_ROTATION_STATUS)),
        "rotation_days": Column(calls=(GET_KEY_ROTATION_STATUS,)),
    },
)
def keys(source: Source) -> Iterator[Row]:
    """Yield a row for each key in use, and for each resource whose key is a gap."""
    snapshot = source.snapshot
    rows: dict[tuple[str, str], Row] = {}
    for use in _uses(source):
        row = _row(snapshot, use, source)
        first = rows.setdefault((row.region, row.key), row)
        if first is not row:
            for name, cell in row.cells.items():
                refs = tuple(dict.fromkeys([*first.cells[name].refs, *cell.refs]))
                first.cells[name] = Cell(first.cells[name].value, refs, first.cells[name].gap)
    yield from rows.values()


def _uses(source: Source) -> Iterator[_Use]:
    snapshot = source.snapshot
    for bucket in (*buckets_in_scope(snapshot), *screenshot_buckets(snapshot)):
        if bucket.name and bucket.region in snapshot.regions:
            answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket.name)
            off = switched_off(snapshot, GET_BUCKET_ENCRYPTION, bucket.region)
            # A rule without a key's id means the AWS managed key; an absent rule means nothing.
            decided = answer.absent or answer.value(_RULE) is not None
            key = attached(answer, f"{_RULE}.KMSMasterKeyID", NONE if decided else UNSEEN)
            key = Cell(key.value, (*bucket.refs, *key.refs), off or key.gap)
            where = answer.region or bucket.region  # an alias names a key of the bucket's region
            yield _Use(key, where, bucket.region, bucket_label(source, bucket))
    for answer in snapshot.answers(DESCRIBE_STACKS):
        for stack, ref in answer.items():
            config = stack.get("AgentAccessConfig") or {}
            if config.get("ReplaySessionEnabled"):
                key = member(stack, ref, "AgentAccessConfig.KmsKeyArn", NONE, DESCRIBE_STACKS)
                label = source.labels.label("stack", identify(stack, answer), shown_name(stack))
                yield _Use(key, answer.region, answer.region, f"recordings of {label}")
    for trail, ref, region in trails_at_home(snapshot):
        key = member(trail, ref, "KmsKeyId", NONE, DESCRIBE_TRAILS)
        where = (str(key.value).split(":") + [""] * 4)[3] or region
        yield _Use(key, where, where if where in snapshot.regions else region, "trail")
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            label = source.labels.label("event data store", str(arn), item.get("Name"))
            key = attached(store, "KmsKeyId", NONE)
            key = Cell(key.value, (ref, *key.refs), key.gap)
            yield _Use(key, answer.region, answer.region, label)


def _row(snapshot: Snapshot, use: _Use, source: Source) -> Row:
    if use.key.gap:
        unseen = dict.fromkeys(("rotatable", "rotates", "rotation_days"), use.key)
        return Row(use.seat, f"of {use.thing}", f"key of {use.thing}", unseen)
    if not use.key.value:  # AWS's key or no key: the row cites it where no other key exists
        none = {"rotatable": Cell(False, use.key.refs), "rotates": Cell(False, use.key.refs)}
        cells = {**none, "rotation_days": Cell(None, use.key.refs)}
        return Row(use.seat, f"of {use.thing}", f"key of {use.thing}", cells)
    named = str(use.key.value)
    described = snapshot.answer(DESCRIBE_KEY, use.region, KeyId=named)
    arn = described.value("KeyMetadata.Arn") or named
    return Row(use.seat, arn, _label(source, arn), _cells(snapshot, use.key, described, named))


def _label(source: Source, arn: str) -> str:
    """Return a key by the id that KMS gave it, or by a label where the ARN has only an alias."""
    id = _ID.search(arn)
    return f"key {id[0]}" if id else source.labels.label("key", arn)


def _cells(snapshot: Snapshot, key: Cell, described: Answer, named: str) -> dict[str, Cell]:
    def theirs(lender: Snapshot, name: str) -> Cell:
        return _facts(lender, key, lender.answer(DESCRIBE_KEY, KeyId=named))[name]

    return {
        name: seen_by_owner(cell, snapshot, named, partial(theirs, name=name))
        for name, cell in _facts(snapshot, key, described).items()
    }


def _facts(snapshot: Snapshot, key: Cell, described: Answer) -> dict[str, Cell]:
    if described.absent:  # AR-07 is about keys that are gone
        gone = Cell(False, (*key.refs, *described.evidence))
        return {"rotatable": gone, "rotates": gone, "rotation_days": Cell(None, gone.refs)}
    rotatable = known_all(
        derive(lambda value, wanted=wanted: value == wanted, attached(described, path))
        for path, wanted in (
            ("KeyMetadata.KeyManager", "CUSTOMER"),
            ("KeyMetadata.KeySpec", "SYMMETRIC_DEFAULT"),
            ("KeyMetadata.Origin", "AWS_KMS"),
            # KMS does not rotate a key that cannot be used, which AR-07 and LG-03 judge:
            # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
            ("KeyMetadata.KeyState", "Enabled"),
        )
    )
    rotation = snapshot.answer(
        GET_KEY_ROTATION_STATUS, described.region, KeyId=described.value("KeyMetadata.Arn")
    )
    rotates, days = Cell(False, rotatable.refs), Cell(None, rotatable.refs)
    if rotatable.gap:
        rotates = days = rotatable
    elif rotatable.value:
        rotates = attached(rotation, "KeyRotationEnabled", UNSEEN)
        days = attached(rotation, "RotationPeriodInDays", NONE)
    cells = {"rotatable": rotatable, "rotates": rotates, "rotation_days": days}
    return {
        name: Cell(cell.value, tuple(dict.fromkeys([*key.refs, *cell.refs])), cell.gap)
        for name, cell in cells.items()
    }
