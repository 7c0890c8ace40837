"""The HTML page in a real browser: alone, inert, usable with and without its script."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbconvert.exporters import get_exporter
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from playwright.sync_api import Browser, Page, expect

from kit.pack.document import document
from kit.pack.exporter import EvidenceHTMLExporter
from kit.pack.html import page as page_of
from kit.report.views import Column, Kind, Table
from tests.pack.conftest import SCRIPTS, cover, executed, findings, shown
from tests.pack.samples import HOSTILE, LONG, MARKS, STAMP

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def html(notebook: NotebookNode) -> str:
    made, resources = EvidenceHTMLExporter().from_notebook_node(notebook)
    assert resources["output_extension"] == ".html"
    return made


@contextmanager
def opening(browser: Browser, folder: Path) -> Iterator[Open]:
    """Open pages from disk; any request but for that file, and any error, fails the test."""
    contexts = []
    wrong: list[str] = []

    def goto(text: str, anchor: str = "", allow_errors: bool = False, **options: object) -> Page:
        path = folder / "evidence.html"
        path.write_text(text, "utf-8")
        context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()

        def refuse(route: object) -> None:
            url = route.request.url  # type: ignore[attr-defined]
            if url.partition("#")[0] == path.as_uri():
                route.continue_()  # type: ignore[attr-defined]
            else:
                wrong.append(f"request: {url}")
                route.abort()  # type: ignore[attr-defined]

        context.route("**/*", refuse)
        if not allow_errors:
            page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
            page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.goto(path.as_uri() + anchor)
        return page

    yield goto
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with opening(browser, tmp_path) as goto:
        yield goto


@pytest.fixture(scope="module")
def untouched(
    browser: Browser, html: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The page for tests that look at it alone."""
    with opening(browser, tmp_path_factory.mktemp("page")) as goto:
        yield goto(html)


@pytest.fixture(scope="module")
def printed(
    browser: Browser, html: str, tmp_path_factory: pytest.TempPathFactory
) -> pypdf.PdfReader:
    """The page on paper, printed while a search and a filter hide most rows."""
    folder = tmp_path_factory.mktemp("printed")
    with opening(browser, folder) as goto:
        page = goto(html)
        page.get_by_role("search").get_by_role("searchbox").fill("E0002")
        page.get_by_label("Verdict").first.select_option("fail")
        expect(page.locator("#table-texts")).to_be_hidden()
        page.pdf(path=folder / "printed.pdf", format="A4")
    return pypdf.PdfReader(folder / "printed.pdf")


def rows(page: Page, table: str) -> list[str]:
    """The resources in the rows that are shown, in order."""
    shown_rows = page.locator(f"#{table} tbody tr:visible td.code")
    return [text.rpartition("finance-")[2] for text in shown_rows.all_text_contents()]


def test_it_asks_no_network_and_raises_no_error(html: str, opened: Open) -> None:
    page = opened(html)
    expect(page.locator("h1")).to_have_text("GDPR evidence pack")
    assert page.locator("h1").count() == 1
    assert not re.search(r"(src|href)=\"(?!#|data:image/svg|https://docs\.aws)", html)


def test_times_are_valid_for_html() -> None:
    times = ["2026-11-24T10:01:00.123456+00:00", "2026-11-24T10:01:00Z", "2027-03-31"]
    view = Table(
        "t", "c", [Column("a", "A"), Column("b", "B", "datetime")], [["x", t] for t in times]
    )
    made = page_of(document(new_notebook(cells=[shown(cover()), shown(view)])))
    stated = re.findall(r'<time datetime="([^"]*)"', made)
    assert stated == ["2026-11-24T10:01:00+00:00", *times[1:]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Open, scheme: str) -> None:
    page = opened(page_of(document(executed(rows=12))), color_scheme=scheme)
    # The schemes differ in colours alone.
    alone = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    response = Axe().run(page, options={"resultTypes": ["violations"], **alone}).response
    assert "color-contrast" in {rule["id"] for rule in response["passes"]}
    found = response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


