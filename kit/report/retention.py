"""How long personal data is kept: kind, place, days seen, days declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kit.catalogue.texts import text
from kit.judge.evaluator import shown
from kit.parameters import RetentionKind
from kit.report.formats import evidence_ids
from kit.report.transfers import not_seen
from kit.report.views import Table, column, first_of_each
from kit.tables import Tables
from kit.tables.core import Table as Built
from kit.tables.places import TRAILS
from kit.tables.recorders import STORE
from kit.tables.sources import SCREENSHOTS
from kit.tables.storage import RETENTION_KINDS

_PARAMETER: dict[str, RetentionKind] = {  # the name in the parameters, by kind of data
    **RETENTION_KINDS,
    SCREENSHOTS: "screenshots",
    TRAILS: "trails",
    STORE: "trails",
}
_PDF_KIND = 20  # rows of each kind of data that the PDF lists
_BACKUP = "last_backup"
_COPIES = "copy_buckets"
_FOLDERS = "erased_folders"  # AppStream's own, of a bucket that rules do not erase as a whole


@dataclass(frozen=True)
class Kept:
    """How long a resource keeps what it holds.

    Attributes
    ----------
    data, region, resource : str
    seen : str
        After how many days, or on which day, rules erase all of it; or which of AppStream's folders
        they erase, or that they erase nothing, or why this could not be seen.
    days : int or None
        The days; None without such a rule.
    declared : int or None
        Days that the run's parameters declare for the kind of data.
    evidence : tuple of str
        Ids of the answers that it rests on.
    unseen : bool
        The kit could not see how long it is.
    """

    data: str
    region: str
    resource: str
    seen: str
    days: int | None
    declared: int | None
    evidence: tuple[str, ...]
    unseen: bool = False

    @property
    def rank(self) -> int:
        """Return its place from 0: not seen, erased by no rule, later than declared, or in time."""
        if self.unseen:
            return 0
        if self.days is None:
            return 1
        return 2 if self.declared is not None and self.days > self.declared else 3


def kept(tables: Tables) -> list[Kept]:
    """Return how long buckets, copies of buckets, trails and event data stores keep what they hold."""
    return [
        *_of(tables, "buckets", "purpose", "kept_days", "kept_until"),
        *_backups(tables["buckets"]),
        *_copies(tables),
        *_of(tables, "screenshots", "", "kept_days", ""),
        *_of(tables, "recorders", "kind", "log_days", "log_until"),
    ]


def retention(tables: Tables) -> Table:
    """Return the table of retention: kind of data, place, days seen, days declared."""
    every = kept(tables)
    listed = first_of_each([one.data for one in every], _PDF_KIND, [one.rank for one in every])
    left = len(every) - len(listed)
    cut = text("report/retention/cut", count=left, rows=len(every), listed=_PDF_KIND)
    return Table(
        "retention",
        text("report/retention/caption"),
        [
            column("data"),
            column("region", "code"),
            column("resource", "code"),
            column("kept"),
            column("days_seen", "number"),
            column("days_declared", "number"),
            column("evidence", "evidence", 4),
        ],
        [
            [
                *(one.data, one.region, one.resource, one.seen, one.days, one.declared),
                list(one.evidence),
            ]
            for one in every
        ],
        listed=listed if left else None,
        cut=cut if left else None,
        empty=text("report/retention/empty"),
    )


def _of(tables: Tables, name: str, kind: str, days: str, until: str) -> Iterator[Kept]:
    table, declared = tables[name], tables.snapshot.run.retention_days
    for row, values in table.rows.items():
        data = _data(values, kind)
        yield Kept(
            shown(data),
            values["region"],
            values["resource"],
            _period(table, row, values, days, until),
            None if (row, days) in table.gap_at else values[days],
            declared.get(_PARAMETER[data]) if data in _PARAMETER else None,
            tuple(evidence_ids(_refs(table, row, days, _FOLDERS))),
            (row, days) in table.gap_at,
        )
    for entry in table.covered:
        if entry.trouble:
            why = not_seen(entry.trouble)
            ids = tuple(evidence_ids(entry.evidence))
            yield Kept(table.spec.noun, entry.region, "", why, None, None, ids, True)


def _backups(buckets: Built) -> Iterator[Kept]:
    """Yield the copies of buckets that AWS Backup has, or may have; how long is not among answers."""
    for row, values in buckets.rows.items():
        gap = buckets.gap_at.get((row, _BACKUP))
        if gap or values[_BACKUP]:
            yield Kept(
                text("report/retention/backup", data=shown(values["purpose"])),
                values["region"],
                values["resource"],
                not_seen(gap) if gap else text("report/retention/backup_unread"),
                None,
                None,
                tuple(evidence_ids(buckets.refs[row, _BACKUP])),
                unseen=True,
            )


def _copies(tables: Tables) -> Iterator[Kept]:
    """Yield the buckets to which S3 copies others; the kit reads no rule of these.

    A bucket in scope has a row of its own.
    """
    places = tables["places"]
    own = {values["resource"] for values in tables["buckets"].rows.values()}
    for row, values in places.rows.items():
        data = text("report/retention/copies", data=shown(values["holds"]))
        refs = tuple(evidence_ids(places.refs[row, _COPIES]))
        if gap := places.gap_at.get((row, _COPIES)):
            yield Kept(
                data,
                values["place"] or text("report/not_seen"),
                *(values["resource"], not_seen(gap), None, None),
                evidence=refs,
                unseen=True,
            )
            continue
        for bucket, region in values[_COPIES].items():
            if bucket not in own:
                why = text("report/retention/copies_unread", source=values["resource"])
                yield Kept(data, region, bucket, why, None, None, refs, unseen=True)


def _refs(table: Built, row: str, *members: str) -> Iterator[str]:
    for member in members:
        if member in table.spec.columns:
            yield from table.refs[row, member]


def _data(values: dict[str, Any], kind: str) -> str:
    if not kind:
        return SCREENSHOTS
    return STORE if values[kind] == STORE else TRAILS if kind == "kind" else values[kind]


def _period(table: Built, row: str, values: dict[str, Any], days: str, until: str) -> str:
    if gap := table.gap_at.get((row, days)):
        return not_seen(gap)
    if values[days] is not None:
        return text("report/retention/days", count=values[days])
    if until and values[until]:
        return text("report/retention/until", day=values[until])
    if folders := values.get(_FOLDERS):
        each = [
            text("report/retention/folder", folder=folder, count=count)
            for folder, count in folders.items()
        ]
        return text("report/retention/rest", folders="; ".join(each))
    return text("report/retention/never")
