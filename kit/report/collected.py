"""How the evidence was collected: by whom, when, with how many requests, and what was answered."""

from __future__ import annotations

import re
from typing import Any

from kit.calls import CALLS, GET_CALLER_IDENTITY
from kit.judge.evaluator import shown
from kit.redact.redactor import Redactor
from kit.report.views import Column, Note, Table
from kit.snapshot import Request, Snapshot
from kit.tables import Tables


def answered(request: Request) -> str:
    """What came of a request: the HTTP status, the error's code, or that there is none of it."""
    if not request.error:
        return str(request.status)
    code = request.error["code"]
    if not request.absent:
        return code
    call = CALLS[request.call]
    return f"absent: {call.absent[code] or _none_of(call.operation)} ({code})"


# What a pack must not show: names of people and places of the analyst's machine.
_KEPT = {
    "administrators",
    "aws_profile",
    "contact",
    "customer_number_patterns",
    "declared_reasons",
    "external_id",
    "organisation_snapshot",
    "outputs",
    "pseudonym_key",
    "reviewer",
    "role_arn",
    "session_tags",
    "waivers",
}


def given(snapshot: Snapshot) -> Table | Note:
    """Each parameter that somebody gave, its value, and where it was written."""
    sources = snapshot.header.get("parameter_sources")
    if sources is None:
        return Note("Where the parameters were written was not recorded with this snapshot.")
    run = snapshot.run
    rows: list[list[Any]] = [
        [
            name,
            "given; the value stays with the analyst"
            if name in _KEPT
            else shown(getattr(run, name)),
            source,
        ]
        for name, source in sorted(sources.items())
    ]
    return Table(
        "parameters",
        "Parameters that somebody gave; all others have their default",
        [
            Column("name", "Parameter", "code"),
            Column("value", "Value"),
            Column("source", "Written in"),
        ],
        rows,
    )


def _none_of(operation: str) -> str:
    """``GetBucketPolicy`` as "no bucket policy"."""
    words = re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", operation)[1:]
    return f"no {' '.join(words).lower()}"


def collected(tables: Tables) -> Table:
    """Who asked, from where, when, which interfaces, and how many requests it took.

    Parameters
    ----------
    tables : Tables
        The principal is shown as the pack's evidence shows it.
    """
    snapshot = tables.snapshot
    requests, run = snapshot.requests, snapshot.run
    errors = [request for request in requests if request.error and not request.absent]
    versions = snapshot.header.get("api_versions", {})
    asked_in = sorted({request.region for request in requests})
    identity = [request for request in requests if request.call == GET_CALLER_IDENTITY.name]
    facts: list[tuple[str, Any]] = [
        ("Principal", _principal(tables, identity)),
        ("Credentials", _credentials(run)),
        ("Regions asked", ", ".join(asked_in)),
        ("First request", min(request.started for request in requests)),
        ("Last answer", max(request.ended for request in requests)),
        (
            "Interfaces, by version",
            ", ".join(f"{name} {told}" for name, told in versions.items()) or "not recorded",
        ),
        ("Requests", len(requests)),
        ("Asked again", sum(max(request.attempts - 1, 0) for request in requests)),
        ('Answers that said "too often"', snapshot.header.get("throttles", "not recorded")),
        ("Answers that say that there is none", sum(request.absent for request in requests)),
        ("Answered with an error", len(errors)),
    ]
    return Table(
        "collected",
        "How the evidence was collected",
        [Column("what", "What"), Column("told", "As recorded")],
        [[what, str(told)] for what, told in facts],
    )


def _principal(tables: Tables, identity: list[Request]) -> str:
    (answer,) = identity
    if tables.snapshot.run.pseudonymise:
        answer = Redactor(tables.snapshot, tables.labels)(answer)
    return f"{answer.response.get('Arn') or 'not told by AWS'}, as {answer.id} has it"


def _credentials(run: Any) -> str:
    if run.role_arn:
        told = "a role that the collector assumed (role_arn)"
        return told + (", with an external id" if run.external_id else "")
    if run.aws_profile:
        return "a profile of the AWS configuration (aws_profile)"
    return "those of the shell: neither role_arn nor aws_profile was given"
