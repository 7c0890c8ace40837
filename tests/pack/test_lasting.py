"""How long signatures can be checked: each level reached, and never a level that was not."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boto3
import pikepdf
import pytest
from asn1crypto import cms, x509
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import ReasonFlags
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from kit.bag import INFO, SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.errors import CannotRunError, UserError
from kit.pack import sign
from kit.pack.event_loop import apart
from kit.pack.keys import SigningKey, open_signing_key
from kit.pack.levels import LEVELS
from kit.pack.responders import Gathered
from kit.pack.revocation import load_item
from kit.pack.sign import sign_manifest, sign_pdf
from kit.sandbox.server import Sandbox
from kit.verify import judged
from kit.verify.kinds import PDF
from tests.pack.authority import DAY
from tests.pack.conformance import faults
from tests.pack.lasting import (
    compressed,
    copied,
    long_crl,
    nested,
    opened,
    result_of,
    sealed,
    with_store,
)
from tests.pack.services import NOW, Services

REGION = "eu-central-1"
REVOKED = "revoked when it signed"


@pytest.fixture(scope="module")
def lasting(services: Services, short: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag at the level that certificates offer, B-LTA."""
    return sealed(tmp_path_factory.mktemp("lta") / "bag", short, opened(services))


@pytest.fixture(scope="module")
def stamped(services: Services, short: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag with timestamps and no revocation data, B-T."""
    key = opened(services, level="B-T")
    return sealed(tmp_path_factory.mktemp("t") / "bag", short, key)


@pytest.fixture(scope="module")
def timeless(services: Services, short: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag without any, B-B."""
    return sealed(tmp_path_factory.mktemp("b") / "bag", short, opened(services, timestamp=""))


@pytest.fixture
def bag(lasting: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return copied(lasting, tmp_path / "bag")


def restated(bag: Path, level: str) -> Path:
    """Let a bag state another level, as only its signer could."""
    info = (bag / INFO).read_text().rpartition(", level ")[0]
    (bag / INFO).write_text(f"{info}, level {level}\n")
    return bag


@pytest.mark.parametrize(
    ("label", "wanted", "service", "expected"),
    [
        ("by-ocsp", "", "timestamps", ("B-LTA", "B-LTA", True)),
        ("by-crl", "", "timestamps", ("B-LTA", "B-LTA", True)),
        ("by-both", "B-LTA", "timestamps", ("B-LTA", "B-LTA", True)),
        # The manifest's timestamp covers all that its signature carries.
        ("by-both", "B-LT", "timestamps", ("B-LT", "B-LTA", True)),
        ("by-both", "B-T", "timestamps", ("B-T", "B-T", False)),
        ("by-nothing", "", "timestamps", ("B-T", "B-T", False)),
        # Of the signer it is shown, of the timestamp service it is not.
        ("by-ocsp", "", "silent_timestamps", ("B-T", "B-T", True)),
        ("by-ocsp", "", "", ("B-B", "B-B", False)),
        ("by-ocsp", "B-B", "", ("B-B", "B-B", False)),
    ],
)
def test_each_level_is_reached_and_reported(
    services: Services,
    short: bytes,
    tmp_path: Path,
    label: str,
    wanted: str,
    service: str,
    expected: tuple[str, str, bool],
) -> None:
    key = opened(services, label, wanted, getattr(services, service, ""))
    assert key.level == expected[0]
    bag = sealed(tmp_path / "bag", short, key)
    content = (bag / PDF).read_bytes()
    assert content.startswith(short)
    assert faults(content) == []
    for trust in (services.ca, None):
        result = result_of(bag, trust)
        assert result.failed == {}
        assert (result.document, result.manifest) == expected[:2]
        assert result.shown == {PDF: expected[2], SIGNATURE: expected[2]}


def test_a_kms_key_reaches_the_highest_level(
    services: Services,
    sandbox: Sandbox,
    short: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    kms = boto3.client("kms", region_name=REGION)
    arn = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    public = load_der_public_key(kms.get_public_key(KeyId=arn)["PublicKey"])
    key = open_signing_key(
        kms_key=arn,
        certificate=services.issue_for("kms", public),
        timestamp=services.timestamps,
        level="B-LTA",
        passphrase=lambda: None,
    )
    assert key
    bag = sealed(tmp_path / "bag", short, key)
    result = result_of(bag, services.ca)
    assert (result.document, result.manifest, result.failed) == ("B-LTA", "B-LTA", {})
    assert faults((bag / PDF).read_bytes()) == []


@pytest.mark.parametrize(
    ("label", "wanted", "service", "error", "message"),
    [
        ("by-nothing", "B-LT", "timestamps", UserError, "'by-nothing' names neither a CRL nor"),
        ("by-ocsp", "B-LTA", "silent_timestamps", UserError, "'silent-tsa' names neither"),
        ("by-ocsp", "B-LTA", "", UserError, "name a --timestamp service"),
        ("by-ocsp", "B-B", "timestamps", UserError, "leave out --timestamp"),
        ("by-ocsp", "B-XL", "timestamps", UserError, "write B-B, B-T, B-LT, B-LTA"),
        ("revoked", "", "timestamps", UserError, "revoked was revoked on"),
        ("by-expired-responder", "", "timestamps", CannotRunError, "certificate expired on"),
    ],
)
def test_a_level_that_cannot_be_reached_is_refused_before_any_work(
    services: Services,
    label: str,
    wanted: str,
    service: str,
    error: type[UserError],
    message: str,
) -> None:
    with pytest.raises(error, match=message) as raised:
        opened(services, label, wanted, getattr(services, service, ""))
    assert type(raised.value) is error
    assert len(str(raised.value).splitlines()) == 1


def test_a_source_that_ends_while_sealing_ends_it(
    services: Services, short: bytes, tmp_path: Path
) -> None:
    key = opened(services)
    services.down = True
    try:
        with pytest.raises(CannotRunError, match=r"503.*or with --level B-T"):
            opened(services)
        with pytest.raises(CannotRunError, match="503"):
            sign_pdf(short, key)
        (tmp_path / TAG_MANIFEST).write_text("")
        with pytest.raises(CannotRunError, match="503"):
            sign_manifest(tmp_path, key)
        assert [path.name for path in tmp_path.iterdir()] == [TAG_MANIFEST]
        assert opened(services, level="B-T").level == "B-T"
    finally:
        services.down = False


def test_verifying_sends_no_request(services: Services, lasting: Path) -> None:
    before = list(services.requests)
    services.down = True
    try:
        assert result_of(lasting, services.ca).failed == {}
    finally:
        services.down = False
    assert services.requests == before


def test_a_revocation_before_the_signature_is_a_fault_at_every_level(
    services: Services, lasting: Path, stamped: Path, timeless: Path
) -> None:
    earlier = services.crl({"by-ocsp": NOW - DAY}, reason=ReasonFlags.key_compromise)
    for bag in (lasting, stamped, timeless):
        failed = result_of(bag, services.ca, [earlier]).failed
        assert failed.keys() == {PDF, SIGNATURE}
        assert all(REVOKED in message and "keyCompromise" in message for message in failed.values())


def test_a_revocation_after_a_proven_signature_leaves_it_good_and_is_stated(
    services: Services, lasting: Path, stamped: Path, timeless: Path
) -> None:
    later = services.crl({"by-ocsp": NOW + DAY / 2}, until=NOW + DAY)
    for bag in (lasting, stamped):
        result = result_of(bag, services.ca, [later])
        assert result.failed == {}
        # Of the issuer nothing but the embedded list is there.
        assert result.shown == dict.fromkeys((PDF, SIGNATURE), bag is lasting)
        assert sum("by-ocsp was revoked later, on" in line for line in result.lines) == 2
    unproven = result_of(timeless, services.ca, [later]).failed
    assert unproven.keys() == {PDF, SIGNATURE}
    assert all("no trusted timestamp is older" in message for message in unproven.values())


def test_a_list_of_the_reader_s_shows_what_a_pack_does_not(
    services: Services, stamped: Path, timeless: Path
) -> None:
    lists = [services.crl({}), services.crl({}, by="root")]
    for bag in (stamped, timeless):
        assert result_of(bag, services.ca, lists[:1]).shown == {PDF: False, SIGNATURE: False}
        result = result_of(bag, services.ca, lists)
        assert result.shown == {PDF: True, SIGNATURE: True}
        assert result.document == ("B-T" if bag is stamped else "B-B")


@pytest.mark.parametrize("content", [b"", b"no list", b"-----BEGIN X509 CRL-----\n"])
def test_a_file_that_shows_nothing_is_refused(
    services: Services, stamped: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(UserError, match=r"--revocation: .*list is"):
        result_of(stamped, services.ca, [tmp_path / "list"])
    with pytest.raises(UserError, match="cannot be read"):
        result_of(stamped, services.ca, [tmp_path / "nowhere"])


def carrying(key: SigningKey, *ders: bytes) -> SigningKey:
    """Return a key whose signatures carry items in place of what the authority would give."""
    assert key.revocation
    real = key.revocation()
    items = tuple(load_item(der, NOW) for der in ders)
    # The first item is about the signer.
    return replace(key, revocation=lambda: Gathered(real.certificates, items + real.items[1:]))


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda services: services.response("by-ocsp"), True),
        (lambda services: services.response("by-ocsp", about="by-crl"), False),
        (lambda services: services.response("by-ocsp", responder="by-crl"), False),
        (lambda services: services.response("by-ocsp", responder="expired-responder"), False),
        (lambda services: services.response("by-ocsp", this=NOW - 9 * DAY), False),
        (lambda services: services.crl({}, by="root").read_bytes(), False),
    ],
    ids=["its own", "another's", "not appointed", "expired responder", "stale", "another list"],
)
def test_an_answer_that_does_not_hold_lowers_the_level(
    services: Services,
    short: bytes,
    tmp_path: Path,
    make: Callable[[Services], bytes],
    shown: bool,
) -> None:
    key = carrying(opened(services), make(services))
    bag = sealed(tmp_path / "bag", short, key)
    result = result_of(bag, services.ca)
    level = "B-LTA" if shown else "B-T"
    assert (result.document, result.manifest) == (level, level)
    assert result.shown == {PDF: shown, SIGNATURE: shown}
    assert bool(result.failed) is not shown  # it states B-LTA
    assert result_of(restated(bag, "B-T"), services.ca).failed == {}


def test_an_embedded_revocation_is_a_fault(
    services: Services, short: bytes, tmp_path: Path
) -> None:
    revoked = services.crl({"by-ocsp": NOW - DAY}).read_bytes()
    key = carrying(opened(services), services.response("by-ocsp"), revoked)
    for trust in (services.ca, None):
        bag = tmp_path / f"{trust is None}"
        failed = result_of(sealed(bag, short, key), trust).failed
        assert failed.keys() == {PDF, SIGNATURE}
        assert all(REVOKED in message for message in failed.values())


def test_a_store_that_was_cut_off_lowers_the_level(services: Services, bag: Path) -> None:
    content = (bag / PDF).read_bytes()
    signature = PdfFileReader(io.BytesIO(content)).embedded_regular_signatures[0]
    _, _, start, length = signature.byte_range
    (bag / PDF).write_bytes(content[: start + length])
    result = result_of(bag, services.ca)
    assert (result.document, result.manifest) == ("B-T", "B-LTA")
    assert result.failed == {PDF: f"expected level B-LTA, as {INFO} states; observed: level B-T"}
    assert result_of(restated(bag, "B-T"), services.ca).failed == {}


def test_a_manifest_s_signature_without_what_it_carried_is_found(
    services: Services, bag: Path
) -> None:
    signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())
    signed["content"]["crls"] = None
    (bag / SIGNATURE).write_bytes(signed.dump())
    result = result_of(bag, services.ca)
    # The timestamp covered what is missing.
    assert result.failed.keys() == {SIGNATURE, TIMESTAMP}
    assert (result.document, result.manifest) == ("B-LTA", "B-B")
    (bag / TIMESTAMP).unlink()
    assert SIGNATURE in result_of(bag, services.ca).failed


