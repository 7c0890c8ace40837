"""What each section of the notebook shows, made from findings, tables and snapshot alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kit.catalogue import statuses
from kit.catalogue.frameworks import AWS_PAGE, GDPR
from kit.catalogue.frameworks import frameworks as catalogued
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS, WORST_FIRST
from kit.catalogue.texts import ids, text
from kit.controls import CONTROLS, ROLL_UPS, section_title
from kit.controls.articles import binds, cited
from kit.controls.registry import AWS, CUSTOMER, SHARED
from kit.controls.source import Statement, statements, title
from kit.judge.findings import Finding, Findings, worst
from kit.report.accepted import waivers as waivers
from kit.report.appendices import all_findings as all_findings
from kit.report.appendices import data as data
from kit.report.appendices import evidence_index as evidence_index
from kit.report.appendices import inventory as inventory
from kit.report.appendices import manifest as manifest
from kit.report.assessments import assessments as assessments
from kit.report.assessments import with_assessments
from kit.report.blocks import (
    BRIEF_IDS,
    beside,
    beside_each,
    control_blocks,
    is_providers,
    reasons_and_kinds,
    remedies,
)
from kit.report.changed import changed as changed
from kit.report.collected import collected as collected
from kit.report.collected import given as given
from kit.report.cover import cover as cover
from kit.report.flow_table import flows as flows
from kit.report.follow_up import earlier_packs as earlier_packs
from kit.report.follow_up import follow_up as follow_up
from kit.report.follow_up import promised as promised
from kit.report.follow_up import sign_off as sign_off
from kit.report.formats import counts, ended, evidence_ids, joined, responsibility
from kit.report.handbook import threshold_text
from kit.report.own import figure as figure
from kit.report.own import table as table
from kit.report.person import person as person
from kit.report.population import population as population
from kit.report.provider import attestations as attestations
from kit.report.provider import handshakes as handshakes
from kit.report.provider import lent_evidence as lent_evidence
from kit.report.provider import tls_of_events as tls_of_events
from kit.report.record import record as record
from kit.report.requests import requests as requests
from kit.report.result import beyond_evidence as beyond_evidence
from kit.report.result import open_points as open_points
from kit.report.result import result as result
from kit.report.retention import retention as retention
from kit.report.transfers import transfers as transfers
from kit.report.views import (
    STATUSES,
    Column,
    Controls,
    Group,
    Note,
    Remedies,
    Table,
    column,
)
from kit.snapshot import Snapshot
from kit.tables import Tables
from kit.tables.places import regions_not_looked_at

_YES_OR_NO = {PASS: "report/yes", FAIL: "report/no"}


def scope(snapshot: Snapshot) -> Table:
    """Return the regions in scope, and the use of AppStream in each."""
    rows: list[list[Any]] = []
    for region in snapshot.regions:
        requests = [request for request in snapshot.requests if request.region == region]
        refused = sum(bool(request.error) and not request.absent for request in requests)
        if region in snapshot.regions_off:
            state = "off"
        elif region in snapshot.regions_unused:
            state = "unused"
        else:
            state = "used"
        rows.append([region, text(f"report/scope/{state}"), len(requests), refused])
    left = regions_not_looked_at(snapshot)
    others = [request for request in snapshot.requests if request.region not in snapshot.regions]
    names = sorted({request.region for request in others})
    if others:
        refused = sum(bool(request.error) and not request.absent for request in others)
        services = ", ".join(sorted({request.service for request in others}))
        # The region may be enabled, and have AppStream, of which nobody asked there.
        state = text(
            "report/scope/out" if {*names} & {*(left.value or ())} else "report/scope/elsewhere"
        )
        stated = text("report/scope/account", state=state, services=services)
        rows.append([", ".join(names), stated, len(others), refused])
    if left.gap:
        rows.append([text("report/scope/others"), text("report/scope/not_seen"), None, None])
    elif without := [region for region in left.value if region not in names]:
        rows.append([", ".join(without), text("report/scope/out"), None, None])
    return Table(
        "scope",
        text("report/scope/caption"),
        [
            column("region", "code"),
            column("appstream"),
            column("requests", "number"),
            column("errors", "number"),
        ],
        rows,
    )


def source_coverage(findings: Findings) -> Table | Note:
    """Return the statements of AWS's page, with the controls' verdict and, apart, AWS's word."""
    if AWS_PAGE not in findings.frameworks:
        return Note(text("report/source/not_chosen", framework=AWS_PAGE))
    rows: list[list[Any]] = []
    attesting = {finding.control for finding in findings.leaves if finding.status == ATTESTED}
    for n, (statement, status, beside_it) in enumerate(_answers(AWS_PAGE, findings), 1):
        says = f"{statement.what}: {statement.says}" if statement.what else statement.says
        says += f" [{statement.note}]" if statement.note else ""
        # AWS's word stands whatever else the controls found: the verdict is the worst of theirs.
        keeps = attesting & {*statement.controls}
        keeps |= {statement.shown} if status not in (None, NOT_APPLICABLE) else set()
        attested, names = ATTESTED if any(keeps) else None, list(statement.controls)
        rows.append([n, statement.part, says, names, status, attested, beside_it or None])
    return Table(
        "source",
        text("report/source/caption", title=title()),
        [
            column("number", "number"),
            column("part"),
            column("says"),
            column("controls", "control"),
            column("status", "status"),
            Column("by_aws", text("report/source/by_aws"), "status"),
            column("beside"),
        ],
        rows,
    )


