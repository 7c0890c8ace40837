"""Which kit made a pack, and whether it is this kit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kit.catalogue.texts import text
from kit.maker import agent, lock
from kit.pack.info import AGENT, LOCK
from kit.verify.checks import Check, failed, not_compared


class Maker(NamedTuple):
    """The kit that a pack states it was made by.

    `name` is its name and version with the beginning of its lock; `is_here` states whether this
    kit, with these versions of all that it depends on, is the same and so makes the same bytes.
    """

    name: str
    is_here: bool

    def of_language(self, language: str) -> Maker:
        """Return the maker of a page; with another catalogue of texts the kit makes other bytes."""
        if language == text("language"):
            return self
        return Maker(f"{self.name}, language {language[:20]!r}", False)

    def differs(self, subject: str, expected: str, observed: str) -> Check:
        """Return a failed check where this kit made the pack, else a check that compared nothing."""
        if self.is_here:
            return failed(subject, expected, observed)
        here = f"{agent()} ({lock()[:12]})"
        return not_compared(subject, f"made by {self.name}, and {here} makes other bytes")


def maker_of(info: Mapping[str, str]) -> Maker:
    """Return which kit a pack states it was made by."""
    name, stated = info.get(AGENT, "an unnamed kit"), info.get(LOCK, "")
    return Maker(f"{name} ({stated[:12] or 'no lock stated'})", (name, stated) == (agent(), lock()))
