"""``data/evidence/``: every request, its redacted answer, a commitment to the raw answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic_core import to_json

from kit.pack.tabular import csv_file
from kit.redact.labels import Labels
from kit.redact.redactor import Redactor
from kit.snapshot import Request, Snapshot

INDEX = "evidence/index.csv"
COLUMNS = (
    "id",
    "call",
    "region",
    "started",
    "ended",
    "attempts",
    "status",
    "error",
    "request_id",
    "endpoint",
    "commitment",
    "file",
)

_NOT_IN_RECORD = {"call", "response", "sha256", "nonce"}
_IN_RECORD = [part.name for part in fields(Request) if part.name not in _NOT_IN_RECORD]
MEMBERS = (*_IN_RECORD, "commitment", "redacted", "response")


def evidence_files(snapshot: Snapshot, labels: Labels) -> Iterator[tuple[str, bytes]]:
    """Yield the name below ``data/`` and the content of each file of evidence.

    Parameters
    ----------
    snapshot : Snapshot
    labels : Labels
        Those of its tables: a thing has the same label in a table and in the evidence.

    Yields
    ------
    str, bytes
        The index, then a file for each request. A reference such as ``E0012#/Fleets/3`` is an
        evidence id and a JSON pointer (RFC 6901) into the file's ``response``.
    """
    commitments = [request.commitment for request in snapshot.evidence]
    lines = (
        {"call": request.call, **index_line(_provenance(request, commitment))}
        for request, commitment in zip(snapshot.evidence, commitments, strict=True)
    )
    yield INDEX, csv_file(lines, COLUMNS)
    redact = Redactor(snapshot, labels) if snapshot.run.pseudonymise else None
    for request, commitment in zip(snapshot.evidence, commitments, strict=True):
        shown = redact(request) if redact else request
        record = {
            **_provenance(shown, commitment),
            "redacted": redact is not None,
            "response": shown.response,
        }
        # The standard library's encoder is in C for compact JSON alone.
        yield f"evidence/{_file(request.id)}", to_json(record, indent=1) + b"\n"


def index_line(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the index states of a record, without its call.

    Parameters
    ----------
    record : mapping
        The members of a file of evidence.
    """
    stated = {name: record[name] for name in COLUMNS if name in record}
    error = record["error"]["code"] if record["error"] else ""
    return stated | {"error": error, "file": _file(record["id"])}


def _provenance(request: Request, commitment: str) -> dict[str, Any]:
    return {name: getattr(request, name) for name in _IN_RECORD} | {"commitment": commitment}


def _file(id: str) -> str:
    return f"{id}.json"
