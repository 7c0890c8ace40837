"""The files of own controls, and who they are: read as data, before anything of them is executed.

A package is looked up in the folders that Python is installed with and in ``PYTHONPATH``, never in
the working directory, where somebody else's files may lie.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import NamedTuple

from kit import bounds
from kit.errors import UserError
from kit.shortage import describe

GROUP = "appstream_evidence_kit.controls"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")  # ASCII: no letter looks like another
FOLDER = "folder"  # the version of a folder
_KIT = "appstreamevidencekit"
_MOST_FILES, _MOST_BYTES = 2_000, 64 << 20


class OwnSet(NamedTuple):
    """A package or folder of own controls, as packs name it.

    Attributes
    ----------
    name, version : str
        Of the distribution; a folder has its own name and no version.
    sha256 : str
        Over the paths and contents of all of its files but ``*.pyc``, which the kit never executes.
    """

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} sha256:{self.sha256}"


class Source(NamedTuple):
    """Own controls as they lie in a folder, none of which was executed.

    Attributes
    ----------
    given : str
        What names them in the parameters.
    own : OwnSet
    folder : Path
        Of the package of the highest level, or the folder that was named.
    module : str
        That the entry point names; empty for a folder.
    files : mapping of str to bytes
        Of which the digest is, by path below `folder`.
    """

    given: str
    own: OwnSet
    folder: Path
    module: str
    files: Mapping[str, bytes]

    def write(self, to: Path) -> Path:
        """Write the files below a folder, so that what is executed is what the digest is of."""
        for name, content in self.files.items():
            path = to / self.folder.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return to / self.folder.name


def read_source(given: str, *, installed: bool = False) -> Source:
    """Return the own controls of a name: an installed package's entry point, or a folder.

    Parameters
    ----------
    given : str
        A folder is named with a slash, such as ``./acme``; any other name is an entry point's.
    installed : bool
        Whether a folder is refused.

    Raises
    ------
    UserError
        There is none of the name, its files cannot be read, or its name is the kit's.
    """
    if "/" in given or os.sep in given:
        if installed:
            raise UserError(
                f"own_controls: {given!r} is a folder, and a snapshot names it; accepted here: "
                f"installed packages ({GROUP})"
            )
        folder = Path(given).resolve()
        if not os.path.isdir(folder):
            raise UserError(f"own_controls: {given!r} is not a folder")
        return _source(given, folder.name, FOLDER, folder, "")
    return _of_package(given)


def _of_package(given: str) -> Source:
    matches = [
        (entry, name, version, place)
        for entry, name, version, place in _entries()
        if entry.name == given
    ]
    if len(matches) != 1:
        names = ", ".join(sorted({entry.name for entry, *_ in _entries()})) or "none"
        problem = "is named by several packages" if matches else "is not an installed package"
        raise UserError(
            f"own_controls: {given!r} {problem}; installed ({GROUP}): {names}; name a folder with a "
            f"slash, such as ./{given}"
        )
    ((entry, name, version, place),) = matches
    top = entry.module.partition(".")[0]
    for folder in (place / top, *(path / top for path in _search())):
        if (folder / "__init__.py").is_file():
            return _source(given, name, version, folder.resolve(), entry.module)
    raise UserError(f"own_controls: {given}: {top} is not a package with __init__.py")


def _entries() -> Iterator[tuple[EntryPoint, str, str, Path]]:
    """Yield each installed entry point with its distribution's name, version and place."""
    seen = set()
    for found in distributions(path=[str(path) for path in _search()]):
        name = found.metadata["Name"] or ""
        if name and name not in seen:
            seen.add(name)
            for entry in found.entry_points.select(group=GROUP):
                yield entry, name, found.version, Path(str(found.locate_file("")))


def _search() -> list[Path]:
    """Return Python's search path without the working directory."""
    here = Path.cwd()
    paths = [Path(path) for path in sys.path if path]
    return [path for path in paths if path.is_absolute() and path.resolve() != here]


def _source(given: str, name: str, version: str, folder: Path, module: str) -> Source:
    for value in (name, version, folder.name):
        if not NAME.fullmatch(value):
            raise UserError(
                f"own_controls: {given}: {value!r} is not a name or a version; accepted: letters, "
                "digits and . _ + - of ASCII"
            )
    for value in (name, folder.name):
        plain = re.sub("[^a-z0-9]", "", value.lower())
        alike = difflib.SequenceMatcher(None, plain, _KIT).ratio() > 0.8
        if alike or plain == "kit" or "evidencekit" in plain:
            raise UserError(f"own_controls: {given}: {value!r} is the kit's name, or resembles it")
    if module and folder.name in sys.stdlib_module_names:
        raise UserError(f"own_controls: {given}: {folder.name!r} is a module of Python")
    try:
        files = _files(given, folder)
    except OSError as error:
        raise UserError(f"own_controls: {given} cannot be read ({describe(error)})") from None
    return Source(given, OwnSet(name, version, _digest(files)), folder, module, files)


def _files(given: str, folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, hidden ones too; links to folders lead nowhere."""
    files: dict[str, bytes] = {}
    size = 0
    for path in sorted(_walk(folder)):
        name = path.relative_to(folder).as_posix()
        if path.suffix in (".pyc", ".pyo"):
            _refuse_without_source(given, path, name)
            continue
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"own_controls: {given}: {name} is not a file")
        files[name] = bounds.read_file(path, _MOST_BYTES)
        size += len(files[name])
        if len(files) > _MOST_FILES or size > _MOST_BYTES:
            raise UserError(
                f"own_controls: {given} has more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes"
            )
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in names)


def _refuse_without_source(given: str, path: Path, name: str) -> None:
    beside = path.parent.parent if path.parent.name == "__pycache__" else path.parent
    if not (beside / f"{path.name.partition('.')[0]}.py").is_file():
        raise UserError(f"own_controls: {given}: {name} has no source (*.py)")


def _digest(files: Mapping[str, bytes]) -> str:
    made = hashlib.sha256()
    for name, content in sorted(files.items()):
        made.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    return made.hexdigest()
