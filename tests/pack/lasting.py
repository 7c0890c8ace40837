"""A bag with a signed document and nothing else, sealed in a moment at any level."""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from asn1crypto import crl, parser
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, StreamObject, pdf_name

from kit.bag import INFO, SIGNATURE, TAG_MANIFEST
from kit.pack import sign
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
from tests.pack.services import NOW, Services


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


def with_store(signed: bytes, **lists: Sequence[bytes | StreamObject]) -> bytes:
    """Append a document security store to a PDF, as anybody can, with anything in it."""
    writer = sign._Appending(io.BytesIO(signed))
    store = DictionaryObject()
    for name, contents in lists.items():
        store[pdf_name(f"/{name}")] = ArrayObject(
            [
                writer.add_object(
                    content
                    if isinstance(content, StreamObject)
                    else StreamObject(stream_data=content)
                )
                for content in contents
            ]
        )
    writer.root[pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def compressed(size: int) -> StreamObject:
    """Return a stream that unpacks to a number of zeros."""
    filters = {pdf_name("/Filter"): pdf_name("/FlateDecode")}
    return StreamObject(dict_data=filters, encoded_data=zlib.compress(bytes(size), 1))


def long_crl(services: Services, entries: int) -> bytes:
    """Return a CRL with very many entries, signed by the authority."""
    made = crl.CertificateList.load(services.crl({"by-crl": NOW}).read_bytes())
    listed = made["tbs_cert_list"]
    head = b"".join(
        listed[name].dump()
        for name in ("version", "signature", "issuer", "this_update", "next_update")
    )
    body = _sequence(head + _sequence(listed["revoked_certificates"][0].dump() * entries))
    signature = services.keys["issuer"].sign(body, ec.ECDSA(hashes.SHA256()))
    algorithm = made["signature_algorithm"].dump()
    return _sequence(body + algorithm + parser.emit(0, 0, 3, b"\0" + signature))


def nested(depth: int) -> bytes:
    """Return DER that is nested very deep."""
    content = b"\x05\x00"
    for _ in range(depth):
        content = _sequence(content)
    return content


def _sequence(content: bytes) -> bytes:
    return parser.emit(0, 1, 16, content)
