"""What every pack needs of the kit's own files and its libraries', before there is evidence."""

from __future__ import annotations

from kit.catalogue import open_points, texts
from kit.catalogue.requests import requests
from kit.catalogue.transfers import transfers
from kit.parameters import appstream_regions
from kit.redact.readable import regions, services
from kit.report import drawing, fonts


def read_files() -> None:
    """Read it, so that processes forked from this process have it."""
    texts.load()
    for read in (open_points.known, requests, transfers, appstream_regions, regions, services):
        read()
    drawing.load()
    fonts.em("")
