"""What analysts explore at their desk: pages for objects, explanations, evidence.

It stands beside the line from snapshot to pack. Documents leave out what it shows, and it shows
names as packs do: by labels, unless the run shows names in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any
from weakref import WeakKeyDictionary

import jinja2
from markupsafe import escape as as_html

from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.controls.registry import CONTROLS, ROLL_UPS, find
from kit.displayed import Displayed, counted
from kit.errors import UserError
from kit.judge.findings import Finding, Findings, Selection, remedies_of, why
from kit.pack.trace import look_up, resolve
from kit.redact.redactor import Redactor
from kit.report import explain as terminal
from kit.report.appendices import inventory
from kit.report.blocks import reasons_and_observed
from kit.report.collected import KEPT
from kit.report.formats import evidence_ids
from kit.report.show import scope
from kit.report.views import Column, Table, column, lab_template, trace_id
from kit.snapshot import Snapshot
from kit.tables import Tables, tabulate
from kit.tables import core as tables
from kit.visible import as_json, escape

_WIDTH = 100  # columns of an explanation as text
_FIRST, _ROWS = 10, 30  # findings that the page of all findings lists, and that of a selection
_TRACED = 200  # findings that a trace lists
_BRIEF, _IDS = 160, 3  # characters of what was observed, and ids of evidence, that a row shows
_PARTS = 12  # answers that an explanation has
_LINES = 60  # lines of an answer that a page or a terminal shows
_PART = jinja2.Environment(autoescape=True).from_string(
    "<details{{ ' open' if open }}><summary><code>{{ reference }}</code> {{ about }}</summary>"
    "<pre>{{ body }}</pre></details>"
)
_PRE = jinja2.Environment(autoescape=True).from_string(
    '<div class="evidence"><pre>{{ body }}</pre></div>'
)


@dataclass(frozen=True, repr=False)
class Evidence(Displayed):
    """What a reference names.

    Attributes
    ----------
    reference : str
    provenance : mapping
        Fields of the request or handshake, such as ``service``, ``operation`` and ``error``.
    value : Any
        The answer, or the part of it to which the reference leads, with labels in place of names.
    """

    reference: str
    provenance: Mapping[str, Any]
    value: Any

    def __repr__(self) -> str:
        return f"{self.reference}  {self.about}\n{self.body}"

    @property
    def about(self) -> str:
        """Call, region, time and error."""
        stated = self.provenance
        call = ".".join(filter(None, (stated.get("service"), stated.get("operation"))))
        error = (stated.get("error") or {}) if isinstance(stated.get("error"), dict) else {}
        parts = (call, stated.get("region"), stated.get("started"), error.get("code"))
        return escape(", ".join(str(part) for part in parts if part))

    @property
    def _failed(self) -> bool:
        return self.value is None and bool(self.provenance.get("error"))

    @property
    def body(self) -> str:
        """The value, or AWS's error where it answered with one, as JSON: its first lines."""
        lines = as_json(self.provenance["error"] if self._failed else self.value).splitlines()
        left = len(lines) - _LINES
        cut = [f"… {left} more lines; `.value` has all"] if left > 0 else []
        return "\n".join([*lines[:_LINES], *cut])


@dataclass(frozen=True, repr=False)
class Explanation(Displayed):
    """Why something is as it is.

    Attributes
    ----------
    lines : str
        The whole explanation as text.
    finding : Finding or None
        The finding that is explained; None for a control.
    view : Table or None
        The facts of the finding.
    evidence : tuple of Evidence
        What AWS answered, where a snapshot was given: the first of the references.
    """

    lines: str
    finding: Finding | None = None
    view: Table | None = None
    evidence: tuple[Evidence, ...] = ()

    def __repr__(self) -> str:
        return "\n\n".join([self.lines, *map(repr, self.evidence)])


def explain(control: str) -> Explanation:
    """Return what a control expects, reads and accepts, which articles it tests, how to correct it.

    Parameters
    ----------
    control : str
        Id of a control or roll-up, such as ``AR-05``, in any case.

    Raises
    ------
    UserError
        No control has the id; the message names similar ids.
    """
    return Explanation(terminal.explain(find(control), _WIDTH))


