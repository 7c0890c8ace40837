"""Small packs of made-up findings, sealed as the kit seals them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from kit.bag import write_bag
from kit.judge.digest import RESOURCE, canonical, findings_digest
from kit.judge.findings import Finding
from kit.pack.tabular import findings_csv, read_findings_csv

AS_OF = dt.datetime(2026, 8, 1, 9, tzinfo=dt.UTC)


def row(control: str, resource: str, status: str, **members: str) -> dict[str, Any]:
    """Return a finding as the notebook gives it to machines."""
    empty = dict.fromkeys(Finding.__dataclass_fields__, "")
    given = {"control": control, "resource": resource, "status": status, "severity": "high"}
    values = {"observed_values": canonical({"seen": members.get("observed", "")})}
    usual = {"region": "eu-central-1", "evidence": "E0001", "subject": RESOURCE}
    return {**empty, **usual, "threshold_values": "{}", **values, **given, **members}


def seal(
    root: Path,
    account: str,
    rows: list[dict[str, Any]],
    days: int = 0,
    **info: str,
) -> Path:
    """Seal a pack below `root`, as of `AS_OF` and some days; return its folder."""
    as_of = AS_OF + dt.timedelta(days=days)
    records = [{**row, "account": account} for row in rows]
    content = findings_csv({"records": records, "facts": {"data_role": ""}})
    folder = root / account / f"{as_of:%Y-%m-%dT%H%M%SZ}" / "pack"
    reported = {
        "Account": account,
        "Evidence-As-Of": as_of.isoformat(),
        "Findings-SHA-256": findings_digest(read_findings_csv(content)),
        "Snapshot-SHA-256": "5" * 64,
        "Pseudonym-Key": "0123456789abcdef",
        "Stamp": "NOT AWS: made up",
        "Regions": "eu-central-1",
        "Without-Services": "none",
        **info,
    }
    write_bag(folder, [("findings.csv", content)], reported, as_of)
    return folder
