"""Which snapshot may serve as the organisation's, what it lends, and that no more is lent."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import evaluate, tabulate
from kit.calls import (
    DESCRIBE_BUCKETS,
    DESCRIBE_ORGANIZATION,
    GET_EVENT_DATA_STORE,
    LIST_ANALYZERS,
    LIST_CLASSIFICATION_JOBS,
    LIST_EVENT_DATA_STORES,
    LIST_ORGANIZATIONS_FEATURES,
)
from kit.collect import lending
from kit.collect.collector import collect
from kit.collect.lending import check_organisation, lend, open_lender
from kit.controls import CONTROLS
from kit.errors import UserError
from kit.judge import calls_of, needed_calls
from kit.pack.evidence import evidence_files
from kit.pack.trace import find
from kit.parameters import Run, load_profile, parameters
from kit.report import show
from kit.report.views import Note, Table
from kit.sandbox.server import Sandbox
from kit.snapshot import Snapshot, digest, read
from tests.standins import ACCOUNT, AS_OF, HOME, REGION, Account

MANAGER, OTHER = "999988887777", "333344445555"
PROFILE = load_profile("default")
DEMO = Path(__file__).parent.parent.parent / "parameters" / "demo.yaml"


def administrator(folder: Path, organisation: str = "o-example00000") -> Account:
    """A management account that holds things of several members, and things of its own."""
    account = Account(folder / organisation, account=MANAGER)
    reported = {"Organization": {"Id": organisation, "MasterAccountId": MANAGER}}
    account.answers(DESCRIBE_ORGANIZATION, reported)
    for kind in ("ORGANIZATION", "ACCOUNT"):
        made = {"arn": kind, "name": kind, "type": kind, "status": "ACTIVE", "createdAt": AS_OF}
        account.lists(LIST_ANALYZERS, made)
    account.watched(accountId=ACCOUNT, jobDetails={"lastJobId": "job-1"})
    account.watched(bucket=HOME.replace(ACCOUNT, OTHER), accountId=OTHER)
    job = {
        "name": "jane.doe",
        "jobStatus": "COMPLETE",
        "jobType": "ONE_TIME",
        "lastRunErrorStatus": {"code": "NONE"},
    }
    account.lists(LIST_CLASSIFICATION_JOBS, job | {"jobId": "job-1"}, job | {"jobId": "job-2"})
    account.trail("org", account=MANAGER).trail("own", account=MANAGER, IsOrganizationTrail=False)
    for name, organisations in (("org", True), ("own", False)):
        arn = f"arn:aws:cloudtrail:{REGION}:{MANAGER}:eventdatastore/{name}"
        account.lists(LIST_EVENT_DATA_STORES, {"EventDataStoreArn": arn, "Name": name})
        described = {"EventDataStoreArn": arn, "OrganizationEnabled": organisations}
        account.answers(GET_EVENT_DATA_STORE, described, REGION, EventDataStore=arn)
    return account.bucket().fleet()


@pytest.fixture
def lender(tmp_path: Path) -> Snapshot:
    return administrator(tmp_path).snapshot()


def run(lender: Snapshot, account: str = ACCOUNT) -> Run:
    return Run(account=account, organisation_snapshot=str(lender.folder))


# --- what is lent -----------------------------------------------------------------------------


def test_only_what_concerns_the_member_is_lent(lender: Snapshot) -> None:
    loan = lend(lender, ACCOUNT, [REGION])
    reported = json.dumps([request.response for request in loan.requests])
    for other in (OTHER, "jane.doe", "job-2", "trail/own", "eventdatastore/own", '"ACCOUNT"'):
        assert other not in reported, other
    for wanted in (ACCOUNT, "job-1", "trail/org", "eventdatastore/org", '"ORGANIZATION"'):
        assert wanted in reported, wanted
    calls = {request.call for request in loan.requests}
    own = [call for call in calls if call.startswith(("appstream.", "iam.", "sts."))]
    assert own == [LIST_ORGANIZATIONS_FEATURES.name]


@pytest.mark.parametrize("controls", [[], ["LG-01"]])
def test_the_administrator_alone_requests_who_manages_root_credentials(
    controls: list[str],
) -> None:
    member = Run(account=ACCOUNT, controls=controls)
    manager = Run(account=MANAGER, controls=controls, administers_organisation=True)
    assert LIST_ORGANIZATIONS_FEATURES not in calls_of(member)
    assert LIST_ORGANIZATIONS_FEATURES in calls_of(manager)


def test_of_regions_out_of_scope_no_analyzer_and_no_bucket_is_lent(lender: Snapshot) -> None:
    calls = {request.call for request in lend(lender, ACCOUNT, ["eu-central-1"]).requests}
    assert not calls & {DESCRIBE_BUCKETS.name, LIST_ANALYZERS.name, LIST_CLASSIFICATION_JOBS.name}


def test_every_copy_can_be_followed_to_the_answer_it_was_made_of(lender: Snapshot) -> None:
    loan = lend(lender, ACCOUNT, [REGION])
    assert [one.id for one in loan.requests] == [
        f"O{n:04d}" for n in range(1, len(loan.requests) + 1)
    ]
    there = {request.id: request for request in lender.requests}
    nonces = {request.nonce for request in lender.requests}
    for copy in loan.requests:
        origin = loan.header["requests"][copy.id]
        original = there[origin["id"]]
        assert original.sha256 == origin["sha256"]
        assert copy.sha256 == digest(copy.response)
        assert (copy.call, copy.region, copy.started) == (
            original.call,
            original.region,
            original.started,
        )
        assert copy.nonce not in nonces
    assert loan.header["account"] == MANAGER
    assert loan.header["digest"] == lender.digest


def test_a_refusal_is_lent_as_one(tmp_path: Path) -> None:
    account = administrator(tmp_path).denies(LIST_ANALYZERS)
    loan = lend(account.snapshot(), ACCOUNT, [REGION])
    (copy,) = [one for one in loan.requests if one.call == LIST_ANALYZERS.name]
    assert copy.error
    assert copy.error["code"] == "AccessDeniedException"
    assert copy.response is None


# --- which may serve --------------------------------------------------------------------------


def test_one_that_may_serve_is_opened(lender: Snapshot) -> None:
    opened = open_lender(run(lender), PROFILE, AS_OF)
    assert opened
    assert opened.digest == lender.digest
    assert open_lender(Run(account=ACCOUNT), PROFILE, AS_OF) is None


@pytest.mark.parametrize("days", [-1, 8])
def test_one_that_is_too_old_or_lies_ahead_is_refused(lender: Snapshot, days: int) -> None:
    with pytest.raises(UserError) as caught:
        open_lender(run(lender), PROFILE, AS_OF + dt.timedelta(days=days))
    reported = str(caught.value)
    assert reported.startswith(
        f"organisation_snapshot: {lender.folder} is of 2026-11-24 12:00 UTC;"
    )
    assert "admits 7 days before the run (max_organisation_age_days)" in reported


def test_one_of_the_same_account_is_refused(lender: Snapshot) -> None:
    with pytest.raises(
        UserError, match=f"of account {MANAGER} itself; name a snapshot of the management"
    ):
        open_lender(run(lender, MANAGER), PROFILE, AS_OF)


def test_one_that_shows_no_organisation_is_refused(tmp_path: Path) -> None:
    alone = Account(tmp_path, account=MANAGER).snapshot()
    with pytest.raises(UserError, match=r"no organisation, .* \(organizations:DescribeOrg"):
        open_lender(run(alone), PROFILE, AS_OF)


def test_one_of_another_organisation_is_refused(lender: Snapshot, tmp_path: Path) -> None:
    mine = administrator(tmp_path, "o-another0000").made
    with pytest.raises(
        UserError, match="of the organisation o-example00000; this account is in o-"
    ):
        check_organisation(lender, mine)
    check_organisation(lender, lender.requests)


def test_one_that_is_none_or_was_changed_is_refused(lender: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"organisation_snapshot: snapshot: .* holds no snapshot"):
        open_lender(Run(account=ACCOUNT, organisation_snapshot=str(tmp_path)), PROFILE, AS_OF)
    changed = tmp_path / "changed"
    shutil.copytree(lender.folder, changed)
    (changed / "evidence.jsonl").write_bytes(b"")
    with pytest.raises(UserError, match="was changed after it was written"):
        open_lender(Run(account=ACCOUNT, organisation_snapshot=str(changed)), PROFILE, AS_OF)


def test_an_account_is_a_member_or_the_administrator() -> None:
    both = {"organisation_snapshot": "x", "administers_organisation": True, "account": ACCOUNT}
    with pytest.raises(UserError, match="leave out one of them"):
        parameters(both)


# --- the whole way, against the sandbox ---------------------------------------------------------

Gather = Callable[..., Snapshot]


@pytest.fixture
def lent_for(lender: Snapshot) -> list[str]:
    """The controls that read a call whose answers an organisation's snapshot lends."""
    lendable = lending._Cuts(lender, ACCOUNT, [REGION])._rules.keys()
    return [id for id, one in CONTROLS.items() if lendable & {call.name for call in one.calls}]


