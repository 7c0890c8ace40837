"""The population behind the verdicts, and how the collector was limited and made."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from kit import maker
from kit.calls import (
    CALLS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_STACKS,
    DESCRIBE_USERS,
    DESCRIBE_VPC_ENDPOINTS,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_ACCOUNT_SUMMARY,
    GET_RESOURCES,
    LIST_SAML_PROVIDERS,
    LOOKUP_EVENTS,
)
from kit.collect.policy import policy
from kit.controls import CONTROLS
from kit.judge import evaluate
from kit.report import show
from kit.report.population import KINDS
from kit.snapshot import write
from kit.tables import Tables, tabulate
from tests.controls.test_grants import allow
from tests.controls.test_networks import endpoint, within
from tests.standins import ACCOUNT, REGION, Account, denial, pool_user

OTHER = "eu-central-1"


def population(account: Account) -> dict[str, dict[str, Any]]:
    return populated(tabulate(account.snapshot()))


def populated(tables: Tables) -> dict[str, dict[str, Any]]:
    table = show.population(evaluate(tables), tables)
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    assert len(rows) == len(KINDS)
    return {row["kind"]: row for row in rows}


def test_what_is_listed_and_judged_is_counted_with_its_requests(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("a").stack("b").fleet().image()
    account.lists(DESCRIBE_USERS, pool_user("CONFIRMED"))
    made = population(account)
    stacks = made["stacks"]
    assert (stacks["listed"], stacks["judged"]) == (2, 2)
    assert stacks["population"] == "all items, no sample"
    assert stacks["evidence"]
    assert (made["users of the user pool"]["listed"], made["users of the user pool"]["judged"]) == (
        *(1, 1),
    )
    assert (made["image builders"]["listed"], made["image builders"]["judged"]) == (0, 0)
    assert made["VPC endpoints"]["judged"] == 0
    assert made["CloudTrail events of AppStream"]["judged"] is None


def test_an_endpoint_that_a_control_judges_counts_as_judged(tmp_path: Path) -> None:
    account = endpoint(within(Account(tmp_path)))
    assert population(account)["VPC endpoints"]["judged"] == 1


def test_controls_and_the_reason_of_what_is_not_judged_stand_beside_a_kind(tmp_path: Path) -> None:
    account = endpoint(within(Account(tmp_path).stack()))
    account.lists(DESCRIBE_VPC_ENDPOINTS, {"VpcEndpointId": "vpce-9", "ServiceName": "a.example"})
    made = population(account)
    assert made["VPC endpoints"]["controls"] == ["EX-16"]
    noun = CONTROLS["EX-16"].noun
    assert made["VPC endpoints"]["not_judged"] == f"judged is only: {noun}"
    assert {"EX-01", "IT-01"} <= {*made["stacks"]["controls"]}
    assert made["stacks"]["not_judged"] is None
    assert made["IAM groups"]["not_judged"] == "no control judges the items one by one"
    one = population(Account(tmp_path / "b", controls=["AR-03"]).stack().fleet())
    assert (one["stacks"]["controls"], one["fleets"]["controls"]) == ([], ["AR-03"])
    assert one["stacks"]["not_judged"] == "no control of this run judges them"


def test_controls_of_every_table_with_rows_about_a_kind_stand_beside_it(tmp_path: Path) -> None:
    connector = {"ConnectorType": "ONE_DRIVE", "Domains": ["a.example"]}
    account = Account(tmp_path).stack("a", StorageConnectors=[connector], DisplayName="Design")
    account.stack("b", RedirectURL="https://a.example/").fleet("c", DisplayName="Design")
    account.lists(
        DESCRIBE_IMAGE_BUILDERS, {"Name": "d", "Arn": "arn:aws:appstream:::image-builder/d"}
    )
    arn = f"arn:aws:appstream:{REGION}:{ACCOUNT}:stack/a"
    account.lists(GET_RESOURCES, {"ResourceARN": arn, "Tags": [{"Key": "team", "Value": "x"}]})
    provider = {"Arn": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"}
    account.lists(LIST_SAML_PROVIDERS, provider)
    made = population(account)
    stacks, fleets = ({*made[kind]["controls"]} for kind in ("stacks", "fleets"))
    assert {"EX-01", "EX-04", "EX-17", "MD-01", "MD-02", "MD-03"} <= stacks
    assert {"AR-03", "EX-07", "ID-07", "MD-01"} <= fleets
    assert not {"EX-04", "MD-02", "MD-03"} & fleets
    assert {"ID-04", "ID-17"} <= {*made["SAML providers"]["controls"]}
    assert "AR-03" not in made["image builders"]["controls"]
    assert (made["stacks"]["listed"], made["stacks"]["judged"]) == (2, 2)


def test_principals_are_counted_once_and_everybody_else_apart(tmp_path: Path) -> None:
    account = Account(tmp_path).stack().fleet().allowed("Helpdesk", allow("appstream:*"))
    account.allowed("Reader", allow("ec2:*"))
    tables = tabulate(account.snapshot())
    rights = [row["resource"] for row in tables["grants"].rows.values()]
    assert len([name for name in rights if not name.startswith("everybody else: ")]) > 1
    assert any(name.startswith("everybody else: ") for name in rights)
    made = populated(tables)
    kind = "principals with rights on AppStream or its data, each once, without everybody else"
    assert (made[kind]["listed"], made[kind]["judged"]) == (1, 1)
    roles = made["IAM roles"]
    assert (roles["judged"], roles["controls"][:1]) == (1, ["ID-05"])
    assert roles["not_judged"] == "the others hold no right that ID-05 and ID-08 judge"


def test_access_keys_and_access_points_are_kinds(tmp_path: Path) -> None:
    account = Account(tmp_path).bucket().access_point()
    day = "2026-11-01T00:00:00+00:00"
    account.credentials(jane={"access_key_1_active": "true", "access_key_1_last_rotated": day})
    made = population(account)
    keys, points = made["active access keys"], made["access points of AppStream's buckets"]
    assert (keys["listed"], keys["judged"], keys["controls"]) == (1, 1, ["ID-12"])
    assert (points["listed"], points["judged"], points["controls"]) == (1, None, ["AR-14"])
    assert points["not_judged"].endswith("together with what they belong to")


def test_a_run_of_one_control_judges_no_more(tmp_path: Path) -> None:
    account = Account(tmp_path, controls=["AR-03"]).stack().fleet()
    made = population(account)
    assert made["fleets"]["judged"] == 1
    assert made["stacks"]["judged"] == 0


def test_a_list_that_was_denied_is_named_and_no_zero(tmp_path: Path) -> None:
    made = population(Account(tmp_path).fleet().denies(DESCRIBE_STACKS))
    stacks = made["stacks"]
    assert stacks["listed"] is None
    assert stacks["population"].startswith(f"not read in full: {REGION}, not evidenced: ")
    assert stacks["population"].endswith(denial(DESCRIBE_STACKS))


def test_what_is_listed_for_each_of_a_denied_list_is_no_zero(tmp_path: Path) -> None:
    made = population(Account(tmp_path).fleet().denies(DESCRIBE_STACKS))["entitlements"]
    assert made["listed"] is None
    assert made["population"].endswith(denial(DESCRIBE_STACKS))


def test_a_list_that_the_run_does_not_collect_is_no_zero(tmp_path: Path) -> None:
    made = Account(tmp_path).stack().fleet().answered()
    few = [request for request in made.requests if request.service != "appstream"]
    tables = tabulate(write(tmp_path / "snapshot", made.header, few, made.lent))
    rows = {row[0]: row for row in show.population(evaluate(tables), tables).rows}
    for kind in ("stacks", "entitlements", "fleets"):
        assert rows[kind][1] is None
        assert "not collected" in rows[kind][5]


def test_regions_that_lack_a_list_for_one_reason_stand_together(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, OTHER)).denies(DESCRIBE_STACKS)
    stacks = population(account)["stacks"]
    assert stacks["population"].count("not read in full") == 1


def test_a_sample_hides_no_region_that_was_not_read(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, OTHER)).fleet().event()
    account.cuts(LOOKUP_EVENTS, "bound").denies(LOOKUP_EVENTS, OTHER)
    events = population(account)["CloudTrail events of AppStream"]["population"]
    assert events.startswith("sample: there are more events; not read in full: ")


def test_a_list_that_was_cut_counts_what_was_seen_and_says_so(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("a").stack("b").cuts(DESCRIBE_STACKS, "loop")
    stacks = population(account)["stacks"]
    assert stacks["listed"] == 2
    assert stacks["population"].startswith(f"not read in full: {REGION}")


def test_events_of_which_there_are_more_are_a_sample(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().event().cuts(LOOKUP_EVENTS, "bound")
    events = population(account)["CloudTrail events of AppStream"]
    assert (events["listed"], events["population"]) == (1, "sample: there are more events")


@pytest.mark.parametrize(
    ("users", "expected"), [(0, "0, as listed"), (3, "3, which differs"), (None, "none in the")]
)
def test_iams_summary_is_a_second_count(tmp_path: Path, users: int | None, expected: str) -> None:
    account = Account(tmp_path).fleet()
    if users is None:
        account.denies(GET_ACCOUNT_SUMMARY)
    else:
        account.answers(GET_ACCOUNT_SUMMARY, {"SummaryMap": {"Users": users}})
    assert expected in population(account)["IAM users"]["second_source"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("design", "1, all of them listed"), ("other", "1, of which 1 are not listed")],
)
def test_the_tagging_api_is_a_second_list(tmp_path: Path, name: str, expected: str) -> None:
    arn = f"arn:aws:appstream:{REGION}:{ACCOUNT}:fleet/{name}"
    account = Account(tmp_path).fleet("design")
    account.lists(GET_RESOURCES, {"ResourceARN": arn, "Tags": []})
    made = population(account)
    assert made["fleets"]["second_source"].endswith(expected)
    assert made["stacks"]["second_source"] == "none in the snapshot"


# --- what the collector may do, and which kit it was ------------------------------------------


def collected(account: Account, **header: Any) -> dict[str, str]:
    snapshot = account.snapshot()
    snapshot.header.update(header)
    return dict(show.collected(tabulate(snapshot)).rows)  # type: ignore[arg-type]


def test_the_policy_stands_with_its_digest_and_what_does_not_read(tmp_path: Path) -> None:
    calls = ["appstream.DescribeFleets", "iam.GenerateCredentialReport", "s3.ListBuckets"]
    made = collected(Account(tmp_path).fleet(), calls=calls)
    document = policy((CALLS[name] for name in calls), "aws")
    assert hashlib.sha256(rfc8785.dumps(document)).hexdigest() in made.values()
    assert made["What the policy allows"] == "3 actions"
    assert made["Its actions other than Describe, Get, List and Lookup"] == (
        "iam:GenerateCredentialReport"
    )


CHANGED = "What the credentials could have changed"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("appstream:Describe*")], "by IAM's answer nothing that ID-05 and ID-08 judge"),
        ([allow("s3:GetObject")], "by IAM's answer nothing that ID-05 and ID-08 judge"),
        ([allow("appstream:*")], "they may: administer AppStream, change what runs in sessions"),
        (
            [allow("appstream:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})],
            "administer AppStream (on a condition, or on named resources)",
        ),
    ],
)
def test_what_the_collectors_own_role_could_change_stands_with_the_policy(
    tmp_path: Path, statements: list[dict[str, Any]], expected: str
) -> None:
    account = Account(tmp_path).stack().fleet().bucket()
    account.allowed("EvidenceReader", *statements, path="/audit/")
    account.allowed("another", allow("iam:*"))
    changed = collected(account, session=None)[CHANGED]
    assert expected in changed
    assert "give rights" not in changed.partition("they may: ")[2]


@pytest.mark.parametrize(
    "given",
    [
        lambda a: a,
        lambda a: a.denies(GET_ACCOUNT_AUTHORIZATION_DETAILS),
        lambda a: a.allowed("EvidenceReader", attached=("arn:aws:iam::aws:policy/NotListed",)),
        lambda a: a.allowed("EvidenceReader").cuts(GET_ACCOUNT_AUTHORIZATION_DETAILS, "cut"),
    ],
    ids=["the role is not listed", "denied", "a policy is not listed", "cut short"],
)
def test_a_right_that_iam_does_not_show_is_not_known(
    tmp_path: Path, given: Callable[[Account], Account]
) -> None:
    account = given(Account(tmp_path).stack().fleet().bucket())
    assert collected(account, session=None)[CHANGED].startswith("not known")


def test_a_session_policy_leaves_nothing_to_change(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().allowed("EvidenceReader", allow())
    limits = {"policy": "derived", "actions": 9, "seconds": 900}
    assert collected(account, session=limits)[CHANGED].startswith("nothing: the session policy")


def test_the_whole_policy_reads_and_makes_a_report_at_most() -> None:
    actions = {
        action
        for statement in policy(CALLS.values())["Statement"]
        for action in statement["Action"]
    }
    reading = ("Describe", "Get", "List", "Lookup")
    others = {one for one in actions if not one.partition(":")[2].startswith(reading)}
    assert others == {"iam:GenerateCredentialReport"}


def test_what_an_earlier_snapshot_does_not_record_is_said(tmp_path: Path) -> None:
    snapshot = Account(tmp_path).fleet().snapshot()
    for name in ("maker", "calls"):
        snapshot.header.pop(name, None)
    made = dict(show.collected(tabulate(snapshot)).rows)  # type: ignore[arg-type]
    assert made["Commit of the kit"] == made["Python"] == "not recorded"
    assert "not recorded" in [value for name, value in made.items() if "IAM policy" in name]


def test_the_commit_is_read_from_a_checkouts_files(tmp_path: Path) -> None:
    def git(*arguments: str, where: Path = tmp_path / "a") -> str:
        usual = ("git", "-c", "user.name=a", "-c", "user.email=a@a.example")
        done = subprocess.run([*usual, *arguments], cwd=where, capture_output=True, check=True)
        return done.stdout.decode().strip()

    checkout, worktree = tmp_path / "a", tmp_path / "b"
    checkout.mkdir()
    assert maker.commit(checkout) == ""
    git("init", "--quiet")
    assert maker.commit(checkout) == ""  # nothing is committed
    git("commit", "--quiet", "--allow-empty", "--message", "a")
    here = git("rev-parse", "HEAD")
    assert maker.commit(checkout) == here
    git("worktree", "add", "--quiet", str(worktree))
    assert maker.commit(worktree) == here
    git("pack-refs", "--all")
    assert maker.commit(checkout) == maker.commit(worktree) == here
    git("checkout", "--quiet", "--detach")
    assert maker.commit(checkout) == here
    (checkout / ".git" / "HEAD").write_text("nonsense")
    assert maker.commit(checkout) == ""


def test_a_snapshot_records_the_kit_that_made_it() -> None:
    made = maker.made_here()
    assert made["lock"] == maker.lock()
    assert {"lock", "python"} <= made.keys() <= {"lock", "python", "commit"}
