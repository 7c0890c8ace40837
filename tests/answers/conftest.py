"""Sample accounts, recorded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kit import evaluate, tabulate
from kit.judge.findings import Finding
from kit.snapshot import Snapshot, read
from tests.answers.playback import Account, record
from tests.shared import Shared

REGIONS = {"careless": ["eu-west-1", "us-east-1"], "demo": ["eu-central-1", "eu-west-1"]}
Judged = tuple[Snapshot, tuple[Finding, ...]]


@pytest.fixture(scope="session")
def recorded(shared: Shared) -> Callable[[str], Account]:
    """A sample account by its name; there are no customers' numbers, so that texts can pass."""

    @cache
    def recorded(name: str) -> Account:
        settings = {"regions": REGIONS[name], "no_customer_numbers": True}
        return shared(f"recorded {name}", lambda folder: record(name, folder, **settings))

    return recorded


@pytest.fixture(scope="session")
def careless(shared: Shared) -> Account:
    """The careless account in one region; which texts are customers' numbers is not declared."""
    return shared(
        "careless in one region", lambda folder: record("careless", folder, regions=["eu-west-1"])
    )


@pytest.fixture(scope="session")
def unchanged(recorded: Callable[[str], Account], shared: Shared) -> Callable[[str], Judged]:
    """What is found in a sample account as it is."""

    @cache
    def unchanged(name: str) -> Judged:
        account = recorded(name)
        return shared(f"unchanged {name}", lambda folder: judge(account, folder))

    return unchanged


def judge(account: Account, folder: Path) -> Judged:
    """Collect, store, read back, tabulate and evaluate."""
    snapshot = read(account.collect(folder).folder)
    return snapshot, evaluate(tabulate(snapshot)).leaves
