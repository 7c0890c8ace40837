"""Logging: what each control says of which account."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kit.aws.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGES,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_LOGGING,
    GET_BUCKET_VERSIONING,
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
    AS_OF,
    COLLECTOR,
    HOME,
    KEY,
    LOGS,
    REGION,
    SETTINGS,
    Account,
    erases,
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


NOT_OURS = "CloudTrailARNInvalidException"
HELD = not_evidenced("administrator", GET_EVENT_SELECTORS, NOT_OURS)


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
    ("the only trail's status denied", org_trail_unseen, denied(GET_TRAIL_STATUS)),
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


NO_TRAIL = not_applicable("no trail with its home here")


@scenarios(
    ("no trail", nothing, NO_TRAIL),
    ("an event data store is none", lambda a: a.store(), NO_TRAIL),
    ("validated and encrypted", lambda a: a.trail(KmsKeyId=KEY), passes),
    ("not encrypted", lambda a: a.trail(), fails),
    ("not validated", lambda a: a.trail(KmsKeyId=KEY, LogFileValidationEnabled=False), fails),
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
    (
        "each trail for itself",
        lambda a: a.trail("a", KmsKeyId=KEY).trail("b"),
        passes,
        fails,
    ),
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    ("stores denied, which are no trails", lambda a: a.denies(LIST_EVENT_DATA_STORES), NO_TRAIL),
    (
        "the status denied, which is only shown",
        lambda a: a.trail(KmsKeyId=KEY).denies(GET_TRAIL_STATUS, Name=TRAIL),
        passes,
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


def test_lg_01_says_when_selectors_are_known_by_their_defaults(account: Account) -> None:
    account.fleet().trail(basic=[{}])
    (finding,) = findings(account, "LG-01")
    assert finding.status == "pass"
    assert "AWS left a member out: EventSelector, IncludeManagementEvents" in finding.observed


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
        "a rule of one account's folder of many",
        kept(erases(Filter={"Prefix": f"AWSLogs/{ACCOUNT}/"})),
        fails,
    ),
    ("the shortest rule decides", kept(erases(30), erases(365)), fails),
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


def test_lg_06_has_the_bounds_of_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("min_log_days: 400\nmax_log_days: 800\n")
    account = Account(tmp_path, thresholds=str(own)).trail().store(RetentionPeriod=731)
    assert sorted(finding.status for finding in findings(account, "LG-06")) == ["fail", "pass"]


INSTEAD = not_applicable("data events stand in, see LG-02")


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
        told: dict[str, Any] = {"S3BucketName": LOGS, "Schedule": "DAILY"}
        if days is not None:
            told["LastGeneratedReportDate"] = AS_OF - dt.timedelta(days=days)
        if errors:
            told["SubscriptionErrors"] = [{"ErrorCode": error} for error in errors]
        account.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, told)
        capacity = {"Desired": 1, "InUse": 0} | ({busy: 1} if busy else {})
        return account.fleet("idle").fleet(ComputeCapacityStatus=capacity)

    return given


NO_SUBSCRIPTION = not_applicable("no usage report subscription")


@scenarios(
    ("none, which is a choice", lambda a: a.fleet(), NO_SUBSCRIPTION),
    ("recent, with sessions", reporting(busy="InUse"), passes),
    ("as old as the profile allows", reporting(2, busy="InUse"), passes),
    ("older, with instances in use", reporting(2.01, busy="InUse"), fails),
    ("older, with sessions", reporting(40, busy="ActiveUserSessions"), fails),
    ("older, with instances that wait", reporting(40, busy="Available"), passes),
    ("older, and nobody streams", reporting(40), passes),
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
