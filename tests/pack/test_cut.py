"""What the PDF leaves out: rows, columns and ends of cells, always counted and never silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from kit.pack.columns import widths
from kit.pack.cut import cut, printed_tables, without_standing
from kit.pack.document import document
from kit.pack.pdf import pdf
from kit.report import fonts
from kit.report.views import Column, Controls, Table, View
from tests.pack.conftest import control, cover, evidence_index, shown
from tests.pack.test_pdf import squeezed, texts


def blocks(*views: View) -> list[dict[str, Any]]:
    found: Any = cut(document(new_notebook(cells=[shown(cover()), *map(shown, views)])).blocks)
    return list(found)


def table(rows: list[list[Any]], *columns: Column, **fields: Any) -> Table:
    return Table("t", "c", list(columns), rows, **fields)


@pytest.mark.parametrize(
    ("kind", "cell", "brief", "printed"),
    [
        ("text", "short", 10, "short"),
        ("text", "a " * 20, 10, "a " * 20),  # hardly too long
        (
            "text",
            "word " * 30,
            12,
            "word word … (141 more characters in the HTML and the CSV file)",
        ),
        ("text", "x" * 100, 12, "x" * 12 + " … (88 more characters in the HTML and the CSV file)"),
        (
            "text",
            "By: a-policy; " * 10,
            12,
            "By: a-policy … (128 more characters in the HTML and the CSV file)",
        ),
        (
            "text",
            "By: none; Seen: " + "x" * 99,
            16,
            "By: none … (107 more characters in the HTML and the CSV file)",
        ),
        ("text", None, 12, None),
        ("code", "9f" * 32, 12, "9f" * 6),
        ("number", 1234567, 3, 1234567),
        ("evidence", ["E1", "E2", "E3", "E4"], 3, ["E1", "E2", "E3", "E4"]),  # one more is no loss
        ("evidence", ["E1", "E2", "E3", "E4", "E5"], 3, ["E1", "E2", "E3", "and 2 more"]),
    ],
)
def test_a_cell_that_is_cut_says_how_much_is_left_out(
    kind: Any, cell: Any, brief: int, printed: Any
) -> None:
    (made,) = blocks(table([[cell]], Column("a", "A", kind, brief=brief)))
    assert made["rows"] == [[printed]]


def test_columns_of_which_nothing_is_printed_are_left_out_and_digests_reported_as_cut() -> None:
    (made,) = blocks(
        table(
            [["1", "22", "3"]],
            Column("a", "A", brief=0),
            Column("b", "B", "code", brief=1),
            Column("c", "C"),
        )
    )
    assert [column["title"] for column in made["columns"]] == ["B, first 1", "C"]
    assert made["rows"] == [["2", "3"]]


def test_a_control_s_open_rows_stand_by_status_without_what_is_the_same_for_all() -> None:
    rows = [
        ["a", "fail", ["E0001"]],
        ["b", "fail", ["E0001"]],
        ["c", "not evidenced", ["E0002"]],
        ["d", "pass", ["E0003"]],
    ]
    rest = [
        {
            "status": "pass",
            "count": 1,
            "observed": "d as seen",
            "plain": True,
            "evidence": ["E0003"] * 9,
        }
    ]
    counts = {"fail": 7, "not evidenced": 1, "pass": 1}
    (made,) = blocks(
        Controls([control("AR-05", "fail", rows, counts=counts, rest=rest, listed=[0, 1, 2])])
    )
    (one,) = made["blocks"]
    fails, unseen = one["groups"]
    assert (fails["status"], fails["count"], fails["region"]) == ("fail", 7, "eu-west-1")
    assert [column["name"] for column in fails["table"]["columns"]] == [
        "resource",
        "observed",
        "evidence",
    ]
    assert [row[0] for row in fails["table"]["rows"]] == ["a", "b"]
    assert unseen["table"] is None
    assert unseen["line"] == {
        "resources": ["c"],
        "observed": "c as seen",
        "evidence": ["E0002"],
    }
    assert one["rest"][0]["evidence"] == ["E0003"] * 3 + ["and 6 more"]
    assert [made["rows"] for made in printed_tables([made])] == [fails["table"]["rows"]]


def test_rows_in_several_regions_keep_theirs() -> None:
    block = control("AR-05", "fail", [["a", "fail", []], ["b", "fail", []]])
    block.rows.rows[1][0] = "eu-central-1"
    (made,) = blocks(Controls([block]))
    (group,) = made["blocks"][0]["groups"]
    assert group["region"] is None
    assert [row[0] for row in group["table"]["rows"]] == ["eu-west-1", "eu-central-1"]


def test_rows_that_differ_in_resource_and_evidence_alone_are_one() -> None:
    rows = [[name, "fail", [f"E000{n}"]] for n, name in enumerate("abc")]
    block = control("AR-05", "fail", rows, {"fail": 5})
    for row in block.rows.rows:
        row[3] = "the same"
    block.rows.rows[1][3] = "another"
    (made,) = blocks(Controls([block]))
    (group,) = made["blocks"][0]["groups"]
    assert [row[0] for row in group["table"]["rows"]] == ["a\nc", "b"]
    assert group["table"]["rows"][0][2] == ["E0000", "E0002"]
    assert (group["count"], group["listed"]) == (5, 3)


@pytest.mark.parametrize(("count", "form"), [(4, "line"), (5, "table")])
def test_a_few_resources_of_a_single_row_stand_in_its_line(count: int, form: str) -> None:
    block = control("AR-05", "fail", [[f"bucket-{n}", "fail", []] for n in range(count)])
    for row in block.rows.rows:
        row[3] = "the same"
    (made,) = blocks(Controls([block]))
    (group,) = made["blocks"][0]["groups"]
    assert [name for name in ("line", "table") if group[name]] == [form]


def with_reasons(*reasons: str, listed: list[int] | None = None) -> list[dict[str, Any]]:
    """The groups of a control whose findings have these reasons."""
    block = control("AR-05", "fail", [[str(n), "fail", []] for n, _ in enumerate(reasons)])
    block.rows.columns.insert(3, Column("reason", "Reason"))
    for row, reason in zip(block.rows.rows, reasons, strict=True):
        row.insert(3, reason)
    (made,) = blocks(
        Controls([replace(block, rows=replace(block.rows, listed=listed, cut=listed and "There."))])
    )
    return list(made["blocks"][0]["groups"])


def test_a_reason_that_all_rows_have_stands_once_and_whole() -> None:
    (group,) = with_reasons("r" * 1_000, "r" * 1_000)
    assert group["reason"] == "r" * 1_000
    names = [column["name"] for column in group["table"]["columns"]]
    assert names == ["resource", "observed", "evidence"]


def test_each_of_a_few_reasons_has_its_own_rows_and_count() -> None:
    first, second, third = with_reasons("r", "s", "r", "t", "t", listed=[0, 1, 2])
    assert [(one["reason"], one["count"], one["listed"]) for one in (first, second, third)] == [
        *(("r", 2, 2), ("s", 1, 1), ("t", 2, 0)),
    ]
    assert [row[0] for row in first["table"]["rows"]] == ["0", "2"]
    assert second["line"]["resources"] == ["1"]
    assert (third["line"], third["table"]) == (None, None)


def test_many_reasons_stand_beside_their_rows() -> None:
    (group,) = with_reasons("r", "s", "t", "u")
    names = [column["name"] for column in group["table"]["columns"]]
    assert names == ["resource", "reason", "observed", "evidence"]
    assert [row[1] for row in group["table"]["rows"]] == ["r", "s", "t", "u"]
    assert (group["reason"], group["count"]) == ("", 4)


def test_the_page_says_what_is_counted_and_where_the_rows_are(tmp_path: Any) -> None:
    rows = [["a", "fail", ["E0001"]], ["d", "pass", ["E0002"]]]
    rest = [
        {
            "status": "pass",
            "count": 1,
            "observed": "all is well",
            "plain": True,
            "evidence": ["E0002"],
        }
    ]
    block = control("AR-05", "fail", rows, {"fail": 12, "pass": 1}, rest, listed=[0])
    made = pdf(
        document(
            new_notebook(cells=[shown(cover()), shown(Controls([block])), shown(evidence_index(3))])
        )
    )
    text = squeezed("".join(texts(made, tmp_path)))
    assert "fail:12findings,1listedand11leftout,eu-west-1" in text
    assert "pass:1finding.alliswell.Evidence:E0002.Rowbyrowinfindings.csv." in text


@pytest.mark.parametrize("source", ["Words of AWS's page.", ""])
def test_a_control_beyond_the_page_of_aws_states_it_after_what_is_expected(
    source: str, tmp_path: Any
) -> None:
    block = replace(control("AR-05", "pass", [["a", "pass", []]]), source=source)
    made = pdf(document(new_notebook(cells=[shown(cover()), shown(Controls([block]))])))
    text = squeezed("".join(texts(made, tmp_path)))
    assert ("AES256oraws:kms(beyondAWS'spage)" in text) == (not source)


@pytest.mark.parametrize("in_use", [True, False])
def test_of_an_account_without_appstream_the_pdf_has_what_is_open(
    in_use: bool, tmp_path: Any
) -> None:
    stands = control("AR-05", "pass", [["a", "pass", ["E0001"]]])
    fails = control("ID-03", "fail", [["u", "fail", ["E0001"]]])
    cells = [
        *(shown(cover(in_use=in_use)), new_markdown_cell("# Result\n\nWords.")),
        *(new_markdown_cell("# At rest"), shown(Controls([stands]))),
        *(new_markdown_cell("# Identity"), shown(Controls([fails]))),
        *(new_markdown_cell("# Annexes\n\nMore."), shown(evidence_index(3))),
        new_markdown_cell("# Last\n\nEnd."),
    ]
    text = squeezed("".join(texts(pdf(document(new_notebook(cells=cells))), tmp_path)))
    assert all(words in text for words in ("Result", "ID-03", "Last"))
    assert ("AR-05" in text, "Atrest" in text, "Annexes" in text) == (in_use,) * 3
    note = "leavesouttheannexesand1controlthathasneitherafailnoralackofevidence"
    assert (note in text) == (not in_use)


def test_of_an_account_without_appstream_the_pdf_has_a_row_of_each_status_and_reason() -> None:
    rows = [["u", "fail", ["E0001"]], ["v", "fail", ["E0002"]], ["w", "not evidenced", ["E0003"]]]
    cells = [new_markdown_cell("# Identity"), shown(Controls([control("ID-03", "fail", rows)]))]
    made = document(new_notebook(cells=[shown(cover()), *cells])).blocks
    (block,) = (one for one in without_standing(made) if one["kind"] == "controls")
    (whole,) = (one for one in made if one["kind"] == "controls")
    table = block["blocks"][0]["rows"]
    assert table["listed"] == [0, 2]
    assert table["rows"] == whole["blocks"][0]["rows"]["rows"]


def test_without_controls_nothing_is_left_out() -> None:
    made = document(new_notebook(cells=[shown(cover()), new_markdown_cell("# A\n\n# B")])).blocks
    assert without_standing(made) == made


@pytest.mark.parametrize(("status", "whole"), [("attested", True), ("accepted", False)])
def test_a_statement_of_aws_is_printed_whole(status: str, whole: bool) -> None:
    words = "AWS states this. " * 20
    rest = [
        {"status": status, "count": 1, "observed": words, "plain": False, "evidence": ["E0001"]}
    ]
    rows = [["a", "fail", ["E0001"]], ["b", status, ["E0001"]]]
    block = control("AR-08", "fail", rows, {"fail": 1, status: 1}, rest, listed=[0])
    (made,) = blocks(Controls([block]))
    assert (made["blocks"][0]["rest"][0]["observed"] == words) == whole


def test_a_long_list_of_controls_stays_wide_enough_to_be_read() -> None:
    many = [f"AR-{n:02d}" for n in range(1, 30)]
    columns = [Column("controls", "Controls", "control"), Column("words", "Words")]
    (made,) = blocks(table([[many, "x"], [[], "y"], [["AR-01"], "z"]], *columns))
    (lists, _) = widths(made)
    assert lists.least * 10 > fonts.em(", ".join(many))


@pytest.mark.parametrize(
    ("plain", "observed", "printed", "named"),
    [
        (True, "Rotates: yes", "Rotates: yes", None),
        (True, "Rotates: yes; " * 30, "", "Row by row in findings.csv."),
        (
            False,
            "word " * 60,
            f"{'word ' * 11}word … (241 more characters in findings.csv)",
            None,
        ),
    ],
)
def test_a_plain_pass_has_what_was_observed_whole_or_not_at_all(
    plain: bool, observed: str, printed: str, named: str | None
) -> None:
    rest = [
        {"status": "pass", "count": 1, "observed": observed, "plain": plain, "evidence": ["E0001"]}
    ]
    rows = [["a", "fail", ["E0001"]], ["b", "pass", ["E0001"]]]
    block = control("AR-08", "fail", rows, {"fail": 1, "pass": 1}, rest, listed=[0])
    (made,) = blocks(Controls([block]))
    (one,) = made["blocks"]
    assert one["rest"][0]["observed"] == printed
    assert one["rows"]["cut"] == named
