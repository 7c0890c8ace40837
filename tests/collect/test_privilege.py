"""Least privilege, in a few samples: ``benchmarks/torture/privilege.py`` tries many more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kit.sandbox.server import Sandbox
from tests.privilege import as_demo, beside, faults, refuses, role_run, session_of

TIDY = "111122223333"


@pytest.mark.parametrize("controls", [["AR-05"], ["ID-05", "LG-03"], ["GV-02", "AR-16"]])
def test_a_few_controls_need_no_more_than_their_own_policy(
    controls: list[str], sandbox: Sandbox, tmp_path: Path
) -> None:
    run = role_run(TIDY, controls=controls, outputs=str(tmp_path))
    with as_demo(sandbox, tmp_path) as log:
        _, found = faults(run, tmp_path / "snapshot")
    assert found == []
    assert log.outside() == []


def test_all_controls_need_no_more_than_the_derived_policy(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = role_run(TIDY, controls=[], outputs=str(tmp_path))
    with as_demo(sandbox, tmp_path):
        snapshot, found = faults(run, tmp_path / "snapshot")
    assert found == []
    assert snapshot.header["session"]["policy"] == "derived"


def test_a_session_is_refused_what_the_kit_does_not_need(sandbox: Sandbox, tmp_path: Path) -> None:
    pairs = beside()
    assert len(pairs) > 300
    with as_demo(sandbox, tmp_path):
        session = session_of(TIDY)
        for service, operation in random.Random(1).sample(pairs, 10):
            assert refuses(session, service, operation), (service, operation)
