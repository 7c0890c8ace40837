"""Revocation data for a signature, as the certificates name their sources: CRL, OCSP, issuers.

The kit sends an authority the serial numbers of certificates, nothing else.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from kit import bounds
from kit.errors import CannotRunError, UserError
from kit.pack.revocation import (
    GOOD,
    REVOKED,
    Item,
    UnusableError,
    load_item,
    name,
    standing_of,
)

_CONNECT, _READ, _WHOLE = 10, 20, 60  # seconds of a request
_MOST_ADDRESSES = 4  # that a certificate names of a kind


@dataclass(frozen=True)
class Gathered:
    """What a signature needs to be checked without the network.

    Attributes
    ----------
    certificates : tuple of certificates
        Of the chains, without the leaves.
    items : tuple of Item
        CRLs and OCSP responses that show each certificate to be good.
    gaps : tuple of str
        Why the revocation of a certificate cannot be shown: it names no source.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    items: tuple[Item, ...] = ()
    gaps: tuple[str, ...] = ()


def gather(leaves: Sequence[x509.Certificate], pool: Sequence[x509.Certificate]) -> Gathered:
    """Get what shows that certificates and those above them are not revoked.

    Parameters
    ----------
    leaves : sequence of certificates
        Of the signer and of the timestamp service.
    pool : sequence of certificates
        Among which those above them are looked up first; others are fetched from the addresses
        that certificates name.

    Raises
    ------
    UserError
        A certificate is revoked.
    CannotRunError
        A source that a certificate names does not answer, or its answer does not hold.
    """
    network = _Network()
    above: list[x509.Certificate] = []
    items: list[Item] = []
    gaps: list[str] = []
    for leaf in leaves:
        chain, gap = _chain(leaf, [*pool, *above], network)
        above += [part for part in chain[1:] if part not in above]
        gaps += [gap] if gap else []
        for certificate, issuer in itertools.pairwise(chain):
            if not _names_source(certificate):
                gaps.append(
                    f"the certificate {name(certificate)!r} names neither a CRL nor an OCSP "
                    "responder"
                )
                continue
            item = _shown(certificate, issuer, network)
            if item.der not in [other.der for other in items]:
                items.append(item)
    return Gathered(tuple(above), tuple(items), tuple(dict.fromkeys(gaps)))


@dataclass
class _Network:
    """Requests with bounds on size and time; each address is fetched once."""

    fetched: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def fetch(self, address: str, most: int, content: bytes = b"") -> bytes:
        """Return what an address answers to GET, or to POST of an OCSP request.

        Raises
        ------
        OSError
            It does not answer in time, or with more than `most` bytes.
        """
        key = (address, content)
        if key not in self.fetched:
            self.fetched[key] = answer_of(address, most, content, "application/ocsp-request")
        return self.fetched[key]


def answer_of(address: str, most: int, content: bytes = b"", kind: str = "") -> bytes:
    """Return what an address answers to GET, or to POST of content of a kind.

    Raises
    ------
    OSError
        It does not answer in time, or with more than `most` bytes.
    """
    began, body = time.monotonic(), bytearray()
    with requests.request(
        "POST" if content else "GET",
        address,
        data=content or None,
        headers={"Content-Type": kind} if content else {},
        timeout=(_CONNECT, _READ),
        stream=True,
    ) as response:
        response.raise_for_status()
        for part in response.iter_content(1 << 16):
            body += part
            if len(body) > most:
                raise OSError(f"{address} answers with more than {most} bytes")
            if time.monotonic() - began > _WHOLE:
                raise OSError(f"{address} did not end its answer in {_WHOLE} seconds")
    return bytes(body)


def _chain(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], network: _Network
) -> tuple[list[x509.Certificate], str]:
    """Return a certificate and those above it, and what is missing above the last."""
    chain = [leaf]
    while chain[-1].issuer != chain[-1].subject:
        if len(chain) > bounds.ISSUERS:
            raise UserError(f"--certificate: more than {bounds.ISSUERS} above {name(leaf)!r}")
        last = chain[-1]
        candidates = itertools.chain(pool, _issuers(last, network))
        issuer = next((part for part in candidates if _issued(last, part)), None)
        if issuer is None:
            return chain, (
                f"the certificate above {name(last)!r} is not known; add it to the file of "
                "--certificate"
            )
        chain.append(issuer)
    if len(chain) == 1:
        return chain, f"{name(leaf)!r} issued its certificate itself; nobody can revoke it"
    return chain, ""


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _issuers(certificate: x509.Certificate, network: _Network) -> Iterator[x509.Certificate]:
    """Yield certificates from the addresses of issuers that a certificate names."""
    for address in _described(certificate, AuthorityInformationAccessOID.CA_ISSUERS):
        try:
            content = network.fetch(address, bounds.CERTIFICATES)
        except OSError as error:
            raise _unreachable(certificate, [f"{error}"]) from None
        for read in (
            lambda der: [x509.load_der_x509_certificate(der)],
            x509.load_pem_x509_certificates,
            pkcs7.load_der_pkcs7_certificates,
        ):
            try:
                yield from read(content)
                break
            except (ValueError, UnsupportedAlgorithm):
                continue


def _described(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return []
    places = [part.access_location for part in access.value if part.access_method == method]
    return _addresses(places)


def _points(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except x509.ExtensionNotFound:
        return []
    return _addresses([place for point in points.value for place in point.full_name or ()])


def _addresses(places: Sequence[x509.GeneralName]) -> list[str]:
    named = [place.value for place in places if isinstance(place, x509.UniformResourceIdentifier)]
    return [text for text in named if text.startswith(("http://", "https://"))][:_MOST_ADDRESSES]


def _names_source(certificate: x509.Certificate) -> bool:
    return bool(_described(certificate, AuthorityInformationAccessOID.OCSP) or _points(certificate))


def _shown(certificate: x509.Certificate, issuer: x509.Certificate, network: _Network) -> Item:
    """Return the first item that shows a certificate to be good; an OCSP response rather than a CRL."""
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()
    body = request.public_bytes(Encoding.DER)
    fetches: list[tuple[str, Callable[[str], bytes]]] = [
        *(
            (address, lambda to: network.fetch(to, bounds.OCSP_RESPONSE, body))
            for address in _described(certificate, AuthorityInformationAccessOID.OCSP)
        ),
        *((address, lambda to: network.fetch(to, bounds.CRL)) for address in _points(certificate)),
    ]
    reasons = []
    for address, fetch in fetches:
        try:
            content = fetch(address)
            now = dt.datetime.now(dt.UTC)
            item = load_item(_der(content), now)
        except UnusableError as error:
            reasons.append(f"{address} answered with {error}")
            continue
        except OSError as error:
            reasons.append(f"{error}")
            continue
        standing = standing_of(certificate, issuer, [item], now, proven=False)
        if standing.state == REVOKED:
            raise UserError(f"the kit signs nothing: {standing.message}, from {address}")
        if standing.state == GOOD:
            return item
        reasons.append(f"{address}: {standing.message}")
    raise _unreachable(certificate, reasons)


def _der(content: bytes) -> bytes:
    """Return a CRL in DER; some authorities publish PEM."""
    if not content.startswith(b"-----BEGIN"):
        return content
    try:
        return x509.load_pem_x509_crl(content).public_bytes(Encoding.DER)
    except ValueError:
        return content


def _unreachable(certificate: x509.Certificate, reasons: Sequence[str]) -> CannotRunError:
    return CannotRunError(
        f"revocation: nothing shows whether {name(certificate)!r} is revoked: "
        f"{'; '.join(reasons)[:600]}; seal later, or with --level B-T"
    )
