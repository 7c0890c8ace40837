"""Cells that an analyst added: executed apart from the kit's, and shown apart from them.

The kit's own notebook makes the kit's part of a pack, in a kernel of its own. The analyst's notebook
runs in another kernel, from its source. Of what its cells show, the sealing process takes data alone
(`kit.pack.own_cells`), in which it replaces names itself. So no cell of the analyst reaches a verdict,
a file of findings, the evidence or a section of the kit.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from kit import bounds
from kit.errors import UserError
from kit.outputs import scratch
from kit.pack.document import ANALYST, NotebookOutputError, views_of
from kit.pack.execute import CellError, OfflineKernel, execute_file
from kit.pack.own_cells import MOST, OwnCells, Shown, plain_view
from kit.pack.prose import headings_and_prose, plain_prose
from kit.redact.free_text import FreeText
from kit.report.views import JSON
from kit.shipped import notebook as kits_notebook
from kit.shortage import describe
from kit.snapshot import Snapshot
from kit.warm.environment import unreadable

CELL_SECONDS = 600  # that a cell may take
_INJECTED = "injected-parameters"
_METADATA = nbformat.from_dict(  # type: ignore[no-untyped-call]
    {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
)


@dataclass(frozen=True)
class OwnNotebook:
    """An analyst's notebook: its path, the SHA-256 of its file, and its cells without outputs."""

    path: Path
    sha256: str
    cells: NotebookNode


def run_own_cells(given: OwnNotebook, snapshot: Snapshot, *, progress: bool = False) -> OwnCells:
    """Execute an analyst's notebook on a copy of a snapshot, from its source and offline.

    Parameters
    ----------
    given : OwnNotebook
    snapshot : Snapshot
    progress : bool

    Returns
    -------
    OwnCells
        What the cells show that are not in the kit's notebook. What the kit's cells show is left
        out.

    Raises
    ------
    UserError
        A cell failed, or it shows what no document can hold; the message names its number.
    CannotRunError
        The kernel failed.
    """
    shown = FreeText(snapshot)
    executed = _execute(given, snapshot, progress)
    parts = list(_parts(given.path, executed, shown))
    if len(parts) > MOST:
        raise UserError(
            f"--notebook: {given.path} shows {len(parts)} tables, figures, notes and texts; "
            f"accepted: at most {MOST}"
        )
    return OwnCells(given.sha256, parts, _source(given.cells, shown))


def read_own_notebook(path: Path) -> OwnNotebook:
    """Read an analyst's notebook; outputs in the file are never taken.

    Raises
    ------
    UserError
        The file is no notebook of Python.
    """
    try:
        content = bounds.read_file(path, bounds.NOTEBOOK)
        notebook: NotebookNode = nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except OSError as error:
        raise UserError(f"--notebook: {path} cannot be read ({describe(error)})") from None
    except (ValueError, TypeError, LookupError, AttributeError, nbformat.ValidationError) as error:
        why = str(error).partition("\n")[0]
        raise UserError(f"--notebook: {path} is not a notebook ({why})") from None
    stated = (notebook.metadata.get("kernelspec", {}), notebook.metadata.get("language_info", {}))
    language = stated[0].get("language") or stated[1].get("name") or "python"
    if language != "python":
        raise UserError(f"--notebook: {path} is in {language}; accepted: python")
    notebook.metadata = _METADATA
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return OwnNotebook(path, hashlib.sha256(content).hexdigest(), notebook)


def _execute(given: OwnNotebook, snapshot: Snapshot, progress: bool) -> NotebookNode:
    with scratch() as folder, unreadable():
        # The cells get a copy: what they write to it changes nothing that the pack is made from.
        copy = shutil.copytree(snapshot.folder, folder / "snapshot")
        nbformat.write(given.cells, folder / "own.ipynb")  # type: ignore[no-untyped-call]
        try:
            return execute_file(
                folder / "own.ipynb",
                {"snapshot": str(copy.resolve())},
                phase="own cells" if progress else "",
                kernel=OfflineKernel,
                seconds=CELL_SECONDS,
            )
        except CellError as error:
            number = _number(given.cells, error.index)
            raise UserError(f"--notebook: {given.path}, cell {number} failed: {error}") from None


def _number(notebook: NotebookNode, index: int) -> int:
    """Return the number, in the file, of the cell at an index of the executed notebook."""
    tags = [cell.metadata.get("tags", ()) for cell in notebook.cells]
    if any(_INJECTED in own for own in tags):
        return index + 1
    defaults = next((place for place, own in enumerate(tags) if "parameters" in own), -1)
    return index + 1 if index <= defaults else index


def _parts(path: Path, executed: NotebookNode, shown: Shown) -> Iterator[JSON]:
    """Yield what the analyst's own cells show, as data that the kit made plain."""
    kits = {
        (cell["cell_type"], cell["source"].strip())
        for cell in kits_notebook("evidence_pack.ipynb")["cells"]
    }
    number = 0
    for cell in executed.cells:
        if _INJECTED in cell.metadata.get("tags", ()):
            continue
        number += 1
        if (cell.cell_type, cell.source.strip()) in kits:
            continue
        if ANALYST in cell.metadata.get("tags", ()) or cell.cell_type == "raw":
            continue
        where = f"--notebook: {path}, cell {number}"
        try:
            if cell.cell_type == "markdown":
                yield {"cell": number, "prose": plain_prose(headings_and_prose(cell.source), shown)}
                continue
            for view in views_of(where, cell):
                for single in view["views"] if view["kind"] == "group" else [view]:
                    yield {"cell": number, "view": plain_view(single, shown)}
        except NotebookOutputError as error:
            raise UserError(str(error)) from None
        except ValueError as error:
            raise UserError(f"{where}: {error}") from None


def _source(notebook: NotebookNode, shown: Shown) -> list[JSON]:
    """Return the source of each cell, in which labels replace names."""
    return [
        {"cell": number, "type": cell.cell_type, "lines": shown(cell.source).splitlines()}
        for number, cell in enumerate(notebook.cells, start=1)
    ]
