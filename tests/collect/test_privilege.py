"""Least privilege, in a few samples: ``benchmarks/torture/privilege.py`` tries many more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kit.errors import NotEnteredError
from kit.sandbox.server import Sandbox
from tests.privilege import as_demo, beside, faults, refuses, role_run, tags

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


@pytest.mark.parametrize(
    ("characters", "form"), [(0, "derived"), (500, "audit"), (1_800, "refused")]
)
def test_no_length_of_tags_lets_a_session_go_without_a_policy(
    characters: int, form: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    run = role_run(
        TIDY,
        controls=[],
        outputs=str(tmp_path),
        session_tags=tags(random.Random(1), characters),
    )
    with as_demo(sandbox, tmp_path):
        if form == "refused":
            with pytest.raises(NotEnteredError, match="PackedPolicyTooLarge"):
                faults(run, tmp_path / "snapshot")
            return
        snapshot, found = faults(run, tmp_path / "snapshot")
    assert found == []
    assert snapshot.header["session"]["policy"] == form


def test_a_session_is_refused_what_the_kit_does_not_need(sandbox: Sandbox, tmp_path: Path) -> None:
    pairs = beside()
    assert len(pairs) > 300
    with as_demo(sandbox, tmp_path):
        for service, operation in random.Random(1).sample(pairs, 10):
            assert refuses(TIDY, service, operation), (service, operation)
