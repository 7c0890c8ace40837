"""How many small faults in tables and rules the tests of tables and controls notice.

    python -m benchmarks.mutants [--count 100] [--seed 1] [--imports] [--path kit/tables/keys.py]

Each mutant changes one comparison, boolean, condition, number or compared word in `kit/tables` or
`kit/controls`. One process collects the tests and records which of them run which line; then each
mutant has a fork of that process, in which the tests of its line run until one fails. A mutant of a
line that no test runs survives. `--imports` changes what stands outside functions instead, and
imports everything again for each mutant.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import os
import pickle
import random
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest

from tests import quick

ROOT = Path(__file__).parent.parent
_MUTATED = ("kit/tables", "kit/controls")
_TESTED_ELSEWHERE = ("answers.py",)  # tests/answers compares its declarations with botocore
# Those of growth count steps by a tracer of their own; those of changes are of the table of them.
_TESTS = (
    *("tests/tables", "tests/controls", "--ignore=tests/tables/test_growth.py"),
    "tests/report/test_changed.py",
)
_OPTIONS = (
    *("--quick", "-o", "addopts=--hypothesis-profile=ci"),
    *("-p", "no:cacheprovider", "-p", "no:terminal"),
)
# What an endless loop may take; the slowest line has a fifth of it.
_CPU_SECONDS = 200
# How often a test is followed into a function: after that it hardly takes another way through it.
_ENTERED = 100
_OTHERS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_NAMES = {"any": "all", "all": "any"}


class Mutant(NamedTuple):
    """A changed module.

    Attributes
    ----------
    path : Path
    first, last : int
        Lines of the statement that is changed.
    change : str
        What stood there, and what stands there now.
    called : bool
        Whether the change is in a function, so that it can be made once the module is imported.
    before, after : CodeType
        Of the whole module.
    """

    path: Path
    first: int
    last: int
    change: str
    called: bool
    before: CodeType
    after: CodeType


def mutants(path: Path) -> Iterator[Callable[[], Mutant]]:
    """Yield what makes each mutant of a module."""
    text = path.read_text("utf-8")
    before = compile(text, str(path), "exec", dont_inherit=True)

    def make(place: int, number: int) -> Mutant:
        tree = ast.parse(text)
        old, statement, called = list(_nodes(tree))[place]
        new = ast.copy_location(list(_others(old, statement))[number], old)
        change = f"{ast.unparse(old)}  ->  {ast.unparse(new)}"
        lines = statement.lineno, _last(statement)
        changed = ast.fix_missing_locations(_Replacer(old, new).visit(tree))
        after = compile(changed, str(path), "exec", dont_inherit=True)
        return Mutant(path, *lines, change, called, before, after)

    for place, (node, statement, _) in enumerate(_nodes(ast.parse(text))):
        for number, _ in enumerate(_others(node, statement)):
            yield lambda place=place, number=number: make(place, number)  # type: ignore[misc]


def _last(statement: ast.stmt) -> int:
    """Return the last line of a statement, or of the head of one that holds others."""
    body = getattr(statement, "body", None)
    return (body[0].lineno - 1 if body else 0) or statement.end_lineno or statement.lineno


def _nodes(
    node: ast.AST, statement: ast.stmt | None = None, called: bool = False
) -> Iterator[tuple[ast.expr, ast.stmt, bool]]:
    """Yield each expression, the statement that it is in, and whether that is in a function."""
    for name, value in ast.iter_fields(node):
        inside = called or (name == "body" and isinstance(node, ast.FunctionDef | ast.Lambda))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.stmt):
                yield from _nodes(child, child, inside)
            elif isinstance(child, ast.AST):
                if isinstance(child, ast.expr) and name not in ("annotation", "returns"):
                    assert statement
                    yield child, statement, inside
                yield from _nodes(child, statement, inside)


def _others(node: ast.expr, statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield what an expression is changed to."""
    match node:
        case ast.Compare(left, operators, rights):
            for place, operator in enumerate(operators):
                for other in _OTHERS[type(operator)]:
                    yield ast.Compare(left, _with(operators, place, other()), rights)
            right = rights[0]
            words = right.elts if isinstance(right, ast.Tuple | ast.Set | ast.List) else [right]
            for place, word in enumerate(words):
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    others = _with(words, place, ast.Constant(f"{word.value}~"))
                    other_right = others[0] if words == [right] else ast.Tuple(others, ast.Load())
                    yield ast.Compare(left, operators, _with(rights, 0, other_right))
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Name(name) if name in _NAMES:
            yield ast.Name(_NAMES[name], ast.Load())
        case ast.Name() | ast.Call() | ast.Attribute():
            if isinstance(statement, ast.If | ast.While) and node is statement.test:
                yield ast.UnaryOp(ast.Not(), node)


