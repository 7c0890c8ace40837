"""Tests of a file as trials: what a test proves once counts as a scenario that held."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.torture import Measure

ROOT = Path(__file__).parent.parent.parent


class _Outcomes:
    """Counts tests by the function that holds them, and those that passed."""

    def __init__(self) -> None:
        self.trials: Counter[str] = Counter()
        self.held: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("[")[0].rpartition("::")[2]
        if report.when == "call" or report.failed:
            self.trials[name] += 1
            self.held[name] += report.passed


def measure_tests(area: str, file: str, *, only: str = "") -> list[Measure]:
    """Run the tests of a file in this process.

    Parameters
    ----------
    area : str
        The area of each row.
    file : str
        The file, below ``tests/``.
    only : str
        pytest's expression that chooses tests by name.

    Returns
    -------
    list of Measure
        One row a test function; its scenario is the function's name in words.
    """
    outcomes = _Outcomes()
    chosen = ["-k", only] if only else []
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            ["-q", "-p", "no:cacheprovider", str(ROOT / "tests" / file), *chosen],
            plugins=[outcomes],
        )
    return [
        Measure(area, name.removeprefix("test_").replace("_", " "), trials, outcomes.held[name])
        for name, trials in sorted(outcomes.trials.items())
    ] or [Measure(area, f"tests/{file} ran", 1, 0)]
