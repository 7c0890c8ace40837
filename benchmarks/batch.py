"""A batch of many sandbox accounts: against single runs, memory, and effect of faults.

``python -m benchmarks.batch 200`` prints the figures of an undisturbed batch, of `evidence run` of
some of the accounts, and of a batch whose workers are killed and whose calls are throttled. The
benchmark fails only if the digests of the findings differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.measuring import BIN, ROOT, Cost, measure, median, memory, memory_of_tree
from kit import sandbox
from kit.batch.ledger import read_ledger
from kit.sandbox.faults import Fault

SINGLE = 4  # accounts that are run singly
KILL_EVERY = 20  # accounts
EARLY = 20  # accounts done when memory is first compared
THROTTLED = 0.1
_TICK = 0.25  # seconds between two measurements of memory


@dataclass
class Outcome:
    """The time, memory and result of a batch."""

    seconds: float
    exit_code: int
    states: dict[str, dict[str, Any]]
    killed: int = 0
    early: dict[int, int] = field(default_factory=dict)  # peak bytes by worker, up to `EARLY`
    late: dict[int, int] = field(default_factory=dict)  # over the last `EARLY`
    command: int = 0  # peak bytes of the command's process
    worker: int = 0  # of a worker with the account under way on it

    def digests(self) -> dict[str, str]:
        """Return the digest of the findings, by account."""
        return {name: str(facts.get("findings_digest")) for name, facts in self.states.items()}

    def line(self) -> str:
        """Return the figures in one line."""
        states = Counter(facts["state"] for facts in self.states.values())
        requests = {
            name: sum(facts.get(name, 0) for facts in self.states.values())
            for name in ("requests", "retries", "throttles")
        }
        rate = 60 * len(self.states) / self.seconds
        return (
            f"{self.seconds:.0f} s, {rate:.1f} accounts/min, exit {self.exit_code}, "
            f"{dict(states)}, {requests}, workers killed {self.killed}"
        )


def file_of(folder: Path, identities: list[str], name: str) -> Path:
    """Write the file of a batch in which every account is a copy of the demo."""
    shared = yaml.safe_load((ROOT / "parameters" / "demo.yaml").read_text())
    del shared["account"]
    shared["role_arn"] = "arn:aws:iam::{account}:role/EvidenceReader"
    path = folder / f"{name}.yaml"
    accounts = [{"account": identity} for identity in identities]
    path.write_text(yaml.safe_dump({"name": name, "shared": shared, "accounts": accounts}))
    return path


def run_batch(folder: Path, file: Path, environment: dict[str, str], kill: bool = False) -> Outcome:
    """Run a batch to its end and measure its processes."""
    ledger = folder / "outputs" / "batches" / file.stem / "ledger.jsonl"
    began = time.monotonic()
    process = subprocess.Popen(
        [BIN / "evidence", "batch", file.name, "--progress", "none"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    outcome = Outcome(0.0, 0, {})
    total = len(yaml.safe_load(file.read_text())["accounts"])
    over = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(psutil.Process(process.pid), ledger, total, kill, outcome, over)
    )
    watcher.start()
    outcome.exit_code = process.wait()
    outcome.seconds = time.monotonic() - began
    over.set()
    watcher.join()
    outcome.states = read_ledger(ledger)
    return outcome


def _watch(
    batch: psutil.Process,
    ledger: Path,
    total: int,
    kill: bool,
    outcome: Outcome,
    over: threading.Event,
) -> None:
    next_kill = KILL_EVERY
    while not over.wait(_TICK):
        done = ledger.read_bytes().count(b'"state": "done"') if ledger.exists() else 0
        workers = _workers(batch)
        outcome.command = max(outcome.command, memory(batch))
        outcome.worker = max([outcome.worker, *map(memory_of_tree, workers)])
        for worker in workers:
            for peaks, counts in (
                (outcome.early, done <= EARLY),
                (outcome.late, done > total - EARLY),
            ):
                if counts:
                    peaks[worker.pid] = max(peaks.get(worker.pid, 0), memory(worker))
        if kill and done >= next_kill and workers:
            workers[outcome.killed % len(workers)].kill()
            outcome.killed += 1
            next_kill += KILL_EVERY


def _workers(batch: psutil.Process) -> list[psutil.Process]:
    """Return Dask's workers."""
    try:
        each = batch.children(recursive=True)
        return [process for process in each if "spawn_main" in " ".join(process.cmdline())]
    except psutil.Error:
        return []  # a process has just ended


