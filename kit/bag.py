"""A pack is a BagIt bag (RFC 8493): `sha256sum -c` checks it, and the same files give the same bag.

The lines are written here and not by the `bagit` library, which changes the process's working
folder, dates by the clock and lists tag files in the file system's order. The library then holds
the bag against its manifests before it is moved into place.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import bagit

from kit.errors import CannotRunError

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
SIGNATURE, TIMESTAMP = f"{TAG_MANIFEST}.p7s", f"{TAG_MANIFEST}.p7s.tsr"
DECLARATION, INFO = "bagit.txt", "bag-info.txt"


def write_bag(
    folder: Path,
    files: Iterable[tuple[str, bytes]],
    info: Mapping[str, str],
    as_of: dt.datetime,
    *,
    private: bool = False,
    finish: Callable[[Path], None] = lambda bag: None,
) -> None:
    """Write a bag beside its place and move it there by one rename.

    Parameters
    ----------
    folder : Path
        Where the bag comes to lie; its parents are made.
    files : iterable of (str, bytes)
        Names below ``data/`` with ``/`` between folders, and contents. Each is written before
        the next is asked for, so that no more than one is held.
    info : mapping of str to str
        Labels and values of ``bag-info.txt``; ``Bagging-Date`` and ``Payload-Oxum`` are added.
    as_of : datetime
        The bag's date, and that of every file in it.
    private : bool
        Whether its owner alone may read it. Other permissions do not depend on the umask.
    finish : function of Path
        Called with the whole bag, for what its manifests cannot list: their signature.

    Raises
    ------
    CannotRunError
        The bag cannot be written, or what lies on the disk is not what was written.
    """
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        beside.mkdir(parents=True, mode=0o700)
        manifest, size = {}, 0
        for name, content in files:
            manifest[f"data/{name}"] = _write(beside / "data" / name, content)
            size += len(content)
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
        }
        digests = {name: _write(beside / name, text.encode()) for name, text in tags.items()}
        _write(beside / TAG_MANIFEST, _lines(digests).encode())
        bagit.Bag(str(beside)).validate()
        finish(beside)
        _settle(beside, as_of, private)
        beside.rename(folder)
    except OSError as error:
        raise CannotRunError(f"outputs: {folder} cannot be written ({error.strerror})") from None
    except bagit.BagError as error:
        raise CannotRunError(f"outputs: {folder} is not what was written ({error})") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _lines(digests: Mapping[str, str]) -> str:
    """A manifest as `sha256sum` writes and checks it."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def _info(info: Mapping[str, str]) -> str:
    return "".join(f"{label}: {' '.join(info[label].split())}\n" for label in sorted(info))


def _settle(bag: Path, as_of: dt.datetime, private: bool) -> None:
    """Give every file and folder, these last, the bag's date and permissions."""
    for path in sorted((bag, *bag.rglob("*")), reverse=True):
        mode = 0o755 if path.is_dir() else 0o644
        path.chmod(mode & 0o700 if private else mode)
        os.utime(path, (as_of.timestamp(), as_of.timestamp()))
