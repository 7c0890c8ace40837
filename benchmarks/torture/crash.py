"""Commands that are killed, and commands that run out of disk, memory or files."""

from __future__ import annotations

import random
import resource
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.torture import Measure
from kit import sandbox as local
from tests.crashing import Desk, fails, killed, on_small_disks

_RUN = ["run", "run.yaml", "--quiet"]
_BATCH = ["batch", "accounts.yaml", "--quiet", "--workers", "2"]
_PARAMETERS = """
account: "210987654321"
regions: [eu-west-1]
controls: [GV-01, LG-01]
pseudonym_key: config/key
"""
_ACCOUNTS = """
name: q
shared:
  role_arn: arn:aws:iam::{account}:role/EvidenceReader
  regions: [eu-west-1]
  controls: [GV-01]
  pseudonym_key: config/key
accounts:
  - {account: "210987654321"}
  - {account: "111122223333"}
  - {account: "222233334444"}
"""
_MIB = 1 << 20


def measure(quick: bool, seed: int) -> list[Measure]:
    """Kill runs and batches at steps of the file system; let them run out of something."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="t") as folder, local.start() as sandbox:
        desk = Desk(Path(folder), sandbox.environment("demo"))
        (desk.folder / "run.yaml").write_text(_PARAMETERS)
        (desk.folder / "accounts.yaml").write_text(_ACCOUNTS)
        return [
            _run_at_its_end(desk) if quick else _runs(desk, chance, 38),
            *([] if quick else _batches(desk, chance, 12)),
            *_disks(desk, quick),
            *_limits(desk, quick),
        ]


def _row(scenario: str, results: Iterable[list[str]], detail: str = "") -> Measure:
    results = list(results)
    wrong = next((result[0] for result in results if result), "")
    held = sum(not result for result in results)
    return Measure("crash and disk", scenario, len(results), held, wrong[:200] or detail)


def _steps(desk: Desk, command: Sequence[str]) -> int:
    """Return the number of steps of a command, once its key exists."""
    for _ in range(2):
        desk.run(*command, at=0)
    return len(desk.steps)


def _spread(chance: random.Random, steps: int, count: int) -> list[int]:
    """Return steps, one of each of as many equal parts."""
    edges = [1 + steps * n // count for n in range(count + 1)]
    return [chance.randrange(low, max(high, low + 1)) for low, high in pairwise(edges)]


def _runs(desk: Desk, chance: random.Random, count: int) -> Measure:
    steps = _steps(desk, _RUN)
    at = _spread(chance, steps - 1, count)
    results = [killed(desk, _RUN, step, whole=True, again=n % 2 == 0) for n, step in enumerate(at)]
    return _row("a run killed (SIGKILL) at a step, and the next", results, f"of {steps} steps")


def _run_at_its_end(desk: Desk) -> Measure:
    return _row(
        "a run killed before the pack has its name", [killed(desk, _RUN, "tagm", whole=True)]
    )


def _batches(desk: Desk, chance: random.Random, count: int) -> Iterable[Measure]:
    """Kill a batch with its workers, or a process of it, which Dask replaces."""
    desk.run(*_BATCH, at=0)
    steps = len(desk.steps)
    for whole, name in ((True, "with all of its processes"), (False, "in one process")):
        results = []
        for n, step in enumerate(_spread(chance, steps - 1, count // 2)):
            _remove_outputs(desk)
            results.append(killed(desk, _BATCH, step, whole=whole, again=n % 3 == 2))
        yield _row(f"a batch with 2 Dask workers killed {name}, and the next", results)


def _disks(desk: Desk, quick: bool) -> Iterable[Measure]:
    sizes = [8, 40, 200, 600] if not quick else [40]
    for command, place, those in (
        (_RUN, "outputs", sizes),
        (_RUN, "tmp", [4] if quick else [4, 8]),
        *([] if quick else [(_BATCH, "outputs", [8, 300]), (_BATCH, "tmp", [4, 40])]),
    ):
        results = on_small_disks(desk, command, place, [size << 10 for size in those])
        name = f"{command[0]}: a full disk at {'TMPDIR' if place == 'tmp' else place}"
        if results is None:
            limits = [{resource.RLIMIT_FSIZE: size << 10} for size in those]
            results = [fails(desk, command, limit, "ulimit -f") for limit in limits]
            name += " (file size limited: nobody may mount here)"
        yield _row(name, results)


def _limits(desk: Desk, quick: bool) -> Iterable[Measure]:
    files = {resource.RLIMIT_NOFILE: 64}
    memory = [{resource.RLIMIT_AS: mib * _MIB} for mib in ((400,) if quick else (300, 900, 1_500))]
    for command in (_RUN,) if quick else (_RUN, _BATCH):
        _remove_outputs(desk)
        yield _row(f"{command[0]}: 64 open files", [fails(desk, command, files, "64 files open")])
        results = [fails(desk, command, limit, "ulimit -v") for limit in memory]
        yield _row(f"{command[0]}: little memory", results)


def _remove_outputs(desk: Desk) -> None:
    shutil.rmtree(desk.outputs, ignore_errors=True)
