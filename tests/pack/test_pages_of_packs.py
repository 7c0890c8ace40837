"""The pages of the sample accounts' packs, as a PDF reader has them: how many, and how full."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from kit.pack.document import findings_data
from kit.pack.execute import execute_here
from kit.pack.info import bag_info
from kit.pack.pdf import pdf
from kit.pack.seal import NOTEBOOK, pack_document
from kit.snapshot import Snapshot
from tests.pack.conftest import RUNS

ACCOUNTS = [name for name in RUNS if name != "odd"]
MOST = 29  # pages from the result to the last finding
HEADER, FOOTER = 50, 790  # points from the top of A4
OPENERS = ("Annexes", "This pack and how to check it")  # start a page unless half of one is left
FULL = 0.5  # of a page in the middle, that has to have text at least so far down


class Page:
    """A page's lines between header and footer, by poppler."""

    def __init__(self, source: str) -> None:
        size = re.match(r'width="([\d.]+)" height="([\d.]+)"', source)
        assert size
        self.width, self.height = map(float, size.groups())
        lines = re.findall(
            r'<line [^>]*yMin="([\d.]+)" [^>]*yMax="([\d.]+)">(.*?)</line>', source, re.S
        )
        self.lines = sorted(
            (float(top), float(bottom), unescape(" ".join(re.findall(r">([^<]+)</word>", words))))
            for top, bottom, words in lines
            if HEADER < float(top) < self.height - 842 + FOOTER
        )

    def reach(self) -> float:
        """How far down there is text, as a share of the page."""
        return max((bottom for _, bottom, _ in self.lines), default=0.0) / self.height


