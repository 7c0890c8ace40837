"""A pack is made from a snapshot, never from a notebook file that somebody may have edited."""

from __future__ import annotations

import csv
import io
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode
from traitlets.config import Config

from kit.errors import CannotRunError, UserError
from kit.findings import Finding
from kit.notebook import project
from kit.pack.document import document, findings_data
from kit.pack.html import page
from kit.pack.pdf import pdf
from kit.pseudonyms import open_labels
from kit.snapshot import read

_NOTEBOOK = "evidence_pack.ipynb"
_START_SECONDS = 120
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    executed = execute(snapshot, progress=progress)
    data, made = findings_data(executed), document(executed)
    files = {
        "evidence.html": page(made).encode(),
        "evidence.pdf": pdf(made),
        "findings.csv": _csv(data["records"]).encode(),
    }
    _store(folder, files)
    facts = data["facts"]
    return Pack(folder, data["records"], facts["digest"], facts["exit_code"])


def execute(snapshot: Path, *, progress: bool = False) -> NotebookNode:
    """Execute the evidence notebook on a stored snapshot and return it with its outputs.

    Raises
    ------
    CannotRunError
        A cell failed; the message names the error.
    """
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        executed = Path(folder) / _NOTEBOOK
        try:
            papermill.execute_notebook(
                str(project("notebooks") / _NOTEBOOK),
                str(executed),
                parameters={"snapshot": str(snapshot.resolve())},
                kernel_name="python3",
                progress_bar=progress,
                start_timeout=_START_SECONDS,
                config=_kernel_config(Path(folder)),
            )
        except papermill.PapermillExecutionError as error:
            raise CannotRunError(f"the notebook failed: {error.ename}: {error.evalue}") from None
        made: NotebookNode = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
        return made


def _kernel_config(folder: Path) -> Config:
    """Kernels talk over files (their TCP ports are not encrypted), in a folder of their own."""
    return Config(
        {
            "KernelManager": {
                "transport": "ipc",
                "ip": str(folder / "kernel"),
                "connection_file": str(folder / "kernel.json"),
            },
            # There is nothing to tidy up in the kernel once the last cell has run.
            "NotebookClient": {"shutdown_kernel": "immediate"},
        }
    )


def _csv(records: list[dict[str, Any]]) -> str:
    """CSV of the findings; a cell that a spreadsheet would take for a formula is quoted."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(Finding.__dataclass_fields__), lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _inert(value) for name, value in record.items()})
    return file.getvalue()


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _store(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the pack beside its place and move it there by one rename."""
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        (beside / "data").mkdir(parents=True)
        for name, content in files.items():
            (beside / "data" / name).write_bytes(content)
        beside.rename(folder)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise CannotRunError(f"outputs: {folder} cannot be written ({error.strerror})") from None
