"""What `benchmarks.mutants` changes, and that a function runs what it was changed to."""

from __future__ import annotations

import ast
import builtins
import importlib.util
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import pytest

from benchmarks import mutants

SOURCE = """\
LEAST = 3


def judged(days, *, words=("a",)):
    if not days:
        return None
    return all(word in ("a", "b") for word in words) and LEAST <= days < 8
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    path = tmp_path / "judging.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("judging", path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def changes(source: str, folder: Path) -> dict[str, mutants.Mutant]:
    (folder / "changed.py").write_text(source)
    return {one.change: one for one in (make() for make in mutants.mutants(folder / "changed.py"))}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a == b", {"a != b"}),
        ("a in ('x', 'y')", {"a not in ('x', 'y')", "a in ('x~', 'y')", "a in ('x', 'y~')"}),
        ("a <= b < c", {"a < b < c", "a > b < c", "a <= b <= c", "a <= b >= c"}),
        ("a is None", {"a is not None"}),
        ("a and b", {"a or b"}),
        ("not a", {"a"}),
        ("True", {"False"}),
        ("7", {"8", "6"}),
        ("'a word'", set()),
        ("any(a)", {"all"}),
    ],
)
def test_each_kind_of_fault_is_made(tmp_path: Path, before: str, after: set[str]) -> None:
    ast.parse(before)
    made = {change.split("  ->  ")[1] for change in changes(f"x = {before}\n", tmp_path)}
    assert made == after


def test_a_condition_is_turned_round(tmp_path: Path) -> None:
    (change,) = changes("if ready:\n    pass\n", tmp_path)
    assert change == "ready  ->  not ready"


def test_a_change_names_its_line_and_whether_a_function_holds_it(tmp_path: Path) -> None:
    made = changes(SOURCE, tmp_path)
    assert (made["3  ->  4"].line, made["3  ->  4"].called) == (1, False)
    assert (made["all  ->  any"].line, made["all  ->  any"].called) == (7, True)


def test_a_function_runs_what_it_was_changed_to(module: ModuleType, tmp_path: Path) -> None:
    judged = module.judged
    assert isinstance(judged, FunctionType)
    assert (judged(3), judged(8)) == (True, False)
    functions = {judged.__code__: [judged]}
    made = {
        one.change: one for one in (make() for make in mutants.mutants(tmp_path / "judging.py"))
    }
    mutants.swap(made["LEAST <= days < 8  ->  LEAST <= days <= 8"], functions)
    assert (judged(3), judged(8), judged(9)) == (True, True, False)


def test_a_mutant_is_recorded_where_its_expression_has_another_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = changes(SOURCE, tmp_path)
    path, record = tmp_path / "changed.py", mutants.Record()
    monkeypatch.setattr(builtins, mutants.COMPARED, record.compared, raising=False)
    scope: dict[str, Any] = {}
    exec(mutants.comparing(path), scope)
    assert [scope["judged"](days) for days in (0, 2, 8, 9)] == [None, False, False, False]
    noted = {change for change, one in made.items() if one.key in record.tests}
    differing = {change for change, one in made.items() if record.tests.get(one.key)}
    assert "LEAST <= days < 8  ->  LEAST <= days <= 8" in differing
    assert "LEAST <= days < 8  ->  LEAST < days < 8" in noted - differing
    assert scope["judged"](3) is True
    assert record.tests[made["LEAST <= days < 8  ->  LEAST < days < 8"].key] == {""}
    assert made["3  ->  4"].key not in record.tests


def test_what_another_value_calls_is_not_compared() -> None:
    record = mutants.Record()
    within = partial(record.compared, "within", 0, 1, lambda: 2)
    assert record.compared("around", 0, 1, within, lambda: 1 / 0) == 1
    assert record.tests == {("around", 0, 0): set(), ("around", 0, 1): {""}}


def test_a_mutant_has_its_tests_and_those_that_were_not_recorded(tmp_path: Path) -> None:
    change = changes(SOURCE, tmp_path)["not days  ->  days"]
    names = ("slow", "unknown", "other", "fast")
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    record = mutants.Record()
    record.tests[change.key] = {"slow", "fast"}
    record.seconds = {"slow": 2.0, "other": 1.0, "fast": 1.0}
    assert [one.nodeid for one in record.chosen(change, items)] == ["unknown", "fast", "slow"]


def test_a_mutant_that_no_test_evaluates_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    change = changes(SOURCE, tmp_path)["not days  ->  days"]
    assert mutants.survives(change, mutants.Record().chosen(change, []), {})
    assert capsys.readouterr().out == "SURVIVES changed.py:5 not days  ->  days (no test runs it)\n"


def test_rules_and_tables_are_mutated_and_the_declarations_of_answers_are_not() -> None:
    names = {str(path.relative_to(mutants.ROOT)) for path in mutants.modules()}
    assert {"kit/controls/identity.py", "kit/tables/guards.py"} <= names
    assert "kit/tables/answers.py" not in names
