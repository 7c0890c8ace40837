"""Names, descriptions, tags and URLs: what each control says of which account.

What the detectors find is their own tests' matter: here they find what is marked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kit import calls
from kit.detect.identifiers import Detectors, Hit
from kit.judge import evaluate
from kit.redact.labels import Labels
from kit.redact.names import shown_bucket
from kit.tables import tabulate
from kit.tables.metadata import Field, _fields, detectors_of
from kit.tables.principals import policy_name
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_applicable,
    nothing,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.standins import ACCOUNT, AS_OF, HOME, LOGS, REGION, SETTINGS, Account

SURE, PERHAPS = "!sure!", "!perhaps!"


@pytest.fixture(autouse=True)
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors that find the two marks."""

    def hits(_: Detectors, text: str) -> list[Hit]:
        found = ((SURE, True), (PERHAPS, False))
        return [Hit("mark", "m***k", validated) for mark, validated in found if mark in text]

    monkeypatch.setattr(Detectors, "hits", hits)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """An account whose parameters say that customers have no numbers."""
    return Account(tmp_path, no_customer_numbers=True)


LINK = {"DisplayName": SURE, "FooterLinkURL": "https://example.org"}


def themed(**theme: Any) -> Given:
    return lambda a: a.stack().answers(
        calls.DESCRIBE_THEME_FOR_STACK,
        {"Theme": {"StackName": "design", **theme}},
        StackName="design",
    )


def entitled(**entitlement: Any) -> Given:
    item = {
        "Name": "all",
        "StackName": "design",
        "AppVisibility": "ALL",
        "Attributes": [{"Name": "roles", "Value": "x"}],
        **entitlement,
    }
    return lambda a: a.stack().answers(
        calls.DESCRIBE_ENTITLEMENTS, {"Entitlements": [item]}, StackName="design"
    )


def listing(call: calls.Call, **item: Any) -> Given:
    return lambda a: a.lists(call, item)


def export(**members: Any) -> Given:
    task = {"TaskId": "t", "ImageArn": "arn:aws:x", "AmiName": "ami", "CreatedDate": AS_OF}
    return listing(calls.LIST_EXPORT_IMAGE_TASKS, **task, **members)


def application(**members: Any) -> dict[str, Any]:
    return {"Name": "cad", **members}


FIELDS: list[tuple[str, Given]] = [
    ("stack name", lambda a: a.stack(SURE)),
    ("stack display name", lambda a: a.stack(DisplayName=SURE)),
    ("stack description", lambda a: a.stack(Description=SURE)),
    (
        "settings group",
        lambda a: a.stack(ApplicationSettings={"Enabled": False, "SettingsGroup": SURE}),
    ),
    ("fleet description", lambda a: a.fleet(Description=SURE)),
    (
        "session script",
        lambda a: a.fleet(SessionScriptS3Location={"S3Bucket": "scripts", "S3Key": SURE}),
    ),
    ("image description", listing(calls.DESCRIBE_IMAGES, Name="i", Description=SURE)),
    (
        "application in an image",
        listing(calls.DESCRIBE_IMAGES, Name="i", Applications=[application(LaunchPath=SURE)]),
    ),
    (
        "metadata of an application in an image",
        listing(
            calls.DESCRIBE_IMAGES,
            Name="i",
            Applications=[application(), application(Metadata={"a": "b", "c": SURE})],
        ),
    ),
    ("image builder", listing(calls.DESCRIBE_IMAGE_BUILDERS, Name="b", DisplayName=SURE)),
    ("app block", listing(calls.DESCRIBE_APP_BLOCKS, Name="b", Arn="arn:1", Description=SURE)),
    (
        "script of an app block",
        listing(
            calls.DESCRIBE_APP_BLOCKS,
            Name="b",
            Arn="arn:1",
            SetupScriptDetails={
                "ScriptS3Location": {"S3Bucket": "scripts"},
                "ExecutablePath": "p",
                "ExecutableParameters": SURE,
                "TimeoutInSeconds": 1,
            },
        ),
    ),
    (
        "source of an app block",
        listing(
            calls.DESCRIBE_APP_BLOCKS,
            Name="b",
            Arn="arn:1",
            SourceS3Location={"S3Bucket": "sources", "S3Key": SURE},
        ),
    ),
    *(
        (
            f"program of {details}",
            listing(
                calls.DESCRIBE_APP_BLOCKS,
                Name="b",
                Arn="arn:1",
                **{
                    details: {
                        "ScriptS3Location": {"S3Bucket": "scripts"},
                        "ExecutablePath": SURE,
                        "TimeoutInSeconds": 1,
                    }
                },
            ),
        )
        for details in ("SetupScriptDetails", "PostSetupScriptDetails")
    ),
    (
        "icon of an application",
        listing(
            calls.DESCRIBE_APPLICATIONS,
            Name="a",
            IconS3Location={"S3Bucket": "icons", "S3Key": SURE},
        ),
    ),
    (
        "app block builder",
        listing(
            calls.DESCRIBE_APP_BLOCK_BUILDERS,
            Name="b",
            Arn="arn:1",
            Description=SURE,
            Platform="WINDOWS_SERVER_2019",
            InstanceType="x",
            VpcConfig={},
            State="STOPPED",
        ),
    ),
    ("application", listing(calls.DESCRIBE_APPLICATIONS, Name="a", WorkingDirectory=SURE)),
    (
        "launch parameters",
        listing(calls.DESCRIBE_APPLICATIONS, Name="a", LaunchParameters=SURE),
    ),
    ("metadata", listing(calls.DESCRIBE_APPLICATIONS, Name="a", Metadata={"k": SURE})),
    ("entitlement", entitled(Description=SURE)),
    ("value of an attribute", entitled(Attributes=[{"Name": "groups", "Value": SURE}])),
    ("name of an attribute", entitled(Attributes=[{"Name": SURE, "Value": "x"}])),
    (
        "second attribute",
        entitled(Attributes=[{"Name": "a", "Value": "x"}, {"Name": "b", "Value": SURE}]),
    ),
    ("title of a theme", themed(ThemeTitleText=SURE)),
    ("link of a theme", themed(ThemeFooterLinks=[LINK])),
    ("image export", export(AmiDescription=SURE)),
    ("tags of an image export", export(TagSpecifications={"k": SURE})),
]


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in FIELDS])
def test_md_01_reads_every_free_form_field(account: Account, given: Given) -> None:
    given(account)
    assert fails in verdicts(account, "MD-01")


