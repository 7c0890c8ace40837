"""Work in a fork of this process: its errors are the work's, and it is gone with its starter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typst

from kit import log, warm
from kit.errors import CannotRunError, UserError
from kit.warm import fork
from kit.warm import process as process_of_forks
from kit.warm.fork import beside, handover, in_fork
from tests.warm.test_warm import is_there, wait_until

pytestmark = pytest.mark.skipif(not warm.CAN_FORK, reason="only Linux forks safely")


@pytest.fixture(autouse=True)
def unused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test before has done such work in this process."""
    monkeypatch.setattr(fork, "_worked_here", False)


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork whatever other tests left in this process, such as Playwright's event loop."""
    monkeypatch.setattr(fork, "_can_fork", lambda: True)


def alone(*lines: str) -> str:
    """Return what lines print in a process of their own, which has one thread."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((_ALONE, *lines))], capture_output=True, text=True
    )
    assert not done.stderr
    return done.stdout


_ALONE = """
import asyncio, os, threading
from concurrent.futures import ThreadPoolExecutor
from kit.warm import fork
def process():
    return str(os.getpid()).encode()
def is_here():
    return fork.in_fork("a file", process) == process()
async def within_loop():
    return is_here()
"""


def process() -> bytes:
    return str(os.getpid()).encode()


def is_here() -> bool:
    return in_fork("a file", process) == process()


@pytest.mark.usefixtures("forking")
def test_work_is_done_in_a_fork_and_its_result_is_whole() -> None:
    assert not is_here()
    assert in_fork("a file", lambda: b"many" * 2**20) == b"many" * 2**20
    with pytest.raises(ChildProcessError):
        os.waitpid(int(in_fork("a file", process)), os.WNOHANG)  # it is gone


def raising(error: BaseException) -> Callable[[], bytes]:
    def work() -> bytes:
        raise error

    return work


class _Local(Exception):  # noqa: N818
    def __reduce__(self) -> str:
        raise TypeError("it cannot be sent")


@pytest.mark.usefixtures("forking")
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


@pytest.mark.usefixtures("forking")
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


@pytest.mark.usefixtures("forking")
def test_work_is_done_beside_the_block_and_ends_with_it() -> None:
    reader, writer = os.pipe()

    def work() -> bytes:
        os.write(writer, f"{os.getpid()}".encode())
        threading.Event().wait()
        return b""

    with beside("a file", work):
        pid = int(os.read(reader, 20))
        os.kill(pid, 0)  # it works
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    for end in (reader, writer):
        os.close(end)


@pytest.mark.usefixtures("forking")
def test_a_process_ends_with_its_work_and_not_when_somebody_asks_for_the_result() -> None:
    reader, writer = os.pipe()

    def work() -> bytes:
        os.write(writer, f"{os.getpid()}".encode())
        return b"many" * 2**20  # more than a pipe takes

    with beside("a file", work) as result:
        pid = int(os.read(reader, 20))
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended
        assert (ended.si_pid, ended.si_status) == (pid, 0)
        assert result() == b"many" * 2**20
    for end in (reader, writer):
        os.close(end)


def test_work_stays_where_a_fork_is_not_safe() -> None:
    """A library that such work used may wait for its threads, so later work stays too."""
    in_a_thread = "with ThreadPoolExecutor(1) as threads: print(threads.submit(is_here).result())"
    assert alone(in_a_thread, "print(is_here())") == "True\nTrue\n"
    again = "fork._worked_here = False"
    assert alone(in_a_thread, again, "print(is_here())") == "True\nFalse\n"


@pytest.mark.parametrize(("daemon", "stays"), [(False, "True\n"), (True, "False\n")])
def test_work_forks_beside_a_thread_that_only_serves(daemon: bool, stays: str) -> None:
    printed = alone(
        "over = threading.Event()",
        f"threading.Thread(target=over.wait, daemon={daemon}).start()",
        "print(is_here())",
        "over.set()",
    )
    assert printed == stays


def test_work_stays_in_an_event_loop() -> None:
    assert alone("print(asyncio.run(within_loop()))") == "True\n"


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


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "ended\n")]
)
def test_a_signal_amid_a_fork_takes_effect_after_it(number: signal.Signals, end: str) -> None:
    printed = alone(
        "import signal, sys, time",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))",
        # In a hook, as logging has them.
        f"os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), {int(number)}))",
        "try:",
        "    fork.in_fork('a file', lambda: time.sleep(600))",
        "except KeyboardInterrupt:",
        "    print('interrupted')",
        "except SystemExit:",
        "    print('ended')",
        "try: os.wait()",  # no child is left
        "except ChildProcessError: pass",
    )
    assert printed == end


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler])
def test_a_fork_leaves_the_handlers_of_signals_as_they_are(
    handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert in_fork("a file", lambda: b"done") == b"done"
        assert signal.getsignal(signal.SIGINT) is handler
        monkeypatch.setattr(os, "fork", raising(BlockingIOError(11, "no more processes")))
        assert in_fork("a file", lambda: b"here") == b"here"
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


_TIDIES = """
import os, signal, sys, time
from pathlib import Path
from kit.warm.fork import beside, in_fork
place = Path(sys.argv[1])
def work():
    place.touch()
    try:
        print(os.getpid(), flush=True)
        while True:  # a signal just before a long sleep would not end that
            time.sleep(0.05)
    finally:
        time.sleep(0.2)  # a second signal comes here
        place.unlink()
