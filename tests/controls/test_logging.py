"""Logging: what each control says of which account."""

from __future__ import annotations

import datetime as dt
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_CONFIGURATION_RECORDERS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGES,
    DESCRIBE_KEY,
    DESCRIBE_LOG_GROUPS,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_LOGGING,
    GET_BUCKET_VERSIONING,
    GET_CALLER_IDENTITY,
    GET_DETECTOR,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_BUCKETS,
    LIST_DETECTORS,
    LIST_EVENT_DATA_STORES,
    LIST_RULES,
    LOOKUP_EVENTS,
)
from kit.judge import calls_of
from kit.maker import KIT
from kit.parameters import Run
from kit.tables import tabulate
from kit.tables.watching import WATCHED
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
    to_be_reviewed,
    verdicts,
)
from tests.standins import (
    ACCOUNT,
    AS_OF,
    COLLECTOR,
    HOME,
    KEY,
    LOGS,
    REGION,
    SETTINGS,
    Account,
    day,
    erases,
    management,
    objects,
)

UNUSED = not_applicable("no use of AppStream")
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all"
ORGANISATION = "999999999999"
THEIRS = KEY.replace(ACCOUNT, ORGANISATION)
THIRD = KEY.replace(ACCOUNT, "777788889999")
ORG_TRAIL = f"arn:aws:cloudtrail:us-east-1:{ORGANISATION}:trail/org"
STORE = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:eventdatastore/lake"
READ, WRITE = {"Equals": ["true"]}, {"Equals": ["false"]}


@pytest.fixture
def used(account: Account) -> Account:
    """An account in which AppStream is in use."""
    return account.fleet()


