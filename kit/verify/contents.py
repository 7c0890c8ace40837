"""A pack's files in a folder or a zip, read without following, unpacking or running anything.

A sender may mean harm. The kit looks a name of the pack up only among the files that it listed,
refuses links and devices, and reads no more than a pack can hold.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from kit import bounds
from kit.bag import (
    DECLARATION,
    INFO,
    MANIFEST,
    SIGNATURE,
    TAG_MANIFEST,
    TIMESTAMP,
    bags_below,
)
from kit.bounds import kind_of_file
from kit.errors import CannotRunError, UserError
from kit.verify.archive import check_layout
from kit.verify.refused import RefusedError

# Bytes of files that are read before anything vouches for them: more than any pack's has.
LIMITS = {
    **dict.fromkeys((DECLARATION, TAG_MANIFEST), 4 << 10),
    **dict.fromkeys((INFO, SIGNATURE, TIMESTAMP), 1 << 20),
    MANIFEST: 16 << 20,
}
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class UnreadableError(Exception):
    """A file of the pack cannot be read, or holds more than a pack's file can."""


class Contents(ABC):
    """Files of a pack, none of them opened yet.

    Attributes
    ----------
    sizes : dict of str to int
        Bytes of each file, by name with ``/`` between folders.
    held : dict of str to object
        What a file's bytes were parsed to, where several checks look at it.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.held: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._total = 0

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""

    def sha256(self, name: str) -> str:
        """Return a file's SHA-256; it is taken once.

        Raises
        ------
        UnreadableError
            It is not there, or cannot be read.
        """
        if name not in self.sizes:
            raise UnreadableError("is not there")
        if name not in self._digests:
            taken = hashlib.sha256()
            for chunk in self._chunks(name):
                taken.update(chunk)
            self._digests[name] = taken.hexdigest()
        return self._digests[name]

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises
        ------
        UnreadableError
            It is not there, cannot be read, or is larger than a file of its name can be.
        """
        if name not in self.sizes:
            raise UnreadableError("is not there")
        most = LIMITS.get(name, bounds.PACK_FILE)
        if self.sizes[name] > most:
            raise UnreadableError(f"has {self.sizes[name]} bytes; {most} are read at most")
        return b"".join(self._chunks(name))

    def _chunks(self, name: str) -> Iterator[bytes]:
        left = self.sizes[name]
        try:
            with self.open(name) as file:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise UnreadableError("grew while it was read")
                    yield chunk
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise UnreadableError(f"cannot be read: {error}") from None

    def _add(self, name: str, size: int) -> None:
        if name in self.sizes:
            raise RefusedError(name, "stands there twice")
        if name.count("/") >= bounds.PACK_FOLDERS:
            raise RefusedError(name, f"lies in more than {bounds.PACK_FOLDERS} folders")
        self.sizes[name] = size
        self._total += size
        if len(self.sizes) > bounds.PACK_FILES:
            raise RefusedError("the pack", f"holds more than {bounds.PACK_FILES} files")
        if self._total > bounds.PACK_BYTES:
            raise RefusedError("the pack", f"holds more than {bounds.PACK_BYTES} bytes")


class _Folder(Contents):
    def __init__(self, root: Path):
        super().__init__()
        self._root = root
        self._walk(root, "", 0)

    def _walk(self, folder: Path, prefix: str, depth: int) -> None:
        if depth > bounds.PACK_FOLDERS:
            raise RefusedError(prefix, f"lies in more than {bounds.PACK_FOLDERS} folders")
        empty = True
        with os.scandir(folder) as entries:
            for entry in entries:
                empty = False
                name, state = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode):
                    self._walk(folder / entry.name, f"{name}/", depth + 1)
                elif not stat.S_ISREG(state.st_mode):
                    raise RefusedError(name, f"is {kind_of_file(state.st_mode)}, not a file")
                elif state.st_nlink > 1:
                    raise RefusedError(
                        name,
                        f"is a hard link, one of {state.st_nlink} names of a file: verify a copy "
                        "of the pack",
                    )
                else:
                    self._add(name, state.st_size)
        if empty and prefix:  # which no list of files can name
            raise RefusedError(prefix, "is an empty folder")

    def open(self, name: str) -> IO[bytes]:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        return os.fdopen(os.open(self._root / name, flags), "rb")


