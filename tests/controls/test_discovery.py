"""Discovery: what the control says of which account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.aws.calls import (
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_MACIE_SESSION,
    LIST_BUCKETS,
)
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_applicable,
    not_evidenced,
    nothing,
    passes,
    scenarios,
    verdicts,
)
from tests.standins import HOME, LOGS, REGION, Account

NO_BUCKET = not_applicable("no bucket of AppStream's")
DENIED = "AccessDeniedException"  # Macie's code for both: not enabled, and not allowed


def answering(**members: Any) -> Given:
    return lambda a: a.bucket().answers(GET_MACIE_SESSION, members)


def refusing(message: str) -> Given:
    return lambda a: a.bucket().refuses(GET_MACIE_SESSION, DENIED, message)


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    (
        "no bucket, Macie off",
        lambda a: a.answers(GET_MACIE_SESSION, {"status": "PAUSED"}),
        NO_BUCKET,
    ),
    ("enabled", answering(status="ENABLED"), passes),
    ("paused", answering(status="PAUSED"), fails),
    ("not enabled", refusing("Macie is not enabled."), fails),
    (
        "denied",
        refusing("User is not authorized to perform: macie2:GetMacieSession"),
        denied(GET_MACIE_SESSION),
    ),
    ("denied without a word", refusing(""), denied(GET_MACIE_SESSION)),
    ("status left out", answering(), not_evidenced("absent in answer", GET_MACIE_SESSION)),
    ("a bucket of logs counts", lambda a: a.bucket(LOGS), passes),
    (
        "a bucket that only a stack names counts",
        lambda a: a.stack(
            StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}]
        ),
        passes,
    ),
    (
        "a bucket whose name AWS leaves out counts",
        lambda a: a.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS"}]),
        passes,
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
    (
        "usage reports denied",
        lambda a: a.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
        denied(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
    ("stacks denied, a bucket listed", lambda a: a.denies(DESCRIBE_STACKS).bucket(), passes),
)
def test_ds_01_macie_is_on(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "DS-01") == expected


def test_ds_01_is_asked_for_each_region_that_holds_a_bucket(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "eu-central-1", "us-east-1"))
    account.bucket().bucket(HOME.replace(REGION, "us-east-1"), region="us-east-1")
    account.answers(GET_MACIE_SESSION, {"status": "PAUSED"}, "us-east-1")
    told = {finding.region: finding.status for finding in findings(account, "DS-01")}
    assert told == {"eu-central-1": "not applicable", REGION: "pass", "us-east-1": "fail"}
