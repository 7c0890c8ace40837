"""The registry of controls: each has metadata, and rules over a row of a table.

`kit.catalogue` holds its texts, by the ids of the control and its clauses, and the frameworks.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from types import CodeType
from typing import Any, NamedTuple, Protocol

from kit.calls import Call, Scope
from kit.catalogue import frameworks, texts
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.controls.source import answered_by, cite, words
from kit.errors import UserError
from kit.parameters import Profile, Run
from kit.tables.core import SPECS, Part

AWS, CUSTOMER, SHARED = "AWS", "customer", "shared"
ANYTHING = "…"  # stands in a text for what a row fills in
CLOCK = "as_of"  # the parameter of a rule that takes when collection began; no threshold
SEVERITIES = ("low", "medium", "high")
_LIMITS = {*Run.model_fields, *Profile.model_fields, CLOCK}  # what rules may compare with
ACCOUNT, REGION = Scope.ACCOUNT, Scope.REGION

SECTIONS = ("GV", "AR", "IT", "ID", "LG", "MD", "DS", "EX")
OWN_SECTION = "OW"  # of controls that are not the kit's: see `kit.own`


def section_title(letters: str) -> str:
    """Return the title of a section of controls, in the language chosen."""
    return texts.text(f"sections/{letters}")


class Worded:
    """A verdict of a rule beside pass and fail; the catalogue has its text.

    Parameters
    ----------
    case : str, optional
        Distinguishes texts of a control that have the same status or reason code.
    **values
        The text's fields.
    """

    status: str

    def __init__(self, case: str = "", /, **values: object):
        self.case = case
        self.values = values

    @property
    def name(self) -> str:
        """Id of the text among the control's ``verdicts``."""
        return "/".join(filter(None, (self.status, self.case)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Attested(Worded):
    """AWS answers for it; the text names where the auditor gets AWS's statement."""

    status = ATTESTED


class NotApplicable(Worded):
    """The evidence shows that nothing exists that the control is about."""

    status = NOT_APPLICABLE


class NotEvidenced(Worded):
    """The evidence does not decide it: the reason code says why, the text shows the way out."""

    status = NOT_EVIDENCED

    def __init__(self, reason: str, case: str = "", /, **values: object):
        super().__init__(case, **values)
        self.reason = reason

    @property
    def name(self) -> str:
        """Id of the text among the control's ``verdicts``."""
        return "/".join(filter(None, (self.reason, self.case)))


Outcome = bool | Attested | NotEvidenced | NotApplicable
Rule = Callable[..., Outcome]


_CLI = "AWS CLI"


@dataclass(frozen=True)
class Remedy:
    """How to correct what a clause does not find as it expects.

    Attributes
    ----------
    state, clause : str
        The resource's state, and the clause's expectation where the control has several clauses.
    needs, breaks : str
        What has to be so before, and what stops working.
    console : str
        The steps in the console.
    cli, undo : str
        Commands, with comments, and those that restore what was before. A line that starts with
        ``## `` names the case of the lines below it, which are run in that case alone.
    terraform : str
        Arguments or blocks.
    """

    state: str
    clause: str
    needs: str
    breaks: str
    console: str
    cli: str
    undo: str
    terraform: str

    @property
    def when(self) -> str:
        """What the remedy is for; empty where the control has one remedy."""
        return " ".join(filter(None, (self.state, self.clause)))

    @property
    def steps(self) -> list[Step]:
        """The code, without empty parts; commands of a case are a step of their own."""
        parts = (
            *_by_case(_CLI, self.cli),
            *_by_case(texts.text("pack/page/undo"), self.undo),
            Step("Terraform", "terraform", self.terraform),
        )
        return [step for step in parts if step.code]

    @property
    def prose(self) -> list[tuple[str, str]]:
        """Title and text of what has to be so before, what stops working, and the steps."""
        parts = (("needs", self.needs), ("breaks", self.breaks), ("remediation", self.console))
        return [(texts.text(f"pack/page/{name}"), text) for name, text in parts if text]

    @cached_property
    def brief(self) -> str:
        """All of its prose in a text."""
        (_, console), *before = self.prose[::-1]
        parts = [self.when, *(f"{title}: {text}" for title, text in before[::-1]), console]
        return " ".join(filter(None, parts))

    @cached_property
    def script(self) -> str:
        """The commands; those of a case, and those that undo them, as comments."""
        lines = []
        for step in self.steps:
            if step.title == _CLI:
                lines.append(step.code)
            elif step.language == "sh":
                lines.append(f"# {step.title}:")
                lines += [f"# {line.removeprefix('# ')}" for line in step.code.splitlines()]
        return "\n".join(lines)


class Step(NamedTuple):
    """Code of a remedy: its title, its language and its lines."""

    title: str
    language: str
    code: str


def _by_case(title: str, commands: str) -> Iterator[Step]:
    first, *rest = re.split(r"^## (.+)$", commands, flags=re.MULTILINE)
    yield Step(title, "sh", first.strip())
    for case, lines in zip(rest[::2], rest[1::2], strict=True):
        yield Step(f"{title} ({case})", "sh", lines.strip())


class RemedyName(NamedTuple):
    """What a finding's remedy is for, as ``clause/state?verdict``; all may be empty.

    Attributes
    ----------
    clause : str
        Id of the clause that does not hold, or that the evidence does not decide.
    state : str
        The resource's state, or the case of the verdict, where the texts know it.
    verdict : str
        Id of the clause's verdict where the evidence does not decide it; empty for a fail.
    """

    clause: str
    state: str
    verdict: str

    @classmethod
    def of(cls, name: str) -> RemedyName:
        """Return the parts of a name."""
        place, _, verdict = name.partition("?")
        clause, _, state = place.partition("/")
        return cls(clause, state, verdict)

    def __str__(self) -> str:
        place = "/".join(filter(None, (self.clause, self.state)))
        return "?".join(filter(None, (place, self.verdict)))


@dataclass(frozen=True)
class Clause:
    """A rule of a control: the columns that it reads and the thresholds that it compares with.

    ``severity`` is empty where the control's severity applies.
    """

    control: str
    rule: Rule
    severity: str = ""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Positional parameters: columns of the table."""
        return self._parameters(inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @cached_property
    def thresholds(self) -> tuple[str, ...]:
        """Keyword-only parameters: fields of the profile or of the run."""
        return self._parameters(inspect.Parameter.KEYWORD_ONLY)

    @property
    def expects(self) -> str:
        """What the rule expects."""
        return texts.text(f"controls/{self.control}/expects/{self.rule.__name__}")

    @property
    def expected(self) -> str:
        """What the rule expects, and what it does not look at."""
        limits = f"controls/{self.control}/limits/{self.rule.__name__}"
        return f"{self.expects} {texts.text(limits)}" if texts.has(limits) else self.expects

    def _parameters(self, kind: Any) -> tuple[str, ...]:
        parameters = inspect.signature(self.rule).parameters.items()
        return tuple(name for name, parameter in parameters if parameter.kind is kind)


@dataclass(frozen=True)
class _Described:
    """What controls and roll-ups share: an id, and the texts and mappings of the catalogue."""

    id: str

    @property
    def title(self) -> str:
        """What the control asserts."""
        return texts.text(f"controls/{self.id}/title")

    @property
    def section(self) -> str:
        """The two letters before the number of its id."""
        return self.id[:2]

    @property
    def source(self) -> str:
        """What AWS's page says of the control's subject, or that the page says nothing of it."""
        return words(self.id)

    @property
    def gdpr(self) -> dict[str, str]:
        """Reasons by article, with paragraph, whose demand the rules test."""
        return _reasons(frameworks.mapped(frameworks.GDPR, self.id))

    @property
    def context(self) -> dict[str, str]:
        """Reasons by article that concerns the subject and that no rule tests."""
        return _reasons(frameworks.related(frameworks.GDPR, self.id))

    @property
    def requirements(self) -> dict[str, dict[str, str]]:
        """Reasons by framework and requirement that the rules test, the GDPR and AWS's page aside."""
        mappings = {id: frameworks.mapped(id, self.id) for id in frameworks.others()}
        return {id: _reasons(mapping) for id, mapping in mappings.items() if mapping}


def _reasons(ids: Mapping[str, str]) -> dict[str, str]:
    return {requirement: id and texts.text(id) for requirement, id in ids.items()}


@dataclass(frozen=True)
class Control(_Described):
    """A control; see `control` for the members."""

    table: str
    where: Part | None
    scope: Scope
    severity: str
    responsibility: str
    shows: tuple[str, ...]
    rests_on: tuple[Call, ...]
    required_by: str
    gives: tuple[str, ...]
    remedy_by: tuple[str, ...]
    clauses: list[Clause] = field(default_factory=list)

    def clause(self, rule: Rule) -> Rule:
        """Add a rule that reads other columns; a false clause makes the finding a fail."""
        return self.clause_of("")(rule)

    def clause_of(self, severity: str) -> Callable[[Rule], Rule]:
        """Add a rule that reads other columns and has another severity."""

        def add(rule: Rule) -> Rule:
            clause = Clause(self.id, rule, severity)
            _refuse_unknown(
                self.id, f"column of {self.table}", clause.columns, SPECS[self.table].columns
            )
            _refuse_unknown(self.id, "threshold or parameter", clause.thresholds, _LIMITS)
            self.clauses.append(clause)
            return rule

        return add

    def compares_with(self, name: str) -> bool:
        """Return whether a clause compares with a threshold or parameter."""
        return any(name in clause.thresholds for clause in self.clauses)

    def remedy_name(self, clause: Clause, state: object, verdict: str = "") -> str:
        """Return the name of the remedy for a clause, and for a state that the texts know."""
        known = isinstance(state, str) and texts.has(f"states/{state}/when")
        return str(RemedyName(clause.rule.__name__, str(state) if known else "", verdict))

    def remedy(self, name: str = "") -> Remedy:
        """Return a remedy by its name; see `RemedyName`.

        The catalogue has it under the verdict that lacks evidence, the clause and the state, the
        clause, the state, or for the whole control. Its fields are what the state demands; see
        ``states`` in the catalogue.
        """
        clause, state, verdict = RemedyName.of(name)
        places = dict.fromkeys(
            "/".join(filter(None, ("controls", self.id, "remedy", *parts)))
            for parts in (
                *([(verdict,)] if verdict else []),
                (clause, state),
                (clause,),
                (state,),
                (),
            )
        )
        place = next((place for place in places if texts.has(f"{place}/console")), "")
        if not place:
            raise LookupError(f"{self.id}: the catalogue has no remedy {name!r}")
        parts = {
            part: _filled(f"{place}/{part}", state)
            for part in Remedy.__dataclass_fields__
            if part not in ("state", "clause")
        }
        found = texts.text(f"states/{state}/when") if state else ""
        return Remedy(state=found, clause=self._unmet(clause, verdict), **parts)

    @property
    def remedies(self) -> list[Remedy]:
        """The different remedies of the control, in the order of the catalogue."""
        start, end = f"controls/{self.id}/remedy/", "/console"
        names = [
            id.removeprefix(start).removesuffix("console").strip("/")
            for id in texts.ids()
            if id.startswith(start) and id.endswith(end)
        ]
        clauses = {clause.rule.__name__ for clause in self.clauses}

        def named(name: str) -> str:
            if name.partition("/")[0] in clauses or not name:
                return name
            is_verdict = texts.has(f"controls/{self.id}/verdicts/{name}")
            return f"?{name}" if is_verdict else f"/{name}"

        every = [self.remedy(named(name)) for name in names]
        alike = {replace(remedy, state="", clause=""): remedy for remedy in every[::-1]}
        return list(alike.values())[::-1]

    def _unmet(self, name: str, verdict: str) -> str:
        """Return what a clause expects, as not met or not known; empty where it is the only one.

        Without a clause it is what the verdict's text says.
        """
        title = texts.text("pack/page/not_known" if verdict else "pack/page/not_met")
        if verdict and not name:
            id = f"controls/{self.id}/verdicts/{verdict}"
            return f"{title}: {texts.text(id, **dict.fromkeys(texts.fields(id), ANYTHING))}"
        own = (c for c in self.clauses if len(self.clauses) > 1 and c.rule.__name__ == name)
        return next((f"{title}: {clause.expects}" for clause in own), "")

    @cached_property
    def where_columns(self) -> tuple[str, ...]:
        """Columns that `where` names."""
        tree = ast.walk(ast.parse(self.where.query, mode="eval")) if self.where else ()
        return tuple(dict.fromkeys(node.id for node in tree if isinstance(node, ast.Name)))

    def is_about(self, row: Mapping[str, Any]) -> bool:
        """Whether `where` selects a row, none of whose `where_columns` has a gap."""
        return bool(eval(self._where, {}, {name: row[name] for name in self.where_columns}))

    @cached_property
    def _where(self) -> CodeType:
        """`where`, compiled once: pandas parses a query again for each frame."""
        return compile(self.where.query if self.where else "True", self.id, "eval")

    def gives_verdict(self, outcome: Outcome) -> bool:
        """Whether `gives` declares a pass or fail, or the catalogue another verdict."""
        if isinstance(outcome, Worded):
            return texts.has(self._verdict(outcome))
        return (PASS if outcome else FAIL) in self.gives

    def text_of(self, outcome: Worded) -> str:
        """Return a verdict's text: why it is attested or not applicable, else the way out."""
        page = cite(self.id) if outcome.status == ATTESTED and answered_by(self.id) else ""
        return texts.text(self._verdict(outcome), page=page, **outcome.values)

    def _verdict(self, outcome: Worded) -> str:
        return f"controls/{self.id}/verdicts/{outcome.name}"

    def state_column(self, clause: Clause) -> str:
        """Return the column whose value decides a clause's remedy; empty for none.

        A column that another clause reads is the state of what that clause judges.
        """
        read = {name for one in self.clauses for name in one.columns} - {*clause.columns}
        own = [name for name in self.remedy_by if name in clause.columns]
        return next(iter([*own, *(name for name in self.remedy_by if name not in read)]), "")

    @property
    def noun(self) -> str:
        """What a row that the control judges is called."""
        return self.where.noun if self.where else SPECS[self.table].noun

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that decide, in the order in which findings show them."""
        read = [name for clause in self.clauses for name in clause.columns]
        return tuple(dict.fromkeys([*read, *self.where_columns]))

    @property
    def calls(self) -> set[Call]:
        """The calls whose answers this control reads."""
        return SPECS[self.table].needs([*self.columns, *self.shows], self.rests_on)

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Names of the thresholds and lists that decide, and of the clock where a rule takes it."""
        names = [name for clause in self.clauses for name in clause.thresholds]
        spec = SPECS[self.table]
        names += spec.thresholds
        names += [limit for name in self.columns for limit in spec.columns[name].thresholds]
        return tuple(dict.fromkeys([*names, *filter(None, [self.required_by])]))


def _filled(id: str, state: str) -> str:
    """Return a part of a remedy with what the state demands, or any state where it is not known."""
    if not texts.has(id):
        return ""
    places = {
        name: next(
            place for place in (f"states/{state}/{name}", f"states/any/{name}") if texts.has(place)
        )
        for name in texts.fields(id)
    }
    values = {name: texts.text(place) for name, place in places.items()}
    return "\n".join(line for line in texts.text(id, **values).splitlines() if line.strip()).strip()


class _Findings(Protocol):
    def __call__(self, control: Control) -> bool: ...


@dataclass(frozen=True)
class RollUp(_Described):
    """A control that sums up others: the worst of their findings, never counted in totals."""

    responsibility: str
    over: _Findings


CONTROLS: dict[str, Control] = {}
ROLL_UPS: dict[str, RollUp] = {}


def control(
    id: str,
    *,
    table: str,
    where: Part | None = None,
    scope: Scope,
    severity: str,
    responsibility: str,
    shows: tuple[str, ...] = (),
    rests_on: tuple[Call, ...] = (),
    required_by: str = "",
    gives: tuple[str, ...] = (PASS, FAIL),
    remedy_by: tuple[str, ...] = (),
) -> Callable[[Rule], Control]:
    """Declare the control whose first rule is the decorated function.

    Parameters
    ----------
    id : str
        Section and number, such as ``AR-05``.
    table : str
        The table whose rows the control judges, a finding for each.
    where : Part, optional
        The rows of the table that the control judges; by default all.
    scope : Scope
        The account, or each region in scope: at least one finding for each.
    severity : {"low", "medium", "high"}
    responsibility : {"AWS", "customer", "shared"}
    shows : tuple of str
        Columns that a finding shows in support; a gap in them leaves the verdict as it is.
    rests_on : tuple of Call
        The calls whose complete answers show that nothing exists; by default the table's.
    required_by : str
        Field of the profile that requires the control; while it is empty or false, the control
        is not applicable.
    gives : tuple of str
        Which of pass and fail its rules can return; the catalogue has the other verdicts.
    remedy_by : tuple of str
        Columns with the state that decides the remedy: for each clause the first that its rule
        reads, else the first of all. ``states`` in the catalogue has the values.

    Returns
    -------
    callable
        Turns the rule into the `Control`. The function's name is the id of the clause;
        ``kit/catalogue/texts/en.yaml`` has the expectation under it.
    """

    def declare(rule: Rule) -> Control:
        declared = Control(
            id,
            table,
            where,
            scope,
            severity,
            responsibility,
            shows,
            rests_on,
            required_by,
            gives,
            remedy_by,
        )
        if id in CONTROLS:
            raise ValueError(f"{id} is declared twice")
        _refuse_unknown(id, "table", [table], SPECS)
        _refuse_unknown(id, "severity", [severity], SEVERITIES)
        _refuse_unknown(id, "responsibility", [responsibility], (AWS, CUSTOMER, SHARED))
        _refuse_unknown(id, f"column of {table}", (*shows, *remedy_by), SPECS[table].columns)
        CONTROLS[id] = declared
        declared.clause(rule)
        return declared

    return declare


def _refuse_unknown(
    control: str, kind: str, names: Iterable[str], accepted: Collection[str]
) -> None:
    """Raise for a name that a declaration must not use; the message has a similar name."""
    for name in names:
        if name not in accepted:
            near = difflib.get_close_matches(name, accepted)
            names_accepted = ", ".join(sorted(accepted))
            hint = f"did you mean {near[0]!r}?" if near else f"accepted: {names_accepted}"
            raise ValueError(f"{control}: {name!r} is not a {kind}; {hint}")


def roll_up(id: str, *, responsibility: str) -> Callable[[_Findings], RollUp]:
    """Declare a roll-up over the controls for which the decorated function is true."""

    def declare(over: _Findings) -> RollUp:
        ROLL_UPS[id] = RollUp(id, responsibility, over)
        return ROLL_UPS[id]

    return declare


def describe(ids: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the declarations of controls and roll-ups, as plain data in order of their ids.

    Raises
    ------
    UserError
        No control has an id.
    """
    controls: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    return [_described(controls[name]) for name in sorted(map(find, ids)) or sorted(controls)]


def find(name: str) -> str:
    """Return the declared id of a control or roll-up; `name` may have any case.

    Raises
    ------
    UserError
        No control has the id; the message names similar ids.
    """
    ids = CONTROLS.keys() | ROLL_UPS.keys()
    if name.upper() in ids:
        return name.upper()
    padded = re.sub(r"\d+$", lambda number: number[0].zfill(2), name.upper())  # AR-5 for AR-05
    close = difflib.get_close_matches(name.upper(), sorted(ids))
    near = dict.fromkeys([*({padded} & ids), *close])
    hint = f"did you mean {' or '.join(near)}?" if near else "`evidence controls` lists them"
    raise UserError(f"{name!r} is not a control; {hint}")


def _parts(remedy: Remedy) -> dict[str, str]:
    parts = asdict(remedy)
    return {name: parts[name] for name in parts if name not in ("state", "clause")}


def _described(control: Control | RollUp) -> dict[str, Any]:
    declarations: dict[str, Any] = {
        "id": control.id,
        "title": control.title,
        "section": section_title(control.section),
        "responsibility": control.responsibility,
        "gdpr": dict(control.gdpr),
        "context": dict(control.context),
        "source": control.source,
        "requirements": control.requirements,
    }
    if isinstance(control, RollUp):
        under = sorted(leaf.id for leaf in CONTROLS.values() if control.over(leaf))
        return declarations | {"sums_up": under}
    return declarations | {
        "scope": control.scope.value,
        "severity": control.severity,
        "expected": [clause.expected for clause in control.clauses],
        "thresholds": list(control.thresholds),
        "table": control.table,
        "about": control.noun,
        "columns": list(control.columns),
        "calls": sorted(call.name for call in control.calls),
        "permissions": sorted({call.action for call in control.calls if call.action}),
        "remedies": [{"when": remedy.when} | _parts(remedy) for remedy in control.remedies],
    }
