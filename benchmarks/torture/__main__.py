"""Run every topic and write the table: ``python -m benchmarks.torture [--quick] [topic ...]``."""

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from benchmarks import torture
from benchmarks.torture import Measure

PAGE = Path(__file__).parent.parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def topics() -> list[str]:
    """Return the names of the modules that measure something."""
    names = (module.name for module in pkgutil.iter_modules(torture.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def measure(topic: str, options: list[str]) -> list[Measure]:
    """Measure a topic in a process of its own, which takes its memory and settings with it."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.torture", "--one", topic, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(f"{topic}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        print("\n".join(done.stderr.splitlines()[-15:]), file=sys.stderr)
        return [Measure(topic, "the topic ran to its end", 1, 0)]
    return [Measure(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def table(measures: list[Measure]) -> str:
    """Return the rows as a Markdown table."""
    rows = (
        f"| {m.area} | {m.scenario} | {m.trials:,} | {m.held:,} | {_cell(m.detail)} |"
        for m in measures
    )
    return "\n".join(["| area | scenario | trials | held | |", "|---|---|--:|--:|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Measure the topics, two at a time; return 1 where a promise did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture")
    parser.add_argument("--quick", action="store_true", help="a sample of each topic, 5 minutes")
    parser.add_argument("--seed", type=int, default=20261129, help="chooses the samples")
    parser.add_argument("--write", action="store_true", help="write the table to docs/security.md")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("topic", nargs="*", help=f"of {', '.join(topics())}; all by default")
    options = parser.parse_args()
    if options.one:
        module = importlib.import_module(f"benchmarks.torture.{options.one}")
        rows = module.measure(quick=options.quick, seed=options.seed)
        print(json.dumps([asdict(row) for row in rows]))
        return 0
    if unknown := set(options.topic) - set(topics()):
        parser.error(f"topic: {', '.join(unknown)}: accepted are {', '.join(topics())}")
    handed_on = ["--seed", str(options.seed), *(["--quick"] if options.quick else [])]
    chosen = options.topic or topics()
    with ThreadPoolExecutor(2) as pool:
        measures = [
            row for rows in pool.map(lambda t: measure(t, handed_on), chosen) for row in rows
        ]
    print(table(measures))
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(measures)}\n\n{END}{after}")
    return int(any(m.held != m.trials for m in measures))


if __name__ == "__main__":
    sys.exit(main())
