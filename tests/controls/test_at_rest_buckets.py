"""Encryption at rest, keys and buckets: what each control says of which account."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_BUCKETS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_KEY,
    DESCRIBE_STACKS,
    DESCRIBE_TRAILS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    EACH_SCREENSHOTS,
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_ENCRYPTION,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_OWNERSHIP_CONTROLS,
    GET_BUCKET_POLICY,
    GET_BUCKET_POLICY_STATUS,
    GET_BUCKET_PUBLIC_ACCESS_BLOCK,
    GET_BUCKET_REPLICATION,
    GET_BUCKET_VERSIONING,
    GET_EVENT_DATA_STORE,
    GET_KEY_ROTATION_STATUS,
    GET_MACIE_SESSION,
    LIST_BUCKETS,
    LIST_EVENT_DATA_STORES,
)
from kit.controls import CONTROLS
from kit.tables import tabulate
from kit.tables.guards import owner
from tests.controls.scenarios import (
    Given,
    Verdict,
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
    HOME,
    KEY,
    LOGS,
    REGION,
    SETTINGS,
    Account,
    day,
    erases,
    restricted,
    tls_only,
)

NO_BUCKET = not_applicable("no bucket")
OFF = {"KeyRotationEnabled": False}
NO_KEY = not_applicable("no customer managed key that KMS can rotate")
OTHER_ACCOUNT = "999999999999"
ABROAD = f"arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/1b2c3d4e-0000-4000-8000-000000000009"
STORE = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:eventdatastore/lake"
MACIE_OFF = not_evidenced("Macie off")
UNDECLARED = not_evidenced("not declared")


def under(**metadata: Any) -> Given:
    return lambda account: account.bucket(encryption="aws:kms", key=KEY).key(**metadata)


def no_encryption(account: Account, bucket: str = HOME) -> Account:
    code = "ServerSideEncryptionConfigurationNotFoundError"
    account.bucket(bucket)
    return account.refuses(GET_BUCKET_ENCRYPTION, code, region=REGION, status=404, Bucket=bucket)


@scenarios(
    ("no key in use", nothing, NO_KEY),
    ("S3's own keys", lambda a: a.bucket(), NO_KEY),
    (
        "a bucket of a region that is not in scope",
        lambda a: a.bucket(HOME.replace(REGION, "us-east-1"), region="us-east-1"),
        NO_KEY,
    ),
    (
        "a bucket that AWS does not name",
        lambda a: agents(a, arn=None),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "a source of the account's own, whose copies are not in scope",
        lambda a: block(a).bucket(SOURCES).denies(GET_BUCKET_REPLICATION, Bucket=SOURCES),
        NO_KEY,
    ),
    ("KMS without a key named", lambda a: a.bucket(encryption="aws:kms"), NO_KEY),
    ("AWS's key, of which KMS says nothing", under(KeyManager="AWS", rotation=None), NO_KEY),
    ("not made by KMS", under(Origin="EXTERNAL", rotation=None), NO_KEY),
    ("not symmetric", under(KeySpec="RSA_2048", rotation=None), NO_KEY),
    ("rotates", under(), passes),
    ("does not rotate", under(rotation={"KeyRotationEnabled": False}), fails),
    *(
        (f"{state}, which AR-07 reports", under(KeyState=state, rotation=OFF), NO_KEY)
        for state in ("PendingDeletion", "Disabled", "Unavailable")
    ),
    (
        "its state left out",
        under(KeyState=None, rotation=OFF),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    (
        "whether it rotates left out",
        under(rotation={"KeyId": "1b2c"}),
        not_evidenced("absent in answer", GET_KEY_ROTATION_STATUS),
    ),
    (
        "whose it is left out",
        under(KeyManager=None, rotation=None),
        not_evidenced("absent in answer", DESCRIBE_KEY),
    ),
    ("AWS's, its origin left out", under(KeyManager="AWS", Origin=None, rotation=None), NO_KEY),
    (
        "rotation denied",
        lambda a: under()(a).denies(GET_KEY_ROTATION_STATUS, KeyId=KEY),
        denied(GET_KEY_ROTATION_STATUS),
    ),
    (
        "the key denied",
        lambda a: a.bucket(encryption="aws:kms", key=KEY).denies(DESCRIBE_KEY, KeyId=KEY),
        denied(DESCRIBE_KEY),
    ),
    (
        "the key is gone, which AR-07 is about",
        lambda a: a.bucket(encryption="aws:kms", key=KEY).refuses(
            DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY
        ),
        NO_KEY,
    ),
    (
        "encryption denied",
        lambda a: a.bucket().denies(GET_BUCKET_ENCRYPTION, Bucket=HOME),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    ("one key of a bucket and a trail", lambda a: under()(a.trail(KmsKeyId=KEY)), passes),
    ("a trail's key", lambda a: a.trail(KmsKeyId=KEY).key(), passes),
    ("an event data store's key", lambda a: a.store(KmsKeyId=KEY).key(), passes),
    (
        "the store denied",
        lambda a: a.store().denies(GET_EVENT_DATA_STORE, EventDataStore=STORE),
        denied(GET_EVENT_DATA_STORE),
    ),
    (
        "another account's key that does not rotate",
        lambda a: a.bucket(encryption="aws:kms", key=ABROAD).key(
            ABROAD, AWSAccountId=OTHER_ACCOUNT, rotation={"KeyRotationEnabled": False}
        ),
        fails,
    ),
    (
        "another account's key that the collector may not see",
        lambda a: a.trail(KmsKeyId=ABROAD).denies(DESCRIBE_KEY, KeyId=ABROAD),
        not_evidenced("administrator", DESCRIBE_KEY, "AccessDeniedException"),
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
    ("trails denied", lambda a: a.denies(DESCRIBE_TRAILS), denied(DESCRIBE_TRAILS)),
    (
        "stores denied",
        lambda a: a.denies(LIST_EVENT_DATA_STORES),
        denied(LIST_EVENT_DATA_STORES),
    ),
)
def test_ar_08_keys_rotate(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-08") == expected


def test_ar_08_has_a_key_once_whatever_it_is_called(account: Account) -> None:
    account.bucket(encryption="aws:kms", key=KEY).key()
    account.bucket(SETTINGS, encryption="aws:kms", key="alias/ours").key("alias/ours")
    (finding,) = findings(account, "AR-08")
    assert finding.status == "pass"
    assert finding.resource == f"key {KEY.rpartition('/')[2]}"


def test_ar_08_requires_a_trails_key_where_the_key_is(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, "us-east-1"))
    there = KEY.replace(REGION, "us-east-1")
    account.trail(KmsKeyId=there).key(there, "us-east-1")
    reported = {finding.region: finding.status for finding in findings(account, "AR-08")}
    assert reported == {REGION: "not applicable", "us-east-1": "pass"}


def counted(**counts: int) -> Given:
    return lambda account: account.bucket().watched(objectCountByEncryptionType=counts)


def macie_refuses(message: str) -> Given:
    code = "AccessDeniedException"
    return lambda account: account.bucket().refuses(GET_MACIE_SESSION, code, message)


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("all encrypted", lambda a: a.bucket().watched(), passes),
    ("some not encrypted", counted(unencrypted=1, unknown=0), fails),
    ("of some nobody knows", counted(unencrypted=0, unknown=1), to_be_reviewed),
    ("both", counted(unencrypted=1, unknown=1), fails),
    ("some not encrypted, the rest left out", counted(unencrypted=1), fails),
    (
        "the count left out",
        counted(unknown=0),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    (
        "all counts left out",
        lambda a: a.bucket().watched(objectCountByEncryptionType=None),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    (
        "Macie does not know the bucket",
        lambda a: a.bucket().watched("another"),
        not_evidenced("absent in answer", DESCRIBE_BUCKETS),
    ),
    ("paused", lambda a: a.bucket().answers(GET_MACIE_SESSION, {"status": "PAUSED"}), MACIE_OFF),
    ("never enabled", macie_refuses("Macie is not enabled."), MACIE_OFF),
    ("Macie denied", macie_refuses(""), denied(GET_MACIE_SESSION)),
    (
        "what Macie knows denied",
        lambda a: a.bucket().denies(DESCRIBE_BUCKETS, REGION),
        denied(DESCRIBE_BUCKETS),
    ),
    (
        "an old bucket says nothing of its objects",
        lambda a: a.bucket().watched(objectCountByEncryptionType={"unencrypted": 0, "unknown": 9}),
        to_be_reviewed,
    ),
)
def test_ar_09_stored_objects_are_encrypted(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-09") == expected


def blocking(*kinds: str) -> Given:
    def given(account: Account) -> None:
        rule: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        rule["BlockedEncryptionTypes"] = {"EncryptionType": list(kinds)}
        answer = {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}
        account.bucket().answers(GET_BUCKET_ENCRYPTION, answer, REGION, Bucket=HOME)

    return given


def refusing(condition: dict[str, Any], **members: Any) -> Given:
    """A bucket whose encryption blocks nothing, and whose policy refuses uploads on a condition."""
    stated = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{HOME}/*", **members}
    policy = tls_only(HOME, Condition=condition, **stated)
    return lambda account: account.bucket(policy=policy, blocks_sse_c=False)


BY_WRITER = "s3:x-amz-server-side-encryption-customer-algorithm"


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("blocked", lambda a: a.bucket(), passes),
    ("not mentioned", lambda a: a.bucket(blocks_sse_c=False), fails),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
    ("refused by the policy", refusing({"Null": {BY_WRITER: "false"}}), passes),
    ("refused by its algorithm", refusing({"StringEquals": {BY_WRITER: "AES256"}}), passes),
    (
        "refused without KMS",
        refusing({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}),
        passes,
    ),
    (
        "refused with KMS",
        refusing({"StringEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}),
        fails,
    ),
    ("refused without SSE-C", refusing({"Null": {BY_WRITER: "true"}}), fails),
    (
        "refused in some folders",
        refusing({"Null": {BY_WRITER: "false"}}, Resource=f"arn:aws:s3:::{HOME}/user/*"),
        fails,
    ),
    (
        "refused to some",
        refusing({"Null": {BY_WRITER: "false"}}, Principal={"AWS": ACCOUNT}),
        fails,
    ),
    (
        "blocked, and the policy denied",
        lambda a: a.bucket().denies(GET_BUCKET_POLICY, Bucket=HOME),
        passes,
    ),
    (
        "not blocked, and the policy denied",
        lambda a: a.bucket(blocks_sse_c=False).denies(GET_BUCKET_POLICY, Bucket=HOME),
        denied(GET_BUCKET_POLICY),
    ),
    ("nothing blocked", blocking("NONE"), fails),
    ("an empty list", blocking(), fails),
    ("no encryption configured", no_encryption, fails),
    (
        "encryption denied",
        lambda a: a.bucket().denies(GET_BUCKET_ENCRYPTION, Bucket=HOME),
        denied(GET_BUCKET_ENCRYPTION),
    ),
)
def test_ar_10_sse_c_is_blocked(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-10") == expected


def subscribed(account: Account, name: str | None = LOGS) -> Account:
    return account.lists(
        DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, {"S3BucketName": name} if name else {}
    )


NO_LOGS = not_applicable("no log bucket")


@scenarios(
    ("nothing", nothing, NO_LOGS),
    ("buckets of other purposes", lambda a: a.bucket().bucket(SETTINGS), NO_LOGS),
    ("SSE-S3", lambda a: subscribed(a.bucket(LOGS)), passes),
    ("SSE-KMS", lambda a: a.bucket(LOGS, encryption="aws:kms"), passes),
    ("left behind", lambda a: a.bucket(LOGS), passes),
    ("no encryption configured", lambda a: no_encryption(a, LOGS), fails),
    (
        "reports are on, and AWS leaves the bucket's name out",
        lambda a: subscribed(a, None),
        not_evidenced("absent in answer", DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
    (
        "encryption denied",
        lambda a: a.bucket(LOGS).denies(GET_BUCKET_ENCRYPTION, Bucket=LOGS),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
    (
        "subscriptions denied",
        lambda a: a.denies(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
        denied(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS),
    ),
    ("stacks denied, which tell nothing of logs", lambda a: a.denies(DESCRIBE_STACKS), NO_LOGS),
)
def test_ar_11_logs_are_encrypted(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-11") == expected


SOURCES = "packages"
LOCATION = {"S3Bucket": SOURCES, "S3Key": "app.vhdx"}


def block(account: Account, **members: Any) -> Account:
    reported: dict[str, Any] = {"Name": "cad", "Arn": "arn:app-block", "State": "ACTIVE"}
    return account.lists(DESCRIBE_APP_BLOCKS, reported | {"SourceS3Location": LOCATION} | members)


def source(**members: Any) -> Given:
    """An app block from a bucket that is as it should be, but for what is said."""
    settings = {"listed": False, "versioning": "Enabled"} | members
    return lambda account: block(account).bucket(SOURCES, **settings)


def named_by(account: Account) -> Account:
    return account.bucket(SOURCES, listed=False, versioning="Enabled")


def script(details: str) -> Given:
    member = {"ScriptS3Location": LOCATION, "ExecutablePath": "a", "TimeoutInSeconds": 9}
    member_of = {"SourceS3Location": {"S3Bucket": "other"}, details: member}

    def given(account: Account) -> None:
        block(named_by(account), **member_of)
        account.bucket("other", listed=False, versioning="Enabled")

    return given


NO_SOURCE = not_applicable("no bucket that Elastic fleets load from")


@scenarios(
    ("nothing", nothing, NO_SOURCE),
    ("a fleet without a script", lambda a: a.fleet(), NO_SOURCE),
    ("as it should be", source(), passes),
    ("AWS's key", source(encryption="aws:kms"), passes),
    ("public by its policy", source(public=True), fails),
    ("public access not blocked, but not public either", source(closed=False), passes),
    ("ACLs on", source(ownership="ObjectWriter"), fails),
    ("ownership never set", source(ownership=""), fails),
    ("never versioned", source(versioning=""), fails),
    ("versioning suspended", source(versioning="Suspended"), fails),
    ("a customer's key", lambda a: source(encryption="aws:kms", key=KEY)(a).key(), fails),
    (
        "another account's key",
        lambda a: source(encryption="aws:kms", key=ABROAD)(a).key(
            ABROAD, AWSAccountId=OTHER_ACCOUNT
        ),
        fails,
    ),
    (
        "alias/aws/s3",
        lambda a: source(encryption="aws:kms", key="alias/aws/s3")(a).key(
            "alias/aws/s3", KeyManager="AWS"
        ),
        passes,
    ),
    ("SSE-C is not its business", source(blocks_sse_c=False), passes),
    ("no encryption configured", lambda a: no_encryption(block(a), SOURCES), fails),
    ("script", script("SetupScriptDetails"), passes, passes),
    ("script afterwards", script("PostSetupScriptDetails"), passes, passes),
    (
        "icon",
        lambda a: named_by(a).lists(DESCRIBE_APPLICATIONS, {"IconS3Location": LOCATION}),
        passes,
    ),
    ("session script", lambda a: named_by(a).fleet(SessionScriptS3Location=LOCATION), passes),
    (
        "an app block whose source AWS leaves out",
        lambda a: a.lists(DESCRIBE_APP_BLOCKS, {"Name": "cad", "Arn": "arn:app-block"}),
        not_evidenced("absent in answer", DESCRIBE_APP_BLOCKS),
    ),
    (
        "an app block that is not made yet",
        lambda a: a.lists(
            DESCRIBE_APP_BLOCKS, {"Name": "cad", "Arn": "arn:app-block", "State": "INACTIVE"}
        ),
        NO_SOURCE,
    ),
    (
        "another account's bucket",
        lambda a: block(a).denies(GET_BUCKET_POLICY_STATUS, Bucket=SOURCES),
        denied(GET_BUCKET_POLICY_STATUS),
    ),
    (
        "public, whatever is denied beside it",
        lambda a: source(public=True)(a).denies(GET_BUCKET_VERSIONING, Bucket=SOURCES),
        fails,
    ),
    (
        "versioning denied",
        lambda a: source()(a).denies(GET_BUCKET_VERSIONING, Bucket=SOURCES),
        denied(GET_BUCKET_VERSIONING),
    ),
    (
        "ownership denied",
        lambda a: source()(a).denies(GET_BUCKET_OWNERSHIP_CONTROLS, Bucket=SOURCES),
        denied(GET_BUCKET_OWNERSHIP_CONTROLS),
    ),
    ("app blocks denied", lambda a: a.denies(DESCRIBE_APP_BLOCKS), denied(DESCRIBE_APP_BLOCKS)),
    (
        "applications denied",
        lambda a: a.denies(DESCRIBE_APPLICATIONS),
        denied(DESCRIBE_APPLICATIONS),
    ),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
)
def test_ar_12_sources_are_protected(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-12") == expected


def test_whose_a_bucket_is_stays_open_where_every_call_about_it_is_denied(
    account: Account,
) -> None:
    source(ours=False)(account)
    for call in (GET_BUCKET_ENCRYPTION, GET_BUCKET_POLICY_STATUS, GET_BUCKET_VERSIONING):
        account.denies(call, Bucket=SOURCES)
    found = owner(account.answered(), SOURCES)
    assert found.value is None
    assert found.gap
    assert found.gap.operation == GET_BUCKET_ENCRYPTION.name


def test_ar_12_never_advises_a_key_that_elastic_fleets_cannot_use(account: Account) -> None:
    for remedy in CONTROLS["AR-12"].remedies:
        assert "aws:kms" not in remedy.cli + remedy.terraform
    remedy = CONTROLS["AR-12"].remedy("elastic_fleets_can_read_them")
    assert "cannot read what a customer managed key" in " ".join(remedy.console.split())


def test_ar_12_shows_a_bucket_by_its_label(account: Account) -> None:
    source()(account)
    (finding,) = findings(account, "AR-12")
    assert finding.resource.startswith("bucket-")
    assert SOURCES not in json.dumps(finding.observed)


SHOTS = "screenshots"
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def agents(account: Account, arn: str | None = f"arn:aws:s3:::{SHOTS}", on: bool = True) -> Account:
    config = {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
        "ScreenshotsUploadEnabled": on,
        **({"S3BucketArn": arn} if arn else {}),
    }
    return account.stack(AgentAccessConfig=config)


def blocking(account: Account, but: str) -> Account:
    """All public access but one kind is blocked for the account."""
    blocked = dict.fromkeys(BLOCKS, True) | {but: False}
    answer = {"PublicAccessBlockConfiguration": blocked}
    return account.answers(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, answer)


def shots(**members: Any) -> Given:
    settings = {"listed": False, "lifecycle": [erases()]} | members
    return lambda account: agents(account).bucket(SHOTS, **settings)


def recorded(
    on: bool | None = True, arn: str | None = f"arn:aws:s3:::{SHOTS}", **more: Any
) -> Given:
    """A stack of which agents' sessions are recorded, and no screenshots are uploaded."""
    config = {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
        "ScreenshotsUploadEnabled": False,
        **({} if on is None else {"ReplaySessionEnabled": on}),
        **({"S3BucketArn": arn} if arn else {}),
        **more,
    }
    return lambda account: account.stack("recorded", AgentAccessConfig=config)


