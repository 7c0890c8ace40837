"""Encryption at rest, and how long anything rests at all."""

from __future__ import annotations

from kit.calls import DESCRIBE_STACKS, LIST_BUCKETS
from kit.catalogue.statuses import NO_API
from kit.controls.registry import (
    ACCOUNT,
    AWS,
    CUSTOMER,
    REGION,
    SHARED,
    Attested,
    Control,
    NotApplicable,
    NotEvidenced,
    Outcome,
    control,
    roll_up,
)
from kit.tables.guards import USABLE_OF_BUCKETS
from kit.tables.storage import HOME_FOLDER_BUCKETS, SETTINGS_BUCKETS

ENCRYPTED = ("AES256", "aws:kms", "aws:kms:dsse")


@control(
    "AR-01",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=SHARED,
    shows=("fleet_type", "state"),
    gives=(),
    remedy_by=("update_state",),
)
def streaming_instances_are_ephemeral(max_sessions_per_instance: int) -> Outcome:
    """One session for each instance, which AWS then terminates with its volume."""
    if max_sessions_per_instance > 1:
        return NotEvidenced("needs review")
    return Attested()


@control(
    "AR-02",
    table="fleets",
    scope=REGION,
    severity="low",
    responsibility=AWS,
    shows=("fleet_type",),
    gives=(),
)
def unused_instances_are_recycled() -> Outcome:
    """AWS recycles unused instances."""
    return Attested()


@control(
    "AR-03",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    remedy_by=("update_state",),
)
def sessions_end_in_time(session_limit: int, *, max_session_seconds: int) -> bool:
    """A session ends within the profile's limit."""
    return 0 < session_limit <= max_session_seconds


@sessions_end_in_time.clause
def disconnected_sessions_end(disconnect_limit: int, *, max_disconnect_seconds: int) -> bool:
    """A session that lost its user ends within the profile's limit."""
    return disconnect_limit <= max_disconnect_seconds


@sessions_end_in_time.clause
def idle_users_are_disconnected(idle_limit: int, *, max_idle_seconds: int) -> bool:
    """Idle users are disconnected within the profile's limit; 0 means never."""
    return 0 < idle_limit <= max_idle_seconds


@control(
    "AR-04",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=AWS,
    gives=(),
)
def disks_of_instances_are_encrypted(disk_encryption_statement: str) -> Outcome:
    """AWS states it: no interface shows it, and no setting changes it."""
    if disk_encryption_statement:
        return Attested(statement=disk_encryption_statement)
    return NotEvidenced(NO_API)


@control(
    "AR-05",
    table="buckets",
    where=HOME_FOLDER_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def home_folder_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3, which suffices and is not KMS, or SSE-KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-06",
    table="buckets",
    where=SETTINGS_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def application_settings_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3, which suffices and is not KMS, or SSE-KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-07",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    remedy_by=("key_state",),
)
def keys_of_buckets_are_usable(key_class: str, key_state: str) -> Outcome:
    """The key is enabled."""
    if key_class == "none":
        return NotApplicable("no_default_encryption")
    return key_state in USABLE_OF_BUCKETS


@keys_of_buckets_are_usable.clause
def keys_are_of_the_class_required(key_class: str, *, minimum_key: str) -> Outcome:
    """The key is of the profile's class, if it exists and is this account's."""
    if key_class == "none":
        return NotApplicable("no_default_encryption")
    accepted = {
        "any": ("sse-s3", "aws-managed", "customer"),
        "aws-managed": ("aws-managed", "customer"),
        "customer": ("customer",),
    }
    return key_class in (*accepted[minimum_key], "foreign", "not found")


@keys_of_buckets_are_usable.clause
def keys_are_in_a_declared_account(
    key_class: str, key_account: str, *, allowed_key_accounts: list[str]
) -> Outcome:
    """The key is in this account, or in one that the parameters declare."""
    if key_class == "none":
        return NotApplicable("no_default_encryption")
    return key_class != "foreign" or key_account in allowed_key_accounts


@control(
    "AR-14",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    shows=("access_points", "block_public_acls", "block_public_policy"),
)
def buckets_are_closed_to_the_public(public_by_policy: bool, restrict_public_buckets: bool) -> bool:
    """No bucket is open to the public by its policy."""
    return restrict_public_buckets or not public_by_policy


@buckets_are_closed_to_the_public.clause
def policies_cannot_open_it(restrict_public_buckets: bool) -> bool:
    """RestrictPublicBuckets is on for account or bucket, so that a public policy admits nobody."""
    return restrict_public_buckets


@buckets_are_closed_to_the_public.clause
def acls_cannot_open_it(acls_ignored: bool) -> bool:
    """The bucket ignores public ACLs, or ACLs are disabled."""
    return acls_ignored


@buckets_are_closed_to_the_public.clause
def access_points_let_nobody_else_in(
    access_points_admit: list[str], *, organisation_accounts: list[str]
) -> bool:
    """No access point admits the public, or another account that the parameters do not declare."""
    return set(access_points_admit) <= set(organisation_accounts)


@buckets_are_closed_to_the_public.clause
def it_is_known_whom_access_points_let_in(
    access_points_may_admit: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """No access point depends on a condition, or on the bucket's policy, to keep them out."""
    if set(access_points_may_admit) <= set(organisation_accounts):
        return True
    return NotEvidenced("needs review")


@roll_up(
    "AR-18",
    responsibility=CUSTOMER,
)
def encryption_at_rest(control: Control) -> bool:
    """Sum up the controls on encryption of what rests in buckets and trails."""
    return control.id in {
        *("AR-05", "AR-06", "AR-07", "AR-08", "AR-09", "AR-10", "AR-11", "AR-20", "LG-03")
    }
