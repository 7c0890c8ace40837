"""Why the kit does not open a pack."""

from __future__ import annotations


class RefusedError(Exception):
    """The kit does not open a pack that is built so; the message names the fault."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name
        self.message = message
