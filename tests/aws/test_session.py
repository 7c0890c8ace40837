"""Roles: what STS is asked for, and that their credentials are renewed before they expire."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import botocore.credentials
import botocore.session
import pytest

from kit.aws.session import Clients
from kit.aws_models import models, share_models
from kit.parameters import Run
from kit.sandbox.server import Sandbox

ACCOUNT = "333344445555"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/AuditorWithExternalId"
RUN = Run(
    account=ACCOUNT,
    role_arn=ROLE,
    external_id="evidence-2026",
    session_tags={"Purpose": "evidence", "Quarter": "2026-Q4"},
)


@pytest.fixture(autouse=True)
def _in_the_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    sandbox.requests.clear()


def assumed(sandbox: Sandbox) -> list[str]:
    """Digests of what STS was asked for, as the sandbox keeps them."""
    return [one.parameters for one in sandbox.requests if one.operation == "AssumeRole"]


def test_a_role_is_asked_for_with_external_id_and_tags_and_no_duration(sandbox: Sandbox) -> None:
    identity = Clients(RUN).client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    asked = {
        "ExternalId": "evidence-2026",
        "RoleArn": ROLE,
        "RoleSessionName": "appstream-evidence-kit",
        # Without DurationSeconds AWS gives an hour, the most that it gives to a chained role.
        "Tags": [
            {"Key": "Purpose", "Value": "evidence"},
            {"Key": "Quarter", "Value": "2026-Q4"},
        ],
    }
    text = json.dumps(asked, sort_keys=True)
    assert assumed(sandbox) == [hashlib.sha256(text.encode()).hexdigest()[:16]]


def test_sessions_share_what_was_read_of_aws_models_unless_they_read_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = models().get_component("data_loader")
    assert Clients(RUN)._session._session.get_component("data_loader") is known
    config = tmp_path / "config"
    config.write_text(f"[profile own]\ndata_path = {tmp_path}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    own = botocore.session.Session(profile="own")
    share_models(own)
    loader = own.get_component("data_loader")
    assert loader is not known
    assert str(tmp_path) in loader.search_paths


def test_credentials_are_renewed_before_they_expire(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = Clients(RUN)
    sts = clients.client("sts", "eu-west-1")
    credentials = clients._session.get_credentials()
    for minutes, times in ((0, 1), (30, 1), (50, 2), (55, 3)):
        now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        # The sandbox's clock stays, so that what it gives is good for an hour from now on.
        monkeypatch.setattr(credentials, "_time_fetcher", lambda now=now: now)
        monkeypatch.setattr(botocore.credentials, "_local_now", lambda now=now: now)
        assert sts.get_caller_identity()["Account"] == ACCOUNT
        assert len(assumed(sandbox)) == times, minutes
