"""What the kit writes: each output whole or not at all, and on the disk before it has its name.

An output is made in a folder beside its place, ``.<name>.<8 hex digits>``, and moved there by a
single rename. Before the rename every file and folder of it is flushed to the disk, after the rename
the folder that holds it: a file system may otherwise store the name before the content.
https://www.kernel.org/doc/html/latest/filesystems/ext4/overview.html (auto_da_alloc)

While a process writes, it holds a lock (flock) on the file ``lock`` in that folder. The kernel
releases the lock when the process ends, however it ends. So a folder of this form whose lock nobody
holds is left by a process that was killed; `kit.leftovers` lists and removes these.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from kit.errors import CannotRunError, UserError
from kit.shortage import describe, of

LOCK, MADE = "lock", "made"
MARK = (
    b"The AppStream Evidence Kit writes here while a process holds a lock on this file.\n"
    b"When no process does, `evidence clean` removes this folder.\n"
)
TEMPORARY = "evidence-"  # begins the name of the kit's folders in TMPDIR
_AT_ONCE = 8
_NO_FLUSH = (errno.EINVAL, errno.ENOTSUP)  # of folders, on some network file systems


class ExistsAlreadyError(CannotRunError):
    """An output has the name already, and no output is written twice."""


def cannot_write(path: Path, error: OSError, name: str = "outputs") -> CannotRunError:
    """Return the error that states which path cannot be written, and why.

    Parameters
    ----------
    path : Path
    error : OSError
    name : str
        The parameter or option that names the path.
    """
    return CannotRunError(f"{name}: {path} cannot be written ({describe(error, path)})")


@contextmanager
def writing(path: Path, name: str = "outputs") -> Iterator[None]:
    """Raise each `OSError` of the body as `cannot_write` states it."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error, name) from None


@contextmanager
def new_folder(folder: Path, *, mode: int = 0o700, name: str = "outputs") -> Iterator[Path]:
    """Yield a folder to fill; at the end it gets its name.

    Parameters
    ----------
    folder : Path
        Parents are created. An error in the body leaves nothing.
    mode : int
        Permissions, less the umask; by default only the owner can read the folder.
    name : str
        The parameter or option that names the path.

    Raises
    ------
    ExistsAlreadyError
        Something of the name exists.
    CannotRunError
        The folder cannot be written.
    """
    with _beside(folder, name) as made:
        with writing(folder, name):
            made.mkdir(mode=mode)
        yield made
        with writing(folder, name):
            _flush_tree(made)
            try:
                made.rename(folder)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise ExistsAlreadyError(
                        f"{name}: {folder} cannot be written (it exists already)"
                    ) from None
                raise
            flush(folder.parent)


@contextmanager
def new_file(
    path: Path, *, mode: int = 0o644, replace: bool = True, name: str = "outputs"
) -> Iterator[IO[bytes]]:
    """Yield a file to write; at the end it gets its name.

    Parameters
    ----------
    path : Path
        Parents are created. An error in the body leaves the file as it was.
    mode : int
        Permissions, less the umask.
    replace : bool
        Whether the file may replace another.
    name : str
        The parameter or option that names the path.

    Raises
    ------
    FileExistsError
        The file exists, and `replace` is false.
    CannotRunError
        The file cannot be written.
    """
    with _beside(path, name) as made:
        try:
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if replace:
                made.rename(path)
            else:
                os.link(made, path)
            flush(path.parent)
        except FileExistsError:
            raise
        except OSError as error:
            if error.filename not in (None, str(made)):  # of what the body reads
                raise
            raise cannot_write(path, error, name) from None


def write_file(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o644,
    replace: bool = True,
    name: str = "outputs",
) -> None:
    """Write a file as `new_file` does."""
    with new_file(path, mode=mode, replace=replace, name=name) as file:
        file.write(content)


