"""Forgeries that keep what the kit compares, and show a reader something else.

The true findings are hidden where a browser shows none, a viewer draws something over them, or an
unpacking program reads other files than the kit.
"""

from __future__ import annotations

import copy
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from pikepdf import Array, Dictionary, Name, Object, String

from kit import bounds
from kit.pack.document import document as made
from kit.pack.html import page as html
from kit.pack.pdf import pdf as pdf_of
from kit.report.formats import STATUSES
from kit.verify import again, judged, pdf, verify
from kit.verify.bag import check_labels, read_info
from kit.verify.contents import open_contents
from kit.verify.document import Traits, _is_telling, check_document
from kit.verify.findings import check_findings
from kit.verify.info import check_info
from kit.verify.maker import maker_of
from kit.verify.page import check_page, read_page
from kit.verify.pdf import _sound, opened
from tests.pack.forging import reseal, zipped
from tests.pack.test_forgeries import (
    HTML,
    PDF,
    annotate,
    document,
    index,
    info,
    link,
    pack,
    rewrite,
    unsigned,
    values,
)
from tests.pack.test_lasting import updated

__all__ = ["pack", "unsigned"]  # fixtures
_TABLE = re.compile(r'(?s)<table class="data" id="table-findings">.*?</table>')
_ARTICLE = re.compile(r"(?s)<article(?:(?!</article>).)*?mark fail chip.*?</article>")


def passing(text: str) -> str:
    """Return a part of a page in which every fail became a pass, marks and all."""
    return re.sub(
        r'<span class="mark fail( chip)?"><span class="shape" aria-hidden="true">[^<]*</span> fail',
        rf'<span class="mark pass\1"><span class="shape" aria-hidden="true">'
        rf"{STATUSES['pass'].shape}</span> pass",
        text,
    )


