"""Every command in the README works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.sandbox.server import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands_of(page: Path) -> list[str]:
    """The commands that a page tells, in their order."""
    return [
        line.removeprefix("$ ")
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.splitlines()
    ]


COMMANDS = commands_of(ROOT / "README.md")
# The demo account refuses a bucket of another account's, which `doctor` names; `run` and `seal` tell by their exit codes that the demo account fails some controls,
# `batch` that evidence is missing.
_EXIT_CODES = {"doctor": 4, "run": 3, "seal": 3, "sandbox": 3, "batch": 4}
# One account, whose pack lies apart from those that the other commands find.
_BATCH = """
name: 2026-Q4
outputs: batch
snapshots: batch
accounts: [{account: "222233334444", regions: [eu-west-1], controls: [GV-01]}]
shared: {role_arn: "arn:aws:iam::{account}:role/EvidenceReader"}
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as a checkout whose `.venv` is the one that runs the tests."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "parameters" / "my-accounts.yaml").write_text(_BATCH)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def test_the_two_commands_come_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_knows_the_target(command: str) -> None:
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


def test_the_other_commands_work_in_their_order(checkout: Path, sandbox: Sandbox) -> None:
    environment = {**os.environ, **sandbox.environment("demo")}
    others = [command for command in COMMANDS if not command.startswith("make ")]
    assert len(others) >= 7
    for command in others:
        if " seal " in command:
            (snapshot,) = (checkout / "outputs").glob("*/*/snapshot")
            shutil.rmtree(snapshot.parent / "pack")
            command = re.sub(r"outputs/\S+", str(snapshot.relative_to(checkout)), command)
        if " verify " in command:
            (pack,) = (checkout / "outputs").glob("*/*/pack")
            command = re.sub(r"outputs/\S+", str(pack.relative_to(checkout)), command)
        if "papermill" in command:
            shutil.move(checkout / "outputs", checkout / "outputs-of-run")
        done = subprocess.run(
            command, shell=True, cwd=checkout, env=environment, capture_output=True, text=True
        )
        if "nbconvert --to evidence_html" in command:
            shutil.rmtree(checkout / "outputs")
            shutil.move(checkout / "outputs-of-run", checkout / "outputs")
        words = command.split()
        if " init " in command:
            # The reader declares a controller and names regions: the other commands use both.
            mine, demo = (checkout / "parameters" / f"{n}.yaml" for n in ("my-account", "demo"))
            assert "210987654321" in mine.read_text()
            mine.write_text(demo.read_text())
        wanted = _EXIT_CODES.get(words[1], 0) if words[0].endswith("evidence") else 0
        assert done.returncode == wanted, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (checkout / "policy.json").stat().st_size > 500
    assert (checkout / "out.pdf").read_bytes().startswith(b"%PDF-")
    assert (checkout / "out.html").exists()


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
