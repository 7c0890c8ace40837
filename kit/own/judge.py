"""The process in which own controls judge: ``python -m kit.own.judge``, offline, apart from the kit.

It returns data alone: what they declare, and records of findings. Another process, which loads no
own module, checks these and writes every file of a pack (`kit.own.write`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.calls import with_sources
from kit.catalogue import texts
from kit.controls import CONTROLS, ROLL_UPS, describe
from kit.judge import evaluate
from kit.own.declared import declaration
from kit.own.load import load_all
from kit.own.process import answer
from kit.report.records import record_of
from kit.snapshot import read
from kit.tables import tabulate


def main(request: Any) -> Any:
    """Do what another process requests, and return the result."""
    if "snapshot" in request:
        texts.choose(read(request["snapshot"]).run.language)
    return _VERBS[request["verb"]](request, load_all(request["sets"]))


def _calls(_: Any, sets: list[list[str]]) -> list[str]:
    ids = [id for own in sets for id in own]
    return sorted(call.name for call in with_sources(c for id in ids for c in CONTROLS[id].calls))


def _describe(_: Any, sets: list[list[str]]) -> list[dict[str, Any]]:
    return [entry for ids in sets for entry in describe(ids)]


def _judge(request: Any, sets: list[list[str]]) -> dict[str, Any]:
    ids = [id for own in sets for id in own]
    ROLL_UPS.clear()
    findings = evaluate(tabulate(read(request["snapshot"])), ids)
    return {
        "declared": [[declaration(CONTROLS[id]) for id in own] for own in sets],
        "records": [record_of(finding) for finding in findings.leaves],
    }


_VERBS: dict[str, Callable[..., Any]] = {"calls": _calls, "describe": _describe, "judge": _judge}

if __name__ == "__main__":
    answer(main)
