"""Killed at any step, or out of disk, memory or files: nothing looks finished that is not.

`benchmarks/torture/crash.py` tries more of the same, over whole runs and batches.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import bagit
import pytest

from kit.bag import write_bag
from kit.batch.ledger import Ledger, read_ledger
from kit.leftovers import find, remove
from kit.outputs import discard, write_file
from kit.sandbox.server import Sandbox
from kit.snapshot import read, write
from tests.commands import evidence
from tests.crashing import Desk, fails, killed, on_small_disks, starts_again
from tests.inprocess import without_kernel
from tests.standins import Account

_FILES = [("findings.csv", b"a\r\n"), ("evidence/E0001.json", b"{}")]
_STEPS = ("os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "shutil.rmtree", "open")


def _bag(place: Path) -> None:
    write_bag(place / "1" / "pack", _FILES, {"Account": "1"}, dt.datetime.now(dt.UTC))


def _bag_again(place: Path) -> None:
    _bag(place)
    discard(place / "1" / "pack")
    _bag(place)


def _file(place: Path) -> None:
    write_file(place / "1" / "complete.json", b"{}" * 10_000)


def _ledger(place: Path) -> None:
    with Ledger(place / "ledger.jsonl") as ledger:
        ledger.expect(["1"])
        ledger.append(account="1", state="done")


def _snapshot(place: Path) -> None:
    stored = read(place.parent / "stored")
    write(place / "1" / "2" / "snapshot", stored.header, stored.requests)


def _check(place: Path) -> None:
    """Check that what has the name of an output is a whole one."""
    for path in place.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(place).parts):
            continue
        if path.name == "pack":
            assert bagit.Bag(str(path)).is_valid()
        elif path.name == "complete.json":
            assert path.read_bytes() == b"{}" * 10_000
        elif path.name == "snapshot":
            read(path)
        elif path.name == "ledger.jsonl":
            read_ledger(path)


# The steps of `_bag_again` begin with those of `_bag`.
@pytest.mark.parametrize("make", [_bag_again, _file, _ledger, _snapshot])
def test_an_output_is_whole_or_not_there_whatever_step_it_is_killed_at(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    stored = Account(tmp_path / "account").snapshot()
    shutil.copytree(stored.folder, tmp_path / "stored")
    place = tmp_path / "outputs"
    step = 1
    while _killed_at(step, make, place):
        _check(place)
        remove(find([place]), [place])
        assert list(place.rglob(".*")) == []
        shutil.rmtree(place, ignore_errors=True)
        step += 1
    _check(place)
    assert step > 5


def _killed_at(step: int, make: Callable[[Path], None], place: Path) -> bool:
    """Make an output in a process that is killed at a step below a place; whether it was."""
    child = os.fork()
    if child == 0:
        left = iter(range(step - 1, -1, -1))

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event in _STEPS and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = lambda _: None  # what a killed process wrote, the system has without it
        try:
            sys.addaudithook(hook)
            make(place)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a snapshot of few controls, from which packs are made quickly."""
    desk = Desk(tmp_path_factory.mktemp("desk"), sandbox.environment("demo"))
    (desk.folder / "run.yaml").write_text(
        'account: "210987654321"\nregions: [eu-west-1]\ncontrols: [GV-01]\npseudonym_key: key\n'
    )
    keys = {"XDG_CONFIG_HOME": str(desk.folder / "config")}
    arguments = ("run", "run.yaml", "--quiet")
    with without_kernel():
        done = evidence(*arguments, cwd=desk.folder, environment={**desk.environment, **keys})
    assert done.returncode == 4, done.stderr
    return desk


@pytest.fixture
def snapshot(desk: Desk) -> Iterator[Path]:
    """The stored snapshot; the packs that a test makes of it are removed."""
    (stored,) = desk.outputs.glob("*/*/snapshot")
    shutil.rmtree(stored.parent / "pack", ignore_errors=True)
    yield stored
    shutil.rmtree(stored.parent / "pack", ignore_errors=True)


def test_a_pack_is_whole_or_not_there_whatever_stage_it_is_killed_at(
    desk: Desk, snapshot: Path
) -> None:
    """At the first stage one process is killed, at the last all are; `_bag_again` tries each between."""
    command = ["seal", snapshot, "--quiet"]
    for stage in ("kernel.json", "os.rename"):
        assert killed(desk, command, stage, whole=stage != "kernel.json", again=False) == [], stage
        assert not (snapshot.parent / "pack").exists()
        assert desk.left(), stage
    assert starts_again(desk, command) == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({resource.RLIMIT_NOFILE: 64}, "64 files open"),
        ({resource.RLIMIT_AS: 400 << 20}, "400 MiB (ulimit -v)"),
        ({resource.RLIMIT_FSIZE: 40_000}, "larger than 40000 bytes (ulimit -f)"),
    ],
)
def test_what_runs_out_is_named_in_a_line(
    desk: Desk, snapshot: Path, limits: dict[int, int], words: str
) -> None:
    assert fails(desk, ["seal", snapshot, "--quiet"], limits, words) == []
    assert {path.name for path in snapshot.parent.iterdir()} == {"log.jsonl", "snapshot"}


@pytest.mark.parametrize(
    ("place", "size", "again"), [("outputs/full", 100_000, True), ("tmp", 4_096, False)]
)
def test_a_full_disk_is_named_and_the_next_start_completes(
    desk: Desk, snapshot: Path, place: str, size: int, again: bool
) -> None:
    """After a full folder of outputs; of temporary files nothing is left that a start would meet."""
    command = ["seal", snapshot, "--to", "outputs/full/pack", "--quiet"]
    here = place != "tmp"  # where the kernel has its files
    results = on_small_disks(desk, command, place, [size], again=again, here=here)
    if results is None:
        pytest.skip("this machine lets nobody mount; limits of file sizes show the same")
    assert results == [[]]
