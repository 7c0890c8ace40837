"""Controls of an organisation's own, from outside the kit: loaded in a process apart.

A package names its module under the entry-point group `GROUP`; a folder does as well. Beside the
module lie ``texts.yaml`` and ``frameworks/``, in the forms of `kit.catalogue`. The kit loads what a
run names in ``own_controls``, and nothing else that is installed. It reads name, version and digest
first (`kit.own.source`), and loads a copy of the files in a process of its own (`kit.own.judge`), so
that no module of it can reach the kit's controls, verdicts or documents.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kit import bounds
from kit.bounds import parse_json
from kit.calls import CALLS, Call
from kit.errors import UserError
from kit.kernels import offline
from kit.outputs import scratch
from kit.own.source import GROUP, NAME, OwnSet, Source, read_source

__all__ = ["GROUP", "ID", "NAME", "OwnSet", "Source", "calls_of_own", "describe_own"]
__all__ += ["judge_own", "read_sources", "stated_of"]

ID = re.compile(r"OWN-[A-Z0-9]+(?:-[A-Z0-9]+)*")  # of a control of one's own; none of the kit's
RESULT = "controls.json"
COLUMN = "own_controls"  # the first of their findings as CSV: whose they are
_ROOT = Path(__file__).parents[2]


def calls_of_own(names: Iterable[str]) -> frozenset[Call]:
    """Return the calls that own controls read.

    Raises
    ------
    UserError
        They cannot be loaded.
    """
    named = _run("calls", read_sources(names))
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise UserError("own_controls: the process apart returned no names of calls")
    return frozenset(CALLS[name] for name in named if name in CALLS)


def judge_own(snapshot: Path, sources: Sequence[Source], folder: Path) -> None:
    """Judge a copy of a stored snapshot by own controls, and write the result's files to a folder.

    Raises
    ------
    UserError
        They cannot be loaded, or a rule failed.
    """
    with scratch() as space:
        copy = shutil.copytree(snapshot, space / "snapshot")
        given = _run("judge", sources, {"snapshot": str(copy)})
    # The process that writes reads the snapshot itself, and loads no module of theirs.
    request = {"snapshot": str(snapshot.resolve()), "given": given, "to": str(folder.resolve())}
    _run("write", sources, request)


def describe_own(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the declarations of own controls, as plain data.

    Raises
    ------
    UserError
        They cannot be loaded.
    """
    described = []
    for source in read_sources(names):
        returned = _run("describe", [source])
        for entry in returned if isinstance(returned, list) else [returned]:
            try:
                plain = [entry["title"], *entry["expected"]]
                if not ID.fullmatch(entry["id"]) or not all(isinstance(p, str) for p in plain):
                    raise ValueError
            except (LookupError, TypeError, ValueError):
                problem = "the process apart returned no declarations"
                raise UserError(f"own_controls: {source.given}: {problem}") from None
            described.append(entry | {"own": str(source.own)})
    return described


def read_sources(names: Iterable[str], *, installed: bool = False) -> list[Source]:
    """Return the own controls of each name; see `read_source`."""
    return [read_source(name, installed=installed) for name in names]


def stated_of(sets: Iterable[OwnSet]) -> str:
    """Return what ``bag-info.txt`` states of own controls."""
    return "; ".join(map(str, sets))


def _run(verb: str, sources: Sequence[Source], more: Mapping[str, Any] | None = None) -> Any:
    """Return the result of a process apart, which has copies and a working directory of its own."""
    module = "kit.own.write" if verb == "write" else "kit.own.judge"
    with scratch() as space:
        places = [source.write(space / f"own-{n}") for n, source in enumerate(sources)]
        sets: list[dict[str, Any]] = [
            {"given": source.given, "folder": str(place), "module": source.module}
            | {"own": list(source.own)}
            for source, place in zip(sources, places, strict=True)
        ]
        request = {"verb": verb, "sets": sets, "result": str(space / "result.json"), **(more or {})}
        (space / "request.json").write_text(json.dumps(request))
        (space / "empty").mkdir()
        done = subprocess.run(
            # -P: no module of the working directory comes before the kit's and Python's.
            [sys.executable, "-P", "-B", "-m", module, str(space / "request.json")],
            env=offline.environment(os.environ) | {"PYTHONPATH": _python_path()},
            cwd=space / "empty",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            written = done.stderr.decode(errors="replace").strip().splitlines()
            message = written[-1] if written else f"own_controls: the process {module} ended"
            for source, place in zip(sources, places, strict=True):
                message = message.replace(str(place), str(source.folder))
            raise UserError(message)
        try:
            result = bounds.read_file(space / "result.json", bounds.PACK_FILE)
            return parse_json(result, bounds.PACK_FILE)
        except (OSError, ValueError, RecursionError):
            raise UserError(f"own_controls: the process {module} left no result") from None


def _python_path() -> str:
    """Return ``PYTHONPATH`` with whole paths, and where this kit lies if it is not installed."""
    given = [
        str(Path(path).absolute())
        for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if path
    ]
    installed = _ROOT.name in ("site-packages", "dist-packages")
    return os.pathsep.join(given if installed else dict.fromkeys([*given, str(_ROOT)]))
