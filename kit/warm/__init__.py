"""Warm interpreters: processes forked from an interpreter that has imported their modules.

`start` runs ``python -m <module> ...`` like `subprocess.Popen`, without the seconds that imports
take. Each process has a separate environment, process group and memory. The server ends a process
when its starter has ended. Where a process cannot be forked, `start` raises `NotWarm`, and callers
run a plain process.

The standard library's forkserver starts a process as fast (16 ms). But a process that it starts
starts another forkserver, so that the kernel of each account would wait for all imports again.
https://github.com/python/cpython/blob/3.11/Lib/multiprocessing/forkserver.py (ensure_running)
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from kit.outputs import scratch

ADDRESS = "EVIDENCE_WARM_SOCKET"  # the variable with the server's address
LENGTH, STATUS = struct.Struct("!I"), struct.Struct("!i")

# macOS's system libraries may not be used after a fork.
CAN_FORK = sys.platform == "linux"

_ENVIRONMENT = {
    # A kernel sets it before its first cell, which is too late for modules imported before.
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # A fork would lose the threads of a linear algebra library, and the kit needs none.
    "OPENBLAS_NUM_THREADS": "1",
}

_server: subprocess.Popen[bytes] | None = None
_address = ""
_folder = ExitStack()  # holds the temporary folder of the address


class NotWarm(Exception):  # noqa: N818 - not an error, but a way out
    """The command cannot run in a forked process: the caller runs a plain process."""


class Process:
    """A process forked from a warm interpreter, with the interface of `subprocess.Popen`.

    Attributes
    ----------
    pid : int
    returncode : int or None
        As in `subprocess.Popen`: negative where a signal ended the process.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self.returncode: int | None = None
        message = connection.recv(LENGTH.size, socket.MSG_WAITALL)
        if len(message) < LENGTH.size:
            raise NotWarm("the warm interpreter ended")
        self.pid = int(LENGTH.unpack(message)[0])

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        return self._ended(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self._ended(socket.MSG_WAITALL)
        return -signal.SIGKILL if code is None else code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Signal the process to end."""
        self.send_signal(signal.SIGTERM)

    def _ended(self, flag: int) -> int | None:
        if self.returncode is None:
            try:
                message = self._connection.recv(STATUS.size, flag)
            except BlockingIOError:
                return None
            except OSError:
                message = b""
            # The process ends with its server.
            whole = len(message) == STATUS.size
            self.returncode = int(STATUS.unpack(message)[0]) if whole else -signal.SIGKILL
            self._connection.close()
        return self.returncode


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    files: tuple[int, int, int] = (0, 1, 2),
) -> Process:
    """Run a command in a process forked from a warm interpreter.

    Parameters
    ----------
    command : sequence of str
        This interpreter, options, ``-m``, a module, and its arguments.
    env : mapping, optional
        The whole environment; by default that of this process.
    cwd : path, optional
        By default that of this process.
    files : tuple of int
        Descriptors that become its standard input, output and error.

    Returns
    -------
    Process

    Raises
    ------
    NotWarm
        The command is of another form, or this process cannot fork.
    """
    module = module_of(command)
    message = json.dumps(
        {
            "argv": list(command[module:]),
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
        }
    ).encode()
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(_find_server())
        socket.send_fds(connection, [LENGTH.pack(len(message))], list(files))
        connection.sendall(message)
        return Process(connection)
    except OSError as error:
        raise NotWarm(str(error)) from None


def module_of(command: Sequence[str]) -> int:
    """Return the index of the module's name in a command.

    Raises
    ------
    NotWarm
        The command runs another interpreter, or no module.
    """
    if CAN_FORK and command[0] == sys.executable and "-m" in command:
        at = list(command).index("-m")
        if all(option.startswith(("-X", "-u")) for option in command[1:at]):
            return at + 1
    raise NotWarm(f"{command[0]} runs in a plain process")


def _find_server() -> str:
    """Return the address of the inherited server, or of this process's server, started if needed."""
    global _server, _address
    inherited = os.environ.get(ADDRESS)
    if inherited:
        return inherited
    if _server is None or _server.poll() is not None:
        _stop()
        _address = str(_folder.enter_context(scratch()) / "warm")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(_address)
            listener.listen(64)
            _server = subprocess.Popen(
                [sys.executable, "-m", "kit.warm.server", str(listener.fileno()), _address],
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.PIPE,  # the server ends when this is closed
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C then reaches only the starter of the processes
            )
    return _address


@atexit.register
def _stop() -> None:
    global _server
    if _server is not None:
        assert _server.stdin
        _server.stdin.close()
        _server.wait()
        _server = None
    _folder.close()