def test_a_document_that_lasts_and_a_manifest_that_does_not_are_distinguished(
    services: Services, short: bytes, tmp_path: Path
) -> None:
    lesser = opened(services, level="B-T")
    bag = sealed(tmp_path / "bag", short, opened(services), over=lesser)
    result = result_of(bag, services.ca)
    assert (result.document, result.manifest) == ("B-LTA", "B-T")
    assert result.shown == {PDF: True, SIGNATURE: False}
    assert result.failed.keys() == {SIGNATURE}


def test_a_timestamp_of_a_service_that_nobody_trusts_proves_nothing(
    services: Services, short: bytes, tmp_path: Path, tsa: str
) -> None:
    key = opened(services, level="B-T", timestamp=tsa)
    bag = sealed(tmp_path / "bag", short, key)
    result = result_of(bag, services.ca)
    assert result.failed == {}
    assert (result.document, result.manifest) == ("B-B", "B-B")
    later = services.crl({"by-ocsp": NOW + DAY / 2}, until=NOW + DAY)
    assert result_of(bag, services.ca, [later]).failed.keys() == {PDF, SIGNATURE}


@pytest.mark.parametrize(
    ("reason", "level"),
    [(ReasonFlags.superseded, "B-T"), (ReasonFlags.key_compromise, "B-B"), (None, "B-B")],
)
def test_a_service_that_was_revoked_since_proves_by_the_reason(
    services: Services,
    stamped: Path,
    monkeypatch: pytest.MonkeyPatch,
    reason: ReasonFlags | None,
    level: str,
) -> None:
    of_service = services.crl({"tsa": NOW + DAY / 2}, until=NOW + DAY, reason=reason)
    assert result_of(stamped, services.ca, [of_service]).document == "B-T"
    monkeypatch.setattr(judged, "_now", lambda: NOW + DAY)
    result = result_of(stamped, services.ca, [of_service])
    assert (result.document, result.manifest, result.failed) == (level, level, {})


