"""What is asked of an account is held against what was asked when its pack was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.batch.request import asked, asked_then, change, digest_of
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
    """What a snapshot of a run says."""
    run = Run(account=ACCOUNT, **fields)
    return {
        "parameters": run.model_dump(),
        "profile": load_profile(run.thresholds).model_dump(),
        "waivers": [waiver.model_dump() for waiver in load_waivers(run.waivers)],
        "pseudonym_key": key,
    }


@pytest.mark.parametrize(
    ("then", "now", "told"),
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
def test_the_first_difference_is_told(then: dict[str, Any], now: dict[str, Any], told: str) -> None:
    before, after = asked_then(header(**then)), asked(Run(account=ACCOUNT, **now), "k1")
    assert change(before, after).startswith(told)
    assert bool(change(before, after)) == bool(told) == (digest_of(before) != digest_of(after))


def test_a_file_that_was_changed_and_another_key_are_differences() -> None:
    before = asked_then(header(thresholds="bank.yaml"))
    Path("bank.yaml").write_text("name: Bank\nmax_key_age_days: 10\n")
    after = asked(Run(account=ACCOUNT, thresholds="bank.yaml"), "k1")
    assert change(before, after) == "thresholds.max_key_age_days was 45 and is 10"
    assert change(asked_then(header()), asked(Run(account=ACCOUNT), "k2")).startswith(
        "pseudonym_key"
    )
