"""What botocore knows without asking anybody: AWS's regions, services and their interfaces."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import botocore.session


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
