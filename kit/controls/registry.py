"""What a control is: its metadata, and a rule over one row of one table.

What people read of it is in `kit.catalogue`: texts by its id and its clauses', and frameworks.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from types import CodeType
from typing import Any, Protocol

from kit.calls import Call, Scope
from kit.catalogue import frameworks, texts
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.controls.source import answered_by, cite, words
from kit.errors import UserError
from kit.parameters import Profile, Run
from kit.tables.core import SPECS, Part

AWS, CUSTOMER, SHARED = "AWS", "customer", "shared"
CLOCK = "as_of"  # what rules name to be told when collection began; no threshold
SEVERITIES = ("low", "medium", "high")
_LIMITS = {*Run.model_fields, *Profile.model_fields, CLOCK}  # what rules may compare with
ACCOUNT, REGION = Scope.ACCOUNT, Scope.REGION

SECTIONS = ("GV", "AR", "IT", "ID", "LG", "MD", "DS", "EX")


def section_title(letters: str) -> str:
    """Return the title of a section of controls, in the language chosen."""
    return texts.text(f"sections/{letters}")


class Worded:
    """A verdict of a rule beside pass and fail; the catalogue has its text.

    Parameters
    ----------
    case : str, optional
        Tells several texts of a control apart that have the same status or reason code.
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


class Attested(Worded):
    """AWS answers for it; the text names where the auditor gets AWS's own word."""

    status = ATTESTED


class NotApplicable(Worded):
    """There is nothing that the control is about, and that was seen."""

    status = NOT_APPLICABLE


class NotEvidenced(Worded):
    """What was seen does not decide it: the reason code says why, the text shows the way out."""

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


@dataclass(frozen=True)
class Remedy:
    """How to correct a fail: in the console, on the command line, in Terraform."""

    console: str
    cli: str = ""
    terraform: str = ""


