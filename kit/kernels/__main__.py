"""The kit's kernel: IPython's, but it opens no TCP port by itself.

IPython's kernel listens on 127.0.0.1 for the outputs of processes that it forks, and a debugger in
it would listen without a password.
https://github.com/ipython/ipykernel/blob/main/ipykernel/iostream.py (IOPubThread._setup_pipe_in)
https://github.com/microsoft/debugpy/wiki/Debug-configuration-settings
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # As ipykernel_launcher does: a notebook's folder must not stand in for installed modules.
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]

    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel then imports none
    from ipykernel import debugger, kernelapp
    from ipykernel.iostream import IOPubThread

    from kit.kernels import offline

    class Outputs(IOPubThread):
        """Publishes outputs of this process alone, as ipykernel does where it has no port."""

        def _setup_pipe_in(self) -> None:
            self._pipe_flag = False

    kernelapp.IOPubThread = Outputs  # type: ignore[attr-defined]
    debugger._is_debugpy_available = False
    del sys.modules["debugpy"]
    offline.refuse_network()
    kernelapp.launch_new_instance()
