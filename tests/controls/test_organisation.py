"""What a member account cannot see: not evidenced, unless the organisation's snapshot shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_KEY,
    DESCRIBE_ORGANIZATION,
    GET_ACCOUNT_SUMMARY,
    GET_AUTOMATED_DISCOVERY_CONFIGURATION,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_TRAIL_STATUS,
    LIST_ANALYZERS,
    LIST_EVENT_DATA_STORES,
    LIST_ORGANIZATIONS_FEATURES,
    Call,
)
from kit.controls import CONTROLS
from kit.tables import tabulate
from tests.controls.scenarios import (
    fails,
    findings,
    not_applicable,
    not_evidenced,
    passes,
    to_be_reviewed,
    verdicts,
)
from tests.standins import ACCOUNT, AS_OF, REGION, Account, management, objects

Given = Callable[[Account], Any]

MANAGER, DELEGATED = "999988887777", "555566667777"
NOT_OURS = "CloudTrailARNInvalidException"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{MANAGER}:trail/org"
KEY = f"arn:aws:kms:{REGION}:{MANAGER}:key/1b2c3d4e-0000-4000-8000-000000000001"
STORE = f"arn:aws:cloudtrail:{REGION}:{MANAGER}:eventdatastore/0e1d2c3b-0000-4000-8000-000000000001"
HELD = not_evidenced("administrator")


def _organisation(account: Account) -> Account:
    reported = {"Organization": {"Id": "o-example00000", "MasterAccountId": MANAGER}}
    return account.answers(DESCRIBE_ORGANIZATION, reported)


@pytest.fixture
def member(tmp_path: Path) -> Account:
    """A member account in which AppStream is used, and nothing is its own that could answer."""
    return _organisation(Account(tmp_path, allowed_regions=[REGION])).fleet()


@pytest.fixture
def lent(tmp_path: Path, member: Account) -> Callable[..., Account]:
    """Lend the member what another account of the organisation answers."""

    def lend(given: Given, account: str = MANAGER) -> Account:
        lender = _organisation(Account(tmp_path / "lender", account=account))
        given(lender)
        member.lender = lender.snapshot()
        return member

    return lend


def nothing(account: Account) -> None:
    """An account with nothing in it."""


# --- ID-13: analyzers -----------------------------------------------------------------------


def analyzer(kind: str, status: str = "ACTIVE") -> Given:
    made = {"arn": "x", "name": "x", "type": kind, "status": status, "createdAt": AS_OF}
    return lambda account: account.lists(LIST_ANALYZERS, made)


def test_without_the_organisations_snapshot_an_analyzer_may_be_held(member: Account) -> None:
    assert verdicts(member, "ID-13") == [HELD]


def test_it_says_what_to_name(member: Account) -> None:
    (finding,) = findings(member, "ID-13")
    assert finding.hint.endswith("name that account's snapshot as organisation_snapshot")


def test_an_organisations_analyzer_is_shown(lent: Callable[..., Account]) -> None:
    (finding,) = findings(lent(analyzer("ORGANIZATION"), DELEGATED), "ID-13")
    assert finding.status == "pass"
    assert "O0001#/analyzers/0" in finding.evidence


@pytest.mark.parametrize(
    "given",
    [nothing, analyzer("ACCOUNT"), analyzer("ORGANIZATION", "DISABLED")],
    ids=["none", "the other account's own", "one that is off"],
)
def test_that_it_is_not_shown_does_not_say_that_there_is_none(
    lent: Callable[..., Account], given: Given
) -> None:
    (finding,) = findings(lent(given), "ID-13")
    assert (finding.status, finding.reason) == ("not evidenced", "administrator")
    assert finding.hint.endswith(f"the snapshot of account {MANAGER} does not show it either")


def test_what_is_the_members_own_needs_no_other(member: Account) -> None:
    analyzer("ACCOUNT")(member)
    assert verdicts(member, "ID-13") == [passes]


# --- ID-02: root credentials of members ------------------------------------------------------

CENTRAL = not_applicable(
    "the root user has no password, and the organisation manages root credentials: none can be "
    "recovered"
)


def features(*names: str) -> Given:
    listed = {"OrganizationId": "o-example00000", "EnabledFeatures": [*names]}
    return lambda account: account.answers(LIST_ORGANIZATIONS_FEATURES, listed)


def refusing(code: str) -> Given:
    return lambda account: account.refuses(LIST_ORGANIZATIONS_FEATURES, code, status=400)


def root(account: Account, *, mfa: int = 0, password: int = 0) -> Account:
    entries = {"AccountMFAEnabled": mfa, "AccountPasswordPresent": password}
    return account.answers(GET_ACCOUNT_SUMMARY, {"SummaryMap": entries})


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (features("RootSessions", "RootCredentialsManagement"), CENTRAL),
        (features("RootSessions"), to_be_reviewed),
        (features(), to_be_reviewed),
        (refusing("ServiceAccessNotEnabledException"), to_be_reviewed),
        (refusing("ServiceAccessNotEnabled"), to_be_reviewed),
        (refusing("OrganizationNotInAllFeaturesMode"), to_be_reviewed),
        (refusing("AccountNotManagementOrDelegatedAdministratorException"), HELD),
        (refusing("AccessDenied"), HELD),
    ],
)
def test_id_02_a_root_user_without_password(
    lent: Callable[..., Account], given: Given, verdict: Any
) -> None:
    assert verdicts(root(lent(given)), "ID-02") == [verdict]


def test_id_02_only_the_organisation_knows_whether_a_password_can_return(member: Account) -> None:
    assert verdicts(root(member), "ID-02") == [HELD]
    (finding,) = findings(member, "ID-02")
    assert finding.hint.endswith("name that account's snapshot as organisation_snapshot")


@pytest.mark.parametrize(
    ("mfa", "password", "verdict"), [(1, 0, passes), (1, 1, passes), (0, 1, fails)]
)
def test_id_02_needs_the_organisation_for_nothing_else(
    member: Account, mfa: int, password: int, verdict: Any
) -> None:
    assert verdicts(root(member, mfa=mfa, password=password), "ID-02") == [verdict]


def test_id_02_no_organisation_manages_the_root_user_of_its_own_management_account(
    tmp_path: Path,
) -> None:
    manager = _organisation(Account(tmp_path, account=MANAGER))
    features("RootCredentialsManagement")(manager)
    assert verdicts(root(manager), "ID-02") == [to_be_reviewed]


# --- LG-01, LG-02, LG-03, LG-06, AR-08, GV-05: the organisation's trail ----------------------


def trail_seen(account: Account) -> None:
    """The organisation's trail as a member sees it: not its selectors, bucket and key."""
    account.trail("org", account=MANAGER)
    account.refuses(GET_EVENT_SELECTORS, NOT_OURS, region=REGION, status=400, TrailName=TRAIL)
    for call in (GET_BUCKET_LIFECYCLE_CONFIGURATION, GET_BUCKET_LOCATION, GET_BUCKET_REPLICATION):
        account.denies(call, REGION, Bucket="trail-logs")


