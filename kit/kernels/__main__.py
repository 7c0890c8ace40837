"""The kit's kernel: IPython's, but it opens no TCP port by itself, and a failed cell ends Run All.

IPython's kernel listens on 127.0.0.1 for the outputs of processes that it forks, and a debugger in
it would listen without a password.
https://github.com/ipython/ipykernel/blob/main/ipykernel/iostream.py (IOPubThread._setup_pipe_in)
https://github.com/microsoft/debugpy/wiki/Debug-configuration-settings

JupyterLab sends all cells one by one without waiting. IPython's kernel aborts only those that have
arrived when a cell fails; cells that arrive later would show results of an earlier run.
https://github.com/ipython/ipykernel/pull/618

A kernel that makes a pack loads IPython's settings and startup files from nowhere: code in them could
change verdicts. An analyst's own kernel loads them.
https://github.com/ipython/ipython/blob/main/IPython/core/shellapp.py (_run_startup_files)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # As ipykernel_launcher does: a notebook's folder must not stand in for installed modules.
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]

    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel then imports none
    from ipykernel import debugger, kernelapp
    from ipykernel.iostream import IOPubThread
    from ipykernel.ipkernel import IPythonKernel
    from traitlets import Float
    from traitlets.config import Config

    from kit.displayed import FOR_DOCUMENTS
    from kit.kernels import APART, offline

    class Outputs(IOPubThread):
        """Publishes outputs of this process alone, as ipykernel does where it has no port."""

        def _setup_pipe_in(self) -> None:
            self._pipe_flag = False

    class Kernel(IPythonKernel):
        """Aborts cells after one has failed, until none has arrived for a time.

        ipykernel ignores the time where it has subshells, and stops aborting at once.
        https://github.com/ipython/ipykernel/blob/main/ipykernel/kernelbase.py (_abort_queues)
        """

        stop_on_error_timeout = Float(2.0, config=True)  # seconds
        _end: Any = None

        def _post_dummy_stop_aborting_message(self, subshell_id: str | None) -> None:
            post = super()._post_dummy_stop_aborting_message
            loop: Any = self.shell_channel_thread.io_loop
            if self._end:
                loop.remove_timeout(self._end)
            self._end = loop.call_later(self.stop_on_error_timeout, post, subshell_id)

        def _send_abort_reply(self, stream: Any, msg: Any, idents: Any) -> None:
            """Abort a cell, and wait anew for the next: a busy browser sends them slowly."""
            reply: Any = super()._send_abort_reply
            reply(stream, msg, idents)
            wait, subshell = (
                self._post_dummy_stop_aborting_message,
                msg["header"].get("subshell_id"),
            )
            self.shell_channel_thread.io_loop.add_callback(wait, subshell)

    class Apart(kernelapp.IPKernelApp):
        """Loads nothing of the user's, of the machine's or of the environment's IPython."""

        def load_config_file(self, *_: Any, **__: Any) -> None:
            """Load no settings, and so no extensions and no lines of code that they name."""

        def _run_startup_files(self) -> None:
            """Run no file, nor that of ``PYTHONSTARTUP``."""

    kernelapp.IOPubThread = Outputs  # type: ignore[attr-defined]
    debugger._is_debugpy_available = False
    del sys.modules["debugpy"]
    # What own cells print reaches no pack, so it is not collected.
    silent = {"no_stdout": True, "no_stderr": True, "outstream_class": None}
    options: dict[str, Any] = silent if (is_offline := offline.refuse_network()) else {}
    if FOR_DOCUMENTS in os.environ:
        # No document has what cells print, and what the process writes is the kit's to read: there is
        # nothing to flush before each reply. Nobody types in it, or looks for what was typed.
        config = Config(
            {"HistoryManager": {"enabled": False}, "IPythonKernel": {"_execute_sleep": 0}}
        )
        options = {"no_stdout": True, "outstream_class": None, "config": config}
    app: type[kernelapp.IPKernelApp] = kernelapp.IPKernelApp
    if folder := os.environ.pop(APART, ""):
        app = Apart
        os.environ["IPYTHONDIR"] = folder
        options["ignore_cwd"] = not is_offline  # own cells may import modules beside them
    app.launch_instance(kernel_class=Kernel, **options)
