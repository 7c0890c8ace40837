"""What signs in or opens keys, in the environment: no kernel that sends no request has it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PASSPHRASE = "EVIDENCE_KEY_PASSPHRASE"
"""The variable with the passphrase of the key that signs."""

_PREFIXES = ("AWS_", "EVIDENCE_KEY_")
_NEEDED = "AWS_DATA_PATH"  # where botocore's models lie

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4  # linux/prctl.h


def _is_secret(name: str) -> bool:
    return name.startswith(_PREFIXES) and name != _NEEDED


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without AWS's variables and without the passphrase of a key."""
    return {name: value for name, value in environment.items() if not _is_secret(name)}


def wipe_secrets() -> None:
    """Remove the same variables from this process, and overwrite their values in its memory.

    The system keeps the environment that a program was started with at a fixed place, which
    ``/proc/<pid>/environ`` shows and a fork copies. Python keeps a further copy.
    """
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    copies = {bytes(name): value for name, value in os.environ._data.items()}  # type: ignore[attr-defined]
    for name in filter(_is_secret, list(os.environ)):
        address, copy = libc.getenv(os.fsencode(name)), copies[os.fsencode(name)]
        length = len(copy)
        if address:
            ctypes.memset(address, 0, length)
        # CPython stores the bytes at the end of the object, before a last NUL.
        ctypes.memset(id(copy) + bytes.__basicsize__ - 1, 0, length)
        del os.environ[name]


@contextmanager
def unreadable() -> Iterator[None]:
    """Keep other processes of the same user from reading this process's environment and memory.

    Linux then shows ``/proc/<pid>`` to root alone. To root, and after this, ``environ`` there is
    empty. On other systems this does nothing.
    https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
    """
    if sys.platform != "linux":
        yield
        return
    _empty_block()
    prctl = ctypes.CDLL(None).prctl
    before = prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_DUMPABLE, before, 0, 0, 0)


def _empty_block() -> None:
    """Overwrite the environment where the system shows it; the variables keep their values."""
    for name, value in list(os.environ.items()):
        os.environ[name] = value  # the C library copies it to other memory
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = map(int, fields[47:49])  # env_start, env_end: proc_pid_stat(5)
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
