"""Handshakes, with servers of this machine; no test asks AWS."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kit.collect.collector import _hosts
from kit.collect.handshakes import Handshake, observe
from kit.collect.session import Clients
from kit.parameters import Run
from kit.snapshot import read
from tests.collect.policies import WHOLE
from tests.standins import Account

ENDS = dt.datetime(2049, 5, 17, 8, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("tls") / "server.pem")


def made(path: Path) -> Path:
    """Key and self-made certificate of localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost"),
        ]
    )
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ENDS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def listening(context: ssl.SSLContext | None, *, answers: bool = True) -> Iterator[int]:
    """A server on a port of its own; without a context it hangs up, or keeps silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                try:
                    if context:
                        context.wrap_socket(connection, server_side=True).close()
                    elif answers:
                        connection.close()
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()
        thread.join()


def server(identity: Path, *, old: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def shake(port: int, authorities: Path, seconds: float = 5.0) -> Handshake:
    (found,) = observe([("localhost", port)], str(authorities), seconds)
    return found


def test_what_was_agreed_and_the_certificate_are_reported(identity: Path) -> None:
    before = dt.datetime.now(dt.UTC)
    with listening(server(identity)) as port:
        found = shake(port, identity)
    assert found.error == ""
    assert (found.id, found.host, found.port) == ("H0001", "localhost", port)
    assert found.version == "TLSv1.3"
    assert found.cipher.startswith("TLS_")
    assert found.subject == found.issuer == "organizationName=Example, commonName=localhost"
    assert found.expires == ENDS.isoformat()
    der = x509.load_pem_x509_certificate(identity.read_bytes()).public_bytes(
        serialization.Encoding.DER
    )
    assert found.certificate == hashlib.sha256(der).hexdigest()
    assert found.refuses_tls_1_1 is True
    assert before <= dt.datetime.fromisoformat(found.time) <= dt.datetime.now(dt.UTC)


def test_a_host_that_takes_old_versions_is_reported(identity: Path) -> None:
    with listening(server(identity, old=True)) as port:
        found = shake(port, identity)
    assert found.version == "TLSv1.2"
    assert found.refuses_tls_1_1 is False


def test_a_certificate_that_nobody_vouches_for_is_an_error_reported(
    identity: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text(ssl.DER_cert_to_PEM_cert(_another()))
    with listening(server(identity)) as port:
        found = shake(port, other)
    assert "CERTIFICATE_VERIFY_FAILED" in found.error
    assert (found.version, found.certificate, found.refuses_tls_1_1) == ("", "", None)


def _another() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ENDS)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def test_a_host_without_tls_or_without_an_answer_is_an_error_reported(identity: Path) -> None:
    with listening(None) as port:
        assert shake(port, identity).error
    with listening(None, answers=False) as port:
        assert "TimeoutError" in shake(port, identity, 0.2).error
    assert "ConnectionRefusedError" in shake(port, identity).error


def test_hosts_have_ids_in_the_order_of_their_names(identity: Path) -> None:
    with listening(server(identity)) as port:
        hosts = [("localhost", port), ("127.0.0.1", port), ("localhost", port)]
        found = observe(hosts, str(identity))
    assert [(one.id, one.host, one.error) for one in found] == [
        ("H0001", "127.0.0.1", ""),
        ("H0002", "localhost", ""),
    ]


def test_only_aws_is_requested_and_only_where_nothing_else_was(tmp_path: Path) -> None:
    requests = Account(tmp_path).snapshot().requests
    found = _hosts(requests)
    assert ("appstream.eu-west-1.amazonaws.com", 443) in found
    assert all(host.endswith(".amazonaws.com") for host, _ in found)
    elsewhere = [*requests[:-1], _moved(requests[-1], "http://127.0.0.1:5000")]
    assert _hosts(elsewhere) == set()


def _moved(request: object, endpoint: str) -> object:
    from dataclasses import replace

    return replace(request, endpoint=endpoint)  # type: ignore[type-var]


def test_they_are_kept_in_the_snapshot(identity: Path, tmp_path: Path) -> None:
    account = Account(tmp_path)
    with listening(server(identity)) as port:
        account.handshakes = [shake(port, identity)]
    stored = account.snapshot()
    assert read(stored.folder).handshakes == tuple(account.handshakes)


# --- botocore's own connections ------------------------------------------------------------------

WHO = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>A</UserId>
<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class _Sts(BaseHTTPRequestHandler):
    """Answers one request a connection."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(WHO)))
        self.end_headers()
        self.wfile.write(WHO)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(identity: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sts) as running:
        running.socket = server(identity).wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://localhost:{running.server_port}"
        running.shutdown()
        thread.join()


def test_connections_share_authorities_and_protocols_and_are_verified_each(
    identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_from: list[str] = []
    read_authorities = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *given: str | None) -> None:
        read_from.append(str(given[0]))
        read_authorities(context, *given)

    offered: list[Sequence[str]] = []
    offer = ssl.SSLContext.set_alpn_protocols

    def noted(context: ssl.SSLContext, protocols: Sequence[str]) -> None:
        offered.append(protocols)
        offer(context, protocols)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted, raising=False)
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", noted)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(identity))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with answering(identity) as url, answering(made(tmp_path / "other.pem")) as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        clients = Clients(Run(account="111122223333"), WHOLE)
        for region in ("eu-west-1", "eu-central-1", "eu-west-1", "eu-central-1"):
            answer = clients.client("sts", region).get_caller_identity()
            assert answer["Account"] == "111122223333"
        assert read_from == [str(identity)]
        monkeypatch.setenv("AWS_ENDPOINT_URL", other)
        with pytest.raises(SSLError, match="certificate verify failed"):
            clients.client("sts", "eu-west-3").get_caller_identity()
        assert read_from == [str(identity)]
        assert offered == [["http/1.1"]]
        assert clients.verify_certificates
        clients.close()
