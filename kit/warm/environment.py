"""What signs in or opens keys, in the environment: no kernel that sends no request has it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

_PREFIXES = ("AWS_", "EVIDENCE_KEY_")
_NEEDED = "AWS_DATA_PATH"  # where botocore's models lie


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
