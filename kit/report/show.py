"""What each section of the notebook shows, made from findings, tables and snapshot alone."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

from kit.controls import CONTROLS, ROLL_UPS, SECTIONS
from kit.controls.evaluate import shown
from kit.controls.handbook import threshold_text
from kit.controls.registry import AWS, CUSTOMER, SHARED, Control
from kit.controls.source import STATEMENTS, TITLE
from kit.findings import (
    FAIL,
    NOT_EVIDENCED,
    WORST_FIRST,
    Findings,
    worst,
)
from kit.report.accepted import accepted as accepted
from kit.report.accepted import unused_waivers
from kit.report.accepted import waivers as waivers
from kit.report.blocks import (
    BRIEF,
    BRIEF_IDS,
    IN_CSV,
    cited,
    control_blocks,
    reason,
    remedies,
    told,
)
from kit.report.collected import answered
from kit.report.collected import collected as collected
from kit.report.provider import attestations as attestations
from kit.report.provider import handshakes as handshakes
from kit.report.provider import lent_evidence as lent_evidence
from kit.report.provider import tls_of_events as tls_of_events
from kit.report.views import (
    STATUSES,
    Column,
    Controls,
    Cover,
    Data,
    Note,
    Remedies,
    Table,
    first_of,
)
from kit.report.words import evidence_ids
from kit.snapshot import Snapshot
from kit.tables import Tables

_PDF_INVENTORY, _PDF_REQUESTS = 20, 300  # rows that the PDF lists
_GRAVEST, _WHY = 12, 160  # open points of the summary; characters of their reasons that it prints
_SEVERITY = ("high", "medium", "low", "")
_SIGNATURE = "data/evidence.pdf and tagmanifest-sha256.txt.p7s"


def cover(findings: Findings, snapshot: Snapshot) -> Cover:
    """The first page: whose account, when, under which role, made with what."""
    run = snapshot.run
    facts = [
        ("Account", snapshot.account),
        ("Regions in scope", ", ".join(snapshot.regions)),
        ("Period", _period(snapshot)),
        ("Controller", run.controller or "not declared"),
        ("Role under the GDPR", run.data_role or "not declared"),
        ("Register of processing", run.register_reference or "not declared"),
        ("Contact", run.contact or "not declared"),
        ("Thresholds", snapshot.profile.name),
        ("Requests to AWS", str(len(snapshot.requests))),
        *_lender(snapshot),
        (
            "Made with",
            f"appstream-evidence-kit {snapshot.header['kit']}, AWS's API models of botocore "
            f"{snapshot.header['botocore']}",
        ),
        ("Snapshot (SHA-256)", snapshot.digest),
        ("Findings (SHA-256)", findings.digest),
        ("Signature", _SIGNATURE if run.signed else "none: this pack is unsigned"),
    ]
    marks = [f"Signed: see {_SIGNATURE}" if run.signed else "Unsigned"]
    if not run.pseudonymise:
        marks.append("Names in clear: contains personal data")
    return Cover(
        title="GDPR evidence pack",
        subtitle=f"Amazon AppStream 2.0 (WorkSpaces Applications), account {snapshot.account}",
        facts=facts,
        as_of=snapshot.as_of.isoformat(),
        stamp=snapshot.stamp,
        marks=marks,
        paper=run.paper,
    )


def _lender(snapshot: Snapshot) -> list[tuple[str, str]]:
    lender = snapshot.organisation
    if lender is None:
        return []
    told = f"account {lender.account}, as of {lender.as_of:%Y-%m-%d %H:%M} UTC, "
    return [("Organisation's snapshot", f"{told}SHA-256 {lender.header['digest']}")]


def _period(snapshot: Snapshot) -> str:
    """When configuration was read, and from when on events were looked for."""
    days = snapshot.run.lookback_days
    since = snapshot.as_of - dt.timedelta(days=days)
    return (
        f"configuration as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC; events of CloudTrail of the "
        f"{days} days before, since {since:%Y-%m-%d}"
    )


def scope(snapshot: Snapshot) -> Table:
    """The regions looked at, and what was found of AppStream there."""
    rows: list[list[Any]] = []
    for region in snapshot.regions:
        asked = [request for request in snapshot.requests if request.region == region]
        refused = sum(bool(request.error) and not request.absent for request in asked)
        if region in snapshot.regions_off:
            state = "not enabled for the account"
        elif region in snapshot.regions_unused:
            state = "not in use: every AppStream list is empty and no bucket lies there"
        else:
            state = "in use"
        rows.append([region, state, len(asked), refused])
    return Table(
        "scope",
        "Regions in scope, and the requests made in each",
        [
            Column("region", "Region", "code"),
            Column("state", "AppStream"),
            Column("requests", "Requests", "number"),
            Column("errors", "of these answered with an error", "number"),
        ],
        rows,
    )


def source_coverage(findings: Findings) -> Table:
    """What AWS's page says, statement by statement, the controls that answer, and their verdict."""
    judged = {name: status for name, _, status in _verdicts(findings)}
    rows: list[list[Any]] = []
    for n, one in enumerate(STATEMENTS, 1):
        says = f"{one.what}: {one.says}" if one.what else one.says
        says += f" [{one.note}]" if one.note else ""
        known = [judged[name] for name in one.controls if name in judged]
        status = worst(known) if known else None
        rows.append([n, one.part, says, list(one.controls), status])
    return Table(
        "source",
        f'What AWS\'s page "{TITLE}" says (shortened), and what answers it',
        [
            Column("number", "No.", "number"),
            Column("part", "Part of the page"),
            Column("says", "What it says"),
            Column("controls", "Controls", "control"),
            Column("status", "Verdict", "status"),
        ],
        rows,
    )


