"""Whom keys admit (AR-20), wherever an answer names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_REPLICATION,
    GET_KEY_POLICY,
    LIST_BUCKETS,
    LIST_NAMED_BUCKETS,
    Call,
)
from kit.catalogue.statuses import NOT_EVIDENCED
from tests.controls.scenarios import (
    Given,
    Verdict,
    denied,
    fails,
    findings,
    not_evidenced,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.controls.test_at_rest_buckets import SHOTS, agents, recorded
from tests.controls.test_bucket_access import NO_OWN_KEY, STRANGER, allows
from tests.controls.test_grants import ON_FILES, READ, allow, of_principals
from tests.standins import ACCOUNT, HOME, KEY, LOGS, REGION, Account, key_policy, replication

EAST = "us-east-1"
OPEN = key_policy(allows(STRANGER))
COPIES = KEY.replace(REGION, EAST)
THEIRS = KEY.replace(ACCOUNT, STRANGER)
ID = KEY.rpartition("/")[2]
ALIAS = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/copies"


def source(account: Account, **members: Any) -> Account:
    place = {"S3Bucket": "packages", "S3Key": "cad.vhdx"}
    block = {"Name": "b", "Arn": "b", "State": "ACTIVE", "SourceS3Location": place}
    return account.lists(DESCRIBE_APP_BLOCKS, block).bucket("packages", listed=False, **members)


def copied(account: Account, *rules: dict[str, Any], bucket: str = HOME, **members: Any) -> Account:
    """A bucket under S3's own key, of which rules make copies."""
    answer = replication("copies")
    first = answer["ReplicationConfiguration"]["Rules"][0]
    answer["ReplicationConfiguration"]["Rules"] = [
        first | rule | {"Destination": first["Destination"] | rule.get("Destination", {})}
        for rule in rules
    ]
    account.bucket(bucket, **members)
    return account.answers(GET_BUCKET_REPLICATION, answer, REGION, Bucket=bucket)


def trail_denied(account: Account, *, ours: bool = True, **members: Any) -> Account:
    """A trail whose bucket's rules of replication may not be read."""
    account.trail(**members).bucket("trail-logs", listed=False, ours=ours)
    return account.denies(GET_BUCKET_REPLICATION, REGION, Bucket="trail-logs")


def under(key: str) -> dict[str, Any]:
    return {"Destination": {"EncryptionConfiguration": {"ReplicaKmsKeyID": key}}}


NAMED: dict[str, Callable[[Account], Any]] = {
    "home folders": lambda a: a.bucket(encryption="aws:kms", key=KEY),
    "usage reports": lambda a: a.bucket(LOGS, encryption="aws:kms", key=KEY),
    "an app block's source": lambda a: source(a, encryption="aws:kms", key=KEY),
    "agents' screenshots": lambda a: agents(a).bucket(
        SHOTS, listed=False, encryption="aws:kms", key=KEY
    ),
    "recordings of agents' sessions": lambda a: recorded(KmsKeyArn=KEY)(a).bucket(
        SHOTS, listed=False
    ),
    "a trail": lambda a: a.trail(KmsKeyId=KEY),
    "an event data store": lambda a: a.store(KmsKeyId=KEY),
    "copies of home folders": lambda a: copied(a, under(KEY)),
    "copies of a trail's files": lambda a: copied(a.trail(), under(KEY), bucket="trail-logs"),
}


@pytest.mark.parametrize("thing", NAMED)
def test_ar_20_judges_every_key_that_an_answer_names(account: Account, thing: str) -> None:
    NAMED[thing](account)
    account.key(policy=OPEN)
    assert [one for one in verdicts(account, "AR-20") if one != NO_OWN_KEY] == [fails]


def test_ar_20_judges_a_key_once_whatever_it_encrypts(account: Account) -> None:
    for name in NAMED.values():
        name(account)
    account.key()
    (finding,) = (one for one in findings(account, "AR-20") if one.status == "pass")
    cited = {ref.partition("#")[0] for ref in finding.evidence}
    calls = {one.call for one in account.snapshot().evidence if one.id in cited}
    assert calls >= {GET_BUCKET_ENCRYPTION.name, DESCRIBE_TRAILS.name, GET_KEY_POLICY.name}


