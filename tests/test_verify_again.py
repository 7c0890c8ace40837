"""`evidence verify --against`: a snapshot is evaluated again, and what differs is told."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from kit.judge.findings import Finding
from kit.pack.tabular import EARLIER_COLUMNS, csv_file, read_findings_csv
from kit.snapshot import Snapshot, digest, read, write
from kit.verify import verify
from tests.pack.forging import reseal
from tests.test_cli import evidence

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|[+-]\d\d:\d\d|Z)?")


@pytest.fixture
def snapshot(signed_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pack was made from; the key of its labels is found."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(signed_pack.parents[3] / ".config"))
    return signed_pack.with_name("snapshot")


@pytest.fixture
def pack(signed_pack: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(signed_pack, tmp_path / "pack"))


def wrong(pack: Path, snapshot: Path) -> dict[str, str]:
    """What evaluating again finds beyond what the pack alone tells."""
    alone = {check.line for check in verify(pack)}
    return {
        check.subject: check.told
        for check in verify(pack, None, snapshot)
        if not check.ok and check.line not in alone
    }


def wrong_alone(pack: Path) -> dict[str, str]:
    """What the pack alone shows to be wrong."""
    wrong: dict[str, str] = {}
    for check in verify(pack):
        if not check.ok:
            wrong[check.subject] = f"{wrong.get(check.subject, '')}{check.told}\n"
    return wrong


def change_findings(pack: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    file = pack / "data" / "findings.csv"
    rows = read_findings_csv(file.read_bytes())
    change(rows)
    file.write_bytes(csv_file(rows, list(Finding.__dataclass_fields__)))
    reseal(pack)


def test_the_snapshot_gives_the_pack_again(signed_pack: Path, snapshot: Path) -> None:
    done = evidence("verify", signed_pack, "--against", snapshot, cwd=signed_pack)
    assert done.returncode == 0, done.stdout
    assert "findings are found again by evaluating the snapshot" in done.stdout
    assert "files are those that the snapshot gives" in done.stdout


def test_a_verdict_that_was_changed_is_told(pack: Path, snapshot: Path) -> None:
    changed: dict[str, str] = {}

    def whiten(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["status"] == "fail")
        changed.update(row)
        row["status"] = "pass"

    change_findings(pack, whiten)
    found = wrong(pack, snapshot)
    assert found.pop("data/findings.parquet") == (
        "expected the findings of data/findings.csv; found another content"
    )
    assert found == {_place(changed): "expected fail, as evaluated again; found pass"}


def test_a_finding_that_was_left_out_is_told(pack: Path, snapshot: Path) -> None:
    gone: list[dict[str, Any]] = []
    change_findings(pack, lambda rows: gone.append(rows.pop(0)))
    assert wrong(pack, snapshot)[_place(gone[0])].endswith("; found no such finding")


def test_a_finding_that_was_made_up_is_told(pack: Path, snapshot: Path) -> None:
    change_findings(pack, lambda rows: rows.append({**rows[0], "resource": "fleet-of-nobody"}))
    found = wrong(pack, snapshot)
    (made_up,) = (text for place, text in found.items() if place.endswith("fleet-of-nobody"))
    assert made_up.startswith("expected no such finding, as evaluated again")


def _place(row: dict[str, str]) -> str:
    return ", ".join(row[name] for name in ("control", "region", "subject", "resource"))


@pytest.mark.parametrize("member", ["severity", "evidence", "observed_values", "threshold_values"])
def test_what_a_verdict_rests_on_is_compared(pack: Path, snapshot: Path, member: str) -> None:
    others = {"severity": "low", "evidence": "E0001", "observed_values": "{}"}
    place = ""

    def change(rows: list[dict[str, Any]]) -> None:
        nonlocal place
        row = next(r for r in rows if r["control"] == "AR-03" and r["status"] == "fail")
        row[member] = others.get(member, '{"max_session_seconds":1}')
        place = _place(row)

    change_findings(pack, change)
    assert place in wrong(pack, snapshot)


def test_other_wording_is_a_note_with_both_versions(pack: Path, snapshot: Path) -> None:
    def reword(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["expected"] = row["expected"].replace(";", ".")
            if row["subject"] != "resource":
                row["resource"] = "nothing of the kind"

    change_findings(pack, reword)
    found = [check for check in verify(pack, None, snapshot) if "worded differently" in check.told]
    (note,) = found
    assert note.ok
    assert note.told.count(f"appstream-evidence-kit {version('appstream-evidence-kit')}") == 2
    assert "data/findings.csv" not in {
        name for name in wrong(pack, snapshot) if name != "data/findings.parquet"
    }


def test_a_pack_of_the_earlier_form_is_compared_as_far_as_it_goes(
    pack: Path, snapshot: Path
) -> None:
    file, info = pack / "data" / "findings.csv", pack / "bag-info.txt"
    rows = [
        {name: row[name] for name in EARLIER_COLUMNS}
        for row in read_findings_csv(file.read_bytes())
    ]
    file.write_bytes(csv_file(rows, EARLIER_COLUMNS))
    timeless = [
        {key: _TIME.sub("(time)", text) for key, text in row.items() if key != "evidence"}
        for row in rows
    ]
    earlier = hashlib.sha256(rfc8785.dumps(timeless)).hexdigest()
    info.write_text(re.sub("(?<=Findings-SHA-256: ).+", earlier, info.read_text()))
    reseal(pack)
    checks = verify(pack, None, snapshot)
    assert any(c.ok and f"{earlier} (the earlier form" in c.told for c in checks)
    assert any(c.note and "before findings had values of their own" in c.told for c in checks)
    file.write_bytes(file.read_bytes().replace(b",fail,", b",pass,", 1))
    reseal(pack)
    assert "(the earlier form" in wrong_alone(pack)["bag-info.txt"]


def test_another_snapshot_is_told_with_what_differs(
    signed_pack: Path, snapshot: Path, tmp_path: Path
) -> None:
    stored = read(snapshot)
    other = write(tmp_path / "other", stored.header, _with_a_longer_session(stored))
    found = wrong(signed_pack, other.folder)
    assert found["bag-info.txt"].startswith("expected ")
    files = [name for name in found if name.startswith("data/evidence/E")]
    assert len(files) == 1
    assert "as the snapshot gives it" in found[files[0]]
    assert [told for name, told in found.items() if name.startswith("ID-") or ", fleet-" in name]


def _with_a_longer_session(stored: Snapshot) -> list[Any]:
    requests = list(stored.requests)
    place = next(n for n, r in enumerate(requests) if (r.response or {}).get("Fleets"))
    first, *rest = requests[place].response["Fleets"]
    response = {"Fleets": [{**first, "MaxUserDurationInSeconds": 432_000}, *rest]}
    changed = replace(requests[place], response=response, sha256=digest(response))
    return [*requests[:place], changed, *requests[place + 1 :]]


def test_without_the_key_nothing_is_compared(signed_pack: Path, tmp_path: Path) -> None:
    done = evidence(
        "verify",
        signed_pack,
        "--against",
        signed_pack.with_name("snapshot"),
        cwd=tmp_path,
        environment={"XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "pseudonym_key" in done.stderr


def test_no_snapshot_is_told(signed_pack: Path, tmp_path: Path) -> None:
    done = evidence("verify", signed_pack, "--against", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "holds no snapshot" in done.stderr
