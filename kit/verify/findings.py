"""Whether a pack's findings have the digest that it states, and rest on evidence that it holds."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kit.bag import INFO
from kit.canonical import canonical_json
from kit.catalogue.statuses import STATUSES
from kit.controls import ROLL_UPS
from kit.displayed import counted
from kit.judge.digest import finding_ids, findings_digest
from kit.pack.evidence import COLUMNS, MEMBERS, index_line
from kit.pack.tabular import EARLIER_COLUMNS, read_findings_csv
from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import CSV, EVIDENCE
from kit.verify.maker import Maker, maker_of
from kit.verify.reading import read_json, read_table

_VALUES = ("observed_values", "threshold_values")
_PLACE = re.compile("0|[1-9][0-9]{0,8}")  # RFC 6901, 4
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|[+-]\d\d:\d\d|Z)?")


def check_findings(contents: Contents, info: Mapping[str, str]) -> Iterator[Check]:
    """Yield the checks of the findings and of the evidence that they cite.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    """
    try:
        records = read_findings(contents)
        digest, form = _digest(records)
    except (ValueError, RecursionError) as error:
        yield failed(CSV, "a table of findings", _first_line(error))
        return
    if not records:
        yield failed(CSV, "findings", "a header alone")
    for status in sorted({record["status"] for record in records} - STATUSES.keys()):
        yield failed(CSV, f"a status of {', '.join(STATUSES)}", repr(status))
    others = {record["account"] for record in records} - {info.get("Account", "")}
    if others:
        yield failed(CSV, f"findings of account {info.get('Account')}", ", ".join(sorted(others)))
    if digest != info.get("Findings-SHA-256"):
        yield failed(INFO, f"Findings-SHA-256 {digest}, computed from {CSV}{form}", _stated(info))
    else:
        count = count_of(record["control"] for record in records)
        yield passed(CSV, f"{count}, the digest computed from them is {digest}{form}")
    yield from _ids(records)
    yield from _cited(contents, records, maker_of(info))


def count_of(controls: Iterable[str]) -> str:
    """Return how many rows are findings and how many roll-ups, as a pack counts them.

    Parameters
    ----------
    controls : iterable of str
        The control or roll-up of each row.
    """
    kinds = Counter(name in ROLL_UPS for name in controls)
    counts = [counted(kinds[False], "finding")]
    counts += [counted(kinds[True], "roll-up")] if kinds[True] else []
    return " and ".join(counts)


def read_findings(contents: Contents) -> list[dict[str, str]]:
    """Return the findings of a pack.

    Raises
    ------
    ValueError
        The kit cannot read the file, or it is not a table of findings.
    """
    try:
        records = read_findings_csv(contents.read(CSV))
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    if not is_earlier(records):
        for record in records:
            for name in _VALUES:
                if canonical_json(read_json(record[name])).decode() != record[name]:
                    raise ValueError(f"{name} that are not in canonical form (RFC 8785)")
    return records


def _ids(records: list[dict[str, str]]) -> Iterator[Check]:
    """Yield the first finding whose id is not that of what the finding is about."""
    if records and "id" in records[0]:
        for record, id in zip(records, finding_ids(records), strict=True):
            if record["id"] != id:
                yield failed(f"{CSV}: {record['control']}", f"id {id}, computed", record["id"])
                return


def is_earlier(records: list[dict[str, str]]) -> bool:
    """Whether a pack's findings have no values of their own: it was sealed before they had."""
    return bool(records) and list(records[0]) == EARLIER_COLUMNS


def _digest(records: list[dict[str, str]]) -> tuple[str, str]:
    """The digest of findings in the form in which their pack states it, and how to call that."""
    if not is_earlier(records):
        return findings_digest(records), ""
    rows = [
        {key: _TIME.sub("(time)", value) for key, value in record.items() if key != "evidence"}
        for record in records
    ]
    form = " (the earlier form, over the findings' wording)"
    return hashlib.sha256(canonical_json(rows)).hexdigest(), form