def _with(several: list[Any], place: int, other: Any) -> list[Any]:
    return [*several[:place], other, *several[place + 1 :]]


class _Replacer(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.expr):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().visit(node)


def sample(paths: list[Path], count: int, seed: int, *, called: bool = True) -> list[Mutant]:
    """Return mutants drawn at random, no two of a statement, in functions or outside of them."""
    every = [make for path in paths for make in mutants(path)]
    random.Random(seed).shuffle(every)
    drawn: dict[tuple[Path, int], Mutant] = {}
    for make in every:
        if len(drawn) == count:
            break
        one = make()
        if one.called is called:
            drawn.setdefault((one.path, one.first), one)
    return list(drawn.values())


class Record(NamedTuple):
    """Which tests run which lines of the mutated folders.

    Attributes
    ----------
    known : frozenset of str
        Every test that was recorded.
    tests : dict
        By path and line.
    seconds : dict of str to float
        Of CPU, by file of tests.
    modules : list of str
        What the tests import.
    """

    known: frozenset[str]
    tests: dict[tuple[str, int], set[str]]
    seconds: dict[str, float]
    modules: list[str]

    def chosen(self, mutant: Mutant, items: list[pytest.Item]) -> list[pytest.Item]:
        """Return tests of a mutant's lines, those of the fastest file first, after unknown ones."""
        lines = range(mutant.first, mutant.last + 1)
        ids = {test for line in lines for test in self.tests.get((str(mutant.path), line), ())}
        wanted = [one for one in items if one.nodeid in ids or one.nodeid not in self.known]
        return sorted(wanted, key=lambda one: self.seconds.get(str(one.path), 0.0))


def _record(items: list[pytest.Item]) -> Record:
    """Run every test under a tracer."""
    folders = tuple(f"{ROOT / folder}/" for folder in _MUTATED)
    tests: dict[tuple[str, int], set[str]] = defaultdict(set)
    seconds: dict[str, float] = defaultdict(float)
    seen: set[tuple[str, int]] = set()
    entered: Counter[CodeType] = Counter()

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(folders):
            return None
        entered[code] += 1
        return line(frame, event, argument) if entered[code] < _ENTERED else None

    for item, following in zip(items, [*items[1:], None], strict=True):
        seen.clear()
        entered.clear()
        before = time.process_time()
        sys.settrace(enter)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        sys.settrace(None)
        seconds[str(item.path)] += time.process_time() - before
        for place in seen:
            tests[place].add(item.nodeid)
    known = frozenset(item.nodeid for item in items)
    return Record(known, dict(tests), dict(seconds), list(sys.modules))


class Stop:
    """Ends a fork at the first test that fails, as a plugin of pytest."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name the test that noticed."""
        if report.failed:
            print(f"  {report.nodeid}", flush=True)
            os._exit(1)


