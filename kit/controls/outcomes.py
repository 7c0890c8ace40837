"""The verdicts that a rule can give, read from the rule itself, so that no text of it can differ."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS, WORST_FIRST
from kit.controls.registry import Attested, Control, NotApplicable, NotEvidenced, Rule
from kit.controls.source import cite

_STATUS = {Attested: ATTESTED, NotEvidenced: NOT_EVIDENCED, NotApplicable: NOT_APPLICABLE}
_ANYTHING = "…"  # stands in a text for what a row fills in


@dataclass(frozen=True)
class Branch:
    """One verdict of a rule: status, reason or source, and the way out of it."""

    status: str
    reason: str = ""
    hint: str = ""


def branches(control: Control) -> list[Branch]:
    """Return the verdicts that a control's rules give about rows that were seen, worst first.

    A row that could not be seen is "not evidenced" before any rule is asked, and where there is no
    row the control is "not applicable": that holds for every control and is not repeated here.
    """
    found: dict[Branch, None] = {}
    for clause in control.clauses:
        found.update(dict.fromkeys(_answers(clause.rule)))
        found.update(dict.fromkeys(_made(clause.rule)))
    return sorted(found, key=lambda branch: WORST_FIRST.index(branch.status))


def _answers(rule: Rule) -> Iterator[Branch]:
    """Pass and fail, as far as a rule, or one that it leaves the answer to, can give them."""
    function = _read(rule)
    given = {name.arg: name.annotation for name in ast.walk(function) if isinstance(name, ast.arg)}

    def told(value: ast.expr | None) -> Iterator[Branch]:
        match value:
            case ast.Constant(value=bool(holds)):
                yield Branch(PASS if holds else FAIL)
            case ast.IfExp():
                yield from told(value.body)
                yield from told(value.orelse)
            case ast.Call(func=ast.Name(id=name)) if name in rule.__globals__:
                called = rule.__globals__[name]
                if inspect.isfunction(called):
                    yield from _answers(called)
            case ast.Name(id=name) if name in rule.__globals__:
                pass
            case ast.Name(id=name) if getattr(given.get(name), "id", "") == "Outcome":
                pass
            case _:
                yield from (Branch(FAIL), Branch(PASS))

    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            yield from told(node.value)


def _made(rule: Rule) -> Iterator[Branch]:
    """The other verdicts, wherever a rule or what it calls makes or names one."""
    names = rule.__globals__
    for node in ast.walk(_read(rule)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = names.get(node.func.id)
            if called in _STATUS:
                texts = [_text(value, names) for value in node.args]
                yield Branch(_STATUS[called], *texts)
            elif inspect.isfunction(called) and called.__module__.startswith("kit.controls"):
                yield from _made(called)
        elif isinstance(node, ast.Name) and type(names.get(node.id)) in _STATUS:
            one: Any = names[node.id]
            texts = [getattr(one, name) for name in one.__dataclass_fields__]
            yield Branch(_STATUS[type(one)], *texts)


def _read(rule: Rule) -> ast.FunctionDef:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(rule))).body[0]
    assert isinstance(parsed, ast.FunctionDef)
    return parsed


def _text(value: ast.expr, names: dict[str, Any]) -> str:
    match value:
        case ast.Constant():
            return str(value.value)
        case ast.Name(id=name) if isinstance(names.get(name), str):
            return str(names[name])
        case ast.Call(func=ast.Name(id="cite"), args=[ast.Constant(value=str(control))]):
            return cite(control)
        case ast.JoinedStr():
            return "".join(_text(part, names) for part in value.values)
        case ast.FormattedValue():
            return _text(value.value, names)
    return _ANYTHING
