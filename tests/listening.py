"""What a process listens on, and what each kernel of a test listened on.

IPython runs the files in the startup folder of its profile in every kernel, whichever door started
it: `startup` puts this file there.
"""

import json
import os
from pathlib import Path

REPORT = "EVIDENCE_TEST_KERNELS"  # the variable with the folder for a file of each kernel
_LISTENING = "0A"


def tcp_ports(pid: int) -> list[str]:
    """Return the TCP addresses, as the system writes them, on which a process listens."""
    folder = Path(f"/proc/{pid}")
    sockets = set()
    for file in (folder / "fd").iterdir():
        try:
            sockets.add(os.readlink(file))
        except FileNotFoundError:
            continue
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in (folder / "net" / table).read_text().splitlines()[1:]
    ]
    return [row[1] for row in rows if row[3] == _LISTENING and f"socket:[{row[9]}]" in sockets]


def startup(folder: Path) -> dict[str, str]:
    """Return the environment in which every kernel writes what it listens on into a folder."""
    profile = folder / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "listening.py").write_text(f"{Path(__file__).read_text()}\n_write()\n")
    (folder / "kernels").mkdir()
    return {"IPYTHONDIR": str(folder / "ipython"), REPORT: str(folder / "kernels")}


def kernels(folder: Path) -> list[dict[str, object]]:
    """Return what the kernels wrote."""
    return [json.loads(path.read_text()) for path in sorted((folder / "kernels").iterdir())]


def is_private(kernel: dict[str, object]) -> bool:
    """Whether a kernel listened on nothing that another user can reach."""
    return kernel["tcp"] == [] and kernel["folder"] == 0o700 and kernel["file"] == 0o600


def _write() -> None:
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    facts = {
        "pid": os.getpid(),
        "tcp": tcp_ports(os.getpid()),
        "transport": app.transport,
        "folder": os.stat(os.path.dirname(app.ip)).st_mode & 0o777 if "/" in app.ip else None,
        "file": os.stat(app.abs_connection_file).st_mode & 0o777,
    }
    Path(os.environ[REPORT], str(os.getpid())).write_text(json.dumps(facts))
