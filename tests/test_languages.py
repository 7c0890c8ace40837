"""A pack in a language of its own: the same findings, and no sentence of English left."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.catalogue import texts
from kit.pack.attachments import attachments
from kit.pack.document import document, findings_data
from kit.pack.execute import execute
from kit.pack.html import page
from kit.pack.pdf import pdf
from kit.pack.seal import NOTEBOOK

# Words that are in nearly every English sentence, and that are no words when they are reversed.
_COMMON = {
    *("the", "of", "and", "is", "are", "that", "with", "which", "has", "have", "for", "from"),
    *("by", "does", "this", "these", "its", "every", "each", "not", "cannot", "whether", "where"),
    *("what", "who", "so", "than", "them", "they", "but", "if", "been"),
}
_WORD = re.compile(r"(\{[a-z_/]+\})|[A-Za-z]{2,}")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    texts.choose("en")


@pytest.fixture(scope="module")
def reversed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("language") / "xx.yaml"
    path.write_text(yaml.safe_dump(_reversed(texts.tree()) | {"language": "eo"}))
    return path


def _reversed(node: Any) -> Any:
    """Reverse every word of every text; fields stay."""
    if isinstance(node, dict):
        return {name: _reversed(part) for name, part in node.items()}
    return _WORD.sub(lambda word: word[0] if word[1] else word[0][::-1], node)


@pytest.fixture(scope="module")
def translated(
    signed_pack: Path, reversed_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, bytes]:
    """The digest of the findings, the page and the PDF of a sealed pack in another language."""
    run = signed_pack.parent
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(run.parents[2] / ".config"))
        executed = execute(
            NOTEBOOK, {"snapshot": str(run / "snapshot"), "language": str(reversed_file)}
        )
    made = document(executed)
    digest = findings_data(executed)["facts"]["digest"]
    return digest, page(made), pdf(made, attached=attachments(executed, made))


def test_the_findings_are_the_same(signed_pack: Path, translated: tuple[str, str, bytes]) -> None:
    assert f"Findings-SHA-256: {translated[0]}\n" in (signed_pack / "bag-info.txt").read_text()


def test_documents_name_their_language(translated: tuple[str, str, bytes], tmp_path: Path) -> None:
    _, shown, printed = translated
    assert '<html lang="eo">' in shown
    import pikepdf

    (tmp_path / "pack.pdf").write_bytes(printed)
    with pikepdf.open(tmp_path / "pack.pdf") as file:
        assert str(file.Root.Lang) == "eo"


def test_no_sentence_of_english_is_left(translated: tuple[str, str, bytes], tmp_path: Path) -> None:
    _, shown, printed = translated
    assert [line for line in _on_page(shown) if _is_english(line)] == []
    assert [line for line in _printed(printed, tmp_path) if _is_english(line)] == []


def _is_english(line: str) -> bool:
    return len(_COMMON & set(re.findall(r"[a-z]+", line.lower()))) > 0


def _on_page(shown: str) -> list[str]:
    """The texts of a page and of attributes that are read out, each once."""
    body = re.sub(r"<(style|script).*?</\1>", "", shown, flags=re.DOTALL)
    found = [*re.findall(r'(?:alt|aria-label)="([^"]*)"', body), *re.split(r"<[^>]*>", body)]
    return list(dict.fromkeys(html.unescape(text).strip() for text in found))


def _printed(content: bytes, folder: Path) -> list[str]:
    (folder / "pack.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", "pack.pdf", "-"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(dict.fromkeys(line.strip() for line in done.stdout.splitlines()))
