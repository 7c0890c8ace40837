"""Packs made from packs, through the command, and opened as a reader opens them."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import bagit
import openpyxl
import pypdf
import pytest
from playwright.sync_api import Browser

from kit.controls import CONTROLS
from kit.overviews.changes import refuse_other_keys
from kit.overviews.document import Overview
from kit.overviews.organisation import roll_up
from kit.overviews.organisation_views import accounts, result
from kit.overviews.packs import open_pack
from kit.pack.info import organisation_description
from kit.report.result import verdict_sentence
from kit.verify import ending, verify
from kit.verify.checks import UNSIGNED
from tests.commands import Done, evidence
from tests.inprocess import without_kernel
from tests.pack.forging import reseal
from tests.pack.test_pages_of_packs import FULL, Page
from tests.pages import commands
from tests.sealed import row, seal

ONE, TWO = "111111111111", "222222222222"


def as_printed(outputs: Path, name: str, *options: str) -> Done:
    """Run the page's command beside the outputs, with further options."""
    (command,) = commands("docs/doors.md", f".venv/bin/evidence {name} ")
    return evidence(*command.split()[1:], *options, cwd=outputs.parent)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout") / "outputs"
    for days, status in enumerate(("fail", "pass")):
        seal(root, ONE, [row("AR-05", "bucket-a", status, observed=f"Seen: {days}")], days)
        seal(root, TWO, [row("AR-05", "bucket-b", "pass"), row("EX-01", "stack-a", status)], days)
    return root


@pytest.fixture(scope="module")
def organisation(outputs: Path) -> Path:
    done = as_printed(outputs, "organisation", "--expect", "333333333333", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "accounts: 2, 0 of them with a fail" in done.stdout
    return outputs / "organisation" / "2026-08-02T090000Z" / "pack"


@pytest.fixture(scope="module")
def changes(outputs: Path, organisation: Path) -> Path:
    assert organisation.is_dir()  # an overview below the same folder is no account's pack
    with without_kernel():
        done = as_printed(outputs, "compare", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "changes: 2 closed" in done.stdout
    return outputs / "changes" / "2026-08-02T090000Z" / "pack"


@pytest.mark.parametrize("name", ["organisation", "changes"])
def test_an_overview_is_a_bag(name: str, request: pytest.FixtureRequest) -> None:
    pack = request.getfixturevalue(name)
    assert bagit.Bag(str(pack)).is_valid()
    text = "".join(
        page.extract_text() for page in pypdf.PdfReader(pack / "data/evidence.pdf").pages
    )
    assert "NOT AWS: made up" in text
    assert ("333333333333" in text) == (name == "organisation")


@pytest.mark.parametrize("name", ["organisation", "changes"])
def test_an_overview_verifies_and_what_was_changed_in_it_does_not(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    pack = Path(shutil.copytree(request.getfixturevalue(name), tmp_path / "pack"))
    checks = verify(pack)
    assert [check.line for check in checks if not check.ok] == []
    assert [*ending(checks)][-1] == UNSIGNED
    for change, reported in (
        (("data/evidence.html", b"<h1>", b"<h1 onclick='a()'>"), "a page as the kit writes it"),
        (("data/evidence.html", b"<style>", b"<style>p{}"), "the kit's style"),
        (("bag-info.txt", b"NOT AWS: made up", b"none"), "the stamp none"),
        (
            ("bag-info.txt", b"External-Description: ", b"External-Description: All "),
            "expected External-Description .*observed: All",
        ),
        (("bag-info.txt", b"2026-08-02T", b"2026-09-02T"), "Evidence-As-Of|the day of"),
    ):
        path, old, new = pack / change[0], *change[1:]
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))
        reseal(pack)
        lines = [check.line for check in verify(pack) if not check.ok]
        assert re.search(reported, "\n".join(lines)), lines
        path.write_bytes(content)
    reseal(pack)
    (pack / "data" / "evidence.pdf").unlink()
    reseal(pack)
    assert any("data/evidence.pdf: expected a file" in check.line for check in verify(pack))


def test_its_result_sums_up_the_accounts(organisation: Path) -> None:
    reader = pypdf.PdfReader(organisation / "data" / "evidence.pdf")
    verdicts = verdict_sentence({"AR-05": "pass", "EX-01": "pass"})
    assert (
        "The kit summed up the newest packs of 2 accounts, with evidence as of 2026-08-02 09:00 UTC, "
        f"and 3 findings. 0 of 2 accounts have a fail. Each control counts with its worst account. {verdicts} "
        "No finding lacks evidence."
    ) in " ".join(reader.pages[0].extract_text().split())


def test_its_result_names_what_fails_and_lacks_evidence_and_is_missing(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("AR-05", "a", "fail"), row("EX-01", "s", "pass")])
    seal(tmp_path, TWO, [row("EX-01", "s", "not evidenced", reason="not declared")], days=1)
    made = result(roll_up(tmp_path, ["333333333333"])).text
    assert "evidence as of 2026-08-01 09:00 UTC to 2026-08-02 09:00 UTC, and 3 findings." in made
    assert "1 of 2 accounts has a fail. 1 other account has no fail, but lacks evidence." in made
    verdicts = verdict_sentence({"AR-05": "fail", "EX-01": "not evidenced"})
    assert f"Each control counts with its worst account. {verdicts} Of 3 findings, 1 lacks" in made
    assert "1 lacks evidence: 1 needs a declaration in the parameters." in made
    assert made.endswith("1 expected account has no pack.")


