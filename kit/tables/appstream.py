"""Stacks and fleets."""

from __future__ import annotations

from collections.abc import Iterator

from kit.aws.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_STACKS,
    DESCRIBE_VPC_ENDPOINTS,
    Scope,
)
from kit.tables.cells import NONE, UNSEEN, Cell, Default, absent_member
from kit.tables.core import Column, Row, Source, listed, table

NOT_FOUND = "not found in the account"
_THIRD_PARTIES = ("GOOGLE_DRIVE", "ONE_DRIVE")
_FLEET_COLUMNS = {
    "fleet_type": Column(
        "Fleet type",
        "FleetType",
        Default("ON_DEMAND", "CreateFleet, FleetType: on-demand where none is named"),
    ),
    "state": Column("State", "State"),
    "max_sessions_per_instance": Column(
        "Sessions per instance",
        "MaxSessionsPerInstance",
        Default(1, "Multi-session fleets, Administration Guide: one session unless set"),
    ),
    "session_limit": Column("Longest session (s)", "MaxUserDurationInSeconds", UNSEEN),
    "disconnect_limit": Column(
        "Kept after disconnection (s)", "DisconnectTimeoutInSeconds", UNSEEN
    ),
    "idle_limit": Column(
        "Disconnected when idle (s)",
        "IdleDisconnectTimeoutInSeconds",
        Default(0, "CreateFleet, IdleDisconnectTimeoutInSeconds: 0 (never) is the default"),
    ),
    "third_party_connectors": Column(
        "Third-party storage offered in the region", calls=(DESCRIBE_STACKS,)
    ),
}
_STACK_COLUMNS = {
    "connectors": Column("Storage connectors", "StorageConnectors[].ConnectorType", NONE),
    "settings_persist": Column(
        "Application settings persistence",
        "ApplicationSettings.Enabled",
        Default(False, "CreateStack, ApplicationSettings: off unless enabled"),
    ),
    "embed_hosts": Column("Embedding hosts", "EmbedHostDomains", NONE),
    "protocol": Column(
        "Preferred protocol",
        "StreamingExperienceSettings.PreferredProtocol",
        Default("TCP", "CreateStack, StreamingExperienceSettings: TCP unless set"),
    ),
    "endpoints": Column(
        "Streaming VPC endpoints", "AccessEndpoints", NONE, calls=(DESCRIBE_VPC_ENDPOINTS,)
    ),
}


@table("fleets", "fleet", Scope.REGION, (DESCRIBE_FLEETS,), _FLEET_COLUMNS)
def fleets(source: Source) -> Iterator[Row]:
    """Every fleet of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_FLEETS):
        connectors = _third_parties(source, answer.region)
        for row in listed(_FLEET_COLUMNS, answer, source, "fleet"):
            row.cells["third_party_connectors"] = connectors
            yield row


@table("stacks", "stack", Scope.REGION, (DESCRIBE_STACKS,), _STACK_COLUMNS)
def stacks(source: Source) -> Iterator[Row]:
    """Every stack of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_STACKS):
        for row in listed(_STACK_COLUMNS, answer, source, "stack"):
            listing = row.cells["endpoints"]
            row.cells["endpoints"] = _streaming_endpoints(source, answer.region, listing)
            yield row


def _third_parties(source: Source, region: str) -> Cell:
    answer = source.snapshot.answer(DESCRIBE_STACKS, region)
    found: dict[str, str] = {}
    for stack, ref in answer.items():
        for n, connector in enumerate(stack.get("StorageConnectors") or ()):
            if connector["ConnectorType"] in _THIRD_PARTIES:
                found.setdefault(connector["ConnectorType"], f"{ref}/StorageConnectors/{n}")
    if found:
        return Cell(sorted(found), tuple(found.values()))
    return Cell([], answer.evidence, answer.trouble)


def _streaming_endpoints(source: Source, region: str, listed: Cell) -> Cell:
    """The VPC endpoints that a stack streams through, with what EC2 says of each."""
    named = [access.get("VpceId") for access in listed.value or ()]
    if not named:
        return Cell([], listed.refs)
    if not all(named):
        gap = absent_member(DESCRIBE_STACKS, "AccessEndpoints.VpceId", listed.refs[0])
        return Cell(None, listed.refs, gap)
    answer = source.snapshot.answer(DESCRIBE_VPC_ENDPOINTS, region)
    known = {item.get("VpcEndpointId"): (item, ref) for item, ref in answer.items()}
    seen = [known[vpce] for vpce in named if vpce in known]
    found = [
        {"id": vpce, "state": item.get("State", ""), "service": item.get("ServiceName", "")}
        for vpce in named
        for item, _ in [known.get(vpce, ({"State": NOT_FOUND}, ""))]
    ]
    complete = len(seen) == len(named)
    refs = [ref for _, ref in seen] if complete else answer.evidence
    return Cell(found, (*listed.refs, *refs), None if complete else answer.trouble)
