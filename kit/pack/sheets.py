"""What each sheet of the workbook holds; `kit.pack.workbook` writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.catalogue.frameworks import others
from kit.catalogue.texts import text
from kit.controls.registry import SECTIONS, Control
from kit.controls.source import requirements
from kit.judge.findings import why
from kit.pack.by_control import Judged, evidence_ids
from kit.pack.document import Document, tables
from kit.report.views import JSON, STATUSES, cell_text


@dataclass(frozen=True)
class Column:
    """A column: its title, the kind of its cells as in `kit.report.views`, its width in digits."""

    title: str
    kind: str = "text"
    width: float = 16


@dataclass
class Sheet:
    """One sheet.

    Attributes
    ----------
    name, about : str
        The second says what its rows are.
    columns : list of Column
    rows : sequence of sequences of cells
    whole : str
        The file in which a text that does not fit in a cell stands whole.
    empty : str
        What is said where there are no rows.
    notes : list of str
        What had to be left out, told on the first sheet.
    """

    name: str
    about: str
    columns: list[Column]
    rows: Sequence[Sequence[Any]]
    whole: str
    empty: str = "None."
    notes: list[str] = field(default_factory=list)


def sheets(made: Document, judged: list[Judged]) -> list[Sheet]:
    """Return the sheets of a pack: findings, controls, evidence, inventories, waivers."""
    shown = {table["id"]: table for table in tables(made.blocks)}
    inventories = [name for name in shown if name.startswith("inventory-")]
    names = {f"framework-{id}": framework.name for id, framework in others().items()}
    return [
        _findings(judged),
        _controls(judged),
        _of_table(
            "Evidence index",
            "Every request and the commitment to its answer",
            shown.get("evidence"),
        ),
        *(
            _of_table(_sheet_name(names[id]), shown[id]["caption"], shown[id])
            for id in names
            if id in shown
        ),
        *(
            _of_table(
                f"Inventory {name.removeprefix('inventory-')}", shown[name]["caption"], shown[name]
            )
            for name in inventories
        ),
        _of_table(
            "Waivers",
            "Fails that somebody accepts until a day",
            shown.get("waivers"),
            "No waivers were given.",
        ),
    ]


def _findings(judged: list[Judged]) -> Sheet:
    rows = [
        [
            record["control"],
            one.control.title,
            record["status"],
            record["severity"],
            record["region"],
            record["resource"],
            record["observed"],
            record["expected"],
            why(record),
            record["permission"],
            evidence_ids(record),
            None,
        ]
        for one in judged
        if isinstance(one.control, Control)
        for record in one.records
    ]
    columns = [
        Column("Control", "code", 9),
        Column("What it asserts", "text", 26),
        Column("Verdict", "status", 14),
        Column("Severity", "severity", 10),
        Column("Region", "code", 16),
        Column("Resource", "code", 26),
        Column("Observed", "text", 40),
        Column("Expected", "text", 32),
        Column("Why", "text", 32),
        Column("Permission to grant", "code", 22),
        Column("Evidence", "evidence", 16),
        Column("Auditor's notes", "notes", 36),
    ]
    about = "Every finding; write what you think of it in the last column"
    return Sheet("Findings", about, columns, rows, "findings.csv")


def _controls(judged: list[Judged]) -> Sheet:
    rows = []
    for one in judged:
        control = one.control
        leaf = isinstance(control, Control)
        remedy = control.remedy if isinstance(control, Control) else None
        rows.append(
            [
                control.id,
                control.title,
                SECTIONS[control.section],
                one.status,
                one.severity or None,
                one.beside,
                control.responsibility,
                *([one.counts.get(status, 0) for status in STATUSES] if leaf else [None] * 6),
                "\n".join(f"Art. {article}: {reason}" for article, reason in one.articles.items()),
                "\n".join(f"Art. {article}: {reason}" for article, reason in one.context.items()),
                control.source,
                "\n".join(f"{own.framework} {own}" for own in requirements(control.id)),
                remedy.console if remedy else f"Sums up {one.records[0]['evidence']}",
                remedy.cli if remedy else None,
            ]
        )
    columns = [
        Column("Control", "code", 9),
        Column("What it asserts", "text", 28),
        Column("Section", "text", 18),
        Column("Verdict", "status", 14),
        Column("Severity", "severity", 10),
        Column("Beside the verdict", "text", 22),
        Column("Who answers", "text", 15),
        *(Column(status.capitalize(), "number", 15) for status in STATUSES),
        Column("Why: articles of the GDPR", "text", 44),
        Column("Related articles, not tested", "text", 34),
        Column("AWS's page", "text", 34),
        Column(text("requirements/others"), "text", 34),
        Column("How to mend it: console", "text", 40),
        Column("How to mend it: AWS CLI", "code", 44),
    ]
    about = "Every control with its worst verdict and the number of findings of each"
    return Sheet("Controls", about, columns, rows, "evidence.html")


def _sheet_name(name: str) -> str:
    """A name as sheets may have it: Excel allows none of these characters, and 31 at most."""
    return " ".join(re.sub(r"[\[\]:*?/\\']", " ", name).split())


def _of_table(name: str, about: str, table: JSON | None, empty: str = "None.") -> Sheet:
    """A sheet of a table as the document has it; columns as wide as what stands in them."""
    if table is None:
        return Sheet(name, about, [Column(name, width=44)], [], "", empty)
    columns = []
    for place, column in enumerate(table["columns"]):
        texts = [cell_text(column["kind"], row[place]) for row in table["rows"][:500]]
        longest = max((len(text) for text in texts), default=0)
        most = 70 if column["kind"] == "code" else 44  # a SHA-256 takes one line
        width = min(max(longest * 1.05 + 2, len(column["title"]) + 4, 8), most)
        columns.append(Column(column["title"], column["kind"], width))
    return Sheet(name[:31].strip(), about, columns, table["rows"], "evidence.html", table["empty"])
