"""A certificate authority, and a timestamp service over HTTP, of the tests' own."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

DAY = dt.timedelta(days=1)
PASSPHRASE = "correct horse"
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in allowed for name in USAGES})


class Authority:
    """Issues certificates below an intermediate one, all in PEM files of a folder.

    ``ca.pem`` is the root that a reader trusts; what `issue` returns has the chain below it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._root_key, root = self._make(
            "Test root", usages=("key_cert_sign", "crl_sign"), ca=True
        )
        self._root = root
        self._key, self._middle = self._make(
            "Test issuer",
            usages=("key_cert_sign", "crl_sign"),
            ca=True,
            by=(self._root_key, root),
        )
        self.ca.write_bytes(pem(root))

    def issue(
        self,
        name: str,
        *,
        key: Any = None,
        public: Any = None,
        usages: tuple[str, ...] | None = ("digital_signature",),
        starts: dt.timedelta = -DAY,
        ends: dt.timedelta = 30 * DAY,
        extended: Any = None,
    ) -> tuple[Path, Path]:
        """Write ``NAME.key.pem`` (where the key is not elsewhere) and ``NAME.pem``."""
        key, certificate = self._make(
            name,
            key=key,
            public=public,
            usages=usages,
            starts=starts,
            ends=ends,
            extended=extended,
            by=(self._key, self._middle),
        )
        chain = self.folder / f"{name}.pem"
        chain.write_bytes(pem(certificate) + pem(self._middle))
        own = self.folder / f"{name}.key.pem"
        if not public:
            own.write_bytes(private(key))
        return own, chain

    def pkcs12(self, name: str, passphrase: str = PASSPHRASE) -> Path:
        """Write a key with its certificate and the one above into ``NAME.p12``."""
        key, certificate = self._make(name, usages=("digital_signature",), by=self.below)
        path = self.folder / f"{name}.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                name.encode(),
                key,
                certificate,
                [self._middle],
                BestAvailableEncryption(passphrase.encode()),
            )
        )
        return path

    @property
    def below(self) -> tuple[Any, x509.Certificate]:
        return self._key, self._middle

    def timestamper(self) -> DummyTimeStamper:
        """A service in the process, which the HTTP one asks."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path, chain = self.issue(
            "tsa",
            key=key,
            extended=x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),
        )
        own, *others = load_certs_from_pemder_data(chain.read_bytes())
        store = SimpleCertificateStore()
        store.register_multiple(others)
        return DummyTimeStamper(
            own, load_private_key_from_pemder_data(path.read_bytes(), None), store
        )

    def _make(
        self,
        name: str,
        *,
        key: Any = None,
        public: Any = None,
        usages: tuple[str, ...] | None = None,
        starts: dt.timedelta = -DAY,
        ends: dt.timedelta = 30 * DAY,
        extended: Any = None,
        ca: bool = False,
        by: tuple[Any, x509.Certificate] | None = None,
    ) -> tuple[Any, x509.Certificate]:
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Beispielwerke"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by[1].subject if by else subject)
            .public_key(public or key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + starts)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(public or key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    by[0].public_key() if by else key.public_key()
                ),
                critical=False,
            )
        )
        if usages is not None:
            builder = builder.add_extension(usage(*usages), critical=True)
        if extended:
            builder = builder.add_extension(extended, critical=True)
        return key, builder.sign(by[0] if by else key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def private(key: Any, passphrase: str | None = None) -> bytes:
    how = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


@contextmanager
def served(timestamper: DummyTimeStamper) -> Iterator[str]:
    """Serve timestamps over HTTP on loopback and yield the URL; ``/refuse`` says no."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requested = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/refuse":
                answer = tsp.TimeStampResp({"status": {"status": "rejection"}})
            else:
                answer = timestamper.request_tsa_response(tsp.TimeStampReq.load(requested))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer.dump())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
