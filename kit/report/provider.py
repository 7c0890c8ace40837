"""Evidence from others: AWS's auditors and hosts, CloudTrail, the organisation's administrator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from kit.catalogue.texts import text
from kit.report.formats import evidence_ids, joined
from kit.report.views import Note, Table, column, first_of
from kit.snapshot import Snapshot
from kit.tables import Tables

_PDF_HOSTS = 40  # handshakes that the PDF lists


def tls_of_events(tables: Tables) -> Table:
    """Return the TLS versions of calls of AppStream's API, as far as CloudTrail records them."""
    table = tables["regions"]
    rows: list[list[Any]] = []
    for row, values in table.rows.items():
        if values["in_use"] is False:
            continue
        region, refs = values["region"], evidence_ids(table.refs[row, "events_window"])
        if (row, "events_window") in table.gap_at:
            rows.append([region, None, None, text("report/not_seen"), None, None, None, refs])
            continue
        window = values["events_window"]
        versions = ", ".join(values["tls_versions"]) or text("report/none")
        whole = text(f"report/tls_of_events/{'all' if window['all read'] else 'part'}")
        counts = [values["events_with_tls"], values["events_seen"]]
        span = [window["first event"], window["last event"]]
        rows.append([region, *counts, versions, *span, whole, refs])
    days = tables.snapshot.run.lookback_days
    return Table(
        "tls-of-events",
        text("report/tls_of_events/caption", count=days),
        [
            column("region", "code"),
            column("with_tls", "number"),
            column("events", "number"),
            column("versions"),
            column("from", "datetime"),
            column("to", "datetime"),
            column("population"),
            column("evidence", "evidence"),
        ],
        rows,
        empty=text("report/tls_of_events/empty"),
    )


def handshakes(snapshot: Snapshot) -> Table | Note:
    """Return the TLS version and cipher on which each host of AWS agreed in its own handshake."""
    if not snapshot.handshakes:
        return Note(text("report/handshakes/empty"))
    answers = {True: text("report/handshakes/refused"), False: text("report/handshakes/accepted")}
    rows: list[list[Any]] = [
        [
            handshake.id,
            handshake.host,
            handshake.time,
            handshake.error or f"{handshake.version}, {handshake.cipher}",
            None if handshake.refuses_tls_1_1 is None else answers[handshake.refuses_tls_1_1],
            handshake.subject or None,
            handshake.issuer or None,
            handshake.expires or None,
            handshake.certificate or None,
        ]
        for handshake in snapshot.handshakes
    ]
    return Table(
        "handshakes",
        text("report/handshakes/caption"),
        [
            column("id", "code"),
            column("host", "code"),
            column("time", "datetime"),
            column("agreed"),
            column("tls_1_1"),
            column("subject"),
            column("issuer"),
            column("expires", "datetime"),
            column("sha256", "code"),
        ],
        rows,
        **first_of(rows, _PDF_HOSTS),
        anchor="id",
    )


def attestations(tables: Tables) -> Table | Note:
    """Return the reports of AWS's auditors, by framework of the profile, and who read them."""
    table = tables["provider"]
    if table.gap_at:
        return Note(text("report/attestations/not_seen"), "warning")
    rows: list[list[Any]] = []
    undeclared = text("report/cover/not_declared")
    readings = _readings(table.rows.values())
    for row, values in table.rows.items():
        refs = evidence_ids(table.refs[row, "reports"])
        none = {"name": text("report/none"), "period_start": "", "period_end": "", "arn": ""}
        rows += [
            [
                values["framework"],
                report["name"],
                report["period_start"][:10] or None,
                report["period_end"][:10] or None,
                values["reading"] or readings.get(report["arn"]) or undeclared,
                report["arn"] or None,
                refs,
            ]
            for report in values["reports"] or [none]
        ]
    named = Counter(report["arn"] for values in table.rows.values() for report in values["reports"])
    shared = any(count > 1 for count in named.values())
    several = text("report/attestations/distinct", count=len(named)) if shared else ""
    return Table(
        "attestations",
        joined(text("report/attestations/caption"), several),
        [
            column("framework"),
            column("report"),
            column("from"),
            column("to"),
            column("reading"),
            column("arn", "code"),
            column("evidence", "evidence"),
        ],
        rows,
    )


def _readings(frameworks: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return what is declared of reports' reading, by ARN: one report may be of two frameworks."""
    readings: dict[str, list[str]] = {}
    for values in frameworks:
        for report in values["reports"] if values["reading"] else []:
            read = text(
                "report/attestations/read_for",
                reading=values["reading"],
                framework=values["framework"],
            )
            readings.setdefault(report["arn"], []).append(read)
    return {arn: "; ".join(some) for arn, some in readings.items() if arn}


def lent_evidence(snapshot: Snapshot) -> Table | Note:
    """Return the answers copied from the organisation's snapshot, each with its original."""
    lender = snapshot.organisation
    if lender is None:
        return Note(text("report/lent/none"))
    rows: list[list[Any]] = []
    for request in snapshot.lent:
        origin = lender.header["requests"][request.id]
        rows.append([[request.id], request.call, request.region, origin["id"], origin["sha256"]])
    return Table(
        "lent",
        text(
            "report/lent/caption",
            account=lender.account,
            as_of=f"{lender.as_of:%Y-%m-%d %H:%M}",
        ),
        [
            column("copy", "evidence"),
            column("call", "code"),
            column("region", "code"),
            column("origin", "code"),
            column("origin_sha256", "code", 12),
        ],
        rows,
        empty=text("report/lent/empty"),
    )
