"""Every command in the README works as it stands there, in a shell that talks to the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.pages import ROOT, code, commands

COMMANDS = commands("README.md")
SHELL = next(command for command in COMMANDS if command.endswith("sandbox -- bash"))
# The demo account refuses a bucket of another account's, which `doctor` names, and fails controls.
# Of one control alone, `batch` has evidence that is missing.
ENDS = {"init": 0, "doctor": 4, "run": 3, "verify": 0, "batch": 4}
# The page's file, with one control, and without the account of which `run` makes a pack.
_BATCH = (
    code("docs/cluster.md", "yaml")[0]
    .replace("shared:\n", "shared:\n  controls: [GV-01]\n")
    .replace('  - account: "210987654321"\n', "")
)


def test_the_two_commands_come_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_it_fits_into_two_screens() -> None:
    lines = [
        part
        for line in (ROOT / "README.md").read_text().splitlines()
        for part in ([line] if line.startswith("|") else textwrap.wrap(line, 100) or [""])
    ]
    assert len(lines) <= 100


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as a checkout whose `.venv` is the one that runs the tests."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "parameters" / "my-accounts.yaml").write_text(_BATCH)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def test_the_commands_work_in_their_order_in_the_shell_of_the_sandbox(checkout: Path) -> None:
    typed = [command for command in COMMANDS if not command.startswith("make ")]
    typed.remove(SHELL)
    typed += commands("docs/cluster.md")
    # A few controls, of every status, make the pack that the commands after it are about.
    few = "echo 'controls: [AR-05, EX-04, GV-01]' >> parameters/my-account.yaml\n"
    script = "".join(
        f'{few if command.split()[1] == "run" else ""}{command}\necho "ends with $?"\n'
        for command in typed
    )
    done = subprocess.run(
        SHELL,
        shell=True,
        cwd=checkout,
        env=dict(os.environ),
        input=script,
        capture_output=True,
        text=True,
    )
    ends = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("ends with ")]
    expected = [str(ENDS[command.split()[1]]) for command in typed]
    assert ends == expected, f"{done.stdout}\n{done.stderr}"
    assert 'account: "210987654321"' in (checkout / "parameters" / "my-account.yaml").read_text()
    assert len([*(checkout / "outputs").glob("*/2026-Q4/pack")]) == _BATCH.count("- account:") == 1
