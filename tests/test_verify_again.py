"""`evidence verify --against`: a snapshot is evaluated again, and what differs is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kit.pack.verify import verify
from kit.snapshot import Snapshot, digest, read, write
from tests.pack.forging import reseal
from tests.test_cli import evidence


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


def change_findings(pack: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    file = pack / "data" / "findings.parquet"
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file, use_dictionary=False)
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
    subject = f"{changed['control']}, {changed['region']}, {changed['resource']}"
    assert found == {subject: "expected fail, as evaluated again; found pass"}


def test_a_finding_that_was_left_out_is_told(pack: Path, snapshot: Path) -> None:
    gone: list[dict[str, Any]] = []
    change_findings(pack, lambda rows: gone.append(rows.pop(0)))
    subject = f"{gone[0]['control']}, {gone[0]['region']}, {gone[0]['resource']}"
    assert wrong(pack, snapshot)[subject].endswith("; found no such finding")


def test_a_finding_that_was_made_up_is_told(pack: Path, snapshot: Path) -> None:
    change_findings(pack, lambda rows: rows.append({**rows[0], "resource": "fleet-of-nobody"}))
    (told,) = wrong(pack, snapshot).values()
    assert told.startswith("expected no such finding, as evaluated again")


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