@scenarios(
    ("nothing with a name", nothing, not_applicable("no named resource")),
    ("no hit", lambda a: a.stack(Description="drawings"), passes),
    ("a sure hit", lambda a: a.stack(Description=SURE), fails),
    ("a possible hit", lambda a: a.stack(Description=PERHAPS), to_be_reviewed),
    ("both", lambda a: a.stack(Description=f"{PERHAPS} {SURE}"), fails),
    (
        "each resource for itself",
        lambda a: a.fleet(Description=SURE).stack(),
        fails,
        passes,
    ),
    (
        "one list denied",
        lambda a: a.stack().denies(calls.DESCRIBE_IMAGES),
        passes,
        denied(calls.DESCRIBE_IMAGES),
    ),
    (
        "entitlements of a stack denied",
        lambda a: a.stack().denies(calls.DESCRIBE_ENTITLEMENTS, StackName="design"),
        passes,
        denied(calls.DESCRIBE_ENTITLEMENTS),
    ),
    (
        "the theme of a stack denied",
        lambda a: a.stack().denies(calls.DESCRIBE_THEME_FOR_STACK, StackName="design"),
        passes,
        denied(calls.DESCRIBE_THEME_FOR_STACK),
    ),
)
def test_md_01_free_form_fields(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "MD-01") == expected


def test_detectors_have_what_the_run_declares(tmp_path: Path) -> None:
    run = Account(
        tmp_path,
        phone_region="DE",
        customer_number_patterns=["K[0-9]"],
        allowed_key_accounts=["1" * 12],
    ).run
    assert detectors_of(run) == Detectors(("K[0-9]",), (ACCOUNT, "1" * 12), "DE")
    assert detectors_of(Account(tmp_path).run) == Detectors((), (ACCOUNT,), None)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, to_be_reviewed),
        ({"no_customer_numbers": True}, passes),
        ({"customer_number_patterns": [r"K-\d{6}"]}, passes),
    ],
    ids=["nothing declared", "no such numbers", "a pattern given"],
)
@pytest.mark.parametrize("control", ["MD-01", "MD-02"])
def test_md_needs_to_know_customers_numbers(
    tmp_path: Path, control: str, declared: dict[str, Any], expected: Any
) -> None:
    account = Account(tmp_path, **declared).stack()
    account.tagged(f"arn:aws:appstream:{REGION}:{ACCOUNT}:stack/design", team="cad")
    assert verdicts(account, control) == [expected]


def test_md_01_never_shows_the_text_itself(account: Account) -> None:
    account.stack("jane-doe", Description=f"drawings of jane {SURE}")
    (finding,) = findings(account, "MD-01")
    assert "m***k" in finding.observed
    assert "jane" not in repr(finding)


ARN = f"arn:aws:appstream:{REGION}:{ACCOUNT}:stack/design"


def untold(account: Account) -> Account:
    """The tagging API lists nothing although there is a stack."""
    return account.stack()


