"""The exceptions for what a user can correct."""

from __future__ import annotations

from kit.visible import one_line


class UserError(Exception):
    """An error that the user can correct; the message names what, where, and what is accepted.

    Commands print it in one or two lines and exit with 2. A notebook shows it without a
    traceback, since the traceback would be about the kit.
    """

    def _render_traceback_(self) -> list[str]:
        return [one_line(f"{type(self).__name__}: {self}")]


class MistakesError(UserError):
    """Several mistakes of a file that people write; commands print a line for each.

    Parameters
    ----------
    lines : list of str
    """

    def __init__(self, lines: list[str]):
        super().__init__("; ".join(lines))
        self.lines = lines


class CannotRunError(UserError):
    """The run could not be carried out (exit code 1), although its parameters are valid."""


class NotAsStatedError(UserError):
    """A pack is not what it states, or nobody whom the reader trusts signed it (exit code 5)."""


class NotEnteredError(UserError):
    """The kit could not sign in to the account, so there is no evidence of it.

    Parameters
    ----------
    message : str
    code : str
        AWS's error code, or the name of botocore's exception.
    """

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code
