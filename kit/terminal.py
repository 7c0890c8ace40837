"""Everything that a command prints: no name from outside breaks, colours, hides or forges a line.

`line` prints a single line, whatever the text holds. `page` prints texts of several lines that the
kit itself lays out. `guarded` holds for what libraries print beside them: tracebacks, warnings,
usage errors.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
