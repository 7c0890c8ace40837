"""The table of what the map of personal data shows: each box can be followed to its evidence."""

from __future__ import annotations

from typing import Any

from kit.judge.findings import Findings
from kit.report.flows import SIDES, boxes
from kit.report.views import Column, Table
from kit.tables import Tables

PDF_BOX, BRIEF = 3, 120  # rows of each box that the PDF lists, characters of their texts


def flows(findings: Findings, tables: Tables) -> Table:
    """Each resource of the map, by the number of its box, with its verdict and its evidence."""
    found = boxes(findings, tables)
    rows: list[list[Any]] = [
        [
            *(box.number, box.region, f"{SIDES[box.ends.side]}: {box.ends.what}"),
            *(flow.name, flow.told or None, flow.status),
            *(list(flow.controls), list(flow.evidence)),
        ]
        for box in found
        for flow in box.flows
    ]
    firsts = [n < PDF_BOX for box in found for n in range(len(box.flows))]
    listed = [place for place, first in enumerate(firsts) if first]
    cut = (
        f"{len(rows) - len(listed)} of {len(rows)} rows are left out here, where each box has its "
        f"{PDF_BOX} worst; all are in the HTML."
    )
    whole = len(listed) == len(rows)
    return Table(
        "flows",
        "What the map shows, the worst of each box first",
        [
            Column("box", "Box", "number"),
            Column("region", "Region", "code"),
            Column("ends", "Personal data"),
            Column("resource", "Resource", "code"),
            Column("told", "What was seen", brief=BRIEF),
            Column("status", "Verdict", "status"),
            Column("controls", "Open controls", "control", brief=3),
            Column("evidence", "Evidence", "evidence", brief=3),
        ],
        rows,
        listed=None if whole else listed,
        cut=None if whole else cut,
        empty="No place and no way of personal data was seen.",
    )
