"""Whether a pack is what it says: its files, findings, evidence and signatures.

Nothing of a pack is run, rendered, fetched or written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kit.pack.verify.bag import check_bag, read_info
from kit.pack.verify.checks import Check
from kit.pack.verify.contents import Contents, RefusedError, open_contents
from kit.pack.verify.document import check_document
from kit.pack.verify.findings import PARQUET, check_findings
from kit.pack.verify.signatures import Roots, check_signatures, read_roots

__all__ = ["Check", "verify"]


def verify(pack: Path, trust: Path | None = None) -> list[Check]:
    """Look at everything that a pack says of itself.

    Parameters
    ----------
    pack : Path
        The bag, the folder of a run that has it in ``pack``, or a zip of the bag.
    trust : Path, optional
        PEM file of the certificates below which a signer, or a timestamp's service, is trusted.

    Returns
    -------
    list of Check
        The pack is what it says where all of them are ok.

    Raises
    ------
    UserError
        There is no pack, or no certificate to trust.
    CannotRunError
        The pack may not be read.
    """
    roots = read_roots(trust)
    try:
        with open_contents(pack) as contents:
            return list(_look(contents, roots))
    except RefusedError as error:
        return [
            Check(error.name, False, f"refused, and nothing else was looked at: it {error.told}")
        ]


def _look(contents: Contents, roots: Roots) -> Iterator[Check]:
    yield from check_bag(contents)
    info = read_info(contents)
    yield from check_signatures(contents, info, roots)
    # Overviews of many packs hold neither findings nor evidence.
    of_an_account = "Account" in info or PARQUET in contents.sizes
    if of_an_account:
        yield from check_findings(contents, info)
    yield from check_document(contents, info, attached=of_an_account)
