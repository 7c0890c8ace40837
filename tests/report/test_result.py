"""What the first page answers: the result in sentences, and a sentence for each open point."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.calls import CALLS, GET_BUCKET_POLICY
from kit.catalogue.open_points import known, rank
from kit.catalogue.texts import fields, has, ids
from kit.controls import CONTROLS
from kit.judge import evaluate
from kit.judge.findings import WORST, Finding, Findings
from kit.report.cover import cover
from kit.report.result import (
    beyond_evidence,
    gravest_fail,
    open_points,
    points,
    result,
    verdict_sentence,
)
from kit.report.views import Note, Table
from kit.snapshot import Snapshot, write
from kit.tables import tabulate
from tests.controls.samples import SAMPLES
from tests.standins import HOME, REGION, Account


def judged(account: Account) -> tuple[Findings, Snapshot]:
    snapshot = account.snapshot()
    return evaluate(tabulate(snapshot)), snapshot


def lines(findings: Findings) -> dict[str, list[str]]:
    """The controls of each open point, by its sentence."""
    table = open_points(findings)
    assert isinstance(table, Table)
    return {row[2]: row[3] for row in table.rows}


def made(*findings: Finding) -> list[str]:
    return [point.text for point in points(Findings(findings), lambda one: one.is_open)]


def finding(control: str, status: str, **members: str) -> Finding:
    severity = CONTROLS[control].severity
    return Finding(control, severity, "1", REGION, f"r{len(members)}", status, **members)


GAP = {"operation": "s3.GetBucketPolicy", "code": "AccessDenied", "reason": "denied"}
ABROAD_BUCKET = HOME.replace(REGION, "us-east-1")
GONE_CONTROLS = ("AR-14", "AR-16")
GRANT = {"permission": "s3:GetBucketPolicy", "hint": "grant s3:GetBucketPolicy to the collector"}


def test_a_fail_stands_with_how_many_of_how_many(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.credentials(
        jane={"password_enabled": "true", "mfa_active": "false"},
        john={"password_enabled": "true", "mfa_active": "true"},
    )
    found, _ = judged(account)
    assert lines(found)["1 of 2 console users has no MFA"] == ["ID-03"]


def test_a_control_without_a_sentence_has_its_title() -> None:
    some = [finding("AR-02", status) for status in ("fail", "fail", "pass")]
    assert made(*some) == ['2 of 3 fleets fail "Unused instances are recycled"']
    review = finding("AR-02", "not evidenced", reason="needs review", hint="look")
    assert made(review) == ['1 of 1 fleet needs a review for "Unused instances are recycled": look']


def test_of_a_list_that_was_not_seen_whole_the_number_is_the_least() -> None:
    unlisted = replace(finding("ID-03", "not evidenced", **GAP), subject="unlisted")
    fails = finding("ID-03", "fail")
    assert made(fails, unlisted)[0] == "1 of at least 1 console user has no MFA"


def test_what_does_not_apply_is_no_part_of_the_number() -> None:
    some = (finding("LG-07", "fail"), finding("LG-07", "not applicable"))
    assert made(*some) == ["1 of 1 bucket has no server access logging"]


def test_one_cause_is_one_point_with_all_its_controls(tmp_path: Path) -> None:
    found, snapshot = judged(SAMPLES["member"](tmp_path))
    whole = (
        "Evidence for 6 findings may be with the organisation's administrator, of whose account this "
        "run has no snapshot (organisation_snapshot)"
    )
    assert lines(found)[whole] == ["GV-05", "ID-02", "ID-13", "LG-02", "LG-03", "LG-07"]
    assert "left to the organisation's administrator" in result(found, snapshot).text


def test_a_fail_names_besides_what_is_not_evidenced() -> None:
    unclear = finding("AR-19", "fail", hint="how files are restored")
    (point,) = made(unclear)
    assert point.startswith("1 of 1 bucket of users' files keeps no earlier versions")
    assert point.endswith("; besides, not evidenced: how files are restored")


def test_permissions_that_the_collector_lacks_are_one_point() -> None:
    other = {"permission": "s3:GetBucketAcl", "hint": "grant s3:GetBucketAcl to the collector"}
    some = [
        finding("AR-14", "not evidenced", **GAP, **GRANT),
        finding("AR-16", "not evidenced", **GAP, **GRANT),
        finding("IT-04", "not evidenced", **{**GAP, **other}),
    ]
    assert made(*some[:2]) == [
        "The collector lacks the permission s3:GetBucketPolicy: 2 findings lack evidence"
    ]
    assert made(*some) == [
        "The collector lacks 2 permissions (s3:GetBucketAcl, s3:GetBucketPolicy): "
        "3 findings lack evidence"
    ]


def test_a_bucket_that_does_not_exist_is_one_point(tmp_path: Path) -> None:
    account = Account(tmp_path).stack(
        StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}]
    )
    for call in CALLS.values():
        if any("Bucket" in each.request for each in call.each) and call.service == "s3":
            account.refuses(call, "NoSuchBucket", status=404, Bucket=HOME)
    found, _ = judged(account)
    gone = [one for one in found.leaves if one.code == "NoSuchBucket"]
    (line,) = (line for line in lines(found) if "does not exist" in line)
    assert line == f"AWS answers that {HOME} does not exist: {len(gone)} findings lack evidence"
    assert {*lines(found)[line]} == {one.control for one in gone} > {"AR-05", "GV-05", "IT-04"}
    assert not [other for other in lines(found) if "NoSuchBucket" in other]


def test_what_does_not_exist_is_a_point_for_each_thing() -> None:
    code = {**GAP, "reason": "failed", "code": "NoSuchBucket"}
    some = [
        finding(name, "not evidenced", **code, hint=f"{name} is gone") for name in GONE_CONTROLS
    ]
    assert made(*some) == [f"{name} is gone: 1 finding lacks evidence" for name in GONE_CONTROLS]
    unnamed = [replace(one, hint="") for one in some]
    assert made(*unnamed) == ["2 findings lack evidence: failed (s3.GetBucketPolicy NoSuchBucket)"]


def test_a_denial_by_a_policy_is_not_a_permission_to_grant() -> None:
    denied = {**GAP, "permission": "s3:GetBucketPolicy", "hint": "a policy denies it"}
    some = [finding(name, "not evidenced", **denied) for name in ("AR-14", "AR-16")]
    assert made(*some) == [
        "2 findings lack evidence: a policy denies it (s3.GetBucketPolicy AccessDenied)"
    ]


def test_reasons_that_do_not_fit_stand_in_the_file() -> None:
    some = [
        finding("AR-07", "not evidenced", reason="needs review", hint=hint)
        for hint in ("a", "a", "b", "c", "d", "e")
    ]
    assert made(finding("AR-16", "not evidenced", reason="needs review", hint="z")) == [
        '1 of 1 bucket needs a review for "Bucket policies restrict access and deletion": z'
    ]
    assert sorted(made(*some))[-1].startswith("2 of 6 buckets need a review for ")
    several = [replace(one, control="EX-01", severity="medium") for one in some]
    assert made(*several) == [
        "6 of 6 stacks let users copy text to their own device: "
        "a (2); b (1); c (1); and 2 more reasons in findings.csv"
    ]


def test_the_gravest_come_first_and_a_fail_before_what_was_not_seen(tmp_path: Path) -> None:
    found, _ = judged(SAMPLES["careless"](tmp_path))
    table = open_points(found)
    assert isinstance(table, Table)
    ranks = {"high": 0, "medium": 1, "low": 2}
    order = [(ranks[row[0]], row[1] == "not evidenced") for row in table.rows]
    assert order == sorted(order)
    assert {one.control for one in found.leaves if one.is_open} == {
        name for row in table.rows for name in row[3]
    }


def test_a_sentence_that_rests_on_a_sample_states_it() -> None:
    some = [
        finding("IT-06", "fail", remedies="clients_use_tls", **sample)
        for sample in ({"sample": "the newest 2"}, {})
    ]
    (line,) = made(*some)
    assert line.endswith("than the profile accepts (sample in 1 of 2 findings)")


def test_a_permission_rests_on_no_sample() -> None:
    sampled = finding("IT-06", "not evidenced", **GAP, **GRANT, sample="the newest 2")
    whole = finding("AR-14", "not evidenced", **GAP, **GRANT)
    assert made(sampled, whole) == [
        "The collector lacks the permission s3:GetBucketPolicy: 2 findings lack evidence"
    ]


def test_without_open_points_a_sentence_states_it(tmp_path: Path) -> None:
    account = SAMPLES["tidy"](tmp_path)
    account.run = account.run.model_copy(update={"controls": ["AR-05", "ID-03"]})
    found, snapshot = judged(account)
    table = open_points(found)
    assert isinstance(table, Note)
    assert table.text.startswith("Nothing is open")
    assert isinstance(beyond_evidence(found), Note)
    words = result(found, snapshot).text
    assert "; none fails. No finding lacks evidence." in words
    assert f"judged 2 controls in {len(found.leaves)} findings. " in words
    assert "not judged. By their worst findings, 2 of 2 controls pass; none fails." in words


def test_the_result_counts_what_fails_and_names_what_is_grave(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME).denies(GET_BUCKET_POLICY, Bucket=HOME)
    account.run = account.run.model_copy(update={"controls": ["AR-05", "IT-04", "ID-03"]})
    account.credentials(jane={"password_enabled": "true", "mfa_active": "false"})
    words = result(*judged(account)).text
    assert "1 of 3 controls passes; 1 fails, 1 of them of high severity (ID-03); " in words
    assert "; 1 control lacks evidence. Of 3 findings, 1 lacks evidence: AWS denied the " in words


def test_only_a_pass_counts_as_a_pass() -> None:
    """What AWS attests, what does not apply and what somebody accepts are counted apart."""
    statuses = ["pass"] * 18 + ["attested"] * 3 + ["not applicable"] * 5 + ["accepted"] * 2
    verdicts = dict(zip(CONTROLS, [*statuses, "not evidenced", "not evidenced"], strict=False))
    assert verdict_sentence(verdicts) == (
        "By their worst findings, 18 of 30 controls pass; AWS attests 3; 5 do not apply; somebody "
        "accepts the fails of 2; none fails; 2 controls lack evidence."
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("throttled", "AWS throttled the collector's request for 1"),
        ("failed", "a request of the collector failed for 1"),
        ("not collected", "the snapshot lacks the answer for 1"),
        ("of a later kit", "of a later kit: 1"),
    ],
)
def test_a_reason_has_a_sentence(tmp_path: Path, reason: str, words: str) -> None:
    _, snapshot = judged(Account(tmp_path))
    slow = finding("ID-03", "not evidenced", **{**GAP, "reason": reason})
    assert f"Of 1 finding, 1 lacks evidence: {words}." in result(Findings([slow]), snapshot).text


def test_every_reason_of_a_gap_has_a_sentence() -> None:
    start = "report/result/reasons/"
    worded = {id.removeprefix(start) for id in ids() if id.startswith(start)}
    codes = {id.removeprefix("reasons/") for id in ids() if id.startswith("reasons/")}
    assert worded == codes - {WORST}


def test_a_fail_names_the_clauses_that_fail() -> None:
    idle, lost = "idle_users_are_disconnected/running fleet", "disconnected_sessions_end"
    some = [
        finding("AR-03", "fail", remedies=f"{lost}; {idle}"),
        finding("AR-03", "fail", remedies=idle),
        finding("AR-03", "pass"),
    ]
    exceed = "2 of 3 fleets exceed the profile's limit for"
    assert made(*some) == [f"{exceed} idle users (2), lost connections (1)"]
    assert made(some[1], some[1], some[2]) == [f"{exceed} idle users"]


def test_a_sentence_that_names_clauses_has_words_for_each_that_its_control_has() -> None:
    for control in CONTROLS.values():
        id = f"points/{control.id}"
        names = has(f"{id}/fail") and "which" in fields(f"{id}/fail")
        worded = {name.removeprefix(f"{id}/clauses/") for name in ids() if f"{id}/clauses/" in name}
        assert worded == ({one.rule.__name__ for one in control.clauses} if names else set())


def test_where_nothing_passes_the_result_states_it(tmp_path: Path) -> None:
    account = Account(tmp_path, controls=["ID-03"])
    account.credentials(jane={"password_enabled": "true", "mfa_active": "false"})
    assert (
        "By its worst finding, none of 1 control passes; 1 fails, 1 of them of"
        in result(*judged(account)).text
    )


def test_an_account_without_appstream_gets_that_sentence(tmp_path: Path) -> None:
    account = Account(tmp_path, regions_unused=(REGION,))
    found, snapshot = judged(account)
    assert not cover(found, snapshot).in_use
    words = result(found, snapshot).text
    assert words.startswith(f"AppStream is not in use in the region of this run ({REGION}) as of ")
    used = Account(tmp_path / "used").fleet()
    found, snapshot = judged(used)
    assert cover(found, snapshot).in_use
    assert result(found, snapshot).text.startswith("The kit looked at the configuration")


def test_buckets_in_regions_that_the_run_leaves_out_are_counted(tmp_path: Path) -> None:
    account = Account(tmp_path, regions_unused=(REGION,)).bucket(ABROAD_BUCKET, region="us-east-1")
    found, snapshot = judged(account)
    stated = "1 bucket of AppStream lies in a region that this run leaves out: us-east-1."
    assert stated in result(found, snapshot).text
    both = Account(tmp_path / "both", regions=(REGION, "us-east-1")).bucket(HOME)
    both.bucket(ABROAD_BUCKET, region="us-east-1")
    assert "leaves out" not in result(*judged(both)).text


def test_a_run_of_some_controls_states_that_the_others_are_not_judged(tmp_path: Path) -> None:
    findings, snapshot = judged(Account(tmp_path, controls=["AR-03", "ID-03"]).fleet())
    stated = f"The parameters chose 2 of the kit's {len(CONTROLS)} controls; the others are not"
    assert stated in result(findings, snapshot).text
    assert "others are not judged" not in result(*judged(Account(tmp_path / "whole").fleet())).text


def test_a_run_that_read_nothing_of_appstream_claims_no_look_at_it(tmp_path: Path) -> None:
    made = Account(tmp_path, controls=["GV-01"]).answered()
    few = [request for request in made.requests if request.service != "appstream"]
    snapshot = write(tmp_path / "snapshot", made.header, few, made.lent)
    stated = result(evaluate(tabulate(snapshot)), snapshot).text
    assert stated.startswith("AWS answered no request about AppStream in the region of this run")
    assert "looked at" not in stated


def test_what_no_interface_shows_is_apart(tmp_path: Path) -> None:
    found, _ = judged(SAMPLES["careless"](tmp_path))
    table = beyond_evidence(found)
    assert isinstance(table, Table)
    (row,) = table.rows
    assert row[2].startswith(
        "No interface of AWS shows whether disks of instances are encrypted: AR-01 judges"
    )
    assert row[3] == ["AR-04"]


def test_fails_are_in_the_order_of_what_they_let_happen() -> None:
    some = [
        finding(name, "fail") for name in ("EX-04", "AR-05", "IT-04", "ID-03", "EX-05", "MD-03")
    ]
    ordered = [point.controls for point in points(Findings(some), lambda one: one.is_open)]
    assert ordered == [["MD-03"], ["EX-05"], ["EX-04"], ["ID-03"], ["IT-04"], ["AR-05"]]
    unseen = [finding("MD-03", "not evidenced", reason="needs review", hint="a")]
    unseen += [finding("AR-05", "not evidenced", reason="needs review", hint=hint) for hint in "bb"]
    ordered = [point.controls for point in points(Findings(unseen), lambda one: one.is_open)]
    assert ordered == [["AR-05"], ["MD-03"]], "what answers most findings comes first"


def test_every_control_has_one_place_in_the_order() -> None:
    named = [name for controls in known().order.values() for name in controls]
    assert len(named) == len({*named})
    assert {*named} <= {*CONTROLS}
    assert rank("AR-05") == rank("EX-99")
    ranks = [rank(name) for name in named]
    assert ranks == sorted({*ranks}), "also within what a fail lets happen"
    assert rank("IT-03") < rank("AR-05") < rank("LG-01")


def test_within_what_fails_let_happen_the_list_decides_and_not_the_number() -> None:
    """Root's missing second factor comes before rights that many have."""
    some = [finding("ID-05", "fail", reason=str(n)) for n in range(3)]
    some += [finding("ID-02", "fail"), finding("ID-01", "fail")]
    some += [finding("AR-16", "fail"), finding("EX-04", "fail"), finding("MD-01", "fail")]
    high = [replace(one, severity="high") for one in some]
    ordered = [point.controls for point in points(Findings(high), lambda one: one.is_open)]
    expected = ("MD-01", "EX-04", "ID-01", "ID-02", "ID-05", "AR-16")
    assert ordered == [[name] for name in expected]