def appended(signed: bytes, key: SigningKey) -> bytes:
    """Append a timestamp over a document."""
    stamper = PdfTimeStamper(key.timestamper, invis_settings=sign._NOWHERE)
    writer = sign._Appending(io.BytesIO(signed))
    return bytes(apart(stamper.timestamp_pdf, writer, key.digest).getvalue())


def test_a_timestamp_that_does_not_cover_the_store_does_not_count_for_it(
    services: Services, short: bytes, bag: Path
) -> None:
    key = opened(services)
    early = appended(sign_pdf(short, replace(key, revocation=None)), key)
    (bag / PDF).write_bytes(sign._with_revocation(early, replace(key, level="B-LT")))
    result = result_of(restated(bag, "B-LT"), services.ca)
    assert (result.document, result.failed) == ("B-LT", {})


def add_note(file: pikepdf.Pdf) -> None:
    note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text)
    file.pages[0].Annots.append(file.make_indirect(note))


def change_page(file: pikepdf.Pdf) -> None:
    file.pages[0].Rotate = 180


def change_content(file: pikepdf.Pdf) -> None:
    file.pages[-1].Contents = file.make_stream(b"")


def change_title(file: pikepdf.Pdf) -> None:
    file.trailer.Info.Title = "Another"


def add_object(file: pikepdf.Pdf) -> None:
    file.Root.DSS.Extra = file.make_indirect(pikepdf.Dictionary(A=1))


