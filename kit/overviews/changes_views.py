"""The views of the notebook of changes, made from the packs of two audits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.catalogue.statuses import ACCEPTED, NO_API, NOT_EVIDENCED
from kit.catalogue.texts import has, text
from kit.controls import CONTROLS
from kit.judge.ageing import CHANGES
from kit.judge.findings import reason_text
from kit.overviews.changes import Changes
from kit.overviews.packs import SealedPack
from kit.overviews.shared import cover_of, sealed
from kit.report.blocks import BRIEF
from kit.report.formats import minute
from kit.report.views import Cover, Data, Note, Table, column, first_of

if TYPE_CHECKING:
    import pandas as pd

PDF_ROWS = 60
_FILE = "changes.csv"
_SIDES = ("before", "after")


def cover(changes: Changes) -> Cover:
    """The first page: the packs of both audits, and how many rows changed."""
    facts = [
        (text("report/changes/facts/before"), _span(changes.before)),
        (text("report/changes/facts/after"), _span(changes.after)),
        (text("report/changes/facts/same"), str(changes.same)),
    ]
    packs = [*changes.before, *changes.after]
    accounts = sorted({pack.account for pack in changes.after})
    # What was observed before and after stands side by side.
    return cover_of("changes", packs, accounts, facts, changes.as_of, "A4 across")


def summary(changes: Changes) -> Table:
    """How many rows changed in which way, and what each way means."""
    return Table(
        "changes",
        text("report/changes/caption", no_interface=", ".join(no_interface())),
        [column("change"), column("meaning"), column("count", "number")],
        [
            [
                text(f"report/changes/{name}/title"),
                text(f"report/changes/{name}/meaning"),
                changes.count(name),
            ]
            for name in CHANGES
        ],
    )


def remarks(changes: Changes) -> Note:
    """Reasons why the two audits are hard to compare."""
    if changes.remarks:
        return Note(" ".join(changes.remarks), "warning")
    return Note(text("report/changes/comparable"))


def compared(changes: Changes) -> Table:
    """The packs of both audits, with their digests."""
    sides = {
        text(f"report/changes/audits/{side}"): packs
        for side, packs in zip(_SIDES, (changes.before, changes.after), strict=True)
    }
    return sealed(text("report/changes/packs"), sides, PDF_ROWS, _FILE)


def rows(changes: Changes, change: str) -> Table | Note:
    """The rows with a change: status and observed values, before and after.

    Parameters
    ----------
    changes : Changes
    change : str
        One of `kit.overviews.changes.CHANGES`.
    """
    title = text(f"report/changes/{change}/title")
    changed = changes.rows[changes.rows["change"] == change]
    if changed.empty:
        return Note(text("report/changes/none", change=title))
    has = {side: bool((changed[f"status_{side}"] != "").any()) for side in _SIDES}
    columns = [
        column("account", "code"),
        column("control", "code"),
        column("title"),
        column("region", "code"),
        column("resource", "code"),
    ]
    why = {f"reason_{side}": _reasons(changed, side) for side in _SIDES}
    coded = changed["status_before"].isin((NOT_EVIDENCED, ACCEPTED))
    same = coded & (changed["status_before"] == changed["status_after"])
    other_reason = any(
        before != after
        for before, after, is_same in zip(*why.values(), same, strict=True)
        if is_same
    )
    for side in _SIDES:
        if has[side]:
            reason = [column(f"reason_{side}")] if other_reason else []
            observed = column(f"observed_{side}", brief=BRIEF)
            columns += [column(f"status_{side}", "status"), *reason, observed]
    if (changed["since"] != "").any():
        columns.append(column("since", "datetime"))
    if len(set(changes.rows["account"])) == 1:
        columns = columns[1:]
    table = changed.assign(title=changed["control"].map(_title), **why)
    cells = table[[column.name for column in columns]].astype(object)
    listed = cells.where(cells != "", None).to_numpy().tolist()
    return Table(
        change.replace(" ", "-"),
        text("report/changes/rows", change=title, meaning=text(f"report/changes/{change}/meaning")),
        columns,
        listed,
        **first_of(listed, PDF_ROWS, _FILE),
    )


def resources(changes: Changes) -> Table:
    """Resources that only one of the two audits has."""
    listed = [
        [text(f"report/changes/{change}/title"), row.account, row.region, row.resource]
        for change, table in (("appeared", changes.appeared), ("gone", changes.gone))
        for row in table.itertuples()
    ]
    return Table(
        "resources",
        text("report/changes/resources/caption"),
        [
            column("change"),
            column("account", "code"),
            column("region", "code"),
            column("resource", "code"),
        ],
        listed,
        empty=text("report/changes/resources/empty"),
        **first_of(listed, PDF_ROWS, _FILE),
    )


def data(changes: Changes) -> Data:
    """Every row that changed, for machines."""
    records = changes.rows.to_dict("records")
    counts = {name.replace(" ", "_"): changes.count(name) for name in CHANGES}
    return Data(
        "changes",
        records,
        {"counts": counts, "remarks": changes.remarks, "no_interface": no_interface()},
    )


def _reasons(changed: pd.DataFrame, side: str) -> list[str]:
    """Return why each verdict of an audit is what it is, with the operation of a gap."""
    pairs = changed[[f"reason_{side}", f"operation_{side}"]].itertuples(index=False)
    return [
        ", ".join(filter(None, ("; ".join(map(reason_text, reason.split("; "))), operation)))
        for reason, operation in pairs
    ]


def no_interface() -> list[str]:
    """Return the controls that comparisons do not count, since AWS offers no interface for them."""
    return [name for name in CONTROLS if has(f"controls/{name}/verdicts/{NO_API}")]


def _title(name: str) -> str:
    return CONTROLS[name].title if name in CONTROLS else text("report/changes/unknown_control")


def _span(packs: Sequence[SealedPack]) -> str:
    times = sorted({minute(pack.as_of) for pack in packs})
    if len(times) == 1:
        return times[0]
    return text("report/changes/span", first=times[0], last=times[-1])
