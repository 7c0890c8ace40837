"""What killed processes left: folders of `kit.outputs` whose lock nobody holds.

A folder counts as the kit's only where its name has the form that `kit.outputs` gives, it belongs to
this user, and its lock file holds the kit's mark. The lock, not a process id, shows whether somebody
still writes there: ids are used again, and differ between machines and containers. A run that made
nothing leaves its log, which shows why; the log is its own lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kit.log import NAME, begins_a_log
from kit.outputs import LOCK, MARK, TEMPORARY, remove_space, temporary
from kit.redact.labels import key_folder
from kit.terminal import typed
from kit.visible import one_line

_BESIDE = re.compile(r"\.([\w.-]+)\.[0-9a-f]{8}", re.ASCII)
_SCRATCH = re.compile(rf"{TEMPORARY}[0-9a-f]{{8}}")
_FINISHED = {"bagit.txt", "snapshot.json"}  # folders with these are outputs: the search passes them
_RUN_AT = 2  # folders below outputs: outputs/<account>/<run>
_FIRST_LINE = 1 << 16  # bytes that hold the first line of a log
_DEEPEST = 6  # folders below outputs: outputs/organisation/<time>/.pack.<hex> is at 3


@dataclass(frozen=True)
class Leftover:
    """A folder that a process of the kit began.

    Attributes
    ----------
    path : Path
    what : str
        In words.
    size : int
        Bytes of its files.
    held : bool
        Whether a living process writes there, or that cannot be known.
    """

    path: Path
    what: str
    size: int
    held: bool


def find(folders: Iterable[Path], deepest: int = _DEEPEST) -> list[Leftover]:
    """Return what killed processes left: below some folders, beside the keys, in the temporary folder.

    Parameters
    ----------
    folders : iterable of Path
        Where outputs lie. No link below them is followed.
    deepest : int
        How many folders below these are looked into.
    """
    return [leftover for leftover, _, _ in _search(folders, fcntl.LOCK_SH, deepest)]


def find_logs(folders: Iterable[Path]) -> list[Leftover]:
    """Return the folders of runs that left their log and nothing else, as `find` does."""
    return [leftover for leftover, _ in _search_logs(folders)]


def remove(leftovers: Iterable[Leftover], folders: Collection[Path]) -> list[Leftover]:
    """Remove leftovers that nobody holds, and return those that are gone.

    The lock of each is held while it is removed, so that no process can take it up.
    """
    wanted, named = {leftover.path for leftover in leftovers}, {*folders}
    gone = []
    for leftover, name, dir_fd in _search(folders, fcntl.LOCK_EX):
        if leftover.path in wanted and not leftover.held:
            remove_space(name, dir_fd)
            with suppress(FileNotFoundError):
                os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
                continue
            gone.append(leftover)
    for leftover, dir_fd in _search_logs(folders):
        if leftover.path in wanted and not leftover.held:
            with suppress(OSError):
                os.unlink(NAME, dir_fd=dir_fd)
                gone.append(leftover)
                leftover.path.rmdir()
                if not {leftover.path, leftover.path.parent} & named:
                    leftover.path.parent.rmdir()  # of the account, where this was its only run
    return gone


def notice(folders: Iterable[Path], deepest: int = _DEEPEST) -> str:
    """Return the line that names what killed processes left, as `find` does; empty for nothing."""
    folders = list(folders)
    # Without a content it may belong to a process that is about to lock it.
    left = [leftover for leftover in find(folders, deepest) if leftover.size and not leftover.held]
    if not left:
        return ""
    more = f" and {len(left) - 1} more" if len(left) > 1 else ""
    size = in_bytes(sum(leftover.size for leftover in left))
    below = (shlex.quote(str(folder)) for folder in folders if os.path.isdir(folder))
    command = " ".join([typed(), "clean", *below])
    return one_line(
        f"an interrupted run left {left[0].path}{more} ({size}); "
        f"`{command}` lists and removes what was left"
    )


def in_bytes(size: int) -> str:
    """Return a size as people read it."""
    if size < 10**6:
        return f"{size / 10**3:,.1f} kB"
    return f"{size / 10**6:,.1f} MB"


def _search(
    folders: Iterable[Path], lock: int, deepest: int = _DEEPEST
) -> Iterator[tuple[Leftover, str, int]]:
    """Yield leftovers, each with its name and its parent's descriptor; its lock is held meanwhile."""
    for folder in (*folders, key_folder()):
        for parent, name, dir_fd in _candidates(folder, _BESIDE, deepest):
            what = f"unfinished {_BESIDE.fullmatch(name)[1]}"  # type: ignore[index]
            yield from _look(parent, name, dir_fd, lock, what)
    for parent, name, dir_fd in _candidates(temporary(), _SCRATCH, 0):
        yield from _look(parent, name, dir_fd, lock, "temporary folder")


