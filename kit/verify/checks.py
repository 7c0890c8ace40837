"""What a verification reports: a line for each check, and the lines that end it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kit.visible import one_line

UNSIGNED = (
    "UNSIGNED: this pack does not prove who made it; anyone can change it and renew its lists"
)
_SIGNER_UNKNOWN = "who signed was not checked: name whom you trust with --trust"
_MOST = 2_000  # characters of a text that a pack chose
_LONGEST = 300  # characters of a name that a pack chose
_MOST_HOSTS = 20
_MOST_ALIKE = 1_000  # failed checks of a kind that are listed


@dataclass(frozen=True)
class Check:
    """A check of a pack and its result.

    Attributes
    ----------
    subject : str
        A file of the pack, or what else was checked.
    ok : bool
        Whether it is what the pack states.
    message : str
        What the kit observed; where the check failed, what it expected too.
    note : bool
        Whether it is a remark: nothing was compared with what the pack states.
    open : str
        What the check leaves open, which the last lines repeat: `NOT_COMPARED`, `NO_SIGNATURE`,
        `NO_TRUST`, `NO_REVOCATION`, or empty.
    """

    subject: str
    ok: bool
    message: str
    note: bool = False
    open: str = ""

    @property
    def line(self) -> str:
        """The check as a line for a terminal, which no name in a pack can break or colour."""
        word = "note" if self.note else "ok" if self.ok else "FAILED"
        return f"{word:<8}{one_line(self.subject[:_LONGEST])}: {one_line(self.message)}"


NOT_COMPARED, NO_SIGNATURE, NO_TRUST = "not compared", "no signature", "no trust"
NO_REVOCATION = "no revocation"


def passed(subject: str, message: str, leaves_open: str = "") -> Check:
    """Return a check that confirms what the pack states."""
    return Check(subject, True, message, open=leaves_open)


def noted(subject: str, message: str, leaves_open: str = "") -> Check:
    """Return a check that compared nothing, or reports a difference without a fault."""
    return Check(subject, True, message, note=True, open=leaves_open)


def not_compared(subject: str, why: str) -> Check:
    """Return a check of a file, or of a part of it, that the kit could not compare."""
    return Check(subject, True, f"not compared: {why}", note=True, open=NOT_COMPARED)


def failed(subject: str, expected: str, observed: str, leaves_open: str = "") -> Check:
    """Return a check that contradicts what the pack states."""
    text = f"expected {expected[:_MOST]}; observed: {observed[:_MOST]}"
    return Check(subject, False, text, open=leaves_open)


def hosts_of(addresses: Iterable[str]) -> str:
    """Return the hosts to which web addresses lead, in ASCII, so that none looks like another."""
    hosts = sorted({host for address in addresses if (host := _host(address))})
    more = f" and {len(hosts) - _MOST_HOSTS} more" if len(hosts) > _MOST_HOSTS else ""
    return f"{', '.join(hosts[:_MOST_HOSTS])}{more}"


def _host(address: str) -> str:
    try:
        return ascii(urlsplit(address).hostname or "")[1:-1][:_LONGEST]
    except ValueError:  # no host that a program would find
        return ascii(address)[1:-1][:_LONGEST]


def bounded(checks: Iterable[Check]) -> Iterator[Check]:
    """Yield checks; of very many failed checks, the first of them and the number of the others."""
    wrong = 0
    for check in checks:
        wrong += not check.ok
        if check.ok or wrong <= _MOST_ALIKE:
            yield check
    if wrong > _MOST_ALIKE:
        yield failed("the pack", "what its lists state", f"{wrong - _MOST_ALIKE} faults more")


def ending(checks: Sequence[Check]) -> Iterator[str]:
    """Yield the last lines: how many checks failed, what was not compared, who signed."""
    wrong = sum(not check.ok for check in checks)
    made = sum(not check.note for check in checks)
    left = {check.open for check in checks}
    yield f"{wrong} of {made} checks FAILED" if wrong else f"{made} checks, all ok"
    names = dict.fromkeys(one_line(c.subject) for c in checks if c.open == NOT_COMPARED)
    if names:
        yield f"not compared: {', '.join(names)}"
    unshown = dict.fromkeys(one_line(c.subject) for c in checks if c.open == NO_REVOCATION)
    if unshown:
        yield f"revocation not shown: {', '.join(unshown)}"
    if NO_TRUST in left and NO_SIGNATURE not in left:
        yield _SIGNER_UNKNOWN
    if NO_SIGNATURE in left:
        yield UNSIGNED
