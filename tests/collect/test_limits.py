"""Time is bounded, and nothing more is asked with credentials that have ended: over real HTTP."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kit import calls, evaluate, tabulate
from kit.collect.collector import _MOST_BARREN, _WORKERS, collect
from kit.collect.limits import (
    CallOverdueError,
    Limits,
    RegionSilentError,
    RunOverdueError,
    ServiceSilentError,
)
from kit.collect.session import Clients
from kit.errors import CannotRunError
from kit.parameters import Run
from kit.report.cover import cover
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from kit.snapshot import Request, Snapshot
from tests.collect.conftest import claims, collect_some, of_some, requests_of, verdicts
from tests.collect.policies import WHOLE

AWAY = "eu-west-1"
SHORT = {"read_seconds": 0.4, "call_seconds": 0.8, "region_seconds": 1.6}


@pytest.fixture
def max_attempts() -> str:
    return "4"


def collect_only(run: Run, *operations: str, **changed: Any) -> Snapshot:
    wanted = [call for call in calls.CALLS.values() if call.operation in operations]
    return collect(run.model_copy(update=changed), wanted, progress=False)


def code(request: Request) -> str:
    return request.error["code"] if request.error else ""


def facts(snapshot: Snapshot) -> dict[str, str]:
    return dict(cover(evaluate(tabulate(snapshot)), snapshot).facts)


# --- time ---------------------------------------------------------------------------------------


def test_a_region_that_never_answers_is_given_up(
    demo: Run, sandbox: Sandbox, faultless: Snapshot
) -> None:
    sandbox.faults.add(Fault("*", "*", "stall", region=AWAY))
    snapshot = collect_some(demo, regions=["eu-central-1", AWAY], **SHORT)
    silent = [r for r in snapshot.requests if r.region == AWAY and r.service == "appstream"]
    assert {code(r) for r in silent} <= {
        "CallOverdueError",
        "ReadTimeoutError",
        "RegionSilentError",
        "ServiceSilentError",
    }
    stops = " ".join(stop["message"] for stop in snapshot.stopped)
    assert AWAY in stops
    assert any(r.attempts == 0 for r in silent)
    assert AWAY in facts(snapshot)["Collection stopped"]
    assert claims(snapshot) <= claims(faultless)
    found = [f for f in evaluate(tabulate(snapshot)).leaves if f.code == "ServiceSilentError"]
    assert found
    assert all("max_timeouts" in f.hint and f.reason == "failed" for f in found)


def test_a_byte_now_and_then_keeps_no_call_alive(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("appstream", "DescribeFleets", "drip", seconds=0.05))
    snapshot = collect_only(demo, "DescribeFleets", "DescribeStacks", call_seconds=0.6)
    assert {code(r) for r in requests_of(snapshot, "DescribeFleets")} == {"CallOverdueError"}


def test_an_account_that_never_answers_is_reported_in_a_line(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("*", "*", "stall"))
    with pytest.raises(CannotRunError, match=r"AWS could not be reached with .*Error\): ") as it:
        collect_some(demo, **SHORT)
    assert "\n" not in str(it.value)


def test_headers_that_drip_are_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000:
                    connection.send(bytes([byte]))
                    time.sleep(0.05)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    clients = Clients(Run(account="111111111111", call_seconds=0.5), WHOLE)
    client = clients.client("appstream", AWAY)
    within = clients.call("appstream", AWAY)
    with pytest.raises(CallOverdueError, match=r"0\.5 seconds \(call_seconds\)"), within:
        client.describe_stacks()
    clients.close()
    listener.close()


def test_endless_pages_end(demo: Run, sandbox: Sandbox, faultless: Snapshot) -> None:
    sandbox.faults.add(Fault("appstream", "DescribeStacks", "endless", region=AWAY))
    snapshot = collect_some(demo)
    pages = [r for r in requests_of(snapshot, "DescribeStacks") if r.region == AWAY]
    assert len(pages) == _MOST_BARREN + 1
    assert pages[-1].cut == f"{_MOST_BARREN} pages in a row listed nothing new, more exist"
    listed = snapshot.answer(calls.DESCRIBE_STACKS, AWAY)
    once = faultless.answer(calls.DESCRIBE_STACKS, AWAY)
    names = [[item["Name"] for item, _ in answer.items()] for answer in (listed, once)]
    assert names[0] == names[1]  # the same item on two pages counts once
    assert listed.trouble
    assert listed.trouble.reason == "cut short"
    assert claims(snapshot) <= claims(faultless)


def test_pages_with_something_new_now_and_then_are_read_on(demo: Run) -> None:
    from kit import sandbox as local

    with local.start(["demo"], page_size=1) as small, pytest.MonkeyPatch.context() as patch:
        for name, value in small.environment("demo").items():
            patch.setenv(name, value)
        snapshot = collect_only(demo, "DescribeStacks", "GetAccountAuthorizationDetails")
    assert not [request for request in snapshot.requests if request.cut]


def limits(**changed: Any) -> Limits:
    return Limits(Run(account="111111111111", **changed))


def timed_out(bounds: Limits, service: str, region: str) -> None:
    with pytest.raises(CallOverdueError), bounds.call(service, region):
        raise CallOverdueError


def test_a_service_is_given_up_after_calls_in_a_row() -> None:
    bounds = limits(max_timeouts=2)
    timed_out(bounds, "kms", AWAY)
    with bounds.call("kms", AWAY):  # an answer in between
        pass
    timed_out(bounds, "kms", AWAY)
    assert not bounds.stopped
    timed_out(bounds, "kms", AWAY)
    with (
        pytest.raises(ServiceSilentError, match=r"kms in eu-west-1 .* \(max_timeouts\)"),
        bounds.call("kms", AWAY),
    ):
        pytest.fail("it was asked")
    for service, region in (("kms", "eu-central-1"), ("s3", AWAY)):
        with bounds.call(service, region):
            pass
    assert [stop["code"] for stop in bounds.stopped] == ["ServiceSilentError"]


def test_other_errors_are_no_timeouts() -> None:
    bounds = limits(max_timeouts=1)
    with pytest.raises(ValueError, match="other"), bounds.call("kms", AWAY):
        raise ValueError("other")
    with bounds.call("kms", AWAY):
        pass


def test_silence_of_a_region_adds_up_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("kit.collect.limits.time.monotonic", lambda: now[0])
    bounds = limits(region_seconds=100, call_seconds=10_000)

    def wait(seconds: float, answered: bool) -> None:
        try:
            with bounds.waiting("kms", AWAY):
                now[0] += seconds
                if not answered:
                    raise ConnectionError
        except ConnectionError:
            pass

    wait(60, answered=False)
    now[0] += 1_000  # nobody waits
    wait(30, answered=True)
    wait(60, answered=False)
    wait(39, answered=False)
    assert not bounds.stopped
    wait(1, answered=False)
    with pytest.raises(RegionSilentError, match=r"eu-west-1 .*100 seconds \(region_seconds\)"):
        wait(1, answered=True)
    with bounds.waiting("kms", "eu-central-1"):
        pass
    bounds.close()


def test_a_run_has_no_bound_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("kit.collect.limits.time.monotonic", lambda: now[0])
    unbounded, bounded = limits(), limits(run_seconds=600)
    now[0] += 599
    with unbounded.call("kms", AWAY), bounded.call("kms", AWAY):
        pass
    now[0] += 1
    with unbounded.call("kms", AWAY):
        pass
    with (
        pytest.raises(RunOverdueError, match=r"600 seconds \(run_seconds\)"),
        bounded.call("kms", AWAY),
    ):
        pytest.fail("it was asked")
    assert [stop["code"] for stop in bounded.stopped] == ["RunOverdueError"]


# --- credentials --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["unknown", "expired"])
def test_credentials_that_end_are_named_and_not_used_again(
    demo: Run, sandbox: Sandbox, faultless: Snapshot, kind: Any
) -> None:
    before = len(sandbox.requests)
    sandbox.faults.add(Fault("*", "*", kind, after=20))
    snapshot = collect_some(demo)
    refused = [one for one in sandbox.requests[before:] if one.error]
    # What was under way, and AWS STS once for each of it at most.
    assert len(refused) <= 2 * _WORKERS + 1
    (stop,) = snapshot.stopped
    assert stop["code"] == "CredentialsEndedError"
    clock = stop["at"][11:19]
    assert stop["message"].startswith("credentials ended at ")
    assert stop["message"][len("credentials ended at ") :][:6] == clock[:6]
    assert facts(snapshot)["Collection stopped"] == stop["message"]
    found = evaluate(tabulate(snapshot)).leaves
    assert not [f for f in found if f.reason == "region off"]
    hints = [f.hint for f in found if f.code == "CredentialsEndedError"]
    assert hints
    assert all("log in again" in hint for hint in hints)
    assert all(r.attempts == 0 for r in snapshot.requests if code(r) and not r.status)
    assert claims(snapshot) <= claims(faultless)


def test_a_region_that_refuses_alone_ends_no_credentials(
    demo: Run, sandbox: Sandbox, faultless: Snapshot
) -> None:
    sandbox.faults.add(Fault("appstream", "*", "unknown", region=AWAY))
    snapshot = collect_some(demo)
    assert not snapshot.stopped
    here = [f for f in verdicts(snapshot) if f[1] == "eu-central-1" and f[0] == "AR-03"]
    assert here == [f for f in verdicts(faultless) if f[1] == "eu-central-1" and f[0] == "AR-03"]


PROCESS = """
import json, pathlib
used = pathlib.Path({used!r})
n = len(used.read_text()) if used.exists() else 0
used.write_text("x" * (n + 1))
key, secret = json.loads({keys!r})[min(n, 1)]
print(json.dumps({{"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret,
                  "SessionToken": f"token-{{n}}"}}))
