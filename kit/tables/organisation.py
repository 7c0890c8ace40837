"""The organisation that an account is in, and what its administrator's snapshot shows instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kit.calls import DESCRIBE_ORGANIZATION
from kit.catalogue.texts import text
from kit.snapshot import Snapshot, Trouble, reason_for, way_in
from kit.tables.cells import NONE, UNSEEN, Cell, attached, derive

ADMINISTRATOR = "administrator"
OWN = "this account"


def organisation_id(snapshot: Snapshot) -> Cell:
    """The id of the organisation that the account is in; None where it is in none."""
    return attached(snapshot.answer(DESCRIBE_ORGANIZATION), "Organization.Id", UNSEEN, NONE)


def is_member(snapshot: Snapshot) -> Cell:
    """Whether the account is in an organisation."""
    return derive(bool, organisation_id(snapshot))


def manages(snapshot: Snapshot) -> bool:
    """Whether an account is known to be the management account of its organisation."""
    answer = snapshot.answer(DESCRIBE_ORGANIZATION)
    manager = answer.value("Organization.MasterAccountId")
    return manager is not None and manager == snapshot.account


def held(snapshot: Snapshot, what: str) -> Trouble:
    """The trouble of what a member account cannot see, and who may hold it."""
    lender = snapshot.organisation
    if lender is None:
        return Trouble(ADMINISTRATOR, hint=text("gaps/name_the_snapshot", what=what))
    hint = text("gaps/not_in_the_snapshot", what=what, account=lender.account)
    return Trouble(ADMINISTRATOR, hint=hint)


def seen_by_owner(
    cell: Cell, snapshot: Snapshot, arn: str | None, again: Callable[[Snapshot], Cell]
) -> Cell:
    """The cell, or what stands for its gap where another account owns what it is about.

    Parameters
    ----------
    cell : Cell
    snapshot : Snapshot
    arn : str or None
        Of what the cell is about.
    again : callable
        Makes the cell from the organisation's answers.

    Returns
    -------
    Cell
        As the organisation's snapshot shows it; a gap with a better reason where that does not.
    """
    owner = owner_of(arn)
    if owner in ("", snapshot.account) or not cell.gap:
        return cell
    if snapshot.organisation:
        theirs = again(snapshot.organisation)
        if not theirs.gap:
            return theirs
    if cell.gap.reason not in ("denied", "absent in answer") and not _refused(snapshot, cell.gap):
        return cell
    gap = held(snapshot, text("gaps/of_another_account"))
    return replace(cell, gap=replace(cell.gap, reason=gap.reason, permission="", hint=gap.hint))


def whose(snapshot: Snapshot, account: str) -> str:
    """The owner as people read it: "this account", or the number of another."""
    return OWN if account == snapshot.account else account


def _refused(snapshot: Snapshot, gap: Trouble) -> bool:
    """Whether AWS refused a request, whatever it called that.

    When AWS is at fault, or did not accept the credentials, nothing is told of the owner.
    """
    failed = next((one for one in snapshot.requests if one.id == gap.evidence), None)
    if not failed or not failed.error or not failed.status or gap.reason != "failed":
        return False
    code, message = failed.error["code"], failed.error["message"]
    accepted = reason_for(code, failed.status) == "failed" and not way_in(code, message)
    return accepted and 400 <= failed.status < 500


def owner_of(arn: str | None) -> str:
    """The account in an ARN; empty where there is none."""
    return (arn or "").split(":", 5)[4] if (arn or "").count(":") > 4 else ""