@scenarios(("not in use", nothing, UNUSED), ("not in use, a trail", lambda a: a.trail(), UNUSED))
def test_lg_01_is_about_regions_in_use(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-01") == expected


OLD = {"IsLogging": True, "LatestDeliveryTime": day("2019-01-22")}
ONE, NOT_ONE = {"Equals": ["arn:1"]}, {"NotEquals": ["arn:1"]}
CALLS_ALONE = management(eventType={"Equals": ["AwsApiCall"]})
BY_AWS = management(eventType={"Equals": ["AwsServiceEvent"]})
NOT_BY_AWS = management(eventType={"NotEquals": ["AwsServiceEvent"]})
READS, WRITES = {"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}
NO_KMS = {"ExcludeManagementEventSources": ["kms.amazonaws.com"]}


def foreign(account: Account, key: str = THEIRS) -> Account:
    """A key of another account, which lets this account describe it."""
    return account.key(key, AWSAccountId=key.split(":")[4])


def declaring(account: Account, number: str) -> Account:
    """The parameters declare that an account may own keys."""
    account.run = account.run.model_copy(update={"allowed_key_accounts": [number]})
    return account


def delivered(days: float, **members: Any) -> Given:
    """A trail that delivered so many days ago."""
    status = {"IsLogging": True, "LatestDeliveryTime": AS_OF - dt.timedelta(days=days)}
    return lambda account: account.trail(status=status, **members)


@scenarios(
    ("a trail of all regions", lambda a: a.trail(), passes),
    ("a trail of this region", lambda a: a.trail(multi=False), passes),
    ("another region's trail of all regions", lambda a: a.trail(home="us-east-1"), passes),
    ("a trail of another region", lambda a: a.trail(home="us-east-1", multi=False), fails),
    ("an organisation's trail", lambda a: a.trail("org", "us-east-1", account="9" * 12), passes),
    ("only event history", lambda a: a.event(), fails),
    ("stopped", lambda a: a.trail(status={"IsLogging": False}), fails),
    (
        "delivery fails",
        lambda a: a.trail(status={"IsLogging": True, "LatestDeliveryError": "NoSuchBucket"}),
        fails,
    ),
    ("delivered within the limit", delivered(days=2), passes),
    ("delivered before the limit", delivered(days=2.01), fails),
    ("delivered in the years to come", delivered(days=-400), to_be_reviewed),
    (
        "delivered in the years to come, beside one that delivers",
        lambda a: delivered(days=-400)(a.trail("b")),
        passes,
    ),
    ("delivered years ago", lambda a: a.trail(status=OLD), fails),
    ("delivered while the collector ran", delivered(days=-0.01), passes),
    ("delivered years ago, and writes alone", lambda a: a.trail(status=OLD, basic=[WRITES]), fails),
    (
        "delivered years ago, its selectors denied",
        lambda a: a.trail(status=OLD).denies(GET_EVENT_SELECTORS, TrailName=TRAIL),
        denied(GET_EVENT_SELECTORS),
    ),
    (
        "delivered years ago, beside one that delivers",
        lambda a: a.trail("old", status=OLD).trail(),
        passes,
    ),
    (
        "an organisation's, delivered years ago",
        lambda a: a.trail("org", "us-east-1", account="9" * 12, status=OLD),
        fails,
    ),
    (
        "nothing delivered yet",
        lambda a: a.trail(status={"IsLogging": True}),
        not_evidenced("absent in answer", GET_TRAIL_STATUS),
    ),
    (
        "whether it is logging left out",
        lambda a: a.trail(status={"LatestCloudWatchLogsDeliveryError": ""}),
        not_evidenced("absent in answer", GET_TRAIL_STATUS),
    ),
)
def test_lg_01_wants_a_trail_that_works(used: Account, given: Given, expected: list[Any]) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


def basic(*selectors: Any) -> Given:
    return lambda a: a.trail(basic=list(selectors))


def advanced(*selectors: Any) -> Given:
    return lambda a: a.trail(advanced=list(selectors))


NO_CATEGORY = {"FieldSelectors": [{"Field": "readOnly", **READ}]}
APPSTREAM = "appstream.amazonaws.com"
KMS = {"NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}


@scenarios(
    ("all, spelt out", basic({"ReadWriteType": "All", "IncludeManagementEvents": True}), passes),
    ("all, by default", basic({"DataResources": []}), passes),
    ("writes alone", basic({"ReadWriteType": "WriteOnly"}), fails),
    ("reads alone", basic({"ReadWriteType": "ReadOnly"}), fails),
    ("two halves", basic({"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}), passes),
    ("data events alone", basic({"IncludeManagementEvents": False}), fails),
    ("without KMS", basic({"ExcludeManagementEventSources": ["kms.amazonaws.com"]}), passes),
    ("without AppStream", basic({"ExcludeManagementEventSources": [APPSTREAM]}), fails),
    ("none at all", basic(), not_evidenced("absent in answer", GET_EVENT_SELECTORS)),
    ("advanced: all", advanced(management()), passes),
    ("advanced: without KMS", advanced(management(eventSource=KMS)), passes),
    (
        "advanced: without AppStream",
        advanced(management(eventSource={"NotEquals": [APPSTREAM]})),
        fails,
    ),
    (
        "advanced: one other service",
        advanced(management(eventSource={"Equals": ["s3.amazonaws.com"]})),
        fails,
    ),
    (
        "advanced: AppStream alone",
        advanced(management(eventSource={"Equals": [APPSTREAM]})),
        to_be_reviewed,
    ),
    (
        "advanced: AppStream among others",
        advanced(management(eventSource={"Equals": ["s3.amazonaws.com", APPSTREAM]})),
        to_be_reviewed,
    ),
    (
        "advanced: services that begin so",
        advanced(management(eventSource={"StartsWith": ["app"], "NotEndsWith": [".cn"]})),
        to_be_reviewed,
    ),
    ("advanced: writes alone", advanced(management(readOnly=WRITE)), fails),
    (
        "advanced: two halves",
        advanced(management(readOnly=WRITE), management(readOnly=READ)),
        passes,
    ),
    (
        "advanced: some events alone",
        advanced(management(eventName={"NotEquals": ["DescribeStacks"]})),
        fails,
    ),
    ("advanced: data events alone", advanced(objects()), fails),
    ("advanced: no category", advanced(NO_CATEGORY), fails),
)
def test_lg_01_wants_all_management_events(
    used: Account, given: Given, expected: list[Any]
) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


@scenarios(
    (
        "reads and writes, each by a trail",
        lambda a: a.trail("r", basic=[READS]).trail("w", basic=[WRITES]),
        passes,
    ),
    ("reads twice", lambda a: a.trail("r", basic=[READS]).trail("s", basic=[READS]), fails),
    (
        "writes by a trail of another region",
        lambda a: a.trail("r", basic=[READS]).trail("w", "us-east-1", multi=False, basic=[WRITES]),
        fails,
    ),
    (
        "writes by a trail that is stopped",
        lambda a: a.trail("r", basic=[READS]).trail(
            "w", basic=[WRITES], status={"IsLogging": False}
        ),
        fails,
    ),
    (
        "writes by a trail that no longer delivers",
        lambda a: a.trail("r", basic=[READS]).trail("w", basic=[WRITES], status=OLD),
        fails,
    ),
    (
        "writes by an event data store",
        lambda a: a.trail("r", basic=[READS]).store("lake", REGION, management(readOnly=WRITE)),
        passes,
    ),
    (
        "both by event data stores",
        lambda a: a.store("r", REGION, management(readOnly=READ)).store(
            "w", REGION, management(readOnly=WRITE)
        ),
        passes,
    ),
    (
        "writes by an event data store that is going",
        lambda a: a.trail("r", basic=[READS]).store(
            "lake", REGION, management(readOnly=WRITE), Status="PENDING_DELETION"
        ),
        fails,
    ),
    (
        "writes by a trail without AppStream's",
        lambda a: a.trail("r", basic=[READS]).trail(
            "w", basic=[{**WRITES, "ExcludeManagementEventSources": [APPSTREAM]}]
        ),
        fails,
    ),
    (
        "reads by a trail, a second that was not seen may have the writes",
        lambda a: unseen_trail(a.trail("r", basic=[READS])),
        denied(GET_EVENT_SELECTORS),
    ),
    (
        "nothing by a trail, a second that was not seen may have it all",
        lambda a: unseen_trail(a.trail("r", basic=[{"IncludeManagementEvents": False}])),
        denied(GET_EVENT_SELECTORS),
    ),
    (
        "both by trails, a third was not seen",
        lambda a: unseen_trail(a.trail("r", basic=[READS]).trail("w", basic=[WRITES])),
        passes,
    ),
    (
        "reads by a trail, a second that was not seen is stopped",
        lambda a: unseen_trail(a.trail("r", basic=[READS]), status={"IsLogging": False}),
        fails,
    ),
    (
        "some events by one selector, all the others by a second",
        lambda a: a.store(
            "lake",
            REGION,
            management(eventName={"StartsWith": ["Describe", "List"]}),
            management(eventName={"NotStartsWith": ["Describe", "List"]}),
        ),
        passes,
    ),
    (
        "some events by one selector, not all the others by a second",
        lambda a: a.store(
            "lake",
            REGION,
            management(eventName={"StartsWith": ["Describe"]}),
            management(eventName={"NotStartsWith": ["Describe", "List"]}),
        ),
        fails,
    ),
    (
        "who is not an administrator alone",
        lambda a: a.store("lake", REGION, management(**{"userIdentity.arn": NOT_ONE})),
        fails,
    ),
    (
        "who is not an administrator, and who is",
        lambda a: a.store(
            "lake",
            REGION,
            management(**{"userIdentity.arn": NOT_ONE}),
            management(**{"userIdentity.arn": ONE}),
        ),
        passes,
    ),
    (
        "who is not an administrator, and the reads of who is",
        lambda a: a.store(
            "lake",
            REGION,
            management(**{"userIdentity.arn": NOT_ONE}),
            management(**{"userIdentity.arn": ONE}, readOnly=READ),
        ),
        fails,
    ),
    (
        "sessions from the console alone",
        lambda a: a.store("lake", REGION, management(sessionCredentialFromConsole=READ)),
        fails,
    ),
    (
        "sessions from the console, and others",
        lambda a: a.store(
            "lake",
            REGION,
            management(sessionCredentialFromConsole=READ),
            management(sessionCredentialFromConsole=WRITE),
        ),
        passes,
    ),
    ("calls of an API alone", lambda a: a.store("lake", REGION, CALLS_ALONE), to_be_reviewed),
    (
        "all but what services do by themselves",
        lambda a: a.store("lake", REGION, NOT_BY_AWS),
        to_be_reviewed,
    ),
    (
        "what services do by themselves, and all else",
        lambda a: a.store("lake", REGION, NOT_BY_AWS).store("b", REGION, BY_AWS),
        passes,
    ),
    ("what services do by themselves alone", lambda a: a.store("b", REGION, BY_AWS), fails),
)
def test_lg_01_adds_up_what_is_recorded(used: Account, given: Given, expected: list[Any]) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


def unseen_trail(account: Account, **members: Any) -> Account:
    """A trail whose selectors were denied."""
    account.trail("unseen", **members)
    return account.denies(GET_EVENT_SELECTORS, TrailName=TRAIL.replace("all", "unseen"))


def guarded(given: Given, **key: Any) -> Given:
    """An account whose home folders are under a key, of the customer's unless told otherwise."""
    return lambda a: given(a.bucket(encryption="aws:kms", key=KEY).key(**key))


@scenarios(
    ("without KMS, no key of the customer's", lambda a: basic(NO_KMS)(a.bucket()), passes),
    ("without KMS, a key of the customer's", guarded(basic(NO_KMS)), to_be_reviewed),
    (
        "without KMS, AWS's key",
        guarded(basic(NO_KMS), KeyManager="AWS", rotation=None),
        passes,
    ),
    (
        "without KMS, another account's key",
        guarded(basic(NO_KMS), AWSAccountId=ORGANISATION),
        to_be_reviewed,
    ),
    ("with KMS, a key of the customer's", guarded(basic({})), passes),
    (
        "advanced: without KMS, a key of the customer's",
        guarded(advanced(management(eventSource=KMS))),
        to_be_reviewed,
    ),
    (
        "without RDS's data, a key of the customer's",
        guarded(basic({"ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]})),
        passes,
    ),
    (
        "without KMS by one trail, with it by a second",
        guarded(lambda a: a.trail("a", basic=[NO_KMS]).trail("b")),
        passes,
    ),
    (
        "without KMS by one trail, its writes alone by a second",
        guarded(lambda a: a.trail("a", basic=[NO_KMS]).trail("b", basic=[WRITES])),
        to_be_reviewed,
    ),
    (
        "without KMS by a trail, KMS by an event data store",
        guarded(
            lambda a: a.trail("a", basic=[NO_KMS]).store(
                "lake", REGION, management(eventSource={"Equals": ["kms.amazonaws.com"]})
            )
        ),
        passes,
    ),
    (
        "without KMS, a second trail that was not seen",
        guarded(lambda a: unseen_trail(a.trail("a", basic=[NO_KMS]))),
        denied(GET_EVENT_SELECTORS),
    ),
    (
        "without KMS, a second trail that was not seen, no key of the customer's",
        lambda a: unseen_trail(a.bucket().trail("a", basic=[NO_KMS])),
        passes,
    ),
    (
        "without KMS, the key denied",
        guarded(lambda a: a.trail(basic=[NO_KMS]).denies(DESCRIBE_KEY, KeyId=KEY)),
        denied(DESCRIBE_KEY),
    ),
    (
        "without KMS, buckets denied",
        lambda a: a.trail(basic=[NO_KMS]).denies(LIST_BUCKETS),
        denied(LIST_BUCKETS),
    ),
    (
        "without KMS, a bucket whose name is left out",
        lambda a: a.trail(basic=[NO_KMS]).lists(LIST_BUCKETS, {"BucketRegion": REGION}),
        not_evidenced("absent in answer", LIST_BUCKETS),
    ),
    ("with KMS, buckets denied", lambda a: a.trail().denies(LIST_BUCKETS), passes),
    (
        "without IAM, no key of the customer's",
        lambda a: a.store(
            "lake", REGION, management(eventSource={"NotEquals": ["iam.amazonaws.com"]})
        ),
        to_be_reviewed,
    ),
    (
        "two stores, each without one service",
        lambda a: a.store(
            "a", REGION, management(eventSource={"NotEquals": ["iam.amazonaws.com"]})
        ).store("b", REGION, management(eventSource={"NotEquals": ["sts.amazonaws.com"]})),
        passes,
    ),
)
def test_lg_01_requires_what_matters_of_other_services(
    used: Account, given: Given, expected: list[Any]
) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


@pytest.mark.parametrize(
    ("source", "reported"),
    [
        ({"NotEquals": ["kms.amazonaws.com"]}, "kms.amazonaws.com"),
        ({"NotStartsWith": ["kms."]}, "kms.amazonaws.com"),
        (
            {"NotEquals": ["rdsdata.amazonaws.com", "iam.amazonaws.com"]},
            "iam.amazonaws.com; rdsdata",
        ),
        ({"NotStartsWith": ["jane.doe"]}, "none"),
        ({"NotEquals": ["jane-doe.amazonaws.com"]}, "other services"),
        ({"Equals": [APPSTREAM]}, "kms.amazonaws.com; rdsdata.amazonaws.com; other services"),
        ({"EndsWith": [".amazonaws.com"]}, "none"),
    ],
)
def test_lg_01_names_what_is_left_out(
    used: Account, source: dict[str, list[str]], reported: str
) -> None:
    used.store("lake", REGION, management(eventSource=source))
    (finding,) = findings(used, "LG-01")
    assert f"Left out: {reported}" in finding.observed
    assert "jane" not in finding.observed


def test_lg_01_names_kinds_of_events_that_are_left_out(used: Account) -> None:
    used.store("lake", REGION, NOT_BY_AWS)
    (finding,) = findings(used, "LG-01")
    assert "Left out: events other than API calls" in finding.observed
    assert finding.hint == (
        "the selectors leave out some events, and the kit does not judge who sees these otherwise"
    )


def org_trail_unseen(account: Account) -> Account:
    """An organisation's trail whose status a member account may not see."""
    account.trail("org", "us-east-1", account=ORGANISATION)
    return account.denies(GET_TRAIL_STATUS, region="us-east-1", Name=ORG_TRAIL)


NOT_OURS = "CloudTrailARNInvalidException"
NOT_FOUND = "TrailNotFoundException"
HELD = not_evidenced("administrator", GET_EVENT_SELECTORS, NOT_OURS)
STATUS_HELD = not_evidenced("administrator", GET_TRAIL_STATUS, "AccessDeniedException")


def org_selectors_unseen(account: Account) -> Account:
    """An organisation's trail, as a member account sees it."""
    account.trail("org", "us-east-1", account=ORGANISATION)
    return account.refuses(
        GET_EVENT_SELECTORS, NOT_OURS, region="us-east-1", status=400, TrailName=ORG_TRAIL
    )


def test_lg_01_says_who_may_show_an_organisations_trail(used: Account) -> None:
    org_selectors_unseen(used)
    (finding,) = findings(used, "LG-01")
    assert "management account or its delegated administrator may hold" in finding.hint
    assert finding.permission == ""


@scenarios(
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    ("the only trail's status denied", org_trail_unseen, STATUS_HELD),
    ("the organisation's trail keeps its selectors to itself", org_selectors_unseen, HELD),
    (
        "the organisation's trail's selectors denied",
        lambda a: org_selectors_unseen(a).denies(
            GET_EVENT_SELECTORS, region="us-east-1", TrailName=ORG_TRAIL
        ),
        not_evidenced("administrator", GET_EVENT_SELECTORS, "AccessDeniedException"),
    ),
    (
        "the organisation's trail's selectors fail",
        lambda a: org_selectors_unseen(a).refuses(
            GET_EVENT_SELECTORS,
            "InternalError",
            region="us-east-1",
            status=500,
            TrailName=ORG_TRAIL,
        ),
        not_evidenced("failed", GET_EVENT_SELECTORS, "InternalError"),
    ),
    (
        "the organisation's trail is not found where it is asked for its selectors",
        lambda a: org_selectors_unseen(a).refuses(
            GET_EVENT_SELECTORS, NOT_FOUND, region="us-east-1", status=400, TrailName=ORG_TRAIL
        ),
        not_evidenced("administrator", GET_EVENT_SELECTORS, NOT_FOUND),
    ),
    (
        "nor for its status",
        lambda a: a.trail("org", "us-east-1", account=ORGANISATION).refuses(
            GET_TRAIL_STATUS, NOT_FOUND, region="us-east-1", status=404, Name=ORG_TRAIL
        ),
        not_evidenced("administrator", GET_TRAIL_STATUS, NOT_FOUND),
    ),
    (
        "the organisation's trail is told of by a code of next year",
        lambda a: org_selectors_unseen(a).refuses(
            GET_EVENT_SELECTORS,
            "NoLongerYours",
            region="us-east-1",
            status=400,
            TrailName=ORG_TRAIL,
        ),
        not_evidenced("administrator", GET_EVENT_SELECTORS, "NoLongerYours"),
    ),
    (
        "the organisation's trail is throttled",
        lambda a: org_selectors_unseen(a).refuses(
            GET_EVENT_SELECTORS,
            "ThrottlingException",
            region="us-east-1",
            status=400,
            TrailName=ORG_TRAIL,
        ),
        not_evidenced("throttled", GET_EVENT_SELECTORS, "ThrottlingException"),
    ),
    (
        "the organisation's trail does not spoil a pass",
        lambda a: org_selectors_unseen(a).trail(),
        passes,
    ),
    (
        "the only trail's selectors denied",
        lambda a: a.trail().denies(GET_EVENT_SELECTORS, TrailName=TRAIL),
        denied(GET_EVENT_SELECTORS),
    ),
    (
        "the only trail is gone from its region",
        lambda a: a.trail().refuses(GET_TRAIL_STATUS, "TrailNotFoundException", Name=TRAIL),
        not_evidenced("failed", GET_TRAIL_STATUS, "TrailNotFoundException"),
    ),
    (
        "a denied second trail does not spoil a pass",
        lambda a: org_trail_unseen(a).trail(),
        passes,
    ),
    (
        "a denied trail beside one that is stopped",
        lambda a: org_trail_unseen(a).trail(status={"IsLogging": False}),
        STATUS_HELD,
    ),
    (
        "a stopped trail whose selectors are denied fails all the same",
        lambda a: a.trail(status={"IsLogging": False}).denies(GET_EVENT_SELECTORS, TrailName=TRAIL),
        fails,
    ),
    (
        "stores denied, and no trail",
        lambda a: a.denies(LIST_EVENT_DATA_STORES),
        denied(LIST_EVENT_DATA_STORES),
    ),
    ("stores denied, and a trail", lambda a: a.denies(LIST_EVENT_DATA_STORES).trail(), passes),
)
def test_lg_01_what_is_denied_decides_only_where_it_could(
    used: Account, given: Given, expected: list[Any]
) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


@scenarios(
    ("enabled", lambda a: a.store(), passes),
    ("still starting", lambda a: a.store(Status="STARTING_INGESTION"), fails),
    ("stopped", lambda a: a.store(Status="STOPPED_INGESTION"), fails),
    ("pending deletion", lambda a: a.store(Status="PENDING_DELETION"), fails),
    ("writes alone", lambda a: a.store("lake", REGION, management(readOnly=WRITE)), fails),
    (
        "of another kind",
        lambda a: a.store(
            "lake",
            REGION,
            {
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["ConfigurationItem"]},
                ]
            },
        ),
        fails,
    ),
    (
        "denied",
        lambda a: a.store().denies(GET_EVENT_DATA_STORE, EventDataStore=STORE),
        denied(GET_EVENT_DATA_STORE),
    ),
    (
        "denied, beside a trail",
        lambda a: a.store().trail().denies(GET_EVENT_DATA_STORE, EventDataStore=STORE),
        passes,
    ),
)
def test_lg_01_accepts_an_event_data_store(
    used: Account, given: Given, expected: list[Any]
) -> None:
    given(used)
    assert verdicts(used, "LG-01") == expected


@pytest.mark.parametrize(
    ("members", "status"),
    [({"MultiRegionEnabled": True}, "pass"), ({"MultiRegionEnabled": False}, "fail")],
)
def test_lg_01_accepts_a_store_elsewhere_that_takes_in_all_regions(
    tmp_path: Path, members: dict[str, Any], status: str
) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1")).fleet()
    account.store("lake", "us-east-1", **members)
    reported = {finding.region: finding.status for finding in findings(account, "LG-01")}
    assert reported == {REGION: status, "us-east-1": "not applicable"}


@pytest.mark.parametrize(
    "given",
    [
        lambda a: a.denies(LIST_EVENT_DATA_STORES, "us-east-1"),
        lambda a: a.store("lake", "us-east-1", MultiRegionEnabled=None),
        lambda a: a.store("lake", "us-east-1").denies(
            GET_EVENT_DATA_STORE, "us-east-1", EventDataStore=STORE.replace(REGION, "us-east-1")
        ),
    ],
    ids=["the list denied", "whether it takes in all regions left out", "the store denied"],
)
def test_lg_01_does_not_fail_for_a_store_elsewhere_that_was_not_seen(
    tmp_path: Path, given: Given
) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1")).fleet()
    given(account)
    reported = {finding.region: finding.status for finding in findings(account, "LG-01")}
    assert reported[REGION] == "not evidenced"


NO_BUCKET = not_applicable("no bucket")
EVERY = f"arn:aws:s3:::{HOME}/"


def values(*values: str, **selector: Any) -> Given:
    data = [{"Type": "AWS::S3::Object", "Values": list(values)}]
    return basic({"DataResources": data, **selector})


@pytest.fixture
def stored(account: Account) -> Account:
    """An account with a home-folder bucket."""
    return account.bucket()


def test_lg_02_is_about_buckets(account: Account) -> None:
    assert verdicts(account.trail(), "LG-02") == [NO_BUCKET]


@scenarios(
    ("no trail", nothing, fails),
    ("management events alone", lambda a: a.trail(), fails),
    ("every object of every bucket", values("arn:aws:s3"), passes),
    ("every bucket", values("arn:aws:s3:::"), passes),
    ("the bucket", values(EVERY), passes),
    ("among others", values("arn:aws:s3:::other/", EVERY), passes),
    ("a folder of the bucket", values(f"{EVERY}user/"), fails),
    ("another bucket", values("arn:aws:s3:::other/"), fails),
    ("a bucket whose name begins alike", values(f"arn:aws:s3:::{HOME[:-3]}/"), fails),
    ("the bucket without its slash", values(EVERY.rstrip("/")), fails),
    ("all, spelt out", values(EVERY, ReadWriteType="All"), passes),
    ("writes alone", values(EVERY, ReadWriteType="WriteOnly"), fails),
    ("reads alone", values(EVERY, ReadWriteType="ReadOnly"), fails),
    (
        "two halves",
        basic(
            *(
                {
                    "ReadWriteType": way,
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": [EVERY]}],
                }
                for way in ("ReadOnly", "WriteOnly")
            )
        ),
        passes,
    ),
    (
        "functions, not objects",
        basic({"DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]}),
        fails,
    ),
)
def test_lg_02_basic_selectors(stored: Account, given: Given, expected: list[Any]) -> None:
    given(stored)
    assert verdicts(stored, "LG-02") == expected


EITHER = {"Equals": ["true", "false"]}
EVERY_FIELD = {
    "eventSource": {"Equals": ["s3.amazonaws.com"]},
    "eventType": {"Equals": ["AwsApiCall"]},
    "readOnly": EITHER,
    "resources.ARN": {"StartsWith": [EVERY]},
    "sessionCredentialFromConsole": EITHER,
}
QUARTERS = [
    {"eventName": {gets: ["Get"]}, "userIdentity.arn": {ours: ["arn:aws:iam"]}}
    for gets, ours in product(("StartsWith", "NotStartsWith"), repeat=2)
]


def arns(**operators: list[str]) -> Given:
    return advanced(objects(resources_ARN=operators))


@scenarios(
    ("every object", advanced(objects()), passes),
    ("of the bucket", arns(StartsWith=[EVERY]), passes),
    ("of buckets that begin so", arns(StartsWith=["arn:aws:s3:::appstream2-"]), passes),
    ("of a folder of the bucket", arns(StartsWith=[f"{EVERY}user/"]), fails),
    ("one object", arns(Equals=[f"{EVERY}a"]), fails),
    ("objects that end so", arns(EndsWith=[".vhd"]), fails),
    ("all but another bucket's", arns(NotStartsWith=["arn:aws:s3:::other/"]), passes),
    ("all but this bucket's", arns(NotStartsWith=[EVERY]), fails),
    ("all but a folder's", arns(NotStartsWith=[f"{EVERY}user/"]), fails),
    ("all but many buckets'", arns(NotStartsWith=["arn:aws:s3:::appstream"]), fails),
    ("all but one object", arns(NotEquals=[f"{EVERY}a"]), fails),
    ("all but what has the bucket's name alone", arns(NotEquals=[EVERY]), passes),
    ("what has the bucket's name alone", arns(Equals=[EVERY]), fails),
    (
        "all but what has the bucket's name alone, and one object",
        arns(NotEquals=[EVERY, f"{EVERY}a"]),
        fails,
    ),
    ("all but the bucket", arns(NotEquals=[EVERY.rstrip("/")]), passes),
    (
        "a folder, and all but the folder",
        advanced(
            objects(resources_ARN={"StartsWith": [f"{EVERY}user/"]}),
            objects(resources_ARN={"NotStartsWith": [f"{EVERY}user/"]}),
        ),
        passes,
    ),
    ("all but another bucket's object", arns(NotEquals=["arn:aws:s3:::other/a"]), passes),
    ("all but some endings", arns(NotEndsWith=[".tmp"]), fails),
    ("reads alone", advanced(objects(readOnly=READ)), fails),
    ("writes alone", advanced(objects(readOnly=WRITE)), fails),
    ("two halves", advanced(objects(readOnly=READ), objects(readOnly=WRITE)), passes),
    (
        "two halves of different buckets",
        advanced(
            objects(readOnly=READ),
            objects(readOnly=WRITE, resources_ARN={"StartsWith": ["arn:aws:s3:::other/"]}),
        ),
        fails,
    ),
    (
        "all, by selectors that name every field",
        advanced(*(objects(**EVERY_FIELD, **half) for half in QUARTERS)),
        passes,
    ),
    ("some events alone", advanced(objects(eventName={"Equals": ["GetObject"]})), fails),
    ("S3's events", advanced(objects(eventSource={"Equals": ["s3.amazonaws.com"]})), passes),
    ("management events alone", advanced(management()), fails),
    (
        "in an event data store",
        lambda a: a.store("lake", REGION, objects()),
        passes,
    ),
    (
        "in an event data store that is stopped",
        lambda a: a.store("lake", REGION, objects(), Status="STOPPED_INGESTION"),
        fails,
    ),
)
def test_lg_02_advanced_selectors(stored: Account, given: Given, expected: list[Any]) -> None:
    given(stored)
    assert verdicts(stored, "LG-02") == expected


def recorded(name: str, way: str, bucket: str = EVERY, **members: Any) -> Given:
    """A trail that records one way of reaching the objects of a bucket, and nothing else."""
    data = [{"Type": "AWS::S3::Object", "Values": [bucket]}]
    selector = {"ReadWriteType": way, "IncludeManagementEvents": False, "DataResources": data}
    return lambda a: a.trail(name, basic=[selector], **members)


def both(*given: Given) -> Given:
    def each(account: Account) -> None:
        for one in given:
            one(account)

    return each


RECORDED = recorded("r", "ReadOnly"), recorded("w", "WriteOnly")


@scenarios(
    ("reads and writes, each by a trail", both(*RECORDED), passes),
    (
        "reads and writes of another bucket",
        both(RECORDED[0], recorded("w", "WriteOnly", "arn:aws:s3:::other/")),
        fails,
    ),
    (
        "reads and writes of all buckets",
        both(RECORDED[0], recorded("w", "WriteOnly", "arn:aws:s3")),
        passes,
    ),
    (
        "reads by a trail, writes by an event data store",
        both(RECORDED[0], lambda a: a.store("lake", REGION, objects(readOnly=WRITE))),
        passes,
    ),
    (
        "reads by a trail, server access logs",
        both(RECORDED[0], lambda a: a.bucket(logs_to="access-logs")),
        passes,
    ),
    (
        "reads by a trail, server access logging denied",
        both(RECORDED[0], lambda a: a.denies(GET_BUCKET_LOGGING, Bucket=HOME)),
        denied(GET_BUCKET_LOGGING),
    ),
    (
        "reads by a trail, a second was not seen",
        both(RECORDED[0], unseen_trail),
        denied(GET_EVENT_SELECTORS),
    ),
    ("both by trails, a third was not seen", both(*RECORDED, unseen_trail), passes),
    (
        "data events alone, delivered years ago",
        both(RECORDED[0], recorded("w", "WriteOnly", status=OLD)),
        not_evidenced("needs review", GET_TRAIL_STATUS),
    ),
    (
        "data events beside management events, delivered years ago",
        lambda a: a.trail(advanced=[management(), objects()], status=OLD),
        fails,
    ),
    (
        "data events alone, delivered years ago and stopped",
        both(RECORDED[0], recorded("w", "WriteOnly", status={**OLD, "IsLogging": False})),
        fails,
    ),
)
def test_lg_02_adds_up_what_is_recorded(stored: Account, given: Given, expected: list[Any]) -> None:
    given(stored)
    assert verdicts(stored, "LG-02") == expected


@scenarios(
    ("server access logs", lambda a: a.bucket(logs_to="access-logs"), passes),
    (
        "server access logs, trails denied",
        lambda a: a.bucket(logs_to="access-logs").denies(DESCRIBE_TRAILS),
        passes,
    ),
    (
        "neither, trails denied",
        lambda a: a.bucket().denies(DESCRIBE_TRAILS),
        denied(DESCRIBE_TRAILS),
    ),
    (
        "server access logging denied, no trail",
        lambda a: a.bucket().denies(GET_BUCKET_LOGGING, Bucket=HOME),
        denied(GET_BUCKET_LOGGING),
    ),
    (
        "server access logging denied, a trail",
        lambda a: values(EVERY)(a.bucket()).denies(GET_BUCKET_LOGGING, Bucket=HOME),
        passes,
    ),
    (
        "a trail that is stopped",
        lambda a: a.bucket().trail(advanced=[objects()], status={"IsLogging": False}),
        fails,
    ),
    (
        "a trail whose status is denied",
        lambda a: a.bucket().trail(advanced=[objects()]).denies(GET_TRAIL_STATUS, Name=TRAIL),
        denied(GET_TRAIL_STATUS),
    ),
    (
        "each bucket for itself",
        lambda a: values(EVERY)(a.bucket().bucket(SETTINGS)),
        fails,
        passes,
    ),
)
def test_lg_02_one_or_the_other(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-02") == expected


NO_EVENT = not_evidenced("no event seen")


@scenarios(
    ("not in use", lambda a: a.event(), UNUSED),
    ("others' events", lambda a: a.fleet().event(), passes),
    ("no event", lambda a: a.fleet(), NO_EVENT),
    (
        "the collector's own, of an earlier audit",
        lambda a: a.fleet().event(agent=f"Boto3/1 {KIT}", who="arn:1"),
        NO_EVENT,
    ),
    ("the collector's own, by principal", lambda a: a.fleet().event(who=COLLECTOR), NO_EVENT),
    ("details that nobody can read", lambda a: a.fleet().event(details="⟦secret⟧"), NO_EVENT),
    ("events denied", lambda a: a.fleet().denies(LOOKUP_EVENTS), denied(LOOKUP_EVENTS)),
    (
        "events throttled",
        lambda a: a.fleet().refuses(LOOKUP_EVENTS, "ThrottlingException", status=400),
        not_evidenced("throttled", LOOKUP_EVENTS, "ThrottlingException"),
    ),
    (
        "who asks denied, so nobody knows whose the events are",
        lambda a: a.fleet().event().denies(GET_CALLER_IDENTITY),
        denied(GET_CALLER_IDENTITY),
    ),
    (
        "one list denied, another shows use",
        lambda a: a.fleet().event().denies(DESCRIBE_IMAGES),
        passes,
    ),
    (
        "one list denied, none shows use",
        lambda a: a.event().denies(DESCRIBE_FLEETS),
        denied(DESCRIBE_FLEETS),
    ),
)
def test_lg_04_events_are_recorded(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-04") == expected


NO_TRAIL = not_applicable("no trail with its home here")


@scenarios(
    ("no trail", nothing, NO_TRAIL),
    ("an event data store is none", lambda a: a.store(), NO_TRAIL),
    ("validated and encrypted", lambda a: a.trail(KmsKeyId=KEY), passes),
    ("not encrypted", lambda a: a.trail(), fails),
    ("not validated", lambda a: a.trail(KmsKeyId=KEY, LogFileValidationEnabled=False), fails),
    *(
        (
            f"the key is {state}",
            lambda a, state=state: a.trail(KmsKeyId=KEY).key(KeyState=state),
            fails,
        )
        for state in ("PendingDeletion", "Disabled", "Unavailable")
    ),
    (
        "the key is gone",
        lambda a: a.trail(KmsKeyId=KEY).refuses(
            DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY
        ),
        fails,
    ),
    (
        "the key denied",
        lambda a: a.trail(KmsKeyId=KEY).denies(DESCRIBE_KEY, KeyId=KEY),
        denied(DESCRIBE_KEY),
    ),
    (
        "the key denied, and not validated",
        lambda a: a.trail(KmsKeyId=KEY, LogFileValidationEnabled=False).denies(
            DESCRIBE_KEY, KeyId=KEY
        ),
        fails,
    ),
    (
        "the key's state left out",
        lambda a: a.trail(KmsKeyId=KEY).key(KeyState=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "whose trail it is left out, and no key",
        lambda a: a.trail(TrailARN=None),
        not_evidenced("absent in answer", DESCRIBE_TRAILS),
    ),
    (
        "whether it validates left out",
        lambda a: a.trail(KmsKeyId=KEY, LogFileValidationEnabled=None),
        not_evidenced("absent in answer", DESCRIBE_TRAILS),
    ),
    (
        "whether it validates left out, and not encrypted",
        lambda a: a.trail(LogFileValidationEnabled=None),
        fails,
    ),
    (
        "an organisation's trail",
        lambda a: a.trail("org", account=ORGANISATION, KmsKeyId=KEY),
        passes,
    ),
    (
        "an organisation's trail of which no key is told",
        lambda a: a.trail("org", account=ORGANISATION),
        not_evidenced("administrator", DESCRIBE_TRAILS),
    ),
    ("a key of another account", lambda a: foreign(a.trail(KmsKeyId=THEIRS)), fails),
    (
        "a key of an account that the parameters declare",
        lambda a: declaring(foreign(a.trail(KmsKeyId=THEIRS)), ORGANISATION),
        passes,
    ),
    (
        "a key of another account than the declared",
        lambda a: declaring(foreign(a.trail(KmsKeyId=THEIRS)), "555555555555"),
        fails,
    ),
    (
        "an organisation's trail under a key of its own account",
        lambda a: foreign(a.trail("org", account=ORGANISATION, KmsKeyId=THEIRS)),
        passes,
    ),
    (
        "an organisation's trail under a key of a third account",
        lambda a: foreign(a.trail("org", account=ORGANISATION, KmsKeyId=THIRD), THIRD),
        fails,
    ),
    (
        "a key of another account that may not be described",
        lambda a: a.trail(KmsKeyId=THEIRS).denies(DESCRIBE_KEY, KeyId=THEIRS),
        fails,
    ),
    (
        "each trail for itself",
        lambda a: a.trail("a", KmsKeyId=KEY).trail("b"),
        passes,
        fails,
    ),
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    ("stores denied, which are no trails", lambda a: a.denies(LIST_EVENT_DATA_STORES), NO_TRAIL),
    (
        "the status denied, which has the last digest",
        lambda a: a.trail(KmsKeyId=KEY).denies(GET_TRAIL_STATUS, Name=TRAIL),
        denied(GET_TRAIL_STATUS),
    ),
    (
        "the status denied, and not validated",
        lambda a: a.trail(KmsKeyId=KEY, LogFileValidationEnabled=False).denies(
            GET_TRAIL_STATUS, Name=TRAIL
        ),
        fails,
    ),
    (
        "no digest for years",
        lambda a: a.trail(
            KmsKeyId=KEY,
            status={"IsLogging": True, "LatestDigestDeliveryTime": day("2019-01-22")},
        ),
        fails,
    ),
    (
        "no digest yet",
        lambda a: a.trail(KmsKeyId=KEY, status={"IsLogging": True}),
        not_evidenced("absent in answer", GET_TRAIL_STATUS),
    ),
)
def test_lg_03_trails_are_safe(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-03") == expected


def test_lg_03_judges_a_trail_once_in_its_home(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1")).trail(home="us-east-1")
    here, home = findings(account, "LG-03")
    assert (here.region, here.status, home.status) == (REGION, "not applicable", "fail")
    assert here.reason == "no trail with its home here"  # it covers this region all the same
    assert "Delivers to: bucket-" in home.observed


@pytest.mark.parametrize("members", [{}, {"TrailARN": None}])
def test_lg_03_judges_a_trail_of_two_regions_once(tmp_path: Path, members: Any) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1")).trail(home="us-east-1", **members)
    rows = tabulate(account.answered(), ["trails"])["trails"].rows
    assert [row["region"] for row in rows.values()] == ["us-east-1"]


@pytest.mark.parametrize(
    "others", [[], [{"ReadWriteType": "All", "IncludeManagementEvents": True}]]
)
def test_lg_01_says_when_selectors_are_known_by_their_defaults(
    account: Account, others: list[dict[str, Any]]
) -> None:
    account.fleet().trail(basic=[*others, {}])
    (finding,) = findings(account, "LG-01")
    assert finding.status == "pass"
    assert "AWS left a member out: EventSelector, IncludeManagementEvents" in finding.observed


def test_lg_01_rests_on_no_default_where_selectors_have_all_their_members(
    account: Account,
) -> None:
    whole = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    (finding,) = findings(account.fleet().trail(basic=[whole]), "LG-01")
    assert finding.status == "pass"
    assert "AWS left a member out" not in finding.observed


def test_lg_03_judges_a_trail_from_elsewhere_where_it_covers(account: Account) -> None:
    account.trail(home="us-east-1")
    (finding,) = findings(account, "LG-03")
    assert (finding.region, finding.status) == (REGION, "fail")


def kept(*rules: Any, **members: Any) -> Given:
    """A trail in whose bucket these rules hold."""

    def given(account: Account) -> None:
        account.trail(**members)
        answer = {"Rules": list(rules)}
        account.answers(GET_BUCKET_LIFECYCLE_CONFIGURATION, answer, REGION, Bucket="trail-logs")

    return given


def versioned(*rules: Any) -> Given:
    """A trail in whose bucket these rules hold, and which keeps versions."""

    def given(account: Account) -> None:
        kept(*rules)(account)
        enabled = {"Status": "Enabled"}
        account.answers(GET_BUCKET_VERSIONING, enabled, REGION, Bucket="trail-logs")

    return given


def until(date: str, **members: Any) -> dict[str, Any]:
    """A lifecycle rule that erases everything from a day on."""
    return erases(Expiration={"Date": day(date)}, **members)


@scenarios(
    ("nothing", nothing, not_applicable("no trail with its home here, or event data store")),
    ("a year", lambda a: a.trail(), passes),
    ("as short as may be", lambda a: a.trail(kept=90), passes),
    ("too short", lambda a: a.trail(kept=89), fails),
    ("as long as may be", lambda a: a.trail(kept=1095), passes),
    ("too long", lambda a: a.trail(kept=1096), fails),
    ("for ever", lambda a: a.trail(kept=None), fails),
    ("a rule of the trail's folder", kept(erases(Filter={"Prefix": "AWSLogs/"})), passes),
    ("a rule of another folder", kept(erases(Filter={"Prefix": "other/"})), fails),
    (
        "a rule of the trail's own prefix",
        kept(erases(Filter={"Prefix": "org/"}), S3KeyPrefix="org"),
        passes,
    ),
    (
        "a rule of the account's folder, in which its trail writes",
        kept(erases(Filter={"Prefix": f"AWSLogs/{ACCOUNT}/"})),
        passes,
    ),
    (
        "a rule of one account's folder of many",
        kept(erases(Filter={"Prefix": f"AWSLogs/{ACCOUNT}/"}), IsOrganizationTrail=True),
        fails,
    ),
    ("the shortest rule decides", kept(erases(30), erases(365)), fails),
    (
        "a part goes sooner",
        kept(erases(365), erases(30, Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-"})),
        fails,
    ),
    (
        "all stays long, a part to a day soon",
        kept(
            erases(4000),
            erases(
                Expiration={"Date": day("2027-03-15")},
                Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-"},
            ),
        ),
        fails,
    ),
    (
        "all stays to a day in many years, a part to a day soon",
        kept(
            erases(Expiration={"Date": day("2099-03-15")}),
            erases(
                Expiration={"Date": day("2027-03-15")},
                Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-"},
            ),
        ),
        fails,
    ),
    (
        "all stays a year, a part to a day soon",
        kept(
            erases(365),
            erases(
                Expiration={"Date": day("2027-03-15")},
                Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-"},
            ),
        ),
        to_be_reviewed,
    ),
    (
        "what is large and what is small",
        kept(
            erases(365, Filter={"ObjectSizeGreaterThan": 9}),
            erases(100, Filter={"ObjectSizeLessThan": 10}),
        ),
        passes,
    ),
    (
        "another account's part goes sooner",
        kept(erases(365), erases(30, Filter={"Prefix": "AWSLogs/999999999999/"})),
        passes,
    ),
    (
        "what is large goes sooner",
        kept(erases(365), erases(30, Filter={"ObjectSizeGreaterThan": 9})),
        fails,
    ),
    (
        "what has one size goes sooner",
        kept(
            erases(365),
            erases(30, Filter={"And": {"ObjectSizeGreaterThan": 9, "ObjectSizeLessThan": 11}}),
        ),
        fails,
    ),
    (
        "what is tagged goes sooner, and log files are not",
        kept(erases(365), erases(30, Filter={"Tag": {"Key": "a", "Value": "b"}})),
        passes,
    ),
    (
        "a part alone goes",
        kept(erases(365, Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-"})),
        fails,
    ),
    ("until a day ahead", kept(until("2027-03-15")), to_be_reviewed),
    ("until the first day that is long enough", kept(until("2027-02-22")), to_be_reviewed),
    ("until the last day that is too soon", kept(until("2027-02-21")), fails),
    ("until tomorrow", kept(until("2026-11-25")), fails),
    ("until the last day that is not too late", kept(until("2029-11-23")), to_be_reviewed),
    ("until a day too late", kept(until("2029-11-24")), fails),
    ("until a day that nobody sees", kept(until("2099-01-01")), fails),
    ("since today, at once", kept(until("2026-11-24")), fails),
    ("since long ago, at once", kept(until("2019-01-22")), fails),
    ("since long ago, at once, beside a year", kept(until("2019-01-22"), erases(365)), fails),
    ("a year, and until a day that nobody sees", kept(until("2099-01-01"), erases(365)), passes),
    ("a year, and until a day ahead", kept(until("2027-03-15"), erases(365)), to_be_reviewed),
    (
        "a year, and until the last day in sight",
        kept(until("2030-02-21"), erases(365)),
        to_be_reviewed,
    ),
    ("a year, and until a day out of sight", kept(until("2030-02-22"), erases(365)), passes),
    ("a month, and until a day ahead", kept(until("2027-03-15"), erases(30)), fails),
    (
        "a year, and a part until a day ahead",
        kept(
            erases(365),
            until("2027-03-15", Filter={"Prefix": f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/"}),
        ),
        to_be_reviewed,
    ),
    (
        "versions live on, but for those in a folder",
        versioned(
            erases(NoncurrentVersionExpiration=None), erases(Filter={"Prefix": "AWSLogs/1/"})
        ),
        fails,
    ),
    (
        "versions are erased by a rule of their own",
        versioned(
            erases(NoncurrentVersionExpiration=None),
            {**erases(), "Expiration": {"ExpiredObjectDeleteMarker": True}},
        ),
        passes,
    ),
    (
        "as many versions as ever stay",
        versioned(
            erases(NoncurrentVersionExpiration={"NoncurrentDays": 30, "NewerNoncurrentVersions": 1})
        ),
        fails,
    ),
    (
        "versions live on",
        lambda a: a.trail(kept=1080).answers(
            GET_BUCKET_VERSIONING, {"Status": "Enabled"}, REGION, Bucket="trail-logs"
        ),
        fails,
    ),
    (
        "the bucket's name left out",
        lambda a: a.trail(S3BucketName=None),
        not_evidenced("absent in answer", DESCRIBE_TRAILS),
    ),
    (
        "lifecycle denied",
        lambda a: a.trail().denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket="trail-logs"),
        denied(GET_BUCKET_LIFECYCLE_CONFIGURATION),
    ),
    (
        "versioning denied",
        lambda a: a.trail().denies(GET_BUCKET_VERSIONING, Bucket="trail-logs"),
        denied(GET_BUCKET_VERSIONING),
    ),
    (
        "an organisation's trail, its bucket in another account",
        lambda a: a.trail("org", account=ORGANISATION).denies(
            GET_BUCKET_LIFECYCLE_CONFIGURATION, REGION, Bucket="trail-logs"
        ),
        not_evidenced("administrator", GET_BUCKET_LIFECYCLE_CONFIGURATION, "AccessDenied"),
    ),
    ("an event data store", lambda a: a.store(), passes),
    ("a store that is going", lambda a: a.store(Status="PENDING_DELETION"), fails),
    ("a store that is stopped", lambda a: a.store(Status="STOPPED_INGESTION"), passes),
    (
        "a store's state left out",
        lambda a: a.store(Status=None),
        not_evidenced("absent in answer", GET_EVENT_DATA_STORE),
    ),
    ("a store under a key", lambda a: a.store(KmsKeyId=KEY), passes),
    (
        "a store under a key that is going",
        lambda a: a.store(KmsKeyId=KEY).key(KeyState="PendingDeletion"),
        fails,
    ),
    (
        "a store under a key that was not seen",
        lambda a: a.store(KmsKeyId=KEY).denies(DESCRIBE_KEY, KeyId=KEY),
        denied(DESCRIBE_KEY),
    ),
    ("a store under another account's key", lambda a: foreign(a.store(KmsKeyId=THEIRS)), fails),
    (
        "a store under a declared account's key",
        lambda a: declaring(foreign(a.store(KmsKeyId=THEIRS)), ORGANISATION),
        passes,
    ),
    ("a store kept too long", lambda a: a.store(RetentionPeriod=2557), fails),
    ("a store kept too short", lambda a: a.store(RetentionPeriod=7), fails),
    (
        "a store's period left out",
        lambda a: a.store(RetentionPeriod=None),
        not_evidenced("absent in answer", GET_EVENT_DATA_STORE),
    ),
    (
        "a store denied",
        lambda a: a.store().denies(GET_EVENT_DATA_STORE, EventDataStore=STORE),
        denied(GET_EVENT_DATA_STORE),
    ),
    ("each for itself", lambda a: a.trail(kept=9).store(), passes, fails),
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    (
        "stores denied",
        lambda a: a.denies(LIST_EVENT_DATA_STORES),
        denied(LIST_EVENT_DATA_STORES),
    ),
)
def test_lg_06_logs_are_kept(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-06") == expected


def test_lg_06_says_until_when_logs_are_kept(account: Account) -> None:
    kept(until("2027-03-15"))(account)
    (finding,) = findings(account, "LG-06")
    assert "Kept until: 2027-03-15" in finding.observed
    assert "0 days" not in finding.observed + finding.hint
    assert finding.hint == (
        "what arrives today stays 111 days; what arrives after 2026-12-15 stays less than "
        "min_log_days (90)"
    )


@pytest.mark.parametrize("date", [day("2019-01-22"), AS_OF])
def test_lg_06_says_that_a_day_in_the_past_stays_in_force(
    account: Account, date: dt.datetime
) -> None:
    kept(erases(Expiration={"Date": date}))(account)
    (finding,) = findings(account, "LG-06")
    assert "Kept for (days): 0 " in finding.observed
    assert "Kept until: none" in finding.observed


def test_lg_06_has_the_bounds_of_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("min_log_days: 400\nmax_log_days: 800\n")
    account = Account(tmp_path, thresholds=str(own)).trail().store(RetentionPeriod=731)
    assert sorted(finding.status for finding in findings(account, "LG-06")) == ["fail", "pass"]


INSTEAD = not_applicable("CloudTrail records the bucket's data events, see LG-02")


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("on", lambda a: a.bucket(logs_to="access-logs"), passes),
    ("off", lambda a: a.bucket(), fails),
    ("off, a trail of management events", lambda a: a.bucket().trail(), fails),
    ("off, data events", lambda a: values(EVERY)(a.bucket()), INSTEAD),
    ("on, data events", lambda a: values(EVERY)(a.bucket(logs_to="access-logs")), passes),
    ("on, trails denied", lambda a: a.bucket(logs_to="x").denies(DESCRIBE_TRAILS), passes),
    (
        "off, trails denied",
        lambda a: a.bucket().denies(DESCRIBE_TRAILS),
        denied(DESCRIBE_TRAILS),
    ),
    (
        "denied",
        lambda a: a.bucket().denies(GET_BUCKET_LOGGING, Bucket=HOME),
        denied(GET_BUCKET_LOGGING),
    ),
)
def test_lg_07_server_access_is_logged(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-07") == expected


# --- LG-05: usage reports ---------------------------------------------------------------------


def reporting(days: float | None = 0.5, *errors: str, busy: str = "") -> Given:
    """A subscription whose last report is so old, and a fleet with sessions counted so."""

    def given(account: Account) -> Account:
        reported: dict[str, Any] = {"S3BucketName": LOGS, "Schedule": "DAILY"}
        if days is not None:
            reported["LastGeneratedReportDate"] = AS_OF - dt.timedelta(days=days)
        if errors:
            reported["SubscriptionErrors"] = [{"ErrorCode": error} for error in errors]
        account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, reported)
        capacity = {"Desired": 1, "InUse": 0} | ({busy: 1} if busy else {})
        return account.fleet("idle").fleet(ComputeCapacityStatus=capacity)

    return given


def elastic(account: Account, **capacity: int) -> Account:
    """An Elastic fleet, of which AWS says no more of its capacity than it has to."""
    return account.fleet(
        "elastic", FleetType="ELASTIC", ComputeCapacityStatus={"Desired": 0, **capacity}
    )


NO_SUBSCRIPTION = not_applicable("no usage report subscription")


@scenarios(
    ("none, which is a choice", lambda a: a.fleet(), NO_SUBSCRIPTION),
    ("recent, with sessions", reporting(busy="InUse"), passes),
    ("as old as the profile allows", reporting(2, busy="InUse"), passes),
    ("older, with instances in use", reporting(2.01, busy="InUse"), fails),
    ("older, with sessions", reporting(40, busy="ActiveUserSessions"), fails),
    ("older, with instances that wait", reporting(40, busy="Available"), passes),
    ("older, and nobody streams", reporting(40), passes),
    ("of the years to come, with sessions", reporting(-400, busy="InUse"), to_be_reviewed),
    ("recent, on an Elastic fleet", lambda a: elastic(reporting(1)(a)), passes),
    ("older, on an Elastic fleet", lambda a: elastic(reporting(2.01)(a)), to_be_reviewed),
    ("no report yet, on an Elastic fleet", lambda a: elastic(reporting(None)(a)), to_be_reviewed),
    (
        "older, on an Elastic fleet that tells that it streams",
        lambda a: elastic(reporting(40)(a), InUse=1),
        fails,
    ),
    (
        "older, on an Elastic fleet that tells that it does not",
        lambda a: elastic(reporting(40)(a), InUse=0),
        passes,
    ),
    (
        "older, on an Elastic fleet beside one that streams",
        lambda a: elastic(reporting(40, busy="InUse")(a)),
        fails,
    ),
    (
        "an error, on an Elastic fleet",
        lambda a: elastic(reporting(1, "ACCESS_DENIED")(a)),
        fails,
    ),
    (
        "older, and AWS does not tell who streams",
        lambda a: reporting(40)(a).fleet("untold", ComputeCapacityStatus={"Desired": 1}),
        not_evidenced("absent in answer", DESCRIBE_FLEETS),
    ),
    ("an error", reporting(0.5, "ACCESS_DENIED"), fails),
    ("an error, and nobody streams", reporting(None, "RESOURCE_NOT_FOUND"), fails),
    (
        "no report yet, with sessions",
        reporting(None, busy="InUse"),
        not_evidenced("absent in answer"),
    ),
    ("no report yet, and nobody streams", reporting(None), passes),
    (
        "fleets denied",
        lambda a: reporting(40, busy="InUse")(a).denies(DESCRIBE_FLEETS),
        denied(DESCRIBE_FLEETS),
    ),
    (
        "fleets denied beside an error",
        lambda a: reporting(40, "ACCESS_DENIED")(a).denies(DESCRIBE_FLEETS),
        fails,
    ),
    (
        "subscriptions denied",
        lambda a: a.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
        denied(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
)
def test_lg_05_usage_reports(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-05") == expected


@pytest.mark.parametrize("control", ["LG-01", "LG-02"])
def test_the_limit_of_deliveries_is_a_profiles(tmp_path: Path, control: str) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("max_delivery_age_days: 30\n")
    account = Account(tmp_path, thresholds=str(own)).fleet().bucket()
    delivered(days=29, advanced=[management(), objects()])(account)
    (finding,) = findings(account, control)
    assert finding.status == "pass"
    assert "max_delivery_age_days = 30" in finding.expected


LAWFUL = {
    "usage_report_basis": "LIA 7",
    "usage_report_notice": "Notice 3",
    "usage_report_informed_on": "2026-11-24",
}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, not_evidenced("not declared")),
        (LAWFUL, passes),
        (LAWFUL | {"usage_report_basis": ""}, not_evidenced("not declared")),
        (LAWFUL | {"usage_report_notice": ""}, not_evidenced("not declared")),
        (LAWFUL | {"usage_report_informed_on": ""}, not_evidenced("not declared")),
        (LAWFUL | {"usage_report_informed_on": "2026-11-25"}, to_be_reviewed),
    ],
    ids=str,
)
def test_lg_08_usage_reports_are_lawful(
    tmp_path: Path, declared: dict[str, str], expected: Any
) -> None:
    account = Account(tmp_path, **declared)
    account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": LOGS})
    assert verdicts(account, "LG-08") == [expected]


def test_lg_08_asks_nothing_where_no_reports_are_made(account: Account) -> None:
    assert verdicts(account, "LG-08") == [not_applicable("no usage report subscription")]
    account.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS)
    assert verdicts(account, "LG-08") == [denied(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS)]


def recorders(*found: dict[str, Any]) -> Given:
    return lambda a: a.fleet().lists(DESCRIBE_CONFIGURATION_RECORDERS, *found)


RECORDS = {"recording": True, "lastStatus": "SUCCESS"}


@scenarios(
    ("AppStream is not in use", nothing, UNUSED),
    ("none", recorders(), fails),
    ("records", recorders(RECORDS), passes),
    ("has just begun", recorders({**RECORDS, "lastStatus": "PENDING"}), passes),
    ("has never recorded", recorders({"recording": False}), fails),
    ("is stopped", recorders({**RECORDS, "recording": False}), fails),
    ("does not deliver", recorders({**RECORDS, "lastStatus": "FAILURE"}), fails),
    (
        "does not deliver, as the model spells it",
        recorders({**RECORDS, "lastStatus": "Failure"}),
        fails,
    ),
    ("a service's own", recorders({**RECORDS, "servicePrincipal": "x.amazonaws.com"}), fails),
    ("one of two", recorders({**RECORDS, "recording": False}, RECORDS), passes),
    (
        "whether it records left out",
        recorders({"lastStatus": "SUCCESS"}),
        not_evidenced("absent in answer", DESCRIBE_CONFIGURATION_RECORDERS),
    ),
    (
        "the status left out",
        recorders({"recording": True}),
        not_evidenced("absent in answer", DESCRIBE_CONFIGURATION_RECORDERS),
    ),
    (
        "denied",
        lambda a: a.fleet().denies(DESCRIBE_CONFIGURATION_RECORDERS),
        denied(DESCRIBE_CONFIGURATION_RECORDERS),
    ),
)
def test_lg_09_config(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-09") == expected


def rules(pattern: Any, **members: Any) -> Given:
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return lambda a: a.fleet().lists(
        LIST_RULES, {"State": "ENABLED", "EventPattern": text, **members}
    )


MACIE = {"source": ["aws.macie"]}
BY_CALL = {"source": ["aws.appstream"], "detail": {"eventSource": ["appstream.amazonaws.com"]}}
# CloudTrail passes calls on with the source of the service that was called:
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cloudtrail.html
NEVER = BY_CALL | {"source": ["aws.cloudtrail"]}


@scenarios(
    ("AppStream is not in use", nothing, UNUSED),
    ("none", lambda a: a.fleet(), to_be_reviewed),
    ("findings of Macie", rules(MACIE), passes),
    ("AppStream's own events", rules({"source": ["aws.appstream"]}), passes),
    ("calls of AppStream's API", rules(BY_CALL), passes),
    ("all of AWS's sources", rules({"source": [{"prefix": "aws."}]}), passes),
    (
        "with all events of CloudTrail",
        rules(MACIE, State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
        passes,
    ),
    ("disabled", rules(MACIE, State="DISABLED"), to_be_reviewed),
    ("of a service of AWS", rules(MACIE, ManagedBy="securityhub.amazonaws.com"), to_be_reviewed),
    ("of something else", rules({"source": ["aws.ec2"]}), to_be_reviewed),
    *(
        (f"sources as {value}", rules({"source": [value]}), passes)
        for value in (
            {"prefix": "aws.mac"},
            {"prefix": {"equals-ignore-case": "AWS."}},
            {"suffix": ".guardduty"},
            {"equals-ignore-case": "AWS.Macie"},
            {"wildcard": "aws.*duty"},
            {"exists": True},
            {"anything-but": "aws.macie"},
            {"anything-but": ["aws.macie", "aws.guardduty"]},
            {"anything-but": ["aws.macie"]},
            {"anything-but": {"prefix": "aws.ec", "suffix": "2"}},
            {"anything-but": {"prefix": "aws.ec"}},
        )
    ),
    *(
        (f"sources as {value}", rules({"source": [value]}), to_be_reviewed)
        for value in (
            {"prefix": "com."},
            {"suffix": ".macie2"},
            {"wildcard": "aws.?acie"},
            {"exists": False},
            {"anything-but": {"prefix": "aws."}},
            {"anything-but": {"wildcard": ["aws.*"]}},
            {"anything-but": list(WATCHED)},
            {"numeric": ["=", 5]},
            {"prefix": 5},
            {"prefix": "aws.", "suffix": "x"},
            None,
        )
    ),
    ("a call that CloudTrail does not send so", rules(NEVER), to_be_reviewed),
    ("the service alone", rules({"detail": BY_CALL["detail"]}), passes),
    *(
        (f"sources that do not match, as {value}", rules({"source": [value]}), to_be_reviewed)
        for value in ({"equals-ignore-case": "AWS.EC2"}, {"cidr": "aws.macie"})
    ),
    (
        "a service of calls, for findings",
        rules(MACIE | {"detail": {"eventSource": [{"prefix": "macie"}]}}),
        to_be_reviewed,
    ),
    ("a service without a name", rules(MACIE | {"detail": {"eventSource": [""]}}), to_be_reviewed),
    (
        "findings, of calls alone",
        rules(MACIE | {"detail": {"eventSource": ["macie2.amazonaws.com"]}}),
        to_be_reviewed,
    ),
    ("of the account", rules(MACIE | {"account": [ACCOUNT]}), passes),
    ("of the account, whatever the source", rules({"account": [ACCOUNT]}), passes),
    ("of another account", rules(MACIE | {"account": [ORGANISATION]}), to_be_reviewed),
    ("of the region", rules(MACIE | {"region": [REGION]}), passes),
    ("of another region", rules(MACIE | {"region": ["us-east-1"]}), to_be_reviewed),
    *(
        (f"{kind} of the account", rules({"account": [ACCOUNT], "detail-type": [kind]}), verdict)
        for kind, verdict in (
            ("EC2 Instance State-change Notification", to_be_reviewed),
            ({"prefix": "GuardDuty"}, passes),
            ("Macie Finding", passes),
        )
    ),
    (
        "calls of Macie, and no findings",
        rules(MACIE | {"detail-type": ["AWS API Call via CloudTrail"]}),
        to_be_reviewed,
    ),
    (
        "resources of the account",
        rules({"account": [ACCOUNT], "resources": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i"]}),
        to_be_reviewed,
    ),
    *(
        (f"any of {sources}", rules({"account": [ACCOUNT], "$or": sources}), verdict)
        for sources, verdict in (
            ([{"source": ["aws.ec2"]}, {"source": ["aws.s3"]}], to_be_reviewed),
            ([{"source": ["aws.ec2"]}, MACIE], passes),
            ([{"source": ["aws.ec2"]}, {"$or": [MACIE]}], passes),
            (["aws.macie"], to_be_reviewed),
        )
    ),
    ("nothing", rules({}), to_be_reviewed),
    ("a schedule", lambda a: a.fleet().lists(LIST_RULES, {"State": "ENABLED"}), to_be_reviewed),
    ("denied", lambda a: a.fleet().denies(LIST_RULES), denied(LIST_RULES)),
    (
        "cut short after one that matches",
        lambda a: rules(MACIE)(a).cuts(LIST_RULES, "more"),
        passes,
    ),
    (
        "cut short after one that does not",
        lambda a: rules({"source": ["aws.ec2"]})(a).cuts(LIST_RULES, "more"),
        not_evidenced("cut short", LIST_RULES),
    ),
)
def test_lg_10_alarms(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-10") == expected


def test_lg_10_another_system_is_shown_as_declared(tmp_path: Path) -> None:
    account = Account(tmp_path, alarm_evidence="SIEM 7").fleet()
    (found,) = findings(account, "LG-10")
    assert found.status == "pass"
    assert "Declared as raising alarms: SIEM 7" in found.observed


@pytest.mark.parametrize("pattern", ["[]", "7", '{"source": "aws.macie"}', '{"detail": []}'])
def test_lg_10_a_pattern_of_another_form_matches_nothing(account: Account, pattern: str) -> None:
    rules(pattern)(account)
    assert verdicts(account, "LG-10") == [to_be_reviewed]


# --- LG-11: GuardDuty ---------------------------------------------------------------------------

D1 = {"DetectorId": "d1"}


def detector(**members: Any) -> Given:
    return lambda account: account.bucket().detector(**members)


def unnamed(account: Account) -> Account:
    """A stack has home folders, and AWS leaves the bucket's name out."""
    account.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS"}])
    return account.lists(LIST_DETECTORS)


@scenarios(
    ("no bucket", lambda a: a.fleet(), not_applicable("no bucket of AppStream's")),
    ("no detector", lambda a: a.bucket(), fails),
    ("no detector, and a bucket without a name", unnamed, fails),
    ("on, with S3 Protection", detector(), passes),
    ("on, without it", detector(s3="DISABLED"), fails),
    (
        "on, S3 Protection left out",
        detector(s3=None),
        not_evidenced("absent in answer", GET_DETECTOR),
    ),
    ("suspended", detector(Status="DISABLED"), fails),
    ("suspended, S3 Protection left out", detector(Status="DISABLED", s3=None), fails),
    ("a bucket of logs counts", lambda a: a.bucket(LOGS).detector(), passes),
    ("detectors denied", lambda a: a.bucket().denies(LIST_DETECTORS), denied(LIST_DETECTORS)),
    (
        "not subscribed",
        lambda a: a.bucket().refuses(LIST_DETECTORS, "SubscriptionRequiredException"),
        not_evidenced("failed", LIST_DETECTORS, "SubscriptionRequiredException"),
    ),
    (
        "the detector denied",
        lambda a: detector()(a).denies(GET_DETECTOR, REGION, **D1),
        denied(GET_DETECTOR),
    ),
    (
        "a second list of detectors cut off",
        lambda a: detector()(a).cuts(LIST_DETECTORS, "more"),
        passes,
    ),
)
def test_lg_11_threats(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "LG-11") == expected


@scenarios(
    ("no detector", lambda a: a.bucket(), passes),
    ("suspended", detector(Status="DISABLED"), passes),
    ("on, without S3 Protection", detector(s3="DISABLED"), fails),
)
def test_lg_11_another_tool_is_declared(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, declared_reasons={"LG-11": "SIEM 7"})
    given(account)
    assert verdicts(account, "LG-11") == expected


# --- LG-12: logs of agents ----------------------------------------------------------------------

AGENTS = {
    "AgentAccessConfig": {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
    }
}
GROUP = {"logGroupName": "/agents"}


def agents(*groups: dict[str, Any]) -> Given:
    return lambda account: account.stack(**AGENTS).lists(DESCRIBE_LOG_GROUPS, *groups)


def kept_for(days: int) -> Given:
    return agents({**GROUP, "retentionInDays": days})


@scenarios(
    ("no stack", nothing, not_applicable("no stack or image builder that agents may use")),
    (
        "no agents",
        lambda a: a.stack(),
        not_applicable("no stack or image builder that agents may use"),
    ),
    ("within bounds", kept_for(365), passes),
    ("too short", kept_for(60), fails),
    ("too long", kept_for(3653), fails),
    ("for ever", agents(GROUP), fails),
    ("not found", agents(), fails),
    (
        "one of two is too short",
        agents(*({**GROUP, "retentionInDays": n} for n in (365, 7))),
        fails,
    ),
    (
        "denied",
        lambda a: a.stack(**AGENTS).denies(DESCRIBE_LOG_GROUPS, REGION),
        denied(DESCRIBE_LOG_GROUPS),
    ),
    (
        "cut short",
        lambda a: kept_for(365)(a).cuts(DESCRIBE_LOG_GROUPS, "more"),
        not_evidenced("cut short", DESCRIBE_LOG_GROUPS),
    ),
)
def test_lg_12_logs_of_agents(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, agent_log_groups=["/agents"])
    given(account)
    assert verdicts(account, "LG-12") == expected


def test_lg_12_a_log_group_has_to_be_declared(account: Account) -> None:
    account.stack(**AGENTS)
    assert verdicts(account, "LG-12") == [not_evidenced("not declared")]


def test_lg_12_every_declared_log_group_is_somewhere(tmp_path: Path) -> None:
    account = Account(tmp_path, agent_log_groups=["/agents", "/elsewhere"])
    kept_for(365)(account)
    (found,) = findings(account, "LG-12")
    assert found.status == "fail"
    assert "not found: /elsewhere" in found.observed


def test_lg_12_a_group_may_be_in_the_region_of_other_agents(tmp_path: Path) -> None:
    regions = (REGION, "eu-central-1")
    account = Account(tmp_path, regions=regions, agent_log_groups=["/agents", "/elsewhere"])
    for region, name in zip(regions, account.run.agent_log_groups, strict=True):
        account.stack(region=region, **AGENTS)
        kept = {"logGroupName": name, "retentionInDays": 365}
        account.lists(DESCRIBE_LOG_GROUPS, kept, region=region)
    assert verdicts(account, "LG-12") == [passes, passes]


@pytest.mark.parametrize("declared", [[], ["/agents"]])
def test_lg_12_no_log_group_is_requested_that_is_not_declared(declared: list[str]) -> None:
    run = Run(account=ACCOUNT, agent_log_groups=declared)
    assert (DESCRIBE_LOG_GROUPS in calls_of(run)) is bool(declared)


def test_lg_02_says_on_which_day_a_quiet_trail_delivered_last(account: Account) -> None:
    trail = account.bucket().trail(status=OLD, advanced=[objects()])
    (finding,) = findings(trail, "LG-02")
    assert "delivered last on 2019-01-22: no answer" in finding.hint
