"""What each section of the notebook shows, made from findings, tables and snapshot alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from kit.aws.calls import Scope
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS
from kit.controls.evaluate import shown
from kit.controls.handbook import threshold_text
from kit.controls.registry import AWS, Control
from kit.controls.source import STATEMENTS, TITLE
from kit.findings import (
    ACCEPTED,
    FAIL,
    NOT_EVIDENCED,
    WORST_FIRST,
    Finding,
    Findings,
    worst,
)
from kit.report.provider import attestations as attestations
from kit.report.provider import handshakes as handshakes
from kit.report.provider import lent_evidence as lent_evidence
from kit.report.provider import tls_of_events as tls_of_events
from kit.report.views import Column, ControlBlock, Controls, Cover, Data, Note, Table
from kit.report.words import evidence_ids
from kit.snapshot import Snapshot
from kit.tables import Tables

PDF_ROWS = 20  # open findings that the PDF lists for each control
FEW_ROWS = 8  # a control with no more findings than this is listed whole
PDF_REQUESTS = 300
_SEVERITY = ("high", "medium", "low", "")
_SIGNATURE = "data/evidence.pdf and tagmanifest-sha256.txt.p7s"
_ELSEWHERE = "every finding is in data/findings.csv and in the HTML"


def cover(findings: Findings, snapshot: Snapshot) -> Cover:
    """The first page: whose account, when, under which role, made with what."""
    run = snapshot.run
    facts = [
        ("Account", snapshot.account),
        ("Regions in scope", ", ".join(snapshot.regions)),
        ("Evidence as of", f"{snapshot.as_of:%Y-%m-%d %H:%M} UTC"),
        ("Controller", run.controller or "not declared"),
        ("Role under the GDPR", run.data_role or "not declared"),
        ("Register of processing", run.register_reference or "not declared"),
        ("Contact", run.contact or "not declared"),
        ("Thresholds", snapshot.profile.name),
        ("Requests to AWS", str(len(snapshot.requests))),
        *_lender(snapshot),
        ("Kit and API models", f"{snapshot.header['kit']}, botocore {snapshot.header['botocore']}"),
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


def scope(snapshot: Snapshot) -> Table:
    """The regions looked at, and what was found of AppStream there."""
    rows: list[list[Any]] = []
    for region in snapshot.regions:
        asked = [request for request in snapshot.requests if request.region == region]
        refused = sum(request.error is not None for request in asked)
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
    """Who answers for what: each control with the side that carries it, and its verdict."""
    rows: list[list[Any]] = [
        [name, one.sentence, one.responsibility, ", ".join(one.gdpr), status]
        for name, one, status in _verdicts(findings)
    ]
    return Table(
        "responsibilities",
        "Shared responsibility: who answers for each control",
        [
            Column("control", "Control", "control"),
            Column("sentence", "What it asserts"),
            Column("responsibility", "Who answers"),
            Column("gdpr", "GDPR articles"),
            Column("status", "Verdict", "status"),
        ],
        rows,
    )


def open_points(findings: Findings) -> Table | Note:
    """Everything that fails or is not evidenced, by severity, a line for each control."""
    lines: list[tuple[tuple[int, int, str], list[Any]]] = []
    for name, control in CONTROLS.items():
        own = [finding for finding in findings.leaves if finding.control == name]
        for status in (FAIL, NOT_EVIDENCED):
            some = [finding for finding in own if finding.status == status]
            if some:
                order = (_SEVERITY.index(control.severity), WORST_FIRST.index(status), name)
                reasons = Counter(_reason(finding) or finding.observed for finding in some)
                told = "; ".join(f"{text} ({n})" for text, n in reasons.most_common(2))
                rest = len(reasons) - 2
                told += f"; and {rest} more reasons" if rest > 0 else ""
                lines.append(
                    (
                        order,
                        [name, control.sentence, control.severity, status, len(some), told],
                    )
                )
    if not lines:
        return Note("Nothing is open: no control fails, and none lacks evidence.")
    return Table(
        "open",
        "Open points, the gravest first",
        [
            Column("control", "Control", "control"),
            Column("sentence", "What it asserts"),
            Column("severity", "Severity", "severity"),
            Column("status", "Verdict", "status"),
            Column("count", "Findings", "number"),
            Column("why", "Why"),
        ],
        [line for _, line in sorted(lines, key=lambda pair: pair[0])],
    )


def section(findings: Findings, letters: str) -> Controls | Note:
    """The controls of a section, a block for each; the provider's have a section of their own."""
    blocks = _blocks(findings, lambda c: c.section == letters and not _is_providers(c))
    if not blocks:
        return Note(f"No control of the section {SECTIONS[letters]} was selected for this run.")
    return Controls(blocks)


