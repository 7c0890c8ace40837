"""Keeps a copy of each file that a process removes, overwrites or moves another over.

Python imports this where the folder is on its path: in the command and in the kernels that it
starts. Files are kept if they lie in the folder that ``WITNESS_OF`` names, below ``WITNESS``.
"""

import os
import shutil
import sys

_OF, _TO = os.environ.get("WITNESS_OF"), os.environ.get("WITNESS")
_busy = False


def _keep(path: object, folder: object = -1) -> None:
    global _busy
    if _busy or not isinstance(path, str | bytes | os.PathLike):
        return
    _busy = True
    try:
        name = os.fsdecode(path)
        if isinstance(folder, int) and folder >= 0:
            name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
        name = os.path.abspath(name)
        if name.startswith(f"{_OF}/") and os.path.isfile(name) and os.path.getsize(name):
            number = len(os.listdir(_TO))
            shutil.copyfile(name, f"{_TO}/{os.getpid()}-{number}-{os.path.basename(name)}")
    except OSError:
        pass
    finally:
        _busy = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "os.remove":
        _keep(*arguments)
    elif event == "os.rename":
        _keep(arguments[1], arguments[3])
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_TRUNC:
        _keep(arguments[0])


if _OF and _TO:
    sys.addaudithook(_watch)