def test_what_lacks_safeguards_is_by_the_number_of_findings() -> None:
    some = [finding("AR-06", "fail", reason=str(n)) for n in range(2)] + [finding("AR-05", "fail")]
    ordered = [point.controls for point in points(Findings(some), lambda one: one.is_open)]
    assert ordered == [["AR-06"], ["AR-05"]]


def test_each_column_of_a_common_cause_is_one_that_a_control_reads() -> None:
    read = {name for control in CONTROLS.values() for name in (*control.columns, *control.shows)}
    assert {name for cause in known().causes.values() for name in cause.columns} <= read


def values(**observed: object) -> dict[str, str]:
    return {"observed_values": json.dumps(observed, separators=(",", ":"))}


def test_findings_of_several_controls_with_a_value_in_common_are_one_point() -> None:
    some = [
        finding("EX-17", "not evidenced", reason="needs review", **values(provider="ONE_DRIVE")),
        finding("EX-04", "fail", **values(provider="ONE_DRIVE")),
        finding("EX-04", "fail", **values(provider="BOX")),
    ]
    joined, other = points(Findings(some), lambda one: one.is_open)
    assert joined.text == (
        "Connector ONE_DRIVE: 1 of 2 third-party connectors goes to a provider that the parameters "
        "do not record as a processor. 1 of 1 third-party connector keeps users' sign-in from one "
        "session to the next (low, not evidenced)"
    )
    assert joined[1:] == ("high", "fail", ["EX-04", "EX-17"], 2, rank("EX-04"))
    assert (other.controls, other.findings) == (["EX-04"], 1)


