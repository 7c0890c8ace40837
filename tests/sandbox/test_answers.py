"""Every answer about every sample account has the shape AWS documents."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from kit.sandbox import sample_accounts
from kit.sandbox.registry import HANDLERS
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import call_by_name, client, questions

# What AWS itself answers about things that are not there, or may not be seen.
FACTS = {
    "AccessDenied",
    "AccessDeniedException",
    "CloudTrailARNInvalidException",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ReplicationConfigurationNotFoundError",
    "ResourceNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
}
READS = ("Assume", "Describe", "Generate", "Get", "Head", "List", "Lookup")
ACCOUNTS = [name for name in sample_accounts() if name != "big"]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_question_is_answered_as_aws_would(running: Sandbox, name: str) -> None:
    clients = {}
    answered: Counter[str] = Counter()
    for service, operation, region, parameters in questions(name):
        if (service, region) not in clients:
            clients[service, region] = client(running, name, service, region)
        code = outcome(clients[service, region], operation, parameters)
        assert code in FACTS | {""}, (code, operation, parameters)
        answered[code] += 1
    assert answered[""] > 10


def test_together_the_accounts_answer_every_operation(running: Sandbox) -> None:
    requested = {
        (service, operation) for name in ACCOUNTS for service, operation, *_ in questions(name)
    }
    changes = {
        (service, operation)
        for (service, operation), own in HANDLERS.items()
        if own.__module__.endswith("_changes") or not operation.startswith(READS)
    }
    assert requested == set(HANDLERS) - changes


def test_answers_keep_what_the_file_declares(running: Sandbox) -> None:
    stacks = client(running, "odd", "appstream").describe_stacks()["Stacks"]
    names = {s["Name"]: s for s in stacks}
    assert names["japanese"]["DisplayName"] == "経理部デスクトップ"
    assert names["arabic"]["DisplayName"] == "سطح مكتب المالية"
    assert names["emoji"]["DisplayName"] == "🚀 Launch desk 👩🏽‍💻"
    assert set(names["only-a-name"]) == {"Arn", "Name"}
    (fleet,) = client(running, "odd", "appstream").describe_fleets()["Fleets"]
    assert set(fleet) == {"Arn", "Name", "InstanceType", "ComputeCapacityStatus", "State"}


def test_an_answer_that_aws_could_not_give_never_leaves(
    running: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = ("appstream", "DescribeStacks")
    for wrong in ({"Stack": []}, {"Stacks": [{}]}, {"Stacks": [{"Name": 5}]}):
        monkeypatch.setitem(HANDLERS, operation, lambda _, wrong=wrong: wrong)
        with pytest.raises(ClientError, match=r"demo: appstream DescribeStacks: .+ parameter"):
            client(running, "demo", "appstream").describe_stacks()


def test_aws_cli_reads_the_same_fleets(running: Sandbox) -> None:
    fleets = client(running, "demo", "appstream").describe_fleets()["Fleets"]
    printed = cli(running, "demo", "appstream", "describe-fleets")
    assert [f["Name"] for f in printed["Fleets"]] == [f["Name"] for f in fleets]
    assert "engineering-cad" in [f["Name"] for f in printed["Fleets"]]


def test_aws_cli_pages_by_itself(paged: Sandbox) -> None:
    printed = cli(paged, "demo", "appstream", "describe-stacks")
    assert [s["Name"] for s in printed["Stacks"]] == [
        "engineering",
        "finance",
        "supplier-portal",
        "service-desk",
    ]
    events = cli(paged, "tidy", "cloudtrail", "lookup-events", "--max-items", "3")
    assert len(events["Events"]) == 3


def test_aws_cli_knows_whose_account_it_is(running: Sandbox) -> None:
    identity = cli(running, "careless", "sts", "get-caller-identity")
    assert identity["Account"] == "012345678901"


def outcome(made: Any, operation: str, parameters: dict[str, Any]) -> str:
    """The error code of an answer, empty for none."""
    try:
        answer = call_by_name(made, operation, parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    return ""


def cli(sandbox: Sandbox, account: str, *arguments: str) -> dict:
    """What the AWS CLI prints, run in this process; its import sets a variable of the process."""
    with (
        patch.dict(os.environ, sandbox.environment(account)),
        redirect_stdout(StringIO()) as printed,
    ):
        from awscli import __file__ as module
        from awscli.clidriver import create_clidriver

        os.environ["AWS_DATA_PATH"] = str(Path(module).parent / "data")
        assert create_clidriver().main([*arguments, "--output", "json"]) == 0
    return json.loads(printed.getvalue())
