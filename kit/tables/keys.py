"""KMS keys that encrypt applications, the data of AppStream's users, recordings and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from kit.calls import (
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_REPLICATION,
    GET_EVENT_DATA_STORE,
    GET_KEY_ROTATION_STATUS,
    LIST_BUCKETS,
    LIST_EVENT_DATA_STORES,
    LIST_NAMED_BUCKETS,
    Scope,
    search,
)
from kit.catalogue.texts import text
from kit.redact.names import identify
from kit.snapshot import Answer, Snapshot, Trouble
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    absent_member,
    attached,
    derive,
    known_all,
    member,
    one_of,
)
from kit.tables.core import Column, Part, Row, Source, shown_name, table
from kit.tables.guards import USABLE, is_own
from kit.tables.organisation import owner_of, region_of, seen_by_owner
from kit.tables.outsiders import KEY_ACCESS_COLUMNS, key_access
from kit.tables.recorders import trails_at_home
from kit.tables.sources import SOURCES, screenshot_buckets, source_buckets
from kit.tables.storage import (
    BUCKET_SOURCES,
    bucket_label,
    buckets_in_scope,
    no_name,
    switched_off,
)

ROTATABLE = Part("rotatable", "rotatable")
THE_ACCOUNTS = Part("of_the_account", "own_keys")
_RULE = "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
_COPIES = (GET_BUCKET_REPLICATION, LIST_BUCKETS, LIST_NAMED_BUCKETS)
_USES = (GET_BUCKET_ENCRYPTION, *_COPIES, GET_EVENT_DATA_STORE)
_NO_KEY: dict[str, Any] = {
    "rotatable": False,
    "rotates": False,
    "rotation_days": None,
    "of_the_account": False,
    **{name: [] for name in KEY_ACCESS_COLUMNS},
}
# https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
_NOT_ROTATED = (
    *("RSA_2048", "RSA_3072", "RSA_4096", "SM2", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"),
    *("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"),
    *("ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87"),
    *("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"),
)
_NOT_USABLE = (
    *("Creating", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion"),
    "Unavailable",
)
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
    (
        *BUCKET_SOURCES,
        *(DESCRIBE_APP_BLOCKS, DESCRIBE_APPLICATIONS, DESCRIBE_FLEETS, DESCRIBE_IMAGE_BUILDERS),
        *(DESCRIBE_TRAILS, LIST_EVENT_DATA_STORES),
    ),
    {
        "rotatable": Column(calls=(*_USES, DESCRIBE_KEY)),
        "rotates": Column(calls=(*_USES, DESCRIBE_KEY, GET_KEY_ROTATION_STATUS)),
        "rotation_days": Column(calls=(GET_KEY_ROTATION_STATUS,)),
        "of_the_account": Column(calls=(*_USES, DESCRIBE_KEY)),
        **KEY_ACCESS_COLUMNS,
    },
)
def keys(source: Source) -> Iterator[Row]:
    """Yield a row for each key in use, and for each resource whose key is a gap.

    A multi-Region key in use has a row for each region that has the same key.
    """
    rows: dict[tuple[str, str], Row] = {}
    others: dict[tuple[str, str], Row] = {}
    for use in _uses(source):
        place, label, described = _place(source, use)
        row = rows.get(place)
        if row is None:
            rows[place] = Row(*place, label, _cells(source, use.key, described))
        else:
            for name, cell in row.cells.items():
                refs = tuple(dict.fromkeys([*cell.refs, *use.key.refs]))
                row.cells[name] = Cell(cell.value, refs, cell.gap or use.key.gap)
        for related in _related(source, use, described) if described else ():
            others[related.region, related.key] = related
    yield from {**others, **rows}.values()


def _uses(source: Source) -> Iterator[_Use]:
    snapshot = source.snapshot
    buckets = (
        *buckets_in_scope(snapshot),
        *screenshot_buckets(snapshot),
        *source_buckets(snapshot),
    )
    for bucket in buckets:
        label = bucket_label(source, bucket)
        if bucket.region not in snapshot.regions:
            continue
        if bucket.name:
            answer = snapshot.answer(GET_BUCKET_ENCRYPTION, Bucket=bucket.name)
            off = switched_off(snapshot, GET_BUCKET_ENCRYPTION, bucket.region)
            # A rule without a key's id means the AWS managed key; an absent rule means nothing.
            decided = answer.absent or answer.value(_RULE) is not None
            key = attached(answer, f"{_RULE}.KMSMasterKeyID", NONE if decided else UNSEEN)
            key = Cell(key.value, (*bucket.refs, *key.refs), off or key.gap)
            where = answer.region or bucket.region  # an alias names a key of the bucket's region
            yield _Use(key, where, bucket.region, label)
            if not off and bucket.purpose != SOURCES:
                yield from _copies(snapshot, bucket.name, bucket.region, label)
        else:
            key = Cell(None, bucket.refs, no_name(snapshot, bucket))
            yield _Use(key, bucket.region, bucket.region, label)
    for answer in snapshot.answers(DESCRIBE_STACKS):
        for stack, ref in answer.items():
            config = stack.get("AgentAccessConfig") or {}
            if config.get("ReplaySessionEnabled"):
                key = member(stack, ref, "AgentAccessConfig.KmsKeyArn", NONE, DESCRIBE_STACKS)
                label = source.labels.label("stack", identify(stack, answer), shown_name(stack))
                yield _Use(key, answer.region, answer.region, f"recordings of {label}")
    for trail, ref, region in trails_at_home(snapshot):
        key = member(trail, ref, "KmsKeyId", NONE, DESCRIBE_TRAILS)
        where = region_of(key.value) or region
        yield _Use(key, where, where if where in snapshot.regions else region, "trail")
        named = member(trail, ref, "S3BucketName", UNSEEN, DESCRIBE_TRAILS)
        if not named.gap:
            yield from _copies(snapshot, named.value, region, "trail")
        elif owner_of(trail.get("TrailARN")) in ("", snapshot.account):
            yield _Use(named, region, region, "trail")
    for answer in snapshot.answers(LIST_EVENT_DATA_STORES):
        for item, ref in answer.items():
            arn = item.get("EventDataStoreArn")
            store = snapshot.answer(GET_EVENT_DATA_STORE, answer.region, EventDataStore=arn)
            label = source.labels.label("event data store", str(arn), item.get("Name"))
            key = attached(store, "KmsKeyId", NONE)
            key = Cell(key.value, (ref, *key.refs), key.gap)
            yield _Use(key, answer.region, answer.region, label)


def _copies(snapshot: Snapshot, bucket: str, seat: str, thing: str) -> Iterator[_Use]:
    """Yield the keys that encrypt a bucket's copies, but for keys of other accounts.

    A gap where the rules are unseen, unless the bucket is certainly another account's: that account
    judges the bucket's copies.

    References
    ----------
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_EncryptionConfiguration.html: a rule names a
    key by its ARN or by an alias; KMS looks an alias up in the account that makes the copies.
    """
    answer = snapshot.answer(GET_BUCKET_REPLICATION, Bucket=bucket)
    rules = attached(answer, "ReplicationConfiguration.Rules", NONE)
    if rules.gap:
        own = is_own(snapshot, bucket)
        if own.gap or own.value:
            gap = own.gap or rules.gap
            yield _Use(Cell(None, (*own.refs, *rules.refs), gap), seat, seat, thing)
        return
    for n, rule in enumerate(rules.value or ()):
        named = search("Destination.EncryptionConfiguration.ReplicaKmsKeyID", rule)
        owner = owner_of(named)
        if not named or rule.get("Status") == "Disabled" or owner not in ("", snapshot.account):
            continue
        ref = f"{answer.first}#/ReplicationConfiguration/Rules/{n}/Destination"
        ref = f"{ref}/EncryptionConfiguration/ReplicaKmsKeyID"
        if not owner:
            gap = Trouble("needs review", hint=text("gaps/key_without_account"), evidence=ref)
            yield _Use(Cell(None, (ref,), gap), seat, seat, thing)
            continue
        where = region_of(named)
        yield _Use(Cell(named, (ref,)), where, where if where in snapshot.regions else seat, thing)


def _place(source: Source, use: _Use) -> tuple[tuple[str, str], str, Answer | None]:
    """Return the region and the key of a use's row, its label, and what KMS answered of the key."""
    if not use.key.value:  # the row of AWS's key, or no key, cites it where no other key exists
        return (use.seat, f"of {use.thing}"), f"key of {use.thing}", None
    described = source.snapshot.answer(DESCRIBE_KEY, use.region, KeyId=str(use.key.value))
    arn = described.value("KeyMetadata.Arn") or str(use.key.value)
    return (use.seat, arn), _label(source, arn), described