def frameworks(findings: Findings, tables: Tables | None = None) -> Group | Note:
    """Return the index of each framework that the run chooses; AWS's page has its own section.

    Parameters
    ----------
    findings : Findings
    tables : Tables, optional
        They show processing that needs an impact assessment; without them such a requirement is never
        "not applicable".
    """
    made = [_framework(id, findings, tables) for id in findings.frameworks if id != AWS_PAGE]
    return Group(made) if made else Note(text("requirements/none"))


def _framework(id: str, findings: Findings, tables: Tables | None) -> Table:
    framework, rows = catalogued()[id], []
    numbers = _numbers(id, findings.data_role)
    for statement, status, qualification in _answers(id, findings):
        if statement.number not in numbers:
            continue
        requirement = framework.requirements[statement.number]
        if requirement.assesses:
            status, beside_it = with_assessments(status, tables)
            qualification = joined(beside_it, qualification)
        reasons = _reasons(id, statement.number, requirement.reasons)
        if requirement.context:
            beside_them = "; ".join(_reasons(id, statement.number, requirement.context))
            reasons.append(text("requirements/context", reasons=beside_them))
        if not statement.controls:
            qualification = text("requirements/not_tested")
        elif qualification and statement.note:
            qualification = ended(qualification)
        qualification = joined(qualification, statement.note)
        rows.append(
            [
                numbers[statement.number],
                statement.part,
                statement.says,
                sorted(statement.controls),
                status,
                sorted(requirement.related),
                qualification or None,
                "; ".join(reasons),
            ]
        )
    columns = [
        Column("number", text("requirements/columns/number"), "code"),
        Column("part", text("requirements/columns/part"), brief=0),
        Column("says", text("requirements/columns/says")),
        Column("controls", text("requirements/columns/controls"), "control"),
        Column("status", text("requirements/columns/status"), "status"),
        Column("related", text("requirements/columns/related"), "control"),
        Column("beside", text("requirements/columns/beside")),
        # The PDF leaves the reasons to the HTML and the workbook.
        Column("why", text("requirements/columns/why"), brief=0),
    ]
    kept = [n for n, column in enumerate(columns) if column.name != "part" or framework.parts]
    edition = text(f"frameworks/{id}/edition") if framework.edition else ""
    left_out = _left_out(id, findings.data_role)
    return Table(
        f"framework-{id}",
        text(
            "requirements/caption",
            title=framework.title,
            address=framework.address,
            edition=joined(edition, left_out),
        ).rstrip(),
        [columns[n] for n in kept],
        [[row[n] for n in kept] for row in rows],
    )


def _numbers(framework: str, data_role: str) -> dict[str, str]:
    """Return how documents cite the requirements that bind the role, by number."""
    numbers = {number: number for number in catalogued()[framework].requirements}
    if framework != GDPR:
        return numbers
    return {number: label for label, number in cited(numbers, data_role).items()}


def _left_out(framework: str, data_role: str) -> str:
    """Return which provisions bind the other role alone and are not listed; empty for none."""
    left = [n for n in catalogued()[framework].requirements if not cited({n: ""}, data_role)]
    if framework != GDPR or not left:
        return ""
    side, numbers = binds(left[0]), ", ".join(left)
    return text(f"requirements/left_out/{side}", declared=data_role, numbers=numbers)


