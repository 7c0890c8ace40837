"""What cells show: three forms of the same data, and refusals of what is no data."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.displayed import FOR_DOCUMENTS
from kit.report import live, views
from kit.report.live import lab_script
from kit.report.views import (
    EVIDENCE_MIME,
    SEVERITIES,
    STATUSES,
    Column,
    ControlBlock,
    Controls,
    Cover,
    Data,
    Figure,
    Group,
    Note,
    Remedies,
    Table,
    View,
    cell_text,
    escape,
    parse,
)


def table(rows: list[list[Any]], **fields: Any) -> Table:
    columns = [Column("name", "Name"), Column("verdict", "Verdict", "status")]
    return Table("t", "Caption", columns, rows, **fields)


def block(status: str = "fail", **fields: Any) -> ControlBlock:
    given = {
        "id": "AR-05",
        "title": "Buckets are encrypted",
        "status": status,
        "severity": "high",
        "responsibility": "customer",
        "source": "W",
        "articles": [{"article": "32", "why": "security"}],
        "context": [{"article": "44", "why": "transfers"}],
        "requirements": [{"framework": "ISO <27001>", "cited": ["8.24 Cryptography"]}],
        "expected": "AES256",
        "remedies": [{"parts": [["Needs", "a <word>"], ["Steps", "aws <fix>"]]}],
        "counts": {"fail": 1},
        "rest": [
            {"status": "pass", "count": 2, "observed": "fine", "plain": True, "evidence": ["E0001"]}
        ],
        "rows": table([["a", "fail"]]),
    }
    return ControlBlock(**(given | fields))


STEP = {"title": "CLI", "language": "sh", "code": "aws <fix>"}
VIEWS: list[View] = [
    table([["a", "pass"], ["<b>", None]]),
    table([["a", "pass"], ["b", "fail"]], listed=[1], cut="1 pass left out", anchor="name"),
    Figure("f", "<svg xmlns='http://www.w3.org/2000/svg'/>", "What it shows", "Caption"),
    Cover("T", "S", [("Account", "1")], "2026-01-01T00:00:00Z", "Sandbox", ["Unsigned"]),
    Controls([block()]),
    Remedies([{"controls": ["AR-05"], "when": "W", "steps": [STEP]}]),
    Note("Text", "warning"),
    Data("findings", [{"control": "AR-05"}], {"digest": "0"}),
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.kind)
def test_the_json_of_a_view_makes_the_same_view_again(view: View) -> None:
    data = json.loads(json.dumps(view._repr_mimebundle_()[EVIDENCE_MIME]))
    assert data["kind"] == view.kind
    assert parse(data) == view


def spoiled(value: Any) -> Iterator[Any]:
    """Yield JSON in which one part at a time is of another type, or gone."""
    yield from (None, 5, "text", ["text"], [[]], {"a": None}, [], {}, math.nan)
    if isinstance(value, dict):
        for name, part in value.items():
            yield {key: other for key, other in value.items() if key != name}
            yield from ({**value, name: other} for other in spoiled(part))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in spoiled(part))


@pytest.mark.parametrize("view", [*VIEWS, Group([table([["a", "pass"]])])], ids=lambda v: v.kind)
def test_a_view_that_somebody_edited_is_a_view_or_refused(view: View) -> None:
    refused = 0
    for data in spoiled(json.loads(json.dumps(view._repr_mimebundle_()[EVIDENCE_MIME]))):
        try:
            assert isinstance(parse(data).as_json(), dict)
        except (KeyError, TypeError, ValueError):
            refused += 1
    assert refused > 20


def test_a_group_of_groups_is_refused_however_deep() -> None:
    data: Any = {"kind": "note", "text": "t"}
    for _ in range(5_000):
        data = {"kind": "group", "views": [data]}
    with pytest.raises(ValueError, match="a group has tables and figures, no group"):
        parse(data)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.kind)
def test_every_view_has_text_for_terminals(view: View) -> None:
    assert str(view._repr_mimebundle_()["text/plain"]).strip()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.kind)
def test_a_view_for_documents_has_the_same_data_and_no_other_form(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = view._repr_mimebundle_()
    monkeypatch.setenv(FOR_DOCUMENTS, "1")
    shown = view._repr_mimebundle_()
    assert shown == {EVIDENCE_MIME: whole[EVIDENCE_MIME], "text/plain": ""}


def test_a_table_in_a_terminal_has_its_rows_in_columns() -> None:
    rows = [["fleet-1", "pass"], *([["x" * 300, "fail"]] * 30)]
    caption, head, first, second, *_, more = table(rows).plain().splitlines()
    assert caption == "Caption (31 rows)"
    assert head.index("Verdict") == first.index("pass") == second.index("fail")
    assert max(map(len, (head, first, second))) <= 120
    assert "11 more rows" in more


@pytest.mark.parametrize("view", [Note("a\ud800b"), Data("d", [{"a": "a\ud800b"}], {})])
def test_a_notebook_with_half_a_surrogate_pair_can_be_stored(view: View) -> None:
    bundle = json.dumps(view._repr_mimebundle_(), ensure_ascii=False)
    assert "a⟨U+D800⟩b" in bundle
    bundle.encode()


def test_a_figure_gives_its_svg_and_its_alternative_text() -> None:
    bundle = VIEWS[2]._repr_mimebundle_()
    assert str(bundle["image/svg+xml"]).startswith("<svg")
    assert 'alt="What it shows"' in str(bundle["text/html"])


def test_lab_says_how_many_rows_it_leaves_out_and_does_not_let_them_be_sorted() -> None:
    view = table([[f"row-{n}", "pass"] for n in range(75)])
    assert '<table class="data">' in view.html()
    html = view.html(rows=30)
    assert "row-29<" in html
    assert "row-30<" not in html
    assert "45 more rows" in html
    assert "<table>" in html


def test_lab_fragments_are_inert_and_show_what_cannot_be_seen() -> None:
    hostile = "<script>alert(1)</script>\u202egpj"
    for view in (
        table([[hostile, "pass"]]),
        Note(hostile),
        Cover(hostile, hostile, [(hostile, hostile)], "2026-01-01T00:00:00Z", hostile),
        Controls([block(title=hostile, expected=hostile, rows=table([[hostile, "fail"]]))]),
        Remedies([{"controls": [hostile], "steps": [{"title": hostile, "code": hostile}]}]),
        Figure("f", "<svg/>", hostile, hostile),
    ):
        html = str(view._repr_mimebundle_()["text/html"]).replace(lab_script(), "")
        assert "<script" not in html
        assert "\u202e" not in html
        assert "⟨U+202E⟩" in html


def test_no_text_of_a_language_ends_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "text", lambda key: f"</script>{key}")
    assert lab_script().count("</script>") == 1


def test_lab_fragments_follow_the_dark_theme() -> None:
    html = str(VIEWS[0]._repr_mimebundle_()["text/html"])
    fail = STATUSES["fail"]
    assert f'[data-jp-theme-light="false"] .evidence-fail {{ color: {fail.dark} }}' in html


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Column("a", "A", "colour"), "no kind 'colour'"),  # type: ignore[arg-type]
        (lambda: table([["a"]]), "row 0 has 1 cells"),
        (lambda: table([], listed=[]), "listed and cut go together"),
        (lambda: table([], cut="cut"), "listed and cut go together"),
        (lambda: table([], listed=[3], cut="x"), "rows that do not exist"),
        (lambda: table([], anchor="id"), "no column 'id'"),
        (lambda: Table("t", "c", [], []), "column names"),
        (lambda: Table("t", "c", [Column("a", "A"), Column("a", "B")], []), "column names"),
        (lambda: table([["a", "passed"]]), "no status 'passed'"),
        (lambda: Figure("f", "<svg/>", " ", "c"), "alternative text"),
        (lambda: Figure("f", "PNG", "alt", "c"), "not an SVG"),
        (lambda: block("red"), "unknown status"),
        (lambda: block(counts={"red": 1}), "unknown status"),
        (lambda: block(severity="urgent"), "unknown severity"),
        (lambda: parse({"kind": "script"}), "no view of the kind"),
        (lambda: parse({"kind": "group", "views": [{"kind": "note"}]}), "tables and figures, no n"),
    ],
)
def test_what_does_not_fit_together_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("text", object()),
        ("text", ["a"]),
        ("number", math.nan),
        ("number", math.inf),
        ("evidence", "E0001"),
        ("evidence", [1]),
        ("control", [None]),
    ],
)
def test_cells_that_are_no_json_of_their_kind_are_refused(kind: Any, cell: Any) -> None:
    with pytest.raises(TypeError, match="row 0, 'c'"):
        Table("t", "c", [Column("c", "C", kind)], [[cell]])


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [
        ("text", None, "–"),
        ("text", "", "–"),
        ("evidence", [], "–"),
        ("evidence", ["E0001", "E0002"], "E0001, E0002"),
        ("text", True, "yes"),
        ("text", False, "no"),
        ("text", 36000, "36000"),
        ("number", 36000, "36,000"),
        ("number", 0, "0"),
        ("datetime", "2026-11-24T10:00:11.123456+00:00", "2026-11-24 10:00:11 UTC"),
        ("datetime", "2026-11-24T10:00Z", "2026-11-24 10:00 UTC"),
        ("datetime", "2026-11-24T10:00:11+02:00", "2026-11-24T10:00:11+02:00"),
        ("datetime", "never", "never"),
    ],
)
def test_what_a_reader_sees_of_a_cell(kind: Any, cell: Any, text: str) -> None:
    assert cell_text(kind, cell) == text


def test_joiners_stay_inside_words_that_are_spelt_with_them() -> None:
    assert escape("می\u200cخواهم") == "می\u200cخواهم"
    assert escape("a\u200cb") == "a⟨U+200C⟩b"


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_unseen_is_left_by_escape(text: str) -> None:
    shown = escape(text)
    shown.encode()  # no half of a surrogate pair is left
    assert not set(shown) & set(map(chr, [*range(9), *range(0x0E, 0x20), 0x7F, 0x200B, 0xFEFF]))
    assert not set(shown) & set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
    assert escape(shown) == shown


def test_statuses_differ_in_word_and_in_shape() -> None:
    for marks in (STATUSES, SEVERITIES):
        assert len({mark.word for mark in marks.values()}) == len(marks)
        assert len({mark.shape for mark in marks.values()}) == len(marks)
        assert all(name == mark.word for name, mark in marks.items())


# Luminance and contrast as WCAG 2.2 defines them; colour vision after Machado, Oliveira and
# Fernandes (2009), full dichromacy; distance is CIE 1976.
_VISION = {
    "full": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def luminance(colour: list[float]) -> float:
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), colour, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> tuple[float, float, float]:
    rgb = [
        min(1.0, max(0.0, sum(m * p for m, p in zip(row, linear(colour), strict=True))))
        for row in _VISION[vision]
    ]
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116)
        for row, w in zip(matrix, white, strict=True)
        for part in [sum(m * p for m, p in zip(row, rgb, strict=True)) / w]
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("mark", [*STATUSES.values(), *SEVERITIES.values()], ids=lambda m: m.word)
def test_colours_reach_wcag_aa(mark: views.Mark) -> None:
    assert min(contrast(mark.light, paper) for paper in ("#ffffff", "#f1f4f7")) >= 4.5
    assert min(contrast(mark.dark, paper) for paper in ("#14181d", "#1f262e")) >= 4.5


@pytest.mark.parametrize("vision", _VISION)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_differ_for_colour_blind_readers(vision: str, scheme: str) -> None:
    colours = [getattr(mark, scheme) for mark in STATUSES.values()]
    nearest = min(
        math.dist(lab(one, vision), lab(other, vision))
        for one, other in itertools.combinations(colours, 2)
    )
    assert nearest >= 12
