"""A pack's signatures, judged: by whom, when, how long that can be checked, and whether revoked.

Nothing is fetched: what counts is in the pack, or is brought along by its reader.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.validation import (
    async_validate_detached_cms,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from kit import bounds
from kit.bag import SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.pack.levels import ARCHIVED, BASIC, LONG, STAMPED
from kit.pack.revocation import (
    GOOD,
    REVOKED,
    Item,
    Standing,
    UnusableError,
    load_item,
    standing_of_chain,
)
from kit.verify.contents import Contents
from kit.verify.embedded import DECODING, in_cms, in_document, refuse_many
from kit.verify.kinds import PDF
from kit.verify.pdf import opened
from kit.verify.revisions import added_since

_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
)
_OTHER_PURPOSES = {"server_auth", "time_stamping", "ocsp_signing"}
_HASHES = ("sha256", "sha384", "sha512")
_ENDS = re.compile(rb"startxref\s+[0-9]+\s+%%EOF\s*\Z")
Roots = Sequence[asn1.Certificate]


@dataclass(frozen=True)
class Reader:
    """What the reader of a pack brings along.

    Attributes
    ----------
    roots : sequence of certificates
        Whom the reader trusts. Where there are none, the topmost certificates of the pack stand
        in for them: the result then has the form of a signature and nobody's trust.
    items : tuple of Item
        CRLs and OCSP responses.
    """

    roots: Roots = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Stamp:
    """A timestamp that was looked at.

    Attributes
    ----------
    time : datetime
    by : certificate
        Of the service.
    fault : str
        Why it is no timestamp over what is there; empty where it is.
    why_not : str
        Why its time proves nothing; empty where it does.
    standing : Standing
        What the pack shows about the revocation of the service.
    """

    time: dt.datetime
    by: asn1.Certificate
    fault: str
    why_not: str
    standing: Standing

    @property
    def proves(self) -> dt.datetime | None:
        """The time, where it proves anything."""
        return None if self.fault or self.why_not else self.time


@dataclass(frozen=True)
class Status:
    """A signature that was looked at.

    Attributes
    ----------
    signer : certificate
    fault : str
        Why it is no signature of what is there; empty where it is.
    message : str
        What it covers.
    why_not : str
        Why the signer is not trusted; empty where the signer is.
    standing : Standing
        What is shown about the revocation of the signer.
    moment : datetime or None
        The proven time of signing.
    level : str
        Of `LEVELS`.
    """

    signer: asn1.Certificate
    fault: str
    message: str
    why_not: str
    standing: Standing
    moment: dt.datetime | None
    level: str


async def judge_timestamp(contents: Contents, reader: Reader) -> Stamp:
    """Judge the timestamp over the signature of the tag manifest.

    Raises
    ------
    UnreadableError, ValueError
        It is none, or holds more than any timestamp does.
    """
    response = tsp.TimeStampResp.load(contents.read(TIMESTAMP), strict=True)
    if response["status"]["status"].native != "granted":
        raise ValueError("a reply that grants no timestamp")
    token = response["time_stamp_token"]["content"]
    signature = contents.read(SIGNATURE)
    signed = cms.ContentInfo.load(signature, strict=True)["content"]
    pool = [*_certificates(signed), *_certificates(token)]
    refuse_many(pool)
    status = await _stamp_status(token, signature, reader, pool)
    time = status.timestamp if status.trusted else None
    items = _items(in_cms(signed).items, time)
    return _judge_stamp(status, None, pool, items, reader.items)


async def judge_manifest(contents: Contents, reader: Reader) -> Status:
    """Judge the signature over the tag manifest.

    Its timestamp covers the signature with all that it carries, so that it proves the time of the
    signature and keeps the revocation data.

    Raises
    ------
    UnreadableError, ValueError
        It is none, or holds more than any signature does.
    """
    signed = cms.ContentInfo.load(contents.read(SIGNATURE), strict=True)["content"]
    agree_on_hash(signed)
    stamp = None
    if TIMESTAMP in contents.sizes:
        try:
            stamp = await judge_timestamp(contents, reader)
        except Exception:
            stamp = None  # a failed check of the timestamp's
    moment = stamp.proves if stamp else None
    pool = _certificates(signed)
    refuse_many(pool)
    status = await async_validate_detached_cms(
        contents.read(TAG_MANIFEST),
        signed,
        signer_validation_context=_context(reader, status_of(signed), pool, moment),
        key_usage_settings=_USAGE,
    )
    fault = "" if status.intact and status.valid else "another content"
    items = _items(in_cms(signed).items, moment)
    return _judge(
        status, fault, f"intact over {TAG_MANIFEST}", pool, items, reader, moment, stamp, stamp
    )


async def judge_pdf(
    contents: Contents, reader: Reader, fallback: dt.datetime | None = None
) -> Status:
    """Judge the signature in the PDF.

    Parameters
    ----------
    contents : Contents
    reader : Reader
    fallback : datetime, optional
        A time at which the PDF is proven to have existed, for a PDF without timestamps.

    Raises
    ------
    UnreadableError, ValueError
        There is not one signature in it, or it holds more than any signature does.
    """
    content = contents.read(PDF)
    with opened(contents):  # pyHanko does not bound how much a PDF holds
        pass
    file = PdfFileReader(io.BytesIO(content), decode_limits=DECODING)
    signatures, stamps = file.embedded_regular_signatures, file.embedded_timestamp_signatures
    if len(signatures) != 1 or len(stamps) > 1:
        raise ValueError(f"{len(signatures)} signatures and {len(stamps)} timestamps in the PDF")
    (signature,) = signatures
    agree_on_hash(signature.signed_data)
    stored = in_document(file)
    pool = [*_certificates(signature.signed_data), *stored.certificates]
    tokens = _tokens(signature)
    for token in (*tokens, *(part.signed_data for part in stamps)):
        pool += _certificates(token)
    refuse_many(pool)
    archive, covered = None, frozenset[bytes]()
    whole = True
    if stamps:
        (last,) = stamps
        agree_on_hash(last.signed_data)
        held = await async_validate_pdf_timestamp(
            last, _context(reader, status_of(last.signed_data), pool), skip_diff=True
        )
        revision = PdfFileReader(io.BytesIO(content[: _end(last)]), decode_limits=DECODING)
        covered = frozenset(in_document(revision).items)
        early = _items(covered, held.timestamp if held.trusted else None)
        archive = _judge_stamp(held, None, pool, early, reader.items)
        whole = _is_covered(held, last, contents, content)
    existed = archive.proves if archive else None
    items = tuple(
        item for der in stored.items for item in _items([der], existed if der in covered else None)
    )
    stamp = None
    if tokens:
        (token,) = tokens
        of_token = await _stamp_status(
            token, signature.signer_info["signature"].native, reader, pool, existed
        )
        stamp = _judge_stamp(of_token, existed, pool, items, reader.items)
    moment = (stamp and stamp.proves) or existed or fallback
    status = await async_validate_pdf_signature(
        signature,
        signer_validation_context=_context(reader, signature.signer_cert, pool, moment),
        ts_validation_context=_context(reader, signature.signer_cert, pool, existed),
        key_usage_settings=_USAGE,
        skip_diff=True,  # pyHanko takes minutes for a document of many pages
    )
    if not (status.intact and status.valid):
        fault = "another content"
    elif not whole or not _is_covered(status, signature, contents, content):
        fault = "a signature that does not cover the whole file"
    else:
        fault = next((part.fault for part in (stamp, archive) if part and part.fault), "")
    alone = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    message = "intact over the whole file, nothing added since"
    message += "" if alone else " but what its validation needs"
    message += f", timestamp {time_text(stamp.time)}" if stamp else ""
    return _judge(
        status, fault, message, pool, items, reader, moment, stamp or archive, archive, covered
    )


def _is_covered(
    status: Any, signature: EmbeddedPdfSignature, contents: Contents, content: bytes
) -> bool:
    """Whether nothing follows a signature but what its own validation needs."""
    if status.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return True
    return (
        status.coverage == SignatureCoverageLevel.ENTIRE_REVISION
        and bool(_ENDS.search(content[-1024:]))
        and not added_since(contents, content, _end(signature))
    )


def _end(signature: EmbeddedPdfSignature) -> int:
    """Return how many bytes a signature covers, with its own place among them."""
    _, _, start, length = signature.byte_range
    return int(start) + int(length)


def _judge(
    status: Any,
    fault: str,
    message: str,
    pool: Sequence[asn1.Certificate],
    items: Sequence[Item],
    reader: Reader,
    moment: dt.datetime | None,
    stamp: Stamp | None,
    archive: Stamp | None,
    covered: frozenset[bytes] | None = None,
) -> Status:
    """Return a signature's status; `covered` is what the archive's timestamp covers, None for all."""
    chain = _chain(status, pool)
    at, proven = moment or _now(), moment is not None
    standing = standing_of_chain(chain, [*items, *reader.items], at, proven=proven)
    embedded = standing_of_chain(chain, items, at, proven=proven)
    level = BASIC
    if stamp and stamp.proves:
        level = STAMPED
        if embedded.state == GOOD and stamp.standing.state == GOOD:
            level = LONG
            used = {item.der for item in (*embedded.items, *stamp.standing.items)}
            if archive and archive.proves and (covered is None or used <= covered):
                level = ARCHIVED
    why = _other_purpose(status.signing_cert) if status.trusted else _why_not(status, moment)
    return Status(status.signing_cert, fault, message, why, standing, moment, level)


async def _stamp_status(
    token: Any,
    data: bytes,
    reader: Reader,
    pool: Sequence[asn1.Certificate],
    moment: dt.datetime | None = None,
) -> Any:
    agree_on_hash(token)
    return TimestampSignatureStatus(
        **await validate_tst_signed_data(
            token,
            _context(reader, status_of(token), pool, moment),
            lambda name: hashlib.new(name, data).digest(),
        )
    )


def _judge_stamp(
    status: Any,
    existed: dt.datetime | None,
    pool: Sequence[asn1.Certificate],
    items: Sequence[Item],
    brought: Sequence[Item],
) -> Stamp:
    """Judge a timestamp that is proven to have existed at a time, or exists now.

    A service that was revoked since then proves nothing, unless the reason is one that leaves
    earlier timestamps valid (RFC 3161, 4).
    """
    chain = _chain(status, pool)
    everything = [*items, *brought]
    now = standing_of_chain(chain, everything, existed or _now(), proven=True)
    standing = standing_of_chain(chain, items, status.timestamp, proven=True)
    why = "" if status.trusted else _why_not(status, existed)
    if not why and now.state == REVOKED and now.time is not None:
        earlier = now.harmless and now.time > status.timestamp
        why = "" if earlier else now.message
    fault = "" if status.intact and status.valid else "a timestamp over another"
    return Stamp(status.timestamp, status.signing_cert, fault, why, standing)


def _tokens(signature: EmbeddedPdfSignature) -> list[Any]:
    """Return the timestamps within a signature."""
    attributes = signature.signer_info["unsigned_attrs"] or ()
    tokens = [
        value["content"]
        for attribute in attributes
        if attribute["type"].native == "signature_time_stamp_token"
        for value in attribute["values"]
    ]
    if len(tokens) > 1:
        raise ValueError(f"{len(tokens)} timestamps within the signature")
    return tokens


def _items(ders: Iterable[bytes], existed: dt.datetime | None) -> tuple[Item, ...]:
    """Return embedded items; one that cannot be read shows nothing."""
    items = []
    for der in ders:
        try:
            items.append(load_item(der, existed or _now()))
        except UnusableError:
            continue
    return tuple(items)


def _certificates(signed: Any) -> list[asn1.Certificate]:
    info = extract_certificate_info(signed)
    return [info.signer_cert, *info.other_certs]


def status_of(signed: Any) -> asn1.Certificate:
    """Return the signer's certificate of a CMS signature."""
    return extract_certificate_info(signed).signer_cert


