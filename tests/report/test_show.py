"""What the sections of the notebook show of findings, tables and snapshot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_notebook

from kit.calls import (
    DESCRIBE_REGIONS,
    GET_BUCKET_POLICY,
    GET_MACIE_SESSION,
    LIST_REGIONS,
    LIST_REPORTS,
    LOOKUP_EVENTS,
)
from kit.catalogue import texts
from kit.collect.handshakes import Handshake
from kit.controls import CONTROLS
from kit.controls.source import statements
from kit.judge import evaluate
from kit.judge.findings import Findings, worst
from kit.pack.cut import cut
from kit.pack.document import document
from kit.report import show
from kit.report.collected import KEPT
from kit.report.views import Group, Note, Table
from kit.snapshot import Snapshot
from kit.tables import Tables, tabulate
from kit.tables.core import SPECS
from tests.controls.samples import SAMPLES
from tests.pack.conftest import cover, shown
from tests.standins import AS_OF, HOME, REGION, SETTINGS, Account, tls_only


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return tabulate(SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot())


@pytest.fixture(scope="module")
def findings(tables: Tables) -> Findings:
    return evaluate(tables)


def column(table: Table, name: str) -> list[Any]:
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def test_every_statement_of_the_page_stands_with_its_controls_and_their_worst_verdict(
    findings: Findings,
) -> None:
    table = show.source_coverage(findings)
    assert column(table, "controls") == [list(one.controls) for one in statements()]
    for says, one in zip(column(table, "says"), statements(), strict=True):
        assert one.says in says
        assert one.note in says
    every = (*findings.leaves, *findings.roll_ups)
    for one, status in zip(statements(), column(table, "status"), strict=True):
        own = worst(found.status for found in every if found.control in one.controls)
        assert status == own


def test_awss_word_stands_beside_a_worse_verdict_of_a_control(tmp_path: Path) -> None:
    findings = evaluate(tabulate(SAMPLES["careless"](tmp_path).snapshot()))
    attested = {one.control for one in findings.leaves if one.status == "attested"}
    worse = 0
    for row in show.source_coverage(findings).rows:
        if attested & {*row[3]}:
            assert row[5] == "attested"
            worse += row[4] != "attested"
    assert worse


def test_a_statement_whose_controls_were_not_selected_has_no_verdict(tmp_path: Path) -> None:
    account = SAMPLES["tidy"](tmp_path)
    account.run = account.run.model_copy(update={"controls": ["AR-05"]})
    table = show.source_coverage(evaluate(tabulate(account.snapshot())))
    assert not any(column(table, "status"))
    assert column(table, "beside").count("not selected: AR-09") == 1


def statement(account: Account, *controls: str) -> list[Any]:
    """Verdict on the statement that these controls answer, and what stands beside it."""
    account.run = account.run.model_copy(update={"controls": list(controls)})
    rows = show.source_coverage(evaluate(tabulate(account.snapshot()))).rows
    (row,) = (row for row in rows if row[3] == list(controls))
    assert row[5] in (None, "attested")
    return [row[4], row[6]]


PERSONS = ("ID-01", "ID-03", "ID-12")


@pytest.mark.parametrize(
    ("sample", "declared", "expected"),
    [
        ("tidy", "IAM 3", ["pass", None]),
        ("tidy", "", ["not evidenced", "individual_accounts_evidence: not declared"]),
        ("careless", "IAM 3", ["fail", None]),
        ("careless", "", ["fail", "individual_accounts_evidence: not declared"]),
        ("empty", "IAM 3", ["pass", None]),
        ("empty", "", ["not evidenced", "individual_accounts_evidence: not declared"]),
    ],
)
def test_individual_accounts_are_not_shown_by_root_alone(
    tmp_path: Path, sample: str, declared: str, expected: list[Any]
) -> None:
    account = SAMPLES[sample](tmp_path)
    account.run = account.run.model_copy(update={"individual_accounts_evidence": declared})
    assert statement(account, *PERSONS) == expected


def test_a_person_without_mfa_or_with_an_old_key_counts_for_individual_accounts(
    tmp_path: Path,
) -> None:
    account = Account(tmp_path, individual_accounts_evidence="IAM 3")
    account.credentials(jane={"password_enabled": "true", "mfa_active": "false"})
    assert statement(account, *PERSONS)[0] == "fail"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, ["fail", "attested", "enforced: no (IT-04)"]),
        (tls_only(HOME), ["pass", "attested", "enforced: yes (IT-04)"]),
    ],
)
def test_awss_statement_on_its_own_traffic_to_s3_stands_apart_from_the_verdict(
    tmp_path: Path, policy: Any, expected: list[Any]
) -> None:
    account = Account(tmp_path).bucket(policy=policy)
    findings = evaluate(tabulate(account.snapshot()))
    (row,) = (row for row in show.source_coverage(findings).rows if row[3] == ["IT-04"])
    assert row[4:] == expected
    verdicts = {row[1]: row[4] for row in show.responsibilities(findings).rows}
    assert row[4] == verdicts["IT-04"]


def test_where_enforcement_was_not_seen_the_statement_says_so(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket().denies(GET_BUCKET_POLICY, Bucket=HOME)
    assert statement(account, "IT-04") == ["not evidenced", "enforced: not evidenced (IT-04)"]


def test_without_a_bucket_nothing_travels_to_s3(tmp_path: Path) -> None:
    assert statement(Account(tmp_path), "IT-04") == ["not applicable", None]


def test_the_row_on_s3_says_whether_tls_is_enforced(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket()
    rows = show.transit(evaluate(tabulate(account.snapshot()))).rows
    (row,) = (row for row in rows if row[3] == "IT-04")
    assert row[4] == "fail"
    assert row[5].startswith("enforced: no (IT-04). ")


def test_a_row_on_transit_counts_every_finding_of_its_worst_verdict(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("a", EmbedHostDomains=["a.example"])
    account.stack("b").stack("c")
    rows = show.transit(evaluate(tabulate(account.snapshot()))).rows
    (row,) = (row for row in rows if row[3] == "IT-01")
    assert "Observed: Embedding hosts: none (2) | Embedding hosts: text-" in row[5]
    assert row[5].count("Data Protection") == 1
    account = Account(tmp_path / "b").bucket().bucket(SETTINGS, policy=tls_only(SETTINGS))
    rows = show.transit(evaluate(tabulate(account.snapshot()))).rows
    (row,) = (row for row in rows if row[3] == "IT-04")
    assert row[5].startswith("enforced: no (IT-04). 1 fail, 1 pass. ")


def test_who_may_open_sessions_counts_for_permissions(tmp_path: Path) -> None:
    stream = {"Effect": "Allow", "Action": "appstream:CreateStreamingURL", "Resource": "*"}
    account = Account(tmp_path).fleet().stack().allowed("Helpdesk", stream)
    assert statement(account, "ID-05", "ID-08")[0] == "fail"


def test_the_rows_on_transit_are_those_of_the_page(findings: Findings) -> None:
    table = show.transit(findings)
    assert column(table, "control") == [f"IT-0{n}" for n in range(1, 6)]
    assert column(table, "traffic") == [one.what for one in statements() if one.what]
    assert "leaves the cell blank" in column(table, "says")[4]


def test_every_threshold_stands_with_its_value_and_its_controls(tables: Tables) -> None:
    table = show.thresholds(tables.snapshot)
    profile = tables.snapshot.profile
    assert column(table, "threshold") == [
        name for name in type(profile).model_fields if name != "name"
    ]
    assert (
        dict(zip(column(table, "threshold"), column(table, "value"), strict=True))["fips_required"]
        == "no"
    )
    unused = [name for name, *_, controls in table.rows if not controls]
    assert unused == ["max_organisation_age_days"]  # it decides whether a snapshot may serve


def test_a_verdict_stands_beside_the_thresholds_that_it_was_given_with(findings: Findings) -> None:
    reported = {one.control: one.expected for one in findings.leaves}
    assert reported["AR-03"].endswith(
        "[max_session_seconds = 36000, max_disconnect_seconds = 300, max_idle_seconds = 600]"
    )
    assert reported["ID-12"].endswith("[max_key_age_days = 90]")
    for name, control in CONTROLS.items():
        for limit in set(control.thresholds) - {"as_of"}:
            assert f"{limit} = " in reported[name]


def test_versions_of_tls_stand_with_how_many_events_state_them_and_when(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().event(tls="TLSv1.3").event(tls=None)
    (row,) = show.tls_of_events(tabulate(account.snapshot())).rows
    assert row[:4] == [REGION, 1, 2, "TLSv1.3"]
    assert row[6] == "all events"
    assert row[7]


def test_events_that_could_not_be_read_are_reported(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().denies(LOOKUP_EVENTS)
    (row,) = show.tls_of_events(tabulate(account.snapshot())).rows
    assert row[:4] == [REGION, None, None, "not seen"]


def test_handshakes_stand_with_what_was_agreed_or_why_not(tmp_path: Path) -> None:
    account = Account(tmp_path)
    time = "2026-11-24T12:00:05+00:00"
    made = ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "commonName=a", "commonName=b", time, "ab" * 32)
    account.handshakes = [
        Handshake("H0001", "s3.eu-west-1.amazonaws.com", 443, time, *made, True),
        Handshake("H0002", "sts.eu-west-1.amazonaws.com", 443, time, error="TimeoutError: late"),
    ]
    table = show.handshakes(account.snapshot())
    assert isinstance(table, Table)
    assert column(table, "agreed") == ["TLSv1.3, TLS_AES_128_GCM_SHA256", "TimeoutError: late"]
    assert column(table, "tls_1_1") == ["refused", None]
    assert (table.anchor, column(table, "id")) == ("id", ["H0001", "H0002"])


def test_without_a_request_to_aws_there_is_no_handshake(tables: Tables) -> None:
    assert isinstance(show.handshakes(tables.snapshot), Note)


def test_reports_of_auditors_stand_with_period_and_place(tmp_path: Path) -> None:
    report = {"name": "SOC 2 Type II", "state": "PUBLISHED", "arn": "arn:aws:artifact:::report/1"}
    period = {"periodStart": AS_OF - dt.timedelta(days=400), "periodEnd": AS_OF}
    account = Account(tmp_path).lists(LIST_REPORTS, report | period)
    account.run = account.run.model_copy(update={"reports_read": {"SOC 2": "TPRM 4"}})
    rows = {row[0]: row for row in show.attestations(tabulate(account.snapshot())).rows}
    assert list(rows) == [
        "C5",
        "CISPE",
        *(f"ISO {n}" for n in (27001, 27017, 27018, 27701)),
        "SOC 2",
    ]
    name, start, end, reading, arn, _ = rows["SOC 2"][1:]
    assert (name, start, end) == ("SOC 2 Type II", "2025-10-20", "2026-11-24")
    assert (reading, arn) == ("TPRM 4", "arn:aws:artifact:::report/1")
    assert rows["C5"][1:6] == ["none", None, None, "not declared", None]
    account.denies(LIST_REPORTS)
    assert isinstance(show.attestations(tabulate(_again(account, tmp_path))), Note)


def test_a_report_of_two_frameworks_is_read_for_both(tmp_path: Path) -> None:
    report = {"name": "ISO 27017:2015 and 27018:2019", "state": "PUBLISHED"}
    account = Account(tmp_path).lists(LIST_REPORTS, report | {"arn": "arn:aws:artifact:::report/2"})
    account.run = account.run.model_copy(update={"reports_read": {"ISO 27018": "TPRM 4"}})
    table = show.attestations(tabulate(account.snapshot()))
    assert isinstance(table, Table)
    reading = dict(zip(column(table, "framework"), column(table, "reading"), strict=True))
    assert reading["ISO 27018"] == "TPRM 4"
    assert reading["ISO 27017"] == "TPRM 4 (for ISO 27018)"
    assert reading["ISO 27001"] == "not declared"
    assert table.caption.endswith("The rows name 1 report, which covers several frameworks.")


def _again(account: Account, folder: Path) -> Snapshot:
    (folder / "snapshot").rename(folder / "before")
    return account.snapshot()


def test_how_the_evidence_was_collected_names_the_principal_by_a_label(tables: Tables) -> None:
    reported = dict(show.collected(tables).rows)
    assert "assumed-role/assumed-role-" in reported["Principal"]
    assert "EvidenceReader" not in str(reported)
    requests = tables.snapshot.requests
    assert reported["Requests"] == str(len(requests))
    absent = sum(one.absent for one in requests)
    assert reported["Answers that something does not exist"] == str(absent) != "0"
    assert reported["Regions requested"] == ", ".join(sorted({one.region for one in requests}))


def test_an_error_that_is_a_fact_is_reported_as_one(findings: Findings, tables: Tables) -> None:
    table = show.evidence_index(findings, tables.snapshot)
    answers = set(zip(column(table, "call"), column(table, "answer"), strict=True))
    assert ("s3.GetBucketPolicyStatus", "does not exist (NoSuchBucketPolicy)") in answers
    assert ("appstream.DescribeFleets", "200") in answers
    refused = {region: n for region, _, _, n in show.scope(tables.snapshot).rows}
    assert {*refused.values()} - {None} == {0}


def test_an_absence_that_the_code_does_not_state_has_awss_words(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    account.refuses(GET_MACIE_SESSION, "AccessDeniedException", "Macie is not enabled.")
    snapshot = account.snapshot()
    table = show.evidence_index(evaluate(tabulate(snapshot)), snapshot)
    answers = set(zip(column(table, "call"), column(table, "answer"), strict=True))
    absent = "does not exist (AccessDeniedException: Macie is not enabled)"
    assert (GET_MACIE_SESSION.name, absent) in answers


def test_the_scope_has_every_request_and_the_regions_that_were_left_out(tables: Tables) -> None:
    rows = show.scope(tables.snapshot).rows
    assert sum(row[2] or 0 for row in rows) == len(tables.snapshot.requests)
    (reported,) = {tuple(cell) for cell in tables["places"].frame["not_looked_at"]}
    left = [region for region, state, *_ in rows if "no request about AppStream" in state]
    assert left == ([", ".join(reported)] if reported else [])
    assert all(row[2:] == [None, None] for row in rows if row[0] in left)


def test_a_region_of_global_services_that_was_left_out_has_one_row(tmp_path: Path) -> None:
    names = (REGION, "us-east-1", "us-west-2")
    enabled = [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in names]
    snapshot = Account(tmp_path).fleet().lists(LIST_REGIONS, *enabled).snapshot()
    states = {region: state for region, state, *_ in show.scope(snapshot).rows}
    assert list(states) == [*names]
    out = "not in scope: enabled, and the kit sent no request about AppStream"
    assert states["us-west-2"] == out
    assert states["us-east-1"].startswith(f"{out}. Requests to services that AWS has once for")
    assert ": account, " in states["us-east-1"]


def test_a_region_of_global_services_that_is_in_scope_has_one_row(tmp_path: Path) -> None:
    names = (REGION, "us-east-1", "us-west-2")
    enabled = [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in names]
    account = Account(tmp_path, regions=names[:2]).fleet().lists(LIST_REGIONS, *enabled)
    states = {region: state for region, state, *_ in show.scope(account.snapshot()).rows}
    assert list(states) == [*names]
    assert states["us-east-1"] == states[REGION] == "in use"


def test_a_region_of_global_services_alone_is_not_in_scope(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    snapshot = account.denies(LIST_REGIONS).denies(DESCRIBE_REGIONS).snapshot()
    states = {region: state for region, state, *_ in show.scope(snapshot).rows}
    assert "others" in states
    elsewhere = [state for region, state in states.items() if region not in (REGION, "others")]
    assert elsewhere
    assert all(state.startswith("not in scope. Requests") for state in elsewhere)


def test_what_sums_up_others_is_reported_beside_the_counts(findings: Findings) -> None:
    names = ", ".join(one.control for one in findings.roll_ups)
    for table in (show.totals(findings), show.all_findings(findings)):
        assert f"The numbers do not include roll-ups ({names})." in table.caption


def test_the_inventory_counts_nothing_without_a_request(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1"), regions_unused=("us-east-1",))
    table = show.inventory(
        tabulate(account.fleet().snapshot()), "regions", ["trails", "events_seen"]
    )
    assert [row[1:] for row in table.rows] == [[0, 0], ["not requested", "not requested"]]


def test_the_inventory_words_values_of_the_kit_and_quotes_what_a_run_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**texts._catalogue("en"), "values/home folders": "HOME"}
    monkeypatch.setattr(texts, "_catalogue", lambda language: other)
    account = Account(tmp_path, controller="home folders").bucket(HOME)
    tables = tabulate(account.snapshot())
    assert show.inventory(tables, "buckets", ["purpose"]).rows[0][-1] == "HOME"
    assert show.inventory(tables, "declarations", ["controller"]).rows[0][-1] == "home folders"


def test_given_parameters_have_their_source_and_names_stay_with_the_analyst(tmp_path: Path) -> None:
    account = Account(tmp_path, data_role="controller", administrators=["arn:aws:iam::1:role/Jo"])
    sources = {"data_role": "run.yaml, line 3", "administrators": "papermill (administrators)"}
    account.run = account.run.given_in(sources)
    snapshot = account.snapshot()
    snapshot.header["parameter_sources"] = account.run.sources
    table = show.given(snapshot)
    assert table.rows == [
        ["administrators", "given; the value stays with the analyst", sources["administrators"]],
        ["data_role", "controller", sources["data_role"]],
    ]


def test_what_a_pack_shows_is_not_kept_from_its_parameters(tmp_path: Path) -> None:
    shown = {threshold for control in CONTROLS.values() for threshold in control.thresholds}
    shown |= {"contact", "prepared_by", "reviewed_by", "approved_by"}
    assert not KEPT & (shown | SPECS["declarations"].columns.keys())
    account = Account(tmp_path, contact="privacy@a.example")
    account.run = account.run.given_in({"contact": "run.yaml, line 3"})
    snapshot = account.snapshot()
    snapshot.header["parameter_sources"] = account.run.sources
    assert show.given(snapshot).rows == [["contact", "privacy@a.example", "run.yaml, line 3"]]


def sampled(account: Account, *regions: str) -> Account:
    """In these regions the newest event was read, not those before it."""
    for region in regions:
        account.fleet(region=region).event(region=region)
        account.cuts(LOOKUP_EVENTS, "2 pages read, more exist", region)
    return account


TWO = ("eu-central-1", REGION)
LOOKED_UP = "CloudTrail events of 90 days, since 2026-08-26"
ONE_READ = "1 event, 2026-11-23 12:00 to 2026-11-23 12:00 UTC"


@pytest.mark.parametrize(
    ("given", "period"),
    [
        (
            lambda a: sampled(a, *TWO),
            f"a sample of the {LOOKED_UP}: eu-central-1: the newest {ONE_READ}; older ones were not read; "
            f"eu-west-1: the newest {ONE_READ}; older ones were not read",
        ),
        (
            lambda a: sampled(a, REGION).fleet(region=TWO[0]).event(region=TWO[0]),
            f"a sample of the {LOOKED_UP}: eu-central-1: all {ONE_READ}; "
            f"eu-west-1: the newest {ONE_READ}; older ones were not read",
        ),
        (
            lambda a: a.fleet().event().event(days=89),
            f"the {LOOKED_UP}: eu-central-1: no event; "
            "eu-west-1: all 2 events, 2026-08-27 12:00 to 2026-11-23 12:00 UTC",
        ),
        (
            lambda a: a.event().denies(LOOKUP_EVENTS, region=TWO[0]),
            f"the {LOOKED_UP}: eu-central-1: not read (denied); eu-west-1: all {ONE_READ}",
        ),
    ],
)
def test_the_period_is_that_of_what_was_read(tmp_path: Path, given: Any, period: str) -> None:
    account = Account(tmp_path, regions=TWO)
    given(account)
    snapshot = account.snapshot()
    facts = dict(show.cover(evaluate(tabulate(snapshot)), snapshot).facts)
    assert facts["Period"] == f"configuration as of 2026-11-24 12:00 UTC; {period}"


def test_without_events_the_period_is_that_of_the_configuration(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).snapshot()
    others = [request for request in snapshot.requests if request.call != LOOKUP_EVENTS.name]
    requested = Snapshot(snapshot.header, others, snapshot.folder)
    facts = dict(show.cover(Findings([]), requested).facts)
    assert facts["Period"] == (
        "configuration as of 2026-11-24 12:00 UTC; the kit read no CloudTrail events"
    )


def test_a_sample_is_the_first_thing_beside_every_verdict_that_rests_on_it(tmp_path: Path) -> None:
    account = sampled(Account(tmp_path, regions=TWO), REGION).fleet(region=TWO[0])
    for n in range(30):
        account.event(f"TLSv9.{n}{'0' * 20}")  # so much to tell that the PDF cuts it
    account.cuts(LOOKUP_EVENTS, "2 pages read, more exist")
    account.event("TLSv1.2", region=TWO[0]).stack()
    tables = tabulate(account.snapshot())
    findings = evaluate(tables)
    blocks = blocks_of(findings, "IT")
    start = (
        "A sample: the newest 31 events, 2026-11-23 12:00 to 2026-11-23 12:00 UTC; older ones were"
    )
    (group,) = blocks["IT-03"]["groups"]
    assert group["reason"].startswith(f"{start} not read. needs review")
    assert "more characters in" not in group["reason"]
    assert "more characters in findings.csv" in group["line"]["observed"]
    (line,) = (row[2] for row in show.open_points(findings).rows if row[3] == ["IT-03", "IT-06"])
    assert line.endswith("(sample)")
    transit = {row[3]: row[5] for row in show.transit(findings).rows}
    assert transit["IT-03"].startswith(f"1 not evidenced, 1 attested. {start}")
    sides = {row[1]: row[-1] for row in show.responsibilities(findings).rows}
    assert (sides["IT-03"], sides["LG-04"], sides["IT-02"]) == (
        "sample in 1 of 2 findings",
    ) * 2 + (None,)
    rest = {line["status"]: line["observed"] for line in blocks_of(findings, "LG")["LG-04"]["rest"]}
    assert rest["pass"].startswith("Sample in 1 of 2 findings. ")


def blocks_of(findings: Findings, section: str) -> dict[str, dict[str, Any]]:
    """The controls of a section, by id, as the PDF prints them."""
    views = (cover(), show.section(findings, section))
    made: Any = cut(document(new_notebook(cells=list(map(shown, views)))).blocks)
    return {one["id"]: one for one in made[0]["blocks"]}


def test_a_roll_up_that_fails_for_a_minor_control_alone_says_so(tmp_path: Path) -> None:
    account = Account(tmp_path).stack().bucket(HOME, blocks_sse_c=False, policy=tls_only(HOME))
    account.run = account.run.model_copy(update={"controls": ["AR-18"]})
    findings = evaluate(tabulate(account.snapshot()))
    assert {one.control for one in findings.leaves if one.status == "fail"} == {"AR-10"}
    (summed,) = findings.roll_ups
    assert (summed.severity, summed.observed.partition(":")[0]) == ("low", "fail (low), by AR-10")
    row = next(row for row in show.all_findings(findings).rows if row[0] == "AR-18")
    assert (row[3], row[4]) == ("low", "fail")
    assert "fail (low), by AR-10" in row[5]
    sides = {row[1]: row[-1] for row in show.responsibilities(findings).rows}
    assert sides["AR-18"] == "fail (low), by AR-10"
    beside = {tuple(row[3]): row[6] for row in show.source_coverage(findings).rows}
    assert beside[("AR-18",)] == "AR-18: fail (low), by AR-10"


def test_an_impact_assessment_is_stated_to_be_tested_for_agents_alone(findings: Findings) -> None:
    group = show.frameworks(findings)
    assert isinstance(group, Group)
    (table,) = (one for one in group.views if isinstance(one, Table) and one.id == "framework-gdpr")
    names = [column.name for column in table.columns]
    rows = (dict(zip(names, row, strict=True)) for row in table.rows)
    (row,) = (row for row in rows if row["number"].startswith("35(1)"))
    assert row["beside"].startswith("The control tests agents alone. ")
    assert "[" not in row["says"]
    assert "LG-08" in row["related"]
    (asked,) = (row for row in show.requests().rows if "EX-10" in row[3])
    assert "A rule tests the declaration for agents alone" in asked[-1]


def test_the_inventory_of_buckets_states_which_buckets_it_has(tmp_path: Path) -> None:
    tables = tabulate(Account(tmp_path).bucket().snapshot())
    caption = show.inventory(tables, "buckets").caption
    assert caption.endswith(
        "each bucket that AppStream made for home folders, application settings or logs"
    )
    assert show.inventory(tables, "stacks").caption == "Inventory, with a row for each stack"
