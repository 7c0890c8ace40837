"""What papermill's own command prints where a cell of the kit fails: the line that is the user's."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import click

from kit import terminal


def end_in_a_line() -> None:
    """Let the command ``papermill`` end with the kit's line, without papermill's own traceback.

    The kit's provisioner runs in the process that starts a kernel. In any other process than that
    command's this does nothing.
    """
    cli = sys.modules.get("papermill.cli")
    context = click.get_current_context(silent=True)
    if cli and context and context.command is cli.papermill:
        sys.excepthook = _print


def _print(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    lines: Any = getattr(error, "traceback", ())
    if len(lines) == 1:  # of an error of the kit's, as it renders itself in a kernel
        terminal.line(f"evidence: {lines[0]}", err=True)
    else:
        sys.__excepthook__(kind, error, traceback)
