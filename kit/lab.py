"""JupyterLab on the project's notebooks, rooted where `parameters/` and `outputs/` are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kit import lab_page, terminal
from kit.notebook_source import NAME, source_of
from kit.outputs import write_file
from kit.shipped import project

_AS_ROOT = """\
as root, JupyterLab refuses to start without its flag --allow-root, unless its configuration allows it: \
type make lab LAB_FLAGS=--allow-root, or evidence lab -- --allow-root"""
_WARNING = f"""\
evidence: git commits the outputs of notebooks here, and outputs hold evidence; this keeps them out:
  git config filter.{NAME}.clean "{sys.executable} -m kit.notebook_source"
  git config filter.{NAME}.smudge cat && git config filter.{NAME}.required true
  echo '*.[iI][pP][yY][nN][bB] filter={NAME}' >> .gitattributes"""


def open_lab(parameters: Path | None, sandbox: bool, flags: Sequence[str]) -> int:
    """Start JupyterLab in the current folder with the notebook open.

    Parameters
    ----------
    parameters : Path, optional
        File that fills what the notebook's parameters cell leaves at its default, unless the cell
        names an account.
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
        A notebook cannot be written.
    """
    what = "the sandbox and JupyterLab" if sandbox else "JupyterLab"
    terminal.line(f"starting {what} in {Path.cwd()}; this takes up to half a minute", err=True)
    # JupyterLab itself refuses only after the seconds that its start takes.
    refusable = os.geteuid() == 0 and not any("allow" in f and "root" in f for f in flags)
    if refusable:
        terminal.line(_AS_ROOT, err=True)
    from kit.notebook import PARAMETERS_FILE  # takes a second

    if parameters:
        os.environ[PARAMETERS_FILE] = str(parameters.absolute())
    place_notebooks(Path("notebooks"))
    if commits_outputs(Path("notebooks")):
        for line in _WARNING.splitlines():
            terminal.line(line, err=True)
    places = (
        f"--ServerApp.root_dir={Path.cwd()}",
        f"--LabApp.default_url={lab_page.ADDRESS}",
        f"--ServerApp.jpserver_extensions={lab_page.__name__}=True",
    )
    command = [sys.executable, "-m", "jupyterlab", *places, *flags]
    if not sandbox:
        sys.stdout.flush()
        os.execv(command[0], command)
    from kit.sandbox.serve import serve

    code = serve("demo", 0, None, (), (), command)
    if code and refusable:  # below the log of JupyterLab, which is long
        terminal.line(_AS_ROOT, err=True)
    return code


def place_notebooks(folder: Path) -> None:
    """Copy the notebooks of the kit that a folder lacks into it; those that are there stay."""
    for source in sorted(project("notebooks").glob("*.ipynb")):
        target = folder / source.name
        if not target.exists():
            content = source_of(source.read_text("utf-8")).encode()
            write_file(target, content, replace=False, name="notebooks")
            terminal.line(f"{target}: copied from the kit", err=True)


def commits_outputs(folder: Path) -> bool:
    """Return whether git would commit the outputs of notebooks in a folder."""
    tried = _git(folder, "check-attr", "filter", "x.ipynb")
    if not tried:  # no git, or no clone
        return False
    return not _git(folder, "config", f"filter.{tried.split()[-1]}.clean")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