def provider_side(findings: Findings) -> Controls | Note:
    """What AWS answers for whatever the account's configuration is."""
    blocks = _blocks(findings, _is_providers)
    return Controls(blocks) if blocks else Note("No control of the provider's side was selected.")


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
            seen = _reason(first) or first.observed
            says = " ".join(filter(None, (statement.says, statement.note)))
            rows.append([str(number), statement.what, says, name, status, seen])
    return Table(
        "transit",
        "Encryption in transit: the rows of AWS's table",
        [
            Column("row", "Row"),
            Column("what", "What travels"),
            Column("says", "What AWS's page says"),
            Column("control", "Control", "control"),
            Column("status", "Verdict", "status"),
            Column("seen", "What was seen"),
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
    listed, cut = None, None
    if len(rows) > PDF_ROWS * 2:
        listed = list(range(PDF_ROWS * 2))
        cut = f"{len(rows) - len(listed)} of {len(rows)} rows are left out here and are in the HTML"
    whole = "region" if table.spec.scope is Scope.REGION else "account"
    return Table(
        f"inventory-{name}",
        f"Inventory: every {table.spec.noun} in each {whole}",
        [
            Column("region", "Region", "code"),
            Column("resource", table.spec.noun.capitalize(), "code"),
            *(Column(column, table.spec.columns[column].title) for column in chosen),
        ],
        rows,
        listed=listed,
        cut=cut,
        empty=f"No {table.spec.noun} was seen.",
    )


def _cell(value: Any) -> Any:
    """A count stays a number, for workbooks and for sorting."""
    return value if type(value) is int else shown(value)


def all_findings(findings: Findings) -> Table:
    """Every finding; the PDF lists those that are open, up to a number for each control."""
    chosen = [*findings.leaves, *findings.roll_ups]
    rows: list[list[Any]] = [
        [
            finding.control,
            finding.region,
            finding.resource,
            finding.severity or None,
            finding.status,
            _reason(finding) or finding.observed,
            evidence_ids(finding.evidence),
        ]
        for finding in chosen
    ]
    listed, cut = _cut(chosen, few=0)
    return Table(
        "findings",
        "Findings",
        [
            Column("control", "Control", "control"),
            Column("region", "Region", "code"),
            Column("resource", "Resource", "code"),
            Column("severity", "Severity", "severity"),
            Column("status", "Verdict", "status"),
            Column("why", "Why, or what was observed"),
            Column("evidence", "Evidence", "evidence"),
        ],
        rows,
        listed=listed,
        cut=cut,
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
            request.error["code"] if request.error else str(request.status),
            request.request_id or "",
            request.commitment,
        ]
        for request in snapshot.requests
    ]
    listed, cut = None, None
    if len(rows) > PDF_REQUESTS:
        cited = {
            name
            for finding in findings.leaves
            if finding.status in (FAIL, NOT_EVIDENCED)
            for name in evidence_ids(finding.evidence)
        }
        listed = [
            n for n, request in enumerate(snapshot.requests) if request.id in cited or request.error
        ][:PDF_REQUESTS]
        cut = (
            f"{len(rows) - len(listed)} of {len(rows)} requests are left out here: the HTML lists "
            "them all. Those that an open finding cites, or that failed, come first."
        )
    return Table(
        "evidence",
        "Evidence: requests, and commitments to the answers as stored",
        [
            Column("id", "Id", "code"),
            Column("call", "Call", "code"),
            Column("region", "Region", "code"),
            Column("time", "Time", "datetime"),
            Column("attempts", "Attempts", "number"),
            Column("answer", "Answer"),
            Column("request_id", "AWS request id", "code"),
            Column("commitment", "Commitment (SHA-256)", "code"),
        ],
        rows,
        listed=listed,
        cut=cut,
        anchor="id",
    )


def waivers(findings: Findings, snapshot: Snapshot) -> Table | Note:
    """Fails that somebody accepts, and waivers that serve nothing."""
    if not snapshot.waivers:
        return Note("No waivers were given with this run.")
    unused = set(findings.unused_waivers)
    return Table(
        "waivers",
        "Waivers given with this run",
        [
            Column("control", "Control", "control"),
            Column("resource", "Resource", "code"),
            Column("owner", "Owner"),
            Column("reason", "Reason"),
            Column("expires", "Expires", "datetime"),
            Column("state", "State"),
        ],
        [
            [
                waiver.control,
                waiver.resource,
                waiver.owner,
                waiver.reason,
                waiver.expires,
                "expired, or matches no fail" if waiver in unused else "serves",
            ]
            for waiver in snapshot.waivers
        ],
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


def _blocks(findings: Findings, wanted: Callable[[Control], bool]) -> list[ControlBlock]:
    by_control: dict[str, list[Finding]] = {}
    for finding in findings.leaves:
        by_control.setdefault(finding.control, []).append(finding)
    return [_block(CONTROLS[n], by_control[n]) for n in sorted(by_control) if wanted(CONTROLS[n])]


def _block(control: Control, own: list[Finding]) -> ControlBlock:
    counts = Counter(finding.status for finding in own)
    ordered = sorted(own, key=lambda finding: WORST_FIRST.index(finding.status))
    rows: list[list[Any]] = [
        [
            finding.region,
            finding.resource,
            finding.status,
            finding.observed,
            _reason(finding) or None,
            evidence_ids(finding.evidence),
        ]
        for finding in ordered
    ]
    listed, cut = _cut(ordered, few=FEW_ROWS)
    remedy: list[dict[str, str | None]] = [
        {"title": "Console", "text": control.remedy.console, "code": None}
    ]
    status = worst(counts)
    for title, code in (
        ("AWS CLI", control.remedy.cli),
        ("Terraform", control.remedy.terraform),
    ):
        if code:
            remedy.append({"title": title, "text": None, "code": code})
    return ControlBlock(
        id=control.id,
        title=control.sentence,
        status=status,
        severity=control.severity,
        responsibility=control.responsibility,
        statement=control.sentence,
        source=control.source,
        articles=[{"article": article, "why": why} for article, why in control.gdpr.items()],
        expected=[own[0].expected],
        remedy=remedy if status in (FAIL, NOT_EVIDENCED, ACCEPTED) else [],
        counts={status: counts[status] for status in WORST_FIRST if counts[status]},
        rows=Table(
            f"rows-{control.id}",
            f"{control.id}: what was observed",
            [
                Column("region", "Region", "code"),
                Column("resource", "Resource", "code"),
                Column("status", "Verdict", "status"),
                Column("observed", "Observed"),
                Column("reason", "Reason"),
                Column("evidence", "Evidence", "evidence"),
            ],
            rows,
            listed=listed,
            cut=cut,
        ),
    )


def _cut(findings: list[Finding], few: int) -> tuple[list[int] | None, str | None]:
    """Which findings the PDF lists, and the sentence that counts the others.

    Open ones are listed, up to a number for each control; the others are counted, unless there
    are only a few.
    """
    if len(findings) <= few:
        return None, None
    seen: Counter[str] = Counter()
    listed = []
    for n, finding in enumerate(findings):
        if finding.status in (FAIL, NOT_EVIDENCED, ACCEPTED):
            seen[finding.control] += 1
            if seen[finding.control] <= PDF_ROWS:
                listed.append(n)
    left = Counter(finding.status for n, finding in enumerate(findings) if n not in set(listed))
    if not left:
        return None, None
    told = ", ".join(f"{left[status]} {status}" for status in WORST_FIRST if left[status])
    return listed, f"Left out here: {told}; {_ELSEWHERE}."


def _reason(finding: Finding) -> str:
    """Why a finding is as it is, with operation and error code where a call failed."""
    call = " ".join(filter(None, (finding.operation, finding.code)))
    return ", ".join(filter(None, (finding.reason, call, finding.hint)))