def test_the_policy_lets_nothing_run_but_its_own_script(html: str, opened: Open) -> None:
    planted = (
        "<script>document.title = 'pwned'</script>"
        "<img src='data:image/gif;base64,AA' onerror=\"document.title = 'pwned'\">"
        "<p id=red style='color: rgb(255, 0, 0)'>x</p>"
        "<iframe src='data:text/html,x'></iframe>"
    )
    page = opened(html.replace("<h1>", planted + "<h1>", 1), allow_errors=True)
    page.wait_for_timeout(200)
    assert page.title().startswith("GDPR evidence pack: ")
    assert page.locator("#red").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    assert page.locator("#table-findings th button").count() == 5  # its own script ran


def test_the_policy_is_strict(html: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    directives = dict(part.split(" ", 1) for part in policy.replace("&#39;", "'").split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    assert all(
        re.fullmatch(r"'sha256-[\w+/]{43}='", directives[name])
        for name in ("script-src", "style-src")
    )
    assert "style=" not in html.replace("<style>", "")


def test_hostile_texts_are_text(untouched: Page) -> None:
    page = untouched
    cells = page.locator("#table-texts tbody td").all_text_contents()
    assert HOSTILE["script"] in cells
    assert HOSTILE["typst"] in cells
    assert HOSTILE["jinja"] in cells
    assert "invoice⟨U+202E⟩gpj.exe" in cells
    assert "nul⟨U+0000⟩bell⟨U+0007⟩" in cells
    assert LONG in cells
    assert set(SCRIPTS.values()) <= set(cells)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0


def test_tables_sort(html: str, opened: Open) -> None:
    page = opened(html)
    head = page.locator("#table-findings thead th", has_text="Severity")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = page.locator("#table-findings tbody tr").first
    expect(first.locator("td.severity")).to_contain_text("high")
    assert rows(page, "table-findings")[:3] == ["0", "3", "6"]  # equals stay in their order
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(first.locator("td.severity")).to_contain_text("low")
    resource = page.locator("#table-findings thead th", has_text="Resource")
    resource.get_by_role("button").click()
    assert rows(page, "table-findings") == [str(n) for n in range(120)]  # 9 before 10
    expect(head).not_to_have_attribute("aria-sort", "descending")
    number = page.locator("#table-evidence thead th", has_text="Attempts").get_by_role("button")
    number.click()
    number.click()
    expect(page.locator("#table-evidence tbody tr").first).to_have_attribute("id", "row-e0040")


def test_tables_search_and_filter_together(html: str, opened: Open) -> None:
    page = opened(html)
    tools = page.get_by_role("group", name=re.compile("Findings"))
    tools.get_by_label("Verdict").select_option("fail")
    assert rows(page, "table-findings") == [str(n) for n in range(0, 120, 6)]
    tools.get_by_label("Search").fill("FINANCE-6")
    assert rows(page, "table-findings") == ["6", "60", "66"]
    expect(tools.locator("output")).to_have_text("3 of 120 rows")
    tools.get_by_label("Search").fill("")
    tools.get_by_label("Verdict").select_option("all")
    expect(tools.locator("output")).to_have_text("120 rows")


def test_a_filter_offers_each_id_of_cells_that_hold_several(opened: Open) -> None:
    many = Table(
        "places",
        "Places",
        [Column("resource", "Resource", "code"), Column("controls", "Controls", "control")],
        [[f"finance-{n}", ["AR-05", *(["EX-01"] if n % 3 == 0 else [])]] for n in range(9)],
    )
    made, _ = EvidenceHTMLExporter().from_notebook_node(
        new_notebook(cells=[shown(cover()), shown(many)])
    )
    page = opened(made)
    tools = page.get_by_role("group", name=re.compile("Places"))
    choice = tools.get_by_label("Controls")
    assert choice.locator("option").all_text_contents() == ["all", "AR-05", "EX-01"]
    choice.select_option("EX-01")
    expect(tools.locator("output")).to_have_text("3 of 9 rows")


def test_links_lead_from_finding_to_control_to_evidence_and_back(html: str, opened: Open) -> None:
    page = opened(html)
    page.locator("#table-findings tbody tr").first.get_by_role("link", name="AR-05").click()
    expect(page.locator("#control-ar-05")).to_be_in_viewport()
    page.locator("#table-rows-ar-05").get_by_role("link", name="E0002").click()
    row = page.locator("#row-e0002")
    expect(row).to_be_in_viewport()
    row.get_by_role("link", name="AR-05").click()
    expect(page.locator("#control-ar-05")).to_be_in_viewport()
    targets = page.eval_on_selector_all(
        "a[href^='#']", "links => links.filter(a => !document.querySelector(a.hash)).length"
    )
    assert targets == 0
    assert page.locator("#table-rows-lg-01").get_by_role("link").count() == 0  # E0099 is unknown


def test_a_link_shows_a_row_that_a_filter_hid(html: str, opened: Open) -> None:
    page = opened(html)
    page.get_by_role("group", name=re.compile("Evidence index")).get_by_label("Search").fill(
        "E0040"
    )
    expect(page.locator("#row-e0002")).to_be_hidden()
    page.locator("#table-rows-ar-05").get_by_role("link", name="E0002").click()
    expect(page.locator("#row-e0002")).to_be_visible()
    expect(page.locator("#row-e0002")).to_be_in_viewport()


def test_a_search_covers_every_table(html: str, opened: Open) -> None:
    page = opened(html)
    search = page.get_by_role("search")
    search.get_by_role("searchbox").fill("E0002")
    expect(search.get_by_role("link", name=re.compile("Evidence index"))).to_have_count(1)
    assert page.locator("#table-evidence tbody tr:visible").count() == 1
    tools = page.get_by_role("group", name=re.compile("Findings"))
    tools.get_by_label("Verdict").select_option("fail")  # a table's own filters narrow it further
    both = page.locator("#table-findings tbody tr:visible")
    assert all("E0002" in row and "fail" in row for row in both.all_text_contents())
    expect(page.locator("#table-texts")).to_be_hidden()  # it has no such row
    search.get_by_role("link", name=re.compile("Evidence index")).click()
    expect(page.locator("#table-evidence")).to_be_in_viewport()
    search.get_by_role("searchbox").fill("")
    expect(page.locator("#table-texts")).to_be_visible()


def test_paper_has_every_row_whatever_is_searched(printed: pypdf.PdfReader) -> None:
    text = " ".join(page.extract_text() for page in printed.pages)
    assert all(f"finance-{n}" in text for n in range(120))


def test_what_is_out_of_sight_is_laid_out_when_it_is_looked_at(html: str, opened: Open) -> None:
    page = opened(html)
    row = page.locator("#row-e0002")
    is_laid_out = "e => e.checkVisibility({ contentVisibilityAuto: true })"
    assert not row.evaluate(is_laid_out)
    page.locator("#table-findings").get_by_role("link", name="E0002").first.click()
    expect(row).to_be_in_viewport()
    assert row.evaluate(is_laid_out)


def test_a_keyboard_alone_reaches_the_evidence(html: str, opened: Open) -> None:
    page = opened(html)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the evidence")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    search = page.get_by_role("group", name=re.compile("Findings")).get_by_label("Search")
    search.focus()
    page.keyboard.type("finance-1")
    assert "11" in rows(page, "table-findings")
    head = page.locator("#table-findings thead th", has_text="Resource")
    for _ in range(9):
        if head.locator(":focus").count():
            break
        page.keyboard.press("Tab")
        outline = page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
        assert outline == "solid"
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")


def test_it_is_whole_without_its_script(html: str, opened: Open) -> None:
    page = opened(html, java_script_enabled=False)
    assert page.locator("#table-findings tbody tr").count() == 120
    assert page.locator(".tools, th button").count() == 0
    page.get_by_role("link", name="E0001").first.click()
    expect(page.locator("#row-e0001")).to_be_in_viewport()


def test_landmarks_captions_and_scopes(untouched: Page) -> None:
    page = untouched
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    tables = page.locator("table.data")
    assert tables.count() == page.locator("table.data > caption").count() == 6
    assert page.locator("thead th:not([scope=col])").count() == 0
    assert page.locator("table.data tbody tr:not(:has(th[scope=row]))").count() == 0
    expect(page.get_by_role("img", name="Bars: findings by verdict.")).to_be_visible()
    width = "e => e.complete && e.naturalWidth"
    assert page.locator("figure img").evaluate(width) > 100


def test_the_contents_name_every_heading_and_control(html: str, notebook: NotebookNode) -> None:
    linked = re.findall(r'<li class="level-\d"><a href="#([^"]+)">', html)
    assert linked == [target for _, target, _ in document(notebook).outline()]


def test_stamp_and_marks_stand_at_the_top_and_on_every_printed_page(
    untouched: Page, printed: pypdf.PdfReader
) -> None:
    for words in (STAMP, *MARKS):
        expect(untouched.locator("header .stamp")).to_contain_text(words)
    assert len(printed.pages) > 5
    for number, page in enumerate(printed.pages, start=1):
        text = " ".join(page.extract_text().split())
        assert " · ".join((STAMP, *MARKS)) in text
        assert f"Page {number} of {len(printed.pages)}" in text


def test_printed_tables_repeat_their_head_on_each_page(opened: Open, tmp_path: Path) -> None:
    made, _ = EvidenceHTMLExporter().from_notebook_node(
        new_notebook(cells=[shown(cover()), shown(findings(120))])
    )
    opened(made).pdf(path=tmp_path / "printed.pdf", format="A4")
    printed = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "printed.pdf").pages]
    held = [text for text in printed if "finance-" in text]
    assert len(held) > 2
    assert all("Severity" in text for text in held)


