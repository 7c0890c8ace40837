"""Buckets in which AppStream stores its users' data and its logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kit.access.actions import BUCKET, FILES, OBJECTS
from kit.access.conditions import PLAIN_HTTP, WITH_OWN_KEY
from kit.calls import (
    CALLS,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_LOGGING,
    GET_BUCKET_OWNERSHIP_CONTROLS,
    GET_BUCKET_POLICY,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    LIST_BUCKETS,
    Call,
    Scope,
)
from kit.parameters import HOME_FOLDERS, RetentionKind
from kit.redact.names import APPSTREAM_BUCKETS, shown_bucket
from kit.snapshot import Answer, Snapshot, Trouble
from kit.tables.cells import NONE, UNSEEN, Cell, absent_member, attached, derive, known_any
from kit.tables.copies import COPY_COLUMNS, copies
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.guardduty import PLAN_COLUMNS, malware_plan
from kit.tables.guards import (
    ENCRYPTION_COLUMNS,
    KEPT_CALLS,
    KEPT_COLUMN,
    OWNER_COLUMN,
    OWNERSHIP_COLUMN,
    PUBLIC_ACCESS_COLUMNS,
    VERSIONING_COLUMN,
    Kept,
    encryption,
    owner,
    ownership,
    public_access,
    retention,
    sse_c_blocked,
    versioning,
)
from kit.tables.macie import BUCKET_COLUMNS, bucket_cells
from kit.tables.outsiders import (
    ACCESS_POINT_COLUMNS,
    access_points,
)
from kit.tables.policies import read_policy
from kit.tables.refusals import REFUSAL_COLUMNS, refusals, refuses_all
from kit.tables.trails import DELIVERY_LIMIT, RECORDER_CALLS, object_events, trail_kind

HOME, SETTINGS, LOGS = "home folders", "application settings", "logs"
_UNKNOWN = "an unknown purpose"
_DELETION = (("s3:DeleteBucket", BUCKET),)  # what the statement that AppStream adds denies
_WRITING = (("s3:PutObject", OBJECTS),)

BUCKET_SOURCES = (LIST_BUCKETS, DESCRIBE_STACKS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS)
_PURPOSES = tuple(zip((HOME, SETTINGS, LOGS), APPSTREAM_BUCKETS, strict=True))
# The folders in which AppStream stores objects. Beside the folders of reports it creates a folder
# for the output of each session's scripts.
# Developer Guide: "Home Folder Formats", "Administer the VHDs for Your Users' Application Settings",
# "Sessions Reports", "Applications Reports", "Enable Amazon S3 Bucket Storage for Session Script Logs".
FOLDERS = {
    HOME: ("user/custom/", "user/federated/", "user/userpool/"),
    SETTINGS: ("Windows/",),
    LOGS: ("applications/", "sessions/"),
}
# The names of purposes in `retention_days` of the parameters.
RETENTION_KINDS: dict[str, RetentionKind] = {
    HOME: "home folders",
    SETTINGS: "application settings",
    LOGS: "usage reports",
}
_COLUMNS = {
    "purpose": Column(),
    "owner": OWNER_COLUMN,
    **ENCRYPTION_COLUMNS,
    "sse_c_blocked": Column(calls=(GET_BUCKET_ENCRYPTION, GET_BUCKET_POLICY)),
    **PUBLIC_ACCESS_COLUMNS,
    "acls_ignored": Column(
        calls=(
            GET_BUCKET_PUBLIC_ACCESS_BLOCK,
            GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
            GET_BUCKET_OWNERSHIP_CONTROLS,
        ),
    ),
    "object_ownership": OWNERSHIP_COLUMN,
    **ACCESS_POINT_COLUMNS,
    "deletion_guarded": Column(calls=(GET_BUCKET_POLICY,)),
    **REFUSAL_COLUMNS,
    "kept_days": KEPT_COLUMN,
    "kept_until": Column(calls=KEPT_CALLS),
    "erased_folders": Column(calls=KEPT_CALLS),
    "versioning": VERSIONING_COLUMN,
    **COPY_COLUMNS,
    **BUCKET_COLUMNS,
    **PLAN_COLUMNS,
    "tls_only": Column(calls=(GET_BUCKET_POLICY,)),
    "access_logging": Column(calls=(GET_BUCKET_LOGGING,)),
    "trail_kind": Column(calls=(DESCRIBE_TRAILS,)),
    "accesses_logged": Column(
        calls=(*RECORDER_CALLS, GET_BUCKET_LOGGING),
        thresholds=(DELIVERY_LIMIT,),
    ),
}
HOME_FOLDER_BUCKETS = Part(f"purpose == '{HOME}'", "home_folder_buckets")
SETTINGS_BUCKETS = Part(f"purpose == '{SETTINGS}'", "settings_buckets")
LOG_BUCKETS = Part(f"purpose == '{LOGS}'", "log_buckets")
USER_BUCKETS = Part(f"purpose in ('{HOME}', '{SETTINGS}')", "user_buckets")


@dataclass(frozen=True)
class Bucket:
    """A bucket that holds AppStream's data; its name is empty where AWS left it out."""

    name: str
    purpose: str
    region: str
    refs: tuple[str, ...]


