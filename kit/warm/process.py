"""A fork that loses no signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
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
            signal.signal(other, signal.SIG_IGN)
        handlers[number](number, frame)

    for number in handlers:
        signal.signal(number, handle)


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
    came: list[int] = []
    raising = handlers()
    pid = -1
    try:
        for number in raising:
            signal.signal(number, lambda signalled, _: came.append(signalled))
        pid = os.fork()
    finally:
        for number in _ENDING if pid == 0 else raising:
            signal.signal(number, signal.SIG_DFL if pid == 0 else raising[number])
    if pid:
        try:
            for signalled in came:
                signal.raise_signal(signalled)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
    return pid