def test_a_printed_page_is_not_made_smaller_for_a_wide_table(opened: Open, tmp_path: Path) -> None:
    """Chromium shrinks every page of a document of which one table is wider than the paper."""
    words = "Several words, appstream:CreateImageBuilderStreamingURL, and 0123456789abcdef" * 2
    kinds: list[Kind] = ["code", "text", "text", "datetime", "text", "code", "text", "code", "text"]
    sizes = []
    for count in (2, 7, 9):
        columns = [Column(f"c{n}", f"Column {n}", kind) for n, kind in enumerate(kinds[:count])]
        rows = [["2026-11-24T10:00:00Z" if kind == "datetime" else words for kind in kinds[:count]]]
        made, _ = EvidenceHTMLExporter().from_notebook_node(
            new_notebook(cells=[shown(cover()), shown(Table("t", "c", columns, rows * 30))])
        )
        opened(made).pdf(path=tmp_path / "p.pdf", format="A4", prefer_css_page_size=True)
        reader = pypdf.PdfReader(tmp_path / "p.pdf")
        sizes.append({round(size, 1) for size in _sizes(reader.pages[-1]) if size > 6})
        turned = reader.pages[-1].mediabox.width > reader.pages[-1].mediabox.height
        assert turned == (count > 8)
    assert sizes[0] == sizes[1] == sizes[2]
    assert min(sizes[0]) > 6.5


