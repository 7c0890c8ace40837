"""How many small faults in tables and rules the tests of tables and controls notice.

    python -m benchmarks.mutants [--count 100] [--seed 1] [--imports] [--path kit/tables/keys.py]

Each mutant changes one comparison, boolean, condition, number or compared word in `kit/tables` or
`kit/controls`. One process runs the tests and records in which of them an expression has another
value than what a mutant changes it to. Another process collects the tests; then each mutant has a
fork of that process, in which the tests that were recorded for it run until one fails. A mutant that
no test evaluates to another value survives. `--imports` changes what stands outside functions
instead, and imports everything again for each mutant.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import copy
import gc
import importlib
import os
import pickle
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import _lru_cache_wrapper, partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple, cast

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
COMPARED = "__compared__"
_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])
Key = tuple[str, int, int]


class Mutant(NamedTuple):
    """A changed module.

    Attributes
    ----------
    path : Path
    line : int
        Of the statement that is changed.
    change : str
        What stood there, and what stands there now.
    called : bool
        Whether the change is in a function, so that it can be made once the module is imported.
    key : tuple of (str, int, int)
        The module, the place of the expression in it, and the number of the change to that.
    before, after : CodeType
        Of the whole module.
    """

    path: Path
    line: int
    change: str
    called: bool
    key: Key
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
        changed = ast.fix_missing_locations(_Replacer(old, new).visit(tree))
        after = _compiled(changed, path)
        key = str(path), place, number
        return Mutant(path, statement.lineno, change, called, key, before, after)

    for place, (node, statement, _) in enumerate(_nodes(ast.parse(text))):
        for number, _ in enumerate(_others(node, statement)):
            yield lambda place=place, number=number: make(place, number)  # type: ignore[misc]


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
            drawn.setdefault((one.path, one.line), one)
    return list(drawn.values())


class Record:
    """In which tests expressions have another value than mutants give them, as a plugin of pytest.

    Attributes
    ----------
    tests : dict
        By the key of a mutant.
    seconds : dict of str to float
        Of CPU, by test.
    modules : list of str
        What the tests import.
    """

    def __init__(self) -> None:
        self.tests: dict[Key, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.modules: list[str] = []
        self._test, self._compares = "", True

    def chosen(self, mutant: Mutant, items: list[pytest.Item]) -> list[pytest.Item]:
        """Return the tests of a mutant, the fastest first, after those that were not recorded."""
        ids = self.tests.get(mutant.key, set())
        wanted = [one for one in items if one.nodeid in ids or one.nodeid not in self.seconds]
        return sorted(wanted, key=lambda one: self.seconds.get(one.nodeid, 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note the test that runs, and the CPU that it takes."""
        _forget()
        self._test, before = item.nodeid, time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - before
        return result

    def compared(self, path: str, place: int, value: Any, *others: Callable[[], Any]) -> Any:
        """Return the value of an expression; note the mutants that would give it another value."""
        if self._compares:
            self._compares = False  # what another value calls is no part of the test
            for number, other in enumerate(others):
                tests = self.tests[path, place, number]
                if self._test not in tests and not _is_alike(value, other):
                    tests.add(self._test)
            self._compares = True
        return value


def _is_alike(value: Any, other: Callable[[], Any]) -> bool:
    with suppress(Exception):
        another = other()
        return type(another) is type(value) and bool(another == value)
    return False


class _Comparer(ast.NodeTransformer):
    """Hands expressions in functions, with what mutants change them to, to `Record.compared`."""

    def __init__(self, path: Path):
        self._path, self.tree = str(path), ast.parse(path.read_text("utf-8"))
        self._others: dict[ast.AST, tuple[int, list[ast.expr]]] = {
            node: (place, copy.deepcopy([*_others(node, statement)]))
            for place, (node, statement, called) in enumerate(_nodes(self.tree))
            if called
        }

    def visit(self, node: ast.AST) -> ast.AST:
        """Return what is evaluated in place of a node."""
        visited: ast.AST = super().visit(node)
        place, others = self._others.get(node, (0, []))
        if not others:
            return visited
        where = ast.Constant(self._path), ast.Constant(place)
        later = (ast.Lambda(_NO_ARGUMENTS, other) for other in others)
        called = ast.Call(
            ast.Name(COMPARED, ast.Load()), [*where, cast("ast.expr", visited), *later], []
        )
        return ast.copy_location(called, node)


def comparing(path: Path) -> CodeType:
    """Return the code of a module whose functions compare what mutants would change."""
    comparer = _Comparer(path)
    changed = ast.fix_missing_locations(comparer.visit(comparer.tree))
    return _compiled(changed, path)


def _compiled(tree: ast.AST, path: Path) -> CodeType:
    assert isinstance(tree, ast.Module)
    return compile(tree, str(path), "exec", dont_inherit=True)


def _write_record(path: Path) -> None:
    """Run every test where modules compare what mutants would change."""
    mutated, record = set(modules()), Record()
    _import_as(lambda path: comparing(path) if path in mutated else None)
    setattr(builtins, COMPARED, record.compared)
    if pytest.main([*_OPTIONS, *_TESTS], plugins=[record, Stop()]):
        os._exit(1)
    record.modules = list(sys.modules)
    path.write_bytes(pickle.dumps(record))


def _import_as(code: Callable[[Path], CodeType | None]) -> None:
    """Let modules that have another code be imported with it from now on."""
    code_of = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        return code(Path(loader.get_filename(name))) or code_of(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def _forget() -> None:
    """Empty the caches of tables and rules; those without a bound hold what no test changes."""
    for path in modules():
        module = sys.modules.get(f"kit.{path.parent.name}.{path.stem}")
        for one in vars(module).values() if module else ():
            if isinstance(one, _lru_cache_wrapper) and one.cache_parameters()["maxsize"]:
                one.cache_clear()


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
        """Run what each mutant needs."""
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


def survives(
    mutant: Mutant, chosen: list[pytest.Item], functions: dict[CodeType, list[FunctionType]]
) -> bool:
    """Print and return whether none of the chosen tests notices a mutant of functions."""

    def run() -> None:
        swap(mutant, functions)
        _forget()
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
    return f"{mutant.path.relative_to(ROOT)}:{mutant.line} {mutant.change}"


def _import_and_run(mutant: Mutant) -> None:
    """Run every test where the module is imported as the mutant has it."""
    _import_as(lambda path: mutant.after if path == mutant.path else None)
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
            record = chosen.record or Path(folder) / "record"
            if not record.exists() and not _forked(partial(_write_record, record)):
                sys.exit("a test fails without any mutant")
            runner = Runner(drawn, record)
            if pytest.main([*_OPTIONS, *_TESTS], plugins=[runner, Stop()]):
                sys.exit("the tests cannot be collected")
        alive = runner.alive
    print(f"{len(drawn) - alive} of {len(drawn)} mutants died (seed {chosen.seed})")


if __name__ == "__main__":
    main()
