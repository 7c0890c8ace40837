"""The workbook as openpyxl, which did not write it, reads it."""

from __future__ import annotations

import datetime as dt
import io
import re
import resource
import tracemalloc
import zipfile
from typing import Any

import openpyxl
import pytest
import xlsxwriter.worksheet
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from kit.errors import CannotRunError
from kit.judge.digest import ROLL_UP, finding_ids
from kit.judge.findings import Findings
from kit.pack.by_control import by_control
from kit.pack.document import Document, document
from kit.pack.workbook import TEXT_LIMIT, workbook
from kit.report.blocks import control_blocks
from kit.report.records import finding_of
from kit.report.views import STATUSES, Column, Table, View
from kit.visible import escape
from tests.pack.conftest import cover, evidence_index, findings, shown
from tests.pack.samples import FACTS, MARKS, STAMP, TEXTS, record, sample

SHEETS = ["About", "Findings", "Controls", "Evidence index", "Inventory buckets", "Waivers"]
CLOCK = "2026-11-24T10:00:00+00:00"


def inventory() -> Table:
    columns = [Column("resource", "Bucket", "code"), Column("objects", "Objects"), Column("s", "S")]
    return Table("inventory-buckets", "Buckets", columns, [["bucket-a", 12, True], ["=b", None, 1]])


def waivers() -> Table:
    columns = [Column("control", "Control", "control"), Column("expires", "Expires", "datetime")]
    return Table("waivers", "Waivers", columns, [["AR-05", "2027-03-31"], ["AR-06", "soon"]])


def made(*views: View) -> Document:
    cells: list[NotebookNode] = [shown(view) for view in (cover(as_of=CLOCK), *views)]
    return document(new_notebook(cells=cells))


def opened(*views: View, data: Any = None) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook(made(*views), by_control(data or sample()))))


@pytest.fixture(scope="module")
def book() -> Workbook:
    return opened(evidence_index(40), inventory(), waivers())


def rows(sheet: Worksheet) -> list[dict[str, Any]]:
    """Rows below the header, which stands under the line that says what the sheet is of."""
    _, header, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in body]


def test_the_sheets_stand_in_their_order(book: Workbook) -> None:
    assert book.sheetnames == SHEETS
    assert book.active.title == "About"


def test_findings_have_a_row_each_and_roll_ups_none(book: Workbook) -> None:
    leaves = [record for record in sample()["records"] if record["resource"] != "roll-up"]
    found = rows(book["Findings"])
    assert len(found) == len(leaves)
    by_resource = {row["Resource"]: row for row in found}
    denied = by_resource["any user"]
    assert denied["Verdict"] == "not evidenced"
    assert denied["Permission to grant"] == "iam:GetAccountAuthorizationDetails"
    assert denied["Reason"].startswith("access denied, iam.GetAccountAuthorizationDetails AccessD")
    assert by_resource["bucket-bbbbbbbbbb"]["Evidence"] == "E0001, E0002"
    assert {row["Auditor's notes"] for row in found} == {None}


def test_the_gravest_findings_come_first_in_the_workbook_as_in_page_and_pdf() -> None:
    given = [
        *(("AR-05", "pass", "high"), ("AR-05", "fail", "medium"), ("AR-05", "fail", "high")),
        *(("EX-04", "not evidenced", "high"), ("EX-04", "fail", "low"), ("EX-04", "fail", "high")),
    ]
    records = [
        {**record(control, status), "severity": severity, "resource": f"{n}"}
        for n, (control, status, severity) in enumerate(given)
    ]
    found = rows(opened(data=sample() | {"records": records})["Findings"])
    assert [int(row["Resource"]) for row in found] == [2, 5, 1, 4, 3, 0]
    blocks = control_blocks(Findings(map(finding_of, records)), lambda control: True)
    shown = [[int(line[1]) for line in block.rows.rows] for block in blocks]
    assert shown == [[2, 1, 0], [5, 4, 3]]


