"""README.txt and the document's page of it have the same words; its commands run as copied."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from markupsafe import Markup
from nbformat.v4 import new_markdown_cell, new_notebook

from kit.pack.document import Document, document
from kit.pack.html import page
from kit.pack.pdf import pdf
from kit.pack.readme import readme, with_readme
from kit.pack.seal import FILES
from tests.pack.conformance import faults
from tests.pack.conftest import cover, shown
from tests.pack.samples import HOSTILE
from tests.pack.test_commands import by_poppler, by_poppler_as_laid_out, by_pypdf

STARTS = ("sha256sum", "cut", "find", "openssl", "evidence")
TITLE = "This pack and how to check it"
INFO = {
    "External-Description": "GDPR evidence pack, Amazon AppStream 2.0, account 012345678901",
    "Evidence-As-Of": "2026-11-24T09:00:00+00:00",
    "Bag-Software-Agent": "appstream-evidence-kit 1.0",
    "Signature": "CMS tagmanifest-sha256.txt.p7s, level B-B",
    "Stamp": "NOT AWS: made against http://127.0.0.1:5000",
}
UNSIGNED = {**INFO, "Signature": "none", "Stamp": "none"}
SECTIONS = "# Result\n\nWords of the first page.\n\n# Scope\n\nWords."
PLAIN = document(new_notebook(cells=[shown(cover()), new_markdown_cell(SECTIONS)]))


def words(text: str) -> list[str]:
    """The words of a text without marks of lists, and with lines continued."""
    joined = re.sub(r"\\\n", "", text)
    return re.findall(r"[^\s:•]+", re.sub(r"^ *\d\. ", "", joined, flags=re.MULTILINE))


def commands(text: str) -> list[list[str]]:
    lines = (line.split() for line in re.sub(r"\\\n", "", text).splitlines())
    return [line for line in lines if line[:1] and line[0] in STARTS]


@pytest.fixture(scope="module", params=[INFO, UNSIGNED], ids=["signed", "unsigned"])
def made(request: pytest.FixtureRequest) -> tuple[str, Document, bytes]:
    whole = with_readme(PLAIN, request.param, FILES)
    return readme(request.param, FILES), whole, pdf(whole)


@pytest.mark.parametrize("extract", [by_pypdf, by_poppler, by_poppler_as_laid_out])
def test_the_page_of_the_pdf_has_the_same_words_and_commands(
    made: tuple[str, Document, bytes], extract: Callable[[bytes, Path], str], tmp_path: Path
) -> None:
    text = made[0]
    reader, writer = pypdf.PdfReader(io.BytesIO(made[2])), pypdf.PdfWriter()
    writer.append(reader, pages=[len(reader.pages) - 1])
    alone = io.BytesIO()
    writer.write(alone)
    printed = extract(alone.getvalue(), tmp_path)
    assert TITLE in printed
    assert " ".join(words(text)) in " ".join(words(printed))
    assert commands(printed) == commands(text)
    assert len(commands(text)) == (7 if "p7s" in text else 6)


def test_the_section_is_the_last(made: tuple[str, Document, bytes]) -> None:
    titles = [block["text"] for block in made[1].blocks if block["kind"] == "heading"]
    assert titles == ["Result", "Scope", TITLE]
    first = pypdf.PdfReader(io.BytesIO(made[2])).pages[0].extract_text()
    assert first.index("Words of the first page") < first.index("Account") < first.index("Contents")
    assert faults(made[2]) == []


def test_the_html_has_the_same_words(made: tuple[str, Document, bytes]) -> None:
    body = page(made[1]).partition("<section")[2]
    text = Markup(re.sub(r"<(?!/?code)[^>]*>", "\n", body).replace("<", "\n<")).striptags()
    for word in words(made[0]):
        assert word.rstrip(".") in text


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_is_markup(name: str) -> None:
    hostile = {**INFO, "External-Description": HOSTILE[name], "Stamp": "*a* [b](c) <i>"}
    made = with_readme(PLAIN, hostile, FILES)
    prose = made.blocks[-1]
    assert not re.search("[\\u202e\\x00\\ud800]", readme(hostile, FILES))
    assert b"%PDF" in pdf(made)[:8]
    assert prose["kind"] == "prose"
    assert [node["t"] for node in prose["nodes"]] == [
        *("paragraph", "paragraph", "paragraph", "paragraph", "list"),
        *("paragraph", "paragraph", "list", "paragraph"),
    ]