def tags_of_stack(**tags: str) -> Given:
    return lambda a: untold(a).answers(
        calls.LIST_TAGS_FOR_RESOURCE, {"Tags": tags}, ResourceArn=ARN
    )


NO_TAGS = not_applicable("no tagged resource")
TAGGING = calls.GET_RESOURCES


@scenarios(
    ("nothing", nothing, NO_TAGS),
    ("no hit", lambda a: a.tagged(ARN, team="cad"), passes),
    ("a sure hit", lambda a: a.tagged(ARN, owner=SURE), fails),
    ("a hit in the key", lambda a: a.tagged(ARN, **{SURE: "x"}), fails),
    ("a possible hit", lambda a: a.tagged(ARN, owner=PERHAPS), to_be_reviewed),
    ("a stack without tags", untold, NO_TAGS),
    ("tags that the tagging API does not list", tags_of_stack(owner=SURE), fails),
    (
        "tags of a resource denied, which the tagging API does not list",
        lambda a: untold(a).denies(calls.LIST_TAGS_FOR_RESOURCE, ResourceArn=ARN),
        denied(calls.LIST_TAGS_FOR_RESOURCE),
    ),
    (
        "a list of resources denied, and the tagging API lists none",
        lambda a: a.denies(calls.DESCRIBE_IMAGES),
        denied(calls.DESCRIBE_IMAGES),
    ),
    (
        "tagging API denied, each resource answers",
        lambda a: tags_of_stack(team="cad")(a).denies(TAGGING),
        passes,
    ),
    (
        "tagging API denied, nothing there",
        lambda a: a.denies(TAGGING),
        NO_TAGS,
    ),
    (
        "tagging API denied, and a resource too",
        lambda a: untold(a).denies(TAGGING).denies(calls.LIST_TAGS_FOR_RESOURCE, ResourceArn=ARN),
        denied(TAGGING),
    ),
    (
        "tagging API denied, and a list of resources",
        lambda a: untold(a).denies(TAGGING).denies(calls.DESCRIBE_FLEETS),
        denied(TAGGING),
    ),
    ("tags of a bucket", lambda a: a.bucket(tags={"owner": SURE}), fails),
    ("a bucket without tags", lambda a: a.bucket(), NO_TAGS),
    (
        "tags of a bucket denied",
        lambda a: a.bucket().denies(calls.GET_BUCKET_TAGGING, Bucket=HOME),
        denied(calls.GET_BUCKET_TAGGING),
    ),
    ("buckets denied", lambda a: a.denies(calls.LIST_BUCKETS), denied(calls.LIST_BUCKETS)),
)
def test_md_02_tags(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "MD-02") == expected


def secret(kind: str = "token") -> str:
    return f"⟦secret: {kind}⟧"


NO_URL = not_applicable("no URL")
WITH_SECRET = f"https://example.org/?token={secret()}"


@scenarios(
    ("nothing", nothing, NO_URL),
    ("no URL", lambda a: a.stack(), NO_URL),
    ("a URL", lambda a: a.stack(RedirectURL="https://example.org"), passes),
    ("a secret in the redirect", lambda a: a.stack(RedirectURL=WITH_SECRET), fails),
    ("a secret in the feedback", lambda a: a.stack(FeedbackURL=WITH_SECRET), fails),
    (
        "a user and a password",
        lambda a: a.stack(FeedbackURL=f"https://jane:{secret()}@example.org"),
        fails,
    ),
    ("a URL in a description", lambda a: a.stack(Description=f"see {WITH_SECRET} please"), fails),
    ("a secret without a URL", lambda a: a.stack(Description=f"pin {secret()}"), fails),
    (
        "a secret beside a URL",
        lambda a: a.stack(Description=f"https://example.org with {secret()}"),
        passes,
        fails,
    ),
    (
        "launch parameters",
        listing(calls.DESCRIBE_APPLICATIONS, Name="a", LaunchParameters=f"/pw {secret()}"),
        fails,
    ),
    (
        "content redirection",
        lambda a: a.stack(
            ContentRedirection={
                "HostToClient": {
                    "Enabled": True,
                    "AllowedUrls": ["https://example.org/*"],
                    "DeniedUrls": [WITH_SECRET],
                }
            }
        ),
        passes,
        fails,
    ),
    ("an embedding host", lambda a: a.stack(EmbedHostDomains=["portal.example"]), passes),
    (
        "a link of a theme",
        themed(ThemeFooterLinks=[{"DisplayName": "help", "FooterLinkURL": WITH_SECRET}]),
        fails,
    ),
    (
        "the logo of a theme, whose URL AWS signs itself",
        themed(ThemeOrganizationLogoURL=WITH_SECRET),
        NO_URL,
    ),
    ("a tag", lambda a: a.tagged(ARN, hook=WITH_SECRET), fails),
    ("a bucket's tag", lambda a: a.bucket(tags={"key": secret("aws-access-key")}), fails),
    (
        "a bucket's tags denied",
        lambda a: a.bucket().denies(calls.GET_BUCKET_TAGGING, Bucket=HOME),
        denied(calls.GET_BUCKET_TAGGING),
    ),
    (
        "a list denied",
        lambda a: a.denies(calls.DESCRIBE_APPLICATIONS),
        denied(calls.DESCRIBE_APPLICATIONS),
    ),
)
def test_md_03_urls(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "MD-03") == expected