def test_controls_have_numbers_and_roll_ups_what_they_sum_up(book: Workbook) -> None:
    found = {row["Control"]: row for row in rows(book["Controls"])}
    assert (found["AR-05"]["Fail"], found["AR-05"]["Accepted"], found["AR-05"]["Pass"]) == (2, 1, 0)
    assert found["AR-05"]["Verdict"] == "fail"
    assert found["AR-05"]["GDPR articles tested"].startswith("Article 5(1)(f): ")
    assert found["AR-18"]["Remediation: console"] == "Sums up AR-01 AR-05"
    assert found["AR-18"]["Fail"] is None
    assert (found["AR-18"]["Verdict"], found["AR-18"]["Severity"]) == ("fail", "low")
    assert found["AR-18"]["Qualification"] == "fail (low), by AR-05"
    assert found["AR-05"]["Qualification"] is None


SAMPLE = (
    "a sample: the newest 100 events, 2026-11-22 08:00 to 2026-11-24 09:59 UTC; older ones were"
)


def test_a_sample_is_called_one_beside_the_verdict() -> None:
    data = sample()
    here, there = (
        {**data["records"][0], "control": "IT-03", "region": region, "status": "attested"}
        for region in ("eu-west-1", "eu-central-1")
    )
    here |= {"sample": f"{SAMPLE} not read", "reason": "AWS's table"}
    book = opened(data={**data, "records": [here, there]})
    assert rows(book["Controls"])[0]["Qualification"] == "sample in 1 of 2 findings"
    whys = {row["Region"]: row["Reason"] for row in rows(book["Findings"])}
    assert whys["eu-west-1"] == f"A{SAMPLE[1:]} not read. AWS's table"
    assert not (whys["eu-central-1"] or "").startswith("A sample")


def test_cells_have_types(book: Workbook) -> None:
    first = rows(book["Evidence index"])[0]
    assert first["Time"] == dt.datetime(2026, 11, 24, 10, 1)
    assert first["Attempts"] == 1
    assert first["Id"] == "E0001"
    assert rows(book["Inventory buckets"]) == [
        {"Bucket": "bucket-a", "Objects": 12, "S": "yes"},
        {"Bucket": "=b", "Objects": None, "S": 1},
    ]
    kept = book["Waivers"]["B3"]
    assert (kept.value, kept.number_format) == (dt.datetime(2027, 3, 31), "yyyy-mm-dd")
    assert book["Waivers"]["B4"].value == "soon"


def test_hostile_texts_are_texts(book: Workbook) -> None:
    found = {row["Resource"]: row for row in rows(book["Findings"])}
    for name, text in TEXTS.items():
        assert found[f"stack-{name}"]["Observed"] == escape(text).replace("\r", ""), name


@pytest.mark.parametrize("text", ["<r><t>hidden</t></r>", "<r>1 & 2</t></r>", "<r> _x0041_</r>"])
def test_a_text_is_no_xml(text: str) -> None:
    data = sample() | {"records": [{**record("AR-05", "fail"), "observed": text}]}
    assert rows(opened(data=data)["Findings"])[0]["Observed"] == text


def test_there_is_no_formula_and_no_link_out() -> None:
    content = workbook(made(evidence_index(3), inventory(), waivers()), by_control(sample()))
    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            assert [cell.coordinate for cell in row if cell.data_type == "f"] == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert not re.search(r"<f[ >]|TargetMode=.External|<ddeLink|macro", text), name


def test_headers_are_frozen_filtered_and_repeated(book: Workbook) -> None:
    for name in SHEETS[1:]:
        sheet = book[name]
        last = sheet.cell(sheet.max_row, sheet.max_column).coordinate
        assert sheet.freeze_panes == "B3", name
        assert sheet.auto_filter.ref == f"A2:{last}", name
        assert sheet.print_title_rows == "$1:$2", name
        assert sheet.page_setup.orientation == "landscape", name
        width = sum(sheet.column_dimensions[cell.column_letter].width for cell in sheet[2])
        assert 100 * (across := sheet.page_setup.fitToWidth or 1) - 100 < width < 210 * across, name
        assert sheet.page_setup.fitToHeight == 0, name
        assert sheet.print_title_cols == "$A:$A"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage, name


