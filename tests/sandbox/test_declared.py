"""Sample accounts as data: what a file may say, and how it is told what it may not."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from importlib.resources import files
from typing import Any

import pytest
import yaml

from kit import sandbox as local
from kit.sandbox import declared
from kit.sandbox.declared import instant, load, relative

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that loads an account from a mapping instead of a file."""
    real = declared._read

    def load_written(**account: Any) -> declared.Account:
        made = {"id": "000000000001", "about": "For a test."} | account
        monkeypatch.setattr(
            declared, "_read", lambda path: real(path) if path == "defaults.yaml" else made
        )
        return load("written", NOW)

    return load_written


def fleets(**fleet: Any) -> dict[str, Any]:
    return {"eu-west-1": {"appstream": {"Fleets": [{"Name": "a"} | fleet]}}}


def test_times_are_relative_to_the_start(written: Any) -> None:
    account = written(regions=fleets(CreatedTime="-3d"))
    (fleet,) = account.declared("appstream", "Fleets", "eu-west-1")
    assert fleet["CreatedTime"] == NOW.replace(hour=0, minute=0) - dt.timedelta(days=3)
    assert relative("+2h") == dt.timedelta(hours=2)
    assert relative("90m") == dt.timedelta(minutes=90)
    with pytest.raises(ValueError, match="is not a time"):
        relative("yesterday")


def test_copies_count_and_lie_apart(written: Any) -> None:
    event = {"EventTime": "-1h", "Copies": 3, "Every": "2h"}
    account = written(
        regions={
            "eu-west-1": {
                "appstream": {"Fleets": [{"Name": "fleet-${n}", "Copies": 2}]},
                "cloudtrail": {"Events": [event]},
            }
        }
    )
    names = [f["Name"] for f in account.declared("appstream", "Fleets", "eu-west-1")]
    assert names == ["fleet-1", "fleet-2"]
    events = account.declared("cloudtrail", "Events", "eu-west-1")
    assert [(NOW - e["EventTime"]) for e in events] == [dt.timedelta(hours=h) for h in (1, 3, 5)]
    assert len({e["EventId"] for e in events}) == 3
    assert '"eventTime": "2026-11-24T11:00:00Z"' in events[0]["CloudTrailEvent"]


def test_null_removes_a_default(written: Any) -> None:
    account = written(regions=fleets(FleetType=None, VpcConfig=None))
    (fleet,) = account.declared("appstream", "Fleets", "eu-west-1")
    assert not {"FleetType", "VpcConfig"} & set(fleet)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"IdleTimeout": 3}, "IdleTimeout"),
        ({"State": "SLEEPING"}, "SLEEPING"),
        ({"MaxUserDurationInSeconds": "long"}, "MaxUserDurationInSeconds"),
        ({"InstanceType": None}, "InstanceType"),
        ({"CreatedTime": "yesterday"}, "is not a time"),
        ({"Like": "rubber"}, "no variant 'rubber'"),
    ],
)
def test_what_awss_models_do_not_allow_is_refused(
    written: Any, wrong: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        written(regions=fleets(**wrong))


def test_services_and_kinds_that_do_not_exist_are_refused(written: Any) -> None:
    with pytest.raises(ValueError, match=r"eu-west-1 appstream\.Fleet is not a kind"):
        written(regions={"eu-west-1": {"appstream": {"Fleet": []}}})
    with pytest.raises(ValueError, match="bucket"):
        written(s3={"bucket": []})


def test_ids_are_twelve_digits_and_differ() -> None:
    ids = {name: load(name, NOW).id for name in local.sample_accounts()}
    assert all(re.fullmatch(r"\d{12}", number) for number in ids.values())
    assert len(set(ids.values())) == len(ids)
    assert any(number.startswith("0") for number in ids.values())


def test_every_start_makes_the_same_account() -> None:
    first, second = load("demo", NOW), load("demo", NOW)
    assert first == second


def test_starts_on_the_same_day_serve_the_same_days() -> None:
    later = NOW.replace(hour=23, minute=59)
    assert instant(later, "-90d") == instant(NOW, "-90d")
    assert instant(later, "+36000d") == instant(NOW, "+36000d")
    assert instant(later, "-20h") == later - dt.timedelta(hours=20)


def test_the_big_account_has_what_it_says_and_is_started_only_by_name() -> None:
    big = load("big", NOW)
    buckets = big.declared("s3", "Buckets", "")
    assert len([b for b in buckets if b["Name"].startswith("appstream")]) == 200
    assert len(big.declared("iam", "UserDetailList", "")) == 200
    assert len(big.declared("appstream", "Fleets", "eu-west-1")) == 50
    with local.start() as sandbox:
        assert set(sandbox.accounts) == set(local.sample_accounts()) - {"big"}


def test_unknown_sample_accounts_are_refused() -> None:
    with pytest.raises(ValueError, match="no sample account nobody"):
        local.start(["nobody"])


def test_files_are_yaml_that_says_what_it_is_about() -> None:
    folder = files("kit.sandbox") / "accounts"
    for name in local.sample_accounts():
        raw = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        assert raw["about"]
        assert isinstance(raw["id"], str)


def test_importing_the_sandbox_imports_no_moto() -> None:
    code = "import sys, kit.sandbox; sys.exit('moto' in sys.modules or 'boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
