"""The evaluator: applies rules to rows, and never to a cell that has a gap."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kit.calls import (
    DESCRIBE_ORGANIZATION,
    LIST_ORGANIZATIONS_FEATURES,
    Call,
    made_by,
    with_sources,
)
from kit.catalogue.statuses import FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS, STATUSES
from kit.catalogue.texts import has, text
from kit.controls.registry import (
    ACCOUNT,
    CLOCK,
    CONTROLS,
    REGION,
    ROLL_UPS,
    SEVERITIES,
    Attested,
    Clause,
    Control,
    NotEvidenced,
    Outcome,
    RollUp,
    Worded,
    find,
)
from kit.errors import UserError
from kit.judge.ageing import with_since
from kit.judge.digest import NOT_REQUIRED, NOTHING, ROLL_UP, UNLISTED, canonical
from kit.judge.findings import (
    WORST,
    Finding,
    Findings,
    samples,
    summed_up,
    with_ids,
    worst,
)
from kit.judge.waivers import apply_waivers
from kit.parameters import Run, load_waivers
from kit.snapshot import TROUBLE, Snapshot, Trouble
from kit.tables import Tables
from kit.tables.core import Table
from kit.tables.coverage import ACCOUNT as GLOBAL
from kit.tables.coverage import coverage
from kit.tables.logging import IN_USE, PROBES


def select(ids: Iterable[str]) -> list[Control]:
    """Return the controls with these ids, and the controls under a roll-up; all without an id.

    Raises
    ------
    UserError
        No control has an id.
    """
    try:
        chosen = {find(name) for name in ids} or set(CONTROLS)
    except UserError as error:
        raise UserError(f"controls: {error}") from None
    for name in chosen & ROLL_UPS.keys():
        chosen |= _under(ROLL_UPS[name])
    return [CONTROLS[name] for name in sorted(chosen & CONTROLS.keys())]


def needed_calls(ids: Iterable[str]) -> frozenset[Call]:
    """Return the calls that these controls read, with the calls that these depend on."""
    return with_sources(call for control in select(ids) for call in control.calls)


def calls_of(run: Run) -> frozenset[Call]:
    """Return the calls that a run makes.

    Raises
    ------
    UserError
        The run or a waiver names an unknown control, a waiver names a roll-up, or a reason is of a
        control that reads none.
    """
    with run.located():
        return _calls_of(run)


def _calls_of(run: Run) -> frozenset[Call]:
    _refuse_unread_reasons(run)
    for n, waiver in enumerate(load_waivers(run.waivers), 1):
        where = f"{run.waivers}, waiver {n}: control: "
        try:
            control = find(waiver.control)
        except UserError as error:
            raise UserError(f"{where}{error}") from None
        if control in ROLL_UPS:
            raise UserError(f"{where}{control} sums up other controls; name one of these")
        if control != waiver.control:
            raise UserError(f"{where}{waiver.control!r}: write {control}")
    calls = needed_calls(run.controls)
    if run.own_controls:
        from kit.own import calls_of_own

        calls |= calls_of_own(run.own_controls)
    # A snapshot is lent only where both snapshots name their organisation.
    both = run.administers_organisation or run.organisation_snapshot
    calls |= {DESCRIBE_ORGANIZATION} if both else set()
    calls |= {LIST_ORGANIZATIONS_FEATURES} if run.administers_organisation else set()
    return made_by(run, calls)


def _refuse_unread_reasons(run: Run) -> None:
    name = "declared_reasons"
    readers = [id for id, control in CONTROLS.items() if control.compares_with(name)]
    for given in run.declared_reasons:
        if given not in readers and not (run.own_controls and _is_own(given)):
            near = difflib.get_close_matches(given.upper(), readers, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"{name}: {given!r} is not a control that reads a reason; {hint}"
                f"accepted are {', '.join(sorted(readers))}"
            )


def _is_own(id: str) -> bool:
    from kit.own import ID

    return bool(ID.fullmatch(id))


def evaluate(tables: Tables, ids: Iterable[str] | None = None) -> Findings:
    """Judge every row that the selected controls are about.

    Parameters
    ----------
    tables : Tables
    ids : iterable of str, optional
        By default those that the run selects.

    Returns
    -------
    Findings
        At least one finding for each control and account, and for each region in scope where
        the control's scope is the region. A row with a gap is "not evidenced". A roll-up is
        among them where the run selects every control that it sums up.
    """
    snapshot = tables.snapshot
    controls = select(snapshot.run.controls if ids is None else ids)
    leaves = [
        finding
        for control in controls
        for finding in _Evaluation(control, tables[control.table], snapshot).findings()
    ]
    leaves, unused = apply_waivers(leaves, snapshot.waivers, snapshot.as_of)
    chosen = {control.id for control in controls}
    roll_ups = [
        _summed(roll_up, leaves, snapshot.account)
        for _, roll_up in sorted(ROLL_UPS.items())
        if _under(roll_up) <= chosen
    ]
    return Findings(
        with_ids(with_since(leaves, snapshot)), with_ids(roll_ups), unused, snapshot.run
    )


class _Evaluation:
    """The evaluation of a control over a table."""

    def __init__(self, control: Control, table: Table, snapshot: Snapshot):
        self.control = control
        self.table = table
        self.snapshot = snapshot
        fields = {**dict(snapshot.run), **dict(snapshot.profile), CLOCK: snapshot.as_of}
        self.thresholds = {name: fields[name] for name in control.thresholds}
        limits = {name: value for name, value in self.thresholds.items() if name != CLOCK}
        self.threshold_values = canonical(limits)
        words = ", ".join(f"{name} = {shown(value)}" for name, value in limits.items())
        expected = " ".join(clause.expected for clause in control.clauses)
        self.expected = f"{expected} [{words}]" if words else expected
        self.columns = control.columns
        self.shown = tuple(dict.fromkeys([*control.columns, *control.shows]))
        columns = table.spec.columns
        self.titles = {name: table.spec.title(name) for name in self.shown}
        self.samples = dict.fromkeys(filter(None, (columns[name].sample for name in self.shown)))
        self.own = {
            "control": control.id,
            "severity": control.severity,
            "account": snapshot.account,
            "expected": self.expected,
            "threshold_values": self.threshold_values,
        }
        self.gaps = table.gap_at
        self.coverage = (
            coverage(control.rests_on, table.spec.scope, snapshot)
            if control.rests_on
            else table.covered
        )
        self.rows = self._rows()

    def findings(self) -> Iterator[Finding]:
        regions = self.snapshot.regions if self.control.scope is REGION else (GLOBAL,)
        for region in regions:
            required_by = self.control.required_by
            if required_by and not self.thresholds[required_by]:
                yield self._not_required(region)
                continue
            judged = [self._judge(row) for row in self.rows if self._is_in(row, region)]
            yield from judged
            unseen = list(self._unseen(region))
            yield from unseen
            if not judged and not unseen:
                yield self._nothing(region)

    def _is_in(self, row: str, region: str) -> bool:
        return self.control.scope is ACCOUNT or self.table.rows[row]["region"] == region

    def _rows(self) -> list[str]:
        """Return the ids of the rows that `where` selects, or may select: a gap hides a column."""
        columns = self.control.where_columns
        return [
            row
            for row, values in self.table.rows.items()
            if any((row, column) in self.gaps for column in columns)
            or self.control.is_about(values)
        ]

    def _judge(self, row: str) -> Finding:
        values = self.table.rows[row]
        judged: list[tuple[Clause, Outcome]] = []
        gaps = self._gaps(row, self.control.where_columns)
        if not gaps:
            for clause in self.control.clauses:
                unseen = self._gaps(row, clause.columns)
                gaps += unseen
                if not unseen:
                    judged.append((clause, self._apply(clause, values)))
        return self._finding(
            values["region"] if self.control.scope is REGION else GLOBAL,
            values["resource"],
            observed=self._observed(row, values, self._deciding(row, judged)),
            observed_values=self._values(row, values),
            sample=self._sample(row, values),
            evidence=self._evidence(row, gaps),
            **self._verdict(row, gaps, judged),
        )

    def _verdict(
        self, row: str, gaps: list[Trouble], judged: list[tuple[Clause, Outcome]]
    ) -> dict[str, Any]:
        """Return a row's status, and the members of a finding that come with it."""
        failed = [clause for clause, outcome in judged if outcome is False]
        if failed:
            severities = [clause.severity or self.control.severity for clause in failed]
            gravest = max(severities, key=SEVERITIES.index)
            return {"status": FAIL, "severity": gravest, **self._unmet(row, judged)}
        if gaps:
            return self._unseen_row(row, gaps[0], judged)
        return self._settled(row, judged)

    def _deciding(self, row: str, judged: list[tuple[Clause, Outcome]]) -> list[str]:
        """Return the columns that decide against a row: of fails, gaps, or a lack of evidence."""
        failed = [clause for clause, outcome in judged if outcome is False]
        unseen = [name for name in self.columns if (row, name) in self.gaps]
        lacking = [clause for clause, outcome in judged if isinstance(outcome, NotEvidenced)]
        if unseen and not failed:
            return unseen
        return [name for clause in (*failed, *lacking) for name in clause.columns]

    def _remedy(self, row: str, clause: Clause, made: NotEvidenced | None = None) -> str:
        """Return the name of the remedy for a clause, by the verdict's case or the row's state."""
        column = self.control.state_column(clause)
        unseen = not column or (row, column) in self.gaps
        state = None if unseen else self.table.rows[row][column]
        if made is None:
            return self.control.remedy_name(clause, state)
        return self.control.remedy_name(clause, made.case or state, made.name)

    def _unmet(self, row: str, judged: list[tuple[Clause, Outcome]]) -> dict[str, Any]:
        """Return the remedies of clauses that do not hold, and the ways out where evidence lacks.

        False clauses come first, then those that the evidence does not decide.
        """
        lacking = [(clause, made) for clause, made in judged if isinstance(made, NotEvidenced)]
        remedies = [self._remedy(row, clause) for clause, outcome in judged if outcome is False]
        remedies += [self._remedy(row, clause, made) for clause, made in lacking]
        hints = dict.fromkeys(self.control.text_of(made) for _, made in lacking)
        return {"remedies": "; ".join(remedies), "hint": "; ".join(filter(None, hints))}

    def _unseen_row(
        self, row: str, gap: Trouble, judged: list[tuple[Clause, Outcome]]
    ) -> dict[str, Any]:
        """Return the verdict of a row with a gap.

        Where the run sent no request, what the parameters lack for another clause comes first:
        without it no answer decides.
        """
        undeclared = any(
            isinstance(made, NotEvidenced) and made.reason == "not declared" for _, made in judged
        )
        if gap.reason != "not collected" or not undeclared:
            return _unseen_by(gap)
        verdict = self._settled(row, judged)
        return {**verdict, "hint": "; ".join(filter(None, (verdict["hint"], gap.hint)))}

    def _settled(self, row: str, judged: list[tuple[Clause, Outcome]]) -> dict[str, Any]:
        """Return the verdict of a row that has no gap and no false clause."""
        for _, outcome in judged:
            if isinstance(outcome, NotEvidenced):
                unmet = self._unmet(row, judged)
                return {"status": NOT_EVIDENCED, "reason": outcome.reason, **unmet}
        worded = [outcome for _, outcome in judged if isinstance(outcome, Worded)]
        attested = [outcome for outcome in worded if isinstance(outcome, Attested)]
        if not attested and len(worded) < len(judged):
            return {"status": PASS}
        decides = (attested or worded)[0]
        return {"status": decides.status, "reason": self.control.text_of(decides)}

    def _apply(self, clause: Clause, values: Mapping[str, Any]) -> Outcome:
        columns = [values[name] for name in clause.columns]
        limits = {name: self.thresholds[name] for name in clause.thresholds}
        outcome: Any = clause.rule(*columns, **limits)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"{self.control.id}: a rule returned {outcome!r}")
        if not self.control.gives_verdict(outcome):
            verdict = outcome.name if isinstance(outcome, Worded) else outcome
            raise LookupError(f"{self.control.id}: the verdict {verdict!r} is not declared")
        return outcome

    def _gaps(self, row: str, columns: Iterable[str]) -> list[Trouble]:
        return [self.gaps[row, column] for column in columns if (row, column) in self.gaps]

    def _evidence(self, row: str, gaps: list[Trouble]) -> tuple[str, ...]:
        refs = [ref for column in self.shown for ref in self.table.refs[row, column]]
        refs += [gap.evidence for gap in gaps if gap.evidence]
        return tuple(dict.fromkeys(refs))

    def _observed(self, row: str, values: Mapping[str, Any], first: list[str]) -> str:
        """Return what was observed: the columns named first, then causes, then the others."""
        parts, columns = [], self.table.spec.columns
        causes = [name for name in self.shown if first and columns[name].cause]
        for name in dict.fromkeys([*first, *causes, *self.shown]):
            title = self.titles[name]
            seen = (
                text("findings/not_seen")
                if (row, name) in self.gaps
                else self._shown(name, values[name])
            )
            ids = self.table.assumed.get((row, name), ())
            sources = ", ".join(text(f"defaults/{id}") for id in ids)
            assumed = text("findings/assumed", sources=sources) if sources else ""
            parts.append(" ".join(filter(None, (f"{title}: {seen}", assumed))))
        return "; ".join(parts)

    def _shown(self, name: str, value: Any) -> str:
        return shown(value, quoted=self.table.spec.columns[name].quoted)

    def _sample(self, row: str, values: Mapping[str, Any]) -> str:
        """Return which part of a population the cells rest on; empty for all of it."""
        parts = [values[name] for name in self.samples if (row, name) not in self.gaps]
        return "; ".join(filter(None, parts))

    def _values(self, row: str, values: Mapping[str, Any]) -> str:
        """Return typed cells by column id, without gaps and transient columns."""
        columns = self.table.spec.columns
        return canonical(
            {
                name: values[name]
                for name in self.shown
                if (row, name) not in self.gaps and not columns[name].transient
            }
        )

    def _unseen(self, region: str) -> Iterator[Finding]:
        """Yield a finding for each call without which the list of rows is not complete."""
        for entry in self.coverage:
            if not entry.trouble or entry.region not in (region, GLOBAL):
                continue
            yield self._finding(
                region,
                text("findings/unlisted", noun=self.control.noun),
                subject=UNLISTED,
                observed=text("findings/not_seen"),
                evidence=entry.evidence,
                **_unseen_by(entry.trouble),
            )

    def _nothing(self, region: str) -> Finding:
        entries = [entry for entry in self.coverage if entry.region in (region, GLOBAL)]
        refs = [ref for entry in entries for ref in entry.evidence]
        unused = region in self.snapshot.regions_unused
        answered = all(entry.evidence for entry in entries if entry.region == region)
        for row, values in self.table.rows.items():
            if values["region"] == region:
                names = self.control.where_columns
                refs += [ref for name in names for ref in self.table.refs[row, name]]
        noun = self.control.noun
        if unused and not (refs and answered):  # the collector sent only the probes there
            refs = [ref for call in PROBES for ref in self.snapshot.answer(call, region).evidence]
            noun = IN_USE.noun
        nothing = text("findings/nothing", noun=noun)
        return self._finding(
            region,
            nothing,
            subject=NOTHING,
            status=NOT_APPLICABLE,
            reason=nothing,
            observed=text("findings/none"),
            evidence=tuple(dict.fromkeys(refs)),
        )

    def _not_required(self, region: str) -> Finding:
        return self._finding(
            region,
            text("findings/whatever"),
            subject=NOT_REQUIRED,
            status=NOT_APPLICABLE,
            reason=text("findings/not_required"),
            observed=text("findings/not_in_profile"),
            evidence=("parameters#/thresholds",),
        )

    def _finding(self, region: str, resource: str, **members: Any) -> Finding:
        """Return a finding of the control, its other members by their names."""
        return Finding(region=region, resource=resource, **(self.own | members))


