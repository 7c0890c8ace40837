"""The changes between two audits of an account or of an organisation."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kit.catalogue.texts import text
from kit.errors import NotAsStatedError, UserError
from kit.judge.ageing import CHANGES, Verdict, change
from kit.judge.digest import RESOURCE, places_of
from kit.judge.findings import open_rows
from kit.overviews.packs import SealedPack, find_packs, latest, open_pack, roots_of
from kit.pack.info import scope_of
from kit.terminal import typed

if TYPE_CHECKING:
    from kit.verify.judged import Roots

KEY = ["account", "control", "region", "resource", "part"]
_NAMED = 10  # accounts that a remark names
_PROSE = ("reason", "operation", "observed", "expected", "observed_values")
_SCOPE = ("regions", "controls", "services")
_PLACE = [*KEY[:4], "subject", "status", "observed_values"]
_READ = [*KEY[:4], "subject", "status", *_PROSE]


@dataclass(frozen=True)
class Changes:
    """Two audits side by side.

    Attributes
    ----------
    before, after : list of SealedPack
        A pack of an account, or the newest pack of each account of an organisation.
    rows : DataFrame
        ``account``, ``control``, ``region``, ``resource``, ``part`` (of the resource, as
        `kit.judge.digest.places_of` returns it), ``change`` (one of `CHANGES`),
        ``status_before``, ``status_after``, ``reason_before``, ``reason_after``,
        ``operation_before``, ``operation_after``, ``observed_before``, ``observed_after`` and ``since`` (ISO time of the first pack in which an
        open point has been open without a break).
    appeared, gone : DataFrame
        ``account``, ``region``, ``resource``: resources that only the later audit has, and
        resources that only the earlier audit has.
    same : int
        Rows that did not change and are not open.
    remarks : list of str
        Reasons why the two are hard to compare, such as other regions in scope.
    """

    before: list[SealedPack]
    after: list[SealedPack]
    rows: pd.DataFrame
    appeared: pd.DataFrame
    gone: pd.DataFrame
    same: int
    remarks: list[str] = field(default_factory=list)

    @property
    def as_of(self) -> dt.datetime:
        """When the later evidence was collected; the comparison reads no other clock."""
        return max(pack.as_of for pack in self.after)

    def count(self, change: str) -> int:
        """Return how many rows have a change."""
        return int((self.rows["change"] == change).sum())


def audits(
    earlier: Path | str, later: Path | str = "", roots: Roots = ()
) -> tuple[list[SealedPack], ...]:
    """Open the packs of two audits: a pack each, or the newest pack of each account in a folder.

    Parameters
    ----------
    earlier, later : Path
        Without `later`, the last two packs of each account below `earlier`.
    roots : sequence of certificates
        Whom the reader trusts to sign; empty where unsigned packs are read too.

    Returns
    -------
    before, after, history : list of SealedPack
        ``history`` holds every pack below `earlier` and `later`, and beside a single pack's run.

    Raises
    ------
    UserError
        No pack exists, or no account has two.
    """
    if not later:
        packs = find_packs(earlier, roots)
        newest = latest(packs)
        before = latest(pack for pack in packs if pack is not newest.get(pack.account))
        if not before:
            raise UserError(
                f"{earlier}: no account below it has two packs to compare; name an earlier and a later "
                "pack, or a folder with both below it"
            )
        return list(before.values()), [newest[account] for account in before], packs
    sides = [_audit(place, roots) for place in (earlier, later)]
    return list(sides[0].values()), list(sides[1].values()), [*_history(sides, roots)]


def refuse_other_keys(
    before: Iterable[SealedPack],
    after: Iterable[SealedPack],
    history: Iterable[SealedPack] = (),
) -> None:
    """Refuse packs of an account whose labels were made with different keys.

    The same resource has another label in each, so that every finding would be gone and new.

    Parameters
    ----------
    before, after, history : iterable of SealedPack
        As `audits` returns them: the message names two of an account that can be compared.

    Raises
    ------
    UserError
    """
    earlier, history = {pack.account: pack for pack in before}, list(history)
    for pack in after:
        other = earlier.get(pack.account, pack)
        if _key(other) != _key(pack):
            pair = _last_of_one_key(p for p in (*history, other, pack) if p.account == pack.account)
            way = (
                "no two packs of the account have the same key: collect it again with one of these "
            )
            way += "keys (pseudonym_key, or controller as it was spelt)"
            if pair:
                way = f"{_command(pair)} compares the last two of the same key"
            raise UserError(
                f"account {pack.account}: the labels of {pack.folder} were made with the key "
                f"{_key(pack)}, those of {other.folder} with {_key(other)}; {way}; "
                f"{_command((other, pack), '--other-keys')} compares these two all the same"
            )


def _key(pack: SealedPack) -> str:
    return pack.info.get("Pseudonym-Key", "")


def _last_of_one_key(packs: Iterable[SealedPack]) -> tuple[SealedPack, ...]:
    """Return the two newest packs with labels of the same key; none where there are no two."""
    last: dict[str, SealedPack] = {}
    pair: tuple[SealedPack, ...] = ()
    for pack in sorted({p.folder.resolve(): p for p in packs}.values(), key=lambda p: p.as_of):
        if _key(pack) in last:
            pair = (last[_key(pack)], pack)
        last[_key(pack)] = pack
    return pair


def _command(packs: Iterable[SealedPack], *options: str) -> str:
    """Return the command that compares two packs, to copy."""
    words = ("compare", *options, *(str(pack.folder) for pack in packs))
    return f"`{typed()} {shlex.join(words)}`"


def _audit(place: Path | str, roots: Roots) -> dict[str, SealedPack]:
    try:
        pack = open_pack(place, roots)
    except NotAsStatedError:
        raise
    except UserError:
        return latest(find_packs(place, roots))
    return {pack.account: pack}


def _history(sides: list[dict[str, SealedPack]], roots: Roots) -> Iterator[SealedPack]:
    """Yield packs of the later audit's accounts beside its packs, no newer than these."""
    for account, pack in sides[1].items():
        beside = pack.folder.parent.parent  # outputs/<account>
        if beside.name == account:
            for other in find_packs(beside, roots):
                if other.account == account and other.as_of <= pack.as_of:
                    yield other


