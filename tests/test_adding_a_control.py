"""docs/adding-a-control.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import commands

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding-a-control.md").read_text()
BLOCK = re.compile(r"(?:At the end of|In) `([\w/.-]+)`:\n\n```(python|yaml)\n(.*?)```", re.DOTALL)
STEPS = [(path, kind, block) for path, kind, block in BLOCK.findall(PAGE)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with every block of the page applied."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("kit", "tests", "notebooks", "parameters", "docs"):
        # What is compiled stays so; another worker may be writing the rest under a temporary name.
        ignored = shutil.ignore_patterns("*.pyc.*", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / ".venv").symlink_to(sys.prefix)
    for path, kind, block in STEPS:
        file = folder / path
        text = file.read_text()
        file.write_text(f"{text}\n\n{block}" if kind == "python" else inserted(text, block))
    return folder


def inserted(text: str, block: str) -> str:
    """The text with a block in it: its first lines, which are there already, show the place."""
    lines, new, place = text.splitlines(), block.splitlines(), 0
    while new[0] in lines[place:]:
        place = lines.index(new.pop(0), place) + 1
    return "\n".join([*lines[:place], *new, *lines[place:]]) + "\n"


def typed(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_changes_three_files_besides_tests() -> None:
    product = {path for path, _, _ in STEPS if not path.startswith("tests/")}
    assert len(product) == 3
    assert len(STEPS) == 5


def test_the_commands_of_the_page_work(copy: Path) -> None:
    explained, _, ran = commands("docs/adding-a-control.md")
    done = typed(copy, explained)
    assert done.returncode == 0, done.stderr
    assert "Application settings are kept for a reason" in done.stdout
    assert "settings that are not kept cannot be read by others" in " ".join(done.stdout.split())
    mine = (copy / "parameters" / "demo.yaml").read_text() + "\ncontrols: [EX-99]\n"
    (copy / "parameters" / "my-account.yaml").write_text(mine)
    done = typed(copy, ran)
    assert done.returncode == 3, done.stderr


def test_its_tests_pass_and_a_missing_expectation_is_named(copy: Path) -> None:
    command = commands("docs/adding-a-control.md")[1]
    done = typed(copy, f"{command} --quiet --no-header -p no:cacheprovider")
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    assert len(failed) == 4, done.stdout
    for name in ("big", "careless", "empty", "regions"):  # the page gives tidy's alone
        lines = (copy / f"tests/data/verdicts/{name}.yaml").read_text().splitlines()
        place = f"tests/data/verdicts/{name}.yaml, line {lines.index('controls:') + 1}"
        assert f"{place}: EX-99 has no expectation" in done.stdout
