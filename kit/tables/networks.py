"""Networks of the account in which instances run: who may connect, and where instances may go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Any

from kit.access.conditions import Context, read_network
from kit.access.documents import Statement
from kit.access.evaluator import WIDEST, Access, Target, any_of_account, decide
from kit.access.patterns import is_wild
from kit.calls import (
    BUCKET_PREFIX,
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_ROUTE_TABLES,
    DESCRIBE_SECURITY_GROUPS,
    DESCRIBE_VPC_ENDPOINTS,
    Scope,
)
from kit.snapshot import Answer, Snapshot
from kit.tables.cells import UNSEEN, Cell, absent_member, derive, member
from kit.tables.core import Column, Part, Row, Source, table
from kit.tables.policies import read_policy
from kit.tables.refusals import IN_DOUBT

IN_NETWORK = Part("subnets > 0", "in_network")
INTERNET_GATEWAY = "internet gateway"
ANYWHERE, LISTED, NAMED = "anywhere", "prefix lists", "named addresses"
_GROUPS = (DESCRIBE_SECURITY_GROUPS,)
NETWORK_COLUMNS = {
    "subnets": Column("length(VpcConfig.SubnetIds || `[]`)"),
    "open_to": Column(calls=_GROUPS),
    "open_to_lists": Column(calls=_GROUPS),
    "egress": Column(calls=_GROUPS),
    "ways_out": Column(calls=(*_GROUPS, DESCRIBE_ROUTE_TABLES)),
}
_RUNNING = (DESCRIBE_FLEETS, DESCRIBE_IMAGE_BUILDERS, DESCRIBE_APP_BLOCK_BUILDERS)
# What a route leads to, by the member that names it; a gateway's kind stands in its id.
_TARGETS = {
    "NatGatewayId": "NAT gateway",
    "TransitGatewayId": "transit gateway",
    "EgressOnlyInternetGatewayId": "egress-only internet gateway",
    "VpcPeeringConnectionId": "VPC peering",
    "CarrierGatewayId": "carrier gateway",
    "LocalGatewayId": "local gateway",
    "CoreNetworkArn": "core network",
    "OdbNetworkArn": "database network",
    "NetworkInterfaceId": "network interface",
    "InstanceId": "instance",
}
# Whom a rule is about; EC2 sends each list, empty or not.
_PEERS = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}
_BLOCKS, _LIST = ("DestinationCidrBlock", "DestinationIpv6CidrBlock"), "DestinationPrefixListId"
_GATEWAYS = {"igw": INTERNET_GATEWAY, "vgw": "virtual private gateway", "vpce": "firewall endpoint"}
_OTHER = "another way"
# States of an endpoint that carries nothing:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html
_OUT_OF_USE = ("deleted", "expired", "failed", "rejected")
_STRANGER, _STRANGERS_BUCKET = "0" * 11 + "1", "bucket-of-another-account"


def networks(
    snapshot: Snapshot, item: Mapping[str, Any], ref: str, answer: Answer
) -> dict[str, Cell]:
    """Return the cells of `NETWORK_COLUMNS` of a fleet or builder, but for ``subnets``."""
    config = item.get("VpcConfig") or {}
    subnets = config.get("SubnetIds") or ()
    if not subnets:
        none = Cell([], (ref,))
        empty = {"open_to": none, "open_to_lists": none, "ways_out": none}
        return {**empty, "egress": Cell(NAMED, (ref,))}
    groups = _groups(snapshot, config.get("SecurityGroupIds") or (), ref, answer)
    return {
        "open_to": derive(lambda found: _wide(_ranges(found, "IpPermissions")), groups),
        "open_to_lists": derive(lambda found: _lists(found, "IpPermissions"), groups),
        "egress": derive(_egress, groups),
        "ways_out": derive(_ways_out, _routes(snapshot, answer.region, subnets, groups)),
    }


def _groups(snapshot: Snapshot, ids: Iterable[str], ref: str, named_by: Answer) -> Cell:
    """Return the security groups of these ids."""
    if not ids:
        return Cell(None, (ref,), absent_member(named_by.call, "VpcConfig.SecurityGroupIds", ref))
    answer = snapshot.answer(DESCRIBE_SECURITY_GROUPS, named_by.region)
    found = [answer.items_with("GroupId", id) for id in ids]
    if not all(found):
        gap = answer.trouble or absent_member(answer.call, "a security group in use")
        return Cell(None, (ref, *answer.evidence), gap)
    groups = [pair for same in found for pair in same]
    refs = (ref, *(where for _, where in groups))
    for group, where in groups:
        if lacking := _lacking(group):
            return Cell(None, refs, absent_member(answer.call, lacking, where))
    return Cell([group for group, _ in groups], refs)


def _lacking(group: Mapping[str, Any]) -> str | None:
    """Return a member that EC2 left out of a group, although it says who may connect or where to."""
    for rules in ("IpPermissions", "IpPermissionsEgress"):
        if rules not in group:
            return rules
        for rule in group[rules]:
            for peers, name in _PEERS.items():
                if any(name not in peer for peer in rule.get(peers, ({},))):
                    return f"{rules}.{peers}"
    return None


def _ranges(groups: Iterable[Mapping[str, Any]], rules: str) -> Iterator[str]:
    for group in groups:
        for rule in group[rules]:
            yield from (item["CidrIp"] for item in rule["IpRanges"])
            yield from (item["CidrIpv6"] for item in rule["Ipv6Ranges"])


def _wide(ranges: Iterable[str]) -> list[str]:
    """Return the networks that ranges make up together and that are wider than any organisation's.

    Amazon S3 draws the same line between a broad network and a fixed one:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    read = [network for network in map(read_network, ranges) if network]
    wide: list[IPv4Network | IPv6Network] = []
    wide += collapse_addresses(n for n in read if isinstance(n, IPv4Network))
    wide += collapse_addresses(n for n in read if isinstance(n, IPv6Network))
    return [str(n) for n in wide if n.prefixlen < WIDEST[n.version]]


