"""What own controls declare, as data from which the kit declares them without their rules."""

from __future__ import annotations

import inspect
from typing import Any

from kit.calls import CALLS, Scope
from kit.controls.registry import SEVERITIES, Clause, Control, Rule, control
from kit.own import ID
from kit.tables.core import Part

_PLAIN = ("table", "severity", "responsibility", "required_by")


def declaration(declared: Control) -> dict[str, Any]:
    """Return a control's declaration as plain data."""
    where = declared.where
    return {
        "id": declared.id,
        **{name: getattr(declared, name) for name in _PLAIN},
        "where": [where.query, where.name] if where else [],
        "scope": declared.scope.value,
        "shows": list(declared.shows),
        "rests_on": [call.name for call in declared.rests_on],
        "gives": list(declared.gives),
        "rules": [_rule(clause) for clause in declared.clauses],
    }


def _rule(clause: Clause) -> list[Any]:
    return [clause.rule.__name__, list(clause.columns), list(clause.thresholds), clause.severity]


def declare(given: Any) -> str:
    """Declare a control in this process, with rules that judge nothing, and return its id.

    Raises
    ------
    ValueError, TypeError, LookupError
        It is not a declaration, its id is the kit's, or it names what the kit does not have.
    """
    if not ID.fullmatch(given["id"]):
        raise ValueError(f"{given['id']!r} is an id of the kit's form")
    rules = given["rules"]
    first = control(
        given["id"],
        **{name: given[name] for name in _PLAIN},
        where=Part(*given["where"]) if given["where"] else None,
        scope=Scope(given["scope"]),
        shows=tuple(given["shows"]),
        rests_on=tuple(CALLS[name] for name in given["rests_on"]),
        gives=tuple(given["gives"]),
    )
    made = first(_stub(*rules[0][:3]))
    for name, columns, thresholds, severity in rules[1:]:
        if severity and severity not in SEVERITIES:
            raise ValueError(f"{given['id']}: severity {severity!r}")
        made.clause_of(severity)(_stub(name, columns, thresholds))
    return made.id


def _stub(name: str, columns: list[str], thresholds: list[str]) -> Rule:
    def rule() -> bool:
        raise NotImplementedError(name)

    kinds = inspect.Parameter
    rule.__name__ = name
    rule.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            *(kinds(column, kinds.POSITIONAL_OR_KEYWORD) for column in columns),
            *(kinds(limit, kinds.KEYWORD_ONLY) for limit in thresholds),
        ]
    )
    return rule