def run_singly(folder: Path, file: Path, environments: dict[str, dict[str, str]]) -> Cost:
    """Run accounts singly, one after another; return what an account takes in the median."""
    costs = []
    for identity, environment in environments.items():
        cwd = folder / f"single-{identity}"
        cwd.mkdir()
        parameters = yaml.safe_load(file.read_text())["shared"] | {"account": identity}
        del parameters["role_arn"]
        (cwd / "run.yaml").write_text(yaml.safe_dump(parameters))
        costs.append(measure([BIN / "evidence", "run", "run.yaml", "--quiet"], cwd, environment))
    return median(costs)


def compare(many: int, workers: Sequence[int]) -> tuple[Cost, dict[int, Cost]]:
    """Return what an account takes in a single run, and in a batch by its number of workers."""
    with (
        tempfile.TemporaryDirectory(prefix="evidence-benchmark-") as scratch,
        sandbox.start(["demo"], copies=many) as local,
    ):
        folder = Path(scratch)
        names = [f"demo-{n}" for n in range(1, many + 1)]
        shell = {**os.environ, "XDG_CONFIG_HOME": scratch}
        file = file_of(folder, [local.accounts[name] for name in names], "batch")
        some = names[:SINGLE]
        single = run_singly(
            folder, file, {local.accounts[n]: {**shell, **local.environment(n)} for n in some}
        )
        costs = {}
        for count in workers:
            command = [BIN / "evidence", "batch", file.name, "--progress", "none"]
            command += ["--name", f"workers-{count}", "--workers", str(count)]
            cost = measure(command, folder, {**shell, **local.environment("demo")})
            costs[count] = Cost(cost.wall / many, cost.cpu / many, cost.peak)
        return single, costs


def main() -> None:
    """Print a line for each batch and for single runs."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with (
        tempfile.TemporaryDirectory(prefix="evidence-benchmark-") as scratch,
        sandbox.start(["demo"], copies=many) as local,
    ):
        folder = Path(scratch)
        identities = [local.accounts[f"demo-{n}"] for n in range(1, many + 1)]
        shell = {**os.environ, "XDG_CONFIG_HOME": scratch, **local.environment("demo")}
        file = file_of(folder, identities, "undisturbed")
        undisturbed = run_batch(folder, file, shell)
        print("undisturbed:", undisturbed.line(), flush=True)
        print(f"the command: {undisturbed.command >> 20} MB at most")
        print(f"a worker with its account: {undisturbed.worker >> 20} MB at most")
        for pid in undisturbed.early.keys() & undisturbed.late.keys():
            early, late = undisturbed.early[pid], undisturbed.late[pid]
            print(
                f"worker {pid}: {early >> 20} MB by account {EARLY}, {late >> 20} MB by {many}: "
                f"{late / early - 1:+.1%}"
            )
        single = run_singly(
            folder,
            file,
            {
                local.accounts[f"demo-{n}"]: {**shell, **local.environment(f"demo-{n}")}
                for n in range(1, SINGLE + 1)
            },
        )
        print(f"evidence run: {single.wall:.1f} s an account, {60 / single.wall:.1f} accounts/min")
        print(f"ratio: {single.wall * many / undisturbed.seconds:.1f}", flush=True)
        local.faults.add(Fault("*", "*", "throttle", share=THROTTLED))
        disturbed = run_batch(folder, file_of(folder, identities, "disturbed"), shell, kill=True)
        print("killed and throttled:", disturbed.line())
        differ = [
            name
            for name, digest in disturbed.digests().items()
            if undisturbed.digests()[name] != digest
        ]
        print(f"findings digests that differ: {len(differ)} {json.dumps(differ[:5])}")
        sys.exit(bool(differ))


if __name__ == "__main__":
    main()
