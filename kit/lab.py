"""JupyterLab on the project's notebooks, rooted where `parameters/` and `outputs/` are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kit import terminal
from kit.errors import UserError
from kit.notebook import PARAMETERS_FILE
from kit.outputs import write_file
from kit.shipped import project

# The notebook is open, and the file browser stands in the root.
_PAGE = "/lab/tree/notebooks/evidence_pack.ipynb?file-browser-path=/"


def open_lab(parameters: Path | None, sandbox: bool, flags: Sequence[str]) -> int:
    """Start JupyterLab in the current folder with the notebook open.

    Parameters
    ----------
    parameters : Path, optional
        File that fills what the notebook's parameters cell leaves at its default.
    sandbox : bool
        Whether the notebook collects from the sample account of a local sandbox.
    flags : sequence of str
        JupyterLab's own, such as ``--no-browser``.

    Returns
    -------
    int
        JupyterLab's exit code, with a sandbox. Without it, this process becomes JupyterLab.

    Raises
    ------
    UserError
        The file of parameters cannot be read, or a notebook cannot be written.
    """
    if parameters:
        if not os.access(parameters, os.R_OK):
            raise UserError(f"--parameters: {parameters} cannot be read")
        os.environ[PARAMETERS_FILE] = str(parameters.absolute())
    place_notebooks(Path("notebooks"))
    places = (f"--ServerApp.root_dir={Path.cwd()}", f"--LabApp.default_url={_PAGE}")
    command = [sys.executable, "-m", "jupyterlab", *places, *flags]
    if not sandbox:
        sys.stdout.flush()
        os.execv(command[0], command)
    from kit.sandbox.serve import serve

    return serve("demo", 0, None, (), (), command)


def place_notebooks(folder: Path) -> None:
    """Copy the notebooks of the kit that a folder lacks into it; those that are there stay."""
    for source in sorted(project("notebooks").glob("*.ipynb")):
        target = folder / source.name
        if not target.exists():
            write_file(target, source.read_bytes(), replace=False, name="notebooks")
            terminal.line(f"{target}: copied from the kit", err=True)
