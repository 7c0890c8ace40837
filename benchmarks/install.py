"""Seconds to install the wheel with the lock file in a new environment, and to run its demo.

`tests/test_wheel.py` does the same with the packages of the environment that runs it. This installs
every package of the lock file as `make` does, builds the wheel with them, removes the sources, and
runs the demo in an empty folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PARTS = ("kit", "notebooks", "parameters")
_FILES = ("LICENSE", "Makefile", "README.md", "pyproject.toml")
_LOCKS = ("requirements.lock", "requirements-uv.lock")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the seconds of a step."""
    began = time.perf_counter()
    yield
    print(f"{name}_s={time.perf_counter() - began:.1f}", flush=True)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command to its end, and return what it printed."""
    own = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "JUPYTER_PATH")}
    done = subprocess.run(command, cwd=cwd, env=own, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main() -> None:
    """Print a line for each step."""
    with tempfile.TemporaryDirectory() as folder:
        source, empty = Path(folder) / "source", Path(folder) / "empty"
        empty.mkdir()
        for name in _PARTS:
            left = shutil.ignore_patterns("__pycache__", "my-*.yaml", ".ipynb_checkpoints")
            shutil.copytree(ROOT / name, source / name, ignore=left)
        for name in (*_FILES, *_LOCKS):
            shutil.copy(ROOT / name, source)
        python = source / ".venv" / "bin" / "python"
        with step("install"):
            run("make", ".venv/ready", cwd=source)
        with step("wheel"):
            run(python, "-m", "hatchling", "build", "-t", "wheel", cwd=source)
            (wheel,) = (source / "dist").glob("*.whl")
            run(python, "-m", "pip", "uninstall", "-qy", "appstream-evidence-kit", cwd=source)
            run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=source)
        for name in _PARTS:
            shutil.rmtree(source / name)
        with step("demo"):
            print(run(python.with_name("evidence"), "demo", "--quiet", cwd=empty).splitlines()[0])


if __name__ == "__main__":
    main()