def on_a_builder(on: bool | None = True, arn: str | None = f"arn:aws:s3:::{SHOTS}") -> Given:
    """An image builder in which agents work."""
    config = {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
        **({} if on is None else {"ScreenshotsUploadEnabled": on}),
        **({"S3BucketArn": arn} if arn else {}),
    }
    builder = {
        "Name": "builder",
        "Arn": f"arn:aws:appstream:{REGION}:{ACCOUNT}:image-builder/builder",
        "AgentAccessConfig": config,
    }
    return lambda account: account.lists(DESCRIBE_IMAGE_BUILDERS, builder)


def to(bucket: Given, *others: Given) -> Given:
    """Several things given of one account."""

    def given(account: Account) -> Account:
        for each in (*others, bucket):
            each(account)
        return account

    return given


def the_bucket(**members: Any) -> Given:
    settings = {"listed": False, "lifecycle": [erases()]} | members
    return lambda account: account.bucket(SHOTS, **settings)


def keyed(**members: Any) -> Given:
    """Recordings under a customer's key, of which KMS describes these members."""
    return to(the_bucket(), recorded(KmsKeyArn=KEY), lambda a: a.key(**members))


@scenarios(
    ("screenshots alone", shots(), "agents' screenshots"),
    ("recordings alone", to(the_bucket(), recorded()), "recordings of agents' sessions"),
    ("screenshots of a builder", to(the_bucket(), on_a_builder()), "agents' screenshots"),
    (
        "both, of two stacks",
        to(the_bucket(), agents, recorded()),
        "agents' screenshots, and recordings of their sessions",
    ),
    (
        "both, of one stack",
        to(the_bucket(), recorded(ScreenshotsUploadEnabled=True)),
        "agents' screenshots, and recordings of their sessions",
    ),
    (
        "a bucket that is named, and left to its default",
        on_a_builder(on=None),
        "agents' screenshots",
    ),
)
def test_a_bucket_holds_what_is_collected_of_agents(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    frame = tabulate(account.answered(), {"places"})["places"].frame
    assert [one for one in frame["holds"] if "agents" in one] == expected


NO_SHOTS = not_applicable("no bucket of agents' screenshots or recordings")


@scenarios(
    ("no stack", nothing, NO_SHOTS),
    ("no agents", lambda a: a.stack(), NO_SHOTS),
    ("agents that upload nothing", lambda a: agents(a, on=False), NO_SHOTS),
    ("as it should be", shots(), passes),
    ("public by its policy", shots(public=True), fails),
    ("kept for ever", shots(lifecycle=None), fails),
    ("no encryption configured", lambda a: no_encryption(agents(a), SHOTS), fails),
    (
        "nothing blocked",
        lambda a: account_open(shots()(a)),
        fails,
    ),
    ("blocked for the bucket", lambda a: account_open(shots(closed=True)(a)), passes),
    *((f"all blocked but {one}", to(shots(), partial(blocking, but=one)), fails) for one in BLOCKS),
    (
        "the bucket's name left out",
        lambda a: agents(a, None),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "the bucket's name left out for an image builder",
        on_a_builder(arn=None),
        not_evidenced("absent in answer", DESCRIBE_IMAGE_BUILDERS),
    ),
    ("recordings, as it should be", to(the_bucket(), recorded()), passes),
    ("recordings, public by policy", to(the_bucket(public=True), recorded()), fails),
    ("recordings, kept for ever", to(the_bucket(lifecycle=None), recorded()), fails),
    (
        "recordings under a key, and a bucket without encryption",
        lambda a: no_encryption(recorded(KmsKeyArn=KEY)(a), SHOTS),
        fails,
    ),
    ("recordings under a key", keyed(), passes),
    ("recordings under a key that is going", keyed(KeyState="PendingDeletion"), fails),
    ("recordings under a key that is disabled", keyed(KeyState="Disabled"), fails),
    (
        "recordings under a key that is gone",
        to(
            the_bucket(),
            recorded(KmsKeyArn=KEY),
            lambda a: a.refuses(DESCRIBE_KEY, "NotFoundException", status=400, KeyId=KEY),
        ),
        fails,
    ),
    (
        "recordings under a key that is not described",
        to(the_bucket(), recorded(KmsKeyArn=KEY), lambda a: a.denies(DESCRIBE_KEY, KeyId=KEY)),
        denied(DESCRIBE_KEY),
    ),
    (
        "a key that is going is named, and nothing recorded",
        to(
            the_bucket(),
            recorded(on=False, KmsKeyArn=KEY),
            lambda a: agents(a.key(KeyState="PendingDeletion")),
        ),
        passes,
    ),
    (
        "a bucket under a key that is enabled",
        to(shots(key=KEY, encryption="aws:kms"), lambda a: a.key()),
        passes,
    ),
    (
        "a bucket under a key that is disabled",
        to(shots(key=KEY, encryption="aws:kms"), lambda a: a.key(KeyState="Disabled")),
        fails,
    ),
    ("recordings off, though a bucket is named", recorded(on=False), NO_SHOTS),
    ("recordings never set, though a bucket is named", recorded(on=None), NO_SHOTS),
    (
        "recordings into a bucket whose name is left out",
        recorded(arn=None),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "screenshots and recordings in one bucket",
        to(the_bucket(), recorded(), lambda a: agents(a)),
        passes,
    ),
    (
        "under another account's key",
        to(shots(encryption="aws:kms", key=KEY), lambda a: a.key(AWSAccountId=OTHER_ACCOUNT)),
        fails,
    ),
    (
        "recordings under another account's key",
        to(the_bucket(), recorded(KmsKeyArn=ABROAD), lambda a: a.key(ABROAD)),
        fails,
    ),
    (
        "recordings under a declared account's key",
        to(
            lambda a: setattr(
                a, "run", a.run.model_copy(update={"allowed_key_accounts": [OTHER_ACCOUNT]})
            ),
            the_bucket(),
            recorded(KmsKeyArn=ABROAD),
            lambda a: a.key(ABROAD),
        ),
        passes,
    ),
    ("a builder's, as it should be", to(the_bucket(), on_a_builder()), passes),
    ("a builder's, public by policy", to(the_bucket(public=True), on_a_builder()), fails),
    ("a builder that uploads nothing", on_a_builder(on=False), NO_SHOTS),
    ("a builder of which only the bucket is known", to(the_bucket(), on_a_builder(None)), passes),
    ("a builder of which nothing is known", on_a_builder(None, None), NO_SHOTS),
    (
        "image builders denied",
        lambda a: a.denies(DESCRIBE_IMAGE_BUILDERS),
        denied(DESCRIBE_IMAGE_BUILDERS),
    ),
    (
        "encryption denied",
        lambda a: shots()(a).denies(GET_BUCKET_ENCRYPTION, Bucket=SHOTS),
        denied(GET_BUCKET_ENCRYPTION),
    ),
    (
        "the block denied",
        lambda a: account_open(shots()(a)).denies(GET_BUCKET_PUBLIC_ACCESS_BLOCK, Bucket=SHOTS),
        denied(GET_BUCKET_PUBLIC_ACCESS_BLOCK),
    ),
    (
        "lifecycle denied",
        lambda a: shots()(a).denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=SHOTS),
        denied(GET_BUCKET_LIFECYCLE_CONFIGURATION),
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ar_13_screenshots_are_protected(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-13") == expected


def rotation(on: bool) -> Given:
    """Recordings under a customer's key, which rotates or does not."""
    return to(
        the_bucket(),
        lambda a: a.key(rotation={"KeyRotationEnabled": on}),
        recorded(KmsKeyArn=KEY),
    )


@scenarios(
    ("recordings without a key", to(the_bucket(), recorded()), NO_KEY),
    ("the key of recordings rotates", rotation(True), passes),
    ("it does not", rotation(False), fails),
    ("a key is named, and nothing recorded", recorded(on=False, KmsKeyArn=KEY), NO_KEY),
)
def test_ar_08_the_key_of_recordings_is_in_scope(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-08") == expected


def test_buckets_and_keys_of_agents_are_requested() -> None:
    bucket, look = f"arn:aws:s3:::{SHOTS}", {"ScreenResolution": "W_1280xH_720"}
    named: dict[str, Any] = {**look, "S3BucketArn": bucket, "KmsKeyArn": KEY}
    for uploads, records, requested in (
        (True, False, True),
        (False, True, True),
        (False, False, False),
        (None, None, True),
        (False, None, False),
    ):
        reported = {"ScreenshotsUploadEnabled": uploads, "ReplaySessionEnabled": records}
        config = named | {name: on for name, on in reported.items() if on is not None}
        stacks = {"Stacks": [{"Name": "x", "AgentAccessConfig": config}]}
        of_stacks = [each for each in EACH_SCREENSHOTS if each.source is DESCRIBE_STACKS]
        wanted = [one for each in of_stacks for one in each.wanted(stacks)]
        assert wanted == ([{"Bucket": SHOTS}] if requested else [])
        keys = [each for each in DESCRIBE_KEY.each if each.source is DESCRIBE_STACKS]
        wanted = [one for each in keys for one in each.wanted(stacks)]
        assert wanted == ([{"KeyId": KEY}] if records else [])


def account_open(account: Account) -> Account:
    missing = "NoSuchPublicAccessBlockConfiguration"
    return account.refuses(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, missing, status=404)


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("the bucket's owner owns all", lambda a: a.bucket(), passes),
    ("preferred", lambda a: a.bucket(ownership="BucketOwnerPreferred"), fails),
    ("the writer owns", lambda a: a.bucket(ownership="ObjectWriter"), fails),
    ("never set", lambda a: a.bucket(ownership=""), fails),
    (
        "denied",
        lambda a: a.bucket().denies(GET_BUCKET_OWNERSHIP_CONTROLS, Bucket=HOME),
        denied(GET_BUCKET_OWNERSHIP_CONTROLS),
    ),
)
def test_ar_15_acls_are_disabled(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-15") == expected


ARN = f"arn:aws:s3:::{HOME}"
GUARD = {
    "Sid": "PreventAccidentalDeletionOfBucket",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:DeleteBucket",
    "Resource": ARN,
}
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/StreamingAdmin"


def restricting(**changes: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [ADMIN]},
        "Action": "s3:*",
        "Resource": [ARN, f"{ARN}/*"],
        **changes,
    }
    return {name: value for name, value in statement.items() if value is not None}


def by_condition(operator: str, key: str, *values: str, **further: Any) -> dict[str, Any]:
    condition = {operator: {key: list(values)}} | further
    return restricting(NotPrincipal=None, Principal="*", Condition=condition)


def stating(*statements: dict[str, Any]) -> Given:
    return lambda account: account.bucket(policy={"Statement": list(statements)})


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("no policy", lambda a: a.bucket(), fails),
    ("the guard alone, as AppStream makes it", stating(GUARD), fails),
    ("the restriction alone", stating(restricting()), fails),
    ("both", stating(GUARD, restricting()), passes),
    ("the TLS statement stands for neither", lambda a: a.bucket(policy=tls_only(HOME)), fails),
    (
        "a guard against one account alone",
        stating(GUARD | {"Principal": {"AWS": OTHER_ACCOUNT}}, restricting()),
        fails,
    ),
    (
        "a guard with a condition",
        stating(GUARD | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, restricting()),
        fails,
    ),
    (
        "a guard of another bucket",
        stating(GUARD | {"Resource": "arn:aws:s3:::x"}, restricting()),
        fails,
    ),
    ("an allowance", stating(GUARD | {"Effect": "Allow"}, restricting()), fails),
    ("actions in any case", stating(GUARD | {"Action": "S3:deletebucket"}, restricting()), passes),
    ("everything but everybody", stating(GUARD, restricting(NotPrincipal={"AWS": "*"})), fails),
    ("reads alone", stating(GUARD, restricting(Action="s3:GetObject")), fails),
    ("objects alone", stating(GUARD, restricting(Resource=f"{ARN}/*")), fails),
    (
        "a restriction under a condition",
        stating(GUARD, restricting(Condition={"Bool": {"aws:SecureTransport": "false"}})),
        fails,
    ),
    ("by ARN", stating(GUARD, by_condition("ArnNotLike", "aws:PrincipalArn", ADMIN)), passes),
    (
        "by ARN as text, if there is one",
        stating(GUARD, by_condition("StringNotEqualsIfExists", "AWS:principalarn", ADMIN)),
        passes,
    ),
    (
        "by ARN, all of them",
        stating(GUARD, by_condition("ArnNotLike", "aws:PrincipalArn", "*")),
        fails,
    ),
    (
        "by ARN, the wrong way",
        stating(GUARD, by_condition("ArnLike", "aws:PrincipalArn", ADMIN)),
        fails,
    ),
    (
        "by id",
        stating(GUARD, by_condition("StringNotLike", "aws:userId", "AROAEXAMPLE:*")),
        passes,
    ),
    (
        "by ARN, services excepted",
        stating(
            GUARD,
            by_condition(
                "ArnNotLike",
                "aws:PrincipalArn",
                ADMIN,
                BoolIfExists={"aws:PrincipalIsAWSService": "false"},
            ),
        ),
        passes,
    ),
    (
        "by ARN, from one network alone",
        stating(
            GUARD,
            by_condition(
                "ArnNotLike", "aws:PrincipalArn", ADMIN, IpAddress={"aws:SourceIp": "192.0.2.1"}
            ),
        ),
        fails,
    ),
    (
        "the policy denied",
        lambda a: a.bucket().denies(GET_BUCKET_POLICY, Bucket=HOME),
        denied(GET_BUCKET_POLICY),
    ),
)
def test_ar_16_access_and_deletion_are_restricted(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "AR-16") == expected


def ruled(*rules: Any, bucket: str = LOGS, versioning: str = "") -> Given:
    return lambda account: account.bucket(bucket, lifecycle=list(rules), versioning=versioning)


def sized(days: int = 30, **bounds: int) -> dict[str, Any]:
    """A rule about objects between two sizes: ``Greater``, ``Less``."""
    return erases(days, Filter={f"ObjectSize{name}Than": n for name, n in bounds.items()})


LARGE, SMALL = sized(Greater=9), sized(60, Less=10)
SMALL_LATER = {**SMALL, "Expiration": {"Date": day("2099-01-01")}}
SMALL_KEPT = {
    **SMALL,
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1},
}


@scenarios(
    ("no bucket", nothing, NO_BUCKET),
    ("logs without a rule", lambda a: a.bucket(LOGS), fails),
    ("home folders without a rule", lambda a: a.bucket(), UNDECLARED),
    ("settings without a rule", lambda a: a.bucket(SETTINGS), UNDECLARED),
    ("everything expires", ruled(erases()), passes),
    ("everything expires in home folders", ruled(erases(), bucket=HOME), passes),
    ("an empty filter", ruled(erases(Filter={})), passes),
    (
        "no filter",
        ruled(erases(Filter=None)),
        not_evidenced("absent in answer", GET_BUCKET_LIFECYCLE_CONFIGURATION),
    ),
    ("an empty prefix of the old kind", ruled(erases(Filter=None, Prefix="")), passes),
    ("one folder", ruled(erases(Filter={"Prefix": "sessions/"})), fails),
    ("one folder, of the old kind", ruled(erases(Filter=None, Prefix="sessions/")), fails),
    ("one folder of home folders", ruled(erases(Filter={"Prefix": "a"}), bucket=HOME), UNDECLARED),
    ("what is tagged", ruled(erases(Filter={"Tag": {"Key": "a", "Value": "b"}})), fails),
    ("what is large", ruled(erases(Filter={"ObjectSizeGreaterThan": 9})), fails),
    ("what is not empty", ruled(erases(Filter={"ObjectSizeGreaterThan": 0})), fails),
    (
        "what is larger than any number of JSON's",
        ruled(erases(Filter={"ObjectSizeGreaterThan": 2**60})),
        fails,
    ),
    (
        "what is smaller than any number of JSON's",
        ruled(erases(Filter={"ObjectSizeLessThan": 2**60})),
        fails,
    ),
    (
        "what is larger than no size",
        ruled(erases(Filter={"ObjectSizeGreaterThan": -(2**60)})),
        passes,
    ),
    ("what is smaller than no size", ruled(erases(Filter={"ObjectSizeLessThan": -(2**60)})), fails),
    ("what is large and what is small", ruled(LARGE, SMALL), passes),
    ("what is large and what is smaller than that", ruled(LARGE, sized(Less=9)), fails),
    ("what is large, and what is small from a day ahead on", ruled(LARGE, SMALL_LATER), fails),
    ("what is large and what is small, without versions", ruled(LARGE, SMALL_KEPT), passes),
    (
        "what is large and what is small, a version of which stays",
        ruled(LARGE, SMALL_KEPT, versioning="Suspended"),
        fails,
    ),
    ("off", ruled(erases(Status="Disabled")), fails),
    ("no expiry", ruled(erases(Expiration=None)), fails),
    ("markers alone", ruled(erases(Expiration={"ExpiredObjectDeleteMarker": True})), fails),
    ("from a day on", ruled(erases(Expiration={"Date": AS_OF})), passes),
    ("from a day long ago on", ruled(erases(Expiration={"Date": day("2019-01-22")})), passes),
    ("from a day ahead on", ruled(erases(Expiration={"Date": day("2099-01-01")})), fails),
    ("from tomorrow on", ruled(erases(Expiration={"Date": AS_OF + dt.timedelta(days=1)})), fails),
    (
        "from the last day that there is on",
        ruled(erases(Expiration={"Date": day("9999-12-31")})),
        fails,
    ),
    (
        "from a day ahead on, earlier versions before",
        ruled(
            erases(
                Expiration={"Date": day("2099-01-01")},
                NoncurrentVersionExpiration={"NoncurrentDays": 5},
            ),
            versioning="Enabled",
        ),
        fails,
    ),
    (
        "from a day ahead on, in home folders",
        ruled(erases(Expiration={"Date": day("2099-01-01")}), bucket=HOME),
        fails,
    ),
    (
        "from a day ahead on, and after days before it",
        ruled(erases(Expiration={"Date": day("2099-01-01")}), erases(30)),
        passes,
    ),
    (
        "both folders of reports, each by a rule",
        ruled(*(erases(Filter={"Prefix": folder}) for folder in ("sessions/", "applications/"))),
        to_be_reviewed,
    ),
    (
        "both folders of reports, one of them from a day ahead on",
        ruled(
            erases(Filter={"Prefix": "sessions/"}),
            erases(Filter={"Prefix": "applications/"}, Expiration={"Date": day("2099-01-01")}),
        ),
        fails,
    ),
    (
        "both folders of reports, one by a rule that is off",
        ruled(
            erases(Filter={"Prefix": "sessions/"}),
            erases(Filter={"Prefix": "applications/"}, Status="Disabled"),
        ),
        fails,
    ),
    (
        "both folders of reports, versions of one stay",
        ruled(
            erases(Filter={"Prefix": "sessions/"}),
            erases(Filter={"Prefix": "applications/"}, NoncurrentVersionExpiration=None),
            versioning="Enabled",
        ),
        fails,
    ),
    (
        "a part of each folder of reports",
        ruled(
            erases(Filter={"Prefix": "sessions/schedule=DAILY/year=2026/"}),
            erases(Filter={"Prefix": "applications/"}),
        ),
        fails,
    ),
    ("all home folders", ruled(erases(Filter={"Prefix": "user/"}), bucket=HOME), to_be_reviewed),
    (
        "home folders of each kind of user",
        ruled(
            *(
                erases(Filter={"Prefix": f"user/{kind}/"})
                for kind in ("custom", "federated", "userpool")
            ),
            bucket=HOME,
        ),
        to_be_reviewed,
    ),
    (
        "home folders of one kind of user",
        ruled(erases(Filter={"Prefix": "user/federated/"}), bucket=HOME),
        UNDECLARED,
    ),
    (
        "settings of Windows",
        ruled(erases(Filter={"Prefix": "Windows/"}), bucket=SETTINGS),
        to_be_reviewed,
    ),
    (
        "an And of a prefix alone",
        ruled(erases(Filter={"And": {"Prefix": "", "Tags": []}})),
        passes,
    ),
    (
        "an And of a prefix and a tag",
        ruled(erases(Filter={"And": {"Prefix": "", "Tags": [{"Key": "a", "Value": "b"}]}})),
        fails,
    ),
    ("one rule of two", ruled(erases(Status="Disabled"), erases(30)), passes),
    ("versions expire too", ruled(erases(), versioning="Enabled"), passes),
    (
        "versions stay",
        ruled(erases(NoncurrentVersionExpiration=None), versioning="Enabled"),
        fails,
    ),
    (
        "versions of one folder expire, the others stay",
        ruled(
            erases(NoncurrentVersionExpiration=None),
            erases(Expiration=None, Filter={"Prefix": "sessions/"}),
            versioning="Enabled",
        ),
        fails,
    ),
    (
        "some versions stay",
        ruled(
            erases(NoncurrentVersionExpiration={"NoncurrentDays": 9, "NewerNoncurrentVersions": 3}),
            versioning="Enabled",
        ),
        fails,
    ),
    (
        "versions of before stay",
        ruled(erases(NoncurrentVersionExpiration=None), versioning="Suspended"),
        fails,
    ),
    (
        "versions expire by another rule",
        ruled(
            erases(NoncurrentVersionExpiration=None),
            erases(Expiration=None),
            versioning="Enabled",
        ),
        passes,
    ),
    ("never versioned", ruled(erases(NoncurrentVersionExpiration=None)), passes),
    (
        "lifecycle denied",
        lambda a: a.bucket(LOGS).denies(GET_BUCKET_LIFECYCLE_CONFIGURATION, Bucket=LOGS),
        denied(GET_BUCKET_LIFECYCLE_CONFIGURATION),
    ),
    (
        "versioning denied",
        lambda a: ruled(erases())(a).denies(GET_BUCKET_VERSIONING, Bucket=LOGS),
        denied(GET_BUCKET_VERSIONING),
    ),
    (
        "versioning denied where nothing expires anyway",
        lambda a: a.bucket(LOGS).denies(GET_BUCKET_VERSIONING, Bucket=LOGS),
        fails,
    ),
)
def test_ar_17_data_is_erased(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "AR-17") == expected


def test_ar_17_says_what_the_rules_erase(account: Account) -> None:
    folders = {"sessions/": 30, "applications/": 90}
    ruled(*(erases(days, Filter={"Prefix": name}) for name, days in folders.items()))(account)
    (finding,) = findings(account, "AR-17")
    assert "after days: applications/ 90, sessions/ 30" in finding.observed
    assert finding.hint.startswith(
        "rules erase applications/, sessions/ alone, and the kit does not"
    )


def test_ar_17_says_after_how_many_days_the_last_size_is_erased(account: Account) -> None:
    ruled(LARGE, SMALL)(account)
    (finding,) = findings(account, "AR-17")
    assert "Days after which everything is erased: 60 " in finding.observed


def test_ar_17_says_no_day_where_days_erase_everything_before_it(account: Account) -> None:
    ruled(erases(Expiration={"Date": day("2099-01-01")}), erases(30))(account)
    (finding,) = findings(account, "AR-17")
    assert "Days after which everything is erased: 30" in finding.observed
    assert "Day until which rules keep some objects: none" in finding.observed


def test_ar_17_says_until_when_nothing_is_erased(account: Account) -> None:
    ruled(erases(Expiration={"Date": day("2099-01-01")}), versioning="Enabled")(account)
    (finding,) = findings(account, "AR-17")
    assert "Days after which everything is erased: none" in finding.observed
    assert (
        "Day until which rules keep some objects: 2099-01-31" in finding.observed
    )  # versions stay 30 days more


@pytest.mark.parametrize(("bucket", "verdict"), [(HOME, passes), (SETTINGS, passes), (LOGS, fails)])
def test_ar_17_accepts_a_declared_procedure_where_rules_would_delete_live_files(
    tmp_path: Path, bucket: str, verdict: Verdict
) -> None:
    account = Account(tmp_path, retention_procedure="RET-2026-04")
    assert verdicts(account.bucket(bucket), "AR-17") == [verdict]


@pytest.mark.parametrize(
    ("bucket", "kind"),
    [(HOME, "home folders"), (SETTINGS, "application settings"), (LOGS, "usage reports")],
)
@pytest.mark.parametrize(
    ("declared", "verdict"), [(29, fails), (30, passes), (31, passes), (None, passes)]
)
def test_ar_17_compares_the_days_that_the_parameters_declare(
    tmp_path: Path, bucket: str, kind: str, declared: int | None, verdict: Verdict
) -> None:
    others = dict.fromkeys(("home folders", "application settings", "usage reports"), 2)
    days = {**others, kind: declared} if declared else {"trails": 2}
    account = Account(tmp_path, retention_days=days)
    assert verdicts(account.bucket(bucket, lifecycle=[erases(30)]), "AR-17") == [verdict]


@pytest.mark.parametrize(("bucket", "verdict"), [(HOME, passes), (LOGS, fails)])
def test_ar_17_accepts_that_a_declared_procedure_erases_before_the_rules(
    tmp_path: Path, bucket: str, verdict: Verdict
) -> None:
    days = {"home folders": 7, "usage reports": 7}
    account = Account(tmp_path, retention_days=days, retention_procedure="RET-2026-04")
    assert verdicts(account.bucket(bucket, lifecycle=[erases(30)]), "AR-17") == [verdict]


@pytest.mark.parametrize(
    ("control", "policy"),
    [
        ("AR-16", restricted(HOME, f"arn:aws:iam::{ACCOUNT}:role/StreamingAdmin")),
        ("IT-04", tls_only(HOME)),
    ],
    ids=["AR-16", "IT-04"],
)
@pytest.mark.parametrize(
    ("until", "expected"),
    [("2019-12-31T00:00:00Z", [fails]), ("2099-12-31T00:00:00Z", [passes])],
    ids=["has ended", "has not ended"],
)
def test_a_denial_counts_as_long_as_it_is_in_force(
    account: Account, control: str, policy: Any, until: str, expected: list[Verdict]
) -> None:
    for statement in policy["Statement"]:
        if statement["Action"] != "s3:DeleteBucket":
            times = {"DateLessThan": {"aws:CurrentTime": until}}
            statement["Condition"] = {**statement["Condition"], **times}
    account.stack().fleet().allowed("StreamingAdmin").bucket(policy=policy)
    assert verdicts(account, control) == expected


def test_ar_09_without_macie_shows_how_to_see_and_nothing_of_a_fail(account: Account) -> None:
    account.bucket().answers(GET_MACIE_SESSION, {"status": "PAUSED"})
    (finding,) = findings(account, "AR-09")
    assert finding.remedies.split("; ") == [
        "stored_objects_are_encrypted?Macie off",
        "encryption_of_each_is_known?Macie off",
    ]
