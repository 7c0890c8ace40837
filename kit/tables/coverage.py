"""Whether a list of rows is complete: what its calls answered, or those that stand in for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import NamedTuple

from kit.calls import Call, Scope, stand_ins
from kit.snapshot import Answer, Snapshot, Trouble

ACCOUNT = "global"  # what stands in the region column of rows of the whole account
TROUBLE = [f.name for f in fields(Trouble)]


class Covered(NamedTuple):
    """Whether a call that lists rows was answered in full in a region, and what keeps it from that."""

    account: str
    region: str
    call: str
    complete: bool
    reason: str
    operation: str
    code: str
    permission: str
    hint: str
    evidence: tuple[str, ...]


def coverage(calls: Iterable[Call], scope: Scope, snapshot: Snapshot) -> list[Covered]:
    """Whether the calls that list rows were answered in full, for each region in scope.

    One entry for each region and call; where not complete, one for each different trouble. A list
    of the account needs the answers of every region.
    """
    rows = []
    for region in snapshot.regions if scope is Scope.REGION else (ACCOUNT,):
        for call in calls:
            everywhere = call.scope is Scope.REGION and scope is Scope.ACCOUNT
            wheres = snapshot.regions if everywhere else (region,)
            answers = [found for where in wheres for found in _effective(call, where, snapshot)]
            cited: dict[Trouble | None, dict[str, None]] = {}
            for answer in answers:
                trouble = answer.trouble and replace(answer.trouble, evidence="")
                known = cited.setdefault(trouble, {})
                known.update(dict.fromkeys(answer.evidence))
                if answer.trouble and answer.trouble.evidence:
                    known[answer.trouble.evidence] = None
            for trouble, ids in cited.items():
                why = trouble or Trouble("")
                rows.append(
                    Covered(
                        snapshot.account,
                        region,
                        call.name,
                        not trouble,
                        why.reason,
                        why.operation,
                        why.code,
                        why.permission,
                        why.hint,
                        tuple(ids),
                    )
                )
    return rows


def _effective(call: Call, region: str, snapshot: Snapshot) -> list[Answer]:
    """The answers of a call in a region, or those that stand in for it.

    Another call stands in where this one failed or listed nothing; its word counts if it was
    asked about everything that its sources list.
    """
    answers = _answers(call, region, snapshot)
    failed = any(answer.trouble for answer in answers)
    for other in stand_ins(call):
        if failed or not any(_lists(a) for a in answers):
            instead = _answers(other, region, snapshot)
            for source in other.sources:
                if source != call:
                    instead += _effective(source, region, snapshot)
            if not failed:
                return [*answers, *instead]
            if instead and not any(answer.trouble for answer in instead):
                return instead
    return answers


def _answers(call: Call, region: str, snapshot: Snapshot) -> list[Answer]:
    """The answers of a call in a region: of one that fans out, one for each thing to ask about."""
    where = None if call.scope is Scope.ACCOUNT else region
    if not call.each:
        return snapshot.answers(call, where)
    found = []
    for each in call.each:
        for source in snapshot.answers(each.source):
            for request in source.requests:
                for wanted in each.wanted(request.response):
                    asked_in = wanted.pop("Region", None) or request.region
                    if where in (asked_in, None) and None not in wanted.values():
                        found.append(snapshot.answer(call, where, **wanted))
    return found


def _lists(answer: Answer) -> bool:
    return next(answer.items(), None) is not None
