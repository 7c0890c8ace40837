"""The interpreter that a single run forks: warm, without secrets, and gone with the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from kit import warm
from tests.warm.test_warm import is_there, wait_until

pytestmark = pytest.mark.skipif(not warm.CAN_FORK, reason="only Linux forks safely")

_HALVES = [
    ("wJalrXUt", "nFEMIbPx"),
    ("correct h0rse", " b4ttery staple"),
    ("zq7Kread", "zq7Klater"),
]
# A notebook's cell. A secret that this names in two halves is whole in no memory but a leaked one.
_CELL = """
import json, os, sys
from pathlib import Path

def is_in_memory(first, second):
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            if " rw" not in line:
                continue
            begin, end = (int(number, 16) for number in line.split()[0].split("-"))
            memory.seek(begin)
            held = memory.read(end - begin)
            at = held.find(first)
            while at >= 0:
                if held.startswith(second, at + len(first)):
                    return True
                at = held.find(first, at + 1)
    return False

halves = [tuple(half.encode() for half in secret) for secret in HALVES]
print(json.dumps({
    "warm": "kit.report.figures" in sys.modules,
    "secrets": sorted(n for n in os.environ if n.startswith(("AWS_", "EVIDENCE_KEY_"))),
    "leaked": [is_in_memory(*secret) for secret in halves],
}))
""".replace("HALVES", repr(_HALVES))
# The process has an event loop, as one that has executed a notebook before.
_RUN = """
import asyncio, json, os, sys
from pathlib import Path
from kit import warm

asyncio.set_event_loop(asyncio.new_event_loop())
with warm.forked():
    later = "".join(("zq7Kread", "zq7Klater"))
    os.environ["AWS_SECRET_ACCESS_KEY_LATER"] = later
    from kit.pack import execute
    server = os.environ[warm.ADDRESS]
    made = execute.execute_file(Path(sys.argv[1]) / "asks.ipynb", {})
print(json.dumps([made.cells[0].outputs[0].text, warm.ADDRESS in os.environ, Path(server).exists()]))
"""


def test_a_run_forks_its_kernel_and_no_secret_goes_with_it(tmp_path: Path) -> None:
    cells = [v4.new_code_cell(_CELL)]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "asks.ipynb")
    secret, passphrase, _ = map("".join, _HALVES)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path)],
        env={
            **os.environ,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DATA_PATH": str(tmp_path),
            "EVIDENCE_KEY_PASSPHRASE": passphrase,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed, named, left = json.loads(done.stdout)
    assert json.loads(printed) == {
        "warm": True,
        "secrets": ["AWS_DATA_PATH"],
        "leaked": [False, False, False],
    }
    assert (named, left) == (False, False)


_STARTS = """
import os, sys, time
from pathlib import Path
from kit import warm
with warm.forked():
    process = warm.start([sys.executable, "-m", "timeit", "import time; time.sleep(600)"])
    server = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]
    print(process.pid, server, flush=True)
    if sys.argv[1] == "starter":
        time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["starter", "nobody"])
def test_nothing_outlives_the_run(victim: str, tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTS, victim],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter.stdout as printed:  # type: ignore[union-attr]
        process, server = map(int, printed.readline().split())
    if victim == "starter":
        os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    wait_until(lambda: not is_there(process) and not is_there(server))


def test_a_process_with_threads_forks_none() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with warm.forked():
            assert warm.ADDRESS not in os.environ
    finally:
        over.set()
        thread.join()
