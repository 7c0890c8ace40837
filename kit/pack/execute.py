"""Notebooks are executed by papermill, each in a fresh kernel that no network reaches."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_output
from traitlets import default
from traitlets.config import Config

from kit import kernels, log, shortage
from kit.displayed import FOR_DOCUMENTS
from kit.errors import CannotRunError, NotAsStatedError, UserError
from kit.kernels import offline
from kit.outputs import scratch
from kit.progress import papermill_bar
from kit.shipped import notebook
from kit.warm import release
from kit.warm.environment import without_secrets

# papermill imports what reads notebooks from S3 and Hadoop, and does without where there is none.
# https://github.com/nteract/papermill/blob/main/papermill/iorw.py
_absent = {"papermill.s3", "pyarrow.fs"} - sys.modules.keys()
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type]
import papermill  # noqa: E402
from papermill.engines import papermill_engines  # noqa: E402
from papermill.execute import raise_for_execution_errors, remove_error_markers  # noqa: E402
from papermill.iorw import load_notebook_node  # noqa: E402
from papermill.parameterize import parameterize_notebook  # noqa: E402

for _name in _absent:
    del sys.modules[_name]

_START_SECONDS = 120
_MISTAKES = {kind.__name__: kind for kind in (UserError, NotAsStatedError, CannotRunError)}
# Without a handler, Python would write the records to standard error, before the kit's own line.
logging.getLogger("papermill").addHandler(logging.NullHandler())


def execute(
    name: str,
    parameters: Mapping[str, Any],
    *,
    progress: bool = False,
    kernel: Kernel | type[Kernel] | None = None,
) -> NotebookNode:
    """Execute a notebook of the project and return it with its outputs.

    Parameters
    ----------
    name : str
        File in ``notebooks/``.
    parameters : mapping
        For its parameters cell.
    progress : bool
        Whether a bar is drawn on standard error.
    kernel : Kernel or type, optional
        As in `execute_file`.

    Raises
    ------
    UserError
        The file is not the kit's, or a cell raised a mistake of the user's, which keeps its type.
    CannotRunError
        A cell failed otherwise; the message names the error.
    """
    made = notebook(name)
    try:
        return execute_file(
            made,
            parameters,
            phase="evaluating" if progress else "",
            kernel=kernel,
        )
    except CellError as error:
        if error.mistake:
            raise error.mistake from None
        raise CannotRunError(f"the notebook failed: {error}") from None


class CellError(Exception):
    """A cell failed.

    Attributes
    ----------
    index : int
        Of the cell in the notebook with its injected parameters, from 0.
    mistake : UserError or None
        What the cell raised, where that is a mistake of the user's.
    """

    def __init__(self, index: int, message: str, mistake: UserError | None = None):
        super().__init__(message)
        self.index = index
        self.mistake = mistake


def execute_file(
    source: Path | Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    phase: str = "",
    seconds: int | None = None,
    kernel: Kernel | type[Kernel] | None = None,
) -> NotebookNode:
    """Execute a notebook in a fresh kernel and return it with its outputs.

    Parameters
    ----------
    source : Path or mapping
        The file, or its content in the form of nbformat 4.
    parameters : mapping
        For its parameters cell; a notebook without gets one at its beginning.
    phase : str
        What the bar on standard error names; empty for no bar.
    seconds : int, optional
        That a cell may take.
    kernel : Kernel or type, optional
        What `ready` started for this notebook, with which it ends; or what is to be started, as it
        is where that has ended meanwhile. By default a `Kernel`.

    Raises
    ------
    CellError
        A cell failed, or took longer.
    CannotRunError
        The kernel failed.
    """
    replies: list[Mapping[str, Any]] = []
    started: Kernel | None = None
    with log.phase("evaluating"), ExitStack() as held:
        try:
            if isinstance(kernel, Kernel) and kernel.lives():
                started = kernel
            else:
                kind = type(kernel) if isinstance(kernel, Kernel) else kernel
                started = held.enter_context(ready(kind or Kernel))
            made = _executed(
                str(source) if isinstance(source, Path) else _node(source),
                dict(parameters),
                progress_bar=papermill_bar(phase, bool(phase)),
                start_timeout=_START_SECONDS,
                execution_timeout=seconds,
                config=_client_config(replies, seconds),
                km=started,
            )
        except papermill.PapermillExecutionError as error:
            for reply in replies:
                log.event(
                    "cell failed",
                    logging.ERROR,
                    type=log.kind_named(reply["ename"]),
                    message=log.masked(reply["evalue"]),
                    places=log.places_in("\n".join(reply["traceback"])),
                )
            why = "; ".join(_reason(reply) for reply in replies) or f"{error.ename}: {error.evalue}"
            raise CellError(error.cell_index, why, _mistake(replies)) from None
        # The kernel did not start, or ended; or it ran out of something and sent what is no message.
        except Exception as error:
            written = started.messages.read_text(errors="replace") if started else ""
            lines = [line for line in written.splitlines() if line.strip()]
            log.event("kernel failed", logging.ERROR, message=log.masked(" ".join(lines[-1:])))
            known = [*map(_reason, replies), shortage.of(error), shortage.of_text(written)]
            why = next(filter(None, known), "")
            if not why and not isinstance(error, RuntimeError | ValueError):
                raise
            why = why or " ".join(lines[-1:]) or f"{error}; perhaps {shortage.memory()}"
            raise CannotRunError(f"the notebook's kernel failed: {why}") from None
        started.end()
        release()  # another process has its memory now
        failed = _failed(made)  # was interrupted, and left no error in the notebook
        if failed is not None:
            raise CellError(failed, _reason(replies[-1]), _mistake(replies))
        return made


def _executed(
    source: str | NotebookNode, parameters: dict[str, Any], **options: Any
) -> NotebookNode:
    """Execute a notebook as papermill does, which then makes the text of a file that nobody reads.

    https://github.com/nteract/papermill/blob/main/papermill/execute.py (execute_notebook)
    """
    made = remove_error_markers(load_notebook_node(source))
    if parameters:
        made = parameterize_notebook(made, parameters, kernel_name=kernels.NAME)
    executed: NotebookNode = papermill_engines.execute_notebook_with_engine(
        None, made, kernel_name=kernels.NAME, **options
    )
    raise_for_execution_errors(executed, None)
    return executed


def _failed(notebook: NotebookNode) -> int | None:
    """Return the index of the cell at which papermill stopped; None where none failed."""
    marks = [cell.metadata.get("papermill", {}).get("exception") for cell in notebook.cells]
    return next((index for index, failed in enumerate(marks) if failed), None)


def _reason(reply: Mapping[str, Any]) -> str:
    """Return in a line why a cell failed, from the kernel's reply."""
    text = "\n".join((reply["ename"], reply["evalue"], *reply["traceback"]))
    return shortage.of_text(text) or f"{reply['ename']}: {reply['evalue']}"


