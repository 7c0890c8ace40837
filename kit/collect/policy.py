"""The least-privilege IAM policy and the plan of requests, derived from the declared calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.aws_models import models
from kit.calls import EACH_BUCKET, IAM_PREFIX, Call, Scope

MOST_CHARACTERS = 2_048  # of an inline session policy (AWS STS API Reference, AssumeRole)
DERIVED, AUDIT = "derived", "audit"
_BUCKETS = ("appstream2-36fb080bb8-*", "appstream-app-settings-*", "appstream-logs-*")
# The actions of the kit's calls that the AWS-managed policy SecurityAudit allows on all resources,
# in version 94 of 2026-09-30. AWS publishes the policy in its AWS Managed Policy Reference Guide.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecurityAudit.html
SECURITY_AUDIT = frozenset(
    f"{service}:{operation}"
    for service, operations in {
        "access-analyzer": "ListAnalyzers ListFindings",
        "acm-pca": "DescribeCertificateAuthority",
        "backup": "ListProtectedResources",
        "cloudtrail": "DescribeTrails GetEventSelectors GetTrailStatus ListEventDataStores "
        "LookupEvents",
        "config": "DescribeConfigurationRecorderStatus",
        "events": "ListRules",
        "ec2": "DescribeImageAttribute DescribeRegions DescribeRouteTables DescribeSecurityGroups DescribeVpcEndpoints",
        "account": "GetAlternateContact",
        "guardduty": "GetDetector GetMalwareProtectionPlan ListDetectors ListMalwareProtectionPlans",
        "iam": "GenerateCredentialReport GetAccountAuthorizationDetails "
        "GetAccountPasswordPolicy GetAccountSummary "
        "GetCredentialReport ListOrganizationsFeatures ListSAMLProviders ListVirtualMFADevices",
        "logs": "DescribeLogGroups",
        "kms": "DescribeKey GetKeyPolicy GetKeyRotationStatus ListGrants",
        "organizations": "DescribeOrganization",
        "s3": "GetAccessPointPolicy GetAccountPublicAccessBlock GetBucketLocation "
        "GetBucketLogging GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus "
        "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning "
        "GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration "
        "ListAccessPoints ListAllMyBuckets",
        "tag": "GetResources",
    }.items()
    for operation in operations.split()
)


@dataclass(frozen=True)
class SessionPolicy:
    """The session policies of a role's session: it may do nothing that none of them allows.

    Attributes
    ----------
    form : str
        ``derived``: the kit's policy alone; ``audit``: SecurityAudit, and what that lacks.
    document : str
        The inline policy, as JSON without white space.
    arns : tuple of str
        Managed policies.
    actions : int
        Number of actions that the inline policy allows.
    """

    form: str
    document: str
    arns: tuple[str, ...]
    actions: int

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of ``sts:AssumeRole`` that pass it."""
        arns = {"PolicyArns": [{"arn": arn} for arn in self.arns]} if self.arns else {}
        return {"Policy": self.document, **arns}


def session_policies(
    document: Mapping[str, Any], partition: str = "aws"
) -> tuple[SessionPolicy, ...]:
    """Return the session policies that limit a role's session to a policy, the narrowest first.

    Parameters
    ----------
    document : mapping
        A policy that only allows, as `policy` returns it.
    partition : str

    Returns
    -------
    tuple of SessionPolicy
        Those that are short enough for AWS STS. The later ones are for where AWS's packed form of
        an earlier one, with the session's tags, is too large.

    Notes
    -----
    A session may do what its role's policies allow and at least one of its session policies.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
    """
    groups: dict[tuple[str, ...], set[str]] = {}
    for statement in document["Statement"]:
        groups.setdefault(_many(statement["Resource"]), set()).update(statement["Action"])
    lacking = {where: actions - SECURITY_AUDIT for where, actions in groups.items()}
    derived = _session_policy(DERIVED, groups, ())
    if len(derived.document) > MOST_CHARACTERS:
        derived = _session_policy(DERIVED, groups, (), abbreviated=True)
    audit = _session_policy(AUDIT, lacking, (f"arn:{partition}:iam::aws:policy/SecurityAudit",))
    shorter = len(audit.document) < len(derived.document)
    candidates = (derived, audit) if shorter else (derived,)
    return tuple(each for each in candidates if len(each.document) <= MOST_CHARACTERS)


def _session_policy(
    form: str,
    groups: Mapping[tuple[str, ...], set[str]],
    arns: tuple[str, ...],
    *,
    abbreviated: bool = False,
) -> SessionPolicy:
    statements = [
        {
            "Effect": "Allow",
            "Action": _abbreviated(actions) if abbreviated else sorted(actions),
            "Resource": where[0] if len(where) == 1 else list(where),
        }
        for where, actions in sorted(groups.items())
        if actions
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    count = sum(len(actions) for actions in groups.values())
    return SessionPolicy(form, json.dumps(document, separators=(",", ":")), arns, count)


def _abbreviated(actions: set[str]) -> list[str]:
    """Return patterns that match these actions, and no other operation of their services.

    A pattern has the action's verb and three letters at least. Amazon S3's actions stay whole: they
    are called otherwise than its operations.
    """
    services = {prefix: service for service, prefix in IAM_PREFIX.items() if service != "s3control"}
    listed = set(models().get_available_services())
    patterns = set()
    for action in actions:
        prefix, _, name = action.partition(":")
        service = services.get(prefix, prefix)
        others: set[str] = set()
        if prefix != "s3" and service in listed:
            operations = models().get_service_model(service).operation_names
            others = {name for name in operations if f"{prefix}:{name}" not in actions}
        verb = re.match(r"[A-Z][a-z]+.{3}", name) if others else None
        starts = (name[:end] for end in range(verb.end(), len(name) - 1)) if verb else ()
        start = next((s for s in starts if not any(o.startswith(s) for o in others)), None)
        patterns.add(f"{prefix}:{start}*" if start else action)
    return sorted(patterns)


def _many(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def policy(calls: Iterable[Call], partition: str = "aws") -> dict[str, Any]:
    """Return the identity policy that lets a collector make these calls, and nothing else.

    Parameters
    ----------
    calls : iterable of Call
    partition : str
        aws, aws-us-gov, aws-cn ...

    Returns
    -------
    dict
        An IAM policy document, a statement for each `Need`: what is ``Required``, what is
        ``Fallback`` where another call is refused or lists nothing, and what is ``Informative``.

    Notes
    -----
    The policy names AppStream's own buckets where a call reads no other bucket. Buckets of sources,
    screenshots and trails, keys, trails and authorities are known by reference alone and may lie
    in other accounts: to name them beforehand would be to lose the evidence on them, and a
    pattern of all ARNs of a kind allows as much as ``*``. The lists have no resource to name.
    """
    groups: dict[str, set[str]] = {}
    for call in calls:
        if call.action:
            reach = "Buckets" if call.each == EACH_BUCKET else ""
            groups.setdefault(f"{call.need.value.title()}{reach}", set()).add(call.action)
    buckets = [f"arn:{partition}:s3:::{pattern}" for pattern in _BUCKETS]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Action": sorted(actions),
                "Resource": buckets if sid.endswith("Buckets") else "*",
            }
            for sid, actions in sorted(groups.items(), reverse=True)
        ],
    }


def plan(calls: Iterable[Call]) -> list[dict[str, str]]:
    """Return a row for each call that a run will make: how often, with which permission, and why."""
    return [
        {
            "call": call.name,
            "requested": _frequency(call),
            "action": call.action or "none needed",
            "need": call.need.value,
        }
        for call in sorted(calls, key=lambda call: (call.scope.value, call.name))
    ]


def _frequency(call: Call) -> str:
    if call.fallback_of:
        return f"only where {call.fallback_of.name} is refused or lists nothing"
    if call.each:
        sources = ", ".join(dict.fromkeys(each.source.operation for each in call.each))
        return f"once for each item from {sources}"
    pages = ", to the last page" if call.items and not call.bounded else ""
    pages = ", up to event_pages pages" if call.bounded else pages
    if call.scope is Scope.ACCOUNT:
        return f"once for the account{pages}"
    return f"once for each region{'' if call.probe else ' in use'}{pages}"