def _chain(status: Any, pool: Sequence[asn1.Certificate]) -> list[x509.Certificate]:
    """Return a signer's certificate and those above it, up to whom the reader trusts."""
    path = status.validation_path
    chain = [_read(part) for part in [*path][::-1]] if path is not None else []
    if len(chain) > 1:
        return chain
    chain, candidates = [_read(status.signing_cert)], [_read(part) for part in pool]
    while chain[-1].issuer != chain[-1].subject and len(chain) <= bounds.ISSUERS:
        issuer = next((part for part in candidates if _issued(chain[-1], part)), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _read(certificate: asn1.Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.dump())


def _context(
    reader: Reader,
    leaf: asn1.Certificate,
    pool: Sequence[asn1.Certificate],
    moment: dt.datetime | None = None,
) -> ValidationContext:
    """Trust these and nobody else, fetch nothing, judge as of a proven time or of now."""
    return ValidationContext(
        trust_roots=list(reader.roots or [_top(leaf, pool)]),
        other_certs=list(pool),
        allow_fetching=False,
        moment=moment,
        best_signature_time=moment,
    )


def _top(leaf: asn1.Certificate, pool: Sequence[asn1.Certificate]) -> asn1.Certificate:
    """Return the topmost certificate above another in a pack, by name; pyHanko checks the path."""
    top = leaf
    for _ in range(bounds.ISSUERS):
        if top.subject == top.issuer:
            break
        above = next((part for part in pool if part.subject == top.issuer), None)
        if above is None:
            break
        top = above
    return top


def _other_purpose(certificate: asn1.Certificate) -> str:
    """Return for what alone a certificate is, if not for documents (RFC 5280, 4.2.1.12)."""
    usage = certificate.extended_key_usage_value
    purposes = usage.native if usage else []
    if purposes and {*purposes} <= _OTHER_PURPOSES:
        return f"its certificate is for {', '.join(purposes)} alone"
    return ""


def _why_not(status: Any, moment: dt.datetime | None) -> str:
    """Return in plain words why pyHanko does not trust a signer."""
    problem = status.trust_problem_indic
    why = out_of_time(status.signing_cert, moment or _now())
    if not why and problem == AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND:
        why = "no certificate of --trust is above it"
    if not why:
        name = problem.standard_name if problem else "no reason given"
        why = f"the certificates above it do not hold ({name})"
    return why


def out_of_time(certificate: asn1.Certificate, moment: dt.datetime) -> str:
    """Return why a certificate was not valid at a time; empty where it was."""
    if moment < certificate.not_valid_before:
        return f"its certificate is valid only from {time_text(certificate.not_valid_before)} on"
    if moment > certificate.not_valid_after:
        return f"its certificate expired on {time_text(certificate.not_valid_after)}"
    return ""


def agree_on_hash(signed: Any) -> None:
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


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def time_text(moment: dt.datetime) -> str:
    """Return a time as lines of a verification print it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