def test_notes_can_be_written_and_wrap(book: Workbook) -> None:
    sheet = book["Findings"]
    header = [cell.value for cell in sheet[2]]
    for row in range(3, sheet.max_row + 1):
        cell = sheet.cell(row, header.index("Auditor's notes") + 1)
        assert not cell.protection.locked
        assert cell.alignment.wrap_text
    assert not sheet.protection.sheet


def test_the_follow_up_can_be_filled_in_and_stands_where_it_was_given() -> None:
    data = sample()
    data["records"] = [
        {**record, "id": id}
        for record, id in zip(data["records"], finding_ids(data["records"]), strict=True)
    ]
    first, second = (record["id"] for record in data["records"][1:3])
    promised = {
        first: ("Jane Roe", "=cmd|'/C calc'!A0", "2027-03-31", "open, overdue"),
        second: ("Ops", "", "", "no longer open"),
    }
    content = workbook(made(), by_control(data), promises=promised)
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Findings"]
    found = {row["Finding id"]: row for row in rows(sheet)}
    assert len(found) == sum(record["subject"] != ROLL_UP for record in data["records"])
    assert {row["Label key"] for row in found.values()} == {FACTS["label_key"]}
    assert found[first]["Owner"] == "Jane Roe"
    assert found[first]["Management response"] == "=cmd|'/C calc'!A0"
    assert found[first]["Due"] == dt.datetime(2027, 3, 31)
    assert found[first]["Result"] == "open, overdue"
    assert (found[second]["Owner"], found[second]["Due"]) == ("Ops", None)
    (rule,) = sheet.data_validations.dataValidation
    assert rule.type == "date"
    header = [cell.value for cell in sheet[2]]
    for name in ("Owner", "Management response", "Due"):
        assert not sheet.cell(3, header.index(name) + 1).protection.locked
    assert sheet.cell(3, header.index("Result") + 1).protection.locked
    assert str(rule.sqref).startswith(sheet.cell(3, header.index("Due") + 1).coordinate)


def test_each_status_is_reported_by_its_word_and_a_style_of_its_own(book: Workbook) -> None:
    sheet = book["About"]
    reported = {cell.value: cell for cell in sheet["A"] if cell.value in STATUSES}
    assert list(reported) == list(STATUSES)
    assert len({cell.font.color.rgb for cell in reported.values()}) == len(STATUSES)
    counts = {cell.value: sheet.cell(cell.row, 3).value for cell in reported.values()}
    assert counts["not evidenced"] == counts["accepted"] == counts["attested"] == 1
    for row in book["Findings"].iter_rows(min_row=3, min_col=3, max_col=3):
        assert row[0].font.color.rgb == reported[row[0].value].font.color.rgb


def test_every_sheet_says_what_it_is_of_and_that_it_is_not_aws(book: Workbook) -> None:
    about = [value for row in book["About"].iter_rows(values_only=True) for value in row]
    assert {STAMP, *MARKS} <= set(about)
    assert "9f" * 32 in about
    for name in SHEETS[1:]:
        line = book[name]["A1"].value
        assert all(text in line for text in ("012345678901", "2026-11-24 10:00 UTC", STAMP, *MARKS))
        assert STAMP in book[name].oddHeader.left.text


def test_properties_are_of_the_evidence(book: Workbook) -> None:
    properties = book.properties
    assert properties.created == properties.modified == dt.datetime(2026, 11, 24, 10)
    assert properties.title == "GDPR evidence pack"
    assert properties.creator == "AppStream Evidence Kit 0.1.0"
    assert {prop.name: prop.value for prop in book.custom_doc_props.props}["digest"] == "f1" * 32


