"""What was changed in the period: the operations in the events that the kit read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from kit.calls import GET_ACCOUNT_AUTHORIZATION_DETAILS, LOOKUP_EVENTS
from kit.report import show
from kit.report.views import Note, Table
from kit.tables import tabulate
from tests.standins import ACCOUNT, AS_OF, REGION, Account

ROLE = f"arn:aws:iam::{ACCOUNT}:role/teams/Admin"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/jo.doe@example.org"


def event(
    name: str = "UpdateStack",
    who: str | None = SESSION,
    *,
    days: float = 1,
    read_only: str | None = "false",
    **details: Any,
) -> dict[str, Any]:
    identity = {"type": "AssumedRole"} | ({"arn": who} if who else {})
    flag = {} if read_only is None else {"ReadOnly": read_only}
    return {
        "EventName": name,
        "EventTime": AS_OF - dt.timedelta(days=days),
        "CloudTrailEvent": json.dumps({"userIdentity": identity} | details),
    } | flag


def changed(account: Account) -> Table:
    table = show.changed(tabulate(account.answered()))
    assert isinstance(table, Table)
    return table


def rows(*events: dict[str, Any], folder: Path) -> list[list[Any]]:
    return changed(Account(folder).fleet().lists(LOOKUP_EVENTS, *events)).rows


@pytest.mark.parametrize(
    ("read_only", "listed"), [("true", False), ("false", True), (None, True), ("", True)]
)
def test_what_is_not_marked_as_read_only_is_listed(
    tmp_path: Path, read_only: str | None, listed: bool
) -> None:
    found = rows(event(read_only=read_only), folder=tmp_path)
    assert [row[1] for row in found] == ["UpdateStack"] * listed


def test_the_newest_is_first(tmp_path: Path) -> None:
    events = [event("UpdateFleet", days=2), event("DeleteFleet", days=1)]
    found = rows(*events, folder=tmp_path)
    assert [(row[4][:10], row[0], row[1]) for row in found] == [
        ("2026-11-23", REGION, "DeleteFleet"),
        ("2026-11-22", REGION, "UpdateFleet"),
    ]


def test_changes_of_the_configuration_come_before_what_is_counted(tmp_path: Path) -> None:
    other = SESSION.replace("jo.doe", "bo.roe")
    starts = [event("StartFleet", days=n) for n in (1, 2, 3)]
    tried = [event("UpdateStack", days=n, errorCode="AccessDenied") for n in (1, 5)]
    done = [event("UpdateStack", days=8), event("UpdateStack", days=9)]
    table = changed(
        Account(tmp_path).fleet().lists(LOOKUP_EVENTS, *starts, event(who=other), *tried, *done)
    )
    days = [(row[1], row[3], row[4][:10], row[5][:10], row[7]) for row in table.rows]
    assert days == [
        ("UpdateStack", 1, "2026-11-23", "2026-11-23", "none"),
        ("UpdateStack", 1, "2026-11-16", "2026-11-16", "none"),
        ("UpdateStack", 1, "2026-11-15", "2026-11-15", "none"),
        ("UpdateStack", 2, "2026-11-19", "2026-11-23", "AccessDenied"),
        ("StartFleet", 3, "2026-11-21", "2026-11-23", "none"),
    ]
    assert "no change of the configuration" not in table.caption


def test_sessions_and_failures_alone_are_no_change(tmp_path: Path) -> None:
    every = [
        event("CreateStreamingURL", SESSION.replace("jo.doe", str(n)), days=n + 1) for n in range(4)
    ]
    failed = event("UpdateStack", errorCode="AccessDenied")
    table = changed(Account(tmp_path).fleet().lists(LOOKUP_EVENTS, *every, failed))
    assert [row[1] for row in table.rows] == ["UpdateStack", "CreateStreamingURL"]
    assert table.rows[1][6].endswith("and 2 more")
    assert table.caption.endswith(
        "The events that the kit read have no change of the configuration."
    )


def test_the_actor_has_the_label_that_the_role_has_elsewhere(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().allowed("Admin", path="/teams/")
    account.lists(LOOKUP_EVENTS, event())
    tables = tabulate(account.snapshot())
    table = show.changed(tables)
    assert isinstance(table, Table)
    (row,) = table.rows
    assert row[2] == tables.labels.label("role", ROLE)
    assert row[6] == tables.labels.label("session", SESSION)
    assert "jo.doe" not in repr(table)


@pytest.mark.parametrize(
    ("who", "kind", "actor"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/jo", "IAMUser", "user-"),
        (f"arn:aws:iam::{ACCOUNT}:root", "Root", "root user"),
        ("arn:aws:sts::999999999999:assumed-role/Auditor/x", "AssumedRole", "role-"),
        ("arn:aws:sts::999999999999:assumed-role/Auditor/x:y", "AssumedRole", "role-"),
        (None, "AWSService", "a service of AWS"),
        (None, "Unknown", "not seen"),
        ("no arn", "Unknown", "user-"),
        ("a:assumed-role/b", "Unknown", "user-"),
    ],
)
def test_actors(tmp_path: Path, who: str | None, kind: str, actor: str) -> None:
    identity = {"type": kind} | ({"arn": who} if who else {})
    (row,) = rows(event(userIdentity=identity), folder=tmp_path)
    assert row[2].startswith(actor)


def test_roles_that_could_not_be_listed_have_a_label_all_the_same(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().denies(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    (row,) = changed(account.lists(LOOKUP_EVENTS, event())).rows
    assert row[2].startswith("role-")


def test_an_operation_that_failed_says_so(tmp_path: Path) -> None:
    failed, done = event("StopFleet", errorCode="AccessDenied"), event("StartFleet", days=2)
    assert [row[7] for row in rows(failed, done, folder=tmp_path)] == ["AccessDenied", "none"]


@pytest.mark.parametrize("details", ["no json", "[]", json.dumps({"userIdentity": {"type": 1}})])
def test_an_event_without_readable_details_is_not_left_out(tmp_path: Path, details: str) -> None:
    (row,) = rows(event() | {"CloudTrailEvent": details}, folder=tmp_path)
    assert [row[n] for n in (1, 2, 6, 7)] == ["UpdateStack", "not seen", "not seen", "not seen"]


def test_a_time_that_lies_ahead_is_not_shown(tmp_path: Path) -> None:
    (row,) = rows(event(days=-3), folder=tmp_path)
    assert row[4] is None


def test_the_caption_says_whether_all_was_read(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().lists(LOOKUP_EVENTS, event())
    assert f"{REGION}: all 1 event" in changed(account).caption
    account.cuts(LOOKUP_EVENTS, "event_pages")
    assert f"{REGION}: the newest" in changed(account).caption


def test_what_was_refused_is_no_empty_table(tmp_path: Path) -> None:
    table = changed(Account(tmp_path).fleet().denies(LOOKUP_EVENTS))
    unseen = "not seen"
    assert table.rows == [
        [REGION, unseen, unseen, None, None, None, unseen, unseen, table.rows[0][8]]
    ]
    assert "not read (denied)" in table.caption


def test_no_change_is_stated_with_what_was_read(tmp_path: Path) -> None:
    table = changed(Account(tmp_path).fleet().lists(LOOKUP_EVENTS, event(read_only="true")))
    assert table.rows == []
    assert "all 1 event" in table.caption


def test_a_run_that_requested_no_events_says_so(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).fleet().answered()
    snapshot.header["calls"].remove(LOOKUP_EVENTS.name)
    assert isinstance(show.changed(tabulate(snapshot)), Note)


@pytest.mark.parametrize(
    ("who", "actor"),
    [(f"arn:aws:iam::{ACCOUNT}:user/teams/jo", "jo"), (SESSION, "Admin")],
)
def test_an_actor_has_its_name_where_names_are_in_clear(
    tmp_path: Path, who: str, actor: str
) -> None:
    account = Account(tmp_path, pseudonymise=False).fleet().allowed("Admin", path="/teams/")
    (row,) = changed(account.lists(LOOKUP_EVENTS, event(who=who))).rows
    assert row[2] == actor
