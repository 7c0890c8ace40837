"""Which tests are quick: those that import, and whose fixtures import, nothing that starts a process.

No list of tests is kept. A test file is quick unless it, a helper of the tests that it imports, or
the conftest beside it imports a module of `HEAVY`; a test is quick unless one of its fixtures does.
Files are parsed, not imported.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
# What makes packs, starts processes, browsers, kernels, clusters or a sandbox, or looks for fonts.
HEAVY = (
    *("kit.batch", "kit.pack.execute", "kit.pack.pdf", "kit.pack.seal", "kit.report.fonts"),
    "kit.sandbox",
    *(
        "jupyter_client",
        "kit.warm",
        "dask",
        "distributed",
        "moto",
        "nbclient",
        "nbconvert",
        "papermill",
    ),
    *("playwright", "multiprocessing", "subprocess"),
)


@cache
def is_slow_file(path: Path) -> bool:
    """Whether a test file is slow by what it or its conftest imports."""
    beside = path.with_name("conftest.py")
    at_import = beside.exists() and _names_heavy(_imports(_parse(beside), functions=False))
    return _is_heavy(path) or at_import


def is_slow_test(item: Any) -> bool:
    """Whether one of the fixtures of a collected test is slow by what it imports."""
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    return any(_is_slow_fixture(one.func) for several in fixtures for one in several)


@cache
def _is_slow_fixture(function: Any) -> bool:
    if not Path(inspect.getfile(function)).is_relative_to(ROOT / "tests"):
        return False
    return _names_heavy(_imports(ast.parse(textwrap.dedent(inspect.getsource(function)))))


@cache
def _is_heavy(path: Path) -> bool:
    return _names_heavy(_imports(_parse(path)))


def _names_heavy(names: Iterator[str]) -> bool:
    return any(
        f"{name}.".startswith(tuple(f"{heavy}." for heavy in HEAVY))
        or (name.startswith("tests.") and (path := _file(name)).exists() and _is_heavy(path))
        for name in names
    )


def _imports(node: ast.AST, *, functions: bool = True) -> Iterator[str]:
    """Yield the modules that some code imports, but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.module or ""
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.expr) or _is_for_type_checkers(child):
            continue
        elif functions or not isinstance(child, ast.FunctionDef):
            yield from _imports(child, functions=functions)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _file(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def refuse_processes(event: str, _: Any) -> None:
    """Let no process start: an audit hook for runs that promise to start none."""
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn", "os.system"):
        pytest.fail(
            f"a quick test started a process ({event}): move it to a file, or give it a fixture, that "
            "imports a module of HEAVY in tests/quick.py"
        )