def thresholds(snapshot: Snapshot) -> Table:
    """The thresholds that rules compared with, and the controls that each decides."""
    profile = snapshot.profile
    rows: list[list[Any]] = [
        [
            name,
            field.description,
            threshold_text(getattr(profile, name)),
            sorted(one.id for one in CONTROLS.values() if name in one.thresholds),
        ]
        for name, field in type(profile).model_fields.items()
        if field.description
    ]
    return Table(
        "thresholds",
        f"Thresholds: the profile {profile.name}",
        [
            Column("name", "Threshold", "code"),
            Column("limits", "What it limits"),
            Column("value", "Value"),
            Column("controls", "Controls", "control"),
        ],
        rows,
    )


def responsibilities(findings: Findings) -> Table:
    """Who answers for what: AWS, both, the customer; each control with its verdict."""
    sides = (AWS, SHARED, CUSTOMER)
    judged = sorted(_verdicts(findings), key=lambda one: sides.index(one[1].responsibility))
    return Table(
        "responsibilities",
        "Shared responsibility: who answers for each control",
        [
            Column("responsibility", "Who answers"),
            Column("control", "Control", "control"),
            Column("sentence", "What it asserts"),
            Column("gdpr", "GDPR articles"),
            Column("status", "Verdict", "status"),
        ],
        [
            [one.responsibility, name, one.sentence, ", ".join(one.gdpr), status]
            for name, one, status in judged
        ],
    )


def totals(findings: Findings) -> Table:
    """How many controls, by their worst finding, and how many findings have which verdict."""
    leaves = Counter(finding.status for finding in findings.leaves)
    controls = Counter(status for name, _, status in _verdicts(findings) if name in CONTROLS)
    return Table(
        "totals",
        f"Controls and findings by verdict{_beside(findings)}",
        [
            Column("what", "Counted"),
            *(
                Column(status, f"{STATUSES[status].shape} {status}", "number")
                for status in WORST_FIRST
            ),
            Column("all", "together", "number"),
        ],
        [
            [what, *(counts[status] for status in WORST_FIRST), counts.total()]
            for what, counts in (
                ("Controls, by their worst finding", controls),
                ("Findings", leaves),
            )
        ],
    )


def _beside(findings: Findings) -> str:
    """What a caption says of verdicts that sum up others, which no count has in it."""
    names = ", ".join(one.control for one in findings.roll_ups)
    return f"; roll-ups ({names}) are not counted" if names else ""


def gravest(findings: Findings) -> Table | Note:
    """The open points of the summary: the gravest, a line each."""
    lines = _open_lines(findings)
    if not lines:
        return Note("Nothing is open: no control fails, and none lacks evidence.")
    shown_here = lines[:_GRAVEST]
    told_ = f"the {len(shown_here)} gravest of {len(lines)}, all of which follow with reasons"
    return Table(
        "gravest",
        f"Open points: {told_ if len(lines) > len(shown_here) else 'all of them'}",
        _OPEN_COLUMNS,
        [line[:-1] for line in shown_here],
    )


def open_points(findings: Findings) -> Table | Note:
    """Everything that fails or is not evidenced, by severity, a line for each control."""
    lines = _open_lines(findings)
    if not lines:
        return Note("Nothing is open: no control fails, and none lacks evidence.")
    return Table(
        "open",
        "Open points, the gravest first",
        [*_OPEN_COLUMNS, Column("why", "Why", brief=_WHY)],
        lines,
    )


_OPEN_COLUMNS = [
    Column("control", "Control", "control"),
    Column("sentence", "What it asserts"),
    Column("severity", "Severity", "severity"),
    Column("status", "Verdict", "status"),
    Column("count", "Findings", "number"),
]


