"""What the notebook of changes shows, made from the packs of two audits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.controls import CONTROLS
from kit.overviews.changes import CHANGES, Changes
from kit.overviews.packs import stamp_of
from kit.report.views import Column, Cover, Data, Note, Table, first_of

PDF_ROWS = 60
_WHOLE = "the HTML and changes.csv have all"
_TOLD = {
    "newly open": "fails, or lacks evidence, and did not before",
    "still open": "open in both audits",
    "closed": "failed before and does not now",
    "gone": "the resource, or the control's row, is no longer there",
    "evidence gained": "could not be seen before and was seen now",
    "evidence lost": "was seen before and could not be seen now",
    "changed": "not open, but its verdict or its configuration is another",
    "appeared": "new, and not open",
}


def cover(changes: Changes) -> Cover:
    """The first page: which packs are compared, and how much changed."""
    accounts = sorted({pack.account for pack in changes.after})
    who = f"account {accounts[0]}" if len(accounts) == 1 else f"{len(accounts)} accounts"
    facts = [
        ("Earlier evidence as of", _span(changes.before)),
        ("Later evidence as of", _span(changes.after)),
        *((name.capitalize(), str(changes.count(name))) for name in CHANGES),
        ("Neither open nor changed", str(changes.same)),
        ("Signature", "none: this pack is unsigned; each account's pack tells its own"),
    ]
    return Cover(
        title="GDPR evidence, changes",
        subtitle=f"Amazon AppStream 2.0 (WorkSpaces Applications), {who}",
        facts=facts,
        as_of=changes.as_of.isoformat(),
        stamp=stamp_of([*changes.before, *changes.after]) or None,
        marks=["Unsigned"],
    )


def summary(changes: Changes) -> Table:
    """How many rows changed in which way, and what each way means."""
    return Table(
        "changes",
        "What changed",
        [
            Column("change", "Change"),
            Column("meaning", "What it means"),
            Column("count", "Findings", "number"),
        ],
        [[name, _TOLD[name], changes.count(name)] for name in CHANGES],
    )


def remarks(changes: Changes) -> Note:
    """What makes the two audits hard to compare."""
    if changes.remarks:
        return Note(" ".join(changes.remarks), "warning")
    return Note("Both audits have the same accounts, thresholds, kit and key for labels.")


def compared(changes: Changes) -> Table:
    """The packs that are compared, with their digests."""
    rows: list[list[Any]] = [
        [
            which,
            pack.account,
            pack.as_of.isoformat(),
            pack.signature,
            pack.info["Findings-SHA-256"],
        ]
        for which, packs in (("earlier", changes.before), ("later", changes.after))
        for pack in packs
    ]
    return Table(
        "packs",
        "The packs that are compared",
        [
            Column("which", "Audit"),
            Column("account", "Account", "code"),
            Column("as_of", "Evidence as of", "datetime"),
            Column("signature", "Signed by"),
            Column("digest", "Findings (SHA-256)", "code"),
        ],
        rows,
        **first_of(rows, PDF_ROWS, _WHOLE),
    )


def rows(changes: Changes, change: str) -> Table | Note:
    """The rows that changed in one way: verdict and what was observed, before and after.

    Parameters
    ----------
    changes : Changes
    change : str
        One of `kit.overviews.changes.CHANGES`.
    """
    own = changes.rows[changes.rows["change"] == change]
    if own.empty:
        return Note(f"{change.capitalize()}: none.")
    has = {side: bool((own[f"status_{side}"] != "").any()) for side in ("before", "after")}
    columns = [
        Column("account", "Account", "code"),
        Column("control", "Control", "code"),
        Column("title", "What it asserts"),
        Column("region", "Region", "code"),
        Column("resource", "Resource", "code"),
    ]
    for side in ("before", "after"):
        if has[side]:
            columns += [
                Column(f"status_{side}", f"Verdict {side}", "status"),
                Column(f"observed_{side}", f"Observed {side}"),
            ]
    if (own["since"] != "").any():
        columns.append(Column("since", "Open since, at least", "datetime"))
    if len(set(changes.rows["account"])) == 1:
        columns = columns[1:]
    table = own.assign(title=own["control"].map(_title))
    cells = table[[column.name for column in columns]].astype(object)
    listed = cells.where(cells != "", None).to_numpy().tolist()
    return Table(
        change.replace(" ", "-"),
        f"{change.capitalize()}: {_TOLD[change]}",
        columns,
        listed,
        **first_of(listed, PDF_ROWS, _WHOLE),
    )


def resources(changes: Changes) -> Table:
    """Resources that only one of the two audits has."""
    listed = [
        [told, row.account, row.region, row.resource]
        for told, table in (("appeared", changes.appeared), ("gone", changes.gone))
        for row in table.itertuples()
    ]
    return Table(
        "resources",
        "Resources that appeared or are gone",
        [
            Column("change", "Change"),
            Column("account", "Account", "code"),
            Column("region", "Region", "code"),
            Column("resource", "Resource", "code"),
        ],
        listed,
        empty="The same resources are in both audits.",
        **first_of(listed, PDF_ROWS, _WHOLE),
    )


def data(changes: Changes) -> Data:
    """Every row that changed, for machines."""
    records = changes.rows.to_dict("records")
    return Data(
        "changes", records, {name.replace(" ", "_"): changes.count(name) for name in CHANGES}
    )


def _title(name: str) -> str:
    return CONTROLS[name].title if name in CONTROLS else "a control this kit does not know"


def _span(packs: Sequence[Any]) -> str:
    times = sorted({f"{pack.as_of:%Y-%m-%d %H:%M} UTC" for pack in packs})
    return times[0] if len(times) == 1 else f"{times[0]} to {times[-1]}"
