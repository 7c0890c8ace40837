"""A batch against the sandbox, made once: three accounts that can be entered, one that cannot.

Each worker of a user's batch starts a warm interpreter, which takes half of the time of a small
batch. So do some of those that are interrupted (``test_weather.py``); the others share one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest

from kit import warm
from kit.batch.ledger import read_ledger
from kit.sandbox.server import Sandbox
from tests.commands import Done, evidence
from tests.listening import startup

EVIDENCE = Path(sys.executable).parent / "evidence"
DEMO, TIDY, EMPTY, CLOSED = "210987654321", "111122223333", "222233334444", "999999999999"
NAME = "2026-Q4"
SOME = "[AR-01, EX-04, ID-02, LG-01, MD-01, MD-03, GV-01, GV-04]"  # of every status
FILE = f"""
name: {NAME}
accounts_at_once: 1
shared:
  role_arn: arn:aws:iam::{{account}}:role/EvidenceReader
  controller: Beispielwerke AG
accounts:
  - account: "{CLOSED}"
  - account: "{DEMO}"
    regions: [eu-central-1, eu-west-1]
    controls: {SOME}
    customer_number_patterns: ["CUST-[0-9]{{8}}"]
  - {{account: "{EMPTY}", regions: [eu-west-1], controls: [GV-01]}}
  - {{account: "{TIDY}", regions: [eu-west-1], controls: [GV-01]}}
"""
# Few requests and few pages, where the content of a pack does not matter.
SMALL = f"""
name: {NAME}
shared:
  role_arn: arn:aws:iam::{{account}}:role/EvidenceReader
  controller: Beispielwerke AG
  controls: [GV-01]
accounts:
  - {{account: "{DEMO}", regions: [eu-central-1, eu-west-1], customer_number_patterns: ["CUST-[0-9]{{8}}"]}}
  - {{account: "{EMPTY}", regions: [eu-west-1]}}
  - {{account: "{TIDY}", regions: [eu-west-1]}}
"""


def without_notice(err: str) -> str:
    """What a command wrote, without what other tests cause: what they left, and a further key."""
    lines = err.splitlines(keepends=True)
    noted = [line for line in lines if "evidence clean" in line or line.startswith("labels: ")]
    return "".join(line for line in lines if line not in noted)


@dataclass
class Desk:
    """A folder from which batches are started, and the environment they are started in."""

    folder: Path
    environment: Mapping[str, str]

    def command(self, *options: str, file: str = FILE) -> list[str]:
        (self.folder / "accounts.yaml").write_text(file)
        return [str(EVIDENCE), "batch", "accounts.yaml", *options]

    def batch(self, *options: str, file: str = FILE) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*options, file=file),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        done.stderr = without_notice(done.stderr)
        return done

    def batch_here(self, *options: str, file: str = FILE) -> Done:
        """Run the command in this process, which is its worker too: each account has its own."""
        arguments = self.command(*options, file=file)[1:]
        with patch("kit.batch.cluster.LocalCluster", _threads):
            done = evidence(*arguments, cwd=self.folder, environment=self.environment)
        return replace(done, stderr=without_notice(done.stderr))

    def start(self, *options: str, file: str = FILE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*options, file=file),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, as a terminal gives it
        )

    @property
    def ledger(self) -> Path:
        return self.folder / "outputs" / "batches" / NAME / "ledger.jsonl"

    def cold(self) -> Desk:
        """Return the desk as users have it: each worker starts a warm interpreter."""
        others = {name: value for name, value in self.environment.items() if name != warm.ADDRESS}
        return Desk(self.folder, others)

    def states(self) -> dict[str, dict[str, Any]]:
        return read_ledger(self.ledger)

    def place(self, account: str) -> Path:
        return self.folder / "outputs" / account / NAME


def half_made(desk: Desk) -> list[Path]:
    """What an account that is stopped removes."""
    return [*desk.folder.glob("tmp/evidence-*"), *desk.folder.glob("outputs/*/*/.*")]


def _threads(**options: Any) -> Any:
    from distributed import LocalCluster  # which takes long, so that few tests import it

    # A thread of this process sets no handlers of signals, which the module to load does.
    return LocalCluster(**{**options, "processes": False, "preload": ()})


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; a test that waits for ever is stopped here."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def desk_at(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Desk]]:
    """Make a desk in a folder of its own; all have the same pseudonym key.

    Its batches fork their accounts from a warm interpreter of these tests.
    """
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        **sandbox.environment("demo"),
        **startup(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
    }

    def made(name: str) -> Desk:
        folder = tmp_path_factory.mktemp(name)
        (folder / "tmp").mkdir()
        return Desk(folder, {**environment, **shared, "TMPDIR": str(folder / "tmp")})

    with _warm_server(environment) as shared:
        yield made


@contextmanager
def _warm_server(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A warm interpreter whose kernels report what they listen on, and the variable that names it."""
    if not warm.CAN_FORK:
        yield {}
        return
    with ExitStack() as folder:
        with (
            patch.dict(os.environ, environment),
            patch.multiple(warm, _server=None, _address="", _folder=folder),
        ):
            address, server = warm._find_server(), cast("subprocess.Popen[bytes]", warm._server)
        yield {warm.ADDRESS: address}
        assert server.stdin
        server.stdin.close()
        server.wait()


@pytest.fixture
def desk(desk_at: Callable[[str], Desk]) -> Desk:
    return desk_at("desk")


@pytest.fixture(scope="session")
def made(desk_at: Callable[[str], Desk]) -> tuple[Desk, subprocess.CompletedProcess[str]]:
    """A desk after a batch, and what the command reported."""
    desk = desk_at("made")
    return desk, desk.batch("--progress", "json", "--workers", "2")
