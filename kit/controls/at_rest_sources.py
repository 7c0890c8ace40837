"""Buckets of the customer's own: what Elastic fleets load, and what agents see of the screen."""

from __future__ import annotations

from kit.controls.at_rest import ENCRYPTED
from kit.controls.registry import CUSTOMER, REGION, NotEvidenced, Outcome, Remedy, control
from kit.controls.steps import (
    CLOSE_BUCKET_CLI,
    CLOSE_BUCKET_TERRAFORM,
    ENABLE_KEY_CLI,
    ENCRYPT_CLI,
    ENCRYPT_TERRAFORM,
    ERASE_CLI,
    ERASE_TERRAFORM,
    OWN_OBJECTS_CLI,
    READ_ENCRYPTION,
    WRITE_ENCRYPTION,
)
from kit.tables.organisation import OWN


@control(
    "AR-12",
    table="sources",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={"32(1)(b)": "who can change an application's source runs code in every user's session"},
    remedy=Remedy(
        console=(
            "S3, the bucket: block public access, disable ACLs, enable versioning, encrypt with "
            "SSE-S3. Elastic fleets cannot read what a customer managed key or SSE-C encrypts. "
            "Versioning can be suspended later, never taken away, and every version is stored "
            "and paid for until a rule expires it."
        ),
        cli=(
            "# Public by its policy\n"
            f"{CLOSE_BUCKET_CLI}\n"
            "# Access control lists are in force\n"
            f"{OWN_OBJECTS_CLI}\n"
            "# Versioning is off\n"
            "aws s3api put-bucket-versioning --bucket BUCKET "
            "--versioning-configuration Status=Enabled\n"
            "# Undo: Status=Suspended; versions that exist stay\n"
            "# Not encrypted, or under a customer's key, which Elastic fleets cannot read. Objects\n"
            "# that are stored keep their encryption: upload them again\n"
            f"{READ_ENCRYPTION}\n"
            "# Set SSEAlgorithm to AES256 without KMSMasterKeyID in encryption.json; keep the rest\n"
            f"{WRITE_ENCRYPTION}"
        ),
        terraform=(
            'resource "aws_s3_bucket_versioning" "sources" {\n'
            '  bucket = "BUCKET"\n'
            "  versioning_configuration {\n"
            '    status = "Enabled"\n'
            "  }\n"
            "}"
        ),
    ),
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
    return _own(owner)


@control(
    "AR-13",
    table="screenshots",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(e)": "pictures are kept no longer than their purpose needs",
        "25(2)": "by default pictures are open to few, and not for ever",
        "32(1)(a)": "pictures of what users do are encrypted",
        "32(1)(b)": "confidentiality of what was on the screen",
    },
    context={
        "35(1)": "pictures of users' screens are to be assessed where a high risk is likely (EX-10)",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, whichever fails: default encryption, block all public access, a "
            "lifecycle rule that expires everything; KMS, the key: enabled. Or AppStream, the stack or image builder, "
            "agent access: no upload of screenshots and no recording of sessions."
        ),
        cli=(
            "# The bucket has no default encryption\n"
            f"{ENCRYPT_CLI}\n"
            "# The bucket is public, or can be made public\n"
            f"{CLOSE_BUCKET_CLI}\n"
            "# No rule erases everything\n"
            f"{ERASE_CLI}\n"
            f"{ENABLE_KEY_CLI}"
        ),
        terraform=f"{ENCRYPT_TERRAFORM}\n{CLOSE_BUCKET_TERRAFORM}\n{ERASE_TERRAFORM}",
    ),
)
def screenshots_of_agents_are_protected(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3 or SSE-KMS."""
    return sse_algorithm in ENCRYPTED


@screenshots_of_agents_are_protected.clause
def keys_of_screenshots_are_usable(key_state: str) -> bool:
    """The key of the default encryption is enabled, or AWS's own."""
    return key_state in ("Enabled", "run by AWS")


@screenshots_of_agents_are_protected.clause
def keys_of_recordings_are_usable(recording_keys_usable: bool) -> bool:
    """So is every key of its own that a stack names for its recordings."""
    return recording_keys_usable


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
    return _own(owner)


def _own(owner: str) -> Outcome:
    if owner == OWN:
        return True
    return NotEvidenced("needs review", "another account owns the bucket: whose is it, and why?")
