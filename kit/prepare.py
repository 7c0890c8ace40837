"""What every pack needs of the kit's own files and its libraries', before there is evidence."""

from __future__ import annotations

from kit.catalogue import texts
from kit.parameters import appstream_regions
from kit.redact.readable import regions, services
from kit.report import drawing


def prepare() -> None:
    """Read it, so that processes forked from this process have it."""
    texts.load()
    appstream_regions()
    regions()
    services()
    drawing.load()
