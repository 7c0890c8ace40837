"""One account of a batch: makes what is missing, and checks what exists against its digests.

``python -m kit.batch.account`` reads a job as JSON from standard input and writes its result to
standard output. So each account has a separate process, separate credentials and separate memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import log
from kit.batch.accounts import ObjectLock
from kit.batch.ledger import DONE, FAILED, NOT_ENTERED
from kit.batch.request import digest_of, first_difference, request_of, request_of_snapshot
from kit.batch.signing import open_key
from kit.batch.store import Store, open_store
from kit.collect.members import Discover, find_members
from kit.errors import CannotRunError, NotEnteredError, UserError
from kit.outputs import temporary
from kit.parameters import Run
from kit.snapshot import HEADER, Snapshot, read
from kit.warm import process
from kit.warm.fork import in_fork

if TYPE_CHECKING:
    from kit.pack.keys import SigningKey

WATCHED = "--watched"
COMPLETE = "complete.json"  # written last: a folder without it is incomplete
_FORMAT = 1


@dataclass(frozen=True)
class Job:
    """The content of a task: names and parameters, no credentials and no evidence.

    Attributes
    ----------
    run, sources : dict
        Fields of the account's run, and the file and line of those that the user gave.
    name : str
        The batch's name.
    outputs, snapshots : str
        Folder or ``s3://bucket/prefix``.
    pseudonym_key : str
        Fingerprint of the key that every worker must have.
    kit : str
        Version that every worker must have.
    object_lock : dict or None
    organisation : str
        The account whose snapshot is lent to this account; both snapshots are in the same store.
    signing : dict of str to str
        The key that signs, by the options of ``evidence run``; the passphrase is in the worker's
        environment.
    discover : dict or None
        Which members of the organisation to list; the job then makes no pack.
    """

    run: Mapping[str, Any]
    name: str
    outputs: str
    snapshots: str
    pseudonym_key: str
    kit: str
    object_lock: Mapping[str, Any] | None = None
    organisation: str = ""
    signing: Mapping[str, str] = field(default_factory=dict)
    discover: Mapping[str, Any] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        return str(self.run["account"])

    @property
    def place(self) -> str:
        """The folder of its pack and snapshot in their stores."""
        return f"{self.account}/{self.name}"

    def as_json(self) -> str:
        """Return the job as text."""
        return json.dumps(asdict(self))


def check_existing(job: Job) -> dict[str, Any] | None:
    """Check an existing pack against its request and its digests.

    Returns
    -------
    dict or None
        The account's entry for the ledger; None where there is no pack.
    """
    packs = open_store(job.outputs)
    marker = packs.read(f"{job.place}/{COMPLETE}")
    if marker is None:
        return None
    facts: dict[str, Any] = json.loads(marker)
    changed = _changed_request(job, facts)
    if changed:
        return {
            "state": FAILED,
            "why": f"{changed}, and {job.outputs}/{job.place}/pack was made before that; give the "
            f"batch another name, or move the folder {job.place} away",
        }
    with packs.opened(f"{job.place}/pack") as folder:
        fault = fault_of(job, facts, folder)
    if not fault:
        return {"state": DONE, **facts, "kept": True}
    return {
        "state": FAILED,
        "why": f"{job.outputs}/{job.place}/pack was changed after it was made ({fault}); move the "
        f"folder {job.place} away and start the batch again",
    }


def fault_of(job: Job, facts: Mapping[str, Any], folder: Path) -> str:
    """Return the first thing that keeps the batch from counting a pack; empty for a sound one.

    ``complete.json`` lies beside the pack, so that whoever can change the one can change the other:
    the pack itself has to verify, as of this account, and signed where the batch signs.
    """
    from kit.verify import NO_SIGNATURE, verify
    from kit.verify.bag import read_info
    from kit.verify.contents import open_contents

    try:
        if _pack_digest(folder) != facts["pack_sha256"]:
            return "its list of files is another"
        checks = verify(folder)
    except (OSError, UserError) as error:
        return str(error)
    wrong = [check for check in checks if not check.ok]
    if wrong:
        return wrong[0].line
    if any(check.open == NO_SIGNATURE for check in checks) and job.run.get("signed"):
        return "it is unsigned, and the batch signs"
    with open_contents(folder) as contents:
        stated = read_info(contents)
    for label, value in (
        ("Account", job.account),
        ("Snapshot-SHA-256", facts["snapshot_sha256"]),
        ("Findings-SHA-256", facts["findings_digest"]),
    ):
        if stated.get(label) != value:
            return f"it states {label} {stated.get(label)}, not {value}"
    return ""


def _changed_request(job: Job, facts: Mapping[str, Any]) -> str:
    """Describe how the request differs from that of the pack; empty where it does not."""
    now = request_of(Run.model_validate(job.run), job.pseudonym_key)
    if digest_of(now) == facts.get("asked_sha256"):
        return ""
    header = open_store(job.snapshots).read(f"{job.place}/snapshot/{HEADER}")
    then = request_of_snapshot(json.loads(header)) if header else now
    return first_difference(then, now) or "the parameters of the run were changed"


def make(job: Job) -> dict[str, Any]:
    """Make the account's pack from the existing snapshot, or from a new snapshot.

    Returns
    -------
    dict
        The content of ``complete.json``.

    Raises
    ------
    NotEnteredError
        The kit could not sign in to the account.
    UserError
        Something else in the request is wrong.
    CannotRunError
        A later attempt may succeed: AWS could not be reached, the disk was full ...
    """
    if job.kit != version("appstream-evidence-kit"):
        raise UserError(
            f"this worker has version {version('appstream-evidence-kit')} of the kit, the batch "
            f"was started with {job.kit}; install the same version everywhere"
        )
    key = open_key(job.signing)
    lock = ObjectLock.model_validate(job.object_lock) if job.object_lock else None
    packs, snapshots = open_store(job.outputs, lock), open_store(job.snapshots)
    _collect(snapshots, job)
    facts = _seal(packs, snapshots, job, key)
    packs.write(f"{job.place}/{COMPLETE}", json.dumps(facts, indent=2).encode())
    return facts


def _collect(snapshots: Store, job: Job) -> None:
    """Collect the account, unless an interrupted batch left the snapshot of the same request."""
    from kit.collect.collector import collect
    from kit.judge import calls_of
    from kit.redact.labels import open_labels

    run = Run.model_validate(job.run).given_in(job.sources)
    open_labels(run, job.pseudonym_key)
    name = f"{job.place}/snapshot"
    header = snapshots.read(f"{name}/{HEADER}")
    if header is not None and request_of_snapshot(json.loads(header)) == request_of(
        run, job.pseudonym_key
    ):
        return
    snapshots.remove(name)
    with ExitStack() as stack:
        lender = None
        if job.organisation:
            place = f"{job.organisation}/{job.name}/snapshot"
            lender = stack.enter_context(snapshots.opened(place))
        folder = stack.enter_context(snapshots.making(name))
        gather = partial(collect, run, calls_of(run), folder, lender=lender, progress=False)
        in_fork("the collection", lambda: gather().folder, tidies=True)


def _seal(packs: Store, snapshots: Store, job: Job, key: SigningKey | None) -> dict[str, Any]:
    from kit.judge.digest import ROLL_UP
    from kit.pack.seal import seal

    began = time.monotonic()
    name = f"{job.place}/pack"
    packs.remove(name)
    with snapshots.opened(f"{job.place}/snapshot") as folder, packs.making(name) as to:
        pack = seal(folder, to, key=key, progress=False)
        snapshot = read(folder)
        return {
            "format": _FORMAT,
            "kit": job.kit,
            "account": job.account,
            "as_of": snapshot.as_of.isoformat(),
            "asked_sha256": digest_of(request_of_snapshot(snapshot.header)),
            "exit_code": pack.exit_code,
            "findings": dict(
                Counter(f["status"] for f in pack.findings if f["subject"] != ROLL_UP)
            ),
            "findings_digest": pack.digest,
            "snapshot_sha256": snapshot.digest,
            "pack_sha256": _pack_digest(to),
            "seconds_sealing": round(time.monotonic() - began, 1),
            **_requests(snapshot),
            **_not_compared(snapshot),
        }


def _requests(snapshot: Snapshot) -> dict[str, int]:
    """Count the requests to AWS, the retries, and the throttled requests."""
    return {
        "requests": len(snapshot.requests),
        "retries": sum(max(request.attempts - 1, 0) for request in snapshot.requests),
        "throttles": int(snapshot.header.get("throttles", 0)),
    }


def _not_compared(snapshot: Snapshot) -> dict[str, Any]:
    """Return the packs that `previous` left out, whose labels were made with another key."""
    left_out = [*map(dict, snapshot.earlier.left_out)] if snapshot.earlier else []
    return {"not_compared": left_out} if left_out else {}


def _pack_digest(folder: Path) -> str:
    """Return the SHA-256 of the tag manifest, which covers the whole pack (RFC 8493)."""
    return hashlib.sha256((folder / "tagmanifest-sha256.txt").read_bytes()).hexdigest()


def attempt(job: Job) -> dict[str, Any]:
    """Make the account's pack and return its entry for the ledger, or list the members.

    Raises
    ------
    CannotRunError
        A later attempt may succeed.
    """
    try:
        # The worker stores what lies in the temporary folder.
        log.keep(open_store(job.snapshots).local(job.place) or temporary())
        if job.discover is not None:
            discover = Discover.model_validate(job.discover)
            return {"members": find_members(Run.model_validate(job.run), discover)}
        return {"state": DONE, **make(job)}
    except NotEnteredError as error:
        log.failure(error)
        return {"state": NOT_ENTERED, "why": str(error), "code": error.code}
    except CannotRunError:
        raise
    except UserError as error:
        log.failure(error)
        return {
            "state": FAILED,
            "why": str(error),
            **({} if job.discover is None else {"wrong": True}),
        }


def _end_with_starter() -> None:
    """End this process when its starter, which holds its standard input open, has ended."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Read a job, do it, and write its result; all other output goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = Job(**json.loads(sys.stdin.readline()))
    # A stopped batch: this process tidies up. A terminal's Ctrl-C comes here beside the worker's signal.
    ending = (signal.SIGINT, signal.SIGTERM)
    process.handle_once(dict.fromkeys(ending, signal.default_int_handler))
    if WATCHED in sys.argv:
        threading.Thread(target=_end_with_starter, daemon=True).start()
    with log.command("batch", account=job.account):
        try:
            result = attempt(job)
        except CannotRunError as error:
            log.failure(error)
            result = {"again": str(error)}
        log.event("result", state=result.get("state", "to be tried again"))
    json.dump(result, answer)
    answer.close()


if __name__ == "__main__":
    main()
