"""Kind to AWS: how many requests at once, how fast CloudTrail is asked, and by whom it is told."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kit import sandbox as local
from kit.calls import (
    CALLS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    GENERATE_CREDENTIAL_REPORT,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_LOGGING,
    GET_BUCKET_REPLICATION,
    GET_CREDENTIAL_REPORT,
    GET_KEY_POLICY,
    LIST_BUCKETS,
    LOOKUP_EVENTS,
    Call,
)
from kit.collect.collector import _AT_ONCE, _Engine, collect
from kit.collect.session import Clients
from kit.judge import needed_calls
from kit.parameters import Run
from kit.snapshot import Request
from tests.collect.policies import WHOLE

DEMO = "210987654321"
REGIONS = ["eu-central-1", "eu-west-1"]


def test_cloudtrail_is_requested_twice_a_second_in_a_region_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local.start(["demo"], page_size=3) as sandbox:
        for name, value in sandbox.environment("demo").items():
            monkeypatch.setenv(name, value)
        run = Run(account=DEMO, regions=REGIONS, event_pages=3)
        collect(run, needed_calls(["LG-04"]), tmp_path / "snapshot", progress=False)
        requested = defaultdict(list)
        for one in sandbox.requests:
            if one.operation == "LookupEvents":
                requested[one.region].append(one.at)
    assert set(requested) == set(REGIONS)
    gaps = [later - earlier for times in requested.values() for earlier, later in pairwise(times)]
    assert len(gaps) >= 2
    assert min(gaps) >= 0.5


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Call]], list[Call]]:
    """Returns the order in which calls begin."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    order: list[Call] = []
    monkeypatch.setattr(_Engine, "_begin", lambda self, call, regions: order.append(call))

    def begun(calls: list[Call]) -> list[Call]:
        run = Run(account=DEMO, regions=["eu-central-1"])
        engine = _Engine(run, Clients(run, WHOLE), dt.datetime(2026, 11, 30, tzinfo=dt.UTC))
        engine.perform_all(calls, run.regions)
        engine.close()
        return order

    return begun


def test_what_pauses_between_its_pages_begins_first(
    begun: Callable[[list[Call]], list[Call]],
) -> None:
    calls = [DESCRIBE_TRAILS, LIST_BUCKETS, GENERATE_CREDENTIAL_REPORT, LOOKUP_EVENTS]
    order = [GENERATE_CREDENTIAL_REPORT, LIST_BUCKETS, LOOKUP_EVENTS, DESCRIBE_TRAILS]
    assert begun(calls) == order


def test_what_the_longest_chain_waits_for_begins_first(
    begun: Callable[[list[Call]], list[Call]],
) -> None:
    chain = [LIST_BUCKETS, GET_BUCKET_REPLICATION, DESCRIBE_KEY, GET_KEY_POLICY]
    order = [LIST_BUCKETS, GET_BUCKET_REPLICATION, GET_BUCKET_LOGGING, *chain[2:]]
    assert begun([GET_BUCKET_LOGGING, *chain]) == order


def test_what_waits_for_a_call_without_requests_does_not_wait_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    steps: list[str] = []

    def begin(self: _Engine, call: Call, regions: list[str]) -> None:
        steps.append(call.operation)
        if call is LIST_BUCKETS:
            self._left[call] += 1

    def finish(self: _Engine) -> bool:
        steps.append("waits")
        if steps.count("waits") == 3:
            self._left.clear()
        return not self._left

    monkeypatch.setattr(_Engine, "_begin", begin)
    monkeypatch.setattr(_Engine, "_finish_some", finish)
    run = Run(account=DEMO, regions=["eu-central-1"])
    engine = _Engine(run, Clients(run, WHOLE), dt.datetime(2026, 11, 30, tzinfo=dt.UTC))
    needed = [GENERATE_CREDENTIAL_REPORT, GET_CREDENTIAL_REPORT, LIST_BUCKETS, DESCRIBE_TRAILS]
    engine.perform_all(needed, run.regions)
    engine.close()
    assert steps == [
        *("GenerateCredentialReport", "ListBuckets", "GetCredentialReport"),
        *("waits", "waits", "waits", "DescribeTrails"),
    ]


