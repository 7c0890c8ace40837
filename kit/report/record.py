"""The record of processing activities (Article 30), as far as a snapshot can fill it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kit.calls import GET_CALLER_IDENTITY
from kit.catalogue.frameworks import GDPR, frameworks, mapped
from kit.catalogue.statuses import ATTESTED, NOT_APPLICABLE, NOT_EVIDENCED, PASS, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.controls.articles import CONTROLLER, PROCESSOR
from kit.judge.evaluator import shown
from kit.judge.findings import Findings, worst
from kit.report.formats import evidence_ids
from kit.report.retention import kept
from kit.report.transfers import ADEQUATE, EEA, UNKNOWN, found, unlisted
from kit.report.views import Table, column, first_of_each
from kit.tables import Tables

BLANK = "_" * 24
"""Stands where somebody has to fill in what no interface shows."""

_PDF_FIELD = 20  # entries of each field that the PDF lists
_SECURITY = "32(1)("  # begins the points of Article 32 that name measures


class Entry(NamedTuple):
    """An entry of the record: empty where somebody has to fill it in, or what was seen or declared.

    Where a field has too many entries for the PDF, empty ones stay, then the lowest in `rank`.
    """

    words: str = ""
    source: str = "open"  # or "declared", "seen" or "unseen"
    evidence: Iterable[str] = ()
    rank: int = 0


def record(findings: Findings, tables: Tables) -> Table:
    """Return the record of the declared role: Article 30(2) for a processor, otherwise 30(1)."""
    role = PROCESSOR if findings.data_role == PROCESSOR else CONTROLLER
    made = _Made(findings, tables)
    points = made.of_processor() if role == PROCESSOR else made.of_controller()
    every = [(point, field, entry) for point, field, entries in points for entry in entries]
    listed = first_of_each(
        [(point, field) for point, field, _ in every],
        _PDF_FIELD,
        [(entry.source != "open", entry.rank) for _, _, entry in every],
    )
    left = len(every) - len(listed)
    rows: list[list[Any]] = [
        [
            point,
            text(f"report/record/fields/{field}"),
            entry.words or BLANK,
            text(f"report/record/sources/{entry.source}"),
            evidence_ids(entry.evidence),
        ]
        for point, field, entry in every
    ]
    cut = text("report/record/cut", count=left, rows=len(rows), listed=_PDF_FIELD)
    stated = "declared" if findings.data_role else "undeclared"
    return Table(
        "record",
        text(f"report/record/caption/{stated}", article="30(2)" if role == PROCESSOR else "30(1)"),
        [
            column("article", "code"),
            column("field"),
            column("entry"),
            column("filled"),
            column("evidence", "evidence", 6),
        ],
        rows,
        listed=listed if left else None,
        cut=cut if left else None,
    )


_Points = Iterator[tuple[str, str, Iterable[Entry]]]  # point of Article 30, field, its entries


class _Made:
    """What a snapshot and its parameters say of each field of the record."""

    def __init__(self, findings: Findings, tables: Tables):
        self.findings, self.tables, self.run = findings, tables, tables.snapshot.run

    def of_controller(self) -> _Points:
        yield "30(1)", "register", [self._declared("register_reference")]
        yield "30(1)(a)", "controller", [self._declared("controller")]
        yield from self._persons("30(1)(a)")
        yield "30(1)(b)", "purposes", [Entry()]
        yield "30(1)(c)", "subjects", [*self._users(), Entry()]
        yield "30(1)(c)", "data", [*self._kinds(), Entry()]
        yield "30(1)(d)", "recipients", [*self._recipients(), Entry()]
        yield "30(1)(e)", "transfers", self._transfers()
        yield "30(1)(f)", "erasure", [*self._erasure(), Entry()]
        yield "30(1)(g)", "security", [*self._security(), Entry()]

    def of_processor(self) -> _Points:
        yield "30(2)", "register", [self._declared("register_reference")]
        yield "30(2)(a)", "processor", [Entry()]
        yield "30(2)(a)", "controllers", [self._declared("controller")]
        yield from self._persons("30(2)(a)")
        yield "30(2)(b)", "processing", [*self._kinds(), Entry()]
        yield "30(2)(c)", "transfers", self._transfers()
        yield "30(2)(d)", "security", [*self._security(), Entry()]

    def _persons(self, point: str) -> _Points:
        yield point, "contact", [self._declared("contact")]
        for field in ("joint", "representative", "officer"):
            yield point, field, [Entry()]

    def _declared(self, parameter: str) -> Entry:
        value = getattr(self.run, parameter)
        return Entry(value, "declared", (f"parameters#/{parameter}",)) if value else Entry()

    def _users(self) -> Iterator[Entry]:
        table = self.tables["ways_in"]
        for row, values in table.rows.items():
            way = text(f"figures/map/ends/{_WAYS[values['way']]}")
            users = values["enabled_users"] if values["way"] == "user pool" else None
            if users is not None:
                count = text("figures/map/enabled_users", count=users)
                way = text("report/record/users", way=way, count=count, region=values["region"])
            else:
                way = text("report/record/way", way=way, name=values["resource"])
            yield Entry(way, "seen", table.refs[row, "way"], 1)
        yield from self._unlisted("ways_in")
        trails = self.tables["trails"]
        if trails.rows:
            first = next(iter(trails.spec.columns))
            refs = [ref for row in trails.rows for ref in trails.refs[row, first]]
            yield Entry(text("report/record/callers", count=len(trails.rows)), "seen", refs, 1)
        yield from self._unlisted("trails")

    def _kinds(self) -> Iterator[Entry]:
        table = self.tables["places"]
        rows: dict[str, list[str]] = {}
        for row, values in table.rows.items():
            rows.setdefault(values["holds"], []).append(row)
        for holds, its in rows.items():
            refs = [ref for row in its for ref in table.refs[row, "holds"]]
            kind = text("report/record/kind", data=shown(holds), count=len(its))
            yield Entry(kind, "seen", refs, 1)
        yield from self._unlisted("places")
        yield from self._identities()

    def _identities(self) -> Iterator[Entry]:
        """Yield what AppStream keeps of the users of its own user pool, by region.

        https://docs.aws.amazon.com/appstream2/latest/APIReference/API_User.html
        """
        table = self.tables["pool_users"]
        refs: dict[str, list[str]] = {}
        for row, values in table.rows.items():
            refs.setdefault(values["region"], []).extend(table.refs[row, "enabled"])
        counts = Counter(values["region"] for values in table.rows.values())
        for region, count in counts.items():
            words = text("report/record/identity", count=count, region=region)
            yield Entry(words, "seen", refs[region], 1)
        yield from self._unlisted("pool_users")

    def _recipients(self) -> Iterator[Entry]:
        tables = self.tables
        identity = tables.snapshot.answer(GET_CALLER_IDENTITY).evidence
        yield Entry(text("report/record/recipients/aws"), "seen", identity)
        for name, columns in _RECIPIENTS.items():
            table, gaps = tables[name], list[str]()
            named: dict[tuple[str, Any], list[str]] = {}
            for row, values in table.rows.items():
                for member in columns:
                    refs = table.refs[row, member]
                    if (row, member) in table.gap_at:
                        gaps += refs
                    elif values[member]:
                        cell = values[member]
                        for one in cell if isinstance(cell, list | tuple) else [cell]:
                            named.setdefault((member, one), []).extend(refs)
            for (member, one), cited in named.items():
                words = text(f"report/record/recipients/{member}", who=shown(one))
                yield Entry(words, "seen", cited, 1)
            if gaps:
                unseen = text(f"report/record/recipients/unseen/{name}")
                yield Entry(unseen, "unseen", gaps)
            yield from self._unlisted(name)

    def _transfers(self) -> Iterator[Entry]:
        every = found(self.tables)
        outside = [one for one in every if one.basis != EEA]
        for one in outside:
            needs = "" if one.basis == ADEQUATE else one.instrument
            place = f"{one.place} ({one.country})"
            words = text("report/record/transfer", data=one.data, place=place, ground=one.ground)
            with_instrument = text(
                "report/record/instrument", transfer=words.removesuffix("."), instrument=needs
            )
            source = "unseen" if one.basis == UNKNOWN else "seen"
            yield Entry(with_instrument if needs else words, source, one.evidence)
        if not outside:
            lists = [ref for entry in self.tables["places"].covered for ref in entry.evidence]
            refs = [ref for one in every for ref in one.evidence]
            yield Entry(text("report/record/no_transfer"), "seen", [*refs, *lists])

    def _erasure(self) -> Iterator[Entry]:
        for one in kept(self.tables):
            where = f"{one.resource}, {one.region}" if one.resource else one.region
            words = text("report/record/erasure", data=one.data, where=where, seen=one.seen)
            yield Entry(words, "unseen" if one.unseen else "seen", one.evidence, one.rank)
        for kind, days in self.run.retention_days.items():
            count = text("report/retention/days", count=days)
            yield Entry(f"{kind}: {count}", "declared", ("parameters#/retention_days",))
        if self.run.retention_procedure:
            yield self._declared("retention_procedure")

    def _security(self) -> Iterator[Entry]:
        """Yield, for each point of Article 32(1), the controls that test it by their verdict."""
        judged: dict[str, list[str]] = {}
        refs: dict[str, list[str]] = {}
        for finding in self.findings.leaves:
            judged.setdefault(finding.control, []).append(finding.status)
            refs.setdefault(finding.control, []).extend(finding.evidence)
        for point in frameworks()[GDPR].requirements:
            if not point.startswith(_SECURITY):
                continue
            by_status: dict[str, list[str]] = {}
            for name in sorted(judged):
                if point in mapped(GDPR, name):
                    by_status.setdefault(worst(judged[name]), []).append(name)
            by_status.pop(NOT_APPLICABLE, None)
            for status in sorted(by_status, key=_GOOD_FIRST.index):
                names = by_status[status]
                listed = "; ".join(f"{name} {CONTROLS[name].title}" for name in names)
                words = text(f"report/record/measures/{status}", point=point, controls=listed)
                seen = "unseen" if status == NOT_EVIDENCED else "seen"
                yield Entry(words, seen, [ref for name in names for ref in refs[name]])

    def _unlisted(self, name: str) -> Iterator[Entry]:
        for noun, region, why, _, refs in unlisted(self.tables[name]):
            yield Entry(
                text("report/record/unlisted", noun=noun, region=region, why=why), "unseen", refs
            )


_WAYS = {"SAML provider": "SAML providers", "directory": "directories", "user pool": "user pool"}
_RECIPIENTS = {  # columns of tables that name who receives data
    "connectors": ("provider",),
    "places": ("copy_accounts",),
    "images": ("shared_with",),
    "regions": ("amis_open_to",),
    "agent_access": ("agents",),
}
_GOOD_FIRST = (
    PASS,
    ATTESTED,
    *(one for one in reversed(WORST_FIRST) if one not in (PASS, ATTESTED)),
)
