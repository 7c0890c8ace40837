"""A snapshot is written once, whole or not at all, and every later change is noticed."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.retries.standard import ThrottledRetryableChecker

from kit import calls
from kit.errors import CannotRunError, UserError
from kit.snapshot import EVIDENCE, HEADER, Answer, _why_cut, read, reason_for, write
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
def test_a_header_that_is_none_is_reported(stored: Path, text: str) -> None:
    (stored / HEADER).write_text(text)
    with pytest.raises(UserError, match="holds no snapshot"):
        read(stored)


def with_first(stored: Path, **members: Any) -> None:
    """Change members of the first answer, and state the digest of the changed file."""
    lines = (stored / EVIDENCE).read_bytes().splitlines(keepends=True)
    lines[0] = json.dumps(json.loads(lines[0]) | members).encode() + b"\n"
    header = json.loads((stored / HEADER).read_bytes())
    header["evidence"]["sha256"] = hashlib.sha256(b"".join(lines)).hexdigest()
    (stored / EVIDENCE).write_bytes(b"".join(lines))
    (stored / HEADER).write_text(json.dumps(header))


def test_an_answer_that_does_not_match_its_digest_is_noticed(stored: Path) -> None:
    with_first(stored, response={"forged": True})
    with pytest.raises(UserError, match="E0001 does not have the digest"):
        read(stored)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("region", None), ("nonce", 1), ("page", "1"), ("request_id", 1), ("parameters", [])),
        *(("status", "200"), ("error", "x"), ("error", {}), ("error", {"code": "x"})),
        *(("error", {"code": "x", "message": None}), ("cut", False)),
    ],
)
def test_a_member_of_another_kind_is_reported(stored: Path, name: str, value: Any) -> None:
    with_first(stored, **{name: value})
    with pytest.raises(UserError, match="not an answer: 'E0001': a member of another kind"):
        read(stored)


def test_a_member_that_no_answer_has_is_reported(stored: Path) -> None:
    with_first(stored, further=1)
    with pytest.raises(UserError, match="not an answer: not the members of a request"):
        read(stored)


def test_a_snapshot_of_another_version_of_the_kit_is_reported(stored: Path) -> None:
    header = json.loads((stored / HEADER).read_bytes())
    del header["profile"]["minimum_tls"]
    (stored / HEADER).write_text(json.dumps(header))
    with pytest.raises(UserError, match=r"was made by version .* seal it with that version"):
        read(stored)


PACK = {
    **{"as_of": "2026-08-01T09:00:00+00:00", "signature": "unsigned", "stamp": ""},
    **dict.fromkeys(("snapshot", "findings", "manifest"), "5" * 64),
}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("previous", {"packs": [], "places": []}),
        ("previous", {"packs": [PACK | {"as_of": "yesterday"}], "places": []}),
        ("previous", {"packs": [PACK | {"as_of": "2026-08-01T09:00:00"}, PACK], "places": []}),
        ("previous", {"packs": [PACK | {"stamp": None}], "places": []}),
        ("previous", {"packs": [PACK], "places": [["AR-05", "r", "b", "fail", "long ago"]]}),
        ("previous", {"packs": [PACK], "places": [["AR-05", "r", 1, "fail", ""]]}),
        ("previous", {"packs": [PACK], "places": [["AR-05"]]}),
        ("previous", {"packs": [PACK], "places": [], "left_out": [{"as_of": 1, "label_key": ""}]}),
        ("follow_up", {"rows": []}),
        ("follow_up", {"sha256": "5" * 64, "rows": {}}),
    ],
)
def test_earlier_packs_and_a_follow_up_of_another_form_are_reported(
    stored: Path, member: str, value: object
) -> None:
    header = json.loads((stored / HEADER).read_bytes())
    (stored / HEADER).write_text(
        json.dumps({**header, "previous": {"packs": [PACK], "places": []}})
    )
    assert read(stored).earlier is not None
    (stored / HEADER).write_text(json.dumps({**header, member: value}))
    with pytest.raises(UserError, match="is not as the kit writes it"):
        read(stored)


def test_a_folder_without_a_snapshot_is_reported(tmp_path: Path) -> None:
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
    with pytest.raises(CannotRunError, match="the disk is full"):
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


def test_what_botocore_calls_throttled_is_throttled() -> None:
    codes = {*ThrottledRetryableChecker._THROTTLED_ERROR_CODES} - {"LimitExceededException"}
    assert {reason_for(code, 400) for code in codes} == {"throttled"}
    assert reason_for("LimitExceededException", 400) == "failed"  # a quota at KMS and IAM


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


def test_a_listed_item_keeps_its_place_whatever_else_was_requested(tmp_path: Path) -> None:
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


# --- what several answers say together ----------------------------------------------------------

_ENABLED = {"RegionName": "eu-west-1", "RegionOptStatus": "ENABLED"}
_DEFAULT = {"RegionName": "eu-west-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}
_OPTED_IN = {"RegionName": "eu-west-1", "OptInStatus": "opted-in"}
_ENABLING = {"RegionName": "eu-west-1", "RegionOptStatus": "ENABLING"}
_REFUSED = "UnrecognizedClientException"


def _silent(folder: Path, code: str = _REFUSED, message: str = "") -> Account:
    """An account of which no call is answered in the region, each with the same code."""
    account = Account(folder)
    for call in calls.CALLS.values():
        if call.scope is calls.Scope.REGION:
            account.refuses(call, code, message)
    return account


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a, "region off"),
        (lambda a: a.lists(calls.LIST_REGIONS, _ENABLING), "region off"),
        (lambda a: a.lists(calls.LIST_REGIONS, _ENABLED), "failed"),
        (lambda a: a.lists(calls.LIST_REGIONS, _DEFAULT), "failed"),
        (lambda a: a.lists(calls.DESCRIBE_REGIONS, _OPTED_IN), "failed"),
        (lambda a: a.lists(calls.DESCRIBE_STACKS), "failed"),
        (lambda a: a.denies(calls.DESCRIBE_STACKS), "failed"),
        (lambda a: a.refuses(calls.DESCRIBE_STACKS, "ThrottlingException"), "region off"),
        (lambda a: a.refuses(calls.DESCRIBE_STACKS, "InternalFailure", status=500), "region off"),
    ],
)
def test_a_region_is_off_where_nothing_contradicts_it(
    tmp_path: Path, change: Callable[[Account], Account], reason: str
) -> None:
    snapshot = change(_silent(tmp_path)).snapshot()
    trouble = snapshot.answer(calls.DESCRIBE_FLEETS, "eu-west-1").trouble
    assert trouble is not None
    assert (trouble.reason, trouble.code) == (reason, _REFUSED)
    assert ("log in again" in trouble.hint) is (reason == "failed")


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("ExpiredToken", "The provided token has expired.", "log in again"),
        ("ExpiredTokenException", "The security token is expired", "log in again"),
        ("UnauthorizedSSOTokenError", "the SSO session has expired", "log in again"),
        ("RequestTimeTooSkewed", "the difference is too large", "set the clock"),
        ("InvalidSignatureException", "Signature expired: 2026 is now earlier", "set the clock"),
        ("SignatureDoesNotMatch", "Signature not yet current: 2026", "set the clock"),
        ("RequestExpired", "Request has expired.", "log in again or set the clock"),
        ("InvalidSignatureException", "the signature does not match", ""),
        ("InternalFailure", "", ""),
    ],
)
def test_credentials_that_end_in_mid_run_are_named(
    tmp_path: Path, code: str, message: str, hint: str
) -> None:
    snapshot = Account(tmp_path).refuses(calls.DESCRIBE_FLEETS, code, message).snapshot()
    trouble = snapshot.answer(calls.DESCRIBE_FLEETS, "eu-west-1").trouble
    assert trouble is not None
    assert trouble.reason == "failed"
    assert hint in trouble.hint
    assert bool(trouble.hint) is bool(hint)


@pytest.mark.parametrize(
    ("call", "one", "again", "other"),
    [
        (calls.DESCRIBE_STACKS, {"Arn": "a"}, {"Arn": "a"}, {"Arn": "b"}),
        (calls.DESCRIBE_STACKS, {"Arn": "a"}, {"Arn": "a", "Description": "x"}, {"Arn": "b"}),
        (calls.LIST_ASSOCIATED_FLEETS, "a", "a", "b"),
        (calls.LIST_BUCKETS, {"Name": "a"}, {"Name": "a"}, {"Name": "b"}),
        (calls.DESCRIBE_TRAILS, {"TrailARN": "a"}, {"TrailARN": "a"}, {"TrailARN": "b"}),
        (calls.LOOKUP_EVENTS, {"EventId": "a"}, {"EventId": "a"}, {"EventId": "b"}),
        (calls.GET_RESOURCES, {"ResourceARN": "a"}, {"ResourceARN": "a"}, {"ResourceARN": "b"}),
        (calls.DESCRIBE_VPC_ENDPOINTS, *(2 * ({"VpcEndpointId": "a"},)), {"VpcEndpointId": "b"}),
    ],
)
def test_what_two_pages_list_is_one_thing(
    tmp_path: Path, call: calls.Call, one: object, again: object, other: object
) -> None:
    first = Account(tmp_path).snapshot().answer(calls.LIST_REGIONS).requests[0]
    pages = [
        replace(first, call=call.name, id=f"E{n}", page=n, response={call.items: items})
        for n, items in enumerate(([one], [again, other]))
    ]
    listed = list(Answer(call, "eu-west-1", {}, tuple(pages)).items())
    assert listed == [(again, f"E1#/{call.items}/0"), (other, f"E1#/{call.items}/1")]


def test_things_without_an_id_that_differ_are_two(tmp_path: Path) -> None:
    first = Account(tmp_path).snapshot().answer(calls.LIST_REGIONS).requests[0]
    pages = [
        replace(first, id=f"E{n}", page=n, response={"Regions": [{"RegionName": "a", "x": n}]})
        for n in range(2)
    ]
    assert len(list(Answer(calls.LIST_REGIONS, "", {}, tuple(pages)).items())) == 2


@pytest.mark.parametrize(
    "stored",
    ["not final after 30 requests", "2 pages read, more exist", "the same page token came twice"],
)
def test_why_pages_are_missing_is_a_text_of_the_catalogue(
    monkeypatch: pytest.MonkeyPatch, stored: str
) -> None:
    assert _why_cut(stored) == stored
    monkeypatch.setattr("kit.snapshot.text", lambda id, **values: f"{id} {values['count']}")
    assert _why_cut(stored).startswith("gaps/")


def test_what_another_version_stored_of_missing_pages_stays_as_it_is() -> None:
    assert _why_cut("3 pages were read") == "3 pages were read"
