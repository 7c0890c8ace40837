"""A kernel for cells that are not the kit's has no network by Python's means, and no login of AWS.

An audit hook refuses connections and further processes; nothing removes a hook from a process.
It is no wall: a C library that opens sockets itself, or that ctypes calls, passes by it, and the
cells read and write files as the user who seals.
https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from kit.warm.environment import without_secrets

VARIABLE = "EVIDENCE_OFFLINE"
_NETWORK = (
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
    *("socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
)
_PROCESSES = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"),
    *("os.spawn", "pty.spawn"),
)
_SETTINGS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    VARIABLE: "1",
}


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without AWS's settings and secrets of the kit, for a kernel offline."""
    return without_secrets(given) | _SETTINGS


def refuse_network() -> None:
    """Refuse connections and processes from now on, where the environment demands it."""
    if os.environ.pop(VARIABLE, ""):
        sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    # A PermissionError is an OSError, which libraries expect of a connection or a process.
    if event in _NETWORK:
        raise PermissionError(f"own cells have no network ({event})")
    if event in _PROCESSES:
        raise PermissionError(f"own cells start no process ({event})")
