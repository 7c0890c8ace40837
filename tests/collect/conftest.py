"""The demo account, collected over real HTTP from a sandbox that may fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kit import evaluate, tabulate
from kit.collect.collector import collect
from kit.judge import needed_calls
from kit.parameters import Run, parameters
from kit.snapshot import Request, Snapshot

if TYPE_CHECKING:
    from kit.sandbox.server import Sandbox

# Controls for which 70 requests are sent, not 165: of all protocols, and some fan out over others.
SOME = ["AR-01", "AR-03", "AR-05", "EX-04", "EX-16", "ID-02", "IT-01", "LG-01", "MD-03"]
DEMO = Path(__file__).parent.parent.parent / "parameters" / "demo.yaml"


@pytest.fixture
def max_attempts() -> str:
    """How often botocore sends a request that fails; a module may have another number."""
    return "2"


@pytest.fixture
def demo(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, max_attempts: str
) -> Iterator[Run]:
    """The run of the demo account; the sandbox's faults end with the test."""
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", max_attempts)
    yield parameters(DEMO).model_copy(update={"outputs": str(tmp_path / "outputs")})
    sandbox.faults.clear()


@pytest.fixture(scope="session")
def faultless(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The demo account without a fault, collected once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment("demo").items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("faultless") / "snapshot"
        return collect(parameters(DEMO), needed_calls([]), folder, progress=False)


@lru_cache(maxsize=2)  # the faultless account's are compared with those of many others
def verdicts(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """Return how many findings have each control, region, resource and status."""
    return Counter(
        (f.control, f.region, f.resource, f.status) for f in evaluate(tabulate(snapshot)).leaves
    )


def claims(snapshot: Snapshot) -> set[tuple[str, ...]]:
    """Return verdicts that say that something is as it should be, or that there is none of it."""
    good = ("pass", "not applicable", "attested")
    return {verdict for verdict in verdicts(snapshot) if verdict[3] in good}


def of_some(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """Return the verdicts of some controls alone."""
    return Counter({one: n for one, n in verdicts(snapshot).items() if one[0] in SOME})


def collect_some(run: Run, **changed: Any) -> Snapshot:
    """Collect what some controls need."""
    run = run.model_copy(update={"controls": SOME, **changed})
    return collect(run, needed_calls(SOME), progress=False)


def requests_of(snapshot: Snapshot, operation: str) -> list[Request]:
    """Return the requests of an operation."""
    return [request for request in snapshot.requests if request.operation == operation]
