"""A Jupyter kernel provisioner that forks kernels from a warm interpreter.

Jupyter uses it for every kernel of this environment where ``JUPYTER_DEFAULT_PROVISIONER_NAME`` is
``evidence-warm``. A process that executes many notebooks then waits for imports once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from kit import warm

NAME = "evidence-warm"


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from a warm interpreter where that is possible; else starts plain kernels."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel and return its connection details."""
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            process = warm.start(
                cmd,
                env=kwargs.get("env"),
                cwd=kwargs.get("cwd"),
                files=(nothing, nothing, nothing),
            )
        except warm.NotWarm:
            return await super().launch_kernel(cmd, **kwargs)
        finally:
            os.close(nothing)
        self.process = process  # type: ignore[assignment]  # has the members of Popen that are used
        self.pid = self.pgid = process.pid  # it leads a separate process group
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info