def _lists(groups: Iterable[Mapping[str, Any]], rules: str) -> list[str]:
    return sorted(
        {
            item["PrefixListId"]
            for group in groups
            for rule in group[rules]
            for item in rule["PrefixListIds"]
        }
    )


def _egress(groups: list[Mapping[str, Any]]) -> str:
    if _wide(_ranges(groups, "IpPermissionsEgress")):
        return ANYWHERE
    return LISTED if _lists(groups, "IpPermissionsEgress") else NAMED


def _routes(snapshot: Snapshot, region: str, subnets: Iterable[str], groups: Cell) -> Cell:
    """Return the routes of subnets: each has a table of its own, or its network's main table.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    """
    answer = snapshot.answer(DESCRIBE_ROUTE_TABLES, region)
    own: dict[str, tuple[Any, str]] = {}
    main: dict[str, tuple[Any, str]] = {}
    for routing, ref in answer.items():
        if "Associations" not in routing:  # it might be the table of any subnet
            return Cell(None, (ref,), absent_member(answer.call, "Associations", ref))
        for association in routing["Associations"]:
            subnet, gateway = association.get("SubnetId"), association.get("GatewayId")
            if subnet:
                own[subnet] = (routing, ref)
            elif association.get("Main"):
                main[routing.get("VpcId") or ""] = (routing, ref)
            elif not gateway:
                return Cell(None, (ref,), absent_member(answer.call, "Associations.SubnetId", ref))
    found = [own[subnet] for subnet in subnets if subnet in own]
    if any(subnet not in own for subnet in subnets):
        # A table that was not read might be the subnet's own.
        gap = groups.gap or answer.trouble
        mains = [main.get(group.get("VpcId") or "") for group in groups.value or ()]
        if gap or None in mains:
            gap = gap or absent_member(answer.call, "the route table of a subnet in use")
            return Cell(None, (*groups.refs, *answer.evidence), gap)
        found += [each for each in mains if each]
    routes = [(route, ref) for routing, ref in found for route in routing.get("Routes") or [{}]]
    for route, ref in routes:
        if not any(map(route.get, (*_BLOCKS, _LIST))):
            return Cell(None, (ref,), absent_member(answer.call, "where a route leads", ref))
    return Cell([route for route, _ in routes], tuple(dict.fromkeys(ref for _, ref in routes)))


