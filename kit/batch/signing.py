"""The key that signs a batch's packs: tasks name it, the environment alone holds its passphrase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.errors import UserError
from kit.parameters import Run
from kit.warm.environment import PASSPHRASE

if TYPE_CHECKING:
    from kit.pack.keys import SigningKey


def refuse_mismatches(runs: Iterable[Run], signing: Mapping[str, str]) -> None:
    """Raise a `UserError` for the first account whose ``signed`` contradicts the options."""
    from kit.parameters import refuse_mismatch

    for run in runs:
        try:
            refuse_mismatch(run, bool(signing))
        except UserError as error:
            raise UserError(f"account {run.account}: {error}") from None


def try_key(signing: Mapping[str, str], passphrase: Callable[[], str | None]) -> None:
    """Open the key once in this process; its child processes inherit the passphrase.

    Raises
    ------
    UserError, CannotRunError
        As `kit.pack.keys.open_signing_key`.
    """
    entered: list[str] = []

    def record() -> str | None:
        text = passphrase()
        entered.extend([text] if text else [])
        return text

    _open(signing, record)
    if entered:
        os.environ[PASSPHRASE] = entered[-1]


def open_key(signing: Mapping[str, str]) -> SigningKey | None:
    """Open the key with the passphrase in the environment, and remove it there.

    Raises
    ------
    UserError, CannotRunError
        As `kit.pack.keys.open_signing_key`.
    """
    passphrase = os.environ.pop(PASSPHRASE, None)
    return _open(signing, lambda: passphrase)


def _open(signing: Mapping[str, str], passphrase: Callable[[], str | None]) -> SigningKey | None:
    if not signing:
        return None
    from kit.pack.keys import open_signing_key

    names: dict[str, Any] = dict(signing)
    for name in ("key", "certificate"):
        if name in names:
            names[name] = Path(names[name])
    return open_signing_key(**names, passphrase=passphrase)
