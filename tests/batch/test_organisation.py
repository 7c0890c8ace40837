"""The organisation's account first: its snapshot is lent to the members that are discovered.

The batch signs its packs, for no test here depends on that; the last asserts it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import evaluate, tabulate
from kit.batch.ledger import NOT_ENTERED, NOT_REACHED
from kit.collect.collector import collect
from kit.judge import needed_calls
from kit.sandbox.server import Sandbox
from kit.snapshot import read
from kit.verify import verify
from tests.batch.conftest import DEMO, TIDY, Desk
from tests.pack.authority import PASSPHRASE, Authority

MANAGER, LEFT = "999988887777", "444455556666"
FILE = """
name: 2026-Q4
shared:
  role_arn: arn:aws:iam::{account}:role/EvidenceReader
  regions: [eu-central-1]
  controls: [LG-01]
organisation: {account: "999988887777"}
discover: {units: [ou-bspl-streaming]}
"""
SIGNED = FILE.replace("controls:", "signed: true\n  controls:")
Found = tuple[Desk, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def discovered(desk_at: Callable[[str], Desk], authority: Authority) -> Found:
    desk = desk_at("organisation")
    desk = Desk(desk.folder, {**desk.environment, "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE})
    key = str(authority.pkcs12("batch"))
    options = ("--progress", "json", "--workers", "1", "--key", key)
    return desk, desk.batch(*options, file=SIGNED)


def test_members_are_discovered_and_those_that_left_are_reported(discovered: Found) -> None:
    desk, done = discovered
    assert done.returncode in (0, 3, 4), done.stderr
    assert {account: facts["state"] for account, facts in desk.states().items()} == {
        MANAGER: "done",
        TIDY: "done",
        DEMO: "done",
    }
    assert f"{LEFT}: passed over: SUSPENDED" in done.stdout
    passed = [json.loads(line) for line in desk.ledger.read_text().splitlines()]
    assert [one["why"] for one in passed if one.get("state") == "passed over"] == ["SUSPENDED"]
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["expected"], last["done"], last["left"], last["running"]) == (3, 3, 0, 0)


def test_the_organisations_snapshot_is_lent_to_each(
    discovered: Found, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk, _ = discovered
    lender = read(desk.place(MANAGER) / "snapshot")
    for account in (DEMO, TIDY):
        lent = read(desk.place(account) / "snapshot").header["organisation"]
        assert (lent["account"], lent["digest"]) == (MANAGER, lender.digest)
    for name in ("XDG_CONFIG_HOME", *(n for n in desk.environment if n.startswith("AWS_"))):
        monkeypatch.setenv(name, desk.environment[name])
    monkeypatch.chdir(desk.folder)
    run = read(desk.place(DEMO) / "snapshot").run
    assert run.organisation_snapshot == f"outputs/{MANAGER}/2026-Q4/snapshot"
    single = collect(run, needed_calls(run.controls), tmp_path / "snapshot", progress=False)
    assert evaluate(tabulate(single)).digest == desk.states()[DEMO]["findings_digest"]


def test_each_pack_is_signed_and_the_passphrase_is_never_written(
    discovered: Found, authority: Authority
) -> None:
    desk, _ = discovered
    for account in (MANAGER, DEMO, TIDY):
        assert (desk.place(account) / "pack" / "tagmanifest-sha256.txt.p7s").exists()
    checks = verify(desk.place(MANAGER) / "pack", authority.ca)
    assert [check.line for check in checks if not check.ok] == []
    written = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert [path for path in written if PASSPHRASE.encode() in path.read_bytes()] == []


def test_without_the_organisations_account_no_member_is_begun(desk: Desk) -> None:
    file = FILE.replace("{account}:role/EvidenceReader", "{account}:role/Nobody").replace(
        "discover: {units: [ou-bspl-streaming]}", f'accounts: [{{account: "{DEMO}"}}]'
    )
    done = desk.batch_here("--quiet", "--workers", "1", file=file)
    assert (done.returncode, done.stderr) == (1, "")
    states = desk.states()
    assert [facts["state"] for facts in states.values()] == [NOT_ENTERED, NOT_REACHED]
    assert states[DEMO]["why"].startswith(f"waits for {MANAGER}, the organisation's account")
    assert not desk.place(DEMO).exists()


def test_a_unit_that_is_not_in_the_organisation_is_bad_input(desk: Desk) -> None:
    file = FILE.replace("ou-bspl-streaming", "ou-bspl-nowhere0")
    done = desk.batch_here("--quiet", file=file)
    assert (done.returncode, done.stdout) == (2, "")
    assert "discover, units: ou-bspl-nowhere0: not all of these are in the" in done.stderr
