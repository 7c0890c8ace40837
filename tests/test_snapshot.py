"""A snapshot is written once, whole or not at all, and every later change is noticed."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kit.aws import calls
from kit.errors import CannotRunError, UserError
from kit.snapshot import EVIDENCE, HEADER, read, reason_for, write
from tests.standins import Account


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return Account(tmp_path).snapshot().folder


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written = Account(tmp_path).snapshot()
    again = read(written.folder)
    assert again.requests == written.requests
    assert again.header == written.header
    assert again.digest == written.digest


def test_only_the_owner_can_read_it(stored: Path) -> None:
    assert stat.S_IMODE(stored.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in stored.iterdir()} == {0o600}


def test_a_changed_byte_is_noticed(stored: Path) -> None:
    text = (stored / EVIDENCE).read_text()
    (stored / EVIDENCE).write_text(text.replace('"status":200', '"status":201', 1))
    with pytest.raises(UserError, match="was changed after it was written"):
        read(stored)


@pytest.mark.parametrize("text", ["{}", "[]", "no JSON"])
def test_a_header_that_is_none_is_told(stored: Path, text: str) -> None:
    (stored / HEADER).write_text(text)
    with pytest.raises(UserError, match="holds no snapshot"):
        read(stored)


def test_an_answer_that_does_not_match_its_digest_is_noticed(stored: Path) -> None:
    lines = (stored / EVIDENCE).read_bytes().splitlines(keepends=True)
    first = json.loads(lines[0])
    first["response"] = {"forged": True}
    lines[0] = json.dumps(first).encode() + b"\n"
    header = json.loads((stored / HEADER).read_bytes())
    header["evidence"]["sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
    (stored / EVIDENCE).write_bytes(b"".join(lines))
    (stored / HEADER).write_text(json.dumps(header))
    with pytest.raises(UserError, match="E0001 does not have the digest"):
        read(stored)


def test_a_snapshot_of_another_version_of_the_kit_is_told(stored: Path) -> None:
    header = json.loads((stored / HEADER).read_bytes())
    del header["profile"]["minimum_tls"]
    (stored / HEADER).write_text(json.dumps(header))
    with pytest.raises(UserError, match=r"was made by version .* seal it with that version"):
        read(stored)


def test_a_folder_without_a_snapshot_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no snapshot; name the folder"):
        read(tmp_path)


def test_a_snapshot_is_written_once(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).snapshot()
    with pytest.raises(CannotRunError, match="exists already"):
        write(snapshot.folder, snapshot.header, snapshot.requests)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Account(tmp_path).snapshot()
    place = tmp_path / "other" / "snapshot"

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kit.snapshot._write_private", full)
    with pytest.raises(CannotRunError, match="No space left on device"):
        write(place, snapshot.header, snapshot.requests)
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDenied", "denied"),
        ("AccessDeniedException", "denied"),
        ("UnauthorizedOperation", "denied"),
        ("OperationNotPermittedException", "denied"),
        ("UnrecognizedClientException", "region off"),
        ("OptInRequired", "region off"),
        ("InvalidAccessKeyId", "region off"),
        ("ThrottlingException", "throttled"),
        ("SlowDown", "throttled"),
        ("InternalFailure", "failed"),
        ("EndpointConnectionError", "failed"),
    ],
)
def test_error_codes_have_reasons(code: str, reason: str) -> None:
    assert reason_for(code, 400) == reason


def test_what_failed_first_is_the_reason(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.refuses(calls.GENERATE_CREDENTIAL_REPORT, "AccessDenied")
    account.refuses(calls.GET_CREDENTIAL_REPORT, "ReportNotPresent", status=410)
    trouble = account.snapshot().answer(calls.GET_CREDENTIAL_REPORT).trouble
    assert trouble is not None
    assert trouble.operation == "iam.GenerateCredentialReport"
    assert trouble.permission == "iam:GenerateCredentialReport"


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_what_is_refused_for_itself_is_its_own_reason(tmp_path: Path, code: str) -> None:
    account = Account(tmp_path)
    account.refuses(calls.GENERATE_CREDENTIAL_REPORT, "AccessDenied")
    account.refuses(calls.GET_CREDENTIAL_REPORT, code)
    trouble = account.snapshot().answer(calls.GET_CREDENTIAL_REPORT).trouble
    assert trouble is not None
    assert (trouble.operation, trouble.code) == ("iam.GetCredentialReport", code)


def test_a_listed_item_keeps_its_place_whatever_else_was_asked(tmp_path: Path) -> None:
    users = [{"AuthenticationType": "USERPOOL", "UserName": name} for name in "abc"]
    answer = (
        Account(tmp_path)
        .lists(calls.DESCRIBE_USERS, *users)
        .snapshot()
        .answer(calls.DESCRIBE_USERS)
    )
    (whole,) = answer.requests
    pages = [[], users[:1], users[1:]]
    paged = replace(
        answer,
        requests=tuple(
            replace(whole, id=f"E{n:04d}", page=n, response={"Users": page})
            for n, page in enumerate(pages)
        ),
    )
    assert (
        [answer.place(ref) for _, ref in answer.items()]
        == [paged.place(ref) for _, ref in paged.items()]
        == [f"eu-west-1/Users/{n}" for n in range(3)]
    )


def test_an_error_that_says_there_is_none_is_a_fact(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.refuses(calls.GET_MACIE_SESSION, "AccessDeniedException", "Macie is not enabled.")
    answer = account.snapshot().answer(calls.GET_MACIE_SESSION)
    assert answer.absent
    assert answer.trouble is None


def test_the_same_code_with_another_message_is_a_denial(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.refuses(calls.GET_MACIE_SESSION, "AccessDeniedException", "User is not authorized")
    trouble = account.snapshot().answer(calls.GET_MACIE_SESSION).trouble
    assert trouble is not None
    assert (trouble.reason, trouble.code) == ("denied", "AccessDeniedException")
    assert trouble.permission == "macie2:GetMacieSession"


def test_answers_from_elsewhere_than_aws_are_stamped(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).snapshot()
    assert snapshot.stamp is None
    moved = [replace(r, endpoint="http://127.0.0.1:5000") for r in snapshot.requests]
    other = write(tmp_path / "other", snapshot.header, moved)
    assert other.stamp == "NOT AWS: made against http://127.0.0.1:5000"
