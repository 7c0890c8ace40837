"""The collector's role: the templates make the policy of the calls, in every partition."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from kit.aws_models import models
from kit.calls import Call
from kit.cli import main
from kit.collect.policy import policy
from kit.collect.role import (
    EXTERNAL_ID,
    LONGEST,
    MOST_INLINE,
    MOST_MANAGED,
    NAME,
    PRINCIPAL,
    SHORTEST,
    RoleFacts,
    cloudformation,
    role_facts,
    stack_set,
    terraform,
)
from kit.errors import CannotRunError
from kit.judge import needed_calls
from tests.pages import commands

SCHEMAS = Path(__file__).parent / "data" / "cloudformation"
PAGE = Path(__file__).parent.parent / "docs" / "role.md"
PARTITIONS = models().get_available_partitions()
CALLS = tuple(needed_calls([]))
TAGGED = RoleFacts("Reader", "/audit/", "evidence-2026", ("Purpose", "Team"))
MOST_TEMPLATE = 51_200  # bytes, CloudFormation quotas
GIVEN = {
    "TrustedPrincipal": "arn:aws:iam::111122223333:role/Auditors",
    "ExternalId": "evidence-2026",
    "RoleName": "EvidenceReader",
    "MaxSessionDuration": "3600",  # Ref of a number is a text
    "OrganizationalUnitIds": ["r-abcd"],
    "CallAs": "SELF",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "evidence-readers",
}


def resolved(value: Any, partition: str) -> Any:
    """The value as CloudFormation resolves it."""
    if isinstance(value, list):
        return [resolved(part, partition) for part in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return GIVEN[value["Ref"]]
    if set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"].replace("${AWS::Partition}", partition)
    return {name: resolved(part, partition) for name, part in value.items()}


def the_resource(template: dict[str, Any], kind: str, schema: str, partition: str) -> Any:
    """Properties of the template's resource, valid by AWS's schema of its type."""
    (resource,) = template["Resources"].values()
    assert resource["Type"] == kind
    properties = resolved(resource["Properties"], partition)
    if "MaxSessionDuration" in properties:  # of an integer: CloudFormation converts the text
        properties["MaxSessionDuration"] = int(properties["MaxSessionDuration"])
    # Without a check of the schema itself, whose patterns are JavaScript's.
    jsonschema.Draft7Validator(json.loads((SCHEMAS / schema).read_text())).validate(properties)
    return properties


def the_role(template: dict[str, Any], partition: str = "aws") -> Any:
    return the_resource(template, "AWS::IAM::Role", "role.json", partition)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_role_has_the_derived_policy_in_every_partition(partition: str) -> None:
    role = the_role(yaml.safe_load(cloudformation(CALLS)), partition)
    (inline,) = role["Policies"]
    assert inline["PolicyDocument"] == policy(CALLS, partition)
    assert role["MaxSessionDuration"] == SHORTEST
    assert "${" not in json.dumps(role)


def test_the_role_trusts_a_principal_with_an_external_id_alone() -> None:
    trust = the_role(yaml.safe_load(cloudformation(CALLS)))["AssumeRolePolicyDocument"]
    assert trust["Statement"] == [
        {
            "Sid": "Assume",
            "Effect": "Allow",
            "Principal": {"AWS": GIVEN["TrustedPrincipal"]},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": GIVEN["ExternalId"]}},
        }
    ]


def test_tags_of_the_session_are_allowed_by_name() -> None:
    template = yaml.safe_load(cloudformation(CALLS, TAGGED))
    _, tags = the_role(template)["AssumeRolePolicyDocument"]["Statement"]
    assert tags["Action"] == "sts:TagSession"
    assert tags["Condition"] == {"ForAllValues:StringEquals": {"aws:TagKeys": ["Purpose", "Team"]}}
    assert template["Resources"]["EvidenceReader"]["Properties"]["Path"] == "/audit/"
    defaults = {name: p.get("Default") for name, p in template["Parameters"].items()}
    assert (defaults["RoleName"], defaults["ExternalId"]) == ("Reader", "evidence-2026")


@pytest.mark.parametrize("facts", [None, TAGGED])
def test_every_parameter_is_used_and_every_reference_is_there(facts: RoleFacts | None) -> None:
    for text in (cloudformation(CALLS, facts), stack_set(CALLS, facts)):
        template = yaml.safe_load(text)
        references = set(_references(template["Resources"]))
        assert {name for name in references if "::" not in name} == set(template["Parameters"])
        for parameter in template["Parameters"].values():
            if {"Default", "AllowedPattern"} <= parameter.keys():
                assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def test_the_stack_set_makes_the_same_role_in_every_account() -> None:
    template = yaml.safe_load(stack_set(CALLS))
    made = the_resource(template, "AWS::CloudFormation::StackSet", "stack-set.json", "aws")
    inner = json.loads(made["TemplateBody"])
    assert inner == yaml.safe_load(cloudformation(CALLS))
    assert {p["ParameterKey"] for p in made["Parameters"]} == set(inner["Parameters"])
    assert (made["PermissionModel"], made["AutoDeployment"]["Enabled"]) == ("SERVICE_MANAGED", True)
    (instances,) = made["StackInstancesGroup"]
    assert instances["DeploymentTargets"] == {"OrganizationalUnitIds": ["r-abcd"]}


def test_aws_takes_their_sizes() -> None:
    for partition in PARTITIONS:
        length = len(json.dumps(policy(CALLS, partition), separators=(",", ":")))
        assert length <= MOST_MANAGED < MOST_INLINE
    assert len(stack_set(CALLS, TAGGED).encode()) <= MOST_TEMPLATE


@pytest.mark.parametrize("form", [cloudformation, stack_set, terraform])
def test_a_policy_that_no_role_takes_is_refused(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.collect.role.policy", _policy_of(MOST_INLINE))
    assert form(CALLS)
    monkeypatch.setattr("kit.collect.role.policy", _policy_of(MOST_INLINE + 1))
    with pytest.raises(CannotRunError, match="10,241 characters"):
        form(CALLS)


def _policy_of(length: int) -> Any:
    def made(calls: list[Call], partition: str) -> dict[str, Any]:
        statement = {"Sid": "S", "Effect": "Allow", "Action": ["a:B"], "Resource": ""}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        statement["Resource"] = "r" * (length - len(json.dumps(document, separators=(",", ":"))))
        return document

    return made


@pytest.fixture(scope="module")
def hcl() -> Any:
    """A parser of HCL, which only developers need."""
    import hcl2

    return hcl2


def blocks(parsed: Any, kind: str) -> dict[str, Any]:
    """Blocks of a kind by their labels, joined by a point."""
    found: dict[str, Any] = {}
    for block in parsed.get(kind, []):
        labels = []
        while len(block) <= 2 and (label := _label(block)):
            labels.append(label.strip('"'))
            block = block[label]
        found[".".join(labels)] = block
    return found


def _label(block: dict[str, Any]) -> str:
    names = [name for name, part in block.items() if isinstance(part, dict)]
    return names[0] if len(names) == 1 else ""


def plain(value: Any) -> Any:
    """Texts without the quotation marks in which the parser leaves them."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, str) and value[:1] == '"':
        return json.loads(value)
    return value


