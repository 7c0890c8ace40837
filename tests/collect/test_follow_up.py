"""A follow-up that somebody filled in: what is read of it, and what is refused in which words."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from kit import bounds
from kit.collect.follow_up import read_follow_up, refuse_other_days
from kit.collect.spreadsheet import Workbook
from kit.errors import MistakesError, UserError
from kit.inputs import Where
from kit.judge.digest import finding_ids
from kit.pack.by_control import by_control
from kit.pack.workbook import workbook
from kit.parameters import Run, parameters, signer
from tests.pack.samples import FACTS, sample
from tests.pack.test_workbook import made

SAVED = Path(__file__).parents[1] / "data" / "follow_up" / "libreoffice.xlsx"
KEY = FACTS["label_key"]
ACCOUNT = FACTS["account"]
HEAD = "id,label_key,owner,response,due\n"


def ids() -> list[str]:
    return finding_ids(sample()["records"])


def run_of(path: Path) -> Run:
    return Run(account=ACCOUNT, follow_up=str(path))


def packed() -> bytes:
    """The workbook of a pack, as the kit writes it."""
    data = sample()
    data["records"] = [
        {**record, "id": id} for record, id in zip(data["records"], ids(), strict=True)
    ]
    return workbook(made(), by_control(data))


def filled(path: Path, *rows: tuple[int, str, object]) -> Path:
    """Write into cells of the workbook with another program's library: row, title, value."""
    book = openpyxl.load_workbook(io.BytesIO(packed()))
    sheet = book["Findings"]
    columns = {cell.value: cell.column for cell in sheet[2]}
    for row, title, value in rows:
        sheet.cell(row, columns[title]).value = value
        if isinstance(value, str) and title != "Owner":
            sheet.cell(row, columns[title]).data_type = "s"
    book.save(path)
    return path


def written(tmp_path: Path, text: str) -> Run:
    path = tmp_path / "follow-up.csv"
    path.write_text(text)
    return run_of(path)


def test_the_filled_in_workbook_is_read(tmp_path: Path) -> None:
    path = filled(
        tmp_path / "findings.xlsx",
        (3, "Owner", "Jane Roe"),
        (3, "Management response", "Rebuild;\nsee password=hunter2hunter2"),
        (3, "Due", dt.date(2027, 3, 31)),
        (4, "Management response", "=cmd|'/C calc'!A0"),
        (4, "Due", "2027-04-01"),
    )
    read = read_follow_up(run_of(path), KEY)
    assert read is not None
    first, second = read["rows"]
    assert (first["id"], first["owner"], first["due"]) == (ids()[1], "Jane Roe", "2027-03-31")
    assert first["response"].startswith("Rebuild;\nsee password=⟦secret: ")
    assert (second["response"], second["due"]) == ("=cmd|'/C calc'!A0", "2027-04-01")
    assert (second["control"], second["resource"]) == ("AR-05", "bucket-bbbbbbbbbb")
    assert len(read["sha256"]) == 64


@pytest.mark.parametrize("cells", [(), ((4, "Result", "closed"), (4, "Auditor's notes", "Seen"))])
def test_a_workbook_without_an_answer_is_refused(
    tmp_path: Path, cells: tuple[tuple[int, str, str], ...]
) -> None:
    path = filled(tmp_path / "findings.xlsx", *cells)
    with pytest.raises(
        UserError,
        match=r"findings\.xlsx: no row is filled in; accepted: a row with one of Owner \(or owner\), "
        r"Management response \(or response\), Due \(or due\); the kit reads no answer from another",
    ):
        read_follow_up(run_of(path), KEY)
    with pytest.raises(
        UserError, match=f"has ids of the label key '{KEY}', this run has labels of f"
    ):
        read_follow_up(run_of(path), "ffff")
    assert read_follow_up(Run(account=ACCOUNT), KEY) is None


