"""Encryption at rest, and how long anything rests at all."""

from __future__ import annotations

from kit.aws.calls import DESCRIBE_STACKS, LIST_BUCKETS
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
    Remedy,
    control,
    roll_up,
)
from kit.controls.source import cite
from kit.controls.steps import (
    CLOSE_BUCKET_CLI,
    CLOSE_BUCKET_TERRAFORM,
    ENABLE_KEY_CLI,
    ENCRYPT,
    FLEET_STOPS,
    READ_ENCRYPTION,
    WRITE_ENCRYPTION,
    stopped_fleet,
)
from kit.findings import NO_API
from kit.tables.storage import HOME_FOLDER_BUCKETS, SETTINGS_BUCKETS

UNSEEN = (
    "Service control policies (SCPs) and resource control policies (RCPs) of the organisation may "
    "deny more; they are not read."
)
ENCRYPTED = ("AES256", "aws:kms", "aws:kms:dsse")
_AT_REST = {
    "32(1)(a)": "the article names encryption among its measures",
    "5(1)(f)": "integrity and confidentiality of what users store",
}


@control(
    "AR-01",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=AWS,
    gdpr={
        "5(1)(e)": "the instance and its volume end with the session",
        "5(1)(f)": "one user's session leaves nothing for the next",
        "32(1)(b)": "confidentiality between users of the same fleet",
    },
    remedy=Remedy(
        console=(
            "Where several users share an instance, assess what one session leaves for the next; "
            "or set one session for each instance, which needs as many instances as sessions. "
            "The fleet has to be stopped for that, which ends its sessions."
        ),
        cli=stopped_fleet("--max-sessions-per-instance 1"),
        terraform=f"{FLEET_STOPS}max_sessions_per_instance = 1 # in aws_appstream_fleet",
    ),
    shows=("fleet_type", "state"),
)
def streaming_instances_are_ephemeral(max_sessions_per_instance: int) -> Outcome:
    """One session for each instance, which AWS then terminates with its volume."""
    if max_sessions_per_instance > 1:
        return NotEvidenced(
            "needs review", "several sessions share an instance, which outlives each of them"
        )
    return Attested(cite("AR-01"))


@control(
    "AR-02",
    table="fleets",
    scope=REGION,
    severity="low",
    responsibility=AWS,
    gdpr={
        "32(1)(b)": "an instance that nobody used does not grow old either",
    },
    remedy=Remedy(console="Nothing to set; AWS does this. What they are made from is EX-12's."),
    shows=("fleet_type",),
)
def unused_instances_are_recycled() -> Outcome:
    """AWS recycles instances that nobody uses."""
    return Attested(cite("AR-02"))


@control(
    "AR-03",
    table="fleets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "25(2)": "by default what a session shows is accessible no longer than the work needs",
        "32(1)(b)": "an unattended session is open to whoever sits down at it",
    },
    remedy=Remedy(
        console=(
            "AppStream, Fleets, the fleet, Fleet details: maximum session duration, disconnect "
            "timeout, idle disconnect timeout (0 means never). A running fleet takes the two "
            "timeouts; the maximum duration needs a stopped fleet, and stopping it ends sessions."
        ),
        cli=(
            "# Timeouts: the running fleet takes them; users who idle longer are disconnected\n"
            "aws appstream update-fleet --name FLEET "
            "--disconnect-timeout-in-seconds 300 --idle-disconnect-timeout-in-seconds 600\n"
            "# Maximum duration: the fleet has to be stopped\n"
            f"{stopped_fleet('--max-user-duration-in-seconds 36000')}"
        ),
        terraform=(
            "disconnect_timeout_in_seconds      = 300\n"
            "idle_disconnect_timeout_in_seconds = 600\n"
            f"{FLEET_STOPS}max_user_duration_in_seconds = 36000 # in aws_appstream_fleet"
        ),
    ),
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
    gdpr={"32(1)(a)": "encryption of the disks of instances, for as long as these live"},
    remedy=Remedy(
        console=(
            "Ask AWS Support for a statement and name it as disk_encryption_statement in the "
            "parameters. EC2's setting on default encryption of volumes does not reach these "
            "instances: they run in AWS's own account."
        )
    ),
)
def disks_of_instances_are_encrypted(disk_encryption_statement: str) -> Outcome:
    """AWS states it: no interface shows it, and no setting changes it."""
    if disk_encryption_statement:
        return Attested(f"statement of AWS: {disk_encryption_statement}")
    return NotEvidenced(
        NO_API, "instances do not outlive the session (AR-01), which ends in time (AR-03)"
    )


