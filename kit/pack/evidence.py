"""``data/evidence/``: every request, its redacted answer, a commitment to the raw answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from pydantic_core import to_json

from kit.pack.tabular import csv_file
from kit.redact.labels import Labels
from kit.redact.redactor import Redactor
from kit.snapshot import Request, Snapshot

INDEX = "evidence/index.csv"
_COLUMNS = (
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
    yield INDEX, csv_file(map(_line, snapshot.evidence, commitments), _COLUMNS)
    redact = Redactor(snapshot, labels) if snapshot.run.pseudonymise else None
    for request, commitment in zip(snapshot.evidence, commitments, strict=True):
        shown = redact(request) if redact else request
        yield _file(request), _record(shown, commitment, redacted=redact is not None)


def _record(request: Request, commitment: str, *, redacted: bool) -> bytes:
    provenance = {name: getattr(request, name) for name in _IN_RECORD}
    record = {**provenance, "commitment": commitment, "redacted": redacted}
    # The standard library's encoder is in C for compact JSON alone.
    return to_json(record | {"response": request.response}, indent=1) + b"\n"


def _line(request: Request, commitment: str) -> dict[str, Any]:
    return {
        "id": request.id,
        "call": request.call,
        "region": request.region,
        "started": request.started,
        "ended": request.ended,
        "attempts": request.attempts,
        "status": request.status,
        "error": request.error["code"] if request.error else "",
        "request_id": request.request_id,
        "endpoint": request.endpoint,
        "commitment": commitment,
        "file": _file(request).rpartition("/")[2],
    }


def _file(request: Request) -> str:
    return f"evidence/{request.id}.json"