@pytest.fixture(scope="module")
def read(stored: Callable[[str], Snapshot], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The PDF of an account, and its pages."""

    @cache
    def of(account: str) -> tuple[Path, list[Page]]:
        found = stored(account)
        executed, _ = execute_here(NOTEBOOK, {"snapshot": str(found.folder)})
        info = bag_info(found, findings_data(executed)["facts"]["digest"])
        file = tmp_path_factory.mktemp(account) / "evidence.pdf"
        file.write_bytes(pdf(pack_document(executed, info)))
        command = ["pdftotext", "-bbox-layout", str(file), "-"]
        boxes = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        return file, [Page(source) for source in boxes.split("<page ")[1:]]

    return of


def headings(file: Path) -> list[tuple[str, int, float]]:
    """The bookmarks of a PDF: title, page from 0, points from the page's top."""
    found = []
    with pikepdf.open(file) as opened, opened.open_outline() as outline:
        numbers = {page.objgen: number for number, page in enumerate(opened.pages)}
        names = pikepdf.NameTree(opened.Root.Names.Dests)
        waiting = [*outline.root]
        while waiting:
            entry = waiting.pop(0)
            waiting[:0] = entry.children
            place = entry.destination if entry.destination is not None else entry.action.D
            place = place if isinstance(place, pikepdf.Array) else names[str(place)]
            place = place if isinstance(place, pikepdf.Array) else place.D
            number = numbers[place[0].objgen]
            height = float(opened.pages[number].mediabox[3])
            found.append((entry.title, number, height - float(place[3])))
    return found


@pytest.mark.parametrize("account", ["demo", "careless"])
def test_result_to_findings_are_under_thirty_pages(read: Any, account: str) -> None:
    file, _ = read(account)
    places = {title: number for title, number, _ in headings(file)}
    assert places["Annexes"] <= MOST


def test_the_first_page_states_account_controller_period_and_result(read: Any) -> None:
    _, pages = read("demo")
    first = text_of(pages[:1])
    assert (
        "Account: 210987654321. Controller: Beispielwerke AG. Role under the GDPR: controller"
        in first
    )
    assert re.search(r"Period: configuration as of 20\d\d-\d\d-\d\d, CloudTrail's events", first)
    assert first.index("Regions in scope: eu-central-1, eu-west-1.") < first.index("352 findings")
    assert "Role under the GDPR: not declared" in text_of(read("careless")[1][:1])


def test_the_facts_have_a_heading_and_a_number(read: Any) -> None:
    _, pages = read("demo")
    assert "Facts of this document Table 2 Whose account it is" in text_of(pages[:4])


def test_the_map_names_the_table_and_its_page(read: Any) -> None:
    file, pages = read("demo")
    words = text_of(pages)
    ((table, page),) = re.findall(r"and the evidence\. (Table \d+) \(page (\d+)\)\.", words)
    assert f"{table} The resources on the map" in text_of(pages[int(page) - 1 : int(page) + 1])
    (at,) = (n for title, n, _ in headings(file) if title == "Resources that hold personal data")
    assert at + 1 == int(page)


def test_an_account_without_appstream_has_ten_pages_at_most(read: Any) -> None:
    _, pages = read("empty")
    assert 1 < len(pages) <= 10


def test_so_has_an_account_that_uses_it_in_other_regions(read: Any) -> None:
    _, pages = read("careless elsewhere")
    assert 1 < len(pages) <= 10
    first = " ".join(words for _, _, words in pages[0].lines)
    assert "AppStream is not in use in the region of this run (eu-central-1)" in first
    assert "6 buckets of AppStream lie in regions that this run leaves out: eu-west-1," in first
    assert "The parameters do not declare the regions in which data may rest" in first
    assert "leave out eu-west-1, where the bucket lies (regions)" in first


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_heading_has_text_below_it_on_its_page(read: Any, account: str) -> None:
    file, pages = read(account)
    found = headings(file)
    assert len(found) > 8
    for title, number, top in found:
        below = [words for y, _, words in pages[number].lines if y > top + 4]
        own = 1 + len(title) // 60
        assert len(below) >= own + 2, (title, number + 1, below)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_page_in_the_middle_is_half_empty(read: Any, account: str) -> None:
    file, pages = read(account)
    starts = {number for title, number, _ in headings(file) if title in OPENERS}
    empty = [
        (number + 1, round(page.reach(), 2))
        for number, page in enumerate(pages[:-1])
        if page.reach() < FULL and number + 1 not in starts
    ]
    assert empty == []


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_table_fits_on_upright_pages(read: Any, account: str) -> None:
    _, pages = read(account)
    assert [number for number, page in enumerate(pages, 1) if page.width > page.height] == []


@pytest.mark.parametrize("account", ["demo", "careless"])
def test_the_contents_name_each_section_s_page(read: Any, account: str) -> None:
    file, pages = read(account)
    contents = next(page for page in pages if any(words == "Contents" for *_, words in page.lines))
    listed = " ".join(words for *_, words in contents.lines)
    for title, number, _ in headings(file):
        if not re.match(r"[A-Z]{2}-\d\d", title):
            assert re.search(rf"{re.escape(title)}[ .\u2060]*{number + 1}\b", listed), title


def text_of(pages: list[Page]) -> str:
    return " ".join(words for page in pages for _, _, words in page.lines)


def test_every_table_of_the_glossary_has_a_number(read: Any) -> None:
    _, pages = read("demo")
    captions = re.findall(
        r"Table (\d+) (The verdicts, the worst first|The words of this document)", text_of(pages)
    )
    (first, _), (second, _) = captions
    assert int(second) == int(first) + 1


def test_an_article_on_assessments_applies_where_users_are_reported(read: Any) -> None:
    _, pages = read("demo")
    (page,) = (one for one in pages if {"35(1)", "35(2)"} <= {words for _, _, words in one.lines})
    (top,) = (y for y, _, words in page.lines if words == "35(1)")
    (end,) = (y for y, _, words in page.lines if words == "35(2)")
    row = " ".join(words for y, _, words in page.lines if top - 1 <= y < end - 1)
    assert "not evidenced" in row
    assert "not applicable" not in row
    assert "In use, and no assessment" in row
