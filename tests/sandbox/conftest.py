"""Sandboxes of these tests' own, since they change what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit import sandbox as local
from kit.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with local.start() as sandbox:
        yield sandbox


@pytest.fixture
def faulty(running: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose faults are lifted and whose log is emptied after the test."""
    running.requests.clear()
    yield running
    running.faults.clear()


@pytest.fixture(scope="module")
def paged() -> Iterator[Sandbox]:
    with local.start(page_size=1) as sandbox:
        yield sandbox
