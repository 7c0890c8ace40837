"""Asynchronous pyHanko beside JupyterLab: a thread may run a single event loop only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def apart(work: Callable[..., T], *arguments: Any) -> T:
    """Return what some work returns, or raise what it raises, done in a thread of its own.

    Parameters
    ----------
    work : callable
        Such as ``asyncio.run``, or what calls it.
    *arguments
        For `work`.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *arguments).result()
