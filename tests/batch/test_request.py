"""The request for an account is compared with the request behind its pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.batch.request import digest_of, first_difference, request_of, request_of_snapshot
from kit.parameters import Run, load_profile, load_waivers

ACCOUNT = "012345678901"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, days in (("bank", 45), ("bank2", 60)):
        Path(f"{name}.yaml").write_text(f"name: Bank\nmax_key_age_days: {days}\n")
    Path("waivers.yaml").write_text(
        "- {control: GV-01, owner: CISO, reason: accepted for now, expires: 2030-01-01}"
    )


def header(key: str = "k1", **fields: Any) -> dict[str, Any]:
    """The header of a run's snapshot."""
    run = Run(account=ACCOUNT, **fields)
    return {
        "parameters": run.model_dump(),
        "profile": load_profile(run.thresholds).model_dump(),
        "waivers": [waiver.model_dump() for waiver in load_waivers(run.waivers)],
        "pseudonym_key": key,
    }


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({}, {}, ""),
        ({}, {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/Other"}, ""),
        ({"thresholds": "bank.yaml"}, {"thresholds": "bank.yaml"}, ""),
        ({"regions": ["eu-west-1"]}, {}, 'regions was ["eu-west-1"] and is []'),
        (
            {},
            {"declared_reasons": {"EX-01": "why"}},
            'declared_reasons.EX-01 was null and is "why"',
        ),
        (
            {"thresholds": "bank.yaml"},
            {"thresholds": "bank2.yaml"},
            "thresholds.max_key_age_days was 45 and is 60",
        ),
        ({}, {"waivers": "waivers.yaml"}, 'waivers was [] and is [{"control": "GV-01"'),
    ],
)
def test_the_first_difference_is_reported(
    then: dict[str, Any], now: dict[str, Any], expected: str
) -> None:
    before, after = (
        request_of_snapshot(header(**then)),
        request_of(Run(account=ACCOUNT, **now), "k1"),
    )
    assert first_difference(before, after).startswith(expected)
    assert (
        bool(first_difference(before, after))
        == bool(expected)
        == (digest_of(before) != digest_of(after))
    )


def test_a_file_that_was_changed_and_another_key_are_differences() -> None:
    before = request_of_snapshot(header(thresholds="bank.yaml"))
    Path("bank.yaml").write_text("name: Bank\nmax_key_age_days: 10\n")
    after = request_of(Run(account=ACCOUNT, thresholds="bank.yaml"), "k1")
    assert first_difference(before, after) == "thresholds.max_key_age_days was 45 and is 10"
    assert first_difference(
        request_of_snapshot(header()), request_of(Run(account=ACCOUNT), "k2")
    ).startswith("pseudonym_key")
