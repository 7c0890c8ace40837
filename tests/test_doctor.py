"""`evidence init` and `evidence doctor`, against the sandbox: what they write and state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kit.cli import main
from kit.doctor import _named
from kit.parameters import parameters
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from tests.inprocess import without_kernel

ACCOUNT = "210987654321"


@pytest.fixture
def signed_in(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder, and the credentials of the demo account."""
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sandbox.faults.clear()


def evidence(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_init_writes_an_account_that_declares_nothing(signed_in: Path) -> None:
    done = evidence("init", "mine.yaml")
    assert done.exit_code == 0, done.output
    written = yaml.safe_load(Path("mine.yaml").read_text())
    assert written == {"account": ACCOUNT, "regions": []}
    assert "eu-central-1" in Path("mine.yaml").read_text()
    assert parameters(Path("mine.yaml")).account == ACCOUNT
    assert "decides which key makes the labels of packs. Write it before" in (
        Path("mine.yaml").read_text()
    )


def test_init_replaces_no_file(signed_in: Path) -> None:
    Path("mine.yaml").write_text("mine")
    done = evidence("init", "mine.yaml")
    assert (done.exit_code, Path("mine.yaml").read_text()) == (2, "mine")


@pytest.mark.parametrize(
    "command", [("init", "/proc/none/mine.yaml"), ("run", "run.yaml"), ("batch", "batch.yaml")]
)
def test_a_place_that_cannot_be_written_ends_every_command_alike(
    command: tuple[str, str], signed_in: Path
) -> None:
    Path("run.yaml").write_text(f'account: "{ACCOUNT}"\noutputs: /proc/none')
    accounts = f'accounts: [{{account: "{ACCOUNT}", controls: [GV-01]}}]'
    Path("batch.yaml").write_text(f"name: a\noutputs: /proc/none\n{accounts}")
    done = evidence(*command)
    assert (done.exit_code, "/proc/none" in done.stderr) == (1, True), done.output
    assert "cannot be written" in done.stderr


def test_init_leaves_no_file_where_nobody_can_sign_in(
    signed_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "b")
    done = evidence("init", "mine.yaml")
    assert done.exit_code == 2
    assert not Path("mine.yaml").exists()


def test_the_doctor_advises_no_permission_where_a_bucket_refuses(signed_in: Path) -> None:
    """The bucket of the organisation's trail is another account's: its policy decides."""
    Path("mine.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-05, LG-06]'
    )
    done = evidence("doctor", "mine.yaml", "--quiet", "--json")
    lines = [line for line in json.loads(done.stdout) if line["subject"] == "permission"]
    (refused,) = (
        line for line in lines if line["message"].startswith("s3:GetBucketLocation: 1 of")
    )
    assert "org-trail" in refused["message"]
    assert (refused["state"], refused["command"]) == ("FAILED", "")


def test_the_doctor_names_what_is_refused_and_what_it_costs(
    signed_in: Path, sandbox: Sandbox
) -> None:
    Path("mine.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [AR-01, ID-02, LG-04]'
    )
    sandbox.faults.add(Fault("appstream", "DescribeFleets", "deny"))
    done = evidence("doctor", "mine.yaml", "--quiet", "--json")
    assert done.exit_code == 4, done.output
    lines = json.loads(done.stdout)
    wrong = [line for line in lines if line["state"] == "FAILED"]
    assert [line["subject"] for line in wrong] == ["permission"]
    assert wrong[0]["message"].startswith("appstream:DescribeFleets: 1 of 1 requests failed")
    assert wrong[0]["command"] == "evidence policy mine.yaml"
    costs = [line["message"] for line in lines if line["subject"] == "not evidenced"]
    assert any("AR-01" in text and "appstream.DescribeFleets" in text for text in costs)
    subjects = {line["subject"] for line in lines}
    assert {"python", "fonts", "proxy", "certificates", "outputs", "label key", "clock"} <= subjects
    assert not (signed_in / "outputs").exists()


def test_a_region_that_is_not_enabled_is_named_with_what_helps(
    signed_in: Path, sandbox: Sandbox
) -> None:
    text = f'account: "{ACCOUNT}"\nregions: [eu-central-1, eu-west-1]\ncontrols: [AR-01]'
    Path("mine.yaml").write_text(text)
    sandbox.faults.add(Fault("*", "*", "region-off", region="eu-west-1"))
    lines = json.loads(evidence("doctor", "mine.yaml", "--quiet", "--json").stdout)
    (off,) = (line for line in lines if line["state"] == "FAILED")
    command = "aws account enable-region --region-name eu-west-1"
    assert (off["subject"], off["command"]) == ("regions", command)
    with without_kernel():
        made = evidence("run", "mine.yaml", "--quiet")
        again = json.loads(evidence("run", "mine.yaml", "--quiet", "--json").stdout)
    (line,) = (line for line in made.stdout.splitlines() if line.startswith("region: "))
    assert line == f"region: {off['message']}: {command}"
    assert again["regions_off"] == ["eu-west-1"]


def test_the_doctor_names_the_resources_of_what_failed(signed_in: Path) -> None:
    Path("mine.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-05, LG-01, LG-06]\n'
    )
    done = evidence("doctor", "mine.yaml", "--quiet")
    (line,) = [line for line in done.stdout.splitlines() if "s3:GetBucketLocation" in line]
    assert re.search(r"permission +s3:GetBucketLocation: 1 of \d+ requests failed ", line)
    assert re.search(r"\(AccessDenied\): '[a-z0-9-]+'", line)
    of_trail = [x for x in done.stdout.splitlines() if "failed (CloudTrailARNInvalid" in x]
    assert of_trail
    for line in of_trail:
        assert re.match(r"note +request +cloudtrail:.*: 'arn:aws:cloudtrail:", line)
    lines = json.loads(evidence("doctor", "mine.yaml", "--quiet", "--json").stdout)
    (found,) = [x for x in lines if x["message"].startswith("s3:GetBucketLocation")]
    assert found["message"].endswith(f"(AccessDenied): '{found['resources'][0]}'")
    assert {line["subject"] for line in lines if line["resources"]} == {"permission", "request"}


@pytest.mark.parametrize(("mode", "state"), [(0o600, "ok"), (0o644, "note")])
def test_a_key_of_the_labels_that_others_can_read_is_a_note(
    mode: int, state: str, signed_in: Path
) -> None:
    Path("key").write_text("0f" * 32)
    Path("key").chmod(mode)
    text = f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-01]\npseudonym_key: key\n'
    Path("mine.yaml").write_text(text)
    lines = json.loads(evidence("doctor", "mine.yaml", "--quiet", "--json").stdout)
    (line,) = (line for line in lines if line["subject"] == "label key")
    assert (line["state"], "chmod go= key" in line["message"]) == (state, state == "note")


