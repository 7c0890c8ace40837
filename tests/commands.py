"""Commands of the kit, run in this process: what they write and how they end.

A process of its own spends two seconds on imports. Tests start one where signals, kernels, what
a process inherits, or the installed command itself are at stake.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from kit.cli import main


@dataclass(frozen=True)
class Done:
    """What `subprocess.CompletedProcess` has of a command that ended."""

    returncode: int
    stdout: str
    stderr: str


def evidence(
    *arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> Done:
    """Run a command in a folder; no command may end with a traceback."""
    # No other test's key of the labels, which a run would name.
    own = {"XDG_CONFIG_HOME": f"{cwd}-config", **(environment or {})}
    with chdir(cwd), patch.dict(os.environ, own):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.stderr, result.stderr
    return Done(result.exit_code, result.stdout, result.stderr)