@control(
    "AR-05",
    table="buckets",
    where=HOME_FOLDER_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    gdpr=_AT_REST,
    remedy=ENCRYPT,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def home_folder_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3 or SSE-KMS; SSE-S3 is enough and is never called KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-06",
    table="buckets",
    where=SETTINGS_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    gdpr=_AT_REST,
    remedy=ENCRYPT,
    rests_on=(LIST_BUCKETS, DESCRIBE_STACKS),
)
def application_settings_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3 or SSE-KMS; SSE-S3 is enough and is never called KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-07",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    gdpr={
        "32(1)(a)": "encryption is worth what its key is worth",
    },
    remedy=Remedy(
        console=(
            "KMS, the key: enable it, or cancel its deletion and then enable it. A key of another "
            "account: agree with its owner and name the account in allowed_key_accounts, or choose "
            "a key of this account under S3, the bucket, Default encryption; the same for a key "
            "of too weak a class. A new default holds for new objects: keep the old key while any "
            "object needs it. Buckets that feed Elastic fleets must not use a customer managed key. "
            "A policy or a grant that admits another account: take it out, or name the account in "
            f"allowed_key_accounts. {UNSEEN}"
        ),
        cli=(
            f"{ENABLE_KEY_CLI}\n"
            "# The key is gone, is another account's, or its class is too weak: choose another key\n"
            f"{READ_ENCRYPTION}\n"
            "# In encryption.json set SSEAlgorithm to aws:kms, and KMSMasterKeyID to a key that\n"
            "# AppStream's roles may use\n"
            f"{WRITE_ENCRYPTION}\n"
            "# The key's policy admits another account, which cannot use the key afterwards. A new\n"
            "# policy replaces the whole present one: keep the statement for the account's own root,\n"
            "# without which nobody may manage the key\n"
            "aws kms get-key-policy --key-id KEY --policy-name default "
            "--query Policy --output text > key-policy.json\n"
            "cp key-policy.json key-policy-before.json\n"
            "aws kms put-key-policy --key-id KEY --policy-name default "
            "--policy file://key-policy.json\n"
            "# Undo: the same command with file://key-policy-before.json\n"
            "# A grant admits another account, which cannot use the key afterwards.\n"
            "# Undo: create-grant with the values that list-grants prints\n"
            "aws kms list-grants --key-id KEY\n"
            "aws kms revoke-grant --key-id KEY --grant-id GRANT"
        ),
        terraform="is_enabled = true # in aws_kms_key, where the key is disabled",
    ),
)
def keys_of_buckets_are_usable(
    key_class: str,
    key_state: str,
    key_account: str,
    *,
    minimum_key: str,
    allowed_key_accounts: list[str],
) -> Outcome:
    """The key is enabled, of the class that the profile asks for, and no stranger's."""
    if key_class == "none":
        return NotApplicable("no default encryption, see AR-05, AR-06 and AR-11")
    if key_class == "foreign":
        return key_account in allowed_key_accounts and key_state == "Enabled"
    accepted = {
        "any": ("sse-s3", "aws-managed", "customer"),
        "aws-managed": ("aws-managed", "customer"),
        "customer": ("customer",),
    }
    return key_class in accepted[minimum_key] and key_state in ("Enabled", "run by AWS")


@keys_of_buckets_are_usable.clause
def key_policies_admit_nobody_else(
    key_class: str,
    key_policy_admits: list[str],
    *,
    allowed_key_accounts: list[str],
    organisation_accounts: list[str],
) -> Outcome:
    """The policy of a customer's key admits no other account that the parameters do not declare."""
    return _admits_declared(
        key_class, key_policy_admits, allowed_key_accounts, organisation_accounts
    )


