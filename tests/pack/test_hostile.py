"""Packs that mean harm: refused or told in a line, nothing written, nothing run, no traceback."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from kit import bounds
from kit.judge.findings import Finding
from kit.pack.tabular import csv_file
from kit.verify import verify
from tests.pack.forging import reseal, write, zipped

ROOT = Path(__file__).parent.parent.parent
FILES = {"evidence.html": b"<p>", "organisation.csv": b"a\r\n"}
DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


# ---- packs in folders


def traversal(folder: Path) -> None:
    _line(folder, f"{'0' * 64}  data/../../../etc/passwd\n")


def absolute(folder: Path) -> None:
    _line(folder, f"{'0' * 64}  /etc/passwd\n")


def home(folder: Path) -> None:
    _line(folder, f"{'0' * 64}  ~root/.profile\n")


def twice(folder: Path) -> None:
    _line(folder, (folder / "manifest-sha256.txt").read_text().splitlines(keepends=True)[0])


def byte_order_mark(folder: Path) -> None:
    manifest = folder / "manifest-sha256.txt"
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes())


def line_ends(folder: Path) -> None:
    manifest = folder / "manifest-sha256.txt"
    manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\r\n"))


def latin(folder: Path) -> None:
    (folder / "manifest-sha256.txt").write_bytes(b"\xe9\n")


def named_twice(folder: Path) -> None:
    info = folder / "bag-info.txt"
    info.write_text("signature: CMS by somebody else\n" + info.read_text())
    reseal(folder)


def named_oddly(folder: Path) -> None:
    info = folder / "bag-info.txt"
    info.write_text(info.read_text() + "  Signature: folded\n")
    reseal(folder)


def forged(folder: Path) -> None:
    (folder / "data" / "organisation.csv").write_bytes(b"b\r\n")
    write_manifest = (folder / "manifest-sha256.txt").read_text()
    reseal(folder)
    (folder / "manifest-sha256.txt").write_text(write_manifest)


def fetch(folder: Path) -> None:
    (folder / "fetch.txt").write_text("http://127.0.0.1:9/evil 5 data/evil.csv\n")


def link(folder: Path) -> None:
    (folder / "data" / "passwd.csv").symlink_to("/etc/passwd")


def linked_folder(folder: Path) -> None:
    (folder / "data" / "evidence").symlink_to("/etc")


def looping_folder(folder: Path) -> None:
    (folder / "data" / "evidence").symlink_to("..")


def hard_link(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.write_text("a")
    os.link(outside, folder / "data" / "hard.csv")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "data" / "pipe.csv")


def plug(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket must be short
        try:
            listening.bind("data/s")
        finally:
            os.chdir(here)


def piped_manifest(folder: Path) -> None:
    (folder / "bag-info.txt").unlink()
    os.mkfifo(folder / "bag-info.txt")


def huge(folder: Path) -> None:
    os.truncate(folder / "data" / "organisation.csv", 3 << 30)  # takes no room on the disk


def deep(folder: Path) -> None:
    path = folder / "data"
    for _ in range(60):
        path = path / "d"
    path.mkdir(parents=True)


def cases(folder: Path) -> None:
    (folder / "data" / "Organisation.csv").write_bytes(b"b\r\n")
    reseal(folder)


def forms(folder: Path) -> None:
    (folder / "data" / "pr\u00fcfung.csv").write_bytes(b"a")
    (folder / "data" / "pru\u0308fung.csv").write_bytes(b"b")
    reseal(folder)


def colours(folder: Path) -> None:
    (folder / "data" / "\x1b[2J\x1b[32mok\n   all ok\u202e.csv").write_bytes(b"a")


def no_text(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/data/\xff\xfe.csv", "wb") as file:
        file.write(b"a")


def notebook(folder: Path) -> None:
    harm = folder.parent / "harm"
    code = {"cell_type": "code", "source": f"open({str(harm)!r}, 'w')", "outputs": []}
    (folder / "data" / "evidence.ipynb").write_text(json.dumps({"cells": [code]}))
    reseal(folder)


def program(folder: Path) -> None:
    (folder / "data" / "evidence.html.lnk").write_bytes(b"MZ")
    reseal(folder)


def active_page(folder: Path) -> None:
    (folder / "data" / "evidence.html").write_text(
        "<script>fetch('http://127.0.0.1:9')</script><span class=\"page-mark\">Signed: by me</span>"
    )
    reseal(folder)


def document(folder: Path, action: dict[str, Any]) -> None:
    made = io.BytesIO()
    with pikepdf.new() as file:
        file.add_blank_page()
        file.Root.OpenAction = pikepdf.Dictionary(action)
        file.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    (folder / "data" / "evidence.pdf").write_bytes(made.getvalue())
    reseal(folder)


def script(folder: Path) -> None:
    document(folder, {"/S": pikepdf.Name.JavaScript, "/JS": "app.alert(1)"})


def launch(folder: Path) -> None:
    document(folder, {"/S": pikepdf.Name.Launch, "/F": "cmd.exe"})


def swollen(folder: Path) -> None:
    made = io.BytesIO()
    with pikepdf.new() as file:
        file.add_blank_page()
        file.attachments["findings.csv"] = b"a"
        stream = file.attachments["findings.csv"].obj.EF.F
        stream.write(zlib.compress(bytes(300 << 20), 1), filter=pikepdf.Name.FlateDecode)
        file.save(made)
    of_an_account(folder, {"evidence.pdf": made.getvalue()})


def attached_too(folder: Path) -> None:
    made = io.BytesIO()
    with pikepdf.new() as file:
        file.add_blank_page()
        file.attachments["more.csv"] = b"a"
        file.save(made)
    of_an_account(folder, {"evidence.pdf": made.getvalue()})


def swollen_table_of_objects(folder: Path) -> None:
    """A stream that tells where objects are, as large as no PDF's."""
    parts = [b"%PDF-1.7\n"]
    places = [b"\0" * 6]
    for number, item in enumerate(
        (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", None), start=1
    ):
        at = sum(map(len, parts))
        places.append(b"\1%s\0" % at.to_bytes(4, "big"))
        if item is None:
            rows = b"".join(places) + bytes(60 << 20)
            packed = zlib.compress(rows, 1)
            item = (
                b"<</Type/XRef/W[1 4 1]/Size %d/Root 1 0 R/Length %d/Filter/FlateDecode>>\n"
                b"stream\n%s\nendstream"
            ) % (len(rows) // 6, len(packed), packed)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, item))
    parts.append(b"startxref\n%d\n%%%%EOF\n" % at)
    (folder / "data" / "evidence.pdf").write_bytes(b"".join(parts))
    reseal(folder)


def no_document(folder: Path) -> None:
    (folder / "data" / "evidence.pdf").write_bytes(b"%PDF-1.7\n" + b"1 0 obj <<" * 5000)
    reseal(folder)


def of_an_account(folder: Path, files: dict[str, bytes]) -> None:
    """A forged pack of an account with these files in it."""
    names = list(Finding.__dataclass_fields__)
    values = {"account": "123456789012", "evidence": "E0001#/a"}
    values |= {"observed_values": "{}", "threshold_values": "{}"}
    table = csv_file([{name: values.get(name, "x") for name in names}], names)
    index = b"id,commitment,file\r\nE0001,0,E0001.json\r\n"
    files = {"findings.csv": table, "evidence/index.csv": index} | files
    info = folder / "bag-info.txt"
    info.write_text(f"Account: 123456789012\n{info.read_text()}")
    for name, content in files.items():
        path = folder / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    reseal(folder)


def nested(folder: Path) -> None:
    of_an_account(folder, {"evidence/E0001.json": b"[" * 200_000})


def wandering_index(folder: Path) -> None:
    of_an_account(
        folder, {"evidence/index.csv": b"id,commitment,file\r\nE0001,0,../../../etc/passwd\r\n"}
    )


def broken_index(folder: Path) -> None:
    of_an_account(folder, {"evidence/index.csv": b"id\r\n" + b"x" * 200_000})


def broken_table(folder: Path) -> None:
    of_an_account(folder, {"findings.csv": b"control,\xff\r\n"})


def odd_table(folder: Path) -> None:
    of_an_account(folder, {"findings.csv": b"control\r\n1\r\n"})


def deep_values(folder: Path) -> None:
    names = list(Finding.__dataclass_fields__)
    row = {**dict.fromkeys(names, "x"), "observed_values": "[" * 200_000}
    of_an_account(folder, {"findings.csv": csv_file([row], names)})


def odd_values(folder: Path) -> None:
    names = list(Finding.__dataclass_fields__)
    row = {**dict.fromkeys(names, "x"), "observed_values": '{"a": NaN}', "threshold_values": "{}"}
    of_an_account(folder, {"findings.csv": csv_file([row], names)})


def broken_signatures(folder: Path) -> None:
    for name in ("p7s", "p7s.tsr"):
        (folder / f"tagmanifest-sha256.txt.{name}").write_bytes(b"\x30\x84\xff\xff\xff\xff" * 50)
    document(folder, {"/S": pikepdf.Name.GoTo})
    info = folder / "bag-info.txt"
    names = "tagmanifest-sha256.txt.p7s.tsr, data/evidence.pdf"
    info.write_text(info.read_text().replace("Signature: none", f"Signature: {names}"))
    reseal(folder)


def _line(folder: Path, line: str) -> None:
    with (folder / "manifest-sha256.txt").open("a") as file:
        file.write(line)


FOLDERS: list[tuple[Callable[[Path], None], str]] = [
    (traversal, "a name that leads out of the pack"),
    (absolute, "a name that leads out of the pack"),
    (home, "a name that leads out of the pack"),
    (twice, "a second time"),
    (byte_order_mark, "a byte order mark"),
    (line_ends, r"observed: line 1: '[0-9a-f]{64}  data/evidence.html\\r'"),
    (latin, "bytes that are not UTF-8"),
    (
        named_twice,
        "bag-info.txt: expected each label once; observed: line 4: Signature a second time",
    ),
    (
        named_oddly,
        "bag-info.txt: expected lines such as .*; observed: line 4: '  Signature: folded'",
    ),
    (forged, r"manifest-sha256.txt: expected SHA-256 [0-9a-f]{64}; observed: [0-9a-f]{64}"),
    (fetch, "fetch.txt: expected no such file; observed: a file that names files elsewhere"),
    (link, r"data/passwd.csv: refused, .* it is a symbolic link, not a file"),
    (linked_folder, r"data/evidence: refused, .* it is a symbolic link"),
    (looping_folder, r"data/evidence: refused, .* it is a symbolic link"),
    (hard_link, r"data/hard.csv: refused, .* it is a hard link, one of 2 names"),
    (pipe, r"data/pipe.csv: refused, .* it is a named pipe"),
    (plug, r"data/s: refused, .* it is a socket"),
    (piped_manifest, r"bag-info.txt: refused, .* it is a named pipe"),
    (huge, r"the pack: refused, .* it holds more than 2147483648 bytes"),
    (deep, r"refused, .* it lies in more than 8 folders"),
    (cases, r"data/Organisation.csv: .*differs in case or form alone"),
    (forms, r"data/prüfung.csv: .*differs in case or form alone"),
    (
        colours,
        r"data/⟨U\+001B⟩\[2J⟨U\+001B⟩\[32mok⟨U\+000A⟩   all ok⟨U\+202E⟩.csv: expected no such",
    ),
    (no_text, r"data/⟨U\+DCFF⟩⟨U\+DCFE⟩.csv: expected no such file"),
    (notebook, r"data/evidence.ipynb: expected a kind of file that a pack has .* not opened"),
    (program, r"data/evidence.html.lnk: expected a kind of file that a pack has"),
    (active_page, r"data/evidence.html: expected Unsigned on its pages, .*observed: Signed: by me"),
    (script, r"data/evidence.pdf: expected a document that does nothing .*/JavaScript"),
    (launch, r"data/evidence.pdf: expected a document that does nothing .*/Launch"),
    (swollen, r"data/evidence.pdf: expected a PDF; observed: it cannot be read"),
    (attached_too, r"data/evidence.pdf: expected .*; observed: more.csv too"),
    (
        swollen_table_of_objects,
        r"data/evidence.pdf: expected a PDF; observed: it cannot be read: getStreamData",
    ),
    (no_document, r"data/evidence.pdf: expected a PDF; observed: it cannot be read"),
    (nested, r"data/evidence/E0001.json: .*cannot be read"),
    (wandering_index, r"data/evidence/../../../etc/passwd: .* observed: it is not there"),
    (broken_index, r"data/evidence/index.csv: expected the index of evidence"),
    (
        broken_table,
        r"data/findings.csv: expected a table of findings; observed: 'utf-8' codec can't decode",
    ),
    (odd_table, r"data/findings.csv: expected a table of findings; observed: columns"),
    (deep_values, r"data/findings.csv: expected a table of findings"),
    (odd_values, r"data/findings.csv: expected a table of findings"),
    (broken_signatures, r"tagmanifest-sha256.txt.p7s.tsr: expected a timestamp"),
]


# ---- packs in zips


def member(name: str, content: bytes = b"a", **fields: Any) -> Callable[[Path], None]:
    """A pack with one member more, of any name and kind."""

    def made(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as file:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            for field, value in fields.items():
                setattr(info, field, value)
            file.writestr(info, content)

    return made


def null_name(path: Path) -> None:
    member("data/xxevil.csv")(path)
    path.write_bytes(path.read_bytes().replace(b"data/xxevil.csv", b"data/x\0evil.csv"))


def repeated(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        member("data/organisation.csv", b"b")(path)


def encrypted(path: Path) -> None:
    member("data/secret.csv")(path)
    _patch(path, b"data/secret.csv", 8, "<H", 1)


def declared(path: Path) -> None:
    member("data/bomb.csv")(path)
    _patch(path, b"data/bomb.csv", 24, "<I", 0xFFFFFFF0)


def understated(path: Path) -> None:
    member("data/bomb.csv", bytes(5 << 20), compress_type=zipfile.ZIP_DEFLATED)(path)
    _patch(path, b"data/bomb.csv", 24, "<I", 10)


def renamed(path: Path) -> None:
    """The name in front of the content is another than in the list at the end."""
    member("data/one.csv")(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"data/one.csv", b"data/two.csv", 1))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def many(path: Path) -> None:
    """As `zipfile` would write 100,000 empty files, and much faster."""
    bodies, entries, at = [], [], 0
    for number in range(100_000):
        name = b"data/evidence/E%d.json" % number
        body = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        fields = (20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, at)
        entries.append(struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields) + name)
        bodies.append(body)
        at += len(body)
    listed = b"".join(entries)
    end = struct.pack(
        *("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 100_000, 100_000, len(listed), at)
    )
    where = struct.pack("<4sIQI", b"PK\6\7", 0, at + len(listed), 1)
    last = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, *(0xFFFF,) * 2, *(0xFFFFFFFF,) * 2, 0)
    path.write_bytes(b"".join(bodies) + listed + end + where + last)


def _patch(path: Path, name: bytes, offset: int, form: str, value: int) -> None:
    """Change a field of a member's entry in the list at the end."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(name) - 46
    struct.pack_into(form, content, entry + offset, value)
    path.write_bytes(content)


ZIPS: list[tuple[Callable[[Path], None], str]] = [
    (member("../evil.csv"), "it is a name that leads out of the pack"),
    (member("data/../../evil.csv"), "it is a name that leads out of the pack"),
    (member("/etc/passwd"), "it is a name that leads out of the pack"),
    (member("C:/evil.csv"), "it is a name that leads out of the pack"),
    (member("data\\..\\evil.csv"), "it is a name that leads out of the pack"),
    (member("data//evil.csv"), "it is a name that leads out of the pack"),
    (member(""), "it is a name that leads out of the pack"),
    (null_name, "it is a name that leads out of the pack"),
    (member("data/l.csv", external_attr=(stat.S_IFLNK | 0o777) << 16), "it is a symbolic link"),
    (member("data/p.csv", external_attr=(stat.S_IFIFO | 0o666) << 16), "it is a named pipe"),
    (member("data/d.csv", external_attr=(stat.S_IFBLK | 0o666) << 16), "it is a device"),
    (member("data/c.csv", external_attr=(stat.S_IFCHR | 0o666) << 16), "it is a device"),
    (member("data/x.csv", compress_type=zipfile.ZIP_LZMA), "by another method than Deflate"),
    (member("/".join("d" * 60)), "it lies in more than 8 folders"),
    (
        repeated,
        "data/organisation.csv: refused, and nothing else was looked at: it stands there twice",
    ),
    (encrypted, "it is encrypted"),
    (declared, "it holds more than 2147483648 bytes"),
    (understated, "data/bomb.csv: .* another size in its own header"),
    (renamed, "data/two.csv|data/one.csv"),
    (truncated, "no pack: .* neither a folder nor a zip that can be read"),
    (many, "it holds more than 50000 files"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """What was told of each pack, and what else was done, in one process that is watched."""
    top = tmp_path_factory.mktemp("hostile")
    write(top / "good", FILES)
    packs: dict[str, Path] = {}
    for number, (spoil, _) in enumerate(FOLDERS):
        packs[f"folder {number}"] = write(top / f"f{number}" / "pack", FILES)
        spoil(packs[f"folder {number}"])
    for number, (spoil, _) in enumerate(ZIPS):
        packs[f"zip {number}"] = zipped(top / "good", top / f"{number}.zip")
        spoil(packs[f"zip {number}"])
    before = _listing(top)
    done = subprocess.run(
        [sys.executable, "-m", "tests.pack.watching", top / "good", *packs.values()],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert _listing(top) == before
    reported = json.loads(done.stdout)
    return {name: reported[str(path)] for name, path in packs.items()}


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.rglob("*"):
        reported = path.lstat()
        found[str(path)] = (reported.st_size, reported.st_mtime_ns)
    return found


@pytest.mark.parametrize("number", range(len(FOLDERS)), ids=[one.__name__ for one, _ in FOLDERS])
def test_a_folder_that_means_harm_is_reported(seen: dict[str, Any], number: int) -> None:
    found = seen[f"folder {number}"]
    assert _matching(FOLDERS[number][1], found["reported"]), found["reported"]
    assert found["did"] == []


@pytest.mark.parametrize("number", range(len(ZIPS)))
def test_a_zip_that_means_harm_is_reported(seen: dict[str, Any], number: int) -> None:
    found = seen[f"zip {number}"]
    assert _matching(ZIPS[number][1], found["reported"]), found["reported"]
    assert found["did"] == []


def _matching(pattern: str, lines: list[str]) -> list[str]:
    return [line for line in lines if re.search(pattern, line)]


def test_a_refusal_is_all_that_is_reported(seen: dict[str, Any]) -> None:
    refused = [found["reported"] for found in seen.values() if "refused" in found["reported"][0]]
    assert len(refused) > 20
    assert {len(lines) for lines in refused} == {1}


def test_so_many_files_are_not_even_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PACK_FILES", 5)
    pack = write(tmp_path / "pack", {f"{n}.csv": b"" for n in range(10)})
    (check,) = verify(pack)
    assert "holds more than 5 files" in check.message


def test_a_workbook_is_never_parsed(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    with zipfile.ZipFile(bomb, "w") as file:
        file.writestr("xl/workbook.xml", f'<!DOCTYPE w [<!ENTITY e0 "lol">{entities}]><w>&e11;</w>')
    pack = write(tmp_path / "pack", FILES | {"findings.xlsx": bomb.getvalue()})
    (wrong,) = [one for one in verify(pack) if not one.ok and one.subject == "data/findings.xlsx"]
    assert "<!DOCTYPE in xl/workbook.xml" in wrong.message