def explain_finding(finding: Finding | None, snapshot: Snapshot | None) -> Explanation:
    """Return why a finding has its verdict; see `Findings.explain`."""
    if finding is None:
        return Explanation("No finding is selected, so there is nothing to explain.")
    control = CONTROLS.get(finding.control)
    fitting = remedies_of(control, [finding]) if control and finding.is_open else {}
    named = (
        ("status", finding.status),
        ("severity", finding.severity),
        ("region", finding.region),
        ("resource", finding.resource),
        ("expected", finding.expected),
        ("observed", finding.observed),
        ("reason", why(finding)),
        ("permission", finding.permission),
        ("evidence", ", ".join(finding.evidence)),
        *(("console", remedy.brief) for remedy in fitting),
    )
    facts: list[list[Any]] = [
        [text(f"report/columns/{name}"), value] for name, value in named if value
    ]
    title = f"{finding.control} {(control or ROLL_UPS[finding.control]).title}"
    width = max(len(name) for name, _ in facts) + 2
    lines = [title, *(f"{name:<{width}}{value}" for name, value in facts)]
    view = Table("explained", title, [column("fact"), column("value")], facts)
    cited = _answers_cited(finding)
    parts = (evidence_of(snapshot, ref) for ref in cited[:_PARTS]) if snapshot else ()
    if snapshot and len(cited) > _PARTS:
        more = f"{len(cited)} references, of which the first {_PARTS} follow"
        facts.append([text("report/columns/answer"), more])
        lines.append(f"{text('report/columns/answer'):<{width}}{more}")
    return Explanation(escape("\n".join(lines)), finding, view, tuple(parts))


@dataclass(frozen=True, repr=False)
class Trace(Displayed):
    """Findings with what AWS answered: a line for each, which opens to its evidence.

    Attributes
    ----------
    findings : Selection
    tables : Tables
        From which the findings were made.
    """

    findings: Selection
    tables: Tables

    def __repr__(self) -> str:
        return repr(self.findings)

    def _to_seal(self) -> dict[str, Any]:
        things = self.tables.labelled()
        return {"labels": [[thing.kind, thing.identity, thing.name] for thing in things]}


def trace(findings: Findings | Selection, tables: Tables) -> Trace:
    """Return findings with the answers of AWS that each rests on.

    Parameters
    ----------
    findings : Findings or Selection
        Of all findings, those that are open.
    tables : Tables
        From which the findings were made.
    """
    snapshot = tables.snapshot
    if snapshot.run.pseudonymise:
        _redactors.setdefault(snapshot, Redactor(snapshot, tables.labels))
    return Trace(findings.where_open() if isinstance(findings, Findings) else findings, tables)


def _answers_cited(finding: Finding) -> list[str]:
    """Return the references of a finding to what AWS answered; a roll-up cites controls alone."""
    return [ref for ref in finding.evidence if ref not in CONTROLS and ref not in ROLL_UPS]


def table_of(made: Tables, control: str) -> tables.Table:
    """Return the table whose rows a control judges; see `Tables.of`."""
    name = find(control)
    if name not in CONTROLS:
        raise UserError(f"control: {name!r} sums up other controls and judges no table")
    return made[CONTROLS[name].table]


_redactors: WeakKeyDictionary[Snapshot, Redactor] = WeakKeyDictionary()


def evidence_of(
    snapshot: Snapshot, reference: str, seen: dict[str, tuple[Any, Any]] | None = None
) -> Evidence:
    """Return what a reference names; see `Snapshot.evidence_of`.

    ``seen`` keeps whole answers, with their labels, where references to parts of them follow.
    """
    number, _, pointer = reference.partition("#")
    declared = pointer.removeprefix("/").partition("/")[0]
    if number == "parameters" and declared in KEPT:
        return Evidence(reference, {"id": number}, text("report/parameters/kept"))
    seen = {} if seen is None else seen
    if number not in seen:
        seen[number] = look_up(snapshot, number, _redactor(snapshot))
    provenance, whole = seen[number]
    value = resolve(whole, pointer, reference)
    if number == "parameters" and not declared:
        value = value | dict.fromkeys(KEPT & value.keys(), text("report/parameters/kept"))
    return Evidence(reference, provenance, value)


def _redactor(snapshot: Snapshot) -> Redactor | None:
    """Return what labels the names in a snapshot's answers; None where they are in clear."""
    if not snapshot.run.pseudonymise:
        return None
    if snapshot not in _redactors:
        _redactors[snapshot] = Redactor(snapshot, tabulate(snapshot).labels)
    return _redactors[snapshot]


