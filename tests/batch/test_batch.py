"""A batch makes for each account what a single run makes, and tells what became of each."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import bagit
import pytest

from kit import evaluate, tabulate
from kit.collect.collector import collect
from kit.controls import CONTROLS
from kit.judge import needed_calls
from kit.pack.seal import seal
from kit.sandbox.server import Sandbox
from kit.snapshot import read
from tests.batch.conftest import CLOSED, DEMO, EMPTY, FILE, NAME, TIDY, Desk, wait_until
from tests.listening import is_private, kernels

Made = tuple[Desk, subprocess.CompletedProcess[str]]


@pytest.fixture
def at_home(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials and the pseudonym key that the batch had, in this process."""
    for name in ("XDG_CONFIG_HOME", *(n for n in made[0].environment if n.startswith("AWS_"))):
        monkeypatch.setenv(name, made[0].environment[name])


def test_it_says_what_became_of_each_account(made: Made) -> None:
    desk, done = made
    assert done.returncode == 3, done.stderr
    reported = done.stdout.splitlines()
    assert reported[0].startswith(f"{CLOSED}: not entered: AWS credentials: role arn:aws:iam::")
    assert reported[1] == "accounts: 1 not entered, 3 done"
    assert reported[2] == f"ledger: {desk.ledger.relative_to(desk.folder)}"
    assert "Traceback" not in done.stderr


def test_progress_for_machines_is_a_line_for_each_change(made: Made) -> None:
    lines = [json.loads(line) for line in made[1].stderr.splitlines()]
    assert Counter(line["state"] for line in lines) == {"running": 4, "done": 3, "not entered": 1}
    last = lines[-1]
    assert (last["expected"], last["done"], last["not_entered"], last["failed"]) == (4, 3, 1, 0)
    assert (last["left"], last["running"], last["seconds_left"]) == (0, 0, 0)


def test_the_ledger_has_what_was_requested_and_found(made: Made) -> None:
    desk, _ = made
    states = desk.states()
    assert {account: facts["state"] for account, facts in states.items()} == {
        CLOSED: "not entered",
        DEMO: "done",
        EMPTY: "done",
        TIDY: "done",
    }
    assert states[CLOSED]["code"] == "AccessDenied"
    for account in (DEMO, EMPTY, TIDY):
        complete = json.loads((desk.place(account) / "complete.json").read_text())
        assert complete.items() <= states[account].items()
        snapshot = read(desk.place(account) / "snapshot")
        assert complete["requests"] == len(snapshot.requests)
        assert (complete["retries"], complete["throttles"]) == (0, 0)
        assert complete["snapshot_sha256"] == snapshot.digest
    last = json.loads(desk.ledger.read_text().splitlines()[-1])
    assert (last["event"], last["done"], last["not_entered"]) == ("ended", 3, 1)


def test_each_pack_is_whole_and_nothing_is_left_beside(made: Made) -> None:
    desk, _ = made
    for account in (DEMO, EMPTY, TIDY):
        assert bagit.Bag(str(desk.place(account) / "pack")).is_valid()
        assert sorted(path.name for path in desk.place(account).iterdir()) == [
            "complete.json",
            "log.jsonl",
            "pack",
            "snapshot",
        ]
        assert (desk.place(account) / "snapshot").stat().st_mode & 0o077 == 0
    assert [path.name for path in desk.place(CLOSED).iterdir()] == ["log.jsonl"]
    failed, result, ended = _events(desk, CLOSED)[-3:]
    assert failed["exceptions"][0]["type"] == "NotEnteredError"
    assert (result["state"], ended["event"]) == ("not entered", "ended")
    assert _events(desk, DEMO)[-2]["state"] == "done"


def _events(desk: Desk, account: str) -> list[dict[str, Any]]:
    lines = (desk.place(account) / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_two_workers_have_no_more_accounts_under_way_than_requested(made: Made) -> None:
    events = [_events(made[0], account) for account in (CLOSED, DEMO, EMPTY, TIDY)]
    spans = sorted((own[0]["time"], own[-1]["time"]) for own in events)
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans)), spans


def test_each_role_had_a_session_policy_and_no_kernel_was_within_reach(made: Made) -> None:
    desk, _ = made
    for account in (DEMO, EMPTY, TIDY):
        session = read(desk.place(account) / "snapshot").header["session"]
        assert (session["policy"], session["seconds"]) == ("derived", 900)
    reports = kernels(desk.environment)
    assert len(reports) >= 3
    assert [kernel for kernel in reports if not is_private(kernel) or kernel["ran"]] == []


@pytest.mark.usefixtures("at_home", "notebook_here")
def test_a_pack_is_what_sealing_makes_of_the_same_snapshot(made: Made, tmp_path: Path) -> None:
    place = made[0].place(DEMO)
    seal(place / "snapshot", tmp_path / "pack", progress=False)
    names = {path.relative_to(tmp_path / "pack") for path in (tmp_path / "pack").rglob("*.*")}
    assert {path.relative_to(place / "pack") for path in (place / "pack").rglob("*.*")} == names
    for name in names:
        assert (place / "pack" / name).read_bytes() == (tmp_path / "pack" / name).read_bytes()


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("account", [DEMO, EMPTY])
def test_its_findings_are_those_of_a_single_run(made: Made, account: str, tmp_path: Path) -> None:
    facts = made[0].states()[account]
    run = read(made[0].place(account) / "snapshot").run
    single = collect(run, needed_calls(run.controls), tmp_path / "snapshot", progress=False)
    assert evaluate(tabulate(single)).digest == facts["findings_digest"]


