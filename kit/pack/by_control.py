"""The findings of a pack grouped by control, as the files for machines want them."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from kit.catalogue.statuses import STATUSES, WORST_FIRST
from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.articles import cited
from kit.controls.registry import Control, Remedy, RollUp
from kit.judge.digest import RESOURCE, finding_keys
from kit.judge.findings import Finding, made_by, remedies_of, samples, worst
from kit.report.records import Facts, FindingsData, finding_of

_STORED = re.compile(r"[EO]\d+")


@dataclass(frozen=True)
class Judged:
    """A control or a roll-up, and its findings.

    Attributes
    ----------
    control : Control or RollUp
    findings : list of Finding
        In the order of the pack; a roll-up has a single finding.
    keys : list of str
        The key of each finding: unique in the account, and the same in its other packs.
    data_role : str
        The role under the GDPR that the run declares.
    """

    control: Control | RollUp
    findings: list[Finding]
    keys: list[str]
    data_role: str

    @property
    def keyed(self) -> list[tuple[Finding, str]]:
        """Return each finding with its key."""
        return list(zip(self.findings, self.keys, strict=True))

    @cached_property
    def articles(self) -> dict[str, str]:
        """Articles that the control tests, of those that bind the role, and why."""
        return cited(self.control.gdpr, self.data_role)

    @cached_property
    def context(self) -> dict[str, str]:
        """Articles that its subject touches, and that it does not test."""
        return cited(self.control.context, self.data_role)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Findings by status, the worst first."""
        counted = Counter(finding.status for finding in self.findings)
        return {status: counted[status] for status in WORST_FIRST if counted[status]}

    def remedies(self, finding: Finding) -> list[Remedy]:
        """Return the remedies of one of the findings, as `remedies_of` does, each made once."""
        assert isinstance(self.control, Control)
        key = finding.remedies if STATUSES[finding.status].listed else ""
        if key not in self._remedies:
            self._remedies[key] = [*remedies_of(self.control, [finding])]
        return self._remedies[key]

    @cached_property
    def _remedies(self) -> dict[str, list[Remedy]]:
        return {}

    @property
    def severity(self) -> str:
        """Return the control's severity, or the severity of what made a roll-up, if anything."""
        if isinstance(self.control, Control):
            return self.control.severity
        return self.findings[0].severity

    @property
    def beside(self) -> str:
        """Return what qualifies the verdict: a roll-up's severity and source, or a control's sample."""
        if isinstance(self.control, RollUp):
            return made_by(self.findings[0].observed)
        return samples([finding.sample for finding in self.findings])

    @property
    def status(self) -> str:
        """Return the worst status of the findings."""
        return worst(self.counts)


@dataclass(frozen=True)
class Results:
    """The findings of a pack by control: what several of its files are made from.

    Attributes
    ----------
    facts : dict
        Of the findings.
    judged : list of Judged
        In order of the controls' ids.
    """

    facts: Facts
    judged: list[Judged]


def by_control(data: FindingsData) -> Results:
    """Group the findings of `kit.pack.document.findings_data`."""
    grouped: dict[str, list[Finding]] = {}
    for record in data["records"]:
        grouped.setdefault(record["control"], []).append(finding_of(record))
    known: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    role = data["facts"]["data_role"]
    keys = {name: finding_keys(map(vars, some)) for name, some in grouped.items()}
    judged = [Judged(known[name], grouped[name], keys[name], role) for name in sorted(grouped)]
    return Results(data["facts"], judged)


def evidence_path(name: str) -> str:
    """Return the path of the answer with this id, beside the findings; empty for other names."""
    return f"evidence/{name}.json" if _STORED.fullmatch(name) else ""


def is_of_resource(finding: Finding) -> bool:
    """Return whether a finding's resource exists and was seen."""
    return finding.subject == RESOURCE


def instant(text: str) -> dt.datetime:
    """Read a time of the facts, in UTC."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
