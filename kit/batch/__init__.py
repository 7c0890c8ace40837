"""Many accounts: Dask distributes them, and each gets its pack by the steps of a single run.

The tasks are idempotent. Each task checks what exists of its account against its digests and makes
what is missing, whether Dask repeats the task or a person starts the batch again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kit.batch.accounts import Batch, BatchFile, read_batch
from kit.batch.ledger import DONE, FAILED, NOT_ENTERED, NOT_REACHED, STOPPED, Ledger
from kit.batch.progress import Form, Progress
from kit.batch.signing import refuse_mismatches, try_key
from kit.batch.store import open_store
from kit.bounds import WRITTEN, describe_exposed, read_file
from kit.errors import UserError
from kit.leftovers import notice
from kit.outputs import discard, new_file
from kit.parameters import Run, load_profile, load_waivers
from kit.redact.labels import describe_key

_LOCAL = "outputs"


@dataclass(frozen=True)
class Result:
    """The result of a batch.

    Attributes
    ----------
    ledger, findings : Path
    states : dict
        By account, as `kit.batch.ledger.states` returns it.
    passed_over : dict of str to str
        Accounts of the organisation that cannot be evaluated, and their state there.
    interrupted : bool
        Whether Ctrl-C or SIGTERM stopped the batch; started again, it makes what is missing.
    """

    ledger: Path
    findings: Path
    states: Mapping[str, Mapping[str, Any]]
    passed_over: Mapping[str, str]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """The worst: 1 an account was not run to its end, 3 failed controls, 4 evidence missing, 0."""
        states = {facts["state"] for facts in self.states.values()}
        codes = {facts.get("exit_code") for facts in self.states.values()}
        if self.interrupted or states & {FAILED, NOT_REACHED, STOPPED}:
            return 1
        if 3 in codes:
            return 3
        return 4 if 4 in codes or NOT_ENTERED in states else 0


def run_batch(
    path: Path,
    *,
    name: str = "",
    scheduler: str = "",
    insecure: bool = False,
    workers: int = 0,
    progress: Form = "bar",
    signing: Mapping[str, str] | None = None,
    passphrase: Callable[[], str | None] = lambda: None,
    report: Callable[[str, str], None] = lambda subject, line: None,
) -> Result:
    """Make the packs of many accounts, or what is missing of them.

    Parameters
    ----------
    path : Path
        The file of the batch.
    name : str
        Replaces the name in the file.
    scheduler, insecure, workers
        As `kit.batch.cluster.connect` takes them.
    progress : {"bar", "json", "none"}
    signing : mapping of str to str
        ``key``, ``certificate``, ``kms_key``, ``timestamp``, ``level``: the key that signs, by the
        names that each worker resolves.
    passphrase : function
        Called where the key is encrypted and is opened on this machine.
    report : function of str and str
        Called with ``left`` and a line that names what an interrupted run left, with ``labels`` and
        a line about the key of the labels, and with ``key`` and a line about the key that signs.

    Returns
    -------
    Result

    Raises
    ------
    UserError
        The file is invalid, or another process runs the same batch.
    CannotRunError
        The ledger cannot be written, or the cluster does not answer.
    """
    from kit.batch.cluster import connect
    from kit.batch.runner import BatchRun

    batch = read_batch(path, name)
    _check(batch.runs.values())
    signing = signing or {}
    refuse_mismatches(batch.runs.values(), signing)
    if scheduler:
        _check_places(batch)
    else:
        try_key(signing, passphrase)
    _check_stores(batch, on_this_machine=not scheduler)
    place = _LOCAL if batch.file.outputs.startswith("s3://") else batch.file.outputs
    for text in filter(None, dict.fromkeys(map(describe_key, batch.runs.values()))):
        report("labels", text)
    if "key" in signing and (exposed := describe_exposed(Path(signing["key"]), "--key")):
        report("key", exposed)
    folder = Path(place) / "batches" / batch.file.name
    with (
        connect(scheduler, insecure=insecure, workers=workers, enough=_under_way(batch)) as client,
        Ledger(folder / "ledger.jsonl") as ledger,
    ):
        packs = batch.file.outputs if batch.file.outputs.startswith("s3://") else ""
        _refuse_other_packs(ledger, batch, packs)
        ledger.expect(
            batch.runs,
            batch=batch.file.name,
            packs=packs,
            file_sha256=hashlib.sha256(read_file(path, WRITTEN)).hexdigest(),
            kit=version("appstream-evidence-kit"),
        )
        discard(folder / "findings.csv")  # of an earlier start
        bar = Progress(len(batch.runs), progress)
        interrupted = False
        run = BatchRun(batch, client, ledger, bar, signing)
        try:
            run.finish()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            bar.close()
            states = ledger.states()
            ledger.append(event="ended", **bar.counts())
        findings = _write_findings(folder / "findings.csv", run.batch, states)
        _copy(batch.file, folder)
        places = dict.fromkeys((place, batch.file.snapshots))
        if left := notice(Path(p) for p in places if not p.startswith("s3://")):
            report("left", left)
        return Result(ledger.path, findings, states, run.passed_over, interrupted)


def _check(runs: Iterable[Run]) -> None:
    """Raise what would be wrong for every account, before any account is started."""
    from kit.judge import select

    different = {(run.thresholds, run.waivers, *run.controls): run for run in runs}
    for run in different.values():
        with run.located():
            load_profile(run.thresholds)
            load_waivers(run.waivers)
            select(run.controls)


def _under_way(batch: Batch) -> int:
    """Return how many accounts can be under way at a time; 0 before all are known."""
    accounts = 0 if batch.file.discover else len(batch.runs)
    return min(filter(None, (accounts, batch.file.accounts_at_once)), default=0)


def _check_places(batch: Batch) -> None:
    """Refuse places that resolve to a different folder on each worker."""
    for name in ("outputs", "snapshots"):
        place = getattr(batch.file, name)
        if not (place.startswith("s3://") or Path(place).is_absolute()):
            raise UserError(
                f"{batch.where.of(name)}: {name}: {place!r} is a different folder on each worker; "
                "with --scheduler, write s3://bucket/prefix, or the absolute path of a shared folder"
            )


def _check_stores(batch: Batch, *, on_this_machine: bool) -> None:
    """Check the places of packs and snapshots, before any account is started.

    With a cluster's workers this machine may have no permission on snapshots in S3.
    """
    for name in ("outputs", "snapshots"):
        place = getattr(batch.file, name)
        if name == "snapshots" and place.startswith("s3://") and not on_this_machine:
            continue
        try:
            open_store(place).check(name)
        except UserError as error:
            error.args = (f"{batch.where.of(name)}: {error}",)
            raise


def _refuse_other_packs(ledger: Ledger, batch: Batch, packs: str) -> None:
    """Refuse a ledger of packs in another place: batches with packs in S3 have theirs here.

    `packs` is empty where the ledger lies beside the packs, which people may move together.
    """
    starts = [line for line in ledger.lines if line.get("event") == "begun"]
    before = starts[-1].get("packs", packs) if starts else packs
    if before != packs:
        raise UserError(
            f"{batch.where.of('outputs')}: outputs: {batch.file.outputs!r}: {ledger.path} is the "
            f"ledger of a batch {batch.file.name} with packs in {before or ledger.path.parents[2]}; "
            "give this batch another name"
        )


def _write_findings(path: Path, batch: Batch, states: Mapping[str, Mapping[str, Any]]) -> Path:
    from kit.batch.findings import findings_lines

    packs = open_store(batch.file.outputs)
    with new_file(path) as file:
        for lines in findings_lines(packs, batch.file.name, batch.runs, states):
            file.write(lines)
    return path


def _copy(file: BatchFile, folder: Path) -> None:
    """Copy ledger and findings to S3 where the packs are there."""
    if file.outputs.startswith("s3://"):
        store = open_store(file.outputs, file.object_lock)
        for path in (folder / "findings.csv", folder / "ledger.jsonl"):
            store.write(f"batches/{file.name}/{path.name}", path.read_bytes())


__all__ = ["DONE", "FAILED", "NOT_ENTERED", "NOT_REACHED", "Result", "run_batch"]
