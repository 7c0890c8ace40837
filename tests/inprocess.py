"""What the kit does in processes of their own, done without the start of one."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from kit.displayed import FOR_DOCUMENTS
from kit.pack.execute import execute_here


@contextmanager
def without_kernel() -> Iterator[None]:
    """Let the kit's own notebooks run in this process when packs are made, as when one is verified.

    A kernel, which gives the same, spends two seconds on imports.
    """

    def execute(name: str, parameters: Mapping[str, Any], **_: Any) -> Any:
        with patch.dict(os.environ, {FOR_DOCUMENTS: "1"}):
            return execute_here(name, parameters)[0]

    with (
        patch("kit.pack.seal.prepared", nullcontext),
        patch("kit.pack.seal.execute", execute),
        patch("kit.overviews.document.execute", execute),
    ):
        yield


def forked(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, reads: int = 0, **_: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m module ...`` in a fork of this process, whose imports it then has.

    It stands in for `subprocess.run` where the process is not what the test is about. The fork has
    no terminal, and reads from the file ``reads``.
    """
    with tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _become(list(command[command.index("-m") + 1 :]), env, cwd, (reads, errors.fileno()))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        errors.seek(0)
        return subprocess.CompletedProcess(command, code, stderr=errors.read())


def _become(
    arguments: list[str], env: Mapping[str, str], cwd: Path, files: tuple[int, int]
) -> NoReturn:
    """Run a module in the fork as Python would, and end as Python ends."""
    code: object = 1
    try:
        os.setsid()
        os.dup2(files[0], 0)
        os.dup2(files[1], 2)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = arguments
        sys.modules.pop(arguments[0], None)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        if not isinstance(code, int):
            print(code, file=sys.stderr)
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
