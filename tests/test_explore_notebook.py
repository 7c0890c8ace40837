"""notebooks/explore.ipynb, executed by a kernel on a sample snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.catalogue import texts
from kit.displayed import DESK_MIME
from kit.errors import UserError
from kit.pack.document import ANALYST
from kit.pack.execute import KernelForDocuments, execute, execute_here
from tests.controls.samples import SAMPLES


def test_it_leads_from_a_failed_control_to_its_cause(tmp_path: Path) -> None:
    stored = SAMPLES["careless"](tmp_path).snapshot()
    made = execute("explore.ipynb", {"snapshot": str(stored.folder)})
    outputs = [output for cell in made.cells for output in cell.get("outputs", ())]
    assert len(outputs) == 7
    assert all({DESK_MIME, "text/html", "text/plain"} <= output.data.keys() for output in outputs)
    control, failed, cause = (output.data["text/plain"] for output in outputs[3:6])
    assert control.startswith("EX-05")
    assert "EX-05  fail, high" in failed
    assert '"sharedAccountId": "999999999999"' in cause


def test_a_kernel_for_documents_makes_the_data_alone_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    stored = SAMPLES["tidy"](tmp_path).snapshot()
    made = execute("explore.ipynb", {"snapshot": str(stored.folder)}, kernel=KernelForDocuments)
    outputs = [output.data for cell in made.cells for output in cell.get("outputs", ())]
    assert len(outputs) == 7
    assert all({*shown} == {DESK_MIME, "text/plain"} for shown in outputs)
    assert not (tmp_path / "ipython").exists()


@pytest.mark.parametrize(("sample", "control"), [("tidy", "EX-05"), ("careless", "GV-01")])
def test_a_control_of_which_nothing_fails_is_no_error(
    tmp_path: Path, sample: str, control: str
) -> None:
    folder = str(SAMPLES[sample](tmp_path).snapshot().folder)
    _, names = execute_here("explore.ipynb", {"snapshot": folder, "control": control})
    assert (
        len(names["failed"])
        == names["findings"].where(control=control).frame.eq("fail").sum().sum()
    )


def test_a_snapshot_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no snapshot"):
        execute_here("explore.ipynb", {"snapshot": str(tmp_path)})


def test_no_translation_needs_it_and_no_document_shows_it() -> None:
    import nbformat

    from kit.shipped import project

    notebook: Any = nbformat.read(project("notebooks") / "explore.ipynb", 4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert cell.metadata.tags == [ANALYST]
            assert not texts.has(f"notebooks/{cell.id}")
