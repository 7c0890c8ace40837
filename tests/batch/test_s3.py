"""Packs in S3: locked there, whole or not to be taken for one, held against digests again."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import Any

import boto3
import pytest

from kit.batch.ledger import Ledger, read_lines
from kit.sandbox.faults import Fault
from kit.sandbox.server import Sandbox
from tests.batch.conftest import EMPTY, NAME, TIDY, Desk

PACKS, SNAPSHOTS, MANAGER = "packs-of-the-batch", "snapshots-of-the-batch", "999988887777"
FILE = f"""
name: {NAME}
outputs: s3://{PACKS}/evidence
snapshots: s3://{SNAPSHOTS}
object_lock: {{mode: COMPLIANCE, days: 400}}
shared:
  role_arn: arn:aws:iam::{{account}}:role/EvidenceReader
  regions: [eu-west-1]
  controls: [GV-01]
organisation: {{account: "{MANAGER}"}}
accounts: [{{account: "{EMPTY}"}}, {{account: "{TIDY}"}}]
"""


@pytest.fixture
def s3(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    place = {"LocationConstraint": "eu-central-1"}
    for name, lock in ((PACKS, True), (SNAPSHOTS, False)):
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):  # by the test before
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=lock
            )
    yield client
    sandbox.faults.clear()


def test_packs_are_locked_and_whole_or_none(desk: Desk, s3: Any, sandbox: Sandbox) -> None:
    def keys(bucket: str, account: str) -> set[str]:
        place = f"{account}/{NAME}/" if bucket == SNAPSHOTS else f"evidence/{account}/{NAME}/"
        found = s3.list_objects_v2(Bucket=bucket, Prefix=place).get("Contents", [])
        return {item["Key"].removeprefix(place) for item in found}

    # The upload of one pack ends before its last object, and what it left cannot be removed.
    late = {"Bucket": PACKS, "Key": f"*{EMPTY}/*/bagit.txt"}
    sandbox.faults.add(Fault("s3", "PutObject", "deny", match=late))
    sandbox.faults.add(Fault("s3", "DeleteObject", "deny", match={"Bucket": PACKS}))
    done = desk.batch("--quiet", "--workers", "1", file=FILE)
    sandbox.faults.clear()
    assert (done.returncode, done.stderr) == (1, "")
    states = desk.states()
    assert {name: facts["state"] for name, facts in states.items()} == {
        MANAGER: "done",
        EMPTY: "failed",
        TIDY: "done",
    }
    assert f"{EMPTY}/{NAME}/pack cannot be deleted: " in states[EMPTY]["why"]
    assert keys(PACKS, EMPTY) > {"pack/tagmanifest-sha256.txt", "pack/data/evidence.pdf"}
    assert keys(PACKS, EMPTY).isdisjoint({"pack/bagit.txt", "complete.json"})
    assert keys(PACKS, TIDY) > {"pack/bagit.txt", "complete.json"}
    stored = {"log.jsonl", "snapshot/evidence.jsonl", "snapshot/snapshot.json"}
    assert keys(SNAPSHOTS, TIDY) == stored

    objects = s3.list_objects_v2(Bucket=PACKS)["Contents"]
    assert {f"evidence/batches/{NAME}/{name}" for name in ("ledger.jsonl", "findings.csv")} <= {
        item["Key"] for item in objects
    }
    least = dt.datetime.now(dt.UTC) + dt.timedelta(days=399)
    for item in objects:
        head = s3.head_object(Bucket=PACKS, Key=item["Key"])
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert head["ObjectLockRetainUntilDate"] > least
    header = s3.get_object(Bucket=SNAPSHOTS, Key=f"{TIDY}/{NAME}/snapshot/snapshot.json")
    assert f'"s3://{SNAPSHOTS}/{MANAGER}/{NAME}/snapshot"' in header["Body"].read().decode()

    # Somebody left a file there, and somebody put another page over one.
    s3.put_object(Bucket=PACKS, Key=f"evidence/{EMPTY}/{NAME}/pack/data/stray.txt", Body=b"")
    s3.put_object(Bucket=PACKS, Key=f"evidence/{TIDY}/{NAME}/pack/data/evidence.html", Body=b"")
    sandbox.requests.clear()
    again = desk.batch_here("--quiet", "--workers", "1", file=FILE)
    assert (again.returncode, again.stderr) == (1, "")
    states = desk.states()
    assert states[MANAGER]["kept"] is True
    assert states[EMPTY]["state"] == "done"
    assert "pack/data/stray.txt" not in keys(PACKS, EMPTY)
    log = s3.get_object(Bucket=SNAPSHOTS, Key=f"{EMPTY}/{NAME}/log.jsonl")["Body"].read()
    events = [json.loads(line) for line in log.splitlines()]
    assert events[-1]["event"] == "ended"
    failures = [str(event["exceptions"]) for event in events if event["event"] == "failed"]
    assert len(failures) == 3  # Dask tried three times
    assert "cannot be written" in failures[0]
    assert "cannot be deleted" in failures[1]
    assert f"{TIDY}/{NAME}/pack was changed after it was made" in states[TIDY]["why"]
    assert {one.service for one in sandbox.requests} == {"s3"}, "collected once"
    assert not (desk.folder / "outputs" / EMPTY).exists()


def test_a_place_that_is_not_there_is_refused_before_any_account(
    desk: Desk, s3: Any, sandbox: Sandbox
) -> None:
    del s3
    sandbox.requests.clear()
    elsewhere = FILE.replace(f"s3://{PACKS}/evidence", "s3://nobodys-packs/evidence")
    done = desk.batch_here("--quiet", file=elsewhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "evidence: accounts.yaml, line 3: outputs: 's3://nobodys-packs/evidence': the bucket "
        "'nobodys-packs' does not exist; name a bucket of yours, or a folder\n"
    )
    unwritable = FILE.replace(f"snapshots: s3://{SNAPSHOTS}", "snapshots: /proc/nothing")
    done = desk.batch_here("--quiet", file=unwritable)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "evidence: accounts.yaml, line 4: snapshots: /proc/nothing cannot be written ("
    )
    sandbox.faults.add(Fault("s3", "ListObjectsV2", "deny", match={"Bucket": PACKS}))
    done = desk.batch_here("--quiet", file=FILE)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"line 3: outputs: s3://{PACKS}/evidence cannot be read: " in done.stderr
    assert {one.service for one in sandbox.requests} == {"s3"}
    assert not desk.ledger.exists()


def test_a_ledger_is_of_packs_in_one_place(desk: Desk, s3: Any) -> None:
    del s3
    with Ledger(desk.ledger) as ledger:
        ledger.expect([EMPTY], packs="s3://packs-before")
    done = desk.batch_here("--quiet", "--workers", "1", file=FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"evidence: accounts.yaml, line 3: outputs: 's3://{PACKS}/evidence': "
        f"outputs/batches/{NAME}/ledger.jsonl is the ledger of a batch {NAME} with packs in "
        "s3://packs-before; give this batch another name\n"
    )
    assert len(read_lines(desk.ledger.read_bytes())) == 1
