"""Which open points documents name first, and which of them have one cause."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from kit.shipped import yaml_data

_FORBID = ConfigDict(strict=True, extra="forbid", frozen=True)
_OTHERS = "safeguards"  # what a control is that the order does not name


class Cause(BaseModel):
    """A value that findings with one cause have in common; ``open_points.yaml`` explains it."""

    model_config = _FORBID

    columns: list[str]
    pattern: re.Pattern[str]
    regional: bool = False


class OpenPoints(BaseModel):
    """What ``open_points.yaml`` holds.

    Attributes
    ----------
    order : dict of str to list of str
        Ids of controls by what a fail of them lets happen, the gravest first.
    causes : dict of str to Cause
    """

    model_config = _FORBID

    order: dict[str, list[str]]
    causes: dict[str, Cause]


@cache
def known() -> OpenPoints:
    """Return the order of open points and their causes."""
    content = yaml_data(resources.files("kit.catalogue") / "open_points.yaml")
    return OpenPoints.model_validate(content, strict=False)


def rank(control: str) -> int:
    """Return how grave what a fail of a control lets happen is; 0 is the gravest.

    Controls that the order does not name share a rank.
    """
    return _ranks().get(control) or _ranks()[_OTHERS]


@cache
def _ranks() -> dict[str, int]:
    places = (name for kind, names in known().order.items() for name in (kind, *names))
    return {name: place for place, name in enumerate(places)}
