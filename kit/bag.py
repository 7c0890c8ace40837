"""A pack is a BagIt bag (RFC 8493): `sha256sum -c` checks it, and the same files give the same bag.

This module writes the manifests itself. The `bagit` library would change the process's working
folder, date the bag by the clock and list tag files in the file system's order. Each file is read
back once it is written; that the library takes a bag for valid, tests prove.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import NoReturn

from kit import bounds
from kit.outputs import new_folder, writing

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
SIGNATURE, TIMESTAMP = f"{TAG_MANIFEST}.p7s", f"{TAG_MANIFEST}.p7s.tsr"
DECLARATION, INFO, README = "bagit.txt", "bag-info.txt", "README.txt"
Content = bytes | Iterable[bytes]  # whole, or in pieces that memory need not hold together


def write_bag(
    folder: Path,
    files: Iterable[tuple[str, Content]],
    info: Mapping[str, str],
    as_of: dt.datetime,
    *,
    private: bool = False,
    readme: Callable[[Mapping[str, str], Collection[str]], str] | None = None,
    finish: Callable[[Path], None] = lambda bag: None,
    name: str = "outputs",
) -> None:
    """Write a bag, whole or not at all.

    Parameters
    ----------
    folder : Path
        Path of the bag; its parents are created.
    files : iterable of (str, bytes or iterable of bytes)
        Names below ``data/`` with ``/`` between folders, and contents. Each file is written before
        the next is read from the iterable, and each piece of a content before its next, so that
        memory holds a single file or piece. A generator is closed, whatever ends the writing: an
        error's traceback would keep open what it holds.
    info : mapping of str to str
        Labels and values of ``bag-info.txt``; ``Bagging-Date`` and ``Payload-Oxum`` are added.
    as_of : datetime
        The date of the bag and of every file in it.
    private : bool
        Whether only the bag's owner may read it. The permissions do not depend on the umask.
    readme : function, optional
        Returns the text of ``README.txt`` from `info` and the names of the files.
    finish : function of Path
        Called with the whole bag, to add what the manifests cannot list: their signature.
    name : str
        The parameter or option that names the folder.

    Raises
    ------
    CannotRunError
        The bag cannot be written, or its content on the disk differs from what was written.
    """
    with new_folder(folder, name=name) as made:
        manifest, size = {}, 0
        with closing(files) if isinstance(files, Generator) else nullcontext():
            for file, content in files:
                with writing(folder, name):
                    manifest[f"data/{file}"], written = _write(made / "data" / file, content)
                size += written
        tags = {
            DECLARATION: "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            INFO: _info(
                {
                    **info,
                    "Bagging-Date": f"{as_of:%Y-%m-%d}",
                    "Payload-Oxum": f"{size}.{len(manifest)}",
                }
            ),
            MANIFEST: _lines(manifest),
            **({README: readme(info, manifest)} if readme else {}),
        }
        with writing(folder, name):
            digests = {tag: _write(made / tag, text.encode())[0] for tag, text in tags.items()}
            _write(made / TAG_MANIFEST, _lines(digests).encode())
            finish(made)
            _settle(made, as_of, private)


def is_bag(folder: Path) -> bool:
    """Return whether a folder has what a bag states of itself.

    Whatever has the name counts, a pipe or a link too: who opens the bag reports what it is.
    """
    return os.path.lexists(folder / INFO)


def info_of(folder: Path) -> dict[str, str]:
    """Return what a bag states in ``bag-info.txt``, unverified; nothing where it cannot be read."""
    try:
        lines = bounds.read_file(folder / INFO, bounds.WRITTEN).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {label: value for label, _, value in (line.partition(": ") for line in lines)}


def bags_below(folder: Path) -> Iterator[Path]:
    """Yield bags down to the depth of ``outputs/<account>/<run>/pack``."""
    for pattern in ("*", "*/pack", "*/*/pack"):
        yield from filter(is_bag, folder.glob(pattern))


def pieces(content: Content) -> Iterator[bytes]:
    """Yield a content piece by piece."""
    yield from (content,) if isinstance(content, bytes) else content


def sha256(content: Content) -> str:
    """Return the SHA-256 of a content."""
    taken = hashlib.sha256()
    for piece in pieces(content):
        taken.update(piece)
    return taken.hexdigest()


def _write(path: Path, content: Content) -> tuple[str, int]:
    """Return the SHA-256 and the size of what was written, and what the file now has."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    taken = hashlib.sha256()
    with path.open("x+b") as file:
        for piece in pieces(content):
            file.write(piece)
            taken.update(piece)
        size = file.tell()
        file.seek(0)
        if hashlib.file_digest(file, "sha256").digest() != taken.digest():
            raise OSError(errno.EIO, f"{path.name} differs from what was written")
    return taken.hexdigest(), size


def _lines(digests: Mapping[str, str]) -> str:
    """Return a manifest in the format of `sha256sum`."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def _info(info: Mapping[str, str]) -> str:
    return "".join(f"{label}: {' '.join(info[label].split())}\n" for label in sorted(info))


def _settle(bag: Path, as_of: dt.datetime, private: bool) -> None:
    """Set the bag's date and permissions on every file, then on the folder that has it."""
    time, most = as_of.timestamp(), 0o700 if private else 0o777
    for place, _, files in os.walk(bag, topdown=False, onerror=_raised):
        modes = {os.path.join(place, name): 0o644 for name in files} | {place: 0o755}
        for path, mode in modes.items():
            os.chmod(path, mode & most)
            os.utime(path, (time, time))


def _raised(error: OSError) -> NoReturn:
    raise error