@pytest.mark.parametrize("letter", ["a", "\N{MELTING FACE}"])
def test_a_text_too_long_for_a_cell_is_cut_and_that_is_reported(letter: str) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    whole, long = letter * (TEXT_LIMIT // units), letter * 40_000
    data = sample() | {"records": [record("AR-05", "fail", observed=t) for t in (whole, long)]}
    book = opened(evidence_index(1), data=data)
    kept, cut = (row["Observed"] for row in rows(book["Findings"]))
    assert kept == whole
    assert len(cut.encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert cut.endswith("[cut here; findings.csv has all 40,000 characters]")
    about = [value for row in book["About"].iter_rows(values_only=True) for value in row]
    assert "Findings: a text of 40,000 characters is cut; findings.csv has it whole" in about


def test_very_many_ids_are_counted() -> None:
    refs = " ".join(f"E{n:04d}#/A" for n in range(1, 101))
    data = sample() | {"records": [record("AR-05", "fail", evidence=refs)]}
    (row,) = rows(opened(evidence_index(1), data=data)["Findings"])
    assert row["Evidence"].startswith("E0001, E0002, ")
    assert row["Evidence"].endswith(", and 76 more: findings.csv")


def test_sheets_without_rows_say_so() -> None:
    book = opened(data=sample() | {"records": []})
    assert book.sheetnames == ["About", "Findings", "Controls", "Evidence index", "Waivers"]
    assert book["Findings"]["A3"].value == book["Evidence index"]["A3"].value == "No rows."
    assert book["Waivers"]["A3"].value == "This run has no waivers."


def test_the_same_input_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = workbook(made(evidence_index(3), waivers()), by_control(sample()))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert workbook(made(evidence_index(3), waivers()), by_control(sample())) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 31, 0, 0, 0)}
        text = b"".join(map(archive.read, archive.namelist())).decode()
    assert set(re.findall(r"20\d\d-\d\d-\d\dT[\d:]+Z", text)) == {"2026-11-24T10:00:00Z"}


def test_cells_are_written_as_the_library_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [*sample()["records"], {**record("AR-05", "fail"), "observed": "<r>1 & 2</r>"}]
    views, data = made(evidence_index(3), inventory(), waivers()), sample() | {"records": records}
    own = workbook(views, by_control(data))
    monkeypatch.setattr("kit.pack.workbook._Page", xlsxwriter.worksheet.Worksheet)
    assert workbook(views, by_control(data)) == own


def test_rows_beyond_the_last_of_a_sheet_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.pack.workbook.ROW_LIMIT", 12)
    book = opened(evidence_index(40))
    assert book["Evidence index"].max_row == 12
    about = [value for row in book["About"].iter_rows(values_only=True) for value in row]
    assert "Evidence index: 30 rows do not fit; evidence.html has all rows" in about


def test_memory_holds_the_cells_of_sheets_and_not_their_xml() -> None:
    """With the XML it takes nine times the size of the unpacked file."""
    records = [{**record("AR-05", "fail"), "resource": f"bucket-{n}"} for n in range(800)]
    few, many = (made(findings(n)) for n in (1, 800))
    workbook(few, by_control(sample() | {"records": records[:1]}))  # imports
    tracemalloc.start()
    content = workbook(many, by_control(sample() | {"records": records}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    assert peak < 7 * size


def test_a_temporary_folder_without_room_is_named() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        with pytest.raises(CannotRunError, match=r"^TMPDIR: .*larger than 4096 bytes"):
            workbook(made(evidence_index(40)), by_control(sample()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_column_is_so_wide_that_the_highest_row_shows_its_longest_text() -> None:
    data = sample()
    for one, words in zip(data["records"], (60, 400), strict=False):
        one["observed"] = "eleven char " * words
    sheet = opened(data=data)["Findings"]
    at = next(cell.column_letter for cell in sheet[2] if cell.value == "Observed")
    width = sheet.column_dimensions[at].width
    assert 40 < width <= 121
    assert 400 * 12 / width * 15 < 2 * 409
