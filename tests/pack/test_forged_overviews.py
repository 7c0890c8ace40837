"""Packs that mean harm below `organisation` and `compare`: refused as `verify` refuses them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import pem

from kit.errors import NotAsStatedError, UserError
from kit.overviews.changes import audits, compare
from kit.overviews.organisation import roll_up
from kit.overviews.organisation_views import data, packs
from kit.overviews.packs import DOWNGRADED, UNSIGNED, find_packs, open_pack, roots_of
from kit.pack.keys import SigningKey, open_signing_key
from kit.pack.sign import sign_manifest
from tests.commands import evidence
from tests.pack.authority import Authority
from tests.pack.forging import reseal
from tests.sealed import row, seal

ONE, TWO = "111111111111", "222222222222"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Two audits of two accounts, unsigned."""
    root = tmp_path / "outputs"
    for days in (0, 1):
        seal(root, ONE, [row("AR-05", "bucket-a", "fail")], days)
        seal(root, TWO, [row("AR-05", "bucket-b", "pass")], days)
    return root


def newest(outputs: Path, account: str = ONE) -> Path:
    return max((outputs / account).iterdir()) / "pack"


def key_of(authority: Authority, name: str) -> SigningKey:
    path, chain = authority.issue(name)
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    return key


def sign(pack: Path, key: SigningKey) -> None:
    """Sign a pack's lists, as its label then states."""
    info = pack / "bag-info.txt"
    info.write_text(re.sub(r"(?m)^Signature: .*\n", "", info.read_text()) + "Signature: CMS\n")
    reseal(pack)
    sign_manifest(pack, key)


def sign_all(outputs: Path, key: SigningKey) -> None:
    for place in sorted(outputs.rglob("pack")):
        sign(place, key)


def pipe(pack: Path) -> None:
    (pack / "manifest-sha256.txt").unlink()
    os.mkfifo(pack / "manifest-sha256.txt")


def piped_info(pack: Path) -> None:
    (pack / "bag-info.txt").unlink()
    os.mkfifo(pack / "bag-info.txt")


def endless(pack: Path) -> None:
    (pack / "data" / "findings.csv").unlink()
    (pack / "data" / "findings.csv").symlink_to("/dev/zero")


def endless_info(pack: Path) -> None:
    (pack / "bag-info.txt").unlink()
    (pack / "bag-info.txt").symlink_to("/dev/zero")


def huge_info(pack: Path) -> None:
    os.truncate(pack / "bag-info.txt", 500 << 20)  # takes no room on the disk


def latin(pack: Path) -> None:
    with (pack / "manifest-sha256.txt").open("ab") as file:
        file.write(b"\xe9\n")
    line = pack / "tagmanifest-sha256.txt"
    line.write_text(
        re.sub(
            r"\w{64}(?=  manifest)",
            sha256((pack / "manifest-sha256.txt").read_bytes()).hexdigest(),
            line.read_text(),
        )
    )


def states(label: str, value: str | None) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        path = pack / "bag-info.txt"
        line = "" if value is None else f"{label}: {value}\n"
        path.write_text(re.sub(rf"(?m)^{label}: .*\n", lambda _: line, path.read_text()))
        reseal(pack)

    return change


def label_twice(pack: Path) -> None:
    path = pack / "bag-info.txt"
    path.write_text(path.read_text() + "account: 999999999999\n")
    reseal(pack)


def whiten(pack: Path) -> None:
    path = pack / "data" / "findings.csv"
    path.write_text(path.read_text().replace(",fail,", ",pass,"))
    reseal(pack)


def of_another(pack: Path) -> None:
    path = pack / "data" / "findings.csv"
    path.write_text(path.read_text().replace(ONE, TWO))
    reseal(pack)


def no_table(pack: Path) -> None:
    (pack / "data" / "findings.csv").unlink()
    reseal(pack)


def signed_by_label(pack: Path) -> None:
    path = pack / "bag-info.txt"
    path.write_text(path.read_text() + "Signature: CMS tagmanifest-sha256.txt.p7s\n")
    reseal(pack)