@pytest.fixture
def gather(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lent_for: list[str]
) -> Callable[..., Snapshot]:
    def gather(account: str, requested: Run) -> Snapshot:
        for name, value in sandbox.environment(account).items():
            monkeypatch.setenv(name, value)
        changed = {"pseudonym_key": str(tmp_path / "key"), "outputs": str(tmp_path)}
        requested = requested.model_copy(update={**changed, "controls": lent_for})
        calls = needed_calls(lent_for)
        return collect(requested, calls, tmp_path / account / "snapshot", progress=False)

    return gather


def test_a_members_verdicts_follow_from_its_organisations_snapshot(gather: Gather) -> None:
    demo = parameters(DEMO)
    requested = Run(account=MANAGER, regions=demo.regions, administers_organisation=True)
    lender = gather("organisation", requested)
    named = demo.model_copy(update={"organisation_snapshot": str(lender.folder)})
    stored = read(gather("demo", named).folder)
    shutil.rmtree(lender.folder)  # the member's snapshot is whole by itself
    tables = tabulate(stored)
    findings = evaluate(tables)
    worst = {one.control: one for one in findings.leaves if one.status == "not evidenced"}
    assert not {"ID-02", "ID-13", "LG-01", "LG-02", "LG-03", "LG-06"} & worst.keys()
    rests_on = {ref[:5] for one in findings.leaves for ref in one.evidence if ref[0] == "O"}
    assert rests_on <= {request.id for request in stored.lent}
    table = show.lent_evidence(stored)
    assert isinstance(table, Table)
    assert rests_on <= {row[0][0] for row in table.rows}
    index = show.evidence_index(findings, stored)
    assert rests_on <= {row[0] for row in index.rows}
    facts = dict(show.cover(findings, stored).facts)
    assert facts["Organisation's snapshot"].startswith(f"account {MANAGER}, as of ")
    assert lender.digest in facts["Organisation's snapshot"]
    assert int(facts["Requests to AWS"]) == len(stored.requests)
    files = dict(evidence_files(stored, tabulate(stored).labels))
    assert {f"evidence/{name}.json" for name in rests_on} <= files.keys()
    assert find(stored, "O0001").call == LIST_ANALYZERS.name
    every = b"".join(files.values())
    assert b"beispielwerke-org-trail" not in every


@pytest.mark.parametrize("administers", [True, False])
def test_the_administrator_is_requested_where_nothing_streams(
    gather: Gather, administers: bool
) -> None:
    regions = ["eu-central-1", "eu-west-1"]
    requested = Run(account=MANAGER, regions=regions, administers_organisation=administers)
    stored = gather("organisation", requested)
    where = [one.region for one in stored.requests if one.call == LIST_ANALYZERS.name]
    assert where == (regions if administers else [])
    assert stored.regions_unused == (set() if administers else set(regions))


def test_without_an_organisations_snapshot_nothing_is_lent(lender: Snapshot) -> None:
    assert lender.organisation is None
    assert isinstance(show.lent_evidence(lender), Note)
