"""Sealed packs as overviews read them.

The kit reads packs behind the guards of `kit.verify.contents`, and only what a pack's manifests
vouch for: the tag ``bag-info.txt`` and ``data/findings.csv``. It sends no request to AWS.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kit.bag import DECLARATION, INFO, MANIFEST, TAG_MANIFEST, bags_below, is_bag
from kit.catalogue.statuses import STATUSES
from kit.controls import ROLL_UPS
from kit.errors import NotAsStatedError, UserError
from kit.judge.digest import findings_digest
from kit.pack.tabular import EARLIER_COLUMNS, read_findings_csv
from kit.report.formats import DOWNGRADED, UNSIGNED
from kit.snapshot import MADE_AGAINST
from kit.terminal import typed

if TYPE_CHECKING:
    from kit.verify.contents import Contents
    from kit.verify.judged import Roots

FINDINGS = "data/findings.csv"
_ACCOUNT = re.compile(r"[0-9]{12}")
_PORT = re.compile(r":[0-9]+$")
_HOSTS = 3  # named in the stamp of an overview


@dataclass(frozen=True)
class SealedPack:
    """A pack in a folder.

    Attributes
    ----------
    folder : Path
        The bag: the folder that has ``bag-info.txt`` in it.
    info : dict of str to str
        What ``bag-info.txt`` states.
    signature : str
        Who signed it, with the certificate's digest and whether the reader trusts it; `UNSIGNED`
        or `DOWNGRADED`.
    """

    folder: Path
    info: dict[str, str]
    signature: str = UNSIGNED
    _contents: Contents | None = field(default=None, repr=False, compare=False)
    _vouched: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def account(self) -> str:
        """The account's 12 digits; empty for a pack of many accounts."""
        return self.info.get("Account", "")

    @property
    def as_of(self) -> dt.datetime:
        """When its evidence was collected, UTC."""
        return dt.datetime.fromisoformat(self.info["Evidence-As-Of"])

    @property
    def stamp(self) -> str:
        """What every page states where the answers did not come from AWS; else empty."""
        return self.info.get("Stamp", "none").removeprefix("none")

    def read(self, name: str) -> bytes:
        """Return a file's content, once its digest is the manifest's.

        Raises
        ------
        NotAsStatedError
            The file is missing, not listed, larger than any pack's, or not what the manifest
            states.
        """
        from kit.verify.contents import UnreadableError

        try:
            content = self._contents.read(name) if self._contents else b""
        except UnreadableError as error:
            raise _fault(self.folder, name, f"it {error}") from None
        digest, stated = hashlib.sha256(content).hexdigest(), self._vouched.get(name)
        if digest != stated:
            text = f"its SHA-256 is {digest}, the manifest states {stated or 'nothing of it'}"
            raise _fault(self.folder, name, text)
        return content

    def read_leaves(self, columns: list[str]) -> pd.DataFrame:
        """Return members of each `kit.judge.findings.Finding`, a row each, without roll-ups.

        Raises
        ------
        UserError
            As `read`, or the file is not a table of findings.
        """
        records = self._records()
        # Earlier packs give a roll-up no subject of its own.
        leaves = [record for record in records if record["control"] not in ROLL_UPS]
        return pd.DataFrame(leaves, columns=columns, dtype=object)

    def _records(self) -> list[dict[str, str]]:
        """Return the findings, which are the account's and have the digest that the pack states."""
        try:
            records = read_findings_csv(self.read(FINDINGS))
            earlier = bool(records) and list(records[0]) == EARLIER_COLUMNS
            digest = None if earlier else findings_digest(records)
        except (ValueError, RecursionError) as error:
            raise _fault(self.folder, FINDINGS, f"it is not a table of findings: {error}") from None
        for record in records:
            if record["status"] not in STATUSES:
                text = f"status {record['status']!r} is not one of {', '.join(STATUSES)}"
                raise _fault(self.folder, FINDINGS, text)
            if record["account"] != self.account:
                raise _fault(self.folder, FINDINGS, f"a finding of account {record['account']!r}")
        if digest not in (None, self.info.get("Findings-SHA-256")):
            text = f"the digest computed from it is {digest}, {INFO} states another"
            raise _fault(self.folder, FINDINGS, text)
        return records