def signed_by_noise(pack: Path) -> None:
    signed_by_label(pack)
    (pack / "tagmanifest-sha256.txt.p7s").write_bytes(b"\x30\x80" * 50)


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (pipe, "manifest-sha256.txt: it is a named pipe"),
    "a pipe of labels": (piped_info, "bag-info.txt: it is a named pipe"),
    "an endless table": (endless, "data/findings.csv: it is a symbolic link"),
    "endless labels": (endless_info, "bag-info.txt: it is a symbolic link"),
    "huge labels": (huge_info, "bag-info.txt: it has 524288000 bytes; 1048576 are read at most"),
    "no UTF-8": (latin, "manifest-sha256.txt: bytes that are not UTF-8"),
    "no zone": (states("Evidence-As-Of", "2026-08-01T09:00:00"), "not a time with its zone"),
    "no time": (states("Evidence-As-Of", None), "not a time with its zone"),
    "a script": (states("Account", "<script>"), "Account '<script>' is not 12 digits"),
    "other digits": (states("Account", "١٢٣٤٥٦٧٨٩٠١٢"), "is not 12 digits"),
    "no account": (states("Account", None), "Account 'none' is not 12 digits"),
    "a label twice": (label_twice, "account a second time"),
    "all pass": (
        whiten,
        "the digest computed from it is [0-9a-f]{64}, bag-info.txt states another",
    ),
    "another's findings": (of_another, f"a finding of account '{TWO}'"),
    "no findings": (no_table, "data: it is an empty folder"),
    "a signature that is not there": (signed_by_label, "Signature CMS .* is not what the pack has"),
    "a signature that is none": (signed_by_noise, "expected a signature"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_pack_that_means_harm_is_refused(outputs: Path, name: str) -> None:
    change, reported = CASES[name]
    change(newest(outputs))
    with pytest.raises(NotAsStatedError, match=reported):
        roll_up(outputs)
    with pytest.raises(NotAsStatedError, match=reported):
        compare(outputs)


def test_a_refusal_ends_the_commands_with_5(outputs: Path, tmp_path: Path) -> None:
    pipe(newest(outputs))
    for command in ("organisation", "compare"):
        done = evidence(command, outputs, "--quiet", cwd=tmp_path)
        assert done.returncode == 5, done.stderr
        assert "manifest-sha256.txt: it is a named pipe" in done.stderr
        assert "Traceback" not in done.stderr


def test_trust_takes_packs_alone_that_one_of_these_signed(
    outputs: Path, authority: Authority, tmp_path: Path
) -> None:
    sign_all(outputs, key_of(authority, "analyst of many"))
    roots = roots_of(authority.ca)
    named = {pack.signature for pack in find_packs(outputs, roots)}
    assert len(named) == 1
    assert re.search(r"analyst of many.*SHA-256 [0-9A-F:]{95}\); trusted", named.pop())
    shown = packs(roll_up(outputs, trust=str(authority.ca)))
    assert all("analyst of many" in line[2] for line in shown.rows)
    assert len(audits(outputs, "", roots)[1]) == 2
    with pytest.raises(NotAsStatedError, match="no certificate of --trust is above it"):
        find_packs(outputs, roots_of(Authority(tmp_path).ca))


def test_a_forged_pack_with_a_later_date_is_named_or_refused(
    outputs: Path, authority: Authority
) -> None:
    sign_all(outputs / ONE, key_of(authority, "analyst of one"))
    seal(outputs, ONE, [row("AR-05", "bucket-a", "pass")], 400)
    rolled = roll_up(outputs)
    assert {record["account"]: record["signature"] for record in data(rolled).records} == {
        ONE: DOWNGRADED,
        TWO: UNSIGNED,
    }
    with pytest.raises(NotAsStatedError, match="the pack is unsigned; --trust wants a signature"):
        roll_up(outputs, trust=str(authority.ca))


def test_a_signature_over_other_lists_is_refused(outputs: Path, authority: Authority) -> None:
    pack = newest(outputs)
    sign(pack, key_of(authority, "analyst of others"))
    whiten(pack)
    with pytest.raises(NotAsStatedError, match="observed: another content"):
        open_pack(pack)


def test_a_pack_of_many_accounts_needs_no_signature(outputs: Path, authority: Authority) -> None:
    sign_all(outputs, key_of(authority, "analyst beside an overview"))
    overview = outputs / "organisation" / "2026" / "pack"
    shutil.copytree(newest(outputs), overview)
    (overview / "data" / "findings.csv").rename(overview / "data" / "accounts.csv")
    (overview / "tagmanifest-sha256.txt.p7s").unlink()
    states("Account", None)(overview)
    states("Signature", "none")(overview)
    assert len(find_packs(outputs, roots_of(authority.ca))) == 4


def test_trust_in_nobody_is_refused(outputs: Path, tmp_path: Path) -> None:
    for content in (b"", pem.armor("CERTIFICATE", b""), pem.armor("CERTIFICATE", b"\x30\x00")):
        (tmp_path / "nobody.pem").write_bytes(content)
        with pytest.raises(UserError, match="holds no PEM certificate"):
            roll_up(outputs, trust=str(tmp_path / "nobody.pem"))
