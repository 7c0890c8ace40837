"""What botocore knows without asking anybody: AWS's regions, services and their interfaces."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import botocore.session
from botocore.exceptions import UnknownRegionError


@cache
def models() -> botocore.session.Session:
    """The session that knowledge is asked of; nobody logs in with it."""
    return botocore.session.Session()


@cache
def _read_from() -> str | None:
    """Where else than in botocore models were looked for when they were first read."""
    found: str | None = models().get_config_variable("data_path")
    return found


def share_models(other: botocore.session.Session) -> None:
    """Let a session read models where this process has read them, if it reads the same files."""
    if other.get_config_variable("data_path") == _read_from():
        other.register_component("data_loader", models().get_component("data_loader"))


def partition_of(region: str) -> str:
    """The partition that a region is in: aws, aws-us-gov ...; empty for a name of no region."""
    try:
        return str(models().get_partition_for_region(region))
    except UnknownRegionError:
        return ""


@cache
def home_region(partition: str) -> str:
    """The region of a partition where services answer that it has once: us-east-1 in aws.

    References
    ----------
    Smithy, "AWS partitions": ``implicitGlobalRegion``, as botocore's partitions.json has it.
    """
    known = models().get_component("data_loader").load_data("partitions")["partitions"]
    return next(str(p["outputs"]["implicitGlobalRegion"]) for p in known if p["id"] == partition)


def is_listed(service: str, partition: str) -> bool:
    """Whether botocore's endpoints.json lists an endpoint of a service in a partition.

    All services are in aws; the file lists none for those that answer there alone (Artifact).
    """
    listed = models().get_available_regions(service, partition, allow_non_regional=True)
    return partition == "aws" or bool(listed)


def load_models(services: Iterable[str]) -> None:
    """Read all that clients of services need, so that processes forked from this one have it."""
    _read_from()  # before a fork has another environment
    for service in services:
        models().create_client(
            service,
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )
