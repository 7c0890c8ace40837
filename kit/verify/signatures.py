"""A pack's signatures: who signed it, and whether its files are still the signed files.

Nothing is fetched: a signer is trusted only below the certificates that the reader names.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation import async_validate_detached_cms, async_validate_pdf_signature
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from kit.bag import INFO, SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.bounds import CERTIFICATES, read_file
from kit.errors import UserError
from kit.pack.event_loop import apart
from kit.verify.checks import NO_SIGNATURE, NO_TRUST, Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import HTML, PDF
from kit.verify.pdf import opened

_MARK = re.compile(rb'<span class="page-mark">([^<]{1,200})</span>')
_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
)
_HASHES = ("sha256", "sha384", "sha512")
Roots = Sequence[asn1.Certificate]


@dataclass(frozen=True)
class _Status:
    """A signature that was looked at: whose, whether it holds, why the signer is not trusted."""

    signer: asn1.Certificate
    holds: bool
    trusted: bool
    why_not: str


def read_roots(path: Path | None) -> Roots:
    """Read the certificates that the reader trusts from a PEM file.

    Raises
    ------
    UserError
        It cannot be read or holds none.
    """
    if not path:
        return ()
    try:
        roots = tuple(load_certs_from_pemder_data(read_file(path, CERTIFICATES)))
        for root in roots:
            root.native  # noqa: B018  (parsed as a whole, or a ValueError)
        return roots
    except OSError as error:
        raise UserError(f"--trust: {path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError):
        raise UserError(f"--trust: {path} holds no PEM certificate") from None


def check_signatures(contents: Contents, info: Mapping[str, str], roots: Roots) -> Iterator[Check]:
    """Yield the checks of the signatures over the tag manifest and in the PDF.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        Labels and values of ``bag-info.txt``; its ``Signature`` names the files that must be there.
    roots : sequence of certificates
        Whom the reader trusts; empty to look at integrity alone.
    """
    _quiet()
    stated = info.get("Signature", "none")
    if HTML in contents.sizes:
        yield _printed(contents, signed=stated != "none")
    if stated == "none":
        yield from _unsigned(contents, roots)
        return
    for name in (SIGNATURE, TIMESTAMP, PDF):
        if (name in stated) != (name in contents.sizes):
            there = "there" if name in contents.sizes else "missing"
            yield failed(INFO, f"what its Signature names: {stated}", f"{name} {there}")
    checks, by, moment = _over_manifest(contents, roots)
    yield from checks
    check, in_pdf = _looked(PDF, _pdf_signature, contents, roots, moment)
    yield check
    if by and in_pdf and by.dump() != in_pdf.dump():
        yield failed(PDF, f"the signer of {SIGNATURE}: {_name(by)}", _name(in_pdf))


def check_manifest_signature(contents: Contents, roots: Roots) -> tuple[list[Check], str]:
    """Return the checks of the signature over the tag manifest, and who made it.

    Parameters
    ----------
    contents : Contents
    roots : sequence of certificates
        Whom the reader trusts; empty to look at integrity alone.
    """
    _quiet()
    checks, by, _ = _over_manifest(contents, roots)
    return checks, _name(by) if by else ""


def _quiet() -> None:
    """Keep the libraries' own reports of a forged signature off the terminal."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _over_manifest(
    contents: Contents, roots: Roots
) -> tuple[list[Check], asn1.Certificate | None, dt.datetime | None]:
    """Return the checks of the signature and of its timestamp, the signer and the trusted time."""
    checks, moment = [], None
    if TIMESTAMP in contents.sizes:
        check, moment = _timestamp(contents, roots)
        checks.append(check)
    check, by = _looked(SIGNATURE, _manifest_signature, contents, roots, moment)
    return [*checks, check], by, moment


def _printed(contents: Contents, *, signed: bool) -> Check:
    """Check the mark on the pages; the kit reads the HTML as text and nothing more."""
    try:
        marks = _MARK.findall(contents.read(HTML))
    except UnreadableError as error:
        return failed(HTML, "a page", f"it {error}")
    words = "Signed" if signed else "Unsigned"
    # In any language the mark names the file of the signature.
    if any(mark.startswith(b"Signed:") or SIGNATURE.encode() in mark for mark in marks) != signed:
        printed = b", ".join(marks).decode("utf-8", "replace") or "neither"
        return failed(HTML, f"{words} on its pages, as {INFO} states", printed)
    return passed(HTML, f"{words} on its pages, as {INFO} states")


def _unsigned(contents: Contents, roots: Roots) -> Iterator[Check]:
    files = [name for name in (SIGNATURE, TIMESTAMP) if name in contents.sizes]
    if files:
        yield failed(INFO, "no signature, as it states", ", ".join(files), NO_SIGNATURE)
    if roots:
        wanted = "a signature by a signer below a certificate of --trust"
        yield failed("signature", wanted, "an unsigned pack", NO_SIGNATURE)
    elif not files:
        yield passed(INFO, "the pack is unsigned, as it states", NO_SIGNATURE)


def _looked(
    subject: str, look: Any, contents: Contents, roots: Roots, moment: dt.datetime | None
) -> tuple[Check, asn1.Certificate | None]:
    """Check a signature; bytes that are not a signature yield a failed check, not an error."""
    try:
        status, message = apart(asyncio.run, look(contents, roots, moment))
    except UnreadableError as error:
        return failed(subject, "a signature, as bag-info.txt states", f"it {error}"), None
    except Exception as error:
        return failed(subject, "a signature, as bag-info.txt states", _reason(error)), None
    if not status.holds:
        return failed(
            subject, f"a signature of what is there, by {_name(status.signer)}", message
        ), None
    if roots and not status.trusted:
        name = f"{_name(status.signer)}: {status.why_not}"
        return failed(subject, "a signer below a certificate of --trust", name), None
    trust = "trusted" if roots else "signer not checked: name whom you trust with --trust"
    leaves_open = "" if roots else NO_TRUST
    if not status.trusted and (when := _out_of_time(status.signer, dt.datetime.now(dt.UTC))):
        trust += f"; {when}"
    text = f"{message}, by {_name(status.signer)}; {trust}"
    return passed(subject, text, leaves_open), status.signer


async def _manifest_signature(
    contents: Contents, roots: Roots, moment: dt.datetime | None
) -> tuple[_Status, str]:
    signed = cms.ContentInfo.load(contents.read(SIGNATURE), strict=True)["content"]
    _agree_on_hash(signed)
    status = await async_validate_detached_cms(
        contents.read(TAG_MANIFEST),
        signed,
        signer_validation_context=_context(roots, moment),
        key_usage_settings=_USAGE,
    )
    message = f"intact over {TAG_MANIFEST}" if status.intact and status.valid else "another content"
    return _status(status, status.intact and status.valid, moment), message


async def _pdf_signature(
    contents: Contents, roots: Roots, moment: dt.datetime | None
) -> tuple[_Status, str]:
    embedded = list(_reader(contents).embedded_signatures)
    if len(embedded) != 1:
        raise ValueError(f"{len(embedded)} signatures in the PDF")
    _agree_on_hash(embedded[0].signed_data)
    for attribute in embedded[0].signer_info["unsigned_attrs"] or ():
        if attribute["type"].native == "signature_time_stamp_token":
            _agree_on_hash(attribute["values"][0]["content"])
    status = await async_validate_pdf_signature(
        embedded[0],
        signer_validation_context=_context(roots, moment),
        ts_validation_context=_context(roots),
        key_usage_settings=_USAGE,
    )
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    holds = status.intact and status.valid and whole and bool(status.docmdp_ok)
    stamp = status.timestamp_validity
    if stamp and not (stamp.intact and stamp.valid):
        holds = False
    if not holds:
        message = (
            "a signature that does not cover the whole file" if status.intact else "another content"
        )
    else:
        message = "intact over the whole file, nothing added since"
        message += f", timestamp {_time(stamp.timestamp)}" if stamp else ""
    return _status(status, holds, moment), message


