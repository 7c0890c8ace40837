"""A local AWS on loopback, for the demo and the tests.

`start` serves the sample accounts in ``accounts/*.yaml``: what the evidence needs is answered from
those files, checked against botocore's models; whatever else a client asks is moto's to answer.
Signatures are not checked; permissions are evaluated where `Sandbox.policies` has a policy, and
`Faults` deny on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from kit.sandbox.faults import Fault, Faults

if TYPE_CHECKING:
    from kit.sandbox.server import Sandbox

__all__ = ["Fault", "Faults", "sample_accounts", "start"]

ON_REQUEST = {"big"}  # slow to collect, so it is there only when named


def sample_accounts() -> list[str]:
    """Return the names of all sample accounts, those among them that must be asked for by name."""
    folder = files("kit.sandbox") / "accounts"
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def start(
    accounts: Sequence[str] | None = None,
    *,
    port: int = 0,
    page_size: int | None = None,
    copies: int = 0,
) -> Sandbox:
    """Start a sandbox on 127.0.0.1, in a thread of this process, and load sample accounts.

    Parameters
    ----------
    accounts
        Names of sample accounts; None for all that need not be asked for by name.
    port
        TCP port; 0 takes a free one.
    page_size
        At most so many items on any page of any list; None leaves AWS's own page sizes.
    copies
        So many more accounts like each of them: ``demo-1``, ``demo-2`` and so on.

    Returns
    -------
    Sandbox
        Running; a context manager that stops it.

    Raises
    ------
    ValueError
        There is no such sample account, or its file declares what AWS's models do not allow.
    """
    from kit.sandbox.server import Sandbox  # moto takes half a second to import

    known = sample_accounts()
    wanted = [n for n in known if n not in ON_REQUEST] if accounts is None else list(accounts)
    if unknown := set(wanted) - set(known):
        raise ValueError(f"no sample account {', '.join(sorted(unknown))}; known: {known}")
    return Sandbox(wanted, port=port, page_size=page_size, copies=copies)
