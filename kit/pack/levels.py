"""How long a signature can be checked: the levels of PAdES (ETSI EN 319 142-1), lowest first."""

from __future__ import annotations

BASIC, STAMPED, LONG, ARCHIVED = "B-B", "B-T", "B-LT", "B-LTA"
LEVELS = (BASIC, STAMPED, LONG, ARCHIVED)


def is_below(level: str, other: str) -> bool:
    """Whether a level is lower than another."""
    return LEVELS.index(level) < LEVELS.index(other)
