"""IAM Access Analyzer, and who else may run it for the account."""

from __future__ import annotations

from kit.calls import LIST_ANALYZERS
from kit.catalogue.texts import text
from kit.snapshot import Snapshot
from kit.tables.cells import Cell
from kit.tables.organisation import held, organisation_id


def analyzer(snapshot: Snapshot, region: str) -> Cell:
    """The type of an active analyzer of external access in a region; None where there is none.

    An organisation's analyzer is seen in the administrator's account alone: in a member's, that
    none is seen does not say that there is none, unless the organisation's snapshot shows it.
    """
    own = _active(snapshot, region)
    if own.gap or own.value:
        return own
    organisation = organisation_id(snapshot)
    if organisation.gap or organisation.value is None:
        return Cell(None, (*own.refs, *organisation.refs), organisation.gap)
    lender = snapshot.organisation
    theirs = _active(lender, region) if lender else Cell()
    refs = (*own.refs, *organisation.refs, *theirs.refs)
    if theirs.value == "ORGANIZATION":
        return Cell(theirs.value, theirs.refs)
    return Cell(None, refs, held(snapshot, text("gaps/analyzer_of_organisation")))


def _active(snapshot: Snapshot, region: str) -> Cell:
    answer = snapshot.answer(LIST_ANALYZERS, region)
    for item, ref in answer.items():
        if item["type"] in ("ACCOUNT", "ORGANIZATION") and item["status"] == "ACTIVE":
            return Cell(item["type"], (ref,))
    return Cell(None, answer.evidence, answer.trouble)
