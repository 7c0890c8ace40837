"""The fault matrix: each declared call with one thing wrong, in the sample accounts.

What is wrong comes over HTTP from the sandbox to an unmodified boto3. Clients are kept from one
run to the next and nobody sleeps between attempts; all else is as in any run.
"""

from __future__ import annotations

import builtins
import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse

import kit.collect.collector as engine
from kit.calls import CALLS, GET_CALLER_IDENTITY, LIST_ORGANIZATIONS_FEATURES, Call
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.collect.policy import SessionPolicy, policy
from kit.collect.session import Clients
from kit.judge import evaluate, needed_calls
from kit.judge.findings import Finding, Findings
from kit.parameters import Run
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate
from tests.accounts import run_of
from tests.collect.policies import WHOLE
from tests.parts import part_of
from tests.standins import operation

ACCOUNTS = ("demo", "tidy", "careless", "regions", "odd")
FAULTS = ("deny", "throttle", "fail", "empty-page")
PARTS = 36  # of which `make test` runs one; each has one cell of each fault at least
_APART = (GET_CALLER_IDENTITY, LIST_ORGANIZATIONS_FEATURES)
# So that every other call is made.
_DECLARED = {"agent_log_groups": ["/agents"]}
_TOKENS = {"NextMarker", "NextContinuationToken", *engine._TOKENS}
Codes = dict[str, set[str]]  # by call, the codes with which AWS refused it


def pages(call: Call) -> bool:
    """Whether AWS's model lets the operation answer in pages."""
    shape = operation(call).output_shape
    return bool(shape) and not _TOKENS.isdisjoint(shape.members)


def cells() -> list[tuple[str, str]]:
    """Every call with everything that can go wrong with it.

    Two calls have tests of their own: without knowing who asks no run begins, and what an organisation
    manages is read of another account's snapshot alone (`tests/controls/test_organisation.py`).
    """
    return [
        (fault, name)
        for fault in FAULTS
        for name in sorted(CALLS)
        if CALLS[name] not in _APART and (fault != "empty-page" or pages(CALLS[name]))
    ]


def chosen() -> list[tuple[str, str]]:
    """The cells of the part that this run is about: some of each fault."""
    named = {" ".join(cell): cell for cell in cells()}
    tried = {
        one
        for fault in FAULTS
        for one in part_of((one for one, cell in named.items() if cell[0] == fault), PARTS)
    }
    return [cell for one, cell in named.items() if one in tried]


def do_not_wait(patch: pytest.MonkeyPatch) -> None:
    """Let nobody sleep between attempts."""
    hasty = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
    patch.setattr(botocore.endpoint, "time", hasty)
    patch.setattr(engine, "time", hasty)


class _Remembering(Clients):
    """Clients that send a request once, but for the calls with which something is wrong.

    In a run with a fault in one call, the account answers every other request as it did before.
    """

    def __init__(self, run: Run, policies: Sequence[SessionPolicy]):
        self._answers: dict[tuple[Any, ...], Any] = {}
        self.is_sent: Callable[[str], bool] = lambda operation: True
        super().__init__(run, policies)

    def _send(
        self, client: Any, service: str, region: str, request: Any, event_name: str, **more: Any
    ) -> Any:
        operation = event_name.rpartition(".")[2]
        if self.is_sent(operation):
            return super()._send(client, service, region, request, event_name, **more)
        key = (service, region, operation, request.url, request.body)
        if key not in self._answers:
            answer = super()._send(client, service, region, request, event_name, **more)
            self._answers[key] = answer
        kept = self._answers[key]
        # botocore's handlers change what a response was parsed to, so each has a parse of its own.
        again = AWSResponse(kept.url, kept.status_code, kept.headers, kept.raw)
        again._content = kept.content
        return again


