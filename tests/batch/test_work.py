"""The process of an account: gone with whoever started it, warm or plain."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from kit import warm
from kit.batch import account, work
from kit.batch.account import Job
from kit.batch.dispatch import Dispatcher
from kit.batch.ledger import STOPPED
from kit.errors import CannotRunError
from kit.parameters import Run
from kit.redact.labels import open_labels
from tests.batch.conftest import wait_until

_RUNS_ONE = """
import sys
from importlib.metadata import version
from kit.batch.account import Job
from kit.batch.work import run
run(Job(**__import__("json").loads(sys.argv[1])))
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    run = Run(account="222233334444")
    return Job(
        run=run.model_dump(),
        name="2026-Q4",
        outputs=str(tmp_path),
        snapshots=str(tmp_path),
        pseudonym_key=open_labels(run).fingerprint,
        kit=version("appstream-evidence-kit"),
    )


@pytest.mark.parametrize("is_warm", [True, False] if warm.CAN_FORK else [False])
def test_an_account_is_not_left_alone(is_warm: bool, job: Job, tmp_path: Path) -> None:
    with socket.socket() as silent:  # an AWS that takes requests and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "TMPDIR": str(tmp_path),  # which keeps what the killed starter leaves
        }
        if not is_warm:
            environment[warm.ADDRESS] = str(tmp_path / "gone")
        starter = subprocess.Popen(
            [sys.executable, "-c", _RUNS_ONE, job.as_json()], env=environment
        )
        silent.accept()[0].close()  # it asks: it is under way
        helpers = psutil.Process(starter.pid).children(recursive=True)
        assert helpers
        starter.kill()
        starter.wait()
        wait_until(lambda: not any(one.is_running() for one in helpers))


def started(code: str) -> subprocess.Popen[bytes]:
    """A process that runs some code and then waits; it has run the code."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import signal, time\n{code}\nprint(flush=True)\ntime.sleep(600)"],
        stdout=subprocess.PIPE,
    )
    with process.stdout as out:  # type: ignore[union-attr]
        out.readline()
    return process


def test_an_account_that_does_not_tidy_up_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_TIDIED", 0.05)
    process = started("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    work._batches["deaf"].accounts["111111111111"] = process
    with ThreadPoolExecutor(1) as thread:  # this one may have another test's event loop
        thread.submit(lambda: asyncio.run(work.stop("deaf"))).result()
    assert process.wait() == -signal.SIGKILL


def test_a_process_that_ended_gets_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda pid, _: signalled.append(pid))
    signalled: list[int] = []
    accounts: dict[str, Any] = {
        "stored": SimpleNamespace(pid=7, returncode=0),  # the worker stores its log
        "runs": SimpleNamespace(pid=8, returncode=None),
        "starts": None,
    }
    work._UnderWay(accounts).signal(signal.SIGTERM)
    assert signalled == [8]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_further_signals_do_not_interrupt_what_tidies_up(
    first: int, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[Job] = []

    def attempt(job: Job) -> Any:
        try:
            signal.raise_signal(first)
        finally:
            for further in (signal.SIGTERM, signal.SIGINT):
                signal.raise_signal(further)
            tidied.append(job)

    monkeypatch.setattr(account, "attempt", attempt)
    monkeypatch.setattr(sys, "stdin", StringIO(job.as_json()))
    monkeypatch.setattr(os, "dup", lambda _: os.open(os.devnull, os.O_WRONLY))
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(KeyboardInterrupt):
            account.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert tidied == [job]


def test_an_account_whose_process_starts_once_the_batch_was_stopped_ends(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = {"late": started("")}

    def start(*_: Any, **__: Any) -> Any:
        (topic,) = (name for name, batch in work._batches.items() if batch.accounts)
        work._batches[topic].is_stopped = True
        if topic in processes:
            return processes[topic]
        raise warm.NotWarm

    monkeypatch.setattr(warm, "start", start)
    monkeypatch.setattr(work, "_batches", defaultdict(work._UnderWay))
    with pytest.raises(CannotRunError, match="ended by signal 15"):
        work.run(job, "late")
    for step in (work.run, work.work):  # before it starts; while it waits for its turn
        with pytest.raises(CannotRunError, match="the batch was stopped"):
            step(job, "late")
    with pytest.raises(CannotRunError, match="the batch was stopped"):
        work.run(job, "cold")  # whose interpreter was ended
    assert [batch.accounts for batch in work._batches.values()] == [{}, {}]


def test_an_interpreter_that_still_imports_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "_POLLED", work._TIDIED)
    process = started("")
    monkeypatch.setattr(warm, "_server", process)
    work._batches["soon"].accounts["111111111111"] = None

    async def stop() -> None:
        stopping = asyncio.create_task(work.stop("soon"))
        await asyncio.to_thread(process.wait)
        stopping.cancel()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(stop())).result()
    assert process.wait() == -signal.SIGKILL


def test_a_scheduler_that_goes_away_as_the_batch_is_stopped_leaves_a_true_ledger(
    job: Job, tmp_path: Path
) -> None:
    reported: dict[str, Any] = {}
    starts: list[Any] = []

    def submit(*_: Any, **__: Any) -> None:
        starts[0]((0, {"account": job.account}))
        raise KeyboardInterrupt

    def cancel(_: Any) -> None:
        raise OSError("the connection was closed")

    client: Any = SimpleNamespace(
        status="running",
        submit=submit,
        cancel=cancel,
        subscribe_topic=lambda _, handler: starts.append(handler),
    )
    marker = tmp_path / job.place / "complete.json"
    marker.parent.mkdir(parents=True)
    marker.write_text("damaged")
    with pytest.raises(KeyboardInterrupt):
        Dispatcher(client, reported.__setitem__, 0).do({job.account: job})
    assert reported[job.account]["state"] == STOPPED
    assert reported[job.account]["why"].startswith("the batch was interrupted; ")


def test_a_batch_names_the_packs_that_were_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit.batch import Result
    from tests.commands import evidence

    left_out = [{"as_of": f"2026-0{month}-01", "label_key": "0123"} for month in (2, 5)]
    states = {"111111111111": {"state": "done", "exit_code": 0, "not_compared": left_out}}
    made = Result(tmp_path / "ledger", tmp_path / "findings", states, {})
    monkeypatch.setattr("kit.batch.run_batch", lambda *_, **__: made)
    (tmp_path / "accounts.yaml").write_text("")
    lines = evidence("batch", "accounts.yaml", cwd=tmp_path).stdout.splitlines()
    assert sum("111111111111: not compared with the pack of 2026-0" in line for line in lines) == 2
    assert "previous: 2 earlier packs not compared" in lines
