"""The catalogue of texts: ids, fields, forms, and what a translation has to hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.catalogue import texts
from kit.errors import UserError


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three texts in place of the whole catalogue."""
    catalogue = texts._catalogue
    few = {
        "a/plain": "A plain text.",
        "a/filled": 'A {thing} beside {"json": {}}.',
        "a/counted": {"one": "{count} row", "other": "{count} rows"},
    }
    monkeypatch.setattr(
        texts, "_catalogue", lambda name: few if name == "en" else catalogue.__wrapped__(name)
    )
    yield
    texts.choose("en")


def _written(path: Path, **changes: object) -> str:
    tree: dict[str, object] = {
        "plain": "Txet nialp a.",
        "filled": "{thing}",
        "counted": {"one": "{count} wor", "other": "{count} swor"},
    }
    path.write_text(yaml.safe_dump({"a": {**tree, **changes}}))
    return str(path)


def test_a_text_has_its_fields_filled(english: None) -> None:
    assert texts.text("a/plain") == "A plain text."
    assert texts.text("a/filled", thing="bucket") == 'A bucket beside {"json": {}}.'
    assert texts.text("a/counted", count=1) == "1 row"
    assert texts.text("a/counted", count=0) == "0 rows"


def test_a_text_that_is_missing_or_lacks_a_value_is_an_error(english: None) -> None:
    with pytest.raises(KeyError, match="a/other"):
        texts.text("a/other")
    with pytest.raises(KeyError, match="thing"):
        texts.text("a/filled", other="x")


def test_a_translation_replaces_every_text(english: None, tmp_path: Path) -> None:
    texts.choose(_written(tmp_path / "xx.yaml"))
    assert texts.text("a/plain") == "Txet nialp a."
    assert texts.text("a/counted", count=2) == "2 swor"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plain": 3}, "a/plain: a text or a mapping is wanted, not 3"),
        ({"more": "x"}, "the text 'a/more' is not in en.yaml"),
        ({"filled": "no field"}, "the text 'a/filled' needs these fields: thing"),
        ({"plain": "{thing}"}, "the text 'a/plain' needs these fields: none"),
    ],
)
def test_a_translation_that_does_not_fit_is_refused(
    english: None, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        texts.choose(_written(tmp_path / "xx.yaml", **changes))
    assert texts.chosen() == "en"


def test_a_missing_or_broken_file_is_named(english: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.yaml.*No such file"):
        texts.choose(str(tmp_path / "nowhere.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    with pytest.raises(UserError, match="is not a catalogue of texts"):
        texts.choose(str(broken))
    part = tmp_path / "part.yaml"
    part.write_text("a: {plain: x}")
    with pytest.raises(UserError, match="is missing"):
        texts.choose(str(part))


def test_a_text_includes_others_in_their_places() -> None:
    entries = {
        "steps/read": "# Read {thing}",
        "steps/write": "{steps/read}\n# Write",
        "a/whole": "{steps/write}\n# End: {}",
    }
    assert texts._whole(entries)["a/whole"] == "# Read {thing}\n# Write\n# End: {}"


@pytest.mark.parametrize(
    "entries",
    [
        {"a/b": "{steps/none}"},
        {"a/b": "{a/b}"},
        {"a/b": "{a/c}", "a/c": "{a/b}"},
        {"a/b": "{a/c}", "a/c": {"one": "x", "other": "y"}},
    ],
    ids=str,
)
def test_a_text_that_includes_nothing_or_itself_is_refused(entries: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="includes no other text"):
        texts._whole(entries)
