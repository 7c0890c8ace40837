"""Processes that may use less than others, such as smaller files."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from typing import Any


def limited(environment: Mapping[str, str], limits: Mapping[int, int]) -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` for a process with these limits.

    Python would keep a compiled module that it could write in part, and fail on it ever after:
    https://github.com/python/cpython/issues/126606.

    Parameters
    ----------
    environment : mapping of str to str
    limits : mapping of int to int
        Limits of the process, such as ``{resource.RLIMIT_NOFILE: 64}``.
    """

    def limit() -> None:
        for kind, most in limits.items():
            resource.setrlimit(kind, (most, most))

    return {"env": {**environment, "PYTHONDONTWRITEBYTECODE": "1"}, "preexec_fn": limit}
