"""Without any one optional member nothing looks better, unless AWS documents what absence means.

Every optional member that a sample account answers with is left out once. `make test` does so for
some of them, the same each time; `make fuzz` for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.findings import FAIL, NOT_EVIDENCED, Finding
from tests.answers.changes import MANY, Change, applied, places, shortened, successes
from tests.answers.conftest import REGIONS, Judged, judge
from tests.answers.playback import Account

SHARES, EVERY = (8, 8) if MANY else (1, 60)
# Paths of members, and what it means that a successful answer leaves them out.
DECLARED: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "absence.yaml").read_text()
)
ALIKE = 3  # members of the same kind of which each is left out


def cases(account: Account) -> Iterator[tuple[str, Change]]:
    """Each optional member of each kind of answer, by its path, a few times where there are more."""
    seen: Counter[str] = Counter()
    for answer in successes(account):
        for place in places(answer):
            path = ".".join("[]" if isinstance(part, int) else part for part in place.path)
            path = path.replace(".[]", "[]")
            seen[f"{answer.call.name} {path}"] += 1
            if place.optional and seen[f"{answer.call.name} {path}"] <= ALIKE:
                yield path, shortened(answer, place)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", sorted(REGIONS))
def test_an_absent_member_is_no_fact_unless_it_is_declared_as_one(
    name: str,
    share: int,
    recorded: Callable[[str], Account],
    unchanged: Callable[[str], Judged],
    tmp_path: Path,
) -> None:
    account = recorded(name)
    _, before = unchanged(name)
    undeclared: dict[str, set[str]] = {}
    chosen = list(cases(account))[share::EVERY]
    for n, (path, change) in enumerate(chosen):
        _, after = judge(applied(account, change), tmp_path / str(n))
        call = change.answer.call.name
        declared = DECLARED.get(call, {}).get(path, {}).get("controls", [])
        found = {*_better(before, after), *_worse(before, after)}
        if not found <= set(declared):
            undeclared.setdefault(f"{call} {path}", set()).update(found)
    assert chosen
    assert undeclared == {}


def _better(before: Iterable[Finding], after: Iterable[Finding]) -> Iterator[str]:
    """Controls of which less is open than before."""
    fewer = _count(before, FAIL, NOT_EVIDENCED) - _count(after, FAIL, NOT_EVIDENCED)
    yield from (control for control, _ in fewer)


def _worse(before: Iterable[Finding], after: Iterable[Finding]) -> Iterator[str]:
    """Controls of which more fails than before: that something was not seen is no fail."""
    yield from (control for control, _ in _count(after, FAIL) - _count(before, FAIL))


def _count(findings: Iterable[Finding], *statuses: str) -> Counter[tuple[str, str]]:
    return Counter((one.control, one.region) for one in findings if one.status in statuses)
