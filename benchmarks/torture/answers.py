"""Answers that are refused, cut short, emptied or replaced, in whole runs of sample accounts."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.torture import Measure
from kit import sandbox as local
from kit.calls import CALLS
from kit.errors import UserError
from kit.sandbox import Fault
from tests.matrix import ACCOUNTS, FAULTS, Bench, cells, compare, refused
from tests.test_matrix import spoil

_PORTAL = "<html><body>Please log in: <a href='http://portal.example/'>here</a></body></html>"
#: What is put in place of answers: the members of a `Fault`.
_NO_ANSWERS: dict[str, dict[str, Any]] = {
    "an empty body": {"kind": "answer", "body": ""},
    "cut in the middle": {"kind": "cut"},
    "the connection closed": {"kind": "drop"},
    "a portal's page with 200": {"kind": "answer", "body": _PORTAL, "content_type": "text/html"},
    "a redirection to a portal": {"kind": "answer", "status": 302, "body": _PORTAL},
    "404 without a body": {"kind": "answer", "status": 404, "body": ""},
    "null": {"kind": "answer", "body": "null"},
    "an empty object": {"kind": "answer", "body": "{}"},
    "an empty list": {"kind": "answer", "body": "[]"},
    "JSON nested 10,000 deep": {"kind": "answer", "body": "[" * 10_000 + "]" * 10_000},
    "values of wrong types": {"kind": "wrong-types"},
    "credentials that ended": {"kind": "expired"},
}


def measure(quick: bool, seed: int) -> list[Measure]:
    """Spoil a share of the answers, all answers after the n-th, and single calls."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, local.start(ACCOUNTS) as sandbox:
        bench = Bench(sandbox, Path(folder))
        return [
            *(_row(bench, chance, name, fault, quick) for name, fault in _NO_ANSWERS.items()),
            *(_calls(bench, chance, fault, quick) for fault in FAULTS),
        ]


def _row(
    bench: Bench, chance: random.Random, name: str, members: dict[str, Any], quick: bool
) -> Measure:
    """Replace a tenth, a half, and everything after a random request."""
    trials = held = compared = changed = 0
    for account, shares in (("demo", (0.1, 0.5)), ("careless", (0.25,))):
        if quick and account != "demo":
            break
        whole, before = bench.whole(account)
        spoilt: list[dict[str, Any]] = [
            {"after": chance.randrange(5, len(whole.requests))},
            *({"share": share} for share in shares),
        ]
        for how in spoilt[:1] if quick else spoilt:
            trials += 1
            fault = Fault("*", "*", **{"after": 3, **members, **how})
            # Clients that are kept would remember that their credentials ended.
            bench.forget_clients()
            try:
                snapshot, after = bench.run(account, fault)
            except UserError as error:
                # One line, and no snapshot: nothing is claimed.
                held += "\n" not in str(error)
                continue
            named = refused(snapshot, whole)
            for finding in after.leaves:
                if finding.reason == "unreadable answer":  # of a text in it; the call did not fail
                    named[finding.operation].add(finding.code)
            result = compare(before, after, named)
            compared += result.rows
            changed += result.changed
            held += not result.problems
    return Measure(
        "answers", name, trials, held, f"{compared:,} verdicts, {changed:,} not evidenced"
    )


def _calls(bench: Bench, chance: random.Random, fault: str, quick: bool) -> Measure:
    """Spoil single calls; ``make matrix`` spoils each in every account."""
    bench.forget_clients()
    calls = sorted(name for kind, name in cells() if kind == fault)
    chosen = chance.sample(calls, 2 if quick else 8)
    problems: Counter[str] = Counter()
    trials = compared = held = 0
    for name in chosen:
        call = CALLS[name]
        for account in ACCOUNTS[:1] if quick else ACCOUNTS[::2]:
            whole, before = bench.whole(account)
            asked = any(request.call == name for request in whole.requests)
            if not asked and not call.fallback_of:
                continue
            snapshot, after = spoil(bench, account, fault, call, alone=asked)
            result = compare(before, after, refused(snapshot, whole))
            trials += 1
            compared += result.rows
            held += not result.problems
            problems.update(kind for kind, _ in result.problems)
    detail = ", ".join(f"{count} {kind}" for kind, count in problems.items())
    return Measure(
        "answers",
        f"one call: {fault}",
        trials,
        held,
        f"{len(chosen)} calls, {compared:,} verdicts" + (f"; {detail}" if detail else ""),
    )
