"""Which part of what takes too long for each run of the tests a run tries.

``MATRIX=all`` is all of it and ``MATRIX=3`` the third part. Otherwise the kit's own source says
which, so that a commit has always the same part and the next one has another.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

_KIT = Path(__file__).parent.parent / "kit"


def is_chosen(name: str, parts: int) -> bool:
    """Whether this run tries a thing with this name, of which each run tries one of some parts."""
    reported = os.environ.get("MATRIX")
    if reported == "all":
        return True
    part = int(reported) if reported else _of_source()
    return _number(name) % parts == part % parts


@cache
def _of_source() -> int:
    files = (path for path in _KIT.rglob("*") if path.suffix in (".py", ".yaml"))
    return _number("".join(path.read_text() for path in sorted(files)))


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
