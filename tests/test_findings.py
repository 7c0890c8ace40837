"""The findings table: order of statuses, waivers, exit codes, digest."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from kit.catalogue.statuses import (
    ACCEPTED,
    ATTESTED,
    FAIL,
    NO_API,
    NOT_APPLICABLE,
    NOT_EVIDENCED,
    PASS,
    WORST_FIRST,
)
from kit.judge.digest import NOT_REQUIRED, NOTHING, UNLISTED, canonical
from kit.judge.findings import Finding, Findings, worst
from kit.judge.waivers import apply_waivers
from kit.parameters import Waiver

AS_OF = dt.datetime(2026, 11, 24, 23, 59, tzinfo=dt.UTC)
FAILED = Finding("AR-03", "medium", "012345678901", "eu-west-1", "fleet-a", FAIL)


def waiver(**members: Any) -> Waiver:
    reported = {"control": "AR-03", "owner": "J. Doe", "reason": "replaced in spring"}
    return Waiver(**{**reported, "expires": "2026-12-31", **members})


@pytest.mark.parametrize("n", range(len(WORST_FIRST)))
def test_the_worst_of_some(n: int) -> None:
    assert worst(WORST_FIRST[n:]) == WORST_FIRST[n]
    assert worst(reversed(WORST_FIRST[n:])) == WORST_FIRST[n]


def test_the_worst_of_nothing() -> None:
    assert worst([]) == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (waiver(), ACCEPTED),
        (waiver(resource="fleet-a"), ACCEPTED),
        (waiver(resource="fleet-*"), ACCEPTED),
        (waiver(resource="Fleet-*"), FAIL),
        (waiver(resource="fleet-b"), FAIL),
        (waiver(control="AR-01"), FAIL),
        (waiver(expires="2026-11-24"), ACCEPTED),
        (waiver(expires="2026-11-23"), FAIL),
    ],
    ids=[
        "any resource",
        "named",
        "by a pattern",
        "another case",
        "another resource",
        "another control",
        "on its last day",
        "expired",
    ],
)
def test_waivers(given: Waiver, status: str) -> None:
    (changed,), unused = apply_waivers([FAILED], [given], AS_OF)
    assert changed.status == status
    assert unused == ([] if status == ACCEPTED else [given])


def test_a_waiver_states_its_reason_its_owner_and_its_end() -> None:
    (changed,), _ = apply_waivers([FAILED], [waiver()], AS_OF)
    assert changed.reason == "replaced in spring (J. Doe, until 2026-12-31)"
    assert replace(changed, status=FAIL, reason="") == FAILED


@pytest.mark.parametrize("status", [s for s in WORST_FIRST if s != FAIL])
def test_only_a_fail_can_be_waived(status: str) -> None:
    finding = replace(FAILED, status=status)
    assert apply_waivers([finding], [waiver()], AS_OF) == ([finding], [waiver()])


def test_a_waiver_serves_every_fail_it_matches_and_the_second_of_two_none() -> None:
    both = [FAILED, replace(FAILED, resource="fleet-b")]
    changed, unused = apply_waivers(both, [waiver(), waiver(resource="fleet-a")], AS_OF)
    assert [one.status for one in changed] == [ACCEPTED, ACCEPTED]
    assert unused == [waiver(resource="fleet-a")]


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 0),
        ([PASS, ATTESTED, NOT_APPLICABLE], 0),
        ([ACCEPTED], 0),
        ([FAIL], 3),
        ([NOT_EVIDENCED], 4),
        ([NOT_EVIDENCED, FAIL, PASS], 3),
        ([NO_API], 0),
        ([NO_API, NOT_EVIDENCED], 4),
    ],
    ids=str,
)
def test_exit_codes(statuses: list[str], code: int) -> None:
    leaves = [
        replace(FAILED, status=NOT_EVIDENCED, reason=NO_API)
        if status == NO_API
        else replace(FAILED, status=status)
        for status in statuses
    ]
    assert Findings(leaves).exit_code == code


def test_roll_ups_are_not_counted() -> None:
    roll_up = replace(FAILED, control="GV-03")
    found = Findings([replace(FAILED, status=PASS)], [roll_up])
    assert found.exit_code == 0
    assert (found.count(FAIL), found.count(PASS)) == (0, 1)


def test_the_frame_has_all_members_and_roll_ups_last() -> None:
    found = Findings([FAILED], [replace(FAILED, control="GV-03")])
    assert list(found.frame.columns) == list(Finding.__dataclass_fields__)
    assert list(found.frame["control"]) == ["AR-03", "GV-03"]
    assert list(Findings([]).frame.columns) == list(found.frame.columns)


SEEN = replace(
    FAILED,
    evidence=("E0007#/Fleets/0", "E0009"),
    observed="Longest session (seconds): 432000",
    observed_values=canonical({"session_seconds": 432_000, "fleet_type": "ON_DEMAND"}),
    expected="Sessions end. [max_session_seconds = 36000]",
    threshold_values=canonical({"max_session_seconds": 36_000}),
)
_VALUES = ("observed_values", "threshold_values")
_WORDING = (
    *("evidence", "severity", "reason", "observed"),
    *("expected", "permission", "hint", "sample", "id", "since", "remedies"),
)


@pytest.mark.parametrize("member", _WORDING)
def test_the_digest_does_not_depend_on_wording(member: str) -> None:
    other = replace(SEEN, **{member: ("E0001",) if member == "evidence" else "other"})
    assert Findings([other]).digest == Findings([SEEN]).digest


@pytest.mark.parametrize(
    "member",
    [name for name in Finding.__dataclass_fields__ if name not in (*_WORDING, *_VALUES)],
)
def test_the_digest_depends_on(member: str) -> None:
    assert Findings([replace(SEEN, **{member: "other"})]).digest != Findings([SEEN]).digest


@pytest.mark.parametrize("member", _VALUES)
@pytest.mark.parametrize(
    "values",
    [{"session_seconds": 1}, {"session_seconds": "432000"}, {"session_seconds": None}, {}],
    ids=["another value", "another type", "none", "not seen"],
)
def test_the_digest_depends_on_values_and_their_types(member: str, values: dict[str, Any]) -> None:
    other = replace(SEEN, **{member: canonical(values)})
    assert Findings([other]).digest != Findings([SEEN]).digest


@pytest.mark.parametrize("status", [NOT_EVIDENCED, ACCEPTED])
def test_the_digest_depends_on_a_reason_that_is_a_code_or_a_declaration(status: str) -> None:
    one, other = (replace(SEEN, status=status, reason=text) for text in ("denied", "failed"))
    assert Findings([one]).digest != Findings([other]).digest


@pytest.mark.parametrize("subject", [NOTHING, UNLISTED, NOT_REQUIRED])
def test_the_digest_does_not_depend_on_what_stands_for_no_resource(subject: str) -> None:
    one, other = (replace(SEEN, subject=subject, resource=text) for text in ("no fleet", "none"))
    assert Findings([one]).digest == Findings([other]).digest


def test_values_are_written_in_one_way_alone() -> None:
    given = {"b": (1, 2.0, None), "a": {"y": True, "x": "é"}, "n": 2**60, "s": {"q", "p"}}
    assert canonical(given) == (
        '{"a":{"x":"é","y":true},"b":[1,2,null],"n":"1152921504606846976","s":["p","q"]}'
    )


def test_the_digest_depends_on_every_row_and_on_roll_ups() -> None:
    one = Findings([SEEN])
    assert Findings([SEEN, FAILED]).digest != one.digest
    assert Findings([FAILED, SEEN]).digest != Findings([SEEN, FAILED]).digest
    assert Findings([SEEN], [FAILED]).digest != one.digest