def _related(source: Source, use: _Use, described: Answer) -> Iterator[Row]:
    """Yield the same key in other regions, where it has a policy and grants of its own.

    Whoever one of them admits decrypts what another one encrypted. Their other properties, rotation
    among them, are those of the key in use.

    References
    ----------
    https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html.
    """
    snapshot, path = source.snapshot, "KeyMetadata.MultiRegionConfiguration"
    ours = _ours(snapshot, use.key, described)
    if ours.gap or not ours.value:
        return
    needed = UNSEEN if described.value("KeyMetadata.MultiRegion") else NONE
    known = attached(described, path, needed)
    own = described.value("KeyMetadata.Arn")
    configuration = known.value or {}
    named = [
        key.get("Arn")
        for key in (configuration.get("PrimaryKey"), *(configuration.get("ReplicaKeys") or ()))
        if key
    ]
    if not all(named):
        known = Cell(None, known.refs, absent_member(DESCRIBE_KEY, f"{path}.Arn", *known.refs))
    base = {name: Cell(value, use.key.refs) for name, value in _NO_KEY.items()}
    if known.gap:
        gaps = dict.fromkeys(("of_the_account", *KEY_ACCESS_COLUMNS), known)
        label = f"{_label(source, str(own))} in other regions"
        yield Row(use.seat, f"others of {own}", label, {**base, **gaps})
    for arn in sorted({arn for arn in named if arn} - {own}):
        region = region_of(arn)
        admitted = key_access(snapshot, source.labels, arn, region)
        cells = _citing(use.key, {"of_the_account": Cell(True, known.refs), **admitted})
        seat = region if region in snapshot.regions else use.seat
        yield Row(seat, arn, f"{_label(source, arn)} in {region}", {**base, **cells})