def test_a_workbook_that_libreoffice_saved_is_read() -> None:
    """LibreOffice Calc 7.4 saved the file; what it writes differs from openpyxl and Excel."""
    read = read_follow_up(run_of(SAVED), KEY)
    assert read is not None
    first, second = read["rows"]
    assert (first["id"], first["resource"]) == (ids()[1], "bucket-aaaaaaaaaa")
    assert (first["owner"], first["due"]) == ("Jürgen Müller", "2027-03-31")
    assert first["response"] == 'Behoben bis März;\n"MFA" & <mehr>'
    assert (second["response"], second["due"]) == ("=1+1 stays a text", "2027-04-01")


def test_an_opendocument_file_is_refused_with_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "findings.ods"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", "<office:document-content/>")
    with pytest.raises(UserError, match=r"is an OpenDocument file; save it as .* CSV UTF-8$"):
        read_follow_up(run_of(path), KEY)


def test_a_csv_file_of_a_european_excel_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    text = (
        f'sep=;\r\n{HEAD.strip()}\r\n{ids()[0]},{KEY},Müller,"Bald, ""MFA""\n; dann",2027-01-31\r\n'
    )
    text = text.replace(",", ";").replace("Bald;", "Bald,")
    path = tmp_path / "follow-up.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    read = read_follow_up(run_of(path), KEY)
    assert read is not None
    ((row),) = read["rows"]
    assert (row["owner"], row["response"]) == ("Müller", 'Bald, "MFA"\n; dann')
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(UserError, match=r"nor CSV in UTF-8; save it as .* CSV UTF-8$"):
        read_follow_up(run_of(path), KEY)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file_does_as_well(tmp_path: Path, delimiter: str) -> None:
    text = f"\ufeffAs of today\n{HEAD}{ids()[0]},{KEY},Ops,Soon,2027-01-31\n"
    read = read_follow_up(written(tmp_path, text.replace(",", delimiter)), KEY)
    assert read is not None
    assert [(row["owner"], row["due"]) for row in read["rows"]] == [("Ops", "2027-01-31")]


def test_every_mistake_is_reported_with_its_place_and_what_is_accepted(tmp_path: Path) -> None:
    path = filled(
        tmp_path / "findings.xlsx",
        (3, "Due", "31.03.2027"),
        (4, "Owner", "x" * 201),
        (5, "Management response", "a\u202eb"),
        (6, "Owner", "=1+1"),
        (7, "Due", 9e9),
        (7, "Finding id", ids()[1]),
    )
    with pytest.raises(MistakesError) as found:
        read_follow_up(run_of(path), KEY)
    where = f"follow_up: {path}, sheet 'Findings', row"
    assert found.value.lines == [
        f"{where} 3, Due: '31.03.2027'; accepted: a day from 2000 to 2099, such as 2027-03-31",
        f"{where} 4, Owner: '{'x' * 60}…'; accepted: 200 characters at most; it has 201",
        f"{where} 5, Management response: 'a\\u202eb'; accepted: characters that a reader sees; it "
        "has U+202E",
        f"{where} 6, Owner: ''; accepted: a text, not a formula",
        f"{where} 7, Due: '9000000000'; accepted: a day from 2000 to 2099, such as 2027-03-31",
        f"{where} 7, Finding id: '{ids()[1]}'; accepted: each finding once; it stands in row 3 too",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path, delimiter: str) -> None:
    first, second = ids()[:2]
    text = (
        f"{HEAD}{first},{KEY},Ops,Close it, then review,2027-03-31\n{second},{KEY},Ops\n"
        f"{second},{KEY},,,,late\n"
    )
    run = written(tmp_path, text.replace(",", delimiter))
    with pytest.raises(MistakesError) as found:
        read_follow_up(run, KEY)
    assert found.value.lines == [
        f"follow_up: {run.follow_up}, row {row}: has 6 cells; accepted: 5, as in the header; put a "
        "text with the delimiter in double quotes"
        for row in (2, 4)
    ]


def test_a_row_may_have_fewer_cells_than_the_header(tmp_path: Path) -> None:
    read = read_follow_up(written(tmp_path, f"{HEAD}{ids()[0]},{KEY},Ops\n"), KEY)
    assert read is not None
    assert [(row["owner"], row["response"]) for row in read["rows"]] == [("Ops", "")]


