"""The Terraform of remedies and of the collector's role, held against the AWS provider's schema.

The catalogue has the remedies; docs/controls.md is made from it. `tests/data/terraform.yaml` has the
schema. A text is resources and data sources, or a fragment: what belongs into a resource that the
reader has, which the text names as "in aws_...".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from kit.collect.role import RoleFacts, terraform
from kit.controls import CONTROLS
from kit.shipped import yaml_data
from tests.pages import blocks

SCHEMA = yaml_data(Path(__file__).parents[1] / "data" / "terraform.yaml")
KINDS = ("resource", "data")
# Of the language, in every resource: https://developer.hashicorp.com/terraform/language/meta-arguments
META = {"count", "depends_on", "for_each", "lifecycle", "provider"}
OTHERS = {"variable", "output", "locals"}  # blocks of the language beside resources
_OWNER = re.compile(r"\b[Ii]n (?:the )?(aws_\w+)")
_REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.(\w+)\.(\w+)")
_REPEATED = re.compile(r"\{(?:\d*,)?(\d+)\}")
REMEDIES = sorted(
    {
        (name, one.terraform)
        for name, control in CONTROLS.items()
        for one in control.remedies
        if one.terraform
    }
)
(ROLE,) = [block.code for block in blocks("docs/role.md", "hcl")]
TAGGED = terraform([], RoleFacts("Reader", "/audit/", "evidence-2026", ("Purpose", "Team")))


def members(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if not name.startswith("__")}


def is_block(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(v, dict) and "__is_block__" in v for v in value
    )


def is_of(value: Any, kind: str) -> bool:
    """Whether a literal is of the type; what is computed is of any."""
    if isinstance(value, str) and value.startswith("${"):
        return True
    outer, _, inner = kind.rstrip(")").partition("(")
    if outer in ("list", "set"):
        return isinstance(value, list) and all(is_of(one, inner) for one in value)
    if outer == "map":
        return isinstance(value, dict) and all(is_of(one, inner) for one in members(value).values())
    return type(value) in {"string": (str,), "number": (int, float), "bool": (bool,)}[outer]


def faults(body: dict[str, Any], schema: dict[str, Any], place: str, whole: bool) -> Iterator[str]:
    """What the provider refuses of a block; a fragment leaves out what the whole block has."""
    arguments = schema.get("required", {}) | schema.get("optional", {})
    nested = schema.get("blocks", {})
    for name, value in members(body).items():
        if is_block(value) and name in nested:
            most = nested[name].get("max", 1 if nested[name]["nesting"] == "single" else None)
            if most is not None and len(value) > most:
                yield f"{place}: more than {most} {name}"
            for one in value:
                yield from faults(one, nested[name], f"{place}.{name}", whole=True)
        elif is_block(value) or name not in arguments:
            yield f"{place} has no {name}"
        elif not is_of(value, arguments[name]):
            yield f"{place}.{name} is no {arguments[name]}"
    if whole:
        needed = {*schema.get("required", {}), *(n for n, one in nested.items() if one.get("min"))}
        yield from (f"{place} lacks {name}" for name in sorted(needed - members(body).keys()))


def declared(parsed: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Resources and data sources of a text: kind, type, name and body."""
    for kind in KINDS:
        for one in parsed.get(kind, []):
            for of, named in members(one).items():
                for name, body in members(named).items():
                    yield kind, of.strip('"'), name.strip('"'), body


def refused(text: str) -> list[str]:
    """Everything in a text that Terraform, with the provider, refuses."""
    parsed = hcl2.loads(f"{text}\n")
    made = list(declared(parsed))
    found = []
    for kind, of, name, body in made:
        if of not in SCHEMA[kind]:
            found.append(f"{of} is not in the schema")
            continue
        own = {member: value for member, value in body.items() if member not in META}
        found += faults(own, SCHEMA[kind][of], f"{of}.{name}", whole=True)
    fragment = {
        name: value for name, value in members(parsed).items() if name not in (*KINDS, *OTHERS)
    }
    if fragment:
        owner = _OWNER.search(text)
        kind = next((k for k in KINDS if owner and owner[1] in SCHEMA[k]), None)
        if owner is None or kind is None:
            found.append("a fragment of no resource that is in the schema")
        else:
            found += faults(fragment, SCHEMA[kind][owner[1]], owner[1], whole=False)
    there = {(kind, of, name) for kind, of, name, _ in made}
    for data, of, name, member in _REFERENCE.findall(text):
        kind = "data" if data else "resource"
        if (kind, of, name) not in there:
            found.append(f"{of}.{name} is not declared")
        else:
            schema = SCHEMA[kind][of]
            known = [schema.get(part, {}) for part in ("required", "optional", "exports")]
            if not any(member in part for part in known):
                found.append(f"{of}.{name} has no {member}")
    return found