def test_its_first_table_has_the_accounts_with_most_fails_first(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("EX-01", "s", "not evidenced", reason="not declared")])
    seal(tmp_path, TWO, [row("AR-05", "a", "fail"), row("EX-01", "s", "pass")])
    seal(tmp_path, "333333333333", [row("AR-05", "a", "pass")])
    table = accounts(roll_up(tmp_path))
    assert [line[0][0] for line in table.rows] == [TWO, ONE, "333333333333"]


def test_its_contents_stand_in_two_columns_of_like_length(organisation: Path) -> None:
    reader = pypdf.PdfReader(organisation / "data" / "evidence.pdf")
    text = "".join(page.extract_text(extraction_mode="layout") for page in reader.pages)
    lines = [line.strip() for line in text.partition("Contents")[2].splitlines() if line.strip()]
    assert re.match(r"Summary[ .\u2060]+1 +Coverage|Summary[ .\u2060]+1 +The packs", lines[0])


def test_its_table_is_there_for_programs(organisation: Path, changes: Path) -> None:
    accounts = list(csv.DictReader((organisation / "data" / "accounts.csv").open(newline="")))
    assert [(line["account"], line["pass"]) for line in accounts] == [(ONE, "1"), (TWO, "2")]
    rows = list(csv.DictReader((changes / "data" / "changes.csv").open(newline="")))
    assert [(line["account"], line["change"], line["observed_after"]) for line in rows] == [
        (ONE, "closed", "Seen: 1"),
        (TWO, "closed", ""),
    ]


def test_its_verdicts_and_its_workbook_say_the_same(organisation: Path) -> None:
    verdicts = list(csv.DictReader((organisation / "data" / "verdicts.csv").open(newline="")))
    assert {line["account"] for line in verdicts} == {ONE, TWO}
    assert list(verdicts[0]) == ["account", "control", "title", "severity", "status"]
    book = openpyxl.load_workbook(organisation / "data" / "accounts.xlsx")
    assert book.sheetnames[:2] == ["About", "Accounts"]
    assert book["About"]["A2"].value.endswith("2 accounts")
    rows = list(book["Verdicts"].iter_rows(min_row=3, values_only=True))
    assert rows == [tuple(line.values()) for line in verdicts]
    assert [row[0] for row in book["Accounts"].iter_rows(min_row=3, values_only=True)] == [ONE, TWO]


