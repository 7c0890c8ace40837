"""Nothing that comes from outside breaks, colours, hides or forges a line of a command."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kit import batch, terminal
from kit.batch.progress import Progress
from kit.cli import main
from kit.errors import UserError
from kit.judge.findings import Finding
from kit.report.records import record_of
from kit.snapshot import Snapshot
from kit.tables import tabulate
from kit.visible import unseen
from tests.pack.forging import reseal, write
from tests.standins import ACCOUNT, Account

ROOT = Path(__file__).parent.parent
HOSTILE = "design\x1b[2J\x9b31m\u202e\x07\nfleet-aaaaaaaaaa  arn:forged\r\x00ö漢"


def evidence(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def is_plain(text: str) -> bool:
    """Whether every line is the kit's: what is hostile stands within a line, and is seen."""
    return not unseen(text) and not any(
        line.startswith("fleet-aaaaaaaaaa") for line in text.split("\n")
    )


@pytest.fixture
def stored(tmp_path: Path) -> Snapshot:
    account = Account(tmp_path).fleet(HOSTILE, Description=HOSTILE, DisplayName=HOSTILE)
    return account.stack(HOSTILE, fleets=(HOSTILE,)).snapshot()


def test_an_answer_is_shown_as_json_of_the_same_value(stored: Snapshot) -> None:
    request = next(r for r in stored.requests if r.operation == "DescribeFleets")
    shown = evidence("show", request.id, stored.folder)
    assert shown.exit_code == 0
    assert is_plain(shown.output)
    assert json.loads(shown.output[shown.output.index("\n{") :]) == request.response


def test_a_label_is_revealed_in_a_line(stored: Snapshot) -> None:
    labels = tabulate(stored).labels
    label = next(text for text, named in labels.made.items() if named.name == HOSTILE)
    shown = evidence("reveal", label, stored.folder)
    assert shown.exit_code == 0
    assert is_plain(shown.output)
    assert shown.output.count("\n") == 1
    assert shown.output.startswith(f"{label}  arn:aws:appstream:")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", HOSTILE),
        ("seal", HOSTILE),
        ("batch", HOSTILE),
        ("show", HOSTILE, HOSTILE),
        ("reveal", HOSTILE, HOSTILE),
        ("organisation", HOSTILE),
        ("compare", HOSTILE, HOSTILE),
        ("verify", HOSTILE),
        ("verify", ROOT, "--trust", HOSTILE),
        ("plan", HOSTILE),
        ("policy", HOSTILE),
        ("controls", HOSTILE),
        ("sandbox", "--account", HOSTILE),
        ("seal", ROOT, "--key", HOSTILE, "--certificate", HOSTILE),
        (HOSTILE,),
        ("verify", f"--{HOSTILE}"),
        ("batch", ROOT, "--progress", HOSTILE),
        ("plan", ROOT, HOSTILE),
    ],
)
def test_what_somebody_is_led_to_type_is_seen(arguments: tuple[str, ...]) -> None:
    reported = evidence(
        *(
            argument.replace("\0", "") if isinstance(argument, str) else argument
            for argument in arguments
        )
    )
    assert reported.exit_code in (1, 2)
    assert is_plain(reported.output), reported.output


def test_a_file_that_names_something_hostile(tmp_path: Path) -> None:
    for text in (f"account: {json.dumps(HOSTILE)}", f"{json.dumps(HOSTILE)}: x", '"\\ud800": x'):
        (tmp_path / "run.yaml").write_text(text)
        reported = evidence("run", tmp_path / "run.yaml")
        assert reported.exit_code == 2
        assert is_plain(reported.output)
        assert reported.output.count("\n") == 1


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = write(tmp_path / "pack", {"evidence.html": b"<p>", "accounts.csv": b"a\r\n"})
    info = folder / "bag-info.txt"
    info.write_text(f"Account: {HOSTILE!s:.20}\nKind: {HOSTILE[:10]}\n" + info.read_text())
    reseal(folder)
    (folder / "data" / "a\x1b[31m\u202e\x85b").write_text("")
    return folder


@pytest.mark.parametrize("command", ["verify", "organisation", "compare"])
def test_a_pack_of_hostile_names(pack: Path, command: str) -> None:
    reported = evidence(command, pack)
    assert reported.exit_code in (1, 2, 5)
    assert is_plain(reported.output)


def test_what_a_batch_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    states = {"012345678901": {"state": "failed", "why": HOSTILE}}
    result = SimpleNamespace(
        states=states,
        passed_over={HOSTILE: HOSTILE},
        ledger=HOSTILE,
        findings=HOSTILE,
        interrupted=False,
        exit_code=1,
    )
    monkeypatch.setattr(batch, "run_batch", lambda *_, **__: result)
    reported = evidence("batch", tmp_path)
    assert reported.exit_code == 1
    assert is_plain(reported.output)
    assert reported.output.count("\n") == 5


@pytest.mark.parametrize("form", ["bar", "json"])
def test_the_progress_of_a_batch(capsys: pytest.CaptureFixture[str], form: Any) -> None:
    with terminal.guarded():
        shown = Progress(1, form)
        shown.update(HOSTILE, {"state": "failed", "why": HOSTILE})
        shown.close()
    reported = capsys.readouterr().err
    assert "1/1" in reported or '"failed": 1' in reported
    assert is_plain(reported.replace("\r", "\n"))


def test_what_a_snapshot_and_a_pack_make_of_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / HOSTILE.replace("\0", "")).write_text("")
    finding = record_of(Finding("AR-01", "medium", ACCOUNT, "eu-west-1", "fleet", "pass"))
    made = SimpleNamespace(
        folder=tmp_path,
        findings=[finding],
        digest=HOSTILE,
        unused_waivers=[HOSTILE],
        exit_code=3,
        gravest_fail=None,
    )
    monkeypatch.setattr("kit.pack.seal.seal", lambda *_, **__: made)
    reported = evidence("seal", tmp_path)
    assert reported.exit_code == 3
    assert is_plain(reported.output)
    assert reported.output.count("\nwaiver: design") == 1


def test_an_error_that_nobody_expected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any) -> None:
        print(HOSTILE, file=sys.stderr)  # as a library might
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("kit.snapshot.read", broken)
    reported = evidence("show", "E0001", tmp_path)
    assert reported.exit_code == 1
    assert "Traceback" in reported.output
    assert not unseen(reported.output)


def test_a_terminal_that_lacks_characters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("w", encoding="latin-1") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with terminal.guarded():
            terminal.line("a\x1bö")
    assert path.read_text("latin-1") == "a\\u27e8U+001B\\u27e9ö\n"


def test_a_notebook_shows_an_error_in_a_line() -> None:
    (shown,) = UserError(HOSTILE)._render_traceback_()
    assert is_plain(shown)
    assert "\n" not in shown


def test_nothing_else_prints() -> None:
    """`kit.terminal` prints; bars are drawn by tqdm, of numbers and an account's digits."""
    for path in sorted((ROOT / "kit").rglob("*.py")):
        if path.name == "terminal.py":
            continue
        names = {
            ast.unparse(n.func)
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.Call)
        }
        assert not names & {
            "print",
            "click.echo",
            "click.secho",
            "sys.stdout.write",
            "sys.stderr.write",
        }, path
