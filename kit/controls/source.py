"""What AWS's page says, statement by statement, and which controls answer each.

This is the one place where statements and controls are put together: a control that no statement
names is beyond the source.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Data Protection in Amazon AppStream 2.0"
ADDRESS = "https://docs.aws.amazon.com/appstream2/latest/developerguide/data-protection.html"
BEYOND = "beyond the source"

EDITION = (
    "The page is AWS's and changes. Followed is the edition that names data controllers and data "
    "processors. Later ones call the service Amazon WorkSpaces Applications, and add FIPS "
    "endpoints (IT-07), and session scripts and usage reports among what is encrypted at rest "
    "(AR-11)."
)

SHARED = "Shared responsibility"
RECOMMENDED = "Advice"
AT_REST = "Encryption at rest"
IN_TRANSIT = "Encryption in transit"


@dataclass(frozen=True)
class Statement:
    """One statement of the page.

    Attributes
    ----------
    part : str
        Where on the page it stands.
    says : str
        Its words, shortened.
    controls : tuple of str
        Ids of the controls that answer it.
    what : str
        What travels, for a row of the table on encryption in transit.
    note : str
        Where the words cannot be taken as they stand: what was made of them, and why.
    shown : str
        Where AWS alone can keep the words, so that they stay attested: what the controls show
        beside them.
    needs : str
        The parameter without which the controls leave a part of the words open.
    """

    part: str
    says: str
    controls: tuple[str, ...]
    what: str = ""
    note: str = ""
    shown: str = ""
    needs: str = ""


_STORED = "The default of a bucket holds for what is written from then on; AR-09 is about the rest."

STATEMENTS = (
    Statement(
        SHARED,
        "Amazon AppStream 2.0 conforms to the AWS shared responsibility model.",
        ("GV-04",),
        shown="reviewed",
    ),
    Statement(
        SHARED,
        "AWS is responsible for protecting the global infrastructure that runs all the AWS services.",
        ("GV-02",),
    ),
    Statement(
        SHARED,
        "AWS maintains control over data hosted on this infrastructure, including the security "
        "configuration controls for handling customer content and personal data.",
        ("GV-03",),
        note=(
            "Here the page is imprecise. The post on AWS's Security Blog that it links says that "
            "controllers who use AWS maintain this control, and later editions of the page give it "
            "to the customer. The kit therefore holds it against the customer's configuration."
        ),
    ),
    Statement(
        SHARED,
        "AWS customers and partners, acting either as data controllers or data processors, are "
        "responsible for any personal data that they put in the AWS Cloud.",
        ("GV-01",),
    ),
    Statement(
        RECOMMENDED,
        "Protect AWS account credentials and set up individual user accounts with AWS Identity and "
        "Access Management (IAM).",
        ("ID-01", "ID-03", "ID-12"),
        note=(
            "Whether several persons share one account is shown by no interface of AWS: with the "
            "controls belongs individual_accounts_evidence, which the parameters declare."
        ),
        needs="individual_accounts_evidence",
    ),
    Statement(
        RECOMMENDED,
        "Each user is given only the permissions necessary to fulfill their job duties.",
        ("ID-05", "ID-08"),
        note=(
            "Judged are permissions on AppStream, on its users' data and on opening sessions; "
            "other permissions of the account are not."
        ),
    ),
    Statement(
        RECOMMENDED,
        "Use multi-factor authentication (MFA) with each account.",
        ("ID-02", "ID-03", "ID-04"),
    ),
    Statement(
        RECOMMENDED,
        "Use TLS to communicate with AWS resources.",
        ("IT-03", "IT-06"),
    ),
    Statement(
        RECOMMENDED,
        "Set up API and user activity logging with AWS CloudTrail.",
        ("LG-01", "LG-02", "LG-04"),
    ),
    Statement(
        RECOMMENDED,
        "Use AWS encryption solutions ...",
        ("AR-18",),
    ),
    Statement(
        RECOMMENDED,
        "... along with all default security controls within AWS services.",
        ("AR-14", "AR-15"),
        note=(
            "Judged are the defaults of Amazon S3 that open or close a bucket; those of other "
            "services are not."
        ),
    ),
    Statement(
        RECOMMENDED,
        "Use advanced managed security services such as Amazon Macie, which assists in discovering "
        "and securing personal data that is stored in Amazon S3.",
        ("DS-01", "DS-02", "DS-03"),
    ),
    Statement(
        RECOMMENDED,
        "Never put sensitive identifying information, such as your customers' account numbers, into "
        "free-form fields or metadata, such as function names and tags.",
        ("MD-01", "MD-02"),
        note=(
            "AppStream has no functions: the names of all resources and of session scripts are "
            "looked at instead."
        ),
    ),
    Statement(
        RECOMMENDED,
        "Data entered into metadata might get picked up for inclusion in diagnostic logs.",
        ("MD-04",),
    ),
    Statement(
        RECOMMENDED,
        "When you provide a URL to an external server, don't include credentials information in "
        "the URL to validate your request to that server.",
        ("MD-03",),
    ),
    Statement(
        RECOMMENDED,
        "See the AWS Shared Responsibility Model and GDPR blog post on the AWS Security Blog.",
        ("GV-04",),
        note="Judged is whether somebody reviewed who answers for what, not who read the post.",
    ),
    Statement(
        AT_REST,
        "AppStream 2.0 fleet instances are ephemeral: after a user's session is finished, the "
        "instance and its associated EBS volume are terminated.",
        ("AR-01",),
    ),
    Statement(
        AT_REST,
        "AppStream 2.0 periodically recycles unused instances for freshness.",
        ("AR-02",),
    ),
    Statement(
        AT_REST,
        "When you enable application settings persistence, the data that your users generate and "
        "that is stored in Amazon S3 buckets is encrypted at rest.",
        ("AR-06", "AR-09"),
        note=_STORED,
    ),
    Statement(
        AT_REST,
        "When you enable home folders, the data that your users generate and that is stored in "
        "Amazon S3 buckets is encrypted at rest.",
        ("AR-05", "AR-09"),
        note=_STORED,
    ),
    Statement(
        AT_REST,
        "AWS Key Management Service provides a key management system; Amazon S3 uses AWS managed "
        "CMKs to encrypt your Amazon S3 object data.",
        ("AR-07",),
        note=(
            "Here the page is imprecise. AWS's own pages on home folders and session scripts speak "
            "of keys that Amazon S3 manages (SSE-S3, AES256), which are no keys of KMS. The kit "
            "reports the class of key that it observed: SSE-S3 is a pass, and is not called KMS. "
            "A CMK is now called a KMS key."
        ),
    ),
    Statement(
        IN_TRANSIT,
        "Encrypted using TLS 1.2.",
        ("IT-01",),
        what="Web assets",
    ),
    Statement(
        IN_TRANSIT,
        "Encrypted using AES-256; transported using TLS 1.2.",
        ("IT-02",),
        what="Pixel and streaming traffic",
    ),
    Statement(
        IN_TRANSIT,
        "Encrypted using TLS 1.2; requests are signed using SigV4.",
        ("IT-03",),
        what="API traffic",
    ),
    Statement(
        IN_TRANSIT,
        "Encrypted using Amazon S3 SSL endpoints.",
        ("IT-04",),
        what="Home folders and application settings to Amazon S3",
        note=(
            "SSL is the old name of TLS; Amazon S3 offers no SSL any longer. AppStream's own "
            "traffic rests on AWS's word; judged is whether the bucket enforces TLS for everybody."
        ),
        shown="enforced",
    ),
    Statement(
        IN_TRANSIT,
        "Encrypted using TLS 1.2; requests are signed using SigV4 where applicable.",
        ("IT-05",),
        what="Traffic managed by AppStream 2.0 between instances and AWS services",
        note=(
            "The page leaves the cell blank that would say where this traffic goes, and refers to "
            "AWS's documentation. Looked at are AWS's services and third-party storage."
        ),
    ),
)


def answered_by(control: str) -> list[Statement]:
    """Return the statements that a control answers, in the page's order; none if beyond it."""
    return [statement for statement in STATEMENTS if control in statement.controls]


def cite(control: str) -> str:
    """Return the page's sentence for what AWS answers for, with the page, for a finding."""
    statement = answered_by(control)[-1]  # a row of the table says more than the advice
    what = f"{statement.what}, " if statement.what else ""
    return f'AWS, "{TITLE}", {statement.part}: {what}"{statement.says.rstrip(".")}"'


def words(control: str) -> str:
    """Return what the page says of a control's matter, with its note; or that it says nothing."""
    told = []
    for statement in answered_by(control):
        says = f"{statement.what}: {statement.says}" if statement.what else statement.says
        told.append(f"{says} [{statement.note}]" if statement.note else says)
    return " ".join(told) or BEYOND