def terminate(*_):
    raise SystemExit(143)
signal.signal(signal.SIGTERM, terminate)
try:
    in_fork("a file", work, tidies=True)
except KeyboardInterrupt:
    print("interrupted", place.exists(), flush=True)
except SystemExit:
    print("terminated", place.exists(), flush=True)
"""


@pytest.mark.parametrize("whole_group", [True, False])
@pytest.mark.parametrize(
    ("number", "printed"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
def test_work_that_tidies_is_waited_for(
    number: signal.Signals, printed: str, whole_group: bool, tmp_path: Path
) -> None:
    """A terminal sends Ctrl-C to the fork too, and `kill` to the starter alone."""
    starter = subprocess.Popen(
        [sys.executable, "-c", _TIDIES, str(tmp_path / "half")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout
    pid = int(starter.stdout.readline())
    (os.killpg if whole_group else os.kill)(starter.pid, number)
    assert starter.communicate() == (f"{printed} False\n", "")
    assert not is_there(pid)


_SIGNALLED = (
    "import signal, sys, time; from pathlib import Path",
    "def terminate(*_): raise SystemExit(143)",
    "signal.signal(signal.SIGTERM, terminate)",
    "reader, writer = os.pipe()",
)


def test_a_signal_just_after_a_fork_lets_it_tidy() -> None:
    printed = alone(
        *_SIGNALLED,
        "def work():",
        "    try:",
        "        os.write(writer, b'begun')",
        "        while True: time.sleep(0.05)",
        "    finally:",
        "        os.write(writer, b', tidied')",
        "made = fork.process.fork",
        "def signalled():",
        "    pid = made()",
        "    if pid:",
        "        print(os.read(reader, 5).decode(), end='')",
        "        signal.raise_signal(signal.SIGTERM)",
        "    return pid",
        "fork.process.fork = signalled",
        "try: fork.in_fork('a file', work, tidies=True)",
        "except SystemExit: print(os.read(reader, 20).decode())",
    )
    assert printed == "begun, tidied\n"


def test_a_signal_at_the_very_start_of_a_fork_ends_it() -> None:
    """A new process forgets the signals of which Python takes note before its hooks ran."""
    printed = alone(
        *_SIGNALLED,
        "made = os.fork",
        "def signalled():",
        "    pid = made()",
        "    if pid: os.kill(pid, signal.SIGTERM)",
        "    return pid",
        "os.fork = signalled",
        "from kit.errors import CannotRunError",
        "try:",
        "    fork.in_fork('a file', lambda: time.sleep(1), tidies=True)",
        "    print('late')",
        "except (CannotRunError, SystemExit): print('ended')",
    )
    assert printed == "ended\n"


@pytest.mark.usefixtures("forking")
def test_a_fork_is_waited_for_by_a_python_without_descriptors_of_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert in_fork("a file", lambda: time.sleep(0.1) or process()) != process()


@pytest.mark.usefixtures("forking")
def test_a_fork_gets_what_its_starter_knows_only_later() -> None:
    with handover() as (give, take), beside("a file", lambda: (take(), os.getpid())) as result:
        give({"names": ["a", "b"]})
        given, pid = result()
    assert given == {"names": ["a", "b"]}
    assert pid != os.getpid()


def test_work_in_this_process_gets_what_was_given_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "CAN_FORK", False)
    with handover() as (give, take), beside("a file", take) as result:
        give(["a"])
        assert result() == ["a"]


@pytest.mark.parametrize("tidies", [False, True])
def test_a_signal_just_after_a_fork_ended_is_no_other_error(tidies: bool) -> None:
    printed = alone(
        *_SIGNALLED,
        "reap = os.waitpid",
        "def signalled(*given):",
        "    ended = reap(*given)",
        "    signal.raise_signal(signal.SIGTERM)",
        "    return ended",
        "os.waitpid = signalled",
        f"try: fork.in_fork('a file', process, tidies={tidies})",
        "except SystemExit: print('terminated')",
    )
    assert printed == "terminated\n"


@pytest.mark.usefixtures("forking")
def test_a_fork_begins_the_log_of_its_command(tmp_path: Path) -> None:
    def work() -> str:
        log.keep(tmp_path)
        log.event("collected")
        return "done"

    with log.command("run"):
        assert in_fork("a file", work) == "done"
        assert log.kept() == tmp_path / log.NAME
        log.event("sealed")
    lines = [json.loads(line) for line in (tmp_path / log.NAME).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["started", "collected", "sealed", "ended"]
    assert {line["process"] for line in lines} == {os.getpid()}


@pytest.mark.usefixtures("forking")
def test_the_log_names_where_in_a_fork_an_error_was_raised(tmp_path: Path) -> None:
    def work() -> None:
        log.keep(tmp_path)
        try:
            raising(OSError(5, "of the disk"))()
        except OSError as error:
            raise ValueError("unforeseen") from error

    with pytest.raises(ValueError, match="unforeseen") as raised, log.command("run"):
        in_fork("a file", work)
    assert "of the disk" in raised.value.__notes__[0]  # the traceback
    *_, failed = (json.loads(line) for line in (tmp_path / log.NAME).read_text().splitlines())
    assert [each["type"] for each in failed["exceptions"]] == ["ValueError", "OSError"]
    assert [each["places"][-1].split()[-1] for each in failed["exceptions"]] == ["work", "work"]


@pytest.mark.usefixtures("forking")
def test_a_mistake_of_the_users_comes_without_a_traceback() -> None:
    with pytest.raises(UserError) as raised:
        in_fork("a file", raising(UserError("outputs: is full")))
    assert not hasattr(raised.value, "__notes__")


def test_signals_take_effect_after_what_may_not_be_interrupted() -> None:
    came: list[str] = []

    def handle(*_: object) -> None:
        came.append("handled")

    before = signal.signal(signal.SIGTERM, handle)
    try:
        with process_of_forks.deferred():
            signal.raise_signal(signal.SIGTERM)
            came.append("imported")
        assert came == ["imported", "handled"]
        assert signal.getsignal(signal.SIGTERM) is handle
    finally:
        signal.signal(signal.SIGTERM, before)
