"""`evidence seal --notebook`: an analyst's own cells, executed apart and shown apart.

A notebook that means harm, its pack, and what `verify` reports of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kit.cli import main
from kit.errors import UserError
from kit.pack import own_cells, own_notebook
from kit.pack import pdf as pdf_module
from kit.pack.own_cells import OwnCells, parse_own_cells, plain_view
from kit.pack.own_notebook import read_own_notebook
from kit.pack.own_svg import plain_svg
from kit.pack.prose import headings_and_prose, plain_prose
from kit.pack.seal import seal
from kit.redact.free_text import FreeText
from kit.report import fonts, views
from kit.report.own import svg
from kit.report.views import EVIDENCE_MIME, Column, Cover, Data, Figure, Note, Table
from kit.snapshot import Snapshot, read
from kit.verify import again, verify
from kit.verify.checks import NOT_COMPARED
from kit.verify.own import OWN
from tests.answers import chain
from tests.pack.forging import reseal
from tests.pages import commands
from tests.standins import Account

ROOT = Path(__file__).parents[2]
PAGE = "docs/own-cells-and-controls.md"
FLEET = "payroll-fleet"
# Each line leaves its result in `seen`; none may reach a network, a process or AWS's settings.
HOSTILE = """
import multiprocessing, os, pathlib, socket, subprocess
import kit
from kit.judge import evaluator
from kit.report import show

seen = {}
for name, attempt in {
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "resolve": lambda: socket.getaddrinfo("localhost", 80),
    "process": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"),
    "spawn": lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    "forkserver": lambda: multiprocessing.get_context("forkserver").Process(target=print).start(),
}.items():
    try:
        attempt()
        seen[name] = "passed"
    except PermissionError as error:
        seen[name] = str(error)
parent = pathlib.Path(f"/proc/{os.getppid()}/environ")
try:
    inherited = pathlib.Path("/proc/self/environ").read_text() + parent.read_text()
except OSError:
    inherited = ""
seen["settings"] = [name for name in ("of-nobody", "GITHUB_TOKEN") if name in inherited + str(os.environ)]
evidence = kit.open_snapshot(snapshot)
seen["folder"] = snapshot
(evidence.folder / "evidence.jsonl").write_text("")  # of the copy
evaluator.evaluate = lambda tables: []
show.cover = show.section = lambda *_: None
"""
RAW = """
from IPython.display import display
display({MIME: PAYLOAD}, raw=True)
"""


def code(source: str, **metadata: Any) -> NotebookNode:
    return new_code_cell(source, metadata=metadata)


def displayed(payload: Any) -> NotebookNode:
    """A cell that shows a view which it made up."""
    return code(RAW.replace("MIME", repr(EVIDENCE_MIME)).replace("PAYLOAD", repr(payload)))


def view(kind: str = "table", **fields: Any) -> dict[str, Any]:
    """A table as the kit shows findings: with marks, links and an anchor."""
    columns = [
        {"name": "id", "title": "Id", "kind": "code", "brief": 0},
        {"name": "status", "title": "Verdict", "kind": "status", "brief": None},
        {"name": "evidence", "title": "Evidence", "kind": "evidence", "brief": None},
    ]
    made = {
        "id": "findings",
        "caption": "Findings",
        "columns": columns,
        "rows": [["E0001", "pass", ["E0001", "E0002"]]],
        "listed": [],
        "cut": "none",
        "anchor": "id",
        "empty": "",
    }
    return {"kind": kind, **made, **fields}


def written(folder: Path, cells: Iterable[NotebookNode]) -> Path:
    path = folder / "mine.ipynb"
    nbformat.write(new_notebook(cells=[*cells]), path)  # type: ignore[no-untyped-call]
    return path


def kits_cells() -> list[NotebookNode]:
    return list(nbformat.read(ROOT / "notebooks" / "evidence_pack.ipynb", 4).cells)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Judged by a few controls; what the kit shows of them stands beside own cells."""
    controls = ["AR-05", "EX-04", "GV-01", "ID-02"]
    return Account(tmp_path_factory.mktemp("account"), controls=controls).fleet(FLEET).snapshot()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit's notebook with cells changed and added, and outputs that somebody wrote."""
    cells = kits_cells()
    for cell in cells:
        if cell.cell_type == "code" and "kit.show.cover" in cell.source:
            cell.outputs = [new_output("display_data", data={EVIDENCE_MIME: {"kind": "cover"}})]
    changed = next(cell for cell in cells if cell.get("id") == "limits")
    changed.source = f"## Limits\n\nNone. [Read](https://example.org/). Ask about {FLEET}."
    judged = next(cell for cell in cells if "kit.show.totals" in cell.source)
    judged.source = f"{judged.source}  # changed"
    added = [
        code(HOSTILE),
        code("kit.show.table(__import__('pandas').Series(seen), 'Attempts')"),
        displayed(view()),
        code("1 / 0 if False else None"),
        code("print('noise')", tags=["analyst"]),
    ]
    return written(tmp_path_factory.mktemp("own"), [*cells, *added])


