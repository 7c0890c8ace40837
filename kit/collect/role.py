"""The collector's role, as CloudFormation and Terraform make it: derived from the declared calls.

Both name the partition by what the tool knows of the account, so that a template is right in every
partition. Whom the role trusts, and with which external id, are parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from kit.calls import Call
from kit.collect.policy import policy
from kit.errors import CannotRunError

# Without white space. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_INLINE, MOST_MANAGED = 10_240, 6_144
SHORTEST, LONGEST = 3_600, 43_200  # seconds; IAM API Reference, CreateRole, MaxSessionDuration
# IAM API Reference, CreateRole; AWS STS API Reference, AssumeRole, ExternalId
PRINCIPAL = "^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/.+)$"
# No {2,1224}: Terraform refuses a regular expression that repeats more than 1,000 times.
# https://developer.hashicorp.com/terraform/language/functions/regex, https://pkg.go.dev/regexp/syntax
EXTERNAL_ID = "^[A-Za-z0-9_+=,.@:/-]+$"
LEAST_ID, MOST_ID = 2, 1_224  # characters of an external ID
NAME = "^[A-Za-z0-9_+=,.@-]{1,64}$"
_POLICY = "evidence"
_PARTITION = "${data.aws_partition.current.partition}"
_TEXTS = {
    "role": "Reads the configuration of AppStream for evidence packs; it can change nothing.",
    "principal": "ARN of the role, user or account that may assume the role.",
    "external_id": "What whoever assumes the role has to give: external_id in the parameters.",
    "name": "Name of the role.",
    "duration": "Longest session in seconds. The kit's own sessions last an hour at most.",
    "units": "Organizational units, or the root, whose accounts get the role.",
    "caller": "DELEGATED_ADMIN in the account of a delegated administrator of CloudFormation.",
}


class RoleFacts(NamedTuple):
    """What a run states of its role.

    Attributes
    ----------
    name, path : str
        Of the role; an ARN has both.
    external_id : str
        Empty if the run gives none: whoever makes the role chooses.
    tags : tuple of str
        Keys of the tags of the role's session.
    """

    name: str = "EvidenceReader"
    path: str = "/"
    external_id: str = ""
    tags: tuple[str, ...] = ()


def role_facts(role_arn: str, external_id: str, tags: Iterable[str]) -> RoleFacts:
    """Return what a run states of its role, with defaults for what it leaves out."""
    facts = RoleFacts(external_id=external_id, tags=tuple(sorted(tags)))
    if not role_arn:
        return facts
    path, _, name = role_arn.partition(":role")[2].rpartition("/")
    return facts._replace(name=name, path=f"{path}/")


def cloudformation(calls: Iterable[Call], facts: RoleFacts | None = None) -> str:
    """Return a CloudFormation template, in YAML, of the role that may make these calls.

    Raises
    ------
    CannotRunError
        The policy is too long for a role.
    """
    return _yaml(_role_template(calls, facts or RoleFacts()))


def stack_set(calls: Iterable[Call], facts: RoleFacts | None = None) -> str:
    """Return a CloudFormation template, in YAML, of a StackSet of the role in many accounts.

    Raises
    ------
    CannotRunError
        The policy is too long for a role.

    Notes
    -----
    AWS makes the role in accounts that join later, too. A StackSet does not reach the
    organisation's management account.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-orgs-associate-stackset-with-org.html
    """
    template = _role_template(calls, facts or RoleFacts())
    own = template["Parameters"]
    properties = {
        "StackSetName": {"Ref": "AWS::StackName"},
        "Description": _TEXTS["role"],
        "PermissionModel": "SERVICE_MANAGED",
        "CallAs": {"Ref": "CallAs"},
        "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": False},
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "OperationPreferences": {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 100},
        "Parameters": [{"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in own],
        "StackInstancesGroup": [
            {
                "DeploymentTargets": {"OrganizationalUnitIds": {"Ref": "OrganizationalUnitIds"}},
                "Regions": [{"Ref": "AWS::Region"}],  # of any: a role is in all of them
            }
        ],
        "TemplateBody": json.dumps(template, indent=1) + "\n",
    }
    return _yaml(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": _TEXTS["role"],
            "Parameters": {
                **own,
                "OrganizationalUnitIds": {
                    "Type": "CommaDelimitedList",
                    "Description": _TEXTS["units"],
                },
                "CallAs": {
                    "Type": "String",
                    "Description": _TEXTS["caller"],
                    "Default": "SELF",
                    "AllowedValues": ["SELF", "DELEGATED_ADMIN"],
                },
            },
            "Resources": {
                "EvidenceReaders": {
                    "Type": "AWS::CloudFormation::StackSet",
                    "Properties": properties,
                }
            },
        }
    )


def terraform(calls: Iterable[Call], facts: RoleFacts | None = None) -> str:
    """Return the Terraform of the role that may make these calls.

    Raises
    ------
    CannotRunError
        The policy is too long for a role.
    """
    facts = facts or RoleFacts()
    document = _policy(calls, _PARTITION)
    default = f"  default     = {_hcl(facts.external_id)}\n" if facts.external_id else ""
    statements = "\n".join(
        f"  statement {{\n    sid = {_hcl(statement['Sid'])}\n\n"
        f"    actions = {_hcl_list(statement['Action'])}\n\n"
        f"    resources = {_hcl_list(_list(statement['Resource']))}\n  }}\n"
        for statement in document["Statement"]
    )
    tags = f"""
  statement {{
    sid     = "Tags"
    actions = ["sts:TagSession"]
    principals {{
      type        = "AWS"
      identifiers = [var.trusted_principal]
    }}
    condition {{
      test     = "ForAllValues:StringEquals"
      variable = "aws:TagKeys"
      values   = [{", ".join(map(_hcl, facts.tags))}]
    }}
  }}
