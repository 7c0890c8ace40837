"""A fork that loses no signal, and work that none interrupts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_ENDING = (signal.SIGINT, signal.SIGTERM)
Handlers = dict[int, Callable[..., Any]]


def handlers() -> Handlers:
    """Return this process's own handlers of Ctrl-C and SIGTERM."""
    each = {number: signal.getsignal(number) for number in _ENDING}
    return {number: handler for number, handler in each.items() if callable(handler)}


def handle_once(handlers: Handlers) -> None:
    """Let handlers run for the first signal in this process; it then ends without a further one.

    Parameters
    ----------
    handlers : dict
        By number of the signal.
    """

    def handle(number: int, frame: Any) -> None:
        for other in handlers:
            # Not SIG_IGN: Python prints an error for a signal that came before that.
            signal.signal(other, lambda *_: None)
        handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, handle)


@contextmanager
def deferred() -> Iterator[tuple[list[int], dict[int, Any]]]:
    """Let Ctrl-C and SIGTERM take effect after the block, and not amid what may not be interrupted.

    Such as a library that is imported: where a module in C++ or Rust is interrupted while it is
    set up, the process aborts.

    Yields
    ------
    came : list of int
        The signals that have come so far.
    after : dict
        The handlers after the block, by number of the signal.
    """
    came: list[int] = []
    after: dict[int, Any] = dict(handlers())
    try:
        for number in after:
            signal.signal(number, lambda signalled, _: came.append(signalled))
        yield came, after
    finally:
        for number, handler in after.items():
            signal.signal(number, handler)
    for signalled in came:
        signal.raise_signal(signalled)


def fork() -> int:
    """Fork this process; Ctrl-C and SIGTERM take effect after the fork, not while it is made.

    Modules such as logging run hooks at a fork, and Python ignores what a signal's handler raises in
    one: https://docs.python.org/3/c-api/exceptions.html#c.PyErr_WriteUnraisable. In the fork both
    signals end the process.

    Returns
    -------
    int
        As `os.fork` returns it.

    Raises
    ------
    OSError
        The system refuses a process.
    """
    pid = -1
    try:
        with deferred() as (came, after):
            # A new process forgets the signals that Python took note of before its hooks ran.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
            try:
                pid = os.fork()
            finally:
                if pid:
                    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            if pid == 0:
                came.clear()
                after.update(dict.fromkeys(_ENDING, signal.SIG_DFL))
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    except BaseException:
        if pid > 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        raise
    return pid
