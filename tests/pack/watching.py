"""Verify packs in a process of its own and tell what it did beyond reading.

``python -m tests.pack.watching PACK ...`` prints a JSON object for each pack: what was told, and
every event by which something could have been written, run or sent.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from kit import verify as verifying
from kit.errors import UserError
from kit.verify import document, findings, forms, signatures  # noqa: F401  (imports write caches)

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DOING = (
    *("subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "pty."),
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.", "http.", "ftplib."),
    *("os.rename", "os.remove", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("shutil.", "tempfile.", "webbrowser.", "ctypes.dlopen", "exec", "compile"),
)
_seen: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(flags, int) and flags & _WRITING) or (mode and set(mode) & set("wax+")):
            _seen.append(f"open {path} {mode}")
    elif event.startswith(_DOING) and not _is_python(arguments):
        _seen.append(f"{event} {arguments!r}"[:200])


def _is_python(arguments: tuple[Any, ...]) -> bool:
    """Whether it is Python that imports a module of its own, such as an encoding."""
    code = arguments[0] if arguments else None
    file = str(getattr(code, "co_filename", "" if len(arguments) < 2 else arguments[1]))
    return file.startswith((sys.base_prefix, sys.prefix, "<frozen"))


def look(pack: str) -> dict[str, Any]:
    """Verify one pack."""
    global _watching
    _seen.clear()
    _watching = True
    try:
        reported = [check.line for check in verifying.verify(Path(pack)) if not check.ok]
    except UserError as error:
        reported = [f"no pack: {error}"]
    finally:
        _watching = False
    return {"reported": reported, "did": list(_seen)}


def main() -> None:
    """Look at every pack named, the first one twice: lazy imports are no deed of a pack."""
    sys.addaudithook(_watch)
    look(sys.argv[1])
    print(json.dumps({pack: look(pack) for pack in sys.argv[1:]}))


if __name__ == "__main__":
    main()
