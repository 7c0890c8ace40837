"""The warm interpreter: it imports modules, then forks a process for each request.

It has one thread and no event loop, so that a fork has no lock or loop of another thread.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterable
from typing import Any, NoReturn

from kit.ahead import read_files
from kit.aws_models import load_models
from kit.calls import CALLS
from kit.maker import lock
from kit.warm import ADDRESS, LENGTH, STATUS
from kit.warm.fork import die_with

# What a kernel imports, itself or as it starts, and what an account of a batch imports besides.
OF_KERNELS = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "email_validator",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "phonenumbers",
    "tornado.platform.asyncio",
    "tornado.queues",
    "kit.desk",
    "kit.notebook",
    "kit.pack.trace",
    "kit.report.explain",
    "kit.report.figures",
    "kit.report.show",
    "kit.tables",
)
_OF_ACCOUNTS = (*OF_KERNELS, "kit.collect.collector", "kit.batch.account", "kit.pack.seal")


class _Server:
    def __init__(self, listener: socket.socket, address: str):
        self._listener, self._address = listener, address
        self._selector = selectors.DefaultSelector()
        self._running: dict[int, socket.socket] = {}  # by process id
        self._wake_writer, self._wake_reader = socket.socketpair()
        for end in (self._wake_writer, self._wake_reader):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Serve until standard input is closed, then end every process."""
        wait = self._selector
        wait.register(0, selectors.EVENT_READ)
        wait.register(self._wake_reader, selectors.EVENT_READ)
        wait.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, _ in wait.select():
                if key.fileobj == 0:
                    return self._end_all()
                if key.fileobj is self._wake_reader:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_reader.recv(4096)
                    self._reap()
                elif key.fileobj is self._listener:
                    self._fork()
                elif key.data in self._running:
                    # The starter of the process has ended.
                    wait.unregister(key.fileobj)
                    _end(key.data)

    def _end_all(self) -> None:
        signal.set_wakeup_fd(-1)  # further ends of processes wake nothing
        for pid in self._running:
            _end(pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            connection = self._running.pop(pid)
            with contextlib.suppress(KeyError):
                self._selector.unregister(connection)
            with contextlib.suppress(OSError):
                connection.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
            connection.close()

    def _fork(self) -> None:
        connection = self._listener.accept()[0]
        length, files, _, _ = socket.recv_fds(connection, LENGTH.size, 3, socket.MSG_WAITALL)
        try:
            request = json.loads(_receive(connection, LENGTH.unpack(length)[0]))
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become(request, files, server)
            os.setpgid(pid, pid)  # set before the server can end the group
        finally:
            for file in files:
                os.close(file)
        self._running[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)
        with contextlib.suppress(OSError):
            connection.sendall(LENGTH.pack(pid))

    def _become(self, request: dict[str, Any], files: list[int], server: int) -> NoReturn:
        """Run the requested module in the fork."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            die_with(server)  # which watches its starter
            for number, file in enumerate(files):
                os.dup2(file, number)
            os.closerange(3, 1024)
            os.chdir(request["cwd"])
            os.environ.clear()
            os.environ.update({**request["env"], ADDRESS: self._address})
            module, *arguments = request["argv"]
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def _receive(connection: socket.socket, length: int) -> bytes:
    return connection.recv(length, socket.MSG_WAITALL)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def serve(listener: int, address: str, modules: Iterable[str]) -> None:
    """Import modules and read files, then serve forks of this process until standard input is closed.

    Parameters
    ----------
    listener : int
        Descriptor of a listening socket.
    address : str
        Of that socket.
    modules : iterable of str
    """
    for name in modules:
        importlib.import_module(name)
    read_files()
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page
    _Server(socket.socket(fileno=listener), address).serve()


def main() -> None:
    """Serve accounts and their kernels, at the socket that the starter passes."""
    load_models({call.service for call in CALLS.values()})
    lock()  # which each account would compute again
    serve(int(sys.argv[1]), sys.argv[2], _OF_ACCOUNTS)


if __name__ == "__main__":
    main()
