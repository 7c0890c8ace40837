"""Notebooks are executed by papermill, each in a fresh kernel that no network reaches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from nbformat import NotebookNode
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
