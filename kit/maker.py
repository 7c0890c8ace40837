"""Which kit makes a pack: its version, and a digest of its files and of what it depends on.

Two kits with the same digest make the same bytes of the same snapshot. The version alone does not
show that: a checkout between two releases has the version of the first.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

KIT = "appstream-evidence-kit"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;]*(?:;(.*))?")
# Most markers; to parse them all takes 0.05 s.
_EXTRA = re.compile(r"""\s*extra\s*==\s*(?:'[^'"]+'|"[^'"]+")\s*""")
_LEFT = {"__pycache__", "sandbox", "batch", "project", "desk.py"}  # they make no file of a pack


def agent() -> str:
    """Return the kit's name and version, as packs state them."""
    return f"{KIT} {version(KIT)}"


def made_here() -> dict[str, str]:
    """Return the kit's lock, Python's version and, in a checkout, the commit, for a snapshot."""
    known = {"lock": lock(), "python": platform.python_version(), "commit": commit()}
    return {name: value for name, value in known.items() if value}


def commit(checkout: Path = Path(__file__).parent.parent) -> str:
    """Return the commit of a checkout, read from its files; empty outside of one.

    Files that were changed since are no part of it: `lock` covers them.
    """
    place = checkout / ".git"
    with suppress(OSError, ValueError):
        if place.is_file():  # of a worktree
            place = checkout / place.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (place / "HEAD").read_text("utf-8").strip()
        if head.startswith("ref: "):
            head = _commit_of(place, head.removeprefix("ref: "))
        return head if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", head) else ""
    return ""


def _commit_of(place: Path, ref: str) -> str:
    shared = place / "commondir"  # where a worktree keeps its branches
    home = place / shared.read_text("utf-8").strip() if shared.is_file() else place
    if (home / ref).is_file():
        return (home / ref).read_text("utf-8").strip()
    packed = (home / "packed-refs").read_text("utf-8").splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")


def lock() -> str:
    """Return the SHA-256 of the kit's files and of the versions of what it depends on."""
    if not _lock:
        _lock.append(_digest())
    return _lock[0]


_lock: list[str] = []


def take_over(digest: str) -> None:
    """Let `lock` return what a fork of this process has computed: it takes 0.05 s."""
    _lock[:] = [digest]


def _digest() -> str:
    taken = hashlib.sha256()
    for line in (*_dependencies(), *_files()):
        taken.update(f"{line}\n".encode())
    return taken.hexdigest()


def _files() -> Iterator[str]:
    """Yield the digest and the name of each file of the kit; one describes its notebooks."""
    package = Path(__file__).parent
    inside = (path for path in package.rglob("*") if not {*path.relative_to(package).parts} & _LEFT)
    for path in sorted(inside):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield f"{digest}  {path.relative_to(package).as_posix()}"


def _dependencies() -> list[str]:
    """Return what the kit depends on, directly or not, as ``name==version``, sorted."""
    versions: dict[str, str] = {}
    waiting = [KIT]
    while waiting:
        _, needed = _stated(waiting.pop())
        for text in needed:
            given, marker = _REQUIREMENT.match(text).groups()  # type: ignore[union-attr]
            name = re.sub(r"[-_.]+", "-", given).lower()
            # Another package may have brought what a marker leaves out.
            if name in versions or not _applies(marker):
                continue
            with suppress(PackageNotFoundError):
                versions[name], _ = _stated(name)
                waiting.append(name)
    return sorted(f"{name}=={number}" for name, number in versions.items())


def _applies(marker: str | None) -> bool:
    """Return whether a requirement with a marker, or none, is one here, without any extra."""
    if not marker:
        return True
    if _EXTRA.fullmatch(marker):
        return False
    from packaging.markers import Marker  # 0.015 s, which only what computes the digest takes

    return Marker(marker).evaluate({"extra": ""})


@cache
def _stated(name: str) -> tuple[str, list[str]]:
    """Return the version of a package and what it requires.

    Of its metadata only the lines of these two fields are read: the message that
    `importlib.metadata` parses has the whole description in it.
    https://packaging.python.org/en/latest/specifications/core-metadata/
    """
    installed = distribution(name)
    text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    fields = [line.partition(": ")[::2] for line in head.splitlines()]
    number = next(value for field, value in fields if field == "Version")
    return number, [value for field, value in fields if field == "Requires-Dist"]
