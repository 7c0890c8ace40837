"""The file of a batch: what is wrong in it is told by field, value and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.batch.accounts import read_batch
from kit.errors import UserError

GOOD = """
name: 2026-Q4
shared:
  role_arn: arn:aws:iam::{account}:role/EvidenceReader
  external_id: evidence-2026
  regions: [eu-west-1]
accounts:
  - account: "012345678901"
  - account: "123456789012"
    role_arn: arn:aws:iam::123456789012:role/Other
    session_tags: {Purpose: evidence}
    regions: [eu-central-1]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "accounts.yaml"
    path.write_text(text)
    return path


def test_entries_override_what_is_shared(tmp_path: Path) -> None:
    batch = read_batch(write(tmp_path, GOOD))
    assert list(batch.runs) == ["012345678901", "123456789012"]
    first, second = batch.runs.values()
    assert first.role_arn == "arn:aws:iam::012345678901:role/EvidenceReader"
    assert second.role_arn == "arn:aws:iam::123456789012:role/Other"
    assert (first.external_id, second.external_id) == ("evidence-2026", "evidence-2026")
    assert (first.regions, second.regions) == (["eu-west-1"], ["eu-central-1"])
    assert (first.session_tags, second.session_tags) == ({}, {"Purpose": "evidence"})
    assert (batch.file.outputs, batch.file.snapshots) == ("outputs", "outputs")


def test_the_name_may_be_given_apart(tmp_path: Path) -> None:
    assert read_batch(write(tmp_path, GOOD), "2027-Q1").file.name == "2027-Q1"


def test_discovered_accounts_have_what_is_shared_and_listed_ones_their_own(tmp_path: Path) -> None:
    batch = read_batch(write(tmp_path, GOOD)).with_discovered(["123456789012", "210987654321"])
    assert list(batch.runs) == ["012345678901", "123456789012", "210987654321"]
    assert batch.runs["123456789012"].regions == ["eu-central-1"]
    assert batch.runs["210987654321"].role_arn == ("arn:aws:iam::210987654321:role/EvidenceReader")


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("name: 2026-Q4", "", ["name", "2026-Q4"]),
        ("name: 2026-Q4", "name: 2026", ["line 2", "name", '"2026"']),
        ("name: 2026-Q4", "name: ../up", ["name", "'../up'"]),
        ("name: 2026-Q4", "nme: 2026-Q4", ["'nme'", "'name'"]),
        ('- account: "012345678901"', "- account: 012345670123", ["account", "quotes"]),
        ('- account: "012345678901"', '- account: "1234"', ["line 8", "'1234'", "12 digits"]),
        ('"012345678901"', '"123456789012"', ["line 9", "123456789012", "twice"]),
        ("    regions: [eu-central-1]", "    region: eu-central-1", ["'region'", "'regions'"]),
        ("  regions: [eu-west-1]", "  regions: [eu-north-1]", ["line 6", "eu-north-1"]),
        ("  regions: [eu-west-1]", '  account: "012345678901"', ["line 6", "account", "entry"]),
        ("  regions: [eu-west-1]", "  outputs: here", ["line 6", "outputs", "batch"]),
        ("    regions: [eu-central-1]", "    outputs: here", ["line 12", "outputs", "batch"]),
        (
            "  regions: [eu-west-1]",
            "  external_id: other",
            ["line 6", "external_id", "twice"],
        ),
        ("name: 2026-Q4", "name: 2026-Q4\ndiscover: {}", ["discover", "organisation"]),
        (
            "name: 2026-Q4",
            'name: x\norganisation: {account: "123456789012"}\ndiscover: {units: [Production]}',
            ["line 4", "units", "'Production'", "ou-"],
        ),
        (
            "name: 2026-Q4",
            'name: x\norganisation: {account: "123456789012"}',
            ["line 10", "123456789012", "twice"],
        ),
        (
            "  regions: [eu-west-1]",
            '  organisation_snapshot: there\norganisation: {account: "999988887777"}',
            ["line 6", "organisation_snapshot", "leave out organisation_snapshot or"],
        ),
        (
            "name: 2026-Q4",
            "name: x\nobject_lock: {mode: GOVERNANCE, days: 400}",
            ["object_lock", "s3://"],
        ),
        (
            "name: 2026-Q4",
            "name: x\noutputs: s3://b\nobject_lock: {mode: forever, days: 400}",
            ["line 4", "mode", "'forever'", "GOVERNANCE"],
        ),
        ("name: 2026-Q4", "name: x\naccounts_at_once: -1", ["accounts_at_once", "-1"]),
        (GOOD[GOOD.index("accounts:") :], "", ["no accounts"]),
        (
            "  regions: [eu-west-1]",
            "  contact: password=hunter2secret9",
            ["line 6", "shared, contact: holds a secret (password-assignment)"],
        ),
        (
            "    regions: [eu-central-1]",
            "    restore_procedure: https://svc:hunter2-A1@dms.example.com/",
            ["line 12", "accounts, entry 2, restore_procedure: holds a secret (url-userinfo)"],
        ),
    ],
)
def test_a_mistake_is_reported(tmp_path: Path, old: str, new: str, reported: list[str]) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UserError) as error:
        read_batch(path)
    message = str(error.value)
    assert [part for part in [str(path), *reported] if part not in message] == []
    assert len(message.splitlines()) == 1
    assert "hunter2" not in message
