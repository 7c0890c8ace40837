"""`evidence lab` gives a folder the kit's notebooks, and becomes JupyterLab there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from kit.lab import commits_outputs, open_lab, place_notebooks
from kit.notebook import PARAMETERS_FILE
from kit.notebook_source import source_of
from tests.commands import evidence

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
Git = Callable[..., str]


def test_notebooks_that_are_there_stay(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "explore.ipynb").write_text("mine")
    place_notebooks(folder)
    assert (folder / "explore.ipynb").read_text() == "mine"
    names = {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    assert {path.name for path in folder.iterdir()} == names
    pack = "evidence_pack.ipynb"
    assert (folder / pack).read_bytes() == (NOTEBOOKS / pack).read_bytes()


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that this process would become, in an empty folder, as a user who is not root."""
    commands: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PARAMETERS_FILE, "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    def end(_: str, command: list[str]) -> None:
        commands.append(command)
        raise SystemExit

    monkeypatch.setattr(os, "execv", end)
    return commands


def test_flags_and_the_file_of_parameters_reach_jupyterlab(
    begun: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.yaml").write_text("account: '012345678901'")
    with pytest.raises(SystemExit):
        open_lab(Path("mine.yaml"), False, ["--no-browser"])
    assert begun[0][-1] == "--no-browser"
    assert f"--ServerApp.root_dir={tmp_path}" in begun[0]
    assert os.environ[PARAMETERS_FILE] == str(tmp_path / "mine.yaml")
    assert f"starting JupyterLab in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "user", "named"),
    [
        ("--no-browser", 0, True),
        ("--no-browser", 1000, False),
        ("--allow-root", 0, False),
        ("--ServerApp.allow_root=True", 0, False),
    ],
)
@pytest.mark.usefixtures("begun")
def test_root_reads_at_once_which_flag_jupyterlab_needs(
    flag: str,
    user: int,
    named: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(SystemExit):
        open_lab(None, False, [flag])
    assert ("make lab LAB_FLAGS=--allow-root" in capsys.readouterr().err) is named


@pytest.mark.parametrize(
    ("flag", "code", "lines"), [("-x", 1, 2), ("-x", 0, 1), ("--allow-root", 1, 0)]
)
@pytest.mark.usefixtures("begun")
def test_root_reads_it_again_below_the_log_of_jupyterlab(
    flag: str,
    code: int,
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("kit.sandbox.serve.serve", lambda *_: code)
    assert open_lab(None, True, [flag]) == code
    said = capsys.readouterr().err.splitlines()
    assert sum("make lab LAB_FLAGS=--allow-root" in line for line in said) == lines
    assert ("--allow-root" in said[-1]) is (lines == 2)


def test_commands_that_keep_outputs_out_of_git_are_lines_to_copy(
    begun: list[list[str]], git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        open_lab(None, False, [])
    commands = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]
    assert [command.split()[0] for command in commands] == ["git", "git", "echo"]
    assert begun


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("name", ["none.yaml", "folder", "text.yaml"])
def test_a_file_of_parameters_that_is_wrong_is_refused_before_anything_is_started(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.yaml").write_text("account: 12")
    done = evidence("lab", "--parameters", name, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith(f"evidence: {name}")) == (2, True)
    assert not (tmp_path / "notebooks").exists()


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """git in a clone whose notebook was executed and saved, with a kernel's and an editor's traces."""

    def run(*arguments: str) -> str:
        given = ["-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        done = subprocess.run(["git", *given], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("init", "--quiet")
    for name in (".gitattributes", "Makefile", "notebooks/explore.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    run("add", ".")
    run("commit", "--quiet", "--message", "Add a notebook")
    notebook = nbformat.read(tmp_path / "notebooks/explore.ipynb", 4)
    for cell in notebook.cells:
        cell.metadata["scrolled"] = True
        if cell.cell_type == "code":
            cell.execution_count = 7
            cell.outputs = [nbformat.v4.new_output("stream", text="a person's name: Zoë")]
    notebook.metadata.language_info["version"] = "3.14.0"
    nbformat.write(notebook, tmp_path / "notebooks/explore.ipynb")
    return run


def test_outputs_never_reach_git(git: Git, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".git/info/exclude").write_text(".venv")
    subprocess.run(["make", "filter"], cwd=tmp_path, check=True)
    assert not commits_outputs(tmp_path / "notebooks")
    assert git("diff") == ""
    git("add", ".")
    assert git("status", "--short") == ""
    assert "Zoë" in (tmp_path / "notebooks/explore.ipynb").read_text()
    source = (NOTEBOOKS / "explore.ipynb").read_text()
    assert git("show", ":notebooks/explore.ipynb") == source


@pytest.mark.parametrize("command", ["", "none/bin/python -m kit.notebook_source"])
def test_git_works_without_the_filter(git: Git, command: str, tmp_path: Path) -> None:
    if command:
        git("config", "filter.notebook-source.clean", command)
    assert commits_outputs(tmp_path / "notebooks") is (not command)
    assert "Zo" in git("diff")
    assert "explore.ipynb" in git("status", "--short")


NO_NOTEBOOKS = [
    b"<<<<<<< HEAD",
    b"[" * 100_000,
    b'{"nbformat": 3, "worksheets": []}',
    b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "x", "source": ""}]}',
    b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "raw", "source": "\\ud800"}]}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("content", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_not_committed(content: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kit.notebook_source"],
        input=content,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert not done.stdout
    assert done.stderr.count(b"\n") == 1


def test_git_takes_nothing_that_the_filter_refuses(git: Git, tmp_path: Path) -> None:
    git("config", "filter.notebook-source.clean", f"{sys.executable} -m kit.notebook_source")
    git("config", "filter.notebook-source.smudge", "cat")
    git("config", "filter.notebook-source.required", "true")
    before = git("show", ":notebooks/explore.ipynb")
    (tmp_path / "notebooks/explore.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(AssertionError, match="clean filter"):
        git("add", ".")
    assert git("show", ":notebooks/explore.ipynb") == before


def test_source_is_all_that_remains_of_a_notebook() -> None:
    left = {"outputs": ["Zo"], "attachments": {"Zo": 1}, "execution_count": 3, "Zo": 1}
    cells = [
        {
            "cell_type": kind,
            "source": ["a"],
            "metadata": {"tags": ["t"], "Zo": 1},
            "id": f"{kind}-1",
            **left,
        }
        for kind in ("code", "markdown", "raw")
    ]
    metadata = {"kernelspec": {"name": "Zo", "display_name": "Zo"}, "widgets": "Zo"}
    for given in (metadata, {}):
        notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": given, "Zo": 1}
        made = source_of(json.dumps(notebook))
        assert "Zo" not in made
        nbformat.validate(nbformat.reads(made, 4))  # type: ignore[no-untyped-call]
        assert [cell["source"] for cell in json.loads(made)["cells"]] == [["a"]] * 3


def test_a_folder_that_is_no_clone_commits_nothing(tmp_path: Path) -> None:
    assert not commits_outputs(tmp_path)