def change_outline(file: pikepdf.Pdf) -> None:
    file.Root.Outlines.Count = 0


CHANGES = [add_note, change_page, change_content, change_title, add_object, change_outline]


def updated(content: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """Append the objects that a change touches, as an incremental update."""
    with pikepdf.open(io.BytesIO(content)) as file:
        before = {o.objgen: o.unparse(resolved=True) for o in file.objects}
        change(file)
        touched = {
            o.objgen: (o.unparse(resolved=True), o.read_raw_bytes())
            if isinstance(o, pikepdf.Stream)
            else (o.unparse(resolved=True), None)
            for o in file.objects
        }
        size, root, info = int(file.trailer.Size), file.Root.objgen, file.docinfo.objgen
    body, places = io.BytesIO(), {}
    for (number, _), (text, stream) in touched.items():
        if before.get((number, 0)) != text:
            places[number] = len(content) + body.tell()
            tail = b"\nstream\n" + stream + b"\nendstream" if stream is not None else b""
            body.write(b"%d 0 obj\n" % number + text + tail + b"\nendobj\n")
    start = len(content) + body.tell()
    lines = b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in places.items())
    last = content.rindex(b"startxref")
    previous = int(content[last:].split()[1])
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /Prev %d >>\n" % (
        max(size, max(places, default=0) + 1),
        root[0],
        info[0],
        previous,
    )
    end = b"startxref\n%d\n%%%%EOF\n" % start
    return content + body.getvalue() + b"xref\n" + lines + trailer + end


@pytest.mark.parametrize(
    ("level", "change"),
    [
        (level, change)
        for level in ("B-T", "B-LT", "B-LTA")
        for change in CHANGES
        if not (change is add_object and level == "B-T")  # which has no store to add it to
    ],
)
def test_what_is_appended_beside_validation_data_is_found(
    services: Services,
    short: bytes,
    tmp_path: Path,
    level: str,
    change: Callable[[pikepdf.Pdf], None],
) -> None:
    bag = tmp_path / "bag"
    (bag / "data").mkdir(parents=True)
    key = _keys(services)[level]
    (bag / PDF).write_bytes(updated(_signed(short, services, level), change))
    (bag / INFO).write_text(f"Signature: PAdES data/evidence.pdf, level {key.level}\n")
    assert "cover the whole file" in result_of(bag, services.ca).failed[PDF]


