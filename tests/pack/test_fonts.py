"""Fonts: what the kit ships, what it finds, and that nothing unprintable reaches Typst."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_notebook

from kit.pack.blocks import table_block
from kit.pack.columns import Lines, Width, lowest, parts, share, widths
from kit.pack.document import document
from kit.pack.pdf import pdf
from kit.report import fonts
from kit.report.views import SEVERITIES, STATUSES, Column, Table
from tests.pack.conftest import SCRIPTS, cover, shown


def test_the_fonts_are_small_and_come_with_their_licence() -> None:
    files = list(fonts.directory().glob("*.ttf"))
    assert sum(path.stat().st_size for path in files) < 4_000_000
    licence = (fonts.directory() / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE" in licence
    for path in files:
        font = TTFont(path)
        assert path.name in licence
        assert "SIL Open Font License" in font["name"].getDebugName(13)
        assert font["OS/2"].fsType == 0  # may be embedded


def test_the_shapes_of_the_marks_are_in_one_shipped_font() -> None:
    symbols = next(face for face in fonts.shipped() if face.family == "Noto Sans Symbols2")
    for mark in [*STATUSES.values(), *SEVERITIES.values()]:
        assert set(map(ord, mark.shape)) <= symbols.covers


def test_a_shipped_face_is_what_its_file_states() -> None:
    for face in fonts.shipped():
        font = TTFont(face.path)
        assert face.family == font["name"].getBestFamilyName()
        assert face.covers == font.getBestCmap().keys()
    sans = TTFont(fonts.shipped()[0].path)
    for letter in "aWé€":
        width = sans["hmtx"][sans.getBestCmap()[ord(letter)]][0] / sans["head"].unitsPerEm
        assert fonts.em(letter) == width


@pytest.mark.parametrize("script", ["Greek", "Cyrillic", "Arabic", "Polish"])
def test_european_and_arabic_texts_need_nothing_from_the_machine(script: str) -> None:
    assert fonts.printable(SCRIPTS[script], fonts.shipped()) == SCRIPTS[script]
    assert fonts.faces_for(SCRIPTS[script]) == fonts.shipped()


def test_japanese_is_found_on_the_machine_and_emoji_are_written_out() -> None:
    faces = fonts.faces_for(SCRIPTS["Japanese"] + SCRIPTS["emoji"])
    assert len(faces) > len(fonts.shipped())
    assert fonts.printable(SCRIPTS["Japanese"], faces) == SCRIPTS["Japanese"]
    assert fonts.printable(f"a{SCRIPTS['emoji']}b", faces) == "a⟨U+1FAE0⟩b"


def test_a_machine_without_such_a_font_writes_japanese_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_machine", tuple)
    faces = fonts.faces_for("暗")
    assert faces == fonts.shipped()
    assert fonts.printable("暗a", faces) == "⟨U+6697⟩a"


def test_marks_that_combine_need_the_font_of_their_letter() -> None:
    assert fonts.printable("e\u0301", fonts.shipped()) == "e\u0301"
    assert fonts.printable("ش\u0301", fonts.shipped()) == "ش⟨U+0301⟩"
    assert fonts.printable("a\n\u0bcd", fonts.shipped()) == "a\n⟨U+0BCD⟩"


_ANY = st.text(st.characters(exclude_categories=()), max_size=12)
_MARKED = st.text(
    st.sampled_from(
        [c for c in map(chr, range(0x20, 0x3000)) if unicodedata.category(c)[0] in "LM"]
    )
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(_ANY, _MARKED), min_size=30, max_size=60))
def test_typst_never_fails_for_a_glyph(texts: list[str]) -> None:
    table = Table(
        "t", "c", [Column("a", "A"), Column("b", "B", "code")], [[text, text] for text in texts]
    )
    made = pdf(document(new_notebook(cells=[shown(cover()), shown(table)])))
    assert made.startswith(b"%PDF-1.7")


@given(st.text(st.characters(exclude_categories=())))
def test_parts_of_a_text_make_it_up(text: str) -> None:
    assert "".join(parts(text)) == text


def test_long_words_part_where_a_reader_would_part_them() -> None:
    assert parts("arn:aws:s3:::b") == ["arn:", "aws:", "s3:::", "b"]
    assert parts("NoSuchBucketPolicy") == ["No", "Such", "Bucket", "Policy"]


def test_a_column_of_many_ids_leaves_others_their_room() -> None:
    columns: list[Any] = [
        {"name": "says", "title": "Requirement", "kind": "text", "brief": None},
        {"name": "controls", "title": "Controls", "kind": "control", "brief": None},
    ]
    ids = [f"AR-{n:02d}" for n in range(45)]
    rows: list[Any] = [["Confidentiality, integrity, availability and resilience", ids]]
    says, listed = widths(table_block("t", columns, rows))
    assert listed.natural < says.natural


def test_a_column_that_decides_few_rows_leaves_room_to_those_that_decide_many() -> None:
    wanted = [Width(5, 80), Width(5, 80), Width(4, 4)]
    long, short, mark = Lines(1, 90.0), Lines(1, 0.5), Lines(1, 4.0)
    rows = [[long, long, mark], *([[short, long, mark]] * 30)]
    shares = share(wanted, 64)
    lower = lowest(shares, wanted, rows)
    assert sum(lower) == pytest.approx(64, rel=1e-3)
    assert lower[1] > shares[1]
    assert lower[2] >= 4
    assert lowest(shares, wanted, [[Lines(20, 4.0), short, mark]]) == shares, "none wraps"


@given(
    st.lists(
        st.tuples(st.floats(0.5, 13), st.floats(0, 34)).map(lambda w: Width(w[0], w[0] + w[1])),
        min_size=1,
        max_size=20,
    ),
    st.floats(10, 120),
)
def test_columns_fill_the_room_and_keep_their_least_where_it_fits(
    wanted: list[Width], room: float
) -> None:
    shares = share(wanted, room)
    assert sum(shares) == pytest.approx(room, rel=1e-3)
    if sum(width.least for width in wanted) <= room:
        for part, width in zip(shares, wanted, strict=True):
            assert part >= width.least - 1e-6
