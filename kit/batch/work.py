"""What a Dask worker does with a task: one account, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from typing import Any

from distributed import Semaphore, Worker, get_worker

from kit import warm
from kit.batch.account import WATCHED, Job, kept
from kit.batch.ledger import RUNNING
from kit.errors import CannotRunError

_COMMAND = [sys.executable, "-m", "kit.batch.account"]
_KERNELS = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "evidence-warm"}


def dask_setup(worker: Worker) -> None:
    """Leave Ctrl-C, which a terminal sends to every process, to the client that ends the workers.

    References
    ----------
    Dask, "Customize Initialization": a preloaded module's ``dask_setup`` runs in each worker.
    """
    signal.signal(signal.SIGINT, lambda *_: None)


def work(job: Job, topic: str, at_once: int = 0) -> dict[str, Any]:
    """Do a job on a worker, and tell the client when a pack is begun.

    Parameters
    ----------
    job : Job
    topic : str
        Of the events that the client has subscribed to.
    at_once : int
        How many accounts may be under way on the whole cluster; 0 for any number.

    Returns
    -------
    dict
        What the ledger says of the account.

    Raises
    ------
    CannotRunError
        It may go well at another time; Dask tries again.
    """
    if job.discover is not None:
        return run(job)
    turn = Semaphore(max_leases=at_once, name=topic) if at_once else nullcontext()
    with turn:
        get_worker().log_event(topic, {"account": job.account, "state": RUNNING})
        return kept(job) or run(job)


def run(job: Job) -> dict[str, Any]:
    """Do a job in a fresh process, a warm one where that is possible."""
    with (
        tempfile.TemporaryDirectory(prefix="evidence-") as scratch,
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as told,
        tempfile.TemporaryFile() as noise,
    ):
        # What a killed process leaves in its temporary folder goes with that.
        environment = {**os.environ, **_KERNELS, "TMPDIR": scratch}
        asked.write(job.as_json().encode())
        asked.seek(0)
        files = (asked.fileno(), told.fileno(), noise.fileno())
        process: warm.Process | subprocess.Popen[bytes]
        try:
            process = warm.start(_COMMAND, env=environment, files=files)
        except warm.NotWarm:
            process = subprocess.Popen(
                [*_COMMAND, WATCHED],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=files[1],
                stderr=files[2],
            )
            assert process.stdin
            with suppress(BrokenPipeError):  # it ended already, and says why
                process.stdin.write(job.as_json().encode() + b"\n")
                process.stdin.flush()
        code = process.wait()
        if process.stdin:
            process.stdin.close()
        told.seek(0)
        noise.seek(0)
        answer, said = told.read(), noise.read().decode(errors="replace").strip()
    if code or not answer:
        last = said.splitlines()[-1] if said else "it said nothing"
        ended = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise CannotRunError(f"the account's process ended {ended}: {last}")
    facts: dict[str, Any] = json.loads(answer)
    if "again" in facts:
        raise CannotRunError(facts["again"])
    return facts
