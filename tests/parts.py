"""Which part of what takes too long for each run of the tests a run tries.

``MATRIX=all`` is all of it and ``MATRIX=3`` the third part. Otherwise the kit's own source says
which, so that a commit has always the same part and the next one has another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_KIT = Path(__file__).parent.parent / "kit"


def is_whole() -> bool:
    """Whether this run tries everything."""
    return os.environ.get("MATRIX") == "all"


def part_of(names: Iterable[str], parts: int) -> set[str]:
    """The names that this run tries, of which each run tries one of some parts.

    Parts differ by one name at most, so that no part is empty where there are as many names.
    """
    if is_whole():
        return set(names)
    part = int(os.environ.get("MATRIX") or _of_source())
    return set(sorted(names, key=_number)[part % parts :: parts])


@cache
def _of_source() -> int:
    files = (path for path in _KIT.rglob("*") if path.suffix in (".py", ".yaml"))
    return _number("".join(path.read_text() for path in sorted(files)))


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
