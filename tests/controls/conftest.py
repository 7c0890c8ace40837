"""An account in which nothing is, to be filled by each test."""

from __future__ import annotations

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
def aws_cli() -> Any:
    """The AWS CLI, which reads each service's model once.

    Its import sets AWS_DATA_PATH for the whole process. Nothing else may see that: the kit would
    read models anew, in these tests and in later ones.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DATA_PATH", "")
        import awscli
        from awscli import clidriver

        patch.setenv("AWS_DATA_PATH", str(Path(awscli.__file__).parent / "data"))
        driver = clidriver.create_clidriver()
        driver.session.get_component("data_loader")  # reads the variable
    # A driver registers its handlers of arguments again with each command, and runs them all.
    emit = driver._emit_session_event

    def emit_once(arguments: Any) -> None:
        emit(arguments)
        driver._emit_session_event = lambda _: None

    driver._emit_session_event = emit_once
    return driver
