"""Kernels that no other user of the machine can reach, in which alone the kit collects.

A Jupyter kernel publishes every output on a port that requires no key, and by default that is a TCP
port. ``appstream-evidence/kernel.json`` describes the kit's kernel to Jupyter: its provisioner
(`kit.warm.provisioner`) makes it talk over sockets in a folder of its owner, or encrypted.
https://jupyter-client.readthedocs.io/en/stable/messaging.html (Introduction)
"""

from __future__ import annotations

import sys
from pathlib import Path

from kit.errors import UserError

NAME = "appstream-evidence"
FOLDER = Path(__file__).parent
APART = "EVIDENCE_KERNEL_APART"
"""The variable with IPython's folder for a kernel that loads no file of the user's."""


def refuse_exposed() -> None:
    """Raise where this process is a kernel that other users of the machine can read.

    Raises
    ------
    UserError
        The kernel talks over TCP, and does not encrypt.
    """
    module = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return
    app = module.IPKernelApp.instance()
    # Older versions of ipykernel encrypt nothing.
    if app.transport == "tcp" and not getattr(app, "curve_secretkey", None):
        raise UserError(
            f"kernel: {Path(app.abs_connection_file).name} is a TCP kernel without encryption, "
            "whose outputs other users of this machine can read; the kit collects in none. Choose "
            "the kernel 'AppStream Evidence Kit' (in JupyterLab: Kernel, Change Kernel; under "
            f"papermill: -k {NAME}), or let Jupyter encrypt (docs/using.md, Kernels)"
        )
