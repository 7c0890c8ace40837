"""Images: who has them, which left as an AMI, and how current they are."""

from __future__ import annotations

import datetime as dt

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.images import AWS
from kit.tables.logging import IN_USE
from kit.tables.organisation import OWN


@control(
    "EX-05",
    table="images",
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
)
def images_are_shared_within_the_organisation_alone(
    shared: str, shared_with: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """No account but those of the organisation has the image."""
    if not set(shared_with) <= set(organisation_accounts):
        return False
    if shared == "TRUE" and not shared_with:
        return NotEvidenced("needs review")
    return True


@control(
    "EX-06",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def no_image_left_as_an_ami_lately(
    exports: list[str], *, max_export_age_days: int, as_of: dt.datetime
) -> Outcome:
    """No image was exported to an AMI within the days of the profile."""
    recent = [made for made in exports if _days(made, as_of) <= max_export_age_days]
    if recent:
        return NotEvidenced("needs review", count=len(recent))
    return True


@no_image_left_as_an_ami_lately.clause
def amis_stay_within_the_organisation(
    amis_open_to: list[str], *, organisation_accounts: list[str]
) -> bool:
    """No AMI that an image was exported to may be launched by others than the organisation."""
    return set(amis_open_to) <= set(organisation_accounts)


@control(
    "EX-12",
    table="all_images",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def images_are_current(latest_agent: str | None, made_by: list[str]) -> bool:
    """The image has the latest agent; an image that AWS publishes is judged by its age alone."""
    return latest_agent == "TRUE" or (latest_agent is None and made_by == [AWS])


@images_are_current.clause
def base_image_is_recent(
    base_image_released: str, *, max_image_age_days: int, as_of: dt.datetime
) -> bool:
    """Its base image was released within the days of the profile."""
    return _days(base_image_released, as_of) <= max_image_age_days


@images_are_current.clause
def images_are_made_by_the_account_or_aws(
    made_by: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """The account, AWS or an account of the organisation made it and the image it was made from."""
    others = set(made_by) - {AWS, OWN, *organisation_accounts}
    if others:
        return NotEvidenced("needs review", account=", ".join(sorted(others)))
    return True


def _days(moment: str, as_of: dt.datetime) -> float:
    return (as_of - dt.datetime.fromisoformat(moment)) / dt.timedelta(days=1)