def trail_held(**members: Any) -> Given:
    """The same as its owner sees it."""
    return lambda account: account.trail("org", account=MANAGER, **members)


EVERYTHING = [management(), objects()]


@pytest.mark.parametrize(
    ("control", "given", "expected"),
    [
        ("LG-01", trail_held(), passes),
        ("LG-01", trail_held(basic=[{"ReadWriteType": "WriteOnly"}]), fails),
        ("LG-02", trail_held(advanced=EVERYTHING), passes),
        ("LG-02", trail_held(), fails),
        ("LG-06", trail_held(kept=365), passes),
        ("LG-06", trail_held(kept=None), fails),
        ("LG-06", trail_held(kept=30), fails),
    ],
)
def test_the_verdict_on_its_trail_follows_from_the_organisations_snapshot(
    member: Account, lent: Callable[..., Account], control: str, given: Given, expected: Any
) -> None:
    trail_seen(member.bucket())
    assert [v.reason for v in verdicts(member, control)] == ["administrator"]
    (finding,) = findings(lent(given), control)
    assert finding.status == expected.status
    assert any(ref.startswith("O") for ref in finding.evidence)


@pytest.mark.parametrize("code", ["TrailNotFoundException", NOT_OURS, "NoLongerYours"])
@pytest.mark.parametrize("call", [GET_EVENT_SELECTORS, GET_TRAIL_STATUS], ids=lambda c: c.name)
@pytest.mark.parametrize("status", [400, 404, 500])
def test_whose_it_is_stands_in_its_arn_and_in_no_code(
    member: Account, lent: Callable[..., Account], code: str, call: Call, status: int
) -> None:
    trail_seen(member)
    name = "Name" if call is GET_TRAIL_STATUS else "TrailName"
    member.refuses(call, code, region=REGION, status=status, **{name: TRAIL})
    assert verdicts(lent(trail_held()), "LG-01") == [passes]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ExpiredTokenException", "the credentials ended during the run"),
        ("UnrecognizedClientException", "log in again"),
        ("InvalidSignatureException", "set the clock"),
    ],
)
def test_credentials_that_are_not_accepted_are_nobody_elses_trail(
    member: Account, code: str, hint: str
) -> None:
    trail_seen(member)
    for call, name in ((GET_TRAIL_STATUS, "Name"), (GET_EVENT_SELECTORS, "TrailName")):
        message = "Signature expired: 20261124T110000Z is now earlier than 20261124T115500Z"
        member.refuses(call, code, message, region=REGION, status=400, **{name: TRAIL})
    (finding,) = findings(member, "LG-01")
    assert (finding.reason, finding.code) == ("failed", code)
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("status", "reason"),
    [(400, "administrator"), (499, "administrator"), (500, "failed"), (503, "failed")],
)
def test_a_fault_of_aws_does_not_make_a_trail_anybody_elses(
    member: Account, status: int, reason: str
) -> None:
    trail_seen(member)
    for call, name in ((GET_TRAIL_STATUS, "Name"), (GET_EVENT_SELECTORS, "TrailName")):
        member.refuses(call, NOT_OURS, region=REGION, status=status, **{name: TRAIL})
    (finding,) = findings(member, "LG-01")
    assert finding.reason == reason