def _timestamp(contents: Contents, roots: Roots) -> tuple[Check, dt.datetime | None]:
    """Check the timestamp over the signature, and return its time where it is trusted."""
    try:
        response = tsp.TimeStampResp.load(contents.read(TIMESTAMP), strict=True)
        if response["status"]["status"].native != "granted":
            raise ValueError("a reply that grants no timestamp")
        token = response["time_stamp_token"]
        _agree_on_hash(token["content"])
        signature = contents.read(SIGNATURE)
        status = TimestampSignatureStatus(
            **apart(
                asyncio.run,
                validate_tst_signed_data(
                    token["content"],
                    _context(roots),
                    lambda name: hashlib.new(name, signature).digest(),
                ),
            )
        )
    except Exception as error:
        return failed(TIMESTAMP, f"a timestamp over {SIGNATURE}", _reason(error)), None
    service = _name(status.signing_cert)
    if not (status.intact and status.valid):
        return failed(
            TIMESTAMP, f"a timestamp over {SIGNATURE}", f"a timestamp over another, by {service}"
        ), None
    message = f"{SIGNATURE} was there at {_time(status.timestamp)}, by {service}"
    if status.trusted:
        return passed(TIMESTAMP, f"{message}; trusted"), status.timestamp
    why = "no certificate of --trust is above it" if roots else "service not checked"
    return passed(TIMESTAMP, f"{message}; {why}"), None


def _status(status: Any, holds: bool, moment: dt.datetime | None) -> _Status:
    """Return pyHanko's result, with the reason in plain words where it does not trust a signer."""
    signer, problem = status.signing_cert, status.trust_problem_indic
    why = _out_of_time(signer, moment or dt.datetime.now(dt.UTC))
    if not why and problem == AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND:
        why = "no certificate of --trust is above it"
    if not why:
        name = problem.standard_name if problem else "no reason given"
        why = f"the certificates above it do not hold ({name})"
    return _Status(signer, holds, status.trusted, why)


def _out_of_time(certificate: asn1.Certificate, moment: dt.datetime) -> str:
    if moment < certificate.not_valid_before:
        return f"its certificate is valid only from {_time(certificate.not_valid_before)} on"
    if moment > certificate.not_valid_after:
        return f"its certificate expired on {_time(certificate.not_valid_after)}"
    return ""


def _agree_on_hash(signed: Any) -> None:
    """Refuse all but SHA-2, and a list of hashes other than the signer's, which nothing covers."""
    listed = [digest["algorithm"].native for digest in signed["digest_algorithms"]]
    used = [signer["digest_algorithm"]["algorithm"].native for signer in signed["signer_infos"]]
    if listed != used:
        raise ValueError(f"a list of hashes, {listed}, other than the signer's, {used}")
    stamped = signed["encap_content_info"]["content"].parsed if _is_stamp(signed) else None
    if stamped:
        used.append(stamped["message_imprint"]["hash_algorithm"]["algorithm"].native)
    for signer in signed["signer_infos"]:
        if "_" in signer["signature_algorithm"]["algorithm"].native.removeprefix("rsassa_"):
            used.append(signer["signature_algorithm"].hash_algo)
    for name in used:
        if name not in _HASHES:
            raise ValueError(
                f"a signature with {name}; the kit accepts SHA-2 only ({', '.join(_HASHES)})"
            )


def _is_stamp(signed: Any) -> bool:
    return bool(signed["encap_content_info"]["content_type"].native == "tst_info")


def _reader(contents: Contents) -> PdfFileReader:
    with opened(contents):  # pyHanko has no bounds of its own
        pass
    return PdfFileReader(io.BytesIO(contents.read(PDF)))


def _context(roots: Roots, moment: dt.datetime | None = None) -> ValidationContext:
    """Trust these and nobody else, fetch nothing, judge as of a trusted timestamp or of now."""
    return ValidationContext(
        trust_roots=list(roots), allow_fetching=False, moment=moment, best_signature_time=moment
    )


def _name(certificate: asn1.Certificate) -> str:
    """Subject, serial and SHA-256 as `openssl x509 -fingerprint` prints them."""
    digest = hashlib.sha256(certificate.dump()).digest().hex(":").upper()
    subject = certificate.subject.human_friendly
    return f"{subject} (serial {certificate.serial_number:X}, SHA-256 {digest})"


def _time(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _reason(error: Exception) -> str:
    return f"{error}".partition("\n")[0][:300] or type(error).__name__
