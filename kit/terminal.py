"""Everything that a command prints: no name from outside breaks, colours, hides or forges a line.

`line` prints a single line, whatever the text holds. `page` prints texts of several lines that the
kit itself lays out. `guarded` holds for what libraries print beside them: tracebacks, warnings,
usage errors. `typed` is the command itself, for the commands that messages name.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from kit.visible import escape, one_line

# tqdm draws a bar anew from the beginning of its line; nothing else may lead back there.
_REDRAWN = re.compile("\r*")


def line(text: str, *, err: bool = False) -> None:
    """Print a text as a single line in which everything can be seen."""
    click.echo(one_line(text), err=err)


def page(text: str) -> None:
    """Print lines as they are laid out; within each, everything can be seen."""
    click.echo(escape(text).removesuffix("\n"))


def typed() -> str:
    """Return the command as it was typed, such as .venv/bin/evidence, for commands to copy."""
    name = sys.argv[0]
    return name if Path(name).name == "evidence" and not shutil.which("evidence") else "evidence"


@contextmanager
def guarded() -> Iterator[None]:
    """Escape whatever anybody prints meanwhile; an error that nobody expected ends the process."""
    usual = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Visible(stream) for stream in usual)
    try:
        yield
    except Exception:  # as the interpreter would print it, but for what nobody would see
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout, sys.stderr = usual


class _Visible:
    """A stream that escapes what nobody would see, and what its encoding does not have."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        start = _REDRAWN.match(text)[0]  # type: ignore[index]
        shown = start + escape(text[len(start) :])
        encoding = self._stream.encoding or "utf-8"
        with self._read_or_not():
            self._stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        with self._read_or_not():
            self._stream.flush()

    @contextmanager
    def _read_or_not(self) -> Iterator[None]:
        """Let a command end as it would, although nobody reads on: ``evidence verify pack | head``.

        What is left goes to the empty device, so that flushing it at exit fails neither.
        https://docs.python.org/3/library/signal.html#note-on-sigpipe
        """
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def writelines(self, lines: Any) -> None:
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
