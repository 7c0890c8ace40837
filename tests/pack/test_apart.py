"""Signing works where an event loop runs already, as in JupyterLab."""

from __future__ import annotations

import asyncio

import pytest

from kit.pack.apart import apart


async def _answer(value: int) -> int:
    await asyncio.sleep(0)
    if value < 0:
        raise ValueError("no such value")
    return value


def test_a_loop_that_runs_is_no_obstacle() -> None:
    async def within() -> int:
        return apart(asyncio.run, _answer(3))

    assert asyncio.run(within()) == 3


def test_what_goes_wrong_is_raised() -> None:
    with pytest.raises(ValueError, match="no such value"):
        apart(asyncio.run, _answer(-1))
