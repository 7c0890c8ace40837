"""Members of an organisation, found by unit and tag with no more permissions than these need."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from kit.collect.members import Discover, find_members
from kit.errors import CannotRunError, NotEnteredError, UserError
from kit.parameters import Run
from kit.sandbox.faults import Fault
from kit.sandbox.server import Sandbox

MANAGER, DEMO, TIDY, EMPTY, LEFT = (
    "999988887777",
    "210987654321",
    "111122223333",
    "222233334444",
    "444455556666",
)
RUN = Run(account=MANAGER, role_arn=f"arn:aws:iam::{MANAGER}:role/EvidenceReader")
STREAMING, PROJECTS = "ou-bspl-streaming", "ou-bspl-projects"


@pytest.fixture(autouse=True)
def _as_the_organisation(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    yield
    sandbox.faults.clear()
    sandbox.policies.clear()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Discover(), {TIDY, DEMO, EMPTY, LEFT, MANAGER}),
        (Discover(units=[STREAMING]), {TIDY, DEMO, LEFT}),
        (Discover(units=[STREAMING, "ou-bspl-finance0", PROJECTS]), {TIDY, DEMO, EMPTY, LEFT}),
        (Discover(units=["r-bspl"], tags={"evidence": "quarterly"}), {DEMO, LEFT}),
        (Discover(tags={"evidence": "yearly"}), {TIDY}),
    ],
)
def test_they_are_found_with_the_permissions_that_are_reported(
    sandbox: Sandbox, wanted: Discover, found: set[str]
) -> None:
    allowed = {"Effect": "Allow", "Action": wanted.actions, "Resource": "*"}
    sandbox.policies["organisation"] = {"Version": "2012-10-17", "Statement": [allowed]}
    members = find_members(RUN, wanted)
    assert set(members) == found
    assert list(members) == sorted(members)
    states = {account: "SUSPENDED" if account == LEFT else "ACTIVE" for account in found}
    assert members == states


@pytest.mark.parametrize(
    ("fault", "wanted", "error", "reported"),
    [
        ("deny", Discover(), UserError, "role of the organisation's account needs .*ListAccounts"),
        ("fail", Discover(), CannotRunError, "did not answer"),
        (
            None,
            Discover(units=["ou-bspl-elsewhere"]),
            UserError,
            "units: ou-bspl-elsewhere: not all",
        ),
    ],
)
def test_a_refusal_is_no_empty_organisation(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    fault: str | None,
    wanted: Discover,
    error: type[UserError],
    reported: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    if fault:
        sandbox.faults.add(Fault("organizations", "*", fault))
    with pytest.raises(error, match=reported) as caught:
        find_members(RUN, wanted)
    assert type(caught.value) is error


def test_an_organisation_that_does_not_answer_is_reported_in_a_line(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("organizations", "*", "stall"))
    with pytest.raises(CannotRunError, match="could not be reached: no whole answer within 1 sec"):
        find_members(RUN.model_copy(update={"call_seconds": 1.0}), Discover())


@pytest.mark.parametrize(
    "page", [{}, {"Accounts": None}, {"Accounts": [{"Status": "ACTIVE"}]}, {"Accounts": [{}] * 2}]
)
def test_an_answer_without_accounts_is_no_empty_organisation(
    monkeypatch: pytest.MonkeyPatch, page: dict[str, object]
) -> None:
    client = Mock()
    client.get_paginator.return_value.paginate.return_value = [page]
    monkeypatch.setattr("kit.collect.session.Clients.client", lambda *_: client)
    with pytest.raises(CannotRunError, match="lacks Accounts"):
        find_members(RUN, Discover())


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"Id": DEMO, "Status": "ACTIVE"}
    client = Mock()
    client.get_paginator.return_value.paginate.return_value = itertools.repeat(
        {"Accounts": [account] * 1_000}
    )
    monkeypatch.setattr("kit.collect.session.Clients.client", lambda *_: client)
    with pytest.raises(CannotRunError, match="more than 100,000 accounts"):
        find_members(RUN, Discover())


def test_an_account_that_administers_no_organisation_is_reported() -> None:
    run = Run(account=TIDY, role_arn=f"arn:aws:iam::{TIDY}:role/EvidenceReader")
    with pytest.raises(UserError, match="AWSOrganizationsNotInUse"):
        find_members(run, Discover())
    with pytest.raises(NotEnteredError, match="role/Nobody was refused"):
        find_members(Run(account=TIDY, role_arn=f"arn:aws:iam::{TIDY}:role/Nobody"), Discover())
