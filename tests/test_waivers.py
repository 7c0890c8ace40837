"""Fails that somebody accepts, from the file to the pack."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from kit.errors import UserError
from kit.judge.evaluator import calls_of
from kit.parameters import Run, load_waivers
from kit.sandbox.server import Sandbox
from tests.commands import evidence
from tests.inprocess import without_kernel

ACCOUNT = "012345678901"
WAIVERS = """
- {control: EX-07, resource: fleet-*, owner: Head of IT, reason: Until the proxy is in place,
   expires: "2999-12-31"}
- {control: EX-09, owner: Head of IT, reason: Accepted for the old images, expires: "2020-01-31"}
- {control: EX-07, resource: stack-*, owner: Head of IT, reason: There is no such stack,
   expires: "2999-12-31"}
- {control: LG-07, owner: Head of IT, reason: Not looked at in this run, expires: "2999-12-31"}
"""
UNUSED = [
    "EX-09, *: not used: expired on 2020-01-31, and its findings are fails again",
    "EX-07, stack-*: not used: matches no fail",
    "LG-07, *: not used: this run did not select its control",
]


def ask(cwd: Path, waivers: str) -> None:
    (cwd / "waivers.yaml").write_text(waivers)
    (cwd / "run.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-west-1]\ncontrols: [EX-07, EX-09]\n'
        "waivers: waivers.yaml\n"
    )


def test_what_is_accepted_is_reported_with_owner_reason_and_day(
    sandbox: Sandbox, tmp_path: Path, browser: Browser
) -> None:
    ask(tmp_path, WAIVERS)
    environment = sandbox.environment("careless")
    with without_kernel():
        done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert done.returncode == 3, done.stderr  # EX-09 is a fail again
    reported = [line for line in done.stdout.splitlines() if line.startswith("waiver")]
    assert reported == [f"waiver: {line}" for line in UNUSED]
    (data,) = (tmp_path / "outputs").glob("*/*/pack/data")
    rows = list(csv.DictReader((data / "findings.csv").open(newline="")))
    own = [row for row in rows if row["control"] == "EX-07"]
    assert {row["status"] for row in own if row["resource"].startswith("fleet-")} == {"accepted"}
    assert {row["status"] for row in rows if row["control"] == "EX-09"} == {"fail"}
    page = browser.new_page()
    page.goto((data / "evidence.html").as_uri())
    page.emulate_media(media="print")  # tables that nobody looks at have no text on a screen
    text = page.inner_text("body")
    page.close()
    assert "Exceptions: fails that a named person accepts, until a day" in text
    assert "Until the proxy is in place" in text
    assert "2999-12-31" in text
    for line in UNUSED:
        assert line.partition(": ")[2] in text


def test_a_waiver_without_a_visible_reason_is_refused(tmp_path: Path) -> None:
    entry = {"control": "EX-07", "owner": "IT", "reason": " " * 12, "expires": "2999-12-31"}
    (tmp_path / "waivers.yaml").write_text(json.dumps([entry]))
    with pytest.raises(UserError, match="reason: '            ': has no text; write it"):
        load_waivers(str(tmp_path / "waivers.yaml"))


@pytest.mark.parametrize(
    ("control", "reported"),
    [
        ("EX-99", "waivers.yaml, waiver 1: control: 'EX-99' is not a control; did you mean EX-"),
        ("GV-03", "waivers.yaml, waiver 1: control: GV-03 sums up other controls"),
        ("ex-07", "waivers.yaml, waiver 1: control: 'ex-07': write EX-07"),
    ],
)
def test_a_waiver_for_no_control_is_refused_before_anything_is_requested(
    tmp_path: Path, control: str, reported: str
) -> None:
    ask(
        tmp_path,
        f"- {{control: {control}, owner: IT, reason: For a good reason, expires: '2999-12-31'}}",
    )
    done = evidence("run", "run.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"evidence: {reported}")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("id", "reported"),
    [
        (
            "ds-04",
            "'ds-04' is not a control that reads a reason; did you mean DS-04? accepted are ",
        ),
        ("XX-99", "'XX-99' is not a control that reads a reason; "),
        ("AR-05", "'AR-05' is not a control that reads a reason; "),
        ("OWN-1", "'OWN-1' is not a control that reads a reason; "),
    ],
)
def test_a_reason_that_no_rule_reads_is_refused(id: str, reported: str) -> None:
    with pytest.raises(UserError) as caught:
        calls_of(Run(account="123456789012", declared_reasons={id: "Filtered elsewhere"}))
    assert str(caught.value).startswith(f"declared_reasons: {reported}")
    assert str(caught.value).endswith("EX-01, EX-02, EX-03, EX-15, EX-17, EX-18, GV-05, LG-11")


def test_a_reason_that_a_rule_reads_changes_no_call() -> None:
    reasons = {"DS-04": "Defender in the image"}
    plain = Run(account="123456789012")
    assert calls_of(plain.model_copy(update={"declared_reasons": reasons})) == calls_of(plain)
