"""The statuses of findings: their order, meaning and look, and what counts as open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from kit.catalogue.texts import PROSE, has, text
from kit.errors import UserError
from kit.shipped import yaml_data

PASS, FAIL, NOT_EVIDENCED = "pass", "fail", "not evidenced"
ATTESTED, ACCEPTED, NOT_APPLICABLE = "attested", "accepted", "not applicable"
NO_API = "no API"  # the reason code of what AWS offers no interface for


@dataclass(frozen=True)
class Status:
    """A status; ``statuses.yaml`` explains the members.

    Attributes
    ----------
    word : str
        The status as findings have it.
    closed_for : tuple of str
        Reason codes with which an open status is not open.
    exit : int
        Exit code of the commands while such a finding is open; 0 for none.
    oscal : mapping of str to str
        ``state`` and ``reason``.
    """

    word: str
    shape: str
    light: str
    dark: str
    hatch: str
    oscal: Mapping[str, str]
    ocsf: str
    open: bool = False
    closed_for: tuple[str, ...] = ()
    listed: bool = False
    pale: str = ""
    exit: int = 0
    rank: int = field(default=0, compare=False)

    @property
    def meaning(self) -> str:
        """What the status means, in the language chosen."""
        return text(f"statuses/{self.word}/meaning")

    @property
    def remarks(self) -> str:
        """The remarks of its findings in OSCAL, in the language chosen; empty for none."""
        remarks = f"statuses/{self.word}/remarks"
        return text(remarks) if has(remarks) else ""


def _read() -> dict[str, Status]:
    statuses = yaml_data(resources.files("kit.catalogue") / "statuses.yaml")
    return {
        word: _status(word, rank, members) for rank, (word, members) in enumerate(statuses.items())
    }


def _status(word: str, rank: int, members: Mapping[str, Any]) -> Status:
    own = {name: value for name, value in members.items() if name not in PROSE}
    try:
        return Status(word, rank=rank, closed_for=tuple(own.pop("closed for", ())), **own)
    except TypeError as error:  # a member is missing or unknown
        problem = str(error).partition("() ")[2]
        raise UserError(f"kit/catalogue/statuses.yaml: {word}: {problem}") from None


STATUSES = _read()
"""Statuses by word, the worst first."""
WORST_FIRST = tuple(STATUSES)


def is_open(status: str, reason: str = "") -> bool:
    """Return whether somebody has to act on a finding with this status and reason code."""
    definition = STATUSES[status]
    return definition.open and reason not in definition.closed_for


def exit_code(findings: list[tuple[str, str]]) -> int:
    """Return a command's exit code for the statuses and reason codes of findings.

    The worst open status decides; 0 where no finding is open.
    """
    open_words = {status for status, reason in findings if is_open(status, reason)}
    return next((status.exit for word, status in STATUSES.items() if word in open_words), 0)
