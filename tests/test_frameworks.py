"""A framework is one file: what docs/adding-a-framework.md says, followed to the letter."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
import yaml
from nbformat.v4 import new_notebook
from pypdf import PdfReader

from kit.catalogue import frameworks, texts
from kit.controls import describe
from kit.errors import UserError
from kit.judge import evaluate
from kit.judge.findings import Findings, worst
from kit.pack.by_control import Results, by_control
from kit.pack.document import Document, document, findings_data
from kit.pack.html import page
from kit.pack.ocsf import ocsf
from kit.pack.oscal_catalog import catalog
from kit.pack.workbook import workbook
from kit.report import show
from kit.report.explain import explain
from kit.report.handbook import handbook
from kit.report.views import Group, Note
from kit.snapshot import Snapshot
from kit.tables import tabulate
from tests.controls.samples import SAMPLES
from tests.pack.conftest import cover, shown
from tests.pages import code

PAGE = (Path(__file__).parent.parent / "docs" / "adding-a-framework.md").read_text()
EXAMPLE, CHOSEN = code("docs/adding-a-framework.md", "yaml")
NAME = re.findall(r"such as `(\w+)\.yaml`", PAGE)[0]
CACHES = (frameworks.frameworks, frameworks.mapped, frameworks.related, texts._catalogue)


def added(folder: Path, text: str, patch: pytest.MonkeyPatch) -> None:
    """Put a file beside the two of the kit's own, as whoever follows the page does."""
    folder.mkdir()
    for own in (frameworks.GDPR, frameworks.AWS_PAGE):
        shutil.copy(str(frameworks.FOLDER / f"{own}.yaml"), folder)
    (folder / f"{NAME}.yaml").write_text(text)
    patch.setattr(frameworks, "FOLDER", folder)
    for cache in CACHES:
        cache.cache_clear()


def forgotten() -> None:
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot()


@pytest.fixture(scope="module")
def findings(snapshot: Snapshot) -> Findings:
    return choosing(evaluate(tabulate(snapshot)), *yaml.safe_load(CHOSEN)["frameworks"])


def choosing(findings: Findings, *frameworks: str) -> Findings:
    """Return the findings of a run that chooses these frameworks."""
    assert findings.run
    run = findings.run.model_copy(update={"frameworks": list(frameworks)})
    return Findings(findings.leaves, findings.roll_ups, findings.unused_waivers, run)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        added(tmp_path_factory.mktemp("catalogue") / "frameworks", EXAMPLE, patch)
        yield
    forgotten()


@pytest.fixture(scope="module")
def made(example: None, findings: Findings, snapshot: Snapshot) -> tuple[Document, Results]:
    notebook = new_notebook(
        cells=[
            shown(cover()),
            shown(show.frameworks(findings)),
            shown(show.section(findings, "AR")),
            shown(show.data(findings, snapshot)),
        ]
    )
    return document(notebook), by_control(findings_data(notebook))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


# --- the example of the page ----------------------------------------------------------------


def test_each_requirement_has_its_controls_their_worst_verdict_and_reasons(
    example: None, findings: Findings
) -> None:
    group = show.frameworks(findings)
    assert isinstance(group, Group)
    (table,) = [table for table in group.views if table.id == f"framework-{NAME}"]
    names = [column.name for column in table.columns]
    encrypted, sessions, staff = (dict(zip(names, row, strict=True)) for row in table.rows)
    own = [f.status for f in findings.leaves if f.control in ("AR-05", "AR-06")]
    assert encrypted["controls"] == ["AR-05", "AR-06"]
    assert encrypted["status"] == worst(own)
    assert encrypted["part"] == "Technical measures"
    assert encrypted["why"].startswith("AR-05, AR-06: the buckets of users' files")
    assert encrypted["related"] == ["AR-07"]
    assert "related, not tested: AR-07: the class of key" in encrypted["why"]
    assert (sessions["controls"], sessions["part"], sessions["why"]) == (["EX-07"], "", "")
    assert (staff["controls"], staff["status"]) == ([], None)
    assert staff["says"] == "Staff are trained"
    assert staff["beside"] == "No control tests it. No interface of AWS shows it."


def test_a_control_that_was_not_selected_leaves_no_pass(
    example: None, snapshot: Snapshot, findings: Findings
) -> None:
    left = Findings([f for f in findings.leaves if f.control != "AR-05"], run=findings.run)
    kept = [f.status for f in left.leaves if f.control == "AR-06"]
    group = show.frameworks(left)
    assert isinstance(group, Group)
    (table,) = [table for table in group.views if table.id == f"framework-{NAME}"]
    place = [column.name for column in table.columns].index("status")
    assert table.rows[0][place] == ("fail" if worst(kept) == "fail" else None)
    assert table.rows[1][place] is not None


def test_the_html_shows_it_in_a_table_and_in_the_controls_block(
    made: tuple[Document, Results],
) -> None:
    html = page(made[0])
    assert "Example Standard 7:2024, security of desktops: requirements" in html
    for reported in ("Data at rest is encrypted", "Staff are trained", "No control tests it"):
        assert reported in html
    block = html[html.index('id="control-ar-05"') : html.index('id="control-ar-06"')]
    assert "<dt>Example Standard</dt>" in block
    assert "7.1 Data at rest is encrypted: the buckets of users" in block
    key = html[html.index('id="control-ar-07"') : html.index('id="control-ar-08"')]
    assert "keyed" not in key
    assert "(related, not tested)" in key


