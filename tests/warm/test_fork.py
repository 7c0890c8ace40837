"""Work in a fork of this process: its errors are the work's, and it is gone with its starter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import typst
from nbformat.v4 import new_notebook

from kit import warm
from kit.errors import CannotRunError, UserError
from kit.pack.document import document
from kit.pack.pdf import pdf
from kit.warm import fork
from kit.warm.fork import in_fork
from tests.pack.conftest import cover, shown
from tests.warm.test_warm import is_there, wait_until

pytestmark = pytest.mark.skipif(not warm.CAN_FORK, reason="only Linux forks safely")


@pytest.fixture(autouse=True)
def unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test before has done such work in this process."""
    monkeypatch.setattr(fork, "_worked_here", False)


def process() -> bytes:
    return str(os.getpid()).encode()


def is_here() -> bool:
    return in_fork("a file", process) == process()


def test_work_is_done_in_a_fork_and_its_result_is_whole() -> None:
    assert not is_here()
    assert in_fork("a file", lambda: b"many" * 2**20) == b"many" * 2**20
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # no process is left


def raising(error: BaseException) -> Callable[[], bytes]:
    def work() -> bytes:
        raise error

    return work


class _Local(Exception):  # noqa: N818
    def __reduce__(self) -> str:
        raise TypeError("it cannot be sent")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (UserError("a line of the user's"), UserError, "a line of the user's"),
        (
            typst.TypstError("a figure\nin the document"),
            typst.TypstError,
            "a figure\nin the document",
        ),
        (MemoryError(), MemoryError, ""),
        (_Local("of a library"), RuntimeError, "_Local: of a library"),
        (SystemExit(3), SystemExit, "3"),
    ],
)
def test_an_error_of_the_work_is_raised(
    error: BaseException, kind: type[BaseException], words: str
) -> None:
    with pytest.raises(kind) as raised:
        in_fork("a file", raising(error))
    assert (type(raised.value), str(raised.value)) == (kind, words)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "by signal 9"),
        (lambda: os._exit(5), "with exit code 5"),
    ],
)
def test_a_fork_that_was_ended_is_a_line(end: Callable[[], None], how: str) -> None:
    assert not is_here()
    with pytest.raises(CannotRunError) as raised:
        in_fork("the PDF", end)  # type: ignore[arg-type]
    line = f"the process of the PDF ended {how}; perhaps the memory of this machine is used up"
    assert str(raised.value) == line


def test_a_pdf_whose_process_was_ended_is_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starter = os.getpid()

    def compile_nothing(*_: object, **__: object) -> bytes:
        assert os.getppid() == starter
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(typst, "compile", compile_nothing)
    with pytest.raises(CannotRunError, match=r"^the process of the PDF ended by signal 9; "):
        pdf(document(new_notebook(cells=[shown(cover())])))


def test_work_stays_where_a_fork_is_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(is_here).result()
    assert is_here()  # a library that it used may wait for its threads
    monkeypatch.setattr(fork, "_worked_here", False)
    assert not is_here()


def test_work_stays_beside_a_thread_that_is_waited_for() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert is_here()
    finally:
        over.set()
        thread.join()


def test_work_forks_beside_a_thread_that_only_serves() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    try:
        assert not is_here()
    finally:
        over.set()
        thread.join()


def test_work_stays_in_an_event_loop() -> None:
    async def work() -> bool:
        return is_here()

    assert asyncio.run(work())


def test_work_stays_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "CAN_FORK", False)
    assert is_here()


def test_work_stays_where_the_system_refuses_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", raising(BlockingIOError(11, "no more processes")))
    assert is_here()
    assert fork._worked_here


_WORKS = """
import os, time
from kit.warm.fork import in_fork
def work():
    print(os.getpid(), flush=True)
    time.sleep(600)
try:
    in_fork("a file", work)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "printed"), [(signal.SIGINT, "interrupted\n"), (signal.SIGKILL, "")]
)
def test_no_fork_outlives_its_starter(number: signal.Signals, printed: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _WORKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert starter.stdout
    pid = int(starter.stdout.readline())
    starter.send_signal(number)
    out, err = starter.communicate()
    assert (out, err) == (printed, "")
    wait_until(lambda: not is_there(pid))
