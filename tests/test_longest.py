"""Long test files come first, whatever is renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.longest import LONGEST


@pytest.mark.parametrize("name", LONGEST)
def test_a_file_that_comes_first_is_there(name: str) -> None:
    assert (Path(__file__).parent / name).is_file()
