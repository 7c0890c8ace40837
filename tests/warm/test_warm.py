"""Processes forked from a warm interpreter: their own, and gone with whoever started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat import v4

from kit import maker, warm
from kit.kernels import NAME

pytestmark = pytest.mark.skipif(not warm.CAN_FORK, reason="only Linux forks safely")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; a test that waits for ever is stopped here."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def command(code: str) -> list[str]:
    """A command that a warm interpreter can run, and that runs this code."""
    return [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", code]


def run(code: str, **options: Any) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        open(os.devnull) as nothing,
    ):
        files = (nothing.fileno(), out.fileno(), err.fileno())
        ended = warm.start(command(code), files=files, **options).wait()
        out.seek(0)
        err.seek(0)
        return ended, out.read().decode(), err.read().decode()


def test_what_is_needed_has_been_imported() -> None:
    code = (
        "import sys; print({'boto3', 'fontTools', 'ipykernel', 'papermill'} <= sys.modules.keys())"
    )
    assert run(code)[1].startswith("True\n")


def test_what_botocore_knows_of_services_has_been_read() -> None:
    code = (
        "import boto3, botocore.loaders; from kit.aws_models import _ModelFiles, share_models; "
        "botocore.loaders.JSONFileLoader.load_file = None; "  # whoever reads a model now fails
        "_ModelFiles.load_file = None; "
        "session = boto3.Session(); share_models(session._session); "
        "made = session.client('appstream', 'eu-west-1', aws_access_key_id='a', "
        "aws_secret_access_key='b'); print(made.meta.service_model.service_name)"
    )
    ended, out, err = run(code)
    assert (ended, out.splitlines()[:1]) == (0, ["appstream"]), err


def test_the_lock_of_the_kit_has_been_computed() -> None:
    code = "from kit import maker; maker._digest = None; print(maker.lock())"
    ended, out, err = run(code)
    assert (ended, out.splitlines()[:1]) == (0, [maker.lock()]), err


def test_environment_and_folder_are_its_own(tmp_path: Path) -> None:
    code = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    _, out, _ = run(code, cwd=tmp_path, env={"AWS_PROFILE": "audit"})
    folder, environment = json.loads(out.splitlines()[0])
    assert folder == str(tmp_path)
    assert environment.pop(warm.ADDRESS)
    assert environment == {"AWS_PROFILE": "audit"}


def test_nothing_is_left_for_the_next() -> None:
    assert run("import kit; kit.left = True")[0] == 0
    assert run("import kit; print(hasattr(kit, 'left'))")[1].startswith("False\n")


@pytest.mark.parametrize(
    ("code", "ended", "said"),
    [
        ("pass", 0, ""),
        ("import os; os._exit(3)", 3, ""),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    ],
)
def test_exit_codes_are_told(code: str, ended: int, said: str) -> None:
    found, _, err = run(code)
    assert found == ended
    assert said in err


def test_a_module_that_exits_exits() -> None:
    assert warm.start([sys.executable, "-m", "timeit", "--no-such-option"]).wait() == 2


def test_a_process_can_be_ended() -> None:
    process = warm.start(command("import time; time.sleep(600)"))
    assert process.poll() is None
    process.terminate()
    assert process.wait() == process.poll() == -signal.SIGTERM
    process.kill()  # says nothing of a process that has ended


def test_other_commands_are_run_plain() -> None:
    for other in (["/bin/true"], [sys.executable, "-c", "pass"], [sys.executable, "-I", "-m", "x"]):
        with pytest.raises(warm.NotWarm):
            warm.start(other)


def test_where_nothing_can_be_forked_all_is_run_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "CAN_FORK", False)  # as on macOS
    with pytest.raises(warm.NotWarm):
        warm.start(command("pass"))


_STARTS_ONE = """
import os, sys, time
from kit import warm
process = warm.start([sys.executable, "-m", "timeit", "import time; time.sleep(600)"])
print(process.pid, warm._server.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["starter", "server"])
def test_nobody_is_left_alone(victim: str, tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTS_ONE],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # which keeps what the killed starter leaves
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    assert starter.stderr
    pid, server = map(int, starter.stdout.readline().split())
    assert is_there(pid)
    os.kill({"starter": starter.pid, "server": server}[victim], signal.SIGKILL)
    wait_until(lambda: not is_there(pid))
    starter.kill()
    starter.wait()
    starter.stdout.close()
    wait_until(lambda: not is_there(server))
    with starter.stderr as said:
        assert said.read() == ""


def test_a_server_that_was_killed_is_replaced() -> None:
    first = warm.start(command("import time; time.sleep(600)"))
    assert warm._server
    warm._server.kill()
    warm._server.wait()
    assert first.wait() == -signal.SIGKILL
    assert run("pass")[0] == 0


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    code = (
        "import json, os, sys\n"
        "facts = {'warm': 'kit.tables' in sys.modules, 'profile': os.environ.get('AWS_PROFILE')}\n"
        "print(json.dumps(facts))"
    )
    path = tmp_path / "asks.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(code)]), path)
    return path


@pytest.mark.parametrize("is_warm", [True, False])
def test_papermill_starts_its_kernels_warm(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_warm: bool
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "audit")
    monkeypatch.setenv(warm.ADDRESS, warm._find_server() if is_warm else str(tmp_path / "gone"))
    made = papermill.execute_notebook(str(notebook), None, kernel_name=NAME, progress_bar=False)
    told = json.loads(made.cells[0].outputs[0].text)
    assert told == {"warm": is_warm, "profile": "audit"}
