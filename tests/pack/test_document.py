"""What reaches a document, what does not, and what is told as a mistake of the notebook."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kit.errors import UserError
from kit.pack.document import Document, NotebookOutputError, document, findings_data, tables
from kit.report.views import EVIDENCE_MIME, Column, Controls, Data, Figure, Note, Remedies, Table
from tests.pack.conftest import commands, control, cover, evidence_index, shown
from tests.pack.samples import FACTS, HOSTILE, record


def made(*cells: NotebookNode) -> Document:
    return document(new_notebook(cells=[shown(cover()), *cells]))


def headings(evidence: Document) -> list[tuple[int, str]]:
    return [(b["level"], b["text"]) for b in evidence.blocks if b["kind"] == "heading"]


def test_views_and_prose_stand_in_the_notebook_s_order(notebook: NotebookNode) -> None:
    kinds = [block["kind"] for block in document(notebook).blocks]
    assert kinds == [
        "heading",
        "prose",
        "note",
        "note",
        "heading",
        "figure",
        "heading",
        "controls",
        "heading",
        "remedies",
        "heading",
        "table",
        "table",
        "heading",
        "table",
        "heading",
        "table",
        "heading",
        "table",
    ]


def test_code_streams_widgets_and_analysts_cells_never_reach_it(notebook: NotebookNode) -> None:
    text = json.dumps(document(notebook).as_json())
    for noise in ("SECRET_CODE", "STDOUT-", "STDERR-", "WIDGET-", "ANALYST-", "show()"):
        assert noise not in text


def test_a_document_is_json_and_the_notebook_stays_as_it_was(notebook: NotebookNode) -> None:
    before = copy.deepcopy(notebook)
    first, second = document(notebook), document(notebook)
    assert json.dumps(first.as_json()) == json.dumps(second.as_json())
    assert notebook == before


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            new_code_cell(
                "df.head()",
                outputs=[new_output("execute_result", data={"text/html": "<table>"})],
            ),
            r"cell 2 \(`df.head\(\)`\) shows text/html",
        ),
        (
            new_code_cell("x", outputs=[new_output("display_data", data={"image/png": "iVBO"})]),
            r"cell 2 \(`x`\) shows image/png",
        ),
        (
            new_code_cell(
                "1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="by 0")]
            ),
            r"cell 2 \(`1/0`\) failed: ZeroDivisionError: by 0",
        ),
        (new_markdown_cell("a <b>bold</b> word"), r"cell 2 .*: HTML in Markdown .*<b>"),
        (new_markdown_cell("<div>\nblock\n</div>"), "HTML in Markdown"),
        (new_markdown_cell("![plan](https://example.com/a.png)"), "picture in Markdown"),
        (shown(cover()), "shows 2 covers"),
    ],
)
def test_what_no_document_can_hold_names_its_cell(cell: NotebookNode, says: str) -> None:
    with pytest.raises(NotebookOutputError, match=says):
        made(cell)


def test_a_cell_of_the_analyst_that_failed_is_what_is_reported() -> None:
    failed = new_code_cell(
        "kit.gather(run)", outputs=[new_output("error", ename="NotEnteredError", evalue="account")]
    )
    failed.metadata["tags"] = ["analyst"]
    notice = new_markdown_cell('<span style="color:red">An Exception was encountered</span>')
    with pytest.raises(NotebookOutputError, match=r"cell 2 \(`kit.gather\(run\)`\) failed: NotE"):
        document(new_notebook(cells=[notice, failed]))


def test_no_cover_is_a_mistake_of_the_user() -> None:
    with pytest.raises(UserError, match="shows 0 covers"):
        document(new_notebook(cells=[shown(Note("alone"))]))


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "table"},
        {"no": "kind"},
        {"kind": "cover", "title": "T"},
        {"kind": "note", "text": "t", "colour": "red"},
        {"kind": "note", "text": 5},
        ["kind"],
        {"kind": ["note"]},
        {**Figure("f", "<svg><open></svg>", "a", "c").as_json()},
    ],
)
def test_views_that_somebody_edited_are_refused(data: dict[str, Any]) -> None:
    output = new_output("display_data", data={EVIDENCE_MIME: data})
    with pytest.raises(NotebookOutputError, match=r"cell 2 .* malformed view"):
        made(new_code_cell("x", outputs=[output]))


@pytest.mark.parametrize(
    ("markdown", "levels"),
    [
        (["# Title", "## A", "### B", "## C"], [(1, "A"), (2, "B"), (1, "C")]),
        (["# A", "# B", "## C"], [(1, "A"), (1, "B"), (2, "C")]),
        (["## A", "#### B", "### C", "## D"], [(1, "A"), (2, "B"), (2, "C"), (1, "D")]),
        (["### A", "## B", "*x* `y`"], [(1, "A"), (1, "B")]),
        (["# Alone"], [(1, "Alone")]),
        (["## *A* `b` c"], [(1, "A b c")]),
    ],
)
def test_headings_start_at_one_and_skip_none(
    markdown: list[str], levels: list[tuple[int, str]]
) -> None:
    assert headings(made(*map(new_markdown_cell, markdown))) == levels


def test_controls_stand_one_below_their_heading_and_in_the_outline() -> None:
    evidence = made(
        new_markdown_cell("## A"),
        new_markdown_cell("### B"),
        shown(Controls([control("AR-05", "fail", [])])),
    )
    assert evidence.outline() == [
        (1, "section-a", "A"),
        (2, "section-b", "B"),
        (3, "control-ar-05", "AR-05 Sentence of AR-05"),
    ]


def test_markdown_becomes_plain_nodes() -> None:
    (block,) = made(
        new_markdown_cell("a *b*\n**c** [d](javascript:x) [e](https://e.x)\\\nf")
    ).blocks
    assert block["nodes"] == [
        {
            "t": "paragraph",
            "c": [
                {"t": "text", "text": "a "},
                {"t": "em", "c": [{"t": "text", "text": "b"}]},
                {"t": "text", "text": " "},
                {"t": "strong", "c": [{"t": "text", "text": "c"}]},
                {"t": "text", "text": " "},
                {"t": "link", "url": None, "c": [{"t": "text", "text": "d"}]},
                {"t": "text", "text": " "},
                {"t": "link", "url": "https://e.x", "c": [{"t": "text", "text": "e"}]},
                {"t": "break"},
                {"t": "text", "text": "f"},
            ],
        }
    ]


def test_evidence_and_controls_are_linked_both_ways() -> None:
    rows = [["bucket", "fail", ["E0001"]], ["other", "fail", ["E0001", "E0777"]]]
    evidence = made(
        shown(Controls([control("AR-05", "fail", rows), control("LG-01", "fail", rows[:1])])),
        shown(evidence_index(3)),
    )
    assert evidence.controls == {"AR-05": "control-ar-05", "LG-01": "control-lg-01"}
    assert evidence.rows == {f"E000{n}": f"row-e000{n}" for n in (1, 2, 3)}
    (index,) = (block for block in evidence.blocks if block["kind"] == "table")
    assert index["targets"] == ["row-e0001", "row-e0002", "row-e0003"]
    assert (index["columns"][-1]["name"], index["columns"][-1]["kind"]) == ("cited_by", "control")
    assert [row[-1] for row in index["rows"]] == [["AR-05", "LG-01"], [], []]


def test_a_control_leads_to_its_commands() -> None:
    evidence = made(
        shown(Controls([control(name, "fail", []) for name in ("AR-05", "LG-01", "LG-02")])),
        shown(commands("AR-05", "LG-01")),
    )
    blocks, remedies = evidence.blocks
    assert remedies["entries"][0]["target"] == "commands-ar-05"
    assert [block["commands"] for block in blocks["blocks"]] == [
        "commands-ar-05",
        "commands-ar-05",
        None,
    ]


def test_an_index_that_nothing_cites_gets_no_column() -> None:
    (index,) = made(shown(evidence_index(3))).blocks
    assert [column["name"] for column in index["columns"]] == ["id", "call", "time", "attempts"]


def test_targets_are_unique_and_plain_whatever_the_ids() -> None:
    names = [*HOSTILE.values(), "a b", "a-b", "A B", "", "日本"]
    column = [Column("n", "N")]
    evidence = made(
        *(new_markdown_cell(f"## {name}") for name in ("Twice", "Twice", "日本")),
        shown(Table("t", "c", column, [[name] for name in names], anchor="n")),
        shown(Table("t", "c", column, [])),
        shown(Figure("t", "<svg/>", "a", "c")),
    )
    targets = [block["target"] for block in evidence.blocks] + list(evidence.rows.values())
    assert len(set(targets)) == len(targets)
    assert all(target.isascii() and not set(target) & set(" <>\"'&#") for target in targets)


def test_two_rows_of_one_id_have_one_target() -> None:
    twice = Table("t", "c", [Column("n", "N")], [["E0001"], ["E0001"]], anchor="n")
    evidence = made(shown(twice), shown(evidence_index(1)))
    assert evidence.rows == {"E0001": "row-e0001"}
    assert [table["targets"] for table in tables(evidence.blocks)] == [["row-e0001", None], [None]]


def test_what_cannot_be_seen_is_written_out(notebook: NotebookNode) -> None:
    text = json.dumps(document(notebook).as_json(), ensure_ascii=False)
    text.encode()
    assert "invoice⟨U+202E⟩gpj.exe" in text
    assert "nul⟨U+0000⟩bell⟨U+0007⟩" in text
    assert "half⟨U+D800⟩" in text


def test_findings_for_machines_come_out_once_and_on_no_page(notebook: NotebookNode) -> None:
    assert findings_data(notebook)["records"] == [record("AR-05", "fail")]
    assert "data" not in {block["kind"] for block in document(notebook).blocks}
    for cells in ([], [shown(Data("findings", [], {})) for _ in range(2)]):
        with pytest.raises(NotebookOutputError, match="times"):
            findings_data(new_notebook(cells=cells))


@pytest.mark.parametrize(
    ("records", "facts", "message"),
    [
        ([], {}, "no account, as_of"),
        ([{"control": "AR-05"}], FACTS, "the records are not findings"),
        ([record("AR-05", "fail") | {"verdict": "fail"}], FACTS, "the records are not findings"),
        ([record("AR-05", "fail") | {"evidence": 3}], FACTS, "the records are not findings"),
    ],
)
def test_data_that_is_not_of_findings_is_refused(
    records: list[dict[str, Any]], facts: dict[str, Any], message: str
) -> None:
    cells = [shown(Data("findings", records, dict(facts)))]
    with pytest.raises(NotebookOutputError, match=message):
        findings_data(new_notebook(cells=cells))


@pytest.mark.parametrize("columns", [["a"], {"a": "[" * 100_000}, {"a": "[NaN]"}, {"a": "[[1]]"}])
def test_columns_that_somebody_edited_are_refused(columns: Any) -> None:
    data = {"kind": "data", "name": "findings", "columns": columns, "facts": FACTS}
    cell = new_code_cell("x", outputs=[new_output("display_data", data={EVIDENCE_MIME: data})])
    with pytest.raises(NotebookOutputError, match="malformed view"):
        findings_data(new_notebook(cells=[cell]))


def test_commands_stand_in_the_order_of_the_controls() -> None:
    entries = [entry for name in ("AR-05", "EX-01", "GV-05") for entry in commands(name).entries]
    evidence = made(
        shown(Controls([control("GV-05", "fail", [])])),
        shown(Controls([control("AR-05", "fail", [])])),
        shown(Remedies(entries)),
    )
    remedies = evidence.blocks[-1]
    assert [entry["controls"] for entry in remedies["entries"]] == [["GV-05"], ["AR-05"], ["EX-01"]]
