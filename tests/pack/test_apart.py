"""Signing works where an event loop runs already, as in JupyterLab."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.pack.event_loop import apart


async def _answer(value: int) -> int:
    await asyncio.sleep(0)
    if value < 0:
        raise ValueError("no such value")
    return value


def test_a_loop_that_runs_is_no_obstacle() -> None:
    async def within() -> int:
        return apart(asyncio.run, _answer(3))

    # In a thread of its own, for a browser of other tests may have left a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(within())).result() == 3


def test_what_goes_wrong_is_raised() -> None:
    with pytest.raises(ValueError, match="no such value"):
        apart(asyncio.run, _answer(-1))
