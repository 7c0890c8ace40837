"""What an account's size does not change: how much the PDF prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.pack.document import document
from kit.pack.execute import execute_here
from kit.pack.layout import lay_out
from kit.pack.seal import NOTEBOOK
from tests.standins import HOME, LOGS, Account

_MOST_CELLS = 6_000  # Typst holds some 31 kB for each


def laid_out(folder: Path, buckets: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what Typst is given of an account with so many buckets, and the document's tables."""
    folder.mkdir()
    account = Account(folder).stack().fleet().trail()
    for n in range(buckets // 2):
        account.bucket(f"{HOME}-{n}", public=True).bucket(f"{LOGS}-{n}", versioning="Enabled")
    executed, _ = execute_here(NOTEBOOK, {"snapshot": str(account.snapshot().folder)})
    made = document(executed)
    return lay_out(made, "A4")[0], [block for block in made.blocks if block["kind"] == "table"]


def tables(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every table in what Typst is given."""
    if isinstance(value, dict):
        if "rows" in value and "columns" in value:
            yield value
        value = [*value.values()]
    if isinstance(value, list):
        for part in value:
            yield from tables(part)


def cells(laid: dict[str, Any]) -> int:
    return sum(len(row) for table in tables(laid) for row in table["rows"])


def test_the_pdf_of_twice_the_account_has_as_many_cells_and_states_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    few, _ = laid_out(tmp_path / "few", 40)
    many, whole = laid_out(tmp_path / "many", 80)
    assert cells(many) == cells(few) < _MOST_CELLS
    assert len(json.dumps(many)) < 1.02 * len(json.dumps(few))
    shown = {table["id"]: table for table in tables([many["front"], many["blocks"]])}
    for table in whole:
        if len(shown[table["id"]]["rows"]) < len(table["rows"]):
            assert table["cut"]
            assert shown[table["id"]]["cut"] == table["cut"]
