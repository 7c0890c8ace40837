"""Every run of the tests is alike, and quick tests import nothing heavy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest, drawn, quick
from tests.longest import LONGEST

ROOT = Path(__file__).parent.parent
PROBE = """
import json, os, signal, sys
import botocore.session

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        return
    try:
        refused = os.system("true")
    except BaseException as error:
        refused = str(error)
    session = botocore.session.get_session()
    state = {
        "modules": sorted(sys.modules),
        "environment": dict(os.environ),
        "profiles": session.available_profiles,
        "interrupts": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "refused": refused,
        "credentials": session.get_credentials() is not None,
    }
    with open(os.environ["PROBED"], "w") as file:
        json.dump(state, file)
"""


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the worker of one quick file loads and sees, started by somebody who has AWS settings."""
    folder = tmp_path_factory.mktemp("developer")
    (folder / "probe.py").write_text(PROBE)
    (folder / "config").write_text("[profile theirs]\nregion = eu-west-1\n")
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = theirs\n"
    )
    theirs = {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_PROFILE": "theirs",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "theirs",
        "XDG_CONFIG_HOME": str(folder),
    }
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--quick", "-q", "-p", "probe", "-n1"),
            "tests/tables/test_cells.py",
        ],
        cwd=ROOT,
        env={**os.environ, **theirs, "PYTHONPATH": path, "PROBED": str(folder / "probed.json")},
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as in the background
    )
    assert done.returncode == 0, done.stdout
    state: dict[str, object] = json.loads((folder / "probed.json").read_text())
    return state


@pytest.mark.parametrize("name", ["moto", "pyhanko", "playwright", "kit.sandbox", "papermill"])
def test_a_quick_file_loads_nothing_heavy(probed: dict[str, list[str]], name: str) -> None:
    assert "tests.conftest" in probed["modules"]
    assert name not in probed["modules"]


def test_the_settings_of_the_developer_are_out_of_reach(probed: dict[str, dict[str, str]]) -> None:
    own = {name for name in probed["environment"] if name.startswith("AWS_")}
    assert own == {
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert not any("developer" in probed["environment"][name] for name in own)
    assert "developer" not in probed["environment"]["XDG_CONFIG_HOME"]
    assert probed["profiles"] == []
    assert probed["credentials"] is False


def test_commands_that_are_interrupted_hear_it_in_the_background_too(
    probed: dict[str, bool],
) -> None:
    assert probed["interrupts"]


def test_a_quick_test_starts_no_process(probed: dict[str, str]) -> None:
    assert probed["refused"].startswith("a quick test started a process (os.system): ")


@pytest.fixture(scope="session")
def earliest() -> dict[str, str]:
    """The environment as the widest fixture sees it."""
    return dict(os.environ)


def test_fixtures_of_the_session_are_kept_apart_too(earliest: dict[str, str]) -> None:
    assert not Path(earliest["AWS_CONFIG_FILE"]).exists()
    assert not Path(earliest["AWS_SHARED_CREDENTIALS_FILE"]).exists()
    assert "AWS_PROFILE" not in earliest


@pytest.mark.parametrize(
    ("text", "slow"),
    [
        ("import subprocess", True),
        ("import subprocesses", False),
        ("from kit import sandbox as local", True),
        ("from kit.sandbox.server import Sandbox", True),
        ("def test_it():\n    from playwright.sync_api import Page", True),
        ("from tests.test_cli import evidence", True),
        ("from tests.standins import Account", False),
        ("from kit import evaluate, tabulate", False),
        ("if TYPE_CHECKING:\n    from kit.sandbox.server import Sandbox", False),
    ],
)
def test_a_file_is_slow_by_what_it_imports(tmp_path: Path, text: str, slow: bool) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(text)
    assert quick.is_slow_file(path) is slow


@pytest.mark.parametrize(
    ("text", "slow"),
    [
        ("import subprocess", True),
        ("def made():\n    import subprocess", False),  # only the tests that ask for it are slow
    ],
)
def test_a_file_is_slow_by_what_its_conftest_imports(tmp_path: Path, text: str, slow: bool) -> None:
    (tmp_path / "conftest.py").write_text(text)
    path = tmp_path / "test_it.py"
    path.write_text("import pytest")
    assert quick.is_slow_file(path) is slow


@pytest.fixture
def starting() -> object:
    import subprocess

    return subprocess.Popen


@pytest.fixture
def behind(starting: object) -> object:
    return starting


@pytest.mark.parametrize("given", ["anything"])
def test_a_test_is_slow_by_the_fixtures_behind_its_fixtures(
    request: pytest.FixtureRequest, given: str, behind: object
) -> None:
    assert quick.is_slow_test(request.node)


def test_a_test_without_such_fixtures_is_quick(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert not quick.is_slow_test(request.node)


def left(items: list[Any], *, quick: bool) -> list[Any]:
    """The items that a run has, in their order."""
    hook = SimpleNamespace(pytest_deselected=lambda items: None)
    conftest.pytest_collection_modifyitems(
        SimpleNamespace(getoption=lambda _: quick, hook=hook),  # type: ignore[arg-type]
        items,
    )
    return items


def test_a_slow_file_that_is_named_gives_no_quick_test(request: pytest.FixtureRequest) -> None:
    assert not quick.is_slow_test(request.node)
    assert left([request.node], quick=True) == []


def test_long_files_come_first_wherever_others_are() -> None:
    short, long = (SimpleNamespace(path=ROOT / "tests" / name) for name in ("a.py", LONGEST[0]))
    elsewhere = SimpleNamespace(path=Path("/elsewhere/test_it.py"))
    assert left([elsewhere, short, long], quick=False) == [long, elsewhere, short]


def test_a_quick_run_draws_fewer_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_share", 1)
    assert drawn.examples(600).max_examples == 600
    drawn.draw_fewer()
    assert drawn.examples(600).max_examples == 600 // drawn.QUICK


def test_examples_rest_on_no_constant_of_the_code() -> None:
    from hypothesis.internal.conjecture.providers import HypothesisProvider

    assert not HypothesisProvider(None)._local_constants.strings
