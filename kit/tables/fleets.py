"""Fleets, image builders and app block builders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_STACKS,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_BUCKET_POLICY,
    LIST_ASSOCIATED_FLEETS,
    Scope,
)
from kit.catalogue.texts import text
from kit.parameters import HOME_FOLDERS
from kit.snapshot import Trouble
from kit.tables.access_points import POINT_CALLS
from kit.tables.cells import NONE, UNSEEN, Cell, Default, derive
from kit.tables.core import Column, Row, Source, listed, table
from kit.tables.grants import capabilities_of_roles
from kit.tables.inventory import DATA_SOURCES
from kit.tables.networks import NETWORK_COLUMNS, networks
from kit.tables.organisation import owner_of
from kit.tables.sources import SOURCE_CALLS

# What UpdateFleet and UpdateAppBlockBuilder take depends on it:
# https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateFleet.html
# https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateAppBlockBuilder.html
_UPDATE_STATE = "State && [State, FleetType]"
_FLEET_COLUMNS = {
    "fleet_type": Column(
        "FleetType",
        Default("ON_DEMAND", "fleet_type"),
    ),
    "state": Column("State"),
    "update_state": Column(_UPDATE_STATE),
    "max_sessions_per_instance": Column(
        "MaxSessionsPerInstance",
        Default(1, "sessions_per_instance"),
    ),
    "session_limit": Column("MaxUserDurationInSeconds", UNSEEN),
    "disconnect_limit": Column("DisconnectTimeoutInSeconds", UNSEEN),
    "idle_limit": Column(
        "IdleDisconnectTimeoutInSeconds",
        Default(0, "idle_disconnect"),
    ),
    "usb_filters": Column(
        "UsbDeviceFilterStrings && length(UsbDeviceFilterStrings)",
        Default(0, "usb_filters"),
    ),
    "third_party_connectors": Column(calls=(DESCRIBE_STACKS, LIST_ASSOCIATED_FLEETS)),
}
_KINDS = {
    DESCRIBE_FLEETS: "fleet",
    DESCRIBE_IMAGE_BUILDERS: "image builder",
    DESCRIBE_APP_BLOCK_BUILDERS: "app block builder",
}
_BUILDER_COLUMNS = {
    "kind": Column(),
    "update_state": Column(_UPDATE_STATE),
    "internet": Column("EnableDefaultInternetAccess"),
    "imdsv1_disabled": Column(
        "DisableIMDSV1",
        Default(False, "imdsv1"),
    ),
    "security_groups": Column("length(VpcConfig.SecurityGroupIds || `[]`)"),
    **NETWORK_COLUMNS,
    "private_endpoints": Column("length(AccessEndpoints || `[]`)"),
    "role_may": Column(
        "IamRoleArn",
        NONE,
        calls=(
            GET_ACCOUNT_AUTHORIZATION_DETAILS,
            *DATA_SOURCES,
            *SOURCE_CALLS,
            GET_BUCKET_POLICY,
            *POINT_CALLS,
            DESCRIBE_ORGANIZATION,
        ),
    ),
}


@table("fleets", Scope.REGION, (DESCRIBE_FLEETS,), _FLEET_COLUMNS)
def fleets(source: Source) -> Iterator[Row]:
    """Yield every fleet of every region in scope."""
    for answer in source.snapshot.answers(DESCRIBE_FLEETS):
        rows = listed(_FLEET_COLUMNS, answer, source, "fleet")
        storage = _storage(source, answer.region)
        for row, (item, _) in zip(rows, answer.items(), strict=True):
            row.cells["third_party_connectors"] = storage.of(item["Name"])
            row.cells["update_state"] = _update_state("fleet", row)
            yield row


@table("fleets_and_builders", Scope.REGION, tuple(_KINDS), _BUILDER_COLUMNS)
def fleets_and_builders(source: Source) -> Iterator[Row]:
    """Yield every resource with instances: fleets, image builders, app block builders."""
    role_may = capabilities_of_roles(source)
    for call, kind in _KINDS.items():
        for answer in source.snapshot.answers(call):
            rows = listed(_BUILDER_COLUMNS, answer, source, kind)
            for row, (item, ref) in zip(rows, answer.items(), strict=True):
                row.cells["kind"] = Cell(kind)
                row.cells |= networks(source.snapshot, item, ref, answer)
                row.cells["update_state"] = _update_state(kind, row)
                role = row.cells["role_may"]
                row.cells["role_may"] = _of_another(source, role) or role_may(role)
                yield row


def _update_state(kind: str, row: Row) -> Cell:
    """Return a resource's kind with its state, which decides what its update takes."""

    def named(found: list[str | None]) -> str:
        state, fleet_type = found
        # AWS has no update of an image builder, and one of a stopped app block builder.
        if kind == "image builder" or (kind != "fleet" and state != "STOPPED"):
            return kind
        if (state, fleet_type) == ("RUNNING", "ELASTIC"):
            return "running Elastic fleet"
        return f"{str(state).lower()} {kind}"

    return derive(named, row.cells["update_state"])


def _of_another(source: Source, role: Cell) -> Cell | None:
    """Return a gap for a role of another account, which alone sees what the role may do."""
    owner = owner_of(role.value)
    if owner in ("", source.snapshot.account):
        return None
    hint = text("gaps/role_of_another", account=owner)
    call = GET_ACCOUNT_AUTHORIZATION_DETAILS.name
    return Cell(None, role.refs, Trouble("needs review", call, hint=hint))


@dataclass(frozen=True)
class _Storage:
    """Third parties' storage that stacks of a region offer, by the fleets that they serve.

    Attributes
    ----------
    by_fleet : dict of str to dict
        Names of fleets to providers, each with the reference of its connector.
    refs : tuple of str
        Of the stacks, and of the lists of fleets that they serve.
    gap : Trouble or None
    """

    by_fleet: Mapping[str, Mapping[str, str]]
    refs: tuple[str, ...]
    gap: Trouble | None

    def of(self, fleet: str) -> Cell:
        """Return the third parties' storage that a fleet's sessions reach."""
        if providers := self.by_fleet.get(fleet):
            return Cell(sorted(providers), (*providers.values(), *self.refs))
        return Cell([], self.refs, self.gap)


def _storage(source: Source, region: str) -> _Storage:
    stacks = source.snapshot.answer(DESCRIBE_STACKS, region)
    by_fleet: dict[str, dict[str, str]] = {}
    refs, gap = list(stacks.evidence), stacks.trouble
    for stack, ref in stacks.items():
        named = {
            connector["ConnectorType"]: f"{ref}/StorageConnectors/{n}"
            for n, connector in enumerate(stack.get("StorageConnectors") or ())
            if connector["ConnectorType"] != HOME_FOLDERS
        }
        if not named:
            continue
        served = source.snapshot.answer(LIST_ASSOCIATED_FLEETS, region, StackName=stack["Name"])
        refs += served.evidence
        gap = gap or served.trouble
        for name, _ in served.items():
            by_fleet[name] = named | by_fleet.get(name, {})
    return _Storage(by_fleet, tuple(refs), gap)