"""
    return f"""\
variable "trusted_principal" {{
  type        = string
  description = "{_TEXTS["principal"]}"
  validation {{
    condition     = can(regex("{PRINCIPAL}", var.trusted_principal))
    error_message = "Write an ARN, such as arn:aws:iam::012345678901:role/Auditors."
  }}
}}

variable "external_id" {{
  type        = string
  description = "{_TEXTS["external_id"]}"
{default}  validation {{
    condition = alltrue([
      can(regex("{EXTERNAL_ID}", var.external_id)),
      length(var.external_id) >= {LEAST_ID},
      length(var.external_id) <= {MOST_ID},
    ])
    error_message = "Write {LEAST_ID} to {MOST_ID:,} letters, digits and _+=,.@:/-."
  }}
}}

variable "role_name" {{
  type        = string
  description = "{_TEXTS["name"]}"
  default     = {_hcl(facts.name)}
}}

variable "max_session_duration" {{
  type        = number
  description = "{_TEXTS["duration"]}"
  default     = {SHORTEST}
  validation {{
    condition     = var.max_session_duration >= {SHORTEST} && var.max_session_duration <= {LONGEST}
    error_message = "Write {SHORTEST} to {LONGEST} seconds."
  }}
}}

data "aws_partition" "current" {{}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    sid     = "Assume"
    actions = ["sts:AssumeRole"]
    principals {{
      type        = "AWS"
      identifiers = [var.trusted_principal]
    }}
    condition {{
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }}
  }}
{tags if facts.tags else ""}}}

data "aws_iam_policy_document" "evidence" {{
{statements}}}

resource "aws_iam_role" "evidence" {{
  name                 = var.role_name
  path                 = {_hcl(facts.path)}
  description          = "{_TEXTS["role"]}"
  max_session_duration = var.max_session_duration
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}}

resource "aws_iam_role_policy" "evidence" {{
  name   = "{_POLICY}"
  role   = aws_iam_role.evidence.id
  policy = data.aws_iam_policy_document.evidence.json
}}

output "role_arn" {{
  value = aws_iam_role.evidence.arn
}}
"""


def _role_template(calls: Iterable[Call], facts: RoleFacts) -> dict[str, Any]:
    trusted = {"AWS": {"Ref": "TrustedPrincipal"}}
    trust: list[dict[str, Any]] = [
        {
            "Sid": "Assume",
            "Effect": "Allow",
            "Principal": trusted,
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
        }
    ]
    if facts.tags:
        trust.append(
            {
                "Sid": "Tags",
                "Effect": "Allow",
                "Principal": trusted,
                "Action": "sts:TagSession",
                "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": list(facts.tags)}},
            }
        )
    properties = {
        "RoleName": {"Ref": "RoleName"},
        "Path": facts.path,
        "Description": _TEXTS["role"],
        "MaxSessionDuration": {"Ref": "MaxSessionDuration"},
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
        "Policies": [
            {
                "PolicyName": _POLICY,
                "PolicyDocument": _substituted(_policy(calls, "${AWS::Partition}")),
            }
        ],
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _TEXTS["role"],
        "Parameters": {
            "TrustedPrincipal": {
                "Type": "String",
                "Description": _TEXTS["principal"],
                "AllowedPattern": PRINCIPAL,
            },
            "ExternalId": {
                "Type": "String",
                "Description": _TEXTS["external_id"],
                "AllowedPattern": EXTERNAL_ID,
                "MinLength": LEAST_ID,
                "MaxLength": MOST_ID,
                **({"Default": facts.external_id} if facts.external_id else {}),
            },
            "RoleName": {
                "Type": "String",
                "Description": _TEXTS["name"],
                "AllowedPattern": NAME,
                "Default": facts.name,
            },
            "MaxSessionDuration": {
                "Type": "Number",
                "Description": _TEXTS["duration"],
                "MinValue": SHORTEST,
                "MaxValue": LONGEST,
                "Default": SHORTEST,
            },
        },
        "Resources": {"EvidenceReader": {"Type": "AWS::IAM::Role", "Properties": properties}},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["EvidenceReader", "Arn"]}}},
    }


def _policy(calls: Iterable[Call], partition: str) -> dict[str, Any]:
    document = policy(calls, partition)
    length = len(json.dumps(document, separators=(",", ":")))
    if length > MOST_INLINE:
        raise CannotRunError(
            f"the policy has {length:,} characters, and a role takes {MOST_INLINE:,} at most; "
            "choose fewer controls, and make a role for each choice"
        )
    return document


def _substituted(value: Any) -> Any:
    """Return a document in which CloudFormation fills in what a text names."""
    if isinstance(value, Mapping):
        return {name: _substituted(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_substituted(part) for part in value]
    return {"Fn::Sub": value} if "${" in value else value


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _hcl_list(values: list[str]) -> str:
    """Return texts as HCL has them in a statement, as `terraform fmt` leaves them."""
    if len(values) == 1:
        return f"[{_hcl(values[0])}]"
    lines = "".join(f"      {_hcl(value)},\n" for value in values)
    return f"[\n{lines}    ]"


def _hcl(value: str) -> str:
    """Return a text as HCL has it; of interpolations the partition alone stays."""
    quoted = json.dumps(value, ensure_ascii=False)
    for sign in "$%":
        quoted = quoted.replace(f"{sign}{{", f"{sign}{sign}{{")
    return quoted.replace(f"${_PARTITION}", _PARTITION)


class _Dumper(yaml.SafeDumper):
    """Writes texts of many lines as they are, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(template: Mapping[str, Any]) -> str:
    return yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=1_000, allow_unicode=True)
