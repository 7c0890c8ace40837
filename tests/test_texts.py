"""The catalogue of texts: ids, fields, forms, and what a translation has to hold."""

from __future__ import annotations

import ast
import re
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
        "language": "en-GB",
        "a/plain": "A plain text.",
        "a/filled": 'A {thing} beside {"json": {}}.',
        "a/counted": {"one": "{count} row", "other": "{count} rows"},
    }
    monkeypatch.setattr(
        texts, "_catalogue", lambda name: few if name == "en" else catalogue.__wrapped__(name)
    )
    yield
    texts.choose("en")


def _translation(path: Path, language: str = "de", **changes: object) -> str:
    tree: dict[str, object] = {
        "plain": "Txet nialp a.",
        "filled": "{thing}",
        "counted": {"one": "{count} wor", "other": "{count} swor"},
    }
    path.write_text(yaml.safe_dump({"language": language, "a": {**tree, **changes}}))
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
    texts.choose(_translation(tmp_path / "xx.yaml"))
    assert texts.text("a/plain") == "Txet nialp a."
    assert texts.text("a/counted", count=2) == "2 swor"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plain": 3}, "a/plain: 3; accepted: a text or a mapping"),
        ({"more": "x"}, "the text 'a/more' is not in en.yaml"),
        ({"filled": "no field"}, "the text 'a/filled' needs these fields: thing"),
        ({"plain": "{thing}"}, "the text 'a/plain' needs these fields: none"),
    ],
)
def test_a_translation_that_does_not_fit_is_refused(
    english: None, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        texts.choose(_translation(tmp_path / "xx.yaml", **changes))
    assert texts.chosen() == "en"


def test_a_translation_names_its_language(english: None, tmp_path: Path) -> None:
    assert texts.tag() == ("en", "GB")
    texts.choose(_translation(tmp_path / "xx.yaml", language="de-AT"))
    assert texts.tag() == ("de", "AT")
    texts.choose(_translation(tmp_path / "yy.yaml"))
    assert texts.tag() == ("de", None)
    with pytest.raises(
        UserError, match="'German'; accepted: a language, with or without a country"
    ):
        texts.choose(_translation(tmp_path / "zz.yaml", language="German"))


def test_a_text_that_somebody_changed_stays_theirs(english: None, tmp_path: Path) -> None:
    texts.choose(_translation(tmp_path / "xx.yaml"))
    assert texts.translated("a/plain", "A plain text.") == "Txet nialp a."
    assert texts.translated("a/plain", "Another text.") == "Another text."
    assert texts.translated("a/other", "A plain text.") == "A plain text."


def test_the_reference_has_the_prose_of_statuses_and_notebooks() -> None:
    assert texts.text("statuses/not evidenced/word") == "not evidenced"
    assert texts.text("statuses/fail/meaning").endswith("they do not satisfy the rule.")
    assert texts.text("notebooks/scope-and-method").startswith("## Scope and method")


def test_a_missing_or_broken_file_is_named(english: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.yaml.*No such file"):
        texts.choose(str(tmp_path / "nowhere.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    with pytest.raises(UserError, match=r"broken.yaml, line 2: is not valid YAML"):
        texts.choose(str(broken))
    for content in ("", "- a", "a: 5", "a: {one: x, other: [y]}", "a: {one: x, other: 5}"):
        kind = tmp_path / f"{len(content)}.yaml"
        kind.write_text(content)
        with pytest.raises(UserError, match="is not a catalogue of texts"):
            texts.choose(str(kind))
    part = tmp_path / "part.yaml"
    part.write_text("a: {plain: x}")
    with pytest.raises(UserError, match="is missing"):
        texts.choose(str(part))


def test_texts_that_include_each_other_without_end_are_refused() -> None:
    doubling = {f"a/{chr(97 + n)}": f"{{a/{chr(98 + n)}}}" * 20 for n in range(8)}
    with pytest.raises(ValueError, match="100,000 characters"):
        texts._included({**doubling, "a/i": "x"})
    deep = {f"a/{'x' * n}": f"{{a/{'x' * (n + 1)}}}" for n in range(1, 2_000)}
    with pytest.raises(ValueError, match="includes no other text"):
        texts._included(deep)


def test_a_text_includes_others_in_their_places() -> None:
    entries = {
        "steps/read": "# Read {thing}",
        "steps/write": "{steps/read}\n# Write",
        "a/whole": "{steps/write}\n# End: {}",
    }
    assert texts._included(entries)["a/whole"] == "# Read {thing}\n# Write\n# End: {}"


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
        texts._included(entries)


_ROOT = Path(__file__).parent.parent
_PLACES = ("kit/own", "kit/report", "kit/pack", "kit/overviews")
_SECTIONS = ("report/", "figures/", "pack/")
_ANY_COLUMN = "report/columns/[^/]+"  # where `column` is defined


def test_every_text_that_documents_name_exists_and_every_text_is_named() -> None:
    known = {id for id in texts.ids() if id.startswith(_SECTIONS)}
    named = {pattern for place in _PLACES for pattern in _named(_ROOT / place)}
    assert [name for name in named if not any(re.fullmatch(name, id) for id in known)] == []
    assert [id for id in known if not any(re.fullmatch(name, id) for name in named)] == []


def _named(place: Path) -> Iterator[str]:
    """Yield each id in code and templates as a regular expression; what is filled in is a name."""
    for path in place.rglob("*.*") if place.is_dir() else [place]:
        if path.suffix == ".j2":
            ids = map(re.escape, re.findall(r'text\("([^"]+)"', path.read_text("utf-8")))
        elif path.suffix == ".py":
            ids = _written(ast.parse(path.read_text("utf-8")))
        else:
            continue
        yield from (id for id in ids if id.startswith(_SECTIONS) and id != _ANY_COLUMN)


def _written(tree: ast.Module) -> Iterator[str]:
    filled = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {part for node in filled for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("column", "_column") and not isinstance(node.args[0], ast.Name):
                yield f"report/columns/{_pattern(node.args[0])}"
        elif node not in parts:
            yield _pattern(node)


def _pattern(node: ast.AST) -> str:
    """A text that is written there as a regular expression, a name for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) or "[^/]+" for part in node.values)
    return ""


_ORDER = re.compile(
    r"(?:^|[:;,] (?:or |and )?)(?:add|assess|ask|check|close|declare|disable|enable|give|grant|let"
    r"|look|make|name|open|read|review|see|set|take|turn|use)\b(?! (?:and|or) )"
)


def test_what_lacks_evidence_is_a_statement_and_the_way_out_a_remedy() -> None:
    """Open points quote these texts: a reader of the first page looks for facts there."""
    stated = {
        id: form
        for id, value in texts._catalogue("en").items()
        if re.match(
            r"controls/[^/]+/verdicts/(?!attested|not applicable)|points/|report/points/", id
        )
        for form in (value.values() if isinstance(value, dict) else [value])
    }
    assert len(stated) > 150
    assert {id: form for id, form in stated.items() if "?" in form or _ORDER.search(form)} == {}
