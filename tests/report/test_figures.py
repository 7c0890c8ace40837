"""The figure of verdicts can be read, whatever the numbers are."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest

from kit.catalogue.statuses import WORST_FIRST
from kit.controls import CONTROLS
from kit.report import figures


@pytest.mark.parametrize("most", [1, 9, 2_345])
def test_numbers_stand_apart_and_on_the_page(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    svg = figures.svg
    monkeypatch.setattr(figures, "svg", lambda canvas: drawn.append(canvas) or svg(canvas))
    sections = {CONTROLS[name].section: name for name in CONTROLS}
    leaves = [
        SimpleNamespace(control=name, status=status)
        for name in sections.values()
        for place, status in enumerate(WORST_FIRST)
        for _ in range(most if place == 1 else 1)
    ]
    figures.verdicts(SimpleNamespace(leaves=leaves))  # type: ignore[arg-type]
    (canvas,) = drawn
    texts = [text for text in canvas.axes[0].texts if text.get_text()]
    numbers = [text.get_text() for text in texts if text.get_text().isdigit()]
    assert sorted(set(numbers), key=int) == sorted({"1", str(most)}, key=int)
    assert len(numbers) == len(sections) * len(WORST_FIRST)
    boxes = [text.get_window_extent() for text in texts]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    page = canvas.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