def _reasons(framework: str, number: str, mapped: Iterable[str]) -> list[str]:
    """Return controls, each with the reason that a framework's file gives for them."""
    return [
        f"{controls}: {text(f'frameworks/{framework}/{number}/{controls}')}" for controls in mapped
    ]


def _answers(framework: str, findings: Findings) -> Iterator[tuple[Statement, str | None, str]]:
    """Yield each statement of a framework, the verdict on it, and what stands beside that."""
    judged = {name: status for name, _, status in _verdicts(findings)}
    notes = beside_each(findings)
    for statement in statements(framework):
        status, beside_it = _answer(statement, judged, findings)
        noted = [f"{name}: {notes[name]}" for name in statement.controls if notes.get(name)]
        yield statement, status, "; ".join(filter(None, (beside_it, *noted)))


def _answer(
    statement: Statement, judged: dict[str, str], findings: Findings
) -> tuple[str | None, str | None]:
    """Return the verdict on a statement, and what qualifies it."""
    known = [judged[name] for name in statement.controls if name in judged]
    if not known:
        return None, None
    status = worst(known)
    left = [name for name in statement.controls if name not in judged]
    if left and status != FAIL:
        return None, text("report/source/not_selected", controls=", ".join(left))
    if statement.shown and status != NOT_APPLICABLE:
        seen = text(_YES_OR_NO[status]) if status in _YES_OR_NO else STATUSES[status].word
        return status, f"{statement.shown}: {seen} ({', '.join(statement.controls)})"
    if statement.needs and not findings.declared(statement.needs):
        undeclared = text("report/source/not_declared", parameter=statement.needs)
        return worst([status, NOT_EVIDENCED]), undeclared
    if status in (PASS, FAIL):
        for threshold, limit in statement.limits:
            for value in _compared(threshold, statement.controls, findings):
                if (status == PASS and value > limit) or (status == FAIL and value < limit):
                    return None, text(
                        "requirements/other_limit", threshold=threshold, value=value, limit=limit
                    )
    return status, None


def _compared(threshold: str, controls: Collection[str], findings: Findings) -> set[int]:
    """Return the values of a threshold that findings of these controls rest on."""
    thresholds = [
        json.loads(finding.threshold_values)
        for finding in findings.leaves
        if finding.control in controls
    ]
    return {values[threshold] for values in thresholds if threshold in values}


def thresholds(snapshot: Snapshot) -> Table:
    """Return the thresholds that rules compared with, and the controls that each decides."""
    profile = snapshot.profile
    rows: list[list[Any]] = [
        [
            name,
            text(f"report/thresholds/limits/{name}"),
            threshold_text(getattr(profile, name)),
            sorted(control.id for control in CONTROLS.values() if name in control.thresholds),
        ]
        for name in type(profile).model_fields
        if name != "name"
    ]
    return Table(
        "thresholds",
        text("report/thresholds/caption", profile=profile.name),
        [
            column("threshold", "code"),
            column("limits"),
            column("value"),
            column("controls", "control"),
        ],
        rows,
    )


def responsibilities(findings: Findings) -> Table:
    """Return who is responsible: AWS, both, the customer; each control with its verdict."""
    sides, notes = (AWS, SHARED, CUSTOMER), beside_each(findings)
    judged = sorted(_verdicts(findings), key=lambda verdict: sides.index(verdict[1].responsibility))
    return Table(
        "responsibilities",
        text("report/responsibilities_of_controls/caption"),
        [
            column("responsibility"),
            column("control", "control"),
            column("title"),
            column("gdpr"),
            column("status", "status"),
            column("beside"),
        ],
        [
            [
                responsibility(control.responsibility),
                name,
                control.title,
                ", ".join(cited(control.gdpr, findings.data_role)),
                status,
                notes.get(name) or None,
            ]
            for name, control, status in judged
        ],
    )


