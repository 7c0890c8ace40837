"""What changed since an earlier audit, and since when each point is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kit.catalogue.statuses import ACCEPTED, FAIL, NOT_EVIDENCED, is_open
from kit.judge.digest import places_of
from kit.judge.findings import Finding
from kit.snapshot import Place, Snapshot

CHANGES = (
    "newly open",
    "still open",
    "closed",
    "accepted",
    "gone",
    "evidence gained",
    "evidence lost",
    "changed",
    "appeared",
)


@dataclass(frozen=True)
class Verdict:
    """What an audit states of a place: a control on a resource in a region.

    Attributes
    ----------
    status : str
    values : str
        Observed values; empty where a pack of an earlier form has none.
    reason : str
        The code of what is not evidenced, and the declaration of what is accepted; elsewhere prose.
    """

    status: str
    values: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody has to act on it."""
        return is_open(self.status, self.reason)


def change(before: Verdict | None, after: Verdict | None) -> str:
    """Return how a verdict changed, one of `CHANGES`; empty where it did not, and is not open.

    Parameters
    ----------
    before, after : Verdict or None
        None where an audit has nothing of the place.
    """
    if after is None:
        return "gone"
    if before is None:
        return "newly open" if after.is_open else "appeared"
    had, has = before.status, after.status
    if has == ACCEPTED and had != ACCEPTED:
        return "accepted"
    if has == FAIL:
        return "still open" if had == FAIL else "newly open"
    if had == NOT_EVIDENCED == has:
        if after.is_open:
            return "still open" if before.is_open else "newly open"
        return "changed" if before.is_open else ""
    if had == NOT_EVIDENCED:
        return "evidence gained"
    if has == NOT_EVIDENCED:
        # What no interface shows is not lost where nothing was open.
        return "evidence lost" if had == FAIL or after.is_open else "changed"
    if had == FAIL:
        return "closed"
    return "changed" if _differ(before, after) else ""


def _differ(before: Verdict, after: Verdict) -> bool:
    """Return whether two verdicts of which none is open have not the same identity."""
    declared = before.status == ACCEPTED and before.reason != after.reason
    compared = before.values and after.values and before.values != after.values
    return before.status != after.status or declared or bool(compared)


def with_since(findings: Iterable[Finding], snapshot: Snapshot) -> list[Finding]:
    """Return findings of which each open one has the time since which it is open.

    Without an earlier pack nobody knows since when, and the time stays empty.
    """
    earlier = snapshot.earlier
    if earlier is None:
        return list(findings)
    as_of = snapshot.as_of.isoformat()
    findings = list(findings)
    return [
        replace(finding, since=_since(earlier.places, place) or as_of)
        if finding.is_open
        else finding
        for finding, place in zip(findings, _places(findings), strict=True)
    ]


def was_open(finding: Finding, snapshot: Snapshot) -> bool:
    """Return whether the last pack that the run names had an open point in a finding's place."""
    return bool(snapshot.earlier and _since(snapshot.earlier.places, *_places([finding])))


def _places(findings: Iterable[Finding]) -> list[Place]:
    return [place[1:] for place in places_of(map(vars, findings))]


def _since(places: Mapping[Place, tuple[str, str]], place: Place) -> str:
    return places.get(place, ("", ""))[1]


@dataclass(frozen=True)
class Moved:
    """What changed since the last pack, in places: a control on a resource, or a field of it.

    Attributes
    ----------
    since : str
        ISO time of the last pack's evidence.
    newly_open : int
        Places that are open and were not.
    still_open : int
        Places that were open and are: by a fail, or by evidence that is missing.
    closed : int
        Places that were open, and where the kit looked again and found nothing open.
    accepted : int
        Places that were open, and where somebody accepts the fail.
    unseen : int
        Places that were open, and that the kit cannot see now.
    gone : int
        Places that were open, and of which this run has no finding.
    """

    since: str
    newly_open: int
    still_open: int
    closed: int
    accepted: int
    unseen: int
    gone: int


_SETTLED = {ACCEPTED: "accepted", NOT_EVIDENCED: "unseen"}


def settled(status: str) -> str:
    """Return how a point is no longer open, by its status now: a member of `Moved`."""
    return _SETTLED.get(status, "closed")


def moved(leaves: Iterable[Finding], snapshot: Snapshot) -> Moved | None:
    """Count what changed since the last pack; None where the run names no earlier pack.

    Each place that was open or is open counts once.

    Parameters
    ----------
    leaves : iterable of Finding
        Of the whole run.
    snapshot : Snapshot
    """
    earlier = snapshot.earlier
    if earlier is None:
        return None
    leaves = list(leaves)
    now = dict(zip(_places(leaves), leaves, strict=True))
    were_open = {place for place, (_, since) in earlier.places.items() if since}
    are_open = {place for place, finding in now.items() if finding.is_open}
    counts = Counter(
        settled(now[place].status) if place in now else "gone" for place in were_open - are_open
    )
    return Moved(
        earlier.packs[-1]["as_of"],
        newly_open=len(are_open - were_open),
        still_open=len(are_open & were_open),
        **{name: counts[name] for name in ("closed", "accepted", "unseen", "gone")},
    )
