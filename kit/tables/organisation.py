"""The account's organisation, and cells that its administrator's snapshot fills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kit.calls import DESCRIBE_ORGANIZATION, LIST_ORGANIZATIONS_FEATURES
from kit.catalogue.texts import text
from kit.snapshot import Snapshot, Trouble, reason_for, way_in
from kit.tables.cells import NONE, UNSEEN, Cell, attached, derive

ADMINISTRATOR = "administrator"
_HELD = (
    "of_another_account",
    "stores_of_organisation",
    "analyzer_of_organisation",
    "root_of_organisation",
)
_ROOT_CREDENTIALS = "RootCredentialsManagement"
OWN = "this account"


def organisation_id(snapshot: Snapshot) -> Cell:
    """Return the id of the account's organisation; None for an account without one."""
    return attached(snapshot.answer(DESCRIBE_ORGANIZATION), "Organization.Id", UNSEEN, NONE)


def is_member(snapshot: Snapshot) -> Cell:
    """Return whether the account is in an organisation."""
    return derive(bool, organisation_id(snapshot))


def manages(snapshot: Snapshot) -> bool:
    """Return whether the answers show that an account manages its organisation."""
    answer = snapshot.answer(DESCRIBE_ORGANIZATION)
    manager = answer.value("Organization.MasterAccountId")
    return manager is not None and manager == snapshot.account


def root_can_return(snapshot: Snapshot) -> Cell:
    """Return whether a root user without a password can get one by password recovery.

    It cannot where the organisation manages the root credentials of its members, which is not so of
    the management account's own:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management
    """
    organisation = organisation_id(snapshot)
    if organisation.gap or organisation.value is None or manages(snapshot):
        return derive(lambda _: True, organisation)
    lender = snapshot.organisation
    answer = lender.answer(LIST_ORGANIZATIONS_FEATURES) if lender else None
    if answer is None or answer.trouble:
        refs = (*organisation.refs, *(answer.evidence if answer else ()))
        return Cell(None, refs, held(snapshot, text("gaps/root_of_organisation")))
    features = attached(answer, "EnabledFeatures", NONE)
    return derive(lambda names, _: _ROOT_CREDENTIALS not in (names or ()), features, organisation)


def held(snapshot: Snapshot, what: str) -> Trouble:
    """Return the trouble of evidence that only the organisation's administrator may have."""
    lender = snapshot.organisation
    if lender is None:
        return Trouble(ADMINISTRATOR, hint=text("gaps/name_the_snapshot", what=what))
    hint = text("gaps/not_in_the_snapshot", what=what, account=lender.account)
    return Trouble(ADMINISTRATOR, hint=hint)


def names_the_snapshot(hint: str) -> bool:
    """Return whether a hint is that of `held` for a run that names no snapshot of the organisation."""
    return hint in {text("gaps/name_the_snapshot", what=text(f"gaps/{what}")) for what in _HELD}


def seen_by_owner(
    cell: Cell, snapshot: Snapshot, arn: str | None, again: Callable[[Snapshot], Cell]
) -> Cell:
    """Return the cell; for a gap about another account's resource, the organisation's cell.

    Parameters
    ----------
    cell : Cell
    snapshot : Snapshot
    arn : str or None
        The ARN of the resource.
    again : callable
        Makes the cell from the organisation's answers.

    Returns
    -------
    Cell
        From the organisation's snapshot; without evidence there, a gap that names the
        administrator.
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
    """Return the owner as people read it: "this account", or the id of another account."""
    return OWN if account == snapshot.account else account


def _refused(snapshot: Snapshot, gap: Trouble) -> bool:
    """Return whether AWS refused a request, under whatever error code.

    A fault of AWS, or credentials that AWS does not accept, show nothing about the owner.
    """
    failed = next((r for r in snapshot.requests if r.id == gap.evidence), None)
    if gap.reason != "failed" or not (failed and failed.error and failed.status):
        return False
    code, message = failed.error["code"], failed.error["message"]
    accepted = reason_for(code, failed.status) == "failed" and not way_in(code, message)
    return accepted and 400 <= failed.status < 500


def owner_of(arn: str | None) -> str:
    """Return the account in an ARN; empty for an ARN without an account."""
    _, account = _place(arn)
    return account


def region_of(arn: str | None) -> str:
    """Return the region in an ARN; empty for an ARN without a region."""
    region, _ = _place(arn)
    return region


def _place(arn: str | None) -> tuple[str, str]:
    """Return the region and the account of an ARN, whose resource comes behind them."""
    match (arn or "").split(":"):
        case [_, _, _, region, account, _, *_]:
            return region, account
    return "", ""
