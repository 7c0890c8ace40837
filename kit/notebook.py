"""What a notebook's first cells call: check the parameters, then collect from AWS or open a snapshot."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import log
from kit.catalogue import texts
from kit.errors import UserError
from kit.inputs import Where, refuse_unknown
from kit.judge import calls_of
from kit.kernels import refuse_exposed
from kit.parameters import Run, parameters, read_fields
from kit.redact.free_text import opened
from kit.snapshot import Snapshot, read, time_of

if TYPE_CHECKING:
    from kit.overviews.changes import Changes
    from kit.overviews.organisation import Organisation

PARAMETERS_FILE = "EVIDENCE_PARAMETERS"
_INJECTED = "# Parameters"  # papermill writes this line above what it injects
_RESULTS = ("run", "evidence", "tables", "findings")  # of the notebook's first cells, in order
_DEFAULTS = {
    name: field.get_default(call_default_factory=True)
    for name, field in Run.model_fields.items()
    if not field.is_required()
}
# What `validate` read, until `gather` opens it: reading a large snapshot takes a while.
_just_read: dict[Path, Snapshot] = {}


def validate(namespace: MutableMapping[str, Any]) -> Run:
    """Check the parameters in a notebook's namespace, and choose the language that they name.

    Results of earlier parameters leave the namespace, so that no later cell shows them as if they
    were of these.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``.

    Returns
    -------
    Run
        Of the stored snapshot where ``snapshot`` names a folder; otherwise of the parameters cell. The
        file that the environment names in ``EVIDENCE_PARAMETERS`` fills what the cell leaves at its
        default. A cell, or papermill, that names an account describes the whole run: the file then
        fills nothing.

    Raises
    ------
    UserError
        A field is wrong, or papermill injected a name that is not a parameter's (papermill itself
        only warns), or injected others beside ``snapshot``, which already holds them.
    """
    _remove(_RESULTS, namespace)
    _just_read.clear()
    injected = set(_injected_names(namespace.get("In", ())))
    refuse_unknown(sorted(injected), Where("the injected parameters"), Run, also=("snapshot",))
    stored = namespace.get("snapshot")
    if stored:
        for name in sorted(injected - {"snapshot", "language"}):
            raise UserError(
                f"{name}: a stored snapshot holds its own parameters; give snapshot alone, or with "
                "language"
            )
        folder = _beside(stored)
        _just_read[folder] = read(folder)
        run = _just_read[folder].run
        texts.choose(str(namespace["language"]) if "language" in injected else run.language)
        return run
    cell = {name: namespace[name] for name in Run.model_fields if name in namespace}
    given = {
        name: f"papermill ({name})" if name in injected else f"the parameters cell ({name})"
        for name, value in cell.items()
        if name in injected or value != _DEFAULTS.get(name, "")
    }
    file = "" if cell.get("account") else os.environ.get(PARAMETERS_FILE)
    values, where = read_fields(Path(file)) if file else ({}, Where("the parameters cell"))
    chosen = {**values, **{name: cell[name] for name in given}}
    run = parameters(chosen, replace(where, elsewhere=given))
    texts.choose(run.language)
    return run


def open_organisation(namespace: MutableMapping[str, Any]) -> Organisation:
    """Roll up the packs that the organisation's notebook is given.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``: ``packs``, ``accounts``, ``to``, ``trust``, ``language``.

    Raises
    ------
    UserError
        A parameter is unknown or of another type; or as `kit.overviews.organisation.roll_up`.
    """
    from kit.overviews.organisation import roll_up

    _remove(["organisation"], namespace)
    given = _given(namespace, {"packs": str, "accounts": list, "to": str})
    return roll_up(given["packs"], given["accounts"], given["trust"])


def open_changes(namespace: MutableMapping[str, Any]) -> Changes:
    """Compare the packs that the notebook of changes is given.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``: ``before``, ``after``, ``trust``, ``language``.

    Raises
    ------
    UserError
        A parameter is unknown or of another type; or as `kit.overviews.changes.compare`.
    """
    from kit.overviews.changes import compare

    _remove(["changes"], namespace)
    given = _given(namespace, {"before": str, "after": str})
    return compare(given["before"], given["after"], given["trust"])


def _given(namespace: Mapping[str, Any], types: Mapping[str, type]) -> dict[str, Any]:
    """Return an overview's parameters, each known and of its type, and choose its language."""
    types = {**types, "trust": str, "language": str}
    for name in _injected_names(namespace.get("In", ())):
        if name not in types:
            raise UserError(
                f"the injected parameters: {name!r} is not a parameter; write {', '.join(types)}"
            )
    for name, expected in types.items():
        if not isinstance(namespace[name], expected):
            raise UserError(f"{name}: {namespace[name]!r}: must be a {expected.__name__}")
    first = next(iter(types))
    if not namespace[first]:
        raise UserError(f"{first}: is empty; name a folder with packs in it")
    texts.choose(namespace["language"])
    return {name: namespace[name] for name in types}


