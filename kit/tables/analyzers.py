"""IAM Access Analyzer, in the account or in its organisation."""

from __future__ import annotations

from kit.calls import LIST_ANALYZERS
from kit.catalogue.texts import text
from kit.snapshot import Snapshot
from kit.tables.cells import Cell
from kit.tables.organisation import held, organisation_id


def analyzer(snapshot: Snapshot, region: str) -> Cell:
    """Return the type of an active analyzer of external access in a region; None without one.

    Only the administrator's account lists an organisation's analyzer. For a member account an
    empty list is therefore a gap, unless the organisation's snapshot shows an analyzer.
    """
    ours = _active(snapshot, region)
    if ours.gap or ours.value:
        return ours
    organisation = organisation_id(snapshot)
    if organisation.gap or organisation.value is None:
        return Cell(None, (*ours.refs, *organisation.refs), organisation.gap)
    lender = snapshot.organisation
    theirs = _active(lender, region) if lender else Cell()
    refs = (*ours.refs, *organisation.refs, *theirs.refs)
    if theirs.value == "ORGANIZATION":
        return Cell(theirs.value, theirs.refs)
    return Cell(None, refs, held(snapshot, text("gaps/analyzer_of_organisation")))


def _active(snapshot: Snapshot, region: str) -> Cell:
    answer = snapshot.answer(LIST_ANALYZERS, region)
    for item, ref in answer.items():
        if item["type"] in ("ACCOUNT", "ORGANIZATION") and item["status"] == "ACTIVE":
            return Cell(item["type"], (ref,))
    return Cell(None, answer.evidence, answer.trouble)
