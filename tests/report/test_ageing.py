"""Follow-up and ageing in the document: which state each answered finding has, and what is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.catalogue.statuses import ACCEPTED, ATTESTED, FAIL, NO_API, NOT_EVIDENCED, PASS
from kit.judge.ageing import Moved, moved
from kit.judge.digest import RESOURCE, ROLL_UP, UNLISTED, finding_ids
from kit.judge.findings import Finding, Findings
from kit.report.follow_up import follow_up, promised
from kit.report.views import Table
from kit.snapshot import Snapshot
from tests.standins import ACCOUNT, REGION, Account

THEN = "2026-08-01T09:00:00+00:00"
GONE = "this run has no such finding"
OWNER = {"owner": "Ops", "response": "Rebuild", "due": ""}


def finding(resource: str, status: str, reason: str = "", subject: str = RESOURCE) -> Finding:
    """A finding with the id that the kit gives it."""
    made = Finding(
        "AR-05",
        "high",
        ACCOUNT,
        REGION,
        resource,
        status,
        reason=reason,
        subject=subject,
        observed_values="{}",
        threshold_values="{}",
    )
    return Finding(**{**vars(made), "id": finding_ids([vars(made)])[0]})


def promise(of: Finding, **cells: str) -> dict[str, str]:
    places = {name: getattr(of, name) for name in ("control", "region", "resource")}
    return {"id": of.id, **OWNER, **places, **cells}


def snapshot_with(folder: Path, **header: Any) -> Snapshot:
    made = Account(folder).snapshot()
    return Snapshot({**made.header, **header}, made.requests, made.folder)


def earlier(*findings: tuple[str, str, bool]) -> dict[str, Any]:
    """What a snapshot holds of an earlier pack: resource, status, and whether it was open."""
    return {
        "packs": [{"as_of": THEN}],
        "places": [
            ["AR-05", REGION, resource, status, THEN if is_open else ""]
            for resource, status, is_open in findings
        ],
    }


def rows_of(view: object) -> list[dict[str, Any]]:
    assert isinstance(view, Table)
    return [
        dict(zip([column.name for column in view.columns], row, strict=True)) for row in view.rows
    ]


@pytest.mark.parametrize(
    ("cells", "control"),
    [
        ({"resource": "jane-roe-laptop"}, None),
        ({"control": "Jane Roe"}, None),
        ({"region": "jane"}, None),
        ({}, "AR-05"),
    ],
)
def test_what_the_id_does_not_vouch_for_is_not_shown(
    tmp_path: Path, cells: dict[str, str], control: str | None
) -> None:
    gone = finding("bucket-bbbbbbbbbb", FAIL)
    stated = {"sha256": "a" * 64, "rows": [promise(gone, **cells)]}
    (row,) = rows_of(follow_up(Findings([]), snapshot_with(tmp_path, follow_up=stated)))
    assert (row["state"], row["owner"]) == (GONE, "Ops")
    assert row["control"] == control
    assert row["resource"] == (gone.id if cells else "bucket-bbbbbbbbbb")


def test_prose_in_the_place_of_a_resource_is_not_shown(tmp_path: Path) -> None:
    gone = finding("any user", NOT_EVIDENCED, subject=UNLISTED)
    stated = {"sha256": "a" * 64, "rows": [promise(gone, resource="Jane Roe")]}
    (row,) = rows_of(follow_up(Findings([]), snapshot_with(tmp_path, follow_up=stated)))
    assert (row["control"], row["resource"]) == ("AR-05", gone.id)


@pytest.mark.parametrize(("status", "seen"), [(FAIL, True), (PASS, True), (FAIL, False)])
def test_a_roll_up_takes_no_answer(tmp_path: Path, status: str, seen: bool) -> None:
    whole = finding("the worst of them", status, subject=ROLL_UP)
    stated = {"sha256": "a" * 64, "rows": [promise(whole)]}
    snapshot = snapshot_with(tmp_path, follow_up=stated)
    findings = Findings([], [whole] if seen else [])
    (row,) = rows_of(follow_up(findings, snapshot))
    result = "sums up other findings, which take the answers" if seen else GONE
    shown = (whole.resource, status) if seen else (whole.id, None)
    assert (row["state"], row["control"]) == (result, "AR-05")
    assert (row["resource"], row["status"]) == shown
    assert promised(findings, snapshot).records == [{"id": whole.id, **OWNER, "result": result}]


def test_the_gravest_open_point_comes_first_and_the_pdf_lists_all(tmp_path: Path) -> None:
    findings = [
        Finding(f"ZZ-{number:02d}", severity, ACCOUNT, REGION, "a", FAIL)
        for number in range(20)
        for severity in ("low", "medium", "high")
    ]
    view = follow_up(Findings(findings), snapshot_with(tmp_path))
    severities = [row["severity"] for row in rows_of(view)]
    assert severities == ["high"] * 20 + ["medium"] * 20 + ["low"] * 20
    assert isinstance(view, Table)
    assert view.listed is None


@pytest.mark.parametrize(
    ("before", "status", "reason", "state"),
    [
        (True, PASS, "", "no longer open"),
        (False, PASS, "", "not open"),
        (True, ATTESTED, "", "no longer open"),
        (True, ACCEPTED, "", "not open, since somebody accepts it"),
        (False, ACCEPTED, "", "not open, since somebody accepts it"),
        (True, NOT_EVIDENCED, NO_API, "not open, and no interface shows it"),
        (True, NOT_EVIDENCED, "access denied", "open, no due date"),
    ],
)
def test_closed_is_only_what_was_open_and_does_not_fail(
    tmp_path: Path, before: bool, status: str, reason: str, state: str
) -> None:
    now = finding("b", status, reason)
    snapshot = snapshot_with(
        tmp_path,
        follow_up={"sha256": "a" * 64, "rows": [promise(now)]},
        previous=earlier(("b", FAIL if before else PASS, before)),
    )
    (row,) = rows_of(follow_up(Findings([now]), snapshot))
    assert row["state"] == state


def test_each_place_that_was_or_is_open_counts_once(tmp_path: Path) -> None:
    was = [
        *(("fails", FAIL, True), ("lost", FAIL, True), ("shut", FAIL, True)),
        *(("waived", FAIL, True), ("hidden", FAIL, True), ("removed", FAIL, True)),
        *(("seen", NOT_EVIDENCED, True), ("worse", NOT_EVIDENCED, True), ("good", PASS, False)),
        *(("fallen", PASS, False), ("left", PASS, False), ("blind", PASS, False)),
    ]
    now = [
        *(finding("fails", FAIL), finding("lost", NOT_EVIDENCED, "access denied")),
        *(finding("shut", PASS), finding("waived", ACCEPTED)),
        *(finding("hidden", NOT_EVIDENCED, NO_API), finding("seen", PASS), finding("worse", FAIL)),
        *(finding("good", PASS), finding("fallen", FAIL), finding("fresh", FAIL)),
        *(finding("blind", NOT_EVIDENCED, "access denied"), finding("unknown", PASS)),
    ]
    counted = moved(now, snapshot_with(tmp_path / "second", previous=earlier(*was)))
    assert counted == Moved(
        THEN, newly_open=3, still_open=3, closed=2, accepted=1, unseen=1, gone=1
    )
    assert sum(is_open for *_, is_open in was) == 3 + 2 + 1 + 1 + 1
    assert moved(now, snapshot_with(tmp_path / "first")) is None