def open_snapshot(folder: Path | str, language: str = "") -> Snapshot:
    """Open a stored snapshot to explore it; no request is sent.

    Parameters
    ----------
    folder : Path or str
        Folder that has ``snapshot.json`` in it, or ``outputs`` for the newest run below it.
    language : str
        ``en`` or the path of a YAML file; empty for the run's.

    Raises
    ------
    UserError
        No folder is named, or as `kit.snapshot.read`; or the language has no texts.
    """
    if not folder:
        raise UserError(
            "snapshot: is empty; name the snapshot folder of a run, such as "
            "outputs/210987654321/2026-11-24T090000Z/snapshot, or outputs for the newest run"
        )
    stored = read(_newest(_beside(folder)))
    texts.choose(language or stored.run.language)
    opened.add(stored)
    return stored


def _newest(folder: Path) -> Path:
    """Return the newest run's snapshot below a folder of outputs; any other folder as it is.

    A batch names the folders of its runs, so that these have no order.
    """
    return max(folder.glob("[0-9]*/*/snapshot"), key=time_of, default=folder)


def _remove(names: Iterable[str], namespace: MutableMapping[str, Any]) -> None:
    for name in names:
        namespace.pop(name, None)


def _notebook() -> MutableMapping[str, Any]:
    """Return the namespace of the notebook whose kernel this process is; empty in any other."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    namespace: MutableMapping[str, Any] = shell.user_ns if shell else {}
    return namespace


def gather(run: Run, stored: str = "") -> Snapshot:
    """Collect from the account, or open the snapshot stored at ``stored``.

    Results of an earlier snapshot leave the notebook first, should this fail or be interrupted.

    Parameters
    ----------
    run : Run
    stored : str
        Folder of a stored snapshot; empty to collect from AWS.

    Returns
    -------
    Snapshot

    Raises
    ------
    UserError, CannotRunError
        As `kit.collect.collector.collect` and `kit.snapshot.read` do; or the kit would collect in
        a kernel that other users of the machine can read.
    """
    _remove(_RESULTS[1:], _notebook())
    if stored:
        folder = _beside(stored)
        evidence = _just_read.pop(folder, None) or read(folder)
    else:
        refuse_exposed()
        from kit.collect.collector import collect

        with log.command("notebook"):
            evidence = collect(_placed(run), calls_of(run))
    opened.add(evidence)
    return evidence


def _beside(folder: Path | str) -> Path:
    """JupyterLab runs a notebook in its own folder: snapshots lie beside that, as outputs do."""
    aside = Path.cwd().name == "notebooks" and not Path(folder).exists()
    return Path("..") / folder if aside else Path(folder)


def _placed(run: Run) -> Run:
    """JupyterLab runs a notebook in its own folder: outputs lie beside that, not in it."""
    if Path(run.outputs).is_absolute() or Path.cwd().name != "notebooks":
        return run
    return run.model_copy(update={"outputs": str(Path("..") / run.outputs)})


def _injected_names(cells: Iterable[str]) -> list[str]:
    """Names assigned in the cells that papermill injected."""
    return [
        target.id
        for cell in cells
        if cell.lstrip().startswith(_INJECTED)
        for node in ast.parse(cell).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
