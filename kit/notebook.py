"""What a notebook's first cells call: check what is asked, then ask AWS or open what is stored."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kit.aws.collect import collect
from kit.controls import needed_calls
from kit.errors import UserError
from kit.parameters import Run, parameters, refuse_unknown
from kit.snapshot import Snapshot, read

PARAMETERS_FILE = "EVIDENCE_PARAMETERS"
_INJECTED = "# Parameters"  # papermill writes this line above what it injects


def validate(namespace: Mapping[str, Any]) -> Run:
    """Check the parameters in a notebook's namespace.

    Parameters
    ----------
    namespace : mapping
        The notebook's ``globals()``.

    Returns
    -------
    Run
        Of the parameters cell; of the stored snapshot where ``snapshot`` names one; of the file
        that the environment names in ``EVIDENCE_PARAMETERS`` where the cell names no account.

    Raises
    ------
    UserError
        A field is wrong, or papermill injected a name that no parameter bears (papermill itself
        only warns), or injected others beside ``snapshot``, which already holds them.
    """
    injected = set(_injected_names(namespace.get("In", ())))
    refuse_unknown(sorted(injected), "the injected parameters", also=("snapshot",))
    stored = namespace.get("snapshot")
    if stored:
        for name in sorted(injected - {"snapshot"}):
            raise UserError(
                f"{name}: a stored snapshot holds its own parameters; give snapshot alone"
            )
        return read(stored).run
    file = os.environ.get(PARAMETERS_FILE)
    if file and not namespace.get("account"):
        return parameters(file)
    return parameters({name: namespace[name] for name in Run.model_fields if name in namespace})


def gather(run: Run, stored: str = "") -> Snapshot:
    """Ask the account, or open the snapshot stored at ``stored``.

    Parameters
    ----------
    run : Run
    stored : str
        Folder of a stored snapshot; empty to ask AWS.

    Returns
    -------
    Snapshot

    Raises
    ------
    UserError, CannotRunError
        As `kit.aws.collect.collect` and `kit.snapshot.read` do.
    """
    if stored:
        return read(stored)
    return collect(_placed(run), needed_calls(run.controls))


def _placed(run: Run) -> Run:
    """JupyterLab runs a notebook in its own folder: outputs lie beside that, not in it."""
    if Path(run.outputs).is_absolute() or Path.cwd().name != "notebooks":
        return run
    return run.model_copy(update={"outputs": str(Path("..") / run.outputs)})


def project(folder: str) -> Path:
    """Return ``notebooks`` or ``parameters``: in a wheel beside the code, in a checkout above."""
    package = Path(__file__).parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


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
