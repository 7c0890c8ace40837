"""Whether a stored snapshot, evaluated again, gives a pack's verdicts and evidence."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from kit.controls import evaluate
from kit.findings import Finding
from kit.pack.bag import INFO
from kit.pack.evidence import evidence_files
from kit.pack.verify.checks import Check, failed, passed
from kit.pack.verify.contents import Contents, UnreadableError
from kit.pack.verify.findings import EVIDENCE, PARQUET, read_findings
from kit.report.show import data
from kit.snapshot import Snapshot
from kit.tables import tabulate

Record = Mapping[str, Any]
_KEY = ("control", "region", "resource")


def check_against(contents: Contents, info: Mapping[str, str], stored: Snapshot) -> Iterator[Check]:
    """Yield what differs between a pack and what its snapshot gives, finding by finding.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` says.
    stored : Snapshot
        That the pack should have been made from.

    Raises
    ------
    UserError
        The key of the snapshot's labels is not there, so that its labels cannot be compared.
    """
    stated = info.get("Snapshot-SHA-256", "none")
    if stated != stored.digest:
        yield failed(INFO, f"Snapshot-SHA-256 {stored.digest}, of {stored.folder}", stated)
    findings = evaluate(tabulate(stored))
    yield from _findings(contents, data(findings, stored).records)
    if info.get("Findings-SHA-256") != findings.digest:
        told = info.get("Findings-SHA-256", "none")
        yield failed(INFO, f"Findings-SHA-256 {findings.digest}, as evaluated again", told)
    yield from _evidence(contents, stored)


def _findings(contents: Contents, evaluated: list[dict[str, Any]]) -> Iterator[Check]:
    try:
        packed = _by_key(read_findings(contents)[0])
    except ValueError as error:
        yield failed(PARQUET, "a table of findings", str(error))
        return
    again, same = _by_key(evaluated), 0
    for key in sorted(packed.keys() | again.keys()):
        for there, here in zip_longest(packed[key], again[key]):
            if there == here:
                same += 1
            else:
                expected, found = _told(here, there), _told(there, here)
                yield failed(", ".join(key), f"{expected}, as evaluated again", found)
    if same == len(evaluated):
        yield passed(PARQUET, f"{same} findings are found again by evaluating the snapshot")


def _by_key(records: Iterable[Record]) -> dict[tuple[str, ...], list[Record]]:
    found: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        found[tuple(record[name] for name in _KEY)].append(record)
    return found


def _told(record: Record | None, other: Record | None) -> str:
    """The status of a finding and whatever else of it differs."""
    if record is None:
        return "no such finding"
    different = [
        f"{name} {record[name]!r}"
        for name in Finding.__dataclass_fields__
        if name not in (*_KEY, "status") and other and record[name] != other[name]
    ]
    return ", ".join([str(record["status"]), *different])


def _evidence(contents: Contents, stored: Snapshot) -> Iterator[Check]:
    same = wrong = 0
    for name, content in evidence_files(stored):
        path, expected = f"data/{name}", hashlib.sha256(content).hexdigest()
        try:
            found = contents.sha256(path) if path in contents.sizes else "no such file"
        except UnreadableError as error:
            found = f"it {error}"
        if found == expected:
            same += 1
        else:
            wrong += 1
            yield failed(path, f"SHA-256 {expected}, as the snapshot gives it", found)
    if not wrong:
        yield passed(EVIDENCE, f"{same} files are those that the snapshot gives")
