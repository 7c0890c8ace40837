"""Images: who made them, how old they are, and which other accounts have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kit.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_ATTRIBUTE,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGE_PERMISSIONS,
    DESCRIBE_IMAGES,
    DESCRIBE_IMAGES_OF_OTHERS,
    LIST_EXPORT_IMAGE_TASKS,
    Scope,
)
from kit.catalogue.texts import text
from kit.redact.names import identify
from kit.snapshot import Answer, Snapshot, Trouble
from kit.tables.cells import NONE, UNSEEN, Cell, Default, absent_member, attached, derive, member
from kit.tables.core import Column, Row, Source, listed, shown_name, table
from kit.tables.organisation import organisation_id, owner_of, whose

AWS = "AWS"
_COLUMNS = {
    "shared": Column("ImageSharedWithOthers", choices=("TRUE", "FALSE")),
    "shared_with": Column(calls=(DESCRIBE_IMAGE_PERMISSIONS,)),
}
_CURRENCY = {
    "made_by": Column(calls=(DESCRIBE_IMAGES_OF_OTHERS,)),
    "latest_agent": Column("LatestAppstreamAgentVersion", calls=(DESCRIBE_IMAGES_OF_OTHERS,)),
    "base_image_released": Column(
        "PublicBaseImageReleasedDate",
        calls=(DESCRIBE_IMAGES_OF_OTHERS,),
        past=True,
    ),
}
_RUNNING = {DESCRIBE_FLEETS: "fleet", DESCRIBE_IMAGE_BUILDERS: "image builder"}
_NO_AMI = ("FAILED", "TIMED_OUT")
EVERYBODY, UNNUMBERED = "everybody", "an account that EC2 does not number"


@table("images", Scope.REGION, (DESCRIBE_IMAGES,), _COLUMNS)
def images(source: Source) -> Iterator[Row]:
    """Every private image of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_IMAGES):
        rows = listed(_COLUMNS, answer, source, "image")
        for row, (image, _) in zip(rows, answer.items(), strict=True):
            shared = row.cells["shared"]
            row.cells["shared_with"] = _shared_with(source, answer, image["Name"], shared)
            yield row


def _shared_with(source: Source, images: Answer, name: str, shared: Cell) -> Cell:
    """Return the accounts that have an image; the collector requests them for shared images.

    A list cut short decides where it has an account that the parameters do not declare.
    """
    if shared.value != "TRUE":
        return Cell([], shared.refs, shared.gap)
    answer = source.snapshot.answer(DESCRIBE_IMAGE_PERMISSIONS, images.region, Name=name)
    accounts = sorted(
        {permission["sharedAccountId"] for permission, _ in answer.items() if _permits(permission)}
    )
    declared = set(accounts) <= set(source.snapshot.run.organisation_accounts)
    gap = answer.trouble if declared else None
    return Cell(accounts, (*shared.refs, *answer.evidence), gap)


def _permits(permission: dict[str, Any]) -> bool:
    """Return whether a permission lets an account run the image, in fleets or image builders.

    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_ImagePermissions.html
    """
    uses = permission.get("imagePermissions") or {}
    return [uses.get(use) for use in ("allowFleet", "allowImageBuilder")] != [False, False]


@table("all_images", Scope.REGION, (DESCRIBE_IMAGES, *_RUNNING), _CURRENCY)
def all_images(source: Source) -> Iterator[Row]:
    """Yield every private image, and every other image that a fleet or image builder runs.

    AWS chooses the image of Elastic fleets and app block builders by their platform.

    References
    ----------
    AppStream 2.0 API Reference, Fleet, ImageBuilder, AppBlockBuilder and Image.
    """
    private: set[tuple[str, str]] = set()
    for answer in source.snapshot.answers(DESCRIBE_IMAGES):
        for image, ref in answer.items():
            private |= {(answer.region, image[n]) for n in ("Arn", "Name") if image.get(n)}
            key = identify(image, answer)
            label = source.labels.label("image", key, shown_name(image))
            made_by = _makers(source, source.snapshot.account, image, ref)
            yield Row(answer.region, key, label, _currency(image, ref, answer, made_by))
    used: dict[tuple[str, str], list[str]] = {}
    for call, kind in _RUNNING.items():
        for answer in source.snapshot.answers(call):
            for item, ref in answer.items():
                arn, name = item.get("ImageArn") or "", item.get("ImageName") or ""
                if owner_of(arn) == source.snapshot.account:
                    name = name or arn.rpartition("/")[2]
                elif arn:
                    name = ""  # another account's image may have the name of a private image
                if {(answer.region, arn), (answer.region, name)} & private:
                    continue
                if arn:
                    used.setdefault((answer.region, arn), []).append(f"{ref}/ImageArn")
                elif name or item.get("FleetType") != "ELASTIC":
                    yield _unnamed(source, item, ref, answer, kind)
    for (region, arn), refs in used.items():
        yield _of_another(source, region, arn, tuple(refs))


