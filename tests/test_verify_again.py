"""`evidence verify --against`: a snapshot is evaluated again, and what differs is told."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import rfc8785
from nbformat import NotebookNode
from pyhanko.pdf_utils.generic import StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from kit import snapshot as stored
from kit import tables
from kit.errors import UserError
from kit.judge.findings import Finding
from kit.pack.execute import execute_here
from kit.pack.keys import open_signing_key
from kit.pack.seal import NOTEBOOK
from kit.pack.sign import sign_pdf
from kit.pack.tabular import EARLIER_COLUMNS, csv_file, read_findings_csv
from kit.snapshot import EVIDENCE, HEADER, Request, Snapshot, digest, read, write
from kit.tables.core import SPECS, Source, Spec, Table
from kit.verify import again, ending, verify
from kit.verify.again import check_against
from kit.verify.archive import same_parts
from kit.verify.bag import read_info
from kit.verify.checks import NOT_COMPARED, Check
from kit.verify.contents import open_contents
from kit.verify.findings import check_findings
from kit.verify.kinds import EVIDENCE as EVIDENCE_INDEX
from kit.verify.kinds import HTML, PDF
from tests.commands import evidence
from tests.pack.authority import Authority
from tests.pack.forging import reseal

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


@pytest.fixture
def set_before(signed_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pack's own PDF for what Typst would give again, as a first test shows that it is."""
    made = (signed_pack / PDF).read_bytes()
    unsigned = made[: made.index(b"%%EOF\n", made.index(b"startxref")) + 6]
    monkeypatch.setattr(again, "pdf", lambda *_, **__: unsigned)


@cache
def _evaluated(snapshot: str) -> tuple[NotebookNode, dict[str, Any]]:
    return execute_here(NOTEBOOK, {"snapshot": snapshot})


def evaluated(_: str, parameters: dict[str, str]) -> tuple[NotebookNode, dict[str, Any]]:
    """A snapshot evaluated once for all tests: nothing of a pack changes what it gives."""
    executed, names = _evaluated(parameters["snapshot"])
    return deepcopy(executed), names


def compared(pack: Path, snapshot: Path) -> list[Check]:
    """What evaluating again finds, without what the pack alone shows."""
    with patch.object(again, "execute_here", evaluated), open_contents(pack) as contents:
        return [*check_against(contents, read_info(contents), read(snapshot))]


def compared_findings(pack: Path, snapshot: Path) -> list[Check]:
    """What evaluating again finds of the findings, before it renders documents of them."""
    with patch.object(again, "execute_here", evaluated), open_contents(pack) as contents:
        checks = check_against(contents, read_info(contents), read(snapshot))
        return [*takewhile(lambda check: check.subject != HTML, checks)]


def wrong_findings(pack: Path, snapshot: Path) -> dict[str, str]:
    found = compared_findings(pack, snapshot)
    return {check.subject: check.message for check in found if not check.ok}


