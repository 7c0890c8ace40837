"""Warm interpreters: processes forked from an interpreter that has imported their modules.

`start` runs ``python -m <module> ...`` like `subprocess.Popen`, without the seconds that imports
take. Each process has a separate environment, process group and memory. The server ends a process
when its starter has ended. Where a process cannot be forked, `start` raises `NotWarm`, and callers
run a plain process.

A batch starts a server for each worker. A single run forks its server from itself (`forked`).

The standard library's forkserver starts a process as fast (16 ms). But a process that it starts
starts another forkserver, so that the kernel of each account would wait for all imports again.
https://github.com/python/cpython/blob/3.11/Lib/multiprocessing/forkserver.py (ensure_running)
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from kit.outputs import scratch
from kit.warm import process
from kit.warm.environment import wipe_secrets

ADDRESS = "EVIDENCE_WARM_SOCKET"  # the variable with the server's address
LENGTH, STATUS = struct.Struct("!I"), struct.Struct("!i")

# macOS's system libraries may not be used after a fork.
CAN_FORK = sys.platform == "linux"

# A fork would lose the threads of a linear algebra library, and the kit needs none.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")
_ENVIRONMENT = {
    # A kernel sets it before its first cell, which is too late for modules imported before.
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    **dict([_ONE_THREAD]),
}

# What both this process and a kernel import, before the one forks from the other.
_SHARED = ("kit.notebook", "kit.report.show", "kit.tables")

_server: subprocess.Popen[bytes] | None = None
_address = ""
_folder = ExitStack()  # holds the temporary folder of the address
_forked = ExitStack()  # ends what `forked` made
_loops: object = None  # in a fork, those of the starter


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


@contextmanager
def forked() -> Iterator[None]:
    """Fork a server of kernels from this process, which has what both need of the kit's files.

    The server imports the rest while this process works, and a kernel of this process is then a
    fork of it. Whatever this process reads later, such as credentials, a key to sign with or
    evidence, is in neither. So enter this before. Where this process cannot fork, its kernels are
    plain processes.
    """
    os.environ.setdefault(*_ONE_THREAD)
    for name in _SHARED:
        importlib.import_module(name)
    from kit.ahead import read_files

    read_files()
    if _can_fork_here():
        _fork_server()
    try:
        yield
    finally:
        release()


def release() -> None:
    """End the server that `forked` forked, once this process starts no further kernel."""
    _forked.close()


def _can_fork_here() -> bool:
    """Whether a fork of this process would be whole: a fork has none of Python's other threads.

    The allocator of Arrow has a thread that it starts again in a fork.
    """
    return CAN_FORK and ADDRESS not in os.environ and threading.active_count() == 1


def _fork_server() -> None:
    """Fork the server; there is none where the system refuses."""
    address = str(_forked.enter_context(scratch()) / "warm")
    with suppress(OSError), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        end, watched = os.pipe()  # the server ends when this is closed
        _forked.callback(os.close, watched)
        with os.fdopen(end, "rb"):
            gc.freeze()  # a collection, here or there, would copy every page
            pid = process.fork()
            if pid == 0:
                _become_server(listener.fileno(), end, address)
        _forked.callback(_end, pid)
        os.environ[ADDRESS] = address


def _end(server: int) -> None:
    del os.environ[ADDRESS]
    os.kill(server, signal.SIGKILL)  # the system then ends what it forked
    os.waitpid(server, 0)


def _become_server(listener: int, end: int, address: str) -> NoReturn:
    """Serve in the fork: no file, no signal handler and no secret of the starter's is left."""
    global _loops
    import asyncio

    try:
        os.setsid()  # Ctrl-C then reaches only the starter of the processes
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, file in ((0, end), (1, nothing), (2, nothing), (3, listener)):
            os.dup2(file, number)
        os.closerange(4, 1024)
        # The starter's event loop has lost its files, and a kernel makes another. It is kept, for
        # its end would close files that have the same numbers now.
        _loops = asyncio.get_event_loop_policy()
        asyncio.set_event_loop_policy(None)
        wipe_secrets()
        os.environ.update(_ENVIRONMENT)
        from kit.warm import server

        server.serve(3, address, server.OF_KERNELS)
    finally:
        os._exit(1)


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


def abandon() -> None:
    """End the server that this process started, with all that it forked; `start` starts another."""
    if _server is not None:
        _server.kill()


@atexit.register
def _stop() -> None:
    global _server
    if _server is not None:
        assert _server.stdin
        _server.stdin.close()
        _server.wait()
        _server = None
    _folder.close()
