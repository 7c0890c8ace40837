"""Blocks of controls: open findings row by row, the others counted, nothing without evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED
from kit.controls import CONTROLS
from kit.judge import evaluate
from kit.judge.findings import Finding, Findings, remedies_of
from kit.report.blocks import (
    BRIEF,
    PDF_ROWS,
    cited,
    control_blocks,
    kinds,
    listed,
    reasons_and_observed,
    remedies,
)
from kit.report.formats import evidence_ids
from kit.tables import tabulate
from kit.tables.core import SPECS
from tests.controls.samples import SAMPLES


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return evaluate(tabulate(SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot()))


def finding(status: str, number: int = 0, **fields: Any) -> Finding:
    given = {"observed": "Default encryption: none", "evidence": (f"E{number:04d}#/a",)} | fields
    given |= {"remedies": "home_folder_buckets_are_encrypted"} if status == FAIL else {}
    return Finding("AR-05", "high", "1" * 12, "eu-west-1", f"bucket-{number}", status, **given)


def test_every_control_has_a_block_whose_rows_are_its_findings(careless: Findings) -> None:
    blocks = control_blocks(careless, lambda control: True)
    assert [block.id for block in blocks] == sorted(CONTROLS)
    for block in blocks:
        own = [one for one in careless.leaves if one.control == block.id]
        assert len(block.rows.rows) == len(own) == sum(block.counts.values())
        open_ones = sum(one.status in (FAIL, NOT_EVIDENCED) for one in own)
        fitting = {one.resource for one in own if one.remedies}
        assert len(block.rows.rows) == open_ones + sum(line["count"] for line in block.rest)
        assert bool(block.remedies) == bool(fitting)
        assert all(one.remedies for one in own if one.status == FAIL)
        assert all(line["evidence"] and line["observed"] for line in block.rest)


def test_the_pdf_lists_open_findings_so_many_of_each_status_and_the_gravest_first() -> None:
    some = [finding("pass"), *(finding(NOT_EVIDENCED, n) for n in range(8))]
    some += [finding(FAIL, n) for n in range(PDF_ROWS + 5)]
    (block,) = control_blocks(Findings(some), lambda control: True)
    assert block.rows.listed is not None
    listed = [block.rows.rows[place][2] for place in block.rows.listed]
    assert listed == [FAIL] * PDF_ROWS + [NOT_EVIDENCED] * 8
    assert "findings.csv" in str(block.rows.cut)
    assert block.counts == {FAIL: PDF_ROWS + 5, NOT_EVIDENCED: 8, "pass": 1}


def test_what_is_not_open_is_reported_by_kind_with_all_its_evidence() -> None:
    some = [finding("pass", n, observed=f"kind {n // 3}") for n in range(9)]
    (block,) = control_blocks(Findings(some), lambda control: True)
    (line,) = block.rest
    assert line["observed"] == "kind 0 (3) | kind 1 (3) | and 1 more kind"
    assert line["evidence"] == [f"E{n:04d}" for n in range(9)]
    assert block.rows.listed == []


def test_the_index_of_the_pdf_has_what_its_blocks_cite(careless: Findings) -> None:
    wanted = cited(careless)
    for block in control_blocks(careless, lambda control: True):
        places = range(len(block.rows.rows)) if block.rows.listed is None else block.rows.listed
        for place in places:
            assert set(block.rows.rows[place][-1][:6]) <= wanted
    every = {name for one in careless.leaves for name in evidence_ids(one.evidence)}
    assert wanted < every


def test_what_decides_stands_first_and_the_pdf_prints_it_whole(careless: Findings) -> None:
    longest = 0
    for one in careless.leaves:
        control, names = CONTROLS[one.control], one.remedies.split("; ")
        failed = [clause for clause in control.clauses if clause.rule.__name__ in names]
        if one.status != FAIL or not failed:
            continue
        columns = list(dict.fromkeys(name for clause in failed for name in clause.columns))
        titles = [SPECS[control.table].title(name) for name in columns]
        (block,) = control_blocks(Findings([one]), lambda control: True)
        brief = next(column.brief for column in block.rows.columns if column.name == "observed")
        assert brief is not None
        printed = f"; {one.observed[:brief]}"
        assert all(f"; {title}: " in printed for title in titles), one.control
        assert printed.startswith(f"; {titles[0]}: ")
        assert len(one.observed) <= brief or one.observed[brief] == ";" or brief == BRIEF
        longest = max(longest, brief)
    assert longest > BRIEF


def test_the_policy_that_grants_a_right_stands_next_to_the_right(careless: Findings) -> None:
    some = [one for one in careless.leaves if one.control == "ID-05" and one.status == FAIL]
    assert some
    for one in some:
        (block,) = control_blocks(Findings([one]), lambda control: True)
        (observed,) = (column for column in block.rows.columns if column.name == "observed")
        assert "; By: " in one.observed[: observed.brief]
        assert one.observed.index("; By: ") < one.observed.index("; Right: ")


def test_a_long_text_leaves_out_what_is_none_and_does_not_decide(careless: Findings) -> None:
    one = next(one for one in careless.leaves if one.control == "ID-05" and one.status == FAIL)
    title = SPECS["grants"].title
    decides, left = f"{title('open')}: none", f"; {title('narrowed')}: none"
    long, short = f"; {title('not_asked')}: {'x' * BRIEF}", f"; {title('through')}: none"
    for observed, shown in (
        (f"{decides}{left}{short}{long}", f"{decides}{short}{long}"),
        (f"{decides}{left}{short}", f"{decides}{left}{short}"),
        (f"{decides}{long}{left}", f"{decides}{long}"),
    ):
        (block,) = control_blocks(Findings([replace(one, observed=observed)]), lambda control: True)
        names = [column.name for column in block.rows.columns]
        assert block.rows.rows[0][names.index("observed")] == shown


def test_listed_counts_each_control_for_itself() -> None:
    other = Finding("LG-01", "high", "1" * 12, "eu-west-1", "t", FAIL)
    assert listed([*(finding(FAIL, n) for n in range(PDF_ROWS + 5)), other])[-1] == PDF_ROWS + 5


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Default encryption: none"),
        ({"reason": "needs review"}, "needs review. Observed: Default encryption: none"),
        (
            {"reason": "denied", "operation": "s3.ListBuckets", "code": "AccessDenied"}
            | {"hint": "grant s3:ListAllMyBuckets", "observed": "not seen"},
            "denied, s3.ListBuckets AccessDenied, grant s3:ListAllMyBuckets",
        ),
    ],
)
def test_a_row_states_why_and_what_was_seen(fields: dict[str, Any], says: str) -> None:
    assert reasons_and_observed(finding(NOT_EVIDENCED, **fields)) == says


def test_controls_with_the_same_commands_stand_together(careless: Findings) -> None:
    entries = remedies(careless).entries
    together = {tuple(entry["controls"]) for entry in entries}
    assert any({"AR-05", "AR-06"} <= set(names) for names in together)
    for entry in entries:
        whens = {
            (remedy.state, remedy.clause)
            for one in careless.leaves
            for remedy in remedies_of(CONTROLS[one.control], [one])
            if one.control in entry["controls"]
            and entry["steps"] == [step._asdict() for step in remedy.steps]
        }
        assert whens
        if len(entry["controls"]) == 1:
            for state, clause in whens:
                assert entry["when"].count(state or clause) == 1
                assert clause in entry["when"]
    assert remedies(Findings([finding("pass")])).entries == []


def test_commands_that_no_case_tells_apart_name_their_resources() -> None:
    rule = "new_files_are_scanned_for_malware"
    some = [
        replace(finding(NOT_EVIDENCED, n), control="DS-04", remedies=f"{rule}?{verdict}")
        for n, verdict in [
            *((1, "needs review/folders"), (2, "needs review/folders")),
            (3, "not declared"),
        ]
    ]
    entries = remedies(Findings(some)).entries
    heads = [(*entry["controls"], entry["when"]) for entry in entries]
    assert heads == [("DS-04", "bucket-1, bucket-2."), ("DS-04", "bucket-3.")]
    assert [entry["when"] for entry in remedies(Findings(some[2:])).entries] == [""]


def test_what_a_clause_does_not_look_at_is_expected_beside_it_and_never_unmet() -> None:
    for one in CONTROLS.values():
        for clause in one.clauses:
            limit = clause.expected.removeprefix(clause.expects).strip()
            remedy = one.remedy(clause.rule.__name__)
            assert not limit or limit not in remedy.when
            assert "not looked at" not in remedy.when
    (clause,) = CONTROLS["GV-06"].clauses
    assert clause.expected.endswith(" and its day. The kit does not read it.")


def test_a_fail_shows_what_failed_and_apart_what_is_not_known_besides() -> None:
    one = finding(FAIL, 1, observed="Versioning: none", hint="no copy is seen: declare one")
    shown = "not known besides: no copy is seen: declare one. Observed: Versioning: none"
    assert reasons_and_observed(one) == kinds([one]) == shown
    question = replace(one, hint="whose is the AMI?")
    assert "whose is the AMI? Observed: " in reasons_and_observed(question)
    assert "?." not in reasons_and_observed(question)