def compare(earlier: Path | str, later: Path | str = "", trust: str = "") -> Changes:
    """Compare the packs of two audits; see `audits` for the parameters.

    Parameters
    ----------
    earlier, later : Path
    trust : str
        PEM file of the certificates below which a signer is trusted; empty to read unsigned
        packs too.

    Raises
    ------
    UserError
        As `audits` and `compare_packs`.
    """
    return compare_packs(*audits(earlier, later, roots_of(trust)))


def compare_packs(
    before: Iterable[SealedPack],
    after: Iterable[SealedPack],
    history: Iterable[SealedPack] = (),
) -> Changes:
    """Compare two audits.

    Parameters
    ----------
    before, after : iterable of SealedPack
        A pack each, or a pack of each account.
    history : iterable of SealedPack
        Older packs, and packs between the two: they show since when a point has been open.

    Raises
    ------
    UserError
        The two have no account in common, or `after` is not the later one.
    """
    before, after = list(before), list(after)
    shared = {pack.account for pack in before} & {pack.account for pack in after}
    if not shared:
        names = [", ".join(sorted(p.account for p in packs)[:3]) for packs in (before, after)]
        raise UserError(f"the packs have no account in common: {names[0]} and {names[1]}")
    if max(p.as_of for p in after) < max(p.as_of for p in before):
        raise UserError(
            f"the second pack ({after[0].folder}) is the earlier pack; name the earlier pack first"
        )
    leaves = [_leaves(p for p in packs if p.account in shared) for packs in (before, after)]
    old, new = map(_table, leaves)
    both = old.join(new, how="outer", suffixes=("_before", "_after")).reset_index()
    sides = [_verdicts(both, side) for side in ("before", "after")]
    both["change"] = [change(*pair) for pair in zip(*sides, strict=True)]
    since = since_open([*history, *before, *after])
    still = both["change"].isin(("newly open", "still open", "evidence lost"))
    keys = both[KEY].itertuples(index=False, name=None)
    both["since"] = [
        since.get(key, "") if is_still else "" for key, is_still in zip(keys, still, strict=True)
    ]
    rows = both[both["change"] != ""]
    text = [name for name in both if name not in ("open_before", "open_after")]
    rows = (
        rows[text]
        .fillna("")
        .sort_values(
            ["change", *KEY],
            key=lambda column: column.map(_ORDER) if column.name == "change" else column,
        )
    )
    places = [_places(packs) for packs in (old, new)]
    return Changes(
        before,
        after,
        rows.reset_index(drop=True),
        _only(places[1], places[0]),
        _only(places[0], places[1]),
        int((both["change"] == "").sum()),
        [*_remarks(before, after, shared), *_scopes(old, new, before, after)],
    )


_ORDER = {change: rank for rank, change in enumerate(CHANGES)}


def _leaves(packs: Iterable[SealedPack]) -> pd.DataFrame:
    """Return the findings of packs, without roll-ups."""
    return pd.concat([pack.read_leaves(_READ) for pack in packs], ignore_index=True)


def _verdicts(both: pd.DataFrame, side: str) -> list[Verdict | None]:
    """Return an audit's verdict in each row; None where it has nothing there."""
    names = [f"{name}_{side}" for name in ("status", "observed_values", "reason")]
    rows = both[names].astype(object).where(both[names].notna(), "").itertuples(index=False)
    return [Verdict(*row) if row[0] else None for row in rows]


