"""Roles: what STS is asked for, and that their credentials are renewed before they expire."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import botocore.credentials
import botocore.session
import pytest
from IPython.core.error import StdinNotImplementedError

from kit.aws_models import models, share_models
from kit.collect.session import Clients, explain
from kit.errors import NotEnteredError
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


# --- a profile that requires a second factor -------------------------------------------------

SERIAL = "arn:aws:iam::333344445555:mfa/analyst"


@pytest.fixture
def second_factor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Run:
    """A run whose profile assumes a role with the code of a device."""
    given = sandbox.environment("demo")
    config = tmp_path / "config"
    config.write_text(
        f"[profile own]\naws_access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
        f"[profile audit]\nsource_profile = own\nrole_arn = {ROLE}\n"
        f"external_id = evidence-2026\nmfa_serial = {SERIAL}\n"
        f"[profile plain]\nsource_profile = own\nrole_arn = {ROLE}\nexternal_id = evidence-2026\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Run(account=ACCOUNT, aws_profile="audit", regions=["eu-west-1"])


def _nobody_types(error: Exception) -> Callable[[str], str]:
    def prompt(_: str) -> str:
        raise error

    return prompt


@pytest.mark.parametrize(
    "error", [EOFError(), OSError(), StdinNotImplementedError("no stdin in papermill")], ids=repr
)
def test_a_second_factor_that_nobody_can_type_is_reported(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(getpass, "getpass", _nobody_types(error))
    with pytest.raises(NotEnteredError, match=r"'audit' requires a second factor .*log in first"):
        Clients(second_factor).client("sts", "eu-west-1").get_caller_identity()


def test_a_second_factor_that_somebody_types_reaches_sts(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "123456" if SERIAL in prompt else "")
    identity = Clients(second_factor).client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert len(assumed(sandbox)) == 1


def test_a_profile_without_a_second_factor_asks_nobody(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", _nobody_types(AssertionError("somebody was asked")))
    plain = second_factor.model_copy(update={"aws_profile": "plain"})
    identity = Clients(plain).client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE], ids=["null", "pipe"])
def test_a_command_without_a_terminal_says_so(
    second_factor: Run, tmp_path: Path, stdin: int
) -> None:
    asked = {"account": ACCOUNT, "aws_profile": "audit", "regions": ["eu-west-1"]}
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(asked | {"outputs": str(tmp_path), "controls": ["ID-02"]}))
    command = [sys.executable, "-m", "kit", "run", str(file)]
    done = subprocess.Popen(
        command, stdin=stdin, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    errors = done.stderr.read() if done.stderr else ""  # a pipe for input is left open
    assert done.wait(timeout=60) == 2
    assert "requires a second factor (mfa_serial)" in errors
    assert "Aborted" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("ExpiredToken", "The security token is expired", "log in again"),
        ("RequestTimeTooSkewed", "too large", "set the clock"),
        ("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier than", "set the clock"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", ""),
        ("AccessDenied", "You are not authorized", ""),
    ],
)
def test_who_cannot_log_in_learns_the_way_in(code: str, message: str, hint: str) -> None:
    text = str(explain({"code": code, "message": message}, 403, RUN))
    assert text.endswith(message) if not hint else hint in text
