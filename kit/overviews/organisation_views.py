"""What the organisation's notebook shows, made from many packs alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, WORST_FIRST
from kit.controls import CONTROLS
from kit.controls.articles import cited
from kit.judge.findings import open_rows
from kit.overviews.organisation import Organisation
from kit.overviews.packs import stamp_of
from kit.report.views import Column, Cover, Data, Note, Table, first_of

PDF_ROWS = 100
_SEVERITY = ("high", "medium", "low")


def cover(organisation: Organisation) -> Cover:
    """The first page: how many accounts, of when, and what became of them."""
    packs = organisation.packs.values()
    oldest = min(pack.as_of for pack in packs)
    facts = [
        ("Accounts with a pack", str(len(packs))),
        ("Accounts expected, without a pack", str(len(organisation.missing))),
        ("Newest evidence", f"{organisation.as_of:%Y-%m-%d %H:%M} UTC"),
        ("Oldest evidence", f"{oldest:%Y-%m-%d %H:%M} UTC"),
        ("Controls looked at", str(len(organisation.verdicts.columns))),
        ("Signature", "none: this pack is unsigned; each account's pack tells its own"),
    ]
    return Cover(
        title="GDPR evidence, organisation",
        subtitle=f"Amazon AppStream 2.0 (WorkSpaces Applications), {len(packs)} accounts",
        facts=facts,
        as_of=organisation.as_of.isoformat(),
        stamp=stamp_of(packs) or None,
        marks=["Unsigned"],
    )


def accounts(organisation: Organisation, to: str = "") -> Table:
    """Every account: its worst verdict, its counts, and the way to its pack.

    Parameters
    ----------
    organisation : Organisation
    to : str
        The folder of the file that is read, from which links lead; empty for the working folder.
    """
    rows: list[list[Any]] = []
    for account, pack in organisation.packs.items():
        counts = organisation.counts.loc[account]
        worst = next((status for status in WORST_FIRST if counts[status]), WORST_FIRST[-1])
        age = (organisation.as_of - pack.as_of).days
        page = os.path.relpath(pack.folder.resolve() / "data" / "evidence.html", to or Path.cwd())
        rows.append(
            [
                [account, quote(page)],
                worst,
                *(int(counts[status]) for status in WORST_FIRST),
                pack.as_of.isoformat(),
                age,
            ]
        )
    return Table(
        "accounts",
        "Accounts, each with a link to its pack",
        [
            Column("account", "Account", "link"),
            Column("worst", "Worst verdict", "status"),
            *(Column(status.replace(" ", "_"), status, "number") for status in WORST_FIRST),
            Column("as_of", "Evidence as of", "datetime"),
            Column("age", "Days older than the newest", "number"),
        ],
        rows,
        **first_of(rows, PDF_ROWS, "the HTML and accounts.csv have all"),
    )


def packs(organisation: Organisation) -> Table:
    """The packs that are summed up, by their digests."""
    rows: list[list[Any]] = [
        [account, pack.signature, pack.info["Snapshot-SHA-256"], pack.info["Findings-SHA-256"]]
        for account, pack in organisation.packs.items()
    ]
    return Table(
        "packs",
        "The packs that are summed up, by their digests",
        [
            Column("account", "Account", "code"),
            Column("signature", "Signed by"),
            Column("snapshot", "Snapshot (SHA-256)", "code"),
            Column("findings", "Findings (SHA-256)", "code"),
        ],
        rows,
        **first_of(rows, PDF_ROWS, "the HTML and accounts.csv have all"),
    )


def open_controls(organisation: Organisation) -> Table | Note:
    """What is open, control by control: in how many accounts, how many findings."""
    rows: list[list[Any]] = []
    for name, counted in _counted(organisation, lambda control: [control]):
        control = CONTROLS[name]
        rows.append([name, control.title, control.severity, control.responsibility, *counted])
    if not rows:
        return Note("Nothing is open in any account.")
    rows.sort(key=lambda row: (_SEVERITY.index(row[2]), -row[4], -row[6], row[0]))
    return Table(
        "open-controls",
        "Open points, the gravest first",
        [
            Column("control", "Control", "control"),
            Column("title", "What it asserts"),
            Column("severity", "Severity", "severity"),
            Column("responsibility", "Who answers"),
            *_COUNTED,
        ],
        rows,
    )


def open_articles(organisation: Organisation) -> Table:
    """What is open, by article of the GDPR; a finding counts for each article of its control."""
    counted = _counted(organisation, lambda name: list(cited(CONTROLS[name].gdpr, "")))
    return Table(
        "open-articles",
        "Open points by article of the GDPR",
        [Column("article", "Article"), *_COUNTED],
        [[article, *numbers] for article, numbers in sorted(counted, key=lambda c: _article(c[0]))],
        empty="Nothing is open under any article.",
    )


def open_responsibilities(organisation: Organisation) -> Table:
    """What is open, by who answers for it."""
    counted = _counted(organisation, lambda name: [CONTROLS[name].responsibility])
    return Table(
        "open-responsibilities",
        "Open points by responsibility",
        [Column("responsibility", "Who answers"), *_COUNTED],
        [[who, *numbers] for who, numbers in sorted(counted)],
        empty="Nothing is open.",
    )


def gaps(organisation: Organisation) -> Table:
    """What could not be seen, by reason and call: in how many accounts."""
    table = organisation.open
    unseen = table[table["status"] == NOT_EVIDENCED]
    grouped = unseen.groupby(["reason", "operation", "code"], as_index=False).agg(
        accounts=("account", "nunique"), findings=("count", "sum"), controls=("control", "unique")
    )
    grouped = grouped.sort_values(["accounts", "findings"], ascending=False, kind="stable")
    return Table(
        "gaps",
        "Coverage: what could not be seen, and why",
        [
            Column("reason", "Reason"),
            Column("operation", "Call", "code"),
            Column("code", "Error", "code"),
            Column("accounts", "Accounts", "number"),
            Column("findings", "Findings", "number"),
            Column("controls", "Controls", "control"),
        ],
        [
            [row.reason, row.operation, row.code, row.accounts, row.findings, sorted(row.controls)]
            for row in grouped.itertuples()
        ],
        empty="Everything that was asked could be seen.",
    )


def unknown(organisation: Organisation) -> Note:
    """Controls of the packs that are not counted here."""
    if organisation.unknown:
        names = ", ".join(organisation.unknown)
        return Note(f"Packs hold controls that this kit does not know: {names}.", "warning")
    return Note("This kit knows every control that the packs hold.")


def missing(organisation: Organisation) -> Table:
    """Accounts that were expected and have no pack."""
    return Table(
        "missing",
        "Accounts that were expected and have no pack",
        [Column("account", "Account", "code")],
        [[account] for account in organisation.missing],
        empty="Every account that was expected has its pack, or none was named as expected.",
    )


def data(organisation: Organisation) -> Data:
    """The accounts with their packs' digests, for machines."""
    counts = organisation.counts
    records: list[dict[str, Any]] = [
        {
            "account": account,
            "as_of": pack.as_of.isoformat(),
            "signature": pack.signature,
            "snapshot_sha256": pack.info["Snapshot-SHA-256"],
            "findings_sha256": pack.info["Findings-SHA-256"],
            **{status.replace(" ", "_"): int(counts.loc[account, status]) for status in counts},
        }
        for account, pack in organisation.packs.items()
    ]
    return Data("accounts", records, {"accounts": len(records)})


_COUNTED = (
    Column("failing", "Accounts with a fail", "number"),
    Column("fails", "Fails", "number"),
    Column("blind", "Accounts lacking evidence", "number"),
    Column("unseen", "Findings not evidenced", "number"),
)


def _counted(
    organisation: Organisation, names: Callable[[str], list[str]]
) -> list[tuple[str, list[int]]]:
    """Count open findings and their accounts, by what `names` makes of a control."""
    table = organisation.open[open_rows(organisation.open)]
    table = table[table["control"].isin(list(CONTROLS))]
    table = table.assign(name=table["control"].map(names)).explode("name")
    counted = []
    for name, own in table.groupby("name"):
        numbers: list[int] = []
        for status in (FAIL, NOT_EVIDENCED):
            some = own[own["status"] == status]
            numbers += [some["account"].nunique(), int(some["count"].sum())]
        counted.append((str(name), numbers))
    return counted


def _article(name: str) -> tuple[int, str]:
    """Sort articles by number: 5(1)(f) before 32(1)."""
    number = name.partition("(")[0].strip()
    return (int(number) if number.isdigit() else 999, name)