class _Zip(Contents):
    def __init__(self, file: zipfile.ZipFile, *, within_folder: bool):
        super().__init__()
        self._file = file
        members: list[zipfile.ZipInfo] = []
        folders: set[str] = set()
        for member in file.infolist():
            if len(members) + len(folders) > 2 * bounds.PACK_FILES:
                raise RefusedError("the pack", f"holds more than {bounds.PACK_FILES} files")
            if _is_folder(member):
                folders.add(_checked(member).removesuffix("/"))
            else:
                members.append(member)
        names = {_checked(member) for member in members}
        around = {name[:at] for name in names for at, sign in enumerate(name) if sign == "/"}
        for name in sorted(folders - around):
            raise RefusedError(name, "is an empty folder")
        top = _top(names) if within_folder else ""
        self._members = {}
        for member in members:
            name = _checked(member).removeprefix(top)
            self._add(name, member.file_size)
            self._members[name] = member
        check_layout(file)

    def open(self, name: str) -> IO[bytes]:
        return self._file.open(self._members[name])


def _checked(member: zipfile.ZipInfo) -> str:
    """Return the name of a zip's member, once nothing about it is wrong."""
    name, mode = member.orig_filename, member.external_attr >> 16
    parts = name.removesuffix("/").split("/") if _is_folder(member) else name.split("/")
    if "\0" in name or "\\" in name or ":" in parts[0] or not all(parts) or {".", ".."} & {*parts}:
        raise RefusedError(name, "is a name that leads out of the pack")
    if stat.S_IFMT(mode) not in (0, stat.S_IFDIR if _is_folder(member) else stat.S_IFREG):
        raise RefusedError(name, f"is {kind_of_file(mode)}, not a file")
    if _is_folder(member) and (member.file_size or member.compress_size > 2):
        raise RefusedError(name, "is a folder with content")
    if member.flag_bits & 1:
        raise RefusedError(name, "is encrypted")
    if member.compress_type not in _METHODS:
        raise RefusedError(name, "is compressed by another method than Deflate")
    return name


def _is_folder(member: zipfile.ZipInfo) -> bool:
    # As `is_dir`, which fails on an empty name: https://github.com/python/cpython/issues/98286
    return member.filename.endswith("/")


def _top(names: set[str]) -> str:
    """Return the only folder in which everything lies, if the pack was zipped with its folder."""
    first = min(names, default="").partition("/")[0]
    whole = DECLARATION not in names and all(name.startswith(f"{first}/") for name in names)
    return f"{first}/" if whole else ""


def _is_like_a_pack(folder: Path) -> bool:
    """Return whether a folder has a part of a pack, so that the lack of others is a fault."""
    return any(os.path.lexists(folder / name) for name in (*LIMITS, "data"))


def _require_pack(folder: Path) -> None:
    if _is_like_a_pack(folder):
        return
    below = sorted(bags_below(folder))
    more = f" and {len(below) - 1} more" if len(below) > 1 else ""
    packs = f"; packs below it: {below[0]}{more}" if below else ""
    raise UserError(f"{folder}: holds no pack; name the folder that has {INFO} in it{packs}")


def open_zip(file: zipfile.ZipFile) -> Contents:
    """Return the files of a zip from a stranger, such as a workbook that somebody filled in.

    Each has the name that the zip has for it, also where all lie in one folder.

    Raises
    ------
    RefusedError
        As `open_contents`.
    """
    return _Zip(file, within_folder=False)


@contextmanager
def open_contents(pack: Path) -> Iterator[Contents]:
    """Open a pack for looking at.

    Parameters
    ----------
    pack : Path
        The bag, the folder of a run that has it in ``pack``, or a zip of either's bag.

    Raises
    ------
    UserError
        There is no pack.
    CannotRunError
        It may not be read.
    RefusedError
        It holds links, devices, names that lead out of it, or more than a pack can.
    """
    inside = pack / "pack"
    if not _is_like_a_pack(pack) and _is_like_a_pack(inside):
        pack = inside
    try:
        if pack.is_dir():
            _require_pack(pack)
            yield _Folder(pack)
        elif pack.is_file():
            with zipfile.ZipFile(pack) as file:
                yield _Zip(file, within_folder=True)
        else:
            raise UserError(f"{pack}: there is no pack; name its folder, or its zip")
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(
            f"{pack}: is neither a folder nor a zip that can be read ({error})"
        ) from None
    except OSError as error:
        raise CannotRunError(f"{pack}: cannot be read ({error.strerror or error})") from None
