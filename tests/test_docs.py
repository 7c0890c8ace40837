"""Pages, the sample file and the notebook's cell are what the code makes of them."""

from __future__ import annotations

import nbformat
import pytest
from click.testing import CliRunner

from kit import parameters_page
from kit.cli import main
from tests import docs


@pytest.mark.parametrize("path", docs.PAGES)
def test_a_generated_page_is_up_to_date(path: str) -> None:
    assert (docs.ROOT / path).read_text() == docs.PAGES[path](), f"{path}: run make docs"


def test_the_parameters_cell_is_up_to_date() -> None:
    cells = nbformat.read(docs.NOTEBOOK, as_version=4).cells
    assert cells[1].source == parameters_page.cell(), f"{docs.NOTEBOOK.name}: run make docs"


def test_the_command_prints_the_sample_file() -> None:
    assert CliRunner().invoke(main, ["parameters"]).output == parameters_page.example()
