"""An account in which nothing is, to be filled by each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins import Account


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


@pytest.fixture
def strict(tmp_path: Path) -> Account:
    return Account(tmp_path, thresholds="strict")


@pytest.fixture(scope="module")
def aws_cli() -> Iterator[Any]:
    """The AWS CLI, which reads each service's model once.

    Its import sets AWS_DATA_PATH for the whole process; other tests must not see that.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DATA_PATH", "")
        import awscli
        from awscli import clidriver

        patch.setenv("AWS_DATA_PATH", str(Path(awscli.__file__).parent / "data"))
        yield clidriver.create_clidriver()
