"""Forged packs, with their lists made again, and signed packs changed at random."""

from __future__ import annotations

from benchmarks.torture import Measure
from benchmarks.torture._suites import measure_tests


def measure(quick: bool, seed: int) -> list[Measure]:
    """Run the tests of forgeries."""
    few = "trust or first or whole" if quick else ""
    return [
        *measure_tests("forgeries", "pack/test_forgeries.py", only=few),
        *([] if quick else measure_tests("forgeries", "pack/test_forged_overviews.py")),
    ]
