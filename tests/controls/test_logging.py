"""Logging: what each control says of which account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.aws.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGES,
    DESCRIBE_TRAILS,
    GET_BUCKET_LOGGING,
    GET_CALLER_IDENTITY,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_EVENT_DATA_STORES,
    LOOKUP_EVENTS,
)
from kit.aws.session import USER_AGENT
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
from tests.standins import (
    ACCOUNT,
    COLLECTOR,
    HOME,
    REGION,
    SETTINGS,
    Account,
    management,
    objects,
)

UNUSED = not_applicable("no use of AppStream")
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/all"
ORGANISATION = "999999999999"
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
        passes,
    ),
    (
        "advanced: AppStream among others",
        advanced(management(eventSource={"Equals": ["s3.amazonaws.com", APPSTREAM]})),
        passes,
    ),
    (
        "advanced: services that begin so",
        advanced(management(eventSource={"StartsWith": ["app"], "NotEndsWith": [".cn"]})),
        passes,
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


def org_trail_unseen(account: Account) -> Account:
    """An organisation's trail whose status a member account may not see."""
    account.trail("org", "us-east-1", account=ORGANISATION)
    return account.denies(GET_TRAIL_STATUS, region="us-east-1", Name=ORG_TRAIL)


@scenarios(
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    ("the only trail's status denied", org_trail_unseen, denied(GET_TRAIL_STATUS)),
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
        denied(GET_TRAIL_STATUS),
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
    told = {finding.region: finding.status for finding in findings(account, "LG-01")}
    assert told == {REGION: status, "us-east-1": "not applicable"}


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
    told = {finding.region: finding.status for finding in findings(account, "LG-01")}
    assert told[REGION] == "not evidenced"


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
        lambda a: a.fleet().event(agent=f"Boto3/1 {USER_AGENT}", who="arn:1"),
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
