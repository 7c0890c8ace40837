"""What a verification tells: one line for each thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from kit.report.formats import escape

_MOST = 2_000  # characters of a text that a pack chose


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    subject : str
        A file of the pack, or what else was looked at.
    ok : bool
        Whether it is what the pack says.
    told : str
        What was found; where it is not ok, what was expected and what was found.
    note : bool
        Whether it is a remark: nothing was held against what the pack says.
    """

    subject: str
    ok: bool
    told: str
    note: bool = False

    @property
    def line(self) -> str:
        """It as one line for a terminal, which no name in a pack can break or colour."""
        word = "note" if self.note else "ok" if self.ok else "FAILED"
        return f"{word:<8}{_visible(self.subject)}: {_visible(self.told)}"


def passed(subject: str, told: str) -> Check:
    """Return a check that found what the pack says."""
    return Check(subject, True, told)


def noted(subject: str, told: str) -> Check:
    """Return a check that compared nothing, or found a difference that is no fault."""
    return Check(subject, True, told, note=True)


def failed(subject: str, expected: str, found: str) -> Check:
    """Return a check that did not."""
    return Check(subject, False, f"expected {expected[:_MOST]}; found {found[:_MOST]}")


def _visible(text: str) -> str:
    return escape(text).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")
