"""No time in an answer is read without a clock: what each is held against is declared, and holds."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kit.calls import CALLS, DESCRIBE_STACKS, GET_CREDENTIAL_REPORT
from kit.catalogue.statuses import PASS
from kit.controls import CONTROLS
from kit.controls.registry import CLOCK
from kit.judge import evaluate
from kit.judge.findings import Finding
from kit.parameters import Profile
from kit.snapshot import Request, Snapshot, digest
from kit.tables import answers, identity, tabulate
from kit.tables.answers import clocks, declared, is_time, members, undeclared
from kit.tables.core import SPECS
from tests.answers.reading import Watched
from tests.controls.samples import SAMPLES
from tests.standins import Account, changed

TIMES = [
    (call, path, *clock.split()) for call in CALLS for path, clock in declared(call).times.items()
]
HELD = [(call, path, limit[0]) for call, path, kind, *limit in TIMES if kind == "age"]
AHEAD = "2999-01-01T00:00:00+00:00"


@pytest.mark.parametrize("name", CALLS)
def test_every_time_that_is_read_is_declared(name: str) -> None:
    reported, there = declared(name), members(CALLS[name])
    times = {path for path in reported.read if is_time(there[path])}
    assert times == {path for path in reported.times if "|" not in path}


def test_a_time_that_is_read_without_a_clock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    path, written = "Stacks[].CreatedTime", answers._written()
    of_stacks = written["calls"][DESCRIBE_STACKS.name]
    read = {**of_stacks["read"], path: "stacks"}
    calls = {**written["calls"], DESCRIBE_STACKS.name: {**of_stacks, "read": read}}
    monkeypatch.setattr(answers, "_written", lambda: {**written, "calls": calls})
    declared.cache_clear()
    lines = [line for line in undeclared(DESCRIBE_STACKS) if "is a time that is read" in line]
    declared.cache_clear()
    assert [line.partition(": ")[0] for line in lines] == [f"{DESCRIBE_STACKS.name} {path}"]


@pytest.mark.parametrize(("name", "path", "reported"), [(*one[:2], one[2:]) for one in TIMES])
def test_what_a_time_is_held_against_is_something(
    name: str, path: str, reported: tuple[str, ...]
) -> None:
    kind, *limit = reported
    assert kind in clocks()
    assert len(limit) <= (kind in ("age", "period")), path
    for field in limit:
        assert field in Profile.model_fields
        held = [one for one in CONTROLS.values() if field in one.thresholds]
        assert held
        for control in held:
            columns = [SPECS[control.table].columns[column] for column in control.columns]
            in_table = any(field in column.thresholds for column in columns)
            assert in_table or CLOCK in control.thresholds


@pytest.mark.parametrize(("name", "path"), [one[:2] for one in TIMES if one[2] in ("age", "shown")])
def test_what_has_happened_lies_behind(name: str, path: str) -> None:
    for reader in declared(name).read.get(path, ()):
        table, _, column = reader.partition(".")
        if column and column != "events_window":  # that has several things, and is bounded
            assert SPECS[table].columns[column].past, reader


def test_times_of_the_credential_report_are_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = SAMPLES["careless"](tmp_path).snapshot()
    read: set[Any] = set()
    reader = csv.DictReader

    def watching(*given: Any, **how: Any) -> Any:
        lines = reader(*given, **how)
        made = [Watched(line, (), read) for line in lines]
        return _Lines(made, lines.fieldnames)

    monkeypatch.setattr(identity.csv, "DictReader", watching)
    tabulate(snapshot, ["access_keys", "accounts", "users"])
    names = {name for (name,) in read if name.endswith(("_used", "_rotated", "_date", "_changed"))}
    reported = {path.partition("|")[2] for path in declared(GET_CREDENTIAL_REPORT.name).times}
    assert names == reported


class _Lines(list[Any]):
    def __init__(self, lines: list[Any], fieldnames: Any):
        super().__init__(lines)
        self.fieldnames = fieldnames


# --- a time that lies ahead ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Snapshot, list[Finding]]]:
    """Sample accounts and what is found in them."""
    made = {
        name: SAMPLES[name](tmp_path_factory.mktemp(name)).snapshot()
        for name in ("tidy", "lake", "careless")
    }
    long_ago = "2022-10-24T12:00:00+00:00"
    key = {"access_key_2_active": "true", "access_key_2_last_rotated": long_ago}
    keyed = Account(tmp_path_factory.mktemp("keyed"))
    keyed.credentials(root={"password_last_used": long_ago}, jane=key)
    made["keyed"] = keyed.snapshot()
    return {name: (one, list(evaluate(tabulate(one)).leaves)) for name, one in made.items()}


@pytest.mark.parametrize(("name", "path", "limit"), HELD)
def test_a_time_that_lies_ahead_passes_nothing(
    name: str,
    path: str,
    limit: str,
    judged: dict[str, tuple[Snapshot, list[Finding]]],
) -> None:
    reviewed = []
    for snapshot, before in judged.values():
        ahead = changed(snapshot, _putting(name, path))
        after = list(evaluate(tabulate(ahead)).leaves)
        assert not _passed(after) - _passed(before)
        reviewed += [
            one.control
            for one in after
            if one.reason == "needs review"
            and one.hint.startswith("AWS gives a time that lies ahead")
        ]
    assert reviewed
    assert all(limit in CONTROLS[control].thresholds for control in reviewed)


def _passed(findings: list[Finding]) -> Counter[tuple[str, str, str]]:
    return Counter((f.control, f.region, f.resource) for f in findings if f.status == PASS)


def _putting(name: str, path: str) -> Callable[[Request], Request]:
    def put(request: Request) -> Request:
        if request.call != name or request.response is None:
            return request
        member, _, column = path.partition("|")
        body = _with_column(request.response, column) if column else _with(request.response, member)
        return replace(request, response=body, sha256=digest(body))

    return put


def _with(value: Any, path: str) -> Any:
    """An answer with the time ahead wherever a member is."""
    first, _, rest = path.partition(".")
    key = first.removesuffix("[]")
    if not isinstance(value, dict) or key not in value:
        return value
    if not rest:
        return {**value, key: AHEAD}
    items = value[key]
    inner = [_with(item, rest) for item in items] if first != key else _with(items, rest)
    return {**value, key: inner}


def _with_column(body: dict[str, Any], column: str) -> dict[str, Any]:
    """A credential report with the time ahead wherever a column has a time."""
    lines = list(csv.DictReader(io.StringIO(body["Content"])))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(_ahead(line, column)) for line in lines)
    return {**body, "Content": text.getvalue()}


def _ahead(line: dict[str, str], column: str) -> Iterator[tuple[str, str]]:
    for name, text in line.items():
        has_time = not pd.isna(pd.to_datetime(text, utc=True, errors="coerce"))
        yield name, AHEAD if name == column and has_time else text
