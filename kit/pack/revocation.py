"""Whether a certificate was revoked: what CRLs and OCSP responses show, sealing and verifying alike.

Nothing is fetched here. Every item is bounded before it is parsed, is parsed by `cryptography`'s
typed reader, and counts only if the certificate's own issuer vouches for it.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from kit import bounds

GOOD, REVOKED, NOT_SHOWN = "good", "revoked", "not shown"
_SKEW = dt.timedelta(minutes=5)  # between the clocks of an authority and of a timestamp service
_CURRENT = dt.timedelta(minutes=30)  # of a response that states no next update
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_READ = (  # extensions of a CRL that may be critical, RFC 5280, 5.2
    x509.IssuingDistributionPoint,
    x509.DeltaCRLIndicator,
)
# RFC 3161, 4: timestamps made before a revocation for one of these reasons stay valid.
HARMLESS = (
    x509.ReasonFlags.affiliation_changed,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
)


class UnusableError(Exception):
    """An item shows nothing about a certificate; the message names the reason."""


@dataclass(frozen=True)
class Item:
    """A CRL or an OCSP response.

    Attributes
    ----------
    parsed : CRL or OCSP response
    der : bytes
    existed : datetime
        When it existed at the latest: the time of a timestamp over it, or now.
    """

    parsed: x509.CertificateRevocationList | ocsp.OCSPResponse
    der: bytes
    existed: dt.datetime


@dataclass(frozen=True)
class Standing:
    """What is shown about the revocation of a certificate, or of a chain.

    Attributes
    ----------
    state : str
        `GOOD`, `REVOKED` or `NOT_SHOWN`.
    message : str
        What shows it, or why nothing does.
    time : datetime or None
        Of the revocation, or as of which the certificate was good.
    harmless : bool
        Whether the reason of a revocation leaves earlier timestamps valid.
    later : str
        A revocation after the time that counts, which changes nothing.
    items : tuple of Item
        What shows it.
    """

    state: str
    message: str
    time: dt.datetime | None = None
    harmless: bool = False
    later: str = ""
    items: tuple[Item, ...] = ()


def load_item(der: bytes, existed: dt.datetime) -> Item:
    """Return a CRL or an OCSP response.

    Raises
    ------
    UnusableError
        It is larger than the kit reads, or is neither.
    """
    if len(der) > bounds.CRL:
        raise UnusableError(f"a CRL of {len(der)} bytes; the kit reads {bounds.CRL} at most")
    try:
        return Item(x509.load_der_x509_crl(der), der, existed)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    if len(der) > bounds.OCSP_RESPONSE:
        raise UnusableError(
            f"a response of {len(der)} bytes; the kit reads {bounds.OCSP_RESPONSE} at most"
        )
    try:
        return Item(ocsp.load_der_ocsp_response(der), der, existed)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableError("neither a CRL nor an OCSP response") from None


def standing_of_chain(
    chain: Sequence[x509.Certificate],
    items: Iterable[Item],
    moment: dt.datetime,
    *,
    proven: bool,
) -> Standing:
    """Return what is shown about a chain's revocation: the worst of its certificates decides.

    Parameters
    ----------
    chain : sequence of certificates
        The certificate itself first, each issued by the next; the last is trusted and not judged.
    items : iterable of Item
    moment : datetime
        When the certificate was used.
    proven : bool
        Whether a timestamp proves `moment`; a later revocation then changes nothing.
    """
    items = tuple(items)
    if len(chain) < 2:
        return Standing(NOT_SHOWN, "the certificate above the signer's is not known")
    standings = []
    for certificate, issuer in itertools.pairwise(chain):
        standing = standing_of(certificate, issuer, items, moment, proven=proven)
        if standing.state == REVOKED:
            return standing
        standings.append(standing)
    own, later = standings[0], "".join(standing.later for standing in standings)
    missing = next((standing for standing in standings if standing.state == NOT_SHOWN), None)
    if missing:
        return Standing(NOT_SHOWN, missing.message, later=later)
    used = tuple(item for standing in standings for item in standing.items)
    return Standing(GOOD, own.message, own.time, later=later, items=used)


def standing_of(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    items: Iterable[Item],
    moment: dt.datetime,
    *,
    proven: bool,
) -> Standing:
    """Return what is shown about the revocation of one certificate.

    Every item is looked at, and a revocation wins over any number of good answers.
    """
    good: list[tuple[dt.datetime, str, Item]] = []
    later = ""
    why = f"no CRL and no OCSP response for {name(certificate)}"
    for item in items:
        try:
            answer = _answer(item, certificate, issuer)
            if answer.revoked is not None:
                if not proven or answer.revoked <= moment:
                    return Standing(
                        REVOKED,
                        f"{name(certificate)} was revoked on {_time(answer.revoked)}"
                        f"{answer.reason}, by {answer.source}",
                        answer.revoked,
                        answer.harmless,
                        items=(item,),
                    )
                revoked = f"{_time(answer.revoked)}{answer.reason}"
                later = f"; {name(certificate)} was revoked later, on {revoked}"
                good.append((moment, answer.source, item))
            else:
                good.append((*_covered(answer, certificate, moment), item))
        except UnusableError as error:
            if f"{error}":
                why = f"{error}"
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            why = f"an item that cannot be read: {str(error)[:120]}"
    if not good:
        return Standing(NOT_SHOWN, why)
    time, source, item = max(good, key=lambda entry: entry[0])
    return Standing(GOOD, source, time, later=later, items=(item,))


@dataclass(frozen=True)
class _Answer:
    """What an item that the issuer vouches for states about a certificate."""

    source: str
    this_update: dt.datetime
    next_update: dt.datetime | None
    revoked: dt.datetime | None = None
    reason: str = ""
    harmless: bool = False


def _answer(item: Item, certificate: x509.Certificate, issuer: x509.Certificate) -> _Answer:
    if isinstance(item.parsed, x509.CertificateRevocationList):
        answer = _of_crl(item, item.parsed, certificate, issuer)
    else:
        answer = _of_ocsp(item, item.parsed, certificate, issuer)
    if answer.this_update > item.existed + _SKEW:
        raise UnusableError(f"{answer.source}: it is dated after the time at which it existed")
    return answer


def _covered(
    answer: _Answer, certificate: x509.Certificate, moment: dt.datetime
) -> tuple[dt.datetime, str]:
    """Return the time as of which an answer shows a certificate to be good, and what shows it.

    An answer given after the moment shows the moment too, unless the certificate had expired by
    then: an authority may drop expired certificates from its lists (RFC 5280, 3.3).
    """
    if answer.this_update > certificate.not_valid_after_utc:
        raise UnusableError(f"{answer.source}: given after the certificate had expired")
    until = answer.next_update or answer.this_update + _CURRENT
    if moment > until + _SKEW:
        raise UnusableError(
            f"{answer.source}: it shows nothing after {_time(until)}, and {_time(moment)} counts"
        )
    older = answer.this_update < moment
    return answer.this_update, answer.source + (f", valid until {_time(until)}" if older else "")


def _of_crl(
    item: Item,
    crl: x509.CertificateRevocationList,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
) -> _Answer:
    if crl.issuer != certificate.issuer or crl.issuer != issuer.subject:
        raise UnusableError
    source = f"a CRL of {_time(crl.last_update_utc)}"
    if not isinstance(crl.signature_hash_algorithm, _HASHES):
        raise UnusableError(f"{source}: it is signed with another hash than SHA-2")
    if not _may(issuer, "crl_sign") or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        raise UnusableError(f"{source}: the issuer's key did not sign it")
    if item.existed > issuer.not_valid_after_utc:
        raise UnusableError(f"{source}: the certificate of its issuer has expired")
    partial = _partial(crl, certificate)
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    reason = _extension(entry, x509.CRLReason) if entry is not None else None
    flag = reason.reason if reason else None
    if entry is not None and flag != x509.ReasonFlags.remove_from_crl:
        invalid = _extension(entry, x509.InvalidityDate)
        revoked = entry.revocation_date_utc
        return _Answer(
            source,
            crl.last_update_utc,
            crl.next_update_utc,
            min(revoked, invalid.invalidity_date_utc) if invalid else revoked,
            _reason(flag),
            flag in HARMLESS,
        )
    if partial:
        raise UnusableError(f"{source}: {partial}")
    return _Answer(source, crl.last_update_utc, crl.next_update_utc)


def _partial(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> str:
    """Return why a CRL may lack this certificate although it is revoked; empty where it may not."""
    for extension in crl.extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "it lists changes alone"
        if extension.critical and not isinstance(extension.value, _READ):
            return f"it has an extension that the kit does not know ({extension.oid.dotted_string})"
    point = _extension(crl, x509.IssuingDistributionPoint)
    if point is None:
        return ""
    basic = _extension(certificate, x509.BasicConstraints)
    of_authority = bool(basic and basic.ca)
    if (
        point.indirect_crl
        or point.only_some_reasons
        or point.only_contains_attribute_certs
        or point.relative_name
        or (point.only_contains_user_certs and of_authority)
        or (point.only_contains_ca_certs and not of_authority)
    ):
        return "it is a list of other certificates or of some reasons alone"
    if point.full_name:
        named = _extension(certificate, x509.CRLDistributionPoints) or ()
        names = {value for part in named for value in part.full_name or ()}
        if not names & {*point.full_name}:
            return "it is of another distribution point than the certificate names"
    return ""


def _of_ocsp(
    item: Item,
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
) -> _Answer:
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise UnusableError("an OCSP response that answers nothing")
    single = next(
        (part for part in _singles(response) if _is_about(part, certificate, issuer)), None
    )
    if single is None:
        raise UnusableError
    source = f"an OCSP response of {_time(single.this_update_utc)}"
    _vouched(item, response, issuer, source)
    if single.certificate_status == ocsp.OCSPCertStatus.REVOKED:
        flag = single.revocation_reason
        if single.revocation_time_utc is None:
            raise UnusableError(f"{source}: it states no time of the revocation")
        return _Answer(
            source,
            single.this_update_utc,
            single.next_update_utc,
            single.revocation_time_utc,
            _reason(flag),
            flag in HARMLESS,
        )
    if single.certificate_status != ocsp.OCSPCertStatus.GOOD:
        raise UnusableError(f"{source}: the responder does not know the certificate")
    return _Answer(source, single.this_update_utc, single.next_update_utc)


def _singles(response: ocsp.OCSPResponse) -> Iterator[ocsp.OCSPSingleResponse]:
    for number, single in enumerate(response.responses):
        if number == bounds.OCSP_ANSWERS:
            raise UnusableError(
                f"an OCSP response about more than {bounds.OCSP_ANSWERS} certificates"
            )
        yield single


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if single.serial_number != certificate.serial_number:
        return False
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, issuer, single.hash_algorithm)
        .build()
    )
    return (
        single.issuer_name_hash == request.issuer_name_hash
        and single.issuer_key_hash == request.issuer_key_hash
    )


def _vouched(
    item: Item, response: ocsp.OCSPResponse, issuer: x509.Certificate, source: str
) -> None:
    """Raise where neither the issuer nor a responder that it appointed signed a response.

    A responder's certificate has to be valid when it answered and while the answer can have been
    made: without a timestamp over it that is now (RFC 6960, 4.2.2.2). A certificate that does not
    state that its own revocation needs no check (RFC 6960, 4.2.2.2.1) is not accepted.
    """
    if _signed_by(response, issuer):
        if item.existed > issuer.not_valid_after_utc:
            raise UnusableError(f"{source}: the certificate of its issuer has expired")
        return
    why = "neither the issuer nor a responder of the issuer signed it"
    for responder in response.certificates[:8]:
        if not _signed_by(response, responder):
            continue
        try:
            responder.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        usages = _extension(responder, x509.ExtendedKeyUsage) or ()
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
            why = "the certificate of its signer is not for OCSP responses"
        elif _extension(responder, x509.OCSPNoCheck) is None:
            why = (
                "the responder's certificate may itself be revoked (it lacks id-pkix-ocsp-nocheck)"
            )
        elif response.produced_at_utc < responder.not_valid_before_utc - _SKEW:
            why = "it was made before the responder's certificate was valid"
        elif max(response.produced_at_utc, item.existed) > responder.not_valid_after_utc:
            ended = _time(responder.not_valid_after_utc)
            why = f"the responder's certificate expired on {ended}"
        else:
            return
    raise UnusableError(f"{source}: {why}")


def _signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, digest = signer.public_key(), response.signature_hash_algorithm
    if not isinstance(digest, _HASHES):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _may(certificate: x509.Certificate, usage: str) -> bool:
    """Whether a certificate's key usage, if it states one, allows something."""
    stated = _extension(certificate, x509.KeyUsage)
    return stated is None or bool(getattr(stated, usage))


def _extension(item: Any, kind: Any) -> Any:
    """Return an extension's value of a certificate, a CRL or an entry; None where it has none."""
    try:
        return item.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def name(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate's subject, or the whole subject."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[-1].value if names else certificate.subject.rfc4514_string())[:120]


def _reason(flag: x509.ReasonFlags | None) -> str:
    return f" ({flag.value})" if flag else ""


def _time(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
