"""Whether a pack is what it states: its files, findings, evidence and signatures.

The kit runs, fetches and writes nothing of a pack. It renders nothing of it but own cells' plain data,
to compare the pages around them with those of a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.catalogue import texts
from kit.snapshot import Snapshot, read
from kit.verify.bag import check_bag, read_info
from kit.verify.checks import NO_SIGNATURE, Check, bounded, ending, not_compared
from kit.verify.contents import Contents, open_contents
from kit.verify.document import check_document
from kit.verify.embedded import read_revocations
from kit.verify.findings import check_findings
from kit.verify.info import check_info, check_overview_info
from kit.verify.judged import Reader
from kit.verify.kinds import (
    ACCOUNT,
    ACCOUNTS_WORKBOOK,
    EVIDENCE,
    HTML,
    PDF,
    WORKBOOK,
    check_kind,
    kind_of,
)
from kit.verify.maker import maker_of
from kit.verify.own import check_own, check_own_again
from kit.verify.page import check_page
from kit.verify.readme import check_readme
from kit.verify.refused import RefusedError
from kit.verify.signatures import check_signatures, read_roots
from kit.verify.workbook import check_workbook

__all__ = ["NO_SIGNATURE", "Check", "ending", "verify"]


def verify(
    pack: Path,
    trust: Path | None = None,
    against: Path | None = None,
    revocations: Sequence[Path] = (),
    *,
    own_controls: bool = False,
) -> list[Check]:
    """Check everything that a pack states about itself.

    Parameters
    ----------
    pack : Path
        The bag, the folder of a run that has it in ``pack``, or a zip of the bag.
    trust : Path, optional
        PEM file of the certificates below which a signer, or a timestamp's service, is trusted.
    against : Path, optional
        A stored snapshot, which is evaluated again: it has to give the same findings and evidence.
    revocations : sequence of Path
        Files of CRLs and OCSP responses, which count beside those in the pack.

    own_controls : bool
        Whether own controls that are installed here judge that snapshot again; `against` is needed.

    Returns
    -------
    list of Check
        The pack is what it states where all of them are ok.

    Raises
    ------
    UserError
        There is no pack, no certificate to trust, no CRL or OCSP response in a file, no snapshot,
        or no key for its labels.
    CannotRunError
        The pack may not be read.
    """
    reader = Reader(read_roots(trust), read_revocations(revocations))
    stored = read(against) if against else None
    language = texts.chosen()
    texts.choose(texts.REFERENCE)
    try:
        with open_contents(pack) as contents:
            return list(_look(contents, reader, stored, own_controls=own_controls))
    except RefusedError as error:
        return [
            Check(error.name, False, f"refused, and nothing else was looked at: it {error.message}")
        ]
    finally:
        texts.choose(language)


def _look(
    contents: Contents, reader: Reader, stored: Snapshot | None, *, own_controls: bool = False
) -> Iterator[Check]:
    """Yield every check; what executes code that is not the kit's comes last."""
    sound = True
    for check in _checks(contents, reader, stored):
        sound = sound and check.ok
        yield check
    info = read_info(contents)
    if kind_of(contents, info) is ACCOUNT:
        yield from check_own_again(contents, info, stored if own_controls else None, sound=sound)


def _checks(contents: Contents, reader: Reader, stored: Snapshot | None) -> Iterator[Check]:
    yield from bounded(check_bag(contents))
    info = read_info(contents)
    kind = kind_of(contents, info)
    yield from bounded(check_kind(contents, info, kind))
    yield from check_signatures(contents, info, reader)
    if kind is ACCOUNT:
        yield from bounded(check_findings(contents, info))
    checks, manifest = check_document(contents, info, attached=kind is ACCOUNT)
    yield from bounded(checks)
    maker = maker_of(info)
    checks, page = check_page(contents, info, maker, of_an_account=kind is ACCOUNT)
    yield from bounded(checks)
    if page:
        maker = maker.of_language(page.language)
    if kind:
        yield from check_readme(contents, info, maker)
    if kind is ACCOUNT:
        yield from bounded(check_info(contents, info, manifest))
        yield from check_own(contents, info, page)
    elif kind:
        yield from check_overview_info(contents, info, kind.files[-1])
    for name in (WORKBOOK, ACCOUNTS_WORKBOOK):
        if name in contents.sizes:
            yield from check_workbook(contents, name)
    # What makes a pack's files takes long to import, and is needed here alone.
    if kind is ACCOUNT and stored:
        from kit.verify.again import check_against

        yield from bounded(check_against(contents, info, stored))
        return
    if kind is ACCOUNT:
        from kit.verify.forms import check_forms

        yield from check_forms(contents, manifest, page, maker)
    how = f"made by {maker.name}" + ("; --against SNAPSHOT makes them again" * (kind is ACCOUNT))
    if kind is ACCOUNT:
        yield not_compared(f"other members of the records in {EVIDENCE.rpartition('/')[0]}", how)
    for name in (HTML, PDF, ACCOUNTS_WORKBOOK):
        if name in contents.sizes:
            attached = " and of what is attached to it" if name == PDF and kind is ACCOUNT else ""
            yield not_compared(f"other texts of {name}{attached}", how)