def test_a_joined_point_with_a_fail_has_the_verdict_and_severity_of_the_fail() -> None:
    shared = values(shared_with=["999977776666"], amis_open_to=["999977776666"])
    unseen = finding("EX-05", "not evidenced", reason="needs review", **shared)
    fails = finding("EX-06", "fail", **shared)
    assert (unseen.severity, fails.severity) == ("high", "medium")
    (point,) = points(Findings([unseen, fails]), lambda one: one.is_open)
    assert point[1:3] == ("medium", "fail")
    assert point.text.endswith("(high, not evidenced)")
    (both,) = points(Findings([replace(unseen, status="fail"), fails]), lambda one: one.is_open)
    assert both[1:3] == ("high", "fail")
    assert both.text.endswith("(medium)")


def test_the_gravest_fail_is_the_first_open_point_that_fails(tmp_path: Path) -> None:
    some = [finding(name, "fail") for name in ("EX-05", "AR-14", "AR-14", "MD-01")]
    some += [finding("MD-03", "not evidenced", reason="needs review", hint="a")]
    assert gravest_fail(Findings(some)) == "AR-14"
    assert gravest_fail(Findings(some[-1:])) is None
    shared = values(shared_with=["999977776666"], amis_open_to=["999977776666"])
    joined = [
        finding("EX-05", "not evidenced", reason="needs review", **shared),
        finding("EX-06", "fail", **shared),
    ]
    assert gravest_fail(Findings(joined)) == "EX-06"


