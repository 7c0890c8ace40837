"""The ledger: true at any moment, also when the disk is full or the process is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kit.batch.ledger import Ledger, count, read_ledger
from kit.errors import CannotRunError, UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "batches" / "2026-Q4" / "ledger.jsonl"


def test_each_account_has_its_last_word(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.expect(["1", "2", "3", "4"], batch="2026-Q4")
        ledger.append(account="1", state="running")
        ledger.append(account="1", state="done", exit_code=0)
        ledger.append(account="2", state="running")
        ledger.append(account="3", state="failed", why="the disk was full")
        ledger.append(account="9", state="done")
    found = read_ledger(path)
    assert list(found) == ["1", "2", "3", "4"]
    assert count(found) == {"done": 1, "stopped": 1, "failed": 1, "not reached": 1}
    assert "began" in found["2"]
    assert "began" not in found["4"]
    assert found["3"]["why"] == "the disk was full"


def test_an_account_under_way_is_running_while_the_batch_runs_and_then_stopped(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.expect(["1", "2"])
        ledger.append(account="1", state="running")
        assert count(read_ledger(path)) == {"running": 1, "not reached": 1}
        assert count(ledger.states()) == {"stopped": 1, "not reached": 1}
        ledger.append(account="1", state="stopped", why="the batch was interrupted")
    assert count(read_ledger(path)) == {"stopped": 1, "not reached": 1}
    assert read_ledger(path)["1"]["why"] == "the batch was interrupted"
    with Ledger(path) as ledger:  # reading has left no lock
        ledger.expect(["1", "2"])
        assert count(read_ledger(path)) == {"not reached": 2}


def test_a_new_beginning_expects_everything_anew(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.expect(["1", "2"])
        ledger.append(account="1", state="done")
    with Ledger(path) as ledger:
        ledger.expect(["1", "2"])
        assert count(ledger.states()) == {"not reached": 2}
    assert len(path.read_text().splitlines()) == 3


def test_only_its_owner_reads_it(path: Path) -> None:
    Ledger(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_is_one_writer(path: Path) -> None:
    with Ledger(path), pytest.raises(UserError, match="another process runs"):
        Ledger(path)
    Ledger(path)


def test_a_line_cut_off_by_a_kill_is_taken_away(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.expect(["1"])
    with path.open("ab") as file:
        file.write(b'{"account": "1", "state": "do')
    assert count(read_ledger(path)) == {"not reached": 1}
    with Ledger(path) as ledger:
        ledger.append(account="1", state="done")
    assert [json.loads(line).get("state") for line in path.read_text().splitlines()] == [
        None,
        "done",
    ]


_FILLS_THE_DISK = """
import os, resource, signal, sys
from pathlib import Path
from kit.batch.ledger import Ledger
from kit.errors import CannotRunError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for room in map(int, sys.argv[2:]):
    if os.fork():
        os.wait()
        continue
    with Ledger(Path(sys.argv[1], str(room))) as ledger:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        written = 0
        try:
            ledger.expect([str(n) for n in range(9)])
            for n in range(9):
                written += 1
                ledger.append(account=str(n), state="done")
        except CannotRunError as error:
            print(written, error)
    break
"""


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    rooms = [10, 170, 200, 333, 400]
    done = subprocess.run(
        [sys.executable, "-B", "-c", _FILLS_THE_DISK, str(tmp_path), *map(str, rooms)],
        capture_output=True,
        text=True,
        check=True,
    )
    for room, reported in zip(rooms, done.stdout.splitlines(), strict=True):
        assert "cannot be written" in reported
        path = tmp_path / str(room)
        lines = path.read_text().splitlines(keepends=True)
        assert all(line.endswith("\n") and json.loads(line) for line in lines)
        assert len(lines) == int(reported.split()[0])
        assert path.stat().st_size <= room


def test_a_killed_writer_leaves_what_it_wrote_and_no_lock(path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from kit.batch.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "ledger.expect(['1', '2'])\n"
        "ledger.append(account='1', state='done')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)])
    assert done.returncode == -signal.SIGKILL
    assert count(read_ledger(path)) == {"done": 1, "not reached": 1}
    Ledger(path)


def test_what_cannot_be_written_or_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotRunError, match="cannot be written"):
        Ledger(tmp_path / "file" / "ledger.jsonl")
    with pytest.raises(UserError, match="the ledger cannot be read"):
        read_ledger(tmp_path / "none")
    assert os.listdir(tmp_path) == ["file"]
