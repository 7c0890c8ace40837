"""An account in which nothing is, to be filled by each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.standins import Account


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


@pytest.fixture
def strict(tmp_path: Path) -> Account:
    return Account(tmp_path, thresholds="strict")