def discard(path: Path) -> None:
    """Remove a file or folder so that no part of it keeps its name; nothing where there is none.

    Raises
    ------
    CannotRunError
        It cannot be removed.
    """
    if not os.path.exists(path):
        return
    with _beside(path) as aside, writing(path):
        path.rename(aside)
        flush(path.parent)


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a temporary folder, readable by its owner only, and remove it at the end.

    Where ``TMPDIR`` names a folder, the kit uses that folder or none: `tempfile` would quietly take
    another where that one is full.

    Raises
    ------
    CannotRunError
        The folder cannot be made, or a library fills it: an error without a path is of a file that
        is open already.
    """
    place = temporary()
    with _locked(place, TEMPORARY, place, "TMPDIR") as space:
        try:
            yield space
        except OSError as error:
            if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise cannot_write(place, error, "TMPDIR") from None
            raise


def temporary() -> Path:
    """Return the folder that temporary folders lie in."""
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir())


def make_parents(path: Path) -> None:
    """Make the folders above a path, and store their names on the disk."""
    missing = [parent for parent in path.absolute().parents if not os.path.exists(parent)]
    path.parent.mkdir(parents=True, exist_ok=True)
    for parent in missing:
        flush(parent.parent)


def flush(path: Path | str) -> None:
    """Store a file on the disk, or what a folder lists."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FLUSH or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Raise an `OSError` unless files can be made in a folder."""
    with _space(folder, ".check."):
        pass


def check_place(path: Path, name: str = "outputs") -> None:
    """Check before the work that an output can be made at a path; the folders above may be missing.

    Parameters
    ----------
    path : Path
    name : str
        The parameter or option that names the path.

    Raises
    ------
    CannotRunError
    """
    there = path
    try:
        there = next(parent for parent in path.absolute().parents if os.path.exists(parent))
        check_writable(there)
    except OSError as error:
        if of(error) or there is path:
            raise cannot_write(path, error, name) from None
        reason = f"{there}: {error.strerror}"
        raise CannotRunError(f"{name}: {path} cannot be written ({reason})") from None


def check_new(folder: Path, name: str) -> None:
    """Check before the work that a new folder can be made at a path.

    Raises
    ------
    UserError
        Something has the path already.
    CannotRunError
        As `check_place`.
    """
    if os.path.lexists(folder):
        kind = "exists already" if os.path.isdir(folder) else "is a file"
        raise UserError(f"{name}: {folder} {kind}; accepted: the path of a folder to make")
    check_place(folder, name)


@contextmanager
def _beside(path: Path, name: str = "outputs") -> Iterator[Path]:
    """Yield the path at which an output is made."""
    with writing(path, name):
        make_parents(path)
    with _locked(path.parent, f".{path.name}.", path, name) as space:
        yield space / MADE


@contextmanager
def _locked(parent: Path, prefix: str, path: Path, name: str) -> Iterator[Path]:
    """Yield a folder as `_space` does; errors of making it name a path."""
    space = _space(parent, prefix)
    with writing(path, name):
        made = space.__enter__()
    try:
        yield made
    finally:
        space.__exit__(None, None, None)


@contextmanager
def _space(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder that holds a locked file."""
    descriptor = None
    while descriptor is None:
        space = parent / f"{prefix}{secrets.token_hex(4)}"
        space.mkdir(mode=0o700)
        try:
            descriptor = _hold(space / LOCK)
        finally:
            if descriptor is None:
                remove_space(space)
    try:
        yield space
    finally:
        remove_space(space)
        os.close(descriptor)


def _hold(path: Path) -> int | None:
    """Return a locked new file; None where `evidence clean` took it first."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        return None
    try:
        # Where a file system has no locks, `evidence clean` cannot take any either.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            os.write(descriptor, MARK)
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def remove_space(space: Path | str, dir_fd: int | None = None) -> None:
    """Remove a folder that the kit wrote in, its lock last; errors leave the rest with its lock.

    Parameters
    ----------
    space : path
        Relative to `dir_fd`, where that is given. No link is followed.
    dir_fd : int, optional
    """
    with suppress(OSError):
        descriptor = os.open(space, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=dir_fd)
        try:
            for name in os.listdir(descriptor):
                if name != LOCK:
                    _remove(name, descriptor)
            with suppress(FileNotFoundError):
                os.unlink(LOCK, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        os.rmdir(space, dir_fd=dir_fd)


def _remove(name: str, dir_fd: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode):
        shutil.rmtree(name, dir_fd=dir_fd)
    else:
        os.unlink(name, dir_fd=dir_fd)


def _flush_tree(folder: Path) -> None:
    """Flush every file and folder, at once: the journal then takes many of them in one commit."""
    paths = [str(folder)]
    for place, folders, files in os.walk(folder, onerror=_raised):
        paths += (os.path.join(place, name) for name in (*folders, *files))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # A task for each file would take twice the time of the processor.
        for _ in pool.map(_flush_each, (paths[first::_AT_ONCE] for first in range(_AT_ONCE))):
            pass


def _raised(error: OSError) -> NoReturn:
    raise error


def _flush_each(paths: Iterable[str]) -> None:
    for path in paths:
        flush(path)
