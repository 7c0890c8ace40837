"""Write every page and cell that is made from the code; `make docs` runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat

from kit import parameters_page, shipped
from kit.collect.role import cloudformation, terraform
from kit.controls import CONTROLS, ROLL_UPS
from kit.judge import needed_calls
from kit.report.handbook import handbook
from kit.tables.answers import page
from tests.supply import licences_page

ROOT = Path(__file__).parent.parent


def _role_page() -> str:
    """Return docs/role.md with its templates as the code makes them."""
    page = (ROOT / "docs" / "role.md").read_text()
    calls = needed_calls([])
    for language, made in (("yaml", cloudformation(calls)), ("hcl", terraform(calls))):
        before, start, rest = page.partition(f"\n```{language}\n")
        page = before + start + made + rest[rest.index("```\n") :]
    return page


def _readme() -> str:
    """Return README.md with the number of controls as the code has it."""
    made = f"{len(CONTROLS)} controls and {len(ROLL_UPS)} sums of them"
    page, count = re.subn(
        r"\d+ controls and \d+ sums of them", made, (ROOT / "README.md").read_text()
    )
    if count != 1:
        raise LookupError(f"README.md states the number of controls {count} times, not once")
    return page


PAGES: dict[str, Callable[[], str]] = {
    "README.md": _readme,
    "docs/controls.md": handbook,
    "docs/licences.md": licences_page,
    "docs/members.md": page,
    "docs/parameters.md": parameters_page.page,
    "docs/role.md": _role_page,
    "kit/notebooks.json": shipped.described,
    "parameters/example.yaml": parameters_page.example,
}
NOTEBOOK = ROOT / "notebooks" / "evidence_pack.ipynb"


def write() -> None:
    """Write the notebook's parameters cell, and the pages."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells[1].source = parameters_page.cell()
    nbformat.write(notebook, NOTEBOOK)
    for path, text in PAGES.items():
        (ROOT / path).write_text(text())


if __name__ == "__main__":
    write()