def _sizes(page: pypdf.PageObject) -> list[float]:
    """The sizes of the letters of a page, in points."""
    found: list[float] = []

    def visit(text: str, cm: Any, tm: Any, _: Any, size: float) -> None:
        if text.strip():
            found.append(size * abs(tm[3]) * abs(cm[3]))

    page.extract_text(visitor_text=visit)
    return found


def test_a_stamp_cannot_leave_the_style_sheet() -> None:
    hostile = "\"} </style><script>document.title='pwned'</script> \\"
    made, _ = EvidenceHTMLExporter().from_notebook_node(
        new_notebook(cells=[shown(cover(stamp=hostile))])
    )
    assert made.count("<script>") == made.count("</style>") == 1


def test_without_stamp_and_marks_there_is_no_banner() -> None:
    plain = new_notebook(cells=[shown(cover(stamp=None, marks=[]))])
    made, _ = EvidenceHTMLExporter().from_notebook_node(plain)
    assert 'class="stamp"' not in made


def test_many_rows_stay_usable(opened: Open) -> None:
    many: Table = findings(1_000)
    made, _ = EvidenceHTMLExporter().from_notebook_node(
        new_notebook(cells=[shown(cover()), shown(many)])
    )
    page = opened(made)
    page.get_by_label("Search all tables").fill("finance-999")
    expect(page.get_by_role("search").locator("output")).to_have_text("1 of 1000 rows")
    assert rows(page, "table-findings") == ["999"]


def test_the_same_notebook_gives_the_same_bytes(notebook: NotebookNode, html: str) -> None:
    again, _ = get_exporter("evidence_html")().from_notebook_node(copy.deepcopy(notebook))
    assert again == html
