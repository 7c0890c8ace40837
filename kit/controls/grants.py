"""Who may do what: rights on AppStream, on its users' data, and of its own roles."""

from __future__ import annotations

from kit.controls.registry import (
    ACCOUNT,
    CUSTOMER,
    REGION,
    SHARED,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
)
from kit.controls.steps import PARTITION, stopped_fleet
from kit.tables.grants import DESTINATIONS, RESOURCES
from kit.tables.service_roles import EXPECTED

_UNSEEN = (
    "The kit reads the policies of users, groups, roles and buckets, boundaries and trust "
    "policies. SCPs, RCPs, session policies and VPC endpoint policies may allow less."
)
_REVIEW = NotEvidenced("needs review", "somebody outside the account may, on a condition")


@control(
    "ID-05",
    table="grants",
    where=RESOURCES,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "what may be read, changed and erased is what the duty needs",
        "25(2)": "by default personal data are not accessible to everybody",
        "32(1)(b)": "confidentiality and integrity of what users keep",
    },
    context={
        "29": "who acts under the controller or processor has access on instruction alone",
        "32(4)": "persons with access act on instructions alone",
    },
    remedy=Remedy(
        console=(
            "IAM, the principal, Permissions: replace the policy by one that names the actions and "
            "the ARNs that the duty needs, or narrow it by a condition; declare in administrators "
            "who administers AppStream. S3, the bucket, Permissions, Bucket policy, or IAM, the "
            "role, Trust relationships: remove the account that the row names, or declare it in "
            f"organisation_accounts. {_UNSEEN}"
        ),
        cli=(
            "# First the policy that the duty needs; a policy of the same name is replaced\n"
            "aws iam put-role-policy --role-name ROLE --policy-name duty "
            "--policy-document file://duty.json\n"
            "# Then take the wide one away: what relied on it stops working.\n"
            "# Undo: attach-role-policy\n"
            "aws iam detach-role-policy --role-name ROLE --policy-arn ARN"
        ),
        terraform=(
            'resource "aws_iam_role_policy" "duty" {\n'
            '  role   = "ROLE"\n'
            "  policy = data.aws_iam_policy_document.duty.json\n"
            "}"
        ),
    ),
    shows=("capability", "through", "not_asked"),
)
def rights_on_appstream_and_its_data_are_administrators_alone(
    open: list[str], administrator: bool
) -> bool:
    """Nobody but declared administrators and accounts may do so without a narrowing condition."""
    return not open or administrator


@rights_on_appstream_and_its_data_are_administrators_alone.clause
def nobody_outside_may_on_a_condition(
    narrowed: list[str], administrator: bool, outsider: bool
) -> Outcome:
    """Nobody else outside the account may do so at all."""
    return _REVIEW if narrowed and outsider and not administrator else True


@control(
    "ID-06",
    table="service_roles",
    where=EXPECTED,
    scope=ACCOUNT,
    severity="medium",
    responsibility=SHARED,
    gdpr={
        "32(1)(b)": "AppStream's role reads and writes what its users keep",
    },
    remedy=Remedy(
        console=(
            "IAM, Roles, the role: restore its trust policy as AWS's guide on the roles required "
            "for AppStream prints it, and detach every policy but the AWS managed one. Never "
            "delete the role while fleets or builders exist: AppStream reaches networks and "
            "buckets through it."
        ),
        cli=(
            "# The trust policy was changed: AWS's own document goes into trust.json.\n"
            "# Undo: the same with file://trust-before.json\n"
            "aws iam get-role --role-name ROLE "
            "--query Role.AssumeRolePolicyDocument > trust-before.json\n"
            "aws iam update-assume-role-policy --role-name ROLE "
            "--policy-document file://trust.json\n"
            "# A policy beside the AWS managed one, which has to stay. Undo: attach-role-policy\n"
            "aws iam detach-role-policy --role-name ROLE --policy-arn ARN"
        ),
    ),
)
def service_roles_are_as_aws_made_them(deviations: list[str]) -> bool:
    """A service role trusts its own service alone and carries its AWS managed policy alone."""
    return not deviations