def test_a_value_of_one_control_alone_joins_nothing() -> None:
    some = [finding("EX-04", "fail", **values(provider=name)) for name in ("BOX", "BOX", "DROP")]
    (point,) = points(Findings(some), lambda one: one.is_open)
    assert point.text.startswith("3 of 3 third-party connectors")


def test_what_is_not_a_value_joins_nothing() -> None:
    unseen = [values(shared_with="not known, for the call failed"), values(amis_open_to=None)]
    nested = values(settings={"shared_with": ["999977776666"]})
    some = [finding("EX-05", "fail", **unseen[0]), finding("EX-06", "fail", **unseen[1])]
    some += [finding("EX-05", "fail", **nested), finding("EX-06", "fail", **nested)]
    made = points(Findings(some), lambda one: one.is_open)
    assert [point.controls for point in made] == [["EX-05"], ["EX-06"]]


def test_a_common_cause_of_regions_is_another_in_each_of_them() -> None:
    off = values(macie="not enabled")
    here = [finding("DS-01", "fail", **off), finding("DS-02", "fail", **off)]
    there = replace(finding("DS-01", "fail", **off), region="us-east-1")
    joined, alone = points(Findings([*here, there]), lambda one: one.is_open)
    assert joined.text.startswith(f"Macie in {REGION}: ")
    assert (joined.controls, alone.controls) == (["DS-01", "DS-02"], ["DS-01"])
    on = [replace(one, **values(macie="ENABLED")) for one in here]
    assert len(points(Findings(on), lambda one: one.is_open)) == 2


