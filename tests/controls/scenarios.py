"""The little language in which the controls' specifications are written.

A scenario says what an account is like and which verdicts a control then gives, in order: the
rows it is about, then what kept the list of rows from being complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kit.calls import Call
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.controls import CONTROLS
from kit.judge import evaluate
from kit.judge.findings import Finding
from kit.tables import tabulate
from tests.standins import Account, denial

Given = Callable[[Account], Any]


@dataclass(frozen=True)
class Verdict:
    """What a finding says; the reason of an attested one has only to begin so."""

    status: str
    reason: str = ""
    operation: str = ""
    code: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdict):
            return NotImplemented
        reasons = self.reason, other.reason
        near = all(max(reasons).startswith(reason) for reason in reasons)
        same = near if self.status == ATTESTED else reasons[0] == reasons[1]
        rest = (self.status, self.operation, self.code)
        return same and rest == (other.status, other.operation, other.code)

    __hash__ = None  # type: ignore[assignment]


passes, fails = Verdict(PASS), Verdict(FAIL)
to_be_reviewed = Verdict(NOT_EVIDENCED, "needs review")


def attested(source: str) -> Verdict:
    """AWS answers for it; the source is named."""
    return Verdict(ATTESTED, source)


def not_applicable(reason: str) -> Verdict:
    """There is nothing of the kind, and that was seen."""
    return Verdict(NOT_APPLICABLE, reason)


def not_evidenced(reason: str, call: Call | None = None, code: str = "") -> Verdict:
    """It could not be seen, or does not decide."""
    return Verdict(NOT_EVIDENCED, reason, call.name if call else "", code)


def denied(call: Call) -> Verdict:
    """It could not be seen for want of a permission."""
    return not_evidenced("denied", call, denial(call))


def nothing(account: Account) -> None:
    """An account with nothing in it."""


def scenarios(*cases: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Parametrise a test by (words, given, verdict, verdict ...)."""
    return pytest.mark.parametrize(
        ("given", "expected"),
        [pytest.param(given, list(verdicts), id=words) for words, given, *verdicts in cases],
    )


def findings(account: Account, *controls: str) -> list[Finding]:
    """What some controls, and no others, find in an account."""
    account.run = account.run.model_copy(update={"controls": list(controls)})
    tables = tabulate(account.answered(), {CONTROLS[control].table for control in controls})
    return list(evaluate(tables).leaves)


def verdicts(account: Account, control: str) -> list[Verdict]:
    """The verdicts that a control gives in an account."""
    return [
        Verdict(one.status, one.reason, one.operation, one.code)
        for one in findings(account, control)
    ]