def test_ar_20_reports_a_key_of_copies_in_its_own_region(tmp_path: Any) -> None:
    account = Account(tmp_path, regions=(REGION, EAST))
    copied(account, under(COPIES)).key(COPIES, EAST, policy=OPEN)
    reported = {one.region: one.status for one in findings(account, "AR-20")}
    assert reported == {REGION: "not applicable", EAST: "fail"}


def test_ar_20_reports_a_key_of_copies_beyond_the_scope_beside_the_bucket(account: Account) -> None:
    copied(account, under(COPIES)).key(COPIES, EAST, policy=OPEN)
    assert verdicts(account, "AR-20") == [fails]


MRK = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-{'0' * 31}1"
REPLICA = MRK.replace(REGION, EAST)


def multi_region(
    account: Account, *, used: str = MRK, region: str = REGION, **of_replica: Any
) -> Account:
    """A bucket under a multi-Region key, of which another region has the same."""
    related = {
        "PrimaryKey": {"Arn": MRK, "Region": REGION},
        "ReplicaKeys": [{"Arn": REPLICA, "Region": EAST}],
    }
    account.bucket(encryption="aws:kms", key=used, region=region)
    account.key(REPLICA, EAST, **of_replica).key(MRK)
    configured = {"MultiRegion": True, "MultiRegionConfiguration": related}
    policy = of_replica if used == REPLICA else {}
    return account.key(used, region, **configured, **policy)


@pytest.mark.parametrize(("policy", "status"), [(OPEN, "fail"), (None, "pass")])
@pytest.mark.parametrize("regions", [(REGION,), (REGION, EAST)])
def test_ar_20_judges_the_same_key_in_other_regions(
    tmp_path: Path, regions: tuple[str, ...], policy: Any, status: str
) -> None:
    account = multi_region(Account(tmp_path, regions=regions), policy=policy)
    found = {one.resource: (one.region, one.status) for one in findings(account, "AR-20")}
    assert {name.partition(" in ")[2]: status for name, status in found.items()} == {
        "": (REGION, "pass"),
        EAST: (regions[-1], status),
    }


def test_ar_20_judges_a_primary_key_whose_replica_is_in_use(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, EAST))
    multi_region(account, used=REPLICA, region=EAST).key(MRK, policy=OPEN)
    assert {one.region: one.status for one in findings(account, "AR-20")} == {
        REGION: "fail",
        EAST: "pass",
    }


def test_ar_20_states_that_a_related_keys_policy_may_not_be_read(account: Account) -> None:
    multi_region(account).denies(GET_KEY_POLICY, EAST, KeyId=REPLICA)
    assert verdicts(account, "AR-20") == [passes, denied(GET_KEY_POLICY)]


@pytest.mark.parametrize("related", [None, {"ReplicaKeys": [{"Region": EAST}]}])
def test_ar_20_states_that_related_keys_are_left_out(account: Account, related: Any) -> None:
    account.bucket(encryption="aws:kms", key=MRK)
    account.key(MRK, MultiRegion=True, MultiRegionConfiguration=related)
    absent = not_evidenced("absent in answer", DESCRIBE_KEY)
    assert verdicts(account, "AR-20") == [passes, absent]


def test_ar_08_judges_related_keys_by_the_key_in_use(tmp_path: Path) -> None:
    """KMS rotates all of them together; a replica in use is judged by its own answer."""
    account = multi_region(Account(tmp_path, regions=(REGION, EAST)))
    assert [one.status for one in findings(account, "AR-08")] == ["pass", "not applicable"]
    account.bucket(LOGS.replace(REGION, EAST), region=EAST, encryption="aws:kms", key=REPLICA)
    assert [one.status for one in findings(account, "AR-08")] == ["pass", "pass"]


