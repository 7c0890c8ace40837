"""A fork that loses no signal."""

from __future__ import annotations

import os
import signal

_ENDING = (signal.SIGINT, signal.SIGTERM)


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
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    raising = [number for number, handler in handlers.items() if callable(handler)]
    pid = -1
    try:
        for number in raising:
            signal.signal(number, lambda signalled, _: came.append(signalled))
        pid = os.fork()
    finally:
        for number in _ENDING if pid == 0 else raising:
            signal.signal(number, signal.SIG_DFL if pid == 0 else handlers[number])
    if pid:
        try:
            for signalled in came:
                signal.raise_signal(signalled)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
    return pid
