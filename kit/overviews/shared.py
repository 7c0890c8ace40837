"""What the views of both overviews share: the first page and the table of packs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from kit.catalogue.texts import located, text
from kit.overviews.packs import SealedPack, stamp_of
from kit.report.formats import signature
from kit.report.views import Cover, Table, column, first_of


def cover_of(
    overview: str,
    packs: Sequence[SealedPack],
    accounts: Sequence[str],
    facts: list[tuple[str, str]],
    as_of: dt.datetime,
    paper: str = "A4",
) -> Cover:
    """Return the first page of an overview.

    Parameters
    ----------
    overview : {"organisation", "changes"}
    packs : sequence of SealedPack
        All packs that it is made from.
    accounts : sequence of str
        The accounts that it is about.
    facts : list of (str, str)
        Its own; whether anybody signed it is added.
    as_of : datetime
    paper : str
        As `Cover` has it.
    """
    subtitle = (
        text("report/cover/subtitle", account=accounts[0])
        if len(accounts) == 1
        else text("report/organisation/subtitle", count=len(accounts))
    )
    unsigned = (text("report/cover/facts/signature"), text("report/organisation/unsigned"))
    return Cover(
        title=text(f"report/{overview}/title"),
        subtitle=subtitle,
        facts=[*facts, unsigned],
        as_of=as_of.isoformat(),
        stamp=stamp_of(packs) or None,
        marks=[text("report/cover/unsigned")],
        paper=paper,
        language=located(),
    )


def sealed(caption: str, sides: Mapping[str, Sequence[SealedPack]], most: int, file: str) -> Table:
    """Return the packs of an overview, with signature and digests.

    Parameters
    ----------
    caption : str
    sides : mapping of str to sequence of SealedPack
        By the name of their audit, which a column has where there are several.
    most, file : int, str
        Rows that the PDF lists, and the file that has all.
    """
    rows: list[list[Any]] = [
        [
            name,
            pack.account,
            pack.as_of.isoformat(),
            signature(pack.signature),
            pack.info["Snapshot-SHA-256"],
            pack.info["Findings-SHA-256"],
        ]
        for name, packs in sides.items()
        for pack in packs
    ]
    columns = [
        column("audit"),
        column("account", "code"),
        column("as_of", "datetime"),
        column("signature"),
        column("snapshot_sha256", "code"),
        column("findings_sha256", "code"),
    ]
    left = 1 if len(sides) == 1 else 0
    return Table(
        "packs",
        caption,
        columns[left:],
        [row[left:] for row in rows],
        **first_of(rows, most, file),
    )