@keys_of_buckets_are_usable.clause
def grants_on_keys_admit_nobody_else(
    key_class: str,
    key_grants_admit: list[str],
    *,
    allowed_key_accounts: list[str],
    organisation_accounts: list[str],
) -> Outcome:
    """No grant on it does."""
    return _admits_declared(
        key_class, key_grants_admit, allowed_key_accounts, organisation_accounts
    )


@keys_of_buckets_are_usable.clause
def it_is_known_whom_keys_admit(
    key_class: str,
    key_may_admit: list[str],
    *,
    allowed_key_accounts: list[str],
    organisation_accounts: list[str],
) -> Outcome:
    """Whom they admit does not depend on what cannot be seen."""
    found = _admits_declared(key_class, key_may_admit, allowed_key_accounts, organisation_accounts)
    return found or NotEvidenced("needs review", "a condition decides whether other accounts may")


def _admits_declared(key_class: str, admitted: list[str], *declared: list[str]) -> Outcome:
    if key_class != "customer":
        return NotApplicable("no customer managed key")
    return set(admitted) <= {account for accounts in declared for account in accounts}


@control(
    "AR-14",
    table="buckets",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "users' files are for the users",
        "25(2)": "by default personal data is not open to an indefinite number of persons",
        "32(1)(b)": "confidentiality of the storage",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Permissions, Block public access: turn all four on, and take the "
            "statement that opens the bucket out of its policy. The same settings for the whole "
            "account also close every other bucket, those that are public on purpose included: "
            "look at them first. An access point that lets others in: take them out of its policy, or "
            f"name the account in organisation_accounts. {UNSEEN}"
        ),
        cli=(
            f"{CLOSE_BUCKET_CLI}\n"
            "# The whole account: closes EVERY bucket, public websites and downloads included.\n"
            "# Look first which buckets are public on purpose (IAM Access Analyzer lists them)\n"
            "aws s3control get-public-access-block --account-id ACCOUNT > account-before.json\n"
            "aws s3control put-public-access-block --account-id ACCOUNT "
            "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
            "BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
            "# Undo: the same command with the four values of account-before.json"
        ),
        terraform=CLOSE_BUCKET_TERRAFORM,
    ),
    shows=("access_points", "block_public_acls", "block_public_policy"),
)
def buckets_are_closed_to_the_public(public_by_policy: bool, restrict_public_buckets: bool) -> bool:
    """No bucket is open to the public by its policy."""
    return restrict_public_buckets or not public_by_policy


@buckets_are_closed_to_the_public.clause
def policies_cannot_open_it(restrict_public_buckets: bool) -> bool:
    """A public policy would let nobody in: RestrictPublicBuckets is on, for account or bucket."""
    return restrict_public_buckets


@buckets_are_closed_to_the_public.clause
def acls_cannot_open_it(acls_ignored: bool) -> bool:
    """Public ACLs let in nobody: they are ignored, or ACLs are disabled."""
    return acls_ignored


@buckets_are_closed_to_the_public.clause
def access_points_let_nobody_else_in(
    access_points_admit: list[str], *, organisation_accounts: list[str]
) -> bool:
    """No access point lets in the public, or another account that the parameters do not declare."""
    return set(access_points_admit) <= set(organisation_accounts)


@buckets_are_closed_to_the_public.clause
def it_is_known_whom_access_points_let_in(
    access_points_may_admit: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """Nor does one stand open but for a condition, or for the bucket's own policy."""
    if set(access_points_may_admit) <= set(organisation_accounts):
        return True
    return NotEvidenced("needs review", "an access point's policy names others than the account")


@roll_up(
    "AR-18",
    "AWS encryption solutions are used",
    responsibility=CUSTOMER,
    gdpr={"32(1)(a)": "the sum of what encrypts personal data at rest"},
)
def encryption_at_rest(control: Control) -> bool:
    """Sum up the controls on encryption of what rests in buckets and trails."""
    return control.id in {"AR-05", "AR-06", "AR-07", "AR-08", "AR-09", "AR-10", "AR-11", "LG-03"}
