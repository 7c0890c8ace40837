"""Inputs that nobody wrote: made by Hypothesis, and by atheris where it can be imported."""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from benchmarks.torture import Measure
from tests.fuzzing import TARGETS, inputs, stored

_AREA = "made-up input"
# How many inputs Hypothesis makes; those of an account and of a snapshot take longest.
_EXAMPLES = {"account": 600, "events": 800, "report": 800, "snapshot": 1_200, "pack": 2_000}
_USUAL = 3_000
_SHARE = 10  # of these in a quick run
_SECONDS = 22  # of atheris for each topic
_RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")


def measure(quick: bool, seed: int) -> list[Measure]:
    """Replay what is stored, then make further inputs of each topic."""
    made: list[Measure] = []
    for topic in TARGETS:
        kept = [path.read_bytes() for path in stored(topic)]
        held = sum(_holds(topic, content) for content in kept)
        made.append(Measure(_AREA, f"{topic}: stored inputs", len(kept), held))
        made.append(
            _hypothesis(topic, seed, _EXAMPLES.get(topic, _USUAL) // (_SHARE if quick else 1))
        )
    if quick or not importlib.util.find_spec("atheris"):
        why = "a quick run leaves it out" if quick else "not importable on this platform"
        return [*made, Measure(_AREA, "guided by atheris", 0, 0, why)]
    return [*made, *(_guided(topic, seed) for topic in TARGETS)]


def _holds(topic: str, content: bytes) -> bool:
    with contextlib.redirect_stderr(None), contextlib.suppress(Exception):
        TARGETS[topic](content)
        return True
    return False


def _hypothesis(topic: str, seed: int, examples: int) -> Measure:
    tried = failed = 0
    smallest: bytes | None = None

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(inputs(topic))
    def every(content: bytes) -> None:
        nonlocal tried, failed, smallest
        tried += 1
        if not _holds(topic, content):
            failed += 1
            if smallest is None or len(content) < len(smallest):
                smallest = content

    every()
    detail = f"such as {smallest[:200]!r}" if smallest is not None else ""
    return Measure(_AREA, f"{topic}: by Hypothesis", tried, tried - failed, detail)


def _guided(topic: str, seed: int) -> Measure:
    """Let a process of its own fuzz: libFuzzer ends the process that it runs in."""
    root = Path(__file__).parents[2]
    with _folder() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.guided", topic, str(_SECONDS), str(seed), folder],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            check=False,
        )
        runs = _RUNS.search(done.stderr.decode("utf-8", "replace"))
        found = sorted(path for path in Path(folder).iterdir() if path.is_file())
        content = found[0].read_bytes() if found else b""
    tried = int(runs[1]) if runs else 1
    faults = max(len(found), int(done.returncode != 0))
    detail = f"such as {content[:200]!r}" if faults else f"{_SECONDS} s"
    return Measure(_AREA, f"{topic}: guided by atheris", tried, tried - faults, detail)


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="guided-") as folder:
        yield folder
