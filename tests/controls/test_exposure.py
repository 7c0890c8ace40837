"""Exposure: what each control says of which account."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_ATTRIBUTE,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGE_PERMISSIONS,
    DESCRIBE_IMAGES,
    DESCRIBE_IMAGES_OF_OTHERS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_STACKS,
    LIST_ASSOCIATED_FLEETS,
    LIST_EXPORT_IMAGE_TASKS,
)
from kit.judge import evaluate
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate
from kit.tables.images import exports
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
from tests.standins import ACCOUNT, AS_OF, REGION, Account

NO_STACK = not_applicable("no stack")
UNDECLARED = not_evidenced("not declared")


# --- EX-01 to EX-03: what a user may carry to the own device ----------------------------------

LOCAL = {
    "EX-01": "CLIPBOARD_COPY_TO_LOCAL_DEVICE",
    "EX-02": "FILE_DOWNLOAD",
    "EX-03": "PRINTING_TO_LOCAL_DEVICE",
}
LEAVING = pytest.mark.parametrize("control", sorted(LOCAL))


def setting(**settings: str) -> dict[str, Any]:
    listed = [{"Action": action, "Permission": reported} for action, reported in settings.items()]
    return {"UserSettings": listed}


@LEAVING
@pytest.mark.parametrize(
    ("own", "default", "strict"),
    [
        ("DISABLED", passes, passes),
        ("ENABLED", to_be_reviewed, fails),
        ("", to_be_reviewed, fails),
    ],
    ids=["disabled", "enabled", "left out, which means enabled"],
)
def test_what_leaves_to_the_own_device(
    tmp_path: Path, control: str, own: str, default: Any, strict: Any
) -> None:
    others = dict.fromkeys(LOCAL.values(), "DISABLED") | {LOCAL[control]: own}
    members = setting(**{action: reported for action, reported in others.items() if reported})
    for thresholds, expected in (("default", default), ("strict", strict)):
        folder = tmp_path / thresholds
        folder.mkdir()
        account = Account(folder, thresholds=thresholds).stack(**members)
        assert verdicts(account, control) == [expected]


@LEAVING
def test_without_user_settings_everything_may_leave(account: Account, control: str) -> None:
    assert verdicts(account.stack(), control) == [to_be_reviewed]


@LEAVING
@pytest.mark.parametrize(
    ("reasons", "thresholds", "expected"),
    [
        ("own", "default", passes),
        ("another's", "default", to_be_reviewed),
        ("own", "strict", fails),
    ],
)
def test_a_declared_reason_counts_for_its_control(
    tmp_path: Path, control: str, reasons: str, thresholds: str, expected: Any
) -> None:
    declared = {
        "own": {control: "Designers exchange drawings"},
        "another's": {"EX-99": "Designers exchange drawings"},
    }[reasons]
    account = Account(tmp_path, declared_reasons=declared, thresholds=thresholds).stack()
    assert verdicts(account, control) == [expected]


@LEAVING
def test_what_leaves_without_stacks(account: Account, control: str) -> None:
    assert verdicts(account, control) == [NO_STACK]


@LEAVING
def test_what_leaves_where_stacks_are_denied(account: Account, control: str) -> None:
    assert verdicts(account.denies(DESCRIBE_STACKS), control) == [denied(DESCRIBE_STACKS)]


def test_ex_01_is_about_the_way_out_and_shows_the_limit_and_the_way_in(account: Account) -> None:
    out = {"Action": LOCAL["EX-01"], "Permission": "ENABLED", "MaximumLength": 100}
    account.stack(UserSettings=[out])
    (finding,) = findings(account, "EX-01")
    assert "Longest text copied out (characters): 100" in finding.observed
    assert "Clipboard from the user's device: ENABLED" in finding.observed


def test_ex_01_shows_the_limit_of_aws_where_none_is_set(account: Account) -> None:
    account.stack(UserSettings=[{"Action": LOCAL["EX-01"], "Permission": "ENABLED"}])
    (finding,) = findings(account, "EX-01")
    assert "Longest text copied out (characters): 20971520 " in finding.observed


def test_a_declared_reason_stands_beside_the_verdict(tmp_path: Path) -> None:
    account = Account(tmp_path, declared_reasons={"EX-02": "Drawings go to the printer's"}).stack()
    (finding,) = findings(account, "EX-02")
    assert "declared_reasons = EX-02 Drawings go to the printer's" in finding.expected


# --- EX-04: storage of other providers --------------------------------------------------------


def connecting(*kinds: str) -> Given:
    members = {"StorageConnectors": [{"ConnectorType": kind} for kind in kinds]}
    return lambda a: a.stack(**members)


NO_CONNECTOR = not_applicable("no third-party connector")


@scenarios(
    ("no stack", nothing, NO_CONNECTOR),
    ("home folders alone", connecting("HOMEFOLDERS"), NO_CONNECTOR),
    ("registered", connecting("GOOGLE_DRIVE"), passes),
    ("not registered", connecting("ONE_DRIVE"), fails),
    ("each for itself", connecting("HOMEFOLDERS", "GOOGLE_DRIVE", "ONE_DRIVE"), passes, fails),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_04_third_parties(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, registered_third_parties=["GOOGLE_DRIVE"])
    given(account)
    assert verdicts(account, "EX-04") == expected


def test_ex_04_nobody_is_registered_unless_declared(account: Account) -> None:
    connecting("GOOGLE_DRIVE", "ONE_DRIVE")(account)
    assert verdicts(account, "EX-04") == [fails, fails]


def test_ex_04_counts_domains_and_names_none(account: Account) -> None:
    reported = {
        "Domains": ["jane.example", "x.example"],
        "DomainsRequireAdminConsent": ["x.example"],
    }
    account.stack(StorageConnectors=[{"ConnectorType": "ONE_DRIVE", **reported}])
    (finding,) = findings(account, "EX-04")
    assert "Domains admitted: 2; Domains that need an administrator's consent: 1" in (
        finding.observed
    )
    assert "jane.example" not in str(finding)
    assert finding.resource.endswith(", ONE_DRIVE")
    assert any(ref.endswith("/StorageConnectors/0/ConnectorType") for ref in finding.evidence)


# --- EX-17: sign-in to storage of other providers ---------------------------------------------


def kept(how: str | None, *kinds: str) -> Given:
    members: dict[str, Any] = {"StorageConnectors": [{"ConnectorType": kind} for kind in kinds]}
    return lambda a: a.stack(**members, **({"StorageConnectorAuthentication": how} if how else {}))


@scenarios(
    ("home folders alone", kept("REUSE_CREDENTIALS", "HOMEFOLDERS"), NO_CONNECTOR),
    ("removed", kept("FORCE_REAUTHENTICATION", "ONE_DRIVE"), passes),
    ("kept", kept("REUSE_CREDENTIALS", "ONE_DRIVE"), to_be_reviewed),
    ("kept by default", kept(None, "GOOGLE_DRIVE"), to_be_reviewed),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_17_sign_in_to_storage(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-17") == expected


def test_ex_17_a_declared_reason_is_enough(tmp_path: Path) -> None:
    account = Account(tmp_path, declared_reasons={"EX-17": "Devices are the users' own"})
    kept(None, "ONE_DRIVE")(account)
    assert verdicts(account, "EX-17") == [passes]


# --- EX-05 and EX-12: images ------------------------------------------------------------------

OURS, THEIRS = "111122223333", "999999999999"
NO_IMAGE = not_applicable("no private image")


@scenarios(
    ("no image", nothing, NO_IMAGE),
    ("shared with nobody", lambda a: a.image(), passes),
    ("shared within the organisation", lambda a: a.image(shared_with=(OURS,)), passes),
    ("shared outside", lambda a: a.image(shared_with=(THEIRS,)), fails),
    ("shared within and outside", lambda a: a.image(shared_with=(OURS, THEIRS)), fails),
    ("shared, with nobody named", lambda a: a.image(shared_with=()), to_be_reviewed),
    (
        "each for itself",
        lambda a: a.image("a").image("b", shared_with=(THEIRS,)),
        passes,
        fails,
    ),
    (
        "whether it is shared left out",
        lambda a: a.image(ImageSharedWithOthers=None),
        not_evidenced("absent in answer", DESCRIBE_IMAGES),
    ),
    (
        "permissions denied",
        lambda a: a.image(shared_with=(OURS,)).denies(DESCRIBE_IMAGE_PERMISSIONS, Name="design"),
        denied(DESCRIBE_IMAGE_PERMISSIONS),
    ),
    (
        "shared within the organisation, and the list cut short",
        lambda a: a.image(shared_with=(OURS,)).cuts(
            DESCRIBE_IMAGE_PERMISSIONS, "more exist", Name="design"
        ),
        not_evidenced("cut short", DESCRIBE_IMAGE_PERMISSIONS),
    ),
    (
        "shared outside, and the list cut short",
        lambda a: a.image(shared_with=(OURS, THEIRS)).cuts(
            DESCRIBE_IMAGE_PERMISSIONS, "more exist", Name="design"
        ),
        fails,
    ),
    ("images denied", lambda a: a.denies(DESCRIBE_IMAGES), denied(DESCRIBE_IMAGES)),
)
def test_ex_05_sharing(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, organisation_accounts=[OURS])
    given(account)
    assert verdicts(account, "EX-05") == expected


@pytest.mark.parametrize(
    ("fleet", "builder", "verdict"),
    [
        (True, False, fails),
        (False, True, fails),
        (False, None, fails),
        (None, None, fails),
        (False, False, passes),
    ],
)
def test_ex_05_a_permission_that_permits_nothing_shares_nothing(
    account: Account, fleet: bool | None, builder: bool | None, verdict: Verdict
) -> None:
    uses = {"allowFleet": fleet, "allowImageBuilder": builder}
    uses = {name: value for name, value in uses.items() if value is not None}
    account.image(shared_with=(OURS,))
    theirs = {"sharedAccountId": THEIRS, "imagePermissions": uses}
    account.lists(DESCRIBE_IMAGE_PERMISSIONS, theirs, Name="design")
    account.run = account.run.model_copy(update={"organisation_accounts": [OURS]})
    assert verdicts(account, "EX-05") == [verdict]


def test_ex_05_no_account_is_the_organisations_unless_declared(account: Account) -> None:
    assert verdicts(account.image(shared_with=(OURS,)), "EX-05") == [fails]


def aged(days: float, **members: Any) -> Given:
    released = AS_OF - dt.timedelta(days=days)
    return lambda a: a.image(PublicBaseImageReleasedDate=released, **members)


OLD_AGENT = {"LatestAppstreamAgentVersion": "FALSE"}


PUBLIC = f"arn:aws:appstream:{REGION}::image/AppStream-WinServer2019-06-12-2019"
SHARED = f"arn:aws:appstream:{REGION}:{THEIRS}:image/theirs"
IN_ORGANISATION = f"arn:aws:appstream:{REGION}:{OURS}:image/ours"
OWN_IMAGE = f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design"
UNNAMED = not_evidenced("absent in answer", DESCRIBE_FLEETS)
GONE = not_evidenced("absent in answer", DESCRIBE_IMAGES_OF_OTHERS)
OF_2019 = {"PublicBaseImageReleasedDate": dt.datetime(2019, 6, 12, tzinfo=dt.UTC)}
CURRENT = {"LatestAppstreamAgentVersion": "TRUE"}


def builder(arn: str | None, kind: str = "image-builder") -> dict[str, Any]:
    own = f"arn:aws:appstream:{REGION}:{ACCOUNT}:{kind}/builder"
    return {"Name": "builder", "Arn": own} | ({"ImageArn": arn} if arn else {})


def bare(account: Account) -> Account:
    """An image whose ARN AWS left out."""
    released = AS_OF - dt.timedelta(days=30)
    image = {"Name": "design", "PublicBaseImageReleasedDate": released, **CURRENT}
    return account.lists(DESCRIBE_IMAGES, image)


def maker() -> dict[str, Any]:
    """An app block builder, of which AppStream names no image."""
    rest = {"InstanceType": "stream.standard.small", "VpcConfig": {}, "State": "STOPPED"}
    return builder(None, "app-block-builder") | {"Platform": "WINDOWS_SERVER_2019"} | rest


@scenarios(
    ("a public image of 2019", lambda a: a.runs(PUBLIC, **OF_2019), fails),
    ("a public image of a month ago", lambda a: a.runs(PUBLIC), passes),
    ("one whose agent AWS calls old", lambda a: a.runs(PUBLIC, **OLD_AGENT), fails),
    (
        "one whose release AWS left out",
        lambda a: a.runs(PUBLIC, PublicBaseImageReleasedDate=None),
        not_evidenced("absent in answer", DESCRIBE_IMAGES_OF_OTHERS),
    ),
    ("another account's image", lambda a: a.runs(SHARED, **CURRENT), to_be_reviewed),
    ("another account's of 2019", lambda a: a.runs(SHARED, **CURRENT, **OF_2019), fails),
    ("one of the organisation's", lambda a: a.runs(IN_ORGANISATION, **CURRENT), passes),
    ("one of the organisation's of 2019", lambda a: a.runs(IN_ORGANISATION, **OF_2019), fails),
    ("another account's, agent left out", lambda a: a.runs(SHARED), GONE),
    ("an image that AWS does not describe", lambda a: a.runs(SHARED, seen=False), GONE),
    (
        "an image that is gone",
        lambda a: a.fleet(ImageArn=SHARED).refuses(
            DESCRIBE_IMAGES_OF_OTHERS, "ResourceNotFoundException", status=400, Arns=[SHARED]
        ),
        GONE,
    ),
    (
        "an image that may not be described",
        lambda a: a.fleet(ImageArn=SHARED).denies(DESCRIBE_IMAGES_OF_OTHERS, Arns=[SHARED]),
        denied(DESCRIBE_IMAGES_OF_OTHERS),
    ),
    (
        "an image of the account's own that is gone",
        lambda a: a.fleet(ImageArn=OWN_IMAGE),
        not_evidenced("absent in answer", DESCRIBE_IMAGES),
    ),
    ("an image of its own", lambda a: a.image().fleet(ImageArn=OWN_IMAGE), passes),
    ("one listed without its ARN", lambda a: bare(a).fleet(ImageArn=OWN_IMAGE), passes),
    (
        "another account's of the same name",
        lambda a: a.image("theirs").runs(SHARED, **CURRENT),
        passes,
        to_be_reviewed,
    ),
    ("one named without its ARN", lambda a: a.image().fleet(ImageName="design"), passes),
    ("one that nobody named", lambda a: a.image().fleet(), UNNAMED, passes),
    ("an Elastic fleet", lambda a: a.fleet(FleetType="ELASTIC"), not_applicable("no image")),
    (
        "an image made from another account's",
        lambda a: a.image(BaseImageArn=SHARED),
        to_be_reviewed,
    ),
    ("an image made from a public one", lambda a: a.image(BaseImageArn=PUBLIC), passes),
    (
        "a builder on the image of a fleet",
        lambda a: a.runs(PUBLIC, **OF_2019).lists(DESCRIBE_IMAGE_BUILDERS, builder(PUBLIC)),
        fails,
    ),
    (
        "a builder of which AWS left the image out",
        lambda a: a.lists(DESCRIBE_IMAGE_BUILDERS, builder(None)),
        not_evidenced("absent in answer", DESCRIBE_IMAGE_BUILDERS),
    ),
    (
        "an app block builder",
        lambda a: a.lists(DESCRIBE_APP_BLOCK_BUILDERS, maker()),
        not_applicable("no image"),
    ),
    (
        "fleets denied",
        lambda a: a.image().denies(DESCRIBE_FLEETS),
        passes,
        denied(DESCRIBE_FLEETS),
    ),
)
def test_ex_12_whose_image_runs(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, organisation_accounts=[OURS])
    given(account)
    assert verdicts(account, "EX-12") == expected


def test_ex_12_names_who_made_an_image_and_aws_images_by_their_name(account: Account) -> None:
    account.runs(SHARED, **CURRENT).runs(PUBLIC, BaseImageArn=None)
    public, theirs = sorted(findings(account, "EX-12"), key=lambda one: one.status, reverse=True)
    assert public.resource == PUBLIC.rpartition("/")[2]
    assert "Made by: AWS" in public.observed
    assert re.fullmatch("image-[a-z2-7]{10}", theirs.resource)
    assert f"Made by: {THEIRS}" in theirs.observed
    assert THEIRS in theirs.hint


@scenarios(
    ("no image", nothing, not_applicable("no image")),
    ("current", aged(1), passes),
    ("as old as the profile allows", aged(90), passes),
    ("a little older", aged(90.01), fails),
    ("an old agent on a recent image", aged(1, **OLD_AGENT), fails),
    (
        "agent left out",
        lambda a: a.image(LatestAppstreamAgentVersion=None),
        not_evidenced("absent in answer", DESCRIBE_IMAGES),
    ),
    ("agent left out on an old image", aged(91, LatestAppstreamAgentVersion=None), fails),
    (
        "release left out",
        lambda a: a.image(PublicBaseImageReleasedDate=None),
        not_evidenced("absent in answer", DESCRIBE_IMAGES),
    ),
    (
        "release left out beside an old agent",
        lambda a: a.image(PublicBaseImageReleasedDate=None, **OLD_AGENT),
        fails,
    ),
    ("images denied", lambda a: a.denies(DESCRIBE_IMAGES), denied(DESCRIBE_IMAGES)),
)
def test_ex_12_currency(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-12") == expected


# --- EX-06: images that left as an AMI --------------------------------------------------------


def exported(days: float, **members: Any) -> Given:
    task = {
        "TaskId": "t1",
        "ImageArn": f"arn:aws:appstream:{REGION}:{ACCOUNT}:image/design",
        "AmiName": "design",
        "CreatedDate": AS_OF - dt.timedelta(days=days),
        "State": "COMPLETED",
        "AmiId": "ami-1",
        **members,
    }
    return lambda a: launched(a.lists(LIST_EXPORT_IMAGE_TASKS, task))


def launched(account: Account, *by: dict[str, str]) -> Account:
    """Let EC2 name these besides the account as those who may launch the AMI."""
    answer = {"ImageId": "ami-1", "LaunchPermissions": list(by)}
    return account.answers(DESCRIBE_IMAGE_ATTRIBUTE, answer, REGION, ImageId="ami-1")


@scenarios(
    ("AppStream is not in use", nothing, not_applicable("no use of AppStream")),
    ("in use, and nothing exported", lambda a: a.fleet(), passes),
    ("exported lately", exported(20), to_be_reviewed),
    ("exported 90 days ago", exported(90), to_be_reviewed),
    ("exported longer ago", exported(90.01), passes),
    ("being exported", exported(0, State="EXPORTING"), to_be_reviewed),
    ("the export failed", exported(1, State="FAILED"), passes),
    ("the export timed out", exported(1, State="TIMED_OUT"), passes),
    (
        "exports denied",
        lambda a: a.fleet().denies(LIST_EXPORT_IMAGE_TASKS),
        denied(LIST_EXPORT_IMAGE_TASKS),
    ),
    (
        "exports denied, nothing else in use",
        lambda a: a.denies(LIST_EXPORT_IMAGE_TASKS),
        denied(LIST_EXPORT_IMAGE_TASKS),
    ),
)
def test_ex_06_exports(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-06") == expected


COLLEAGUE, UNIT = "111122223333", "arn:aws:organizations::1:ou/{}/ou-1"


@scenarios(
    ("nobody else", [], passes),
    ("the account itself", [{"UserId": ACCOUNT}], passes),
    ("another account of the organisation", [{"UserId": COLLEAGUE}], passes),
    ("another account", [{"UserId": COLLEAGUE}, {"UserId": "999999999999"}], fails),
    ("an account that EC2 does not number", [{"UserId": "x"}], fails),
    ("everybody", [{"Group": "all"}], fails),
    ("somebody whom EC2 leaves out", [{}], fails),
    ("its own organisation", [{"OrganizationArn": "arn:aws:organizations::1:organization/o-own0000000"}], passes),
    ("a unit of its own organisation", [{"OrganizationalUnitArn": UNIT.format("o-own0000000")}], passes),
    ("another organisation", [{"OrganizationArn": "arn:aws:organizations::1:organization/o-other00000"}], fails),
    ("a unit of another organisation", [{"OrganizationalUnitArn": UNIT.format("o-other00000")}], fails),
)  # fmt: skip
def test_ex_06_who_may_launch(tmp_path: Path, given: Any, expected: list[Any]) -> None:
    account = Account(tmp_path, organisation_accounts=[COLLEAGUE])
    account.answers(DESCRIBE_ORGANIZATION, {"Organization": {"Id": "o-own0000000"}})
    exported(200)(account)
    launched(account, *given)
    assert verdicts(account, "EX-06") == expected


@pytest.mark.parametrize("days", list(itertools.permutations((200, 10, 120))))
def test_ex_06_shows_the_latest_export_first(account: Account, days: tuple[int, ...]) -> None:
    exported(1, TaskId="failed", State="FAILED")(account)
    for number, ago in enumerate(days):
        exported(ago, TaskId=str(number))(account)
    shown = [(AS_OF - dt.timedelta(days=ago)).isoformat() for ago in (10, 120, 200)]
    assert exports(account.snapshot(), REGION).value == shown


def test_ex_06_an_ami_that_is_gone_is_launched_by_nobody(account: Account) -> None:
    exported(200)(account)
    account.refuses(
        DESCRIBE_IMAGE_ATTRIBUTE,
        "InvalidAMIID.NotFound",
        region=REGION,
        status=400,
        ImageId="ami-1",
    )
    assert verdicts(account, "EX-06") == [passes]


def test_ex_06_what_was_refused_is_not_taken_for_private(account: Account) -> None:
    exported(200)(account)
    account.denies(DESCRIBE_IMAGE_ATTRIBUTE, REGION, ImageId="ami-1")
    assert verdicts(account, "EX-06") == [denied(DESCRIBE_IMAGE_ATTRIBUTE)]


def test_ex_06_an_unknown_organisation_decides_where_one_is_named(account: Account) -> None:
    exported(200)(account)
    account.denies(DESCRIBE_ORGANIZATION)
    launched(account)
    assert verdicts(account, "EX-06") == [passes]
    for open_to in ({"UserId": COLLEAGUE}, {"Group": "all"}):
        launched(account, open_to)
        assert verdicts(account, "EX-06") == [fails]
    launched(account, {"OrganizationalUnitArn": UNIT.format("o-own0000000")})
    assert verdicts(account, "EX-06") == [denied(DESCRIBE_ORGANIZATION)]


def test_ex_06_a_finished_export_without_its_ami_is_not_evidenced(account: Account) -> None:
    exported(200, AmiId="")(account)
    assert verdicts(account, "EX-06") == [
        not_evidenced("absent in answer", LIST_EXPORT_IMAGE_TASKS)
    ]


# --- EX-07 and EX-08: fleets and builders -----------------------------------------------------

ARN = f"arn:aws:appstream:{REGION}:{ACCOUNT}"


def image_builder(internet: bool | None) -> Given:
    item = {"Name": "b", "Arn": f"{ARN}:image-builder/b", "EnableDefaultInternetAccess": internet}
    return lambda a: a.lists(DESCRIBE_IMAGE_BUILDERS, item)


def packager(internet: bool) -> Given:
    item = {
        "Name": "p",
        "Arn": f"{ARN}:app-block-builder/p",
        "Platform": "WINDOWS_SERVER_2019",
        "InstanceType": "stream.standard.small",
        "VpcConfig": {},
        "State": "STOPPED",
        "EnableDefaultInternetAccess": internet,
    }
    return lambda a: a.lists(DESCRIBE_APP_BLOCK_BUILDERS, item)


@scenarios(
    ("nothing", nothing, not_applicable("no fleet or builder")),
    ("a fleet without", lambda a: a.fleet(EnableDefaultInternetAccess=False), passes),
    ("a fleet with", lambda a: a.fleet(EnableDefaultInternetAccess=True), fails),
    ("an image builder with", image_builder(True), fails),
    ("an image builder without", image_builder(False), passes),
    ("an app block builder with", packager(True), fails),
    ("an app block builder without", packager(False), passes),
    (
        "left out",
        lambda a: a.fleet(),
        not_evidenced("absent in answer", DESCRIBE_FLEETS),
    ),
    (
        "image builders denied beside a fleet",
        lambda a: a.fleet(EnableDefaultInternetAccess=False).denies(DESCRIBE_IMAGE_BUILDERS),
        passes,
        denied(DESCRIBE_IMAGE_BUILDERS),
    ),
    (
        "app block builders denied",
        lambda a: a.denies(DESCRIBE_APP_BLOCK_BUILDERS),
        denied(DESCRIBE_APP_BLOCK_BUILDERS),
    ),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
)
def test_ex_07_internet(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-07") == expected


@scenarios(
    ("no fleet", nothing, not_applicable("no fleet")),
    ("no filter", lambda a: a.fleet(), passes),
    ("no filter in a list", lambda a: a.fleet(UsbDeviceFilterStrings=[]), passes),
    ("a filter", lambda a: a.fleet(UsbDeviceFilterStrings=["0,*,*,*,*"]), to_be_reviewed),
    ("fleets denied", lambda a: a.denies(DESCRIBE_FLEETS), denied(DESCRIBE_FLEETS)),
)
def test_ex_08_usb(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-08") == expected


# --- EX-09 to EX-11: embedding, agents, redirection -------------------------------------------

NOT_EMBEDDED = not_applicable("no stack that may be embedded")


@scenarios(
    ("no stack", nothing, NOT_EMBEDDED),
    ("a stack that nobody embeds", lambda a: a.stack(), NOT_EMBEDDED),
    ("an allowed domain", lambda a: a.stack(EmbedHostDomains=["portal.example"]), passes),
    ("in other letters", lambda a: a.stack(EmbedHostDomains=["Portal.Example"]), passes),
    ("another domain", lambda a: a.stack(EmbedHostDomains=["other.example"]), fails),
    ("a domain below", lambda a: a.stack(EmbedHostDomains=["x.portal.example"]), fails),
    (
        "an allowed one and another",
        lambda a: a.stack(EmbedHostDomains=["portal.example", "other.example"]),
        fails,
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_09_embedding(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    account = Account(tmp_path, allowed_embed_domains=["portal.example"])
    given(account)
    assert verdicts(account, "EX-09") == expected


def test_ex_09_no_domain_is_allowed_unless_declared(account: Account) -> None:
    assert verdicts(account.stack(EmbedHostDomains=["portal.example"]), "EX-09") == [fails]


def with_agents(account: Account) -> Account:
    config = {
        "Settings": [
            {"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"},
            {"AgentAction": "COMPUTER_INPUT", "Permission": "DISABLED"},
        ],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
    }
    return account.stack(AgentAccessConfig=config)


NO_AGENTS = not_applicable("no stack or image builder that agents may use")


def building_with(**agent_access: Any) -> Given:
    """An image builder, with agent access where settings of it are given."""
    config = {
        "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
        "ScreenResolution": "W_1280xH_720",
        "ScreenImageFormat": "PNG",
        **agent_access,
    }
    builder = {"Name": "builder", "Arn": f"{ARN}:image-builder/builder"}
    access = {"AgentAccessConfig": config} if agent_access else {}
    return lambda a: a.lists(DESCRIBE_IMAGE_BUILDERS, builder | access)


@scenarios(
    ("no stack", nothing, NO_AGENTS, NO_AGENTS),
    ("a stack without agents", lambda a: a.stack(), NO_AGENTS, NO_AGENTS),
    ("a stack with agents", with_agents, UNDECLARED, passes),
    ("an image builder without agents", building_with(), NO_AGENTS, NO_AGENTS),
    (
        "an image builder with agents",
        building_with(ScreenshotsUploadEnabled=False),
        UNDECLARED,
        passes,
    ),
    (
        "image builders denied",
        lambda a: a.denies(DESCRIBE_IMAGE_BUILDERS),
        denied(DESCRIBE_IMAGE_BUILDERS),
        denied(DESCRIBE_IMAGE_BUILDERS),
    ),
    (
        "stacks denied",
        lambda a: a.denies(DESCRIBE_STACKS),
        denied(DESCRIBE_STACKS),
        denied(DESCRIBE_STACKS),
    ),
)
def test_ex_10_agents(tmp_path: Path, given: Given, expected: list[Any]) -> None:
    for reference, verdict in zip(("", "DPIA 12"), expected, strict=True):
        folder = tmp_path / f"own{reference}"
        folder.mkdir()
        account = Account(folder, agent_dpia_reference=reference)
        given(account)
        assert verdicts(account, "EX-10") == [verdict]


def test_ex_10_shows_what_agents_may_do(account: Account) -> None:
    (finding,) = findings(with_agents(account), "EX-10")
    assert "What agents may do: COMPUTER_VISION; Agents' screenshots" in finding.observed


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        ({"ReplaySessionEnabled": True, "ScreenshotsUploadEnabled": False}, ("no", "yes")),
        ({"ReplaySessionEnabled": False, "ScreenshotsUploadEnabled": True}, ("yes", "no")),
        ({"ReplaySessionEnabled": True, "ScreenshotsUploadEnabled": True}, ("yes", "yes")),
        ({}, ("no", "no")),
    ],
)
def test_ex_10_shows_what_is_kept_of_agents_sessions(
    account: Account, reported: dict[str, bool], shown: tuple[str, str]
) -> None:
    settings = [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}]
    look = {"ScreenResolution": "W_1280xH_720", "ScreenImageFormat": "PNG"}
    config = {"Settings": settings, **look, "UserControlMode": "VIEW_STOP", **reported}
    (finding,) = findings(account.stack(AgentAccessConfig=config), "EX-10")
    assert f"screenshots are kept: {shown[0]}" in finding.observed
    assert f"sessions are recorded: {shown[1]}" in finding.observed
    assert "see and stop agents: VIEW_STOP" in finding.observed
    assert finding.reason == "not declared"


def redirecting(*allowed: str, on: bool = True, **members: Any) -> Given:
    redirection = {"Enabled": on, "AllowedUrls": list(allowed), **members}
    return lambda a: a.stack(ContentRedirection={"HostToClient": redirection})


NO_REDIRECTION = not_applicable("no stack with content redirection")


@scenarios(
    ("no stack", nothing, NO_REDIRECTION),
    ("a stack without", lambda a: a.stack(), NO_REDIRECTION),
    ("nothing configured", lambda a: a.stack(ContentRedirection={}), NO_REDIRECTION),
    ("off", redirecting(on=False), passes),
    ("on, for a host", redirecting("https://portal.example/*"), passes),
    ("on, for hosts below a domain", redirecting("*.portal.example"), passes),
    ("on, for no host in particular", redirecting(), fails),
    (
        "on, with the list left out",
        lambda a: a.stack(ContentRedirection={"HostToClient": {"Enabled": True}}),
        fails,
    ),
    ("on, denying some", redirecting(DeniedUrls=["https://x.example"]), fails),
    ("on, for everything", redirecting("*"), fails),
    ("on, for every host", redirecting("https://portal.example", "https://*/*"), fails),
    ("on, for a top-level domain", redirecting("https://*.com/*"), fails),
    ("on, for a suffix under which anybody registers", redirecting("https://*.co.uk/*"), fails),
    ("on, for buckets of anybody", redirecting("https://*.s3.amazonaws.com/*"), fails),
    ("on, for all that AWS's customers have", redirecting("https://*.amazonaws.com/*"), fails),
    ("on, for all that Azure's customers have", redirecting("https://*.core.windows.net"), fails),
    ("on, for one bucket", redirecting("https://*.tools.s3.amazonaws.com/*"), passes),
    ("on, for whatever begins so", redirecting("http*"), fails),
    ("on, for a scheme", redirecting("https://*"), fails),
    ("on, for every name that ends so", redirecting("https://*example.com/*"), fails),
    ("on, for every name that begins so", redirecting("https://example.com*"), fails),
    ("on, for a name with any letter", redirecting("https://exampl?.com/*"), fails),
    ("on, for a name under any suffix", redirecting("https://www.example.*/*"), fails),
    ("on, for any port or user", redirecting("https://example.com:*"), fails),
    ("on, for addresses", redirecting("https://10.*/*"), fails),
    ("on, for addresses that end so", redirecting("https://*.0.0.5/*"), fails),
    ("on, for mail to anybody", redirecting("mailto:*"), fails),
    ("on, for mail to a domain", redirecting("mailto:*@example.com"), passes),
    ("on, for hosts of a domain", redirecting("https://*.example.co.uk/*"), passes),
    ("on, for hosts named alike", redirecting("https://*-portal.example.com/*"), passes),
    ("on, for a host in any letters", redirecting("HTTPS://WWW.*.Example.COM./*"), passes),
    ("on, for a port", redirecting("https://*.example.com:8443/*"), passes),
    ("on, for an address", redirecting("https://10.0.0.5/*", "sftp://files.example.com/*"), passes),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_11_redirection(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-11") == expected


# --- EX-13: passwords where certificates are set up --------------------------------------------


def joined(
    password: str = "ENABLED",
    certificates: str | None = "ENABLED",
    fleets: tuple[str, ...] = ("design",),
    directory: str = "corp.example",
) -> Given:
    """A stack whose fleet is joined to a domain with a directory's configuration."""

    def given(account: Account) -> Account:
        account.stack(fleets=fleets, **setting(DOMAIN_PASSWORD_SIGNIN=password))
        account.fleet(DomainJoinInfo={"DirectoryName": "corp.example"}).fleet("other")
        config: dict[str, Any] = {"DirectoryName": directory}
        if certificates:
            config["CertificateBasedAuthProperties"] = {"Status": certificates}
        return account.lists(DESCRIBE_DIRECTORY_CONFIGS, config)

    return given


