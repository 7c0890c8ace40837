"""What each section of the notebook shows, made from findings, tables and snapshot alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from kit.catalogue import statuses
from kit.catalogue.frameworks import AWS_PAGE, others
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS
from kit.controls.articles import cited
from kit.controls.registry import AWS, CUSTOMER, SHARED, Control
from kit.controls.source import Statement, statements, title
from kit.judge.findings import Finding, Findings, worst
from kit.report.accepted import accepted as accepted
from kit.report.accepted import waivers as waivers
from kit.report.appendices import all_findings as all_findings
from kit.report.appendices import data as data
from kit.report.appendices import evidence_index as evidence_index
from kit.report.appendices import inventory as inventory
from kit.report.appendices import manifest as manifest
from kit.report.blocks import (
    BRIEF,
    BRIEF_IDS,
    beside,
    beside_each,
    control_blocks,
    kinds,
    remedies,
    told,
)
from kit.report.collected import collected as collected
from kit.report.collected import given as given
from kit.report.cover import cover as cover
from kit.report.flow_table import flows as flows
from kit.report.formats import evidence_ids
from kit.report.handbook import threshold_text
from kit.report.provider import attestations as attestations
from kit.report.provider import handshakes as handshakes
from kit.report.provider import lent_evidence as lent_evidence
from kit.report.provider import tls_of_events as tls_of_events
from kit.report.views import STATUSES, Column, Controls, Group, Note, Remedies, Table
from kit.snapshot import Snapshot
from kit.tables.places import regions_not_looked_at

_GRAVEST, _WHY = 12, 160  # open points of the summary; characters of their reasons that it prints
_YES_OR_NO = {PASS: "yes", FAIL: "no"}
_SEVERITY = ("high", "medium", "low", "")
_ANSWERS = {
    CUSTOMER: "of these: the customer answers",
    SHARED: "of these: AWS and the customer",
    AWS: "of these: AWS answers",
}


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
    others = [request for request in snapshot.requests if request.region not in snapshot.regions]
    if others:
        refused = sum(bool(request.error) and not request.absent for request in others)
        names = ", ".join(sorted({request.region for request in others}))
        rows.append([names, "services that an account has once", len(others), refused])
    left = regions_not_looked_at(snapshot)
    if left.gap:
        rows.append(["others", "which are enabled could not be seen; none was looked at", 0, 0])
    elif left.value:
        rows.append([", ".join(left.value), "enabled, and not looked at: not in scope", 0, 0])
    return Table(
        "scope",
        "Regions, in scope or not, and the requests made in each",
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
    rows: list[list[Any]] = []
    for n, (one, status, beside_it) in enumerate(_answers(AWS_PAGE, findings), 1):
        says = f"{one.what}: {one.says}" if one.what else one.says
        says += f" [{one.note}]" if one.note else ""
        rows.append([n, one.part, says, list(one.controls), status, beside_it or None])
    return Table(
        "source",
        f'What AWS\'s page "{title()}" says (shortened), and what answers it',
        [
            Column("number", "No.", "number"),
            Column("part", "Part of the page"),
            Column("says", "What it says"),
            Column("controls", "Controls", "control"),
            Column("status", "Verdict", "status"),
            Column("beside", "Beside it"),
        ],
        rows,
    )


def frameworks(findings: Findings) -> Group | Note:
    """What each framework beside the GDPR and AWS's page requires, and the controls that test it."""
    tables = [_framework(id, findings) for id in others()]
    return Group(tables) if tables else Note(text("requirements/none"))


