"""A batch that signs its packs tries the key first; `test_organisation.py` runs one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.batch import run_batch
from kit.errors import UserError
from tests.batch.conftest import EMPTY
from tests.pack.authority import Authority

FILE = f"""
name: 2026-Q4
shared: {{controls: [GV-01], regions: [eu-west-1], signed: true}}
accounts:
  - {{account: "{EMPTY}", role_arn: "arn:aws:iam::{EMPTY}:role/EvidenceReader"}}
"""


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
