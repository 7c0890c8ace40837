"""A Jupyter kernel provisioner whose kernels are forked from a warm interpreter.

Any kernel of this environment is started so where ``JUPYTER_DEFAULT_PROVISIONER_NAME`` is
``evidence-warm``: a process that executes many notebooks waits for imports once.
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
    """Starts kernels warm where that is possible, and plain where it is not."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel and return how to talk to it."""
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
        self.process = process  # type: ignore[assignment]  # has what is used of a Popen
        self.pid = self.pgid = process.pid  # it leads a group of its own
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info
