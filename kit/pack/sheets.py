"""What each sheet of the workbook holds; `kit.pack.workbook` writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.catalogue.frameworks import frameworks as catalogued
from kit.catalogue.texts import text
from kit.controls.registry import Control, section_title
from kit.controls.source import requirements
from kit.judge.findings import gravity, remedies_of, why
from kit.pack.blocks import TableBlock
from kit.pack.by_control import Judged
from kit.pack.document import Document, tables
from kit.report.formats import articles, evidence_ids, responsibility
from kit.report.views import STATUSES, cell_text

_ANNEXES = (
    "requests",
    "follow-up",
    "population",
    "transfers",
    "retention",
    "person",
    "assessments",
    "record",
    "changed",
)  # ids of tables with a sheet of their own
_NAME = 31  # characters of a sheet's name


@dataclass(frozen=True)
class Column:
    """A column: its title, the kind of its cells as in `kit.report.views`, its width in digits."""

    title: str
    kind: str = "text"
    width: float = 16


@dataclass
class Sheet:
    """A sheet of the workbook.

    Attributes
    ----------
    name, about : str
        The second states what its rows are.
    columns : list of Column
    rows : sequence of sequences of cells
    whole : str
        The file that has the whole of a text that does not fit in a cell.
    empty : str
        The sentence in place of rows where there are none.
    notes : list of str
        What had to be left out, listed on the first sheet.
    """

    name: str
    about: str
    columns: list[Column]
    rows: Sequence[Sequence[Any]]
    whole: str
    empty: str = ""
    notes: list[str] = field(default_factory=list)


Promises = Mapping[str, tuple[str, str, str, str]]
"""Owner, management response, due date and result by the id of a finding."""


def sheets(
    made: Document, judged: list[Judged], label_key: str = "", promises: Promises | None = None
) -> list[Sheet]:
    """Return the sheets of a pack: findings, controls, evidence, inventories, waivers."""
    shown = {table["id"]: table for table in tables(made.blocks)}
    inventories = [name for name in shown if name.startswith("inventory-")]
    names = {f"framework-{id}": framework.name for id, framework in catalogued().items()}
    return [
        _findings(judged, label_key, promises or {}),
        _controls(judged),
        _of_table("evidence", shown.get("evidence")),
        *(
            _of_table("framework", shown[id], framework=names[id], caption=shown[id]["caption"])
            for id in names
            if id in shown
        ),
        *(
            _of_table("inventory", shown[name], inventory=name.removeprefix("inventory-"))
            for name in inventories
        ),
        *(_of_table(id, shown[id]) for id in _ANNEXES if id in shown),
        _of_table("waivers", shown.get("waivers"), text("report/waivers/empty")),
    ]


def overview_sheets(made: Document, verdicts: Sequence[Mapping[str, Any]]) -> list[Sheet]:
    """Return the sheets of an organisation's overview: its tables, and the verdict of each control.

    Parameters
    ----------
    made : Document
    verdicts : sequence of mapping
        Account, control, title, severity and status.
    """
    columns = [
        _column("account", "code", 16),
        _column("control", "control", 10),
        _column("title", "text", 60),
        _column("severity", "severity", 12),
        _column("status", "status", 16),
    ]
    rows = [[*row.values()] for row in verdicts]
    return [
        *(_of_overview(table) for table in tables(made.blocks)),
        _sheet("verdicts", columns, rows, "verdicts.csv"),
    ]


def _of_overview(table: TableBlock) -> Sheet:
    columns, rows = _columns(table), table["rows"]
    links = [n for n, column in enumerate(table["columns"]) if column["kind"] == "link"]
    texts = [
        [cell[0] if n in links and isinstance(cell, list) else cell for n, cell in enumerate(row)]
        for row in rows
    ]
    name = _sheet_name(text(f"pack/workbook/overview/{table['id']}"))
    return Sheet(name, table["caption"], columns, texts, "evidence.html", table["empty"])


def _findings(judged: list[Judged], label_key: str, promises: Promises) -> Sheet:
    leaves = [
        (finding, entry)
        for entry in judged
        if isinstance(entry.control, Control)
        for finding in entry.findings
    ]
    leaves.sort(key=lambda leaf: gravity(leaf[0]))
    rows = [
        [
            finding.control,
            entry.control.title,
            finding.status,
            finding.severity,
            finding.region,
            finding.resource,
            finding.observed,
            finding.expected,
            why(finding),
            finding.permission,
            "\n".join(remedy.brief for remedy in entry.remedies(finding)) or None,
            evidence_ids(finding.evidence),
            finding.since,
            *promises.get(finding.id, (None, None, None, None)),
            None,
            finding.id,
            label_key,
        ]
        for finding, entry in leaves
    ]
    columns = [
        _column("control", "code", 9),
        _column("title", "text", 26),
        _column("status", "status", 14),
        _column("severity", "severity", 10),
        _column("region", "code", 16),
        _column("resource", "code", 26),
        _column("observed", "text", 40),
        _column("expected", "text", 32),
        _column("reason", "text", 32),
        _column("permission", "code", 22),
        _column("console", "text", 40),
        _column("evidence", "evidence", 16),
        _column("since", "datetime", 19),
        _column("owner", "notes", 20),
        _column("response", "notes", 36),
        _column("due", "due", 12),
        Column(text("report/follow_up/state"), "text", 20),
        _column("notes", "notes", 36),
        _column("finding_id", "code", 38),
        _column("label_key", "code", 18),
    ]
    return _sheet("findings", columns, rows, "findings.csv")


def _controls(judged: list[Judged]) -> Sheet:
    rows = []
    for entry in judged:
        control = entry.control
        leaf = isinstance(control, Control)
        remedies = remedies_of(control, entry.findings) if isinstance(control, Control) else {}
        sums_up = text("pack/workbook/sums_up", controls=" ".join(entry.findings[0].evidence))
        rows.append(
            [
                control.id,
                control.title,
                section_title(control.section),
                entry.status,
                entry.severity or None,
                entry.beside,
                responsibility(control.responsibility),
                *(
                    [entry.counts.get(status, 0) for status in STATUSES]
                    if leaf
                    else [None] * len(STATUSES)
                ),
                "\n".join(articles(entry.articles)),
                "\n".join(articles(entry.context)),
                control.source,
                "\n".join(f"{own.framework} {own}" for own in requirements(control.id)),
                "\n".join(remedy.brief for remedy in remedies) if leaf else sums_up,
                "\n".join(remedy.script for remedy in remedies if remedy.script) or None,
            ]
        )
    columns = [
        _column("control", "code", 9),
        _column("title", "text", 28),
        _column("section", "text", 18),
        _column("status", "status", 14),
        _column("severity", "severity", 10),
        _column("beside", "text", 22),
        _column("responsibility", "text", 15),
        *(Column(mark.word.capitalize(), "number", 15) for mark in STATUSES.values()),
        _column("gdpr", "text", 44),
        _column("context", "text", 34),
        _column("says", "text", 34),
        Column(text("requirements/others"), "text", 34),
        _column("console", "text", 40),
        _column("cli", "code", 44),
    ]
    return _sheet("controls", columns, rows, "evidence.html")


def _column(name: str, kind: str, width: float) -> Column:
    return Column(text(f"report/columns/{name}"), kind, width)


def _sheet(
    name: str,
    columns: list[Column],
    rows: Sequence[Sequence[Any]],
    whole: str,
    empty: str = "",
    **values: str,
) -> Sheet:
    title = _sheet_name(text(f"pack/workbook/sheets/{name}/name", **values))
    about = text(f"pack/workbook/sheets/{name}/about", **values)
    return Sheet(title, about, columns, rows, whole, empty or text("report/empty"))


def _sheet_name(name: str) -> str:
    """Return a name as sheets may have it: Excel allows 31 characters, and none of these."""
    return " ".join(re.sub(r"[\[\]:*?/\\']", " ", name).split())[:_NAME].strip()


def _of_table(name: str, table: TableBlock | None, empty: str = "", **values: str) -> Sheet:
    """Return the sheet of a table of the document; columns are as wide as their cells."""
    if table is None:
        return _sheet(name, [_column("fact", "text", 44)], [], "", empty, **values)
    rows = table["rows"]
    return _sheet(name, _columns(table), rows, "evidence.html", table["empty"], **values)


def _columns(table: TableBlock) -> list[Column]:
    columns = []
    for place, column in enumerate(table["columns"]):
        cells = [cell_text(column["kind"], row[place]) for row in table["rows"][:500]]
        longest = max((len(cell) for cell in cells), default=0)
        most = 70 if column["kind"] == "code" else 44  # a SHA-256 takes one line
        width = min(max(longest * 1.05 + 2, len(column["title"]) + 4, 8), most)
        columns.append(Column(column["title"], column["kind"], width))
    return columns
