"""Names, descriptions, tags and URLs: no personal data and no secrets in them."""

from __future__ import annotations

from typing import Any

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    SHARED,
    Control,
    NotEvidenced,
    Outcome,
    control,
    roll_up,
)


def _judge(
    validated: list[Any], heuristic: list[Any], patterns: list[str], none_exist: bool
) -> Outcome:
    if validated:
        return False
    if heuristic:
        return NotEvidenced("needs review", "possible_hits")
    if patterns or none_exist:
        return True
    return NotEvidenced("needs review", "no_patterns")


@control(
    "MD-01",
    table="texts",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
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
    shows=("field", "scheme"),
)
def urls_hold_no_credentials(secrets: list[str]) -> bool:
    """No URL holds a user name, password, token, key or signature."""
    return not secrets


@roll_up(
    "MD-04",
    responsibility=SHARED,
)
def metadata_in_diagnostic_logs(control: Control) -> bool:
    """Sum up the controls on free-form fields and on tags."""
    return control.id in {"MD-01", "MD-02"}
