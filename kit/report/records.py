"""The findings as a notebook hands them to the pack: records for machines, and their facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from kit.judge.findings import Finding
from kit.report.columnar import Columnar

Record = dict[str, str]
"""Members of `Finding` by name, all texts; spaces separate the references to evidence."""


class Facts(TypedDict):
    """What is true of all findings of a pack.

    Attributes
    ----------
    account, as_of, ended : str
        The account, and the times (ISO 8601) at which collection began and ended.
    stamp : str or None
        What every page states where the answers did not come from AWS.
    kit, botocore : str
        Versions.
    snapshot, digest : str
        SHA-256 of the snapshot's header and of the findings' identities.
    label_key : str
        Fingerprint of the key with which the labels are made.
    exit_code : int
    data_role : str
        The role under the GDPR that the run declares.
    unused_waivers : str
        A line each.
    gravest_fail : str or None
        The control of the first open point that is a fail.
    """

    account: str
    as_of: str
    ended: str
    stamp: str | None
    kit: str
    botocore: str
    snapshot: str
    digest: str
    label_key: str
    exit_code: int
    data_role: str
    unused_waivers: str
    gravest_fail: str | None


class FindingsData(TypedDict):
    """The findings of a pack, from which the kit writes its files for machines."""

    records: Sequence[Record]
    facts: Facts


def parse_findings(records: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> FindingsData:
    """Return records and facts that a notebook holds, once they are those of findings.

    Raises
    ------
    ValueError
        A fact is missing, or a record is not a finding's.
    """
    missing = Facts.__annotations__.keys() - facts.keys()
    if missing:
        raise ValueError(f"no {', '.join(sorted(missing))} among the facts")
    rows = Columnar.of(records)
    if rows and set(rows.names) != set(Finding.__dataclass_fields__):
        unlike = set(rows.names) ^ set(Finding.__dataclass_fields__)
        raise ValueError(f"the records are not findings: {', '.join(sorted(unlike))}")
    for name in rows.names:
        if not all(isinstance(value, str) for value in rows.column(name)):
            raise ValueError(f"the records are not findings: {name} is not always a text")
    return {"records": rows, "facts": cast(Facts, dict(facts))}


def record_of(finding: Finding) -> Record:
    """Return a finding as a record."""
    return {**vars(finding), "evidence": " ".join(finding.evidence)}


def finding_of(record: Mapping[str, str]) -> Finding:
    """Return the finding of a record.

    Raises
    ------
    KeyError, TypeError
        It is not a record of a finding.
    """
    members = {name: value for name, value in record.items() if name != "evidence"}
    return Finding(**members, evidence=tuple(record["evidence"].split()))
