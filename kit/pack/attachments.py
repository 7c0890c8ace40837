"""Files that travel inside the PDF: what its pages count, cite or leave to a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from kit.catalogue.texts import text
from kit.pack.document import Document
from kit.pack.tabular import csv_file
from kit.report.formats import ids


class Attachment(NamedTuple):
    """A file embedded in the PDF, as PDF/A-3 wants it described.

    `relationship` is what the file is to the pages (AFRelationship): the data that they show, or
    a supplement to them.
    """

    name: str
    content: bytes
    mime: str
    description: str
    relationship: Literal["data", "supplement"]


def attachments(
    manifest: Mapping[str, Any], evidence: Document, findings: bytes
) -> Iterator[Attachment]:
    """Yield the findings, the evidence index and the snapshot's manifest as files.

    Parameters
    ----------
    manifest : mapping
        The header of the snapshot, as the notebook gave it for machines.
    evidence : Document
    findings : bytes
        As `kit.pack.tabular.findings_csv` returns them.
    """
    yield Attachment(
        "findings.csv",
        findings,
        "text/csv",
        text("pack/attachments/findings"),
        "data",
    )
    yield Attachment(
        "evidence.csv",
        _evidence_csv(evidence),
        "text/csv",
        text("pack/attachments/evidence"),
        "data",
    )
    yield Attachment(
        "snapshot.json",
        json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n",
        "application/json",
        text("pack/attachments/snapshot"),
        "supplement",
    )


def _evidence_csv(evidence: Document) -> bytes:
    table = evidence.table("evidence")
    columns = table["columns"] if table else []
    lists = {column["name"] for column in columns if column["kind"] in ("evidence", "control")}
    rows = (
        {name: " ".join(ids(cell)) if name in lists else cell for name, cell in row.items()}
        for row in evidence.cells("evidence")
    )
    return csv_file(rows, [column["name"] for column in columns] or ["id"])
