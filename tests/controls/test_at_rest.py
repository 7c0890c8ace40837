"""Encryption at rest: what each control says of which account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_OWNERSHIP_CONTROLS,
    GET_BUCKET_POLICY_STATUS,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    LIST_BUCKETS,
)
from kit.controls.registry import RemedyName
from kit.judge import evaluate
from kit.judge.findings import Findings
from kit.tables import tabulate
from tests.controls.scenarios import (
    Given,
    attested,
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
from tests.standins import HOME, KEY, LOGS, REGION, SETTINGS, Account

EPHEMERAL = 'AWS, "Data Protection in Amazon AppStream 2.0", Encryption at rest: "AppStream 2.0 fleet instances are ephemeral'
OTHER_ACCOUNT = "999999999999"
ABROAD = f"arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/9"


@scenarios(
    ("no fleet", nothing, not_applicable("no fleet")),
    ("one session, as where nothing is set", lambda a: a.fleet(), attested(EPHEMERAL)),
    ("one session, set", lambda a: a.fleet(MaxSessionsPerInstance=1), attested(EPHEMERAL)),
    ("several share an instance", lambda a: a.fleet(MaxSessionsPerInstance=4), to_be_reviewed),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
    (
        "each fleet for itself",
        lambda a: a.fleet("a").fleet("b", MaxSessionsPerInstance=2),
        attested(EPHEMERAL),
        to_be_reviewed,
    ),
)
def test_ar_01_instances_are_ephemeral(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-01") == expected


def limits(session: int | None, disconnect: int | None, idle: int | None) -> Given:
    return lambda account: account.fleet(
        MaxUserDurationInSeconds=session,
        DisconnectTimeoutInSeconds=disconnect,
        IdleDisconnectTimeoutInSeconds=idle,
    )


LEFT_OUT = not_evidenced("absent in answer", DESCRIBE_FLEETS)


@scenarios(
    ("no fleet", nothing, not_applicable("no fleet")),
    ("all at the limit", limits(36000, 300, 600), passes),
    ("limits of a second", limits(1, 1, 1), passes),
    ("session too long", limits(36001, 300, 600), fails),
    ("a session limit that nothing documents", limits(0, 300, 600), fails),
    ("kept too long after disconnection", limits(36000, 301, 600), fails),
    ("idle too long", limits(36000, 300, 601), fails),
    ("never disconnected when idle", limits(36000, 300, 0), fails),
    ("idle limit left out, which means never", limits(36000, 300, None), fails),
    ("session limit left out", limits(None, 300, 600), LEFT_OUT),
    ("disconnect limit left out", limits(36000, None, 600), LEFT_OUT),
    ("a limit broken beside one left out", limits(None, None, 0), fails),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
)
def test_ar_03_sessions_end_in_time(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-03") == expected


def test_ar_03_has_stricter_limits_under_the_strict_profile(strict: Account) -> None:
    strict.fleet("a", MaxUserDurationInSeconds=28800, IdleDisconnectTimeoutInSeconds=300)
    strict.fleet("b", MaxUserDurationInSeconds=36000, IdleDisconnectTimeoutInSeconds=300)
    assert verdicts(strict, "AR-03") == [passes, fails]


def test_ar_03_has_the_limits_of_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("max_idle_seconds: 60\n")
    account = Account(tmp_path, thresholds=str(own)).fleet(IdleDisconnectTimeoutInSeconds=300)
    (finding,) = findings(account, "AR-03")
    assert finding.status == "fail"
    assert "max_idle_seconds = 60" in finding.expected


def connector(name: str | None = HOME) -> dict[str, Any]:
    named = {"ResourceIdentifier": name} if name else {}
    return {"StorageConnectors": [{"ConnectorType": "HOMEFOLDERS", **named}]}


def no_encryption(account: Account) -> None:
    code = "ServerSideEncryptionConfigurationNotFoundError"
    account.bucket().refuses(GET_BUCKET_ENCRYPTION, code, status=404, Bucket=HOME)


def rule_without_default(account: Account) -> None:
    rules = {"Rules": [{"BucketKeyEnabled": True}]}
    answer = {"ServerSideEncryptionConfiguration": rules}
    account.bucket().answers(GET_BUCKET_ENCRYPTION, answer, Bucket=HOME)


def unknown_bucket(account: Account) -> None:
    """A stack names a bucket that is not there."""
    account.stack(**connector()).bucket(listed=False)
    account.refuses(GET_BUCKET_ENCRYPTION, "NoSuchBucket", status=404, Bucket=HOME)


@scenarios(
    ("no connector and no bucket", nothing, not_applicable("no home-folder bucket")),
    (
        "another connector",
        lambda a: a.stack(StorageConnectors=[{"ConnectorType": "ONE_DRIVE"}]),
        not_applicable("no home-folder bucket"),
    ),
    ("SSE-S3", lambda a: a.bucket(), passes),
    ("SSE-KMS", lambda a: a.bucket(encryption="aws:kms"), passes),
    ("double SSE-KMS", lambda a: a.bucket(encryption="aws:kms:dsse"), passes),
    ("name with a random suffix", lambda a: a.bucket(f"{HOME}-q8w2e"), passes),
    ("no encryption configured", no_encryption, fails),
    (
        "encryption denied",
        lambda a: a.bucket().denies(GET_BUCKET_ENCRYPTION, Bucket=HOME),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    (
        "a rule that leaves the algorithm out",
        rule_without_default,
        not_evidenced("absent in answer", GET_BUCKET_ENCRYPTION),
    ),
    ("left behind: a bucket without a stack", lambda a: a.bucket(), passes),
    ("named by a stack, and listed", lambda a: a.stack(**connector()).bucket(), passes),
    (
        "named by a stack, not listed",
        lambda a: a.stack(**connector()).bucket(listed=False),
        passes,
    ),
    (
        "named by a stack, not there",
        unknown_bucket,
        not_evidenced("failed", GET_BUCKET_ENCRYPTION, "NoSuchBucket"),
    ),
    (
        "switched on, and AWS leaves the name out",
        lambda a: a.stack(**connector(None)),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "switched on without a name, and one is listed",
        lambda a: a.stack(**connector(None)).bucket(),
        passes,
    ),
    (
        "buckets denied, no stack",
        lambda a: a.denies(LIST_BUCKETS),
        denied(LIST_BUCKETS),
    ),
    (
        "buckets denied, one named by a stack",
        lambda a: a.denies(LIST_BUCKETS).stack(**connector()).bucket(listed=False),
        passes,
        denied(LIST_BUCKETS),
    ),
    (
        "stacks denied, one bucket listed",
        lambda a: a.denies(DESCRIBE_STACKS).bucket(),
        passes,
        denied(DESCRIBE_STACKS),
    ),
    (
        "usage reports denied, which tell nothing of home folders",
        lambda a: a.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
        not_applicable("no home-folder bucket"),
    ),
    (
        "buckets of other purposes",
        lambda a: a.bucket(SETTINGS).bucket(LOGS),
        not_applicable("no home-folder bucket"),
    ),
)
def test_ar_05_home_folders_are_encrypted(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-05") == expected


def test_ar_05_never_calls_sse_s3_kms(account: Account) -> None:
    account.bucket()
    encryption, key = findings(account, "AR-05", "AR-07")
    assert "Default encryption: AES256" in encryption.observed
    assert "Key: sse-s3" in key.observed
    assert "kms" not in key.observed


def test_ar_05_takes_the_region_from_the_name_where_the_list_leaves_it_out(
    account: Account,
) -> None:
    account.bucket(listed=False).lists(LIST_BUCKETS, {"Name": HOME})
    (finding,) = findings(account, "AR-05")
    assert (finding.status, finding.region) == ("pass", REGION)


def test_ar_05_judges_a_bucket_listed_elsewhere_that_a_stack_in_scope_uses(
    account: Account,
) -> None:
    account.stack(**connector()).bucket(region="us-east-1")
    (finding,) = findings(account, "AR-05")
    assert (finding.status, finding.region) == ("pass", REGION)


def settings(name: str | None = SETTINGS, enabled: bool = True) -> dict[str, Any]:
    named = {"S3BucketName": name} if name else {}
    return {"ApplicationSettings": {"Enabled": enabled, **named}}


@scenarios(
    ("nothing", nothing, not_applicable("no application-settings bucket")),
    (
        "switched off",
        lambda a: a.stack(**settings(None, enabled=False)),
        not_applicable("no application-settings bucket"),
    ),
    ("SSE-S3", lambda a: a.stack(**settings()).bucket(SETTINGS), passes),
    (
        "named by a stack, not listed",
        lambda a: a.stack(**settings()).bucket(SETTINGS, listed=False),
        passes,
    ),
    (
        "named by a stack although switched off",
        lambda a: a.stack(**settings(enabled=False)).bucket(SETTINGS, listed=False),
        passes,
    ),
    ("switched off, the bucket stays", lambda a: a.bucket(SETTINGS, encryption="aws:kms"), passes),
    (
        "switched on, and AWS leaves the name out",
        lambda a: a.stack(**settings(None)),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "encryption denied",
        lambda a: a.bucket(SETTINGS).denies(GET_BUCKET_ENCRYPTION, Bucket=SETTINGS),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
)
def test_ar_06_application_settings_are_encrypted(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-06") == expected


def under(key: str = KEY, **metadata: Any) -> Given:
    return lambda account: account.bucket(encryption="aws:kms", key=key).key(key, **metadata)


@scenarios(
    ("no bucket", nothing, not_applicable("no bucket")),
    ("S3's own keys", lambda a: a.bucket(), passes),
    (
        "logs, named by a subscription and not listed",
        lambda a: a.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": "own-logs"}).bucket(
            "own-logs", listed=False
        ),
        passes,
    ),
    (
        "logs, subscribed to, and AWS leaves the name out",
        lambda a: a.lists(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"Schedule": "DAILY"}),
        not_evidenced("absent in answer", DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
    ("KMS without a key named", lambda a: a.bucket(encryption="aws:kms"), passes),
    ("alias/aws/s3", under("alias/aws/s3", KeyManager="AWS"), passes),
    ("a key of the account", under(), passes),
    ("a key named by its alias", under("alias/appstream"), passes),
    ("disabled", under(KeyState="Disabled"), fails),
    ("pending deletion", under(KeyState="PendingDeletion"), fails),
    ("pending import of its material", under(KeyState="PendingImport"), fails),
    ("a stranger's", under(ABROAD, AWSAccountId=OTHER_ACCOUNT), fails),
    (
        "state left out",
        under(KeyState=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "whose it is left out",
        under(AWSAccountId=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "the key denied",
        lambda a: a.bucket(encryption="aws:kms", key=KEY).denies(DESCRIBE_KEY, KeyId=KEY),
        denied(DESCRIBE_KEY),
    ),
    (
        "the key deleted",
        lambda a: a.bucket(encryption="aws:kms", key=KEY).refuses(
            DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY
        ),
        fails,
    ),
    (
        "no encryption configured, and so no key",
        no_encryption,
        not_applicable("no default encryption, see AR-05, AR-06 and AR-11"),
    ),
    (
        "encryption denied",
        lambda a: a.bucket().denies(GET_BUCKET_ENCRYPTION, Bucket=HOME),
        denied(GET_BUCKET_ENCRYPTION),
    ),
)
def test_ar_07_keys_are_usable(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-07") == expected


def test_ar_07_has_one_remedy_for_a_key_that_is_gone(account: Account) -> None:
    account.bucket(encryption="aws:kms", key=KEY)
    account.refuses(DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY)
    (finding,) = findings(account, "AR-07")
    assert {RemedyName.of(name).clause for name in finding.remedies.split("; ")} == {
        "keys_of_buckets_are_usable"
    }


@pytest.mark.parametrize(("state", "status"), [("Enabled", "pass"), ("Disabled", "fail")])
def test_ar_07_admits_another_account_that_the_run_names(
    tmp_path: Path, state: str, status: str
) -> None:
    account = Account(tmp_path, allowed_key_accounts=[OTHER_ACCOUNT])
    account.bucket(encryption="aws:kms", key=ABROAD)
    account.key(ABROAD, AWSAccountId=OTHER_ACCOUNT, KeyState=state)
    (finding,) = findings(account, "AR-07")
    assert finding.status == status
    assert "Key: foreign" in finding.observed


@pytest.mark.parametrize(
    ("minimum", "accepted"),
    [
        ("any", ["sse-s3", "aws-managed", "customer"]),
        ("aws-managed", ["aws-managed", "customer"]),
        ("customer", ["customer"]),
    ],
)
def test_ar_07_wants_the_class_that_the_profile_requires(
    tmp_path: Path, minimum: str, accepted: list[str]
) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text(f"minimum_key: {minimum}\n")
    account = Account(tmp_path, thresholds=str(own))
    account.bucket(HOME).bucket(SETTINGS, encryption="aws:kms")
    account.bucket(LOGS, encryption="aws:kms", key=KEY).key()
    reported = {
        next(part for part in finding.observed.split("; ") if part.startswith("Key: "))[5:]: (
            finding.status == "pass"
        )
        for finding in findings(account, "AR-07")
    }
    assert reported == {name: name in accepted for name in ("sse-s3", "aws-managed", "customer")}


def test_ar_07_requires_an_alias_in_the_buckets_own_region(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1"))
    there = HOME.replace(REGION, "us-east-1")
    account.bucket(HOME, encryption="aws:kms", key="alias/ours")
    account.bucket(there, region="us-east-1", encryption="aws:kms", key="alias/ours")
    account.key("alias/ours", REGION).key("alias/ours", "us-east-1", KeyState="Disabled")
    reported = {finding.region: finding.status for finding in findings(account, "AR-07")}
    assert reported == {REGION: "pass", "us-east-1": "fail"}


def account_open(account: Account) -> Account:
    missing = "NoSuchPublicAccessBlockConfiguration"
    return account.refuses(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)


def bucket_block(account: Account, *, public: bool = False, **on: bool) -> Account:
    """The account blocks nothing, the bucket what is named."""
    account_open(account).bucket(policy={"Statement": []}, public=public)
    answer = {"PublicAccessBlockConfiguration": on}
    return account.answers(GET_BUCKET_PUBLIC_ACCESS_BLOCK, answer, Bucket=HOME)


def with_acls(account: Account) -> Account:
    rules = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}
    return account.answers(GET_BUCKET_OWNERSHIP_CONTROLS, rules, REGION, Bucket=HOME)


ACLS = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
POLICIES = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def halves(of_account: dict[str, bool], of_bucket: dict[str, bool]) -> Given:
    """Blocks of which the account has some and the bucket others."""

    def given(account: Account) -> Account:
        bucket_block(account, **of_bucket)
        off = dict.fromkeys((*ACLS, *POLICIES), False)
        answer = {"PublicAccessBlockConfiguration": {**off, **of_account}}
        return account.answers(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, answer)

    return given


def both_blocks_denied(account: Account) -> None:
    account.denies(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK).bucket()
    account.denies(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=HOME)


@scenarios(
    ("no bucket", nothing, not_applicable("no bucket")),
    ("blocked for the account", lambda a: a.bucket(), passes),
    ("blocked for the bucket", lambda a: account_open(a).bucket(closed=True), passes),
    ("blocked nowhere", lambda a: account_open(a).bucket(), fails),
    ("ACLs blocked alone", lambda a: bucket_block(a, **ACLS), fails),
    (
        "policies blocked alone, and ACLs are disabled",
        lambda a: bucket_block(a, **POLICIES),
        passes,
    ),
    (
        "policies blocked alone, and ACLs are in force",
        lambda a: with_acls(bucket_block(a, **POLICIES)),
        fails,
    ),
    (
        "ACLs ignored rather than disabled",
        lambda a: with_acls(bucket_block(a, IgnorePublicAcls=True, RestrictPublicBuckets=True)),
        passes,
    ),
    (
        "ACLs blocked, but not ignored",
        lambda a: with_acls(bucket_block(a, **POLICIES, BlockPublicAcls=True)),
        fails,
    ),
    (
        "public policies blocked from now on, not restricted",
        lambda a: bucket_block(a, **ACLS, BlockPublicPolicy=True),
        fails,
    ),
    ("all but one", lambda a: bucket_block(a, **ACLS, BlockPublicPolicy=True), fails),
    ("all four", lambda a: bucket_block(a, **ACLS, **POLICIES), passes),
    (
        "public by its policy, and restricted for the account",
        lambda a: a.bucket(public=True),
        passes,
    ),
    (
        "public by its policy, and restricted for the bucket",
        lambda a: account_open(a).bucket(public=True, closed=True),
        passes,
    ),
    ("public by its policy", lambda a: account_open(a).bucket(public=True), fails),
    (
        "public by its policy, restricted, but ACLs are in force",
        lambda a: with_acls(bucket_block(a, public=True, RestrictPublicBuckets=True)),
        fails,
    ),
    (
        "the account's denied, the bucket's on",
        lambda a: a.denies(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK).bucket(closed=True),
        passes,
    ),
    (
        "the account's denied, the bucket's off",
        lambda a: a.denies(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK).bucket(),
        denied(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK),
    ),
    (
        "the account's on, the bucket's denied",
        lambda a: a.bucket().denies(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=HOME),
        passes,
    ),
    ("both denied", both_blocks_denied, denied(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK)),
    ("half for the account, half for the bucket", halves(ACLS, POLICIES), passes),
    ("one half twice", halves(ACLS, ACLS), fails),
    (
        "half for the account, the bucket's denied",
        lambda a: halves(ACLS, {})(a).denies(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=HOME),
        denied(GET_BUCKET_PUBLIC_ACCESS_BLOCK),
    ),
    (
        "whether the policy is public denied",
        lambda a: a.bucket().denies(GET_BUCKET_POLICY_STATUS, Bucket=HOME),
        denied(GET_BUCKET_POLICY_STATUS),
    ),
    (
        "whether the policy is public left out",
        lambda a: a.bucket().answers(GET_BUCKET_POLICY_STATUS, {}, Bucket=HOME),
        not_evidenced("absent in answer", GET_BUCKET_POLICY_STATUS),
    ),
    (
        "public by its policy, and whether it is restricted denied",
        lambda a: both_blocks_denied(a.bucket(SETTINGS)) or a.bucket(public=True),
        denied(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK),
        denied(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK),
    ),
    (
        "not blocked, whatever is denied beside it",
        lambda a: account_open(a).bucket().denies(GET_BUCKET_POLICY_STATUS, Bucket=HOME),
        fails,
    ),
)
def test_ar_14_buckets_are_closed(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-14") == expected


def test_ar_18_is_the_worst_of_encryption_at_rest(account: Account) -> None:
    account.bucket(encryption="aws:kms", key=KEY).key(KeyState="Disabled")
    found = evaluate(tabulate(account.snapshot()))
    (roll_up,) = (one for one in found.roll_ups if one.control == "AR-18")
    assert roll_up.status == "fail"
    assert roll_up.evidence == (*(f"AR-{n:02}" for n in (*range(5, 12), 20)), "LG-03")
    assert roll_up.observed == "fail (high), by AR-07: 1 of 9 findings"


@scenarios(
    ("no fleet", nothing, not_applicable("no fleet")),
    (
        "a fleet",
        lambda a: a.fleet(),
        attested(
            'AWS, "Data Protection in Amazon AppStream 2.0", Encryption at rest: "AppStream 2.0 period'
        ),
    ),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
)
def test_ar_02_recycling(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-02") == expected


def test_ar_04_no_interface_reports_disks(account: Account) -> None:
    (finding,) = findings(account.fleet(), "AR-04")
    assert (finding.status, finding.reason) == ("not evidenced", "no API")
    assert "AR-01" in finding.hint
    assert "AR-03" in finding.hint


def test_ar_04_does_not_change_the_exit_code(account: Account) -> None:
    assert Findings(findings(account, "AR-04")).exit_code == 0


def test_ar_04_is_attested_by_a_statement_of_aws(tmp_path: Path) -> None:
    account = Account(tmp_path, disk_encryption_statement="Support case 4711")
    assert verdicts(account, "AR-04") == [attested("statement of AWS: Support case 4711")]
