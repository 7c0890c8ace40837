"""The result within OSCAL assessment results: subjects, observations, risks, findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from kit.catalogue.statuses import ACCEPTED, ATTESTED, FAIL, NOT_APPLICABLE, STATUSES
from kit.catalogue.texts import text
from kit.controls.articles import cited
from kit.controls.registry import Control
from kit.judge.digest import identifier
from kit.judge.findings import Finding, remedies_of, why
from kit.pack.by_control import (
    Judged,
    evidence_path,
    instant,
    is_of_resource,
)
from kit.pack.oscal_catalog import objective
from kit.pack.oscal_words import filled, line, plain, props, prose, time
from kit.report.formats import STATUSES as STATUSES_SHOWN
from kit.report.formats import articles, counts, evidence_ids
from kit.report.records import Facts
from kit.report.views import JSON
from kit.snapshot import TROUBLE

_OSCAL = "http://csrc.nist.gov/ns/oscal"
_PROPERTIES = ("status", "severity", "region", "sample", *TROUBLE)
_UNTIL = re.compile(r"until (\d{4}-\d\d-\d\d)\)$")


def method_of(findings: Sequence[Finding]) -> str:
    """Return OSCAL's word: what is attested or declared was examined, all else was tested."""
    read = all(
        finding.status == ATTESTED or evidence_ids(finding.evidence[:1]) == ["parameters"]
        for finding in findings
    )
    return "EXAMINE" if read else "TEST"


