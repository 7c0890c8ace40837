"""What signatures carry for their own validation, read with bounds: certificates, CRLs, OCSP."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from asn1crypto import pem
from asn1crypto import x509 as asn1
from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.rw_common import PdfHandler

from kit import bounds
from kit.bounds import read_file
from kit.errors import UserError
from kit.pack.revocation import Item, UnusableError, load_item

DECODING = DecodeLimits(
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.CRL: StreamDecodeLimits(max_ratio=None, max_output_size=bounds.CRL),
        DecodePurpose.OCSP_RESPONSE: StreamDecodeLimits(
            max_ratio=None, max_output_size=bounds.OCSP_RESPONSE
        ),
    }
)
_STREAMS = {
    "/Certs": (DecodePurpose.CERTIFICATE, bounds.CERTIFICATE, bounds.VALIDATION_ITEMS),
    "/CRLs": (DecodePurpose.CRL, bounds.CRL, bounds.VALIDATION_ITEMS),
    "/OCSPs": (DecodePurpose.OCSP_RESPONSE, bounds.OCSP_RESPONSE, bounds.VALIDATION_ITEMS),
}


@dataclass(frozen=True)
class Embedded:
    """What a signature carries.

    Attributes
    ----------
    certificates : tuple of certificates
        Other than those in the signature itself.
    items : tuple of bytes
        CRLs and OCSP responses in DER.
    """

    certificates: tuple[asn1.Certificate, ...] = ()
    items: tuple[bytes, ...] = ()


def in_cms(signed: Any) -> Embedded:
    """Return what a CMS signature carries in its field ``crls``.

    Raises
    ------
    ValueError
        It holds more than any signature does.
    """
    choices = signed["crls"] or ()
    if len(choices) > bounds.VALIDATION_ITEMS:
        raise ValueError(
            f"{len(choices)} CRLs and OCSP responses; {bounds.VALIDATION_ITEMS} at most"
        )
    items = []
    for choice in choices:
        if choice.name == "crl":
            items.append(choice.chosen.dump())
        elif choice.chosen["other_rev_info_format"].native == "ocsp_response":
            items.append(choice.chosen["other_rev_info"].dump())
    return Embedded((), tuple(items))


def in_document(handler: PdfHandler) -> Embedded:
    """Return what the document security store (DSS) of a PDF, or of a revision of it, holds.

    Raises
    ------
    ValueError
        It is none, or holds more than any document's does.
    """
    if "/DSS" not in handler.root:
        return Embedded()
    read: dict[str, list[bytes]] = {}
    left = bounds.VALIDATION_DATA
    try:
        store = handler.root["/DSS"]
        for key, (purpose, most, count) in _STREAMS.items():
            if key not in store:
                continue
            streams = store[key]
            if len(streams) > count:
                raise ValueError(f"{len(streams)} {key[1:]} in the DSS; {count} at most")
            for number in range(len(streams)):
                stream = streams[number]
                if not isinstance(stream, StreamObject):
                    raise ValueError(f"what is no stream among the {key[1:]} of the DSS")
                if len(stream.encoded_data) > most:
                    raise ValueError(f"more than {most} bytes among the {key[1:]} of the DSS")
                content = stream.read_data(purpose)
                left -= len(content)
                if left < 0:
                    raise ValueError(f"more than {bounds.VALIDATION_DATA} bytes in the DSS")
                read.setdefault(key, []).append(content)
    except (PdfError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"a DSS that cannot be read: {error}") from None
    certificates = tuple(asn1.Certificate.load(der) for der in read.get("/Certs", ()))
    refuse_many(certificates)
    return Embedded(certificates, (*read.get("/CRLs", ()), *read.get("/OCSPs", ())))


def refuse_many(certificates: Iterable[asn1.Certificate]) -> None:
    """Raise a `ValueError` at more certificates than chains of a signature have."""
    different = {certificate.dump(): certificate for certificate in certificates}.values()
    if len(different) > bounds.VALIDATION_ITEMS:
        raise ValueError(f"{len(different)} certificates; {bounds.VALIDATION_ITEMS} at most")
    alike = Counter(certificate.subject.dump() for certificate in different)
    if prod(alike.values()) > bounds.CERTIFICATE_CHAINS:
        raise ValueError(
            f"certificates of the same names, for more than {bounds.CERTIFICATE_CHAINS} chains"
        )


def read_revocations(paths: Iterable[Path]) -> tuple[Item, ...]:
    """Read CRLs and OCSP responses, in DER or PEM, that a reader names.

    Raises
    ------
    UserError
        A file cannot be read or is neither.
    """
    return tuple(_read_item(path) for path in paths)


def _read_item(path: Path) -> Item:
    try:
        content = read_file(path, 2 * bounds.CRL)  # PEM is longer than DER
        if pem.detect(content):
            content = pem.unarmor(content)[2]
        return load_item(content, dt.datetime.now(dt.UTC))
    except OSError as error:
        raise UserError(f"--revocation: {path} cannot be read ({error.strerror})") from None
    except (UnusableError, ValueError) as error:
        raise UserError(f"--revocation: {path} is {error}") from None
