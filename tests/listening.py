"""What a process listens on, and what each kernel of a test listened on.

Python runs ``sitecustomize.py`` whenever it starts: `startup` puts this file there. Its audit hook,
which forks inherit, lets each kernel report at its first cell, whichever door started the kernel.
https://docs.python.org/3/library/site.html#module-sitecustomize
https://docs.python.org/3/library/sys.html#sys.addaudithook
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import CodeType

REPORTS = "EVIDENCE_TEST_KERNELS"  # the variable with the folder for a file of each kernel
# What IPython runs of the user's; and it imports from the folder in which the kernel runs.
OF_THE_USER = ["ipython_config.py", "PYTHONSTARTUP", "startup", "folder"]
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
    """Return the environment in which every kernel writes what it listens on into a folder.

    IPython has files of the user's there, and each kernel writes which of them it ran.
    """
    site, reports = folder / "site", folder / "kernels"
    site.mkdir()
    reports.mkdir()
    (site / "sitecustomize.py").write_text(
        f"{Path(__file__).read_text()}\n_watch(Path({str(reports)!r}))\n"
    )
    profile = folder / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    of_the_user = (profile / "ipython_config.py", folder / "mine.py", profile / "startup/mine.py")
    for name, path in zip(OF_THE_USER, of_the_user, strict=False):
        path.write_text(f"import sys\nsys.__dict__.setdefault('ran', []).append({name!r})\n")
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONSTARTUP": str(folder / "mine.py"),
        "IPYTHONDIR": str(folder / "ipython"),
        REPORTS: str(reports),
    }


def kernels(environment: Mapping[str, str]) -> list[dict[str, object]]:
    """Return what the kernels wrote that were started in an environment of `startup`."""
    reports = Path(environment[REPORTS])
    return [json.loads(path.read_text()) for path in sorted(reports.iterdir())]


def is_private(kernel: dict[str, object]) -> bool:
    """Whether a kernel listened on nothing that another user can reach."""
    return kernel["tcp"] == [] and kernel["folder"] == 0o700 and kernel["file"] == 0o600


def _watch(folder: Path) -> None:
    def report(event: str, arguments: tuple[object, ...]) -> None:
        if event == "exec" and os.getpid() not in reported and _is_cell(arguments[0]):
            reported.add(os.getpid())
            (folder / str(os.getpid())).write_text(json.dumps(_facts()))

    reported: set[int] = set()
    sys.addaudithook(report)


def _is_cell(code: object) -> bool:
    """Whether code is of a cell, by the name that ipykernel gives it."""
    return isinstance(code, CodeType) and f"/ipykernel_{os.getpid()}/" in code.co_filename


def _facts() -> dict[str, object]:
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    return {
        "pid": os.getpid(),
        "tcp": tcp_ports(os.getpid()),
        "transport": app.transport,
        "folder": os.stat(os.path.dirname(app.ip)).st_mode & 0o777 if "/" in app.ip else None,
        "ran": [*getattr(sys, "ran", []), *(["folder"] if "" in sys.path else [])],
        "file": os.stat(app.abs_connection_file).st_mode & 0o777,
    }
