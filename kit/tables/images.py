"""Private images: how old they are, and who outside the account has them."""

from __future__ import annotations

from collections.abc import Iterator

from kit.aws.calls import (
    DESCRIBE_IMAGE_PERMISSIONS,
    DESCRIBE_IMAGES,
    LIST_EXPORT_IMAGE_TASKS,
    Scope,
)
from kit.snapshot import Answer, Snapshot
from kit.tables.cells import Cell
from kit.tables.core import Column, Row, Source, listed, table

_COLUMNS = {
    "shared": Column("Shared with other accounts", "ImageSharedWithOthers"),
    "shared_with": Column("Accounts that have it", calls=(DESCRIBE_IMAGE_PERMISSIONS,)),
    "latest_agent": Column("Has the latest agent", "LatestAppstreamAgentVersion"),
    "base_image_released": Column("Base image released", "PublicBaseImageReleasedDate", past=True),
}
_NO_AMI = ("FAILED", "TIMED_OUT")


@table("images", "private image", Scope.REGION, (DESCRIBE_IMAGES,), _COLUMNS)
def images(source: Source) -> Iterator[Row]:
    """Every private image of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_IMAGES):
        rows = listed(_COLUMNS, answer, source, "image")
        for row, (image, _) in zip(rows, answer.items(), strict=True):
            shared = row.cells["shared"]
            row.cells["shared_with"] = _shared_with(source, answer, image["Name"], shared)
            yield row


def _shared_with(source: Source, images: Answer, name: str, shared: Cell) -> Cell:
    """The accounts that an image is shared with; nobody is asked where it is shared with none."""
    if shared.value != "TRUE":
        return Cell([], shared.refs, shared.gap)
    answer = source.snapshot.answer(DESCRIBE_IMAGE_PERMISSIONS, images.region, Name=name)
    accounts = sorted({permission["sharedAccountId"] for permission, _ in answer.items()})
    return Cell(accounts, (*shared.refs, *answer.evidence), answer.trouble)


def exports(snapshot: Snapshot, region: str) -> Cell:
    """When images were exported to an AMI, as ISO 8601, the latest first; failed exports are none."""
    answer = snapshot.answer(LIST_EXPORT_IMAGE_TASKS, region)
    made = [(task, ref) for task, ref in answer.items() if task.get("State") not in _NO_AMI]
    days = sorted((task["CreatedDate"] for task, _ in made), reverse=True)
    return Cell(days, tuple(ref for _, ref in made) or answer.evidence, answer.trouble)
