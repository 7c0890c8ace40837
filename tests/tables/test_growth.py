"""Tables and verdicts of a large account take steps in proportion to it, not to its square."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from kit import calls, evaluate, tabulate
from kit.snapshot import Snapshot
from tests.standins import (
    ACCOUNT,
    AS_OF,
    HOME,
    KEY,
    LOGS,
    REGION,
    Account,
    erases,
    replication,
    restricted,
    tls_only,
)

_KIT = str(Path(__file__).parent.parent.parent / "kit")
_FEW, _TIMES = 8, 4
# 4 in proportion, 16 by the square; parts that do not grow, and sorting, lie between.
_MOST_TIMES = 6
_MATTERS = 200  # steps of a line
_ADMIN = f"arn:aws:iam::{ACCOUNT}:role/StreamingAdmin"


def test_steps_are_in_proportion_to_the_account(tmp_path: Path) -> None:
    few, many = (_steps(_account(tmp_path / str(n), n)) for n in (_FEW, _FEW * _TIMES))
    steep = {
        line: (few[line], steps)
        for line, steps in many.items()
        if steps > max(_MATTERS, _MOST_TIMES * few[line])
    }
    assert not steep


def _account(folder: Path, count: int) -> Snapshot:
    """Return the snapshot of an account with so many of each; the names are of this count alone.

    What the kit remembers of one account then saves no step in the other.
    """
    folder.mkdir()
    account = Account(folder)
    account.key()
    for n in range(count):
        of = f"{count}x{n}"
        home, logs, copies = f"{HOME}-{of}", f"{LOGS}-{of}", f"copies-{of}"
        for name in (home, logs):
            job = {"isDefinedInJob": "TRUE", "lastJobId": f"job-{of}", "lastJobRunTime": AS_OF}
            account.bucket(
                name,
                encryption="aws:kms",
                key=KEY,
                policy={
                    "Statement": tls_only(name)["Statement"] + restricted(name, _ADMIN)["Statement"]
                },
                versioning="Enabled",
                lifecycle=[erases()],
                tags={"team": "cad"},
            )
            account.watched(name, jobDetails=job)
        account.lists(
            calls.LIST_CLASSIFICATION_JOBS,
            {
                "jobId": f"job-{of}",
                "jobStatus": "COMPLETE",
                "jobType": "ONE_TIME",
                "lastRunErrorStatus": {"code": "NONE"},
            },
        )
        account.answers(calls.GET_BUCKET_REPLICATION, replication(copies), REGION, Bucket=home)
        account.bucket(copies)
        connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": home}
        account.fleet(f"fleet-{of}", DomainJoinInfo={"DirectoryName": "corp.example"})
        account.stack(f"stack-{of}", fleets=(f"fleet-{of}",), StorageConnectors=[connector])
        account.image(f"image-{of}")
    return account.snapshot()


def _steps(snapshot: Snapshot) -> Counter[tuple[str, int]]:
    """Return how often each line of the kit runs, loops within a line included."""
    steps: Counter[tuple[str, int]] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if event == "line":  # of the kit: no other frame has its lines counted
            steps[file, frame.f_lineno] += 1
        elif event == "call" and not file.startswith(_KIT):
            return None
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        evaluate(tabulate(snapshot))
    finally:
        sys.settrace(before)
    return steps