def test_the_snapshot_gives_the_pack_again_verified_and_tabulated_once(
    signed_pack: Path, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests, built = stored._changed, tables.build
    calls: Counter[str] = Counter()

    def count_digests(requests: Iterable[Request]) -> list[str]:
        calls["digests"] += 1
        return digests(requests)

    def count_builds(spec: Spec, source: Source) -> Table:
        calls[spec.name] += 1
        return built(spec, source)

    monkeypatch.setattr(stored, "_changed", count_digests)
    monkeypatch.setattr(stored, "_verified", set())
    monkeypatch.setattr(tables, "build", count_builds)
    keys = {"XDG_CONFIG_HOME": str(signed_pack.parents[3] / ".config")}
    arguments = ("verify", signed_pack, "--against", snapshot)
    done = evidence(*arguments, cwd=signed_pack, environment=keys)
    assert done.returncode == 0, done.stdout
    assert "evaluating the snapshot gives the same" in done.stdout
    assert "files are those that the snapshot gives" in done.stdout
    assert f"{PDF}: byte for byte what the snapshot gives, and a signature" in done.stdout
    assert calls == dict.fromkeys(["digests", *SPECS], 1)


def test_what_was_changed_since_is_verified_again(snapshot: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(snapshot, tmp_path / "snapshot"))
    read(copy)
    lines = (copy / EVIDENCE).read_bytes().replace(b'"status":200', b'"status":201', 1)
    (copy / EVIDENCE).write_bytes(lines)
    with pytest.raises(UserError, match="was changed after it was written"):
        read(copy)
    first, *others = (json.loads(line) for line in lines.splitlines())
    lines = b"".join(rfc8785.dumps(each) + b"\n" for each in (first | {"response": {}}, *others))
    (copy / EVIDENCE).write_bytes(lines)
    header = json.loads((copy / HEADER).read_bytes())
    header["evidence"]["sha256"] = hashlib.sha256(lines).hexdigest()
    (copy / HEADER).write_text(json.dumps(header))
    with pytest.raises(UserError, match=f"{first['id']} does not have the digest"):
        read(copy)


def of_another_kit(pack: Path) -> None:
    info = pack / "bag-info.txt"
    info.write_text(re.sub("(?<=Bag-Software-Lock: ).+", "0" * 64, info.read_text()))
    reseal(pack)


def change_findings(pack: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    file = pack / "data" / "findings.csv"
    rows = read_findings_csv(file.read_bytes())
    change(rows)
    file.write_bytes(csv_file(rows, list(Finding.__dataclass_fields__)))
    reseal(pack)


def reworked(old: bytes) -> bytes:
    """A workbook with one part changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(old)) as read, zipfile.ZipFile(made, "w") as written:
        for part in read.infolist():
            written.writestr(part, read.read(part).replace(b">fail<", b">pass<"))
    return made.getvalue()


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "data/evidence.html": lambda old: old.replace(b"AWS", b"aws"),
    "data/findings.xlsx": reworked,
    "data/ocsf-findings.json": lambda old: old.replace(b'"status_code":"fail"', b'"a":"b"'),
    "data/ocsf-findings.ndjson": lambda old: old.replace(b'"status_code":"fail"', b'"a":"b"'),
    "data/oscal-assessment-results.json": lambda old: old.replace(b"not-satisfied", b"satisfied"),
    "data/findings.parquet": lambda old: old[:60] + bytes([old[60] ^ 1]) + old[61:],
}


@pytest.mark.usefixtures("set_before")
@pytest.mark.parametrize("here", [True, False], ids=["this kit", "another kit"])
def test_forms_that_were_changed_are_reported(pack: Path, snapshot: Path, here: bool) -> None:
    for name, change in FORMS.items():
        path = pack / name
        old = path.read_bytes()
        path.write_bytes(change(old))
        assert path.read_bytes() != old
    reseal(pack) if here else of_another_kit(pack)
    checks = compared(pack, snapshot)
    refused = {check.subject for check in checks if not check.ok}
    left = {check.subject for check in checks if check.open == NOT_COMPARED}
    if here:
        assert {*FORMS} <= refused
    else:  # pyarrow's version stands in its own file
        assert "data/findings.parquet" in refused
        assert {*FORMS} - {"data/findings.parquet"} <= left


@pytest.mark.usefixtures("set_before")
def test_a_document_that_was_changed_before_it_was_signed_is_reported(
    pack: Path, snapshot: Path, authority: Authority
) -> None:
    path, chain = authority.issue("who changes pages")
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    document = pack / "data" / "evidence.pdf"
    made = document.read_bytes()
    unsigned = made[: made.index(b"%%EOF\n", made.index(b"startxref")) + 6]
    writer = IncrementalPdfFileWriter(io.BytesIO(unsigned))
    first = writer.root["/Pages"]["/Kids"][0]
    while "/Kids" in first:
        first = first["/Kids"][0]
    first["/Contents"] = writer.add_object(StreamObject(stream_data=b""))
    writer.update_container(first)
    changed = io.BytesIO()
    writer.write(changed)
    document.write_bytes(sign_pdf(changed.getvalue(), key))
    reseal(pack)
    found = {check.subject: check.message for check in compared(pack, snapshot) if not check.ok}
    assert "is another" in found["data/evidence.pdf"]


def repacked(content: bytes, **options: Any) -> bytes:
    """A zip with the same parts, packed in another way."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(again, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part), **options)
    return again.getvalue()


def with_another_date(content: bytes) -> bytes:
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(again, "w") as new:
        for part in old.infolist():
            part.date_time = (2001, 1, 1, 0, 0, 0)
            new.writestr(part, old.read(part))
    return again.getvalue()


def with_an_unlisted_part(content: bytes) -> bytes:
    """A zip whose first part stands in it a second time, changed, and not in its list."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        start, end = old.start_dir, content.rindex(b"PK\5\6")
        second = old.infolist()[1].header_offset
    hidden = content[:second]
    place = (start + len(hidden)).to_bytes(4, "little")
    closing = content[end : end + 16] + place + content[end + 20 :]
    return content[:start] + hidden + content[start:end] + closing


@pytest.mark.usefixtures("set_before")
def test_a_workbook_packed_by_another_zlib_is_the_same(pack: Path, snapshot: Path) -> None:
    path = pack / "data" / "findings.xlsx"
    path.write_bytes(repacked(path.read_bytes(), compresslevel=1))
    reseal(pack)
    checks = compared(pack, snapshot)
    reported = [check.message for check in checks if check.subject == "data/findings.xlsx"]
    assert reported == ["not compared: its parts are the snapshot's, packed by another zlib"]


@pytest.mark.parametrize(
    "change",
    [
        lambda old: b"<html>" + old,
        lambda old: old + b"\n",
        with_an_unlisted_part,
        with_another_date,
        lambda old: repacked(old, compress_type=zipfile.ZIP_STORED),
    ],
    ids=["before", "after", "unlisted", "dates", "stored"],
)
def test_a_zip_that_holds_more_than_the_same_parts_is_another(
    pack: Path, change: Callable[[bytes], bytes]
) -> None:
    made = (pack / "data" / "findings.xlsx").read_bytes()
    assert same_parts(repacked(made, compresslevel=1), made)
    assert not same_parts(change(made), made)


def test_a_verdict_that_was_changed_is_reported(pack: Path, snapshot: Path) -> None:
    changed: dict[str, str] = {}

    def whiten(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["status"] == "fail")
        changed.update(row)
        row["status"] = "pass"

    change_findings(pack, whiten)
    found = wrong_findings(pack, snapshot)
    assert found.pop("data/findings.parquet") == (
        "expected the findings of data/findings.csv; observed: another content"
    )
    assert found == {_place(changed): "expected fail, as evaluated again; observed: pass"}


def test_a_finding_that_was_left_out_is_reported(pack: Path, snapshot: Path) -> None:
    gone: list[dict[str, Any]] = []
    change_findings(pack, lambda rows: gone.append(rows.pop(0)))
    assert wrong_findings(pack, snapshot)[_place(gone[0])].endswith("; observed: no such finding")


def test_a_finding_that_was_made_up_is_reported(pack: Path, snapshot: Path) -> None:
    change_findings(pack, lambda rows: rows.append({**rows[0], "resource": "fleet-of-nobody"}))
    found = wrong_findings(pack, snapshot)
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
    assert place in wrong_findings(pack, snapshot)


@pytest.mark.parametrize("lock", [True, False], ids=["this kit", "another kit"])
def test_other_wording_is_a_note_where_another_kit_made_the_pack(
    pack: Path, snapshot: Path, lock: bool
) -> None:
    def reword(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["expected"] = row["expected"].replace(";", ".")
            if row["subject"] != "resource":
                row["resource"] = "nothing of the kind"

    change_findings(pack, reword)
    if not lock:
        of_another_kit(pack)
    checks = compared_findings(pack, snapshot)
    assert any(c.ok and "gives the same" in c.message for c in checks)
    (check,) = [c for c in checks if c.subject == "data/findings.csv" and (c.note or not c.ok)]
    assert check.ok is not lock
    if lock:
        assert "expected the wording of" in check.message
    else:
        agent = f"appstream-evidence-kit {version('appstream-evidence-kit')}"
        assert re.search(rf"made by {agent} \(0{{12}}\), and {agent} \(\w+\) makes", check.message)


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
    checks = verify(pack) + compared_findings(pack, snapshot)
    assert any(c.ok and f"{earlier} (the earlier form" in c.message for c in checks)
    assert any(c.note and "before findings had values of their own" in c.message for c in checks)
    assert re.search("^not compared: .*data/findings.csv", "\n".join(ending(checks)), re.MULTILINE)
    file.write_bytes(file.read_bytes().replace(b",fail,", b",pass,", 1))
    reseal(pack)
    with open_contents(pack) as contents:
        checks = [*check_findings(contents, read_info(contents))]
    assert any(not c.ok and "(the earlier form" in c.message for c in checks)


def test_another_snapshot_is_reported_with_what_differs(
    signed_pack: Path, snapshot: Path, tmp_path: Path
) -> None:
    stored = read(snapshot)
    other = write(tmp_path / "other", stored.header, _with_a_longer_session(stored))
    found = wrong_findings(signed_pack, other.folder)
    assert found["bag-info.txt"].startswith("expected ")
    with open_contents(signed_pack) as contents:
        checks = again._evidence(contents, other, tables.tabulate(other).labels)
        index, record = (check for check in checks if not check.ok)
    assert record.subject.startswith("data/evidence/E")
    assert index.subject == EVIDENCE_INDEX
    assert "as the snapshot gives it" in record.message
    assert [
        reported for name, reported in found.items() if name.startswith("ID-") or ", fleet-" in name
    ]


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


def test_no_snapshot_is_reported(signed_pack: Path, tmp_path: Path) -> None:
    done = evidence("verify", signed_pack, "--against", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "holds no snapshot" in done.stderr