def test_many_and_long_resources_are_cut() -> None:
    names = _named([f"b{n}" for n in range(9)] + ["x" * 200])
    assert names.endswith(" and 2 more")
    assert _named(["x" * 200]) == f": '{'x' * 120}…'"
    assert _named([]) == ""


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ("waivers: nowhere.yaml", "waivers"),
        ('approved_by: "X, 2020-01-01"', "approved_by"),
        ("thresholds: nowhere.yaml", "thresholds"),
        ("waivers: mine.yaml", "parameters"),
    ],
)
def test_a_mistake_in_the_parameters_is_named(given: str, subject: str, signed_in: Path) -> None:
    Path("mine.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-01]\n{given}\n'
    )
    done = evidence("doctor", "mine.yaml", "--quiet", "--json")
    assert done.exit_code == 2, done.output
    wrong = [line["subject"] for line in json.loads(done.stdout) if line["state"] == "FAILED"]
    assert wrong == [subject]


def test_what_only_checks_makes_no_key_of_the_labels(signed_in: Path) -> None:
    """A key that `init` or `doctor` made would hide from the run that its key is a new one."""
    assert evidence("init", "mine.yaml").exit_code == 0
    place = signed_in / "typo" / "place.key"
    with Path("mine.yaml").open("a") as file:
        file.write(f"regions: [eu-central-1]\ncontrols: [GV-01]\npseudonym_key: {place}\n")
    Path("mine.yaml").write_text(Path("mine.yaml").read_text().replace("regions: []\n", "", 1))
    done = evidence("doctor", "mine.yaml", "--quiet")
    assert f"note    label key      pseudonym_key: {place} does not exist" in done.stdout
    assert "not evidenced  GV-01: not declared" in done.stdout
    assert not place.parent.exists()
    assert not (signed_in / "config").exists()


@pytest.mark.parametrize(
    ("given", "warned"), [("", True), ("controller: A\n", False), ("pseudonym_key: k\n", False)]
)
def test_the_doctor_states_that_the_controller_decides_the_key(
    given: str, warned: bool, signed_in: Path
) -> None:
    Path("mine.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-01]\n{given}'
    )
    done = evidence("doctor", "mine.yaml", "--quiet")
    assert ("write it before the first run" in done.stdout) is warned


def test_the_doctor_gives_the_reason_of_what_has_no_error_code(signed_in: Path) -> None:
    text = f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [GV-05]\n'
    text += "allowed_regions: [eu-west-1, us-east-1]"
    Path("mine.yaml").write_text(text)
    done = evidence("doctor", "mine.yaml", "--quiet")
    assert "GV-05: s3.GetBucketReplication (not collected)" in done.stdout
    assert "()" not in done.stdout


def test_the_doctor_finds_the_account_out(signed_in: Path) -> None:
    done = evidence("doctor", "--quiet")
    assert f":{ACCOUNT}:" not in done.stderr
    assert f"::{ACCOUNT}:" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_clock_that_differs_is_named(signed_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    from kit import doctor
    from kit.collect.session import Caller

    late = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)
    caller = Caller("arn:aws:iam::1:user/x", "1", None, late)
    monkeypatch.setattr(doctor, "who", lambda run, policies: caller)
    (clock,) = [
        line
        for line in doctor.sign_in(parameters({"account": ACCOUNT}), ())[1]
        if line.subject == "clock"
    ]
    assert clock.state == doctor.WRONG
    assert clock.command


def test_a_run_without_a_file_needs_the_account(signed_in: Path) -> None:
    done = evidence("run", "--quiet")
    assert done.exit_code == 2
    assert "--account" in done.stderr


def test_a_file_and_options_are_refused_together(signed_in: Path) -> None:
    Path("mine.yaml").write_text(f'account: "{ACCOUNT}"')
    done = evidence("run", "mine.yaml", "--region", "eu-central-1", "--quiet")
    assert done.exit_code == 2
    assert "regions" in done.stderr


def test_a_wrong_option_is_named(signed_in: Path) -> None:
    done = evidence("run", "--account", ACCOUNT, "--region", "eu-cental-1", "--quiet")
    assert done.exit_code == 2
    assert "eu-cental-1" in done.stderr
