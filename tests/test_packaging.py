"""The lists of packages say the same, and nothing in the repository gives away a machine."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Where conda-forge's name is another one than PyPI's.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "phonenumberslite": "phonenumbers",
}
# What conda-forge lacks.
PIP_ONLY = {"py-ocsf-models", "typst", "aws-assume-role-lib"}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def _split(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([\w\[\]-]+)(>=[\d.]+)?", requirement).groups()
    return name, bound or ""


def test_conda_and_pip_have_the_same_packages() -> None:
    wanted = PROJECT["project"]["dependencies"]
    wanted = dict(map(_split, wanted + PROJECT["project"]["optional-dependencies"]["sandbox"]))
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = dict(_split(line) for line in environment.pop()["pip"] if not line.startswith("--"))
    conda = dict(map(_split, environment))
    assert conda.pop("python") == PROJECT["project"]["requires-python"]
    conda.pop("pip")
    assert pip == {name: bound for name, bound in wanted.items() if name in PIP_ONLY}
    assert conda == {
        CONDA_NAMES.get(name, name): bound for name, bound in wanted.items() if name not in PIP_ONLY
    }


def test_the_lock_file_has_hashes_and_every_direct_package() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    locked = {re.split(r"[=\[ ]", block)[0].lower() for block in blocks}
    direct = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["sandbox"],
        *PROJECT["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[>=\[]", line)[0].lower() for line in direct}
    assert names <= locked


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    told = set(re.findall(r"^\| ([\w-]+) \|", text, re.MULTILINE)) - {"package"}
    direct = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["sandbox"],
        *PROJECT["dependency-groups"]["dev"],
    ]
    assert told == {re.split(r"[>=\[]", line)[0] for line in direct}


@pytest.mark.parametrize("path", _tracked("*.ipynb"), ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_no_file_names_a_registry_or_a_machine() -> None:
    forbidden = re.compile(
        rb"(index[-_]url|find-links)[ =:]|files\.pythonhosted|pypi\.org/simple|/root/|/home/[a-z]"
    )
    own = {Path(__file__)}
    found = [
        str(path)
        for path in _tracked()
        if path not in own and "data" not in path.parts and forbidden.search(path.read_bytes())
    ]
    assert found == []
