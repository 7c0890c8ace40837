"""What leaves with an image: to other accounts, as an AMI, or by what is out of date in it."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from kit.controls.registry import (
    CUSTOMER,
    REGION,
    NotEvidenced,
    Outcome,
    Remedy,
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
    gdpr={
        "5(1)(f)": "an image carries applications and whatever was left in them",
        "32(1)(b)": "confidentiality of what is installed and configured",
    },
    remedy=Remedy(
        console=(
            "AppStream, Images, the image, Permissions: remove the account; or name it under "
            "organisation_accounts in the parameters. That account can no longer use the image."
        ),
        cli=(
            "# Fleets and builders of that account can no longer use the image.\n"
            "# Undo: update-image-permissions\n"
            "aws appstream delete-image-permissions --name IMAGE --shared-account-id ACCOUNT"
        ),
    ),
)
def images_are_shared_within_the_organisation_alone(
    shared: str, shared_with: list[str], *, organisation_accounts: list[str]
) -> Outcome:
    """No account but those of the organisation has the image."""
    if not set(shared_with) <= set(organisation_accounts):
        return False
    if shared == "TRUE" and not shared_with:
        return NotEvidenced("needs review", "AWS says that it is shared, and with nobody")
    return True


@control(
    "EX-06",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "an AMI can be started, copied and shared where AppStream's limits do not hold",
        "32(1)(b)": "confidentiality of what is installed and configured",
    },
    remedy=Remedy(
        console=(
            "EC2, AMIs, the exported image: see who has it (Permissions) and why; deregister it "
            "when it has served. Instances that are launched from it must not need it any more: "
            "deregistering cannot be undone, and its snapshots stay until they are deleted."
        ),
        cli=(
            "aws appstream list-export-image-tasks\n"
            "aws ec2 describe-image-attribute --image-id AMI --attribute launchPermission"
        ),
    ),
)
def no_image_left_as_an_ami_lately(
    exports: list[str], *, max_export_age_days: int, as_of: dt.datetime
) -> Outcome:
    """No image was exported to an AMI within the days of the profile."""
    recent = [made for made in exports if _days(made, as_of) <= max_export_age_days]
    if recent:
        return NotEvidenced("needs review", f"{len(recent)} exports: who has the AMI, and why")
    return True


@control(
    "EX-12",
    table="all_images",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(b)": "confidentiality and integrity need current software",
    },
    remedy=Remedy(
        console=(
            "AppStream, Images, the image, Actions, Create updated image; test it, then assign it. "
            "New sessions use the new image; sessions that run keep the old one."
        ),
        cli=(
            "# Whether AWS can update the image by itself; otherwise build a new one\n"
            "aws appstream create-updated-image --existing-image-name IMAGE --new-image-name NEW "
            "--dry-run\n"
            "# Makes a new image beside the old one\n"
            "aws appstream create-updated-image --existing-image-name IMAGE --new-image-name NEW\n"
            "# When the new image is AVAILABLE and the applications are tested with it.\n"
            "# Undo: the same command with the old image's name\n"
            "aws appstream update-fleet --name FLEET --image-name NEW"
        ),
        terraform='image_name = "NEW" # in aws_appstream_fleet',
    ),
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
        named = ", ".join(sorted(others))
        return NotEvidenced("needs review", f"made by account {named}: who decides what is in it?")
    return True


def _days(moment: str, as_of: dt.datetime) -> float:
    return float((pd.Timestamp(as_of) - pd.Timestamp(moment)) / pd.Timedelta(days=1))
