"""What auditors usually request, and where a pack answers it."""

from __future__ import annotations

from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, TypeAdapter

from kit.shipped import yaml_data


class Request(BaseModel):
    """Where a pack answers a request; ``requests.yaml`` explains the members."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    sections: list[str] = []
    controls: list[str] = []
    files: dict[str, list[str]] = {}
    sheets: list[str] = []
    parameters: list[str] = []
    missing: bool = False


@cache
def requests() -> dict[str, Request]:
    """Return the requests by id, in the order of the page."""
    content = yaml_data(resources.files("kit.catalogue") / "requests.yaml")
    return TypeAdapter(dict[str, Request]).validate_python(content)
