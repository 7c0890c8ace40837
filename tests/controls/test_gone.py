"""What AWS answers does not exist is named in the finding, by its label."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.calls import (
    GET_BUCKET_POLICY,
    GET_BUCKET_REPLICATION,
    GET_TRAIL_STATUS,
    LIST_BUCKETS,
    Call,
)
from kit.catalogue.statuses import NOT_EVIDENCED
from tests.controls.scenarios import findings
from tests.controls.test_logging import TRAIL
from tests.standins import HOME, REGION, Account, denial


@pytest.mark.parametrize(
    ("control", "call", "code", "parameters", "named"),
    [
        ("IT-04", GET_BUCKET_POLICY, "NoSuchBucket", {"Bucket": HOME}, HOME),
        ("LG-01", GET_TRAIL_STATUS, "TrailNotFoundException", {"Name": TRAIL}, "trail-"),
    ],
)
def test_it_is_named(
    tmp_path: Path, control: str, call: Call, code: str, parameters: dict[str, str], named: str
) -> None:
    account = Account(tmp_path).bucket(HOME).fleet().trail()
    account.refuses(call, code, **parameters)
    hints = {one.hint for one in findings(account, control) if one.status == NOT_EVIDENCED}
    (hint,) = hints
    assert hint.startswith(f"AWS answers that {named}")
    assert hint.endswith(" does not exist")


def test_another_error_names_nothing(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME)
    account.refuses(GET_BUCKET_POLICY, "InternalError", Bucket=HOME)
    assert {one.hint for one in findings(account, "IT-04")} == {""}


@pytest.mark.parametrize(
    ("code", "list_denied", "call"),
    [
        ("NoSuchBucket", False, GET_BUCKET_REPLICATION),
        ("AccessDenied", False, GET_BUCKET_REPLICATION),
        ("SlowDown", False, GET_BUCKET_REPLICATION),
        ("NoSuchBucket", True, GET_BUCKET_REPLICATION),  # whoever may list it finds no bucket
        ("SlowDown", True, LIST_BUCKETS),
    ],
)
def test_gv_05_names_what_was_refused_for_a_bucket_that_the_list_lacks(
    tmp_path: Path, code: str, list_denied: bool, call: Call
) -> None:
    connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}
    account = Account(tmp_path).stack(StorageConnectors=[connector])
    account.refuses(GET_BUCKET_REPLICATION, code, region=REGION, status=404, Bucket=HOME)
    if list_denied:
        account.denies(LIST_BUCKETS)
    (bucket,) = [one for one in findings(account, "GV-05") if one.resource == HOME]
    expected = denial(call) if call is LIST_BUCKETS else code
    assert (bucket.status, bucket.code) == (NOT_EVIDENCED, expected)
    assert bucket.operation == call.name