class Result:
    """The findings of a run in OSCAL.

    Parameters
    ----------
    facts : dict
        Of the findings: account, times, kit, digests.
    judged : list of Judged
        Every control and roll-up with its findings.
    times : dict of str to str
        When each request was sent, by evidence id.
    """

    def __init__(self, facts: Facts, judged: list[Judged], times: Mapping[str, str]):
        self.facts = facts
        self.times = times
        self.judged = judged
        self.leaves = [entry for entry in judged if isinstance(entry.control, Control)]
        self.account = self.lasting("account")
        self.tool = self.lasting("tool")
        self.origin = {"actors": [{"type": "tool", "actor-uuid": self.tool}]}

    def uuid(self, *parts: str) -> str:
        """Return the identifier of a part of this run: new in each run, equal whenever it is made."""
        return identifier(self.facts["snapshot"], self.facts["digest"], *parts)

    def lasting(self, *parts: str) -> str:
        """Return the identifier of a subject of the account: the same in every run.

        References
        ----------
        NIST, OSCAL, "Identifier Use": a subject keeps its UUID across revisions and documents.
        """
        return identifier(self.facts["account"], *parts)

    def as_json(self, title: str) -> JSON:
        """Return the result."""
        account = self.facts["account"]
        return filled(
            {
                "uuid": self.uuid("result"),
                "title": line(title),
                "description": prose(text("pack/oscal/result", account=account)),
                "start": time(self.facts["as_of"]),
                "end": time(self.facts["ended"]),
                "local-definitions": self._definitions(),
                "reviewed-controls": self.reviewed_controls(),
                "observations": (  # at least one of every control
                    self._observation(finding, key)
                    for entry in self.leaves
                    for finding, key in entry.keyed
                ),
                "risks": list(chain(*self.risks.values())),
                "findings": [self._finding(entry) for entry in self.judged],
            }
        )

    def reviewed_controls(self) -> JSON:
        """Return the selection of what was judged, of the catalog's controls and objectives."""
        names = [entry.control.id for entry in self.judged]
        return {
            "control-selections": [{"include-controls": [{"control-id": name} for name in names]}],
            "control-objective-selections": [
                {"include-objectives": [{"objective-id": objective(name)} for name in names]}
            ],
        }

    def service(self) -> JSON:
        """Return the component that is assessed: the service in the account."""
        return {
            "uuid": self.account,
            "type": "service",
            "title": text("pack/oscal/service/title", account=self.facts["account"]),
            "description": text("pack/oscal/service/description"),
            "status": {
                "state": "other",
                "remarks": text("pack/oscal/service/remarks"),
            },
        }

    def assets(self) -> JSON:
        """Return what assesses: the kit."""
        return {
            "components": [
                {
                    "uuid": self.tool,
                    "type": "software",
                    "title": "AppStream Evidence Kit",
                    "description": text("pack/oscal/tool"),
                    "props": [{"name": "version", "value": plain(self.facts["kit"])}],
                    "status": {"state": "operational"},
                }
            ],
            "assessment-platforms": [
                {
                    "uuid": self.lasting("platform"),
                    "title": text("pack/oscal/platform"),
                    "uses-components": [{"component-uuid": self.tool}],
                }
            ],
        }

    def _definitions(self) -> JSON:
        findings = chain.from_iterable(entry.findings for entry in self.leaves)
        items = {(f.region, f.resource): f for f in findings if is_of_resource(f)}
        return filled(
            {
                "components": [self.service()],
                "inventory-items": map(self._item, items.values()) if items else [],
                "assessment-assets": self.assets(),
            }
        )

    def _item(self, finding: Finding) -> JSON:
        """Return a finding's resource, which exists and was seen, as an inventory item."""
        region, label = finding.region, finding.resource
        return {
            "uuid": self._subject(region, label),
            "description": prose(label),
            "props": [{"name": "asset-id", "value": plain(label)}, *props({"region": region})],
        }

    def _subject(self, region: str, label: str) -> str:
        return self.lasting("item", region, label)

    def _observation(self, finding: Finding, key: str) -> JSON:
        subject = {"subject-uuid": self.account, "type": "component"}
        if is_of_resource(finding):
            item = self._subject(finding.region, finding.resource)
            subject = {"subject-uuid": item, "type": "inventory-item"}
        return {
            "uuid": self.lasting("observation", key),
            "title": line(f"{finding.control}: {finding.resource}"),
            "description": prose(_description(finding)),
            "props": props({name: getattr(finding, name) for name in _PROPERTIES}),
            "methods": [method_of([finding])],
            "types": ["control-objective"],
            "origins": [self.origin],
            "subjects": [subject],
            "relevant-evidence": _evidence(finding.evidence, self.times),
            "collected": time(self._collected(finding)),
        }

    def _collected(self, finding: Finding) -> str:
        """Return when the kit sent the last of the requests that a finding rests on.

        What rests on the run's parameters alone was there when collection began.
        """
        sent = [self.times[name] for name in evidence_ids(finding.evidence) if evidence_path(name)]
        return max(sent, key=instant, default=str(self.facts["as_of"]))

    def _finding(self, entry: Judged) -> JSON:
        control, risks = entry.control, self.risks.get(entry.control.id, [])
        leaf = isinstance(control, Control)
        state = dict(STATUSES[entry.status].oscal)
        remarks = STATUSES[entry.status].remarks
        if remarks:
            state["remarks"] = remarks
        counted = counts(entry.counts) + (f" ({entry.beside})" if entry.beside else "")
        target: dict[str, Any] = {
            "type": "objective-id",
            "target-id": objective(control.id),
            "status": state,
        }
        if entry.status == NOT_APPLICABLE:
            target["implementation-status"] = {"state": "not-applicable", "remarks": remarks}
        return filled(
            {
                "uuid": self.lasting("finding", control.id),
                "title": line(f"{control.id}: {control.title}"),
                "description": prose(
                    text("pack/oscal/findings", counts=counted)
                    if leaf
                    else entry.findings[0].observed
                ),
                "props": props({"status": entry.status} if leaf else _verdict(entry.findings[0])),
                "origins": [self.origin],
                "target": target,
                "related-observations": self._related(entry.keys if leaf else []),
                "related-risks": [{"risk-uuid": risk["uuid"]} for risk in risks],
            }
        )

    @cached_property
    def risks(self) -> dict[str, list[JSON]]:
        """A risk for the fails of each control, and a risk for each reason to accept fails."""
        return {
            entry.control.id: self._risks(entry.control, entry)
            for entry in self.leaves
            if isinstance(entry.control, Control)
        }

    def _risks(self, control: Control, entry: Judged) -> list[JSON]:
        failed = [finding for finding, _ in entry.keyed if finding.status == FAIL]
        remedies = remedies_of(control, failed)
        remedy = {
            "uuid": self.lasting("remedy", control.id),
            "lifecycle": "recommendation",
            "title": text("pack/page/remediation"),
            "description": prose("\n\n".join(remedy.brief for remedy in remedies)),
            "props": [{"name": "type", "value": "mitigate"}],
            "remarks": "\n\n".join(
                f"```\n{remedy.script}\n```" for remedy in remedies if remedy.script
            ),
        }
        failing = [key for finding, key in entry.keyed if finding.status == FAIL]
        risks = [self._risk(control, failing, "open", "", remedy)] if failing else []
        accepted: dict[str, list[str]] = {}
        for finding, key in entry.keyed:
            if finding.status == ACCEPTED:
                accepted.setdefault(finding.reason, []).append(key)
        for reason, keys in accepted.items():
            waiver = {
                "uuid": self.lasting("waiver", control.id, reason),
                "lifecycle": "planned",
                "title": text("pack/oscal/accepted"),
                "description": prose(reason),
                "props": [{"name": "type", "value": "accept"}],
            }
            risks.append(self._risk(control, keys, "deviation-approved", reason, waiver))
        return risks

    def _risk(
        self, control: Control, keys: list[str], status: str, accepted: str, response: JSON
    ) -> JSON:
        until = _UNTIL.search(accepted)
        facet = {"name": "severity", "system": _OSCAL, "value": control.severity}
        return filled(
            {
                "uuid": self.lasting("risk", control.id, status, accepted),
                "title": line(text("pack/oscal/risk", control=control.id, assertion=control.title)),
                "description": text(
                    "pack/oscal/findings",
                    counts=counts({ACCEPTED if accepted else FAIL: len(keys)}),
                ),
                "statement": prose(
                    "; ".join(articles(cited(control.gdpr, self.facts["data_role"])))
                    or control.title  # of a control that tests nothing of this side's
                ),
                "props": [{"name": "accepted", "value": "true"}] if accepted else [],
                "status": status,
                "origins": [self.origin],
                "characterizations": [{"origin": self.origin, "facets": [facet]}],
                "deadline": f"{until[1]}T23:59:59Z" if until else "",
                "remediations": [filled(response)],
                "related-observations": self._related(keys),
            }
        )

    def _related(self, keys: list[str]) -> Iterable[JSON]:
        ids = (self.lasting("observation", key) for key in keys)
        return ({"observation-uuid": id} for id in ids) if keys else ()


def _verdict(finding: Finding) -> JSON:
    return {"status": finding.status, "severity": finding.severity}


def _description(finding: Finding) -> str:
    """Return what was observed, after what was read of a sample."""
    if finding.sample:
        return f"{why(finding)}. {finding.observed}"
    return finding.observed or why(finding) or STATUSES_SHOWN[finding.status].word


def _evidence(refs: Sequence[str], times: Mapping[str, str]) -> list[JSON]:
    """Return the stored answers that a finding rests on, each with the members that were read."""
    members: dict[str, list[str]] = {}
    for ref in refs:
        name, _, pointer = ref.partition("#")
        members.setdefault(name, []).append(pointer)
    evidence = []
    for name, pointers in members.items():
        read = ", ".join(filter(None, pointers)) or text("pack/oscal/whole")
        if path := evidence_path(name):
            answer = text("pack/oscal/answer", id=name, members=read)
            sent = props({"collected": time(times[name])})
            evidence.append({"href": path, "description": prose(answer), "props": sent})
        else:
            given = text("pack/oscal/given", name=name.capitalize(), members=read)
            evidence.append({"description": prose(given)})
    return evidence
