"""Standard streams that are closed or full: a command does its work, and states what is lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
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
) -> subprocess.CompletedProcess[str]:
    """A command whose standard streams the shell redirects."""
    script = f'exec "$@" {redirections}'
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "kit", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("verb", [*main.commands, ""])
@pytest.mark.parametrize(("redirections", "why"), [(">&-", "is closed"), (">/dev/full", FULL)])
def test_output_that_is_lost_is_stated_in_a_line(verb: str, redirections: str, why: str) -> None:
    done = begun(redirections, *([verb] if verb else []), "--help")
    assert done.returncode == 1
    line = f"evidence: standard output: {why}; what the command printed is lost\n"
    assert done.stderr == line


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
def test_a_mistake_keeps_its_exit_code(redirections: str, tmp_path: Path) -> None:
    done = begun(redirections, "verify", str(tmp_path / "none"))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line for line in lines if "there is no pack" not in line] == []
    assert bool(lines) == ("2>" not in redirections)


@pytest.mark.parametrize("redirections", [">/dev/full", "<&- >&- 2>&-", ">/dev/full 2>&1"])
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
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 1),
        (CannotRunError("the notebook failed"), 1),
    ],
)
def test_a_run_that_stored_its_snapshot_names_the_command_that_makes_the_pack(
    error: Exception,
    code: int,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "run.yaml").write_text(RUN)

    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("kit.pack.seal.seal", fails)
    environment = sandbox.environment("careless")
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == code
    (snapshot,) = (tmp_path / "outputs").glob("*/*/snapshot")
    hint = f"seal {snapshot.relative_to(tmp_path)} makes its pack"
    assert f"; the snapshot is whole: once the cause is corrected, evidence {hint}" in done.stderr
    monkeypatch.undo()
    sealed = evidence("seal", snapshot, "--quiet", cwd=tmp_path)
    assert sealed.returncode == 3, sealed.stderr


def test_a_seal_that_fails_promises_nothing(tmp_path: Path) -> None:
    done = evidence("seal", tmp_path / "none", cwd=tmp_path)
    assert done.returncode == 2
    assert "makes its pack" not in done.stderr
