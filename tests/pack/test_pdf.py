"""The PDF by other people's readers: conformance, structure, text, links, sameness."""

from __future__ import annotations

import copy
import csv
import io
import json
import os
import re
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest
from nbconvert.exporters import get_exporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from traitlets import TraitError

from kit.errors import CannotRunError
from kit.pack import pdf as module
from kit.pack.document import document
from kit.pack.exporter import EvidencePDFExporter
from kit.pack.layout import MEASURES, lay_out
from kit.pack.pdf import _TEMPLATE, _finished, _typesetter, pdf, pdf_beside
from kit.pack.tabular import csv_file
from kit.report.fonts import directory
from kit.report.views import Column, Controls, Note, Table, View
from tests.pack.conformance import elements, faults
from tests.pack.conftest import SCRIPTS, control, cover, findings, shown
from tests.pack.samples import HOSTILE, MARKS, STAMP


def typeset(data: dict[str, Any], template: Path = _TEMPLATE) -> Any:
    """Return the PDF and the places of a document's data."""
    job = {
        "data": data,
        "template": str(template),
        "folders": [str(directory())],
        "as_of": "2026-11-24T09:00:00+00:00",
    }
    with _typesetter() as typeset:
        return typeset(job)()


@pytest.fixture(scope="module")
def made(notebook: NotebookNode) -> bytes:
    file, resources = EvidencePDFExporter().from_notebook_node(notebook)
    assert resources["output_extension"] == ".pdf"
    return file


