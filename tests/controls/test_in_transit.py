"""Encryption in transit: what each control says of which account."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_STACKS,
    DESCRIBE_THEME_FOR_STACK,
    DESCRIBE_USERS,
    DESCRIBE_VPC_ENDPOINTS,
    GET_BUCKET_POLICY,
    LIST_ASSOCIATED_FLEETS,
    LIST_BUCKETS,
    LOOKUP_EVENTS,
)
from kit.catalogue.frameworks import mapped, related
from kit.judge import evaluate
from kit.maker import KIT
from kit.snapshot import Snapshot
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
from tests.standins import AS_OF, COLLECTOR, HOME, LOGS, REGION, SETTINGS, Account, tls_only

TABLE = 'AWS, "Data Protection in Amazon AppStream 2.0", Encryption in transit'


@scenarios(
    ("no stack", nothing, not_applicable("no stack")),
    ("a stack", lambda a: a.stack(), attested(f"{TABLE}: Web assets, ")),
    (
        "a stack that is embedded",
        lambda a: a.stack(EmbedHostDomains=["portal.example"]),
        attested(f"{TABLE}: Web assets, "),
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_it_01_web_assets(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-01") == expected


VPCE = "vpce-0a1b2c3d"
STREAMING = f"com.amazonaws.{REGION}.appstream.streaming"


def through(
    state: str = "available",
    service: str = STREAMING,
    protocol: str = "",
    known: bool = True,
    left_out: str = "",
) -> Given:
    """A stack that streams through a VPC endpoint."""

    def given(account: Account) -> None:
        endpoint = {"VpcEndpointId": VPCE, "State": state, "ServiceName": service}
        endpoint |= {"OwnerId": account.run.account}
        endpoint.pop(left_out, None)
        if known:
            account.lists(DESCRIBE_VPC_ENDPOINTS, endpoint)
        members: dict[str, Any] = {
            "AccessEndpoints": [{"EndpointType": "STREAMING", "VpceId": VPCE}]
        }
        if protocol:
            members["StreamingExperienceSettings"] = {"PreferredProtocol": protocol}
        account.stack(**members)

    return given


def preferring(protocol: str) -> Given:
    return lambda a: a.stack(StreamingExperienceSettings={"PreferredProtocol": protocol})


ROW_2 = attested(f"{TABLE}: Pixel and streaming traffic, ")


@scenarios(
    ("no stack", nothing, not_applicable("no stack")),
    ("nothing set, which means TCP", lambda a: a.stack(), ROW_2),
    ("TCP", preferring("TCP"), ROW_2),
    ("UDP", preferring("UDP"), to_be_reviewed),
    ("through an endpoint", through(), ROW_2),
    ("the state as the enumeration spells it", through(state="Available"), ROW_2),
    ("an endpoint that is pending", through(state="pending"), fails),
    ("an endpoint that was rejected", through(state="rejected"), fails),
    ("an endpoint of the API", through(service=f"com.amazonaws.{REGION}.appstream.api"), fails),
    ("an endpoint of S3", through(service=f"com.amazonaws.{REGION}.s3"), fails),
    ("UDP through an endpoint", through(protocol="UDP"), to_be_reviewed),
    ("UDP through an endpoint of the wrong service", through(service="x", protocol="UDP"), fails),
    ("an endpoint that is not the account's", through(known=False), to_be_reviewed),
    *(
        (
            f"an endpoint of which EC2 leaves {name} out",
            through(left_out=name),
            not_evidenced("absent in answer", DESCRIBE_VPC_ENDPOINTS),
        )
        for name in ("State", "ServiceName", "OwnerId")
    ),
    (
        "endpoints denied, one in use",
        lambda a: a.denies(DESCRIBE_VPC_ENDPOINTS) and through(known=False)(a),
        denied(DESCRIBE_VPC_ENDPOINTS),
    ),
    (
        "endpoints denied, none in use",
        lambda a: a.denies(DESCRIBE_VPC_ENDPOINTS).stack(),
        ROW_2,
    ),
    (
        "an endpoint whose id is left out",
        lambda a: a.stack(AccessEndpoints=[{"EndpointType": "STREAMING"}]),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    (
        "two endpoints, and the id of one is left out",
        lambda a: a.stack(
            AccessEndpoints=[
                {"EndpointType": "STREAMING", "VpceId": VPCE},
                {"EndpointType": "STREAMING"},
            ]
        ),
        not_evidenced("absent in answer", DESCRIBE_STACKS),
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_it_02_streaming(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-02") == expected


@scenarios(
    ("no endpoint", lambda a: a.stack(), fails),
    ("an endpoint", through(), ROW_2),
    ("an endpoint that is not the account's", through(known=False), to_be_reviewed),
)
def test_it_02_where_the_profile_wants_private_streaming(
    strict: Account, given: Given, expected: list[Any]
) -> None:
    given(strict)
    assert verdicts(strict, "IT-02") == expected


@pytest.mark.parametrize(
    ("strictly", "given", "unmet"),
    [
        (False, through(state="failed"), "named_endpoints_carry_streaming"),
        (True, through(state="failed"), "named_endpoints_carry_streaming"),
        (True, lambda a: a.stack(), "streaming_is_private_where_required"),
    ],
)
def test_it_02_says_what_was_seen_and_not_that_tls_is_missing(
    account: Account, strict: Account, strictly: bool, given: Given, unmet: str
) -> None:
    judged = strict if strictly else account
    given(judged)
    (finding,) = findings(judged, "IT-02")
    assert (finding.status, finding.remedies) == ("fail", unmet)


def test_it_02_is_no_encryption_that_is_missing() -> None:
    """An endpoint that carries no streaming opens the stack for nobody; nothing travels in clear."""
    assert [*mapped("gdpr", "IT-02")] == ["32(1)(b)"]
    assert [*related("gdpr", "IT-02")] == ["32(1)(a)"]


UNREAD = not_evidenced("absent in answer")
ROW_3 = attested(f"{TABLE}: API traffic, ")
SUPPORTED = attested(
    f'{TABLE}: API traffic, "Encrypted using TLS 1.2; requests are signed using SigV4"; in support, '
    "no event of administrators and tools was seen with older TLS"
)
UNUSED = not_applicable("no use of AppStream")


def in_use(account: Account) -> Account:
    return account.fleet()


@scenarios(
    ("AppStream is not in use", nothing, UNUSED),
    ("events denied, not in use", lambda a: a.denies(LOOKUP_EVENTS), UNUSED),
    ("no event", in_use, ROW_3),
    ("no event with TLS details", lambda a: in_use(a).event(None), ROW_3),
    ("TLS 1.2", lambda a: in_use(a).event("TLSv1.2"), SUPPORTED),
    ("TLS 1.3", lambda a: in_use(a).event("TLSv1.3"), SUPPORTED),
    ("TLS 1.3 and 1.2", lambda a: in_use(a).event("TLSv1.3").event("TLSv1.2"), SUPPORTED),
    ("one of many below", lambda a: in_use(a).event().event(None).event("TLSv1.1"), fails),
    ("TLS 1.0 by its short name", lambda a: in_use(a).event("TLSv1"), fails),
    ("a version nobody knows yet", lambda a: in_use(a).event("TLSv1.4"), to_be_reviewed),
    (
        "a version nobody knows beside one below",
        lambda a: in_use(a).event("TLSv1.4").event("TLSv1.1"),
        fails,
    ),
    (
        "none but the collector's own, by user agent",
        lambda a: in_use(a).event("TLSv1.3", agent=f"Boto3/1 {KIT}"),
        ROW_3,
    ),
    (
        "none but the collector's own, by principal",
        lambda a: in_use(a).event("TLSv1.0", who=COLLECTOR),
        ROW_3,
    ),
    ("details that cannot be read", lambda a: in_use(a).event(details="⟦secret⟧"), UNREAD),
    ("details of another form", lambda a: in_use(a).event(details='["TLSv1.0"]'), UNREAD),
    (
        "details that cannot be read beside an old version",
        lambda a: in_use(a).event(details="⟦secret⟧").event("TLSv1.0"),
        fails,
    ),
    ("members that are null", lambda a: in_use(a).event(details='{"userAgent": null}'), ROW_3),
    ("events denied", lambda a: in_use(a).denies(LOOKUP_EVENTS), denied(LOOKUP_EVENTS)),
    (
        "whether it is in use denied",
        lambda a: a.denies(DESCRIBE_STACKS).event(),
        denied(DESCRIBE_STACKS),
    ),
    ("in use by a bucket that was left behind", lambda a: a.bucket().event(), SUPPORTED),
)
def test_it_03_api_events(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-03") == expected


def test_it_03_says_how_many_from_when_to_when(account: Account) -> None:
    account.fleet().event("TLSv1.2").event(None)
    (finding,) = findings(account, "IT-03")
    assert "AppStream events seen: 2; of these with TLS details: 1" in finding.observed
    first, last = (f"{end} event 2026-11-23T12:00:00+00:00" for end in ("first", "last"))
    assert f"{first}, {last}, days requested 90, all read yes" in finding.observed


NEWEST = "a sample: the newest 2 events, 2026-11-21 12:00 to 2026-11-23 12:00 UTC; older ones were not read"


def sampled(account: Account, tls: str = "TLSv1.2", who: str = "", region: str = REGION) -> Account:
    """Of the events of a region the newest two were read."""
    own = {"who": who} if who else {}
    for days in (1, 3):
        account.event(tls, days=days, region=region, **own)
    account.cuts(LOOKUP_EVENTS, "2 pages read, more exist", region)
    return account.fleet(region=region)


@pytest.mark.parametrize(
    ("control", "given", "status", "part"),
    [
        ("IT-03", sampled, "attested", NEWEST),
        ("IT-06", sampled, "pass", NEWEST),
        ("LG-04", sampled, "pass", NEWEST),
        # A sample can refute.
        ("IT-03", lambda a: sampled(a, "TLSv1.0"), "fail", NEWEST),
        ("IT-06", lambda a: sampled(a, "TLSv1.0"), "fail", NEWEST),
        # Events that were read, all of them the collector's own, are a sample too.
        ("IT-03", lambda a: sampled(a, who=COLLECTOR), "attested", NEWEST),
        (
            "LG-04",
            lambda a: sampled(a, who=COLLECTOR),
            "not evidenced",
            NEWEST,
        ),
        # All that there is is no sample, nor is what was not read.
        ("IT-03", lambda a: in_use(a).event(), "attested", ""),
        ("IT-03", in_use, "attested", ""),
        ("LG-04", lambda a: in_use(a).event(), "pass", ""),
        (
            "IT-03",
            lambda a: in_use(a).denies(LOOKUP_EVENTS),
            "not evidenced",
            "",
        ),
        # What rests on no event is none.
        ("IT-02", lambda a: sampled(a).stack(), "attested", ""),
        ("IT-05", sampled, "attested", ""),
    ],
)
def test_what_rests_on_the_newest_events_alone_is_called_a_sample(
    account: Account, control: str, given: Given, status: str, part: str
) -> None:
    given(account)
    (finding,) = findings(account, control)
    assert (finding.status, finding.sample) == (status, part)


def test_a_sample_in_one_region_makes_none_of_another(tmp_path: Path) -> None:
    account = sampled(Account(tmp_path, regions=(REGION, "eu-central-1"))).fleet(
        region="eu-central-1"
    )
    account.event(region="eu-central-1")
    found = {one.region: bool(one.sample) for one in findings(account, "IT-03")}
    assert found == {REGION: True, "eu-central-1": False}


def test_it_03_wants_the_version_that_the_profile_requires(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("minimum_tls: TLSv1.3\n")
    account = Account(tmp_path, thresholds=str(own)).fleet().event("TLSv1.2")
    assert verdicts(account, "IT-03") == [fails]


ARN = f"arn:aws:s3:::{HOME}"


def under(**changes: Any) -> Given:
    """A home-folder bucket whose policy has this statement."""
    return lambda a: a.bucket(policy=tls_only(HOME, **changes))


@scenarios(
    (
        "no bucket",
        nothing,
        not_applicable("no bucket of home folders or application settings"),
    ),
    (
        "only a bucket of logs",
        lambda a: a.bucket(LOGS),
        not_applicable("no bucket of home folders or application settings"),
    ),
    ("plain HTTP denied", under(), passes),
    ("no policy", lambda a: a.bucket(), fails),
    ("a policy that allows", under(Effect="Allow"), fails),
    ("to one principal", under(Principal={"AWS": "arn:aws:iam::1:root"}), fails),
    ("the bucket without its objects", under(Resource=ARN), fails),
    ("the objects without the bucket", under(Resource=f"{ARN}/*"), fails),
    ("reading alone", under(Action="s3:GetObject"), fails),
    ("the wrong way round", under(Condition={"Bool": {"aws:SecureTransport": "true"}}), fails),
    (
        "of old TLS alone",
        under(Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        fails,
    ),
    (
        "each bucket for itself",
        lambda a: a.bucket(SETTINGS, policy=tls_only(SETTINGS)).bucket(),
        passes,
        fails,
    ),
    (
        "policy denied",
        lambda a: a.bucket().denies(GET_BUCKET_POLICY, Bucket=HOME),
        denied(GET_BUCKET_POLICY),
    ),
    (
        "a policy that is no JSON",
        lambda a: a.bucket().answers(GET_BUCKET_POLICY, {"Policy": "⟦secret⟧"}, Bucket=HOME),
        not_evidenced("unreadable answer", GET_BUCKET_POLICY),
    ),
    (
        "an answer that leaves the policy out",
        lambda a: a.bucket().answers(GET_BUCKET_POLICY, {}, Bucket=HOME),
        not_evidenced("absent in answer", GET_BUCKET_POLICY),
    ),
    ("buckets denied", lambda a: a.denies(LIST_BUCKETS), denied(LIST_BUCKETS)),
)
def test_it_04_plain_http_is_refused(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-04") == expected


@pytest.mark.parametrize(("partition", "status"), [("aws-us-gov", "pass"), ("aws", "fail")])
def test_it_04_reads_the_names_of_the_accounts_own_partition(
    account: Account, partition: str, status: str
) -> None:
    policy = json.loads(json.dumps(tls_only(HOME)).replace("arn:aws:", "arn:aws-us-gov:"))
    stored = account.bucket(policy=policy).snapshot()
    there = Snapshot({**stored.header, "partition": partition}, stored.requests, stored.folder)
    found = evaluate(tabulate(there)).leaves
    assert [one.status for one in found if one.control == "IT-04"] == [status]


def offering(*connectors: str) -> dict[str, Any]:
    return {"StorageConnectors": [{"ConnectorType": name} for name in connectors]}


ROW_5 = attested(f"{TABLE}: Traffic managed by AppStream 2.0")


@scenarios(
    ("no fleet", lambda a: a.stack(**offering("GOOGLE_DRIVE")), not_applicable("no fleet")),
    ("a fleet", lambda a: a.fleet().stack(), ROW_5),
    ("home folders", lambda a: a.fleet().stack(**offering("HOMEFOLDERS")), ROW_5),
    ("Google Drive", lambda a: a.fleet().stack(fleets=("design",), **offering("GOOGLE_DRIVE")), to_be_reviewed),
    ("OneDrive", lambda a: a.fleet().stack(fleets=("design",), **offering("ONE_DRIVE")), to_be_reviewed),
    ("OneDrive of a stack of another fleet", lambda a: a.fleet().stack(fleets=("other",), **offering("ONE_DRIVE")), ROW_5),
    ("fleets of the stack denied", lambda a: a.fleet().stack(**offering("ONE_DRIVE")).denies(LIST_ASSOCIATED_FLEETS, StackName="design"), denied(LIST_ASSOCIATED_FLEETS)),
    ("stacks denied", lambda a: a.fleet().denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)  # fmt: skip
def test_it_05_managed_traffic(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-05") == expected


@pytest.mark.parametrize("kind", ["GOOGLE_DRIVE", "ONE_DRIVE"])
def test_it_05_names_the_provider(account: Account, kind: str) -> None:
    account.fleet().stack(fleets=("design",), **offering(kind))
    (finding,) = findings(account, "IT-05")
    assert kind in finding.hint
    assert any(ref.endswith("/Stacks/0/StorageConnectors/0") for ref in finding.evidence)


# --- IT-06: own URLs, and clients -------------------------------------------------------------

NEITHER = not_applicable("no URL of its own, and no event with TLS details")


def themed(**theme: Any) -> Given:
    """A stack whose theme has these members."""

    def given(account: Account) -> Account:
        reported = {"Theme": {"StackName": "design", **theme}}
        return account.stack().answers(
            DESCRIBE_THEME_FOR_STACK, reported, REGION, StackName="design"
        )

    return given


def footer(url: str) -> Given:
    return themed(ThemeFooterLinks=[{"DisplayName": "imprint", "FooterLinkURL": url}])


def opening(*urls: str, **members: Any) -> Given:
    redirection = {"HostToClient": {"Enabled": True, "AllowedUrls": list(urls), **members}}
    return lambda a: a.stack(ContentRedirection=redirection)


@scenarios(
    ("AppStream is not in use", nothing, UNUSED),
    ("neither", in_use, NEITHER),
    ("an event without TLS details", lambda a: in_use(a).event(None), NEITHER),
    ("https, and no event", lambda a: a.stack(RedirectURL="https://a.example"), passes),
    ("no URL, and TLS 1.2", lambda a: in_use(a).event("TLSv1.2"), passes),
    ("no URL, and TLS 1.1", lambda a: in_use(a).event("TLSv1.1"), fails),
    (
        "https, and TLS 1.1",
        lambda a: a.stack(RedirectURL="https://a.example").event("TLSv1.1"),
        fails,
    ),
    ("http, and TLS 1.3", lambda a: a.stack(RedirectURL="http://a.example").event(), fails),
    ("http in capitals", lambda a: a.stack(FeedbackURL="HTTP://a.example"), fails),
    (
        "http with a secret that was masked",
        lambda a: a.stack(FeedbackURL="http://me:not-a-real-one@a.example"),
        fails,
    ),
    ("one of two", lambda a: a.stack(RedirectURL="https://a", FeedbackURL="http://a"), fails),
    (
        "one of two stacks",
        lambda a: a.stack(RedirectURL="https://a").stack("b", FeedbackURL="http://b"),
        fails,
    ),
    ("http in the footer", footer("http://a.example"), fails),
    ("https in the footer", footer("https://a.example"), passes),
    ("an http logo", themed(ThemeOrganizationLogoURL="http://a.example/logo.png"), fails),
    ("redirection to http", opening("https://a.example/*", "http://a.example/*"), fails),
    ("redirection to https", opening("https://a.example/*"), passes),
    *(
        (f"redirection to {pattern}", opening(pattern), fails)
        for pattern in ("*://a.example/*", "http*://a.example/*", "htt?://a.example", "HTTP://a")
    ),
    ("redirection to https by a pattern", opening("http?://a.example/*"), passes),
    ("redirection to http that is off", opening("http://a.example/*", Enabled=False), NEITHER),
    (
        "redirection to any scheme but http",
        opening("*://a.example/*", DeniedUrls=["http://*"]),
        passes,
    ),
    (
        "redirection to any scheme but http elsewhere",
        opening("*://a.example/*", DeniedUrls=["http://b.example/*"]),
        fails,
    ),
    ("http behind a space", lambda a: a.stack(RedirectURL=" http://a.example"), fails),
    ("redirection without a scheme", opening("a.example"), NEITHER),
    ("hosts are no URLs", lambda a: a.stack(EmbedHostDomains=["a.example"]), NEITHER),
    ("an unknown TLS version", lambda a: in_use(a).event("TLSv1.4"), to_be_reviewed),
    (
        "themes denied beside https",
        lambda a: a.stack(RedirectURL="https://a.example").denies(
            DESCRIBE_THEME_FOR_STACK, StackName="design"
        ),
        denied(DESCRIBE_THEME_FOR_STACK),
    ),
    (
        "themes denied beside http",
        lambda a: a.stack(RedirectURL="http://a.example").denies(
            DESCRIBE_THEME_FOR_STACK, StackName="design"
        ),
        fails,
    ),
    (
        "events denied beside https",
        lambda a: a.stack(RedirectURL="https://a.example").denies(LOOKUP_EVENTS),
        denied(LOOKUP_EVENTS),
    ),
    (
        "events denied beside http",
        lambda a: a.stack(RedirectURL="http://a.example").denies(LOOKUP_EVENTS),
        fails,
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_it_06_own_urls_and_clients(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "IT-06") == expected


def test_it_06_counts_every_url_of_every_stack(account: Account) -> None:
    urls = {"RedirectURL": "https://a.example", "FeedbackURL": "http://b.example"}
    account.stack(**urls).stack("two", FeedbackURL="https://b.example")
    (finding,) = findings(account, "IT-06")
    assert "URLs of its own: 3; " in finding.observed
    assert "field FeedbackURL" in finding.observed


def test_it_06_names_the_field_and_the_stack_by_its_label(account: Account) -> None:
    footer("http://a.example")(account)
    (finding,) = findings(account, "IT-06")
    assert "of stack-" in finding.observed
    assert "field ThemeFooterLinks" in finding.observed
    assert "design" not in finding.observed
    assert "a.example" not in finding.observed


# --- IT-07: FIPS endpoints --------------------------------------------------------------------

FEDERAL = "us-east-1"
POOL_USER = {"AuthenticationType": "USERPOOL", "UserName": "jane@example.org"}


def federal(folder: Path, region: str = FEDERAL, **run: Any) -> Account:
    own = folder / "federal.yaml"
    own.write_text("fips_required: true\n")
    return Account(folder, regions=(region,), thresholds=str(own), **run)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (nothing, UNUSED),
        (lambda a: a.fleet(region=FEDERAL), not_evidenced("not declared")),
        (
            lambda a: a.stack(region=FEDERAL, AccessEndpoints=[{"EndpointType": "STREAMING"}]),
            fails,
        ),
        (lambda a: a.lists(DESCRIBE_USERS, POOL_USER, region=FEDERAL), fails),
        (lambda a: a.fleet(region=FEDERAL).denies(DESCRIBE_USERS), denied(DESCRIBE_USERS)),
        (
            lambda a: a.stack(
                region=FEDERAL, AccessEndpoints=[{"EndpointType": "STREAMING"}]
            ).denies(DESCRIBE_USERS),
            fails,
        ),
    ],
    ids=[
        "not in use",
        "not declared",
        "through a VPC endpoint",
        "a user of the pool",
        "users denied",
        "users denied beside a VPC endpoint",
    ],
)
def test_it_07_where_fips_is_requested(tmp_path: Path, given: Given, expected: Any) -> None:
    account = federal(tmp_path)
    given(account)
    assert verdicts(account, "IT-07") == [expected]


def test_it_07_cites_one_stack_of_those_that_stream_through_endpoints(tmp_path: Path) -> None:
    account = federal(tmp_path, fips_relay_state=True)
    for name in ("open", "first", "second"):
        ways = [{"EndpointType": "STREAMING"}]
        account.stack(name, FEDERAL, **({} if name == "open" else {"AccessEndpoints": ways}))
    (finding,) = findings(account, "IT-07")
    cited = [ref.partition("#")[2] for ref in finding.evidence if "#/Stacks" in ref]
    assert cited == ["/Stacks/1"]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", passes),
        ("us-west-2", passes),
        ("us-gov-west-1", passes),
        ("us-gov-east-1", passes),
        ("us-east-2", fails),
        (REGION, fails),
    ],
)
def test_it_07_botocore_knows_where_there_are_fips_endpoints(
    tmp_path: Path, region: str, expected: Any
) -> None:
    account = federal(tmp_path, region, fips_relay_state=True).fleet(region=region)
    assert verdicts(account, "IT-07") == [expected]


def test_it_07_is_not_required_in_any_region_on_or_off(tmp_path: Path) -> None:
    off = Account(tmp_path, regions=(FEDERAL, REGION), regions_off=(FEDERAL,)).fleet()
    assert verdicts(off, "IT-07") == [not_applicable("not required")] * 2


def test_the_window_of_events_has_the_first_and_the_last(account: Account) -> None:
    for days in (2, 5, 1, 3):
        account.event(days=days)
    (row,) = tabulate(account.answered(), ["regions"])["regions"].rows.values()
    window = row["events_window"]
    assert (window["first event"], window["last event"]) == (
        (AS_OF - dt.timedelta(days=5)).isoformat(),
        (AS_OF - dt.timedelta(days=1)).isoformat(),
    )


# --- IT-08: the kit's own requests ------------------------------------------------------------


def sent(snapshot: Snapshot, endpoint: str = "", verified: bool | None = True) -> Snapshot:
    """The snapshot had its last request gone there, with certificates verified or not."""
    *others, last = snapshot.requests
    last = replace(last, endpoint=endpoint or last.endpoint)
    header = {**snapshot.header, "certificates_verified": verified}
    return Snapshot(header, [*others, last], snapshot.folder)


@pytest.mark.parametrize(
    ("endpoint", "verified", "expected"),
    [
        ("", True, ("pass", "")),
        ("", False, ("fail", "")),
        ("", None, ("not evidenced", "not collected")),
        ("http://sts.eu-west-1.amazonaws.com", True, ("fail", "")),
        ("http://127.0.0.1:5000", True, ("not applicable", "not AWS")),
        ("http://127.0.0.1:5000", False, ("fail", "")),
        ("https://aws.example", True, ("not applicable", "not AWS")),
        ("https://aws.example", False, ("fail", "")),
        ("https://amazonaws.com.example", True, ("not applicable", "not AWS")),
    ],
)
def test_it_08_the_kits_own_transport(
    account: Account, endpoint: str, verified: bool | None, expected: tuple[str, str]
) -> None:
    account.run = account.run.model_copy(update={"controls": ["IT-08"]})
    found = evaluate(tabulate(sent(account.snapshot(), endpoint, verified), ["transport"]))
    assert [(one.status, one.reason) for one in found.leaves] == [expected]


def test_it_08_says_no_certificate_was_verified_where_there_was_none(account: Account) -> None:
    account.run = account.run.model_copy(update={"controls": ["IT-08"]})
    snapshot = account.snapshot()
    plain = [replace(one, endpoint="http://127.0.0.1:5000") for one in snapshot.requests]
    snapshot = Snapshot({**snapshot.header, "certificates_verified": True}, plain, snapshot.folder)
    (finding,) = evaluate(tabulate(snapshot, ["transport"])).leaves
    assert (finding.status, finding.reason) == ("not applicable", "not AWS")
    assert "Certificates verified: none" in finding.observed
