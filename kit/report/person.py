"""Where one person's data lies in the account, and how it is found, exported and erased there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.catalogue.texts import text
from kit.report.formats import evidence_ids, joined
from kit.report.transfers import not_seen
from kit.report.views import Table, column
from kit.tables import Tables
from kit.tables.core import Table as Built
from kit.tables.guards import NEVER_ON
from kit.tables.storage import HOME, LOGS, SETTINGS

_NAMED = 3  # resources that a cell names
_STEPS = ("find", "export", "erase")
_VERSIONS = "versioning"


@dataclass(frozen=True)
class _Place:
    """A kind of place in which data of one person may lie.

    Attributes
    ----------
    id : str
        Among the catalogue's ``report/person/places``.
    tables : tuple of str
    column : str
        The column that decides which rows are of the kind; empty for all rows.
    value : str
        What the column has; empty for any value.
    counted : bool
        Rows are counted and not named, since their names may be a person's.
    versioned : bool
        The place is the bucket itself, which may keep versions of what is erased.
    """

    id: str
    tables: tuple[str, ...]
    column: str = ""
    value: str = ""
    counted: bool = False
    versioned: bool = False

    def has(self, values: Mapping[str, Any]) -> bool:
        """Return whether a row is of the kind."""
        if not self.column:
            return True
        return values[self.column] == self.value if self.value else bool(values[self.column])


_PLACES = (
    _Place("home", ("buckets",), "purpose", HOME, versioned=True),
    _Place("settings", ("buckets",), "purpose", SETTINGS, versioned=True),
    _Place("reports", ("buckets",), "purpose", LOGS, versioned=True),
    _Place("agents", ("screenshots",)),
    _Place("copies", ("places",), "copy_buckets"),
    _Place("backups", ("buckets",), "last_backup"),
    _Place("accesses", ("buckets",), "access_logging"),
    _Place("connectors", ("connectors",), "provider"),
    _Place("pool", ("pool_users",), counted=True),
    _Place("identities", ("saml_providers", "directories")),
    _Place("entitlements", ("entitlements",), counted=True),
    _Place("sessions", ("stacks",), counted=True),
    _Place("trails", ("recorders",)),
)


def person(tables: Tables) -> Table:
    """Return the places of one person's data, as seen, with the steps in each.

    The last row has what could not be seen. The caption names the kinds of which there is nothing.
    """
    rows: list[list[Any]] = []
    absent: list[str] = []
    for place in _PLACES:
        groups: dict[tuple[str, ...], list[_Row]] = {}  # each with steps of its own
        for row in _rows(tables, place):
            groups.setdefault(tuple(_steps(place, row)), []).append(row)
        name = text(f"report/person/places/{place.id}/data")
        rows += [
            [name, _where(place, some), *steps, _evidence(place, some)]
            for steps, some in groups.items()
        ]
        if not groups and not any(_unseen(tables, [place])):
            absent.append(name)
    if unseen := _not_seen(tables):
        rows.append(unseen)
    none = text("report/person/absent", kinds="; ".join(absent)) if absent else ""
    return Table(
        "person",
        joined(text("report/person/caption"), none),
        [
            column("data"),
            column("where"),
            column("find"),
            column("export"),
            column("erase"),
            column("evidence", "evidence", 4),
        ],
        rows,
        empty=text("report/person/empty"),
    )


_Row = tuple[Built, str, dict[str, Any]]  # table, row id and values


def _rows(tables: Tables, place: _Place) -> Iterator[_Row]:
    for name in place.tables:
        table = tables[name]
        for row, values in table.rows.items():
            if (row, place.column) not in table.gap_at and place.has(values):
                yield table, row, values


def _where(place: _Place, found: Iterable[_Row]) -> str:
    if place.counted:
        counts = Counter(values["region"] for _, _, values in found)
        each = (
            text("report/person/counted", region=region, count=count)
            for region, count in counts.items()
        )
        return "; ".join(each)
    return _listed(dict.fromkeys(_name(place, values) for _, _, values in found))


def _listed(names: Iterable[str]) -> str:
    """Return names for a cell: the first of many, and how many more there are."""
    every = list(names)
    first, more = "; ".join(every[:_NAMED]), len(every) - _NAMED
    return text("report/and_more", names=first, count=more) if more > 0 else first


def _name(place: _Place, values: Mapping[str, Any]) -> str:
    """Return the label of a place's resource, with the buckets of its copies and their regions."""
    if not isinstance(values.get(place.column), dict):
        return str(values["resource"])
    copies = ", ".join(f"{bucket} ({region})" for bucket, region in values[place.column].items())
    return text("report/person/copied", resource=values["resource"], copies=copies)


def _steps(place: _Place, row: _Row) -> Iterator[str]:
    for step in _STEPS:
        words = text(f"report/person/places/{place.id}/{step}")
        yield joined(words, _versions(row) if step == "erase" and place.versioned else "")


def _versions(row: _Row) -> str:
    """Return what earlier versions of files add to their erasure; empty without versions."""
    table, id, values = row
    if (id, _VERSIONS) in table.gap_at:
        return text("report/person/versions_unseen")
    return "" if values[_VERSIONS] == NEVER_ON else text("report/person/versions")


def _evidence(place: _Place, found: Iterable[_Row]) -> list[str]:
    return evidence_ids(
        ref
        for table, row, _ in found
        for ref in table.refs[row, place.column or next(iter(table.spec.columns))]
    )


def _unseen(tables: Tables, places: Iterable[_Place]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield why, what and references of what may be there and was not seen."""
    for name in dict.fromkeys(name for place in places for name in place.tables):
        table = tables[name]
        for entry in table.covered:
            if entry.trouble:
                what = text("report/person/any", noun=table.spec.noun, region=entry.region)
                yield not_seen(entry.trouble), what, [*entry.evidence]
    for place in places:
        for name in place.tables if place.column else ():
            table = tables[name]
            for row, values in table.rows.items():
                if gap := table.gap_at.get((row, place.column)):
                    refs = [*table.refs[row, place.column]]
                    yield not_seen(gap), values["resource"], refs


def _not_seen(tables: Tables) -> list[Any] | None:
    """Return the row of what was not seen; None where all of it was."""
    causes: dict[str, list[str]] = {}
    refs: list[str] = []
    for why, what, evidence in _unseen(tables, _PLACES):
        causes.setdefault(why, []).append(what)
        refs += evidence
    if not causes:
        return None
    each = [
        text("report/person/unseen", what=", ".join(dict.fromkeys(what)), why=why)
        for why, what in causes.items()
    ]
    search = text("report/person/search")
    return [text("report/not_seen"), "; ".join(each), search, None, None, evidence_ids(refs)]
