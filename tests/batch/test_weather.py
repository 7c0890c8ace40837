"""Interruptions, killed processes, throttles, a disk that takes no more: the ledger stays true."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import bagit
import psutil
import pytest

from kit import evaluate, tabulate
from kit.batch.account import Job
from kit.batch.ledger import DONE, NOT_REACHED, STOPPED
from kit.collect.collector import collect
from kit.judge import needed_calls
from kit.parameters import Run
from kit.redact.labels import open_labels
from kit.sandbox.faults import Fault
from kit.sandbox.server import Sandbox
from kit.snapshot import read
from tests.batch.conftest import (
    DEMO,
    EMPTY,
    NAME,
    SMALL,
    TIDY,
    Desk,
    half_made,
    wait_until,
    without_notice,
)
from tests.limits import limited

FILE = "\n".join(line for line in SMALL.splitlines() if TIDY not in line).replace(
    "controls: [GV-01]\n", "controls: [GV-01, LG-01, AR-01]\n"
)


@pytest.fixture(autouse=True)
def _fair_again(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.faults.clear()


def family(batch: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(batch.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def forks(servers: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes that warm interpreters among these have forked."""
    found = []
    for server in filter(is_server, servers):
        with suppress(psutil.NoSuchProcess):
            found += server.children()
    return found


def forks_of_shared() -> list[psutil.Process]:
    """The processes that the warm interpreter of these tests has forked, for whatever batch."""
    return forks(psutil.Process().children())


def accounts_of(
    batch: subprocess.Popen[str], others: Collection[psutil.Process]
) -> list[psutil.Process]:
    """The processes of the accounts under way, and of their kernels; no other batch has them."""
    return [one for one in (*forks(family(batch)), *forks_of_shared()) if one not in others]


def is_server(process: psutil.Process) -> bool:
    try:
        return "kit.warm.server" in process.cmdline() and "kit.warm.server" not in (
            process.parent().cmdline()  # type: ignore[union-attr]
        )
    except (psutil.NoSuchProcess, AttributeError):
        return False


def is_worker(process: psutil.Process) -> bool:
    """Whether Dask started it as a process of Python's multiprocessing."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a ZombieProcess is one, too
        return False


def worker_of(batch: subprocess.Popen[str]) -> psutil.Process:
    (worker,) = filter(is_worker, family(batch))
    return worker


def check_truth(desk: Desk) -> None:
    """What looks whole is whole, and the ledger says done of no other."""
    for account, facts in desk.states().items():
        place = desk.place(account)
        assert facts["state"] in (DONE, NOT_REACHED, STOPPED)
        if facts["state"] == DONE:
            assert (place / "complete.json").exists()
        if (place / "pack").exists():
            assert bagit.Bag(str(place / "pack")).is_valid()


def leave_something_missing(desk: Desk) -> None:
    """Remove packs that are whole: an account may end before the worker of a batch that is stopped."""
    for account in (DEMO, EMPTY):
        if (desk.place(account) / "complete.json").exists():
            shutil.rmtree(desk.place(account))


def test_what_was_stopped_and_killed_is_finished_with_the_findings_of_a_single_run(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault("*", "*", "throttle", share=0.1))  # every tenth request
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        size = desk.ledger.stat().st_size if desk.ledger.exists() else 0
        others = forks_of_shared()
        started = desk.cold() if number == signal.SIGINT else desk
        batch = started.start("--quiet", "--workers", "1", file=FILE)
        wait_until(lambda size=size: desk.ledger.exists() and desk.ledger.stat().st_size > size)
        wait_until(lambda batch=batch, others=others: bool(accounts_of(batch, others)))
        helpers = [*family(batch), *accounts_of(batch, others)]
        # Ctrl-C reaches the whole group, the others one process.
        (os.killpg if number == signal.SIGINT else os.kill)(batch.pid, number)
        out, err = batch.communicate()
        if number == signal.SIGKILL:
            assert batch.returncode == -signal.SIGKILL
        else:
            assert batch.returncode == 1
            assert (
                without_notice(err)
                == "evidence: interrupted; start the batch again to make what is missing\n"
            )
            unfinished = {a: facts for a, facts in desk.states().items() if facts["state"] != DONE}
            assert STOPPED in {facts["state"] for facts in unfinished.values()}
            for account, facts in unfinished.items():
                assert f"{account}: {facts['state']}: {facts['why']}" in out.splitlines()
                assert facts["why"].startswith("the batch was interrupted; ")
                assert not (desk.place(account) / "complete.json").exists()
            assert half_made(desk) == []
        psutil.wait_procs(helpers, timeout=60)
        assert [one for one in helpers if one.is_running()] == []
        check_truth(desk)
        leave_something_missing(desk)

    before = desk.ledger.stat().st_size
    others = forks_of_shared()
    batch = desk.cold().start("--quiet", "--workers", "1", file=FILE)
    for victim in ("account", "worker"):
        wait_until(lambda: bool(accounts_of(batch, others)))
        process = accounts_of(batch, others)[0]
        (process if victim == "account" else worker_of(batch)).kill()
        wait_until(lambda process=process: not process.is_running())
    out, err = batch.communicate()
    sandbox.faults.clear()
    assert (batch.returncode, without_notice(err)) == (4, ""), out
    states = desk.states()
    assert {account: facts["state"] for account, facts in states.items()} == {
        DEMO: "done",
        EMPTY: "done",
    }
    reported = desk.ledger.read_bytes()[before:].decode()
    assert reported.count('"running"') >= 2 + 2, "two accounts were begun again"
    assert states[DEMO]["requests"] > 20
    assert states[DEMO]["throttles"] > 0
    check_truth(desk)
    for name in ("XDG_CONFIG_HOME", *(n for n in desk.environment if n.startswith("AWS_"))):
        monkeypatch.setenv(name, desk.environment[name])
    for account, facts in states.items():
        run = read(desk.place(account) / "snapshot").run
        single = collect(run, needed_calls(run.controls), tmp_path / account, progress=False)
        assert evaluate(tabulate(single)).digest == facts["findings_digest"]


def test_a_file_that_cannot_be_written_to_its_end_leaves_no_pack(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", desk.environment["XDG_CONFIG_HOME"])
    run = Run(
        account=EMPTY,
        regions=["eu-west-1"],
        controls=["GV-01"],
        role_arn=f"arn:aws:iam::{EMPTY}:role/EvidenceReader",
    )
    job = Job(
        run=run.model_dump(),
        name=NAME,
        outputs="outputs",
        snapshots="outputs",
        pseudonym_key=open_labels(run).fingerprint,
        kit=version("appstream-evidence-kit"),
    )
    done = subprocess.run(
        [sys.executable, "-m", "kit.batch.account"],
        input=job.as_json(),
        cwd=desk.folder,
        **limited(desk.environment, {resource.RLIMIT_FSIZE: 40_960}),  # every PDF is larger
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result.keys() == {"again"}  # Dask tries it again; then it has failed: test_s3.py
    assert "cannot be written (the file would be larger than 40960 bytes" in result["again"]
    assert {path.name for path in desk.place(EMPTY).iterdir()} == {"log.jsonl", "snapshot"}
