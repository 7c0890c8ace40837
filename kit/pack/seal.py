"""A pack is made from a snapshot, never from a notebook file that somebody may have edited."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode, validate
from nbformat.v4 import new_notebook

from kit import log
from kit.bag import Content, write_bag
from kit.catalogue import texts
from kit.displayed import DESK_MIME
from kit.errors import CannotRunError, UserError
from kit.outputs import check_new
from kit.pack.attachments import attachments
from kit.pack.by_control import by_control
from kit.pack.document import (
    Document,
    NotebookOutputError,
    data_of,
    document,
    findings_data,
    with_level,
    with_own,
)
from kit.pack.evidence import evidence_files
from kit.pack.execute import Kernel, KernelForDocuments, execute, ready
from kit.pack.html import page_pieces
from kit.pack.info import bag_info, stated_level
from kit.pack.ocsf import ocsf_files
from kit.pack.oscal import oscal
from kit.pack.own_cells import CELLS, OwnCells
from kit.pack.own_controls import OwnControls, files_of, judged_by_own
from kit.pack.own_notebook import read_own_notebook, run_own_cells
from kit.pack.pdf import pdf_beside
from kit.pack.readme import readme, with_readme
from kit.pack.tabular import findings_csv, findings_parquet
from kit.pack.workbook import promises_of, workbook
from kit.parameters import refuse_mismatch
from kit.progress import Phase
from kit.redact.labels import Labels, open_labels
from kit.report.records import FindingsData
from kit.snapshot import Snapshot, read
from kit.warm import ADDRESS
from kit.warm.fork import in_fork, trim

if TYPE_CHECKING:
    from kit.pack.keys import SigningKey

NOTEBOOK = "evidence_pack.ipynb"
# What the document names of a pack's files, which are made after it too.
FILES = (
    *("data/evidence.html", "data/evidence.pdf", "data/evidence/index.csv", "data/findings.csv"),
    *("data/findings.parquet", "data/findings.xlsx", "data/ocsf-findings.json"),
    *("data/ocsf-findings.ndjson", "data/oscal-catalog.json"),
)


@dataclass(frozen=True)
class Pack:
    """A sealed pack.

    Attributes
    ----------
    folder : Path
    findings : sequence of dict
        As in ``data/findings.csv``.
    digest : str
        Of the findings.
    exit_code : int
        0 nothing open, 3 fails, 4 evidence missing.
    unused_waivers : tuple of str
        Waivers that have expired or match nothing, each with the reason.
    gravest_fail : str or None
        The control of the first open point that is a fail.
    """

    folder: Path
    findings: Sequence[dict[str, Any]]
    digest: str
    exit_code: int
    unused_waivers: tuple[str, ...] = ()
    gravest_fail: str | None = None


def seal(
    snapshot: Path,
    to: Path | None = None,
    *,
    key: SigningKey | None = None,
    notebook: Path | None = None,
    progress: bool = True,
    kernel: Kernel | None = None,
    name: str = "outputs",
) -> Pack:
    """Execute the notebook afresh and offline on a snapshot, render that, and store the pack.

    Parameters
    ----------
    snapshot : Path
        Folder of a stored snapshot.
    to : Path, optional
        Where the pack goes; by default ``pack`` beside the snapshot.
    key : SigningKey, optional
        Signs the PDF and the tag manifest; the run's ``signed`` states whether a key is needed.
    notebook : Path, optional
        Of the analyst's own cells, which the pack shows apart.
    progress : bool
        Whether a bar is drawn on standard error.
    kernel : Kernel, optional
        See `prepared`.
    name : str
        The parameter or option that names the place.

    Returns
    -------
    Pack

    Raises
    ------
    UserError
        The snapshot is missing or changed, the key of its labels or the file of its language is
        missing, the pack exists already, ``signed`` and `key` contradict each other, or
        `notebook` cannot be executed.
    CannotRunError
        The notebook failed, the snapshot was changed meanwhile, or the pack cannot be written.
    """
    stored = read(snapshot)
    log.keep(snapshot.parent)
    log.event(
        "snapshot", account=stored.account, as_of=stored.as_of.isoformat(), sha256=stored.digest
    )
    refuse_mismatch(stored.run, key is not None)
    texts.choose(stored.run.language)
    open_labels(stored.run, stored.header["pseudonym_key"])
    folder = to or snapshot.parent / "pack"
    if not to and os.path.lexists(folder):
        raise UserError(f"{folder} exists already; a pack is sealed once: name another with --to")
    check_new(folder, name)
    given = read_own_notebook(notebook) if notebook else None
    at = {"snapshot": str(snapshot.resolve())}
    executed = execute(NOTEBOOK, at, progress=progress, kernel=kernel or KernelForDocuments)
    data = findings_data(executed)
    _refuse_changed(stored, data["facts"]["snapshot"])
    labels = labels_of(executed, stored)
    # What is not the kit's comes last, on copies: the kit's verdicts are made already.
    own = run_own_cells(given, stored, progress=progress) if given else None
    controls = judged_by_own(stored)
    added = bool(own or controls)
    if added:
        _refuse_changed(stored, read(snapshot).digest)
    info = bag_info(
        stored,
        data["facts"]["digest"],
        key,
        own.sha256 if own else "",
        controls.stated if controls else "",
    )
    with (
        log.phase("writing the pack"),
        Phase("writing the pack", "files", shown=progress) as phase,
    ):
        write_bag(
            folder,
            files(executed, data, stored, labels, info, key, phase, own, controls),
            info,
            stored.as_of,
            private=not stored.run.pseudonymise,
            readme=readme,
            finish=lambda bag: _finish(bag, stored if added else None, key),
            name=name,
        )
    facts = data["facts"]
    log.event("sealed", digest=facts["digest"], findings=len(data["records"]))
    unused = tuple(facts["unused_waivers"].splitlines())
    return Pack(
        folder,
        data["records"],
        facts["digest"],
        facts["exit_code"],
        unused,
        facts["gravest_fail"],
    )


@contextmanager
def prepared() -> Iterator[Kernel | None]:
    """Prepare what the pack of any snapshot needs, before there is one: the block's value is a kernel.

    There is none where it did not start, or would be a whole process that holds its memory meanwhile:
    `seal` then starts one, or raises why there is none.
    """
    kernel, held = None, ExitStack()
    try:
        with suppress(Exception):
            validate(new_notebook())  # type: ignore[no-untyped-call]  # compiles what validates
            if ADDRESS in os.environ:
                kernel = held.enter_context(ready(KernelForDocuments))
        yield kernel
    finally:
        held.close()  # it has no part in an error of the block


def files(
    executed: NotebookNode,
    data: FindingsData,
    stored: Snapshot,
    labels: Labels,
    info: Mapping[str, str],
    key: SigningKey | None,
    phase: Phase,
    own: OwnCells | None = None,
    controls: OwnControls | None = None,
) -> Iterator[tuple[str, Content]]:
    """Yield the name below ``data/`` and the content of each file of a pack.

    Parameters
    ----------
    executed : NotebookNode
        The evidence notebook with its outputs, which it loses: the document has them.
    data : dict
        Its findings, as `kit.pack.document.findings_data` returns them.
    stored : Snapshot
        That it was executed on.
    labels : Labels
        See `labels_of`.
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    key : SigningKey or None
        Signs the PDF.
    phase : Phase
        Shows which file is being made.
    own : OwnCells, optional
    controls : OwnControls, optional
    """
    made = pack_document(executed, info, own, controls)
    promises, manifest = promises_of(executed), data_of(executed, "snapshot")["facts"]
    executed.cells.clear()
    trim()
    findings = [findings_csv(data)]
    forms: dict[str, Callable[[], Content]] = {
        "findings.csv": findings.pop,
        # Its library would stay in memory.
        "findings.parquet": lambda: in_fork(
            "findings.parquet", partial(_parquet, data, os.getpid())
        ),
        "evidence.html": partial(map, str.encode, page_pieces(made)),
    }
    # Typst takes the longest: everything else is made while it works.
    with pdf_beside(made, attached=attachments(manifest, made, findings[0])) as printed:
        for name, make in forms.items():
            yield _noted(name, phase), make()
            phase.advance()
        results = by_control(data)  # now, for the workbook's cells take more than the page
        yield _noted("findings.xlsx", phase), workbook(made, results, promises=promises)
        phase.advance()
        others: Iterator[tuple[str, Content]] = chain(
            files_of(controls) if controls else (),
            [(CELLS, own.as_bytes())] if own else (),
            ((_noted(name, phase), content) for name, content in ocsf_files(made, results)),
            oscal(made, results, manifest),
            evidence_files(stored, labels),
        )
        for name, content in others:
            yield name, content
            phase.advance()
        forms.clear()
        del made, make, results, content
        trim()  # while Typst takes the most
        yield _noted("evidence.pdf", phase), _sign_pdf(printed(), key)
        phase.advance()


def _parquet(data: FindingsData, starter: int) -> bytes:
    """Return the findings as Parquet; a fork of the starter, which ends with this, has no numpy.

    Arrow does without it, and its import takes as long as Arrow's own.
    https://arrow.apache.org/docs/python/install.html (Dependencies)
    """
    if os.getpid() != starter:
        sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
    return findings_parquet(data)


def _noted(name: str, phase: Phase) -> str:
    phase.note(name)
    log.event("file", name=name)
    return name


def labels_of(executed: NotebookNode, stored: Snapshot) -> Labels:
    """Return the labels in a snapshot's tables, which its evidence shares.

    Parameters
    ----------
    executed : NotebookNode
        The evidence notebook with its outputs, in which the tables were made.
    stored : Snapshot
        That it was executed on.

    Raises
    ------
    NotebookOutputError
        The notebook does not show them exactly once.
    """
    outputs = chain.from_iterable(cell.get("outputs", ()) for cell in executed.cells)
    data = [output.get("data", {}).get(DESK_MIME, {}) for output in outputs]
    listed = [shown["labels"] for shown in data if "labels" in shown]
    if len(listed) != 1:
        raise NotebookOutputError(
            f"the notebook shows the labels of its tables {len(listed)} times"
        )
    labels = open_labels(stored.run, stored.header["pseudonym_key"])
    for kind, identity, name in listed[0]:
        labels.label(kind, identity, name)
    return labels


def pack_document(
    executed: NotebookNode,
    info: Mapping[str, str],
    own: OwnCells | None = None,
    controls: OwnControls | None = None,
) -> Document:
    """Return the document of a pack: the notebook's, the level of its signatures, its README.

    Parameters
    ----------
    executed : NotebookNode
        The evidence notebook with its outputs.
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    own : OwnCells, optional
        They get the last chapter.
    controls : OwnControls, optional
        They get the chapter before it.
    """
    names = [*FILES, *([f"data/{CELLS}"] if own else [])]
    names += ["data/own/findings.csv"] if controls else []
    made = with_readme(with_level(document(executed), stated_level(info)), info, names)
    return with_own(made, controls, own)


def _sign_pdf(file: bytes, key: SigningKey | None) -> bytes:
    if not key:
        return file
    from kit.pack.sign import sign_pdf

    return sign_pdf(file, key)


def _finish(bag: Path, stored: Snapshot | None, key: SigningKey | None) -> None:
    if stored:
        _refuse_changed(stored, read(stored.folder).digest)
    if key:
        from kit.pack.sign import sign_manifest

        sign_manifest(bag, key)


def _refuse_changed(stored: Snapshot, digest: str) -> None:
    """Raise a `CannotRunError` where a snapshot is no longer the one that the pack is made from."""
    if digest != stored.digest:
        raise CannotRunError(
            f"snapshot: {stored.folder} was changed while the kit sealed it (SHA-256 {digest}, "
            f"before {stored.digest}); there is no pack"
        )
