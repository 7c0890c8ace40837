"""Impact assessments: what shows what users do, as seen, and what the run declares for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_BUCKET_LOGGING,
    LIST_BUCKETS,
)
from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.errors import UserError
from kit.judge import evaluate
from kit.parameters import parameters
from kit.report import show
from kit.tables import tabulate
from tests.standins import HOME, LOGS, REGION, Account

NAMES = ("reports", "recordings", "accesses", "agents")
UNSEEN_STACKS = "not evidenced: denied, appstream.DescribeStacks, AccessDenied"


def rows(account: Account) -> dict[str, dict[str, Any]]:
    table = show.assessments(tabulate(account.snapshot()))
    names = [column.name for column in table.columns]
    made = [dict(zip(names, row, strict=True)) for row in table.rows]
    return dict(zip(NAMES, made, strict=True))


def logs(account: Account, target: str = "logs") -> Account:
    logging = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}}
    return account.answers(GET_BUCKET_LOGGING, logging, REGION, Bucket=HOME)


def recorded(account: Account, **config: bool) -> Account:
    settings = [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}]
    screen = {"ScreenResolution": "W_1280xH_720", "ScreenImageFormat": "PNG"}
    return account.stack(AgentAccessConfig={"Settings": settings, **screen, **config})


def test_what_is_not_in_use_needs_no_declaration(tmp_path: Path) -> None:
    for row in rows(Account(tmp_path).stack()).values():
        assert row["in_use"] == "not seen in the regions in scope"
        assert (row["resources"], row["assessment"]) == (0, None)
        assert row["evidence"]


def test_what_is_in_use_stands_with_its_region_and_evidence(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME)
    subscription = {"S3BucketName": LOGS, "Schedule": "DAILY"}
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, subscription)
    logs(recorded(account, ScreenshotsUploadEnabled=True, ReplaySessionEnabled=False))
    for row in rows(account).values():
        assert row["in_use"] == f"in use in {REGION}"
        assert (row["resources"], row["assessment"]) == (1, "not declared")
        assert row["evidence"]


@pytest.mark.parametrize(
    ("screenshots", "replays", "count"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
)
def test_screenshots_and_recordings_each_count(
    tmp_path: Path, screenshots: int, replays: int, count: int
) -> None:
    account = Account(tmp_path)
    config = {"ScreenshotsUploadEnabled": bool(screenshots), "ReplaySessionEnabled": bool(replays)}
    assert rows(recorded(account, **config))["recordings"]["resources"] == count


def test_the_caption_names_what_is_in_use_without_a_declaration(tmp_path: Path) -> None:
    account = Account(tmp_path, impact_assessments={"usage reports": "DPIA 6"}).bucket(HOME)
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    logs(recorded(account, ScreenshotsUploadEnabled=True))
    caption = show.assessments(tabulate(account.snapshot())).caption
    lacking = "screenshots and recordings, logs of access to files, agents"
    assert caption.endswith(f"In use, and no assessment declared: {lacking}.")


def test_without_anything_in_use_the_caption_names_nothing(tmp_path: Path) -> None:
    caption = show.assessments(tabulate(Account(tmp_path).stack().snapshot())).caption
    assert "no assessment" not in caption


def test_a_declaration_stands_as_given_and_is_cited(tmp_path: Path) -> None:
    declared = {"usage reports": "DPIA 6", "access logs": "none needed, see DPO 4"}
    account = Account(tmp_path, impact_assessments=declared, agent_dpia_reference="DPIA 9")
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    made = rows(account.stack())
    assert {name: row["assessment"] for name, row in made.items()} == {
        "reports": "DPIA 6",
        "recordings": None,
        "accesses": "none needed, see DPO 4",
        "agents": "DPIA 9",
    }
    assert made["reports"]["evidence"][-1] == "parameters"
    assert "parameters" not in made["recordings"]["evidence"]


def test_what_was_not_seen_is_not_off(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(HOME).denies(DESCRIBE_STACKS)
    account.denies(GET_BUCKET_LOGGING, Bucket=HOME)
    account.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS)
    for name, row in rows(account).items():
        assert "not evidenced: denied" in row["in_use"], name
        assert "not seen in the regions" not in row["in_use"]
        assert (row["resources"], row["assessment"]) == (None, "not declared")
        assert row["evidence"]


def test_a_part_that_was_not_seen_stands_beside_what_is_in_use(tmp_path: Path) -> None:
    account = logs(Account(tmp_path).bucket(HOME)).denies(LIST_BUCKETS)
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    account.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": HOME}])
    seen = rows(account)["accesses"]
    assert seen["in_use"].startswith(f"in use in {REGION}; not evidenced: denied, s3.ListBuckets")
    assert seen["resources"] == 1


def test_logs_of_a_bucket_of_reports_do_not_show_what_users_do(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket(LOGS)
    logging = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}
    account.answers(GET_BUCKET_LOGGING, logging, REGION, Bucket=LOGS)
    assert rows(account)["accesses"]["resources"] == 0


def test_other_kinds_are_refused_with_those_accepted() -> None:
    with pytest.raises(UserError, match=r"impact_assessments.*access logs"):
        parameters({"account": "012345678901", "impact_assessments": {"keystrokes": "DPIA 1"}})


def of_35(account: Account) -> dict[str, Any]:
    """The row of Article 35(1) in the index by article."""
    tables = tabulate(account.snapshot())
    (index,) = show.frameworks(evaluate(tables), tables).views
    names = [column.name for column in index.columns]
    (row,) = (row for row in index.rows if row[0].startswith("35(1)"))
    return dict(zip(names, row, strict=True))


def reporting(folder: Path, **declared: Any) -> Account:
    account = Account(folder, frameworks=["gdpr"], **declared)
    return account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})


def test_article_35_does_not_apply_where_nothing_is_in_use(tmp_path: Path) -> None:
    row = of_35(Account(tmp_path, frameworks=["gdpr"]).stack())
    assert row["status"] == NOT_APPLICABLE
    assert row["beside"].startswith("The control tests agents alone.")


def test_article_35_lacks_evidence_where_processing_in_use_has_no_declaration(
    tmp_path: Path,
) -> None:
    row = of_35(reporting(tmp_path).stack())
    assert row["status"] == NOT_EVIDENCED
    lacking = "In use, and no assessment declared: usage reports."
    assert row["beside"].startswith(f"{lacking} The control tests agents alone. ")


def test_article_35_passes_for_agents_only_with_the_rest_declared(tmp_path: Path) -> None:
    agents = {"agent_dpia_reference": "DPIA 9"}
    rest = {"impact_assessments": {"usage reports": "DPIA 6"}}
    settings = [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}]
    access = {"Settings": settings, "ScreenResolution": "W_1280xH_720", "ScreenImageFormat": "PNG"}
    lacking = reporting(tmp_path / "a", **agents).stack(AgentAccessConfig=access)
    assert of_35(lacking)["status"] == NOT_EVIDENCED
    row = of_35(reporting(tmp_path / "b", **agents, **rest).stack(AgentAccessConfig=access))
    assert row["status"] == PASS
    assert row["beside"].startswith("Declared, and tested by no control: usage reports.")


def test_article_35_has_no_verdict_where_a_declaration_alone_answers_it(tmp_path: Path) -> None:
    row = of_35(reporting(tmp_path, impact_assessments={"usage reports": "DPIA 6"}).stack())
    assert row["status"] is None
    declared = "Declared, and tested by no control: usage reports."
    assert row["beside"].startswith(f"{declared} The control tests agents alone. ")


def test_article_35_lacks_evidence_where_processing_may_be_in_use_unseen(tmp_path: Path) -> None:
    account = Account(tmp_path, frameworks=["gdpr"]).stack()
    row = of_35(account.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS))
    assert row["status"] == NOT_EVIDENCED
    assert row["beside"].startswith("Perhaps in use, for the kit could not see it")


def test_without_the_tables_article_35_is_never_not_applicable(tmp_path: Path) -> None:
    tables = tabulate(Account(tmp_path, frameworks=["gdpr"]).stack().snapshot())
    (index,) = show.frameworks(evaluate(tables)).views
    (row,) = (row for row in index.rows if row[0].startswith("35(1)"))
    assert row[3] is None


def test_where_the_control_did_not_run_article_35_has_no_verdict(tmp_path: Path) -> None:
    tables = tabulate(reporting(tmp_path).stack().snapshot())
    (index,) = show.frameworks(evaluate(tables, ["LG-08"]), tables).views
    (row,) = (row for row in index.rows if row[0].startswith("35(1)"))
    assert row[3] is None
