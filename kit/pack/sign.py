"""Two signatures: in the PDF, which readers show, and over the tag manifest, for openssl."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from asn1crypto import cms, crl, ocsp, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfTimeStamper
from pyhanko.sign.timestamps import TimestampRequestError
from pyhanko.sign.validation.dss import DocumentSecurityStore

from kit.bag import SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.catalogue.texts import text
from kit.errors import CannotRunError
from kit.pack.event_loop import apart
from kit.pack.keys import SigningKey, stamp
from kit.pack.levels import ARCHIVED, LONG
from kit.pack.responders import Gathered

_FIELD, _STAMP_FIELD = "Signature", "Timestamp"
_NOWHERE = InvisSigSettings(box_out_of_bounds=True)


class _Appending(IncrementalPdfFileWriter):
    """Leaves title, dates and conformance marks as the document has them."""

    def _update_meta(self) -> None:
        pass


class _Signing(PdfSigner):
    """Declares PAdES alone, whatever the key.

    For elliptic curves pyHanko declares ISO/TS 32002, which is of PDF 2.0, and with it that
    version, which PDF/A-3 forbids. PAdES has these curves in PDF 1.7 too.
    """

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:
        pdf_out.register_extension(ESIC_EXTENSION_1)


def sign_pdf(file: bytes, key: SigningKey) -> bytes:
    """Return the PDF with a PAdES signature of the key's level that allows no change.

    The signature is appended: the bytes of the file stay as they are, and so does its version. Its
    field lies outside the page and prints nothing, which PDF/A-3 and PDF/UA-1 both allow.
    What shows that the signer is not revoked is appended after it, since it is newer, and then a
    timestamp over the whole document.

    Raises
    ------
    UserError, CannotRunError
        The key, the timestamp service or a source of revocation data refuses.
    """
    writer = _Appending(io.BytesIO(file))
    page = writer.find_page_for_modification(0)[0].get_object()  # type: ignore[no-untyped-call]
    page["/Tabs"] = pdf_name("/S")  # PDF/UA-1 requires it where annotations are
    writer.update_container(page)
    signer = _Signing(
        PdfSignatureMetadata(
            field_name=_FIELD,
            md_algorithm=key.digest,
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        ),
        signer=key.signer,
        timestamper=key.timestamper,
        new_field_spec=SigFieldSpec(
            _FIELD,
            readable_field_name=text("pack/page/signature"),
            invis_sig_settings=_NOWHERE,
        ),
    )
    try:
        signed = bytes(apart(signer.sign_pdf, writer).getvalue())
        return _with_revocation(signed, key) if key.revocation else signed
    except (OSError, TimestampRequestError) as error:
        raise CannotRunError(f"--timestamp: no timestamp for the PDF: {error}") from None


def _with_revocation(signed: bytes, key: SigningKey) -> bytes:
    """Append revocation data and, but for B-LT, a timestamp over the document with them."""
    gathered = _gathered(key)
    writer = _Appending(io.BytesIO(signed))
    signature = PdfFileReader(io.BytesIO(signed)).embedded_regular_signatures[0]
    crls, responses = _sorted(gathered)
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        signature.pkcs7_content.hex().encode(),
        certs=[asn1.Certificate.load(_der(part)) for part in gathered.certificates],
        ocsps=responses,
        crls=crls,
    )
    if key.level == LONG:
        output = io.BytesIO()
        writer.write(output)  # type: ignore[no-untyped-call]
        return output.getvalue()
    stamper = PdfTimeStamper(
        key.timestamper,  # type: ignore[arg-type]  # the key has one where it has revocation data
        field_name=_STAMP_FIELD,
        invis_settings=_NOWHERE,
        readable_field_name=text("pack/page/timestamp"),
    )
    return bytes(apart(stamper.timestamp_pdf, writer, key.digest).getvalue())


def _gathered(key: SigningKey) -> Gathered:
    """Return what to embed now.

    Raises
    ------
    CannotRunError
        It is less than what the key's level promises, which pages state already.
    """
    gathered = key.revocation() if key.revocation else Gathered()
    if gathered.gaps and key.level in (LONG, ARCHIVED):
        raise CannotRunError(f"--level {key.level} is not reached: {gathered.gaps[0]}")
    return gathered


def _sorted(gathered: Gathered) -> tuple[list[crl.CertificateList], list[ocsp.OCSPResponse]]:
    """Return the CRLs and the OCSP responses."""
    crls, responses = [], []
    for item in gathered.items:
        if isinstance(item.parsed, x509.CertificateRevocationList):
            crls.append(crl.CertificateList.load(item.der))
        else:
            responses.append(ocsp.OCSPResponse.load(item.der))
    return crls, responses


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def sign_manifest(bag: Path, key: SigningKey) -> None:
    """Sign a bag's tag manifest, which seals all else, into files that no manifest lists.

    ``tagmanifest-sha256.txt.p7s`` is a detached CMS signature in DER; its field ``crls`` has CRLs
    and, by RFC 5940, OCSP responses. Where there is a timestamp service,
    ``tagmanifest-sha256.txt.p7s.tsr`` is its RFC 3161 response over that whole file.

    Raises
    ------
    UserError, CannotRunError
        The key, the timestamp service or a source of revocation data refuses.
    """
    content = (bag / TAG_MANIFEST).read_bytes()
    made = apart(
        asyncio.run, key.signer.async_sign_general_data(content, key.digest, use_cades=True)
    )
    if key.revocation:
        _embed(made["content"], _gathered(key))
    signed = made.dump()
    (bag / SIGNATURE).write_bytes(signed)
    if key.timestamper:
        token = stamp(key.timestamper, key.digest, signed)
        response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        (bag / TIMESTAMP).write_bytes(response.dump())


def _embed(signed: cms.SignedData, gathered: Gathered) -> None:
    """Put revocation data and the certificates above into a signature that does not cover them."""
    crls, responses = _sorted(gathered)
    signed["crls"] = cms.RevocationInfoChoices(
        [
            *(cms.RevocationInfoChoice("crl", part) for part in crls),
            *(
                cms.RevocationInfoChoice(
                    "other",
                    {"other_rev_info_format": "ocsp_response", "other_rev_info": part},
                )
                for part in responses
            ),
        ]
    )
    there = {part.chosen.dump() for part in signed["certificates"]}
    for certificate in gathered.certificates:
        if (der := _der(certificate)) not in there:
            signed["certificates"].append(
                cms.CertificateChoices("certificate", asn1.Certificate.load(der))
            )
    if responses:
        signed["version"] = "v5"  # RFC 5652, 5.1
