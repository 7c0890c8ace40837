"""Where every account of an organisation stands, from its sealed packs alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kit.catalogue.statuses import STATUSES, WORST_FIRST
from kit.controls import CONTROLS, SECTIONS
from kit.overviews.packs import SealedPack, find_packs, latest, roots_of

_RANK = {status: rank for rank, status in enumerate(WORST_FIRST)}


@dataclass(frozen=True)
class Organisation:
    """Many accounts in a few tables; their packs hold the rest.

    Attributes
    ----------
    packs : dict of str to SealedPack
        The newest pack of each account, by account id.
    missing : list of str
        Accounts that were expected and have no pack.
    counts : DataFrame
        A row for each account, a column for each status: how many findings, roll-ups left out.
    verdicts : DataFrame of str
        A row for each account, a column for each control: the worst status; "" where the control
        was not looked at.
    open : DataFrame
        ``account``, ``control``, ``status``, ``reason``, ``operation``, ``code`` and ``count``
        (int): what fails or is not evidenced, alike findings counted together.
    unknown : list of str
        Controls in packs that this kit does not know.
    """

    packs: dict[str, SealedPack]
    missing: list[str]
    counts: pd.DataFrame
    verdicts: pd.DataFrame
    open: pd.DataFrame
    unknown: list[str]

    @property
    def as_of(self) -> dt.datetime:
        """When the newest evidence was collected: the only clock here."""
        return max(pack.as_of for pack in self.packs.values())


def roll_up(
    packs: Path | str | Iterable[SealedPack], expected: Sequence[str] = (), trust: str = ""
) -> Organisation:
    """Read the newest pack of each account, one after another, and add them up.

    Parameters
    ----------
    packs : Path, or iterable of SealedPack
        A folder below which packs lie, or packs.
    expected : sequence of str
        Accounts that should have a pack; none if it is not known.
    trust : str
        PEM file of the certificates below which a signer is trusted; empty to read unsigned
        packs too.

    Raises
    ------
    UserError
        No pack.
    NotAsStatedError
        A pack is not what it states, or nobody signed it whom the reader trusts.
    """
    found = find_packs(packs, roots_of(trust)) if isinstance(packs, str | Path) else packs
    newest = latest(found)
    counts, verdicts, open_ = {}, {}, []
    for account, pack in newest.items():
        leaves = pack.read_leaves(["control", "status", *_WHY])
        counts[account] = leaves["status"].value_counts()
        verdicts[account] = worst_by(leaves, ["control"])
        some = leaves[leaves["status"].map(lambda status: STATUSES[status].open)]
        alike = some.groupby(["control", "status", *_WHY], dropna=False, as_index=False).size()
        open_.append(alike.assign(account=account))
    table = pd.concat(open_, ignore_index=True).rename(columns={"size": "count"})
    seen = pd.DataFrame.from_dict(verdicts, orient="index").fillna("")
    known = sorted(CONTROLS.keys() & set(seen.columns), key=_place)
    return Organisation(
        newest,
        sorted(set(expected) - newest.keys()),
        _by_status(counts),
        seen[known],
        table,
        sorted(set(seen.columns) - set(known)),
    )


def worst_by(findings: pd.DataFrame, by: list[str]) -> pd.Series:
    """Return the worst status of each group of findings."""
    ranks = findings["status"].map(_RANK).groupby([findings[name] for name in by]).min()
    return ranks.map(dict(enumerate(WORST_FIRST)))


def _place(name: str) -> tuple[int, str]:
    """Sort controls by section, in the order of the document, and by number."""
    return (list(SECTIONS).index(CONTROLS[name].section), name)


_WHY = ["reason", "operation", "code"]


def _by_status(counts: dict[str, pd.Series]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(counts, orient="index")
    return table.reindex(columns=list(WORST_FIRST)).fillna(0).astype(int)
