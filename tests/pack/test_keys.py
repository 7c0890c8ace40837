"""Keys and certificates: what can sign is opened, what cannot is told in a line beforehand."""

from __future__ import annotations

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kit.errors import CannotRunError, UserError
from kit.pack.keys import open_signing_key
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from tests.pack.authority import DAY, PASSPHRASE, Authority, private

REGION = "eu-central-1"


def none() -> None:
    return None


@pytest.mark.parametrize(
    ("made", "digest"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "sha256"),
        (lambda: ec.generate_private_key(ec.SECP256R1()), "sha256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "sha384"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "sha512"),
    ],
)
def test_a_pem_key_is_opened_with_its_chain(authority: Authority, made, digest: str) -> None:
    key, chain = authority.issue("pem", key=made())
    opened = open_signing_key(key, chain, passphrase=none)
    assert opened.digest == digest
    assert opened.signer.signing_cert.subject.native["common_name"] == "pem"
    assert len(list(opened.signer.cert_registry)) == 1


def test_key_and_certificates_may_lie_in_one_file(authority: Authority) -> None:
    key, chain = authority.issue("single")
    both = authority.folder / "both.pem"
    both.write_bytes(chain.read_bytes() + key.read_bytes())
    assert open_signing_key(both, passphrase=none).signer.subject_name


