"""Runs a batch: the organisation's account first, then the others; the ledger records each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from distributed import Client

from kit.batch.account import COMPLETE, Job
from kit.batch.accounts import Batch
from kit.batch.dispatch import Dispatcher
from kit.batch.ledger import DONE, FAILED, NOT_REACHED, PASSED_OVER, Ledger
from kit.batch.progress import Progress
from kit.batch.store import open_store
from kit.collect.members import ACTIVE, Discover
from kit.errors import CannotRunError, UserError
from kit.parameters import Run
from kit.redact.labels import open_labels


class BatchRun:
    """The run of a batch.

    Parameters
    ----------
    batch : Batch
    client : Client
        Client of the cluster.
    ledger : Ledger
        Expects the batch's accounts already.
    bar : Progress
    signing : mapping of str to str
        The key that signs, as `kit.batch.run_batch` takes it.

    Attributes
    ----------
    batch : Batch
        With the discovered accounts.
    passed_over : dict of str to str
        Members of the organisation that cannot be evaluated, and their state there.
    """

    def __init__(
        self,
        batch: Batch,
        client: Client,
        ledger: Ledger,
        bar: Progress,
        signing: Mapping[str, str],
    ):
        self.batch, self.passed_over = batch, dict[str, str]()
        self._signing = signing
        self._ledger, self._bar = ledger, bar
        self._packs = open_store(batch.file.outputs)
        self._jobs = {account: self._job(run) for account, run in batch.runs.items()}
        self._dispatcher = Dispatcher(client, self._report, batch.file.accounts_at_once)

    def finish(self) -> None:
        """Run the batch to its end.

        Raises
        ------
        UserError
            A unit is not in the organisation, the list was refused, or nobody matches.
        CannotRunError
            The members of the organisation cannot be listed.
        """
        first = self.batch.organisation
        if first:
            self._dispatcher.do({first: self._jobs[first]})
            state = self._ledger.states()[first]["state"]
            if state != DONE:
                self._skip_members(
                    f"waits for {first}, the organisation's account, which is {state}"
                )
                return
            if self.batch.file.discover:
                self._discover(self.batch.runs[first], self.batch.file.discover)
        self._dispatcher.do({name: job for name, job in self._jobs.items() if name != first})

    def _report(self, account: str, facts: dict[str, Any]) -> None:
        place = self._jobs[account].place
        if facts["state"] == DONE and self._packs.read(f"{place}/{COMPLETE}") is None:
            outputs = self.batch.file.outputs
            why = (
                f"a worker made the pack, but it is not in {outputs} on this machine; "
                "outputs must be a folder that all workers share, or s3://bucket/prefix"
            )
            facts = {"state": FAILED, "why": why}
        self._ledger.append(**{"account": account, **facts})
        self._bar.update(account, facts)

    def _skip_members(self, why: str) -> None:
        for account in self._jobs.keys() - {self.batch.organisation}:
            self._report(account, {"state": NOT_REACHED, "why": why})

    def _discover(self, run: Run, discover: Discover) -> None:
        result = self._dispatcher.do_one(self._job(run, discover))
        if "members" not in result:
            error = UserError if result.get("wrong") else CannotRunError
            raise error(str(result["why"]))
        members: dict[str, str] = result["members"]
        self.batch = self.batch.with_discovered(_in_state(members, active=True))
        discovered = [account for account in self.batch.runs if account not in self._jobs]
        if not self.batch.runs.keys() - {run.account}:
            raise UserError(
                "discover: no active account of the organisation matches; widen units or tags"
            )
        self._jobs |= {account: self._job(self.batch.runs[account]) for account in discovered}
        self._ledger.expect_more(discovered)
        self._bar.expect_more(len(discovered))
        for account in _in_state(members, active=False):
            if account not in self.batch.runs:
                self.passed_over[account] = members[account]
                self._ledger.append(account=account, state=PASSED_OVER, why=members[account])

    def _job(self, run: Run, discover: Discover | None = None) -> Job:
        """Return the job of a run; a member's job names the snapshot that is lent to it."""
        file = self.batch.file
        lender = "" if run.administers_organisation else self.batch.organisation
        if lender:
            place = f"{file.snapshots}/{lender}/{file.name}/snapshot"
            run = run.model_copy(update={"organisation_snapshot": place})
        return Job(
            run=run.model_dump(),
            sources=run.sources,
            name=file.name,
            outputs=file.outputs,
            snapshots=file.snapshots,
            pseudonym_key=open_labels(run).fingerprint,
            kit=version("appstream-evidence-kit"),
            object_lock=file.object_lock.model_dump() if file.object_lock else None,
            organisation=lender,
            signing=self._signing,
            discover=discover.model_dump() if discover else None,
        )


def _in_state(members: dict[str, str], *, active: bool) -> Iterable[str]:
    return [account for account, state in members.items() if (state == ACTIVE) is active]
