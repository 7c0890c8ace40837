"""Fails that somebody accepts, from the file to the pack."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from kit.sandbox.server import Sandbox
from tests.commands import evidence
from tests.test_cli import begin

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
    process = begin("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    out, err = process.communicate()
    assert process.returncode == 3, err  # EX-09 is a fail again
    reported = [line for line in out.splitlines() if line.startswith("waiver")]
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
