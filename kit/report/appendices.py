"""What the document holds in full: inventories, findings, the evidence index, and for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.judge.evaluator import shown
from kit.judge.findings import Findings
from kit.report.accepted import unused_waivers
from kit.report.blocks import BRIEF, IN_CSV, beside, cited, told
from kit.report.collected import answered
from kit.report.formats import evidence_ids
from kit.report.views import Column, Data, Table, first_of
from kit.snapshot import Snapshot
from kit.tables import Tables
from kit.tables.logging import NOT_ASKED

_PDF_INVENTORY, _PDF_REQUESTS = 20, 300  # rows that the PDF lists


def inventory(tables: Tables, name: str, columns: Iterable[str] = ()) -> Table:
    """A table as it was made from the snapshot; cells that could not be seen say so."""
    table = tables[name]
    chosen = list(columns) or list(table.spec.columns)
    rows: list[list[Any]] = [
        [
            values.region,
            values.resource,
            *(_cell(getattr(values, column), table.gap_at.get((row, column))) for column in chosen),
        ]
        for row, values in zip(table.frame.index, table.frame.itertuples(index=False), strict=True)
    ]
    columns_ = [
        Column("region", "Region", "code"),
        Column("resource", table.spec.noun.capitalize(), "code"),
        *(Column(column, table.spec.title(column), brief=BRIEF) for column in chosen),
    ]
    if table.spec.name == "regions":  # the resource is the region
        columns_, rows = columns_[1:], [row[1:] for row in rows]
    return Table(
        f"inventory-{name}",
        f"Inventory: every {table.spec.noun} that the controls look at",
        columns_,
        rows,
        **first_of(rows, _PDF_INVENTORY),
        empty=f"No {table.spec.noun} was seen.",
    )


def _cell(value: Any, gap: Any) -> Any:
    """A count stays a number, for workbooks and for sorting."""
    if gap:
        return NOT_ASKED if gap.reason == NOT_ASKED else "not seen"
    return value if type(value) is int else shown(value)


def all_findings(findings: Findings) -> Table:
    """Every finding; the PDF names the file that has them, for the blocks list what is open."""
    chosen = [*findings.leaves, *findings.roll_ups]
    rows: list[list[Any]] = [
        [
            finding.control,
            finding.region,
            finding.resource,
            finding.severity or None,
            finding.status,
            told(finding),
            evidence_ids(finding.evidence),
        ]
        for finding in chosen
    ]
    return Table(
        "findings",
        f"Findings{beside(findings)}",
        [
            Column("control", "Control", "control"),
            Column("region", "Region", "code"),
            Column("resource", "Resource", "code"),
            Column("severity", "Severity", "severity"),
            Column("status", "Verdict", "status"),
            Column("why", "Why, and what was observed"),
            Column("evidence", "Evidence", "evidence"),
        ],
        rows,
        listed=[],
        cut=(
            f"All {len(findings.leaves)} stand in the HTML, the workbook, and {IN_CSV}; the HTML "
            "has the roll-ups too."
        ),
    )


def evidence_index(findings: Findings, snapshot: Snapshot) -> Table:
    """Every request: which service was asked what, where, when, and what commits to its answer."""
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
        for n, one in enumerate(snapshot.evidence)
        if one.id in wanted or (one.error and not one.absent)
    ]
    first = sorted(noted, key=lambda n: snapshot.evidence[n].id not in wanted)[:_PDF_REQUESTS]
    left = f", but for {len(noted) - len(first)} of these" if len(noted) > len(first) else ""
    return Table(
        "evidence",
        "Evidence: requests, and commitments to the answers as stored",
        [
            Column("id", "Id", "code"),
            Column("call", "Call", "code"),
            Column("region", "Region", "code"),
            Column("time", "Time", "datetime"),
            Column("attempts", "Attempts", "number", brief=0),
            Column("answer", "Answer"),
            Column("request_id", "AWS request id", "code", brief=0),
            Column("commitment", "Commitment (SHA-256)", "code", brief=12),
        ],
        rows,
        listed=sorted(first),
        cut=(
            f"Listed are {len(first)} of {len(rows)} requests: those that findings listed above "
            f"cite first, and those answered with an error{left}. All of them, with AWS's request ids, "
            "attempts and whole commitments, stand in the HTML and in evidence.csv, attached to this "
            "file."
        ),
        anchor="id",
    )


def data(findings: Findings, snapshot: Snapshot) -> Data:
    """The findings for machines: what the pack's files are written from."""
    frame = findings.frame
    frame["evidence"] = [" ".join(refs) for refs in frame["evidence"]]
    records = frame.to_dict("records")
    as_of = snapshot.as_of.isoformat()
    return Data(
        name="findings",
        records=[{str(key): value for key, value in record.items()} for record in records],
        facts={
            "account": snapshot.account,
            "as_of": as_of,
            "ended": snapshot.ended,
            "stamp": snapshot.stamp,
            "kit": snapshot.header["kit"],
            "botocore": snapshot.header["botocore"],
            "snapshot": snapshot.digest,
            "digest": findings.digest,
            "exit_code": findings.exit_code,
            "data_role": findings.data_role,
            "unused_waivers": "\n".join(unused_waivers(findings, snapshot)),
        },
    )


def manifest(snapshot: Snapshot) -> Data:
    """What the snapshot's header says of itself, for machines.

    Parameters and waivers are left out: names of persons and resources stand in them.
    """
    header = {
        name: value
        for name, value in snapshot.header.items()
        if name not in ("parameters", "waivers")
    }
    return Data("snapshot", [], {**header, "sha256": snapshot.digest})