@singledispatch
def html(shown: Any) -> str:
    """Return the page of an object for notebooks."""
    raise TypeError(f"{type(shown).__name__} has no page")


@html.register
def _(shown: Snapshot) -> str:
    return _line(shown) + scope(shown).html()


@html.register
def _(shown: Tables) -> str:
    rows: list[list[Any]] = [
        [name, table.spec.noun, len(table.rows), len(table.gap_at)] for name, table in shown.items()
    ]
    columns = [
        Column("table", "Table", "code"),
        Column("noun", "A row is"),
        Column("rows", "Rows", "number"),
        Column("gaps", "Cells not seen", "number"),
    ]
    return Table("tables", repr(shown), columns, rows).html(len(rows))


@html.register
def _(shown: tables.Table) -> str:
    # A table alone has what an inventory reads.
    return _line(shown) + inventory({shown.spec.name: shown}, shown.spec.name).html()


@html.register
def _(shown: Findings) -> str:
    counts: list[list[Any]] = [
        [status, count] for status in WORST_FIRST if (count := shown.count(status))
    ]
    totals = Table(
        "counts", "Verdicts", [column("status", "status"), column("count", "number")], counts
    )
    opened = shown.where_open()
    listed = _listed(opened, _FIRST, "Open points").html() if opened else ""
    return _line(shown) + totals.html() + listed


@html.register
def _(shown: Selection) -> str:
    return _listed(shown, _ROWS, repr(shown).partition("\n")[0]).html()


@html.register
def _(shown: Evidence) -> str:
    return '<div class="evidence">' + _part(shown, opened=True) + "</div>"


@html.register
def _(shown: Explanation) -> str:
    page = shown.view.html() if shown.view else _PRE.render(body=shown.lines)
    return page + "".join(_part(part, opened=False) for part in shown.evidence)


@html.register
def _(shown: Trace) -> str:
    about, rows, ids = repr(shown).partition("\n")[0], [], set[str]()
    chosen = list(zip(shown.findings.numbers, shown.findings, strict=True))
    seen: dict[str, tuple[Any, Any]] = {}
    for number, finding in chosen[:_TRACED]:
        id = trace_id((finding.control, finding.region, finding.resource))
        cited = _answers_cited(finding)
        parts = [evidence_of(shown.tables.snapshot, ref, seen) for ref in cited[:_IDS]]
        left = len(cited) - len(parts)
        more = f"has {counted(left, 'more reference')}" if left else "has the reasons"
        observed = _brief(reasons_and_observed(finding))
        rows.append((number, finding, id if id not in ids else "", observed, parts, more))
        ids.add(id)
    if len(chosen) > _TRACED:
        about += f", the gravest {_TRACED} of them here; findings.explain(row, evidence) has each"
    return lab_template("trace").render(about=about, findings=rows)


def _listed(selection: Selection, most: int, caption: str) -> Table:
    rows: list[list[Any]] = [
        [
            str(number),
            finding.control,
            finding.status,
            finding.severity or None,
            finding.region,
            finding.resource,
            _brief(reasons_and_observed(finding)),
            _first(evidence_ids(finding.evidence)),
        ]
        for number, finding in list(zip(selection.numbers, selection, strict=True))[:most]
    ]
    if len(selection) > most:
        caption += f", the gravest {most} of {len(selection)}; `.frame` has all"
    columns = [
        column("row", "code"),
        column("control", "control"),
        column("status", "status"),
        column("severity", "severity"),
        column("region", "code"),
        column("resource", "code"),
        column("observed"),
        column("evidence", "evidence"),
    ]
    return Table("selection", caption, columns, rows)


def _brief(observed: str) -> str:
    return observed if len(observed) <= _BRIEF else f"{observed[:_BRIEF].rstrip()}…"


def _first(ids: list[str]) -> list[str]:
    left = len(ids) - _IDS
    return [*ids[:_IDS], f"and {left} more"] if left > 0 else ids


def _part(part: Evidence, *, opened: bool) -> str:
    return _PART.render(
        reference=escape(part.reference), about=part.about, body=part.body, open=opened
    )


def _line(shown: Displayed) -> str:
    return f"<p>{as_html(repr(shown))}</p>"
