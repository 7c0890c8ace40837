"""The verdicts of every account of an organisation, from its sealed packs alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kit.catalogue.statuses import FAIL, NOT_EVIDENCED, STATUSES, WORST_FIRST
from kit.controls import CONTROLS, SECTIONS
from kit.judge.findings import worst
from kit.overviews.packs import SealedPack, find_packs, latest, roots_of


@dataclass(frozen=True)
class Organisation:
    """The findings of many accounts, summed up in tables.

    Attributes
    ----------
    packs : dict of str to SealedPack
        The newest pack of each account, by account id.
    missing : list of str
        Expected accounts that have no pack.
    counts : DataFrame
        A row for each account, a column for each status: how many findings, without roll-ups.
    verdicts : DataFrame of str
        A row for each account, a column for each control: the worst status; "" where the pack
        has no finding of the control.
    open : DataFrame
        ``account``, ``control``, ``status``, ``reason``, ``operation``, ``code`` and ``count``
        (int): how many findings of an open status are alike.
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
        """When the newest evidence was collected; the overview reads no other clock."""
        return max(pack.as_of for pack in self.packs.values())

    @property
    def worst_first(self) -> list[str]:
        """Accounts by how many fails they have, then by how many findings lack evidence."""
        need = self.counts[[FAIL, NOT_EVIDENCED]].apply(tuple, axis=1)
        return list(need.sort_values(ascending=False, kind="stable").index)


def roll_up(
    packs: Path | str | Iterable[SealedPack], expected: Sequence[str] = (), trust: str = ""
) -> Organisation:
    """Sum up the newest pack of each account.

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
    opened = find_packs(packs, roots_of(trust)) if isinstance(packs, str | Path) else packs
    newest = latest(opened)
    counts, verdicts, open_ = {}, {}, []
    for account, pack in newest.items():
        leaves = pack.read_leaves(["control", "status", *_WHY])
        counts[account] = leaves["status"].value_counts()
        verdicts[account] = leaves.groupby("control")["status"].agg(worst)
        open_leaves = leaves[leaves["status"].map(lambda status: STATUSES[status].open)]
        alike = open_leaves.groupby(
            ["control", "status", *_WHY], dropna=False, as_index=False
        ).size()
        open_.append(alike.assign(account=account))
    table = pd.concat(open_, ignore_index=True).rename(columns={"size": "count"})
    by_control = pd.DataFrame.from_dict(verdicts, orient="index").fillna("")
    controls = sorted(CONTROLS.keys() & set(by_control.columns), key=_place)
    return Organisation(
        newest,
        sorted(set(expected) - newest.keys()),
        _by_status(counts),
        by_control[controls],
        table,
        sorted(set(by_control.columns) - set(controls)),
    )


def _place(name: str) -> tuple[int, str]:
    """Return a key that sorts controls by section, in the order of documents, and by number."""
    return (list(SECTIONS).index(CONTROLS[name].section), name)


_WHY = ["reason", "operation", "code"]


def _by_status(counts: dict[str, pd.Series]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(counts, orient="index")
    return table.reindex(columns=list(WORST_FIRST)).fillna(0).astype(int)
