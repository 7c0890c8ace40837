"""Buckets of users' data: what lies in them, whose it is, who reaches it, how long it stays."""

from __future__ import annotations

from kit.aws.calls import DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, LIST_BUCKETS
from kit.controls.at_rest import ENCRYPT, ENCRYPTED
from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
)
from kit.tables.macie import ON
from kit.tables.storage import LOG_BUCKETS, LOGS

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
            "S3, Batch Operations, Create job: copy the objects that Macie counts as not "
            "encrypted onto themselves."
        ),
        cli="aws s3 cp s3://BUCKET/KEY s3://BUCKET/KEY --sse AES256",
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
        console="S3, the bucket, Permissions, Object Ownership: ACLs disabled.",
        cli=(
            "aws s3api put-bucket-ownership-controls --bucket BUCKET "
            "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'"
        ),
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
        "29": "who acts under the controller sees data on instruction alone",
        "32(4)": "persons with access act on instruction alone",
        "32(1)(b)": "confidentiality against those inside, availability against a mistake",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Permissions, Bucket policy: keep the statement "
            "PreventAccidentalDeletionOfBucket and add one that denies s3:* to all principals but "
            "AppStream's service role, its PhotonSession, the administrators named, Macie's "
            "service-linked role and the collector's role."
        ),
        cli=(
            "aws s3api get-bucket-policy --bucket BUCKET --query Policy --output text > policy.json\n"
            "aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json"
            "  # add to what is there, replace nothing"
        ),
    ),
)
def bucket_policies_restrict_access_and_deletion(access_restricted: bool) -> bool:
    """The policy denies the bucket and its objects to all but the principals it names."""
    return access_restricted


@bucket_policies_restrict_access_and_deletion.clause
def deletion_guard_is_kept(deletion_guarded: bool) -> bool:
    """The policy denies everybody to delete the bucket, as AppStream made it."""
    return deletion_guarded


@control(
    "AR-17",
    table="buckets",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(e)": "personal data is kept no longer than its purpose needs",
        "17(1)": "erasure has to reach earlier versions too",
        "25(2)": "by default the period of storage is limited",
        "28(3)(g)": "what a processor stores goes at the end of the service",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Management, Create lifecycle rule: all objects, expire current "
            "versions, permanently delete noncurrent versions. In home folders and application "
            "settings this deletes live files: declare a retention procedure instead "
            "(retention_procedure)."
        ),
        cli=(
            "aws s3api put-bucket-lifecycle-configuration --bucket BUCKET "
            "--lifecycle-configuration "
            '\'{"Rules":[{"ID":"erase","Status":"Enabled","Filter":{"Prefix":""},'
            '"Expiration":{"Days":DAYS},"NoncurrentVersionExpiration":{"NoncurrentDays":30}}]}\' '
            "# replaces all rules of the bucket: repeat those that are to stay"
        ),
        terraform=(
            'resource "aws_s3_bucket_lifecycle_configuration" "logs" {\n'
            '  bucket = "BUCKET"\n'
            "  rule {\n"
            '    id     = "erase"\n'
            '    status = "Enabled"\n'
            "    filter {}\n"
            "    expiration {\n"
            "      days = DAYS\n"
            "    }\n"
            "    noncurrent_version_expiration {\n"
            "      noncurrent_days = 30\n"
            "    }\n"
            "  }\n"
            "}"
        ),
    ),
)
def stored_data_is_erased_in_time(
    kept_days: int | None, purpose: str, *, retention_procedure: str
) -> Outcome:
    """A rule erases everything after some days, versions included; or a procedure does, declared."""
    if kept_days is not None:
        return True
    if purpose == LOGS:
        return False
    if retention_procedure:
        return True
    return NotEvidenced("not declared", "a rule would delete live files: declare the procedure")