@pytest.fixture(scope="module")
def pack(snapshot: Snapshot, notebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealed with the commands of the page, in a shell whose `evidence` prints its arguments."""
    place = tmp_path_factory.mktemp("sealed")
    run = place / "outputs" / "210987654321" / "2026-11-24T090000Z"
    run.mkdir(parents=True)
    (run / "snapshot").symlink_to(snapshot.folder)
    printing = place / ".venv" / "bin" / "evidence"
    printing.parent.mkdir(parents=True)
    printing.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    printing.chmod(0o755)
    typed = subprocess.run(
        ["bash", "-ec", "\n".join(commands(PAGE))],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    given = {"mine.ipynb": str(notebook)}
    arguments = [given.get(word, word) for word in typed.stdout.splitlines()]
    folder = place / arguments[arguments.index("--to") + 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-nobody")
        patch.setenv("EVIDENCE_KEY_PASSPHRASE", "of-nobody")
        patch.setenv("GITHUB_TOKEN", "of-nobody")
        patch.chdir(place)
        with chain.quick(with_pdf=True):
            done = CliRunner().invoke(main, [*arguments, "--quiet"])
    assert done.exit_code in (3, 4), done.output
    return folder


@pytest.fixture(scope="module")
def plain(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of the same snapshot without own cells, and without a PDF of its own."""
    to = tmp_path_factory.mktemp("plain") / "pack"
    chain.sealed(snapshot.folder, to)
    return to


@pytest.fixture(scope="module")
def cells(pack: Path) -> OwnCells:
    return parse_own_cells((pack / "data" / own_cells.CELLS).read_bytes())


@pytest.fixture
def copy(pack: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pack, tmp_path / "pack"))


def tables(cells: OwnCells) -> dict[str, Any]:
    shown = [part["view"] for part in cells.parts if "view" in part]
    return {view["caption"]: view for view in shown}


# --- what own cells can reach -----------------------------------------------------------------


def test_nothing_of_the_kit_differs_from_a_pack_without_own_cells(pack: Path, plain: Path) -> None:
    own, others = (
        {
            str(path.relative_to(made / "data")): path.read_bytes()
            for path in (made / "data").rglob("*")
            if path.is_file()
        }
        for made in (pack, plain)
    )
    marked = {name for name in own if own[name] != others.get(name)}
    # Pages and workbook state the mark, and so do OCSF and OSCAL, which quote it.
    quoting = {"oscal-assessment-results.json", "findings.xlsx"}
    assert marked - quoting - {"ocsf-findings.json", "ocsf-findings.ndjson"} == {
        *("own-cells.json", "evidence.html", "evidence.pdf")
    }
    page, other = (made / "data" / "evidence.html" for made in (pack, plain))
    start = '<section class="cover"'
    without = page.read_text().split('<section class="own"')[0].partition(start)[2]
    body = other.read_text().partition(start)[2].partition("</main>")[0]
    without = without.replace(f"<div><dt>{FACT}</dt><dd>{sha256_of(pack)}</dd></div>\n", "")
    without = re.sub(r"<li><code>data/own-cells\.json</code>.*?</li>", "", without)
    assert without.split() == body.split()


FACT = "Analyst&#39;s own notebook (SHA-256)"


def sha256_of(pack: Path) -> str:
    lines = (pack / "bag-info.txt").read_text().splitlines()
    return next(line for line in lines if line.startswith("Own-Notebook-SHA-256")).split()[1]


def test_the_snapshot_is_as_it_was(snapshot: Snapshot, pack: Path) -> None:
    assert read(snapshot.folder).digest == snapshot.digest


def test_no_network_no_process_and_no_setting_of_aws_is_there(
    cells: OwnCells, snapshot: Snapshot
) -> None:
    seen = dict(tables(cells)["Attempts"]["rows"])
    assert seen.pop("folder") != str(snapshot.folder)
    assert not seen.pop("settings")
    assert seen.keys() == {"connect", "resolve", "process", "shell", "spawn", "forkserver"}
    assert all(message.startswith("own cells") for message in seen.values())