def read_index(contents: Contents) -> dict[str, dict[str, str]]:
    """Return the rows of the index of evidence by id.

    Raises
    ------
    ValueError
        The kit cannot read the file, it is another table, or it lists an id or a file twice.
    """
    try:
        rows = read_table(contents.read(EVIDENCE))
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    for name in ("id", "file"):
        values = [row.get(name, "") for row in rows]
        for value in values:
            if not value:
                raise ValueError(f"a row without {name}")
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise ValueError(f"{name} {twice[:120]} a second time")
    return {row["id"]: row for row in rows}


def _cited(contents: Contents, records: list[dict[str, str]], maker: Maker) -> Iterator[Check]:
    """Follow every reference of a finding to the index, the record and the value in it."""
    try:
        index = read_index(contents)
    except ValueError as error:
        yield failed(EVIDENCE, "the index of evidence", _first_line(error))
        return
    wanted: dict[str, dict[str, str]] = {}
    elsewhere = {"parameters", *(record["control"] for record in records)}  # roll-ups cite controls
    cited = others = 0
    for record in records:
        for reference in record["evidence"].split():
            name, _, pointer = reference.partition("#")
            if name in elsewhere:
                others += 1
            else:
                cited += 1
            wanted.setdefault(name, {}).setdefault(pointer, record["control"])
    wrong = [*_unlisted(contents, index, wanted, elsewhere)]
    other: dict[str, str] = {}
    for name, row in index.items():
        wrong += _followed(contents, name, row, wanted.get(name, {}), other)
        if {*row} != {*COLUMNS}:
            other[EVIDENCE] = ", ".join(row)
    yield from wrong
    for file, names in other.items():
        yield maker.differs(file, "columns and members as the kit writes them", names)
    if not wrong:
        yield passed(
            EVIDENCE,
            f"{len(index)} requests; {cited} references of findings lead to them, "
            f"{others} to parameters or to controls that are summed up",
        )


def _unlisted(
    contents: Contents,
    index: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, Mapping[str, str]],
    elsewhere: set[str],
) -> Iterator[Check]:
    """Yield what findings cite, or the folder holds, and the index does not list."""
    for name in sorted(wanted.keys() - index.keys() - elsewhere):
        control = next(iter(wanted[name].values()))
        yield failed(EVIDENCE, f"evidence {name}, which a finding of {control} cites", "none")
    folder = EVIDENCE.rpartition("/")[0]
    listed = {EVIDENCE, *(f"{folder}/{row['file']}" for row in index.values())}
    for name in sorted(contents.sizes.keys() - listed):
        if name.startswith(f"{folder}/"):
            yield failed(name, f"a record that {EVIDENCE} lists", "another")


def _followed(
    contents: Contents,
    name: str,
    row: Mapping[str, str],
    pointers: Mapping[str, str],
    other: dict[str, str],
) -> Iterator[Check]:
    """Yield what is wrong with a record and with references into it.

    The members of a record that has others than the kit's are added to `other`.
    """
    file = f"data/evidence/{row['file']}"
    try:
        record = read_json(contents.read(file))
        stated = index_line(record)
        operation, response = f"{record['service']}.{record['operation']}", record["response"]
    except UnreadableError as error:
        yield failed(file, f"the record of {name}, as {EVIDENCE} lists it", f"it {error}")
        return
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        yield failed(file, f"the record of {name}", f"what cannot be read: {_first_line(error)}")
        return
    if {*record} != {*MEMBERS}:
        other.setdefault(file, ", ".join(record))
    for key, value in stated.items():
        if key in row and row[key] != _cell(value):
            yield failed(file, f"{key} {row[key]}, as in {EVIDENCE}", _cell(value))
    if row.get("call", operation).partition(" (")[0] != operation:  # a purpose may follow
        yield failed(file, f"call {row['call']}, as in {EVIDENCE}", operation)
    for pointer, control in pointers.items():
        if not _leads(response, pointer):
            yield failed(file, f"a value at {pointer}, which a finding of {control} cites", "none")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _leads(value: Any, pointer: str) -> bool:
    """Whether a JSON pointer (RFC 6901) leads to a value."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and _PLACE.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True


def _stated(info: Mapping[str, str]) -> str:
    return info.get("Findings-SHA-256", "none")


def _first_line(error: Exception) -> str:
    return f"{error}".partition("\n")[0] or type(error).__name__
