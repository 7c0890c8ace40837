"""One bad record does not hide its neighbours: whatever an answer holds, all others are judged.

The same few dozen changes are tried each time.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from kit.catalogue.statuses import FAIL, NOT_APPLICABLE, NOT_EVIDENCED
from kit.controls import CONTROLS
from kit.controls.registry import ACCOUNT
from kit.errors import UserError
from kit.judge.findings import Finding
from tests.answers.changes import Reach, applied, examples, reported, several, single
from tests.answers.conftest import REGIONS, Judged, judge
from tests.answers.playback import Account

Recorded = Callable[[str], Account]
names = pytest.mark.parametrize("name", sorted(REGIONS))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@names
@given(data=st.data())
@examples(5)
def test_every_control_has_its_rows_whatever_is_answered(
    name: str, recorded: Recorded, data: st.DataObject
) -> None:
    account = recorded(name)
    changes = data.draw(several(account))
    note("\n".join(change.reported for change in changes))
    with folder() as place:
        _, found = judge(applied(account, *changes), place)
    _each_has_its_rows(found, REGIONS[name])


@names
@given(data=st.data())
@examples(10)
def test_a_changed_record_changes_what_rests_on_it_and_nothing_else(
    name: str, recorded: Recorded, unchanged: Callable[[str], Judged], data: st.DataObject
) -> None:
    account = recorded(name)
    change = data.draw(single(account))
    note(change.reported)
    before, known = unchanged(name)
    with folder() as place:
        after, found = judge(applied(account, change), place)
    _each_has_its_rows(found, REGIONS[name])
    reach = Reach(change, before, after)
    now, then = Counter(map(reported, found)), Counter(map(reported, known))
    untouched = Counter(reported(one) for one in known if not reach.before(one))
    assert not untouched - now
    assert not Counter(reported(one) for one in found if not reach.after(one)) - then
    # A neighbour that takes part in the same list may become unseen; what fails of it is not lost.
    open_now = Counter(map(_which, (one for one in found if one.status in (FAIL, NOT_EVIDENCED))))
    fails = Counter(
        _which(one) for one in known if one.status == FAIL and not reach.is_its_own(one)
    )
    assert not fails - open_now


def _each_has_its_rows(found: Iterable[Finding], regions: Iterable[str]) -> None:
    """Every control has findings wherever it applies, each with evidence and a gap with a reason."""
    there: dict[str, set[str]] = {control: set() for control in CONTROLS}
    for one in found:
        there[one.control].add(one.region)
        assert one.evidence, one
        assert one.reason or one.status not in (NOT_EVIDENCED, NOT_APPLICABLE), one
    for control, seen in there.items():
        wanted = {"global"} if CONTROLS[control].scope is ACCOUNT else set(regions)
        assert seen == wanted, control


def _which(finding: Finding) -> tuple[str, str, str]:
    return finding.control, finding.region, finding.resource


@pytest.mark.parametrize("answer", [{}, {"Account": "", "Arn": "x"}])
def test_an_answer_that_does_not_state_the_caller_ends_the_run(
    recorded: Recorded, answer: dict[str, str], tmp_path: Path
) -> None:
    account = recorded("demo")
    who = next(one for one in account.answers.values() if one.call.name == "sts.GetCallerIdentity")
    with pytest.raises(UserError, match="an account that AWS does not name"):
        account.but(type(who)(who.call, who.region, who.requested, answer)).collect(tmp_path)
    assert not list(tmp_path.iterdir())
