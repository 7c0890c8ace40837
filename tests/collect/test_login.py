"""Whatever state the user's AWS configuration is in, a command ends in a line that helps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from kit.cli import main

ROLE = "role_arn = arn:aws:iam::123456789012:role/Reader"
SSO = "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-central-1"
# By state: the configuration file, the parameters besides the account, variables, and what the
# line must hold.
STATES: dict[str, tuple[str, str, dict[str, str], str]] = {
    "no credentials at all": ("", "", {}, "none available; log in"),
    "a profile that is not there": (
        "[profile a]",
        "aws_profile: b",
        {},
        "aws_profile: there is no",
    ),
    "AWS_PROFILE that is not there": (
        "[profile a]",
        "",
        {"AWS_PROFILE": "b"},
        "AWS_PROFILE: there is no",
    ),
    "a profile without keys": (
        "[profile a]\nregion = eu-central-1",
        "aws_profile: a",
        {},
        "profile 'a' has none.*aws configure --profile a",
    ),
    "a key without its secret": (
        "[profile a]\naws_access_key_id = AKIDEXAMPLE",
        "aws_profile: a",
        {},
        "incomplete.*aws_secret_access_key.*aws configure --profile a",
    ),
    "a source profile that is not there": (
        f"[profile a]\n{ROLE}\nsource_profile = b",
        "aws_profile: a",
        {},
        "InvalidConfigError.*source_profile",
    ),
    "a role without a source": (f"[profile a]\n{ROLE}", "aws_profile: a", {}, "source_profile"),
    "profiles in a loop": (
        f"[profile a]\n{ROLE}\nsource_profile = b\n[profile b]\n{ROLE}\nsource_profile = a",
        "aws_profile: a",
        {},
        "InfiniteLoopConfigError",
    ),
    "an unknown source of credentials": (
        f"[profile a]\n{ROLE}\ncredential_source = Nowhere",
        "aws_profile: a",
        {},
        "credential_source|Nowhere",
    ),
    "a web identity whose token is not there": (
        "[profile a]\nweb_identity_token_file = /no/such/token\n" + ROLE,
        "aws_profile: a",
        {},
        "check the token in /no/such/token",
    ),
    "an SSO profile without a login": (
        f"[profile a]\n{SSO}\nsso_account_id = 123456789012\nsso_role_name = Reader",
        "aws_profile: a",
        {},
        "aws sso login --profile a",
    ),
    "an SSO session without a login": (
        f'[profile "a b"]\nsso_session = s\nsso_account_id = 123456789012\n'
        f"sso_role_name = Reader\n[sso-session s]\n{SSO}",
        "aws_profile: a b",
        {},
        "aws sso login --profile 'a b'",
    ),
    "an SSO session that is not there": (
        "[profile a]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = Reader",
        "aws_profile: a",
        {},
        "aws sso login --profile a",
    ),
    "a role whose source signs in by SSO": (
        f"[profile a]\n{ROLE}\nsource_profile = b\n[profile b]\n{SSO}\n"
        "sso_account_id = 123456789012\nsso_role_name = Reader",
        "aws_profile: a",
        {},
        "aws sso login --profile b",
    ),
    "a login session without a login": (
        "[profile a]\nlogin_session = arn:aws:iam::123456789012:user/someone",
        "aws_profile: a",
        {},
        "aws login --profile a|botocore.crt",
    ),
    "a region with spaces": (
        "[default]\nregion = eu central 1\naws_access_key_id = A\naws_secret_access_key = b",
        "",
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"},
        "could not be reached",
    ),
    "a configuration that is no INI": ("nothing of the kind", "", {}, "correct that file"),
    "an endpoint without a scheme": (
        "",
        "",
        {"AWS_ENDPOINT_URL": "vpce"},
        "AWS_ENDPOINT_URL: 'vpce'",
    ),
    "an endpoint of a service": ("", "", {"AWS_ENDPOINT_URL_S3": "x"}, "AWS_ENDPOINT_URL_S3: 'x'"),
    "an endpoint in the file": (
        "[default]\nendpoint_url = vpce\naws_access_key_id = A\naws_secret_access_key = b",
        "",
        {},
        "Invalid endpoint: vpce",
    ),
    "half of the variables": (
        "",
        "",
        {"AWS_ACCESS_KEY_ID": "A"},
        "missing: AWS_SECRET_ACCESS_KEY; set that variable too",
    ),
    "a key with the end of a line": (
        "",
        "",
        {
            "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_SESSION_TOKEN": "IQoJb3\nJpZ2",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_MAX_ATTEMPTS": "1",
        },
        r"^(?!.*IQoJb3)evidence: .*'default' holds a character that no request may hold",
    ),
    "a retry mode": ("", "", {"AWS_RETRY_MODE": "turbo"}, "AWS_RETRY_MODE: 'turbo'"),
    "a number of attempts": ("", "", {"AWS_MAX_ATTEMPTS": "zero"}, "AWS_MAX_ATTEMPTS: 'zero'"),
    "a setting of S3's": (
        "",
        "",
        {
            "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "global",
        },
        "endpoint option global is invalid",
    ),
    "no attempts": ("", "", {"AWS_MAX_ATTEMPTS": "0"}, "AWS_MAX_ATTEMPTS: '0'"),
}

# As above, for profiles of which botocore starts a process: tests/test_cli.py runs the command.
PROCESSES: dict[str, tuple[str, str, dict[str, str], str]] = {
    "a process that is not there": (
        "[profile a]\ncredential_process = /no/such/program --json",
        "aws_profile: a",
        {},
        "check what this command prints: /no/such/program --json",
    ),
    "a process that fails": (
        "[profile a]\ncredential_process = false",
        "aws_profile: a",
        {},
        "check what this command prints: false",
    ),
    "a process that prints no JSON": (
        "[profile a]\ncredential_process = echo hello",
        "aws_profile: a",
        {},
        "check what this command prints: echo hello",
    ),
    "a process that prints a list": (
        "[profile a]\ncredential_process = echo [1]",
        "aws_profile: a",
        {},
        "is not a JSON object with the members that botocore reads; check what this command prints: echo",
    ),
    "a process with a secret in its command": (
        "[profile a]\ncredential_process = echo --password Heron-44",
        "aws_profile: a",
        {},
        "check what this command prints: echo --password ⟦secret: password-assignment⟧",
    ),
    "a process that writes a secret": (
        "[profile a]\ncredential_process = sh -c 'echo password=Heron-44 >&2; exit 1'",
        "aws_profile: a",
        {},
        r"^(?!.*Heron-44)evidence: .*custom-process: password=⟦secret: password-assignment⟧",
    ),
}


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file that the process reads; no credentials from anywhere else."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))  # with no key of another controller
    return path


@pytest.mark.parametrize("state", STATES)
def test_a_login_that_cannot_be_used_ends_in_a_line(
    configure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    config, parameters, variables, expected = STATES[state]
    configure.write_text(config)
    # A run that ends before it is signed in needs no interpreter for a notebook.
    monkeypatch.setattr("kit.warm.CAN_FORK", False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "run.yaml"
    file.write_text(f'account: "123456789012"\nregions: [eu-central-1]\n{parameters}')
    done = CliRunner().invoke(main, ["run", str(file), "--quiet"])
    code = 1 if expected == "could not be reached" else 2
    assert (done.exit_code, done.exception.__class__) == (code, SystemExit), done.exception
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert re.search(expected, lines[0]), lines[0]


@pytest.mark.parametrize("state", STATES)
def test_what_needs_no_aws_reads_no_configuration(
    configure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    from kit.aws_models import listed_regions, models

    models.cache_clear()
    listed_regions.cache_clear()
    config, _, variables, _ = STATES[state]
    configure.write_text(config)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "run.yaml"
    file.write_text('account: "123456789012"\nregions: [eu-central-1]')
    for command in ("plan", "policy"):
        done = CliRunner().invoke(main, [command, str(file)])
        assert done.exit_code == 0, done.exception
