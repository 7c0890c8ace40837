"""The one exception for what a user can put right."""

from __future__ import annotations


class UserError(Exception):
    """A mistake that the user can mend; the message says where and how.

    Commands print it in one or two lines and exit with 2; in a notebook it is
    shown without a traceback, since the traceback would be about the kit.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class CannotRunError(UserError):
    """The run could not be carried out (exit code 1): nothing was wrong with what was asked."""


class NotAsStatedError(UserError):
    """A pack is not what it states, or nobody whom the reader trusts signed it (exit code 5)."""


class NotEnteredError(UserError):
    """Nobody could log in to the account, so there is no evidence of it at all.

    Parameters
    ----------
    message : str
    code : str
        AWS's error code, or the name of botocore's exception.
    """

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code
