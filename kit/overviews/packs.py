"""Sealed packs as overviews read them.

An overview reads only ``bag-info.txt`` and ``data/findings.csv``, and only where their digests
are the manifest's. It sends no request to AWS.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from kit.bag import INFO, MANIFEST, TAG_MANIFEST
from kit.catalogue.statuses import STATUSES
from kit.controls import ROLL_UPS
from kit.errors import UserError
from kit.pack.tabular import read_findings_csv

FINDINGS = "data/findings.csv"


@dataclass(frozen=True)
class SealedPack:
    """A pack in a folder.

    Attributes
    ----------
    folder : Path
        The bag: the folder that has ``bag-info.txt`` in it.
    info : dict of str to str
        The values of ``bag-info.txt`` by label.
    """

    folder: Path
    info: dict[str, str]

    @property
    def account(self) -> str:
        """The account's 12 digits; empty for a pack of many accounts."""
        return self.info.get("Account", "")

    @property
    def as_of(self) -> dt.datetime:
        """When its evidence was collected, UTC."""
        return dt.datetime.fromisoformat(self.info["Evidence-As-Of"])

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {**_manifest(self.folder / MANIFEST), **_manifest(self.folder / TAG_MANIFEST)}

    @property
    def stamp(self) -> str:
        """The stamp on every page where the answers did not come from AWS; else empty."""
        return self.info.get("Stamp", "none").removeprefix("none")

    def read(self, name: str) -> bytes:
        """Return a file's content where its digest is the manifest's.

        Raises
        ------
        UserError
            The file is missing, the manifest does not list it, or the digests differ.
        """
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{self.folder / name}: cannot be read ({error.strerror})") from None
        computed, stated = hashlib.sha256(content).hexdigest(), self._digests.get(name)
        if computed != stated:
            manifest = f"the manifest says {stated}" if stated else "the manifest does not list it"
            raise UserError(
                f"{self.folder / name}: its SHA-256 is {computed}, {manifest}; "
                f"`evidence verify {self.folder}` reports every difference"
            )
        return content

    def read_leaves(self, columns: list[str]) -> pd.DataFrame:
        """Return members of each `kit.judge.findings.Finding`, a row each, without roll-ups.

        Raises
        ------
        UserError
            As `read`, or the file is not a table of findings.
        """
        try:
            records = read_findings_csv(self.read(FINDINGS))
        except ValueError as error:
            raise UserError(
                f"{self.folder / FINDINGS}: is not a table of findings: {error}"
            ) from None
        unknown = {record["status"] for record in records} - STATUSES.keys()
        if unknown:
            raise UserError(
                f"{self.folder / FINDINGS}: status {min(unknown)!r} is not one of "
                f"{', '.join(STATUSES)}"
            )
        # In earlier packs the subject does not distinguish roll-ups.
        leaves = [record for record in records if record["control"] not in ROLL_UPS]
        return pd.DataFrame(leaves, columns=columns, dtype=object)


def open_pack(folder: Path | str) -> SealedPack:
    """Open a pack.

    Parameters
    ----------
    folder : Path
        The bag itself, or the folder of a run that has it in ``pack``.

    Raises
    ------
    UserError
        The folder holds no pack, or the pack has no date or another digest than its manifest.
    """
    folder = Path(folder)
    bag = next((at for at in (folder, folder / "pack") if (at / INFO).is_file()), None)
    if bag is None:
        raise UserError(f"{folder}: holds no pack; name the folder that has {INFO} in it")
    lines = SealedPack(bag, {}).read(INFO).decode("utf-8", "replace").splitlines()
    pairs = (line.partition(": ") for line in lines)
    pack = SealedPack(bag, {name: value for name, _, value in pairs})
    try:
        pack.as_of  # noqa: B018
    except (KeyError, ValueError):
        raise UserError(f"{bag / INFO}: Evidence-As-Of is not the time of a pack") from None
    return pack


def find_packs(folder: Path | str) -> list[SealedPack]:
    """Open every pack of an account below a folder, the oldest first.

    Raises
    ------
    UserError
        The folder holds no pack.
    """
    folder = Path(folder)
    places = [folder] if (folder / INFO).is_file() else _bags(folder)
    packs = [pack for pack in map(open_pack, places) if pack.account]
    packs.sort(key=lambda pack: (pack.as_of, str(pack.folder)))
    if not packs:
        raise UserError(f"{folder}: no pack lies below it; `evidence run` and `batch` make them")
    return packs


def latest(packs: Iterable[SealedPack]) -> dict[str, SealedPack]:
    """Return the newest pack of each account, by account id."""
    newest = {pack.account: pack for pack in sorted(packs, key=lambda pack: pack.as_of)}
    return {account: newest[account] for account in sorted(newest)}


def stamp_of(packs: Iterable[SealedPack]) -> str:
    """Return the stamp of documents made from packs; empty where all answers came from AWS."""
    return "; ".join(sorted({pack.stamp for pack in packs} - {""}))


def _bags(folder: Path) -> Iterator[Path]:
    """Yield bags down to the depth of ``outputs/<account>/<run>/pack``."""
    for pattern in ("*", "*/pack", "*/*/pack"):
        for info in folder.glob(f"{pattern}/{INFO}"):
            yield info.parent


def _manifest(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