def test_an_encrypted_key_requires_its_passphrase(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _, chain = authority.issue("locked", key=key)
    locked = authority.folder / "locked.key.pem"
    locked.write_bytes(private(key, PASSPHRASE))
    requested: list[str] = []
    opened = open_signing_key(locked, chain, passphrase=lambda: requested.append("") or PASSPHRASE)
    assert opened
    assert requested == [""]
    with pytest.raises(UserError, match="wrong passphrase"):
        open_signing_key(locked, chain, passphrase=lambda: "battery staple")
    with pytest.raises(UserError, match="EVIDENCE_KEY_PASSPHRASE"):
        open_signing_key(locked, chain, passphrase=none)


def test_pkcs12_has_all_in_one(authority: Authority) -> None:
    path = authority.pkcs12("bundle")
    opened = open_signing_key(path, passphrase=lambda: PASSPHRASE)
    assert opened.signer.signing_cert.subject.native["common_name"] == "bundle"
    with pytest.raises(UserError, match="wrong passphrase") as reported:
        open_signing_key(path, passphrase=lambda: "battery staple")
    assert "battery staple" not in str(reported.value)


@pytest.mark.parametrize(
    ("how", "reported"),
    [
        ({"starts": -3 * DAY, "ends": -DAY}, "expired on"),
        ({"starts": DAY}, "is not valid before"),
        ({"usages": ("key_encipherment",)}, "digitalSignature"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "RSA of 2048 bits"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "NIST curve"),
        ({"key": ed25519.Ed25519PrivateKey.generate()}, "NIST curve"),
        ({"key": dsa.generate_private_key(1024)}, "NIST curve"),
    ],
)
def test_a_certificate_that_no_reader_takes_is_refused(
    authority: Authority, how: dict, reported: str
) -> None:
    key, chain = authority.issue("unfit", **how)
    with pytest.raises(UserError, match=reported):
        open_signing_key(key, chain, passphrase=none)


@pytest.mark.parametrize("usages", [None, ("content_commitment",)])
def test_a_certificate_for_documents_is_taken(authority: Authority, usages) -> None:
    key, chain = authority.issue("fit", usages=usages)
    assert open_signing_key(key, chain, passphrase=none)


def test_files_that_do_not_fit_are_reported(authority: Authority) -> None:
    key, chain = authority.issue("one")
    _, other = authority.issue("other")
    text = authority.folder / "text"
    text.write_text("no key")
    for arguments, reported in (
        ((key, other), "none given is of the key"),
        ((key,), "^--key: .* holds a key alone"),
        ((chain, chain), "^--key: .* holds no private key"),
        ((key, key), "no PEM certificate|none given|holds a key alone"),
        ((key, text), "no PEM certificate"),
        ((text, chain), "neither PEM nor PKCS#12"),
        ((authority.folder / "nowhere", chain), r"--key: .*nowhere cannot be read"),
        ((key, authority.folder / "nowhere"), r"--certificate: .*nowhere cannot be read"),
    ):
        with pytest.raises(UserError, match=reported):
            open_signing_key(*arguments, passphrase=none)


def test_options_that_do_not_go_together_are_reported(authority: Authority) -> None:
    key, chain = authority.issue("alone")
    for options, reported in (
        ({"certificate": chain}, "--certificate: nothing is signed"),
        ({"timestamp": "http://tsa.example/"}, "--timestamp: nothing is signed"),
        ({"key": key, "certificate": chain, "kms_key": "x"}, "one signer"),
        ({"kms_key": "x"}, "KMS keeps none"),
        ({"key": key, "certificate": chain, "timestamp": "tsa.example"}, "is not a URL"),
    ):
        with pytest.raises(UserError, match=reported):
            open_signing_key(**options, passphrase=none)
    assert open_signing_key(passphrase=none) is None


def test_a_timestamp_service_is_tried(authority: Authority, tsa: str) -> None:
    key, chain = authority.issue("timed")
    assert open_signing_key(key, chain, timestamp=tsa, passphrase=none).timestamper
    for url in (f"{tsa}refuse", "http://127.0.0.1:1/"):
        with pytest.raises(CannotRunError, match="gave no timestamp"):
            open_signing_key(key, chain, timestamp=url, passphrase=none)


def test_the_answer_of_a_timestamp_service_has_a_bound(
    authority: Authority, tsa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, chain = authority.issue("timed")
    monkeypatch.setattr("kit.pack.keys.TIMESTAMP", 100)
    with pytest.raises(CannotRunError, match=r"gave no timestamp: .* more than 100 bytes"):
        open_signing_key(key, chain, timestamp=tsa, passphrase=none)


@pytest.fixture
def shell(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox's credentials in the shell."""
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.mark.parametrize(
    ("spec", "digest"),
    [("RSA_2048", "sha256"), ("ECC_NIST_P256", "sha256"), ("ECC_NIST_P384", "sha384")],
)
def test_a_kms_key_signs_for_its_certificate(
    authority: Authority, shell: Sandbox, spec: str, digest: str
) -> None:
    kms = boto3.client("kms", region_name=REGION)
    arn = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec=spec)["KeyMetadata"]["Arn"]
    public = load_der_public_key(kms.get_public_key(KeyId=arn)["PublicKey"])
    _, chain = authority.issue("kms", public=public)
    opened = open_signing_key(kms_key=arn, certificate=chain, passphrase=none)
    assert opened.digest == digest
    _, other = authority.issue("another")
    with pytest.raises(UserError, match=r"is not the key of the certificate|was refused"):
        open_signing_key(kms_key=arn, certificate=other, passphrase=none)


def test_what_kms_refuses_is_reported(
    authority: Authority, shell: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, chain = authority.issue("refused")
    key = f"arn:aws:kms:{REGION}:210987654321:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(UserError, match=r"kms:Sign with arn\S+ was refused \(NotFoundException\)"):
        open_signing_key(kms_key=key, certificate=chain, passphrase=none)
    shell.faults.add(Fault("kms", "Sign", "deny"))
    try:
        with pytest.raises(UserError, match=r"was refused \(AccessDeniedException\)"):
            open_signing_key(kms_key=key, certificate=chain, passphrase=none)
    finally:
        shell.faults.clear()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UserError, match=r"NoCredentialsError.*AWS_PROFILE"):
        open_signing_key(kms_key=key, certificate=chain, passphrase=none)
    for name, value in shell.environment("demo").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CannotRunError, match="could not be reached"):
        open_signing_key(kms_key=key, certificate=chain, passphrase=none)
