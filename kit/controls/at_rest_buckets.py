"""Buckets of users' data: what lies in them, whose it is, who reaches it, how long it stays."""

from __future__ import annotations

from kit.aws.calls import DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, LIST_BUCKETS
from kit.controls.at_rest import ENCRYPTED, UNSEEN
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
)
from kit.controls.steps import (
    EDIT_POLICY,
    ENCRYPT,
    ERASE_CLI,
    ERASE_TERRAFORM,
    OWN_OBJECTS_CLI,
    PARTITION,
)
from kit.tables.macie import ON
from kit.tables.organisation import OWN
from kit.tables.refusals import IN_DOUBT
from kit.tables.storage import FOLDERS, LOG_BUCKETS, LOGS

MACIE_OFF = NotEvidenced("Macie off", "enable Macie in the region: no other service counts objects")


@control(
    "AR-09",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={"32(1)(a)": "a default encrypts what is written from then on, not what lay there before"},
    remedy=Remedy(
        console=(
            "S3, Batch Operations, Create job, Copy: copy the objects that Macie counts as not "
            "encrypted onto themselves, with the bucket's default encryption. The job needs a role "
            "of its own that reads and writes them: remove it afterwards, for nobody else should "
            "read users' files. Copies have a new date, so lifecycle rules count from then; "
            "objects above 5 GB are left out. In a versioned bucket the versions that are not "
            "encrypted stay: erase them when the copies are checked, which cannot be undone."
        ),
    ),
)
def stored_objects_are_encrypted(macie: str, unencrypted_objects: int | None) -> Outcome:
    """Macie counts no object that is not encrypted."""
    return not unencrypted_objects if macie == ON else MACIE_OFF


@stored_objects_are_encrypted.clause
def encryption_of_each_is_known(macie: str, unknown_objects: int | None) -> Outcome:
    """Macie can tell of each object how it is encrypted."""
    if macie != ON:
        return MACIE_OFF
    if unknown_objects:
        return NotEvidenced("needs review", "of some objects Macie cannot tell")
    return True


@control(
    "AR-11",
    table="buckets",
    where=LOG_BUCKETS,
    scope=REGION,
    severity="high",
    responsibility=SHARED,
    gdpr={
        "32(1)(a)": "usage reports name users, their sessions and their addresses",
        "5(1)(f)": "integrity and confidentiality of what is recorded of users",
    },
    remedy=ENCRYPT,
    rests_on=(LIST_BUCKETS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
)
def log_buckets_are_encrypted(sse_algorithm: str | None) -> bool:
    """Default encryption is SSE-S3 or SSE-KMS; SSE-S3 is enough and is never called KMS."""
    return sse_algorithm in ENCRYPTED


@control(
    "AR-15",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={"32(1)(b)": "with ACLs off one policy says who reaches which object"},
    remedy=Remedy(
        console=(
            "S3, the bucket, Permissions, Object Ownership: ACLs disabled. Give by policy what "
            "others have by ACL today, for that access ends."
        ),
        cli=OWN_OBJECTS_CLI,
        terraform=(
            'resource "aws_s3_bucket_ownership_controls" "appstream" {\n'
            '  bucket = "BUCKET"\n'
            "  rule {\n"
            '    object_ownership = "BucketOwnerEnforced"\n'
            "  }\n"
            "}"
        ),
    ),
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
    gdpr={
        "5(1)(f)": "administrators have no business in users' files",
        "25(2)": "by default only those reach a file who need it",
        "32(1)(b)": "confidentiality against those inside, availability against a mistake",
    },
    context={
        "29": "who acts under the controller or processor sees data on instruction alone",
        "32(4)": "persons with access act on instruction alone",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Permissions, Bucket policy: keep the statement "
            "PreventAccidentalDeletionOfBucket and add one that denies s3:* to all principals but "
            "AppStream's service role, its PhotonSession, the administrators named, Macie's "
            "service-linked role and the collector's role. Its resources are the bucket AND its "
            f"objects (arn:PARTITION:s3:::BUCKET and arn:PARTITION:s3:::BUCKET/*). {PARTITION} AWS's "
            "template RestrictedAccess, in its guide on administrator access to home folders, names the bucket alone: it "
            "leaves the objects open, and this control fails. An exception that is left out locks "
            "its principal out: a wrong list stops home folders, and only the root user can then "
            f"remove the policy. {UNSEEN}"
        ),
        cli=(
            "# Check the exceptions twice: whoever is not named is locked out, yourself included\n"
            f"{EDIT_POLICY}"
        ),
    ),
    shows=("left_over", "refused"),
)
def bucket_policies_restrict_access_and_deletion(access_restricted: bool | str) -> Outcome:
    """The policy denies everybody but those whom it names to read, list, change and erase files."""
    if access_restricted == IN_DOUBT:
        return NotEvidenced(
            "needs review", "whom the policy leaves over cannot be known: see left_over"
        )
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
    # Where nothing holds it back, AR-14 is about it.
    return not (public_by_policy and restrict_public_buckets)


@bucket_policies_restrict_access_and_deletion.clause
def deletion_guard_is_kept(deletion_guarded: bool | str) -> Outcome:
    """The policy denies everybody to delete the bucket, as AppStream made it."""
    if deletion_guarded == IN_DOUBT:
        return NotEvidenced("needs review", "on a condition whose outcome cannot be known")
    return deletion_guarded is True


@bucket_policies_restrict_access_and_deletion.clause
def bucket_is_the_accounts_own(owner: str) -> bool:
    """The account owns the bucket: who owns one reads all that is in it."""
    return owner == OWN


@control(
    "AR-17",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(e)": "personal data is kept no longer than its purpose needs",
        "25(2)": "by default the period of storage is limited",
    },
    context={
        "17(1)": "erasure that a person asks for has to reach earlier versions too",
        "28(3)(g)": "what a processor stores goes at the end of the service, which is not looked at here",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Management, Create lifecycle rule: all objects, expire current "
            "versions, permanently delete noncurrent versions. In home folders and application "
            "settings this deletes live files: declare a retention procedure instead "
            "(retention_procedure). What a rule erased cannot be brought back."
        ),
        cli=(
            "# For the bucket of logs and reports alone. In home folders and application settings a\n"
            "# rule erases users' live files: declare retention_procedure there instead\n"
            f"{ERASE_CLI}"
        ),
        terraform=ERASE_TERRAFORM,
    ),
)
def stored_data_is_erased_in_time(
    kept_days: int | None,
    kept_until: str | None,
    erased_folders: dict[str, int],
    purpose: str,
    *,
    retention_procedure: str,
) -> Outcome:
    """Rules erase everything after some days, versions included; or a procedure does, declared."""
    if kept_days is not None:
        return True
    if purpose != LOGS and retention_procedure:
        return True
    if erased_folders.keys() == set(FOLDERS[purpose]):
        folders = ", ".join(erased_folders)
        return NotEvidenced("needs review", f"rules erase {folders}: see whether more lies there")
    if purpose == LOGS or kept_until:
        return False
    return NotEvidenced("not declared", "a rule would delete live files: declare the procedure")
