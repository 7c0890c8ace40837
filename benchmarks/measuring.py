"""Time, CPU and memory of a command with all its processes, and the sandbox that it runs against."""

from __future__ import annotations

import copy
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from kit import sandbox
from kit.sandbox import declared
from kit.sandbox.server import Sandbox

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
_TICK = 0.05  # seconds between two measurements of memory


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of wall time and of CPU, MB of memory at its peak.

    The memory is that of the whole process tree, in which pages that processes share count once
    (proportional set size).
    """

    wall: float
    cpu: float
    peak: float

    def line(self) -> str:
        return f"{self.wall:.1f} s, CPU {self.cpu:.1f} s, peak {self.peak:.0f} MB"


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(statistics.median(getattr(c, f.name) for c in costs) for f in fields(Cost)))


def measure(
    command: Sequence[Any], cwd: Path, environment: Mapping[str, str], *, memory: bool = True
) -> Cost:
    """Run a command to its end, whatever its exit code, and return what it took.

    To read its `memory` takes time from the command and from the sandbox: without, the peak is 0.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak, over = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peak, over))
    if memory:
        watcher.start()
    process.wait()
    wall = time.monotonic() - began
    over.set()
    if memory:
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak[0] / 2**20)


def _watch(process: psutil.Process, peak: list[int], over: threading.Event) -> None:
    while not over.wait(_TICK):
        peak[0] = max(peak[0], memory_of_tree(process))


def memory_of_tree(process: psutil.Process) -> int:
    """Return the bytes of a process and of all below it; 0 where it has ended."""
    try:
        return sum(map(memory, (process, *process.children(recursive=True))))
    except psutil.Error:
        return 0


def memory(process: psutil.Process) -> int:
    """Return the bytes of a process, its share of pages that others have too; 0 where it has ended."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


@contextmanager
def scaled(times: float) -> Iterator[None]:
    """Let sample accounts have so many times the copies that their files declare."""
    read: Callable[[str], Any] = declared._read

    def enlarged(path: str) -> Any:
        content = read(path)
        return _scaled(copy.deepcopy(content), times) if path.startswith("accounts/") else content

    declared._read = enlarged  # type: ignore[assignment]
    try:
        yield
    finally:
        declared._read = read  # type: ignore[assignment]


def _scaled(value: Any, times: float) -> Any:
    if isinstance(value, dict):
        return {
            name: max(1, round(held * times)) if name == "Copies" else _scaled(held, times)
            for name, held in value.items()
        }
    return [_scaled(held, times) for held in value] if isinstance(value, list) else value


@contextmanager
def account(name: str, folder: Path, times: float = 1) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """Yield a sandbox with an account, and the environment of commands; its run.yaml is in a folder."""
    sample = ROOT / "parameters" / f"{name}.yaml"
    with scaled(times), sandbox.start([name]) as local:
        run = f'account: "{local.accounts[name]}"\nregions: [eu-west-1]\n'
        (folder / "run.yaml").write_text(sample.read_text() if sample.exists() else run)
        shell = {n: value for n, value in os.environ.items() if not n.startswith("AWS_")}
        # Python keeps what it compiled, as it does for users.
        shell.pop("PYTHONDONTWRITEBYTECODE", None)
        yield (
            local,
            {**shell, **local.environment(name), "XDG_CONFIG_HOME": str(folder / ".config")},
        )