def buckets_in_scope(snapshot: Snapshot) -> list[Bucket]:
    """Return the buckets that hold AppStream's data.

    AppStream's names identify listed buckets. Buckets that a stack or a subscription names are in
    scope whether or not S3 lists them. A feature that is on and names no bucket adds a bucket
    without a name, unless the region has a bucket of the kind.
    """
    by_name: dict[str, Bucket] = {}
    unnamed: dict[tuple[str, str], Bucket] = {}
    for bucket in (*_listed(snapshot), *_named(snapshot)):
        if bucket.name:
            first = by_name.setdefault(bucket.name, replace(bucket, refs=()))
            # A stack in scope may use a bucket that S3 lists in another region.
            region = first.region if first.region in snapshot.regions else bucket.region
            refs = tuple(dict.fromkeys([*first.refs, *bucket.refs]))
            by_name[bucket.name] = replace(first, region=region, refs=refs)
        else:
            unnamed.setdefault((bucket.purpose, bucket.region), bucket)
    kinds = {(bucket.purpose, bucket.region) for bucket in by_name.values()}
    return [*by_name.values(), *(b for kind, b in unnamed.items() if kind not in kinds)]


def _listed(snapshot: Snapshot) -> Iterator[Bucket]:
    for item, ref in snapshot.answer(LIST_BUCKETS).items():
        name = item.get("Name") or ""
        if not name:
            regions = snapshot.regions if not item.get("BucketRegion") else (item["BucketRegion"],)
            yield from (Bucket("", _UNKNOWN, region, (ref,)) for region in regions)
        for purpose, pattern in _PURPOSES:
            match = pattern.match(name)
            if match:
                yield Bucket(name, purpose, item.get("BucketRegion") or match["region"], (ref,))


def _named(snapshot: Snapshot) -> Iterator[Bucket]:
    for answer in snapshot.answers(DESCRIBE_STACKS):
        for stack, ref in answer.items():
            for connector in stack.get("StorageConnectors") or ():
                if connector["ConnectorType"] == HOME_FOLDERS:
                    name = connector.get("ResourceIdentifier") or ""
                    yield Bucket(name, HOME, answer.region, (ref,))
            settings = stack.get("ApplicationSettings") or {}
            if settings.get("Enabled") or settings.get("S3BucketName"):
                name = settings.get("S3BucketName") or ""
                yield Bucket(name, SETTINGS, answer.region, (ref,))
    for answer in snapshot.answers(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS):
        for item, ref in answer.items():
            yield Bucket(item.get("S3BucketName") or "", LOGS, answer.region, (ref,))


@table("buckets", Scope.REGION, BUCKET_SOURCES, _COLUMNS)
def buckets(source: Source) -> Iterator[Row]:
    """Yield home-folder, application-settings and log buckets, with all that protects them."""
    for bucket in buckets_in_scope(source.snapshot):
        if bucket.region not in source.snapshot.regions:
            continue
        if source.snapshot.regions_off.get(bucket.region):
            cells = _out_of_reach(source.snapshot, bucket)
        else:
            cells = _guards(source, bucket) if bucket.name else _unseen(source.snapshot, bucket)
        unknown = no_name(source.snapshot, bucket) if bucket.purpose == _UNKNOWN else None
        purpose = Cell(None if unknown else bucket.purpose, bucket.refs, unknown)
        key = bucket.name or bucket.purpose
        cells = {"purpose": purpose, **cells}
        yield Row(bucket.region, key, bucket_label(source, bucket), cells, bucket.refs)


def bucket_label(source: Source, bucket: Bucket) -> str:
    """Return a bucket's name where AppStream chose it, a label where somebody else did."""
    if not bucket.name:
        return f"bucket for {bucket.purpose}"
    return shown_bucket(source.labels, bucket.name)