def test_a_view_that_imitates_the_kits_is_plain(cells: OwnCells) -> None:
    shown = tables(cells)["Findings"]
    assert {column["kind"] for column in shown["columns"]} == {"code", "text"}
    assert {column["brief"] for column in shown["columns"]} == {None}
    assert shown["rows"] == [["E0001", "pass", "E0001, E0002"]]
    assert (shown["anchor"], shown["listed"], shown["cut"]) == (None, None, None)
    assert shown["id"].startswith("own-")


def test_the_kits_cells_show_nothing_here_and_changed_ones_are_the_analysts(
    cells: OwnCells,
) -> None:
    prose = [part["prose"] for part in cells.parts if "prose" in part]
    assert len(prose) == 1
    assert prose[0][0] == {"kind": "heading", "level": 2, "text": "Limits"}
    assert len(cells.parts) == 4  # that prose, totals changed, attempts, and the imitation


def test_names_are_labels_in_what_is_shown_and_in_the_source(cells: OwnCells, pack: Path) -> None:
    whole = cells.as_bytes().decode()
    assert "kit.show.totals(findings)  # changed" in whole
    assert FLEET not in whole
    assert FLEET not in (pack / "data" / "evidence.html").read_text()


def test_headings_are_marked_also_in_the_list_of_contents(cells: OwnCells, pack: Path) -> None:
    (heading,) = [block for block in cells.blocks() if block["kind"] == "heading"]
    assert heading["text"] == "Not the kit's own: Limits"
    contents = (pack / "data" / "evidence.html").read_text().partition("</nav>")[0]
    assert "the kit&#39;s own: Limits" in contents


def test_the_sha256_of_the_file_is_stated_and_its_outputs_are_not_taken(
    pack: Path, notebook: Path, cells: OwnCells
) -> None:
    sha256 = hashlib.sha256(notebook.read_bytes()).hexdigest()
    assert sha256_of(pack) == cells.sha256 == sha256
    page = (pack / "data" / "evidence.html").read_text()
    assert f"<dd>{sha256}</dd>" in page
    assert page.count('class="page-mark">With an analyst&#39;s own cells<') == 1


# --- what is refused --------------------------------------------------------------------------