def test_a_sheet_of_which_somebody_sorted_some_columns_is_refused(tmp_path: Path) -> None:
    swapped = ((3, "Finding id", ids()[2]), (4, "Finding id", ids()[1]))
    owners = ((3, "Owner", "Ops"), (4, "Owner", "Network"))
    path = filled(tmp_path / "findings.xlsx", *swapped, *owners)
    with pytest.raises(MistakesError) as found:
        read_follow_up(run_of(path), KEY)
    records = sample()["records"]
    assert found.value.lines == [
        f"follow_up: {path}, sheet 'Findings', row {row}, Finding id: '{id}'; accepted: the id of the "
        f"finding in its row ('{record['control']}', '{record['region']}', '{record['resource']}'); "
        "sort whole rows"
        for (row, _, id), record in zip(swapped, records[1:3], strict=True)
    ]


@pytest.mark.parametrize("name", ["control", "region", "resource"])
def test_each_column_beside_the_id_has_to_agree_or_is_empty(tmp_path: Path, name: str) -> None:
    record = sample()["records"][1]
    cells = {part: record[part] for part in ("control", "region", "resource")}
    for value, agrees in ((cells[name], True), ("another", False), ("", True)):
        row = ",".join((cells | {name: value}).values())
        run = written(tmp_path, f"{','.join(cells)},{HEAD}{row},{ids()[1]},{KEY},Ops,,\n")
        if agrees:
            assert read_follow_up(run, KEY)
            continue
        with pytest.raises(MistakesError, match=r"row 2, Finding id: .*'another'.*sort whole rows"):
            read_follow_up(run, KEY)


def test_a_resource_that_findings_csv_made_inert_agrees(tmp_path: Path) -> None:
    record = {**sample()["records"][1], "resource": "=a name in clear"}
    (id,) = finding_ids([record])
    text = f"control,region,resource,{HEAD}{record['control']},{record['region']},'=a name in clear"
    assert read_follow_up(written(tmp_path, f"{text},{id},{KEY},Ops,,\n"), KEY)


def test_very_many_mistakes_are_counted(tmp_path: Path) -> None:
    text = HEAD + "".join(f"{n},{KEY},Ops,,\n" for n in range(300))
    with pytest.raises(MistakesError) as found:
        read_follow_up(written(tmp_path, text), KEY)
    assert len(found.value.lines) == 201
    assert found.value.lines[-1].endswith("100 mistakes more")


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (f"{HEAD}{ids()[0]},ffff,Ops,,\n", "ids of the label key 'ffff', this run has labels of"),
        (
            f"account,{HEAD}999999999999,{ids()[0]},{KEY},Ops,,\n",
            "has findings of account '999999999999'; this run is of",
        ),
        (
            "id,owner\n",
            r"has no row with these columns: Finding id \(or id\), Label key \(or label",
        ),
        (f"id,{HEAD}", "has the column id twice"),
        ("\udcff", "is neither a workbook"),
        (f'{HEAD}"{"x" * 140_000}"\n', "field larger than field limit"),
        (
            f'{HEAD}{ids()[0]},{KEY},Ops,"Rebuild,\n{ids()[1]},{KEY},Ops,,\n',
            r"line 3 is not CSV as RFC 4180 has it \(unexpected end of data\)",
        ),
    ],
)
def test_another_table_is_refused_in_one_line(tmp_path: Path, text: str, reported: str) -> None:
    path = tmp_path / "follow-up.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=reported) as found:
        read_follow_up(run_of(path), KEY)
    assert not isinstance(found.value, MistakesError)
    assert str(found.value).startswith(f"follow_up: {path}: ")


def test_a_workbook_of_another_account_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "findings.xlsx", (3, "Owner", "Ops"))
    run = Run(account="999999999999", follow_up=str(path))
    with pytest.raises(UserError, match=f"is of account '{ACCOUNT}'; this run is of 9{{12}}"):
        read_follow_up(run, KEY)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"follow_up: .*cannot be read"):
        read_follow_up(run_of(tmp_path / "nowhere.xlsx"), KEY)


