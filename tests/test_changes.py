"""What changed between two audits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.catalogue.statuses import NO_API
from kit.errors import UserError
from kit.judge.ageing import CHANGES
from kit.judge.digest import canonical
from kit.overviews import changes_views as show
from kit.overviews.changes import audits, compare, compare_packs
from kit.overviews.packs import find_packs, open_pack
from kit.report.views import Note, Table
from tests.sealed import row, seal

ONE, TWO = "111111111111", "222222222222"

# status before, status after (none: no such row), what that is called
BECAME = [
    ("pass", "fail", "newly open"),
    ("not evidenced", "fail", "newly open"),
    (None, "fail", "newly open"),
    (None, "not evidenced", "newly open"),
    ("fail", "fail", "still open"),
    ("not evidenced", "not evidenced", "still open"),
    ("fail", "pass", "closed"),
    ("fail", "accepted", "accepted"),
    ("not evidenced", "accepted", "accepted"),
    ("accepted", "accepted", ""),
    ("accepted", "fail", "newly open"),
    ("fail", "no API", "evidence lost"),
    ("pass", "no API", "changed"),
    ("attested", "no API", "changed"),
    ("accepted", "no API", "changed"),
    ("not applicable", "no API", "changed"),
    ("no API", "no API", ""),
    ("no API", "not evidenced", "newly open"),
    ("not evidenced", "no API", "changed"),
    ("not evidenced", "pass", "evidence gained"),
    ("not evidenced", "not applicable", "evidence gained"),
    ("fail", "not evidenced", "evidence lost"),
    ("pass", "not evidenced", "evidence lost"),
    ("pass", "attested", "changed"),
    ("pass", "pass", ""),
    ("fail", None, "gone"),
    (None, "pass", "appeared"),
]


@pytest.mark.parametrize(("before", "after", "reported"), BECAME)
def test_every_pair_of_verdicts_has_its_name(
    tmp_path: Path, before: str | None, after: str | None, reported: str
) -> None:
    anchor = row("GV-01", "account", "pass")
    for days, status in enumerate((before, after)):
        reason = {"reason": NO_API} if status == NO_API else {}
        named = "not evidenced" if reason else status
        rows = [row("AR-05", "b", named, **reason)] if named else []
        seal(tmp_path, ONE, [anchor, *rows], days)
    found = compare(tmp_path)
    assert list(found.rows["change"]) == ([reported] if reported else [])
    assert found.same == (1 if reported else 2)
    assert sum(found.count(name) for name in CHANGES) == bool(reported)


def test_values_are_shown_before_and_after(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("AR-05", "b", "pass", observed="Encryption: AES256")])
    seal(tmp_path, ONE, [row("AR-05", "b", "pass", observed="Encryption: aws:kms")], 1)
    table = show.rows(compare(tmp_path), "changed")
    assert isinstance(table, Table)
    line = dict(zip([column.name for column in table.columns], table.rows[0], strict=True))
    assert line["observed_before"] == "Encryption: AES256"
    assert line["observed_after"] == "Encryption: aws:kms"


def columns_of(table: Table | Note) -> dict[str, object]:
    assert isinstance(table, Table)
    return dict(zip([column.name for column in table.columns], table.rows[0], strict=True))


def test_another_reason_of_the_same_verdict_is_shown(tmp_path: Path) -> None:
    call = "s3.GetBucketPolicy"
    for days, reason in enumerate(("denied", "needs review")):
        named = {"reason": reason, "operation": "" if days else call}
        seal(tmp_path, ONE, [row("AR-16", "b", "not evidenced", **named)], days)
    line = columns_of(show.rows(compare(tmp_path), "still open"))
    assert line["reason_before"] == f"denied, {call}"
    assert line["reason_after"] == "needs review"


def test_another_acceptance_of_the_same_fail_is_a_change(tmp_path: Path) -> None:
    for days, reason in enumerate(("Jane Roe until August", "Jane Roe until November")):
        seal(tmp_path, ONE, [row("AR-16", "b", "accepted", reason=reason)], days)
    line = columns_of(show.rows(compare(tmp_path), "changed"))
    assert (line["reason_before"], line["reason_after"]) == (
        "Jane Roe until August",
        "Jane Roe until November",
    )


def test_the_same_reason_and_prose_take_no_column(tmp_path: Path) -> None:
    for days in (0, 1):
        rows = [
            row("AR-16", "b", "not evidenced", reason="denied"),
            row("AR-05", "b", "not applicable", reason=f"worded {days}"),
        ]
        seal(tmp_path, ONE, rows, days)
    found = compare(tmp_path)
    assert list(found.rows["change"]) == ["still open"]
    assert "reason_before" not in columns_of(show.rows(found, "still open"))


def test_packs_of_another_scope_are_reported(tmp_path: Path) -> None:
    alone = row("AR-05", "b", "pass")
    whole = row("AR-18", "account", "pass", region="global")
    unread = row("AR-20", "b", "not evidenced", reason="not collected", operation="kms.ListGrants")
    regions = "eu-central-1, eu-west-1"
    for account in (ONE, TWO):
        scopes: list[dict[str, str]] = [
            {"Regions": regions, "Without-Services": "backup"},
            {"Without-Services": "ec2"},
        ]
        seal(tmp_path, account, [whole, alone, unread], **scopes[0])
        seal(tmp_path, account, [whole, unread], 1, **scopes[1])
    found = compare(tmp_path)
    (remark,) = found.remarks
    assert remark == (
        f"2 accounts ({ONE}, {TWO}), of the two packs: the earlier alone covers the region "
        "eu-west-1; the earlier alone has the control AR-05; the earlier alone leaves out the "
        "service backup; the later alone leaves out the service ec2. Rows may be new or gone for "
        "that alone."
    )
    assert show.remarks(found).tone == "warning"


def test_an_equal_scope_is_stated_only_where_both_packs_record_it(tmp_path: Path) -> None:
    for days in (0, 1):
        seal(tmp_path, ONE, [row("ID-05", "r", "pass", region="global")], days)
    packs = find_packs(tmp_path)
    earlier = {name: value for name, value in packs[0].info.items() if name != "Regions"}
    note = show.remarks(compare_packs([replace(packs[0], info=earlier)], packs[1:]))
    assert note.tone == "warning"
    assert note.text == (
        f"Account {ONE}: one of the two packs, or both, record neither regions nor services left "
        "out, so the two may differ in these."
    )


FIELDS = {
    "a second field": (["Redirect fail"], ["Redirect fail", "Feedback fail"], ["newly open"]),
    "another field": (
        ["Redirect fail"],
        ["Redirect pass", "Feedback fail"],
        ["newly open", "closed"],
    ),
    "one more of a field": (["Link fail"], ["Link fail", "Link fail"], ["newly open"]),
    "one less of a field": (["Link pass", "Link fail"], ["Link fail"], ["gone"]),
    "another order": (["Link pass", "Link fail"], ["Link fail", "Link pass"], []),
}


@pytest.mark.parametrize(("before", "after", "moved"), FIELDS.values(), ids=FIELDS)
def test_findings_on_fields_of_a_resource_are_compared_field_by_field(
    tmp_path: Path, before: list[str], after: list[str], moved: list[str]
) -> None:
    for days, findings in enumerate((before, after)):
        pairs = [finding.split() for finding in findings]
        rows = [
            row("MD-03", "stack", status, observed_values=canonical({"field": field}))
            for field, status in pairs
        ]
        seal(tmp_path, ONE, rows, days)
    found = compare(tmp_path)
    changes = [name for name in found.rows["change"] if name != "still open"]
    assert changes == moved
    assert found.same + len(found.rows) == max(len(before), len(after))


def test_packs_of_the_same_scope_are_comparable(tmp_path: Path) -> None:
    for days in (0, 1):
        seal(tmp_path, ONE, [row("AR-05", "b", "pass")], days)
    found = compare(tmp_path)
    assert found.remarks == []
    assert "the same accounts, regions, controls, services" in show.remarks(found).text


def test_wording_and_what_no_interface_shows_are_no_changes(tmp_path: Path) -> None:
    for days in (0, 1):
        seen = f"Last event: 2026-08-0{days + 1}T10:00:00Z"
        fixed = {"observed": seen, "observed_values": canonical({"kind": "trail"})}
        rows = [
            row("LG-01", "trail-a", "pass", **fixed),
            row("AR-04", "fleet-a", "not evidenced", reason="no API", observed=seen),
        ]
        seal(tmp_path, ONE, rows, days)
    assert compare(tmp_path).rows.empty


def test_an_open_point_states_since_when(tmp_path: Path) -> None:
    history = ["fail", "pass", "not evidenced", "fail", "fail"]
    for days, status in enumerate(history):
        seal(tmp_path, ONE, [row("AR-05", "b", status)], days)
    found = compare(tmp_path)
    assert list(found.rows["change"]) == ["still open"]
    assert list(found.rows["since"]) == ["2026-08-03T09:00:00+00:00"]


def test_resources_that_appeared_or_are_gone_are_named(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("AR-05", "old", "pass"), row("AR-05", "kept", "pass")])
    seal(tmp_path, ONE, [row("AR-05", "kept", "pass"), row("AR-05", "new", "fail")], 1)
    table = show.resources(compare(tmp_path))
    assert [line[:1] + line[3:] for line in table.rows] == [["Appeared", "new"], ["Gone", "old"]]


def test_what_makes_packs_hard_to_compare_is_reported(tmp_path: Path) -> None:
    rows = [row("AR-05", "b", "pass")]
    seal(tmp_path, ONE, rows, Thresholds="default 1", **{"Pseudonym-Key": "a"})
    seal(tmp_path, ONE, rows, 1, Thresholds="strict 2", **{"Pseudonym-Key": "b"})
    found = compare(tmp_path)
    note = show.remarks(found)
    assert note.tone == "warning"
    assert f"Account {ONE}: the two packs have different keys for labels" in note.text
    assert f"Account {ONE}: the two packs have different thresholds" in note.text


def test_an_organisation_is_compared_account_by_account(tmp_path: Path) -> None:
    before, after = tmp_path / "august", tmp_path / "november"
    for account in (ONE, TWO):
        seal(before, account, [row("AR-05", "b", "pass")])
    seal(after, ONE, [row("AR-05", "b", "fail")], 90)
    found = compare(before, after)
    assert list(found.rows["account"]) == [ONE]
    assert f"1 account is only in the earlier audit: {TWO}." in found.remarks
    assert isinstance(show.rows(found, "closed"), Note)
    assert show.cover(found).stamp == "NOT AWS: made up"


def test_two_packs_may_be_named_alone(tmp_path: Path) -> None:
    packs = [seal(tmp_path, ONE, [row("AR-05", "b", "fail")], days) for days in (0, 1, 2)]
    found = compare(packs[1], packs[2].parent)
    assert list(found.rows["since"]) == ["2026-08-01T09:00:00+00:00"]  # told by the pack beside


def test_the_order_and_a_common_account_are_required(tmp_path: Path) -> None:
    packs = [seal(tmp_path, ONE, [row("AR-05", "b", "fail")], days) for days in (0, 1)]
    other = seal(tmp_path, TWO, [row("AR-05", "b", "fail")], 2)
    with pytest.raises(UserError, match="is the earlier pack; name the earlier pack first"):
        compare(packs[1], packs[0])
    with pytest.raises(UserError, match="no account in common"):
        compare_packs([open_pack(packs[0])], [open_pack(other)])
    with pytest.raises(UserError, match="no account below it has two packs"):
        audits(tmp_path / TWO)
    assert len(find_packs(tmp_path)) == 3
