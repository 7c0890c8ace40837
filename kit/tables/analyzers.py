"""IAM Access Analyzer, and who else may run it for the account."""

from __future__ import annotations

from kit.aws.calls import DESCRIBE_ORGANIZATION, LIST_ANALYZERS
from kit.snapshot import Snapshot
from kit.tables.cells import NONE, UNSEEN, Cell, attached

ADMINISTRATOR = "perhaps held by the organisation's administrator"


def analyzer(snapshot: Snapshot, region: str) -> Cell:
    """The type of an active analyzer of external access in a region; None where there is none.

    An organisation's analyzer is seen in the administrator's account alone: in a member's, that
    none is seen does not say that there is none.
    """
    answer = snapshot.answer(LIST_ANALYZERS, region)
    for item, ref in answer.items():
        if item["type"] in ("ACCOUNT", "ORGANIZATION") and item["status"] == "ACTIVE":
            return Cell(item["type"], (ref,))
    if answer.trouble:
        return Cell(None, answer.evidence, answer.trouble)
    organisation = attached(snapshot.answer(DESCRIBE_ORGANIZATION), "Organization.Id", UNSEEN, NONE)
    held = ADMINISTRATOR if organisation.value else None
    return Cell(held, (*answer.evidence, *organisation.refs), organisation.gap)
