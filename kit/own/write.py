"""The process that writes own controls' files: ``python -m kit.own.write``; it loads no own module.

It takes what the process of `kit.own.judge` returned as data, and refuses what is in another form.
The kit's own writers make every file, from records whose texts follow the rules of a pack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from kit.canonical import canonical_json
from kit.catalogue import texts
from kit.catalogue.frameworks import frameworks
from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.registry import SEVERITIES
from kit.errors import UserError
from kit.judge.findings import Finding, Findings, with_ids
from kit.own import COLUMN, RESULT
from kit.own.declared import declare
from kit.own.load import add_frameworks, add_texts, texts_folder
from kit.own.process import answer
from kit.pack.blocks import ColumnBlock, CoverBlock, table_block
from kit.pack.by_control import by_control
from kit.pack.document import Document
from kit.pack.ocsf import ocsf
from kit.pack.oscal import oscal
from kit.pack.oscal_plan import PLAN, PROFILE
from kit.pack.tabular import csv_file
from kit.pack.workbook import workbook
from kit.redact.free_text import FreeText
from kit.report.appendices import data as machine_data
from kit.report.appendices import manifest
from kit.report.blocks import control_blocks
from kit.report.records import finding_of, parse_findings
from kit.report.views import Controls
from kit.snapshot import Snapshot, read

_MEMBERS = {field.name for field in fields(Finding)}
_MOST_RECORDS, _LONGEST = 200_000, 1 << 20  # characters of a text
_KEPT = {"control", "severity", "account", "region", "status", "evidence", "subject"}
_VALUES = {"observed_values", "threshold_values"}  # JSON


def main(request: Any) -> None:
    """Write the files of own controls from what they declared and judged."""
    stored = read(request["snapshot"])
    texts.choose(stored.run.language)
    shown = FreeText(stored)
    CONTROLS.clear()  # the files of own controls have these alone
    ROLL_UPS.clear()
    given = request["given"]
    try:
        ids = [[declare(each) for each in own] for own in given["declared"]]
        if len(ids) != len(request["sets"]) or not all(ids):
            raise ValueError("not a list of controls for each of them")
        leaves = with_ids(
            replace(finding_of(_checked(record, stored, shown)), since="")
            for record in _bounded(given["records"])
        )
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"own_controls: their result has another form: {error}") from None
    for own, some in zip(request["sets"], ids, strict=True):
        folder = texts_folder(Path(own["folder"]), own["module"])
        add_texts(own["given"], folder, some, shown)
        add_frameworks(own["given"], folder, some)
    _write(stored, leaves, request["sets"], ids, Path(request["to"]))


def _bounded(records: list[Any]) -> list[Any]:
    if len(records) > _MOST_RECORDS:
        raise ValueError(f"{len(records)} findings; accepted: {_MOST_RECORDS:,}")
    return records


def _checked(record: Any, stored: Snapshot, shown: Callable[[str], str]) -> dict[str, str]:
    """Return a record with texts as a pack may show them."""
    if record.keys() != _MEMBERS:
        raise ValueError(f"a finding with {sorted(record)}"[:300])
    for name, value in record.items():
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise ValueError(
                f"{name} of a finding is not a text of {_LONGEST:,} characters at most"
            )
    for name, accepted in (
        ("control", [*CONTROLS]),
        ("account", [stored.account]),
        ("status", WORST_FIRST),
        ("severity", ("", *SEVERITIES)),
    ):
        if record[name] not in accepted:
            raise ValueError(f"{name} {record[name][:60]!r} of a finding")
    made = {}
    for name, value in record.items():
        if name in _VALUES:
            made[name] = canonical_json(_shown(json.loads(value), shown)).decode()
        else:
            made[name] = value if name in _KEPT else shown(value)
    return made


def _shown(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _shown(member, shown) for name, member in value.items()}
    if isinstance(value, list):
        return [_shown(item, shown) for item in value]
    return shown(value) if isinstance(value, str) else value


def _write(
    stored: Snapshot, leaves: list[Finding], sets: Any, ids: list[list[str]], to: Path
) -> None:
    every = list(frameworks())  # whoever maps own controls to a framework wants to read it
    run = stored.run.model_copy(update={"frameworks": every})
    findings = Findings(leaves, run=run)
    made_data = machine_data(findings, stored)
    data = parse_findings(made_data.records, made_data.facts)
    blocks = Controls(
        [
            replace(block, rows=replace(block.rows, cut=block.rows.cut and text("pack/own/cut")))
            for block in control_blocks(findings, lambda control: True)
        ]
    )
    names = ", ".join(f"{own['own'][0]} {own['own'][1]}" for own in sets)
    title = f"{text('pack/own/controls')}: {names}"
    cover = CoverBlock(
        kind="cover",
        title=text("pack/own/controls"),
        subtitle=names,
        facts=[],
        as_of=stored.as_of.isoformat(),
        stamp=stored.stamp,
        marks=[text("pack/own/controls_mark")],
        paper="A4",
        language="en",
        in_use=True,
        brief="",
    )
    columns = [ColumnBlock(name=n, title=n, kind="text", brief=None) for n in ("id", "time")]
    sent = [[request.id, request.started] for request in stored.evidence]
    made = Document(cover, [table_block("evidence", columns, sent)], {}, {})
    stated = [
        dict(zip(("name", "version", "sha256"), own["own"], strict=True)) | {"controls": some}
        for own, some in zip(sets, ids, strict=True)
    ]
    results = by_control(data)
    files: dict[str, bytes] = {
        RESULT: json.dumps(
            {"sets": stated, "controls": blocks.as_json()}, ensure_ascii=False, indent=1
        ).encode(),
        "findings.csv": csv_file(
            [{COLUMN: title, **record} for record in data["records"]],
            [COLUMN, *(field.name for field in fields(Finding))],
        ),
        "findings.xlsx": workbook(made, results, author=title),
        "ocsf-findings.json": _named(b"".join(ocsf(made, results)), names),
    }
    for name, document in oscal(made, results, manifest(stored).facts):
        whole = b"".join(document)
        files[name] = _titled(whole, title) if name in (PLAN, PROFILE) else whole
    for name, content in files.items():
        (to / name).write_bytes(content)


def _named(events: bytes, sets: str) -> bytes:
    """Return OCSF events as those of the own controls, whose vendor is the organisation, not the kit."""
    written = json.loads(events)
    for event in written:
        product = {"name": sets, "vendor_name": text("pack/own/controls")}
        event["metadata"]["product"] |= product
    return f"{json.dumps(written, ensure_ascii=False, sort_keys=True, indent=1)}\n".encode()


def _titled(content: bytes, title: str) -> bytes:
    """Return an OSCAL document whose title and marking state whose it is."""
    written = json.loads(content)
    (document,) = written.values()
    metadata = document["metadata"]
    metadata["title"] = f"{title}. {metadata['title']}"
    marking = {"name": "marking", "value": text("pack/own/controls_mark")}
    metadata["props"] = [*metadata.get("props", []), marking]
    return f"{json.dumps(written, ensure_ascii=False, indent=1)}\n".encode()


if __name__ == "__main__":
    answer(main)
