"""Figures can be read, whatever the numbers and the words in them are."""

from __future__ import annotations

import re
from functools import partial
from itertools import combinations
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import typst

from kit.catalogue.statuses import STATUSES, WORST_FIRST
from kit.controls import CONTROLS
from kit.report import figures, fonts
from kit.report.drawing import Drawing, steps, width
from kit.warm.fork import in_fork


def _of(most: int) -> Any:
    sections = {CONTROLS[name].section: name for name in CONTROLS}
    leaves = [
        SimpleNamespace(control=name, status=status)
        for name in sections.values()
        for place, status in enumerate(WORST_FIRST)
        for _ in range(most if place == 1 else 1)
    ]
    return SimpleNamespace(leaves=leaves)


@pytest.mark.parametrize("most", [1, 9, 2_345])
def test_numbers_stand_apart_and_on_the_page(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, float, float, float, float]] = []
    sizes: list[tuple[float, float]] = []

    class Noting(Drawing):
        def words(self, x: float, y: float, line: str, size: float, **style: Any) -> None:
            super().words(x, y, line, size, **style)
            wide = width(line, size, bold=style.get("bold", False))
            left = x - {"start": 0, "middle": 0.5, "end": 1}[style.get("align", "start")] * wide
            drawn.append((line, left, y - size / 2, left + wide, y + size / 2))
            sizes.append((self.width, self.height))

    monkeypatch.setattr(figures, "Drawing", Noting)
    picture = figures.verdicts(_of(most)).svg
    assert picture == figures.verdicts(_of(most)).svg
    drawn = drawn[: len(drawn) // 2]
    axis = 1 + len(steps(most + len(WORST_FIRST) - 1))
    numbers = [place[0] for place in drawn[:-axis] if place[0].isdigit()]
    assert sorted(set(numbers), key=int) == sorted({"1", str(most)}, key=int)
    assert len(numbers) == len({one.section for one in CONTROLS.values()}) * len(WORST_FIRST)
    for (_, *one), (_, *other) in combinations(drawn, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for _, left, top, right, foot in drawn:
        assert left >= 0
        assert top >= 0
        assert right <= sizes[0][0]
        assert foot <= sizes[0][1]


def test_the_provider_has_a_row_and_every_verdict_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("GV-01", "GV-02")
    leaves = [SimpleNamespace(control=name, status="fail") for name in names]
    words: list[str] = []
    drawn = Drawing.words

    def noting(self: Drawing, x: float, y: float, line: str, *size: Any, **style: Any) -> None:
        words.append(line)
        drawn(self, x, y, line, *size, **style)

    monkeypatch.setattr(Drawing, "words", noting)
    figure = figures.verdicts(SimpleNamespace(leaves=leaves))  # type: ignore[arg-type]
    assert figure.alt.endswith("Governance: 1 fail; The provider's side: 1 fail.")
    shapes = {status.shape for status in STATUSES.values()}
    assert shapes <= {*words}


def test_each_status_has_its_own_fill() -> None:
    picture = ElementTree.fromstring(figures.verdicts(_of(1)).svg)
    fills = {one.get("fill") for one in picture.iter("{http://www.w3.org/2000/svg}rect")}
    patterns = [one.get("id") for one in picture.iter("{http://www.w3.org/2000/svg}pattern")]
    hatched = [status for status in STATUSES.values() if status.hatch]
    assert len(patterns) == len(hatched)
    assert fills >= {f"url(#{name})" for name in patterns}


@pytest.mark.parametrize("most", [0, 1, 9, 10, 86, 999, 40_000])
def test_an_axis_has_few_round_numbers(most: int) -> None:
    marks = steps(most)
    assert marks[0] == 0
    assert len(marks) <= 10
    assert most - marks[-1] < marks.step
    assert re.fullmatch("[125]0*", str(marks.step))


@pytest.mark.parametrize("word", ["pass", "größer Ωмега", "✗ fail"])
def test_words_are_outlines_that_look_the_same_everywhere(word: str) -> None:
    drawing = Drawing(200, 20)
    drawing.words(0, 10, word, 10)
    picture = drawing.svg()
    assert "<text" not in picture
    used, defined = (
        set(re.findall(f'{name}="#?(g[0-9a-f]+)"', picture)) for name in ("href", "id")
    )
    assert used == defined == {f"g{ord(letter):x}" for letter in word if letter != " "}


@pytest.mark.parametrize("word", ["خرق البيانات", "תקין", "データ", "e\u0301", "a<b\u0301&"])
def test_words_whose_letters_join_stay_text_for_browsers_and_typst_to_shape(word: str) -> None:
    drawing = Drawing(200, 20)
    drawing.words(100, 10, word, 10, bold=True, align="middle")
    (line,) = ElementTree.fromstring(drawing.svg()).iter("{http://www.w3.org/2000/svg}text")
    assert line.text == word
    assert line.get("font-weight") == "bold"
    assert width(word, 10) == pytest.approx(10 * fonts.em(word))


def test_what_nobody_would_see_is_written_out() -> None:
    drawing = Drawing(200, 20)
    drawing.words(0, 10, "a\u202eb\x00", 10)
    assert "<text" not in drawing.svg()
    ElementTree.fromstring(drawing.svg())


def test_typst_draws_every_hatch() -> None:
    pictures = set()
    for status in STATUSES.values():
        drawing = Drawing(40, 40)
        drawing.box(0, 0, 40, 40, fill=drawing.hatched(status.hatch, "#000000"))
        source = (
            f"#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes({_quoted(drawing)}))"
        )
        # Typst's threads would stay in this process, and a fork of a later test wait for them.
        drawn = partial(typst.compile, source.encode(), format="png")
        pictures.add(in_fork("a figure", drawn))
    assert len(pictures) == len({status.hatch for status in STATUSES.values()})


def _quoted(drawing: Drawing) -> str:
    return '"' + drawing.svg().replace("\\", "\\\\").replace('"', '\\"') + '"'