def _mistake(replies: list[Mapping[str, Any]]) -> UserError | None:
    """Return the mistake of a user's that the last cell raised, as the kernel named it."""
    if not replies or not (kind := _MISTAKES.get(replies[-1]["ename"])):
        return None
    return kind(replies[-1]["evalue"])


class _Client(AsyncKernelClient):
    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel replies, and its outputs arrive.

        Jupyter's own then takes a fifth of a second to read outputs of before, which nbclient passes
        over: https://github.com/jupyter/jupyter_client/blob/main/jupyter_client/client.py
        """
        try:
            async with asyncio.timeout(timeout):
                while not await self._replies():
                    if not await self.is_alive():
                        raise RuntimeError("Kernel died before replying to kernel_info")
        except TimeoutError:
            raise RuntimeError(f"Kernel did not reply in {timeout} seconds") from None

    async def _replies(self) -> bool:
        self.kernel_info()
        try:
            await self.shell_channel.get_msg(timeout=1)
            await self.iopub_channel.get_msg(timeout=0.2)
        except Empty:
            return False
        return True


class Kernel(AsyncKernelManager):
    """Starts the kit's kernel, and keeps what its process writes to standard error.

    It takes the kernel's description from the package, wherever that is installed. What the process
    writes is not for the user.
    """

    _client: AsyncKernelClient | None = None

    @default("client_factory")
    def _client_factory_default(self) -> type[AsyncKernelClient]:
        return _Client

    @default("kernel_spec_manager")
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[str(kernels.FOLDER)])

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the kernel's environment, which signs in nowhere: the kernel sends no request."""
        env = without_secrets(given)
        env.pop(FOR_DOCUMENTS, None)  # its outputs hold names
        return env

    @property
    def messages(self) -> Path:
        """What the kernel's process writes to standard error."""
        return Path(self.connection_file).with_name("messages")

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        """Start the kernel, apart from the user's IPython."""
        # Python would import modules of the current folder before the kernel's own.
        apart = {
            kernels.APART: str(self.messages.with_name("ipython")),
            "PYTHONSAFEPATH": "1",
        }
        options["env"] = self.environment(options.get("env") or os.environ) | apart
        with self.messages.open("wb") as file:
            await super().start_kernel(**options, stderr=file)

    def client(self, **options: Any) -> AsyncKernelClient:  # type: ignore[override]
        """Return a client, which ends with the kernel."""
        self._client = super().client(**options)
        return self._client

    async def _end(self) -> None:
        try:
            if await self.is_alive():
                await self.shutdown_kernel(now=True)
        finally:
            await self.cleanup_resources()
            if self._client:
                self._client.stop_channels()

    begin, end = run_sync(start_kernel), run_sync(_end)
    lives = run_sync(AsyncKernelManager._async_is_alive)