@pytest.fixture
def printed(made: tuple[Document, Results]) -> str:
    """The text of the PDF, which a process apart renders."""
    from kit.pack.pdf import pdf

    pages = PdfReader(io.BytesIO(pdf(made[0]))).pages
    return squeezed("".join(one.extract_text() for one in pages))


def test_the_pdf_shows_it(printed: str) -> None:
    assert squeezed("Example Standard 7:2024, security of desktops: requirements") in printed
    assert squeezed("Data at rest is encrypted") in printed  # its reasons are in the HTML


def test_the_workbook_has_a_sheet_of_it(made: tuple[Document, Results]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(*made)))
    sheet = book["Example Standard"]
    assert [cell.value for cell in sheet["A"]][2:] == ["7.1", "7.2", "7.10"]
    columns = [cell.value for cell in book["Controls"][2]]
    place = columns.index("Other frameworks")
    reported = {row[0].value: row[place].value for row in book["Controls"].iter_rows(min_row=3)}
    assert reported["AR-05"].startswith(
        "Example Standard 7.1 Data at rest is encrypted: the buckets"
    )
    assert reported["AR-01"] is None


def test_ocsf_cites_what_is_tested_alone(made: tuple[Document, Results]) -> None:
    events = json.loads(b"".join(ocsf(*made)))
    by_control = {event["metadata"]["event_code"]: event["compliance"] for event in events}
    assert "Example Standard 7.1" in by_control["AR-05"]["requirements"]
    assert by_control["AR-05"]["standards"][1:] == ["Example Standard"]
    assert by_control["AR-07"]["standards"][1:] == []


def test_oscal_has_it_in_the_catalog(made: tuple[Document, Results]) -> None:
    own = catalog(made[1].facts)
    controls = {one["id"]: one for group in own["groups"] for one in group["controls"]}
    (resource,) = (r for r in own["back-matter"]["resources"] if r["title"].startswith("Example"))
    assert {"href": f"#{resource['uuid']}", "rel": "reference"} in controls["AR-05"]["links"]
    found = {
        (name, prop["name"], prop["value"])
        for name, one in controls.items()
        for prop in one["props"]
        if prop.get("class") == NAME
    }
    assert found == {
        ("AR-05", "requirement", "7.1"),
        ("AR-06", "requirement", "7.1"),
        ("AR-07", "related-requirement", "7.1"),
        ("EX-07", "requirement", "7.2"),
    }


def test_terminal_handbook_and_json_state_it(example: None) -> None:
    assert "\nExample Standard\n               7.1 Data at rest" in explain("AR-05", 100)
    assert "7.2 Sessions end after a time" in explain("EX-07", 100)
    assert "Example Standard" not in explain("AR-01", 100)
    reported = handbook()
    assert "\n## Example Standard\n" in reported
    assert (
        "| 7.10 | Staff are trained *No interface of AWS shows it.* | No control tests it. |"
        in reported
    )
    (one,) = describe(["EX-07"])
    assert one["requirements"][NAME] == {"7.2": ""}


# --- names and mistakes ---------------------------------------------------------------------


def test_a_name_that_no_sheet_may_have_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, findings: Findings, snapshot: Snapshot
) -> None:
    text = EXAMPLE.replace("name: Example Standard", 'name: "ISO/IEC 27001:2022, a very long name"')
    added(tmp_path / "frameworks", text, monkeypatch)
    notebook = new_notebook(
        cells=[
            shown(cover()),
            shown(show.frameworks(findings)),
            shown(show.data(findings, snapshot)),
        ]
    )
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(document(notebook), by_control(findings_data(notebook))))
    )
    assert "ISO IEC 27001 2022, a very long" in book.sheetnames
    forgotten()


def test_without_a_framework_the_section_says_so(
    findings: Findings,
) -> None:
    reported = show.frameworks(choosing(findings, "aws_page"))
    assert isinstance(reported, Note)
    assert "names none" in reported.text


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("tests: [EX-07]", "test: [EX-07]", "line 19: requirements, 7.2, test:"),
        ("tests: [EX-07]", "tests: EX-07", "line 19: requirements, 7.2, tests"),
        ('"7.10":', "7.10:", "yaml: requirements, 7.1: the number of a requirement is a text"),
        ("name: Example Standard", "name: 7", "line 1: name: 7:"),
        ("address:", "adress:", "address: is missing"),
        ("parts:", "parts: {", "YAML"),
    ],
)
def test_a_mistake_is_reported_with_file_field_and_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, reported: str
) -> None:
    assert EXAMPLE.count(old) == 1
    added(tmp_path / "frameworks", EXAMPLE.replace(old, new), monkeypatch)
    with pytest.raises(UserError) as caught:
        frameworks.frameworks()
    assert f"{NAME}.yaml" in str(caught.value)
    assert reported in str(caught.value)
    forgotten()
