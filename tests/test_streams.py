"""Standard streams that are closed or full: a command does its work, and states what is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kit.cli import main
from kit.errors import CannotRunError
from kit.sandbox.server import Sandbox
from tests.commands import evidence

FULL = "cannot be written to (No space left on device)"
ACCOUNT = "012345678901"
RUN = f'account: "{ACCOUNT}"\nregions: [eu-west-1]\ncontrols: [EX-07, EX-09]\n'


def begun(
    redirections: str,
    *arguments: str,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    program: Sequence[str] = ("-m", "kit"),
) -> subprocess.CompletedProcess[str]:
    """A command whose standard streams the shell redirects."""
    script = f'exec "$@" {redirections}'
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, *program, *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
    )


# Forks for each verb, with the streams as Python found them, and ends as a command does.
EACH_VERB = """
import os, runpy, sys
import kit.cli
for verb in sys.argv[1:]:
    if not (child := os.fork()):
        sys.argv = ["evidence", *filter(None, [verb]), "--help"]
        runpy.run_module("kit", run_name="__main__", alter_sys=True)
        sys.exit("it did not end")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(2, f"{verb} ends with {code}\\n".encode())
"""


@pytest.mark.parametrize(("redirections", "why"), [(">&-", "is closed"), (">/dev/full", FULL)])
def test_output_that_is_lost_is_stated_in_a_line(redirections: str, why: str) -> None:
    verbs = [*main.commands, ""]
    done = begun(redirections, *verbs, program=["-c", EACH_VERB])
    line = f"evidence: standard output: {why}; what the command printed is lost"
    expected = [each for verb in verbs for each in (line, f"{verb} ends with 1")]
    assert done.stderr.splitlines() == expected


@pytest.mark.parametrize(
    ("redirections", "code"),
    [
        ("2>&-", 0),
        ("2>/dev/full", 0),
        ("<&-", 0),
        (">&- 2>&-", 1),
        ("<&- >&- 2>&-", 1),
        (">/dev/full 2>&1", 1),
    ],
)
def test_a_command_ends_without_a_traceback_whatever_is_closed(
    redirections: str, code: int
) -> None:
    done = begun(redirections, "controls", "EX-07")
    assert done.returncode == code
    assert done.stderr == ""
    assert ("EX-07" in done.stdout) == (code == 0)


@pytest.mark.parametrize("redirections", [">&-", ">/dev/full", "2>&-", ">&- 2>&-"])
def test_a_mistake_keeps_its_exit_code(redirections: str) -> None:
    done = begun(redirections, "controls", "EX-77")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line for line in lines if "EX-77" not in line] == []
    assert bool(lines) == ("2>" not in redirections)


@pytest.mark.parametrize("redirections", [">/dev/full", "<&- >&- 2>&-"])
def test_a_run_makes_its_pack_although_nobody_reads_of_it(
    redirections: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(RUN)
    environment = {**sandbox.environment("careless"), "XDG_CONFIG_HOME": f"{tmp_path}-config"}
    done = begun(redirections, "run", "run.yaml", cwd=tmp_path, environment=environment)
    assert done.returncode == 3, done.stderr  # a fail, as without the redirection
    assert "Traceback" not in done.stderr
    assert FULL in done.stderr or "2>" in redirections
    (pack,) = (tmp_path / "outputs").glob("*/*/pack")
    checked = evidence("verify", pack, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), CannotRunError("the notebook failed")],
)
def test_a_run_that_stored_its_snapshot_names_the_command_that_makes_the_pack(
    error: Exception, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.yaml").write_text(RUN)
    sealed = []

    def fails(snapshot: Path, *_: Any, **__: Any) -> None:
        sealed.append(snapshot.resolve())
        raise error

    monkeypatch.setattr("kit.pack.seal.seal", fails)
    environment = sandbox.environment("careless")
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == 1
    (snapshot,) = (tmp_path / "outputs").glob("*/*/snapshot")
    hint = f"seal {snapshot.relative_to(tmp_path)} makes its pack"
    assert f"; the snapshot is whole: once the cause is corrected, evidence {hint}" in done.stderr
    # The command begins to seal what is stored, as `test_doors` does to the end.
    again = evidence("seal", snapshot, "--quiet", cwd=tmp_path)
    assert again.returncode == 1
    assert sealed == [snapshot.resolve()] * 2


def test_a_seal_that_fails_promises_nothing(tmp_path: Path) -> None:
    done = evidence("seal", tmp_path / "none", cwd=tmp_path)
    assert done.returncode == 2
    assert "makes its pack" not in done.stderr