@dataclass
class Bench:
    """A warm process: a sandbox, clients that are kept, and fault-free runs made once."""

    sandbox: Sandbox
    folder: Path
    _runs: int = 0
    _clients: dict[str, _Remembering] = field(default_factory=dict)
    _whole: dict[str, tuple[Snapshot, Findings]] = field(default_factory=dict)

    def whole(self, account: str) -> tuple[Snapshot, Findings]:
        """What is answered and found in an account where nothing goes wrong."""
        if account not in self._whole:
            self._whole[account] = self.run(account)
        return self._whole[account]

    def run(
        self,
        account: str,
        *faults: Fault,
        without: Iterable[Call] | None = None,
        **parameters: Any,
    ) -> tuple[Snapshot, Findings]:
        """Collect an account with things going wrong, and judge it.

        ``without``: the collector holds the derived policy but for what these calls need.
        ``parameters``: what the run is asked for otherwise.
        """
        self._runs += 1
        run = run_of(account, self.folder / account).model_copy(update=_DECLARED | parameters)
        to = self.folder / account / str(self._runs)
        self.sandbox._world.credential_reports.clear()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.sandbox.environment(account).items():
                patch.setenv(name, value)
            patch.setenv("AWS_MAX_ATTEMPTS", "2")
            do_not_wait(patch)
            patch.setattr(engine, "Clients", lambda run, _: self._client(account, run))
            client = self._client(account, run)
            # A narrower policy refuses what needs a permission that it lacks; a report is made anew.
            lacking = {call.action for call in without or ()}
            spoilt = {fault.operation for fault in faults}
            spoilt |= {call.operation for call in CALLS.values() if call.action in lacking}
            client.is_sent = lambda operation: (
                "*" in spoilt or operation in spoilt or "CredentialReport" in operation
            )
            for fault in faults:
                self.sandbox.faults.add(fault)
            if without is not None:
                held = [call for call in CALLS.values() if call.action not in lacking]
                self.sandbox.policies[account] = policy(held)
            try:
                snapshot = engine.collect(run, needed_calls([]), to, progress=False)
            finally:
                self.sandbox.faults.clear()
                self.sandbox.policies.clear()
        shutil.rmtree(to)
        codes = {request.error["code"] for request in snapshot.requests if request.error}
        assert not codes & vars(builtins).keys(), "the kit or botocore failed, not AWS"
        return snapshot, evaluate(tabulate(snapshot))

    def forget_clients(self) -> None:
        """Make new clients for the next run."""
        for clients in self._clients.values():
            clients.close()
        self._clients.clear()

    def _client(self, account: str, run: Run) -> _Remembering:
        if account not in self._clients:
            self._clients[account] = _Remembering(run, WHOLE)
        return self._clients[account]


def refused(snapshot: Snapshot, *but: Snapshot) -> Codes:
    """The calls that were refused, by which codes, but for requests that other runs refuse too."""
    known = {_requested(request) for other in but for request in other.requests if request.error}
    found: Codes = defaultdict(set)
    for request in snapshot.requests:
        if request.error and _requested(request) not in known:
            found[request.call].add(request.error["code"])
    return found


def _requested(request: Request) -> str:
    """What was asked, where, and with which code it was refused."""
    code = request.error and request.error["code"]
    return json.dumps([request.call, request.region, dict(request.parameters), code])


# Every control keeps its verdict or has none: which verdict is spoilt how.
_SPOILT = {
    PASS: "false pass",
    ATTESTED: "false pass",
    FAIL: "false fail",
    NOT_APPLICABLE: "silently not applicable",
}


@dataclass
class Compared:
    """Two runs of one account side by side.

    Attributes
    ----------
    rows : int
        Rows of the run without faults.
    changed, shown : int
        Rows that are gone, new, or have another verdict or reason; rows of which no more than
        what is shown in support is another.
    problems : list of (kind, what)
        What breaks the invariant.
    """

    rows: int = 0
    changed: int = 0
    shown: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


# What stands for rows of a list that was not read.
_LISTS = ("any ", "key of ", "everybody else: ")


