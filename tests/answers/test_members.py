"""The member watch: every member of every answer is read, or left for a reason, and truly so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from kit.calls import (
    CALLS,
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_KEY,
    DESCRIBE_REGIONS,
    DESCRIBE_STACKS,
    LIST_REGIONS,
)
from kit.cli import main
from kit.tables import answers
from kit.tables.answers import (
    COLLECTOR,
    declared,
    members,
    needs_sentence,
    new_choices,
    page,
    undeclared,
)
from kit.tables.core import SPECS
from tests.answers.conftest import REGIONS
from tests.answers.playback import Account, Answer, record
from tests.answers.reading import filled, readers

Readers = Mapping[tuple[str, str], set[str]]
_HOW = (
    "kit/tables/answers.yaml declares what the kit reads of each answer. Where a read is seldom made, "
    "give tests/answers/reading.py an answer in which it is."
)


@pytest.fixture(scope="session")
def read(recorded: Callable[[str], Account], tmp_path_factory: pytest.TempPathFactory) -> Readers:
    """What is read of sample accounts' answers, as they are and filled with all that may be there.

    Each of these accounts has a member that is read in none of the others.
    """
    declared = {"administers_organisation": True, "agent_log_groups": ["/agents"]}
    seldom = record(
        "careless", tmp_path_factory.mktemp("seldom"), regions=["eu-west-1"], **declared
    )
    tidy = record("tidy", tmp_path_factory.mktemp("tidy"), regions=["eu-central-1", "eu-west-1"])
    accounts = (
        *(recorded("demo"), filled(seldom, last=False)),
        *(tidy, filled(tidy, last=False), filled(tidy, last=True)),
        _other_regions(recorded("careless")),
    )
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for account in accounts:
        for member, names in readers(account).items():
            found[member] |= names
    return found


def _other_regions(account: Account) -> Account:
    """The account that may not list its regions, and so describes them."""
    refused = [
        replace(one, status=403, body={"Error": {"Code": "AccessDenied", "Message": ""}})
        for one in account.answers.values()
        if one.call is LIST_REGIONS
    ]
    regions = [{"RegionName": name, "OptInStatus": "opted-in"} for name in REGIONS["careless"]]
    requested = {"AllRegions": True}
    return account.but(
        *refused, Answer(DESCRIBE_REGIONS, account.home, requested, {"Regions": regions})
    )


@pytest.mark.parametrize("name", CALLS)
def test_every_member_of_every_answer_is_declared(name: str) -> None:
    wrong = sorted(undeclared(CALLS[name]))
    assert not wrong, "\n".join([_HOW, *wrong])


def test_nothing_is_declared_of_calls_that_nobody_makes() -> None:
    assert answers._written()["calls"].keys() <= CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_what_is_declared_read_is_read_and_nothing_else(name: str, read: Readers) -> None:
    reported, wrong = declared(name), []
    for path in members(CALLS[name]):
        reading = read.get((name, path), set())
        if path in reported.left and reading:
            wrong.append(f"{path}: {', '.join(sorted(reading))} read it, and it is declared left")
        for reader in reported.read.get(path, ()):
            if reader.partition(".")[0] not in reading:
                wrong.append(f"{path}: {reader} does not read it, and is declared to")
    assert not wrong, "\n".join([_HOW, *wrong])


@pytest.mark.parametrize("name", CALLS)
def test_readers_are_columns_and_tables_that_there_are(name: str) -> None:
    there = {COLLECTOR, *SPECS}
    there |= {f"{table}.{column}" for table, spec in SPECS.items() for column in spec.columns}
    assert {reader for names in declared(name).read.values() for reader in names} <= there


def test_a_member_that_botocore_brings_or_drops_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    there = members(DESCRIBE_STACKS)
    new = {**there, "Stacks[].SessionsRecorded": there["Stacks[].ApplicationSettings.Enabled"]}
    new |= {"Stacks[].UserSettings[].Until": there["Stacks[].CreatedTime"]}
    del new["Stacks[].FeedbackURL"]
    monkeypatch.setattr(answers, "members", lambda _: new)
    assert {line.partition(":")[0] for line in undeclared(DESCRIBE_STACKS)} == {
        "appstream.DescribeStacks Stacks[].SessionsRecorded",
        "appstream.DescribeStacks Stacks[].UserSettings[].Until",
        "appstream.DescribeStacks Stacks[].FeedbackURL",
    }


@pytest.mark.parametrize("name", CALLS)
def test_every_value_that_a_member_may_have_is_known(name: str) -> None:
    wrong = sorted(new_choices(CALLS[name]))
    assert not wrong, "\n".join(wrong)


def test_a_value_that_botocore_brings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = answers._written()
    signs_in = "appstream.CertificateBasedAuthStatus"
    fewer = {**known["choices"], signs_in: ["DISABLED", "ENABLED"]}
    monkeypatch.setattr(answers, "_written", lambda: {**known, "choices": fewer})
    (line,) = new_choices(DESCRIBE_DIRECTORY_CONFIGS)
    assert "Status: ENABLED_NO_DIRECTORY_LOGIN_FALLBACK is new" in line
    assert signs_in in line


def test_no_value_is_known_that_botocore_lacks() -> None:
    there: dict[str, set[str]] = defaultdict(set)
    for call in CALLS.values():
        for shape in members(call).values():
            there[f"{call.service}.{shape.name}"].update(getattr(shape, "enum", None) or ())
    for name, values in answers._written()["choices"].items():
        assert set(values) <= there[name], name


@pytest.mark.parametrize(
    ("why", "wrong"),
    [
        ("operation", "add a sentence"),
        ("operation. Because", "add a sentence"),
        ("boring. It is not interesting.", "is not a reason of the list"),
        ("operation. The state says the same.", ""),
    ],
)
def test_what_speaks_of_keys_is_left_by_a_sentence(
    why: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = answers._written()
    of_key = written["calls"][DESCRIBE_KEY.name]
    changed = {**of_key, "left": {**of_key["left"], "KeyMetadata.Enabled": why}}
    calls = {**written["calls"], DESCRIBE_KEY.name: changed}
    monkeypatch.setattr(answers, "_written", lambda: {**written, "calls": calls})
    declared.cache_clear()
    lines = list(undeclared(DESCRIBE_KEY))
    declared.cache_clear()
    assert bool(lines) == bool(wrong)
    assert all(wrong in line and "KeyMetadata.Enabled" in line for line in lines)


@pytest.mark.parametrize(
    ("path", "kind", "needs"),
    [
        ("Fleets[].ReplayEnabled", "boolean", True),
        ("Fleets[].EndedAt", "timestamp", True),
        ("Fleets[].ImageArn", "string", True),
        ("Fleets[].KmsKeyId", "string", True),
        ("Fleets[].LogGroupName", "string", True),
        ("Fleets[].UserName", "string", True),
        ("Fleets[].SharedWith", "string", True),
        ("VpcEndpoints[].PolicyDocument", "string", True),
        ("Fleets[].RetentionPeriod", "integer", True),
        ("Fleets[].AccessEndpoints[].Name", "string", True),
        ("Fleets[].Desired", "integer", False),
        ("Fleets[].Catalogue", "string", False),
        ("Fleets[].Monkey", "string", False),
        ("Fleets[].Description", "string", False),
    ],
)
def test_which_members_need_a_sentence(path: str, kind: str, needs: bool) -> None:
    assert needs_sentence(path, SimpleNamespace(type_name=kind)) is needs


def test_choices_need_a_sentence() -> None:
    of_stack = members(DESCRIBE_STACKS)
    assert needs_sentence("X", of_stack["Stacks[].AgentAccessConfig.ScreenImageFormat"])
    assert not needs_sentence("X", of_stack["Stacks[].Description"])


def test_the_command_prints_the_page_with_every_member() -> None:
    printed = CliRunner().invoke(main, ["controls", "--members"]).output
    assert printed == page()
    for call in CALLS.values():
        for path in (*members(call), *call.secret):
            assert f"`{path}`" in printed
