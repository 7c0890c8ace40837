"""What `benchmarks.mutants` changes, and that a function runs what it was changed to."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import FunctionType, ModuleType

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


def test_a_change_names_the_lines_that_run_it(tmp_path: Path) -> None:
    made = changes(SOURCE, tmp_path)
    assert (made["3  ->  4"].first, made["3  ->  4"].called) == (1, False)
    assert (made["not days  ->  days"].first, made["not days  ->  days"].last) == (5, 5)
    assert made["all  ->  any"].first == 7
    assert made["all  ->  any"].called


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


def test_a_line_that_no_test_runs_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    change = changes(SOURCE, tmp_path)["not days  ->  days"]
    nothing = mutants.Record(frozenset(), {}, {}, [])
    assert mutants.survives(change, nothing.chosen(change, []), {})
    assert capsys.readouterr().out == "SURVIVES changed.py:5 not days  ->  days (no test runs it)\n"


def test_rules_and_tables_are_mutated_and_the_declarations_of_answers_are_not() -> None:
    names = {str(path.relative_to(mutants.ROOT)) for path in mutants.modules()}
    assert {"kit/controls/identity.py", "kit/tables/guards.py"} <= names
    assert "kit/tables/answers.py" not in names
