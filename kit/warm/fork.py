"""Work in a fork of this process: the system has its memory back as soon as it is done."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import pickle
import select
import signal
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, BinaryIO, NoReturn, TypeVar

from kit import log, shortage, warm
from kit.errors import CannotRunError, UserError
from kit.warm import process

_T = TypeVar("_T")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LONGEST = 500  # milliseconds of a wait
_POLLED = 0.02  # seconds between two looks at a process

# A library's threads of such work stay, and a fork has none of them: later work would wait for them.
_worked_here = False


def in_fork(name: str, work: Callable[[], _T], *, tidies: bool = False) -> _T:
    """Return what some work returns, or raise what it raises, done in a fork; see `beside`."""
    with beside(name, work, tidies=tidies) as result:
        return result()


@contextmanager
def beside(
    name: str, work: Callable[[], _T], *, tidies: bool = False
) -> Iterator[Callable[[], _T]]:
    """Let a fork of this process do some work, beside what this process does in the block.

    The block's value waits for the work, and returns what it returns or raises what it raises. It
    does the work in this process where a fork is not safe or the system refuses one. The fork ends
    with the block.

    Parameters
    ----------
    name : str
        Of the work, for the user.
    work : callable
        It imports nothing that another thread may be importing, and needs no lock that another
        thread may hold. The log that it begins is then this command's.
    tidies : bool
        Whether it has something to remove when Ctrl-C, SIGTERM or an error ends the block before:
        it then meets the same signals as this process, and the block waits for its end.

    Raises
    ------
    CannotRunError
        The fork was ended, such as for want of memory; the block's value raises it.
    """
    handlers = process.handlers() if tidies else {}
    forks = not _worked_here and _can_fork()
    started: tuple[int, BinaryIO] | None = None
    codes: list[int] = []
    try:
        # A signal between a fork and what is noted of it would leave the fork behind.
        with process.deferred() if forks else nullcontext():
            started = _start(work, handlers) if forks else None
        yield partial(_wait, name, *started, codes) if started else partial(_work_here, work)
    finally:
        if started:
            pid, answers = started
            with answers:
                if not codes:  # Ctrl-C, or an error of what was done beside
                    _end(pid, signal.SIGTERM if tidies else signal.SIGKILL)
                    if tidies:
                        _answer(answers)


@contextmanager
def handover() -> Iterator[tuple[Callable[[Any], None], Callable[[], Any]]]:
    """Give a fork that starts in the block what this process knows only later.

    Yields
    ------
    give : callable
        Takes what can be pickled.
    take : callable
        Waits for it, in the fork or where this process does the work itself.
    """
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb", buffering=0) as ready, unnamed_file() as kept:

        def give(value: Any) -> None:
            pickle.dump(value, kept)
            kept.flush()
            ready.write(b"\n")  # what a pipe surely holds until somebody reads

        def take() -> Any:
            _await(reader)
            kept.seek(0)
            return pickle.load(kept)

        yield give, take


def _wait(name: str, pid: int, answers: BinaryIO, codes: list[int]) -> Any:
    """Return what the fork returns or raise what it raises; note the code with which it ended."""
    _await_end(pid)
    with process.deferred():
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    if codes[0]:
        raise ended(name, codes[0])
    result = _answer(answers)
    if isinstance(result, BaseException):
        raise result
    return result


def _await_end(pid: int) -> None:
    """Wait until a process has ended, and leave it to be reaped."""
    try:
        file = os.pidfd_open(pid)
    except (AttributeError, OSError):  # Linux before 5.3, or a Python that was built for it
        while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            time.sleep(_POLLED)
        return
    try:
        _await(file)
    finally:
        os.close(file)


def _await(file: int) -> None:
    """Wait until a file can be read; a process's can once that has ended.

    A signal that comes just before a wait does not interrupt that, so that no wait is a long one.
    """
    ready = select.poll()  # not select, which knows no file beyond the 1,024th
    ready.register(file, select.POLLIN)
    while not ready.poll(_LONGEST):
        pass


def ended(name: str, code: int) -> CannotRunError:
    """Return the error that a process of some work ended without its result."""
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return CannotRunError(f"the process of {name} ended {how}; perhaps {shortage.memory()}")


def _end(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
        os.waitpid(pid, 0)
    except BaseException:  # a further Ctrl-C
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _answer(answers: BinaryIO) -> Any:
    """Return what the fork sent, and go on with its log; None where it was ended before."""
    answers.seek(0)
    with suppress(EOFError):
        result, begun = pickle.load(answers)
        if begun:
            log.go_on(begun)
        return result


def trim() -> None:
    """Give the system what this process has freed, which the C library keeps; Linux's has the call.

    https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _work_here(work: Callable[[], _T]) -> _T:
    global _worked_here
    _worked_here = True
    return work()


def _can_fork() -> bool:
    """Whether this is the main thread of a command, beside threads that wait or serve the sandbox.

    A fork has no other thread. JupyterLab and Dask run an event loop, or work in other threads.
    """
    main = threading.main_thread()
    return (
        warm.CAN_FORK
        and threading.current_thread() is main
        and all(thread.daemon for thread in threading.enumerate() if thread is not main)
        and not _is_in_loop()
    )


def _is_in_loop() -> bool:
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return True
    return False


def unnamed_file() -> BinaryIO:
    """Return a file for the answer of a process, in memory where the system has such.

    At the end of a pipe the process would wait, with all that it holds, until somebody reads.

    Raises
    ------
    OSError
        The system refuses a file.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("answer"), "w+b")
    return tempfile.TemporaryFile()


def _start(work: Callable[[], Any], handlers: process.Handlers) -> tuple[int, BinaryIO] | None:
    """Return the process that does the work, and the file of its answer.

    There is none where the system refuses one.
    """
    starter = os.getpid()
    answers = None
    try:
        answers = unnamed_file()
        with warnings.catch_warnings():
            # Python 3.12 and later warn of a fork beside any thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            gc.freeze()  # a collection, here or there, would copy every page
            pid = process.fork()
    except OSError:
        if answers:
            answers.close()
        return None
    if pid == 0:
        _work(work, answers, starter, handlers)
    return pid, answers


def _work(
    work: Callable[[], Any], answers: BinaryIO, starter: int, handlers: process.Handlers
) -> NoReturn:
    """Do the work in the fork, and send its result or error, and where its log is."""
    code = 1
    try:
        die_with(starter)
        process.handle_once(handlers)
        try:
            result = work()
        except BaseException as error:
            result = _portable(error)
        pickle.dump((result, log.kept()), answers)
        answers.flush()
        code = 0
    finally:
        os._exit(code)


def _portable(error: BaseException) -> BaseException:
    """Return an exception that can be sent, with what its traceback and its causes state."""
    carried = error
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        carried = RuntimeError(f"{type(error).__name__}: {error}")
    log.carry(error, carried)
    unforeseen = isinstance(error, Exception) and not isinstance(error, UserError)
    if unforeseen and not shortage.of(error):
        carried.add_note("".join(traceback.format_exception(error)))
    return carried


def die_with(starter: int) -> None:
    """End this process when the process that forked it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:  # it was killed before this process asked for the signal
        os._exit(1)
