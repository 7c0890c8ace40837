"""A translation for tests, English reversed, and what of English is left in a document."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from kit.catalogue import texts

# Words that are in nearly every English sentence, and that are no words when they are reversed.
_COMMON = {
    *("the", "of", "and", "is", "are", "that", "with", "which", "has", "have", "for", "from"),
    *("by", "does", "this", "these", "its", "every", "each", "not", "cannot", "whether", "where"),
    *("what", "who", "so", "than", "them", "they", "but", "if", "been"),
}
_WORD = re.compile(r"(\{[a-z_/]+\})|[A-Za-z]{2,}")


def write_reversed(path: Path) -> Path:
    """Write a translation in which every word of every text is reversed."""
    path.write_text(yaml.safe_dump(_reversed(texts.tree()) | {"language": "eo"}))
    return path


def _reversed(node: Any) -> Any:
    """Reverse every word of every text; fields stay."""
    if isinstance(node, dict):
        return {name: _reversed(part) for name, part in node.items()}
    return _WORD.sub(lambda word: word[0] if word[1] else word[0][::-1], node)


def english_in(page: str, pdf: bytes, quoted: str, folder: Path) -> list[str]:
    """Return the lines of a page and a PDF that are English and stand in no quotation."""
    pairs = set(pairs_of(quoted))
    return [line for line in (*_on_page(page), *_printed(pdf, folder)) if is_english(line, pairs)]


def is_english(line: str, quoted: set[tuple[str, str]]) -> bool:
    """Whether a word of nearly every English sentence stands beside none that a quotation has."""
    words = ["", *_words(line), ""]
    return any(
        word in _COMMON and quoted.isdisjoint({(before, word), (word, after)})
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
    )


def pairs_of(text: str) -> Iterator[tuple[str, str]]:
    yield from pairwise(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _on_page(shown: str) -> list[str]:
    """The texts of a page and of attributes that are read out, each once."""
    body = re.sub(r"<(style|script).*?</\1>|<wbr>", "", shown, flags=re.DOTALL)
    found = [*re.findall(r'(?:alt|aria-label)="([^"]*)"', body), *re.split(r"<[^>]*>", body)]
    return list(dict.fromkeys(html.unescape(text).strip() for text in found))


def _printed(content: bytes, folder: Path) -> list[str]:
    """The lines of a PDF, each column of a table by itself."""
    (folder / "pack.pdf").write_bytes(content)
    command = ["pdftotext", "-layout", "pack.pdf", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    parts = (part for line in done.stdout.splitlines() for part in re.split(r"\s{2,}", line))
    return list(dict.fromkeys(parts))