def _open_lines(findings: Findings) -> list[list[Any]]:
    """A line for each control and open status, the gravest first; the reasons stand last."""
    lines: list[tuple[tuple[int, int, str], list[Any]]] = []
    for name, control in CONTROLS.items():
        own = [finding for finding in findings.leaves if finding.control == name]
        for status in (FAIL, NOT_EVIDENCED):
            some = [finding for finding in own if finding.status == status]
            if some:
                order = (_SEVERITY.index(control.severity), WORST_FIRST.index(status), name)
                reasons = Counter(reason(finding) or finding.observed for finding in some)
                why = " | ".join(f"{text} ({n})" for text, n in reasons.most_common(2))
                more = len(reasons) - 2
                why += f" | and {more} more reasons" if more > 0 else ""
                line = [name, control.sentence, control.severity, status, len(some), why]
                lines.append((order, line))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def section(findings: Findings, letters: str) -> Controls | Note:
    """The controls of a section, a block for each; the provider's have a section of their own."""
    blocks = control_blocks(findings, lambda c: c.section == letters and not _is_providers(c))
    if not blocks:
        return Note(f"No control of the section {SECTIONS[letters]} was selected for this run.")
    return Controls(blocks)


def provider_side(findings: Findings) -> Controls | Note:
    """What AWS answers for whatever the account's configuration is."""
    blocks = control_blocks(findings, _is_providers)
    return Controls(blocks) if blocks else Note("No control of the provider's side was selected.")


def commands(findings: Findings) -> Remedies | Note:
    """What may be typed or declared to mend what is open."""
    made = remedies(findings)
    return made if made.entries else Note("Nothing is open that a command would mend.")


def transit(findings: Findings) -> Table:
    """The five rows of AWS's table on encryption in transit, with the evidence beside each."""
    rows: list[list[Any]] = []
    table = [statement for statement in STATEMENTS if statement.what]
    for number, statement in enumerate(table, 1):
        (name,) = statement.controls
        own = [finding for finding in findings.leaves if finding.control == name]
        if own:
            status = worst(finding.status for finding in own)
            first = next(finding for finding in own if finding.status == status)
            says = " ".join(filter(None, (statement.says, statement.note)))
            refs = evidence_ids(ref for finding in own for ref in finding.evidence)
            rows.append([str(number), statement.what, says, name, status, told(first), refs])
    return Table(
        "transit",
        "Encryption in transit: the rows of AWS's table",
        [
            Column("row", "Row"),
            Column("what", "What travels"),
            Column("says", "What AWS's page says"),
            Column("control", "Control", "control"),
            Column("status", "Verdict", "status"),
            Column("seen", "What was seen", brief=BRIEF),
            Column("evidence", "Evidence", "evidence", brief=BRIEF_IDS),
        ],
        rows,
        empty="None of the five rows was selected for this run.",
    )


def inventory(tables: Tables, name: str, columns: Iterable[str] = ()) -> Table:
    """A table as it was made from the snapshot; cells that could not be seen say so."""
    table = tables[name]
    chosen = list(columns) or list(table.spec.columns)
    unseen = set(zip(table.gaps["row"], table.gaps["column"], strict=True))
    rows: list[list[Any]] = [
        [
            values.region,
            values.resource,
            *(
                "not seen" if (row, column) in unseen else _cell(getattr(values, column))
                for column in chosen
            ),
        ]
        for row, values in zip(table.frame.index, table.frame.itertuples(index=False), strict=True)
    ]
    columns_ = [
        Column("region", "Region", "code"),
        Column("resource", table.spec.noun.capitalize(), "code"),
        *(Column(column, table.spec.columns[column].title, brief=BRIEF) for column in chosen),
    ]
    if table.spec.noun == "region":  # the resource is the region
        columns_, rows = columns_[1:], [row[1:] for row in rows]
    return Table(
        f"inventory-{name}",
        f"Inventory: every {table.spec.noun} seen",
        columns_,
        rows,
        **first_of(rows, _PDF_INVENTORY),
        empty=f"No {table.spec.noun} was seen.",
    )


def _cell(value: Any) -> Any:
    """A count stays a number, for workbooks and for sorting."""
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
        f"Findings{_beside(findings)}",
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
        cut=f"All {len(rows)} stand in the HTML, the workbook, and {IN_CSV}.",
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
    places = [
        n
        for n, request in enumerate(snapshot.evidence)
        if request.id in wanted or (request.error and not request.absent)
    ][:_PDF_REQUESTS]
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
        listed=places,
        cut=(
            f"Listed are {len(places)} of {len(rows)} requests: those that a finding listed above "
            "cites, and those answered with an error. All of them, with AWS's request ids, "
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
            "ended": max([as_of, *(request.ended for request in snapshot.requests)]),
            "stamp": snapshot.stamp,
            "kit": snapshot.header["kit"],
            "botocore": snapshot.header["botocore"],
            "snapshot": snapshot.digest,
            "digest": findings.digest,
            "exit_code": findings.exit_code,
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


def _verdicts(findings: Findings) -> list[tuple[str, Any, str]]:
    """Each control and roll-up that was judged, with its worst status."""
    by_control: dict[str, list[str]] = {}
    for finding in (*findings.leaves, *findings.roll_ups):
        by_control.setdefault(finding.control, []).append(finding.status)
    known: dict[str, Any] = {**CONTROLS, **ROLL_UPS}
    return [(name, known[name], worst(by_control[name])) for name in sorted(by_control)]


def _is_providers(control: Control) -> bool:
    return control.section == "GV" and control.responsibility == AWS
