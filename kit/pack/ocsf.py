"""The findings as OCSF events, class Compliance Finding, for security lakes and SIEMs.

OCSF has no words for three of our statuses. Its "Warning" is defined as no result for want of
information, which is our "not evidenced"; "attested" and "not applicable" are its "Other"; what is
"accepted" fails, and its finding's status, not the check's, is "accepted". Our own word
is always in ``status_code`` and among ``unmapped``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import to_json

from kit.aws_models import partition_of
from kit.catalogue.statuses import ACCEPTED, NOT_EVIDENCED, STATUSES
from kit.catalogue.texts import tag
from kit.controls.registry import Control, section_title
from kit.controls.source import requirements
from kit.judge.digest import identifier
from kit.judge.findings import Finding, why
from kit.outputs import scratch
from kit.pack.by_control import (
    Judged,
    Results,
    evidence_path,
    instant,
    is_of_resource,
)
from kit.pack.document import Document
from kit.pack.pieces import array
from kit.report.formats import STATUSES as STATUSES_SHOWN
from kit.report.formats import evidence_ids
from kit.report.records import Facts
from kit.snapshot import TROUBLE

GDPR = "Regulation (EU) 2016/679 (GDPR)"
# Captions of OCSF 1.5, and their numbers.
# https://schema.ocsf.io/1.5.0/classes/compliance_finding
VERSION = "1.5.0"
_OTHER = 99
_CHECKS = {"Pass": 1, "Warning": 2, "Fail": 3, "Other": _OTHER}
_INFORMATIONAL = ("Informational", 1)
_SEVERITY = {"low": ("Low", 2), "medium": ("Medium", 3), "high": ("High", 4)}
_CATEGORY, _CLASS, _CREATE, _NEW, _AWS_ACCOUNT = 2, 2003, 1, 1, 10
CHECK_STATUS = {word: (known.ocsf, _CHECKS[known.ocsf]) for word, known in STATUSES.items()}
_UNMAPPED = ("status", "sample", *TROUBLE)

# Kinds of labels, and their types in CloudFormation, which knows no image.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_AppStream.html
_TYPES = {
    "app-block": "AWS::AppStream::AppBlock",
    "app-block-builder": "AWS::AppStream::AppBlockBuilder",
    "application": "AWS::AppStream::Application",
    "bucket": "AWS::S3::Bucket",
    "directory": "AWS::AppStream::DirectoryConfig",
    "entitlement": "AWS::AppStream::Entitlement",
    "fleet": "AWS::AppStream::Fleet",
    "image-builder": "AWS::AppStream::ImageBuilder",
    "pool-user": "AWS::AppStream::User",
    "role": "AWS::IAM::Role",
    "saml-provider": "AWS::IAM::SAMLProvider",
    "stack": "AWS::AppStream::Stack",
    "trail": "AWS::CloudTrail::Trail",
    "user": "AWS::IAM::User",
}
# Tables of which each row is of one kind.
_TABLES = {
    "buckets": "bucket",
    "directories": "directory",
    "entitlements": "entitlement",
    "fleets": "fleet",
    "pool_users": "pool-user",
    "sources": "bucket",
    "screenshots": "bucket",
    "service_roles": "role",
    "stacks": "stack",
    "trails": "trail",
    "users": "user",
}
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonappstream2.0.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_ARNS = {
    "bucket": "arn:{partition}:s3:::{name}",
    "fleet": "arn:{partition}:appstream:{region}:{account}:fleet/{name}",
    "stack": "arn:{partition}:appstream:{region}:{account}:stack/{name}",
}
_LABEL = re.compile(r"([A-Za-z]+(?:-[A-Za-z]+)*)-[a-z2-7]{10}(?![A-Za-z0-9-])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")


JSON, LINES = "ocsf-findings.json", "ocsf-findings.ndjson"


def ocsf_files(made: Document, results: Results) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the name and the content of both files of `ocsf`, of which the first is read first.

    Parameters
    ----------
    made : Document
    results : Results
    """
    with scratch() as folder, (folder / LINES).open("w+b") as stored:

        def kept() -> Iterator[bytes]:
            for line in ocsf(made, results, lines=True):
                stored.write(line)
                yield line

        yield JSON, _listed(kept())
        stored.seek(0)
        yield LINES, stored


def ocsf(made: Document, results: Results, *, lines: bool = False) -> Iterator[bytes]:
    """Yield the findings as OCSF Compliance Findings, the lines of a JSON file.

    Parameters
    ----------
    made : Document
        Of the executed notebook: its marks, and where its controls stand.
    results : Results
        Its findings.
    lines : bool
        Without the array around them: an event in each line (NDJSON).

    Yields
    ------
    bytes
        Of an array with an event, a line each, for each finding of a control, none for roll-ups;
        names in alphabetical order, the same bytes for the same input. ``finding_info.uid`` is
        that of the observation in the OSCAL file and the same in later packs of the account,
        ``metadata.uid`` is the event's own.
    """
    events = (to_json(event) + b"\n" for event in _events(made, results))
    yield from events if lines else _listed(events)