@control(
    "ID-07",
    table="fleets_and_builders",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "25(2)": "an instance gets no rights that its sessions do not need",
        "32(1)(b)": "users of a session can take the credentials of its instance",
    },
    remedy=Remedy(
        console=(
            "AppStream, Fleets, the fleet, Edit: disable IMDSv1, and choose no IAM role or one "
            "with what the applications need; builders are made again. Before IMDSv1 is disabled "
            "the image needs an agent, or a managed update, of 16 January 2024 or later (EX-12): "
            "with an older one instances break. Applications that read credentials by IMDSv1 stop "
            "working. The fleet has to be stopped, which ends its sessions."
        ),
        cli=(
            "# IMDSv1: first the date of the image's agent, 16 January 2024 or later (see EX-12)\n"
            "aws appstream describe-images --names IMAGE "
            "--query 'Images[].AppstreamAgentVersion'\n"
            "# Undo: the same steps with --no-disable-imdsv1\n"
            f"{stopped_fleet('--disable-imdsv1')}\n"
            "# The role has rights on AppStream or on users' data: narrow its policies (ID-05), or\n"
            "# take it off the fleet. Applications lose what it lets them do.\n"
            "# Undo: the same steps with --iam-role-arn ARN\n"
            f"{stopped_fleet('--attributes-to-delete IAM_ROLE_ARN')}"
        ),
    ),
)
def instances_offer_no_credentials_to_steal(imdsv1_disabled: bool) -> bool:
    """IMDSv1 is disabled."""
    return imdsv1_disabled


@instances_offer_no_credentials_to_steal.clause
def _role_may_not_touch_appstream(role_may: list[str]) -> bool:
    """The instances' role has no rights on AppStream or on its users' data."""
    return not role_may


@control(
    "ID-08",
    table="url_grants",
    where=DESTINATIONS,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(b)": "who may open a session as anybody reads what anybody keeps",
    },
    context={
        "32(4)": "persons with access act on instructions alone",
    },
    remedy=Remedy(
        console=(
            "IAM, the principal, Permissions: name the stacks, fleets and builders, and let "
            "appstream:Stream hold only under a condition on appstream:userId; or declare the "
            f"principal in administrators. {_UNSEEN}"
        ),
        cli=(
            "# A policy of the same name is replaced; take the wide statement out of the others.\n"
            "# Undo: put-role-policy with stream-before.json\n"
            "aws iam get-role-policy --role-name ROLE --policy-name stream "
            "--query PolicyDocument > stream-before.json\n"
            "aws iam put-role-policy --role-name ROLE --policy-name stream "
            "--policy-document file://stream.json"
        ),
        terraform=(
            f"# {PARTITION}\n"
            'data "aws_iam_policy_document" "stream" {\n'
            "  statement {\n"
            '    actions   = ["appstream:Stream"]\n'
            '    resources = ["arn:PARTITION:appstream:REGION:ACCOUNT:stack/STACK"]\n'
            "    condition {\n"
            '      test     = "StringEquals"\n'
            '      variable = "appstream:userId"\n'
            '      values   = ["$${saml:sub}"]\n'
            "    }\n"
            "  }\n"
            "}"
        ),
    ),
    shows=("capability", "through", "not_asked"),
)
def sessions_are_opened_on_named_stacks_or_under_a_condition(
    open: list[str], administrator: bool
) -> bool:
    """Nobody but declared administrators may open sessions on all that there is, as anybody."""
    return not open or administrator


@sessions_are_opened_on_named_stacks_or_under_a_condition.clause
def nobody_outside_opens_them_on_a_condition(
    narrowed: list[str], administrator: bool, outsider: bool
) -> Outcome:
    """Nobody else outside the account may open any."""
    return _REVIEW if narrowed and outsider and not administrator else True