def _table(leaves: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each finding, by its place."""
    # Packs of an earlier form have neither subjects nor values.
    known = leaves[_PLACE].fillna({"subject": RESOURCE, "observed_values": ""})
    rows = known.itertuples(index=False, name=None)
    places = places_of(dict(zip(_PLACE, row, strict=True)) for row in rows)
    return leaves[["status", *_PROSE]].set_index(pd.MultiIndex.from_tuples(places, names=KEY))


def _places(table: pd.DataFrame) -> pd.DataFrame:
    """Return the account, region and resource of rows, each once."""
    places = table.index.to_frame(index=False)[["account", "region", "resource"]]
    return places.drop_duplicates()


def _only(some: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    merged = some.merge(others, how="left", indicator=True)
    return merged[merged["_merge"] == "left_only"].drop(columns="_merge").reset_index(drop=True)


def verdicts(pack: SealedPack) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield control, region, resource and part of a pack's findings, and the status."""
    for (_, *place), status in _table(_leaves([pack]))["status"].items():
        yield tuple(place), status


def since_open(packs: Iterable[SealedPack]) -> dict[tuple[str, ...], str]:
    """Return since when each point has been open without a break, up to the newest pack.

    The keys are places, as `kit.judge.digest.places_of` returns them.
    """
    unique = {pack.folder.resolve(): pack for pack in packs}.values()
    since: dict[tuple[str, ...], str] = {}
    accounts: dict[str, list[SealedPack]] = {}
    for pack in sorted(unique, key=lambda pack: pack.as_of):
        accounts.setdefault(pack.account, []).append(pack)
    for in_order in accounts.values():
        running: dict[tuple[str, ...], str] = {}
        for pack in in_order:
            table = _table(_leaves([pack]))
            open_ = table[open_rows(table)]
            running = {key: running.get(key, pack.as_of.isoformat()) for key in open_.index}
        since |= running
    return since


def _remarks(before: list[SealedPack], after: list[SealedPack], shared: set[str]) -> list[str]:
    """Return why two audits are hard to compare, a sentence for each reason."""
    remarks = []
    old = {pack.account: pack.info for pack in before}
    new = {pack.account: pack.info for pack in after}
    for name in ("Pseudonym-Key", "Thresholds", "Bag-Software-Agent"):
        differ = sorted(a for a in shared if old[a].get(name) != new[a].get(name))
        if differ:
            names = _first(differ)
            remarks.append(text(f"report/changes/remarks/{name}", count=len(differ), names=names))
    for side, packs, others in (("before", old, new), ("after", new, old)):
        alone = sorted(packs.keys() - others.keys())
        if alone:
            names = _first(alone)
            remarks.append(text(f"report/changes/remarks/{side}", count=len(alone), names=names))
    return remarks


def _scopes(
    old: pd.DataFrame, new: pd.DataFrame, before: list[SealedPack], after: list[SealedPack]
) -> list[str]:
    """Return what only one of two audits covers, a sentence for the accounts with the same."""
    scopes = [_scope_by_account(*side) for side in ((old, before), (new, after))]
    unrecorded: list[str] = []
    alike: dict[str, list[str]] = {}
    for account in sorted(scopes[0].keys() & scopes[1].keys()):
        earlier, later = (scope[account] for scope in scopes)
        kinds = [kind for kind in _SCOPE if kind in earlier and kind in later]
        if len(kinds) < len(_SCOPE):
            unrecorded.append(account)
        alone = [
            text(f"report/changes/scope/{kind}/{side}", count=len(only), names=_first(sorted(only)))
            for kind in kinds
            for side, only in (
                ("before", earlier[kind] - later[kind]),
                ("after", later[kind] - earlier[kind]),
            )
            if only
        ]
        if alone:
            alike.setdefault("; ".join(alone), []).append(account)
    remarks = [
        text("report/changes/remarks/scope", count=len(some), names=_first(some), alone=alone)
        for alone, some in alike.items()
    ]
    if unrecorded:
        names, count = _first(unrecorded), len(unrecorded)
        remarks.append(text("report/changes/remarks/unrecorded", count=count, names=names))
    return remarks


def _scope_by_account(
    table: pd.DataFrame, packs: Iterable[SealedPack]
) -> dict[str, dict[str, set[str]]]:
    """Return the controls with findings of each account, and what its pack records of its scope.

    Every control in scope has a finding.
    """
    controls: dict[str, set[str]] = {}
    for account, control in table.index.droplevel(KEY[2:]).unique():
        controls.setdefault(account, set()).add(control)
    scopes = {pack.account: scope_of(pack.info) for pack in packs}
    return {account: {"controls": names, **scopes[account]} for account, names in controls.items()}


def _first(accounts: list[str]) -> str:
    more = len(accounts) - _NAMED
    rest = [text("report/more", count=more)] if more > 0 else []
    return ", ".join([*accounts[:_NAMED], *rest])
