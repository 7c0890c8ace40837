"""Coverage: whether AWS answered the calls that list rows, or their fallbacks, in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kit.calls import Call, Scope, stand_ins
from kit.snapshot import Answer, Snapshot, Trouble

ACCOUNT = "global"  # the region of rows of the whole account


@dataclass(frozen=True)
class Covered:
    """Whether AWS answered a call that lists rows in full in a region, and otherwise why not."""

    account: str
    region: str
    call: str
    trouble: Trouble | None
    evidence: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether AWS answered in full."""
        return self.trouble is None


def coverage(calls: Iterable[Call], scope: Scope, snapshot: Snapshot) -> list[Covered]:
    """Return whether AWS answered the calls that list rows in full, for each region in scope.

    Each region and call has an entry, or an entry for each different trouble. A list of the
    account needs the answers of every region.
    """
    rows = []
    for region in snapshot.regions if scope is Scope.REGION else (ACCOUNT,):
        for call in calls:
            everywhere = call.scope is Scope.REGION and scope is Scope.ACCOUNT
            places = snapshot.regions if everywhere else (region,)
            answers = [answer for place in places for answer in _effective(call, place, snapshot)]
            cited: dict[Trouble | None, dict[str, None]] = {}
            for answer in answers:
                trouble = answer.trouble and replace(answer.trouble, evidence="")
                evidence = cited.setdefault(trouble, {})
                evidence.update(dict.fromkeys(answer.evidence))
                if answer.trouble and answer.trouble.evidence:
                    evidence[answer.trouble.evidence] = None
            rows += [
                Covered(snapshot.account, region, call.name, trouble, tuple(ids))
                for trouble, ids in cited.items()
            ]
    return rows


def _effective(call: Call, region: str, snapshot: Snapshot) -> list[Answer]:
    """Return the answers of a call in a region, or the answers of its fallback.

    A fallback replaces a call that failed or listed nothing. Its answers count where the
    collector sent it for every resource that its sources list.
    """
    answers = _answers(call, region, snapshot)
    failed = any(answer.trouble for answer in answers)
    for fallback in stand_ins(call):
        if failed or not [item for answer in answers for item in answer.items()]:
            replacements = _answers(fallback, region, snapshot)
            for source in fallback.sources:
                if source != call:
                    replacements += _effective(source, region, snapshot)
            if not failed:
                return [*answers, *replacements]
            if replacements and not any(answer.trouble for answer in replacements):
                return replacements
    return answers


def _answers(call: Call, region: str, snapshot: Snapshot) -> list[Answer]:
    """Return the answers of a call in a region; a call that fans out has an answer per resource."""
    where = None if call.scope is Scope.ACCOUNT else region
    if not call.each:
        return snapshot.answers(call, where)
    answers = []
    for each in call.each:
        for source in snapshot.answers(each.source):
            for request in source.requests:
                for wanted in each.wanted(request.response):
                    sent_to = wanted.pop("Region", None) or request.region
                    if where in (sent_to, None) and None not in wanted.values():
                        answers.append(snapshot.answer(call, where, **wanted))
    return answers
