"""Where personal data goes: country, what Chapter V of the GDPR makes of it, declared instrument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kit.catalogue.texts import text
from kit.catalogue.transfers import transfers as catalogue
from kit.judge.evaluator import shown
from kit.parameters import CONNECTORS
from kit.report.formats import evidence_ids, joined
from kit.report.views import Table, column
from kit.snapshot import Snapshot, Trouble
from kit.tables import Tables
from kit.tables.core import Table as Built
from kit.tables.logging import NOT_ASKED
from kit.tables.sources import SOURCES

# What Chapter V makes of a place; those that need an instrument come first.
THIRD, UNKNOWN, LIMITED, ADEQUATE, EEA = "third", "unknown", "limited", "adequate", "eea"
_ORDER = (THIRD, UNKNOWN, LIMITED, ADEQUATE, EEA)


@dataclass(frozen=True)
class Transfer:
    """Personal data of a kind at a place, or on its way there.

    Attributes
    ----------
    data, place, country : str
        What it is; the region or the provider; the country as readers see it.
    basis, ground : str
        One of `THIRD`, `UNKNOWN`, `LIMITED`, `ADEQUATE` and `EEA`; and in words.
    instrument : str
        As the run declares it, or why none is needed.
    resources : tuple of str
        Labels of what holds or sends it.
    evidence : tuple of str
        Ids of the answers that it rests on.
    """

    data: str
    place: str
    country: str
    basis: str
    ground: str
    instrument: str
    resources: tuple[str, ...]
    evidence: tuple[str, ...]


def found(tables: Tables) -> list[Transfer]:
    """Return where personal data is and goes, places without an EEA country or a decision first."""
    snapshot = tables.snapshot
    grouped: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for data, place, why, resource, refs in (
        *_places(tables),
        *_sources(tables),
        *_connectors(tables),
        *_shares(tables),
    ):
        resources, evidence = grouped.setdefault((data, place, why), ([], []))
        resources.append(resource)
        evidence += refs
    every = [
        _transfer(snapshot, *key, [name for name in resources if name], refs)
        for key, (resources, refs) in grouped.items()
    ]
    return sorted(every, key=lambda one: (_ORDER.index(one.basis), one.place, one.data))


def transfers(tables: Tables) -> Table:
    """Return the table of transfers, from regions and providers to countries and instruments."""
    listed = catalogue()
    return Table(
        "transfers",
        text("report/transfers/caption", newest=listed.newest, source=listed.source),
        [
            column("data"),
            column("place", "code"),
            column("country"),
            column("basis"),
            column("instrument"),
            column("resources", "number"),
            column("labels", brief=0),
            column("evidence", "evidence", 4),
        ],
        [
            [
                *(one.data, one.place, one.country, one.ground, one.instrument),
                *(len(one.resources), ", ".join(one.resources) or None, list(one.evidence)),
            ]
            for one in found(tables)
        ],
        empty=text("report/transfers/empty"),
    )


Seen = tuple[str, str, str, str, Iterable[str]]  # data, place, why it is unknown, resource, refs


def _places(tables: Tables) -> Iterator[Seen]:
    table = tables["places"]
    elsewhere: dict[tuple[str, ...], Iterable[str]] = {}
    for row, values in table.rows.items():
        holds, resource = shown(values["holds"]), values["resource"]
        gap, refs = table.gap_at.get((row, "place")), table.refs[row, "place"]
        yield holds, values["place"] or "", not_seen(gap), resource, refs
        gap, refs = table.gap_at.get((row, "copied_to")), table.refs[row, "copied_to"]
        copies = text("report/transfers/copies", data=holds)
        if gap:
            yield copies, "", not_seen(gap), resource, refs
        for region in values["copied_to"] or ():
            yield copies, region, "", resource, refs
        if outside := values["not_looked_at"]:
            elsewhere[tuple(outside)] = table.refs[row, "not_looked_at"]
    for regions, cited in elsewhere.items():
        why = text("report/transfers/outside", regions=", ".join(regions))
        place = text("report/transfers/regions", count=len(regions))
        yield text("report/transfers/elsewhere"), place, why, "", cited
    yield from unlisted(table)


def _sources(tables: Tables) -> Iterator[Seen]:
    """Yield the buckets that applications and session scripts come from, of no known region."""
    table, why = tables["sources"], text("report/transfers/no_location")
    for row, values in table.rows.items():
        yield shown(SOURCES), "", why, values["resource"], table.refs[row, "key_class"]
    yield from unlisted(table)


def _connectors(tables: Tables) -> Iterator[Seen]:
    table, files = tables["connectors"], text("report/transfers/files")
    for row, values in table.rows.items():
        why = text("report/transfers/provider")
        yield files, values["provider"], why, values["resource"], table.refs[row, "provider"]
    yield from unlisted(table)


def _shares(tables: Tables) -> Iterator[Seen]:
    """Yield the accounts that may use images, or the AMIs that images were exported to."""
    for name, member in (("images", "shared_with"), ("regions", "amis_open_to")):
        table, data = tables[name], text(f"report/transfers/{member}")
        for row, values in table.rows.items():
            gap, refs = table.gap_at.get((row, member)), table.refs[row, member]
            if gap and gap.reason != NOT_ASKED:
                yield data, "", not_seen(gap), values["resource"], refs
            for who in values[member] or ():
                why = text("report/transfers/account")
                yield data, shown(who), why, values["resource"], refs
        yield from unlisted(table)


def unlisted(table: Built) -> Iterator[Seen]:
    """Yield what may be there and could not be listed."""
    for entry in table.covered:
        if entry.trouble:
            yield table.spec.noun, entry.region, not_seen(entry.trouble), "", entry.evidence


def not_seen(gap: Trouble | None) -> str:
    """Return why something could not be seen; empty where it was."""
    if gap is None:
        return ""
    named = (gap.reason, gap.operation, gap.code)
    return text("report/transfers/not_seen", why=", ".join(filter(None, named)))


def _transfer(
    snapshot: Snapshot, data: str, place: str, why: str, resources: list[str], refs: list[str]
) -> Transfer:
    code = "" if why else catalogue().regions.get(place, "")
    basis, ground = _ground(snapshot, code, why)
    declared = snapshot.run.transfer_instruments.get(place)
    return Transfer(
        data,
        place or text("report/not_seen"),
        text(f"report/countries/{code}") if code else text("report/transfers/no_country"),
        basis,
        ground,
        declared or text(f"report/transfers/instrument/{_none(basis, place)}"),
        tuple(resources),
        tuple(evidence_ids(refs)),
    )


def _none(basis: str, place: str) -> str:
    """Return why no instrument stands beside a place: none needed, none declared, or not known."""
    if basis in (ADEQUATE, EEA):
        return "unneeded"
    return "undeclared" if place in (*catalogue().regions, *CONNECTORS) else "unknown"


def _ground(snapshot: Snapshot, country: str, why: str) -> tuple[str, str]:
    known = catalogue()
    if not country:
        return UNKNOWN, why or text("report/transfers/no_country_known")
    if country in known.eea:
        return EEA, text("report/transfers/eea")
    decision = known.adequate.get(country)
    if decision is None or not decision.in_force(snapshot.as_of.date()):
        return THIRD, text("report/transfers/third")
    until = text("report/transfers/until", day=decision.until) if decision.until else ""
    if decision.reported:
        until = joined(until, text("report/transfers/reported", source=decision.reported))
    ground = text("report/transfers/decision", decision=decision.decision, date=decision.date)
    if not decision.limited:
        return ADEQUATE, joined(ground, until)
    return LIMITED, joined(ground, until, text(f"report/transfers/limits/{country}"))
