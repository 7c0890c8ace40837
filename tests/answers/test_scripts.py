"""Everyday forms of secrets in scripts and launch parameters, from the answer to the pack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from kit.calls import DESCRIBE_APP_BLOCKS, DESCRIBE_APPLICATIONS, DESCRIBE_STACKS
from tests.answers import chain
from tests.answers.canaries import texts
from tests.answers.conftest import judge
from tests.answers.playback import Account
from tests.labelled import Labelled, strings

DEVELOPMENT = list(strings("development"))
SECRETS = [item for item in DEVELOPMENT if item.spans]
NEAR_MISSES = [item for item in DEVELOPMENT if not item.spans]
REGION = "eu-west-1"
FIELDS = ("LaunchParameters", "SetupScriptDetails.ExecutableParameters", "Description")
# A password beside an option that prompts for one: only MySQL's manual knows that it is none.
CAUTIOUS = 1


def holding(account: Account, items: list[Labelled]) -> Account:
    """The account whose applications, app blocks and stacks hold the strings, in one region."""
    bodies = {
        DESCRIBE_APPLICATIONS: {
            "Applications": [
                {"Name": f"a{n}", "Arn": f"arn:x:a{n}", "LaunchParameters": item.text}
                for n, item in enumerate(items[::3])
            ]
        },
        DESCRIBE_APP_BLOCKS: {
            "AppBlocks": [
                {
                    "Name": f"b{n}",
                    "Arn": f"arn:x:b{n}",
                    "SetupScriptDetails": {"ExecutableParameters": item.text},
                }
                for n, item in enumerate(items[1::3])
            ]
        },
        DESCRIBE_STACKS: {
            "Stacks": [
                {"Name": f"s{n}", "Arn": f"arn:x:s{n}", "Description": item.text}
                for n, item in enumerate(items[2::3])
            ]
        },
    }
    return account.but(
        *(
            replace(answer, body=bodies[answer.call], status=200)
            for answer in account.answers.values()
            if answer.call in bodies and answer.region == REGION
        )
    ).requested_with(controls=["MD-03"], regions=[REGION])


def resources_by_status(account: Account, folder: Path) -> Counter[str]:
    """Return how many resources with a string have at least one finding of each status."""
    _, findings = judge(account, folder)
    pairs = {
        (finding.resource, str(finding.status))
        for finding in findings
        if any(f"Field: {field};" in f"{finding.observed};" for field in FIELDS)
    }
    return Counter(status for _, status in pairs)


def spans(items: Iterable[Labelled]) -> set[str]:
    """Return the secrets that are too long to appear anywhere by chance."""
    values = {item.text[start:end] for item in items for start, end in item.spans}
    return {value for value in values if len(value) > 7}


def test_md_03_fails_for_secrets_and_not_for_near_misses(
    recorded: Callable[[str], Account], tmp_path: Path
) -> None:
    account = recorded("demo")
    assert resources_by_status(holding(account, SECRETS), tmp_path / "secrets")["fail"] == len(
        SECRETS
    )
    near = resources_by_status(holding(account, NEAR_MISSES), tmp_path / "near")
    assert near["fail"] == CAUTIOUS


def test_no_secret_is_in_snapshot_or_pack(
    recorded: Callable[[str], Account], tmp_path: Path
) -> None:
    snapshot = holding(recorded("demo"), SECRETS).collect(tmp_path).folder
    pack = chain.sealed(snapshot, tmp_path / "pack")
    files = {str(path): path.read_bytes() for path in snapshot.rglob("*") if path.is_file()}
    files |= {path: content for path, content in pack.items() if not path.endswith(".pdf")}
    wanted = {form for value in spans(SECRETS) for form in (value, json.dumps(value)[1:-1])}
    assert len(wanted) > 180
    assert {value for _, text in texts(files) for value in wanted if value in text} == set()
