"""How many examples a property is tried on: all of them, or a share where only quick tests run."""

from __future__ import annotations

from hypothesis import settings

QUICK = 6  # of so many examples a quick run draws one
_share = 1


def draw_fewer() -> None:
    """Let properties of files that are imported from now on draw a share of their examples."""
    global _share
    _share = QUICK


def examples(count: int) -> settings:
    """Settings of a property that is tried on so many examples."""
    return settings(max_examples=count // _share)