def test_many_values_in_common_are_one_point_that_names_the_most_frequent() -> None:
    through = {name: values(through=[f"{name} of group-1"]) for name in "ABCDE"}
    some = [finding(name, "fail", **one) for one in through.values() for name in ("ID-05", "ID-08")]
    some += [
        finding("ID-05", "fail", **through["E"]),
        finding("ID-05", "fail", **values(through=["inline policy"])),
    ]
    joined, alone = points(Findings(some), lambda one: one.is_open)
    assert joined.text.startswith("Policies E, A, B and 2 more: 6 of 7 rights on AppStream")
    assert (alone.controls, alone.findings) == (["ID-05"], 1)


def test_what_everybody_else_may_do_is_no_right_of_anybodys() -> None:
    right, rest = (
        replace(finding("ID-05", status), resource=f"{who}: administer AppStream")
        for who, status in (("role-a", "fail"), ("everybody else", "pass"))
    )
    other = replace(right, resource="role-b: administer AppStream", status="pass")
    said = "1 of 2 rights on AppStream and its data belongs to a principal that is not a declared"
    assert made(right, other, rest)[0].startswith(said)
    unseen = replace(rest, status="not evidenced", reason="needs review", hint="a policy")
    assert made(other, unseen)[0].startswith("1 of 2 rights on AppStream and its data")
