"""Packs of accounts in which every text is hostile: nothing runs, nothing hides, all is made."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kit.report.words import _UNSEEN
from tests.answers.chain import sealed
from tests.answers.changes import MANY, halves, instead, places, successes
from tests.answers.playback import Account
from tests.answers.shapes import HALF, HOSTILE

Recorded = Callable[[str], Account]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What says whose the account is and where things are; without it nothing would be looked at.
PLAIN = re.compile(r"(?i).*(arn|region|account|bucket\w*|zone|identifier|location\w*|id|content)$")


def defaced(account: Account, turn: int) -> Account:
    """The account with a hostile text in every member that people, or AWS in future, may fill."""
    changed, old_by_new, new_by_old = [], {}, {}
    for answer in successes(account):
        for place in places(answer):
            text = place.value
            member = next((part for part in place.path[::-1] if isinstance(part, str)), "")
            if place.shape.type_name != "string" or place.shape.enum or PLAIN.fullmatch(member):
                continue
            if text.startswith(("{", "%7B", "arn:")):
                continue
            if text not in new_by_old:
                texts = [*HOSTILE, HALF] if halves(answer) else HOSTILE
                made = texts[(turn + len(new_by_old)) % len(texts)]
                made = f"{made} {len(new_by_old)}"
                new_by_old[text], old_by_new[made] = made, text
            answer = replace(answer, body=instead(answer.body, place.path, new_by_old[text]))
        changed.append(answer)
    return account.but(*changed, renamed=old_by_new)


@pytest.fixture(scope="module", params=range(8 if MANY else 1))
def pack(
    request: pytest.FixtureRequest, recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The pack of a defaced account, its names in clear."""
    turn = request.param
    folder = tmp_path_factory.mktemp("defaced")
    account = recorded("careless" if turn % 2 else "demo").asked_with(pseudonymise=False)
    snapshot = defaced(account, turn * 5).collect(folder)
    return sealed(snapshot.folder, folder / "pack", with_pdf=True)


class _Page(HTMLParser):
    """What an HTML page has: elements, attributes, targets of links, scripts."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.targets: set[str] = set()
        self.scripts: list[str] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        told = dict(attrs)
        self.attributes |= {(tag, name) for name in told}
        self.targets |= {told[name] or "" for name in ("href", "src", "action") if name in told}
        if tag == "script":
            self.scripts.append("")
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data


def test_the_page_holds_no_markup_but_our_own(
    pack: dict[str, bytes], recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page = _Page(pack["data/evidence.html"].decode())
    folder = tmp_path_factory.mktemp("plain")
    plain = sealed(recorded("demo").collect(folder).folder, folder / "pack")
    ours = _Page(plain["data/evidence.html"].decode())
    assert page.elements <= ours.elements
    assert page.attributes <= ours.attributes | {("p", "id")}  # a table without rows
    assert [name for _, name in page.attributes if name.startswith("on")] == []
    assert {t for t in page.targets if not t.startswith(("#", "data:image/svg"))} <= ours.targets
    scripts = [text for text in page.scripts if text.strip()]
    assert len(page.scripts) == len(ours.scripts)
    for text in scripts:
        hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{hashed}'" in page.policy
    assert "unsafe" not in page.policy


def test_no_cell_is_a_formula(pack: dict[str, bytes]) -> None:
    tables = [name for name in pack if name.endswith(".csv")]
    assert tables
    for name in tables:
        for row in csv.reader(io.StringIO(pack[name].decode(), newline="")):
            assert [cell for cell in row if cell.startswith(FORMULA)] == [], name
    for name in (name for name in pack if name.endswith(".xlsx")):
        with zipfile.ZipFile(io.BytesIO(pack[name])) as book:
            for part in book.namelist():
                if part.startswith("xl/worksheets/"):
                    assert b"<f>=" not in (text := book.read(part)), part
                    assert not re.search(rb"<f>[^<]*(cmd|SUM\(A1)", text), part


def test_json_is_json(pack: dict[str, bytes]) -> None:
    texts = [name for name in pack if name.endswith(".json")]
    assert texts
    for name in texts:
        json.loads(pack[name])


def test_the_pdf_shows_what_cannot_be_seen(pack: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "evidence.pdf").write_bytes(pack["data/evidence.pdf"])
    done = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "evidence.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "⟨U+202E⟩" in done.stdout
    marks = set("\f\u202a\u202b\u202c\u2060")  # of pages, of right-to-left text, of no break
    assert set(_UNSEEN.findall(done.stdout)) <= marks
