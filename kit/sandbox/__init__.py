"""A local AWS on loopback, for the demo and the tests.

`start` serves the sample accounts in ``accounts/*.yaml``. The sandbox answers the operations that
the evidence needs from those files and validates the answers with botocore's models. moto answers
all other operations. The sandbox does not check signatures. It evaluates permissions where
`Sandbox.policies` has a policy or a role's session has session policies. `Faults` spoil answers on
request.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from kit.errors import CannotRunError
from kit.sandbox.faults import Fault, Faults

if TYPE_CHECKING:
    from kit.sandbox.server import Sandbox

__all__ = ["Fault", "Faults", "sample_accounts", "start"]

ON_REQUEST = {"big"}  # slow to collect, so it is loaded only by name


def sample_accounts() -> list[str]:
    """Return the names of all sample accounts, also of those that are loaded only by name."""
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
        Names of sample accounts; None for all but `ON_REQUEST`.
    port
        TCP port; 0 for a free port.
    page_size
        Most items on a page of any list; None for AWS's page sizes.
    copies
        Number of further accounts like each of them: ``demo-1``, ``demo-2`` and so on.

    Returns
    -------
    Sandbox
        Running; a context manager that stops it.

    Raises
    ------
    ValueError
        A sample account does not exist, or its file declares what AWS's models do not allow.
    CannotRunError
        A package of the extra ``sandbox`` is not installed.
    """
    try:
        from kit.sandbox.server import Sandbox  # moto takes half a second to import
    except ModuleNotFoundError as error:
        raise CannotRunError(
            f"the sandbox needs the package {error.name}, which is not installed; install the "
            "kit's extra: pip install 'appstream-evidence-kit[sandbox]'"
        ) from None

    samples = sample_accounts()
    names = [n for n in samples if n not in ON_REQUEST] if accounts is None else list(accounts)
    if unknown := set(names) - set(samples):
        raise ValueError(f"no sample account {', '.join(sorted(unknown))}; write {samples}")
    return Sandbox(names, port=port, page_size=page_size, copies=copies)