NO_FALLBACK = "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK"


def two_domains(*statuses: str | None) -> Given:
    """A stack of two fleets, each joined to a domain of its own."""

    def given(account: Account) -> Account:
        account.stack(fleets=("a", "b"), **setting(DOMAIN_PASSWORD_SIGNIN="ENABLED"))
        for name, status in zip("ab", statuses, strict=True):
            account.fleet(name, DomainJoinInfo={"DirectoryName": f"{name}.example"})
            config: dict[str, Any] = {"DirectoryName": f"{name}.example"}
            if status:
                config["CertificateBasedAuthProperties"] = {"Status": status}
            account.lists(DESCRIBE_DIRECTORY_CONFIGS, config)
        return account

    return given


NOT_JOINED = not_applicable("no stack with a domain-joined fleet and certificate-based sign-in")


@scenarios(
    ("no stack", nothing, NOT_JOINED),
    ("no fleet joined to a domain", lambda a: a.stack(fleets=("x",)).fleet("x"), NOT_JOINED),
    ("passwords off", joined("DISABLED"), passes),
    ("passwords on", joined(), to_be_reviewed),
    ("passwords off, without fallback", joined("DISABLED", NO_FALLBACK), passes),
    ("passwords on, without fallback", joined("ENABLED", NO_FALLBACK), passes),
    ("a status of next year", joined("ENABLED", "ENABLED_IN_2027"), to_be_reviewed),
    ("two domains, one of them falls back", two_domains(NO_FALLBACK, "ENABLED"), to_be_reviewed),
    ("two domains without fallback", two_domains(NO_FALLBACK, NO_FALLBACK), passes),
    ("one without fallback, one without certificates", two_domains(NO_FALLBACK, None), passes),
    (
        "passwords off, and directories' fallback denied",
        lambda a: joined("DISABLED")(a).denies(DESCRIBE_DIRECTORY_CONFIGS),
        denied(DESCRIBE_DIRECTORY_CONFIGS),
    ),
    ("certificates off", joined(certificates="DISABLED"), NOT_JOINED),
    ("certificates never set up", joined(certificates=None), NOT_JOINED),
    ("the directory's name in other letters", joined(directory="CORP.example"), to_be_reviewed),
    ("a directory that is not configured", joined(directory="x.example"), NOT_JOINED),
    ("one of two fleets is joined", joined(fleets=("other", "design")), to_be_reviewed),
    ("another fleet is joined", joined(fleets=("other",)), NOT_JOINED),
    ("no fleet associated", joined(fleets=()), NOT_JOINED),
    (
        "what it streams denied",
        lambda a: joined()(a).denies(LIST_ASSOCIATED_FLEETS, StackName="design"),
        denied(LIST_ASSOCIATED_FLEETS),
    ),
    (
        "what it streams denied, and no fleet joined",
        lambda a: a.stack().fleet().denies(LIST_ASSOCIATED_FLEETS, StackName="design"),
        NOT_JOINED,
    ),
    (
        "directories denied",
        lambda a: joined()(a).denies(DESCRIBE_DIRECTORY_CONFIGS),
        denied(DESCRIBE_DIRECTORY_CONFIGS),
    ),
    (
        "fleets denied",
        lambda a: a.stack(fleets=("x",)).denies(DESCRIBE_FLEETS),
        denied(DESCRIBE_FLEETS),
    ),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_13_passwords(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "EX-13") == expected


def test_ex_13_fails_where_the_profile_wants_certificates(strict: Account) -> None:
    joined()(strict)
    assert verdicts(strict, "EX-13") == [fails]


def test_ex_13_passes_without_fallback_whatever_the_profile_wants(strict: Account) -> None:
    joined("ENABLED", NO_FALLBACK)(strict)
    assert verdicts(strict, "EX-13") == [passes]


# --- EX-18: smart cards and security keys -----------------------------------------------------

CARDS_OFF = setting(SMART_CARD_REDIRECTION="DISABLED")
CARDS_ON = setting(SMART_CARD_REDIRECTION="ENABLED")


def redirects(settings: dict[str, Any], *, keys: bool | None = None) -> Given:
    authn = {} if keys is None else {"WebAuthnRedirection": {"Enabled": keys}}
    return lambda account: account.stack(**settings, **authn)


@scenarios(
    ("no stack", nothing, not_applicable("no stack")),
    ("neither", redirects(CARDS_OFF, keys=False), passes),
    ("neither, keys not configured", redirects(CARDS_OFF), passes),
    ("smart cards", redirects(CARDS_ON), to_be_reviewed),
    ("smart cards not set", redirects({}), to_be_reviewed),
    ("security keys", redirects(CARDS_OFF, keys=True), to_be_reviewed),
    ("stacks denied", lambda a: a.denies(DESCRIBE_STACKS), denied(DESCRIBE_STACKS)),
)
def test_ex_18_smart_cards_and_security_keys(
    account: Account, given: Given, expected: list[Any]
) -> None:
    given(account)
    assert verdicts(account, "EX-18") == expected


def test_ex_18_passes_for_a_declared_reason(tmp_path: Path) -> None:
    account = Account(tmp_path, declared_reasons={"EX-18": "Doctors sign with their card"})
    redirects(CARDS_ON, keys=True)(account)
    assert verdicts(account, "EX-18") == [passes]


@pytest.mark.parametrize("setting_of", ["ENABLED", "DISABLED", None])
def test_ex_18_shows_both_settings(account: Account, setting_of: str | None) -> None:
    settings = setting(SMART_CARD_REDIRECTION=setting_of) if setting_of else {}
    on = setting_of == "ENABLED"
    account.stack(**settings, WebAuthnRedirection={"Enabled": on})
    (finding,) = findings(account, "EX-18")
    assert f"Smart cards of the user's device: {setting_of or 'not set'}" in finding.observed
    assert f"(WebAuthn): {'yes' if on else 'no'}" in finding.observed


# --- lists whose pages overlap ---------------------------------------------------------------


@pytest.mark.parametrize("members", [{}, {"Description": "as the later page has it"}])
def test_a_stack_that_two_pages_list_is_judged_once(
    tmp_path: Path, members: dict[str, str]
) -> None:
    once = Account(tmp_path).stack("a").stack("b").snapshot()

    def again(request: Request) -> list[Request]:
        if request.call != DESCRIBE_STACKS.name:
            return [request]
        first, second = request.response["Stacks"]
        pages = ([first], [{**first, **members}, second])
        return [
            replace(request, id=f"E9{n}", page=n, response={"Stacks": listed})
            for n, listed in enumerate(pages)
        ]

    requests = [page for request in once.requests for page in again(request)]
    twice = Snapshot(once.header, requests, once.folder)
    judged = [
        [(one.control, one.resource, one.status) for one in evaluate(tabulate(each)).leaves]
        for each in (once, twice)
    ]
    assert judged[0] == judged[1]
