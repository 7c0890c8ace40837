"""CPU of `evidence --help`, and of completion, over a bare interpreter. The benchmark never fails.

The ratio of two processes of the same machine says more than milliseconds, which are of this
machine alone. The least of several runs, in turn, is what no other process disturbed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

RUNS = 15
MOST_MS = 150  # over the bare interpreter: what the kit promises
EVIDENCE = str(Path(sys.executable).parent / "evidence")
COMMANDS = {
    "bare": ["-c", "pass"],
    "help": [EVIDENCE, "--help"],
    "help_of_run": [EVIDENCE, "run", "--help"],
    "completion": [EVIDENCE],
}
# As bash requests the verbs that begin so.
COMPLETING = {"_EVIDENCE_COMPLETE": "bash_complete", "COMP_WORDS": "evidence co", "COMP_CWORD": "1"}


def cpu(name: str) -> float:
    """Return the seconds of CPU of a process."""
    environment = {**os.environ, **(COMPLETING if name == "completion" else {})}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *COMMANDS[name]]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print a line for each command."""
    least = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(RUNS):
        for name in COMMANDS:
            least[name] = min(least[name], cpu(name))
    bare = least.pop("bare")
    for name, seconds in least.items():
        print(
            f"{name} cpu_ms={seconds * 1e3:.0f} over_bare_ms={(seconds - bare) * 1e3:.0f} "
            f"promised_ms={MOST_MS} ratio={seconds / bare:.1f}"
        )


if __name__ == "__main__":
    main()
