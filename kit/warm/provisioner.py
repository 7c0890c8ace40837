"""The Jupyter provisioner of the kit's kernels: private, and forked where an interpreter is warm.

The name ``evidence-warm`` in a kernel's description (``kernel.json``) makes Jupyter use it, whether
JupyterLab, papermill or nbconvert starts the kernel.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.localinterfaces import localhost
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from kit import warm
from kit.kernels import offline
from kit.kernels.plain import end_in_a_line
from kit.outputs import scratch

NAME = "evidence-warm"
_POLLED = 0.002  # seconds between two looks at a process
_LONGEST = 100  # bytes of a socket's path: the least that systems take is 104 with the last NUL


class WarmProvisioner(LocalProvisioner):
    """Starts kernels that other users of the machine cannot reach.

    The kernel's sockets are files in a new folder that its owner alone can enter. Where the folder's
    name is too long for sockets, the kernel listens on TCP, and CurveZMQ refuses whoever lacks the
    key in the connection file.
    """

    _folder: Path | None = None

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._held = ExitStack()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the transport, then prepare the start as Jupyter does."""
        end_in_a_line()
        manager: Any = self.parent
        if manager.transport == "ipc":
            place = manager.ip
        else:
            self._folder = self._folder or self._held.enter_context(scratch())
            place = f"{self._folder}/kernel"
        if len(os.fsencode(place)) + len("-65535") <= _LONGEST:
            manager.transport, manager.ip, manager.cache_ports = "ipc", place, False
        else:
            manager.transport, manager.ip, manager.cache_ports = "tcp", localhost(), True
            kwargs["transport_encryption"] = "required"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel and return its connection details, once it listens."""
        made = await self._launched(cmd, **kwargs)
        await self._listening()
        return made

    async def _launched(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        # A fork would have the memory of the process that seals.
        if warm.ADDRESS not in os.environ or offline.VARIABLE in kwargs.get("env", {}):
            return await super().launch_kernel(cmd, **kwargs)
        nothing, messages = os.open(os.devnull, os.O_RDWR), kwargs.get("stderr")
        try:
            process = warm.start(
                cmd,
                env=kwargs.get("env"),
                cwd=kwargs.get("cwd"),
                files=(nothing, nothing, messages.fileno() if messages else nothing),
            )
        except warm.NotWarm:
            return await super().launch_kernel(cmd, **kwargs)
        finally:
            os.close(nothing)
        self.process = process  # type: ignore[assignment]  # has the members of Popen that are used
        self.pid = self.pgid = process.pid  # it leads a separate process group
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def _listening(self) -> None:
        """Wait until the kernel listens, or has ended.

        ZeroMQ connects again a tenth of a second after it failed to, and Jupyter then asks again.
        """
        manager: Any = self.parent
        sockets = [Path(f"{manager.ip}-{port}") for port in manager.ports]
        while manager.transport == "ipc" and not all(map(Path.exists, sockets)):
            if await self.poll() is not None:
                return
            await asyncio.sleep(_POLLED)

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once, and wait for that: Jupyter looks ten times a second."""
        await super().kill(restart)
        while await self.poll() is None:
            await asyncio.sleep(_POLLED)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder of the sockets with the kernel."""
        await super().cleanup(restart)
        if not restart:
            self._held.close()
            self._folder = None
