"""The notebooks that packs are made of are the kit's, whatever somebody saved in their files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit import shipped
from kit.errors import UserError

ROOT = Path(__file__).parent.parent
NAME = "evidence_pack.ipynb"
Change = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Change the cells of a notebook that the kit then takes for its own."""
    folder = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    monkeypatch.setattr(shipped, "project", lambda _: folder)

    def save(change: Change) -> None:
        path = folder / NAME
        content = json.loads(path.read_text("utf-8"))
        change(content["cells"])
        path.write_text(json.dumps(content), "utf-8")

    return save


def test_what_an_analyst_shows_and_sets_has_no_part(saved: Callable[[Change], None]) -> None:
    before = shipped.notebook(NAME)

    def work(cells: list[dict[str, Any]]) -> None:
        cells[1]["source"] = ['regions: list = ["eu-west-1"\n']  # not even Python
        cells[2] |= {"execution_count": 7, "outputs": [{"output_type": "stream"}]}
        cells[2]["metadata"]["scrolled"] = True

    saved(work)
    after = shipped.notebook(NAME)
    assert [cell["source"] for cell in after["cells"]] == [
        cell["source"] for cell in before["cells"]
    ]
    assert all(not cell.get("outputs") for cell in after["cells"])


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (lambda cells: cells[0].update(source=["All is well, the analyst says."]), 1),
        (lambda cells: cells[6].update(source="kit.show.cover(evidence, findings[:1])"), 7),
        (lambda cells: cells[6]["metadata"].update(tags=["analyst"]), 7),
        (lambda cells: cells[6]["metadata"].update(tags=["parameters"]), 7),
        (lambda cells: cells[6].update(cell_type="raw"), 7),
        (lambda cells: cells.insert(3, dict(cells[3], id="mine")), 4),
        (lambda cells: cells.pop(6), 7),
        (lambda cells: cells.append(dict(cells[0], id="mine")), None),
        (lambda cells: cells.reverse(), 1),
    ],
)
def test_another_cell_is_refused(
    saved: Callable[[Change], None], change: Change, number: int | None
) -> None:
    saved(change)
    last = len(json.loads((ROOT / "notebooks" / NAME).read_text())["cells"]) + 1
    with pytest.raises(UserError, match=rf"{NAME}: cell {number or last} is not the kit's"):
        shipped.notebook(NAME)


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"cells": [{}]}', '{"cells": [3]}'])
def test_a_file_that_holds_no_notebook_is_refused(
    saved: Callable[[Change], None], content: str
) -> None:
    saved(lambda cells: None)
    (shipped.project("notebooks") / NAME).write_text(content)
    with pytest.raises(UserError, match=f"{NAME}: (cannot be read|cell 1 is not)"):
        shipped.notebook(NAME)
