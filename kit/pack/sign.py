"""Two signatures: in the PDF, which readers show, and over the tag manifest, for openssl."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from asn1crypto import tsp
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from kit.bag import SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.catalogue.texts import text
from kit.errors import CannotRunError
from kit.pack.event_loop import apart
from kit.pack.keys import SigningKey, stamp

_FIELD = "Signature"


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
    """Return the PDF with a PAdES signature (B-B, with a timestamp B-T) that allows no change.

    The signature is appended: the bytes of the file stay as they are, and so does its version. Its
    field lies outside the page and prints nothing, which PDF/A-3 and PDF/UA-1 both allow.

    Raises
    ------
    UserError, CannotRunError
        The key or the timestamp service refuses.
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
            invis_sig_settings=InvisSigSettings(box_out_of_bounds=True),
        ),
    )
    try:
        return bytes(apart(signer.sign_pdf, writer).getvalue())
    except OSError as error:
        raise CannotRunError(f"--timestamp: no timestamp for the PDF: {error}") from None


def sign_manifest(bag: Path, key: SigningKey) -> None:
    """Sign a bag's tag manifest, which seals all else, into files that no manifest lists.

    ``tagmanifest-sha256.txt.p7s`` is a detached CMS signature in DER, and where there is a
    timestamp service, ``tagmanifest-sha256.txt.p7s.tsr`` is its RFC 3161 response over that file.

    Raises
    ------
    UserError, CannotRunError
        The key or the timestamp service refuses.
    """
    content = (bag / TAG_MANIFEST).read_bytes()
    signed = apart(
        asyncio.run, key.signer.async_sign_general_data(content, key.digest, use_cades=True)
    ).dump()
    (bag / SIGNATURE).write_bytes(signed)
    if key.timestamper:
        token = stamp(key.timestamper, key.digest, signed)
        response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
        (bag / TIMESTAMP).write_bytes(response.dump())
