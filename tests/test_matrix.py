"""Whatever goes wrong with a call, no verdict is false and no row is lost.

One part of the matrix in each run of the tests, which the kit's source chooses; all of it with
``make matrix``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.calls import CALLS, DESCRIBE_REGIONS, LIST_REGIONS, Call, Need
from kit.catalogue.statuses import NOT_EVIDENCED
from kit.controls import CONTROLS
from kit.controls.registry import ACCOUNT
from kit.errors import UserError
from kit.judge import evaluate
from kit.judge.findings import Findings
from kit.sandbox import Fault
from kit.snapshot import Snapshot
from kit.tables import tabulate
from tests.controls.samples import SAMPLES
from tests.matrix import ACCOUNTS, FAULTS, PARTS, Bench, Compared, cells, chosen, compare, refused
from tests.standins import denied

NOT_ASKED_FOR = {"IT-07"}  # by the default profile
STAND_INS = {call.fallback_of: call for call in CALLS.values() if call.fallback_of}


@pytest.mark.parametrize(("fault", "name"), chosen())
def test_a_call_that_goes_wrong(bench: Bench, fault: str, name: str, record_property: Any) -> None:
    print(again(fault, name))
    call = CALLS[name]
    reported: list[tuple[Compared, Findings]] = []
    for account in ACCOUNTS:
        whole, before = bench.whole(account)
        requested = any(request.call == name for request in whole.requests)
        if not requested and not call.fallback_of:
            continue
        # What stands in for another call is asked where that one fails.
        snapshot, after = spoil(bench, account, fault, call, alone=requested)
        compared = compare(before, after, refused(snapshot, whole))
        reported.append((compared, after))
        record_property("matrix", record(fault, name, compared))
        if fault == "empty-page" and not call.bounded:
            assert empty_pages(snapshot, call)
            assert after.digest == before.digest
        assert not compared.problems, f"{account}: {compared.problems[0]}"
    assert reported, "no sample account asks for it"
    if fault != "empty-page":
        is_needed(call, [one for one, _ in reported])
    if fault == "deny":
        is_named(call, [after for _, after in reported])


def spoil(
    bench: Bench, account: str, fault: str, call: Call, *, alone: bool
) -> tuple[Snapshot, Findings]:
    """Run an account with something wrong with a call, and with the one that it stands in for."""
    instead = [] if alone or not call.fallback_of else [call.fallback_of]
    if fault == "deny":  # as the derived policy without the permission does
        return bench.run(account, without=[call, *instead])
    faults = [Fault(other.service, other.operation, "deny") for other in instead]
    return bench.run(account, *faults, Fault(call.service, call.operation, fault))  # type: ignore[arg-type]


def record(fault: str, name: str, compared: Compared) -> dict[str, Any]:
    return {
        "fault": fault,
        "call": name,
        "rows": compared.rows,
        "changed": compared.changed,
        "shown": compared.shown,
        "problems": [kind for kind, _ in compared.problems],
    }


def again(fault: str, name: str) -> str:
    """The command that repeats a cell, whichever part it is in."""
    test = f"{Path(__file__).name}::test_a_call_that_goes_wrong[{fault}-{name}]"
    return f"MATRIX=all python -m pytest 'tests/{test}'"


def empty_pages(snapshot: Snapshot, call: Call) -> bool:
    """Whether every list began with an empty page and went on."""
    own = [request for request in snapshot.requests if request.call == call.name]
    first = [request for request in own if request.page == 0]
    return len(own) >= 2 * len(first) > 0 and not any(r.response[call.items] for r in first)


def is_needed(call: Call, reported: list[Compared]) -> None:
    """Without a call something is not known, unless another stands in for it."""
    changed, shown = (sum(getattr(one, n) for one in reported) for n in ("changed", "shown"))
    if call in STAND_INS:
        assert not changed
    elif call.need is Need.INFORMATIVE:
        assert shown
        assert not changed
    else:
        assert changed


def is_named(call: Call, reported: list[Findings]) -> None:
    """A required permission that is missing is named; of a pair, one of the two.

    Where no list of regions was read, each region tells for itself that it is off.
    """
    if call in (*STAND_INS, DESCRIBE_REGIONS) or call.need is Need.INFORMATIVE:
        return
    pair = {call.action, call.fallback_of.action if call.fallback_of else call.action}
    missing = [one for found in reported for one in found.leaves if one.status == NOT_EVIDENCED]
    assert pair & {one.permission for one in missing}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "empty-page"])
def test_without_knowing_the_caller_no_run_begins(bench: Bench, fault: Any) -> None:
    with pytest.raises(UserError, match=r"AWS credentials: .* refused|AWS could not be reached"):
        bench.run("demo", Fault("sts", "GetCallerIdentity", fault))
    assert not list((bench.folder / "demo").glob("[0-9]*"))


def test_where_regions_cannot_be_listed_all_are_looked_at(bench: Bench) -> None:
    """No region was named, and neither call tells which are enabled."""
    whole, before = bench.run("regions", regions=[])
    snapshot, after = bench.run("regions", without=[LIST_REGIONS, DESCRIBE_REGIONS], regions=[])
    known, more = set(whole.regions), set(snapshot.regions) - set(whole.regions)
    assert more
    within = Findings(one for one in after.leaves if one.region not in more)
    assert not compare(Findings(before.leaves), within, refused(snapshot, whole)).problems
    for control in CONTROLS.values():
        own = [one for one in after.leaves if one.control == control.id]
        wanted = {"global"} if control.scope is ACCOUNT else known | more
        assert {one.region for one in own} == wanted
        for one in own:
            off = (NOT_EVIDENCED, "region off")
            requested_for = control.id not in NOT_ASKED_FOR
            assert one.region not in more or (one.status, one.reason) == off or not requested_for


# Accounts that record and search by other means than the sample accounts do.
@pytest.mark.parametrize("name", [name for fault, name in chosen() if fault == "deny"])
@pytest.mark.parametrize("sample", ["lake", "member", "federal"])
def test_a_denied_call_in_an_account_of_stand_ins(tmp_path: Path, sample: str, name: str) -> None:
    whole = SAMPLES[sample](tmp_path).snapshot()
    snapshot = denied(whole, CALLS[name])
    before, after = (evaluate(tabulate(one)) for one in (whole, snapshot))
    assert not compare(before, after, refused(snapshot, whole)).problems


def test_the_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[tuple[str, str]] = []
    for part in range(PARTS):
        monkeypatch.setenv("MATRIX", str(part))
        parts += chosen()
        assert len(chosen()) < 2 * len(cells()) / PARTS
        assert {fault for fault, _ in chosen()} == {*FAULTS}
    assert sorted(parts) == sorted(cells())
    monkeypatch.setenv("MATRIX", "all")
    assert chosen() == cells()
    monkeypatch.delenv("MATRIX")
    assert chosen() == chosen() != []