@contextmanager
def ready(kind: type[Kernel]) -> Iterator[Kernel]:
    """Start a kernel, for a notebook that there may not be yet; it ends with the block, or before.

    It talks over files, in a folder that is removed with all that a killed kernel leaves.

    Parameters
    ----------
    kind : type
        Of the kernel.
    """
    with scratch() as folder:
        talks = {
            "transport": "ipc",
            "ip": str(folder / "kernel"),
            "connection_file": str(folder / "kernel.json"),
        }
        kernel = kind(kernel_name=kernels.NAME, config=Config({"KernelManager": talks}))
        try:
            kernel.begin()
            yield kernel
        finally:
            kernel.end()


class KernelForDocuments(Kernel):
    """Starts a kernel whose outputs hold the data of what cells show, and nothing made of it."""

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the kernel's environment."""
        return super().environment(given) | {FOR_DOCUMENTS: "1"}


class OfflineKernel(Kernel):
    """Starts a kernel for cells that are not the kit's: without AWS's settings, and offline.

    See `kit.kernels.offline` for what is refused in it.
    """

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the kernel's environment."""
        return offline.environment(given)


def execute_here(name: str, parameters: Mapping[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
    """Execute a notebook of the project in this process, where nothing draws or prints.

    Parameters
    ----------
    name : str
        File in ``notebooks/``.
    parameters : mapping
        They replace those of its parameters cell.

    Returns
    -------
    notebook : NotebookNode
        With the views that its cells show.
    names : dict
        The variables of its cells.

    Raises
    ------
    UserError
        The file is not the kit's.
    """
    made = _node(notebook(name))
    names: dict[str, Any] = {}
    for cell in made.cells:
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
    return made, names


def _node(content: Mapping[str, Any]) -> NotebookNode:
    made: NotebookNode = from_dict(content)  # type: ignore[no-untyped-call]
    return made


def _client_config(replies: list[Mapping[str, Any]], seconds: int | None) -> Config:
    return Config(
        {
            "NotebookClient": {
                "interrupt_on_timeout": True,
                "error_on_timeout": {
                    "ename": "TimeoutError",
                    "evalue": f"it took longer than {seconds} seconds",
                    "traceback": [],
                },
                # A kernel that runs out of something replies, and may fail to publish the error.
                "on_cell_error": lambda execute_reply, **_: replies.append(
                    execute_reply["content"]
                ),
            },
        }
    )
