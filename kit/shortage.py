"""What ran out, in words: disk, memory, open files; whichever library raised the error."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

_DISK, _QUOTA = errno.ENOSPC, errno.EDQUOT
_ALWAYS = (_DISK, _QUOTA, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EROFS)
# What libraries in C++, Rust and Python itself write of it. The dynamic loader's: a library does
# not fit in the memory that this process may use.
_TEXTS = {
    errno.ENOMEM: (
        "bad_alloc",
        "failed to map segment",
        "can't start new thread",
        "Unable to allocate",
        "malloc of size",
        "MemoryError",
    ),
}


def describe(error: OSError, path: Path | str | None = None) -> str:
    """Return in words why the system refused, and where something is full.

    Parameters
    ----------
    error : OSError
    path : Path or str, optional
        That was to be written.
    """
    if not _is_of_system(error):
        return error.strerror or str(error) or type(error).__name__
    if error.errno in (_DISK, _QUOTA):
        return _disk(error.errno, path)
    if error.errno == errno.EFBIG:
        return f"the file would be larger than {_limit(resource.RLIMIT_FSIZE)} bytes (ulimit -f)"
    if error.errno == errno.EMFILE:
        return (
            f"this process has {_limit(resource.RLIMIT_NOFILE)} files open and may have no more "
            "(ulimit -n)"
        )
    if error.errno == errno.ENFILE:
        return "the machine has too many files open"
    if error.errno == errno.ENOMEM:
        return memory()
    return "its file system can only be read"


def of(error: BaseException, *, by_text: bool = True) -> str:
    """Return in a line what ran out where an error, or a cause of it, is of that kind.

    Parameters
    ----------
    error : BaseException
    by_text : bool
        Whether an error's message may show it, as where a library in another language raises it; not
        for messages that quote what came from outside.

    Returns
    -------
    str
        Empty for every other error.
    """
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return memory()
        number = _number(cause, by_text)
        if number is None:
            continue
        path = getattr(cause, "filename", None)
        words = describe(OSError(number, os.strerror(number)), path)
        return f"{path}: {words}" if path else words
    return ""


def of_text(text: str) -> str:
    """Return in a line what ran out by the messages of another process; empty for nothing."""
    return of(RuntimeError(text))


def _number(error: BaseException, by_text: bool) -> int | None:
    """Return the number of what ran out, as the system or another library reports it."""
    if isinstance(error, OSError) and _is_of_system(error):
        return error.errno
    text = str(error) if by_text else ""
    for number in _ALWAYS:
        if any(part in text for part in (os.strerror(number), *_TEXTS.get(number, ()))):
            return number
    return None


def _is_of_system(error: OSError) -> bool:
    """Whether the system refused for want of something; the kit has errors of its own for inputs."""
    return error.errno in _ALWAYS and error.strerror == os.strerror(error.errno)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        cause = left.pop(0)
        if cause is None or any(cause is known for known in seen):
            continue
        seen.append(cause)
        yield cause
        left += [*getattr(cause, "exceptions", ()), cause.__cause__, cause.__context__]


def _disk(number: int, path: Path | str | None) -> str:
    if number == _QUOTA:
        return "the disk quota is used up" + (f" at {_mount(Path(path))}" if path else "")
    places = [Path(path)] if path else [Path(tempfile.gettempdir()), Path.cwd(), Path.home()]
    for place in places:
        mount = _mount(place)
        free = os.statvfs(mount)
        if path or not free.f_bavail or (free.f_files and not free.f_favail):
            what = "file" if free.f_files and not free.f_favail else "space"
            return f"the disk is full: no {what} is left at {mount}"
    return "the disk is full"


def _mount(path: Path) -> Path:
    """Return the mount point of the file system on which a path lies, or would lie."""
    return next(
        place for place in (path.resolve(), *path.resolve().parents) if os.path.ismount(place)
    )


def memory() -> str:
    """Return what is meant where the memory ran out."""
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed == resource.RLIM_INFINITY:
        return "the memory of this machine is used up"
    return f"the memory is used up: this process may use {allowed >> 20} MiB (ulimit -v)"


def _limit(kind: int) -> int:
    return resource.getrlimit(kind)[0]
