"""The collector against the sandbox: real requests, real errors, provenance of each."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from kit import calls, evaluate, tabulate
from kit.catalogue.statuses import FAIL, NOT_EVIDENCED
from kit.collect import collector as engine
from kit.collect.collector import collect, without_user
from kit.collect.session import Clients
from kit.controls import CONTROLS
from kit.errors import CannotRunError, UserError
from kit.judge import calls_of, needed_calls
from kit.parameters import Run
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from kit.snapshot import Snapshot, digest
from tests.collect.policies import WHOLE


def gather(run: Run, *chosen: str) -> Snapshot:
    run = run.model_copy(update={"controls": list(chosen)})
    return collect(run, needed_calls(run.controls), progress=False)


def verdicts(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """Findings without what may differ between two runs."""
    return Counter(
        (f.control, f.region, f.resource, f.status, f.reason, f.code)
        for f in evaluate(tabulate(snapshot)).leaves
    )


def test_a_service_that_is_left_out_is_not_asked_and_passes_nothing(demo: Run) -> None:
    run = demo.model_copy(
        update={"controls": ["AR-19", "EX-16"], "without_services": ["backup", "ec2"]}
    )
    snapshot = collect(run, calls_of(run), progress=False)
    assert {"s3", "appstream"} <= {request.service for request in snapshot.requests}
    assert not {"backup", "ec2"} & {request.service for request in snapshot.requests}
    assert not {"backup", "ec2"} & {call.service for call in calls_of(run)}
    found = evaluate(tabulate(snapshot)).leaves
    assert {f.status for f in found if f.control == "EX-16"} == {NOT_EVIDENCED}
    assert {f.reason for f in found if f.status == NOT_EVIDENCED} == {"not collected"}
    versioned = [f for f in found if f.control == "AR-19" and f.status != FAIL]
    assert [f.operation for f in versioned] == ["backup.ListProtectedResources"]


def test_the_progress_counts_what_the_snapshot_counts(
    demo: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run = demo.model_copy(update={"controls": ["ID-02"]})
    snapshot = collect(run, calls_of(run), progress=True)
    last = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert last.startswith(f"collecting {run.account}: {len(snapshot.requests)} requests, ")


def test_every_request_has_its_provenance(faultless: Snapshot) -> None:
    snapshot = faultless
    assert [request.id for request in snapshot.requests] == [
        f"E{n:04d}" for n in range(1, len(snapshot.requests) + 1)
    ]
    for request in snapshot.requests:
        started, ended = map(dt.datetime.fromisoformat, (request.started, request.ended))
        assert snapshot.as_of <= started <= ended
        assert started.utcoffset() == dt.timedelta(0)
        assert request.call in calls.CALLS
        assert request.endpoint.startswith("http://127.0.0.1:")
        assert request.request_id
        assert request.status
        assert (request.error is None) == (200 <= request.status < 300)
        assert request.sha256 == digest(request.response)
    assert len({request.nonce for request in snapshot.requests}) == len(snapshot.requests)


def test_pages_of_one_state_the_same_as_whole_lists(
    demo: Run, faultless: Snapshot, tmp_path: Path
) -> None:
    from kit import sandbox as local

    with local.start(["demo"], page_size=1) as small, pytest.MonkeyPatch.context() as patch:
        for name, value in small.environment("demo").items():
            patch.setenv(name, value)
        paged = gather(demo.model_copy(update={"outputs": str(tmp_path / "paged")}))
    assert len(paged.requests) > len(faultless.requests)
    bounded = {"IT-03", "LG-04"}
    assert {v for v in verdicts(paged) if v[0] not in bounded} == {
        v for v in verdicts(faultless) if v[0] not in bounded
    }


def test_a_smaller_choice_of_controls_sends_fewer_requests(demo: Run) -> None:
    few = gather(demo, "ID-02")
    assert {request.call for request in few.requests} == {
        "sts.GetCallerIdentity",
        "account.ListRegions",
        "iam.GetAccountSummary",
        "iam.ListVirtualMFADevices",
        "organizations.DescribeOrganization",
    }


def test_a_denied_call_changes_only_what_needs_it(
    demo: Run, sandbox: Sandbox, faultless: Snapshot
) -> None:
    before = evaluate(tabulate(faultless))
    sandbox.faults.add(Fault("appstream", "DescribeFleets", "deny"))
    after = evaluate(tabulate(gather(demo)))
    needing = {name for name, control in CONTROLS.items() if calls.DESCRIBE_FLEETS in control.calls}

    def rows(findings: Any, of: set[str], inside: bool) -> set[tuple[str, ...]]:
        return {
            (f.control, f.region, f.resource, f.status, f.reason)
            for f in findings.leaves
            if (f.control in of) is inside
        }

    assert rows(before, needing, False) == rows(after, needing, False)
    for control in ("AR-01", "AR-03", "IT-05"):
        own = [f for f in after.leaves if f.control == control]
        assert {f.status for f in own} == {"not evidenced"}
        for finding in own:
            assert finding.operation == "appstream.DescribeFleets"
            assert finding.code == "AccessDeniedException"
            assert finding.permission == "appstream:DescribeFleets"
            assert finding.evidence


def test_an_endless_throttle_is_not_evidenced(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("appstream", "DescribeStacks", "throttle"))
    found = evaluate(tabulate(gather(demo, "IT-01"))).leaves
    assert {(f.status, f.reason, f.code) for f in found} == {
        ("not evidenced", "throttled", "ThrottlingException")
    }


def test_retries_are_counted(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("appstream", "DescribeStacks", "throttle", times=1))
    snapshot = gather(demo, "IT-01")
    attempts = Counter(r.attempts for r in snapshot.requests if r.operation == "DescribeStacks")
    assert attempts[2] == 1
    assert {f.status for f in evaluate(tabulate(snapshot)).leaves} == {"attested"}


def test_an_empty_page_with_a_token_is_followed(demo: Run, sandbox: Sandbox) -> None:
    before = verdicts(gather(demo, "IT-01"))
    sandbox.faults.add(Fault("appstream", "DescribeStacks", "empty-page"))
    assert verdicts(gather(demo.model_copy(update={"outputs": demo.outputs + "/b"}), "IT-01")) == (
        before
    )


def test_a_region_that_is_off_is_not_evidenced(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("*", "*", "region-off", region="eu-west-1"))
    snapshot = gather(demo, "IT-01", "AR-03")
    found = [f for f in evaluate(tabulate(snapshot)).leaves if f.region == "eu-west-1"]
    assert {(f.status, f.reason) for f in found} == {("not evidenced", "region off")}
    assert not [r for r in snapshot.requests if r.region == "eu-west-1"]


def test_where_listing_regions_is_denied_ec2_is_requested(demo: Run, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("account", "ListRegions", "deny"))
    requested = {request.call for request in gather(demo, "IT-01").requests}
    assert "ec2.DescribeRegions" in requested


def test_tags_are_read_one_by_one_where_the_list_is_denied(demo: Run, sandbox: Sandbox) -> None:
    before = verdicts(gather(demo, "MD-02"))
    sandbox.faults.add(Fault("resourcegroupstaggingapi", "GetResources", "deny"))
    snapshot = gather(demo.model_copy(update={"outputs": demo.outputs + "/b"}), "MD-02")
    assert "appstream.ListTagsForResource" in {request.call for request in snapshot.requests}
    failed = {v for v in before if v[3] == "fail"}
    assert failed <= set(verdicts(snapshot))


def test_lookups_are_bounded_and_say_so(demo: Run) -> None:
    snapshot = gather(demo.model_copy(update={"event_pages": 1}), "LG-04")
    pages = Counter(r.region for r in snapshot.requests if r.operation == "LookupEvents")
    assert set(pages.values()) == {1}


def test_what_is_stored_of_an_event_is_what_evidence_needs(demo: Run) -> None:
    snapshot = gather(demo, "IT-03")
    events = [
        (event, json.loads(event["CloudTrailEvent"]))
        for request in snapshot.requests
        if request.operation == "LookupEvents"
        for event in request.response["Events"]
    ]
    assert events
    for event, document in events:
        assert "requestParameters" not in document
        assert "sourceIPAddress" not in document
        assert event.get("AccessKeyId", "").startswith("⟦secret:") or "AccessKeyId" not in event


def test_another_account_than_the_one_named_is_refused(demo: Run) -> None:
    with pytest.raises(UserError, match=r"account: 111111111111 is to be looked at, but these"):
        gather(demo.model_copy(update={"account": "111111111111"}), "ID-02")
    assert not list(Path(demo.outputs).rglob("*"))


def test_no_credentials_are_reported(demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(UserError, match="AWS credentials: none available; log in"):
        gather(demo, "ID-02")


def test_a_wrong_profile_is_reported(demo: Run) -> None:
    with pytest.raises(UserError, match="aws_profile: there is no profile 'audits'"):
        gather(demo.model_copy(update={"aws_profile": "audits"}), "ID-02")


def test_an_endpoint_that_is_not_there_is_reported(
    demo: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(CannotRunError, match="AWS could not be reached"):
        gather(demo, "ID-02")


def test_a_role_of_another_account_is_assumed(demo: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    tidy = sandbox.accounts["tidy"]
    run = Run(
        account=tidy,
        regions=["eu-west-1"],
        role_arn=f"arn:aws:iam::{tidy}:role/EvidenceReader",
        controls=["ID-02"],
        outputs=str(tmp_path),
    )
    snapshot = collect(run, needed_calls(run.controls), progress=False)
    arn = snapshot.answer(calls.GET_CALLER_IDENTITY).value("Arn")
    assert arn == f"arn:aws:sts::{tidy}:assumed-role/EvidenceReader/appstream-evidence-kit"


def test_outputs_that_cannot_be_written_are_reported_before_anything_is_requested(
    demo: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "loop").symlink_to("loop")
    requested = len(sandbox.requests)
    for name in ("file/below", "loop/file", "file" * 100):
        with pytest.raises(UserError, match=rf"outputs: .*{name}.* cannot be written"):
            gather(demo.model_copy(update={"outputs": str(tmp_path / name)}))
    assert len(sandbox.requests) == requested


def test_a_trail_is_requested_where_it_is_at_home(demo: Run) -> None:
    away = demo.model_copy(update={"regions": ["eu-west-1"]})
    snapshot = gather(away, "LG-01")
    (trail,) = [t for t, _ in snapshot.answer(calls.DESCRIBE_TRAILS, "eu-west-1").items()]
    assert trail["HomeRegion"] not in snapshot.regions
    for call in (calls.GET_TRAIL_STATUS, calls.GET_EVENT_SELECTORS):
        requested = {r.region for r in snapshot.requests if r.call == call.name}
        assert requested == {trail["HomeRegion"]}


def test_the_same_name_is_requested_in_each_region(demo: Run, sandbox: Sandbox) -> None:
    snapshot = gather(demo, "MD-03")
    named = {
        (request.region, stack["Name"])
        for request in snapshot.requests
        if request.call == calls.DESCRIBE_STACKS.name
        for stack in request.response["Stacks"]
    }
    requested = {
        (request.region, request.parameters["StackName"])
        for request in snapshot.requests
        if request.call == calls.DESCRIBE_THEME_FOR_STACK.name
    }
    assert requested == named


def test_evidence_ids_do_not_depend_on_who_answers_first(demo: Run, faultless: Snapshot) -> None:
    def order(snapshot: Snapshot) -> list[tuple[str, str, str]]:
        return [(r.call, r.region, str(r.parameters)) for r in snapshot.requests]

    # One asks for a window of time, one is asked again until the report is there.
    vary = ("LookupEvents", "GenerateCredentialReport")
    first, second = (
        [row for row in order(snapshot) if not row[0].endswith(vary)]
        for snapshot in (faultless, gather(demo))
    )
    assert first == second


def test_the_snapshot_states_whether_certificates_were_verified(demo: Run) -> None:
    assert gather(demo, "GV-01").header["certificates_verified"] is True
    clients = Clients(demo, WHOLE)
    clients.client("sts", "eu-west-1")
    assert clients.verify_certificates
    lax = boto3.client("sts", region_name="eu-west-1", verify=False)
    clients._clients["sts", "eu-west-2"] = lax
    assert not clients.verify_certificates


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(
    demo: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> dt.datetime:
            return dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)

    monkeypatch.setattr(engine, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
    folders = [gather(demo, "ID-02").folder for _ in range(2)]
    assert [one.parent.name for one in folders] == ["2026-11-24T090000Z", "2026-11-24T090000Z-2"]
    assert [one.name for one in folders] == ["snapshot", "snapshot"]


@pytest.mark.parametrize("user", ["", "account@", "user:pass@word@"])
def test_a_user_of_an_endpoint_is_not_stored(user: str) -> None:
    assert without_user(f"http://{user}127.0.0.1:9/a@b") == "http://127.0.0.1:9/a@b"
