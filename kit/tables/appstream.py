"""Stacks and fleets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.aws.calls import (
    DESCRIBE_FLEETS,
    DESCRIBE_STACKS,
    DESCRIBE_VPC_ENDPOINTS,
    Scope,
)
from kit.tables.core import (
    NONE,
    UNSEEN,
    Cell,
    Column,
    Default,
    Row,
    Source,
    derive,
    listed,
    table,
)

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
    "endpoints": Column("Streaming VPC endpoints", calls=(DESCRIBE_VPC_ENDPOINTS,)),
}


@table("fleets", "fleet", Scope.REGION, (DESCRIBE_FLEETS,), _FLEET_COLUMNS)
def fleets(source: Source) -> Iterator[Row]:
    """Every fleet of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_FLEETS):
        connectors = _third_parties(source, answer.region)
        for row, _ in listed(_FLEET_COLUMNS, answer, source, "fleet"):
            row.cells["third_party_connectors"] = connectors
            yield row


@table("stacks", "stack", Scope.REGION, (DESCRIBE_STACKS,), _STACK_COLUMNS)
def stacks(source: Source) -> Iterator[Row]:
    """Every stack of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_STACKS):
        for row, item in listed(_STACK_COLUMNS, answer, source, "stack"):
            row.cells["endpoints"] = _streaming_endpoints(source, answer.region, item)
            yield row


def _third_parties(source: Source, region: str) -> Cell:
    answer = source.snapshot.answer(DESCRIBE_STACKS, region)
    found = {
        connector["ConnectorType"]: ref
        for stack, ref in answer.items()
        for connector in stack.get("StorageConnectors") or ()
        if connector["ConnectorType"] in _THIRD_PARTIES
    }
    if found:
        return Cell(sorted(found), tuple(dict.fromkeys(found.values())))
    return Cell([], answer.evidence, answer.trouble)


def _streaming_endpoints(source: Source, region: str, stack: dict[str, Any]) -> Cell:
    """The VPC endpoints that a stack streams through, with what EC2 says of each."""
    named = [
        access["VpceId"] for access in stack.get("AccessEndpoints") or () if access.get("VpceId")
    ]
    if not named:
        return Cell([])
    answer = source.snapshot.answer(DESCRIBE_VPC_ENDPOINTS, region)
    known = {item["VpcEndpointId"]: item for item, _ in answer.items()}
    found = [
        {
            "id": vpce,
            "state": known.get(vpce, {}).get("State", "not found"),
            "service": known.get(vpce, {}).get("ServiceName", ""),
        }
        for vpce in named
    ]
    unseen = answer.trouble if any(vpce not in known for vpce in named) else None
    return derive(lambda _: found, Cell(found, answer.evidence, unseen))