def _ways_out(routes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what routes in force lead to, where they may lead beyond named networks.

    The routes to a kind of target count together, for several networks may make up a wide one. An
    internet gateway gives a subnet addresses of the internet, however few its routes name. A prefix
    list may hold every address; the list of a gateway endpoint is that of an AWS service.
    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
    """
    ranges: dict[str, list[str]] = {}
    found = set[str]()
    for route in routes:
        if route.get("State") == "blackhole":
            continue
        gateway = route.get("GatewayId") or ""
        lists = route.get(_LIST) and not gateway.startswith("vpce-")
        for way in _ways(route):
            ranges.setdefault(way, []).extend(route.get(name) or "" for name in _BLOCKS)
            found |= {way} if lists or gateway.startswith("igw-") else set()
    return sorted(found | {way for way, addresses in ranges.items() if _wide(addresses)})


def _ways(route: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a route leads to; the worst where EC2 names no target."""
    gateway = route.get("GatewayId") or ""
    if gateway:
        yield _GATEWAYS.get(gateway.partition("-")[0], _OTHER)
    named = [name for target, name in _TARGETS.items() if route.get(target)]
    yield from named
    if not (gateway or named):
        yield INTERNET_GATEWAY


@table(
    "endpoints",
    Scope.REGION,
    (DESCRIBE_VPC_ENDPOINTS, *_RUNNING),
    {"lets_out": Column(calls=_GROUPS)},
)
def endpoints(source: Source) -> Iterator[Row]:
    """Yield every endpoint of Amazon S3 in a network in which instances run."""
    snapshot = source.snapshot
    for answer in snapshot.answers(DESCRIBE_VPC_ENDPOINTS):
        used = _networks_in_use(snapshot, answer.region)
        for item, ref in answer.items():
            service, network, policy = (
                member(item, ref, name, UNSEEN, answer.call)
                for name in ("ServiceName", "VpcId", "PolicyDocument")
            )
            elsewhere = not (network.gap or used.gap) and network.value not in used.value
            if str(item.get("State")).casefold() in _OUT_OF_USE:
                continue
            storing = _storing(snapshot, answer.region, service.value or "")
            if elsewhere or not (service.gap or storing):
                continue
            statements = read_policy(policy, answer.call, snapshot.as_of)
            lets_out = derive(
                lambda *cells, storing=storing: _leads_elsewhere(cells[-1], snapshot, storing),
                *(used, service, network, statements),
            )
            id = item.get("VpcEndpointId") or ref
            yield Row(answer.region, id, id, {"lets_out": lets_out}, (ref,))


def _networks_in_use(snapshot: Snapshot, region: str) -> Cell:
    """Return the ids of the networks in which fleets and builders of a region run."""
    used: list[Cell] = []
    for call in _RUNNING:
        answer = snapshot.answer(call, region)
        used.append(Cell([], answer.evidence, answer.trouble))
        for item, ref in answer.items():
            config = item.get("VpcConfig") or {}
            if config.get("SubnetIds"):
                used.append(_groups(snapshot, config.get("SecurityGroupIds") or (), ref, answer))
    found = derive(lambda *all: {group.get("VpcId") for groups in all for group in groups}, *used)
    if not found.gap and None in found.value:  # whichever network the group is in may be in use
        gap = absent_member(DESCRIBE_SECURITY_GROUPS, "SecurityGroups[].VpcId")
        return Cell(None, found.refs, gap)
    return found


def _storing(snapshot: Snapshot, region: str, service: str) -> tuple[str, str] | None:
    """Return how an endpoint of Amazon S3 stores a file in a stranger's bucket: action and resource.

    None for an endpoint of another service. Multi-Region Access Points lead to buckets, which the
    policy has to allow too; directory buckets have an endpoint and actions of their own.

    References
    ----------
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointsPrivateLink.html;
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-networking.html.
    """
    start = f"arn:{snapshot.header['partition']}"
    if service.endswith((".s3", ".s3-global.accesspoint")):
        return "s3:PutObject", f"{start}:s3:::{_STRANGERS_BUCKET}/file"
    if service.endswith(".s3express"):
        bucket = f"{_STRANGERS_BUCKET}--az1--x-s3"
        return "s3express:CreateSession", f"{start}:s3express:{region}:{_STRANGER}:bucket/{bucket}"
    return None


def _leads_elsewhere(
    policy: tuple[Statement, ...], snapshot: Snapshot, storing: tuple[str, str] | None
) -> bool | str:
    """Return whether somebody may store files in another account's bucket through an endpoint.

    An endpoint's policy limits what passes, whoever sends it: the account's own, or a stranger with
    keys of another account.
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    assert storing is not None
    action, arn = storing
    start, _, key = arn.partition(_STRANGERS_BUCKET)
    outcomes = _outcomes(policy, snapshot, action, arn)
    if Access.YES in outcomes:
        return True
    for name in sorted(_names_that_fit(policy, start)):
        outcomes |= _outcomes(policy, snapshot, action, f"{start}{name}{key}")
    return IN_DOUBT if outcomes != {Access.NO} else False


def _outcomes(
    policy: tuple[Statement, ...], snapshot: Snapshot, action: str, arn: str
) -> set[Access]:
    """Return whether a stranger, and the account's own, may do an action on a stranger's resource."""
    context: Context = {
        "aws:resourceorgid": "o-other",
        "aws:resourceorgpaths": ("o-other/r-other/",),
    }
    target = Target(arn, _STRANGER, policy, policy_decides=True, context=context)
    callers = map(any_of_account, (_STRANGER, snapshot.account))
    return {decide(caller, action, target) for caller in callers}


def _names_that_fit(policy: tuple[Statement, ...], start: str) -> set[str]:
    """Return names of buckets that anybody could make and that match a pattern of the policy.

    Patterns of the names that AppStream gives to buckets do not count: AWS's whitepaper "Best Practices
    for Deploying Amazon AppStream 2.0" has a policy with them.
    """
    allowed = (s.resources or () for s in policy if s.effect == "Allow" and not s.excepts_resources)
    patterns = (text.removeprefix(start).partition("/")[0] for texts in allowed for text in texts)
    wild = {name for name in patterns if is_wild(name) and not name.startswith(BUCKET_PREFIX)}
    return {name.replace("*", "x").replace("?", "x") for name in wild}
