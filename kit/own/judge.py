"""The process in which own controls judge: ``python -m kit.own.judge``, offline, apart from the kit.

It writes what the kit writes of its own controls, by the same writers, and the process that seals
takes these files as data.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.calls import with_sources
from kit.catalogue import texts
from kit.catalogue.frameworks import frameworks
from kit.catalogue.texts import text
from kit.controls import CONTROLS, ROLL_UPS, describe
from kit.errors import UserError
from kit.judge import evaluate
from kit.kernels import offline
from kit.own import RESULT, OwnSet
from kit.own.load import load
from kit.pack.blocks import ColumnBlock, CoverBlock, table_block
from kit.pack.document import Document
from kit.report.appendices import data as machine_data
from kit.report.appendices import manifest
from kit.report.blocks import control_blocks
from kit.report.records import parse_findings
from kit.report.views import Controls
from kit.snapshot import read
from kit.tables import tabulate

Loaded = list[tuple[OwnSet, list[str]]]


def main(request: Any) -> Any:
    """Do what another process requests, and return the answer."""
    if "snapshot" in request:
        texts.choose(read(request["snapshot"]).run.language)
    loaded = [
        (OwnSet(*given["own"]), load(given["given"], Path(given["folder"]), given["module"]))
        for given in request["sets"]
    ]
    return _VERBS[request["verb"]](request, loaded)


def _calls(_: Any, loaded: Loaded) -> list[str]:
    ids = [id for _, some in loaded for id in some]
    return sorted(call.name for call in with_sources(c for id in ids for c in CONTROLS[id].calls))


def _describe(_: Any, loaded: Loaded) -> list[dict[str, Any]]:
    return [entry | {"own": str(own)} for own, ids in loaded for entry in describe(ids)]


def _judge(request: Any, loaded: Loaded) -> None:
    from kit.pack.ocsf import ocsf
    from kit.pack.oscal import oscal
    from kit.pack.tabular import findings_csv
    from kit.pack.workbook import workbook

    stored = read(request["snapshot"])
    ids = [id for _, some in loaded for id in some]
    for id in CONTROLS.keys() - {*ids}:  # the files of own controls have these alone
        del CONTROLS[id]
    ROLL_UPS.clear()
    tables = tabulate(stored)
    findings = evaluate(tables, ids)
    every = list(frameworks())  # whoever maps own controls to a framework wants to read it
    findings.run = stored.run.model_copy(update={"frameworks": every})
    shown = machine_data(findings, stored)
    data = parse_findings(shown.records, shown.facts)
    blocks = Controls(
        [
            replace(block, rows=replace(block.rows, cut=block.rows.cut and text("pack/own/cut")))
            for block in control_blocks(findings, lambda control: control.id in ids)
        ]
    )
    sets = [own._asdict() | {"controls": some} for own, some in loaded]
    cover = CoverBlock(
        kind="cover",
        title=text("pack/own/controls"),
        subtitle=", ".join(f"{own.name} {own.version}" for own, _ in loaded),
        facts=[],
        as_of=stored.as_of.isoformat(),
        stamp=stored.stamp,
        marks=[text("pack/own/controls_mark")],
        paper="A4",
        language="en",
    )
    columns = [ColumnBlock(name=n, title=n, kind="text", brief=None) for n in ("id", "time")]
    sent = [[request.id, request.started] for request in stored.evidence]
    made = Document(cover, [table_block("evidence", columns, sent)], {}, {})
    folder = Path(request["to"])
    files: dict[str, Any] = {
        RESULT: json.dumps(
            {"sets": sets, "controls": blocks.as_json()}, ensure_ascii=False, indent=1
        ),
        "findings.csv": findings_csv(data),
        "findings.xlsx": workbook(made, data),
        "ocsf-findings.json": _named(b"".join(ocsf(made, data)), cover["subtitle"]),
    }
    files |= dict(oscal(made, data, manifest(stored).facts))
    for name, content in files.items():
        pieces = [content.encode()] if isinstance(content, str) else content
        (folder / name).write_bytes(pieces if isinstance(pieces, bytes) else b"".join(pieces))


def _named(events: bytes, sets: str) -> str:
    """Return OCSF events as those of the own controls, of which the kit is no vendor."""
    written = json.loads(events)
    for event in written:
        product = {"name": sets, "vendor_name": text("pack/own/controls")}
        event["metadata"]["product"] |= product
    return json.dumps(written, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


_VERBS: dict[str, Callable[..., Any]] = {"calls": _calls, "describe": _describe, "judge": _judge}

if __name__ == "__main__":
    offline.refuse_network()
    request = json.loads(Path(sys.argv[1]).read_text())
    try:
        answer = main(request)
        Path(request["result"]).write_text(json.dumps(answer))
    except UserError as error:
        sys.exit(f"{error}")
    except Exception as error:  # of whatever a rule does
        sys.exit(f"own_controls: {type(error).__name__}: {error}")
