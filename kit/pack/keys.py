"""The key that signs a pack, with its certificate: opened and tried before any work is done."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from asn1crypto import tsp
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
    pkcs12,
)
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.sign.general import extract_certificate_info
from pyhanko.sign.signers.pdf_cms import Signer, select_suitable_signing_md
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kit.bounds import CERTIFICATES, TIMESTAMP, read_file
from kit.collect.session import shell_client
from kit.errors import CannotRunError, UserError
from kit.pack.event_loop import apart
from kit.pack.levels import ARCHIVED, BASIC, LEVELS, STAMPED
from kit.pack.responders import Gathered, answer_of, gather

_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LEAST_BITS = 2048
_LONGEST = 1024  # bytes of a signature, RSA of 8192 bits
_TRIAL = b"appstream-evidence-kit tries whether this key belongs to its certificate"

Passphrase = Callable[[], str | None]


@dataclass(frozen=True)
class SigningKey:
    """A key that was tried, and where timestamps come from.

    Attributes
    ----------
    signer : Signer
        pyHanko's, with the certificate and its chain.
    digest : str
        The hash that suits the key: sha256, sha384 or sha512.
    timestamper : TimeStamper or None
        An RFC 3161 service.
    level : str
        What its signatures reach, of `LEVELS`.
    revocation : callable or None
        Gets what shows that the signer and the service are not revoked, to embed it; None where
        nothing is embedded.
    """

    signer: Signer
    digest: str
    timestamper: TimeStamper | None = None
    level: str = BASIC
    revocation: Callable[[], Gathered] | None = None


def open_signing_key(
    key: Path | None = None,
    certificate: Path | None = None,
    kms_key: str = "",
    timestamp: str = "",
    level: str = "",
    *,
    passphrase: Passphrase,
) -> SigningKey | None:
    """Open the key that the options name; None where they name none.

    Parameters
    ----------
    key, certificate, kms_key, timestamp
        As for `open_key` and `open_kms`.
    level : str
        What the signatures have to reach, of `LEVELS`; empty for what the timestamp service and
        the certificates offer.
    passphrase : function
        As for `open_key`.

    Raises
    ------
    UserError, CannotRunError
        The options do not go together, or as `open_key` and `open_kms`.
    """
    if key and kms_key:
        raise UserError("--kms-key: a pack has one signer; leave out --key or --kms-key")
    if key:
        return open_key(key, certificate, passphrase, timestamp, level)
    if kms_key:
        if not certificate:
            raise UserError("--certificate: KMS keeps none; name the file of the key's certificate")
        return open_kms(kms_key, certificate, timestamp, level)
    options = (("--certificate", certificate), ("--timestamp", timestamp), ("--level", level))
    for option, given in options:
        if given:
            raise UserError(f"{option}: nothing is signed without --key or --kms-key")
    return None


def open_key(
    key: Path,
    certificate: Path | None,
    passphrase: Passphrase,
    timestamp: str = "",
    level: str = "",
) -> SigningKey:
    """Open a key in a file: PEM with its certificates there or in a file beside it, or PKCS#12.

    Parameters
    ----------
    key : Path
    certificate : Path, optional
        PEM file, the signer's own certificate and those above it in any order.
    passphrase : function
        Returns the passphrase, or None where nobody can give it. Only an encrypted key needs it.
    timestamp : str
        URL of an RFC 3161 service; empty for no timestamps.
    level : str
        As for `open_signing_key`.

    Raises
    ------
    UserError
        A file, the passphrase or the certificate is wrong, or the two do not belong together.
    CannotRunError
        The timestamp service does not answer.
    """
    content = _read(key, "--key")
    if b"-----BEGIN" in content:
        private = _pem_key(key, content, passphrase)
        chain = _certificates(key, content)
    else:
        private, chain = _pkcs12(key, content, passphrase)
    if certificate:
        chain = _certificates(certificate, _read(certificate, "--certificate")) + chain
    if not chain:
        raise UserError(
            f"--key: {key} holds a key alone; name the file of its certificate with --certificate"
        )
    public = private.public_key()
    own = next((candidate for candidate in chain if candidate.public_key() == public), None)
    if own is None:
        raise UserError(f"--certificate: none given is of the key in {key}: {_names(chain)}")
    _check(own)
    opened = _tried(_Signer(own, chain, _sign_with(private)), own, f"--key: {key}")
    return _levelled(opened, own, chain, timestamp, level)


def open_kms(key_id: str, certificate: Path, timestamp: str = "", level: str = "") -> SigningKey:
    """Open an asymmetric AWS KMS key for signing, and try it with a signature.

    Parameters
    ----------
    key_id : str
        Id, ARN, alias or alias ARN. The shell's usual credentials are used, never the run's
        profile or role, which can only read.
    certificate : Path
        PEM file, the certificate of that key and those above it in any order.
    timestamp, level : str
        As for `open_key`.

    Raises
    ------
    UserError
        The certificate is wrong, or AWS refuses.
    CannotRunError
        AWS or the timestamp service cannot be reached.
    """
    chain = _certificates(certificate, _read(certificate, "--certificate"))
    own = _leaf(certificate, chain)
    _check(own)
    sign = _sign_at_kms(key_id, "ECDSA" if _is_curve(own) else "RSASSA_PKCS1_V1_5")
    opened = _tried(_Signer(own, chain, sign), own, f"--kms-key: {key_id}")
    return _levelled(opened, own, chain, timestamp, level)


class _Signer(Signer):
    """A signer for pyHanko: it calls a function with the bytes and the name of a hash."""

    def __init__(
        self,
        own: x509.Certificate,
        chain: Sequence[x509.Certificate],
        sign: Callable[[bytes, str], bytes],
    ):
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        for certificate in chain:
            if certificate != own:
                store.register_multiple(
                    load_certs_from_pemder_data(certificate.public_bytes(Encoding.PEM))
                )
        (asn1,) = load_certs_from_pemder_data(own.public_bytes(Encoding.PEM))
        super().__init__(signing_cert=asn1, cert_registry=store)
        self._sign = sign

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        return bytes(_LONGEST) if dry_run else self._sign(data, digest_algorithm)


def _sign_with(private: PrivateKeyTypes) -> Callable[[bytes, str], bytes]:
    def sign(data: bytes, digest: str) -> bytes:
        algorithm = getattr(hashes, digest.upper())()
        if isinstance(private, rsa.RSAPrivateKey):
            return private.sign(data, padding.PKCS1v15(), algorithm)
        if isinstance(private, ec.EllipticCurvePrivateKey):
            return private.sign(data, ec.ECDSA(algorithm))
        raise TypeError(private)  # `_check` accepts certificates with these kinds of key alone

    return sign


def _sign_at_kms(key_id: str, kind: str) -> Callable[[bytes, str], bytes]:
    region = key_id.split(":")[3] if key_id.startswith("arn:") and key_id.count(":") > 4 else None

    def sign(data: bytes, digest: str) -> bytes:
        try:
            answer = shell_client("kms", region).sign(
                KeyId=key_id,
                Message=data,  # attributes of a signature, well below KMS's 4,096 bytes
                MessageType="RAW",
                SigningAlgorithm=f"{kind}_SHA_{digest.removeprefix('sha')}",
            )
        except ClientError as error:
            refusal = error.response["Error"]
            raise UserError(
                f"--kms-key: kms:Sign with {key_id} was refused ({refusal['Code']}): "
                f"{refusal.get('Message', '')}"
            ) from None
        except (NoConnectionError, HTTPClientError) as error:
            raise CannotRunError(f"--kms-key: AWS KMS could not be reached: {error}") from None
        except BotoCoreError as error:
            raise UserError(
                f"--kms-key: AWS KMS could not be called ({type(error).__name__}): {error}; the "
                "shell's credentials and region are used (AWS_PROFILE, AWS_REGION)"
            ) from None
        return bytes(answer["Signature"])

    return sign


def _tried(signer: Signer, own: x509.Certificate, where: str) -> SigningKey:
    """Sign something and hold it against the certificate."""
    digest = select_suitable_signing_md(signer.signing_cert.public_key)  # type: ignore[union-attr]
    signature = apart(asyncio.run, signer.async_sign_raw(_TRIAL, digest))
    try:
        _verify(own.public_key(), signature, getattr(hashes, digest.upper())())
    except InvalidSignature:
        raise UserError(
            f"{where} is not the key of the certificate {_names([own])}; name the key that belongs "
            "to it"
        ) from None
    return SigningKey(signer, digest)


def _levelled(
    opened: SigningKey,
    own: x509.Certificate,
    chain: Sequence[x509.Certificate],
    timestamp: str,
    wanted: str,
) -> SigningKey:
    """Return the key with what its signatures need to reach a level, each source tried once."""
    if wanted and wanted not in LEVELS:
        raise UserError(f"--level: {wanted!r} is not a level; write {', '.join(LEVELS)}")
    if not timestamp:
        if wanted not in ("", BASIC):
            raise UserError(f"--level {wanted}: a timestamp is missing; name a --timestamp service")
        return opened
    if wanted == BASIC:
        raise UserError("--level B-B: has no timestamp; leave out --timestamp, or write B-T")
    if urlsplit(timestamp).scheme not in ("http", "https"):
        raise UserError(f"--timestamp: {timestamp!r} is not a URL, such as http://tsa.example/")
    timestamper = _Service(timestamp)
    token = stamp(timestamper, opened.digest)
    stamped = replace(opened, timestamper=timestamper, level=STAMPED)
    if wanted == STAMPED:
        return stamped
    service, *above = _of_service(token)
    revocation = partial(gather, (own, service), (*chain, *above))
    gathered = revocation()
    if gathered.gaps and wanted:
        raise UserError(f"--level {wanted}: {gathered.gaps[0]}; without --level the kit signs")
    if not gathered.items:
        return stamped
    reached = STAMPED if gathered.gaps else wanted or ARCHIVED
    return replace(stamped, level=reached, revocation=revocation)


class _Service(TimeStamper):
    """An RFC 3161 service, whose answer has bounds of size and time."""

    def __init__(self, url: str):
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Return what the service answers to a request."""
        kind = "application/timestamp-query"
        content = await asyncio.to_thread(answer_of, self.url, TIMESTAMP, req.dump(), kind)
        return tsp.TimeStampResp.load(content)


