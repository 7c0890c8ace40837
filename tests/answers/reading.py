"""Which members of answers are read: parts of answers that keep a record of it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, KeysView, Mapping
from dataclasses import replace
from pathlib import Path as Folder
from typing import Any

import pytest

from kit import snapshot as stored
from kit.calls import GET_CALLER_IDENTITY, LIST_REGIONS
from kit.collect import collector as engine
from kit.collect import lending
from kit.controls import CONTROLS
from kit.judge import evaluate
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate
from kit.tables.answers import COLLECTOR
from kit.tables.core import SPECS
from tests.answers.changes import successes
from tests.answers.playback import Account
from tests.answers.shapes import Path, nodes
from tests.standins import output_shape

# What tables look for, where no sample account has it: by structure and member.
_LOOKED_FOR = {
    ("DataResource", "Type"): "AWS::S3::Object",
    ("JobDetails", "isDefinedInJob"): "TRUE",
    ("JobDetails", "lastJobId"): "job",
    ("JobSummary", "jobId"): "job",
}


class Watched(dict[str, Any]):
    """A part of an answer that records which of its members are read."""

    def __init__(self, value: Mapping[str, Any], place: Path, read: set[Path]):
        super().__init__(value)
        self._place, self._read = place, read

    def __getitem__(self, name: str) -> Any:
        self._read.add((*self._place, name))
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._read.add((*self._place, str(name)))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            self._read.add((*self._place, name))
            yield name

    def keys(self) -> Any:
        return KeysView(self)  # which looks up here what it is compared with

    def get(self, name: str, default: Any = None) -> Any:
        self._read.add((*self._place, name))
        return super().get(name, default)

    def items(self) -> Any:
        self._read.update((*self._place, name) for name in self)
        return super().items()

    def values(self) -> Any:
        self._read.update((*self._place, name) for name in self)
        return super().values()


def watched(value: Any, place: Path, read: set[Path]) -> Any:
    """An answer that adds to ``read`` the path of every member that is read in it."""
    if isinstance(value, dict):
        parts = {name: watched(part, (*place, name), read) for name, part in value.items()}
        return Watched(parts, place, read)
    if isinstance(value, list):
        return [watched(part, (*place, n), read) for n, part in enumerate(value)]
    return value


def dotted(path: Path) -> str:
    """A path as declarations write it: ``Stacks[].Name``."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def reading_tables(snapshot: Snapshot) -> dict[Path, set[str]]:
    """The tables for which a member is read, by whoever makes or judges their rows.

    The path of a member begins with the id of the request.
    """
    read: set[Path] = set()
    watching = [
        replace(one, response=watched(one.response, (one.id,), read)) for one in snapshot.requests
    ]
    found: dict[Path, set[str]] = defaultdict(set)
    for name in SPECS:
        read.clear()
        # A snapshot keeps what it has looked up: each table looks at one of its own.
        tables = tabulate(Snapshot(snapshot.header, watching, snapshot.folder), [name])
        if judging := [id for id, one in CONTROLS.items() if one.table == name]:
            evaluate(tables, judging)
        for place in read:
            found[place].add(name)
    return found


def readers(account: Account) -> dict[tuple[str, str], set[str]]:
    """The tables that read each member, by call and dotted path; the collector among them."""
    read: set[Path] = set()

    def request(**members: Any) -> Request:
        made = Request(**members)
        return replace(made, response=watched(made.response, (made.call,), read))

    def unwritten(folder: Folder, header: Any, *requests: Any) -> Snapshot:
        return Snapshot(header, requests[0], folder, *requests[1:])

    found: dict[tuple[str, str], set[str]] = defaultdict(set)

    def note(reader: str) -> None:
        for call, *path in read:
            found[str(call), dotted(tuple(path))].add(reader)
        read.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Request", request)
        patch.setattr(engine, "write", unwritten)
        patch.setattr(lending, "digest", lambda _: "")  # it would read everything
        # So would what joins overlapping pages: it compares items, and decides nothing by one.
        for module in (stored, engine):
            patch.setattr(module, "item_identity", lambda item: str(id(item)))
        snapshot = account.collect(Folder("unwritten"))
        # The account lends to itself, so that what only an organisation's snapshot shows is read too.
        loan = lending.lend(snapshot, snapshot.account, snapshot.regions)
        header = {**snapshot.header, "organisation": loan.header}
        note(COLLECTOR)
        for name in SPECS:
            fresh = Snapshot(header, snapshot.requests, snapshot.folder, loan.requests)
            tabulate(fresh, [name])
            note(name)
    return found


def filled(account: Account, *, last: bool) -> Account:
    """The account with every optional member there, an item in every list, and no error.

    Values are those that the account has elsewhere in members of this name; else the first or the
    last that the model admits.
    """
    known: dict[str, Any] = {}
    # Answers lie in the order in which they came, which threads decide.
    for answer in sorted(successes(account), key=lambda answer: answer.name):
        for node in nodes(output_shape(answer.call), answer.body):
            if isinstance(node.path[-1], str) and not isinstance(node.value, dict | list):
                known.setdefault(node.path[-1], node.value)

    def full(shape: Any, value: Any, name: str) -> Any:
        if shape.type_name == "structure":
            has = value or {}
            reported = {n: _LOOKED_FOR.get((shape.name, n), has.get(n)) for n in shape.members}
            return {n: full(part, reported[n], n) for n, part in shape.members.items()}
        if shape.type_name == "list":
            return [full(shape.member, item, name) for item in value or [None]]
        if shape.type_name == "map":
            return value or {"key": full(shape.value, None, name)}
        return scalar(shape, name) if value is None else value

    def scalar(shape: Any, name: str) -> Any:
        if shape.type_name == "boolean":
            return not last
        if getattr(shape, "enum", None):
            return shape.enum[-1 if last else 0]
        if name in known:
            return known[name]
        if shape.type_name == "timestamp":
            return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        if shape.type_name in ("integer", "long", "float", "double"):
            return 1
        return b"text" if shape.type_name == "blob" else "text"

    kept = (GET_CALLER_IDENTITY, LIST_REGIONS)
    return account.but(
        *(
            replace(
                one,
                status=200,
                body=full(output_shape(one.call), one.body if one.status < 300 else None, ""),
            )
            for one in account.answers.values()
            if one.call not in kept
        )
    )