def totals(findings: Findings) -> Table:
    """Return the numbers of findings and controls by verdict, and of controls by responsibility."""
    leaves = Counter(finding.status for finding in findings.leaves)
    judged = [
        (control, status) for name, control, status in _verdicts(findings) if name in CONTROLS
    ]
    counted = [
        ("findings", leaves),
        ("controls", Counter(status for _, status in judged)),
        *(
            (
                party,
                Counter(status for control, status in judged if control.responsibility == party),
            )
            for party in (CUSTOMER, SHARED, AWS)
        ),
    ]
    return Table(
        "totals",
        joined(text("report/totals/caption"), beside(findings)),
        [
            column("counted"),
            *(
                Column(status, f"{STATUSES[status].shape} {STATUSES[status].word}", "number")
                for status in WORST_FIRST
            ),
            column("all", "number"),
        ],
        [
            [
                text(f"report/totals/{what}"),
                *(counts[status] for status in WORST_FIRST),
                counts.total(),
            ]
            for what, counts in counted
        ],
    )


def verdicts() -> Table:
    """Return what each status means, the worst first."""
    return Table(
        "verdicts",
        text("report/verdicts/caption"),
        [column("status", "status"), column("meaning"), column("open")],
        [[known.word, known.meaning, _open_for(known)] for known in statuses.STATUSES.values()],
    )


def glossary() -> Table:
    """Return the words of documents, with what they mean there."""
    words = dict.fromkeys(id.split("/")[3] for id in ids() if "/glossary/words/" in id)
    return Table(
        "glossary",
        text("report/glossary/caption"),
        [column("word"), column("meaning")],
        [
            [text(f"report/glossary/words/{word}/{part}") for part in ("word", "meaning")]
            for word in words
        ],
    )


def _open_for(status: statuses.Status) -> str:
    if status.open and status.closed_for:
        return text("report/verdicts/open_except", reasons=", ".join(status.closed_for))
    return text("report/yes" if status.open else "report/no")


def section(findings: Findings, letters: str) -> Controls | Note:
    """Return the controls of a section, a block for each; the provider's have their own section."""
    blocks = control_blocks(findings, lambda c: c.section == letters and not is_providers(c))
    if not blocks:
        return Note(text("report/section/empty", section=section_title(letters)))
    return Controls(blocks)


def provider_side(findings: Findings) -> Controls | Note:
    """Return what AWS is responsible for, whatever the account's configuration is."""
    blocks = control_blocks(findings, is_providers)
    return Controls(blocks) if blocks else Note(text("report/provider_side/empty"))


def commands(findings: Findings) -> Remedies | Note:
    """Return the commands and declarations that remedy or inspect what is open."""
    made = remedies(findings)
    return made if made.entries else Note(text("report/commands/empty"))


def transit(findings: Findings) -> Table:
    """Return the five rows of AWS's table on encryption in transit, each with its evidence."""
    rows: list[list[Any]] = []
    table = [statement for statement in statements() if statement.what]
    for number, statement in enumerate(table, 1):
        (name,) = statement.controls
        own = [finding for finding in findings.leaves if finding.control == name]
        if own:
            worst_own = worst(finding.status for finding in own)
            alike = [finding for finding in own if finding.status == worst_own]
            status, beside_it = _answer(statement, {name: worst_own}, findings)
            says = " ".join(filter(None, (statement.says, statement.note)))
            numbers = _numbers_of(own) if len(alike) < len(own) else ""
            observed = ". ".join(filter(None, (beside_it, numbers, reasons_and_kinds(alike))))
            refs = evidence_ids(ref for finding in own for ref in finding.evidence)
            rows.append([str(number), statement.what, says, name, status, observed, refs])
    return Table(
        "transit",
        text("report/transit/caption"),
        [
            column("row"),
            column("traffic"),
            column("says", brief=0),
            column("control", "control"),
            column("status", "status"),
            column("observed", brief=0),  # the controls' blocks have it
            column("evidence", "evidence", BRIEF_IDS),
        ],
        rows,
        empty=text("report/transit/empty"),
    )


def _numbers_of(some: list[Finding]) -> str:
    """Return how many findings have each status, the worst first."""
    numbers = Counter(finding.status for finding in some)
    return counts({status: numbers[status] for status in WORST_FIRST if numbers[status]})


def _verdicts(findings: Findings) -> list[tuple[str, Any, str]]:
    """Return each control and roll-up that was judged, with its worst status."""
    by_control: dict[str, list[str]] = {}
    for finding in (*findings.leaves, *findings.roll_ups):
        by_control.setdefault(finding.control, []).append(finding.status)
    known: dict[str, Any] = {**CONTROLS, **ROLL_UPS}
    return [(name, known[name], worst(by_control[name])) for name in sorted(by_control)]
