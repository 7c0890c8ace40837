"""The views of the organisation's notebook, made from sealed packs alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.controls.articles import cited
from kit.judge.findings import open_rows, reason_text, worst
from kit.overviews.organisation import Organisation
from kit.overviews.shared import cover_of, sealed
from kit.report.formats import joined, minute, responsibility
from kit.report.result import unseen_sentence, verdict_sentence
from kit.report.views import (
    SEVERITIES,
    STATUSES,
    Column,
    Cover,
    Data,
    Note,
    Table,
    column,
    first_of,
)

PDF_ROWS = 100
_FILE = "accounts.csv"


def cover(organisation: Organisation) -> Cover:
    """The first page: how many accounts, and the times of their evidence."""
    packs = [*organisation.packs.values()]
    oldest = min(pack.as_of for pack in packs)
    facts = [
        (text("report/organisation/facts/accounts"), str(len(packs))),
        (text("report/organisation/facts/missing"), str(len(organisation.missing))),
        (text("report/organisation/facts/newest"), minute(organisation.as_of)),
        (text("report/organisation/facts/oldest"), minute(oldest)),
        (text("report/organisation/facts/controls"), str(len(organisation.verdicts.columns))),
    ]
    return cover_of("organisation", packs, [*organisation.packs], facts, organisation.as_of)


def result(organisation: Organisation) -> Note:
    """Return what was summed up, the controls' worst verdicts, and what the kit could not see."""
    packs, counts = organisation.packs, organisation.counts
    worst_of = {name: worst(filter(None, some)) for name, some in organisation.verdicts.items()}
    fails = int((counts[FAIL] > 0).sum())
    lacks = int(((counts[FAIL] == 0) & (counts[NOT_EVIDENCED] > 0)).sum())
    findings = int(counts.to_numpy().sum())
    unseen = organisation.open[organisation.open["status"] == NOT_EVIDENCED]
    reasons = unseen.groupby("reason")["count"].sum()
    times = {minute(min(pack.as_of for pack in packs.values())), minute(organisation.as_of)}
    return Note(
        joined(
            text(
                "report/organisation/result/summed_up",
                count=len(packs),
                times=text("report/organisation/result/times", oldest=min(times), newest=max(times))
                if len(times) > 1
                else min(times),
                findings=text("report/result/findings", count=findings),
            ),
            text("report/organisation/result/fail", count=fails, all=len(packs)),
            text("report/organisation/result/lack", count=lacks) if lacks else "",
            text("report/organisation/result/worst", verdicts=verdict_sentence(worst_of)),
            unseen_sentence(
                Counter({str(name): int(count) for name, count in reasons.items()}), findings
            ),
            text("report/organisation/result/missing", count=len(organisation.missing))
            if organisation.missing
            else "",
        )
    )


def accounts(organisation: Organisation, to: str = "") -> Table:
    """Every account, the worst first: its worst status, its counts, and a link to its pack.

    Parameters
    ----------
    organisation : Organisation
    to : str
        The folder of the document, from which links lead; empty for the working folder.
    """
    rows: list[list[Any]] = []
    for account in organisation.worst_first:
        pack, counts = organisation.packs[account], organisation.counts.loc[account]
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
        text("report/organisation/accounts"),
        [
            column("account", "link"),
            column("worst", "status"),
            *(
                Column(status.replace(" ", "_"), STATUSES[status].word, "number")
                for status in WORST_FIRST
            ),
            column("as_of", "datetime", brief=0),  # in the PDF the table of packs has it
            column("age", "number", brief=0),
        ],
        rows,
        **first_of(rows, PDF_ROWS, _FILE),
    )


def packs(organisation: Organisation) -> Table:
    """The packs of the overview, with their digests."""
    sides = {"": [*organisation.packs.values()]}
    return sealed(text("report/organisation/packs"), sides, PDF_ROWS, _FILE)


def open_controls(organisation: Organisation) -> Table | Note:
    """Open findings by control: in how many accounts, how many findings."""
    rows: list[list[Any]] = []
    for name, counted in _counted(organisation, lambda control: [control]):
        control = CONTROLS[name]
        party = responsibility(control.responsibility)
        rows.append([name, control.title, control.severity, party, *counted])
    if not rows:
        return Note(text("report/organisation/nothing_open"))
    rows.sort(key=lambda row: ([*SEVERITIES].index(row[2]), -row[4], -row[6], row[0]))
    return Table(
        "open-controls",
        text("report/organisation/by_control"),
        [
            column("control", "control"),
            column("title"),
            column("severity", "severity"),
            column("responsibility"),
            *_counts(),
        ],
        rows,
    )