_KEYS: dict[str, SigningKey] = {}
_SIGNED: dict[str, bytes] = {}


def _keys(services: Services) -> dict[str, SigningKey]:
    if not _KEYS:
        _KEYS.update({level: opened(services, level=level) for level in LEVELS[1:]})
    return _KEYS


def _signed(short: bytes, services: Services, level: str) -> bytes:
    if level not in _SIGNED:
        _SIGNED[level] = sign_pdf(short, _keys(services)[level])
    return _SIGNED[level]


@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_bytes_after_the_last_revision_are_found(
    services: Services, short: bytes, tmp_path: Path, level: str
) -> None:
    bag = tmp_path / "bag"
    (bag / "data").mkdir(parents=True)
    (bag / PDF).write_bytes(_signed(short, services, level) + b"% added\n")
    (bag / INFO).write_text(f"Signature: PAdES data/evidence.pdf, level {level}\n")
    assert "cover the whole file" in result_of(bag, services.ca).failed[PDF]


HOSTILE = {
    "a list of a million entries": lambda made: {"CRLs": [long_crl(made, 1_000_000)]},
    "a stream that unpacks to 200 MB": lambda _: {"CRLs": [compressed(200 << 20)]},
    "16 MB in all": lambda _: {"CRLs": [bytes(9 << 20)] * 2},
    "100 responses": lambda made: {"OCSPs": [made.response("by-ocsp")] * 100},
    "100 certificates": lambda made: {"Certs": [made.der("issuer")] * 100},
    "certificates nested 8,000 deep": lambda _: {"Certs": [nested(8_000)]},
}
HARMLESS = {
    "a list of 50,000 entries": lambda made: {"CRLs": [long_crl(made, 50_000)]},
    "a response nested 20,000 deep": lambda _: {"OCSPs": [nested(20_000)]},
    "nothing": lambda _: {"OCSPs": [b""], "CRLs": [b"\x30\x80" * 1_000]},
}


@pytest.mark.parametrize("name", [*HOSTILE, *HARMLESS])
def test_a_forged_store_is_read_with_bounds(
    services: Services, stamped: Path, tmp_path: Path, name: str
) -> None:
    bag = copied(stamped, tmp_path / "bag")
    held = {**HOSTILE, **HARMLESS}[name](services)
    (bag / PDF).write_bytes(with_store((bag / PDF).read_bytes(), **held))
    result = result_of(bag, services.ca)
    assert result.failed.keys() == ({PDF} if name in HOSTILE else set())
    assert result.document == (None if name in HOSTILE else "B-T")
    assert result.manifest == "B-T"


@pytest.mark.parametrize(
    ("levels", "alike", "bounded"), [(3, 4, False), (3, 5, True), (15, 4, True), (50, 1, False)]
)
def test_certificates_for_very_many_chains_are_refused(
    services: Services, stamped: Path, tmp_path: Path, levels: int, alike: int, bounded: bool
) -> None:
    bag = copied(stamped, tmp_path / "bag")
    signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())
    for certificate in services.ladder(levels, alike):
        signed["content"]["certificates"].append(
            cms.CertificateChoices("certificate", x509.Certificate.load(certificate))
        )
    (bag / SIGNATURE).write_bytes(signed.dump())
    assert ("chains" in result_of(bag, services.ca).failed[SIGNATURE]) is bounded


def test_openssl_reads_the_data_that_the_manifest_s_signature_carries(
    services: Services, short: bytes, tmp_path: Path
) -> None:
    bag = sealed(tmp_path / "bag", short, opened(services, "by-crl"))
    command = [
        *("openssl", "cms", "-verify", "-inform", "DER", "-in", SIGNATURE, "-binary"),
        *("-content", TAG_MANIFEST, "-purpose", "any", "-CAfile", services.ca, "-crl_check"),
        *("-out", tmp_path / "out"),
    ]
    done = subprocess.run(command, cwd=bag, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())
    signed["content"]["crls"] = None
    (bag / SIGNATURE).write_bytes(signed.dump())
    done = subprocess.run(command, cwd=bag, capture_output=True, text=True)
    assert "unable to get certificate CRL" in done.stderr
