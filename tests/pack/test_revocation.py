"""What CRLs and OCSP responses show, with a neighbour on both sides of each border."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kit import bounds
from kit.pack.revocation import (
    GOOD,
    NOT_SHOWN,
    REVOKED,
    UnusableError,
    load_item,
    standing_of,
    standing_of_chain,
)
from tests.pack.authority import DAY, usage

# A response is dated by the clock of who makes it.
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)
SKEW = dt.timedelta(minutes=5)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "signer", "responder")}
POINT = x509.UniformResourceIdentifier("http://ca.example/list.crl")


def certificate(
    name: str,
    *extensions: x509.ExtensionType,
    by: str = "ca",
    ends: dt.datetime = NOW + 300 * DAY,
    key: str = "",
    allowed: tuple[str, ...] = ("digital_signature",),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(by))
        .public_key(KEYS[key or name].public_key())
        .serial_number(1 + sorted(KEYS).index(key or name))
        .not_valid_before(NOW - 300 * DAY)
        .not_valid_after(ends)
        .add_extension(usage(*allowed), True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(KEYS["ca"], hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


CA = certificate("ca", allowed=("key_cert_sign", "crl_sign"))
POINTS = x509.CRLDistributionPoints([x509.DistributionPoint([POINT], None, None, None)])
SIGNER = certificate("signer", POINTS)
FOR_OCSP = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
RESPONDER = certificate("responder", FOR_OCSP, x509.OCSPNoCheck())


def crl(
    *extensions: Any,
    revoked: dt.datetime | None = None,
    entry: tuple[Any, ...] = (),
    this: dt.datetime = NOW - HOUR,
    until: dt.datetime = NOW + DAY,
    by: str = "ca",
    key: str = "ca",
    digest: Any = None,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_name(by))
        .last_update(this)
        .next_update(until)
    )
    if revoked:
        made = (
            x509.RevokedCertificateBuilder()
            .serial_number(SIGNER.serial_number)
            .revocation_date(revoked)
        )
        for extension in entry:
            made = made.add_extension(extension, False)
        builder = builder.add_revoked_certificate(made.build())
    for extension in extensions:
        builder = builder.add_extension(extension, True)
    return builder.sign(KEYS[key], digest or hashes.SHA256()).public_bytes(Encoding.DER)


def response(
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    *,
    about: x509.Certificate = SIGNER,
    issuer: x509.Certificate = CA,
    by: x509.Certificate = RESPONDER,
    key: str = "responder",
    this: dt.datetime = NOW - HOUR,
    until: dt.datetime | None = NOW + DAY,
    revoked: dt.datetime | None = None,
) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        about, issuer, hashes.SHA256(), status, this, until, revoked, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by).certificates([by])
    return builder.sign(KEYS[key], hashes.SHA256()).public_bytes(Encoding.DER)


def state(
    *ders: bytes,
    moment: dt.datetime = NOW,
    proven: bool = True,
    existed: dt.datetime | None = None,
    of: x509.Certificate = SIGNER,
    issuer: x509.Certificate = CA,
) -> str:
    items = [load_item(der, existed or NOW) for der in ders]
    return standing_of(of, issuer, items, moment, proven=proven).state


def point(**given: Any) -> x509.IssuingDistributionPoint:
    usual: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**usual, **given})


@pytest.mark.parametrize("make", [crl, response])
@pytest.mark.parametrize(
    ("this", "until", "expected"),
    [
        (NOW - HOUR, NOW + HOUR, GOOD),
        (NOW - HOUR, NOW - SKEW, GOOD),  # clocks differ
        (NOW - HOUR, NOW - SKEW - SECOND, NOT_SHOWN),  # it ended before the moment
        (NOW, NOW + HOUR, GOOD),
    ],
)
def test_data_shows_what_their_time_covers(
    make: Callable[..., bytes], this: dt.datetime, until: dt.datetime, expected: str
) -> None:
    assert state(make(this=this, until=until)) == expected


def test_later_data_show_an_earlier_moment_until_the_certificate_expires() -> None:
    assert state(crl(this=NOW, until=NOW + DAY), moment=NOW - 40 * DAY) == GOOD
    for ends, expected in ((NOW, GOOD), (NOW - SECOND, NOT_SHOWN)):
        old = certificate("signer", ends=ends)
        assert state(crl(this=NOW), moment=NOW - 40 * DAY, of=old) == expected


@pytest.mark.parametrize("make", [crl, response])
def test_data_from_after_the_time_at_which_they_existed_show_nothing(
    make: Callable[..., bytes],
) -> None:
    for existed, expected in ((NOW - SKEW, GOOD), (NOW - SKEW - SECOND, NOT_SHOWN)):
        made = make(this=NOW, until=NOW + DAY)
        assert state(made, moment=NOW - HOUR, existed=existed) == expected


def test_a_response_without_a_next_update_shows_half_an_hour() -> None:
    until = NOW - HOUR + dt.timedelta(minutes=30) + SKEW
    for moment, expected in ((until, GOOD), (until + SECOND, NOT_SHOWN)):
        assert state(response(until=None), moment=moment) == expected


def _with_another_signature(der: bytes) -> bytes:
    signature = ocsp.load_der_ocsp_response(der).signature
    return der.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1]), 1)


REVOCATIONS = [
    lambda time: crl(revoked=time),
    lambda time: response(ocsp.OCSPCertStatus.REVOKED, revoked=time),
]


@pytest.mark.parametrize("make", REVOCATIONS, ids=["CRL", "OCSP"])
def test_a_revocation_counts_up_to_a_proven_moment(make: Callable[[dt.datetime], bytes]) -> None:
    moment = NOW - 2 * HOUR
    for time, expected in ((moment, REVOKED), (moment + SECOND, GOOD)):
        assert state(make(time), moment=moment) == expected
        assert state(make(time), moment=moment, proven=False) == REVOKED


@pytest.mark.parametrize("make", REVOCATIONS, ids=["CRL", "OCSP"])
def test_a_revocation_outweighs_good_answers_in_any_order(
    make: Callable[[dt.datetime], bytes],
) -> None:
    ders = [response(), crl(), make(NOW - DAY)]
    assert state(*ders) == state(*ders[::-1]) == REVOKED


def test_expired_data_still_show_a_revocation() -> None:
    old = crl(revoked=NOW - 90 * DAY, this=NOW - 80 * DAY, until=NOW - 70 * DAY)
    assert state(old) == REVOKED


def test_an_entry_for_a_date_of_compromise_counts_from_then() -> None:
    moment = NOW - 2 * HOUR
    entry = (x509.InvalidityDate((moment - DAY).replace(tzinfo=None)),)
    assert state(crl(revoked=NOW - HOUR), moment=moment) == GOOD
    assert state(crl(revoked=NOW - HOUR, entry=entry), moment=moment) == REVOKED


def test_an_entry_that_lifts_a_hold_is_none() -> None:
    lifted = x509.CRLReason(x509.ReasonFlags.remove_from_crl)
    held = x509.CRLReason(x509.ReasonFlags.certificate_hold)
    assert state(crl(revoked=NOW - DAY, entry=(held,))) == REVOKED
    assert state(crl(revoked=NOW - DAY, entry=(lifted,))) == GOOD


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (point(full_name=[POINT]), GOOD),
        (point(full_name=[x509.UniformResourceIdentifier("http://ca.example/b")]), NOT_SHOWN),
        (point(only_contains_user_certs=True), GOOD),
        (point(only_contains_ca_certs=True), NOT_SHOWN),
        (point(only_contains_attribute_certs=True), NOT_SHOWN),
        (point(full_name=[POINT], indirect_crl=True), NOT_SHOWN),
        (
            point(
                full_name=[POINT],
                only_some_reasons=frozenset([x509.ReasonFlags.key_compromise]),
            ),
            NOT_SHOWN,
        ),
        (x509.DeltaCRLIndicator(1), NOT_SHOWN),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), NOT_SHOWN),
    ],
)
def test_a_partial_list_shows_revocations_alone(extension: Any, expected: str) -> None:
    assert state(crl(extension)) == expected
    assert state(crl(extension, revoked=NOW - DAY)) == REVOKED


@pytest.mark.parametrize(
    "der",
    [
        crl(by="signer"),
        crl(key="signer"),
        response(about=certificate("other", key="responder")),
        response(issuer=certificate("ca", key="signer")),
        response(by=SIGNER, key="signer"),
        response(ocsp.OCSPCertStatus.UNKNOWN),
        response(by=certificate("responder", FOR_OCSP)),
        response(by=certificate("responder", x509.OCSPNoCheck())),
        _with_another_signature(response()),
    ],
    ids=[
        "CRL of another issuer",
        "CRL signed by another",
        "response about another certificate",
        "response about another issuer's",
        "response by the signer itself",
        "response that knows nothing",
        "responder that may be revoked",
        "responder for other uses",
        "response signed by another",
    ],
)
def test_what_the_issuer_does_not_vouch_for_shows_nothing(der: bytes) -> None:
    assert state(der) == NOT_SHOWN


def test_a_list_by_a_key_that_may_not_sign_lists_shows_nothing() -> None:
    issuer = certificate("ca", allowed=("key_cert_sign",))
    assert state(crl(), issuer=issuer) == NOT_SHOWN
    assert state(crl(), issuer=CA) == GOOD


def test_the_issuer_may_answer_itself() -> None:
    assert state(response(by=CA, key="ca")) == GOOD


def test_an_expired_responder_shows_nothing_but_what_a_timestamp_keeps() -> None:
    ended = certificate("responder", FOR_OCSP, x509.OCSPNoCheck(), ends=NOW + 90 * DAY)
    made = response(by=ended)
    for existed, expected in ((ended.not_valid_after_utc, GOOD), (NOW + 91 * DAY, NOT_SHOWN)):
        assert state(made, existed=existed) == expected


def test_an_expired_issuer_shows_nothing_but_what_a_timestamp_keeps() -> None:
    ended = CA.not_valid_after_utc
    for make in (crl(), response(by=CA, key="ca")):
        assert state(make, existed=ended) == GOOD
        assert state(make, existed=ended + SECOND) == NOT_SHOWN


def test_a_chain_is_as_good_as_its_worst_certificate() -> None:
    item = load_item(crl(), NOW)
    assert standing_of_chain([SIGNER, CA], [item], NOW, proven=True).state == GOOD
    assert standing_of_chain([SIGNER], [item], NOW, proven=True).state == NOT_SHOWN
    assert standing_of_chain([RESPONDER, SIGNER, CA], [item], NOW, proven=True).state == NOT_SHOWN
    bad = load_item(crl(revoked=NOW - DAY), NOW)
    chain = [RESPONDER, SIGNER, CA]
    assert standing_of_chain(chain, [bad], NOW, proven=True).state == REVOKED


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"0",
        b"\x30\x80" * 5_000,
        b"\x30\x84\xff\xff\xff\xff",
        bytes(bounds.OCSP_RESPONSE + 1),
        bytes(bounds.CRL + 1),
    ],
)
def test_what_is_neither_is_refused(der: bytes) -> None:
    with pytest.raises(UnusableError):
        load_item(der, NOW)
