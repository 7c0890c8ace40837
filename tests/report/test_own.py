"""Analysts' own tables and figures: plain cells, shown by the rules of a pack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbformat.v4 import new_notebook

import kit
from kit.calls import DESCRIBE_USERS
from kit.errors import UserError
from kit.pack.document import document
from kit.redact import free_text
from kit.redact.free_text import FreeText
from kit.report import own, show
from kit.report.views import MOST_ROWS, PDF_ROWS, Figure, Table
from kit.snapshot import Snapshot
from tests.pack.conftest import cover, shown
from tests.standins import Account

PAGE = (Path(__file__).parents[2] / "docs" / "own-cells-and-controls.md").read_text()
FLEET = "payroll-fleet"


@pytest.fixture(autouse=True)
def _nothing_open() -> None:
    """Forget the snapshots that earlier tests opened in this process: their names are masked."""
    free_text.opened.clear()


@pytest.fixture
def evidence(tmp_path: Path) -> Snapshot:
    """A snapshot that is open in this process, alone."""
    stored = Account(tmp_path).fleet(FLEET).snapshot()
    free_text.opened.add(stored)
    return stored


@pytest.fixture
def label(evidence: Snapshot) -> str:
    return str(kit.tabulate(evidence)["fleets"].frame["resource"].iloc[0])


def test_cells_are_plain_and_columns_have_the_frames_types() -> None:
    frame = pd.DataFrame(
        {
            "name": ["a", None],
            "count": pd.array([3, None], "Int64"),
            "share": [0.5, float("nan")],
            "seen": pd.to_datetime(["2026-01-02T03:04:05Z", None]),
            "open": pd.array([True, None], "boolean"),
            "parts": [["x", 1], {"k": "v"}],
            "grade": pd.Categorical(["low", "high"]),
        }
    )
    view = show.table(frame, "Everything")
    assert [column.kind for column in view.columns] == [
        *("text", "number", "number", "datetime", "text", "text", "text")
    ]
    assert view.rows == [
        ["a", 3, 0.5, "2026-01-02T03:04:05+00:00", True, "x, 1", "low"],
        [None, None, None, None, None, '{"k": "v"}', "high"],
    ]


def test_an_index_of_its_own_becomes_columns_and_the_kits_row_ids_do_not(
    evidence: Snapshot,
) -> None:
    fleets = kit.tabulate(evidence)["fleets"].frame[["region", "state"]]
    assert [c.name for c in show.table(fleets, "Fleets").columns] == ["region", "state"]
    counted = show.table(fleets["state"].value_counts(), "States")
    assert [c.name for c in counted.columns] == ["state", "count"]
    assert [c.kind for c in counted.columns] == ["text", "number"]


def test_verdicts_have_no_marks_and_ids_no_links() -> None:
    frame = pd.DataFrame({"status": ["pass"], "evidence": ["E0001"], "control": ["AR-05"]})
    assert {column.kind for column in show.table(frame, "As if judged").columns} == {"text"}


def test_names_secrets_and_identifiers_are_shown_as_everywhere(label: str) -> None:
    frame = pd.DataFrame(
        {
            f"of {FLEET}": [
                FLEET,
                f"arn:aws:appstream:eu-west-1:012345678901:fleet/{FLEET}",
                f"see {FLEET}, and {label}",
                "mail jane.doe@example.com",
                "password=hunter2-Secret!",
            ]
        }
    )
    view = show.table(frame, f"Of {FLEET}")
    whole = str(view.as_json())
    for clear in (FLEET, "jane.doe", "hunter2"):
        assert clear not in whole
    assert view.caption == f"Of {label}"
    assert view.columns[0].title == f"of {label}"
    assert [row[0] for row in view.rows[:3]] == [label, label, f"see {label}, and {label}"]


def test_a_name_within_a_word_stays(evidence: Snapshot, label: str) -> None:
    free = FreeText(evidence)
    assert free(f"my{FLEET} {FLEET}s ({FLEET})") == f"my{FLEET} {FLEET}s ({label})"


def test_a_short_word_is_a_name_only_where_it_is_the_whole_text(tmp_path: Path) -> None:
    stored = Account(tmp_path).fleet("all").fleet("t1-a").snapshot()
    free = FreeText(stored)
    word, name = free("all"), free("t1-a")
    assert word.startswith("fleet-")
    assert free("all of t1-a") == f"all of {name}"


def test_only_labels_and_masks_of_the_kit_are_kept(tmp_path: Path) -> None:
    names = ("emea-production", "word-abcdefghij", "fleet")
    account = Account(tmp_path)
    for name in names:
        account.fleet(name)
    free = FreeText(account.snapshot())
    for name in names:
        for text in (name, f"on {name}.", f"⟦{name}⟧", f"⟦secret: {name}⟧"):
            assert name not in free(text).replace("fleet-", "").replace("secret: ", "")
    label, mask = free("emea-production"), "⟦secret: password-assignment⟧"
    assert free(f"{label} {mask} {label}") == f"{label} {mask} {label}"


@pytest.mark.parametrize(
    "text",
    [
        "PAYROLL-Fleet is up",
        "payroll\u2011fleet",
        "pay\u00adroll-fleet",
        "(payroll\u2010FLEET)",
        "\uff50ayroll-fleet",
    ],
)
def test_a_name_in_another_writing_is_a_label(evidence: Snapshot, label: str, text: str) -> None:
    assert label in FreeText(evidence)(text)


def test_persons_names_are_labels_within_texts(tmp_path: Path) -> None:
    user = {"UserName": "a.l@example.org", "FirstName": "Anna", "LastName": "Lindner"}
    account = Account(tmp_path).lists(DESCRIBE_USERS, user | {"AuthenticationType": "USERPOOL"})
    free = FreeText(account.snapshot())
    for text in ("Anna Lindner", "by Anna\u00a0Lindner,", "Lindner (ANNA)"):
        shown = free(text).casefold()
        assert "anna" not in shown
        assert "lindner" not in shown


def test_each_part_of_a_cell_is_shown_by_itself(evidence: Snapshot, label: str) -> None:
    parts = [f"a{FLEET}"[1:], {FLEET: [FLEET, {"x": FLEET}]}, (FLEET,)]
    view = show.table(pd.DataFrame({"a": [parts, {FLEET: 4111111111111111}]}), "Parts")
    assert FLEET not in str(view.rows)
    assert label in str(view.rows)
    assert "4111111111111111" not in str(view.rows)


def test_a_number_that_identifies_is_shown_as_its_text_is(evidence: Snapshot) -> None:
    view = show.table(pd.DataFrame({"a": [4111111111111111, 7], "b": [12, 10**12]}), "Numbers")
    assert [column.kind for column in view.columns] == ["text", "number"]
    assert "4111111111111111" not in str(view.rows)
    assert [row[1] for row in view.rows] == [12, 10**12]


@pytest.mark.parametrize(
    "text",
    [f"/{'home'}/anna.mueller/x.csv", r"C:\Users\Anna Mueller\x", "open('/Users/anna.mueller')"],
)
def test_home_folders_are_masked(text: str) -> None:
    assert "ueller" not in FreeText()(text)


def test_names_in_clear_stay_and_secrets_do_not(tmp_path: Path) -> None:
    free = FreeText(Account(tmp_path, pseudonymise=False).fleet(FLEET).snapshot())
    assert free(f"{FLEET}: password=hunter2-Secret!").startswith(f"{FLEET}: password=⟦secret")


def test_a_figure_is_drawn_with_labels(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(3, 2))
    axes = canvas.add_subplot()
    axes.barh([FLEET], [1])
    axes.set_title(f"On {FLEET}")
    monkeypatch.setitem(own.SVG, "svg.fonttype", "none")  # texts, to be read
    drawn: list[str] = []
    monkeypatch.setattr(
        RendererAgg, "draw_text", lambda self, gc, x, y, s, *_, **__: drawn.append(s)
    )
    axes.text(0, 0, f"In a picture: {FLEET}", rasterized=True)
    view = show.figure(axes, f"Of {FLEET}", f"A bar for {FLEET}")
    assert FLEET not in view.svg + view.caption + view.alt
    assert f"On {label}" in view.svg
    assert drawn == [f"In a picture: {label}"]
    assert canvas.axes[0].get_title() == f"On {FLEET}"


WRONG: list[Any] = [
    ([1, 2], "Numbers", "list is not a frame"),
    (pd.DataFrame({"a": [1]}), " ", "caption"),
    (pd.DataFrame(), "Nothing", "0 columns"),
    (pd.DataFrame({"a": range(MOST_ROWS + 1)}), "Too many", "20001 rows"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Twice", "same name"),
]


@pytest.mark.parametrize(("frame", "caption", "message"), WRONG)
def test_what_is_no_table_is_refused_in_a_line(frame: Any, caption: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        show.table(frame, caption)


@pytest.mark.parametrize(
    ("drawn", "caption", "alternative"),
    [("svg", "A", "b"), (None, "", "b"), (None, "A", "")],
)
def test_what_is_no_figure_is_refused_in_a_line(drawn: Any, caption: str, alternative: str) -> None:
    from matplotlib.figure import Figure as Canvas

    with pytest.raises(UserError, match=r"kit\.show\.figure"):
        show.figure(drawn or Canvas(), caption, alternative)


def test_the_snippets_of_the_page_work(
    evidence: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outputs").symlink_to(evidence.folder)
    monkeypatch.chdir(tmp_path)
    part = PAGE[PAGE.index("## Your own tables") :].partition("\n## ")[0]
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", part, re.DOTALL):
        exec(compile(snippet, "docs/own-cells-and-controls.md", "exec"), names)
    assert len(names["fleets"])


def test_a_long_table_is_whole_in_the_page_and_cut_in_the_pdf() -> None:
    view = show.table(pd.DataFrame({"n": range(PDF_ROWS + 50)}), "Numbers")
    assert len(view.rows) == PDF_ROWS + 50
    assert view.listed == [*range(PDF_ROWS)]


def test_the_document_numbers_them_apart() -> None:
    frame = pd.DataFrame({"a": [1]})
    kits = Table("kits", "Kit's", show.table(frame, "x").columns, [[1]])
    views = [cover(), show.table(frame, "Mine"), kits, Figure("own-f", "<svg/>", "alt", "Mine")]
    made = document(new_notebook(cells=[shown(view) for view in views]))
    labels = [
        block["label"]
        for block in made.blocks
        if block["kind"] == "table" or block["kind"] == "figure"
    ]
    assert made.cover["label"] == "Table 1"
    assert labels == ["Analyst's own table 1", "Table 2", "Analyst's own figure 1"]
