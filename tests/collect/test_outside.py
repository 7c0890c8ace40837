"""The comparison that every test ends with: what the collector requests is in its policy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from kit.collect.session import Clients, shell_client
from kit.parameters import Run
from kit.sandbox.server import LOG_FILE, Sandbox
from tests.collect.policies import WHOLE
from tests.outside import Log

RUN = Run(account="210987654321", regions=["eu-west-1"])
CODE = """
from kit import sandbox
from kit.collect.session import Clients
from kit.parameters import Run
from tests.collect.policies import WHOLE
import os
with sandbox.start(["tidy"]) as local:
    os.environ.update(local.environment("tidy"))
    Clients(Run(account="333344445555"), WHOLE).client("appstream", "eu-west-1").describe_sessions(
        StackName="s", FleetName="f"
    )
"""


@pytest.fixture
def log(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Log:
    """A log beside the one that the comparison reads, so that these tests do not fail by it."""
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(LOG_FILE, str(tmp_path / "requests"))
    return Log(tmp_path / "requests")


def test_a_request_outside_the_policy_is_reported_once(log: Log) -> None:
    clients = Clients(RUN, WHOLE)
    clients.client("appstream", "eu-west-1").describe_stacks()
    clients.client("sts", "eu-west-1").get_caller_identity()
    assert log.outside() == []
    clients.client("s3", "eu-west-1").list_buckets()
    clients.client("iam", "us-east-1").list_users()
    assert log.outside() == ["iam:ListUsers"]
    assert log.outside() == []
    assert log.path.read_text().count("\n") == 4


def test_requests_of_others_are_not_the_collectors(log: Log) -> None:
    boto3.client("iam").list_users()
    shell_client("iam").list_users()
    assert log.outside() == []
    assert log.path.read_text().count("\n") == 2


def test_a_sandbox_of_another_process_writes_into_the_same_log(log: Log) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=dict(os.environ), capture_output=True, text=True
    )
    assert log.outside() == ["appstream:DescribeSessions"], done.stderr
