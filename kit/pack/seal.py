"""A pack is made from a snapshot, never from a notebook file that somebody may have edited."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from kit.errors import UserError
from kit.pack.bag import write_bag
from kit.pack.document import document, findings_data
from kit.pack.execute import execute
from kit.pack.html import page
from kit.pack.oscal import oscal
from kit.pack.pdf import pdf
from kit.pack.tabular import findings_csv, findings_parquet
from kit.pack.workbook import workbook
from kit.pseudonyms import open_labels
from kit.snapshot import Snapshot, digest, read

NOTEBOOK = "evidence_pack.ipynb"
_PACKS = uuid.UUID("1e782e2f-592b-40ce-83ce-4b1e73cfb7f0")  # namespace of packs' identifiers


@dataclass(frozen=True)
class Pack:
    """A sealed pack.

    Attributes
    ----------
    folder : Path
    findings : list of dict
        As in ``data/findings.csv``.
    digest : str
        Of the findings.
    exit_code : int
        0 nothing open, 3 fails, 4 evidence missing.
    """

    folder: Path
    findings: list[dict[str, Any]]
    digest: str
    exit_code: int


def seal(snapshot: Path, to: Path | None = None, *, progress: bool = True) -> Pack:
    """Execute the notebook afresh and offline on a snapshot, render that, and store the pack.

    Parameters
    ----------
    snapshot : Path
        Folder of a stored snapshot.
    to : Path, optional
        Where the pack goes; by default ``pack`` beside the snapshot.
    progress : bool
        Whether a bar is drawn on standard error.

    Returns
    -------
    Pack

    Raises
    ------
    UserError
        No snapshot there, a changed one, no key for its labels, or a pack that exists already.
    CannotRunError
        The notebook failed, or the pack cannot be written.
    """
    stored = read(snapshot)
    open_labels(stored.run, stored.header["pseudonym_key"])
    folder = to or snapshot.parent / "pack"
    if folder.exists():
        raise UserError(f"{folder} exists already; a pack is sealed once: name another with --to")
    executed = execute(NOTEBOOK, {"snapshot": str(snapshot.resolve())}, progress=progress)
    data = findings_data(executed)
    write_bag(
        folder,
        files(executed, stored),
        bag_info(stored, data["facts"]["digest"]),
        stored.as_of,
        private=not stored.run.pseudonymise,
    )
    return Pack(folder, data["records"], data["facts"]["digest"], data["facts"]["exit_code"])


def files(executed: NotebookNode, stored: Snapshot) -> Iterator[tuple[str, bytes]]:
    """Yield the name below ``data/`` and the content of each file of a pack.

    Parameters
    ----------
    executed : NotebookNode
        The evidence notebook with its outputs.
    stored : Snapshot
        That it was executed on.
    """
    made, data = document(executed), findings_data(executed)
    yield "evidence.html", page(made).encode()
    yield "evidence.pdf", pdf(made)
    yield "findings.csv", findings_csv(data)
    yield "findings.parquet", findings_parquet(data)
    yield "findings.xlsx", workbook(made, data)
    yield "oscal-assessment-results.json", oscal(made, data)


def bag_info(stored: Snapshot, findings: str) -> dict[str, str]:
    """Return what ``bag-info.txt`` says of the pack.

    Parameters
    ----------
    stored : Snapshot
    findings : str
        Digest of the findings.
    """
    kit, account = version("appstream-evidence-kit"), stored.account
    made_of = f"{kit} {stored.digest} {findings}"
    return {
        "Account": account,
        "Bag-Software-Agent": f"appstream-evidence-kit {kit}",
        "Evidence-As-Of": stored.as_of.isoformat(),
        "External-Description": f"GDPR evidence pack, Amazon AppStream 2.0, account {account}",
        "External-Identifier": uuid.uuid5(_PACKS, made_of).urn,
        "Findings-SHA-256": findings,
        "Pseudonym-Key": stored.header["pseudonym_key"],
        "Signature": "none",
        "Snapshot-SHA-256": stored.digest,
        "Stamp": stored.stamp or "none",
        "Thresholds": f"{stored.profile.name} {digest(stored.header['profile'])}",
    }
