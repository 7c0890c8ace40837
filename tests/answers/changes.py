"""Changes to one answer of an account, and which findings they may touch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kit.calls import CALLS, GET_ACCOUNT_AUTHORIZATION_DETAILS, Call
from kit.judge.findings import Finding
from kit.redact.protect import protect
from kit.snapshot import Snapshot
from tests.answers.playback import Account, Answer
from tests.answers.shapes import (
    HALF,
    HOSTILE,
    Node,
    Path,
    answers,
    instead,
    nodes,
    values,
    without,
)
from tests.standins import operation, output_shape

MANY = int(os.environ.get("EVIDENCE_FUZZ", "0"))  # examples of each property


def examples(few: int) -> settings:
    """Settings of a property: the same few examples each time, or many different ones."""
    return settings(
        max_examples=MANY or few,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@dataclass(frozen=True)
class Change:
    """One answer changed in one place.

    Attributes
    ----------
    answer : Answer
    record : str
        JSON pointer of the listed item that the place is in; empty for the whole answer.
    renamed : mapping of new text to old
    reported : str
    """

    answer: Answer
    record: str
    renamed: Mapping[str, str]
    reported: str


def halves(answer: Answer) -> bool:
    """Whether halves of surrogate pairs can be in an answer: in JSON they can."""
    return str(operation(answer.call).service_model.metadata["protocol"]).endswith("json")


def places(answer: Answer) -> list[Node]:
    """Every part of an answer."""
    return list(nodes(output_shape(answer.call), answer.body))


def successes(account: Account) -> list[Answer]:
    """Answers that are no errors, but for who is asking, without which nothing begins."""
    return [
        one
        for one in account.answers.values()
        if one.status < 300 and one.call.name != "sts.GetCallerIdentity"
    ]


def shortened(answer: Answer, place: Node) -> Change:
    """The answer without one part of it."""
    body = without(answer.body, place.path)
    reported = f"{answer.name} without {place.reported}"
    return Change(replace(answer, body=body), _record(answer, place.path), {}, reported)


def rewritten(answer: Answer, place: Node, value: Any) -> Change:
    """The answer with another value in one place."""
    body = instead(answer.body, place.path, value)
    texts = isinstance(value, str) and isinstance(place.value, str)
    renamed = {value: place.value} if texts else {}
    reported = f"{answer.name} with {place.reported} = {value!r:.200}"
    return Change(replace(answer, body=body), _record(answer, place.path), renamed, reported)


def replaced(answer: Answer, body: dict[str, Any]) -> Change:
    """Another answer altogether."""
    return Change(replace(answer, body=body), "", {}, f"{answer.name} = {body!r:.200}")


def _record(answer: Answer, path: Path) -> str:
    depth = len(answer.call.items.split(".")) + 1 if answer.call.items else 0
    listed = depth and answer.call is not GET_ACCOUNT_AUTHORIZATION_DETAILS
    if listed and list(path[: depth - 1]) != answer.call.items.split("."):
        return ""
    if answer.call is GET_ACCOUNT_AUTHORIZATION_DETAILS:
        depth = 2
    return "".join(f"/{part}" for part in path[:depth]) if len(path) >= depth else ""


# --- strategies -----------------------------------------------------------------------------------


@st.composite
def single(draw: Any, account: Account) -> Change:
    """A member less, a hostile text, an empty list, or an odd value in one place of one answer."""
    answer = draw(_answers(account))
    choices = places(answer)
    kinds = {
        "shorter": [place for place in choices if place.optional],
        "hostile": [place for place in choices if place.shape.type_name in ("string", "blob")],
        "empty": [place for place in choices if place.shape.type_name in ("list", "map")],
        "odd": [place for place in choices if place.shape.type_name != "structure"],
    }
    kind = draw(st.sampled_from([name for name, found in kinds.items() if found] or ["none"]))
    if kind == "none":
        return replaced(answer, {})
    place = draw(st.sampled_from(kinds[kind]))
    if kind == "shorter":
        return shortened(answer, place)
    if kind == "hostile":
        text = draw(st.sampled_from([*HOSTILE, HALF] if halves(answer) else HOSTILE))
        return rewritten(answer, place, text.encode() if isinstance(place.value, bytes) else text)
    if kind == "empty":
        return rewritten(answer, place, type(place.value)())
    return rewritten(answer, place, draw(values(place.shape, halves(answer))))


@st.composite
def whole(draw: Any, account: Account) -> Change:
    """An answer of the same call that has nothing in common with the one that was given."""
    answer = draw(_answers(account))
    return replaced(answer, draw(answers(answer.call)))


@st.composite
def _answers(draw: Any, account: Account) -> Answer:
    """An answer, each call being as likely as any other."""
    by_call: dict[str, list[Answer]] = {}
    for one in successes(account):
        by_call.setdefault(one.call.name, []).append(one)
    return draw(st.sampled_from(by_call[draw(st.sampled_from(sorted(by_call)))]))  # type: ignore[no-any-return]


def several(account: Account) -> SearchStrategy[list[Change]]:
    """Up to four changes, each to another answer."""
    one = single(account) | whole(account)
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda change: change.answer.name)


def applied(account: Account, *changes: Change) -> Account:
    """The account with its answers changed."""
    renamed = {new: old for change in changes for new, old in change.renamed.items()}
    return account.but(*(change.answer for change in changes), renamed=renamed)


# --- what a change may touch ----------------------------------------------------------------------

Rest = tuple[str, str]  # the name of a request, which no numbering changes, and a JSON pointer
_PASSING = ("StartTime", "EndTime", "NextToken", "nextToken", "Marker", "ContinuationToken")


def request_name(call: Call, region: str, requested: Mapping[str, Any]) -> str:
    """What tells a request from all others of an account, whichever page is asked for and when.

    Two declared calls may make the same request: what changes the answer of one changes both.
    """
    kept = protect(call, {k: v for k, v in requested.items() if k not in _PASSING})
    return f"{call.service}.{call.operation} {region} {json.dumps(kept, sort_keys=True)}"


class Reach:
    """Which findings a change may touch: those that rest on what was changed.

    They cite the changed record or the whole answer that lists it, before or after the change; or
    a request that is made in only one of both cases, because of a name that was changed.
    """

    def __init__(self, change: Change, before: Snapshot, after: Snapshot):
        answer = change.answer
        self.changed = request_name(answer.call, answer.region, answer.requested)
        self.record = change.record
        known, now = _names(before), _names(after)
        self._known, self._now = known, now
        self._others = set(known.values()) ^ set(now.values())

    def before(self, finding: Finding) -> bool:
        """Whether a finding made before the change may be touched."""
        return any(self._touches(rest) for rest in _rests(finding, self._known))

    def after(self, finding: Finding) -> bool:
        """Whether a finding made after the change may have been touched."""
        return any(self._touches(rest) for rest in _rests(finding, self._now))

    def is_its_own(self, finding: Finding) -> bool:
        """Whether a finding made before the change cites the changed record itself."""
        rests = list(_rests(finding, self._known))
        return any(
            name in self._others
            or (name == self.changed and pointer.startswith(self.record or "/"))
            or (name == self.changed and not self.record)
            for name, pointer in rests
        )

    def _touches(self, rest: Rest) -> bool:
        name, pointer = rest
        if name in self._others:
            return True
        inside = pointer.startswith(self.record) or self.record.startswith(pointer)
        return name == self.changed and inside


def _names(snapshot: Snapshot) -> dict[str, str]:
    return {
        one.id: request_name(CALLS[one.call], one.region, one.parameters)
        for one in snapshot.requests
    }


def _rests(finding: Finding, names: Mapping[str, str]) -> Iterator[Rest]:
    for ref in finding.evidence:
        evidence, _, pointer = ref.partition("#")
        if evidence in names:
            yield names[evidence], pointer


def reported(finding: Finding) -> Finding:
    """A finding without its references, whose numbers change with the number of requests."""
    return replace(finding, evidence=())
