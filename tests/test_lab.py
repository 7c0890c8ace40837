"""`evidence lab` gives a folder the kit's notebooks, and becomes JupyterLab there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.errors import UserError
from kit.lab import open_lab, place_notebooks
from kit.notebook import PARAMETERS_FILE

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


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


def test_flags_and_the_file_of_parameters_reach_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PARAMETERS_FILE, "")
    Path("mine.yaml").write_text("account: '012345678901'")

    def end(_: str, command: list[str]) -> None:
        raise SystemExit(command)

    monkeypatch.setattr(os, "execv", end)
    with pytest.raises(SystemExit) as started:
        open_lab(Path("mine.yaml"), False, ["--no-browser"])
    assert started.value.code[-1] == "--no-browser"
    assert f"--ServerApp.root_dir={tmp_path}" in started.value.code
    assert os.environ[PARAMETERS_FILE] == str(tmp_path / "mine.yaml")


def test_a_file_of_parameters_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"--parameters: .*none\.yaml"):
        open_lab(tmp_path / "none.yaml", False, [])
