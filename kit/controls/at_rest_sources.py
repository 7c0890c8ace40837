"""Buckets that the customer creates: sources of Elastic fleets, and screenshots of agents."""

from __future__ import annotations

from kit.controls.at_rest import ENCRYPTED
from kit.controls.registry import CUSTOMER, REGION, NotEvidenced, Outcome, control
from kit.tables.guards import USABLE_OF_BUCKETS
from kit.tables.organisation import OWN


@control(
    "AR-12",
    table="sources",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
)
def sources_of_elastic_fleets_are_protected(public_by_policy: bool) -> bool:
    """The bucket is not public by its policy."""
    return not public_by_policy


@sources_of_elastic_fleets_are_protected.clause
def no_list_opens_them(object_ownership: str | None) -> bool:
    """Access control lists are disabled: the bucket's owner owns every object."""
    return object_ownership == "BucketOwnerEnforced"


@sources_of_elastic_fleets_are_protected.clause
def elastic_fleets_can_read_them(sse_algorithm: str | None, key_class: str) -> bool:
    """Default encryption is S3's or with AWS's key: Elastic fleets support no customer key."""
    return sse_algorithm in ENCRYPTED and key_class in ("sse-s3", "aws-managed")


@sources_of_elastic_fleets_are_protected.clause
def changes_can_be_undone(versioning: str) -> bool:
    """Versioning is enabled."""
    return versioning == "Enabled"


@sources_of_elastic_fleets_are_protected.clause
def sources_are_in_the_accounts_own_bucket(owner: str) -> Outcome:
    """The account owns the bucket."""
    return _of_the_account(owner)


@control(
    "AR-13",
    table="screenshots",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    remedy_by=("key_state",),
)
def screenshots_of_agents_are_protected(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3 or SSE-KMS."""
    return sse_algorithm in ENCRYPTED


@screenshots_of_agents_are_protected.clause
def keys_of_screenshots_are_usable(key_state: str) -> bool:
    """The key of the default encryption is enabled, or AWS runs it."""
    return key_state in USABLE_OF_BUCKETS


@screenshots_of_agents_are_protected.clause
def keys_of_recordings_are_usable(recording_keys_usable: bool) -> bool:
    """Every customer's key that a stack names for its recordings is enabled."""
    return recording_keys_usable


@screenshots_of_agents_are_protected.clause
def keys_are_in_declared_accounts(
    key_accounts: list[str], *, allowed_key_accounts: list[str]
) -> bool:
    """The keys are the account's, AWS's, or of an account that the parameters declare."""
    return set(key_accounts) <= set(allowed_key_accounts)


@screenshots_of_agents_are_protected.clause
def screenshots_are_closed_to_the_public(public_by_policy: bool) -> bool:
    """The bucket is not public by its policy."""
    return not public_by_policy


@screenshots_of_agents_are_protected.clause
def nothing_can_open_screenshots(
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
) -> bool:
    """Public ACLs and policies are blocked, for the account or for the bucket."""
    acls = block_public_acls and ignore_public_acls
    return acls and block_public_policy and restrict_public_buckets


@screenshots_of_agents_are_protected.clause
def screenshots_are_erased_in_time(kept_days: int | None) -> bool:
    """A rule erases everything after some days, versions included."""
    return kept_days is not None


@screenshots_of_agents_are_protected.clause
def screenshots_go_to_the_accounts_own_bucket(owner: str) -> Outcome:
    """The account owns the bucket."""
    return _of_the_account(owner)


def _of_the_account(owner: str) -> Outcome:
    if owner == OWN:
        return True
    return NotEvidenced("needs review")
