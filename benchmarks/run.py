"""What packs take, in ratios: ``python -m benchmarks.run [--quick] [--prowler] [--write]``.

Writes the table of `docs/performance.md`. ``--quick`` measures a small sample once, to see that
everything works. ``--prowler`` installs Prowler in a virtual environment of its own below outputs/,
and runs it on the same sandbox and account, in turn with the kit. Figures hold for the machine
alone; the ratios are what to compare. The benchmark never fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import batch
from benchmarks.measuring import BIN, ROOT, Cost, account, measure, median

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
PROWLER, _VERSION = ROOT / "outputs" / "benchmark-prowler", "5.46.0"
_SERVICES = ("iam", "s3", "cloudtrail", "kms", "macie", "appstream")
_FORMATS = ("csv", "html", "json-ocsf", "json-asff")
_BAR = 40  # characters


def main() -> None:
    """Measure, print each section, and write the page if wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small sample, once")
    parser.add_argument("--prowler", action="store_true", help="also run Prowler")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    prowler = install_prowler() if options.prowler else None
    sections = []
    for section in (
        packs(options.quick, prowler),
        growth(options.quick),
        latency(options.quick),
        batches(options.quick),
    ):
        lines = "\n".join(section)
        print(lines, end="\n\n", flush=True)
        sections.append(lines)
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        table = "\n\n".join(sections)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}")


def install_prowler() -> Path | None:
    """Return the command, installed apart from the kit; None where no index serves it."""
    command = PROWLER / "bin" / "prowler"
    if not command.exists():
        environment = {**os.environ}
        index = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
            capture_output=True,
            text=True,
        ).stdout.strip()
        if index:
            environment.setdefault("UV_DEFAULT_INDEX", index)
        if "PIP_CERT" in environment:
            environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
        uv = [sys.executable, "-m", "uv"]
        python = ("--python", str(PROWLER / "bin" / "python"))
        made = (
            [*uv, "venv", "--quiet", str(PROWLER)],
            [*uv, "pip", "install", "--quiet", "--system-certs", *python, f"prowler=={_VERSION}"],
        )
        for step in made:
            if subprocess.run(step, env=environment).returncode:
                return None
    return command


# --- a pack with every output -------------------------------------------------------------------


def packs(quick: bool, prowler: Path | None) -> Iterator[str]:
    """A pack with all its outputs, beside Prowler's outputs of the same account."""
    times = 1 if quick else 3
    yield "## A pack with every output"
    yield ""
    yield (
        f"Medians of {times}, all commands in turn; the memory is that of a run of each before, for "
        "to read it takes time from a command. Where Python may store no compiled modules "
        "(`PYTHONDONTWRITEBYTECODE`, as in many containers), a command compiles its modules in each "
        "run."
    )
    yield ""
    yield from _heading("account", "command", "wall s", "CPU s", "peak MB", "requests")
    for name in ("demo",) if quick else ("demo", "big"):
        with tempfile.TemporaryDirectory() as folder, account(name, Path(folder)) as (local, shell):
            compiling = {
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled"),
            }
            commands: dict[str, list[Any]] = {
                "`evidence run`": [BIN / "evidence", "run", "run.yaml", "--quiet"]
            }
            if prowler:
                commands["`prowler`"] = [
                    *(prowler, "aws", "--services", *_SERVICES, "-f", "eu-west-1", "-z"),
                    *("--no-banner", "-M", *_FORMATS, "-o", "prowler"),
                ]
            ways = {"": shell, ", which compiles": {**shell, **compiling}}
            each = [(title, way) for way in ways for title in commands]
            costs: dict[tuple[str, str], list[Cost]] = {pair: [] for pair in each}
            requests: dict[tuple[str, str], int] = {}
            peaks = {
                (title, way): measure(commands[title], Path(folder), ways[way]).peak
                for title, way in each
            }
            for _ in range(times):
                for title, way in each:
                    _note(f"{name}: {title}{way}")
                    before = len(local.requests)
                    cost = measure(commands[title], Path(folder), ways[way], memory=False)
                    costs[title, way].append(replace(cost, peak=peaks[title, way]))
                    requests[title, way] = len(local.requests) - before
            for way in ways:
                made = [(median(costs[title, way]), requests[title, way]) for title in commands]
                for title, (cost, sent) in zip(commands, made, strict=True):
                    yield _row(name, f"{title}{way}", *_figures(cost), f"{sent:,}")
                if prowler:
                    (own, mine), (other, theirs) = made
                    pairs = zip(_values(own), _values(other), strict=True)
                    ratios = (f"{one / another:.2f}" for one, another in pairs)
                    yield _row(name, "*ratio*", *ratios, f"{mine / max(theirs, 1):.2f}")