def _framework(id: str, findings: Findings) -> Table:
    framework, rows = others()[id], []
    for one, status, beside_it in _answers(id, findings):
        says = ". ".join(filter(None, (one.says.rstrip("."), one.note)))
        reasons = [
            f"{controls}: {text(f'frameworks/{id}/{one.number}/{controls}')}"
            for controls in framework.requirements[one.number].reasons
        ]
        left = [beside_it] if one.controls else [text("requirements/not_tested")]
        left += [
            text(
                "requirements/context",
                controls=controls,
                why=text(f"frameworks/{id}/{one.number}/{controls}"),
            )
            for controls in framework.requirements[one.number].context
        ]
        told_ = "; ".join(filter(None, left)) or None
        rows.append(
            [one.number, one.part, says, list(one.controls), status, "; ".join(reasons), told_]
        )
    columns = [
        Column("number", text("requirements/columns/number"), "code"),
        Column("part", text("requirements/columns/part")),
        Column("says", text("requirements/columns/says")),
        Column("controls", text("requirements/columns/controls"), "control"),
        Column("status", text("requirements/columns/status"), "status"),
        Column("why", text("requirements/columns/why")),
        Column("beside", text("requirements/columns/beside")),
    ]
    kept = [n for n, column in enumerate(columns) if column.name != "part" or framework.parts]
    edition = text(f"frameworks/{id}/edition") if framework.edition else ""
    return Table(
        f"framework-{id}",
        text(
            "requirements/caption",
            title=framework.title,
            address=framework.address,
            edition=edition,
        ).rstrip(),
        [columns[n] for n in kept],
        [[row[n] for n in kept] for row in rows],
    )


def _answers(framework: str, findings: Findings) -> Iterator[tuple[Statement, str | None, str]]:
    """Yield each statement of a framework, the verdict on it, and what stands beside that."""
    judged = {name: status for name, _, status in _verdicts(findings)}
    notes = beside_each(findings)
    for one in statements(framework):
        status, beside_it = _answer(one, judged, findings)
        noted = [f"{name}: {notes[name]}" for name in one.controls if notes.get(name)]
        yield one, status, "; ".join(filter(None, (beside_it, *noted)))


def _answer(
    one: Statement, judged: dict[str, str], findings: Findings
) -> tuple[str | None, str | None]:
    """The verdict on a statement, and what has to stand beside it."""
    known = [judged[name] for name in one.controls if name in judged]
    if not known:
        return None, None
    status = worst(known)
    left = [name for name in one.controls if name not in judged]
    if left and status != FAIL:
        return None, f"not selected: {', '.join(left)}"
    if one.shown and status != NOT_APPLICABLE:
        return (
            ATTESTED,
            f"{one.shown}: {_YES_OR_NO.get(status, status)} ({', '.join(one.controls)})",
        )
    if one.needs and not findings.declared(one.needs):
        return worst([status, NOT_EVIDENCED]), f"{one.needs.replace('_', ' ')}: not declared"
    return status, None


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
    sides, notes = (AWS, SHARED, CUSTOMER), beside_each(findings)
    judged = sorted(_verdicts(findings), key=lambda one: sides.index(one[1].responsibility))
    return Table(
        "responsibilities",
        "Shared responsibility: who answers for each control",
        [
            Column("responsibility", "Who answers"),
            Column("control", "Control", "control"),
            Column("title", "What it asserts"),
            Column("gdpr", "GDPR articles tested"),
            Column("status", "Verdict", "status"),
            Column("beside", "Beside it"),
        ],
        [
            [
                one.responsibility,
                name,
                one.title,
                ", ".join(cited(one.gdpr, findings.data_role)),
                status,
                notes.get(name) or None,
            ]
            for name, one, status in judged
        ],
    )


def totals(findings: Findings) -> Table:
    """How many findings and controls have which verdict, and who answers for these."""
    leaves = Counter(finding.status for finding in findings.leaves)
    judged = [
        (control, status) for name, control, status in _verdicts(findings) if name in CONTROLS
    ]
    counted = [
        ("Findings", leaves),
        ("Controls, by their worst finding", Counter(status for _, status in judged)),
        *(
            (told, Counter(status for one, status in judged if one.responsibility == side))
            for side, told in _ANSWERS.items()
        ),
    ]
    return Table(
        "totals",
        f"Findings and controls by verdict, and who answers for the controls{beside(findings)}",
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
            for what, counts in counted
        ],
    )


