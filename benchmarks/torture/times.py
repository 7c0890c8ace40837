"""Time is bounded: silent regions, dripping bytes, endless pages, credentials that end."""

from __future__ import annotations

from benchmarks.torture import Measure
from benchmarks.torture._suites import measure_tests


def measure(quick: bool, seed: int) -> list[Measure]:
    """Run the tests of limits; each waits for bounds that it sets itself."""
    return measure_tests("time", "collect/test_limits.py", only="endless or drip" if quick else "")