def open_pack(folder: Path | str, roots: Roots = ()) -> SealedPack:
    """Open one pack.

    Parameters
    ----------
    folder : Path
        The bag itself, or the folder of a run that has it in ``pack``.
    roots : sequence of certificates
        Whom the reader trusts to sign; empty where unsigned packs are read too.

    Raises
    ------
    UserError
        There is no pack.
    NotAsStatedError
        It holds links or devices, its manifests do not vouch for what it states, it has no time,
        its signature does not hold, or nobody signed it whom the reader trusts.
    """
    from kit.verify.bag import check_labels, read_info, read_manifest
    from kit.verify.contents import UnreadableError, open_contents
    from kit.verify.info import instant
    from kit.verify.refused import RefusedError

    folder = Path(folder)
    bag = next((at for at in (folder, folder / "pack") if is_bag(at)), None)
    if bag is None:
        raise UserError(f"{folder}: holds no pack; name the folder that has {INFO} in it")
    try:
        with open_contents(bag) as contents:
            tags = read_manifest(contents, TAG_MANIFEST)
            for name in (DECLARATION, INFO, MANIFEST):
                SealedPack(bag, {}, "", contents, tags).read(name)
            listed = {**read_manifest(contents, MANIFEST), **tags}
            wrong = [check for check in check_labels(contents) if not check.ok]
            info = read_info(contents)
    except RefusedError as error:
        raise _fault(bag, error.name, f"it {error.message}") from None
    except (UnreadableError, ValueError) as error:
        raise _fault(bag, MANIFEST, str(error)) from None
    if wrong:
        raise _fault(bag, wrong[0].subject, wrong[0].message)
    if instant(info.get("Evidence-As-Of", "")) is None:
        raise _fault(bag, INFO, "Evidence-As-Of is not a time with its zone")
    if FINDINGS in contents.sizes or "Account" in info:
        account = info.get("Account", "none")
        if not _ACCOUNT.fullmatch(account):
            raise _fault(bag, INFO, f"Account {account!r} is not 12 digits")
    return SealedPack(bag, info, _signature(bag, contents, info, roots), contents, listed)


def find_packs(folder: Path | str, roots: Roots = ()) -> list[SealedPack]:
    """Open every pack of an account that lies below a folder, the oldest first.

    Parameters
    ----------
    folder : Path
    roots : sequence of certificates
        Whom the reader trusts to sign; empty where unsigned packs are read too.

    Raises
    ------
    UserError
        There is none.
    NotAsStatedError
        As `open_pack`.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise UserError(f"{folder}: is not a folder; accepted: a folder with packs below it")
    places = [folder] if is_bag(folder) else bags_below(folder)
    packs = [pack for place in places if (pack := _of_account(place, roots))]
    packs.sort(key=lambda pack: (pack.as_of, str(pack.folder)))
    if not packs:
        raise UserError(f"{folder}: no pack lies below it; `{typed()} run` and `batch` make them")
    signed: set[str] = set()
    for n, pack in enumerate(packs):
        if pack.signature != UNSIGNED:
            signed.add(pack.account)
        elif pack.account in signed:
            packs[n] = replace(pack, signature=DOWNGRADED)
    return packs


def roots_of(trust: Path | str | None) -> Roots:
    """Return the certificates of a PEM file; none where no file is named.

    Raises
    ------
    UserError
        The kit cannot read it, or it holds no certificate.
    """
    if not trust:
        return ()
    from kit.verify.signatures import read_roots

    return read_roots(Path(trust))


def latest(packs: Iterable[SealedPack]) -> dict[str, SealedPack]:
    """Return the newest pack of each account, by account id."""
    newest = {pack.account: pack for pack in sorted(packs, key=lambda pack: pack.as_of)}
    return {account: newest[account] for account in sorted(newest)}


def stamp_of(packs: Iterable[SealedPack]) -> str:
    """Return the stamp of documents made from packs; empty where all answers came from AWS.

    It names hosts without their ports, each once, and `_HOSTS` of them at most: every pack has
    its own stamp, with all of its endpoints.
    """
    hosts: set[str] = set()
    others: set[str] = set()
    for stamp in {pack.stamp for pack in packs} - {""}:
        named = stamp.removeprefix(MADE_AGAINST)
        if named == stamp:
            others.add(stamp)
        else:
            hosts.update(_PORT.sub("", endpoint) for endpoint in named.split(", "))
    if hosts:
        left = len(hosts) - _HOSTS
        more = f" and {left} more {'host' if left == 1 else 'hosts'}" if left > 0 else ""
        others.add(f"{MADE_AGAINST}{', '.join(sorted(hosts)[:_HOSTS])}{more}")
    return "; ".join(sorted(others))


def _of_account(place: Path, roots: Roots) -> SealedPack | None:
    """Open a pack; None for a pack of many accounts, which the kit does not sign."""
    if (pack := open_pack(place)).account:
        return open_pack(place, roots) if roots else pack
    return None


def _signature(bag: Path, contents: Contents, info: Mapping[str, str], roots: Roots) -> str:
    """Return who signed a pack's manifests.

    Raises
    ------
    NotAsStatedError
        The signature does not hold, is not the one that the pack states, or the reader does not
        trust its signer.
    """
    from kit.bag import SIGNATURE

    states = info.get("Signature", "none") != "none"
    if not states and SIGNATURE not in contents.sizes:
        if roots:
            raise _fault(bag, INFO, "the pack is unsigned; --trust wants a signature")
        return UNSIGNED
    if states != (SIGNATURE in contents.sizes):
        raise _fault(
            bag, INFO, f"Signature {info.get('Signature', 'none')} is not what the pack has"
        )
    from kit.verify.signatures import check_manifest_signature

    checks, name = check_manifest_signature(contents, info, roots)
    for check in checks:
        if not check.ok:
            raise _fault(bag, check.subject, check.message)
    return f"{name}; {'trusted' if roots else 'signer not checked'}"


def _fault(bag: Path, name: str, text: str) -> NotAsStatedError:
    return NotAsStatedError(f"{bag / name}: {text}; `{typed()} verify {bag}` lists all faults")
