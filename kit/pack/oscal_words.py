"""How OSCAL wants texts, properties and times."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from kit.pack.by_control import instant
from kit.report.records import Facts
from kit.report.views import JSON
from kit.visible import escape

VERSION = "1.2.1"
NAMESPACE = "urn:x-appstream-evidence-kit"
_MARKUP = re.compile(r"([\\`*_\[\]<>~^{}|!&])")


def document_metadata(title: str, facts: Facts, version: str = "") -> JSON:
    """Return the metadata of a document of a pack.

    Parameters
    ----------
    title : str
    facts : dict
        Of the findings. The time is the clock of the pack.
    version : str
        Of the document; by default that of the findings.
    """
    return {
        "title": line(title),
        "published": time(facts["as_of"]),
        "last-modified": time(facts["as_of"]),
        "version": version or facts["digest"][:16],
        "oscal-version": VERSION,
    }


def props(values: JSON) -> list[JSON]:
    """Return properties of ours; empty ones are left out."""
    return [
        {"name": name, "ns": NAMESPACE, "value": shown}
        for name, value in values.items()
        if (shown := plain(value))
    ]


def plain(value: Any) -> str:
    """Return a text as a line without space around it, as OSCAL's strings have to be."""
    return " ".join(escape(str(value)).split())


def prose(text: str) -> str:
    """Return text of which no character is markup, for OSCAL reads it as Markdown."""
    return _MARKUP.sub(r"\\\1", escape(text).strip())


def line(text: str) -> str:
    """Return such a text as a line."""
    return prose(plain(text))


@lru_cache(10_000)  # each request has one, which many findings cite
def time(text: str) -> str:
    """Return a time of the facts in UTC, to the second."""
    return f"{instant(text):%Y-%m-%dT%H:%M:%SZ}"


def filled(members: dict[str, Any]) -> dict[str, Any]:
    """Return what has content, for OSCAL allows no empty list or text."""
    return {name: value for name, value in members.items() if value not in ("", [], (), {})}