def _of_service(token: Any) -> list[x509.Certificate]:
    """Return the certificate of a timestamp's service, then the others in its token."""
    info = extract_certificate_info(token["content"])
    certificates = [info.signer_cert, *info.other_certs]
    return [x509.load_der_x509_certificate(part.dump()) for part in certificates]


def stamp(timestamper: TimeStamper, digest: str, content: bytes | None = None) -> Any:
    """Return a timestamp token over content, or the trial's, which pyHanko keeps as a measure.

    Raises
    ------
    CannotRunError
        The service does not answer, or not with a timestamp.
    """
    if content is None:
        response = timestamper.async_dummy_response(digest)
    else:
        response = timestamper.async_timestamp(hashlib.new(digest, content).digest(), digest)
    try:
        return apart(asyncio.run, response)
    except (OSError, ValueError, KeyError, TypeError) as error:
        url = getattr(timestamper, "url", "the service")
        raise CannotRunError(f"--timestamp: {url} gave no timestamp: {error}") from None


def _verify(public: Any, signature: bytes, digest: hashes.HashAlgorithm) -> None:
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, _TRIAL, padding.PKCS1v15(), digest)
    else:
        public.verify(signature, _TRIAL, ec.ECDSA(digest))


def _read(path: Path, option: str) -> bytes:
    try:
        return read_file(path, CERTIFICATES)
    except OSError as error:
        raise UserError(f"{option}: {path} cannot be read ({error.strerror})") from None


