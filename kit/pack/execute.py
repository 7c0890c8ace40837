"""Notebooks are executed by papermill, each in a fresh kernel that no network reaches."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from kit import kernels
from kit.errors import CannotRunError
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
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        try:
            made: NotebookNode = papermill.execute_notebook(
                str(project("notebooks") / name),
                None,  # papermill would write the whole notebook twice for each cell
                parameters=dict(parameters),
                kernel_name=kernels.NAME,
                progress_bar=progress,
                start_timeout=_START_SECONDS,
                config=_kernel_config(Path(folder)),
            )
        except papermill.PapermillExecutionError as error:
            raise CannotRunError(f"the notebook failed: {error.ename}: {error.evalue}") from None
        return made


class _KernelManager(AsyncKernelManager):
    """Knows the kit's kernel by its place in the package, wherever the package is installed."""

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[str(kernels.FOLDER)])


def _kernel_config(folder: Path) -> Config:
    """Kernels talk over files, in a folder that is removed with all that a killed kernel leaves."""
    return Config(
        {
            "KernelManager": {
                "transport": "ipc",
                "ip": str(folder / "kernel"),
                "connection_file": str(folder / "kernel.json"),
            },
            # There is nothing to tidy up in the kernel once the last cell has run.
            "NotebookClient": {
                "shutdown_kernel": "immediate",
                "kernel_manager_class": _KernelManager,
            },
        }
    )
