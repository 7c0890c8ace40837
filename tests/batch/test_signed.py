"""Packs of a batch that are signed: the key is tried first, its passphrase is never written."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.batch import run_batch
from kit.errors import UserError
from kit.verify import verify
from tests.batch.conftest import EMPTY, Desk
from tests.pack.authority import PASSPHRASE, Authority

FILE = f"""
name: 2026-Q4
shared: {{controls: [GV-01], regions: [eu-west-1], signed: true}}
accounts:
  - {{account: "{EMPTY}", role_arn: "arn:aws:iam::{EMPTY}:role/EvidenceReader"}}
"""


def test_each_pack_is_signed(desk: Desk, authority: Authority) -> None:
    key = authority.pkcs12("batch")
    desk = Desk(desk.folder, {**desk.environment, "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE})
    done = desk.batch("--quiet", "--workers", "1", "--key", str(key), file=FILE)
    assert (done.returncode, done.stderr) == (4, "")
    checks = verify(desk.place(EMPTY) / "pack", authority.ca)
    assert [check.line for check in checks if not check.ok] == []
    assert (desk.place(EMPTY) / "pack" / "tagmanifest-sha256.txt.p7s").exists()
    written = [path for path in desk.folder.rglob("*") if path.is_file()]
    assert [path for path in written if PASSPHRASE.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("file", "passphrase", "signing", "reported"),
    [
        (FILE, "", [], [f"account {EMPTY}", "signed: true", "--key or --kms-key"]),
        (FILE.replace("signed: true", "signed: false"), "", ["key"], [EMPTY, "signed: false"]),
        (FILE, "wrong", ["key"], ["--key", "wrong passphrase"]),
        (FILE, "", ["kms_key"], ["--certificate"]),
    ],
)
def test_a_key_that_does_not_go_with_the_batch_is_reported_before_anything_begins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    file: str,
    passphrase: str,
    signing: list[str],
    reported: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("accounts.yaml").write_text(file)
    given = dict.fromkeys(signing, str(authority.pkcs12("other")))
    with pytest.raises(UserError) as error:
        run_batch(Path("accounts.yaml"), signing=given, passphrase=lambda: passphrase)
    assert [part for part in reported if part not in str(error.value)] == []
    assert not Path("outputs").exists()
