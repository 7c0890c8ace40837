"""What comes from outside has bounds: files of people, and whatever they name."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from kit import bounds
from kit.catalogue import texts
from kit.collect.follow_up import read_follow_up
from kit.collect.session import shell_client
from kit.errors import UserError
from kit.inputs import read_yaml, refuse_environment
from kit.pack.keys import open_signing_key
from kit.parameters import Run, load_profile, load_waivers, parameters
from kit.redact.labels import open_labels
from kit.snapshot import read
from kit.verify.signatures import read_roots
from kit.visible import as_json, escape, one_line, unseen
from tests.hostile_inputs import FILES, NO_FILES

ACCOUNT = "012345678901"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_means_harm_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    content, expected = FILES[name]
    path = tmp_path / "run.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError) as caught:
        parameters(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert len(message) < 3_000
    assert not unseen(message)


def test_values_up_to_the_bounds_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    for depth, accepted in ((bounds.MOST_NESTED, True), (bounds.MOST_NESTED + 1, False)):
        path.write_text("[" * depth + "]" * depth)
        assert _is_read(path) is accepted
    for digits, accepted in ((bounds.MOST_NUMBER, True), (bounds.MOST_NUMBER + 1, False)):
        path.write_text(f"a: {'1' * digits}")
        assert _is_read(path) is accepted
    for size, accepted in ((bounds.WRITTEN, True), (bounds.WRITTEN + 1, False)):
        path.write_text("#".ljust(size, "x"))
        assert _is_read(path) is accepted


def _is_read(path: Path) -> bool:
    try:
        read_yaml(path)
    except UserError:
        return False
    return True


def test_the_number_of_values_counts_what_aliases_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: &a [x, x]\nb: *a\nc: *a")
    for most, accepted in ((13, True), (12, False)):  # 1, then of each field a name, a list, two
        monkeypatch.setattr(bounds, "MOST_VALUES", most)
        assert _is_read(path) is accepted


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: b")
    assert read_yaml(path)[0] == {"a": "b"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes("a: Müller".encode(encoding))
    with pytest.raises(UserError, match=r"file.yaml: is not in UTF-8 \(byte 0xf[cf] at \d\)"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("number", "value"),
    [("0", 0), ("-1", -1), ("90", 90), ("1.5", 1.5), ("6.02e+23", 6.02e23), ("-.inf", -math.inf)],
)
def test_decimal_numbers_are_read(tmp_path: Path, number: str, value: float) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(f"a: {number}")
    assert read_yaml(path)[0] == {"a": value}


@pytest.mark.parametrize(
    "given",
    [
        {"controller": "a\x1bb"},
        {"outputs": "a\0b"},
        {"declared_reasons": {"EX-01": "a\u202eb"}},
        {"declared_reasons": {"a\x9bb": "x"}},
        {"regions": ["eu-west-1\n\x7f"]},
        {"contact": "x" * (bounds.MOST_TEXT + 1)},
        {"session_tags": json.loads("[" * 50 + "]" * 50)},
        {"lookback_days": 10**5000},
    ],
)
def test_a_cell_has_the_bounds_of_a_file(given: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        parameters({"account": ACCOUNT, "role_arn": f"arn:aws:iam::{ACCOUNT}:role/x", **given})
    assert next(iter(given)) in str(caught.value)
    assert not unseen(str(caught.value))


@pytest.mark.parametrize("kind", NO_FILES)
def test_only_a_file_is_read_as_a_file(tmp_path: Path, kind: str) -> None:
    make, called = NO_FILES[kind]
    path = tmp_path / "named.yaml"
    make(path)
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    make(snapshot / "snapshot.json")
    run = Run(account=ACCOUNT, pseudonym_key=str(path))
    for read_it in (
        lambda: parameters(path),
        lambda: load_waivers(str(path)),
        lambda: load_profile(str(path)),
        lambda: texts.check(str(path)),
        lambda: open_labels(run),
        lambda: read_follow_up(Run(account=ACCOUNT, follow_up=str(path)), ""),
        lambda: read_roots(path),
        lambda: open_signing_key(
            key=path, certificate=None, kms_key="", timestamp="", passphrase=lambda: None
        ),
    ):
        with pytest.raises(UserError, match=called):
            read_it()
    with pytest.raises(UserError, match="no snapshot"):
        read(snapshot)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a: b")
    (tmp_path / "link").symlink_to("file")
    assert read_yaml(tmp_path / "link")[0] == {"a": "b"}


def test_a_name_with_nul_names_no_file() -> None:
    with pytest.raises(OSError, match=r"U\+0000"):
        bounds.read_file(Path("a\0b"), 1)


def test_json_has_bounds() -> None:
    for depth, accepted in ((bounds.MOST_DEEP, True), (bounds.MOST_DEEP + 1, False)):
        text = "[" * depth + "]" * depth
        if accepted:
            bounds.parse_json(text, len(text))
        else:
            with pytest.raises(ValueError, match="deep"):
                bounds.parse_json(text, len(text))
    with pytest.raises(ValueError, match="deep"):
        bounds.parse_json("[" * 100_000, 100_000)
    assert bounds.parse_json(b'"\\ud83d\\ude00"', 99) == "\N{GRINNING FACE}"
    for half in ('["\\ud83d"]', b'{"\\uDE00": 1}', '"\\ude00\\ud83d"'):
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            bounds.parse_json(half, 99)
    with pytest.raises(ValueError, match="at most 3"):
        bounds.parse_json("1234", 3)


def test_what_nobody_sees_is_shown() -> None:
    hostile = "fleet\x1b[2J\x9b\u202e\nlabel  identity\t\u2028ö漢"
    assert one_line(hostile) == (
        "fleet⟨U+001B⟩[2J⟨U+009B⟩⟨U+202E⟩⟨U+000A⟩label  identity⟨U+0009⟩⟨U+2028⟩ö漢"
    )
    assert escape(hostile).count("\n") == 1
    value = {hostile: [hostile, "\U000e0001"]}
    assert json.loads(as_json(value)) == value
    assert not unseen(as_json(value))


@pytest.mark.parametrize("kind", NO_FILES)
def test_a_variable_leads_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make, called = NO_FILES[kind]
    make(tmp_path / "named")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(tmp_path / "named"))
            with pytest.raises(UserError, match=f"{name}: .*is {called}"):
                shell_client("kms", "eu-west-1")
            patch.setenv(name, str(tmp_path / "none"))
            refuse_environment()
            patch.setenv(name, os.devnull)
            refuse_environment()
