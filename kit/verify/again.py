"""Whether a stored snapshot, evaluated again, gives a pack's verdicts and evidence."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from itertools import zip_longest
from typing import Any, NamedTuple

import pyarrow as pa

from kit.bag import INFO
from kit.catalogue import texts
from kit.judge import evaluate
from kit.judge.digest import identity
from kit.pack.evidence import evidence_files
from kit.pack.tabular import findings_parquet
from kit.report.show import data
from kit.snapshot import Snapshot
from kit.tables import tabulate
from kit.verify.checks import Check, failed, noted, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import is_earlier, read_findings
from kit.verify.kinds import CSV, EVIDENCE, PARQUET

Record = Mapping[str, Any]


class _Placed(NamedTuple):
    """A finding, and what of it has to be found again: identity, severity, what it rests on."""

    record: Record
    compared: dict[str, Any]


Placed = dict[tuple[str, ...], list[_Placed]]
_PLACE = ("control", "region", "subject", "resource")
_AGENT = "Bag-Software-Agent"
_WRITER = f"parquet-cpp-arrow version {pa.__version__}".encode()


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
        The key of the snapshot's labels, or the file of its language, is not there.
    """
    stated = info.get("Snapshot-SHA-256", "none")
    if stated != stored.digest:
        yield failed(INFO, f"Snapshot-SHA-256 {stored.digest}, of {stored.folder}", stated)
    texts.choose(stored.run.language)
    findings = evaluate(tabulate(stored))
    made = data(findings, stored).as_json()
    try:
        records = read_findings(contents)
        if not is_earlier(records):
            packed = _by_place(records)
    except (ValueError, RecursionError) as error:
        yield failed(CSV, "a table of findings", str(error))
    else:
        if is_earlier(records):
            told = "sealed it before findings had values of their own; the evidence is compared"
            yield noted(CSV, f"not compared: {_agent(info)} {told}")
        else:
            yield from _digest(info, findings.digest)
            yield from _findings(packed, _by_place(made["records"]), info)
            yield _parquet(contents, findings_parquet({**made, "records": records}))
    yield from _evidence(contents, stored)


def _digest(info: Mapping[str, str], digest: str) -> Iterator[Check]:
    stated = info.get("Findings-SHA-256", "none")
    if stated != digest:
        yield failed(INFO, f"Findings-SHA-256 {digest}, as evaluated again", stated)


def _findings(packed: Placed, again: Placed, info: Mapping[str, str]) -> Iterator[Check]:
    same, reworded = 0, []
    for place in sorted(packed.keys() | again.keys()):
        for there, here in zip_longest(packed[place], again[place]):
            if there and here and there.compared == here.compared:
                same += 1
                reworded += [place[0]] if there.record != here.record else []
            else:
                expected, found = _described(here, there), _described(there, here)
                where = ", ".join(filter(None, place))
                yield failed(where, f"{expected}, as evaluated again", found)
    if same == sum(map(len, again.values())):
        yield passed(CSV, f"{same} findings are found again by evaluating the snapshot")
    if reworded:
        yield noted(
            CSV,
            f"{len(reworded)} findings are worded differently ({', '.join(sorted(set(reworded)))}): "
            f"{_agent(info)} wrote the pack, appstream-evidence-kit "
            f"{version('appstream-evidence-kit')} compared it",
        )


def _parquet(contents: Contents, made: bytes) -> Check:
    """Whether the findings as Parquet are those of the CSV and the snapshot, byte for byte.

    Its reader would have to unpack what a stranger packed, so nothing of it is parsed.
    """
    try:
        found = contents.read(PARQUET)
    except UnreadableError as error:
        return failed(PARQUET, f"the findings of {CSV}", f"it {error}")
    if found == made:
        return passed(PARQUET, f"byte for byte what {CSV} and the snapshot give")
    if _WRITER in found and _WRITER in made:
        return failed(PARQUET, f"the findings of {CSV}", "another content")
    return noted(PARQUET, "not compared: another version of pyarrow wrote it")


def _agent(info: Mapping[str, str]) -> str:
    return info.get(_AGENT, "an unnamed kit")


def _by_place(records: Iterable[Record]) -> Placed:
    """The findings by control, region and resource.

    Raises
    ------
    ValueError
        The values of one are not JSON.
    """
    found: Placed = defaultdict(list)
    for record in records:
        known = identity(record)
        compared = {**known, "severity": record["severity"], "evidence": record["evidence"]}
        found[tuple(known[name] for name in _PLACE)].append(_Placed(record, compared))
    return found


def _described(one: _Placed | None, other: _Placed | None) -> str:
    """The status of a finding, and what else differs from the other's."""
    if one is None:
        return "no such finding"
    different = [
        f"{name} {value!r}"
        for name, value in one.compared.items()
        if name != "status" and other and value != other.compared[name]
    ]
    return ", ".join([str(one.compared["status"]), *different])


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
