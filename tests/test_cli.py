"""The command line: a newcomer's mistakes are told in a line or two, without a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kit import terminal
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from tests.collect.test_login import PROCESSES
from tests.commands import evidence

ROOT = Path(__file__).parent.parent
EVIDENCE = Path(sys.executable).parent / "evidence"
ACCOUNT = "210987654321"


def files(folder: Path) -> set[str]:
    """The names of the files below a folder."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def environment(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.environment("demo")


@pytest.mark.parametrize(
    ("text", "code", "reported"),
    [
        ("account: 012345670123", 2, ["account", "quotes", "012345670123"]),
        (f'account: "{ACCOUNT}"\nregoins: [eu-west-1]', 2, ["'regoins'", "'regions'"]),
        (f'account: "{ACCOUNT}"\nregions: [eu-north-1]', 2, ["eu-north-1", "eu-west-1"]),
        (f'account: "{ACCOUNT}"\naws_profile: audits', 2, ["aws_profile", "'audits'"]),
        (f'account: "{ACCOUNT}"\ncontrols: [AR-99]', 2, ["'AR-99'", "did you mean AR-19"]),
        (f'account: "{ACCOUNT}"\noutputs: /proc/evidence', 1, ["outputs", "cannot be written"]),
        (f'account: "{ACCOUNT}"\nthresholds: lax', 2, ["thresholds", "'lax'", "strict"]),
        ('account: "111111111111"', 2, ["111111111111", ACCOUNT]),
    ],
)
def test_a_mistake_is_reported(
    text: str, code: int, reported: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "run.yaml").write_text(text)
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == code
    assert [part for part in reported if part not in done.stderr] == []
    assert len(done.stderr.splitlines()) <= 2
    assert files(tmp_path) <= {"run.yaml", "log.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["run", "parameters/my-acount.yaml"], "did you mean parameters/my-account.yaml?"),
        (["run", "other/audits.yaml"], "evidence init other/audits.yaml writes one"),
        (["run", "parameters/web.yaml"], "evidence init parameters/web.yaml writes one"),
        (["batch", "parameters/my-account.yaml"], "must be fields with values, such as name: "),
        (
            ["plan", "parameters/accounts.yaml"],
            "accounts.yaml, line 2: accounts is a field of a file",
        ),
        (["plan", "parameters/tab.yaml"], "tab.yaml, line 2: is not valid YAML: a tab"),
        (["plan", "parameters/first.yaml"], "first.yaml, line 2: is not valid YAML: a tab"),
        (["plan", "parameters/open.yaml"], "line 3: is not valid YAML: found unexpected end"),
        (["controls", "AR-5"], "did you mean AR-05 or"),
        (["controls", "ar-5"], "did you mean AR-05 or"),
    ],
    ids=" ".join,
)
def test_what_was_meant_is_named(arguments: list[str], reported: str, tmp_path: Path) -> None:
    files = {
        "my-account": "",
        "accounts": "name: x\naccounts: []\n",
        "tab": "account: a\n\tregions: []\n",
        "first": "regions:\n\t- eu-west-1\n",
        "open": "account: a\nregions: '\n",
    }
    (tmp_path / "parameters").mkdir()
    for name, text in files.items():
        (tmp_path / "parameters" / f"{name}.yaml").write_text(text)
    done = evidence(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert reported in line


@pytest.mark.parametrize("place", ["", "pack", "log.jsonl", "snapshot/snapshot.json"])
def test_the_snapshot_of_a_run_is_named_where_its_run_is_given(place: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "snapshot").mkdir(parents=True)
    (run / "pack").mkdir()
    for file in ("snapshot/snapshot.json", "log.jsonl"):
        (run / file).write_text("")
    done = evidence("seal", Path("run", place), cwd=tmp_path)
    assert (done.returncode, "did you mean run/snapshot?" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    "verb", ["run", "batch", "seal", "organisation", "compare", "verify", "init"]
)
def test_a_path_at_which_nobody_may_look_is_reported(verb: str, tmp_path: Path) -> None:
    """Python's `Path.exists` raises there, as at a name that is too long, which root meets too."""
    done = evidence(verb, f"{'a' * 300}/x", cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode in (1, 2)
    assert line.startswith("evidence: ")
    assert f"evidence init {'a' * 300}" not in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("sandbox", "--port", "99999"),
        ("sandbox", "--page-size", "0"),
        ("batch", "a", "--workers", "-1"),
    ],
)
def test_a_number_out_of_range_is_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = evidence(*arguments, cwd=tmp_path)
    assert (done.returncode, arguments[-2] in done.stderr) == (2, True)


def test_a_file_that_cannot_be_written_is_named_before_anybody_signs_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = evidence("init", "file/my.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr.startswith("evidence: FILE: file/my.yaml ")) == (1, True)


def test_no_credentials_are_reported(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"')
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "evidence: AWS credentials: none available; log in (aws sso login, aws configure) or name a "
        "profile with aws_profile; its log: outputs/"
    )


@pytest.mark.parametrize("state", PROCESSES)
def test_a_process_that_gives_no_credentials_is_named(tmp_path: Path, state: str) -> None:
    config, parameters, _, expected = PROCESSES[state]
    (tmp_path / "config").write_text(config)
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\n{parameters}')
    own = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=own)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert re.search(expected, line)


