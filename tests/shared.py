"""What the workers of one run share: the first that asks makes it, the others read it."""

from __future__ import annotations

import fcntl
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


class Shared:
    """What is made once, by name, in a folder that all workers of a run have.

    Each caller gets a copy of its own of what was made; files that belong to it are everybody's,
    so tests that change one copy it.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def __call__(self, name: str, make: Callable[[Path], T]) -> T:
        """Return what ``make`` returned, for whoever asked first.

        Parameters
        ----------
        name : str
            Of the thing; all who ask by this name make the same.
        make : callable
            Makes it, given an empty folder that stays until the run's end; what it returns is pickled.
        """
        kept = self._folder / f"{name}.pickle"
        self._folder.mkdir(exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if not kept.exists():
                    self._make(kept, make)
            finally:
                # A process that was forked meanwhile may hold the file open for longer.
                fcntl.flock(lock, fcntl.LOCK_UN)
        return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]

    def _make(self, kept: Path, make: Callable[[Path], T]) -> None:
        place = kept.with_suffix("")
        shutil.rmtree(place, ignore_errors=True)  # of a maker that failed
        place.mkdir()
        content = pickle.dumps(make(place))
        half = kept.with_suffix(".half")
        half.write_bytes(content)
        half.rename(kept)


def of_run(config: pytest.Config, own: Path) -> Shared:
    """Return what is shared by the workers of the run; ``own`` is this process's base folder."""
    return Shared((own.parent if hasattr(config, "workerinput") else own) / "shared")
