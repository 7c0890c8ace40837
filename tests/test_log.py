"""A failed run is diagnosed from its log alone, and the log names nobody.

That of a whole run is in `test_doors.py`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import log
from kit.errors import UserError
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from tests.commands import evidence
from tests.inprocess import without_kernel
from tests.limits import limited

EVIDENCE = Path(sys.executable).parent / "evidence"
ACCOUNT = "210987654321"
ROE, SECRET = "jane.roe@example.com", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def faults(sandbox: Sandbox) -> Iterator[Any]:
    yield sandbox.faults
    sandbox.faults.clear()


@pytest.fixture
def environment(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "run.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [AR-01]\n'
    )
    return {**os.environ, **sandbox.environment("demo"), "XDG_CONFIG_HOME": str(tmp_path / "keys")}


def begin(cwd: Path, env: dict[str, str], *options: str, **more: Any) -> Any:
    return subprocess.Popen(
        [EVIDENCE, *(options or ("run", "run.yaml", "--quiet"))],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def log_of(cwd: Path) -> list[dict[str, Any]]:
    (file,) = cwd.glob("outputs/*/*/log.jsonl")
    assert file.stat().st_mode & 0o077 == 0
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_refused_sign_in(tmp_path: Path, environment: dict[str, str], faults: Any) -> None:
    body = (
        "<ErrorResponse><Error><Code>AccessDenied</Code>"
        f"<Message>User: {ROE} with {SECRET} is not authorized to perform: "
        "sts:GetCallerIdentity</Message></Error><RequestId>12345678-0000-4000-8000-00000000abcd</RequestId>"
        "</ErrorResponse>"
    )
    faults.add(Fault("sts", "GetCallerIdentity", "answer", body=body, status=403))
    done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == 2
    (file,) = tmp_path.glob("outputs/*/*/log.jsonl")
    assert done.stderr.endswith(f"; its log: {file.relative_to(tmp_path)}\n")
    assert [path.name for path in file.parent.iterdir()] == ["log.jsonl"]
    events = log_of(tmp_path)
    started, *_, request, failed = events
    assert (started["event"], started["command"]) == ("started", "run")
    assert {"kit", "botocore", "python", "variables"} <= started.keys()
    assert (request["operation"], request["status"]) == ("sts.GetCallerIdentity", 403)
    assert (request["error"], request["request_id"]) == (
        "AccessDenied",
        "12345678-0000-4000-8000-00000000abcd",
    )
    assert (
        request["message"] == "User: … with … is not authorized to perform: sts:GetCallerIdentity"
    )
    assert (failed["event"], failed["exit_code"]) == ("failed", 2)
    raised = failed["exceptions"][0]
    assert raised["type"] == "NotEnteredError"
    assert any(place.startswith("kit/collect/collector.py:") for place in raised["places"])
    assert ROE not in file.read_text()
    assert SECRET not in file.read_text()


def test_credentials_that_end_midway(
    tmp_path: Path, environment: dict[str, str], faults: Any
) -> None:
    faults.add(Fault("*", "*", "expired", after=1))
    arguments = ("run", "run.yaml", "--quiet", "--json")
    with without_kernel():
        done = evidence(*arguments, cwd=tmp_path, environment=environment)
    printed = json.loads(done.stdout)
    assert (done.returncode, printed["exit_code"]) == (4, 4)
    events = log_of(tmp_path)
    (stopped,) = [event for event in events if event["event"] == "gave up"]
    assert stopped["error"] == "CredentialsEndedError"
    assert "credentials ended" in stopped["message"]
    assert "ExpiredToken" in stopped["message"]
    errors = [
        event["error"] for event in events if event["event"] == "request" and "error" in event
    ]
    assert {"ExpiredTokenException", "CredentialsEndedError"} & set(errors)
    assert (events[-1]["event"], events[-1]["exit_code"]) == ("ended", 4)
    assert events[-2]["digest"] == printed["digest"]
    assert [stopped["message"]] == [log.masked(message) for message in printed["stopped"]]
    # A later command that reads the snapshot is logged there, too.
    done = evidence("seal", printed["snapshot"], cwd=tmp_path, environment=environment)
    assert (done.returncode, "exists already" in done.stderr) == (2, True)
    assert log_of(tmp_path)[: len(events)] == events
    assert [e["command"] for e in log_of(tmp_path) if e["event"] == "started"] == ["run", "seal"]


def test_a_full_disk(tmp_path: Path, environment: dict[str, str]) -> None:
    """A limit on the size of files, of which the snapshot alone is larger, needs no mount."""
    few = f'account: "{ACCOUNT}"\nregions: [eu-west-1]\ncontrols: [AR-05, EX-04]\n'
    (tmp_path / "run.yaml").write_text(few)
    process = begin(tmp_path, **limited(environment, {resource.RLIMIT_FSIZE: 10_000}))
    process.communicate()
    assert process.returncode == 1
    failed = log_of(tmp_path)[-1]
    assert (failed["event"], failed["exit_code"]) == ("failed", 1)
    assert "EFBIG" in [raised.get("errno") for raised in failed["exceptions"]]
    places = [place for raised in failed["exceptions"] for place in raised["places"]]
    assert any(place.startswith("kit/snapshot.py:") for place in places)


def test_a_killed_run_and_what_verbose_prints(
    tmp_path: Path, environment: dict[str, str], faults: Any
) -> None:
    faults.add(Fault("appstream", "*", "throttle"))
    process = begin(tmp_path, environment, "run", "run.yaml", "-v")
    for line in process.stderr:
        if "throttled" in line:
            break
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    events = log_of(tmp_path)
    assert "throttled" in {event["event"] for event in events}
    assert "failed" not in {event["event"] for event in events}
    # A log alone is what `clean` removes once somebody has read it.
    listed = evidence("clean", "--dry-run", cwd=tmp_path, environment=environment)
    assert "  log of a run that made nothing else, " in listed.stdout
    assert log_of(tmp_path) == events


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Audit/{ROE} is not authorized to perform: "
            "appstream:DescribeFleets because no identity-based policy allows the action",
            "User: … is not authorized to perform: appstream:DescribeFleets because no "
            "identity-based policy allows the action",
        ),
        ("AWS credentials: profile 'jane' has none", "AWS credentials: profile … has none"),
        (f"the user {ROE} and Roe Jane, 0171 2345678", "the user … and …"),
        (
            "outputs: /srv/jane/a b cannot be written (the disk is full)",
            "outputs: … cannot be written (the disk is full)",
        ),
        (
            "An error (503) in eu-west-1: Rate exceeded",
            "An error (503) in eu-west-1: Rate exceeded",
        ),
        (f"key={SECRET}", "…"),
        ("", ""),
    ],
)
def test_a_message_keeps_the_words_that_nobody_chose(message: str, shown: str) -> None:
    assert log.masked(message) == shown


def test_places_are_those_of_the_kit_and_of_libraries() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        *_, place = log.places(error)
        assert place.startswith("json/decoder.py:")
    kit = Path(log.__file__)
    text = f"\x1b[0;36mFile \x1b[0;32m{kit}:12\x1b[0m, in \x1b[0;36mevent\x1b[0m(x)\nFile /srv/jane/a.py:1, in f()\n"
    assert log.places_in(text) == ["kit/log.py:12 event", "…:1 f"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "else").write_text("")
    (tmp_path / log.NAME).symlink_to(tmp_path / "else")
    with log.command("test"):
        log.keep(tmp_path)
        log.event("request")
        assert log.kept() is None
    assert (tmp_path / "else").read_text() == ""


@pytest.mark.parametrize(
    "text",
    [
        "AccessDenied",
        "ValidationException",
        "InvalidVpcID.NotFound",
        "403",
        "5f9a1c3e-0b5d-4c1e-9d0a-1234567890ab",
        "ABCD1234EFGH5678",
    ],
)
def test_codes_and_request_ids_of_aws_are_logged(text: str) -> None:
    assert log.code(text) == text


@pytest.mark.parametrize(
    "text", ["AnnaLindner", "payroll-fleet", "anna.lindner", "ANNALINDNERABCDE"]
)
def test_what_somebody_chose_is_no_code(text: str) -> None:
    assert log.code(text) == log.HIDDEN


def test_only_known_classes_of_exceptions_are_named() -> None:
    chosen = type("AnnaLindner", (ValueError,), {"__module__": "__main__"})
    assert [log.kind(error) for error in (chosen(), ValueError(), UserError())] == [
        *(log.HIDDEN, "ValueError", "UserError")
    ]
    assert [log.kind_named(name) for name in ("AnnaLindner", "KeyError", "UserError")] == [
        *(log.HIDDEN, "KeyError", "UserError")
    ]
