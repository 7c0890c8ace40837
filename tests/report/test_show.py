"""What the sections of the notebook show of findings, tables and snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.controls import CONTROLS, evaluate
from kit.controls.source import STATEMENTS
from kit.findings import Findings, worst
from kit.report import show
from kit.report.views import Table
from kit.tables import Tables, tabulate
from tests.controls.samples import SAMPLES


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return tabulate(SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot())


@pytest.fixture(scope="module")
def findings(tables: Tables) -> Findings:
    return evaluate(tables)


def column(table: Table, name: str) -> list[Any]:
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def test_every_statement_of_the_page_stands_with_its_controls_and_their_worst_verdict(
    findings: Findings,
) -> None:
    table = show.source_coverage(findings)
    assert column(table, "controls") == [list(one.controls) for one in STATEMENTS]
    for says, one in zip(column(table, "says"), STATEMENTS, strict=True):
        assert one.says in says
        assert one.note in says
    every = (*findings.leaves, *findings.roll_ups)
    for names, status in zip(column(table, "controls"), column(table, "status"), strict=True):
        assert status == worst(one.status for one in every if one.control in names)


def test_a_statement_whose_controls_were_not_selected_has_no_verdict(tmp_path: Path) -> None:
    account = SAMPLES["tidy"](tmp_path)
    account.run = account.run.model_copy(update={"controls": ["AR-05"]})
    table = show.source_coverage(evaluate(tabulate(account.snapshot())))
    told = dict(zip(map(tuple, column(table, "controls")), column(table, "status"), strict=True))
    assert {names: status for names, status in told.items() if status} == {("AR-05",): "pass"}


def test_the_rows_on_transit_are_those_of_the_page(findings: Findings) -> None:
    table = show.transit(findings)
    assert column(table, "control") == [f"IT-0{n}" for n in range(1, 6)]
    assert column(table, "what") == [one.what for one in STATEMENTS if one.what]
    assert "leaves the cell blank" in column(table, "says")[4]


def test_every_threshold_stands_with_its_value_and_its_controls(tables: Tables) -> None:
    table = show.thresholds(tables.snapshot)
    profile = tables.snapshot.profile
    assert column(table, "name") == [name for name in type(profile).model_fields if name != "name"]
    assert (
        dict(zip(column(table, "name"), column(table, "value"), strict=True))["fips_required"]
        == "no"
    )
    assert [names for names in column(table, "controls") if not names] == []


def test_a_verdict_stands_beside_the_thresholds_that_it_was_given_with(findings: Findings) -> None:
    told = {one.control: one.expected for one in findings.leaves}
    assert told["AR-03"].endswith(
        "[max_session_seconds = 36000, max_disconnect_seconds = 300, max_idle_seconds = 600]"
    )
    assert told["ID-12"].endswith("[max_key_age_days = 90]")
    for name, control in CONTROLS.items():
        for limit in set(control.thresholds) - {"as_of"}:
            assert f"{limit} = " in told[name]
