"""Each threshold of the profile at its limit, a step within it and a step beyond."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kit import calls
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.controls import CONTROLS
from kit.parameters import Profile
from tests.controls.scenarios import findings
from tests.standins import (
    ACCOUNT,
    AS_OF,
    HOME,
    KEY,
    LOGS,
    REGION,
    Account,
    management,
    objects,
    pool_user,
)

SECOND, DAY = dt.timedelta(seconds=1), dt.timedelta(days=1)
AGENTS = {
    "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
    "ScreenResolution": "W_1280xH_720",
    "ScreenImageFormat": "PNG",
}


class Limit(NamedTuple):
    """What the default profile just accepts.

    Attributes
    ----------
    last : Any
        The last value accepted.
    step : Any
        From there to the first value that is not.
    given : callable
        Sets up an account with a value.
    within, beyond : str
        Statuses on both sides.
    """

    last: Any
    step: Any
    given: Callable[[Account, Any], Any]
    within: str = PASS
    beyond: str = FAIL


def session(member: str) -> Callable[[Account, int], Any]:
    short = {
        "MaxUserDurationInSeconds": 60,
        "DisconnectTimeoutInSeconds": 60,
        "IdleDisconnectTimeoutInSeconds": 60,
    }
    return lambda account, value: account.fleet(**{**short, member: value})


def iso(moment: dt.date) -> str:
    return moment.isoformat()


def password(account: Account, length: int, remembered: int) -> None:
    policy = {"MinimumPasswordLength": length, "PasswordReusePrevention": remembered}
    account.report("jane,arn:1,true,true")
    account.answers(calls.GET_ACCOUNT_PASSWORD_POLICY, {"PasswordPolicy": policy})


def exported(account: Account, made: dt.datetime) -> None:
    task = {"TaskId": "t1", "AmiName": "x", "CreatedDate": made, "State": "COMPLETED"}
    image = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design"
    account.lists(calls.LIST_EXPORT_IMAGE_TASKS, {**task, "ImageArn": image, "AmiId": "ami-1"})
    answer = {"ImageId": "ami-1", "LaunchPermissions": []}
    account.answers(calls.DESCRIBE_IMAGE_ATTRIBUTE, answer, REGION, ImageId="ami-1")


def reported(account: Account, made: dt.datetime) -> None:
    report = {"S3BucketName": LOGS, "Schedule": "DAILY", "LastGeneratedReportDate": made}
    account.lists(calls.DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, report)
    account.fleet(ComputeCapacityStatus={"Desired": 1, "InUse": 1})


def delivered(account: Account, at: dt.datetime) -> None:
    status = {"IsLogging": True, "LatestDeliveryTime": at, "LatestDigestDeliveryTime": at}
    account.bucket().fleet().trail(status=status, advanced=[management(), objects()])


def digested(account: Account, **status: Any) -> None:
    account.trail(KmsKeyId=KEY, status={"IsLogging": True, **status})


def attested(account: Account, ended: dt.datetime) -> None:
    report = {"name": "SOC 2", "state": "PUBLISHED", "arn": "x", "series": "x"}
    account.lists(calls.LIST_REPORTS, {**report, "periodEnd": ended})


def backed_up(account: Account, at: dt.datetime) -> None:
    item = {"ResourceArn": f"arn:aws:s3:::{HOME}", "ResourceType": "S3", "LastBackupTime": at}
    account.bucket(versioning="Enabled").lists(calls.LIST_PROTECTED_RESOURCES, item)


def grouped(account: Account, days: int) -> None:
    group = {"logGroupName": "/agents", "retentionInDays": days}
    account.stack(AgentAccessConfig=AGENTS).lists(calls.DESCRIBE_LOG_GROUPS, group)


def provided(account: Account, end: dt.datetime) -> None:
    provider = {"Arn": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp", "ValidUntil": end}
    account.lists(calls.LIST_SAML_PROVIDERS, provider)


def declared(tested: str, **fields: Any) -> Callable[[Account, Any], None]:
    """Declare fields in the parameters, and the value that is tested."""

    def given(account: Account, value: Any) -> None:
        last = iso(value) if isinstance(value, dt.date) else value
        run = account.run.model_dump() | fields | {tested: last}
        account.run = type(account.run).model_validate(run)

    return given


def ago(days: int) -> dt.datetime:
    return AS_OF - days * DAY


REVIEWED = dt.date(2025, 11, 25), -DAY  # of twelve months before the 24th of November 2026
LIMITS = {
    ("AR-03", "max_session_seconds"): Limit(36_000, 1, session("MaxUserDurationInSeconds")),
    ("AR-03", "max_disconnect_seconds"): Limit(300, 1, session("DisconnectTimeoutInSeconds")),
    ("AR-03", "max_idle_seconds"): Limit(600, 1, session("IdleDisconnectTimeoutInSeconds")),
    ("AR-19", "max_backup_age_days"): Limit(ago(7), -SECOND, backed_up, beyond=NOT_EVIDENCED),
    ("DS-02", "max_discovery_age_days"): Limit(
        ago(90), -SECOND, lambda a, at: a.bucket().watched(lastAutomatedDiscoveryTime=at)
    ),
    # It is no fault that an image was exported, but somebody has to know of it.
    ("EX-06", "max_export_age_days"): Limit(ago(90), -SECOND, exported, NOT_EVIDENCED, PASS),
    ("EX-12", "max_image_age_days"): Limit(
        ago(90), -SECOND, lambda a, at: a.image(PublicBaseImageReleasedDate=at)
    ),
    ("GV-02", "report_valid_months"): Limit(
        dt.datetime(2025, 8, 24, 12, tzinfo=dt.UTC), -SECOND, attested, ATTESTED, NOT_EVIDENCED
    ),
    ("GV-04", "review_valid_months"): Limit(
        *REVIEWED, declared("reviewed_on", reviewer="x"), beyond=NOT_EVIDENCED
    ),
    ("GV-07", "review_valid_months"): Limit(
        *REVIEWED, declared("access_reviewed_on", access_reviewer="x"), beyond=NOT_EVIDENCED
    ),
    ("GV-08", "review_valid_months"): Limit(
        *REVIEWED,
        declared("breach_exercised_on", breach_contact="x", breach_hours=1),
        beyond=NOT_EVIDENCED,
    ),
    ("GV-08", "max_breach_hours"): Limit(
        72, 1, declared("breach_hours", breach_contact="x", breach_exercised_on="2026-11-01")
    ),
    ("ID-01", "max_root_use_days"): Limit(
        ago(90), SECOND, lambda a, at: a.credentials(root={"password_last_used": iso(at)})
    ),
    ("ID-09", "max_unconfirmed_days"): Limit(
        ago(30),
        -SECOND,
        lambda a, at: a.lists(calls.DESCRIBE_USERS, pool_user("UNCONFIRMED", CreatedTime=at)),
    ),
    ("ID-12", "max_key_age_days"): Limit(
        ago(90),
        -SECOND,
        lambda a, at: a.credentials(
            robot={"access_key_1_active": "true", "access_key_1_last_rotated": iso(at)}
        ),
    ),
    ("ID-14", "min_password_length"): Limit(14, -1, lambda a, n: password(a, n, 24)),
    ("ID-14", "min_passwords_remembered"): Limit(24, -1, lambda a, n: password(a, 14, n)),
    ("ID-15", "max_password_age_days"): Limit(
        ago(365),
        -SECOND,
        lambda a, at: a.credentials(
            jane={"password_enabled": "true", "password_last_changed": iso(at)}
        ),
    ),
    ("ID-17", "min_metadata_days"): Limit(ago(-30), -SECOND, provided),
    ("LG-01", "max_delivery_age_days"): Limit(ago(2), -SECOND, delivered),
    ("LG-02", "max_delivery_age_days"): Limit(ago(2), -SECOND, delivered),
    ("LG-03", "max_delivery_age_days"): Limit(
        ago(2), -SECOND, lambda a, at: digested(a, LatestDigestDeliveryTime=at)
    ),
    ("LG-05", "max_report_age_days"): Limit(ago(2), -SECOND, reported),
    ("LG-06", "min_log_days"): Limit(90, -1, lambda a, days: a.trail(kept=days)),
    ("LG-06", "max_log_days"): Limit(1095, 1, lambda a, days: a.trail(kept=days)),
    ("LG-07", "max_delivery_age_days"): Limit(ago(2), -SECOND, delivered, NOT_APPLICABLE),
    ("LG-12", "min_log_days"): Limit(90, -1, grouped),
    ("LG-12", "max_log_days"): Limit(1095, 1, grouped),
}


def test_every_limit_of_the_profile_is_here() -> None:
    numbers = {name for name, field in Profile.model_fields.items() if field.annotation is int}
    assert LIMITS.keys() == {
        (name, limit)
        for name, control in CONTROLS.items()
        for limit in numbers.intersection(control.thresholds)
    }


@pytest.mark.parametrize("steps", [-1, 0, 1])
@pytest.mark.parametrize(("control", "threshold"), LIMITS, ids=map(str, LIMITS))
def test_a_limit_is_accepted_and_the_next_value_is_not(
    tmp_path: Path, control: str, threshold: str, steps: int
) -> None:
    limit = LIMITS[control, threshold]
    own = tmp_path / "ours.yaml"
    own.write_text("attestations: [SOC 2]\n")
    account = Account(
        tmp_path,
        thresholds=str(own),
        reports_read={"SOC 2": "TPRM 4"},
        agent_log_groups=["/agents"],
    )
    limit.given(account, limit.last + steps * limit.step)
    expected = limit.beyond if steps > 0 else limit.within
    assert [one.status for one in findings(account, control)] == [expected]