def _of_another(source: Source, region: str, arn: str, refs: tuple[str, ...]) -> Row:
    """Return the row of an image that runs and is not among the account's private images."""
    snapshot, owner = source.snapshot, owner_of(arn)
    if owner == snapshot.account:
        answer = snapshot.answer(DESCRIBE_IMAGES, region)
        described = None
    else:
        answer = snapshot.answer(DESCRIBE_IMAGES_OF_OTHERS, region, Arns=[arn])
        described = next(((i, ref) for i, ref in answer.items() if i.get("Arn") == arn), None)
    name = arn.rpartition("/")[2]
    label = source.labels.label("image", arn, name) if owner else name
    if described:
        image, ref = described
        made_by = _makers(source, owner, image, *refs, ref)
        return Row(region, arn, label, _currency(image, ref, answer, made_by))
    hint = text("gaps/no_such_image")
    gone = Trouble("absent in answer", answer.call.name, hint=hint)
    unseen = Cell(None, (*refs, *answer.evidence), answer.trouble or gone)
    cells = dict.fromkeys(_CURRENCY, unseen)
    return Row(region, arn, label, {**cells, "made_by": _makers(source, owner, {}, *refs)})


def _makers(source: Source, owner: str, image: dict[str, Any], *refs: str) -> Cell:
    """Return who made an image and its base image; ARNs of AWS's images have no account."""
    base = image.get("BaseImageArn")
    owners = [owner, *([owner_of(base)] if base else [])]
    return Cell(sorted({whose(source.snapshot, account) or AWS for account in owners}), refs)


def _currency(image: dict[str, Any], ref: str, answer: Answer, made_by: Cell) -> dict[str, Cell]:
    cells = {"made_by": made_by}
    for name, column in _CURRENCY.items():
        if column.path:
            # The day of release decides about AWS's images.
            absent = NONE if made_by.value == [AWS] and name == "latest_agent" else UNSEEN
            cells[name] = member(image, ref, column.path, absent, answer.call)
    return cells


def _unnamed(source: Source, item: dict[str, Any], ref: str, answer: Answer, kind: str) -> Row:
    """Return a row of gaps for a resource that runs an image whose name AWS left out."""
    key = identify(item, answer)
    label = f"image of {source.labels.label(kind, key, shown_name(item))}"
    gap = Cell(None, (ref,), absent_member(answer.call, "ImageArn", ref))
    return Row(answer.region, f"{key}/image", label, dict.fromkeys(_CURRENCY, gap))


def exports(snapshot: Snapshot, region: str) -> Cell:
    """Return when images were exported to an AMI (ISO 8601), the latest first, without failures."""
    answer = snapshot.answer(LIST_EXPORT_IMAGE_TASKS, region)
    made = [(task, ref) for task, ref in answer.items() if task.get("State") not in _NO_AMI]
    days = sorted((task["CreatedDate"] for task, _ in made), reverse=True)
    return Cell(days, tuple(ref for _, ref in made) or answer.evidence, answer.trouble)


def amis_open_to(snapshot: Snapshot, region: str) -> Cell:
    """Return who else may launch the AMIs that images were exported to: accounts, organisations.

    The account's own organisation is left out. An AMI that is gone is open to nobody.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchPermission.html
    """
    answer = snapshot.answer(LIST_EXPORT_IMAGE_TASKS, region)
    listed = Cell([], answer.evidence, answer.trouble)
    opened = [
        _launches(snapshot, region, task, ref)
        for task, ref in answer.items()
        if task.get("State") not in (*_NO_AMI, "EXPORTING")
    ]
    return derive(lambda *names: sorted({name for each in names for name in each}), listed, *opened)


def _launches(snapshot: Snapshot, region: str, task: dict[str, Any], ref: str) -> Cell:
    """Return who else may launch the AMI of an export."""
    if not task.get("AmiId"):
        return Cell(None, (ref,), absent_member(LIST_EXPORT_IMAGE_TASKS, "AmiId", ref))
    answer = snapshot.answer(DESCRIBE_IMAGE_ATTRIBUTE, region, ImageId=task["AmiId"])
    granted = attached(answer, "LaunchPermissions", UNSEEN, Default([], "no_such_ami"))
    own = organisation_id(snapshot)
    if not any("UserId" not in each and "Group" not in each for each in granted.value or ()):
        own = Cell(None, granted.refs)  # no organisation is named

    def others(granted: list[dict[str, str]], own: str | None) -> list[str]:
        names = (_launcher(each, own) for each in granted)
        return [name for name in names if name not in ("", snapshot.account)]

    return derive(others, granted, own)


def _launcher(permission: dict[str, str], own: str | None) -> str:
    """Return whom a permission names: an account, everybody, or another organisation than `own`."""
    if account := permission.get("UserId"):
        return account if re.fullmatch(r"\d{12}", account, re.ASCII) else UNNUMBERED
    named = permission.get("OrganizationArn") or permission.get("OrganizationalUnitArn") or ""
    if not named:
        return EVERYBODY  # or nobody whom EC2 names: take the worst
    organisation = named.split("/")[1]
    return "" if organisation == own else f"organisation {organisation}"
