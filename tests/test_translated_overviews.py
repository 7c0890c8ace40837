"""Overviews in a language of their own: no sentence of English is left but quotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.catalogue import texts
from kit.errors import UserError
from kit.overviews.document import seal_changes, seal_organisation
from kit.overviews.packs import DOWNGRADED, find_packs
from kit.overviews.shared import sealed
from kit.pack.document import data_of, document
from kit.pack.execute import execute_here
from kit.pack.html import page
from kit.pack.pdf import pdf
from tests.sealed import row, seal
from tests.translation import english_in, write_reversed

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    texts.choose("en")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Two audits with every kind of change, of accounts of which another has no pack."""
    gap = {"reason": "denied", "operation": "s3.GetBucketPolicy", "code": "AccessDenied"}
    sides: list[list[dict[str, Any]]] = [
        [
            row("AR-05", "closed", "fail"),
            row("AR-05", "opened", "pass"),
            row("AR-05", "open", "fail"),
            row("AR-05", "lost", "pass"),
            row("AR-05", "gained", "not evidenced", **gap),
            row("GV-01", "changed", "pass"),
            row("GV-01", "gone", "pass"),
        ],
        [
            row("AR-05", "closed", "pass"),
            row("AR-05", "opened", "fail"),
            row("AR-05", "open", "fail"),
            row("AR-05", "lost", "not evidenced", **gap),
            row("AR-05", "gained", "pass"),
            row("GV-01", "changed", "attested"),
            row("ZZ-99", "appeared", "pass"),
        ],
    ]
    root = tmp_path / "packs"
    for days, rows in enumerate(sides):
        for account in (ONE, TWO):
            seal(root, account, rows, days, Thresholds=f"profile {days}")
    return root


@pytest.mark.parametrize("name", ["organisation", "changes"])
def test_no_sentence_of_english_is_left(name: str, packs: Path, tmp_path: Path) -> None:
    english = _parameters(name, packs)
    records = data_of(execute_here(f"{name}.ipynb", english)[0], _DATA[name])["records"]
    language = str(write_reversed(tmp_path / "xx.yaml"))
    executed, _ = execute_here(f"{name}.ipynb", english | {"language": language})
    made = document(executed)
    assert texts.tag() == ("eo", None)
    assert made.blocks[0]["kind"] == "heading"  # prose would follow the page about the pack
    shown = page(made)
    assert '<html lang="eo">' in shown
    quoted = "NOT AWS: made up"
    left = english_in(shown, pdf(made), quoted, tmp_path)
    assert not left, "\n".join(left)
    assert data_of(executed, _DATA[name])["records"] == records


_DATA = {"organisation": "accounts", "changes": "changes"}


def _parameters(name: str, packs: Path) -> dict[str, Any]:
    given: dict[str, Any] = {"trust": "", "language": "en"}
    if name == "organisation":
        return {**given, "packs": str(packs), "accounts": [ONE, TWO, THREE], "to": ""}
    return {**given, "before": str(packs), "after": ""}


def test_every_state_of_a_signature_is_in_the_language(packs: Path, tmp_path: Path) -> None:
    (first, *_) = find_packs(packs)
    states = ("unsigned", DOWNGRADED, "CN=Jo; trusted", "CN=Jo; signer not checked")
    named = [replace(first, signature=state) for state in states]
    assert [line[2] for line in sealed("Packs", {"": named}, 9, "").rows] == list(states)
    texts.choose(str(write_reversed(tmp_path / "xx.yaml")))
    assert [line[2] for line in sealed("Packs", {"": named}, 9, "").rows] == [
        "dengisnu",
        "dengisnu, retfa a dengis kcap fo eht tnuocca",
        "CN=Jo; detsurt",
        "CN=Jo; rengis ton dekcehc",
    ]


def test_a_language_that_does_not_exist_is_refused_before_anything_is_made(packs: Path) -> None:
    for make in (
        lambda: seal_organisation(packs, language="xx.yaml", progress=False),
        lambda: seal_changes(packs, None, language="xx.yaml", progress=False),
    ):
        with pytest.raises(UserError, match="language: xx"):
            make()
    assert sorted(path.name for path in packs.iterdir()) == [ONE, TWO]