def _pem_key(path: Path, content: bytes, passphrase: Passphrase) -> PrivateKeyTypes:
    if b"PRIVATE KEY-----" not in content:
        raise UserError(f"--key: {path} holds no private key; name the file of the key that signs")
    try:
        try:
            return load_pem_private_key(content, None)
        except TypeError:  # it is encrypted
            return load_pem_private_key(content, _secret(path, passphrase))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(_unopened(path, error)) from None


def _pkcs12(
    path: Path, content: bytes, passphrase: Passphrase
) -> tuple[PrivateKeyTypes, list[x509.Certificate]]:
    if not content.startswith(b"\x30"):
        raise UserError(f"--key: {path} is neither PEM nor PKCS#12")
    try:
        try:
            private, own, others = pkcs12.load_key_and_certificates(content, None)
        except ValueError:  # it is encrypted
            secret = _secret(path, passphrase)
            private, own, others = pkcs12.load_key_and_certificates(content, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(_unopened(path, error)) from None
    if private is None:
        raise UserError(f"--key: {path} holds no private key")
    return private, [certificate for certificate in (own, *others) if certificate is not None]


def _secret(path: Path, passphrase: Passphrase) -> bytes:
    given = passphrase()
    if not given:
        raise UserError(
            f"--key: {path} is encrypted; put its passphrase into EVIDENCE_KEY_PASSPHRASE, or run "
            "in a terminal, where you can type it"
        )
    return given.encode()


def _unopened(path: Path, error: Exception) -> str:
    if isinstance(error, UnsupportedAlgorithm):
        return f"--key: {path} is encrypted in a way that is not known here: {error}"
    return f"--key: {path} cannot be opened: wrong passphrase, or no key that this kit can read"


def _certificates(path: Path, content: bytes) -> list[x509.Certificate]:
    if b"BEGIN CERTIFICATE" not in content:
        if b"-----BEGIN" in content and b"PRIVATE KEY" in content:
            return []
        raise UserError(f"--certificate: {path} holds no PEM certificate (-----BEGIN CERTIFICATE)")
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise UserError(f"--certificate: {path} cannot be read: {error}") from None


def _leaf(path: Path, chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that issued no other in the file."""
    leaves = [
        certificate
        for certificate in chain
        if not any(
            other.issuer == certificate.subject and other is not certificate for other in chain
        )
        and (len(chain) == 1 or certificate.issuer != certificate.subject)
    ]
    if len(leaves) != 1:
        raise UserError(
            f"--certificate: {path} must hold the key's certificate and those above it; "
            f"it holds {_names(chain)}"
        )
    return leaves[0]


def _check(own: x509.Certificate) -> None:
    """Refuse a certificate that no reader would accept today."""
    now, name = dt.datetime.now(dt.UTC), _names([own])
    if now < own.not_valid_before_utc:
        raise UserError(f"--certificate: {name} is not valid before {own.not_valid_before_utc}")
    if now > own.not_valid_after_utc:
        raise UserError(f"--certificate: {name} expired on {own.not_valid_after_utc}")
    try:
        usage = own.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage and not (usage.digital_signature or usage.content_commitment):
        raise UserError(
            f"--certificate: {name} may not sign documents: its key usage has neither "
            "digitalSignature nor nonRepudiation"
        )
    public = own.public_key()
    strong = (isinstance(public, rsa.RSAPublicKey) and public.key_size >= _LEAST_BITS) or (
        isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES
    )
    if not strong:
        raise UserError(
            f"--certificate: the key of {name} is not of a kind that all readers verify; use RSA of "
            f"{_LEAST_BITS} bits or more, or a NIST curve ({', '.join(_CURVES)})"
        )


def _is_curve(own: x509.Certificate) -> bool:
    return isinstance(own.public_key(), ec.EllipticCurvePublicKey)


def _names(chain: Sequence[x509.Certificate]) -> str:
    return "; ".join(
        certificate.subject.rfc4514_string() or f"serial {certificate.serial_number}"
        for certificate in chain
    )