def table(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: _TABLE.sub(lambda match: change(match[0]), text)


def article(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: _ARTICLE.sub(lambda match: change(match[0]), text, count=1)


def other(text: str) -> str:
    """Return a table that passes, with other ids."""
    return re.sub(r' id="[^"]*"', "", passing(text))


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return change


def in_title(text: str) -> str:
    match = _TABLE.search(text)
    assert match
    return text.replace(match[0], other(match[0])).replace("</title>", f"{match[0]}</title>")


PASS = '<span class="mark pass"><span class="shape" aria-hidden="true">✓</span> pass</span>'
CHIP = PASS.replace("mark pass", "mark pass chip")
PAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "a table beyond the edge": (
        table(lambda own: f'<div class="skip">{own}</div>{other(own)}'),
        "an element div of class 'skip'",
    ),
    "a table that is not printed": (
        table(lambda own: f"<nav>{own}</nav>{other(own)}"),
        "an element nav in div.scroll",
    ),
    "a table in the title": (in_title, "an element table.data in title"),
    "a row beyond the edge": (
        table(replaced("<tr>", '<tr class="skip">')),
        "an element tr of class 'skip'",
    ),
    "rows before the body": (
        table(lambda own: own.replace("<tbody>", f"{own.partition('<tbody>')[2][:900]}<tbody>")),
        "an element tr in table.data",
    ),
    "a cell that shifts the others": (
        table(replaced('<td class="severity">', f'<td>{PASS}</td><td class="severity">')),
        "high, .*, as in data/findings.csv; observed: .*, pass, |observed: .*, pass, ",
    ),
    "a cell more": (
        table(replaced("</tr>\n</tbody>", f'<td class="status">{PASS}</td></tr>\n</tbody>')),
        "as in data/findings.csv",
    ),
    "a second head": (
        table(lambda own: own.replace("</thead>", re.search("<tr>.*?</tr>", own)[0] + "</thead>")),  # type: ignore[index]
        "as in data/findings.csv",
    ),
    "a text between rows": (
        table(replaced("<tbody>", "<tbody>Nothing fails.")),
        "'Nothing fails.' in tbody",
    ),
    "a second verdict": (
        article(lambda own: own.replace("<dl class", f'<p class="verdict">{CHIP}</p><dl class', 1)),
        "an article of controls|an element|an id",
    ),
    "an article twice": (
        article(lambda own: own + re.sub(r' (id|aria-labelledby)="[^"]*"', "", passing(own))),
        "an article of [A-Z]{2}-[0-9]{2} a second time",
    ),
    "no article": (article(lambda _: ""), "expected a verdict, as data/findings.csv has findings"),
    "an encoding that hides": (
        replaced('charset="utf-8"', 'charset="iso-2022-jp"'),
        "a meta 'iso-2022-jp'",
    ),
    "a referrer": (replaced('content="no-referrer"', 'content="unsafe-url"'), "a meta 'referrer"),
    "a page too small to read": (replaced("initial-scale=1", "initial-scale=0.01"), "a meta"),
    "rows for the eye alone": (
        table(lambda own: own.replace("<tr>", '<tr aria-hidden="true">')),
        "an attribute aria-hidden of tr",
    ),
    "another word for the ear": (
        replaced('class="mark fail"', 'class="mark fail" aria-label="pass"'),
        "an attribute aria-label of span.mark",
    ),
    "the colour of another": (
        replaced('class="mark fail"', 'class="pass mark fail"'),
        "an element span of class 'pass mark fail'",
    ),
    "the shape of another": (
        lambda text: text.replace(f'"true">{STATUSES["fail"].shape}<', '"true">✓<'),
        "a mark 'fail' with the shape '✓'",
    ),
    "a name of the script's": (
        replaced("<img src", '<img name="querySelectorAll" src'),
        "an attribute name of img",
    ),
    "a link to a share after a space": (
        replaced("<h1>", '<h1><a href=" //example.com/a">a</a>'),
        "a link to ' //example.com/a'",
    ),
    "a link to another host for a browser": (
        replaced("<h1>", r'<h1><a href="https://evil.example\@docs.aws.amazon.com/">a</a>'),
        "a link to",
    ),
    "a link to a share between tabs": (
        replaced("<h1>", '<h1><a href="&#9;/&#9;/example.com">a</a>'),
        "a link to",
    ),
    "a stamp beyond the edge": (
        replaced('<p class="stamp">', '<p class="stamp skip">'),
        "an element p of class 'stamp skip'",
    ),
    "a second end": (
        replaced("<footer>", "<footer><p>2031</p></footer><footer>"),
        "2 times footer",
    ),
    "a text that turns round": (replaced("<h1>", "<h1>\u202e"), r"U\+202E, which no reader sees"),
    "a text that turns round, by number": (replaced("<h1>", "<h1>&#x202e;"), r"U\+202E"),
    "an id twice": (replaced("<h2 id=", '<h2 id="main">a</h2><h2 id='), "an id 'main' a second"),
    "quotes without end": (
        lambda text: text.replace(
            "</main>", "<blockquote>" * 999 + "</blockquote>" * 999 + "</main>"
        ),
        "elements nested more than",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_shows_something_else_is_refused(pack: Path, name: str) -> None:
    change, reported = PAGES[name]
    before = (pack / HTML).read_text()
    (pack / HTML).write_text(change(before), newline="")
    assert change(before) != before
    with open_contents(pack) as contents:
        stated = read_info(contents)
        checks, _ = check_page(contents, stated, maker_of(stated), of_an_account=True)
    lines = "\n".join(check.line for check in checks if not check.ok)
    assert re.search(reported, lines), lines


def test_a_page_in_an_unknown_language_states_that_its_words_were_not_compared(pack: Path) -> None:
    rewrite(pack / HTML, '<html lang="[^"]*"', '<html lang="xx"')
    with open_contents(pack) as contents:
        stated = read_info(contents)
        checks, _ = check_page(contents, stated, maker_of(stated), of_an_account=True)
    assert f"{HTML}: words of the verdicts" in {check.subject for check in checks if check.open}


def test_the_page_of_the_pack_is_read(unsigned: Path) -> None:
    page = read_page((unsigned / HTML).read_text())
    assert page.heads[:5] == ["control", "code", "code", "severity", "status"]
    assert {len(row) for row in page.rows} == {len(page.heads)}


def test_every_kind_of_view_has_its_place_on_a_page(notebook: NotebookNode) -> None:
    assert read_page(html(made(notebook))).verdicts == {"AR-05": "fail", "LG-01": "not-evidenced"}


ADDRESSES = {
    "http://intranet.example/a": True,
    "https://wiki.example/a?b=c#d": True,
    "HTTPS://wiki.example": False,
    "mailto:?body=a": False,
    "ftp://files.example/": False,
}


@pytest.mark.parametrize(("address", "linked"), ADDRESSES.items())
def test_an_address_in_prose_is_a_link_that_the_verification_accepts_or_none(
    notebook: NotebookNode, address: str, linked: bool
) -> None:
    notebook = copy.deepcopy(notebook)
    notebook.cells.append(new_markdown_cell(f"See [there](<{address}>)."))
    document = made(notebook)
    reached = read_page(html(document)).addresses
    assert (address in reached) == linked
    with pikepdf.open(io.BytesIO(pdf_of(document))) as file:
        traits = Traits.of(file)
    assert (address in traits.addresses, traits.acts) == (linked, set())


@pytest.mark.parametrize("name", [HTML, PDF])
def test_hosts_to_which_links_lead_are_named(pack: Path, name: str) -> None:
    address = "https://docs.aws.amazon.com@ev\u0456l.example/a"
    rewrite(pack / HTML, r'href="https://[^"]*', f'href="{address}')
    document(pack, lambda f: link(f).__setitem__("/URI", String(address)))
    checks = verify(pack)
    (line,) = (check.line for check in checks if check.subject == name and "links" in check.message)
    assert r" ev\u0456l.example" in line


# ---- the document


def drawing(file: Any) -> Dictionary:
    """An appearance that covers a page."""
    box = Array([0, 0, 600, 850])
    return Dictionary(
        N=file.make_stream(b"1 g 0 0 600 850 re f", Type=Name.XObject, Subtype=Name.Form, BBox=box)
    )


DOCUMENTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "layers": (
        lambda f: f.Root.__setitem__("/OCProperties", Dictionary(D=Dictionary())),
        "/OCProperties",
    ),
    "another presentation": (
        lambda f: f.Root.Names.__setitem__("/AlternatePresentations", Dictionary()),
        "/AlternatePresentations",
    ),
    "what a viewer must run": (
        lambda f: f.Root.__setitem__("/Requirements", Array([])),
        "/Requirements",
    ),
    "a field over the page": (
        lambda f: annotate(f, Subtype=Name.Widget, AP=drawing(f)),
        "a form field on the page",
    ),
    "a signature's field over the page": (
        lambda f: annotate(f, Subtype=Name.Widget, FT=Name.Sig, T=String("a"), AP=drawing(f)),
        "a form field on the page",
    ),
    "a link that is drawn": (
        lambda f: annotate(f, Subtype=Name.Link, AP=drawing(f)),
        "an annotation with an appearance",
    ),
    "appearances by the viewer": (
        lambda f: f.Root.__setitem__(
            "/AcroForm", Dictionary(Fields=Array([]), NeedAppearances=True)
        ),
        "/NeedAppearances",
    ),
    "rights of a reader": (
        lambda f: f.Root.__setitem__("/Perms", Dictionary(UR3=Dictionary())),
        "/UR3",
    ),
    "a page of another file": (
        lambda f: f.Root.__setitem__(
            "/PieceInfo",
            f.make_stream(b"", Type=Name.XObject, Ref=Dictionary(F=String("a.pdf"), Page=0)),
        ),
        "a page of another file",
    ),
    "a link to a share": (
        lambda f: link(f).__setitem__("/URI", String(" //example.com/a")),
        "/URI  //example.com/a",
    ),
    "a link to another host for a browser": (
        lambda f: link(f).__setitem__(
            "/URI", String(r"https://evil.example\@docs.aws.amazon.com/")
        ),
        "/URI https://evil.example",
    ),
    "a link to the reader's files": (
        lambda f: link(f).__setitem__("/URI", String("/etc/passwd")),
        "/URI /etc/passwd",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_shows_something_else_is_refused(pack: Path, name: str) -> None:
    change, reported = DOCUMENTS[name]
    document(pack, change)
    with open_contents(pack) as contents:
        checks, _ = check_document(contents, read_info(contents), attached=True)
    lines = "\n".join(check.line for check in checks if not check.ok)
    assert re.search(reported, lines), lines


@pytest.mark.parametrize(
    ("written", "telling"),
    [
        (b"<< /ID (U1x2) /K [ 1 << /Type /MCR >> ] /S /TD /Type /StructElem >>", False),
        (b"<< /A << /O /Table /Scope /Column >> /S /TH >>", False),
        (b"<< /S /URI >>", True),
        (b"<</S/U#52I>>", True),
        (b"[ 1 << /K [ << /JS 1 >> ] >> ]", True),
        # A program may take a string for a name, as the check does.
        (b"<< /S (/URI) >>", True),
        (rb"<< /S (\057URI) >>", True),
        (b"<< /S <2f555249> >>", True),
        (b"<< /S <feff002f005500520049> >>", True),
        (b"<< /S (\xef\xbb\xbf/URI) >>", True),
    ],
)
def test_only_what_can_have_no_trait_is_passed_over(written: bytes, telling: bool) -> None:
    assert _is_telling(Object.parse(written)) is telling


def test_the_document_is_parsed_once(unsigned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr(pdf, "_sound", lambda content: parsed.append(_sound(content)) or parsed[-1])
    with open_contents(unsigned) as contents:
        check_document(contents, read_info(contents), attached=True)
        with opened(contents) as file:
            assert parsed == [file]


def another_catalogue(content: bytes) -> bytes:
    """Append a catalogue whose pages are the same but for the second, which is not there."""
    place: list[int] = []

    def change(file: Any) -> None:
        pages = Dictionary(file.Root.Pages)
        pages.Kids = Array([file.pages[0].obj])
        made = Dictionary(file.Root)
        made.Pages = file.make_indirect(pages)
        place.append(file.make_indirect(made).objgen[0])

    appended = updated(content, change)
    start = appended.rindex(b"trailer")
    return appended[:start] + re.sub(
        rb"/Root \d+ 0 R", b"/Root %d 0 R" % place[0], appended[start:]
    )


def a_link_more(content: bytes) -> bytes:
    return updated(content, lambda file: annotate(file, Subtype=Name.Link))


@pytest.mark.parametrize(
    ("forge", "reported"),
    [(another_catalogue, "another catalogue"), (a_link_more, "annotations of the first page")],
)
def test_what_is_appended_beside_a_signature_is_another_document(
    pack: Path, forge: Callable[[bytes], bytes], reported: str
) -> None:
    made_again = (pack / PDF).read_bytes()
    (pack / PDF).write_bytes(forge(made_again))
    with open_contents(pack) as contents:
        assert reported in again._added(contents, made_again)


# ---- texts that a library cannot compute with


def far(moment: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        info(pack, "Evidence-As-Of", moment)

        def of_row(rows: list[list[str]]) -> None:
            for row in rows[1:]:
                row[rows[0].index("started")] = moment

        index(pack, of_row)

    return change


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_the_end_of_all_times_is_reported(pack: Path, moment: str) -> None:
    far(moment)(pack)
    reseal(pack)
    assert [check for check in verify(pack) if not check.ok]


@pytest.mark.parametrize("place", ["9" * 5_000, "٠", "00", "²", "-1", ""])
def test_a_pointer_has_one_reading(pack: Path, place: str) -> None:
    values("#/Fleets/0", f"#/Fleets/{place}")(pack)
    with open_contents(pack) as contents:
        lines = [check.line for check in check_findings(contents, read_info(contents))]
    assert [line for line in lines if "expected a value at /Fleets/" in line]


LABELS = {
    "a label of the forger's": ("Verified-By: somebody\n", "labels that the kit writes"),
    "many labels": ("".join(f"L{n}: a\n" for n in range(9_000)), "labels that the kit writes"),
    "a text that turns round": ("Stamp: \u202eenon\n", "each label once|a reader sees"),
    "a line feed of others": ("Account: 1\x85Stamp: none\n", "each label once|a reader sees"),
    "colours": ("Verified-By: \x1b[32mall\n", "a reader sees"),
}


@pytest.mark.parametrize("name", LABELS)
def test_no_label_is_added(pack: Path, name: str) -> None:
    added, reported = LABELS[name]
    with (pack / "bag-info.txt").open("a", encoding="utf-8") as file:
        file.write(added)
    with open_contents(pack) as contents:
        lines = [check.line for check in check_labels(contents) if not check.ok]
    assert re.search(reported, "\n".join(lines)), lines
    assert sum(map(len, lines)) < 10_000


def test_the_labels_of_a_pack_are_known(unsigned: Path) -> None:
    with open_contents(unsigned) as contents:
        assert [*check_labels(contents)] == []
        assert "Account" in read_info(contents)
        checks = check_info(contents, read_info(contents), {})
        assert [check.line for check in checks if not check.ok] == []


# ---- folders and zips


def lines_of(pack: Path) -> str:
    return "\n".join(check.line for check in verify(pack) if not check.ok)


def test_an_empty_folder_is_refused(pack: Path) -> None:
    (pack / "VERIFIED by the authority").mkdir()
    assert "is an empty folder" in lines_of(pack)


def added(*names: str, content: bytes = b"", mode: int = 0) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as file:
            for name in names:
                member = zipfile.ZipInfo(name)
                member.external_attr = mode << 16
                file.writestr(member, content)

    return change


def patched(at: int, form: str, value: int, sign: bytes = b"PK\3\4") -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        start = content.index(sign) + at
        content[start : start + struct.calcsize(form)] = struct.pack(form, value)
        path.write_bytes(content)

    return change


def between(path: Path) -> None:
    """Put a file with its own header where no list names it."""
    content = path.read_bytes()
    end = content.rindex(b"PK\5\6")
    size, start = struct.unpack("<II", content[end + 12 : end + 20])
    text = b"control,status\r\n"
    header = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(text), len(text), len(text), 17, 0
    )
    hidden = header + b"data/findings.csv" + text
    tail = content[end : end + 12] + struct.pack("<II", size, start + len(hidden))
    path.write_bytes(content[:start] + hidden + content[start:end] + tail + content[end + 20 :])


def two_names(path: Path) -> None:
    name = b"data/findings.exe"
    extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"data/a.csv")) + name
    with zipfile.ZipFile(path, "a") as file:
        member = zipfile.ZipInfo("data/a.csv")
        member.extra = extra
        file.writestr(member, b"")


def commented(text: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as file:
            file.comment = text

    return change


def around(before: bytes, after: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(before + path.read_bytes() + after), None)[1]


ZIPS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a program before it": (around(b"MZ" * 99, b""), "does not follow the file before it"),
    "bytes after it": (around(b"", b"<script>"), "bytes after its end"),
    "a comment": (commented(b"Verified"), "a comment"),
    "a second end": (commented(b"PK\5\6" + bytes(18)), "a comment|belong to no file|no header"),
    "a file between": (between, "bytes that belong to no file"),
    "a folder that leads out": (added("../../evil/"), "leads out of the pack"),
    "a folder with content": (added("data/a/", content=b"MZ" * 9), "a folder with content"),
    "a folder that is a link": (added("data/a/", mode=stat.S_IFLNK | 0o777), "a symbolic link"),
    "a folder with nothing in it": (added("AUDITED/"), "is an empty folder"),
    "very many folders": (added(*(f"d{n}/" for n in range(1_001))), "more than 500 files"),
    "another name": (patched(30, "<B", 0x5A), "another name in its own header"),
    "encrypted by its header": (patched(6, "<H", 1), "packed otherwise by its own header"),
    "stored by its header": (patched(8, "<H", 0), "packed otherwise by its own header"),
    "another size": (patched(22, "<I", 7), "another size in its own header"),
    "a size that the list understates": (patched(24, "<I", 7, b"PK\1\2"), "another size in its"),
    "a second name": (two_names, "has a second name"),
}


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_with_two_readings_is_refused(
    unsigned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(bounds, "PACK_FILES", 500)  # of 50,000, which take seconds to write
    change, reported = ZIPS[name]
    path = zipped(unsigned, tmp_path / "pack.zip")
    change(path)
    assert re.search(f"refused, and nothing else was looked at: .*{reported}", lines_of(path))


class _Stream:
    """A file without places, to which a zip is written with its sizes after each content."""

    def __init__(self, path: Path):
        self.file = path.open("wb")

    def write(self, content: bytes) -> int:
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()


@pytest.mark.parametrize("how", ["with its folders", "as a stream", "in 64 bits"])
def test_a_zip_of_another_program_is_read(unsigned: Path, tmp_path: Path, how: str) -> None:
    path = tmp_path / "pack.zip"
    target: Any = _Stream(path) if how == "as a stream" else path
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for each in sorted(unsigned.rglob("*")):
            name = f"a/{each.relative_to(unsigned)}"
            if each.is_file():
                with file.open(name, "w", force_zip64=how == "in 64 bits") as member:
                    member.write(each.read_bytes())
            elif how == "with its folders":
                file.mkdir(name)
    if how == "as a stream":
        target.file.close()
    with open_contents(path) as contents:
        names = {str(each.relative_to(unsigned)) for each in unsigned.rglob("*") if each.is_file()}
        assert contents.sizes.keys() == names


@pytest.mark.parametrize(
    ("purposes", "refused"),
    [
        (["server_auth"], True),
        (["time_stamping"], True),
        (["ocsp_signing", "server_auth"], True),
        (["email_protection"], False),
        (["server_auth", "client_auth"], False),
        ([], False),
    ],
)
def test_a_certificate_for_another_purpose_signs_no_pack(
    purposes: list[str], refused: bool
) -> None:
    usage = asn1.ExtKeyUsageSyntax(purposes) if purposes else None
    certificate: Any = SimpleNamespace(extended_key_usage_value=usage)
    assert bool(judged._other_purpose(certificate)) == refused
