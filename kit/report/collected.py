"""How the evidence was collected: by whom, when, with how many requests, with which answers."""

from __future__ import annotations

import hashlib
from typing import Any

from kit.access.actions import LIST_FILES, READ_FILES
from kit.calls import CALLS, GET_ACCOUNT_AUTHORIZATION_DETAILS, GET_CALLER_IDENTITY
from kit.canonical import canonical_json
from kit.catalogue.texts import text
from kit.collect.policy import policy
from kit.judge.evaluator import shown
from kit.redact.redactor import Redactor
from kit.report.cover import session
from kit.report.views import Note, Table, column
from kit.snapshot import Request, Snapshot
from kit.tables import Tables


def answered(request: Request) -> str:
    """Return a request's answer: the HTTP status, the error's code, or that the thing is absent.

    Where the code alone does not state the absence, the part of AWS's message that does follows.
    """
    if not request.error:
        return str(request.status)
    code: str = request.error["code"]
    if not request.absent:
        return code
    message = CALLS[request.call].absent[code]
    which = "absent_because" if message else "absent"
    return text(f"report/evidence/{which}", code=code, message=message)


# Beginnings of actions that read. GenerateCredentialReport makes a report of IAM's, and no change.
_READING = ("Describe", "Get", "List", "Lookup")
# What a pack shows nowhere: names of roles and users, and places of the analyst's machine. People
# whom the run names for the pack, such as its reviewer, stand in the pack as they are given.
KEPT = {
    "administrators",
    "aws_profile",
    "external_id",
    "follow_up",
    "organisation_snapshot",
    "outputs",
    "previous",
    "pseudonym_key",
    "role_arn",
    "session_tags",
    "waivers",
}


def given(snapshot: Snapshot) -> Table | Note:
    """Return each parameter that somebody gave, its value, and where they wrote it."""
    sources = snapshot.header.get("parameter_sources")
    if sources is None:
        return Note(text("report/parameters/not_recorded"))
    run = snapshot.run
    rows: list[list[Any]] = [
        [
            name,
            text("report/parameters/kept") if name in KEPT else shown(getattr(run, name)),
            source,
        ]
        for name, source in sorted(sources.items())
    ]
    return Table(
        "parameters",
        text("report/parameters/caption"),
        [column("parameter", "code"), column("value"), column("source")],
        rows,
    )


def collected(tables: Tables) -> Table:
    """Return principal, credentials, times, interfaces and numbers of requests of the collection.

    Parameters
    ----------
    tables : Tables
        The principal is shown as the pack's evidence shows it.
    """
    snapshot = tables.snapshot
    requests, run = snapshot.requests, snapshot.run
    errors = [request for request in requests if request.error and not request.absent]
    versions = snapshot.header.get("api_versions", {})
    unknown = text("report/collected/not_recorded")
    regions = sorted({request.region for request in requests})
    identity = [request for request in requests if request.call == GET_CALLER_IDENTITY.name]
    facts: list[tuple[str, Any]] = [
        ("principal", _principal(tables, identity)),
        *_made_with(snapshot, unknown),
        *_allowed(snapshot, unknown),
        ("credentials", _credentials(run)),
        ("session", session(snapshot) or unknown),
        ("rights", _rights(tables)),
        *_packed(snapshot),
        ("regions", ", ".join(regions)),
        ("first", min(request.started for request in requests)),
        ("last", max(request.ended for request in requests)),
        (
            "interfaces",
            ", ".join(f"{name} {version}" for name, version in versions.items()) or unknown,
        ),
        ("requests", len(requests)),
        ("retries", sum(max(request.attempts - 1, 0) for request in requests)),
        ("throttles", snapshot.header.get("throttles", unknown)),
        ("absent", sum(request.absent for request in requests)),
        ("errors", len(errors)),
    ]
    return Table(
        "collected",
        text("report/collected/caption"),
        [column("fact"), column("recorded")],
        [[text(f"report/collected/facts/{fact}"), str(value)] for fact, value in facts],
    )


def _made_with(snapshot: Snapshot, unknown: str) -> list[tuple[str, str]]:
    """Return the version, the commit and the lock of the kit that collected, and Python's version."""
    maker = snapshot.header.get("maker", {})
    named = [(name, maker.get(name, unknown)) for name in ("commit", "lock", "python")]
    return [("kit", snapshot.header["kit"]), *named]


def _allowed(snapshot: Snapshot, unknown: str) -> list[tuple[str, str]]:
    """Return the digest of the derived IAM policy, what it allows, and what it leaves out."""
    names = snapshot.header.get("calls")
    if names is None:
        return [("policy", unknown)]
    document = policy((CALLS[name] for name in names), snapshot.header["partition"])
    actions = {action for statement in document["Statement"] for action in statement["Action"]}
    others = sorted(one for one in actions if not one.partition(":")[2].startswith(_READING))
    return [
        ("policy", hashlib.sha256(canonical_json(document)).hexdigest()),
        ("actions", text("report/collected/actions", count=len(actions))),
        ("others", ", ".join(others) or text("report/none")),
        ("left_out", text("report/collected/left_out")),
    ]


def _principal(tables: Tables, identity: list[Request]) -> str:
    (answer,) = identity
    if tables.snapshot.run.pseudonymise:
        answer = Redactor(tables.snapshot, tables.labels)(answer)
    arn = answer.response.get("Arn") or text("report/not_seen")
    return text("report/collected/principal", arn=arn, evidence=answer.id)


def _rights(tables: Tables) -> str:
    """Return whether the credentials could change anything, by what limits them or by IAM's answer.

    Of a principal without a session policy the tables of ID-05 and ID-08 have the rights.
    """
    snapshot = tables.snapshot
    if snapshot.header.get("session"):
        return text("report/collected/rights/limited")
    arn = str(snapshot.answer(GET_CALLER_IDENTITY).value("Arn") or "")
    if arn.endswith(":root"):
        return text("report/collected/rights/root")
    kind, name = ("user", arn.rpartition("/")[2]) if ":user/" in arn else ("role", "")
    if ":assumed-role/" in arn:
        name = arn.split("/")[1]
    details, word = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS), kind.capitalize()
    listed = [
        item
        for item, _ in details.items(f"{word}DetailList")
        if item.get(f"{word}Name") == name and item.get("Arn")
    ]
    if len(listed) != 1:
        return text("report/collected/rights/unseen")
    label = tables.labels.label(kind, listed[0]["Arn"], name)
    held, unseen = [], False
    for table in (tables["grants"], tables["url_grants"]):
        unseen |= any(not each.complete for each in table.covered)
        for row, values in table.rows.items():
            right = values["capability"]
            if values["resource"] != f"{label}: {right}" or right in (READ_FILES, LIST_FILES):
                continue
            unseen |= (row, "open") in table.gap_at
            if values["open"]:
                held.append(shown(right))
            elif values["narrowed"]:
                held.append(text("report/collected/rights/narrowed", right=shown(right)))
    if held:
        return text("report/collected/rights/held", rights=", ".join(held))
    return text(f"report/collected/rights/{'unseen' if unseen else 'none'}")


def _packed(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return the packed size of the session policies, where AWS stated it."""
    percent = (snapshot.header.get("session") or {}).get("packed_percent")
    if percent is None:
        return []
    return [("packed", text("report/collected/packed", percent=percent))]


def _credentials(run: Any) -> str:
    if run.role_arn:
        kind = "role_with_id" if run.external_id else "role"
    else:
        kind = "profile" if run.aws_profile else "shell"
    return text(f"report/collected/credentials/{kind}")