def test_a_cell_that_fails_is_named_by_its_number_and_nothing_is_left(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    source = [
        new_markdown_cell("# Mine"),
        code('snapshot = ""', tags=["parameters"]),
        code("import kit"),
        code("kit.show.table([], 'Nothing')"),
    ]
    path = written(tmp_path, source)
    to = tmp_path / "made" / "pack"
    with chain.quick(), pytest.raises(UserError) as failed:
        seal(snapshot.folder, to, notebook=path, progress=False)
    assert str(failed.value).startswith(f"--notebook: {path}, cell 4 failed: UserError: ")
    assert "\n" not in str(failed.value)
    assert not to.parent.exists()


@pytest.mark.parametrize(
    ("tags", "index", "number"),
    [
        ([[], []], 1, 1),  # papermill's cell comes first
        ([[], ["parameters"], []], 0, 1),
        ([[], ["parameters"], []], 1, 2),
        ([[], ["parameters"], []], 3, 3),
        ([["parameters"], ["injected-parameters"], []], 2, 3),
    ],
)
def test_numbers_are_those_of_the_file(tags: list[list[str]], index: int, number: int) -> None:
    made = new_notebook(cells=[code("1", tags=own) for own in tags])
    assert own_notebook._number(made, index) == number


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is not a notebook"),
        ("{}", "is not a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', "is not a notebook"),
        (
            json.dumps(
                {
                    "nbformat": 4,
                    "nbformat_minor": 5,
                    "metadata": {"language_info": {"name": "R"}},
                    "cells": [],
                }
            ),
            "is in R",
        ),
    ],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text(content)
    with pytest.raises(UserError, match=why):
        read_own_notebook(path)


def test_a_missing_notebook_is_refused_before_anything_is_executed(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        seal(snapshot.folder, tmp_path / "pack", notebook=tmp_path / "none.ipynb", progress=False)


@pytest.mark.parametrize(
    "shown",
    [
        Cover("t", "s", [], "2026-01-01T00:00:00+00:00"),
        Data("findings", [], {}),
        views.Controls([]),
        views.Remedies([]),
    ],
)
def test_views_of_the_kit_alone_are_refused(shown: views.View) -> None:
    with pytest.raises(ValueError, match="of the kit alone"):
        plain_view(shown.as_json(), str)


@pytest.mark.parametrize("given", [{"kind": "table"}, {"kind": "spell"}, {**view(), "rows": [[1]]}])
def test_malformed_views_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        plain_view(given, str)


HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


def png(across: int, down: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + across.to_bytes(4) + down.to_bytes(4) + bytes(9)
    return f"data:image/png;base64,{base64.b64encode(head).decode()}"


def nested_uses(levels: int) -> str:
    """A picture of a few elements that draws ten to the power of the levels."""
    made = '<g id="a0"><path d="M 0 0"/></g>'
    for level in range(levels):
        uses = 10 * f'<use href="#a{level}"/>'
        made += f'<g id="a{level + 1}">{uses}</g>'
    return made


@pytest.mark.parametrize(
    "inside",
    [
        nested_uses(7),
        nested_uses(12),
        '<g id="a"><use href="#a"/></g>',
        '<g id="a" clip-path="url(#a)"/>',
        f'<image href="{png(14_000, 14_000)}"/>',
        f'<image id="a" href="{png(3_000, 3_000)}"/><use href="#a"/><use href="#a"/>',
        "<g>" * 3_000 + "</g>" * 3_000,
        "<style>.payroll {fill: red}</style>",
    ],
)
def test_a_picture_that_draws_without_end_is_refused(inside: str) -> None:
    with pytest.raises(ValueError, match=r"a figure "):
        plain_svg(f"{HEAD}{inside}</svg>", str)


@pytest.mark.parametrize(
    "inside",
    [
        f'<g id="{FLEET}" class="{FLEET}" aria-label="{FLEET}" data-a="{FLEET}" gid="{FLEET}"/>',
        f'<path id="{FLEET}" d="M 0 0"/><use href="#{FLEET}"/><g clip-path="url(#{FLEET})"/>',
        f'<g fill="{FLEET}" style="fill: {FLEET}" transform="{FLEET}"/>',
        f'<g style="fill: red /* {FLEET} */"/><style>/* {FLEET} */ * {{fill: red}}</style>',
        f"<g>{FLEET}</g><!-- {FLEET} --><text>{FLEET}</text>{FLEET}",
        f'<use href="#{FLEET}"/><g clip-path="url(#{FLEET})"/>',
    ],
)
def test_names_are_nowhere_in_a_picture(inside: str) -> None:
    def shown(text: str) -> str:
        return text.replace(FLEET, "label")

    once = plain_svg(f"{HEAD}{inside}</svg>", shown)
    assert FLEET not in once
    assert plain_svg(once, str) == once


def test_a_picture_of_matplotlib_stays_as_it_is_drawn() -> None:
    from matplotlib.figure import Figure as Canvas

    axes = Canvas(figsize=(4, 3)).add_subplot()
    axes.plot([1, 2, 3], label="a")
    axes.bar([1, 2], [1, 2], hatch="//")
    axes.imshow([[0, 1], [1, 0]])
    axes.legend()
    drawn = svg(axes.figure)
    once = plain_svg(drawn, FreeText())
    for kept in (
        "style=",
        "clip-path=",
        "transform=",
        " d=",
        "<use ",
        "data:image/png",
        "viewBox=",
    ):
        assert once.count(kept) == drawn.count(kept)
    assert plain_svg(once, str) == once


@pytest.mark.parametrize(
    "inside",
    [
        "<script>1</script>",
        "<foreignObject><p/></foreignObject>",
        '<image href="https://example.org/a.png"/>',
        '<image href="data:image/svg+xml;base64,AAAA"/>',
        '<use xlink:href="file:///etc/passwd#a"/>',
        '<g onload="1"/>',
        '<g style="fill: url(https://example.org/)"/>',
        "<style>@import 'a'</style>",
        '<animate attributeName="x"/>',
        "<p xmlns='http://www.w3.org/1999/xhtml'/>",
    ],
)
def test_a_picture_that_does_more_than_draw_is_refused(inside: str) -> None:
    with pytest.raises(ValueError, match=r"a figure "):
        plain_svg(f"{HEAD}{inside}</svg>", str)


def test_a_picture_is_drawn_with_labels_and_stays_the_same_from_then_on() -> None:
    drawn = f'{HEAD}<metadata>x</metadata><g id="a"><text>of {FLEET}<tspan>b</tspan></text></g>'
    drawn += '<use xlink:href="#a"/><image href="' + png(9, 9) + '"/></svg>'
    once = plain_svg(drawn, lambda text: text.replace(FLEET, "label"))
    assert "of label" in once
    assert "metadata" not in once
    assert plain_svg(once, str) == once


@pytest.mark.parametrize(
    "source",
    [
        "of finance\\-desktop here",
        "see Finance\n Desktop, and more",
        "see finance-**desk**top",
        "`finance-desktop`",
        "# finance\\-desktop",
        "[a](https://example.org/finance%2Ddesktop)",
        "| a |\n|---|\n| *finance*-desktop |",
        "- 1\n\n  finance\\-desktop",
    ],
)
def test_names_are_labels_in_prose_however_it_is_written(source: str) -> None:
    def shown(text: str) -> str:
        return re.sub("finance[- ]desktop", "label", text, flags=re.IGNORECASE)

    made = plain_prose(headings_and_prose(source), shown)
    assert not re.search("desk", json.dumps(made), re.IGNORECASE)
    assert plain_prose(made, str) == made


def test_entities_and_pictures_that_are_no_svg_are_refused() -> None:
    for drawn in ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "<svg", "<svg/>"):
        with pytest.raises(ValueError, match="a figure "):
            plain_svg(drawn, str)


LIVING = """
import os, subprocess, sys
from kit.warm.environment import unreadable

read = "import os; print(open(f'/proc/{os.getppid()}/environ').read().count('of-nobody'))"
def readable() -> str:
    return subprocess.run([sys.executable, "-c", read], capture_output=True, text=True).stdout.strip()

before = readable()
with unreadable():
    within = readable()
print(before, within or 0, os.environ["A_SECRET"], os.popen("echo $A_SECRET").read().strip())
"""


def test_no_other_process_reads_the_environment_of_the_process_that_seals() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIVING],
        env={**os.environ, "A_SECRET": "of-nobody"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "0", "of-nobody", "of-nobody"]


ENDLESS = "import threading; threading.Event().wait()"  # which takes no processor meanwhile


def test_a_cell_that_never_ends_is_interrupted_and_what_cells_print_is_not_kept(
    tmp_path: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_notebook, "CELL_SECONDS", 5)
    cells = [code("for _ in range(30): print('x' * 10_000_000)"), code(ENDLESS)]
    given = read_own_notebook(written(tmp_path, cells))
    with pytest.raises(UserError, match=r"cell 2 failed: TimeoutError: .* 5 seconds"):
        own_notebook.run_own_cells(given, snapshot)


# --- verify -----------------------------------------------------------------------------------


def test_verify_reports_own_cells_as_not_compared_and_all_else_as_it_is(
    pack: Path, snapshot: Snapshot
) -> None:
    for checks in (verify(pack), verify(pack, against=snapshot.folder)):
        assert all(check.ok for check in checks), [c.line for c in checks if not c.ok]
        assert OWN in {check.subject for check in checks if check.open == NOT_COMPARED}


def test_pages_are_compared_beside_own_cells(
    copy: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (copy / "data" / "evidence.pdf").read_bytes()  # as the test above shows
    monkeypatch.setattr(again, "pdf", lambda *_, **__: made)
    page = copy / "data" / "evidence.html"
    page.write_text(page.read_text().replace("Open points", "Closed points"))
    reseal(copy)
    wrong = {c.subject for c in verify(copy, against=snapshot.folder) if not c.ok}
    assert wrong == {"data/evidence.html"}


def test_a_character_of_own_cells_does_not_choose_what_is_compared(
    copy: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = fonts.Face("Foreign", Path("/foreign.ttf"), frozenset({ord("\u4e2d")}))
    kits = fonts.faces_for

    def faces_for(characters: Iterable[str]) -> tuple[fonts.Face, ...]:
        given = set(characters)
        return (*kits(given), *([foreign] if "\u4e2d" in given else []))

    monkeypatch.setattr(fonts, "faces_for", faces_for)
    path = copy / "data" / "own-cells.json"
    path.write_text(path.read_text().replace("None. ", "\u4e2d. "))
    pdf = copy / "data" / "evidence.pdf"
    pdf.write_bytes(pdf.read_bytes() + b"% forged\n")
    reseal(copy)
    checks = [c for c in verify(copy, against=snapshot.folder) if c.subject == "data/evidence.pdf"]
    assert not all(check.ok for check in checks)
    assert NOT_COMPARED not in {check.open for check in checks}


def test_own_cells_that_no_pdf_can_hold_are_a_failed_check(
    copy: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import pickle, sys, typst; "
        r"pickle.dump(typst.TypstError('a figure\nin the document'), sys.stdout.buffer)"
    )
    monkeypatch.setattr(pdf_module, "_TYPESETTER", (sys.executable, "-c", code))
    wrong = {c.subject for c in verify(copy, against=snapshot.folder) if not c.ok}
    assert wrong == {"data/evidence.pdf"}


MARKED = '<p class="own-mark">'
FORGED: list[tuple[str, str, str]] = [
    # file, old, new
    ("data/evidence.html", MARKED, '<p class="own-mark">Approved: '),
    ("data/evidence.html", '<section class="own"', '<section class="cover"'),
    ("data/evidence.html", "</section>\n</main>", "</section><p>More.</p></main>"),
    ("data/own-cells.json", '"kind": "text"', '"kind": "status"'),
    ("data/own-cells.json", '"sha256": "', '"sha256": "0'),
    ("data/own-cells.json", '"anchor": null', '"anchor": "c1"'),
    ("bag-info.txt", "Own-Notebook-SHA-256: ", "Own-Notebook-SHA-256: 0"),
    ("bag-info.txt", "Own-Notebook-SHA-256: ", "Thresholds: "),
]


@pytest.mark.parametrize(("name", "old", "new"), FORGED)
def test_forged_own_cells_are_reported(copy: Path, name: str, old: str, new: str) -> None:
    path = copy / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    reseal(copy)
    assert not all(check.ok for check in verify(copy))


def test_own_cells_of_another_notebook_are_reported(copy: Path) -> None:
    path = copy / "data" / own_cells.CELLS
    path.write_text(path.read_text().replace(sha256_of(copy), "0" * 64))
    reseal(copy)
    assert f"data/{own_cells.CELLS}" in {check.subject for check in verify(copy) if not check.ok}


def test_a_mark_of_a_verdict_in_own_cells_is_reported(copy: Path) -> None:
    page = copy / "data" / "evidence.html"
    kits, own = page.read_text().split('<section class="own"')
    mark = kits[kits.index('<span class="mark') :]
    mark = mark[: mark.index("</span>", mark.index("</span>") + 1) + len("</span>")]
    page.write_text(f'{kits}<section class="own"{own.replace(">pass<", f">{mark}<", 1)}')
    reseal(copy)
    assert not all(check.ok for check in verify(copy))


def test_a_file_of_own_cells_without_its_label_is_reported(plain: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "pack"))
    (folder / "data" / "own-cells.json").write_text("{}")
    reseal(folder)
    assert "data/own-cells.json" in {c.subject for c in verify(folder) if not c.ok}


def test_own_cells_in_the_kits_form_are_read_again(cells: OwnCells) -> None:
    assert parse_own_cells(cells.as_bytes()) == cells
    table = Table("own-a", "a", [Column("c1", "A")], [["b"]], empty="")
    figure = Figure("own-f", plain_svg(f"{HEAD}</svg>", str), "alt", "f")
    parts = [{"cell": 1, "view": shown.as_json()} for shown in (table, figure, Note("n"))]
    prose = headings_and_prose("# A\n\nb [c](#d)\n\n1. e\n   - f\n\n| g |\n|-|\n| `h` |")
    made = OwnCells("0" * 64, [*parts, {"cell": 2, "prose": prose}], [])
    assert parse_own_cells(made.as_bytes()) == made
    assert [block["kind"] for block in made.blocks()] == [
        *("table", "figure", "note", "heading", "prose")
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"sha256": 1, "parts": [], "source": []}',
        b'{"sha256": "%s", "parts": {}, "source": []}' % (b"0" * 64),
        b'{"sha256": "%s", "parts": [3], "source": []}' % (b"0" * 64),
        b'{"sha256": "%s", "parts": [{"cell": 1}], "source": []}' % (b"0" * 64),
        b'{"sha256": "%s", "parts": [{"cell": 1, "prose": [{"kind": "prose", "nodes": [{"t": "html"}]}]}], "source": []}'
        % (b"0" * 64),
        b'{"sha256": "%s", "parts": [], "source": 3}' % (b"0" * 64),
    ],
)
def test_own_cells_in_another_form_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_own_cells(content)