@pytest.mark.parametrize(("name", "text"), REMEDIES, ids=lambda value: value[:5])
def test_the_provider_takes_the_terraform_of_a_remedy(name: str, text: str) -> None:
    assert refused(text) == []


@pytest.mark.parametrize("text", [ROLE, TAGGED], ids=["page", "tagged"])
def test_the_provider_takes_the_terraform_of_the_role(text: str) -> None:
    assert refused(text) == []
    # Go's regular expressions repeat 1,000 times at most: https://pkg.go.dev/regexp/syntax
    assert all(int(most) <= 1_000 for most in _REPEATED.findall(text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('resource "aws_s3_bucket" "x" {}', "aws_s3_bucket is not in the schema"),
        ('resource "aws_macie2_account" "x" {\n stat = "x"\n}', "aws_macie2_account.x has no stat"),
        (
            'resource "aws_sns_topic_policy" "x" {\n arn = "x"\n}',
            "aws_sns_topic_policy.x lacks policy",
        ),
        (
            'resource "aws_s3_bucket_versioning" "x" {\n bucket = "x"\n}',
            "aws_s3_bucket_versioning.x lacks versioning_configuration",
        ),
        (
            'resource "aws_guardduty_detector" "x" {\n enable = "true"\n}',
            "aws_guardduty_detector.x.enable is no bool",
        ),
        (
            "user_settings {\n action = 1\n} # in aws_appstream_stack",
            "aws_appstream_stack.user_settings.action is no string",
        ),
        (
            "user_settings {\n action = 1\n} # in aws_appstream_stack",
            "aws_appstream_stack.user_settings lacks permission",
        ),
        (
            "application_settings {\n enabled = true\n}\napplication_settings {\n enabled = true\n}\n"
            "# in aws_appstream_stack",
            "aws_appstream_stack: more than 1 application_settings",
        ),
        ("embed_host_domains {\n}\n# in aws_appstream_stack", "has no embed_host_domains"),
        ('embed_host_domains = "x" # in aws_appstream_stack', "is no set(string)"),
        ('tags = ["x"] # in aws_appstream_stack', "is no map(string)"),
        ("x = 1", "a fragment of no resource that is in the schema"),
        (
            'resource "aws_iam_role_policy" "x" {\n role = aws_iam_role.y.id\n policy = "x"\n}',
            "aws_iam_role.y is not declared",
        ),
        (
            'data "aws_partition" "x" {}\nresource "aws_iam_role_policy" "x" {\n role = "x"\n'
            " policy = data.aws_partition.x.json\n}",
            "aws_partition.x has no json",
        ),
    ],
)
def test_what_the_provider_refuses_is_found(text: str, fault: str) -> None:
    assert any(found.endswith(fault) for found in refused(text))


def test_the_schema_has_no_resource_that_nothing_uses() -> None:
    used = " ".join([*(text for _, text in REMEDIES), ROLE])
    every = [name for kind in KINDS for name in SCHEMA[kind]]
    assert [name for name in every if not re.search(rf"\b{name}\b", used)] == []


@pytest.mark.parametrize(("name", "text"), REMEDIES, ids=lambda value: value[:5])
def test_a_text_says_when_the_provider_stops_the_fleet(name: str, text: str) -> None:
    stops = set(hcl2.loads(f"{text}\n")) & {*SCHEMA["stops"]}
    assert bool(stops) == ("Terraform stops the fleet" in text)