def _listed(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield events, a line each, as an array."""
    yield from array((line[:-1] for line in lines), between=b",\n")
    yield b"\n"


def _events(made: Document, results: Results) -> Iterator[dict[str, Any]]:
    for entry in results.judged:
        if isinstance(entry.control, Control):
            of_control = _OfControl(made, results.facts, entry)
            for finding, key in entry.keyed:
                yield of_control.event(finding, key)


class _OfControl:
    """Makes the events of a control's findings, which share what is the control's."""

    def __init__(self, made: Document, facts: Facts, entry: Judged):
        assert isinstance(entry.control, Control)
        self.facts, self.entry, self.control = facts, entry, entry.control
        self.time = _milliseconds(facts["as_of"])
        self.section = section_title(self.control.section)
        self.page = made.controls.get(self.control.id)
        self.title = self.control.title
        tested = [own for own in requirements(self.control.id) if own.tested]
        # What a finding states besides has its place here: the encoder keeps the order of members.
        self.compliance = {
            "category": self.section,
            "control": f"{self.control.id}: {self.title}",
            "desc": "",
            "requirements": [
                *(f"GDPR Article {article}" for article in entry.articles),
                *(f"{own.framework} {own.number}" for own in tested),
            ],
            "standards": [GDPR, *dict.fromkeys(own.framework for own in tested)],
        }
        self.metadata = _present(
            correlation_uid=facts["digest"],
            event_code=self.control.id,
            labels=made.marks or None,
            product={
                "lang": tag()[0],
                "name": "AppStream Evidence Kit",
                "vendor_name": "AppStream Evidence Kit",
                "version": facts["kit"],
            },
            profiles=["cloud"],
            uid="",
            version=VERSION,
        )
        self.account = {
            "name": facts["account"],
            "type": "AWS Account",
            "type_id": _AWS_ACCOUNT,
            "uid": facts["account"],
        }

    def event(self, finding: Finding, key: str) -> dict[str, Any]:
        """Return the event of a finding, its names in alphabetical order."""
        facts, control = self.facts, self.control
        status, region = finding.status, finding.region
        listed = STATUSES[status].listed
        severity, number = _SEVERITY[finding.severity] if listed else _INFORMATIONAL
        accepted = status == ACCEPTED
        event = identifier(facts["snapshot"], facts["digest"], "event", key)
        return _present(
            activity_id=_CREATE,
            activity_name="Create",
            category_name="Findings",
            category_uid=_CATEGORY,
            class_name="Compliance Finding",
            class_uid=_CLASS,
            cloud=_present(
                account=self.account, provider="AWS", region=None if region == "global" else region
            ),
            compliance=self.compliance | _check(finding),
            finding_info=_present(
                created_time=self.time,
                data_sources=[evidence_path(ref) or ref for ref in evidence_ids(finding.evidence)],
                desc=finding.observed or None,
                first_seen_time=_milliseconds(finding.since) if finding.since else None,
                title=self.title,
                types=[self.section],
                uid=identifier(facts["account"], "observation", key),
            ),
            message=f"{control.id}, {finding.resource}: {STATUSES_SHOWN[status].word}",
            metadata=self.metadata | {"uid": event},
            remediation=self._remediation(finding) if listed else None,
            resources=[_resource(control, finding)],
            severity=severity,
            severity_id=number,
            status=ACCEPTED if accepted else "New",
            status_code=status,
            status_detail=why(finding) or None,
            status_id=_OTHER if accepted else _NEW,
            time=self.time,
            type_name="Compliance Finding: Create",
            type_uid=_CLASS * 100 + _CREATE,
            unmapped=_unmapped(control, finding),
        )

    def _remediation(self, finding: Finding) -> dict[str, Any]:
        """Return the remediation of a fail or a gap, with the control's place in the document."""
        if finding.status == NOT_EVIDENCED:
            desc = finding.hint or why(finding)
        else:
            desc = " ".join(
                f"{remedy.brief} AWS CLI: {remedy.script}" if remedy.script else remedy.brief
                for remedy in self.entry.remedies(finding)
            )
        references = [f"evidence.html#{self.page}"] if self.page else None
        return _present(desc=desc, references=references)


def _present(**members: Any) -> dict[str, Any]:
    """Return an object of the members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def _unmapped(control: Control, finding: Finding) -> dict[str, Any]:
    members = {name: value for name in _UNMAPPED if (value := getattr(finding, name))}
    members |= {"evidence": finding.evidence, "responsibility": control.responsibility}
    return dict(sorted(members.items()))


def _check(finding: Finding) -> dict[str, Any]:
    caption, number = CHECK_STATUS[finding.status]
    return {
        "desc": finding.expected,
        "status": finding.status if number == _OTHER else caption,
        "status_id": number,
    }


def _resource(control: Control, finding: Finding) -> dict[str, Any]:
    if not is_of_resource(finding):
        return {"type": "account", "uid": finding.account}
    region = None if finding.region == "global" else finding.region
    kind, uid = _identified(control, finding)
    return _present(name=finding.resource, region=region, type=kind, uid=uid)


def _identified(control: Control, finding: Finding) -> tuple[str, str]:
    """Return the type of a resource, as CloudFormation names it, and its ARN or its label.

    The type is the kit's own noun where CloudFormation has none. An ARN is written where the
    findings show a name in clear, and the account, region and name make the ARN.
    """
    resource = finding.resource
    label = _LABEL.match(resource)
    labelled = label[1].lower() if label else ""
    kind = _TABLES.get(control.table, labelled)
    form = _ARNS.get(kind)
    if form is None or labelled == kind or not _NAME.fullmatch(resource):
        return _TYPES.get(kind, control.noun), resource
    partition = partition_of(finding.region) or "aws"
    arn = form.format(
        partition=partition, region=finding.region, account=finding.account, name=resource
    )
    return _TYPES[kind], arn


def _milliseconds(time: str) -> int:
    return int(instant(time).timestamp() * 1000)
