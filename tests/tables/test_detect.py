"""Detectors of identifying data: what they find, what they leave alone, what they give away."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.detect.identifiers import Detectors, Hit
from kit.detect.secrets import mask_secrets
from kit.shipped import yaml_data

DATA = yaml_data(Path(__file__).parents[1] / "data/detectors/development.yaml")
FIND = Detectors(tuple(DATA["customer_patterns"]), tuple(DATA["expected_accounts"]))


def kinds(text: str, find: Detectors = FIND) -> list[str]:
    return [hit.kind for hit in find.hits(text)]


@pytest.mark.parametrize("region", [None, "DE", "FR", "GB", "US"])
def test_precision_and_recall_on_the_development_strings(region):
    find = Detectors(FIND.customer_patterns, FIND.own_accounts, region)
    identifying = {*DATA["classes"]["validated"], *DATA["classes"]["heuristic"]}
    right, false, missed = Counter(), Counter(), Counter()
    for item in DATA["strings"]:
        found = set(kinds(mask_secrets(item["text"]), find))
        labels = set(item["labels"]) & identifying
        right.update(found & labels)
        false.update(found - labels)
        missed.update(labels - found)
    assert right.keys() == identifying
    assert right.total() / (right.total() + false.total()) >= 0.99
    assert right.total() / (right.total() + missed.total()) >= 0.97


EXAMPLES = [
    ("email", "Owner=anna.muster@example.com", "anna.muster@example.com", "a***@***.com"),
    ("email", "/upn:j.bakker@corp.local", "j.bakker@corp.local", "j***@***.local"),
    ("email", "?by=max.m%2540example.com", "max.m@example.com", "m***@***.com"),
    ("email", "Rückfragen: anna.muster＠example.com", "anna.muster@example.com", "a***@***.com"),
    ("email", "担当者はyamada.taro@example.comです。", "yamada.taro@example.com", "y***@***.com"),
    ("email", "用户@例子.example", "用户@例子.example", "用***@***.example"),
    ("payment-card", "card=4111111111111111", "4111111111111111", "4***11"),
    ("payment-card", "番号は４２４２４２４２４２４２４２４２です", "4242424242424242", "4***42"),
    ("payment-card", "Amex 3714 496353 98431 exp 12/27", "3714 496353 98431", "3***31"),
    ("payment-card", "4222222222222", "4222222222222", "4***22"),
    ("iban", "auf DE89 3704 0044 0532 0130 00, Nord", "DE89 3704 0044 0532 0130 00", "D***00"),
    ("iban", "at611904300234573201", "at611904300234573201", "a***01"),
    ("vat-number", "USt-IdNr. DE 310 417 443", "DE 310 417 443", "D***43"),
    ("vat-number", "Client BE 0428.759.497", "BE 0428.759.497", "B***97"),
    ("vat-number", "NIP 526-000-12-46", "526-000-12-46", "5***46"),
    ("national-id", "dni=12345678Z", "12345678Z", "1***8Z"),
    ("national-id", "(BSN 111222333)", "111222333", "1***33"),
    ("national-id", "36574261809 (Steuer-ID)", "36574261809", "3***09"),
    ("national-id", "NHSNumber=9990179816", "9990179816", "9***16"),
    ("national-id", "app-rssmra85t10a562s", "rssmra85t10a562s", "r***2s"),
    ("customer-number", "fleet_KD0049321_prod", "KD0049321", "K***21"),
    ("customer-number", "arn:aws:s3:::logs-CUST-00412345", "CUST-00412345", "C***45"),
    ("phone", "Phone=+493023125021", "+493023125021", "+***21"),
    ("phone", "Dial 0044 20 7946 0958", "0044 20 7946 0958", "0***58"),
    ("phone", "téléphone : 04.72.00.00.00", "04.72.00.00.00", "0***00"),
    ("phone", "مصر هاتف ٠٢ ٢٧٩٥ ١٢٣٤", "02 2795 1234", "0***34"),
    ("phone", "Support (Italia): 06 698 12345", "06 698 12345", "0***45"),
]


@pytest.mark.parametrize(("kind", "text", "raw", "masked"), EXAMPLES)
def test_a_hit_says_what_it_is_and_does_not_repeat_it(kind, text, raw, masked):
    (hit,) = FIND.hits(text)
    assert hit == Hit(kind, masked, validated=kind != "phone")
    assert raw not in repr(hit)
    assert len(re.sub(r"\W", "", hit.masked)) < len(re.sub(r"\W", "", raw))


NOTHING = [
    "OwnerAccount=123456789012",
    "shared with 1234-5678-9012 and 1111-2222-3333",
    "arn:aws:appstream:eu-west-1:195803241123:fleet/cad-emea",
    "aws-account=195807208086",
    "img-from-ami-0abcdef1234567890, subnet-04111111111111111",
    "--tenant 3f2b8c1e-5a7d-4e90-9b61-195807208086",
    "sha256:9f4111111111111111c2b7d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
    "win2022-base-20240131-1010 240131-0930 20240131T093000Z 20240131B",
    "AutoCAD 24.3.119.0, v4.1111.1111.1111.1111, 0.4111111111111111",
    "4111 1111 1111 1112, 4111111111111111a, 4006381333931",
    "GB29 NWBK 6016 1331 9268 18, DE123456789, 12345678A",
    "git@github.com:org/x.git logo@2x.png viewer@17.3.1 tty@tty1.service admin@jump01 @anna",
    "Order 9434765919, NHS contract pending; Steuer-ID fehlt, Auftrag 56414743897",
    "Call ticket 4500048847, phone app 2024-2026, port 8080-8090, on call 0800-1700",
    "Teil 030-23125 Deutschland, Germany build 20240131-1010",
    "CUST=12345678 CUST-1234567 CUST-123456789 ZKD0049321 kd0049321",
    "$USER@example.com %USERNAME%@example.com ${user}@example.com <you>@example.com",
    "⟦secret: url-userinfo⟧@portal.example.com",
    "https://⟦secret: url-userinfo⟧@portal.example.com/start",
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_it_is_no_hit(text):
    assert kinds(text) == []


def test_hits_come_in_the_order_of_the_text_and_one_stretch_has_one_kind():
    text = (
        "+49 30 23125 033, CH93 0076 2011 6238 5295 7; ATU68261294, BSN 900000089, "
        "a@example.org, CUST-00412399, 371449635398431"
    )
    assert kinds(text) == [
        *("phone", "iban", "vat-number", "national-id", "email", "customer-number"),
        "payment-card",
    ]


def test_a_list_after_one_word_is_all_of_its_kind():
    assert kinds("BSN 111222333, 900006936 en 900000089") == ["national-id"] * 3
    assert kinds("111222333, 900006936 en 900000089") == []


def test_national_telephone_notation_needs_its_country():
    text = "ERP-Team 030 23125-087"
    assert kinds(text) == []
    assert kinds(text, Detectors(phone_region="DE")) == ["phone"]
    assert kinds(text, Detectors(phone_region="US")) == []
    assert kinds(f"{text} (Deutschland)") == ["phone"]


@pytest.mark.parametrize(
    ("pattern", "hit", "miss"),
    [
        ("(?i)kd[0-9]{7}", "KD0049321", "KD00493210"),
        ("(?x) K \\d{7}  # seven digits", "(K1234567)", "AK1234567"),
        ("K1234567|K12345678", "K12345678", "K123456789"),
        ("[0-9]{12}", "customer 999988887777", "arn:aws:iam::999988887777:root"),
        ("[0-9]{12}", "x-999988887777", "123456789012"),
    ],
)
def test_customer_patterns_match_whole_tokens_and_never_an_own_account(pattern, hit, miss):
    find = Detectors((pattern,), ("123456789012",))
    assert kinds(hit, find) == ["customer-number"]
    assert kinds(miss, find) == []


def test_a_pattern_that_matches_nothing_finds_nothing():
    assert kinds("abc", Detectors(("[0-9]*",))) == []


def test_a_short_customer_number_is_masked_whole():
    assert Detectors(("K[0-9]{2}",)).hits("K12")[0].masked == "***"


PIECES = st.sampled_from(
    [
        "BSN ",
        "NHS ",
        "tel ",
        "DE",
        "GB82",
        "@",
        ".",
        "-",
        " ",
        "+",
        "00",
        "%40",
        "%25",
        "4111111111111111",
        "１",
        "٣",
        "²",
        "ß",
        "İ",
        "/",
        "(",
        ")",
        "PESEL",
        "756.",
        "X1234567L",
        "Germany ",
        "ﷺ",
        "日本",
        "a.b",
        "example.com",
        "⟦secret: ",
        "⟧",
        "arn:aws:",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=4) | st.integers(0, 10**17).map(str), max_size=12).map(
    "".join
)
ODD = Detectors(("[a-z]*", "(?x)z\\d+ # c"), ("123456789012",), "DE")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(TEXTS)
def test_any_text_is_read_without_an_error_and_shown_only_masked(text):
    for hit in ODD.hits(text):
        assert re.fullmatch(
            r"(?s)\*\*\*|.\*\*\*(?:..|@\*\*\*\.\w+|@\*\*\*\.xn--[\w-]+)", hit.masked
        )


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        *((piece, set()) for piece in ("1", "1 ", "1-", "1.", "AA11 ", "GB82 ", "DE 1", "00 ")),
        *((piece, set()) for piece in ("@", "a@", "a@b.", "%25", "(0", "BSN 1", "0/", "ﷺ", "+1 ")),
        *((piece, set()) for piece in ("germany 0 ", "tel 1", "⟦secret: ", "123456789 ", "-")),
        ("a@b.com ", {"email"}),
        ("4111111111111111 ", {"payment-card"}),
        ("BSN 111222333, ", {"national-id"}),
    ],
)
def test_long_hostile_texts_come_back(piece, expected):
    """Quadratic work would take minutes on these; what is compared is the hits, not the time."""
    assert set(kinds((piece * 10_000)[:10_000])) == expected


def test_slow_libraries_are_loaded_when_they_are_needed():
    code = (
        "import sys; from kit.detect.identifiers import Detectors; "
        "assert not {'phonenumbers', 'email_validator', 'dns'} & set(sys.modules); "
        "assert Detectors().hits('a@example.com +49 30 23125 033'); "
        "assert {'phonenumbers', 'email_validator'} <= set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
