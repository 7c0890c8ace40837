"""Where the auditor's requests are answered: each pointer leads somewhere, on the page it names."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from pathlib import Path

import nbformat
import openpyxl
import pikepdf
import pytest

from kit.catalogue.requests import requests
from kit.catalogue.texts import has, ids, text
from kit.controls import CONTROLS
from kit.parameters import Run
from kit.report import show
from kit.report.requests import WORKBOOK, heading

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "evidence_pack.ipynb"
EVERY = requests()


def column(name: str) -> list[object]:
    table = show.requests()
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def test_there_are_seventeen_requests_and_at_most_three_without_an_answer() -> None:
    assert column("number") == list(range(1, 18))
    assert sum(request.missing for request in EVERY.values()) <= 3
    assert all(one.sections or one.controls for one in EVERY.values() if not one.missing)
    own = {id.split("/")[2] for id in ids() if re.fullmatch("report/requests/[^/]+/asks", id)}
    assert own == EVERY.keys()
    assert all(has(f"report/requests/{id}/limit") for id, one in EVERY.items() if one.missing)


def test_parameters_that_a_request_names_exist() -> None:
    for id, request in EVERY.items():
        assert set(request.parameters) <= Run.model_fields.keys(), id


def test_the_index_names_what_a_run_leaves_empty() -> None:
    given = {"breach_contact": "The authority", "prepared_by": "Job 17"}
    rows = show.requests(Run(account="012345678901", **given)).rows
    last = dict(zip(EVERY, (row[-1] for row in rows), strict=True))
    empty = "Left empty in the parameters:"
    assert last["breach"] == f"{empty} breach_hours, breach_exercised_on."
    assert last["sign_off"] == f"{empty} reviewed_by, approved_by."
    assert last["retention"].endswith("retention_days, retention_procedure.")
    assert last["sample"] is None
    assert empty not in "".join(map(str, column("limit")))


@pytest.mark.parametrize("id", EVERY)
def test_each_section_and_control_exists(id: str) -> None:
    cells = {cell.get("id"): cell for cell in nbformat.read(NOTEBOOK, 4).cells}
    for name in EVERY[id].sections:
        assert cells[name].cell_type == "markdown"
        assert "analyst" not in cells[name].metadata.get("tags", [])
        assert cells[name].source.startswith("#"), name
        assert heading(name) == cells[name].source.splitlines()[0].lstrip("# ")
    assert set(EVERY[id].controls) <= CONTROLS.keys()


def test_each_file_column_and_sheet_stands_in_a_pack(signed_pack: Path) -> None:
    data = signed_pack / "data"
    sheets = openpyxl.load_workbook(data / WORKBOOK, read_only=True).sheetnames
    for id, request in EVERY.items():
        for name, columns in request.files.items():
            file = data / name
            assert file.is_file(), (id, name)
            if columns:
                header = next(csv.reader(io.StringIO(file.read_text("utf-8"), newline="")))
                assert set(columns) <= set(header), (id, name)
        for sheet in {*request.sheets} - {"changed"}:  # no control of this run reads events
            assert text(f"pack/workbook/sheets/{sheet}/name") in sheets, (id, sheet)


def test_the_pdf_names_the_page_of_each_section_and_leads_there(signed_pack: Path) -> None:
    file = signed_pack / "data" / "evidence.pdf"
    done = subprocess.run(["pdftotext", file, "-"], capture_output=True, check=True)
    pages = [" ".join(page.split()) for page in done.stdout.decode().split("\f")]
    (first,) = [n for n, page in enumerate(pages) if text("report/requests/caption") in page]
    index = _squeezed(" ".join(pages[first : first + 2]))
    with pikepdf.open(file) as pdf:
        numbers = {page.objgen: n for n, page in enumerate(pdf.pages, 1)}
        places = pikepdf.NameTree(pdf.Root.Names.Dests)
        linked = {
            numbers[_page_of(places[str(link.Dest)]).objgen]
            for page in pdf.pages[first : first + 2]
            for link in page.get("/Annots", [])
            if "/Dest" in link
        }
    with (signed_pack / "data" / "findings.csv").open(encoding="utf-8", newline="") as rows:
        judged = {row["control"] for row in csv.DictReader(rows)}
    for request in EVERY.values():
        for cell in request.sections:
            name = heading(cell)
            (page,) = [n for n in linked if _squeezed(f"{name} (page {n})") in index]
            assert name in pages[page - 1]
        for name in set(request.controls) & judged:
            (page,) = [n for n in linked if _squeezed(f"{name} (page {n})") in index]
            assert f"{name} {CONTROLS[name].title}" in pages[page - 1]


def _squeezed(words: str) -> str:
    """Return words without spaces and hyphens: pdftotext leaves out a hyphen that ends a line."""
    return re.sub(r"[\s-]", "", words)


def _page_of(place: pikepdf.Object) -> pikepdf.Object:
    return (place if isinstance(place, pikepdf.Array) else place.D)[0]


def test_the_html_leads_to_each_section(signed_pack: Path) -> None:
    page = (signed_pack / "data" / "evidence.html").read_text("utf-8")
    for request in EVERY.values():
        for cell in request.sections:
            link = re.search(rf'<a href="#([^"]+)">{re.escape(_escaped(heading(cell)))}</a>', page)
            assert link, cell
            assert f'id="{link[1]}"' in page


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("'", "&#39;")
