"""What a long command is doing: a line for each phase, on standard error.

In a notebook the line is a display that is updated in place: JupyterLab shows standard error on
red, as if something were wrong.
"""

from __future__ import annotations

import sys
from typing import Any, Self

from tqdm import tqdm

_COUNTED = "{desc}: {n_fmt} of {total_fmt} {unit} |{bar:20}| {elapsed}{postfix}"
_OPEN_ENDED = "{desc}: {n_fmt} {unit}, {elapsed}{postfix}"
_TO_A_FILE = 30  # seconds between two lines where no terminal shows them in place


class Phase:
    """A phase of a command.

    Parameters
    ----------
    name : str
        What is being done: "collecting".
    unit : str
        The noun of what is counted: "answers".
    total : int, optional
        How many there will be, where that is known. A total that grows would let the bar run back.
    shown : bool
        Whether anything is shown.
    """

    def __init__(self, name: str, unit: str, total: int | None = None, *, shown: bool = True):
        self._bar: Any = tqdm(total=total, disable=not shown, **_settings(name, unit, total))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance(self, count: int = 1) -> None:
        """Count what was done."""
        self._bar.update(count)

    def note(self, text: str) -> None:
        """Show what is being done now."""
        self._bar.set_postfix_str(text)

    def close(self) -> None:
        """Leave the line as it is."""
        self._bar.set_postfix_str("", refresh=False)
        self._bar.close()


def papermill_bar(name: str, shown: bool) -> dict[str, Any] | bool:
    """Return papermill's ``progress_bar`` for the cells of a notebook as a phase."""
    return _settings(name, "cells", 0) if shown else False


def _settings(name: str, unit: str, total: int | None) -> dict[str, Any]:
    shell = _notebook_shell()
    file = _InPlace() if shell else sys.stderr
    live = shell is not None or sys.stderr.isatty()
    return {
        "desc": name,
        "unit": unit,
        "file": file,
        "bar_format": _OPEN_ENDED if total is None else _COUNTED,
        "mininterval": 0.1 if live else _TO_A_FILE,
        "dynamic_ncols": True,
    }


def _notebook_shell() -> Any:
    """Return the shell of the kernel that this process is, or None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "kernel") else None


class _InPlace:
    """A file whose last line is a display in the cell's output."""

    def __init__(self) -> None:
        self._display: Any = None

    def write(self, text: str) -> None:
        """Show a line in place of the line before it."""
        line = text.strip("\r\n\x1b[A ")
        if not line:
            return
        bundle = {"text/plain": line}
        if self._display is None:
            from IPython.display import display

            self._display = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._display.update(bundle, raw=True)

    def flush(self) -> None:
        """Do nothing: a display is shown at once."""