def statements(document: dict[str, Any], partition: str) -> list[dict[str, Any]]:
    name = "${data.aws_partition.current.partition}"
    text = json.dumps(document["statement"]).replace(name, partition)
    return [
        {
            "Sid": plain(one["sid"]),
            "Effect": "Allow",  # where a statement names none
            "Action": plain(one["actions"]),
            "Resource": plain(one["resources"]),
        }
        for one in json.loads(text)
    ]


@pytest.mark.parametrize("partition", PARTITIONS)
def test_the_terraform_has_the_derived_policy_in_every_partition(partition: str, hcl: Any) -> None:
    parsed = hcl.loads(terraform(CALLS))
    expected = policy(CALLS, partition)["Statement"]
    for statement in expected:
        if isinstance(statement["Resource"], str):
            statement["Resource"] = [statement["Resource"]]
    documents = blocks(parsed, "data")
    assert statements(documents["aws_iam_policy_document.evidence"], partition) == expected
    assert set(blocks(parsed, "resource")) == {
        "aws_iam_role.evidence",
        "aws_iam_role_policy.evidence",
    }


@pytest.mark.parametrize("facts", [RoleFacts(), TAGGED])
def test_the_terraform_trusts_as_the_template_does(facts: RoleFacts, hcl: Any) -> None:
    parsed = hcl.loads(terraform(CALLS, facts))
    trust = blocks(parsed, "data")["aws_iam_policy_document.trust"]["statement"]
    assert [plain(s["actions"]) for s in trust] == [
        ["sts:AssumeRole"],
        *([["sts:TagSession"]] if facts.tags else []),
    ]
    (condition,) = trust[0]["condition"]
    assert plain(condition["variable"]) == "sts:ExternalId"
    variables = blocks(parsed, "variable")
    assert set(variables) == {
        "trusted_principal",
        "external_id",
        "role_name",
        "max_session_duration",
    }
    assert plain(variables["role_name"]["default"]) == facts.name
    assert plain(variables["external_id"].get("default", "")) == facts.external_id
    assert variables["max_session_duration"]["default"] == SHORTEST
    assert all(f"var.{name}" in terraform(CALLS, facts) for name in variables)


