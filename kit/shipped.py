"""Folders that come with the kit: notebooks and example parameters."""

from __future__ import annotations

from pathlib import Path


def project(folder: str) -> Path:
    """Return ``notebooks`` or ``parameters``: in a wheel within the package, in a checkout above."""
    package = Path(__file__).parent
    inside = package / "project"
    return (inside if inside.is_dir() else package.parent) / folder