def compare(before: Findings, after: Findings, named: Codes) -> Compared:
    """Hold the rows of a run with faults against those of the run without.

    A row is known by its control, its region and the label of its resource; rows that share all
    three are told apart by their verdicts. The invariant:

    1. A row that is in both has the same verdict, or is "not evidenced" now.
    2. A row is gone only where its control has, in its region, a "not evidenced" row for the
       list itself ("any fleet", or "everybody else" whom an unseen policy may name) that names the
       call which failed. What was never listed has no name and no number, so to invent a row for
       each would be a guess; the one that stands for all of them says which list was not read,
       and keeps the control from looking better than before. A row that said that there is nothing ("no fleet") may give way to any such
       row, of what may now be there.
    3. A row that is new is "not evidenced".
    4. Every row that is new, or whose verdict or reason differs, names a call that failed and
       the code with which AWS refused it.

    Parameters
    ----------
    before, after : Findings
    named : dict
        The calls that failed, and the codes that AWS gave.
    """
    reported = Compared()
    old, new = _rows(before), _rows(after)
    for key in sorted(old.keys() | new.keys()):
        _compare_rows(key, old[key], new[key], after, named, reported)
    for roll_up, other in zip(before.roll_ups, after.roll_ups, strict=True):
        reported.rows += 1
        if roll_up.status != other.status:
            reported.changed += 1
            if other.status != NOT_EVIDENCED:
                reported.problems.append((_SPOILT[other.status], f"{roll_up.control} is {other}"))
    return reported


Key = tuple[str, str, str]


def _rows(findings: Findings) -> dict[Key, list[Finding]]:
    rows: dict[Key, list[Finding]] = defaultdict(list)
    for one in findings.leaves:
        rows[one.control, one.region, one.resource].append(one)
    return rows


def _verdict(one: Finding) -> tuple[str, ...]:
    return one.status, one.reason, one.operation, one.code, one.permission


def _names(one: Finding, named: Codes) -> bool:
    return one.status == NOT_EVIDENCED and one.code in named.get(one.operation, ())


def _compare_rows(
    key: Key,
    old: list[Finding],
    new: list[Finding],
    after: Findings,
    named: Codes,
    reported: Compared,
) -> None:
    reported.rows += len(old)
    same = Counter(map(_verdict, old)) & Counter(map(_verdict, new))
    gone, come = _less(old, same), _less(new, same)
    reported.changed += max(len(gone), len(come))
    if not gone and not come:
        seen = Counter(one.observed for one in old) & Counter(one.observed for one in new)
        reported.shown += len(old) - seen.total()
    for one in come:
        if one.status != NOT_EVIDENCED:
            was = ", ".join(f.status for f in gone) or "not there"
            reported.problems.append((_SPOILT[one.status], f"{key} was {was}: {one}"))
        elif not _names(one, named):
            reported.problems.append(("unnamed", f"{key}: {one}"))
    if len(come) < len(gone):
        # A bucket whose region was not seen stands under "global", its list in each region.
        lists = [f for f in after.leaves if f.control == key[0]]
        lists = [f for f in lists if key[1] in (f.region, "global")]
        if any(one.status != NOT_APPLICABLE for one in gone):
            lists = [f for f in lists if f.resource.startswith(_LISTS)]
        if not any(_names(one, named) for one in lists):
            reported.problems.append(("missing", f"{key}: {gone}"))


def _less(rows: Iterable[Finding], same: Counter[tuple[str, ...]]) -> list[Finding]:
    left = Counter(same)
    kept = []
    for one in rows:
        if left[_verdict(one)]:
            left[_verdict(one)] -= 1
        else:
            kept.append(one)
    return kept


def summary(reported: Iterable[dict[str, Any]]) -> list[str]:
    """The matrix as a table: what was asked, compared and found, by fault."""
    kinds = ("false pass", "false fail", "silently not applicable", "missing", "unnamed")
    lines = []
    for fault in FAULTS:
        own = [one for one in reported if one["fault"] == fault]
        counts = {name: sum(one[name] for one in own) for name in ("rows", "changed", "shown")}
        problems = Counter(kind for one in own for kind in one["problems"])
        lines.append(
            f"{fault:<10}  {len({one['call'] for one in own})} calls, {len(own)} runs, "
            f"{counts['rows']} rows compared, {counts['changed']} not evidenced, "
            f"{counts['shown']} shown otherwise; "
            + ", ".join(f"{problems[kind]} {kind}" for kind in kinds)
        )
    single = sorted(name for name, call in CALLS.items() if not pages(call))
    lines.append(f"no page to be empty in {len(single)} calls: {', '.join(single)}")
    return lines
