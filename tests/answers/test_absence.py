"""An absent member is no fact: no verdict gets better by what an answer leaves out.

Every optional member that the tables read is left out, wherever it occurs, one at a time. A row
that is open may then be open for another reason, and may not close or vanish. Where AWS says that
absence is a fact, it is in ``tests/data/absence.yaml``.

Each run of the tests tries these facts and one part of all other members, which the kit's source
chooses; all of them with ``make matrix``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.calls import CALLS, GET_CALLER_IDENTITY, LIST_REGIONS, Call, Each
from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, WORST_FIRST
from kit.controls import CONTROLS
from kit.controls.registry import Control
from kit.judge import evaluate
from kit.judge.findings import Finding
from kit.redact.protect import protect
from kit.shipped import yaml_data
from kit.snapshot import Request, Snapshot, digest
from kit.tables import Tables, tabulate
from kit.tables.core import Table
from tests.answers.conftest import REGIONS, Judged
from tests.answers.reading import dotted, reading_tables
from tests.answers.shapes import Path as Members
from tests.answers.shapes import nodes, without
from tests.parts import part_of
from tests.standins import output_shape

_DECLARED = yaml_data(Path(__file__).parents[1] / "data" / "absence.yaml")
FACTS = {reported: fact for fact in _DECLARED for reported in fact["members"]}
PARTS = 5  # of which `make test` runs one
_ORDER = {name: n for n, name in enumerate(CALLS)}  # what a call fans out over comes first
_BEFORE_ALL = (GET_CALLER_IDENTITY.name, LIST_REGIONS.name)
Improved = Mapping[str, set[str]]  # member to the controls of which rows closed or vanished


@dataclass
class Member:
    """One optional member: where it occurs, and which tables read it there."""

    places: list[tuple[str, Members]] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def improved(unchanged: Callable[[str], Judged]) -> Callable[[str], Improved]:
    """What gets better in a sample account by the absence of a member."""

    @cache
    def improved(name: str) -> Improved:
        snapshot, known = unchanged(name)
        before = tabulate(snapshot)
        found: dict[str, set[str]] = {}
        members = _members(snapshot)
        for reported in sorted(FACTS.keys() & members | part_of(members, PARTS)):
            member = members[reported]
            shorter = _requested_again(_left_out(snapshot, member.places))
            gone = {one.call for one in snapshot.requests} - {one.call for one in shorter.requests}
            about = {c.table for c in CONTROLS.values() if gone & {call.name for call in c.calls}}
            after = tabulate(shorter, member.tables | about)
            controls = sorted(
                n
                for n, one in CONTROLS.items()
                if one.table in after and _may_differ(one, before[one.table], after[one.table])
            )
            then = [one for one in known if one.control in controls]
            if better := _closed(then, _judge(shorter, after, controls)):
                found[reported] = better
        return found

    return improved


@pytest.mark.parametrize("name", sorted(REGIONS))
def test_no_verdict_gets_better_by_what_is_absent(
    name: str, improved: Callable[[str], Improved]
) -> None:
    undeclared = {
        reported: sorted(controls - set(FACTS.get(reported, {}).get("controls", ())))
        for reported, controls in improved(name).items()
    }
    assert not {reported: controls for reported, controls in undeclared.items() if controls}


def test_what_is_declared_of_absence_has_its_source_and_is_seen(
    improved: Callable[[str], Improved],
) -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for name in REGIONS:
        for reported, controls in improved(name).items():
            seen[reported] |= controls
    for reported, fact in FACTS.items():
        assert set(fact["controls"]) == seen[reported], reported
        assert fact["fact"].endswith("."), reported
        assert fact["source"].startswith("https://docs.aws.amazon.com/"), reported


def test_what_is_left_out_was_read_in_nearly_every_call(
    unchanged: Callable[[str], Judged],
) -> None:
    read = {
        reported.partition(" ")[0] for name in REGIONS for reported in _members(unchanged(name)[0])
    }
    assert len(read) > 30


# --- members that tables read -----------------------------------------------------------------


def _members(snapshot: Snapshot) -> Mapping[str, Member]:
    readers = reading_tables(snapshot)
    found: dict[str, Member] = defaultdict(Member)
    for request in snapshot.requests:
        if request.response is None or request.call in _BEFORE_ALL:
            continue
        for node in nodes(output_shape(CALLS[request.call]), request.response):
            tables = readers.get((request.id, *node.path))
            if node.optional and tables:
                member = found[f"{request.call} {dotted(node.path)}"]
                member.places.append((request.id, node.path))
                member.tables |= tables
    return found


# --- the account without one --------------------------------------------------------------------


def _left_out(snapshot: Snapshot, places: list[tuple[str, Members]]) -> Snapshot:
    gone = defaultdict(list)
    for evidence, path in places:
        gone[evidence].append(path)

    def shorten(request: Request) -> Request:
        body = request.response
        for path in gone[request.id]:
            body = without(body, path)
        return replace(request, response=body, sha256=digest(body))

    requests = [shorten(one) if one.id in gone else one for one in snapshot.requests]
    return Snapshot(snapshot.header, requests, snapshot.folder)


def _requested_again(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the requests that nothing in it gives rise to any longer."""
    kept: dict[str, list[Request]] = defaultdict(list)
    for request in sorted(snapshot.requests, key=lambda one: _ORDER[one.call]):
        call = CALLS[request.call]
        if not call.each or any(_asks(wanted, request) for wanted in _all_wanted(call, kept)):
            kept[request.call].append(request)
    ids = {one.id for requests in kept.values() for one in requests}
    requests = [one for one in snapshot.requests if one.id in ids]
    return Snapshot(snapshot.header, requests, snapshot.folder)


