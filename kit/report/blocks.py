"""A control in the document: open findings row by row, all others counted, both with evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kit.catalogue.statuses import FAIL, PASS, STATUSES, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.controls.articles import cited as cited_articles
from kit.controls.registry import AWS, Control, Remedy, RemedyName, Step
from kit.controls.source import BEYOND, requirements
from kit.judge.findings import (
    Finding,
    Findings,
    gravity,
    made_by,
    remedies_of,
    samples,
    why,
    worst,
)
from kit.report.formats import ended, evidence_ids, joined, responsibility
from kit.report.views import JSON, ControlBlock, Remedies, Table, column
from kit.tables.core import SPECS

PDF_ROWS = 20  # findings of each open status that the PDF lists for each control
BRIEF, BRIEF_IDS = 160, 6  # characters of what was observed, and ids, that the PDF prints
FINDINGS_FILE = "findings.csv"
_REASON = 3  # place of the reason in a row
_RESOURCES = 4  # that are named beside a remedy
_KINDS = 2  # kinds of observation that are named beside a count


def control_blocks(findings: Findings, wanted: Callable[[Control], bool]) -> list[ControlBlock]:
    """Return a block for each control that was judged and is wanted, in order of their ids."""
    return [_block(CONTROLS[name], own, findings) for name, own in _judged(findings, wanted)]


def is_providers(control: Control) -> bool:
    """Return whether a control is about AWS alone, and stands in the section on the provider."""
    return control.section == "GV" and control.responsibility == AWS


def remedies(findings: Findings) -> Remedies:
    """Return the commands for what is open; controls with the same commands stand together."""
    entries: dict[tuple[Step, ...], dict[str, dict[Remedy, list[Finding]]]] = {}
    for name, own in _judged(findings, lambda control: True):
        for remedy, some in remedies_of(CONTROLS[name], own).items():
            if remedy.steps:
                entries.setdefault(tuple(remedy.steps), {}).setdefault(name, {})[remedy] = some
    made = [
        (list(of), _cases(next(iter(of.values()))) if len(of) == 1 else "", steps, of)
        for steps, of in entries.items()
    ]
    alike = Counter((*controls, when) for controls, when, _, _ in made)
    return Remedies(
        [
            {
                "controls": controls,
                "when": joined(_resources(of), when) if alike[*controls, when] > 1 else when,
                "steps": [step._asdict() for step in steps],
            }
            for controls, when, steps, of in made
        ]
    )


def _resources(of: Mapping[str, Mapping[Remedy, list[Finding]]]) -> str:
    """Return the resources that commands are for, which alone tell them from others."""
    found = (one.resource for cases in of.values() for some in cases.values() for one in some)
    return f"{_names(dict.fromkeys(found))}."


def _names(resources: Iterable[str]) -> str:
    first = list(resources)
    names, more = ", ".join(first[:_RESOURCES]), len(first) - _RESOURCES
    return text("report/and_more", names=names, count=more) if more > 0 else names


def listed(findings: list[Finding]) -> list[int]:
    """Return the places of the findings that the PDF lists: open ones, so many of each status."""
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for place, finding in enumerate(findings):
        if STATUSES[finding.status].listed:
            seen[finding.control, finding.status] += 1
            if seen[finding.control, finding.status] <= PDF_ROWS:
                places.append(place)
    return places


def cited(findings: Findings) -> set[str]:
    """Return the evidence ids that the PDF prints beside the findings that it lists."""
    return {
        name
        for _, own in _judged(findings, lambda control: True)
        for ordered in [sorted(own, key=gravity)]
        for place in listed(ordered)
        for name in evidence_ids(ordered[place].evidence)[:BRIEF_IDS]
    }


def reasons_and_observed(finding: Finding) -> str:
    """Return why a finding is as it is, and what was observed."""
    reason = why(finding)
    if not reason or finding.observed in ("", text("findings/none"), text("findings/not_seen")):
        return reason or finding.observed
    return text("report/reason_and_observed", reason=ended(reason), observed=finding.observed)


def _kind(finding: Finding) -> str:
    if (finding.sample or finding.status == FAIL) and not finding.reason:
        return reasons_and_observed(finding)
    return why(finding) or finding.observed


def kinds(some: list[Finding], kind: Callable[[Finding], str] = _kind) -> str:
    """Return the most frequent reasons or observations of some findings, samples before all."""
    counted = Counter(map(kind, some))
    lines = [
        line if len(counted) == 1 else f"{line} ({count})"
        for line, count in counted.most_common(_KINDS)
    ]
    if more := len(counted) - len(lines):
        lines.append(text("report/more_kinds", count=more))
    listed = " | ".join(lines)
    sampled = samples([finding.sample for finding in some]) if len(counted) > 1 else ""
    return f"{sampled.capitalize()}. {listed}" if sampled else listed


def reasons_and_kinds(some: list[Finding]) -> str:
    """Return why some findings are as they are and what was observed, a common reason once."""
    if len({why(finding) for finding in some}) > 1:
        return kinds(some, reasons_and_observed)
    if len({finding.observed for finding in some}) == 1:
        return reasons_and_observed(some[0])
    reason, observed = why(some[0]), kinds(some, lambda finding: finding.observed)
    return (
        text("report/reason_and_observed", reason=ended(reason), observed=observed)
        if reason
        else observed
    )


def beside_each(findings: Findings) -> dict[str, str]:
    """Return what qualifies the verdict of a control or roll-up, by id: see `Judged.beside`."""
    parts: dict[str, list[str]] = {}
    for finding in findings.leaves:
        parts.setdefault(finding.control, []).append(finding.sample)
    summed = {roll_up.control: made_by(roll_up.observed) for roll_up in findings.roll_ups}
    return {name: samples(some) for name, some in parts.items()} | summed


def _judged(
    findings: Findings, wanted: Callable[[Control], bool]
) -> Iterator[tuple[str, list[Finding]]]:
    by_control: dict[str, list[Finding]] = {}
    for finding in findings.leaves:
        by_control.setdefault(finding.control, []).append(finding)
    yield from ((name, by_control[name]) for name in sorted(by_control) if wanted(CONTROLS[name]))


def _remedies(control: Control, own: list[Finding]) -> list[JSON]:
    """Return the remedies of what is open, each with the resources that it is for."""
    fitting: dict[tuple[Any, ...], list[Remedy]] = {}
    for remedy, some in remedies_of(control, own).items():
        resources = tuple(dict.fromkeys(finding.resource for finding in some))
        fitting.setdefault((*remedy.prose, resources), []).append(remedy)
    shown = []
    for (*prose, resources), alike in fitting.items():
        about = joined(f"{_names(resources)}." if len(fitting) > 1 else "", _cases(alike))
        first_part = [[text("pack/page/remediation_of"), about]] if about else []
        shown.append({"parts": [*first_part, *map(list, prose)]})
    return shown


def _cases(remedies: Iterable[Remedy]) -> str:
    """Return what remedies that are alike are for; each state once before its clauses."""
    clauses: dict[str, dict[str, None]] = {}
    for remedy in remedies:
        clauses.setdefault(remedy.state, {})[remedy.clause] = None
    return joined(*(joined(state, *unmet) for state, unmet in clauses.items()))


def _block(control: Control, own: list[Finding], findings: Findings) -> ControlBlock:
    counts = Counter(finding.status for finding in own)
    ordered = sorted(own, key=gravity)
    short = [_short(finding) for finding in ordered]
    columns = [
        column("region", "code"),
        column("resource", "code"),
        column("status", "status"),
        column("reason"),
        column("observed", brief=max([BRIEF, *map(_decisive, ordered, short)])),
        column("evidence", "evidence", BRIEF_IDS),
    ]
    rows: list[list[Any]] = [
        [
            finding.region,
            finding.resource,
            finding.status,
            why(finding),
            observed,
            evidence_ids(finding.evidence),
        ]
        for finding, observed in zip(ordered, short, strict=True)
    ]
    if not any(row[_REASON] for row in rows):
        for cells in (columns, *rows):
            del cells[_REASON]
    places = listed(ordered)
    whole = len(places) == len(rows)
    return ControlBlock(
        id=control.id,
        title=control.title,
        status=worst(counts),
        severity=control.severity,
        responsibility=responsibility(control.responsibility),
        source="" if control.source == BEYOND else control.source,
        articles=_articles(control.gdpr, findings.data_role),
        context=_articles(control.context, findings.data_role),
        requirements=_requirements(control.id, findings.frameworks),
        expected=own[0].expected,
        remedies=_remedies(control, own),
        counts={status: counts[status] for status in WORST_FIRST if counts[status]},
        rest=_rest(ordered),
        rows=Table(
            f"rows-{control.id}",
            text("report/control/caption", control=control.id),
            columns,
            rows,
            listed=None if whole else places,
            cut=None if whole else text("report/control/cut", file=FINDINGS_FILE),
        ),
    )


def _decisive(finding: Finding, observed: str) -> int:
    """Return how many characters of what was observed decide against a finding; they stand first.

    They end where the first column begins that states no cause, and that no clause reads for which a
    remedy is named.
    """
    titles = _beside(finding)
    if titles is None:
        return 0
    ends = [observed.find(f"; {title}: ") for title in titles]
    return min((end for end in ends if end > 0), default=len(observed))


def _short(finding: Finding) -> str:
    """Return what was observed; a long text leaves out what is "none" and does not decide."""
    observed, none = finding.observed, text("findings/none")
    if len(observed) <= BRIEF:
        return observed
    for title in _beside(finding) or ():
        whole, part = f"{observed}; ", f"; {title}: {none}; "
        observed = whole.replace(part, "; ").removesuffix("; ")
    return observed


def _beside(finding: Finding) -> list[str] | None:
    """Return the titles of the columns that decide nothing against a finding; None for no fail."""
    control = CONTROLS[finding.control]
    spec = SPECS[control.table]
    clauses = {RemedyName.of(name).clause for name in finding.remedies.split("; ")}
    read = {
        name
        for clause in control.clauses
        if clause.rule.__name__ in clauses
        for name in clause.columns
    }
    if not read:
        return None
    return [
        spec.title(name)
        for name in dict.fromkeys((*control.columns, *control.shows))
        if name not in read and not spec.columns[name].cause
    ]


def _articles(declared: Mapping[str, str], data_role: str) -> list[dict[str, str]]:
    reasons = cited_articles(declared, data_role)
    return [{"article": article, "why": why} for article, why in reasons.items()]


def _requirements(control: str, frameworks: list[str]) -> list[JSON]:
    grouped: dict[str, list[str]] = {}
    for requirement in requirements(control, frameworks):
        grouped.setdefault(requirement.framework, []).append(str(requirement))
    return [{"framework": name, "cited": cited} for name, cited in grouped.items()]


def _rest(ordered: list[Finding]) -> list[JSON]:
    """Return a line for each status that is not listed: what was observed in its findings."""
    lines = []
    for status in WORST_FIRST:
        some = [f for f in ordered if f.status == status and not STATUSES[status].listed]
        if not some:
            continue
        names = list(dict.fromkeys(i for finding in some for i in evidence_ids(finding.evidence)))
        lines.append(
            {
                "status": status,
                "count": len(some),
                "observed": kinds(some),
                "plain": status == PASS and not any(finding.sample for finding in some),
                "evidence": names,
            }
        )
    return lines


def beside(findings: Findings) -> str:
    """Return what a caption adds about roll-ups, which no count includes; empty without any."""
    names = ", ".join(roll_up.control for roll_up in findings.roll_ups)
    return text("report/without_roll_ups", names=names) if names else ""
