"""Steps that the remedies of several controls share.

A remedy that writes a whole configuration reads the present one first, so that what it does not
concern stays and can be put back. Comments name the case, the effect and the way back.
"""

from __future__ import annotations

from kit.controls.registry import Remedy


def stopped_fleet(change: str) -> str:
    """Return the commands that change what a running fleet refuses to change.

    Parameters
    ----------
    change : str
        Options of ``aws appstream update-fleet``, without the fleet's name.

    Notes
    -----
    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateFleet.html: a running
    Always-On or On-Demand fleet takes a new display name, capacity, image, idle and disconnect
    timeout; a running Elastic fleet the two timeouts, its limit of sessions, its session script
    and its USB filters; a fleet that starts or stops takes nothing.
    """
    return (
        "# Stopping the fleet ends every session: announce it, and choose a quiet hour\n"
        "aws appstream stop-fleet --name FLEET\n"
        "aws appstream wait fleet-stopped --names FLEET\n"
        f"aws appstream update-fleet --name FLEET {change}\n"
        "# Only where the fleet ran before\n"
        "aws appstream start-fleet --name FLEET"
    )


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
PARTITION = "PARTITION is aws; in GovCloud (US) it is aws-us-gov, in China aws-cn."

FLEET_STOPS = "# Terraform may stop and start the fleet for this, which ends every session\n"

READ_ENCRYPTION = (
    "# The new configuration replaces the whole present one: key, bucket key, blocked types\n"
    "aws s3api get-bucket-encryption --bucket BUCKET "
    "--query ServerSideEncryptionConfiguration > encryption.json\n"
    "cp encryption.json encryption-before.json"
)
WRITE_ENCRYPTION = (
    "aws s3api put-bucket-encryption --bucket BUCKET "
    "--server-side-encryption-configuration file://encryption.json\n"
    "# Undo: the same command with file://encryption-before.json"
)
ENCRYPT_CLI = (
    f"{READ_ENCRYPTION}\n"
    "# If S3 answered: keep the key and the other members, change SSEAlgorithm alone\n"
    "# If S3 answered ServerSideEncryptionConfigurationNotFoundError, there is nothing to keep;\n"
    '# write {"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}\n'
    f"{WRITE_ENCRYPTION}"
)
ENCRYPT_TERRAFORM = (
    'resource "aws_s3_bucket_server_side_encryption_configuration" "appstream" {\n'
    '  bucket = "BUCKET"\n'
    "  rule {\n"
    "    # Replaces the whole configuration: where the bucket has a KMS key, a bucket key or\n"
    "    # blocked types today, carry them over\n"
    "    apply_server_side_encryption_by_default {\n"
    '      sse_algorithm = "AES256"\n'
    "    }\n"
    "  }\n"
    "}"
)
ENCRYPT = Remedy(
    console=(
        "S3, the bucket, Properties, Default encryption: choose SSE-S3 or SSE-KMS. The choice "
        "replaces the present configuration, so keep its key, bucket key and blocked types. It "
        "holds for new objects; AR-09 is about those already stored."
    ),
    cli=ENCRYPT_CLI,
    terraform=ENCRYPT_TERRAFORM,
)

ENABLE_KEY_CLI = (
    "# The key is disabled\n"
    "aws kms enable-key --key-id KEY\n"
    "# The key is pending deletion: cancelling leaves it disabled, so enable it afterwards\n"
    "aws kms cancel-key-deletion --key-id KEY\n"
    "aws kms enable-key --key-id KEY"
)

CLOSE_BUCKET_CLI = (
    "# Ends public access to this bucket, wanted or not; private access stays\n"
    "aws s3api get-public-access-block --bucket BUCKET > public-access-before.json\n"
    "aws s3api put-public-access-block --bucket BUCKET "
    "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
    "BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
    "# Undo: the same command with the four values of public-access-before.json"
)

CLOSE_BUCKET_TERRAFORM = (
    'resource "aws_s3_bucket_public_access_block" "appstream" {\n'
    '  bucket                  = "BUCKET"\n'
    "  block_public_acls       = true\n"
    "  ignore_public_acls      = true\n"
    "  block_public_policy     = true\n"
    "  restrict_public_buckets = true\n"
    "}"
)

READ_RULES = (
    "# New rules replace all rules of the bucket: keep the present ones in the file\n"
    "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET "
    "--query '{Rules: Rules}' > rules.json\n"
    "cp rules.json rules-before.json"
)
ERASE_RULE = (
    '# {"ID": "erase", "Status": "Enabled", "Filter": {"Prefix": ""},\n'
    '#  "Expiration": {"Days": DAYS}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}'
)
WRITE_RULES = (
    "aws s3api put-bucket-lifecycle-configuration --bucket BUCKET "
    "--lifecycle-configuration file://rules.json\n"
    "# Undo: the same command with file://rules-before.json, or delete-bucket-lifecycle where there\n"
    "# was no rule; erased objects do not come back"
)
ERASE_CLI = (
    f"{READ_RULES}\n"
    "# Add this rule to the list in rules.json (without rules: an empty list), in place of one that\n"
    "# has a Date. It erases every object that is older than DAYS, from the next day on:\n"
    f"{ERASE_RULE}\n"
    f"{WRITE_RULES}"
)
ERASE_TERRAFORM = (
    'resource "aws_s3_bucket_lifecycle_configuration" "appstream" {\n'
    '  bucket = "BUCKET"\n'
    "  # Beside a block for each rule that is to stay: this resource replaces all rules\n"
    "  rule {\n"
    '    id     = "erase"\n'
    '    status = "Enabled"\n'
    "    filter {}\n"
    "    expiration {\n"
    "      days = 365 # your own period\n"
    "    }\n"
    "    noncurrent_version_expiration {\n"
    "      noncurrent_days = 30\n"
    "    }\n"
    "  }\n"
    "}"
)
EDIT_POLICY = (
    "# A new policy replaces the whole present one: keep its statements in the file\n"
    "aws s3api get-bucket-policy --bucket BUCKET --query Policy --output text > policy.json\n"
    "cp policy.json policy-before.json\n"
    "# If S3 answered NoSuchBucketPolicy, there is nothing to keep;\n"
    '# write {"Version":"2012-10-17","Statement":[]}\n'
    "# Add the statement to policy.json, then\n"
    "aws s3api put-bucket-policy --bucket BUCKET --policy file://policy.json\n"
    "# Undo: the same command with file://policy-before.json, or delete-bucket-policy where there\n"
    "# was none"
)
OWN_OBJECTS_CLI = (
    "# Ends access that rests on ACLs, and refuses uploads that set one; clear the bucket's ACL "
    "first\n"
    "aws s3api get-bucket-ownership-controls --bucket BUCKET > ownership-before.json\n"
    "aws s3api put-bucket-ownership-controls --bucket BUCKET "
    "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'\n"
    "# Undo: the same command with the value of ownership-before.json; ACLs hold again"
)
