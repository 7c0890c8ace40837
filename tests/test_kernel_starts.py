"""A notebook waits for its kernel no longer than the kernel takes."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.channels import AsyncZMQSocketChannel
from nbformat.v4 import new_code_cell, new_notebook

from kit.errors import CannotRunError
from kit.pack import execute, seal
from kit.warm import ADDRESS
from kit.warm.provisioner import WarmProvisioner
from tests import listening


def test_no_answer_is_waited_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a socket connects before the kernel listens, Jupyter's own client asks twice.

    The kernel runs no file of the user's.
    """
    asked: list[str] = []
    read, send = AsyncZMQSocketChannel.get_msg, execute._Client.kernel_info

    async def get_msg(self: Any, *given: Any, **options: Any) -> Any:
        try:
            return await read(self, *given, **options)
        except Empty:
            asked.append("nothing came")
            raise

    def kernel_info(self: Any, *given: Any, **options: Any) -> Any:
        asked.append("kernel_info")
        return send(self, *given, **options)

    monkeypatch.setattr(AsyncZMQSocketChannel, "get_msg", get_msg)
    monkeypatch.setattr(execute._Client, "kernel_info", kernel_info)
    environment = listening.startup(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = execute.execute_file(new_notebook(cells=[new_code_cell("6 * 7")]), {})  # type: ignore[no-untyped-call]
    assert made.cells[-1].outputs[0]["data"]["text/plain"] == "42"
    assert [kernel["ran"] for kernel in listening.kernels(environment)] == [[]]
    assert asked == ["kernel_info"] * 2  # before the first cell, and papermill's after the last


def test_a_kernel_waits_for_its_notebook_and_ends_with_it() -> None:
    with execute.ready(execute.Kernel) as kernel:
        folder, process = kernel.messages.parent, kernel.provisioner.process
        assert process.poll() is None
        notebook = new_notebook(cells=[new_code_cell("6 * 7")])  # type: ignore[no-untyped-call]
        made = execute.execute_file(notebook, {}, kernel=kernel)
        assert made.cells[-1].execution_count == 1
        assert process.poll() is not None
    assert not folder.exists()


def test_another_kernel_takes_the_place_of_one_that_ended_while_it_waited() -> None:
    with execute.ready(execute.Kernel) as kernel:
        kernel.provisioner.process.kill()
        kernel.provisioner.process.wait()
        notebook = new_notebook(cells=[new_code_cell("6 * 7")])  # type: ignore[no-untyped-call]
        made = execute.execute_file(notebook, {}, kernel=kernel)
        assert made.cells[-1].outputs[0]["data"]["text/plain"] == "42"


def test_a_kernel_imports_no_module_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pkgutil.py").write_text("open('imported', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    notebook = new_notebook(cells=[new_code_cell("6 * 7")])  # type: ignore[no-untyped-call]
    execute.execute_file(notebook, {})
    assert [path.name for path in tmp_path.iterdir()] == ["pkgutil.py"]


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kernels be forked, from a server that is not there: so they are plain processes."""
    monkeypatch.setenv(ADDRESS, "/nowhere")


@pytest.mark.usefixtures("forks")
def test_a_kernel_without_a_notebook_ends_with_its_block() -> None:
    with seal.prepared() as kernel:
        assert kernel
        folder, process = kernel.messages.parent, kernel.provisioner.process
        assert process.poll() is None
    assert process.poll() is not None
    assert not folder.exists()


def test_no_kernel_waits_that_shares_no_memory() -> None:
    with seal.prepared() as kernel:
        assert kernel is None


@pytest.mark.usefixtures("forks")
def test_sealing_starts_the_kernel_that_did_not_start_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.warm.provisioner.WarmProvisioner.launch_kernel", _no_process)
    with seal.prepared() as kernel:
        assert kernel is None
    with pytest.raises(CannotRunError, match="the notebook's kernel failed"):
        execute.execute(seal.NOTEBOOK, {})


async def _no_process(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine; this thread may have the event loop of another test's browser."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


class _Silent:
    async def get_msg(self, timeout: float) -> Any:
        await asyncio.sleep(0)
        raise Empty


@pytest.mark.parametrize(
    ("lives", "seconds", "words"),
    [(False, 60, "Kernel died before"), (True, 0, "did not reply in 0 seconds")],
)
def test_a_kernel_that_never_replies(
    lives: bool, seconds: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_alive(_: Any) -> bool:
        return lives

    monkeypatch.setattr(execute._Client, "is_alive", is_alive)
    monkeypatch.setattr(execute._Client, "kernel_info", lambda _: None)
    monkeypatch.setattr(execute._Client, "shell_channel", _Silent())
    with pytest.raises(RuntimeError, match=words):
        run(execute._Client().wait_for_ready(timeout=seconds))


def test_a_killed_kernel_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([None, None, -9])

    async def poll(_: Any) -> int | None:
        return next(states)

    monkeypatch.setattr(WarmProvisioner, "poll", poll)
    run(WarmProvisioner().kill())
    assert list(states) == []
