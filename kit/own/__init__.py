"""Controls of an organisation's own, from outside the kit: loaded in a process apart.

A package names its module under the entry-point group `GROUP`; a folder does as well. Beside the
module lie ``texts.yaml`` and ``frameworks/``, in the forms of `kit.catalogue`. The kit loads what a
run names in ``own_controls``, and nothing else that is installed. It loads it in a process of its own
(`kit.own.judge`), so that no module of it can reach the kit's controls, verdicts or documents.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from kit.bounds import parse_json
from kit.calls import CALLS, Call
from kit.errors import UserError
from kit.kernels import offline

GROUP = "appstream_evidence_kit.controls"
ID = re.compile(r"OWN-[A-Z0-9]+(?:-[A-Z0-9]+)*")  # of a control of one's own; none of the kit's
RESULT = "controls.json"
_MOST = 1 << 30


class OwnSet(NamedTuple):
    """A package or folder of own controls, as packs name it.

    Attributes
    ----------
    name, version : str
        Of the distribution; a folder has its own name and no version.
    sha256 : str
        Over the paths and contents of its Python and YAML files.
    """

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} sha256:{self.sha256}"


def digest_of(folder: Path) -> str:
    """Return the SHA-256 over the Python and YAML files below a folder."""
    made = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".yaml") and path.is_file() and "__pycache__" not in path.parts:
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            made.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    return made.hexdigest()


def calls_of_own(names: Iterable[str]) -> frozenset[Call]:
    """Return the calls that own controls read.

    Raises
    ------
    UserError
        They cannot be loaded.
    """
    return frozenset(CALLS[name] for name in _ask("calls", *names) if name in CALLS)


def judge_own(snapshot: Path, names: Iterable[str], folder: Path) -> None:
    """Judge a stored snapshot by own controls, and write the result's files to a folder.

    Raises
    ------
    UserError
        They cannot be loaded, or a rule failed.
    """
    _ask("judge", str(snapshot.resolve()), str(folder), *names)


def describe_own(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the declarations of own controls, as plain data."""
    return list(_ask("describe", *names))


def _ask(*arguments: str) -> Any:
    """Return what the process apart answers."""
    done = subprocess.run(
        [sys.executable, "-m", "kit.own.judge", *arguments],
        env=offline.environment(os.environ),
        capture_output=True,
        check=False,
    )
    written = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode:
        raise UserError(written[-1] if written else "own_controls: the process that judges ended")
    return parse_json(done.stdout, _MOST) if done.stdout else json.loads("null")