@scenarios(
    ("no bucket, no trail", lambda a: a, NO_OWN_KEY),
    ("a rule that is off", lambda a: copied(a, under(KEY) | {"Status": "Disabled"}), NO_OWN_KEY),
    ("a rule without a key", lambda a: copied(a, {}), NO_OWN_KEY),
    ("copies under another account's key", lambda a: copied(a, under(THEIRS)), NO_OWN_KEY),
    (
        "rules denied",
        lambda a: a.bucket().denies(GET_BUCKET_REPLICATION, REGION, Bucket=HOME),
        denied(GET_BUCKET_REPLICATION),
    ),
    (
        "the rules of the account's trail bucket denied",
        lambda a: trail_denied(a),
        denied(GET_BUCKET_REPLICATION),
    ),
    (
        "the rules of another account's trail bucket denied",
        lambda a: trail_denied(a, ours=False),
        NO_OWN_KEY,
    ),
    (
        "the rules of a trail bucket denied that a list cut short leaves out",
        lambda a: trail_denied(a, ours=False).cuts(
            LIST_NAMED_BUCKETS, "more exist", Prefix="trail-logs"
        ),
        not_evidenced("cut short", LIST_NAMED_BUCKETS),
    ),
    (
        "the rules of a trail bucket denied beside a trail's key for the account alone",
        lambda a: trail_denied(a, KmsKeyId=KEY).key(),
        passes,
        denied(GET_BUCKET_REPLICATION),
    ),
    (
        "the bucket of the account's trail left out",
        lambda a: a.trail(S3BucketName=None),
        not_evidenced("absent in answer", DESCRIBE_TRAILS),
    ),
    (
        "the bucket of a trail without its ARN left out",
        lambda a: a.trail(S3BucketName=None, TrailARN=None),
        not_evidenced("absent in answer", DESCRIBE_TRAILS),
    ),
    (
        "the bucket of another account's trail left out",
        lambda a: a.trail(S3BucketName=None, account=STRANGER),
        NO_OWN_KEY,
    ),
    ("copies under a key by its id alone", lambda a: copied(a, under(ID)), to_be_reviewed),
    ("copies under an alias", lambda a: copied(a, under("alias/copies")), to_be_reviewed),
    (
        "copies under an alias's ARN",
        lambda a: copied(a, under(ALIAS)).key(ALIAS, Arn=KEY, policy=OPEN),
        fails,
    ),
    (
        "copies by a rule that is off under a key by its id alone",
        lambda a: copied(a, under(ID) | {"Status": "Disabled"}),
        NO_OWN_KEY,
    ),
    (
        "rules denied beside encryption denied",
        lambda a: (
            a.bucket()
            .denies(GET_BUCKET_REPLICATION, REGION, Bucket=HOME)
            .denies(GET_BUCKET_ENCRYPTION, REGION, Bucket=HOME)
        ),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    (
        "a trail's key of another account, which alone sees the policy",
        lambda a: a.trail(KmsKeyId=THEIRS).denies(DESCRIBE_KEY, KeyId=THEIRS),
        NO_OWN_KEY,
    ),
    (
        "another account's key by its alias",
        lambda a: a.bucket(encryption="aws:kms", key="alias/x").key(
            "alias/x", AWSAccountId=STRANGER, Arn=THEIRS
        ),
        NO_OWN_KEY,
    ),
    (
        "a key that is gone",
        lambda a: a.bucket(encryption="aws:kms", key=KEY).refuses(
            DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY
        ),
        NO_OWN_KEY,
    ),
    (
        "a key that waits for its deletion",
        lambda a: a.trail(KmsKeyId=KEY).key(KeyState="PendingDeletion", policy=OPEN),
        fails,
    ),
    (
        "a key that may not be described",
        lambda a: a.trail(KmsKeyId=KEY).denies(DESCRIBE_KEY, KeyId=KEY),
        denied(DESCRIBE_KEY),
    ),
    (
        "whose it is left out",
        lambda a: a.trail(KmsKeyId=KEY).key(AWSAccountId=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "its ARN left out",
        lambda a: a.trail(KmsKeyId=KEY).key(Arn=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "its policy denied",
        lambda a: a.trail(KmsKeyId=KEY).key().denies(GET_KEY_POLICY, KeyId=KEY),
        denied(GET_KEY_POLICY),
    ),
    ("a trail's key for the account alone", lambda a: a.trail(KmsKeyId=KEY).key(), passes),
)
def test_ar_20_states_what_it_could_not_see(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-20") == expected


UNNAMED: dict[str, tuple[Call, Given]] = {
    "home folders": (
        DESCRIBE_STACKS,
        lambda a: a.stack(StorageConnectors=[{"ConnectorType": "HOMEFOLDERS"}]),
    ),
    "settings": (DESCRIBE_STACKS, lambda a: a.stack(ApplicationSettings={"Enabled": True})),
    "usage reports": (
        DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
        lambda a: a.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"Schedule": "DAILY"}),
    ),
    "a listed bucket": (LIST_BUCKETS, lambda a: a.lists(LIST_BUCKETS, {"BucketRegion": REGION})),
}


@pytest.mark.parametrize("control", ["AR-08", "AR-20", "MD-02"])
@pytest.mark.parametrize(("call", "given"), UNNAMED.values(), ids=UNNAMED)
def test_what_a_bucket_has_is_open_where_its_name_is_left_out(
    account: Account, control: str, call: Call, given: Given
) -> None:
    given(account)
    assert verdicts(account, control) == [not_evidenced("absent in answer", call)]


@pytest.mark.parametrize(("call", "given"), UNNAMED.values(), ids=UNNAMED)
def test_id_05_whom_a_bucket_lets_in_is_open_where_its_name_is_left_out(
    account: Account, call: Call, given: Given
) -> None:
    given(account.fleet().allowed("worker", allow("s3:GetObject")))
    unknown = [one for one in findings(account, "ID-05") if one.status == "not evidenced"]
    named = {one.resource: one.operation for one in unknown if not one.resource.startswith("role")}
    assert named == {f"everybody else: {name}": call.name for name in ON_FILES}
    assert of_principals(account, "ID-05") == {READ: "not evidenced"}


@pytest.mark.parametrize("thing", UNNAMED)
def test_a_bucket_without_its_name_still_has_its_purpose(account: Account, thing: str) -> None:
    UNNAMED[thing][1](account)
    open_to_judge = {"home folders": ["AR-05"], "settings": ["AR-06"], "usage reports": ["AR-11"]}
    controls = ["AR-05", "AR-06", "AR-11"]
    unseen = [one.control for one in findings(account, *controls) if one.status == NOT_EVIDENCED]
    assert unseen == open_to_judge.get(thing, controls)


def test_ar_20_looks_for_an_alias_where_the_bucket_is(tmp_path: Path) -> None:
    """Whatever the region of the stack that names the bucket."""
    account = agents(Account(tmp_path, regions=(REGION, EAST)))
    account.bucket(SHOTS, listed=False, region=EAST, encryption="aws:kms", key="alias/shots")
    account.key("alias/shots", EAST, Arn=COPIES, policy=OPEN)
    fails = [one.resource for one in findings(account, "AR-20") if one.status == "fail"]
    assert fails == [f"key {ID}"]


def test_ar_08_judges_a_key_whose_primary_region_changes(account: Account) -> None:
    off = {"KeyRotationEnabled": False}
    account.bucket(encryption="aws:kms", key=KEY).key(KeyState="Updating", rotation=off)
    assert verdicts(account, "AR-08") == [fails]


@pytest.mark.parametrize(("state", "verdict"), [("Updating", passes), ("Unavailable", fails)])
@pytest.mark.parametrize("control", ["AR-07", "LG-03", "LG-06"])
def test_a_key_whose_primary_region_changes_is_usable(
    account: Account, control: str, state: str, verdict: Verdict
) -> None:
    account.bucket(encryption="aws:kms", key=KEY).key(KeyState=state)
    _ = account.store(KmsKeyId=KEY) if control == "LG-06" else account.trail(KmsKeyId=KEY)
    assert verdicts(account, control) == [verdict]
