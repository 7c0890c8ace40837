"""The table beside the map of personal data: each box leads to its evidence."""

from __future__ import annotations

from typing import Any

from kit.catalogue.texts import text
from kit.judge.findings import Findings
from kit.report.flows import boxes, region_name
from kit.report.views import Table, column, first_of_each
from kit.tables import Tables

PDF_BOX = 3  # rows of each box that the PDF lists


def flows(findings: Findings, tables: Tables) -> Table:
    """Return each resource of the map, by the number of its box, with verdict and evidence."""
    map_boxes = boxes(findings, tables)
    rows: list[list[Any]] = [
        [
            *(box.number, region_name(box.region), box.ends.sentence),
            *(flow.name, flow.observed or None, flow.status),
            *(list(flow.controls), list(flow.evidence)),
        ]
        for box in map_boxes
        for flow in box.flows
    ]
    listed = first_of_each([row[0] for row in rows], PDF_BOX)
    left = len(rows) - len(listed)
    cut = text("report/flows/cut", count=left, rows=len(rows), listed=PDF_BOX)
    return Table(
        "flows",
        text("report/flows/caption"),
        [
            column("box", "number"),
            column("region", "code"),
            column("ends"),
            column("resource", "code"),
            column("observed"),
            column("status", "status"),
            column("open_controls", "control", 3),
            column("evidence", "evidence", 3),
        ],
        rows,
        listed=listed if left else None,
        cut=cut if left else None,
        empty=text("report/flows/empty"),
    )
