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
from typing import Any, Literal, TextIO

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
    """Escape whatever anybody prints meanwhile; an error that nobody expected ends the process.

    A standard stream that cannot be written to, or is closed, costs a command nothing but what it
    prints. Where that was on standard output, a line on standard error states it, and the exit code
    is not 0.
    """
    usual = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = sys.stdin or _empty("r")
    out, err = (_Visible(stream or _empty("w"), stream is None) for stream in usual[1:])
    sys.stdout, sys.stderr = out, err
    try:
        yield
    except SystemExit as ended:
        out.flush()
        if not out.lost:
            raise
        line(f"evidence: standard output: {out.lost}; what the command printed is lost", err=True)
        sys.exit(ended.code or 1)
    except Exception:  # as the interpreter would print it, but for what nobody would see
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdin, sys.stdout, sys.stderr = usual


def _empty(mode: Literal["r", "w"]) -> TextIO:
    """Open the empty device for the first standard stream that is closed.

    Else the next file would have that stream's number, and whatever a library prints.
    """
    number = os.open(os.devnull, os.O_RDWR)
    os.set_inheritable(number, True)
    return open(number, mode, encoding="utf-8", closefd=False)


class _Visible:
    """A stream that escapes what nobody would see, and what its encoding does not have.

    Parameters
    ----------
    stream : file
    closed : bool
        Whether the stream stands for one that is closed.

    Attributes
    ----------
    lost : str
        Why something that was printed is lost; empty where nothing is, or where a reader left.
    """

    def __init__(self, stream: TextIO, closed: bool = False):
        self._stream = stream
        self._closed = closed
        self.lost = ""

    def write(self, text: str) -> int:
        start = _REDRAWN.match(text)[0]  # type: ignore[index]
        shown = start + escape(text[len(start) :])
        encoding = self._stream.encoding or "utf-8"
        with self._written_or_not():
            self._stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        if self._closed:
            self.lost = "is closed"
        return len(text)

    def flush(self) -> None:
        with self._written_or_not():
            self._stream.flush()

    @contextmanager
    def _written_or_not(self) -> Iterator[None]:
        """Let a command end as it would, although nobody reads on: ``evidence verify pack | head``.

        What is left goes to the empty device, so that flushing it at exit fails neither.
        https://docs.python.org/3/library/signal.html#note-on-sigpipe
        """
        try:
            yield
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.lost = f"cannot be written to ({error.strerror})"
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def writelines(self, lines: Any) -> None:
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
