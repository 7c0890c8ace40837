"""The sample accounts reach the verdicts that were written for them by hand, before the code."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import Any

import pytest

from kit import evaluate, sandbox, tabulate
from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED
from kit.collect.collector import collect
from kit.controls import CONTROLS, ROLL_UPS
from kit.judge import needed_calls
from kit.judge.findings import Finding, worst
from kit.sandbox import ON_REQUEST
from tests.accounts import EXPECTED, VERDICTS, run_of
from tests.parts import is_whole

# `make matrix` tries the account that is large: it is like the others, many times.
TRIED = [name for name in EXPECTED if is_whole() or name not in ON_REQUEST]


@pytest.fixture(scope="module")
def findings_of(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Findings of an account by control, collected once."""

    @cache
    def judge(name: str) -> dict[str, list[Finding]]:
        folder = tmp_path_factory.mktemp(name)
        run = run_of(name, folder)
        with sandbox.start([name]) as local, pytest.MonkeyPatch.context() as patch:
            for variable, value in local.environment(name).items():
                patch.setenv(variable, value)
            snapshot = collect(run, needed_calls([]), folder / "snapshot", progress=False)
        findings = evaluate(tabulate(snapshot))
        by_control: dict[str, list[Finding]] = defaultdict(list)
        for finding in (*findings.leaves, *findings.roll_ups):
            by_control[finding.control].append(finding)
        return by_control

    return judge


@pytest.mark.parametrize("name", EXPECTED)
def test_every_control_has_its_expectation(name: str) -> None:
    file = VERDICTS / f"{name}.yaml"
    line = file.read_text().splitlines().index("controls:") + 1
    place = f"{file.relative_to(VERDICTS.parents[2])}, line {line}"
    known = {*CONTROLS, *ROLL_UPS}
    expected = set(EXPECTED[name]["controls"])
    missing = [f"{place}: {control} has no expectation" for control in sorted(known - expected)]
    assert not missing, "\n".join(missing)
    assert expected == known


@pytest.mark.parametrize(
    ("name", "control"),
    [(name, control) for name in TRIED for control in EXPECTED[name]["controls"]],
)
def test_the_verdict_is_the_one_written_down(findings_of: Any, name: str, control: str) -> None:
    reported = EXPECTED[name]["controls"][control]
    own = findings_of(name)[control]
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in own:
        rows[finding.region][finding.status] += 1
    assert worst(finding.status for finding in own) == reported["worst"]
    for region, status in reported.get("per region", {}).items():
        assert worst(rows[region]) == status, region
    for region, counts in reported.get("rows", {}).items():
        assert rows[region] == counts, region
    if reported.get("reason") and control not in ROLL_UPS:
        reasons = {
            (finding.region, finding.reason)
            for finding in own
            if finding.status == NOT_EVIDENCED or reported["worst"] == NOT_APPLICABLE
        }
        wanted = reported["reason"]
        for region, reason in reasons:
            if isinstance(wanted, str) or region in wanted:  # else the table says nothing of it
                assert reason == (wanted if isinstance(wanted, str) else wanted[region]), region
