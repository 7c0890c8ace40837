"""What ``bag-info.txt`` of an account's pack states."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from kit.bag import SIGNATURE, TIMESTAMP
from kit.maker import agent, lock
from kit.pack.levels import LEVELS
from kit.snapshot import Snapshot, digest

if TYPE_CHECKING:
    from kit.pack.keys import SigningKey

AGENT, LOCK = "Bag-Software-Agent", "Bag-Software-Lock"
OWN_NOTEBOOK, OWN_CONTROLS = "Own-Notebook-SHA-256", "Own-Controls"
REGIONS, WITHOUT = "Regions", "Without-Services"  # what the run covers, and leaves out
# What ``bag-info.txt`` of a pack or an overview may state.
LABELS = {
    *("Account", "Bagging-Date", AGENT, LOCK, "Evidence-As-Of", "External-Description", REGIONS),
    *("External-Identifier", "Findings-SHA-256", "Payload-Oxum", "Pseudonym-Key", "Signature"),
    *("Snapshot-SHA-256", "Stamp", "Thresholds", OWN_NOTEBOOK, OWN_CONTROLS),
    WITHOUT,
}
_PACKS = uuid.UUID("1e782e2f-592b-40ce-83ce-4b1e73cfb7f0")  # namespace of packs' identifiers


def bag_info(
    stored: Snapshot,
    findings: str,
    key: SigningKey | None = None,
    own: str = "",
    controls: str = "",
) -> dict[str, str]:
    """Return labels and values of a pack's ``bag-info.txt``.

    Parameters
    ----------
    stored : Snapshot
    findings : str
        Digest of the findings.
    key : SigningKey, optional
        What signs it.
    own : str
        SHA-256 of the notebook of an analyst's own cells; empty for none.
    controls : str
        Name, version and digest of each set of own controls; empty for none.
    """
    return {
        **made_info(
            description(stored.account),
            identifier(agent(), stored.digest, findings, own, controls),
            stored.as_of,
            stored.stamp or "",
        ),
        "Account": stored.account,
        "Findings-SHA-256": findings,
        "Pseudonym-Key": stored.header["pseudonym_key"],
        "Signature": _signatures(key),
        "Snapshot-SHA-256": stored.digest,
        "Thresholds": f"{stored.profile.name} {digest(stored.header['profile'])}",
        **scope_info(stored.regions, stored.run.without_services),
        **({OWN_NOTEBOOK: own} if own else {}),
        **({OWN_CONTROLS: controls} if controls else {}),
    }


def scope_info(regions: Iterable[str], without_services: Iterable[str]) -> dict[str, str]:
    """Return the labels of a run's scope: its regions, and the services that it leaves out."""
    return {
        name: ", ".join(sorted(names)) or "none"
        for name, names in ((REGIONS, regions), (WITHOUT, without_services))
    }


def scope_of(info: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the regions of a run, and the services left out; empty where none are recorded.

    Earlier kits recorded neither.
    """
    return {
        kind: {*info[label].split(", ")} - {"none"}
        for kind, label in (("regions", REGIONS), ("services", WITHOUT))
        if label in info
    }


def made_info(title: str, urn: str, as_of: dt.datetime, stamp: str) -> dict[str, str]:
    """Return the labels that packs and overviews share: what it is, as of when, made with what."""
    return {
        AGENT: agent(),
        LOCK: lock(),
        "Evidence-As-Of": as_of.isoformat(),
        "External-Description": title,
        "External-Identifier": urn,
        "Signature": "none",
        "Stamp": stamp or "none",
    }


def description(account: str) -> str:
    """Return the pack's ``External-Description``."""
    return f"GDPR evidence pack, Amazon AppStream 2.0, account {account}"


def organisation_description(accounts: int) -> str:
    """Return the ``External-Description`` of an organisation's overview."""
    counted = f"{accounts} account{'' if accounts == 1 else 's'}"
    return f"GDPR evidence of {counted}, Amazon AppStream 2.0"


def identifier(made_with: str, snapshot: str, findings: str, *own: str) -> str:
    """Return the pack's ``External-Identifier``: of the kit's version and of the digests."""
    version = made_with.removeprefix("appstream-evidence-kit ")
    return uuid.uuid5(_PACKS, " ".join(filter(None, (version, snapshot, findings, *own)))).urn


def _signatures(key: SigningKey | None) -> str:
    if not key:
        return "none"
    stamped = f", RFC 3161 {TIMESTAMP}" if key.timestamper else ""
    return f"CMS {SIGNATURE}, PAdES data/evidence.pdf{stamped}, level {key.level}"


def stated_level(info: Mapping[str, str]) -> str:
    """Return the level that ``bag-info.txt`` states of a pack's signatures; empty for none."""
    level = info.get("Signature", "").rpartition(", level ")[2]
    return level if level in LEVELS else ""
