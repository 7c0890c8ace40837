"""How many small faults in tables and rules the tests of tables and controls notice.

    python -m benchmarks.mutants [--count 100] [--seed 1] [--all]

Each mutant changes one comparison, boolean or number of `kit/tables` or `kit/controls` in a copy of
the repository. `--all` runs every test on what survives the tests of tables and controls, but for
those that start processes.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
_MUTATED = ("kit/tables", "kit/controls")
_FIRST = ("tests/tables", "tests/controls")
_ALL = ("tests",)
_OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """A changed module.

    Attributes
    ----------
    path : str
        From the root of the repository.
    line : int
    change : str
        What stood there, and what stands there now.
    source : str
        Of the whole module.
    """

    path: str
    line: int
    change: str
    source: str


def places(path: Path) -> Iterator[tuple[Path, int, int]]:
    """Yield where a module can be changed: the number of a node, and of what it is changed to."""
    for place, node in enumerate(ast.walk(ast.parse(path.read_text("utf-8")))):
        for number, _ in enumerate(_others(node)):
            yield path, place, number


def mutant(path: Path, place: int, number: int) -> Mutant:
    """Return the mutant of a place."""
    tree = ast.parse(path.read_text("utf-8"))
    old = list(ast.walk(tree))[place]
    new = list(_others(old))[number]
    line: int = old.lineno  # type: ignore[attr-defined]
    change = f"{ast.unparse(old)}  ->  {ast.unparse(new)}"
    return Mutant(
        str(path.relative_to(ROOT)), line, change, ast.unparse(_Replacer(old, new).visit(tree))
    )


def _others(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a node is changed to."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [_OTHER[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


class _Replacer(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.expr):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().visit(node)


def sample(count: int, seed: int) -> list[Mutant]:
    """Return mutants drawn at random, no two of a line."""
    every = [
        place
        for folder in _MUTATED
        for path in sorted((ROOT / folder).glob("*.py"))
        for place in places(path)
    ]
    random.Random(seed).shuffle(every)
    drawn: dict[tuple[str, int], Mutant] = {}
    for place in every:
        if len(drawn) == count:
            break
        one = mutant(*place)
        drawn.setdefault((one.path, one.line), one)
    return list(drawn.values())


def survives(copied: Path, mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Return whether tests pass on a mutant."""
    path = copied / mutant.path
    before = path.read_text("utf-8")
    path.write_text(mutant.source, "utf-8")
    options = ["-x", "-q", "--quick", "-p", "no:cacheprovider", "-p", "no:randomly"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copied,
            env={**os.environ, "PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=1_200,
        )
    except subprocess.TimeoutExpired:
        return False  # it never ends, which somebody would notice
    finally:
        path.write_text(before, "utf-8")
    return done.returncode == 0


def main() -> None:
    """Print a line for each survivor, and how many mutants died."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--count", type=int, default=100)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--all", action="store_true")
    chosen = reader.parse_args()
    drawn = sample(chosen.count, chosen.seed)
    alive = 0
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copied)], check=True)
        for number, mutant in enumerate(drawn, 1):
            lives = survives(copied, mutant, _FIRST)
            lives = lives and (not chosen.all or survives(copied, mutant, _ALL))
            alive += lives
            word = "SURVIVES" if lives else "dies"
            print(f"{number} {word} {mutant.path}:{mutant.line} {mutant.change}", flush=True)
    print(f"{len(drawn) - alive} of {len(drawn)} mutants died (seed {chosen.seed})")


if __name__ == "__main__":
    main()