def _unseen_by(gap: Trouble) -> dict[str, Any]:
    """Return the verdict of what the kit could not see."""
    return {"status": NOT_EVIDENCED, **{name: getattr(gap, name) for name in TROUBLE}}


def _under(roll_up: RollUp) -> set[str]:
    """Return the ids of the controls that a roll-up sums up."""
    return {name for name, control in CONTROLS.items() if roll_up.over(control)}


def _summed(roll_up: RollUp, leaves: list[Finding], account: str) -> Finding:
    """Return the worst status of findings, with severity and names of the controls that have it.

    The controls of the highest severity come first.
    """
    under = [finding for finding in leaves if roll_up.over(CONTROLS[finding.control])]
    status = worst(finding.status for finding in under)
    made = sorted(
        (finding for finding in under if finding.status == status),
        key=lambda finding: (-SEVERITIES.index(finding.severity), finding.control),
    )
    severity = made[0].severity if made and STATUSES[status].listed else ""
    parts: dict[str, list[str]] = {}
    for finding in made:
        parts.setdefault(finding.control, []).append(finding.sample)
    by = [f"{name} ({note})" if (note := samples(notes)) else name for name, notes in parts.items()]
    grave = f" ({severity})" if severity else ""
    all_ids = sorted({finding.control for finding in under})
    return Finding(
        roll_up.id,
        severity,
        account,
        GLOBAL,
        "roll-up",
        status,
        reason=WORST,
        observed=summed_up(f"{status}{grave}", by, len(made), len(under)),
        expected=roll_up.title,
        evidence=tuple(all_ids),
        subject=ROLL_UP,
    )


def shown(value: Any, *, quoted: bool = False) -> str:
    """Return a cell's value as people read it.

    Parameters
    ----------
    value
    quoted : bool
        Somebody outside the kit chose the words, so the catalogue replaces none of them.
    """
    if value in (None, "", [], {}):
        return text("findings/none")
    if isinstance(value, bool):
        return text("findings/true" if value else "findings/false")
    if isinstance(value, dict):
        items = ((shown(name), shown(item, quoted=quoted)) for name, item in value.items())
        return ", ".join(f"{name} {item}" for name, item in items)
    if isinstance(value, (list, tuple)):
        most = 5
        listed = "; ".join(shown(item, quoted=quoted) for item in value[:most])
        more = len(value) - most
        return f"{listed}; {text('findings/more', count=more)}" if more > 0 else listed
    return str(value) if quoted else _in_words(str(value))


def _in_words(value: str) -> str:
    """Return a value; where it begins with a word of the kit, the catalogue's text replaces it."""
    word, bracket, rest = value.partition(" (")
    id = f"values/{word}"
    return f"{text(id)}{bracket}{rest}" if has(id) else value