def test_its_deliveries_are_held_against_the_limit(
    member: Account, lent: Callable[..., Account]
) -> None:
    trail_seen(member)
    member.denies(GET_TRAIL_STATUS, REGION, Name=TRAIL)
    old = {"IsLogging": True, "LatestDeliveryTime": AS_OF - dt.timedelta(days=3)}
    assert verdicts(lent(trail_held(status=old)), "LG-01") == [fails]


def test_that_its_status_is_denied_does_not_matter_where_the_owner_shows_it(
    member: Account, lent: Callable[..., Account]
) -> None:
    trail_seen(member)
    member.denies(GET_TRAIL_STATUS, REGION, Name=TRAIL)
    assert verdicts(lent(trail_held()), "LG-01") == [passes]


@pytest.mark.parametrize(
    ("key", "state", "status"),
    [(KEY, "Enabled", "pass"), (KEY, "Disabled", "fail"), (None, "", "fail")],
)
def test_its_key_is_as_the_owner_sees_it(
    member: Account, lent: Callable[..., Account], key: str | None, state: str, status: str
) -> None:
    trail_seen(member)

    def given(account: Account) -> None:
        trail_held(KmsKeyId=key)(account)
        if key:
            account.key(key, KeyState=state)

    (finding,) = findings(lent(given), "LG-03")
    assert finding.status == status


def test_whether_its_key_rotates_is_as_the_owner_sees_it(
    member: Account, lent: Callable[..., Account]
) -> None:
    member.trail("org", account=MANAGER, KmsKeyId=KEY).denies(DESCRIBE_KEY, REGION, KeyId=KEY)
    lender = lent(lambda a: a.trail("org", account=MANAGER, KmsKeyId=KEY).key(KEY))
    assert verdicts(lender, "AR-08") == [passes]


def test_where_it_is_kept_is_as_the_owner_sees_it(
    member: Account, lent: Callable[..., Account]
) -> None:
    trail_seen(member)
    found = {one.resource: one.status for one in findings(lent(trail_held()), "GV-05")}
    assert set(found.values()) == {"pass"}
    assert len(found) == 2


# --- LG-01, LG-02: the organisation's event data stores --------------------------------------


def store(selectors: list[Any], **members: Any) -> Given:
    """An event data store of the organisation."""
    reported = {
        "EventDataStoreArn": STORE,
        "Name": "org",
        "Status": "ENABLED",
        "MultiRegionEnabled": True,
        "OrganizationEnabled": True,
        "AdvancedEventSelectors": selectors,
        **members,
    }

    def given(account: Account) -> None:
        account.lists(LIST_EVENT_DATA_STORES, {"EventDataStoreArn": STORE, "Name": "org"})
        account.answers(GET_EVENT_DATA_STORE, reported, REGION, EventDataStore=STORE)

    return given


def test_no_trail_does_not_say_that_nobody_logs(member: Account) -> None:
    assert verdicts(member, "LG-01") == [HELD]


def test_whether_it_is_a_member_has_to_be_seen(member: Account) -> None:
    member.denies(DESCRIBE_ORGANIZATION)
    (finding,) = findings(member, "LG-01")
    assert (finding.reason, finding.operation) == ("denied", DESCRIBE_ORGANIZATION.name)


def test_the_management_account_knows_of_itself(tmp_path: Path) -> None:
    account = _organisation(Account(tmp_path, account=MANAGER)).fleet()
    assert verdicts(account, "LG-01") == [fails]


