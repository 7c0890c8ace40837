"""What the document holds in full: inventories, findings, evidence index, data for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.catalogue.texts import has, text
from kit.judge.evaluator import shown
from kit.judge.findings import Findings
from kit.report.accepted import unused_waivers
from kit.report.blocks import FINDINGS_FILE, beside, cited, reasons_and_observed
from kit.report.collected import answered
from kit.report.columnar import Columnar
from kit.report.formats import evidence_ids, joined
from kit.report.records import Facts, record_of
from kit.report.result import gravest_fail
from kit.report.views import Column, Data, Table, column, first_of
from kit.snapshot import Snapshot
from kit.tables.core import Table as Built
from kit.tables.logging import NOT_ASKED

_PDF_INVENTORY, _PDF_REQUESTS = 20, 300  # rows that the PDF lists


def inventory(tables: Mapping[str, Built], which: str, columns: Iterable[str] = ()) -> Table:
    """Return a table as the kit made it from the snapshot; it marks cells that were not seen."""
    table = tables[which]
    specs = table.spec.columns
    chosen = list(columns) or list(specs)
    rows: list[list[Any]] = [
        [
            values["region"],
            values["resource"],
            *(
                _cell(values[name], table.gap_at.get((row, name)), specs[name].quoted)
                for name in chosen
            ),
        ]
        for row, values in table.rows.items()
    ]
    noun, own = table.spec.noun, f"report/inventory/{which}"
    columns_ = [
        column("region", "code"),
        Column("resource", noun.capitalize(), "code"),
        *(Column(name, table.spec.title(name)) for name in chosen),
    ]
    if which == "regions":  # the resource is the region
        columns_, rows = columns_[1:], [row[1:] for row in rows]
    return Table(
        f"inventory-{which}",
        text("report/inventory/caption", noun=text(own) if has(own) else noun),
        columns_,
        rows,
        **first_of(rows, _PDF_INVENTORY),
        empty=text("report/inventory/empty", noun=noun),
    )


def _cell(value: Any, gap: Any, quoted: bool) -> Any:
    """Return a cell as text; a count stays a number, for workbooks and for sorting."""
    if gap:
        return text("report/not_requested" if gap.reason == NOT_ASKED else "report/not_seen")
    return value if type(value) is int else shown(value, quoted=quoted)


def all_findings(findings: Findings) -> Table:
    """Return every finding; the PDF names the file instead, for its blocks list what is open."""
    chosen = [*findings.leaves, *findings.roll_ups]
    rows: list[list[Any]] = [
        [
            finding.control,
            finding.region,
            finding.resource,
            finding.severity or None,
            finding.status,
            reasons_and_observed(finding),
            evidence_ids(finding.evidence),
        ]
        for finding in chosen
    ]
    return Table(
        "findings",
        joined(text("report/findings/caption"), beside(findings)),
        [
            column("control", "control"),
            column("region", "code"),
            column("resource", "code"),
            column("severity", "severity"),
            column("status", "status"),
            column("observed"),
            column("evidence", "evidence"),
        ],
        rows,
        listed=[],
        cut=text("report/findings/cut", count=len(findings.leaves), file=FINDINGS_FILE),
    )


def evidence_index(findings: Findings, snapshot: Snapshot) -> Table:
    """Return every request: operation, region, time, answer, and the commitment to that answer."""
    rows: list[list[Any]] = [
        [
            request.id,
            request.call,
            request.region,
            request.started,
            request.attempts,
            answered(request),
            request.request_id or "",
            request.commitment,
        ]
        for request in snapshot.evidence
    ]
    wanted = cited(findings)
    noted = [
        n
        for n, request in enumerate(snapshot.evidence)
        if request.id in wanted or (request.error and not request.absent)
    ]
    first = sorted(noted, key=lambda n: snapshot.evidence[n].id not in wanted)[:_PDF_REQUESTS]
    left = len(noted) - len(first)
    cut = text("report/evidence/cut", count=len(first), requests=len(rows))
    return Table(
        "evidence",
        text("report/evidence/caption"),
        [
            column("id", "code"),
            column("call", "code"),
            column("region", "code"),
            column("time", "datetime"),
            column("attempts", "number", 0),
            column("answer"),
            column("request_id", "code", 0),
            column("commitment", "code", 12),
        ],
        rows,
        listed=sorted(first),
        cut=joined(
            cut,
            text("report/evidence/cut_cited", count=left) if left else "",
            text("report/evidence/whole", file="evidence.csv"),
        ),
        anchor="id",
    )


def data(findings: Findings, snapshot: Snapshot) -> Data:
    """Return the findings for machines, from which the kit writes the pack's files."""
    facts = Facts(
        account=snapshot.account,
        as_of=snapshot.as_of.isoformat(),
        ended=snapshot.ended,
        stamp=snapshot.stamp,
        kit=snapshot.header["kit"],
        botocore=snapshot.header["botocore"],
        snapshot=snapshot.digest,
        digest=findings.digest,
        label_key=snapshot.header["pseudonym_key"],
        exit_code=findings.exit_code,
        data_role=findings.data_role,
        unused_waivers="\n".join(unused_waivers(findings, snapshot)),
        gravest_fail=gravest_fail(findings),
    )
    every = (*findings.leaves, *findings.roll_ups)
    return Data("findings", Columnar.of(map(record_of, every)), {**facts})


def manifest(snapshot: Snapshot) -> Data:
    """Return the header of the snapshot, for machines.

    Parameters, waivers, follow-up and earlier verdicts are left out: names of persons and resources
    stand in them.
    """
    header = {
        name: value
        for name, value in snapshot.header.items()
        if name not in ("parameters", "waivers", "follow_up", "previous")
    }
    return Data("snapshot", [], {**header, "sha256": snapshot.digest})