def _search_logs(folders: Iterable[Path]) -> Iterator[tuple[Leftover, int]]:
    """Yield the folders that hold the log of a run alone, down to outputs/<account>/<run>.

    Commands share the lock of a log that they write; it is this process's meanwhile.
    """
    for folder in folders:
        top = os.path.realpath(folder)
        for path, names, files, descriptor in _walk(top):
            below = Path(path).relative_to(top)
            if files == [NAME] and not names:
                with suppress(OSError), _lock_log(descriptor) as held:
                    if held is not None and os.listdir(descriptor) == [NAME]:
                        what = "log of a run that made nothing else"
                        yield Leftover(folder / below, what, _size(descriptor), held), descriptor
            if len(below.parts) >= _RUN_AT or _FINISHED & set(files):
                names.clear()


@contextmanager
def _lock_log(descriptor: int) -> Iterator[bool | None]:
    """Lock the log in a folder; whether another holds it, None where it is not this user's."""
    file = os.open(NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
    try:
        status = os.fstat(file)
        if status.st_uid != os.geteuid() or not begins_a_log(os.read(file, _FIRST_LINE)):
            yield None
            return
        yield _is_held(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def _candidates(
    folder: Path, form: re.Pattern[str], deepest: int
) -> Iterator[tuple[Path, str, int]]:
    top = os.path.realpath(folder)
    for path, names, files, descriptor in _walk(top):
        below = Path(path).relative_to(top)
        yield from (
            (folder / below, name, descriptor) for name in sorted(names) if form.fullmatch(name)
        )
        if len(below.parts) >= deepest or _FINISHED & set(files):
            names.clear()
        names[:] = [name for name in names if not form.fullmatch(name)]


def _walk(top: str) -> Iterator[tuple[str, list[str], list[str], int]]:
    with suppress(OSError):  # there is none, or nobody may read it
        yield from os.fwalk(top)


def _look(
    parent: Path, name: str, dir_fd: int, lock: int, what: str
) -> Iterator[tuple[Leftover, str, int]]:
    with suppress(OSError), _opened(name, dir_fd) as descriptor:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return
        with _lock(descriptor, lock) as held:
            if held is not None:
                yield Leftover(parent / name, what, _size(descriptor), held), name, dir_fd


@contextmanager
def _opened(name: str, dir_fd: int) -> Iterator[int]:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _lock(descriptor: int, kind: int) -> Iterator[bool | None]:
    """Lock the kit's lock file in a folder; whether another holds it, None where it is not the kit's.

    A folder without any file was left before its lock was made.
    """
    try:
        file = os.open(LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
    except FileNotFoundError:
        yield None if os.listdir(descriptor) else False
        return
    try:
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        # A machine that lost power may have stored the file and not its content.
        if not is_file or not MARK.startswith(os.read(file, len(MARK) + 1)):
            yield None
            return
        yield _is_held(file, kind)
    finally:
        os.close(file)


def _is_held(file: int, kind: int) -> bool:
    """Whether another holds an open file, or its file system has no locks; else lock it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _size(descriptor: int) -> int:
    """Return the bytes of the files in a folder."""
    return sum(
        os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        for _, _, files, folder in os.fwalk(".", dir_fd=descriptor)
        for name in files
    )
