"""Copies of users' files outside their bucket, from which files can be restored."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kit.calls import (
    DESCRIBE_KEY,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_REPLICATION,
    LIST_PROTECTED_RESOURCES,
)
from kit.snapshot import Snapshot
from kit.tables.cells import Cell, Default, absent_member, attached, derive, in_the_past, known_any
from kit.tables.core import Column
from kit.tables.guards import encryption

BACKUP_LIMIT = "max_backup_age_days"
COPY_COLUMNS = {
    "copy_elsewhere": Column(
        calls=(
            *(GET_BUCKET_REPLICATION, LIST_PROTECTED_RESOURCES),
            *(GET_BUCKET_ENCRYPTION, DESCRIBE_KEY),
        ),
        thresholds=(BACKUP_LIMIT,),
    ),
    "last_backup": Column(calls=(LIST_PROTECTED_RESOURCES,), transient=True, past=True),
}
_BY_S3 = ("none", "sse-s3")  # classes of keys that S3 holds itself


def copies(
    snapshot: Snapshot, bucket: str, region: str, arn: str, folders: tuple[str, ...]
) -> dict[str, Cell]:
    """Return whether a copy of a bucket's files lies outside it, and when AWS Backup last made one.

    ``folders`` are AppStream's own, in which the files lie.

    AWS Backup lists what it has recovery points of, in the region of the resource, whatever the
    status of these points: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListProtectedResources.html
    """
    last = in_the_past(_last_backup(snapshot, region, arn), snapshot.as_of)
    earliest = snapshot.as_of - dt.timedelta(days=getattr(snapshot.profile, BACKUP_LIMIT))
    recent = derive(lambda at: at is not None and dt.datetime.fromisoformat(at) >= earliest, last)
    return {
        "copy_elsewhere": known_any((_replicated(snapshot, bucket, folders), recent)),
        "last_backup": last,
    }


def _last_backup(snapshot: Snapshot, region: str, arn: str) -> Cell:
    answer = snapshot.answer(LIST_PROTECTED_RESOURCES, region)
    for item, ref in answer.items_with("ResourceArn", arn):
        at = item.get("LastBackupTime")
        gap = None if at else absent_member(LIST_PROTECTED_RESOURCES, "LastBackupTime", ref)
        return Cell(at, (ref,), gap)
    return Cell(None, answer.evidence, answer.trouble)


def _replicated(snapshot: Snapshot, bucket: str, folders: tuple[str, ...]) -> Cell:
    """Return whether rules between them copy every new object in folders to another bucket."""
    answer = snapshot.answer(GET_BUCKET_REPLICATION, Bucket=bucket)
    rules = attached(answer, "ReplicationConfiguration.Rules", Default([], "replication"))
    if not any(rule.get("Status") == "Enabled" for rule in rules.value or ()):
        return derive(lambda _: False, rules)

    def everything(rules: list[dict[str, Any]], key_class: str) -> bool:
        copied = [_copied(rule, encrypted=key_class not in _BY_S3) for rule in rules]
        starts = tuple(start for start in copied if start is not None)
        return all(folder.startswith(starts) for folder in folders or ("",))

    return derive(everything, rules, encryption(snapshot, bucket)["key_class"])


def _copied(rule: dict[str, Any], *, encrypted: bool) -> str | None:
    """Return the prefix of the objects that a rule copies; None where it leaves some of them out.

    It does where it is off, chooses by other marks too, or leaves out what a key of KMS encrypts.
    S3 leaves these out by default:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    """
    filters = {"Prefix": rule.get("Prefix"), **(rule.get("Filter") or {})}
    both = dict(filters.pop("And", None) or {})
    prefix = filters.pop("Prefix", None) or both.pop("Prefix", None) or ""
    narrowed = any((*filters.values(), *both.values()))
    chosen = rule.get("SourceSelectionCriteria") or {}
    copied = (chosen.get("SseKmsEncryptedObjects") or {}).get("Status") == "Enabled"
    whole = rule.get("Status") == "Enabled" and not narrowed and (copied or not encrypted)
    return prefix if whole else None