def test_more_rows_than_anybody_fills_in_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEAD + "".join(f"{id},{KEY},Ops,,\n" for id in ids()[:3])
    monkeypatch.setattr(bounds, "FOLLOW_UP_FILLED", 2)
    with pytest.raises(UserError, match="more than 2 rows that are filled in"):
        read_follow_up(written(tmp_path, text), KEY)
    monkeypatch.setattr(bounds, "FOLLOW_UP_ROWS", 1)
    with pytest.raises(UserError, match="has more than 1 rows"):
        read_follow_up(written(tmp_path, text), KEY)
    (tmp_path / "findings.xlsx").write_bytes(packed())
    with pytest.raises(UserError, match="has more than 1 rows"):
        read_follow_up(run_of(tmp_path / "findings.xlsx"), KEY)


def remade(change: Callable[[str, bytes], bytes | None], content: bytes = b"") -> bytes:
    """The workbook with parts changed or left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content or packed())) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
    return file.getvalue()


def with_entities(name: str, content: bytes) -> bytes:
    head, _, rest = content.partition(b"?>\n")
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>'
    return b"%s?>\n%s%s" % (head, bomb, rest) if name == "xl/workbook.xml" else content


def deep(name: str, content: bytes) -> bytes:
    return b"<a>" * 200 + b"</a>" * 200 if name == "xl/workbook.xml" else content


def broken(name: str, content: bytes) -> bytes:
    return content[:-20] if name.endswith("sheet2.xml") else content


def without_texts(name: str, content: bytes) -> bytes | None:
    return None if name == "xl/sharedStrings.xml" else content


def without_places(name: str, content: bytes) -> bytes:
    return content.replace(b'<c r="', b'<c q="') if name.endswith("sheet1.xml") else content


def many_digits(name: str, content: bytes) -> bytes:
    return re.sub(rb"<v>\d+</v>", b"<v>%s</v>" % (b"9" * 6_000), content)


def doubled(name: str, content: bytes) -> bytes:
    if name.endswith("sheet1.xml"):
        return re.sub(rb'(<c r="A1".*?</c>)', rb"\1\1", content)
    return content


def backwards(name: str, content: bytes) -> bytes:
    return re.sub(rb'r="([A-Z])[2-9]"', rb'r="\g<1>1"', content) if "/sheet1" in name else content


def of_unknown_encoding(name: str, content: bytes) -> bytes:
    if name != "xl/sharedStrings.xml":
        return content
    return content.replace(b"UTF-8", b"foo").replace(b"</t>", b"\xff</t>", 1)


def without_list(name: str, content: bytes) -> bytes | None:
    return content if name == "xl/worksheets/sheet1.xml" else None


def without_sheets(name: str, content: bytes) -> bytes | None:
    return None if name.startswith("xl/worksheets/sheet") else content


def led_out(name: str, content: bytes) -> bytes:
    return content.replace(b"worksheets/sheet", b"../../../etc/sheet")


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"PK\3\4 and no more", "is not a workbook"),
        (
            lambda: remade(with_entities),
            r"xl/workbook\.xml has a document type, which no workbook has",
        ),
        (lambda: remade(deep), "elements nested too deep"),
        (lambda: remade(broken), "sheet2.xml is not XML"),
        (
            lambda: remade(without_texts),
            r"sheet 'About', cell A1 names the shared text '\d+'; accepted: the number of one of the "
            r"workbook's 0 shared texts",
        ),
        (
            lambda: remade(many_digits),
            rf"cell [A-Z]+\d+ names the shared text '{'9' * 20}'; accepted: the number of one of",
        ),
        (
            lambda: remade(without_places),
            r"sheet 'About', row 1: a cell has the place ''; accepted: a column and a row, such as B4",
        ),
        (lambda: remade(doubled), r"sheet 'About', row 1: the cell A1 stands twice"),
        (lambda: remade(backwards), r"sheet 'About', row 2: the cell A1 stands twice, or in anoth"),
        (lambda: remade(of_unknown_encoding), r"xl/sharedStrings\.xml is not XML"),
        (lambda: remade(without_list), r"is not a workbook: it has no xl/workbook\.xml"),
        (lambda: remade(without_sheets), "it lists no sheet"),
        (lambda: remade(led_out), "it lists no sheet"),
        (lambda: packed() + b"more", "comment, or bytes after its end|not a workbook"),
    ],
)
def test_a_hostile_workbook_is_refused_in_one_line(
    tmp_path: Path, content: bytes | Callable[[], bytes], reported: str
) -> None:
    path = tmp_path / "findings.xlsx"
    path.write_bytes(content if isinstance(content, bytes) else content())
    with pytest.raises(UserError, match=reported):
        read_follow_up(run_of(path), KEY)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "findings.xlsx"
    path.write_bytes(packed())
    monkeypatch.setattr(bounds, "FOLLOW_UP_UNPACKED", 1_000)
    with pytest.raises(UserError, match="unpacks to more than 1,000 bytes"):
        read_follow_up(run_of(path), KEY)
    monkeypatch.setattr(bounds, "FOLLOW_UP", 1_000)
    with pytest.raises(UserError, match="has more than 1,000 bytes"):
        read_follow_up(run_of(path), KEY)


def test_more_elements_than_a_workbook_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "findings.xlsx"
    path.write_bytes(packed())
    monkeypatch.setattr(bounds, "FOLLOW_UP_ELEMENTS", 60)
    with pytest.raises(UserError, match=r"xl/[a-zA-Z/1]+\.xml has more than 60 elements"):
        read_follow_up(run_of(path), KEY)


def test_the_encoding_that_a_part_declares_changes_nothing(tmp_path: Path) -> None:
    def declared(_: str, content: bytes) -> bytes:
        return content.replace(b'encoding="UTF-8"', b'encoding="foo"')

    path = filled(tmp_path / "findings.xlsx", (3, "Owner", "Ops"))
    expected = read_follow_up(run_of(path), KEY)
    path.write_bytes(remade(declared, path.read_bytes()))
    read = read_follow_up(run_of(path), KEY)
    assert read is not None
    assert expected is not None
    assert read["rows"] == expected["rows"] != []


def test_a_message_shows_no_secret(tmp_path: Path) -> None:
    secret = "password=hunter2hunter2"
    text = f"{HEAD}{secret},{KEY},Ops,,{secret}\n"
    with pytest.raises(MistakesError) as found:
        read_follow_up(written(tmp_path, text), KEY)
    assert len(found.value.lines) == 2
    with pytest.raises(UserError) as of_another_key:
        read_follow_up(written(tmp_path, f"{HEAD}{ids()[0]},{secret},Ops,,\n"), KEY)
    for line in (*found.value.lines, str(of_another_key.value)):
        assert "password=⟦secret: " in line
        assert "hunter2" not in line


def test_a_csv_file_may_have_quotes_around_every_cell(tmp_path: Path) -> None:
    rows = [*HEAD.strip().split(","), "\n", ids()[0], KEY, "Ops", "First; then", "2027-01-31"]
    text = ";".join(cell if cell == "\n" else f'"{cell}"' for cell in rows)
    read = read_follow_up(written(tmp_path, text.replace(";\n;", "\n")), KEY)
    assert read is not None
    assert [row["response"] for row in read["rows"]] == ["First; then"]


def test_days_counted_from_1904_are_read(tmp_path: Path) -> None:
    path = tmp_path / "findings.xlsx"
    book = xlsxwriter.Workbook(str(path), {"date_1904": True})
    sheet = book.add_worksheet("Answers")
    for place, name in enumerate(HEAD.strip().split(",")):
        sheet.write_string(0, place, name)
    sheet.write_row(1, 0, [ids()[0], KEY, "Ops", "_x0041_ stays"])
    sheet.write_datetime(1, 4, dt.datetime(2027, 3, 31), book.add_format({"num_format": "d.m.yy"}))
    book.close()
    read = read_follow_up(run_of(path), KEY)
    assert read is not None
    assert (read["rows"][0]["due"], read["rows"][0]["response"]) == ("2027-03-31", "_x0041_ stays")


def test_texts_within_cells_and_their_pronunciation_are_told_apart() -> None:
    file = io.BytesIO()
    shared = "<sst><si><r><t>Ro</t></r><r><t>e</t></r><rPh><t>ro</t></rPh></si></sst>"
    rows = (
        '<worksheet><sheetData><row><c r="A1" t="s"><v>0</v></c>'
        '<c r="B1" t="inlineStr"><is><t>in</t></is></c><c r="C1"><f>1+1</f><v>2</v></c></row>'
        "</sheetData></worksheet>"
    )
    with zipfile.ZipFile(file, "w") as made_up:
        made_up.writestr("[Content_Types].xml", "<Types/>")
        made_up.writestr("xl/workbook.xml", '<w><sheet name="A" r:id="r1" xmlns:r="r"/></w>')
        made_up.writestr(
            "xl/_rels/workbook.xml.rels", '<r><Relationship Id="r1" Target="/xl/s.xml"/></r>'
        )
        made_up.writestr("xl/sharedStrings.xml", shared)
        made_up.writestr("xl/s.xml", rows)
    book = Workbook(file.getvalue())
    ((number, row),) = book.rows("A")
    assert (number, {place: str(cell) for place, cell in row.items()}) == (
        1,
        {"A": "Roe", "B": "in", "C": "2"},
    )
    assert (row["C"].formula, row["C"].number, row["A"].number) == (True, True, False)


def test_a_sign_off_of_another_day_than_the_runs_is_refused() -> None:
    as_of = dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC)
    for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
        refuse_other_days(Run(account=ACCOUNT, reviewed_by=f"M. Weber, {day}"), as_of)
    refuse_other_days(Run(account=ACCOUNT, approved_by="Weber, M."), as_of)
    with pytest.raises(
        UserError, match=r"approved_by: 'M\. Weber, 2026-11-01': the evidence is of"
    ):
        refuse_other_days(Run(account=ACCOUNT, approved_by="M. Weber, 2026-11-01"), as_of)


@pytest.mark.parametrize(
    "value",
    [
        "M. Weber 2026-01-01",
        "Chef, 01.01.2026",
        "Dr. X (1 January 2026)",
        "Chef, 1. Jänner 2026",
        "X, 1er janvier 2026",
        "X, 1 de enero de 2026",
        "X, January 1st, 2026",
        "X, 1st of January 2026",
        "X, 31 stycznia 2026",
        "X, 1 Jan 26",
        "X 01JAN2026",
        "X, 2026 March",
        "X, Dez. 2026",
        "X 20260101",
        "X 2026 01 01",
        "X, 01/2026",
        "X, 2026年1月1日",
        "X ２０２６-01-01",  # digits of full width
        "X, 2026-01-01, 2026-11-24",
        "X, 2026-11-24.",
    ],
)
def test_a_sign_off_with_a_day_in_another_form_is_refused(value: str) -> None:
    with pytest.raises(UserError) as error:
        parameters({"account": ACCOUNT, "reviewed_by": value}, Where("x.yaml"))
    assert str(error.value) == (
        f"x.yaml: reviewed_by: {value!r}: has a date in another form; accepted: a name, or a name and "
        'the day after a comma at the end, such as "M. Weber, 2026-11-24"'
    )


@pytest.mark.parametrize(
    "value",
    [
        *("Evidence job 17", "Audit team 2026", "M. May", "Dr. Martin Weber, Marketing 2026"),
        *("Job 4711/2", "ISO 27001 lead", "Team 3 of 12", "pipeline 10.2.1", "SEC-2026-17"),
    ],
)
def test_a_number_in_a_sign_off_is_not_a_day(value: str) -> None:
    assert signer(Run(account=ACCOUNT, reviewed_by=f"{value}, 2026-11-24").reviewed_by) == (
        value,
        "2026-11-24",
    )
    assert signer(Run(account=ACCOUNT, reviewed_by=value).reviewed_by) == (value, "")
