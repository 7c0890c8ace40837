"""Signatures as other people's tools see them: openssl, poppler, and a PDF library with openssl."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kit.bag import SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.pack.keys import SigningKey, open_signing_key
from kit.pack.sign import sign_manifest, sign_pdf
from tests.pack.authority import Authority
from tests.pack.conformance import faults


@pytest.fixture(scope="module")
def key(authority: Authority, tsa: str) -> SigningKey:
    path, chain = authority.issue("signer")
    opened = open_signing_key(path, chain, timestamp=tsa, passphrase=lambda: None)
    assert opened
    return opened


@pytest.fixture(scope="module")
def signed(short: bytes, key: SigningKey) -> bytes:
    return sign_pdf(short, key)


@pytest.fixture
def bag(tmp_path: Path, key: SigningKey) -> Path:
    (tmp_path / TAG_MANIFEST).write_text(f"{'0' * 64}  manifest-sha256.txt\n")
    sign_manifest(tmp_path, key)
    return tmp_path


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True)


def test_signing_only_appends(short: bytes, signed: bytes) -> None:
    assert signed.startswith(short)
    with pikepdf.open(io.BytesIO(short)) as before, pikepdf.open(io.BytesIO(signed)) as after:
        assert after.Root.Metadata.read_bytes() == before.Root.Metadata.read_bytes()
        assert after.docinfo == before.docinfo
        assert len(after.pages) == len(before.pages)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 2048),
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
    ],
    ids=["RSA", "P-256", "P-384", "P-521"],
)
def test_it_stays_pdf_a_3a_and_pdf_ua_1_whatever_the_key(
    short: bytes, authority: Authority, tmp_path: Path, make: Callable[[], Any]
) -> None:
    path, chain = authority.issue("whatever", key=make())
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    signed = sign_pdf(short, key)
    assert faults(signed) == []
    with pikepdf.open(io.BytesIO(signed)) as file:
        assert file.pdf_version == "1.7"
        assert "/Version" not in file.Root
        assert file.Root.Extensions.keys() == {"/ESIC"}
    (tmp_path / "evidence.pdf").write_bytes(signed)
    said = run("pdfsig", "-nocert", "evidence.pdf", cwd=tmp_path).stdout
    assert "Signature Validation: Signature is Valid." in said


def test_the_field_prints_nothing_and_has_a_name(signed: bytes) -> None:
    with pikepdf.open(io.BytesIO(signed)) as file:
        (field,) = file.Root.AcroForm.Fields
        assert str(field.TU).startswith("Signature")
        assert file.pages[0].Tabs == "/S"
        assert int(field.F) & 4
        assert all(float(part) < 0 for part in field.Rect)
        assert file.Root.Perms.DocMDP.Reference[0].TransformParams.P == 1


def test_poppler_finds_the_whole_document_signed(signed: bytes, tmp_path: Path) -> None:
    (tmp_path / "evidence.pdf").write_bytes(signed)
    said = run("pdfsig", "-nocert", "evidence.pdf", cwd=tmp_path).stdout
    assert "Signature Type: ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    assert "Signature Validation: Signature is Valid." in said
    assert "Signer Certificate Common Name: signer" in said


def test_openssl_verifies_what_a_second_library_takes_out_of_the_pdf(
    signed: bytes, authority: Authority, tmp_path: Path
) -> None:
    with pikepdf.open(io.BytesIO(signed)) as file:
        value = file.Root.AcroForm.Fields[0].V
        first, end, start, length = map(int, value.ByteRange)
        cms = bytes(value.Contents)
    assert first == 0
    assert start + length == len(signed)
    (tmp_path / "cms").write_bytes(cms)
    for change, code in ((b"", 0), (b"x", 4)):
        covered = signed[:end] + signed[start:] + change
        (tmp_path / "content").write_bytes(covered)
        done = run(
            *("openssl", "cms", "-verify", "-inform", "DER", "-in", tmp_path / "cms"),
            *("-content", tmp_path / "content", "-binary", "-CAfile", authority.ca),
            *("-out", tmp_path / "out"),
        )
        assert done.returncode == code, done.stderr


def test_openssl_verifies_the_tag_manifest(bag: Path, authority: Authority) -> None:
    command = (
        *("openssl", "cms", "-verify", "-inform", "DER", "-in", SIGNATURE),
        *("-content", TAG_MANIFEST, "-binary", "-CAfile", authority.ca),
    )
    done = run(*command, cwd=bag)
    assert done.returncode == 0, done.stderr
    assert "CMS Verification successful" in done.stderr
    assert done.stdout == (bag / TAG_MANIFEST).read_text()
    (bag / TAG_MANIFEST).write_text(f"{'1' * 64}  manifest-sha256.txt\n")
    assert run(*command, cwd=bag).returncode == 4


def test_openssl_verifies_the_timestamp(bag: Path, authority: Authority) -> None:
    command = (
        *("openssl", "ts", "-verify", "-data", SIGNATURE, "-in", TIMESTAMP),
        *("-CAfile", authority.ca),
    )
    done = run(*command, cwd=bag)
    assert done.returncode == 0, done.stderr
    assert "Verification: OK" in done.stdout
    (bag / SIGNATURE).write_bytes(b"another")
    assert run(*command, cwd=bag).returncode != 0


def test_a_pdf_has_its_timestamp_within(signed: bytes) -> None:
    with pikepdf.open(io.BytesIO(signed)) as file:
        cms = bytes(file.Root.AcroForm.Fields[0].V.Contents)
    done = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER"], input=cms, capture_output=True
    )
    assert b"id-smime-aa-timeStampToken" in done.stdout


def test_without_a_service_there_is_no_timestamp(authority: Authority, tmp_path: Path) -> None:
    path, chain = authority.issue("timeless")
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    (tmp_path / TAG_MANIFEST).write_text("")
    sign_manifest(tmp_path, key)
    assert {path.name for path in tmp_path.iterdir()} == {TAG_MANIFEST, SIGNATURE}