def test_a_refused_role_is_reported(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "run.yaml").write_text(
        f'account: "{ACCOUNT}"\nrole_arn: arn:aws:iam::{ACCOUNT}:role/NoSuchRole'
    )
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == 2
    assert "NoSuchRole was refused (AccessDenied)" in done.stderr


def test_a_folder_that_holds_no_snapshot_is_reported(tmp_path: Path) -> None:
    done = evidence("seal", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "holds no snapshot" in done.stderr


def test_the_policy_is_json_alone_and_names_no_write(tmp_path: Path) -> None:
    done = evidence("policy", cwd=tmp_path)
    document = json.loads(done.stdout)
    actions = [a for statement in document["Statement"] for a in statement["Action"]]
    assert "appstream:DescribeFleets" in actions
    assert "s3:GetEncryptionConfiguration" in actions
    assert "sts:GetCallerIdentity" not in actions
    reading = ("Describe", "Get", "List", "Lookup", "Generate")
    assert [a for a in actions if not a.partition(":")[2].startswith(reading)] == []
    assert not [a for a in actions if a.endswith("*") or a.startswith("s3:GetObject")]


def test_a_choice_of_controls_needs_a_smaller_policy(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\ncontrols: [ID-02]')
    document = json.loads(evidence("policy", "run.yaml", cwd=tmp_path).stdout)
    actions = [a for statement in document["Statement"] for a in statement["Action"]]
    assert sorted(actions) == [
        "account:ListRegions",
        "ec2:DescribeRegions",
        "iam:GetAccountSummary",
        "iam:ListVirtualMFADevices",
        "organizations:DescribeOrganization",
    ]


def test_the_plan_names_every_call_with_its_permission(tmp_path: Path) -> None:
    from kit.judge import needed_calls

    reported = evidence("plan", cwd=tmp_path).stdout.splitlines()
    assert {re.split(" {2,}", line)[0] for line in reported} == {c.name for c in needed_calls([])}
    rows = json.loads(evidence("plan", "--json", cwd=tmp_path).stdout)
    assert [row["call"] for row in rows] == [re.split(" {2,}", line)[0] for line in reported]
    (fallback,) = [line for line in reported if line.startswith("appstream.ListTagsForResource")]
    assert "only where resourcegroupstaggingapi.GetResources is refused" in fallback


def test_controls_are_reported_as_json_and_as_text(tmp_path: Path) -> None:
    from kit.controls import CONTROLS, ROLL_UPS

    found = json.loads(evidence("controls", "--json", cwd=tmp_path).stdout)
    assert {one["id"] for one in found} == {*CONTROLS, *ROLL_UPS}
    reported = evidence("controls", "AR-05", cwd=tmp_path).stdout
    assert "SSE-S3, which suffices and is not KMS" in " ".join(reported.split())
    assert "s3:GetEncryptionConfiguration" in reported
    assert evidence("controls", "ar-05", cwd=tmp_path).stdout == reported


def test_an_unknown_control_is_reported_with_those_that_are_near(tmp_path: Path) -> None:
    done = evidence("controls", "AR-50", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("evidence: 'AR-50' is not a control; did you mean ")
    done = evidence("controls", "encryption", cwd=tmp_path)
    assert done.stderr == (
        "evidence: 'encryption' is not a control; `evidence controls` lists them\n"
    )


# As where the kit is installed without its extra.
WITHOUT_EXTRA = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("flask", "flask_cors", "moto", "werkzeug"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from kit.cli import main
main()
"""


@pytest.mark.parametrize("verb", ["demo", "sandbox"])
def test_the_extra_that_the_sandbox_needs_is_named(verb: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, verb], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("evidence: the sandbox needs the package ")
    assert line.endswith("pip install 'appstream-evidence-kit[sandbox]'")
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_serves_a_command_and_names_its_account_apart_from_what_it_prints(
    tmp_path: Path,
) -> None:
    aws = EVIDENCE.with_name("aws")
    process = begin("sandbox", "--", aws, "appstream", "describe-fleets", cwd=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["Fleets"]
    assert f"account {ACCOUNT}" in err.splitlines()[0]


@pytest.mark.parametrize(("verb", "code"), [("controls", 0), ("verify", 2)])
def test_a_reader_that_closes_the_pipe_changes_no_exit_code(
    verb: str, code: int, tmp_path: Path
) -> None:
    arguments = ["/nowhere"] if code else ["--json"]
    process = begin(verb, *arguments, cwd=tmp_path)
    assert process.stdout
    assert process.stderr
    (process.stderr if code else process.stdout).close()
    left = (process.stdout if code else process.stderr).read()
    assert (process.wait(), left) == (code, "")


def test_commands_to_copy_are_as_they_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for argument, path, typed in (
        (".venv/bin/evidence", "/nowhere", ".venv/bin/evidence"),
        (".venv/bin/evidence", str(EVIDENCE.parent), "evidence"),
        ("/usr/bin/pytest", "/nowhere", "evidence"),
    ):
        monkeypatch.setattr(sys, "argv", [argument])
        monkeypatch.setenv("PATH", path)
        assert terminal.typed() == typed


def test_what_changed_is_the_next_step_once_there_are_two_packs(tmp_path: Path) -> None:
    from kit.cli import _next_steps

    earlier, later = (tmp_path / ACCOUNT / run / "pack" for run in ("2026-08-24", "2026-11-24"))
    later.mkdir(parents=True)
    made = SimpleNamespace(folder=later, gravest_fail="EX-05")
    stated = "Evidence-As-Of: 2026-{}-24T09:00:00+00:00\nPseudonym-Key: {}\n"
    (later / "bag-info.txt").write_text(stated.format(11, "a"))
    (first, _), *_, (command, alone) = _next_steps([], made, None)
    assert first == "evidence controls EX-05"
    earlier.mkdir(parents=True)
    (earlier / "bag-info.txt").write_text(stated.format("08", "a"))
    *_, (again, beside) = _next_steps([], made, None)
    assert command == again == f"evidence compare {tmp_path / ACCOUNT}"
    assert ("later" in alone, "later" in beside) == (True, False)
    # `compare` refuses labels of different keys, such as the demo's and a first run's.
    for info in (stated.format("08", "b").encode(), b"\xff"):
        (earlier / "bag-info.txt").write_bytes(info)
        *_, (_, other) = _next_steps([], made, None)
        assert other == alone
    # Of three packs it compares the last two, whatever their folders are named.
    (tmp_path / ACCOUNT / "2026-Q3" / "pack").mkdir(parents=True)
    (tmp_path / ACCOUNT / "2026-Q3" / "pack" / "bag-info.txt").write_text(stated.format(10, "a"))
    *_, (_, last) = _next_steps([], made, None)
    assert last == beside
    # A pack that was sealed elsewhere is beside no other.
    for name in ("pack", "2026"):
        made.folder = tmp_path / name
        commands = [command for command, _ in _next_steps([], made, None)]
        assert commands == ["evidence controls EX-05", f"evidence verify {tmp_path / name}"]


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = evidence("seal", "~/snapshot", "--to=~/pack", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path}/snapshot" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_sample_account_is_reported(tmp_path: Path) -> None:
    done = evidence("sandbox", "--account", "nobody", cwd=tmp_path)
    assert done.returncode == 2
    assert "'nobody' is not a sample account" in done.stderr


@pytest.mark.parametrize(
    ("number", "code", "reported"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated (SIGTERM)")],
)
def test_a_run_that_is_interrupted_ends_with_a_line_and_leaves_nothing(
    number: signal.Signals,
    code: int,
    reported: str,
    sandbox: Sandbox,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nregions: [eu-central-1]')
    sandbox.faults.add(Fault("appstream", "DescribeFleets", "throttle"))
    try:
        process = begin("run", "run.yaml", "-v", cwd=tmp_path, environment=environment)
        assert process.stderr
        while "throttled" not in process.stderr.readline():  # it waits for AWS
            assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate()
    finally:
        sandbox.faults.clear()
    assert process.returncode == code
    assert said.splitlines()[-1].startswith(f"evidence: {reported}")
    assert "Traceback" not in said
    assert files(tmp_path) == {"run.yaml", "log.jsonl"}


def test_a_pack_whose_making_is_interrupted_is_not_there(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nregions: [eu-central-1]')
    process = begin("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert process.stdout
    assert process.stdout.readline().startswith("snapshot: ")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said.strip().count("\n")) == (130, 0)
    (folder,) = (tmp_path / "outputs" / ACCOUNT).iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["log.jsonl", "snapshot"]
    snapshot = folder.relative_to(tmp_path) / "snapshot"
    assert f"evidence seal {snapshot} makes its pack" in said


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["co"], {"compare", "controls"}),
        (["compare", "--fail"], {"--fail-on"}),
        (["compare", "--fail-on", ""], {"newly-open"}),
    ],
)
def test_bash_completes_verbs_options_and_choices(
    words: list[str], completed: set[str], tmp_path: Path
) -> None:
    script = f"""
        eval "$(_EVIDENCE_COMPLETE=bash_source evidence)"
        COMP_WORDS=(evidence {" ".join(word or "''" for word in words)}) COMP_CWORD={len(words)}
        _evidence_completion evidence; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{EVIDENCE.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert set(done.stdout.split()) == completed, done.stderr


def test_the_sandbox_passes_on_the_signal_to_end(tmp_path: Path) -> None:
    reported = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    reported += "print('up', flush=True)\ntime.sleep(600)"
    process = begin("sandbox", "--", sys.executable, "-c", reported, cwd=tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    process.terminate()
    process.communicate()
    assert process.returncode == 7


def begin(
    *arguments: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(EVIDENCE), *map(str, arguments)],
        cwd=cwd,
        # No other test's key of the labels, which a run would name.
        env={**os.environ, "XDG_CONFIG_HOME": f"{cwd}-config", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