def test_the_table_of_all_findings_has_rows_for_every_account(made: Made) -> None:
    desk, _ = made
    with (desk.ledger.parent / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for account in (DEMO, EMPTY, TIDY):
        with (desk.place(account) / "pack" / "data" / "findings.csv").open(newline="") as file:
            own = list(csv.DictReader(file))
        assert [row for row in rows if row["account"] == account] == own
    missing = [row for row in rows if row["account"] == CLOSED]
    assert {row["control"] for row in missing} == set(CONTROLS)
    assert {(row["status"], row["reason"], row["code"]) for row in missing} == {
        ("not evidenced", "account not entered", "AccessDenied")
    }


@pytest.fixture
def again(made: Made, desk: Desk) -> Desk:
    """A copy of what the batch made."""
    shutil.copytree(made[0].folder / "outputs", desk.folder / "outputs")
    return desk


def test_started_again_it_does_what_is_missing(again: Desk, sandbox: Sandbox) -> None:
    shutil.rmtree(again.place(EMPTY))
    lost = again.place(TIDY) / "complete.json"  # as if killed before the last step
    before = lost.read_bytes()
    lost.unlink()
    (again.place(TIDY) / ".pack.1234").mkdir()
    sandbox.requests.clear()
    done = again.batch_here("--quiet", "--workers", "1")
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    requested = {request.account for request in sandbox.requests if request.service != "sts"}
    assert requested == {EMPTY}
    after = json.loads(lost.read_bytes())
    for name in ("findings_digest", "snapshot_sha256", "pack_sha256"):
        assert after[name] == json.loads(before)[name]
    assert (again.place(TIDY) / ".pack.1234").exists(), "only `evidence clean` removes leftovers"


def test_interrupted_it_reports_a_pack_that_is_whole_as_done(
    again: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has ended its work, and Ctrl-C comes before its result."""

    def interrupted(_: Any) -> Iterator[Any]:
        yield from ()
        wait_until(lambda: '"running"' in again.ledger.read_text().splitlines()[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr("kit.batch.dispatch.as_completed", interrupted)
    (account,) = [line for line in FILE.splitlines() if EMPTY in line]
    one = f"{FILE[: FILE.index('accounts:')]}accounts:\n{account}"
    done = again.batch_here("--quiet", "--workers", "1", file=one)
    assert (done.returncode, again.states()[EMPTY]["state"]) == (1, "done")
    assert "accounts: 1 done" in done.stdout.splitlines()
    assert done.stderr == "evidence: interrupted; start the batch again to make what is missing\n"


def test_started_again_it_holds_what_is_there_against_its_digests_and_what_is_requested(
    again: Desk, sandbox: Sandbox
) -> None:
    changed = FILE.replace(
        "controls: [GV-01]}\n  - {a", "waivers: ours.yaml, controls: [GV-01]}\n  - {a"
    )
    changed = changed.replace("[GV-01]}\n", "[GV-01], reviewer: Jo}\n")
    assert changed.count("reviewer") == 2
    (again.folder / "ours.yaml").write_text(
        "- {control: GV-01, owner: CISO, reason: accepted for now, expires: 2030-01-01}"
    )
    shutil.rmtree(again.place(TIDY) / "snapshot")
    page = again.place(DEMO) / "pack" / "data" / "evidence.html"
    page.write_bytes(page.read_bytes() + b" ")
    sandbox.requests.clear()
    done = again.batch_here("--quiet", "--workers", "1", file=changed)
    assert done.returncode == 1
    assert (
        f"{DEMO}: failed: outputs/{DEMO}/{NAME}/pack was changed after it was made" in done.stdout
    )
    move = f"give the batch another name, or move the folder {EMPTY}/{NAME} away"
    why = again.states()[EMPTY]["why"]
    assert why.startswith('reviewer was "" and is "Jo", and ')
    assert why.endswith(move)
    assert again.states()[TIDY]["why"].startswith("the parameters of the run were changed, and ")
    assert {request.operation for request in sandbox.requests} == {"AssumeRole"}
    with (again.ledger.parent / "findings.csv").open(newline="") as file:
        reasons = {row["reason"] for row in csv.DictReader(file) if row["account"] == DEMO}
    assert reasons == {"account failed"}


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("controller: B", "controls: [AR-99]\n  controller: B", ["controls", "'AR-99'"]),
        ("controller: B", "thresholds: lax\n  controller: B", ["thresholds", "'lax'"]),
        ("controller: B", "waivers: none.yaml\n  controller: B", ["none.yaml", "cannot be read"]),
    ],
)
def test_what_is_wrong_for_all_is_reported_before_anything_begins(
    desk: Desk, old: str, new: str, reported: list[str]
) -> None:
    done = desk.batch_here(file=FILE.replace(old, new))
    assert done.returncode == 2
    assert [part for part in reported if part not in done.stderr] == []
    assert len(done.stderr.splitlines()) == 1
    assert not (desk.folder / "outputs").exists()