def test_a_region_begins_once_an_answer_shows_that_it_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, others_began = _Engine._request, threading.Event()
    begun: list[str] = []

    def late(self: _Engine, job: Any, *arguments: Any) -> Any:
        if job.call is DESCRIBE_TRAILS:
            begun.append(job.region)
            if len(begun) == 2:
                others_began.set()
        if job.call is DESCRIBE_STACKS and job.region == "eu-west-2":
            assert others_began.wait(20), "a region waits for another"
        return ask(self, job, *arguments)

    monkeypatch.setattr(_Engine, "_request", late)
    calls = [call for call in CALLS.values() if call.probe]
    with local.start(["demo"]) as sandbox:
        for name, value in sandbox.environment("demo").items():
            monkeypatch.setenv(name, value)
        run = Run(account=DEMO, regions=[*REGIONS, "eu-west-2"])
        wanted = [*calls, LIST_BUCKETS, DESCRIBE_TRAILS]
        snapshot = collect(run, wanted, tmp_path / "snapshot", progress=False)
    assert sorted(begun) == REGIONS
    assert snapshot.regions_unused == {"eu-west-2"}
    sent = Counter((r.call, r.region, str(r.parameters), r.page) for r in snapshot.requests)
    assert set(sent.values()) == {1}


def test_a_service_in_a_region_gets_few_requests_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, now, most = threading.Lock(), Counter[Any](), Counter[Any]()
    ask = _Engine._request

    def slowly(self: _Engine, job: Any, *arguments: Any) -> Any:
        where = (job.call.service, job.region)
        with lock:
            now[where] += 1
            most[where] = max(most[where], now[where])
        time.sleep(0.1)
        try:
            return ask(self, job, *arguments)
        finally:
            with lock:
                now[where] -= 1

    monkeypatch.setattr(_Engine, "_request", slowly)
    with local.start(["demo"]) as sandbox:
        for name, value in sandbox.environment("demo").items():
            monkeypatch.setenv(name, value)
        run = Run(account=DEMO, regions=["eu-central-1"])
        collect(run, needed_calls([]), tmp_path / "snapshot", progress=False)
        agent = Clients(run, WHOLE).client("sts", "eu-west-1").meta.config.user_agent_extra
    by_service = {
        service: max(n for (s, _), n in most.items() if s == service) for service, _ in most
    }
    assert all(count <= _AT_ONCE[service] for service, count in by_service.items())
    assert by_service["appstream"] == 6
    assert by_service["s3"] > 6
    assert agent.startswith("appstream-evidence-kit/")


def test_a_call_waits_for_its_own_sources_alone_and_ids_do_not_depend_on_who_was_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(account=DEMO, regions=["eu-central-1"])
    calls = needed_calls(["AR-05", "ID-05"])  # whose requests name no time and are not repeated
    request, bucket_read = _Engine._request, threading.Event()

    def held(self: _Engine, job: Any, *arguments: Any) -> Any:
        if job.call is GET_BUCKET_ENCRYPTION:
            bucket_read.set()
        if job.call is GET_ACCOUNT_AUTHORIZATION_DETAILS:
            assert bucket_read.wait(60)
        return request(self, job, *arguments)

    with local.start(["demo"]) as sandbox:
        for name, value in sandbox.environment("demo").items():
            monkeypatch.setenv(name, value)
        plain = collect(run, calls, tmp_path / "plain", progress=False)
        monkeypatch.setattr(_Engine, "_request", held)
        late = collect(run, calls, tmp_path / "late", progress=False)
    assert [_identity(request) for request in plain.requests] == [
        _identity(request) for request in late.requests
    ]
    assert plain.regions_unused == late.regions_unused


def _identity(request: Request) -> tuple[Any, ...]:
    return request.id, request.call, request.region, request.parameters, request.page