"""


def renewing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    """Let the credentials come from a process, at the second time those of an account."""
    script, config = tmp_path / "credentials.py", tmp_path / "config"
    keys = []
    for name in ("demo", second):
        environment = sandbox.environment(name)
        keys.append([environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]])
    used = str(tmp_path / "used")
    script.write_text(PROCESS.format(used=used, keys=json.dumps(keys)))
    config.write_text(f"[profile audit]\ncredential_process = {sys.executable} {script}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


def test_credentials_are_renewed_where_their_source_has_others(
    demo: Run,
    sandbox: Sandbox,
    faultless: Snapshot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renewing(sandbox, tmp_path, monkeypatch, "demo")
    sandbox.faults.add(Fault("appstream", "*", "expired", after=10, times=3))
    snapshot = collect_some(demo, aws_profile="audit")
    assert not snapshot.stopped
    assert len((tmp_path / "used").read_text()) == 2
    assert verdicts(snapshot) == of_some(faultless)


def test_credentials_of_another_account_are_no_renewal(
    demo: Run, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewing(sandbox, tmp_path, monkeypatch, "tidy")
    before = len(sandbox.requests)
    sandbox.faults.add(Fault("appstream", "*", "expired", after=10, account=demo.account))
    snapshot = collect_some(demo, aws_profile="audit")
    assert [stop["code"] for stop in snapshot.stopped] == ["CredentialsEndedError"]
    others = [one for one in sandbox.requests[before:] if one.account != demo.account]
    assert {one.operation for one in others} == {"GetCallerIdentity"}
