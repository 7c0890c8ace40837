"""Who may do what: rights on AppStream, on its users' data, and of its own roles."""

from __future__ import annotations

from kit.controls.registry import (
    ACCOUNT,
    CUSTOMER,
    REGION,
    SHARED,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.grants import DESTINATIONS, RESOURCES
from kit.tables.service_roles import EXPECTED


@control(
    "ID-05",
    table="grants",
    where=RESOURCES,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    shows=("capability", "through", "not_asked"),
    remedy_by=("role_kind",),
)
def rights_on_appstream_and_its_data_are_administrators_alone(
    open: list[str], administrator: bool
) -> bool:
    """Only declared administrators and accounts have the right without a narrowing condition."""
    return not open or administrator


@rights_on_appstream_and_its_data_are_administrators_alone.clause
def nobody_outside_may_on_a_condition(
    narrowed: list[str], administrator: bool, outsider: bool
) -> Outcome:
    """No other principal outside the account has the right."""
    return _unless(narrowed if outsider else [], administrator, "outside")


@rights_on_appstream_and_its_data_are_administrators_alone.clause
def provider_singles_out_who_may(mapped: list[str], administrator: bool) -> Outcome:
    """An identity provider that is not declared has the right only for whom a condition names."""
    return _unless(mapped, administrator, "mapped")


@control(
    "ID-06",
    table="service_roles",
    where=EXPECTED,
    scope=ACCOUNT,
    severity="medium",
    responsibility=SHARED,
    remedy_by=("role_kind",),
)
def service_roles_are_as_aws_made_them(deviations: list[str]) -> bool:
    """A service role trusts only its service and has only its AWS managed policy."""
    return not deviations


@control(
    "ID-07",
    table="fleets_and_builders",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    remedy_by=("update_state",),
)
def instances_offer_no_credentials_to_steal(imdsv1_disabled: bool) -> bool:
    """IMDSv1 is disabled."""
    return imdsv1_disabled


@instances_offer_no_credentials_to_steal.clause
def role_may_not_touch_appstream(role_may: list[str]) -> bool:
    """The instances' role has no rights on AppStream or on its users' data."""
    return not role_may


@control(
    "ID-08",
    table="url_grants",
    where=DESTINATIONS,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    shows=("capability", "through", "not_asked"),
    remedy_by=("role_kind",),
)
def sessions_are_opened_on_named_stacks_or_under_a_condition(
    open: list[str], administrator: bool
) -> bool:
    """Only declared administrators may open sessions on every stack as any user."""
    return not open or administrator


@sessions_are_opened_on_named_stacks_or_under_a_condition.clause
def nobody_outside_opens_them_on_a_condition(
    narrowed: list[str], administrator: bool, outsider: bool
) -> Outcome:
    """No other principal outside the account may open a session."""
    return _unless(narrowed if outsider else [], administrator, "outside")


@sessions_are_opened_on_named_stacks_or_under_a_condition.clause
def provider_singles_out_who_opens_them(mapped: list[str], administrator: bool) -> Outcome:
    """An identity provider that is not declared has the right only for whom a condition names."""
    return _unless(mapped, administrator, "mapped")


def _unless(rights: list[str], administrator: bool, case: str) -> Outcome:
    """Leave rights to a review unless the principal is declared."""
    return administrator or not rights or NotEvidenced("needs review", case)