def _unseen(snapshot: Snapshot, bucket: Bucket) -> dict[str, Cell]:
    """Return gaps for a bucket that is in use and whose name AWS left out."""
    gap = no_name(snapshot, bucket)
    return {name: Cell(None, bucket.refs, gap) for name in _COLUMNS if name != "purpose"}


def no_name(snapshot: Snapshot, bucket: Bucket) -> Trouble:
    """Return the trouble of a bucket in use whose name the answer that it comes from left out."""
    ref, *_ = bucket.refs
    id = ref.partition("#")[0]
    call = next(request.call for request in snapshot.evidence if request.id == id)
    return absent_member(CALLS[call], "the bucket's name", ref)


def _out_of_reach(snapshot: Snapshot, bucket: Bucket) -> dict[str, Cell]:
    """Return gaps for a bucket in a region that is off, where no service answers."""
    return {
        name: Cell(None, bucket.refs, switched_off(snapshot, column.calls[0], bucket.region))
        for name, column in _COLUMNS.items()
        if name != "purpose"
    }


def switched_off(snapshot: Snapshot, call: Call, region: str) -> Trouble | None:
    """Return the trouble of a call in a region that is off; None where the region is on."""
    off = snapshot.regions_off.get(region, "")
    return Answer(call, region, {}, off=off).trouble if off else None


def _guards(source: Source, bucket: Bucket) -> dict[str, Cell]:
    snapshot, name = source.snapshot, bucket.name
    arn = f"arn:{snapshot.header['partition']}:s3:::{name}"
    policy = attached(snapshot.answer(GET_BUCKET_POLICY, Bucket=name), "Policy", UNSEEN, NONE)
    statements = read_policy(policy, GET_BUCKET_POLICY, snapshot.as_of)
    logging = snapshot.answer(GET_BUCKET_LOGGING, Bucket=name)
    access_logging = derive(bool, attached(logging, "LoggingEnabled.TargetBucket", NONE))
    encrypted, public = encryption(snapshot, name), public_access(snapshot, name)
    object_owner = ownership(snapshot, name)
    restricted = public["restrict_public_buckets"]
    where = (snapshot.account, bucket.region)
    without_acls = derive(lambda owner: owner == "BucketOwnerEnforced", object_owner)
    return {
        "owner": owner(snapshot, name),
        **encrypted,
        "sse_c_blocked": known_any(
            (
                sse_c_blocked(snapshot, name),
                derive(
                    lambda value: refuses_all(value, arn, *where, _WRITING, WITH_OWN_KEY) is True,
                    statements,
                ),
            )
        ),
        **public,
        "acls_ignored": known_any((public["ignore_public_acls"], without_acls)),
        "object_ownership": object_owner,
        **access_points(snapshot, source.labels, name, bucket.region, statements, restricted),
        "deletion_guarded": derive(
            lambda value: refuses_all(value, arn, *where, _DELETION), statements
        ),
        **refusals(snapshot, source.labels, statements, arn, bucket.region),
        **_erasure(snapshot, bucket),
        "versioning": versioning(snapshot, name),
        **copies(snapshot, name, bucket.region, arn, FOLDERS.get(bucket.purpose, ())),
        **bucket_cells(snapshot, name, bucket.region),
        **malware_plan(snapshot, name, bucket.region, FOLDERS.get(bucket.purpose, ())),
        "tls_only": derive(
            lambda value: refuses_all(value, arn, *where, FILES, PLAIN_HTTP), statements
        ),
        "access_logging": access_logging,
        "trail_kind": trail_kind(snapshot, bucket.region),
        "accesses_logged": known_any((object_events(snapshot, bucket.region, arn), access_logging)),
    }


def _erasure(snapshot: Snapshot, bucket: Bucket) -> dict[str, Cell]:
    """Return when rules erase everything in a bucket, and everything in AppStream's folders."""
    folders = FOLDERS.get(bucket.purpose, ())
    everything, *each = (retention(snapshot, bucket.name, prefix) for prefix in ("", *folders))

    def erased(*kept: Kept) -> dict[str, int]:
        pairs = zip(folders, kept, strict=True)
        return {folder: period.days for folder, period in pairs if period.days is not None}

    return {
        "kept_days": derive(lambda kept: kept.days, everything),
        "kept_until": derive(lambda kept: kept.until if kept.days is None else None, everything),
        "erased_folders": derive(erased, *each) if each else Cell({}, everything.refs),
    }
