"""Whether a pack's findings are the same in every file, and rest on evidence that it holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kit.findings import Finding, findings_digest
from kit.pack.bag import INFO
from kit.pack.evidence import INDEX
from kit.pack.tabular import csv_file
from kit.pack.verify.checks import Check, failed, passed
from kit.pack.verify.contents import Contents, UnreadableError
from kit.pack.verify.parquet import read_table

CSV, PARQUET, EVIDENCE = "data/findings.csv", "data/findings.parquet", f"data/{INDEX}"
_COLUMNS = list(Finding.__dataclass_fields__)
_LIST = "evidence"
_TEXTS = pa.schema(
    [(name, pa.list_(pa.string()) if name == _LIST else pa.string()) for name in _COLUMNS]
)
_STATED = {"digest": "Findings-SHA-256", "snapshot": "Snapshot-SHA-256", "account": "Account"}


def check_findings(contents: Contents, info: Mapping[str, str]) -> Iterator[Check]:
    """Yield what was found of the findings and of the evidence that they cite.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` says.
    """
    try:
        records, facts = read_findings(contents)
    except ValueError as error:
        yield failed(PARQUET, "a table of findings", str(error))
        return
    for fact, label in _STATED.items():
        if facts.get(fact) != info.get(label):
            yield failed(PARQUET, f"{label} {info.get(label)}, as in {INFO}", f"{facts.get(fact)}")
    digest = findings_digest(records)
    if digest != info.get("Findings-SHA-256"):
        yield failed(INFO, f"Findings-SHA-256 {digest}, taken again from {PARQUET}", _told(info))
    else:
        yield passed(PARQUET, f"{len(records)} findings, their digest taken again is {digest}")
    yield _same_as_csv(contents, records)
    yield from _cited(contents, records)


def read_findings(contents: Contents) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the findings as in the CSV, and what the file's metadata says of them all.

    Raises
    ------
    ValueError
        The file cannot be read, or is no table of findings.
    """
    try:
        table, told = read_table(contents.read(PARQUET), _COLUMNS)
        if table.schema.names != _COLUMNS:
            raise ValueError(f"columns {table.schema.names}")
        table = table.cast(_TEXTS)
        texts = {
            **dict(zip(_COLUMNS, table.columns, strict=True)),
            "": pc.list_flatten(table[_LIST]),
        }
        for name, column in texts.items():
            if column.null_count:
                raise ValueError(f"{column.null_count} rows without {name or _LIST}")
        records = table.to_pylist()
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    except (pa.ArrowException, OSError, KeyError, TypeError, MemoryError) as error:
        raise ValueError(f"it cannot be read: {_first_line(error)}") from None
    for record in records:
        record[_LIST] = " ".join(record[_LIST])
    return records, {key.decode(): value.decode() for key, value in told.items()}


def _same_as_csv(contents: Contents, records: list[dict[str, Any]]) -> Check:
    try:
        found = contents.read(CSV)
    except UnreadableError as error:
        return failed(CSV, f"the findings of {PARQUET}", f"it {error}")
    if found == csv_file(records, _COLUMNS):
        return passed(CSV, f"the same findings as {PARQUET}")
    return failed(CSV, f"the findings of {PARQUET}", "others")


def _cited(contents: Contents, records: list[dict[str, Any]]) -> Iterator[Check]:
    """Follow every reference of a finding to the index, the record and the value in it."""
    try:
        text = contents.read(EVIDENCE).decode("utf-8")
        index = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    except (UnreadableError, UnicodeDecodeError, KeyError, csv.Error) as error:
        yield failed(EVIDENCE, "the index of evidence", f"it {_first_line(error)}")
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
    wrong = 0
    for name in sorted(wanted.keys() - index.keys() - elsewhere):
        wrong += 1
        control = next(iter(wanted[name].values()))
        yield failed(EVIDENCE, f"evidence {name}, which a finding of {control} cites", "none")
    for name, row in index.items():
        for check in _followed(contents, name, row, wanted.get(name, {})):
            wrong += 1
            yield check
    if not wrong:
        yield passed(
            EVIDENCE,
            f"{len(index)} requests; {cited} references of findings lead to them, "
            f"{others} to parameters or to controls that are summed up",
        )


def _followed(
    contents: Contents, name: str, row: Mapping[str, str], pointers: Mapping[str, str]
) -> Iterator[Check]:
    """Yield what is wrong with a record and with references into it."""
    file = f"data/evidence/{row.get('file')}"
    try:
        record = json.loads(contents.read(file))
        stated = {key: record[key] for key in ("id", "commitment")}
        response = record["response"]
    except UnreadableError as error:
        yield failed(file, f"the record of {name}, as {EVIDENCE} lists it", f"it {error}")
        return
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        yield failed(file, f"the record of {name}", f"what cannot be read: {_first_line(error)}")
        return
    if stated != {"id": name, "commitment": row.get("commitment")}:
        yield failed(file, f"{name} and commitment {row.get('commitment')}", f"{stated}")
    for pointer, control in pointers.items():
        if not _leads(response, pointer):
            yield failed(file, f"a value at {pointer}, which a finding of {control} cites", "none")


def _leads(value: Any, pointer: str) -> bool:
    """Whether a JSON pointer (RFC 6901) leads to a value."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return False
    return True


def _told(info: Mapping[str, str]) -> str:
    return info.get("Findings-SHA-256", "none")


def _first_line(error: Exception) -> str:
    return f"{error}".partition("\n")[0] or type(error).__name__
