"""A bag with a signed document and nothing else, sealed in a moment at any level."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from kit.bag import INFO, SIGNATURE, TAG_MANIFEST
from kit.pack.info import _signatures
from kit.pack.keys import SigningKey, open_signing_key
from kit.pack.sign import sign_manifest, sign_pdf
from kit.verify.bag import read_info
from kit.verify.checks import Check
from kit.verify.contents import open_contents
from kit.verify.embedded import read_revocations
from kit.verify.judged import Reader
from kit.verify.kinds import PDF
from kit.verify.signatures import check_signatures, read_roots
from tests.pack.services import Services


def opened(
    services: Services, label: str = "by-ocsp", level: str = "", timestamp: str | None = None
) -> SigningKey:
    """Open the key of one of the authority's signers."""
    key, chain = services.issue(label, "issuer")
    url = services.timestamps if timestamp is None else timestamp
    made = open_signing_key(key, chain, timestamp=url, level=level, passphrase=lambda: None)
    assert made
    return made


def sealed(folder: Path, document: bytes, key: SigningKey, over: SigningKey | None = None) -> Path:
    """Write a bag with a document signed by a key, and the manifest by it or by another."""
    (folder / "data").mkdir(parents=True)
    (folder / PDF).write_bytes(sign_pdf(document, key))
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (folder / INFO).write_text(f"Signature: {_signatures(key)}\n")
    (folder / TAG_MANIFEST).write_text(f"{'0' * 64}  manifest-sha256.txt\n")
    sign_manifest(folder, over or key)
    return folder


def copied(bag: Path, to: Path) -> Path:
    return Path(shutil.copytree(bag, to))


def checks_of(
    bag: Path, trust: Path | None = None, revocations: Sequence[Path] = ()
) -> list[Check]:
    """Check the signatures of a bag and nothing else of it."""
    reader = Reader(read_roots(trust), read_revocations(revocations))
    with open_contents(bag) as contents:
        return list(check_signatures(contents, read_info(contents), reader))


def result_of(
    bag: Path, trust: Path | None = None, revocations: Sequence[Path] = ()
) -> SimpleNamespace:
    """Return the levels and what is shown of revocation, by file, and the failed checks."""
    checks = checks_of(bag, trust, revocations)
    levels, shown = {}, {}
    for check in checks:
        if check.ok and check.message.startswith("level "):
            levels[check.subject] = check.message.removeprefix("level ").partition(";")[0]
            shown[check.subject] = not check.note
    return SimpleNamespace(
        document=levels.get(PDF),
        manifest=levels.get(SIGNATURE),
        shown=shown,
        failed={check.subject: check.message for check in checks if not check.ok},
        lines=[check.line for check in checks],
    )
