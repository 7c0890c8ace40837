"""Notebooks are executed by papermill, each in a fresh kernel that no network reaches."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets.config import Config

from kit.errors import CannotRunError
from kit.outputs import scratch
from kit.shipped import project

_START_SECONDS = 120


def execute(name: str, parameters: Mapping[str, Any], *, progress: bool = False) -> NotebookNode:
    """Execute a notebook of the project and return it with its outputs.

    Parameters
    ----------
    name : str
        File in ``notebooks/``.
    parameters : mapping
        For its parameters cell.
    progress : bool
        Whether a bar is drawn on standard error.

    Raises
    ------
    CannotRunError
        A cell failed; the message names the error.
    """
    with scratch() as folder:
        try:
            made: NotebookNode = papermill.execute_notebook(
                str(project("notebooks") / name),
                None,  # papermill would write the whole notebook twice for each cell
                parameters=dict(parameters),
                kernel_name="python3",
                progress_bar=progress,
                start_timeout=_START_SECONDS,
                config=_kernel_config(folder),
            )
        except papermill.PapermillExecutionError as error:
            raise CannotRunError(f"the notebook failed: {error.ename}: {error.evalue}") from None
        return made


def execute_here(name: str, parameters: Mapping[str, Any]) -> NotebookNode:
    """Execute a notebook of the project in this process and return it with the views it shows.

    Parameters
    ----------
    name : str
        File in ``notebooks/``.
    parameters : mapping
        They replace those of its parameters cell.
    """
    notebook: NotebookNode = nbformat.read(project("notebooks") / name, 4)  # type: ignore[no-untyped-call]
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tree, last = ast.parse(cell.source), None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, name, "exec"), names)
        if "parameters" in cell.metadata.get("tags", ()):
            names |= parameters
        shown: Any = eval(compile(last, name, "eval"), names) if last else None
        if hasattr(shown, "_repr_mimebundle_"):
            bundle = json.loads(json.dumps(shown._repr_mimebundle_()))
            output = new_output("display_data", data=bundle)  # type: ignore[no-untyped-call]
            cell.outputs = [output]
    return notebook


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