def gravest(findings: Findings) -> Table | Note:
    """The open points of the summary: the gravest, a line each."""
    lines = _lines(findings, lambda finding: finding.is_open)
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
    lines = _lines(findings, lambda finding: finding.is_open)
    if not lines:
        return Note("Nothing is open: no control fails, and none lacks evidence.")
    return Table(
        "open",
        "Open points, the gravest first",
        [*_OPEN_COLUMNS, Column("why", "Why", brief=_WHY)],
        lines,
    )


def beyond_evidence(findings: Findings) -> Table | Note:
    """What is not evidenced and nobody can act on, since AWS offers no interface; not open."""
    lines = _lines(
        findings, lambda finding: finding.status == NOT_EVIDENCED and not finding.is_open
    )
    if not lines:
        return Note("AWS offers an interface for everything that the selected controls need.")
    return Table(
        "no-interface",
        "Not evidenced because AWS offers no interface; not counted as open",
        [*_OPEN_COLUMNS, Column("why", "Why", brief=_WHY)],
        lines,
    )


def verdicts() -> Table:
    """What each status means, the worst first."""
    return Table(
        "verdicts",
        "The verdicts, the worst first",
        [
            Column("status", "Verdict", "status"),
            Column("meaning", "What it means"),
            Column("open", "Open"),
        ],
        [
            [
                known.word,
                known.meaning,
                "yes" + (f", except {', '.join(known.closed_for)}" if known.closed_for else "")
                if known.open
                else "no",
            ]
            for known in statuses.STATUSES.values()
        ],
    )


_OPEN_COLUMNS = [
    Column("control", "Control", "control"),
    Column("title", "What it asserts"),
    Column("severity", "Severity", "severity"),
    Column("status", "Verdict", "status"),
    Column("count", "Findings", "number"),
]


def _lines(findings: Findings, wanted: Callable[[Finding], bool]) -> list[list[Any]]:
    """A line for each control and status of some findings, the gravest first, reasons last."""
    lines: list[tuple[tuple[int, int, str], list[Any]]] = []
    for name, control in CONTROLS.items():
        own = [one for one in findings.leaves if one.control == name and wanted(one)]
        for status in WORST_FIRST:
            some = [finding for finding in own if finding.status == status]
            if some:
                order = (_SEVERITY.index(control.severity), WORST_FIRST.index(status), name)
                line = [name, control.title, control.severity, status, len(some), kinds(some)]
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
    table = [statement for statement in statements() if statement.what]
    for number, statement in enumerate(table, 1):
        (name,) = statement.controls
        own = [finding for finding in findings.leaves if finding.control == name]
        if own:
            worst_own = worst(finding.status for finding in own)
            # One that rests on a sample stands for all: it claims the least.
            alike = [finding for finding in own if finding.status == worst_own]
            first = next((finding for finding in alike if finding.sample), alike[0])
            status, beside_it = _answer(statement, {name: worst_own}, findings)
            says = " ".join(filter(None, (statement.says, statement.note)))
            seen = ". ".join(filter(None, (beside_it, told(first))))
            refs = evidence_ids(ref for finding in own for ref in finding.evidence)
            rows.append([str(number), statement.what, says, name, status, seen, refs])
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


def _verdicts(findings: Findings) -> list[tuple[str, Any, str]]:
    """Each control and roll-up that was judged, with its worst status."""
    by_control: dict[str, list[str]] = {}
    for finding in (*findings.leaves, *findings.roll_ups):
        by_control.setdefault(finding.control, []).append(finding.status)
    known: dict[str, Any] = {**CONTROLS, **ROLL_UPS}
    return [(name, known[name], worst(by_control[name])) for name in sorted(by_control)]


def _is_providers(control: Control) -> bool:
    return control.section == "GV" and control.responsibility == AWS