def test_md_03_says_which_field_and_which_kind_of_secret(account: Account) -> None:
    account.stack(RedirectURL=f"https://example.org/?sig={secret('url-query-secret')}")
    (finding,) = findings(account, "MD-03")
    assert (
        "Credentials in texts: url-query-secret; Field: RedirectURL; Scheme: https"
        in finding.observed
    )


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (nothing, "not applicable"),
        (lambda a: a.stack(), "pass"),
        (lambda a: a.stack().denies(calls.DESCRIBE_STACKS), "not evidenced"),
    ],
    ids=["nothing", "clean texts", "stacks denied"],
)
def test_md_04_sums_up_texts_and_tags(account: Account, given: Given, status: str) -> None:
    given(account)
    account.run = account.run.model_copy(update={"controls": ["MD-04"]})
    (roll_up,) = evaluate(tabulate(account.snapshot(), ["texts", "tags"])).roll_ups
    assert (roll_up.control, roll_up.status) == ("MD-04", status)
    assert roll_up.evidence == ("MD-01", "MD-02")


@pytest.mark.parametrize("value", ["accounting", "*", "CN=Finance,OU=Groups,DC=corp,DC=example"])
def test_md_01_lets_attributes_of_groups_pass(account: Account, value: str) -> None:
    entitled(Attributes=[{"Name": "groups", "Value": value}])(account)
    assert set(verdicts(account, "MD-01")) == {passes}


# --- what labels show ---------------------------------------------------------------------------

_HEAD = f"arn:aws:appstream:{REGION}:{ACCOUNT}:"


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (f"{_HEAD}stack/jane-doe", "stack"),
        (f"{_HEAD}image-builder/jane-doe", "image-builder"),
        (f"{_HEAD}app-block:jane-doe", "app-block"),
        (f"{_HEAD}jane-doe", "resource"),
        (f"{_HEAD}jane-doe/stack", "resource"),
        (f"{_HEAD}stack:jane-doe/x", "stack"),
        (f"{_HEAD}jane-doe:stack/x", "resource"),
        ("arn:aws:appstream:jane-doe", "resource"),
        ("jane-doe", "resource"),
    ],
)
def test_md_02_a_label_shows_the_kind_and_nothing_of_the_name(
    account: Account, arn: str, kind: str
) -> None:
    tags = [{"Key": "owner", "Value": "jane.doe@example.com"}]
    account.lists(calls.GET_RESOURCES, {"ResourceARN": arn, "Tags": tags})
    (finding,) = findings(account, "MD-02")
    assert re.fullmatch(f"{kind}-[a-z2-7]{{10}}", finding.resource)


@pytest.mark.parametrize(
    ("arn", "clear"),
    [
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "ReadOnlyAccess"),
        ("arn:aws-us-gov:iam::aws:policy/job-function/Billing", "Billing"),
        (f"arn:aws:iam::{ACCOUNT}:policy/jane-doe", ""),
        (f"arn:aws:iam::{ACCOUNT}:policy/:iam::aws:policy/jane-doe", ""),
        (None, ""),
    ],
)
def test_policies_are_shown_by_name_where_aws_gave_it(arn: str | None, clear: str) -> None:
    label = Labels(b"key").label
    assert policy_name(label, arn) == (clear or label("policy", arn or "unnamed"))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (HOME, True),
        (SETTINGS, True),
        (LOGS, True),
        (f"{HOME}-jane-doe", False),
        (f"{LOGS}-of-jane.doe", False),
        (f"{SETTINGS}.jane", False),
        ("jane-doe-appstream-logs", False),
    ],
)
def test_buckets_are_shown_by_name_where_appstream_gave_it(name: str, made: bool) -> None:
    shown = shown_bucket(Labels(b"key"), name)
    assert (shown == name) is made


def test_texts_alone_are_searched() -> None:
    item = {"Name": "design", "Urls": ["a", "", None, 3], "Tags": {"team": "cad", "empty": ""}}
    fields = _fields(item, ("Name", "Urls[]", "Tags.*", "Description"))
    assert list(fields) == [Field("Name", "design"), Field("Urls", "a"), Field("Tags", "cad")]