def test_texts_of_the_run_are_no_templates(hcl: Any) -> None:
    hostile = 'a"}${file("/etc/passwd")}%{if true}\\'
    made = terraform(CALLS, RoleFacts(hostile, "/", hostile, (hostile,)))
    assert "$${file(" in made
    assert not re.search(r"(?<!\$)\$\{(?!data\.aws_partition\.current\.partition\})", made)
    assert not re.search(r"(?<!%)%\{", made)
    assert hcl.loads(made)


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (PRINCIPAL, "arn:aws:iam::012345678901:root", "arn:aws:iam::012345678901:rooted"),
        (PRINCIPAL, "arn:aws-us-gov:iam::012345678901:role/a/b", "*"),
        (PRINCIPAL, "arn:aws-iso-b:iam::012345678901:user/a", "arn:aws:iam::1:user/a"),
        (EXTERNAL_ID, "a:b/c", "a b"),
        (NAME, "a" * 64, "a" * 65),
    ],
)
def test_parameters_take_what_iam_takes(pattern: str, right: str, wrong: str) -> None:
    assert re.fullmatch(pattern, right)
    assert not re.fullmatch(pattern, wrong)


def test_limits_of_sessions_are_those_of_aws() -> None:
    role = json.loads((SCHEMAS / "role.json").read_text())["properties"]["MaxSessionDuration"]
    assert (role["minimum"], role["maximum"]) == (SHORTEST, LONGEST)


@pytest.mark.parametrize(
    ("arn", "name", "path"),
    [
        ("", "EvidenceReader", "/"),
        ("arn:aws:iam::012345678901:role/Reader", "Reader", "/"),
        ("arn:aws-us-gov:iam::012345678901:role/a/b/Reader", "Reader", "/a/b/"),
    ],
)
def test_a_run_names_its_role(arn: str, name: str, path: str) -> None:
    facts = role_facts(arn, "x1", {"b": "1", "a": "2"})
    assert facts == (name, path, "x1", ("a", "b"))


def test_fewer_controls_make_a_smaller_role(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        'account: "012345678901"\ncontrols: [ID-02]\nexternal_id: ours\n'
        "role_arn: arn:aws-us-gov:iam::012345678901:role/audit/Reader\n"
    )
    printed = CliRunner().invoke(main, ["policy", str(path), "--form", "cloudformation"]).output
    template = yaml.safe_load(printed)
    (inline,) = the_role(template)["Policies"]
    actions = {a for s in inline["PolicyDocument"]["Statement"] for a in s["Action"]}
    assert "iam:GetAccountSummary" in actions
    assert len(actions) < 10
    assert template["Parameters"]["ExternalId"]["Default"] == "ours"


def test_the_page_s_commands_print_each_form() -> None:
    printed = []
    for command in commands("docs/role.md"):
        program, *words = shlex.split(command.partition(" > ")[0])
        assert program == ".venv/bin/evidence"
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0
        printed.append(done.output)
    assert printed[0] == cloudformation(CALLS)
    assert printed[1] == stack_set(CALLS)
    assert printed[2] == terraform(CALLS)
    assert json.loads(printed[3]) == policy(CALLS)


def test_the_page_gives_every_parameter() -> None:
    parameters = yaml.safe_load(cloudformation(CALLS))["Parameters"]
    assert all(f"| {name} |" in PAGE.read_text() for name in parameters)
