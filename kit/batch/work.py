"""The task of a Dask worker: one account, in a separate process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Semaphore, Worker, get_worker

from kit import log, warm
from kit.batch.account import WATCHED, Job, check_existing
from kit.batch.ledger import RUNNING
from kit.batch.store import open_store
from kit.errors import CannotRunError
from kit.outputs import scratch

_COMMAND = [sys.executable, "-m", "kit.batch.account"]
_STOPPED = "the batch was stopped"
_TIDIED = 10.0  # seconds in which an account that is stopped tidies up
_POLLED = 0.01  # seconds between two looks
_Process = warm.Process | subprocess.Popen[bytes]


@dataclass
class _UnderWay:
    """What this worker does of a batch.

    Attributes
    ----------
    accounts : dict of str to process
        Of each account; None before it started.
    is_stopped : bool
    """

    accounts: dict[str, _Process | None] = field(default_factory=dict)
    is_stopped: bool = False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process of each account that still runs.

        Its id may be another process's once `wait` has returned. `send_signal` would look for its
        end, and take that from the thread that waits for it.
        """
        for process in tuple(self.accounts.values()):
            if process and process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)


_batches: dict[str, _UnderWay] = defaultdict(_UnderWay)  # by topic


def dask_setup(worker: Worker) -> None:
    """Ignore Ctrl-C, which a terminal sends to every process: the client ends the workers.

    References
    ----------
    Dask, "Customize Initialization": a preloaded module's ``dask_setup`` runs in each worker.
    """
    signal.signal(signal.SIGINT, lambda *_: None)


def work(job: Job, topic: str, at_once: int = 0) -> dict[str, Any]:
    """Do a job on a worker, and report to the client when the account starts.

    Parameters
    ----------
    job : Job
    topic : str
        Topic of the events that the client has subscribed to.
    at_once : int
        Most accounts under way on the whole cluster; 0 for no limit.

    Returns
    -------
    dict
        The account's entry for the ledger.

    Raises
    ------
    CannotRunError
        A later attempt may succeed; Dask tries again.
    """
    if job.discover is not None:
        return run(job, topic)
    turn = Semaphore(max_leases=at_once, name=topic) if at_once else nullcontext()
    with turn:
        if _batches[topic].is_stopped:  # while this account waited for its turn
            raise CannotRunError(_STOPPED)
        get_worker().log_event(topic, {"account": job.account, "state": RUNNING})
        return check_existing(job) or run(job, topic)


async def stop(topic: str) -> None:
    """Stop a batch's accounts on this worker, and wait until each has tidied up.

    Parameters
    ----------
    topic : str
        That `work` was given.
    """
    batch = _batches[topic]
    batch.is_stopped = True
    if None in batch.accounts.values():
        warm.abandon()  # it may import for seconds
    for number in (signal.SIGTERM, signal.SIGKILL):
        batch.signal(number)
        for _ in range(round(_TIDIED / _POLLED)):
            if not batch.accounts:
                return
            await asyncio.sleep(_POLLED)


def run(job: Job, topic: str = "") -> dict[str, Any]:
    """Do a job in a new process, forked from a warm interpreter where that is possible."""
    batch = _batches[topic]
    batch.accounts[job.account] = None
    try:
        if batch.is_stopped:
            raise CannotRunError(_STOPPED)
        return _run(job, batch)
    finally:
        del batch.accounts[job.account]


def _run(job: Job, batch: _UnderWay) -> dict[str, Any]:
    with (
        scratch() as folder,
        (folder / "input").open("w+b") as input_file,
        (folder / "output").open("w+b") as output_file,
        (folder / "messages").open("w+b") as error_file,
    ):
        # The temporary folder is removed with all that a killed process leaves in it.
        environment = {**os.environ, "TMPDIR": str(folder)}
        input_file.write(job.as_json().encode())
        input_file.seek(0)
        files = (input_file.fileno(), output_file.fileno(), error_file.fileno())
        process: _Process
        try:
            process = warm.start(_COMMAND, env=environment, files=files)
        except warm.NotWarm:
            if batch.is_stopped:
                raise CannotRunError(_STOPPED) from None
            process = subprocess.Popen(
                [*_COMMAND, WATCHED],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=files[1],
                stderr=files[2],
            )
            assert process.stdin
            with suppress(BrokenPipeError):  # it has ended, and its messages give the reason
                process.stdin.write(job.as_json().encode() + b"\n")
                process.stdin.flush()
        batch.accounts[job.account] = process
        if batch.is_stopped:  # before the process was known
            batch.signal(signal.SIGTERM)
        code = process.wait()
        if process.stdin:
            process.stdin.close()
        _store_log(job, folder / log.NAME)
        output_file.seek(0)
        error_file.seek(0)
        output, messages = output_file.read(), error_file.read().decode(errors="replace").strip()
    if code or not output:
        last = messages.splitlines()[-1] if messages else "it wrote no message"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise CannotRunError(f"the account's process ended {how}: {last}")
    facts: dict[str, Any] = json.loads(output)
    if "again" in facts:
        raise CannotRunError(facts["again"])
    return facts


def _store_log(job: Job, file: Path) -> None:
    """Store the log of an account whose snapshots are elsewhere, however its process ended."""
    if not file.exists():
        return
    with suppress(
        CannotRunError
    ):  # the account's own error states that the store cannot be written
        store, name = open_store(job.snapshots), f"{job.place}/{file.name}"
        store.write(name, (store.read(name) or b"") + file.read_bytes())