@pytest.mark.parametrize(
    ("given", "lender", "expected"),
    [
        (store([management()]), MANAGER, passes),
        (store([management()]), DELEGATED, passes),
        (store([management()], OrganizationEnabled=False), MANAGER, fails),
        (store([management()], Status="STOPPED_INGESTION"), MANAGER, fails),
        (nothing, MANAGER, fails),
        (nothing, DELEGATED, HELD),
        (lambda a: a.denies(LIST_EVENT_DATA_STORES), MANAGER, HELD),
    ],
    ids=[
        "shown by the owner",
        "shown by the delegated administrator",
        "the other account's own",
        "stopped",
        "none, and the owner would show it",
        "none, but another account may show it",
        "could not be listed",
    ],
)
def test_stores_of_the_organisation(
    lent: Callable[..., Account], given: Given, lender: str, expected: Any
) -> None:
    (finding,) = findings(lent(given, lender), "LG-01")
    assert finding.status == expected.status


@pytest.mark.parametrize(("way", "expected"), [("true", passes), ("false", fails)])
def test_a_store_of_the_organisation_adds_what_the_members_trail_leaves_out(
    member: Account, lent: Callable[..., Account], way: str, expected: Any
) -> None:
    member.trail(basic=[{"ReadWriteType": "WriteOnly"}])
    given = store([management(readOnly={"Equals": [way]})])
    assert verdicts(lent(given), "LG-01") == [expected]


# --- DS-02: the organisation's Macie ----------------------------------------------------------


@pytest.fixture
def unwatched(member: Account) -> Account:
    """Macie is on in the member, and its own discovery looks at nothing."""
    member.bucket().watched(
        automatedDiscoveryMonitoringStatus="NOT_MONITORED", lastAutomatedDiscoveryTime=None
    )
    off = {"status": "DISABLED"}
    return member.answers(GET_AUTOMATED_DISCOVERY_CONFIGURATION, off, REGION)


def seen(account: str = ACCOUNT, **members: Any) -> Given:
    return lambda lender: lender.watched(accountId=account, **members)


LONG_AGO = AS_OF - dt.timedelta(days=200)
NEVER = {
    "automatedDiscoveryMonitoringStatus": "NOT_MONITORED",
    "lastAutomatedDiscoveryTime": None,
}


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (seen(), passes),
        (seen(lastAutomatedDiscoveryTime=LONG_AGO), fails),
        (seen(**NEVER), fails),
        (
            seen(**NEVER, jobDetails={"isDefinedInJob": "TRUE", "lastJobRunTime": AS_OF}),
            passes,
        ),
        (seen("333344445555"), HELD),
        (nothing, HELD),
    ],
    ids=["searched", "long ago", "never", "by a job", "another account's", "not there"],
)
def test_a_bucket_that_the_administrators_macie_searches(
    lent: Callable[..., Account], given: Given, expected: Any
) -> None:
    (finding,) = findings(lent(given, DELEGATED), "DS-02")
    assert (finding.status, finding.reason) == (expected.status, expected.reason)


def test_without_the_organisations_snapshot_macie_may_be_anothers(unwatched: Account) -> None:
    assert verdicts(unwatched, "DS-02") == [HELD]


# --- remedies of what another account owns ---------------------------------------------------


def others_trail(account: Account) -> Account:
    return account.trail("org", account=MANAGER, LogFileValidationEnabled=False)


def test_lg_03_is_remedied_by_the_account_that_owns_the_trail(member: Account) -> None:
    (theirs,) = findings(others_trail(member), "LG-03")
    place = "trails_are_validated_and_encrypted/trail of another account"
    assert place in theirs.remedies.split("; ")
    one = CONTROLS["LG-03"].remedy(place)
    assert "CloudTrail refuses the change in this account" in one.console
    for script in (one.cli, one.undo):
        assert script.startswith("# Not in this account, where CloudTrail refuses it")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (nothing, "no trail"),
        (others_trail, "trail of another account"),
        (lambda account: others_trail(account).trail("own", multi=False), "trail"),
        (lambda account: others_trail(account).trail("own", advanced=[]), "trail"),
    ],
)
def test_lg_02_names_the_account_that_has_a_trail(member: Account, given: Given, kind: str) -> None:
    given(member.bucket())
    buckets = tabulate(member.snapshot(), ["buckets"])["buckets"].frame
    assert list(buckets["trail_kind"]) == [kind]


def test_the_kind_of_a_trail_stands_in_lg_06(member: Account) -> None:
    (finding,) = findings(others_trail(member), "LG-06")
    assert "trail of another account" in finding.observed
    one = CONTROLS["LG-06"].remedy("logs_are_kept_as_long_as_needed/trail of another account")
    assert one.cli.startswith("# Not in this account, where S3 refuses it")
    own = CONTROLS["LG-06"].remedy("logs_are_kept_as_long_as_needed/trail")
    assert "refuses" not in f"{own.console} {own.cli}"
