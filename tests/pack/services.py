"""A certificate authority with CRLs, an OCSP responder and a timestamp service, by certomancer.

Certomancer shares no code with what the kit reads these with. It answers over HTTP on loopback.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import yaml
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import ocsp

from tests.pack.authority import DAY, PASSPHRASE, pem, private

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
_OCSP = "ocsp"


def _usage(*allowed: str) -> dict[str, Any]:
    smart = {"schema": "key-usage", "params": list(allowed)}
    return {"id": "key_usage", "critical": True, "smart-value": smart}


def _times(starts: dt.datetime, ends: dt.datetime) -> dict[str, Any]:
    return {"valid-from": f"{starts.isoformat()}", "valid-to": f"{ends.isoformat()}"}


_YEARS = _times(NOW - 400 * DAY, NOW + 4000 * DAY)
_CRL_OF_ROOT = {
    "id": "crl_distribution_points",
    "smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["root"]}},
}
_CRL_OF_ISSUER = {
    "id": "crl_distribution_points",
    "smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["issuer"]}},
}


def _sources(responder: str = "") -> dict[str, Any]:
    params: dict[str, Any] = {
        "ca-issuer-links": [{"repo": "root", "cert-labels": ["issuer"]}]
        if responder
        else [{"repo": "root", "include-repo-authority": True}]
    }
    if responder:
        params["ocsp-responder-names"] = [responder]
    return {
        "id": "authority_information_access",
        "smart-value": {"schema": "aia-urls", "params": params},
    }


def _authority(**given: Any) -> dict[str, Any]:
    basic = {"id": "basic_constraints", "critical": True, "value": {"ca": True}}
    usage = _usage("key_cert_sign", "crl_sign")
    return {
        "issuer": "root",
        "validity": _YEARS,
        **given,
        "extensions": [basic, usage, *given.get("extensions", [])],
    }


def _signer(*extensions: Any, **given: Any) -> dict[str, Any]:
    return {
        "issuer": "issuer",
        "validity": _YEARS,
        "extensions": [_usage("digital_signature"), *extensions],
        **given,
    }


_RESPONDER = ({"id": "extended_key_usage", "value": ["ocsp_signing"]}, {"id": "ocsp_no_check"})
_SERVICE = {"id": "extended_key_usage", "critical": True, "value": ["time_stamping"]}
_CERTIFICATES = {
    "root": _authority(),
    "issuer": _authority(extensions=[_CRL_OF_ROOT, _sources()]),
    "responder": _signer(*_RESPONDER),
    "expired-responder": _signer(*_RESPONDER, validity=_times(NOW - 9 * DAY, NOW - DAY)),
    # A signer for each way in which revocation can be shown.
    "by-ocsp": _signer(_sources(_OCSP)),
    "by-crl": _signer(_CRL_OF_ISSUER),
    "by-both": _signer(_CRL_OF_ISSUER, _sources(_OCSP)),
    "by-nothing": _signer(),
    "analyst": _signer(_CRL_OF_ISSUER),
    "by-expired-responder": _signer(_sources("expired")),
    "revoked": _signer(
        _sources(_OCSP),
        revocation={
            "revoked-since": (NOW - DAY).isoformat(),
            "reason": "key_compromise",
        },
    ),
    "tsa": _signer(_SERVICE, _sources(_OCSP)),
    "silent-tsa": _signer(_SERVICE),
}


def make_keys() -> dict[str, bytes]:
    """Return a new private key for each certificate."""
    return {name: private(ec.generate_private_key(ec.SECP256R1())) for name in _CERTIFICATES}


class Services:
    """What runs, and the files of its keys and certificates.

    ``ca.pem`` is the root; `issue` names a certificate of the authority by its label.
    """

    def __init__(self, folder: Path, prefix: str, keys: Mapping[str, bytes]):
        self.folder, self.prefix = folder, prefix
        self.requests: list[str] = []
        self.down = False  # everything but timestamps
        self.fails_after: int | None = None  # that many requests of the same
        self.keys: dict[str, Any] = {}
        for name, key in keys.items():
            (folder / f"{name}.key.pem").write_bytes(key)
            self.keys[name] = load_pem_private_key(key, None)
        config = CertomancerConfig.from_yaml(
            yaml.safe_dump(self._config()),
            key_search_dir=str(folder),
            config_search_dir=str(folder),
        )
        self.architecture = config.get_pki_arch(ArchLabel("trial"))
        self.animator = Animator(AnimatorArchStore({ArchLabel("trial"): self.architecture}))
        # RFC 6960, 4.2.2.1: times without fractions of a second.
        self.animator.at_time = lambda _: dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(pem(self.certificate("root")))

    def certificate(self, label: str) -> x509.Certificate:
        made = self.architecture.get_cert(CertLabel(label))
        return x509.load_der_x509_certificate(made.dump())

    def der(self, label: str) -> bytes:
        return self.certificate(label).public_bytes(Encoding.DER)

    def ladder(self, levels: int, alike: int) -> list[bytes]:
        """Return certificates that each have several others of the same name above them."""
        key = self.keys["issuer"]

        def made(level: int, number: int) -> bytes:
            subject, issuer = (
                x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
                for name in (f"above {level}", f"above {level + 1}")
            )
            builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            return (
                builder.public_key(key.public_key())
                .serial_number(1 + level * 100 + number)
                .not_valid_before(NOW - DAY)
                .not_valid_after(NOW + DAY)
                .sign(key, hashes.SHA256())
                .public_bytes(Encoding.DER)
            )

        return [made(level, number) for level in range(levels) for number in range(alike)]

    def issue(self, label: str, *others: str) -> tuple[Path, Path]:
        """Return the files of a key and of its certificate with those named after it."""
        chain = self.folder / f"{label}.pem"
        chain.write_bytes(b"".join(pem(self.certificate(name)) for name in (label, *others)))
        return self.folder / f"{label}.key.pem", chain

    def pkcs12(self, label: str, passphrase: str = PASSPHRASE) -> Path:
        """Write a key with its certificate and the one above into ``LABEL.p12``."""
        path = self.folder / f"{label}.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                label.encode(),
                self.keys[label],
                self.certificate(label),
                [self.certificate("issuer")],
                BestAvailableEncryption(passphrase.encode()),
            )
        )
        return path

    def issue_for(self, name: str, public: Any) -> Path:
        """Return the file of a certificate as ``by-ocsp`` has, for a key that is elsewhere."""
        pattern, issuer = self.certificate("by-ocsp"), self.certificate("issuer")
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer.subject)
            .public_key(public)
            .serial_number(pattern.serial_number)  # which the responder knows
            .not_valid_before(pattern.not_valid_before_utc)
            .not_valid_after(pattern.not_valid_after_utc)
        )
        for extension in pattern.extensions:
            if not isinstance(
                extension.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier
            ):
                builder = builder.add_extension(extension.value, extension.critical)
        made = builder.sign(self.keys["issuer"], hashes.SHA256())
        path = self.folder / f"{name}.pem"
        path.write_bytes(pem(made))
        return path

    @property
    def timestamps(self) -> str:
        return f"{self.prefix}/trial/tsa/tsa"

    @property
    def silent_timestamps(self) -> str:
        """Of a service whose certificate names no source of revocation data."""
        return f"{self.prefix}/trial/tsa/silent"

    def crl(
        self,
        revoked: dict[str, dt.datetime],
        *,
        this: dt.datetime = NOW,
        until: dt.datetime = NOW + 7 * DAY,
        by: str = "issuer",
        reason: x509.ReasonFlags | None = None,
    ) -> Path:
        """Write a CRL as the authority would; return its file."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate(by).subject)
            .last_update(this)
            .next_update(until)
        )
        for label, moment in revoked.items():
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(self.certificate(label).serial_number)
                .revocation_date(moment)
            )
            if reason:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            builder = builder.add_revoked_certificate(entry.build())
        path = self.folder / f"{by}-{'-'.join(revoked)}-{len(list(self.folder.iterdir()))}.crl"
        path.write_bytes(builder.sign(self.keys[by], hashes.SHA256()).public_bytes(Encoding.DER))
        return path

    def response(
        self,
        label: str,
        *,
        about: str = "",
        responder: str = "responder",
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        this: dt.datetime = NOW,
        revoked: dt.datetime | None = None,
    ) -> bytes:
        """Return an OCSP response about a certificate, or about another of the same issuer."""
        builder = ocsp.OCSPResponseBuilder().add_response(
            self.certificate(about or label),
            self.certificate("issuer"),
            hashes.SHA256(),
            status,
            this,
            this + DAY,
            revoked,
            None,
        )
        signer = self.certificate(responder)
        made = (
            builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
            .certificates([signer])
            .sign(self.keys[responder], hashes.SHA256())
        )
        return made.public_bytes(Encoding.DER)

    def _config(self) -> dict[str, Any]:
        names = list(_CERTIFICATES)
        return {
            "external-url-prefix": self.prefix,
            "keysets": {"trial": {"keys": {n: {"path": f"{n}.key.pem"} for n in names}}},
            "pki-architectures": {
                "trial": {
                    "keyset": "trial",
                    "entity-defaults": {"organization-name": "Beispielwerke"},
                    "entities": {n: {"common-name": n} for n in names},
                    "certs": {n: {"subject": n, **c} for n, c in _CERTIFICATES.items()},
                    "services": {
                        "ocsp": {
                            _OCSP: {
                                "for-issuer": "issuer",
                                "responder-cert": "responder",
                                "signing-key": "responder",
                            },
                            "expired": {
                                "for-issuer": "issuer",
                                "responder-cert": "expired-responder",
                                "signing-key": "expired-responder",
                            },
                        },
                        "crl-repo": {
                            n: {
                                "for-issuer": n,
                                "signing-key": n,
                                "simulated-update-schedule": "P30D",
                            }
                            for n in ("root", "issuer")
                        },
                        "cert-repo": {"root": {"for-issuer": "root", "publish-issued-certs": True}},
                        "time-stamping": {
                            "tsa": {
                                "signing-key": "tsa",
                                "signing-cert": "tsa",
                                "certs-to-embed": ["issuer"],
                            },
                            "silent": {
                                "signing-key": "silent-tsa",
                                "signing-cert": "silent-tsa",
                                "certs-to-embed": ["issuer"],
                            },
                        },
                    },
                }
            },
        }

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        """Answer a request, unless all or some but timestamps are down."""
        path = environ["PATH_INFO"]
        self.requests.append(path)
        failing = self.down or self.fails_after == 0
        if self.fails_after and "/tsa/" not in path:
            self.fails_after -= 1
        if failing and "/tsa/" not in path:
            start("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        return self.animator(environ, start)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def running(folder: Path, keys: Mapping[str, bytes]) -> Iterator[Services]:
    """Run the services on loopback while the caller needs them."""
    server = make_server("127.0.0.1", 0, lambda *_: [], _Threading, _Quiet)
    services = Services(folder, f"http://127.0.0.1:{server.server_port}", keys)
    server.set_app(services)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
