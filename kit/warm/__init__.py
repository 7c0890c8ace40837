"""Warm interpreters: processes forked from one that has imported already what they need.

`start` runs ``python -m <module> ...`` like `subprocess.Popen`, without the seconds that imports
take. Each process has its own environment, group and memory, which is returned when it ends; it is
ended when whoever started it is gone. Where forking is not to be had, `start` says so, and callers
run plain processes.

The standard library's forkserver starts a process as fast (16 ms), but a process that it started
starts a forkserver of its own, so that the kernel of each account would wait for all imports again.
https://github.com/python/cpython/blob/3.11/Lib/multiprocessing/forkserver.py (ensure_running)
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ADDRESS = "EVIDENCE_WARM_SOCKET"  # where processes that were started warm find their server
LENGTH, STATUS = struct.Struct("!I"), struct.Struct("!i")

# macOS's own libraries may not be used after a fork.
CAN_FORK = sys.platform == "linux"

_ENVIRONMENT = {
    # What a kernel sets before its first cell, too late for what has been imported by then.
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # A linear algebra library's threads would be lost in a fork, and nothing needs them.
    "OPENBLAS_NUM_THREADS": "1",
}

_server: subprocess.Popen[bytes] | None = None
_address = ""


class NotWarm(Exception):  # noqa: N818 - not an error, but a way out
    """Another kind of command, or nothing can be forked here."""


class Process:
    """A process that was started warm, with what `subprocess.Popen` has.

    Attributes
    ----------
    pid : int
    returncode : int or None
        As `subprocess.Popen` has it: negative where a signal ended the process.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self.returncode: int | None = None
        told = connection.recv(LENGTH.size, socket.MSG_WAITALL)
        if len(told) < LENGTH.size:
            raise NotWarm("the warm interpreter ended")
        self.pid = int(LENGTH.unpack(told)[0])

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        return self._ended(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        code = self._ended(socket.MSG_WAITALL)
        return -signal.SIGKILL if code is None else code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, if it runs still."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def _ended(self, flag: int) -> int | None:
        if self.returncode is None:
            try:
                told = self._connection.recv(STATUS.size, flag)
            except BlockingIOError:
                return None
            except OSError:
                told = b""
            # Without its server, which watches over it, the process is ended too.
            whole = len(told) == STATUS.size
            self.returncode = int(STATUS.unpack(told)[0]) if whole else -signal.SIGKILL
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
        The whole environment; by default this process's.
    cwd : path, optional
        By default this process's.
    files : tuple of int
        Descriptors that become its standard input, output and error.

    Returns
    -------
    Process

    Raises
    ------
    NotWarm
        The command is another, or nothing can be forked here.
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
    """Return where in a command the module's name stands.

    Raises
    ------
    NotWarm
        It runs another interpreter, or no module.
    """
    if CAN_FORK and command[0] == sys.executable and "-m" in command:
        at = list(command).index("-m")
        if all(option.startswith(("-X", "-u")) for option in command[1:at]):
            return at + 1
    raise NotWarm(f"{command[0]} is run plain")


def _find_server() -> str:
    """Return the address of the server that is there already, or of one of this process's own."""
    global _server, _address
    given = os.environ.get(ADDRESS)
    if given:
        return given
    if _server is None or _server.poll() is not None:
        _stop()
        _address = str(Path(tempfile.mkdtemp(prefix="evidence-")) / "warm")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(_address)
            listener.listen(64)
            _server = subprocess.Popen(
                [sys.executable, "-m", "kit.warm.server", str(listener.fileno()), _address],
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.PIPE,  # the server ends when this is closed
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for whoever waits for the processes
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
    if _address:
        shutil.rmtree(Path(_address).parent, ignore_errors=True)