def _all_wanted(call: Call, kept: Mapping[str, list[Request]]) -> Iterator[dict[str, Any]]:
    for each in call.each:
        for source in kept[each.source.name]:
            yield from _wanted(call, each, source.sha256, source)


_known: dict[tuple[Call, Each, str], list[dict[str, Any]]] = {}


def _wanted(call: Call, each: Each, answer: str, source: Request) -> list[dict[str, Any]]:
    found = _known.get((call, each, answer))
    if found is None:
        found = [protect(call, wanted) for wanted in each.wanted(source.response)]
        _known[call, each, answer] = found
    return found


def _asks(wanted: dict[str, Any], request: Request) -> bool:
    requested = {name: value for name, value in wanted.items() if name not in ("Region", "Owner")}
    region = wanted.get("Region")
    return region in (None, request.region) and requested.items() <= request.parameters.items()


def _may_differ(control: Control, before: Table, after: Table) -> bool:
    """Whether a column that a control reads has changed, or the list of rows, or its coverage."""
    if control.rests_on or before.covered != after.covered:
        return True
    read = {"region", "resource", *control.columns}
    cells = [
        [{n: row[n] for n in read} for row in table.rows.values()] for table in (before, after)
    ]
    gaps = [
        {place: gap for place, gap in table.gap_at.items() if place[1] in read}
        for table in (before, after)
    ]
    return cells[0] != cells[1] or gaps[0] != gaps[1]


def _judge(snapshot: Snapshot, tables: Tables, controls: list[str]) -> list[Finding]:
    if not controls:
        return []
    parameters = {**snapshot.header["parameters"], "controls": controls}
    alone = Snapshot({**snapshot.header, "parameters": parameters}, snapshot.requests, Path())
    return list(evaluate(Tables(alone, tables.labels, tables)).leaves)


def _closed(known: list[Finding], found: list[Finding]) -> set[str]:
    """The controls of which a row closed or vanished.

    A row may go by another name, or be among those of which it is told that they were not seen.
    """
    better = set()
    names = {_row(one) for one in found}
    unseen = {_row(f)[:2] for f in found if f.reason == "absent in answer"}
    for counted in ((FAIL, NOT_EVIDENCED), WORST_FIRST):
        before = Counter(_row(one) for one in known if one.status in counted)
        after = Counter(_row(one) for one in found if one.status in counted)
        fewer, more = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for row, count in (before - after).items():
            if row in names:
                better.add(row[0])
            elif row[:2] not in unseen:
                fewer[row[:2]] += count
        for row, count in (after - before).items():
            more[row[:2]] += count
        better |= {control for control, _ in fewer - more}
    return better


def _row(finding: Finding) -> tuple[str, str, str]:
    return finding.control, finding.region, finding.resource