def open_articles(organisation: Organisation) -> Table:
    """Open findings by article of the GDPR; a finding counts for each article of its control."""
    counted = _counted(organisation, lambda name: list(cited(CONTROLS[name].gdpr, "")))
    return Table(
        "open-articles",
        text("report/organisation/by_article"),
        [column("article"), *_counts()],
        [[article, *numbers] for article, numbers in sorted(counted, key=lambda c: _article(c[0]))],
        empty=text("report/organisation/nothing_open"),
    )


def open_responsibilities(organisation: Organisation) -> Table:
    """Open findings by responsibility."""
    counted = _counted(organisation, lambda name: [CONTROLS[name].responsibility])
    return Table(
        "open-responsibilities",
        text("report/organisation/by_responsibility"),
        [column("responsibility"), *_counts()],
        [[responsibility(party), *numbers] for party, numbers in sorted(counted)],
        empty=text("report/organisation/nothing_open"),
    )


def gaps(organisation: Organisation) -> Table:
    """Findings without evidence, by reason and call: in how many accounts."""
    table = organisation.open
    unseen = table[table["status"] == NOT_EVIDENCED]
    grouped = unseen.groupby(["reason", "operation", "code"], as_index=False).agg(
        accounts=("account", "nunique"), findings=("count", "sum"), controls=("control", "unique")
    )
    grouped = grouped.sort_values(["accounts", "findings"], ascending=False, kind="stable")
    return Table(
        "gaps",
        text("report/organisation/coverage/caption"),
        [
            column("reason"),
            column("call", "code"),
            column("error", "code"),
            column("accounts", "number"),
            column("count", "number"),
            column("controls", "control"),
        ],
        [
            [
                reason_text(row.reason),
                row.operation,
                row.code,
                row.accounts,
                row.findings,
                sorted(row.controls),
            ]
            for row in grouped.itertuples()
        ],
        empty=text("report/organisation/coverage/empty"),
    )


def unknown(organisation: Organisation) -> Note:
    """Controls in the packs that this version of the kit does not know."""
    if organisation.unknown:
        names = ", ".join(organisation.unknown)
        return Note(text("report/organisation/unknown", names=names), "warning")
    return Note(text("report/organisation/known"))


def missing(organisation: Organisation) -> Table:
    """Expected accounts that have no pack."""
    return Table(
        "missing",
        text("report/organisation/missing/caption"),
        [column("account", "code")],
        [[account] for account in organisation.missing],
        empty=text("report/organisation/missing/empty"),
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


def verdicts(organisation: Organisation) -> Data:
    """The worst verdict of each control in each account, for machines."""
    table = organisation.verdicts
    records: list[dict[str, Any]] = [
        {
            "account": account,
            "control": name,
            "title": CONTROLS[name].title,
            "severity": CONTROLS[name].severity,
            "status": status,
        }
        for account in organisation.packs
        for name, status in table.loc[account].items()
        if status
    ]
    return Data("verdicts", records, {"accounts": len(organisation.packs)})


def _counts() -> list[Column]:
    return [
        column("failing", "number"),
        column("fails", "number"),
        column("lacking", "number"),
        column("unseen", "number"),
    ]


def _counted(
    organisation: Organisation, names: Callable[[str], list[str]]
) -> list[tuple[str, list[int]]]:
    """Count open findings and their accounts, by the names that `names` returns for a control."""
    table = organisation.open[open_rows(organisation.open)]
    table = table[table["control"].isin(list(CONTROLS))]
    table = table.assign(name=table["control"].map(names)).explode("name")
    counted = []
    for name, group in table.groupby("name"):
        numbers: list[int] = []
        for status in (FAIL, NOT_EVIDENCED):
            findings = group[group["status"] == status]
            numbers += [findings["account"].nunique(), int(findings["count"].sum())]
        counted.append((str(name), numbers))
    return counted


def _article(name: str) -> tuple[int, str]:
    """Return a key that sorts articles by number: 5(1)(f) before 32(1)."""
    number = name.partition("(")[0].strip()
    return (int(number) if number.isdigit() else 999, name)