@pytest.fixture(scope="module")
def file(made: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(made)) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(made: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The text of every page, as poppler reads it."""
    return texts(made, tmp_path_factory.mktemp("pdf"))


def texts(file: bytes, folder: Path) -> list[str]:
    path = folder / "evidence.pdf"
    path.write_bytes(file)
    command = ["pdftotext", "-layout", str(path), "-"]
    text = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    return text.split("\f")[:-1]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_it_is_pdf_a_3a_and_pdf_ua_1(made: bytes, file: pikepdf.Pdf) -> None:
    assert faults(made) == []
    assert str(file.Root.Lang).lower() == "en-gb"
    assert str(file.docinfo.Title).startswith("GDPR evidence pack: ")


def _first(file: pikepdf.Pdf, kind: str) -> pikepdf.Dictionary:
    return next(element for element in elements(file) if kind == element.S)


def _annotation(file: pikepdf.Pdf) -> pikepdf.Dictionary:
    return next(page for page in file.pages if "/Annots" in page).Annots[0]


def _say_level_u(file: pikepdf.Pdf) -> None:
    with file.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
        xmp["pdfaid:conformance"] = "U"


def _drop_font_file(file: pikepdf.Pdf) -> None:
    for item in file.objects:
        if isinstance(item, pikepdf.Dictionary) and "/FontFile2" in item:
            del item["/FontFile2"]


def _paint_untagged(file: pikepdf.Pdf) -> None:
    file.pages[0].contents_add(b"0 0 10 10 re f")


def _forget_cell(file: pikepdf.Pdf) -> None:
    row = _first(file, "/TR")
    row.K = pikepdf.Array(list(row.K)[:-1])


# What is broken in the file that conforms, and a word of the fault that must be found.
_BROKEN: dict[str, tuple[Callable[[pikepdf.Pdf], object], str]] = {
    "level": (_say_level_u, "pdfaid:conformance"),
    "marked": (lambda file: file.Root.__delitem__("/MarkInfo"), "that it is tagged"),
    "language": (lambda file: file.Root.__delitem__("/Lang"), "no language"),
    "title": (lambda file: file.Root.__delitem__("/ViewerPreferences"), "not its title"),
    "intent": (lambda file: file.Root.__delitem__("/OutputIntents"), "output intent"),
    "version": (lambda file: file.Root.__setitem__("/Version", pikepdf.Name("/2.0")), "6.1.2"),
    "fonts": (_drop_font_file, "not embedded"),
    "alternative": (lambda file: _first(file, "/Figure").__delitem__("/Alt"), "alternative text"),
    "levels": (lambda file: _first(file, "/H2").__setitem__("/S", pikepdf.Name("/H4")), "heading"),
    "scope": (lambda file: _first(file, "/TH").__delitem__("/A"), "scope"),
    "cells": (_forget_cell, "differ in length"),
    "untagged": (_paint_untagged, "neither tagged nor an artifact"),
    "tabs": (lambda file: file.pages[1].__delitem__("/Tabs"), "tab order"),
    "links": (lambda file: _annotation(file).__delitem__("/StructParent"), "not tagged as /Link"),
    "contents": (lambda file: _annotation(file).__delitem__("/Contents"), "what it is"),
    "hidden": (lambda file: _annotation(file).__setitem__("/F", 2), "flags 2"),
    "associated": (lambda file: file.Root.__delitem__("/AF"), "not associated"),
    "script": (
        lambda file: file.Root.__setitem__(
            "/OpenAction", file.make_indirect({"/S": pikepdf.Name("/JavaScript"), "/JS": "1"})
        ),
        "action /JavaScript",
    ),
}


def test_the_check_of_conformance_sees_what_is_broken(made: bytes) -> None:
    broken = io.BytesIO()
    with pikepdf.open(io.BytesIO(made)) as opened:
        for break_it, _ in _BROKEN.values():
            break_it(opened)
        opened.save(broken, fix_metadata_version=False)
    found = faults(broken.getvalue())
    for what, (_, says) in _BROKEN.items():
        assert any(says in fault for fault in found), (what, found)


def test_every_font_is_embedded_and_says_what_its_glyphs_mean(file: pikepdf.Pdf) -> None:
    fonts = [obj for obj in file.objects if is_a(obj, "/Font") and "/DescendantFonts" in obj]
    assert {re.sub(r"^/[A-Z]{6}\+", "", str(font.BaseFont))[:13] for font in fonts} >= {
        "NotoSans-Regu",
        "NotoSans-Bold",
        "NotoSansMono-",
        "NotoSansArabi",
        "NotoSansCJKjp",
    }
    for font in fonts:
        descriptor = font.DescendantFonts[0].FontDescriptor
        assert any(name in descriptor for name in ("/FontFile2", "/FontFile3"))
        assert "/ToUnicode" in font


def is_a(obj: object, kind: str) -> bool:
    return isinstance(obj, pikepdf.Dictionary) and obj.get("/Type") == kind


def test_everything_is_tagged(file: pikepdf.Pdf, notebook: NotebookNode) -> None:
    found = [str(element.S) for element in elements(file)]
    outline = document(notebook).outline()
    assert found.count("/H1") == sum(level == 1 for level, *_ in outline) + 2  # facts, contents
    assert found.count("/Table") == 5  # four of views with several rows, one of prose
    assert found.count("/Caption") == 5  # four tables and a figure
    assert found.count("/TH") == 30
    assert {"/L", "/LI", "/BlockQuote", "/Link", "/TOC", "/TOCI", "/P", "/H2"} <= set(found)
    for element in elements(file):
        if element.S == "/Figure":
            assert str(element.Alt) == "Bars: findings by verdict."
    assert found.count("/Figure") == 1


def test_headings_of_tables_repeat_on_each_page(tmp_path: Path) -> None:
    many = new_notebook(cells=[shown(cover()), shown(findings(300))])
    made = pdf(document(many))
    body = texts(made, tmp_path)[1:]
    assert len(body) > 4
    assert all(re.search(r"Control +Resource +Severity +Verdict +Evidence", page) for page in body)


def test_a_caption_ends_with_a_single_full_stop(tmp_path: Path) -> None:
    tables = [
        Table(caption, caption, [Column("n", "N")], rows, listed=cut and [0], cut=cut)
        for caption, rows, cut in (
            ("Sentence.", [[1]], "All of it."),
            ("Words", [[1]], "A part"),
            ("Empty.", [], None),
        )
    ]
    made = pdf(document(new_notebook(cells=[shown(cover()), *map(shown, tables)])))
    text = squeezed("".join(texts(made, tmp_path)))
    assert all(each in text for each in ("Sentence.Allofit.", "Words.Apart.", "Empty."))
    assert not re.search(r"(Sentence|ofit|Words|part|Empty)\.\.", text)


def test_stamp_and_marks_stand_on_every_page(made: bytes, pages: list[str]) -> None:
    reader = pypdf.PdfReader(io.BytesIO(made))
    assert len(reader.pages) == len(pages) > 5
    for number, (page, text) in enumerate(zip(reader.pages, pages, strict=True), start=1):
        for of_reader in (squeezed(page.extract_text()), squeezed(text)):
            assert all(squeezed(words) in of_reader for words in (STAMP, *MARKS))
        assert f"Page {number} of {len(pages)}" in text


def test_the_running_header_names_the_account_after_the_cover(pages: list[str]) -> None:
    for page in pages[1:]:
        first = page.strip().splitlines()[0]
        assert first.startswith("GDPR evidence pack")
        assert first.endswith("account 123456789012")


def test_the_contents_give_each_section_s_page(pages: list[str], notebook: NotebookNode) -> None:
    titles = [block["text"] for block in document(notebook).blocks if block["kind"] == "heading"]
    assert len(titles) > 3
    for title in titles:
        words = r"\s+".join(map(re.escape, title.split()))
        line = re.compile(rf"(?:^|  )\s*{words}[ .\u2060]+(\d+)(?:$|  )", re.MULTILINE)
        (number,) = (found for page in pages for found in line.findall(page))
        assert re.search(words, pages[int(number) - 1])


def test_bookmarks_follow_the_headings(made: bytes, notebook: NotebookNode) -> None:
    def names(entries: list[Any], level: int = 1) -> Iterator[tuple[int, str]]:
        for entry in entries:
            if isinstance(entry, list):
                yield from names(entry, level + 1)
            else:
                yield level, " ".join(str(entry.title).split())

    bookmarks = list(names(pypdf.PdfReader(io.BytesIO(made)).outline))
    assert bookmarks == [(level, text) for level, _, text in document(notebook).outline()]


def test_scripts_are_glyphs_and_what_no_font_has_is_written_out(pages: list[str]) -> None:
    text = "\n".join(pages)
    for script in ("Greek", "Cyrillic", "Japanese", "Polish"):
        assert SCRIPTS[script] in text
    assert SCRIPTS["Arabic"] in text or SCRIPTS["Arabic"][::-1] in text
    assert "⟨U+1FAE0⟩" in text


def test_hostile_texts_are_text(pages: list[str]) -> None:
    text = squeezed("".join(pages))
    assert squeezed(HOSTILE["typst"]) in text
    assert squeezed(HOSTILE["script"]) in text
    assert "invoice⟨U+202E⟩gpj.exe" in text
    assert "nul⟨U+0000⟩bell⟨U+0007⟩" in text
    assert "half⟨U+D800⟩" in text
    assert text.count("A" * 60) > 100  # the long one, broken into lines and complete
    assert not re.search("[\u200b\u202d\u202e]", text)


def test_long_words_stay_on_the_page(file: pikepdf.Pdf, tmp_path: Path) -> None:
    long = "x" * 400
    columns = [Column("a", "A", "code"), Column("b", "B"), Column("c", "Verdict", "status")]
    views = [
        Table("t", "c", columns, [[long, "W" * 300, "fail"], [")" * 300, "/" * 300, "pass"]]),
        Note(long),
    ]
    cells = [shown(cover(facts=[("Digest", long)])), *map(shown, views)]
    made = pdf(document(new_notebook(cells=cells)))
    path = tmp_path / "long.pdf"
    path.write_bytes(made)
    command = ["pdftotext", "-bbox", str(path), "-"]
    boxes = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    edges = [float(edge) for edge in re.findall(r'xMax="([\d.]+)"', boxes)]
    assert max(edges) < 595.3 - MEASURES["margin"]


def test_links_lead_to_controls_and_evidence(made: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(made))
    links = [
        annotation.get_object()
        for page in reader.pages
        for annotation in page.get("/Annots", [])
        if annotation.get_object()["/Subtype"] == "/Link"
    ]
    inside = [link for link in links if "/Dest" in link or link["/A"]["/S"] == "/GoTo"]
    outside = [link["/A"]["/URI"] for link in links if link.get("/A", {}).get("/S") == "/URI"]
    assert outside == ["https://docs.aws.amazon.com/"]
    contents = 8
    listed = 40 * 2  # each listed finding leads to its control and its evidence
    # Evidence, remedies and their commands; the index, the remedies and the commands lead back.
    from_control, back = 2 + 2 + 2, 21 + 2 + 2
    assert len(inside) == contents + listed + from_control + back
    assert all("/Contents" in link for link in links)


def test_each_link_names_a_destination_and_its_page(
    file: pikepdf.Pdf, pages: list[str], notebook: NotebookNode
) -> None:
    places = pikepdf.NameTree(file.Root.Names.Dests)
    numbers = {page.objgen: n for n, page in enumerate(file.pages, start=1)}
    named = {name: numbers[place[0].objgen] for name, place in places.items()}
    links = [link for page in file.pages for link in page.get("/Annots", []) if "/Dest" in link]
    led = {str(link.Dest): str(link.Contents) for link in links}
    kinds = {"control", "row", "commands", "remedy"}
    of_kinds = [name for name in led if name.partition("-")[0] in kinds]
    assert {name.partition("-")[0] for name in of_kinds} == kinds
    assert "places" not in named  # the list of the others
    for name in of_kinds:
        assert led[name] == f"Page {named[name]} of {len(pages)}"
    whole = document(notebook)
    for name, target in {**whole.controls, **whole.rows}.items():
        if target in led:
            assert squeezed(name) in squeezed(pages[named[target] - 1])


def test_what_does_not_apply_is_printed_lighter_than_every_other_verdict() -> None:
    data, _ = lay_out(document(new_notebook(cells=[shown(cover())])), "A4")
    light = [word for word, mark in data["marks"].items() if mark["weight"] != "bold"]
    assert light == ["not applicable"]


def test_a_link_without_a_target_raises_an_error() -> None:
    data, _ = lay_out(document(new_notebook(cells=[shown(cover())])), "A4")
    link = {"t": "link", "url": "#row-e0001", "c": [{"t": "text", "text": "E0001"}]}
    words = {"kind": "prose", "nodes": [{"t": "paragraph", "c": [link]}]}
    data |= {"attachments": [], "blocks": [words]}
    made, places = typeset(data)
    with pytest.raises(KeyError, match="row-e0001"):
        _finished(made, places, data["words"]["page"])


_PLACE = (
    "import os, pickle, sys; from kit.pack import typesetter; "
    "typesetter.set_pages = lambda **_: (os.getcwd().encode(), [os.environ.get('AWS_PROFILE'), "
    "sorted(n for n in ('kit.log', 'botocore', 'pikepdf', 'kit.pack.seal') if n in sys.modules)]); "
    "typesetter.main()"
)


def test_the_typesetter_has_no_secret_and_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "audit")
    monkeypatch.setattr(module, "_TYPESETTER", (sys.executable, "-c", _PLACE))
    assert typeset({})[1] == [None, []]


def test_the_folder_that_a_command_runs_in_replaces_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typst.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="No such file"):
        typeset({}, tmp_path / "no template")


@pytest.mark.parametrize(
    ("code", "how"),
    [("os.kill(os.getpid(), 9)", "by signal 9"), ("os._exit(5)", "with exit code 5")],
)
def test_a_pdf_whose_process_ended_is_a_line(
    code: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TYPESETTER", (sys.executable, "-c", f"import os; {code}"))
    with pytest.raises(CannotRunError) as raised:
        pdf(document(new_notebook(cells=[shown(cover())])))
    line = f"the process of the PDF ended {how}; perhaps the memory of this machine is used up"
    assert str(raised.value) == line


def test_no_typesetter_outlives_its_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "pid"
    os.mkfifo(place)
    code = f"import os, time; open({str(place)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(module, "_TYPESETTER", (sys.executable, "-c", code))
    with pdf_beside(document(new_notebook(cells=[shown(cover())]))):
        pid = int(place.read_text())
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_page_of_a_target_that_is_nowhere_raises_an_error() -> None:
    columns = [Column("where", "Where", "section")]
    table = Table("places", "Places", columns, [["Controls"]])
    cells = [shown(cover()), new_markdown_cell("## Controls"), shown(table)]
    data, _ = lay_out(document(new_notebook(cells=cells)), "A4")
    data |= {"attachments": []}
    (block,) = (one for one in data["blocks"] if one["kind"] == "table")
    assert block["rows"] == [[[["Controls", "section-controls"]]]]
    assert typeset(data)[0][:4] == b"%PDF"
    block["rows"] = [[[["Controls", "nowhere"]]]]
    with pytest.raises(Exception, match="nowhere"):
        typeset(data)


@pytest.mark.parametrize("sections", [4, 12, 24])
def test_what_the_pages_await_takes_as_much_room_as_what_comes(
    tmp_path: Path, sections: int
) -> None:
    column = Column("where", "Where", "section")
    rows: list[list[Any]] = [[[f"Section {n}"]] for n in range(sections)]
    table = Table("places", "Places", [column], rows)
    cells = [shown(cover()), new_markdown_cell("# Result\n\nWords."), shown(table)]
    words = "\n\nWords." * 40
    cells += [new_markdown_cell(f"## Section {n}{words}") for n in range(sections)]
    data, _ = lay_out(document(new_notebook(cells=cells)), "A4")
    data |= {"attachments": []}
    template = _TEMPLATE.read_text()
    known = "#let known() = query(<last>).len() > 0\n"
    assert template.count(known) == 1
    awaiting = tmp_path / _TEMPLATE.name
    awaiting.write_text(template.replace(known, "#let known() = false\n"))
    first, last = (typeset(data, path)[1] for path in (awaiting, _TEMPLATE))
    assert first == last
    assert len({place["page"] for _, place in last}) > sections / 3


def test_the_cut_is_the_notebook_s_and_is_stated(pages: list[str], notebook: NotebookNode) -> None:
    text = squeezed("".join(pages))
    assert "Leftouthere:whatpasses;theHTMLhasit." in text
    assert "fleet/finance-1" in text
    assert "fleet/finance-4," not in text
    data, _ = lay_out(document(notebook), "A4")
    (table,) = (b for b in data["blocks"] if b["kind"] == "table" and b["id"] == "findings")
    assert len(table["rows"]) == 40


def test_a_table_without_rows_here_keeps_its_number(tmp_path: Path) -> None:
    columns = [Column("a", "A")]
    views = [
        Table("none", "Nothing was found", columns, [], empty="There is none."),
        Table("cut", "All of it", columns, [["x"]], cut="All stand in the HTML.", listed=()),
        Table("some", "Some", columns, [["x"]]),
    ]
    made = pdf(document(new_notebook(cells=[shown(cover()), *map(shown, views)])))
    text = squeezed("".join(texts(made, tmp_path)))
    assert "Table2Nothingwasfound.Thereisnone." in text
    assert "Table3Allofit.AllstandintheHTML." in text
    assert "Table4Some" in text


def test_lines_to_fill_in_are_long_enough_and_apart(tmp_path: Path) -> None:
    columns = [Column("a", "Step"), Column("b", "Name", "entry"), Column("c", "Signed", "entry")]
    table = Table("t", "Sign-off", columns, [["Prepared", "M. Weber", None], ["Seen", None, None]])
    made = pdf(document(new_notebook(cells=[shown(cover()), shown(table)])))
    text = "".join(texts(made, tmp_path))
    assert "M. Weber" in text
    assert "__" not in text
    assert table.plain().count("_" * 18) == 3
    laid, _ = lay_out(document(new_notebook(cells=[shown(cover()), shown(table)])), "A4")
    (block,) = (one for one in laid["blocks"] if one["kind"] == "table")
    millimetres = [width * 25.4 / 72 for width in block["widths"]]
    assert min(millimetres[1:]) >= 40
    assert (laid["measures"]["entry"] + 2 * 3.6) * 25.4 / 72 >= 10


def paged(tmp_path: Path, lines: int, last: str, *views: View) -> list[str]:
    """The pages of a section with views and so many lines, and of another one after it."""
    words = "\n\n".join(f"Line {n}." for n in range(lines))
    cells = [
        *(shown(cover()), new_markdown_cell("# Result\n\nWords.")),
        *(new_markdown_cell("# Body"), *map(shown, views), new_markdown_cell(words)),
        new_markdown_cell(f"# {last}\n\nFirst.\n\nSecond.\n\nThird."),
    ]
    return texts(pdf(document(new_notebook(cells=cells))), tmp_path)


def shared(pages: list[str]) -> bool:
    """Whether the last section begins on the page on which the section before it ends."""
    (place,) = (page for page in pages if "First." in page)
    assert "Third." in place
    return "Line" in place


def test_annexes_go_on_where_most_of_a_page_is_left(tmp_path: Path) -> None:
    block = Controls([control("AR-05", "pass", [["a", "pass", ["E0001"]]])])
    places = [shared(paged(tmp_path, lines, "Annexes", block)) for lines in range(8, 60, 12)]
    others = [shared(paged(tmp_path, lines, "More")) for lines in range(8, 60, 12)]
    assert 0 < sum(places) < sum(others) < len(others)


def places(pages: list[str], word: str) -> list[int]:
    """The number of times that a word stands on each page that has it."""
    return [count for page in pages if (count := len(re.findall(word, page)))]


@pytest.mark.parametrize("tall", [False, True])
def test_no_row_of_a_table_is_alone_on_a_page(tmp_path: Path, tall: bool) -> None:
    def is_broken(rows: int) -> bool:
        cells = [[f"row{n}", "word " * (60 if tall and n % 7 == 0 else 3)] for n in range(rows)]
        columns = [Column("a", "A"), Column("b", "B")]
        made = paged(tmp_path, rows % 5, "More", Table("t", "c", columns, cells))
        on_pages = places(made, r"row\d+")
        assert sum(on_pages) == rows
        assert min(on_pages) > 1
        return len(on_pages) > 1

    # The smallest table that has no room on a page is the one with a row too many.
    counts = range(10, 40)
    least = bisect_left(counts, True, key=is_broken)
    assert 0 < least < len(counts)
    assert all(map(is_broken, counts[least + 1 : least + 4]))


def test_a_row_of_many_lines_may_be_alone_on_a_page(tmp_path: Path) -> None:
    columns = [Column("a", "A"), Column("b", "B")]
    alone = set()
    for before in range(20, 40, 3):
        cells = [[f"item{n}", "word"] for n in range(before)]
        table = Table("t", "c", columns, [*cells, ["high", "word\n" * 9 + "word"]])
        (page,) = (page for page in paged(tmp_path, 1, "More", table) if "high" in page)
        alone.add("item" not in page)
    assert alone == {True, False}


def test_a_note_stays_with_the_few_rows_above_it(tmp_path: Path) -> None:
    few = Table("t", "c", [Column("a", "A")], [["first row"], ["last row"]])

    def is_on_the_next_page(lines: int) -> bool:
        cells = [
            shown(cover()),
            new_markdown_cell("# Body"),
            new_markdown_cell("\n\n".join(f"Line {n}." for n in range(lines))),
            shown(few),
            shown(Note("Beside it.")),
        ]
        made = texts(pdf(document(new_notebook(cells=cells))), tmp_path)
        (place,) = (page for page in made if "Beside it." in page)
        assert "first row" in place
        assert "last row" in place
        return "Line" not in place

    # The fewest lines above that leave no room for the note leave room for the rows.
    counts = range(8, 23)
    assert 0 < bisect_left(counts, True, key=is_on_the_next_page) < len(counts)


def test_html_and_pdf_are_made_from_the_same_data(notebook: NotebookNode) -> None:
    whole = document(notebook)
    before = json.dumps(whole.as_json())
    lay_out(whole, "A4")
    assert json.dumps(whole.as_json()) == before


def test_a_table_too_wide_is_turned_and_its_heading_with_it(file: pikepdf.Pdf) -> None:
    boxes = [[float(part) for part in page.mediabox] for page in file.pages]
    turned = [number for number, box in enumerate(boxes) if box[2] > box[3]]
    assert len(turned) == 1
    text = pypdf.PdfReader(io.BytesIO(file_bytes(file))).pages[turned[0]].extract_text()
    assert "Wide" in text
    assert "A table too wide for the page" in text


def test_sections_whose_tables_are_turned_share_pages(tmp_path: Path) -> None:
    columns = [Column(f"c{n}", "Words" * 3, "code") for n in range(9)]
    cells = [shown(cover()), new_markdown_cell("# Result\n\nWords.")]
    for name in ("First", "Second"):
        table = Table(name, "c", columns, [["wide" * 3] * 9] * 3)
        cells += [new_markdown_cell(f"# {name} section\n\nWords."), shown(table)]
    made = pdf(document(new_notebook(cells=cells)))
    boxes = [page.mediabox for page in pypdf.PdfReader(io.BytesIO(made)).pages]
    (turned,) = (number for number, box in enumerate(boxes) if box.width > box.height)
    page = texts(made, tmp_path)[turned]
    assert "First section" in page
    assert "Second section" in page


@pytest.mark.parametrize(("words", "pages"), [(1, 1), (1200, 2)])
def test_the_facts_of_the_cover_stay_on_a_page_unless_they_are_long(
    tmp_path: Path, words: int, pages: int
) -> None:
    facts = [(f"fact-{n:02d}", "word " * (words if n == 0 else 1)) for n in range(20)]
    above = new_markdown_cell("# Result\n\n" + "Line.\n\n" * 24)
    made = pdf(document(new_notebook(cells=[shown(cover(facts=facts)), above])))
    with_facts = [page for page in texts(made, tmp_path) if "fact-" in page]
    assert len(with_facts) == pages


def test_a_heading_that_a_remedy_quotes_has_its_page(tmp_path: Path) -> None:
    parts = [["Remediation", 'Read "Duties" and "Unknown".']]
    block = replace(control("AR-05", "fail", [["bucket", "fail", []]]), remedies=[{"parts": parts}])
    cells = [
        new_markdown_cell("# Part"),
        shown(Controls([block])),
        new_markdown_cell("# Duties\n\nX."),
    ]
    made = pdf(document(new_notebook(cells=[shown(cover()), *cells])))
    read = " ".join(" ".join(texts(made, tmp_path)).split())
    assert re.search(r'Read Duties \(page\s\d\) and "Unknown"\.', read)


def file_bytes(file: pikepdf.Pdf) -> bytes:
    copied = io.BytesIO()
    file.save(copied)
    return copied.getvalue()


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_paper(paper: str, size: tuple[int, int]) -> None:
    requested = document(new_notebook(cells=[shown(cover(paper=paper))]))
    reported = document(new_notebook(cells=[shown(cover())]))
    for made in (pdf(requested), pdf(reported, paper)):
        box = pypdf.PdfReader(io.BytesIO(made)).pages[0].mediabox
        assert (round(box.width), round(box.height)) == size


def test_the_exporter_s_paper_outranks_the_notebook_s(notebook: NotebookNode) -> None:
    made, _ = EvidencePDFExporter(paper="letter").from_notebook_node(notebook)
    assert round(pypdf.PdfReader(io.BytesIO(made)).pages[0].mediabox.width) == 612


def test_findings_index_and_manifest_are_attached(file: pikepdf.Pdf) -> None:
    attached = {name: spec.get_file() for name, spec in file.attachments.items()}
    assert sorted(attached) == ["evidence.csv", "findings.csv", "snapshot.json"]
    reported = {name: str(spec.obj.AFRelationship) for name, spec in file.attachments.items()}
    assert reported == {
        "evidence.csv": "/Data",
        "findings.csv": "/Data",
        "snapshot.json": "/Supplement",
    }
    assert {name: part.mime_type for name, part in attached.items()} == {
        "evidence.csv": "text/csv",
        "findings.csv": "text/csv",
        "snapshot.json": "application/json",
    }
    index = list(csv.DictReader(io.StringIO(attached["evidence.csv"].read_bytes().decode())))
    assert len(index) == 40  # all of them, whatever the pages list
    assert index[0] == {
        "id": "E0001",
        "call": "s3:Call1",
        "time": "2026-11-24T10:01:00Z",
        "attempts": "1",
        "cited_by": "AR-05",
    }
    (finding,) = csv.DictReader(io.StringIO(attached["findings.csv"].read_bytes().decode()))
    assert finding["control"] == "AR-05"
    manifest = json.loads(attached["snapshot.json"].read_bytes())
    assert manifest == {"account": "123456789012", "evidence": {"requests": 40}}


def test_a_cell_that_starts_like_a_formula_is_quoted() -> None:
    assert csv_file([{"a": HOSTILE["formula"], "b": 1}], ["a", "b"]).decode().splitlines() == [
        "a,b",
        f"'{HOSTILE['formula']},1",
    ]


def test_another_paper_is_refused() -> None:
    with pytest.raises(TraitError):
        EvidencePDFExporter(paper="A5")


def test_it_carries_the_time_of_the_evidence(file: pikepdf.Pdf) -> None:
    assert str(file.docinfo.CreationDate).startswith("D:20261124100000")


def test_the_same_notebook_gives_the_same_bytes(
    notebook: NotebookNode, made: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    again, _ = get_exporter("evidence_pdf")().from_notebook_node(copy.deepcopy(notebook))
    assert again == made


def test_it_is_small(made: bytes) -> None:
    assert len(made) < 400_000
