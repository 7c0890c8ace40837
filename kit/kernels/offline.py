"""A kernel for cells that are not the kit's has no network by Python's means, and no login of AWS.

An audit hook refuses connections and further processes; nothing removes a hook from a process.
It is not a wall: a C library that opens sockets or starts processes itself, or that ctypes calls, passes
by it, and the cells read and write files as the user who seals.
https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

VARIABLE = "EVIDENCE_OFFLINE"
_NETWORK = (
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
    *("socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
)
_PROCESSES = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"),
    *("os.spawn", "pty.spawn"),
)
# What Python, its libraries and the kit need; any other variable may hold a secret.
_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|LANG|LANGUAGE|LC_\w+|TMPDIR|TEMP|TMP|VIRTUAL_ENV"
    r"|PYTHON\w*|XDG_(?:CONFIG|CACHE|DATA|RUNTIME|STATE)_(?:HOME|DIR|DIRS)|AWS_DATA_PATH"
    r"|JUPYTER_(?:CONFIG|DATA|RUNTIME)_DIR|JUPYTER_PATH|JUPYTER_PLATFORM_DIRS"
    r"|JPY_PARENT_PID|JPY_SESSION_NAME|MPLBACKEND|MPLCONFIGDIR|FONTCONFIG_\w+|LD_LIBRARY_PATH"
    r"|(?:OPENBLAS|OMP|MKL|NUMEXPR)_NUM_THREADS|SYSTEMROOT|COVERAGE_\w+"
)
_SETTINGS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    VARIABLE: "1",
}


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a kernel offline: only variables that Python and the kit need."""
    return {name: value for name, value in given.items() if _KEPT.fullmatch(name)} | _SETTINGS


def refuse_network() -> bool:
    """Refuse connections and processes from now on, where the environment demands it.

    Returns
    -------
    bool
        Whether it does.
    """
    if demanded := bool(os.environ.pop(VARIABLE, "")):
        import _posixsubprocess  # by which multiprocessing starts processes without an event

        _posixsubprocess.fork_exec = _refuse_process
        sys.addaudithook(_refuse)
    return demanded


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    # A PermissionError is an OSError, which libraries expect of a connection or a process.
    if event in _NETWORK:
        raise PermissionError(f"own cells have no network ({event})")
    if event in _PROCESSES:
        raise PermissionError(f"own cells start no process ({event})")


def _refuse_process(*_: Any) -> NoReturn:
    _refuse("os.fork", ())
    raise AssertionError
