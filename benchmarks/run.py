"""Requests, seconds and memory of runs on the sandbox. The benchmark never fails."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit import sandbox

ROOT = Path(__file__).parent.parent


# CPU of making the tables, as a multiple of that of reading the snapshot and its digests.
TABULATE = """
import json, sys, time
from kit.snapshot import read
from kit.tables import tabulate
times = [time.process_time()]
snapshot = read(sys.argv[1])
times.append(time.process_time())
tabulate(snapshot)
times.append(time.process_time())
reading, making = (later - earlier for earlier, later in zip(times, times[1:]))
print(json.dumps({"tabulate_cpu_s": round(making, 2), "tabulate_to_read": round(making / reading, 1)}))
"""

CATALOGUE = """
import json, time
from kit.catalogue import texts
from kit.catalogue.frameworks import frameworks
began = time.process_time()
frameworks()
read = time.process_time()
texts.ids()
loaded = time.process_time()
print(json.dumps({"texts": len(texts.ids()), "frameworks_cpu_ms": round((read - began) * 1e3, 1),
    "texts_cpu_ms": round((loaded - read) * 1e3, 1)}))
"""


def run(code: str, argument: Path, folder: str, environment: dict[str, str]) -> dict[str, object]:
    """Run code in a process of its own; return the figures that it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(argument)],
        cwd=folder,
        env={**os.environ, **environment, "XDG_CONFIG_HOME": folder},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(account: str, identity: str, environment: dict[str, str]) -> dict[str, object]:
    """Collect and seal an account in a separate process."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "run.yaml"
        sample = ROOT / "parameters" / f"{account}.yaml"
        parameters.write_text(sample.read_text() if sample.exists() else f'account: "{identity}"\n')
        code = (
            "import sys, time, json, resource\n"
            "from pathlib import Path\n"
            "from kit.parameters import parameters\n"
            "from kit.judge import needed_calls\n"
            "from kit.collect.collector import collect\n"
            "from kit.pack.seal import seal\n"
            "run = parameters(sys.argv[1])\n"
            "start = time.perf_counter()\n"
            "snapshot = collect(run, needed_calls([]), progress=False)\n"
            "collected = time.perf_counter()\n"
            "pack = seal(snapshot.folder, progress=False)\n"
            "sealed = time.perf_counter()\n"
            "peak = max(resource.getrusage(who).ru_maxrss for who in "
            "(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
            "data = pack.folder / 'data'\n"
            "print(json.dumps({'requests': len(snapshot.requests), 'findings': len(pack.findings),"
            " 'collect_s': round(collected - start, 2), 'seal_s': round(sealed - collected, 2),"
            " 'peak_mb': peak // 1024, 'html_kb': (data / 'evidence.html').stat().st_size // 1024,"
            " 'pdf_kb': (data / 'evidence.pdf').stat().st_size // 1024}))\n"
        )
        figures = run(code, parameters, folder, environment)
        (snapshot,) = Path(folder).glob("outputs/*/*/snapshot")
        return figures | run(TABULATE, snapshot, folder, environment)


def main() -> None:
    """Print a line for each sample account."""
    catalogue = run(CATALOGUE, ROOT, str(ROOT), {})
    print("catalogue", *(f"{key}={value}" for key, value in catalogue.items()))
    names = sys.argv[1:] or ["empty", "demo", "big"]
    began = time.perf_counter()
    with sandbox.start(names) as local:
        print(f"sandbox with {', '.join(names)}: {time.perf_counter() - began:.1f} s to start")
        for name in names:
            figures = measure(name, local.accounts[name], local.environment(name))
            print(name, *(f"{key}={value}" for key, value in figures.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"sandbox peak_mb={peak}")


if __name__ == "__main__":
    main()
