"""What the tests share: a sandbox and a browser, each started once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from kit import sandbox as local
from kit.sandbox.server import Sandbox
from tests.pack.authority import PASSPHRASE, Authority, served
from tests.system import chromium

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A local AWS with the sample accounts; tests that set faults clear them."""
    with local.start() as running:
        yield running


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Runs of the sample accounts, with and without things going wrong."""
    from tests.matrix import ACCOUNTS, Bench

    with local.start(ACCOUNTS) as running:
        yield Bench(running, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pseudonym keys and AWS configuration of the person who runs the tests are not touched."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority; each certificate has a name of its own."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tsa(authority: Authority) -> Iterator[str]:
    """URL of a timestamp service."""
    with served(authority.timestamper()) as url:
        yield url


@pytest.fixture(scope="session")
def signed_pack(
    sandbox: Sandbox, authority: Authority, tsa: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The demo account's pack, signed and timestamped by the command; tests that change it copy it."""
    cwd = tmp_path_factory.mktemp("signed")
    demo = Path(__file__).parent.parent / "parameters" / "demo.yaml"
    (cwd / "run.yaml").write_text(f"{demo.read_text()}\nsigned: true\n")
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "evidence", "run", "run.yaml", "--quiet"),
            *("--key", authority.pkcs12("analyst"), "--timestamp", tsa),
        ],
        cwd=cwd,
        env={
            **os.environ,
            **sandbox.environment("demo"),
            "XDG_CONFIG_HOME": str(cwd / ".config"),
            "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3, done.stderr
    (pack,) = (cwd / "outputs").glob("*/*/pack")
    return pack


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what was compared in the fault matrix, where any of it was."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "matrix"
    ]
    if told:
        from tests.matrix import summary

        terminalreporter.section("fault matrix")
        for line in summary(told):
            terminalreporter.write_line(line)
