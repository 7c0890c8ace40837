"""Run every topic and print the table: ``python -m benchmarks.torture [--quick]``."""

import argparse
import importlib
import pkgutil
import sys
import time

from benchmarks import torture
from benchmarks.torture import Measure


def topics() -> list[str]:
    """Return the names of the modules that measure something."""
    return sorted(m.name for m in pkgutil.iter_modules(torture.__path__) if m.name != "__main__")


def main() -> int:
    """Measure each topic; return 1 where a promise did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture")
    parser.add_argument("--quick", action="store_true", help="a sample of each topic, 5 minutes")
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("topic", nargs="*", choices=[[], *topics()], help="only these topics")
    options = parser.parse_args()
    measures: list[Measure] = []
    for name in options.topic or topics():
        began = time.monotonic()
        module = importlib.import_module(f"benchmarks.torture.{name}")
        measures += module.measure(quick=options.quick, seed=options.seed)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for m in measures:
        print(f"| {m.area} | {m.scenario} | {m.trials:,} | {m.held:,} | {m.detail} |")
    return int(any(m.held != m.trials for m in measures))


if __name__ == "__main__":
    sys.exit(main())