@dataclass(frozen=True)
class Clause:
    """One rule of a control: the columns it reads and the thresholds it compares with.

    ``severity`` is empty where it is the control's.
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
    def expected(self) -> str:
        """What the rule wants to see."""
        return texts.text(f"controls/{self.control}/expects/{self.rule.__name__}")

    def _parameters(self, kind: Any) -> tuple[str, ...]:
        found = inspect.signature(self.rule).parameters.items()
        return tuple(name for name, parameter in found if parameter.kind is kind)


@dataclass(frozen=True)
class _Described:
    """What a control and a roll-up have in common: an id, and what the catalogue has under it."""

    id: str

    @property
    def title(self) -> str:
        """What it asserts."""
        return texts.text(f"controls/{self.id}/title")

    @property
    def section(self) -> str:
        """The two letters before the number."""
        return self.id[:2]

    @property
    def source(self) -> str:
        """What AWS's page says of it, or that it is beyond the source."""
        return words(self.id)

    @property
    def gdpr(self) -> dict[str, str]:
        """Articles whose demand the rules test, with paragraph, and why each."""
        return _reasons(frameworks.mapped(frameworks.GDPR, self.id))

    @property
    def context(self) -> dict[str, str]:
        """Articles that the subject concerns and that no rule tests; documents show them apart."""
        return _reasons(frameworks.related(frameworks.GDPR, self.id))

    @property
    def requirements(self) -> dict[str, dict[str, str]]:
        """What the rules test of other frameworks: requirements by framework, and why each."""
        found = {id: frameworks.mapped(id, self.id) for id in frameworks.others()}
        return {id: _reasons(some) for id, some in found.items() if some}


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
    asked_by: str
    gives: tuple[str, ...]
    clauses: list[Clause] = field(default_factory=list)

    def clause(self, rule: Rule) -> Rule:
        """Add a rule with columns of its own; one clause that is false makes a fail."""
        return self.clause_of("")(rule)

    def clause_of(self, severity: str) -> Callable[[Rule], Rule]:
        """Add a rule with columns and a severity of its own."""

        def add(rule: Rule) -> Rule:
            clause = Clause(self.id, rule, severity)
            _refuse_unknown(
                self.id, f"column of {self.table}", clause.columns, SPECS[self.table].columns
            )
            _refuse_unknown(self.id, "threshold or parameter", clause.thresholds, _LIMITS)
            self.clauses.append(clause)
            return rule

        return add

    @property
    def remedy(self) -> Remedy:
        """How to correct a fail."""
        parts = {name: f"controls/{self.id}/remedy/{name}" for name in Remedy.__dataclass_fields__}
        return Remedy(**{name: texts.text(id) for name, id in parts.items() if texts.has(id)})

    @cached_property
    def where_columns(self) -> tuple[str, ...]:
        """Columns that `where` names."""
        tree = ast.walk(ast.parse(self.where.query, mode="eval")) if self.where else ()
        return tuple(dict.fromkeys(node.id for node in tree if isinstance(node, ast.Name)))

    def is_about(self, row: Mapping[str, Any]) -> bool:
        """Whether `where` lets a row through, all of whose `where_columns` were seen."""
        return bool(eval(self._where, {}, {name: row[name] for name in self.where_columns}))

    @cached_property
    def _where(self) -> CodeType:
        """`where`, compiled once: pandas parses a query again for each frame."""
        return compile(self.where.query if self.where else "True", self.id, "eval")

    def gives_verdict(self, outcome: Outcome) -> bool:
        """Whether a verdict is declared: pass and fail in `gives`, others in the catalogue."""
        if isinstance(outcome, Worded):
            return texts.has(self._verdict(outcome))
        return (PASS if outcome else FAIL) in self.gives

    def text_of(self, outcome: Worded) -> str:
        """Return a verdict's text: reason of what is attested or not applicable, else the way out."""
        page = cite(self.id) if outcome.status == ATTESTED and answered_by(self.id) else ""
        return texts.text(self._verdict(outcome), page=page, **outcome.values)

    def _verdict(self, outcome: Worded) -> str:
        return f"controls/{self.id}/verdicts/{outcome.name}"

    @property
    def noun(self) -> str:
        """What one of the rows that it is about is called."""
        return self.where.noun if self.where else SPECS[self.table].noun

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that decides, in the order in which they are shown."""
        read = [name for clause in self.clauses for name in clause.columns]
        return tuple(dict.fromkeys([*read, *self.where_columns]))

    @property
    def calls(self) -> set[Call]:
        """The calls whose answers this control reads."""
        return SPECS[self.table].needs([*self.columns, *self.shows], self.rests_on)

    @property
    def thresholds(self) -> tuple[str, ...]:
        """Names of the thresholds and lists that decide, and perhaps the clock."""
        names = [name for clause in self.clauses for name in clause.thresholds]
        spec = SPECS[self.table]
        names += spec.thresholds
        names += [limit for name in self.columns for limit in spec.columns[name].thresholds]
        return tuple(dict.fromkeys([*names, *filter(None, [self.asked_by])]))


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
    asked_by: str = "",
    gives: tuple[str, ...] = (PASS, FAIL),
) -> Callable[[Rule], Control]:
    """Declare the control whose first rule is the decorated function.

    Parameters
    ----------
    id : str
        Section and number, such as ``AR-05``.
    table : str
        The table whose rows are judged, one finding for each.
    where : Part, optional
        The rows of the table that the control is about; by default all.
    scope : Scope
        The account, or each region in scope: at least one finding for each.
    severity : {"low", "medium", "high"}
    responsibility : {"AWS", "customer", "shared"}
    shows : tuple of str
        Columns shown in support; what hides them does not hide the verdict.
    rests_on : tuple of Call
        The calls that have to be complete for "there is none", where they are not the table's.
    asked_by : str
        Field of the profile without which the control is not applicable, whatever is there.
    gives : tuple of str
        Which of pass and fail its rules can give; the catalogue has the other verdicts.

    Returns
    -------
    callable
        Turns the rule into the `Control`. The function's name is the id of the clause, under which
        ``kit/catalogue/texts/en.yaml`` has what it expects.
    """

    def declare(rule: Rule) -> Control:
        made = Control(
            id,
            table,
            where,
            scope,
            severity,
            responsibility,
            shows,
            rests_on,
            asked_by,
            gives,
        )
        if id in CONTROLS:
            raise ValueError(f"{id} is declared twice")
        _refuse_unknown(id, "table", [table], SPECS)
        _refuse_unknown(id, "severity", [severity], SEVERITIES)
        _refuse_unknown(id, "responsibility", [responsibility], (AWS, CUSTOMER, SHARED))
        _refuse_unknown(id, f"column of {table}", made.shows, SPECS[table].columns)
        CONTROLS[id] = made
        made.clause(rule)
        return made

    return declare


def _refuse_unknown(control: str, kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise for a name in a declaration that nothing has, with what is near."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise ValueError(f"{control}: there is no {kind} {name!r}; {hint}")


def roll_up(id: str, *, responsibility: str) -> Callable[[_Findings], RollUp]:
    """Declare a roll-up over the controls for which the decorated function is true."""

    def declare(over: _Findings) -> RollUp:
        ROLL_UPS[id] = RollUp(id, responsibility, over)
        return ROLL_UPS[id]

    return declare


def describe(ids: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return all that is declared of controls and roll-ups, as plain data in order of their ids.

    Raises
    ------
    UserError
        An id that no control has.
    """
    known: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    return [_described(known[name]) for name in sorted(map(find, ids)) or sorted(known)]


def find(name: str) -> str:
    """Return the id of a control or roll-up as it is declared, whatever its case.

    Raises
    ------
    UserError
        No control has it; the message names those that are near.
    """
    known = CONTROLS.keys() | ROLL_UPS.keys()
    if name.upper() in known:
        return name.upper()
    near = difflib.get_close_matches(name.upper(), sorted(known), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`evidence controls` lists them"
    raise UserError(f"there is no control {name!r}; {hint}")


def _described(one: Control | RollUp) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": one.id,
        "title": one.title,
        "section": section_title(one.section),
        "responsibility": one.responsibility,
        "gdpr": dict(one.gdpr),
        "context": dict(one.context),
        "source": one.source,
        "requirements": one.requirements,
    }
    if isinstance(one, RollUp):
        return told | {"sums_up": sorted(c.id for c in CONTROLS.values() if one.over(c))}
    return told | {
        "scope": one.scope.value,
        "severity": one.severity,
        "expected": [clause.expected for clause in one.clauses],
        "thresholds": list(one.thresholds),
        "table": one.table,
        "about": one.noun,
        "columns": list(one.columns),
        "calls": sorted(call.name for call in one.calls),
        "permissions": sorted({call.action for call in one.calls if call.action}),
        "remedy": asdict(one.remedy),
    }