def test_each_line_of_its_workbook_s_first_sheet_is_as_high_as_its_words(
    organisation: Path,
) -> None:
    sheet = openpyxl.load_workbook(organisation / "data" / "accounts.xlsx")["About"]
    heights = {cell.value: sheet.row_dimensions[cell.row].height for cell in sheet["A"]}
    assert heights["Expected accounts without a pack"] == 30  # points, of two lines


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        (b",pass\r\n", b",fail\r\n", f"{ONE}: expected pass at worst, as in data/accounts.csv"),
        (b",pass\r\n", b",good\r\n", f"{ONE}: expected pass at worst, as in data/accounts.csv"),
        (ONE.encode(), b"999999999999", "999999999999: expected an account of data/accounts.csv"),
        (b"account,", b"account,account,", "data/verdicts.csv: expected a table"),
    ],
)
def test_verify_compares_the_verdicts_with_the_accounts(
    organisation: Path, tmp_path: Path, old: bytes, new: bytes, reported: str
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(organisation, pack)
    path = pack / "data" / "verdicts.csv"
    path.write_bytes(path.read_bytes().replace(old, new))
    reseal(pack)
    lines = [check.line for check in verify(pack) if not check.ok]
    assert any(reported in line for line in lines), lines


def test_an_overview_of_an_earlier_kit_has_neither(organisation: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(organisation, pack)
    for name in ("verdicts.csv", "accounts.xlsx"):
        (pack / "data" / name).unlink()
    reseal(pack)
    wrong = [check.line for check in verify(pack) if not check.ok]
    assert all("README.txt" in line for line in wrong), wrong


def test_the_title_counts_a_single_account_as_one() -> None:
    assert "evidence of 1 account, Amazon" in organisation_description(1)
    assert "evidence of 2 accounts, Amazon" in organisation_description(2)


def test_its_page_leads_to_the_packs_and_sends_no_request(
    organisation: Path, browser: Browser
) -> None:
    page = browser.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    address = (organisation / "data" / "evidence.html").resolve().as_uri()
    page.goto(address)
    links = page.locator("#table-accounts tbody a").evaluate_all("all => all.map(a => a.href)")
    assert [link.rpartition("/pack/")[2] for link in links] == ["data/evidence.html"] * 2
    packs = [Path(unquote(link.removeprefix("file://"))).parent.parent for link in links]
    assert all((pack / "bag-info.txt").is_file() for pack in packs)
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
    page.close()


@pytest.mark.usefixtures("notebook_here")
def test_the_same_packs_make_the_same_overview(
    outputs: Path, organisation: Path, tmp_path: Path
) -> None:
    place = outputs / "again" / "once" / "pack"  # as deep, so that links are the same
    options = ("--expect", "333333333333", "--fail-on", "fails", "--to", place, "--quiet")
    done = evidence("organisation", outputs, *options, cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    assert "without a pack: 333333333333" in done.stdout
    manifests = [(pack / "manifest-sha256.txt").read_text() for pack in (organisation, place)]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["organisation", "."], "evidence: .: no pack lies below it"),
        (["organisation", "nowhere"], "evidence: nowhere: is not a folder"),
        (["compare", "nowhere"], "evidence: nowhere: is not a folder"),
        (["organisation", ".", "--expect", "12"], "evidence: --expect: '12': must be"),
        (["organisation", ""], "evidence: PACKS: the path is empty"),
        (["compare", "nowhere", "--to", ""], "evidence: --to: the path is empty"),
    ],
)
def test_a_mistake_is_reported(arguments: list[str], reported: str, tmp_path: Path) -> None:
    done = evidence(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(reported)


@pytest.mark.parametrize("command", ["organisation", "compare", "seal"])
@pytest.mark.parametrize(
    ("place", "code"), [("file", 2), (".", 2), ("file/pack", 1), ("/proc/none/pack", 1)]
)
def test_a_place_where_no_pack_can_be_made_is_named_before_anything_else(
    command: str, place: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    done = evidence(command, "nowhere", "--to", place, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.startswith(f"evidence: --to: {place} ")) == (code, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.usefixtures("notebook_here")
@pytest.mark.parametrize("command", ["organisation", "compare"])
def test_an_overview_of_the_same_packs_stays_and_another_gets_a_place_of_its_own(
    command: str, tmp_path: Path
) -> None:
    for day in (0, 1):
        seal(tmp_path / "outputs", ONE, [row("AR-05", "b", "pass")], day)

    def made(*options: str) -> tuple[Path, bool]:
        done = evidence(command, "outputs", "--quiet", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        place, *others = done.stdout.splitlines()
        return tmp_path / place.removeprefix("pack: "), "made already" not in others[0]

    first, is_new = made()
    assert (is_new, made()) == (True, (first, False))
    run = first.parent
    if command == "organisation":
        second = run.with_name(f"{run.name}-2") / "pack"
        expecting = ("--expect", TWO)
        assert [made(*expecting), made(*expecting), made()] == [
            (second, True),
            (second, False),
            (first, False),
        ]
    page = first / "data" / "evidence.html"
    page.write_text(page.read_text() + " ")  # which is no longer what the packs give
    last, is_new = made()
    assert (last.parent.parent, last != first, is_new) == (run.parent, True, True)


@pytest.mark.usefixtures("notebook_here")
def test_packs_of_different_label_keys_need_a_flag(tmp_path: Path) -> None:
    first = seal(tmp_path, ONE, [row("AR-05", "b", "fail")])
    seal(tmp_path, ONE, [row("AR-05", "c", "fail")], 1, **{"Pseudonym-Key": "fedcba9876543210"})
    done = evidence("compare", tmp_path, "--quiet", cwd=tmp_path)
    assert done.returncode == 2
    assert all(
        key in done.stderr for key in ("fedcba9876543210", "0123456789abcdef", "--other-keys")
    )
    other = seal(tmp_path / "x", TWO, [row("AR-05", "b", "fail")], 1)
    refuse_other_keys([open_pack(first)], [open_pack(other)])  # accounts have keys of their own


@pytest.mark.usefixtures("notebook_here")
@pytest.mark.parametrize(
    ("keys", "options", "compared"),
    [("aaab", (), (1, 2)), ("aba", (), (0, 2)), ("ab", ("--other-keys",), (0, 1))],
)
def test_a_pack_of_another_label_key_is_answered_with_a_command_that_compares(
    keys: str, options: tuple[str, ...], compared: tuple[int, int], tmp_path: Path
) -> None:
    """A pack each day, among which another key is as the demo's among a user's own."""
    packs = [
        seal(
            tmp_path / "all packs", ONE, [row("AR-05", "b", "pass")], day, **{"Pseudonym-Key": key}
        )
        for day, key in enumerate(keys)
    ]
    done = evidence("compare", "all packs", "--quiet", cwd=tmp_path)
    assert done.returncode == 2
    commands = [shlex.split(text) for text in re.findall("`evidence (.*?)`", done.stderr)]
    folders = [str(packs[n].relative_to(tmp_path)) for n in compared]
    named = next(command for command in commands if command == ["compare", *options, *folders])
    done = evidence(*named, "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("notebook_here")
def test_what_is_newly_open_is_counted_and_can_raise_an_alarm(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("AR-05", "b", "pass")])
    seal(tmp_path, ONE, [row("AR-05", "b", "fail")], 1)
    packs = sorted(tmp_path.glob(f"{ONE}/*/pack"))
    options = ("--fail-on", "newly-open", "--to", tmp_path / "changes", "--json", "--quiet")
    done = evidence("compare", *packs, *options, cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["changes"]["newly_open"]) == (3, 1)


@pytest.mark.parametrize(
    ("newly_open", "options", "code"), [(1, [], 0), (0, ["--fail-on", "newly-open"], 0)]
)
def test_what_is_newly_open_ends_the_command_only_where_it_is_to(
    newly_open: int, options: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Overview(
        tmp_path,
        [],
        {
            "counts": {"newly_open": newly_open},
            "remarks": ["Of two."],
            "no_interface": ["AR-04"],
        },
    )
    monkeypatch.setattr("kit.overviews.document.seal_changes", lambda *_, **__: made)
    done = evidence("compare", tmp_path, *options, cwd=tmp_path)
    assert done.returncode == code
    assert done.stdout.splitlines()[-2:] == [
        "not counted, since no interface of AWS shows it: AR-04",
        "not comparable in all: Of two.",
    ]


@pytest.mark.usefixtures("notebook_here")
def test_no_page_in_the_middle_of_a_comparison_is_half_empty(tmp_path: Path) -> None:
    """What was observed is long, and stands side by side: every page lies on its side."""
    for days, status in enumerate(("pass", "fail", "not evidenced")):
        for account, most in ((ONE, 40), (TWO, 70)):
            rows = [
                row(name, f"{account}-{n}", other, observed=f"{n}: " + "Seen in part: no; " * n)
                for n, name in enumerate([*CONTROLS][:most])
                for other in (status if n % 3 else "pass",)
            ]
            seal(tmp_path, account, rows, days)
    done = evidence("compare", tmp_path, "--to", tmp_path / "made", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = ["pdftotext", "-bbox-layout", str(tmp_path / "made/data/evidence.pdf"), "-"]
    boxes = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    pages = [Page(source) for source in boxes.split("<page ")[1:]]
    assert len(pages) > 6
    assert all(page.width > page.height for page in pages)
    # The last section starts a page unless half of one is left.
    reached = {number: page.reach() for number, page in enumerate(pages[:-2], 1)}
    assert {number: reach for number, reach in reached.items() if reach < FULL} == {}
    words = " ".join(words for page in pages for _, _, words in page.lines)
    assert "no interface of AWS shows (AR-04)" in words
    assert "more characters in the HTML and the CSV file)" in words


@pytest.mark.usefixtures("notebook_here")
def test_a_pack_is_not_compared_with_itself(tmp_path: Path) -> None:
    pack = seal(tmp_path, ONE, [row("AR-05", "b", "fail")])
    (tmp_path / "link").symlink_to(pack)
    for later in (pack, tmp_path / "link", tmp_path):
        done = evidence("compare", pack, later, "--quiet", cwd=tmp_path)
        assert (done.returncode, "is the pack of EARLIER too" in done.stderr) == (2, True)
    assert not [*tmp_path.glob("**/changes")]


@pytest.mark.usefixtures("notebook_here")
def test_packs_in_the_wrong_order_or_of_two_accounts_are_a_mistake_of_the_user(
    tmp_path: Path,
) -> None:
    first, second = (seal(tmp_path, ONE, [row("AR-05", "b", "fail")], days) for days in (0, 1))
    other = seal(tmp_path, TWO, [row("AR-05", "b", "fail")], 2)
    for packs, reported in (
        ((second, first), f"the second pack ({first}) is the earlier pack; name the earlier pack"),
        ((first, other), f"the packs have no account in common: {ONE} and {TWO}"),
    ):
        done = evidence("compare", *packs, "--to", tmp_path / "x", "--quiet", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"evidence: {reported}")
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("notebook_here")
def test_what_only_one_pack_covers_is_in_the_terminal_too(tmp_path: Path) -> None:
    seal(tmp_path, ONE, [row("AR-05", "b", "pass")], Regions="eu-central-1, eu-west-1")
    seal(tmp_path, ONE, [row("AR-05", "b", "pass")], 1, Regions="eu-central-1")
    done = evidence("compare", tmp_path, "--quiet", "--json", cwd=tmp_path)
    (remark,) = json.loads(done.stdout)["remarks"]
    assert "the earlier alone covers the region eu-west-1" in remark


@pytest.mark.parametrize(
    ("fails", "options", "code"),
    [
        (1, ["--fail-on", "fails"], 3),
        (1, ["--fail-on", "fails", "--expect", TWO], 3),
        (0, ["--fail-on", "fails", "--expect", TWO], 4),
        (0, ["--fail-on", "fails", "--expect", ONE], 0),
        (1, ["--expect", TWO], 0),
    ],
)
def test_an_alarm_can_rest_on_the_accounts_of_an_organisation(
    fails: int, options: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Overview(tmp_path, [{"account": ONE, "fail": fails}], {})
    monkeypatch.setattr("kit.overviews.document.seal_organisation", lambda *_, **__: made)
    assert evidence("organisation", tmp_path, *options, cwd=tmp_path).returncode == code
