"""Buckets of users' data: encryption, ownership, access, deletion and retention."""

from __future__ import annotations

from kit.calls import DESCRIBE_STACKS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, LIST_BUCKETS
from kit.controls.at_rest import ENCRYPTED
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.macie import ON
from kit.tables.organisation import OWN
from kit.tables.refusals import IN_DOUBT
from kit.tables.storage import FOLDERS, LOG_BUCKETS, LOGS, RETENTION_KINDS, USER_BUCKETS

MACIE_OFF = NotEvidenced("Macie off")


@control(
    "AR-09",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def stored_objects_are_encrypted(macie: str, unencrypted_objects: int | None) -> Outcome:
    """Macie counts no object that is not encrypted."""
    return not unencrypted_objects if macie == ON else MACIE_OFF


@stored_objects_are_encrypted.clause
def encryption_of_each_is_known(macie: str, unknown_objects: int | None) -> Outcome:
    """Macie determines the encryption of each object."""
    if macie != ON:
        return MACIE_OFF
    if unknown_objects:
        return NotEvidenced("needs review")
    return True


@control(
    "AR-11",
    table="buckets",
    where=LOG_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    rests_on=(LIST_BUCKETS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
)
def log_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3, which suffices and is not KMS, or SSE-KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-15",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def acls_are_disabled(object_ownership: str | None) -> bool:
    """The bucket's owner owns every object, so access control lists have no effect."""
    return object_ownership == "BucketOwnerEnforced"


@control(
    "AR-16",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("left_over", "refused"),
)
def bucket_policies_restrict_access_and_deletion(access_restricted: bool | str) -> Outcome:
    """The policy denies everybody but those whom it names to read, list, change and erase files."""
    if access_restricted == IN_DOUBT:
        return NotEvidenced("needs review", "left_over")
    return access_restricted is True


@bucket_policies_restrict_access_and_deletion.clause
def no_other_account_is_excepted(
    other_accounts_left_over: list[str], *, organisation_accounts: list[str]
) -> bool:
    """Its exceptions name no other account that the parameters do not declare."""
    return set(other_accounts_left_over) <= set(organisation_accounts)


@bucket_policies_restrict_access_and_deletion.clause_of("low")
def no_public_statement_waits(public_by_policy: bool, restrict_public_buckets: bool) -> bool:
    """It allows the public nothing that RestrictPublicBuckets alone holds back."""
    # AR-14 judges a public statement that RestrictPublicBuckets does not hold back.
    return not (public_by_policy and restrict_public_buckets)


@bucket_policies_restrict_access_and_deletion.clause
def deletion_guard_is_kept(deletion_guarded: bool | str) -> Outcome:
    """The policy denies everybody to delete the bucket, as AppStream made it."""
    if deletion_guarded == IN_DOUBT:
        return NotEvidenced("needs review", "deletion")
    return deletion_guarded is True


@bucket_policies_restrict_access_and_deletion.clause
def bucket_is_the_accounts_own(owner: str) -> bool:
    """The account owns the bucket: a bucket's owner can read every object in it."""
    return owner == OWN


@control(
    "AR-17",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def stored_data_is_erased_in_time(
    kept_days: int | None,
    kept_until: str | None,
    erased_folders: dict[str, int],
    purpose: str,
    *,
    retention_procedure: str,
) -> Outcome:
    """Rules, or a declared procedure, erase every object and version after some days."""
    if kept_days is not None:
        return True
    if purpose != LOGS and retention_procedure:
        return True
    if erased_folders.keys() == set(FOLDERS[purpose]):
        return NotEvidenced("needs review", folders=", ".join(erased_folders))
    if purpose == LOGS or kept_until:
        return False
    return NotEvidenced("not declared")


@stored_data_is_erased_in_time.clause
def stored_data_is_erased_as_declared(
    kept_days: int | None,
    purpose: str,
    *,
    retention_days: dict[str, int],
    retention_procedure: str,
) -> bool:
    """Rules, or a declared procedure, erase everything within the days that are declared."""
    declared = retention_days.get(RETENTION_KINDS[purpose])
    if kept_days is None or declared is None:
        return True
    return kept_days <= declared or (purpose != LOGS and bool(retention_procedure))


@control(
    "AR-19",
    table="buckets",
    where=USER_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("last_backup",),
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def earlier_versions_of_files_are_kept(versioning: str) -> bool:
    """S3 keeps earlier versions, so that an overwritten or deleted file can be restored."""
    return versioning == "Enabled"


@earlier_versions_of_files_are_kept.clause
def files_outlive_their_bucket(copy_elsewhere: bool, *, restore_procedure: str) -> Outcome:
    """Replication, a recent backup by AWS Backup or a declared procedure keeps a copy elsewhere."""
    if copy_elsewhere or restore_procedure:
        return True
    return NotEvidenced("not declared")
