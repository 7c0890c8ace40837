"""Identity: root's use, ways in, the user pool, directories, entitlements, keys, analyzers."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_CERTIFICATE_AUTHORITY,
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_ENTITLEMENTS,
    DESCRIBE_FLEETS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_STACKS,
    DESCRIBE_USERS,
    GET_ACCOUNT_SUMMARY,
    GET_CREDENTIAL_REPORT,
    LIST_ANALYZERS,
    LIST_BUCKETS,
    LIST_EXTERNAL_FINDINGS,
    LIST_SAML_PROVIDERS,
)
from kit.controls import CONTROLS
from kit.tables import tabulate
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
    AUTHORITY,
    HOME,
    KEY,
    REGION,
    Account,
    directory,
    finding,
    pool_user,
)

OTHER = "eu-central-1"


def days_ago(days: float) -> str:
    return (AS_OF - dt.timedelta(days=days)).isoformat()


def root(keys: int = 0, **members: str) -> Given:
    def given(account: Account) -> None:
        account.answers(GET_ACCOUNT_SUMMARY, {"SummaryMap": {"AccountAccessKeysPresent": keys}})
        account.credentials(root=members)

    return given


@scenarios(
    ("never used", nothing, passes),
    ("used long ago", root(password_last_used=days_ago(400)), passes),
    ("used ninety days ago", root(password_last_used=days_ago(90)), passes),
    ("used a day less ago", root(password_last_used=days_ago(89.9)), fails),
    ("no password", root(password_last_used="N/A"), passes),
    ("keys", root(keys=1), fails),
    (
        "keys, and no report",
        lambda a: (root(keys=1)(a), a.denies(GET_CREDENTIAL_REPORT)),
        fails,
    ),
    (
        "used, and no summary",
        lambda a: (
            root(password_last_used=days_ago(3))(a),
            a.denies(GET_ACCOUNT_SUMMARY),
        ),
        fails,
    ),
    ("report denied", lambda a: a.denies(GET_CREDENTIAL_REPORT), denied(GET_CREDENTIAL_REPORT)),
    ("summary denied", lambda a: a.denies(GET_ACCOUNT_SUMMARY), denied(GET_ACCOUNT_SUMMARY)),
    (
        "AWS says nothing of keys",
        lambda a: a.answers(GET_ACCOUNT_SUMMARY, {"SummaryMap": {}}),
        not_evidenced("absent in answer", GET_ACCOUNT_SUMMARY),
    ),
    (
        "a report without the root user",
        lambda a: a.report("jane,arn:1,true,true"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a time that is none",
        root(password_last_used="yesterday"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
)
def test_id_01_root_is_set_aside(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-01") == expected


NO_WAY = "no SAML provider, directory or user-pool user"
NOT_DECLARED = not_evidenced("not declared")


def provider(account: Account) -> Account:
    arn = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
    return account.lists(LIST_SAML_PROVIDERS, {"Arn": arn})


def declared(account: Account) -> Account:
    account.run = account.run.model_copy(update={"identity_provider_evidence": "IDP-1"})
    return account


@scenarios(
    ("nobody", nothing, not_applicable(NO_WAY)),
    ("a provider", provider, NOT_DECLARED),
    ("a provider, its evidence named", lambda a: provider(declared(a)), passes),
    ("a directory", lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory()), NOT_DECLARED),
    ("a user pool", lambda a: a.lists(DESCRIBE_USERS, pool_user("CONFIRMED")), to_be_reviewed),
    (
        "a user pool of disabled users",
        lambda a: a.lists(DESCRIBE_USERS, pool_user("CONFIRMED", Enabled=False)),
        not_applicable(NO_WAY),
    ),
    (
        "a user pool, evidence named",
        lambda a: declared(a).lists(DESCRIBE_USERS, pool_user("CONFIRMED")),
        to_be_reviewed,
    ),
    (
        "providers denied",
        lambda a: a.denies(LIST_SAML_PROVIDERS),
        denied(LIST_SAML_PROVIDERS),
    ),
    (
        "a provider, and users denied",
        lambda a: provider(a).denies(DESCRIBE_USERS),
        NOT_DECLARED,
        denied(DESCRIBE_USERS),
    ),
)
def test_id_04_second_factor_of_streaming_users(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "ID-04") == expected


def test_a_provider_has_one_label_and_the_users_of_pools_alone_are_counted(
    account: Account,
) -> None:
    provider(account).lists(LIST_SAML_PROVIDERS, {"ValidUntil": AS_OF})  # AWS left its ARN out
    account.lists(DESCRIBE_DIRECTORY_CONFIGS, directory())
    account.lists(DESCRIBE_USERS, pool_user("CONFIRMED"))
    users = {
        one.resource: re.search(r"Enabled users of the pool: (\d+)", one.observed)
        for one in findings(account, "ID-04")
    }
    counts = {way: found and found[1] for way, found in users.items()}
    providers = {one.resource for one in findings(account, "ID-17")}
    assert len(providers) == 2
    pool = f"user pool of {REGION}"
    directories = counts.keys() - providers - {pool}
    assert len(directories) == 1
    assert counts == {pool: "1", **dict.fromkeys(providers | directories, "0")}


def test_id_04_strict_profile_forbids_the_user_pool(strict: Account) -> None:
    provider(declared(strict)).lists(DESCRIBE_USERS, pool_user("CONFIRMED"))
    assert sorted(one.status for one in findings(strict, "ID-04")) == ["fail", "pass"]


def test_id_04_a_region_that_is_off_leaves_it_open(tmp_path: Any) -> None:
    account = Account(tmp_path, regions=(REGION, OTHER), regions_off=(OTHER,))
    found = verdicts(account, "ID-04")
    assert {(one.status, one.reason) for one in found} == {("not evidenced", "region off")}


@scenarios(
    ("nobody", nothing, not_applicable("no user-pool user")),
    ("confirmed", lambda a: a.lists(DESCRIBE_USERS, pool_user("CONFIRMED")), passes),
    ("compromised", lambda a: a.lists(DESCRIBE_USERS, pool_user("COMPROMISED")), fails),
    ("archived", lambda a: a.lists(DESCRIBE_USERS, pool_user("ARCHIVED")), fails),
    (
        "archived and disabled",
        lambda a: a.lists(DESCRIBE_USERS, pool_user("ARCHIVED", Enabled=False)),
        passes,
    ),
    ("unconfirmed for long", lambda a: a.lists(DESCRIBE_USERS, pool_user("UNCONFIRMED")), fails),
    (
        "unconfirmed for thirty days",
        lambda a: a.lists(
            DESCRIBE_USERS, pool_user("UNCONFIRMED", CreatedTime=AS_OF - dt.timedelta(days=30))
        ),
        passes,
    ),
    (
        "unconfirmed since nobody knows when",
        lambda a: a.lists(DESCRIBE_USERS, pool_user("UNCONFIRMED", CreatedTime=None)),
        not_evidenced("absent in answer", DESCRIBE_USERS),
    ),
    (
        "compromised, made nobody knows when",
        lambda a: a.lists(DESCRIBE_USERS, pool_user("COMPROMISED", CreatedTime=None)),
        fails,
    ),
    ("unknown", lambda a: a.lists(DESCRIBE_USERS, pool_user("UNKNOWN")), to_be_reviewed),
    (
        "AWS leaves the state out",
        lambda a: a.lists(DESCRIBE_USERS, pool_user(None)),
        not_evidenced("absent in answer", DESCRIBE_USERS),
    ),
    ("denied", lambda a: a.denies(DESCRIBE_USERS), denied(DESCRIBE_USERS)),
)
def test_id_09_user_pool(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-09") == expected


def test_id_09_names_nobody(account: Account) -> None:
    account.lists(DESCRIBE_USERS, pool_user("CONFIRMED", FirstName="Jane", LastName="Doe"))
    (finding,) = findings(account, "ID-09")
    assert finding.resource.startswith("pool-user-")
    assert "jane" not in repr(finding).lower()


def signing(status: str, authority: str | None = "ACTIVE", **members: Any) -> Given:
    def given(account: Account) -> None:
        account.lists(DESCRIBE_DIRECTORY_CONFIGS, directory(status)).authority(authority, **members)

    return given


@scenarios(
    ("none", nothing, not_applicable("no directory")),
    ("off", lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory()), passes),
    ("off, said so", signing("DISABLED", "EXPIRED"), passes),
    ("on", signing("ENABLED"), passes),
    ("on, without falling back", signing("ENABLED_NO_DIRECTORY_LOGIN_FALLBACK"), passes),
    ("its authority expired", signing("ENABLED", "EXPIRED"), fails),
    ("its authority is disabled", signing("ENABLED", "DISABLED"), fails),
    ("its authority is active, and over", signing("ENABLED", ends=AS_OF - dt.timedelta(1)), fails),
    ("its authority ends now, which counts as in time", signing("ENABLED", ends=AS_OF), passes),
    (
        "the end of its authority left out",
        signing("ENABLED", ends=None),
        not_evidenced("absent in answer", DESCRIBE_CERTIFICATE_AUTHORITY),
    ),
    (
        "AWS says nothing of the authority's state",
        signing("ENABLED", None),
        not_evidenced("absent in answer", DESCRIBE_CERTIFICATE_AUTHORITY),
    ),
    (
        "no authority named",
        lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory("ENABLED", None)),
        not_evidenced("absent in answer", DESCRIBE_DIRECTORY_CONFIGS),
    ),
    (
        "the authority is gone",
        lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory("ENABLED")).refuses(
            DESCRIBE_CERTIFICATE_AUTHORITY,
            "ResourceNotFoundException",
            region=REGION,
            status=400,
            CertificateAuthorityArn=AUTHORITY,
        ),
        fails,
    ),
    (
        "the authority is another account's",
        lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory("ENABLED")).denies(
            DESCRIBE_CERTIFICATE_AUTHORITY, region=REGION, CertificateAuthorityArn=AUTHORITY
        ),
        denied(DESCRIBE_CERTIFICATE_AUTHORITY),
    ),
    ("denied", lambda a: a.denies(DESCRIBE_DIRECTORY_CONFIGS), denied(DESCRIBE_DIRECTORY_CONFIGS)),
)
def test_id_10_domain_sign_in(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-10") == expected


def test_id_10_strict_profile_wants_certificates(strict: Account) -> None:
    strict.lists(DESCRIBE_DIRECTORY_CONFIGS, directory())
    assert verdicts(strict, "ID-10") == [fails]


def entitled(visibility: str) -> Given:
    def given(account: Account) -> None:
        reported = {"Name": "a", "StackName": "design", "AppVisibility": visibility}
        reported |= {"Attributes": [{"Name": "roles", "Value": "jane.doe@example.org"}]}
        account.stack().lists(DESCRIBE_ENTITLEMENTS, reported, region=REGION, StackName="design")

    return given


@scenarios(
    ("no stack", nothing, not_applicable("no entitlement")),
    ("none", lambda a: a.stack(), not_applicable("no entitlement")),
    ("selected applications", entitled("ASSOCIATED"), passes),
    ("all applications", entitled("ALL"), fails),
    (
        "denied",
        lambda a: a.stack().denies(DESCRIBE_ENTITLEMENTS, region=REGION, StackName="design"),
        denied(DESCRIBE_ENTITLEMENTS),
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_id_11_entitlements(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-11") == expected


def test_id_11_shows_no_attribute(account: Account) -> None:
    entitled("ALL")(account)
    assert "jane" not in repr(findings(account, "ID-11"))


def keyed(age: float | None, n: int = 1, user: str = "robot") -> dict[str, dict[str, str]]:
    return rotated("N/A" if age is None else days_ago(age), n, user)


def rotated(on: str, n: int = 1, user: str = "robot") -> dict[str, dict[str, str]]:
    return {user: {f"access_key_{n}_active": "true", f"access_key_{n}_last_rotated": on}}


@scenarios(
    ("nobody", nothing, not_applicable("no active access key")),
    ("none", lambda a: a.credentials(jane={}), not_applicable("no active access key")),
    ("young", lambda a: a.credentials(**keyed(90)), passes),
    ("old", lambda a: a.credentials(**keyed(90.1)), fails),
    ("the second", lambda a: a.credentials(**keyed(800, 2)), fails),
    ("root's", lambda a: a.credentials(**keyed(800, user="root")), fails),
    ("young, without a zone", lambda a: a.credentials(**rotated("2026-11-20T12:00:00")), passes),
    (
        "made at what is not a time",
        lambda a: a.credentials(**rotated("20 November")),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "made nobody knows when",
        lambda a: a.credentials(**keyed(None)),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a report without the columns",
        lambda a: a.report("jane,arn:1,true,true"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    ("denied", lambda a: a.denies(GET_CREDENTIAL_REPORT), denied(GET_CREDENTIAL_REPORT)),
)
def test_id_12_access_keys(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-12") == expected


REPORTED = {
    "ID-12": [f"access_key_{n}_{part}" for n in (1, 2) for part in ("active", "last_rotated")],
    "ID-15": ["password_enabled", "mfa_active"],
}


@pytest.mark.parametrize(
    ("control", "missing"),
    [(name, column) for name, columns in REPORTED.items() for column in ("user", *columns)],
)
def test_a_report_that_lacks_a_column_does_not_show_that_nobody_is_in_it(
    account: Account, control: str, missing: str
) -> None:
    header = ["user", "arn", *REPORTED[control]]
    for complete in (header, ["user", *REPORTED[control]]):
        account.report(header=",".join(complete))
        assert [one.status for one in findings(account, control)] == ["not applicable"]
    account.report(header=",".join(one for one in header if one != missing))
    assert verdicts(account, control) == [not_evidenced("absent in answer", GET_CREDENTIAL_REPORT)]


def analyzer(kind: str = "ACCOUNT", status: str = "ACTIVE") -> Given:
    reported = {"arn": "x", "name": "x", "type": kind, "status": status, "createdAt": AS_OF}
    return lambda a: a.stack().lists(LIST_ANALYZERS, reported)


def member(account: Account) -> Account:
    return account.stack().answers(DESCRIBE_ORGANIZATION, {"Organization": {"Id": "o-example"}})


@scenarios(
    ("AppStream is not in use", nothing, not_applicable("no use of AppStream")),
    ("the account's", analyzer(), passes),
    ("the organisation's", analyzer("ORGANIZATION"), passes),
    ("none", lambda a: a.stack(), fails),
    ("not active", analyzer(status="DISABLED"), fails),
    ("of unused access alone", analyzer("ACCOUNT_UNUSED_ACCESS"), fails),
    ("of internal access alone", analyzer("ACCOUNT_INTERNAL_ACCESS"), fails),
    ("none, in a member account", member, not_evidenced("administrator")),
    (
        "none, and nobody knows whether in a member account",
        lambda a: a.stack().denies(DESCRIBE_ORGANIZATION),
        denied(DESCRIBE_ORGANIZATION),
    ),
    (
        "the account's, whoever else has one",
        lambda a: analyzer()(a.denies(DESCRIBE_ORGANIZATION)),
        passes,
    ),
    ("denied", lambda a: a.stack().denies(LIST_ANALYZERS), denied(LIST_ANALYZERS)),
)
def test_id_13_external_access(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-13") == expected


# --- ID-16: what an analyzer found ------------------------------------------------------------

NO_ANALYZER = to_be_reviewed
BUCKET = {"resource": f"arn:aws:s3:::{HOME}", "resourceType": "AWS::S3::Bucket"}
KEY_FOUND = {"resource": KEY, "resourceType": "AWS::KMS::Key"}
SERVICE_ROLE = {
    "resource": f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonAppStreamServiceAccess",
    "resourceType": "AWS::IAM::Role",
}
INSTANCE = {"resource": f"arn:aws:iam::{ACCOUNT}:role/cad", "resourceType": "AWS::IAM::Role"}
OTHER_BUCKET = {"resource": "arn:aws:s3:::website", "resourceType": "AWS::S3::Bucket"}
LOADED = {
    "Name": "cad",
    "Arn": "arn:1",
    "SourceS3Location": {"S3Bucket": "website", "S3Key": "app.vhdx"},
}
PACKER = {
    "Name": "packer",
    "Arn": "arn:2",
    "Platform": "WINDOWS_SERVER_2019",
    "InstanceType": "x",
    "VpcConfig": {},
    "State": "STOPPED",
    "IamRoleArn": f"{INSTANCE['resource']}-2",
}
OTHER_KEY = {"resource": KEY.replace("1b2c", "9b2c"), "resourceType": "AWS::KMS::Key"}


def analysed(*found: dict[str, Any]) -> Given:
    def given(account: Account) -> Account:
        analyzer()(account.fleet(IamRoleArn=INSTANCE["resource"]))
        account.bucket(HOME, encryption="aws:kms", key=KEY).key()
        items = [finding(**one) for one in found]
        return account.lists(LIST_EXTERNAL_FINDINGS, *items, analyzerArn="x")

    return given


@scenarios(
    ("AppStream is not in use", nothing, not_applicable("no use of AppStream")),
    ("no analyzer", lambda a: a.stack(), NO_ANALYZER),
    ("an analyzer that is off", analyzer(status="DISABLED"), NO_ANALYZER),
    ("no finding", analysed(), passes),
    ("on a bucket", analysed(BUCKET), fails),
    ("on a key", analysed(KEY_FOUND), fails),
    ("on a service role", analysed(SERVICE_ROLE), fails),
    ("on a role of instances", analysed(INSTANCE), fails),
    (
        "on a bucket from which Elastic fleets load applications",
        lambda a: analysed(OTHER_BUCKET)(a).lists(DESCRIBE_APP_BLOCKS, LOADED),
        fails,
    ),
    (
        "on a role of app block builders",
        lambda a: analysed({**INSTANCE, "resource": f"{INSTANCE['resource']}-2"})(a).lists(
            DESCRIBE_APP_BLOCK_BUILDERS, PACKER
        ),
        fails,
    ),
    ("on others", analysed(OTHER_BUCKET, OTHER_KEY), passes),
    ("on others and on one of AppStream's", analysed(OTHER_BUCKET, BUCKET), fails),
    (
        "one that could not be analysed",
        analysed({**BUCKET, "error": "ACCESS_DENIED"}),
        to_be_reviewed,
    ),
    ("one beside one that could not", analysed({**OTHER_KEY, "error": "X"}, BUCKET), fails),
    (
        "a finding that names nothing",
        analysed({"resourceType": "AWS::S3::Bucket"}),
        not_evidenced("absent in answer", LIST_EXTERNAL_FINDINGS),
    ),
    (
        "findings denied",
        lambda a: analysed()(a).denies(LIST_EXTERNAL_FINDINGS, analyzerArn="x"),
        denied(LIST_EXTERNAL_FINDINGS),
    ),
    (
        "findings cut short, and none of those read is AppStream's",
        lambda a: analysed(OTHER_BUCKET)(a).cuts(LIST_EXTERNAL_FINDINGS, "more", analyzerArn="x"),
        not_evidenced("cut short", LIST_EXTERNAL_FINDINGS),
    ),
    (
        "findings cut short after one of AppStream's",
        lambda a: analysed(BUCKET)(a).cuts(LIST_EXTERNAL_FINDINGS, "more", analyzerArn="x"),
        fails,
    ),
    (
        "another bucket, while AppStream's could not be listed",
        lambda a: analysed(OTHER_BUCKET)(a).denies(LIST_BUCKETS),
        denied(LIST_BUCKETS),
    ),
    (
        "another role, while AppStream's buckets could not be listed",
        lambda a: analysed({**INSTANCE, "resource": "arn:aws:iam::1:role/x"})(a).denies(
            LIST_BUCKETS
        ),
        passes,
    ),
    (
        "another role, while fleets could not be listed",
        lambda a: analysed({**INSTANCE, "resource": "arn:aws:iam::1:role/x"})(a).denies(
            DESCRIBE_FLEETS
        ),
        denied(DESCRIBE_FLEETS),
    ),
    (
        "no finding at all, while buckets could not be listed",
        lambda a: analysed()(a).denies(LIST_BUCKETS),
        passes,
    ),
    ("analyzers denied", lambda a: a.stack().denies(LIST_ANALYZERS), denied(LIST_ANALYZERS)),
)
def test_id_16_findings(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-16") == expected


def test_id_16_counts_what_could_not_be_read(account: Account) -> None:
    analysed({**BUCKET, "error": "ACCESS_DENIED"}, KEY_FOUND, {**OTHER_KEY, "error": "X"})(account)
    (found,) = findings(account, "ID-16")
    assert found.status == "fail"
    assert "could not read: 2; " in f"{found.observed}; "


def test_id_16_names_what_is_appstreams_by_labels(account: Account) -> None:
    analysed(BUCKET, SERVICE_ROLE, OTHER_BUCKET)(account)
    (found,) = findings(account, "ID-16")
    assert "role-" in found.observed
    assert "website" not in repr(found)


def test_id_16_without_an_analyzer_states_that_nobody_looked_and_how_to_make_one(
    account: Account,
) -> None:
    account.stack()
    (found,) = findings(account, "ID-16")
    unknown = "not known, for no analyzer answers"
    assert f"Open findings of external access: {unknown}; " in found.observed
    assert f"could not read: {unknown}; " in found.observed
    names = found.remedies.split("; ")
    assert names == [
        "external_access_is_closed/no_analyzer?needs review/no_analyzer",
        "everything_is_analysed/no_analyzer?needs review/no_analyzer",
    ]
    remedy, made = CONTROLS["ID-16"].remedy(names[0]), CONTROLS["ID-13"].remedy()
    assert remedy.when.startswith(
        "No analyzer of external access answers in the region. Not known: "
    )
    assert (remedy.cli, remedy.undo) == (made.cli, made.undo)


# --- ID-17: SAML providers -----------------------------------------------------------------------


def valid_until(*ends: dt.datetime) -> Given:
    providers = [
        {"Arn": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp-{n}", "ValidUntil": end}
        for n, end in enumerate(ends)
    ]
    return lambda account: account.lists(LIST_SAML_PROVIDERS, *providers)


DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)


@scenarios(
    ("none", nothing, not_applicable("no SAML provider")),
    (
        "a directory alone",
        lambda a: a.lists(DESCRIBE_DIRECTORY_CONFIGS, directory()),
        not_applicable("no SAML provider"),
    ),
    ("for years", valid_until(AS_OF + 3000 * DAY), passes),
    ("for the days of the profile", valid_until(AS_OF + 30 * DAY), passes),
    ("a second less", valid_until(AS_OF + 30 * DAY - SECOND), fails),
    ("expired", valid_until(AS_OF - DAY), fails),
    ("one of two expired", valid_until(AS_OF - DAY, AS_OF + 90 * DAY), fails, passes),
    ("no date", provider, not_evidenced("absent in answer", LIST_SAML_PROVIDERS)),
    ("denied", lambda a: a.denies(LIST_SAML_PROVIDERS), denied(LIST_SAML_PROVIDERS)),
    ("users denied", lambda a: valid_until(AS_OF + 90 * DAY)(a).denies(DESCRIBE_USERS), passes),
)
def test_id_17_metadata(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-17") == expected


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"Arn": "arn:jane", "UserName": "jane"}, "arn:jane"),
        ({"UserName": "jane"}, f"{REGION}/jane"),
        ({}, f"{REGION}/Users/0"),
    ],
)
def test_a_pool_user_is_named_by_arn_or_name_or_place(
    account: Account, members: dict[str, str], key: str
) -> None:
    tables = tabulate(
        account.lists(DESCRIBE_USERS, {"AuthenticationType": "USERPOOL", **members}).answered(),
        ["pool_users"],
    )
    (row,) = tables["pool_users"].rows.values()
    assert row["resource"] == tables.labels.label("pool user", key, members.get("UserName"))