def _label(source: Source, arn: str) -> str:
    """Return a key by the id that KMS gave it, or by a label where the ARN has only an alias."""
    id = _ID.search(arn)
    return f"key {id[0]}" if id else source.labels.label("key", arn)


def _cells(source: Source, key: Cell, described: Answer | None) -> dict[str, Cell]:
    if described is None:
        return {name: Cell(value, key.refs, key.gap) for name, value in _NO_KEY.items()}
    snapshot, named = source.snapshot, str(key.value)

    def theirs(lender: Snapshot, name: str) -> Cell:
        return _rotation(lender, key, lender.answer(DESCRIBE_KEY, KeyId=named))[name]

    rotation = {
        name: seen_by_owner(cell, snapshot, named, partial(theirs, name=name))
        for name, cell in _rotation(snapshot, key, described).items()
    }
    return {**rotation, **_access(source, key, described)}


def _access(source: Source, key: Cell, described: Answer) -> dict[str, Cell]:
    """Return whom a key of the account admits; KMS shows a policy to the key's own account alone.

    References
    ----------
    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html, "Cross-account use".
    """
    snapshot = source.snapshot
    names = ("of_the_account", *KEY_ACCESS_COLUMNS)
    ours = _ours(snapshot, key, described)
    arn = attached(described, "KeyMetadata.Arn")
    if ours.gap or (ours.value and arn.gap):
        return dict.fromkeys(names, ours if ours.gap else arn)
    if not ours.value:
        return {name: Cell(_NO_KEY[name], (*key.refs, *described.evidence)) for name in names}
    admitted = key_access(snapshot, source.labels, arn.value, described.region)
    return _citing(key, {"of_the_account": ours, **admitted})


def _ours(snapshot: Snapshot, key: Cell, described: Answer) -> Cell:
    """Return whether a key is a customer managed key of the account."""
    if described.absent or owner_of(str(key.value)) not in ("", snapshot.account):
        return Cell(False, (*key.refs, *described.evidence))
    return derive(
        lambda manager, owner: manager == "CUSTOMER" and owner == snapshot.account,
        attached(described, "KeyMetadata.KeyManager"),
        attached(described, "KeyMetadata.AWSAccountId"),
    )


def _rotation(snapshot: Snapshot, key: Cell, described: Answer) -> dict[str, Cell]:
    if described.absent:  # AR-07 is about keys that are gone
        gone = Cell(False, (*key.refs, *described.evidence))
        return {"rotatable": gone, "rotates": gone, "rotation_days": Cell(None, gone.refs)}
    rotatable = known_all(
        derive(
            lambda value, wanted=wanted: value in wanted,
            one_of(attached(described, f"KeyMetadata.{name}"), (*wanted, *others)),
        )
        for name, wanted, others in (
            ("KeyManager", ("CUSTOMER",), ("AWS",)),
            ("KeySpec", ("SYMMETRIC_DEFAULT",), _NOT_ROTATED),
            ("Origin", ("AWS_KMS",), ("EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")),
            # KMS does not rotate a key that cannot be used, which AR-07 and LG-03 judge:
            # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
            ("KeyState", USABLE, _NOT_USABLE),
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
    return _citing(key, {"rotatable": rotatable, "rotates": rotates, "rotation_days": days})


def _citing(key: Cell, cells: dict[str, Cell]) -> dict[str, Cell]:
    """Return cells that also cite the answer that names the key."""
    return {
        name: Cell(cell.value, tuple(dict.fromkeys([*key.refs, *cell.refs])), cell.gap)
        for name, cell in cells.items()
    }
