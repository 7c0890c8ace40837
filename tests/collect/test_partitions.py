"""Partitions of AWS: where in each is asked, what each has no endpoint for, and one in a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from kit.aws_models import home_region, is_listed
from kit.calls import (
    CALLS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_TRAILS,
    GET_ACCOUNT_SUMMARY,
    GET_MACIE_SESSION,
    LIST_CUSTOMER_AGREEMENTS,
    LIST_REGIONS,
    LIST_REPORTS,
    Call,
)
from kit.catalogue.statuses import NO_API
from kit.cli import main
from kit.collect.collector import _Engine
from kit.collect.session import Clients
from kit.parameters import Run
from tests.collect.policies import WHOLE
from tests.standins import ACCOUNT, AS_OF, Account

GOV = "us-gov-east-1"
ROLE = f"arn:aws-us-gov:iam::{ACCOUNT}:role/Evidence"
AT_HOME = [LIST_REGIONS, LIST_REPORTS, LIST_CUSTOMER_AGREEMENTS, DESCRIBE_ORGANIZATION]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[_Engine]:
    """The collector's engine, to which STS has answered who is calling."""
    partition, region = request.param
    run = Run(account=ACCOUNT, regions=[region])
    engine = _Engine(run, Clients(run, WHOLE), AS_OF)
    caller = Account(tmp_path).snapshot().requests
    arn = f"arn:{partition}:sts::{ACCOUNT}:assumed-role/Evidence/kit"
    engine.requests = [
        replace(one, response={"Account": ACCOUNT, "Arn": arn})
        for one in caller
        if one.call == "sts.GetCallerIdentity"
    ]
    yield engine
    engine.close()


@pytest.mark.parametrize("call", AT_HOME, ids=lambda call: call.name)
@pytest.mark.parametrize(
    ("engine", "home"),
    [
        (("aws", "eu-west-1"), "us-east-1"),
        (("aws-us-gov", GOV), "us-gov-west-1"),
        (("aws-iso", "us-iso-west-1"), "us-iso-east-1"),
    ],
    indirect=["engine"],
)
def test_what_a_partition_has_once_is_requested_in_its_home(
    engine: _Engine, home: str, call: Call
) -> None:
    assert [job.region for job in engine._jobs(call, [])] == [home]


@pytest.mark.parametrize("engine", [("aws-us-gov", GOV)], indirect=True)
def test_other_calls_of_the_account_are_requested_where_the_run_logs_in(engine: _Engine) -> None:
    assert [job.region for job in engine._jobs(GET_ACCOUNT_SUMMARY, [])] == [engine._clients.home]


@pytest.mark.parametrize(
    ("shell", "fields", "home"),
    [
        ("us-east-1", {"regions": [GOV]}, "us-gov-west-1"),
        ("", {"regions": [GOV]}, GOV),
        (GOV, {"regions": ["us-gov-west-1"]}, GOV),
        ("eu-west-1", {"role_arn": ROLE}, "us-gov-west-1"),
        (GOV, {"regions": ["eu-west-1"]}, "us-east-1"),
        ("eu-north-1", {"regions": ["eu-west-1"]}, "eu-north-1"),
        (GOV, {}, GOV),
    ],
)
def test_a_run_logs_in_where_its_partition_is(
    monkeypatch: pytest.MonkeyPatch, shell: str, fields: dict[str, Any], home: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", shell)
    run = Run.model_validate({"account": ACCOUNT, **fields})
    monkeypatch.setattr("kit.collect.session._assume", lambda session, *_: session)
    assert Clients(run, WHOLE).home == home


def test_the_home_of_a_partition_is_botocores() -> None:
    homes = {name: home_region(name) for name in ("aws", "aws-us-gov", "aws-cn")}
    assert homes == {
        "aws": "us-east-1",
        "aws-us-gov": "us-gov-west-1",
        "aws-cn": "cn-northwest-1",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"regions": ["eu-west-1", GOV]},
        {"regions": [GOV, "us-iso-east-1"]},
        {"regions": ["eu-west-1"], "role_arn": ROLE},
        {"regions": [GOV], "role_arn": ROLE.replace("-us-gov", "")},
    ],
)
def test_two_partitions_in_a_run_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"is in (the partition )?aws"):
        Run.model_validate({"account": ACCOUNT, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"regions": ["us-gov-west-1", GOV], "role_arn": ROLE},
        {"regions": ["us-east-1", "eu-west-1"]},
        {"role_arn": ROLE},
    ],
)
def test_one_partition_in_a_run_is_accepted(fields: dict[str, Any]) -> None:
    assert Run.model_validate({"account": ACCOUNT, **fields}).partition in ("aws", "aws-us-gov")


@pytest.mark.parametrize(
    ("fields", "partition"),
    [
        ({"regions": [GOV]}, "aws-us-gov"),
        ({"role_arn": ROLE}, "aws-us-gov"),
        ({"regions": ["eu-west-1"]}, "aws"),
        ({}, "aws"),
    ],
)
def test_the_policy_is_of_the_runs_partition(
    tmp_path: Path, fields: dict[str, Any], partition: str
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps({"account": ACCOUNT, **fields}))
    printed = CliRunner().invoke(main, ["policy", str(file)])
    assert printed.exit_code == 0
    resources = [one["Resource"] for one in json.loads(printed.output)["Statement"]]
    arns = {arn.split(":")[1] for listed in resources if listed != "*" for arn in listed}
    assert arns == {partition}


def _unreachable(account: Account, call: Call) -> Account:
    for region in account.regions:
        where = None if call.home else region
        account.refuses(call, "EndpointConnectionError", "Could not connect", where, status=0)
    return account


@pytest.mark.parametrize(
    ("region", "call", "reason"),
    [
        (GOV, LIST_REPORTS, NO_API),
        (GOV, LIST_REGIONS, NO_API),
        (GOV, GET_MACIE_SESSION, NO_API),
        (GOV, DESCRIBE_TRAILS, "failed"),
        (GOV, DESCRIBE_ORGANIZATION, "failed"),
        ("eu-west-1", LIST_REPORTS, "failed"),
        ("eu-west-1", GET_MACIE_SESSION, "failed"),
    ],
)
def test_a_host_that_is_not_there_has_no_api_where_botocore_lists_none(
    tmp_path: Path, region: str, call: Call, reason: str
) -> None:
    answer = _unreachable(Account(tmp_path, regions=(region,)), call).snapshot().answer(call)
    assert answer.trouble is not None
    assert answer.trouble.reason == reason
    sentence = f"lists no endpoint of {call.service} in the partition aws-us-gov"
    assert (sentence in answer.trouble.hint) is (reason == NO_API)


def test_a_denied_call_is_denied_in_every_partition(tmp_path: Path) -> None:
    snapshot = Account(tmp_path, regions=(GOV,)).denies(LIST_REPORTS).snapshot()
    trouble = snapshot.answer(LIST_REPORTS).trouble
    assert trouble is not None
    assert trouble.reason == "denied"


def test_every_service_has_an_endpoint_in_aws() -> None:
    services = {call.service for call in CALLS.values()}
    assert all(is_listed(service, "aws") for service in services)
    missing = {service for service in services if not is_listed(service, "aws-us-gov")}
    assert missing == {"account", "artifact", "macie2"}
