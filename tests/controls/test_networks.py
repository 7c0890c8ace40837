"""EX-14, EX-15, EX-16: the networks in which instances run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit import calls
from kit.tables import tabulate
from tests.controls.scenarios import (
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
from tests.standins import ACCOUNT, REGION, Account

GROUP, VPC, SUBNETS = "sg-1", "vpc-1", ["subnet-1", "subnet-2"]
PLACE = {"VpcConfig": {"SubnetIds": SUBNETS, "SecurityGroupIds": [GROUP]}}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
WORLD = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}
NAT, IGW = {**WORLD, "NatGatewayId": "nat-1"}, {**WORLD, "GatewayId": "igw-1"}
LISTED_WAY = {"DestinationPrefixListId": "pl-1", "State": "active"}
left_out = not_evidenced("absent in answer", calls.DESCRIBE_SECURITY_GROUPS)
no_route = not_evidenced("absent in answer", calls.DESCRIBE_ROUTE_TABLES)


def rule(*ranges: str, lists: tuple[str, ...] = (), **members: Any) -> dict[str, Any]:
    """A rule about these networks, with every list that EC2 sends."""
    return {
        "IpProtocol": "-1",
        "IpRanges": [{"CidrIp": one} for one in ranges if ":" not in one],
        "Ipv6Ranges": [{"CidrIpv6": one} for one in ranges if ":" in one],
        "PrefixListIds": [{"PrefixListId": one} for one in lists],
        "UserIdGroupPairs": [],
        **members,
    }


def group(
    account: Account, inward: Any = (), outward: Any = (), id: str = GROUP, **members: Any
) -> Account:
    item = {"GroupId": id, "VpcId": VPC, "IpPermissions": list(inward), **members}
    item["IpPermissionsEgress"] = list(outward)
    return account.lists(calls.DESCRIBE_SECURITY_GROUPS, item)


def routes(account: Account, *routes: Any, of: Any = ({"Main": True},), vpc: str = VPC) -> Account:
    item = {"VpcId": vpc, "Associations": list(of), "Routes": [LOCAL, *routes]}
    return account.lists(calls.DESCRIBE_ROUTE_TABLES, item)


def within(account: Account, inward: Any = (), outward: Any = (), ways: Any = ()) -> Account:
    """A fleet in a network with these rules and routes."""
    return routes(group(account.fleet(**PLACE), inward, outward), *ways)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allows(resource: Any, **members: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": resource}
    return {**statement, **members}


OPEN = policy(allows("*"))
NAMED = policy(allows(["arn:aws:s3:::appstream2-36fb080bb8-*", "arn:aws:s3:::packages/*"]))


def endpoint(account: Account, document: str | None = OPEN, **members: Any) -> Account:
    item = {
        "VpcEndpointId": "vpce-1",
        "VpcId": VPC,
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "PolicyDocument": document,
        **members,
    }
    item = {name: value for name, value in item.items() if value is not None}
    return account.lists(calls.DESCRIBE_VPC_ENDPOINTS, item)


# --- EX-14: who may connect ----------------------------------------------------------------------


@scenarios(
    ("nobody", [], passes),
    ("the offices", [rule("10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32")], passes),
    ("everybody", [rule("0.0.0.0/0")], fails),
    ("everybody by IPv6", [rule("::/0")], fails),
    ("half the internet", [rule("128.0.0.0/1")], fails),
    ("halves in two rules", [rule("0.0.0.0/1"), rule("128.0.0.0/1")], fails),
    ("two neighbours that make a wide one", [rule("10.0.0.0/8", "11.0.0.0/8")], fails),
    ("all of IPv6 that is in use", [rule("2000::/3")], fails),
    ("a prefix list", [rule(lists=("pl-1",))], to_be_reviewed),
    ("a prefix list beside everybody", [rule("0.0.0.0/0", lists=("pl-1",))], fails),
    ("another group", [rule(UserIdGroupPairs=[{"GroupId": "sg-2"}])], passes),
    ("a rule without its networks", [rule(IpRanges=[{}])], left_out),
)
def test_ex_14_rules(account: Account, given: list[Any], expected: list[Verdict]) -> None:
    within(account, given)
    assert verdicts(account, "EX-14") == expected


@pytest.mark.parametrize("lacks", ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"])
def test_ex_14_a_list_that_ec2_always_sends_is_not_taken_for_empty(
    account: Account, lacks: str
) -> None:
    within(account, [{name: value for name, value in rule().items() if name != lacks}])
    assert verdicts(account, "EX-14") == [left_out]


def test_ex_14_any_of_a_fleets_groups_may_open_it(account: Account) -> None:
    place = {"SubnetIds": SUBNETS, "SecurityGroupIds": [GROUP, "sg-2"]}
    routes(group(group(account.fleet(VpcConfig=place)), [rule("::/0")], id="sg-2"))
    assert verdicts(account, "EX-14") == [fails]


@pytest.mark.parametrize("lacking", [0, 1])
def test_ex_14_cites_the_group_of_which_ec2_left_something_out(
    account: Account, lacking: int
) -> None:
    ids = [GROUP, "sg-2"]
    routes(account.fleet(VpcConfig={"SubnetIds": SUBNETS, "SecurityGroupIds": ids}))
    for n, id in enumerate(ids):
        group(account, [rule(IpRanges=[{}])] if n == lacking else [], id=id)
    table = tabulate(account.answered(), ["fleets_and_builders"])["fleets_and_builders"]
    (gap,) = (gap for (_, column), gap in table.gap_at.items() if column == "open_to")
    assert (gap.hint, gap.evidence.partition("#")[2]) == (
        "AWS left IpPermissions.IpRanges out",
        f"/SecurityGroups/{lacking}",
    )


@scenarios(
    ("none but its own network", [], passes),
    ("a NAT gateway", [NAT], passes),
    ("an internet gateway", [IGW], fails),
    (
        "an internet gateway for IPv6",
        [{"DestinationIpv6CidrBlock": "::/0", **{**IGW, "DestinationCidrBlock": ""}}],
        fails,
    ),
    (
        "an internet gateway to named networks",
        [{**IGW, "DestinationCidrBlock": "203.0.113.0/24"}],
        fails,
    ),
    ("an internet gateway to a prefix list", [{**LISTED_WAY, "GatewayId": "igw-1"}], fails),
    ("an internet gateway that is gone", [{**IGW, "State": "blackhole"}], passes),
    ("a target that EC2 left out", [WORLD], fails),
    ("a destination that EC2 left out", [{"GatewayId": "igw-1"}], no_route),
)
def test_ex_14_routes(account: Account, given: list[Any], expected: list[Verdict]) -> None:
    within(account, ways=given)
    assert verdicts(account, "EX-14") == expected


def test_ex_14_a_subnets_own_table_counts_and_not_the_main_one(account: Account) -> None:
    group(account.fleet(**PLACE))
    routes(routes(account, IGW), NAT, of=[{"SubnetId": one} for one in SUBNETS])
    assert verdicts(account, "EX-14") == [passes]


def test_ex_14_the_main_table_counts_for_the_subnet_without_its_own(account: Account) -> None:
    group(account.fleet(**PLACE))
    routes(routes(account, IGW), NAT, of=[{"SubnetId": SUBNETS[0]}])
    assert verdicts(account, "EX-14") == [fails]


@pytest.mark.parametrize("lacking", SUBNETS)
def test_ex_14_cites_the_table_whose_route_leads_nobody_knows_where(
    account: Account, lacking: str
) -> None:
    group(account.fleet(**PLACE))
    for subnet in SUBNETS:
        nowhere = [{"State": "active"}] if subnet == lacking else []
        routes(account, *nowhere, of=[{"SubnetId": subnet}])
    (finding,) = findings(account, "EX-14")
    assert finding.status == "not evidenced"
    cited = [ref for ref in finding.evidence if "/RouteTables/" in ref]
    assert [int(ref.rpartition("/")[2]) for ref in cited] == [SUBNETS.index(lacking)]


def test_ex_14_the_main_table_of_another_network_says_nothing(account: Account) -> None:
    routes(group(account.fleet(**PLACE)), vpc="vpc-2")
    assert verdicts(account, "EX-14") == [no_route]


@pytest.mark.parametrize(
    ("association", "verdict"), [({}, no_route), ({"GatewayId": "igw-1"}, passes)]
)
def test_ex_14_an_association_without_its_subnet_might_be_any_subnets(
    account: Account, association: dict[str, str], verdict: Verdict
) -> None:
    group(account.fleet(**PLACE))
    routes(routes(account), IGW, of=[association])
    assert verdicts(account, "EX-14") == [verdict]


def test_ex_14_a_table_without_associations_might_be_any_subnets(account: Account) -> None:
    routes(group(account.fleet(**PLACE)))
    account.lists(calls.DESCRIBE_ROUTE_TABLES, {"VpcId": VPC, "Routes": [IGW]})
    assert verdicts(account, "EX-14") == [no_route]


@pytest.mark.parametrize(
    "call", [calls.DESCRIBE_SECURITY_GROUPS, calls.DESCRIBE_ROUTE_TABLES], ids=lambda c: c.name
)
@pytest.mark.parametrize("control", ["EX-14", "EX-15"])
def test_what_was_refused_is_not_taken_for_closed(
    account: Account, call: calls.Call, control: str
) -> None:
    within(account, outward=[rule("0.0.0.0/0")], ways=[NAT]).denies(call)
    assert verdicts(account, control) == [denied(call)]


def test_an_open_rule_fails_whatever_was_refused_beside_it(account: Account) -> None:
    within(account, [rule("0.0.0.0/0")]).denies(calls.DESCRIBE_ROUTE_TABLES)
    assert verdicts(account, "EX-14") == [fails]


def test_ex_14_each_of_a_fleets_groups_has_to_be_seen(account: Account) -> None:
    place = {"SubnetIds": SUBNETS, "SecurityGroupIds": [GROUP, "sg-gone"]}
    routes(group(account.fleet(VpcConfig=place)))
    assert verdicts(account, "EX-14") == [left_out]


def test_a_list_of_tables_that_was_cut_leaves_open_whose_the_main_table_is(
    account: Account,
) -> None:
    within(account).cuts(calls.DESCRIBE_ROUTE_TABLES, "more pages")
    (verdict,) = verdicts(account, "EX-14")
    assert verdict.status == "not evidenced"


def test_a_group_that_is_gone_and_groups_that_are_not_named_are_not_evidenced(
    account: Account,
) -> None:
    group(routes(account.fleet(**PLACE)), id="sg-other")
    account.fleet("unnamed", VpcConfig={"SubnetIds": SUBNETS})
    unnamed = not_evidenced("absent in answer", calls.DESCRIBE_FLEETS)
    assert verdicts(account, "EX-14") == [left_out, unnamed]


@pytest.mark.parametrize("control", ["EX-14", "EX-15"])
@scenarios(
    ("no fleet", nothing),
    ("a fleet outside of the account's networks", lambda account: account.fleet()),
)
def test_without_a_network_there_is_nothing_to_judge(
    account: Account, control: str, given: Any, expected: list[Verdict]
) -> None:
    given(account)
    reason = "no fleet or builder in a network of the account"
    assert verdicts(account, control) == [not_applicable(reason)]


# --- EX-15: where instances may go ---------------------------------------------------------------


@scenarios(
    ("nowhere", ([], [NAT]), passes),
    ("anywhere, without a way", ([rule("0.0.0.0/0")], []), passes),
    ("the offices, by a NAT gateway", ([rule("10.0.0.0/8")], [NAT]), passes),
    ("anywhere, by a NAT gateway", ([rule("0.0.0.0/0")], [NAT]), to_be_reviewed),
    (
        "anywhere, by a NAT gateway to the offices",
        ([rule("0.0.0.0/0")], [{**NAT, "DestinationCidrBlock": "10.1.0.0/16"}]),
        passes,
    ),
    (
        "anywhere, by a NAT gateway to networks that make up the internet",
        (
            [rule("0.0.0.0/0")],
            [{**NAT, "DestinationCidrBlock": f"{n}.0.0.0/8"} for n in range(256)],
        ),
        to_be_reviewed,
    ),
    (
        "anywhere, to two neighbours by two ways",
        (
            [rule("0.0.0.0/0")],
            [
                {**NAT, "DestinationCidrBlock": "10.0.0.0/8"},
                {**WORLD, "TransitGatewayId": "tgw-1", "DestinationCidrBlock": "11.0.0.0/8"},
            ],
        ),
        passes,
    ),
    ("a prefix list, by a NAT gateway", ([rule(lists=("pl-1",))], [NAT]), to_be_reviewed),
    (
        "anywhere, by a NAT gateway for a prefix list",
        ([rule("0.0.0.0/0")], [{**LISTED_WAY, "NatGatewayId": "nat-1"}]),
        to_be_reviewed,
    ),
    (
        "anywhere, by the endpoint of a service",
        ([rule("0.0.0.0/0")], [{**LISTED_WAY, "GatewayId": "vpce-1"}]),
        passes,
    ),
    (
        "anywhere, by an egress-only gateway for IPv6",
        (
            [rule("::/0")],
            [
                {
                    "DestinationIpv6CidrBlock": "::/0",
                    "State": "active",
                    "EgressOnlyInternetGatewayId": "eigw-1",
                }
            ],
        ),
        to_be_reviewed,
    ),
    *(
        (f"anywhere, by {name}", ([rule("::/0")], [{**WORLD, name: id}]), to_be_reviewed)
        for name, id in {
            "GatewayId": "vgw-1",
            "TransitGatewayId": "tgw-1",
            "EgressOnlyInternetGatewayId": "eigw-1",
            "VpcPeeringConnectionId": "pcx-1",
            "CarrierGatewayId": "cagw-1",
            "LocalGatewayId": "lgw-1",
            "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/c",
            "OdbNetworkArn": "arn:aws:odb:eu-west-1:1:odb-network/o",
            "NetworkInterfaceId": "eni-1",
            "InstanceId": "i-1",
        }.items()
    ),
)
def test_ex_15_ways_out(account: Account, given: Any, expected: list[Verdict]) -> None:
    outward, ways = given
    within(account, outward=outward, ways=ways)
    assert verdicts(account, "EX-15") == expected


def test_ex_15_a_declared_reason_is_enough(tmp_path: Path) -> None:
    account = Account(tmp_path, declared_reasons={"EX-15": "Filtered by the proxy, see RoPA 17"})
    within(account, outward=[rule("0.0.0.0/0")], ways=[NAT])
    assert verdicts(account, "EX-15") == [passes]


# --- EX-16: what passes an endpoint --------------------------------------------------------------

OWN = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}


@scenarios(
    ("everything", OPEN, fails),
    ("named buckets", NAMED, passes),
    ("everything of this account", policy(allows("*", Condition=OWN)), passes),
    ("reading alone", policy(allows("*", Action="s3:GetObject")), passes),
    ("buckets of a pattern", policy(allows("arn:aws:s3:::corp-*")), to_be_reviewed),
    ("objects in buckets of a pattern", policy(allows("arn:aws:s3:::s?les/*")), to_be_reviewed),
    ("reading from buckets of a pattern", policy(allows("arn:aws:s3:::corp-*", Action="s3:Get*")), passes),
    ("buckets of a pattern in this account", policy(allows("arn:aws:s3:::corp-*", Condition=OWN)), passes),
    ("files of a pattern in a named bucket", policy(allows("arn:aws:s3:::packages/*.zip")), passes),
    ("everything to one's own roles", policy(allows("*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})), fails),
    ("everything but by a denial", policy(allows("*"), allows("*", Effect="Deny", Condition={"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}})), passes),
    ("everything on a condition", policy(allows("*", Condition={"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}})), to_be_reviewed),
    ("no member", None, not_evidenced("absent in answer", calls.DESCRIBE_VPC_ENDPOINTS)),
    ("no policy", "{", not_evidenced("unreadable answer", calls.DESCRIBE_VPC_ENDPOINTS)),
)  # fmt: skip
def test_ex_16_policies(account: Account, given: Any, expected: list[Verdict]) -> None:
    endpoint(within(account), given)
    assert verdicts(account, "EX-16") == expected


DIRECTORIES, POINTS = f"com.amazonaws.{REGION}.s3express", "com.amazonaws.s3-global.accesspoint"
DIRECTORY = f"arn:aws:s3express:{REGION}:{ACCOUNT}:bucket/packages--euw1-az1--x-s3"


@scenarios(
    ("of directory buckets", (DIRECTORIES, OPEN), fails),
    ("of a directory bucket", (DIRECTORIES, policy(allows(DIRECTORY))), passes),
    ("of directory buckets of the account", (DIRECTORIES, policy(allows("*", Condition=OWN))), passes),
    ("of Multi-Region Access Points", (POINTS, OPEN), fails),
    ("of an access point, to named buckets", (POINTS, NAMED), passes),
)  # fmt: skip
def test_ex_16_every_endpoint_of_s3_is_judged(
    account: Account, given: Any, expected: list[Verdict]
) -> None:
    service, document = given
    endpoint(within(account), document, ServiceName=service)
    assert verdicts(account, "EX-16") == expected


@scenarios(
    ("of another network", {"VpcId": "vpc-2"}),
    ("of another service", {"ServiceName": f"com.amazonaws.{REGION}.appstream.streaming"}),
    ("that was deleted", {"State": "deleted"}),
    ("that was rejected, as the enumeration spells it", {"State": "Rejected"}),
)
def test_ex_16_other_endpoints_are_not_in_question(
    account: Account, given: Any, expected: list[Verdict]
) -> None:
    endpoint(within(account), **given)
    reason = "no endpoint of Amazon S3 in a network of instances"
    assert verdicts(account, "EX-16") == [not_applicable(reason)]


@pytest.mark.parametrize("lacks", ["VpcId", "ServiceName"])
def test_ex_16_an_endpoint_that_may_be_in_question_is_not_passed_over(
    account: Account, lacks: str
) -> None:
    endpoint(within(account), NAMED, **{lacks: None})
    left_out = not_evidenced("absent in answer", calls.DESCRIBE_VPC_ENDPOINTS)
    assert verdicts(account, "EX-16") == [left_out]


def test_ex_16_whose_network_it_is_rests_on_the_groups(account: Account) -> None:
    endpoint(within(account)).denies(calls.DESCRIBE_SECURITY_GROUPS)
    assert verdicts(account, "EX-16") == [denied(calls.DESCRIBE_SECURITY_GROUPS)]
