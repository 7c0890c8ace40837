"""What others show: AWS's auditors, AWS's hosts, CloudTrail, the organisation's administrator."""

from __future__ import annotations

from typing import Any

from kit.report.formats import evidence_ids
from kit.report.views import Column, Note, Table, first_of
from kit.snapshot import Snapshot
from kit.tables import Tables

_PDF_HOSTS = 40  # handshakes that the PDF lists


def tls_of_events(tables: Tables) -> Table:
    """With which TLS versions others asked AppStream, as far as CloudTrail tells."""
    table = tables["regions"]
    rows: list[list[Any]] = []
    for row, values in table.frame.iterrows():
        if values["in_use"] is False:
            continue
        region, refs = values["region"], evidence_ids(table.refs[row, "events_window"])
        if (row, "events_window") in table.gap_at:
            rows.append([region, None, None, "not seen", None, None, None, refs])
            continue
        window = values["events_window"]
        versions = ", ".join(values["tls_versions"]) or "none told"
        whole = "all of them" if window["all read"] else "there were more"
        counts = [values["events_with_tls"], values["events_seen"]]
        span = [window["first event"], window["last event"]]
        rows.append([region, *counts, versions, *span, whole, refs])
    days = tables.snapshot.run.lookback_days
    return Table(
        "tls-of-events",
        f"TLS versions in CloudTrail's events of AppStream, {days} days back, without this kit's own",
        [
            Column("region", "Region", "code"),
            Column("with_tls", "Events with TLS details", "number"),
            Column("seen", "of events read", "number"),
            Column("versions", "Versions"),
            Column("from", "From", "datetime"),
            Column("to", "To", "datetime"),
            Column("whole", "Read"),
            Column("evidence", "Evidence", "evidence"),
        ],
        rows,
        empty="AppStream is in use in no region.",
    )


def handshakes(snapshot: Snapshot) -> Table | Note:
    """What the hosts that were asked agreed to, in a handshake of its own with each."""
    if not snapshot.handshakes:
        return Note("No handshake was made with hosts of AWS: the answers did not come from there.")
    rows: list[list[Any]] = [
        [
            one.id,
            one.host,
            one.time,
            one.error or f"{one.version}, {one.cipher}",
            {True: "refused", False: "accepted", None: None}[one.refuses_tls_1_1],
            one.subject or None,
            one.issuer or None,
            one.expires or None,
            one.certificate or None,
        ]
        for one in snapshot.handshakes
    ]
    return Table(
        "handshakes",
        "Handshakes with the hosts that were asked, certificates verified: facts, no verdicts",
        [
            Column("id", "Id", "code"),
            Column("host", "Host", "code"),
            Column("time", "Time", "datetime"),
            Column("agreed", "Agreed, or why not"),
            Column("old", "TLS 1.1"),
            Column("subject", "Certificate of"),
            Column("issuer", "Issued by"),
            Column("expires", "Valid until", "datetime"),
            Column("sha256", "SHA-256", "code"),
        ],
        rows,
        **first_of(rows, _PDF_HOSTS),
        anchor="id",
    )


def attestations(tables: Tables) -> Table | Note:
    """The reports of AWS's auditors, by framework that the profile names, and who read them."""
    table = tables["provider"]
    if len(table.gaps):
        return Note("What AWS Artifact lists could not be seen.", "warning")
    rows: list[list[Any]] = []
    for row, values in table.rows.items():
        refs = evidence_ids(table.refs[row, "reports"])
        none = {"name": "none listed", "period_start": "", "period_end": "", "arn": ""}
        rows += [
            [
                values["framework"],
                report["name"],
                report["period_start"][:10] or None,
                report["period_end"][:10] or None,
                values["reading"] or "not declared",
                report["arn"] or None,
                refs,
            ]
            for report in values["reports"] or [none]
        ]
    return Table(
        "attestations",
        "Reports of AWS's auditors, by framework that the profile names, as AWS Artifact lists them",
        [
            Column("framework", "Framework"),
            Column("name", "Report"),
            Column("from", "Period from"),
            Column("to", "to"),
            Column("reading", "Declared as read"),
            Column("arn", "In Artifact", "code"),
            Column("evidence", "Evidence", "evidence"),
        ],
        rows,
    )


def lent_evidence(snapshot: Snapshot) -> Table | Note:
    """Answers copied from the organisation's snapshot, each with the answer it was made of."""
    lender = snapshot.organisation
    if lender is None:
        return Note("No snapshot of the organisation's administrator was named with this run.")
    rows: list[list[Any]] = []
    for request in snapshot.lent:
        origin = lender.header["requests"][request.id]
        rows.append([[request.id], request.call, request.region, origin["id"], origin["sha256"]])
    return Table(
        "lent",
        f"Copied from the snapshot of account {lender.account} ({lender.as_of:%Y-%m-%d %H:%M} UTC), "
        "cut to what concerns this account",
        [
            Column("id", "Copy", "evidence"),
            Column("call", "Call", "code"),
            Column("region", "Region", "code"),
            Column("origin", "Made of", "code"),
            Column("sha256", "SHA-256 of that answer", "code", brief=12),
        ],
        rows,
        empty="It had nothing that concerns this account.",
    )