# --- growth -------------------------------------------------------------------------------------


def growth(quick: bool) -> Iterator[str]:
    """The phases of a run, and how they grow: 20, 200 and 2,000 buckets with what goes with them."""
    sizes = (0.1,) if quick else (0.1, 1, 10)
    made = {size: _phases("big", size) for size in sizes}
    yield "## Phases, and growth"
    yield ""
    yield (
        "The sample account `big` has 200 buckets, 50 fleets and 200 users. CPU in seconds and the "
        "memory of the largest process at the peak so far, in MB, for 0.1, 1 and 10 times as many."
    )
    yield ""
    columns = [f"{size:g} x: CPU s, peak MB" for size in sizes]
    yield from _heading("phase", *columns, "share of the CPU")
    last = made[sizes[-1]]["phases"]
    whole = sum(phase["cpu"] for phase in last.values())
    for name in last:
        each = (made[size]["phases"][name] for size in sizes)
        figures = [f"{phase['cpu']:.2f}, {phase['peak']:.0f}" for phase in each]
        yield _row(name, *figures, f"`{'#' * round(_BAR * last[name]['cpu'] / whole)}`")
    for name in ("requests", "findings", "html_kB", "pdf_kB"):
        yield _row(name.replace("_", " in "), *(f"{made[size][name]:,}" for size in sizes), "")


def _phases(name: str, times: float = 1, seconds: float = 0, until: str = "") -> dict[str, Any]:
    _note(f"{name}, {times:g} times its copies, answers {seconds:g} s later")
    with (
        tempfile.TemporaryDirectory() as folder,
        account(name, Path(folder), times) as (local, shell),
    ):
        local.latency = seconds
        done = subprocess.run(
            [*(sys.executable, "-m", "benchmarks.phases", "run.yaml"), *filter(None, [until])],
            cwd=folder,
            env={**shell, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures


# --- latency ------------------------------------------------------------------------------------


def latency(quick: bool) -> Iterator[str]:
    """How long a collection waits, beside the longest chain of requests that wait for each other."""
    yield "## Latency"
    yield ""
    yield (
        "Seconds of the collection where every answer comes so much later, and what the longest "
        "chain of requests that wait for each other would take alone."
    )
    yield ""
    yield from _heading("account", "later by", "collecting s", "requests", "chain", "chain s")
    for name in ("demo",) if quick else ("demo", "big"):
        for milliseconds in (0, 50) if quick else (0, 50, 200):
            made = _phases(name, seconds=milliseconds / 1000, until="collect")
            yield _row(
                name,
                f"{milliseconds} ms",
                f"{made['phases']['collect']['wall']:.1f}",
                f"{made['requests']:,}",
                made["chain"],
                f"{made['chain'] * milliseconds / 1000:.1f}",
            )


# --- batches ------------------------------------------------------------------------------------


def batches(quick: bool) -> Iterator[str]:
    """A batch beside `evidence run` of each account, one after another, with one worker and two."""
    many = 2 if quick else 16
    _note(f"batches of {many} accounts")
    yield "## Batch"
    yield ""
    yield f"{many} accounts like the demo; `evidence run` of each, one after another."
    yield ""
    yield from _heading("command", "wall s an account", "CPU s an account", "peak MB")
    single, of_workers = batch.compare(many, (1,) if quick else (1, 2))
    yield _row("`evidence run`", *_figures(single))
    for workers, cost in of_workers.items():
        yield _row(f"`evidence batch --workers {workers}`", *_figures(cost))
        ratio = f"{cost.wall / single.wall:.2f}", f"{cost.cpu / single.cpu:.2f}"
        yield _row("*ratio*", *ratio, f"{cost.peak / single.peak:.2f}")


def _note(step: str) -> None:
    """Print on standard error what is measured next."""
    print(f"{time.strftime('%H:%M:%S')}  {step}", file=sys.stderr, flush=True)


# --- tables -------------------------------------------------------------------------------------


def _values(cost: Cost) -> tuple[float, float, float]:
    return cost.wall, cost.cpu, cost.peak


def _figures(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak:.0f}"


def _heading(*columns: str) -> Iterable[str]:
    return _row(*columns), _row("---", *("--:" for _ in columns[1:]))


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