class Runner:
    """Runs the tests on mutants of functions, as a plugin that takes the place of pytest's loop."""

    def __init__(self, drawn: list[Mutant], record: Path) -> None:
        self.drawn = drawn
        self.record = record
        self.alive = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Record, then run what each mutant needs."""
        if not self.record.exists() and not _forked(lambda: self._write(session.items)):
            sys.exit("a test fails without any mutant")
        record: Record = pickle.loads(self.record.read_bytes())
        for name in record.modules:
            with suppress(ImportError):
                importlib.import_module(name)
        gc.unfreeze()
        functions: dict[CodeType, list[FunctionType]] = defaultdict(list)
        for one in gc.get_objects():
            if isinstance(one, FunctionType):
                functions[one.__code__].append(one)
        gc.freeze()
        for mutant in self.drawn:
            self.alive += survives(mutant, record.chosen(mutant, session.items), functions)
        return True

    def _write(self, items: list[pytest.Item]) -> None:
        self.record.write_bytes(pickle.dumps(_record(items)))


def survives(
    mutant: Mutant, chosen: list[pytest.Item], functions: dict[CodeType, list[FunctionType]]
) -> bool:
    """Print and return whether none of the chosen tests notices a mutant of functions."""

    def run() -> None:
        swap(mutant, functions)
        _run(chosen)

    if chosen:
        return _lives(mutant, run)
    print(f"SURVIVES {_named(mutant)} (no test runs it)", flush=True)
    return True


def _forked(run: Callable[[], object], seconds: int = resource.RLIM_INFINITY) -> bool:
    """Return whether something ends well, and within so much CPU, in a process of its own."""
    if not (pid := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        run()
        os._exit(0)
    return not os.waitpid(pid, 0)[1]


def _lives(mutant: Mutant, run: Callable[[], object]) -> bool:
    before = time.monotonic()
    lives = _forked(run, _CPU_SECONDS)
    word, took = "SURVIVES" if lives else "dies", time.monotonic() - before
    print(f"{word} {_named(mutant)} ({took:.1f} s)", flush=True)
    return lives


def _named(mutant: Mutant) -> str:
    return f"{mutant.path.relative_to(ROOT)}:{mutant.first} {mutant.change}"


def _import_and_run(mutant: Mutant) -> None:
    """Run every test where the module is imported as the mutant has it."""
    code_of = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        at_home = loader.get_filename(name) == str(mutant.path)
        return mutant.after if at_home else code_of(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    if pytest.main([*_OPTIONS, *_TESTS], plugins=[Stop()]):
        os._exit(1)  # a file of tests cannot be imported


def _run(items: list[pytest.Item]) -> None:
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def swap(mutant: Mutant, functions: dict[CodeType, list[FunctionType]]) -> None:
    """Let functions that exist run the code of a mutant."""
    for before, after in _differing(mutant.before, mutant.after):
        for function in functions[before]:
            function.__code__ = after


def _differing(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    for before, after in zip(_within(old), _within(new), strict=True):
        if before != after:
            yield before, after
            yield from _differing(before, after)


def _within(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def modules() -> list[Path]:
    """Return the modules of tables and rules."""
    every = (path for folder in _MUTATED for path in sorted((ROOT / folder).glob("*.py")))
    return [path for path in every if path.name not in _TESTED_ELSEWHERE]


def main() -> None:
    """Print a line for each mutant, and how many died."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--count", type=int, default=100)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--imports", action="store_true", help="what runs once, at import: slower")
    reader.add_argument("--path", type=Path, nargs="*", help="modules, instead of all")
    reader.add_argument(
        "--record", type=Path, help="kept here; drop it when tables or rules change"
    )
    chosen = reader.parse_args()
    paths = [path.resolve() for path in chosen.path] if chosen.path else modules()
    drawn = sample(paths, chosen.count, chosen.seed, called=not chosen.imports)
    quick.refuse_processes = lambda *_: None  # a fork for each mutant
    if chosen.imports:
        alive = sum(_lives(one, partial(_import_and_run, one)) for one in drawn)
    else:
        with tempfile.TemporaryDirectory() as folder:
            runner = Runner(drawn, chosen.record or Path(folder) / "record")
            if pytest.main([*_OPTIONS, *_TESTS], plugins=[runner, Stop()]):
                sys.exit("the tests cannot be collected")
        alive = runner.alive
    print(f"{len(drawn) - alive} of {len(drawn)} mutants died (seed {chosen.seed})")


if __name__ == "__main__":
    main()
