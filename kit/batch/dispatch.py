"""Sends jobs to Dask and reports the result of each, also where the cluster goes away."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, as_completed

from kit.batch.account import Job, check_existing
from kit.batch.ledger import FAILED, NOT_REACHED, RUNNING, STOPPED
from kit.batch.work import stop, work
from kit.errors import CannotRunError, UserError

_RETRIES = 2
_GONE = "the scheduler went away; start the batch again to make what is missing"
_INTERRUPTED = "the batch was interrupted; start it again to make what is missing"

Report = Callable[[str, dict[str, Any]], None]


class Dispatcher:
    """The work on a batch's accounts.

    Parameters
    ----------
    client : Client
    report : function of an account and facts
        Called when an account starts, from another thread, and when it ends.
    at_once : int
        Most accounts under way on the whole cluster; 0 for no limit.
    """

    def __init__(self, client: Client, report: Report, at_once: int):
        self._client, self._report, self._at_once = client, report, at_once
        self._topic = f"evidence-{secrets.token_hex(8)}"
        self._count = itertools.count()
        self._started: set[str] = set()
        self._futures: dict[Any, str] = {}
        client.subscribe_topic(self._topic, self._report_start)

    def do(self, jobs: Mapping[str, Job]) -> None:
        """Do jobs and report the result of every account, also of those stopped and not reached."""
        left, why = dict.fromkeys(jobs), _INTERRUPTED
        try:
            with self._stopping():
                for account, facts in self._results(jobs):
                    del left[account]
                    self._report(account, facts)
            why = _GONE
        finally:
            for account in left:
                self._report(account, self._unreported(jobs[account], why))

    def do_one(self, job: Job) -> dict[str, Any]:
        """Do one job and return its result.

        Raises
        ------
        CannotRunError
            The scheduler went away.
        """
        with self._stopping():
            for _, facts in self._results({job.account: job}):
                return dict(facts)
        raise CannotRunError(f"--scheduler: {_GONE}")

    def _results(self, jobs: Mapping[str, Job]) -> Iterator[tuple[str, dict[str, Any]]]:
        if self._client.status != "running":
            return
        self._futures = {
            self._client.submit(
                work,
                job,
                self._topic,
                self._at_once,
                key=f"{self._topic}-{account}-{next(self._count)}",
                retries=_RETRIES,
                pure=False,
            ): account
            for account, job in jobs.items()
        }
        for future in as_completed(self._futures):
            facts = _facts(future)
            if facts:
                yield self._futures[future], facts

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Stop the work on the workers, and wait for that, where Ctrl-C or an error ends the block."""
        try:
            yield
        except BaseException:
            if self._client.status == "running":
                with suppress(OSError, RuntimeError):  # the scheduler went away
                    self._client.cancel([*self._futures])
                    self._client.run(stop, self._topic, on_error="ignore")
            raise

    def _unreported(self, job: Job, why: str) -> dict[str, Any]:
        """Return the entry of an account whose end no worker reported; its pack may be whole."""
        if job.account not in self._started:
            return {"state": NOT_REACHED, "why": why}
        with suppress(Exception):  # the next start reports what is wrong with it
            if facts := check_existing(job):
                return facts
        return {"state": STOPPED, "why": why}

    def _report_start(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        self._started.add(event[1]["account"])
        self._report(event[1]["account"], {"state": RUNNING})


def _facts(future: Any) -> dict[str, Any] | None:
    """Return an account's entry for the ledger; None where its result is lost with the scheduler."""
    if future.status == "error":
        return {"state": FAILED, "why": _reason(future.exception())}
    if future.status != "finished":
        return None
    try:
        facts: dict[str, Any] = future.result()
    except (CancelledError, OSError, RuntimeError):
        return None
    return facts


def _reason(error: BaseException | None) -> str:
    if isinstance(error, UserError):
        return str(error)
    return f"{type(error).__name__}: {error}"
