"""Names, descriptions, tags and URLs: what must not stand in them."""

from __future__ import annotations

from typing import Any

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    Control,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
    roll_up,
)

_METADATA = {
    "5(1)(c)": "metadata needs no personal data for its purpose",
    "5(1)(f)": "metadata is shown in consoles, bills and logs that nobody guards as personal data",
    "32(1)(b)": "confidentiality",
}


def _judge(
    validated: list[Any], heuristic: list[Any], patterns: list[str], none_exist: bool
) -> Outcome:
    if validated:
        return False
    if heuristic:
        return NotEvidenced("needs review", "a person has to look at the possible hits")
    if patterns or none_exist:
        return True
    return NotEvidenced(
        "needs review",
        "give customer_number_patterns, or set no_customer_numbers: true, in the parameters",
    )


@control(
    "MD-01",
    table="texts",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr=_METADATA,
    remedy=Remedy(
        console="AppStream, the resource, Edit: replace the text; a name needs a new resource.",
        cli=(
            "# The option of the field that the finding names, such as --display-name\n"
            "aws appstream update-stack --name STACK --description TEXT"
        ),
    ),
    shows=("fields",),
)
def free_form_fields_identify_nobody(
    validated: list[Any],
    heuristic: list[Any],
    *,
    customer_number_patterns: list[str],
    no_customer_numbers: bool,
) -> Outcome:
    """No e-mail address, card, account, tax, identity or customer number in names and texts."""
    return _judge(validated, heuristic, customer_number_patterns, no_customer_numbers)


@control(
    "MD-02",
    table="tags",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr=_METADATA,
    remedy=Remedy(
        console=(
            "AppStream or S3, the resource, Tags: remove the tag or replace its value. Policies, "
            "scripts and cost reports that read the tag have to change first."
        ),
        cli=(
            "# Policies, scripts and cost reports may read the tag: change them first\n"
            "aws appstream untag-resource --resource-arn ARN --tag-keys KEY\n"
            "# A bucket\n"
            "aws resourcegroupstaggingapi untag-resources --resource-arn-list ARN --tag-keys KEY"
        ),
    ),
)
def tags_identify_nobody(
    validated: list[Any],
    heuristic: list[Any],
    *,
    customer_number_patterns: list[str],
    no_customer_numbers: bool,
) -> Outcome:
    """No e-mail address, card, account, tax, identity or customer number in tags."""
    return _judge(validated, heuristic, customer_number_patterns, no_customer_numbers)


@control(
    "MD-03",
    table="urls",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "a credential in a URL is passed on to every server and log on the way",
        "32(1)(b)": "confidentiality of what the credential opens",
    },
    remedy=Remedy(
        console=(
            "Take the credential out of the URL, and revoke it: it was readable in the "
            "configuration and may be in logs. First let its server accept another way to sign in."
        ),
        cli=(
            "# The credential is in the redirect URL\n"
            "aws appstream update-stack --name STACK --redirect-url URL\n"
            "# The credential is in the feedback URL\n"
            "aws appstream update-stack --name STACK --feedback-url URL"
        ),
    ),
    shows=("field", "scheme"),
)
def urls_hold_no_credentials(secrets: list[str]) -> bool:
    """No user name, password, token, key or signature stands in a URL."""
    return not secrets


@roll_up(
    "MD-04",
    "Metadata that may reach diagnostic logs identifies nobody",
    responsibility=SHARED,
    gdpr={
        "5(1)(c)": "a log needs no personal data that was in a name by chance",
        "5(1)(f)": "who reads a diagnostic log is not who may read the data",
        "32(1)(b)": "confidentiality of what names and tags carry into logs",
    },
)
def metadata_in_diagnostic_logs(control: Control) -> bool:
    """Sum up what stands in free-form fields and in tags."""
    return control.id in {"MD-01", "MD-02"}
